"""How far a log-normal start is from the law of X_T: terminal mismatch (claims R23, E21, E22).

With a and C the mean and covariance of log X_0, whatever its law, log X_T has mean a + m(T) and
covariance Sigma = C + v(T) I. For every log-normal start g

    KL(p_T || g) = KL(p_T || n) + KL(n || g),       n = N(a + m(T), Sigma) in log space

The second term needs moments alone and is the price computed here, in nats: the whole divergence
for log-normal data, a lower bound of it otherwise. All divergences are closed forms, accurate to
8 * 2^-53 * S for d = 2 (claims `R23`, `R23-product`, `R23-single`, `E22-class-average`). Laws of
another dimension, no covariance or channels that do not fit raise `ValueError`.
"""

from typing import NamedTuple

import numpy as np

from gbm_ref._checks import Values
from gbm_ref.divergence import Gaussian, checked_gaussian, kl_divergence
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits, log_means, log_vars
from gbm_ref.starts import fitted_lognormal
from gbm_ref.targets import LogNormal


class PricedStart(NamedTuple):
    """A start and what it costs, in nats."""

    start: LogNormal
    cost: float


def terminal_gaussian(data: Gaussian, process: Process) -> Gaussian:
    """N(a + m(T), C + v(T) I): the log-normal law closest to that of X_T.

    data  mean a (d,) and covariance C (d, d) of log X_0, as from `log_moments`; ValueError for a
          wrong shape or a covariance that is not positive semi-definite
    """
    mean, cov = checked_gaussian(data, "data")
    end = process.horizon
    fits(process, mean, "the mean of data")
    noise = log_vars(process, end) * np.eye(mean.size)
    return Gaussian(mean + log_means(process, end), cov + noise)


def terminal_mismatch(start: LogNormal, data: Gaussian, process: Process) -> float:
    """KL(N(a + m(T), C + v(T) I) || start) in nats: the price of any log-normal start.

    start  law of X_T from which a sampler starts, with a positive definite log covariance
    data   mean a and covariance C of log X_0. Given a class, its own moments: the price of that
           class's average is `LogNormal(log average + m(T), v(T))` against them (claim E22)
    """
    return kl_divergence(terminal_gaussian(data, process), Gaussian(start.log_mean, start.log_cov))


def best_start(data: Gaussian, process: Process, channels: Values | None = None) -> PricedStart:
    """The best exp(mu_hat + sigma_hat z) with one pair of parameters a channel, and its price.

        cost = 1/2 (sum_i log sigma_hat_i^2 - log det Sigma)

    The start is `fitted_lognormal(data, process, channels)`, no other of this form costs less
    (claim R23). The cost is computed as `terminal_mismatch`, which does not cancel where the
    start is nearly exact.

    data      mean a (d,) and covariance C (d, d) of log X_0
    channels  as for `fitted_lognormal`: None for a single pair, `np.arange(d)` for the best
              product of log-normals
    """
    start = fitted_lognormal(data, process, channels)
    return PricedStart(start, terminal_mismatch(start, data, process))
