"""The checks of a line's sampler: agreement, exact law, and the law of what is drawn."""

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor

import gbm_ref
from gbm_fast.data.types import Events
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.training.runs import TrainedModel
from validation.gate.line import Line
from validation.gate.problem import Array, Problem, correlated, independent, single, stand_in
from validation.gate.reference import Reference, reference, replay, start_law
from validation.gate.rounding import Rounding
from validation.intervals import confidence_region, sample_moments
from validation.study import Check

ALPHA = 1e-9
"""False alarm of each statistical check of the gate."""
PICTURES = 6
DRAWN_PICTURES = 96
LAW_TOLERANCE = 5e-4
"""On the law's mean and covariance, in its own units. In float32 log x_0 is rounded by some 1e-6;
the covariance adds up a thousand squares of differences of two such numbers."""
PROBE = 4.0
"""The size of the injected noise, by which those differences are divided again."""


def agreement(run: TrainedModel, line: Line) -> Check:
    """The states at t = 0 are those of `gbm_ref` on the same draws, to the bound on rounding."""
    settings = line.settings
    problem = correlated(run.model.log_mean, run.model.log_std, run.event_shape[0])
    sampler, exact = reference(run.config, settings), stand_in(run, problem)
    fast, again = (
        ImageNoise(settings.seed, range(PICTURES), problem.event, run.device) for _ in range(2)
    )
    found = Sampler(exact, settings, Events(problem.pictures(), None)).states(fast).x
    draws = replay(settings, problem, sampler, again, PICTURES)
    score = gbm_ref.exact_score(problem.target, sampler.process)
    noise = draws.z if sampler.step.uses_noise else None
    _, path = gbm_ref.simulate(
        sampler.step, sampler.process, score, draws.x_T, sampler.grid, noise, return_path=True
    )
    states = found.cpu().double().numpy().reshape(PICTURES, -1)
    bound = Rounding(problem, sampler, exact.model).path_bound(draws, path)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.abs(np.log(np.abs(states)) - np.log(np.abs(path[-1])))
    gap[np.sign(states) != np.sign(path[-1])] = np.inf
    ratio = float(np.max(np.linalg.norm(gap, axis=1) / bound))
    detail = (
        f"log x_0 within {gap.max():.2g} of gbm_ref on the same noise, {ratio:.2g} of the bound "
        f"on rounding ({bound.max():.2g}), {len(sampler.grid)} rows"
    )
    kept = found.dtype == torch.float32
    return Check(f"agreement: {line.name}", kept and ratio <= 1.0, detail)


class GivenNoise(ImageNoise):
    """Noise that is given: the start's draws (n, *event), those of each row (rows, n, *event).

    Class and picture of the start are the first; rows that are not there have no noise.
    """

    def __init__(self, start: Tensor, rows: Tensor, device: torch.device) -> None:
        self._start, self._rows, self._device = start, rows, device

    def integers(self, high: int) -> Tensor:
        """Zeros."""
        return torch.zeros(len(self._start), dtype=torch.int64)

    def uniform(self) -> Tensor:
        """Zeros."""
        return torch.zeros(len(self._start))

    def normal(self) -> Tensor:
        """The draws of the start."""
        return self._start.to(self._device)

    def __call__(self, row: int) -> Tensor:
        given = self._rows[row] if row < len(self._rows) else torch.zeros_like(self._start)
        return given.to(self._device)


