"""How long work will take, from the pace of a small part of it, so that it can be announced."""

import time
from collections.abc import Sequence

import torch

from gbm_fast.sampling.sampler import Sampler

_MEASURED = 16  # images at once while the pace is taken


def seconds_of_sampling(samplers: Sequence[Sampler]) -> float:
    """About how long these samplers of one run take to make all their samples in one process.

    The network is what takes time: two evaluations of it are made, and the second is measured.
    """
    seconds = 0.0
    pace = _seconds_an_evaluation(samplers[0]) if samplers else 0.0
    for sampler in samplers:
        # The pace is that of a score, which is two evaluations where it is guided.
        guided = 1 if sampler.settings.guidance in (0, 1) else 2
        scores = sampler.settings.evaluations / guided
        seconds += pace * scores * sampler.settings.num_images
    return seconds


@torch.no_grad()
def _seconds_an_evaluation(sampler: Sampler) -> float:
    """Of the score, an image."""
    count = min(_MEASURED, sampler.settings.num_images)
    x, labels = sampler.initial_states(sampler.noise(range(count)))
    score, t = sampler.score(labels), sampler.grid[0].t_score
    for _ in range(2):
        started = time.perf_counter()
        float(score(x, t).sum())  # a number of it is there when all of it is
        seconds = time.perf_counter() - started
    return seconds / count


def spoken(seconds: float) -> str:
    """`about 40 s`, `about 12 min`, `about 3.5 h`."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.3g} h"
