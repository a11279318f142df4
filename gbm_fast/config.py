"""The settings of a training run: one flat, frozen record that is the command line and the file.

Nothing here imports torch, so that `--help` answers at once. Settings whose default depends on the
data set are None until `resolve` fills them in; a run stores the resolved record.
"""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from gbm_fast.config_checks import check_choices, check_combinations, check_ranges

ImageName = Literal[
    "digits",
    "natural-patches",
    "mnist",
    "fashion-mnist",
    "kuzushiji-mnist",
    "cifar10",
    "folder",
    "npy",
]
ToyName = Literal["lognormal-1d", "lognormal-2d", "lognormal-mixture-1d", "lognormal-mixture-2d"]
Dataset = Literal[ImageName, ToyName]
OWN_DATA = ("folder", "npy")
"""Data sets that are the user's own: --data-dir says which, and belongs to the settings."""
TOYS: tuple[str, ...] = get_args(ToyName)
"""Data that are drawn from a law with a known score (`gbm_fast.data.toys`), in place of images."""
ProcessName = Literal["variance-exploding", "constant"]


@dataclass(frozen=True)
class TrainConfig:
    """Train a multiplicative diffusion model, then sample from it and measure the samples."""

    dataset: Dataset = "digits"
    """Training data. digits, natural-patches and the laws lognormal-... are built in; folder (of
    image files) and npy (an array file) are your own, at --data-dir; the others are read from
    there."""
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

    network: Literal["unet", "mlp"] | None = None
    """unet for images, mlp for the laws lognormal-...; the default follows the data."""
    width: int | None = None
    """Channels of the finest level; units a layer of the mlp."""
    depth: int | None = None
    """Residual blocks of the mlp."""
    multipliers: tuple[int, ...] | None = None
    """Channels of each level of the unet as multiples of the width."""
    blocks: int | None = None
    """Residual blocks a level of the unet on the way down."""
    patch_size: int | None = None
    """Side of the space-to-depth fold in front of the unet."""
    dropout: float = 0.0
    """Dropout probability in the residual blocks of the unet."""

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
    """Arithmetic of the network; auto: bfloat16 where the hardware multiplies it natively, and
    float32 for the laws lognormal-...."""
    compile: bool = False
    """Compile the network with torch.compile (needs a C++ compiler on CPUs)."""
    device: str = "auto"
    """auto: a GPU where there is one, else the CPU."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""
    log_every: int = 50
    """Steps between lines of stats.jsonl."""
    metrics_images: int | None = None
    """Images for the distances at the end, a sampler; 0: no samples and no distances. For the
    laws lognormal-...: draws for the picture."""

    def __post_init__(self) -> None:
        check_choices(self)
        check_ranges(self)
        check_combinations(self)


# The shape of each network, and what it is where nothing else is said.
_SHAPES: dict[str, dict[str, object]] = {
    "unet": {"width": 64, "multipliers": (1, 2), "blocks": 1, "patch_size": 2},
    "mlp": {"width": 128, "depth": 3},
}


def resolve(config: TrainConfig) -> TrainConfig:
    """`config` with the settings that depend on the data set and the network filled in."""
    digits, toy = config.dataset == "digits", config.dataset in TOYS
    unlimited = config.steps is None and config.minutes is None
    network = config.network or ("mlp" if toy else "unet")
    shape = _SHAPES[network] | ({"width": 32} if digits else {})
    chosen = {name: getattr(config, name) for name in shape}
    filled = {name: shape[name] if value is None else value for name, value in chosen.items()}
    resolved = dataclasses.replace(config, network=network)
    resolved = dataclasses.replace(resolved, **filled)  # type: ignore[arg-type]
    images = 64 if digits else 4096 if toy else 256
    # A learned score is compared with the exact one: bfloat16 has three digits.
    precision = "float32" if toy and config.precision == "auto" else config.precision
    return dataclasses.replace(
        resolved,
        precision=precision,
        steps=config.steps or (4000 if digits else 6000),
        minutes=1.5 if digits and unlimited else config.minutes,
        metrics_images=images if config.metrics_images is None else config.metrics_images,
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
