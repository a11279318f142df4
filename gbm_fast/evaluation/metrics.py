"""Distances between generated and real images, always with the floor that real images reach.

The generated images and all test images of the data set are mapped to features; their Fréchet
and kernel distances (`gbm_fast.evaluation.distances`) are the result, with precision, recall,
density and coverage (`gbm_fast.evaluation.manifolds`), which tell bad images from missing ones.
Since the Fréchet distance is biased by an amount that grows as the number N of images falls, a
number means nothing alone: the *floor* is the same number for N training images drawn at random,
repeated to give a mean and a standard deviation. A perfect generator reaches the floor. The
classifier has seen the training images and not the test images, so for its features the floor is
slightly too high, never too low.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from gbm_fast.data import ImageData
from gbm_fast.evaluation.classes import class_shares, total_variation
from gbm_fast.evaluation.distances import frechet_distance, kernel_distance
from gbm_fast.evaluation.features import FeatureExtractor
from gbm_fast.evaluation.manifolds import Balls, Shares, shares
from gbm_fast.evaluation.memorisation import Memorisation, NearestImages
from gbm_fast.runtime.files import write_atomic
from gbm_fast.runtime.folders import briefly_locked

METRICS_NAME = "metrics.json"
"""The file of a run's measurements, in its folder."""
_NEIGHBOURS = 5  # as the authors of density and coverage have it
Result = dict[str, float | int | str | None]
Entry = dict[str, dict]
Array = NDArray[np.float64]


