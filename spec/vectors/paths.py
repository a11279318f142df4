"""Whole paths of eight steps with tabulated noise, on log-normal data.

log X_0 is N(a, v0), and m(t) = m t, v(t) = v t on [0, 1]. Step number i goes from t = (9 - i) / 8
to (8 - i) / 8 with the exact score at its start; the value is the state after len(z) steps."""

from dataclasses import replace

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import FLOAT64, Arithmetic, Formula, Number
from spec.vectors.expressions import Expression
from spec.vectors.records import Case, Flag, Twin, VectorFunction
from spec.vectors.tables import twins

STEPS = 8
MEANINGS = {
    "x_T": "state at t = 1, > 0", "a": "mean of log X_0", "v0": "variance of log X_0, > 0",
    "m": "m(1), any number", "v": "v(1) > 0",
    "z": "list of n <= 8 standard normal draws, in the order of use"}  # fmt: skip
HOW = ("for i = 1 .. len(z): t = (9 - i) / 8, h = -1 - (log|x| - a - m t) / (v0 + v t), "
    "dm = m / 8, dv = v / 8, x <- ")  # fmt: skip
# One step: i is its number, z_i its draw.
_STEP = Expression(("x", "h", "dm", "dv", "z_i", "i"), {}, {})
_DALE = _STEP.of("x exp(-dm + dv (1 + h) + sqrt(dv) z_i)", "out")
_AGNOSTIC = _STEP.of("x (1 - dm + 3 dv / 2 + dv h + sqrt(dv) z_i)", "out")


def path(step: Formula, late: int = 0) -> Formula:
    """The state after len(z) steps; `late` levels too late is a mistake."""

    def formula(f: Arithmetic, x: Number, *rates: Number) -> Number:
        a, v0, m, v, z = rates
        for i, draw in enumerate(z, start=1):
            k = STEPS + 1 - i - late
            h = -1 - (f.log(abs(x)) - a - m * k / STEPS) / (v0 + v * k / STEPS)
            x = step(f, x, h, m / STEPS, v / STEPS, draw, i)
        return x

    return formula


def _closed_form(f: Arithmetic, x_T: mpf, a: mpf, v0: mpf, m: mpf, v: mpf, z: tuple) -> mpf:
    """Eq. (13): deviations from the mean shrink by V_s / V_t in a step, exactly."""
    n = len(z)
    sizes = [v0 + v * (STEPS - i) / STEPS for i in range(n + 1)]
    deviation = (mpmath.log(x_T) - a - m) * sizes[n] / sizes[0]
    for i, draw in enumerate(z, start=1):
        deviation += mpmath.sqrt(v / STEPS) * draw * sizes[n] / sizes[i]
    return mpmath.exp(a + m * (STEPS - n) / STEPS + deviation)


def _in_logarithms(f: Arithmetic, x_T: mpf, a: mpf, v0: mpf, m: mpf, v: mpf, z: tuple) -> mpf:
    """Eq. (12) with sign and log|x| kept apart, and the rates mu and sigma^2."""
    sign, y, dv = mpf(1), mpmath.log(x_T), v / STEPS
    for i, draw in enumerate(z):
        t = mpf(STEPS - i) / STEPS
        mu_dt, size = m / STEPS + dv / 2, v0 + v * t
        h = (a + m * t - y - size) / size
        factor = mpmath.sqrt(dv) * draw + (1 - (mu_dt - 2 * dv - dv * h))
        sign, y = sign * mpmath.sign(factor), y + mpmath.log(abs(factor))
    return sign * mpmath.exp(y)


def _scale(step: Formula) -> Formula:
    """|out| E: each step adds its own terms and multiplies E by the derivative in log x."""

    def formula(f: Arithmetic, x: Number, *rates: Number) -> Number:
        a, v0, m, v, z = rates
        error, dm, dv = 0, m / STEPS, v / STEPS
        for i, draw in enumerate(z, start=1):
            k = STEPS + 1 - i
            size, y = v0 + v * k / STEPS, f.log(abs(x))
            h = -1 - (y - a - m * k / STEPS) / size
            score = 1 + (abs(y) + abs(a) + abs(m)) / size
            terms = 1 + abs(dm) + 3 * dv / 2 + dv * score + f.sqrt(dv) * abs(draw)
            factor = _AGNOSTIC(f, 1, h, dm, dv, draw, i) if step is _AGNOSTIC else 1
            error = abs(1 - dv / size / factor) * error + 1 + terms / abs(factor)
            x = step(f, x, h, dm, dv, draw, i)
        return abs(x) * error

    return formula


