"""The exponentiated gradient step as a mirror step (eq. 2 of version 1, eq. 19 of version 2).

Symbols: s  sign of the weight w_k;  L  log |w_k|;  q = eta * d loss / d w;  a = |w_k|.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Rational, cancel, diff, exp, solve, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Pin, Proof, v1, v2
from spec.mirror._entropy import divergence, slope

Step = Callable[[int, Expr, Expr], Expr]


def is_the_step(log_size: Step) -> bool:
    """Whether |w_{k+1}| = e^{log_size(s, L, q)}, for a weight of either sign s.

    On the half line of w_k, w = s e^u, the slope of q (w - w_k) + D_phi(w, w_k) is
    q + phi'(w) - phi'(w_k). It must vanish at the step, and must grow with w (which makes the
    point the only minimum): d phi'(w) / du has the sign of dw / du, which is s.
    """
    L, q, u = symbols("L q u")
    return all(
        vanishes(q + slope(s, log_size(s, L, q)) - slope(s, L)) and diff(slope(s, u), u) * s > 0
        for s in (1, -1)
    )


def decides_the_side(stays: Callable[[Expr], bool]) -> bool:
    """Whether the minimum over the whole line is on the side of w_k iff stays(log |step|).

    On either side, |w| = e^u, the objective q (w - w_k) + D_phi is A + B e^u + e^u u with B free
    of u and A its value at w = 0. It is stationary at u = -1 - B and its value there is
    A - e^u: the side with the larger e^u has the smaller value. The difference of the two u is
    affine in log |step|, so that it changes sign once. Where, is decided exactly at rational log
    sizes and gradients, among them some 1e-12 to either side of the threshold.
    """
    L, q = symbols("L q")
    logs = {(s, side): _log_size_of_minimum(s, side, L, q) for s in (1, -1) for side in (1, -1)}
    return all(
        (here >= across) == stays(here)
        for s in (1, -1)
        for size, gradient in _CASES
        for here, across in [[logs[s, side].subs({L: size, q: gradient}) for side in (s, -s)]]
    )


def _log_size_of_minimum(s: int, side: int, L: Expr, q: Expr) -> Expr:
    """log |w| where the objective is least among the w of sign `side`; raises if not A - |w|."""
    size, u, a = symbols("size u a")
    objective = q * (side * size - s * a) + divergence(side, size, u, s, a, L)
    along = diff(objective, size) * size + diff(objective, u)
    (log_best,) = solve(cancel(along / size), u)
    if not vanishes(objective.subs(u, log_best) + size - objective.subs({size: 0, u: 0})):
        raise ArithmeticError("the least value on a side is not A - |w|")
    return log_best


_CASES = tuple(
    (Rational(size), Rational(gradient))
    for size in ("-3", "-5/4", "-1", "-9/10", "1/3")
    for gradient in ("-7/10", "-1/1000000000000", "0", "1/1000000000000", "1/20", "8/5")
)


def _flip_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        weight = mpf("0.1")
        across = -mpmath.exp(-2) / weight
        value = _objective_without_gradient(across, weight)
        return (
            Figure("weight 0.1, gradient 0: the step (2)", weight),
            Figure("the minimum of (1) over the line", across),
            Figure("objective at the step", mpf(0)),
            Figure("objective at that minimum, times eta", value),
        )


def _objective_without_gradient(w: mpf, ref: mpf) -> mpf:
    logs = [abs(v) * mpmath.log(abs(v)) for v in (w, ref)]
    return logs[0] - logs[1] - mpmath.sign(ref) * (1 + mpmath.log(abs(ref))) * (w - ref)


def _right(s: int, L: Expr, q: Expr) -> Expr:
    return L - s * q


_W1, _W2, _G1, _G2, _ETA = symbols("w1 w2 g1 g2 eta")

A19 = Claim(
    id="A19",
    title="exponentiated gradient descent",
    statement=r"For $\phi(w)=\sum_i\lvert w_i\rvert\log\lvert w_i\rvert$ the mirror step within "
    r"the orthant of $w_k$ is $w_{k+1}=w_k\circ\exp(-\eta\nabla\ell(w_k)\circ\mathrm{sign}(w_k))"
    r"$; it keeps every sign.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 2"), *v2("eq. 19")),
    sheet=("A19", "E12"),
    assumptions=(
        "eta > 0 and no weight is zero",
        "the minimum is taken over the orthant of the current weights (see E12-argmin)",
        "the form is that of version 1; the formula is lost in the text of version 2",
    ),
    depends=("A18", "E12"),
    derivation=r"On the half line of $w_k$, $s=\mathrm{sign}(w_k)$, $\phi'(w)=s(1+\log\lvert w"
    r"\rvert)$ and $\phi''(w)=1/\lvert w\rvert>0$, so the objective is strictly convex. It is "
    r"stationary where $\eta g+s\log\lvert w\rvert-s\log\lvert w_k\rvert=0$, that is $\log\lvert "
    r"w\rvert=\log\lvert w_k\rvert-s\eta g$. No normalisation takes place.",
    proof=Proof(
        is_the_step,
        holds=_right,
        twins={
            "without the sign": lambda s, L, q: L - q,
            "ascent": lambda s, L, q: L + s * q,
            "half the step": lambda s, L, q: L - s * q / 2,
        },
    ),
    pins=(
        Pin(
            "gbm_ref.exponentiated_gradient_step",
            # w1 is positive, w2 negative
            formula=(_W1 * exp(-_ETA * _G1), _W2 * exp(_ETA * _G2)),
            twins={
                "without the sign": (_W1 * exp(-_ETA * _G1), _W2 * exp(-_ETA * _G2)),
                "first order": (_W1 * (1 - _ETA * _G1), _W2 * (1 + _ETA * _G2)),
            },
            points=(
                {"w1": 0.4, "w2": -1.7, "g1": 0.9, "g2": 2.3, "eta": 0.17},
                {"w1": 1e-12, "w2": -3e4, "g1": -31.0, "g2": -40.0, "eta": 0.9},
                {"w1": 0.0, "w2": -0.6, "g1": 3.0, "g2": 1e-3, "eta": 2.0},
            ),
        ),
    ),
)

ARGMIN = Claim(
    id="E12-argmin",
    title="the mirror step over the whole line crosses zero",
    statement=r"Over all of $\mathbb R$ the minimum of $\bar\ell(w)+\tfrac1\eta D_\phi(w,w_k)$, "
    r"$\phi=\lvert w\rvert\log\lvert w\rvert$, is the exponentiated gradient step $w^+=w_ke^{-"
    r"\eta g\,\mathrm{sign}(w_k)}$ iff $\lvert w^+\rvert\ge1/e$. Otherwise it is $-e^{-2}/w^+$, "
    "of the opposite sign.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 1", "eq. 2"), *v2("eq. 18", "eq. 19")),
    sheet=("E12",),
    assumptions=("eta > 0, w_k is not zero", "coordinate by coordinate"),
    depends=("A18", "A19", "E12"),
    derivation=r"Write $s=\mathrm{sign}(w_k)$, $a=\lvert w_k\rvert$, and $b=\lvert w\rvert$. On "
    r"either side $\eta$ times the objective is $A+b\log b+Bb$ with the same $A=a-\eta sga$; its "
    r"least value is $A-b$ at $\log b=-1-B$. On the side of $w_k$, $B=\eta sg-1-\log a$ and "
    r"$b=\lvert w^+\rvert$. On the other side $B=1+\log a-\eta sg$ and $b=e^{-2}/\lvert "
    r"w^+\rvert$. The larger $b$ wins; they are equal at $1/e$, where both are minima.",
    proof=Proof(
        decides_the_side,
        holds=lambda log_step: log_step >= -1,
        twins={
            "threshold 1": lambda log_step: log_step >= 0,
            "threshold e^-2": lambda log_step: log_step >= -2,
            "small weights stay": lambda log_step: log_step <= -1,
        },
        printed={"every weight stays": lambda log_step: True},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"For this choice of $D_\phi$, the update rule in Eq. (1) takes the form (2), "
        r"where (1) minimises over $\bm X$ with $\phi:\mathbb R^d\to\mathbb R$",
        trouble="Taken as written, over the whole space, (1) flips the sign of every weight whose "
        "exponentiated gradient step is smaller than 1/e: a weight of 0.1 with zero gradient "
        "jumps across zero, since the divergence there is negative (E12).",
        correction="Minimise over the orthant of the current weights; then (2) is right for "
        "weights of both signs (A19). That is how the update is meant and used.",
        figures=_flip_figures,
        remains_open="Whether the lost formula (18) of version 2 restricts the minimum.",
    ),
)

CLAIMS = (A19, ARGMIN)
