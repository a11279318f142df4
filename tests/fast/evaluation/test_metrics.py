"""Distances with their floor, and the file that keeps them."""

import json
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.evaluation.metrics import format_table, read_metrics, record_metrics
from tests.support.tiny_data import tiny_data, tiny_extractor

# Every image is its own feature vector, so that the expected numbers need no network.
PIXELS = gbm.FeatureExtractor(
    name="pixels",
    hash="0123456789abcdef",
    dim=72,
    image_shape=(1, 9, 8),
    test_accuracy=0.75,
    network=lambda images: images.flatten(1),
)


def pictures(data: gbm.ImageData, start: int, stop: int) -> torch.Tensor:
    return gbm.positive_from_integers(data.train_images[start:stop], data.max_value)


def test_a_result_says_what_it_was_measured_with(tmp_path: Path) -> None:
    data = tiny_data()
    extractor = tiny_extractor(data, tmp_path)
    result = gbm.evaluate_images(pictures(data, 0, 21), data, extractor, floor_repeats=3, seed=4)
    assert {key: result[key] for key in ("N", "N_reference", "floor_repeats", "seed")} == {
        "N": 21,
        "N_reference": 40,
        "floor_repeats": 3,
        "seed": 4,
    }
    assert (result["dataset"], result["feature"]) == ("tiny", "tiny-classifier")
    assert (result["feature_dim"], result["feature_hash"]) == (64, extractor.hash)
    assert result["test_accuracy"] == extractor.test_accuracy
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_distances_and_floor_are_those_of_the_features() -> None:
    data = tiny_data()
    generated = pictures(data, 0, 17).sqrt().clamp(1, 2)
    result = gbm.evaluate_images(generated, data, PIXELS, floor_repeats=4, seed=6)
    real = 1 + data.train_images.flatten(1).double().numpy() / 255
    reference = 1 + data.test_images.flatten(1).double().numpy() / 255
    features = generated.flatten(1).double().numpy()
    generator = np.random.default_rng(6)
    draws = [real[generator.choice(60, 17, replace=False)] for _ in range(4)]
    frechet = [gbm.frechet_distance(draw, reference) for draw in draws]
    kernel = [gbm.kernel_distance(draw, reference, seed=6)[0] for draw in draws]
    expected = {
        "frechet": gbm.frechet_distance(features, reference),
        "frechet_floor": np.mean(frechet),
        "frechet_floor_sd": np.std(frechet, ddof=1),
        "kernel": gbm.kernel_distance(features, reference, seed=6)[0],
        "kernel_sd": gbm.kernel_distance(features, reference, seed=6)[1],
        "kernel_floor": np.mean(kernel),
        "kernel_floor_sd": np.std(kernel, ddof=1),
    }
    # The pixels are float32 on one side: 1e-7 of terms of size one, summed over 72 of them.
    size = {"f": 72.0, "k": 30.0}
    for name, value in expected.items():
        assert abs(result[name] - value) <= 1e-6 * size[name[0]], name
        assert abs(value) > 1e-4


def test_all_training_images_are_their_own_floor() -> None:
    data = tiny_data()
    result = gbm.evaluate_images(pictures(data, 0, 60), data, PIXELS, floor_repeats=2)
    assert result["N"] == 60
    assert result["frechet"] == pytest.approx(result["frechet_floor"], rel=1e-9)
    assert result["frechet_floor_sd"] == pytest.approx(0.0, abs=1e-9)


def test_grey_pictures_are_far_above_the_floor(tmp_path: Path) -> None:
    """Constant images have no spread at all: they miss the whole variance of the features."""
    data = tiny_data()
    extractor = tiny_extractor(data, tmp_path)
    grey = torch.linspace(1.1, 1.9, 30)[:, None, None, None].expand(-1, 1, 9, 8)
    bad = gbm.evaluate_images(grey, data, extractor, floor_repeats=2)
    good = gbm.evaluate_images(pictures(data, 0, 30), data, extractor, floor_repeats=2)
    assert bad["frechet"] > 4 * bad["frechet_floor"]
    assert bad["frechet"] > 4 * good["frechet"]
    assert bad["frechet_floor"] == good["frechet_floor"]


