"""Polygamma functions: their recurrence as algebra, and bounds that are proved by it.

An expansion says that its function is its value for some weight in [0, 1]."""

from sympy import (
    EulerGamma, Expr, Poly, Rational, Symbol, diff, expand_func, expand_log, factor,
    fraction, gamma, log, polygamma, symbols, together)  # fmt: skip

from spec.checking.algebra import vanishes
from spec.exact._chain import q

theta, theta_N = symbols("theta theta_N", positive=True)  # weights at two arguments
TRIGAMMA = 1 / q + 1 / (2 * q**2) + 1 / (6 * q**3) - theta / (30 * q**5)
GAMMA_RATIO = q + Rational(1, 4) + theta / (32 * q)


def rational(expression: Expr) -> Expr:
    """The expression with symbols for logarithms of factors, gamma and polygamma functions and
    Euler's constant, the recurrences having brought arguments that differ by an integer to one."""
    # The square has no sign that would come out of its factors.
    split = expand_func(expression).replace(
        log, lambda inside: expand_log(log(factor(inside**2)), force=True) / 2
    )
    return split.xreplace(
        {f: Symbol(str(f)) for f in (*split.atoms(gamma, log, polygamma), EulerGamma)}
    )


def vanish_by_recurrence(*expressions: Expr) -> bool:
    """Whether expressions in gamma, polygamma and log are zero by those recurrences alone."""
    return vanishes(tuple(map(rational, expressions)))


def positive(expression: Expr) -> bool:
    """Whether a rational function is seen to be positive for positive values of its symbols: the
    coefficients of numerator and denominator have the same sign."""
    parts, variables = fraction(together(expression)), sorted(expression.free_symbols, key=str)
    return len({c > 0 for part in parts for c in Poly(part, *variables).coeffs()}) == 1


def trigamma_expansion(at: Expr, weight: Expr) -> Expr:
    """psi_1(q): 1/q + 1/(2 q^2) + 1/(6 q^3) - weight / (30 q^5)."""
    return TRIGAMMA.xreplace({q: at, theta: weight})


def trigamma_is_bracketed() -> bool:
    """Whether the expansion with weight 0 is above psi_1 and with weight 1 below, for all q > 0:
    the one falls by more than 1/q^2 from q to q + 1, the other by less, and both tend to 0."""
    bounds = (TRIGAMMA.subs(theta, w) for w in (0, 1))
    above, below = (bound - bound.subs(q, q + 1) - 1 / q**2 for bound in bounds)
    return positive(above) and positive(-below)


def digamma_expansion(at: Expr, weight: Expr) -> Expr:
    """psi(q): log q - 1/(2 q) - 1/(12 q^2) + weight / (120 q^4)."""
    return log(at) - 1 / (2 * at) - 1 / (12 * at**2) + weight / (120 * at**4)


def digamma_is_bracketed() -> bool:
    """Whether the expansion with weight 0 is below psi and with weight 1 above, for all q > 0:
    the derivatives are the bounds of psi_1 = psi', and the differences from psi tend to 0."""
    slopes = diff(digamma_expansion(q, theta), q) - TRIGAMMA
    return trigamma_is_bracketed() and vanishes(slopes)


def gamma_ratio_expansion(at: Expr, weight: Expr) -> Expr:
    """(Gamma(q + 1) / Gamma(q + 1/2))^2: q + 1/4 + weight / (32 q)."""
    return GAMMA_RATIO.xreplace({q: at, theta: weight})


def gamma_ratio_is_bracketed() -> bool:
    """Whether that square lies between the expansions, for all q > 0: over q all three tend to 1,
    and from q to q + 1 the lower one grows by more and the upper by less than the square does, by
    its recurrence."""
    growth = ((q + 1) / (q + Rational(1, 2))) ** 2
    bounds = (GAMMA_RATIO.subs(theta, w) for w in (0, 1))
    lower, upper = (bound.subs(q, q + 1) / bound - growth for bound in bounds)
    return positive(lower) and positive(-upper)
