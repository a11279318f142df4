"""Argument values: ordinary ones spread evenly over a box, extreme ones by name.

All are computed by mpmath and rounded once, so that every machine makes the same files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import mpmath
from mpmath import mpf

from spec.vectors.records import Arguments, Case, Flag

# The fractional parts of i * sqrt(prime) fill the unit cube evenly.
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23)
_PRECISION = 40


@dataclass(frozen=True)
class Range:
    """An interval, filled evenly, or evenly in the logarithm."""

    low: float
    high: float
    logarithmic: bool = False

    def at(self, fraction: mpf) -> float:
        """The float64 nearest to the point at that fraction of the interval."""
        low, high = mpf(self.low), mpf(self.high)
        if self.logarithmic:
            return float(low * (high / low) ** fraction)
        return float(low + fraction * (high - low))


Box = Mapping[str, Range | tuple[float, ...]]


def spread(count: int, box: Box) -> list[dict[str, float]]:
    """`count` points of the box; values that are listed are taken in turn."""
    with mpmath.workdps(_PRECISION):
        return [
            {
                name: interval[i % len(interval)]
                if isinstance(interval, tuple)
                else interval.at(mpmath.frac((i + 1) * mpmath.sqrt(prime)))
                for (name, interval), prime in zip(box.items(), _PRIMES, strict=False)
            }
            for i in range(count)
        ]


def ordinary(
    box: Box, kinds: tuple[Flag, ...] = (), basic: int = 12, each: int = 3
) -> tuple[Case, ...]:
    """Points of the box: `basic` of them BASIC, then `each` for every kind of mistake."""
    flags = [Flag.BASIC] * basic + [kind for _ in range(each) for kind in kinds]
    points = spread(len(flags), box)
    return tuple(Case(flag, point) for flag, point in zip(flags, points, strict=True))


def scaled(given: Iterable[Case], split: list[str], powers: Iterable[int]) -> tuple[Case, ...]:
    """The cases again, the arguments named multiplied by powers of two, flagged POW2."""
    made = []
    for case, power in zip(given, powers, strict=True):
        args: Arguments = {
            name: value * 2.0**power if name in split and isinstance(value, float) else value
            for name, value in case.args.items()
        }
        made.append(Case(Flag.POW2, args))
    return tuple(made)
