"""Variances of samplers after N equal steps on log-normal data with exact scores (sheet R8 - R17).

log X_0 is N(a, v0), the process has constant coefficients with m(T) = m and v(T) = v, and the
samplers start from log X_T with the law N(b, q).
"""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number, whole
from spec.vectors.points import across, ordinary
from spec.vectors.records import Case, Flag, Formula, Twin, VectorFunction

VARIANCE = {
    "v0": "variance of log X_0, > 0", "v": "v(T) > 0", "n": "number of steps N, a whole number",
    "q": "variance of log X_T at the start, >= 0",
}  # fmt: skip
_STEPS = (1.0, 2.0, 3.0, 8.0, 20.0, 5.0, 30.0, 13.0)


def stepped(given: tuple[Case, ...], counts: tuple[float, ...] = _STEPS) -> tuple[Case, ...]:
    """The cases with numbers of steps in turn."""
    return tuple(
        Case(case.flag, {**case.args, "n": counts[i % len(counts)]})
        for i, case in enumerate(given)
    )


def _summed(weights: Formula) -> Formula:
    """gain^2 q + h sum over j = 0 .. N - 1 of weight_j (v0 / (v0 + h j))^2."""

    def formula(f: Arithmetic, v0: Number, v: Number, n: Number, q: Number) -> Number:
        h, gain, total = v / n, v0 / (v0 + v), 0
        for j in range(whole(n)):
            total = total + weights(f, v0, h * j, j) * (v0 / (v0 + h * j)) ** 2
        return gain * gain * q + h * total

    return formula


_dale = _summed(lambda f, v0, v_j, j: 1)
_ancestral = _summed(lambda f, v0, v_j, j: v0 / v0 * j / (j + 1))


def _trigamma(x: Number) -> Number:
    """psi_1, in the precision of x."""
    return type(x)(mpmath.psi(1, mpmath.mpf(x)))


def _with_trigamma(f: Arithmetic, v0: Number, v: Number, n: Number, q: Number) -> Number:
    r = v0 * n / v
    return (v0 / (v0 + v)) ** 2 * q + v0 * r * (_trigamma(r) - _trigamma(r + n))


def _step_by_step(f: Arithmetic, v0: Number, v: Number, n: Number, q: Number) -> Number:
    """The variance carried from level k to k - 1 by the ancestral step."""
    h, var = v / n, q
    for k in range(whole(n), 0, -1):
        var = ((v0 + h * (k - 1)) / (v0 + h * k)) ** 2 * var + h * (k - 1) / k
    return var


def gain_of_flow(f: Arithmetic, v0: Number, v: Number, n: Number) -> Number:
    """The product over k = 1 .. N of 1 - h / (2 (v0 + h k))."""
    h, gain = v / n, 1
    for k in range(1, whole(n) + 1):
        gain = gain * (1 - h / (2 * (v0 + h * k)))
    return gain


def gain_by_gamma(v0: Number, v: Number, n: Number) -> Number:
    """The same by gamma functions."""
    with mpmath.extradps(20):
        r, half = v0 * n / v, mpmath.mpf(1) / 2
        return mpmath.gammaprod([r + n + half, r + 1], [r + half, r + n + 1])


def _flow(f: Arithmetic, v0: Number, v: Number, n: Number, q: Number) -> Number:
    return gain_of_flow(f, v0, v, n) ** 2 * q


_KINDS = (Flag.T_INDEX, Flag.S_VS_S2)
_BOX = {"v0": across(0.02, 4), "v": across(0.1, 4), "n": across(1, 50), "q": across(0.05, 6)}


def extremes(names: str, *rows: tuple[Flag, tuple[float, ...]]) -> tuple[Case, ...]:
    """Cases with flags of their own."""
    return tuple(Case(flag, dict(zip(names.split(), row, strict=True))) for flag, row in rows)


_VAR_CASES = (
    *stepped(ordinary(_BOX, _KINDS, basic=13)),
    *extremes(
        "v0 v n q",
        (Flag.TAIL, (1e6, 0.3, 4.0, 0.2)), (Flag.TAIL, (1e6, 2e-3, 30.0, 1e-4)),
        (Flag.T_INDEX, (0.05, 1e6, 7.0, 1e6)), (Flag.TAIL, (3.0, 1e-12, 6.0, 1e-13)),
        (Flag.SMALL_V, (1e-12, 0.64, 10.0, 0.64)), (Flag.SMALL_V, (1e-12, 3e-12, 40.0, 2e-12)),
        (Flag.BASIC, (0.05, 0.64, 100.0, 0.69)),
    ),
)  # fmt: skip


