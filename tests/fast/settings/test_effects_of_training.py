"""Every setting of a training has an effect: two values of it, and what is seen to differ. One
without a row fails, and so does one whose two values are the same training."""

import dataclasses
import itertools
import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch

import gbm_fast as gbm
from gbm_fast.commands import report as ending
from gbm_fast.commands import training as pipeline
from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors, tensors_sha256
from gbm_fast.settings.training_presets import preset_config, resolve
from gbm_fast.training import loop, trainer
from gbm_fast.training.checkpoints import checkpoint_steps
from tests.support.fixtures import Patch
from tests.support.small_colour import small_colour
from tests.support.tiny_runs import advance

LAW = gbm.LogNormalMixture(
    torch.tensor([0.3, 0.7], dtype=torch.float64),
    torch.tensor([[-0.5, 0.2], [0.6, -0.4]], dtype=torch.float64),
    torch.tensor([0.2, 0.3], dtype=torch.float64),
)
Seen = Any
OF_LAWS = {
    "dataset": "own-law", "network": "mlp", "width": 4, "depth": 1, "batch_size": 6, "steps": 2,
    "learning_rate": 0.05, "warmup_steps": 0, "device": "cpu", "precision": "float64",
}  # fmt: skip
OF_IMAGES = {
    "dataset": "own-images", "network": "unet", "width": 8, "multipliers": (1,), "blocks": 1,
    "patch_size": 4, "batch_size": 6, "steps": 2, "learning_rate": 0.05, "warmup_steps": 0,
    "device": "cpu", "precision": "float32",
}  # fmt: skip
OF_SPECKLE = OF_IMAGES | {"noise": "gamma", "network": "local", "width": 4, "patch_size": 2}
CONSTANT = {"process": "constant", "times": "uniform", "num_steps": 9}


def made(folder: Path, config: gbm.TrainConfig) -> gbm.Trainer:
    folder.mkdir(parents=True)
    labels = config.class_conditional
    if config.dataset == "own-law":
        return gbm.Trainer(config, gbm.LawBatches(LAW, labels), folder)
    images = small_colour()
    if config.noise == "gamma":
        parts = (1.0 + images.train_images, images.train_labels)
        parts += (1.0 + images.test_images, images.test_labels)
        images = gbm.ImageData("intensities", *parts, None, images.class_names)
    data = gbm.ImageBatches(images, labels, config.noise, config.crop, config.symmetries)
    return gbm.Trainer(config, data, folder)


def learned(folder: Path, config: gbm.TrainConfig) -> Seen:
    """The averaged weights for use and the weights after the steps."""
    one = made(folder, config)
    assert advance(one, config.steps)
    weights = {name: p.detach() for name, p in one.model.named_parameters()}
    stored, _ = load_tensors(folder / "weights.safetensors", WEIGHTS_FORMAT)
    return tensors_sha256(stored), tensors_sha256(weights)


def rounds(folder: Path, config: gbm.TrainConfig) -> Seen:
    """How many events the network sees at once."""
    one, seen = made(folder, config), []
    one.model.network.register_forward_hook(lambda net, given, out: seen.append(len(out)))
    one.train_step()
    return seen


def files(folder: Path, config: gbm.TrainConfig) -> Seen:
    """Checkpoints, steps in the log, steps with samples, and what else there is."""
    one, shown = made(folder, config), []
    times = itertools.count(0.0, 30)
    with Patch.context() as patch:
        patch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: next(times)))
        loop.fit(one, config.steps, config.minutes, False, lambda it: shown.append(it.step))
    path = folder / "stats.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    others = {path.name for path in folder.iterdir()} - {path.name, "checkpoints"}
    steps = [json.loads(line)["step"] for line in lines]
    return checkpoint_steps(folder), steps, shown, sorted(others)


def commanded(folder: Path, config: gbm.TrainConfig) -> Seen:
    """What the command does with the settings that are its own, the training itself left out."""
    seen: dict[str, object] = {}

    def group(cuda: bool, minutes: float) -> object:
        seen["minutes to wait"] = minutes
        return nullcontext()

    def loaded(
        name: str, data_dir: Path | None, range: str, zeros: str, image_size: int | None
    ) -> gbm.ImageData:
        seen["data"] = name, data_dir, range, zeros, image_size
        return small_colour()

    def samplers(run: gbm.Run, num_images: int, seed: int) -> list[gbm.Sampler]:
        seen["measured"] = num_images
        return []

    folder.mkdir()
    with Patch.context() as patch:
        patch.chdir(folder)
        for name, stub in (("process_group", group), ("load_dataset", loaded)):
            patch.setattr(pipeline, name, stub)
        patch.setattr(ending, "standard_samplers", samplers)
        patch.setattr(ending, "training_seconds", lambda data: 0.0)
        pipeline.run_training(config)
    seen["runs"] = sorted(str(p.parent.relative_to(folder)) for p in folder.rglob("config.json"))
    return seen


