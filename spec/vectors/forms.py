"""The forms of the score under the forward kernel: denoiser and noise, and back."""

from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary, scaled
from spec.vectors.records import Flag, Twin, VectorFunction

STATE = {"x": "state at time t, > 0"}
SCORE = {"h": "Hyvarinen score x grad log p_t(x)"}
KERNEL = {"m": "m(t), any number", "v": "v(t) > 0"}


def _denoiser(f: Arithmetic, x: Number, h: Number, m: Number, v: Number) -> Number:
    return f.log(x) - m + v * (1 + h)


def _from_denoiser(f: Arithmetic, x: Number, d: Number, m: Number, v: Number) -> Number:
    return -1 + (d + m - f.log(x)) / v


def _noise(f: Arithmetic, h: Number, v: Number) -> Number:
    return -f.sqrt(v) * (1 + h)


def _from_noise(f: Arithmetic, n: Number, v: Number) -> Number:
    return -1 - n / f.sqrt(v)


_BOX = {"x": across(1e-3, 1e3), "h": between(-6, 5), "m": between(-2, 2), "v": across(1e-3, 20)}
_ORDINARY = ordinary(_BOX, (Flag.ITO, Flag.H_VS_STEIN, Flag.H_VS_LOGSCORE, Flag.S_VS_S2))

DENOISER = VectorFunction(
    name="denoiser",
    claim="R5",
    text="log(x) - m + v * (1 + h)",
    meanings={**STATE, **SCORE, **KERNEL},
    formula=_denoiser,
    second=lambda f, x, h, m, v: f.log(x * f.exp(v - m)) + v * h,
    scale_text="|log x| + |m| + v (1 + |h|)",
    scale=lambda f, x, h, m, v: abs(f.log(x)) + abs(m) + v * (1 + abs(h)),
    twins=(
        Twin("hyvarinen_for_log_score", Flag.H_VS_LOGSCORE, "v h: the 1 is left out",
             lambda f, x, h, m, v: _denoiser(f, x, h - 1, m, v)),
        Twin("times_x", Flag.H_VS_STEIN, "v (1 + x h): h taken for a Stein score",
             lambda f, x, h, m, v: _denoiser(f, x, x * h, m, v)),
        Twin("ito_term", Flag.ITO, "mu t in place of m",
             lambda f, x, h, m, v: _denoiser(f, x, h, m + v / 2, v)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, x, h, m, v: _denoiser(f, x, h, m, f.sqrt(v))),
        Twin("drift_added", Flag.SIGN, "+ m in place of - m",
             lambda f, x, h, m, v: _denoiser(f, x, h, -m, v)),
        Twin("logarithm_last", Flag.OVERFLOW, "log(x exp(v (1 + h) - m)), in float64",
             lambda f, x, h, m, v: f.log(x * f.exp(v * (1 + h) - m)), naive=True),
    ),
    cases=(
        *_ORDINARY,
        *cases(Flag.NEAR_ROOT, "x h m v", [
            (e(0.4), -0.5, 0.6, 0.4), (e(-1.25), 2.5, 0.5, 0.5), (e(3), -2.0, 2.0, 1.0),
        ]),
        *cases(Flag.CANCELLATION, "x h m v", [
            (e(700), -700.5, 0.25, 1.0), (e(-700), 699.0, -0.25, 1.0), (1.1, 2.0, 3e6, 1e6),
        ]),
        *cases(Flag.OVERFLOW, "x h m v", [
            (e(700), 12.0, 0.5, 2.0), (1.3, 1500.0, 2.0, 1.0), (e(650), 99.0, -10.0, 1.0),
        ]),
        *cases(Flag.SMALL_V, "x h m v", [
            (1.7, 1e6, 0.1, 1e-12), (0.2, -3e5, -1e-3, 1e-10), (1.0000001, -9e4, 0.0, 1e-12),
        ]),
        *cases(Flag.SIGN, "x h m v", [(2.5, 0.3, 1.5, 0.64), (0.4, -2.5, -0.7, 3.0)]),
        *cases(Flag.TAIL, "x h m v", [(e(-690), 55.5, 0.3, 12.0), (e(600), -0.25, 3.0, 1e6)]),
    ),
)  # fmt: skip

_INVERSE_BOX = {
    "x": across(1e-3, 1e3), "d": between(-5, 5), "m": between(-2, 2), "v": across(1e-3, 20),
}  # fmt: skip

