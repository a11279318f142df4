"""The settings of a training run: one flat, frozen record that is the command line and the file.

Nothing here imports torch, so that `--help` answers at once. Settings whose default depends on the
data set are None until `resolve` fills them in; a run stores the resolved record.
"""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

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
COLOUR = ("natural-patches", "cifar10")
"""Data sets of 32 x 32 colour images: a third more pixels than MNIST's, in three channels."""
ProcessName = Literal["variance-exploding", "constant"]
PresetName = Literal["auto", "paper", "cpu", "demo"]


@dataclass(frozen=True)
class TrainConfig:
    """Train a multiplicative diffusion model, then sample from it and measure the samples."""

    dataset: Dataset = "digits"
    """Training data. digits, natural-patches and the laws lognormal-... are built in; folder (of
    image files) and npy (an array file) are your own, at --data-dir; the others are read from
    there."""
    preset: PresetName = "auto"
    """Settings to start from, which --config and then the other options override. paper: the
    publication's, for GPUs; cpu: what two cores train in under an hour; demo: minutes; auto: paper
    where there is a GPU, else cpu."""
    data_dir: Path | None = None
    """Folder of the data (default: $GBM_DATA, else ./data, to which missing files are fetched);
    with --dataset npy the file."""
    out_dir: Path = Path("runs")
    """Where run folders are made."""
    run_dir: Path | None = None
    """The run folder itself (default: a new numbered one in --out-dir)."""
    resume: Literal["auto", "never"] = "never"
    """auto: continue the newest run in --out-dir (or --run-dir) that has these settings."""

    class_conditional: bool = False
    """Learn the score of each class: the network is told the labels of the training images, or
    for lognormal-mixture-... the component of each draw."""

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
    importance: bool = False
    """Draw times in proportion to the loss expected there and divide the loss by that: the same
    loss on average, with less variance."""

    network: Literal["unet", "ncsn", "ddpmpp", "mlp"] | None = None
    """For images unet, or the paper's ncsn (NCSN-Deeper, for 28 x 28) and ddpmpp (DDPM++, for
    32 x 32); mlp for the laws lognormal-...; the default follows the data."""
    width: int | None = None
    """Channels of the finest level; units a layer of the mlp."""
    depth: int | None = None
    """Residual blocks of the mlp."""
    multipliers: tuple[int, ...] | None = None
    """Channels of each level of unet and ddpmpp as multiples of the width."""
    blocks: int | None = None
    """Residual blocks a level of unet and ddpmpp on the way down."""
    patch_size: int | None = None
    """Side of the space-to-depth fold in front of the unet."""
    dropout: float = 0.0
    """Dropout probability in the residual blocks of unet and ddpmpp."""

    batch_size: int = 128
    """Images a step, of all processes together."""
    micro_batch: int | None = None
    """Images at once in a process; gradients are summed over as many rounds as that takes
    (default: all of its images, but 16 of a large network on a CPU)."""
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
    average: Literal["steps", "saved-checkpoints"] = "steps"
    """What the average is taken over: the weights of every --average-every-th step, or, as in
    version 1, of saved checkpoints: the same, but --average-every has to be a multiple of
    --checkpoint-every, so that all of the weights in it were saved."""
    average_every: int = 1
    """Steps from one set of weights in the average to the next (version 1: 50000)."""
    choose: Literal["last", "least-loss"] = "last"
    """The checkpoint whose averaged weights the run keeps for use: the last, or, as in version 1,
    that of the least loss, a mean over the last --checkpoint-every steps."""
    steps: int | None = None
    """Stop after this many steps (default: the preset's, for cpu and demo 6000, of colour 30000,
    digits 4000)."""
    minutes: float | None = None
    """Stop after this many minutes of training, or at --steps or its default if that is sooner."""
    seed: int = 0
    """Seed of weights, data order, noise and dropout."""

    precision: Literal["auto", "float64", "float32", "bfloat16", "float16"] = "auto"
    """Arithmetic of the network; auto: bfloat16 where the hardware multiplies it natively, and
    float32 for the laws lognormal-.... Weights, state and loss are float32; float64: all of it."""
    compile: bool = False
    """Compile the network with torch.compile (needs a C++ compiler on CPUs)."""
    device: str = "auto"
    """auto: a GPU where there is one, else the CPU."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""
    keep_last: int = 2
    """Checkpoints that are kept, the newest ones."""
    keep_every: int | None = None
    """Checkpoints of every so many steps are kept as well."""
    log_every: int = 50
    """Steps between lines of stats.jsonl."""
    tensorboard: bool = False
    """Write the same numbers for TensorBoard as well (needs the package tensorboard)."""
    samples_every: int | None = None
    """Steps between grids of samples, samples/step-*.png."""
    timeout_minutes: float = 30.0
    """How long a process of several waits for the others before all of them fail."""
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
    "ncsn": {"width": 128},
    "ddpmpp": {"width": 128, "multipliers": (1, 2, 2, 2), "blocks": 4},
    "mlp": {"width": 128, "depth": 3},
}
_KINDS = {"digits": "digits"} | dict.fromkeys(TOYS, "law") | dict.fromkeys(COLOUR, "colour")


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
    # In small batches (gbm_fast.presets.training), of which one core made 14,440 in 45 minutes.
    ("colour", "cpu"): _Budget(30_000, 45.0, 256),
    ("colour", "demo"): _Budget(30_000, 3.0, 64),
    ("law", "cpu"): _Budget(6000, 45.0, 4096),
    ("law", "demo"): _Budget(6000, 0.5, 4096),
}


def resolve(config: TrainConfig) -> TrainConfig:
    """`config` with the settings that depend on the data set and the network filled in.

    The preset has been applied before (`gbm_fast.presets.training`); `auto` counts as `cpu` here.
    """
    kind = _KINDS.get(config.dataset, "images")
    network = config.network or ("mlp" if kind == "law" else "unet")
    shape = _SHAPES[network] | ({"width": 32} if kind == "digits" and network == "unet" else {})
    chosen = {name: getattr(config, name) for name in shape}
    filled = {name: shape[name] if value is None else value for name, value in chosen.items()}
    budget = _BUDGETS[kind, "demo" if config.preset == "demo" else "cpu"]
    unlimited = config.steps is None and config.minutes is None
    images = config.metrics_images
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


# What may change when a run goes on: its length, places and names, what is kept or shown, and what
# computes it, to the rounding of another device or compiler. Precision is no such thing.
_FREE = (
    *("preset", "steps", "minutes", "resume", "out_dir", "run_dir", "metrics_images"),
    *("keep_last", "keep_every", "log_every", "tensorboard", "samples_every"),
    *("device", "compile", "micro_batch", "timeout_minutes"),
)


def same_training(first: TrainConfig, second: TrainConfig) -> bool:
    """Whether two settings differ only in what may change when a run goes on."""
    return differences(first, second) == ""


def differences(first: TrainConfig, second: TrainConfig) -> str:
    """The settings that make two trainings different ones, as `name old, now new; ...`."""
    names = [f.name for f in dataclasses.fields(TrainConfig) if f.name not in _FREE]
    if first.dataset == second.dataset and first.dataset not in OWN_DATA:
        names.remove("data_dir")
    pairs = [(name, getattr(first, name), getattr(second, name)) for name in names]
    return "; ".join(f"{name} {old}, now {new}" for name, old, new in pairs if old != new)


def noise_range(config: TrainConfig) -> tuple[float, float]:
    """The (least, greatest) sqrt(v) that a run trains on."""
    if config.process == "constant":
        return config.sigma / math.sqrt(config.num_steps), config.sigma
    return config.std_min, config.std_max
