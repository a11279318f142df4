"""Positive numbers in units of their own: read as they are, and only their scale taken out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

import gbm_fast as gbm
from gbm_fast.data.codecs import encode_image
from gbm_fast.data.load import load_dataset
from gbm_fast.data.own.values import read_values
from gbm_fast.data.pictures import pictured
from gbm_fast.data.positive import LogScale, scale_of_images
from tests.support.fixtures import Shown

VALUES = (np.arange(20 * 5 * 6).reshape(20, 5, 6) * 37 % 601 + 1) * 0.25
STACK = np.stack([VALUES, 10 * VALUES], axis=1)
IS_TEST = np.arange(20) % 10 == 9
_NO_DATA = [(42113, "s", 0, "-1", True)]


def write(folder: Path, images: np.ndarray, **options: object) -> Path:
    folder.mkdir(exist_ok=True)
    for i, image in enumerate(images):
        tifffile.imwrite(folder / f"{i:02d}.tif", image, **options)
    return folder


def npy(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, ">f4"])
def test_floats_of_every_depth_come_as_they_are(tmp_path: Path, kind: str) -> None:
    """Quarters up to 150 are exact in 16 bits, so nothing but the numbers themselves may come."""
    array = VALUES.astype(kind)
    for data in (
        load_dataset("npy", npy(tmp_path / "y.npy", array)),
        load_dataset("folder", write(tmp_path / "tif", array)),
    ):
        assert data.max_value is None and data.train_images.dtype == torch.float32
        assert np.array_equal(data.train_images.numpy(), VALUES[~IS_TEST][:, None])
        assert np.array_equal(data.test_images.numpy(), VALUES[IS_TEST][:, None])


def test_channels_in_any_place_and_number(tmp_path: Path) -> None:
    large = np.concatenate([np.concatenate([STACK] * 4, axis=2)] * 4, axis=3)
    expected = large[~IS_TEST].astype(np.float32)
    arrays = large, large.transpose(0, 2, 3, 1)
    for number, array in enumerate(arrays):
        stored = npy(tmp_path / f"{number}.npy", array)
        assert np.array_equal(load_dataset("npy", stored).train_images.numpy(), expected)
        folder = tmp_path / f"arrays-{number}"
        folder.mkdir()
        for i, image in enumerate(array):
            np.save(folder / f"{i:02d}.npy", image)
        assert np.array_equal(load_dataset("folder", folder).train_images.numpy(), expected)
    for number, planes in enumerate(("separate", "contig")):
        folder = tmp_path / planes
        write(folder, arrays[number].astype(np.float32), photometric="minisblack",
              planarconfig=planes)  # fmt: skip
        assert np.array_equal(load_dataset("folder", folder).train_images.numpy(), expected)


def test_integers_are_levels_unless_their_units_are_asked_for(tmp_path: Path) -> None:
    counts = (VALUES * 4).astype(np.uint16)
    stored, folder = npy(tmp_path / "x.npy", counts), write(tmp_path / "tif", counts)
    for name, place in (("npy", stored), ("folder", folder)):
        assert load_dataset(name, place).max_value == 65535
        own = load_dataset(name, place, range="data")
        assert own.max_value is None
        assert np.array_equal(own.train_images.numpy()[:, 0], counts[~IS_TEST])
    signed = npy(tmp_path / "signed.npy", counts.astype(np.int64))
    with pytest.raises(ValueError, match="holds int64: save grey levels .* or pass --range data"):
        load_dataset("npy", signed)
    assert load_dataset("npy", signed, range="data").max_value is None


def test_zeros_and_missing_values_need_a_word(tmp_path: Path, capsys: Shown) -> None:
    holed = VALUES.copy()
    holed[3, 1, 1], holed[9, 0, :2], holed[5, 2, 2] = 0, np.nan, -1
    folder = write(tmp_path / "tif", holed.astype(np.float32), extratags=_NO_DATA)
    holed[5, 2, 2] = np.nan
    array = npy(tmp_path / "y.npy", holed)
    for name, place in (("npy", array), ("folder", folder)):
        with pytest.raises(ValueError, match=r"1 zeros and 3 missing values \(NaN\) among 600"):
            load_dataset(name, place)
        capsys.readouterr()
        data = load_dataset(name, place, zeros="floor")
        assert "4 of 600 numbers were zero or missing; 0.25 in their place" in (
            capsys.readouterr().err
        )
        found = torch.cat([data.train_images, data.test_images])
        assert float(found.min()) == 0.25
        filled = np.where(np.nan_to_num(holed) > 0, holed, 0.25)
        assert np.array_equal(data.train_images[:, 0].numpy(), filled[~IS_TEST])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: np.where(y > 140, -y, y), "that are negative"),
        (lambda y: np.where(y > 140, np.inf, y), "that are infinite in float32"),
        (lambda y: np.where(y > 140, 1e39, y), "that are infinite in float32"),
        (lambda y: 0 * y, "has no positive number in one of its channels"),
        (lambda y: y[:9], r"holds 9 image\(s\)"),
        (lambda y: y[0, 0], "has shape"),
        (lambda y: y[:, None], "cannot be told whether the first or the last"),
        (lambda y: y + 1j, "holds complex128: save grey levels"),
    ],
)
def test_other_floats_are_refused(tmp_path: Path, change: Callable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_dataset("npy", npy(tmp_path / "y.npy", change(VALUES)), zeros="floor")


def test_other_files_are_refused(tmp_path: Path) -> None:
    turned = {"extratags": [(274, "H", 1, 6, True)]}
    image = VALUES[0].astype(np.float32)
    cases = {
        "holds 3 images of axes": (VALUES[:3].astype(np.float32), {}),
        "is stored turned: save it upright": (image, turned),
        r"holds complex64: save the intensity, abs\(z\)\*\*2": (image.astype(np.complex64), {}),
        "declares 'none' as the value of missing": (image, {"extratags": [_no_data("none")]}),
    }
    for number, (message, (array, options)) in enumerate(cases.items()):
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(path, array, photometric="minisblack", **options)
        with pytest.raises(ValueError, match=message) as error:
            read_values(path)
        assert str(path) in str(error.value)
    np.save(tmp_path / "small.npy", np.ones((3, 4, 5)))
    with pytest.raises(ValueError, match=r"small\.npy has shape \(3, 4, 5\) .* cannot be told"):
        read_values(tmp_path / "small.npy")
    (tmp_path / "cut.tif").write_bytes((tmp_path / "1.tif").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"cut\.tif cannot be read as an image"):
        read_values(tmp_path / "cut.tif")


def _no_data(text: str) -> tuple[int, str, int, str, bool]:
    return (42113, "s", 0, text, True)


def test_a_missing_value_is_told_by_what_float32_makes_of_its_text(tmp_path: Path) -> None:
    """GDAL's usual one, the least float32, written with the digits of fewer bits."""
    image = VALUES[0].astype(np.float32)
    image[2, 3] = np.finfo(np.float32).min
    tags = [_no_data("-3.40282346638529e+38")]
    tifffile.imwrite(tmp_path / "x.tif", image, extratags=tags)
    found = read_values(tmp_path / "x.tif")
    assert np.isnan(found[0, 2, 3]) and int(np.isnan(found).sum()) == 1


