"""The mirror step: of the squared norm, and for the modified task error of version 1.

Version 1, section 2 and equations 14 and 15; version 2, section 5.1. Everything is a sum over
coordinates, so that one of them is enough, unless it says otherwise.

Symbols: w, r a weight and the one before; g slope of the loss at r. For the modified error x the
state X_k, s its sign, at_point and at_image the slope of the loss at x and at xi(x); X, a the
state after and before, grown = e^{eta g X}."""

from sympy import Expr, Function, Integer, LambertW, Subs, Symbol, diff, exp, log, oo, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, Kind, Means, Pin, v1, v2
from spec.checking.diffusions import with_symbols
from spec.checking.pins import table
from spec.checking.trace import use
from spec.checking.typeset import Chain, Says
from spec.mirror.entropy import BOTH, L, divergence, is_the_step, la, q, slope

VALUE, BEFORE, LINEAR, START, ALONG, PENALTY = symbols("phi phi_k linear start along D")
_BREGMAN = VALUE - BEFORE - LINEAR
w, r, g, x, s, at_point, at_image, u = symbols("w r g x s at_point at_image u", real=True)
eta, X, a, grown = symbols("eta X a grown", positive=True)
_OBJECTIVE, _PAIR = START + ALONG + PENALTY / eta, symbols("x1 x2", positive=True)
ONE = Integer(1)
HALF = ONE / 2
_NAMES = {
    "r": "w_k", "g": r"\nabla\ell(w_k)", "x": "X_k", "a": "X_k", "X": "X",
    "norm": r"\lVert w\rVert", "s": r"\mathrm{sign}(X_k)", "at_point": r"\nabla\ell(X_k)",
    "at_image": r"\nabla\ell(\xi(X_k))", "start": r"\ell(w_k)", "phi": r"\phi(w)",
    "phi_k": r"\phi(w_k)", "along": r"\nabla\ell(w_k)^{\top}(w-w_k)", "D": r"D_\phi(w,w_k)",
    "linear": r"\nabla\phi(w_k)^{\top}(w-w_k)"}  # fmt: skip
# A generator, its Bregman divergence, and the step that is claimed to follow from it.
MirrorStep = tuple[Expr, Expr, Expr]


def _objective(along: Expr, penalty: Expr, rate: Expr = eta) -> Expr:
    return _OBJECTIVE.xreplace({ALONG: along, PENALTY: penalty, eta: rate})


def is_mirror_step(candidate: MirrorStep) -> bool:
    r"""For [[phi]] the mirror step (A18) has [[divergence]] and goes to [[step]] in each
    coordinate.

    The divergence is taken from its definition. The derivative of the objective, [[slope]],
    vanishes at the step; the second derivative of $\phi$ is positive, so no other is a minimum."""
    use(POSITIVE_RATE)
    phi, stated, step = candidate
    defined = _BREGMAN.subs(
        {VALUE: phi, BEFORE: phi.subs(w, r), LINEAR: (w - r) * diff(phi, w).subs(w, r)}
    )
    along = _slope_of_objective(defined)
    stationary = vanishes((along.subs(w, step), along.subs(w, r) - g))
    convex = bool(diff(phi.expand(), w, 2).is_positive)
    return stationary and convex and same(defined, stated)


def _slope_of_objective(penalty: Expr) -> Expr:
    return diff(_objective(g * (w - r), penalty), w)


def _made(square: Expr, penalty: Expr, part: Expr) -> MirrorStep:
    return square * w**2, penalty * (w - r) ** 2, r - part * eta * g


def _shown_step(candidate: MirrorStep) -> dict[str, object]:
    phi, penalty, step = candidate
    return {
        "phi": Says(r"\phi(w)", phi.subs(w, symbols("norm"))),
        "divergence": Says(r"D_\phi(w,w_k)", penalty), "step": Says("w_{k+1}", step),
        "slope": _slope_of_objective(penalty).expand(),
    }  # fmt: skip


POSITIVE_RATE = Assumption(
    "eta is positive", "the minimum at the stationary point",
    lambda: bool(diff(_objective(g * (w - r), (w - r) ** 2, -eta), w, 2).is_negative))  # fmt: skip
