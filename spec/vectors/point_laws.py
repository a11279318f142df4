"""A data set of two points under the forward kernel: density and distribution (sheet R3, E22)."""

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary
from spec.vectors.records import Case, Flag, Formula, Twin, VectorFunction

_NAMES = "x x1 x2 m v"
_MEANINGS = {
    "x": "state at time t, > 0", "x1": "first point, > 0", "x2": "second point, > 0",
    "m": "m(t), any number", "v": "v(t) > 0",
}  # fmt: skip
_BOX = {
    "x": across(0.1, 10), "x1": across(0.2, 2), "x2": across(1, 8), "m": between(-0.5, 0.5),
    "v": across(0.05, 3),
}  # fmt: skip


def _gaps(
    f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number
) -> list[tuple[Number, Number]]:
    """log x - log x_n - m, and the sizes of its terms."""
    return [(f.log(x) - f.log(p) - m, abs(f.log(x)) + abs(f.log(p)) + abs(m)) for p in (x1, x2)]


def _changed(formula: Formula) -> tuple[Twin, ...]:
    """The mistakes that both functions share."""
    return (
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, x, x1, x2, m, v: formula(f, x, x1, x2, m, f.sqrt(v))),
        Twin("ito_term", Flag.ITO, "mu t in place of m",
             lambda f, x, x1, x2, m, v: formula(f, x, x1, x2, m + v / 2, v)),
        Twin("one_point", Flag.BASIC, "the first point alone",
             lambda f, x, x1, x2, m, v: formula(f, x, x1, x1, m, v)),
        Twin("point_between", Flag.BASIC, "one point at sqrt(x1 x2)",
             lambda f, x, x1, x2, m, v: formula(f, x, f.sqrt(x1 * x2), f.sqrt(x1 * x2), m, v)),
    )  # fmt: skip


def _log_densities(
    f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number, v: Number
) -> list[Number]:
    return [f.log_normal_density(gap, 0, v) for gap, _ in _gaps(f, x, x1, x2, m)]


def _logpdf(f: Arithmetic, x: Number, *rest: Number) -> Number:
    one, two = _log_densities(f, x, *rest)
    return f.log((f.exp(one) + f.exp(two)) / 2) - f.log(x)


def _by_larger(f: Arithmetic, x: mpf, x1: mpf, x2: mpf, m: mpf, v: mpf) -> mpf:
    """The density of the nearer point and log(1 + odds of the other one)."""
    near, far = sorted((mpmath.log(x / p) - m) ** 2 for p in (x1, x2))
    peak = -mpmath.log(8 * mpmath.pi * v * x * x) / 2 - near / (2 * v)
    return peak + mpmath.log1p(mpmath.exp((near - far) / (2 * v)))


def _logpdf_size(f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number, v: Number) -> Number:
    one, two = _log_densities(f, x, x1, x2, m, v)
    first = 1 / (1 + f.exp(two - one))
    sizes = [gap * gap / (2 * v) + abs(gap) * s / v for gap, s in _gaps(f, x, x1, x2, m)]
    shared = abs(f.log(x)) + 2 + abs(f.log(2 * f.pi() * v)) / 2
    return shared + first * sizes[0] + (1 - first) * sizes[1]


def _drawn(*kinds: Flag) -> tuple[Case, ...]:
    return ordinary(_BOX, kinds, basic=12)


LOGPDF = VectorFunction(
    name="point_masses_logpdf",
    claim="R3",
    text="log((N(d1; 0, v) + N(d2; 0, v)) / 2) - log(x), d_n = log(x) - log(x_n) - m, "
    "N the normal density",
    meanings=_MEANINGS,
    formula=_logpdf,
    second=_by_larger,
    scale_text="|log x| + 2 + |log 2 pi v| / 2 + sum_n r_n (d_n^2 / (2 v) + |d_n| s_n / v), "
    "r_n the share of point n, s_n = |log x| + |log x_n| + |m|",
    scale=_logpdf_size,
    twins=(
        *_changed(_logpdf),
        Twin("density_of_the_logarithm", Flag.H_VS_LOGSCORE, "the -log x is left out",
             lambda f, x, *rest: _logpdf(f, x, *rest) + f.log(x)),
        Twin("sum_for_mean", Flag.T_INDEX, "not divided by the number of points",
             lambda f, x, *rest: _logpdf(f, x, *rest) + f.log(mpf(2))),
        Twin("mean_of_logarithms", Flag.BASIC, "the logarithm inside the mean",
             lambda f, x, *rest: sum(_log_densities(f, x, *rest)) / 2 - f.log(x)),
        Twin("logarithm_of_density", Flag.TAIL, "the densities first, then the log, in float64",
             _logpdf, naive=True),
        Twin("guarded_variance", Flag.SMALL_V, "1e-8 added to v",
             lambda f, x, x1, x2, m, v: _logpdf(f, x, x1, x2, m, v + mpf("1e-8"))),
    ),
    cases=(
        *_drawn(Flag.H_VS_LOGSCORE, Flag.S_VS_S2, Flag.ITO, Flag.T_INDEX),
        *cases(Flag.TAIL, _NAMES, [
            (e(700), 0.7, 1.9, 0.1, 0.64), (e(-700), 0.7, 1.9, 0.1, 0.64),
            (50.0, 0.3, 2.0, -0.2, 1e-3),
        ]),
        *cases(Flag.SMALL_V, _NAMES, [
            (1.0000001, 1.0, 1.0000003, 0.0, 1e-12), (0.75, 0.7, 1.3, 0.069, 1e-12),
        ]),
    ),
)  # fmt: skip


