"""Exact expectations of polynomials under a normal law."""

from sympy import Expr, Poly, Rational, Symbol, binomial, expand, factorial


def moment(order: int, mean: Expr, variance: Expr) -> Expr:
    """E[Y^order] for Y ~ N(mean, variance), a polynomial in mean and variance."""
    return sum(
        (
            binomial(order, 2 * k)
            * (factorial(2 * k) / (factorial(k) * 2**k))
            * variance**k
            * mean ** (order - 2 * k)
            for k in range(order // 2 + 1)
        ),
        Rational(0),
    )


def expectation(polynomial: Expr, variable: Symbol, mean: Expr, variance: Expr) -> Expr:
    """E[polynomial] over `variable` ~ N(mean, variance).

    The first argument must be polynomial in `variable`; its coefficients may hold any other
    symbols, also variables over which a later call averages. Raises sympy's PolynomialError
    otherwise.
    """
    coefficients = Poly(expand(polynomial), variable).all_coeffs()[::-1]
    return sum(
        (c * moment(order, mean, variance) for order, c in enumerate(coefficients)), Rational(0)
    )
