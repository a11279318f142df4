"""The cross term of the losses: equations 26 to 29 of the paper's proof.

    E_{X_t} (X_t * grad log p_t) . h  =  E_{X_0, X_t} (X_t * grad log p_{t|0}) . h

Symbols: h = x * s_theta the model, H = x * grad log p, c_j = x * grad log p_{t|0}(x | x_j).
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Matrix, Rational, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Kind, Means, Proof, v1, v2
from spec.objectives._mixtures import WEIGHTS, Place, place, square

LOST = "formula lost in the text of version 2; reconstructed: identical to version 1"


def is_the_expansion(coefficients: tuple[Expr, Expr, Expr]) -> bool:
    """Whether |u - w|^2 / 2 = a |u|^2 + b |w|^2 + c u.w for all u and w of the plane."""
    u, w = Matrix(symbols("u1 u2")), Matrix(symbols("w1 w2"))
    of_u, of_w, of_both = coefficients
    expanded = of_u * square(u) + of_w * square(w) + of_both * u.dot(w)
    return same(sum((a - b) ** 2 for a, b in zip(u, w, strict=True)) / 2, expanded)


def is_the_cross_integrand(integrand: Callable[[Place], Expr]) -> bool:
    """Whether p (x * grad log p) . h equals the integrand, for every p, x and h.

    Left: the derivative of log p. Right: the candidate, made of the derivative of p.
    """
    at = place()
    return same(at.p * at.H.dot(at.h), integrand(at))


def is_the_gradient(gradient: Callable[[Place], Matrix]) -> bool:
    """Whether the gradient of p = sum_j w_j k_j is the candidate's, for any kernels k_j."""
    at = place()
    return vanishes(at.grad_p - gradient(at))


def dominates(bound: Callable[[mpf], mpf]) -> bool:
    """Whether x^2 sqrt(2 pi v) |d/dx p_{t|0}(x | x_0)| <= bound(sqrt(v)) for every x and x_0.

    With z = (log x - log x_0 - m) / sqrt(v) the left is |1 + z / sqrt(v)| exp(-z^2 / 2), and its
    extremes are at the roots of z^2 + sqrt(v) z - 1: both are tried, for sqrt(v) from 1/1000 to
    1000, and the claim is that the larger stays below the bound.
    """
    with mpmath.workdps(50):
        for exponent in range(-6, 7):
            r = mpmath.sqrt(mpf(10)) ** exponent
            for sign in (-1, 1):
                z = (-r + sign * mpmath.sqrt(r**2 + 4)) / 2
                if abs(1 + z / r) * mpmath.exp(-(z**2) / 2) > bound(r):
                    return False
    return True


def _weighted_slopes(at: Place) -> Matrix:
    return sum((w * g for w, g in zip(WEIGHTS, at.grad_k, strict=True)), Matrix([0, 0]))


def _posterior_slopes(at: Place) -> Matrix:
    return sum((j / at.p * g for j, g in zip(at.joint, at.grad_k, strict=True)), Matrix([0, 0]))


def _with_density(at: Place) -> Expr:
    return at.p * at.x.multiply_elementwise(at.grad_p).dot(at.h)


def _conditional(at: Place, weights: tuple[Expr, ...]) -> Expr:
    return sum(w * c.dot(at.h) for w, c in zip(weights, at.c, strict=True))


A26 = Claim(
    id="A26",
    title="expansion of the explicit loss",
    statement=r"$\mathcal L_{\text{M-ESM}} = \mathbb E\tfrac12\lVert H\rVert^2 + \mathbb "
    r"E\tfrac12\lVert h\rVert^2 - \mathbb E\,H^\top h$ with $H = X_t\circ\nabla\log "
    r"p_{X_t}(X_t)$, $h = X_t\circ s_\theta(X_t,t)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 26"), *v2("eq. 26")),
    sheet=("A26",),
    assumptions=(LOST, r"$\mathbb E\lVert H\rVert^2$ and $\mathbb E\lVert h\rVert^2$ finite"),
    depends=("A24",),
    derivation="Expand the square under the expectation. The two squares are integrable by "
    "assumption, the product then by the Cauchy-Schwarz inequality, so that the expectation of "
    "the sum is the sum of the expectations.",
    proof=Proof(
        is_the_expansion,
        holds=(Rational(1, 2), Rational(1, 2), Rational(-1)),
        twins={
            "half of the cross term": (Rational(1, 2), Rational(1, 2), Rational(-1, 2)),
            "cross term with plus": (Rational(1, 2), Rational(1, 2), Rational(1)),
            "no half on the model": (Rational(1, 2), Rational(1), Rational(-1)),
        },
    ),
)