def _cdf(f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number, v: Number) -> Number:
    return sum(f.ncdf(gap / f.sqrt(v)) for gap, _ in _gaps(f, x, x1, x2, m)) / 2


def _by_error_function(f: Arithmetic, x: mpf, x1: mpf, x2: mpf, m: mpf, v: mpf) -> mpf:
    ends = [(m - mpmath.log(x / p)) / mpmath.sqrt(2 * v) for p in (x1, x2)]
    return mpmath.fsum(mpmath.erfc(end) for end in ends) / 4


def _cdf_size(f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number, v: Number) -> Number:
    total = 0
    for gap, size in _gaps(f, x, x1, x2, m):
        z = gap / f.sqrt(v)
        density = f.exp(-z * z / 2) / f.sqrt(2 * f.pi())
        total += f.ncdf(z) * (1 + z * z) + density * size / f.sqrt(v)
    return total / 2


CDF = VectorFunction(
    name="point_masses_cdf",
    claim="R3",
    text="(Phi(z1) + Phi(z2)) / 2, z_n = (log(x) - log(x_n) - m) / sqrt(v)",
    meanings=_MEANINGS,
    formula=_cdf,
    second=_by_error_function,
    scale_text="sum_n (Phi(z_n) (1 + z_n^2) + phi(z_n) (|log x| + |log x_n| + |m|) / sqrt(v)) / 2",
    scale=_cdf_size,
    twins=(
        *_changed(_cdf),
        Twin("survival", Flag.SIGN, "the probability of a larger value",
             lambda f, *args: 1 - _cdf(f, *args)),
        Twin("sum_for_mean", Flag.T_INDEX, "not divided by the number of points",
             lambda f, *args: 2 * _cdf(f, *args)),
        Twin("one_minus_survival", Flag.TAIL, "1 - the probability of a larger value, in float64",
             lambda f, x, x1, x2, m, v: 1 - _cdf(f, 1 / x, 1 / x1, 1 / x2, -m, v), naive=True),
    ),
    cases=(
        *_drawn(Flag.SIGN, Flag.S_VS_S2, Flag.ITO, Flag.T_INDEX),
        *cases(Flag.TAIL, _NAMES, [
            (e(-6), 0.7, 1.9, 0.1, 0.64), (e(-25), 0.3, 2.0, -0.2, 1.0),
        ]),
        *cases(Flag.BASIC, _NAMES, [
            (1.0000001, 1.0, 1.0000003, 0.0, 1e-12), (e(300), e(299.5), e(300.25), 0.1, 0.3),
            (e(-700), 0.7, e(5), 100.0, 400.0),
        ]),
    ),
)  # fmt: skip


def _average(f: Arithmetic, x1: Number, x2: Number) -> Number:
    return f.log((x1 + x2) / 2)


AVERAGE = VectorFunction(
    name="class_average_log_mean",
    claim="E22-class-average",
    text="log((x1 + x2) / 2): where the average of a class of two points lies",
    meanings={"x1": "first point of the class, > 0", "x2": "second point, > 0"},
    formula=_average,
    second=lambda f, x1, x2: f.log(x1) + mpmath.log1p((x2 - x1) / (2 * x1)),
    scale_text="1 + |out|",
    scale=lambda f, x1, x2: 1 + abs(_average(f, x1, x2)),
    guard=5,
    twins=(
        Twin("mean_of_logarithms", Flag.H_VS_LOGSCORE, "(log(x1) + log(x2)) / 2: Jensen's gap",
             lambda f, x1, x2: (f.log(x1) + f.log(x2)) / 2),
        Twin("total", Flag.T_INDEX, "not divided by the number of points",
             lambda f, x1, x2: f.log(x1 + x2)),
        Twin("average", Flag.BASIC, "the average itself, not its logarithm",
             lambda f, x1, x2: (x1 + x2) / 2),
        Twin("root_mean_square", Flag.S_VS_S2, "log of the root of the mean square",
             lambda f, x1, x2: f.log((x1 * x1 + x2 * x2) / 2) / 2),
    ),
    cases=(
        *ordinary({"x1": across(0.01, 10), "x2": across(0.5, 100)},
                  (Flag.H_VS_LOGSCORE, Flag.T_INDEX, Flag.S_VS_S2), basic=14),
        *cases(Flag.H_VS_LOGSCORE, "x1 x2", [(e(-690), e(600)), (1.0, 1.01), (e(700), e(-700))]),
        *cases(Flag.T_INDEX, "x1 x2", [(1.0, 1.0000000000000002), (e(-680), e(-680.5))]),
    ),
)  # fmt: skip

FUNCTIONS = (LOGPDF, CDF, AVERAGE)
