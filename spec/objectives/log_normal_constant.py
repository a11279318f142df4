"""The constant of Theorem 4.1 for log-normal data, in closed form.

Symbols: v0 (S0 in the plane) variance of log X_0; v = sigma^2 t variance of the noise.
"""

from collections.abc import Callable
from functools import cache

from sympy import Expr, Matrix, Symbol, expand, eye, symbols

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import L, v, v0
from spec.objectives._log_normal import denoising_loss, explicit_loss

_u, _n = symbols("u1 u2"), symbols("n1 n2")


def is_the_gap(constant: Expr) -> bool:
    """Whether M-DSM - M-ESM = constant for every quadratic model h = b + c L + e L^2.

    Both losses are Gaussian expectations of their definitions, over different laws.
    """
    b, c, e = symbols("b c e")
    model = b + c * L + e * L**2
    return same(denoising_loss(model) - explicit_loss(model), constant)


def is_the_gap_in_the_plane(constant: Callable[[Matrix], Expr]) -> bool:
    """Whether M-DSM - M-ESM = constant(S0) for h affine in y, with a full covariance S0 of y_0."""
    covariance, gap = _gap_in_the_plane()
    return same(gap, constant(covariance))


@cache
def _gap_in_the_plane() -> tuple[Matrix, Expr]:
    """S0, and M-DSM - M-ESM averaged from the definitions.

    y_0 = a + T u with u standard normal and T lower triangular, so that S0 = T T^T is any
    covariance matrix; y = y_0 + m + n, and h = b + B (y - a - m) is any affine model. The
    marginal score needs the inverse of S0 + v I, the conditional score does not. Everything is
    averaged over u and n.
    """
    p, q, r = symbols("p q r", positive=True)
    factor = Matrix([[p, 0], [q, r]])
    covariance = factor * factor.T
    marginal_covariance = covariance + v * eye(2)
    determinant, inverse = marginal_covariance.det(), Symbol("inverse_determinant")
    centered = factor * Matrix(_u) + Matrix(_n)
    conditional = -Matrix([1, 1]) - Matrix(_n) / v
    marginal = -Matrix([1, 1]) - marginal_covariance.adjugate() * inverse * centered
    model = Matrix(symbols("b1 b2")) + Matrix(2, 2, symbols("B11 B12 B21 B22")) * centered
    # |c - h|^2 - |H - h|^2 = (c - H).(c + H - 2 h)
    difference = (conditional - marginal).dot(conditional + marginal - 2 * model) / 2
    return covariance, _average(difference).subs(inverse, 1 / determinant)


def _average(polynomial: Expr) -> Expr:
    value = expand(polynomial)
    for u in _u:
        value = expectation(value, u, 0, 1)
    for n in _n:
        value = expectation(value, n, 0, v)
    return value


def _trace(covariance: Matrix) -> Expr:
    return (covariance * (v * (covariance + v * eye(2))).inv()).trace() / 2


def _of_diagonal(covariance: Matrix) -> Expr:
    return sum(s / (v * (s + v)) for s in covariance.diagonal()) / 2


CONSTANT = Claim(
    id="A-Thm-log-normal",
    title="the constant, log-normal data",
    statement=r"For $\log X_0\sim\mathcal N(a,v_0)$, one coordinate: $\mathcal "
    r"L_{\text{M-DSM}}-\mathcal L_{\text{M-ESM}}=\dfrac{v_0}{2v(v_0+v)}$, $v=\sigma^2t$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("A-Thm", "E26"),
    assumptions=("t > 0", r"models that are quadratic in $\log x$"),
    depends=("A-Thm", "A16", "R2"),
    derivation=r"With noise $n\sim\mathcal N(0,v)$: $c=-1-n/v$, and $H=-1-(\log x-a-m)/(v_0+v)$. "
    "Both losses of $h=b+cL+eL^2$ are Gaussian moments. By A-Thm the gap is half the posterior "
    "variance of $c$: $n$ given $X_t$ has variance $vv_0/(v+v_0)$, divided by $2v^2$.",
    proof=Proof(
        is_the_gap,
        holds=v0 / (2 * v * (v0 + v)),
        twins={
            "without the half": v0 / (v * (v0 + v)),
            "variance of the target": 1 / (2 * v),
            "Fisher information of the marginal": 1 / (2 * (v0 + v)),
            "v0 + 2 v": v0 / (2 * v * (v0 + 2 * v)),
        },
    ),
)

CONSTANT_IN_THE_PLANE = Claim(
    id="A-Thm-log-normal-matrix",
    title="the constant, correlated log-normal data",
    statement=r"For $\log X_0\sim\mathcal N(a,S_0)$: $C=\tfrac12\mathrm{tr}\big[S_0"
    r"(v(S_0+vI))^{-1}\big]=\tfrac12\big(\tfrac dv-\mathrm{tr}(S_0+vI)^{-1}\big)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("A-Thm",),
    assumptions=("t > 0", r"models that are affine in $\log x$; decided in the plane"),
    depends=("A-Thm", "A16", "R2"),
    derivation=r"As in one coordinate: $c=-\mathbf 1-n/v$ and $H=-\mathbf 1-(S_0+vI)^{-1}(\log "
    r"x-a-m)$, with $\log x-a-m=Tu+n$ and $S_0=TT^\top$. Averaging $\tfrac12(c-H)^\top(c+H-2h)$ "
    "over $u$ and $n$ leaves half the trace of $v^{-1}I-(S_0+vI)^{-1}$. The off-diagonal entries "
    "of $S_0$ matter.",
    proof=Proof(
        is_the_gap_in_the_plane,
        holds=_trace,
        twins={
            "coordinates treated as independent": _of_diagonal,
            "without the half": lambda s: 2 * _trace(s),
            "determinant for trace": lambda s: (s * (v * (s + v * eye(2))).inv()).det() / 2,
        },
    ),
)

CLAIMS = (CONSTANT, CONSTANT_IN_THE_PLANE)
