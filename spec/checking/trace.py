"""What a routine used while it ran: means of proof, points, assumptions.

A claim that is decided at points says so because its routine walked through `points` or `each`,
not because somebody typed it. Nothing is recorded outside `recording`.
"""

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
    """The primitives that were called, the points that were walked through, and the assumptions
    that were used."""

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
    trace = _CURRENT.get()
    if trace is not None:
        trace.means.add(means)


def use(assumption: object) -> None:
    """Record that what follows holds under an assumption, which every claim whose routine comes
    here has to state."""
    trace = _CURRENT.get()
    if trace is not None:
        trace.assumptions.add(assumption)


def points(chosen: Iterable[Point]) -> Iterator[Point]:
    """The points one after the other, recorded: mappings from names to numbers."""
    for point in chosen:
        _add(point)
        yield point


def each(name: str, values: Iterable[Item]) -> Iterator[Item]:
    """The values of one name one after the other, recorded: `for n in each("N", (1, 2, 3))`."""
    for value in values:
        _add({name: value})
        yield value


def _add(point: Point) -> None:
    trace = _CURRENT.get()
    if trace is not None and point not in trace.points:
        trace.points.append(point)


def described(points: Iterable[Point]) -> str:
    """How many points, and the range of each name: "3 points: N from 1 to 3"."""
    found = list(points)
    values: dict[str, list[object]] = {}
    for point in found:
        for name, value in point.items():
            values.setdefault(name, []).append(value)
    ranges = [f"{name} {_range(chosen)}" for name, chosen in values.items()]
    counted = f"{len(found)} point{'s' if len(found) != 1 else ''}"
    return f"{counted}: {', '.join(ranges)}" if ranges else counted


def _range(values: list[object]) -> str:
    """ "from 1 to 3" for numbers, the values themselves for what has no order."""
    try:
        low, high = min(values), max(values)  # type: ignore[type-var]
        float(low), float(high)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "in " + ", ".join(dict.fromkeys(str(value) for value in values))
    return f"= {_number(low)}" if low == high else f"from {_number(low)} to {_number(high)}"


def _number(value: object) -> str:
    return str(value) if isinstance(value, int) else f"{float(value):.6g}"  # type: ignore[arg-type]
