"""Training with additive noise: a step is that of Karras et al. (2022) on the pixels, written here
from its eq. (8) and Table 1, and what goes on, is kept and is refused."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.data.positive import pixels_from_state, state_from_pixels
from gbm_fast.data.statistics import data_statistics
from gbm_fast.training import images
from gbm_fast.training.order import batch_indices
from tests.support import tiny_runs as tiny
from tests.support.fixtures import Patch
from tests.support.tiny_runs import few_digits, make_run

DATA = few_digits()
PIXELS = gbm.positive_from_integers(DATA.train_images, DATA.max_value).double()


def edm_gradients(trainer: gbm.Trainer) -> list[Tensor]:
    """Those of Karras et al. (2022), eq. (8) with Table 1, for the batch of step 0, a pixel.

    Their data have mean 0: here the mean of the pixels is taken off first. Their loss is twice
    ours, and c_noise = log(sigma) / 4 is half of what our networks are told.
    """
    config, network = trainer.config, deepcopy(trainer.model.network)
    rows = batch_indices(config.seed, 0, config.batch_size, len(DATA.train_images))
    drawn = trainer.data.draw(0, range(config.batch_size))
    sigma = trainer.process.log_var(drawn.t).sqrt()[:, None, None, None]
    spread = PIXELS.std()
    c_skip = spread**2 / (sigma**2 + spread**2)
    c_out = sigma * spread / (spread**2 + sigma**2).sqrt()
    c_in = 1 / (sigma**2 + spread**2).sqrt()
    c_noise = sigma.flatten().log() / 4
    weight = (sigma**2 + spread**2) / (sigma * spread) ** 2
    y = PIXELS[rows] - PIXELS.mean()
    noisy = y + sigma * drawn.z.double()
    effective = (y - c_skip * noisy) / c_out
    output = network(c_in * noisy, 2 * c_noise)
    loss = (weight * c_out**2 * (output - effective) ** 2).mean() / 2
    return list(torch.autograd.grad(loss, list(network.parameters())))


def departure(folder: Path, **settings: object) -> float:
    """How far a step's gradients are from those by hand, relative to the largest of each tensor;
    the batch is taken in rounds of three, three and two."""
    rest = {"precision": "float64", "micro_batch": 3, "clip_norm": 1e9}
    trainer = tiny.make_trainer(folder, **({"noise": "additive"} | rest | settings))
    parameters = list(trainer.model.parameters())
    # A new network's last layer is zero, and hides what it was told.
    for parameter in parameters:
        waves = torch.arange(parameter.numel(), dtype=torch.float64).sin()
        parameter.data.copy_(0.2 * waves.reshape(parameter.shape))
    expected = edm_gradients(trainer)
    trainer.train_step()
    pairs = zip(parameters, expected, strict=True)
    return max(float((p.grad - g).abs().max() / g.abs().max()) for p, g in pairs)


def test_a_step_is_that_of_karras_on_the_pixels(tmp_path: Path) -> None:
    assert departure(tmp_path / "right") < 1e-10
    assert departure(tmp_path / "multiplicative", noise="multiplicative") > 1e-2
    assert departure(tmp_path / "weight", weighting="variance") > 1e-2


def plain_moments(data: gbm.ImageData, noise: str) -> tuple[float, float]:
    """The mistake of moments of log x in place of x."""
    return RIGHT_MOMENTS(data, "multiplicative")


def plain_state(x: Tensor, noise: str) -> Tensor:
    """The mistake of a state that is x itself."""
    return x


RIGHT_MOMENTS = images._log_moments


@pytest.mark.parametrize(
    ("name", "mistake"), [("_log_moments", plain_moments), ("state_from_pixels", plain_state)]
)
def test_moments_and_states_of_the_other_noise_are_seen(
    name: str, mistake: Callable, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(images, name, mistake)
    assert departure(tmp_path / "wrong") > 1e-2


def moments_error(found: tuple[float, float]) -> float:
    return max(abs(found[0] - float(PIXELS.mean())), abs(found[1] - float(PIXELS.std())))


def test_moments_and_averages_are_those_of_the_pixels() -> None:
    """Moments of log x differ from these by 0.1: the mean image is averaged before exp."""
    found = gbm.ImageBatches(DATA, noise="additive")
    assert moments_error((found.log_mean, found.log_std)) < 1e-12
    assert moments_error(plain_moments(DATA, "additive")) > 0.1
    known = found.statistics
    assert abs(float(known.log_means) - float(PIXELS.mean())) < 1e-12
    assert abs(float(known.log_stds) - float(PIXELS.std(correction=0))) < 1e-12
    fives = PIXELS[DATA.train_labels == 5].mean(0)
    assert torch.allclose(known.class_averages[5].log(), fives, rtol=0, atol=1e-12)
    late = data_statistics(PIXELS.exp(), DATA.train_labels, DATA.num_classes).class_averages
    assert not torch.allclose(late[5].log(), fives, rtol=0, atol=1e-2)


@pytest.mark.parametrize("max_value", [1, 16, 255, 65535])
def test_every_grey_level_survives_the_way_there_and_back(max_value: int) -> None:
    """In float32 by at most two units of 2^-23; in half precision the levels are lost."""
    levels = torch.arange(max_value + 1)
    x = gbm.positive_from_integers(levels, max_value)
    back = pixels_from_state(state_from_pixels(x, "additive"), "additive")
    assert torch.equal(gbm.integers_from_positive(back, max_value).long(), levels)
    assert float((back - x).abs().max()) <= 2 * 2.0**-23
    half = pixels_from_state(state_from_pixels(x.half(), "additive"), "additive").float()
    lost = gbm.integers_from_positive(half, max_value).long() != levels
    assert bool(lost.any()) == (max_value > 1000)
    assert torch.equal(
        pixels_from_state(state_from_pixels(x, "multiplicative"), "additive"), x.log()
    )


def test_a_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole = make_run(tmp_path / "whole", steps=4, noise="additive", class_conditional=True)
    part = make_run(tmp_path / "part", steps=2, noise="additive", class_conditional=True)
    make_run(part, steps=4, noise="additive", class_conditional=True)
    assert tiny.differences(part, whole) == 0
    other = make_run(tmp_path / "other", steps=4, class_conditional=True)
    assert tiny.differences(other, whole) > 1e-3
    with pytest.raises(ValueError, match=r"other settings .noise additive, now multiplicative"):
        make_run(part, steps=5, class_conditional=True)


def test_a_run_of_an_older_version_is_multiplicative(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    stored = json.loads((folder / "config.json").read_text())
    assert stored.pop("noise") == "multiplicative"
    (folder / "config.json").write_text(json.dumps(stored))
    assert gbm.load_run(folder).config.noise == "multiplicative"
