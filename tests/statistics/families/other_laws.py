"""Draws from the laws of both libraries that are not log-normal, and from the gamma chain.

Null laws: the distribution functions of gbm_ref.laws, which tests/ref/test_ref_laws.py compares
with quadrature.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

import gbm_fast.laws
from gbm_fast.gamma_noise import gamma_ancestral_step, gamma_chain_step, gamma_noise_sample
from gbm_ref.laws import BetaPrime, Gamma, InverseGamma, ProductLaw, Weibull
from tests.statistics.families.data_laws import DRAWS
from tests.statistics.laws import Array, Law
from tests.statistics.scenario import Draw, Scenario, Twin, View
from tests.statistics.seeds import Source
from tests.support.twins import tensor

FAST_LAWS: dict[str, Callable[..., gbm_fast.laws.ProductLaw]] = {
    "gamma": gbm_fast.laws.Gamma,
    "inverse gamma": gbm_fast.laws.InverseGamma,
    "weibull": gbm_fast.laws.Weibull,
    "beta prime": gbm_fast.laws.BetaPrime,
}
# Parameters, and those with which the law has its two shapes or rate and scale exchanged.
PARAMETERS = {
    "gamma": ((2.3, 0.7), (2.3, 1 / 0.7)),
    "inverse gamma": ((3.1, 2.2), (3.1, 1 / 2.2)),
    "weibull": ((1.6, 1.3), (1.6, 1 / 1.3)),
    "beta prime": ((2.3, 3.4, 0.6), (3.4, 2.3, 0.6)),
}
REF_LAWS: dict[str, Callable[..., ProductLaw]] = {
    "gamma": Gamma,
    "inverse gamma": InverseGamma,
    "weibull": Weibull,
    "beta prime": BetaPrime,
}


def law_of_log(law: ProductLaw) -> Law:
    """The law of log X from the distribution function of X."""
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
    return Scenario(
        f"{library} {name}",
        f"{library}: rvs of {name}",
        law_draws(library, name),
        {"parameters exchanged": twin},
    )


def _law(name: str) -> Law:
    return law_of_log(REF_LAWS[name](*PARAMETERS[name][0]))


def gamma_chain(source: Source, forget_factor: bool = False, stay: bool = False) -> Array:
    """Five looks to two by the chain of gbm_fast, and back to five by its reverse step.

    Columns (DRAWS, 2): log(X / X_0) after the chain and after the step back. The maps of gbm_ref
    are compared with these exactly, on the same draws.
    """
    rng, x0 = source.numpy, tensor(np.full(DRAWS, 1.3))
    five, beta, three = (
        tensor(draws)
        for draws in (
            rng.standard_gamma(5.0, DRAWS),
            rng.beta(2.0, 3.0, DRAWS),
            rng.standard_gamma(3.0, DRAWS),
        )
    )
    more = gamma_noise_sample(x0, 5.0, five)
    fewer = more * beta if forget_factor else gamma_chain_step(more, 5.0, 2.0, beta)
    back = fewer if stay else gamma_ancestral_step(fewer, x0, 2.0, 5.0, three)
    return (torch.stack([fewer, back], dim=1) / 1.3).log().numpy()


def _looks(looks: float, scale: float = 1.0) -> Law:
    """log of scale G / L, G ~ Gamma(L)."""
    return law_of_log(Gamma(looks, looks / scale))


GAMMA_VIEWS: dict[str, View] = {
    "after the chain": lambda draws: draws[:, 0],
    "after the step back": lambda draws: draws[:, 1],
}
GAMMA_CHAIN = Scenario(
    "gamma chain",
    "gbm_fast: 5 looks to 2, and the reverse step to 5",
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


def gamma() -> Law:
    """log X of the law of that name."""
    return _law("gamma")


def inverse_gamma() -> Law:
    """log X of the law of that name."""
    return _law("inverse gamma")


def weibull() -> Law:
    """log X of the law of that name."""
    return _law("weibull")


def beta_prime() -> Law:
    """log X of the law of that name."""
    return _law("beta prime")


def two_looks() -> Law:
    """log of Gamma noise of two looks."""
    return _looks(2.0)


def five_looks() -> Law:
    """log of Gamma noise of five looks."""
    return _looks(5.0)


SCENARIOS = [
    *(_law_scenario(library, name) for library in ("gbm_ref", "gbm_fast") for name in PARAMETERS),
    GAMMA_CHAIN,
]
