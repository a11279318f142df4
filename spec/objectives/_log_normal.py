"""The two losses on log-normal data, as exact Gaussian expectations, one coordinate.

log X_0 ~ N(a, v0) and log X_t = log X_0 + m + n with the noise n ~ N(0, v), so that
log X_t ~ N(a + m, v0 + v). A model is any polynomial in L = log X_t.
"""

from functools import cache

from sympy import Expr, Symbol, cancel

from spec.checking.gaussian import expectation
from spec.checking.symbols import L0, L, a, m, v, v0

NOISE = Symbol("n", real=True)


def conditional_score() -> Expr:
    """x d/dx log p(x | x_0) = -1 - (log x - log x_0 - m) / v, in terms of the noise."""
    return -1 - NOISE / v


def marginal_score() -> Expr:
    """x d/dx log p(x) of the log-normal marginal, a function of L."""
    return -1 - (L - a - m) / (v0 + v)


def over_data_and_noise(expression: Expr) -> Expr:
    """The expectation of a polynomial in L, L0 and the noise."""
    written = expression.subs(L, L0 + m + NOISE)
    return expectation(expectation(written, NOISE, 0, v), L0, a, v0)


def over_marginal(expression: Expr) -> Expr:
    """The expectation of a polynomial in L, from the marginal law of log X_t."""
    return expectation(expression, L, a + m, v0 + v)


def explicit_loss(model: Expr) -> Expr:
    """M-ESM of a model, from its definition."""
    return over_marginal((marginal_score() - model) ** 2 / 2)


def denoising_loss(model: Expr) -> Expr:
    """M-DSM of a model, from its definition."""
    return over_data_and_noise((conditional_score() - model) ** 2 / 2)


@cache
def floor() -> Expr:
    """M-DSM of the exact score: what the denoising loss cannot go below."""
    return cancel(denoising_loss(marginal_score()))
