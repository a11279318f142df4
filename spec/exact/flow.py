"""The probability flow on log-normal data, integrated by Euler's rule and by Heun's in sqrt(v).

Symbols of `_chain`; for Heun's rule a, b the values of sqrt(v(t)) at both ends of a step, so
that v0 + a^2 is the variance of log X_t; ell the spacing of a grid uniform in sqrt(v)."""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import mpmath
from mpmath import mpf
from sympy import (
    Expr, Integer, Matrix, Rational, fraction, gamma, lambdify, log, sqrt, symbols, together,
)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.pins import Values, table
from spec.checking.trace import points
from spec.exact import _special as special
from spec.exact import dale_langevin
from spec.exact._chain import (
    ALL, COORDINATE, MU, NAMES, L, Row, V, exact_start, h, halved, hyvarinen, law_after, n,
    on_the_line, orders, q, sigma, v0, vN)  # fmt: skip

a, b, ell = symbols("a b ell", positive=True)
centre, eta = symbols("centre eta", real=True)
HALF = Rational(1, 2)


def euler(log_x: Expr, score: Expr, root: Expr, noise: Expr) -> Expr:
    """log X after a step of length root^2 back in time; d log X / dt = mu - s2 - s2 H / 2."""
    return log_x - root**2 * (MU - sigma**2 - sigma**2 * score / 2)


def solves_the_recursion(closed: tuple[Expr, Expr]) -> bool:
    r"""After any number $N$ of equal steps of Euler's rule in $t$ the mean error is that of the
    start times $[[0]]$, and $V_0=[[1]]$; $q$ is the log-variance of the data in units of $h$.

    The score is affine in $\log X$, so that a step multiplies the deviation by a number. By
    induction as for R8-closed, by the recurrence of the Gamma function."""
    return dale_langevin.solves_the_recursion(closed, euler)


def is_the_first_order(bias: Expr, start: Expr = vN) -> bool:
    r"""From the exact log-variance $V_0$ is off $v_0$ by the share $[[it]]$, up to $O(h^2)$ at
    fixed $v_0$ and $v_N$.

    The closed form is a quotient of squared ratios of Gamma functions, at both ends. Such a square
    is $[[ratio]]$ for some $\theta$ between zero and one: it grows by less than the one bound and
    by more than the other, as polynomials with coefficients of one sign show, and all of them
    agree at infinity to leading order, the square by Stirling's formula."""
    gain, weights = _CLOSED**2, {q: special.theta, q + n: special.theta_N}
    for at, weight in weights.items():
        ratio = sqrt(special.gamma_ratio_expansion(at, weight))
        gain = gain.subs(gamma(at + 1), gamma(at + HALF) * ratio)
    gap = together(gain.subs({q: v0 / h, n: (vN - v0) / h}) * start / v0) - 1 - bias
    gaps = gap.subs(h, 0), gap.diff(h).subs(h, 0)
    return vanishes(gaps) and special.gamma_ratio_is_bracketed()


def is_heuns_factor(candidate: tuple[Expr, Expr], variance: Expr = v0) -> bool:
    r"""From $a$ to $b$, both positive, Heun's rule in the standard deviation for $\log X$ less its
    drift multiplies the deviation from the mean by $[[0]]$, and Euler's last step, to zero, by
    $[[1]]$, where $v_0$ is the log-variance of the data. The square of the first takes the
    variance at $a$ to that at $b$ but for the third order in their distance.

    The slope is minus the exact log score times the standard deviation of the noise; the second is
    read at the predicted point. The local error's numerator has no order below the third."""
    slope = -a * (1 + hyvarinen(L, centre, variance + a**2))
    predicted = L + (b - a) * slope
    end_slope = -b * (1 + hyvarinen(L, centre, v0 + b**2).subs(L, predicted))
    images = L + (b - a) * (slope + end_slope) / 2, predicted.subs(b, 0)
    gaps = [f - centre - (L - centre) * g for f, g in zip(images, candidate, strict=True)]
    if not vanishes(gaps):
        return False
    defect = together((images[0].diff(L) ** 2 * (v0 + a**2) - v0 - b**2).subs(b, a + eta))
    return vanishes(orders(fraction(defect)[0], eta, 2))


