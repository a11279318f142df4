"""Run folders: how one is named, written and read, and the trained model that is in one.

config.json               the resolved settings
environment.json          versions of Python and the libraries, the command
stats.jsonl               one line every `log_every` steps
weights.safetensors       the averaged weights, for use; the settings and what they are of (shape,
                          moments, number of classes) in the header
checkpoints/              everything that resuming needs (`gbm_fast.training.checkpoints`)
samples/                  grids of samples during the training, where asked for
tensorboard/              the numbers of stats.jsonl again, where asked for
statistics.safetensors    moments and class averages of images, for the samplers' starts
law.safetensors           of a training on a law with a known score: its parameters
samples.png, metrics.json made at the end, and by `gbm_fast.evaluate`
"""

import hashlib
import json
import platform
import re
import sys
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from shlex import quote

import torch
from torch import nn

from gbm_fast.data.statistics import DataStatistics, law_statistics
from gbm_fast.data.toys import load_toy
from gbm_fast.parameterisation import ScoreModel
from gbm_fast.runtime.devices import choose_autocast, choose_device
from gbm_fast.runtime.distributed import world
from gbm_fast.runtime.files import (
    LAW_FORMAT,
    STATISTICS_FORMAT,
    WEIGHTS_FORMAT,
    load_tensors,
    remove_leftovers,
    save_tensors,
    write_atomic,
)
from gbm_fast.settings.stored import differences, from_json, same_training, to_json
from gbm_fast.settings.training import IN_PYTHON, TOYS, TrainConfig
from gbm_fast.targets import LogNormalMixture
from gbm_fast.training.batches import Batches, as_mixture, law_tensors
from gbm_fast.training.build import build_model
from gbm_fast.training.checkpoints import checkpoint_steps


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained run: its folder, settings and model (averaged weights, in eval mode).

    event_shape   (channels, height, width) of images, or (d,) of a law
    statistics    moments and class averages of the training data, for the samplers' starts
    max_value     the largest grey level of images; None for a law
    num_classes   classes of the labels that the model takes; 0 where it takes none
    law           the law of the training data; None for images
    class_names   what the classes of the data are called, by number; empty where it is not known
    """

    folder: Path
    config: TrainConfig
    model: ScoreModel
    device: torch.device
    event_shape: tuple[int, ...]
    statistics: DataStatistics
    max_value: int | None
    num_classes: int = 0
    law: LogNormalMixture | None = None
    class_names: tuple[str, ...] = ()

    def class_number(self, label: int | str) -> int:
        """The number of a class that is given by number, or by name; ValueError for no class.

        A text is the name of a class; where no class is called so, it may be a class's number.
        """
        count = len(self.statistics.class_frequencies)
        if isinstance(label, bool):
            raise ValueError(f"label must be the number or the name of a class, got {label}.")
        if isinstance(label, str):
            if label in self.class_names:
                return self.class_names.index(label)
            digits = label.isascii() and label.isdigit()
            number = int(label) if digits else -1
        else:
            number = label
        if not 0 <= number < count:
            named = f", called {', '.join(self.class_names[:20])}" if self.class_names else ""
            raise ValueError(
                f"label {label}: the classes of {self.folder} are 0..{count - 1}{named}."
            )
        return number

    def class_text(self, number: int) -> str:
        """`class 3`, or `class 3 (dress)` where the name says more."""
        name = self.class_names[number] if number < len(self.class_names) else str(number)
        return f"class {number}" if name == str(number) else f"class {number} ({name})"

    def weights_sha256(self) -> str:
        """SHA-256 of the weights' file, which names this state of the training."""
        return hashlib.sha256((self.folder / "weights.safetensors").read_bytes()).hexdigest()

    def grey_levels(self) -> int:
        """`max_value`; ValueError for a run on a law, which has no images."""
        if self.max_value is None:
            raise ValueError(
                f"{self.folder} is a run on {self.config.dataset}, which is no image data set."
            )
        return self.max_value


def _numbered(out_dir: Path) -> list[tuple[int, Path]]:
    found = out_dir.iterdir() if out_dir.is_dir() else iter(())
    matches = [(re.match(r"(\d{5})-", path.name), path) for path in found if path.is_dir()]
    return sorted((int(match[1]), path) for match, path in matches if match)


def _continues(folder: Path, config: TrainConfig) -> bool:
    """Whether `folder` has a checkpoint of these settings; a run of another version has not."""
    if not checkpoint_steps(folder):
        return False
    try:
        return same_training(read_config(folder), config)
    except ValueError:
        return False


def run_folder(config: TrainConfig) -> Path:
    """The folder that a training with these settings writes to, made where it is new.

    Raises ValueError where a given folder holds a run of other settings, or holds a run and
    `resume` is "never".
    """
    if config.run_dir is not None:
        _require_same_run(config.run_dir, config)
        return _made(config.run_dir, exist_ok=True)
    numbered = _numbered(config.out_dir)
    if config.resume == "auto":
        for _, path in reversed(numbered):
            if _continues(path, config):
                return path
    number = numbered[-1][0] + 1 if numbered else 0
    while True:
        try:
            name = f"{number:05d}-{config.dataset}-{config.process}"
            return _made(config.out_dir / name, exist_ok=False)
        except FileExistsError:  # another training that started at this moment has taken it
            number += 1


