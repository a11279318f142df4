"""`torchrun` as the documentation gives it: two nodes, a process killed, and the run continued."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gbm_fast.checkpoints import checkpoint_steps
from gbm_fast.config import TrainConfig, resolve
from gbm_fast.pipeline import run_training
from tests.fast.processes import DEADLINE, free_port
from tests.fast.tiny_runs import saved
from tests.source_tree import ROOT

# Every step is a checkpoint, so that the run takes some seconds and is killed in the middle.
STEPS, EVERY = 300, 5
OPTIONS = {
    "dataset": "lognormal-2d",
    "width": 8,
    "depth": 1,
    "batch_size": 7,
    "steps": STEPS,
    "checkpoint_every": EVERY,
    "precision": "float64",
    "metrics_images": 0,
    "device": "cpu",
}


def documented_command(folder: Path, port: int) -> list[str]:
    """The line of docs/training.md for several machines, with one process a node."""
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    line = re.findall(r"^ {4}(torchrun --nnodes 2 .*)$", text, re.MULTILINE)[0]
    settings = [f"--{name.replace('_', '-')} {value}" for name, value in OPTIONS.items()]
    replaced = {
        "--nproc-per-node 8": "--nproc-per-node 1",
        "HOST:29500": f"127.0.0.1:{port}",
        "--dataset mnist --data-dir DIR": " ".join(settings),
        "RUN": str(folder),
    }
    for old, new in replaced.items():
        assert line.count(old) == 1
        line = line.replace(old, new)
    _, *arguments = shlex.split(line)
    return [sys.executable, "-m", "torch.distributed.run", *arguments]


def workers(agent: subprocess.Popen[bytes]) -> list[int]:
    """The processes that an agent has started."""
    path = Path(f"/proc/{agent.pid}/task/{agent.pid}/children")
    return [int(number) for number in path.read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_the_documented_command_survives_a_killed_process(tmp_path: Path) -> None:
    """Two agents of one process each; the parameters are those of one process, to 1e-12."""
    command = documented_command(tmp_path / "run", free_port())
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    logs = [(tmp_path / f"{node}.log").open("wb") for node in range(2)]
    agents = [
        subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        for log in logs
    ]
    try:
        deadline = time.monotonic() + DEADLINE
        while max(checkpoint_steps(tmp_path / "run"), default=0) < 2 * EVERY:
            assert time.monotonic() < deadline, (tmp_path / "0.log").read_text()
            time.sleep(0.01)
        os.kill(workers(agents[1])[0], signal.SIGKILL)
        statuses = [agent.wait(DEADLINE) for agent in agents]
    finally:
        for agent, log in zip(agents, logs, strict=True):
            agent.kill()
            agent.wait()
            log.close()
    shown = "".join((tmp_path / f"{node}.log").read_text() for node in range(2))
    assert statuses == [0, 0], shown
    # The group began twice, the second time from a checkpoint.
    assert shown.count("2 processes, run folder") == 2 and "exitcode: -9" in shown
    single = resolve(TrainConfig(**OPTIONS, run_dir=tmp_path / "single"))
    assert run_training(single) == 0
    (found, facts), (wanted, _) = saved(tmp_path / "run"), saved(tmp_path / "single")
    assert facts["step"] == STEPS
    for name, tensor in wanted.items():
        gap = (found[name] - tensor).abs().max() / tensor.abs().max().clamp(min=1e-30)
        assert float(gap) < 1e-12, name
