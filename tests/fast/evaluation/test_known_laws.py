"""Training on laws with a known score: the data, what the network learns, and the run's files."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.linalg import sqrtm

import gbm_fast as gbm
from gbm_fast.commands.evaluation import run_evaluation
from gbm_fast.commands.sampling import run_sampling
from gbm_fast.data.toys import load_toy
from gbm_fast.evaluation.generated import measured_data
from gbm_fast.evaluation.known_laws import law_of, sample_law
from gbm_fast.evaluation.metrics import read_metrics
from gbm_fast.runtime.random import Stream, first_uniforms, normal_events
from gbm_fast.sampling.film import save_trajectory
from gbm_fast.settings.commands import EvaluateConfig, Measurement, SampleConfig
from gbm_fast.settings.datasets import TOYS
from tests.support.fixtures import Folders, Shown
from tests.support.pictures import grey_levels
from tests.support.tiny_runs import train_law

NO_IMAGES = "lognormal-mixture-2d, which is no image data set"


@pytest.mark.parametrize("name", TOYS)
def test_moments_are_those_of_all_coordinates_together(name: str) -> None:
    """By the law of total variance, coordinate by coordinate, in plain loops."""
    law = load_toy(name)
    parts = [(1.0, law.log_mean, law.log_cov)] if isinstance(law, gbm.LogNormal) else None
    first = second = 0.0
    for weight, mean, cov in parts or zip(law.weights, law.log_means, law.log_covs, strict=True):
        for i in range(law.d):
            first += float(weight * mean[i]) / law.d
            second += float(weight * (cov[i, i] + mean[i] ** 2)) / law.d
    batches = gbm.LawBatches(law)
    assert batches.log_mean == pytest.approx(first, rel=1e-13)
    assert batches.log_std == pytest.approx((second - first**2) ** 0.5, rel=1e-13)


def test_a_batch_is_a_function_of_seed_and_step_and_has_the_same_items_for_everybody() -> None:
    batches = gbm.LawBatches(load_toy("lognormal-mixture-2d"))
    whole = batches.draw(3, 7, 10, range(10)).x
    parts = [batches.draw(3, 7, 10, items).x for items in (range(4), range(4, 10))]
    assert torch.equal(torch.cat(parts), whole)
    for seed, step in ((4, 7), (3, 8)):
        assert not torch.equal(batches.draw(seed, step, 10, range(10)).x, whole)
    assert str(float(whole[6, 1])) in batches.describe(3, 7, 10, 6)


def test_an_untrained_denoiser_is_exact_for_a_lognormal_law_on_the_line(tmp_path: Path) -> None:
    """A zero output is the best linear denoiser, which is the best one where log X is normal. So
    the law, its moments, the process and the parameterisation are tied together exactly, up to
    float32. The step's learning rate changes no weight by more than 1e-12."""
    run = train_law(tmp_path / "run", "lognormal-1d", 1, learning_rate=1e-12)
    x = torch.linspace(0.3, 4.0, 50)[:, None]
    learned = gbm.score_function(run.model, run.process)
    laws = (load_toy(name) for name in ("lognormal-1d", "lognormal-mixture-1d"))
    exact, other = (gbm.exact_score(law, run.process) for law in laws)
    for t in (0.2, 0.6, 1.0):
        assert torch.allclose(learned(x, t).double(), exact(x.double(), t), rtol=1e-5, atol=1e-5)
    # A twin: the score of another of the laws is nowhere near.
    assert not torch.allclose(learned(x, 0.2).double(), other(x.double(), 0.2), rtol=0.3, atol=0.3)


def test_training_brings_the_score_near_the_exact_one(tmp_path: Path) -> None:
    """Where the two components overlap, sqrt(v) near 0.2, no linear denoiser is right."""
    settings = {"batch_size": 256, "learning_rate": 5e-3, "ema_decay": 0.9}
    before = train_law(tmp_path / "a", "lognormal-mixture-1d", 1, learning_rate=1e-12)
    after = train_law(tmp_path / "b", "lognormal-mixture-1d", 150, **settings)
    (std, start), (_, end) = (gbm.score_errors(run, 2000, 5)[2] for run in (before, after))
    assert 0.15 < std < 0.4
    assert start > 0.1 and end < start / 4


