"""What `python -m gbm_fast.restore` does: images in, estimates with error bars and a page out."""

import glob
import sys
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from gbm_fast.restoration.chain import looks_levels
from gbm_fast.restoration.files import ImageFile, read, write
from gbm_fast.restoration.page import save_page
from gbm_fast.restoration.restorer import Restored, Restorer, restorer_of
from gbm_fast.runtime.places import require_writable
from gbm_fast.settings.failures import naming_folder, naming_memory
from gbm_fast.settings.restoration import RestoreConfig
from gbm_fast.training.runs import load_trained

_MEMORY = "for an image: pass a smaller --tile, or restore a part of it."


def run_restoration(config: RestoreConfig) -> None:
    """Restore every file.

    Raises ValueError for a run that restores nothing, a file that cannot be read, results that
    are there already, and numbers that are no intensities; all files are read, and all that can be
    refused is, before the first is restored.
    """
    restorer = restorer_of(load_trained(config.folder, config.device), config.restoration.tile)
    images = [read(path) for path in config.files]
    require_writable(config.out)
    for image in images:
        _require_free(config, image)
    looks = [_looks(restorer, config, image) for image in images]
    with naming_folder(config.out), naming_memory(_MEMORY):
        config.out.mkdir(parents=True, exist_ok=True)
        for image, count in zip(images, looks, strict=True):
            _restore(restorer, config, image, count)


def _looks(restorer: Restorer, config: RestoreConfig, image: ImageFile) -> float:
    """The looks that are assumed; ValueError, with the path, where it cannot be restored."""
    try:
        return restorer.looks_of(image.values, config.restoration)
    except ValueError as error:
        raise ValueError(f"{image.path}: {error}") from error


def _require_free(config: RestoreConfig, image: ImageFile) -> None:
    """Raise ValueError where a result of this image is there already: nothing is overwritten."""
    names = {"band": ("low", "high"), "page": ("restored",)}
    for output in config.output:
        for part in names.get(output, (output,)):
            found = sorted(config.out.glob(f"{glob.escape(image.path.stem)}-{part}*"))
            if found:
                raise ValueError(f"{found[0]} is there already: choose another --out.")


def _restore(restorer: Restorer, config: RestoreConfig, image: ImageFile, looks: float) -> None:
    settings = replace(config.restoration, looks=looks)
    rounds = 1
    if settings.num_samples:
        levels = looks_levels(looks, restorer.most_looks, settings.num_steps)
        rounds = settings.num_samples * len(levels)
    with tqdm(total=rounds, desc=image.path.name, unit="evaluation", file=sys.stderr) as bar:
        restored = restorer(image.values, settings, bar.update)
    missing = int((~restored.known).sum())
    kept = f", {missing} zeros or missing pixels as they were" if missing else ""
    guessed = " (estimated)" if config.restoration.looks == "auto" else ""
    print(f"{image.path.name}: looks {restored.looks:.4g}{guessed}{kept}")
    for path in _written(config, image, restored):
        print(f"  {path}")


def _written(config: RestoreConfig, image: ImageFile, restored: Restored) -> list[Path]:
    """Every file of the image's results, written."""
    samples = () if restored.samples is None else restored.samples
    parts = {
        "estimate": [("estimate", restored.estimate, False)],
        "deviation": [("deviation", restored.deviation, True)],
        "band": [("low", restored.low, True), ("high", restored.high, True)],
        "ratio": [("ratio", restored.ratio, True)],
        "samples": [
            (f"samples-{number:04d}", sample, False) for number, sample in enumerate(samples)
        ],
    }
    made = []
    for output in config.output:
        for part, numbers, exact in parts.get(output, []):
            made.append(write(image, config.out, part, numbers, exact))
    if "page" in config.output:
        path = config.out / f"{image.path.stem}-restored.png"
        save_page(path, image, restored, config.restoration)
        made.append(path)
    return made
