"""A data set of two points under the forward kernel (sheet R3)."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary, scaled
from spec.vectors.records import Flag, Twin, VectorFunction

NAMES = "x x1 x2 m v"


def _gap(f: Arithmetic, x: Number, point: Number, m: Number) -> Number:
    return f.log(x) - f.log(point) - m


def _shares(
    f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number, v: Number
) -> tuple[Number, Number]:
    first, second = (f.exp(-(_gap(f, x, point, m) ** 2) / (2 * v)) for point in (x1, x2))
    return first / (first + second), second / (first + second)


def _score(f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number, v: Number) -> Number:
    r1, r2 = _shares(f, x, x1, x2, m, v)
    return -1 + (r1 * f.log(x1) + r2 * f.log(x2) + m - f.log(x)) / v


def _by_softmax(f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number, v: Number) -> Number:
    """The shares as 1 / (1 + exp(difference)), and the score of each point."""
    gaps = [mpmath.log(x / point) - m for point in (x1, x2)]
    odds = mpmath.exp((gaps[0] - gaps[1]) * (gaps[0] + gaps[1]) / (2 * v))
    return (-gaps[0] / (1 + odds) - gaps[1] * odds / (1 + odds)) / v - 1


def _size(f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number, v: Number) -> Number:
    r1, r2 = _shares(f, x, x1, x2, m, v)
    base = abs(f.log(x)) + abs(m)
    sizes = [base + abs(f.log(point)) for point in (x1, x2)]
    terms = [abs(_gap(f, x, p, m)) * s / v for p, s in zip((x1, x2), sizes, strict=True)]
    spread = abs(f.log(x1) - f.log(x2)) / v
    return 1 + (r1 * sizes[0] + r2 * sizes[1]) / v + r1 * r2 * spread * (terms[0] + terms[1])


_BOX = {
    "x": across(0.05, 20), "x1": across(0.2, 2), "x2": across(1, 8), "m": between(-0.5, 0.5),
    "v": across(0.05, 3),
}  # fmt: skip
_ORDINARY = ordinary(_BOX, (Flag.H_VS_LOGSCORE, Flag.H_VS_STEIN, Flag.S_VS_S2, Flag.ITO))

POINT_MASSES = VectorFunction(
    name="point_masses_hyvarinen_score",
    claim="R3",
    text="-1 + (r1 log(x1) + r2 log(x2) + m - log(x)) / v, r_n proportional to "
    "exp(-(log(x) - log(x_n) - m)^2 / (2 v)), r1 + r2 = 1",
    meanings={
        "x": "state at time t, > 0", "x1": "first point, > 0", "x2": "second point, > 0",
        "m": "m(t), any number", "v": "v(t) > 0",
    },
    formula=_score,
    second=_by_softmax,
    scale_text="1 + sum_n r_n s_n / v + r1 r2 |log x1 - log x2| / v (g1 s1 + g2 s2) / v, "
    "s_n = |log x| + |log x_n| + |m|, g_n = |log x - log x_n - m|",
    scale=_size,
    twins=(
        Twin("log_score", Flag.H_VS_LOGSCORE, "the -1 is left out",
             lambda f, *args: 1 + _score(f, *args)),
        Twin("stein_score", Flag.H_VS_STEIN, "divided by x",
             lambda f, x, *rest: _score(f, x, *rest) / x),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, x, x1, x2, m, v: _score(f, x, x1, x2, m, f.sqrt(v))),
        Twin("ito_term", Flag.ITO, "mu t in place of m",
             lambda f, x, x1, x2, m, v: _score(f, x, x1, x2, m + v / 2, v)),
        Twin("log_of_the_mean", Flag.BASIC, "log(r1 x1 + r2 x2): the log outside the mean",
             lambda f, x, x1, x2, m, v: -1 + (f.log(sum(
                 r * p for r, p in zip(_shares(f, x, x1, x2, m, v), (x1, x2), strict=True)
             )) + m - f.log(x)) / v),
        Twin("equal_shares", Flag.T_INDEX, "1/2 for both points, as at large t",
             lambda f, x, x1, x2, m, v: -1 + (f.log(x1) / 2 + f.log(x2) / 2 + m - f.log(x)) / v),
        Twin("ratio_of_densities", Flag.TAIL, "densities and their ratio, in float64",
             _score, naive=True),
    ),
    cases=(
        *_ORDINARY,
        *cases(Flag.TAIL, NAMES, [
            (e(700), 0.7, 1.9, 0.1, 0.64), (e(-700), 0.7, 1.9, 0.1, 0.64),
            (50.0, 0.3, 2.0, -0.2, 1e-3),
        ]),
        *cases(Flag.SMALL_V, NAMES, [
            (1.0000001, 1.0, 1.0000003, 0.0, 1e-12), (0.75, 0.7, 1.3, 0.069, 1e-12),
            (1.5, 1.4999, 1.5002, 0.0, 1e-9),
        ]),
        *cases(Flag.NEAR_ROOT, NAMES, [
            (e(-0.5), 1.0, 1.0, 0.0, 0.5), (e(-1.25), e(-3), e(3), 0.0, 2.75),
        ]),
        *cases(Flag.CANCELLATION, NAMES, [
            (e(300), e(299.5), e(300.25), 0.1, 0.3), (e(-600), e(-600.5), e(-599), -0.2, 0.1),
            (1.3, e(-20), e(20.5), 0.1, 1e6),
        ]),
        *scaled(_ORDINARY[:2], "x x1 x2", (400, -400)),
    ),
)  # fmt: skip

FUNCTIONS = (POINT_MASSES,)
