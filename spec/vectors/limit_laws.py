"""Limits of annealed grids on log-normal data for many steps (sheet R10, E17)."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, ordinary
from spec.vectors.records import Case, Flag, Twin, VectorFunction

_LIMIT = {"v0": "variance of log X_0, > 0", "v": "v(T) > 0", "rho": "speed, > 0"}


def _growth(f: Arithmetic, v0: Number, v: Number, exponent: Number) -> Number:
    """((1 + v / v0)^exponent - 1) / exponent."""
    if exponent == 0:
        return f.log(1 + v / v0)
    return (f.power(1 + v / v0, exponent) - 1) / exponent


def _limit_mean(
    f: Arithmetic, a: Number, v0: Number, m: Number, v: Number, rho: Number, b: Number
) -> Number:
    drift = m / v * (1 - rho) * v0 * _growth(f, v0, v, 1 - rho)
    return a + f.power(1 + v / v0, -rho) * (b - a - m) + drift


def _limit_mean_size(
    f: Arithmetic, a: Number, v0: Number, m: Number, v: Number, rho: Number, b: Number
) -> Number:
    width, gain = f.log(1 + v / v0), f.power(1 + v / v0, -rho)
    drift = abs(m) / v * abs(1 - rho) * v0 * _growth(f, v0, v, 1 - rho)
    start = gain * (1 + rho * width) * (abs(b) + abs(a) + abs(m))
    return abs(a) + start + drift * (1 + abs(1 - rho) * width)


def _limit_var(f: Arithmetic, v0: Number, v: Number, rho: Number, q: Number) -> Number:
    return f.power(1 + v / v0, -2 * rho) * q + rho * v0 * _growth(f, v0, v, 1 - 2 * rho)


def _limit_var_size(f: Arithmetic, v0: Number, v: Number, rho: Number, q: Number) -> Number:
    width = f.log(1 + v / v0)
    added = rho * v0 * _growth(f, v0, v, 1 - 2 * rho) * (1 + abs(1 - 2 * rho) * width)
    return f.power(1 + v / v0, -2 * rho) * q * (1 + 2 * rho * width) + added


def _integral(v0: Number, v: Number, exponent: Number) -> Number:
    """Of (v0 / u)^exponent over [v0, v0 + v], from its antiderivative."""
    with mpmath.extradps(40):
        if exponent == 1:
            return v0 * (mpmath.log(v0 + v) - mpmath.log(v0))
        ends = [u * (v0 / u) ** exponent for u in (v0, v0 + v)]
        return (ends[1] - ends[0]) / (1 - exponent)


_SPEEDS = (1.0, 0.5, 0.2, 2.0, 0.75, 3.0, 1.5)


def _at_speeds(given: tuple[Case, ...]) -> tuple[Case, ...]:
    return tuple(
        Case(case.flag, {**case.args, "rho": _SPEEDS[i % len(_SPEEDS)]})
        for i, case in enumerate(given)
    )


LIMIT_MEAN = VectorFunction(
    name="annealed_limit_law_log_mean",
    claim="R10-limit",
    text="a + (1 + v / v0)^(-rho) (b - a - m) + m v0 / v ((1 + v / v0)^(1 - rho) - 1)",
    meanings={"a": "mean of log X_0", "v0": _LIMIT["v0"], "m": "m(T), any number",
              "v": _LIMIT["v"], "rho": _LIMIT["rho"], "b": "mean of log X_T at the start"},
    formula=_limit_mean,
    second=lambda f, a, v0, m, v, rho, b: a + (v0 / (v0 + v)) ** rho * (b - a - m)
    + m / v * (1 - rho) * _integral(v0, v, rho),
    scale_text="|a| + g (1 + rho W) (|b| + |a| + |m|) + |m| v0 / v |e^((1 - rho) W) - 1| "
    "(1 + |1 - rho| W), W = log(1 + v / v0), g = e^(-rho W)",
    scale=_limit_mean_size,
    guard=30,
    twins=(
        Twin("no_drift", Flag.T_INDEX, "the last term left out",
             lambda f, a, v0, m, v, rho, b: a + f.power(1 + v / v0, -rho) * (b - a - m)),
        Twin("drift_of_the_wrong_sign", Flag.SIGN, "- m for m",
             lambda f, a, v0, m, *rest: _limit_mean(f, a, v0, -m, *rest)),
        Twin("full_speed", Flag.BASIC, "rho = 1",
             lambda f, a, v0, m, v, rho, b: _limit_mean(f, a, v0, m, v, 1, b)),
        Twin("half_speed", Flag.BASIC, "rho / 2",
             lambda f, a, v0, m, v, rho, b: _limit_mean(f, a, v0, m, v, rho / 2, b)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, a, v0, m, v, rho, b: _limit_mean(f, a, v0, m, f.sqrt(v), rho, b)),
    ),
    cases=(
        *_at_speeds(ordinary(
            {"a": between(-2, 2), "v0": across(0.02, 3), "m": between(-1, 1), "v": across(0.1, 4),
             "rho": across(0.2, 3), "b": between(-2, 2)}, (Flag.SIGN, Flag.S_VS_S2), basic=15)),
        *cases(Flag.T_INDEX, "a v0 m v rho b", [
            (0.3, 0.4, 0.6, 0.9, 1.25, 0.2), (-0.7, 1e-6, 0.3, 0.64, 0.3, 0.5),
            (200.0, 2.0, -3.0, 0.1, 1.0000001, -100.0), (0.1, 0.2, 0.4, 1e6, 0.6, 30.0),
        ]),
    ),
)  # fmt: skip

LIMIT_VAR = VectorFunction(
    name="annealed_limit_law_log_var",
    claim="R10-limit",
    text="(1 + v / v0)^(-2 rho) q + rho v0 ((1 + v / v0)^(1 - 2 rho) - 1) / (1 - 2 rho), and "
    "log(1 + v / v0) v0 / 2 for the second term where rho = 1/2",
    meanings={**_LIMIT, "q": "variance of log X_T at the start, >= 0"},
    formula=_limit_var,
    second=lambda f, v0, v, rho, q: (v0 / (v0 + v)) ** (2 * rho) * q
    + rho * _integral(v0, v, 2 * rho),
    scale_text="(1 + v / v0)^(-2 rho) q (1 + 2 rho W) + A (1 + |1 - 2 rho| W), "
    "W = log(1 + v / v0), A the second term",
    scale=_limit_var_size,
    guard=30,
    twins=(
        Twin("gain_once", Flag.BASIC, "(1 + v / v0)^(-rho) q",
             lambda f, v0, v, rho, q: _limit_var(f, v0, v, rho, q * f.power(1 + v / v0, rho))),
        Twin("data_law", Flag.BASIC, "v0", lambda f, v0, *rest: v0),
        Twin("noise_of_full_speed", Flag.T_INDEX, "no factor rho on the noise",
             lambda f, v0, v, rho, q: _limit_var(f, v0, v, rho, q)
             + (1 - rho) * v0 * _growth(f, v0, v, 1 - 2 * rho)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, v0, v, rho, q: _limit_var(f, v0, f.sqrt(v), rho, q)),
        Twin("difference_of_powers", Flag.CANCELLATION, "the formula as it is, in float64",
             _limit_var, naive=True),
    ),
    cases=(
        *_at_speeds(ordinary(
            {"v0": across(0.02, 3), "v": across(0.1, 4), "rho": across(0.2, 3),
             "q": across(0.05, 5)}, (Flag.S_VS_S2,), basic=17)),
        *cases(Flag.CANCELLATION, "v0 v rho q", [
            (0.3, 0.7, 0.50000001, 0.2), (1e5, 1e-3, 0.8, 1e-4), (2.0, 1e-9, 1.3, 1e-10),
        ]),
        *cases(Flag.T_INDEX, "v0 v rho q", [
            (1e-6, 0.64, 0.3, 0.5), (0.02, 1e6, 0.7, 1e6), (1e-12, 3e-12, 2.5, 2e-12),
        ]),
    ),
)  # fmt: skip

FUNCTIONS = (LIMIT_MEAN, LIMIT_VAR)
