"""Distances with their floor, the file that keeps them, and images of other programs."""

import dataclasses
import json
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from PIL import Image

import gbm_fast as gbm
from gbm_fast.evaluation.foreign import read_images
from gbm_fast.evaluation.metrics import format_table, read_metrics, record_metrics
from tests.support.fixtures import Patch
from tests.support.refusals import Refusal, check, rows, table
from tests.support.tiny_data import tiny_data, tiny_extractor

GREY, COLOUR = tiny_data(), tiny_data(channels=3)
# Every image is its own feature vector, so that the expected numbers need no network.
OF = {"weights_sha256": "a1b2", "step": 7}
FACTS = {"name": "pixels", "hash": "0123456789abcdef", "dim": 72, "test_accuracy": 0.75}
PIXELS = gbm.FeatureExtractor(
    **FACTS, image_shape=(1, 9, 8), network=lambda images: images.flatten(1)
)
REAL = gbm.positive_from_integers(GREY.train_images, GREY.max_value)


def measured(images: torch.Tensor, floor_repeats: int = 2) -> dict[str, object]:
    return gbm.evaluate_images(images, GREY, PIXELS, floor_repeats=floor_repeats)


def flat(value: float = 1.3, count: int = 5, size: tuple[int, int] = (9, 8)) -> torch.Tensor:
    """Images of pixels 1.3, one of which is `value`."""
    images = torch.full((count, 1, *size), 1.3)
    if count > 3:
        images[3, 0, 1, 1] = value
    return images


def test_a_result_says_what_it_was_measured_with(tmp_path: Path) -> None:
    extractor = tiny_extractor(GREY, tmp_path)
    result = gbm.evaluate_images(REAL[:21], GREY, extractor, floor_repeats=3, seed=4)
    numbers = {"N": 21, "N_reference": 40, "floor_repeats": 3, "seed": 4}
    assert {key: result[key] for key in numbers} == numbers
    assert (result["dataset"], result["feature"]) == ("tiny", "tiny-classifier")
    assert (result["feature_dim"], result["feature_hash"]) == (64, extractor.hash)
    assert result["test_accuracy"] == extractor.test_accuracy
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_distances_and_floor_are_those_of_the_features() -> None:
    generated = REAL[:17].sqrt().clamp(1, 2)
    result = gbm.evaluate_images(generated, GREY, PIXELS, floor_repeats=4, seed=6)
    real = 1 + GREY.train_images.flatten(1).double().numpy() / 255
    reference = 1 + GREY.test_images.flatten(1).double().numpy() / 255
    features = generated.flatten(1).double().numpy()
    generator = np.random.default_rng(6)
    draws = [real[generator.choice(60, 17, replace=False)] for _ in range(4)]
    frechet = [gbm.frechet_distance(draw, reference) for draw in draws]
    kernel = [gbm.kernel_distance(draw, reference, seed=6)[0] for draw in draws]
    kernel_found, kernel_sd = gbm.kernel_distance(features, reference, seed=6)
    expected = {"kernel": kernel_found, "kernel_sd": kernel_sd}
    expected["frechet"] = gbm.frechet_distance(features, reference)
    for name, floor in (("frechet", frechet), ("kernel", kernel)):
        expected |= {f"{name}_floor": np.mean(floor), f"{name}_floor_sd": np.std(floor, ddof=1)}
    # The pixels are float32 on one side: 1e-7 of terms of size one, summed over 72 of them.
    size = {"f": 72.0, "k": 30.0}
    for name, value in expected.items():
        assert abs(result[name] - value) <= 1e-6 * size[name[0]], name
        assert abs(value) > 1e-4


def test_all_training_images_are_their_own_floor() -> None:
    result = measured(REAL)
    assert result["N"] == 60
    assert result["frechet"] == pytest.approx(result["frechet_floor"], rel=1e-9)
    assert result["frechet_floor_sd"] == pytest.approx(0.0, abs=1e-9)


