"""Two log-normal components, and a data set of two points under the forward kernel."""

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary
from spec.vectors.records import Flag, Twin, VectorFunction

MIXTURE = {
    "x": "a state, > 0",
    "w": "weight of the first component, in (0, 1), with 1 - w exact in float64",
    "a1": "mean of log X in the first component",
    "v1": "variance of log X in the first component, > 0",
    "a2": "mean of log X in the second component",
    "v2": "variance of log X in the second component, > 0",
}
Values = tuple[Number, ...]


def _terms(f: Arithmetic, y: Number, law: Values) -> list[Number]:
    """log(w_j N(y; a_j, v_j))."""
    w, a1, v1, a2, v2 = law
    return [
        f.log(w) + f.log_normal_density(y, a1, v1),
        f.log(1 - w) + f.log_normal_density(y, a2, v2),
    ]


def _shares(f: Arithmetic, terms: list[Number]) -> list[Number]:
    each = [f.exp(term) for term in terms]
    return [value / (each[0] + each[1]) for value in each]


def _pulls(f: Arithmetic, y: Number, law: Values) -> list[Number]:
    _, a1, v1, a2, v2 = law
    return [-(y - a1) / v1, -(y - a2) / v2]


def _log_score(f: Arithmetic, x: Number, *law: Number) -> Number:
    """sum_j r_j u_j with r_j the share of component j at x and u_j its own log score."""
    y = f.log(x)
    r, u = _shares(f, _terms(f, y, law)), _pulls(f, y, law)
    return r[0] * u[0] + r[1] * u[1]


def _logpdf(f: Arithmetic, x: Number, *law: Number) -> Number:
    terms = _terms(f, f.log(x), law)
    return f.log(f.exp(terms[0]) + f.exp(terms[1])) - f.log(x)


def _term_sizes(f: Arithmetic, y: Number, law: Values) -> list[Number]:
    w, a1, v1, a2, v2 = law
    return [
        abs(f.log(weight)) + abs(f.log(2 * f.pi() * v)) / 2 + (y - a) ** 2 / (2 * v)
        + abs(y - a) * (abs(y) + abs(a)) / v
        for weight, a, v in ((w, a1, v1), (1 - w, a2, v2))
    ]  # fmt: skip


def _logpdf_size(f: Arithmetic, x: Number, *law: Number) -> Number:
    y = f.log(x)
    r, sizes = _shares(f, _terms(f, y, law)), _term_sizes(f, y, law)
    return abs(y) + 1 + r[0] * sizes[0] + r[1] * sizes[1]


def _score_size(f: Arithmetic, x: Number, *law: Number) -> Number:
    y = f.log(x)
    _, a1, v1, a2, v2 = law
    r, u, sizes = _shares(f, _terms(f, y, law)), _pulls(f, y, law), _term_sizes(f, y, law)
    own = r[0] * (abs(y) + abs(a1)) / v1 + r[1] * (abs(y) + abs(a2)) / v2
    return 1 + own + r[0] * r[1] * abs(u[0] - u[1]) * (sizes[0] + sizes[1])


def _by_log1p(f: Arithmetic, x: Number, *law: Number) -> Number:
    small, large = sorted(_terms(f, mpmath.log(x), law))
    return large + mpmath.log1p(mpmath.exp(small - large)) - mpmath.log(x)


def _by_differentiation(f: Arithmetic, x: Number, *law: Number) -> Number:
    """d/dlog x of the log density: Richardson's central difference of w1 N1 + w2 N2."""
    y = mpmath.log(x)
    with mpmath.extradps(120):
        step = mpf(10) ** -45 * min(1, mpmath.sqrt(law[2]), mpmath.sqrt(law[4]))

        def slope(h: mpf) -> mpf:
            ends = [_by_log1p(f, mpmath.exp(y + sign * h), *law) for sign in (1, -1)]
            return (ends[0] - ends[1]) / (2 * h)

        return (4 * slope(step / 2) - slope(step)) / 3


