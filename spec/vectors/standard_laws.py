"""Hyvarinen scores x d/dx log p(x) of laws that are not log-normal (sheet R25, R24)."""

import mpmath

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, cases, e, ordinary
from spec.vectors.records import Flag, Formula, Twin, VectorFunction

STATE = {"x": "a state, > 0"}
_KINDS = (Flag.H_VS_STEIN, Flag.H_VS_LOGSCORE)


def _twins(formula: Formula) -> tuple[Twin, ...]:
    """The mistakes that all laws share."""
    return (
        Twin("log_score", Flag.H_VS_LOGSCORE, "the -1 is left out",
             lambda f, *args: formula(f, *args) + 1),
        Twin("stein_score", Flag.H_VS_STEIN, "divided by x",
             lambda f, x, *law: formula(f, x, *law) / x),
    )  # fmt: skip


def _slope(log_density: Formula) -> Formula:
    """d/dlog x of the log density (up to a constant), by Richardson's central difference."""

    def formula(f: Arithmetic, x: Number, *law: Number) -> Number:
        with mpmath.extradps(120):
            y = mpmath.log(x)

            def difference(h: Number) -> Number:
                ends = [log_density(f, mpmath.exp(y + sign * h), *law) for sign in (1, -1)]
                return (ends[0] - ends[1]) / (2 * h)

            step = mpmath.mpf(10) ** -40
            return (4 * difference(step / 2) - difference(step)) / 3

    return formula


def _gamma(f: Arithmetic, x: Number, alpha: Number, beta: Number) -> Number:
    return alpha - 1 - beta * x


GAMMA = VectorFunction(
    name="gamma_hyvarinen_score",
    claim="R25",
    text="alpha - 1 - beta x",
    meanings={**STATE, "alpha": "shape, > 0", "beta": "rate, > 0"},
    formula=_gamma,
    second=_slope(lambda f, x, alpha, beta: (alpha - 1) * f.log(x) - beta * x),
    scale_text="alpha + 1 + beta x",
    scale=lambda f, x, alpha, beta: alpha + 1 + beta * x,
    twins=(
        *_twins(_gamma),
        Twin("scale_for_rate", Flag.T_INDEX, "x / beta in place of beta x",
             lambda f, x, alpha, beta: _gamma(f, x, alpha, 1 / beta)),
    ),
    cases=(
        *ordinary({"x": across(0.02, 50), "alpha": across(0.2, 9), "beta": across(0.1, 7)},
                  (*_KINDS, Flag.T_INDEX)),
        *cases(Flag.NEAR_ROOT, "x alpha beta", [
            (1.5, 4.0, 2.0), (0.3, 1.3, 1.0), (4.999999, 11.0, 2.0),
            (2.0, 3.5, 1.2500000000000002),
        ]),
        *cases(Flag.TAIL, "x alpha beta", [
            (e(300), 2.5, 0.3), (e(-650), 0.4, 2.0), (1.7, 1e6, 3e-9), (e(-690), 3.0, e(690)),
        ]),
    ),
)  # fmt: skip


def _inverse_gamma(f: Arithmetic, x: Number, alpha: Number, beta: Number) -> Number:
    return -alpha - 1 + beta / x


INVERSE_GAMMA = VectorFunction(
    name="inverse_gamma_hyvarinen_score",
    claim="R25",
    text="beta / x - alpha - 1",
    meanings={**STATE, "alpha": "shape, > 0", "beta": "scale, > 0"},
    formula=_inverse_gamma,
    second=_slope(lambda f, x, alpha, beta: -(alpha + 1) * f.log(x) - beta / x),
    scale_text="beta / x + alpha + 1",
    scale=lambda f, x, alpha, beta: beta / x + alpha + 1,
    twins=(
        *_twins(_inverse_gamma),
        Twin("law_of_the_inverse", Flag.T_INDEX, "alpha - 1 - beta / x",
             lambda f, x, alpha, beta: alpha - 1 - beta / x),
    ),
    cases=(
        *ordinary({"x": across(0.02, 50), "alpha": across(0.2, 9), "beta": across(0.1, 7)},
                  (*_KINDS, Flag.T_INDEX)),
        *cases(Flag.NEAR_ROOT, "x alpha beta", [
            (1.5, 3.0, 6.0), (0.3, 1.3, 0.69), (0.25, 2.9999999, 1.0),
            (2.0, 3.5, 9.000000000000002),
        ]),
        *cases(Flag.TAIL, "x alpha beta", [
            (e(300), 2.5, 0.3), (e(-300), 0.4, 2.0), (1.7, 1e6, 3e-9), (e(690), 3.0, e(690)),
        ]),
    ),
)  # fmt: skip


