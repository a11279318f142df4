"""Which functionals of two densities do not depend on the coordinates: sheet C6.

For y = log x on the positive orthant, q(y) = p(e^y) |det D exp(y)| = p(x) prod x_i.

Symbols: p, r densities of X at a point x; q, u those of Y = log X at y; lp, lr their logarithms.
"""

from sympy import Expr, Matrix, Rational, diff, exp, expand_log, log, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Proof


def is_invariant(weights: tuple[Expr, Expr]) -> bool:
    """Whether int p (w1 log p + w2 log r) dx is the same integral in x and in y = log x.

    p and r are arbitrary: their values at a point of the plane are symbols. The densities in y
    are built from the Jacobian determinant of exp; both integrands are compared per volume dy.
    """
    y1, y2, lp, lr, p = symbols("y1 y2 lp lr p")
    map_to_x = Matrix([exp(y1), exp(y2)])
    jacobian = Matrix(2, 2, lambda i, j: diff(map_to_x[i], (y1, y2)[j]))
    log_volume = expand_log(log(jacobian.det()), force=True)  # dx = e^{log_volume} dy
    volume = symbols("volume")
    in_x = p * (weights[0] * lp + weights[1] * lr) * volume
    q = p * volume
    in_y = q * (weights[0] * (lp + log_volume) + weights[1] * (lr + log_volume))
    return vanishes(in_x - in_y)


C6 = Claim(
    id="C6",
    title="the divergence does not see the coordinates",
    statement=r"$\mathrm{KL}(p_X\Vert r_X)=\mathrm{KL}(q_Y\Vert u_Y)$ for $Y=\log X$, for any two "
    r"densities on $\mathbb R_+^d$. The functional $\int p\,(w_1\log p+w_2\log r)\,dx$ has this "
    r"property only for $w_1+w_2=0$: entropy and cross-entropy each change by $\mathbb "
    r"E\sum_i\log X_i$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("C6",),
    assumptions=("both laws have densities on the positive orthant", "the divergence is defined"),
    depends=("Robbins",),
    derivation=r"With $x=e^y$, $dx=\lvert\det D\exp(y)\rvert\,dy=e^{\sum_i y_i}dy$ and "
    r"$q(y)=p(e^y)e^{\sum y_i}$, likewise $u$. Hence $p\,dx=q\,dy$, and in $\log q-\log u$ the "
    r"two terms $\sum y_i$ cancel: $\log(q/u)=\log(p/r)$. With weights $w_1,w_2$ what is left is "
    r"$(w_1+w_2)\,q\sum_i y_i$ per volume. Decided for arbitrary values of the two densities at a "
    r"point of the plane. The argument is the same for every diffeomorphism, with $\log\lvert\det "
    r"J\rvert$ for $\sum y_i$.",
    proof=Proof(
        is_invariant,
        holds=(Rational(1), Rational(-1)),
        twins={
            "differential entropy": (Rational(-1), Rational(0)),
            "cross-entropy": (Rational(0), Rational(-1)),
            "sum instead of difference": (Rational(1), Rational(1)),
        },
    ),
)

CLAIMS = (C6,)
