"""The forward kernel: log X_t given X_0 = x0 is N(log x0 + m, v).

Arguments are m = m(t) and v = v(t); for constant coefficients m = (mu - sigma^2 / 2) t and
v = sigma^2 t.
"""

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, nearest, ordinary, scaled
from spec.vectors.records import Flag, Twin, VectorFunction

START = {"x0": "state at time 0, > 0", "m": "m(t), any number", "v": "v(t) > 0"}
PAIR = {"x": "state at time t, > 0", **START}


def _sample(f: Arithmetic, x0: Number, m: Number, v: Number, z: Number) -> Number:
    return x0 * f.exp(m + f.sqrt(v) * z)


def _sample_size(f: Arithmetic, x0: Number, m: Number, v: Number, z: Number) -> Number:
    return _sample(f, x0, m, v, z) * (1 + abs(m) + f.sqrt(v) * abs(z))


_BOX = {"x0": across(1e-3, 1e3), "m": between(-2, 2), "v": across(1e-4, 20), "z": between(-4, 4)}
_ORDINARY = ordinary(_BOX, (Flag.ITO, Flag.S_VS_S2))

SAMPLE = VectorFunction(
    name="forward_sample",
    claim="A6",
    text="x0 * exp(m + sqrt(v) * z)",
    meanings={**START, "z": "a standard normal draw"},
    formula=_sample,
    second=lambda f, x0, m, v, z: f.exp(f.log(x0) + m) * f.power(f.exp(f.sqrt(v)), z),
    scale_text="|out| * (1 + |m| + sqrt(v) |z|)",
    scale=_sample_size,
    twins=(
        Twin("ito_term", Flag.ITO, "exp(mu t + sqrt(v) z): v/2 is not taken off",
             lambda f, x0, m, v, z: x0 * f.exp(m + v / 2 + f.sqrt(v) * z)),
        Twin("variance_for_deviation", Flag.S_VS_S2, "v z in place of sqrt(v) z",
             lambda f, x0, m, v, z: x0 * f.exp(m + v * z)),
        Twin("first_order", Flag.TAIL, "1 + m + v/2 + sqrt(v) z in place of the exponential",
             lambda f, x0, m, v, z: x0 * (1 + m + v / 2 + f.sqrt(v) * z)),
        Twin("clipped_noise", Flag.TAIL, "z kept within 5",
             lambda f, x0, m, v, z: _sample(f, x0, m, v, max(-5, min(5, z)))),
        Twin("through_the_logarithm", Flag.CANCELLATION, "exp(log x0 + ...), in float64",
             lambda f, x0, m, v, z: f.exp(f.log(x0) + m + f.sqrt(v) * z), naive=True),
        Twin("two_exponentials", Flag.OVERFLOW, "x0 exp(m) exp(sqrt(v) z), in float64",
             lambda f, x0, m, v, z: x0 * f.exp(m) * f.exp(f.sqrt(v) * z), naive=True),
    ),
    cases=(
        *_ORDINARY,
        *cases(Flag.TAIL, "x0 m v z", [
            (1.3, 0.4, 0.64, 8.0), (0.7, -0.2, 0.64, -8.0), (1.7, 0.1, 2.3, 9.5),
            (2.0, -0.35, 1e-4, 37.5), (1.1, 0.0, 4.0, -12.25),
        ]),
        *cases(Flag.CANCELLATION, "x0 m v z", [
            (1e304, 0.3, 0.01, 0.7), (1e-304, -0.2, 0.02, 1.1), (3e303, 1e-3, 1e-6, -0.4),
            (2e-300, 0.015, 1e-8, 2.2), (7e282, -1.3, 0.3, 0.25),
        ]),
        *cases(Flag.OVERFLOW, "x0 m v z", [
            (1.9, 760.0, 1e6, -0.755), (0.4, 720.5, 640000.0, -0.9), (3.1, -800.0, 1e6, 0.83),
        ]),
        *cases(Flag.UNDERFLOW, "x0 m v z", [
            (e(-700), -35.25, 0.04, 0.6), (e(-600), -110.0, 25.0, -4.5),
            (e(-705), -20.0, 9.0, -4.2),
        ]),
        *cases(Flag.SMALL_V, "x0 m v z", [
            (1.37, 0.2, 1e-12, 1.9), (e(5.1), -0.7, 1e-10, -2.7), (0.021, 0.0, 1e-12, 5.0),
            (2.5, 0.125, 3e-9, -1.3),
        ]),
        *scaled(_ORDINARY[:4], "x0", (600, -600, 1, -3)),
    ),
)  # fmt: skip


