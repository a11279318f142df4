"""The loops of version 1: what Algorithm 2 computes as printed, and which rows it visits.

Every routine runs the listing on symbols and compares it with Euler-Maruyama steps that are built
from the reverse equation (A13). Symbols: k level, L inner visits, chi decay of the noise,
delta_s length of a step, z_k_j draws, h_n values of an arbitrary score.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Symbol

from spec.checking.algebra import same
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Pin, Proof, v1
from spec.steps._programs import (
    Program,
    Row,
    Setting,
    UnknownScore,
    by_rows,
    chi,
    decayed_each_visit,
    frozen_score,
    in_place,
    literal,
)
from spec.steps._recursions import GridRow, annealed_rows, variance_after

_LENGTH = Symbol("length_root", positive=True)
Kept = Callable[[int], int]
Rows = Callable[[int, int, Expr], list[Row]]


def takes_steps(candidate: tuple[Program, Kept]) -> bool:
    """Whether a program with L inner visits takes kept(L) steps at each level, its last ones.

    Left: the program on symbols, two levels and L = 1, 2, 3. Right: Euler-Maruyama steps in
    log X with the last kept(L) draws of each level and noise 1, then chi. Both read one unknown
    score, so that equality holds for every score.
    """
    program, kept = candidate
    verdicts = []
    for inner in (1, 2, 3):
        score = UnknownScore()
        rows = [
            (k, j, chi**i)
            for i, k in enumerate((2, 1))
            for j in range(inner - kept(inner) + 1, inner + 1)
        ]
        left = program(Setting(2, inner, _LENGTH), score)
        verdicts.append(same(left, by_rows(rows, score, _LENGTH)))
    return all(verdicts)


def are_the_rows(rows: Rows) -> bool:
    """Whether rows(N, L, chi) are those that Algorithm 2 of version 1, in place, visits.

    Left: the listing from level N - 1 to 1. Right: Euler-Maruyama steps along the rows.
    """
    verdicts = []
    for levels, inner in ((3, 2), (4, 1)):
        score = UnknownScore()
        left = in_place(Setting(levels - 1, inner, _LENGTH), score)
        verdicts.append(same(left, by_rows(rows(levels, inner, chi), score, _LENGTH)))
    return all(verdicts)


def _rows_of_listing(levels: int, inner: int, decay: Expr) -> list[Row]:
    return [
        (k, j, decay**i)
        for i, k in enumerate(range(levels - 1, 0, -1))
        for j in range(1, inner + 1)
    ]


def _rows_from_the_top(levels: int, inner: int, decay: Expr) -> list[Row]:
    return _rows_of_listing(levels + 1, inner, decay)


def _rows_without_inner(levels: int, inner: int, decay: Expr) -> list[Row]:
    return [row for row in _rows_of_listing(levels, inner, decay) if row[1] == 1]


def _rows_decayed_first(levels: int, inner: int, decay: Expr) -> list[Row]:
    return [(k, j, noise * decay) for k, j, noise in _rows_of_listing(levels, inner, decay)]


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        v0, s2 = mpf("0.05"), mpf("0.64")
        start, ratios = v0 + s2 * mpf(999) / 1000, []
        for inner in (3, 1):
            rows: list[GridRow] = annealed_rows(1000, mpf("2e-4"), inner, mpf("0.995"), first=999)
            ratios.append(variance_after(rows, v0, s2, start) / v0)
    setting = "sigma = 0.8, v0 = 0.05, N = 1000, delta_s = 2e-4, L = 3, chi = 0.995"
    return (
        Figure(f"log-variance over that of the data, X updated in place ({setting})", ratios[0]),
        Figure("the same, as printed", ratios[1]),
    )


E3 = Claim(
    id="E3",
    title="inner loop of Algorithm 2, updated in place",
    statement="With one variable $X$ that each inner visit overwrites, Algorithm 2 of version 1 "
    "takes $L$ Dale–Langevin steps at each level.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("Algorithm 2"),
    sheet=("E3",),
    assumptions=("the listing means what such listings mean: $X_k$ keeps its value",),
    depends=("A13", "E3-literal"),
    derivation="Run the listing on symbols, with an arbitrary score. In place, the state after "
    "visit $j$ is what visit $j+1$ starts from, and the result is $L$ steps of A13 at each level. "
    "As printed, line 6 computes $X_{k-1}$ from $X_k$, which the inner loop never changes.",
    proof=Proof(
        takes_steps,
        holds=(in_place, lambda inner: inner),
        twins={
            "score read once a level": (frozen_score, lambda inner: inner),
            "noise decayed in the inner loop": (decayed_each_visit, lambda inner: inner),
        },
        printed={"the listing": (literal, lambda inner: inner)},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"for $j\leftarrow1$ to $L$: $\bm X_{k-1}=\bm X_k\circ\exp(-\delta(\bm\mu-"
        r"\frac{3\sigma^2}2\bm1)+\delta\sigma^2\bm X_k\circ s_\theta(\bm X_k,k)+\kappa\sigma"
        r"\sqrt\delta\bm Z_{k,j})$",
        trouble="The right side does not depend on $j$ except through the draw, so each visit "
        "overwrites the previous one and only the last of the $L$ network evaluations counts: the "
        "output is that of $L=1$ (claim E3-literal). The samples shown are called noise-free, "
        "which suggests that the authors' code updates in place.",
        correction=r"Update one variable in place: $\bm X\leftarrow\bm X\circ\exp(\cdots\bm "
        r"X\cdots)$, $L$ times at each level.",
        figures=_figures,
        remains_open="The listings of version 2 are lost in the text we have.",
    ),
)

E3_LITERAL = Claim(
    id="E3-literal",
    title="Algorithm 2 as printed is L = 1",
    statement="As printed, Algorithm 2 of version 1 returns for every $L$ what one visit a level "
    "with the last draw $Z_{k,L}$ returns; the other draws do not enter.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v1("Algorithm 2"),
    sheet=("E3",),
    depends=("A13",),
    derivation="Run the listing on symbols for $L=1,2,3$ and an arbitrary score and compare with "
    "one Euler–Maruyama step a level that uses $Z_{k,L}$. Every visit reads $X_k$, so the value "
    "that survives is that of $j=L$; the induction to any $L$ is the same sentence.",
    proof=Proof(
        takes_steps,
        holds=(literal, lambda inner: 1),
        twins={
            "two visits count": (literal, lambda inner: min(inner, 2)),
            "in place": (in_place, lambda inner: 1),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.printed",
            formula=lambda at: _flat_rows({**at, "L": mpf(1), "start": at["N"] - 1}, 0),
            twins={
                "one level up": lambda at: _flat_rows({**at, "L": mpf(1), "start": at["N"]}, 0)[
                    :-3
                ],
                "decayed before the first level": lambda at: _flat_rows(
                    {**at, "L": mpf(1), "start": at["N"] - 1}, 1
                ),
            },
            points=(
                {"N": 5, "T": 1.0, "step": 0.04, "chi": 0.995},
                {"N": 7, "T": 2.3, "step": 2.3 / 7, "chi": 0.6},
            ),
        ),
    ),
)

V1_ALG2 = Claim(
    id="V1-Alg2",
    title="Algorithm 2 of version 1, in place, as rows",
    statement=r"Algorithm 2 with $X$ updated in place is a run of Dale–Langevin steps along the "
    r"rows (score at $t=k\delta$, length $\delta_s$, noise $\chi^{N-1-k}$), each $L$ times, "
    r"$k=N-1,\dots,1$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v1("Algorithm 2"),
    sheet=("A-Alg1",),
    assumptions=("X updated in place (E3)", r"line 6 has $\sqrt\delta$"),
    depends=("A13", "E3"),
    derivation=r"$\kappa$ starts at 1 and is multiplied by $\chi$ after the inner loop, so level "
    r"$k$ has $\kappa=\chi^{N-1-k}$. Line 6 is A13 with the noise scaled by $\kappa$. Run on "
    "symbols for $(N,L)=(3,2),(4,1)$ and an arbitrary score.",
    proof=Proof(
        are_the_rows,
        holds=_rows_of_listing,
        twins={
            "starting at k = N": _rows_from_the_top,
            "one visit a level": _rows_without_inner,
            "noise decayed before the first level": _rows_decayed_first,
        },
    ),
    pins=(
        Pin(
            "gbm_ref.annealed",
            formula=lambda at: _flat_rows(at, 0),
            twins={
                "decayed before the first level": lambda at: _flat_rows(at, 1),
                "step of length delta": lambda at: _flat_rows(
                    {**at, "step": at["T"] / at["N"]}, 0
                ),
            },
            points=(
                {"N": 5, "T": 1.0, "step": 0.04, "L": 3, "chi": 0.995, "start": 4},
                {"N": 7, "T": 2.3, "step": 2.3 / 7, "L": 1, "chi": 0.6, "start": 3},
                {"N": 1000, "T": 1.0, "step": 2e-4, "L": 2, "chi": 0.9, "start": 12},
            ),
        ),
    ),
)


def _flat_rows(at: dict[str, mpf], late: int) -> tuple[mpf, ...]:
    """The rows of V1-Alg2 from level `start`, as one sequence; `late` shifts the decay."""
    levels, inner, start = (int(mpmath.nint(at[name])) for name in ("N", "L", "start"))
    flat: list[mpf] = []
    for i, k in enumerate(range(start, 0, -1)):
        flat += [k * at["T"] / levels, at["step"], at["chi"] ** (i + late)] * inner
    return tuple(flat)


CLAIMS = (E3_LITERAL, E3, V1_ALG2)
