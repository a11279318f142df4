"""Data of the user's own, a folder of images or an array file: what is read, what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gbm_fast.data import ImageData, load_dataset


def picture(value: int, *, colour: bool = False, deep: bool = False) -> np.ndarray:
    """4 x 6 pixels, the first of which is `value`."""
    pixels = np.full((4, 6, 3) if colour else (4, 6), 7, np.uint16 if deep else np.uint8)
    pixels[0, 0] = value
    return pixels


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def fill(folder: Path, names: list[str], first: int = 0) -> None:
    """One picture a name, whose first pixel counts from `first`."""
    for value, name in enumerate(names, start=first):
        save(folder / name, picture(value))


def load(folder: Path) -> ImageData:
    return load_dataset("folder", folder)


def marks(images: torch.Tensor) -> list[int]:
    return images[:, 0, 0, 0].tolist()


def test_sub_folders_are_classes_and_every_tenth_image_is_held_out(tmp_path: Path) -> None:
    """In the order of classes and names, at any depth; hidden files and notes do not count."""
    names = [f"cats/{i:02d}.png" for i in range(12)] + [f"dogs/deep/{i}.bmp" for i in range(9)]
    fill(tmp_path / "pets", names)
    (tmp_path / "pets" / "README.txt").write_text("notes")
    (tmp_path / "pets" / ".thumb.png").write_text("not an image")
    data = load(tmp_path / "pets")
    assert data.name == "folder-pets"
    assert data.class_names == ("cats", "dogs")
    assert data.train_images.shape == (19, 1, 4, 6)
    assert marks(data.test_images) == [9, 19]
    assert data.test_labels.tolist() == [0, 1]
    assert marks(data.train_images) == [i for i in range(21) if i not in (9, 19)]
    assert data.train_labels.tolist() == [0] * 11 + [1] * 8
    assert data.max_value == 255


def test_a_split_of_the_users_own_is_kept(tmp_path: Path) -> None:
    fill(tmp_path, ["train/b/0.png", "train/a/0.png"])
    fill(tmp_path, ["test/b/0.png"], first=40)
    data = load(tmp_path)
    assert marks(data.train_images) == [1, 0]
    assert (marks(data.test_images), data.test_labels.tolist()) == ([40], [1])
    save(tmp_path / "val" / "b" / "0.png", picture(1))
    with pytest.raises(ValueError, match="has train, test and further images in 'val'"):
        load(tmp_path)
    (tmp_path / "val" / "b" / "0.png").unlink()
    save(tmp_path / "test" / "c" / "0.png", picture(1))
    with pytest.raises(ValueError, match=r"test has the class 'c', which .*train has not"):
        load(tmp_path)


def test_images_side_by_side_are_one_class(tmp_path: Path) -> None:
    fill(tmp_path, [f"{i:02d}.png" for i in range(10)])
    data = load(tmp_path)
    assert data.class_names == ("image",)
    assert (len(data.train_images), marks(data.test_images)) == (9, [9])


def test_colour_is_decided_by_content_for_all_images_together(tmp_path: Path) -> None:
    """Grey pictures saved as colour are grey; one coloured picture makes all of them colour."""
    for i in range(9):
        save(tmp_path / f"{i}.png", picture(i, colour=i % 2 == 0))
    save(tmp_path / "9.png", picture(9))
    grey = load(tmp_path)
    assert grey.channels == 1
    coloured = picture(9, colour=True)
    coloured[0, 0] = (9, 20, 30)
    save(tmp_path / "9.png", coloured)
    data = load(tmp_path)
    assert data.channels == 3
    assert data.test_images[0, :, 0, 0].tolist() == [9, 20, 30]
    assert torch.equal(data.train_images, grey.train_images.expand(9, 3, 4, 6))


def test_sixteen_bits_are_neither_clipped_nor_cut(tmp_path: Path) -> None:
    for i in range(10):
        save(tmp_path / f"{i}.png", picture(300 + i, deep=True))
    data = load(tmp_path)
    assert (data.max_value, data.train_images.dtype) == (65535, torch.uint16)
    assert marks(data.train_images) == list(range(300, 309))


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("9.png", picture(1)[:3], r"9\.png and .*0\.png have 3 x 6 and 4 x 6 pixels"),
        ("9.png", picture(1, deep=True), r"9\.png holds uint16 and .*0\.png uint8"),
        ("9.gif", picture(1), r"9\.gif is in a format that is not read here"),
        ("birds/9.png", picture(1), r"images of its own \(0\.png\) beside folders"),
    ],
)
def test_files_go_together(tmp_path: Path, name: str, pixels: np.ndarray, message: str) -> None:
    fill(tmp_path, [f"{i}.png" for i in range(9)])
    save(tmp_path / name, pixels)
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


def test_too_little_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no images"):
        load(tmp_path)
    fill(tmp_path, [f"{i}.png" for i in range(9)])
    with pytest.raises(ValueError, match=r"holds 9 image\(s\): 10 or more are needed"):
        load(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        load(tmp_path / "elsewhere")


GREY = (np.arange(20 * 5 * 6) * 7 % 256).reshape(20, 5, 6).astype(np.uint8)
COLOUR = (np.arange(20 * 3 * 5 * 6) * 641 % 65536).reshape(20, 3, 5, 6).astype(np.uint16)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY[:, None], GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (COLOUR, COLOUR),
        (COLOUR.transpose(0, 2, 3, 1), COLOUR),
        (COLOUR.astype(">u2"), COLOUR),
        (np.asfortranarray(COLOUR), COLOUR),
    ],
)
def test_layouts_and_depths(tmp_path: Path, stored: np.ndarray, expected: np.ndarray) -> None:
    np.save(tmp_path / "my set.npy", stored)
    data = load_dataset("npy", tmp_path / "my set.npy")
    is_test = np.arange(20) % 10 == 9
    assert np.array_equal(data.train_images.numpy(), expected[~is_test])
    assert np.array_equal(data.test_images.numpy(), expected[is_test])
    assert data.max_value == (255 if expected.dtype == np.uint8 else 65535)
    assert (data.name, data.class_names) == ("npy-my-set", ("image",))
    assert int(data.train_labels.sum()) == 0 and data.train_labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (GREY.astype(np.int64), "holds int64: save grey levels as uint8"),
        (GREY > 3, "holds bool: save"),
        (GREY / 255, "3 zeros and 0 missing .* pictures whose black is 0, save the grey levels"),
        (np.where(GREY == 0, np.nan, GREY - 9.0), "has [1-9][0-9]* numbers that are negative"),
        (GREY[:9], r"holds 9 image\(s\)"),
        (GREY[0], "has shape"),
        (GREY[..., :3], "looks like one image with 3 channels"),
        (GREY.reshape(20, 1, 10, 3), "may be the second number or the last"),
        (GREY.reshape(20, 3, 5, 2), None),
        (np.zeros((20, 5, 6, 4), np.uint8), "drop the alpha channel"),
        (np.zeros((20, 5, 6, 7), np.uint8), r"a set of images is \(n, h, w\)"),
        (np.array([["a", None]], dtype=object), "cannot be read as a .npy array"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray, message: str | None) -> None:
    """None: nothing is wrong with it, as a planted good one among the bad."""
    path = tmp_path / "x.npy"
    np.save(path, array, allow_pickle=True)
    if message is None:
        load_dataset("npy", path)
        return
    with pytest.raises(ValueError, match=message) as error:
        load_dataset("npy", path)
    assert str(path) in str(error.value)


def test_an_array_is_damaged_or_no_file(tmp_path: Path) -> None:
    """Before anything is read; the path may be a text."""
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(ValueError, match="pipe.npy is a named pipe where a file is expected"):
        load_dataset("npy", str(tmp_path / "pipe.npy"))
    np.save(path := tmp_path / "x.npy", GREY)
    whole = path.read_bytes()
    for content in (whole + b"0", whole[:40], whole[:-1], b"", whole.replace(b"(20, ", b"(99, ")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"x\.npy cannot be read as a .npy array"):
            load_dataset("npy", path)
    np.save(path, GREY[:0])
    with pytest.raises(ValueError, match=r"has shape \(0, 5, 6\), and so no pixels"):
        load_dataset("npy", path)
    (tmp_path / "cut.npz").write_bytes(b"PK\3\4")
    with pytest.raises(ValueError, match="is an archive of arrays"):
        load_dataset("npy", tmp_path / "cut.npz")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        load_dataset("npy", tmp_path / "x.npy")
    with pytest.raises(ValueError, match="is a directory"):
        load_dataset("npy", tmp_path)
    np.savez(tmp_path / "x.npz", GREY)
    with pytest.raises(ValueError, match="is an archive of arrays"):
        load_dataset("npy", tmp_path / "x.npz")
    np.save(tmp_path / "x.npy", GREY)
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:300])
    with pytest.raises(ValueError, match="cannot be read as a .npy array"):
        load_dataset("npy", tmp_path / "x.npy")
