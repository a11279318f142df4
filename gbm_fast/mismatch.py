"""How far a log-normal start is from the law of X_T: terminal mismatch (torch; claims R23, E21).

With a and C the mean and covariance of log X_0, whatever its law, log X_T has mean a + m(T) and
covariance Sigma = C + v(T) I. For every log-normal start g

    KL(p_T || g) = KL(p_T || n) + KL(n || g),       n = N(a + m(T), Sigma) in log space

The second term needs moments alone and is the price computed here, in nats: the whole divergence
for log-normal data, a lower bound of it otherwise. Laws of another dimension, no covariance or
channels that do not fit raise `ValueError`.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.divergence import Gaussian, kl_divergence, require_gaussian
from gbm_fast.process import Process
from gbm_fast.process.coordinates import fits, log_means, log_vars
from gbm_fast.starts import fitted_lognormal
from gbm_fast.targets import LogNormal


class PricedStart(NamedTuple):
    """A start and what it costs, in nats, 0-d."""

    start: LogNormal
    cost: Tensor


def terminal_gaussian(data: Gaussian, process: Process) -> Gaussian:
    """N(a + m(T), C + v(T) I): the log-normal law closest to that of X_T.

    data  mean a (d,) and covariance C (d, d) of log X_0, as from `log_moments`
    """
    require_gaussian(data, "data")
    mean, end = data.mean, process.horizon
    d = mean.shape[-1]
    fits(process, d, "the mean of data")
    m, v = log_means(process, end).to(mean), log_vars(process, end).to(mean)
    noise = torch.diag(v.reshape(-1).expand(d))
    return Gaussian(mean + (m[0] if m.ndim == 2 else m), data.cov + noise)


def terminal_mismatch(start: LogNormal, data: Gaussian, process: Process) -> Tensor:
    """KL(N(a + m(T), C + v(T) I) || start) in nats, 0-d: the price of any log-normal start.

    start  law of X_T from which a sampler starts, with a positive definite log covariance
    data   mean a and covariance C of log X_0. Given a class, its own moments: the price of that
           class's average is `LogNormal(log average + m(T), v(T))` against them (claim E22)
    """
    return kl_divergence(terminal_gaussian(data, process), Gaussian(start.log_mean, start.log_cov))


def best_start(data: Gaussian, process: Process, channels: Tensor | None = None) -> PricedStart:
    """The best exp(mu_hat + sigma_hat z) with one pair of parameters a channel, and its price.

        cost = 1/2 (sum_i log sigma_hat_i^2 - log det Sigma)

    The start is `fitted_lognormal(data, process, channels)`, no other of this form costs less
    (claim R23). The cost is computed as `terminal_mismatch`, which does not cancel where the
    start is nearly exact.
    """
    start = fitted_lognormal(data, process, channels)
    return PricedStart(start, terminal_mismatch(start, data, process))
