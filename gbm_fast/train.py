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
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import tyro

from gbm_fast.settings.stored import read_settings
from gbm_fast.settings.training import Dataset, PresetName, TrainConfig
from gbm_fast.settings.training_presets import PAPER, choose_preset, preset_config, resolve


@dataclass(frozen=True)
class CommandLine:
    """Train a multiplicative diffusion model, then sample from it and measure the samples.

    Settings come from --preset, then from the file --config, then from the other options; a later
    one counts.
    """

    config: Path | None = None
    """JSON file of settings, such as the config.json of a run."""
    training: Annotated[TrainConfig, tyro.conf.OmitArgPrefixes] = TrainConfig()
    """The settings."""


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
        return read_settings(path.read_text())
    except (OSError, ValueError) as error:
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
    default, line = CommandLine(), ""
    # A name that does not exist is left to the full parser, which lists those that do.
    if wanted["dataset"] in get_args(Dataset) and wanted["preset"] in get_args(PresetName):
        preset, line = choose_preset(wanted["preset"], wanted["dataset"], has_gpu)
        base = preset_config(preset, wanted["dataset"])
        named = {"dataset": wanted["dataset"], "preset": preset}
        default = CommandLine(look.config, dataclasses.replace(base, **(settings | named)))
    chosen = tyro.cli(
        CommandLine, prog="python -m gbm_fast.train", default=default, args=arguments
    ).training
    return resolve(dataclasses.replace(chosen, preset=default.training.preset)), line


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def main() -> int:
    """Parse the command line and run; returns the exit status."""
    rank = int(os.environ.get("RANK", "0"))
    try:
        config, line = parse(sys.argv[1:], has_gpu=False)
        # torch takes seconds to import: only now, so that --help and wrong options answer at once.
        if config.dataset in PAPER and _has_gpu():
            config, line = parse(sys.argv[1:], has_gpu=True)
        if rank == 0:
            print(line, flush=True)
        from gbm_fast.commands.training import run_training

        return run_training(config)
    except (ValueError, OSError, FloatingPointError) as error:
        where = f"process {rank}: " if rank else ""
        print(f"{where}error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
