"""Copies of training images are found; new images, and bad ones, raise no alarm."""

import numpy as np
import pytest

import gbm_fast as gbm
from gbm_fast.evaluation.memorisation import NearestImages
from gbm_fast.evaluation.metrics import copies
from tests.support.cases import seed as seed_of
from tests.support.evaluation_by_hand import FACTS
from tests.support.refusals import Refusal, check, rows, table
from tests.support.tiny_data import tiny_data

Features = np.ndarray


def drawn(name: str, count: int, scale: float = 1.0) -> Features:
    return scale * np.random.default_rng(seed_of(name)).normal(size=(count, 6))


TRAIN, HELD_OUT = drawn("train", 3000), drawn("held out", 500)


def shares_by_loops(features: Features, itself: bool) -> Features:
    found = []
    for i, x in enumerate(features):
        to_train = min(np.linalg.norm(x - y) for y in TRAIN)
        to_others = min(
            np.linalg.norm(x - y) for j, y in enumerate(HELD_OUT) if not (itself and i == j)
        )
        found.append(to_train / (to_train + to_others))
    return np.array(found)


def test_the_shares_are_those_of_their_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    new = drawn("new", 40)
    expected, known = shares_by_loops(new, False), shares_by_loops(HELD_OUT, True)
    spread = known.std(ddof=1) * np.sqrt(1 / 40 + 1 / 500)
    for pairs in (2**24, 9001):
        monkeypatch.setattr("gbm_fast.evaluation.manifolds._PAIRS", pairs)
        found = NearestImages(TRAIN, HELD_OUT)(new)
        assert found.share == pytest.approx(expected.mean(), rel=1e-9)
        assert found.held_out_share == pytest.approx(known.mean(), rel=1e-9)
        deviations = (expected.mean() - known.mean()) / spread
        assert found.deviations == pytest.approx(deviations, rel=1e-9)


@pytest.mark.parametrize("copied", [1.0, 0.2, 0.1])
def test_copies_raise_the_alarm(copied: float) -> None:
    """All of the images, every fifth, every tenth."""
    images = drawn("new", 1000)
    images[: int(1000 * copied)] = TRAIN[: int(1000 * copied)]
    found = NearestImages(TRAIN, HELD_OUT)(images)
    assert found.alarm
    assert "deviations" in str(found)
    assert copied < 1 or found.share == 0.0


@pytest.mark.parametrize("scale", [1.0, 0.5, 3.0])
def test_new_images_raise_none(scale: float) -> None:
    """Nor do those of a law that is not that of the data. A false alarm for the right one has a
    probability of less than 1e-9; the bug to be found is a share of unequal sets."""
    found = NearestImages(TRAIN, HELD_OUT)(drawn("new", 1000, scale))
    assert not found.alarm
    assert str(found) == ""


def test_an_evaluation_says_it() -> None:
    """Of a data set whose training and test images are alike: 60 and 40 of them."""
    data = tiny_data()
    pixels = gbm.FeatureExtractor(
        **{**FACTS, "dim": 72}, image_shape=(1, 9, 8), network=lambda images: images.flatten(1)
    )
    train = gbm.positive_from_integers(data.train_images, data.max_value)
    fresh = gbm.positive_from_integers(tiny_data(140).train_images[:60], data.max_value)
    bad, good = (gbm.evaluate_images(x, data, pixels, floor_repeats=2) for x in (train, fresh))
    assert bad["train_share"] == 0.0
    assert "WARNING" in copies(bad)[0]
    assert copies(good) == []
    few = gbm.ImageData(
        "few", data.train_images, data.train_labels, data.test_images[:2], data.test_labels[:2],
        max_value=255, class_names=data.class_names,
    )  # fmt: skip
    unknown = gbm.evaluate_images(train, few, pixels, floor_repeats=2)
    assert "train_share" not in unknown
    assert copies(unknown) == []


def test_all_at_one_point_is_no_alarm() -> None:
    point = np.ones((5, 3))
    assert NearestImages(point, point)(point).deviations == 0.0


@table(
    rows(
        lambda train, held_out, given: NearestImages(train, held_out)(given),
        {"train": TRAIN, "held_out": HELD_OUT, "given": HELD_OUT},
        ("held_out", HELD_OUT[:2], "2 held-out images"),
        ("given", HELD_OUT[:, :3], "3 and 6 columns"),
        ("train", TRAIN * np.inf, "infinite"),
    )
)
def test_what_cannot_be_compared_is_refused(refusal: Refusal) -> None:
    check(refusal)
