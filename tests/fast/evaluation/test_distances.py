"""The distances against closed forms, 50 digits and a loop, and against clean-fid itself.
clean-fid hands a custom extractor float32 images (b, 3, height, width) with values 0..255, grey
images as three equal channels. Its default resize to 299 x 299 is replaced by none, and its mode
is "clean", whose resizer leaves the global warning filter alone ("legacy_pytorch" does not)."""

import itertools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import mpmath
import numpy as np
import pytest
import torch
from PIL import Image

import gbm_fast as gbm
from gbm_fast.evaluation.foreign import read_images
from tests.support.cases import seed as seed_of
from tests.support.fixtures import Folders
from tests.support.tiny_data import digits_extractor
from tests.support.tiny_runs import make_run

Features = np.ndarray
DIGITS = 50


def features(rows: int, columns: int, rank: int, seed: int) -> Features:
    """Correlated features with a mean far from zero; covariance of rank min(rank, rows - 1)."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(rank, columns)) * np.geomspace(3.0, 0.2, rank)[:, None]
    return 1.7 + generator.normal(size=(rows, rank)) @ mixing


def moments(a: Features) -> tuple[mpmath.matrix, mpmath.matrix]:
    """Sample mean and unbiased covariance of the stored float64 numbers, in mpmath."""
    rows = mpmath.matrix(a.tolist())
    n, d = a.shape
    mean = mpmath.matrix([mpmath.fsum(rows[:, j]) / n for j in range(d)])
    centred = mpmath.matrix(n, d)
    for i, j in itertools.product(range(n), range(d)):
        centred[i, j] = rows[i, j] - mean[j]
    return mean, centred.T * centred / (n - 1)


def root(covariance: mpmath.matrix) -> mpmath.matrix:
    values, vectors = mpmath.eigsy(covariance)
    return vectors * mpmath.diag([mpmath.sqrt(max(v, 0)) for v in values]) * vectors.T


def exact_frechet(a: Features, b: Features) -> tuple[float, float]:
    """(distance, its positive terms) with 50 digits, by R = S_a^(1/2) and (R S_b R)^(1/2)."""
    with mpmath.workdps(DIGITS):
        (mean_a, cov_a), (mean_b, cov_b) = moments(a), moments(b)
        half = root(cov_a)
        traces = [sum(c[i, i] for i in range(c.rows)) for c in (cov_a, cov_b)]
        values = mpmath.eigsy(half * cov_b * half, eigvals_only=True)
        overlap = sum(mpmath.sqrt(max(v, 0)) for v in values)
        size = mpmath.fsum((x - y) ** 2 for x, y in zip(mean_a, mean_b, strict=True)) + sum(traces)
        return float(size - 2 * overlap), float(size)


# Rounding of two eigendecompositions and a singular value decomposition: about d * u each, on a
# covariance whose smallest eigenvalue is not below 1e-3 of its largest.
TOLERANCE = 1e-13


@pytest.mark.parametrize(("rows", "columns"), [((9, 14), 3), ((40, 25), 5), ((6, 7), 1)])
def test_frechet_of_non_commuting_covariances(rows: tuple[int, int], columns: int) -> None:
    a = features(rows[0], columns, columns, seed=1)
    b = 0.8 * features(rows[1], columns, columns, seed=2) - 0.3
    exact, size = exact_frechet(a, b)
    for pair in ((a, b), (b, a)):
        assert abs(gbm.frechet_distance(*pair) - exact) <= TOLERANCE * size


def test_the_comparison_rejects_wrong_distances() -> None:
    a, b = features(9, 3, 3, seed=1), 0.8 * features(14, 3, 3, seed=2) - 0.3
    exact, size = exact_frechet(a, b)
    shift = np.sum((a.mean(0) - b.mean(0)) ** 2)
    diagonal = shift + np.sum((a.std(0, ddof=1) - b.std(0, ddof=1)) ** 2)
    pairs = ((a, 8 / 9), (b, 13 / 14))
    biased = gbm.frechet_distance(*(x.mean(0) + (x - x.mean(0)) * k**0.5 for x, k in pairs))
    unshifted = gbm.frechet_distance(a - a.mean(0), b - b.mean(0))
    for wrong in (diagonal, biased, unshifted):
        assert abs(wrong - exact) > 1e8 * TOLERANCE * size


def test_frechet_of_commuting_covariances_is_the_distance_of_the_deviations() -> None:
    generator = np.random.default_rng(seed_of("commuting covariances"))
    rows, columns = 31, 6
    noise = generator.normal(size=(rows, columns))
    # Centred orthonormal columns: any diagonal factor is then an exact sample covariance.
    base = np.linalg.qr(noise - noise.mean(0))[0] * np.sqrt(rows - 1)
    rotation = np.linalg.qr(generator.normal(size=(columns, columns)))[0]
    first, second = np.geomspace(0.3, 4.0, columns), np.linspace(2.5, 0.4, columns)
    mean = generator.normal(size=columns)
    a = 0.6 + base * first @ rotation.T
    b = 0.6 + mean + base * second @ rotation.T
    expected = np.sum(mean**2) + np.sum((first - second) ** 2)
    size = np.sum(mean**2) + np.sum(first**2) + np.sum(second**2)
    assert abs(gbm.frechet_distance(a, b) - expected) <= TOLERANCE * size


@pytest.mark.parametrize(("rows", "rank"), [(4, 6), (12, 2)], ids=["few-rows", "low-rank"])
def test_frechet_of_singular_covariances(rows: int, rank: int) -> None:
    a, b = features(rows, 6, rank, seed=4), features(rows + 1, 6, rank, seed=5)
    exact, size = exact_frechet(a, b)
    # Rounding of the zero eigenvalues, u = 1e-16, would show as sqrt(u) = 1e-8 if it were kept.
    assert abs(gbm.frechet_distance(a, b) - exact) <= 1e-12 * size


@pytest.mark.parametrize(("rows", "columns", "rank"), [(50, 200, 200), (300, 64, 64), (90, 64, 5)])
def test_identical_sets_are_at_distance_zero(rows: int, columns: int, rank: int) -> None:
    a = features(rows, columns, rank, seed=6)
    size = float(np.sum(np.var(a, axis=0)))
    for b in (a, a[::-1].copy()):
        distance = gbm.frechet_distance(a, b)
        assert distance >= -1e-8
        assert abs(distance) <= 1e-12 * size


def test_a_dead_feature_changes_nothing() -> None:
    a, b = features(30, 4, 4, seed=7), features(20, 4, 4, seed=8)
    dead_a, dead_b = np.c_[a, np.full(30, 0.25)], np.c_[b, np.full(20, 0.75)]
    expected = gbm.frechet_distance(a, b) + 0.25
    assert gbm.frechet_distance(dead_a, dead_b) == pytest.approx(expected, 1e-12)


def kernel(x: Features, y: Features) -> float:
    return float((np.dot(x, y) / len(x) + 1) ** 3)


def looped_kernel_distance(a: Features, b: Features) -> float:
    """The unbiased estimate for two sets of the same size, term by term."""
    n = len(a)
    total = 0.0
    for i, j in itertools.product(range(n), range(n)):
        if i != j:
            total += (kernel(a[i], a[j]) + kernel(b[i], b[j])) / (n * (n - 1))
        total -= 2 * kernel(a[i], b[j]) / n**2
    return total


def test_kernel_distance_is_the_double_loop() -> None:
    a, b = features(11, 3, 3, seed=9), features(11, 3, 3, seed=10)
    (mean, sd), size = gbm.kernel_distance(a, b), max(kernel(x, x) for x in (*a, *b))
    assert abs(mean - looped_kernel_distance(a, b)) <= 1e-13 * size
    assert sd == 0.0
    biased = mean + np.mean([kernel(x, x) - mean for x in (*a, *b)]) / 11
    assert abs(biased - looped_kernel_distance(a, b)) > 1e-3 * size


def test_kernel_distance_may_be_negative() -> None:
    """For equal sets it is -(k(x,x) + k(y,y) - 2 k(x,y)) / 2 with two rows, below zero."""
    x, y = np.array([0.4, -1.1, 2.0]), np.array([1.3, 0.2, -0.7])
    expected = -(kernel(x, x) + kernel(y, y) - 2 * kernel(x, y)) / 2
    both = np.stack([x, y])
    assert gbm.kernel_distance(both, both)[0] == pytest.approx(expected, 1e-13)
    assert expected < -0.1


def test_each_subset_is_drawn_without_replacement_from_both_sets() -> None:
    a, b = features(6, 2, 2, seed=11), features(7, 2, 2, seed=12)
    possible = [
        looped_kernel_distance(a[list(i)], b[list(j)])
        for i in itertools.combinations(range(6), 5)
        for j in itertools.combinations(range(7), 5)
    ]
    drawn = [gbm.kernel_distance(a, b, num_subsets=1, subset_size=5, seed=s)[0] for s in range(20)]
    gaps = [min(abs(value - p) for p in possible) for value in drawn]
    assert max(gaps) <= 1e-12 * max(map(abs, possible))
    # Twenty draws out of 126 that were all the same would mean that the seed is ignored.
    assert len({round(value, 9) for value in drawn}) > 1


def test_mean_and_spread_are_those_of_the_subsets() -> None:
    a, b = features(8, 2, 2, seed=13), features(5, 2, 2, seed=14)
    mean, sd = gbm.kernel_distance(a, b, num_subsets=2, seed=3)
    (first, none) = gbm.kernel_distance(a, b, num_subsets=1, seed=3)
    assert none == 0.0
    assert sd > 0.0
    # Two numbers with the first known: mean +- sd / sqrt(2).
    assert abs(first - mean) == pytest.approx(sd / np.sqrt(2), rel=1e-12)
    assert gbm.kernel_distance(a, b, num_subsets=2, seed=3) == (mean, sd)


@pytest.mark.parametrize("distance", [gbm.frechet_distance, gbm.kernel_distance])
@pytest.mark.parametrize(
    ("a", "message"),
    [(np.ones((1, 3)), "1 row"), (np.ones((4, 2)), "2 and 3 columns")]
    + [(np.ones(3), "shape"), (np.ones((4, 0)), "shape")]
    + [
        (np.array([[1.0, 2.0, np.nan], [0.5, 1.0, 2.0]]), "1 NaN or infinite"),
        (np.array([[np.inf, 2.0, -np.inf], [0.5, 1.0, 2.0]]), "2 NaN or infinite"),
    ],
)
def test_bad_features_are_refused(distance: Callable, a: Features, message: str) -> None:
    good = features(5, 3, 3, seed=15)
    with pytest.raises(ValueError, match=message):
        distance(a, good)
    with pytest.raises(ValueError, match="second feature set|3 and 2 columns"):
        distance(good, a)


@pytest.mark.parametrize("name", ["num_subsets", "subset_size"])
def test_bad_subsets_are_refused(name: str) -> None:
    a, value = features(5, 3, 3, seed=16), int(name == "subset_size")
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        gbm.kernel_distance(a, a, **{name: value})


# As many on both sides, and fewer than the 1000 of a subset, so that clean-fid draws nothing; more
# than the 64 features, so that its matrix square root is that of a regular matrix.
COUNT = 150


@pytest.fixture(scope="module")
def fid() -> ModuleType:
    """clean-fid, imported by the process that uses it: it loads all of torchvision."""
    from cleanfid import fid

    return fid


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: Folders) -> gbm.FeatureExtractor:
    return digits_extractor(tmp_path_factory.mktemp("f"), steps=60)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: Folders) -> list[Path]:
    """8-bit grey PNG files: digits that a briefly trained run generates, and test digits."""
    data, root = gbm.load_dataset("digits"), tmp_path_factory.mktemp("png")
    run = gbm.load_run(make_run(root / "run", 20, gbm.load_dataset("digits")), device="cpu")
    settings = gbm.SamplingSettings(sampler="probability-flow", num_steps=8, num_images=COUNT)
    first = gbm.Sampler(run, settings)(show_progress=False)
    second = gbm.positive_from_integers(data.test_images[:COUNT], data.max_value)
    folders = [root / "generated", root / "real"]
    for folder, images in zip(folders, (first, second), strict=True):
        folder.mkdir()
        for i, pixels in enumerate(gbm.integers_from_positive(images, 255)):
            Image.fromarray(pixels[0].numpy()).save(folder / f"{i:04d}.png")
    return folders


class Convention:
    """The extractor in clean-fid's convention, without a resize. Images stay float32, since
    clean-fid rescales uint8 and refuses float64."""

    def __init__(self, extractor: gbm.FeatureExtractor) -> None:
        self.extractor = extractor
        resize = {"custom_fn_resize": lambda image: image.astype(np.float32), "mode": "clean"}
        self.options = resize | {"num_workers": 0, "device": torch.device("cpu"), "verbose": False}

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        assert (batch.dtype, batch.shape[1:]) == (torch.float32, (3, 8, 8))
        assert torch.equal(batch[:, :1].expand(-1, 3, -1, -1), batch)
        return self.extractor.network(1.0 + batch[:, :1] / 255.0)


@pytest.fixture(scope="module")
def theirs(
    fid: ModuleType, folders: list[Path], extractor: gbm.FeatureExtractor
) -> list[Features]:
    """The features that clean-fid computes from the two folders."""
    network = Convention(extractor)
    found = [fid.get_folder_features(str(f), network, **network.options) for f in folders]
    return [part.astype(np.float64) for part in found]


def test_clean_fid_and_our_reader_see_the_same_images(
    folders: list[Path], theirs: list[Features], extractor: gbm.FeatureExtractor
) -> None:
    data = gbm.load_dataset("digits")
    for folder, features in zip(folders, theirs, strict=True):
        ours = extractor(read_images(folder, data))
        assert ours.shape == features.shape == (COUNT, 64)
        # float32 sums of some hundred terms, in batches of another size.
        assert np.max(np.abs(ours - features)) <= 1e-4 * np.max(np.abs(ours))


def test_frechet_distance_agrees_on_the_features(fid: ModuleType, theirs: list[Features]) -> None:
    expected = fid.fid_from_feats(*theirs)
    assert expected > 0.1
    assert gbm.frechet_distance(*theirs) == pytest.approx(expected, rel=1e-6)
    # A covariance over n instead of n - 1 would be off by 1/150 of its part.
    biased = np.sqrt(1 - 1 / COUNT)
    first, second = (f.mean(0) + (f - f.mean(0)) * biased for f in theirs)
    assert gbm.frechet_distance(first, second) != pytest.approx(expected, rel=1e-4)


def test_kernel_distance_agrees_on_the_features(fid: ModuleType, theirs: list[Features]) -> None:
    expected = fid.kernel_distance(*theirs, num_subsets=2)
    mean, sd = gbm.kernel_distance(*theirs)
    assert mean == pytest.approx(expected, rel=1e-6)
    assert sd == 0.0
    assert gbm.kernel_distance(theirs[0], theirs[0])[0] != pytest.approx(expected, rel=1e-2)


def test_compute_fid_from_folders_is_our_distance_of_the_same_folders(
    fid: ModuleType, folders: list[Path], extractor: gbm.FeatureExtractor
) -> None:
    """The whole of clean-fid, from the files to the number, beside the whole of ours."""
    network = Convention(extractor)
    options = {"custom_feat_extractor": network, "use_dataparallel": False}
    expected = fid.compute_fid(*map(str, folders), **options, **network.options)
    data = gbm.load_dataset("digits")
    ours = gbm.frechet_distance(*(extractor(read_images(f, data)) for f in folders))
    # clean-fid averages its float32 features in float32: 1e-7 of a mean that is of size one.
    assert ours == pytest.approx(expected, rel=1e-4)
