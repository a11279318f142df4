"""Steps that are exact where the denoiser is constant (sheet R7, R17), and Heun's rule (R16).

v_s = v(s) >= 0 is the variance at the end of the step, v(t) = v_s + dv that at its start.
"""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary, scaled
from spec.vectors.records import Flag, Twin, VectorFunction

STATE = {"x": "state at time t, > 0", "h": "Hyvarinen score at x"}
TIMES = {
    "dm": "m(t) - m(s), any number",
    "dv": "v(t) - v(s) > 0",
    "v_s": "v(s) >= 0; v(t) = v_s + dv",
}
NOISE = {
    "z": "a standard normal draw",
    "c": "log-variance of the data that the denoiser does not explain, >= 0",
    "kappa": "factor on the noise, >= 0",
}


def _exponent(f: Arithmetic, h: Number, dm: Number, dv: Number, noise: Number) -> Number:
    return -dm + dv * (1 + h) + noise


def _bridge_std(f: Arithmetic, dv: Number, v_s: Number, c: Number) -> Number:
    return f.sqrt(dv * (c + v_s) / (c + v_s + dv))


def _ancestral(
    f: Arithmetic, x: Number, h: Number, dm: Number, dv: Number, v_s: Number,
    z: Number, c: Number, kappa: Number,
) -> Number:  # fmt: skip
    return x * f.exp(_exponent(f, h, dm, dv, kappa * _bridge_std(f, dv, v_s, c) * z))


def _by_denoiser(
    f: Arithmetic, x: Number, h: Number, dm: Number, dv: Number, v_s: Number,
    z: Number, c: Number, kappa: Number,
) -> Number:  # fmt: skip
    """The bridge to D, the denoiser, with m(s) = 0 and m(t) = dm."""
    v_t = v_s + dv
    d = f.log(x) - dm + v_t * (1 + h)
    mean = d + v_s / v_t * (f.log(x) - d - dm)
    precision = 1 / dv + 1 / (c + v_s) if c + v_s > 0 else None
    std = 0 if precision is None else 1 / f.sqrt(precision)
    return f.exp(mean + kappa * std * z)


def _ancestral_size(
    f: Arithmetic, x: Number, h: Number, dm: Number, dv: Number, v_s: Number,
    z: Number, c: Number, kappa: Number,
) -> Number:  # fmt: skip
    terms = 1 + abs(dm) + dv * (1 + abs(h)) + kappa * _bridge_std(f, dv, v_s, c) * abs(z)
    return _ancestral(f, x, h, dm, dv, v_s, z, c, kappa) * terms


_BOX = {
    "x": across(0.02, 50), "h": between(-5, 3), "dm": between(-0.2, 0.2), "dv": across(1e-3, 0.8),
    "v_s": across(1e-3, 3), "z": between(-3, 3), "c": across(1e-2, 2), "kappa": between(0.3, 1.5),
}  # fmt: skip
_KINDS = (Flag.H_VS_STEIN, Flag.H_VS_LOGSCORE, Flag.S_VS_S2, Flag.T_INDEX)
_ANCESTRAL_CASES = ordinary(_BOX, _KINDS)
_NAMES = "x h dm dv v_s z c kappa"

