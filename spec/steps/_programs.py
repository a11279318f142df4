"""The paper's algorithms as programs on symbols: what a listing does is found by running it.

The state is log X (or X itself, where said), the noise of visit j at level k is a symbol, and the
score is an unknown function: it gives one symbol for each pair of state and level it is asked
about, the same for equal polynomials and another for any other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sympy import Expr, Integer, Rational, Symbol, expand

from spec.checking.symbols import mu, sigma
from spec.steps._reverse import log_step, root

START = Symbol("Y_start", real=True)
chi = Symbol("chi", positive=True)


@dataclass
class UnknownScore:
    """An arbitrary Hyvarinen score h(state, level)."""

    values: dict[tuple[Expr, int], Symbol] = field(default_factory=dict)

    def __call__(self, state: Expr, level: int) -> Symbol:
        """The symbol that stands for the score there."""
        return self.values.setdefault((expand(state), level), Symbol(f"h_{len(self.values)}"))


@dataclass(frozen=True)
class Setting:
    """What an algorithm is run with.

    first   the first level k;  inner  L;  length_root  sqrt(delta_s);  decay  chi
    """

    first: int
    inner: int = 1
    length_root: Expr = root
    decay: Expr | int = chi


Program = Callable[[Setting, UnknownScore], Expr]
# (level k, visit j, factor on the noise)
Row = tuple[int, int, Expr]


def draw(level: int, visit: int) -> Symbol:
    """The standard normal draw of visit j at level k."""
    return Symbol(f"z_{level}_{visit}", real=True)


def printed_update(score: Expr, noise_draw: Expr, length_root: Expr, noise: Expr) -> Expr:
    """The exponent in line 6 of Algorithm 2 of version 1."""
    step = length_root**2
    drift = -step * (mu - Rational(3, 2) * sigma**2) + step * sigma**2 * score
    return drift + noise * sigma * length_root * noise_draw


def literal(setting: Setting, score: UnknownScore) -> Expr:
    """Algorithm 2 of version 1 as printed: X_{k-1} is written from X_k in each inner visit."""
    states, noise = {setting.first: START}, Integer(1)
    for k in range(setting.first, 0, -1):
        for j in range(1, setting.inner + 1):
            h = score(states[k], k)
            states[k - 1] = states[k] + printed_update(h, draw(k, j), setting.length_root, noise)
        noise *= setting.decay
    return states[0]


def in_place(setting: Setting, score: UnknownScore) -> Expr:
    """The same listing with one variable X, which every inner visit updates."""
    state, noise = START, Integer(1)
    for k in range(setting.first, 0, -1):
        for j in range(1, setting.inner + 1):
            h = score(state, k)
            state = state + printed_update(h, draw(k, j), setting.length_root, noise)
        noise *= setting.decay
    return state


def frozen_score(setting: Setting, score: UnknownScore) -> Expr:
    """A mistaken repair: in place, but the score is read once a level."""
    state, noise = START, Integer(1)
    for k in range(setting.first, 0, -1):
        h = score(state, k)
        for j in range(1, setting.inner + 1):
            state = state + printed_update(h, draw(k, j), setting.length_root, noise)
        noise *= setting.decay
    return state


def decayed_each_visit(setting: Setting, score: UnknownScore) -> Expr:
    """A mistaken repair: in place, but the noise decays within the inner loop."""
    state, noise = START, Integer(1)
    for k in range(setting.first, 0, -1):
        for j in range(1, setting.inner + 1):
            h = score(state, k)
            state = state + printed_update(h, draw(k, j), setting.length_root, noise)
            noise *= setting.decay
    return state


def by_rows(rows: list[Row], score: UnknownScore, length_root: Expr = root) -> Expr:
    """Euler-Maruyama steps in log X, built from the reverse equation, one for each row."""
    state = START
    for k, j, noise in rows:
        state = state + log_step(score(state, k), draw(k, j), length_root, noise)
    return state
