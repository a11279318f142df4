"""The two samplers as Euler-Maruyama steps: in X, in log X, and in the increments of m and v.

h, h_t are the Hyvarinen score at the state of a step and in an equation; dm = m(t) - m(s), r the
square root of dv = v(t) - v(s)."""

from collections.abc import Callable

from sympy import Expr, Integer, Matrix, Rational, Symbol, diag, exp, factorial, log, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin, v1, v2
from spec.checking.symbols import L, dt, h, kappa, mu, sigma, t, v, x, z
from spec.checking.typeset import Says, Sde
from spec.steps._pinned import by_increments, in_plane, plane_table
from spec.steps._reverse import (
    CONSTANT, IN_LOG, IN_X, ON_LOG_NORMAL, POSITIVE, Z, affine_score, ambient_factor, in_delta,
    log_step, over_draw, per_coordinate, reverse_drift, root)  # fmt: skip

dm, score, h_t = symbols("dm score h_t", real=True)
r, std_min, std_max = symbols("r std_min std_max", positive=True)


def is_the_ambient_step(factor: Expr) -> bool:
    r"""In the plane the Euler–Maruyama step of [[equation]] is $[[step]]$, entry by entry.

    The reverse drift is that of A2, with its own $\mu$ in each coordinate and a symbol for each
    slope of $\log p$. A step adds $\delta$ times this drift and the diffusion times a draw with
    variance $\delta$."""
    known = same(factor.subs(z, kappa * z), ambient_factor(h, z, root, kappa))
    return known and _is_step(IN_X, _AMBIENT_EQUATION, _by_factor(factor) - x)


def _by_factor(factor: Expr) -> Expr:
    return x * factor


def is_the_log_step(exponent: Expr) -> bool:
    r"""In the plane the Euler–Maruyama step of [[equation]], exponentiated, is $[[step]]$, entry
    by entry.

    Itô's formula takes the reverse equation of $X$ to that of $\log X$, in which one steps."""
    known = same(exponent.subs(z, kappa * z), log_step(h, z, root, kappa))
    return known and _is_step(IN_LOG, _LOG_EQUATION, log(_by_exponent(exponent) / x))


def _by_exponent(exponent: Expr) -> Expr:
    return x * exp(exponent)


def is_the_additive_step(added: Expr) -> bool:
    r"""In the plane $[[step]]$ is the Euler–Maruyama step of [[equation]], the reversed Brownian
    motion, entry by entry.

    The score of $\log X$ is one plus $X\circ\nabla\log p$ (A10-score). Eq. (7) is not used."""
    y, g = symbols("y1 y2", real=True), sigma * Matrix.eye(2)
    drift = reverse_drift(per_coordinate(mu - sigma**2 / 2), g, per_coordinate(1 + h), y)
    return _is_step((drift, g), _ADDITIVE_EQUATION, _by_addition(added) - L)


def _by_addition(added: Expr) -> Expr:
    return L + added


def _is_step(equation: tuple[Matrix, Matrix], printed: Sde, added: Expr) -> bool:
    """Whether the printed equation is this one, and `added` its step, in each coordinate."""
    drift, noise = equation
    meant = {_X: x, h_t: h, score: 1 + h}
    rate, size = (per_coordinate(part.subs(meant)) for part in (printed.drift, printed.noise))
    moved = per_coordinate(in_delta(added).subs(dt, root**2))  # as it is printed
    gap = root**2 * drift + root * noise * Matrix(Z) - moved
    return vanishes((drift - rate, noise - diag(*size), gap))


def is_the_gap(orders: tuple[Expr, Expr]) -> bool:
    r"""From the same state and draw, the factor of A13 minus that of A12 is $[[gap]]$ up to terms
    of order $\delta^2$; the mean of either term over $Z$ is zero.

    The exponent of A13 begins with the first power of the square root of $\delta$, so that four
    terms of the exponential are enough."""
    exponent = log_step(h, z, root)
    exponential = sum(exponent**n / factorial(n) for n in range(4))
    gap = (exponential - ambient_factor(h, z, root) - _gap(orders)).expand()
    return vanishes(([gap.coeff(root, n) for n in range(4)], [*map(over_draw, orders)]))


def _gap(orders: tuple[Expr, Expr]) -> Expr:
    """The terms of the second and the third power of the root."""
    return orders[0] * root**2 + orders[1] * root**3


def _carried(exponent: Expr, added: Expr = r**2) -> bool:
    """Whether the mean of log-normal data goes from a + m_t + e to a + m_s + (1 - added / v) e."""
    e = Symbol("e", real=True)
    moved = exponent.xreplace({h: affine_score(e, v), z: Integer(0)})
    return same(moved, -dm - added / v * e)


