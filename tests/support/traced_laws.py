"""Calls of the laws, scores, losses and likelihoods, made from tensors of one device and dtype.

Each takes the laws, states x (3, 2) and a time, and gives tensors. `test_law_devices.py` runs
them on a device that only pretends to exist, and compiled.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast import (
    distributions,
    divergence,
    flips,
    gamma_noise,
    grids,
    laws,
    likelihood,
    mirror,
    mismatch,
    objectives,
    posterior,
    scores,
    targets,
)
from gbm_fast.process import GBM, Time

PROCESS = GBM(mu=0.13, sigma=0.7)
LIKELIHOOD = objectives.LikelihoodWeighting(PROCESS)
Tensors = tuple[Tensor, ...]


class Laws(NamedTuple):
    """One target of each kind, and a distribution."""

    lognormal: targets.LogNormal
    mixture: targets.LogNormalMixture
    points: targets.PointMasses
    front: distributions.LogNormal


def make_laws(x: Tensor) -> Laws:
    """Laws of the dtype and device of x."""
    means, variances = x.new_tensor([[0.3, -0.2], [-0.5, 0.4]]), x.new_tensor([0.4, 0.3])
    lognormal = targets.LogNormal(means[0], variances)
    return Laws(
        lognormal,
        targets.LogNormalMixture(x.new_tensor([0.5, 0.5]), means, variances),
        targets.PointMasses(x.new_tensor([[1.2, 0.7], [0.6, 1.9], [1.1, 1.5]])),
        distributions.LogNormal(lognormal.log_mean, lognormal.log_cov, validate_args=False),
    )


def model(x: Tensor, t: Time) -> Tensor:
    """A score with a derivative that is not constant."""
    return (2 * x.log()).sin()


def slope(x: Tensor, t: Time) -> Tensor:
    """x dh/dx of `model`."""
    return 2 * (2 * x.log()).cos()


def of_target(law: targets.Target, x: Tensor, t: Time) -> Tensors:
    """Density, scores, posterior mean and divergence at t."""
    later = law.diffuse(PROCESS, t)
    return (
        later.logpdf(x),
        later.hyvarinen_score(x),
        later.stein_score(x),
        later.responsibilities(x),
        posterior.posterior_log_mean(x, law, PROCESS, t),
        scores.exact_score(law, PROCESS)(x, t),
        likelihood.log_score_divergence(x, later),
    )


def of_components(law: targets.Target, x: Tensor, t: Time) -> Tensors:
    """What is computed from the components."""
    return (
        posterior.posterior_log_cov(x, law, PROCESS, t),
        posterior.log_posterior_moment(x, law, PROCESS, t),
    )


def explicit_losses(made: Laws, x: Tensor, t: Time) -> Tensors:
    """M-ESM for each target."""
    weight = objectives.variance_weighting
    targets = (made.lognormal, made.mixture, made.points)
    return tuple(objectives.m_esm(model, law, x, t, PROCESS, weight).loss for law in targets)


def functions(made: Laws, x: Tensor, t: Time) -> Tensors:
    """What makes no object on the way, so that the tests' check of annotations can be compiled."""
    times = x.new_tensor([0.2, 0.5, 0.9])
    losses = (
        objectives.m_dsm(model, x, times, x.log(), PROCESS, LIKELIHOOD),
        objectives.implicit_m_esm(model, slope, x, times, PROCESS),
        objectives.nonnegative_score_matching(model(x, t), slope(x, t), x),
    )
    return (
        *(loss.loss for loss in losses),
        scores.conditional_logpdf(x, 2 * x, PROCESS, t),
        gamma_noise.gamma_conditional_hyvarinen_score(x, 2 * x, 3.0),
        gamma_noise.gamma_ancestral_step(x, 2 * x, 2.0, 3.0, x),
        mirror.exponentiated_gradient_step(x, x, 0.1),
        mirror.gradient_step(x, x, 0.1),
        mirror.bregman(mirror.ENTROPY, x, 2 * x),
        mirror.bregman(mirror.EUCLIDEAN, x, 2 * x),
        flips.log_flip_probability(PROCESS, model(x, t), t, 0.1),
    )


def product_laws(made: Laws, x: Tensor, t: Time) -> Tensors:
    """Densities and scores of the four laws."""
    shape, rate = x.new_tensor([0.7, 3.3]), x.new_tensor([1.9, 0.4])
    four = (
        laws.Gamma(shape, rate),
        laws.InverseGamma(shape, rate),
        laws.Weibull(shape, rate),
        laws.BetaPrime(shape, rate),
    )
    return (*(law.logpdf(x) for law in four), *(law.log_score(x) for law in four))


def likelihoods(made: Laws, x: Tensor, t: Time) -> Tensors:
    """By the flow with the exact divergence, and in closed form."""
    law, end = made.lognormal, made.lognormal.diffuse(PROCESS, 1.0)
    score, exact = (scores.exact_score(law, PROCESS), likelihood.exact_divergence(law, PROCESS))
    nats = likelihood.log_likelihood(x, PROCESS, score, exact, end, grids.uniform(2))
    closed = likelihood.exact_log_likelihood(x, law, PROCESS, end, t)
    return nats, closed, likelihood.bits_per_dim(nats, 2)


def between_laws(made: Laws, x: Tensor, t: Time) -> Tensors:
    """Averages over laws and divergences between them."""
    law = made.lognormal
    data = divergence.Gaussian(law.log_mean, law.log_cov)
    return (
        flips.log_average_flip_probability(law, PROCESS, t, 0.1),
        mismatch.terminal_mismatch(law, data, PROCESS),
        divergence.kl_divergence(data, mismatch.terminal_gaussian(data, PROCESS)),
    )


def fronts(made: Laws, x: Tensor, t: Time) -> Tensors:
    """The distributions, without their own checks of values."""
    later = made.front.diffuse(PROCESS, t)
    kernel = distributions.ForwardKernel(PROCESS, 2 * x, t, validate_args=False)
    found = [f(x) for d in (later, kernel) for f in (d.log_prob, d.hyvarinen_score)]
    return later.mean, later.variance, kernel.mean, *found


CALLS: dict[str, Callable[[Laws, Tensor, Time], Tensors]] = {
    "log-normal": lambda made, x, t: of_target(made.lognormal, x, t),
    "mixture": lambda made, x, t: of_target(made.mixture, x, t),
    "points": lambda made, x, t: of_target(made.points, x, t),
    "components of a log-normal": lambda made, x, t: of_components(made.lognormal, x, t),
    "components of a mixture": lambda made, x, t: of_components(made.mixture, x, t),
    "explicit losses": explicit_losses,
    "functions": functions,
    "product laws": product_laws,
    "likelihoods": likelihoods,
    "between laws": between_laws,
    "distributions": fronts,
}


def states() -> Tensor:
    """Positive states (3, 2) in float64."""
    return torch.tensor([[1.2, 0.7], [0.6, 1.9], [1.1, 1.5]], dtype=torch.float64)