def _weibull(f: Arithmetic, x: Number, kappa: Number, scale: Number) -> Number:
    return kappa - 1 - kappa * f.power(x / scale, kappa)


def _weibull_size(f: Arithmetic, x: Number, kappa: Number, scale: Number) -> Number:
    power = f.power(x / scale, kappa)
    return kappa + 1 + kappa * power * (1 + kappa)


WEIBULL = VectorFunction(
    name="weibull_hyvarinen_score",
    claim="R25",
    text="c - 1 - c (x / l)^c, l = scale",
    meanings={**STATE, "c": "shape, > 0", "scale": "scale l, > 0"},
    formula=_weibull,
    second=_slope(
        lambda f, x, c, size: (c - 1) * f.log(x) - f.exp(c * f.log(x) - c * f.log(size))
    ),
    scale_text="c + 1 + c (1 + c) (x / l)^c",
    scale=_weibull_size,
    twins=(
        *_twins(_weibull),
        Twin("power_one_less", Flag.T_INDEX, "(x / l)^(c - 1)",
             lambda f, x, c, size: c - 1 - c * f.power(x / size, c - 1)),
        Twin("scale_left_out", Flag.S_VS_S2, "x^c", lambda f, x, c, size: _weibull(f, x, c, 1)),
    ),
    cases=(
        *ordinary({"x": across(0.05, 20), "c": across(0.3, 6), "scale": across(0.2, 5)},
                  (*_KINDS, Flag.T_INDEX, Flag.S_VS_S2)),
        *cases(Flag.NEAR_ROOT, "x c scale", [
            (1.0, 2.0, 1.4142135623730951), (0.75, 2.0, 1.0606601717798212),
        ]),
        *cases(Flag.TAIL, "x c scale", [
            (e(300), 2.0, 1.7), (e(-650), 0.4, 2.0), (1.7, 300.0, 0.4), (0.3, 1e-12, 2.0),
            (5.0, 0.01, e(600)),
        ]),
    ),
)  # fmt: skip


def _beta_prime(f: Arithmetic, x: Number, a: Number, b: Number, scale: Number) -> Number:
    return a - 1 - (a + b) * x / (scale + x)


BETA_PRIME = VectorFunction(
    name="beta_prime_hyvarinen_score",
    claim="R24-inverse-gamma",
    text="a - 1 - (a + b) x / (l + x), l = scale; inverse-gamma(b, l a) data under a looks",
    meanings={**STATE, "a": "first shape, > 0", "b": "second shape, > 0",
              "scale": "scale l, > 0"},
    formula=_beta_prime,
    second=_slope(lambda f, x, a, b, size: (a - 1) * f.log(x) - (a + b) * f.log(size + x)),
    scale_text="a + 1 + (a + b) x / (l + x)",
    scale=lambda f, x, a, b, size: a + 1 + (a + b) * x / (size + x),
    twins=(
        *_twins(_beta_prime),
        Twin("shapes_exchanged", Flag.T_INDEX, "b - 1 - ...",
             lambda f, x, a, b, size: _beta_prime(f, x, b, a, size)),
        Twin("scale_left_out", Flag.S_VS_S2, "1 in place of l",
             lambda f, x, a, b, size: _beta_prime(f, x, a, b, 1)),
    ),
    cases=(
        *ordinary({"x": across(0.02, 50), "a": across(0.3, 9), "b": across(0.3, 9),
                   "scale": across(0.2, 5)}, (*_KINDS, Flag.T_INDEX, Flag.S_VS_S2)),
        *cases(Flag.NEAR_ROOT, "x a b scale", [
            (1.0, 4.0, 2.0, 1.0), (2.0, 3.0, 1.0, 2.0), (0.5, 2.0, 1.0, 1.0),
        ]),
        *cases(Flag.TAIL, "x a b scale", [
            (e(700), 2.5, 0.3, 1.2), (e(-700), 0.4, 2.0, 0.7), (1.7, 1e6, 3e-9, 0.6),
            (2.0, 1.5, 0.7, e(650)),
        ]),
    ),
)  # fmt: skip

FUNCTIONS = (GAMMA, INVERSE_GAMMA, WEIBULL, BETA_PRIME)