A18 = Claim(
    "A18", "the mirror step",
    statement=r"The mirror step goes from $w_k$ to the $w$ where $[[objective]]$ is least, with "
    r"[[divergence]] for a convex $\phi$.",
    values=lambda: {"objective": _OBJECTIVE, "divergence": Says(r"D_\phi(w,w_k)", _BREGMAN)},
    names=_NAMES, means=Means.NONE, stated_kind=Kind.DEFINITION,
    sources=v1("eq. 1") + v2("eq. 18"),
    assumptions=("eta is positive, and there is a minimum",
                 "phi is strictly convex and differentiable where the minimum is taken"),
    reason="It defines the step. Version 1 calls the weights X; in version 2 the formula is lost "
    "and the words around it (first-order expansion plus Bregman divergence) give it back.",
)  # fmt: skip


def _in_both(f: Expr) -> tuple[Expr, ...]:
    return tuple(f.subs(w, each) for each in symbols("w1 w2"))


_SQUARED = "squared norm gives gradient descent"
_SQUARED_NORM = v1(f"sec. 2: {_SQUARED}") + v2(f"sec. 5.1: {_SQUARED}")
_POINTS = table("w1 w2", (0.3, -1.7), (2.0, 0.5), (1e-9, -40.0))
EUCLIDEAN_STEP = Claim(
    "bregman-euclidean", "the generator of gradient descent", is_mirror_step,
    holds=_made(HALF, HALF, ONE), twins={
        "half the step": _made(HALF, HALF, HALF), "ascent": _made(HALF, HALF, -ONE),
        "divergence without the half": _made(HALF, ONE, ONE),
        "generator without the half": _made(ONE, HALF, ONE),
        "ascent, a concave generator's maximum": _made(-HALF, -HALF, -ONE),
    }, shown=_shown_step, names=_NAMES, sources=_SQUARED_NORM, sheet=("A18", "E8"),
    assumptions=(POSITIVE_RATE,), depends=("A18",), pins=(
        Pin("gbm_ref.gradient_step", vectors="gradient_step", reads=lambda c: c[2].subs(r, w)),
        Pin("gbm_ref.bregman", vectors="bregman_euclidean", reads=lambda c: c[1],
            variant="Euclidean"),
        Pin("gbm_ref.EUCLIDEAN.value", _POINTS,
            lambda c: sum(_in_both(c[0])), twins={"without the half": sum(_in_both(w**2))}),
        Pin("gbm_ref.EUCLIDEAN.gradient", _POINTS,
            lambda c: _in_both(diff(c[0], w)), twins={"of the full square": _in_both(2 * w)}),
    ))  # fmt: skip

E8 = Claim(
    "E8", "the squared norm gives half a gradient step", is_mirror_step,
    holds=_made(ONE, ONE, HALF), twins={
        "twice the step": _made(ONE, ONE, Integer(2)),
        "half the divergence": _made(ONE, HALF, HALF),
    }, printed={"the full step": _made(ONE, ONE, ONE)}, shown=_shown_step, names=_NAMES,
    sources=_SQUARED_NORM, assumptions=(POSITIVE_RATE,), depends=("A18", "bregman-euclidean"),
    erratum=Erratum(
        Fault.WRONG,
        quote=r"when $\phi(\bm X)=\|\bm X\|_2^2$, the corresponding synaptic change penalty is "
        r"$D_\phi(\bm X,\bm X_k)=\|\bm X-\bm X_k\|_2^2$, and Eq. (1) results in the familiar "
        r"gradient-descent update $\bm X_{k+1}=\bm X_k-\eta\nabla\ell(\bm X)\mid_{\bm X=\bm X_k}$",
        trouble="The divergence is right; the step that follows from it is half as long.",
        advice="Or take half the squared norm (bregman-euclidean).",
        remains_open="Version 2 repeats the sentence; its formulas are lost in the text we have, "
        "and they may have the factor.",
    ))  # fmt: skip


def _xi(state: Expr) -> Expr:
    return _XI.right.subs(X, state)


