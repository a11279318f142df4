"""Settings of restoring an image; no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gbm_fast.settings.choices import check_choices, check_numbers, expand_paths
from gbm_fast.settings.command_line import Command, Group
from gbm_fast.settings.pretrained import pretrained_folder

Domain = Literal["intensity", "amplitude", "log"]
Estimate = Literal["mean", "median", "sample"]
Looks = float | Literal["auto"]


@dataclass(frozen=True)
class RestorationSettings:
    """How an image with speckle is restored."""

    looks: Looks = 1.0
    """Number of looks L, or auto: estimated from the image, and printed."""
    domain: Domain = "intensity"
    """What the numbers of the image are: intensity (power), amplitude, its square root, or log,
    the natural logarithm of the intensity. The estimate is in the same."""
    estimate: Estimate = "mean"
    """mean: the posterior mean in the domain (the mean of an intensity is not the exponential of
    the mean of its logarithm); median; sample: one image drawn from the posterior."""
    num_samples: int = 0
    """Images drawn from the posterior, for mean, deviation and band; 0: one evaluation of the
    network in place of them. The band from 5 to 95 % needs 19 or more."""
    num_steps: int = 24
    """Steps of the chain that draws a sample, each an evaluation of the network."""
    seed: int = 0
    """Seed of the samples."""
    tile: int = 512
    """Larger images are restored by tiles of this side, without seams."""

    def __post_init__(self) -> None:
        check_choices(self)
        check_numbers(self)
        if self.looks != "auto" and not (isinstance(self.looks, float) and self.looks > 0):
            raise ValueError(f"looks must be a positive number, or auto, got {self.looks!r}.")
        if self.num_samples < 0 or self.num_steps < 1 or self.tile < 1:
            raise ValueError(
                "num_samples must be 0 or more, and num_steps and tile 1 or more, got "
                f"{self.num_samples}, {self.num_steps} and {self.tile}."
            )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be in [0, 2**32), got {self.seed}.")
        if self.estimate == "sample" and not self.num_samples:
            raise ValueError("estimate sample needs samples: pass --num-samples 1, or more.")
        defaults = type(self)
        if not self.num_samples:
            for name in ("num_steps", "seed"):
                if getattr(self, name) != getattr(defaults, name):
                    raise ValueError(
                        f"{name} belongs to samples: pass --num-samples, or leave it out."
                    )


Output = Literal["estimate", "deviation", "band", "ratio", "samples", "page"]


@dataclass(frozen=True)
class RestoreConfig:
    """Restore images with speckle, with error bars."""

    files: tuple[Path, ...] = ()
    """Images: float or integer TIFF, PNG, arrays of NumPy (.npy), (H, W) or with channels."""
    run: Path | None = None
    """The folder of a run with --noise gamma, where it is not --pretrained (default: none)."""
    pretrained: str | None = None
    """Name of trained weights that come with a clone, in its folder pretrained (default: speckle,
    unless --run is given)."""
    out: Path = Path("restored")
    """Folder that is written: NAME-estimate and its like for each file."""
    output: tuple[Output, ...] = ("estimate", "deviation", "band", "ratio", "page")
    """What is written: estimate, at the depth of the file; deviation; band, as -low and -high;
    ratio, the image divided by the estimate, in intensities; samples, one file each; page, a
    picture of all that."""
    device: str = "auto"
    """auto: a GPU where there is one, else the CPU."""
    restoration: RestorationSettings = RestorationSettings()
    """How."""

    def __post_init__(self) -> None:
        check_choices(self)
        expand_paths(self)
        if not self.files:
            raise ValueError("no image is named: give the files to restore.")
        if self.run is not None and self.pretrained is not None:
            raise ValueError("--run and --pretrained are two models: pass one of them.")
        if not self.output:
            raise ValueError("nothing to write: choose --output estimate, page or others.")
        if "samples" in self.output and not self.restoration.num_samples:
            raise ValueError("--output samples needs --num-samples 1, or more.")
        names = [path.stem for path in self.files]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"two files are called {twice[0]}: their results would have one name; restore "
                "them with different --out."
            )

    @property
    def folder(self) -> Path:
        """The run folder; ValueError where pretrained weights are not there."""
        return self.run or pretrained_folder(self.pretrained or "speckle")


RESTORE = Command(
    "gbm_fast.restore",
    "Restore images with multiplicative noise (speckle), with error bars.",
    (
        Group("images", ("files",)),
        Group("model_and_output", ("run", "pretrained", "out", "output", "device")),
        Group("restoration", tuple(f"restoration.{name}" for name in (
            "looks", "domain", "estimate", "num_samples", "num_steps", "seed", "tile",
        ))),
    ),
    (
        "python -m gbm_fast.restore --looks 1 --out clean radar.tif",
        "python -m gbm_fast.restore --looks auto --domain amplitude --num-samples 32 *.tif",
    ),
    "Zeros and missing pixels come back as they were.",
    "pass a smaller --tile",
    ("files",),
)  # fmt: skip