def _residual(f: Arithmetic, x: Number, x0: Number, m: Number) -> Number:
    return f.log(x) - f.log(x0) - m


def _score(f: Arithmetic, x: Number, x0: Number, m: Number, v: Number) -> Number:
    return -1 - _residual(f, x, x0, m) / v


def _sizes(f: Arithmetic, x: Number, x0: Number, m: Number) -> Number:
    return abs(f.log(x)) + abs(f.log(x0)) + abs(m)


def _logpdf(f: Arithmetic, x: Number, x0: Number, m: Number, v: Number) -> Number:
    return -f.log(x) + f.log_normal_density(f.log(x), f.log(x0) + m, v)


def _logpdf_size(f: Arithmetic, x: Number, x0: Number, m: Number, v: Number) -> Number:
    r = abs(_residual(f, x, x0, m))
    size = abs(f.log(x)) + 1 + abs(f.log(2 * f.pi() * v)) / 2 + r * r / (2 * v)
    return size + r * _sizes(f, x, x0, m) / v


def _differentiated(f: Arithmetic, x: Number, x0: Number, m: Number, v: Number) -> Number:
    """x d/dx log p(x | x0), by a central difference in log x (exact for a quadratic)."""
    y, step = mpmath.log(x), mpmath.sqrt(v)
    values = [_logpdf(f, mpmath.exp(y + sign * step), x0, m, v) for sign in (1, -1)]
    return (values[0] - values[1]) / (2 * step)


_PAIR_BOX = {
    "x": across(1e-3, 1e3), "x0": across(1e-2, 1e2), "m": between(-2, 2), "v": across(1e-3, 20),
}  # fmt: skip
_KINDS = (Flag.ITO, Flag.H_VS_STEIN, Flag.H_VS_LOGSCORE, Flag.S_VS_S2)
_PAIRS = ordinary(_PAIR_BOX, _KINDS)


def _near_root() -> list[tuple[float, ...]]:
    """x at the zero of the score, to the last bit, for several x0, m and v."""
    found = []
    with mpmath.workdps(40):
        for x0, m, v in (
            (1.3, 0.31, 0.64),
            (0.02, -1.2, 0.05),
            (e(300), 2.0, 3.0),
            (7.0, 0.5, 40.0),
        ):
            found.append((nearest(x0 * mpmath.exp(mpf(m) - mpf(v))), x0, m, v))
    return found


_EXTREMES = (
    *cases(Flag.NEAR_ROOT, "x x0 m v", [*_near_root(), (3.7, 3.7, 0.75, 0.75)]),
    *cases(Flag.SMALL_V, "x x0 m v", [
        (1.0000001, 1.0, 0.0, 1e-12), (1.5, 1.4999999, 1e-7, 1e-12), (0.3, 0.31, -0.03, 1e-10),
        (e(2.3), e(2.2), 0.3, 1e-8),
    ]),
    *cases(Flag.CANCELLATION, "x x0 m v", [
        (e(700), e(699), 0.5, 0.3), (e(-700), e(-699.75), -0.25, 0.1), (1.1, 0.9, 1e6, 1e6),
        (e(500), e(-200), 699.5, 2.0),
    ]),
    *cases(Flag.OVERFLOW, "x x0 m v", [
        (e(700), e(-700), 3.0, 2.0), (e(600), e(-500), -20.0, 1e6), (e(-700), e(700), 1.0, 50.0),
    ]),
    *cases(Flag.TAIL, "x x0 m v", [
        (e(700), 1.3, 0.2, 0.64), (e(-700), 0.8, -0.2, 0.64), (e(40), 1.1, 0.1, 1e-3),
        (1.3, 0.7, -0.4, 1e6), (e(-650), 2.0, 5.0, 7.0),
    ]),
)  # fmt: skip
_CASES = (*_PAIRS, *_EXTREMES, *scaled(_PAIRS[:3], "x x0", (500, -500, 7)))


