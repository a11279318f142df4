"""A trained run as its user sees it: samples, score, denoiser, likelihood, and what is refused. A
network that puts out zeros is the best linear denoiser, which for log-normal data is the exact
one: so an untrained run on the law lognormal-2d has a score and a likelihood that are known."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.data.statistics import law_statistics
from gbm_fast.data.toys import load_toy
from tests.support.fixtures import Folders, Patch
from tests.support.refusals import Refusal, check, rows, table
from tests.support.source_tree import ROOT
from tests.support.stub_runs import stub_run
from tests.support.tiny_runs import make_run


def law(mean: float, variance: float) -> gbm.LogNormal:
    return gbm.LogNormal(torch.tensor([mean]), torch.tensor([[variance]]))


ONE = law(0.37, 0.23)
X = torch.linspace(0.4, 3.0, 12)[:, None]


@pytest.fixture(scope="module")
def line(tmp_path_factory: Folders) -> gbm.Run:
    """An untrained run on lognormal-1d: one step of no length."""
    settings = {"steps": 1, "learning_rate": 1e-12, "width": 8, "depth": 1, "metrics_images": 0}
    folder = tmp_path_factory.mktemp("runs") / "line"
    settings |= {"dataset": "lognormal-1d", "run_dir": folder, "device": "cpu"}
    return gbm.train_run(gbm.TrainConfig(**settings))


@pytest.mark.parametrize("t", [0.2, 0.7, 1.0])
def test_score_and_denoiser_are_the_exact_ones(line: gbm.Run, t: float) -> None:
    diffused = ONE.diffuse(line.process, t)
    exact = diffused.hyvarinen_score(X)
    assert torch.allclose(line.score(X, t), exact, rtol=1e-5, atol=1e-5)
    many = line.score(X.double(), torch.full((12,), t))
    assert torch.allclose(many, exact, rtol=1e-5, atol=1e-5) and many.dtype == torch.float32
    expected = gbm.denoiser(X, exact, line.process, t)
    assert torch.allclose(line.denoiser(X, t), expected, rtol=1e-4, atol=1e-4)


def test_log_likelihood_is_the_density_at_the_least_noise(line: gbm.Run) -> None:
    """And not that of the data: v = 0.005^2 widens 0.23 by 1e-4, which float32 hardly sees."""
    low = ONE.diffuse(line.process, line.process.time_at_log_var(0.005**2))
    assert torch.allclose(line.log_likelihood(X), low.logpdf(X), rtol=0, atol=3e-3)
    other = law(0.37, 0.25).logpdf(X)
    assert not torch.allclose(line.log_likelihood(X), other, rtol=0, atol=3e-3)


class Wave(torch.nn.Module):
    """Each element by itself, or with its neighbour: then it is no gradient of anything."""

    def __init__(self, shift: int = 0) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return torch.sin(x.roll(self.shift, -1) * x + condition[:, None, None, None])


def wide(shift: int) -> gbm.Run:
    """A run on events of 32 elements, more than have an exact divergence."""
    return gbm.Run(**{**vars(stub_run(Wave(shift))), "event_shape": (1, 4, 8)})


def test_the_likelihood_of_images_is_estimated_from_the_seed(
    torch_rng: torch.Generator, monkeypatch: Patch
) -> None:
    """Signs see the trace of a diagonal derivative exactly, and that of another by chance."""
    x = 1.2 + 0.6 * torch.rand(3, 1, 4, 8, generator=torch_rng)
    estimate = wide(0).log_likelihood(x, num_steps=8, num_probes=2)
    mixed, other = (wide(1).log_likelihood(x, num_steps=8, seed=seed) for seed in (0, 5))
    assert torch.equal(mixed, wide(1).log_likelihood(x, num_steps=8))
    assert estimate.shape == (3,) and not torch.allclose(mixed, other)
    # An event has its own signs, which its neighbours do not move.
    fewer = wide(1).log_likelihood(x[:2], num_steps=8)
    assert torch.allclose(fewer, mixed[:2], rtol=1e-4, atol=1e-3)
    assert not torch.allclose(wide(1).log_likelihood(x[1:], num_steps=8), mixed[1:], atol=1e-3)
    monkeypatch.setattr("gbm_fast.sampling.runs._EXACT", 32)
    exact = wide(0).log_likelihood(x, num_steps=8)
    assert torch.allclose(estimate, exact, rtol=1e-4, atol=1e-3)
    small = gbm.Run(**vars(stub_run(Wave())))
    with pytest.raises(ValueError, match=r"x must have shape \(n, \*\(1, 4, 4\)\)"):
        small.log_likelihood(x)


def test_samples_are_those_of_the_command_for_every_setting(tmp_path: Path) -> None:
    run = gbm.load_run(str(make_run(tmp_path / "run")))
    settings = gbm.SamplingSettings(
        sampler="ancestral", start="class-average", num_steps=7, num_images=5, seed=3, batch_size=2
    )
    images = run.sample(5, 3, "ancestral", "class-average", num_steps=7, batch_size=2)
    assert torch.equal(images, gbm.Sampler(run, settings)(show_progress=False))
    assert images.shape == (5, 1, 8, 8) and not torch.equal(images, run.sample(5, batch_size=2))
    assert torch.equal(run.sampler(settings)(2, seed=3, show_progress=False), images[:2])
    with pytest.raises(ValueError, match="num_samples must be 1 or more"):
        run.sampler(settings)(0)


def test_samples_of_a_law_follow_the_exact_law_of_the_sampler(line: gbm.Run) -> None:
    """With the exact score Heun's steps are affine: each sample is known from its own draw."""
    sampler = line.sampler(gbm.SamplingSettings(sampler="probability-flow", num_images=6, seed=1))
    process, target = ref.VarianceExploding(0.005, 10.0), ref.LogNormal([0.37], 0.23)
    start = ref.Gaussian(np.array([0.37]), np.array([[0.23 + 100.0]]))
    grid = ref.power(process, 18, std_min=0.005, std_max=10.0)
    law = ref.exact_law(ref.ProbabilityFlow(), target, process, grid, start)
    z = sampler.noise(range(6)).normal().double().numpy()
    found = sampler(show_progress=False).double().log().numpy()
    np.testing.assert_allclose(found, law.mean + np.sqrt(law.cov) * z, rtol=0, atol=2e-4)


