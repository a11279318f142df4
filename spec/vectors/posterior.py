"""The law of log X_0 given X_t on log-normal data in one dimension (sheet R5, R7, R6)."""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary
from spec.vectors.records import Case, Flag, Formula, Twin, VectorFunction

MEANINGS = {
    "x": "state at time t, > 0", "a": "mean of log X_0", "v0": "variance of log X_0, > 0",
    "m": "m(t), any number", "v": "v(t) > 0",
}  # fmt: skip
NAMES = "x a v0 m v"


def _mean(f: Arithmetic, x: Number, a: Number, v0: Number, m: Number, v: Number) -> Number:
    return a + v0 / (v0 + v) * (f.log(x) - a - m)


def _mean_size(f: Arithmetic, x: Number, a: Number, v0: Number, m: Number, v: Number) -> Number:
    return abs(a) + v0 / (v0 + v) * (abs(f.log(x)) + abs(a) + abs(m))


def _variance(f: Arithmetic, v0: Number, v: Number) -> Number:
    return v0 * v / (v0 + v)


def _moment(
    f: Arithmetic, x: Number, a: Number, v0: Number, m: Number, v: Number, power: Number
) -> Number:
    return power * _mean(f, x, a, v0, m, v) + power * power * _variance(f, v0, v) / 2


def _by_densities(
    f: Arithmetic, x: Number, a: Number, v0: Number, m: Number, v: Number, power: Number
) -> Number:
    """The density of log X_t at y + a v over that at y."""
    y = f.log(x)
    ends = [f.log_normal_density(at, a + m, v0 + v) for at in (y + power * v, y)]
    return power * (y - m) + power * power * v / 2 + ends[0] - ends[1]


def _moved(formula: Formula) -> tuple[Twin, ...]:
    """Mistakes that the mean and the moment share."""
    return (
        Twin("ito_term", Flag.ITO, "mu t in place of m",
             lambda f, x, a, v0, m, v, *rest: formula(f, x, a, v0, m + v / 2, v, *rest)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) and sqrt(v0)",
             lambda f, x, a, v0, m, v, *rest:
             formula(f, x, a, f.sqrt(v0), m, f.sqrt(v), *rest)),
        Twin("drift_of_the_wrong_sign", Flag.SIGN, "+ m in place of - m",
             lambda f, x, a, v0, m, v, *rest: formula(f, x, a, v0, -m, v, *rest)),
        Twin("variances_exchanged", Flag.T_INDEX, "v / (v0 + v) in place of v0 / (v0 + v)",
             lambda f, x, a, v0, m, v, *rest: formula(f, x, a, v, m, v0, *rest)),
    )  # fmt: skip


_BOX = {
    "x": across(0.05, 20), "a": between(-2, 2), "v0": across(0.02, 3), "m": between(-0.5, 0.5),
    "v": across(0.02, 3),
}  # fmt: skip
_EXTREMES: tuple[Case, ...] = (
    *cases(Flag.TAIL, NAMES, [
        (e(700), 0.3, 0.6, 0.2, 0.4), (e(-700), -0.2, 0.5, 0.1, 0.7), (2.0, 0.7, 1e6, 0.3, 0.2),
        (2.0, 0.7, 0.3, 0.2, 1e6), (e(90), -80.0, 3e5, 1.0, 2e5),
    ]),
    *cases(Flag.SMALL_V, NAMES, [
        (1.35, 0.3, 1e-12, 1e-4, 1e-10), (1.35, 0.3, 0.64, 0.01, 1e-12),
        (1.0000001, 0.3, 1e-12, 1e-8, 3e-12),
    ]),
    *cases(Flag.BASIC, NAMES, [
        (e(600), 599.5, 0.4, 0.2, 0.6), (e(-500), -500.125, 0.3, -0.1, 0.2),
    ]),
)  # fmt: skip
_GUARDED = "1e-8 added to v0 + v"

