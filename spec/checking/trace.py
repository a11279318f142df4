"""What a routine used while it ran: means of proof, points, assumptions.

A claim that is decided at points says so because its routine walked through `points` or `each`,
not because somebody typed it. Nothing is recorded outside `recording`."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

ALGEBRA, NUMBERS = "algebra", "numbers"
Item = TypeVar("Item")
Point = Mapping[str, object]


@dataclass
class Trace:
    """What was called, what was assumed, and the points that were walked through."""

    means: set[str] = field(default_factory=set)
    assumptions: set[object] = field(default_factory=set)
    points: list[Point] = field(default_factory=list)


_CURRENT: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def recording() -> Iterator[Trace]:
    """A new trace for what runs inside."""
    trace = Trace()
    token = _CURRENT.set(trace)
    try:
        yield trace
    finally:
        _CURRENT.reset(token)


def note(means: str) -> None:
    """Record that a primitive of this kind has decided something."""
    if trace := _CURRENT.get():
        trace.means.add(means)


def use(assumption: object) -> None:
    """Record that what follows holds under an assumption, which every claim whose routine comes
    here has to state."""
    if trace := _CURRENT.get():
        trace.assumptions.add(assumption)


def points(chosen: Iterable[Point]) -> Iterator[Point]:
    """The points one after the other, recorded: mappings from names to numbers."""
    for point in chosen:
        trace = _CURRENT.get()
        if trace and point not in trace.points:
            trace.points.append(point)
        yield point


def each(name: str, values: Iterable[Item]) -> Iterator[Item]:
    """The values of one name one after the other, recorded: `for n in each("N", (1, 2, 3))`."""
    for point in points({name: value} for value in values):
        yield point[name]


def described(points: Iterable[Point]) -> str:
    """How many points, and the range of each name: "3 points: N from 1 to 3"."""
    found = list(points)
    names = dict.fromkeys(name for point in found for name in point)
    ranges = [f"{n} {_range([point[n] for point in found if n in point])}" for n in names]
    counted = f"{len(found)} point{'s' if len(found) != 1 else ''}"
    return f"{counted}: {', '.join(ranges)}" if ranges else counted


def _range(values: list[object]) -> str:
    """ "from 1 to 3" for numbers, the values themselves for what has no order."""
    try:
        ends = min(values), max(values)
        low, high = (v if isinstance(v, int) else f"{float(v):.6g}" for v in ends)
    except (TypeError, ValueError):
        return "in " + ", ".join(dict.fromkeys(str(value) for value in values))
    return f"= {low}" if low == high else f"from {low} to {high}"