@pytest.mark.parametrize("count", [0, 1, 61])
def test_a_number_of_images_without_a_floor_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=rf"^{count} image.*between 2 and 60"):
        gbm.evaluate_images(torch.full((count, 1, 9, 8), 1.3), tiny_data(), PIXELS)


def test_a_floor_without_a_spread_is_refused() -> None:
    with pytest.raises(ValueError, match="floor_repeats is 1"):
        gbm.evaluate_images(torch.full((5, 1, 9, 8), 1.3), tiny_data(), PIXELS, floor_repeats=1)


@pytest.mark.parametrize(
    ("value", "message"), [(0.0, "1 zero"), (float("nan"), "1 NaN"), (2.5, "run from")]
)
def test_bad_pixels_are_refused(value: float, message: str) -> None:
    images = torch.full((5, 1, 9, 8), 1.3)
    images[3, 0, 1, 1] = value
    with pytest.raises(ValueError, match=message):
        gbm.evaluate_images(images, tiny_data(), PIXELS)


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(5, 1, 8, 9\)"):
        gbm.evaluate_images(torch.full((5, 1, 8, 9), 1.3), tiny_data(), PIXELS)


def test_entries_are_appended_and_replaced_by_their_settings(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    assert read_metrics(path) == []
    record_metrics(path, {"sampler": "a", "levels": (1, 2)}, {"frechet": 3.0})
    record_metrics(path, {"sampler": "b"}, {"frechet": 4.0})
    record_metrics(path, {"levels": [1, 2], "sampler": "a"}, {"frechet": 5.5})
    assert json.loads(path.read_text()) == [
        {"settings": {"sampler": "b"}, "result": {"frechet": 4.0}},
        {"settings": {"sampler": "a", "levels": [1, 2]}, "result": {"frechet": 5.5}},
    ]
    assert [f.name for f in tmp_path.iterdir()] == ["metrics.json"]


def test_another_feature_does_not_replace_the_first(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    results = [
        {"feature": "a", "feature_hash": "12", "frechet": 1.5},
        {"feature": "a", "feature_hash": "34", "frechet": 2.5},
        {"feature": "b", "feature_hash": "12", "frechet": 3.5},
        {"feature": "a", "feature_hash": "12", "frechet": 4.5},
    ]
    for result in results:
        record_metrics(path, {"sampler": "a"}, result)
    assert [entry["result"] for entry in read_metrics(path)] == results[1:]


@pytest.mark.parametrize(
    "content",
    [
        "[1]",
        "{}x",
        '[{"settings": {}}]',
        '{"a": 1}',
        "7",
        '[{"settings": {}, "result": 3}]',
        "[nul",
    ],
)
def test_a_foreign_file_is_refused_and_left(tmp_path: Path, content: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="not a list of evaluations"):
        record_metrics(path, {"sampler": "a"}, {"frechet": 3.0})
    assert path.read_text() == content


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metrics.json"
    record_metrics(path, {"sampler": "a"}, {"frechet": 3.0})
    before = path.read_bytes()

    def fail(*_: object) -> NoReturn:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        record_metrics(path, {"sampler": "b"}, {"frechet": 4.0})
    with pytest.raises(ValueError, match="JSON"):
        record_metrics(path, {"sampler": "b"}, {"frechet": float("nan")})
    assert path.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["metrics.json"]


def test_the_table_shows_distance_floor_number_and_feature() -> None:
    data = tiny_data()
    result = gbm.evaluate_images(pictures(data, 0, 21), data, PIXELS, floor_repeats=2)
    lines = format_table([("one", "data", result), ("two", "-", result)]).splitlines()
    assert len(lines) == 3
    assert lines[0].split()[:5] == ["sampler", "start", "N", "feature", "Fréchet"]
    assert lines[1].split()[:5] == ["one", "data", "21", "pixels", PIXELS.hash]
    assert f"{result['frechet']:.4g}" in lines[2]
    assert f"{result['frechet_floor']:.3g} ±" in lines[2]
