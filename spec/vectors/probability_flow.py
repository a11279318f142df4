"""Heun's rule for the noise-free equation, the log score affine in log x (sheet R16)."""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.gaussian_steps import TIMES
from spec.vectors.points import across, between, cases, e, ordinary, scaled
from spec.vectors.records import Flag, Twin, VectorFunction

MEANINGS = {
    "x": "state at time t, > 0",
    **TIMES,
    "a_t": "the log score 1 + h at time t is a_t - b_t log(x)",
    "b_t": "see a_t",
    "a_s": "the log score at time s is a_s - b_s log(x)",
    "b_s": "see a_s",
}
NAMES = "x dm dv v_s a_t b_t a_s b_s"


def _deviations(f: Arithmetic, dv: Number, v_s: Number) -> tuple[Number, Number]:
    return f.sqrt(v_s + dv), f.sqrt(v_s)


def _euler(
    f: Arithmetic, x: Number, dm: Number, dv: Number, v_s: Number,
    a_t: Number, b_t: Number, a_s: Number, b_s: Number,
) -> Number:  # fmt: skip
    """log x after Euler's rule in sqrt(v)."""
    start, end = _deviations(f, dv, v_s)
    return f.log(x) + (end - start) * -start * (a_t - b_t * f.log(x)) - dm


def _heun(
    f: Arithmetic, x: Number, dm: Number, dv: Number, v_s: Number,
    a_t: Number, b_t: Number, a_s: Number, b_s: Number,
) -> Number:  # fmt: skip
    if v_s == 0:
        return f.exp(_euler(f, x, dm, dv, v_s, a_t, b_t, a_s, b_s))
    start, end = _deviations(f, dv, v_s)
    predicted = _euler(f, x, dm, dv, v_s, a_t, b_t, a_s, b_s)
    slopes = -start * (a_t - b_t * f.log(x)) - end * (a_s - b_s * predicted)
    return f.exp(f.log(x) + (end - start) * slopes / 2 - dm)


def _in_u(
    f: Arithmetic, x: Number, dm: Number, dv: Number, v_s: Number,
    a_t: Number, b_t: Number, a_s: Number, b_s: Number,
) -> Number:  # fmt: skip
    """With u = log x - m, m(t) = 0 and m(s) = -dm, and slopes as products of affine maps."""
    start, end = _deviations(f, dv, v_s)
    length = -dv / (start + end)
    p, q = start * b_t, end * b_s
    u = f.log(x)
    gain = 1 + length * p
    if v_s == 0:
        return f.exp(gain * u - length * start * a_t - dm)
    shift = -length * start * a_t - dm
    total = (1 + length * (p + q * gain) / 2) * u
    return f.exp(total + length * (-start * a_t - end * a_s + q * shift) / 2 - dm)


def _size(
    f: Arithmetic, x: Number, dm: Number, dv: Number, v_s: Number,
    a_t: Number, b_t: Number, a_s: Number, b_s: Number,
) -> Number:  # fmt: skip
    """The scores count with their 1: a sampler is given h, one less than the log score."""
    start, end = _deviations(f, dv, v_s)
    length = dv / (start + end)
    first = length * start * (1 + abs(a_t) + abs(b_t * f.log(x)))
    value = _heun(f, x, dm, dv, v_s, a_t, b_t, a_s, b_s)
    if v_s == 0:
        return value * (1 + abs(dm) + first)
    predicted = abs(_euler(f, x, dm, dv, v_s, a_t, b_t, a_s, b_s)) + 1 + abs(dm) + first
    second = length * end * (1 + abs(a_s) + abs(b_s) * predicted)
    return value * (1 + abs(dm) + first + second)


def _with(formula: object, order: str) -> object:
    """The formula with the score's coefficients in another order, such as "a_t b_t a_t b_t"."""
    places = ["a_t b_t a_s b_s".split().index(name) for name in order.split()]
    return lambda f, x, dm, dv, v_s, *score: formula(
        f, x, dm, dv, v_s, *(score[i] for i in places)
    )


