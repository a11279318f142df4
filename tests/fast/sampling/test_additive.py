"""Runs with additive noise: their samples are those of Heun's method on the pixels as Karras et
al. (2022) write it, score and likelihood are those of the pixels, and what users see is images."""

import dataclasses
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.commands.evaluation import run_evaluation
from gbm_fast.commands.sampling import run_sampling
from gbm_fast.data.types import Events
from gbm_fast.sampling import film
from gbm_fast.settings.commands import EvaluateConfig, Measurement, SampleConfig
from gbm_fast.training import runs
from tests.support.fixtures import Folders, Patch
from tests.support.tiny_data import digits_extractor
from tests.support.tiny_runs import few_digits, make_run

DATA = few_digits()
PIXELS = gbm.positive_from_integers(DATA.train_images, DATA.max_value).double()
FLOW = gbm.SamplingSettings(sampler="probability-flow", num_steps=6, num_images=12, seed=3)
NARROW = {"std_min": 0.02, "std_max": 3.0}


@pytest.fixture(scope="module")
def run(tmp_path_factory: Folders) -> gbm.Run:
    """Three large steps, so that the network is not zero."""
    folder = tmp_path_factory.mktemp("additive") / "run"
    return gbm.load_run(make_run(folder, noise="additive", learning_rate=0.05, **NARROW), "cpu")


def denoised(network: nn.Module, x: Tensor, sigma: float) -> Tensor:
    """D(x; sigma) of Karras et al., Table 1, for pixels from which their mean is taken off."""
    centre, spread = PIXELS.mean(), float(PIXELS.std())
    total = sigma**2 + spread**2
    told = torch.full((len(x),), sigma, dtype=torch.float64).log() / 2
    output = network((x - centre) / total**0.5, told)
    return centre + spread**2 / total * (x - centre) + sigma * spread / total**0.5 * output


@torch.no_grad()
def heun(run: gbm.Run, z: Tensor, levels: int) -> Tensor:
    """Algorithm 1 of Karras et al. without churn, levels of eq. (5), from the Gaussian fit."""
    network = deepcopy(run.model.network).double()
    low, high = NARROW["std_min"], NARROW["std_max"]
    roots = torch.linspace(high ** (1 / 7), low ** (1 / 7), levels, dtype=torch.float64)
    sigmas = [*(roots**7).tolist(), 0.0]
    x = PIXELS.mean() + (PIXELS.var(correction=0) + high**2).sqrt() * z.double()
    for a, b in zip(sigmas[:-1], sigmas[1:], strict=True):
        slope = (x - denoised(network, x, a)) / a
        step = x + (b - a) * slope
        if b > 0:
            step = x + (b - a) * (slope + (step - denoised(network, step, b)) / b) / 2
        x = step
    return x.clamp(1, 2)


def gap(run: gbm.Run) -> float:
    """Between the run's images and those by hand, in pixels."""
    sampler = run.sampler(FLOW)
    expected = heun(run, sampler.noise(range(12)).normal(), FLOW.levels)
    assert expected.std() > 0.1 and 0.05 < float((expected > 1).double().mean()) < 0.95
    return float((sampler(show_progress=False) - expected).abs().max())


def forgotten(state: Tensor, noise: str) -> Tensor:
    """No logarithm at the end."""
    return state


def clamped_before(state: Tensor, noise: str) -> Tensor:
    """The clamp before the logarithm."""
    return state.clamp(1, 2).log()


def test_images_are_those_of_heuns_method_on_the_pixels(run: gbm.Run) -> None:
    assert gap(run) < 2e-5
    images = run.sample(5, seed=1)
    assert images.min() >= 1 and images.max() <= 2


