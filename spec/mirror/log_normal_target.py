"""Mirrored Langevin dynamics on a log-normal target, its steps and their law (version 2, app. D).

Symbols: L     log x
         M     mean of log X under the target;  lam  its variance (the paper's mu and sigma^2)
         delta step length;  e  = L - M;  r  = sqrt(2 delta)
         A     = 1 - delta / lam, the factor of one step;  k, i  numbers of steps;  P = A^k
         e, V  mean error and covariance of log X at the start
"""

from collections.abc import Callable
from typing import NamedTuple

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, Poly, Symbol, diff, lambdify, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Pin, Values, v2
from spec.checking.diffusions import fokker_planck, plain_partials
from spec.checking.symbols import L, M
from spec.checking.typeset import Sde

_LAM, _DELTA = symbols("lam delta", positive=True)


class Unrolled(NamedTuple):
    """e_k = A^start(k) e_0 + noise sum_{i < k} A^weight(k, i) Z_i."""

    start: Callable[[Expr], Expr]
    weight: Callable[[Expr, Expr], Expr]
    noise: Expr


class Limit(NamedTuple):
    """Variance of the limit law, and the step length below which there is one."""

    variance: Expr
    longest: Expr


def is_the_target(candidate: tuple[Expr, Expr]) -> bool:
    r"""For a log-normal $p$ with the log-mean $M$ and the log-variance $\sigma^2$ the Hyvärinen
    score is $[[score]]$, and (22) becomes [[equation]], which leaves the target invariant.

    The derivative of $\log p$ in $\log x$; one more is the drift. The Fokker–Planck residual of
    the target under the equation vanishes.
    """
    score, drift = candidate
    normal = -((L - M) ** 2) / (2 * _LAM)
    residual = fokker_planck(normal, Matrix([drift]), Matrix([[2]]), plain_partials((L,)))
    return same(diff(normal - L, L), score) and vanishes((residual, drift - score - 1))


def is_the_recursion(step: Callable[[Expr, Expr, Expr], Expr]) -> bool:
    r"""The Euler–Maruyama step of (37) takes the distance $e$ of $\log X$ from $M$ to $[[it]]$.

    The step of (22) with the score of A37; $M$ is subtracted on both sides.
    """
    e, r, z = symbols("e r z")
    stein = diff(-L - (L - M) ** 2 / (2 * _LAM), L)
    moved = (L + _DELTA * (1 + stein) + r * z - M).subs(L, M + e)
    return same(moved, step(e, r, z))


def is_unrolled(candidate: Unrolled) -> bool:
    r"""After $k$ steps the distance of $\log X$ from $M$ is that of the start times $\alpha$ to
    the power $[[start]]$, and the draw of step $i$ times $\alpha$ to the power $[[weight]]$ and
    times $[[noise]]$, where $\alpha=[[factor]]$.

    Induction on $k$: a step multiplies every term by $\alpha$, so that each exponent grows by one,
    and adds its own draw with the exponent zero.
    """
    k, i = symbols("k i", integer=True)
    start, weight, noise = candidate
    induction = (
        start(Integer(0)),
        start(k + 1) - start(k) - 1,
        weight(k + 1, i) - weight(k, i) - 1,
        weight(k + 1, k),
        noise**2 - 2 * _DELTA,
    )
    return vanishes(induction)


def is_the_limit(candidate: Limit) -> bool:
    r"""The steps converge in law iff $\delta$ is positive and less than $[[longest]]$: to a
    log-normal law with the target's log-mean and the log-variance $[[variance]]$.

    In D-unrolled the start is multiplied by a power of $\alpha$, and the variance of the sum, a
    geometric series, has a limit iff $\alpha^2$ is less than one. One less $\alpha^2$ is a
    polynomial of degree two in $\delta$ that opens downwards and is positive between its roots.
    The limit is the variance that a step leaves alone.
    """
    factor = 1 - _DELTA / _LAM
    gap = Poly(1 - factor**2, _DELTA)
    roots = same(gap.as_expr(), gap.LC() * _DELTA * (_DELTA - candidate.longest))
    downwards = gap.degree() == 2 and bool(gap.LC() < 0)
    stationary = same(factor**2 * candidate.variance + 2 * _DELTA, candidate.variance)
    return roots and downwards and stationary


