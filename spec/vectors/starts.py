"""Moments of two-component laws, and the fit of one pair of parameters to two pixels."""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, ordinary
from spec.vectors.records import Case, Flag, Twin, VectorFunction

_WEIGHTS = (0.25, 0.625, 0.375, 0.84375, 0.125, 0.6875)
_MIXTURE = {
    "w": "weight of the first component, in (0, 1), with 1 - w exact in float64",
    "a1": "mean of log X in the first component", "v1": "its variance, > 0",
    "a2": "mean of log X in the second component", "v2": "its variance, > 0",
}  # fmt: skip
_NAMES = "w a1 v1 a2 v2"
_BOX = {
    "w": between(0.1, 0.9), "a1": between(-2, 2), "v1": across(0.02, 3), "a2": between(-1, 3),
    "v2": across(0.02, 3),
}  # fmt: skip


def _mean(f: Arithmetic, w: Number, a1: Number, v1: Number, a2: Number, v2: Number) -> Number:
    return w * a1 + (1 - w) * a2


def _variance(f: Arithmetic, w: Number, a1: Number, v1: Number, a2: Number, v2: Number) -> Number:
    return w * v1 + (1 - w) * v2 + w * (1 - w) * (a1 - a2) ** 2


def _raw(f: Arithmetic, w: Number, a1: Number, v1: Number, a2: Number, v2: Number) -> Number:
    """The second moment less the square of the mean."""
    mean = w * a1 + (1 - w) * a2
    return w * (v1 + a1 * a1) + (1 - w) * (v2 + a2 * a2) - mean * mean


def _cases() -> tuple[Case, ...]:
    drawn = ordinary(_BOX, (Flag.S_VS_S2, Flag.T_INDEX), basic=14)
    return (
        *(Case(case.flag, {**case.args, "w": _WEIGHTS[i % len(_WEIGHTS)]})
          for i, case in enumerate(drawn)),
        *cases(Flag.CANCELLATION, _NAMES, [
            (0.5, 300.0, 1e-9, 300.00001, 2e-9), (0.25, -700.0, 1e-6, -700.001, 1e-12),
            (0.75, 50.0, 1e-4, 50.01, 3e-4),
        ]),
        *cases(Flag.TAIL, _NAMES, [
            (2.0**-50, 700.0, 1e6, -3.0, 0.1), (1 - 2.0**-50, 0.3, 0.02, -600.0, 1e5),
            (0.5, -700.0, 1e-12, 700.0, 1e-12),
        ]),
    )  # fmt: skip


MEAN = VectorFunction(
    name="mixture_log_mean",
    claim="log-moments",
    text="w a1 + (1 - w) a2",
    meanings=_MIXTURE,
    formula=_mean,
    second=lambda f, w, a1, v1, a2, v2: a2 + w * (a1 - a2),
    scale_text="w |a1| + (1 - w) |a2|",
    scale=lambda f, w, a1, v1, a2, v2: _mean(f, w, abs(a1), v1, abs(a2), v2),
    twins=(
        Twin("equal_weights", Flag.BASIC, "1/2 in place of w",
             lambda f, w, a1, v1, a2, v2: (a1 + a2) / 2),
        Twin("weights_exchanged", Flag.T_INDEX, "(1 - w) a1 + w a2",
             lambda f, w, *law: _mean(f, 1 - w, *law)),
        Twin("log_of_the_mean", Flag.S_VS_S2, "log E[X]",
             lambda f, w, a1, v1, a2, v2: f.log(
                 w * f.exp(a1 + v1 / 2) + (1 - w) * f.exp(a2 + v2 / 2))),
        Twin("precision_weighted", Flag.CANCELLATION, "weights w_j / v_j",
             lambda f, w, a1, v1, a2, v2:
             (w * a1 / v1 + (1 - w) * a2 / v2) / (w / v1 + (1 - w) / v2)),
        Twin("wrong_sign", Flag.TAIL, "the first mean with the other sign",
             lambda f, w, a1, *rest: _mean(f, w, -a1, *rest)),
    ),
    cases=_cases(),
)  # fmt: skip

VARIANCE = VectorFunction(
    name="mixture_log_var",
    claim="log-moments",
    text="w v1 + (1 - w) v2 + w (1 - w) (a1 - a2)^2",
    meanings=_MIXTURE,
    formula=_variance,
    second=_raw,
    scale_text="out: a relative bound",
    scale=_variance,
    guard=20,
    twins=(
        Twin("within_only", Flag.BASIC, "w v1 + (1 - w) v2",
             lambda f, w, a1, v1, a2, v2: w * v1 + (1 - w) * v2),
        Twin("weights_exchanged", Flag.T_INDEX, "1 - w in place of w",
             lambda f, w, *law: _variance(f, 1 - w, *law)),
        Twin("standard_deviation", Flag.S_VS_S2, "the root",
             lambda f, *law: f.sqrt(_variance(f, *law))),
        Twin("difference_of_squares", Flag.CANCELLATION,
             "E[(log X)^2] - (E log X)^2, in float64", _raw, naive=True),
        Twin("between_only", Flag.TAIL, "w (1 - w) (a1 - a2)^2 to the power 1",
             lambda f, w, a1, v1, a2, v2: w * v1 + (1 - w) * v2 + w * (1 - w) * abs(a1 - a2)),
    ),
    cases=_cases(),
)  # fmt: skip

