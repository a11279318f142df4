"""Two laws of log X, N(a, S) and N(b, T), on the line and in the plane: every entry a symbol."""

from sympy import Expr, Matrix, symbols

X = Matrix(symbols("x1 x2", positive=True))
Y = Matrix(symbols("L1 L2"))  # log x
A = Matrix(symbols("a1 a2"))
B = Matrix(symbols("b1 b2"))
_s11, _s12, _s22, _t11, _t12, _t22 = symbols("S11 S12 S22 T11 T12 T22")
S = Matrix([[_s11, _s12], [_s12, _s22]])
T = Matrix([[_t11, _t12], [_t12, _t22]])
# The same on the line.
x, line_S, line_T = symbols("x S T", positive=True)
a, b = symbols("a b")
WEIGHTS = symbols("w1 w2", positive=True)

Component = tuple[Expr, Matrix, Matrix]  # weight, mean and covariance of log X
DATA: tuple[Component, Component] = ((WEIGHTS[0], A, S), (WEIGHTS[1], B, T))

# Generic; a far lower tail; a tiny variance; a far upper tail.
POINTS_ON_LINE: tuple[dict[str, float], ...] = (
    {"x": 1.7, "a": 0.3, "S": 0.64},
    {"x": 3e-9, "a": -0.7, "S": 1.7},
    {"x": 1.0001, "a": 0.9, "S": 0.0025},
    {"x": 812.0, "a": 0.1, "S": 0.16},
)
# Generic; far out in a tail with a correlation of 0.99; near the median with a tiny variance.
POINTS_OF_ONE: tuple[dict[str, float], ...] = (
    {"x1": 1.3, "x2": 0.4, "a1": 0.3, "a2": -0.6, "S11": 0.9, "S12": 0.35, "S22": 0.5},
    {"x1": 47.0, "x2": 2e-4, "a1": -0.2, "a2": 0.7, "S11": 1.6, "S12": 1.1, "S22": 0.77},
    {"x1": 1.1, "x2": 2.7, "a1": 0.1, "a2": 0.95, "S11": 0.01, "S12": -0.03, "S22": 2.3},
)
_SECOND = (
    {"w1": 0.25, "w2": 0.75, "b1": -0.4, "b2": 0.2, "T11": 0.6, "T12": -0.2, "T22": 1.4},
    {"w1": 0.9, "w2": 0.1, "b1": 1.4, "b2": -0.1, "T11": 0.4, "T12": 0.0625, "T22": 0.2},
    {"w1": 0.5, "w2": 0.5, "b1": 0.3, "b2": 1.1, "T11": 0.02, "T12": 0.01, "T22": 0.9},
)
POINTS_OF_TWO: tuple[dict[str, float], ...] = tuple(
    {**one, **two} for one, two in zip(POINTS_OF_ONE, _SECOND, strict=True)
)


def quadratic(y: Matrix, mean: Matrix, covariance: Matrix) -> Expr:
    """(y - mean)^T covariance^-1 (y - mean)."""
    return ((y - mean).T * covariance.adjugate() * (y - mean))[0] / covariance.det()


def unique(symmetric: Matrix) -> tuple[Expr, Expr, Expr]:
    """The entries 11, 12, 22."""
    return symmetric[0, 0], symmetric[0, 1], symmetric[1, 1]


def shifted(shift: Matrix, spread: Matrix) -> tuple[Component, Component]:
    """DATA with `shift` added to the means and `spread` to the covariances."""
    first, second = ((w, mean + shift, cov + spread) for w, mean, cov in DATA)
    return first, second


def flat(component: Component) -> list[Expr]:
    """Weight, mean and covariance as one list."""
    weight, mean, covariance = component
    return [weight, *mean, *covariance]
