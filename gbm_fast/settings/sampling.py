"""How to sample from a trained run: a frozen record, no torch."""

import hashlib
import math
from dataclasses import dataclass
from typing import Literal

from gbm_fast.settings.choices import check_choices, check_numbers
from gbm_fast.settings.training import NoiseName

SamplerName = Literal[
    "dale-langevin",
    "sign-agnostic",
    "milstein",
    "ancestral",
    "marginal-preserving",
    "probability-flow",
    "ddim",
    "dpmpp-2m",
    "dpmpp-3m",
]
StartName = Literal[
    "class-average",
    "class-average-coded",
    "lognormal",
    "lognormal-averages",
    "lognormal-full",
    "data",
]
FROM_IMAGES: tuple[StartName, ...] = ("lognormal-full", "data")
"""Starts for which the training images are read."""
NOISE_FREE = ("probability-flow", "ddim", "dpmpp-2m", "dpmpp-3m")
"""Samplers that draw noise for their start alone, and space their levels as EDM does."""
_CHURNED = ("probability-flow", "ddim")
_LONGEST_NAME = 140
_MOST_ROWS = 10**6
_MOST = (
    ("num_images", 2**32, "an image has a number below that"),
    ("batch_size", 2**24, "a batch is in memory, also where the network is given less at once"),
)
_DEFAULT_LEVELS = {"probability-flow": 18, "ddim": 50, "dpmpp-2m": 20, "dpmpp-3m": 20}


