"""What Theorem 4.1 needs: the paper's assumptions, lost in version 2, and what replaces them.

Symbols: H = x * grad log p, h = x * s_theta, c = x * grad log p_{t|0}; v = sigma^2 t.
"""

from collections.abc import Callable
from itertools import combinations

import mpmath
from mpmath import mpf
from sympy import (
    Expr,
    Integer,
    Rational,
    Symbol,
    exp,
    integrate,
    lambdify,
    limit,
    oo,
    pi,
    sqrt,
    symbols,
)

from spec.checking.algebra import same
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2
from spec.checking.symbols import v, v0
from spec.objectives._log_normal import floor
from spec.objectives._mixtures import Place, place, square


def is_the_excess(excess: Callable[[Place], Expr]) -> bool:
    """Whether sum_j w_j k_j |c_j|^2 - p |H|^2 equals the candidate at every point.

    Left: H from the derivative of log p. Right: a sum over pairs of data points, in which the
    sign can be read off.
    """
    at = place()
    second = sum(j * square(c) for j, c in zip(at.joint, at.c, strict=True))
    return same(second - at.p * square(at.H), excess(at))


def _pairs(at: Place, factor: Expr) -> Expr:
    return sum(
        factor * at.joint[i] * at.joint[j] * square(at.c[i] - at.c[j])
        for i, j in combinations(range(len(at.joint)), 2)
    )


def both_ends_are_infinite(power: Expr) -> bool:
    """Whether the integral of x^-power diverges at 0 and at infinity.

    By the Cauchy-Schwarz inequality, x^power h p then cannot tend to anything but zero at either
    end of the half line when E h^2 is finite.
    """
    x, e, R = symbols("x e R", positive=True)
    near_zero = limit(integrate(x**-power, (x, e, 1)), e, 0, "+")
    far = limit(integrate(x**-power, (x, 1, R)), R, oo)
    return near_zero == oo and far == oo


def holds_from(case: tuple[Expr, Expr, Callable[[Expr], Expr]]) -> bool:
    """Whether kernel and constant are as the proof of Theorem 4.1 needs them, from a variance on.

    The case: the smallest variance v of the noise for the kernel and for the constant, and the
    weight lambda(v). In the limit to them from above, (a) the kernel's density must be positive
    and finite at its center and away from it, and (b) lambda C, with C from the loss of the exact
    score on log-normal data, must be finite.
    """
    smallest, smallest_of_constant, weight = case
    x, distance = symbols("x distance", positive=True)
    for gap in (Integer(0), distance):
        density = exp(-(gap**2) / (2 * v)) / (x * sqrt(2 * pi * v))
        value = limit(density, v, smallest, "+")
        if value == 0 or value == oo:
            return False
    constant = limit(weight(v) * floor(), v, smallest_of_constant, "+")
    return bool(constant.is_finite)


def _figures() -> tuple[Figure, ...]:
    constant = lambdify((v0, v), floor(), "mpmath")
    with mpmath.workdps(50):
        values = [
            (time, constant(mpf("0.05"), mpf("0.64") * mpf(time)))
            for time in ("1", "1e-3", "1e-6")
        ]
    return tuple(
        Figure(f"C per coordinate at t = {time} (v0 = 0.05, sigma = 0.8)", value)
        for time, value in values
    )


