"""Calls of `gbm_ref.grids`: the rows of a grid as one flat sequence."""

from collections.abc import Callable

from gbm_ref import GBM
from tests.spec.adapters.calling import Adapter, Values


def _uniform(function: Callable, at: Values) -> object:
    """N equal steps over the horizon T."""
    return function(int(at["N"]), at["T"])


def _annealed(function: Callable, at: Values) -> object:
    """The annealed grid from a level below the top one."""
    steps, inner, start = int(at["N"]), int(at["L"]), int(at["start"])
    return function(steps, at["T"], at["step"], inner, at["chi"], start)


def _denoised(function: Callable, at: Values) -> object:
    """The annealed grid with terminal denoising."""
    return function(
        int(at["N"]), at["T"], at["step"], chi=at["chi"], denoise_steps=int(at["extra"])
    )


def _printed(function: Callable, at: Values) -> object:
    """The levels that version 1's listings visit."""
    return function(int(at["N"]), at["T"], at["step"], at["chi"])


def _geometric(function: Callable, at: Values) -> object:
    """Standard deviations that fall geometrically."""
    process = GBM(at["mu"], at["sigma"], at["T"])
    return function(process, int(at["n"]), at["low"], at["high"])


def _power(function: Callable, at: Values) -> object:
    """Standard deviations whose roots of order rho fall linearly."""
    process = GBM(at["mu"], at["sigma"], at["T"])
    return function(process, int(at["n"]), at["rho"], std_min=at["low"], std_max=at["high"])


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.uniform": _uniform,
    "gbm_ref.annealed": _annealed,
    "gbm_ref.annealed[terminal denoising]": _denoised,
    "gbm_ref.printed": _printed,
    "gbm_ref.geometric": _geometric,
    "gbm_ref.power": _power,
}