_PIXELS = {
    "a1": "mean of log X_0 at the first pixel", "a2": "mean of log X_0 at the second pixel",
    "c1": "variance of log X_0 at the first pixel", "c2": "variance at the second pixel",
    "m": "m(T), any number", "v": "v(T) > 0",
}  # fmt: skip
_FIT_NAMES = "a1 a2 c1 c2 m v"
_FIT_CASES = (
    *ordinary(
        {"a1": between(-2, 2), "a2": between(-1, 3), "c1": across(0.02, 3), "c2": across(0.02, 3),
         "m": between(-1, 1), "v": across(0.1, 3)},
        (Flag.S_VS_S2, Flag.ITO, Flag.T_INDEX), basic=12),
    *cases(Flag.TAIL, _FIT_NAMES, [
        (700.0, -690.0, 0.3, 0.2, 2.0, 1e6), (0.3, 0.1, 1e6, 1e-12, -3.0, 0.1),
        (-650.0, -650.5, 0.2, 0.3, 5.0, 0.7),
    ]),
    *cases(Flag.SMALL_V, _FIT_NAMES, [
        (300.0, 300.0000001, 1e-12, 2e-12, 1e-6, 3e-12), (0.3, 0.300001, 1e-12, 1e-12, 0.0, 1e-12),
    ]),
)  # fmt: skip


def _fit_mean(
    f: Arithmetic, a1: Number, a2: Number, c1: Number, c2: Number, m: Number, v: Number
) -> Number:
    return (a1 + a2) / 2 + m


def _fit_var(
    f: Arithmetic, a1: Number, a2: Number, c1: Number, c2: Number, m: Number, v: Number
) -> Number:
    return (c1 + c2) / 2 + (a1 - a2) ** 2 / 4 + v


FIT_MEAN = VectorFunction(
    name="fitted_lognormal_log_mean",
    claim="R23-single",
    text="(a1 + a2) / 2 + m",
    meanings=_PIXELS,
    formula=_fit_mean,
    second=lambda f, a1, a2, c1, c2, m, v: ((a1 + m) + (a2 + m)) / 2,
    scale_text="(|a1| + |a2|) / 2 + |m|",
    scale=lambda f, a1, a2, c1, c2, m, v: (abs(a1) + abs(a2)) / 2 + abs(m),
    twins=(
        Twin("ito_term", Flag.ITO, "mu T in place of m",
             lambda f, a1, a2, c1, c2, m, v: (a1 + a2) / 2 + m + v / 2),
        Twin("of_the_data", Flag.T_INDEX, "m left out",
             lambda f, a1, a2, c1, c2, m, v: (a1 + a2) / 2),
        Twin("sum", Flag.BASIC, "not divided by 2", lambda f, a1, a2, c1, c2, m, v: a1 + a2 + m),
        Twin("log_of_the_mean", Flag.S_VS_S2, "log of the mean pixel of noised data",
             lambda f, a1, a2, c1, c2, m, v: m + v / 2 + f.log(
                 f.exp(a1 + c1 / 2) + f.exp(a2 + c2 / 2)) - f.log(2)),
        Twin("first_pixel", Flag.TAIL, "a1 + m", lambda f, a1, a2, c1, c2, m, v: a1 + m),
        Twin("guarded", Flag.SMALL_V, "1e-8 added",
             lambda f, *args: _fit_mean(f, *args) + f.exp(-8 * f.log(10))),
    ),
    cases=tuple(case for case in _FIT_CASES if case.args["a1"] != 300.0),
)  # fmt: skip

FIT_VAR = VectorFunction(
    name="fitted_lognormal_log_var",
    claim="R23-single",
    text="(c1 + c2) / 2 + (a1 - a2)^2 / 4 + v",
    meanings=_PIXELS,
    formula=_fit_var,
    second=lambda f, a1, a2, c1, c2, m, v: (c1 + c2 + a1 * a1 + a2 * a2) / 2
    - ((a1 + a2) / 2) ** 2 + v,
    scale_text="out + |a1 - a2| (|a1| + |a2|) / 2",
    scale=lambda f, a1, a2, c1, c2, m, v: _fit_var(f, a1, a2, c1, c2, m, v)
    + abs(a1 - a2) * (abs(a1) + abs(a2)) / 2,
    twins=(
        Twin("of_the_data", Flag.T_INDEX, "v left out",
             lambda f, *args: _fit_var(f, *args) - args[-1]),
        Twin("standard_deviation", Flag.S_VS_S2, "the root",
             lambda f, *args: f.sqrt(_fit_var(f, *args))),
        Twin("within_only", Flag.BASIC, "the difference of the means left out",
             lambda f, a1, a2, *rest: _fit_var(f, a1, a1, *rest)),
        Twin("unbiased", Flag.TAIL, "(a1 - a2)^2 / 2: divided by n - 1",
             lambda f, a1, a2, *rest: _fit_var(f, a1, a2, *rest) + (a1 - a2) ** 2 / 4),
        Twin("ito_term", Flag.ITO, "v / 2 taken off",
             lambda f, *args: _fit_var(f, *args) - args[-1] / 2),
        Twin("difference_of_squares", Flag.SMALL_V, "E[a^2] - (E a)^2, in float64",
             lambda f, a1, a2, c1, c2, m, v: (c1 + c2 + a1 * a1 + a2 * a2) / 2
             - ((a1 + a2) / 2) * ((a1 + a2) / 2) + v, naive=True),
    ),
    cases=_FIT_CASES,
    guard=20,
)  # fmt: skip

FUNCTIONS = (MEAN, VARIANCE, FIT_MEAN, FIT_VAR)
