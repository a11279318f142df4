"""Means of samplers after N equal steps on log-normal data (sheet R8, R16).

log X_0 is N(a, v0), the process has constant coefficients with m(T) = m and v(T) = v, and the mean
of log X_T is b at the start.
"""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, ordinary
from spec.vectors.records import Flag, Formula, Twin, VectorFunction
from spec.vectors.sampler_laws import extremes, gain_by_gamma, gain_of_flow, stepped

MEAN = {
    "a": "mean of log X_0", "v0": "variance of log X_0, > 0", "m": "m(T), any number",
    "v": "v(T) > 0", "n": "number of steps N, a whole number",
    "b": "mean of log X_T at the start",
}  # fmt: skip


def _dale_mean(
    f: Arithmetic, a: Number, v0: Number, m: Number, v: Number, n: Number, b: Number
) -> Number:
    return a + v0 / (v0 + v) * (b - a - m)


def _flow_mean(
    f: Arithmetic, a: Number, v0: Number, m: Number, v: Number, n: Number, b: Number
) -> Number:
    return a + gain_of_flow(f, v0, v, n) * (b - a - m)


def _flow_mean_size(
    f: Arithmetic, a: Number, v0: Number, m: Number, v: Number, n: Number, b: Number
) -> Number:
    gain = gain_of_flow(f, v0, v, n)
    return abs(a) + gain * (1 - f.log(gain)) * (abs(b) + abs(a) + abs(m))


_BOX = {
    "a": between(-2, 2), "v0": across(0.02, 4), "m": between(-0.7, 0.7), "v": across(0.1, 4),
    "n": across(1, 50), "b": between(-2, 2),
}  # fmt: skip
_CASES = (
    *stepped(ordinary(_BOX, (Flag.T_INDEX, Flag.S_VS_S2, Flag.SIGN), basic=11)),
    *extremes(
        "a v0 m v n b",
        (Flag.TAIL, (300.0, 0.4, 2.0, 0.6, 5.0, -100.0)),
        (Flag.TAIL, (0.3, 1e6, 0.2, 0.5, 9.0, 0.1)),
        (Flag.TAIL, (0.3, 0.2, 5.0, 1e6, 6.0, 900.0)),
        (Flag.BASIC, (0.5, 1e-12, 0.1, 0.64, 12.0, 0.7)),
        (Flag.BASIC, (0.3, 0.05, 0.0, 0.64, 100.0, 0.9)),
    ),
)  # fmt: skip


def _mean_twins(formula: Formula) -> tuple[Twin, ...]:
    """Mistakes that both means share."""
    return (
        Twin("drift_of_the_wrong_sign", Flag.SIGN, "+ m in place of - m",
             lambda f, a, v0, m, *rest: formula(f, a, v0, -m, *rest)),
        Twin("drift_kept", Flag.BASIC, "a + m in place of a",
             lambda f, a, v0, m, *rest: formula(f, a, v0, m, *rest) + m),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, a, v0, m, v, *rest: formula(f, a, v0, m, f.sqrt(v), *rest)),
        Twin("data_mean", Flag.BASIC, "a", lambda f, a, *rest: a),
        Twin("start_mean", Flag.TAIL, "b", lambda f, *args: args[-1]),
    )  # fmt: skip


DALE = VectorFunction(
    name="dale_langevin_law_log_mean",
    claim="R8-closed",
    text="a + v0 / (v0 + v) (b - a - m), for any N",
    meanings=MEAN,
    formula=_dale_mean,
    second=lambda f, a, v0, m, v, n, b: (v * a + v0 * (b - m)) / (v0 + v),
    scale_text="|a| + v0 / (v0 + v) (|b| + |a| + |m|)",
    scale=lambda f, a, v0, m, v, n, b: abs(a) + v0 / (v0 + v) * (abs(b) + abs(a) + abs(m)),
    twins=(
        *_mean_twins(_dale_mean),
        Twin("euler_flow", Flag.T_INDEX, "the gain of the flow", _flow_mean),
    ),
    cases=_CASES,
)  # fmt: skip

FLOW = VectorFunction(
    name="euler_flow_law_log_mean",
    claim="R16-leading",
    text="a + g (b - a - m), g the product over k = 1 .. N of 1 - h / (2 (v0 + h k)), h = v / N",
    meanings=MEAN,
    formula=_flow_mean,
    second=lambda f, a, v0, m, v, n, b: a + gain_by_gamma(v0, v, n) * (b - a - m),
    scale_text="|a| + g (1 + |log g|) (|b| + |a| + |m|)",
    scale=_flow_mean_size,
    twins=(
        *_mean_twins(_flow_mean),
        Twin("dale_langevin", Flag.T_INDEX, "the gain v0 / (v0 + v)", _dale_mean),
    ),
    cases=_CASES,
)  # fmt: skip

FUNCTIONS = (DALE, FLOW)
