"""The entropy generator phi(w) = sum |w_i| log |w_i| and its mirror step (v1 section 2, v2 5.1).

A weight is w = sign * size with size = e^u; u and size are separate symbols, so that what is made
of them is rational. Symbols: s a, s' b two weights of signs s, s' and sizes a, b; la, lb the
logarithms of a, b; L = log |w_k|; q = eta * d loss / d w; r the quotient of two sizes, lr its
logarithm; p = log of the exponentiated gradient step.
"""

from collections.abc import Callable, Mapping
from itertools import product

import mpmath
from mpmath import mpf
from sympy import Abs, Expr, Integer, Poly, Symbol, cancel, diff, exp, log, sign, solve, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, Pin, v1, v2
from spec.checking.typeset import Says

Formula = Callable[[int, Expr, Expr, Expr, Expr], Expr]
Step = Callable[[Expr, Expr, Expr], Expr]
Pairs = frozenset[tuple[int, int]] | list[tuple[int, int]]
size, a, b, r, w, eta, g = symbols("size a b r w eta g", positive=True)
u, L, q, la, lb, lr, step, s = symbols("u L q la lb lr step s", real=True)
BOTH = (1, -1)


def slope(sign: int, log_size: Expr) -> Expr:
    """phi'(w) by the chain rule along w = sign * e^u: (d phi / du) / (dw / du)."""
    ratio = diff(exp(u) * u, u) / diff(sign * exp(u), u)
    return cancel(ratio.subs(exp(u), size)).subs(u, log_size)


def divergence(
    sign: int, size: Expr, log_size: Expr, ref_sign: int, ref_size: Expr, ref_log_size: Expr
) -> Expr:
    """D_phi(w, w') from its definition, w and w' of any signs."""
    linear = slope(ref_sign, ref_log_size) * (sign * size - ref_sign * ref_size)
    return size * log_size - ref_size * ref_log_size - linear


def is_nonnegative_for(pairs: Pairs) -> bool:
    r"""For [[phi]] of one weight, $D_\phi(w,w')$ is nowhere negative where the signs of $w$ and
    $w'$ are $[[pairs]]$; for the other pairs of signs it takes negative values. So the generator
    is convex on either half line and not on the whole one.

    With $r$ for the quotient of the sizes, the divergence over $\lvert w'\rvert$ is affine in
    $\log\lvert w'\rvert$: [[equal]] for equal signs, [[opposite]] for opposite ones. Unless the
    coefficient of that logarithm is zero, it takes negative values. Where it is zero, the rest is
    convex in $r$, and it and its derivative vanish at equal sizes.
    """
    at_one, found = {r: 1, lr: 0}, set()
    for s, ref in product(BOTH, repeat=2):
        rest, coefficient = _scaled(s, ref)
        derivative = diff(rest, r) + diff(rest, lr) / r
        bend = diff(derivative, r) + diff(derivative, lr) / r
        least = vanishes((coefficient, rest.subs(at_one), derivative.subs(at_one)))
        if least and same(bend, 1 / r):
            found.add((s, ref))
    return found == set(pairs)


def _scaled(s: int, ref: int) -> tuple[Expr, Expr]:
    """D_phi(s r b, ref b) / b: what is free of log b, and the coefficient of log b."""
    scaled = Poly(divergence(s, r * b, lr + lb, ref, b, lb) / b, lb)
    return scaled.coeff_monomial(1), scaled.coeff_monomial(lb)


def _over_size(s: int) -> Expr:
    rest, coefficient = _scaled(s, 1)
    return (rest + coefficient * lb).subs({lr: log(r), lb: log(b)})


def is_the_divergence(formula: Formula) -> bool:
    r"""Between weights of equal signs the divergence of $\phi$ is $D_\phi(w,w')=[[it]]$ in each
    coordinate.

    From the definition, with $\phi'$ by the chain rule, for both signs.
    """
    return all([same(divergence(s, a, la, s, b, lb), formula(s, a, la, b, lb)) for s in BOTH])


def is_the_step(log_size: Step) -> bool:
    r"""For $\phi$ the mirror step within the orthant of $w_k$ is [[step]] with $s$ the sign of
    $w_k$, in each coordinate; it keeps every sign.

    On the half line of $w_k$ the objective is stationary where $\eta$ times the gradient and the
    change of $\phi'$ add up to nothing, and $\phi'$ grows with $w$, so that this is its only
    minimum. No normalisation takes place.
    """
    return all(
        vanishes(q + slope(s, log_size(s, L, q)) - slope(s, L)) and diff(slope(s, u), u) * s > 0
        for s in BOTH
    )


