"""The law of log X_0 given X_t, for every data law, through its moments at a point.

With the kernel N(y; y0 + m, v) the marginal is q(y) = integral of kernel over the data law. Its
derivatives at y are q times posterior expectations of polynomials in y0, and these are linear in
the posterior moments E[y0_1^i y0_2^j | y]. The moments are symbols: no data law is excluded.

Symbols: y1, y2 point; a1, a2 log-drifts m_i; y01, y02 data; P_ij posterior moments."""

from functools import cache

from sympy import Expr, Integer, Matrix, Poly, Symbol, diff, expand, nan, symbols, zoo

from spec.checking.claim import Assumption
from spec.checking.symbols import v
from spec.checking.trace import use

Y = symbols("y1 y2", real=True)
DRIFT = symbols("a1 a2", real=True)
DATA = symbols("y01 y02", real=True)
EXPONENT = -sum((Y[i] - DATA[i] - DRIFT[i]) ** 2 for i in range(2)) / (2 * v)
NOISE = Assumption("t is positive", "the exponent of the kernel is divided by v", lambda:
    bool(EXPONENT.subs(v, 0).has(zoo, nan)),)  # fmt: skip


@cache
def posterior(polynomial: Expr) -> Expr:
    """E[polynomial(y0) | y] in the symbols P_ij."""
    terms = Poly(expand(polynomial), *DATA).terms()
    moments = (c * Symbol(f"P_{i}{j}", real=True) ** min(1, i + j) for (i, j), c in terms)
    return sum(moments, Integer(0))


def mean() -> Matrix:
    """E[log X_0 | X_t]."""
    return Matrix([posterior(data) for data in DATA])


def covariance() -> Matrix:
    """Cov(log X_0 | X_t)."""
    second = Matrix(2, 2, lambda i, j: posterior(DATA[i] * DATA[j]))
    return second - mean() * mean().T


def log_score() -> Matrix:
    """grad log q: the kernel's logarithm differentiated, averaged over the posterior."""
    use(NOISE)
    return Matrix([posterior(diff(EXPONENT, e)) for e in Y])


def hessian() -> Matrix:
    """Second derivatives of log q: (d_i d_j q) / q - (d_i q / q) (d_j q / q)."""
    slopes = [diff(EXPONENT, e) for e in Y]
    second = Matrix(2, 2, lambda i, j: posterior(diff(slopes[i], Y[j]) + slopes[i] * slopes[j]))
    return second - log_score() * log_score().T