def _variance_twins(formula: Formula) -> tuple[Twin, ...]:
    """Mistakes that all variances share."""
    return (
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, v0, v, n, q: formula(f, v0, f.sqrt(v), n, f.sqrt(q))),
        Twin("one_step_more", Flag.T_INDEX, "N + 1 steps",
             lambda f, v0, v, n, q: formula(f, v0, v, n + 1, q)),
        Twin("gain_once", Flag.BASIC, "gain q in place of gain^2 q",
             lambda f, v0, v, n, q: formula(f, v0, v, n, q * (v0 + v) / v0)),
        Twin("exact_law", Flag.BASIC, "v0, as if the steps were exact",
             lambda f, v0, v, n, q: v0),
    )  # fmt: skip


DALE = VectorFunction(
    name="dale_langevin_law_log_var",
    claim="R9-closed",
    text="(v0 / (v0 + v))^2 q + h sum_{j=0}^{N-1} (v0 / (v0 + h j))^2, h = v / N",
    meanings=VARIANCE,
    formula=_dale,
    second=_with_trigamma,
    scale_text="out: a relative bound",
    scale=_dale,
    twins=(
        *_variance_twins(_dale),
        Twin("noise_free_last_step", Flag.SMALL_V, "the term j = 0 left out",
             lambda f, v0, v, n, q: _dale(f, v0, v, n, q) - v / n),
        Twin("difference_of_trigammas", Flag.TAIL, "v0^2 / h (psi_1(v0 / h) - psi_1(v0 / h + N)), "
             "in float64", _with_trigamma, naive=True),
    ),
    cases=_VAR_CASES,
)  # fmt: skip

ANCESTRAL = VectorFunction(
    name="ancestral_law_log_var",
    claim="R17-closed",
    text="(v0 / (v0 + v))^2 q + h sum_{j=1}^{N-1} j / (j + 1) (v0 / (v0 + h j))^2, h = v / N",
    meanings=VARIANCE,
    formula=_ancestral,
    second=_step_by_step,
    scale_text="out: a relative bound",
    scale=_ancestral,
    twins=(
        *_variance_twins(_ancestral)[:2],
        *_variance_twins(_ancestral)[3:],
        Twin("dale_langevin", Flag.SMALL_V, "the law of DaleLangevin, whose last step has noise",
             _dale),
        Twin("variance_added", Flag.TAIL, "no factor j / (j + 1)",
             _summed(lambda f, v0, v_j, j: 1 if j else 0)),
    ),
    cases=_VAR_CASES,
)  # fmt: skip

FLOW = VectorFunction(
    name="euler_flow_law_log_var",
    claim="R16-leading",
    text="g^2 q, g the product over k = 1 .. N of 1 - h / (2 (v0 + h k)), h = v / N",
    meanings={**VARIANCE, "q": "variance of log X_T at the start, > 0"},
    formula=_flow,
    second=lambda f, v0, v, n, q: gain_by_gamma(v0, v, n) ** 2 * q,
    scale_text="out (1 + 2 |log g|)",
    scale=lambda f, v0, v, n, q: _flow(f, v0, v, n, q)
    * (1 - 2 * f.log(gain_of_flow(f, v0, v, n))),
    twins=(
        *_variance_twins(_flow)[:2],
        Twin("gain_once", Flag.BASIC, "g q",
             lambda f, v0, v, n, q: gain_of_flow(f, v0, v, n) * q),
        Twin("exact_flow", Flag.BASIC, "v0 q / (v0 + v): N = infinity",
             lambda f, v0, v, n, q: v0 * q / (v0 + v)),
        Twin("whole_score", Flag.TAIL, "no factor 1/2: the gain of DaleLangevin",
             lambda f, v0, v, n, q: (v0 / (v0 + v)) ** 2 * q),
    ),
    cases=_VAR_CASES,
)  # fmt: skip


FUNCTIONS = (DALE, ANCESTRAL, FLOW)
