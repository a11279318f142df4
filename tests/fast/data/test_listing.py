"""Folders as people have them: what is read, what is left out with a word, what is refused."""

import os
import socket
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from PIL import Image

from gbm_fast.data import ImageData, load_dataset
from gbm_fast.data.codecs import SUFFIXES
from gbm_fast.data.own.listing import NEVER, NOTES, list_images, printable
from tests.support.fixtures import Patch, Shown
from tests.support.source_tree import ROOT

PIXELS = np.arange(24, dtype=np.uint8).reshape(4, 6)


def fill(folder: Path, count: int = 10, first: int = 0) -> Path:
    """`count` pictures, told apart by their first pixel."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        pixels = PIXELS.copy()
        pixels[0, 0] = number
        Image.fromarray(pixels).save(folder / f"{number:03d}.png")
    return folder


def load(folder: Path) -> ImageData:
    return load_dataset("folder", folder)


def refusal(folder: Path) -> str:
    with pytest.raises(ValueError) as error:
        load(folder)
    return str(error.value)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of ten."""
    fill(tmp_path / "pets" / "cats")
    fill(tmp_path / "pets" / "dogs", first=10)
    return tmp_path / "pets"


UNREAD = (
    "heif heic jxl avif gif webp tga dib exr dng dcm j2k jp2 pcx npz mat nii.gz h5 raw"
).split()
UNREAD += ["zip", "tar.gz", "db", "PNG.bak", "psd", "svg", "ppm", "mp4", "safetensors", "parquet"]


@pytest.mark.parametrize("name", [*(f"a.{suffix}" for suffix in UNREAD), "IMG_0001", "a."])
def test_a_file_that_is_not_read_is_refused(pets: Path, name: str) -> None:
    """To leave it out would change the data; the class that it is alone in would be gone."""
    (pets / "birds").mkdir()
    (pets / "birds" / name).write_bytes(b"something")
    message = refusal(pets)
    assert message.startswith(f"{pets / 'birds' / name} is in a format that is not read here")
    assert "convert it to PNG, or take it out" in message


@pytest.mark.parametrize("suffix", [".jpe", ".jfif", ".JPG", ".Jpeg", ".TIF", ".bmp", ".dat"])
def test_other_names_of_formats_that_are_read(pets: Path, suffix: str) -> None:
    """The last is one that is not, so that the table can fail."""
    kind = {".tif": "TIFF", ".bmp": "BMP"}.get(suffix.lower(), "JPEG")
    Image.fromarray(PIXELS).save(pets / "dogs" / f"a{suffix}", kind)
    if suffix == ".dat":
        assert "(.dat)" in refusal(pets)
    else:
        assert len(load(pets).train_images) == 19


def test_what_is_left_out_is_counted_in_one_line(pets: Path, capsys: Shown) -> None:
    (pets / "cats" / "._000.png").write_bytes(b"\0\5\26\7")
    (pets / ".DS_Store").write_bytes(b"\0")
    (pets / ".git" / "objects").mkdir(parents=True)
    for name in ("Thumbs.db", "README", "notes.TXT", "labels.csv", "dogs/a.txt"):
        (pets / name).write_bytes(b"x")
    fill(pets / "__MACOSX" / "cats", 1)
    fill(pets / "@eaDir", 1)
    assert load(pets).class_names == ("cats", "dogs")
    error = capsys.readouterr().err
    counts = "2 .txt, 1 @eaDir, 1 README, 1 Thumbs.db, 1 __MACOSX, 1 .csv, 3 hidden"
    assert f"{pets}: left out: {', '.join(sorted(counts.split(', '), key=by_name))}\n" in error
    assert error.count("left out") == 1
    # A class without images is none, and its number is another's.
    for name in ("birds/deep/er", "fish", "cats/drafts", "newts"):
        (pets / name).mkdir(parents=True)
    assert load(pets).class_names == ("cats", "dogs")
    said = capsys.readouterr().err
    assert ", 4 without images (birds, cats/drafts, fish, ...)" in said
    # A folder with the suffix of a note may be a class.
    fill(pets / "v1.txt", 1)
    assert load(pets).class_names == ("cats", "dogs", "v1.txt")


def by_name(text: str) -> str:
    return text.split()[1]


def test_the_docs_name_all_that_is_left_out_and_read() -> None:
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8").lower()
    names = {*NOTES, *NEVER, *SUFFIXES} - {"icon\r"}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_nothing_is_said_where_nothing_is_left_out(pets: Path, capsys: Shown) -> None:
    load(pets)
    assert "left out" not in capsys.readouterr().err
    assert all(suffix == suffix.lower() for suffix in (*NOTES, *NEVER))


def test_linked_classes_and_files_are_read(pets: Path, tmp_path: Path) -> None:
    (pets / "birds").symlink_to(fill(tmp_path / "elsewhere", 9, first=20))
    (pets / "cats" / "x.png").symlink_to(pets / "dogs" / "010.png")
    data = load(pets)
    assert data.class_names == ("birds", "cats", "dogs")
    assert len(data.train_images) + len(data.test_images) == 30


def make_socket(path: Path) -> None:
    # The path of a socket may be no longer than some 100 characters.
    with socket.socket(socket.AF_UNIX) as made:
        folder = os.open(path.parent, os.O_RDONLY)
        made.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.close(folder)


