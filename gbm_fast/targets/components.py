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
from gbm_fast.process.coordinates import fits, log_means
from gbm_fast.shapes import exact_arithmetic
from gbm_fast.targets.base import Target
from gbm_fast.targets.lognormal import LogNormal, LogNormalMixture
from gbm_fast.targets.points import PointMasses
from gbm_fast.targets.principal_axes import inverse, log_det, nearly_singular, widened


def drawn_classes(shares: Tensor, uniform: Tensor) -> Tensor:
    """The class of each uniform number (n,), drawn by the shares (K,); int64 (n,)."""
    return torch.bucketize(uniform.double(), shares.cumsum(0)[:-1], right=True)


def draws_from(law: LogNormalMixture, chosen: Tensor, z: Tensor) -> Tensor:
    """Draws (n, d) of the components `chosen`, int64 (n,), from standard normal numbers z (n, d).

    In the law's dtype; singular covariances are allowed. The root of a covariance is the symmetric
    one, which is unique: eigenvectors have no sign of their own. Of coordinates of unlike scales
    each keeps its digits (d <= 128).
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
    covs: Tensor | None = None  # (J, d, d), float64, for gradients and unlike scales

    def diffused(self, process: Process, t: Time) -> "Components":
        """The components of log X_t, `t` a scalar."""
        fits(process, self.means.shape[-1], "this law")
        m, v = log_means(process, t).to(self.means), process.log_var(t)
        return self._replace(
            means=self.means + m,
            variances=self.variances + v.to(self.means),
            covs=None if self.covs is None else widened(self.covs, v),
        )

    def residuals(self, y: Tensor) -> Tensor:
        """y - mean_j along the axes of component j, (..., J, d)."""
        return _rotated(y[..., None, :] - self.means, self.axes)

    def pulls(self, y: Tensor) -> Tensor:
        """u_j = -S_j^-1 (y - mean_j), the log score of each component, (..., J, d)."""
        if self.covs is None:
            return self._off_axes(-self.residuals(y) / self.variances)
        return _rotated(self.means - y[..., None, :], self._precisions().to(y))

    def traces(self) -> Tensor:
        """tr S_j^-1, (J,) or (1,)."""
        if self.covs is None:
            return (1 / self.variances).sum(-1)
        return self._precisions().diagonal(dim1=-2, dim2=-1).sum(-1).to(self.means)

    def covariances(self) -> Tensor:
        """S_j, (J, d, d) or (1, d, d)."""
        if self.covs is None:
            return self._matrices(self.variances)
        return self.covs.to(self.means)

    def given(self, y: Tensor, process: Process, t: Time) -> tuple[Tensor, Tensor]:
        """Mean and covariance of log X_0 given log X_t = y and component j.

        mean_j + S_j Sigma_j^-1 (y - mean_j - m), (..., J, d), and v S_j Sigma_j^-1, (J, d, d) or
        (1, d, d), with Sigma_j = S_j + v I, positive definite.
        """
        later, v = self.diffused(process, t), process.log_var(t)
        if self.covs is None:
            gains = self.variances / later.variances
            means = self.means + self._off_axes(gains * later.residuals(y))
            return means, self._matrices(v.to(y) * gains)
        # The two factors commute, so that their product is symmetric.
        gains = self.covs @ later._precisions()
        means = self.means + _rotated(y[..., None, :] - later.means, gains.to(y))
        return means, (v * (gains + gains.mT) / 2).to(y)

    def _precisions(self) -> Tensor:
        assert self.covs is not None
        return inverse(self.covs)

    def _off_axes(self, along: Tensor) -> Tensor:
        """Vectors given along the axes of component j, (..., J, d), in coordinates of log X."""
        return _rotated(along, None if self.axes is None else self.axes.mT)

    def _matrices(self, variances: Tensor) -> Tensor:
        """axes_j diag(variances_j) axes_j^T, (J, d, d) or (1, d, d)."""
        if self.axes is None:
            return torch.diag_embed(variances)
        with exact_arithmetic(variances):
            return (self.axes * variances[:, None, :]) @ self.axes.mT

    def log_terms(self, y: Tensor) -> Tensor:
        """log(weights_j N(y; mean_j, ...)), (..., J); a singular covariance is a ValueError."""
        smallest, largest = self.variances.amin(-1), self.variances.amax(-1)
        rounding = self.means.shape[-1] * torch.finfo(self.means.dtype).eps
        flat = smallest <= rounding * largest
        if self.covs is not None:
            flat = nearly_singular(self.covs.detach(), rounding)
        if has_values(flat) and bool(flat.any()):
            raise ValueError(
                "this law has no density: a log covariance is singular; diffuse it to t > 0 first."
            )
        if self.covs is None:
            terms = self.residuals(y).square() / self.variances
            sizes = (2 * math.pi * self.variances).log()
            return self.weights.log() - (terms + sizes).sum(-1) / 2
        squares = (self.pulls(y) * (self.means - y[..., None, :])).sum(-1)
        log_dets = log_det(2 * math.pi * self.covs).to(y)
        return self.weights.log() - (squares + log_dets) / 2

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
    return Components(weights, means, along.variances.to(means), along.axes.to(means), along.covs)


def mixed_moments(shares: Tensor, means: Tensor, covs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (..., d) and covariance (..., d, d) of a mixture, without cancellation.

    shares (..., J), means (..., J, d), covs (J, d, d) or (1, d, d).
    """
    mean = (shares[..., None] * means).sum(-2)
    gaps = means - mean[..., None, :]
    with exact_arithmetic(means):
        between = (shares[..., None] * gaps).mT @ gaps
        within = covs[0] if len(covs) == 1 else torch.einsum("...j,jab->...ab", shares, covs)
    cov = within + between
    return mean, (cov + cov.mT) / 2


def _rotated(vectors: Tensor, axes: Tensor | None) -> Tensor:
    """vectors_j @ axes_j, (..., J, d)."""
    if axes is None:
        return vectors
    with exact_arithmetic(vectors):
        return (vectors[..., None, :] @ axes)[..., 0, :]