Law = Callable[[Expr, Expr, Expr, Expr], tuple[Expr, Expr]]
Entry = Callable[[tuple[Expr, Expr], tuple[Expr, Expr], Expr, Expr], Expr]


def is_the_law(law: Law) -> bool:
    r"""After $k$ steps the mean error of $\log X$ is $[[0]]$ and its variance $[[1]]$, where $P$
    is $\alpha^k$, for every $k$.

    Mean and variance of D-recursion, by induction with a symbol for $\alpha^k$: where it is one
    they are those of the start, and one more step multiplies it by $\alpha$.
    """
    P, lam, e, V = symbols("P lam e V", positive=True)
    factor = _factor(lam)
    start, now, then = law(Integer(1), lam, e, V), law(P, lam, e, V), law(factor * P, lam, e, V)
    kept = then[0] - factor * now[0], then[1] - factor**2 * now[1] - 2 * _DELTA
    return vanishes((start[0] - e, start[1] - V, *kept))


def is_the_covariance(entry: Entry) -> bool:
    r"""On a log-normal target with any covariance the covariance of $\log X$ after $k$ steps has
    the entries $[[it]]$ in the eigenbasis of the target's, with $[[same]]$ for $i=[[j]]$ and
    $[[other]]$ for others, the eigenvalues $\lambda_i$ and the powers $P_i$ of their factors.

    A rotation of $\log X$ keeps the noise, so that the target's covariance may be taken diagonal;
    the recursion then holds entry by entry. Decided by induction as in one coordinate, for any
    covariance of the start, which need not commute with the target's.
    """
    powers, lams, V = symbols("P1 P2"), symbols("lam1 lam2"), symbols("V")
    one, verdicts = (Integer(1), Integer(1)), []
    for i, j, diagonal in ((0, 0, Integer(1)), (0, 1, Integer(0))):
        pair, now = (lams[i], lams[j]), (powers[i], powers[j])
        factors = [_factor(lam) for lam in pair]
        then = (factors[0] * now[0], factors[1] * now[1])
        start, before, after = (entry(P, pair, V, diagonal) for P in (one, now, then))
        added = 2 * _DELTA * diagonal
        verdicts.append(vanishes((start - V, after - factors[0] * factors[1] * before - added)))
    return all(verdicts)


def _factor(lam: Expr) -> Expr:
    return 1 - _DELTA / lam


def _limit(lam: Expr) -> Expr:
    return lam / (1 - _DELTA / (2 * lam))


def _law(P: Expr, lam: Expr, e: Expr, V: Expr) -> tuple[Expr, Expr]:
    return P * e, _limit(lam) + P**2 * (V - _limit(lam))


def _entry(P: tuple[Expr, Expr], lam: tuple[Expr, Expr], V: Expr, diagonal: Expr) -> Expr:
    limit = diagonal * _limit(lam[0])
    return limit + P[0] * P[1] * (V - limit)


def _shown_entry(entry: Entry) -> Values:
    powers, lams, here = symbols("P1 P2"), symbols("lam1 lam2"), Symbol("same")
    return {"it": entry(powers, lams, Symbol("V12"), here)}


def _pin_covariance(noise: int) -> Callable[[dict[str, mpf]], tuple[mpf, ...]]:
    """The law after n steps e' = A e, V' = A V A + noise delta I with A = I - delta S^-1."""

    def law(at: dict[str, mpf]) -> tuple[mpf, ...]:
        covariance = mpmath.matrix([[at["S11"], at["S12"]], [at["S12"], at["S22"]]])
        V = mpmath.matrix([[at["V11"], at["V12"]], [at["V12"], at["V22"]]])
        centre = mpmath.matrix([at["a1"], at["a2"]])
        e = mpmath.matrix([at["m1"], at["m2"]]) - centre
        step = mpmath.eye(2) - at["delta"] * covariance**-1
        for _ in range(int(mpmath.nint(at["n"]))):
            e, V = step * e, step * V * step + noise * at["delta"] * mpmath.eye(2)
        return centre[0] + e[0], centre[1] + e[1], V[0, 0], V[0, 1], V[1, 1]

    return law


