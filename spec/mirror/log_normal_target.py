"""Mirrored Langevin dynamics on a log-normal target, its steps and their law (version 2, app. D).

Symbols: L log x; M mean of log X under the target and lam its variance (mu and sigma^2 of the
paper) or an eigenvalue of its covariance; delta step length; e = L - M; A = 1 - delta / lam, the
factor of one step; k, i numbers of steps; P = A^k, Q = A^(2k); V covariance of log X at the start.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import (
    Expr, Integer, Matrix, Poly, Rational, Sum, diag, diff, eye, floor, powsimp, sqrt, symbols,
)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Pin, v2
from spec.checking.diffusions import fokker_planck, plain_partials
from spec.checking.pins import table
from spec.checking.symbols import L, M
from spec.checking.trace import use
from spec.checking.typeset import Sde

lam, delta, root = symbols("lam delta root", positive=True)  # root = sqrt(2 delta)
e, P, Q, V, z, A, Z_i = symbols("e P Q V z A Z_i", real=True)
k, i = symbols("k i", integer=True)
P1, P2, lam1, lam2, V11, V12, V22 = symbols("P1 P2 lam1 lam2 V11 V12 V22")
FACTOR, ADDED = 1 - delta / lam, 2 * delta
LIMIT_VARIANCE = lam / (1 - delta / (2 * lam))
_GAP = 1 - FACTOR**2
_FACTORS = FACTOR.subs(lam, lam1), FACTOR.subs(lam, lam2)
_NORMAL = -((L - M) ** 2) / (2 * lam)
Pair = tuple[Expr, Expr]

INDEPENDENT = Assumption(
    "the coordinates of log X are independent under the target",
    "the score of a coordinate, from its own density alone",
    # With correlation it is not that of the coordinate's own density.
    lambda: not same((Matrix([[lam, Q], [Q, lam]]).inv() * Matrix([P1, P2]))[0], P1 / lam),
)
NOT_TWICE = Assumption(
    "the step is not twice the variance of log X under the target, or an eigenvalue of its "
    "covariance",
    "the limit, which divides by their distance",
    lambda: bool(LIMIT_VARIANCE.subs(delta, 2 * lam).is_infinite),
)


def _score() -> Expr:
    """The derivative of log p in log x, p being the density of X."""
    use(INDEPENDENT)
    return diff(-L + _NORMAL, L)


def is_the_target(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""For a log-normal $p$ with the log-mean $M$ and the log-variance $\sigma^2$ the Hyvärinen
    score is $[[score]]$, and (22) becomes [[equation]], which leaves the target invariant.

    The Hyvärinen score is the derivative of $\log p$ in $\log x$; the drift of (22) in $\log X$ is
    one more. The Fokker–Planck residual of the target under the equation vanishes."""
    score, equation = A37.shown(candidate).values()
    variance = Matrix([[(equation.noise**2).expand()]])
    residual = fokker_planck(_NORMAL, Matrix([equation.drift]), variance, plain_partials((L,)))
    same_score, direct = same(_score(), score), bool(equation.noise > 0)
    return same_score and direct and vanishes((residual, equation.drift - score - 1))


def is_the_recursion(step: Expr) -> bool:
    r"""The Euler–Maruyama step of (37) of length $\delta$ takes the distance $e$ of $\log X$ from
    $M$ to $[[it]]$, with a standard normal draw $Z$.

    The step of (22) with Hyvärinen score and noise of A37; $M$ is subtracted on both sides."""
    noise = sqrt(delta) * A37.holds[2] * z
    moved = (L + delta * (1 + _score()) + noise - M).subs(L, M + e)
    return vanishes((moved - step).subs(delta, root**2 / 2))


