"""Means, variances and marginals of the data laws.

Symbols: e1, e2  means of the components of a mixture;  G1, G2  exponentials of log-variances;
w1, w2  weights;  n  order of a moment;  k, c, b  shapes and scale of a law with one coordinate.
"""

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mpf
from sympy import (
    Expr,
    Integer,
    Poly,
    Rational,
    Symbol,
    cancel,
    exp,
    expand,
    gamma,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Means, Pin
from spec.checking.numeric import agree
from spec.checking.symbols import x
from spec.checking.trace import points
from spec.targets import standard_laws as laws

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
_LAWS = {
    "gamma": ("gamma", {laws.alpha: k, laws.beta: c}),
    "inverse": ("inverse gamma", {laws.alpha: k, laws.beta: c}),
    "beta": ("beta prime", {laws.a: k, laws.scale: c}),
}
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
    if not all(_follows(case, rises[case](n)) for case in _LAWS):
        return False
    found = []
    for case, (mean, variance) in zip(_LAWS, moments, strict=True):
        first = rises[case](0)
        found += [mean - first, variance - (first * rises[case](1) - first**2)]
    return vanishes(found)


def _follows(case: str, rise: Expr) -> bool:
    """Whether E[X f'] + E[f (1 + h)] vanishes with M_{n+1} = rise M_n, for f = x^n factor.

    x stands for M_{n+1} / M_n, or 1 / x for M_{n-1} / M_n where the score is affine in that.
    """
    law, named = _LAWS[case]
    factor = c + x if case == "beta" else Integer(1)
    score = laws.SCORES.holds[law].subs(named, simultaneous=True)
    terms = cancel(n * factor + x * factor.diff(x) + factor * (1 + score))
    return vanishes(terms.subs(x, rise.subs(n, n - 1) if case == "inverse" else rise))


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
                value = mpf(
                    found.subs({k: Rational(point["k"]), c: Rational(point["c"])}).evalf(40)
                )
                if not agree(value, exact, 12):
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
    alone = {e1: exp(A + S / 2), e2: 2 * exp(A + S / 2), G1: exp(S), G2: exp(S)}
    return part.subs({w1: 1, w2: 0}).subs(alone)


def _data(part: Expr) -> Expr:
    """Of two points p and r, equally likely, with the log-variance v round each."""
    p, r, v = symbols("p r v", positive=True)
    half = {w1: Rational(1, 2), w2: Rational(1, 2)}
    means = {e1: p * exp(v / 2), e2: r * exp(v / 2), G1: exp(v), G2: exp(v)}
    return part.subs(half).subs(means, simultaneous=True)


_LINES = tuple({key: at[key] for key in ("w1", "w2", "a", "b", "S", "T")} for at in (LINE, FAR))
_SINGLE = tuple({key: at[key] for key in ("a", "S")} for at in (LINE, FAR))
_POINTS = ({"p": 0.7, "r": 1.9, "v": 0.09}, {"p": 40.0, "r": 0.3, "v": 1.2})
KINDS: dict[str, tuple[tuple[dict[str, float], ...], Callable[[Expr], Expr]]] = {
    "LogNormal": (_SINGLE, _single),
    "LogNormalMixture": (_LINES, _mixture),
    "PointMasses": (_POINTS, _data),
}
_SHAPES = ({"k": 2.3, "c": 0.7, "b": 5.3}, {"k": 4.1, "c": 1.3, "b": 2.6})
_PRODUCTS = {"Gamma": 0, "InverseGamma": 1, "BetaPrime": 2}


def _only(points: tuple[dict[str, float], ...], names: str) -> tuple[dict[str, float], ...]:
    return tuple({name: at[name] for name in names} for at in points)


POINTS_OF: dict[str, tuple[dict[str, float], ...]] = {
    **{name: found[0] for name, found in KINDS.items()},
    "Gamma": _only(_SHAPES, "kc"), "InverseGamma": _only(_SHAPES, "kc"),
    "Weibull": _only(_SHAPES, "kc"), "BetaPrime": _only(_SHAPES, "kcb"),
}  # fmt: skip


_KEPT = "a marginal keeps the parameters of its coordinates"


def _marginal(name: str, names: str, first: str, second: str) -> Pin:
    """The parameters of the second coordinate of two."""
    values = (0.3, 0.7, 1.4, 0.2, 2.1, 0.9)
    where = [dict(zip(names.split(), values[i:], strict=False)) for i in (0, 1)]
    return Pin(
        f"gbm_ref.{name}.marginal", tuple(where), because=_KEPT,
        formula=tuple(symbols(second)), twins={"the other coordinate": tuple(symbols(first))},
    )  # fmt: skip


# Equal weights do not see what the twins of a mean get wrong.
_OTHER = {("PointMasses", "mean"): {"mean of the points": (symbols("p") + symbols("r")) / 2}}
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
        Pin(
            f"gbm_ref.{name}.{method}",
            at,
            reads=lambda c, j=j, of=of: of(c[j]),
            twins=_OTHER.get((name, method), {}),
        )
        for name, (at, of) in KINDS.items()
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
        Pin(f"gbm_ref.{name}.{method}", POINTS_OF[name], reads=lambda m, i=i, j=j: m[i][j])
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
        Pin(f"gbm_ref.Weibull.{method}", POINTS_OF["Weibull"], reads=lambda m, j=j: m[j])
        for j, method in enumerate(("mean", "var"))
    ),
)
CLAIMS = (MIXTURE, PRODUCTS, WEIBULL)