def decides_the_side(advantage: Expr) -> bool:
    r"""Over the whole line the minimum of $\bar\ell(w)$ and $D_\phi(w,w_k)$ over $\eta$ is the
    exponentiated gradient step $w_+$ where $\lvert w_+\rvert$ is at least $[[threshold]]$;
    otherwise it has the opposite sign and the size [[across]].

    On either side of zero $\eta$ times the objective is convex in $\lvert w\rvert$, and its least
    value is the same number less the size at which it is taken. So the larger size wins. The
    logarithm of the size on the side of $w_k$, that of $w_+$, exceeds the other by
    $[[advantage]]$, where $p$ is that logarithm.
    """
    verdicts = []
    for s in BOTH:
        here, across = (_log_size_of_minimum(s, side) for side in (s, -s))
        verdicts.append(same((here - across).subs(q, s * (L - step)), advantage))
        verdicts.append(same(here.subs(q, s * (L - step)), step))
    return all(verdicts)


def _log_size_of_minimum(s: int, side: int) -> Expr:
    """log |w| where the objective is least among the w of sign `side`.

    Raises ArithmeticError where it is not convex there, or its least value not A - |w|.
    """
    objective = q * (side * size - s * a) + divergence(side, size, u, s, a, L)
    along = diff(objective, size) + diff(objective, u) / size
    (log_best,) = solve(cancel(along), u)
    convex = same(diff(along, size) + diff(along, u) / size, 1 / size)
    least = objective.subs(u, log_best) + size - objective.subs({size: 0, u: 0})
    if not convex or not vanishes(least):
        raise ArithmeticError("the least value on a side is not A - |w|")
    return log_best


def _shown_side(advantage: Expr) -> dict[str, object]:
    sizes = solve(advantage, step)
    across = exp(step - advantage).subs(step, log(Symbol("|w_+|", positive=True)))
    return {
        "threshold": exp(sizes[0]) if sizes else Integer(0),
        "across": Says(r"\lvert w\rvert", across),
        "advantage": advantage,
    }


def _between(w: mpf, ref: mpf) -> mpf:
    """D_phi(w, ref) from the definition, for numbers."""
    gradient = mpmath.sign(ref) * (1 + mpmath.log(abs(ref)))
    values = [abs(v) * mpmath.log(abs(v)) for v in (w, ref)]
    return values[0] - values[1] - gradient * (w - ref)


def _convexity_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        w, ref, middle = mpf("-0.3"), mpf("0.1"), mpmath.exp(-1)
        return (
            Figure(f"D_phi({mpmath.nstr(w, 3)}, {mpmath.nstr(ref, 3)})", _between(w, ref)),
            Figure(
                "mean of phi(1/e) and phi(-1/e), where phi(0) is zero", middle * mpmath.log(middle)
            ),
        )


def _divergence_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        w, ref = mpf("-1.4"), mpf("-0.6")
        where = f"D_phi({mpmath.nstr(w, 3)}, {mpmath.nstr(ref, 3)})"
        return Figure(where, _between(w, ref)), Figure(
            "as printed", w * mpmath.log(w / ref) - w + ref
        )


def _flip_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        weight = mpf("0.1")
        across = -mpmath.exp(-2) / weight
        return (
            Figure("with gradient 0: the step (2), a weight of", weight),
            Figure("the minimum of (1) over the line", across),
            Figure("objective at that minimum, times eta, where it is zero at the step",
                   _between(across, weight)),
        )  # fmt: skip


def _signs(pairs: Pairs) -> str:
    names = {1: "+", -1: "-"}
    return r"\;".join(sorted(f"({names[s]},{names[ref]})" for s, ref in pairs))