def is_unrolled(candidate: tuple[Expr, Expr, Expr, Expr]) -> bool:
    r"""After $k$ steps the distance of $\log X$ from $M$ is $[[distance]]$, where $e_0$ is that of
    the start, $\alpha$ is $[[factor]]$ and $Z_i$ the draw of step $i$, counted from zero.

    Induction on $k$: before the first step the sum is empty; a step multiplies every term by
    $\alpha$, so that each exponent grows by one, and adds its own draw with the exponent zero.
    Factor and noise are those of D-recursion."""
    power, weight, last, noise = candidate
    at_zero, then = ([part.subs(k, n) for part in candidate] for n in (0, k + 1))
    grown = then[0] - power - 1, then[1] - weight - 1, then[2] - k
    grown += (powsimp(A * _power(k)) - _power(k + 1),)
    step = (FACTOR * e + noise * z - _STEP).subs(delta, root**2 / 2)
    moved = A * _distance(P, V, Q) + V * z - _distance(A * P, V, A * Q + z)
    terms = A * _term(P, z) - _term(A * P, z), _term(_power(Integer(0)), z) - z
    made = _distance(Integer(1), V, Integer(0)) - e, moved, *terms
    found = at_zero[0], at_zero[2] - (_FIRST - 1), *grown, then[1].subs(i, k), step
    walk = [UNROLLED.shown(candidate)["distance"].subs(k, n).doit() for n in range(3)]
    steps = [walk[n + 1] - A * walk[n] - noise * Z_i for n in (0, 1)]
    made += tuple(f.subs(delta, root**2 / 2) for f in (walk[0] - e, *steps))
    return vanishes((*found, *made))


def _power(exponent: Expr) -> Expr:
    return A**exponent


def _distance(power: Expr, noise: Expr, total: Expr) -> Expr:
    """With that power of A, and that sum of the draws."""
    return power * e + noise * total


def _term(power: Expr, draw: Expr) -> Expr:
    """Of the sum, with that power of A."""
    return power * draw


def is_the_limit(candidate: Pair) -> bool:
    r"""For step lengths below $[[longest]]$ the steps converge in law from every start, to a
    log-normal law with the target's log-mean and the log-variance $[[variance]]$; for that length
    and for greater ones they converge from no start.

    In D-unrolled the sum of the draws is normal, with a variance that a step multiplies by
    $\alpha^2$ and adds $[[added]]$ to. One less $\alpha^2$ is $[[gap]]$, which is positive for
    steps below $[[longest]]$ and for no longer ones. Where it is, the variance is $[[sum]]$ after
    $k$ steps, where $Q$ is $\alpha^{2k}$, by induction, since that is zero where $Q$ is one; $Q$
    tends to zero, and with it what is left of the start. Otherwise each step adds $[[added]]$ or
    more to the variance, which a start that is independent of the draws cannot undo."""
    variance, longest = candidate
    gap, summed = Poly(_GAP, delta), _sum(variance)
    roots = same(gap.as_expr(), gap.LC() * delta * (delta - longest))
    downwards = gap.degree() == 2 and bool(gap.LC() < 0)
    step = summed.subs(Q, FACTOR**2 * Q) - FACTOR**2 * summed - ADDED
    return roots and downwards and vanishes((summed.subs(Q, 1), step, _GAP + FACTOR**2 - 1))


def _sum(variance: Expr) -> Expr:
    return variance * (1 - Q)


def is_the_law(law: Pair) -> bool:
    r"""After $k$ steps the mean error of $\log X$ is $[[0]]$ and its variance $[[1]]$, where $P$
    is $\alpha^k$ and $\alpha$ is $[[factor]]$; the start has the mean error $e_0$ and the variance
    $V_0$.

    Mean and variance of D-recursion, by induction on $k$ with a symbol for $\alpha^k$: where it is
    one they are those of the start. One more step multiplies it by $\alpha$ and the mean by
    $\alpha$, and the variance by $\alpha^2$ before it adds $[[added]]$."""
    use(NOT_TWICE)
    (mean, variance), then = law, [part.subs(P, FACTOR * P) for part in law]
    start = mean.subs(P, 1) - e, variance.subs(P, 1) - V
    return vanishes((*start, then[0] - FACTOR * mean, then[1] - FACTOR**2 * variance - ADDED))


def is_the_covariance(entries: Pair) -> bool:
    r"""On a log-normal target the covariance of $\log X$ after $k$ steps has, in the eigenbasis of
    the target's, which is any positive definite one, the entries $[[0]]$ on the diagonal and
    $[[1]]$ off it. $V_{ij}$ are the entries at the start, $\lambda_i$ the eigenvalues, and $P_i$
    the powers $k$ of the factors $[[factor]]$.

    A rotation of $\log X$ keeps the noise, so that the target's covariance may be taken diagonal.
    A step then multiplies the covariance from either side by the diagonal matrix of the factors
    and adds $[[added]]$ times the identity. Each entry moves by itself, so that two coordinates
    stand for any number; they are decided by induction as in R22, with any covariance at the
    start, which need not commute with the target's."""
    use(NOT_TWICE)
    first, other = entries
    now = Matrix([[first, other], [other, first.subs({P1: P2, lam1: lam2, V11: V22})]])
    then = now.subs({P1: _FACTORS[0] * P1, P2: _FACTORS[1] * P2}, simultaneous=True)
    moved = diag(*_FACTORS) * now * diag(*_FACTORS) + ADDED * eye(2)
    start = now.subs({P1: 1, P2: 1}) - Matrix([[V11, V12], [V12, V22]])
    return vanishes((start, moved - then))


