"""Whole paths of eight steps with tabulated noise, on log-normal data.

log X_0 is N(a, v0); the process has constant coefficients, m(t) = m t and v(t) = v t on [0, 1].
Step number i = 1, 2, ... goes from t = (9 - i) / 8 to (8 - i) / 8, with the exact score at its
start,

    h = -1 - (log|x| - a - m t) / (v0 + v t)

and the value is the state after as many steps as there are entries of z, at most eight.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import e
from spec.vectors.records import Case, Flag, Formula, Twin, VectorFunction

STEPS = 8
MEANINGS = {
    "x_T": "state at t = 1, > 0",
    "a": "mean of log X_0",
    "v0": "variance of log X_0, > 0",
    "m": "m(1), any number",
    "v": "v(1) > 0",
    "z": "list of n <= 8 standard normal draws, in the order of use",
}
HOW = (
    "for i = 1 .. len(z): t = (9 - i) / 8, h = -1 - (log|x| - a - m t) / (v0 + v t), "
    "dm = m / 8, dv = v / 8, x <- "
)


@dataclass(frozen=True)
class Level:
    """What one step is given: the score at x, dm, dv, the draw, and which step it is."""

    h: Number
    dm: Number
    dv: Number
    z: Number
    number: int


# (arithmetic, state, level) -> next state
StepMap = Callable[[Arithmetic, Number, Level], Number]
# (state, level) -> the level that a mistake uses instead
Change = Callable[[Arithmetic, Number, Level], Level]


def dale(f: Arithmetic, x: Number, at: Level) -> Number:
    """Eq. (13)."""
    return x * f.exp(-at.dm + at.dv * (1 + at.h) + f.sqrt(at.dv) * at.z)


def agnostic(f: Arithmetic, x: Number, at: Level) -> Number:
    """Eq. (12)."""
    return x * (1 - at.dm + 3 * at.dv / 2 + at.dv * at.h + f.sqrt(at.dv) * at.z)


def path(step: StepMap, late: int = 0) -> Formula:
    """The state after len(z) steps; `late` levels too late is a mistake."""

    def formula(
        f: Arithmetic, x_T: Number, a: Number, v0: Number, m: Number, v: Number, z: tuple
    ) -> Number:
        x = x_T
        for i, draw in enumerate(z, start=1):
            k = STEPS + 1 - i - late
            h = -1 - (f.log(abs(x)) - a - m * k / STEPS) / (v0 + v * k / STEPS)
            x = step(f, x, Level(h, m / STEPS, v / STEPS, draw, i))
        return x

    return formula


def _closed_form(
    f: Arithmetic, x_T: Number, a: Number, v0: Number, m: Number, v: Number, z: tuple
) -> Number:
    """Eq. (13): deviations from the mean shrink by V_s / V_t in a step, exactly (sheet R8)."""
    n = len(z)
    sizes = [v0 + v * (STEPS - i) / STEPS for i in range(n + 1)]
    deviation = (mpmath.log(x_T) - a - m) * sizes[n] / sizes[0]
    for i, draw in enumerate(z, start=1):
        deviation += mpmath.sqrt(v / STEPS) * draw * sizes[n] / sizes[i]
    return mpmath.exp(a + m * (STEPS - n) / STEPS + deviation)


def _in_logarithms(
    f: Arithmetic, x_T: Number, a: Number, v0: Number, m: Number, v: Number, z: tuple
) -> Number:
    """Eq. (12) with sign and log|x| kept apart, and the rates mu and sigma^2."""
    sign, y, dv = mpmath.mpf(1), mpmath.log(x_T), v / STEPS
    for i, draw in enumerate(z):
        t = mpmath.mpf(STEPS - i) / STEPS
        mu_dt, size = m / STEPS + dv / 2, v0 + v * t
        h = (a + m * t - y - size) / size
        factor = mpmath.sqrt(dv) * draw + (1 - (mu_dt - 2 * dv - dv * h))
        sign, y = sign * mpmath.sign(factor), y + mpmath.log(abs(factor))
    return sign * mpmath.exp(y)


def _scale(step: StepMap) -> Formula:
    """|out| E: each step adds its own terms and multiplies E by the derivative in log x."""
    ambient = step is agnostic

    def formula(
        f: Arithmetic, x_T: Number, a: Number, v0: Number, m: Number, v: Number, z: tuple
    ) -> Number:
        x, error, dm, dv = x_T, 0, m / STEPS, v / STEPS
        for i, draw in enumerate(z):
            k = STEPS - i
            size, y = v0 + v * k / STEPS, f.log(abs(x))
            h = -1 - (y - a - m * k / STEPS) / size
            level = Level(h, dm, dv, draw, i + 1)
            score = 1 + (abs(y) + abs(a) + abs(m)) / size
            terms = 1 + abs(dm) + 3 * dv / 2 + dv * score + f.sqrt(dv) * abs(draw)
            factor = abs(agnostic(f, 1, level)) if ambient else 1
            slope = abs(1 - dv / size / (agnostic(f, 1, level) if ambient else 1))
            error = slope * error + 1 + terms / factor
            x = step(f, x, level)
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


_COMMON = (
    *_prefixes(Flag.BASIC, (1.7, 0.31, 0.23, -0.2, 0.7), NOISE),
    *_prefixes(Flag.T_INDEX, (0.6, -0.4, 0.05, 0.15, 0.64), OTHER),
    *_prefixes(Flag.ITO, (3.1, 0.9, 1.4, 0.0, 0.9), OTHER),
    *_prefixes(Flag.TAIL, (1.2, 0.1, 0.4, 0.1, 0.5), LARGE),
    *_prefixes(Flag.CANCELLATION, (e(620), 600.0, 5.0, 19.0, 2.0), NOISE),
)


def _changed(step: StepMap, change: Change) -> Formula:
    return path(lambda f, x, at: step(f, x, change(f, x, at)))


def _twins(step: StepMap) -> tuple[Twin, ...]:
    """Mistakes that both samplers share."""
    return (
        Twin("score_one_level_late", Flag.T_INDEX, "the score of the level below",
             path(step, late=1)),
        Twin("no_noise_in_the_last_step", Flag.T_INDEX, "z left out in step 8",
             _changed(step, lambda f, x, at: replace(at, z=0 if at.number == STEPS else at.z))),
        Twin("divergence_once", Flag.ITO, "sigma^2 in place of 2 sigma^2: dv less in each step",
             _changed(step, lambda f, x, at: replace(at, h=at.h - 1))),
        Twin("log_score", Flag.H_VS_LOGSCORE, "1 + h in place of h",
             _changed(step, lambda f, x, at: replace(at, h=at.h + 1))),
        Twin("score_times_x", Flag.H_VS_STEIN, "x h: h taken for a Stein score",
             _changed(step, lambda f, x, at: replace(at, h=at.h * abs(x)))),
        Twin("variance_for_deviation", Flag.S_VS_S2, "dv z in place of sqrt(dv) z",
             _changed(step, lambda f, x, at: replace(at, z=at.z * f.sqrt(at.dv)))),
        Twin("clipped_noise", Flag.TAIL, "z kept within 5",
             _changed(step, lambda f, x, at: replace(at, z=max(-5, min(5, at.z))))),
        Twin("forward_drift", Flag.SIGN, "+ dm in place of - dm",
             _changed(step, lambda f, x, at: replace(at, dm=-at.dm))),
    )  # fmt: skip


DALE = VectorFunction(
    name="dale_langevin_path",
    claim="R8",
    text=HOW + "x exp(-dm + dv (1 + h) + sqrt(dv) z_i)",
    meanings=MEANINGS,
    formula=path(dale),
    second=_closed_form,
    scale_text="|out| E; E = 0, then in each step E <- |1 - dv / V| E + 2 + |dm| + 3 dv / 2 + "
    "dv (1 + (|log x| + |a| + |m|) / V) + sqrt(dv) |z_i|, V = v0 + v t",
    scale=_scale(dale),
    twins=(
        *_twins(dale),
        Twin("ambient_drift", Flag.ITO, "3 dv / 2 + dv h, the drift of X, in the exponent",
             _changed(dale, lambda f, x, at: replace(at, dm=at.dm - at.dv / 2))),
    ),
    cases=(
        *_COMMON,
        *_prefixes(Flag.SMALL_V, (1.3, 0.26, 1e-3, 1e-13, 1e-12), OTHER)[3:],
    ),
)  # fmt: skip

AGNOSTIC = VectorFunction(
    name="sign_agnostic_path",
    claim="R13",
    text=HOW + "x (1 - dm + 3 dv / 2 + dv h + sqrt(dv) z_i)",
    meanings=MEANINGS,
    formula=path(agnostic),
    second=_in_logarithms,
    scale_text="|out| E; E = 0, then in each step E <- |1 - dv / (V b)| E + 1 + (1 + |dm| + "
    "3 dv / 2 + dv (1 + (|log|x|| + |a| + |m|) / V) + sqrt(dv) |z_i|) / |b|, V = v0 + v t, "
    "b the factor of the step",
    scale=_scale(agnostic),
    twins=(
        *_twins(agnostic),
        Twin("drift_of_the_logarithm", Flag.ITO, "dv (1 + h): dv / 2 is missing",
             _changed(agnostic, lambda f, x, at: replace(at, dm=at.dm + at.dv / 2))),
        Twin("exponential_step", Flag.BASIC, "eq. (13) in place of eq. (12)", path(dale)),
        Twin("sign_lost", Flag.SIGN, "|x| in place of x in each step",
             path(lambda f, x, at: agnostic(f, abs(x), at))),
    ),
    cases=(
        *_COMMON,
        *_prefixes(Flag.SIGN, (1.4, 0.2, 0.8, 0.3, 4.0), FLIPPING),
    ),
)  # fmt: skip

FUNCTIONS = (DALE, AGNOSTIC)
