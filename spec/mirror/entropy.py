"""The entropy generator phi(w) = sum |w_i| log |w_i| (v1 section 2, v2 section 5.1).

Symbols: s a, s' b  two weights of signs s, s' and sizes a, b;  la, lb  the logarithms of a, b.
"""

from collections.abc import Callable, Mapping
from itertools import product

import mpmath
from mpmath import mpf
from sympy import Abs, Expr, Poly, diff, log, sign, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Pin, Proof, v1, v2
from spec.mirror._entropy import divergence

Formula = Callable[[int, Expr, Expr, Expr, Expr], Expr]


def is_nonnegative_for(pairs: frozenset[tuple[int, int]]) -> bool:
    """Whether D_phi(w, w') >= 0 for all weights of these pairs of signs, and of no other pair.

    With w = s r b and w' = s' b the divergence is b times a function of r, log r and log b that
    is affine in log b. Unless the slope in log b is zero, it takes negative values. Where it is
    zero, the rest is r log r + A r + B: convex in r, and 0 is its least value if it and its
    derivative log r + 1 + A vanish at r = 1.
    """
    r, b = symbols("r b", positive=True)
    lr, lb = symbols("lr lb")
    at_one, found = {r: 1, lr: 0}, set()
    for s, ref in product((1, -1), repeat=2):
        scaled = Poly(divergence(s, r * b, lr + lb, ref, b, lb) / b, lb)
        rest, slope = scaled.coeff_monomial(1), scaled.coeff_monomial(lb)
        derivative = diff(rest, r) + diff(rest, lr) / r
        if vanishes((slope, rest.subs(at_one), derivative.subs(at_one))):
            found.add((s, ref))
    return found == set(pairs)


def is_the_divergence(formula: Formula) -> bool:
    """Whether D_phi(s a, s b) = formula(s, a, la, b, lb) for both signs s.

    Left: the definition, with the gradient of phi by the chain rule. Right: the formula.
    """
    a, b = symbols("a b", positive=True)
    la, lb = symbols("la lb")
    return all(same(divergence(s, a, la, s, b, lb), formula(s, a, la, b, lb)) for s in (1, -1))


def _relative_entropy(s: int, a: Expr, la: Expr, b: Expr, lb: Expr) -> Expr:
    return a * (la - lb) - a + b


def _printed(s: int, a: Expr, la: Expr, b: Expr, lb: Expr) -> Expr:
    # X log(X / X_k) - X + X_k; the ratio of two weights of one sign is positive
    return s * a * (la - lb) - s * a + s * b


def _between(w: mpf, ref: mpf) -> mpf:
    """D_phi(w, ref) from the definition, for numbers."""
    slope = mpmath.sign(ref) * (1 + mpmath.log(abs(ref)))
    values = [abs(u) * mpmath.log(abs(u)) for u in (w, ref)]
    return values[0] - values[1] - slope * (w - ref)


def _convexity_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        inverse_e = mpmath.exp(-1)
        mean = inverse_e * mpmath.log(inverse_e)
        return (
            Figure("D_phi(-0.3, 0.1)", _between(mpf("-0.3"), mpf("0.1"))),
            Figure("phi(0)", mpf(0)),
            Figure("mean of phi(1/e) and phi(-1/e)", mean),
        )


def _divergence_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        w, ref = mpf("-1.4"), mpf("-0.6")
        printed = w * mpmath.log(w / ref) - w + ref
        return (
            Figure("D_phi(-1.4, -0.6)", _between(w, ref)),
            Figure("as printed", printed),
        )


E12 = Claim(
    id="E12",
    title="where the entropy generator is convex",
    statement=r"$\phi(w)=\sum_i\lvert w_i\rvert\log\lvert w_i\rvert$ is convex in each $w_i$ on "
    r"either half line and on no interval around zero: $D_\phi(w,w')\ge0$ for all weights of "
    "equal signs, while for weights of opposite signs it takes negative values.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(
        *v1("eq. 1", "sec. 2: unnormalised relative entropy"),
        *v2("sec. 5.1: unnormalised relative entropy"),
    ),
    sheet=("E12",),
    assumptions=("nonzero weights; the sum is taken coordinate by coordinate",),
    depends=("A18",),
    derivation=r"For $w=rw'$ of one sign $D_\phi=\lvert w'\rvert(r\log r-r+1)\ge0$, with equality "
    r"at $r=1$ only. For $w=-rw'$ it is $\lvert w'\rvert\,(r\log r+r+1+2r\log\lvert w'\rvert)$, "
    r"which goes below zero as $\lvert w'\rvert\to0$. At zero itself: $\phi(0)=0$ exceeds $-1/e$, "
    r"the mean of $\phi(1/e)$ and $\phi(-1/e)$.",
    proof=Proof(
        is_nonnegative_for,
        holds=frozenset({(1, 1), (-1, -1)}),
        twins={
            "the positive half line only": frozenset({(1, 1)}),
            "opposite signs": frozenset({(1, -1), (-1, 1)}),
            "any weight against a positive one": frozenset({(1, 1), (-1, 1), (-1, -1)}),
        },
        printed={"the whole line": frozenset(product((1, -1), repeat=2))},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"the Bregman divergence corresponding to a strictly convex function "
        r"$\phi:\mathbb R^d\to\mathbb R$ [...] $\phi(\bm X)=\sum_i|X^{(i)}|\log|X^{(i)}|$",
        trouble="This generator is not convex on the whole space, so that its divergence between "
        "weights of opposite signs can be negative and is no penalty.",
        correction="Convex on each orthant; the mirror step is taken within the orthant of the "
        "current weights. The update (2) of version 1, (19) of version 2, is right there.",
        figures=_convexity_figures,
        remains_open="Whether the lost formula of version 2 restricts the weights.",
    ),
    pins=(
        Pin(
            "gbm_ref.bregman",
            variant="entropy, opposite signs",
            # w = -a, w' = b
            formula=symbols("a") * log(symbols("a") * symbols("b")) + symbols("a") + symbols("b"),
            twins={
                "as if of one sign": symbols("a") * log(symbols("a") / symbols("b"))
                - symbols("a")
                + symbols("b")
            },
            points=({"a": 0.3, "b": 0.1}, {"a": 2.4, "b": 0.7}, {"a": 1e-9, "b": 0.5}),
            scale=Abs(symbols("a") * log(symbols("a")))
            + Abs(symbols("b") * log(symbols("b")))
            + (1 + Abs(log(symbols("b")))) * (symbols("a") + symbols("b")),
        ),
    ),
)

