"""Distribution functions of laws that are not log-normal (sheet R25, R24).

An incomplete gamma or beta function is a power, an exponential and a series that does not cancel.
T is the size of the logarithm of the first two, whose rounding every program shares; close to 1
the complement is what is computed so, which is why it enters as 2 out (1 - out) T.
"""

import mpmath
from mpmath import mpf

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, cases, e, ordinary
from spec.vectors.records import Flag, Formula, Twin, VectorFunction

STATE = {"x": "a state, > 0"}
_KINDS = (Flag.T_INDEX, Flag.SIGN)
# SciPy 1.17.1 is off by up to 54 of these units where it changes from one method to another.
_K = 64
_K_REASON = (
    "the incomplete gamma functions of SciPy 1.17.1 lose up to 54 units of S where they change "
    "the method, near alpha = 0.5, beta x = 1 (measured over 2,500 arguments)"
)
# Tails of 1e-300 as differences from 1.
_COMPLEMENT = 330


def _survival(formula: Formula) -> Twin:
    return Twin("survival", Flag.SIGN, "the probability of a larger value",
                lambda f, *args: 1 - formula(f, *args))  # fmt: skip


def _by_series(a: mpf, x: mpf) -> mpf:
    """P(a, x) = x^a e^-x / Gamma(a + 1) * sum of x^n / ((a + 1) ... (a + n)), all positive."""
    with mpmath.extradps(10):
        term = total = mpf(1)
        n = 0
        while term > mpmath.eps * total:
            n += 1
            term *= x / (a + n)
            total += term
        return total * mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a + 1))


def _size(out: Number, rest: Number, T: Number, slope: Number) -> Number:
    """S from the value, its complement, T and x times the density."""
    return out * (1 + 2 * rest * T) + slope


def _gamma_parts(f: Arithmetic, shape: Number, u: Number) -> tuple[Number, Number]:
    """T and u times the density of the gamma law of rate 1."""
    T = shape * abs(f.log(u)) + u + abs(f.log_gamma(shape + 1))
    return T, f.exp(shape * f.log(u) - u - f.log_gamma(shape))


def _gamma(f: Arithmetic, x: Number, alpha: Number, beta: Number) -> Number:
    return f.gamma_lower(alpha, beta * x)


def _gamma_size(f: Arithmetic, x: Number, alpha: Number, beta: Number) -> Number:
    u = beta * x
    return _size(f.gamma_lower(alpha, u), f.gamma_upper(alpha, u), *_gamma_parts(f, alpha, u))


_BOX = {"x": across(0.1, 8), "alpha": across(0.3, 9), "beta": across(0.2, 4)}

GAMMA = VectorFunction(
    name="gamma_cdf",
    claim="R25",
    text="P(alpha, beta x), P the regularised lower incomplete gamma function",
    meanings={**STATE, "alpha": "shape, > 0", "beta": "rate, > 0"},
    formula=_gamma,
    second=lambda f, x, alpha, beta: _by_series(alpha, beta * x),
    scale_text="out (1 + 2 (1 - out) T) + x p(x), T = alpha |log(beta x)| + beta x "
    "+ |log Gamma(alpha + 1)|, p the density",
    scale=_gamma_size,
    k=_K,
    k_reason=_K_REASON,
    twins=(
        _survival(_gamma),
        Twin("one_minus_survival", Flag.TAIL, "1 - Q(alpha, beta x), in float64",
             lambda f, x, alpha, beta: 1 - f.gamma_upper(alpha, beta * x), naive=True),
        Twin("scale_for_rate", Flag.T_INDEX, "x / beta in place of beta x",
             lambda f, x, alpha, beta: _gamma(f, x, alpha, 1 / beta)),
        Twin("not_regularised", Flag.BASIC, "not divided by Gamma(alpha)",
             lambda f, x, alpha, beta: _gamma(f, x, alpha, beta) * f.exp(f.log_gamma(alpha))),
    ),
    cases=(
        *ordinary(_BOX, _KINDS, basic=14, each=4),
        *cases(Flag.TAIL, "x alpha beta", [
            (0.001, 7.5, 0.3), (e(-80), 3.0, 2.0), (1e-9, 2.0, 1.0), (0.2, 40.0, 3.0),
            (2.0, 90.0, 1.5),
        ]),
        *cases(Flag.BASIC, "x alpha beta", [
            (e(-650), 0.4, 2.0), (35.0, 4.0, 1.0), (200.0, 200.0, 1.0), (e(-20), 1.5, e(20)),
            (1.0408765274770706, 0.5121738659264785, 1.0), (1.25, 0.6875, 1.03125),
        ]),
    ),
)  # fmt: skip