def is_the_last_step(ratio: Expr) -> bool:
    r"""On a uniform grid in $t$ Euler's last step leads from the exact log-variance at its level,
    $h$ above $v_0$, to $v_0$ times $[[it]]$, exactly. At the points shown the whole of Heun's
    rule, from an exact start, ends with a ratio of $V_0$ to $v_0$ within $[[bound]]$ of this.

    The step multiplies the variance by the square of R16-heun's second factor. The rule is run in
    high precision."""
    exact = (_LAST**2 * (v0 + a**2)).subs(a, sqrt(h)) / v0
    grids = points(table("v0 sigma^2 N", (0.2, 0.5, 1000), (0.2, 0.5, 4000)))
    close = [abs(_heun(*at.values(), HALF) - _at(ratio, at)) <= _at(_BOUND, at) for at in grids]
    return vanishes(exact - ratio) and all(close)


def is_the_even_order(leading: Expr) -> bool:
    r"""With steps of equal length $\ell$ in the standard deviation and an exact start, of the
    log-variance $v_N$, at the points shown, $V_0$ is off $v_0$ by the share $[[it]]$ times a
    factor that differs from one by less than $[[close]]$ on the finer grid, and by $[[gain]]$
    times as much or more on the coarser one.

    Heun's rule and Euler's last step, run in high precision."""
    grids = points(table("v0 sigma^2 N", (0.2, 0.64, 400), (0.2, 0.64, 800)))
    coarse, fine = (abs((_heun(*at.values(), 1) - 1) / _at(leading, at) - 1) for at in grids)
    return bool(fine < _CLOSE and coarse >= _GAIN * fine)


_CLOSE, _GAIN, _BOUND = 0.02, 1.7, (h / v0) ** 2 * log(1 / h)


def _at(formula: Expr, at: Values) -> mpf:
    numbers = {v0: at["v0"], vN: at["v0"] + at["sigma^2"], h: at["sigma^2"] / at["N"]}
    return mpf(formula.subs({**numbers, ell: mpmath.sqrt(at["sigma^2"]) / at["N"]}))


@cache
def _heun(data: float, total: float, steps: int, power: Expr | int) -> mpf:
    """V_0 / v_0 of Heun's rule from the exact variance, on powers of equal steps in sqrt(v)."""
    factor, last = (lambdify((v0, a, b), f, "mpmath", cse=True) for f in _HOLDS)
    with mpmath.workdps(30):
        data, total, twice = mpf(data), mpf(total), mpf(2 * power)
        stds = [mpmath.sqrt(total * (mpf(k) / steps) ** twice) for k in range(steps, -1, -1)]
        gains = (factor(data, *ends) if ends[1] else last(data, *ends) for ends in pairwise(stds))
        return mpmath.fprod(gains) ** 2 * (data + total) / data


def _rows(candidate: tuple[Expr, Expr], at: Values) -> Iterator[Row]:
    factor, last = (lambdify((v0, a, b), f, "mpmath") for f in candidate)
    dt = at["T"] / at["N"]
    fall = (at["mu"] - at["sigma"] ** 2 / 2) * dt
    for k in range(int(at["N"]), 0, -1):
        ends = (at["sigma"] * mpmath.sqrt(dt * i) for i in (k, k - 1))
        yield at["a"] + fall * k, (factor if k > 1 else last)(at["v0"], *ends), mpf(0), fall


def _closed(gain: Expr) -> tuple[Expr, Expr]:
    return gain, gain**2 * V


_CLOSED = gamma(q + n + HALF) * gamma(q + 1) / (gamma(q + HALF) * gamma(q + n + 1))
R16 = Claim(
    "R16", "probability flow by Euler's rule on log-normal data", solves_the_recursion,
    holds=_closed(_CLOSED), twins={
        "weight of the score sigma^2": _closed(q / (q + n)),
        "one step short": _closed(_CLOSED.subs(n, n - 1)), "upside down": _closed(1 / _CLOSED),
        "the variance shrinks as the mean": (_CLOSED, _CLOSED * V),
    }, names={**NAMES, "V": "V_N"}, assumptions=(*ALL, Assumption(
        "the flow is driven by that score", "Euler's step, which half the score changes",
        lambda: not same(*map(Matrix, (law_after(euler), law_after(euler, score=halved)))),
    ), "v_0 is positive"),
    depends=("R16-ode", "R8"), pins=dale_langevin.pins_of("euler_flow_law"))  # fmt: skip

