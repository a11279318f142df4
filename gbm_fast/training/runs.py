"""Run folders: what is written in one, and the trained model that is read from one.

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

Weights and checkpoints say which data they are of, by hash, and whoever needs the data again
compares. `gbm_fast.training.resuming` says which folder a training writes in.
"""

import json
import math
import platform
import sys
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gbm_fast.data import ImageData
from gbm_fast.data.own.vectors import VectorData
from gbm_fast.data.pictures import Picture, pictured
from gbm_fast.data.positive import LogScale, pixels_from_state
from gbm_fast.data.statistics import DataStatistics, law_statistics
from gbm_fast.data.toys import load_toy
from gbm_fast.gamma_noise import SpeckleModel
from gbm_fast.parameterisation import ScoreModel
from gbm_fast.runtime.devices import choose_autocast, choose_device
from gbm_fast.runtime.distributed import all_sum, from_main, world
from gbm_fast.runtime.files import (
    LAW_FORMAT,
    STATISTICS_FORMAT,
    WEIGHTS_FORMAT,
    OtherVersionError,
    load_tensors,
    remove_leftovers,
    save_tensors,
    tensors_sha256,
    write_atomic,
)
from gbm_fast.settings.datasets import TOYS
from gbm_fast.settings.stored import OtherSettingsError, differences, from_json, to_json
from gbm_fast.settings.training import TrainConfig
from gbm_fast.targets import LogNormalMixture
from gbm_fast.training.batches import Batches, as_mixture, law_tensors
from gbm_fast.training.build import build_model


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained run: its folder, settings and model (averaged weights, in eval mode).

    event_shape   (channels, height, width) of images, or (d,) of a law
    statistics    moments and class averages of the training data, for the samplers' starts
    max_value     the largest grey level of images; None for a law, and for units of their own
    num_classes   classes of the labels that the model takes; 0 where it takes none
    law           the law of the training data; None for images
    class_names   what the classes of the data are called, by number; empty where it is not known
    step          how many steps of the training the weights have seen
    train_sha256, test_sha256
                  hashes of the images of the training; None where the run does not have them
    scale, columns
                  of data in units of their own their scale, and of vectors the numbers' names
    """

    folder: Path
    config: TrainConfig
    model: ScoreModel | SpeckleModel
    device: torch.device
    event_shape: tuple[int, ...]
    statistics: DataStatistics
    max_value: int | None
    num_classes: int = 0
    law: LogNormalMixture | None = None
    class_names: tuple[str, ...] = ()
    step: int = 0
    train_sha256: str | None = None
    test_sha256: str | None = None
    scale: LogScale | None = None
    columns: tuple[str, ...] = ()

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
        """SHA-256 of the weights in use, whatever is in the folder by now."""
        return tensors_sha256(self.model.state_dict())

    def identity(self) -> dict[str, str | int | None]:
        """What a record of a measurement says of the run: weights, their step, and data."""
        return {
            "weights_sha256": self.weights_sha256(),
            "step": self.step,
            "train_sha256": self.train_sha256,
            "test_sha256": self.test_sha256,
        }

    def require_same_images(self, data: ImageData | VectorData, tested: bool) -> None:
        """Raise ValueError where `data` has other images or labels than the training had.

        tested   whether the test images have to be the same as well
        """
        test_sha256 = self.test_sha256 if tested else None
        require_same_images(self.folder, data, self.train_sha256, test_sha256)

    def images_of(self, states: Tensor) -> Tensor:
        """Images of states at t = 0, clipped to [1, 2], or in units of their own, or draws."""
        if self.scale is not None:
            return self.scale.values(states)
        if self.max_value is None:
            return states
        return pixels_from_state(states, self.config.noise).clamp(1, 2)

    def pictured(self, images: Tensor) -> Picture:
        """What to show of images (n, C, H, W) as `images_of` gives them.

        Units of their own are shown by the run's scale, so that two pictures can be compared.
        """
        return pictured(images, self.max_value, self.scale)


WEIGHTS_NAME = "weights.safetensors"
RUN_FILES = (
    *("config.json", "environment.json", "stats.jsonl", WEIGHTS_NAME, "checkpoints"),
    *("samples", "tensorboard", "statistics.safetensors", "law.safetensors", "samples.png"),
    "metrics.json",
)
"""The names in a run folder."""


_REBUILT = (
    "put the right file back, or give the command of the training again with --resume auto, which "
    "makes it anew"
)


def require_same_images(
    folder: Path, data: ImageData | VectorData, train_sha256: str | None, test_sha256: str | None
) -> None:
    """Raise ValueError unless `data` has the hashes of the run in `folder`, None for any."""
    wanted = {"training": (train_sha256, data.train_sha256)}
    wanted["test"] = (test_sha256, data.test_sha256) if test_sha256 else (None, "")
    other = [name for name, (then, now) in wanted.items() if then not in (None, now)]
    if other:
        raise ValueError(
            f"the data found now have other {' and '.join(other)} images or labels than those of "
            f"the run {folder}: say with --data-dir where the run's data are."
        )


def read_config(folder: Path) -> TrainConfig:
    """The settings of the run in `folder`; ValueError where there are none."""
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} is not a run folder: it has no config.json.")
    try:
        return from_json(path.read_text())
    except OtherSettingsError as error:
        raise OtherSettingsError(f"{path} cannot be used: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path} cannot be used: {error}") from error


def write_run_files(folder: Path, config: TrainConfig, data: Batches) -> None:
    """config.json, environment.json, and what the starts of the samplers need of the data.

    The folders of the data and of initial weights are stored as absolute ones, so that they are
    found from anywhere.
    """
    read = ("data_dir", "initial_weights")
    given = {name: getattr(config, name) for name in read}
    places = {name: place and place.absolute() for name, place in given.items()}
    text = to_json(replace(config, **places))
    write_atomic(folder / "config.json", text.encode())
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
    facts = {"train_sha256": data.facts().get("train_sha256")}
    save_tensors(folder / "statistics.safetensors", tensors, STATISTICS_FORMAT, facts)


def _read_law(folder: Path, config: TrainConfig, of: dict[str, Any]) -> LogNormalMixture | None:
    """The law that the weights are `of`; None for images, ValueError where it is another."""
    path = folder / "law.safetensors"
    if path.exists():
        stored, _ = load_tensors(path, LAW_FORMAT)
        if of.get("law_sha256") not in (None, tensors_sha256(stored)):
            raise ValueError(f"{path} is another law than that of the weights: {_REBUILT}.")
        return LogNormalMixture(**stored)
    # Older runs on a law of ours have its name alone.
    return as_mixture(load_toy(config.dataset)) if config.dataset in TOYS else None


def _read_statistics(folder: Path, of: dict[str, Any]) -> DataStatistics:
    """The statistics of the data that the weights are `of`; ValueError for those of others."""
    path = folder / "statistics.safetensors"
    stored, facts = load_tensors(path, STATISTICS_FORMAT)
    then, now = of.get("train_sha256"), facts.get("train_sha256")
    mean = float(stored["log_means"].mean())  # all that tells older ones apart
    close = 1e-9 if of.get("scale") is None else 1e-6  # 0 in units of their own, in float32
    # Pieces that lie side by side may leave a rest of the images out.
    pieces = of["config"].get("crop") is not None
    same = pieces or math.isclose(mean, of["log_mean"], rel_tol=1e-6, abs_tol=close)
    if (then and now and then != now) or not same:
        raise ValueError(f"{path} is of other training images than the weights: {_REBUILT}.")
    return DataStatistics(**stored)


def _read_scale(of: dict[str, Any]) -> LogScale | None:
    """The scale of the data that the weights are `of`; grey levels and older runs have none."""
    stored = of.get("scale")
    return None if stored is None else LogScale(*(tuple(stored[n]) for n in _SCALE))


_SCALE = [field.name for field in fields(LogScale)]


class StoredWeights(NamedTuple):
    """What is in weights.safetensors: the hash of the weights, and their step."""

    sha256: str
    step: int


def stored_weights(folder: Path) -> StoredWeights | None:
    """What the weights' file of a run holds; None where it is missing or damaged.

    Raises OtherVersionError for the file of another version.
    """
    try:
        weights, facts = load_tensors(folder / WEIGHTS_NAME, WEIGHTS_FORMAT)
    except OtherVersionError:
        raise
    except ValueError:
        return None
    return StoredWeights(tensors_sha256(weights), facts["step"])


def weights_facts(folder: Path) -> dict[str, Any]:
    """What the weights of a run say of themselves; ValueError where they cannot be read."""
    return load_tensors(folder / WEIGHTS_NAME, WEIGHTS_FORMAT)[1]


def _consistent(folder: Path, config: TrainConfig) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights and facts, the same on every process, and of the settings in config.json.

    A training that goes on meanwhile may replace the file between the reads of two processes.
    """
    path = folder / WEIGHTS_NAME
    weights, facts = load_tensors(path, WEIGHTS_FORMAT)
    mine = tensors_sha256(weights)
    first = from_main(lambda: mine)
    if int(all_sum(torch.tensor(int(mine != first)))):
        raise ValueError(f"{path} was replaced while it was read: give the command again.")
    different = differences(from_json(json.dumps(facts["config"])), config)
    if different:
        raise ValueError(
            f"the weights of {folder} are of other settings than its config.json ({different})."
        )
    return weights, facts


