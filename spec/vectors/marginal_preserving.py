"""Steps whose marginals are those of the forward process at any noise level (sheet R11).

Arguments as in `euler_maruyama`; kappa is the noise level, which the drift follows.
"""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.euler_maruyama import (
    AMBIENT,
    KINDS,
    NAMES,
    ORDINARY,
    POSITIVE,
    SIGNED,
    extremes,
)
from spec.vectors.points import across, between, cases, e, ordinary, scaled
from spec.vectors.records import Flag, Twin, VectorFunction

LEVEL = {"kappa": "noise level, >= 0"}


def _log_step(
    f: Arithmetic, x: Number, h: Number, z: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    weight = (1 + kappa * kappa) / 2
    return x * f.exp(-dm + weight * dv * (1 + h) + kappa * f.sqrt(dv) * z)


def _log_size(
    f: Arithmetic, x: Number, h: Number, z: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    weight = (1 + kappa * kappa) / 2
    terms = 1 + abs(dm) + weight * dv * (1 + abs(h)) + kappa * f.sqrt(dv) * abs(z)
    return _log_step(f, x, h, z, dm, dv, kappa) * terms


def _ambient(
    f: Arithmetic, x: Number, h: Number, z: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    drift = -dm + (1 + kappa * kappa) / 2 * dv * (1 + h) + kappa * kappa * dv / 2
    return x * (1 + drift + kappa * f.sqrt(dv) * z)


def _ambient_size(
    f: Arithmetic, x: Number, h: Number, z: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    drift = abs(dm) + (1 + kappa * kappa) / 2 * dv * (1 + abs(h)) + kappa * kappa * dv / 2
    return abs(x) * (1 + drift + kappa * f.sqrt(dv) * abs(z))


def _twins(formula: object) -> tuple[Twin, ...]:
    return (
        Twin("drift_of_full_noise", Flag.T_INDEX, "dv (1 + h): the drift does not follow kappa",
             lambda f, x, h, z, dm, dv, kappa:
             formula(f, x, (1 + h) * 2 / (1 + kappa * kappa) - 1, z, dm, dv, kappa)),
        Twin("level_for_its_square", Flag.S_VS_S2, "(1 + kappa) / 2 in place of (1 + kappa^2) / 2",
             lambda f, x, h, z, dm, dv, kappa:
             formula(f, x, (1 + h) * (1 + kappa) / (1 + kappa * kappa) - 1, z, dm, dv, kappa)),
        Twin("hyvarinen_for_log_score", Flag.H_VS_LOGSCORE, "h in place of 1 + h",
             lambda f, x, h, z, dm, dv, kappa: formula(f, x, h - 1, z, dm, dv, kappa)),
        Twin("score_times_x", Flag.H_VS_STEIN, "x h: h taken for a Stein score",
             lambda f, x, h, z, dm, dv, kappa: formula(f, x, abs(x) * h, z, dm, dv, kappa)),
        Twin("clipped_noise", Flag.TAIL, "z kept within 5",
             lambda f, x, h, z, dm, dv, kappa:
             formula(f, x, h, max(-5, min(5, z)), dm, dv, kappa)),
    )  # fmt: skip


_LEVELS = cases(Flag.BASIC, NAMES, [
    (1.7, -0.6, 0.4, 0.1, 0.3, 0.0), (0.4, 1.3, -1.9, -0.1, 0.2, 0.0),
    (2.6, -1.8, 0.8, 0.05, 0.1, 3.0),
])  # fmt: skip

LOG = VectorFunction(
    name="marginal_preserving_step",
    claim="R11",
    text="x * exp(-dm + (1 + kappa^2) / 2 dv (1 + h) + kappa sqrt(dv) z)",
    meanings={**POSITIVE, **LEVEL},
    formula=_log_step,
    second=lambda f, x, h, z, dm, dv, kappa: f.exp(
        f.log(x) - dm + dv / 2 + dv * h / 2 + kappa**2 * dv * (1 + h) / 2 + kappa * f.sqrt(dv) * z
    ),
    scale_text="|out| (1 + |dm| + (1 + kappa^2) / 2 dv (1 + |h|) + kappa sqrt(dv) |z|)",
    scale=_log_size,
    twins=(
        *_twins(_log_step),
        Twin("ambient_drift", Flag.ITO, "kappa^2 dv / 2 more, the drift of X, in the exponent",
             lambda f, x, h, z, dm, dv, kappa:
             _log_step(f, x, h, z, dm - kappa * kappa * dv / 2, dv, kappa)),
    ),
    cases=(*ORDINARY, *_LEVELS, *extremes(700.0),
           *cases(Flag.T_INDEX, NAMES, [(1.4, -0.3, 0.6, 0.7, 0.2, 0.5)]),
           *scaled(ORDINARY[:2], "x", (500, -500))),
)  # fmt: skip

AMBIENT_STEP = VectorFunction(
    name="ambient_marginal_preserving_step",
    claim="R11",
    text="x * (1 - dm + (1 + kappa^2) / 2 dv (1 + h) + kappa^2 dv / 2 + kappa sqrt(dv) z)",
    meanings={**AMBIENT, **LEVEL},
    formula=_ambient,
    second=lambda f, x, h, z, dm, dv, kappa: x
    + x * (dv * (1 + h) - dm + (kappa**2 - 1) / 2 * dv * (2 + h) + dv / 2)
    + x * (dv / 2 * (1 - 1) + kappa * f.sqrt(dv) * z),
    scale_text="|x| (1 + |dm| + (1 + kappa^2) / 2 dv (1 + |h|) + kappa^2 dv / 2 "
    "+ kappa sqrt(dv) |z|)",
    scale=_ambient_size,
    twins=(
        *_twins(_ambient),
        Twin("ito_term", Flag.ITO, "kappa^2 dv / 2 is missing",
             lambda f, x, h, z, dm, dv, kappa:
             _ambient(f, x, h, z, dm + kappa * kappa * dv / 2, dv, kappa)),
        Twin("ito_term_of_full_noise", Flag.ITO, "dv / 2 in place of kappa^2 dv / 2",
             lambda f, x, h, z, dm, dv, kappa:
             _ambient(f, x, h, z, dm - (1 - kappa * kappa) * dv / 2, dv, kappa)),
        Twin("sign_lost", Flag.SIGN, "|x| in place of x",
             lambda f, x, *rest: _ambient(f, abs(x), *rest)),
    ),
    cases=(*ORDINARY, *_LEVELS, *(case for case in SIGNED if case.args["x"] < 0),
           *extremes(700.0),
           *cases(Flag.T_INDEX, NAMES, [(1.4, -0.3, 0.6, 0.7, 0.2, 0.5)]),
           *scaled(ORDINARY[:2], "x", (500, -500))),
)  # fmt: skip

CORRECTOR_ARGUMENTS = {
    "x": POSITIVE["x"], "h": "Hyvarinen score at x", "z": POSITIVE["z"],
    "dv": "strength of the step, > 0", "kappa": POSITIVE["kappa"],
}  # fmt: skip


def _correct(f: Arithmetic, x: Number, h: Number, z: Number, dv: Number, kappa: Number) -> Number:
    return x * f.exp(dv / 2 * (1 + h) + kappa * f.sqrt(dv) * z)


_BOX = {
    "x": across(0.02, 50), "h": between(-5, 3), "z": between(-3, 3), "dv": across(1e-3, 0.8),
    "kappa": between(0.3, 1.5),
}  # fmt: skip

CORRECTOR = VectorFunction(
    name="corrector_step",
    claim="R11-corrector",
    text="x * exp(dv / 2 (1 + h) + kappa sqrt(dv) z)",
    meanings=CORRECTOR_ARGUMENTS,
    formula=_correct,
    second=lambda f, x, h, z, dv, kappa: f.exp(f.log(x) + dv / 2 + h * dv / 2)
    * f.power(f.exp(f.sqrt(dv)), kappa * z),
    scale_text="|out| (1 + dv / 2 (1 + |h|) + kappa sqrt(dv) |z|)",
    scale=lambda f, x, h, z, dv, kappa: _correct(f, x, h, z, dv, kappa)
    * (1 + dv / 2 * (1 + abs(h)) + kappa * f.sqrt(dv) * abs(z)),
    twins=(
        Twin("reverse_weight", Flag.ITO, "dv (1 + h), the weight of the reverse equation",
             lambda f, x, h, z, dv, kappa: _correct(f, x, 2 * h + 1, z, dv, kappa)),
        Twin("noise_of_eq_22", Flag.S_VS_S2, "sqrt(2 dv) z, the noise of rate 1",
             lambda f, x, h, z, dv, kappa: _correct(f, x, h, z * f.sqrt(2 + 0 * dv), dv, kappa)),
        Twin("hyvarinen_for_log_score", Flag.H_VS_LOGSCORE, "h in place of 1 + h",
             lambda f, x, h, z, dv, kappa: _correct(f, x, h - 1, z, dv, kappa)),
        Twin("score_times_x", Flag.H_VS_STEIN, "x h: h taken for a Stein score",
             lambda f, x, h, z, dv, kappa: _correct(f, x, x * h, z, dv, kappa)),
        Twin("clipped_noise", Flag.TAIL, "z kept within 5",
             lambda f, x, h, z, dv, kappa: _correct(f, x, h, max(-5, min(5, z)), dv, kappa)),
    ),
    cases=(
        *ordinary(_BOX, KINDS),
        *cases(Flag.SMALL_V, "x h z dv kappa", [
            (1.3, -0.4, 0.7, 1e-12, 1.0), (0.6, 2.0, -1.9, 1e-12, 1.0),
            (9.0, 3e5, 0.2, 1e-10, 1.0),
        ]),
        *cases(Flag.TAIL, "x h z dv kappa", [
            (1.7, -0.8, 8.0, 0.3, 1.0), (0.8, 1.5, -8.0, 0.02, 1.0), (1.1, -30.0, 9.5, 0.64, 1.0),
            (e(600), -1300.0, 8.0, 0.9, 1.0),
        ]),
        *cases(Flag.OVERFLOW, "x h z dv kappa", [(e(700), -0.7, 0.3, 0.4, 1.0)]),
        *cases(Flag.UNDERFLOW, "x h z dv kappa", [(e(-700), -0.7, 0.3, 0.4, 1.0)]),
        *scaled(ordinary(_BOX)[:2], "x", (500, -500)),
    ),
)  # fmt: skip

FUNCTIONS = (LOG, AMBIENT_STEP, CORRECTOR)
