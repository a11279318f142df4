"""Pins of the laws that are not log-normal: densities, distribution functions, scores and draws.

Symbols: x the state; k, b the shape and the rate (or scale) of a law; e shape of a beta-prime law;
g, u standard draws from which `rvs` builds its own. Formulas are functions of mpmath numbers,
since they hold gamma functions.
"""

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mpf

from spec.checking.old import Pin

Values = Mapping[str, mpf]
Law = Callable[[Values, mpf], mpf]

_POINTS = (
    {"x": 1.7, "k": 2.3, "b": 0.7, "e": 3.4},
    {"x": 0.02, "k": 0.6, "b": 1.9, "e": 0.8},
    {"x": 31.0, "k": 5.1, "b": 2.2, "e": 1.3},
)
# Where the distribution functions are of ordinary size.
_MIDDLE = (
    {"x": 1.7, "k": 2.3, "b": 0.7, "e": 3.4},
    {"x": 0.9, "k": 0.6, "b": 1.9, "e": 0.8},
)


def _gamma(at: Values, x: mpf) -> mpf:
    k, b = at["k"], at["b"]
    return k * mpmath.log(b) + (k - 1) * mpmath.log(x) - b * x - mpmath.loggamma(k)


def _inverse_gamma(at: Values, x: mpf) -> mpf:
    """The density of 1 / G, by the change of variables of a gamma variable G of rate b."""
    return _gamma(at, 1 / x) - 2 * mpmath.log(x)


def _weibull(at: Values, x: mpf) -> mpf:
    k, b = at["k"], at["b"]
    return mpmath.log(k / b) + (k - 1) * mpmath.log(x / b) - (x / b) ** k


def _beta_prime(at: Values, x: mpf) -> mpf:
    k, e, r = at["k"], at["e"], x / at["b"]
    size = mpmath.log(mpmath.beta(k, e)) + mpmath.log(at["b"])
    return (k - 1) * mpmath.log(r) - (k + e) * mpmath.log(1 + r) - size


def _logpdf(law: Law) -> Callable[[Values], mpf]:
    return lambda at: law(at, at["x"])


def _gamma_cdf(at: Values) -> mpf:
    return mpmath.gammainc(at["k"], 0, at["b"] * at["x"], regularized=True)


def _inverse_gamma_cdf(at: Values) -> mpf:
    return mpmath.gammainc(at["k"], at["b"] / at["x"], mpmath.inf, regularized=True)


def _weibull_cdf(at: Values) -> mpf:
    return -mpmath.expm1(-((at["x"] / at["b"]) ** at["k"]))


def _beta_prime_cdf(at: Values) -> mpf:
    share = at["x"] / (at["b"] + at["x"])
    return mpmath.betainc(at["k"], at["e"], 0, share, regularized=True)


def _score(law: Law, shift: int = 0, power: int = 0) -> Callable[[Values], mpf]:
    """(x d/dx log p + shift) / x^power, by numerical differentiation along log x."""

    def value(at: Values) -> mpf:
        y = mpmath.log(at["x"])
        slope = mpmath.diff(lambda u: law(at, mpmath.exp(u)), y)
        return (slope + shift) / at["x"] ** power

    return value


# The largest exponent of each density.
_TAILS: dict[str, Callable[[Values], mpf]] = {
    "Gamma": lambda at: at["b"] * at["x"],
    "InverseGamma": lambda at: at["b"] / at["x"],
    "Weibull": lambda at: (1 + at["k"]) * (at["x"] / at["b"]) ** at["k"],
    "BetaPrime": lambda at: at["e"] * (1 + abs(mpmath.log(at["x"] / at["b"]))),
}


def _sizes(name: str, power: int = 0) -> Callable[[Values], mpf]:
    """The terms that density and score add up, the exponent among them."""

    def value(at: Values) -> mpf:
        x, k, b = at["x"], at["k"], at["b"]
        powers = (1 + k) * (1 + abs(mpmath.log(x)) + abs(mpmath.log(b)))
        return (powers + _TAILS[name](at)) / x**power

    return value


# SciPy states no bound for its incomplete gamma and beta functions.
_CDF_K = {"Gamma": 64.0, "InverseGamma": 64.0, "Weibull": 8.0, "BetaPrime": 64.0}


def _pins_of(name: str, law: Law, cdf: Callable[[Values], mpf]) -> tuple[Pin, ...]:
    density = _logpdf(law)
    return (
        Pin(
            f"gbm_ref.{name}.logpdf",
            formula=density,
            twins={"density of log x": lambda at: density(at) + mpmath.log(at["x"])},
            points=_POINTS,
            scale=_sizes(name),
        ),
        Pin(
            f"gbm_ref.{name}.cdf",
            formula=cdf,
            twins={"upper tail": lambda at: 1 - cdf(at)},
            points=_MIDDLE,
            scale=lambda at: mpf(1),
            k=_CDF_K[name],
        ),
        Pin(
            f"gbm_ref.{name}.hyvarinen_score",
            formula=_score(law),
            twins={"log score": _score(law, 1)},
            points=_POINTS,
            scale=_sizes(name),
        ),
        Pin(
            f"gbm_ref.{name}.log_score",
            formula=_score(law, 1),
            twins={"Hyvarinen score": _score(law)},
            points=_POINTS,
            scale=_sizes(name),
        ),
        Pin(
            f"gbm_ref.{name}.stein_score",
            formula=_score(law, 0, 1),
            twins={"not divided by x": _score(law)},
            points=_POINTS,
            scale=_sizes(name, 1),
        ),
    )


_DRAWS = (
    {"k": 2.3, "b": 0.7, "g": 1.9, "u": 0.4},
    {"k": 0.6, "b": 1.9, "g": 0.03, "u": 2.7},
)
_RVS = (
    Pin(
        "gbm_ref.Gamma.rvs",
        formula=lambda at: at["g"] / at["b"],
        twins={"scale for rate": lambda at: at["g"] * at["b"]},
        points=_DRAWS,
    ),
    Pin(
        "gbm_ref.InverseGamma.rvs",
        formula=lambda at: at["b"] / at["g"],
        twins={"rate for scale": lambda at: 1 / (at["b"] * at["g"])},
        points=_DRAWS,
    ),
    Pin(
        "gbm_ref.Weibull.rvs",
        formula=lambda at: at["b"] * at["g"],
        twins={"rate for scale": lambda at: at["g"] / at["b"]},
        points=_DRAWS,
    ),
    Pin(
        "gbm_ref.BetaPrime.rvs",
        formula=lambda at: at["b"] * at["g"] / at["u"],
        twins={"upside down": lambda at: at["b"] * at["u"] / at["g"]},
        points=_DRAWS,
    ),
)

PINS = (
    *_pins_of("Gamma", _gamma, _gamma_cdf),
    *_pins_of("InverseGamma", _inverse_gamma, _inverse_gamma_cdf),
    *_pins_of("Weibull", _weibull, _weibull_cdf),
    *_pins_of("BetaPrime", _beta_prime, _beta_prime_cdf),
    *_RVS,
)
