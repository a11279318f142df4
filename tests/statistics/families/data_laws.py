"""Draws from the data laws of both libraries; null laws are sums of normal ones in log space."""

from collections.abc import Callable

import numpy as np
import torch
from torch.distributions import Distribution

import gbm_ref
from gbm_fast import distributions
from tests.statistics.laws import Array, Law, Plane, in_plane, on_line
from tests.statistics.scenario import Draw, Scenario, Truth, Twin
from tests.statistics.seeds import Source
from tests.support.problems import TARGETS
from tests.support.twins import components, tensor, twin_target

DRAWS = 2**16


def _flat(log_x: Array) -> Array:
    return log_x[:, 0] if log_x.shape[1] == 1 else log_x


def from_ref(target: gbm_ref.Target) -> Draw:
    """log X by gbm_ref."""
    return lambda source: _flat(np.log(target.rvs(DRAWS, source.numpy)))


def from_fast(target: gbm_ref.Target) -> Draw:
    """log X by gbm_fast, in the float64 of the parameters."""
    return lambda source: _flat(twin_target(target).rvs(DRAWS, source.torch).log().numpy())


def from_distribution(target: gbm_ref.Target) -> Draw:
    """log X by gbm_fast.distributions, which draws from torch's global generator."""

    def draw(source: Source) -> Array:
        with torch.random.fork_rng():
            torch.manual_seed(source.seed)
            return _flat(twin_distribution(target).sample((DRAWS,)).log().numpy())

    return draw


def twin_distribution(target: gbm_ref.Target) -> Distribution:
    """The class of gbm_fast.distributions for a target."""
    if isinstance(target, gbm_ref.LogNormal):
        return distributions.LogNormal(tensor(target.log_mean), tensor(target.log_cov))
    if isinstance(target, gbm_ref.LogNormalMixture):
        parts = target.weights, target.log_means, target.log_covs
        return distributions.LogNormalMixture(*(tensor(part) for part in parts))
    assert isinstance(target, gbm_ref.PointMasses)
    return distributions.PointMasses(tensor(target.points), target.log_var)


LIBRARIES: dict[str, Callable[[gbm_ref.Target], Draw]] = {
    "gbm_ref": from_ref,
    "gbm_fast": from_fast,
    "gbm_fast.distributions": from_distribution,
}


def law_of(target: gbm_ref.Target) -> Law | Plane:
    """The law of log X."""
    return on_line(target) if target.d == 1 else in_plane(target)


def _always(law: Law | Plane) -> Truth:
    return lambda view: law


def with_covariances(
    target: gbm_ref.Target, change: Callable[[Array], Array]
) -> gbm_ref.LogNormalMixture:
    """The law whose components have other covariances."""
    weights, means, covs = components(target)
    return gbm_ref.LogNormalMixture(weights, means, np.stack([change(cov) for cov in covs]))


def _root(cov: Array) -> Array:
    values, vectors = np.linalg.eigh(cov)
    return (vectors * np.sqrt(values)) @ vectors.T


def _transposed(cov: Array) -> Array:
    factor = np.linalg.cholesky(cov)
    return factor.T @ factor


def _wrong_laws(target: gbm_ref.Target) -> dict[str, gbm_ref.LogNormalMixture]:
    """Targets one mistake away."""
    weights, means, covs = components(target)
    shifted = means + np.diagonal(covs, axis1=1, axis2=2) / 2
    found = {
        "variance for deviation": with_covariances(target, _root),
        "log of the mean for mean of the log": gbm_ref.LogNormalMixture(weights, shifted, covs),
    }
    if target.d == 2 and len(weights) == 1:
        found["root transposed"] = with_covariances(target, _transposed)
    if len(set(weights.tolist())) > 1:
        even = np.full(weights.size, 1 / weights.size)
        found["weights ignored"] = gbm_ref.LogNormalMixture(even, means, covs)
    return found


def _target_scenario(library: str, name: str, target: gbm_ref.Target) -> Scenario:
    draw = LIBRARIES[library]
    twins = {
        bug: Twin(draw(wrong), _always(law_of(wrong)))
        for bug, wrong in _wrong_laws(target).items()
    }
    return Scenario(f"{library} {name}", f"{library}: rvs of {name}", draw(target), twins)


def log_normal_1d() -> Law:
    """log X of the target of that name."""
    return on_line(TARGETS["log-normal-1d"])


def log_normal_2d() -> Plane:
    """log X of the target of that name."""
    return in_plane(TARGETS["log-normal-2d"])


def mixture_1d() -> Law:
    """log X of the target of that name."""
    return on_line(TARGETS["mixture-1d"])


def mixture_2d() -> Plane:
    """log X of the target of that name."""
    return in_plane(TARGETS["mixture-2d"])


def points_1d() -> Law:
    """log X of the blurred points of that name."""
    return on_line(TARGETS["points-1d"])


def points_2d() -> Plane:
    """log X of the blurred points of that name."""
    return in_plane(TARGETS["points-2d"])


SCENARIOS = [
    *(
        _target_scenario(library, name, target)
        for library in LIBRARIES
        for name, target in TARGETS.items()
    ),
]
