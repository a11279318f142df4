"""The settings of a training run: one flat, frozen record that is the command line and the file.

Nothing here imports torch, so that `--help` answers at once. Settings whose default depends on the
data set are None until `resolve` fills them in; a run stores the resolved record.
"""

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args, get_origin

Dataset = Literal[
    "digits",
    "natural-patches",
    "mnist",
    "fashion-mnist",
    "kuzushiji-mnist",
    "cifar10",
    "folder",
    "npy",
]
OWN_DATA = ("folder", "npy")
"""Data sets that are the user's own: --data-dir says which, and belongs to the settings."""
ProcessName = Literal["variance-exploding", "constant"]


@dataclass(frozen=True)
class TrainConfig:
    """Train a multiplicative diffusion model, then sample from it and measure the samples."""

    dataset: Dataset = "digits"
    """Training data. digits and natural-patches are built in; folder (of image files) and npy
    (an array file) are your own, at --data-dir; the others are read from there."""
    data_dir: Path | None = None
    """Folder of the data (default: $GBM_DATA, else ./data, to which missing files are fetched);
    with --dataset npy the file."""
    out_dir: Path = Path("runs")
    """Where run folders are made."""
    run_dir: Path | None = None
    """The run folder itself (default: a new numbered one in --out-dir)."""
    resume: Literal["auto", "never"] = "never"
    """auto: continue the newest run in --out-dir (or --run-dir) that has these settings."""

    process: ProcessName = "variance-exploding"
    """Forward process. variance-exploding: log-noise up to --std-max, where the data are gone
    (Appendix C of the paper's version 2). constant: the paper's sigma, where they are not."""
    sigma: float = 0.8
    """Diffusion rate of the constant process (the paper's 0.8)."""
    std_min: float = 0.005
    """Least noise sqrt(v) of the variance-exploding process."""
    std_max: float = 10.0
    """Greatest noise sqrt(v) of the variance-exploding process."""
    num_steps: int = 1000
    """N: the grid of the paper's samplers and of --times uniform."""

    parameterisation: Literal["denoiser", "noise", "hyvarinen", "stein"] = "denoiser"
    """What the network puts out: stein is the paper's, denoiser is preconditioned as in EDM."""
    weighting: Literal["preconditioned", "variance", "none"] = "preconditioned"
    """Weight of the M-DSM loss: none is the paper's, whose variance explodes near t = 0."""
    times: Literal["log-normal", "log-uniform", "uniform"] = "log-normal"
    """Law of the training noise levels sqrt(v); uniform: t = k / N, k = 1..N, the paper's."""

    width: int | None = None
    """Channels of the U-Net's finest level."""
    multipliers: tuple[int, ...] = (1, 2)
    """Channels of each level as multiples of the width."""
    blocks: int = 1
    """Residual blocks a level on the way down."""
    patch_size: int | None = None
    """Side of the space-to-depth fold in front of the U-Net."""
    dropout: float = 0.0
    """Dropout probability in the residual blocks."""

    batch_size: int = 128
    """Images a step."""
    learning_rate: float = 1e-3
    """Peak learning rate of AdamW."""
    weight_decay: float = 0.0
    """Weight decay of AdamW."""
    warmup_steps: int = 200
    """Steps over which the learning rate rises linearly from 0."""
    clip_norm: float = 1.0
    """Gradient norm above which gradients are scaled down."""
    ema_decay: float = 0.999
    """Decay of the weights' moving average; ramps up as (1 + n) / (10 + n)."""
    steps: int | None = None
    """Stop after this many steps."""
    minutes: float | None = None
    """Stop after this many minutes of training, whichever comes first."""
    seed: int = 0
    """Seed of weights, data order, noise and dropout."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the network; auto: bfloat16 where the hardware multiplies it natively."""
    compile: bool = False
    """Compile the network with torch.compile (needs a C++ compiler on CPUs)."""
    device: str = "auto"
    """auto: a GPU where there is one, else the CPU."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""
    log_every: int = 50
    """Steps between lines of stats.jsonl."""
    metrics_images: int | None = None
    """Images for the distances at the end, a sampler; 0: no samples and no distances."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            choices = get_args(field.type) if get_origin(field.type) is Literal else ()
            if choices and getattr(self, field.name) not in choices:
                raise ValueError(
                    f"{field.name} must be one of {', '.join(choices)}, "
                    f"got {getattr(self, field.name)!r}."
                )
        positive = ("sigma", "std_min", "std_max", "learning_rate", "clip_norm")
        for name in positive:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive finite number, got {value}.")
        counts = ("num_steps", "batch_size", "checkpoint_every", "log_every", "blocks")
        optional = ("width", "patch_size", "steps")
        for name in counts + tuple(n for n in optional if getattr(self, n) is not None):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}.")
        for name in ("warmup_steps", "seed", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}.")
        if self.num_steps < 2:
            raise ValueError("num_steps must be 2 or more: the samplers need two levels.")
        if self.seed >= 2**32:
            raise ValueError(f"seed must be below 2**32, got {self.seed}.")
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"minutes must be positive, got {self.minutes}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}.")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay must be in [0, 1), got {self.ema_decay}.")
        if self.std_min >= self.std_max:
            raise ValueError(f"std_min {self.std_min} must be below std_max {self.std_max}.")
        if not self.multipliers or min(self.multipliers) < 1:
            raise ValueError(f"multipliers must be 1 or more each, got {self.multipliers}.")
        images = self.metrics_images
        if images is not None and images != 0 and images < 2:
            raise ValueError(f"metrics_images must be 0, or 2 or more, got {images}.")