DATA_HALF = Claim(
    id="A-Assumption-1-data",
    title="the score of the data has a second moment",
    statement=r"For $t>0$ and data of any law: $\mathbb E\lVert X_t\circ\nabla\log p_{X_t}\rVert^2"
    r"\le d\,(1+1/v)$, $v=\sigma^2t$, and $p_{X_t}$ is differentiable. So the half of Assumption "
    "1 that is about the data holds by itself.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("A-Assumption-1", "E26"),
    assumptions=("t > 0",),
    depends=("R4", "A28"),
    derivation=r"By A28, $H=\sum_jr_jc_j$ with the posterior weights $r_j=w_jk_j/p$. Lagrange's "
    r"identity: $\sum_jw_jk_j\lVert c_j\rVert^2-p\lVert H\rVert^2=\sum_{i<j}"
    r"\frac{w_ik_iw_jk_j}p\lVert c_i-c_j\rVert^2\ge0$. Integrate over $x$: $\mathbb E\lVert "
    r"H\rVert^2\le\mathbb E\lVert c\rVert^2=d(1+1/v)$ by R4. For other data laws it is Jensen's "
    "inequality for the posterior.",
    proof=Proof(
        is_the_excess,
        holds=lambda at: _pairs(at, 1 / at.p),
        twins={
            "half": lambda at: _pairs(at, 1 / (2 * at.p)),
            "divided by p^2": lambda at: _pairs(at, 1 / at.p**2),
            "no excess": lambda at: _pairs(at, Integer(0)),
        },
    ),
)

BOUNDARY = Claim(
    id="boundary-term",
    title="the boundary term vanishes by itself",
    statement=r"On the half line, if $\mathbb E h^2<\infty$ and $x\,h(x)\,p(x)$ has limits at $0$ "
    r"and $\infty$, both are zero. The limits exist as soon as $\mathbb E H^2$ and $\mathbb "
    r"E\lvert x\,h'(x)\rvert$ are finite. A boundary term can only come from an end of the "
    r"support inside $(0,\infty)$ or from a model with $\mathbb E h^2=\infty$.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("A-Assumption-2", "E26", "R18"),
    assumptions=("p and h differentiable on the open half line",),
    derivation=r"Suppose $\lvert x^bhp\rvert\ge c>0$ near an end. Then $x^{-b}\le \frac1c\lvert "
    r"h\rvert\sqrt p\cdot\sqrt p$, and by Cauchy-Schwarz $\int x^{-b}dx\le\frac1c(\int "
    r"h^2p)^{1/2}(\int p)^{1/2}<\infty$. For $b=1$ that is false at both ends: $\int dx/x$ "
    r"diverges at $0$ and at $\infty$. (For $b=0$, ordinary score matching, it "
    "converges at $0$, and the boundary term $p(0)\\psi(0)$ is real.) The limits exist because "
    r"$(xhp)'=p\,(h+xh'+hH)$ is integrable. In $d$ dimensions argue on almost every line parallel "
    "to an axis. The routine decides that the integral diverges at both ends; the rest is argued "
    "here.",
    proof=Proof(
        both_ends_are_infinite,
        holds=Integer(1),
        twins={
            "ordinary score matching": Integer(0),
            "two powers": Integer(2),
            "half a power": Rational(1, 2),
        },
    ),
)

ASSUMPTION_1 = Claim(
    id="A-Assumption-1",
    title="regularity of the score functions",
    statement=r"$p_{X_t}$ is differentiable; $\mathbb E\lVert X_t\circ\nabla\log p_{X_t}\rVert^2$ "
    r"and $\mathbb E\lVert X_t\circ s_\theta\rVert^2$ are finite for all $\theta$ and $t$.",
    kind=Kind.UNRECOVERABLE,
    means=Means.NONE,
    sources=v2("Assumption 1"),
    sheet=("A-Assumption-1",),
    depends=("A-Assumption-1-data",),
    reason="The text says that the density is differentiable and that two expectations are "
    "finite; which, is lost. The form above is what the proof uses, and parallels Hyvärinen "
    "(2005). For t > 0 only the part about the model is an assumption (A-Assumption-1-data). At "
    "$t=0$ the part about the data is a restriction: it excludes point masses, hence pixels with "
    "finitely many values.",
)