def continuing(folder: Path, processes: int = 1) -> str:
    """The command that goes on with the training in `folder`."""
    settings = read_config(folder)
    if settings.network == "own" or settings.dataset in IN_PYTHON:
        return (
            f'gbm_fast.train_run(...) with run_dir=Path("{folder}"), resume="auto" and the same '
            "settings, data and network"
        )
    launch = "python" if processes == 1 else f"torchrun --nproc-per-node {processes}"
    options = f"--config {quote(str(folder / 'config.json'))} --run-dir {quote(str(folder))}"
    separator = "" if processes == 1 else " --"
    return f"{launch} -m gbm_fast.train{separator} {options} --resume auto"


def _require_same_run(folder: Path, config: TrainConfig) -> None:
    """Raise ValueError where `folder` holds a run that a training with these settings is not."""
    if not (folder / "config.json").exists():
        return
    if config.resume == "never":
        raise ValueError(
            f"{folder} already holds a run: choose another folder, or go on with it: "
            f"{continuing(folder)}"
        )
    different = differences(read_config(folder), config)
    if different:
        raise ValueError(
            f"{folder} holds a run with other settings ({different}): choose another folder, or "
            f"go on with that run: {continuing(folder)}"
        )


def _made(folder: Path, exist_ok: bool) -> Path:
    """`folder`, made; FileExistsError where it is there and must not be."""
    try:
        folder.mkdir(parents=True, exist_ok=exist_ok)
    except OSError as error:
        if not exist_ok and folder.exists():
            raise
        raise ValueError(f"the run folder {folder} cannot be made: {error}.") from error
    return folder


def read_config(folder: Path) -> TrainConfig:
    """The settings of the run in `folder`; ValueError where there are none."""
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} is not a run folder: it has no config.json.")
    try:
        return from_json(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} cannot be used: {error}") from error


def write_run_files(folder: Path, config: TrainConfig, data: Batches) -> None:
    """config.json, environment.json, and what the starts of the samplers need of the data."""
    write_atomic(folder / "config.json", to_json(config).encode())
    remove_leftovers(folder)
    packages = ("torch", "torchvision", "numpy", "safetensors")
    environment = {
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "processes": world().size,
        "packages": {name: version(name) for name in packages},
    }
    write_atomic(folder / "environment.json", json.dumps(environment, indent=2).encode())
    if data.law is not None:
        save_tensors(folder / "law.safetensors", law_tensors(data.law), LAW_FORMAT, {})
        return
    statistics = data.statistics
    tensors = {field.name: getattr(statistics, field.name) for field in fields(statistics)}
    save_tensors(folder / "statistics.safetensors", tensors, STATISTICS_FORMAT, {})


def _read_law(folder: Path, config: TrainConfig) -> LogNormalMixture | None:
    """The law that a run learned; None for images."""
    path = folder / "law.safetensors"
    if path.exists():
        stored, _ = load_tensors(path, LAW_FORMAT)
        return LogNormalMixture(**stored)
    # Older runs on a law of ours have its name alone.
    return as_mixture(load_toy(config.dataset)) if config.dataset in TOYS else None


def _read_statistics(folder: Path) -> DataStatistics:
    stored, _ = load_tensors(folder / "statistics.safetensors", STATISTICS_FORMAT)
    return DataStatistics(**stored)


def load_trained(
    folder: Path, device: str = "auto", network: nn.Module | None = None
) -> TrainedModel:
    """The trained model in `folder`, in eval mode on `device`.

    network   of a run with a network of the user's: a module of the same architecture, of which a
              copy gets the weights

    Raises ValueError where the folder holds no run, or a file of it is truncated or foreign.
    """
    config = read_config(folder)
    chosen = choose_device(device)
    weights, facts = load_tensors(folder / "weights.safetensors", WEIGHTS_FORMAT)
    different = differences(from_json(json.dumps(facts["config"])), config)
    if different:
        raise ValueError(
            f"the weights of {folder} are of other settings than its config.json ({different})."
        )
    law = _read_law(folder, config)
    statistics = _read_statistics(folder) if law is None else law_statistics(law)
    shape = tuple(facts["event_shape"])
    autocast = choose_autocast(config.precision, chosen)
    classes = facts.get("num_classes", 0)  # older headers have none
    moments = facts["log_mean"], facts["log_std"]
    try:
        model = build_model(config, shape, *moments, autocast, classes, network)
        model.load_state_dict(weights)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"the weights of {folder} do not fit its network: {error}") from error
    model = model.eval().requires_grad_(False).to(chosen)
    levels = facts["max_value"]
    names = tuple(facts.get("class_names", ()))  # older headers have none
    return TrainedModel(
        folder, config, model, chosen, shape, statistics, levels, classes, law, names
    )
