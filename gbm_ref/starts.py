"""Where the samplers start, as laws (Sections 6.2 and G.2 of version 2; claims E22, E24).

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

`gbm_ref.mismatch` prices a start. Wrong arguments raise `ValueError`. Moments, fits and starts are
accurate to 8 * 2^-53 * S (claims `log-moments`, `R23-product`, `R23-single`, `starts`).
"""

import numpy as np
from numpy.typing import NDArray

from gbm_ref import _checks
from gbm_ref._checks import Values
from gbm_ref._components import components, mixed_moments
from gbm_ref.divergence import Gaussian, checked_gaussian
from gbm_ref.process import Process
from gbm_ref.targets import LogNormal, LogNormalMixture, PointMasses, Target


def log_moments(target: Target) -> Gaussian:
    """Mean (d,) and covariance (d, d) of log X, whatever its law.

        mean = sum_j w_j a_j,      cov = sum_j w_j (S_j + (a_j - mean) (a_j - mean)^T)

    For a data set these are the moments of its points (divided by n, not by n - 1).

    target  a `LogNormal`, a `LogNormalMixture` or `PointMasses`
    """
    parts = components(target)
    return Gaussian(*mixed_moments(parts.weights, parts.means, parts.covariances()))


def class_averages(points: Values, labels: Values) -> LogNormalMixture:
    """The average of the points of each class, drawn by the class's share of the points.

    A law on K points, with log covariances 0; the averages are arithmetic, so their logarithms lie
    above the class's mean logarithm (Jensen; claim E22).

    points  (n, d), positive
    labels  (n,), whole numbers; the classes are in their ascending order
    """
    data = _checks.positive_array(points, "points")
    if data.ndim != 2 or data.size == 0:
        raise ValueError(f"points must have shape (n, d), got {data.shape}.")
    of_point = _groups(labels, data.shape[0], "labels")
    totals = np.zeros((int(of_point.max()) + 1, data.shape[1]))
    np.add.at(totals, of_point, data)
    counts = np.bincount(of_point)
    averages = totals / counts[:, None]
    return LogNormalMixture(counts / counts.sum(), np.log(averages), np.zeros(counts.size))


def standard_lognormal(d: int) -> LogNormal:
    """exp(N(0, I)) in d dimensions, where version 1's Algorithm 1 starts."""
    return LogNormal(np.zeros(_checks.whole_number(d, "d", 1)), 1.0)


def fitted_lognormal(
    data: Gaussian, process: Process, channels: Values | None = None
) -> LogNormal:
    """exp(mu_hat + sigma_hat z) with one mu_hat and sigma_hat a channel, fitted at the horizon.

        mu_hat = mean of a_i + m(T),   sigma_hat^2 = mean of C_ii + v(T) + (a_i - mean of a_i)^2

    over the coordinates i of the channel: the moments of its pooled pixels at T. Among the laws
    with these channels it is the closest to that of X_T (claim R23).

    data      mean a (d,) and covariance C (d, d) of log X_0, as from `log_moments`
    channels  (d,), whole numbers: coordinates with the same number share one pair. None means one
              pair for all of them (the paper's, for grey images); `np.arange(d)` gives the
              best product of log-normals
    """
    mean, cov = checked_gaussian(data, "data")
    where = _groups(np.zeros(mean.size) if channels is None else channels, mean.size, "channels")
    sizes = np.bincount(where)
    centres = (np.bincount(where, mean) / sizes)[where]
    spreads = (np.bincount(where, np.diag(cov) + (mean - centres) ** 2) / sizes)[where]
    end = process.horizon
    return LogNormal(centres + process.log_mean(end), spreads + process.log_var(end))


def from_class_averages(averages: LogNormalMixture, process: Process) -> LogNormalMixture:
    """The averages of `class_averages` pushed to the horizon: sum_c f_c N(log xbar_c + m, v I)."""
    return averages.diffuse(process, process.horizon)


def from_data(points: Values, process: Process) -> PointMasses:
    """Points (n, d) pushed to the horizon: the law of X_T, which no generative model may use."""
    return PointMasses(points).diffuse(process, process.horizon)


def _groups(labels: Values, count: int, name: str) -> NDArray[np.intp]:
    """Labels (count,) as 0, 1, ... in the order of their values."""
    given = _checks.vector(labels, name)
    if given.size != count:
        raise ValueError(f"{name} must have shape ({count},), got {given.shape}.")
    if (given != np.round(given)).any():
        raise ValueError(f"{name} must be whole numbers, got {given}.")
    return np.unique(given, return_inverse=True)[1].astype(np.intp)
