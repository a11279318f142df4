"""Pins of coefficients that are constant on three intervals.

Symbols: u0..u2, s0..s2 the rates mu_i and sigma_i; d = T / 3; the time t lies in the second
interval, a step of length dt from it ends in the first; v is a log-variance of the second.
"""

from sympy import Expr, exp, sqrt, symbols

from spec.checking.old import Pin

u0, u1, u2, T, t, dt, v, x1, x2, z1, z2 = symbols("u0 u1 u2 T t dt v x1 x2 z1 z2")
s0, s1, s2 = symbols("s0 s1 s2", positive=True)

d = T / 3
_FIRST, _SECOND = u0 - s0**2 / 2, u1 - s1**2 / 2
M = d * _FIRST + (t - d) * _SECOND
V = d * s0**2 + (t - d) * s1**2
_STEP = (
    (t - d) * _SECOND + (d - t + dt) * _FIRST,
    (t - d) * s1**2 + (d - t + dt) * s0**2,
)
_AT_ONE_RATE = (dt * _SECOND, dt * s1**2)

_POINTS = (
    {"u0": 0.31, "u1": -0.2, "u2": 0.7, "s0": 0.5, "s1": 0.8, "s2": 1.3, "T": 1.0, "t": 0.5,
     "dt": 0.3, "v": 0.2, "x1": 1.3, "x2": 0.02, "z1": -0.4, "z2": 1.9},
    {"u0": -1.4, "u1": 2.2, "u2": 0.1, "s0": 1.7, "s1": 0.02, "s2": 0.4, "T": 2.4, "t": 1.1,
     "dt": 1.05, "v": 2.31205, "x1": 55.0, "x2": 7e-4, "z1": 6.5, "z2": -3.1},
)  # fmt: skip


def _pin(method: str, formula: object, twin: object, *names: str) -> Pin:
    rates = ("u0", "u1", "u2", "s0", "s1", "s2", "T")
    points = tuple({name: point[name] for name in (*rates, *names)} for point in _POINTS)
    return Pin(
        f"gbm_ref.PiecewiseGBM.{method}",
        formula=formula,
        twins={"rate of the other interval": twin},
        points=points,
    )


def _sample(root: Expr) -> tuple[Expr, Expr]:
    return tuple(x * exp(M + root * z) for x, z in ((x1, z1), (x2, z2)))


PINS = (
    _pin("drift", u1, u0, "t"),
    _pin("diffusion", s1, s0, "t"),
    _pin("log_mean", M, t * _SECOND, "t"),
    _pin("log_var", V, t * s1**2, "t"),
    _pin("increments", _STEP, _AT_ONE_RATE, "t", "dt"),
    _pin("time_at_log_var", d + (v - d * s0**2) / s1**2, v / s1**2, "v"),
    _pin("sample", _sample(sqrt(V)), _sample(sqrt(t) * s1), "t", "x1", "x2", "z1", "z2"),
)
