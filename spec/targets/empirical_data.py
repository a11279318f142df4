"""A finite data set: its exact score, and what the Dale-Langevin step makes of it (sheet R3).

Symbols: c_n logarithms of the points; m_i, v as in R2; h the log-variance that one step adds."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise, product
from operator import mul, truediv

import mpmath
from mpmath import mpf
from sympy import (
    Expr, Integer, Matrix, Rational, Symbol, diff, exp, expand, eye, log, ones, sqrt, symbols,
    zeros, zoo)  # fmt: skip

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.numeric import agree, integral
from spec.checking.pins import table
from spec.checking.symbols import dt, h, mu, s2, sigma, t, v, x, z
from spec.checking.trace import points
from spec.steps._reverse import log_step, root
from spec.targets import _laws
from spec.targets._laws import X, Y

_POINTS = tuple(Matrix(symbols(f"c_{n}1 c_{n}2")) for n in (1, 2, 3))
_MEAN, _SHIFT, _SIZES = Matrix(symbols("D1 D2")), Matrix(symbols("m1 m2")), symbols("E0 E1 E2")
# (L, c_n, m) -> log of the share, but a constant; (D, L, m) -> H
Shares = Callable[[Matrix, Matrix, Matrix], Expr]
Score = Callable[[Matrix, Matrix, Matrix], Matrix]


def is_the_score_of_data(candidate: tuple[Shares, Score]) -> bool:
    r"""In the plane, for three equally likely points with the logarithms $c_n$ and for $t$
    positive, $x\circ\nabla\log p_t(x)=[[score]]$, where $D$ is the mean of the $c_n$ under shares
    that are proportional to the exponentials of $[[share]]$, with $m$ and $v$ as in R2.

    Given the point, $\log X_t$ has independent entries (A5), normal with the variance $v$ (A33),
    so that its law is a mixture of such laws. Shares are right when their logarithms differ from
    the densities' by the same for every point; the density is differentiated with a symbol for
    each exponential."""
    log_share, score = candidate
    phis, left = _law_of_data()
    gaps = [_at(log_share, c) - phi for c, phi in zip(_POINTS, phis, strict=True)]
    right = _under(score, _average(_SIZES, _POINTS))
    return vanishes([f - g for f, g in pairwise(gaps)]) and vanishes(left - right)


def _at(log_share: Shares, point: Matrix) -> Expr:
    return log_share(Y, point, _SHIFT)


def _under(score: Score, mean: Matrix) -> Matrix:
    return score(mean, Y, _SHIFT)


@cache
def _law_of_data() -> tuple[list[Expr], Matrix]:
    """Logarithms of the three densities, and the score, in which the densities are symbols."""
    phis = [-_laws.quadratic(Y, c + _SHIFT, v * eye(2)) / 2 for c in _POINTS]
    sizes = [exp(phi) for phi in phis]
    as_symbols = dict(zip(sizes, _SIZES, strict=True))
    return phis, Matrix([diff(log(sum(sizes)) - sum(Y), y).xreplace(as_symbols) for y in Y])


def _average(sizes: Sequence[Expr], logs: Sequence[Matrix]) -> Matrix:
    return sum((size * c for size, c in zip(sizes, logs, strict=True)), 0 * logs[0]) / sum(sizes)


def _log_share(y: Matrix, c: Matrix, m: Matrix) -> Expr:
    return -(y - c - m).dot(y - c - m) / (2 * v)


def _score(D: Matrix, y: Matrix, m: Matrix) -> Matrix:
    return (D + m - y) / v - ones(*y.shape)


def is_the_last_step(landing: Callable[[Expr, Expr, Expr], Expr]) -> bool:
    r"""The Dale-Langevin step from $t$ equal to $\delta$, with the exact score of a finite data
    set, ends at $\log X_0=[[it]]$ in one coordinate, where $D$ is the mean of the $c_n$ under the
    shares at the state before the step and $Z$ the draw.

    Whatever the shares are: the exponent of the step (A13) with the score of R3 at $v=[[v]]$ and
    $m=[[m]]$."""
    D, y = symbols("D y")
    (score,) = _score(*(Matrix([e]) for e in (D, y, _LAST["m"]))).subs(v, _LAST["v"])
    gap = y + log_step(score, z, root) - landing(D, y, _NOISE)
    return vanishes(gap.subs({s2: sigma**2, dt: root**2}))


_NOISE = sigma * sqrt(dt) * z
_LAST = {"m": (mu - s2 / 2) * dt, "v": s2 * dt}
_BOUND = (1 + Symbol("k") ** 2) * exp(-Rational(1, 2) * Symbol("k") ** 2)
_GRID = (4, 8, 12), (0.5, 1.0, 2.0)  # k, and how far states are on the way to a point


def is_the_blur(blur: Expr) -> bool:
    r"""After that step, with two points of one coordinate for data, the mean squared log-distance
    of $X_0$ to the nearer one is near $[[it]]$: if the logarithm of each is $k$ roots of $h$ away
    from their middle, it differs from that by less than $h$ times $[[bound]]$, for $k$ one of
    $[[ks]]$, from states whose log, less the $m$ of R3-last-step, is one of $[[places]]$ times the
    way from the middle to a point.

    By R3-last-step $\log X_0$ is $D$ plus a normal draw of variance $h$. $D$ comes from the two
    shares; the expectation over the draw is in closed form, which is compared with a numerical
    integral at one place."""
    in_units, places = mpf(expand(blur / h)), product(*_GRID)
    cases = [(at["k"], at["place"]) for at in points(table("k place", *places))]
    close = [
        abs(_squared_distance(k, place) - in_units) < _BOUND.subs("k", k) for k, place in cases
    ]
    return _closed_form_holds() and all(close)


def _squared_distance(k: int, place: float) -> mpf:
    """E min_n |log X - c_n|^2 / h for points at -k, k and a state at k place, in roots of h."""
    at = Matrix([place * k])
    logs = [_log_share(at, Matrix([c]), 0 * at).subs(v, 1) for c in (k, -k)]
    with mpmath.workdps(50):
        near, far = map(mpmath.exp, logs)
        return _over_draws(k * (near - far) / (near + far), k)


def _over_draws(D: mpf, k: int) -> mpf:
    """E (|D + Z| - k)^2, Z standard normal."""
    return 1 + (D - k) ** 2 - 4 * k * (mpmath.npdf(D) - D * mpmath.ncdf(-D))


@cache
def _closed_form_holds() -> bool:
    found = integral(lambda z: (abs(1 + z) - 3) ** 2 * mpmath.npdf(z), -20, -1, 20)
    return agree(_over_draws(mpf(1), 3), found, 12)


_AT = tuple(Matrix(symbols(f"{name}1 {name}2", positive=True)) for name in "pq")
_IN_PLANE = (X, _AT, zeros(2, 1))
_ON_LINE = (Matrix([x]), tuple(Matrix([p]) for p in X), Matrix([symbols("m")]))


def _hyvarinen(found: tuple[Shares, Score], at: tuple) -> Matrix:
    """Of two points at a state, with the log-variance v round each."""
    (log_share, score), (state, data, shift) = found, at
    y, logs = state.applyfunc(log), [point.applyfunc(log) for point in data]
    return score(_average([exp(log_share(y, c, shift)) for c in logs], logs), y, shift)


def _log_score(found: tuple[Shares, Score]) -> Matrix:
    return _hyvarinen(found, _IN_PLANE) + ones(2, 1)


def _counted(values: Mapping[str, mpf], at_x: int = 1) -> mpf:
    """The part of the points p, q, r that is not above x, or (0) that is below it."""
    found = [values[name] for name in "pqr"]
    return mpf(sum(c < values["x"] or (at_x and c == values["x"]) for c in found)) / 3


def _diffused(drift: Expr) -> tuple[Expr, ...]:
    return (*(p * exp(drift * t) for point in _AT for p in point), v + sigma**2 * t)


def _draw(values: Mapping[str, mpf], end: int = 0) -> mpf:
    """The point in whose third of [0, 1] the uniform draw u lies, times e^{sqrt(v) z}."""
    u = 1 - values["u"] if end else values["u"]
    return values["pqr"[int(3 * u)]] * mpmath.exp(mpmath.sqrt(values["v"]) * values["z"])


_STATES = table(
    "x1 x2 p1 p2 q1 q2 v mu sigma t", (1.2, 0.7, 1.0, 2.0, 1.5, 0.6, 0.3, 0.37, 0.8, 0.6),
    (1.7, 1.1, 1.3, 1.9, 1.8, 0.9, 0.0007, -1.3, 1.7, 1.9),
    (4e-5, 310.0, 1.0, 2.0, 1.5, 0.6, 1.9, 0.02, 0.3, 1e-4))  # fmt: skip
_LINE, _OF = (1.3, 0.8, 1.9), "gbm_ref.PointMasses"
# The trace does not see what is added to the score; a step function has no slope to speak of.
_SCORE_PINS = (
    Pin(f"{_OF}.hyvarinen_score", vectors="point_masses_hyvarinen_score",
        reads=lambda found: _hyvarinen(found, _ON_LINE)[0]),
    Pin(f"{_OF}.log_score", _STATES, reads=lambda found: (*_log_score(found),)), Pin(
        f"{_OF}.stein_score", _STATES,
        reads=lambda found: tuple(map(truediv, _hyvarinen(found, _IN_PLANE), X)),
    ), Pin(
        "gbm_ref.log_score_divergence", _STATES, variant="data set",
        reads=lambda found: sum(map(mul, X, map(diff, _log_score(found), X))),
        twins={"one point alone": -2 / v},
    ))  # fmt: skip
_LAW_PINS = (
    Pin(f"{_OF}.logpdf", vectors="point_masses_logpdf",
        because="it is the density whose score the statement is"),
    Pin(f"{_OF}.cdf", vectors="point_masses_cdf", because="it is the integral of that density"),
    Pin(
        f"{_OF}.cdf", table("x p q r", *((place, *_LINE) for place in (1.3, 0.79, 1.89, 2.0))),
        because="it counts the data points, for which the statement has no density",
        formula=_counted, scale=Integer(1), variant="data set",
        twins={"points at x not counted": lambda values: _counted(values, 0)},
    ), Pin(
        f"{_OF}.diffuse", _STATES, formula=_diffused(mu - sigma**2 / 2),
        because="it moves and widens the kernels of which the statement is the score",
        twins={"without the Itô term": _diffused(mu)},
    ), Pin(
        f"{_OF}.rvs", table(
            "u v z p q r", (0.1, 0.3, -0.7, *_LINE), (0.34, 1e-6, 8.2, *_LINE),
            (0.99, 2.3, 6.1, *_LINE),
        ), because="it draws from the mixture of kernels", formula=_draw,
        twins={"from the other end": lambda values: _draw(values, 1)},
    ))  # fmt: skip
SCORE = Claim(
    "R3", "exact score of a finite data set", is_the_score_of_data, holds=(_log_share, _score),
    twins={
        "shift m left out": (_log_share, lambda D, y, m: _score(D, y, 0 * m)),
        "the log score, without -1": (_log_share, lambda D, y, m: (D + m - y) / v),
        "shares without the factor 1/2": (lambda y, c, m: 2 * _log_share(y, c, m), _score),
    }, shown=lambda found: {
        "share": _at(found[0], Matrix(symbols("c_n1 c_n2"))), "score": _under(found[1], _MEAN),
    }, names=_laws.NAMES, assumptions=(
        Assumption(
            "t is positive", "v, by which the score divides, is positive",
            lambda: bool(_score(_MEAN, Y, _SHIFT).subs(v, 0).has(zoo)),
        ),
    ), depends=("A5", "A33", "R2"), pins=(*_SCORE_PINS, *_LAW_PINS))  # fmt: skip
LAST_STEP = Claim(
    "R3-last-step", "the last step is denoiser plus noise", is_the_last_step,
    holds=lambda D, y, noise: D + noise, twins={
        "denoiser without noise": lambda D, y, noise: D,
        "half of the way": lambda D, y, noise: (D + y) / 2 + noise,
        "log-mean kept in": lambda D, y, noise: D + _LAST["m"] + noise,
    }, shown=lambda landing: {"it": landing(*symbols("D y"), _NOISE)},
    values=lambda: _LAST, names={"z": "Z"}, sheet=("R3",),
    assumptions=(
        "the rates are constant on the step", "R3 holds for any number of points and coordinates",
    ), depends=("A13", "R3"))  # fmt: skip
BLUR = Claim(
    "R3-blur", "the last step with the exact score of two points blurs one of them", is_the_blur,
    holds=h, twins={
        "the points themselves": Integer(0), "half of it": h / 2,
        "one per cent more": h * Rational(101, 100),
    }, values=lambda: dict(zip(("ks", "places"), _GRID, strict=True), bound=_BOUND),
    names={"h": "h"}, means=Means.POINTS, sheet=("R3",), assumptions=(
        Assumption(
            "the log of the state before the step, less m, is not midway between the points' logs",
            "the shares there decide for one of them",
            lambda: bool(abs(_squared_distance(4, 0.0) - 1) > _BOUND.subs("k", 4)),
        ),
    ), depends=("R3-last-step",))  # fmt: skip
CLAIMS = (SCORE, LAST_STEP, BLUR)
