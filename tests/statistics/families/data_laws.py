"""Draws from the laws of both libraries, and from the gamma chain. Null laws: normal in log space,
else the distribution functions of ref.laws (tests/ref/test_ref_laws.py: by quadrature)."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch.distributions import Distribution

import gbm_fast as gbm
import gbm_ref as ref
from tests.statistics.laws import Array, Law, Plane, in_plane, on_line
from tests.statistics.scenario import Draw, Scenario, Twin, View, one_law
from tests.statistics.seeds import Source
from tests.support.problems import TARGETS
from tests.support.twins import components, tensor, twin_target

DRAWS = 2**16


def _flat(log_x: Array) -> Array:
    return log_x[:, 0] if log_x.shape[1] == 1 else log_x


def from_ref(target: ref.Target) -> Draw:
    return lambda source: _flat(np.log(target.rvs(DRAWS, source.numpy)))


def from_fast(target: ref.Target) -> Draw:
    return lambda source: _flat(twin_target(target).rvs(DRAWS, source.torch).log().numpy())


def from_distribution(target: ref.Target) -> Draw:
    """log X by gbm_fast.distributions, which draws from torch's global generator."""

    def draw(source: Source) -> Array:
        with torch.random.fork_rng():
            torch.manual_seed(source.seed)
            return _flat(twin_distribution(target).sample((DRAWS,)).log().numpy())

    return draw


def twin_distribution(target: ref.Target) -> Distribution:
    if isinstance(target, ref.LogNormal):
        return gbm.distributions.LogNormal(tensor(target.log_mean), tensor(target.log_cov))
    if isinstance(target, ref.LogNormalMixture):
        parts = target.weights, target.log_means, target.log_covs
        return gbm.distributions.LogNormalMixture(*(tensor(part) for part in parts))
    assert isinstance(target, ref.PointMasses)
    return gbm.distributions.PointMasses(tensor(target.points), target.log_var)


LIBRARIES: dict[str, Callable[[ref.Target], Draw]] = {
    "gbm_ref": from_ref,
    "gbm_fast": from_fast,
    "gbm_fast.distributions": from_distribution,
}


def law_of(target: ref.Target) -> Law | Plane:
    return on_line(target) if target.d == 1 else in_plane(target)


def with_covariances(target: ref.Target, change: Callable[[Array], Array]) -> ref.LogNormalMixture:
    weights, means, covs = components(target)
    return ref.LogNormalMixture(weights, means, np.stack([change(cov) for cov in covs]))


def _root(cov: Array) -> Array:
    values, vectors = np.linalg.eigh(cov)
    return (vectors * np.sqrt(values)) @ vectors.T


def _transposed(cov: Array) -> Array:
    factor = np.linalg.cholesky(cov)
    return factor.T @ factor


def _wrong_laws(target: ref.Target) -> dict[str, ref.LogNormalMixture]:
    weights, means, covs = components(target)
    shifted = means + np.diagonal(covs, axis1=1, axis2=2) / 2
    found = {
        "variance for deviation": with_covariances(target, _root),
        "log of the mean for mean of the log": ref.LogNormalMixture(weights, shifted, covs),
    }
    if target.d == 2 and len(weights) == 1:
        found["root transposed"] = with_covariances(target, _transposed)
    if len(set(weights.tolist())) > 1:
        even = np.full(weights.size, 1 / weights.size)
        found["weights ignored"] = ref.LogNormalMixture(even, means, covs)
    return found


def _target_scenario(library: str, name: str, target: ref.Target) -> Scenario:
    draw = LIBRARIES[library]
    wrong = _wrong_laws(target)
    twins = {bug: one_law(draw(law), partial(law_of, law)) for bug, law in wrong.items()}
    return Scenario(f"{library} {name}", f"{library}: rvs of {name}", draw(target), twins)


log_normal_1d = partial(on_line, TARGETS["log-normal-1d"])
log_normal_2d = partial(in_plane, TARGETS["log-normal-2d"])
mixture_1d = partial(on_line, TARGETS["mixture-1d"])
mixture_2d = partial(in_plane, TARGETS["mixture-2d"])
points_1d = partial(on_line, TARGETS["points-1d"])
points_2d = partial(in_plane, TARGETS["points-2d"])

