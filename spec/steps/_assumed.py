"""Assumptions that the claims of this folder share, each with what goes wrong without it."""

from sympy import Integer, Matrix, diag, diff, symbols

from spec.checking.algebra import same
from spec.checking.claim import Assumption
from spec.checking.symbols import V, s2, sigma, v, v0
from spec.steps._recursions import GridRow, variance_after
from spec.steps._reverse import X, log_step, reverse_drift, root

POSITIVE = "the density is positive and differentiable at the state, and the score is exact"


def _mixture_bends() -> bool:
    """For two log-normal components the slope of the log score is not -1 / v."""
    y, c1, c2 = symbols("y c1 c2", real=True)
    n1, n2 = symbols("n1 n2", positive=True)
    slopes = {n1: (c1 - y) / v, n2: (c2 - y) / v}
    score = sum(n * e for n, e in slopes.items()) / (n1 + n2)
    bend = diff(score, y) + sum(diff(score, n) * n * e for n, e in slopes.items())
    return not same(bend, -1 / v)


def _scaled_score_shrinks_otherwise() -> bool:
    e, scale = symbols("e scale", real=True)
    exact, scaled = (log_step(-1 - factor * e / v, Integer(0), root) for factor in (1, scale))
    return not same(exact, scaled)


def _start_matters() -> bool:
    t, dt = symbols("t dt", positive=True)
    ends = [variance_after([GridRow(t, dt, 1)], v0, s2, start) for start in (V, v0 + s2 * t)]
    return not same(*ends)


def _divergence_of_state_dependent_noise() -> bool:
    """With sigma x_i in place of sigma, the divergence is not that of a constant rate."""
    nothing = Matrix([0, 0])
    found = reverse_drift(nothing, diag(*(sigma * e**2 for e in X)), nothing, X)
    return not same(found, Matrix([2 * (sigma * e) ** 2 * e for e in X]))


LOG_NORMAL = Assumption("log-normal data", "the score is affine in log X", _mixture_bends)
EXACT_SCORE = Assumption(
    "the score is exact", "the mean and the variance shrink with it",
    _scaled_score_shrinks_otherwise,
)  # fmt: skip
EXACT_START = Assumption("the start is exact", "the law that the run starts from", _start_matters)
CONSTANT = Assumption(
    "mu and sigma do not depend on the state", "the divergence of the diffusion matrix",
    _divergence_of_state_dependent_noise,
)  # fmt: skip
ON_LOG_NORMAL = (LOG_NORMAL, EXACT_SCORE)
