"""Laws of positive numbers in one and two dimensions, whose scores are known at every time.

They are endless data for the training: a network that learns one of them can be compared with the
exact score (`gbm_fast.scores.exact_score`) instead of with pictures. No parameter is a special
value, and the laws in the plane are correlated, so that a mistake in any of them shows.
"""

import torch

from gbm_fast.settings.datasets import TOYS
from gbm_fast.targets import LogNormal, LogNormalMixture


def load_toy(name: str) -> LogNormal | LogNormalMixture:
    """The law of that name, one of `TOYS`, in float64; ValueError for another name."""
    match name:
        case "lognormal-1d":
            return LogNormal(_tensor([0.37]), _tensor([[0.23]]))
        case "lognormal-2d":
            return LogNormal(_tensor([0.31, -0.42]), _tensor([[0.29, 0.13], [0.13, 0.41]]))
        case "lognormal-mixture-1d":
            return LogNormalMixture(
                _tensor([0.35, 0.65]), _tensor([[-0.83], [0.71]]), _tensor([0.07, 0.19])
            )
        case "lognormal-mixture-2d":
            covariances = [
                [[0.11, 0.05], [0.05, 0.17]],
                [[0.21, -0.09], [-0.09, 0.08]],
                [[0.06, 0.01], [0.01, 0.13]],
            ]
            return LogNormalMixture(
                _tensor([0.27, 0.41, 0.32]),
                _tensor([[-0.93, 0.35], [0.57, 0.88], [0.41, -0.97]]),
                _tensor(covariances),
            )
    raise ValueError(f"unknown law {name!r}: choose one of {', '.join(TOYS)}.")


def _tensor(values: list) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)
