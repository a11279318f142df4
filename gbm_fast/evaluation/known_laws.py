"""Runs on a law with a known score: the learned score and samples against the exact law.

The samplers start from the exact law at the horizon, and the probability flow takes many steps, so
that what differs from the density is the error of the learned score. A class-conditional network
is given the component of each draw, and compared with the score of that component. Symbols:
s = 1 + h is the log score, v the log-variance of the forward kernel.
"""

import io
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gbm_fast.checks import require_positive
from gbm_fast.data.statistics import law_statistics
from gbm_fast.data.types import Events
from gbm_fast.evaluation.metrics import Result
from gbm_fast.parameterisation import score_function
from gbm_fast.runtime.figures import Axes, Figure
from gbm_fast.runtime.files import write_atomic
from gbm_fast.runtime.random import Stream
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.settings.training import noise_range
from gbm_fast.targets import LogNormal, LogNormalMixture, Target
from gbm_fast.training.batches import as_mixture, law_draws
from gbm_fast.training.build import build_process
from gbm_fast.training.runs import TrainedModel

_FLOW_LEVELS = 100
_SHOWN = 1500


_STREAMS = Stream.TEST_COMPONENT, Stream.TEST_LAW


def _draws(run: TrainedModel, law: LogNormalMixture, count: int, seed: int) -> Events:
    """`count` draws of a law, float32, with what the network is told of their components."""
    x, labels = law_draws(law, seed, 0, count, _STREAMS)
    return Events(x.float(), labels if run.num_classes else None)


def _log_scores(law: Target, draws: Events) -> Tensor:
    """The exact log score at `draws`, float64 (count, d): of their components where these are."""
    x, labels = draws.x.double(), draws.labels
    if labels is None or not isinstance(law, LogNormalMixture):
        return law.log_score(x)
    scores = torch.empty_like(x)
    for j in range(len(law.weights)):
        scores[labels == j] = law.component(j).log_score(x[labels == j])
    return scores


def law_of(run: TrainedModel) -> LogNormalMixture:
    """The law that a run learned; ValueError for a run on images."""
    if run.law is None:
        raise ValueError(f"{run.folder} is a run on images, whose law is not known.")
    return run.law


def sample_law(run: TrainedModel, count: int, seed: int) -> Tensor:
    """`count` draws (count, d), float32 on the CPU, by the learned score's probability flow."""
    settings = SamplingSettings(
        sampler="probability-flow", start="data", num_steps=_FLOW_LEVELS, batch_size=count
    )
    return Sampler(run, settings)(count, seed, show_progress=False)


@torch.no_grad()
def score_errors(run: TrainedModel, count: int, seed: int) -> list[tuple[float, float]]:
    """(sqrt(v), E|s_model - s|^2 / E|s|^2) at five noise levels, on `count` draws of each law."""
    law, process = law_of(run), build_process(run.config)
    errors = []
    for std in np.geomspace(*noise_range(run.config), 7)[1:-1]:
        t = float(process.time_at_log_var(float(std) ** 2))
        diffused = law.diffuse(process, t)
        draws = _draws(run, diffused, count, seed)
        truth = _log_scores(diffused, draws)
        labels = None if draws.labels is None else draws.labels.to(run.device)
        learned = score_function(run.model, process, labels)
        wrong = 1 + learned(draws.x.to(run.device), t).cpu().double() - truth
        errors.append((float(std), float(wrong.square().mean() / truth.square().mean())))
    return errors


def law_distances(samples: Tensor, law: LogNormal | LogNormalMixture) -> Result:
    """How far samples (n, d) are from a law: its own numbers, and those of n exact draws.

    ks            the largest Kolmogorov-Smirnov distance of a coordinate to its exact law
    ks_floor      what n exact draws have on average in one coordinate, for large n
    mean_error    the largest error of a mean of log x, in deviations of log x
    mean_floor    the standard deviation of that error for n exact draws, 1 / sqrt(n)
    std_error     the largest relative error of a deviation of log x

    Raises ValueError for fewer than 2 samples, another shape, or samples that are not positive.
    """
    if samples.ndim != 2 or samples.shape[1] != law.d or len(samples) < 2:
        raise ValueError(
            f"samples must be (n, {law.d}) with n of 2 or more, got {tuple(samples.shape)}."
        )
    require_positive(samples, "samples")
    y, n, law = samples.double().log(), len(samples), as_mixture(law)
    exact = law_statistics(law)
    steps = torch.arange(n + 1, dtype=torch.float64)[:, None] / n
    cdf = _marginal_cdf(law, y.sort(dim=0).values)
    gaps = torch.maximum(steps[1:] - cdf, cdf - steps[:-1])
    return {
        "N": n,
        "ks": float(gaps.max()),
        "ks_floor": math.sqrt(math.pi / (2 * n)) * math.log(2),
        "mean_error": float(((y.mean(0) - exact.log_means) / exact.log_stds).abs().max()),
        "mean_floor": n**-0.5,
        "std_error": float((y.std(0) / exact.log_stds - 1).abs().max()),
    }


