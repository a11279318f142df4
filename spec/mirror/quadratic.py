"""The mirror step, and its case of a quadratic generator: gradient descent.

Version 1, section 2; version 2, section 5.1.

    D_phi(w, w') = phi(w) - phi(w') - <grad phi(w'), w - w'>

Symbols: w, r  weights and current iterate;  g  gradient of the loss at r;  eta  learning rate.
"""

from typing import NamedTuple

from mpmath import mpf
from sympy import Expr, Rational, Symbol, diff, hessian, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import (
    Claim,
    Erratum,
    Fault,
    Figure,
    Kind,
    Means,
    Pin,
    Values,
    v1,
    v2,
)

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
    r"""For two weights $\phi(w)=[[generator]]$ has the divergence $[[divergence]]$ from the
    iterate $r$, and its mirror step for the slopes $g$ is $[[step]]$.

    The divergence by its definition, from the generator by differentiation. The slope of the
    objective vanishes at the step, and the generator is strictly convex, so that it is the
    minimum.
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
_POINTS = tuple({"w1": a, "w2": b} for a, b in ((0.3, -1.7), (2.0, 0.5), (1e-9, -40.0)))


def _figures() -> tuple[Figure, ...]:
    at = {R[0]: mpf("1.1"), G[0]: mpf("0.7"), ETA: mpf("0.2")}
    where = ", ".join(f"{name} = {value}" for name, value in at.items())
    steps = {f"the step of |x|^2 ({where})": E8.holds, "as printed": _PRINTED}
    return tuple(Figure(label, mpf(of.step[0].subs(at))) for label, of in steps.items())


def _shown(candidate: MirrorStep) -> Values:
    return candidate._asdict()


_NAMES = {"w1": "w_1", "w2": "w_2", "r1": "r_1", "r2": "r_2", "g1": "g_1", "g2": "g_2"}
A18 = Claim(
    "A18",
    "the mirror step",
    means=Means.NONE,
    stated_kind=Kind.DEFINITION,
    sources=v1("eq. 1") + v2("eq. 18"),
    assumptions=("phi is strictly convex and differentiable where the minimum is taken",),
    statement=r"The next weights minimise the loss, expanded to first order at $w_k$, plus the "
    r"divergence $D_\phi(w,w_k)$ over the rate $\eta$; it is the remainder of $\phi(w)$ over "
    r"its own first-order expansion at $w_k$, for a convex $\phi$.",
    reason="It defines the step. Version 1 calls the weights X; in version 2 the formula is lost "
    "and the words around it (first-order expansion plus Bregman divergence) give it back.",
)

_SOURCES = v1("sec. 2: squared norm gives gradient descent") + v2(
    "sec. 5.1: squared norm gives gradient descent"
)
_LINE = {W[0]: Symbol("w"), R[0]: Symbol("r"), G[0]: Symbol("g"), W[1]: 0, R[1]: 0, G[1]: 0}
EUCLIDEAN_STEP = Claim(
    "bregman-euclidean",
    "the generator of gradient descent",
    is_mirror_step,
    holds=_EUCLIDEAN,
    twins={
        "half the step": _EUCLIDEAN._replace(step=_descent(HALF)),
        "ascent": _EUCLIDEAN._replace(step=_descent(-_ONE)),
        "divergence without the half": _EUCLIDEAN._replace(divergence=_distance(_ONE)),
    },
    shown=_shown,
    names=_NAMES,
    sources=_SOURCES,
    sheet=("A18", "E8"),
    assumptions=("eta > 0",),
    depends=("A18",),
    pins=(
        Pin(
            "gbm_ref.gradient_step",
            vectors="gradient_step",
            reads=lambda c: (
                c.step[0]
                .subs(_LINE)
                .xreplace({s: Symbol(s.name) for s in (Symbol("w"), ETA)})
                .xreplace({Symbol("r"): Symbol("w")})
            ),
        ),
        Pin(
            "gbm_ref.bregman",
            variant="Euclidean",
            vectors="bregman_euclidean",
            reads=lambda c: c.divergence.subs(_LINE),
        ),
        Pin(
            "gbm_ref.EUCLIDEAN.value",
            _POINTS,
            reads=lambda c: c.generator,
            twins={"without the half": _squares(_ONE)},
        ),
        Pin(
            "gbm_ref.EUCLIDEAN.gradient",
            _POINTS,
            reads=lambda c: tuple(diff(c.generator, w) for w in W),
            twins={"of the full square": tuple(diff(_squares(_ONE), w) for w in W)},
        ),
    ),
)

_NORM = MirrorStep(_squares(_ONE), _distance(_ONE), _descent(HALF))
E8 = Claim(
    "E8",
    "the squared norm gives half a gradient step",
    is_mirror_step,
    holds=_NORM,
    twins={
        "twice the step": _NORM._replace(step=_descent(Rational(2))),
        "half the divergence": _NORM._replace(divergence=_distance(HALF)),
    },
    printed={"the full step": _PRINTED},
    shown=_shown,
    names=_NAMES,
    sources=_SOURCES,
    assumptions=("eta > 0",),
    depends=("A18", "bregman-euclidean"),
    erratum=Erratum(
        Fault.WRONG,
        quote=r"when $\phi(\bm X)=\|\bm X\|_2^2$, the corresponding synaptic change penalty is "
        r"$D_\phi(\bm X,\bm X_k)=\|\bm X-\bm X_k\|_2^2$, and Eq. (1) results in the familiar "
        r"gradient-descent update $\bm X_{k+1}=\bm X_k-\eta\nabla\ell(\bm X)\mid_{\bm X=\bm X_k}$",
        trouble="The divergence is right; the step that follows from it is half as long.",
        advice="Take half the squared norm, or half the rate.",
        figures=_figures,
        remains_open="Version 2 repeats the sentence; its formulas are lost in the text we have, "
        "and they may have the factor.",
    ),
)

CLAIMS = (A18, EUCLIDEAN_STEP, E8)
