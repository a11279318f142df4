"""The training settings that --preset stands for, as data, with where each value comes from.

`paper-code` is `paper` with what its authors' public code does otherwise. `cpu`, `gpu` and `demo`
are ours: what is not listed here is the default of `TrainConfig`, and `resolve` adds how long they
train. `paper` is what the publication says of its training: version 1, Section 6 and Appendix D,
and version 2, Sections 6, 6.1 and Appendix E.1. In the text of version 2 that we have the numbers
are lost; where version 1 has no such number either, the value is our own choice and says why. What
the samplers use is in `gbm_fast.settings.sampling_presets`.
"""

import dataclasses
import math
from typing import NamedTuple, cast, get_args

from gbm_fast.settings.combinations import SHAPES
from gbm_fast.settings.datasets import BUILT_IN, COLOUR, IN_PYTHON, LAWS, VECTORS, Dataset
from gbm_fast.settings.training import NetworkName, TrainConfig

OURS = "our choice: "


class Value(NamedTuple):
    """The value of a setting, and its source: a place in the paper, or `OURS` and the reason."""

    value: object
    source: str


# Of every data set of the paper.
_COMMON = {
    "process": Value("constant", "v1 Sec. 6, v2 Sec. 6: geometric Brownian motion, mu = sigma²/2"),
    "sigma": Value(0.8, "v1 Sec. 6"),
    "num_steps": Value(1000, "v1 Sec. 6"),
    "parameterisation": Value("stein", "v1 eq. (19), v2 eq. (14): the network is s_theta"),
    "weighting": Value("none", "v1 eq. (33), v2 eq. (38)"),
    "times": Value("uniform", "v1 eq. (33), v2 eq. (38); k = 1..N, since k = 0 is 0/0 there"),
    "batch_size": Value(128, OURS + "not stated; that of NCSN and of Song et al. (2021b)"),
    "weight_decay": Value(0.01, OURS + "not stated; AdamW's default in PyTorch, which they used"),
    "clip_norm": Value(1.0, OURS + "not stated; that of Song et al. (2021b), and without a bound "
    "the unweighted loss does not survive its small times"),
    "seed": Value(0, OURS + "not stated; any other would do"),
    "precision": Value("float32", OURS + "not stated; PyTorch's default"),
    "metrics_images": Value(0, OURS + "their 50,000 images a sampler are a task for many "
    "processes: gbm_fast.sample and gbm_fast.evaluate"),
}  # fmt: skip
_GREY = {
    "network": Value("ncsn", "v2 Sec. 6.1: NCSN-Deeper; v1 D.1: conditional RefineNet"),
    "width": Value(128, OURS + "not stated; that of NCSN-Deeper's publication"),
    "learning_rate": Value(1e-4, OURS + "not stated; that of NCSNv2 (Song and Ermon 2020)"),
    "warmup_steps": Value(0, OURS + "not stated; NCSNv2 has none"),
    "checkpoint_every": Value(5000, "v1 Sec. 6 and D.3"),
    "keep_every": Value(50_000, OURS + "each has 2.5 GB; the interval of their average"),
    "average": Value("saved-checkpoints", "v1 Sec. 6"),
    "average_every": Value(50_000, "v1 Sec. 6"),
    "ema_decay": Value(0.999, OURS + "not stated; that of NCSNv2. The ramp makes it the plain "
    "beginning of an average over the few checkpoints there are"),
    "choose": Value("least-loss", "v1 Fig. 2: the model with minimum score-matching loss"),
}  # fmt: skip
_COLOUR = {
    "network": Value("ddpmpp", "v2 Sec. 6.1: DDPM++ of Song et al. (2021b)"),
    "width": Value(128, OURS + "not stated; that of its reference configuration"),
    "multipliers": Value((1, 2, 2, 2), OURS + "as the width"),
    "blocks": Value(4, OURS + "as the width"),
    "dropout": Value(0.1, OURS + "as the width"),
    "learning_rate": Value(2e-4, OURS + "not stated; that of Song et al. (2021b)"),
    "warmup_steps": Value(5000, OURS + "not stated; that of Song et al. (2021b)"),
    "steps": Value(1_000_000, "v2 E.1: '1 million iterations' (the digit is lost)"),
    "checkpoint_every": Value(50_000, OURS + "'every k iterations' in v2 E.1, the number lost; "
    "that of Song et al. (2021b)"),
    "keep_every": Value(50_000, OURS + "as checkpoint_every"),
    "average": Value("saved-checkpoints", "v2 E.1"),
    "average_every": Value(50_000, OURS + "v2 E.1 compares three numbers, all lost; version 1's. "
    "CIFAR10_AVERAGES lists what to compare"),
    "ema_decay": Value(0.999, OURS + "not stated; 'similar to the setting in Song and Ermon "
    "(2020)', v2 E.1"),
    "choose": Value("last", OURS + "v2 speaks of no choice by the loss"),
}  # fmt: skip
PAPER: dict[str, dict[str, Value]] = {
    "mnist": _COMMON | _GREY | {"steps": Value(300_000, "v1 D.3; v1 Sec. 6 says 200,000")},
    "fashion-mnist": _COMMON | _GREY | {"steps": Value(200_000, "v1 D.3")},
    "kuzushiji-mnist": _COMMON | _GREY | {"steps": Value(200_000, "v1 D.3")},
    "cifar10": _COMMON | _COLOUR,
}
_CODE = "the authors' public code: "
# What their code does otherwise than the text says, of every data set.
_CODED = {
    "weighting": Value("squared-variance", _CODE + "the residual times v (claim coded-weight)"),
    "target_level": Value("next", _CODE + "the loss speaks of k + 1 (claim coded-level)"),
    "weight_decay": Value(0.0, _CODE + "Adam, which is AdamW without decay"),
    "ema_decay": Value(0.0, _CODE + "no moving average in the loop"),
    "average": Value("steps", _CODE + "no average of checkpoints"),
    "average_every": Value(1, _CODE + "as average"),
    "choose": Value(
        "least-loss",
        _CODE + "the least loss of a batch; here of a mean over the "
        "steps from one checkpoint to the next",
    ),
}
_CODED_STEPS = {"cifar10": 1_300_000}
_CODED_COLOUR = {"blocks": Value(8, _CODE + "'ddpmpp deep', 8 blocks a level")}
CODED: dict[str, dict[str, Value]] = {
    name: settings
    | _CODED
    | (_CODED_COLOUR if name == "cifar10" else {})
    | {"steps": Value(_CODED_STEPS.get(name, 300_001), _CODE + "the end of its loop")}
    for name, settings in PAPER.items()
}
PUBLISHED = {"paper": PAPER, "paper-code": CODED}
"""The settings of the publication as printed, and as coded."""
CIFAR10_AVERAGES = (50_000, 100_000, 200_000)
"""Values of --average-every to compare for CIFAR-10, as v2 E.1 does with three that are lost; ours
are multiples of the checkpoints that are saved. --average steps --average-every 1 is the usual."""