A27 = Claim(
    id="A27",
    title="cross term as an integral",
    statement=r"$\mathbb E\,H^\top h = \int (x\circ\nabla p_{X_t}(x))^\top (x\circ "
    r"s_\theta(x,t))\,dx$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 27"), *v2("eq. 27")),
    sheet=("A27",),
    assumptions=(LOST, "$p_{X_t}$ positive and differentiable on the open orthant"),
    depends=("A26",),
    derivation=r"$p\,\nabla\log p = \nabla p$ wherever $p>0$, so the weight $p$ of the "
    "expectation and the $1/p$ of the score cancel. The integrands agree at every point.",
    proof=Proof(
        is_the_cross_integrand,
        holds=lambda at: at.x.multiply_elementwise(at.grad_p).dot(at.h),
        twins={
            "one factor x too few": lambda at: at.grad_p.dot(at.h),
            "density kept": _with_density,
        },
    ),
)

A28 = Claim(
    id="A28",
    title="gradient of the marginal density",
    statement=r"$\nabla p_{X_t}(x) = \int \nabla_x p_{X_t\mid X_0}(x\mid x_0)\,"
    r"p_{X_0}(x_0)\,dx_0$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 28"), *v2("eq. 28")),
    sheet=("A28",),
    assumptions=(LOST, "t > 0; data of any law"),
    depends=("A28-domination",),
    derivation=r"For data at finitely many points $p_{X_t}=\sum_j w_j k_j$ and the derivative of "
    "a finite sum is the sum of the derivatives: decided for arbitrary kernels and weights. For "
    "any other data law the derivative goes under the integral by dominated convergence, and "
    "A28-domination gives the bound, uniform in $x_0$ and locally uniform in $x$.",
    proof=Proof(
        is_the_gradient,
        holds=_weighted_slopes,
        twins={
            "posterior in place of prior weights": _posterior_slopes,
            "one point left out": lambda at: _weighted_slopes(at) - WEIGHTS[0] * at.grad_k[0],
        },
    ),
)

A28_DOMINATION = Claim(
    id="A28-domination",
    title="the derivative may go under the integral",
    statement=r"For $t>0$, every $x$ and every $x_0$ (one coordinate, $v=\sigma^2t$): "
    r"$x^2\sqrt{2\pi v}\,\lvert\partial_x p_{X_t\mid X_0}(x\mid x_0)\rvert \le 1 + e^{-1/2}/\sqrt "
    "v$.",
    kind=Kind.PROVED,
    means=Means.NUMBERS,
    sheet=("A28",),
    assumptions=("t > 0",),
    depends=("A6",),
    derivation=r"$p_{t\mid0} = e^{-z^2/2}/(x\sqrt{2\pi v})$ with $z=(\log x-\log x_0-m)/\sqrt v$, "
    r"so $x^2\sqrt{2\pi v}\,\partial_xp_{t\mid0} = -(1+z/\sqrt v)\,e^{-z^2/2}$. Now "
    r"$e^{-z^2/2}\le1$, and $\lvert z\rvert e^{-z^2/2}\le e^{-1/2}$ because $e^u\ge1+u$ at "
    "$u=z^2-1$. The bound holds no $x_0$, so no condition on the data is needed. In $d$ "
    "dimensions the other coordinates give factors below $1/(x_j\\sqrt{2\\pi v})$. The routine "
    "compares the bound with the extremes of the left side at 13 values of $v$.",
    proof=Proof(
        dominates,
        holds=lambda r: 1 + mpmath.exp(mpf(-1) / 2) / r,
        twins={
            "no Jacobian of the logarithm": lambda r: mpmath.exp(mpf(-1) / 2) / r,
            "e^{-1} for e^{-1/2}": lambda r: 1 + mpmath.exp(-1) / r,
            "bounded for all times": lambda _: mpf(2),
        },
    ),
)

A29 = Claim(
    id="A29",
    title="cross term with the conditional score",
    statement=r"$\mathbb E_{X_t}\,H^\top h = \mathbb E_{X_0,X_t}\,(X_t\circ\nabla\log p_{X_t\mid "
    r"X_0}(X_t\mid X_0))^\top h$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 29"), *v2("eq. 29")),
    sheet=("A29",),
    assumptions=(LOST, "t > 0", r"$\mathbb E\lVert h\rVert^2$ finite"),
    depends=("A27", "A28", "A-Assumption-1-data"),
    derivation="Put A28 into A27 and multiply and divide by $p_{t\\mid0}$. At each $x$: "
    r"$p\,H^\top h = \sum_j w_j k_j\,c_j^\top h$. The order of the integrals may be exchanged "
    r"(Fubini) since $\mathbb E\lvert c^\top h\rvert\le(\mathbb E\lVert c\rVert^2\,\mathbb "
    r"E\lVert h\rVert^2)^{1/2}$ and $\mathbb E\lVert c\rVert^2=d(1+1/v)$. Nothing is integrated "
    "by parts, so no boundary term appears.",
    proof=Proof(
        is_the_cross_integrand,
        holds=lambda at: _conditional(at, at.joint),
        twins={
            "prior weights without the kernel": lambda at: _conditional(at, WEIGHTS),
            "posterior weights": lambda at: _conditional(at, tuple(j / at.p for j in at.joint)),
            "half": lambda at: _conditional(at, at.joint) / 2,
        },
    ),
)

CLAIMS = (A26, A27, A28_DOMINATION, A28, A29)
