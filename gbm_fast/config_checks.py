"""What settings are refused: words that are no choice, numbers out of range, contradictions.

Each function raises ValueError with the name of the setting, what was wrong and what to do.
"""

import dataclasses
import math
from typing import TYPE_CHECKING, Literal, get_args, get_origin

if TYPE_CHECKING:
    from gbm_fast.config import TrainConfig

_POSITIVE = (
    *("sigma", "std_min", "std_max", "learning_rate", "clip_norm", "minutes"),
    "timeout_minutes",
)
_COUNTS = (
    *("num_steps", "batch_size", "micro_batch", "average_every", "checkpoint_every", "log_every"),
    *("keep_last", "keep_every", "samples_every"),
    *("width", "depth", "blocks", "patch_size", "steps"),
)
_NOT_NEGATIVE = ("warmup_steps", "seed", "weight_decay")
# The settings of its shape that each network has.
NETWORK_SETTINGS = {
    "unet": {"width", "multipliers", "blocks", "patch_size"},
    "ncsn": {"width"},
    "ddpmpp": {"width", "multipliers", "blocks"},
    "mlp": {"width", "depth"},
}


def _choices(annotation: object) -> tuple[object, ...]:
    """The words and None that an annotation allows; empty where it is no choice of words."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    alternatives = get_args(annotation)
    literals = [part for part in alternatives if get_origin(part) is Literal]
    return (*get_args(literals[0]), None) if literals else ()


def check_choices(config: "TrainConfig") -> None:
    """Every setting that is a choice of words has one of them."""
    for field in dataclasses.fields(config):
        choices, value = _choices(field.type), getattr(config, field.name)
        if choices and value not in choices:
            words = ", ".join(str(choice) for choice in choices if choice is not None)
            raise ValueError(f"{field.name} must be one of {words}, got {value!r}.")


def check_ranges(config: "TrainConfig") -> None:
    """Every number is in its range."""
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    given = {name: value for name, value in values.items() if value is not None}
    for name in _POSITIVE:
        if name in given and not (math.isfinite(given[name]) and given[name] > 0):
            raise ValueError(f"{name} must be a positive finite number, got {given[name]}.")
    for name in _COUNTS:
        if name in given and given[name] < 1:
            raise ValueError(f"{name} must be 1 or more, got {given[name]}.")
    for name in _NOT_NEGATIVE:
        if not 0 <= given[name] < math.inf:
            raise ValueError(f"{name} must be 0 or more, got {given[name]}.")
    for name in ("dropout", "ema_decay"):
        if not 0 <= given[name] < 1:
            raise ValueError(f"{name} must be in [0, 1), got {given[name]}.")
    if config.num_steps < 2:
        raise ValueError("num_steps must be 2 or more: the samplers need two levels.")
    if config.seed >= 2**32:
        raise ValueError(f"seed must be below 2**32, got {config.seed}.")
    if config.std_min >= config.std_max:
        raise ValueError(f"std_min {config.std_min} must be below std_max {config.std_max}.")
    multipliers = config.multipliers
    if multipliers is not None and (not multipliers or min(multipliers) < 1):
        raise ValueError(f"multipliers must be 1 or more each, got {multipliers}.")
    images = config.metrics_images
    if images is not None and images != 0 and images < 2:
        raise ValueError(f"metrics_images must be 0, or 2 or more, got {images}.")


def check_combinations(config: "TrainConfig") -> None:
    """No setting contradicts another, and none would be ignored."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    other = ("sigma",) if config.process == "variance-exploding" else ("std_min", "std_max")
    for name in other:
        if getattr(config, name) != defaults[name]:
            raise ValueError(f"{name} is no setting of process {config.process}: leave it out.")
    if config.network is not None:
        _check_network(config, config.network)
    if config.importance and config.weighting == "preconditioned":
        raise ValueError(
            "importance changes nothing with weighting preconditioned, whose expected loss is the "
            "same at every time: leave one of them out."
        )
    _check_multiples(config)


def _check_network(config: "TrainConfig", network: str) -> None:
    toy = config.dataset.startswith("lognormal-")
    if toy != (network == "mlp"):
        raise ValueError(
            f"network {network} does not suit {config.dataset}: mlp is for the laws "
            "lognormal-..., and for them alone."
        )
    for name in set().union(*NETWORK_SETTINGS.values()) - NETWORK_SETTINGS[network]:
        if getattr(config, name) is not None:
            raise ValueError(f"{name} is no setting of network {network}: leave it out.")
    if network in ("mlp", "ncsn") and config.dropout:
        raise ValueError(f"dropout is no setting of network {network}: leave it out.")
    if network == "ncsn" and config.times != "uniform":
        raise ValueError(
            f"network ncsn has weights for the N levels of times uniform alone, not for times "
            f"{config.times}: pass --times uniform."
        )


def _check_multiples(config: "TrainConfig") -> None:
    if config.micro_batch is not None and config.micro_batch > config.batch_size:
        raise ValueError(
            f"micro_batch {config.micro_batch} must be at most batch_size {config.batch_size}."
        )
    every = config.checkpoint_every
    if config.keep_every is not None and config.keep_every % every:
        raise ValueError(
            f"keep_every {config.keep_every} must be a multiple of checkpoint_every {every}: no "
            "other checkpoints are there to be kept."
        )
    if config.average == "saved-checkpoints" and config.average_every % every:
        raise ValueError(
            f"average_every {config.average_every} must be a multiple of checkpoint_every {every} "
            "for average saved-checkpoints: no other checkpoints are saved."
        )
