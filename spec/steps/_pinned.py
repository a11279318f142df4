"""Exponents and factors of steps as the pins need them: as the vectors name things, in the plane.

x1, x2 state; z1, z2 draws; the score is h_i = a_i + b_i1 log|x1| + b_i2 log|x2| + c t."""

from sympy import Abs, Expr, Integer, Rational, log, sqrt, symbols

from spec.checking.pins import table
from spec.checking.symbols import dt, h, mu, sigma, t, z
from spec.steps._reverse import root

dm, dv = symbols("dm dv", positive=True)
PAIRS = symbols("x1 x2 z1 z2", real=True)
_SLOPES = symbols("a1 a2 b11 b12 b21 b22 c", real=True)


def by_increments(part: Expr) -> Expr:
    """An exponent or factor in the names of the vectors: sigma = 1, so that dt = dv."""
    return part.xreplace({root: sqrt(dv), sigma: Integer(1), mu: dm / dv + Rational(1, 2)})


def score_in_plane(time: Expr) -> tuple[Expr, Expr]:
    """The score that the pins use, with symbols for its coefficients."""
    a1, a2, b11, b12, b21, b22, c = _SLOPES
    y1, y2 = (log(Abs(e)) for e in PAIRS[:2])
    return a1 + b11 * y1 + b12 * y2 + c * time, a2 + b21 * y1 + b22 * y2 + c * time


def in_plane(factor: Expr, score_time: Expr = t) -> tuple[Expr, Expr]:
    """Both coordinates times a factor in h, z and root = sqrt(dt)."""
    both = zip(PAIRS[:2], score_in_plane(score_time), PAIRS[2:], strict=True)
    named = ((e, {root: sqrt(dt), h: s, z: w}) for e, s, w in both)
    return tuple(e * factor.xreplace(values) for e, values in named)


def plane_table(names: str, *rows: tuple[float, ...]) -> tuple[dict[str, float], ...]:
    """Points in the plane, with the coefficients of the score."""
    (values,) = table("a1 a2 b11 b12 b21 b22 c", (-0.4, -1.3, -0.9, 0.35, -0.2, -1.7, 0.6))
    return tuple(point | values for point in table(names, *rows))


_ROW = "mu sigma t dt kappa"
_ROWS = (
    (0.17, 0.8, 0.62, 0.11, 1.0), (-0.6, 1.4, 1.0, 0.01, 0.43), (0.32, 0.8, 1e-3, 1e-3, 0.995),
)  # fmt: skip
ROW_POINTS = table(_ROW, *_ROWS)
STEP_POINTS = plane_table(
    f"x1 x2 z1 z2 {_ROW}", (0.7, 1.9, -0.8, 1.3, *_ROWS[0]), (3e-4, 812.0, 4.1, -3.9, *_ROWS[1]),
    (1.01, 0.98, 0.02, -5.5, *_ROWS[2]))  # fmt: skip
