"""The work that every contender does: N rows of eq. (13) of version 2 in log X, with exact scores.

    y <- y - dm + dv s(y, t) + sqrt(dv) z,     s(y, t) = -(S + v(t) I)^-1 (y - a - m(t))

for log-normal data N(a, S) in two dimensions (a full covariance), GBM(mu, sigma) and N equal steps
from t = 1: the same equation, steps, scores and states everywhere. A run takes log x at the start
and exp at the end.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import gbm_fast.process
import gbm_fast.scores
import gbm_fast.targets
import gbm_ref

MU, SIGMA = 0.45, 0.8
LOG_MEAN = (0.31, -0.42)
LOG_COV = ((0.5, 0.2), (0.2, 0.3))


@dataclass(frozen=True)
class Work:
    """States (count, 2) at t = 1 in float32, and the number of rows."""

    start: Tensor
    rows: int


def work(count: int, rows: int, seed: int) -> Work:
    """Draws of the exact law at t = 1."""
    law = fast_target().diffuse(fast_process(), 1.0)
    return Work(law.rvs(count, torch.Generator().manual_seed(seed)), rows)


def fast_process() -> gbm_fast.process.GBM:
    """The process of gbm_fast."""
    return gbm_fast.process.GBM(MU, SIGMA)


def fast_target() -> gbm_fast.targets.LogNormal:
    """The data law of gbm_fast, float32."""
    return gbm_fast.targets.LogNormal(torch.tensor(LOG_MEAN), torch.tensor(LOG_COV))


def fast_score() -> gbm_fast.scores.ExactScore:
    """The exact score of gbm_fast."""
    return gbm_fast.scores.exact_score(fast_target(), fast_process())


def ref_process() -> gbm_ref.GBM:
    """The process of gbm_ref."""
    return gbm_ref.GBM(MU, SIGMA)


def ref_target() -> gbm_ref.LogNormal:
    """The data law of gbm_ref."""
    return gbm_ref.LogNormal(np.array(LOG_MEAN), np.array(LOG_COV))
