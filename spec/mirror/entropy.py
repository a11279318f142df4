"""The entropy generator phi(w) = sum |w_i| log |w_i| and its mirror step (v1 section 2, v2 5.1).

Symbols: s a, s' b  two weights of signs s, s' and sizes a, b;  la, lb  the logarithms of a, b;
L = log |w_k|;  q = eta * d loss / d w.  Logarithms are symbols, so that all is rational.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product

import mpmath
from mpmath import mpf
from sympy import Abs, Expr, Integer, Poly, Symbol, cancel, diff, exp, log, sign, solve, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Pin, Values, v1, v2

_A, _B = symbols("a b", positive=True)
_LA, _LB, _L, _Q = symbols("la lb L q")
SIGNS = (1, -1)
ONE_BY_ONE = "no weight is zero; phi is a sum, so that the weights are looked at one by one"


def generator(size: Expr, log_size: Expr) -> Expr:
    """phi of a weight of either sign."""
    return size * log_size


def slope(of: int, log_size: Expr) -> Expr:
    """phi'(w) by the chain rule along w = of * e^u: (d phi / du) / (dw / du)."""
    u, size = Symbol("u"), Symbol("size", positive=True)
    ratio = diff(generator(exp(u), u), u) / diff(of * exp(u), u)
    return cancel(ratio.subs(exp(u), size)).subs(u, log_size)


def divergence(s: int, a: Expr, la: Expr, ref: int, b: Expr, lb: Expr) -> Expr:
    """D_phi(s a, ref b) from its definition, for any signs."""
    return generator(a, la) - generator(b, lb) - slope(ref, lb) * (s * a - ref * b)


def is_nonnegative_for(pairs: Iterable[tuple[int, int]]) -> bool:
    r"""The divergence $D_\phi(w,w')$ of $\phi(w)=[[phi]]$ is at least zero for all weights
    with the signs [[pairs]]; for other signs it takes negative values.

    For weights of which one is $r$ times as large as the other the divergence, over the size of
    the other, is affine in the logarithm of that size. Unless its slope vanishes, it takes
    negative values. Where the slope vanishes, what is left is convex in $r$, and it and its
    derivative vanish at equal sizes. A generator with a negative
    divergence is not convex.
    """
    r = Symbol("r", positive=True)
    lr, found = Symbol("lr"), set()
    for s, ref in product(SIGNS, repeat=2):
        scaled = Poly(divergence(s, r * _B, lr + _LB, ref, _B, _LB) / _B, _LB)
        rest, growth = scaled.coeff_monomial(1), scaled.coeff_monomial(_LB)
        first = diff(rest, r) + diff(rest, lr) / r
        second = diff(first, r) + diff(first, lr) / r
        if vanishes(growth):
            at_one = {r: 1, lr: 0}
            if not vanishes((rest.subs(at_one), first.subs(at_one), second - 1 / r)):
                raise ArithmeticError("neither convex with least value 0 nor unbounded below")
            found.add((s, ref))
    return found == set(pairs)


def is_the_divergence(formula: Callable[[int, Expr, Expr, Expr, Expr], Expr]) -> bool:
    r"""Between two weights of one sign, of sizes $a$ and $b$, the divergence of
    $\phi(w)=[[phi]]$ is $[[it]]$ for either sign.

    By the definition of the divergence, with the derivative of $\phi$ by the chain rule.
    """
    return all([same(divergence(s, _A, _LA, s, _B, _LB), formula(s, _A, _LA, _B, _LB))
                for s in SIGNS])  # fmt: skip


def is_the_step(log_size: Callable[[int, Expr, Expr], Expr]) -> bool:
    r"""For $\phi(w)=[[phi]]$ the mirror step within the orthant of $w_k$
    has $\log\lvert w_{k+1}\rvert=[[it]]$ for weights of either sign $s$.

    On the half line of $w_k$ the slope of the objective, $\eta$ times over, vanishes at the step.
    It grows with $w$, so that the point is the only minimum there. Nothing is normalised.
    """
    u = Symbol("u")
    return all([
        vanishes(_Q + slope(s, log_size(s, _L, _Q)) - slope(s, _L))
        and diff(slope(s, u), u) * s > 0
        for s in SIGNS
    ])  # fmt: skip


