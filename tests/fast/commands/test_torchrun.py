"""`torchrun` as the documentation gives it, on one machine and on several, a process killed."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gbm_fast as gbm
from gbm_fast.commands.training import run_training
from gbm_fast.settings.training_presets import resolve
from gbm_fast.training.checkpoints import checkpoint_steps
from tests.support.fixtures import Folders
from tests.support.processes import DEADLINE, free_port
from tests.support.source_tree import ROOT
from tests.support.tiny_runs import differences, saved

# Checkpoints that are close together, so that the run is killed in the middle.
STEPS, EVERY = 300, 5
OPTIONS = {"dataset": "lognormal-2d", "width": 8, "depth": 1, "batch_size": 7, "steps": STEPS}
OPTIONS |= {"checkpoint_every": EVERY, "precision": "float64", "metrics_images": 0}
OPTIONS |= {"device": "cpu"}


def documented(start: str, folder: Path, replaced: dict[str, str]) -> list[str]:
    """The line of docs/training.md that has `start`, with our settings for its own. What stands
    before torchrun are variables, which `env` sets."""
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    line = re.findall(rf"^ {{4}}((?:\w+=\S+ )*{start} .*)$", text, re.MULTILINE)[0]
    settings = [f"--{name.replace('_', '-')} {value}" for name, value in OPTIONS.items()]
    replaced = replaced | {
        "--dataset mnist --data-dir DIR": " ".join(settings),
        "--run-dir RUN": f"--run-dir {folder}",
    }
    for old, new in replaced.items():
        assert line.count(old) == 1, old
        line = line.replace(old, new)
    words = shlex.split(line)
    program = words.index("torchrun")
    torchrun = [sys.executable, "-m", "torch.distributed.run"]
    return ["env", *words[:program], *torchrun, *words[program + 1 :]]


def launch(command: list[str], nodes: int, folder: Path) -> list[subprocess.Popen[bytes]]:
    """The command as that many processes, with their output in <number>.log."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    agents = []
    for number in range(nodes):
        with (folder / f"{number}.log").open("wb") as log:
            streams = {"stdout": log, "stderr": subprocess.STDOUT}
            agents.append(subprocess.Popen(command, env=environment, **streams))
    return agents


def stop(agents: list[subprocess.Popen[bytes]]) -> None:
    """Ends the commands that still run, and their workers, which would go on without them."""
    for agent in agents:
        if agent.poll() is None:
            for worker in workers(agent):
                os.kill(worker, signal.SIGKILL)
            agent.kill()
        agent.wait()


def finish(agents: list[subprocess.Popen[bytes]], folder: Path) -> str:
    """Waits for the commands to succeed; what they printed."""
    try:
        statuses = [agent.wait(DEADLINE) for agent in agents]
    finally:
        stop(agents)
    shown = "".join((folder / f"{i}.log").read_text() for i in range(len(agents)))
    assert statuses == [0] * len(agents), shown
    return shown


def workers(agent: subprocess.Popen[bytes]) -> list[int]:
    """The processes that an agent has started, where Linux's /proc can tell."""
    path = Path(f"/proc/{agent.pid}/task/{agent.pid}/children")
    return [int(number) for number in path.read_text().split()] if path.exists() else []


@pytest.fixture(scope="module")
def single(tmp_path_factory: Folders) -> Path:
    folder = tmp_path_factory.mktemp("single") / "run"
    assert run_training(resolve(gbm.TrainConfig(**OPTIONS, run_dir=folder))) == 0
    return folder


def kill_one(agents: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """Kills the last process of the group in the middle of the training, by SIGKILL."""
    deadline = time.monotonic() + DEADLINE
    while max(checkpoint_steps(folder / "run"), default=0) < 2 * EVERY:
        assert time.monotonic() < deadline, (folder / "0.log").read_text()
        time.sleep(0.01)
    os.kill(workers(agents[-1])[-1], signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("nodes", [1, 2])
def test_a_killed_process_is_started_and_goes_on(nodes: int, tmp_path: Path, single: Path) -> None:
    """Two processes, of one node or of two, end with the parameters of one that was not killed."""
    one = ("torchrun --standalone", {"--nproc-per-node 4": "--nproc-per-node 2"})
    port = f"127.0.0.1:{free_port()}"
    two = ("torchrun --nnodes 2", {"--nproc-per-node 8": "--nproc-per-node 1", "HOST:29500": port})
    start, ours = one if nodes == 1 else two
    agents = launch(documented(start, tmp_path / "run", ours), nodes, tmp_path)
    try:
        kill_one(agents, tmp_path)
    except BaseException:
        stop(agents)
        raise
    shown = finish(agents, tmp_path)
    # The group began again, from a checkpoint. The log names the killed process or the other one,
    # which fails when its neighbour is gone, whichever torchrun sees first.
    assert shown.count("2 processes, run folder") >= 2, shown
    assert "may not find each other" not in shown
    # All that a checkpoint holds, relative to the largest entry of each tensor.
    assert differences(tmp_path / "run", single) < 1e-12
    assert saved(single)[1]["step"] == STEPS