_GENERATOR = v1("sec. 2: unnormalised relative entropy") + v2(
    "sec. 5.1: unnormalised relative entropy"
)
_SAME_SIGN = frozenset({(1, 1), (-1, -1)})
_NONZERO = "no weight is zero; the sum is taken coordinate by coordinate"
E12 = Claim(
    "E12", "where the entropy generator is convex", is_nonnegative_for, holds=_SAME_SIGN,
    equivalent=[(-1, -1), (1, 1), (1, 1)], twins={
        "the positive half line only": frozenset({(1, 1)}),
        "opposite signs": frozenset({(1, -1), (-1, 1)}),
        "any weight against a positive one": frozenset({(1, 1), (-1, 1), (-1, -1)}),
    }, printed={"the whole line": frozenset(product(BOTH, repeat=2))},
    shown=lambda pairs: {"pairs": _signs(pairs)}, values=lambda: {
        "phi": Says(r"\phi(w)", Abs(Symbol("w")) * log(Abs(Symbol("w")))), "equal": _over_size(1),
        "opposite": _over_size(-1),
    }, names={"b": r"\lvert w'\rvert"}, sources=v1("eq. 1") + _GENERATOR, assumptions=(_NONZERO,),
    depends=("A18",), erratum=Erratum(
        Fault.WRONG,
        quote=r"the Bregman divergence corresponding to a strictly convex function $\phi:\mathbb "
        r"R^d\to\mathbb R$ [...] $\phi(\bm X)=\sum_i|X^{(i)}|\log|X^{(i)}|$",
        trouble="This generator is not convex on the whole space, so that its divergence between "
        "weights of opposite signs can be negative and is no penalty.",
        advice="Convex on each orthant; the mirror step is taken within the orthant of the "
        "current weights. The update, eq. (2) of version 1 and eq. (19) of version 2, is right "
        "there.",
        figures=_convexity_figures,
        remains_open="Whether the lost formula of version 2 restricts the weights.",
    ), pins=(Pin(
        "gbm_ref.bregman", ({"a": 0.3, "b": 0.1}, {"a": 2.4, "b": 0.7}, {"a": 1e-9, "b": 0.5}),
        because="it is the divergence between -a and b, of opposite signs",
        formula=divergence(-1, a, log(a), 1, b, log(b)),
        twins={"as if of one sign": divergence(1, a, log(a), 1, b, log(b))},
        scale=Abs(a * log(a)) + Abs(b * log(b)) + (1 + Abs(log(b))) * (a + b),
        variant="entropy, opposite signs",
    ),),
)  # fmt: skip


def _value(at: Mapping[str, mpf]) -> mpf:
    sizes = (abs(at["w1"]), abs(at["w2"]))
    return mpmath.fsum(size * mpmath.log(size) for size in sizes if size > 0)


_W, (_X, _R) = symbols("w1 w2"), symbols("w r", real=True)
_ONE_SIGN_EACH = (
    {"w1": 0.3, "w2": -1.7}, {"w1": 2.0, "w2": -0.5}, {"w1": 1e-9, "w2": -40.0},
)  # fmt: skip
_PHI = "it is the generator, or its gradient, of which the divergence is made"
DIVERGENCE = Claim(
    "E12-divergence",
    "unnormalised relative entropy",
    is_the_divergence,
    holds=lambda s, a, la, b, lb: a * (la - lb) - a + b,
    twins={
        "without the linear terms": lambda s, a, la, b, lb: a * (la - lb),
        "arguments swapped": lambda s, a, la, b, lb: b * (lb - la) - b + a,
        "linear terms with the wrong sign": lambda s, a, la, b, lb: a * (la - lb) + a - b,
    },
    # The ratio of two weights of one sign is positive.
    printed={"without absolute values": lambda s, a, la, b, lb: s * a * (la - lb) - s * a + s * b},
    shown=lambda formula: {"it": formula(s, a, log(a), b, log(b))},
    names={"a": r"\lvert w\rvert", "b": r"\lvert w'\rvert", "s": r"\mathrm{sign}(w)"},
    sources=_GENERATOR,
    sheet=("E12",),
    assumptions=(
        Assumption(
            "w and w' have equal signs, coordinate by coordinate",
            "the sign of the gradient",
            lambda: not same(divergence(-1, a, la, 1, b, lb), a * (la - lb) - a + b),
        ),
        _NONZERO,
    ),
    depends=("A18", "E12"),
    erratum=Erratum(
        Fault.WRONG,
        quote=r"$D_\phi(\bm X,\bm X_k)=\sum_{i=1}^d X^{(i)}\log\frac{X^{(i)}}{X_k^{(i)}}-"
        r"X^{(i)}+X_k^{(i)}$",
        trouble="Right for positive weights. For negative (inhibitory) weights it has the wrong "
        "sign: a penalty that rewards change.",
        figures=_divergence_figures,
        remains_open="Whether version 2, whose formula is lost, has the absolute values.",
    ),
    pins=(
        Pin(
            "gbm_ref.bregman",
            vectors="bregman_entropy",
            reads=lambda formula: formula(sign(_X), Abs(_X), log(Abs(_X)), Abs(_R), log(Abs(_R))),
        ),
        Pin(
            "gbm_ref.ENTROPY.value",
            (*_ONE_SIGN_EACH, {"w1": 0.0, "w2": -0.9999999}),
            because=_PHI,
            formula=_value,
            twins={"without absolute values": sum(w * log(Abs(w)) for w in _W)},
        ),
        Pin(
            "gbm_ref.ENTROPY.gradient",
            (*_ONE_SIGN_EACH, {"w1": 0.36787944, "w2": -1e-200}),
            because=_PHI,
            formula=tuple(sign(w) * (1 + log(Abs(w))) for w in _W),
            twins={
                "without the sign": tuple(1 + log(Abs(w)) for w in _W),
                "without the one": tuple(sign(w) * log(Abs(w)) for w in _W),
            },
        ),
    ),
)  # fmt: skip