def continued(folder: Path, config: gbm.TrainConfig) -> Seen:
    """What the command does where it is given a second time; whether it says why it is refused."""
    commanded(folder, config)
    (found,) = folder.rglob("config.json")
    try:
        return commanded(folder / "again", dataclasses.replace(config, run_dir=found.parent))
    except ValueError as error:
        return "already holds a run" in str(error)


def compiled(folder: Path, config: gbm.TrainConfig) -> Seen:
    """Whether the model is compiled."""
    found: list[str] = []
    with Patch.context() as patch:
        patch.setattr(gbm.ScoreModel, "compile", lambda model: found.append("compiled"))
        made(folder, config)
    return found


def chosen_device(folder: Path, config: gbm.TrainConfig) -> Seen:
    """The device that is asked for."""
    asked: list[str] = []
    with Patch.context() as patch:
        patch.setattr(
            trainer, "choose_device", lambda name: asked.append(name) or torch.device("cpu")
        )
        made(folder, config)
    return asked


def from_preset(folder: Path, config: gbm.TrainConfig) -> Seen:
    """The settings of a preset, the name aside."""
    whole = resolve(preset_config(config.preset, config.dataset))
    return dataclasses.replace(whole, preset="cpu")


class Row(NamedTuple):
    """Two values of a setting, what is observed, and the settings that both are beside."""

    first: object
    second: object
    seen: Callable[[Path, gbm.TrainConfig], Seen] = learned
    beside: dict[str, object] = {}  # noqa: RUF012
    base: dict[str, object] = OF_LAWS


OF_THE_COMMAND = OF_IMAGES | {"dataset": "folder", "data_dir": Path("here"), "metrics_images": 0}
OF_THE_COMMAND |= {"run_dir": Path("run"), "steps": 1}
NUMBERED = {"run_dir": None}
# Steps so large that the loss grows.
WORSE = {"steps": 6, "checkpoint_every": 2, "learning_rate": 3.0}
FILES = {"steps": 4, "checkpoint_every": 3, "log_every": 1}
FIVE = {"steps": 5, "checkpoint_every": 1, "keep_last": 1}
ROWS: dict[str, Row] = {
    "dataset": Row("folder", "mnist", commanded, {}, OF_THE_COMMAND),
    "preset": Row("cpu", "gpu", from_preset, {}, {"dataset": "digits"}),
    "data_dir": Row(Path("here"), Path("there"), commanded, {}, OF_THE_COMMAND),
    "range": Row("auto", "data", commanded, {}, OF_THE_COMMAND),
    "zeros": Row("refuse", "floor", commanded, {}, OF_THE_COMMAND),
    "image_size": Row(None, 6, commanded, {}, OF_THE_COMMAND),
    "crop": Row(None, 4, learned, {}, OF_IMAGES),
    "symmetries": Row("none", "all", learned, {}, OF_IMAGES),
    "least_looks": Row(1.0, 2.0, learned, {}, OF_SPECKLE),
    "most_looks": Row(100.0, 50.0, learned, {}, OF_SPECKLE),
    "out_dir": Row(Path("a"), Path("b"), commanded, NUMBERED, OF_THE_COMMAND),
    "run_dir": Row(Path("run"), Path("another"), commanded, {}, OF_THE_COMMAND),
    "resume": Row("never", "auto", continued, {}, OF_THE_COMMAND),
    "class_conditional": Row(False, True),
    "label_dropout": Row(0.0, 0.6, beside={"class_conditional": True}),
    "noise": Row("multiplicative", "additive", learned, {}, OF_IMAGES),
    "process": Row("variance-exploding", "constant"),
    "sigma": Row(0.8, 0.7, beside=CONSTANT),
    "std_min": Row(0.005, 0.01),
    "std_max": Row(10.0, 9.0),
    "num_steps": Row(9, 8, beside=CONSTANT),
    "parameterisation": Row("denoiser", "noise"),
    "weighting": Row("variance", "none"),
    "target_level": Row("same", "next", beside=CONSTANT),
    "times": Row("log-normal", "log-uniform"),
    "importance": Row(False, True, beside={"weighting": "variance"}),
    "network": Row("unet", "ddpmpp", learned, {"patch_size": None}, OF_IMAGES),
    "width": Row(4, 5),
    "depth": Row(1, 2),
    "multipliers": Row((1,), (1, 1), learned, {}, OF_IMAGES),
    "blocks": Row(1, 2, learned, {}, OF_IMAGES),
    "patch_size": Row(4, 2, learned, {}, OF_IMAGES),
    # Refused here; what it does is in test_origin.py.
    "initial_weights": Row(None, Path("nowhere")),
    "dropout": Row(0.0, 0.4, learned, {}, OF_IMAGES),
    "batch_size": Row(6, 5),
    "micro_batch": Row(None, 4, rounds),
    "learning_rate": Row(0.05, 0.04),
    "weight_decay": Row(0.0, 0.1),
    "warmup_steps": Row(0, 2),
    "clip_norm": Row(1.0, 0.1),
    "ema_decay": Row(0.0, 0.999, beside={"steps": 3}),
    "average": Row("steps", "saved-checkpoints", learned, {"average_every": 2}),
    "average_every": Row(1, 2),
    "choose": Row("last", "least-loss", learned, WORSE),
    "steps": Row(2, 3),
    "minutes": Row(None, 0.6, files, FILES),
    "seed": Row(0, 1),
    "precision": Row("float64", "float32"),
    "compile": Row(False, True, compiled),
    "device": Row("cpu", "auto", chosen_device),
    "checkpoint_every": Row(3, 2, files, FILES),
    "keep_last": Row(1, 2, files, FIVE),
    "keep_every": Row(None, 2, files, FIVE),
    "log_every": Row(1, 2, files, FILES),
    "tensorboard": Row(False, True, files, FILES),
    "samples_every": Row(None, 2, files, FILES),
    "timeout_minutes": Row(30.0, 2.5, commanded, {}, OF_THE_COMMAND),
    "metrics_images": Row(0, 7, commanded, {}, OF_THE_COMMAND),
}