@pytest.mark.parametrize("mistake", [forgotten, clamped_before])
def test_a_wrong_way_back_to_pixels_is_seen(
    run: gbm.Run, mistake: Callable, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(runs, "pixels_from_state", mistake)
    assert gap(run) > 0.1


def test_the_start_from_data_adds_noise_to_the_pixels(run: gbm.Run) -> None:
    sampler = gbm.Sampler(
        run, dataclasses.replace(FLOW, start="data"), Events(PIXELS.float(), DATA.train_labels)
    )
    noise = sampler.noise(range(4))
    found, labels = sampler.initial_states(noise)
    again = sampler.noise(range(4))
    chosen = again.integers(len(PIXELS))
    expected = PIXELS[chosen] + NARROW["std_max"] * again.normal().double()
    assert torch.allclose(found.double().log(), expected, rtol=0, atol=1e-5)
    assert torch.equal(labels, DATA.train_labels[chosen])


@pytest.fixture(scope="module")
def gaussian(tmp_path_factory: Folders) -> gbm.Run:
    """An untrained run: its network puts out zeros, which is exact for Gaussian pixels."""
    folder = tmp_path_factory.mktemp("gaussian") / "run"
    settings = {"steps": 1, "learning_rate": 1e-12, "warmup_steps": 0}
    return gbm.load_run(make_run(folder, noise="additive", **(settings | NARROW)), "cpu")


@pytest.mark.parametrize("t", [0.2, 1.0])
def test_score_denoiser_and_likelihood_are_of_the_pixels(
    gaussian: gbm.Run, t: float, torch_rng: torch.Generator
) -> None:
    """Of Gaussian pixels, with noise: normal densities; x may be of any sign, and here is."""
    a, s, v = PIXELS.mean(), PIXELS.std(), float(gaussian.process.log_var(t))
    z = torch.randn(5, 1, 8, 8, generator=torch_rng, dtype=torch.float64)
    x = a + (s**2 + v) ** 0.5 * z
    x[0, 0, 0, 0] = -0.25
    slope = (a - x) / (s**2 + v)
    assert torch.allclose(gaussian.score(x, t).double(), slope, rtol=1e-5, atol=1e-5)
    many = gaussian.denoiser(x, torch.full((5,), t)).double()
    assert torch.allclose(many, x + v * slope, rtol=1e-4, atol=1e-4)
    law = torch.distributions.Normal(a, (s**2 + NARROW["std_min"] ** 2).sqrt())
    found = gaussian.log_likelihood(x, num_steps=32).double()
    assert torch.allclose(found, law.log_prob(x).sum((1, 2, 3)), rtol=1e-3, atol=0.05)


def test_samples_of_gaussian_pixels_have_the_exact_law(gaussian: gbm.Run) -> None:
    """Heun's steps are then affine, so that each pixel is known from its own draw. Most
    of them are inside [1, 2], where no clip hides them."""
    sampler = gaussian.sampler(FLOW)
    a, s = float(PIXELS.mean()), float(PIXELS.std())
    process = ref.VarianceExploding(*NARROW.values())
    fit = PIXELS.var(correction=0).item() + NARROW["std_max"] ** 2
    start = ref.Gaussian(np.array([a]), np.array([[fit]]))
    low, high = NARROW.values()
    grid = ref.power(process, FLOW.levels, std_min=low, std_max=high)
    law = ref.exact_law(ref.ProbabilityFlow(), ref.LogNormal([a], s**2), process, grid, start)
    z = sampler.noise(range(12)).normal().double().numpy()
    expected = (law.mean + np.sqrt(law.cov) * z).clip(1, 2)
    inside = (expected > 1) & (expected < 2)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(sampler(show_progress=False).numpy(), expected, rtol=0, atol=2e-5)


@pytest.fixture(scope="module")
def commanded(tmp_path_factory: Folders) -> Path:
    """A class-conditional run on all digits, with a classifier beside it."""
    root = tmp_path_factory.mktemp("commands")
    digits_extractor(root)
    data = gbm.load_dataset("digits")
    return make_run(root / "run", data=data, noise="additive", class_conditional=True)


@pytest.mark.parametrize("start", ["lognormal", "class-average", "data"])
def test_the_commands_write_images(
    commanded: Path, tmp_path: Path, start: str, monkeypatch: Patch
) -> None:
    """Files in [1, 2], the same numbers in the pictures and from Python, a film whose end is the
    image, and distances."""
    shown: list[Tensor] = []

    def seen(path: Path, above: Tensor, below: Tensor, *rest: object) -> None:
        shown.extend((above[-1:], below[-1:]))

    monkeypatch.setattr(film, "save_film", seen)
    settings = gbm.SamplingSettings("ancestral", start=start, num_steps=4, num_images=24, seed=6)
    config = SampleConfig(run=commanded, out=tmp_path, film=2, device="cpu", sampling=settings)
    run_sampling(config)
    with np.load(tmp_path / "images.npz") as archive:
        images = torch.from_numpy(archive["images"])
    assert images.min() >= 1 and images.max() <= 2 and images.std() > 0.1
    grey = np.stack([np.asarray(Image.open(p)) for p in sorted((tmp_path / "png").iterdir())])
    assert np.abs(grey / 255 + 1 - images[:, 0].numpy()).max() <= 0.5 / 16 + 0.5 / 255 + 1e-6
    assert torch.equal(images, gbm.Sampler(gbm.load_run(commanded, "cpu"), settings)())
    for end in shown:
        assert torch.allclose(end, images[2:3], rtol=0, atol=1e-4)
    measurement = Measurement(floor_repeats=2)
    run_evaluation(EvaluateConfig(commanded, None, "cpu", measurement, settings))
    assert (commanded / "metrics.json").exists()


def test_an_image_that_is_kept_is_seen_as_it_was(commanded: Path) -> None:
    """A state that is a training image itself shows that image, to its last grey level."""
    run = gbm.load_run(commanded, "cpu")
    x = PIXELS.float()
    assert torch.equal(gbm.integers_from_positive(run.images_of(x.exp()), 16), DATA.train_images)
    assert torch.allclose(run.images_of(x.exp()), x, rtol=0, atol=3e-7)


def sampled(run: gbm.Run, **settings: object) -> gbm.Sampler:
    return run.sampler(gbm.SamplingSettings(**settings))


def test_samplers_of_positive_numbers_are_refused(run: gbm.Run) -> None:
    for wrong in ({"process": "constant"}, {"sampler": "milstein"}, {"sampler": "sign-agnostic"}):
        with pytest.raises(ValueError, match="a run with additive noise has no process constant"):
            sampled(run, **wrong)
    for name in ("dale-langevin", "ancestral", "marginal-preserving", "ddim", "dpmpp-3m"):
        sampled(run, sampler=name)


X = torch.full((2, 1, 8, 8), -1.4)


def test_what_is_no_noised_image_is_refused(run: gbm.Run) -> None:
    assert run.score(X, 0.5).shape == X.shape
    for bad, words in ((X / 0, "x must be finite"), (X[0], "x must have shape")):
        with pytest.raises(ValueError, match=words):
            run.score(bad, 0.5)
