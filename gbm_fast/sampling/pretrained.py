"""Trained weights that come with a clone: loading them, and making such a folder from a run."""

import json
from dataclasses import replace
from pathlib import Path

import torch

from gbm_fast.runtime.files import (
    STATISTICS_FORMAT,
    WEIGHTS_FORMAT,
    load_tensors,
    save_tensors,
    write_atomic,
)
from gbm_fast.sampling.runs import Run, load_run
from gbm_fast.settings.pretrained import pretrained_folder
from gbm_fast.settings.stored import to_json
from gbm_fast.training.runs import WEIGHTS_NAME, read_config


def load_pretrained(name: str, device: str = "auto") -> Run:
    """The trained run called `name` of a clone's folder pretrained, as `load_run` gives it.

    Raises ValueError, with the names that there are, for another name, or an installation without
    that folder: GBM_PRETRAINED says where one is.
    """
    return load_run(pretrained_folder(name), device)


def export(run: Path, folder: Path) -> None:
    """Write what sampling needs of a run to `folder`, its weights in half precision.

    config.json, weights.safetensors and statistics.safetensors, without places on this machine.
    Raises ValueError for a run on a law or with a network of the user's, whose files are others,
    and for weights beyond the range of half precision.
    """
    config = read_config(run)
    if config.network == "own" or not (run / "statistics.safetensors").is_file():
        raise ValueError(f"{run} has a law or a network of its own: only runs on images are kept.")
    config = replace(
        config, data_dir=None, run_dir=None, initial_weights=None, out_dir=Path("runs")
    )
    weights, facts = load_tensors(run / WEIGHTS_NAME, WEIGHTS_FORMAT)
    halves = {name: _half(name, tensor) for name, tensor in weights.items()}
    statistics, of = load_tensors(run / "statistics.safetensors", STATISTICS_FORMAT)
    facts["config"] = json.loads(to_json(config))
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(folder / "statistics.safetensors", statistics, STATISTICS_FORMAT, of)
    save_tensors(folder / WEIGHTS_NAME, halves, WEIGHTS_FORMAT, facts)
    write_atomic(folder / "config.json", to_json(config).encode())


def _half(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """In float16 where it is of floating point; ValueError where that overflows."""
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not bool(torch.isfinite(half).all()):
        raise ValueError(f"the weights {name} are beyond the range of half precision.")
    return half