def is_the_exponent(exponent: Expr) -> bool:
    r"""With $\ell(\xi(X))$, [[xi]] in each coordinate, linearised at $X_k$ as a whole, the mirror
    step of the entropy in the orthant of $X_k$ is [[step]], for every differentiable loss $\ell$.

    The slope of the modified error is $[[slope]]$, by the chain rule. The step takes $\eta$ times
    it off the slope of the generator, for weights of both signs; that it is the minimum is as for
    A19."""
    use(POSITIVE_RATE)
    moved, log_size = eta * _modified_slope(), L + log(_moved(exponent) / x)
    return all(vanishes((moved + slope(of, log_size) - slope(of, L)).subs(s, of)) for of in BOTH)


def _moved(exponent: Expr) -> Expr:
    return x * exp(exponent)


def _modified_slope() -> Expr:
    """Of l(xi(x)) at x, the other coordinates being parameters."""
    found = diff(Function("l")(_xi(x)), x)
    return found.xreplace(dict.fromkeys(found.atoms(Subs), at_image))


def is_the_implicit_step(candidate: tuple[Expr, Expr]) -> bool:
    r"""With $\ell$ linearised at $X_k$ and then evaluated at $\xi(X)$, [[xi]], and $g$ for a
    coordinate of $\nabla\ell(X_k)$: where $g$ is positive, (14) is least at $X=[[0]]$ and nowhere
    else, with $W$ the main branch of Lambert's function. The objective over $X^2$ tends to $[[1]]$
    for large $X$, so that where $g$ is negative it has no lower bound.

    The objective is stationary at $X$ if and only if $X_k$ is $[[start]]$. For a positive $g$ that
    grows with $X$ from zero without bound, and Lambert's function, the inverse of $[[inverse]]$,
    solves it; the second derivative, $[[bend]]$, is positive everywhere."""
    use(POSITIVE_RATE)
    least, tail = candidate
    objective = _objective(g * _xi(X), divergence(1, X, log(X), 1, a, la))
    along, image = diff(objective, X), _INVERSE.subs(u, _RISE).subs(exp(_RISE), grown)
    found = (
        least.subs(a, _START)
        .subs(exp(_RISE), grown)
        .replace(LambertW, lambda of: _RISE if same(of, image) else Symbol(f"W {of}"))
    )
    return (
        vanishes((along.subs(la, log(_START).expand()).expand(), diff(along, la) + 1 / eta))
        and same(diff(along, X), _BEND)
        and same(found.replace(exp, lambda of: Symbol(f"exp {of}")), X)
        and same((objective / X**2).expand().limit(X, oo), tail)
    )


def is_the_curl(curl: Expr) -> bool:
    r"""For two positive coordinates $x\circ\nabla\ell$ is a gradient only if [[curl]] vanishes,
    with $\ell_{12}$ the mixed second derivative: only if $\ell$ is a sum of functions of one
    coordinate each. For any other loss no modified error has (15) as its exponentiated gradient
    step.

    A gradient has a symmetric derivative. The two mixed derivatives differ by this, for every loss
    $\ell$; it is zero on an open set only if $\ell_{12}$ is, by continuity."""
    loss, (x1, x2) = Function("l")(*_PAIR), _PAIR
    left = diff(x2 * diff(loss, x2), x1) - diff(x1 * diff(loss, x1), x2)
    return vanishes(with_symbols(left.expand().subs(diff(loss, x1, x2), _MIXED) - curl))


POSITIVE = Assumption("the weights are positive", "the step of the entropy, without a sign",
    lambda: not is_the_step(L - q),)  # fmt: skip
_XI = Says(r"\xi(X)", X**2 / 2)
_EQUATIONS = v1("eq. 14", "eq. 15")
_QUOTE = (
    r"$\bm X_{t+1}=\arg\min_{\bm X}\big[\bar\ell(\xi(\bm X))+\tfrac1\eta D_\phi(\bm X,\bm X_t)"
    r"\big]$ (14) [...] leads to $\bm X_{k+1}=\bm X_k\circ\exp(-\eta\bm X_k\circ\nabla_{\bm X}"
    r"\ell(\bm X)\mid_{\bm X=\bm X_k})$ (15)"
)
_WHOLE, _PRINTED = -eta * s * x * at_image, -eta * x * at_point
E13 = Claim(
    "E13", "the step of the modified task error, linearised as a whole", is_the_exponent,
    holds=_WHOLE, twins={
        "without the factor X_k": -eta * s * at_image, "without the sign": -eta * x * at_image,
        "gradient at X_k, with the sign": s * _PRINTED,
    }, printed={"gradient at X_k": _PRINTED},
    shown=lambda exponent: {"step": Says("X_{k+1}", _moved(exponent))},
    values=lambda: {"xi": _XI, "slope": _modified_slope()}, names=_NAMES, sources=_EQUATIONS,
    assumptions=(POSITIVE_RATE, "no weight is zero"), depends=("A18", "A19"), erratum=Erratum(
        Fault.WRONG, quote=_QUOTE,
        trouble=r"This is the reading in which $\bar\ell(\xi(X))$ is the linearisation of the "
        r"modified error. The gradient is then taken at $\xi(X_k)$, not at $X_k$, and the sign of "
        r"(2) is missing.", advice="The other reading is E13-implicit.",
    ))  # fmt: skip