UNSIZED = ("folder", "npy", "own-images")
"""Data sets whose images have a size that their name does not say."""
_FOLLOWING = ("multipliers", "patch_size")

# What differs from the defaults of TrainConfig, for every data set of a kind.
_LARGER: dict[str, object] = {
    "width": 128,
    "multipliers": (1, 2, 2),
    "blocks": 2,
    "patch_size": 1,
    "batch_size": 256,
    "learning_rate": 5e-4,
    "ema_decay": 0.9995,
}
_OWN: dict[tuple[str, str], dict[str, object]] = {
    ("image", "cpu"): {},
    ("image", "gpu"): _LARGER,
    ("image", "demo"): {"warmup_steps": 50},
    # Steps are what there are too few of. After 100 s of a core the loss on test patches, 0.5 at
    # first, is 0.138 with 573 batches of 32 and 0.172 with 329 of 64. After 210 s it is 0.10 for
    # widths 32 to 64, and pictures of 64 have the least noise in them.
    ("colour", "cpu"): {"batch_size": 32},
    ("colour", "gpu"): _LARGER,
    ("colour", "demo"): {"batch_size": 32, "warmup_steps": 50},
    ("law", "cpu"): {"batch_size": 512},
    ("law", "gpu"): {"batch_size": 512},
    ("law", "demo"): {"batch_size": 256, "warmup_steps": 50},
}