ASSUMPTION_2 = Claim(
    id="A-Assumption-2",
    title="boundary conditions",
    statement=r"A product of $p_{X_t}$ and $s_\theta$ vanishes at the boundary of the orthant and "
    r"at infinity, for instance $x_i^2\,p_{X_t}(x)\,s_{\theta,i}(x,t)\to0$ as $x_i\to0^+$ and as "
    r"$x_i\to\infty$.",
    kind=Kind.UNRECOVERABLE,
    means=Means.NONE,
    sources=v2("Assumption 2"),
    sheet=("A-Assumption-2",),
    depends=("boundary-term",),
    reason="The text says that a quantity vanishes in a limit; the quantity and the limit are "
    "lost. Theorem 4.1 does not need it: its proof integrates nothing by parts (A29). The form "
    "above is what the implicit loss needs (R18), and there it follows from finite second "
    r"moments (boundary-term). If the lost limit is $\lVert x\rVert\to0$, it names the corner of "
    r"the orthant; the boundary is all of its faces $x_i=0$.",
)

_FIRST = Symbol("v_first", positive=True)

E26 = Claim(
    id="E26",
    title="Theorem 4.1 needs t > 0 and no boundary condition",
    statement=r"The densities of the proof are positive and finite, and the constant $C$ of the "
    r"theorem is finite, for $t>0$. At $t=0$ the kernel is a point mass, and for log-normal data "
    r"$C=\frac{v_0}{2v(v_0+v)}$ per coordinate grows without bound as $v=\sigma^2t\to0$.",
    kind=Kind.REFUTED,
    means=Means.CALCULUS,
    sources=(
        *v1("App. C: positivity of the densities"),
        *v2("App. B: positivity of the densities"),
    ),
    sheet=("E26",),
    assumptions=("the constant: log-normal data",),
    depends=("A-Thm", "A-Thm-log-normal", "A6", "boundary-term"),
    derivation=r"$p_{t\mid0}(x\mid x_0)=e^{-\ell^2/2v}/(x\sqrt{2\pi v})$ with $\ell=\log x-\log "
    r"x_0-m$. As $v\to0$ it tends to $0$ where $\ell\ne0$ and to $\infty$ where $\ell=0$. The "
    r"constant is the M-DSM loss of the exact score, a Gaussian moment; its limit at $v\to0$ is "
    r"infinite. A weight $\lambda=v$ makes $\lambda C$ finite, but gives no density.",
    proof=Proof(
        holds_from,
        holds=(_FIRST, _FIRST, lambda _: Integer(1)),
        twins={
            "kernel from t = 0, weight v": (Integer(0), Integer(0), lambda w: w),
            "constant from t = 0": (_FIRST, Integer(0), lambda _: Integer(1)),
            "constant from t = 0, weight sqrt(v)": (_FIRST, Integer(0), sqrt),
        },
        printed={"t in [0, 1]": (Integer(0), Integer(0), lambda _: Integer(1))},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed=r"$p_{X_t}(x_t)>0,\ p_{X_t\mid X_0}(x_t\mid x_0)>0,\ \forall x_t\in\mathbb R_+^d$ "
        r"for $t\in[0,1]$",
        trouble="At $t=0$ the conditional law is a point mass and has no density; the marginal "
        "has one only if the data have, which pixels with 256 values do not. The constant of the "
        "theorem tends to infinity as $t\\to0$. On the other hand Assumption 2 of version 2, a "
        "boundary condition, is used nowhere: the proof integrates nothing by parts.",
        correction=r"The theorem and its proof are right for every $t\in(0,1]$ and for data of "
        r"any law, if $\mathbb E\lVert X_t\circ s_\theta\rVert^2<\infty$; nothing else is needed.",
        figures=_figures,
        remains_open="Version 2 repeats the sentence with its formulas lost; whether it still "
        r"says $t\in[0,1]$ cannot be seen. The quantities of its Assumptions 1 and 2 are lost.",
    ),
)

CLAIMS = (DATA_HALF, BOUNDARY, ASSUMPTION_1, ASSUMPTION_2, E26)