def _hyvarinen_twins(stein: bool) -> tuple[Twin, ...]:
    """The mistakes of both score functions; with `stein` the result is divided by x."""

    def over_x(x: Number, value: Number) -> Number:
        return value / x if stein else value

    return (
        Twin("ito_term", Flag.ITO, "mu t in place of m: v/2 is not taken off",
             lambda f, x, x0, m, v: over_x(x, _score(f, x, x0, m + v / 2, v))),
        Twin("log_score", Flag.H_VS_LOGSCORE, "the -1 is left out",
             lambda f, x, x0, m, v: over_x(x, 1 + _score(f, x, x0, m, v))),
        Twin("other_score", Flag.H_VS_STEIN, "Stein score for Hyvarinen score, or the reverse",
             lambda f, x, x0, m, v: over_x(x, _score(f, x, x0, m, v)) * (x if stein else 1 / x)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, x, x0, m, v: over_x(x, _score(f, x, x0, m, f.sqrt(v)))),
        Twin("guarded_variance", Flag.SMALL_V, "1e-8 added to v",
             lambda f, x, x0, m, v: over_x(x, _score(f, x, x0, m, v + mpf("1e-8")))),
        Twin("logarithm_of_ratio", Flag.OVERFLOW, "log(x / x0), in float64",
             lambda f, x, x0, m, v: over_x(x, -1 - (f.log(x / x0) - m) / v), naive=True),
    )  # fmt: skip


HYVARINEN = VectorFunction(
    name="conditional_hyvarinen_score",
    claim="A16",
    text="-1 - (log(x) - log(x0) - m) / v",
    meanings=PAIR,
    formula=_score,
    second=_differentiated,
    scale_text="1 + (|log x| + |log x0| + |m|) / v",
    scale=lambda f, x, x0, m, v: 1 + _sizes(f, x, x0, m) / v,
    twins=_hyvarinen_twins(stein=False),
    cases=_CASES,
)

STEIN = VectorFunction(
    name="conditional_stein_score",
    claim="A16",
    text="(-1 - (log(x) - log(x0) - m) / v) / x",
    meanings=PAIR,
    formula=lambda f, x, x0, m, v: _score(f, x, x0, m, v) / x,
    second=lambda f, x, x0, m, v: _differentiated(f, x, x0, m, v) / x,
    scale_text="(1 + (|log x| + |log x0| + |m|) / v) / x",
    scale=lambda f, x, x0, m, v: (1 + _sizes(f, x, x0, m) / v) / x,
    twins=_hyvarinen_twins(stein=True),
    cases=tuple(case for case in _CASES if case.args["x"] != e(-700)),
)

LOGPDF = VectorFunction(
    name="conditional_logpdf",
    claim="A6",
    text="-log(x) - log(2 pi v) / 2 - r^2 / (2 v),  r = log(x) - log(x0) - m",
    meanings=PAIR,
    formula=_logpdf,
    second=lambda f, x, x0, m, v: f.log(
        f.exp(-((f.log(x / x0) - m) ** 2) / (2 * v)) / (x * f.sqrt(2 * f.pi() * v))
    ),
    scale_text="|log x| + 1 + |log 2 pi v| / 2 + r^2 / (2 v) + |r| (|log x| + |log x0| + |m|) / v",
    scale=_logpdf_size,
    twins=(
        Twin("ito_term", Flag.ITO, "mu t in place of m: v/2 is not taken off",
             lambda f, x, x0, m, v: _logpdf(f, x, x0, m + v / 2, v)),
        Twin("density_of_the_logarithm", Flag.H_VS_LOGSCORE, "the -log x is left out",
             lambda f, x, x0, m, v: _logpdf(f, x, x0, m, v) + f.log(x)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, x, x0, m, v: _logpdf(f, x, x0, m, f.sqrt(v))),
        Twin("logarithm_of_density", Flag.TAIL, "the density first, then its log, in float64",
             lambda f, x, x0, m, v: f.log(f.exp(_logpdf(f, x, x0, m, v))), naive=True),
        Twin("logarithm_of_ratio", Flag.OVERFLOW, "log(x / x0), in float64",
             lambda f, x, x0, m, v: -f.log(x) + f.log_normal_density(f.log(x / x0), m, v),
             naive=True),
    ),
    cases=tuple(
        case
        for case in _CASES
        if case.flag is not Flag.H_VS_STEIN
        and (case.flag is not Flag.TAIL or case.args["v"] != 1e6)
    ),
)  # fmt: skip

FUNCTIONS = (SAMPLE, HYVARINEN, STEIN, LOGPDF)