def _law(limit: Expr = LIMIT_VARIANCE, power: int = 2) -> Pair:
    return P * e, limit + P**power * (V - limit)


def _pin_covariance(noise: int) -> Callable[[dict[str, mpf]], tuple[mpf, ...]]:
    """The law after n steps e' = A e, V' = A V A + noise delta I with A = I - delta S^-1."""

    def law(at: dict[str, mpf]) -> tuple[mpf, ...]:
        target, V = (
            mpmath.matrix([[at[f"{name}11"], at[f"{name}12"]], [at[f"{name}12"], at[f"{name}22"]]])
            for name in "SV"
        )
        e = mpmath.matrix([at["m1"] - at["a1"], at["m2"] - at["a2"]])
        step = mpmath.eye(2) - at["delta"] * target**-1
        for _ in range(int(mpmath.nint(at["n"]))):
            e, V = step * e, step * V * step + noise * at["delta"] * mpmath.eye(2)
        return at["a1"] + e[0], at["a2"] + e[1], V[0, 0], V[0, 1], V[1, 1]

    return law


def _from_normal(law: Pair) -> Pair:
    """Mean and variance after n steps from N(b, V), the target's mean being a."""
    a, b, n = symbols("a b n")
    powers = {P: FACTOR ** floor(n + Rational(1, 2)), e: b - a}
    return a + law[0].subs(powers), law[1].subs(powers)


_NAMES = {"lam": r"\sigma^{2}", "V": "V_0", "P": "P", "Q": "Q", "z": "Z", "lam1": r"\lambda_i",
          "P1": "P_i", "P2": "P_j", "V11": "V_{ii}", "V12": "V_{ij}", "A": r"\alpha"}  # fmt: skip
_FROM_START = _NAMES | {"e": "e_0"}
_LOST = ("the formula is lost in the text of version 2; the target and eq. 22 force it",)
_ALONE = INDEPENDENT.text, "the draws are independent of the start"
_DRIFT, _ROOT = (M - L) / lam, sqrt(ADDED)
_STEP = FACTOR * e + _ROOT * z
_WALK, _FIRST = (k, k - 1 - i, k - 1, _ROOT), Integer(0)
A37 = Claim(
    "A37", "mirrored Langevin dynamics of a log-normal target", is_the_target,
    holds=(_DRIFT - 1, _DRIFT, sqrt(2)), twins={
        "score without the one": (_DRIFT, _DRIFT, sqrt(2)),
        "drift with the one": (_DRIFT - 1, _DRIFT - 1, sqrt(2)),
        "half the rate": (_DRIFT - 1, _DRIFT / 2, sqrt(2)),
        "noise of variance one": (_DRIFT - 1, _DRIFT, Integer(1)),
    }, shown=lambda c: {"score": c[0], "equation": Sde(r"\log X", *c[1:])},
    names=_NAMES, sources=v2("eq. 37", "App. D: score of the log-normal target"),
    assumptions=(INDEPENDENT,), readings=_LOST, depends=("A22", "A23"))  # fmt: skip

RECURSION = Claim(
    "D-recursion", "its Euler–Maruyama step", is_the_recursion, holds=_STEP, twins={
        "growing": _STEP.subs(lam, -lam), "with the one left in": _STEP + delta,
        "half the noise": _STEP.subs(z, z / 2),
    }, names=_NAMES, sources=v2("App. D: recursion"), sheet=("A37", "R22"),
    assumptions=(INDEPENDENT,), readings=_LOST, depends=("A22", "A37"))  # fmt: skip