def _pinned_law(law: Law) -> Callable[[dict[str, mpf]], tuple[mpf, ...]]:
    """In the names of the pin: from N(m0, V0), the target's mean being a."""
    P, lam, e, V = symbols("P lam e V", positive=True)
    ends = lambdify((P, lam, e, V, _DELTA), law(P, lam, e, V), "mpmath")

    def pinned(at: dict[str, mpf]) -> tuple[mpf, ...]:
        power = (1 - at["delta"] / at["lam"]) ** int(mpmath.nint(at["n"]))
        error, variance = ends(power, at["lam"], at["m0"] - at["a"], at["V0"], at["delta"])
        return at["a"] + error, variance

    return pinned


_TARGET = {"a1": 0.3, "a2": -0.7, "S11": 0.5, "S12": 0.2, "S22": 0.3}
_START = {"m1": 1.4, "m2": 0.1, "V11": 0.8, "V12": -0.3, "V22": 0.6}
_NAMES = {"lam": r"\sigma^{2}", "L": r"\log X", "V": "V_0", "e": "e_0", "P": "P", "r": "r",
          "z": "Z", "lam1": r"\lambda_i", "lam2": r"\lambda_j", "P1": "P_i", "P2": "P_j",
          "V12": "V_{ij}", "same": "s", "M": "M", "A": r"\alpha"}  # fmt: skip
_LOST = "the formula is lost in the text of version 2; the target and eq. 22 force it"
ONE_COORDINATE = "one coordinate; the target has independent ones"

A37 = Claim(
    "A37",
    "mirrored Langevin dynamics of a log-normal target",
    is_the_target,
    holds=(-1 - (L - M) / _LAM, -(L - M) / _LAM),
    twins={
        "score without the one": (-(L - M) / _LAM, -(L - M) / _LAM),
        "drift with the one": (-1 - (L - M) / _LAM, -1 - (L - M) / _LAM),
        "half the rate": (-1 - (L - M) / _LAM, -(L - M) / (2 * _LAM)),
    },
    shown=lambda c: {"score": c[0], "equation": Sde(r"\log X", c[1], sqrt(2))},
    names=_NAMES,
    sources=v2("eq. 37", "App. D: score of the log-normal target"),
    assumptions=(ONE_COORDINATE,),
    readings=(_LOST,),
    depends=("A22", "A23"),
)

RECURSION = Claim(
    "D-recursion",
    "its Euler–Maruyama step",
    is_the_recursion,
    holds=lambda e, r, z: (1 - _DELTA / _LAM) * e + r * z,
    twins={
        "growing": lambda e, r, z: (1 + _DELTA / _LAM) * e + r * z,
        "with the one left in": lambda e, r, z: (1 - _DELTA / _LAM) * e + _DELTA + r * z,
        "half the noise": lambda e, r, z: (1 - _DELTA / _LAM) * e + r * z / 2,
    },
    shown=lambda step: {"it": step(Symbol("error"), sqrt(2 * _DELTA), Symbol("z"))},
    names={**_NAMES, "error": "e"},
    sources=v2("App. D: recursion"),
    sheet=("A37", "R22"),
    assumptions=(ONE_COORDINATE,),
    readings=(_LOST,),
    depends=("A22", "A37"),
)

_ROOT = sqrt(2 * _DELTA)
UNROLLED = Claim(
    "D-unrolled",
    "the recursion unrolled",
    is_unrolled,
    holds=Unrolled(lambda k: k, lambda k, i: k - 1 - i, _ROOT),
    twins={
        "exponent k - i": Unrolled(lambda k: k, lambda k, i: k - i, _ROOT),
        "exponent i": Unrolled(lambda k: k, lambda k, i: i, _ROOT),
        "start damped twice at first": Unrolled(lambda k: k + 1, lambda k, i: k - 1 - i, _ROOT),
        "noise of variance delta": Unrolled(lambda k: k, lambda k, i: k - 1 - i, sqrt(_DELTA)),
    },
    equivalent=Unrolled(
        lambda k: (k**2 - 1) / (k - 1) - 1, lambda k, i: k - (i**2 - 1) / (i - 1), 2 * _ROOT / 2
    ),
    values=lambda: {"factor": _factor(_LAM)},
    names=_NAMES,
    sources=v2("App. D: unrolled"),
    sheet=("A37", "R22"),
    assumptions=("k is whole and at least zero",),
    readings=(_LOST,),
    depends=("D-recursion",),
)

