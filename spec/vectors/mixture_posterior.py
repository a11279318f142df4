"""The law of log X_0 given X_t for two log-normal components (sheet R5, R6)."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary
from spec.vectors.posterior_parts import (
    MEANINGS,
    NAMES,
    SIZES,
    Values,
    mean,
    mean_size,
    moment,
    moment_size,
    parts,
    ratio,
    share,
    variance,
    variance_size,
)  # fmt: skip
from spec.vectors.records import Case, Flag, Formula, Twin, VectorFunction


def _log_density(f: Arithmetic, y: Number, law: Values) -> Number:
    p, q = parts(f, mpmath.exp(y), *law)
    return max(p.term, q.term) + mpmath.log1p(mpmath.exp(-abs(p.term - q.term)))


def _by_tilting(f: Arithmetic, x: Number, *rest: Number) -> Number:
    """Densities of log X_t at y + p v and y (sheet R6)."""
    law, power = rest[:-1], rest[-1]
    m, v, y = law[-2], law[-1], mpmath.log(x)
    with mpmath.extradps(40):
        ends = [_log_density(f, at, law) for at in (y + power * v, y)]
    return power * (y - m) + power**2 * v / 2 + ends[0] - ends[1]


def _by_slopes(order: int) -> Formula:
    """y - m + v q', or v + v^2 q'': Tweedie's formulas, q the log density (sheet R5)."""

    def formula(f: Arithmetic, x: Number, *law: Number) -> Number:
        m, v, y = law[-2], law[-1], mpmath.log(x)
        with mpmath.extradps(160):
            h = mpmath.mpf(10) ** -45 * mpmath.sqrt(v + min(law[2], law[4]))
            low, mid, high = (_log_density(f, y + i * h, law) for i in (-1, 0, 1))
            if order == 1:
                return y - m + v * (high - low) / (2 * h)
            return v + v * v * (high - 2 * mid + low) / (h * h)

    return formula


def _twins(formula: Formula) -> tuple[Twin, ...]:
    """The mistakes that all three share."""
    return (
        Twin("ito_term", Flag.ITO, "mu t in place of m",
             lambda f, x, w, a1, v1, a2, v2, m, v, *p:
             formula(f, x, w, a1, v1, a2, v2, m + v / 2, v, *p)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, x, w, a1, v1, a2, v2, m, v, *p:
             formula(f, x, w, a1, v1, a2, v2, m, f.sqrt(v), *p)),
        Twin("equal_weights", Flag.BASIC, "1/2 in place of w",
             lambda f, x, w, *rest: formula(f, x, mpmath.mpf(1) / 2, *rest)),
        Twin("densities_first", Flag.TAIL, "shares as a ratio of densities, in float64",
             lambda f, *args: formula(f, *args, shares=ratio), naive=True),
    )  # fmt: skip


_BOX = {
    "x": across(0.05, 20), "w": between(0.1, 0.9), "a1": between(-2, 0.5), "v1": across(0.02, 2),
    "a2": between(0, 2.5), "v2": across(0.02, 2), "m": between(-0.5, 0.5), "v": across(0.05, 2),
}  # fmt: skip
_WEIGHTS = (0.25, 0.625, 0.375, 0.84375, 0.125, 0.5)


def _weighted(given: tuple[Case, ...]) -> tuple[Case, ...]:
    """Weights with few bits, so that 1 - w is exact."""
    return tuple(
        Case(case.flag, {**case.args, "w": _WEIGHTS[i % len(_WEIGHTS)]})
        for i, case in enumerate(given)
    )


_ORDINARY = _weighted(ordinary(_BOX, (Flag.ITO, Flag.S_VS_S2), basic=10))
_EXTREMES: tuple[Case, ...] = (
    *cases(Flag.TAIL, NAMES, [
        (e(80), 0.25, -0.3, 0.64, 0.9, 0.2, 0.1, 0.5),
        (e(-90), 0.625, -0.3, 0.05, 0.4, 0.3, 0.2, 0.4),
        (e(60), 0.5, -1.1, 0.25, 1.3, 0.25, -0.1, 0.7),
        (e(300), 0.75, 3.0, 0.7, 3.0, 0.75, 0.2, 0.3),
        (e(-41), 2.0**-40, -0.7, 0.04, 0.8, 0.04, 0.0, 0.2),
        (e(0.25), 0.5, -299.875, 0.75, 300.125, 0.75, 0.125, 0.25),
    ]),
    *cases(Flag.SMALL_V, NAMES, [
        (1.0000002, 0.5, 0.0, 1e-12, 3e-7, 1e-12, 1e-8, 2e-12),
        (1.35, 0.25, 0.3, 1e-12, 0.4, 2e-12, 0.01, 0.64),
        (1.35, 0.375, 0.3, 0.5, 0.1, 0.8, 0.0, 1e-12),
    ]),
    *cases(Flag.BASIC, NAMES, [
        (2.2, 0.5, 0.1, 1e6, -0.4, 0.2, 0.2, 0.6), (0.4, 0.375, 1.0, 0.3, -2.0, 0.4, 0.3, 1e6),
    ]),
)  # fmt: skip
_SHARES = "r_j the share of component j in the density at x"

MEAN = VectorFunction(
    name="mixture_posterior_log_mean",
    claim="mixture-posterior",
    text=f"r_1 mu_1 + r_2 mu_2, mu_j = a_j + v_j / (v_j + v) (log(x) - a_j - m), {_SHARES}",
    meanings=MEANINGS,
    formula=mean,
    second=_by_slopes(1),
    scale_text=f"sum_j r_j M_j + r_1 r_2 |mu_1 - mu_2| T, {SIZES}",
    scale=mean_size,
    twins=(
        *_twins(mean),
        Twin("weights_for_shares", Flag.T_INDEX, "w_j in place of r_j",
             lambda f, x, w, *law: sum(
                 r * p.mean for r, p in zip((w, 1 - w), parts(f, x, w, *law), strict=True))),
    ),
    cases=(*_ORDINARY, *_EXTREMES),
)  # fmt: skip

VARIANCE = VectorFunction(
    name="mixture_posterior_log_var",
    claim="mixture-posterior",
    text=f"r_1 C_1 + r_2 C_2 + r_1 r_2 (mu_1 - mu_2)^2, C_j = v_j v / (v_j + v), mu_j = a_j "
    f"+ v_j / (v_j + v) (log(x) - a_j - m), {_SHARES}",
    meanings=MEANINGS,
    formula=variance,
    second=_by_slopes(2),
    scale_text="out + r_1 r_2 ((|C_1 - C_2| + d^2) T + 2 d (M_1 + M_2)), d = |mu_1 - mu_2|, "
    + SIZES,
    scale=variance_size,
    twins=(
        *_twins(variance),
        Twin("within_only", Flag.BASIC, "r_1 C_1 + r_2 C_2",
             lambda f, *args: sum(
                 share(f, p.term, q.term) * p.var
                 for p, q in (parts(f, *args), parts(f, *args)[::-1]))),
        Twin("standard_deviation", Flag.S_VS_S2, "the root",
             lambda f, *args: f.sqrt(variance(f, *args))),
        Twin("noise_of_the_step", Flag.SMALL_V, "v", lambda f, *args: args[-1]),
    ),
    cases=(*_ORDINARY, *_EXTREMES),
)  # fmt: skip

MOMENT = VectorFunction(
    name="mixture_log_posterior_moment",
    claim="R6",
    text="log(r_1 exp(p mu_1 + p^2 C_1 / 2) + r_2 exp(p mu_2 + p^2 C_2 / 2)), C_j = v_j v / "
    f"(v_j + v), mu_j = a_j + v_j / (v_j + v) (log(x) - a_j - m), {_SHARES}",
    meanings={**MEANINGS, "p": "the power, any number but 0"},
    formula=moment,
    second=_by_tilting,
    scale_text="1 + sum_j q_j (|p| M_j + p^2 C_j / 2 + |log r_j| + (1 - r_j) T), q_j the share of "
    f"term j in the sum, {SIZES}",
    scale=moment_size,
    guard=30,
    twins=(
        *_twins(moment),
        Twin("geometric_mean", Flag.BASIC, "p E[log X_0]: the power inside the logarithm",
             lambda f, *args: args[-1] * mean(f, *args[:-1])),
        Twin("no_variance", Flag.BASIC, "p^2 C_j / 2 left out",
             lambda f, *args: moment(f, *args) - args[-1] ** 2 * parts(f, *args[:-1])[0].var / 2),
    ),
    cases=tuple(
        Case(Flag.BASIC if case.flag is Flag.SMALL_V else case.flag, {**case.args, "p": power})
        for case, power in zip(
            (*_ORDINARY, *_EXTREMES), (1.0, 2.0, -1.0, 0.5, 3.0, 1.0, -0.25, 1.0, 2.0) * 3,
            strict=True)
    ),
)  # fmt: skip

FUNCTIONS = (MEAN, VARIANCE, MOMENT)