ANCESTRAL = VectorFunction(
    name="ancestral_step",
    claim="R17-bridge",
    text="x * exp(-dm + dv (1 + h) + kappa sqrt(dv (c + v_s) / (c + v_s + dv)) z)",
    meanings={**STATE, **TIMES, **NOISE},
    formula=_ancestral,
    second=_by_denoiser,
    scale_text="|out| (1 + |dm| + dv (1 + |h|) + kappa sqrt(dv (c + v_s) / (c + v_s + dv)) |z|)",
    scale=_ancestral_size,
    twins=(
        Twin("forward_noise", Flag.T_INDEX, "sqrt(dv) z, the noise of eq. (13)",
             lambda f, x, h, dm, dv, v_s, z, c, kappa:
             x * f.exp(_exponent(f, h, dm, dv, kappa * f.sqrt(dv) * z))),
        Twin("data_left_out", Flag.T_INDEX, "v_s / v_t in place of (c + v_s) / (c + v_t)",
             lambda f, x, h, dm, dv, v_s, z, c, kappa:
             _ancestral(f, x, h, dm, dv, v_s, z, 0, kappa)),
        Twin("variance_for_deviation", Flag.S_VS_S2, "the variance of the noise as its factor",
             lambda f, x, h, dm, dv, v_s, z, c, kappa: x * f.exp(
                 _exponent(f, h, dm, dv, kappa * _bridge_std(f, dv, v_s, c)**2 * z))),
        Twin("hyvarinen_for_log_score", Flag.H_VS_LOGSCORE, "h in place of 1 + h",
             lambda f, x, h, dm, dv, v_s, z, c, kappa:
             _ancestral(f, x, h - 1, dm, dv, v_s, z, c, kappa)),
        Twin("score_times_x", Flag.H_VS_STEIN, "x h: h taken for a Stein score",
             lambda f, x, h, dm, dv, v_s, z, c, kappa:
             _ancestral(f, x, x * h, dm, dv, v_s, z, c, kappa)),
        Twin("clipped_noise", Flag.TAIL, "z kept within 5",
             lambda f, x, h, dm, dv, v_s, z, c, kappa:
             _ancestral(f, x, h, dm, dv, v_s, max(-5, min(5, z)), c, kappa)),
    ),
    cases=(
        *_ANCESTRAL_CASES,
        *cases(Flag.BASIC, _NAMES, [
            (1.7, -0.4, 0.1, 0.3, 0.5, 1.2, 0.0, 1.0), (0.6, 0.9, -0.1, 0.2, 0.0, -0.8, 0.0, 1.0),
            (2.2, -1.4, 0.05, 0.4, 0.0, 1.5, 0.25, 1.0),
            (1.2, -1.00001, 0.0, 1e5, 1e6, 1e-3, 2.0, 1.0),
        ]),
        *cases(Flag.SMALL_V, _NAMES, [
            (1.3, -0.4, 1e-13, 1e-12, 1e-12, 0.7, 0.0, 1.0),
            (0.6, 2.0, 0.0, 1e-12, 0.4, -1.9, 0.0, 1.0),
            (1.1, -1e5, 0.0, 1e-10, 1e-12, 0.3, 1e-11, 1.0),
        ]),
        *cases(Flag.TAIL, _NAMES, [
            (1.7, -0.8, 0.05, 0.3, 0.2, 8.0, 0.1, 1.0),
            (0.8, 1.5, -0.1, 0.02, 1.5, -8.0, 0.0, 1.0),
            (e(600), -700.0, 0.1, 0.9, 0.4, 9.5, 0.3, 1.0),
        ]),
        *cases(Flag.OVERFLOW, _NAMES, [(e(700), -0.7, 0.3, 0.4, 0.2, 0.3, 0.05, 1.0)]),
        *cases(Flag.UNDERFLOW, _NAMES, [(e(-700), -0.7, 0.3, 0.4, 0.2, 0.3, 0.05, 1.0)]),
        *scaled(_ANCESTRAL_CASES[:2], "x", (500, -500)),
    ),
)  # fmt: skip


def _ddim_weight(f: Arithmetic, dv: Number, v_s: Number) -> Number:
    return dv / (1 + f.sqrt(v_s / (v_s + dv)))


def _ddim(f: Arithmetic, x: Number, h: Number, dm: Number, dv: Number, v_s: Number) -> Number:
    return x * f.exp(-dm + _ddim_weight(f, dv, v_s) * (1 + h))


def _by_frozen_denoiser(
    f: Arithmetic, x: Number, h: Number, dm: Number, dv: Number, v_s: Number
) -> Number:
    """D + m(s) + sqrt(v_s / v_t) (log x - D - m(t)), with m(s) = 0 and m(t) = dm."""
    v_t = v_s + dv
    d = f.log(x) - dm + v_t * (1 + h)
    return f.exp(d + f.sqrt(v_s / v_t) * (f.log(x) - d - dm))


