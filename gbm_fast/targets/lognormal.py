"""Log-normal laws and their mixtures, with any covariance in log space (torch).

With weights w_j, means a_j and covariances S_j of y = log x (claim R2)

    p(x) = prod_i x_i^-1 sum_j w_j N(log x; a_j, S_j),    s = 1 + h = sum_j r_j u_j,
    u_j = -S_j^-1 (log x - a_j),    r_j = w_j N(log x; a_j, S_j) / sum_k w_k N(log x; a_k, S_k),

with s the log score and h = x * grad log p(x) the Hyvarinen score. A diffusion to time t adds m(t)
to every a_j and v(t) I to every S_j. `x` is (..., d), positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gbm_fast.checks import (
    RandomState,
    generator,
    real_tensor,
    require_covariance,
    require_finite,
    require_shares,
    whole_number,
)
from gbm_fast.process import Process, Time
from gbm_fast.shapes import exact_arithmetic, lasting, owned
from gbm_fast.targets.base import (
    Target,
    floating,
    normal_cdf,
    schedule_at,
    standard_normal,
)
from gbm_fast.targets.principal_axes import PrincipalAxes, times_small, widened
from gbm_fast.targets.quantiles import Coordinates, mean_and_var, mixture_quantile
from gbm_fast.targets.quantiles import coordinates as indices

CHUNK = 2**15


@dataclass(frozen=True, eq=False)
class LogNormalMixture(Target):
    """log X ~ sum_j weights_j N(log_means_j, log_covs_j): claim R2.

    weights (J,) positive, summing to 1 within 1e-12 (float32: to its rounding); log_means (J, d);
    log_covs (J,) for multiples of the identity, or (J, d, d), symmetric positive semidefinite. A
    singular covariance has no density: diffuse the law first. The tensors are copied, in their
    graph where they ask for gradients. Raises ValueError for anything else.
    """

    weights: Tensor
    log_means: Tensor
    log_covs: Tensor
    principal_axes: PrincipalAxes = field(init=False, repr=False)
    """The covariances along their principal axes, in float64."""

    def __post_init__(self) -> None:
        """Validate, copy, and bring the covariances to shape (J, d, d)."""
        with lasting():
            self._set_up()

    def _set_up(self) -> None:
        means = floating(self.log_means, "log_means")
        if means.ndim != 2 or means.numel() == 0:
            raise ValueError(f"log_means must have shape (J, d), got {tuple(means.shape)}.")
        require_finite(means, "log_means")
        (count, d), weights = means.shape, real_tensor(self.weights, "weights").to(means)
        if weights.shape != (count,):
            raise ValueError(f"weights must be {count} positive numbers, one a row of log_means.")
        require_shares(weights)
        covs = real_tensor(self.log_covs, "log_covs").to(means)
        if covs.shape == (count,):
            covs = covs[:, None, None] * torch.eye(d, dtype=covs.dtype, device=covs.device)
        if covs.shape != (count, d, d):
            raise ValueError(
                f"log_covs must have shape ({count},) or ({count}, {d}, {d}), "
                f"got {tuple(covs.shape)}."
            )
        require_covariance(covs, "log_cov")
        kept = owned(covs)
        for name, value in (
            ("log_means", owned(means)),
            ("weights", owned(weights)),
            ("log_covs", kept),
            ("principal_axes", PrincipalAxes.of(kept)),
        ):
            object.__setattr__(self, name, value)

    @property
    def d(self) -> int:
        """The dimension."""
        return self.log_means.shape[1]

    def _component_logs(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """log(w_j N(y; a_j, S_j)), (..., J), and u_j = -S_j^-1 (y - a_j), (..., J, d)."""
        whiteners = self.principal_axes.whiteners(y)
        logs, whitened = self._whitened(self._rows(y), whiteners)
        with exact_arithmetic(y):
            pulls = -(whiteners @ whitened)
        shape = (*y.shape[:-1], len(whiteners))
        return logs.mT.reshape(shape), pulls.permute(2, 0, 1).reshape(*shape, self.d)

    def _whitened(self, rows: Tensor, whiteners: Tensor) -> tuple[Tensor, Tensor]:
        """log(w_j N(y; a_j, S_j)), (J, n), and W_j^T (y - a_j), (J, d, n), for rows y (n, d).

        The rows are the last axis, along which everything is computed in one sweep.
        """
        residual = rows.mT - self.log_means[:, :, None].to(rows)
        with exact_arithmetic(rows):
            whitened = whiteners.mT @ residual
        half_log_det = self.principal_axes.half_log_dets()
        constant = (self.weights.to(half_log_det).log() - half_log_det).to(rows)
        return constant[:, None] - whitened.square().sum(1) / 2, whitened

    def logpdf(self, x: Tensor) -> Tensor:
        """log p(x), shape (...)."""
        y = self._log(x)
        return torch.logsumexp(self._component_logs(y)[0], dim=-1) - y.sum(-1)

    def log_score_at(self, y: Tensor) -> Tensor:
        """s = sum_j r_j u_j at log x = y, shape (..., d)."""
        rows, whiteners = self._rows(y), self.principal_axes.whiteners(y)
        if len(whiteners) == 1:
            with exact_arithmetic(y):
                precision = whiteners[0] @ whiteners[0].mT
                pull = self.log_means.to(y) @ precision
            return times_small(rows, -precision).add_(pull).reshape(y.shape)
        columns = -whiteners.permute(1, 0, 2).reshape(self.d, -1)
        parts = []
        for chunk in _chunks(rows):
            logs, whitened = self._whitened(chunk, whiteners)
            shared = torch.softmax(logs, dim=0)[:, None] * whitened
            with exact_arithmetic(y):
                parts.append((columns @ shared.flatten(0, 1)).mT)
        return torch.cat(parts).reshape(y.shape)

    def responsibilities(self, x: Tensor) -> Tensor:
        """r, shape (..., J)."""
        return torch.softmax(self._component_logs(self._log(x))[0], dim=-1)

    def cdf(self, x: Tensor) -> Tensor:
        """sum_j w_j Phi((log x - a_j) / sqrt(S_j)), shape (...), d = 1 only."""
        self._require_line()
        stds = self.log_covs[:, 0, 0].sqrt()
        return (self.weights * normal_cdf(self._log(x) - self.log_means[:, 0], stds)).sum(-1)

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Tensor:
        """Draws (size, d); singular covariances are allowed."""
        return self.labelled_rvs(size, random_state)[0]

    def labelled_rvs(
        self, size: int = 1, random_state: RandomState = None
    ) -> tuple[Tensor, Tensor]:
        """The draws of `rvs` and the component that each is from, int64 (size,)."""
        whole_number(size, "size", 1)
        source = generator(random_state)
        roots = self.principal_axes.roots(self.log_means)
        chosen = torch.multinomial(
            self.weights.to(source.device), size, replacement=True, generator=source
        ).to(self.weights.device)
        z = standard_normal(size, source, self.log_means)
        y = self.log_means[chosen]
        for j, root in enumerate(roots):
            with exact_arithmetic(z):
                y[chosen == j] += z[chosen == j] @ root.mT
        return y.exp(), chosen

    def mean(self) -> Tensor:
        """E[X] = sum_j w_j exp(a_j + diag(S_j) / 2), (d,)."""
        return mean_and_var(*self._parts())[0]

    def var(self) -> Tensor:
        """Var[X_i], (d,)."""
        return mean_and_var(*self._parts())[1]

    def ppf(self, q: Tensor | float) -> Tensor:
        """The smallest x with P(X <= x) >= q, d = 1 only: q (...) to (..., 1)."""
        self._require_line("ppf")
        weights, means, variances = (part.detach().double() for part in self._parts())
        line = means[:, 0], variances[:, 0].sqrt()

        def cdf(y: Tensor) -> Tensor:
            return (weights * normal_cdf(y[..., None] - line[0], line[1])).sum(-1)

        found = mixture_quantile(q, weights, *line, cdf).exp()
        return found[..., None].to(self.log_means)

    def marginal(self, coordinates: Coordinates) -> "LogNormalMixture":
        """The law of some coordinates: one index, or several in the order that is wanted."""
        i = indices(coordinates, self.d)
        return LogNormalMixture(self.weights, self.log_means[:, i], self.log_covs[:, i][:, :, i])

    def _parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Weights (J,), and means and variances of the coordinates of log X, (J, d)."""
        return self.weights, self.log_means, self.log_covs.diagonal(dim1=-2, dim2=-1)

    def component(self, j: int) -> "LogNormal":
        """The law of X given that it is from component j."""
        return LogNormal(self.log_means[j], self.log_covs[j])

    def diffuse(self, process: Process, t: Time) -> "LogNormalMixture":
        """The mixture with m(t) added to the means and v(t) I to the covariances."""
        m, v = schedule_at(process, t, self.d)
        means, law = self.log_means, object.__new__(LogNormalMixture)  # nothing to validate anew
        with lasting():
            for name, value in (
                ("weights", self.weights),
                ("log_means", means + m.to(means)),
                ("log_covs", widened(self.log_covs, v)),
                ("principal_axes", self.principal_axes.widened(v)),
            ):
                object.__setattr__(law, name, value)
        return law


