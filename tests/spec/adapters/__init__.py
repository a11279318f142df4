"""How each pinned function is called with the named values of its pin.

An adapter gets the function itself and the values as floats, and returns what the function
returned: a number, or a sequence in the order of the pin's formula. It converts and calls; it does
no mathematics of its own. Adapters are grouped by the module of `gbm_ref`.
"""

from tests.spec.adapters import (
    closed_forms,
    divergence,
    exact,
    gamma_noise,
    grids,
    laws,
    likelihood,
    log_steps,
    mirror,
    mismatch,
    objectives,
    posterior,
    probe,
    process,
    scores,
    sign_agnostic_law,
    simulate,
    starts,
    steps,
    targets,
)
from tests.spec.adapters.calling import Adapter

ADAPTERS: dict[str, Adapter] = {
    **process.ADAPTERS,
    **targets.ADAPTERS,
    **scores.ADAPTERS,
    **objectives.ADAPTERS,
    **steps.ADAPTERS,
    **grids.ADAPTERS,
    **simulate.ADAPTERS,
    **exact.ADAPTERS,
    **mirror.ADAPTERS,
    **divergence.ADAPTERS,
    **gamma_noise.ADAPTERS,
    **laws.ADAPTERS,
    **log_steps.ADAPTERS,
    **closed_forms.ADAPTERS,
    **sign_agnostic_law.ADAPTERS,
    **likelihood.ADAPTERS,
    **posterior.ADAPTERS,
    **mismatch.ADAPTERS,
    **starts.ADAPTERS,
    **probe.ADAPTERS,
}