def test_a_folder_is_of_one_kind(tmp_path: Path) -> None:
    folder = write(tmp_path / "tif", VALUES.astype(np.float32))
    tifffile.imwrite(folder / "11.tif", VALUES[0].astype(np.uint8))
    with pytest.raises(ValueError, match="11.tif holds uint8, in a folder with numbers in units"):
        load_dataset("folder", folder)
    assert load_dataset("folder", folder, range="data", zeros="floor").max_value is None
    np.save(folder / "99.npy", VALUES[0, :, :5])
    with pytest.raises(ValueError, match="99.npy and .*00.tif have 5 x 5 and 5 x 6 pixels"):
        load_dataset("folder", folder, range="data", zeros="floor")
    np.save(folder / "99.npy", np.ones((2, 20, 20)))
    with pytest.raises(ValueError, match="99.npy has 2 channels and .*00.tif 1"):
        load_dataset("folder", folder, range="data", zeros="floor")


def test_the_scale_is_that_of_the_logarithms_and_units_do_not_matter() -> None:
    images = torch.from_numpy(STACK).float()
    scale, logs = scale_of_images(images), np.log(STACK)
    centred = logs - logs.mean((0, 2, 3), keepdims=True)
    assert np.allclose(scale.log_means, logs.mean((0, 2, 3)), rtol=1e-6)
    assert np.allclose(scale.log_stds, [centred.std()] * 2, rtol=1e-6), "one for all channels"
    x = scale.states(images)
    assert x.dtype == torch.float32
    assert np.allclose(x.log().numpy(), centred / centred.std(), atol=2e-6)
    assert torch.allclose(scale.values(x), images, rtol=2e-6)
    for unit in (1e-9, 3e7):
        other = scale_of_images(images * unit)
        assert torch.allclose(other.states(images * unit), x, rtol=3e-6)
    assert not torch.allclose(LogScale((0.0, 0.0), scale.log_stds).states(images), x, rtol=3e-6)


