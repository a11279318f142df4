"""Over which levels the loops run (version 1, eq. 22 and both algorithms).

Symbols: N steps; k level, t = k / N; s2 = sigma^2.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
from mpmath import mpf
from sympy import Rational, limit, oo, symbols

from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Pin, Proof, v1
from spec.checking.symbols import s2


@dataclass(frozen=True)
class Levels:
    """Which k the loops run over: forward X_{k+1} from X_k, reverse X_{k-1} from X_k."""

    forward: Callable[[int], range]
    start: Callable[[int], int]
    reverse: Callable[[int], range]


def cover_the_interval(levels: Levels) -> bool:
    """Whether the forward loop goes from t = 0 to 1 and the reverse loop all the way back.

    Runs both loops with the set of states that exist, for N = 1, ..., 6. The score is asked for
    at each level of the reverse loop; where its mean square, 1 / (s2 t) for data on points, has
    no finite limit, the loop is refused.
    """
    return all([_covers(levels, n) for n in range(1, 7)])


def _covers(levels: Levels, count: int) -> bool:
    forward, state = list(levels.forward(count)), 0
    for k in forward:
        if k != state:
            return False
        state = k + 1
    if state != count or levels.start(count) != state:
        return False
    time = symbols("t", positive=True)
    for k in levels.reverse(count):
        if k != state or limit(1 / (s2 * time), time, Rational(k, count)) == oo:
            return False
        state = k - 1
    return state == 0


_CLEAN = Levels(lambda n: range(n), lambda n: n, lambda n: range(n, 0, -1))


def _level_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        return (
            Figure("last time of the forward loop for N = 10", mpf(10 - 1) / 10),
            Figure("log-variance of the noise that is missing there (sigma = 0.8)",
                   mpf("0.64") / 10),
            Figure("index of the last state that Algorithm 1 writes", min(range(9, -1, -1)) - 1),
        )  # fmt: skip


E4 = Claim(
    id="E4",
    title="range of the loops; the uniform grid",
    statement=r"With $\delta=1/N$ the forward loop runs $k=0,\dots,N-1$ and ends at $t=1$; the "
    r"reverse loop runs $k=N,\dots,1$, reads scores at $t=k\delta$ and ends at $X_0$. No score is "
    r"read at $t=0$.",
    kind=Kind.REFUTED,
    means=Means.CALCULUS,
    sources=v1("Algorithm 1", "Algorithm 2"),
    sheet=("E4",),
    assumptions=("the loops write $X_{k+1}$ (forward) and $X_{k-1}$ (reverse) from $X_k$",),
    derivation=r"Follow the index: each pass reads the state that the previous one wrote. $N$ "
    r"passes lead from 0 to $N$ and back. At $t\to0$ the mean square of $1+h$ is "
    r"$\frac1{\sigma^2t}\to\infty$ for data on finitely many points, so a score at $k=0$ need not "
    "exist.",
    proof=Proof(
        cover_the_interval,
        holds=_CLEAN,
        twins={
            "reverse loop down to k = 0": Levels(
                _CLEAN.forward, _CLEAN.start, lambda n: range(n, -1, -1)
            ),
            "reverse loop stops at k = 2": Levels(
                _CLEAN.forward, _CLEAN.start, lambda n: range(n, 1, -1)
            ),
        },
        printed={
            "eq. 22 and Algorithm 1": Levels(
                lambda n: range(n - 1), lambda n: n - 1, lambda n: range(n - 1, -1, -1)
            ),
            "eq. 22 and Algorithm 2": Levels(
                lambda n: range(n - 1), lambda n: n - 1, lambda n: range(n - 1, 0, -1)
            ),
        },
    ),
    erratum=Erratum(
        fault=Fault.INCONSISTENT,
        printed=r"$\delta=\frac1N$; eq. 22 for $k=0,\dots,N-2$; Algorithm 1 for $k\leftarrow N-1$ "
        r"to $0$; Algorithm 2 for $k\leftarrow N-1$ to $1$",
        trouble=r"The forward loop stops at $X_{N-1}$, that is at $t=1-\delta$, not at the end of "
        r"$[0,1]$. Algorithm 1 then writes $X_{-1}$ and reads a score at $k=0$, where it may be "
        "singular. Algorithm 2 is consistent with itself and ends at $X_0$; with eq. 22 it covers "
        r"$[0,1-\delta]$. Eq. 14 writes the index as $t$.",
        correction=r"Forward $k=0,\dots,N-1$; reverse $k=N,\dots,1$; losses over $k=1,\dots,N$.",
        figures=_level_figures,
        remains_open="The ranges of version 2's algorithms are lost in the text we have.",
    ),
    pins=(
        Pin(
            "gbm_ref.uniform",
            formula=lambda at: _uniform_rows(at, 0),
            twins={"levels N - 1 to 0": lambda at: _uniform_rows(at, 1)},
            points=({"N": 1, "T": 0.7}, {"N": 4, "T": 1.0}, {"N": 13, "T": 3.1}),
        ),
    ),
)


def _uniform_rows(at: dict[str, mpf], below: int) -> tuple[mpf, ...]:
    """N rows (k T / N, T / N, 1) as one sequence, k from N - below downwards."""
    count, flat = int(mpmath.nint(at["N"])), []
    for k in range(count - below, -below, -1):
        flat += [k * at["T"] / count, at["T"] / count, mpf(1)]
    return tuple(flat)


CLAIMS = (E4,)
