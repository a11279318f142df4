"""Files of samples: levels without loss for 8 and 16 bits, grey and colour; earlier sets."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gbm_fast.data import positive_from_integers
from gbm_fast.data.image_file import read_image
from gbm_fast.sample_files import finish, open_folder, write_batch

KINDS = [(1, 255, ".png"), (3, 255, ".png"), (1, 65535, ".png"), (3, 65535, ".tif")]


def levels(channels: int, max_value: int) -> torch.Tensor:
    """Five images of 4 x 6 whose levels differ in the last bit alone from pixel to pixel."""
    kind = torch.uint8 if max_value == 255 else torch.uint16
    count = 5 * channels * 4 * 6
    return (torch.arange(count) * 257 % (max_value + 1)).to(kind).reshape(5, channels, 4, 6)


def write(folder: Path, images: torch.Tensor, max_value: int) -> None:
    """All five as batches of 3 and 2."""
    batches = [range(0, 3), range(3, 5)]
    open_folder(folder, {"seed": 1})
    for batch in batches:
        part = images[batch.start : batch.stop]
        write_batch(folder, batch, part, ("png",), max_value)
    finish(folder, batches, ("png", "npz", "grid"), max_value, {"seed": 1})


@pytest.mark.parametrize(("channels", "max_value", "suffix"), KINDS)
def test_levels_survive(tmp_path: Path, channels: int, max_value: int, suffix: str) -> None:
    expected = levels(channels, max_value)
    images = positive_from_integers(expected, max_value)
    write(tmp_path, images, max_value)
    for i in range(5):
        found = read_image(tmp_path / "png" / f"{i:06d}{suffix}")
        assert np.array_equal(found, expected[i].numpy())
    with np.load(tmp_path / "images.npz") as archive:
        assert np.array_equal(archive["images"], images.numpy())
        assert archive["images"].dtype == np.float32
    assert not (tmp_path / "parts").exists()


def test_few_grey_levels_are_spread_over_the_range_of_the_file(tmp_path: Path) -> None:
    images = positive_from_integers(torch.tensor([0, 8, 16]).reshape(1, 1, 1, 3), 16)
    open_folder(tmp_path, {})
    write_batch(tmp_path, range(1), images, ("png",), 16)
    assert read_image(tmp_path / "png" / "000000.png").ravel().tolist() == [0, 128, 255]


def test_files_of_an_earlier_set_go_and_foreign_ones_stay(tmp_path: Path) -> None:
    (tmp_path / "png").mkdir()
    for name in ("000005.png", "000006.tif", "12345.png", "mine.png", "0000007.png", "000007.jpg"):
        (tmp_path / "png" / name).write_bytes(b"")
    (tmp_path / "settings.json").write_text("earlier")
    open_folder(tmp_path, {"seed": 1})
    assert not (tmp_path / "settings.json").exists(), "it described other images"
    write(tmp_path, positive_from_integers(levels(1, 255), 255), 255)
    left = {p.name for p in (tmp_path / "png").iterdir()} - {f"{i:06d}.png" for i in range(5)}
    assert left == {"12345.png", "mine.png", "0000007.png", "000007.jpg"}