def choose_preset(preset: str, dataset: str, has_gpu: bool) -> tuple[str, str]:
    """The preset that is meant, and a line that says so.

    auto is gpu where there is one, else cpu; the paper's is for whoever asks for it. Raises
    ValueError for `paper` and `paper-code` on a data set that they do not have.
    """
    if preset in PUBLISHED and dataset not in PAPER:
        raise ValueError(
            f"the paper has no training on {dataset}: preset {preset} is for {', '.join(PAPER)}."
        )
    if preset != "auto":
        return preset, f"preset {preset}{_sources(preset, dataset)}"
    if has_gpu:
        return "gpu", "preset gpu, since there is a GPU"
    return "cpu", "preset cpu, since there is no GPU"


def _sources(preset: str, dataset: str) -> str:
    if preset not in PUBLISHED:
        return ""
    values = PUBLISHED[preset][dataset].values()
    ours = sum(value.source.startswith(OURS) for value in values)
    coded = sum(value.source.startswith(_CODE) for value in values)
    of_code = f"{coded} as coded, " if coded else ""
    return (
        f": {len(values) - ours - coded} settings as published, {of_code}{ours} of our choice "
        "(gbm_fast/settings/training_presets.py says which, and why)"
    )


def preset_config(preset: str, dataset: str) -> TrainConfig:
    """The settings of a preset for a data set, to be overridden and then resolved.

    `auto` counts as `cpu` here. Raises ValueError as `choose_preset`, and for an unknown data set.
    """
    if dataset not in get_args(Dataset):
        raise ValueError(f"unknown data set {dataset!r}.")
    chosen, _ = choose_preset(preset, dataset, has_gpu=False)
    if chosen in PUBLISHED:
        settings: dict[str, object] = {
            name: value.value for name, value in PUBLISHED[chosen][dataset].items()
        }
    else:
        flat = dataset in (*LAWS, *VECTORS)
        kind = "law" if flat else "colour" if dataset in COLOUR else "image"
        settings = _OWN[kind, chosen]
    if dataset in UNSIZED:
        settings = {n: value for n, value in settings.items() if n not in _FOLLOWING}
    named = {"dataset": dataset, "preset": chosen}
    return dataclasses.replace(TrainConfig(), **(settings | named))  # type: ignore[arg-type]


_KINDS = {"digits": "digits"} | dict.fromkeys(LAWS, "law") | dict.fromkeys(COLOUR, "colour")
_KINDS |= dict.fromkeys(VECTORS, "vectors")


class _Budget(NamedTuple):
    """Where a training ends if nothing else is said, and what it shows then."""

    steps: int
    minutes: float | None
    metrics_images: int


_BUDGETS = {
    ("digits", "cpu"): _Budget(4000, 1.5, 64),
    ("digits", "demo"): _Budget(4000, 0.5, 64),
    ("images", "cpu"): _Budget(6000, 45.0, 256),
    ("images", "demo"): _Budget(6000, 3.0, 64),
    ("digits", "gpu"): _Budget(20_000, 5.0, 64),
    ("images", "gpu"): _Budget(100_000, 60.0, 2048),
    # In small batches (`_OWN`), of which one core made 14,440 in 45 minutes.
    ("colour", "cpu"): _Budget(30_000, 45.0, 256),
    ("colour", "gpu"): _Budget(200_000, 120.0, 2048),
    ("colour", "demo"): _Budget(30_000, 3.0, 64),
    ("vectors", "cpu"): _Budget(6000, 10.0, 1024),
    ("vectors", "gpu"): _Budget(20_000, 10.0, 1024),
    ("vectors", "demo"): _Budget(6000, 0.5, 1024),
    ("law", "cpu"): _Budget(6000, 45.0, 4096),
    ("law", "gpu"): _Budget(6000, 45.0, 4096),
    ("law", "demo"): _Budget(6000, 0.5, 4096),
}