_STEPS = v1("eq. 2") + v2("eq. 19")
A19 = Claim(
    "A19", "exponentiated gradient descent", is_the_step, holds=lambda s, L, q: L - s * q, twins={
        "without the sign": lambda s, L, q: L - q, "ascent": lambda s, L, q: L + s * q,
        "half the step": lambda s, L, q: L - s * q / 2,
    }, shown=lambda log_size: {"step": Says("w_{k+1}", _stepped(log_size, s, w, eta * g))},
    names={"w": "w_k", "g": r"\nabla\ell(w_k)"}, sources=_STEPS, sheet=("A19", "E12"),
    assumptions=(
        "eta > 0 and no weight is zero", Assumption(
            "the minimum is that over the orthant (E12-argmin)", "the half line of w_k",
            lambda: decides_the_side(2 * step + 2),
        ),
    ), readings=("the form is that of version 1; the formula is lost in the text of version 2",),
    depends=("A18", "E12"), pins=(Pin(
        "gbm_ref.exponentiated_gradient_step", vectors="exponentiated_gradient_step",
        reads=lambda log_size: _stepped(log_size, sign(_X), _X, eta * g),
    ),),
)  # fmt: skip


def _stepped(log_size: Step, s: Expr, weight: Expr, gradient: Expr) -> Expr:
    """The weight times the exponential of what its logarithm gains."""
    return weight * exp((log_size(s, L, gradient) - L).expand())


ARGMIN = Claim(
    "E12-argmin", "the mirror step over the whole line crosses zero", decides_the_side,
    holds=2 * step + 2, twins={
        "threshold 1": 2 * step, "threshold e^-2": 2 * step + 4,
        "small weights stay": -2 * step - 2,
    }, printed={"every weight stays": Integer(1)}, shown=_shown_side,
    names={"step": "p", "|w_+|": r"\lvert w_+\rvert"}, sources=v1("eq. 1") + v2("eq. 18") + _STEPS,
    sheet=("E12",), assumptions=("eta > 0, and no weight is zero; coordinate by coordinate",),
    depends=("A18", "A19", "E12"), erratum=Erratum(
        Fault.WRONG,
        quote=r"For this choice of $D_\phi$, the update rule in Eq. (1) takes the form (2), "
        r"where (1) minimises over $\bm X$ with $\phi:\mathbb R^d\to\mathbb R$",
        trouble="Taken as written, over the whole space, eq. (1) flips the sign of every weight "
        "whose exponentiated gradient step is small: also with gradient zero such a weight jumps "
        "across zero, since the divergence there is negative (E12).",
        advice="Minimise over the orthant of the current weights; then eq. (2) is right for "
        "weights of both signs (A19). That is how the update is meant and used.",
        figures=_flip_figures,
        remains_open="Whether the lost formula (18) of version 2 restricts the minimum.",
    ),
)  # fmt: skip

CLAIMS = (E12, DIVERGENCE, A19, ARGMIN)
