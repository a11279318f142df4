"""The paper's algorithms as programs on symbols: what a listing does is found by running it.

The state is log X. The score is an unknown function: a symbol for each pair of state and level
that it is asked about, the same for equal polynomials and another for any other."""

from collections.abc import Callable, Sequence
from functools import partial

from sympy import Expr, Integer, Rational, Symbol, expand

from spec.checking.symbols import mu, sigma
from spec.steps._reverse import log_step, root

START = Symbol("Y_start", real=True)
chi = Symbol("chi", positive=True)
Score, Program = Callable[[Expr, int], Symbol], Callable[..., Expr]
Row = tuple[int, int, Expr]  # level k, visit j, factor on the noise


def unknown_score() -> Score:
    """An arbitrary Hyvarinen score h(state, level)."""
    known: dict[tuple[Expr, int], Symbol] = {}
    return lambda state, level: known.setdefault((expand(state), level), Symbol(f"h_{len(known)}"))


def draw(level: int, visit: int) -> Symbol:
    """The standard normal draw of visit j at level k."""
    return Symbol(f"z_{level}_{visit}", real=True)


def in_place(
    score: Score, first: int, inner: int = 1, length_root: Expr = root, decay: Expr = chi, *,
    overwrites: bool = True, reads_each: bool = True, decays_inside: bool = False,
) -> Expr:  # fmt: skip
    """Algorithm 2 of version 1, with line 6 as printed, from a level on with `inner` visits each.

    overwrites     one variable X; otherwise each visit writes X_{k-1} from X_k, as printed
    reads_each     the score is read at each visit; otherwise once a level
    decays_inside  the noise decays after each visit; otherwise after each level"""
    state, noise, step = START, Integer(1), length_root**2
    for k in range(first, 0, -1):
        before = state
        for j in range(1, inner + 1):
            origin = state if overwrites else before
            h = score(origin if reads_each else before, k)
            drift = -step * (mu - Rational(3, 2) * sigma**2) + step * sigma**2 * h
            state = origin + drift + noise * sigma * length_root * draw(k, j)
            noise *= decay if decays_inside else 1
        noise *= 1 if decays_inside else decay
    return state


literal = partial(in_place, overwrites=False)
frozen_score = partial(in_place, reads_each=False)
decayed_each_visit = partial(in_place, decays_inside=True)


def by_rows(
    rows: Sequence[Row], score: Score, length_root: Expr = root, start: Expr = START
) -> Expr:
    """Euler-Maruyama steps in log X, built from the reverse equation, one for each row."""
    state = start
    for k, j, noise in rows:
        state = state + log_step(score(state, k), draw(k, j), length_root, noise)
    return state
