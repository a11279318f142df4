"""What a training survives: SIGKILL at any moment, damaged files, a full disk, signals. The
processes, signals, kills and the limit on the size of files are real; nothing is mocked."""

import os
import pickle
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import gbm_fast as gbm
from gbm_fast import train
from gbm_fast.data.toys import load_toy
from gbm_fast.settings.training_presets import resolve
from gbm_fast.training.checkpoints import checkpoint_path, checkpoint_steps
from gbm_fast.training.runs import write_run_files
from tests.support.cases import seed
from tests.support.fixtures import Folders
from tests.support.processes import DEADLINE, join, start
from tests.support.tiny_runs import advance, log, saved

STEPS, KILLS, FOREVER, LAW = 12, 10, 1_000_000, "lognormal-2d"


def new_trainer(folder: Path) -> gbm.Trainer:
    """A network of a few hundred weights on a law, with a checkpoint at every step."""
    folder.mkdir(exist_ok=True)
    settings = {"dataset": LAW, "width": 8, "depth": 1, "batch_size": 16}
    every = {"checkpoint_every": 1, "log_every": 1, "choose": "least-loss", "device": "cpu"}
    config, batches = resolve(gbm.TrainConfig(**settings, **every)), gbm.LawBatches(load_toy(LAW))
    write_run_files(folder, config, batches)
    return gbm.Trainer(config, batches, folder)


def wait_for(folder: Path, step: int, pause: float) -> None:
    """Until the training has that checkpoint, looking every `pause` seconds."""
    deadline = time.monotonic() + DEADLINE
    while newest_step(folder) < step and time.monotonic() < deadline:
        time.sleep(pause)


def run(folder: Path, steps: int = STEPS) -> None:
    advance(new_trainer(folder), steps)


def contents(folder: Path) -> dict[str, object]:
    """All that a training leaves, without the times that no two runs share."""
    tensors, facts = saved(folder)
    weights = gbm.load_run(folder, "cpu").model.state_dict()
    return {
        "state": {name: tensor.tolist() for name, tensor in tensors.items()},
        "facts": {name: value for name, value in facts.items() if name != "seconds"},
        "weights": {name: tensor.tolist() for name, tensor in weights.items()},
        "log": log(folder),
        "kept": checkpoint_steps(folder),
    }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: Folders) -> dict[str, object]:
    """What the training leaves when nothing happens to it."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    run(folder)
    return contents(folder)


def newest_step(folder: Path) -> int:
    """The step of the newest checkpoint; 0 where there is none."""
    return max(checkpoint_steps(folder), default=0)


def test_ten_kills_at_random_points_change_no_bit(tmp_path: Path) -> None:
    """Each process goes on for a step or two, then some milliseconds into one, and is killed. Most
    of a step is spent in writing, so kills fall into writes, renames and deletions too."""
    draw, folder = random.Random(seed("ten kills")), tmp_path / "run"
    for _ in range(KILLS):
        wanted = newest_step(folder) + draw.randint(1, 2)
        child = start(run, folder, FOREVER)
        wait_for(folder, wanted, 0.0005)
        time.sleep(draw.uniform(0, 0.02))
        child.kill()
        assert join([child]) == [-signal.SIGKILL]
    steps = newest_step(folder) + 3
    run(folder, steps)
    run(tmp_path / "whole", steps)
    assert contents(folder) == contents(tmp_path / "whole")
    assert steps > KILLS and not list(folder.rglob("*.tmp"))


class Malicious:
    """What runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., int], tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def damage(kind: str, path: Path, marker: Path) -> None:
    """Spoil a file; the pickles run a command that makes `marker` where they are unpickled."""
    content, malicious = path.read_bytes(), Malicious(marker)
    if kind == "foreign":
        save_file({"x": torch.ones(3)}, path)
    elif kind == "torch file":
        torch.save({"model": malicious}, path)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(malicious))
    else:
        flipped = content[:-9] + bytes([content[-9] ^ 16]) + content[-8:]
        path.write_bytes(content[:-1] if kind == "truncated" else flipped)


