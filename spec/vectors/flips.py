"""The logarithm of the chance that a step of eq. (12) changes a sign (sheet R13)."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, ordinary
from spec.vectors.records import Flag, Formula, Twin, VectorFunction

STEP = {
    "dm": "m(t) - m(t - dt), any number",
    "dv": "v(t) - v(t - dt) > 0",
    "kappa": "factor on the noise",
}


def _tail(f: Arithmetic, z: Number) -> Number:
    """log Phi(-z)."""
    return f.log(f.ncdf(-z))


def _by_incomplete_gamma(z: Number) -> Number:
    half = mpmath.gammainc(mpmath.mpf(1) / 2, z * z / 2, mpmath.inf, regularized=True) / 2
    return mpmath.log(half if z > 0 else 1 - half)


def _size(f: Arithmetic, z: Number, terms: Number) -> Number:
    """|log P| + terms times the derivative phi(z) / Phi(-z)."""
    density = f.exp(-z * z / 2) / f.sqrt(2 * f.pi())
    return abs(_tail(f, z)) + density / f.ncdf(-z) * terms


def _z(f: Arithmetic, h: Number, dm: Number, dv: Number, kappa: Number) -> Number:
    return (1 - dm + 3 * dv / 2 + dv * h) / (kappa * f.sqrt(dv))


def _flip(f: Arithmetic, h: Number, dm: Number, dv: Number, kappa: Number) -> Number:
    return _tail(f, _z(f, h, dm, dv, kappa))


def _flip_size(f: Arithmetic, h: Number, dm: Number, dv: Number, kappa: Number) -> Number:
    terms = (1 + abs(dm) + 3 * dv / 2 + dv * abs(h)) / (kappa * f.sqrt(dv))
    return _size(f, _z(f, h, dm, dv, kappa), terms)


def _twins(formula: Formula, z: Formula) -> tuple[Twin, ...]:
    """The mistakes that both share."""
    return (
        Twin("probability", Flag.BASIC, "P in place of log P",
             lambda f, *args: f.exp(formula(f, *args))),
        Twin("other_tail", Flag.SIGN, "log Phi(z): the sign is kept",
             lambda f, *args: _tail(f, -z(f, *args))),
        Twin("logarithm_of_probability", Flag.UNDERFLOW, "Phi(-z) first, then its log, in float64",
             formula, naive=True),
    )  # fmt: skip


FLIP = VectorFunction(
    name="log_flip_probability",
    claim="R13",
    text="log Phi(-z), z = (1 - dm + 3/2 dv + dv h) / (kappa sqrt(dv))",
    meanings={"h": "Hyvarinen score at |x|", **STEP},
    formula=_flip,
    second=lambda f, *args: _by_incomplete_gamma(_z(f, *args)),
    scale_text="|out| + phi(z) / Phi(-z) (1 + |dm| + 3/2 dv + dv |h|) / (kappa sqrt(dv))",
    scale=_flip_size,
    guard=20,
    twins=(
        *_twins(_flip, _z),
        Twin("log_score", Flag.H_VS_LOGSCORE, "1 + h in place of h",
             lambda f, h, *rest: _flip(f, h + 1, *rest)),
        Twin("drift_of_the_logarithm", Flag.ITO, "dv (1 + h): dv / 2 is missing",
             lambda f, h, dm, dv, kappa: _flip(f, h, dm + dv / 2, dv, kappa)),
        Twin("variance_for_deviation", Flag.S_VS_S2, "dv in place of sqrt(dv) below",
             lambda f, h, dm, dv, kappa: _flip(f, h, dm, dv, kappa * f.sqrt(dv))),
    ),
    cases=(
        *ordinary({"h": between(-5, 4), "dm": between(-0.3, 0.3), "dv": across(0.01, 1.5),
                   "kappa": across(0.3, 1)},
                  (Flag.H_VS_LOGSCORE, Flag.ITO, Flag.S_VS_S2), basic=10, each=2),
        *cases(Flag.UNDERFLOW, "h dm dv kappa", [
            (-1.0, 0.0, 6.4e-4, 1.0), (3.0, 1e-4, 2e-4, 1.0), (-0.4, 0.0, 1e-6, 0.5),
            (7.0, 0.0, 1e-8, 1.0), (-2.0, 0.1, 0.3, 1e-3), (1e4, 0.0, 0.3, 0.7),
        ]),
        *cases(Flag.SIGN, "h dm dv kappa", [
            (-9.0, 0.1, 0.5, 1.0), (-12.0, 0.0, 0.4, 0.6), (-2.5, 3.0, 0.2, 1.0),
        ]),
    ),
)  # fmt: skip


def _mean_z(
    f: Arithmetic, v0: Number, v_s: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    spread = f.sqrt(kappa * kappa * dv + dv * dv / (v0 + v_s + dv))
    return (1 - dm + dv / 2) / spread


def _average(f: Arithmetic, *args: Number) -> Number:
    return _tail(f, _mean_z(f, *args))


def _average_size(
    f: Arithmetic, v0: Number, v_s: Number, dm: Number, dv: Number, kappa: Number
) -> Number:
    spread = f.sqrt(kappa * kappa * dv + dv * dv / (v0 + v_s + dv))
    return _size(f, _mean_z(f, v0, v_s, dm, dv, kappa), (1 + abs(dm) + dv / 2) / spread)


AVERAGE = VectorFunction(
    name="log_average_flip_probability",
    claim="R13",
    text="log Phi(-z), z = (1 - dm + dv / 2) / sqrt(kappa^2 dv + dv^2 / (v0 + v_s + dv))",
    meanings={"v0": "variance of log X_0, > 0", "v_s": "v(t - dt) > 0", **STEP},
    formula=_average,
    second=lambda f, *args: _by_incomplete_gamma(_mean_z(f, *args)),
    scale_text="|out| + phi(z) / Phi(-z) (1 + |dm| + dv / 2) / sqrt(kappa^2 dv + dv^2 / V), "
    "V = v0 + v_s + dv",
    scale=_average_size,
    guard=20,
    twins=(
        *_twins(_average, _mean_z),
        Twin("at_the_median", Flag.BASIC, "the chance at the mean of log X_t: dv^2 / V left out",
             lambda f, v0, v_s, dm, dv, kappa:
             _tail(f, (1 - dm + dv / 2) / f.sqrt(kappa * kappa * dv))),
        Twin("variance_of_the_data", Flag.T_INDEX, "v0 in place of V",
             lambda f, v0, v_s, dm, dv, kappa: _average(f, v0, -dv, dm, dv, kappa)),
        Twin("deviations_added", Flag.S_VS_S2, "kappa sqrt(dv) + dv / sqrt(V)",
             lambda f, v0, v_s, dm, dv, kappa: _tail(
                 f, (1 - dm + dv / 2) / (kappa * f.sqrt(dv) + dv / f.sqrt(v0 + v_s + dv)))),
        Twin("sign_of_ito_term", Flag.ITO, "- dv / 2",
             lambda f, v0, v_s, dm, dv, kappa: _tail(
                 f, _mean_z(f, v0, v_s, dm, dv, kappa) * (1 - dm - dv / 2) / (1 - dm + dv / 2))),
    ),
    cases=(
        *ordinary({"v0": across(0.02, 3), "v_s": across(0.01, 2), "dm": between(-0.3, 0.3),
                   "dv": across(0.01, 1.5), "kappa": across(0.3, 1)},
                  (Flag.T_INDEX, Flag.S_VS_S2, Flag.ITO), basic=10, each=2),
        *cases(Flag.UNDERFLOW, "v0 v_s dm dv kappa", [
            (0.05, 1e-12, 0.0, 6.4e-4, 1.0), (0.05, 0.64, 1e-4, 2e-4, 1.0),
            (1.0, 0.3, 0.0, 1e-8, 0.5), (1e6, 0.2, 0.1, 0.3, 1e-3), (0.3, 0.7, 0.0, 1e-3, 0.0),
            (0.1, 0.2, -0.3, 3e-4, 0.9), (2.0, 0.5, 0.0, 0.01, 0.05),
        ]),
        *cases(Flag.SIGN, "v0 v_s dm dv kappa", [
            (0.4, 0.2, 2.5, 0.3, 1.0), (0.1, 0.6, 9.0, 0.5, 1.0), (2.0, 0.1, 1.25, 0.4, 0.2),
        ]),
    ),
)  # fmt: skip

FUNCTIONS = (FLIP, AVERAGE)
