"""Gaussian chains in L = log x: what one step does to the law of a log-normal state.

Symbols: c, v the mean a + m t_k and variance v_k of log X_{t_k}; e = E log X - c the deviation of
the sampler's mean from c; V its variance; h = sigma^2 delta; r = sqrt(delta).
"""

from collections.abc import Callable

from sympy import Expr, Poly, Rational, Symbol, diff, expand, sqrt, symbols

from spec.checking.gaussian import expectation

L, z, a, e, m = symbols("L z a e m", real=True)
v, V, h, sigma, r, t, kappa = symbols("v V h sigma r t kappa", positive=True)

# The log drift m = mu - sigma^2 / 2 fixes mu.
MU = m + sigma**2 / 2
Step = Callable[[Expr, Expr, Expr, Expr], Expr]


def hyvarinen(log_x: Symbol, mean: Expr, variance: Expr) -> Expr:
    """x d/dx log p for log X ~ N(mean, variance): the derivative of log p in log x."""
    return diff(-log_x - (log_x - mean) ** 2 / (2 * variance), log_x)


def dale_langevin(log_x: Expr, score: Expr, root: Expr, noise: Expr) -> Expr:
    """log X after a step of length root^2 of eq. (13), `noise` being kappa times the draw."""
    return (
        log_x
        - root**2 * (MU - Rational(3, 2) * sigma**2)
        + root**2 * sigma**2 * score
        + sigma * root * noise
    )


def moments(image: Expr, mean: Expr, variance: Expr) -> tuple[Expr, Expr]:
    """Mean and variance of image(L, z) for L ~ N(mean, variance), z ~ N(0, 1) independent."""

    def average(polynomial: Expr) -> Expr:
        return expectation(expectation(polynomial, z, 0, 1), L, mean, variance)

    first = average(image)
    return first, expand(average(image**2) - first**2)


def law_after(step: Step, strength: Expr) -> tuple[Expr, Expr]:
    """(E log X' - a - m t, Var log X') after a step from log X ~ N(a + m t + e, V).

    The score is that of the log-normal law N(a + m t, v) of log X_t, with v a free symbol.
    """
    centre = a + m * t
    image = step(L, hyvarinen(L, centre, v), r, strength * z)
    mean, variance = moments(image, centre + e, V)
    return expand(mean - centre), variance


def orders(expression: Expr, small: Symbol, highest: int) -> list[Expr]:
    """The coefficients of small^0 .. small^highest of a polynomial in `small`."""
    polynomial = Poly(expand(expression), small)
    return [polynomial.coeff_monomial(small**n) for n in range(highest + 1)]


def in_log_variance(expression: Expr) -> Expr:
    """The expression with h = sigma^2 r^2 in place of sigma."""
    return expand(expression.subs(sigma, sqrt(h) / r))
