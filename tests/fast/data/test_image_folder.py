"""A folder of image files: layouts, the split, grey and colour, and what is refused."""

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
    """The first pixel of each image."""
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
def test_files_that_do_not_go_together_are_refused(
    tmp_path: Path, name: str, pixels: np.ndarray, message: str
) -> None:
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
