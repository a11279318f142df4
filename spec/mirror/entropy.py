"""The entropy generator phi(w) = sum |w_i| log |w_i| and its mirror step (v1 section 2, v2 5.1).

A weight is w = s * size with size = e^u; u and size are separate symbols, so that what is made of
them is rational. Symbols: a, b sizes of two weights and la, lb their logarithms; L = log |w_k|;
q = eta * d loss / d w; r the quotient of two sizes; p = log of the exponentiated gradient step."""

from itertools import product

from sympy import (
    Abs, Eq, Expr, Integer, Piecewise, Poly, Rational, cancel, diff, exp, log, sign, symbols,
)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, Pin, v1, v2
from spec.checking.pins import table
from spec.checking.typeset import Chain, Says

Pairs = frozenset[tuple[int, int]] | list[tuple[int, int]]
size, a, b, r, w, eta, g = symbols("size a b r w eta g", positive=True)
u, L, q, la, lb, step, s = symbols("u L q la lb p s", real=True)
BOTH = (1, -1)
_OF_SIZE = a * la


def phi(size: Expr, log_size: Expr) -> Expr:
    """The generator, of one weight."""
    return _OF_SIZE.xreplace({a: size, la: log_size})


def _generator(w: Expr) -> Expr:
    return phi(Abs(w), log(Abs(w)))


def slope(sign: int | Expr, log_size: Expr) -> Expr:
    """phi'(w) by the chain rule along w = sign * e^u: (d phi / du) / (dw / du)."""
    return cancel(diff(phi(exp(u), u), u) / diff(sign * exp(u), u)).subs(u, log_size)


def divergence(
    sign: int, size: Expr, log_size: Expr, ref_sign: int, ref_size: Expr, ref_log_size: Expr
) -> Expr:
    """D_phi(w, w') from its definition, w and w' of any signs."""
    linear = slope(ref_sign, ref_log_size) * (sign * size - ref_sign * ref_size)
    return phi(size, log_size) - phi(ref_size, ref_log_size) - linear


def is_nonnegative_for(pairs: Pairs) -> bool:
    r"""For [[phi]] of one weight, $D_\phi(w,w')$ is nowhere negative where the signs of $w$ and
    $w'$ are $[[pairs]]$; for the other pairs of signs it takes negative values. So the generator
    is convex on either half line and not on the whole one.

    With $r$ for the quotient of the sizes, the divergence over $\lvert w'\rvert$ is affine in
    $\log\lvert w'\rvert$: [[equal]] for equal signs, [[opposite]] for opposite ones. Unless the
    coefficient of that logarithm is zero, it takes negative values. Where it is zero, the rest is
    convex in $r$, and it and its derivative vanish at equal sizes."""
    found = set()
    for signs in product(BOTH, repeat=2):
        scaled = _scaled(*signs)
        assert scaled.as_expr() == E12.values()["equal" if len({*signs}) == 1 else "opposite"]
        rest, at_one = scaled.coeff_monomial(1), {r: 1}
        least = scaled.coeff_monomial(lb), rest.subs(at_one), diff(rest, r).subs(at_one)
        if vanishes(least) and same(diff(rest, r, 2), 1 / r):
            found.add(signs)
        elif vanishes(least[0]):
            return False  # it might still be nowhere negative
    return found == set(pairs)


def _scaled(s: int, ref: int) -> Poly:
    """D_phi(s r b, ref b) / b, in log b."""
    return Poly(divergence(s, r * b, log(r) + lb, ref, b, lb) / b, lb)


def is_the_divergence(formula: Expr) -> bool:
    r"""Between weights of equal signs the divergence of $\phi$ is $D_\phi(w,w')=[[it]]$ in each
    coordinate.

    From the definition, with $\phi'$ by the chain rule, for both signs."""
    return all([same(divergence(of, a, la, of, b, lb), formula.subs(s, of)) for of in BOTH])


def is_the_step(log_size: Expr) -> bool:
    r"""For $\phi$ the mirror step within the orthant of $w_k$ is [[step]] with $s$ the sign of
    $w_k$, in each coordinate; it keeps every sign.

    On the half line of $w_k$ the objective is stationary where $\eta$ times the gradient and the
    change of $\phi'$ add up to nothing, and $\phi'$ grows with $w$, so that this is its only
    minimum. No normalisation takes place."""
    gains = [(of, log(_stepped(log_size).subs(s, of) / w)) for of in BOTH]
    return all(
        vanishes(eta * g + slope(of, L + gain) - slope(of, L)) and diff(slope(of, u), u) * of > 0
        for of, gain in gains
    )


