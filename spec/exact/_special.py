"""Polygamma functions: their recurrence as algebra, and bounds that are proved by it.

psi_1(q) - psi_1(q + 1) = 1 / q^2,     psi_1(q) = sum over j >= 0 of 1 / (q + j)^2
psi(q + 1) - psi(q) = 1 / q

An expansion holds for some weight in [0, 1], which is what it says of its function.
"""

from sympy import (
    EulerGamma,
    Expr,
    Integer,
    Poly,
    Rational,
    Symbol,
    diff,
    expand_func,
    expand_log,
    factor,
    fraction,
    gamma,
    log,
    polygamma,
    symbols,
    together,
)

from spec.checking.algebra import vanishes
from spec.exact._symbols import q

# What is left of an expansion at each of two arguments, known to be in [0, 1].
theta, theta_N = symbols("theta theta_N", positive=True)


def rational(expression: Expr) -> Expr:
    """The expression with symbols for logarithms of factors, gamma and polygamma functions and
    Euler's constant, the recurrences having brought arguments that differ by an integer to one."""
    reduced = expand_func(expression).replace(
        # The square has no sign that would come out of its factors.
        log,
        lambda inside: expand_log(log(factor(inside**2)), force=True) / 2,
    )
    functions = {*reduced.atoms(gamma, log, polygamma), EulerGamma}
    return reduced.subs({f: Symbol(str(f)) for f in functions})


def vanish_by_recurrence(*expressions: Expr) -> bool:
    """Whether expressions in gamma, polygamma and log are zero by those recurrences alone."""
    return vanishes(tuple(map(rational, expressions)))


def positive(expression: Expr) -> bool:
    """Whether a rational function is seen to be positive for positive values of its symbols: the
    coefficients of numerator and denominator have the same sign."""
    variables = sorted(expression.free_symbols, key=str)
    parts = fraction(together(expression))
    return len({c > 0 for part in parts for c in Poly(part, *variables).coeffs()}) == 1


def trigamma_expansion(at: Expr, weight: Expr) -> Expr:
    """psi_1(q): 1/q + 1/(2 q^2) + 1/(6 q^3) - weight / (30 q^5)."""
    return 1 / at + 1 / (2 * at**2) + 1 / (6 * at**3) - weight / (30 * at**5)


def trigamma_is_bracketed() -> bool:
    """Whether the expansion with weight 0 is above psi_1 and with weight 1 below, for all q > 0.

    Both tend to 0, so it is enough that u(q) - u(q + 1) > 1/q^2 above and < 1/q^2 below: summed
    over q, q + 1, ... these are the bounds.
    """
    upper, lower = (trigamma_expansion(q, Integer(w)) for w in (0, 1))
    falls = [bound - bound.subs(q, q + 1) - 1 / q**2 for bound in (upper, lower)]
    return positive(falls[0]) and positive(-falls[1])


def digamma_expansion(at: Expr, weight: Expr) -> Expr:
    """psi(q): log q - 1/(2 q) - 1/(12 q^2) + weight / (120 q^4)."""
    return log(at) - 1 / (2 * at) - 1 / (12 * at**2) + weight / (120 * at**4)


def digamma_is_bracketed() -> bool:
    """Whether the expansion with weight 0 is below psi and with weight 1 above, for all q > 0.

    Their derivatives are the bounds of psi_1 = psi' above and below, and the differences from psi
    tend to 0.
    """
    w = symbols("w")
    slopes = diff(digamma_expansion(q, w), q) - trigamma_expansion(q, w)
    return trigamma_is_bracketed() and vanishes(slopes)


def gamma_ratio_expansion(at: Expr, weight: Expr) -> Expr:
    """(Gamma(q + 1) / Gamma(q + 1/2))^2: q + 1/4 + weight / (32 q)."""
    return at + Rational(1, 4) + weight / (32 * at)


def gamma_ratio_is_bracketed() -> bool:
    """Whether (Gamma(q + 1) / Gamma(q + 1/2))^2 lies between the expansions, for all q > 0.

    R(q + 1) / R(q) = ((q + 1) / (q + 1/2))^2 and R(q) / q -> 1. So R / lower falls to 1 and
    R / upper rises to 1, if the bounds grow by more and by less than R does.
    """
    lower, upper = (gamma_ratio_expansion(q, Integer(w)) for w in (0, 1))
    growth = ((q + 1) / (q + Rational(1, 2))) ** 2
    excess = [bound.subs(q, q + 1) / bound - growth for bound in (lower, upper)]
    return positive(excess[0]) and positive(-excess[1])