def resolve(config: TrainConfig) -> TrainConfig:
    """`config` with the settings that depend on the data set filled in."""
    digits = config.dataset == "digits"
    unlimited = config.steps is None and config.minutes is None
    return dataclasses.replace(
        config,
        width=config.width or (32 if digits else 64),
        patch_size=config.patch_size or 2,
        steps=config.steps or (4000 if digits else 6000),
        minutes=1.5 if digits and unlimited else config.minutes,
        metrics_images=(
            (64 if digits else 256) if config.metrics_images is None else config.metrics_images
        ),
    )


def same_training(first: TrainConfig, second: TrainConfig) -> bool:
    """Whether two settings differ only in how long the run goes on, or in places and names."""
    budgetless = [
        dataclasses.replace(
            config,
            steps=None,
            minutes=None,
            resume="never",
            out_dir=Path(),
            run_dir=None,
            data_dir=config.data_dir if config.dataset in OWN_DATA else None,
            metrics_images=None,
        )
        for config in (first, second)
    ]
    return budgetless[0] == budgetless[1]


def noise_range(config: TrainConfig) -> tuple[float, float]:
    """The (least, greatest) sqrt(v) that a run trains on."""
    if config.process == "constant":
        return config.sigma / math.sqrt(config.num_steps), config.sigma
    return config.std_min, config.std_max


def to_json(config: TrainConfig) -> str:
    """The record as JSON, keys in the order of the class."""
    record = dataclasses.asdict(config)
    return json.dumps(
        {k: str(v) if isinstance(v, Path) else v for k, v in record.items()}, indent=2
    )


def from_json(text: str) -> TrainConfig:
    """The record from `to_json`; ValueError where the text is not one, or has unknown keys."""
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the configuration is not JSON: {error}.") from error
    known = {field.name for field in dataclasses.fields(TrainConfig)}
    if not isinstance(record, dict) or set(record) != known:
        differing = sorted(set(record) ^ known) if isinstance(record, dict) else []
        raise ValueError(
            f"the configuration is not one of this version: missing or unknown keys {differing}."
        )
    try:
        for name in ("data_dir", "out_dir", "run_dir"):
            record[name] = None if record[name] is None else Path(record[name])
        record["multipliers"] = tuple(record["multipliers"])
        return TrainConfig(**record)
    except TypeError as error:
        raise ValueError(f"the configuration has a value of a wrong type: {error}.") from error