_FIRST = h * (1 / v0 - 1 / vN) / 4
LEADING = Claim(
    "R16-leading", "probability flow by Euler's rule: bias of first order", is_the_first_order,
    holds=_FIRST, twins={
        "bias of the deviation": _FIRST / 2, "opposite sign": -_FIRST,
        "squares": h * (1 / v0**2 - 1 / vN**2) / 4,
    }, values=lambda: {"ratio": special.GAMMA_RATIO}, names=NAMES,
    sheet=("R16",), means=Means.CALCULUS,
    assumptions=(*ALL, "equal steps", "v_0 is positive", exact_start(
        lambda: not is_the_first_order(_FIRST, 2 * vN))),
    depends=("R16",))  # fmt: skip

_AHEAD, _LAST = 1 + (b - a) * a / (v0 + a**2), v0 / (v0 + a**2)
_HEUN = 1 + (b - a) * (a / (v0 + a**2) + b / (v0 + b**2) * _AHEAD) / 2
_HOLDS = (_HEUN, _LAST)
HEUN = Claim(
    "R16-heun", "probability flow by Heun's rule on log-normal data", is_heuns_factor,
    holds=_HOLDS, twins={
        "Euler's rule": (_AHEAD, _LAST), "second slope at the old point": (
            1 + (b - a) * (a / (v0 + a**2) + b / (v0 + b**2)) / 2, _LAST,
        ), "average in the last step": (_HEUN, _HEUN.subs(b, 0)),
    }, names=NAMES, sheet=("R16",), assumptions=(
        Assumption(
            f"{COORDINATE}, and the score is the exact one",
            "the variance in the score; with that of other data the factor is another",
            lambda: not is_heuns_factor(_HOLDS, 2 * v0),
        ),
    ), means=Means.CALCULUS, depends=("R16-ode", "heun-flow"), pins=(
        Pin(
            "gbm_ref.exact_law", table(
                "a v0 mu sigma T N M V", (0.3, 0.05, 0.2, 0.8, 1.0, 8, 0.7, 0.6),
                (-1.1, 0.4, -0.3, 1.3, 1.5, 3, 2.0, 3.1),
                (0.2, 1e-4, 0.5, 0.6, 0.7, 30, -0.4, 0.01),
            ), **on_the_line(_rows, _HOLDS), variant="probability-flow",
        ),
    ))  # fmt: skip
LAST = Claim(
    "R16-heun-last", "Heun's rule on steps equal in time: what its last step leaves",
    is_the_last_step, holds=v0 / (v0 + h),
    twins={"no bias": Integer(1), "half of it": v0 / (v0 + h / 2)},
    values=lambda: {"bound": _BOUND}, names=NAMES, means=Means.POINTS, sheet=("R16",),
    assumptions=("as for R16-heun", "the start has the exact log-variance", "v_0 is positive"),
    depends=("R16-heun",))  # fmt: skip

_EVEN = -(ell**2) / v0 * (1 - (1 - (v0 / vN) ** 2) / 4)
EVEN = Claim(
    "heun-flow-order", "Heun's rule on steps equal in the standard deviation: the error",
    is_the_even_order, holds=_EVEN, twins={
        "first order": _EVEN / ell, "last step forgotten": _EVEN + ell**2 / v0,
        "quarter left out": -(ell**2) / v0 * (v0 / vN) ** 2,
    }, values=lambda: {"close": _CLOSE, "gain": _GAIN}, names={"ell": r"\ell"}, means=Means.POINTS,
    sheet=("R16",),
    assumptions=("as for R16-heun", "the start has the exact log-variance", "v_0 is positive"),
    depends=("R16-heun", "heun-flow-last"))  # fmt: skip
CLAIMS = (R16, LEADING, HEUN, LAST, EVEN)
