"""Langevin dynamics, and mirrored Langevin dynamics (version 2, section 5.2).

Symbols: p = e^l = e^{-V}  the target density, of which nothing else is assumed
         phi       mirror map, convex;  y = grad phi(x)  the dual variable;  n  noise variance
"""

from typing import NamedTuple

from sympy import (
    Expr,
    Function,
    Matrix,
    Symbol,
    diag,
    diff,
    exp,
    eye,
    hessian,
    log,
    sqrt,
    symbols,
)

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Pin, Values, v2
from spec.checking.diffusions import fokker_planck, plain_partials, with_symbols
from spec.checking.typeset import Sde

_X: tuple[Symbol, Symbol] = symbols("x1 x2", positive=True)
_PARTIALS = plain_partials(_X)


class Weights(NamedTuple):
    """Coefficients of a drift c1 * (first term) + c2 * (second term), and the noise variance."""

    first: Expr
    second: Expr
    noise: Expr


def leaves_invariant(candidate: tuple[Expr, Expr]) -> bool:
    r"""[[equation]] leaves every density $p$ of the plane invariant, at any rate $c$.

    The residual of the Fokker–Planck equation at an arbitrary density, given by its logarithm.
    """
    weight, noise = candidate
    density = Function("l")(*_X)
    drift = tuple(weight * diff(density, e) for e in _X)
    return vanishes(with_symbols(fokker_planck(density, Matrix(drift), noise * eye(2), _PARTIALS)))


def is_mirrored_langevin(weights: Weights) -> bool:
    r"""With $Y$ for $\nabla\phi(X)$ and $V$ minus the logarithm of $p$, [[equation]] is the
    Langevin dynamics of the density of $\nabla\phi(X)$ for $X$ drawn from $p$, for every $\phi$ of
    the plane; and it leaves $p$ invariant in $x$, for every $\phi$ of the line, for a separable
    one and for one with a full Hessian in the plane.

    The density of $Y$ is that of $X$ over the determinant of the Hessian (Robbins' formula), and a
    gradient in $y$ is the inverse Hessian times one in $x$. In $y$ minus the drift has to be that
    gradient. In $x$ Itô's formula for the inverse map gives drift and spread, and the
    Fokker–Planck residual has to vanish for every $V$.
    """
    x1, x2 = _X
    maps = (
        ((x1,), Function("phi")(x1)),
        (_X, x1 * log(x1) + x2 * log(x2)),
        (_X, x1**3 / 6 + x1 * x2 + x2**2),
    )
    return _is_dual_gradient(weights) and all(_leaves_invariant(weights, *pair) for pair in maps)


def _dual_drift(weights: Weights, at: tuple[Symbol, ...], phi: Expr) -> Matrix:
    """The drift of Y as stated, with grad log det H = tr(H^-1 dH)."""
    potential, second = Function("V")(*at), hessian(phi, at)
    inverse = second.adjugate() / second.det()
    slopes = Matrix([diff(potential, e) for e in at])
    volumes = Matrix([(inverse * second.diff(e)).trace() for e in at])
    return -inverse * (weights.first * slopes + weights.second * volumes)


def _is_dual_gradient(weights: Weights) -> bool:
    phi = Function("phi")(*_X)
    second = hessian(phi, _X)
    det = second.det()
    primal = Matrix([diff(Function("V")(*_X), e) + diff(det, e) / det for e in _X])
    # H grad_y W = grad_x W
    rate = weights.noise / 2
    return vanishes(with_symbols(*(second * _dual_drift(weights, _X, phi) + rate * primal)))


def _leaves_invariant(weights: Weights, at: tuple[Symbol, ...], phi: Expr) -> bool:
    second = hessian(phi, at)
    inverse = second.adjugate() / second.det()  # dx / dy
    n = range(len(at))
    curvature = Matrix(
        [sum(inverse[j, k] * diff(inverse[i, j], at[k]) for j in n for k in n) for i in n]
    )
    drift = inverse * _dual_drift(weights, at, phi) + weights.noise / 2 * curvature
    spread = weights.noise * inverse * inverse.T
    flow = fokker_planck(-Function("V")(*at), drift, spread, plain_partials(at))
    return vanishes(with_symbols(flow))


