"""What a training step draws: its images, its times, and the target of M-DSM."""

import math
from functools import partial

import numpy as np
import torch
from scipy.special import ndtr, ndtri

import gbm_fast as gbm
from gbm_fast.runtime.random import Stream, first_uniforms
from gbm_fast.settings.training import noise_range
from gbm_fast.training.build import build_process
from gbm_fast.training.order import batch_indices
from gbm_fast.training.times import build_times
from tests.statistics.laws import Array, Law, midpoints, normal, pushforward, uniform
from tests.statistics.scenario import Draw, Scenario, one_law
from tests.statistics.seeds import Source
from tests.support.problems import PROCESSES
from tests.support.twins import twin_process

STEPS, BATCH = 256, 128
LOG_STD = 0.17
CONFIG = gbm.TrainConfig()
LOW, HIGH = (math.log(std) for std in noise_range(CONFIG))
MEDIAN, DEVIATION = math.log(0.7 * LOG_STD), 1.6
"""The law that `build_times` documents: 0.7 log_std and 1.6."""


def log_levels(times: str, power: float = 1.0) -> Draw:
    """log sqrt(v) at the times of STEPS training steps; `power` bends the uniform numbers."""
    config = gbm.TrainConfig(times=times)
    process = build_process(config)
    law = build_times(config, process, LOG_STD)

    def draw(source: Source) -> Array:
        batches = [first_uniforms(source.seed, Stream.TIMES, k, BATCH) for k in range(STEPS)]
        return 0.5 * process.log_var(law(torch.cat(batches) ** power)).log().numpy()

    return draw


def cut_normal(deviation: float = DEVIATION) -> Law:
    """log sqrt(v), normal and cut to the range of the run."""
    low, high = (ndtr((edge - MEDIAN) / deviation) for edge in (LOW, HIGH))

    def cdf(y: Array) -> Array:
        return (ndtr((np.clip(y, LOW, HIGH) - MEDIAN) / deviation) - low) / (high - low)

    return Law(cdf, LOW, HIGH)


# log sqrt(v), uniform over the range of the run.
even_levels = partial(uniform, LOW, HIGH)


def _bent() -> Law:
    """The quantile function of `even_levels` at U^2."""
    law = even_levels()
    return Law(lambda y: law.cdf(y) ** (1.0 / 2.0), law.low, law.high)


def _edm_levels(source: Source) -> Array:
    """A deviation of 1.2 in the place of 1.6, by the inverse distribution function."""
    low, high = (ndtr((edge - MEDIAN) / 1.2) for edge in (LOW, HIGH))
    return MEDIAN + 1.2 * ndtri(low + (high - low) * source.numpy.random(STEPS * BATCH))


EPOCHS, IMAGES = 2**10, 8


def early(shuffled: bool = True) -> Draw:
    """1 where image 0 comes in the first half of an epoch of IMAGES images, (EPOCHS,)."""

    def draw(source: Source) -> Array:
        if not shuffled:
            return np.ones(EPOCHS)
        order = torch.stack([batch_indices(source.seed, k, IMAGES, IMAGES) for k in range(EPOCHS)])
        return (order[:, : IMAGES // 2] == 0).any(dim=1).double().numpy()

    return draw


half = partial(float, 0.5)

PROCESS, TIME, X0 = twin_process(PROCESSES["constant"]), 0.4, 1.7
M, V = float(PROCESS.log_mean(TIME)), float(PROCESS.log_var(TIME))
TARGETS = 2**17


def targets(kind: str = "M-DSM") -> Draw:
    """The regression target of the loss at one time; other kinds are mistakes."""

    def draw(source: Source) -> Array:
        x0 = torch.full((TARGETS // 8, 8), X0)
        z = torch.randn(x0.shape, generator=source.torch)
        h = gbm.m_dsm(lambda x, t: torch.zeros_like(x), x0, TIME, z, PROCESS).h_target
        wrong = {"M-DSM": h, "without x": h / PROCESS.sample(x0, TIME, z)}
        wrong |= {"log score": h + 1, "v for sqrt(v)": -1 - z / V}
        return wrong[kind].double().numpy().ravel()

    return draw


target_law = partial(normal, -1.0, 1.0 / V)


def _without_x() -> Law:
    """-(1 + z / sqrt(v)) / x_t, whose map of z is not monotone but piecewise so."""
    z = ndtri(midpoints(400_000))
    return pushforward((-1.0 - z / math.sqrt(V)) / (X0 * np.exp(M + math.sqrt(V) * z)))


TIMES = "build_times on the numbers of the stream BATCH"
EDM = {"deviation of EDM": one_law(_edm_levels, partial(cut_normal, 1.2))}
BENT = {"uniform number squared": one_law(log_levels("log-uniform", 2.0), _bent)}
UNSHUFFLED = {"epochs not shuffled": one_law(early(shuffled=False), lambda: 1.0)}
WRONG_TARGETS = {
    "M-DSM without x": one_law(targets("without x"), _without_x),
    "log score for h": one_law(targets("log score"), lambda: normal(0.0, 1.0 / V)),
    "v for sqrt(v)": one_law(targets("v for sqrt(v)"), lambda: normal(-1.0, V**-2)),
}
ORDER = "batch_indices: image 0 in the first half of an epoch"
SCENARIOS = [
    Scenario("training times log-normal", TIMES, log_levels("log-normal"), EDM),
    Scenario("training times log-uniform", TIMES, log_levels("log-uniform"), BENT),
    Scenario("order of images", ORDER, early(), UNSHUFFLED),
    Scenario("target of M-DSM", "h_target of m_dsm at one time", targets(), WRONG_TARGETS),
]