_BOX = {
    "x": across(0.05, 20), "dm": between(-0.2, 0.2), "dv": across(1e-2, 0.8),
    "v_s": across(1e-2, 2), "a_t": between(-1.5, 1.5), "b_t": across(0.2, 4),
    "a_s": between(-1.5, 1.5), "b_s": across(0.2, 6),
}  # fmt: skip
_ORDINARY = ordinary(_BOX, (Flag.H_VS_LOGSCORE, Flag.S_VS_S2, Flag.T_INDEX), basic=14)

HEUN = VectorFunction(
    name="probability_flow_step",
    claim="R16-heun",
    text="y = log(x), q = sqrt(v_s + dv), p = sqrt(v_s), w = q - p; "
    "y' = y + w q (a_t - b_t y) - dm; exp(y') when v_s = 0, otherwise "
    "exp(y + w (q (a_t - b_t y) + p (a_s - b_s y')) / 2 - dm)",
    meanings=MEANINGS,
    formula=_heun,
    second=_in_u,
    scale_text="|out| (1 + |dm| + E_t + E_s), E_t = w q (1 + |a_t| + |b_t y|), "
    "E_s = w p (1 + |a_s| + |b_s| (|y'| + 1 + |dm| + E_t)); E_s = 0 when v_s = 0",
    scale=_size,
    twins=(
        Twin("euler", Flag.BASIC, "Euler's rule",
             lambda f, *args: f.exp(_euler(f, *args))),
        Twin("score_of_the_start_twice", Flag.T_INDEX, "the score at t in place of that at s",
             _with(_heun, "a_t b_t a_t b_t")),
        Twin("times_exchanged", Flag.T_INDEX, "the scores at s and t exchanged",
             _with(_heun, "a_s b_s a_t b_t")),
        Twin("variance_for_deviation", Flag.S_VS_S2, "Heun's rule with v in place of sqrt(v)",
             lambda f, x, dm, dv, v_s, *score:
             _heun(f, x, dm, dv * (2 * v_s + dv), v_s * v_s, *score)),
        Twin("hyvarinen_for_log_score", Flag.H_VS_LOGSCORE, "h in place of 1 + h",
             lambda f, x, dm, dv, v_s, a_t, b_t, a_s, b_s:
             _heun(f, x, dm, dv, v_s, a_t - 1, b_t, a_s - 1, b_s)),
        Twin("drift_of_the_wrong_sign", Flag.SIGN, "+ dm: the forward drift",
             lambda f, x, dm, *rest: _heun(f, x, -dm, *rest)),
    ),
    cases=(
        *_ORDINARY,
        *cases(Flag.BASIC, NAMES, [
            (1.7, 0.1, 0.3, 0.0, 0.2, 1.4, 0.0, 0.0), (0.4, -0.2, 2.0, 0.0, -0.5, 0.4, 0.0, 0.0),
        ]),
        *cases(Flag.SMALL_V, NAMES, [
            (1.3, 1e-13, 1e-12, 1e-12, 0.4, 1.5, 0.3, 1.6),
            (0.7, 0.0, 1e-12, 0.3, 0.1, 2.0, 0.1, 2.5),
            (1.4, 1e-3, 1e-10, 1e-11, 3e4, 2e5, -1e5, 3e5),
        ]),
        *cases(Flag.TAIL, NAMES, [
            (e(600), 0.1, 0.4, 0.3, 0.2, 1.2, 0.1, 1.9),
            (e(-600), -0.1, 0.5, 0.2, 0.3, 1.3, 0.2, 2.1),
            (e(90), 0.2, 1e5, 1e6, 1e-3, 1e-6, 2e-3, 2e-6),
        ]),
        *cases(Flag.SIGN, NAMES, [(1.6, 0.7, 0.2, 0.5, 0.3, 1.1, 0.2, 1.4)]),
        *cases(Flag.CANCELLATION, NAMES, [
            (e(300), 0.0, 0.2, 0.1, 900.0, 3.0, 1500.0, 5.0),
            (1.0000001, 1e-8, 1e-3, 1.0, 1e-7, 1.0, 1e-7, 1.0),
        ]),
        *scaled(_ORDINARY[:2], "x", (20, -20)),
    ),
)  # fmt: skip

FUNCTIONS = (HEUN,)
