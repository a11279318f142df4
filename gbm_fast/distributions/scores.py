"""The forms of the score that every distribution of this package offers."""

from abc import abstractmethod

from torch import Size, Tensor

Shape = Size | list[int] | tuple[int, ...]
"""What torch.distributions takes for a shape."""


class Scores:
    """A class writes `log_score`; value is (*sample, *batch, *event), results have its shape."""

    @abstractmethod
    def log_score(self, value: Tensor) -> Tensor:
        """s = 1 + h, the score of log X."""

    def hyvarinen_score(self, value: Tensor) -> Tensor:
        """h = x * grad log p(x)."""
        return self.log_score(value) - 1

    def stein_score(self, value: Tensor) -> Tensor:
        """grad log p(x) = h / x."""
        return self.hyvarinen_score(value) / value
