"""What a loop or a training step adds to its network, from times that can resolve it.

The ratio of two whole times, a sampler's over its network's, has an error of 3 or 4 % on a quiet
machine, because the network's own time varies by that much. It cannot decide a goal of 2 %. What
the sampler does *beside* the network takes some thousandths of the time, and that can be measured
by itself:

    own       seconds beside the network, less what a bare loop over the network has of them
    overhead  1 + own / (network alone)

so that the network's uncertain time is a factor of the small term, not of the 1.

sampling  A clock that stands still while the network runs (`sampling.Clocked`), in the loop round
          the network itself: states, code and caches are as a user has them.
training  The trainer's step less a bare step, both with a stand-in for the network's arithmetic
          (`training.standing_in`): the work beside it is spread over forward and backward pass,
          clipping, AdamW and moving average, so no clock can be stopped for it.
peers     Round the network all loops mostly wait for cold code and memory. They are told apart
          round a stand-in that returns the network's output at once (`sampling.StandIn`), by
          differences within a round; their times beside the network are recorded too.

An overhead's interval has as its ends those of `own` over the opposite ends of the network's time:
each of the two holds with 95 % confidence, so its upper end is exceeded with a chance of 5 % at
most. What the measure leaves out is an effect of the loop on the time *inside* the network. The
ratios of whole times, which would show a large one, are recorded beside and decide nothing.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from validation.cost.timing import Interval, difference, median, ratio

Times = Mapping[str, Sequence[float]]
"""Seconds a row or a step by the name of what was timed, round by round (`timing.interleaved`)."""


class Cost(NamedTuple):
    """Of a loop or a step: ratio of whole times, own microseconds, and the overhead (a ratio)."""

    direct: Interval
    own: Interval
    overhead: Interval


def costs(whole: Times, beside: Times, bare: str) -> dict[str, Cost]:
    """The cost of everything in `whole` but `bare`, the network alone.

    `whole` are times with the network, `beside` those of the work beside it, by the same names.
    """
    network = median(whole[bare])
    found = {}
    for name in (name for name in whole if name != bare):
        own = difference(beside[name], beside[bare])
        direct = ratio(whole[name], whole[bare])
        found[name] = Cost(direct, own.scaled(1e6), over_network(own, network))
    return found


def over_network(own: Interval, network: Interval) -> Interval:
    """1 + own / network, with the ends of the module docstring."""
    low = own.low / (network.high if own.low > 0 else network.low)
    high = own.high / (network.low if own.high > 0 else network.high)
    return Interval(1 + own.median / network.median, 1 + low, 1 + high, own.count)


def against_peers(alone: Times) -> dict[str, Interval]:
    """Microseconds that our loop takes more than a peer's of the same kind, round by round.

    Names are "<whose>, <kind>"; the result's are "<ours> against <peer's>".
    """
    found = {}
    for peer in alone:
        own = f"ours, {peer.partition(', ')[2]}"
        if own != peer and own in alone:
            found[f"{own} against {peer}"] = difference(alone[own], alone[peer]).scaled(1e6)
    return found
