"""Steps of log-normal states: what one step does to mean and variance, and what it assumes.

Symbols of `_symbols`.
"""

from collections.abc import Callable

from sympy import Expr, Poly, Rational, Symbol, diff, expand, hessian, sqrt

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption
from spec.checking.gaussian import expectation
from spec.checking.trace import use
from spec.exact._symbols import ONE, L, V, a, e, h, m, r, sigma, t, v, z

# The log drift m = mu - sigma^2 / 2 fixes mu.
MU = m + sigma**2 / 2
Step = Callable[[Expr, Expr, Expr, Expr], Expr]
Score = Callable[[Symbol, Expr, Expr], Expr]


def hyvarinen(log_x: Symbol, mean: Expr, variance: Expr) -> Expr:
    """x d/dx log p for log X ~ N(mean, variance): the derivative of log p in log x."""
    return diff(-log_x - (log_x - mean) ** 2 / (2 * variance), log_x)


def dale_langevin(log_x: Expr, score: Expr, root: Expr, noise: Expr) -> Expr:
    """log X after a step of length root^2 of eq. (13), `noise` being kappa times the draw."""
    drift = MU - Rational(3, 2) * sigma**2 - sigma**2 * score
    return log_x - root**2 * drift + sigma * root * noise


def image(step: Step = dale_langevin, strength: Expr = ONE, score: Score = hyvarinen) -> Expr:
    """log X after a step from L with the draw z, the score being that of N(a + m t, v)."""
    use(LOG_NORMAL)
    use(EXACT_SCORE)
    return step(L, score(L, a + m * t, v), r, strength * z)


def moments(polynomial: Expr, mean: Expr, variance: Expr) -> tuple[Expr, Expr]:
    """Mean and variance of a polynomial of L ~ N(mean, variance) and z ~ N(0, 1)."""

    def average(f: Expr) -> Expr:
        return expectation(expectation(f, z, 0, 1), L, mean, variance)

    first = average(polynomial)
    return first, expand(average(polynomial**2) - first**2)


def law_after(
    step: Step = dale_langevin,
    strength: Expr = ONE,
    fall: Expr = m * r**2,
    score: Score = hyvarinen,
) -> tuple[Expr, Expr]:
    """(e, V) after a step from log X ~ N(a + m t + e, V), in h; `fall` is what the mean of
    log X_t falls by, m delta from one level to the next."""
    centre = a + m * t
    mean, variance = moments(image(step, strength, score), centre + e, V)
    return in_log_variance(mean - centre + fall), in_log_variance(variance)


def orders(expression: Expr, small: Symbol, highest: int) -> list[Expr]:
    """The coefficients of small^0 .. small^highest of a polynomial in `small`."""
    polynomial = Poly(expand(expression), small)
    return [polynomial.coeff_monomial(small**k) for k in range(highest + 1)]


def in_log_variance(expression: Expr) -> Expr:
    """The expression with h = sigma^2 r^2 in place of sigma."""
    return expand(expression.subs(sigma, sqrt(h) / r))


def is_affine(polynomial: Expr) -> bool:
    """Whether a step is an affine map of log X and the draw."""
    return vanishes(hessian(polynomial, (L, z)))


def closed_form(gain: Expr, noise: Expr) -> tuple[Expr, Expr]:
    """(e_0 / e_N, V_0) where the deviation is multiplied by `gain` and `noise` is added."""
    return gain, gain**2 * V + noise


def _curved(log_x: Symbol, mean: Expr, variance: Expr) -> Expr:
    return hyvarinen(log_x, mean, variance) + (log_x - mean) ** 2


def halved(log_x: Symbol, mean: Expr, variance: Expr) -> Expr:
    """Half the score: a wrong one, for what goes wrong with it."""
    return hyvarinen(log_x, mean, variance) / 2


def _changes_the_law(score: Score = hyvarinen, fall: Expr = m * r**2) -> bool:
    ours, theirs = law_after(), law_after(score=score, fall=fall)
    return not vanishes(tuple(f - g for f, g in zip(ours, theirs, strict=True)))


LOG_NORMAL = Assumption(
    "the data are log-normal",
    "an affine score, without which a step is no affine map",
    lambda: not is_affine(image(score=_curved)),
)
EXACT_SCORE = Assumption(
    "the score is the exact one of log X at that level",
    "the variance v_k in the score; half the score leads to another law",
    lambda: _changes_the_law(score=halved),
)
LEVEL_STEP = Assumption(
    "one step a level, as long as the distance of the levels",
    "the mean, which a step of another length would move by something else than the data's",
    lambda: _changes_the_law(fall=2 * m * r**2),
)
DATA = (LOG_NORMAL, EXACT_SCORE)
ALL = (*DATA, LEVEL_STEP)
