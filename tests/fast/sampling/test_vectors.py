"""Runs on tables of positive numbers: samples in the table's own units and columns."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.commands.evaluation import run_evaluation
from gbm_fast.commands.sampling import run_sampling
from gbm_fast.sample import parse
from gbm_fast.settings.commands import EvaluateConfig
from gbm_fast.settings.training_presets import resolve
from tests.support.cases import generator
from tests.support.fixtures import Folders
from tests.support.pictures import grey_levels

UNITS = np.array([1e-3, 1.0, 2e4])
COLUMNS = ("mass", "length", "price")
# log y of the table: a normal law, so that two moments say all of it.
MEAN = np.array([0.3, -1.0, 2.0]) + np.log(UNITS)
ROOT = np.array([[0.5, 0.0, 0.0], [0.6, 0.4, 0.0], [-1.5, 0.5, 1.2]])


def write(path: Path, count: int = 300, factor: float = 1.0) -> Path:
    """A table of draws of the law."""
    z = generator("table").standard_normal((count, 3))
    rows = factor * np.exp(MEAN + z @ ROOT.T)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows.tolist()])
    return path


def trained(folder: Path, place: Path, **overrides: object) -> gbm.Run:
    settings = {"dataset": "vectors", "data_dir": place, "steps": 3, "width": 8, "depth": 1,
                "batch_size": 16, "warmup_steps": 0, "metrics_images": 20, "device": "cpu",
                "precision": "float32", "run_dir": folder}  # fmt: skip
    return gbm.train_run(resolve(gbm.TrainConfig(**(settings | overrides))))


@pytest.fixture(scope="module")
def place(tmp_path_factory: Folders) -> Path:
    return tmp_path_factory.mktemp("vectors")


@pytest.fixture(scope="module")
def run(place: Path) -> gbm.Run:
    return trained(place / "run", write(place / "table.csv"))


def test_a_training_ends_with_a_picture_and_its_marginals(run: gbm.Run) -> None:
    assert run.columns == COLUMNS and run.event_shape == (3,) and run.max_value is None
    assert len(grey_levels(run.folder / "samples.png")) > 20, "not blank"
    (entry,) = json.loads((run.folder / "metrics.json").read_text())
    assert entry["result"]["N"] == 20 and entry["result"]["correlation_error_floor"] < 1


@pytest.mark.parametrize("start", ["lognormal", "lognormal-full", "data", "class-average"])
def test_every_start_gives_vectors_in_the_units_of_the_table(run: gbm.Run, start: str) -> None:
    made = run.sample(8, num_steps=4, start=start)
    assert made.shape == (8, 3) and made.dtype == torch.float32
    far = (made.double().log() - torch.tensor(run.scale.log_means)).abs()
    assert bool((far < 6 * torch.tensor(run.scale.log_stds)).all()), "each column in its own"


def test_the_command_writes_the_columns(run: gbm.Run, tmp_path: Path) -> None:
    words = ["--run", str(run.folder), "--num-images", "7", "--batch-size", "3"]
    words += ["--sampler", "probability-flow", "--num-steps", "3", "--out", str(tmp_path / "set")]
    run_sampling(parse(words))
    with (tmp_path / "set" / "samples.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    made = np.load(tmp_path / "set" / "samples.npz")["samples"]
    assert tuple(head) == COLUMNS and np.array_equal(np.array(rows, np.float32), made)
    assert len(grey_levels(tmp_path / "set" / "grid.png")) > 20
    with pytest.raises(ValueError, match="which is no image data set"):
        run_sampling(parse([*words[:2], "--film", "0", "--out", str(tmp_path / "film")]))


def test_the_density_integrates_over_the_units(run: gbm.Run, place: Path) -> None:
    """In units a thousand times smaller every density is that much smaller a number."""
    other = trained(place / "other", write(place / "small.csv", factor=1e3))
    y = torch.tensor(np.exp(MEAN)[None], dtype=torch.float32)
    here = run.log_likelihood(y, num_steps=8)
    there = other.log_likelihood(1e3 * y, num_steps=8)
    assert torch.allclose(there, here - 3 * np.log(1e3), atol=1e-3)


def test_what_vectors_do_not_have_is_refused(run: gbm.Run, place: Path) -> None:
    with pytest.raises(ValueError, match="no features to measure distances with"):
        run_evaluation(EvaluateConfig(run.folder))
    for setting, message in (
        ({"class_conditional": True}, "vectors have no classes"),
        ({"range": "data"}, "range is no setting of dataset vectors"),
        ({"noise": "additive"}, "noise additive is for images"),
        ({"network": "unet"}, "network unet does not suit vectors"),
    ):
        with pytest.raises(ValueError, match=message):
            trained(place / "refused", place / "table.csv", **setting)
    assert not (place / "refused").exists()


def test_another_table_is_noticed(run: gbm.Run, place: Path, tmp_path: Path) -> None:
    moved = write(tmp_path / "table.csv", factor=1.5)
    sampler = gbm.Sampler(
        run, gbm.SamplingSettings(sampler="probability-flow", start="data"), data_dir=moved
    )
    with pytest.raises(ValueError, match="have other training images or labels"):
        sampler.read()


def test_vectors_given_in_python(tmp_path: Path) -> None:
    values = torch.from_numpy(np.exp(generator("own").standard_normal((60, 2)))).float()
    data = gbm.VectorData("mine", values[:50], values[50:], ("a", "b"))
    settings = resolve(gbm.TrainConfig(dataset="own-vectors", steps=1, width=8, depth=1,
                       metrics_images=0, device="cpu", run_dir=tmp_path / "run"))  # fmt: skip
    run = gbm.train_run(settings, data)
    assert run.config.dataset == "own-vectors" and run.sample(4, num_steps=3).shape == (4, 2)
