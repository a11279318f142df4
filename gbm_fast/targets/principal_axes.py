"""Covariances of log X along their principal axes, which a diffusion does not turn.

S_j = Q_j diag(variances_j) Q_j^T, j = 1..J, and S_j + v I has the same Q_j: one decomposition of
the data law serves every t. It is made and kept in float64 (small arrays), so an inverse has the
digits of the covariances as they were given; what meets a state is cast to it.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import has_values
from gbm_fast.process.times import float64


class PrincipalAxes(NamedTuple):
    """The covariances of J laws in d dimensions."""

    variances: Tensor
    """(J, d), at least 0, ascending."""
    axes: Tensor
    """(J, d, d), the columns orthonormal."""
    singular: bool
    """Whether some variance is 0 to rounding, so that the law has no density."""

    @classmethod
    def of(cls, covs: Tensor) -> "PrincipalAxes":
        """Those of (J, d, d) positive semidefinite matrices."""
        variances, axes = torch.linalg.eigh(float64(covs))
        variances = variances.clamp(min=0)
        rounding = covs.shape[-1] * torch.finfo(covs.dtype).eps
        flat = variances[:, 0] <= rounding * variances[:, -1]
        return cls(variances, axes, has_values(flat) and bool(flat.any()))

    def widened(self, v: Tensor) -> "PrincipalAxes":
        """Those of S_j + v I, for v >= 0, 0-d and in float64."""
        # Only a law without a density is looked at: no wait for the device in a sampler's loop.
        still = self.singular and has_values(v) and bool(v == 0)
        return PrincipalAxes(self.variances + v.to(self.variances), self.axes, still)

    def whiteners(self, like: Tensor) -> Tensor:
        """W_j = Q_j diag(variances_j)^(-1/2), so S_j^-1 = W_j W_j^T: (J, d, d), cast to `like`.

        Raises ValueError where there is no density.
        """
        if self.singular:
            raise ValueError(
                "a log-covariance is singular, so there is no density: diffuse first."
            )
        return (self.axes * self.variances.rsqrt()[:, None, :]).to(like)

    def roots(self, like: Tensor) -> Tensor:
        """R_j = Q_j diag(variances_j)^(1/2), so S_j = R_j R_j^T: (J, d, d), cast to `like`."""
        return (self.axes * self.variances.sqrt()[:, None, :]).to(like)


def times_small(rows: Tensor, matrix: Tensor) -> Tensor:
    """rows (n, d) @ matrix (d, d); in compiled code, for few columns, as sums that are fused."""
    if torch.compiler.is_compiling() and matrix.shape[0] <= 4:
        total = rows[:, :1] * matrix[0]
        for i in range(1, len(matrix)):
            total = total + rows[:, i : i + 1] * matrix[i]
        return total
    return rows @ matrix