_DDIM_BOX = {name: _BOX[name] for name in ("x", "h", "dm", "dv", "v_s")}
_DDIM_CASES = ordinary(
    _DDIM_BOX, (Flag.H_VS_STEIN, Flag.H_VS_LOGSCORE, Flag.S_VS_S2, Flag.T_INDEX)
)
_DDIM_NAMES = "x h dm dv v_s"

DDIM = VectorFunction(
    name="ddim_step",
    claim="R17-bridge",
    text="x * exp(-dm + (v_t - sqrt(v_s v_t)) (1 + h)), v_t = v_s + dv",
    meanings={**STATE, **TIMES},
    formula=_ddim,
    second=_by_frozen_denoiser,
    scale_text="|out| (1 + |dm| + w (1 + |h|)), w = dv / (1 + sqrt(v_s / v_t))",
    scale=lambda f, x, h, dm, dv, v_s: _ddim(f, x, h, dm, dv, v_s)
    * (1 + abs(dm) + _ddim_weight(f, dv, v_s) * (1 + abs(h))),
    twins=(
        Twin("weight_of_eq_13", Flag.T_INDEX, "dv (1 + h): the noisy step's drift",
             lambda f, x, h, dm, dv, v_s: x * f.exp(_exponent(f, h, dm, dv, 0))),
        Twin("euler_weight", Flag.T_INDEX, "dv (1 + h) / 2: Euler's rule for the flow",
             lambda f, x, h, dm, dv, v_s: x * f.exp(-dm + dv * (1 + h) / 2)),
        Twin("ratio_for_its_root", Flag.S_VS_S2, "v_s / v_t in place of its square root",
             lambda f, x, h, dm, dv, v_s:
             x * f.exp(-dm + dv / (1 + v_s / (v_s + dv)) * (1 + h))),
        Twin("hyvarinen_for_log_score", Flag.H_VS_LOGSCORE, "h in place of 1 + h",
             lambda f, x, h, dm, dv, v_s: _ddim(f, x, h - 1, dm, dv, v_s)),
        Twin("score_times_x", Flag.H_VS_STEIN, "x h: h taken for a Stein score",
             lambda f, x, h, dm, dv, v_s: _ddim(f, x, x * h, dm, dv, v_s)),
        Twin("difference_of_large_terms", Flag.CANCELLATION, "v_t - sqrt(v_s v_t), in float64",
             lambda f, x, h, dm, dv, v_s: x * f.exp(
                 -dm + (v_s + dv - f.sqrt(v_s * (v_s + dv))) * (1 + h)), naive=True),
    ),
    cases=(
        *_DDIM_CASES,
        *cases(Flag.BASIC, _DDIM_NAMES, [
            (1.7, -0.4, 0.1, 0.3, 0.0), (0.6, 0.9, -0.1, 2.0, 0.0), (2.5, 0.3, 0.2, 1e2, 1e6),
        ]),
        *cases(Flag.CANCELLATION, _DDIM_NAMES, [
            (1.7, -3.6, 0.1, 0.015, 1e6), (0.8, 1e5, 0.0, 3e-6, 2.0), (3.1, -2e6, 0.01, 1e-7, 5e5),
        ]),
        *cases(Flag.SMALL_V, _DDIM_NAMES, [
            (1.3, -0.4, 1e-13, 1e-12, 1e-12), (0.6, 2e4, 0.0, 1e-12, 1e-11),
            (1.9, -7e5, 0.1, 1e-9, 0.0),
        ]),
        *cases(Flag.TAIL, _DDIM_NAMES, [
            (e(600), -900.0, 0.1, 0.9, 0.4), (e(-600), 1200.0, 0.2, 0.5, 0.1),
        ]),
        *cases(Flag.OVERFLOW, _DDIM_NAMES, [(e(700), -0.7, 0.3, 0.4, 0.2)]),
        *cases(Flag.UNDERFLOW, _DDIM_NAMES, [(e(-700), -0.7, 0.3, 0.4, 0.2)]),
        *scaled(_DDIM_CASES[:2], "x", (500, -500)),
    ),
)  # fmt: skip

FUNCTIONS = (ANCESTRAL, DDIM)
