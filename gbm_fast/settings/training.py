"""The settings of a training run: one flat, frozen record that is the command line and the file.

Nothing here imports torch, so that `--help` answers at once. Settings whose default depends on the
data set are None until `resolve` fills them in; a run stores the resolved record.
"""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gbm_fast.settings.choices import check_choices, check_numbers, expand_paths
from gbm_fast.settings.combinations import check_combinations
from gbm_fast.settings.datasets import Dataset, Range, Zeros

NoiseName = Literal["multiplicative", "additive", "gamma"]
ProcessName = Literal["variance-exploding", "constant"]
PresetName = Literal["auto", "paper", "paper-code", "cpu", "gpu", "demo"]
NetworkName = Literal["unet", "ncsn", "ddpmpp", "local", "mlp", "own"]
Symmetries = Literal["none", "mirror", "all"]


@dataclass(frozen=True)
class TrainConfig:
    """Train a multiplicative diffusion model, then sample from it and measure the samples."""

    dataset: Dataset = "digits"
    """Training data. digits, natural-patches and the laws lognormal-... are built in; folder (of
    image files), npy (an array file) and vectors (a table, CSV or npy) are your own, at
    --data-dir; the others are read from there. own-...: objects that `gbm_fast.train_run` is given
    in Python."""
    preset: PresetName = "auto"
    """Settings to start from, which --config and then the other options override. cpu: what two
    cores train in under an hour; gpu: the same at a larger size; demo: minutes; paper: the
    publication's as printed, for GPUs; paper-code: as its authors' code has it; auto: gpu where
    there is one, else cpu."""
    data_dir: Path | None = None
    """Folder of the data (default: $GBM_DATA, else ./data, to which missing files are fetched);
    with --dataset npy and vectors the file."""
    range: Range = "auto"
    """Of folder and npy: auto takes integers of 8 or 16 bits as grey levels, which are mapped to
    [1, 2], and floats in units of their own; data: integers in units of their own as well."""
    zeros: Zeros = "refuse"
    """What becomes of zeros and missing values (NaN, or what a TIFF file declares as missing) in
    units of their own: refuse, or floor, the least positive number of the channel or column."""
    image_size: int | None = None
    """Of folder and npy: scale images of any size so that their shorter side has so many pixels,
    and cut them square in the middle (default: all have one size already, and keep it)."""
    crop: int | None = None
    """Train on square pieces of this side, at places drawn anew each time, of larger images."""
    symmetries: Symmetries = "none"
    """mirror: each image is mirrored left to right half of the time; all: turned by quarters as
    well. For photographs and views from above; not for digits."""
    out_dir: Path = Path("runs")
    """Where run folders are made."""
    run_dir: Path | None = None
    """The run folder itself (default: a new numbered one in --out-dir)."""
    resume: Literal["auto", "never"] = "never"
    """auto: continue the newest run in --out-dir (or --run-dir) that has these settings."""

    class_conditional: bool = False
    """Learn the score of each class: the network is told the labels of the training images, or
    for lognormal-mixture-... the component of each draw."""
    label_dropout: float = 0.0
    """Share of the items of --class-conditional that are learned without their labels, so that
    the network knows the score of all classes together as well and --guidance can sample."""

    noise: NoiseName = "multiplicative"
    """additive: noise is added to the pixels, as in ordinary diffusion (EDM): the same engine with
    exp(x) as the state in place of x, for images and --process variance-exploding. gamma: speckle
    of --least-looks to --most-looks; the network learns to restore, for `gbm_fast.restore`."""
    least_looks: float = 1.0
    """Fewest looks L of --noise gamma; log L is drawn evenly."""
    most_looks: float = 100.0
    """Most looks of --noise gamma."""
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
    weighting: Literal["preconditioned", "variance", "squared-variance", "none"] = "preconditioned"
    """Weight of the M-DSM loss: none is the paper's, whose variance explodes near t = 0;
    squared-variance, v^2, that of its authors' code."""
    target_level: Literal["same", "next"] = "same"
    """Level of the grid that the target is of: that of the data, or, as in the authors' code, the
    next one; the learned log score is then k / (k + 1) of the true one. Needs --times uniform, of
    which next takes k = 1..N-1."""
    times: Literal["log-normal", "log-uniform", "uniform"] = "log-normal"
    """Law of the training noise levels sqrt(v); uniform: t = k / N, k = 1..N, the paper's."""
    importance: bool = False
    """Draw times in proportion to the loss expected there and divide the loss by that: the same
    loss on average, with less variance."""

    network: NetworkName | None = None
    """For images unet, or the paper's ncsn (NCSN-Deeper, for 28 x 28) and ddpmpp (DDPM++, for
    32 x 32), or local, which sees no further than it must and so serves images of any size; mlp
    for vectors and the laws lognormal-...; the default follows the data. own: a module that
    `gbm_fast.train_run` is given in Python."""
    width: int | None = None
    """Channels of the finest level; units a layer of the mlp."""
    depth: int | None = None
    """Residual blocks of the mlp."""
    multipliers: tuple[int, ...] | None = None
    """Channels of each level of unet, ddpmpp and local as multiples of the width (default: of unet
    for your own images it follows their size, 1 2 up to 64 x 64)."""
    blocks: int | None = None
    """Residual blocks a level of unet, ddpmpp and local on the way down."""
    patch_size: int | None = None
    """Side of the space-to-depth fold in front of unet and local (default: for your own images it
    follows their size, 2 up to 64 x 64, then 4)."""
    initial_weights: Path | None = None
    """Folder of a run or of pretrained weights: the training begins with its averaged weights in
    place of random ones. The network has to be the same (--config FOLDER/config.json); another
    --seed gives other batches."""
    dropout: float = 0.0
    """Dropout probability in the residual blocks of unet and ddpmpp."""

    batch_size: int = 128
    """Images a step, of all processes together."""
    micro_batch: int | None = None
    """Images at once in a process; gradients are summed over as many rounds as that takes
    (default: all of its images, 16 of a large network on a CPU, and of images above 32 x 32 as
    many as half of the memory takes)."""
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
        expand_paths(self)
        check_numbers(self)
        check_ranges(self)
        check_combinations(self)


