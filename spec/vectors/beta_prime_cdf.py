"""The distribution function of the beta-prime law: gamma noise on inverse-gamma data (R24)."""

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, cases, e, ordinary
from spec.vectors.records import Flag, Twin, VectorFunction


def _cdf(f: Arithmetic, x: Number, a: Number, b: Number, size: Number) -> Number:
    return f.beta_lower(a, b, x / (size + x))


def _log_sizes(f: Arithmetic, x: Number, a: Number, b: Number, size: Number) -> Number:
    powers = a * f.log(1 + size / x) + b * f.log(1 + x / size)
    return powers + abs(f.log_gamma(a)) + abs(f.log_gamma(b)) + abs(f.log_gamma(a + b))


def _size(f: Arithmetic, x: Number, a: Number, b: Number, size: Number) -> Number:
    out, rest = _cdf(f, x, a, b, size), f.beta_lower(b, a, size / (size + x))
    log_beta = f.log_gamma(a) + f.log_gamma(b) - f.log_gamma(a + b)
    slope = f.exp(-a * f.log(1 + size / x) - b * f.log(1 + x / size) - log_beta)
    return out * (1 + 2 * rest * _log_sizes(f, x, a, b, size)) + slope


def _by_series(a: mpf, b: mpf, y: mpf) -> mpf:
    """I_y(a, b) = y^a (1 - y)^b / (a B(a, b)) * sum of y^n (a + b)_n / (a + 1)_n, y <= 1/2."""
    term = total = mpf(1)
    n = 0
    while term > mpmath.eps * total:
        term *= y * (a + b + n) / (a + 1 + n)
        total += term
        n += 1
    return total * y**a * (1 - y) ** b / (a * mpmath.beta(a, b))


def _second(f: Arithmetic, x: mpf, a: mpf, b: mpf, size: mpf) -> mpf:
    with mpmath.extradps(100):
        if x <= size:
            return _by_series(a, b, x / (size + x))
        return 1 - _by_series(b, a, size / (size + x))


BETA_PRIME = VectorFunction(
    name="beta_prime_cdf",
    claim="R24-inverse-gamma",
    text="I_y(a, b), y = x / (l + x), l = scale, I the regularised incomplete beta function",
    meanings={"x": "a state, > 0", "a": "first shape, > 0", "b": "second shape, > 0",
              "scale": "scale l, > 0"},
    formula=_cdf,
    second=_second,
    scale_text="out (1 + 2 (1 - out) T) + x p(x), T = a log(1 + l / x) + b log(1 + x / l) "
    "+ |log Gamma(a)| + |log Gamma(b)| + |log Gamma(a + b)|, p the density",
    scale=_size,
    guard=20,
    twins=(
        Twin("survival", Flag.SIGN, "the probability of a larger value",
             lambda f, *args: 1 - _cdf(f, *args)),
        Twin("one_minus_survival", Flag.TAIL, "1 - I_(1 - y)(b, a), in float64",
             lambda f, x, a, b, size: 1 - f.beta_lower(b, a, size / (size + x)), naive=True),
        Twin("shapes_exchanged", Flag.T_INDEX, "a and b exchanged",
             lambda f, x, a, b, size: _cdf(f, x, b, a, size)),
        Twin("scale_left_out", Flag.S_VS_S2, "1 in place of l",
             lambda f, x, a, b, size: _cdf(f, x, a, b, 1)),
        Twin("beta_law", Flag.BASIC, "I_x(a, b) where x < 1: the beta law",
             lambda f, x, a, b, size: f.beta_lower(a, b, x / size) if x < size else 1),
    ),
    cases=(
        *ordinary({"x": across(0.05, 12), "a": across(0.3, 6), "b": across(0.3, 6),
                   "scale": across(0.2, 5)},
                  (Flag.T_INDEX, Flag.SIGN, Flag.S_VS_S2), basic=14),
        *cases(Flag.TAIL, "x a b scale", [
            (1e-3, 4.0, 1.5, 0.7), (e(-40), 2.5, 0.4, 1.2), (0.05, 9.0, 3.0, 2.0),
            (0.4, 40.0, 30.0, 1.5),
        ]),
        *cases(Flag.BASIC, "x a b scale", [
            (e(60), 1.5, 0.3, 2.0), (e(-60), 0.3, 1.5, 2.0), (2.0, 60.0, 60.0, 2.0),
            (3.0, 2.0, 0.7, e(20)),
        ]),
    ),
)  # fmt: skip

FUNCTIONS = (BETA_PRIME,)
