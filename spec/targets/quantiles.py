"""Quantiles of the data laws."""

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Rational, Symbol, erfinv, sqrt

from spec.checking.claim import Claim, Means, Pin
from spec.checking.numeric import agree
from spec.checking.trace import points
from spec.targets.moments import KINDS, POINTS_OF

Values = Mapping[str, mpf]
q = Symbol("q", positive=True)
_LEVELS = ({"q": "0.03"}, {"q": "0.5"}, {"q": "0.77"}, {"q": "0.999"})


def inverts_the_cdf(quantile: Expr) -> bool:
    r"""At the points shown the quantile $q$ of the standard normal law is $[[it]]$.

    What lies below it is integrated numerically and compared with $q$.
    """
    with mpmath.workdps(40):
        for point in points(_LEVELS):
            end = mpf(quantile.subs(q, Rational(point["q"])).evalf(40))
            below = mpmath.quad(
                lambda y: mpmath.exp(-(y**2) / 2) / mpmath.sqrt(2 * mpmath.pi),
                [mpf(-14), mpf(-4), end],
            )
            if not agree(below, mpf(point["q"]), 15):
                return False
    return True


def _root(cdf: Callable[[mpf, Values], mpf], low: str, high: str) -> Callable[[Values], mpf]:
    """exp of the y at which cdf(exp y) is q, by a search between two ends."""

    def formula(at: Values) -> mpf:
        ends = mpf(low), mpf(high)
        return mpmath.exp(
            mpmath.findroot(lambda y: cdf(mpmath.exp(y), at) - at["q"], ends, "anderson")
        )

    return formula


def _normal(x: mpf, mean: mpf, variance: mpf) -> mpf:
    return mpmath.ncdf((mpmath.log(x) - mean) / mpmath.sqrt(variance))


CDFS: dict[str, Callable[[mpf, Values], mpf]] = {
    "LogNormal": lambda x, at: _normal(x, at["a"], at["S"]),
    "LogNormalMixture": lambda x, at: (
        at["w1"] * _normal(x, at["a"], at["S"]) + at["w2"] * _normal(x, at["b"], at["T"])
    ),
    "PointMasses": lambda x, at: (
        sum(_normal(x, mpmath.log(at[p]), at["v"]) for p in ("p", "r")) / 2
    ),
    "Gamma": lambda x, at: mpmath.gammainc(at["k"], 0, at["c"] * x, regularized=True),
    "InverseGamma": lambda x, at: mpmath.gammainc(at["k"], at["c"] / x, regularized=True),
    "Weibull": lambda x, at: -mpmath.expm1(-((x / at["c"]) ** at["k"])),
    "BetaPrime": lambda x, at: mpmath.betainc(
        at["k"], at["b"], 0, x / (at["c"] + x), regularized=True
    ),
}


def _quantile_pin(name: str) -> Pin:
    cdf = CDFS[name]
    found = tuple(
        {**at, "q": level} for at, level in zip(POINTS_OF[name], (0.3, 0.9), strict=True)
    )
    low, high = ("-6", "10") if name in KINDS else ("-9", "9")
    return Pin(
        f"gbm_ref.{name}.ppf",
        found,
        because="it solves for the quantile of its own distribution function",
        formula=_root(cdf, low, high),
        twins={"the upper tail": _root(lambda x, at: 1 - cdf(x, at), low, high)},
        k=64.0,
    )


QUANTILE = Claim(
    "quantiles",
    "quantiles of the standard normal law",
    inverts_the_cdf,
    holds=sqrt(2) * erfinv(2 * q - 1),
    twins={
        "upper tail": -sqrt(2) * erfinv(2 * q - 1),
        "variance two": 2 * erfinv(2 * q - 1),
        "not centred": sqrt(2) * erfinv(q),
    },
    means=Means.POINTS,
    sheet=("A23",),
    depends=("A23",),
    pins=tuple(_quantile_pin(name) for name in CDFS),
)
CLAIMS = (QUANTILE,)
