"""What our networks say of an image with speckle: the method of this package, and its peer.

Images are intensities, positive, (height, width), float64. A run is trained on units in which the
mean of log X is 0; an image is brought there by the mean of its own logarithm, less the bias of
log-speckle.
"""

import math
from pathlib import Path

import numpy as np
import torch

from gbm_fast.pixel_laws import SpeckleModel
from gbm_fast.restoration.chain import looks_levels, reverse_speckle
from gbm_fast.scores import denoiser
from gbm_fast.training.runs import TrainedModel, load_trained
from validation.speckle.images import Array
from validation.speckle.methods import log_moments

MOST_LOOKS, STEPS, TOGETHER = 100.0, 24, 4


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
    centre = _centre(y, looks)
    log_y = torch.from_numpy(np.log(y) - centre).float()[None, None].to(run.device)
    with torch.inference_mode():
        laws = run.model(log_y, torch.tensor([looks], device=run.device))
    return _numbers(laws.mean[0, 0]) * math.exp(centre)


def posterior_samples(
    run: TrainedModel, y: Array, looks: float, num_samples: int, seed: int
) -> Array:
    """Samples of the clean image given y, (num_samples, height, width)."""
    centre = _centre(y, looks)
    state = torch.from_numpy(np.exp(np.log(y) - centre)).float()[None].to(run.device)
    levels = looks_levels(looks, MOST_LOOKS, STEPS).float().to(run.device)
    parts = []
    with torch.inference_mode():
        for first in range(0, num_samples, TOGETHER):
            numbers = range(first, min(first + TOGETHER, num_samples))
            found = reverse_speckle(run.model, state, levels, seed, numbers)
            parts.append(_numbers(found[:, 0]))
    return np.concatenate(parts) * math.exp(centre)


def band(samples: Array, share: float = 0.9) -> tuple[Array, Array]:
    """The ends of the band that a further sample lies in with probability `share`.

    By order statistics at (n + 1) p, p = (1 -+ share) / 2, interpolated; with so few samples that
    there is none, the least and the largest.
    """
    ordered, count = np.sort(samples, axis=0), len(samples)

    def at(p: float) -> Array:
        place = min(max((count + 1) * p - 1, 0.0), count - 1.0)
        low = math.floor(place)
        high = min(low + 1, count - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    return at((1 - share) / 2), at((1 + share) / 2)


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
