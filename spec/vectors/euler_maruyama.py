"""One reverse step of eqs. (12) and (13) of version 2, and of the Milstein scheme in X.

dm = m(t) - m(s) and dv = v(t) - v(s) for a step from t to s < t; for constant coefficients
dm = (mu - sigma^2 / 2) dt and dv = sigma^2 dt.
"""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import Range, across, between, cases, e, ordinary, scaled
from spec.vectors.records import Case, Flag, Twin, VectorFunction

STEP = {
    "h": "Hyvarinen score at |x|",
    "z": "a standard normal draw",
    "dm": "m(t) - m(s), any number",
    "dv": "v(t) - v(s) > 0",
    "kappa": "factor on the noise, >= 0",
}
AMBIENT = {"x": "state at time t, any sign, not 0", **STEP}
POSITIVE = {"x": "state at time t, > 0", **STEP}
NAMES = "x h z dm dv kappa"


def _noise(f: Arithmetic, z: Number, dv: Number, kappa: Number) -> Number:
    return kappa * f.sqrt(dv) * z


def _agnostic(
    f: Arithmetic, x: Number, h: Number, z: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    return x * (1 - dm + 3 * dv / 2 + dv * h + _noise(f, z, dv, kappa))


def _from_rates(
    f: Arithmetic, x: Number, h: Number, z: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    """x - x (mu dt - 2 sigma^2 dt - sigma^2 dt h) + kappa sigma x dW, mu dt = dm + dv / 2."""
    return x + x * kappa * z * f.sqrt(dv) - x * (dm + dv / 2 - 2 * dv - dv * h)


def _agnostic_size(
    f: Arithmetic, x: Number, h: Number, z: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    terms = 1 + abs(dm) + 3 * dv / 2 + dv * abs(h) + abs(_noise(f, z, dv, kappa))
    return abs(x) * terms


def _dale_exponent(
    f: Arithmetic, x: Number, h: Number, z: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    return -dm + dv * (1 + h) + _noise(f, z, dv, kappa)


def _dale(f: Arithmetic, x: Number, *rest: Number) -> Number:
    return x * f.exp(_dale_exponent(f, x, *rest))


def _dale_size(
    f: Arithmetic, x: Number, h: Number, z: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    terms = 1 + abs(dm) + dv * (1 + abs(h)) + abs(_noise(f, z, dv, kappa))
    return abs(_dale(f, x, h, z, dm, dv, kappa)) * terms


def _milstein(
    f: Arithmetic, x: Number, h: Number, z: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    return _agnostic(f, x, h, z, dm, dv, kappa) + x * kappa**2 * dv * (z * z - 1) / 2


def box(states: Range) -> dict[str, Range]:
    """Ordinary arguments of a step, with the states given."""
    return {
        "x": states, "h": between(-5, 3), "z": between(-3, 3), "dm": between(-0.2, 0.2),
        "dv": across(1e-3, 0.8), "kappa": between(0.3, 1.5),
    }  # fmt: skip


KINDS = (Flag.ITO, Flag.H_VS_STEIN, Flag.H_VS_LOGSCORE, Flag.S_VS_S2)
ORDINARY = ordinary(box(across(0.02, 50)), KINDS)
SIGNED = cases(Flag.SIGN, NAMES, [
    (-1.7, -0.6, 0.4, 0.1, 0.3, 1.0), (-0.03, 1.2, -0.9, -0.05, 0.02, 0.7),
    (1.3, -2.0, -2.5, 0.1, 0.9, 1.0), (-2.4, -4.0, -1.5, 0.2, 0.5, 1.2),
    (-3.3, -1.5, -3.0, 0.0, 0.64, 1.0),
])  # fmt: skip
FLIPS = cases(Flag.SIGN, NAMES, [
    (1.3, -2.0, -2.5, 0.1, 0.9, 1.0), (-2.4, -4.0, -1.5, 0.2, 0.5, 1.2),
])  # fmt: skip


def extremes(largest: float) -> tuple[Case, ...]:
    """Extreme arguments; `largest` is the largest |log x| for which no value overflows."""
    return (
        *cases(Flag.SMALL_V, NAMES, [
            (1.3, -0.4, 0.7, 1e-13, 1e-12, 1.0), (0.6, 2.0, -1.9, -3e-13, 1e-12, 1.0),
            (22.0, 3e5, 0.2, 0.0, 1e-10, 1.0),
        ]),
        *cases(Flag.TAIL, NAMES, [
            (1.7, -0.8, 8.0, 0.05, 0.3, 1.0), (0.8, 1.5, -8.0, -0.1, 0.02, 1.0),
            (1.1, -30.0, 9.5, 0.0, 0.64, 1.0),
        ]),
        *cases(Flag.UNDERFLOW, NAMES, [
            (e(-largest), -0.7, 0.3, 0.2, 0.4, 1.0), (e(-largest), 0.4, -1.3, -0.1, 0.1, 0.5),
        ]),
        *cases(Flag.OVERFLOW, NAMES, [
            (e(largest), -0.7, 0.3, 0.2, 0.4, 1.0), (e(largest), 0.4, -1.3, -0.1, 0.1, 0.5),
        ]),
        *cases(Flag.BASIC, NAMES, [
            (1.9, 0.0, 0.0, 0.25, 0.5, 1.0), (1.9, -3.0, 1.2, 0.25, 0.5, 0.0),
        ]),
    )  # fmt: skip


def _noise_twins(formula: object) -> tuple[Twin, ...]:
    """Mistakes in the noise that all steps share."""
    return (
        Twin("variance_for_deviation", Flag.S_VS_S2, "dv z in place of sqrt(dv) z",
             lambda f, x, h, z, dm, dv, kappa: formula(f, x, h, z * f.sqrt(dv), dm, dv, kappa)),
        Twin("clipped_noise", Flag.TAIL, "z kept within 5",
             lambda f, x, h, z, dm, dv, kappa:
             formula(f, x, h, max(-5, min(5, z)), dm, dv, kappa)),
        Twin("score_times_x", Flag.H_VS_STEIN, "x h: h taken for a Stein score",
             lambda f, x, h, z, dm, dv, kappa: formula(f, x, h * abs(x), z, dm, dv, kappa)),
        Twin("drift_of_the_wrong_sign", Flag.T_INDEX, "+ dm: the forward drift",
             lambda f, x, h, z, dm, dv, kappa: formula(f, x, h, z, -dm, dv, kappa)),
    )  # fmt: skip


_AMBIENT_TWINS = (
    Twin("divergence_once", Flag.ITO, "sigma^2 in place of 2 sigma^2: dv less",
         lambda f, x, h, z, dm, dv, kappa: _agnostic(f, x, h - 1, z, dm, dv, kappa)),
    Twin("additive_template", Flag.ITO, "f - g^2 score, the reverse drift for additive noise",
         lambda f, x, h, z, dm, dv, kappa: _agnostic(f, x, h - 2, z, dm, dv, kappa)),
    Twin("drift_of_the_logarithm", Flag.ITO, "dv (1 + h), the drift of log X: dv/2 is missing",
         lambda f, x, h, z, dm, dv, kappa: x * (1 + _dale_exponent(f, x, h, z, dm, dv, kappa))),
    Twin("log_score", Flag.H_VS_LOGSCORE, "1 + h in place of h",
         lambda f, x, h, z, dm, dv, kappa: _agnostic(f, x, h + 1, z, dm, dv, kappa)),
    Twin("sign_lost", Flag.SIGN, "|x| in place of x",
         lambda f, x, *rest: _agnostic(f, abs(x), *rest)),
    Twin("kept_positive", Flag.SIGN, "a change of sign is clipped to 0",
         lambda f, x, *rest: x * max(0, _agnostic(f, x, *rest) / x)),
)  # fmt: skip

AGNOSTIC = VectorFunction(
    name="sign_agnostic_step",
    claim="A12",
    text="x * (1 - dm + 3 dv / 2 + dv h + kappa sqrt(dv) z)",
    meanings=AMBIENT,
    formula=_agnostic,
    second=_from_rates,
    scale_text="|x| (1 + |dm| + 3 dv / 2 + dv |h| + kappa sqrt(dv) |z|)",
    scale=_agnostic_size,
    twins=(
        *_AMBIENT_TWINS,
        *_noise_twins(_agnostic),
        Twin("exponential_step", Flag.BASIC, "eq. (13) in place of eq. (12)", _dale),
    ),
    cases=(*ORDINARY, *SIGNED, *FLIPS, *extremes(700.0),
           *cases(Flag.NEAR_ROOT, NAMES, [
               (1.7, -3.25, 0.0, 0.125, 0.5, 1.0),
               (-2.3, -1.5, -1.3333333333333333, 0.0, 0.5625, 1.0),
           ]),
           *cases(Flag.T_INDEX, NAMES, [(1.4, -0.3, 0.6, 0.7, 0.2, 1.0)]),
           *scaled(ORDINARY[:3], "x", (500, -500, -2))),
)  # fmt: skip

MILSTEIN = VectorFunction(
    name="ambient_milstein_step",
    claim="R15",
    text="x * (1 - dm + 3 dv / 2 + dv h + kappa sqrt(dv) z + kappa^2 dv (z^2 - 1) / 2)",
    meanings=AMBIENT,
    formula=_milstein,
    second=lambda f, x, h, z, dm, dv, kappa: _from_rates(f, x, h, z, dm, dv, kappa)
    + x * (kappa * f.sqrt(dv) * z - kappa * f.sqrt(dv)) * (kappa * f.sqrt(dv) * (z + 1)) / 2,
    scale_text="|x| (1 + |dm| + 3 dv / 2 + dv |h| + kappa sqrt(dv) |z| "
    "+ kappa^2 dv (z^2 + 1) / 2)",
    scale=lambda f, x, h, z, dm, dv, kappa: _agnostic_size(f, x, h, z, dm, dv, kappa)
    + abs(x) * kappa**2 * dv * (z * z + 1) / 2,
    twins=(
        Twin("ito_term", Flag.ITO, "z^2 in place of z^2 - 1: Stratonovich's rule",
             lambda f, x, h, z, dm, dv, kappa:
             _milstein(f, x, h, z, dm, dv, kappa) + x * kappa**2 * dv / 2),
        Twin("noise_factor_once", Flag.S_VS_S2, "kappa in place of kappa^2 in the added term",
             lambda f, x, h, z, dm, dv, kappa:
             _agnostic(f, x, h, z, dm, dv, kappa) + x * kappa * dv * (z * z - 1) / 2),
        Twin("no_added_term", Flag.BASIC, "Euler-Maruyama", _agnostic),
        Twin("log_score", Flag.H_VS_LOGSCORE, "1 + h in place of h",
             lambda f, x, h, z, dm, dv, kappa: _milstein(f, x, h + 1, z, dm, dv, kappa)),
        Twin("sign_lost", Flag.SIGN, "|x| in place of x",
             lambda f, x, *rest: _milstein(f, abs(x), *rest)),
        *_noise_twins(_milstein)[1:],
    ),
    cases=(*ORDINARY, *(case for case in SIGNED if case.args["x"] < 0), *extremes(700.0),
           *cases(Flag.T_INDEX, NAMES, [(1.4, -0.3, 0.6, 0.7, 0.2, 1.0)]),
           *scaled(ORDINARY[:2], "x", (500, -500))),
)  # fmt: skip

DALE = VectorFunction(
    name="dale_langevin_step",
    claim="A13",
    text="x * exp(-dm + dv (1 + h) + kappa sqrt(dv) z)",
    meanings=POSITIVE,
    formula=_dale,
    second=lambda f, x, h, z, dm, dv, kappa: f.exp(
        f.log(x) - (dm + dv / 2) + 3 * dv / 2 + dv * h + _noise(f, z, dv, kappa)
    ),
    scale_text="|out| (1 + |dm| + dv (1 + |h|) + kappa sqrt(dv) |z|)",
    scale=_dale_size,
    twins=(
        Twin("ito_term", Flag.ITO, "3 dv / 2 + dv h, the drift of X, in the exponent",
             lambda f, x, h, z, dm, dv, kappa: _dale(f, x, h, z, dm - dv / 2, dv, kappa)),
        Twin("divergence_once", Flag.ITO, "sigma^2 in place of 2 sigma^2: dv less (version 1)",
             lambda f, x, h, z, dm, dv, kappa: _dale(f, x, h - 1, z, dm, dv, kappa)),
        Twin("log_score_twice", Flag.H_VS_LOGSCORE, "2 + h in place of 1 + h",
             lambda f, x, h, z, dm, dv, kappa: _dale(f, x, h + 1, z, dm, dv, kappa)),
        Twin("flow_weight", Flag.S_VS_S2, "dv / 2 on the score, the weight without noise",
             lambda f, x, h, z, dm, dv, kappa:
             x * f.exp(-dm + dv * (1 + h) / 2 + _noise(f, z, dv, kappa))),
        Twin("first_order", Flag.BASIC, "1 + exponent in place of the exponential",
             lambda f, x, *rest: x * (1 + _dale_exponent(f, x, *rest))),
        *_noise_twins(_dale),
    ),
    cases=(*ORDINARY, *extremes(700.0),
           *cases(Flag.TAIL, NAMES, [(e(600), -700.0, 8.0, 0.1, 0.9, 1.0)]),
           *cases(Flag.T_INDEX, NAMES, [(1.4, -0.3, 0.6, 0.7, 0.2, 1.0)]),
           *scaled(ORDINARY[:3], "x", (500, -500, -2))),
)  # fmt: skip

FUNCTIONS = (AGNOSTIC, MILSTEIN, DALE)
