"""Mirrored Langevin dynamics on a log-normal target, and its steps (version 2, app. D).

Symbols: L     log x
         M     mean of log X under the target;  lam  its variance (the paper's mu and sigma^2)
         delta step length;  e  = L - M;  r  = sqrt(2 delta)
         A     = 1 - delta / lam, the factor of one step;  k, i  numbers of steps
"""

from collections.abc import Callable
from typing import NamedTuple

from sympy import Expr, Integer, Matrix, Poly, Symbol, diff, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, v2
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


def factor(lam: Expr) -> Expr:
    """What a step multiplies the distance from the target's mean by."""
    return 1 - _DELTA / lam


def limit(lam: Expr) -> Expr:
    """The variance that a step leaves alone."""
    return lam / (1 - _DELTA / (2 * lam))


NAMES = {"lam": r"\sigma^{2}", "L": r"\log X", "V": "V_0", "e": "e_0", "P": "P", "r": "r",
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
    names=NAMES,
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
    names={**NAMES, "error": "e"},
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
    values=lambda: {"factor": factor(_LAM)},
    names=NAMES,
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
    holds=Limit(limit(_LAM), 2 * _LAM),
    twins={
        "for steps below sigma^2": Limit(limit(_LAM), _LAM),
        "for no step": Limit(limit(_LAM), Integer(0)),
        "the target": Limit(_LAM, 2 * _LAM),
        "noise of variance delta": Limit(_LAM / (2 - _DELTA / _LAM), 2 * _LAM),
        "too small by the factor": Limit(_LAM * (1 - _DELTA / (2 * _LAM)), 2 * _LAM),
    },
    names=NAMES,
    sources=v2("App. D: limit measure"),
    sheet=("A37", "E20", "R22"),
    assumptions=("X_0 has any law", ONE_COORDINATE),
    readings=(_LOST,),
    depends=("D-unrolled",),
)

CLAIMS = (A37, RECURSION, UNROLLED, LIMIT)
