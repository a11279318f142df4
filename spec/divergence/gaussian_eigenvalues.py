"""How gbm_ref evaluates the divergence: from eigenvalues, and for nearly equal laws.

Symbols: P, Q covariances of p and q; A whitens Q; w eigenvalues of A^T P A; r = w - 1.
"""

from collections.abc import Callable

from sympy import Expr, Matrix, diff, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.divergence._pinned import LINE, PLANE, P, Q, in_the_plane
from spec.divergence._plane import law

_SAME = {"b1": 0.3, "b2": -0.9, "Q11": 0.7000001, "Q12": 0.4, "Q22": 1.2999999}


def is_spectral(parts: Callable[[Matrix, Matrix], tuple[Matrix, Matrix]]) -> bool:
    """Whether the trace and determinant in `kl` come from the eigenvalues of a matrix.

    `parts(A, S)` returns (W, w - 1) for a whitening matrix A, A^T Q A = I, and P = S: the matrix
    whose eigenvalues are called w, and the one with eigenvalues w - 1. Sum and product of the w
    are trace and determinant; they must be those of Q^-1 P. A is an arbitrary invertible matrix.
    """
    A = Matrix(2, 2, symbols("A11 A12 A21 A22"))
    Q = A.inv().T * A.inv()
    _, P, _ = law("p")
    shift = Matrix(symbols("d1 d2"))
    W, gaps = parts(A, P)
    whitened = A.T * shift
    return vanishes(
        (
            W.trace() - (Q.inv() * P).trace(),
            W.det() - P.det() / Q.det(),
            (whitened.T * whitened)[0] - (shift.T * Q.inv() * shift)[0],
            *(gaps - (W - Matrix.eye(2))),
        )
    )


def _whitened(A: Matrix, P: Matrix) -> tuple[Matrix, Matrix]:
    Q = A.inv().T * A.inv()
    return A.T * P * A, A.T * (P - Q) * A


def is_r_minus_log1p(form: Callable[[Expr, Expr], Expr]) -> bool:
    """Whether r - log(1 + r) = form(r, artanh s), s = r / (2 + r), for r > -1.

    Both sides are zero at r = 0; their derivatives are compared as rational functions, with
    d artanh(s)/ds = 1 / (1 - s^2). artanh s stands as a function of r that is replaced.
    """
    r, T = symbols("r T")
    s = r / (2 + r)
    value = form(r, T)
    rate = diff(value, r) + diff(value, T) * diff(s, r) / (1 - s**2)
    at_zero = value.subs({r: 0, T: 0})
    return vanishes(rate - (1 - 1 / (1 + r))) and vanishes(at_zero)


SPECTRAL = Claim(
    id="gaussian-kl-eigenvalues",
    title="the divergence from eigenvalues",
    statement=r"With any $A$ such that $A^\top QA=I$ and $w_i$ the eigenvalues of $A^\top PA$: "
    r"$\mathrm{KL}=\tfrac12[\sum_i(w_i-1-\ln w_i)+\lVert A^\top(a-b)\rVert^2]$, and the $w_i-1$ "
    r"are the eigenvalues of $A^\top(P-Q)A$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("C6",),
    assumptions=("P and Q are positive definite",),
    depends=("gaussian-kl",),
    derivation=r"$A^\top QA=I$ means $Q^{-1}=AA^\top$. Then $\sum w_i=\mathrm{tr}\,A^\top PA="
    r"\mathrm{tr}\,Q^{-1}P$, $\prod w_i=(\det A)^2\det P=\det P/\det Q$, $\lVert "
    r"A^\top(a-b)\rVert^2=(a-b)^\top Q^{-1}(a-b)$, and $A^\top(P-Q)A=A^\top PA-I$. The last form "
    r"keeps the digits of $w_i-1$ when $P\approx Q$. Decided for an arbitrary invertible $A$ of "
    r"the plane.",
    proof=Proof(
        is_spectral,
        holds=_whitened,
        twins={
            "whitened from the wrong side": lambda A, P: (
                A * P * A.T,
                A * P * A.T - Matrix.eye(2),
            ),
            "difference of the wrong sign": lambda A, P: (
                _whitened(A, P)[0],
                -_whitened(A, P)[1],
            ),
            "whitened once": lambda A, P: (P * A, P * A - Matrix.eye(2)),
        },
    ),
)

NEARLY_EQUAL = Claim(
    id="gaussian-kl-nearly-equal",
    title="the divergence of nearly equal laws",
    statement=r"$r-\ln(1+r)=rs-2(\operatorname{artanh}s-s)$ with $s=\frac{r}{2+r}$, $r>-1$; here "
    r"$2(\operatorname{artanh}s-s)=2(\tfrac{s^3}3+\tfrac{s^5}5+\dots)$ has no cancellation.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("C6",),
    assumptions=("r > -1",),
    depends=("gaussian-kl-eigenvalues",),
    derivation=r"$\ln(1+r)=2\operatorname{artanh}s$: both vanish at $r=0$, and "
    r"$2\frac{ds/dr}{1-s^2}=\frac1{1+r}$. And $r-2s=rs$ exactly, so the two terms of order $r$ "
    "are removed before anything is subtracted. Decided by the derivative in r and the value at "
    "0.",
    proof=Proof(
        is_r_minus_log1p,
        holds=lambda r, T: r * r / (2 + r) - 2 * (T - r / (2 + r)),
        twins={
            "one artanh only": lambda r, T: r * r / (2 + r) - (T - r / (2 + r)),
            "without the product r s": lambda r, T: -2 * (T - r / (2 + r)),
            "s = r / (1 + r) in the product": lambda r, T: r * r / (1 + r) - 2 * (T - r / (2 + r)),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.kl_divergence",
            variant="nearly equal, one dimension",
            formula=LINE,
            twins={"leading term r^2 / 2 instead of r^2 / 4": (P / Q - 1) ** 2 / 2},
            points=(
                {"a": 0.25, "P": 0.640001, "b": 0.25, "Q": 0.64},
                {"a": 0.25, "P": 1.0, "b": 0.25, "Q": 1.0000000000000888},
                {"a": 0.25, "P": 0.7, "b": 0.25, "Q": 0.64},
            ),
        ),
        Pin(
            "gbm_ref.kl_divergence",
            variant="nearly equal, plane",
            formula=in_the_plane,
            twins={"the reverse divergence, doubled": lambda v: 2 * in_the_plane(v, True)},
            points=({**PLANE, **_SAME}, {**PLANE, **_SAME, "Q12": 0.4000001}),
        ),
    ),
)

CLAIMS = (SPECTRAL, NEARLY_EQUAL)
