"""The starts of the samplers as laws, and the moments to which they are fitted.

Symbols: S1, S11, ... and T1, T11, ... mean and covariance of two parts of log X_0, f and 1 - f
their shares; l the logarithm of an image; m, v of the kernel at the horizon.
"""

from collections.abc import Callable

from sympy import Expr, Integer, Matrix, Rational, Symbol, diff, exp, eye, log, pi, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof, v1, v2
from spec.checking.symbols import m, mu, sigma, v
from spec.divergence._plane import Law, law
from spec.divergence.terminal_mismatch import average

_Y = Matrix(symbols("y1 y2"))
_f, _l = symbols("f l", real=True)
# Mean and covariance of log X_0 from the share of the first part and the laws of both.
Moments = Callable[[Expr, Law, Law], tuple[Matrix, Matrix]]


def are_the_moments(moments: Moments) -> bool:
    """Whether log X_T has the mean + m and covariance + v I of `moments`, X_0 of two parts.

    Left: E y_i and E y_i y_j - E y_i E y_j, averages of polynomials over the two parts, each of
    which has its mean moved by m and v I added. Two pixels, full covariances.
    """
    parts = [law("S"), law("T")]
    ones, noise = Matrix([1, 1]), v * eye(2)
    moved = [(mean + m * ones, cov + noise, logdet) for mean, cov, logdet in parts]

    def mixed(polynomial: Expr) -> Expr:
        return _f * average(polynomial, moved[0]) + (1 - _f) * average(polynomial, moved[1])

    mean = Matrix([mixed(y) for y in _Y])
    second = Matrix(2, 2, lambda i, j: mixed(_Y[i] * _Y[j]))
    before = moments(_f, *parts)
    return same(mean, before[0] + m * ones) and same(second - mean * mean.T, before[1] + noise)


def _moments(f: Expr, one: Law, two: Law) -> tuple[Matrix, Matrix]:
    mean = f * one[0] + (1 - f) * two[0]
    gaps = (one[0] - mean, two[0] - mean)
    between = f * gaps[0] * gaps[0].T + (1 - f) * gaps[1] * gaps[1].T
    return mean, f * one[1] + (1 - f) * two[1] + between


def _within(f: Expr, one: Law, two: Law) -> tuple[Matrix, Matrix]:
    return _moments(f, one, two)[0], f * one[1] + (1 - f) * two[1]


def _flat(moments: tuple[Matrix, Matrix]) -> tuple[Expr, ...]:
    return (*moments[0], *moments[1])


def is_the_pushed_point(law_at_end: tuple[Expr, Expr]) -> bool:
    """Whether a point e^l ends at log X_T ~ N(mean, variance), law_at_end = (mean, variance).

    Left: log E exp(u (l + m + r Z)), r = sqrt(v), by completing the square in z. Right: u mean +
    u^2 variance / 2, for every u.
    """
    u, z, r = symbols("u z r", real=True)
    exponent = u * (_l + m + r * z) - z**2 / 2
    top = diff(exponent, z).subs(z, 0)  # the exponent is its value at top, less (z - top)^2 / 2
    mean, variance = law_at_end
    return vanishes((exponent.subs(z, top) - u * mean - u**2 * variance / 2).subs(v, r**2))


MOMENTS = Claim(
    id="log-moments",
    title="the moments of noised data need no noise",
    statement=r"If $\log X_0$ is a mixture with weights $w_j$ of laws with means $a_j$ and "
    r"covariances $S_j$, it has mean $a=\sum_jw_ja_j$ and covariance "
    r"$C=\sum_jw_j[S_j+(a_j-a)(a_j-a)^\top]$, and $\log X_T$ has mean $a+m$ and covariance "
    r"$C+vI$. A data set has $w_j=\frac1n$, $S_j=0$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("sec. 6.2: lognormal initialization"),
    sheet=("E22", "R23"),
    assumptions=("second moments", "decided for two parts of the plane"),
    depends=("A6",),
    derivation=r"$\mathbb E\,yy^\top=\sum_jw_j(S_j+a_ja_j^\top)$; subtract $aa^\top$. The noise "
    r"$m+\sqrt vZ$ is independent of the part: it moves each mean by $m$ and adds $vI$ to each "
    "covariance.",
    proof=Proof(
        are_the_moments,
        holds=_moments,
        twins={
            "spread of the means left out": _within,
            "means averaged without the weights": lambda f, one, two: (
                (one[0] + two[0]) / 2,
                _moments(f, one, two)[1],
            ),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.log_moments",
            formula=_flat(_moments(_f, law("S"), law("T"))),
            twins={"spread of the means left out": _flat(_within(_f, law("S"), law("T")))},
            points=(
                {"f": 0.25, "S1": 0.3, "S2": -0.6, "S11": 0.9, "S12": 0.35, "S22": 0.5}
                | {"T1": -0.4, "T2": 0.2, "T11": 0.6, "T12": -0.2, "T22": 1.4},
                {"f": 0.875, "S1": -1.1, "S2": 0.7, "S11": 1.6, "S12": 1.1, "S22": 0.77}
                | {"T1": 2.4, "T2": -0.1, "T11": 0.4, "T12": 0.0625, "T22": 0.2},
            ),
        ),
    ),
)

