"""Exact expectations of polynomials under a normal law."""

from sympy import Add, Expr, Symbol, binomial, factorial2, sympify
from sympy.polys.polyutils import dict_from_expr


def moment(order: int, mean: Expr, variance: Expr) -> Expr:
    """E[Y^order] for Y ~ N(mean, variance), a polynomial in mean and variance."""
    terms = [binomial(order, k) * factorial2(k - 1) * variance ** (k // 2) * mean ** (order - k)
             for k in range(0, order + 1, 2)]  # fmt: skip
    return Add(*terms)


def expectation(polynomial: Expr, variable: Symbol, mean: Expr, variance: Expr) -> Expr:
    """E[polynomial] over `variable` ~ N(mean, variance).

    The first argument must be polynomial in `variable`; its coefficients may hold any other
    symbols, also variables over which a later call averages, else sympy's PolynomialError."""
    coefficients, _ = dict_from_expr(sympify(polynomial), gens=(variable,))
    return Add(*(c * moment(order, mean, variance) for (order,), c in coefficients.items()))