_LEAST, _EXPLICIT = LambertW(eta * g * a) / (eta * g), a * exp(-eta * g * a)
_RISE, _INVERSE, _BEND = eta * g * X, u * exp(u), (1 + eta * g * X) / (eta * X)
_START = X * exp(_RISE)
_FIRST = sum(g**n * diff(_EXPLICIT, g, n).subs(g, 0) for n in (0, 1))
_PLACE = {eta: ONE, g: 3 * HALF, a: 6 * ONE / 5}
IMPLICIT = Claim(
    "E13-implicit", "the step of the modified task error, linearised first", is_the_implicit_step,
    holds=(_LEAST, g / 2), twins={
        "one step of Newton's method": (a / (1 + eta * g * a), g / 2),
        "Lambert's function without X_k": (LambertW(eta * g) / (eta * g), g / 2),
        "tail without the half": (_LEAST, g),
    }, printed={"the explicit step (15)": (_EXPLICIT, g / 2)}, values=lambda: {
        "xi": _XI, "start": _START, "inverse": _INVERSE, "bend": _BEND,
        "first": Chain(_LEAST.series(g, 0, 2).removeO(), _FIRST.factor()),
    }, names=_NAMES | {"g": "g"}, means=Means.CALCULUS, sheet=("E13",), sources=_EQUATIONS,
    assumptions=(POSITIVE_RATE, "the weights are positive, those of the minimum too"),
    depends=("A18", "E12-divergence"), erratum=Erratum(
        Fault.WRONG, quote=_QUOTE,
        trouble=r"This is the reading in which $\bar\ell$ of (1) is evaluated at $\xi(\bm X)$. "
        r"The step is then implicit, and for a negative slope there is no minimum. To first order "
        r"in the slope (15) is that step: both are $[[first]]$.",
        advice="The other reading is E13.", figures=lambda: (
            Figure(
                "eta = {}, g = {}, X_k = {}: the minimum".format(*map(float, _PLACE.values())),
                float(_LEAST.subs(_PLACE)),
            ), Figure("the printed step", float(_EXPLICIT.subs(_PLACE))),
        ),
    ))  # fmt: skip

_MIXED = symbols("ell_12")
_CURL = (_PAIR[1] - _PAIR[0]) * _MIXED
CURL = Claim(
    "E13-potential", "equation 15 is an exponentiated gradient step for separable losses only",
    is_the_curl, holds=_CURL, twins={
        "a sum instead of a difference": (_PAIR[1] + _PAIR[0]) * _MIXED,
        "without the coordinates": _MIXED,
    }, printed={"a gradient for every loss: no curl": Integer(0)},
    shown=lambda curl: {"curl": curl}, names=_NAMES, sources=_EQUATIONS,
    sheet=("E13",), assumptions=(POSITIVE, "the loss is twice continuously differentiable"),
    depends=("A19", "E15-generator"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote=_QUOTE,
        trouble=r"Linearised as a whole (E13), no choice of $\xi$, and no other modification of "
        "the task error, leads to (15) for all losses: already the product of the two coordinates "
        "has an exponent with a curl.",
        advice="For a separable loss (15) is the step of a modified loss, which is separable too; "
        r"in general it is, to first order in $\eta$, a mirror step with another generator "
        "(E15-generator).",
    ))  # fmt: skip
CLAIMS = (A18, EUCLIDEAN_STEP, E8, E13, IMPLICIT, CURL)
