"""The bridge between two times, and the moments of a mixture of two log-normal laws."""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, ordinary
from spec.vectors.records import Flag, Formula, Twin, VectorFunction

_ENDS = {
    "x0": "state before, > 0", "x1": "state after, > 0",
    "m1": "increment of m to the time between", "a": "increment of v to it, > 0",
    "m2": "increment of m from it", "b": "increment of v from it, > 0",
}  # fmt: skip


def _mean(
    f: Arithmetic, x0: Number, x1: Number, m1: Number, a: Number, m2: Number, b: Number
) -> Number:
    return (b * (f.log(x0) + m1) + a * (f.log(x1) - m2)) / (a + b)


def _mean_size(
    f: Arithmetic, x0: Number, x1: Number, m1: Number, a: Number, m2: Number, b: Number
) -> Number:
    before, after = abs(f.log(x0)) + abs(m1), abs(f.log(x1)) + abs(m2)
    return (b * before + a * after) / (a + b)


_BOX = {
    "x0": across(1e-2, 1e2), "x1": across(1e-2, 1e2), "m1": between(-1, 1), "a": across(1e-3, 3),
    "m2": between(-1, 1), "b": across(1e-3, 3),
}  # fmt: skip
_KINDS = (Flag.ITO, Flag.S_VS_S2, Flag.T_INDEX, Flag.SIGN)
MEAN = VectorFunction(
    name="bridge_log_mean",
    claim="bridge",
    text="(b (log(x0) + m1) + a (log(x1) - m2)) / (a + b)",
    meanings=_ENDS,
    formula=_mean,
    second=lambda f, x0, x1, m1, a, m2, b: f.log(x0) + m1
    + a / (a + b) * (f.log(x1) - m2 - f.log(x0) - m1),
    scale_text="(b (|log x0| + |m1|) + a (|log x1| + |m2|)) / (a + b)",
    scale=_mean_size,
    guard=20,
    twins=(
        Twin("weights_exchanged", Flag.T_INDEX, "a at the state before, b at that after",
             lambda f, x0, x1, m1, a, m2, b: _mean(f, x0, x1, m1, b, m2, a)),
        Twin("ito_term", Flag.ITO, "v/2 is not taken off the drift before",
             lambda f, x0, x1, m1, a, m2, b: _mean(f, x0, x1, m1 + a / 2, a, m2, b)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "weights by sqrt(a) and sqrt(b)",
             lambda f, x0, x1, m1, a, m2, b: _mean(f, x0, x1, m1, f.sqrt(a), m2, f.sqrt(b))),
        Twin("drift_of_the_wrong_sign", Flag.SIGN, "+ m2 in place of - m2",
             lambda f, x0, x1, m1, a, m2, b: _mean(f, x0, x1, m1, a, -m2, b)),
    ),
    cases=(
        *ordinary(_BOX, _KINDS, basic=12, each=3),
        *cases(Flag.SMALL_V, "x0 x1 m1 a m2 b", [
            (1.35, 1.36, 1e-4, 1e-10, 2e-4, 3e-10), (0.7, 1.9, 0.2, 1e-12, 0.3, 0.5),
        ]),
    ),
)  # fmt: skip


def _variance(f: Arithmetic, a: Number, b: Number) -> Number:
    return a * b / (a + b)


VARIANCE = VectorFunction(
    name="bridge_log_var",
    claim="bridge",
    text="a b / (a + b)",
    meanings={key: _ENDS[key] for key in ("a", "b")},
    formula=_variance,
    second=lambda f, a, b: 1 / (1 / a + 1 / b),
    scale_text="out: a relative bound",
    scale=_variance,
    guard=20,
    twins=(
        Twin("of_the_kernel", Flag.T_INDEX, "a: what comes after is forgotten",
             lambda f, a, b: a),
        Twin("deviation_for_variance", Flag.S_VS_S2, "the root",
             lambda f, a, b: f.sqrt(_variance(f, a, b))),
        Twin("by_difference", Flag.CANCELLATION, "a - a^2 / (a + b), in float64",
             lambda f, a, b: a - a * a / (a + b), naive=True),
    ),
    cases=(
        *ordinary({"a": across(1e-3, 3), "b": across(1e-3, 3)},
                  (Flag.T_INDEX, Flag.S_VS_S2), basic=12, each=4),
        *cases(Flag.CANCELLATION, "a b", [(0.64, 1e-12), (3.0, 1e-6), (700.0, 1e-3)]),
    ),
)  # fmt: skip