class Evaluator:
    """Distances of generated images to the test images of a data set, each with its floor.

    The features of the test images, and the floor of each number of images, are computed once.

    Args:
        data: the data set the images imitate; all its test images are the reference.
        extractor: the features to compare; distances are comparable under its hash only.
        floor_repeats: how many sets of N training images the floor is taken over, at least 2.
        seed: of the draw of the training images and of the kernel distance's subsets.

    Raises ValueError for floor_repeats below 2.
    """

    def __init__(
        self, data: ImageData, extractor: FeatureExtractor, floor_repeats: int = 10, seed: int = 0
    ) -> None:
        if floor_repeats < 2:
            raise ValueError(
                f"floor_repeats is {floor_repeats}; a standard deviation needs 2 or more."
            )
        self._data, self._extractor = data, extractor
        self._floor_repeats, self._seed = floor_repeats, seed
        self._reference: Array | None = None
        self._floors: dict[int, Result] = {}
        self._balls: dict[int, Balls] = {}
        self._nearest: NearestImages | None = None

    def __call__(self, generated: Tensor) -> Result:
        """What is measured of images (N, channels, height, width), float in [1, 2].

        Precision, recall, density and coverage are those of `gbm_fast.evaluation.manifolds`, the
        share of `gbm_fast.evaluation.memorisation` (with three test images or more), the shares of
        classes and their distance of `gbm_fast.evaluation.classes` (of a classifier's features).
        kernel_sd is over the subsets of the kernel distance, the floors' deviations over the
        sets of training images. Raises ValueError unless 2 <= N <= n_train (there would be no
        floor at the same N), or for images that the extractor refuses.
        """
        require_floor(len(generated), self._data)
        return self.of_features(self._extractor(generated))

    def of_features(self, features: Array) -> Result:
        """The same for images whose features, (N, dim), have been computed by the extractor."""
        count = len(features)
        require_floor(count, self._data)
        reference = self._test_features()
        if count not in self._floors:
            self._floors[count] = self._floor(count, reference)
        kernel, kernel_sd = kernel_distance(features, reference, seed=self._seed)
        return {
            "N": count,
            "N_reference": len(reference),
            "frechet": frechet_distance(features, reference),
            "kernel": kernel,
            "kernel_sd": kernel_sd,
            **self._shares(features, reference),
            **self._classes(features, reference),
            "neighbours": self._neighbours(count),
            **self._floors[count],
            **self._memorised(features, reference),
            "floor_repeats": self._floor_repeats,
            "seed": self._seed,
            "dataset": self._data.name,
            "feature": self._extractor.name,
            "feature_dim": self._extractor.dim,
            "feature_hash": self._extractor.hash,
            "test_accuracy": self._extractor.test_accuracy,
        }

    def _floor(self, count: int, reference: Array) -> Result:
        samples = _training_samples(
            self._data, self._extractor, count, self._floor_repeats, self._seed
        )
        frechet = [frechet_distance(sample, reference) for sample in samples]
        progress = tqdm(samples, desc="kernel distance of the floor", mininterval=0.5)
        kernel = [kernel_distance(sample, reference, seed=self._seed)[0] for sample in progress]
        progress = tqdm(samples, desc="neighbours of the floor", mininterval=0.5)
        found = [self._shares(sample, reference) for sample in progress]
        columns = {name: [each[name] for each in found] for name in Shares._fields}
        columns = {"frechet": frechet, "kernel": kernel} | columns
        if self._extractor.head is not None:
            known = [self._classes(sample, reference) for sample in samples]
            columns["class_distance"] = [each["class_distance"] for each in known]
        floor: Result = {f"{name}_floor": float(np.mean(c)) for name, c in columns.items()}
        return floor | {
            f"{name}_floor_sd": float(np.std(c, ddof=1)) for name, c in columns.items()
        }

    def _shares(self, features: Array, reference: Array) -> dict[str, float]:
        k = self._neighbours(len(features))
        if k not in self._balls:
            self._balls[k] = Balls(reference, k)
        return shares(Balls(features, k), self._balls[k])._asdict()

    def _classes(self, features: Array, reference: Array) -> dict[str, float]:
        """The shares of the classes, and how far they are from those of the test images."""
        if self._extractor.head is None:
            return {}
        ours, real = (class_shares(rows, self._extractor) for rows in (features, reference))
        found = {"class_distance": total_variation(ours, real)}
        for name, share, wanted in zip(self._data.class_names, ours, real, strict=True):
            found |= {
                f"class_share_{name}": float(share),
                f"class_share_{name}_test": float(wanted),
            }
        return found

    def nearest(self) -> NearestImages:
        """Distances to the features of the training and test images, which are computed once.

        Raises ValueError for fewer than three test images.
        """
        if self._nearest is None:
            images = self._data.positive(self._data.train_images)
            self._nearest = NearestImages(self._extractor(images), self._test_features())
        return self._nearest

    def _test_features(self) -> Array:
        if self._reference is None:
            images = self._data.positive(self._data.test_images)
            self._reference = self._extractor(images)
        return self._reference

    def _memorised(self, features: Array, reference: Array) -> Result:
        if len(reference) < 3:
            return {}
        return {**shares_of(self.nearest()(features))}

    def _neighbours(self, count: int) -> int:
        """k of the balls: fewer than five where there are few images."""
        return min(_NEIGHBOURS, count - 1, len(self._data.test_images) - 1)


def evaluate_images(
    generated: Tensor,
    data: ImageData,
    extractor: FeatureExtractor,
    floor_repeats: int = 10,
    seed: int = 0,
) -> Result:
    """One set of generated images measured once: see `Evaluator`, and its errors."""
    return Evaluator(data, extractor, floor_repeats, seed)(generated)


def require_floor(count: int, data: ImageData) -> None:
    """Raise ValueError unless `count` images can be measured: 2 <= count <= n_train, 2 <= n_test.

    There is a floor for as many as there are training images, and of one test image no covariance.
    """
    available = len(data.train_images)
    if len(data.test_images) < 2:
        raise ValueError(
            f"{data.name} has one test image, and a distance needs 2 or more: give it more images."
        )
    if not 2 <= count <= available:
        raise ValueError(
            f"{count} image(s) cannot be evaluated on {data.name}: the floor is taken from as "
            f"many of its training images, so there must be between 2 and {available}."
        )


