"""Two log-normal components: distribution function, and divergence of the log score (sheet R2)."""

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary
from spec.vectors.records import Case, Flag, Formula, Twin, VectorFunction

MIXTURE = {
    "x": "a state, > 0",
    "w": "weight of the first component, in (0, 1), with 1 - w exact in float64",
    "a1": "mean of log X in the first component", "v1": "its variance, > 0",
    "a2": "mean of log X in the second component", "v2": "its variance, > 0",
}  # fmt: skip
_NAMES = "x w a1 v1 a2 v2"
# Weights with few bits, so that 1 - w is exact.
_WEIGHTS = (0.25, 0.625, 0.375, 0.84375, 0.125, 0.6875)
_BOX = {
    "x": across(0.1, 9), "w": between(0.1, 0.9), "a1": between(-1.5, 0.5), "v1": across(0.1, 2),
    "a2": between(0, 2), "v2": across(0.1, 2),
}  # fmt: skip


def _ordinary(*kinds: Flag) -> tuple[Case, ...]:
    return tuple(
        Case(case.flag, {**case.args, "w": _WEIGHTS[i % len(_WEIGHTS)]})
        for i, case in enumerate(ordinary(_BOX, kinds, basic=12))
    )


def _deviations(formula: Formula) -> Twin:
    return Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v_j) in place of v_j",
                lambda f, x, w, a1, v1, a2, v2:
                formula(f, x, w, a1, f.sqrt(v1), a2, f.sqrt(v2)))  # fmt: skip


def _equal_weights(formula: Formula) -> Twin:
    return Twin("equal_weights", Flag.BASIC, "1/2 in place of w",
                lambda f, x, w, *law: formula(f, x, mpf(1) / 2, *law))  # fmt: skip


def _cdf(
    f: Arithmetic, x: Number, w: Number, a1: Number, v1: Number, a2: Number, v2: Number
) -> Number:
    y = f.log(x)
    return w * f.ncdf((y - a1) / f.sqrt(v1)) + (1 - w) * f.ncdf((y - a2) / f.sqrt(v2))


def _normal_size(f: Arithmetic, y: Number, a: Number, v: Number) -> Number:
    z = (y - a) / f.sqrt(v)
    density = f.exp(-z * z / 2) / f.sqrt(2 * f.pi())
    return f.ncdf(z) * (1 + z * z) + density * (abs(y) + abs(a)) / f.sqrt(v)


def _by_error_functions(
    f: Arithmetic, x: mpf, w: mpf, a1: mpf, v1: mpf, a2: mpf, v2: mpf
) -> mpf:  # fmt: skip
    """Half the complementary error function of each distance, in a sum weighted by w."""
    first, second = (
        mpmath.erfc((a - mpmath.log(x)) / mpmath.sqrt(2 * v)) / 2 for a, v in ((a1, v1), (a2, v2))
    )
    return second + w * (first - second)


