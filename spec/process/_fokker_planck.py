"""The Fokker-Planck equation divided by the density, for densities given by their logarithms.

The residual is rational when the derivatives of the log density are, and zero when it solves the
equation. It is written with the derivatives in the coordinates of the process, so that log x may
be the variable and x a symbol beside it.
"""

from collections.abc import Callable

from sympy import Expr, Symbol, diff

Partial = Callable[[Expr], Expr]


def residual(
    log_density: Expr,
    rate: Expr,
    drift: tuple[Expr, ...],
    squares: tuple[Expr, ...],
    partials: tuple[Partial, ...],
) -> Expr:
    """(dp/dt + sum_i d_i(b_i p) - 1/2 sum_i d_i^2(a_i p)) / p for dX_i = b_i dt + sqrt(a_i) dW_i.

    rate      the time derivative of the log density
    drift     the b_i;  squares  the a_i;  partials  the derivatives d_i
    """
    total = rate
    for b, a, partial in zip(drift, squares, partials, strict=True):
        slope = partial(log_density)
        flow = _weighted(b, partial, slope)
        total += flow - _weighted(_weighted(a, partial, slope), partial, slope) / 2
    return total


def _weighted(factor: Expr, partial: Partial, slope: Expr) -> Expr:
    """d(factor p) / p."""
    return partial(factor) + factor * slope


def plain_partials(*variables: Symbol) -> tuple[Partial, ...]:
    """d/dy for each of the variables y."""
    return tuple(lambda e, y=y: diff(e, y) for y in variables)


def partial_of_exponential(log_x: Symbol, x: Symbol) -> Partial:
    """d/dx where log x is a symbol of its own."""
    return lambda e: diff(e, log_x) / x + diff(e, x)
