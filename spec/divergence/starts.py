"""The starts of the samplers as laws, and the moments to which they are fitted.

Symbols: l log of an image; p, q, r points; b log of the average image of a class, tau = sigma^2,
Lg = log det(I + C/tau); x1, x2 a pixel in two images."""

from collections.abc import Callable, Mapping

from sympy import (
    Expr, Identity, Integer, Matrix, MatrixSymbol, Rational, det, exp, eye, log, pi, sqrt,
    symbols, trace)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Candidate, Claim, Means, Pin, v1, v2
from spec.checking.pins import table
from spec.checking.symbols import m, mu, sigma, v, z
from spec.divergence.gaussian import Law, is_tangent_of_log, kl, law
from spec.divergence.terminal_mismatch import average

_Y, (_f, _l, _tau, _Lg) = Matrix(symbols("y1 y2")), symbols("f l tau Lg", real=True)
_x1, _x2, _p, _q, _r, _T = symbols("x1 x2 p q r T", positive=True)
_PARTS, (_u, _Z) = (law("S"), law("T")), symbols("u Z", real=True)
_POWER = exp(_u * (_l + m + sqrt(v) * _Z))
_SQUARE = (law("C")[0] - law("b")[0]).dot(law("C")[0] - law("b")[0])
_PRICE = (trace(law("C")[1]) / _tau - _Lg + _SQUARE / _tau) / 2
_RATIO = exp(2 * log((_x1 + _x2) / 2) - log(_x1) - log(_x2))
_GAP = {"tangent": z - 1, "two": 1 + (_x1 - _x2) ** 2 / (4 * _x1 * _x2)}


def are_the_moments(moments: Callable[[Expr, Law, Law], tuple[Matrix, Matrix]]) -> bool:
    r"""In the plane, if $\log X_0$ is of two parts, the first with the share $f$, with means $S_i$
    and $T_i$ and covariances $S_{ij}$ and $T_{ij}$, it has the mean $[[0]]$ and the covariance
    $[[1]]$; $\log X_T$ has the same, $m_i$ added to the means and $v$ to the variances.

    The averages of $y_i$ and $y_iy_j$ over the parts, each of which has its means moved by $m_i$
    and $v$ added to its variances; the products of the means are taken off."""
    shift, noise = Matrix(symbols("m1 m2")), v * eye(2)
    one, two = ((mean + shift, cov + noise, logdet) for mean, cov, logdet in _PARTS)
    means, products = (
        of.applyfunc(lambda y: _f * average(y, one) + (1 - _f) * average(y, two))
        for of in (_Y, _Y * _Y.T)
    )
    mean, cov = MOMENTS.shown(moments).values()
    return vanishes((means - mean - shift, products - means * means.T - cov - noise))


def _moments(f: Expr, one: Law, two: Law, spread: int = 1) -> tuple[Matrix, Matrix]:
    mean, within = (f * one[i] + (1 - f) * two[i] for i in (0, 1))
    return mean, within + spread * f * (1 - f) * (one[0] - two[0]) * (one[0] - two[0]).T


def is_the_pushed_point(at_end: tuple[Expr, Expr]) -> bool:
    r"""In one coordinate a point $e^l$ that is pushed through the kernel to the horizon has $\log
    X_T$ normal with mean $[[0]]$ and variance $[[1]]$.

    The logarithm of the mean of $[[power]]$ over the standard normal $Z$, by completing the
    square, is that of the normal law for every $u$. So the start from class averages is a mixture
    of such laws, with the shares in which classes are drawn, and pushed training images have the
    law of $X_T$ for data that are these images."""
    exponent = log(_POWER) - _Z**2 / 2
    top = exponent.diff(_Z).subs(_Z, 0)  # the exponent is its value at top, less (Z - top)^2 / 2
    return same(exponent.subs(_Z, top), _u * at_end[0] + _u**2 * at_end[1] / 2)


def is_the_price_of_the_average(cost: Expr) -> bool:
    r"""In the plane, given the class, with the means $C_i$ and covariances $C_{ij}$ of $\log X_0$
    in it and with $b$ the logarithm of its average image, the Gaussian with the moments of $\log
    X_1$ is at the divergence $[[it]]$ from the start of the average image, where $\tau$ is
    $\sigma^2$. By R23 that of $\log X_1$ itself is at least that.

    The average image ends normal with the variance $\tau$ (starts), the class with its covariance
    and $\tau$ added (log-moments); both means are moved alike. They are put into gaussian-kl, with
    a symbol for the logarithm of the quotient of the determinants, which is the one printed."""
    (mean, within, _), noise = law("C"), _tau * eye(2)
    ratio = (within + noise).det() / noise.det()
    written = same(ratio, exp(_written(_Lg, eye(2), within)))
    return written and same(kl(within + noise, noise, mean - law("b")[0], _Lg), cost)


def _written(price: Expr, unit: Candidate, within: Candidate) -> Expr:
    """The price with its logarithm written out."""
    return price.subs(_Lg, log(det(unit + within / _tau)))


def is_the_gap(found: Mapping[str, Expr]) -> bool:
    r"""For a pixel in any number of images, $z$ being the pixel over its average, $\log z$ is at
    most $[[tangent]]$, with equality at one alone, and the average of that is zero: the average of
    the logarithms is below the logarithm of the average, unless all images agree there. For two
    images $[[ratio]]=[[two]]$, which is the exponential of twice the difference.

    The line touches the logarithm at one, their difference is convex, and a line averages to its
    value at the average."""
    return is_tangent_of_log(found["tangent"]) and same(_RATIO, found["two"])