def is_multiplicative_langevin(weights: Weights) -> bool:
    r"""For $\phi=[[phi]]$, in two coordinates: [[equation]], which leaves every density $p$ of the
    positive quadrant invariant. Its Euler–Maruyama step multiplies $X$ by the exponential of the
    increment and keeps it positive.

    The drift has to be that of A21 for this generator; and by Itô's formula $X$ has a drift with
    half the noise more, of which the Fokker–Planck residual vanishes.
    """
    phi = _entropy()
    density, rate = Function("l")(*_X), weights.noise / 2
    stated = [weights.second + weights.first * x * diff(density, x) for x in _X]
    mirrored = (
        _dual_drift(weights._replace(first=rate, second=rate), _X, phi)
        .subs(Function("V")(*_X), -density)
        .doit()
    )
    drift = Matrix([x * (b + weights.noise / 2) for x, b in zip(_X, stated, strict=True)])
    spread = weights.noise * diag(*(x**2 for x in _X))
    residual = fokker_planck(density, drift, spread, _PARTIALS)
    gaps = [a - b for a, b in zip(stated, mirrored, strict=True)]
    return vanishes(with_symbols(*gaps, residual))


def _entropy() -> Expr:
    return sum(x * log(x) for x in _X)


C = Symbol("c", positive=True)  # any rate, a unit of time; 1 in the paper
_SCORE, _SLOPE, _VOLUME = symbols("score slope volume")
_NAMES = {"score": r"\nabla\log p(X)", "slope": r"\nabla V(X)", "x1": "x_1", "x2": "x_2",
          "volume": r"\nabla\log\det\nabla^2\phi(X)", "inverse": r"[\nabla^2\phi(X)]^{-1}",
          "h": r"X\circ\nabla\log p(X)"}  # fmt: skip


def _dual_equation(weights: Weights) -> Values:
    forces = weights.first * _SLOPE + weights.second * _VOLUME
    return {"equation": Sde("Y", -Symbol("inverse") * forces, sqrt(weights.noise))}


def _log_equation(weights: Weights) -> Values:
    drift = weights.second + weights.first * Symbol("h")
    return {"equation": Sde(r"\log X", drift, sqrt(weights.noise))}


def _step(weights: Weights) -> Expr:
    """The Euler-Maruyama step of d log X, exponentiated, in the names of the vectors."""
    x, s, delta, z = symbols("x s delta z", positive=True)
    first, second, noise = (f.subs(C, 1) for f in weights)
    return x * exp(delta * (second + first * x * s) + sqrt(noise * delta) * z)


_POSITIVE = "p is positive and twice differentiable, and the solution does not explode"
A20 = Claim(
    "A20",
    "Langevin dynamics",
    leaves_invariant,
    holds=(C, 2 * C),
    twins={
        "half the noise": (C, C),
        "drift with the wrong sign": (-C, 2 * C),
        "drift twice as large": (2 * C, 2 * C),
    },
    shown=lambda c: {"equation": Sde("X", c[0] * _SCORE, sqrt(c[1]))},
    names=_NAMES,
    sources=v2("eq. 20"),
    assumptions=(_POSITIVE,),
    readings=("the formula is lost in version 2; 'the canonical SDE' for a target density fixes "
              "it up to the unit of time",),
)  # fmt: skip

A21 = Claim(
    "A21",
    "mirrored Langevin dynamics",
    is_mirrored_langevin,
    holds=Weights(C, C, 2 * C),
    twins={
        "no determinant": Weights(C, 0 * C, 2 * C),
        "determinant with the wrong sign": Weights(C, -C, 2 * C),
        "half the noise": Weights(C, C, C),
    },
    shown=_dual_equation,
    names=_NAMES,
    sources=v2("eq. 21"),
    assumptions=(
        "phi is strictly convex and four times differentiable, V twice differentiable",
        "grad phi maps onto the whole space, so that Y never meets a boundary",
    ),
    readings=("the formula is lost in version 2; reconstructed from Hsieh et al. (2018), from the "
              "words 'the Hessian of phi evaluated at X_t' and from eq. 22, which it must give",),
    depends=("A20", "Robbins"),
)  # fmt: skip

A22 = Claim(
    "A22",
    "mirrored Langevin dynamics of the entropy",
    is_multiplicative_langevin,
    holds=Weights(C, C, 2 * C),
    twins={
        "without the one": Weights(C, 0 * C, 2 * C),
        "half the noise": Weights(C, C, C),
        "half the score": Weights(C / 2, C, 2 * C),
    },
    shown=_log_equation,
    values=lambda: {"phi": _entropy()},
    names=_NAMES,
    sources=v2("eq. 22"),
    assumptions=(_POSITIVE,),
    readings=("the formula is lost in version 2; it is forced by eq. 21 and by eq. 37",),
    depends=("A21",),
    pins=(Pin("gbm_ref.mirrored_langevin_step", vectors="mirrored_langevin_step", reads=_step),),
)

CLAIMS = (A20, A21, A22)
