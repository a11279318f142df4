"""Ito's formula for a function of a diffusion driven by independent Brownian motions."""

from sympy import Expr, Matrix, Symbol, diff, sympify


def ito(
    function: Expr, variables: tuple[Symbol, ...], drift: tuple[Expr, ...], noise: Matrix
) -> tuple[Expr, list[Expr]]:
    """Drift and noise coefficients of f(Y) for dY = drift dt + noise dW.

    d f(Y) = sum_i f_i dY_i + 1/2 sum_ij f_ij (noise noise^T)_ij dt. Time, where f depends on it,
    is one of the variables, with drift 1 and no noise.
    """
    gradient = [diff(function, y) for y in variables]
    square = noise * noise.T
    second = sum(
        square[i, j] * diff(gradient[i], other)
        for i in range(len(variables))
        for j, other in enumerate(variables)
    )
    first = sum(slope * rate for slope, rate in zip(gradient, drift, strict=True))
    return sympify(first + second / 2), list(Matrix([gradient]) * noise)
