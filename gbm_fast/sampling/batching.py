"""The batches of a set of samples, as sequences that make their elements when they are asked for.

So a thousand million samples begin at once, in the memory of one batch.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import overload


class Others(Sequence[int]):
    """The numbers 0..total-1 that are not in `known`, in order; holds `known` alone."""

    def __init__(self, total: int, known: Collection[int]) -> None:
        inside = sorted(number for number in set(known) if 0 <= number < total)
        self._count = total - len(inside)
        # How many of the others come before each known number.
        self._before = [number - place for place, number in enumerate(inside)]

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> int: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[int]: ...

    def __getitem__(self, at: int | slice) -> "int | Sequence[int]":
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        if not 0 <= at < self._count:
            raise IndexError(at)
        return at + bisect_right(self._before, at)


class Runs(Sequence[range]):
    """`indices` in runs of `batch_size`, the last one shorter where they do not divide.

    positions   which of the runs there are; all where none are given
    """

    def __init__(
        self, indices: range, batch_size: int, positions: Sequence[int] | None = None
    ) -> None:
        self._indices, self._size = indices, batch_size
        self._positions = range(-(-len(indices) // batch_size)) if positions is None else positions

    def without(self, known: Collection[int]) -> "Runs":
        """The runs at the other positions; of all runs."""
        return Runs(self._indices, self._size, Others(len(self), known))

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, at: int) -> range: ...

    @overload
    def __getitem__(self, at: slice) -> "Runs": ...

    def __getitem__(self, at: int | slice) -> "range | Runs":
        if isinstance(at, slice):
            return Runs(self._indices, self._size, self._positions[at])
        first = self._positions[at] * self._size
        return self._indices[first : first + self._size]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def batches(indices: range, batch_size: int) -> Runs:
    """`indices` in runs of `batch_size`, the last one shorter where they do not divide."""
    return Runs(indices, batch_size)
