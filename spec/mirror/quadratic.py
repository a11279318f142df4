"""The mirror step, and its case of a quadratic generator: gradient descent.

Version 1, section 2; version 2, section 5.1.

    D_phi(w, w') = phi(w) - phi(w') - <grad phi(w'), w - w'>

Symbols: w, r  weights and current iterate;  g  gradient of the loss at r;  eta  learning rate.
"""

from typing import NamedTuple

from mpmath import mpf
from sympy import Abs, Expr, Rational, Symbol, diff, hessian, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Pin, Proof, v1, v2

Pair = tuple[Expr, Expr]
W: Pair = symbols("w1 w2")
R: Pair = symbols("r1 r2")
G: Pair = symbols("g1 g2")
ETA = Symbol("eta", positive=True)
HALF = Rational(1, 2)


class MirrorStep(NamedTuple):
    """A generator, its Bregman divergence, and the step that is claimed to follow from it."""

    generator: Expr
    divergence: Expr
    step: Pair


def is_mirror_step(candidate: MirrorStep) -> bool:
    """Whether the three belong together, for two weights and a convex quadratic generator.

    Left: the divergence by its definition, and the gradient of <g, w - r> + D / eta at the step,
    both from the generator by differentiation. Right: the stated divergence, and zero.
    """
    phi, here = candidate.generator, dict(zip(W, R, strict=True))
    slopes = [diff(phi, w).subs(here, simultaneous=True) for w in W]
    defined = phi - phi.subs(here, simultaneous=True) - _inner(slopes)
    objective = _inner(G) + defined / ETA
    there = dict(zip(W, candidate.step, strict=True))
    stationary = vanishes(tuple(diff(objective, w).subs(there, simultaneous=True) for w in W))
    convex = bool(hessian(phi, W).is_positive_definite)
    return stationary and convex and same(defined, candidate.divergence)


def _inner(slopes: Pair | list[Expr]) -> Expr:
    return sum(s * (w - r) for s, w, r in zip(slopes, W, R, strict=True))


def _squares(scale: Expr) -> Expr:
    return scale * (W[0] ** 2 + W[1] ** 2)


def _distance(scale: Expr) -> Expr:
    return scale * ((W[0] - R[0]) ** 2 + (W[1] - R[1]) ** 2)


def _descent(fraction: Expr) -> Pair:
    return (R[0] - fraction * ETA * G[0], R[1] - fraction * ETA * G[1])


_ONE = Rational(1)
_EUCLIDEAN = MirrorStep(_squares(HALF), _distance(HALF), _descent(_ONE))
_PRINTED = MirrorStep(_squares(_ONE), _distance(_ONE), _descent(_ONE))
_POINTS = (
    {"w1": 0.3, "w2": -1.7, "r1": 1.1, "r2": 0.4},
    {"w1": 2.0, "w2": 0.5, "r1": 2.0000001, "r2": 0.4999999},
    {"w1": 1e-9, "w2": -40.0, "r1": -3.0, "r2": 1e5},
)


def _figures() -> tuple[Figure, ...]:
    weight, slope, rate = mpf("1.1"), mpf("0.7"), mpf("0.2")
    return (
        Figure("from 1.1, slope 0.7, eta = 0.2: the step of |x|^2", weight - rate * slope / 2),
        Figure("as printed", weight - rate * slope),
    )


A18 = Claim(
    id="A18",
    title="the mirror step",
    statement=r"$w_{k+1}=\arg\min_w\big[\bar\ell(w)+\tfrac1\eta D_\phi(w,w_k)\big]$ with "
    r"$\bar\ell(w)=\ell(w_k)+\nabla\ell(w_k)^\top(w-w_k)$ and $D_\phi(w,w')=\phi(w)-\phi(w')-"
    r"\nabla\phi(w')^\top(w-w')$ for a convex $\phi$.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=(*v1("eq. 1"), *v2("eq. 18")),
    sheet=("A18",),
    assumptions=("phi is strictly convex and differentiable where the minimum is taken",),
    reason="It defines the step. Version 1 calls the weights X; in version 2 the formula is lost "
    "and the words around it (first-order expansion plus Bregman divergence) give it back.",
)