RUN = gbm.Run(**vars(stub_run()))
IMAGES = torch.full((2, 1, 4, 4), 1.4)
WAVES = gbm.Run(**vars(stub_run(Wave())))
CLASSES = gbm.Run(**{**vars(RUN), "num_classes": 3})
TWO = torch.tensor([0, 1])


@table(
    rows(
        RUN.score,
        {"x": IMAGES, "t": 0.5, "labels": None},
        ("x", -IMAGES, "x must be positive"),
        ("x", IMAGES[0], r"x must have shape \(n, \*\(1, 4, 4\)\)"),
        ("x", IMAGES.int(), "floating-point"),
        ("t", 0.0, "noise levels"),
        ("t", torch.zeros(3), "t must be a number or"),
        ("labels", TWO, "not class-conditional"),
    ),
    rows(
        RUN.sample,
        {"num_samples": 1, "sampler": "ddim", "num_steps": 3, "start": "lognormal", "label": None},
        ("num_samples", 0, "num_images must be 1 or more"),
        ("num_steps", 1, "num_steps must be 2 or more"),
        ("label", 1, "is not class-conditional"),
    ),
    rows(
        WAVES.log_likelihood,
        {"x": IMAGES, "num_steps": 16, "num_probes": 1},
        ("num_steps", 1, "num_steps must be an integer of at least 2"),
        ("num_probes", 0, "num_probes must be an integer of at least 1"),
    ),
)
def test_what_a_run_refuses(refusal: Refusal) -> None:
    check(refusal)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("x", [IMAGES.numpy(), IMAGES.tolist(), IMAGES > 0, IMAGES + 0j])
