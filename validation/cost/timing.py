"""Times that can be compared on a machine with other work: interleaved, by processor time.

A round runs every action once, in an order that rotates from round to round, so that a change of
the machine's speed meets all of them. What is compared are ratios of two times of one round; their
median comes with a 95 % interval from order statistics, which assumes nothing about their law but
that rounds are independent. Differences are taken in the same way.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from scipy.stats import binom

Action = Callable[[], object]
Clock = Callable[[], float]


class Interval(NamedTuple):
    """A median with its 95 % confidence interval, and the number of values."""

    median: float
    low: float
    high: float
    count: int

    def scaled(self, unit: float) -> "Interval":
        """In another unit: every value times `unit` > 0."""
        return Interval(self.median * unit, self.low * unit, self.high * unit, self.count)

    def __str__(self) -> str:
        """The median and the ends, three decimals."""
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f}, n = {self.count})"


def interleaved(actions: Mapping[str, Action], rounds: int) -> dict[str, list[float]]:
    """Processor seconds of each action in each of `rounds` rounds, after one that is not counted.

    Processor time is that of this process, all threads together: waiting for a core is not in it.
    """
    return interleaved_by(actions, rounds, [time.process_time])[0]


def interleaved_by(
    actions: Mapping[str, Action], rounds: int, clocks: Sequence[Clock]
) -> list[dict[str, list[float]]]:
    """As `interleaved`, by each of several clocks: callables that return seconds."""
    names = list(actions)
    spent: list[dict[str, list[float]]] = [{name: [] for name in names} for _ in clocks]
    for turn in range(rounds + 1):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            started = [clock() for clock in clocks]
            actions[name]()
            ended = [clock() for clock in clocks]
            if turn > 0:
                for times, start, end in zip(spent, started, ended, strict=True):
                    times[name].append(end - start)
    return spent


def median(values: Sequence[float]) -> Interval:
    """The median, and the order statistics that hold it with probability 95 % or more.

    Of fewer than six values no two do: the interval is then their range.
    """
    ordered = sorted(values)
    count = len(ordered)
    # The greatest k with P(Binomial(count, 1/2) < k) <= 2.5 %: the k-th values from both ends.
    k = max(int(binom.ppf(0.025, count, 0.5)), 1)
    return Interval(statistics.median(ordered), ordered[k - 1], ordered[count - k], count)


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Interval:
    """The median ratio of two actions' times, round by round."""
    return median([a / b for a, b in zip(numerators, denominators, strict=True)])


def difference(minuends: Sequence[float], subtrahends: Sequence[float]) -> Interval:
    """The median difference of two actions' times, round by round."""
    return median([a - b for a, b in zip(minuends, subtrahends, strict=True)])
