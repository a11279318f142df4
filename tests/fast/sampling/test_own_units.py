"""Runs on positive numbers in units of their own: what is generated comes back in these units."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast import sample
from gbm_fast.commands.report import report_images
from gbm_fast.commands.sampling import run_sampling
from gbm_fast.data.own.values import read_values
from gbm_fast.settings.commands import EvaluateConfig
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.training.runs import read_config
from tests.support.cases import generator
from tests.support.fixtures import Shown
from tests.support.tiny_runs import advance, make_run, make_trainer, same, weights

UNIT = 40.0  # of the second channel, in the first one's


def values(count: int = 40, unit: float = 1.0) -> Tensor:
    """Waves of random height in two channels, (count, 2, 4, 4), of log-deviation about 0.7."""
    rows = torch.arange(4.0)
    wave = torch.sin(rows[:, None] + 2 * rows).expand(count, 1, 4, 4)
    heights = torch.from_numpy(generator("heights").standard_normal((count, 1, 1, 1))).float()
    logs = 0.8 * wave + 0.5 * heights
    return unit * torch.cat([logs, logs + np.log(UNIT)], dim=1).exp()


def data(unit: float = 1.0) -> gbm.ImageData:
    y, labels = values(unit=unit), torch.zeros(40, dtype=torch.int64)
    return gbm.ImageData("waves", y[:30], labels[:30], y[30:], labels[30:], None, ("image",))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> gbm.Run:
    return gbm.load_run(make_run(tmp_path_factory.mktemp("own") / "run", 3, data()), "cpu")


def test_the_scale_is_stored_with_the_run(run: gbm.Run) -> None:
    assert run.scale == data().scale and run.max_value is None
    moments = run.statistics.log_means, run.statistics.log_stds
    assert float(moments[0].abs().max()) < 1e-6, "of the state: mean 0 in every channel"
    assert abs(float(moments[1].square().mean()) - 1) < 1e-6, "and deviation 1 in all"


def test_samples_are_in_the_units_of_the_data(run: gbm.Run) -> None:
    """Other units of the data, the same training but for them: samples in those units."""
    settings = SamplingSettings(sampler="probability-flow", num_steps=5, num_images=6)
    sampler = gbm.Sampler(run, settings)
    states = sampler.states(sampler.noise(range(6))).x
    made, (mean, std) = sampler(show_progress=False), run.scale.moments(states)
    assert torch.allclose(made.double(), (mean + std * states.double().log()).exp(), rtol=1e-6)
    ratio = made[:, 1].log().mean() - made[:, 0].log().mean()
    assert abs(float(ratio) - np.log(UNIT)) < 0.7, "the second channel is forty times the first"


def test_other_units_are_the_same_training(run: gbm.Run, tmp_path: Path) -> None:
    other = gbm.load_run(make_run(tmp_path / "other", 3, data(unit=1e4)), "cpu")
    here, there = (one.sample(5, num_steps=5) for one in (run, other))
    assert torch.allclose(there, 1e4 * here, rtol=1e-3)
    assert not torch.allclose(there, here, rtol=0.5)


def by_hand(run: gbm.Run, y: Tensor, t: float) -> tuple[Tensor, Tensor]:
    """Hyvarinen score and denoiser of y = exp(m + s log x) from the model's at x."""
    mean = torch.tensor(run.scale.log_means)[:, None, None].double()
    std = torch.tensor(run.scale.log_stds)[:, None, None].double()
    x = ((y.double().log() - mean) / std).exp().float()
    with torch.no_grad():
        h = gbm.score_function(run.model, run.process)(x, t)
    denoised = gbm.denoiser(x, h, run.process, t)
    return (1 + h.double()) / std - 1, mean + std * denoised.double()