def decides_the_side(sides: Callable[[Expr], tuple[Expr, Expr]]) -> bool:
    r"""Over the whole line the mirror step of $\phi(w)=[[phi]]$ stays on the side of $w_k$, where
    it is the exponentiated gradient step $w^+$, iff $[[lead]]$ is not negative. Otherwise it is
    across zero, at a weight with log size $[[across]]$.

    On either side the objective, $\eta$ times over, is its value at zero plus a function of the
    size that has one stationary point; its value there is less by the size of that weight. So the
    larger of the two minima in size has the smaller value, and the difference of the two log sizes
    is affine in $\log\lvert w^+\rvert$.
    """
    found = []
    for s in SIGNS:
        here, across = (_log_size_of_minimum(s, side) for side in (s, -s))
        lead, wanted = sides(here)
        found += [same(here, _L - s * _Q), same(here - across, lead), same(across, wanted)]
    return all(found)


def _log_size_of_minimum(s: int, side: int) -> Expr:
    """log |w| where the objective is least among the w of sign `side`; raises if not A - |w|."""
    size, u = symbols("size u")
    objective = _Q * (side * size - s * _A) + divergence(side, size, u, s, _A, _L)
    along = diff(objective, size) * size + diff(objective, u)
    (log_best,) = solve(cancel(along / size), u)
    if not vanishes(objective.subs(u, log_best) + size - objective.subs({size: 0, u: 0})):
        raise ArithmeticError("the least value on a side is not A - |w|")
    return log_best


_NAMES = {"W": r"\lvert w\rvert", "LW": r"\log\lvert w\rvert", "la": r"\log a", "s": "s",
          "lb": r"\log b", "L": r"\log\lvert w_k\rvert",
          "q": r"\eta\,\ell'(w_k)", "step": r"\log\lvert w^+\rvert"}  # fmt: skip
_STEP = Symbol("step")


def _phi() -> Values:
    return {"phi": generator(Symbol("W"), Symbol("LW"))}


def _between(w: mpf, ref: mpf) -> mpf:
    """D_phi(w, ref) from the definition, for numbers."""
    values = [abs(u) * mpmath.log(abs(u)) for u in (w, ref)]
    return values[0] - values[1] - mpmath.sign(ref) * (1 + mpmath.log(abs(ref))) * (w - ref)


def _figures(*pairs: tuple[str, str]) -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        return tuple(Figure(f"D_phi({w}, {r})", _between(mpf(w), mpf(r))) for w, r in pairs)


def _divergence_figures() -> tuple[Figure, ...]:
    a, b = mpf("1.4"), mpf("0.6")
    printed = _printed(-1, a, mpmath.log(a), b, mpmath.log(b))
    return (*_figures(("-1.4", "-0.6")), Figure("as printed", printed))


