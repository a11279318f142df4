"""The reverse equation (A2) and its Euler-Maruyama step, built from the forward coefficients, and
what the claims of this folder assume, each with what goes wrong without it.

x1, x2 state; S1, S2 Stein score; z1, z2 draws; root = sqrt(dt)."""

from sympy import Expr, Integer, Matrix, Symbol, diag, diff, sqrt, symbols

from spec.checking.algebra import same
from spec.checking.claim import Assumption
from spec.checking.gaussian import expectation
from spec.checking.symbols import H, V, dt, h, mu, sigma, v, x, z
from spec.checking.trace import use

root = Symbol("root", positive=True)
X = symbols("x1 x2", positive=True)
S, Z, MU = (symbols(names, real=True) for names in ("S1 S2", "z1 z2", "mu1 mu2"))


def in_delta(expression: Expr) -> Expr:
    """With the step length as readers know it, for printing."""
    return expression.subs(root, sqrt(dt))


def over_draw(polynomial: Expr) -> Expr:
    """The mean over a standard normal draw z."""
    return expectation(polynomial, z, Integer(0), Integer(1))


def per_coordinate(expression: Expr) -> Matrix:
    """An expression in mu, h, x and z, written out for both coordinates."""
    named = ({mu: MU[i], h: X[i] * S[i], x: X[i], z: Z[i]} for i in range(2))
    return Matrix([expression.xreplace(names) for names in named])


def reverse_drift(drift: Matrix, diffusion: Matrix, score: Matrix, at: tuple) -> Matrix:
    """-f + div(g g^T) + g g^T score, the divergence taken along the rows."""
    covariance = diffusion * diffusion.T
    divergence = [sum(diff(covariance[i, j], e) for j, e in enumerate(at)) for i in range(len(at))]
    return -drift + Matrix(divergence) + covariance * score


def _in_logarithms(drift: Matrix, diffusion: Matrix) -> tuple[Matrix, Matrix]:
    """The equation of log X by Ito's formula, from that of X."""
    covariance = diffusion * diffusion.T
    images = [drift[i] / X[i] - covariance[i, i] / (2 * X[i] ** 2) for i in range(2)]
    return Matrix(images), diag(*(1 / e for e in X)) * diffusion


# Drift and diffusion of the reverse equation of the plane, in X and in log X; the drift in one
# coordinate, in X over X, as an expression in mu, sigma and h.
_G = sigma * diag(*X)
IN_X = reverse_drift(per_coordinate(mu * x), _G, Matrix(S), X), _G
IN_LOG = _in_logarithms(*IN_X)
_FIRST = IN_X[0][0] / X[0], IN_LOG[0][0]
RATE, LOG_DRIFT = (e.expand().subs({S[0]: h / X[0], MU[0]: mu}).expand() for e in _FIRST)


def log_step(score: Expr, draw: Expr, length_root: Expr, noise: Expr | int = 1) -> Expr:
    """What a step of Euler-Maruyama in log X adds to a coordinate."""
    return length_root**2 * LOG_DRIFT.subs(h, score) + noise * sigma * length_root * draw


def ambient_factor(score: Expr, draw: Expr, length_root: Expr, noise: Expr | int = 1) -> Expr:
    """By what a step of Euler-Maruyama in X multiplies a coordinate."""
    return 1 + length_root**2 * RATE.subs(h, score) + noise * sigma * length_root * draw


def _mixture_bends() -> bool:
    """For two log-normal components, n of the density the first, the slope is not -1 / v."""
    y, n, *means = symbols("y n e1 e2", real=True)
    first, second = ((e - y) / v for e in means)
    score = n * first + (1 - n) * second
    return not same(diff(score, y) + diff(score, n) * n * (1 - n) * (first - second), -1 / v)


def _divergence_differs() -> bool:
    """With sigma x_i in place of sigma, from that of a constant rate."""
    found = reverse_drift(Matrix([0, 0]), diag(*(sigma * e**2 for e in X)), Matrix([0, 0]), X)
    return not same(found, Matrix([2 * (sigma * e) ** 2 * e for e in X]))


POSITIVE = "the density is positive and differentiable at the state, and the score is exact"
LOG_NORMAL = Assumption("log-normal data in one coordinate", "the affine score", _mixture_bends)
EXACT_SCORE = Assumption(
    "the score is exact", "the mean and the variance shrink with it",
    lambda: not same(*(log_step(-1 - e * H / v, Integer(0), root) for e in (1, V))))  # fmt: skip
EXACT_START = Assumption(
    "the start is exact", "the variance that the steps shrink",
    lambda: not same(*((1 - H / v) ** 2 * start + H for start in (v, V))))  # fmt: skip
CONSTANT = Assumption(
    "mu and sigma do not depend on the state", "the divergence of the diffusion matrix",
    _divergence_differs)  # fmt: skip
ON_LOG_NORMAL = (LOG_NORMAL, EXACT_SCORE)


def affine_score(distance: Expr, variance: Expr) -> Expr:
    """h at a distance of log X from its mean, where it is normal with this variance."""
    for assumption in ON_LOG_NORMAL:
        use(assumption)
    return -1 - distance / variance