def are_the_steps(candidate: tuple[Expr, Expr]) -> bool:
    r"""With $\Delta m=[[dm]]$ and $\Delta v=[[dv]]$, $[[dale]]$ is A13 and $[[agnostic]]$ is A12,
    with their noise times $\kappa$. With any $m$ and $v$ the first, in one coordinate, takes the
    mean of the log of log-normal data on as the exact reverse kernel does (R7).

    The first two by substitution, against steps built from the reverse equation. For the last,
    the variance of $\log X$ and a distance of its mean from its place must shrink alike."""
    constant = {dm: _INCREMENTS["dm"], r: sqrt(_INCREMENTS["dv"])}
    first, second = (says.right.xreplace(constant) / x for says in _shown(candidate).values())
    known = log_step(h, z, root, kappa), ambient_factor(h, z, root, kappa)
    return all(map(same, (log(first), second), known)) and _carried(candidate[0])


def _shown(steps: tuple[Expr, Expr]) -> dict[str, Says]:
    made = _by_exponent(steps[0]), _by_factor(steps[1])
    return {name: Says("X_s", e) for name, e in zip(("dale", "agnostic"), made, strict=True)}


_NAMES = {
    "x": "X_k", "z": "Z_k", "L": r"\log X_k", "h": r"X_k\circ\nabla\log p_{X_k}(X_k,k)",
    "h_t": r"X\circ\nabla\log p_t(X)", "score": r"\nabla\log q_t(Y)"}  # fmt: skip
_X = Symbol("X")
_AMBIENT_EQUATION = Sde("X", (2 * sigma**2 - mu + sigma**2 * h_t) * _X, sigma * _X, "r")
_LOG_EQUATION = Sde(r"\log X", 3 * sigma**2 / 2 - mu + sigma**2 * h_t, sigma, "r")
_ADDITIVE_EQUATION = Sde("Y", sigma**2 / 2 - mu + sigma**2 * score, sigma, "r")
_INCREMENTS = {"dm": (mu - sigma**2 / 2) * root**2, "dv": sigma**2 * root**2}
_DV = _INCREMENTS["dv"]
_AMBIENT = 1 - root**2 * (mu - 2 * sigma**2) + _DV * h + sigma * root * z
_EXPONENT = -(root**2) * (mu - 3 * sigma**2 / 2) + _DV * h + sigma * root * z
A12 = Claim(
    "A12", "sign-agnostic step", is_the_ambient_step, holds=_AMBIENT, twins={
        "divergence counted once": _AMBIENT - _DV,
        "3/2 sigma^2, as in the log step": _AMBIENT - _DV / 2,
        "noise with sigma^2": _AMBIENT + (sigma**2 - sigma) * root * z,
        "score with the other sign": _AMBIENT - 2 * _DV * h,
    }, shown=lambda factor: {"step": Says("X_{k-1}", in_delta(_by_factor(factor)))},
    values=lambda: {"equation": _AMBIENT_EQUATION}, names=_NAMES, sources=v2("eq. 12"),
    assumptions=(CONSTANT, POSITIVE), readings=(
        "formula lost in version 2; reconstructed: the step of eq. 7, as the prose says",
    ), depends=("A2", "A7"), pins=(Pin(
        "gbm_ref.SignAgnostic.__call__", vectors="sign_agnostic_step",
        reads=lambda factor: by_increments(_by_factor(factor.subs(z, kappa * z)))),))  # fmt: skip

A13 = Claim(
    "A13", "Dale-Langevin step", is_the_log_step, holds=_EXPONENT, twins={
        "2 sigma^2, as in the ambient step": _EXPONENT + _DV / 2,
        "no Jacobian: sigma^2 / 2": _EXPONENT - _DV,
        "mu with the other sign": _EXPONENT + 2 * root**2 * mu,
        "noise without the square root": _EXPONENT + (root**2 - root) * sigma * z,
    }, shown=lambda exponent: {"step": Says("X_{k-1}", in_delta(_by_exponent(exponent)))},
    values=lambda: {"equation": _LOG_EQUATION}, names=_NAMES, sources=v1("eq. 13") + v2("eq. 13"),
    assumptions=(CONSTANT, POSITIVE, "x > 0"), readings=(
        "p_{X_k}(X_k, k) means the density at time k delta",
        "formula lost in version 2; reconstructed: that of version 1",
    ), depends=("A2", "A7", "A11"), pins=(Pin(
        "gbm_ref.DaleLangevin.__call__", vectors="dale_langevin_step",
        reads=lambda exponent: by_increments(_by_exponent(exponent.subs(z, kappa * z))),
    ),))  # fmt: skip

