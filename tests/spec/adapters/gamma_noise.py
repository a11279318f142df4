"""Calls of `gbm_ref.gamma_noise`."""

from collections.abc import Callable

from gbm_ref.laws import InverseGamma
from tests.spec.adapters.calling import Adapter, Values


def _marginal(function: Callable, at: Values) -> object:
    law = function(InverseGamma(at["al"], at["be"]), at["L"])
    return [*law.a, *law.b, *law.scale]


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.gamma_noise_sample": lambda f, at: f([at["x0"]], at["L"], [at["g"]]),
    "gbm_ref.gamma_conditional_hyvarinen_score": lambda f, at: f([at["x"]], [at["x0"]], at["L"]),
    "gbm_ref.gamma_denoiser": lambda f, at: f([at["x"]], [at["h"]], at["L"]),
    "gbm_ref.gamma_marginal": _marginal,
    "gbm_ref.gamma_chain_step": lambda f, at: f([at["x"]], at["L"], at["K"], [at["b"]]),
    "gbm_ref.gamma_ancestral_step": lambda f, at: f(
        [at["x"]], [at["x0"]], at["K"], at["L"], [at["g"]]
    ),
}