def test_grey_pictures_are_far_above_the_floor(tmp_path: Path) -> None:
    """Constant images have no spread at all: they miss the whole variance of the features."""
    extractor = tiny_extractor(GREY, tmp_path)
    grey = torch.linspace(1.1, 1.9, 30)[:, None, None, None].expand(-1, 1, 9, 8)
    both = (grey, REAL[:30])
    bad, good = (gbm.evaluate_images(x, GREY, extractor, floor_repeats=2) for x in both)
    assert bad["frechet"] > 4 * bad["frechet_floor"]
    assert bad["frechet"] > 4 * good["frechet"]
    assert bad["frechet_floor"] == good["frechet_floor"]


@table(
    rows(
        measured,
        {"images": flat(), "floor_repeats": 2},
        *(("images", flat(count=n), rf"^{n} image.*between 2 and 60") for n in (0, 1, 61)),
        ("floor_repeats", 1, "floor_repeats is 1"),
        ("images", flat(0.0), "1 zero"),
        ("images", flat(float("nan")), "1 NaN"),
        ("images", flat(2.5), "run from"),
        ("images", flat(size=(8, 9)), r"shape \(5, 1, 8, 9\)"),
    )
)
def test_what_cannot_be_measured_is_refused(refusal: Refusal) -> None:
    check(refusal)


