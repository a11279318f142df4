"""`torchrun` as the documentation gives it for several nodes."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gbm_fast.config import TrainConfig, resolve
from gbm_fast.pipeline import run_training
from tests.fast.processes import DEADLINE, free_port
from tests.fast.tiny_runs import saved
from tests.source_tree import ROOT

STEPS = 100
OPTIONS = {
    "dataset": "lognormal-2d",
    "width": 8,
    "depth": 1,
    "batch_size": 7,
    "steps": STEPS,
    "checkpoint_every": 50,
    "precision": "float64",
    "metrics_images": 0,
    "device": "cpu",
}


def documented(start: str, folder: Path, replaced: dict[str, str]) -> list[str]:
    """The line of docs/training.md that begins with `start`, with our settings for its own."""
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    line = re.findall(rf"^ {{4}}({start} .*)$", text, re.MULTILINE)[0]
    settings = [f"--{name.replace('_', '-')} {value}" for name, value in OPTIONS.items()]
    replaced = replaced | {
        "--dataset mnist --data-dir DIR": " ".join(settings),
        "RUN": str(folder),
    }
    for old, new in replaced.items():
        assert line.count(old) == 1, old
        line = line.replace(old, new)
    _, *arguments = shlex.split(line)
    return [sys.executable, "-m", "torch.distributed.run", *arguments]


def launch(commands: list[list[str]], folder: Path) -> list[subprocess.Popen[bytes]]:
    """The commands as processes, with their output in <number>.log."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    agents = []
    for number, command in enumerate(commands):
        with (folder / f"{number}.log").open("wb") as log:
            agents.append(
                subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
            )
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


def assert_same_parameters(folder: Path, expected: Path) -> None:
    """All that a checkpoint holds, relative to the largest entry of each tensor, to 1e-12."""
    (found, facts), (wanted, _) = saved(folder), saved(expected)
    assert facts["step"] == STEPS
    for name, tensor in wanted.items():
        gap = (found[name] - tensor).abs().max() / tensor.abs().max().clamp(min=1e-30)
        assert float(gap) < 1e-12, name


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process."""
    folder = tmp_path_factory.mktemp("single") / "run"
    assert run_training(resolve(TrainConfig(**OPTIONS, run_dir=folder))) == 0
    return folder


@pytest.mark.slow
def test_two_nodes_train_as_one_process_does(tmp_path: Path, single: Path) -> None:
    nodes = {"--nproc-per-node 8": "--nproc-per-node 1", "HOST:29500": f"127.0.0.1:{free_port()}"}
    command = documented("torchrun --nnodes 2", tmp_path / "run", nodes)
    shown = finish(launch([command, command], tmp_path), tmp_path)
    assert shown.count("2 processes, run folder") == 1
    assert_same_parameters(tmp_path / "run", single)
