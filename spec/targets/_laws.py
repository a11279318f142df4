"""Two laws of log X in the plane, N(a, S) and N(b, T) with weights w1 and w2, all symbols."""

from sympy import Expr, Matrix, exp, log, pi, sqrt, symbols

from spec.checking.claim import Assumption, Pin
from spec.checking.pins import table


def symmetric(name: str) -> Matrix:
    """The matrix with the entries name11, name12 and name22."""
    return Matrix(2, 2, symbols(f"{name}11 {name}12 {name}12 {name}22"))


X = Matrix(symbols("x1 x2", positive=True))
Y = Matrix(symbols("L1 L2"))  # log x
AT_X = dict(zip(Y, X.applyfunc(log), strict=True))
A, B = (Matrix(symbols(f"{name}1 {name}2")) for name in "ab")
S, T = symmetric("S"), symmetric("T")
WEIGHTS = symbols("w1 w2", positive=True)
NAMES = {"L1": r"\log x_1", "L2": r"\log x_2"}
Component = tuple[Expr, Matrix, Matrix]  # weight, mean and covariance of log X
DATA: tuple[Component, ...] = ((WEIGHTS[0], A, S), (WEIGHTS[1], B, T))
# Generic; far out in a tail with a correlation of 0.99; near the median with a tiny variance.
POINTS = table("x1 x2 w1 a1 a2 S11 S12 S22 w2 b1 b2 T11 T12 T22 mu sigma t", (1.3, 0.4, 0.25, 0.3,
    -0.6, 0.9, 0.35, 0.5, 0.75, -0.4, 0.2, 0.6, -0.2, 1.4, 0.37, 0.8, 0.6), (47, 2e-4, 0.9, -0.2,
    0.7, 1.6, 1.1, 0.77, 0.1, 1.4, -0.1, 0.4, 0.0625, 0.2, -1.3, 1.7, 1.0), (1.1, 2.7, 0.5, 0.1,
    0.95, 0.01, -0.03, 2.3, 0.5, 0.3, 1.1, 0.02, 0.01, 0.9, 0.02, 0.3, 1e-4),)  # fmt: skip
# And both entries of the score of the first law nearly zero.
_ZERO = {"x1": 0.38674102345450123, "x2": 0.23457028809379765}
POINTS_NEAR_ZERO = (*POINTS, POINTS[0] | _ZERO)


def quadratic(y: Matrix, mean: Matrix, covariance: Matrix) -> Expr:
    """(y - mean)^T covariance^-1 (y - mean)."""
    return ((y - mean).T * covariance.adjugate() * (y - mean))[0] / covariance.det()


def size(weight: Expr, mean: Matrix, covariance: Matrix, y: Matrix) -> Expr:
    """The weighted normal density at y, without the powers of 2 pi."""
    return weight * exp(-quadratic(y, mean, covariance) / 2) / sqrt(covariance.det())


def density(parts: tuple[Component, ...], power: int = 1) -> Expr:
    """Of a mixture, as a function of x; power 0 leaves out the Jacobian 1 / (x1 x2)."""
    sizes = (size(*part, X.applyfunc(log)) for part in parts)
    return sum(sizes) / (2 * pi * (X[0] * X[1]) ** power)


def flat(component: Component) -> list[Expr]:
    """Weight, mean and covariance as one list."""
    return [component[0], *component[1], *component[2]]


def root_pin(function: str) -> Pin:
    """The draws of the first law at z = 0 and at the two unit vectors."""
    formula = (*A.applyfunc(exp), *S)
    # The root comes from an eigendecomposition, which is accurate to the norm of the covariance.
    scale = (*(exp(entry) * (1 + abs(entry)) for entry in A), *[2 * S.trace()] * 4)
    return Pin(
        function, POINTS, formula=formula, scale=scale, variant="mean and root",
        because="draws are exp(a + R z); they show the mean and R R^T, since R is not unique",
        twins={"no correlation": tuple(f.subs(S[0, 1], 0) for f in formula)},
    )  # fmt: skip


POSITIVE_DEFINITE = Assumption(
    "covariances are positive definite", "the root of the determinant that divides the density",
    lambda: bool(S.det().subs({S[0, 0]: 1, S[1, 1]: 1, S[0, 1]: 2}) < 0))  # fmt: skip