_BOX = {
    "x": across(0.02, 50), "w": between(0.1, 0.9), "a1": between(-2, 0.5), "v1": across(0.02, 3),
    "a2": between(0, 2.5), "v2": across(0.02, 3),
}  # fmt: skip
_NAMES = "x w a1 v1 a2 v2"
# Weights with few bits, so that 1 - w is exact.
_WEIGHTS = (0.25, 0.625, 0.375, 0.84375, 0.125, 0.5)


def _ordinary(*kinds: Flag) -> tuple:
    drawn = ordinary(_BOX, kinds)
    return tuple(
        type(case)(case.flag, {**case.args, "w": _WEIGHTS[i % len(_WEIGHTS)]})
        for i, case in enumerate(drawn)
    )


_TAILS = cases(Flag.TAIL, _NAMES, [
    (e(700), 0.25, -0.3, 0.64, 0.9, 0.2), (e(-700), 0.625, -0.3, 0.05, 0.4, 0.3),
    (e(60), 0.5, -1.1, 0.25, 1.3, 0.25), (e(-41), 2.0**-40, -0.7, 0.04, 0.8, 0.04),
    (e(500), 0.75, 3.0, 7.0, 3.0, 7.5),
])  # fmt: skip
_SMALL = cases(Flag.SMALL_V, _NAMES, [
    (1.0000002, 0.5, 0.0, 1e-12, 3e-7, 1e-12), (1.35, 0.25, 0.3, 1e-12, 0.3, 2e-12),
    (1.000001, 0.375, 1e-6, 1e-12, 0.0, 0.5), (1.2840254, 0.75, 0.25, 1e-10, 0.2500003, 1e-10),
])  # fmt: skip
# The two components weigh about the same where each is far out, so that shares are ratios of
# numbers like exp(-1e5).
_TIED = cases(Flag.CANCELLATION, _NAMES, [
    (e(400), 0.5, -0.25, 0.75, -0.25, 0.7500001), (e(-350), 0.5, 2.0, 0.3, 2.0000003, 0.3),
    (e(700), 0.25, 0.001, 2.0, 0.0, 2.0), (e(0.125), 0.5, -299.875, 1.0, 300.125, 1.0),
    (e(-2), 0.75, -602.0, 3.0, 598.0, 3.0),
])  # fmt: skip
_ROOTS = cases(Flag.NEAR_ROOT, _NAMES, [
    (e(-1), 0.5, -2.0, 1.0, 2.0, 1.0), (e(-0.64), 0.5, 0.0, 0.64, 0.0, 0.64),
    (e(-1.5), 0.5, 0.0, 1.5, 0.0, 1.5),
])  # fmt: skip
_EXTREME_WEIGHTS = cases(Flag.BASIC, _NAMES, [
    (1.7, 2.0**-50, 0.5, 0.01, -0.4, 0.3), (0.4, 1 - 2.0**-50, 0.3, 0.02, -0.9, 0.2),
    (2.2, 0.5, 0.1, 1e6, -0.4, 0.2), (e(-600), 0.375, 1.0, 1e6, 2.0, 1e5),
])  # fmt: skip


def _equal_weights(f: Arithmetic, law: Values) -> Values:
    return (mpf(1) / 2, *law[1:])


