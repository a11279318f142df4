"""Right-hand sides of the steps with a score that the pins can state in symbols.

In the plane: x1, x2 state; z1, z2 draws; t time of the score; dt step; kappa factor on the noise;
and h_i = a_i + b_i1 log|x1| + b_i2 log|x2| + c t, whose coefficients are symbols.
"""

from sympy import Abs, Expr, Rational, exp, log, sqrt, symbols

from spec.checking.symbols import dt, kappa, mu, sigma, t

HALF, THREE_HALVES, TWO = Rational(1, 2), Rational(3, 2), Rational(2)
PAIRS = symbols("x1 x2 z1 z2", real=True)
_SLOPES = symbols("a1 a2 b11 b12 b21 b22 c", real=True)


def affine_score(at: tuple[Expr, Expr], time: Expr) -> tuple[Expr, Expr]:
    """The score that the pins use, with symbols for its coefficients."""
    a1, a2, b11, b12, b21, b22, c = _SLOPES
    y1, y2 = log(Abs(at[0])), log(Abs(at[1]))
    return a1 + b11 * y1 + b12 * y2 + c * time, a2 + b21 * y1 + b22 * y2 + c * time


def ambient_formula(scale: Expr = TWO, score_time: Expr = t) -> tuple[Expr, Expr]:
    """The right-hand side of A12 in both coordinates; `scale` of sigma^2 is 2."""
    x1, x2, z1, z2 = PAIRS
    scores = affine_score((x1, x2), score_time)
    return tuple(
        e * (1 - dt * (mu - scale * sigma**2) + dt * sigma**2 * s + kappa * sigma * sqrt(dt) * w)
        for e, s, w in zip((x1, x2), scores, (z1, z2), strict=True)
    )


def exponential_formula(drift: Expr, weight: Expr, root: Expr) -> tuple[Expr, Expr]:
    """x_i exp(drift + weight (1 + h_i) + root z_i) in both coordinates, the score read at t."""
    x1, x2, z1, z2 = PAIRS
    return tuple(
        e * exp(drift + weight * (1 + score) + root * w)
        for e, score, w in zip((x1, x2), affine_score((x1, x2), t), (z1, z2), strict=True)
    )


def milstein_formula(half: Expr = HALF, shift: int = 1) -> tuple[Expr, Expr]:
    """A12 with Milstein's term, `half` kappa^2 sigma^2 dt (z^2 - shift)."""
    x1, x2, z1, z2 = PAIRS
    return tuple(
        plain + e * half * kappa**2 * sigma**2 * dt * (w**2 - shift)
        for plain, e, w in zip(ambient_formula(), (x1, x2), (z1, z2), strict=True)
    )


def dale_formula(scale: Expr = THREE_HALVES, score_time: Expr = t) -> tuple[Expr, Expr]:
    """The right-hand side of A13 in both coordinates; `scale` of sigma^2 is 3/2."""
    x1, x2, z1, z2 = PAIRS
    scores = affine_score((x1, x2), score_time)
    return tuple(
        e * exp(-dt * (mu - scale * sigma**2) + dt * sigma**2 * s + kappa * sigma * sqrt(dt) * w)
        for e, s, w in zip((x1, x2), scores, (z1, z2), strict=True)
    )


SLOPE_VALUES = {
    "a1": -0.4,
    "a2": -1.3,
    "b11": -0.9,
    "b12": 0.35,
    "b21": -0.2,
    "b22": -1.7,
    "c": 0.6,
}
STEP_POINTS = (
    {"x1": 0.7, "x2": 1.9, "z1": -0.8, "z2": 1.3, "mu": 0.17, "sigma": 0.8, "t": 0.62,
     "dt": 0.11, "kappa": 1.0, **SLOPE_VALUES},
    {"x1": 3e-4, "x2": 812.0, "z1": 4.1, "z2": -3.9, "mu": -0.6, "sigma": 1.4, "t": 1.0,
     "dt": 0.01, "kappa": 0.43, **SLOPE_VALUES},
    {"x1": 1.01, "x2": 0.98, "z1": 0.02, "z2": -5.5, "mu": 0.32, "sigma": 0.8, "t": 1e-3,
     "dt": 1e-3, "kappa": 0.995, **SLOPE_VALUES},
)  # fmt: skip