V1_12 = Claim(
    "V1-12", "Euler-Maruyama step in the logarithm", is_the_additive_step, holds=_EXPONENT, twins={
        "Jacobian left out": _EXPONENT - _DV, "score with the other sign": _EXPONENT - 2 * _DV * h,
        "score times sigma": _EXPONENT + root**2 * (sigma - sigma**2) * h,
    }, shown=lambda added: {"step": Says(r"\log X_{k-1}", in_delta(_by_addition(added)))},
    values=lambda: {"equation": _ADDITIVE_EQUATION}, names=_NAMES, sources=v1("eq. 12"),
    sheet=("A13",), assumptions=(CONSTANT, POSITIVE, "x > 0"), depends=("A2", "A10", "A10-score"),
)  # fmt: skip

_C2 = sigma**2 * (z**2 - 1) / 2
_C3 = sigma * z * (-mu + 3 * sigma**2 / 2 + sigma**2 * h) + sigma**3 * z**3 / 6
GAP = Claim(
    "A12-A13-gap", "difference of the two steps", is_the_gap, holds=(_C2, _C3), twins={
        "Z^2 without its mean": (sigma**2 * z**2 / 2, _C3), "half left out": (2 * _C2, _C3),
        "no cubic term": (_C2, _C3 - sigma**3 * z**3 / 6),
    }, shown=lambda orders: {"gap": in_delta(_gap(orders))},
    names={"z": "Z"}, sheet=("A12", "A13"), assumptions=("h is finite at x",),
    means=Means.CALCULUS, depends=("A12", "A13"))  # fmt: skip

_EXPLODING = std_min**2 * (exp(t * log(1 + (std_max / std_min) ** 2)) - 1)  # v(t) of the pins
_POINTS = plane_table(
    "x1 x2 z1 z2 t dt kappa std_min std_max", (0.7, 1.9, -0.8, 1.3, 0.62, 0.11, 1.0, 0.3, 2.0),
    (3e-2, 8.0, 3.1, -2.9, 1.0, 0.02, 0.7, 0.05, 1.1))  # fmt: skip


def _increments_pin(name: str, factor: Callable[[tuple[Expr, Expr]], Expr]) -> Pin:
    def exploding(steps: tuple[Expr, Expr], end: Expr = t - dt) -> tuple[Expr, ...]:
        added = _EXPLODING - _EXPLODING.subs(t, end)
        return in_plane(factor(steps).xreplace({dm: Integer(0), r: sqrt(added)}))

    return Pin(
        f"gbm_ref.{name}.__call__", _POINTS, reads=exploding,
        twins={"variance of the next step": exploding((_BY_DV, _BY_DV_IN_X), t - 2 * dt)},
        variant="sigma that varies")  # fmt: skip


_BY_DV = -dm + r**2 * (1 + h) + kappa * r * z
_BY_DV_IN_X = 1 - dm + r**2 * (Rational(3, 2) + h) + kappa * r * z
INCREMENTS = Claim(
    "increments-form", "the steps in increments of m and v", are_the_steps,
    holds=(_BY_DV, _BY_DV_IN_X), twins={
        "3/2 in the exponent": (_BY_DV + r**2 / 2, _BY_DV_IN_X),
        "1 in the factor": (_BY_DV, _BY_DV_IN_X - r**2 / 2),
        "noise with dv": (_BY_DV + kappa * (r**2 - r) * z, _BY_DV_IN_X),
    }, shown=_shown, names={
        "dm": r"\Delta m", "r": r"\sqrt{\Delta v}", "x": "X_t", "z": "Z",
        "h": r"X_t\circ\nabla\log p_t(X_t)",
    }, values=lambda: {name: in_delta(value) for name, value in _INCREMENTS.items()},
    sheet=("A12", "A13", "E19"), assumptions=(
        Assumption(
            "the forward process adds Delta v to the log-variance", "the shrinking of the mean",
            lambda: not _carried(_BY_DV, 2 * r**2),
        ), *ON_LOG_NORMAL,
    ), depends=("A12", "A13", "R2", "R7"), pins=(
        _increments_pin("SignAgnostic", lambda steps: steps[1]),
        _increments_pin("DaleLangevin", lambda steps: exp(steps[0]))))  # fmt: skip
CLAIMS = (A12, A13, V1_12, GAP, INCREMENTS)
