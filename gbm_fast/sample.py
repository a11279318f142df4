"""Command: make images with a trained run.

python -m gbm_fast.sample --run RUN --sampler dale-langevin --num-images 64 --seed 0
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from gbm_fast.settings import SamplingSettings

if TYPE_CHECKING:
    from torch import Tensor

    from gbm_fast.runs import Run


@dataclass(frozen=True)
class SampleConfig:
    """Make images with a trained run: PNG files, the array images.npy, and a grid to look at."""

    run: Path
    """The run folder."""
    out: Path | None = None
    """Where to write (default: in the run folder, samples/ and a name made of the settings)."""
    device: str = "auto"
    """auto: a GPU where there is one, else the CPU."""
    sampling: Annotated[SamplingSettings, tyro.conf.OmitArgPrefixes] = SamplingSettings()
    """How to sample."""


def _write(folder: Path, run: "Run", settings: SamplingSettings, images: "Tensor") -> None:
    """png/ with a file an image, images.npy (float32 in [1, 2]), grid.png and settings.json."""
    import io

    import numpy as np

    from gbm_fast.checkpoint import write_atomic
    from gbm_fast.pictures import save_png, tile

    single = folder / "png"
    single.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        save_png(single / f"{index:06d}.png", tile(image[None], 1, run.max_value))
    # Of an earlier, larger set; files that this command does not name are not its to delete.
    for earlier in single.glob("[0-9]" * 6 + ".png"):
        if int(earlier.stem) >= len(images):
            earlier.unlink()
    buffer = io.BytesIO()
    np.save(buffer, images.numpy())
    write_atomic(folder / "images.npy", buffer.getvalue())
    columns = max(1, round(min(len(images), 256) ** 0.5))
    save_png(folder / "grid.png", tile(images[:256], columns, run.max_value), scale=3)
    record = asdict(settings) | {"run": str(run.folder)}
    write_atomic(folder / "settings.json", json.dumps(record, indent=2).encode())


def main() -> int:
    """Parse the command line and sample; returns the exit status."""
    try:
        config = tyro.cli(SampleConfig, prog="python -m gbm_fast.sample")
        from gbm_fast.runs import load_run
        from gbm_fast.sampling import generate

        run, settings = load_run(config.run, config.device), config.sampling
        folder = config.out or config.run / "samples" / settings.slug
        print(f"{settings.label}: {settings.num_images} images")
        _write(folder, run, settings, generate(run, settings))
        print(f"images: {folder}\npicture: {folder / 'grid.png'}")
        return 0
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
