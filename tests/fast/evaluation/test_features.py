"""The feature classifier: learns, is reproducible, is stored whole, refuses nonsense."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.evaluation import features
from gbm_fast.evaluation.classifier import FeatureClassifier, accuracy, train_classifier
from gbm_fast.evaluation.features import data_hash, weights_hash
from gbm_fast.runtime.files import save_tensors
from tests.support.tiny_data import BRIEF, tiny_data, tiny_extractor

FILE = "tiny-classifier.safetensors"


def test_the_digits_are_learnt_and_their_features_standardised() -> None:
    data = gbm.load_dataset("digits")
    network = train_classifier(data, seed=1)
    # 95 % is required; measured 98 % and more. One in ten would be chance.
    assert accuracy(network, data) >= 0.95
    images = gbm.positive_from_integers(data.train_images, data.max_value)
    with torch.no_grad():
        variance = network.features(images).var(dim=0)
    # The running statistics of the last batches, so not exactly 1.
    assert 0.7 < float(variance.min()) <= float(variance.max()) < 1.4


def test_training_is_a_function_of_the_seed_and_leaves_the_global_generator_alone() -> None:
    data = tiny_data()
    before = torch.get_rng_state()
    first, second = (weights_hash(train_classifier(data, 3, BRIEF).state_dict()) for _ in "ab")
    other = weights_hash(train_classifier(data, 4, BRIEF).state_dict())
    assert first == second != other
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (2, 9, 11), (3, 32, 32), (1, 15, 10)])
def test_any_image_size_from_eight_pixels(shape: tuple[int, int, int]) -> None:
    network = FeatureClassifier(shape[0], shape[1:], num_classes=4).eval()
    images = torch.full((3, *shape), 1.3)
    assert network(images).shape == (3, 4)
    assert network.features(images).shape == (3, network.dim)


def test_smaller_images_are_refused() -> None:
    with pytest.raises(ValueError, match="8 x 8 is the least"):
        FeatureClassifier(1, (8, 7), num_classes=4)


def test_more_images_than_a_batch_holds_make_no_difference() -> None:
    """A set one larger than a multiple of the batch must not leave a batch of one image."""
    data = tiny_data(train=33)
    assert 0.0 <= accuracy(train_classifier(data, 0, BRIEF), data) <= 1.0


def test_the_second_call_reads_what_the_first_has_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiny_data()
    first = tiny_extractor(data, tmp_path / "new" / "features")
    assert [f.name for f in (tmp_path / "new" / "features").iterdir()] == [FILE]

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("trained again")

    monkeypatch.setattr(features, "train_classifier", refuse)
    second = gbm.load_or_train_classifier(data, tmp_path / "new" / "features")
    assert (second.name, second.dim, second.image_shape) == ("tiny-classifier", 64, (1, 9, 8))
    assert (second.hash, second.test_accuracy) == (first.hash, first.test_accuracy)
    assert len(second.hash) == 16
    images = gbm.positive_from_integers(data.test_images, 255)
    assert np.array_equal(first(images), second(images))


def test_features_are_float64_and_do_not_depend_on_the_batches(tmp_path: Path) -> None:
    data = tiny_data()
    extractor = tiny_extractor(data, tmp_path)
    images = gbm.positive_from_integers(data.test_images, 255)
    whole = extractor(images)
    assert (whole.dtype, whole.shape) == (np.float64, (40, 64))
    pieces = dataclasses.replace(extractor, batch_size=7)(images)
    # Another order of summation in float32, for sums of about a hundred terms of size one.
    assert np.max(np.abs(pieces - whole)) <= 1e-5 * np.max(np.abs(whole))
    assert np.max(np.abs(whole[1:] - whole[:-1])) > 1e-2


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("these are not weights, but long enough to look like a header of something")


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def foreign(path: Path) -> None:
    save_tensors(path, {"weight": torch.ones(3)}, "another program's file", {})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "truncated or not a safetensors file"),
        (empty, "truncated or not a safetensors file"),
        (text, "truncated or not a safetensors file"),
        (flip_a_bit, "does not match its checksum"),
        (foreign, "foreign file"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused_and_left(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    data = tiny_data()
    tiny_extractor(data, tmp_path)
    damage(tmp_path / FILE)
    content = (tmp_path / FILE).read_bytes()
    with pytest.raises(ValueError, match=message):
        gbm.load_or_train_classifier(data, tmp_path)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_classifier_of_other_images_is_refused(tmp_path: Path) -> None:
    tiny_extractor(tiny_data(), tmp_path)
    with pytest.raises(ValueError, match="trained on other images"):
        gbm.load_or_train_classifier(tiny_data(train=61), tmp_path)


def test_the_data_hash_sees_images_labels_and_split() -> None:
    data = tiny_data()
    labels = data.train_labels.clone()
    labels[5] = 1 - labels[5]
    images = data.test_images.clone()
    images[3, 0, 2, 2] += 1
    others = [
        dataclasses.replace(data, train_labels=labels),
        dataclasses.replace(data, test_images=images),
        dataclasses.replace(data, test_images=data.test_images[:-1], test_labels=labels[:39]),
    ]
    assert len({data_hash(d) for d in (data, *others)}) == 4
    assert data_hash(dataclasses.replace(data, name="other")) == data_hash(data)


@pytest.mark.parametrize(
    ("place", "error"), [("os.replace", OSError("disk full")), ("os.fsync", KeyboardInterrupt())]
)
def test_nothing_half_written_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, error: BaseException
) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(place, fail)
        with pytest.raises((ValueError, KeyboardInterrupt), match="disk full|^$"):
            tiny_extractor(tiny_data(), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert tiny_extractor(tiny_data(), tmp_path).dim == 64


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match="cannot be stored in .*file"):
        tiny_extractor(tiny_data(), tmp_path / "file" / "features")


def spoiled(value: float) -> torch.Tensor:
    images = torch.full((3, 1, 9, 8), 1.4)
    images[1, 0, 4, 2] = value
    return images


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (spoiled(0.0), "1 zero"),
        (spoiled(-1.2), "1 negative"),
        (spoiled(float("nan")), "1 NaN"),
        (spoiled(float("inf")), "1 infinite"),
        (spoiled(0.9), r"run from 0\.9 to 1\.4"),
        (spoiled(2.1), r"run from 1\.4 to 2\.1"),
        (torch.full((3, 1, 8, 9), 1.4), "have shape"),
        (torch.full((3, 2, 9, 8), 1.4), "have shape"),
        (torch.full((9, 8), 1.4), "have shape"),
        (torch.ones((0, 1, 9, 8)), "have shape"),
        (torch.ones((3, 1, 9, 8), dtype=torch.uint8), "torch.uint8"),
    ],
)
def test_bad_images_are_refused(tmp_path: Path, images: torch.Tensor, message: str) -> None:
    extractor = tiny_extractor(tiny_data(), tmp_path)
    with pytest.raises(ValueError, match=message):
        extractor(images)
