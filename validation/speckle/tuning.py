"""The weight of log-TV, from training photographs: python -m validation.speckle.tuning

    python -m validation.speckle.tuning --photographs photographs.npy

For each candidate weight c, the PSNR of log-TV's mean squared error over the middles of SQUARES
squares, evenly spaced in the list, and its mean over L = 1, 4 and 10; the best weight. No test
image is read. (The mean of the PSNRs would choose for the squares without detail.)
`validation.speckle.methods.TV_WEIGHT` is what this prints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from gbm_fast.settings.choices import expand_paths
from validation.ending import leave
from validation.speckle.images import PEAK, Array, filled, speckled
from validation.speckle.methods import log_tv

SQUARES, MIDDLE, LOOKS = 16, slice(48, 144), (1.0, 4.0, 10.0)
CANDIDATES = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.9)


@dataclass(frozen=True)
class Options:
    """Choose the weight of log-TV on photographs that are no test images."""

    photographs: Path
    """What validation.speckle.photographs wrote."""

    def __post_init__(self) -> None:
        expand_paths(self)


def curve(squares: Sequence[Array]) -> dict[float, float]:
    """Candidate weight -> PSNR of the squares' mean squared error, its mean over the looks."""
    return {c: float(np.mean([_pooled(squares, looks, c) for looks in LOOKS])) for c in CANDIDATES}


def _pooled(squares: Sequence[Array], looks: float, weight: float) -> float:
    """PSNR of the mean squared error of all squares."""
    errors = []
    for i, square in enumerate(squares):
        y = speckled(square, f"square {i}", looks)
        found = np.where(y > 0, log_tv(filled(y), looks, weight), 0.0)
        errors.append(np.mean((found - square) ** 2))
    return 10 * float(np.log10(PEAK**2 / np.mean(errors)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0; the curve and the best weight are printed."""
    prog = "python -m validation.speckle.tuning"
    options = tyro.cli(Options, prog=prog, description=__doc__, args=arguments)
    photographs = np.load(options.photographs, mmap_mode="r")
    places = np.linspace(0, len(photographs) - 1, SQUARES).astype(int)
    found = curve([photographs[i][MIDDLE, MIDDLE].astype(np.float64) for i in places])
    for weight, decibels in found.items():
        print(f"c = {weight:g}: {decibels:.3f} dB")
    print(f"best: c = {max(found, key=found.__getitem__):g}")
    return 0


if __name__ == "__main__":
    leave(main)
