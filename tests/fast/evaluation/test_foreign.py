"""Images and draws of other programs: what lies beside them, and one bad number among good."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gbm_fast.evaluation.foreign import read_draws, read_images
from tests.support.fixtures import Shown
from tests.support.tiny_data import tiny_data

GREY = tiny_data()
PIXELS = (np.arange(72) * 3).astype(np.uint8).reshape(9, 8)
FLOATS = 1 + np.stack([PIXELS] * 4) / 255
DRAWS = np.array([[1.2, 0.3], [5.0, 1e-9], [0.7, 3.1]])


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with one image."""
    (tmp_path / "made").mkdir()
    Image.fromarray(PIXELS).save(tmp_path / "made" / "000.png")
    return tmp_path / "made"


def test_hidden_files_and_notes_are_left_out_with_a_word(made: Path, capsys: Shown) -> None:
    """As in a folder to train on; ._* is what macOS leaves on other disks."""
    (made / "._000.png").write_bytes(b"\0\5\26\7")
    (made / ".DS_Store").write_bytes(b"\0")
    (made / "labels.txt").write_text("0")
    assert len(read_images(made, GREY)) == 1
    assert f"{made}: left out: 1 .txt, 2 hidden" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["001.jpg", "001.webp", "images.npz", "001", "001.PNG.part"])
def test_other_files_beside_are_refused(made: Path, name: str) -> None:
    """They were made too, and would not be measured."""
    (made / name).write_bytes(b"something")
    with pytest.raises(ValueError, match=f"{name} is in a format that is not read here"):
        read_images(made, GREY)


def test_pipes_are_refused_and_links_followed(made: Path, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "first").symlink_to(made)
    Image.fromarray(PIXELS).save(tmp_path / "all" / "1.bmp")
    assert len(read_images(tmp_path / "all", GREY)) == 2
    os.mkfifo(made / "001.png")
    with pytest.raises(ValueError, match=r"001\.png is a named pipe"):
        read_images(made, GREY)
    os.mkfifo(tmp_path / "x.npy")
    with pytest.raises(ValueError, match="neither a folder of images nor a"):
        read_images(tmp_path / "x.npy", GREY)
    with pytest.raises(ValueError, match="neither a .npy nor a .npz file"):
        read_draws(tmp_path / "x.npy", 2)


@pytest.mark.parametrize(
    ("bad", "kind"), [(np.nan, "NaN"), (np.inf, "infinite"), (0, "zero"), (-1, "negative")]
)
def test_one_bad_number_is_named_with_its_place(tmp_path: Path, bad: float, kind: str) -> None:
    images, draws = FLOATS.copy(), DRAWS.copy()
    images[2, 5, 1] = draws[1, 1] = bad
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "draws.npy", draws)
    for words, read in (
        (rf"images\.npy: the images .* 1 {kind} of 288 .* \(2, 0, 5, 1\)", read_grey),
        (rf"draws\.npy: the draws .* 1 {kind} of 6 .* \(1, 1\)", read_two),
    ):
        with pytest.raises(ValueError, match=words):
            read(tmp_path)


def read_grey(folder: Path) -> torch.Tensor:
    return read_images(folder / "images.npy", GREY)


def read_two(folder: Path) -> torch.Tensor:
    return read_draws(folder / "draws.npy", 2)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (FLOATS[:0], r"has shape \(0, 9, 8\); the data set needs \(n, 1, 9, 8\), n >= 1"),
        (FLOATS.astype(complex), "holds complex128; save floats"),
        (FLOATS > 1.5, "holds bool; save floats"),
        (FLOATS * 1e300, "288 infinite of 288 entries"),
        (np.full((2, 9, 8), 256, np.uint16), r"images\.npy: images run from 256 to 256, outside"),
    ],
)
def test_other_arrays_are_refused_with_the_path(
    tmp_path: Path, array: np.ndarray, words: str
) -> None:
    np.save(tmp_path / "images.npy", array)
    with pytest.raises(ValueError, match=words) as error:
        read_grey(tmp_path)
    assert str(tmp_path / "images.npy") in str(error.value)


def test_draws_of_another_kind_are_refused(tmp_path: Path) -> None:
    for array in (DRAWS[:0], DRAWS[:, :1], DRAWS.astype(int), DRAWS[0]):
        np.save(tmp_path / "draws.npy", array)
        with pytest.raises(ValueError, match=r"floats \(n, 2\) are wanted, n >= 1"):
            read_two(tmp_path)
    np.savez(tmp_path / "draws.npz", samples=DRAWS)
    assert read_draws(tmp_path / "draws.npz", 2).tolist() == DRAWS.tolist()
    np.savez(tmp_path / "draws.npz", draws=DRAWS)
    with pytest.raises(ValueError, match="one array named 'samples' .*, and it holds draws"):
        read_draws(tmp_path / "draws.npz", 2)


@pytest.mark.parametrize("kind", [">f8", ">f4", "<f2", "f8"])
def test_floats_of_any_order_and_size(tmp_path: Path, kind: str) -> None:
    np.save(tmp_path / "images.npy", FLOATS.astype(kind))
    expected = torch.from_numpy(FLOATS.astype(kind).astype(np.float32))[:, None]
    assert torch.equal(read_grey(tmp_path), expected)


def test_levels_of_the_other_order(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.stack([PIXELS] * 2).astype(">u2"))
    assert torch.equal(read_grey(tmp_path)[0, 0], 1 + torch.from_numpy(PIXELS).float() / 255)