_OPPOSITE = _A * log(_A * _B) + _A + _B
E12 = Claim(
    "E12",
    "where the entropy generator is convex",
    is_nonnegative_for,
    holds=frozenset({(1, 1), (-1, -1)}),
    equivalent=[(1, 1), (-1, -1), (1, 1)],
    twins={
        "the positive half line only": frozenset({(1, 1)}),
        "opposite signs": frozenset({(1, -1), (-1, 1)}),
        "any weight against a positive one": frozenset({(1, 1), (-1, 1), (-1, -1)}),
    },
    printed={"the whole line": frozenset(product(SIGNS, repeat=2))},
    values=_phi,
    names=_NAMES,
    shown=lambda pairs: {
        "pairs": ", ".join(
            f"({'+' if s > 0 else '-'}, {'+' if r > 0 else '-'})"
            for s, r in sorted(set(pairs), reverse=True)
        )
    },
    sources=v1("eq. 1", "sec. 2: unnormalised relative entropy")
    + v2("sec. 5.1: unnormalised relative entropy"),
    assumptions=(ONE_BY_ONE,),
    depends=("A18",),
    erratum=Erratum(
        Fault.WRONG,
        quote=r"the Bregman divergence corresponding to a strictly convex function "
        r"$\phi:\mathbb R^d\to\mathbb R$ [...] $\phi(\bm X)=\sum_i|X^{(i)}|\log|X^{(i)}|$",
        trouble="This generator is not convex on the whole space, so that its divergence between "
        "weights of opposite signs can be negative and is no penalty.",
        advice="It is convex on each orthant; the mirror step is taken within the orthant of the "
        "current weights. The update (2) of version 1, (19) of version 2, is right there (A19).",
        figures=lambda: _figures(("-0.3", "0.1"), ("-0.3", "-0.1")),
        remains_open="Whether the lost formula of version 2 restricts the weights.",
    ),
    pins=(
        Pin(
            "gbm_ref.bregman",
            ({"a": 0.3, "b": 0.1}, {"a": 2.4, "b": 0.7}, {"a": 1e-9, "b": 0.5}),
            variant="entropy, opposite signs",
            because="the statement is about its sign; w = -a, w' = b",
            formula=_OPPOSITE,
            twins={"as if of one sign": _A * log(_A / _B) - _A + _B},
            scale=Abs(_A * log(_A)) + Abs(_B * log(_B)) + (1 + Abs(log(_B))) * (_A + _B),
        ),
    ),
)

_W, _R, _W1, _W2 = symbols("w r w1 w2")
_VALUES = tuple(
    dict(zip(("w1", "w2"), row, strict=True))
    for row in ((0.3, -1.7), (2.0, -0.5), (1e-9, -40.0), (0.36787944, -0.9999999), (1.1, -1e-200))
)


def _value(at: Mapping[str, mpf]) -> mpf:
    sizes = (abs(at["w1"]), abs(at["w2"]))
    return mpmath.fsum(size * mpmath.log(size) for size in sizes if size > 0)


def _printed(s: int, a: Expr, la: Expr, b: Expr, lb: Expr) -> Expr:
    # X log(X / X_k) - X + X_k; the ratio of two weights of one sign is positive
    return s * a * (la - lb) - s * a + s * b


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
    printed={"without absolute values": _printed},
    values=_phi,
    names=_NAMES,
    sources=v1("sec. 2: unnormalised relative entropy")
    + v2("sec. 5.1: unnormalised relative entropy"),
    sheet=("E12",),
    assumptions=(ONE_BY_ONE,),
    depends=("A18", "E12"),
    erratum=Erratum(
        Fault.WRONG,
        quote=r"$D_\phi(\bm X,\bm X_k)=\sum_{i=1}^d X^{(i)}\log\frac{X^{(i)}}{X_k^{(i)}}-"
        r"X^{(i)}+X_k^{(i)}$",
        trouble="Right for positive weights. For negative (inhibitory) weights it has the wrong "
        "sign: a penalty that rewards change.",
        advice=r"Write absolute values of $X^{(i)}$ and $X_k^{(i)}$ throughout.",
        figures=_divergence_figures,
        remains_open="Whether version 2, whose formula is lost, has the absolute values.",
    ),
    pins=(
        Pin(
            "gbm_ref.bregman",
            variant="entropy, equal signs",
            vectors="bregman_entropy",
            reads=lambda f: f(sign(_W), Abs(_W), log(Abs(_W)), Abs(_R), log(Abs(_R))),
        ),
        Pin(
            "gbm_ref.ENTROPY.value",
            (*_VALUES, {"w1": 0.0, "w2": -0.3}),
            because="it is the generator itself",
            formula=_value,
            twins={"without absolute values": _W1 * log(Abs(_W1)) + _W2 * log(Abs(_W2))},
        ),
        Pin(
            "gbm_ref.ENTROPY.gradient",
            _VALUES,
            because="it is the derivative of the generator",
            formula=tuple(sign(w) * (1 + log(Abs(w))) for w in (_W1, _W2)),
            twins={
                "without the sign": tuple(1 + log(Abs(w)) for w in (_W1, _W2)),
                "without the one": tuple(sign(w) * log(Abs(w)) for w in (_W1, _W2)),
            },
        ),
    ),
)