_W, _R = symbols("w1 w2"), symbols("r1 r2")


def _value(at: Mapping[str, mpf]) -> mpf:
    sizes = (abs(at["w1"]), abs(at["w2"]))
    return mpmath.fsum(size * mpmath.log(size) for size in sizes if size > 0)


_ONE_SIGN_EACH = (
    {"w1": 0.3, "w2": -1.7, "r1": 1.1, "r2": -0.4},
    {"w1": 2.0, "w2": -0.5, "r1": 2.0000001, "r2": -0.4999999},
    {"w1": 1e-9, "w2": -40.0, "r1": 3.0, "r2": -1e5},
)
_PIN_DIVERGENCE = sum(Abs(w) * log(w / r) - Abs(w) + Abs(r) for w, r in zip(_W, _R, strict=True))
_PIN_SCALE = sum(
    Abs(w * log(Abs(w))) + Abs(r * log(Abs(r))) + (1 + Abs(log(Abs(r)))) * Abs(w - r)
    for w, r in zip(_W, _R, strict=True)
)

DIVERGENCE = Claim(
    id="E12-divergence",
    title="unnormalised relative entropy",
    statement=r"With $\nabla\phi(w)=\mathrm{sign}(w)(1+\log\lvert w\rvert)$ the divergence of "
    r"$\phi=\sum\lvert w_i\rvert\log\lvert w_i\rvert$ between weights of equal signs is $D_\phi("
    r"w,w')=\sum_i\lvert w_i\rvert\log\tfrac{\lvert w_i\rvert}{\lvert w'_i\rvert}-\lvert w_i"
    r"\rvert+\lvert w'_i\rvert$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(
        *v1("sec. 2: unnormalised relative entropy"),
        *v2("sec. 5.1: unnormalised relative entropy"),
    ),
    sheet=("E12",),
    assumptions=("w and w' have equal signs, coordinate by coordinate, and no zeros",),
    depends=("A18", "E12"),
    derivation=r"$\phi'(w)=s(1+\log a)$ for $w=sa$, so $D_\phi(sa,sb)=a\log a-b\log b-(1+\log b)"
    r"(a-b)=a\log\tfrac ab-a+b$, the same for both signs $s$.",
    proof=Proof(
        is_the_divergence,
        holds=_relative_entropy,
        twins={
            "without the linear terms": lambda s, a, la, b, lb: a * (la - lb),
            "arguments swapped": lambda s, a, la, b, lb: b * (lb - la) - b + a,
            "linear terms with the wrong sign": lambda s, a, la, b, lb: a * (la - lb) + a - b,
        },
        printed={"without absolute values": _printed},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"$D_\phi(\bm X,\bm X_k)=\sum_{i=1}^d X^{(i)}\log\frac{X^{(i)}}{X_k^{(i)}}-"
        r"X^{(i)}+X_k^{(i)}$",
        trouble="Right for positive weights. For negative (inhibitory) weights it has the wrong "
        "sign: a penalty that rewards change.",
        correction=r"Write $\lvert X^{(i)}\rvert$ and $\lvert X_k^{(i)}\rvert$ throughout.",
        figures=_divergence_figures,
        remains_open="Whether version 2, whose formula is lost, has the absolute values.",
    ),
    pins=(
        Pin(
            "gbm_ref.bregman",
            variant="entropy, equal signs",
            formula=_PIN_DIVERGENCE,
            twins={
                "without absolute values": sum(
                    w * log(w / r) - w + r for w, r in zip(_W, _R, strict=True)
                )
            },
            points=_ONE_SIGN_EACH,
            # bregman subtracts phi(w') and the linear term from phi(w)
            scale=_PIN_SCALE,
        ),
        Pin(
            "gbm_ref.ENTROPY.value",
            formula=_value,
            twins={"without absolute values": sum(w * log(Abs(w)) for w in _W)},
            points=(*_ONE_SIGN_EACH, {"w1": 0.0, "w2": -0.9999999, "r1": 1.0, "r2": 1.0}),
        ),
        Pin(
            "gbm_ref.ENTROPY.gradient",
            formula=tuple(sign(w) * (1 + log(Abs(w))) for w in _W),
            twins={
                "without the sign": tuple(1 + log(Abs(w)) for w in _W),
                "without the one": tuple(sign(w) * log(Abs(w)) for w in _W),
            },
            points=(*_ONE_SIGN_EACH, {"w1": 0.36787944, "w2": -1e-200, "r1": 1.0, "r2": 1.0}),
        ),
    ),
)

CLAIMS = (E12, DIVERGENCE)
