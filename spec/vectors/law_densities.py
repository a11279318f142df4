"""Log densities of laws that are not log-normal (sheet R25, R24).

They rest on log Gamma, so that S counts its values too.
"""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, cases, e, ordinary
from spec.vectors.records import Flag, Formula, Twin, VectorFunction

STATE = {"x": "a state, > 0"}


def _jacobian(formula: Formula) -> Twin:
    return Twin("density_of_the_logarithm", Flag.H_VS_LOGSCORE, "+ log x: the density of log X",
                lambda f, x, *law: formula(f, x, *law) + f.log(x))  # fmt: skip


def _density_first(formula: Formula) -> Twin:
    return Twin("logarithm_of_density", Flag.TAIL, "the density first, then its log, in float64",
                lambda f, *args: f.log(f.exp(formula(f, *args))), naive=True)  # fmt: skip


def _gamma(f: Arithmetic, x: Number, alpha: Number, beta: Number) -> Number:
    return alpha * f.log(beta * x) - f.log(x) - beta * x - f.log_gamma(alpha)


def _gamma_size(f: Arithmetic, x: Number, alpha: Number, beta: Number) -> Number:
    sizes = alpha * (1 + abs(f.log(beta * x))) + abs(f.log(x)) + beta * x
    return 1 + sizes + abs(f.log_gamma(alpha))


_GAMMA_BOX = {"x": across(0.02, 50), "alpha": across(0.2, 9), "beta": across(0.1, 7)}

GAMMA = VectorFunction(
    name="gamma_logpdf",
    claim="R25",
    text="alpha log(beta x) - log(x) - beta x - log Gamma(alpha)",
    meanings={**STATE, "alpha": "shape, > 0", "beta": "rate, > 0"},
    formula=_gamma,
    second=lambda f, x, alpha, beta: f.log(beta)
    + (alpha - 1) * (f.log(beta) + f.log(x)) - beta * x
    - f.log_gamma(alpha + 1) + f.log(alpha),
    scale_text="1 + alpha (1 + |log(beta x)|) + |log x| + beta x + |log Gamma(alpha)|",
    scale=_gamma_size,
    twins=(
        _jacobian(_gamma),
        _density_first(_gamma),
        Twin("scale_for_rate", Flag.T_INDEX, "1 / beta in place of beta",
             lambda f, x, alpha, beta: _gamma(f, x, alpha, 1 / beta)),
        Twin("not_normalised", Flag.BASIC, "log Gamma(alpha) is left out",
             lambda f, x, alpha, beta: _gamma(f, x, alpha, beta) + f.log_gamma(alpha)),
    ),
    cases=(
        *ordinary(_GAMMA_BOX, (Flag.H_VS_LOGSCORE, Flag.T_INDEX), basic=16, each=4),
        *cases(Flag.TAIL, "x alpha beta", [
            (e(20), 2.5, 0.3), (1.7, 1e6, 3e-9), (9.0, 3.0, 1e4), (e(-700), 30.0, 0.7),
        ]),
        *cases(Flag.BASIC, "x alpha beta", [(e(-650), 0.4, 2.0), (1e6, 1e6, 1.0)]),
    ),
)  # fmt: skip


def _inverse_gamma(f: Arithmetic, x: Number, alpha: Number, beta: Number) -> Number:
    return alpha * f.log(beta / x) - f.log(x) - beta / x - f.log_gamma(alpha)


def _inverse_gamma_size(f: Arithmetic, x: Number, alpha: Number, beta: Number) -> Number:
    sizes = alpha * (1 + abs(f.log(beta / x))) + abs(f.log(x)) + beta / x
    return 1 + sizes + abs(f.log_gamma(alpha))


INVERSE_GAMMA = VectorFunction(
    name="inverse_gamma_logpdf",
    claim="R25",
    text="alpha log(beta / x) - log(x) - beta / x - log Gamma(alpha)",
    meanings={**STATE, "alpha": "shape, > 0", "beta": "scale, > 0"},
    formula=_inverse_gamma,
    second=lambda f, x, alpha, beta: _gamma(f, 1 / x, alpha, beta) - 2 * f.log(x),
    scale_text="1 + alpha (1 + |log(beta / x)|) + |log x| + beta / x + |log Gamma(alpha)|",
    scale=_inverse_gamma_size,
    twins=(
        _jacobian(_inverse_gamma),
        _density_first(_inverse_gamma),
        Twin("jacobian_of_the_inverse", Flag.T_INDEX, "the gamma density at 1 / x",
             lambda f, x, alpha, beta: _gamma(f, 1 / x, alpha, beta)),
    ),
    cases=(
        *ordinary(_GAMMA_BOX, (Flag.H_VS_LOGSCORE, Flag.T_INDEX), basic=16, each=4),
        *cases(Flag.TAIL, "x alpha beta", [
            (e(-20), 2.5, 0.3), (1.7, 1e6, 3e-9), (0.01, 3.0, 1e3), (e(700), 30.0, 0.7),
        ]),
        *cases(Flag.BASIC, "x alpha beta", [(e(650), 0.4, 2.0), (1e-6, 1e6, 1.0)]),
    ),
)  # fmt: skip