MEAN = VectorFunction(
    name="log_normal_posterior_log_mean",
    claim="R7",
    text="a + v0 / (v0 + v) (log(x) - a - m)",
    meanings=MEANINGS,
    formula=_mean,
    second=lambda f, x, a, v0, m, v: (v * a + v0 * (f.log(x) - m)) / (v0 + v),
    scale_text="|a| + v0 / (v0 + v) (|log x| + |a| + |m|)",
    scale=_mean_size,
    twins=(
        *_moved(_mean),
        Twin("not_the_logarithm", Flag.TAIL, "exp of it: the geometric mean of X_0",
             lambda f, *args: f.exp(_mean(f, *args))),
        Twin("guarded_variance", Flag.SMALL_V, _GUARDED,
             lambda f, x, a, v0, m, v: _mean(f, x, a, v0, m, v + f.exp(f.log(10) * -8))),
    ),
    cases=(
        *ordinary(_BOX, (Flag.ITO, Flag.S_VS_S2, Flag.SIGN, Flag.T_INDEX), basic=10, each=2),
        *_EXTREMES,
        *cases(Flag.NEAR_ROOT, NAMES, [
            (e(-1), 1.0, 0.5, 0.0, 0.5), (e(-0.75), 0.25, 0.25, 0.5, 1.0),
        ]),
    ),
)  # fmt: skip

VARIANCE = VectorFunction(
    name="log_normal_posterior_log_var",
    claim="R7",
    text="v0 v / (v0 + v)",
    meanings={key: MEANINGS[key] for key in ("v0", "v")},
    formula=_variance,
    second=lambda f, v0, v: v - v * v / (v0 + v),
    scale_text="out: a relative bound",
    scale=_variance,
    guard=20,
    twins=(
        Twin("by_the_hessian", Flag.SMALL_V, "v - v^2 / (v0 + v), in float64",
             lambda f, v0, v: v - v * v / (v0 + v), naive=True),
        Twin("sum", Flag.BASIC, "v0 + v", lambda f, v0, v: v0 + v),
        Twin("deviation_for_variance", Flag.S_VS_S2, "the root",
             lambda f, v0, v: f.sqrt(_variance(f, v0, v))),
        Twin("noise_of_the_last_step", Flag.T_INDEX, "v: the data are spread out, v0 = infinity",
             lambda f, v0, v: v),
        Twin("data_variance", Flag.TAIL, "v0: nothing is learnt from x_t", lambda f, v0, v: v0),
    ),
    cases=(
        *ordinary({key: _BOX[key] for key in ("v0", "v")}, (Flag.S_VS_S2, Flag.T_INDEX),
                  basic=12, each=3),
        *cases(Flag.SMALL_V, "v0 v", [
            (1e-12, 0.64), (1e-6, 3.0), (1e-3, 700.0), (3e-13, 0.01), (0.002, 1.7),
        ]),
        *cases(Flag.TAIL, "v0 v", [(1e6, 0.3), (2.5, 1e6), (1e6, 1e-12)]),
    ),
)  # fmt: skip

MOMENT = VectorFunction(
    name="log_normal_log_posterior_moment",
    claim="R6",
    text="p M + p^2 C / 2, M = a + v0 / (v0 + v) (log(x) - a - m), C = v0 v / (v0 + v)",
    meanings={**MEANINGS, "p": "the power, any number but 0"},
    formula=_moment,
    second=_by_densities,
    scale_text="|p| (|a| + v0 / (v0 + v) (|log x| + |a| + |m|)) + p^2 C / 2",
    scale=lambda f, x, a, v0, m, v, p: abs(p) * _mean_size(f, x, a, v0, m, v)
    + p * p * _variance(f, v0, v) / 2,
    guard=30,
    twins=(
        *_moved(_moment),
        Twin("geometric_mean", Flag.BASIC, "p M: the power inside the logarithm",
             lambda f, x, a, v0, m, v, p: p * _mean(f, x, a, v0, m, v)),
        Twin("density_away_from_x", Flag.TAIL,
             "p (y - m) + p^2 v / 2 + log q(y + p v) - log q(y), in float64",
             _by_densities, naive=True),
        Twin("power_not_squared", Flag.BASIC, "p C / 2",
             lambda f, x, a, v0, m, v, p: _moment(f, x, a, v0, m, v, p)
             - (p * p - p) * _variance(f, v0, v) / 2),
    ),
    cases=tuple(
        Case(Flag.BASIC if case.flag in (Flag.SMALL_V, Flag.TAIL) else case.flag,
             {**case.args, "p": power})
        for case, power in zip(
            (*ordinary(_BOX, (Flag.ITO, Flag.S_VS_S2, Flag.SIGN, Flag.T_INDEX), basic=8, each=3),
             *_EXTREMES), (1.0, 2.0, -1.0, 0.5, 3.0) * 6, strict=True)
    ),
)  # fmt: skip

FUNCTIONS = (MEAN, VARIANCE, MOMENT)
