"""The weight of log-TV, from training photographs: python -m validation.speckle.tuning

    python -m validation.speckle.tuning --photographs photographs.npy

For each candidate weight c, the mean PSNR of log-TV over squares of the photographs (every
fiftieth or so: SQUARES of them) at L = 1, 4 and 10, the weight of the best mean. No test image is
read. `validation.speckle.methods.TV_WEIGHT` is what this prints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from gbm_fast.settings.choices import expand_paths
from validation.ending import leave
from validation.speckle.images import Array, TestCase, speckled
from validation.speckle.methods import log_tv
from validation.speckle.mistakes import mean_psnr

SQUARES, LOOKS = 12, (1.0, 4.0, 10.0)
CANDIDATES = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.3)


@dataclass(frozen=True)
class Options:
    """Choose the weight of log-TV on photographs that are no test images."""

    photographs: Path
    """What validation.speckle.photographs wrote."""

    def __post_init__(self) -> None:
        expand_paths(self)


def curve(squares: Sequence[Array]) -> dict[float, float]:
    """Candidate weight -> mean PSNR over the squares and the looks."""
    cases = [
        TestCase(f"square {i}", looks, square, speckled(square, f"square {i}", looks))
        for i, square in enumerate(squares)
        for looks in LOOKS
    ]
    return {c: mean_psnr(lambda y, looks, c=c: log_tv(y, looks, c), cases) for c in CANDIDATES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0; the curve and the best weight are printed."""
    prog = "python -m validation.speckle.tuning"
    options = tyro.cli(Options, prog=prog, description=__doc__, args=arguments)
    photographs = np.load(options.photographs, mmap_mode="r")
    places = np.linspace(0, len(photographs) - 1, SQUARES).astype(int)
    found = curve([photographs[i].astype(np.float64) for i in places])
    for weight, decibels in found.items():
        print(f"c = {weight:g}: {decibels:.3f} dB")
    print(f"best: c = {max(found, key=found.__getitem__):g}")
    return 0


if __name__ == "__main__":
    leave(main)
