"""Which laws are learned, in which ways, with which budget."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

import gbm_ref
from gbm_fast.data.toys import load_toy
from gbm_fast.settings.datasets import ToyName
from gbm_fast.settings.training import TrainConfig
from gbm_fast.settings.training_presets import resolve
from gbm_fast.targets import LogNormal

Array = NDArray[np.float64]
Way = Literal["paper", "paper, weight v", "default"]
WAYS: tuple[Way, ...] = ("paper", "paper, weight v", "default")
LINES: tuple[ToyName, ...] = ("lognormal-1d", "lognormal-mixture-1d")
PLANES: tuple[ToyName, ...] = ("lognormal-2d", "lognormal-mixture-2d")
SIGMA = 0.8


@dataclass(frozen=True)
class Plan:
    """The size of the study; the budget of every training is the same."""

    laws: tuple[ToyName, ...]
    seeds: int
    num_steps: int
    train_steps: int
    batch_size: int
    width: int
    depth: int
    line_samples: int
    """Draws of the first network of each way on a line, to be compared with its exact law."""
    plane_samples: int
    """Draws of every network in the plane."""
    gradients: int
    """Draws of the training loss whose gradients are looked at."""
    levels: int
    """Times at which errors are reported, and taken in the plane."""


FULL = Plan((*LINES, *PLANES), 3, 1000, 1200, 256, 64, 1, 2**13, 2**12, 2**11, 48)
QUICK = Plan((LINES[1], PLANES[1]), 1, 60, 40, 128, 16, 1, 2**10, 2**10, 2**7, 10)


class Case(NamedTuple):
    """One network: the law that it learns, the way, and the seed of its training."""

    law: ToyName
    way: Way
    seed: int


def cases(plan: Plan, law: ToyName, seed: int) -> list[Case]:
    """All the networks of a law; `seed` is that of the study."""
    return [Case(law, way, seed + i) for way in WAYS for i in range(plan.seeds)]


def training(case: Case, plan: Plan) -> TrainConfig:
    """The settings of `gbm_fast.train` for a case.

    paper            its head (the Stein score), its loss (no weight), its times (uniform)
    paper, weight v  the same but for the weight: lambda = v(t)
    default          what `gbm_fast.train` does when nothing is said
    """
    config = TrainConfig(
        dataset=case.law,
        process="constant",
        sigma=SIGMA,
        num_steps=plan.num_steps,
        width=plan.width,
        depth=plan.depth,
        batch_size=plan.batch_size,
        steps=plan.train_steps,
        seed=case.seed,
        checkpoint_every=plan.train_steps,
        log_every=plan.train_steps,
        device="cpu",
        metrics_images=0,
        parameterisation="denoiser" if case.way == "default" else "stein",
        weighting={"paper": "none", "paper, weight v": "variance", "default": "preconditioned"}[
            case.way
        ],
        times="log-normal" if case.way == "default" else "uniform",
    )
    return resolve(config)


def process() -> gbm_ref.GBM:
    """The forward process of the study, the paper's."""
    return gbm_ref.GBM(sigma=SIGMA)


def oracle(law: ToyName) -> gbm_ref.LogNormalMixture:
    """The law that `gbm_fast` draws its data from, as `gbm_ref` knows it."""
    drawn = load_toy(law)
    if isinstance(drawn, LogNormal):
        means, covs = drawn.log_mean[None], drawn.log_cov[None]
        return gbm_ref.LogNormalMixture(np.ones(1), means.numpy(), covs.numpy())
    return gbm_ref.LogNormalMixture(
        drawn.weights.numpy(), drawn.log_means.numpy(), drawn.log_covs.numpy()
    )


def shown_levels(plan: Plan) -> list[int]:
    """The k of the times that are reported: 1 to N, evenly in log k where that is possible."""
    spaced = np.geomspace(1, plan.num_steps, plan.levels).round().astype(int)
    return sorted(set(spaced.tolist()))
