"""From settings to objects: the process, the model, the loss weighting and the law of the times.

This is the one place where a name on the command line becomes a class.
"""

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from gbm_fast.conditions import Condition, LevelIndex, log_variance
from gbm_fast.config import TrainConfig, noise_range
from gbm_fast.importance import ImportanceSampler, importance_sampler
from gbm_fast.networks import MLP, DDPMpp, NCSNDeeper, UNet
from gbm_fast.objectives import (
    PreconditionedWeighting,
    Weighting,
    unweighted,
    variance_weighting,
)
from gbm_fast.parameterisation import (
    Denoiser,
    Hyvarinen,
    Noise,
    Parameterisation,
    ScoreModel,
    Stein,
)
from gbm_fast.process import GBM, Process, VarianceExploding

# The log-normal law of training noise levels (the shape is EDM's, Karras et al. 2022): its median
# in units of the data's log_std, and its deviation in log sqrt(v), wider than EDM's 1.2 because
# samplers also start from some 40 log_std.
_MEDIAN_LEVEL, _LEVEL_DEVIATION = 0.7, 1.6
Setting = TypeVar("Setting")
_UNRESOLVED = "the configuration is not resolved: call config.resolve first."


def build_process(config: TrainConfig) -> Process:
    """The forward process of a run."""
    if config.process == "constant":
        return GBM(sigma=config.sigma)
    return VarianceExploding(config.std_min, config.std_max)


def _build_parameterisation(
    config: TrainConfig, log_mean: float, log_std: float
) -> Parameterisation:
    match config.parameterisation:
        case "stein":
            return Stein()
        case "hyvarinen":
            return Hyvarinen()
        case "noise":
            return Noise()
        case "denoiser":
            return Denoiser(log_mean, log_std)


def build_weighting(config: TrainConfig, log_std: float) -> Weighting:
    """The weighting of the M-DSM loss."""
    match config.weighting:
        case "none":
            return unweighted
        case "variance":
            return variance_weighting
        case "preconditioned":
            return PreconditionedWeighting(log_std)


def build_network(
    config: TrainConfig, event_shape: tuple[int, ...], num_classes: int = 0
) -> nn.Module:
    """The network of a resolved configuration for events of this shape, with so many classes."""
    channels, width = event_shape[0], _resolved(config.width)
    match config.network:
        case "unet":
            multipliers, blocks = _resolved(config.multipliers), _resolved(config.blocks)
            patch_size = _resolved(config.patch_size)
            dropout = config.dropout
            return UNet(channels, width, multipliers, blocks, patch_size, dropout, num_classes)
        case "ncsn":
            return NCSNDeeper(channels, width, config.num_steps, num_classes)
        case "ddpmpp":
            multipliers, blocks = _resolved(config.multipliers), _resolved(config.blocks)
            attention = (1,) if len(multipliers) > 1 else ()  # 16 x 16 of 32 x 32, as published
            dropout = config.dropout
            return DDPMpp(channels, width, multipliers, blocks, attention, dropout, num_classes)
        case "mlp":
            return MLP(math.prod(event_shape), width, _resolved(config.depth), num_classes)
    raise ValueError(_UNRESOLVED)


def _resolved(setting: Setting | None) -> Setting:
    if setting is None:
        raise ValueError(_UNRESOLVED)
    return setting


def _build_condition(config: TrainConfig) -> Condition:
    """What a network is told of the noise: log v, or for ncsn the index k - 1 of t = k / N."""
    if config.network != "ncsn":
        return log_variance
    process = build_process(config)
    k = torch.arange(1, config.num_steps + 1, dtype=torch.float64)
    return LevelIndex(process.log_var(k / config.num_steps * process.horizon))


def build_model(
    config: TrainConfig,
    event_shape: tuple[int, ...],
    log_mean: float,
    log_std: float,
    autocast: torch.dtype | None = None,
    num_classes: int = 0,
) -> ScoreModel:
    """The network with its parameterisation; log_mean, log_std are the log data's moments.

    num_classes: classes of the labels of a class-conditional run; 0 for a network without them.
    """
    parameterisation = _build_parameterisation(config, log_mean, log_std)
    network = build_network(config, event_shape, num_classes)
    condition = _build_condition(config)
    return ScoreModel(network, parameterisation, log_mean, log_std, autocast, condition)


def build_times(
    config: TrainConfig, process: Process, log_std: float
) -> Callable[[Tensor], Tensor]:
    """A map from uniform numbers in [0, 1), (batch,), to training times in (0, horizon].

    uniform      t = k horizon / N with k in 1..N, the paper's (k = 0 is singular: sheet E9)
    log-uniform  log sqrt(v) uniform over the run's noise range
    log-normal   log sqrt(v) normal round 0.7 log_std with deviation 1.6, cut to that range
    """
    low, high = (math.log(std) for std in noise_range(config))

    def uniform(r: Tensor) -> Tensor:
        index = (r.double() * config.num_steps).floor() + 1
        return index / config.num_steps * process.horizon

    def log_uniform(r: Tensor) -> Tensor:
        return process.time_at_log_var((2 * (low + (high - low) * r.double())).exp())

    def log_normal(r: Tensor) -> Tensor:
        normal = torch.distributions.Normal(
            torch.tensor(math.log(_MEDIAN_LEVEL * log_std), dtype=torch.float64), _LEVEL_DEVIATION
        )
        edges = normal.cdf(torch.tensor([low, high], dtype=torch.float64))
        level = normal.icdf(edges[0] + (edges[1] - edges[0]) * r.double()).clamp(low, high)
        return process.time_at_log_var((2 * level).exp())

    match config.times:
        case "uniform":
            return uniform
        case "log-uniform":
            return log_uniform
        case "log-normal":
            return log_normal


def build_importance(
    config: TrainConfig, process: Process, log_std: float
) -> ImportanceSampler | None:
    """The importance sampling of the times, where it is asked for; a cell a step of the grid."""
    if not config.importance:
        return None
    times, weighting = build_times(config, process, log_std), build_weighting(config, log_std)
    return importance_sampler(times, process, weighting, log_std, config.num_steps)


def choose_device(name: str) -> torch.device:
    """The device called `name`; auto is a GPU where there is one, else the CPU."""
    if name != "auto":
        try:
            return torch.empty(0, device=name).device
        except (RuntimeError, AssertionError, ImportError) as error:
            raise ValueError(f"device {name!r} cannot be used here: {error}") from error
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def choose_autocast(precision: str, device: torch.device) -> torch.dtype | None:
    """The half-precision type of the network's arithmetic, or None for that of its weights.

    auto takes bfloat16 where the hardware multiplies it natively, else None.

    On CPUs that means AMX tiles: AVX-512 alone emulates bfloat16 and is slower than float32.
    """
    fixed = {"bfloat16": torch.bfloat16, "float16": torch.float16}
    if precision != "auto":
        return fixed.get(precision)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else None
    # The only query that torch has for this; private, so its absence means "no".
    query = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return torch.bfloat16 if device.type == "cpu" and query is not None and query() else None