def test_every_setting_has_two_values() -> None:
    assert {field.name for field in dataclasses.fields(gbm.TrainConfig)} == ROWS.keys()


def observed(folder: Path, row: Row, name: str, value: object) -> Seen:
    """What one value of a setting leads to; a refusal is a result as well."""
    try:
        config = gbm.TrainConfig(**(row.base | row.beside | {name: value}))
        return row.seen(folder, resolve(config))
    except ValueError as error:
        return str(error)


@pytest.fixture(scope="module")
def known() -> dict[str, Seen]:
    """What was observed, by observer and settings: many rows begin with the same."""
    return {}


def once(known: dict[str, Seen], folder: Path, name: str) -> Seen:
    """What the first value of a setting leads to; rows with the same settings share it."""
    row = ROWS[name]
    config = gbm.TrainConfig(**(row.base | row.beside | {name: row.first}))
    key = f"{row.seen.__name__} {config}"
    if key not in known:
        known[key] = observed(folder, row, name, row.first)
    return known[key]


@pytest.mark.parametrize("name", ROWS)
def test_a_setting_has_an_effect(name: str, tmp_path: Path, known: dict[str, Seen]) -> None:
    first = once(known, tmp_path / "0", name)
    assert first != observed(tmp_path / "1", ROWS[name], name, ROWS[name].second)


OBSERVERS = {row.seen: name for name, row in ROWS.items()}


@pytest.mark.parametrize("name", OBSERVERS.values())
def test_the_same_value_has_the_same_effect(
    name: str, tmp_path: Path, known: dict[str, Seen]
) -> None:
    """Otherwise the test above would see a difference where there is none."""
    first = once(known, tmp_path / "a", name)
    assert first == observed(tmp_path / "b", ROWS[name], name, ROWS[name].first)


def test_what_is_kept_logged_and_shown(tmp_path: Path) -> None:
    """The exact steps, of five: no setting is off by one."""
    settings = {"steps": 5, "checkpoint_every": 1, "keep_last": 2, "keep_every": 2, "log_every": 2}
    config = resolve(gbm.TrainConfig(**(OF_LAWS | settings | {"samples_every": 2})))
    kept, logged, shown, _ = files(tmp_path / "a", config)
    assert (kept, logged, shown) == ([2, 4, 5], [2, 4], [2, 4])
    plain = dataclasses.replace(config, checkpoint_every=2, keep_last=9, keep_every=None)
    kept, *_ = files(tmp_path / "b", dataclasses.replace(plain, samples_every=None))
    assert kept == [2, 4, 5]


def test_as_many_images_are_measured_as_there_are_to_compare_with(tmp_path: Path) -> None:
    for count, expected in ((7, 7), (99, 10)):
        config = resolve(gbm.TrainConfig(**(OF_THE_COMMAND | {"metrics_images": count})))
        assert commanded(tmp_path / str(count), config)["measured"] == expected