@dataclass(frozen=True)
class SamplingSettings:
    """A sampler, its process, its start and its grid.

    Raises ValueError for settings out of range or that contradict each other.
    """

    sampler: SamplerName = "dale-langevin"
    """dale-langevin: eq. (13), keeps signs; sign-agnostic: eq. (12), and milstein: its refinement,
    for --process constant; ancestral: exact for a frozen denoiser; marginal-preserving: any amount
    of noise --kappa; without noise, probability-flow: Heun's second-order step, ddim, and
    DPM-Solver++ of second and third order, one evaluation a level: dpmpp-2m, dpmpp-3m."""
    process: Literal["run", "constant"] = "run"
    """run: the process of the training; constant: the paper's, with --sigma. A network serves any
    process whose noise levels it was trained on."""
    sigma: float = 0.8
    """Diffusion rate of --process constant."""
    start: StartName = "lognormal"
    """class-average: a class's mean image pushed to the horizon; class-average-coded: by the
    numbers of the authors' code (--process constant); lognormal: fitted to the pixels of noised
    data; lognormal-averages: to those of noised class averages; lognormal-full: with the mean and
    covariance of all pixels, for which the training images are read; data: noised training images,
    an upper bound for diagnosis."""
    num_steps: int | None = None
    """Levels of the grid (default: 1000; without noise 20, but 18 for probability-flow and 50 for
    ddim)."""
    inner_steps: int = 1
    """L, steps at each level."""
    chi: float = 1.0
    """Annealing: the noise of the i-th level is multiplied by chi**i (Algorithms 1 and 2)."""
    kappa: float = 1.0
    """Noise of marginal-preserving: 1 is dale-langevin, 0 the flow by Euler's rule; its drift
    follows the noise, also where chi anneals it."""
    churn: float = 0.0
    """Noise of probability-flow and ddim before each level: sqrt(v) is raised by this share of it
    first, as S_churn / num_steps of EDM."""
    step_length: float | None = None
    """The paper's delta_s, the length of each step on the constant process (default:
    1 / num_steps)."""
    denoise_steps: int = 0
    """Noise-free steps at the last level of the constant process."""
    label: str | int | None = None
    """Class of all samples: its name, or its number from 0 where no class is called so. Without it
    a class-conditional run gives sample i a class of its own, drawn by the classes' shares of the
    training data. Other runs have a class where they start from one that shows in the noise:
    --start class-average and data on a process that ends at little noise (default: of its own)."""
    guidance: float = 1.0
    """Weight w of classifier-free guidance, for runs of --class-conditional --label-dropout: the
    score is that without a class plus w times what the class adds, two evaluations of the network
    for each. 1 is the class alone and 0 all classes together; above 1 images are more alike."""
    num_images: int = 64
    """Images to make."""
    seed: int = 0
    """Seed; image i depends on (seed, i) alone."""
    batch_size: int = 256
    """Images at once."""
    image_size: int | None = None
    """Side of square images that are larger, or smaller, than those of the training, for runs with
    --network local (default: the size that the training had)."""

    def __post_init__(self) -> None:
        if isinstance(self.label, bool) or self.label == "":
            raise ValueError(f"label must be the number or the name of a class, got {self.label}.")
        check_choices(self)
        check_numbers(self)
        for name in ("num_images", "batch_size", "inner_steps", "image_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}.")
        if self.num_steps is not None and self.num_steps < 2:
            raise ValueError(f"num_steps must be 2 or more, got {self.num_steps}.")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be in [0, 2**32), got {self.seed}.")
        if isinstance(self.label, int) and self.label < 0:
            raise ValueError(
                f"label must be the number of a class, 0 or more, or its name, got {self.label!r}."
            )
        if self.denoise_steps < 0:
            raise ValueError(f"denoise_steps must be 0 or more, got {self.denoise_steps}.")
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise ValueError(f"sigma must be a positive finite number, got {self.sigma}.")
        if not 0 < self.chi <= 1:
            raise ValueError(f"chi must be in (0, 1], got {self.chi}.")
        if not (math.isfinite(self.kappa) and self.kappa >= 0):
            raise ValueError(f"kappa must be a finite number of 0 or more, got {self.kappa}.")
        if not (math.isfinite(self.churn) and self.churn >= 0):
            raise ValueError(f"churn must be a finite number of 0 or more, got {self.churn}.")
        if not (math.isfinite(self.guidance) and self.guidance >= 0):
            raise ValueError(
                f"guidance must be a finite number of 0 or more, got {self.guidance}."
            )
        if self.step_length is not None and not self.step_length > 0:
            raise ValueError(
                f"step_length must be a positive finite number, got {self.step_length}."
            )
        self._refuse_too_many()
        self._refuse_contradictions()

    def _refuse_too_many(self) -> None:
        for name, most, why in _MOST:
            if getattr(self, name) > most:
                raise ValueError(f"{name} must be at most {most:,}: {why}.")
        rows = self.levels * self.inner_steps + self.denoise_steps
        if rows > _MOST_ROWS:
            raise ValueError(
                f"num_steps x inner_steps + denoise_steps must be at most {_MOST_ROWS:,}, got "
                f"{rows:,}: every step is a row in memory."
            )

    def _refuse_contradictions(self) -> None:
        if self.process == "run" and self.sigma != 0.8:
            raise ValueError("sigma belongs to --process constant: the run has its own process.")
        if self.kappa != 1 and self.sampler != "marginal-preserving":
            raise ValueError("kappa belongs to --sampler marginal-preserving.")
        if self.churn and self.sampler not in _CHURNED:
            raise ValueError(
                f"churn belongs to --sampler {' and '.join(_CHURNED)}: the others have noise of "
                "their own, or remember rows that the noise would leave behind."
            )
        unused = self.chi < 1 or self.inner_steps > 1 or self.denoise_steps
        if self.sampler in NOISE_FREE and (unused or self.step_length is not None):
            raise ValueError(
                f"{self.sampler} has no noise but --churn and spaces its own levels: chi, "
                "inner_steps, denoise_steps and step_length do not apply."
            )

    def require_noise(self, noise: NoiseName) -> None:
        """Raise ValueError where runs of this noise have no such sampler or process."""
        if noise == "multiplicative":
            return
        if self.process == "constant" or self.sampler in ("sign-agnostic", "milstein"):
            raise ValueError(
                f"a run with additive noise has no process constant and no sampler that moves X "
                f"itself, got process {self.process} and sampler {self.sampler}: choose process "
                "run with another sampler."
            )

    @property
    def levels(self) -> int:
        """The number of levels of the grid."""
        if self.num_steps is not None:
            return self.num_steps
        return _DEFAULT_LEVELS.get(self.sampler, 1000)

    @property
    def evaluations(self) -> int:
        """How often the network is asked for an image.

        The last step of the probability flow ends without noise, where it reads one score, not
        two; a guided score is two evaluations.
        """
        rows = self.levels * self.inner_steps + self.denoise_steps
        read = 2 * rows - 1 if self.sampler == "probability-flow" else rows
        return read if self.guidance in (0, 1) else 2 * read

    @property
    def slug(self) -> str:
        """The caption, number of images and seed as a file name.

        At most 140 characters, which every usual file system takes: of a longer name the end is
        the beginning of its SHA-256.
        """
        text = f"{self.caption}, {self.num_images} images, seed {self.seed}"
        name = text.replace(", ", "_").replace(" ", "-")
        if len(name) <= _LONGEST_NAME:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        return f"{name[: _LONGEST_NAME - len(digest) - 1]}-{digest}"

    @property
    def caption(self) -> str:
        """What tells these settings apart from others, for captions and tables."""
        parts = [self.sampler, f"start {self.start}"]
        if self.image_size is not None:
            parts.append(f"{self.image_size} x {self.image_size}")
        if self.label is not None:
            parts.append(f"class {self.label}")
        if self.guidance != 1:
            parts.append(f"guidance {self.guidance:g}")
        if self.process == "constant":
            parts.append(f"sigma {self.sigma:g}")
        parts.append(f"{self.levels} levels")
        if self.inner_steps > 1:
            parts.append(f"L {self.inner_steps}")
        if self.chi < 1:
            parts.append(f"chi {self.chi:g}")
        if self.kappa != 1:
            parts.append(f"kappa {self.kappa:g}")
        if self.churn:
            parts.append(f"churn {self.churn:g}")
        if self.step_length is not None:
            parts.append(f"delta_s {self.step_length:g}")
        if self.denoise_steps:
            parts.append(f"{self.denoise_steps} denoising steps")
        return ", ".join(parts)