_p, _q, _r = symbols("p q r", positive=True)
_T = Symbol("T", positive=True)
_DRIFT, _NOISE = (mu - sigma**2 / 2) * _T, sigma**2 * _T
_ZERO = Integer(0)
_POINTS = (
    {"p": 1.3, "q": 1.9, "r": 1.1, "mu": 0.2, "sigma": 0.8, "T": 1.0},
    {"p": 0.04, "q": 17.0, "r": 2.5, "mu": -0.3, "sigma": 1.3, "T": 1.5},
)


def _averages(second: Expr, drift: Expr = _ZERO, noise: Expr = _ZERO) -> tuple[Expr, ...]:
    """Weight, log mean and log variance for a class of one point and one of two."""
    return (Rational(1, 3), log(_p) + drift, noise, Rational(2, 3), second + drift, noise)


def _pushed_points(drift: Expr) -> tuple[Expr, ...]:
    """Three noised points, and the log variance round each."""
    return (*(point * exp(drift) for point in (_p, _q, _r)), _NOISE)


# The log density of exp(Z) at (p, q).
_STANDARD = -(log(_p) ** 2 + log(_q) ** 2) / 2 - log(2 * pi) - log(_p) - log(_q)
_ARITHMETIC, _GEOMETRIC = log((_q + _r) / 2), (log(_q) + log(_r)) / 2

STARTS = Claim(
    id="starts",
    title="the starts as laws",
    statement=r"A point $e^l$ pushed through the kernel to the horizon has $\log X_T\sim\mathcal "
    r"N(l+m,vI)$. So the class-average start is the mixture $\sum_cf_c\,\mathcal N(\log\bar "
    r"x_c+m,vI)$ with the shares $f_c$ of the classes, and training images pushed likewise are "
    r"the law of $X_T$ itself; version 1's Algorithm 1 starts from $\mathcal{LN}(0,I)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("Algorithm 1"), *v2("sec. 6.2: class-averaged initialization")),
    sheet=("E22", "E24"),
    assumptions=("one coordinate: the kernel is a product",),
    depends=("A6",),
    derivation=r"$\log\mathbb E\,e^{u(l+m+\sqrt vZ)}=u(l+m)+\frac{u^2v}2$ by completing the "
    "square, for every $u$: the normal law. A class is drawn first, by its share: a mixture.",
    proof=Proof(
        is_the_pushed_point,
        holds=(_l + m, v),
        twins={
            "drift left out": (_l, v),
            "variance twice": (_l + m, 2 * v),
            "the logarithm of the mean": (_l + m + v / 2, v),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.class_averages",
            formula=_averages(_ARITHMETIC),
            twins={"geometric": _averages(_GEOMETRIC)},
            points=tuple({name: point[name] for name in "pqr"} for point in _POINTS),
        ),
        Pin(
            "gbm_ref.from_class_averages",
            formula=_averages(_ARITHMETIC, _DRIFT, _NOISE),
            twins={"without the Ito term": _averages(_ARITHMETIC, mu * _T, _NOISE)},
            points=_POINTS,
        ),
        Pin(
            "gbm_ref.from_data",
            formula=_pushed_points(_DRIFT),
            twins={"without the Ito term": _pushed_points(mu * _T)},
            points=_POINTS,
        ),
        Pin(
            "gbm_ref.standard_lognormal",
            formula=_STANDARD,
            twins={"the Jacobian left out": _STANDARD + log(_p) + log(_q)},
            points=tuple({name: point[name] for name in "pq"} for point in _POINTS),
        ),
    ),
)

CLAIMS = (MOMENTS, STARTS)