def load_trained(
    folder: Path, device: str = "auto", network: nn.Module | None = None
) -> TrainedModel:
    """The trained model in `folder`, in eval mode on `device`.

    network   of a run with a network of the user's: a module of the same architecture, of which a
              copy gets the weights

    Raises ValueError where the folder holds no run, or a file of it is truncated or foreign, or
    of other data than the weights.
    """
    config, chosen = read_config(folder), choose_device(device)
    weights, facts = _consistent(folder, config)
    law = _read_law(folder, config, facts)
    statistics = law_statistics(law) if law is not None else _read_statistics(folder, facts)
    shape, classes = tuple(facts["event_shape"]), facts.get("num_classes", 0)
    try:
        autocast = choose_autocast(config.precision, chosen)
        moments = facts["log_mean"], facts["log_std"]
        model = build_model(config, shape, *moments, autocast, classes, network)
        model.load_state_dict(weights)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"the weights of {folder} do not fit its network: {error}") from error
    return TrainedModel(
        folder,
        config,
        model.eval().requires_grad_(False).to(chosen),
        chosen,
        shape,
        statistics,
        facts["max_value"],
        classes,
        law,
        tuple(facts.get("class_names", ())),  # older headers lack some
        facts["step"],
        facts.get("train_sha256"),
        facts.get("test_sha256"),
        _read_scale(facts),
        tuple(facts.get("columns", ())),
    )