def exact_law(run: TrainedModel, line: Line) -> Check:
    """The law of log x_0, extracted by injected noise, is that of `gbm_ref.exact_law`.

    The start is part of it: what is injected there is its standard normal draw.
    """
    settings = line.settings
    problem = single(run.model.log_mean, run.model.log_std)
    sampler, exact = reference(run.config, settings), stand_in(run, problem)
    exact.model.autocast = None

    def sampler_of_noise(start: Array, z: Array) -> Array:
        shape = (len(start), *problem.event)
        first, rows = (torch.from_numpy(PROBE * draws) for draws in (np.log(start), z))
        noise = GivenNoise(
            first.float().reshape(shape), rows.float().reshape(-1, *shape), run.device
        )
        states = Sampler(exact, settings, Events(problem.pictures(), None)).states(noise).x
        return states.cpu().double().numpy().reshape(start.shape)

    d = problem.log_mean.size
    start = start_law(settings, problem, sampler.process)
    law = gbm_ref.exact_law(sampler.step, problem.target, sampler.process, sampler.grid, start)
    rows = len(sampler.grid) if sampler.step.uses_noise else 0
    standard = gbm_ref.Gaussian(np.zeros(d), np.eye(d))
    offset, start_part, noise_part = gbm_ref.extract_affine_map(sampler_of_noise, rows, d)
    found = gbm_ref.AffineMap(offset, start_part / PROBE, noise_part / PROBE).law(standard)
    gaps = _gaps(found, law)
    spread = np.trace(found.cov) / np.trace(problem.log_cov)
    divergence = gbm_ref.kl_divergence(found, gbm_ref.Gaussian(problem.log_mean, problem.log_cov))
    detail = (
        f"mean off by {gaps[0]:.1g} and covariance by {gaps[1]:.1g} of gbm_ref's (allowed "
        f"{LAW_TOLERANCE:.0e}); with a perfect network it has {spread:.4f} times this law's "
        f"log-variance and is {divergence:.3g} nats away from it"
    )
    return Check(f"law: {line.name}", max(gaps) <= LAW_TOLERANCE, detail)


def _gaps(found: gbm_ref.Gaussian, stated: gbm_ref.Gaussian) -> tuple[float, float]:
    """The largest |mean - stated| / std and |cov - stated| / cov in any direction."""
    values, vectors = np.linalg.eigh(stated.cov)
    whiten = vectors / np.sqrt(values)
    mean = np.abs((found.mean - stated.mean) @ whiten).max()
    return float(mean), float(np.abs(whiten.T @ (found.cov - stated.cov) @ whiten).max())


def sampled_law(run: TrainedModel, line: Line) -> Check:
    """Draws from the noise source have the exact mean and variance of log |x_0|.

    Pixels are independent and of one law, so for a sampler that is affine in log x the two
    intervals (`validation.intervals`) are exact and false alarm is at most ALPHA; log |x_0| of the
    sign-agnostic sampler is normal to first order in the step only. Noise that is used twice,
    between rows or pictures, changes the variance, and no check of a map can see it.
    """
    settings = dataclasses.replace(line.settings, start="lognormal")
    problem = independent(run.model.log_mean, run.model.log_std)
    sampler, exact = reference(run.config, settings), stand_in(run, problem)
    noise = ImageNoise(settings.seed, range(DRAWN_PICTURES), problem.event, run.device)
    states = Sampler(exact, settings, Events(problem.pictures(), None)).states(noise).x
    logs = states.abs().log().cpu().double().numpy().ravel()
    mean, variance = _pixel_law(settings, problem, sampler)
    moments = sample_moments((logs - mean) / math.sqrt(variance))
    passed = confidence_region(moments, ALPHA).contains(0.0, 1.0)
    detail = (
        f"{logs.size} pixels drawn: mean {moments.mean:+.4f}, variance {moments.variance:.4f} in "
        f"units of the exact law (0 and 1; false alarm {ALPHA:.0e})"
    )
    return Check(f"sampled law: {line.name}", passed, detail)


def _pixel_law(
    settings: SamplingSettings, problem: Problem, sampler: Reference
) -> tuple[float, float]:
    """Exact mean and variance of log |x_0| of one pixel, started from the log-normal fit."""
    start = start_law(settings, problem, sampler.process)
    one = gbm_ref.LogNormal(problem.log_mean[:1], problem.log_cov[:1, :1])
    first = gbm_ref.Gaussian(start.mean[:1], start.cov[:1, :1])
    if isinstance(sampler.step, gbm_ref.SignAgnostic):
        moments = gbm_ref.sign_agnostic_moments(one, sampler.process, sampler.grid, first)
        return moments.mean, moments.var
    law = gbm_ref.exact_law(sampler.step, one, sampler.process, sampler.grid, first)
    return float(law.mean[0]), float(law.cov[0, 0])
