"""Peak memory of one contender in a process of its own, in units of the state.

`python -m validation.race.memory NAME COUNT ROWS` prints the growth of the resident set during a
run, above what the process held before it (the start x_T included), divided by the bytes of the
state. A run of full size comes first, so that code is loaded and compiled; Linux then forgets the
peak so far (`/proc/self/clear_refs`). Large blocks go back to the system as soon as they are freed
(glibc's MALLOC_MMAP_THRESHOLD_), so that the peak holds what is in use and nothing else. Where the
system is another one, or does not allow it, nothing is printed.
"""

import gc
import os
import subprocess
import sys
from pathlib import Path

from validation.dependencies import ROOT

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_over_state(name: str, count: int, rows: int) -> float | None:
    """Measured in a child; None where the system does not tell."""
    command = [sys.executable, "-m", "validation.race.memory", name, str(count), str(rows)]
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(2**20)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    words = done.stdout.split()
    return float(words[-1]) if words else None


def _kilobytes(field: str) -> int:
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    raise OSError(f"{STATUS} has no {field}.")


def main(name: str, count: int, rows: int) -> None:
    """Run twice and print the growth of the second run."""
    import torch

    from validation.race.contenders import contenders
    from validation.race.problem import work

    torch.set_num_threads(1)
    task, run = work(count, rows, 0), contenders()[0][name]
    run(task, None)
    gc.collect()
    try:
        CLEAR.write_text("5", encoding="ascii")
        before = _kilobytes("VmRSS:")
        run(task, None)
        growth = (_kilobytes("VmHWM:") - before) * 1024
    except OSError:
        return
    print(growth / (task.start.numel() * task.start.element_size()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