A19 = Claim(
    "A19",
    "exponentiated gradient descent",
    is_the_step,
    holds=lambda s, L, q: L - s * q,
    twins={
        "without the sign": lambda s, L, q: L - q,
        "ascent": lambda s, L, q: L + s * q,
        "half the step": lambda s, L, q: L - s * q / 2,
        "first order": lambda s, L, q: L - s * q - q**2 / 2,
    },
    values=_phi,
    names=_NAMES,
    sources=v1("eq. 2") + v2("eq. 19"),
    sheet=("A19", "E12"),
    assumptions=(ONE_BY_ONE,),
    readings=(
        "the minimum is taken over the orthant of the current weights (see E12-argmin)",
        "the form is that of version 1; the formula is lost in the text of version 2",
    ),
    depends=("A18", "E12"),
    pins=(
        Pin(
            "gbm_ref.exponentiated_gradient_step",
            vectors="exponentiated_gradient_step",
            reads=lambda f: sign(_W) * exp(f(sign(_W), log(Abs(_W)), Symbol("eta") * Symbol("g"))),
        ),
    ),
)


def _sides(step: Expr) -> tuple[Expr, Expr]:
    return 2 * (step + 1), -2 - step


def _shown_sides(sides: Callable[[Expr], tuple[Expr, Expr]]) -> Values:
    return {"lead": sides(_STEP)[0], "across": sides(_STEP)[1]}


def _flip_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        weight = mpf("0.1")
        across = -mpmath.exp(_sides(mpmath.log(weight))[1])
        return (
            Figure(f"weight {weight}, no gradient: the step (2)", weight),
            Figure("the minimum of (1) over the line", across),
            Figure("objective at the step", mpf(0)),
            Figure("objective at that minimum, times eta", _between(across, weight)),
        )


ARGMIN = Claim(
    "E12-argmin",
    "the mirror step over the whole line crosses zero",
    decides_the_side,
    holds=_sides,
    twins={
        "threshold 1": lambda step: (2 * step, -2 - step),
        "threshold e^-2": lambda step: (2 * (step + 2), -2 - step),
        "small weights stay": lambda step: (-2 * (step + 1), -2 - step),
        "across at the mirrored weight": lambda step: (2 * (step + 1), step),
    },
    printed={"every weight stays": lambda step: (Integer(1), -2 - step)},
    shown=_shown_sides,
    values=_phi,
    names=_NAMES,
    sources=v1("eq. 1", "eq. 2") + v2("eq. 18", "eq. 19"),
    sheet=("E12",),
    assumptions=(ONE_BY_ONE,),
    depends=("A18", "A19", "E12"),
    erratum=Erratum(
        Fault.WRONG,
        quote=r"For this choice of $D_\phi$, the update rule in Eq. (1) takes the form (2), "
        r"where (1) minimises over $\bm X$ with $\phi:\mathbb R^d\to\mathbb R$",
        trouble="Taken as written, over the whole space, (1) flips the sign of every weight whose "
        "exponentiated gradient step is small: the weight below, without any gradient, jumps "
        "across zero, since the divergence there is negative (E12).",
        advice="Minimise over the orthant of the current weights; then (2) is right for weights "
        "of both signs (A19). That is how the update is meant and used.",
        figures=_flip_figures,
        remains_open="Whether the lost formula (18) of version 2 restricts the minimum.",
    ),
)

CLAIMS = (E12, DIVERGENCE, A19, ARGMIN)
