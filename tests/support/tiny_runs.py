"""Runs of a very small network on a few digits: trained in a moment, the same at every call."""

import dataclasses
from pathlib import Path

from torch import Tensor

import gbm_fast as gbm
from gbm_fast.runtime.files import STATE_FORMAT, load_tensors
from gbm_fast.settings.training_presets import resolve
from gbm_fast.training.checkpoints import checkpoint_path, checkpoint_steps
from gbm_fast.training.loop import fit
from gbm_fast.training.runs import write_run_files


def few_digits(train: int = 40, test: int = 20) -> gbm.ImageData:
    """The first `train` and `test` pictures of the built-in digits, 8 x 8."""
    data = gbm.load_dataset("digits")
    return dataclasses.replace(
        data,
        train_images=data.train_images[:train],
        train_labels=data.train_labels[:train],
        test_images=data.test_images[:test],
        test_labels=data.test_labels[:test],
    )


# `overrides` are settings of TrainConfig by name; dataclasses.replace refuses any other.
def tiny_config(**overrides: object) -> gbm.TrainConfig:
    """Resolved settings of a run of width 8 with one block a level, in float32 on the CPU."""
    tiny = gbm.TrainConfig(
        width=8,
        patch_size=2,
        blocks=1,
        batch_size=8,
        steps=3,
        warmup_steps=2,
        log_every=1,
        precision="float32",
        device="cpu",
        seed=5,
    )
    return resolve(dataclasses.replace(tiny, **overrides))  # type: ignore[arg-type]


def newest(folder: Path) -> Path:
    """The newest checkpoint of a run."""
    return checkpoint_path(folder, checkpoint_steps(folder)[-1])


def saved(folder: Path) -> tuple[dict[str, Tensor], dict]:
    """Tensors and facts of the newest checkpoint."""
    return load_tensors(newest(folder), STATE_FORMAT)


def tiny_batches(config: gbm.TrainConfig) -> gbm.ImageBatches:
    """The forty digits as batches, with labels where the settings ask for them."""
    return gbm.ImageBatches(few_digits(), config.class_conditional)


def make_run(folder: Path, steps: int = 3, **overrides: object) -> Path:
    """Train a tiny run for `steps` steps in `folder`, which is made; returns `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = tiny_config(steps=steps, **overrides)
    batches = tiny_batches(config)
    write_run_files(folder, config, batches)
    fit(gbm.Trainer(config, batches, folder), steps, None, show_progress=False)
    return folder
