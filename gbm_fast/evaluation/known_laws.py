"""What a run on a law with a known score shows at its end: samples against the exact density.

The samplers start from the exact law at the horizon, and the probability flow takes many steps, so
that what differs from the density is the error of the learned score. A class-conditional network
is given the component of each draw, and compared with the score of that component. Symbols:
s = 1 + h is the log score, v the log-variance of the forward kernel.
"""

import io
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gbm_fast.data.toys import load_toy
from gbm_fast.data.types import Events
from gbm_fast.grids import power
from gbm_fast.parameterisation import score_function
from gbm_fast.runtime.files import write_atomic
from gbm_fast.runtime.random import Stream, generator
from gbm_fast.settings.training import noise_range
from gbm_fast.simulation import simulate
from gbm_fast.steps import ProbabilityFlow
from gbm_fast.targets import LogNormalMixture, Target
from gbm_fast.training.build import build_process
from gbm_fast.training.runs import Run

_FLOW_LEVELS = 100
_SHOWN = 1500


def _draws(run: Run, law: Target, count: int, source: torch.Generator) -> Events:
    """`count` draws of a law, float32, with what the network is told of their components."""
    if run.num_classes and isinstance(law, LogNormalMixture):
        x, labels = law.labelled_rvs(count, source)
        return Events(x.float(), labels)
    return Events(law.rvs(count, source).float(), None)


def _log_scores(law: Target, draws: Events) -> Tensor:
    """The exact log score at `draws`, float64 (count, d): of their components where these are."""
    x, labels = draws.x.double(), draws.labels
    if labels is None or not isinstance(law, LogNormalMixture):
        return law.log_score(x)
    scores = torch.empty_like(x)
    for j in range(len(law.weights)):
        scores[labels == j] = law.component(j).log_score(x[labels == j])
    return scores


@torch.no_grad()
def sample_law(run: Run, count: int, seed: int) -> Tensor:
    """`count` draws (count, d), float32 on the CPU, by the learned score's probability flow."""
    law, process = load_toy(run.config.dataset), build_process(run.config)
    low, _ = noise_range(run.config)
    top = float(process.log_var(process.horizon)) ** 0.5
    start = law.diffuse(process, process.horizon)
    x_T, labels = _draws(run, start, count, generator(seed, Stream.IMAGE))
    grid = power(process, _FLOW_LEVELS, std_min=low, std_max=top)
    score = score_function(run.model, process, None if labels is None else labels.to(run.device))
    return simulate(ProbabilityFlow(), process, score, x_T.to(run.device), grid).cpu()


@torch.no_grad()
def score_errors(run: Run, count: int, seed: int) -> list[tuple[float, float]]:
    """(sqrt(v), E|s_model - s|^2 / E|s|^2) at five noise levels, on `count` draws of each law."""
    law, process = load_toy(run.config.dataset), build_process(run.config)
    errors = []
    for std in np.geomspace(*noise_range(run.config), 7)[1:-1]:
        t = float(process.time_at_log_var(float(std) ** 2))
        diffused = law.diffuse(process, t)
        draws = _draws(run, diffused, count, generator(seed, Stream.IMAGE))
        truth = _log_scores(diffused, draws)
        labels = None if draws.labels is None else draws.labels.to(run.device)
        learned = score_function(run.model, process, labels)
        wrong = 1 + learned(draws.x.to(run.device), t).cpu().double() - truth
        errors.append((float(std), float(wrong.square().mean() / truth.square().mean())))
    return errors


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


def save_law_picture(run: Run, path: Path, count: int, seed: int = 0) -> None:
    """`count` samples of the run against the exact density, as a PNG."""
    law = load_toy(run.config.dataset)
    samples = sample_law(run, count, seed).double().numpy()
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axis = figure.subplots()
    (_line if law.d == 1 else _plane)(axis, law, samples)
    axis.legend(frameon=False)
    axis.set_title(f"{run.config.dataset}: learned score, probability flow")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    write_atomic(path, buffer.getvalue())


def report_law(run: Run, count: int, seed: int = 0) -> None:
    """Write samples.png into the run folder and print the errors of the score."""
    path = run.folder / "samples.png"
    save_law_picture(run, path, count, seed)
    errors = ", ".join(
        f"{error:.2g} at {std:.2g}" for std, error in score_errors(run, count, seed)
    )
    print(f"relative squared error of the score at noise levels sqrt(v): {errors}")
    print(f"picture: {path}")
