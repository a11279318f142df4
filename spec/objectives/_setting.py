"""The losses at one state and their averages, in one coordinate, and shared assumptions.

    H = x * grad log p    h = x * s_theta, the model    c = x * grad log p_{t|0}, the target
    v = sigma^2 t         c2 = E[c^2 | X_t]
Log-normal data: log X_0 ~ N(a, v0), log X_t = log X_0 + m + n with the noise n ~ N(0, v)."""

from functools import cache

import mpmath
from sympy import (
    Expr, S, Symbol, exp, expand, factor, harmonic, integrate, limit, oo)  # fmt: skip

from spec.checking.claim import Assumption
from spec.checking.gaussian import expectation
from spec.checking.numeric import agree, normal_expectation
from spec.checking.symbols import L0, H, L, a, h, m, v, v0, x
from spec.checking.trace import use

c, NOISE, SECOND = (Symbol(name, real=True) for name in ("c", "n", "c2"))
TARGET = -1 - NOISE / v  # -1 - (log x - log x_0 - m) / v
TARGET_SQUARE = expectation(TARGET**2, NOISE, 0, v)
EXPLICIT, DENOISING = (H - h) ** 2 / 2, (c - h) ** 2 / 2
NAMES = {"h": "h", "x": "x", "n": "n", "c2": r"\mathbb E[c^{2}\mid X_t]"}
LOST = "formula lost in version 2; reconstructed: as in version 1"
INNER = "squares and products of vectors are sums over the coordinates"


def posterior(polynomial: Expr) -> Expr:
    """E[polynomial in c | X_t] for data of any law: it is linear, and E[c | X_t] = H (A29)."""
    return expand(polynomial).subs(c**2, SECOND).subs(c, H)


def marginal_score() -> Expr:
    """x d/dx log p(x) of the log-normal marginal, a function of L."""
    use(LOG_NORMAL)
    return -1 - (L - a - m) / (v0 + v)


def explicit_loss(model: Expr) -> Expr:
    """M-ESM of a model, polynomial in L, over the marginal law of log X_t."""
    at_state = EXPLICIT.subs({H: marginal_score(), h: model}, simultaneous=True)
    return expectation(at_state, L, a + m, v0 + v)


@cache
def denoising_loss(model: Expr) -> Expr:
    """M-DSM of a model, polynomial in L, over data and noise."""
    at_sample = DENOISING.subs({c: TARGET, h: model}, simultaneous=True)
    over_noise = expectation(at_sample.subs(L, L0 + m + NOISE), NOISE, 0, v)
    return expectation(over_noise, L0, a, v0)


def floor() -> Expr:
    """M-DSM of the exact score: what the denoising loss cannot go below."""
    return _least(marginal_score())


@cache
def _least(score: Expr) -> Expr:
    return factor(denoising_loss(score))


def without_harmonic(expression: Expr) -> Expr:
    """The expression with a letter for the harmonic numbers, as it is printed."""
    return expression.replace(harmonic, lambda number: Symbol(f"H_{number}"))


POSITIVE_TIME = Assumption("t > 0", "the target divides by v", lambda: limit(floor(), v, 0, "+") ==
    oo)  # fmt: skip
FINITE_MODEL = Assumption(
    r"$\mathbb E\lVert h\rVert^2$ is finite", "the square is averaged term by term",
    # p = e^-x, so that H = -x, with h = -e^x: E h^2 and E H h are infinite, as is their gap.
    lambda: (integrate(exp(x), (x, 0, oo), meijerg=False)
             - integrate(x, (x, 0, oo), meijerg=False)) is S.NaN)  # fmt: skip
LOG_NORMAL = Assumption(
    "log X_0 is normal, in one coordinate of variance v_0", "the score of log X_t is affine",
    # log X_0 = -1 and 1: C at v = 1 is half of E sech^2, the variance of log X_0 given X_t.
    lambda: not agree(normal_expectation(lambda y: mpmath.sech(1 + y) ** 2, 15) / 2,
                      float(floor().subs({v: 1, v0: 1})), 3))  # fmt: skip