@pytest.mark.parametrize("process", ["variance-exploding", "constant"])
def test_the_command_draws_a_picture(tmp_path: Path, capsys: Shown, process: str) -> None:
    folder = tmp_path / "run"
    run = train_law(folder, "lognormal-mixture-2d", 2, metrics_images=300, process=process)
    assert run.event_shape == (2,) and run.config.precision == "float32"
    assert len(grey_levels(folder / "samples.png")) > 50, "not blank"
    shown = capsys.readouterr().out
    for part in ("relative squared error of the score", "next:    python -m gbm_fast.sample"):
        assert part in shown
    assert not (folder / "statistics.safetensors").exists()
    draws = sample_law(run, 5, 1)
    assert draws.shape == (5, 2) and bool((draws > 0).all())
    sampler = gbm.Sampler(run, gbm.SamplingSettings(num_steps=9))
    with pytest.raises(ValueError, match=NO_IMAGES):
        save_trajectory(tmp_path / "film.png", sampler, 0)
    with pytest.raises(ValueError, match=NO_IMAGES):
        measured_data(folder, Measurement())


@pytest.fixture(scope="module")
def plane(tmp_path_factory: Folders) -> Path:
    """A class-conditional run on the mixture in the plane, hardly trained."""
    folder = tmp_path_factory.mktemp("laws") / "run"
    train_law(folder, "lognormal-mixture-2d", 2, class_conditional=True)
    return folder


def test_sampling_serves_laws(plane: Path, tmp_path: Path, capsys: Shown) -> None:
    """Samples are those of the sampler, in batches of any size, with components and a picture."""
    steps = {"num_steps": 5, "num_images": 7, "batch_size": 3, "seed": 2}
    settings = gbm.SamplingSettings(sampler="ddim", **steps)
    run_sampling(SampleConfig(plane, tmp_path, device="cpu", sampling=settings))
    with np.load(tmp_path / "samples.npz") as stored:
        assert stored["samples"].shape == (7, 2) and stored["labels"].shape == (7,)
        expected = gbm.Sampler(gbm.load_run(plane, "cpu"), settings)(show_progress=False)
        assert np.array_equal(stored["samples"], expected.numpy())
    assert len(grey_levels(tmp_path / "grid.png")) > 50, "not blank"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"samples.npz", "grid.png", "labels.txt", "settings.json", ".gbm-samples"}
    shown = capsys.readouterr().out
    assert "5 levels: 7 samples" in shown and "no png/: the samples are no images" in shown
    with pytest.raises(ValueError, match="which is no image data set"):
        run_sampling(SampleConfig(plane, tmp_path, film=0, device="cpu", sampling=settings))


def symmetric_roots(covariances: torch.Tensor) -> torch.Tensor:
    """The positive semidefinite root of each, (J, d, d)."""
    return torch.stack([torch.as_tensor(sqrtm(one).real) for one in covariances.numpy()])


def by_hand(law: gbm.LogNormalMixture, seed: int, step: int, count: int) -> torch.Tensor:
    """Draws from the streams: component by the uniform number, log x = mean + root z."""
    uniform = first_uniforms(seed, Stream.COMPONENT, step, count)
    z = normal_events(seed, Stream.LAW, [step], range(count), (law.d,))[0].double()
    edges = law.weights.cumsum(0).tolist()
    chosen = [next(j for j, edge in enumerate(edges) if u < edge) for u in uniform.tolist()]
    roots = symmetric_roots(law.log_covs)
    rows = [law.log_means[j] + roots[j] @ one for j, one in zip(chosen, z, strict=True)]
    return torch.cat([torch.stack(rows).exp(), torch.tensor(chosen)[:, None]], dim=1)


THREE = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)
MEANS = torch.tensor([[0.3, -0.4], [1.0, 0.2], [-0.7, 0.1]], dtype=torch.float64)
# The last has no density: a draw of a law does not ask for one.
COVARIANCES = torch.tensor(
    [[[0.5, 0.2], [0.2, 0.4]], [[0.1, -0.05], [-0.05, 0.3]], [[0.2, 0.2], [0.2, 0.2]]],
    dtype=torch.float64,
)


def test_a_batch_of_a_law_by_hand() -> None:
    """The component of the uniform number, then mean + root z; each component is there."""
    law = gbm.LogNormalMixture(THREE, MEANS, COVARIANCES)
    found = gbm.LawBatches(law, with_labels=True).draw(3, 7, 20, range(20))
    expected = by_hand(law, 3, 7, 20)
    assert found.labels.tolist() == expected[:, 2].tolist() and len(found.labels.unique()) == 3
    assert torch.allclose(found.x, expected[:, :2], rtol=1e-7, atol=0)


