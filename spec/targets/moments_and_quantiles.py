"""Means, variances, quantiles and marginals of the data laws.

Symbols: e1, e2  means of the components of a mixture;  G1, G2  exponentials of their log-variances;
w1, w2  weights;  n  order of a moment;  k, c, b  shapes and scale of a law with one coordinate.
"""

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mpf
from sympy import (
    Expr,
    Poly,
    Rational,
    Symbol,
    cancel,
    erfinv,
    exp,
    expand,
    gamma,
    sqrt,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Means, Pin
from spec.checking.numeric import agree
from spec.checking.trace import points

e1, e2, G1, G2, w1, w2 = symbols("e1 e2 G1 G2 w1 w2", positive=True)
n, k, c, b = symbols("n k c b", positive=True)
alpha, S = symbols("alpha S", real=True)
Values = Mapping[str, mpf]


def _log_moment(order: int) -> Expr:
    """log E[exp(order Y)] for Y ~ N(alpha, S), by completing the square."""
    y = Symbol("y")

    def peak(exponent: Expr) -> Expr:
        A, B, C = Poly(expand(exponent), y).all_coeffs()
        return C - B**2 / (4 * A)

    exponent = -((y - alpha) ** 2) / (2 * S)
    return cancel(peak(exponent + order * y) - peak(exponent))


def are_of_the_mixture(moments: tuple[Expr, Expr]) -> bool:
    r"""For a mixture of two log-normal laws with weights $w_1$ and $w_2$, which add up to one,
    $E(X)$ is $[[0]]$ and $\operatorname{Var}(X)$ is $[[1]]$, with $e_j$ the mean and $S_j$ the
    log-variance of component $j$, and $G_j$ the exponential of $S_j$.

    The moments of a log-normal variable follow by completing the square: the first is $e_j$, the
    second $[[square]]$. Those of the mixture are their averages.
    """
    second = _log_moment(2) - 2 * _log_moment(1)
    squares = [e**2 * G for e, G in ((e1, G1), (e2, G2))] if same(second, S) else []
    weights = {w2: 1 - w1}
    first = w1 * e1 + w2 * e2
    total = w1 * squares[0] + w2 * squares[1] - first**2
    return vanishes([(f - g).subs(weights) for f, g in zip(moments, (first, total), strict=True)])


def _parts(bend: Expr | int = 1) -> tuple[Expr, Expr]:
    mean = w1 * e1 + w2 * e2
    within = w1 * e1**2 * (G1 - 1) + w2 * e2**2 * (G2 - 1)
    return mean, within + bend * (w1 * (e1 - mean) ** 2 + w2 * (e2 - mean) ** 2)


# Moments by a recursion M_{n+1} = factor M_n, or M_{n} = factor M_{n-1}, from the log score.
_CASES = ("gamma", "inverse", "beta")
Pairs = tuple[tuple[Expr, Expr], ...]


def are_of_products(moments: Pairs) -> bool:
    r"""Mean and variance of a gamma law of shape $k$ and rate $c$: $[[0.0]]$, $[[0.1]]$; of an
    inverse gamma law of shape $k$ and scale $c$: $[[1.0]]$, $[[1.1]]$; of a beta prime law of
    shapes $k$ and $b$ and scale $c$: $[[2.0]]$, $[[2.1]]$, where these are positive.

    By parts, the average of $f$ times the score of $\log X$ and that of $X$ times the slope of $f$
    add up to nothing, for the log scores of R25. With powers for $f$, for the last law times the
    sum of scale and $X$, each moment follows from the one before.
    """
    rises = {
        "gamma": lambda m: (m + k) / c,
        "inverse": lambda m: c / (k - m - 1),
        "beta": lambda m: c * (m + k) / (b - m - 1),
    }
    if not all(_follows(case, rises[case](n)) for case in _CASES):
        return False
    found = []
    for case, (mean, variance) in zip(_CASES, moments, strict=True):
        first = rises[case](0)
        found += [mean - first, variance - (first * rises[case](1) - first**2)]
    return vanishes(found)


def _follows(case: str, rise: Expr) -> bool:
    """Whether E[X f'] + E[f (1 + h)] vanishes with M_{n+1} = rise M_n; x is E's variable."""
    x = Symbol("x", positive=True)
    below, above = rise.subs(n, n - 1), rise
    if case == "gamma":  # f = x^n: (n + k) M_n - c M_{n+1}
        return vanishes(n + k - c * above)
    if case == "inverse":  # f = x^n: n M_n - k M_n + c M_{n-1}
        return vanishes((n - k) * below + c)
    total = n * c + (n + 1) * x + k * (c + x) - (k + b) * x  # f = x^n (c + x)
    return vanishes(total.subs(x, above))


_WEIBULL = ({"k": "1.7", "c": "0.6"}, {"k": "0.8", "c": "2.1"}, {"k": "5.3", "c": "1.2"})


def are_of_weibull(moments: tuple[Expr, Expr]) -> bool:
    r"""A Weibull law of shape $k$ and scale $c$ has, at the points shown, the mean $[[0]]$ and the
    variance $[[1]]$.

    The power $k$ of $X$ in units of $c$ is an exponential variable; over its density both are
    integrated numerically.
    """
    for point in points(_WEIBULL):
        shape, scale = mpf(point["k"]), mpf(point["c"])

        def mean(order: int, shape: mpf = shape, scale: mpf = scale) -> mpf:
            ends = [mpf(0), mpf(1), mpf(4), mpf(16), mpf(64), mpmath.inf]
            power = order / shape + 1
            # u^p e^-u by parts is smooth at 0: int u^p e^-u = int u^(p+1) e^-u / (p + 1).
            whole = mpmath.quad(lambda u: u ** (power + 3) * mpmath.exp(-u), ends)
            return scale**order * whole / (power * (power + 1) * (power + 2) * (power + 3))

        with mpmath.workdps(40):
            first = mean(1)
            for found, exact in zip(moments, (first, mean(2) - first**2), strict=True):
                value = mpf(found.subs({k: Rational(point["k"]), c: Rational(point["c"])}).evalf(40))
                if not agree(value, exact, 12):
                    return False
    return True


q = Symbol("q", positive=True)
_LEVELS = ({"q": "0.03"}, {"q": "0.5"}, {"q": "0.77"}, {"q": "0.999"})


def inverts_the_cdf(quantile: Expr) -> bool:
    r"""At the points shown the quantile $q$ of the standard normal law is $[[it]]$.

    What lies below it is integrated numerically and compared with $q$. The quantile of a
    log-normal law is the exponential of its log-mean and so many of its deviations; that of a
    mixture lies between those of its components and is found by bisection.
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


LINE = {"x": 0.3, "w1": 0.3, "w2": 0.7, "a": -0.9, "b": 0.6, "S": 0.11, "T": 0.26}
FAR = {"w1": 0.75, "w2": 0.25, "a": 4.0, "b": -2.0, "S": 1.7, "T": 0.02}
A, B, T = symbols("a b T", real=True)
_OF_LINE = {
    e1: exp(A + S / 2), e2: exp(B + T / 2), G1: exp(S), G2: exp(T),
}  # fmt: skip


def _mixture(part: Expr) -> Expr:
    return part.subs(_OF_LINE, simultaneous=True)


def _single(part: Expr) -> Expr:
    """Of one component alone."""
    return part.subs({w1: 1, w2: 0}).subs({e1: exp(A + S / 2), G1: exp(S)})


def _data(part: Expr) -> Expr:
    """Of two points p and r, equally likely, with the log-variance v round each."""
    p, r, v = symbols("p r v", positive=True)
    half = {w1: Rational(1, 2), w2: Rational(1, 2)}
    means = {e1: p * exp(v / 2), e2: r * exp(v / 2), G1: exp(v), G2: exp(v)}
    return part.subs(half).subs(means, simultaneous=True)


_LINES = tuple({key: at[key] for key in ("w1", "w2", "a", "b", "S", "T")} for at in (LINE, FAR))
_SINGLE = tuple({key: at[key] for key in ("a", "S")} for at in (LINE, FAR))
_POINTS = ({"p": 0.7, "r": 1.9, "v": 0.09}, {"p": 40.0, "r": 0.3, "v": 1.2})
_KINDS: dict[str, tuple[tuple[dict[str, float], ...], Callable[[Expr], Expr]]] = {
    "LogNormal": (_SINGLE, _single),
    "LogNormalMixture": (_LINES, _mixture),
    "PointMasses": (_POINTS, _data),
}
_SHAPES = ({"k": 2.3, "c": 0.7, "b": 5.3}, {"k": 4.1, "c": 1.3, "b": 2.6})
_PRODUCTS = {"Gamma": 0, "InverseGamma": 1, "BetaPrime": 2}


def _only(points: tuple[dict[str, float], ...], names: str) -> tuple[dict[str, float], ...]:
    return tuple({name: at[name] for name in names} for at in points)


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
_AT: dict[str, tuple[dict[str, float], ...]] = {
    **{name: found[0] for name, found in _KINDS.items()},
    "Gamma": _only(_SHAPES, "kc"), "InverseGamma": _only(_SHAPES, "kc"),
    "Weibull": _only(_SHAPES, "kc"), "BetaPrime": _only(_SHAPES, "kcb"),
}  # fmt: skip


def _quantile_pin(name: str) -> Pin:
    cdf = CDFS[name]
    found = tuple({**at, "q": level} for at, level in zip(_AT[name], (0.3, 0.9), strict=True))
    low, high = ("-6", "10") if name in _KINDS else ("-9", "9")
    return Pin(
        f"gbm_ref.{name}.ppf",
        found,
        because="it solves for the quantile of its own distribution function",
        formula=_root(cdf, low, high),
        twins={"the upper tail": _root(lambda x, at: 1 - cdf(x, at), low, high)},
        k=64.0,
    )


_KEPT = "a marginal keeps the parameters of its coordinates"


def _marginal(name: str, names: str, first: str, second: str) -> Pin:
    """The parameters of the second coordinate of two."""
    values = (0.3, 0.7, 1.4, 0.2, 2.1, 0.9)
    where = [dict(zip(names.split(), values[i:], strict=False)) for i in (0, 1)]
    return Pin(
        f"gbm_ref.{name}.marginal", tuple(where), because=_KEPT,
        formula=tuple(symbols(second)), twins={"the other coordinate": tuple(symbols(first))},
    )  # fmt: skip


_NAMES = {"e1": "e_{1}", "e2": "e_{2}", "G1": "G_{1}", "G2": "G_{2}", "w1": "w_{1}", "w2": "w_{2}"}
MIXTURE = Claim(
    "mixture-moments",
    "mean and variance of a mixture of log-normal laws",
    are_of_the_mixture,
    holds=_parts(),
    twins={
        "spread between the components forgotten": _parts(0),
        "spread of the components forgotten": (_parts()[0], _parts()[1].subs({G1: 1, G2: 1})),
        "root of the second moment": (_parts()[0], w1 * e1**2 * G1 + w2 * e2**2 * G2),
        "weights exchanged": (w2 * e1 + w1 * e2, _parts()[1]),
    },
    values=lambda: {"square": e1**2 * G1},
    names=_NAMES,
    sheet=("E1",),
    depends=("R2",),
    pins=tuple(
        Pin(f"gbm_ref.{name}.{method}", at, reads=lambda c, j=j, of=of: of(c[j]))
        for name, (at, of) in _KINDS.items()
        for j, method in enumerate(("mean", "var"))
    )
    + (
        _marginal("LogNormal", "a1 a2 S11 S22", "a1 S11", "a2 S22"),
        _marginal("LogNormalMixture", "a1 a2 S11 S22", "a1 S11", "a2 S22"),
        _marginal("PointMasses", "p1 p2 v", "p1 v", "p2 v"),
    ),
)
PRODUCTS = Claim(
    "product-moments",
    "mean and variance of the standard laws",
    are_of_products,
    holds=(
        (k / c, k / c**2),
        (c / (k - 1), c**2 / ((k - 1) ** 2 * (k - 2))),
        (c * k / (b - 1), c**2 * k * (k + b - 1) / ((b - 1) ** 2 * (b - 2))),
    ),
    twins={
        "rate for scale": (
            (k * c, k * c**2),
            (c / (k - 1), c**2 / ((k - 1) ** 2 * (k - 2))),
            (c * k / (b - 1), c**2 * k * (k + b - 1) / ((b - 1) ** 2 * (b - 2))),
        ),
        "one more": (
            (k / c, (k + 1) / c**2),
            (c / k, c**2 / (k**2 * (k - 1))),
            (c * k / b, c**2 * k * (k + b) / (b**2 * (b - 1))),
        ),
    },
    sheet=("R25",),
    assumptions=("the moments exist, and the terms at the ends vanish",),
    depends=("R25",),
    pins=tuple(
        Pin(f"gbm_ref.{name}.{method}", _AT[name], reads=lambda m, i=i, j=j: m[i][j])
        for name, i in _PRODUCTS.items()
        for j, method in enumerate(("mean", "var"))
    )
    + tuple(
        _marginal(name, "k1 k2 c1 c2", "k1 c1", "k2 c2")
        for name in ("Gamma", "InverseGamma", "Weibull", "BetaPrime")
    ),
)
_WIDE = gamma(1 + 2 / k) - gamma(1 + 1 / k) ** 2
WEIBULL = Claim(
    "weibull-moments",
    "mean and variance of the Weibull law",
    are_of_weibull,
    holds=(c * gamma(1 + 1 / k), c**2 * _WIDE),
    twins={
        "without the one": (c * gamma(1 / k), c**2 * _WIDE),
        "shape for its inverse": (c * gamma(1 + k), c**2 * _WIDE),
        "second moment": (c * gamma(1 + 1 / k), c**2 * gamma(1 + 2 / k)),
    },
    means=Means.POINTS,
    sheet=("R25",),
    depends=("R25",),
    pins=tuple(
        Pin(f"gbm_ref.Weibull.{method}", _AT["Weibull"], reads=lambda m, j=j: m[j])
        for j, method in enumerate(("mean", "var"))
    ),
)
QUANTILE = Claim(
    "quantiles",
    "quantiles of the data laws",
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
CLAIMS = (MIXTURE, PRODUCTS, WEIBULL, QUANTILE)
