"""Algorithm 2 of version 1: what it computes as printed and in place, which rows it visits, what
its noise decays over, and the loop that the algorithms of version 1 are."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from itertools import product

from mpmath import mpf, nint
from sympy import Expr, Function, Integer, Min, Symbol, exp, expand, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Formula, Means, Pin, Values, v1, v2
from spec.checking.pins import table, when_asked
from spec.checking.symbols import dt, h, kappa, sigma, t, z
from spec.checking.trace import points
from spec.checking.typeset import applied
from spec.steps._pinned import in_plane, plane_table
from spec.steps._programs import (
    START, Program, Row, Score, by_rows, chi, decayed_each_visit, draw, frozen_score, in_place,
    literal, unknown_score)  # fmt: skip
from spec.steps._recursions import CHI, LEVELS, annealed_rows, variance_figure
from spec.steps._reverse import log_step, root

_LENGTH = Symbol("length_root", positive=True)
N, L, i, j, k, delta_s = symbols("N L i j k delta_s", positive=True)
Kept = Callable[[Expr], Expr]
# The first level, the visits of each, and the power of chi in the noise of level k.
Rows = tuple[Expr, Expr, Expr]
Visit = Callable[[Expr, Row], Expr]
Power = Callable[[Expr, Expr, Expr], Expr]


def takes_steps(candidate: tuple[Program, Kept]) -> bool:
    """Whether a program with L visits a level takes the last kept(L) steps of each level."""
    (program, kept), gaps = candidate, []
    for levels, inner in _sizes("N L", _TWO_VISITS, (2, 1), (2, 2), (2, 3)):
        score, rows = unknown_score(), _along((N, L, N - k), levels, inner)
        late = [row for row in rows if row[1] > inner - int(kept(inner))]
        steps = by_rows(late, score, _LENGTH) - START
        gaps.append(_added(program, score, levels, inner) - steps)
        gaps.append(Integer(len(late)) - levels * kept(inner))
    return vanishes(gaps)


def _added(program: Program, score: Score, levels: int, inner: int) -> Expr:
    return program(score, levels, inner, _LENGTH) - START


def _along(rows: Rows, levels: int, inner: int, decay: Expr = chi) -> list[Row]:
    first, visits, power = (part.subs({N: levels, L: inner}) for part in rows)
    order = product(range(int(first), 0, -1), range(1, int(visits) + 1))
    return [(level, visit, _noise(int(power.subs(k, level)), decay)) for level, visit in order]


def _noise(power: Expr | int, decay: Expr | mpf = chi) -> Expr | mpf:
    return decay**power


def are_the_rows(rows: Rows) -> bool:
    r"""Algorithm 2 with $X$ updated in place is a run of Dale–Langevin steps along rows with the
    score at level $k$, length $\delta_s$ and noise $[[noise]]$, each of them $[[visits]]$ times,
    from level $[[first]]$ to level one: at the sizes shown.

    The listing begins with full noise and multiplies it by $\chi$ after the inner loop. It is run
    on symbols with an arbitrary score and compared with Euler–Maruyama steps along the rows."""
    gaps = []
    for levels, inner in _sizes("N L", (3, 2), (4, 1)):
        score, along = unknown_score(), _along(rows, levels, inner)
        found = in_place(score, levels - 1, inner, _LENGTH)
        gaps.append(found - by_rows(along, score, _LENGTH))
    return vanishes(gaps)


def _sizes(names: str, *rows: tuple) -> Iterator[tuple]:
    return (tuple(size.values()) for size in points(table(names, *rows)))


def runs_the_algorithms(loop: Callable[[Visit, Sequence[Row], Expr], Expr]) -> bool:
    r"""A sampler is a step, a score and a list of rows (time of the score, length, factor on the
    noise): the state goes through the rows in order, each with its own draw. After rows $f$ and
    $g$ it is $[[it]]$. Algorithm 1 of version 1 (corrected) and Algorithm 2 (in place) are this
    loop, at the sizes shown.

    A visit applies the step to the state that the visit before left. Both sides are run on symbols
    with an arbitrary score; Algorithm 1 is the listing with one visit a level and no decay."""
    gaps = []
    for levels, inner, decay in _sizes("N L chi", (2, 2, chi), (3, 1, Integer(1))):
        score, rows = unknown_score(), _along((N, L, N - k), levels, inner, decay)
        step = partial(lambda score, state, row: by_rows([row], score, start=state), score)
        gaps.append(in_place(score, levels, inner, decay=decay) - loop(step, rows, START))
    return vanishes(gaps)


def is_the_power(power: Power) -> bool:
    r"""In Algorithm 2 of version 1, run with two levels of three visits, visit $j$ of the $i$-th
    level, counted from zero, has the factor $[[noise]]$ on its noise: it decays across levels.

    The listing is run in place on symbols, and the factor on each draw is read off."""
    inner, gaps = 3, []
    result = expand(in_place(unknown_score(), 2, inner))
    for level, visit in _sizes("i j", *product((0, 1), range(1, inner + 1))):
        found = result.coeff(draw(2 - level, visit))
        gaps.append(found - sigma * root * _noise(power(level, visit, inner)))
    return vanishes(gaps)


def _shown(candidate: tuple[Program, Kept]) -> Values:
    program, kept = candidate
    added = _added(program, unknown_score(), *_TWO_VISITS)
    return {"added": added.collect(_LENGTH).subs(_LENGTH, sqrt(delta_s)), "kept": kept(L)}


_NAMES, _TWO_VISITS = {"h_0": "h", "h_1": "h'", "L": "L"}, (1, 2)  # at one level
_ALL: Kept = lambda inner: inner  # noqa: E731
_ONE: Kept = lambda inner: Integer(1)  # noqa: E731


def _flat_rows(at: dict[str, mpf], rows: Rows) -> tuple[mpf, ...]:
    """The rows from level `start`, which is N - 1 in the listing, as one sequence."""
    delta, sizes = at["T"] / nint(at["N"]), (at["start"] + 1, at.get("L", mpf(1)))
    along = _along(rows, *(int(nint(size)) for size in sizes), at["chi"])
    return tuple(part for level, _, noise in along for part in (level * delta, at["step"], noise))


def _printed_rows(rows: Rows) -> Formula:
    return lambda at: _flat_rows(at | {"start": at["N"] - 1}, rows)


_ROWS, _LATE = (N - 1, L, N - 1 - k), (N - 1, L, N - k)
E3_LITERAL = Claim(
    "E3-literal", "Algorithm 2 as printed is L = 1", takes_steps, holds=(literal, _ONE), twins={
        "two visits count": (literal, lambda inner: Min(inner, 2)), "in place": (in_place, _ONE),
    },
    statement="As printed, Algorithm 2 of version 1 returns with two levels of $L$ visits, for "
    "$L$ from one to three, what [[kept]] visit a level with the last draw returns; the other "
    "draws do not enter. With two visits at one level it adds $[[added]]$ to the logarithm.",
    derivation="Run on symbols with an arbitrary score. Every visit reads $X_k$.",
    shown=_shown, names=_NAMES, means=Means.POINTS, sources=v1("Algorithm 2"), sheet=("E3",),
    depends=("A13",), pins=(Pin(
        "gbm_ref.printed", table("N T step chi", (5, 1.0, 0.04, 0.995), (7, 2.3, 2.3 / 7, 0.6)),
        because="its rows are those of V1-Alg2 with one visit a level",
        formula=_printed_rows(_ROWS), twins={
            "one level up": lambda at: _flat_rows(at | {"start": at["N"]}, _ROWS)[:-3],
            "decayed before the first level": _printed_rows(_LATE)}),))  # fmt: skip


def _figures() -> tuple[Figure, ...]:
    step, inner = mpf("2e-4"), 3
    where = f"delta_s = {float(step)}, chi = {float(CHI)}"
    return tuple(
        variance_figure(f"{how}, {where}", annealed_rows(LEVELS, step, visits, CHI, LEVELS - 1))
        for visits, how in ((inner, f"X updated in place with L = {inner}"), (1, "as printed"))
    )


E3 = Claim(
    "E3", "inner loop of Algorithm 2, updated in place", takes_steps, holds=(in_place, _ALL),
    twins={
        "score read once a level": (frozen_score, _ALL),
        "noise decayed in the inner loop": (decayed_each_visit, _ALL),
    }, printed={"the listing": (literal, _ALL)},
    statement="With one variable $X$ that each inner visit overwrites, Algorithm 2 of version 1 "
    r"takes $[[kept]]$ Dale–Langevin steps at each of two levels, with $\chi$ on the noise of the "
    "second, for $L$ from one to three. With two visits at one level it adds $[[added]]$ to the "
    "logarithm, where the two scores are read one after the other.",
    derivation="Run on symbols with an arbitrary score. A visit starts where the last one ended.",
    shown=_shown, names=_NAMES, means=Means.POINTS, sources=v1("Algorithm 2"),
    readings=("the listing means what such listings mean: X_k keeps its value",),
    depends=("A13", "E3-literal"), erratum=Erratum(
        Fault.WRONG, quote=r"for $j\leftarrow1$ to $L$: $\bm X_{k-1}=\bm "
        r"X_k\circ\exp(-\delta(\bm\mu-\frac{3\sigma^2}2\bm1)+\delta\sigma^2\bm X_k\circ "
        r"s_\theta(\bm X_k,k)+\kappa\sigma\sqrt\delta\bm Z_{k,j})$",
        trouble="The right side depends on $j$ through the draw alone, so that each visit "
        "overwrites the last: two at one level add $[[printed:added]]$ to the logarithm.",
        advice="Update one variable in place, $L$ times at each level.", figures=_figures,
    ))  # fmt: skip

V1_ALG2 = Claim(
    "V1-Alg2", "Algorithm 2 of version 1, in place, as rows", are_the_rows, holds=_ROWS, twins={
        "starting at k = N": (N, *_LATE[1:]), "one visit a level": (N - 1, Integer(1), _ROWS[2]),
        "noise decayed before the first level": _LATE,
    }, shown=lambda rows: {"first": rows[0], "visits": rows[1], "noise": _noise(rows[2])},
    names=_NAMES, means=Means.POINTS, sources=v1("Algorithm 2"), sheet=("A-Alg1",),
    readings=("X is updated in place (E3)", "line 6 has the square root of delta"),
    depends=("A13", "E3"), pins=(Pin(
        "gbm_ref.annealed", table(
            "N T step L chi start", (5, 1.0, 0.04, 3, 0.995, 4), (7, 2.3, 2.3 / 7, 1, 0.6, 3),
            (1000, 1.0, 2e-4, 2, 0.9, 12),
        ), reads=lambda rows: lambda at: _flat_rows(at, rows), twins={
            "decayed before the first level": lambda at: _flat_rows(at, _LATE),
            "step of length delta": lambda at: _flat_rows(at | {"step": at["T"] / at["N"]}, _ROWS),
        }),))  # fmt: skip


def _in_order(visit: Visit, rows: Sequence[Row], start: Expr) -> Expr:
    return reduce(visit, rows, start)


def _path(order: str, states: int, late: int = 0) -> Callable[[dict[str, mpf]], tuple[mpf, ...]]:
    """The last of the states x_T, after row 1 and after row 2, with the rows in that order."""
    step = when_asked(lambda: in_plane(exp(log_step(h, z, root, kappa)), t - late * dt))

    def value(at: dict[str, mpf]) -> tuple[mpf, ...]:
        path = [(at["x1"], at["x2"])]
        for name in order:
            row = {part: at[f"{part}{name}"] for part in ("t", "dt", "kappa", "z1", "z2")}
            path.append(step(at | row | dict(zip(("x1", "x2"), path[-1], strict=True))))
        return sum(path[-states:], ())

    return value


_POINTS = plane_table(
    "x1 x2 mu sigma tA dtA kappaA z1A z2A tB dtB kappaB z1B z2B",
    (0.7, 1.9, 0.17, 0.8, 0.62, 0.11, 1.0, -0.8, 1.3, 0.51, 0.2, 0.995, 0.33, -1.9),
    (2e-3, 57.0, -0.4, 1.3, 1.0, 0.05, 0.7, 3.7, -4.2, 0.02, 0.02, 0.0, 1.0, 2.0))  # fmt: skip


def _simulation(states: int, variant: str = "") -> Pin:
    late, swapped = _path("AB", states, late=1), _path("BA", states)
    return Pin(
        "gbm_ref.simulate", _POINTS, because="it is the loop with the step of A13 and two rows",
        formula=_path("AB", states), variant=variant,
        twins={"rows swapped": swapped, "scores read at the end of the step": late})  # fmt: skip


ONE_LOOP = Claim(
    "one-loop", "one loop over rows", runs_the_algorithms, holds=_in_order, twins={
        "rows backwards": lambda visit, rows, start: _in_order(visit, rows[::-1], start),
        "last row left out": lambda visit, rows, start: _in_order(visit, rows[:-1], start),
        "every row from the start": lambda visit, rows, start: (
            start + sum(visit(start, row) - start for row in rows)
        ),
    }, shown=lambda loop: {"it": loop(lambda at, row: Function(row)(at), "fg", Symbol("X"))},
    means=Means.POINTS, sources=v1("Algorithm 1", "Algorithm 2") + v2("Algorithm 1"),
    sheet=("A-Alg1",), readings=("the algorithms as corrected in E2, E3 and E4",),
    depends=("A13", "V1-Alg1", "V1-Alg2"), pins=(_simulation(1), _simulation(3, "path")),
)  # fmt: skip


def _decay_figures() -> tuple[Figure, ...]:
    inner = 3
    rows = annealed_rows(LEVELS, mpf(1) / LEVELS / inner, inner, 1, LEVELS)
    where = f"L = {inner}, delta_s = delta / {inner}, chi = {float(CHI)}"
    named = {f"noise decayed across levels, {where}": _ACROSS, "within a level": _WITHIN}
    return tuple(
        variance_figure(label, [
            (t, dt, _noise(power(n // inner, n % inner + 1, inner), CHI))
            for n, (t, dt, _) in enumerate(rows)
        ]) for label, power in named.items())  # fmt: skip


_ACROSS: Power = lambda i, j, inner: i  # noqa: E731
_WITHIN: Power = lambda i, j, inner: j - 1  # noqa: E731
NOISE_DECAY = Claim(
    "E24-decay", "what the noise decays over", is_the_power, holds=_ACROSS, twins={
        "decayed at every visit": lambda i, j, inner: i * inner + j - 1,
        "decayed before the first level": lambda i, j, inner: i + 1,
    }, printed={"over the repeated steps of each level": _WITHIN},
    shown=lambda power: {"noise": _noise(applied(power))}, names={"inner": "L"},
    means=Means.POINTS, sources=v2("sec. 6.3: decay of the noise"), sheet=("E24", "A-Alg1"),
    readings=("version 2's Algorithm 1 is version 1's Algorithm 2 in this respect",),
    depends=("E3", "V1-Alg2"), erratum=Erratum(
        Fault.INCONSISTENT,
        quote="Sec. 6.3: the noise coefficient “is decayed geometrically by a factor … across "
        "noise levels”, and in the next sentence “progressively reduces noise injection over the "
        "repeated sampling steps at each noise level”",
        trouble="The first sentence is what version 1 lists, and section 1.3 of version 2 agrees "
        "(“decayed geometrically by factor [lost] at each outer iteration”). By the second every "
        "level begins at full noise again.",
        advice="“… progressively reduces noise injection from one noise level to the next”.",
        figures=_decay_figures))  # fmt: skip
CLAIMS = (E3_LITERAL, E3, V1_ALG2, ONE_LOOP, NOISE_DECAY)
