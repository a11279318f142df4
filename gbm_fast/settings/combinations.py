"""Which settings of a training go together, and the shapes that networks have by default."""

import dataclasses
from typing import TYPE_CHECKING

from gbm_fast.settings.datasets import LAWS, OWN_DATA, UNITS, VECTORS

if TYPE_CHECKING:
    from gbm_fast.settings.training import TrainConfig

SHAPES: dict[str, dict[str, object]] = {
    "unet": {"width": 64, "multipliers": (1, 2), "blocks": 1, "patch_size": 2},
    "ncsn": {"width": 128},
    "ddpmpp": {"width": 128, "multipliers": (1, 2, 2, 2), "blocks": 4},
    "local": {"width": 48, "multipliers": (1, 2, 3), "blocks": 2, "patch_size": 2},
    "mlp": {"width": 128, "depth": 3},
    "own": {},
}
"""The settings of its shape that each network has, and what they are where nothing is said."""


def check_combinations(config: "TrainConfig") -> None:
    """No setting contradicts another, and none would be ignored."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    other = ("sigma",) if config.process == "variance-exploding" else ("std_min", "std_max")
    for name in other:
        if getattr(config, name) != defaults[name]:
            raise ValueError(f"{name} is no setting of process {config.process}: leave it out.")
    for name, served in {"range": UNITS, "image_size": UNITS, "zeros": OWN_DATA}.items():
        if config.dataset not in served and getattr(config, name) != defaults[name]:
            raise ValueError(
                f"{name} is no setting of dataset {config.dataset}: it is one of "
                f"{', '.join(served)}; leave it out."
            )
    if config.class_conditional and config.dataset in VECTORS:
        raise ValueError(f"{config.dataset} have no classes: leave class_conditional out.")
    if config.noise == "additive":
        _check_additive(config)
    _check_gamma(config, defaults)
    if (config.crop or config.symmetries != "none") and config.dataset in (*LAWS, *VECTORS):
        raise ValueError(f"{config.dataset} are no images: leave crop and symmetries out.")
    if config.label_dropout and not config.class_conditional:
        raise ValueError("label_dropout belongs to class_conditional: no label is learned else.")
    if config.network is not None:
        _check_network(config, config.network)
    if config.target_level == "next" and (config.times != "uniform" or config.importance):
        raise ValueError("target_level next needs times uniform, without importance.")
    if config.importance and config.weighting == "preconditioned":
        raise ValueError(
            "importance changes nothing with weighting preconditioned, whose expected loss is the "
            "same at every time: leave one of them out."
        )
    _check_multiples(config)


def _check_additive(config: "TrainConfig") -> None:
    """What is refused was made for positive numbers, or for a start in which the image shows."""
    only = {"process": ("variance-exploding",), "parameterisation": ("denoiser", "noise")}
    for name, served in only.items():
        if getattr(config, name) not in served:
            raise ValueError(
                f"noise additive has no {name} {getattr(config, name)}: choose "
                f"{' or '.join(served)}, or leave noise out."
            )
    if config.dataset in (*LAWS, *VECTORS):
        raise ValueError(
            f"noise additive is for images, and {config.dataset} has positive numbers of its own: "
            "leave noise out."
        )


# What the training of a restorer has no use for: it learns no score.
_OF_SCORES = (
    *("process", "sigma", "std_min", "std_max", "num_steps", "parameterisation", "weighting"),
    *("target_level", "times", "importance", "class_conditional", "metrics_images"),
    "samples_every",
)


def _check_gamma(config: "TrainConfig", defaults: dict[str, object]) -> None:
    """Gamma noise is on images in units of their own, and looks are of gamma noise alone."""
    if config.noise != "gamma":
        for name in ("least_looks", "most_looks"):
            if getattr(config, name) != defaults[name]:
                raise ValueError(f"{name} is no setting of noise {config.noise}: leave it out.")
        return
    for name in _OF_SCORES:
        if getattr(config, name) not in (defaults[name], 0):
            raise ValueError(f"{name} is no setting of noise gamma: leave it out.")
    if config.network not in (None, "local"):
        raise ValueError(
            f"noise gamma has the network local, not {config.network}: leave network out."
        )
    if config.dataset not in (*UNITS, "own-images"):
        raise ValueError(
            f"noise gamma is for images in units of their own, and {config.dataset} has grey "
            "levels: use --dataset folder or npy, integers with --range data."
        )


def _check_network(config: "TrainConfig", network: str) -> None:
    flat = config.dataset in (*LAWS, *VECTORS)
    if network != "own" and flat != (network == "mlp"):
        raise ValueError(
            f"network {network} does not suit {config.dataset}: mlp is for vectors and the laws "
            "lognormal-..., and for them alone."
        )
    for name in set().union(*SHAPES.values()) - set(SHAPES[network]):
        if getattr(config, name) is not None:
            raise ValueError(f"{name} is no setting of network {network}: leave it out.")
    if network == "local" and config.class_conditional:
        raise ValueError("network local knows no classes: leave class_conditional out.")
    if network in ("mlp", "ncsn", "local", "own") and config.dropout:
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