def _training_samples(
    data: ImageData, extractor: FeatureExtractor, count: int, repeats: int, seed: int
) -> list[Array]:
    """Features of `repeats` sets of `count` training images, each drawn without replacement."""
    generator = np.random.default_rng(seed)
    total = len(data.train_images)
    draws = np.stack([generator.choice(total, count, replace=False) for _ in range(repeats)])
    # The sets overlap; each image goes through the network once.
    needed, places = np.unique(draws, return_inverse=True)
    images = data.train_images[torch.from_numpy(needed)]
    features = extractor(data.positive(images))
    return [features[rows] for rows in places.reshape(draws.shape)]


def record_metrics(path: Path, settings: dict, result: Result, of: Mapping[str, object]) -> None:
    """Put {"settings": settings, "result": of | result} into the JSON list at `path`, atomically.

    settings   plain JSON types
    of         hashes of what was measured (weights or images, data), and the step of the weights

    An entry with the same settings, hashes and feature (name and hash) is replaced, any other is
    kept: a repeated evaluation does not pile up, and one of later weights stands beside the
    earlier one. Other processes that record at this moment are waited for.

    Raises:
        ValueError: `path` exists and is not such a list (it is left as it is), or the entry holds
            NaN or infinity, which JSON does not have.
    """
    new = json.loads(json.dumps({"settings": settings, "result": dict(of) | result}))
    with briefly_locked(path):
        entries = [entry for entry in read_metrics(path) if _key(entry) != _key(new)] + [new]
        write_atomic(path, (json.dumps(entries, indent=2, allow_nan=False) + "\n").encode())


_IDENTIFYING = (
    *("feature", "feature_hash", "weights_sha256", "images_sha256"),
    *("train_sha256", "test_sha256", "law_sha256"),
)


def _key(entry: Entry) -> tuple[object, ...]:
    """What makes an entry another one: settings, what was measured, and the feature."""
    return entry["settings"], *(entry["result"].get(name) for name in _IDENTIFYING)


def read_metrics(path: Path) -> list[Entry]:
    """The entries of a metrics file, oldest first; an absent file has none.

    Raises:
        ValueError: the file is not a list of entries with settings and result.
    """
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list) or not all(map(_is_entry, entries)):
            raise ValueError("it has other contents than settings and results.")
    except ValueError as error:
        raise ValueError(
            f"{path} is not a list of evaluations ({error}); move it out of the way."
        ) from error
    return entries


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and set(entry) == {"settings", "result"}
        and all(isinstance(part, dict) for part in entry.values())
    )


def shares_of(found: Memorisation) -> dict[str, float]:
    """As a result has them."""
    return {
        "train_share": found.share,
        "train_share_floor": found.held_out_share,
        "train_share_deviations": found.deviations,
    }


def copies(result: Result) -> list[str]:
    """The alarm for copies of training images, a line; none where there is none."""
    names = ("train_share", "train_share_floor", "train_share_deviations")
    if names[0] not in result:
        return []
    found = Memorisation(*(float(result[name] or 0.0) for name in names))
    return [str(found)] if found.alarm else []


def format_table(rows: Sequence[tuple[str, str, Result]]) -> str:
    """A plain-text table of (sampler, start, result), one line each, for the terminal."""
    head = ("sampler", "start", "N", "feature", "Fréchet", "floor", "kernel", "floor")
    lines = [(*head, "precision, recall (floor)", "density, coverage (floor)", "classes (floor)")]
    for sampler, start, r in rows:
        lines.append(
            (
                sampler,
                start,
                f"{r['N']}",
                f"{r['feature']} {r['feature_hash']}",
                f"{r['frechet']:.4g}",
                f"{r['frechet_floor']:.3g} ± {r['frechet_floor_sd']:.1g}",
                f"{r['kernel']:.3g}",
                f"{r['kernel_floor']:.1g} ± {r['kernel_floor_sd']:.1g}",
                _pair(r, "precision", "recall"),
                _pair(r, "density", "coverage"),
                _pair(r, "class_distance") if "class_distance" in r else "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _pair(result: Result, *names: str) -> str:
    """`0.71, 0.63 (0.80, 0.79)`: two numbers, and what real images reach."""
    ours, floor = (
        ", ".join(f"{result[name + end]:.2f}" for name in names) for end in ("", "_floor")
    )
    return f"{ours} ({floor})"
