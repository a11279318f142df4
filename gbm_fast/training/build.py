"""From the settings of a training to its objects: process, network, model and loss weighting.

This is the one place where a word of these settings becomes a class.
"""

import math
from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

from gbm_fast.gamma_noise import OUTPUTS, SpeckleModel
from gbm_fast.networks import MLP, DDPMpp, LocalUNet, NCSNDeeper, UNet
from gbm_fast.networks.conditions import Condition, LevelIndex, log_variance
from gbm_fast.objectives import (
    PreconditionedWeighting,
    Weighting,
    squared_variance_weighting,
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
from gbm_fast.settings.training import TrainConfig

Setting = TypeVar("Setting")
_UNRESOLVED = "the settings are not resolved: call resolve first, for images with their size."


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
        case "squared-variance":
            return squared_variance_weighting
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
            shape = multipliers, blocks, patch_size, dropout, num_classes
            return UNet(channels, width, *shape, pads=True)
        case "ncsn":
            return NCSNDeeper(channels, width, config.num_steps, num_classes)
        case "ddpmpp":
            multipliers, blocks = _resolved(config.multipliers), _resolved(config.blocks)
            attention = (1,) if len(multipliers) > 1 else ()  # 16 x 16 of 32 x 32, as published
            dropout = config.dropout
            return DDPMpp(channels, width, multipliers, blocks, attention, dropout, num_classes)
        case "local":
            multipliers, blocks = _resolved(config.multipliers), _resolved(config.blocks)
            out = channels * (OUTPUTS if config.noise == "gamma" else 1)
            return LocalUNet(
                channels, out, width, multipliers, blocks, _resolved(config.patch_size)
            )
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
    own_network: nn.Module | None = None,
) -> ScoreModel | SpeckleModel:
    """The network with its parameterisation; log_mean, log_std are the log data's moments.

    Of noise gamma it is a `SpeckleModel`, of others a score.

    num_classes: classes of the labels of a class-conditional run; 0 for a network without them.
    own_network: the user's, of which a copy is taken; for the settings `network="own"`, and for
        them alone.

    Raises ValueError where it is missing or not expected.
    """
    if (own_network is None) == (config.network == "own"):
        raise ValueError(
            "the network of these settings is your own: pass it as network=..."
            if own_network is None
            else f"these settings name the network {config.network}: pass no other with network=."
        )
    network = deepcopy(own_network) or build_network(config, event_shape, num_classes)
    if config.noise == "gamma":
        return SpeckleModel(network, log_std, autocast)
    parameterisation = _build_parameterisation(config, log_mean, log_std)
    condition = _build_condition(config)
    return ScoreModel(network, parameterisation, log_mean, log_std, autocast, condition)