UNROLLED = Claim(
    "D-unrolled", "the recursion unrolled", is_unrolled, holds=_WALK, twins={
        "exponent k - i": (k, k - i, k - 1, _ROOT), "exponent i": (k, i, k - 1, _ROOT),
        "start damped twice at first": (k + 1, *_WALK[1:]),
        "one draw more": (*_WALK[:2], k, _ROOT), "half the noise": (*_WALK[:3], _ROOT / 2),
    }, shown=lambda c: {"distance": _distance(
        _power(c[0]), c[3], Sum(_term(_power(c[1]), Z_i), (i, _FIRST, c[2])))},
    values=lambda: {"factor": FACTOR}, names=_FROM_START, sources=v2("App. D: unrolled"),
    sheet=("A37", "R22"), assumptions=_ALONE[:1], readings=_LOST,
    depends=("D-recursion",))  # fmt: skip

LIMIT = Claim(
    "D-limit", "the limit law of the steps", is_the_limit, holds=(LIMIT_VARIANCE, 2 * lam), twins={
        "for steps below sigma^2": (LIMIT_VARIANCE, lam),
        "for no step": (LIMIT_VARIANCE, Integer(0)), "the target": (lam, 2 * lam),
        "noise of variance delta": (LIMIT_VARIANCE / 2, 2 * lam),
        "too small by the factor": (lam**2 / LIMIT_VARIANCE, 2 * lam),
    }, shown=lambda c: {"variance": c[0], "longest": c[1], "sum": _sum(c[0])},
    values=lambda: {"added": ADDED, "gap": _GAP.factor()}, names=_NAMES,
    sources=v2("App. D: limit measure"), sheet=("A37", "E20", "R22"), readings=_LOST,
    assumptions=_ALONE, depends=("D-unrolled",))  # fmt: skip

R22 = Claim(
    "R22", "log-mean and log-variance of steps on a log-normal target", is_the_law, holds=_law(),
    twins={
        "limit with delta / sigma^2": _law(lam / FACTOR), "towards the target": _law(lam),
        "variance shrinks as the mean": _law(power=1),
        "mean shrinks as the variance": (P**2 * e, _law()[1]),
    }, values=lambda: {"factor": FACTOR, "added": ADDED}, names=_FROM_START,
    assumptions=(NOT_TWICE, *_ALONE), depends=("D-recursion",), pins=(
        Pin("gbm_ref.mirrored_langevin_law", (), lambda law: _from_normal(law)[0],
            variant="log mean", vectors="mirrored_langevin_law_log_mean"),
        Pin("gbm_ref.mirrored_langevin_law", table(
            "a lam delta n b V", (0.3, 0.5, 0.11, 7, -1.2, 0.9),
            # a factor of -0.9, one of 0.999, and beyond the range of stability
            (-0.4, 0.2, 0.38, 40, 2.5, 0.01), (0.0, 2.0, 0.002, 1000, 0.6, 0.0),
            (0.1, 0.3, 0.7, 9, 0.2, 0.3),
        ), _from_normal, variant="one coordinate"),
    ))  # fmt: skip

_START = (0.3, -0.7, 1.4, 0.1, 0.8, -0.3, 0.6)
_ENTRY = _law()[1].subs({P: P1, lam: lam1, V: V11})
MATRIX = Claim(
    "R22-matrix", "covariance of log X after steps, whatever the target's", is_the_covariance,
    holds=(_ENTRY, P1 * P2 * V12), twins={
        "limit off the diagonal too": (_ENTRY, _ENTRY.subs({V11: V12, P1**2: P1 * P2})),
        "no limit at all": (P1**2 * V11, P1 * P2 * V12),
        "first eigenvalue for both": (_ENTRY, P1**2 * V12),
    }, values=lambda: {"factor": _FACTORS[0], "added": ADDED}, names=_NAMES,
    sheet=("R22",), assumptions=(NOT_TWICE, _ALONE[1]), depends=("R22", "D-gaussian"),
    pins=(Pin(
        "gbm_ref.mirrored_langevin_law", table(
            "a1 a2 m1 m2 V11 V12 V22 S11 S12 S22 delta n",
            (*_START, 0.5, 0.2, 0.3, 0.11, 3), (*_START, 0.5, 0.2, 0.3, 0.25, 12),
            (*_START, 0.5, 0.38, 0.3, 0.01, 20),
            # factors of 0 and -1, where the closed form is 0 / 0
            (*_START, 0.5, 0.0, 0.25, 0.5, 5),
        ), variant="full covariance",
        because="the matrices in any basis, by the recursion that the statement solves",
        formula=_pin_covariance(2), twins={"noise of variance delta": _pin_covariance(1)},
    ),))  # fmt: skip
CLAIMS = (A37, RECURSION, UNROLLED, LIMIT, R22, MATRIX)
