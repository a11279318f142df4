"""Exact expectations of polynomials under a normal law."""

from collections import defaultdict

from sympy import Add, Expr, Mul, Rational, Symbol, binomial, expand, factorial
from sympy.polys.polyerrors import PolynomialError


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
    coefficients = defaultdict(list)
    for term in Add.make_args(expand(polynomial)):
        order, rest = 0, []
        for factor in Mul.make_args(term):
            base, exponent = factor.as_base_exp()
            if base == variable and exponent.is_Integer and exponent > 0:
                order += int(exponent)
            elif factor.has(variable):
                raise PolynomialError(f"{factor} is not polynomial in {variable}")
            else:
                rest.append(factor)
        coefficients[order].append(Mul(*rest))
    return Add(*(Add(*c) * moment(k, mean, variance) for k, c in sorted(coefficients.items())))