FROM_DENOISER = VectorFunction(
    name="hyvarinen_from_denoiser",
    claim="R5",
    text="-1 + (d + m - log(x)) / v",
    meanings={**STATE, "d": "E[log X_0 | X_t = x]", **KERNEL},
    formula=_from_denoiser,
    second=lambda f, x, d, m, v: f.log(f.exp(d + m - v) / x) / v,
    scale_text="1 + (|d| + |m| + |log x|) / v",
    scale=lambda f, x, d, m, v: 1 + (abs(d) + abs(m) + abs(f.log(x))) / v,
    twins=(
        Twin("log_score", Flag.H_VS_LOGSCORE, "the -1 is left out",
             lambda f, x, d, m, v: 1 + _from_denoiser(f, x, d, m, v)),
        Twin("stein_score", Flag.H_VS_STEIN, "divided by x",
             lambda f, x, d, m, v: _from_denoiser(f, x, d, m, v) / x),
        Twin("ito_term", Flag.ITO, "mu t in place of m",
             lambda f, x, d, m, v: _from_denoiser(f, x, d, m + v / 2, v)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, x, d, m, v: _from_denoiser(f, x, d, m, f.sqrt(v))),
        Twin("guarded_variance", Flag.SMALL_V, "1e-8 added to v",
             lambda f, x, d, m, v: _from_denoiser(f, x, d, m, v + mpf("1e-8"))),
    ),
    cases=(
        *ordinary(_INVERSE_BOX, (Flag.ITO, Flag.H_VS_STEIN, Flag.H_VS_LOGSCORE, Flag.S_VS_S2)),
        *cases(Flag.NEAR_ROOT, "x d m v", [
            (e(0.5), 0.9, 0.3, 0.7), (e(-3.25), -2.0, 1.25, 2.5), (e(300), 300.5, 0.5, 1.0),
        ]),
        *cases(Flag.SMALL_V, "x d m v", [
            (1.0000001, 0.0, 0.0, 1e-12), (e(2.5), 2.4997, 1e-4, 1e-12), (0.3, -1.2, 0.0, 1e-9),
        ]),
        *cases(Flag.CANCELLATION, "x d m v", [
            (e(700), 699.5, 0.3, 0.5), (e(-700), -699.0, -0.5, 2.0), (1.5, -1e6, 1e6, 1e6),
        ]),
        *cases(Flag.TAIL, "x d m v", [(e(650), -3.0, 0.5, 1e-3), (e(-700), 4.0, -1.0, 1e6)]),
        *scaled(ordinary(_INVERSE_BOX)[:2], "x", (300, -300)),
    ),
)  # fmt: skip

NOISE = VectorFunction(
    name="noise_from_hyvarinen",
    claim="forms-of-the-score",
    text="-sqrt(v) * (1 + h)",
    meanings={**SCORE, "v": KERNEL["v"]},
    formula=_noise,
    second=lambda f, h, v: v * (-1 - h) / f.sqrt(v),
    scale_text="sqrt(v) (1 + |h|)",
    scale=lambda f, h, v: f.sqrt(v) * (1 + abs(h)),
    twins=(
        Twin("hyvarinen_for_log_score", Flag.H_VS_LOGSCORE, "the 1 is left out",
             lambda f, h, v: _noise(f, h - 1, v)),
        Twin("variance_for_deviation", Flag.S_VS_S2, "v in place of sqrt(v)",
             lambda f, h, v: _noise(f, h, v * v)),
        Twin("sign", Flag.SIGN, "of the wrong sign", lambda f, h, v: -_noise(f, h, v)),
    ),
    cases=(
        *ordinary({"h": between(-6, 5), "v": across(1e-3, 20)},
                  (Flag.H_VS_LOGSCORE, Flag.S_VS_S2, Flag.SIGN), each=4),
        *cases(Flag.NEAR_ROOT, "h v", [
            (-1.0000000000000002, 0.64), (-0.9999999, 2.3), (-1.0001, 1e6),
        ]),
        *cases(Flag.SMALL_V, "h v", [(1e6, 1e-12), (-3.4e5, 1e-12), (0.25, 1e-10)]),
        *cases(Flag.TAIL, "h v", [(1e12, 0.3), (-4e9, 1e6), (2.5, 1e6)]),
    ),
)  # fmt: skip

FROM_NOISE = VectorFunction(
    name="hyvarinen_from_noise",
    claim="forms-of-the-score",
    text="-1 - n / sqrt(v)",
    meanings={"n": "E[z | X_t], the expected noise", "v": KERNEL["v"]},
    formula=_from_noise,
    second=lambda f, n, v: -(f.sqrt(v) + n) * f.sqrt(v) / v,
    scale_text="1 + |n| / sqrt(v)",
    scale=lambda f, n, v: 1 + abs(n) / f.sqrt(v),
    twins=(
        Twin("log_score", Flag.H_VS_LOGSCORE, "the -1 is left out",
             lambda f, n, v: 1 + _from_noise(f, n, v)),
        Twin("variance_for_deviation", Flag.S_VS_S2, "v in place of sqrt(v)",
             lambda f, n, v: -1 - n / v),
        Twin("sign", Flag.SIGN, "+ n in place of - n", lambda f, n, v: _from_noise(f, -n, v)),
        Twin("guarded_variance", Flag.SMALL_V, "1e-8 added to v",
             lambda f, n, v: _from_noise(f, n, v + mpf("1e-8"))),
    ),
    cases=(
        *ordinary({"n": between(-4, 4), "v": across(1e-3, 20)},
                  (Flag.H_VS_LOGSCORE, Flag.S_VS_S2, Flag.SIGN), each=4),
        *cases(Flag.NEAR_ROOT, "n v", [(-0.8, 0.64), (-1.5000000000000002, 2.25), (-1e3, 1e6)]),
        *cases(Flag.SMALL_V, "n v", [(1.3, 1e-12), (-2.7, 1e-12), (4.1, 3e-11)]),
        *cases(Flag.TAIL, "n v", [(38.0, 0.3), (-12.5, 1e-4), (5e3, 1e6)]),
    ),
)  # fmt: skip

FUNCTIONS = (DENOISER, FROM_DENOISER, NOISE, FROM_NOISE)