CDF = VectorFunction(
    name="mixture_cdf",
    claim="R2",
    text="w Phi(z1) + (1 - w) Phi(z2), z_j = (log(x) - a_j) / sqrt(v_j)",
    meanings=MIXTURE,
    formula=_cdf,
    second=_by_error_functions,
    scale_text="sum_j w_j (Phi(z_j) (1 + z_j^2) + phi(z_j) (|log x| + |a_j|) / sqrt(v_j))",
    scale=lambda f, x, w, a1, v1, a2, v2: w * _normal_size(f, f.log(x), a1, v1)
    + (1 - w) * _normal_size(f, f.log(x), a2, v2),
    twins=(
        Twin("survival", Flag.SIGN, "the probability of a larger value",
             lambda f, *args: 1 - _cdf(f, *args)),
        Twin("one_minus_survival", Flag.TAIL, "1 - sum_j w_j Phi(-z_j), in float64",
             lambda f, x, w, a1, v1, a2, v2: 1 - _cdf(f, 1 / x, w, -a1, v1, -a2, v2), naive=True),
        _equal_weights(_cdf),
        _deviations(_cdf),
        Twin("pooled", Flag.T_INDEX, "one normal law with the mean and variance of the mixture",
             lambda f, x, w, a1, v1, a2, v2: f.ncdf(
                 (f.log(x) - w * a1 - (1 - w) * a2)
                 / f.sqrt(w * v1 + (1 - w) * v2 + w * (1 - w) * (a1 - a2) ** 2))),
    ),
    cases=(
        *_ordinary(Flag.SIGN, Flag.S_VS_S2, Flag.T_INDEX),
        *cases(Flag.TAIL, _NAMES, [
            (e(-9), 0.25, -0.3, 0.64, 0.9, 2.0), (e(-22), 0.5, -1.1, 1.0, 1.3, 0.25),
            (e(-41), 2.0**-40, -12.0, 1.0, 0.8, 1.0), (e(-700), 0.75, -600.0, 9.0, 3.0, 700.0),
        ]),
        *cases(Flag.BASIC, _NAMES, [
            (1.0000002, 0.5, 0.0, 1e-12, 3e-7, 1e-12), (e(300), 0.25, 299.0, 2.0, 301.5, 0.7),
            (0.4, 1 - 2.0**-50, 0.3, 0.2, -0.9, 0.2),
        ]),
    ),
)  # fmt: skip


def _parts(f: Arithmetic, x: Number, law: tuple[Number, ...]) -> tuple[list[Number], ...]:
    """Shares r_j, pulls u_j and variances v_j."""
    w, a1, v1, a2, v2 = law
    y = f.log(x)
    terms = [f.log(w) + f.log_normal_density(y, a1, v1),
             f.log(1 - w) + f.log_normal_density(y, a2, v2)]  # fmt: skip
    first = 1 / (1 + f.exp(terms[1] - terms[0]))
    return [first, 1 - first], [-(y - a1) / v1, -(y - a2) / v2], [v1, v2]


def _divergence(f: Arithmetic, x: Number, *law: Number) -> Number:
    r, u, v = _parts(f, x, law)
    return -(r[0] / v[0] + r[1] / v[1]) + r[0] * r[1] * (u[0] - u[1]) ** 2


def _spread(f: Arithmetic, x: Number, *law: Number) -> Number:
    r, u, _ = _parts(f, x, law)
    return r[0] * r[1] * (u[0] - u[1]) ** 2


def _from_densities(f: Arithmetic, x: Number, *law: Number) -> Number:
    w, a1, v1, a2, v2 = law
    y = f.log(x)
    first = w * f.exp(f.log_normal_density(y, a1, v1))
    second = (1 - w) * f.exp(f.log_normal_density(y, a2, v2))
    r = first / (first + second)
    gap = (y - a1) / v1 - (y - a2) / v2
    return -r / v1 - (1 - r) / v2 + r * (1 - r) * gap * gap


def _divergence_size(f: Arithmetic, x: Number, *law: Number) -> Number:
    r, u, v = _parts(f, x, law)
    w, a1, _, a2, _ = law
    y, gap = f.log(x), abs(u[0] - u[1])
    logs = [
        abs(f.log(weight)) + abs(f.log(2 * f.pi() * var)) / 2 + (y - a) ** 2 / (2 * var)
        + abs(y - a) * (abs(y) + abs(a)) / var
        for weight, a, var in ((w, a1, v[0]), (1 - w, a2, v[1]))
    ]  # fmt: skip
    own = [(abs(y) + abs(a)) / var for a, var in ((a1, v[0]), (a2, v[1]))]
    bends = abs(1 / v[0] - 1 / v[1]) + gap * gap
    pair = r[0] * r[1]
    return (r[0] / v[0] + r[1] / v[1] + pair * gap * (gap + own[0] + own[1])
            + pair * bends * (logs[0] + logs[1]))  # fmt: skip


