"""The forward process between any two times, and with rates of its own for each coordinate."""

from collections.abc import Callable

from sympy import Expr, Matrix, Symbol, diff, exp, log, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Pin
from spec.checking.gaussian import expectation
from spec.checking.pins import table
from spec.checking.symbols import mu as MU, sigma as SIGMA
from spec.process.equations import A9, UNIQUE, left_over

y, y_r, y_t, up, rest, mu1, mu2 = symbols("y y_r y_t up rest mu1 mu2", real=True)
a, b, C, v_s, v_t, t, s1, s2 = symbols("a b C v_s v_t t s1 s2", positive=True)
_NAMES = {"up": r"m_{rs}", "rest": r"m_{st}", "y_r": r"\log X_{r}", "y_t": r"\log X_{t}",
          "v_s": "v(s)", "v_t": "v(t)", "s1": r"\sigma_1^{2}", "s2": r"\sigma_2^{2}"}  # fmt: skip


def is_the_bridge(law: tuple[Expr, Expr]) -> bool:
    r"""Given $X_r$ and a later $X_t$, at a time $s$ between them $\log X_s$ is normal with mean
    $[[0]]$ and variance $[[1]]$, where $a$ and $b$ are the increments of $v$ from $r$ to $s$ and
    from $s$ to $t$, and $m_{rs}$ and $m_{st}$ those of $m$.

    The density of $\log X_s$ given both ends is, but for a factor, the product of two kernels. Its
    logarithm is quadratic; the slope vanishes at the mean, and the bend is the inverse of the
    variance with the sign changed."""
    mean, variance = law
    slope = diff(-((y - y_r - up) ** 2) / (2 * a) - (y_t - y - rest) ** 2 / (2 * b), y)
    return vanishes((slope.subs(y, mean), diff(slope, y) * variance + 1))


def are_of_two_times(covariances: tuple[Expr, Expr, Expr]) -> bool:
    r"""For data of log-variance $C$, the variance of $\log X_s$ is $[[0]]$, that of $\log X_t$ is
    $[[2]]$ and their covariance $[[1]]$, for $s$ before $t$.

    The increments of the Brownian motion up to $s$ and from $s$ to $t$ are independent of the data
    and of each other; averages of products are taken over all three, less their means. Only second
    moments enter, so that the data may be taken as normal."""
    data, first, second = symbols("n0 n1 n2", real=True)
    early, late, found = data + first, data + first + second, []
    for product, claimed in zip((early**2, early * late, late**2), covariances, strict=True):
        for part, variance in ((second, v_t - v_s), (first, v_s), (data, C)):
            product = expectation(product, part, 0, variance)
        found.append(product - claimed)
    return vanishes(found)


def are_by_coordinate(kernel: tuple[Expr, Expr, Expr, Expr]) -> bool:
    r"""With rates $\mu_i$ and $\sigma_i$ in each of two coordinates, $\log X_t$ given $X_0$ is
    normal and independent in each: its mean moves by $[[0]]$ and $[[2]]$, its variance is $[[1]]$
    and $[[3]]$.

    The product of the normal densities satisfies the Fokker–Planck equation of the plane, with
    the drift and the noise of A9 in each coordinate, and is a point at the start."""
    law = kernel[::2], Matrix.diag(*kernel[1::2])
    rates = [A9.holds[0].subs({MU: e, SIGMA: sqrt(f)}) for e, f in ((mu1, s1), (mu2, s2))]
    flow = left_over(law, rates, Matrix.diag(s1, s2), symbols("d1 d2", real=True))
    return vanishes([flow, *(f.subs(t, 0) for f in kernel)])


x_r, x_t, r_, s_, t_, sigma, S = symbols("x_r x_t r s t sigma S", positive=True)
mu, z = symbols("mu z", real=True)
_DRIFT = mu - sigma**2 / 2
_AT = {up: _DRIFT * (s_ - r_), rest: _DRIFT * (t_ - s_), a: sigma**2 * (s_ - r_),
       b: sigma**2 * (t_ - s_), y_r: log(x_r), y_t: log(x_t)}  # fmt: skip


def _of_times(formula: Expr) -> Expr:
    return formula.subs(_AT, simultaneous=True)


_BRIDGES = table("x_r x_t mu sigma r s t z", (1.3, 0.4, 0.2, 0.7, 0.1, 0.3, 0.9, 0.6),
                 (0.02, 5.0, -0.6, 1.4, 0.2, 0.8, 1.0, -1.7))  # fmt: skip
_MEAN, _VARIANCE = (b * (y_r + up) + a * (y_t - rest)) / (a + b), a * b / (a + b)
_DIFFERENT = "it is the kernel from which the statement is made"
_LANDS, _WIDENS = log(x_r) + _DRIFT * (t_ - r_), sigma**2 * (t_ - r_)
_KERNELS = table("x_r mu sigma r t z", (1.3, 0.2, 0.7, 0.1, 0.9, 0.6),
                 (0.02, -0.6, 1.4, 0.2, 1.0, -1.7))  # fmt: skip
