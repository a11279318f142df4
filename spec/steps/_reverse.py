"""The reverse equation and its Euler-Maruyama step, built from the forward coefficients.

For the forward equation dX = f dt + g dW the reverse one, in positive reverse time, has drift
-f + div(g g^T) + g g^T grad log p (claim A2). Symbols: x1, x2 state; S1, S2 Stein score;
root = sqrt(dt); h1, h2 Hyvarinen score x_i S_i; z1, z2 draws.
"""

from functools import cache

from sympy import Expr, Matrix, Symbol, diag, diff, ones, sqrt, symbols

from spec.checking.symbols import dt, h, mu, sigma, x

root = Symbol("root", positive=True)
X = symbols("x1 x2", positive=True)
S = symbols("S1 S2", real=True)
Z = symbols("z1 z2", real=True)
MU = symbols("mu1 mu2", real=True)


def in_delta(expression: Expr) -> Expr:
    """With the step length as readers know it, for printing."""
    return expression.subs(root, sqrt(dt))


def reverse_drift(drift: Matrix, diffusion: Matrix, score: Matrix, at: tuple) -> Matrix:
    """-f + div(g g^T) + g g^T score, the divergence taken along the rows."""
    covariance = diffusion * diffusion.T
    divergence = Matrix(
        [sum(diff(covariance[i, j], at[j]) for j in range(len(at))) for i in range(len(at))]
    )
    return -drift + divergence + covariance * score


def ambient_equation() -> tuple[Matrix, Matrix]:
    """Drift and diffusion of the reverse geometric Brownian motion of the plane."""
    diffusion = sigma * diag(*X)
    drift = Matrix([m * e for m, e in zip(MU, X, strict=True)])
    return reverse_drift(drift, diffusion, Matrix(S), X), diffusion


def in_logarithms(drift: Matrix, diffusion: Matrix) -> tuple[Matrix, Matrix]:
    """The equation of log X by Ito's formula, from that of X."""
    covariance = diffusion * diffusion.T
    images = [drift[i] / X[i] - covariance[i, i] / (2 * X[i] ** 2) for i in range(2)]
    return Matrix(images), diag(*(1 / e for e in X)) * diffusion


def additive_equation() -> tuple[Matrix, Matrix]:
    """Drift and diffusion of the reverse of dY = (mu - sigma^2/2) dt + sigma dW, Y = log X.

    Its score is that of q(y) = p(e^y) e^{y1 + y2}: one plus the Hyvarinen score (A10-score).
    """
    y = symbols("y1 y2", real=True)
    forward = Matrix([m - sigma**2 / 2 for m in MU])
    score = ones(2, 1) + Matrix([e * s for e, s in zip(X, S, strict=True)])
    diffusion = sigma * Matrix.eye(2)
    return reverse_drift(forward, diffusion, score, y), diffusion


def increment(equation: tuple[Matrix, Matrix], noise: Expr | int = 1) -> Matrix:
    """What an Euler-Maruyama step of length root^2 adds to the state."""
    drift, diffusion = equation
    return root**2 * drift + noise * root * diffusion * Matrix(Z)


def per_coordinate(expression: Expr) -> Matrix:
    """An expression in mu, h, x and z, written out for both coordinates."""
    z = Symbol("z", real=True)
    return Matrix(
        [
            expression.subs({mu: MU[i], h: X[i] * S[i], x: X[i], z: Z[i]}, simultaneous=True)
            for i in range(2)
        ]
    )


@cache
def log_drift() -> Expr:
    """Drift of log X in one coordinate as an expression in mu, sigma and h."""
    drift, _ = in_logarithms(*ambient_equation())
    return drift[0].subs({S[0]: h / X[0], MU[0]: mu}).expand()


@cache
def ambient_drift() -> Expr:
    """Drift of X over X in one coordinate as an expression in mu, sigma and h."""
    drift, _ = ambient_equation()
    return (drift[0] / X[0]).expand().subs({S[0]: h / X[0], MU[0]: mu}).expand()


def log_step(score: Expr, draw: Expr, length_root: Expr, noise: Expr | int = 1) -> Expr:
    """What a step of Euler-Maruyama in log X adds to a coordinate."""
    drift = log_drift().subs(h, score)
    return length_root**2 * drift + noise * sigma * length_root * draw


def ambient_factor(score: Expr, draw: Expr, length_root: Expr, noise: Expr | int = 1) -> Expr:
    """By what a step of Euler-Maruyama in X multiplies a coordinate."""
    drift = ambient_drift().subs(h, score)
    return 1 + length_root**2 * drift + noise * sigma * length_root * draw