STRANGE = {
    "named pipe": (os.mkfifo, "is a named pipe, and no image"),
    "socket": (make_socket, "is a socket, and no image"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a device, and no image"),
    "broken link": (lambda path: path.symlink_to("nowhere"), "is a link to nothing"),
    "folder": (Path.mkdir, "is a directory with the name of an image"),
    "link to itself": (lambda path: path.symlink_to(path.name), "cannot be looked at"),
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_what_is_no_file_is_refused_and_never_waited_for(pets: Path, kind: str, name: str) -> None:
    make, words = STRANGE[kind]
    make(pets / "dogs" / name)
    message = refusal(pets)
    assert message.startswith(f"{pets / 'dogs' / name} {words}")


def test_a_folder_that_is_reached_twice_is_refused(pets: Path) -> None:
    (pets / "hounds").symlink_to("dogs")
    assert "hounds and " in refusal(pets) and "are the same folder" in refusal(pets)
    (pets / "hounds").unlink()
    (pets / "dogs" / "up").symlink_to(pets)
    assert f"{pets / 'dogs' / 'up'} and {pets} are the same folder" in refusal(pets)


def test_an_unreadable_class_is_named(pets: Path, monkeypatch: Patch) -> None:
    """The superuser may list everything, so the refusal is played."""
    listdir = os.listdir

    def closed(folder: Path) -> list[str] | NoReturn:
        if Path(folder).name == "dogs":
            raise PermissionError(13, "Permission denied", str(folder))
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", closed)
    assert f"folder {pets / 'dogs'} cannot be read (Permission denied)" in refusal(pets)


def test_deeply_nested_folders_are_no_matter(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for _ in range(300):
        folder = folder / "a"
    fill(folder, 2)
    assert len(list_images(tmp_path / "set", (".png",))) == 2


def test_names_of_classes_can_be_printed_and_stored(tmp_path: Path) -> None:
    """Upper and lower case are two classes; bytes that are no text are written out."""
    os.mkdir(os.fsencode(tmp_path) + b"/caf\xe9")
    strange = next(tmp_path.iterdir())
    fill(strange, 4)
    for name in ("Cat", "cat", "két", "two\nlines"):
        fill(tmp_path / name, 4)
    names = load(tmp_path).class_names
    assert names == ("Cat", r"caf\xe9", "cat", "két", r"two\nlines")
    assert all(name.encode("utf-8") and name.isprintable() for name in names)
    fill(tmp_path / r"caf\xe9", 4)
    assert "two classes are called 'caf" in refusal(tmp_path)
    assert printable(["a b", "ü"]) == ("a b", "ü")


def split(root: Path, *names: str) -> Path:
    """Two classes of six in each of the folders."""
    for number, name in enumerate(names):
        for k, animal in enumerate(("cat", "dog")):
            fill(root / name / animal, 6, first=20 * number + 10 * k)
    return root


SPLITS = [
    ("train", "test"),
    ("Train", "TEST"),
    ("training", "testing"),
    ("train", "val"),
    ("train", "valid"),
    ("Training", "Validation"),
]


@pytest.mark.parametrize("names", SPLITS, ids="-".join)
def test_folders_named_like_a_split_are_one(
    tmp_path: Path, names: tuple[str, str], capsys: Shown
) -> None:
    data = load(split(tmp_path, *names))
    assert data.class_names == ("cat", "dog")
    assert data.train_images[:, 0, 0, 0].tolist() == [*range(6), *range(10, 16)]
    assert data.test_images[:, 0, 0, 0].tolist() == [*range(20, 26), *range(30, 36)]
    said = f"the images of {names[1]} are the test ones" in capsys.readouterr().err
    assert said == names[1].lower().startswith("val")


NO_SPLIT = [
    (("train",), "holds 'train', and the name of 'train' is that of a split"),
    (("val",), "pass one of them itself as --data-dir"),
    (("test", "val"), "holds 'test', 'val'"),
    (("train", "training", "test"), "holds 'test', 'train', 'training'"),
    (("train", "val", "test"), "has train, test and further images in 'val'"),
    (("train", "test", "birds"), "has train, test and further images in 'birds'"),
    (("birds", "fish", "test"), "holds 'test', 'birds', 'fish', and the name of 'test'"),
    (("train", "car", "bus"), "or rename it if it is a class"),
    (("train/train", "train/test", "test/test"), "train/test is named like a split inside of one"),
    (("pets/train", "pets/test"), "pets holds test and train, which are a split and no parts"),
]


@pytest.mark.parametrize(("names", "words"), NO_SPLIT)
def test_what_is_no_split_is_refused_and_never_classes(
    tmp_path: Path, names: tuple[str, ...], words: str
) -> None:
    assert words in refusal(split(tmp_path, *names))


def test_the_refused_folder_can_be_passed_itself_and_links_make_a_split(tmp_path: Path) -> None:
    """What the messages advise."""
    split(tmp_path / "all", "train", "val", "test")
    assert load(tmp_path / "all" / "train").class_names == ("cat", "dog")
    (tmp_path / "two").mkdir()
    for name in ("train", "test"):
        (tmp_path / "two" / name).symlink_to(tmp_path / "all" / name)
    assert len(load(tmp_path / "two").test_images) == 12


def test_notes_beside_a_split_and_names_that_only_look_like_one(tmp_path: Path) -> None:
    split(tmp_path, "train", "test")
    (tmp_path / "classes.txt").write_text("cat dog")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "a.xml").write_text("<a/>")
    assert load(tmp_path).class_names == ("cat", "dog")
    other = split(tmp_path / "other", "images_train", "images_test")
    assert load(other).class_names == ("images_test", "images_train")


def test_images_beside_a_folder_named_like_a_split_are_refused(tmp_path: Path) -> None:
    fill(split(tmp_path, "train", "val"), 1)
    assert "holds 'train', 'val', '000.png'" in refusal(tmp_path)
