"""The forms of the score that every distribution of this package offers."""

from abc import abstractmethod

from torch import Size, Tensor
from torch.distributions import Distribution

from gbm_fast.checks import require_positive, require_tensor

Shape = Size | list[int] | tuple[int, ...]
"""What torch.distributions takes for a shape."""


class Scores(Distribution):
    """A class writes `log_score`; value is (*sample, *batch, *event), results have its shape.

    Unless validate_args is False, a value that is not positive and finite is a ValueError.
    """

    @abstractmethod
    def log_score(self, value: Tensor) -> Tensor:
        """s = 1 + h, the score of log X."""

    def _validate_sample(self, value: Tensor) -> None:
        """Shape and support as torch has them, and finite."""
        require_tensor(value, "value")
        if value.numel() == 0 and value.shape[value.ndim - len(self.event_shape) :] == (
            self.event_shape
        ):
            return  # torch's checks of a support do not know empty batches
        super()._validate_sample(value)
        require_positive(value, "value")

    def hyvarinen_score(self, value: Tensor) -> Tensor:
        """h = x * grad log p(x)."""
        return self.log_score(value) - 1

    def stein_score(self, value: Tensor) -> Tensor:
        """grad log p(x) = h / x."""
        return self.hyvarinen_score(value) / value