def test_a_scale_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="log_stds must be positive"):
        LogScale((1.0,), (0.0,))
    with pytest.raises(ValueError, match="must be finite and equally many"):
        LogScale((1.0, 2.0), (1.0,))
    with pytest.raises(ValueError, match="must be finite and equally many"):
        LogScale((float("nan"),), (1.0,))
    with pytest.raises(ValueError, match="all pixels of the training images are alike"):
        scale_of_images(torch.full((12, 1, 4, 4), 7.0))


def test_images_of_ones_own_in_python() -> None:
    images, labels = torch.from_numpy(STACK).float(), torch.zeros(20, dtype=torch.int64)
    parts = images[:15], labels[:15], images[15:], labels[15:]
    data = gbm.ImageData("mine", *parts, None, ("image",))
    assert data.scale == scale_of_images(images[:15]) and data.channels == 2
    assert torch.equal(data.positive(images), data.scale.states(images))
    with pytest.raises(ValueError, match="no features to measure distances with"):
        data.grey_levels()
    with pytest.raises(ValueError, match="must be a non-empty torch.float32 tensor"):
        gbm.ImageData("mine", images[:15].double(), *parts[1:], None, ("image",))
    with pytest.raises(ValueError, match="mine, test split: images"):
        gbm.ImageData("mine", *parts[:2], -images[15:], labels[15:], None, ("image",))


def test_files_of_floats_come_back_as_they_went(tmp_path: Path) -> None:
    for image in (STACK[0, :1], np.concatenate([STACK[0]] * 2)):
        array = np.concatenate([image] * 4, axis=1).astype(np.float32)
        suffix, content = encode_image(array)
        (path := tmp_path / f"image{suffix}").write_bytes(content)
        assert suffix == ".tif" and np.array_equal(read_values(path), array)


def test_what_is_shown_has_the_scale_of_the_data() -> None:
    """Black and white are 2.5 deviations of the logarithms from their mean."""
    scale = LogScale((1.0, 2.0), (0.5, 0.5))
    logs = torch.tensor([-2.0, -0.25, 1.0, 2.25, 5.0]).reshape(1, 1, 1, 5)
    shown = pictured(torch.cat([logs, logs], dim=1).exp(), None, scale)
    assert shown.max_value == 255 and shown.images.shape == (1, 1, 1, 5)
    wanted = torch.tensor([1.0, 1.0, 1.5, 2.0, 2.0])
    assert torch.allclose(shown.images.flatten(), wanted, atol=1e-6)
    plain = pictured(torch.ones(2, 1, 3, 3), 16, None)
    assert plain.max_value == 16 and torch.equal(plain.images, torch.ones(2, 1, 3, 3))
