"""The batches of a set of samples, as sequences that make their elements when they are asked for.

So a thousand million samples begin at once, in the memory of one batch.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from copy import copy
from typing import overload


class Runs(Sequence[range]):
    """`indices` in runs of `batch_size`, the last one shorter where they do not divide."""

    def __init__(self, indices: range, batch_size: int, known: Collection[int] = ()) -> None:
        """known: the positions of runs that are left out; they alone are held."""
        self._indices, self._size = indices, batch_size
        total = -(-len(indices) // batch_size)
        inside = sorted(position for position in set(known) if 0 <= position < total)
        # How many of the others come before each of these.
        self._before = [position - place for place, position in enumerate(inside)]
        self._places = range(total - len(inside))

    def without(self, known: Collection[int]) -> "Runs":
        """All the runs but those at these positions."""
        return Runs(self._indices, self._size, known)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> range: ...

    @overload
    def __getitem__(self, at: slice) -> "Runs": ...

    def __getitem__(self, at: int | slice) -> "range | Runs":
        if isinstance(at, slice):
            part = copy(self)
            part._places = self._places[at]
            return part
        place = self._places[at]
        first = (place + bisect_right(self._before, place)) * self._size
        return self._indices[first : first + self._size]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def batches(indices: range, batch_size: int) -> Runs:
    """`indices` in runs of `batch_size`, the last one shorter where they do not divide."""
    return Runs(indices, batch_size)