def test_arrays_of_another_kind_are_refused(x: object) -> None:
    for call in (lambda: RUN.score(x, 0.5), lambda: RUN.log_likelihood(x)):
        with pytest.raises(ValueError, match="torch.Tensor|real numbers"):
            call()


def test_the_caller_s_state_decides_nothing() -> None:
    """Inference mode, no gradients, another default device."""
    calls = (
        lambda: WAVES.score(IMAGES, 0.5),
        lambda: WAVES.denoiser(IMAGES, 0.5),
        lambda: WAVES.log_likelihood(IMAGES, num_steps=2, num_probes=1),
    )
    expected = [call() for call in calls]
    for state in (torch.inference_mode(), torch.no_grad(), torch.device("meta")):
        with state:
            found = [call() for call in calls]
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype and torch.equal(one, other)
    assert WAVES.score(IMAGES[:0], 0.5).shape == IMAGES[:0].shape


WORDS = """
import torch
import gbm_fast as gbm
import gbm_ref as ref
from tests.support.stub_runs import stub_run
run = gbm.Run(**vars(stub_run()))
for call in (
    lambda: run.sample(1, sampler="euler"),
    lambda: run.sample(1, start="noise"),
    lambda: gbm.SamplingSettings(process="paper"),
    lambda: gbm.TrainConfig(dataset="digit"),
):
    try:
        call()
    except ValueError as error:
        print(error)
"""


def test_a_wrong_word_is_refused_in_python_as_on_the_command_line() -> None:
    """In a program of its own: here the check of annotations would see the word first."""
    command = [sys.executable, "-c", WORDS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    first = ("sampler", "dale-langevin"), ("start", "class-average"), ("process", "run")
    expected = [f"{name} must be one of {word}" for name, word in (*first, ("dataset", "digits"))]
    assert [line.split(", ")[0] for line in done.stdout.splitlines()] == expected


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, "is class-conditional: pass labels"),
        *((torch.tensor(y), r"2 integers in 0\.\.2") for y in ([0, 3], [3, 0], [-1, 0], [0])),
        (torch.tensor([0.0, 1.0]), "must be 2 integers"),
        (torch.tensor([False, True]), "must be 2 integers"),
    ],
)
def test_labels_are_asked_for_where_the_run_has_classes(labels: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CLASSES.score(IMAGES, 0.5, labels)


def test_the_statistics_of_a_law_are_exact() -> None:
    """By SciPy's log-normal means, and the law of total variance in plain loops."""
    law = load_toy("lognormal-mixture-2d")
    found = law_statistics(law)
    for k in range(2):
        moments = law.log_means[:, k], law.log_covs[:, k, k]
        parts = list(zip(law.weights.tolist(), *moments, strict=True))
        means = [stats.lognorm.mean(float(s) ** 0.5, scale=math.exp(a)) for _, a, s in parts]
        assert found.class_averages[:, k].tolist() == pytest.approx(means, rel=1e-12)
        first = sum(w * float(a) for w, a, _ in parts)
        second = sum(w * float(s + (a - first) ** 2) for w, a, s in parts)
        assert float(found.log_means[k]) == pytest.approx(first, rel=1e-12)
        assert float(found.log_stds[k]) == pytest.approx(second**0.5, rel=1e-12)
        pairs = [(w, math.log(m)) for (w, _, _), m in zip(parts, means, strict=True)]
        first = sum(w * m for w, m in pairs)
        second = sum(w * (m - first) ** 2 for w, m in pairs)
        assert float(found.average_log_means[k]) == pytest.approx(first, rel=1e-12)
        assert float(found.average_log_stds[k]) == pytest.approx(second**0.5, rel=1e-12)
