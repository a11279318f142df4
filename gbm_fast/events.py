"""What a batch of data or samples is: events, and the classes of those that have one."""

from typing import NamedTuple

from torch import Tensor


class Events(NamedTuple):
    """Events x (n, *event), positive where they are data, and their classes.

    labels   int64 (n,), from 0; None where the events have no class, or none that matters
    """

    x: Tensor
    labels: Tensor | None
