"""Draws of a network's sampler as it is used: float32, the package's loop, the start's fit."""

import math

import numpy as np
import torch

import gbm_ref
from gbm_fast.grids import uniform
from gbm_fast.parameterisation import ScoreModel, score_function
from gbm_fast.process import GBM
from gbm_fast.simulation import simulate
from gbm_fast.steps import DaleLangevin
from validation.learned.problems import SIGMA, Array

ALPHA = 1e-9
"""False alarm of each band."""


def draws(
    model: ScoreModel, start: gbm_ref.Gaussian, num_steps: int, size: int, seed: int
) -> Array:
    """`size` draws of log x_0 (size, d) of the Dale-Langevin sampler from the log-normal start."""
    source = torch.Generator().manual_seed(seed)
    root = torch.from_numpy(np.linalg.cholesky(start.cov)).float()
    mean = torch.tensor(start.mean, dtype=torch.float32)
    shape = (size, mean.numel())
    x_T = (mean + torch.randn(shape, generator=source) @ root.T).exp()
    process = GBM(sigma=SIGMA)
    with torch.no_grad():
        x_0 = simulate(
            DaleLangevin(),
            process,
            score_function(model, process),
            x_T,
            uniform(num_steps),
            lambda row: torch.randn(shape, generator=source),
        )
    return x_0.double().log().numpy()


def band(size: int, alpha: float = ALPHA) -> float:
    """sup |F_n - F| exceeds this with probability at most alpha (Dvoretzky-Kiefer-Wolfowitz)."""
    return math.sqrt(math.log(2.0 / alpha) / (2.0 * size))


def distance(samples: Array, nodes: Array, levels: Array) -> float:
    """sup |F_n - F| for samples (n,) and F given on nodes, linear between them."""
    ordered = np.sort(samples)
    at = np.interp(ordered, nodes, levels)
    steps = np.arange(ordered.size + 1) / ordered.size
    return float(max((at - steps[:-1]).max(), (steps[1:] - at).max()))