def _inverse_gamma(f: Arithmetic, x: Number, alpha: Number, beta: Number) -> Number:
    return f.gamma_upper(alpha, beta / x)


def _inverse_gamma_size(f: Arithmetic, x: Number, alpha: Number, beta: Number) -> Number:
    u = beta / x
    return _size(f.gamma_upper(alpha, u), f.gamma_lower(alpha, u), *_gamma_parts(f, alpha, u))


def _complement_of_series(f: Arithmetic, x: mpf, alpha: mpf, beta: mpf) -> mpf:
    with mpmath.extradps(_COMPLEMENT):
        return 1 - _by_series(alpha, beta / x)


INVERSE_GAMMA = VectorFunction(
    name="inverse_gamma_cdf",
    claim="R25",
    text="Q(alpha, beta / x), Q the regularised upper incomplete gamma function",
    meanings={**STATE, "alpha": "shape, > 0", "beta": "scale, > 0"},
    formula=_inverse_gamma,
    second=_complement_of_series,
    scale_text="out (1 + 2 (1 - out) T) + x p(x), T = alpha |log(beta / x)| + beta / x "
    "+ |log Gamma(alpha + 1)|, p the density",
    scale=_inverse_gamma_size,
    k=_K,
    k_reason=_K_REASON,
    twins=(
        _survival(_inverse_gamma),
        Twin("one_minus_survival", Flag.TAIL, "1 - P(alpha, beta / x), in float64",
             lambda f, x, alpha, beta: 1 - f.gamma_lower(alpha, beta / x), naive=True),
        Twin("of_the_inverse", Flag.T_INDEX, "P(alpha, beta x), the gamma law",
             lambda f, x, alpha, beta: _gamma(f, x, alpha, beta)),
    ),
    cases=(
        *ordinary(_BOX, _KINDS, basic=14, each=4),
        *cases(Flag.TAIL, "x alpha beta", [
            (0.01, 3.0, 0.5), (0.02, 0.4, 2.0), (1.7, 6.0, 90.0), (0.003, 1.3, 1.7),
            (e(-6), 12.0, 1.5),
        ]),
        *cases(Flag.BASIC, "x alpha beta", [
            (e(500), 0.03, 2.0), (30.0, 4.0, 0.9), (1.0, 150.0, 150.0), (e(40), 1.5, e(41)),
            (1.0, 0.5121738659264785, 1.0408765274770706),
            (1.0, 0.5051520273311665, 0.5223526811261475),
        ]),
    ),
)  # fmt: skip


def _weibull(f: Arithmetic, x: Number, c: Number, size: Number) -> Number:
    return 1 - f.exp(-f.power(x / size, c))


def _weibull_size(f: Arithmetic, x: Number, c: Number, size: Number) -> Number:
    u = f.power(x / size, c)
    return 1 - f.exp(-u) + (1 + c) * u * f.exp(-u)


WEIBULL = VectorFunction(
    name="weibull_cdf",
    claim="R25",
    text="1 - exp(-(x / l)^c), l = scale",
    meanings={**STATE, "c": "shape, > 0", "scale": "scale l, > 0"},
    formula=_weibull,
    second=lambda f, x, c, size: _by_series(mpf(1), mpmath.power(x / size, c)),
    scale_text="out + (1 + c) (x / l)^c exp(-(x / l)^c)",
    scale=_weibull_size,
    guard=60,
    twins=(
        _survival(_weibull),
        Twin("one_minus_exponential", Flag.CANCELLATION, "the formula as written, in float64",
             _weibull, naive=True),
        Twin("power_left_out", Flag.T_INDEX, "x / l in place of its power",
             lambda f, x, c, size: _weibull(f, x, 1, size)),
        Twin("scale_left_out", Flag.S_VS_S2, "1 in place of l",
             lambda f, x, c, size: _weibull(f, x, c, 1)),
    ),
    cases=(
        *ordinary({"x": across(0.1, 3), "c": across(0.3, 3), "scale": across(0.3, 4)},
                  (*_KINDS, Flag.S_VS_S2), basic=12, each=4),
        *cases(Flag.CANCELLATION, "x c scale", [
            (1e-5, 2.0, 1.7), (1e-3, 5.0, 0.4), (e(-50), 0.7, 2.0), (1.7, 12.0, 60.0),
        ]),
        *cases(Flag.BASIC, "x c scale", [(5.0, 0.01, e(600)), (3.3, 4.0, 2.0)]),
    ),
)  # fmt: skip

FUNCTIONS = (GAMMA, INVERSE_GAMMA, WEIBULL)