@dataclass(frozen=True, eq=False)
class LogNormal(Target):
    """log X ~ N(log_mean, log_cov): claim R2 with one component; A37 for its score.

    log_mean (d,); log_cov 0-d (times the identity), (d,) (a diagonal) or (d, d), symmetric
    positive semidefinite. The tensors are copied, in their graph where they ask for gradients.
    Raises ValueError for anything else.
    """

    log_mean: Tensor
    log_cov: Tensor
    # The same law as a mixture of one component, which has the checks and the arithmetic.
    _mixture: LogNormalMixture = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Validate, copy, and bring the covariance to shape (d, d)."""
        mean = floating(self.log_mean, "log_mean")
        if mean.ndim != 1 or mean.numel() == 0:
            raise ValueError(f"log_mean must have shape (d,), got {tuple(mean.shape)}.")
        d, cov = mean.shape[0], real_tensor(self.log_cov, "log_cov").to(mean)
        if cov.ndim == 0 or cov.shape == (d,):
            cov = torch.diag(cov.expand(d))
        if cov.shape != (d, d):
            raise ValueError(
                f"log_cov must be a scalar or have shape ({d},) or ({d}, {d}), "
                f"got {tuple(cov.shape)}."
            )
        mixture = LogNormalMixture(mean.new_ones(1), mean[None], cov[None])
        self._set(mixture)

    def _set(self, mixture: LogNormalMixture) -> None:
        with lasting():
            for name, value in (
                ("log_mean", mixture.log_means[0]),
                ("log_cov", mixture.log_covs[0]),
                ("_mixture", mixture),
            ):
                object.__setattr__(self, name, value)

    @property
    def d(self) -> int:
        """The dimension."""
        return self.log_mean.shape[0]

    @property
    def principal_axes(self) -> PrincipalAxes:
        """The covariance along its principal axes, in float64."""
        return self._mixture.principal_axes

    def logpdf(self, x: Tensor) -> Tensor:
        """log p(x), shape (...)."""
        return self._mixture.logpdf(x)

    def log_score_at(self, y: Tensor) -> Tensor:
        """s = -log_cov^-1 (y - log_mean), y = log x (..., d). Eq. (37) of version 2; claim A37."""
        return self._mixture.log_score_at(y)

    def responsibilities(self, x: Tensor) -> Tensor:
        """1 everywhere, shape (..., 1)."""
        return self._mixture.responsibilities(x)

    def cdf(self, x: Tensor) -> Tensor:
        """Phi((log x - log_mean) / sqrt(log_cov)), shape (...), d = 1 only."""
        return self._mixture.cdf(x)

    def mean(self) -> Tensor:
        """E[X] = exp(log_mean + diag(log_cov) / 2), (d,)."""
        return self._mixture.mean()

    def var(self) -> Tensor:
        """Var[X_i] = E[X_i]^2 (exp(log_cov_ii) - 1), (d,)."""
        return self._mixture.var()

    def ppf(self, q: Tensor | float) -> Tensor:
        """The x with P(X <= x) = q, d = 1 only: q (...) to (..., 1)."""
        return self._mixture.ppf(q)

    def marginal(self, coordinates: Coordinates) -> "LogNormal":
        """The law of some coordinates: one index, or several in the order that is wanted."""
        i = indices(coordinates, self.d)
        return LogNormal(self.log_mean[i], self.log_cov[i][:, i])

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Tensor:
        """Draws (size, d); a singular covariance is allowed."""
        return self._mixture.rvs(size, random_state)

    def diffuse(self, process: Process, t: Time) -> "LogNormal":
        """The log-normal with log-mean log_mean + m(t) and log-covariance log_cov + v(t) I."""
        law = object.__new__(LogNormal)  # nothing to validate anew
        law._set(self._mixture.diffuse(process, t))
        return law


def _chunks(rows: Tensor) -> Sequence[Tensor]:
    """Rows that fit the processor's cache with what is made of them; all where that is no gain."""
    if rows.device.type != "cpu" or torch.compiler.is_compiling():
        return (rows,)
    return rows.split(CHUNK)