def _first(f: Arithmetic, w: Number, a1: Number, v1: Number, a2: Number, v2: Number) -> Number:
    return w * f.exp(a1 + v1 / 2) + (1 - w) * f.exp(a2 + v2 / 2)


def _second(f: Arithmetic, w: Number, a1: Number, v1: Number, a2: Number, v2: Number) -> Number:
    """Var[X] without a difference of moments."""
    e1, e2 = f.exp(a1 + v1 / 2), f.exp(a2 + v2 / 2)
    within = w * e1 * e1 * (f.exp(v1) - 1) + (1 - w) * e2 * e2 * (f.exp(v2) - 1)
    return within + w * (1 - w) * (e1 - e2) * (e1 - e2)


def _sizes(formula: Formula, power: int) -> Formula:
    """|out| times what the rounding of the exponents costs."""

    def size(f: Arithmetic, w: Number, a1: Number, v1: Number, a2: Number, v2: Number) -> Number:
        parts = [
            share * f.exp(power * a + power * power * v / 2) * (1 + power * abs(a) + 2 * v)
            for share, a, v in ((w, a1, v1), (1 - w, a2, v2))
        ]
        return parts[0] + parts[1]

    return size


_PARTS = {
    "w": "weight of the first component, in (0, 1)", "a1": "its mean of log X",
    "v1": "its variance of log X, > 0", "a2": "the second's mean", "v2": "its variance, > 0",
}  # fmt: skip
_LAWS = {
    "w": between(0.1, 0.9), "a1": between(-2, 2), "v1": across(0.05, 3), "a2": between(-2, 2),
    "v2": across(0.05, 3),
}  # fmt: skip


def _mistakes(formula: Formula) -> tuple[Twin, ...]:
    return (
        Twin("of_the_logarithm", Flag.ITO, "v/2 is not added in the exponent",
             lambda f, w, a1, v1, a2, v2: formula(f, w, a1 - v1 / 2, v1, a2 - v2 / 2, v2)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v1) and sqrt(v2)",
             lambda f, w, a1, v1, a2, v2: formula(f, w, a1, f.sqrt(v1), a2, f.sqrt(v2))),
        Twin("weights_exchanged", Flag.T_INDEX, "1 - w in place of w",
             lambda f, w, a1, v1, a2, v2: formula(f, 1 - w, a1, v1, a2, v2)),
    )  # fmt: skip


def _moment(name: str, text: str, formula: Formula, second: Formula, power: int) -> VectorFunction:
    return VectorFunction(
        name=name,
        claim="mixture-moments",
        text=text,
        meanings=_PARTS,
        formula=formula,
        second=second,
        scale_text=f"sum of w_j exp({power} a_j + {power}^2 v_j / 2) (1 + {power} |a_j| + 2 v_j)",
        scale=_sizes(formula, power),
        guard=20,
        twins=_mistakes(formula),
        cases=ordinary(_LAWS, (Flag.ITO, Flag.S_VS_S2, Flag.T_INDEX), basic=15, each=4),
    )


MOMENTS = (
    _moment(
        "mixture_mean", "w exp(a1 + v1/2) + (1 - w) exp(a2 + v2/2)", _first,
        lambda f, w, a1, v1, a2, v2: f.exp(f.log(w) + a1 + v1 / 2)
        + f.exp(f.log(1 - w) + a2 + v2 / 2), 1,
    ),
    _moment(
        "mixture_var",
        "w e1^2 (exp(v1) - 1) + (1 - w) e2^2 (exp(v2) - 1) + w (1 - w) (e1 - e2)^2, "
        "ej = exp(aj + vj/2)", _second,
        lambda f, w, a1, v1, a2, v2: w * f.exp(2 * a1 + 2 * v1) + (1 - w) * f.exp(2 * a2 + 2 * v2)
        - _first(f, w, a1, v1, a2, v2) * _first(f, w, a1, v1, a2, v2), 2,
    ),
)  # fmt: skip
FUNCTIONS = (MEAN, VARIANCE, *MOMENTS)
