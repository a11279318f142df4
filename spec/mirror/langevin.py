"""Langevin dynamics, and mirrored Langevin dynamics (version 2, section 5.2).

Symbols: p = e^l = e^{-V}  the target density, of which nothing else is assumed
         phi       mirror map, convex;  y = grad phi(x)  the dual variable;  n  noise variance
"""

from typing import NamedTuple

from sympy import (
    Expr,
    Function,
    Matrix,
    Rational,
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
from spec.checking.diffusions import fokker_planck, plain_partials, with_symbols
from spec.checking.old import Claim, Kind, Means, Pin, Proof, v2

_X: tuple[Symbol, Symbol] = symbols("x1 x2", positive=True)
_PARTIALS = plain_partials(_X)


class Weights(NamedTuple):
    """Coefficients of a drift c1 * (first term) + c2 * (second term), and the noise variance."""

    first: Expr | int
    second: Expr | int
    noise: Expr | int


def leaves_invariant(candidate: tuple[int, int]) -> bool:
    """Whether dX = c grad log p dt + sqrt(n) dW leaves every density p of the plane invariant.

    The residual of the Fokker-Planck equation at p = e^l, l an arbitrary function.
    """
    weight, noise = candidate
    density = Function("l")(*_X)
    drift = tuple(weight * diff(density, e) for e in _X)
    return vanishes(with_symbols(fokker_planck(density, Matrix(drift), noise * eye(2), _PARTIALS)))


def is_mirrored_langevin(weights: Weights) -> bool:
    """Whether dY = -[Hess phi]^-1 (c1 grad V + c2 grad log det Hess phi) dt + sqrt(n) dW is right.

    Two looks. In y: minus the drift must be the gradient of W = V + log det Hess phi as a
    function of y, for every phi of the plane. In x: X = (grad phi)^-1(Y) by Ito's formula must
    leave e^{-V} invariant, for every phi of the line and for two mirror maps of the plane.
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
    return vanishes(with_symbols(*(second * _dual_drift(weights, _X, phi) + primal)))


def _leaves_invariant(weights: Weights, at: tuple[Symbol, ...], phi: Expr) -> bool:
    second = hessian(phi, at)
    inverse = second.adjugate() / second.det()  # dx / dy
    n = range(len(at))
    curvature = Matrix(
        [sum(inverse[j, k] * diff(inverse[i, j], at[k]) for j in n for k in n) for i in n]
    )
    drift = inverse * _dual_drift(weights, at, phi) + Rational(weights.noise, 2) * curvature
    spread = weights.noise * inverse * inverse.T
    flow = fokker_planck(-Function("V")(*at), drift, spread, plain_partials(at))
    return vanishes(with_symbols(flow))


def is_multiplicative_langevin(weights: Weights) -> bool:
    """Whether d log X = (c2 + c1 X * grad log p) dt + sqrt(n) dW is right for x_1 and x_2.

    It must be the mirrored dynamics of phi = sum x log x, and must leave every density p of the
    positive quadrant invariant: dX = X (drift + n/2) dt + sqrt(n) X dW by Ito's formula.
    """
    phi = sum(x * log(x) for x in _X)
    density = Function("l")(*_X)
    stated = [weights.second + weights.first * x * diff(density, x) for x in _X]
    mirrored = _dual_drift(Weights(1, 1, 2), _X, phi).subs(Function("V")(*_X), -density).doit()
    drift = Matrix([x * (b + Rational(weights.noise, 2)) for x, b in zip(_X, stated, strict=True)])
    spread = weights.noise * diag(*(x**2 for x in _X))
    residual = fokker_planck(density, drift, spread, _PARTIALS)
    gaps = [a - b for a, b in zip(stated, mirrored, strict=True)]
    return vanishes(with_symbols(*gaps, residual))


_S, _Z = symbols("S1 S2"), symbols("z1 z2")
_DELTA = Symbol("delta", positive=True)


def _step(constant: int, noise: int) -> tuple[Expr, ...]:
    """The Euler-Maruyama step of d log X, exponentiated."""
    return tuple(
        x * exp(_DELTA * (constant + x * s) + sqrt(noise * _DELTA) * z)
        for x, s, z in zip(symbols("x1 x2"), _S, _Z, strict=True)
    )


A20 = Claim(
    id="A20",
    title="Langevin dynamics",
    statement=r"$dX_t=\nabla\log p(X_t)\,dt+\sqrt2\,dW_t$ leaves $p$ invariant.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 20"),
    sheet=("A20",),
    assumptions=(
        "p positive and twice differentiable, and the solution does not explode",
        "decided in the plane; the terms of more coordinates add up in the same way",
        "the formula is lost in version 2; 'the canonical SDE' for a target density fixes it up "
        "to the unit of time",
    ),
    derivation=r"The Fokker–Planck right-hand side at $p$ is $-\nabla\cdot(p\nabla\log p)+\Delta p"
    r"=-\Delta p+\Delta p=0$.",
    proof=Proof(
        leaves_invariant,
        holds=(1, 2),
        twins={
            "noise of variance 1": (1, 1),
            "drift with the wrong sign": (-1, 2),
            "drift twice as large": (2, 2),
        },
    ),
)

A21 = Claim(
    id="A21",
    title="mirrored Langevin dynamics",
    statement=r"With $Y=\nabla\phi(X)$ and $p\propto e^{-V}$: $dY_t=-[\nabla^2\phi(X_t)]^{-1}\{"
    r"\nabla V(X_t)+\nabla\log\det\nabla^2\phi(X_t)\}\,dt+\sqrt2\,dW_t$ is the Langevin dynamics "
    r"of the density $e^{-W}$ of $\nabla\phi(X)$, $X\sim p$, and leaves $p$ invariant in $x$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 21"),
    sheet=("A21",),
    assumptions=(
        "phi strictly convex and four times differentiable, V twice differentiable",
        "grad phi maps onto the whole space, so that Y never meets a boundary",
        "the formula is lost in version 2; reconstructed from Hsieh et al. (2018), from the words "
        "'the Hessian of phi evaluated at X_t' and from eq. 22, which it must give",
        "the gradient of W is decided for every phi of the plane; the law in x for every phi of "
        "the line, for a separable phi and for one with a full Hessian in the plane",
    ),
    depends=("A20", "Robbins"),
    derivation=r"$Y=\nabla\phi(X)$ has density $e^{-V(x)}/\det\nabla^2\phi(x)=e^{-W}$ with "
    r"$W=V+\log\det\nabla^2\phi$ (Robbins' formula with $J=\nabla^2\phi$). Langevin dynamics in "
    r"$y$ has the drift $-\nabla_yW$, and $\nabla_y=[\nabla^2\phi]^{-1}\nabla_x$ because $J$ is "
    r"symmetric. By Itô, $X=(\nabla\phi)^{-1}(Y)$ has the drift "
    r"$J^{-1}b+\sum_j\partial_{y_j}J^{-1}_{\cdot j}$ and the spread $2J^{-2}$, and its "
    "Fokker–Planck residual at $e^{-V}$ is zero.",
    proof=Proof(
        is_mirrored_langevin,
        holds=Weights(1, 1, 2),
        twins={
            "no determinant": Weights(1, 0, 2),
            "determinant with the wrong sign": Weights(1, -1, 2),
            "noise of variance 1": Weights(1, 1, 1),
        },
    ),
)

A22 = Claim(
    id="A22",
    title="mirrored Langevin dynamics of the entropy",
    statement=r"For $\phi=\sum_ix_i\log x_i$: $d\log X_t=(\mathbf 1+X_t\circ\nabla\log p(X_t))\,dt"
    r"+\sqrt2\,dW_t$, which leaves $p$ invariant. Its Euler–Maruyama step is $X\circ\exp[\delta("
    r"\mathbf 1+X\circ\nabla\log p(X))+\sqrt{2\delta}Z]$, which keeps $X$ positive.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 22"),
    sheet=("A22",),
    assumptions=(
        "p positive and twice differentiable on the positive orthant; decided for two coordinates",
        "the formula is lost in version 2; it is forced by eq. 21 and by eq. 37",
    ),
    depends=("A21",),
    derivation=r"$\nabla\phi=1+\log x$ and $\nabla^2\phi=\mathrm{diag}(1/x)$, so $\log\det\nabla^2"
    r"\phi=-\sum_i\log x_i$ and the drift of (21) is $-x\circ(\nabla V-1/x)=\mathbf 1+x\circ\nabla"
    r"\log p$. By Itô $dX=X\circ(\mathbf 2+X\circ\nabla\log p)\,dt+\sqrt2X\circ dW$, and the "
    "Fokker–Planck residual at any $p$ is zero.",
    proof=Proof(
        is_multiplicative_langevin,
        holds=Weights(1, 1, 2),
        twins={
            "without the one": Weights(1, 0, 2),
            "noise of variance 1": Weights(1, 1, 1),
            "half the score": Weights(Rational(1, 2), 1, 2),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.mirrored_langevin_step",
            formula=_step(1, 2),
            twins={"without the one": _step(0, 2), "noise of variance delta": _step(1, 1)},
            points=(
                {
                    "x1": 0.7,
                    "x2": 2.3,
                    "S1": -1.1,
                    "S2": 0.4,
                    "delta": 0.09,
                    "z1": 0.3,
                    "z2": -1.2,
                },
                # the drift of the first coordinate nearly cancels; a large draw in the second
                {
                    "x1": 4.0,
                    "x2": 0.1,
                    "S1": -0.25,
                    "S2": 35.0,
                    "delta": 0.5,
                    "z1": 1e-8,
                    "z2": -9,
                },
                {"x1": 1e-9, "x2": 1e6, "S1": 5.0, "S2": -3e-6, "delta": 1e-4, "z1": 8, "z2": 0.6},
            ),
        ),
    ),
)

CLAIMS = (A20, A21, A22)
