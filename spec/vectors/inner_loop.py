"""L steps of the Dale-Langevin sampler at one level, on log-normal data (sheet R10)."""

from spec.vectors.arithmetic import Arithmetic, Number, whole
from spec.vectors.points import across, between, cases, ordinary
from spec.vectors.records import Flag, Twin, VectorFunction
from spec.vectors.sampler_laws import stepped

_LOOP = {
    "v0": "variance of log X_0, > 0", "v_s": "v(t - dt) > 0",
    "dv": "v(t) - v(t - dt) > 0", "n": "number of steps L, a whole number",
}  # fmt: skip


def _alpha(v0: Number, v_s: Number, dv: Number) -> tuple[Number, Number]:
    return (v0 + v_s) / (v0 + v_s + dv), dv / (v0 + v_s + dv)


def _power(base: Number, n: Number) -> Number:
    result = base / base
    for _ in range(whole(n)):
        result = result * base
    return result


def _loop_mean(
    f: Arithmetic, a: Number, v0: Number, v_s: Number, dm: Number, dv: Number, n: Number, b: Number
) -> Number:
    alpha, gap = _alpha(v0, v_s, dv)
    power = _power(alpha, n)
    return a + dm + power * (b - a - dm) - dm * (1 - power) / gap


def _loop_mean_again(
    f: Arithmetic, a: Number, v0: Number, v_s: Number, dm: Number, dv: Number, n: Number, b: Number
) -> Number:
    y = b
    for _ in range(whole(n)):
        y = y - dm - dv * (y - a - dm) / (v0 + v_s + dv)
    return y


def _loop_mean_size(
    f: Arithmetic, a: Number, v0: Number, v_s: Number, dm: Number, dv: Number, n: Number, b: Number
) -> Number:
    alpha, gap = _alpha(v0, v_s, dv)
    power = _power(alpha, n)
    start = power * (1 + n * gap / alpha) * (abs(b) + abs(a) + abs(dm))
    return abs(a) + abs(dm) + start + abs(dm) * (1 - power) / gap


def _loop_var(
    f: Arithmetic, v0: Number, v_s: Number, dv: Number, n: Number, kappa: Number, q: Number
) -> Number:
    alpha, gap = _alpha(v0, v_s, dv)
    power = _power(alpha, 2 * n)
    return power * q + kappa * kappa * dv * (1 - power) / (gap * (1 + alpha))


def _loop_var_again(
    f: Arithmetic, v0: Number, v_s: Number, dv: Number, n: Number, kappa: Number, q: Number
) -> Number:
    alpha, var = _alpha(v0, v_s, dv)[0], q
    for _ in range(whole(n)):
        var = alpha**2 * var + kappa**2 * dv
    return var


def _loop_var_size(
    f: Arithmetic, v0: Number, v_s: Number, dv: Number, n: Number, kappa: Number, q: Number
) -> Number:
    alpha, gap = _alpha(v0, v_s, dv)
    more = _power(alpha, 2 * n) * q * 2 * n * gap / alpha
    return _loop_var(f, v0, v_s, dv, n, kappa, q) + more


LOOP_MEAN = VectorFunction(
    name="inner_loop_law_log_mean",
    claim="R10-loop",
    text="a + dm + alpha^L (b - a - dm) - dm (1 - alpha^L) / (1 - alpha), "
    "alpha = (v0 + v_s) / (v0 + v_s + dv)",
    meanings={
        "a": "mean of log X_t, less dm", "v0": _LOOP["v0"], "v_s": _LOOP["v_s"],
        "dm": "m(t) - m(t - dt), any number", "dv": _LOOP["dv"], "n": _LOOP["n"],
        "b": "mean of log X before the loop",
    },
    formula=_loop_mean,
    second=_loop_mean_again,
    scale_text="|a| + |dm| (1 + (1 - alpha^L) / (1 - alpha)) + alpha^L (1 + L (1 - alpha) / alpha)"
    " (|b| + |a| + |dm|)",
    scale=_loop_mean_size,
    guard=30,
    twins=(
        Twin("one_step_more", Flag.T_INDEX, "L + 1",
             lambda f, *args: _loop_mean(f, *args[:5], args[5] + 1, args[6])),
        Twin("drift_once", Flag.BASIC, "- dm for the whole loop",
             lambda f, a, v0, v_s, dm, dv, n, b:
             a + _power(_alpha(v0, v_s, dv)[0], n) * (b - a - dm)),
        Twin("drift_of_the_wrong_sign", Flag.SIGN, "+ dm",
             lambda f, a, v0, v_s, dm, *rest: _loop_mean(f, a, v0, v_s, -dm, *rest)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(dv) in place of dv",
             lambda f, a, v0, v_s, dm, dv, n, b: _loop_mean(f, a, v0, v_s, dm, f.sqrt(dv), n, b)),
        Twin("stationary", Flag.TAIL, "a + dm: L = infinity without drift",
             lambda f, a, v0, v_s, dm, *rest: a + dm),
    ),
    cases=(
        *stepped(ordinary(
            {"a": between(-2, 2), "v0": across(0.02, 3), "v_s": across(0.05, 2),
             "dm": between(-0.3, 0.3), "dv": across(0.01, 1), "n": across(1, 9),
             "b": between(-2, 2)}, (Flag.T_INDEX, Flag.SIGN, Flag.S_VS_S2), basic=11)),
        *cases(Flag.TAIL, "a v0 v_s dm dv n b", [
            (300.0, 0.3, 0.2, 0.1, 0.05, 7.0, -400.0), (0.2, 1e6, 0.4, 1e-3, 0.3, 25.0, 0.7),
            (0.3, 0.02, 1e-3, 0.2, 1e5, 3.0, 40.0),
        ]),
        *cases(Flag.T_INDEX, "a v0 v_s dm dv n b", [
            (0.3, 1e-12, 3e-12, 1e-6, 2e-12, 12.0, 0.31), (-0.2, 0.5, 0.6, 1e-4, 1e-5, 100.0, 0.9),
        ]),
    ),
)  # fmt: skip

