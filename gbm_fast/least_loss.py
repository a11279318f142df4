"""Which checkpoint has the least training loss, the choice of version 1 (Figure 2).

A checkpoint's loss is the mean over the last `window` steps, the distance from one regular
checkpoint to the next. One that is written out of turn, because of a signal or at the end, is
judged by as many steps as the others: a mean of fewer could be the least by luck alone.
"""

import math
from collections import deque

import torch
from torch import Tensor


class LeastLoss:
    """The losses of the last `window` steps, and the least mean of them at a checkpoint so far."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._losses: deque[float] = deque(maxlen=window)
        self._least = math.inf

    def add(self, loss: float) -> None:
        """Note the loss of a step."""
        self._losses.append(loss)

    def improves(self) -> bool:
        """Whether the checkpoint of now is the best so far, to be asked once at each.

        Before `window` steps every one is, until one with a mean of that many replaces it.
        """
        if len(self._losses) < self._window:
            return True
        mean = math.fsum(self._losses) / self._window
        if mean < self._least:
            self._least = mean
            return True
        return False

    def pack(self) -> Tensor:
        """The state as float64: the least mean (infinite before there is one), then the losses."""
        return torch.tensor([self._least, *self._losses], dtype=torch.float64)

    def unpack(self, state: Tensor) -> None:
        """Put the state of `pack` back."""
        self._least, *losses = state.tolist()
        self._losses.extend(losses)
