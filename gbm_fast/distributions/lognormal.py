"""Log-normal laws and their mixtures as torch distributions (claim R2)."""

from typing import cast

import torch
from torch import Size, Tensor
from torch.distributions import (
    Categorical,
    ExpTransform,
    MixtureSameFamily,
    MultivariateNormal,
    TransformedDistribution,
    constraints,
    register_kl,
)
from torch.distributions.constraints import Constraint

from gbm_fast.checks import require_floating
from gbm_fast.distributions.scores import Scores, Shape
from gbm_fast.divergence import Gaussian, kl_divergence
from gbm_fast.process import Process, Time
from gbm_fast.shapes import exact_arithmetic, lasting, owned
from gbm_fast.targets.base import normal_cdf


class LogNormal(Scores, TransformedDistribution):
    """log X ~ N(log_mean, log_cov), of event shape (d,).

    log_mean (*batch, d), log_cov (*batch, d, d) positive definite; ValueError otherwise, unless
    validate_args is False. Both are copied, in their graph where they ask for gradients. `rsample`
    is exp(log_mean + L z) with L the Cholesky factor.
    """

    arg_constraints: dict[str, Constraint] = {
        "log_mean": constraints.real_vector,
        "log_cov": constraints.positive_definite,
    }
    support = constraints.independent(constraints.positive, 1)
    has_rsample = True
    base_dist: MultivariateNormal

    def __init__(
        self, log_mean: Tensor, log_cov: Tensor, validate_args: bool | None = None
    ) -> None:
        require_floating(log_mean, "log_mean")
        require_floating(log_cov, "log_cov")
        with lasting():
            base = MultivariateNormal(
                owned(log_mean), covariance_matrix=owned(log_cov), validate_args=validate_args
            )
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: object = None) -> "LogNormal":
        """The same law for every element of a larger batch."""
        new = self._get_checked_instance(LogNormal, _instance)
        return cast(LogNormal, super().expand(batch_shape, _instance=new))

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value), of the shape of the samples and the batch."""
        if self._validate_args:
            self._validate_sample(value)
        if value.numel() == 0:  # torch's arithmetic does not know empty batches
            return value.new_zeros(torch.broadcast_shapes(value.shape[:-1], self.batch_shape))
        with exact_arithmetic(self.log_mean):
            return cast(Tensor, super().log_prob(value))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """exp(log_mean + L z), differentiable in the parameters."""
        with exact_arithmetic(self.log_mean):
            return super().rsample(Size(sample_shape))

    @torch.no_grad()
    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """The draws of `rsample`, as constants."""
        return self.rsample(sample_shape)

    @property
    def log_mean(self) -> Tensor:
        """Mean of log X, (*batch, d)."""
        return self.base_dist.loc

    @property
    def log_cov(self) -> Tensor:
        """Covariance of log X, (*batch, d, d)."""
        return self.base_dist.covariance_matrix

    @property
    def mean(self) -> Tensor:
        """E[X] = exp(a + diag(S) / 2)."""
        return (self.log_mean + self._log_variances / 2).exp()

    @property
    def mode(self) -> Tensor:
        """exp(a - S 1), where the density is largest."""
        return (self.log_mean - self.log_cov.sum(-1)).exp()

    @property
    def covariance_matrix(self) -> Tensor:
        """Cov(X_i, X_j) = E[X_i] E[X_j] (exp(S_ij) - 1)."""
        mean = self.mean
        return mean[..., :, None] * mean[..., None, :] * self.log_cov.expm1()

    @property
    def variance(self) -> Tensor:
        """Var(X) = exp(a + diag(S))^2 (1 - exp(-diag(S)))."""
        spread = (self.log_mean + self._log_variances).exp()
        return spread.square() * -(-self._log_variances).expm1()

    def entropy(self) -> Tensor:
        """That of log X plus the sum of its means."""
        return self.base_dist.entropy() + self.log_mean.sum(-1)

    def cdf(self, value: Tensor) -> Tensor:
        """P(X <= value), of the batch's shape, for d = 1 (ValueError otherwise)."""
        if self.event_shape != (1,):
            raise ValueError(f"cdf exists for d = 1 only, this law has d = {self.event_shape[0]}.")
        if self._validate_args:
            self._validate_sample(value)
        residual = (value.log() - self.log_mean)[..., 0]
        return normal_cdf(residual, self._log_variances[..., 0].sqrt())

    def log_score(self, value: Tensor) -> Tensor:
        """s = -S^-1 (log x - a), of the shape of `value` broadcast with the batch."""
        if self._validate_args:
            self._validate_sample(value)
        residual = (value.log() - self.log_mean)[..., None]
        factor = self.base_dist.scale_tril
        factor = factor.expand(*residual.shape[:-2], *factor.shape[-2:])
        with exact_arithmetic(residual):
            return -torch.cholesky_solve(residual, factor)[..., 0]

    def diffuse(self, process: Process, t: Time) -> "LogNormal":
        """The law of X_t; `t` a number, or a tensor that broadcasts with a batch of one axis."""
        m, v = process.log_mean(t), process.log_var(t)
        return self.shifted(m.to(self.log_mean), v.to(self.log_mean))

    def shifted(self, m: Tensor, v: Tensor) -> "LogNormal":
        """The law with m added to the log-means and v I to the log-covariances; m, v (*batch)."""
        eye = torch.eye(self.event_shape[0], dtype=v.dtype, device=self.log_mean.device)
        return LogNormal(
            self.log_mean + m[..., None],
            self.log_cov + v[..., None, None] * eye,
            validate_args=self._validate_args,
        )

    @property
    def _log_variances(self) -> Tensor:
        return self.log_cov.diagonal(dim1=-2, dim2=-1)


