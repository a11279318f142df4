"""Command: measure the samples of a trained run, or images from elsewhere, against its data.

python -m gbm_fast.evaluate --run RUN
python -m gbm_fast.evaluate --run RUN --sampler probability-flow --num-images 1000
python -m gbm_fast.evaluate --run RUN --images FOLDER_OF_PNG
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gbm_fast.settings import SamplingSettings

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


def main() -> int:
    """Parse the command line and run; returns the exit status."""
    try:
        config = tyro.cli(EvaluateConfig, prog="python -m gbm_fast.evaluate")
        # torch takes seconds to import: only now, so that --help and a wrong option are fast.
        from gbm_fast.evaluation import run_evaluation

        run_evaluation(config)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