def _by_differentiation(f: Arithmetic, x: mpf, *law: mpf) -> mpf:
    """d/dlog x of the log score, by Richardson's central difference."""
    y = mpmath.log(x)
    with mpmath.extradps(120):
        step = mpf(10) ** -45 * min(1, mpmath.sqrt(law[2]), mpmath.sqrt(law[4]))

        def slope(h: mpf) -> mpf:
            ends = []
            for sign in (1, -1):
                r, u, _ = _parts(f, mpmath.exp(y + sign * h), law)
                ends.append(r[0] * u[0] + r[1] * u[1])
            return (ends[0] - ends[1]) / (2 * h)

        return (4 * slope(step / 2) - slope(step)) / 3


def _of_squares(f: Arithmetic, x: Number, *law: Number) -> Number:
    """Mean of squares less the square of the mean, which cancel far out."""
    r, u, v = _parts(f, x, law)
    mean = r[0] * u[0] + r[1] * u[1]
    return r[0] * (u[0] * u[0] - 1 / v[0]) + r[1] * (u[1] * u[1] - 1 / v[1]) - mean * mean


DIVERGENCE = VectorFunction(
    name="mixture_log_score_divergence",
    claim="R2-hessian",
    text="-r1 / v1 - r2 / v2 + r1 r2 (u1 - u2)^2, u_j = -(log(x) - a_j) / v_j, r_j the share of "
    "component j in the density at x",
    meanings=MIXTURE,
    formula=_divergence,
    second=_by_differentiation,
    scale_text="r1 / v1 + r2 / v2 + r1 r2 (g (g + s1 + s2) + (|1/v1 - 1/v2| + g^2) (T1 + T2)), "
    "g = |u1 - u2|, s_j = (|log x| + |a_j|) / v_j, T_j as for mixture_logpdf",
    scale=_divergence_size,
    twins=(
        Twin("components_alone", Flag.BASIC, "the spread of the u_j is left out",
             lambda f, x, *law: _divergence(f, x, *law) - _spread(f, x, *law)),
        Twin("spread_with_the_other_sign", Flag.SIGN, "- r1 r2 (u1 - u2)^2",
             lambda f, x, *law: _divergence(f, x, *law) - 2 * _spread(f, x, *law)),
        Twin("equal_weights_of_curvatures", Flag.T_INDEX, "w_j in place of r_j in the first two",
             lambda f, x, w, a1, v1, a2, v2: _spread(f, x, w, a1, v1, a2, v2)
             - w / v1 - (1 - w) / v2),
        _deviations(_divergence),
        Twin("divided_by_x", Flag.H_VS_STEIN, "the derivative in x of the log score",
             lambda f, x, *law: _divergence(f, x, *law) / x),
        Twin("difference_of_squares", Flag.CANCELLATION,
             "sum_j r_j (u_j^2 - 1 / v_j) - (sum_j r_j u_j)^2, in float64", _of_squares,
             naive=True),
        Twin("ratio_of_densities", Flag.TAIL, "shares from the densities, in float64",
             _from_densities, naive=True),
    ),
    cases=(
        *_ordinary(Flag.SIGN, Flag.T_INDEX, Flag.S_VS_S2, Flag.H_VS_STEIN),
        *cases(Flag.CANCELLATION, _NAMES, [
            (e(400), 0.5, -0.25, 0.75, -0.25, 0.7500001), (e(-350), 0.5, 2.0, 0.3, 2.0000003, 0.3),
        ]),
        *cases(Flag.TAIL, _NAMES, [
            (e(700), 0.25, -0.3, 0.64, 0.9, 0.2), (e(-700), 0.625, -0.3, 0.05, 0.4, 0.3),
            (e(60), 0.5, -1.1, 0.25, 1.3, 0.25),
        ]),
        *cases(Flag.BASIC, _NAMES, [
            (1.0000002, 0.5, 0.0, 1e-12, 3e-7, 1e-12), (2.2, 0.5, 0.1, 1e6, -0.4, 0.2),
            (e(0.125), 0.5, -299.875, 1.0, 300.125, 1.0),
        ]),
    ),
)  # fmt: skip

FUNCTIONS = (CDF, DIVERGENCE)
