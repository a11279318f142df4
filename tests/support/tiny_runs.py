"""Runs of a very small network on a few digits: trained in a moment, the same at every call."""

import dataclasses
import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import sklearn.datasets
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.commands.training import run_training
from gbm_fast.runtime.files import STATE_FORMAT, load_tensors
from gbm_fast.settings.training_presets import resolve
from gbm_fast.training.batches import Batch
from gbm_fast.training.checkpoints import checkpoint_path, checkpoint_steps
from gbm_fast.training.loop import fit
from gbm_fast.training.runs import write_run_files

# Its compressed text is read once a process, and load_dataset copies what it takes from it.
sklearn.datasets.load_digits = cache(sklearn.datasets.load_digits)


def few_digits(train: int = 40, test: int = 20, **changes: object) -> gbm.ImageData:
    """The first `train` and `test` pictures of the built-in digits, 8 x 8."""
    data = gbm.load_dataset("digits")
    parts = {
        "train_images": data.train_images[:train],
        "train_labels": data.train_labels[:train],
        "test_images": data.test_images[:test],
        "test_labels": data.test_labels[:test],
    }
    return dataclasses.replace(data, **(parts | changes))


# `overrides` are settings of TrainConfig by name; dataclasses.replace refuses any other.
def tiny_config(**overrides: object) -> gbm.TrainConfig:
    """Resolved settings of a run of width 8 with one block a level, in float32 on the CPU."""
    size = {"width": 8, "patch_size": 2, "blocks": 1, "batch_size": 8, "steps": 3}
    rest = {"warmup_steps": 2, "log_every": 1, "precision": "float32", "device": "cpu", "seed": 5}
    return resolve(gbm.TrainConfig(**(size | rest | overrides)))  # type: ignore[arg-type]


def newest(folder: Path) -> Path:
    """The newest checkpoint of a run."""
    return checkpoint_path(folder, checkpoint_steps(folder)[-1])


def saved(folder: Path) -> tuple[dict[str, Tensor], dict]:
    """Tensors and facts of the newest checkpoint."""
    return load_tensors(newest(folder), STATE_FORMAT)


def log(folder: Path) -> list[dict]:
    """The lines of the log without the time, which no two runs share."""
    lines = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    return [{key: line[key] for key in line if key != "seconds"} for line in lines]


def differences(folder: Path, expected: Path) -> float:
    """The greatest difference of two checkpoints of the same step, relative to each tensor's
    largest entry, the losses by which a checkpoint is chosen apart."""
    (found, facts), (wanted, wanted_facts) = saved(folder), saved(expected)
    assert found.keys() == wanted.keys() and facts["step"] == wanted_facts["step"]
    names = wanted.keys() - {"least_loss"}
    sizes = [wanted[name].abs().max().clamp(min=1e-30) for name in names]
    pairs = [(found[name] / s, wanted[name] / s) for name, s in zip(names, sizes, strict=True)]
    return gap(*zip(*pairs, strict=True))


def tiny_batches(config: gbm.TrainConfig) -> gbm.ImageBatches:
    """The forty digits as batches, with labels where the settings ask for them."""
    return gbm.ImageBatches(few_digits(), config.class_conditional, config.noise)


def make_trainer(
    folder: Path, data: gbm.ImageData | None = None, **overrides: object
) -> gbm.Trainer:
    """A trainer of tiny settings, on forty digits unless told, in `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    config = tiny_config(**overrides)
    chosen = config.class_conditional, config.noise
    batches = gbm.ImageBatches(data or few_digits(), *chosen)
    return gbm.Trainer(config, batches, folder)


def advance(trainer: gbm.Trainer, steps: int, minutes: float | None = None) -> bool:
    """Train up to step `steps`, without a progress bar."""
    return fit(trainer, steps, minutes, show_progress=False)


def alter_batches(trainer: gbm.Trainer, change: Callable[[Batch], Batch]) -> None:
    """Plant a mistake in whatever batch the trainer draws."""
    draw = trainer.draw_batch
    trainer.draw_batch = lambda: change(draw())


def weights(trainer: gbm.Trainer) -> list[Tensor]:
    """The parameters as they are now."""
    return [parameter.detach().clone() for parameter in trainer.model.parameters()]


def averages(trainer: gbm.Trainer) -> list[Tensor]:
    """The averaged parameters as they are now."""
    return [parameter.detach().clone() for parameter in trainer.averaged().parameters()]


def same(first: Iterable[Tensor], second: Iterable[Tensor]) -> bool:
    """Bit for bit."""
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def gap(first: Iterable[Tensor], second: Iterable[Tensor]) -> float:
    """The greatest difference of any two entries; NaN where there is one."""
    gaps = [(a - b).detach().abs().max().double() for a, b in zip(first, second, strict=True)]
    return float(torch.stack(gaps).max())


def make_run(
    folder: Path, steps: int = 3, data: gbm.ImageData | None = None, **overrides: object
) -> Path:
    """Train a tiny run for `steps` steps in `folder`, which is made; returns `folder`.

    data   what it is trained on; forty digits, which no command can read again, unless told
    """
    trainer = make_trainer(folder, data, steps=steps, **overrides)
    write_run_files(folder, trainer.config, trainer.batches)
    advance(trainer, steps)
    return folder


def train_law(folder: Path, dataset: str, steps: int, **overrides: object) -> gbm.Run:
    """A small network trained on a law by the command's function, without its picture."""
    settings = {"width": 24, "depth": 2, "warmup_steps": 0, "device": "cpu", "metrics_images": 0}
    settings |= {"dataset": dataset, "steps": steps, "run_dir": folder}
    assert run_training(resolve(gbm.TrainConfig(**(settings | overrides)))) == 0
    return gbm.load_run(folder, "cpu")
