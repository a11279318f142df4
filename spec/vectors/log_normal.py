"""One log-normal law: log X is N(a, v)."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, nearest, ordinary
from spec.vectors.records import Case, Flag, Twin, VectorFunction

LAW = {"x": "a state, > 0", "a": "mean of log X, any number", "v": "variance of log X, > 0"}


def _log_score(f: Arithmetic, x: Number, a: Number, v: Number) -> Number:
    return -(f.log(x) - a) / v


def _hyvarinen(f: Arithmetic, x: Number, a: Number, v: Number) -> Number:
    return _log_score(f, x, a, v) - 1


def _stein(f: Arithmetic, x: Number, a: Number, v: Number) -> Number:
    return _hyvarinen(f, x, a, v) / x


def _logpdf(f: Arithmetic, x: Number, a: Number, v: Number) -> Number:
    return -f.log(x) + f.log_normal_density(f.log(x), a, v)


def _cdf(f: Arithmetic, x: Number, a: Number, v: Number) -> Number:
    return f.ncdf((f.log(x) - a) / f.sqrt(v))


def _sizes(f: Arithmetic, x: Number, a: Number, v: Number) -> Number:
    return (abs(f.log(x)) + abs(a)) / v


def _logpdf_size(f: Arithmetic, x: Number, a: Number, v: Number) -> Number:
    r = abs(f.log(x) - a)
    size = abs(f.log(x)) + 1 + abs(f.log(2 * f.pi() * v)) / 2
    return size + r * r / (2 * v) + r * _sizes(f, x, a, v)


def _slope(f: Arithmetic, x: Number, a: Number, v: Number) -> Number:
    """d/dlog x of log p, by a central difference, exact for a quadratic."""
    y, step = mpmath.log(x), mpmath.sqrt(v)
    values = [_logpdf(f, mpmath.exp(y + sign * step), a, v) for sign in (1, -1)]
    return (values[0] - values[1]) / (2 * step)


_BOX = {"x": across(1e-3, 1e3), "a": between(-2, 2), "v": across(1e-3, 20)}
_KINDS = (Flag.H_VS_STEIN, Flag.H_VS_LOGSCORE, Flag.S_VS_S2)


def _roots(minus_one: bool) -> list[tuple[float, ...]]:
    """States where the log score, or with `minus_one` the Hyvarinen score, is 0 to a bit."""
    found = []
    with mpmath.workdps(40):
        for a, v in ((0.31, 0.64), (-3.7, 0.05), (300.0, 2.5), (0.02, 40.0)):
            exponent = mpmath.mpf(a) - (mpmath.mpf(v) if minus_one else 0)
            found.append((nearest(mpmath.exp(exponent)), a, v))
    return found


_EXTREMES = (
    *cases(Flag.SMALL_V, "x a v", [
        (1.0000001, 0.0, 1e-12), (1.35, 0.3, 1e-12), (e(0.301), 0.3, 1e-9), (e(-5), -5.001, 1e-10),
    ]),
    *cases(Flag.CANCELLATION, "x a v", [
        (e(700), 699.9, 0.01), (e(-700), -700.25, 0.3), (e(123.456), 123.0, 1e-3),
        (1.000001, 1e-6, 1e-4),
    ]),
    *cases(Flag.TAIL, "x a v", [
        (e(700), 0.3, 0.64), (e(-700), -0.2, 0.64), (e(50), -1.1, 0.02), (e(-45), 1.2, 0.3),
        (e(300), -300.0, 50.0),
    ]),
    *cases(Flag.BASIC, "x a v", [(1.7, -0.3, 1e6), (e(690), -20.0, 1e6), (0.3, 650.0, 1e5)]),
)  # fmt: skip


def _cases(root: bool, *kinds: Flag) -> tuple[Case, ...]:
    """Ordinary ones for the kinds of mistake, the zeros that matter, and the extremes."""
    zeros = cases(Flag.NEAR_ROOT, "x a v", _roots(root))
    powers = cases(Flag.POW2, "x a v", [(2.0**500, 346.7, 0.7), (2.0**-600, -416.1, 0.2)])
    return (*ordinary(_BOX, kinds), *zeros, *_EXTREMES, *powers)


def _guarded(formula: object) -> Twin:
    return Twin("guarded_variance", Flag.SMALL_V, "1e-8 added to v",
                lambda f, x, a, v: formula(f, x, a, v + mpmath.mpf("1e-8")))  # fmt: skip


def _deviation(formula: object) -> Twin:
    return Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
                lambda f, x, a, v: formula(f, x, a, f.sqrt(v)))  # fmt: skip


LOG_SCORE = VectorFunction(
    name="log_normal_log_score",
    claim="R2-score",
    text="-(log(x) - a) / v",
    meanings=LAW,
    formula=_log_score,
    second=lambda f, x, a, v: 1 + _slope(f, x, a, v),
    scale_text="(|log x| + |a|) / v",
    scale=_sizes,
    twins=(
        Twin("hyvarinen_score", Flag.H_VS_LOGSCORE, "1 is taken off",
             lambda f, x, a, v: _log_score(f, x, a, v) - 1),
        Twin("divided_by_x", Flag.H_VS_STEIN, "divided by x",
             lambda f, x, a, v: _log_score(f, x, a, v) / x),
        Twin("sign", Flag.TAIL, "of the wrong sign",
             lambda f, x, a, v: -_log_score(f, x, a, v)),
        _deviation(_log_score),
        _guarded(_log_score),
    ),
    cases=_cases(False, *_KINDS),
)  # fmt: skip

HYVARINEN = VectorFunction(
    name="log_normal_hyvarinen_score",
    claim="R2-score",
    text="-1 - (log(x) - a) / v",
    meanings=LAW,
    formula=_hyvarinen,
    second=_slope,
    scale_text="1 + (|log x| + |a|) / v",
    scale=lambda f, x, a, v: 1 + _sizes(f, x, a, v),
    twins=(
        Twin("log_score", Flag.H_VS_LOGSCORE, "the -1 is left out", _log_score),
        Twin("stein_score", Flag.H_VS_STEIN, "divided by x", _stein),
        Twin("median_for_mode", Flag.ITO, "a + v: zero where the density of log X has its peak",
             lambda f, x, a, v: _hyvarinen(f, x, a + v, v)),
        Twin("log_of_mean", Flag.ITO, "a + v/2, the logarithm of the mean of X, in place of a",
             lambda f, x, a, v: _hyvarinen(f, x, a + v / 2, v)),
        _deviation(_hyvarinen),
        _guarded(_hyvarinen),
    ),
    cases=_cases(True, *_KINDS, Flag.ITO),
)  # fmt: skip

STEIN = VectorFunction(
    name="log_normal_stein_score",
    claim="R2-score",
    text="(-1 - (log(x) - a) / v) / x",
    meanings=LAW,
    formula=_stein,
    second=lambda f, x, a, v: _slope(f, x, a, v) / x,
    scale_text="(1 + (|log x| + |a|) / v) / x",
    scale=lambda f, x, a, v: (1 + _sizes(f, x, a, v)) / x,
    twins=(
        Twin("of_the_logarithm", Flag.H_VS_LOGSCORE, "log score over x: the -1 is left out",
             lambda f, x, a, v: _log_score(f, x, a, v) / x),
        Twin("hyvarinen_score", Flag.H_VS_STEIN, "not divided by x", _hyvarinen),
        _deviation(_stein),
        _guarded(_stein),
    ),
    cases=tuple(case for case in _cases(True, *_KINDS) if case.args["x"] != e(-700)),
)  # fmt: skip

LOGPDF = VectorFunction(
    name="log_normal_logpdf",
    claim="A23",
    text="-log(x) - log(2 pi v) / 2 - (log(x) - a)^2 / (2 v)",
    meanings=LAW,
    formula=_logpdf,
    second=lambda f, x, a, v: f.log(
        f.exp(-(f.log(x) ** 2 - 2 * a * f.log(x) + a * a) / (2 * v)) / (x * f.sqrt(2 * f.pi() * v))
    ),
    scale_text="|log x| + 1 + |log 2 pi v| / 2 + r^2 / (2 v) + |r| (|log x| + |a|) / v, "
    "r = log(x) - a",
    scale=_logpdf_size,
    twins=(
        Twin("density_of_the_logarithm", Flag.H_VS_LOGSCORE, "the -log x is left out",
             lambda f, x, a, v: _logpdf(f, x, a, v) + f.log(x)),
        Twin("sign_of_the_jacobian", Flag.H_VS_LOGSCORE, "+log x",
             lambda f, x, a, v: _logpdf(f, x, a, v) + 2 * f.log(x)),
        Twin("logarithm_of_density", Flag.TAIL, "the density first, then its log, in float64",
             lambda f, x, a, v: f.log(f.exp(_logpdf(f, x, a, v))), naive=True),
        Twin("normalised_for_x", Flag.ITO, "a - v/2 in place of a: the mean of X for its log",
             lambda f, x, a, v: _logpdf(f, x, a - v / 2, v)),
        _deviation(_logpdf),
        _guarded(_logpdf),
    ),
    cases=_cases(True, Flag.H_VS_LOGSCORE, Flag.S_VS_S2, Flag.ITO),
)  # fmt: skip


def _cdf_size(f: Arithmetic, x: Number, a: Number, v: Number) -> Number:
    z = (f.log(x) - a) / f.sqrt(v)
    density = f.exp(-z * z / 2) / f.sqrt(2 * f.pi())
    return f.ncdf(z) * (1 + z * z) + density * _sizes(f, x, a, v) * f.sqrt(v)


def _by_incomplete_gamma(f: Arithmetic, x: Number, a: Number, v: Number) -> Number:
    z = (mpmath.log(x) - a) / mpmath.sqrt(v)
    tail = mpmath.gammainc(mpmath.mpf(1) / 2, z * z / 2, mpmath.inf, regularized=True) / 2
    return tail if z < 0 else 1 - tail


_QUANTILE_BOX = {"x": across(0.05, 40), "a": between(-1, 1.5), "v": across(0.1, 9)}

CDF = VectorFunction(
    name="log_normal_cdf",
    claim="A23",
    text="Phi((log(x) - a) / sqrt(v)), Phi the standard normal cumulative distribution",
    meanings=LAW,
    formula=_cdf,
    second=_by_incomplete_gamma,
    scale_text="out * (1 + z^2) + phi(z) (|log x| + |a|) / sqrt(v), z = (log(x) - a) / sqrt(v)",
    scale=_cdf_size,
    twins=(
        Twin("one_minus_upper_tail", Flag.TAIL, "1 - Phi(-z), in float64",
             lambda f, x, a, v: 1 - f.ncdf((a - f.log(x)) / f.sqrt(v)), naive=True),
        Twin("deviation_for_variance", Flag.S_VS_S2, "divided by v in place of sqrt(v)",
             lambda f, x, a, v: f.ncdf((f.log(x) - a) / v)),
        Twin("log_of_mean", Flag.ITO, "a + v/2, the logarithm of the mean of X, in place of a",
             lambda f, x, a, v: _cdf(f, x, a + v / 2, v)),
        Twin("survival", Flag.SIGN, "the probability of a larger value",
             lambda f, x, a, v: 1 - _cdf(f, x, a, v)),
    ),
    cases=(
        *ordinary(_QUANTILE_BOX, (Flag.S_VS_S2, Flag.ITO)),
        *cases(Flag.TAIL, "x a v", [
            (e(-5.5), 0.3, 0.64), (e(-10), 0.2, 1.0), (e(-20.5), 0.1, 1.0), (e(-22), 0.4, 0.64),
            (e(-30), -0.3, 1.0), (e(-700), -100.0, 400.0), (e(-37.25), 0.0, 1.0),
        ]),
        *cases(Flag.UNDERFLOW, "x a v", [(e(-37.75), 0.05, 1.0), (e(-45), 0.0, 1.0)]),
        *cases(Flag.SMALL_V, "x a v", [(1.0000003, 0.0, 1e-12), (1.349858, 0.3, 1e-12)]),
        *cases(Flag.CANCELLATION, "x a v", [(e(700), 699.5, 0.5), (e(-650), -650.5, 0.25)]),
        *cases(Flag.BASIC, "x a v", [(e(8), 0.1, 1.0), (2.7, 0.3, 1e6), (e(600), 2.0, 1e5)]),
    ),
)  # fmt: skip

FUNCTIONS = (LOGPDF, LOG_SCORE, HYVARINEN, STEIN, CDF)
