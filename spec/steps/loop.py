"""One loop over rows: every sampler of the paper is it with another step and another grid.

Symbols: rows (level or time of the score, length, factor on the noise); z draws; in the pins a
Dale-Langevin step in the plane with the affine score of the other pins.
"""

from collections.abc import Callable
from functools import reduce

from mpmath import mpf
from sympy import Expr, Rational

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof, v1, v2
from spec.checking.pins import Values, evaluator
from spec.steps._pinned import SLOPE_VALUES, dale_formula
from spec.steps._programs import START, Row, Setting, UnknownScore, chi, draw, in_place
from spec.steps._reverse import log_step, root

Visit = Callable[[Expr, Row], Expr]
Loop = Callable[[Visit, list[Row], Expr], Expr]


def runs_the_algorithms(loop: Loop) -> bool:
    """Whether the loop over the rows of Algorithm 2 (in place) computes what the listing does.

    Left: the listing of version 1 run in place on symbols, with chi and with chi = 1, L = 1 (then
    it is Algorithm 1, corrected). Right: the loop with Euler-Maruyama steps of the reverse
    equation of log X.
    """
    verdicts = []
    for levels, inner, decay in ((2, 2, chi), (3, 1, Rational(1))):
        score = UnknownScore()
        left = in_place(Setting(levels, inner, decay=decay), score)
        rows = [
            (k, j, decay**i)
            for i, k in enumerate(range(levels, 0, -1))
            for j in range(1, inner + 1)
        ]

        def visit(state: Expr, row: Row, score: UnknownScore = score) -> Expr:
            k, j, noise = row
            return state + log_step(score(state, k), draw(k, j), root, noise)

        verdicts.append(same(left, loop(visit, rows, START)))
    return all(verdicts)


def _in_order(visit: Visit, rows: list[Row], start: Expr) -> Expr:
    return reduce(visit, rows, start)


def _backwards(visit: Visit, rows: list[Row], start: Expr) -> Expr:
    return reduce(visit, rows[::-1], start)


def _without_the_last(visit: Visit, rows: list[Row], start: Expr) -> Expr:
    return reduce(visit, rows[:-1], start)


def _from_the_start_each_time(visit: Visit, rows: list[Row], start: Expr) -> Expr:
    return start + sum(visit(start, row) - start for row in rows)


def _path(order: str, states: int) -> Callable[[Values], tuple[mpf, ...]]:
    """The last of the states x_T, after row 1 and after row 2, with the rows in that order."""

    def value(at: Values) -> tuple[mpf, ...]:
        step, path = evaluator(dale_formula()), [(at["x1"], at["x2"])]
        for i in order:
            row = {name: at[f"{name}{i}"] for name in ("t", "dt", "kappa", "z1", "z2")}
            path.append(tuple(step({**at, "x1": path[-1][0], "x2": path[-1][1], **row})))
        return tuple(e for state in path[-states:] for e in state)

    return value


_POINTS = (
    {"x1": 0.7, "x2": 1.9, "mu": 0.17, "sigma": 0.8, "tA": 0.62, "dtA": 0.11, "kappaA": 1.0,
     "z1A": -0.8, "z2A": 1.3, "tB": 0.51, "dtB": 0.2, "kappaB": 0.995, "z1B": 0.33, "z2B": -1.9,
     **SLOPE_VALUES},
    {"x1": 2e-3, "x2": 57.0, "mu": -0.4, "sigma": 1.3, "tA": 1.0, "dtA": 0.05, "kappaA": 0.7,
     "z1A": 3.7, "z2A": -4.2, "tB": 0.02, "dtB": 0.02, "kappaB": 0.0, "z1B": 1.0, "z2B": 2.0,
     **SLOPE_VALUES},
)  # fmt: skip

ONE_LOOP = Claim(
    id="one-loop",
    title="one loop over rows",
    statement="A sampler is a step, a score and a list of rows (time of the score, length, factor "
    "on the noise): the state is carried through the rows in order, each with its own draw. "
    "Algorithm 1 of version 1 (corrected) and Algorithm 2 (in place) are this loop.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("Algorithm 1", "Algorithm 2"), *v2("Algorithm 1")),
    sheet=("A-Alg1",),
    assumptions=("the algorithms as corrected in E2, E3 and E4",),
    depends=("A13", "V1-Alg1", "V1-Alg2"),
    derivation="Unroll the listing: visit $j$ of level $k$ applies the step with the score read "
    r"at $k\delta$ to the state that the visit before left. Both sides are run on symbols with an "
    "arbitrary score.",
    proof=Proof(
        runs_the_algorithms,
        holds=_in_order,
        twins={
            "rows backwards": _backwards,
            "last row left out": _without_the_last,
            "every row from the start": _from_the_start_each_time,
        },
    ),
    pins=(
        Pin(
            "gbm_ref.simulate",
            formula=_path("AB", 1),
            twins={"rows swapped": _path("BA", 1)},
            points=_POINTS,
        ),
        Pin(
            "gbm_ref.simulate",
            formula=_path("AB", 3),
            twins={"rows swapped": _path("BA", 3)},
            points=_POINTS,
            variant="path",
        ),
    ),
)

CLAIMS = (ONE_LOOP,)