class LogNormalMixture(Scores, MixtureSameFamily):
    """log X ~ sum_j weights_j N(log_means_j, log_covs_j), of event shape (d,).

    weights (*batch, J), positive, normalised here as `Categorical` does; log_means (*batch, J, d);
    log_covs (*batch, J, d, d), positive definite. ValueError otherwise, unless validate_args is
    False.
    """

    arg_constraints: dict[str, Constraint] = {}
    has_rsample = False

    def __init__(
        self,
        weights: Tensor,
        log_means: Tensor,
        log_covs: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        require_floating(weights, "weights")
        super().__init__(
            Categorical(probs=owned(weights), validate_args=validate_args),
            LogNormal(log_means, log_covs, validate_args=validate_args),
            validate_args=validate_args,
        )

    def expand(self, batch_shape: Shape, _instance: object = None) -> "LogNormalMixture":
        """The same law for every element of a larger batch."""
        new = self._get_checked_instance(LogNormalMixture, _instance)
        return cast(LogNormalMixture, super().expand(batch_shape, _instance=new))

    @property
    def components(self) -> LogNormal:
        """The laws that are mixed, of batch shape (*batch, J)."""
        return cast(LogNormal, self.component_distribution)

    @property
    def weights(self) -> Tensor:
        """(*batch, J), summing to 1."""
        return self.mixture_distribution.probs

    def log_score(self, value: Tensor) -> Tensor:
        """s = sum_j r_j u_j with u_j the scores of the components, r_j = P(j | value)."""
        if self._validate_args:
            self._validate_sample(value)
        padded = value[..., None, :]
        logs = self.weights.log() + self.components.log_prob(padded)
        shares = torch.softmax(logs, dim=-1)
        return (shares[..., None] * self.components.log_score(padded)).sum(-2)

    def diffuse(self, process: Process, t: Time) -> "LogNormalMixture":
        """The law of X_t; `t` a number, or a tensor that broadcasts with a batch of one axis."""
        laws = self.components
        schedule = process.log_mean(t), process.log_var(t)
        m, v = (part.to(laws.log_mean)[..., None] for part in schedule)
        moved = laws.shifted(m, v)
        weights = self.weights.expand(moved.log_mean.shape[:-1])
        return LogNormalMixture(weights, moved.log_mean, moved.log_cov, self._validate_args)


@register_kl(LogNormal, LogNormal)
def _kl_lognormal(p: LogNormal, q: LogNormal) -> Tensor:
    """That of the laws of log X (claim C6)."""
    return kl_divergence(Gaussian(p.log_mean, p.log_cov), Gaussian(q.log_mean, q.log_cov))
