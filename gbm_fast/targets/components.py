"""Targets as mixtures of Gaussian laws of y = log x, each along its own principal axes (torch).

Adding v I to a covariance changes its eigenvalues alone, so one decomposition of the data law
serves every t. Shapes: y (..., d); J components, or J = 1 for `LogNormal`; `variances` and `axes`
have one row for all components where these share a covariance. Arrays over components are
(..., J) and (..., J, d): for a data set of J points the memory grows with J d for each state.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import has_values
from gbm_fast.process import Process, Time
from gbm_fast.targets.base import Target
from gbm_fast.targets.lognormal import LogNormal, LogNormalMixture
from gbm_fast.targets.points import PointMasses


def drawn_classes(shares: Tensor, uniform: Tensor) -> Tensor:
    """The class of each uniform number (n,), drawn by the shares (K,); int64 (n,)."""
    return torch.bucketize(uniform.double(), shares.cumsum(0)[:-1], right=True)


def draws_from(law: LogNormalMixture, chosen: Tensor, z: Tensor) -> Tensor:
    """Draws (n, d) of the components `chosen`, int64 (n,), from standard normal numbers z (n, d).

    In the law's dtype; singular covariances are allowed. The root of a covariance is the symmetric
    one, which is unique: eigenvectors have no sign of their own.
    """
    axes = law.principal_axes.axes
    roots = (law.principal_axes.roots(axes) @ axes.mT).to(law.log_means)
    spread = roots[chosen] @ z.to(roots)[..., None]
    return (law.log_means[chosen] + spread[..., 0]).exp()


class Components(NamedTuple):
    """log X ~ sum_j weights_j N(means_j, axes_j diag(variances_j) axes_j^T)."""

    weights: Tensor  # (J,)
    means: Tensor  # (J, d)
    variances: Tensor  # (J, d) or (1, d), at least 0
    axes: Tensor | None  # (J, d, d), orthonormal columns; None for the coordinate axes

    def diffused(self, process: Process, t: Time) -> "Components":
        """The components of log X_t, `t` a scalar."""
        m, v = process.log_mean(t).to(self.means), process.log_var(t).to(self.means)
        return self._replace(means=self.means + m, variances=self.variances + v)

    def residuals(self, y: Tensor) -> Tensor:
        """y - mean_j along the axes of component j, (..., J, d)."""
        return _rotated(y[..., None, :] - self.means, self.axes)

    def off_axes(self, along: Tensor) -> Tensor:
        """Vectors given along the axes of component j, (..., J, d), in coordinates of log X."""
        return _rotated(along, None if self.axes is None else self.axes.mT)

    def matrices(self, variances: Tensor) -> Tensor:
        """axes_j diag(variances_j) axes_j^T, (J, d, d) or (1, d, d)."""
        if self.axes is None:
            return torch.diag_embed(variances)
        return (self.axes * variances[:, None, :]) @ self.axes.mT

    def log_terms(self, y: Tensor) -> Tensor:
        """log(weights_j N(y; mean_j, ...)), (..., J); a singular covariance is a ValueError."""
        smallest, largest = self.variances.amin(-1), self.variances.amax(-1)
        rounding = self.means.shape[-1] * torch.finfo(self.means.dtype).eps
        if has_values(smallest) and bool((smallest <= rounding * largest).any()):
            raise ValueError(
                "this law has no density: a log covariance is singular; diffuse it to t > 0 first."
            )
        terms = self.residuals(y).square() / self.variances
        sizes = (2 * math.pi * self.variances).log()
        return self.weights.log() - (terms + sizes).sum(-1) / 2

    def shares(self, y: Tensor) -> Tensor:
        """Probability of each component at y, (..., J); they sum to 1 to rounding."""
        return torch.softmax(self.log_terms(y), dim=-1)


def components(target: Target) -> Components:
    """The mixture that `target` is; a ValueError for a law that is none."""
    if isinstance(target, PointMasses):
        logs = target.points.log()
        n, d = logs.shape
        return Components(
            logs.new_full((n,), 1 / n), logs, logs.new_full((1, d), target.log_var), None
        )
    if isinstance(target, LogNormal):
        weights, means = target.log_mean.new_ones(1), target.log_mean[None]
    elif isinstance(target, LogNormalMixture):
        weights, means = target.weights, target.log_means
    else:
        raise ValueError(
            "the target must be a LogNormal, a LogNormalMixture or PointMasses, not a "
            f"{type(target).__name__}."
        )
    along = target.principal_axes
    return Components(weights, means, along.variances.to(means), along.axes.to(means))


def mixed_moments(shares: Tensor, means: Tensor, covs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (..., d) and covariance (..., d, d) of a mixture, without cancellation.

    shares (..., J), means (..., J, d), covs (J, d, d) or (1, d, d).
    """
    mean = (shares[..., None] * means).sum(-2)
    gaps = means - mean[..., None, :]
    between = (shares[..., None] * gaps).mT @ gaps
    within = covs[0] if len(covs) == 1 else torch.einsum("...j,jab->...ab", shares, covs)
    cov = within + between
    return mean, (cov + cov.mT) / 2


def _rotated(vectors: Tensor, axes: Tensor | None) -> Tensor:
    """vectors_j @ axes_j, (..., J, d)."""
    return vectors if axes is None else (vectors[..., None, :] @ axes)[..., 0, :]
