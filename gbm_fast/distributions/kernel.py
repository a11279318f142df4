"""The forward kernel as a torch distribution: the law of X_t given X_0 (claims A6, A16, A23)."""

from typing import cast

from torch import Tensor
from torch.distributions import Independent
from torch.distributions import LogNormal as ScalarLogNormal

from gbm_fast.checks import require_positive, require_tensor
from gbm_fast.distributions.scores import Scores, Shape
from gbm_fast.process import Process, Time
from gbm_fast.shapes import schedule_like


class ForwardKernel(Scores, Independent):
    """log X_t ~ N(log x0 + m(t), v(t) I), of batch shape (batch,) and any event shape.

    x0 (batch, *event) positive; t in (0, horizon], a number or (batch,). ValueError otherwise (at
    t = 0 the kernel is a point mass). `rsample` is x0 exp(m + sqrt(v) z), differentiable in x0.
    """

    base_dist: ScalarLogNormal

    def __init__(
        self, process: Process, x0: Tensor, t: Time, validate_args: bool | None = None
    ) -> None:
        require_tensor(x0, "x0")
        if x0.ndim < 2:
            raise ValueError(f"x0 must have shape (batch, *event), got {tuple(x0.shape)}.")
        require_positive(x0, "x0")
        m, v = (schedule_like(part, x0) for part in (process.log_mean(t), process.log_var(t)))
        base = ScalarLogNormal(
            x0.log() + m, v.sqrt().to(x0.device).expand_as(x0), validate_args=validate_args
        )
        super().__init__(base, x0.ndim - 1, validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: object = None) -> "ForwardKernel":
        """The same kernel for every element of a larger batch."""
        new = self._get_checked_instance(ForwardKernel, _instance)
        return cast(ForwardKernel, super().expand(batch_shape, _instance=new))

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value | x0), summed over the event: (*sample, batch)."""
        if self._validate_args:
            self._validate_sample(value)
        return cast(Tensor, super().log_prob(value))

    def log_score(self, value: Tensor) -> Tensor:
        """s = -(log x - log x0 - m) / v, the target of M-DSM plus 1 (eq. (16) of version 2)."""
        if self._validate_args:
            self._validate_sample(value)
        normal = self.base_dist.base_dist
        return -(value.log() - normal.mean) / normal.variance