def decides_the_side(advantage: Expr) -> bool:
    r"""Over the whole line the minimum of $\bar\ell(w)$ and $D_\phi(w,w_k)$ over $\eta$ is the
    exponentiated gradient step $w_+$ where [[stays]] (where they are equal both are least), with
    $p$ for $\log\lvert w_+\rvert$; otherwise it has the opposite sign and a size of which the
    logarithm is $[[across]]$.

    On either side of zero $\eta$ times the objective is convex in $\lvert w\rvert$, and its least
    value is the same number less the size at which it is taken. So the larger size wins."""
    gaps = []
    for of, side in product(BOTH, repeat=2):
        # q is that of the step from L to p.
        objective = of * (L - step) * (side * size - of * a) + divergence(side, size, u, of, a, L)
        along = diff(objective, size) + diff(objective, u) / size
        bend = diff(along, size) + diff(along, u) / size
        best = step if side == of else _across(advantage)
        least = objective.subs(u, best) - a * (1 + step - L)
        gaps += [along.subs(u, best), bend - 1 / size, least + size]
    return vanishes(tuple(gaps))


def _across(advantage: Expr) -> Expr:
    """The logarithm of the size at which the other side is least."""
    return step - advantage


def _between(w: Expr, ref: Expr) -> Expr:
    """D_phi(w, ref)."""
    return divergence(sign(w), Abs(w), log(Abs(w)), sign(ref), Abs(ref), log(Abs(ref)))


_GENERATOR = v1("sec. 2: unnormalised relative entropy") + v2(
    "sec. 5.1: unnormalised relative entropy"
)
_SAME_SIGN = frozenset({(1, 1), (-1, -1)})
_OPPOSITE = Rational(-3, 10), Rational(1, 10)
_NONZERO = "no weight is zero; the sum is taken coordinate by coordinate"
_SIZES = {"a": r"\lvert w\rvert", "b": r"\lvert w'\rvert",
          "la": r"\log\lvert w\rvert", "lb": r"\log\lvert w'\rvert"}  # fmt: skip
_W, (_X, _R) = symbols("w1 w2"), symbols("w r", real=True)
E12 = Claim(
    "E12", "where the entropy generator is convex", is_nonnegative_for, holds=_SAME_SIGN,
    equivalent=[(-1, -1), (1, 1), (1, 1)], twins={
        "the positive half line only": frozenset({(1, 1)}),
        "opposite signs": frozenset({(1, -1), (-1, 1)}),
        "any weight against a positive one": frozenset({(1, 1), (-1, 1), (-1, -1)}),
    }, printed={"the whole line": frozenset(product(BOTH, repeat=2))}, shown=lambda pairs: {
        "pairs": r",\;".join(f"({of:+d},{ref:+d})" for of, ref in sorted(pairs)),
    }, values=lambda: {
        "phi": Says(r"\phi(w)", _OF_SIZE), "equal": _scaled(1, 1).as_expr(),
        "opposite": _scaled(-1, 1).as_expr(),
    }, names=_SIZES, sources=v1("eq. 1") + _GENERATOR, assumptions=(_NONZERO,), depends=("A18",),
    erratum=Erratum(
        Fault.WRONG,
        quote=r"the Bregman divergence corresponding to a strictly convex function $\phi:\mathbb "
        r"R^d\to\mathbb R$ [...] $\phi(\bm X)=\sum_i|X^{(i)}|\log|X^{(i)}|$",
        trouble="This generator is not convex on the whole space, so that its divergence between "
        "weights of opposite signs can be negative and is no penalty.",
        advice="Convex on each orthant; the mirror step is taken within the orthant of the "
        "current weights. The update, eq. (2) of version 1 and eq. (19) of version 2, is right "
        "there (A19).",
        figures=lambda: (Figure(
            "D_phi({}, {})".format(*map(float, _OPPOSITE)), float(_between(*_OPPOSITE)),
        ),),
        remains_open="Whether the lost formula of version 2 restricts the weights.",
    ), pins=(Pin(
        "gbm_ref.bregman", table("a b", (0.3, 0.1), (2.4, 0.7), (1e-9, 0.5)),
        because="it is the divergence between -a and b, of opposite signs",
        formula=_between(-a, b), twins={"as if of one sign": _between(a, b)},
        scale=Abs(a * log(a)) + Abs(b * log(b)) + (1 + Abs(log(b))) * (a + b),
        variant="entropy, opposite signs",
    ),))  # fmt: skip