@pytest.mark.parametrize("t", [0.3, 0.9])
def test_score_and_denoiser_are_those_of_the_units(run: gbm.Run, t: float) -> None:
    y = values(3, unit=1.7)
    score, denoised = by_hand(run, y, t)
    assert torch.allclose(run.score(y, t).double(), score, rtol=1e-4, atol=1e-5)
    assert torch.allclose(run.denoiser(y, t).double(), denoised, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(run.score(y / UNIT, t).double(), score, rtol=0.1)


def test_the_density_is_that_of_the_units(run: gbm.Run, tmp_path: Path) -> None:
    """p(c y) c^d = p(y): the same training in units of 1 / c, at the same things."""
    c, y = 8.0, values(2)
    other = gbm.load_run(make_run(tmp_path / "other", 3, data(unit=c)), "cpu")
    here = run.log_likelihood(y, num_steps=6, num_probes=1)
    there = other.log_likelihood(c * y, num_steps=6, num_probes=1)
    moved = y[0].numel() * np.log(c)
    assert torch.allclose(there + moved, here, atol=2e-3 * moved)
    logs = values(2).log().flatten(1).sum(1)
    std = run.scale.log_stds[0]
    bare = dataclasses.replace(run, scale=None)
    plain = gbm.Run(*(getattr(bare, f.name) for f in dataclasses.fields(bare)))
    x = run.scale.states(y)
    found = plain.log_likelihood(x, num_steps=6, num_probes=1) + x.log().flatten(1).sum(1)
    assert torch.allclose(here, found - logs - y[0].numel() * np.log(std), atol=1e-3)


def test_a_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    whole = make_trainer(tmp_path / "whole", data(), steps=4)
    advance(whole, 4)
    first = make_trainer(tmp_path / "parts", data(), steps=4)
    advance(first, 2)
    second = make_trainer(tmp_path / "parts", data(), steps=4)
    assert second.step == 2 and advance(second, 4)
    assert same(weights(whole), weights(second))
    with pytest.raises(ValueError, match="is of other training images"):
        make_trainer(tmp_path / "parts", data(unit=2.0), steps=4)


def test_additive_noise_is_for_grey_levels() -> None:
    with pytest.raises(ValueError, match="waves is in units of its own: leave noise out"):
        gbm.ImageBatches(data(), noise="additive")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was trained by the command's function on an array with zeros in it."""
    root = tmp_path_factory.mktemp("stored")
    y = values()[:, 0].numpy().copy()
    y[0, 0, 0] = 0.0
    np.save(root / "waves.npy", y)
    settings = gbm.TrainConfig(
        dataset="npy", data_dir=root / "waves.npy", zeros="floor", width=8, patch_size=2, steps=2,
        batch_size=8, warmup_steps=0, metrics_images=4, num_steps=4, device="cpu",
        precision="float32", run_dir=root / "run",
    )  # fmt: skip
    gbm.train_run(settings)
    return root / "run"


def test_a_training_ends_with_a_picture_and_its_marginals(stored: Path) -> None:
    assert (stored / "samples.png").is_file()
    entries = json.loads((stored / "metrics.json").read_text())
    assert {entry["result"]["feature"] for entry in entries} == {"log marginals"}
    assert all(entry["result"]["ks_floor"] < 1 for entry in entries)
    config = read_config(stored)
    assert config.zeros == "floor" and config.range == "auto"


def test_the_command_writes_floats(stored: Path, tmp_path: Path) -> None:
    options = ["--run", str(stored), "--num-images", "3", "--num-steps", "4", "--film", "1"]
    run_sampling(sample.parse([*options, "--start", "data", "--out", str(tmp_path / "set")]))
    images = np.load(tmp_path / "set" / "images.npz")["images"]
    assert images.shape == (3, 1, 4, 4) and images.dtype == np.float32
    for number, image in enumerate(images):
        assert np.array_equal(read_values(tmp_path / "set" / "png" / f"{number:06d}.tif"), image)
    assert (tmp_path / "set" / "grid.png").is_file() and (tmp_path / "set" / "film.png").is_file()


def test_there_are_no_features_to_measure_with(stored: Path) -> None:
    from gbm_fast.commands.evaluation import run_evaluation

    with pytest.raises(ValueError, match="compare its marginals with gbm_fast.marginal_distances"):
        run_evaluation(EvaluateConfig(stored))


def test_a_report_without_a_run_that_can_be_sampled(
    run: gbm.Run, tmp_path: Path, capsys: Shown
) -> None:
    """Marginals of each sampler beside those of real events, as they are printed."""
    config = dataclasses.replace(run.config, metrics_images=4, num_steps=4)
    folder = tmp_path / "shown"
    folder.mkdir()
    report_images(dataclasses.replace(run, folder=folder, config=config), data())
    assert "marginals of 4: ks " in capsys.readouterr().out
