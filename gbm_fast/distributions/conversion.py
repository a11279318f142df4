"""From the laws of `gbm_fast.targets` to distributions, and the score of any distribution."""

import torch
from torch import Tensor
from torch.distributions import Distribution

from gbm_fast import targets
from gbm_fast.checks import require_floating
from gbm_fast.distributions.lognormal import LogNormal, LogNormalMixture
from gbm_fast.distributions.points import PointMasses
from gbm_fast.shapes import exact_arithmetic, lasting, tracked


def from_target(
    target: targets.Target, validate_args: bool | None = None
) -> LogNormal | LogNormalMixture | PointMasses:
    """The distribution of a target; ValueError for one of another kind or without a density.

    A `LogNormal` or `LogNormalMixture` needs positive definite covariances: diffuse it first.
    """
    if isinstance(target, targets.LogNormal):
        return LogNormal(target.log_mean, target.log_cov, validate_args)
    if isinstance(target, targets.LogNormalMixture):
        return LogNormalMixture(target.weights, target.log_means, target.log_covs, validate_args)
    if isinstance(target, targets.PointMasses):
        return PointMasses.of(target, validate_args)
    raise ValueError(f"there is no distribution for a target of type {type(target).__name__}.")


def hyvarinen_score(
    distribution: Distribution, value: Tensor, create_graph: bool = False
) -> Tensor:
    """x * grad log p(x) of any distribution on positive numbers, by autograd of `log_prob`.

    value         (*sample, *batch, *event), positive; the result has its shape
    create_graph  whether the result can be differentiated again

    For Gamma, Weibull and other laws of torch.distributions, whose scores are not written out.
    """
    require_floating(value, "value")
    with lasting(), torch.enable_grad():
        x = value if create_graph and value.requires_grad else tracked(value.detach())
        density = distribution.log_prob(x).sum()
        with exact_arithmetic(x):
            (gradient,) = torch.autograd.grad(density, x, create_graph=create_graph)
    return x * gradient if create_graph else value.detach() * gradient