_ONE_SIGN_EACH = ((0.3, -1.7), (2.0, -0.5), (1e-9, -40.0))
_PHI = "it is the generator, or its gradient, of which the divergence is made"
_DIVERGENCE, _UNSIGNED = a * (la - lb) - a + b, s * a * (la - lb) - s * a + s * b
DIVERGENCE = Claim(
    "E12-divergence", "unnormalised relative entropy", is_the_divergence,
    holds=_DIVERGENCE, twins={
        "without the linear terms": a * (la - lb), "arguments swapped": b * (lb - la) - b + a,
        "linear terms with the wrong sign": a * (la - lb) + a - b,
    }, printed={"without absolute values": _UNSIGNED},
    values=lambda: {"unsigned": Chain(_UNSIGNED, s * _DIVERGENCE)},
    names=_SIZES | {"s": r"\mathrm{sign}(w)"}, sources=_GENERATOR, sheet=("E12",), assumptions=(
        Assumption(
            "w and w' have equal signs, coordinate by coordinate",
            "the sign of the gradient",
            lambda: not same(divergence(-1, a, la, 1, b, lb), _DIVERGENCE),
        ),
        _NONZERO,
    ), depends=("A18", "E12"), erratum=Erratum(
        Fault.WRONG,
        quote=r"$D_\phi(\bm X,\bm X_k)=\sum_{i=1}^d X^{(i)}\log\frac{X^{(i)}}{X_k^{(i)}}-"
        r"X^{(i)}+X_k^{(i)}$",
        trouble="In a coordinate it is $[[unsigned]]$, for weights of one sign: right for "
        "positive ones. For negative (inhibitory) weights it has the wrong sign: a penalty that "
        "rewards change.",
        remains_open="Whether version 2, whose formula is lost, has the absolute values.",
    ), pins=(
        Pin("gbm_ref.bregman", vectors="bregman_entropy", reads=lambda formula: formula.subs(
            {s: sign(_X), a: Abs(_X), b: Abs(_R), la: log(Abs(_X)), lb: log(Abs(_R))})),
        Pin("gbm_ref.ENTROPY.value", table("w1 w2", *_ONE_SIGN_EACH, (0.0, -0.9999999)),
            because=_PHI, formula=sum(Piecewise((0, Eq(w, 0)), (_generator(w), True))
            for w in _W), twins={"without absolute values": sum(w * log(Abs(w)) for w in _W)}),
        Pin("gbm_ref.ENTROPY.gradient", table("w1 w2", *_ONE_SIGN_EACH, (0.36787944, -1e-200)),
            because=_PHI, formula=tuple(slope(sign(w), log(Abs(w))) for w in _W), twins={
                "without the sign": tuple(1 + log(Abs(w)) for w in _W),
                "without the one": tuple(sign(w) * log(Abs(w)) for w in _W),
            }),
    ))  # fmt: skip

_STEPS = v1("eq. 2") + v2("eq. 19")
A19 = Claim(
    "A19", "exponentiated gradient descent", is_the_step, holds=L - s * q, twins={
        "without the sign": L - q, "ascent": L + s * q, "half the step": L - s * q / 2,
    }, shown=lambda log_size: {"step": Says("w_{k+1}", _stepped(log_size))},
    names={"w": "w_k", "g": r"\nabla\ell(w_k)"}, sources=_STEPS, sheet=("A19", "E12"),
    assumptions=(
        "eta > 0 and no weight is zero", Assumption(
            "the minimum is that over the orthant (E12-argmin)", "the half line of w_k",
            lambda: decides_the_side(2 * step + 2),
        ),
    ), readings=("the form is that of version 1; the formula is lost in the text of version 2",),
    depends=("A18", "E12"), pins=(Pin(
        "gbm_ref.exponentiated_gradient_step", vectors="exponentiated_gradient_step",
        reads=lambda log_size: _stepped(log_size, _X, sign(_X)),
    ),))  # fmt: skip


def _stepped(log_size: Expr, weight: Expr = w, of: Expr = s) -> Expr:
    """The weight times the exponential of what its logarithm gains."""
    return weight * exp((log_size - L).subs({s: of, q: eta * g}).expand())


_LOG_WEIGHT = -log(10)
ARGMIN = Claim(
    "E12-argmin", "the mirror step over the whole line can cross zero", decides_the_side,
    holds=2 * step + 2, twins={
        "threshold 1": 2 * step, "threshold e^-2": 2 * step + 4,
        "small weights stay": -2 * step - 2,
    }, printed={"every weight stays": Integer(1)}, shown=lambda advantage: {
        "stays": Says(step, _across(advantage), r"\ge"), "across": _across(advantage),
    }, sources=v1("eq. 1") + v2("eq. 18") + _STEPS, sheet=("E12",),
    assumptions=("eta > 0, and no weight is zero; coordinate by coordinate",),
    depends=("A18", "A19", "E12"), erratum=Erratum(
        Fault.WRONG,
        quote=r"For this choice of $D_\phi$, the update rule in Eq. (1) takes the form (2), "
        r"where (1) minimises over $\bm X$ with $\phi:\mathbb R^d\to\mathbb R$",
        trouble="Taken as written, over the whole space, eq. (1) flips the sign of every weight "
        "whose exponentiated gradient step is small: also with gradient zero such a weight jumps "
        "across zero, since the divergence there is negative (E12).",
        advice="Minimise over the orthant of the current weights; then eq. (2) is right for "
        "weights of both signs (A19).",
        figures=lambda: (
            Figure("with gradient 0: the step (2), a weight of", float(exp(_LOG_WEIGHT))),
            Figure("the minimum of (1) over the line",
                   float(-exp(_across(ARGMIN.holds).subs(step, _LOG_WEIGHT)))),
        ),
        remains_open="Whether the lost formula (18) of version 2 restricts the minimum.",
    ))  # fmt: skip
CLAIMS = (E12, DIVERGENCE, A19, ARGMIN)
