"""Means, variances, quantiles and marginals of the data laws.

Symbols: G1, G2 exponentials of log-variances; k, c, b shapes and scale of a law on the line."""

from collections.abc import Callable, Mapping
from functools import cache

import mpmath
from mpmath import mpf
from sympy import (
    Expr, Integer, Matrix, Poly, Rational, Symbol, cancel, erf, erfinv, exp, expand, gamma,
    integrate, oo, sqrt, symbols, sympify)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.pins import table
from spec.checking.symbols import s2, x
from spec.targets import log_normal
from spec.targets import standard_laws as laws

e1, e2, G1, G2, w1, w2, n, k, c, b, u, q = symbols("e1 e2 G1 G2 w1 w2 n k c b u q", positive=True)
_SQUARES = e1**2 * G1, e2**2 * G2
Values = Mapping[str, mpf]
Pair = tuple[Expr, Expr]


def are_of_the_mixture(moments: Pair) -> bool:
    r"""For a mixture of two log-normal laws with weights $w_1$ and $w_2$, which add up to one,
    $E(X)$ is $[[0]]$ and $\operatorname{Var}(X)$ is $[[1]]$, with $e_j$ the mean and $S_j$ the
    log-variance of component $j$, and $G_j$ the exponential of $S_j$.

    The second moment of the first component is $[[square]]$, and so for the other
    (mean-log-normal). Those of the mixture are their averages."""
    first, second = (log_normal.MEAN.holds[0].subs(log_normal.n, order) for order in (1, 2))
    mean, square = w1 * e1 + w2 * e2, w1 * _SQUARES[0] + w2 * _SQUARES[1]
    gaps = [f.subs(w2, 1 - w1) for f in (moments[0] - mean, moments[1] - square + mean**2)]
    return vanishes([second - 2 * first - s2, *gaps])


def _parts(bend: int = 1) -> Pair:
    mean = w1 * e1 + w2 * e2
    within = w1 * e1**2 * (G1 - 1) + w2 * e2**2 * (G2 - 1)
    return mean, within + bend * (w1 * (e1 - mean) ** 2 + w2 * (e2 - mean) ** 2)


# Each with the names of its parameters, and a factor that makes powers times it give two moments.
_LAWS = (("gamma", {laws.alpha: k, laws.beta: c}, Integer(1)), ("inverse gamma", {laws.alpha: k,
    laws.beta: c}, x), ("beta prime", {laws.a: k, laws.scale: c}, c + x),)  # fmt: skip


def are_of_products(moments: tuple[Pair, ...]) -> bool:
    r"""Mean and variance of a gamma law of shape $k$ and rate $c$: $[[0.0]]$, $[[0.1]]$; of an
    inverse gamma law of shape $k$ and scale $c$: $[[1.0]]$, $[[1.1]]$; of a beta prime law of
    shapes $k$ and $b$ and scale $c$: $[[2.0]]$, $[[2.1]]$.

    By parts, the average of $f$ times the score of $\log X$ and that of $X$ times the slope of $f$
    add up to nothing, for the log scores of R25. With powers for $f$, for the second law times
    $X$, for the last times the sum of scale and $X$, each moment follows from the one before."""
    return same(Matrix(moments), _of_products())


@cache
def _of_products() -> Matrix:
    """Means and variances."""
    found = []
    for law, named, factor in _LAWS:
        score = laws.SCORES.holds[law].subs(named, simultaneous=True)
        first, ratio = (rise(score, factor).subs(n, order) for order in (0, 1))
        found.append((first, first * (ratio - first)))
    return Matrix(found)


def rise(score: Expr, factor: Expr) -> Expr:
    """E[X^(n+1)] / E[X^n]: E[X f'] + E[f (1 + score)] vanishes for f = x^n factor."""
    over_power = cancel(n * factor + x * factor.diff(x) + factor * (1 + score))
    slope, constant = Poly(over_power, x).all_coeffs()
    return -constant / slope


def are_of_weibull(moments: Pair) -> bool:
    r"""A Weibull law of shape $k$ and scale $c$ has the mean $[[0]]$ and the variance $[[1]]$.

    The power $k$ of $X$ in units of $c$ has the tail $[[tail]]$ (R25), and so the density
    $[[density]]$, over which the moments are integrated exactly. Values of the gamma function
    become symbols."""
    first, second = (integrate((c * u ** (1 / k)) ** i * _DENSITY, (u, 0, oo)) for i in (1, 2))
    gaps = moments[0] - first, moments[1] - second + first**2
    return vanishes([f.replace(gamma, lambda at: Symbol(f"gamma({expand(at)})")) for f in gaps])


_TAIL = laws.TAILS["Weibull"].subs(x, laws.scale * u ** (1 / laws.c))
_DENSITY = -_TAIL.diff(u)