# Parameters, and those with which the law has its two shapes or rate and scale exchanged.
PARAMETERS = {
    "gamma": ((2.3, 0.7), (2.3, 1 / 0.7)),
    "inverse gamma": ((3.1, 2.2), (3.1, 1 / 2.2)),
    "weibull": ((1.6, 1.3), (1.6, 1 / 1.3)),
    "beta prime": ((2.3, 3.4, 0.6), (3.4, 2.3, 0.6)),
}
_FAST = gbm.Gamma, gbm.InverseGamma, gbm.Weibull, gbm.BetaPrime
_REF = ref.Gamma, ref.InverseGamma, ref.Weibull, ref.BetaPrime
FAST_LAWS, REF_LAWS = (dict(zip(PARAMETERS, laws, strict=True)) for laws in (_FAST, _REF))


def law_of_log(law: ref.ProductLaw) -> Law:
    return Law(lambda y: np.asarray(law.cdf(np.exp(y)[..., None])), -14.0, 9.0)


def law_draws(library: str, name: str, wrong: bool = False) -> Draw:
    """log X by a library, with the parameters or with the exchanged ones."""
    parameters = PARAMETERS[name][int(wrong)]
    if library == "gbm_ref":
        oracle = REF_LAWS[name](*parameters)
        return lambda source: np.log(oracle.rvs(DRAWS, source.numpy)[:, 0])
    law = FAST_LAWS[name](*(tensor([p]) for p in parameters))
    return lambda source: law.rvs(DRAWS, source.torch)[:, 0].log().numpy()


def _law_scenario(library: str, name: str) -> Scenario:
    exchanged = law_of_log(REF_LAWS[name](*PARAMETERS[name][1]))
    twin = Twin(law_draws(library, name, wrong=True), lambda view: exchanged)
    draw, twins = law_draws(library, name), {"parameters exchanged": twin}
    return Scenario(f"{library} {name}", f"{library}: rvs of {name}", draw, twins)


def _law(name: str) -> Law:
    return law_of_log(REF_LAWS[name](*PARAMETERS[name][0]))


def gamma_chain(source: Source, forget_factor: bool = False, stay: bool = False) -> Array:
    """Five looks to two by gbm_fast's chain and back: log(X / X_0) after each, (DRAWS, 2). The
    maps of gbm_ref are compared with these exactly, on the same draws."""
    rng, x0 = source.numpy, tensor(np.full(DRAWS, 1.3))
    five, beta = tensor(rng.standard_gamma(5.0, DRAWS)), tensor(rng.beta(2.0, 3.0, DRAWS))
    three = tensor(rng.standard_gamma(3.0, DRAWS))
    more = gbm.gamma_noise_sample(x0, 5.0, five)
    fewer = more * beta if forget_factor else gbm.gamma_chain_step(more, 5.0, 2.0, beta)
    back = fewer if stay else gbm.gamma_ancestral_step(fewer, x0, 2.0, 5.0, three)
    return (torch.stack([fewer, back], dim=1) / 1.3).log().numpy()


def _looks(looks: float, scale: float = 1.0) -> Law:
    """log of scale G / L, G ~ Gamma(L)."""
    return law_of_log(ref.Gamma(looks, looks / scale))


GAMMA_VIEWS: dict[str, View] = {
    "after the chain": lambda draws: draws[:, 0],
    "after the step back": lambda draws: draws[:, 1],
}
GAMMA_TWINS = {
    "factor L / L' forgotten": Twin(
        partial(gamma_chain, forget_factor=True), {"after the chain": _looks(2.0, 2.0 / 5.0)}.get
    ),
    "step back not taken": Twin(
        partial(gamma_chain, stay=True), dict.fromkeys(GAMMA_VIEWS, _looks(2.0)).get
    ),
}
GAMMA = "gbm_fast: 5 looks to 2, and the reverse step to 5"
gamma, inverse_gamma = partial(_law, "gamma"), partial(_law, "inverse gamma")
weibull, beta_prime = partial(_law, "weibull"), partial(_law, "beta prime")
two_looks, five_looks = partial(_looks, 2.0), partial(_looks, 5.0)

SCENARIOS = [
    *(_target_scenario(library, *item) for library in LIBRARIES for item in TARGETS.items()),
    *(_law_scenario(library, name) for library in ("gbm_ref", "gbm_fast") for name in PARAMETERS),
    Scenario("gamma chain", GAMMA, gamma_chain, GAMMA_TWINS, GAMMA_VIEWS),
]
