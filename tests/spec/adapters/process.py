"""Calls of `gbm_ref.process`."""

from collections.abc import Callable

from gbm_ref import GBM, PiecewiseGBM, TimeVaryingGBM, VarianceExploding
from tests.spec.adapters.calling import Adapter, Values


def constant(at: Values) -> GBM:
    """The process of constant rates; mu is left to its default where the point has none."""
    return GBM(mu=at.get("mu"), sigma=at["sigma"], horizon=at["T"])


def polynomial(at: Values) -> TimeVaryingGBM:
    """mu(t) = b0 + b1 t + b2 t^2 and sigma(t) = c0 + c1 t."""
    return TimeVaryingGBM(
        mu=lambda t: at["b0"] + at["b1"] * t + at["b2"] * t**2,
        sigma=lambda t: at["c0"] + at["c1"] * t,
        horizon=at["T"],
    )


def exploding(at: Values) -> VarianceExploding:
    """The variance-exploding process."""
    return VarianceExploding(std_min=at["std_min"], std_max=at["std_max"], horizon=at["T"])


def piecewise(at: Values) -> PiecewiseGBM:
    """Three equal intervals."""
    sigma, mu = ([at[f"{letter}{i}"] for i in range(3)] for letter in "su")
    return PiecewiseGBM(sigma, mu, at["T"])


def at_time(process: Callable) -> Adapter:
    """f(process, t)."""
    return lambda function, at: function(process(at), at["t"])


def over_step(process: Callable) -> Adapter:
    """f(process, t, dt)."""
    return lambda function, at: function(process(at), at["t"], at["dt"])


def at_log_var(process: Callable) -> Adapter:
    """f(process, v)."""
    return lambda function, at: function(process(at), at["v"])


def of_states(process: Callable) -> Adapter:
    """f(process, (x1, x2), t, (z1, z2))."""
    return lambda function, at: function(
        process(at), [at["x1"], at["x2"]], at["t"], [at["z1"], at["z2"]]
    )


def methods(name: str, process: Callable) -> dict[str, Adapter]:
    """The adapters of every public method of a process."""
    return {
        f"gbm_ref.{name}.drift": at_time(process),
        f"gbm_ref.{name}.diffusion": at_time(process),
        f"gbm_ref.{name}.log_mean": at_time(process),
        f"gbm_ref.{name}.log_var": at_time(process),
        f"gbm_ref.{name}.increments": over_step(process),
        f"gbm_ref.{name}.time_at_log_var": at_log_var(process),
        f"gbm_ref.{name}.sample": of_states(process),
    }


ADAPTERS: dict[str, Adapter] = {
    **methods("GBM", constant),
    "gbm_ref.GBM.drift[mu not given]": at_time(constant),
    **methods("TimeVaryingGBM", polynomial),
    **methods("VarianceExploding", exploding),
    **methods("PiecewiseGBM", piecewise),
}