def _weibull(f: Arithmetic, x: Number, c: Number, size: Number) -> Number:
    r = x / size
    return f.log(c) + c * f.log(r) - f.log(x) - f.power(r, c)


def _weibull_size(f: Arithmetic, x: Number, c: Number, size: Number) -> Number:
    r = x / size
    sizes = abs(f.log(c)) + c * (1 + abs(f.log(r))) + abs(f.log(x))
    return 1 + sizes + f.power(r, c) * (1 + c)


WEIBULL = VectorFunction(
    name="weibull_logpdf",
    claim="R25",
    text="log(c) + c log(x / l) - log(x) - (x / l)^c, l = scale",
    meanings={**STATE, "c": "shape, > 0", "scale": "scale l, > 0"},
    formula=_weibull,
    second=lambda f, x, c, size: f.log(c / size * f.power(x / size, c - 1)
                                       * f.exp(-f.exp(c * (f.log(x) - f.log(size))))),
    scale_text="1 + |log c| + c (1 + |log(x / l)|) + |log x| + (1 + c) (x / l)^c",
    scale=_weibull_size,
    twins=(
        _jacobian(_weibull),
        _density_first(_weibull),
        Twin("scale_left_out", Flag.S_VS_S2, "1 in place of l",
             lambda f, x, c, size: _weibull(f, x, c, 1)),
    ),
    cases=(
        *ordinary({"x": across(0.05, 20), "c": across(0.3, 4), "scale": across(0.2, 5)},
                  (Flag.H_VS_LOGSCORE, Flag.S_VS_S2), basic=16, each=4),
        *cases(Flag.TAIL, "x c scale", [
            (50.0, 2.0, 1.7), (1.7, 300.0, 0.9), (e(-700), 12.0, 0.4), (e(10), 3.0, 2.0),
        ]),
        *cases(Flag.BASIC, "x c scale", [(e(-650), 0.4, 2.0), (5.0, 0.01, e(600))]),
    ),
)  # fmt: skip


def _log_beta(f: Arithmetic, a: Number, b: Number) -> Number:
    return f.log_gamma(a) + f.log_gamma(b) - f.log_gamma(a + b)


def _beta_prime(f: Arithmetic, x: Number, a: Number, b: Number, size: Number) -> Number:
    r = x / size
    return a * f.log(r) - (a + b) * f.log(1 + r) - f.log(x) - _log_beta(f, a, b)


def _beta_prime_size(f: Arithmetic, x: Number, a: Number, b: Number, size: Number) -> Number:
    r = x / size
    sizes = a * (1 + abs(f.log(r))) + (a + b) * f.log(1 + r) + abs(f.log(x))
    gammas = abs(f.log_gamma(a)) + abs(f.log_gamma(b)) + abs(f.log_gamma(a + b))
    return 1 + sizes + b + gammas


BETA_PRIME = VectorFunction(
    name="beta_prime_logpdf",
    claim="R24-inverse-gamma",
    text="a log(r) - (a + b) log(1 + r) - log(x) - log B(a, b), r = x / scale, B beta function",
    meanings={**STATE, "a": "first shape, > 0", "b": "second shape, > 0", "scale": "scale, > 0"},
    formula=_beta_prime,
    second=lambda f, x, a, b, size: -_log_beta(f, b + 1, a) + f.log(b / (a + b)) - f.log(x)
    - a * f.log(1 + size / x) - b * f.log(1 + x / size),
    scale_text="1 + a (1 + |log r|) + b + (a + b) log(1 + r) + |log x| + |log Gamma(a)| "
    "+ |log Gamma(b)| + |log Gamma(a + b)|",
    scale=_beta_prime_size,
    guard=10,
    twins=(
        _jacobian(_beta_prime),
        _density_first(_beta_prime),
        Twin("shapes_exchanged", Flag.T_INDEX, "a and b exchanged",
             lambda f, x, a, b, size: _beta_prime(f, x, b, a, size)),
        Twin("scale_left_out", Flag.S_VS_S2, "1 in place of the scale",
             lambda f, x, a, b, size: _beta_prime(f, x, a, b, 1)),
    ),
    cases=(
        *ordinary({"x": across(0.02, 50), "a": across(0.3, 9), "b": across(0.3, 9),
                   "scale": across(0.2, 5)},
                  (Flag.H_VS_LOGSCORE, Flag.S_VS_S2, Flag.T_INDEX), basic=14),
        *cases(Flag.TAIL, "x a b scale", [
            (e(700), 2.5, 3.0, 1.2), (e(-700), 4.0, 2.0, 0.7), (0.05, 2e3, 1e3, 0.6),
        ]),
        *cases(Flag.BASIC, "x a b scale", [(2.0, 1.5, 0.7, e(300)), (1.7, 1e6, 3e-3, 0.6)]),
    ),
)  # fmt: skip

FUNCTIONS = (GAMMA, INVERSE_GAMMA, WEIBULL, BETA_PRIME)
