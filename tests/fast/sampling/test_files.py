"""Files of samples: levels without loss for 8 and 16 bits, grey and colour; earlier sets."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.data.codecs import read_image
from gbm_fast.sampling.files import draw_grid, finish, open_folder, write_batch
from tests.support.fixtures import Patch

KINDS = [(1, 255, ".png"), (3, 255, ".png"), (1, 65535, ".png"), (3, 65535, ".tif")]


def levels(channels: int, max_value: int) -> torch.Tensor:
    """Five images of 4 x 6 whose levels differ in the last bit alone from pixel to pixel."""
    kind = torch.uint8 if max_value == 255 else torch.uint16
    count = 5 * channels * 4 * 6
    return (torch.arange(count) * 257 % (max_value + 1)).to(kind).reshape(5, channels, 4, 6)


def write(folder: Path, images: torch.Tensor, max_value: int) -> None:
    """All five as batches of 3 and 2, with their numbers as labels."""
    batches = [range(0, 3), range(3, 5)]
    open_folder(folder, {"seed": 1})
    for batch in batches:
        part = images[batch.start : batch.stop]
        write_batch(folder, batch, gbm.Events(part, torch.tensor(batch)), ("png",), max_value)
    finish(folder, batches, ("png", "npz", "grid"), draw_grid(max_value), {"seed": 1})


@pytest.mark.parametrize(("channels", "max_value", "suffix"), KINDS)
def test_levels_survive(tmp_path: Path, channels: int, max_value: int, suffix: str) -> None:
    expected = levels(channels, max_value)
    images = gbm.positive_from_integers(expected, max_value)
    write(tmp_path, images, max_value)
    for i in range(5):
        found = read_image(tmp_path / "png" / f"{i:06d}{suffix}")
        assert np.array_equal(found, expected[i].numpy())
    with np.load(tmp_path / "images.npz") as archive:
        assert np.array_equal(archive["images"], images.numpy())
        assert (archive["images"].dtype, archive["labels"].dtype) == (np.float32, np.int64)
        assert archive["labels"].tolist() == [0, 1, 2, 3, 4]
    assert np.loadtxt(tmp_path / "labels.txt").tolist() == [0, 1, 2, 3, 4]
    assert not (tmp_path / "parts").exists()


def test_few_grey_levels_are_spread_over_the_range_of_the_file(tmp_path: Path) -> None:
    images = gbm.positive_from_integers(torch.tensor([0, 8, 16]).reshape(1, 1, 1, 3), 16)
    open_folder(tmp_path, {})
    write_batch(tmp_path, range(1), gbm.Events(images, None), ("png",), 16)
    assert read_image(tmp_path / "png" / "000000.png").ravel().tolist() == [0, 128, 255]


def test_a_file_is_on_the_disk_before_its_name(tmp_path: Path, monkeypatch: Patch) -> None:
    """Each file and its folder: a part that outlives its images would say that they are there."""
    events: list[tuple[str, int]] = []
    sizes: list[int] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        events.append(("on the disk", os.fstat(descriptor).st_ino))

    def renamed(source: Path, target: Path) -> None:
        replace(source, target)
        found = Path(target).stat()
        events.extend([("named", found.st_ino), ("in", Path(target).parent.stat().st_ino)])
        sizes.append(found.st_size)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    write(tmp_path, gbm.positive_from_integers(levels(1, 255), 255), 255)
    # Of each file: its content, its name, then the folder that has the name.
    assert len(sizes) == len(events) // 4 == 14 and min(sizes) > 0
    for content, named, inside, folder in zip(*[iter(events)] * 4, strict=True):
        assert (content[0], named, inside[0]) == ("on the disk", ("named", content[1]), "in")
        assert folder == ("on the disk", inside[1])


def test_what_a_killed_command_left_half_written_is_removed(tmp_path: Path) -> None:
    """In the folder as well, where files that are not ours are left."""
    for name in ("parts", "png"):
        (tmp_path / name).mkdir()
    ours = [tmp_path / ".images.npz.71.tmp", tmp_path / "png" / ".000001.png.71.tmp"]
    ours.append(tmp_path / "parts" / ".000000-000003.npy.71.tmp")
    foreign = tmp_path / ".mine.tmp"
    for path in (*ours, foreign):
        path.write_bytes(b"half")
    open_folder(tmp_path, {"seed": 1})
    assert [path.exists() for path in (*ours, foreign)] == [False, False, False, True]


def test_files_of_an_earlier_set_go_and_foreign_ones_stay(tmp_path: Path) -> None:
    (tmp_path / "png").mkdir()
    for name in ("000005.png", "000006.tif", "12345.png", "mine.png", "0000007.png", "000007.jpg"):
        (tmp_path / "png" / name).write_bytes(b"")
    for name in ("settings.json", "labels.txt"):
        (tmp_path / name).write_text("earlier")
    open_folder(tmp_path, {"seed": 1})
    assert {p.name for p in tmp_path.iterdir()} == {"png", "parts"}, "they are of other images"
    write(tmp_path, gbm.positive_from_integers(levels(1, 255), 255), 255)
    left = {p.name for p in (tmp_path / "png").iterdir()} - {f"{i:06d}.png" for i in range(5)}
    assert left == {"12345.png", "mine.png", "0000007.png", "000007.jpg"}
