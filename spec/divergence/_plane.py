"""Gaussian laws of the plane with symbols for all entries, and exact expectations under them."""

from sympy import Expr, Matrix, Symbol, symbols

from spec.checking.gaussian import expectation

Law = tuple[Matrix, Matrix, Symbol]


def law(name: str) -> Law:
    """Mean, full symmetric covariance and the logarithm of its determinant, all symbols."""
    mean = Matrix(symbols(f"{name}1 {name}2"))
    one, off, two = symbols(f"{name}11 {name}12 {name}22")
    return mean, Matrix([[one, off], [off, two]]), Symbol(f"logdet_{name}")


def log_density(point: Matrix, of: Law) -> Expr:
    """log N(point; mean, cov) without -log(2 pi), which is common to all laws of the plane."""
    mean, cov, logdet = of
    shift = point - mean
    return -((shift.T * cov.inv() * shift)[0] + logdet) / 2


def gaussian_average(polynomial: Expr, point: Matrix, mean: Matrix, factor: Matrix) -> Expr:
    """E of a polynomial in `point` = mean + factor Z, Z standard normal in the plane."""
    z = symbols("z1 z2")
    values = mean + factor * Matrix(z)
    replaced = polynomial.subs(dict(zip(point, values, strict=True)), simultaneous=True)
    inner = expectation(replaced, z[0], 0, 1)
    return expectation(inner, z[1], 0, 1)
