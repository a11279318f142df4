"""Draws from the data laws of both libraries, and from the gamma chain of gbm_ref.

Null laws are exact: sums of normal ones in log space, and the distribution functions of the laws
of gbm_ref.laws, which tests/ref/test_ref_laws.py compares with quadrature.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

import gbm_ref
from gbm_ref import gamma_ancestral_step, gamma_chain_step, gamma_noise_sample
from gbm_ref.laws import BetaPrime, Gamma, InverseGamma, ProductLaw, Weibull
from tests.fast.twins import components, twin_target
from tests.problems import TARGETS
from tests.statistics.laws import Array, Law, Plane, in_plane, on_line
from tests.statistics.scenario import Draw, Scenario, Truth, Twin, View
from tests.statistics.seeds import Source

DRAWS = 2**16


def _flat(log_x: Array) -> Array:
    return log_x[:, 0] if log_x.shape[1] == 1 else log_x


def from_ref(target: gbm_ref.Target | ProductLaw) -> Draw:
    """log X by gbm_ref."""
    return lambda source: _flat(np.log(target.rvs(DRAWS, source.numpy)))


def from_fast(target: gbm_ref.Target) -> Draw:
    """log X by gbm_fast, in the float64 of the parameters."""
    return lambda source: _flat(twin_target(target).rvs(DRAWS, source.torch).log().numpy())


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
    draw = {"gbm_ref": from_ref, "gbm_fast": from_fast}[library]
    twins = {
        bug: Twin(draw(wrong), _always(law_of(wrong)))
        for bug, wrong in _wrong_laws(target).items()
    }
    return Scenario(f"{library} {name}", f"{library}: rvs of {name}", draw(target), twins)


# Parameters, and those with which the law has its two shapes or rate and scale exchanged.
LAWS: dict[str, tuple[ProductLaw, ProductLaw]] = {
    "gamma": (Gamma(2.3, 0.7), Gamma(2.3, 1 / 0.7)),
    "inverse gamma": (InverseGamma(3.1, 2.2), InverseGamma(3.1, 1 / 2.2)),
    "weibull": (Weibull(1.6, 1.3), Weibull(1.6, 1 / 1.3)),
    "beta prime": (BetaPrime(2.3, 3.4, 0.6), BetaPrime(3.4, 2.3, 0.6)),
}


def law_of_log(law: ProductLaw) -> Law:
    """The law of log X from the distribution function of X."""
    return Law(lambda y: np.asarray(law.cdf(np.exp(y)[..., None])), -14.0, 9.0)


def _law_scenario(name: str, law: ProductLaw, wrong: ProductLaw) -> Scenario:
    twin = Twin(from_ref(wrong), _always(law_of_log(wrong)))
    return Scenario(
        f"gbm_ref {name}", f"gbm_ref: rvs of {name}", from_ref(law), {"parameters exchanged": twin}
    )


def gamma_chain(source: Source, forget_factor: bool = False, stay: bool = False) -> Array:
    """Five looks to two by the chain, and back to five by the reverse step: (DRAWS, 2).

    Columns: log(X / X_0) after the chain and after the step back.
    """
    rng, x0 = source.numpy, np.full(DRAWS, 1.3)
    more = gamma_noise_sample(x0, 5.0, rng.standard_gamma(5.0, DRAWS))
    beta = rng.beta(2.0, 3.0, DRAWS)
    fewer = more * beta if forget_factor else gamma_chain_step(more, 5.0, 2.0, beta)
    back = gamma_ancestral_step(fewer, x0, 2.0, 5.0, rng.standard_gamma(3.0, DRAWS))
    return np.log(np.stack([fewer, fewer if stay else back], axis=1) / 1.3)


def _looks(looks: float, scale: float = 1.0) -> Law:
    """log of scale G / L, G ~ Gamma(L)."""
    return law_of_log(Gamma(looks, looks / scale))


GAMMA_VIEWS: dict[str, View] = {
    "after the chain": lambda draws: draws[:, 0],
    "after the step back": lambda draws: draws[:, 1],
}
GAMMA_CHAIN = Scenario(
    "gamma chain",
    "gbm_ref: 5 looks to 2, and the reverse step to 5",
    gamma_chain,
    {
        "factor L / L' forgotten": Twin(
            partial(gamma_chain, forget_factor=True),
            {"after the chain": _looks(2.0, 2.0 / 5.0)}.get,
        ),
        "step back not taken": Twin(
            partial(gamma_chain, stay=True),
            {"after the chain": _looks(2.0), "after the step back": _looks(2.0)}.get,
        ),
    },
    GAMMA_VIEWS,
)


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


def gamma() -> Law:
    """log X of the law of that name."""
    return law_of_log(LAWS["gamma"][0])


def inverse_gamma() -> Law:
    """log X of the law of that name."""
    return law_of_log(LAWS["inverse gamma"][0])


def weibull() -> Law:
    """log X of the law of that name."""
    return law_of_log(LAWS["weibull"][0])


def beta_prime() -> Law:
    """log X of the law of that name."""
    return law_of_log(LAWS["beta prime"][0])


def two_looks() -> Law:
    """log of Gamma noise of two looks."""
    return _looks(2.0)


def five_looks() -> Law:
    """log of Gamma noise of five looks."""
    return _looks(5.0)


SCENARIOS = [
    *(
        _target_scenario(library, name, target)
        for library in ("gbm_ref", "gbm_fast")
        for name, target in TARGETS.items()
    ),
    *(_law_scenario(name, law, wrong) for name, (law, wrong) in LAWS.items()),
    GAMMA_CHAIN,
]
