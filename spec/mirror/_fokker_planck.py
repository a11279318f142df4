"""The right-hand side of the Fokker-Planck equation, for densities of which nothing is known.

Symbols: p = e^l a density;  b  drift;  a = g g^T  spread, for dX = b dt + g dW.
"""

from sympy import Derivative, Expr, Matrix, Symbol, diff

from spec.checking.algebra import vanishes


def forward_residual(
    log_density: Expr, drift: tuple[Expr, ...] | Matrix, spread: Matrix, at: tuple[Symbol, ...]
) -> Expr:
    """(-div(b p) + 1/2 sum_ij d_i d_j (a_ij p)) / p: zero where p is invariant."""
    n, slope = range(len(at)), [diff(log_density, e) for e in at]
    outflow = sum(diff(drift[i], at[i]) + drift[i] * slope[i] for i in n)
    spreading = sum(
        diff(spread[i, j], at[i], at[j])
        + diff(spread[i, j], at[i]) * slope[j]
        + diff(spread[i, j], at[j]) * slope[i]
        + spread[i, j] * (diff(slope[i], at[j]) + slope[i] * slope[j])
        for i in n
        for j in n
    )
    return spreading / 2 - outflow


def identically_zero(*expressions: Expr) -> bool:
    """Whether all are zero whatever the undetermined functions in them are.

    Each derivative of such a function becomes a symbol of its own, which makes them rational.
    """
    return vanishes(tuple(_with_symbols(expression) for expression in expressions))


def _with_symbols(expression: Expr) -> Expr:
    found = sorted(expression.atoms(Derivative), key=str)
    return expression.xreplace({d: Symbol(f"D{i}") for i, d in enumerate(found)})