def inverts_the_cdf(quantile: Expr) -> bool:
    r"""The quantile $q$, between zero and one, of the standard normal law is $[[it]]$.

    The distribution function of A23 at it is $q$. An error function that remains becomes a symbol.
    """
    below = log_normal.normal_cdf(expand(quantile))
    return same(below.replace(erf, lambda at: Symbol(f"erf({at})")), q)


_A, _B, _S, _T, _P, _R, _V = symbols("a b S T p r v", positive=True)
_TWO_LINES = ((0.3, 0.7, -0.9, 0.6, 0.11, 0.26), (0.75, 0.25, 4.0, -2.0, 1.7, 0.02))
# Points, and what they make of the symbols: one component, two, and two points p and r, equally
# likely, with the log-variance v round each.
_KINDS: dict[str, tuple[tuple[dict[str, float], ...], dict[Symbol, Expr]]] = {
    "LogNormal": (
        table("a S", (-0.9, 0.11), (4.0, 1.7)),
        {w1: 1, w2: 0, e1: exp(_A + _S / 2), e2: 2, G1: exp(_S), G2: 1},
    ), "LogNormalMixture": (
        table("w1 w2 a b S T", *_TWO_LINES),
        {e1: exp(_A + _S / 2), e2: exp(_B + _T / 2), G1: exp(_S), G2: exp(_T)},
    ), "PointMasses": (
        table("p r v", (0.7, 1.9, 0.09), (40.0, 0.3, 1.2)), {
            **dict.fromkeys((w1, w2), Rational(1, 2)),
            **{e1: _P * exp(_V / 2), e2: _R * exp(_V / 2), G1: exp(_V), G2: exp(_V)},
        },
    )}  # fmt: skip
_SHAPES = table("k c", (2.3, 0.7), (4.1, 1.3))
_POINTS = {name: points for name, (points, _) in _KINDS.items()} | {**dict.fromkeys(("Gamma",
    "InverseGamma", "Weibull"), _SHAPES), "BetaPrime": table("k c b", (2.3, 0.7, 5.3), (4.1, 1.3,
    2.6)),}  # fmt: skip


def _marginal(name: str, names: str, first: str, second: str) -> Pin:
    """The parameters of the second coordinate of two."""
    rows = (0.3, 0.7, 1.4, 0.2), (0.7, 1.4, 0.2, 2.1)
    return Pin(
        f"gbm_ref.{name}.marginal", table(names, *(row[: len(names.split())] for row in rows)),
        because="a marginal keeps the parameters of its coordinates",
        formula=symbols(second), twins={"the other coordinate": symbols(first)},
    )  # fmt: skip


def _moment_pins(name: str) -> tuple[Pin, Pin]:
    at, of = _KINDS[name][0], {e: sympify(f) for e, f in _KINDS[name][1].items()}
    # Equal weights do not see what the twins of a mean get wrong.
    other = {"mean of the points": (_P + _R) / 2} if name == "PointMasses" else {}
    mean, variance = (lambda found, j=j: found[j].xreplace(of) for j in (0, 1))
    law = f"gbm_ref.{name}"
    return Pin(f"{law}.mean", at, mean, twins=other), Pin(f"{law}.var", at, variance)


_MEAN, _VARIANCE = _parts()
MIXTURE = Claim(
    "mixture-moments", "mean and variance of a mixture of log-normal laws", are_of_the_mixture,
    holds=(_MEAN, _VARIANCE), twins={
        "spread between the components forgotten": _parts(0),
        "spread of the components forgotten": (_MEAN, _VARIANCE.subs({G1: 1, G2: 1})),
        "root of the second moment": (_MEAN, w1 * e1**2 * G1 + w2 * e2**2 * G2),
        "weights exchanged": (w2 * e1 + w1 * e2, _VARIANCE),
    }, values=lambda: {"square": _SQUARES[0]}, sheet=("E1",),
    depends=("R2", "mean-log-normal"), pins=(
        *(pin for name in _KINDS for pin in _moment_pins(name)),
        _marginal("LogNormal", "a1 a2 S11 S22", "a1 S11", "a2 S22"),
        _marginal("LogNormalMixture", "a1 a2 S11 S22", "a1 S11", "a2 S22"),
        _marginal("PointMasses", "p1 p2 v", "p1 v", "p2 v"),
    ))  # fmt: skip
_MOMENTS = (
    (k / c, k / c**2), (c / (k - 1), c**2 / ((k - 1) ** 2 * (k - 2))),
    (c * k / (b - 1), c**2 * k * (k + b - 1) / ((b - 1) ** 2 * (b - 2))))  # fmt: skip