def test_entries_are_appended_and_replaced_by_their_settings(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    assert read_metrics(path) == []
    record_metrics(path, {"sampler": "a", "levels": (1, 2)}, {"frechet": 3.0}, OF)
    record_metrics(path, {"sampler": "b"}, {"frechet": 4.0}, OF)
    record_metrics(path, {"levels": [1, 2], "sampler": "a"}, {"frechet": 5.5}, OF)
    rows = (({"sampler": "b"}, 4.0), ({"sampler": "a", "levels": [1, 2]}, 5.5))
    expected = [{"settings": settings, "result": OF | {"frechet": d}} for settings, d in rows]
    assert json.loads(path.read_text()) == expected
    assert [f.name for f in tmp_path.iterdir()] == ["metrics.json"]


def test_another_feature_does_not_replace_the_first(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    rows = (("a", "12", 1.5), ("a", "34", 2.5), ("b", "12", 3.5), ("a", "12", 4.5))
    results = [dict(zip(("feature", "feature_hash", "frechet"), row, strict=True)) for row in rows]
    for result in results:
        record_metrics(path, {"sampler": "a"}, result, OF)
    assert [entry["result"] for entry in read_metrics(path)] == [OF | r for r in results[1:]]


@pytest.mark.parametrize(
    "content",
    ["[1]", "{}x", '[{"settings": {}}]', '{"a": 1}', "7", "[nul"]
    + ['[{"settings": {}, "result": 3}]'],
)
def test_a_foreign_file_is_refused_and_left(tmp_path: Path, content: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="not a list of evaluations"):
        record_metrics(path, {"sampler": "a"}, {"frechet": 3.0}, OF)
    assert path.read_text() == content


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: Patch) -> None:
    path = tmp_path / "metrics.json"
    record_metrics(path, {"sampler": "a"}, {"frechet": 3.0}, OF)
    before = path.read_bytes()

    def fail(*_: object) -> NoReturn:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        record_metrics(path, {"sampler": "b"}, {"frechet": 4.0}, OF)
    with pytest.raises(ValueError, match="JSON"):
        record_metrics(path, {"sampler": "b"}, {"frechet": float("nan")}, OF)
    assert path.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["metrics.json"]


def test_the_table_shows_distance_floor_number_and_feature() -> None:
    result = measured(REAL[:21])
    lines = format_table([("one", "data", result), ("two", "-", result)]).splitlines()
    assert len(lines) == 3
    assert lines[0].split()[:5] == ["sampler", "start", "N", "feature", "Fréchet"]
    assert lines[1].split()[:5] == ["one", "data", "21", "pixels", PIXELS.hash]
    assert f"{result['frechet']:.4g}" in lines[2]
    assert f"{result['frechet_floor']:.3g} ±" in lines[2]


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def levels(*shape: int) -> np.ndarray:
    """uint8 pixels that are all different, as far as 256 levels go."""
    return (np.arange(np.prod(shape)) * 7 % 256).astype(np.uint8).reshape(shape)


def on_scale(pixels: np.ndarray) -> torch.Tensor:
    """Levels of 8 bits in [1, 2]."""
    return 1 + torch.from_numpy(pixels).float() / 255


def test_png_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    pixels = levels(3, 9, 8)
    for name, image in zip(("b/1.png", "a/2.png", "c.png"), pixels, strict=True):
        save(tmp_path / name, image)
    (tmp_path / "notes.txt").write_text("not an image")
    assert torch.equal(read_images(tmp_path, GREY), on_scale(pixels[[1, 0, 2]])[:, None])


def test_colour_keeps_its_channels_and_grey_saved_as_colour_is_grey(tmp_path: Path) -> None:
    pixels = levels(9, 8, 3)
    save(tmp_path / "0.png", pixels)
    assert torch.equal(read_images(tmp_path, COLOUR), on_scale(pixels).permute(2, 0, 1)[None])
    pixels = levels(9, 8)
    save(tmp_path / "0.png", np.stack([pixels] * 3, axis=2))
    assert torch.equal(read_images(tmp_path, GREY), on_scale(pixels)[None, None])


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    """Levels that differ in their lower byte stay apart, from files and from arrays."""
    pixels = (np.arange(72, dtype=np.uint16) + 40_000).reshape(9, 8)
    save(tmp_path / "png" / "0.png", pixels)
    expected = 1 + torch.from_numpy(pixels).float()[None, None] / 65535
    assert torch.equal(read_images(tmp_path / "png", GREY), expected)
    np.savez(tmp_path / "x.npz", images=pixels[None])
    parts = (part.to(torch.uint16) for part in (GREY.train_images, GREY.test_images))
    names = dict(zip(("train_images", "test_images"), parts, strict=True))
    deep = dataclasses.replace(GREY, max_value=65535, **names)
    assert torch.equal(read_images(tmp_path / "x.npz", deep), expected)
    with pytest.raises(ValueError, match="outside 0..255"):
        read_images(tmp_path / "x.npz", GREY)


@pytest.mark.parametrize("shape", [(4, 9, 8), (4, 1, 9, 8)])
def test_arrays_of_floats_and_of_grey_levels(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pixels = levels(*shape)
    np.save(tmp_path / "levels.npy", pixels)
    np.save(tmp_path / "floats.npy", 1 + pixels / 255.0)
    expected = on_scale(pixels).reshape(4, 1, 9, 8)
    assert torch.equal(read_images(tmp_path / "levels.npy", GREY), expected)
    floats = read_images(tmp_path / "floats.npy", GREY)
    assert floats.dtype == torch.float32
    assert torch.allclose(floats, expected, rtol=0, atol=2e-7)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        *((np.ones(shape), "has shape") for shape in ((4, 8, 9), (4, 3, 9, 8), (9, 8))),
        (np.ones((4, 9, 8), dtype=np.int64), "int64"),
        (np.array([["a", None]], dtype=object), "cannot be read"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match=message):
        read_images(tmp_path / "x.npy", GREY)


@pytest.mark.parametrize(
    ("array", "data", "message"),
    [
        (levels(8, 9), GREY, r"7\.png .*shape \(1, 8, 9\)"),
        (levels(9, 8, 3), GREY, r"7\.png .*shape \(3, 9, 8\)"),
        (levels(9, 8, 4), GREY, r"7\.png .*mode RGBA"),
        (levels(9, 8), COLOUR, r"the data set has \(3, 9, 8\)"),
    ],
)
def test_other_pictures_are_refused(
    tmp_path: Path, array: np.ndarray, data: gbm.ImageData, message: str
) -> None:
    save(tmp_path / "7.png", array)
    with pytest.raises(ValueError, match=message):
        read_images(tmp_path, data)


def test_truncated_files_and_wrong_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no .png or .tif"):
        read_images(tmp_path, GREY)
    with pytest.raises(ValueError, match="neither a folder"):
        read_images(tmp_path / "absent.npy", GREY)
    np.save(tmp_path / "x.npy", np.ones((40, 9, 8)))
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:500])
    with pytest.raises(ValueError, match="cannot be read as a .npy"):
        read_images(tmp_path / "x.npy", GREY)
    save(tmp_path / "pictures" / "0.png", levels(9, 8))
    whole = (tmp_path / "pictures" / "0.png").read_bytes()
    for length in (60, 5):
        (tmp_path / "pictures" / "0.png").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="cannot be read as an image"):
            read_images(tmp_path / "pictures", GREY)
