"""clean-fid itself, on digits that a run of ours has generated, agrees with our distances.

clean-fid hands a custom extractor float32 images (b, 3, height, width) with values 0..255, grey
images as three equal channels. Its default resize to 299 x 299 is replaced by none, and its mode
is "clean", whose resizer leaves the global warning filter alone ("legacy_pytorch" does not).
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

import gbm_fast as gbm
from gbm_fast.evaluation.classifier import ClassifierSettings
from gbm_fast.evaluation.foreign import read_images
from tests.support.tiny_runs import make_run

CPU = torch.device("cpu")
# As many on both sides, and fewer than the 1000 of a subset, so that clean-fid draws nothing; more
# than the 64 features, so that its matrix square root is that of a regular matrix.
COUNT = 150


def unresized(image: np.ndarray) -> np.ndarray:
    """The image as it is; float32, since clean-fid rescales uint8 and refuses float64."""
    return image.astype(np.float32)


def write_pngs(folder: Path, images: torch.Tensor) -> Path:
    """8-bit grey PNG files of images (n, 1, height, width) in [1, 2]."""
    folder.mkdir()
    for i, pixels in enumerate(gbm.integers_from_positive(images, 255)):
        Image.fromarray(pixels[0].numpy()).save(folder / f"{i:04d}.png")
    return folder


@pytest.fixture(scope="module")
def fid() -> ModuleType:
    """clean-fid, imported by the process that uses it: it loads all of torchvision."""
    from cleanfid import fid

    return fid


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> gbm.FeatureExtractor:
    settings = ClassifierSettings(epochs=1, min_steps=60)
    return gbm.load_or_train_classifier(
        gbm.load_dataset("digits"), tmp_path_factory.mktemp("f"), settings=settings
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Digits that a briefly trained run generates, and test digits."""
    data, root = gbm.load_dataset("digits"), tmp_path_factory.mktemp("png")
    run = gbm.load_run(make_run(root / "run", steps=20), device="cpu")
    settings = gbm.SamplingSettings(sampler="probability-flow", num_steps=8, num_images=COUNT)
    first = gbm.Sampler(run, settings)(show_progress=False)
    second = gbm.positive_from_integers(data.test_images[:COUNT], data.max_value)
    return write_pngs(root / "generated", first), write_pngs(root / "real", second)


@pytest.fixture(scope="module")
def network(extractor: gbm.FeatureExtractor) -> Callable[[torch.Tensor], torch.Tensor]:
    """The extractor in clean-fid's convention."""

    def call(batch: torch.Tensor) -> torch.Tensor:
        assert (batch.dtype, batch.shape[1:]) == (torch.float32, (3, 8, 8))
        assert torch.equal(batch[:, :1].expand(-1, 3, -1, -1), batch)
        return extractor.network(1.0 + batch[:, :1] / 255.0)

    return call


Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def theirs(
    fid: ModuleType, folders: tuple[Path, Path], network: Callable[[torch.Tensor], torch.Tensor]
) -> Pair:
    """The features that clean-fid computes from the two folders."""
    first, second = (
        fid.get_folder_features(
            str(folder),
            network,
            num_workers=0,
            device=CPU,
            mode="clean",
            custom_fn_resize=unresized,
            verbose=False,
        )
        for folder in folders
    )
    return first.astype(np.float64), second.astype(np.float64)


def test_clean_fid_and_our_reader_see_the_same_images(
    folders: tuple[Path, Path], theirs: Pair, extractor: gbm.FeatureExtractor
) -> None:
    data = gbm.load_dataset("digits")
    for folder, features in zip(folders, theirs, strict=True):
        ours = extractor(read_images(folder, data))
        assert ours.shape == features.shape == (COUNT, 64)
        # float32 sums of some hundred terms, in batches of another size.
        assert np.max(np.abs(ours - features)) <= 1e-4 * np.max(np.abs(ours))


def test_frechet_distance_agrees_on_equal_features(fid: ModuleType, theirs: Pair) -> None:
    expected = fid.fid_from_feats(*theirs)
    assert expected > 0.1
    assert gbm.frechet_distance(*theirs) == pytest.approx(expected, rel=1e-6)
    # A covariance over n instead of n - 1 would be off by 1/150 of its part.
    biased = np.sqrt(1 - 1 / COUNT)
    first, second = (f.mean(0) + (f - f.mean(0)) * biased for f in theirs)
    assert gbm.frechet_distance(first, second) != pytest.approx(expected, rel=1e-4)


def test_kernel_distance_agrees_on_equal_features(fid: ModuleType, theirs: Pair) -> None:
    expected = fid.kernel_distance(*theirs, num_subsets=2)
    mean, sd = gbm.kernel_distance(*theirs)
    assert mean == pytest.approx(expected, rel=1e-6)
    assert sd == 0.0
    assert gbm.kernel_distance(theirs[0], theirs[0])[0] != pytest.approx(expected, rel=1e-2)


def test_compute_fid_from_folders_is_our_distance_of_the_same_folders(
    fid: ModuleType,
    folders: tuple[Path, Path],
    extractor: gbm.FeatureExtractor,
    network: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    """The whole of clean-fid, from the files to the number, beside the whole of ours."""
    expected = fid.compute_fid(
        str(folders[0]),
        str(folders[1]),
        mode="clean",
        custom_feat_extractor=network,
        custom_fn_resize=unresized,
        device=CPU,
        num_workers=0,
        use_dataparallel=False,
        verbose=False,
    )
    data = gbm.load_dataset("digits")
    ours = gbm.frechet_distance(*(extractor(read_images(folder, data)) for folder in folders))
    # clean-fid averages its float32 features in float32: 1e-7 of a mean that is of size one.
    assert ours == pytest.approx(expected, rel=1e-4)
