"""Theorem 4.1: the denoising loss is the explicit loss plus a constant (equations 30 to 32).

Symbols: h = x * s_theta the model, H = x * grad log p, c_j = x * grad log p_{t|0}(x | x_j);
C_1 = E |H|^2 / 2 and C_2 = E |c|^2 / 2.
"""

from collections.abc import Callable

from sympy import Expr

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Kind, Means, Proof, v1, v2
from spec.objectives._mixtures import WEIGHTS, Place, place, posterior_mean, square
from spec.objectives.cross_term import LOST

Integrand = Callable[[Place], Expr]


def _explicit(at: Place) -> Expr:
    """The integrand of M-ESM as it is defined."""
    return at.p * square(at.H - at.h) / 2


def _denoising(at: Place) -> Expr:
    """The integrand of M-DSM as it is defined, summed over the data."""
    return sum(j * square(c - at.h) for j, c in zip(at.joint, at.c, strict=True)) / 2


def is_the_explicit_loss(integrand: Integrand) -> bool:
    """Whether the candidate equals p |H - h|^2 / 2 at every point."""
    at = place()
    return same(_explicit(at), integrand(at))


def is_the_denoising_loss(integrand: Integrand) -> bool:
    """Whether the candidate equals sum_j w_j k_j |c_j - h|^2 / 2 at every point."""
    at = place()
    return same(_denoising(at), integrand(at))


def is_the_difference(constant: Integrand) -> bool:
    """Whether M-DSM - M-ESM has the candidate as its integrand, and that is free of the model."""
    at = place()
    value = constant(at)
    if not vanishes(tuple(value.diff(e) for e in at.h)):
        return False
    return same(_denoising(at) - _explicit(at), value)


def _c1(at: Place) -> Expr:
    return at.p * square(at.H) / 2


def _c2(at: Place) -> Expr:
    return sum(j * square(c) for j, c in zip(at.joint, at.c, strict=True)) / 2


def _cross(at: Place) -> Expr:
    return sum(j * c.dot(at.h) for j, c in zip(at.joint, at.c, strict=True))


def _model(at: Place) -> Expr:
    return at.p * square(at.h) / 2


def _covariance(at: Place) -> Expr:
    center = posterior_mean(at)
    return sum(j * square(c - center) for j, c in zip(at.joint, at.c, strict=True)) / 2


def _prior_covariance(at: Place) -> Expr:
    center = sum((w * c for w, c in zip(WEIGHTS, at.c, strict=True)), at.c[0] * 0)
    return sum(j * square(c - center) for j, c in zip(at.joint, at.c, strict=True)) / 2


A30 = Claim(
    id="A30",
    title="explicit loss through the conditional score",
    statement=r"$\mathcal L_{\text{M-ESM}} = \mathbb E\tfrac12\lVert h\rVert^2 - \mathbb "
    r"E_{X_0,X_t}\,c^\top h + C_1$, $C_1=\mathbb E\tfrac12\lVert H\rVert^2$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 30"), *v2("eq. 30")),
    sheet=("A30",),
    assumptions=(LOST, "t > 0", r"$\mathbb E\lVert h\rVert^2$ finite"),
    depends=("A26", "A29"),
    derivation="A29 for the cross term of A26. Decided as one identity at every point: "
    r"$\tfrac12p\lVert H-h\rVert^2=\tfrac12p\lVert h\rVert^2-\sum_jw_jk_jc_j^\top h"
    r"+\tfrac12p\lVert H\rVert^2$, with $H$ from the derivative of $\log\sum_jw_jk_j$.",
    proof=Proof(
        is_the_explicit_loss,
        holds=lambda at: _model(at) - _cross(at) + _c1(at),
        twins={
            "C_2 for C_1": lambda at: _model(at) - _cross(at) + _c2(at),
            "cross term with plus": lambda at: _model(at) + _cross(at) + _c1(at),
            "half of the cross term": lambda at: _model(at) - _cross(at) / 2 + _c1(at),
        },
    ),
)

