"""Where the samplers start, as laws (torch; Sections 6.2 and G.2 of version 2; claims E22, E24).

| start | law of log X_T |
| --- | --- |
| `standard_lognormal` | N(0, I): version 1's Algorithm 1 |
| `fitted_lognormal` | N(mu_hat, sigma_hat^2), fitted to the pixels of noised data |
| `from_class_averages` | the average of each class, pushed through the forward kernel |
| `from_data` | the data, pushed through the kernel: the law of X_T itself |

The fits need no simulated noise: it is independent of the data, so the moments of log X_T are
mean + m(T) and covariance + v(T) I exactly. The paper describes two fits under one name (claim
E24): to noised training images (Section 6.2) and to noised class averages (Section G.2). With
`points` (n, d), integer `labels` (n,) and a process they are

    fitted_lognormal(log_moments(PointMasses(points)), process)
    fitted_lognormal(log_moments(class_averages(points, labels)), process)

`gbm_fast.mismatch` prices a start; `gbm_fast.sampling.initial` draws images (batch, C, H, W) from
the starts of the sampling command. Results have the dtype and the device of the data; wrong
arguments raise `ValueError`.
"""

import torch
from torch import Tensor

from gbm_fast.checks import require_positive, require_tensor, whole_number
from gbm_fast.divergence import Gaussian, require_gaussian
from gbm_fast.process import Process
from gbm_fast.targets import LogNormal, LogNormalMixture, PointMasses, Target
from gbm_fast.targets.components import components, mixed_moments


def log_moments(target: Target) -> Gaussian:
    """Mean (d,) and covariance (d, d) of log X, whatever its law.

        mean = sum_j w_j a_j,      cov = sum_j w_j (S_j + (a_j - mean) (a_j - mean)^T)

    For a data set these are the moments of its points (divided by n, not by n - 1).

    target  a `LogNormal`, a `LogNormalMixture` or `PointMasses`
    """
    parts = components(target)
    return Gaussian(*mixed_moments(parts.weights, parts.means, parts.covariances()))


def class_averages(points: Tensor, labels: Tensor) -> LogNormalMixture:
    """The average of the points of each class, drawn by the class's share of the points.

    A law on K points, with log covariances 0; the averages are arithmetic, so their logarithms lie
    above the class's mean logarithm (Jensen; claim E22).

    points  (n, d), positive
    labels  (n,), integers; the classes are in their ascending order
    """
    require_positive(points, "points")
    if points.ndim != 2 or points.numel() == 0:
        raise ValueError(f"points must have shape (n, d), got {tuple(points.shape)}.")
    of_point = _groups(labels, points.shape[0], "labels")
    counts = of_point.bincount()
    totals = points.new_zeros(len(counts), points.shape[1]).index_add_(0, of_point, points)
    averages = totals / counts[:, None]
    shares = counts.to(points) / counts.sum()
    return LogNormalMixture(shares, averages.log(), torch.zeros_like(shares))


def standard_lognormal(d: int) -> LogNormal:
    """exp(N(0, I)) in d dimensions, in float64, where version 1's Algorithm 1 starts."""
    zeros = torch.zeros(whole_number(d, "d", 1), dtype=torch.float64, device="cpu")
    return LogNormal(zeros, zeros + 1)


def fitted_lognormal(
    data: Gaussian, process: Process, channels: Tensor | None = None
) -> LogNormal:
    """exp(mu_hat + sigma_hat z) with one mu_hat and sigma_hat a channel, fitted at the horizon.

        mu_hat = mean of a_i + m(T),   sigma_hat^2 = mean of C_ii + v(T) + (a_i - mean of a_i)^2

    over the coordinates i of the channel: the moments of its pooled pixels at T. Among the laws
    with these channels it is the closest to that of X_T (claim R23).

    data      mean a (d,) and covariance C (d, d) of log X_0, as from `log_moments`
    channels  (d,), integers: coordinates with the same number share one pair. None means one pair
              for all of them (the paper's, for grey images); `torch.arange(d)` gives the best
              product of log-normals
    """
    require_gaussian(data, "data")
    mean, d = data.mean, data.mean.shape[-1]
    given = torch.zeros(d, dtype=torch.int64, device=mean.device) if channels is None else channels
    where = _groups(given, d, "channels")
    sizes = where.bincount().to(mean)

    def pooled(values: Tensor) -> Tensor:
        return (torch.zeros_like(sizes).index_add_(0, where, values) / sizes)[where]

    centres = pooled(mean)
    spreads = pooled(data.cov.diagonal() + (mean - centres).square())
    end = process.horizon
    return LogNormal(
        centres + process.log_mean(end).to(mean), spreads + process.log_var(end).to(mean)
    )


def from_class_averages(averages: LogNormalMixture, process: Process) -> LogNormalMixture:
    """The averages of `class_averages` pushed to the horizon: sum_c f_c N(log xbar_c + m, v I)."""
    return averages.diffuse(process, process.horizon)


def from_data(points: Tensor, process: Process) -> PointMasses:
    """Points (n, d) pushed to the horizon: the law of X_T, which no generative model may use."""
    return PointMasses(points).diffuse(process, process.horizon)


def _groups(labels: Tensor, count: int, name: str) -> Tensor:
    """Labels (count,) as 0, 1, ... in the order of their values."""
    require_tensor(labels, name)
    if labels.shape != (count,):
        raise ValueError(f"{name} must have shape ({count},), got {tuple(labels.shape)}.")
    if labels.is_floating_point() or labels.is_complex():
        raise ValueError(f"{name} must be integers, got {labels.dtype}.")
    return labels.unique(return_inverse=True)[1]