BRIDGE = Claim(
    "bridge", "law of a time between two others", is_the_bridge, holds=(_MEAN, _VARIANCE), twins={
        "weights exchanged": ((a * (y_r + up) + b * (y_t - rest)) / (a + b), _VARIANCE),
        "drift of the second part forgotten": ((b * (y_r + up) + a * y_t) / (a + b), _VARIANCE),
        "variance of the kernel": (_MEAN, a), "variances added": (_MEAN, a + b),
    }, names=_NAMES, sheet=("R17",), depends=("A6", "A33"), pins=(
        Pin("gbm_ref.bridge_law", _BRIDGES, reads=lambda law: tuple(map(_of_times, law))), Pin(
            "gbm_ref.bridge_sample", _BRIDGES,
            reads=lambda law: exp(_of_times(law[0]) + sqrt(_of_times(law[1])) * z),
        ), Pin(
            "gbm_ref.kernel_law", _KERNELS, because=_DIFFERENT, formula=(_LANDS, _WIDENS),
            twins={"from time zero": (_LANDS, sigma**2 * t_)},
        ), Pin(
            "gbm_ref.kernel_sample", _KERNELS, because=_DIFFERENT,
            formula=exp(_LANDS + sqrt(_WIDENS) * z),
            twins={"variance for deviation": exp(_LANDS + _WIDENS * z)},
        )))  # fmt: skip
TWO_TIMES = Claim(
    "two-times", "covariance of two times", are_of_two_times, holds=(C + v_s, C + v_s, C + v_t),
    twins={
        "covariance of the later time": (C + v_s, C + v_t, C + v_t),
        "data alone": (C + v_s, C, C + v_t), "root of both": (C + v_s, C + v_s * v_t, C + v_t),
    }, names=_NAMES, sheet=("R17",), depends=("A6", "R2"), pins=(Pin(
        "gbm_ref.two_time_law", table("S sigma s t", (0.3, 0.7, 0.2, 0.9), (1.7, 1.2, 0.5, 0.6)),
        reads=lambda c: tuple(
            c[k].subs({C: S, v_s: sigma**2 * s_, v_t: sigma**2 * t_}) for k in (0, 1, 1, 2)),
    ),))  # fmt: skip

_RATES = table("mu1 mu2 sigma1 sigma2 t x1 x2 z1 z2",
               (0.2, -0.6, 0.7, 1.4, 0.4, 1.3, 0.2, 0.6, -1.2),
               (-1.1, 0.3, 0.2, 0.9, 0.9, 0.7, 40.0, -2.1, 0.3))  # fmt: skip
_SQUARES = {s1: Symbol("sigma1") ** 2, s2: Symbol("sigma2") ** 2}


def _rates(*which: int) -> Callable[[tuple[Expr, ...]], tuple[Expr, ...]]:
    return lambda kernel: tuple(kernel[k].subs(_SQUARES) for k in which)


def _sampled(kernel: tuple[Expr, ...]) -> tuple[Expr, ...]:
    laws = zip(symbols("x1 x2"), kernel[::2], kernel[1::2], symbols("z1 z2"), strict=True)
    return tuple(x * exp(m + sqrt(v) * d).subs(_SQUARES) for x, m, v, d in laws)


_LINE = table("mu sigma t v", (0.2, 0.7, 0.4, 0.2), (-1.1, 0.3, 0.9, 0.05))
_SAME = "it returns one number for all coordinates, whose rates are the same here"
_ADDED, _m, _v = Symbol("v"), _DRIFT * t_, sigma**2 * t_


def _one(method: str, formula: Expr | tuple[Expr, ...], twin: Expr | tuple[Expr, ...]) -> Pin:
    name, twins = f"gbm_ref.CoordinateGBM.{method}", {"another rate": twin}
    return Pin(name, _LINE, because=_SAME, formula=formula, twins=twins)


_KERNEL = ((mu1 - s1 / 2) * t, s1 * t, (mu2 - s2 / 2) * t, s2 * t)
BY_COORDINATE = Claim(
    "rates-by-coordinate", "rates of its own for each coordinate", are_by_coordinate,
    holds=_KERNEL, twins={
        "one drift for both": ((mu1 - s1 / 2) * t, s1 * t, (mu1 - s2 / 2) * t, s2 * t),
        "one variance for both": ((mu1 - s1 / 2) * t, s1 * t, (mu2 - s2 / 2) * t, s1 * t),
        "Itô term missing": (mu1 * t, s1 * t, mu2 * t, s2 * t),
    }, names=_NAMES, sheet=("A6",), assumptions=(UNIQUE,), depends=("A5", "A6", "A9"), pins=(
        Pin("gbm_ref.CoordinateGBM.log_means", _RATES, reads=_rates(0, 2)),
        Pin("gbm_ref.CoordinateGBM.log_vars", _RATES, reads=_rates(1, 3)),
        Pin("gbm_ref.CoordinateGBM.increments_of_each", _RATES, reads=_rates(0, 2, 1, 3)),
        Pin("gbm_ref.CoordinateGBM.sample", _RATES, reads=_sampled), _one("drift", mu, _DRIFT),
        _one("diffusion", sigma, sigma**2), _one("log_mean", _m, mu * t_),
        _one("log_var", _v, sigma * t_), _one("increments", (_m, _v), (mu * t_, _v)),
        _one("time_at_log_var", _ADDED / sigma**2, _ADDED / sigma),
    ))  # fmt: skip
CLAIMS = (BRIDGE, TWO_TIMES, BY_COORDINATE)
