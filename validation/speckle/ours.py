"""What our networks say of an image with speckle: the method of this package, and its peer.

Images are intensities, positive, (height, width), float64. A run is trained on units in which the
mean of log X is 0; an image is brought there by the mean of its own logarithm, less the bias of
log-speckle.
"""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from gbm_fast.gamma_noise import SpeckleModel
from gbm_fast.restoration.domains import order_statistic
from gbm_fast.restoration.restorer import restorer_of
from gbm_fast.scores import denoiser
from gbm_fast.settings.restoration import RestorationSettings
from gbm_fast.training.runs import TrainedModel, load_trained
from validation.speckle.images import Array
from validation.speckle.methods import log_moments


def load_restorer(folder: Path) -> TrainedModel:
    """A run trained with gamma noise; ValueError for another."""
    run = load_trained(folder)
    if not isinstance(run.model, SpeckleModel):
        raise ValueError(
            f"{folder} was trained with noise {run.config.noise}: --run takes one of gamma noise."
        )
    return run


def load_peer(folder: Path) -> TrainedModel:
    """An ordinary run of one channel on multiplicative noise; ValueError for another."""
    run = load_trained(folder)
    if run.config.noise != "multiplicative" or run.config.network != "local" or run.scale is None:
        raise ValueError(
            f"{folder} cannot be the additive peer: it takes a run on data in units of their own "
            "(--range data) with noise multiplicative and network local."
        )
    return run


def _centre(y: Array, looks: float) -> float:
    return float(np.log(y).mean()) - log_moments(looks).bias


def _numbers(values: torch.Tensor) -> Array:
    return values.double().cpu().numpy()


def ours(run: TrainedModel, y: Array, looks: float) -> Array:
    """E[X | y] of each pixel, by one evaluation of the network."""
    return one_evaluation(run, y, looks)[0]


def one_evaluation(run: TrainedModel, y: Array, looks: float) -> tuple[Array, Array, Array]:
    """E[X | y] of each pixel, and its band from 5 to 95 %, by one evaluation of the network.

    For looks outside those of the training too: the gate asks for wrong ones.
    """
    restorer = replace(restorer_of(run), least_looks=0.0, most_looks=math.inf)
    found = restorer(torch.from_numpy(y), RestorationSettings(looks=looks))
    return _numbers(found.estimate[0]), _numbers(found.low[0]), _numbers(found.high[0])


def posterior_samples(
    run: TrainedModel, y: Array, looks: float, num_samples: int, seed: int
) -> Array:
    """Samples of the clean image given y, (num_samples, height, width)."""
    settings = RestorationSettings(looks=looks, num_samples=num_samples, seed=seed)
    samples = restorer_of(run)(torch.from_numpy(y), settings).samples
    assert samples is not None
    return _numbers(samples[:, 0])


def band(samples: Array, share: float = 0.9) -> tuple[Array, Array]:
    """The ends of the band that a further sample lies in with probability `share`.

    By order statistics at (n + 1) p, p = (1 -+ share) / 2; NaN where there are too few samples.
    """
    ordered = torch.from_numpy(samples).sort(0).values
    low, high = (order_statistic(ordered, p) for p in ((1 - share) / 2, (1 + share) / 2))
    return low.numpy(), high.numpy()


def additive_peer(run: TrainedModel, y: Array, looks: float) -> Array:
    """exp of E[log X | log y] as if log-speckle were normal, by a run of ordinary diffusion.

    The state of such a run is X^(1 / s), s the deviation of log X over its training data.
    """
    from gbm_fast.parameterisation import score_function
    from gbm_fast.training.build import build_process

    if run.scale is None:
        raise ValueError(f"{run.folder} has no units of its own: train with --range data.")
    bias, variance = log_moments(looks)
    std, centre, process = run.scale.log_stds[0], _centre(y, looks), build_process(run.config)
    state = torch.from_numpy((np.log(y) - bias - centre) / std).exp().float()[None, None]
    state, t = state.to(run.device), process.time_at_log_var(variance / std**2)
    with torch.inference_mode():
        h = score_function(run.model, process)(state, t)
        found = denoiser(state, h, process, t)
    return np.exp(_numbers(found[0, 0]) * std + centre)