LIMIT = Claim(
    "D-limit",
    "the limit law of the steps",
    is_the_limit,
    holds=Limit(_limit(_LAM), 2 * _LAM),
    twins={
        "for steps below sigma^2": Limit(_limit(_LAM), _LAM),
        "for no step": Limit(_limit(_LAM), Integer(0)),
        "the target": Limit(_LAM, 2 * _LAM),
        "noise of variance delta": Limit(_LAM / (2 - _DELTA / _LAM), 2 * _LAM),
        "too small by the factor": Limit(_LAM * (1 - _DELTA / (2 * _LAM)), 2 * _LAM),
    },
    names=_NAMES,
    sources=v2("App. D: limit measure"),
    sheet=("A37", "E20", "R22"),
    assumptions=("X_0 has any law", ONE_COORDINATE),
    readings=(_LOST,),
    depends=("D-unrolled",),
)

R22 = Claim(
    "R22",
    "law of the steps on a log-normal target",
    is_the_law,
    holds=_law,
    twins={
        "limit with delta / sigma^2": lambda P, lam, e, V: (
            P * e,
            lam / _factor(lam) + P**2 * (V - lam / _factor(lam)),
        ),
        "variance shrinks as the mean": lambda P, lam, e, V: (
            P * e,
            _limit(lam) + P * (V - _limit(lam)),
        ),
        "towards the target": lambda P, lam, e, V: (P * e, lam + P**2 * (V - lam)),
    },
    names=_NAMES,
    assumptions=(
        Assumption(
            "the step is not twice the variance of the target",
            "the limit, which divides by their distance",
            lambda: bool(_limit(_LAM).subs(_DELTA, 2 * _LAM).is_infinite),
        ),
        ONE_COORDINATE,
    ),
    depends=("D-recursion",),
    pins=(
        Pin(
            "gbm_ref.mirrored_langevin_law",
            tuple(
                dict(zip(("a", "lam", "delta", "n", "m0", "V0"), row, strict=True))
                for row in (
                    (0.3, 0.5, 0.11, 7, -1.2, 0.9),
                    # a factor of -0.9, one of 0.999, and beyond the range of stability
                    (-0.4, 0.2, 0.38, 40, 2.5, 0.01),
                    (0.0, 2.0, 0.002, 1000, 0.6, 0.0),
                    (0.1, 0.3, 0.7, 9, 0.2, 0.3),
                )
            ),
            variant="one coordinate",
            reads=_pinned_law,
        ),
    ),
)

MATRIX = Claim(
    "R22-matrix",
    "the same for any covariance of the target",
    is_the_covariance,
    holds=_entry,
    twins={
        "limit off the diagonal too": lambda P, lam, V, diagonal: _entry(P, lam, V, Integer(1)),
        "no limit at all": lambda P, lam, V, diagonal: _entry(P, lam, V, Integer(0)),
        "first eigenvalue for both": lambda P, lam, V, diagonal: _entry(
            (P[0], P[0]), lam, V, diagonal
        ),
    },
    shown=_shown_entry,
    values=lambda: {"same": 1, "other": 0, "j": "j"},
    names=_NAMES,
    sheet=("R22",),
    assumptions=("the step is not twice an eigenvalue of the target's covariance",),
    depends=("R22", "D-gaussian"),
    pins=(
        Pin(
            "gbm_ref.mirrored_langevin_law",
            tuple(
                {**_TARGET, **_START, **more}
                for more in (
                    {"delta": 0.11, "n": 3},
                    {"delta": 0.25, "n": 12},
                    {"S12": 0.38, "delta": 0.01, "n": 20},
                    # factors of 0 and -1, where the closed form is 0 / 0
                    {"S12": 0.0, "S22": 0.25, "delta": 0.5, "n": 5},
                )
            ),
            variant="full covariance",
            because="the matrices in any basis, by the recursion that the statement solves",
            formula=_pin_covariance(2),
            twins={"noise of variance delta": _pin_covariance(1)},
        ),
    ),
)

CLAIMS = (A37, RECURSION, UNROLLED, LIMIT, R22, MATRIX)
