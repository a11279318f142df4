"""Targets as mixtures of Gaussian laws of y = log x, each along its own principal axes.

Adding v I to a covariance changes its eigenvalues alone, so one decomposition of the data law
serves every t; where the scales of the coordinates are unlike, each t has one of its own, of the
correlations. Shapes: y (..., d); J components, or J = 1 for `LogNormal`; `variances` and `axes`
have one row for all components where these share a covariance. Arrays over components are
(..., J) and (..., J, d): for a data set of J points the memory grows with J d for each state.
"""

from typing import NamedTuple

import numpy as np

from gbm_ref import _gaussians
from gbm_ref._checks import Array
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits, log_means
from gbm_ref.targets import LogNormal, LogNormalMixture, PointMasses, Target


class Components(NamedTuple):
    """log X ~ sum_j weights_j N(means_j, axes_j diag(variances_j) axes_j^T)."""

    weights: Array  # (J,)
    means: Array  # (J, d)
    variances: Array  # (J, d) or (1, d), at least 0
    axes: Array  # (J, d, d) or (1, d, d), orthonormal columns
    covs: Array | None = None  # (J, d, d) where scales are unlike, whose digits axes would mix

    def diffused(self, process: Process, t: float) -> "Components":
        """The components of log X_t."""
        fits(process, self.means, "this law")
        v = process.log_var(t)
        return self._replace(
            means=self.means + log_means(process, t),
            variances=self.variances + v,
            covs=None if self.covs is None else self.covs + v * np.eye(self.means.shape[-1]),
        )

    def covariances(self) -> Array:
        """S_j, (J, d, d) or (1, d, d)."""
        return self._matrices(self.variances) if self.covs is None else self.covs

    def pulls(self, y: Array) -> Array:
        """u_j = -S_j^{-1} (y - mean_j), the log score of each component, (..., J, d)."""
        if self.covs is not None:
            return _gaussians.pulls(y, self.means, self.covs)
        return self._off_axes(-self._residuals(y) / self.variances)

    def traces(self) -> Array:
        """tr S_j^{-1}, (J,) or (1,)."""
        if self.covs is None:
            return np.asarray(np.sum(1.0 / self.variances, axis=-1))
        inverses = [_gaussians.inverse(cov) for cov in self.covs]
        return np.trace(inverses, axis1=-2, axis2=-1)

    def given(self, y: Array, process: Process, t: float) -> tuple[Array, Array]:
        """Mean (..., J, d) and covariance of log X_0 given log X_t = y and component j.

        mean_j + S_j Sigma_j^{-1} (y - mean_j - m) and v S_j Sigma_j^{-1}, (J, d, d) or (1, d, d),
        Sigma_j = S_j + v I. Raises ValueError for a singular Sigma_j.
        """
        later, v = self.diffused(process, t), process.log_var(t)
        if v == 0.0 and later._flat():
            raise ValueError("a law without a density has no posterior at t = 0: take t > 0.")
        if self.covs is None:
            gains = self.variances / later.variances
            means = self.means + self._off_axes(gains * later._residuals(y))
            return means, self._matrices(v * gains)
        assert later.covs is not None
        pulled = _rotated(-later.pulls(y), self.covs)
        products = v * self.covs @ np.stack([_gaussians.inverse(cov) for cov in later.covs])
        # Equal to its transpose but for rounding: rows of small variances have better digits.
        sizes = np.diagonal(self.covs, axis1=-2, axis2=-1)
        smaller = sizes[:, :, None] <= sizes[:, None, :]
        covs = np.where(smaller, products, np.swapaxes(products, -1, -2))
        return self.means + pulled, (covs + np.swapaxes(covs, -1, -2)) / 2.0

    def _residuals(self, y: Array) -> Array:
        """y - mean_j along the axes of component j, (..., J, d)."""
        return _rotated(y[..., None, :] - self.means, self.axes)

    def _off_axes(self, along: Array) -> Array:
        """Vectors given along the axes of component j, (..., J, d), in coordinates of log X."""
        return _rotated(along, np.swapaxes(self.axes, -1, -2))

    def _matrices(self, variances: Array) -> Array:
        """axes_j diag(variances_j) axes_j^T, (J, d, d) or (1, d, d)."""
        return np.asarray((self.axes * variances[:, None, :]) @ np.swapaxes(self.axes, -1, -2))

    def _flat(self) -> bool:
        """Whether some covariance is exactly singular."""
        if self.covs is None:
            return bool((self.variances == 0.0).any())
        return any(map(_gaussians.is_singular, self.covs))

    def log_terms(self, y: Array) -> Array:
        """log(weights_j N(y; mean_j, ...)), (..., J); a singular covariance is a ValueError."""
        if self.covs is not None:
            return _gaussians.log_terms(y, np.log(self.weights), self.means, self.covs)
        flat = self.variances[:, 0] <= _gaussians.SINGULAR * self.variances[:, -1]
        if any(_gaussians.is_singular(cov) for cov in self._matrices(self.variances)[flat]):
            raise ValueError(
                "this law has no density: a log covariance is singular; diffuse it to t > 0 first."
            )
        terms = self._residuals(y) ** 2 / self.variances
        sizes = np.log(self.variances) + _gaussians.LOG_TWO_PI
        return np.asarray(np.log(self.weights) - 0.5 * np.sum(terms + sizes, axis=-1))

    def shares(self, y: Array) -> Array:
        """Probability of each component at y, (..., J); they sum to 1 to rounding."""
        return _gaussians.responsibilities(self.log_terms(y))


def components(target: Target) -> Components:
    """The mixture that `target` is; a ValueError for a law that is none."""
    if isinstance(target, PointMasses):
        n, d = target.points.shape
        variances = np.full((1, d), target.log_var)
        return Components(np.full(n, 1.0 / n), np.log(target.points), variances, np.eye(d)[None])
    if isinstance(target, LogNormal):
        weights, means, covs = np.ones(1), target.log_mean[None], target.log_cov[None]
    elif isinstance(target, LogNormalMixture):
        weights, means, covs = target.weights, target.log_means, target.log_covs
    else:
        raise ValueError(
            "the target must be a LogNormal, a LogNormalMixture or PointMasses, not a "
            f"{type(target).__name__}."
        )
    variances, axes = np.linalg.eigh(covs)
    kept = covs if _gaussians.unlike_scales(covs) else None
    return Components(weights, means, np.maximum(variances, 0.0), axes, kept)


def mixed_moments(shares: Array, means: Array, covs: Array) -> tuple[Array, Array]:
    """Mean (..., d) and covariance (..., d, d) of a mixture, without cancellation.

    shares (..., J), means (..., J, d), covs (J, d, d) or (1, d, d).
    """
    mean = np.einsum("...j,...ja->...a", shares, means)
    gaps = means - mean[..., None, :]
    between = np.swapaxes(shares[..., None] * gaps, -1, -2) @ gaps
    within = covs[0] if covs.shape[0] == 1 else np.einsum("...j,jab->...ab", shares, covs)
    cov = within + between
    return mean, (cov + np.swapaxes(cov, -1, -2)) / 2.0


def _rotated(vectors: Array, axes: Array) -> Array:
    """vectors_j @ axes_j, (..., J, d)."""
    return np.asarray((vectors[..., None, :] @ axes)[..., 0, :])
