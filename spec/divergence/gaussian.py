"""The divergence of two Gaussian laws of log X.

Symbols: P, Q covariances of p and q; a, b their means; d = a - b.
"""

from collections.abc import Callable

from sympy import Expr, Matrix, log, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.divergence._pinned import LINE, PLANE, P, Q, in_the_plane
from spec.divergence._plane import gaussian_average, law, log_density

# p's and q's covariance, the shift of the means, log det P - log det Q: to the divergence.
Formula = Callable[[Matrix, Matrix, Matrix, Expr], Expr]


def is_the_divergence(formula: Formula) -> bool:
    """Whether E_p[log p - log q] = formula, for full covariances in the plane.

    Left: the log ratio is a quadratic polynomial; its average is taken exactly with
    Y = mean + R Z, R lower triangular and P = R R^T. The log determinants stay symbols.
    """
    (mean_p, _, logdet_p), q = law("p"), law("q")
    r11, r21, r22 = symbols("r11 r21 r22", positive=True)
    factor = Matrix([[r11, 0], [r21, r22]])
    cov_p = factor * factor.T
    point = Matrix(symbols("y1 y2"))
    ratio = log_density(point, (mean_p, cov_p, logdet_p)) - log_density(point, q)
    left = gaussian_average(ratio, point, mean_p, factor)
    return same(left, formula(cov_p, q[1], mean_p - q[0], logdet_p - q[2]))


def kl(cov_p: Matrix, cov_q: Matrix, shift: Matrix, log_ratio: Expr) -> Expr:
    """[tr Q^-1 P - dim + shift^T Q^-1 shift - log(det P / det Q)] / 2."""
    inverse = cov_q.inv()
    quadratic = (inverse * cov_p).trace() + (shift.T * inverse * shift)[0]
    return (quadratic - cov_p.shape[0] - log_ratio) / 2


_OTHER = {"b1": -0.2, "b2": 0.35, "Q11": 0.55, "Q12": -0.31, "Q22": 0.81}
_TIGHT = {"b1": 0.3, "b2": -0.875, "Q11": 0.03125, "Q12": 0.01, "Q22": 1.7}

GAUSSIAN_KL = Claim(
    id="gaussian-kl",
    title="divergence of two log-normal laws",
    statement=r"$\mathrm{KL}(\mathcal N(a,P)\Vert\mathcal N(b,Q))=\tfrac12[\mathrm{tr}\,"
    r"Q^{-1}P-d+(a-b)^\top Q^{-1}(a-b)-\ln(\det P/\det Q)]$; it is also the divergence of the "
    "log-normal laws.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("C6",),
    assumptions=("P and Q are positive definite",),
    depends=("C6",),
    derivation=r"$\log\frac{p}{q}(y)=-\tfrac12(y-a)^\top P^{-1}(y-a)+\tfrac12(y-b)^\top Q^{-1}"
    r"(y-b)-\tfrac12\ln\frac{\det P}{\det Q}$ is a quadratic polynomial. Put $y=a+RZ$ with "
    r"$P=RR^\top$ and average over $Z$ exactly: the first term gives $-d/2$, the second "
    r"$\tfrac12\mathrm{tr}\,Q^{-1}P+\tfrac12(a-b)^\top Q^{-1}(a-b)$. Decided for full covariances "
    "in the plane, the log determinants kept as symbols.",
    proof=Proof(
        is_the_divergence,
        holds=kl,
        twins={
            "P and Q exchanged in the trace": lambda P, Q, d, r: (
                kl(P, Q, d, r) + ((P.inv() * Q).trace() - (Q.inv() * P).trace()) / 2
            ),
            "shift measured with P": lambda P, Q, d, r: (
                kl(P, Q, d, r) + ((d.T * (P.inv() - Q.inv()) * d)[0]) / 2
            ),
            "sign of the log determinants": lambda P, Q, d, r: kl(P, Q, d, -r),
            "dimension not subtracted": lambda P, Q, d, r: kl(P, Q, d, r) + 1,
        },
    ),
    pins=(
        Pin(
            "gbm_ref.kl_divergence",
            variant="one dimension",
            formula=LINE,
            twins={
                "P and Q exchanged": LINE.subs({P: Q, Q: P}, simultaneous=True),
                "standard deviations instead of variances": LINE + log(P / Q) / 4,
            },
            points=(
                {"a": 0.3, "P": 0.7, "b": -0.4, "Q": 1.9},
                {"a": -1.25, "P": 3.5, "b": -1.0, "Q": 0.0625},
                {"a": 0.5, "P": 1.0e-6, "b": 0.5, "Q": 0.64},
            ),
        ),
        Pin(
            "gbm_ref.kl_divergence",
            variant="plane",
            formula=in_the_plane,
            twins={
                "P and Q exchanged": lambda values: in_the_plane(values, swapped=True),
                "sign of the log determinants": lambda values: in_the_plane(values, logs=-1),
            },
            points=({**PLANE, **_OTHER}, {**PLANE, **_TIGHT}),
        ),
    ),
)

CLAIMS = (GAUSSIAN_KL,)