def _pushed(at_end: tuple[Expr, Expr], point: Expr) -> tuple[Expr, ...]:
    """Log mean and log variance at the horizon T, for constant rates."""
    rates = {_l: log(point), m: (mu - sigma**2 / 2) * _T, v: sigma**2 * _T}
    return tuple(f.subs(rates, simultaneous=True) for f in at_end)


def _from_averages(at_end: tuple[Expr, Expr]) -> tuple[Expr, ...]:
    """Weight, log mean and log variance for a class of the point p and one of q and r."""
    one, two = (_pushed(at_end, average) for average in (_p, (_q + _r) / 2))
    return (Rational(1, 3), *one, Rational(2, 3), *two)


def _from_data(at_end: tuple[Expr, Expr]) -> tuple[Expr, ...]:
    """Three noised points, and the log variance round each."""
    ends = [_pushed(at_end, point) for point in (_p, _q, _r)]
    return (*(exp(mean) for mean, _ in ends), ends[0][1])


_POINTS = table("p q r mu sigma T", (1.3, 1.9, 1.1, 0.2, 0.8, 1.0), (0.04, 17.0, 2.5, -0.3, 1.3,
    1.5))  # fmt: skip
_STANDARD = -(log(_p) ** 2 + log(_q) ** 2) / 2 - log(2 * pi) - log(_p) - log(_q)
MOMENTS = Claim(
    "log-moments", "the moments of noised data need no noise", are_the_moments, holds=_moments,
    twins={
        "spread of the means left out": lambda f, one, two: _moments(f, one, two, 0),
        "no weights": lambda f, one, two: ((one[0] + two[0]) / 2, _moments(f, one, two)[1]),
    }, shown=lambda moments: dict(zip("01", moments(_f, *_PARTS), strict=True)),
    sources=v2("sec. 6.2: lognormal initialization"), sheet=("E22", "R23"),
    assumptions=("second moments",), depends=("A6",), pins=(Pin(
        "gbm_ref.log_moments", table(
            "f S1 S2 S11 S12 S22 T1 T2 T11 T12 T22",
            (0.25, 0.3, -0.6, 0.9, 0.35, 0.5, -0.4, 0.2, 0.6, -0.2, 1.4),
            (0.875, -1.1, 0.7, 1.6, 1.1, 0.77, 2.4, -0.1, 0.4, 0.0625, 0.2),
        ), reads=lambda moments: sum(map(tuple, moments(_f, *_PARTS)), ()),
    ),))  # fmt: skip

STARTS = Claim(
    "starts", "the starts as laws", is_the_pushed_point, holds=(_l + m, v), twins={
        "drift left out": (_l, v), "variance twice": (_l + m, 2 * v),
        "the logarithm of the mean": (_l + m + v / 2, v),
    }, values=lambda: {"power": _POWER},
    sources=v1("Algorithm 1") + v2("sec. 6.2: class-averaged initialization"),
    sheet=("E22", "E24"), assumptions=("one coordinate: the kernel is a product",),
    depends=("A6",), pins=(
        Pin("gbm_ref.class_averages", vectors="class_average_log_mean",
            because="it is the logarithm l of the average image of a class"),
        Pin("gbm_ref.from_class_averages", _POINTS, reads=_from_averages),
        Pin("gbm_ref.from_data", _POINTS, reads=_from_data),
        Pin("gbm_ref.standard_lognormal", _POINTS, formula=_STANDARD,
            because="it is the start of version 1's Algorithm 1: the log density of exp(Z)",
            twins={"the Jacobian left out": _STANDARD + log(_p) + log(_q)}),
    ))  # fmt: skip

CLASS_AVERAGE = Claim(
    "E22-class-average", "the price of a start from class averages", is_the_price_of_the_average,
    holds=_PRICE, twins={
        "covariance left out": _PRICE - trace(law("C")[1]) / _tau / 2,
        "sign of the determinant": _PRICE + _Lg,
        "shift not divided by the variance": _PRICE + _SQUARE * (1 - 1 / _tau) / 2,
    }, shown=lambda price: {
        "it": _written(price, Identity(2), MatrixSymbol("C", 2, 2)),
    }, sources=v2("sec. 6.2: class-averaged initialization"), sheet=("E22",), assumptions=(
        "C is the covariance within the class, in the log", "constant sigma up to the end at one",
    ), depends=("gaussian-kl", "R23", "starts", "log-moments"), pins=(Pin(
        "gbm_ref.terminal_mismatch", table(
            "C1 C2 C11 C12 C22 b1 b2 tau", (0.3, -0.9, 0.7, 0.4, 1.3, 0.5, -0.4, 0.64),
            (-0.7, 1.25, 0.1, -0.05, 0.5, -0.65, 1.7, 2.1),
        ), reads=lambda price: _written(price, eye(2), law("C")[1]), variant="class average",
    ),))  # fmt: skip

JENSEN = Claim(
    "E22-jensen", "an average image may be too bright in the log", is_the_gap, holds=_GAP, twins={
        "no gap": _GAP | {"two": Integer(1)},
        "without the factor 1/4": _GAP | {"two": 1 + (_x1 - _x2) ** 2 / (_x1 * _x2)},
        "a line that crosses the logarithm": _GAP | {"tangent": (z - 1) / 2},
    }, values=lambda: {"ratio": _RATIO}, means=Means.CALCULUS,
    sources=v2("sec. 6.2: class-averaged initialization"), sheet=("E22",), assumptions=(Assumption(
        "pixels are positive", "the logarithm, and the sign of the second derivative",
        lambda: bool(_GAP["two"].subs({_x1: -1, _x2: 2}) < 1),
    ),))  # fmt: skip
CLAIMS = (MOMENTS, STARTS, CLASS_AVERAGE, JENSEN)
