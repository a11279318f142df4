"""`torchrun` as the documentation gives it, on one machine and on several, a process killed."""

import os
import re
import runpy
import shlex
import signal
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

import gbm_fast as gbm
from gbm_fast.commands.training import run_training
from gbm_fast.settings.training_presets import resolve
from gbm_fast.training.checkpoints import checkpoint_steps
from tests.support.fixtures import Folders
from tests.support.processes import DEADLINE, free_port, start
from tests.support.source_tree import ROOT
from tests.support.tiny_runs import differences, saved

# Checkpoints that are close together, so that the run is killed in the middle.
STEPS, EVERY = 300, 5
OPTIONS = {"dataset": "lognormal-2d", "width": 8, "depth": 1, "batch_size": 7, "steps": STEPS}
OPTIONS |= {"checkpoint_every": EVERY, "precision": "float64", "metrics_images": 0}
OPTIONS |= {"device": "cpu"}


def documented(start: str, folder: Path, replaced: dict[str, str]) -> tuple[list[str], list[str]]:
    """The line of docs/training.md that has `start`, with our settings for its own: variables,
    which stand before torchrun, and the words from there on."""
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
    return words[:program], words[program:]


def torchrun(words: list[str], log: Path) -> None:
    """`torchrun` in this process, which writes to `log`, as do those that it starts."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.argv = words
    runpy.run_module("torch.distributed.run", run_name="__main__")


def launch(command: tuple[list[str], list[str]], nodes: int, folder: Path) -> list[BaseProcess]:
    """The command as that many processes, with their output in <number>.log."""
    given, words = command
    variables = dict(word.split("=", 1) for word in given)
    variables |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    logs = [folder / f"{number}.log" for number in range(nodes)]
    return [start(torchrun, words, log, variables=variables) for log in logs]


def stop(agents: list[BaseProcess]) -> None:
    """Ends the commands that still run, and their workers, which would go on without them."""
    for agent in agents:
        if agent.exitcode is None:
            for worker in workers(agent):
                os.kill(worker, signal.SIGKILL)
            agent.kill()
        agent.join()


def finish(agents: list[BaseProcess], folder: Path) -> str:
    """Waits for the commands to succeed; what they printed."""
    try:
        for agent in agents:
            agent.join(DEADLINE)
    finally:
        stop(agents)
    statuses = [agent.exitcode for agent in agents]
    shown = "".join((folder / f"{i}.log").read_text() for i in range(len(agents)))
    assert statuses == [0] * len(agents), shown
    return shown


def workers(agent: BaseProcess) -> list[int]:
    """The processes that an agent has started, where Linux's /proc can tell."""
    path = Path(f"/proc/{agent.pid}/task/{agent.pid}/children")
    return [int(number) for number in path.read_text().split()] if path.exists() else []


@pytest.fixture(scope="module")
def single(tmp_path_factory: Folders) -> Path:
    folder = tmp_path_factory.mktemp("single") / "run"
    assert run_training(resolve(gbm.TrainConfig(**OPTIONS, run_dir=folder))) == 0
    return folder


def kill_one(agents: list[BaseProcess], folder: Path) -> None:
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
    words, ours = one if nodes == 1 else two
    agents = launch(documented(words, tmp_path / "run", ours), nodes, tmp_path)
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
