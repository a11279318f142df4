"""Multistep solvers of the flow: the weights of earlier denoisers, and the error of a row.

In lambda = -log sqrt(v): ell is the length of the row, alpha and beta the distances from it to the
row before and from that to the one before (in multistep-order over ell); q = e^-ell; D, D1, D2 the
denoisers, u the state."""

from functools import cache

from sympy import Expr, Poly, Rational, cancel, diff, exp, factorial, log, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Means, Pin
from spec.checking.pins import table
from spec.checking.symbols import dt, h, m, mu, sigma, t, v, x
from spec.checking.typeset import Says
from spec.steps._pinned import PAIRS, STEP_POINTS, score_in_plane
from spec.steps.flow import HEUN_FLOW, tau

ell, alpha, beta, q = symbols("ell alpha beta q", positive=True)
D, D1, D2, u, R, theta = symbols("D D1 D2 u R theta", real=True)
d = symbols("d0:4", real=True)
Weights = tuple[Expr, Expr]


def are_the_weights(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""With [[variable]] the noise-free equation is [[equation]]. Over a row of length $\ell$,
    with [[decay]] and earlier denoisers $D_1$, $D_2$ at the distances $\alpha$ and [[far]], it
    leads from $u$ to [[row]] for the parabola through the denoisers, with [[first]] and
    [[second]]. The published weight of a single earlier denoiser is [[published]]: that of the
    straight line through both denoisers, kept at its value in the middle of the row. That of the
    straight line itself, [[line]], differs from it by the second power of $\ell$ when $\alpha$ is
    in proportion to $\ell$.

    The equation is that of heun-flow in another variable, with the denoiser [[denoiser]]. The row
    is differentiated in $\ell$, where $q$ falls at the rate $q$, and is $u$ where it has no
    length; so is that of the straight line. For the last sentence $q$ is Taylor's series, with a
    symbol for its remainder."""
    published, *weights = candidate
    slope = HEUN_FLOW.holds[0] / diff(_LAMBDA.subs(v, tau**2), tau)
    slope -= _SLOPE.subs(D, DENOISER).subs(v, tau**2)
    curve, line = row(*weights), row(_LINE)
    gaps = [_rate(curve) + curve - _parabola(ell)]
    gaps.append(_rate(line) + line - _parabola(ell).subs(D2, _ON_THE_LINE))
    middle = _parabola(ell / 2).subs(D2, _ON_THE_LINE)
    gaps.append(row(published) - row(0) - (1 - q) * (middle - D))
    starts = [(each - u).subs(q, _DECAY).subs(ell, 0) for each in (curve, line)]
    *none, away = _powers(published - _LINE, 2)
    return vanishes((slope, *gaps, *starts, *none)) and not vanishes(away)


def row(first: Expr, second: Expr | int = 0) -> Expr:
    """Where a row leads from u, with these weights of the earlier denoisers."""
    return q * u + (1 - q) * D + first * (D1 - D) + second * (D2 - D)


def _rate(moved: Expr) -> Expr:
    """The derivative in ell, on which q depends too."""
    return diff(moved, ell) + q * diff(_DECAY, ell) / _DECAY * diff(moved, q)


def _parabola(at: Expr) -> Expr:
    """Through D at 0, D1 at -alpha and D2 at -alpha - beta, by divided differences."""
    near, far = (D - D1) / alpha, (D1 - D2) / beta
    return D + at * near + at * (at + alpha) * (near - far) / _FURTHER


def _in_rows(expression: Expr) -> Expr:
    """With alpha and beta for the distances over ell."""
    return expression.subs({alpha: alpha * ell, beta: beta * ell}, simultaneous=True)


def _powers(expression: Expr, highest: int) -> list[Expr]:
    """The coefficients of ell^0 .. ell^highest, distances being in proportion to ell."""
    polynomial = Poly(cancel(_in_rows(expression).subs(q, _SERIES)), ell)
    return [polynomial.coeff_monomial(ell**n) for n in range(highest + 1)]


def are_the_local_errors(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""Where the denoiser at the distance $\theta$ along $\lambda$ is [[cubic]] and those of the
    rows before lie at [[near]] and [[far]], a row is off by [[0]] with the
    published weight of one earlier denoiser, by [[1]] with the weights of the parabola, and by
    [[2]] where the part of them that multiplies its square is halved, to leading order in $\ell$.

    The exact row is [[exact]], found as for the parabola. The square's part of the weight $c_2$ is
    [[square]], and that of $c_1$ is in proportion. Taylor's series of $q$ has a symbol for its
    remainder."""
    if not vanishes((_rate(_EXACT) + _EXACT - _cubic(ell), (_EXACT - u).subs({ell: 0, q: 1}))):
        return False
    return all(same(*pair) for pair in zip(_leading_errors(), candidate, strict=True))


@cache
def _leading_errors() -> list[Expr]:
    found = {D: _cubic(0 * ell), D1: _cubic(_NEAR), D2: _cubic(_FAR)}
    rows = row(_PUBLISHED), row(*_weights(1)), row(*_weights(_HALF))
    powers = (_powers(each.subs(found) - _EXACT, 4) for each in rows)
    return [next(p * ell**n for n, p in enumerate(each) if not vanishes(p)) for each in powers]


def _cubic(at: Expr) -> Expr:
    return sum(c * at**n / factorial(n) for n, c in enumerate(d))


def _weights(share: Expr | int) -> Weights:
    """c_1 and c_2 with that share of the part that multiplies the square of the parabola."""
    second = (share * _OF_SQUARE + alpha * _FIRST / (beta * (alpha + beta))).together()
    return -(_FIRST + beta * second) / alpha - second, second


def _step(moved: Expr) -> Expr:
    """In the names of the vectors: m and v at the horizon, times t_1 and t_2 of earlier rows."""
    first, second = symbols("d1 d2", positive=True)
    moved = moved.subs({D1: first, D2: second}).subs(D, DENOISER).subs(u, log(x) - m * t)
    return exp(m * (t - dt) + moved.subs(_LEVELS | {v: v * t}, simultaneous=True))


def _coefficients(candidate: tuple[Expr, Expr, Expr]) -> tuple[Expr, ...]:
    """What the weights of a row of third order are, m and v having constant rates."""
    shares = (c.subs(_LEVELS, simultaneous=True) for c in candidate[1:])
    return -(mu - sigma**2 / 2) * dt, (1 - _LEVELS[q]) * sigma**2 * t, *shares


def _frozen_in_plane(ratio: Expr) -> tuple[Expr, ...]:
    """A row without a past, `ratio` being the part of u that is kept."""
    exponent = -(mu - sigma**2 / 2) * dt + (1 - ratio) * sigma**2 * t * (1 + h)
    pairs = zip(PAIRS[:2], score_in_plane(t), strict=True)
    return tuple(e * exp(exponent.subs(h, w)) for e, w in pairs)


_BEFORE, _EARLIER = symbols("t1 t2", positive=True)
# What a row at t has where v is in proportion to t.
_LEVELS = {q: sqrt((t - dt) / t), ell: log(t / (t - dt)) / 2,
           alpha: log(_BEFORE / t) / 2, beta: log(_EARLIER / _BEFORE) / 2}  # fmt: skip
_HALF, DENOISER, _FURTHER = Rational(1, 2), u + v * (1 + h), alpha + beta
_LAMBDA, _DECAY, _SLOPE = -log(v) / 2, exp(-ell), D - u
_SERIES = sum((-ell) ** n / factorial(n) for n in range(5)) + ell**5 * R
# Integrals over the row of e^(theta - ell) theta and e^(theta - ell) theta^2.
_FIRST, _SQUARE = ell - 1 + q, ell**2 - 2 * (ell - 1 + q)
_OF_SQUARE = _SQUARE / (beta * (alpha + beta))  # the square's part of c_2
_NEAR, _FAR = -alpha, -alpha - beta  # where D1 and D2 are read
_LINE, _PUBLISHED = -_FIRST / alpha, -(1 - q) * ell / (2 * alpha)
_ON_THE_LINE = D + (D1 - D) * (alpha + beta) / alpha
HOLDS = (_PUBLISHED, *_weights(1))
MULTISTEP = Claim(
    "multistep", "multistep solvers of the flow: weights of earlier denoisers", are_the_weights,
    holds=HOLDS, twins={
        "half of the square, as in public code": (_PUBLISHED, *_weights(_HALF)),
        "second denoiser left out": (_PUBLISHED, _weights(1)[0], 0 * ell),
        "interpolated forwards": (-_PUBLISHED, *_weights(1)),
        "whole slope": (2 * _PUBLISHED, *_weights(1)),
    }, shown=lambda c: dict(
        zip(("published", "first", "second"), map(Says, ("c", "c_1", "c_2"), c), strict=True)
    ), values=lambda: {
        "variable": Says(r"\lambda", _LAMBDA), "decay": Says("q", _DECAY),
        "far": _FURTHER, "equation": Says(r"du/d\lambda", _SLOPE),
        "row": row(*symbols("c_1 c_2")), "line": _LINE, "denoiser": Says("D", DENOISER),
    }, names={"ell": r"\ell", "D1": "D_1", "D2": "D_2", "h": "h", "v": "v(t)"}, sheet=("R16",),
    assumptions=("the distances and the length of the row are positive",),
    readings=("the published weight is that of DPM-Solver++(2M)",),
    means=Means.CALCULUS, depends=("heun-flow", "R5"), pins=(
        Pin("gbm_ref.DPMSolver.with_past", vectors="multistep_second_order",
            reads=lambda c: _step(row(c[0])), variant="order 2"),
        Pin("gbm_ref.DPMSolver.with_past", vectors="multistep_third_order",
            reads=lambda c: _step(row(*c[1:])), variant="order 3"),
        Pin("gbm_ref.DPMSolver.weights", table(
            "mu sigma t dt t1 t2", (0.17, 0.8, 0.5, 0.11, 0.62, 0.8),
            (-0.6, 1.4, 0.25, 0.01, 0.26, 0.28), (0.32, 0.8, 0.5, 0.46, 0.7, 0.9),
        ), reads=_coefficients),
        Pin("gbm_ref.DPMSolver.__call__", STEP_POINTS[:2],
            because="a row without a past has no weights to read: it is DDIM, R17-steps",
            formula=_frozen_in_plane(sqrt((t - dt) / t)), twins={
                "the ratio of variances": _frozen_in_plane((t - dt) / t),
                "no state kept": _frozen_in_plane(0 * t)})))  # fmt: skip

_EXACT = q * u + (1 - q) * d[0] + _FIRST * d[1] + _SQUARE * d[2] / 2
_EXACT += (ell**3 - 3 * _SQUARE) * d[3] / 6
_ERRORS = (-(ell**3) * (d[1] + (2 + 3 * alpha) * d[2]) / 12, -(ell**4) * d[3] * (3 + 8 * alpha + 4
    * beta + 6 * alpha * (alpha + beta)) / 72, -(ell**3) * d[2] / 12,)  # fmt: skip
ORDER = Claim(
    "multistep-order", "multistep solvers of the flow: what a row is off by", are_the_local_errors,
    holds=_ERRORS, twins={
        "half of the square loses nothing": (*_ERRORS[:2], _ERRORS[1]),
        "the straight line for the published weight": (
            -(ell**3) * (2 + 3 * alpha) * d[2] / 12, *_ERRORS[1:],
        ), "equal distances": (_ERRORS[0], _ERRORS[1].subs({alpha: 1, beta: 1}), _ERRORS[2]),
        "a parabola of a parabola": (_ERRORS[0], 0 * ell, _ERRORS[2]),
    }, values=lambda: {
        "cubic": _cubic(theta), "exact": _EXACT,
        "square": _in_rows(_OF_SQUARE).factor(), "near": _in_rows(_NEAR), "far": _in_rows(_FAR),
    }, names={f"d{n}": f"d_{n}" for n in range(4)} | {"ell": r"\ell", "theta": r"\theta"},
    readings=(
        "the halved square is what the public code of DPM-Solver++(3M) computes, as read in the "
        "autumn of 2026",
    ), sheet=("R16",), means=Means.CALCULUS, depends=("multistep",), assumptions=(
        "the denoiser is a polynomial of degree three over the rows",
        "alpha and beta are positive"))  # fmt: skip
CLAIMS = (MULTISTEP, ORDER)
