"""The weight of one of two data points given the noised state (sheet R3)."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, e, ordinary
from spec.vectors.posterior_parts import Share, Values, parts, ratio, share
from spec.vectors.records import Flag, Twin, VectorFunction


def _point_law(x1: Number, x2: Number, f: Arithmetic) -> Values:
    half = f.exp(0 * x1) / 2
    return half, f.log(x1), 0, f.log(x2), 0


def _weight(
    f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number, v: Number,
    shares: Share = share,
) -> Number:  # fmt: skip
    p, q = parts(f, x, *_point_law(x1, x2, f), m, v)
    return shares(f, p.term, q.term)


def _weight_size(f: Arithmetic, x: Number, x1: Number, x2: Number, m: Number, v: Number) -> Number:
    p, q = parts(f, x, *_point_law(x1, x2, f), m, v)
    r, s = share(f, p.term, q.term), share(f, q.term, p.term)
    return r * (1 + s * (p.term_size + q.term_size))


WEIGHT = VectorFunction(
    name="point_masses_posterior_weight",
    claim="R3",
    text="1 / (1 + exp((b_1^2 - b_2^2) / (2 v))), b_n = log(x) - log(x_n) - m",
    meanings={
        "x": "state at time t, > 0", "x1": "the point in question, > 0",
        "x2": "the other point, > 0", "m": "m(t), any number", "v": "v(t) > 0",
    },
    formula=_weight,
    second=lambda f, x, x1, x2, m, v: 1 / (1 + mpmath.exp(
        mpmath.log(x2 / x1) * (2 * mpmath.log(x) - mpmath.log(x1 * x2) - 2 * m) / (2 * v))),
    scale_text="out (1 + (1 - out) T), T = sum_n log 2 + |log 2 pi v| / 2 + b_n^2 / (2 v) "
    "+ |b_n| (|log x| + |log x_n| + |m|) / v",
    scale=_weight_size,
    twins=(
        Twin("other_point", Flag.SIGN, "the weight of x2",
             lambda f, x, x1, x2, m, v: _weight(f, x, x2, x1, m, v)),
        Twin("ito_term", Flag.ITO, "mu t in place of m",
             lambda f, x, x1, x2, m, v: _weight(f, x, x1, x2, m + v / 2, v)),
        Twin("deviation_for_variance", Flag.S_VS_S2, "sqrt(v) in place of v",
             lambda f, x, x1, x2, m, v: _weight(f, x, x1, x2, m, f.sqrt(v))),
        Twin("not_halved", Flag.BASIC, "exp(-b^2 / v)",
             lambda f, x, x1, x2, m, v: _weight(f, x, x1, x2, m, v / 2)),
        Twin("densities_first", Flag.TAIL, "a ratio of densities, in float64",
             lambda f, *args: _weight(f, *args, shares=ratio), naive=True),
    ),
    cases=(
        *ordinary({"x": across(0.05, 20), "x1": across(0.2, 2), "x2": across(1, 8),
                   "m": between(-0.5, 0.5), "v": across(0.05, 3)},
                  (Flag.SIGN, Flag.ITO, Flag.S_VS_S2), basic=10),
        *cases(Flag.TAIL, "x x1 x2 m v", [
            (e(80), 1.3, 1.30001, 0.1, 0.64), (e(-90), 0.7, 0.70002, 0.1, 0.5),
            (e(40), 1.5, 1.7, 0.0, 0.01),
            (e(300), 1.0, 1.0000001, 0.2, 0.3),
        ]),
        *cases(Flag.SMALL_V, "x x1 x2 m v", [
            (1.0000001, 1.0, 1.0000003, 0.0, 1e-12), (0.75, 0.7500004, 0.7499995, 0.0, 1e-12),
            (1.5, 1.4999, 1.5002, 0.0, 1e-9),
        ]),
        *cases(Flag.BASIC, "x x1 x2 m v", [
            (e(300), e(299.5), e(300.25), 0.1, 0.3), (1.3, e(-20), e(20.5), 0.1, 1e3),
        ]),
    ),
)  # fmt: skip

FUNCTIONS = (WEIGHT,)
