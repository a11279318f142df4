"""A log-normal law of tiny pictures, and its exact score in the place of a network.

Symbols: a and s are the mean and deviation of the logarithm of all training pixels, which the
network's wrapper standardises with; u = log x - m(t); v = v(t); F is what a network puts out; h is
the Hyvarinen score. Each parameterisation is affine, h = offset + slope F, so a network that
puts out F = (h - offset) / slope for the exact h is a perfect one. The coefficients are written
down here a second time: a wrong constant in the package leads to another score.
"""

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import gbm_ref
from gbm_fast.data.statistics import data_statistics
from gbm_fast.parameterisation import (
    Denoiser,
    Hyvarinen,
    Noise,
    Parameterisation,
    ScoreModel,
    Stein,
)
from gbm_fast.training.runs import TrainedModel

Array = NDArray[np.float64]
_POINTS = 12


@dataclass(frozen=True, eq=False)
class Problem:
    """Pictures of shape `event` (C, H, W) whose d pixels have log X_0 ~ N(log_mean, log_cov).

    log_mean (d,), log_cov (d, d) positive definite, in the order of the flattened event.
    """

    log_mean: Array
    log_cov: Array
    event: tuple[int, int, int]

    @property
    def target(self) -> gbm_ref.LogNormal:
        """The law, for `gbm_ref`."""
        return gbm_ref.LogNormal(self.log_mean, self.log_cov)

    @cached_property
    def eigen(self) -> tuple[Array, Array]:
        """Eigenvalues (d,), ascending, and eigenvectors (d, d) of log_cov."""
        values, vectors = np.linalg.eigh(self.log_cov)
        return values, vectors

    @cached_property
    def points(self) -> Array:
        """Twelve pictures (12, d), for the starts: fixed quantiles of the law, no two alike."""
        order = np.random.default_rng(0).permuted(
            np.tile(np.arange(_POINTS), (self.log_mean.size, 1)), axis=1
        )
        z = np.linspace(-1.5, 1.5, _POINTS)[order.T]
        return np.exp(self.log_mean + z @ np.linalg.cholesky(self.log_cov).T)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Their classes, four of different sizes: (12,)."""
        return np.sqrt(np.arange(_POINTS)).astype(np.int64)

    def pictures(self) -> Tensor:
        """The points as a data set (12, C, H, W)."""
        return torch.from_numpy(self.points.reshape(-1, *self.event))


def single(log_mean: float, log_std: float) -> Problem:
    """One pixel, whose law is neither centred at that of the data nor as wide."""
    mean, cov = np.array([log_mean + 0.4 * log_std]), np.array([[1.2 * log_std**2]])
    return Problem(mean, cov, (1, 1, 1))


def correlated(log_mean: float, log_std: float, channels: int) -> Problem:
    """Two pixels a channel, all correlated, with different means, at the scale of the data."""
    d = 2 * channels
    cov = log_std**2 * (np.diag(np.linspace(0.5, 0.9, d)) + 0.3)
    return Problem(log_mean + log_std * np.linspace(-0.6, 0.9, d), cov, (channels, 1, 2))


def independent(log_mean: float, log_std: float, side: int = 12) -> Problem:
    """side x side pixels of one channel, independent and of one law."""
    d = side**2
    return Problem(np.full(d, log_mean + 0.3 * log_std), log_std**2 * np.eye(d), (1, side, side))


def coefficients(
    head: Parameterisation, log_mean: float, log_std: float, u: Array, v: Array | float
) -> tuple[Array, Array]:
    """(offset, slope) of h = offset + slope F, of the shape of u; log_mean, log_std are a and s.

    Raises ValueError for a parameterisation that is not written down here.
    """
    one, total = np.ones_like(u), v + log_std**2
    match head:
        case Stein():
            return 0.0 * one, np.exp(u)
        case Hyvarinen():
            return 0.0 * one, one
        case Noise():
            return -one, -one / np.sqrt(v)
        case Denoiser():
            return -1.0 + (log_mean - u) / total, one * log_std / np.sqrt(v * total)
    raise ValueError(
        f"the gate does not know the parameterisation {type(head).__name__}: state its "
        "coefficients in validation/gate/problem.py."
    )


class ExactNetwork(nn.Module):
    """A perfect network for a problem: it sees (u - a) / sqrt(v + s^2) and log(v) / 4.

    It works in float64, and rounds F once to the dtype that a network's last layer would give:
    that of the arithmetic in force, or of its input.
    """

    def __init__(
        self, problem: Problem, head: Parameterisation, log_mean: float, log_std: float
    ) -> None:
        super().__init__()
        self._head, self._log_mean, self._log_std = head, log_mean, log_std
        self._centre = problem.log_mean
        self._variances, self._basis = problem.eigen

    def forward(self, inputs: Tensor, condition: Tensor) -> Tensor:
        v = np.exp(4.0 * condition.cpu().double().numpy())[:, None]
        standardised = inputs.flatten(1).cpu().double().numpy()
        u = self._log_mean + standardised * np.sqrt(v + self._log_std**2)
        pull = (u - self._centre) @ self._basis / (self._variances + v)
        h = -1.0 - pull @ self._basis.T
        offset, slope = coefficients(self._head, self._log_mean, self._log_std, u, v)
        device = inputs.device.type
        autocast = torch.is_autocast_enabled(device)
        dtype = torch.get_autocast_dtype(device) if autocast else inputs.dtype
        output = torch.from_numpy((h - offset) / slope).reshape(inputs.shape)
        return output.to(dtype).to(inputs.device)


def stand_in(run: TrainedModel, problem: Problem) -> TrainedModel:
    """`run` as it is, but for its network, which takes no classes, and the data."""
    model = run.model
    network = ExactNetwork(problem, model.parameterisation, model.log_mean, model.log_std)
    exact = ScoreModel(
        network, model.parameterisation, model.log_mean, model.log_std, model.autocast
    )
    statistics = data_statistics(
        problem.pictures(), torch.from_numpy(problem.labels), int(problem.labels.max()) + 1
    )
    return dataclasses.replace(
        run,
        model=exact.to(run.device),
        event_shape=problem.event,
        statistics=statistics,
        num_classes=0,
    )
