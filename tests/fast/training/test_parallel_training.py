"""Several processes train as one does: parameters, losses, failures, signals, and resuming."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gbm_fast.commands import training as pipeline
from gbm_fast.runtime.distributed import process_group, world
from gbm_fast.training.batches import Batch
from tests.support.fixtures import Folders
from tests.support.processes import join, start, start_group
from tests.support.tiny_runs import (
    advance,
    alter_batches,
    differences,
    few_digits,
    log,
    make_trainer,
    saved,
    tiny_config,
)

SETTINGS = {"precision": "float64", "batch_size": 9, "multipliers": (1,), "weight_decay": 0.02}
SETTINGS |= {"process": "constant", "weighting": "variance", "times": "uniform"}
SETTINGS |= {"importance": True, "class_conditional": True, "choose": "least-loss"}
SETTINGS |= {"average": "saved-checkpoints", "average_every": 2, "checkpoint_every": 2}


def train(folder: Path, steps: int, overrides: dict[str, object]) -> None:
    """One process of a group, or the only one, trains in `folder`, from where it stopped."""
    with process_group(use_cuda=False, timeout_minutes=1):
        advance(make_trainer(folder, **(SETTINGS | overrides)), steps)


def logged(folder: Path) -> list[float]:
    return [line["loss"] for line in log(folder)]


def judged(folder: Path) -> list[float]:
    """The least mean loss of a checkpoint, then the losses of the last steps."""
    return saved(folder)[0]["least_loss"].tolist()


@pytest.fixture(scope="module")
def single(tmp_path_factory: Folders) -> Path:
    """The run of one process that the groups are compared with: six steps."""
    folder = tmp_path_factory.mktemp("single") / "run"
    train(folder, 6, {})
    return folder


@pytest.mark.parametrize(("size", "micro_batch"), [(2, 2), (3, 1)])
def test_a_group_is_one_process(tmp_path: Path, single: Path, size: int, micro_batch: int) -> None:
    """The optimiser's moments, the average, and the least loss are compared as well. AdamW divides
    by the root of its second moment, so a gradient that differs in its last digits moves a weight
    by about the same share: 1e-12 leaves a thousand roundings."""
    folder = tmp_path / "run"
    group = start_group(size, train, folder, 6, {"micro_batch": micro_batch})
    assert join(group) == [0] * size
    assert differences(folder, single) < 1e-12
    assert judged(folder) == pytest.approx(judged(single), rel=1e-12)
    assert logged(folder) == pytest.approx(logged(single), rel=1e-12)


def skewed(batch: Batch) -> Batch:
    """The mean of two processes' means, wrong where their shares differ: 1/8 and 1/10, not 1/9."""
    skew = torch.tensor([9 / 8] * 4 + [9 / 10] * 5, dtype=torch.float64)
    return batch._replace(weights=batch.weights * skew)


def labels_of_the_first(batch: Batch) -> Batch:
    """A second process that takes its labels from the start of the whole batch."""
    assert batch.labels is not None
    return batch._replace(labels=torch.cat([batch.labels[:4], batch.labels[:5]]))


@pytest.mark.parametrize("twin", [skewed, labels_of_the_first])
def test_other_items_are_told_apart(tmp_path: Path, single: Path, twin: Callable) -> None:
    """Planted in one process, which trains what two processes with the mistake would."""
    trainer = make_trainer(tmp_path, **SETTINGS)
    alter_batches(trainer, twin)
    advance(trainer, 6)
    (found, _), (wanted, _) = saved(tmp_path), saved(single)
    name = "model.network.stem.weight"
    assert float((found[name] - wanted[name]).abs().max()) > 1e-6


def test_another_number_of_processes_continues_the_same_data(tmp_path: Path, single: Path) -> None:
    """Three steps in two processes, a checkpoint at an odd step, then three in one, then none."""
    folder = tmp_path / "run"
    assert join(start_group(2, train, folder, 3, {})) == [0, 0]
    with pytest.warns(UserWarning, match="goes on with processes 2, now 1: .* not the same bits"):
        train(folder, 5, {})
    assert join(start_group(2, train, folder, 6, {})) == [0, 0]
    assert differences(folder, single) < 1e-12
    assert len(logged(folder)) == 6
    # The checkpoints at 3 and 5, which the run of one process has not, take part in the choice.
    assert judged(folder)[1:] == pytest.approx(judged(single)[1:], rel=1e-12)
    # Not the same bits, so that the same loss may be a rounding away.
    assert judged(folder)[0] <= judged(single)[0] * (1 + 1e-12)


def fail_in_one(folder: Path, kind: str) -> None:
    """Training in which process 1 alone has a defect, or a signal, at step 3; notes its end."""
    with process_group(use_cuda=False, timeout_minutes=1):
        trainer = make_trainer(folder, **SETTINGS)

        def spoiled(batch: Batch) -> Batch:
            if trainer.step == 3 and world().rank == 1:
                if kind == "nan":
                    batch.z[2] = torch.nan
                else:
                    os.kill(os.getpid(), signal.SIGTERM)
            return batch

        alter_batches(trainer, spoiled)
        try:
            end = f"{advance(trainer, 6)} {trainer.step}"
        except FloatingPointError as error:
            end = str(error)
        (folder / f"{world().rank}.txt").write_text(end)


@pytest.mark.parametrize("kind", ["nan", "signal"])
def test_what_happens_to_one_process_stops_all_at_that_step(tmp_path: Path, kind: str) -> None:
    """Process 1 has the items 4 to 8 of nine, so its third is number 6."""
    assert join(start_group(2, fail_in_one, tmp_path, kind)) == [0, 0]
    texts = [(tmp_path / f"{rank}.txt").read_text() for rank in range(2)]
    if kind == "signal":
        assert texts == ["False 4"] * 2
    else:
        named = "the loss at step 3 is not finite for 1 of 9 samples: number 6 (training"
        for part in (named, "noise level", "state-00000002.safetensors is good"):
            assert part in texts[0] and part in texts[1]
    assert saved(tmp_path)[1]["step"] == (2 if kind == "nan" else 4)


def command(folder: Path) -> None:
    """The command's function on forty digits, with grids of samples."""
    pipeline.load_dataset = lambda *place, **reading: few_digits()
    pipeline._ROWS = 1
    settings = {"samples_every": 2, "steps": 2, "metrics_images": 0, "batch_size": 9}
    config = tiny_config(multipliers=(1,), run_dir=folder, **settings)
    assert pipeline.run_training(config) == 0


def share_one_item(folder: Path) -> None:
    with pytest.raises(ValueError, match="2 processes cannot share a batch of 1"):
        train(folder / "other", 1, {"batch_size": 1})


def test_the_processes_share_the_samples_too(tmp_path: Path) -> None:
    """Within one of sixteen grey levels, 256 / 16 apart: float32, in batches of other sizes."""
    group = start_group(2, command, tmp_path / "two")
    assert join([*group, start(command, tmp_path / "one")]) == [0, 0, 0]
    found, expected = (
        np.asarray(Image.open(tmp_path / name / "samples" / "step-00000002.png")).astype(int)
        for name in ("two", "one")
    )
    assert found.shape == expected.shape and np.unique(expected).size > 8
    assert np.abs(found - expected).max() <= 16


def test_more_processes_than_items_are_refused(tmp_path: Path) -> None:
    assert join(start_group(2, share_one_item, tmp_path)) == [0, 0]