A31 = Claim(
    id="A31",
    title="expansion of the denoising loss",
    statement=r"$\mathcal L_{\text{M-DSM}} = \mathbb E_{X_t}\tfrac12\lVert h\rVert^2 - \mathbb "
    r"E_{X_0,X_t}\,c^\top h + C_2$, $C_2=\mathbb E\tfrac12\lVert c\rVert^2$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 31"), *v2("eq. 31")),
    sheet=("A31",),
    assumptions=(LOST, "t > 0", r"$\mathbb E\lVert h\rVert^2$ finite"),
    depends=("A25", "R4"),
    derivation=r"Expand $\tfrac12\lVert c_j-h\rVert^2$ and sum with the weights $w_jk_j$. The "
    r"model does not depend on $j$, so its square meets $\sum_jw_jk_j=p$: an expectation over "
    r"$X_t$ alone. $C_2=\tfrac d2(1+1/v)$ is finite for $t>0$ (R4).",
    proof=Proof(
        is_the_denoising_loss,
        holds=lambda at: _model(at) - _cross(at) + _c2(at),
        twins={
            "C_1 for C_2": lambda at: _model(at) - _cross(at) + _c1(at),
            "cross term with plus": lambda at: _model(at) + _cross(at) + _c2(at),
            "no half on the model": lambda at: 2 * _model(at) - _cross(at) + _c2(at),
        },
    ),
)

A32 = Claim(
    id="A32",
    title="difference of the losses",
    statement=r"$\mathcal L_{\text{M-DSM}}(\theta) = \mathcal L_{\text{M-ESM}}(\theta) + C_2 - "
    "C_1$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 32"), *v2("eq. 32")),
    sheet=("A32",),
    assumptions=(LOST, "t > 0", r"$\mathbb E\lVert h\rVert^2$ finite"),
    depends=("A30", "A31"),
    derivation="Subtract A30 from A31: the terms that hold the model are the same. Decided at "
    "every point from the definitions of both losses, for arbitrary kernels and model.",
    proof=Proof(
        is_the_difference,
        holds=lambda at: _c2(at) - _c1(at),
        twins={
            "opposite sign": lambda at: _c1(at) - _c2(at),
            "C_2 alone": _c2,
            "C_2 + C_1": lambda at: _c2(at) + _c1(at),
        },
    ),
)

A_THM = Claim(
    id="A-Thm",
    title="the losses are equivalent",
    statement=r"For every $t>0$: $\mathcal L_{\text{M-DSM}}(\theta)=\mathcal "
    r"L_{\text{M-ESM}}(\theta)+C$ with $C=\tfrac12\,\mathbb E\,\mathrm{tr}\,"
    r"\mathrm{Cov}(X_t\circ\nabla\log p_{X_t\mid X_0}\mid X_t)\ge0$, independent of $\theta$. "
    r"Both losses have the same gradient in $\theta$ and the minimizer $h=H$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(
        *v1("Theorem 5.1", "Theorem C.1"),
        *v2("Theorem 4.1", "Theorem B.1"),
    ),
    sheet=("A-Thm",),
    assumptions=(
        "t > 0; data of any law on the open orthant",
        r"$\mathbb E\lVert h\rVert^2$ finite; the condition on $H$ then holds by itself",
        "no boundary condition",
        "formula lost in the text of version 2; reconstructed: as in version 1",
    ),
    depends=("A32", "A-Assumption-1-data"),
    derivation=r"Given $X_t=x$, the conditional score $c$ is a random vector whose mean under the "
    r"posterior $r_j=w_jk_j/p$ is $\sum_jr_jc_j=x\circ\nabla p/p=H$. For any random vector and "
    r"any fixed $h$: $\mathbb E\lVert c-h\rVert^2=\lVert\mathbb Ec-h\rVert^2+"
    r"\mathrm{tr}\,\mathrm{Cov}\,c$. Average over $X_t$ and halve. The covariance does not hold "
    r"$h$, so it is the constant $C_2-C_1$ of A32, and it is not negative. Decided at every point "
    "of the plane for data at three points and arbitrary kernels; for other laws the posterior "
    "average is an integral in place of the sum.",
    proof=Proof(
        is_the_difference,
        holds=_covariance,
        twins={
            "without the half": lambda at: 2 * _covariance(at),
            "second moment in place of variance": _c2,
            "centered at the prior mean": _prior_covariance,
            "centered at the model": _denoising,
        },
    ),
)

CLAIMS = (A30, A31, A32, A_THM)