def _followed(config: TrainConfig, image_size: tuple[int, int] | None) -> dict[str, object]:
    """What `unet` takes for images of this size; None where the size is not known yet.

    Patches and levels grow with the longer side, so that the coarsest level, at which the network
    looks at all pixels together, has at most 16 x 16 of them. Up to 64 x 64 they are the same.
    """
    if config.dataset in UNSIZED and image_size is None:
        return {"multipliers": None, "patch_size": None}
    large = config.preset == "gpu" and config.dataset in UNSIZED
    shape = {n: _LARGER[n] for n in _FOLLOWING} if large else SHAPES["unet"]
    if config.dataset not in UNSIZED or image_size is None:
        return {name: shape[name] for name in _FOLLOWING}
    side = max(image_size)
    patch_size = cast(int, shape["patch_size"]) * (1 if side <= 64 else 2 if side <= 512 else 4)
    patch_size = config.patch_size or min(patch_size, *image_size)
    multipliers = cast(tuple[int, ...], shape["multipliers"])
    while math.ceil(side / patch_size) > 16 * 2 ** (len(multipliers) - 1):
        multipliers += multipliers[-1:]
    return {"multipliers": multipliers, "patch_size": patch_size}


def require_patch_size(config: TrainConfig, image_size: tuple[int, int]) -> None:
    """Raise ValueError for a chosen patch size that images of this size cannot be cut into.

    The one that follows the size may leave a rest, which the network fills up.
    """
    chosen = config.patch_size
    if chosen is None or not any(side % chosen for side in image_size):
        return
    following = _followed(dataclasses.replace(config, patch_size=None), image_size)["patch_size"]
    if chosen != following:
        common = math.gcd(*image_size)
        fitting = [str(size) for size in range(1, common + 1) if common % size == 0]
        raise ValueError(
            f"patch_size {chosen} does not divide the image size {image_size}: "
            f"{', '.join(fitting)} would, and without --patch-size it is {following}."
        )


def resolve(config: TrainConfig, image_size: tuple[int, int] | None = None) -> TrainConfig:
    """`config` with the settings that depend on the data set and the network filled in.

    image_size   (height, width) of the images, which `multipliers` and `patch_size` of the network
                 unet follow where a data set's name does not say it (a folder, an array, images
                 given in Python); without it they are left for later

    The preset has been applied before (`preset_config`); `auto` counts as `cpu` here.
    """
    if config.data_dir is not None and config.dataset in (*BUILT_IN, *IN_PYTHON):
        raise ValueError(
            f"data_dir is no setting of dataset {config.dataset}, which is not read from files: "
            "leave it out."
        )
    kind = _KINDS.get(config.dataset, "images")
    usual: NetworkName = "mlp" if kind in ("law", "vectors") else "unet"
    network = config.network or ("local" if config.noise == "gamma" else usual)
    shape = SHAPES[network] | ({"width": 32} if kind == "digits" and network == "unet" else {})
    shape |= _followed(config, image_size) if network == "unet" else {}
    chosen = {name: getattr(config, name) for name in shape}
    filled = {name: shape[name] if value is None else value for name, value in chosen.items()}
    preset = config.preset if config.preset in ("gpu", "demo") else "cpu"
    budget = _BUDGETS[kind, preset]
    unlimited = config.steps is None and config.minutes is None
    images = 0 if config.noise == "gamma" else config.metrics_images
    # A learned score is compared with the exact one: bfloat16 has three digits.
    exact = kind == "law" and config.precision == "auto"
    resolved = dataclasses.replace(
        config,
        preset="cpu" if config.preset == "auto" else config.preset,
        network=network,
        precision="float32" if exact else config.precision,
        steps=config.steps or budget.steps,
        minutes=budget.minutes if unlimited else config.minutes,
        metrics_images=budget.metrics_images if images is None else images,
    )
    return dataclasses.replace(resolved, **filled)  # type: ignore[arg-type]
