"""Command: train a model, then sample from it and measure the samples.

python -m gbm_fast.train                                     built-in digits, a few minutes
python -m gbm_fast.train --dataset fashion-mnist --data-dir DIR
torchrun --nproc-per-node 4 -m gbm_fast.train ...            one process a GPU (docs/training.md)
"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from gbm_fast.settings import command_line
from gbm_fast.settings.command_line import Command, Group
from gbm_fast.settings.commands import TrainOptions
from gbm_fast.settings.datasets import Dataset
from gbm_fast.settings.stored import read_settings
from gbm_fast.settings.training import PresetName, TrainConfig
from gbm_fast.settings.training_presets import choose_preset, preset_config, resolve


def _of_training(*names: str) -> tuple[str, ...]:
    return tuple(f"training.{name}" for name in names)


COMMAND = Command(
    "gbm_fast.train",
    "Train a multiplicative diffusion model, sample from it and measure the samples.",
    (
        Group("data", (
            *_of_training(
                "dataset", "data_dir", "range", "zeros", "image_size", "crop", "symmetries",
                "class_conditional", "label_dropout",
                "preset",
            ),
            "config",
        )),
        Group("time", _of_training("minutes", "steps", "seed")),
        Group("output", _of_training(
            "out_dir", "run_dir", "resume", "metrics_images", "samples_every",
        )),
        Group("process_and_loss", _of_training(
            "noise", "least_looks", "most_looks", "process", "sigma", "std_min", "std_max",
            "num_steps",
            "parameterisation", "weighting", "target_level", "times", "importance",
        )),
        Group("network", _of_training(
            "network", "width", "depth", "multipliers", "blocks", "patch_size", "dropout",
            "initial_weights",
        )),
        Group("optimiser", _of_training(
            "batch_size", "micro_batch", "learning_rate", "weight_decay", "warmup_steps",
            "clip_norm", "ema_decay", "average", "average_every", "choose",
        )),
        Group("machine_and_log", _of_training(
            "device", "precision", "compile", "timeout_minutes",
            "checkpoint_every", "keep_last", "keep_every", "log_every", "tensorboard",
        )),
    ),
    (
        "python -m gbm_fast.train --dataset fashion-mnist --data-dir DIR --minutes 30",
        "python -m gbm_fast.train --dataset folder --data-dir MY_IMAGES --class-conditional",
    ),
    "Settings come from --preset, then from the file --config, then from the other options; a "
    "later one counts.",
    "pass a smaller --micro-batch, or a smaller network (--width)",
)  # fmt: skip


def _first_look(arguments: Sequence[str]) -> argparse.Namespace:
    """The options that say what the defaults of the others are; None for what is not given."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--dataset")
    parser.add_argument("--preset")
    try:
        return parser.parse_known_args(arguments)[0]
    except argparse.ArgumentError:  # an option without its value: the full parser says so
        return argparse.Namespace(config=None, dataset=None, preset=None)


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return read_settings(path.expanduser().read_text())
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"--config {path} cannot be used: {error}") from error


def parse(arguments: Sequence[str], has_gpu: bool) -> tuple[TrainConfig, str]:
    """The resolved settings of a command line, and a line that says which preset they start from.

    Ends the process (SystemExit 2) for options that do not exist or have no such value, and raises
    ValueError for a file that cannot be used, values out of range, and contradictions.
    """
    look = _first_look(arguments)
    settings = _read(look.config)
    given = {name: value for name in ("dataset", "preset") if (value := getattr(look, name))}
    wanted = {"dataset": "digits", "preset": "auto"} | settings | given
    default, line = TrainOptions(TrainConfig()), ""
    # A name that does not exist is left to the full parser, which lists those that do.
    if wanted["dataset"] in get_args(Dataset) and wanted["preset"] in get_args(PresetName):
        preset, line = choose_preset(wanted["preset"], wanted["dataset"], has_gpu)
        base = preset_config(preset, wanted["dataset"])
        named = {"dataset": wanted["dataset"], "preset": preset}
        default = TrainOptions(dataclasses.replace(base, **(settings | named)))
    shown = {f"training.{name}": value for name, value in vars(_filled(default.training)).items()}
    chosen = command_line.parse(COMMAND, default, arguments, shown=shown).training
    if chosen.run_dir is not None and chosen.out_dir != default.training.out_dir:
        raise ValueError(
            "out_dir is where run folders are made, and run_dir is one: leave one out."
        )
    return resolve(dataclasses.replace(chosen, preset=default.training.preset)), line


def _filled(config: TrainConfig) -> TrainConfig:
    """What the defaults are once they follow the data, for --help."""
    try:
        return resolve(config)
    except ValueError:  # a contradiction with the file; said when the options are known
        return config


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def main() -> int:
    """Parse the command line and run; returns the exit status."""
    return command_line.run(COMMAND, _run)


def _run() -> int:
    config, line = parse(sys.argv[1:], has_gpu=False)
    # torch takes seconds to import: only now, so that --help and wrong options answer at once.
    if _has_gpu():
        config, line = parse(sys.argv[1:], has_gpu=True)
    if os.environ.get("RANK", "0") == "0":
        print(line, flush=True)
    from gbm_fast.commands.training import run_training

    return run_training(config)


if __name__ == "__main__":
    sys.exit(main())