DAMAGES = ["truncated", "a bit flipped", "foreign", "pickle", "torch file"]


@pytest.fixture
def folder(tmp_path: Path, seven: Path) -> Path:
    return shutil.copytree(seven, tmp_path / "run")


@pytest.fixture(scope="module")
def seven(tmp_path_factory: Folders) -> Path:
    folder = tmp_path_factory.mktemp("seven") / "run"
    run(folder, 7)
    assert checkpoint_steps(folder) == [6, 7]
    return folder


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_checkpoint_is_put_aside_for_the_one_before(folder: Path, kind: str) -> None:
    marker = folder / "marker"
    damage(kind, checkpoint_path(folder, 7), marker)
    with pytest.warns(UserWarning, match="state-00000007.damaged; the checkpoint before it"):
        trainer = new_trainer(folder)
    assert trainer.step == 6 and not marker.exists()
    assert (folder / "checkpoints" / "state-00000007.damaged").exists()


def test_the_checkpoint_before_changes_no_bit(folder: Path, uninterrupted: dict) -> None:
    damage("truncated", checkpoint_path(folder, 7), folder)
    with pytest.warns(UserWarning, match="damaged"):
        run(folder)
    assert contents(folder) == uninterrupted


@pytest.mark.parametrize("kind", DAMAGES)
def test_nothing_is_taken_from_files_that_are_all_damaged(folder: Path, kind: str) -> None:
    """Neither a training from the start in the place of the lost one, nor a pickle's command."""
    marker, weights = folder / "marker", folder / "weights.safetensors"
    for path in (checkpoint_path(folder, 6), checkpoint_path(folder, 7), weights):
        damage(kind, path, marker)
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(ValueError, match="all check"):
        new_trainer(folder)
    with pytest.raises(ValueError, match="all checkpoints in .* are damaged"):
        new_trainer(folder)
    with pytest.raises(ValueError, match="weights.safetensors"):
        gbm.load_run(folder, "cpu")
    assert not marker.exists()
    # The planted file does run its command where somebody unpickles it.
    if kind == "pickle":
        pickle.loads(weights.read_bytes())
        assert marker.exists()


def run_out_of_space(folder: Path, report: Path) -> None:
    """Trains until files cannot grow beyond a size that is less than that of a checkpoint."""
    trainer = new_trainer(folder)
    advance(trainer, 3)
    size = checkpoint_path(folder, 3).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
    try:
        advance(trainer, 6)
    except OSError as error:
        report.write_text(str(error))  # short enough for the limit


def test_a_full_disk_spoils_nothing(tmp_path: Path, uninterrupted: dict[str, object]) -> None:
    """The system refuses the write in the middle of a file (here with EFBIG, by RLIMIT_FSIZE)."""
    folder, report = tmp_path / "run", tmp_path / "report"
    assert join([start(run_out_of_space, folder, report)]) == [0]
    message = report.read_text()
    assert "the checkpoint of step 4 cannot be written: File too large" in message
    assert "state-00000003.safetensors, is as it was" in message
    assert checkpoint_steps(folder) == [2, 3] and not list(folder.rglob("*.tmp"))
    run(folder)
    assert contents(folder) == uninterrupted


def command(folder: Path) -> None:
    """`python -m gbm_fast.train` in this process, which ends with its exit status."""
    options = "--dataset lognormal-2d --width 8 --depth 1 --steps 1000000 --device cpu"
    sys.argv = ["train", *options.split(), "--run-dir", str(folder), "--checkpoint-every", "5"]
    sys.exit(train.main())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_with_a_checkpoint(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "run"
    child = start(command, folder)
    wait_for(folder, 5, 0.01)
    assert child.pid is not None
    os.kill(child.pid, number)
    assert join([child]) == [0]
    tensors, facts = saved(folder)
    assert facts["step"] >= 5 and tensors["average.n_averaged"] == facts["step"]
