"""How to sample from a trained run and how to evaluate it: frozen records, no torch."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

Sampler = Literal["dale-langevin", "sign-agnostic", "probability-flow"]
Start = Literal["class-average", "lognormal", "lognormal-averages", "data"]


@dataclass(frozen=True)
class SamplingSettings:
    """A sampler, its process, its start and its grid.

    Raises ValueError for settings out of range or that contradict each other.
    """

    sampler: Sampler = "dale-langevin"
    """dale-langevin: eq. (13), keeps signs; sign-agnostic: eq. (12); probability-flow: the ODE by
    Heun's second-order step."""
    process: Literal["run", "constant"] = "run"
    """run: the process of the training; constant: the paper's, with --sigma. A network serves any
    process whose noise levels it was trained on."""
    sigma: float = 0.8
    """Diffusion rate of --process constant."""
    start: Start = "lognormal"
    """class-average: a class's mean image pushed to the horizon; lognormal: fitted to the pixels
    of noised data; lognormal-averages: to those of noised class averages; data: noised training
    images, an upper bound for diagnosis."""
    num_steps: int | None = None
    """Levels of the grid (default: 1000, and 18 for probability-flow)."""
    inner_steps: int = 1
    """L, steps at each level."""
    chi: float = 1.0
    """Annealing: the noise of the i-th level is multiplied by chi**i (Algorithms 1 and 2)."""
    step_length: float | None = None
    """Length of each step on the constant process (default 1 / num_steps; the paper's delta_s)."""
    denoise_steps: int = 0
    """Noise-free steps at the last level of the constant process."""
    num_images: int = 64
    """Images to make."""
    seed: int = 0
    """Seed; image i depends on (seed, i) alone."""
    batch_size: int = 256
    """Images at once."""

    def __post_init__(self) -> None:
        for name in ("num_images", "batch_size", "inner_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}.")
        if self.num_steps is not None and self.num_steps < 2:
            raise ValueError(f"num_steps must be 2 or more, got {self.num_steps}.")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be in [0, 2**32), got {self.seed}.")
        if self.denoise_steps < 0:
            raise ValueError(f"denoise_steps must be 0 or more, got {self.denoise_steps}.")
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise ValueError(f"sigma must be a positive finite number, got {self.sigma}.")
        if self.process == "run" and self.sigma != 0.8:
            raise ValueError("sigma belongs to --process constant: the run has its own process.")
        if not 0 < self.chi <= 1:
            raise ValueError(f"chi must be in (0, 1], got {self.chi}.")

    @property
    def levels(self) -> int:
        """The number of levels of the grid."""
        if self.num_steps is not None:
            return self.num_steps
        return 18 if self.sampler == "probability-flow" else 1000

    @property
    def slug(self) -> str:
        """The label, number of images and seed as a file name."""
        name = f"{self.label}, {self.num_images} images, seed {self.seed}"
        return name.replace(", ", "_").replace(" ", "-")

    @property
    def label(self) -> str:
        """What tells these settings apart from others, for captions and tables."""
        parts = [self.sampler, f"start {self.start}"]
        if self.process == "constant":
            parts.append(f"sigma {self.sigma:g}")
        parts.append(f"{self.levels} levels")
        if self.inner_steps > 1:
            parts.append(f"L {self.inner_steps}")
        if self.chi < 1:
            parts.append(f"chi {self.chi:g}")
        if self.step_length is not None:
            parts.append(f"delta_s {self.step_length:g}")
        if self.denoise_steps:
            parts.append(f"{self.denoise_steps} denoising steps")
        return ", ".join(parts)


_DEFAULT_SAMPLING = SamplingSettings(num_images=256)


@dataclass(frozen=True)
class EvaluateConfig:
    """Fréchet and kernel distances to the test images, beside what real images reach."""

    run: Path
    """Run folder of gbm_fast.train; the result goes into its metrics.json."""
    images: Path | None = None
    """Measure these instead of new samples: a folder of 8-bit PNG files, or a .npy array
    (n, channels, height, width), floats in [1, 2] or the data set's own uint8."""
    features: Literal["classifier", "inception"] = "classifier"
    """classifier: trained on the data set, and kept in --features-dir; inception: clean-fid's,
    where the weights file is present."""
    features_dir: Path | None = None
    """Where the classifier is kept (default: `features` beside the run folder)."""
    inception_weights: Path | None = None
    """The Inception weights file or its folder (default: the folder for temporary files, which is
    clean-fid's choice)."""
    data_dir: Path | None = None
    """Folder of the data (default: that of the run)."""
    floor_repeats: int = 10
    """Sets of training images that the floor is averaged over."""
    device: str = "auto"
    """auto: a GPU where there is one, else the CPU; for sampling."""
    sampling: Annotated[SamplingSettings, tyro.conf.OmitArgPrefixes] = _DEFAULT_SAMPLING
    """How to sample; the seed is also that of the floor."""

    def __post_init__(self) -> None:
        if self.floor_repeats < 2:
            raise ValueError(f"floor_repeats must be 2 or more, got {self.floor_repeats}.")
        unseeded = replace(self.sampling, seed=_DEFAULT_SAMPLING.seed)
        if self.images is not None and unseeded != _DEFAULT_SAMPLING:
            raise ValueError(
                "--images are measured as they are, all of them: the options of the samplers, "
                "--num-images among them, do not apply."
            )