_TAKEN = ("Gamma", "InverseGamma", "BetaPrime")
PRODUCTS = Claim(
    "product-moments", "mean and variance of gamma, inverse gamma and beta prime laws",
    are_of_products, holds=_MOMENTS,
    twins={
        "rate for scale": ((k * c, k * c**2), *_MOMENTS[1:]),
        "gamma: one more": ((k / c, (k + 1) / c**2), *_MOMENTS[1:]), "inverse gamma: one more": (
            _MOMENTS[0], tuple(part.subs(k, k + 1) for part in _MOMENTS[1]), _MOMENTS[2],
        ), "beta prime: one more": (
            *_MOMENTS[:2], tuple(part.subs(b, b + 1) for part in _MOMENTS[2]),
        ),
    }, sheet=("R25",), assumptions=(
        Assumption(
            "the moments exist, and the terms at the ends vanish",
            "the recursion; without it a variance can come out negative",
            lambda: bool(_MOMENTS[1][1].subs({k: 1.5, c: 1}) < 0),
        ),
    ), depends=("R25",), pins=(
        *(
            Pin(f"gbm_ref.{name}.{method}", _POINTS[name], reads=lambda m, i=i, j=j: m[i][j])
            for i, name in enumerate(_TAKEN) for j, method in enumerate(("mean", "var"))
        ), *(_marginal(name, "k1 k2 c1 c2", "k1 c1", "k2 c2") for name in (*_TAKEN, "Weibull")),
    ))  # fmt: skip
_WIDE = gamma(1 + 2 / k) - gamma(1 + 1 / k) ** 2
WEIBULL = Claim(
    "weibull-moments", "mean and variance of the Weibull law", are_of_weibull,
    holds=(c * gamma(1 + 1 / k), c**2 * _WIDE), twins={
        "without the one": (c * gamma(1 / k), c**2 * _WIDE),
        "shape for its inverse": (c * gamma(1 + k), c**2 * _WIDE),
        "second moment": (c * gamma(1 + 1 / k), c**2 * gamma(1 + 2 / k)),
    }, values=lambda: {"tail": _TAIL, "density": _DENSITY}, means=Means.CALCULUS, sheet=("R25",),
    depends=("R25",), pins=tuple(
        Pin(
            f"gbm_ref.Weibull.{method}", _SHAPES, reads=lambda m, j=j: m[j],
        ) for j, method in enumerate(("mean", "var"))
    ))  # fmt: skip


def _root(cdf: Callable[[mpf, Values], mpf], low: int, high: int) -> Callable[[Values], mpf]:
    """exp of the y at which cdf(exp y) is q, by a search between two ends."""
    return lambda at: mpmath.exp(
        mpmath.findroot(lambda y: cdf(mpmath.exp(y), at) - at["q"], (low, high), "anderson")
    )


def _normal(x: mpf, mean: mpf, variance: mpf) -> mpf:
    return mpmath.ncdf((mpmath.log(x) - mean) / mpmath.sqrt(variance))


_CDFS: dict[str, Callable[[mpf, Values], mpf]] = {
    "LogNormal": lambda x, at: _normal(x, at["a"], at["S"]), "LogNormalMixture": lambda x, at: (
        at["w1"] * _normal(x, at["a"], at["S"]) + at["w2"] * _normal(x, at["b"], at["T"])
    ), "PointMasses": lambda x, at: (
        sum(_normal(x, mpmath.log(at[p]), at["v"]) for p in ("p", "r")) / 2
    ), "Gamma": lambda x, at: mpmath.gammainc(at["k"], 0, at["c"] * x, regularized=True),
    "InverseGamma": lambda x, at: mpmath.gammainc(at["k"], at["c"] / x, regularized=True),
    "Weibull": lambda x, at: -mpmath.expm1(-((x / at["c"]) ** at["k"])),
    "BetaPrime": lambda x, at: mpmath.betainc(
        at["k"], at["b"], 0, x / (at["c"] + x), regularized=True,
    )}  # fmt: skip


def _quantile_pin(name: str) -> Pin:
    cdf, ends = _CDFS[name], (-6, 10) if name in _KINDS else (-9, 9)
    levels = zip(_POINTS[name], (0.3, 0.9), strict=True)
    return Pin(
        f"gbm_ref.{name}.ppf", tuple({**at, "q": level} for at, level in levels),
        because="it solves for the quantile of its own distribution function",
        formula=_root(cdf, *ends),
        twins={"the upper tail": _root(lambda x, at: 1 - cdf(x, at), *ends)}, k=64.0,
    )  # fmt: skip


QUANTILE = Claim(
    "quantiles", "quantiles of the standard normal law", inverts_the_cdf,
    holds=sqrt(2) * erfinv(2 * q - 1), twins={
        "upper tail": -sqrt(2) * erfinv(2 * q - 1), "variance two": 2 * erfinv(2 * q - 1),
        "not centred": sqrt(2) * erfinv(q),
    }, means=Means.CALCULUS, sheet=("A23",), depends=("A23",),
    pins=tuple(map(_quantile_pin, _CDFS)))  # fmt: skip
CLAIMS = (MIXTURE, PRODUCTS, WEIBULL, QUANTILE)