def _marginal_cdf(law: LogNormalMixture, y: Tensor) -> Tensor:
    """P(log X_i <= y_i) of each coordinate by itself, of the shape of y (n, d)."""
    stds = law.log_covs.double().diagonal(dim1=1, dim2=2).sqrt()
    standard = (y[:, None] - law.log_means.double()) / stds
    return (law.weights.double()[:, None] * torch.special.ndtr(standard)).sum(1)


def _line(axis: Axes, law: Target, samples: np.ndarray) -> None:
    """A histogram of log x against the density of log x, which is x p(x)."""
    y = np.log(samples[:, 0])
    axis.hist(y, bins=60, density=True, color="#9ecae1", label=f"{len(y):,} samples")
    grid = torch.linspace(y.min() - 0.3, y.max() + 0.3, 400, dtype=torch.float64)
    density = (law.logpdf(grid.exp()[:, None]) + grid).exp()
    axis.plot(grid, density, color="#08519c", label="exact density")
    axis.set_xlabel("log x")


def _plane(axis: Axes, law: Target, samples: np.ndarray) -> None:
    """Points of log x over the contours of the density of log x."""
    y = np.log(samples)
    axes = [
        torch.linspace(y[:, i].min() - 0.4, y[:, i].max() + 0.4, 120, dtype=torch.float64)
        for i in range(2)
    ]
    mesh = torch.cartesian_prod(*axes)
    density = (law.logpdf(mesh.exp()) + mesh.sum(1)).exp().reshape(120, 120)
    shown = y[:_SHOWN]
    axis.plot(*shown.T, ".", markersize=2, color="#6baed6", label=f"{len(shown):,} samples")
    levels = float(density.max()) * np.array([0.05, 0.2, 0.4, 0.6, 0.8])
    axis.contour(*axes, density.T, levels=levels, colors="#08306b", linewidths=0.8)
    axis.set_xlabel("log x₁")
    axis.set_ylabel("log x₂ (lines: exact density)")


def save_picture(path: Path, samples: Tensor, law: LogNormalMixture, title: str) -> None:
    """Samples (n, d), d of 1 or 2, against the exact density, as a PNG; more coordinates: two."""
    shown = law if law.d <= 2 else _first_two(law)
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axis = figure.subplots()
    (_line if shown.d == 1 else _plane)(axis, shown, samples[:, : shown.d].double().numpy())
    axis.legend(frameon=False)
    axis.set_title(title)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    write_atomic(path, buffer.getvalue())


def _first_two(law: LogNormalMixture) -> LogNormalMixture:
    """The law of the first two coordinates."""
    return LogNormalMixture(law.weights, law.log_means[:, :2], law.log_covs[:, :2, :2])


def save_law_picture(run: TrainedModel, path: Path, count: int, seed: int = 0) -> None:
    """`count` samples of the run against the exact density, as a PNG."""
    title = f"{run.config.dataset}: learned score, probability flow"
    save_picture(path, sample_law(run, count, seed), law_of(run), title)


def report_errors(run: TrainedModel, count: int, seed: int = 0) -> list[tuple[float, float]]:
    """Print the errors of the score, and return them."""
    errors = score_errors(run, count, seed)
    text = ", ".join(f"{error:.2g} at {std:.2g}" for std, error in errors)
    print(f"relative squared error of the score at noise levels sqrt(v): {text}")
    return errors


def report_law(run: TrainedModel, count: int, seed: int = 0) -> None:
    """Write samples.png into the run folder and print the errors of the score."""
    path = run.folder / "samples.png"
    save_law_picture(run, path, count, seed)
    report_errors(run, count, seed)
    print(f"picture: {path}")
