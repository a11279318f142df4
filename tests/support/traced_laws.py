"""Laws, scores, losses, likelihoods of states x (3, 2) and a time, in tensors of a device and
dtype; `test_devices.py` runs them on a device that only pretends to exist, and compiled."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast import distributions
from gbm_fast.process import Time
from tests.support.cases import PROCESS

LIKELIHOOD = gbm.LikelihoodWeighting(PROCESS)
Tensors = tuple[Tensor, ...]


class Laws(NamedTuple):
    lognormal: gbm.LogNormal
    mixture: gbm.LogNormalMixture
    points: gbm.PointMasses
    front: distributions.LogNormal


def make_laws(x: Tensor) -> Laws:
    means, variances = x.new_tensor([[0.3, -0.2], [-0.5, 0.4]]), x.new_tensor([0.4, 0.3])
    lognormal = gbm.LogNormal(means[0], variances)
    return Laws(
        lognormal,
        gbm.LogNormalMixture(x.new_tensor([0.5, 0.5]), means, variances),
        gbm.PointMasses(x.new_tensor([[1.2, 0.7], [0.6, 1.9], [1.1, 1.5]])),
        distributions.LogNormal(lognormal.log_mean, lognormal.log_cov, validate_args=False),
    )


def model(x: Tensor, t: Time) -> Tensor:
    """A score with a derivative that is not constant."""
    return (2 * x.log()).sin()


def slope(x: Tensor, t: Time) -> Tensor:
    """x dh/dx of `model`."""
    return 2 * (2 * x.log()).cos()


def of_target(law: gbm.Target, x: Tensor, t: Time) -> Tensors:
    """Density, scores, posterior mean and divergence at t."""
    later = law.diffuse(PROCESS, t)
    return (
        later.logpdf(x),
        later.hyvarinen_score(x),
        later.stein_score(x),
        later.responsibilities(x),
        gbm.posterior_log_mean(x, law, PROCESS, t),
        gbm.exact_score(law, PROCESS)(x, t),
        gbm.log_score_divergence(x, later),
    )


def of_components(law: gbm.Target, x: Tensor, t: Time) -> Tensors:
    at = (x, law, PROCESS, t)
    return gbm.posterior_log_cov(*at), gbm.log_posterior_moment(*at)


def explicit_losses(made: Laws, x: Tensor, t: Time) -> Tensors:
    weight = gbm.variance_weighting
    targets = (made.lognormal, made.mixture, made.points)
    return tuple(gbm.m_esm(model, law, x, t, PROCESS, weight).loss for law in targets)


def functions(made: Laws, x: Tensor, t: Time) -> Tensors:
    """What makes no object on the way, so that the tests' check of annotations can be compiled."""
    times = x.new_tensor([0.2, 0.5, 0.9])
    losses = (
        gbm.m_dsm(model, x, times, x.log(), PROCESS, LIKELIHOOD),
        gbm.implicit_m_esm(model, slope, x, times, PROCESS),
        gbm.nonnegative_score_matching(model(x, t), slope(x, t), x),
    )
    return (
        *(loss.loss for loss in losses),
        gbm.conditional_logpdf(x, 2 * x, PROCESS, t),
        gbm.gamma_conditional_hyvarinen_score(x, 2 * x, 3.0),
        gbm.gamma_ancestral_step(x, 2 * x, 2.0, 3.0, x),
        gbm.exponentiated_gradient_step(x, x, 0.1),
        gbm.gradient_step(x, x, 0.1),
        gbm.bregman(gbm.ENTROPY, x, 2 * x),
        gbm.bregman(gbm.EUCLIDEAN, x, 2 * x),
        gbm.log_flip_probability(PROCESS, model(x, t), t, 0.1),
    )


def product_laws(made: Laws, x: Tensor, t: Time) -> Tensors:
    shape, rate = x.new_tensor([0.7, 3.3]), x.new_tensor([1.9, 0.4])
    kinds = (gbm.Gamma, gbm.InverseGamma, gbm.Weibull, gbm.BetaPrime)
    four = [kind(shape, rate) for kind in kinds]
    return (*(law.logpdf(x) for law in four), *(law.log_score(x) for law in four))


def likelihoods(made: Laws, x: Tensor, t: Time) -> Tensors:
    """By the flow with the exact divergence, and in closed form."""
    law, end = made.lognormal, made.lognormal.diffuse(PROCESS, 1.0)
    score, exact = (gbm.exact_score(law, PROCESS), gbm.exact_divergence(law, PROCESS))
    nats = gbm.log_likelihood(x, PROCESS, score, exact, end, gbm.uniform(2))
    closed = gbm.exact_log_likelihood(x, law, PROCESS, end, t)
    return nats, closed, gbm.bits_per_dim(nats, 2)


def between_laws(made: Laws, x: Tensor, t: Time) -> Tensors:
    """Averages over laws and divergences between them."""
    law = made.lognormal
    data = gbm.Gaussian(law.log_mean, law.log_cov)
    return (
        gbm.log_average_flip_probability(law, PROCESS, t, 0.1),
        gbm.terminal_mismatch(law, data, PROCESS),
        gbm.kl_divergence(data, gbm.terminal_gaussian(data, PROCESS)),
    )


def fronts(made: Laws, x: Tensor, t: Time) -> Tensors:
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
    return torch.tensor([[1.2, 0.7], [0.6, 1.9], [1.1, 1.5]], dtype=torch.float64)