LOGPDF = VectorFunction(
    name="mixture_logpdf",
    claim="R2",
    text="log(w N(y; a1, v1) + (1 - w) N(y; a2, v2)) - y, y = log(x), N the normal density",
    meanings=MIXTURE,
    formula=_logpdf,
    second=_by_log1p,
    scale_text="|y| + 1 + sum_j r_j T_j, r_j the share of component j in the density at x, "
    "T_j = |log w_j| + |log 2 pi v_j| / 2 + (y - a_j)^2 / (2 v_j) "
    "+ |y - a_j| (|y| + |a_j|) / v_j",
    scale=_logpdf_size,
    twins=(
        Twin("density_of_the_logarithm", Flag.H_VS_LOGSCORE, "the -log x is left out",
             lambda f, x, *law: _logpdf(f, x, *law) + f.log(x)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v_j) in place of v_j",
             lambda f, x, w, a1, v1, a2, v2: _logpdf(f, x, w, a1, f.sqrt(v1), a2, f.sqrt(v2))),
        Twin("equal_weights", Flag.BASIC, "1/2 in place of w",
             lambda f, x, *law: _logpdf(f, x, *_equal_weights(f, law))),
        Twin("mean_of_logarithms", Flag.BASIC, "sum_j w_j log N_j: the log inside the sum",
             lambda f, x, w, a1, v1, a2, v2: w * f.log_normal_density(f.log(x), a1, v1)
             + (1 - w) * f.log_normal_density(f.log(x), a2, v2) - f.log(x)),
        Twin("logarithm_of_density", Flag.TAIL, "the densities first, then the log, in float64",
             _logpdf, naive=True),
    ),
    cases=(*_ordinary(Flag.H_VS_LOGSCORE, Flag.S_VS_S2), *_TAILS, *_SMALL, *_TIED,
           *_ROOTS, *_EXTREME_WEIGHTS[2:]),
)  # fmt: skip


def _unshifted_shares(f: Arithmetic, x: Number, *law: Number) -> Number:
    """Shares exp(term - log of the sum), the log rounded: digits are lost where it is large."""
    y = f.log(x)
    small, large = sorted(_terms(f, y, law))
    total = large + f.log(1 + f.exp(small - large))
    u = _pulls(f, y, law)
    r = [f.exp(term - total) for term in _terms(f, y, law)]
    return r[0] * u[0] + r[1] * u[1] - 1


HYVARINEN = VectorFunction(
    name="mixture_hyvarinen_score",
    claim="R2-score",
    text="-1 + r1 u1 + r2 u2, u_j = -(log(x) - a_j) / v_j, "
    "r_j the share of component j in the density at x",
    meanings=MIXTURE,
    formula=lambda f, x, *law: _log_score(f, x, *law) - 1,
    second=_by_differentiation,
    scale_text="1 + sum_j r_j (|y| + |a_j|) / v_j + r1 r2 |u1 - u2| (T1 + T2), y = log(x), "
    "T_j as for mixture_logpdf",
    scale=_score_size,
    twins=(
        Twin("log_score", Flag.H_VS_LOGSCORE, "the -1 is left out", _log_score),
        Twin("stein_score", Flag.H_VS_STEIN, "divided by x",
             lambda f, x, *law: (_log_score(f, x, *law) - 1) / x),
        Twin("weights_for_shares", Flag.T_INDEX, "w_j, the shares of no observation, for r_j",
             lambda f, x, *law: law[0] * _pulls(f, f.log(x), law)[0]
             + (1 - law[0]) * _pulls(f, f.log(x), law)[1] - 1),
        Twin("equal_weights", Flag.BASIC, "1/2 in place of w",
             lambda f, x, *law: _log_score(f, x, *_equal_weights(f, law)) - 1),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v_j) in place of v_j",
             lambda f, x, w, a1, v1, a2, v2:
             _log_score(f, x, w, a1, f.sqrt(v1), a2, f.sqrt(v2)) - 1),
        Twin("ratio_of_densities", Flag.TAIL, "densities and their ratio, in float64",
             lambda f, x, *law: _log_score(f, x, *law) - 1, naive=True),
        Twin("shares_from_a_rounded_sum", Flag.CANCELLATION,
             "r_j = exp(term_j - log sum) without dividing by their sum, in float64",
             _unshifted_shares, naive=True),
    ),
    cases=(*_ordinary(Flag.H_VS_LOGSCORE, Flag.H_VS_STEIN, Flag.S_VS_S2), *_TAILS, *_SMALL,
           *_TIED[:3], *_ROOTS, *_EXTREME_WEIGHTS),
)  # fmt: skip

FUNCTIONS = (LOGPDF, HYVARINEN)
