"""The Fokker-Planck equation, divided by the density, for densities given by their logarithms.

All residuals are rational when the derivatives of the log density are, and zero when it solves
the equation.
"""

from sympy import Expr, Rational, Symbol, diff


def residual(
    log_density: Expr,
    rate: Expr,
    variables: tuple[Symbol, ...],
    drift: tuple[Expr, ...],
    square: Expr,
) -> Expr:
    """(dq/dt + sum_i d_i(b_i q) - square/2 sum_i d_i^2 q) / q for dY_i = b_i dt + noise dW_i.

    rate     the time derivative of the log density
    square   the square of the noise coefficient, the same in every coordinate
    """
    total = rate
    for y, b in zip(variables, drift, strict=True):
        slope = diff(log_density, y)
        total += diff(b, y) + b * slope - square * (diff(slope, y) + slope**2) / 2
    return total


def ambient_residual(
    log_density: Expr, rate: Expr, variable: Symbol, drift: Expr, square: Expr
) -> Expr:
    """(dp/dt + (drift x p)' - 1/2 (square x^2 p)'') / p for dX = drift X dt + noise X dW.

    log_density   log p(x) as a function of `variable` = log x, so that x d/dx is d/dvariable
    rate          its time derivative at fixed x
    square        the square of the noise coefficient
    """
    h = diff(log_density, variable)
    _, first = _derivative(1, Rational(1), h, variable)
    second = _derivative(*_derivative(2, Rational(1), h, variable), h, variable)[1]
    return rate + drift * first - square * second / 2


def _derivative(power: int, factor: Expr, h: Expr, variable: Symbol) -> tuple[int, Expr]:
    """d/dx of x^power * factor(log x) * p, again as a power and a factor of p."""
    return power - 1, power * factor + diff(factor, variable) + factor * h