EUCLIDEAN_STEP = Claim(
    id="bregman-euclidean",
    title="the generator of gradient descent",
    statement=r"$\phi(w)=\tfrac12\lVert w\rVert^2$ has $D_\phi(w,w')=\tfrac12\lVert w-w'\rVert^2$ "
    r"and the mirror step $w_{k+1}=w_k-\eta\nabla\ell(w_k)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(
        *v1("sec. 2: squared norm gives gradient descent"),
        *v2("sec. 5.1: squared norm gives gradient descent"),
    ),
    sheet=("A18", "E8"),
    assumptions=("eta > 0", "per coordinate; decided for two weights"),
    depends=("A18",),
    derivation=r"The objective $g^\top(w-w_k)+\tfrac1{2\eta}\lVert w-w_k\rVert^2$ is strictly "
    r"convex; its gradient $g+(w-w_k)/\eta$ vanishes at $w=w_k-\eta g$ only.",
    proof=Proof(
        is_mirror_step,
        holds=_EUCLIDEAN,
        twins={
            "half the step": _EUCLIDEAN._replace(step=_descent(HALF)),
            "ascent": _EUCLIDEAN._replace(step=_descent(-_ONE)),
            "divergence without the half": _EUCLIDEAN._replace(divergence=_distance(_ONE)),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.gradient_step",
            formula=_descent(_ONE),
            twins={"half the step": _descent(HALF), "ascent": _descent(-_ONE)},
            points=(
                {"r1": 0.3, "r2": -1.7, "g1": 0.9, "g2": 2.3, "eta": 0.17},
                {"r1": 0.2, "r2": 5.0, "g1": 1.0, "g2": 1e-8, "eta": 0.2},
                {"r1": 1e-12, "r2": -3e4, "g1": -7.0, "g2": 40.0, "eta": 1e-3},
            ),
        ),
        Pin(
            "gbm_ref.bregman",
            variant="Euclidean",
            formula=_distance(HALF),
            twins={"without the half": _distance(_ONE)},
            points=_POINTS,
            # bregman subtracts phi(r) and the linear term from phi(w)
            scale=_squares(HALF)
            + (R[0] ** 2 + R[1] ** 2) / 2
            + Abs(R[0] * (W[0] - R[0]))
            + Abs(R[1] * (W[1] - R[1])),
        ),
        Pin(
            "gbm_ref.EUCLIDEAN.value",
            formula=_squares(HALF),
            twins={"without the half": _squares(_ONE)},
            points=_POINTS,
        ),
        Pin(
            "gbm_ref.EUCLIDEAN.gradient",
            formula=tuple(diff(_squares(HALF), w) for w in W),
            twins={"of the full square": tuple(diff(_squares(_ONE), w) for w in W)},
            points=_POINTS,
        ),
    ),
)

E8 = Claim(
    id="E8",
    title="the squared norm gives half a gradient step",
    statement=r"$\phi(x)=\lVert x\rVert^2$ has $D_\phi(x,x')=\lVert x-x'\rVert^2$ and the mirror "
    r"step $x_{k+1}=x_k-\tfrac\eta2\nabla\ell(x_k)$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(
        *v1("sec. 2: squared norm gives gradient descent"),
        *v2("sec. 5.1: squared norm gives gradient descent"),
    ),
    sheet=("E8",),
    assumptions=("eta > 0", "per coordinate; decided for two weights"),
    depends=("A18", "bregman-euclidean"),
    derivation=r"$\nabla\phi(x)=2x$, so the objective $g^\top(x-x_k)+\tfrac1\eta\lVert x-x_k"
    r"\rVert^2$ is stationary where $g+2(x-x_k)/\eta=0$.",
    proof=Proof(
        is_mirror_step,
        holds=MirrorStep(_squares(_ONE), _distance(_ONE), _descent(HALF)),
        twins={
            "twice the step": MirrorStep(_squares(_ONE), _distance(_ONE), _descent(Rational(2))),
            "half the divergence": MirrorStep(_squares(_ONE), _distance(HALF), _descent(HALF)),
        },
        printed={"the full step": _PRINTED},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"when $\phi(\bm X)=\|\bm X\|_2^2$, the corresponding synaptic change penalty is "
        r"$D_\phi(\bm X,\bm X_k)=\|\bm X-\bm X_k\|_2^2$, and Eq. (1) results in the familiar "
        r"gradient-descent update $\bm X_{k+1}=\bm X_k-\eta\nabla\ell(\bm X)\mid_{\bm X=\bm X_k}$",
        trouble="The divergence is right; the step that follows from it is half as long.",
        correction=r"Take $\phi(x)=\tfrac12\lVert x\rVert^2$, or write $\eta/2$.",
        figures=_figures,
        remains_open="Version 2 repeats the sentence; its formulas are lost in the text we have, "
        "and they may have the factor.",
    ),
)

CLAIMS = (A18, EUCLIDEAN_STEP, E8)
