"""Run folders: how one is named, written and read.

config.json               the resolved settings
environment.json          versions of Python and the libraries, the command
stats.jsonl               one line every `log_every` steps
weights.safetensors       the averaged weights, for use; the settings and what they are of (shape,
                          moments, number of classes) in the header
checkpoints/              everything that resuming needs (`gbm_fast.training.checkpoints`)
samples/                  grids of samples during the training, where asked for
tensorboard/              the numbers of stats.jsonl again, where asked for
statistics.safetensors    moments and class averages of the data, for the samplers' starts
samples.png, metrics.json made at the end, and by `gbm_fast.evaluate`

A run on a law with a known score has neither statistics nor metrics.
"""

import dataclasses
import hashlib
import json
import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from gbm_fast.data.statistics import DataStatistics
from gbm_fast.parameterisation import ScoreModel
from gbm_fast.runtime.devices import choose_autocast, choose_device
from gbm_fast.runtime.distributed import world
from gbm_fast.runtime.files import (
    STATISTICS_FORMAT,
    WEIGHTS_FORMAT,
    load_tensors,
    remove_leftovers,
    save_tensors,
    write_atomic,
)
from gbm_fast.settings.stored import differences, from_json, same_training, to_json
from gbm_fast.settings.training import TOYS, TrainConfig
from gbm_fast.training.build import build_model
from gbm_fast.training.checkpoints import checkpoint_steps


@dataclass(frozen=True, eq=False)
class ImageFacts:
    """What the samplers' starts and the pictures need to know of an image data set."""

    statistics: DataStatistics
    max_value: int


@dataclass(frozen=True, eq=False)
class Run:
    """A trained run: its folder, settings and model (averaged weights, eval mode).

    event_shape   (channels, height, width), or (d,) for a law lognormal-...
    images        facts of the image data; None for a law, and then the properties below, which
                  are theirs, raise ValueError
    num_classes   classes of the labels that the model takes; 0 where it takes none
    """

    folder: Path
    config: TrainConfig
    model: ScoreModel
    device: torch.device
    event_shape: tuple[int, ...]
    images: ImageFacts | None
    num_classes: int = 0

    def weights_sha256(self) -> str:
        """SHA-256 of the weights' file, which names this state of the training."""
        return hashlib.sha256((self.folder / "weights.safetensors").read_bytes()).hexdigest()

    def _of_images(self) -> ImageFacts:
        if self.images is None:
            raise ValueError(
                f"{self.folder} is a run on {self.config.dataset}, which is no image data set: "
                "its model is a score on plain vectors, see score_function."
            )
        return self.images

    @property
    def statistics(self) -> DataStatistics:
        """Moments and class averages of the training images."""
        return self._of_images().statistics

    @property
    def max_value(self) -> int:
        """The largest grey level of the images."""
        return self._of_images().max_value

    @property
    def channels(self) -> int:
        """Channels of an image."""
        self._of_images()
        return self.event_shape[0]

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of an image."""
        self._of_images()
        return self.event_shape[1], self.event_shape[2]


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


def _require_same_run(folder: Path, config: TrainConfig) -> None:
    """Raise ValueError where `folder` holds a run that a training with these settings is not."""
    if not (folder / "config.json").exists():
        return
    if config.resume == "never":
        raise ValueError(f"{folder} already holds a run: pass --resume auto to continue.")
    different = differences(read_config(folder), config)
    if different:
        raise ValueError(
            f"{folder} holds a run with other settings ({different}): choose another folder."
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


def write_run_files(
    folder: Path, config: TrainConfig, statistics: DataStatistics | None = None
) -> None:
    """config.json, environment.json and, for images, statistics.safetensors."""
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
    if statistics is None:
        return
    tensors = {f.name: getattr(statistics, f.name) for f in dataclasses.fields(statistics)}
    save_tensors(folder / "statistics.safetensors", tensors, STATISTICS_FORMAT, {})


def load_run(folder: Path, device: str = "auto") -> Run:
    """The run in `folder`, its model in eval mode on `device` ("auto": a GPU where there is one).

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
    images = None
    if config.dataset not in TOYS:
        stored, _ = load_tensors(folder / "statistics.safetensors", STATISTICS_FORMAT)
        images = ImageFacts(DataStatistics(**stored), facts["max_value"])
    shape = tuple(facts["event_shape"])
    autocast = choose_autocast(config.precision, chosen)
    classes = facts.get("num_classes", 0)  # not in the header of runs from before there were any
    moments = facts["log_mean"], facts["log_std"]
    model = build_model(config, shape, *moments, autocast, classes)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"the weights of {folder} do not fit its config.json: {error}") from error
    model = model.eval().requires_grad_(False).to(chosen)
    return Run(folder, config, model, chosen, shape, images, classes)
