"""The size of the study of additive noise, and the settings of its trainings and samplers."""

from dataclasses import dataclass

from gbm_fast.evaluation.classifier import ClassifierSettings
from gbm_fast.settings.sampling import SamplerName, SamplingSettings
from gbm_fast.settings.training import NoiseName, TrainConfig
from gbm_fast.settings.training_presets import resolve

ARMS: tuple[NoiseName, ...] = ("multiplicative", "additive")
STDS = (0.005, 10.0)
"""The noise range of the multiplicative arm; that of the other is as many of its deviations."""


@dataclass(frozen=True)
class Plan:
    """The size of the study; both arms have the same of everything."""

    rates: tuple[float, ...]
    """Learning rates that are tried with the first training seed."""
    training_seeds: int
    train_steps: int
    width: int
    batch_size: int
    blocks: int
    """Blocks of sampling noise that are reported; one more chooses the learning rate."""
    images: int
    """Images a block."""
    samplers: tuple[tuple[SamplerName, int], ...]
    """Samplers with their levels; the second one chooses the learning rate."""
    classifier: ClassifierSettings
    """Of the features, where they are not there yet."""


FULL = Plan(
    (1e-3, 2e-3, 4e-3), 2, 600, 16, 128, 3, 1000,
    (("probability-flow", 9), ("probability-flow", 18), ("dpmpp-3m", 10), ("dpmpp-3m", 20)),
    ClassifierSettings(),
)  # fmt: skip
QUICK = Plan(
    (1e-3, 4e-3), 1, 3, 8, 16, 2, 24, (("dpmpp-3m", 3), ("probability-flow", 3)),
    ClassifierSettings(epochs=1, min_steps=6),
)  # fmt: skip


def evaluations(sampler: SamplerName, levels: int) -> int:
    """Evaluations of the network for one image."""
    return SamplingSettings(sampler=sampler, num_steps=levels).evaluations


def training(plan: Plan, noise: NoiseName, scale: float, rate: float, seed: int) -> TrainConfig:
    """The settings of one training; `scale` is how many times wider the data's logarithms are."""
    return resolve(
        TrainConfig(
            noise=noise,
            std_min=STDS[0] * scale,
            std_max=STDS[1] * scale,
            width=plan.width,
            batch_size=plan.batch_size,
            learning_rate=rate,
            warmup_steps=50,
            steps=plan.train_steps,
            precision="float32",
            device="cpu",
            seed=seed,
            metrics_images=0,
        )
    )


def sampling(plan: Plan, number: int, seed: int) -> SamplingSettings:
    """Sampler `number` of the plan, for one block of images of that seed."""
    sampler, levels = plan.samplers[number]
    return SamplingSettings(
        sampler=sampler, num_steps=levels, num_images=plan.images, seed=seed, batch_size=500
    )


def training_seed(seed: int, number: int) -> int:
    """The seed of training `number`, from 0."""
    return (seed + number) % 2**31


def block_seed(seed: int, number: int) -> int:
    """The seed of a block of images: 0 is the one that chooses, the others are reported."""
    return (seed + 1000 + number) % 2**31