@pytest.mark.parametrize(
    "start", ["lognormal", "lognormal-averages", "lognormal-full", "class-average", "data"]
)
def test_every_start_serves_a_law_by_its_formula(plane: Path, start: str) -> None:
    """On the very draws of each sample; the exact start has the component's own covariance."""
    run = gbm.load_run(plane, "cpu")
    sampler = gbm.Sampler(run, gbm.SamplingSettings(sampler="ddim", start=start, num_images=9))
    x, labels = sampler.initial_states(sampler.noise(range(9)))
    noise, law, known = sampler.noise(range(9)), law_of(run), run.statistics
    shares = law.weights.cumsum(0)[:-1]
    assert labels.tolist() == torch.bucketize(noise.label_uniform().double(), shares).tolist()
    v = sampler.process.log_var(1.0)
    z = noise.normal().double()
    if start == "class-average":
        expected = known.class_averages[labels].log() + v.sqrt() * z
    elif start == "data":
        roots = symmetric_roots(law.log_covs + v * torch.eye(2))[labels]
        expected = law.log_means[labels] + (roots @ z[..., None])[..., 0]
    elif start == "lognormal-full":
        mean, cov = gbm.log_moments(law)
        (root,) = symmetric_roots(cov[None] + v * torch.eye(2))
        expected = mean + z @ root
    else:
        names = ("average_log_means", "average_log_stds") if "averages" in start else ()
        mean, std = (getattr(known, name) for name in names or ("log_means", "log_stds"))
        expected = mean + (std.square() + v).sqrt() * z
    # States are float32, and log x is up to 30.
    assert torch.allclose(x.double().log(), expected, rtol=0, atol=1e-5)


def by_scipy(x: torch.Tensor, law: gbm.LogNormalMixture) -> float:
    """The largest Kolmogorov-Smirnov distance of a coordinate."""

    def distance(k: int) -> float:
        scales = law.log_covs[:, k, k].sqrt().numpy()

        def cdf(y: np.ndarray) -> np.ndarray:
            return stats.norm.cdf(y[:, None], law.log_means[:, k], scales) @ law.weights.numpy()

        return stats.kstest(x[:, k].log().numpy(), cdf).statistic

    return max(map(distance, range(law.d)))


def test_the_evaluate_command_measures_against_the_law(
    plane: Path, tmp_path: Path, capsys: Shown, torch_rng: torch.Generator
) -> None:
    settings = gbm.SamplingSettings(sampler="ddim", num_steps=5, num_images=50)
    run_evaluation(EvaluateConfig(plane, device="cpu", sampling=settings))
    law = load_toy("lognormal-mixture-2d")
    np.savez(tmp_path / "draws.npz", samples=(draws := law.rvs(300, torch_rng)).numpy())
    run_evaluation(EvaluateConfig(plane, tmp_path / "draws.npz", device="cpu"))
    first, second = read_metrics(plane / "metrics.json")
    assert first["settings"]["sampler"] == "ddim" and first["result"]["N"] == 50
    found, logs = second["result"], draws.log()
    assert found["ks"] == pytest.approx(by_scipy(draws, law), abs=1e-12)
    assert found["ks_floor"] == pytest.approx(0.8687 / 300**0.5, rel=1e-3)
    exact = gbm.load_run(plane, "cpu").statistics
    gap = float(((logs.mean(0) - exact.log_means) / exact.log_stds).abs().max())
    assert found["mean_error"] == pytest.approx(gap) and found["mean_floor"] == 300**-0.5
    spread = (logs.std(0) / exact.log_stds - 1).abs().max()
    assert found["std_error"] == pytest.approx(float(spread))
    assert any(name.startswith("score at") for name in found)
    shown = capsys.readouterr().out
    assert "Kolmogorov-Smirnov distance" in shown and "relative squared error" in shown


def test_another_law_is_seen(torch_rng: torch.Generator) -> None:
    """Five deviations away nothing is left in common."""
    law = load_toy("lognormal-mixture-1d")
    x = law.rvs(100, torch_rng)
    moved = dataclasses.replace(law, log_means=law.log_means + 5)
    assert gbm.law_distances(x, moved)["ks"] > 0.99
    assert gbm.law_distances(x, moved)["ks"] == pytest.approx(by_scipy(x, moved), abs=1e-12)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: np.save(p, np.ones((3, 3))), r"floats \(n, 2\) are wanted"),
        (lambda p: np.save(p, np.ones((3, 2), int)), r"floats \(n, 2\) are wanted"),
        (lambda p: np.save(p, -np.ones((3, 2))), "the draws must be positive"),
        (lambda p: np.save(p, np.ones((1, 2))), "n of 2 or more"),
    ],
    ids=["columns", "integers", "negative", "one"],
)
def test_foreign_draws_that_do_not_fit_are_refused(
    plane: Path, tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    make(tmp_path / "draws.npy")
    with pytest.raises(ValueError, match=words):
        run_evaluation(EvaluateConfig(plane, tmp_path / "draws.npy", device="cpu"))
    with pytest.raises(ValueError, match="the options of features and data do not apply"):
        run_evaluation(EvaluateConfig(plane, measurement=Measurement(floor_repeats=3)))