def noise_range(config: TrainConfig) -> tuple[float, float]:
    """The (least, greatest) sqrt(v) that a run trains on."""
    if config.process == "constant":
        return config.sigma / math.sqrt(config.num_steps), config.sigma
    return config.std_min, config.std_max


_POSITIVE = (
    *("sigma", "std_min", "std_max", "learning_rate", "clip_norm", "minutes"),
    *("timeout_minutes", "least_looks", "most_looks"),
)
_COUNTS = (
    *("num_steps", "batch_size", "micro_batch", "average_every", "checkpoint_every", "log_every"),
    *("keep_last", "keep_every", "samples_every"),
    *("width", "depth", "blocks", "patch_size", "steps", "crop"),
    "image_size",
)
_NOT_NEGATIVE = ("warmup_steps", "seed", "weight_decay")


# The greatest value of settings that no machine could serve beyond it, and why.
_MOST: dict[str, tuple[float, str]] = {
    "num_steps": (10**6, "every level of the grid is a row in memory"),
    "batch_size": (2**24, "the noise of a whole batch is drawn at once"),
    "width": (2**16, "a layer has its square in weights"),
    "depth": (10**4, "every block is built before the first step"),
    "blocks": (10**3, "every block is built before the first step"),
    "patch_size": (2**10, "a patch is an image of that side"),
    "steps": (2**32, "a batch has a number below that"),
    "minutes": (10**9, "that is two thousand years"),
    "timeout_minutes": (10**6, "that is two years"),
    "metrics_images": (10**6, "they are all in memory"),
}
_MOST_LEVELS, _MOST_MULTIPLE = 16, 2**10


def check_ranges(config: TrainConfig) -> None:
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
    for name, (most, why) in _MOST.items():
        if name in given and given[name] > most:
            raise ValueError(f"{name} must be at most {most:,}, got {given[name]:,}: {why}.")
    for name in ("dropout", "ema_decay", "label_dropout"):
        if not 0 <= given[name] < 1:
            raise ValueError(f"{name} must be in [0, 1), got {given[name]}.")
    if config.num_steps < 2:
        raise ValueError("num_steps must be 2 or more: the samplers need two levels.")
    if config.seed >= 2**32:
        raise ValueError(f"seed must be below 2**32, got {config.seed}.")
    if config.std_min >= config.std_max:
        raise ValueError(f"std_min {config.std_min} must be below std_max {config.std_max}.")
    if config.least_looks > config.most_looks:
        raise ValueError(
            f"least_looks {config.least_looks} must be at most most_looks {config.most_looks}."
        )
    multipliers = config.multipliers
    if multipliers is not None and (not multipliers or min(multipliers) < 1):
        raise ValueError(f"multipliers must be 1 or more each, got {multipliers}.")
    if multipliers and (len(multipliers) > _MOST_LEVELS or max(multipliers) > _MOST_MULTIPLE):
        raise ValueError(
            f"multipliers must be at most {_MOST_LEVELS} numbers of at most {_MOST_MULTIPLE}: "
            "every level halves the image, and a layer has the square of its width in weights."
        )
    images = config.metrics_images
    if images is not None and images != 0 and images < 2:
        raise ValueError(f"metrics_images must be 0, or 2 or more, got {images}.")
