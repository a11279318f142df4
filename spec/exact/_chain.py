"""Steps of log-normal states: what one step does to mean and variance, and what it assumes.

Symbols: v, V the variances of log X_{t_k} and of the sampler's log X_k; e = E log X_k - a - m t_k;
h = sigma^2 delta; r = sqrt(delta); v0, vN the variances of the data and of log X_{t_N}; q = v / h
at the level that is reached; n steps taken; z a draw, kappa the factor on it.

Pins run e <- g e - dm, V <- g^2 V + n, and bounds of the error beside them:
S_mean <- |g| S_mean + |mean| + |1 - g| |mean - c| + |dm|, S_cov <- g^2 S_cov + 2 |g| |V| + |V'|
with V' after the step, 2 |g| |V| for the absolute error of g = 1 - dv / v_k. In the plane g is the
largest eigenvalue of the factor and |.| a Frobenius norm."""

from collections.abc import Callable, Iterable
from functools import cache

from mpmath import mpf
from sympy import Expr, Matrix, Poly, Rational, Symbol, diff, expand, hessian, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Candidate
from spec.checking.gaussian import expectation
from spec.checking.pins import Values
from spec.checking.trace import use

L, z, a, e, m = symbols("L z a e m", real=True)
v, V, h, sigma, r, t, kappa, n, q = symbols("v V h sigma r t kappa n q", positive=True)
v0, vN = symbols("v0 v_N", positive=True)
NAMES = {"h": "h", "v": "v_k", "V": "V_k", "e": "e_k", "n": "N", "r": r"\sqrt{\delta}"}
AT_THE_END = {**NAMES, "V": "V_N", "e": "e_N"}
MU = m + sigma**2 / 2  # of the log drift m
Size = Expr | int
Step = Callable[[Expr, Expr, Expr, Expr], Expr]
Score = Callable[[Symbol, Expr, Expr], Expr]
Row = tuple[mpf, mpf, mpf, mpf]  # c, g, n, dm: centre, factor, noise and fall of the mean


def hyvarinen(log_x: Symbol, mean: Expr, variance: Expr) -> Expr:
    """x d/dx log p for log X ~ N(mean, variance): the derivative of log p in log x."""
    return diff(-log_x - (log_x - mean) ** 2 / (2 * variance), log_x)


def halved(log_x: Symbol, mean: Expr, variance: Expr) -> Expr:
    """Half the score: a wrong one, for what goes wrong with it."""
    return hyvarinen(log_x, mean, variance) / 2


def bent(log_x: Symbol, mean: Expr, variance: Expr) -> Expr:
    """The score of other data, which is not affine."""
    return hyvarinen(log_x, mean, variance) + (log_x - mean) ** 2


def dale_langevin(log_x: Expr, score: Expr, root: Expr, noise: Expr) -> Expr:
    """log X after a step of length root^2 of eq. (13), `noise` being kappa times the draw."""
    drift = MU - Rational(3, 2) * sigma**2 - sigma**2 * score
    return log_x - root**2 * drift + sigma * root * noise


def image(step: Step = dale_langevin, strength: Size = 1, score: Score = hyvarinen) -> Expr:
    """log X after a step from L with the draw z, the score being that of N(a + m t, v)."""
    use(LOG_NORMAL)
    use(EXACT_SCORE)
    return step(L, score(L, a + m * t, v), r, strength * z)


def is_affine(polynomial: Expr) -> bool:
    """Whether a step is an affine map of log X and the draw."""
    return vanishes(hessian(polynomial, (L, z)))


@cache
def moments(polynomial: Expr, mean: Expr, variance: Expr) -> tuple[Expr, Expr]:
    """Mean and variance of a polynomial of L ~ N(mean, variance) and z ~ N(0, 1)."""
    centred = polynomial.xreplace({L: mean + L})
    first = expectation(expectation(centred, z, 0, 1), L, 0, variance)
    spread = expectation(expand(centred - first) ** 2, z, 0, 1)
    return first, expand(expectation(spread, L, 0, variance))


def law_after(
    step: Step = dale_langevin, strength: Size = 1, fall: Expr = m * r**2, score: Score = hyvarinen
) -> tuple[Expr, Expr]:
    """(e, V) after a step from log X ~ N(a + m t + e, V), in h = sigma^2 r^2; `fall` is what the
    mean of log X_t falls by, m delta from one level to the next."""
    centre, after = a + m * t, image(step, strength, score).subs(sigma, sqrt(h) / r)
    mean, variance = moments(after, centre + e, V)
    return expand(mean - centre + fall), variance


def orders(expression: Expr, small: Symbol, highest: int) -> list[Expr]:
    """The coefficients of small^0 .. small^highest of a polynomial in `small`."""
    polynomial = Poly(expand(expression), small)
    return [polynomial.coeff_monomial(small**k) for k in range(highest + 1)]


def on_the_line(
    rows: Callable[[Candidate, Values], Iterable[Row]], holds: Candidate
) -> dict[str, Callable]:
    """Pin of mean and variance of log X_0 from N(M, V): `reads` a candidate, with its `scale`."""

    def run(candidate: Candidate, at: Values) -> tuple[mpf, mpf, mpf, mpf]:
        mean, variance = at["M"], at["V"]
        size, spread = abs(mean), variance
        for centre, g, noise, fall in rows(candidate, at):
            off, after = mean - centre, g**2 * variance + noise
            size = abs(g) * size + abs(mean) + abs((1 - g) * off) + abs(fall)
            spread = g**2 * spread + 2 * abs(g) * variance + after
            mean, variance = mean + (g - 1) * off - fall, after
        return mean, variance, size, spread

    return {
        "reads": lambda candidate: lambda at: run(candidate, at)[:2],
        "scale": lambda at: run(holds, at)[2:],
    }


def _changes_the_law(score: Score = hyvarinen, fall: Expr = m * r**2) -> bool:
    return not vanishes(Matrix(law_after()) - Matrix(law_after(score=score, fall=fall)))


def exact_start(without: Callable[[], bool], used: str = "the order zero of V_0") -> Assumption:
    """The assumption, with what goes wrong for another start."""
    return Assumption("the start has the exact log-variance", used, without)


COORDINATE = "the data are log-normal, with one coordinate or independent ones"
LOG_NORMAL = Assumption(
    COORDINATE, "an affine score, without which a step is no affine map",
    lambda: not is_affine(image(score=bent)))  # fmt: skip
EXACT_SCORE = Assumption("the Hyvärinen score is the exact one of X at that level",
    "the variance v_k in the score; half the score leads to another law", lambda:
    _changes_the_law(score=halved),)  # fmt: skip
LEVEL_STEP = Assumption("one step a level, as long as the distance of the levels",
    "the mean; with another fall of the data's mean its error is another", lambda:
    _changes_the_law(fall=2 * m * r**2),)  # fmt: skip
DATA, DRAWS = (LOG_NORMAL, EXACT_SCORE), "the start and the draws are independent"
ALL = (*DATA, LEVEL_STEP)