NOISE = (0.7, -1.3, 0.2, 1.9, -0.4, -0.9, 1.1, 0.6)
OTHER = (-0.35, 0.85, -1.6, 0.1, 2.2, -0.7, -0.25, 1.45)
LARGE = (8.0, -8.5, 0.3, 5.75, -1.2, -6.5, 0.8, 5.5)
FLIPPING = (-2.9, -0.4, -3.1, 0.9, -2.6, 0.3, -2.2, 1.2)


def _prefixes(flag: Flag, start: tuple[float, ...], z: tuple[float, ...]) -> tuple[Case, ...]:
    """The path after 1, 2, ..., 8 steps."""
    fixed = dict(zip(list(MEANINGS)[:-1], start, strict=True))
    return tuple(Case(flag, {**fixed, "z": z[: n + 1]}) for n in range(STEPS))


_COMMON = (*_prefixes(Flag.BASIC, (1.7, 0.31, 0.23, -0.2, 0.7), NOISE), *_prefixes(Flag.T_INDEX,
    (0.6, -0.4, 0.05, 0.15, 0.64), OTHER), *_prefixes(Flag.ITO, (3.1, 0.9, 1.4, 0.0, 0.9), OTHER),
    *_prefixes(Flag.TAIL, (1.2, 0.1, 0.4, 0.1, 0.5), LARGE), *_prefixes(Flag.CANCELLATION,
    (FLOAT64.exp(620.0), 600.0, 5.0, 19.0, 2.0), NOISE),)  # fmt: skip
_MISTAKES = """
    no_noise_in_the_last_step  T_INDEX  z left out in step 8  z_i -> z_i min(1, 8 - i)
    divergence_once  ITO  sigma^2 in place of 2 sigma^2: dv less in each step  h -> h - 1
    common  log_score(h), score_times_x
    variance_for_deviation  S_VS_S2  dv z in place of sqrt(dv) z  z_i -> z_i sqrt(dv)
    clipped_noise  TAIL  z kept within 5  z_i -> max(-5, min(5, z_i))
    forward_drift  SIGN  + dm in place of - dm  dm -> -dm
"""


def _twins(step: Expression, own: str) -> tuple[Twin, ...]:
    """Mistakes in each step, and the score of another level."""
    late = ("score_one_level_late", Flag.T_INDEX, "the score of the level below")
    changed = twins(_MISTAKES + own, step)
    return (
        Twin(*late, path(step, late=1)),
        *(replace(twin, formula=path(twin.formula)) for twin in changed),
    )


DALE = VectorFunction(
    name="dale_langevin_path", claim="R8", text=HOW + "x exp(-dm + dv (1 + h) + sqrt(dv) z_i)",
    meanings=MEANINGS, formula=path(_DALE), second=_closed_form,
    scale_text="|out| E; E = 0, then in each step E <- |1 - dv / V| E + 2 + |dm| + 3 dv / 2 + dv "
    "(1 + (|log x| + |a| + |m|) / V) + sqrt(dv) |z_i|, V = v0 + v t", scale=_scale(_DALE),
    twins=_twins(_DALE, """
        ambient_drift  ITO  3 dv / 2 + dv h, the drift of X, in the exponent  dm -> dm - dv / 2
    """), cases=(*_COMMON, *_prefixes(Flag.SMALL_V, (1.3, 0.26, 1e-3, 1e-13, 1e-12), OTHER)[3:]),
)  # fmt: skip
AGNOSTIC = VectorFunction(
    name="sign_agnostic_path", claim="R13", meanings=MEANINGS, formula=path(_AGNOSTIC),
    text=HOW + "x (1 - dm + 3 dv / 2 + dv h + sqrt(dv) z_i)", second=_in_logarithms,
    scale_text="|out| E; E = 0, then in each step E <- |1 - dv / (V b)| E + 1 + (1 + |dm| + "
    "3 dv / 2 + dv (1 + (|log|x|| + |a| + |m|) / V) + sqrt(dv) |z_i|) / |b|, V = v0 + v t, "
    "b the factor of the step", scale=_scale(_AGNOSTIC), twins=_twins(_AGNOSTIC, """
        drift_of_the_logarithm  ITO  dv (1 + h): dv / 2 is missing  dm -> dm + dv / 2
        exponential_step  BASIC  eq. (13) in place of eq. (12)
            x exp(-dm + dv (1 + h) + sqrt(dv) z_i)
        sign_lost  SIGN  |x| in place of x in each step  x -> |x|
    """), cases=(*_COMMON, *_prefixes(Flag.SIGN, (1.4, 0.2, 0.8, 0.3, 4.0), FLIPPING)),
)  # fmt: skip
FUNCTIONS = (DALE, AGNOSTIC)