LOOP_VAR = VectorFunction(
    name="inner_loop_law_log_var",
    claim="R10-loop",
    text="alpha^(2L) q + kappa^2 dv (1 - alpha^(2L)) / (1 - alpha^2), "
    "alpha = (v0 + v_s) / (v0 + v_s + dv)",
    meanings={**_LOOP, "kappa": "factor on the noise, >= 0",
              "q": "variance of log X before the loop, >= 0"},
    formula=_loop_var,
    second=_loop_var_again,
    scale_text="out + 2 L (1 - alpha) / alpha alpha^(2L) q",
    scale=_loop_var_size,
    guard=30,
    twins=(
        Twin("one_step_more", Flag.T_INDEX, "L + 1",
             lambda f, v0, v_s, dv, n, *rest: _loop_var(f, v0, v_s, dv, n + 1, *rest)),
        Twin("noise_not_squared", Flag.S_VS_S2, "kappa dv",
             lambda f, v0, v_s, dv, n, kappa, q: _loop_var(f, v0, v_s, dv, n, f.sqrt(kappa), q)),
        Twin("gain_once", Flag.BASIC, "alpha^L in place of alpha^(2L)",
             lambda f, v0, v_s, dv, n, kappa, q: _loop_var(f, v0, v_s, dv, n / 2, kappa, q)),
        Twin("stationary", Flag.TAIL, "L = infinity",
             lambda f, v0, v_s, dv, n, kappa, q:
             kappa * kappa * dv / (1 - _alpha(v0, v_s, dv)[0] ** 2)),
        Twin("difference_of_powers", Flag.SMALL_V, "1 - alpha^(2L) over 1 - alpha^2, in float64",
             lambda f, v0, v_s, dv, n, kappa, q: _power(_alpha(v0, v_s, dv)[0], 2 * n) * q
             + kappa * kappa * dv * (1 - _power(_alpha(v0, v_s, dv)[0], 2 * n))
             / (1 - _power(_alpha(v0, v_s, dv)[0], 2)), naive=True),
    ),
    cases=(
        *stepped(ordinary(
            {"v0": across(0.02, 3), "v_s": across(0.05, 2), "dv": across(0.01, 1),
             "n": across(1, 9), "kappa": across(0.2, 0.9), "q": across(0.05, 5)},
            (Flag.T_INDEX, Flag.S_VS_S2), basic=13)),
        *cases(Flag.TAIL, "v0 v_s dv n kappa q", [
            (0.3, 0.2, 0.05, 7.0, 0.5, 1e6), (0.02, 0.1, 1e3, 1.0, 1.0, 1e12),
            (3.0, 0.5, 0.2, 4.0, 0.0, 2.0),
        ]),
        *cases(Flag.SMALL_V, "v0 v_s dv n kappa q", [
            (1e6, 0.4, 1e-4, 9.0, 1.0, 1e-3), (0.7, 0.3, 1e-12, 20.0, 0.9, 1e-12),
            (2.0, 0.1, 1e-9, 100.0, 1.0, 3e-9),
        ]),
        *cases(Flag.BASIC, "v0 v_s dv n kappa q", [(1e-12, 2e-12, 1e-12, 8.0, 0.8, 1e-12)]),
    ),
)  # fmt: skip

FUNCTIONS = (LOOP_MEAN, LOOP_VAR)
