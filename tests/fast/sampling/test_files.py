"""Files of samples: levels without loss for 8 and 16 bits, grey and colour; earlier sets."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from gbm_fast.data.codecs import read_image
from gbm_fast.runtime.folders import mark_path
from gbm_fast.sampling.files import (
    claim_folder,
    draw_grid,
    finish,
    open_folder,
    part_path,
    write_batch,
)
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
    claim_folder(folder)
    open_folder(folder, {"seed": 1}, batches)
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
    claim_folder(tmp_path)
    open_folder(tmp_path, {}, [range(1)])
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
    """In the folder as well, where files and links that are not ours are left."""
    claim_folder(tmp_path)
    for name in ("parts", "png"):
        (tmp_path / name).mkdir()
    ours = [tmp_path / ".images.npz.71.tmp", tmp_path / "png" / ".000001.png.71.0123abcd.tmp"]
    ours.append(tmp_path / "parts" / ".000000-000003.safetensors.71.tmp")
    foreign = [tmp_path / ".mine.tmp", tmp_path / ".link.71.tmp"]
    for path in (*ours, foreign[0]):
        path.write_bytes(b"half")
    foreign[1].symlink_to(foreign[0])
    open_folder(tmp_path, {"seed": 1}, [range(3)])
    assert [path.exists() for path in (*ours, *foreign)] == [False] * 3 + [True] * 2


def test_files_of_an_earlier_set_go_and_foreign_ones_stay(tmp_path: Path) -> None:
    """Of a set that a version without marks made as well: its settings say how large it was."""
    (tmp_path / "png").mkdir()
    foreign = {"12345.png", "mine.png", "0000007.png", "000007.jpg", "000123.png"}
    for name in ("000005.png", "000006.tif", *foreign):
        (tmp_path / "png" / name).write_bytes(b"")
    record = {"sampler": "ddim", "weights_sha256": "12", "num_images": 7}
    (tmp_path / "settings.json").write_text(json.dumps(record))
    (tmp_path / "labels.txt").write_text("earlier")
    claim_folder(tmp_path)
    open_folder(tmp_path, {"seed": 1}, [range(5)])
    left = {p.name for p in tmp_path.iterdir()}
    assert left == {"png", "parts", ".gbm-samples"}, "the others are of other images"
    write(tmp_path, gbm.positive_from_integers(levels(1, 255), 255), 255)
    assert {p.name for p in (tmp_path / "png").iterdir()} == foreign | {
        f"{i:06d}.png" for i in range(5)
    }


OURS = ("labels.txt", "images.npz", "grid.png", "settings.json", "parts/x", "png/000123.png")


@pytest.mark.parametrize("name", OURS)
def test_a_folder_with_files_of_somebody_elses_is_refused(tmp_path: Path, name: str) -> None:
    """Whatever we would overwrite or delete there; other files do not matter."""
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("precious")
    with pytest.raises(ValueError, match="not made by this command .* choose another --out"):
        claim_folder(tmp_path)
    assert (tmp_path / name).read_text() == "precious" and not mark_path(
        tmp_path, "samples"
    ).exists()
    (tmp_path / name).unlink()
    for empty in ("parts", "png"):
        if (tmp_path / empty).is_dir():
            (tmp_path / empty).rmdir()
    claim_folder(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def unfinished(folder: Path, identity: dict[str, object]) -> list[range]:
    """A set whose two batches are made, and which is not finished."""
    batches = [range(0, 3), range(3, 5)]
    claim_folder(folder)
    open_folder(folder, identity, batches)
    images = gbm.positive_from_integers(levels(1, 255), 255)
    for batch in batches:
        made = gbm.Events(images[batch.start : batch.stop], None)
        write_batch(folder, batch, made, ("png",), 255)
    return batches


def test_what_an_unfinished_set_has_is_examined_before_it_counts(tmp_path: Path) -> None:
    """A part with a flipped bit, one of another set, one without its image, are made again."""
    identity: dict[str, object] = {"seed": 1}
    batches = unfinished(tmp_path / "set", identity)
    unfinished(tmp_path / "other", {"seed": 2})
    assert open_folder(tmp_path / "set", identity, batches) == [0, 1]
    part = part_path(tmp_path / "set", batches[0])
    whole = part.read_bytes()
    part.write_bytes(whole[:-5] + bytes([whole[-5] ^ 8]) + whole[-4:])
    assert open_folder(tmp_path / "set", identity, batches) == [1]
    with pytest.raises(ValueError, match="does not match its checksum"):
        finish(tmp_path / "set", batches, ("npz",), draw_grid(255), {})
    part.write_bytes(part_path(tmp_path / "other", batches[0]).read_bytes())
    assert open_folder(tmp_path / "set", identity, batches) == [1]
    part.write_bytes(whole)
    (tmp_path / "set" / "png" / "000004.png").unlink()
    assert open_folder(tmp_path / "set", identity, batches) == [0]


def test_parts_that_are_being_removed_say_of_which_set_they_are(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    """A kill at any of the deletions leaves nothing that the next set could take for its own."""
    batches, unlink = unfinished(tmp_path, {"seed": 1}), Path.unlink
    for survived in range(3):
        gone: list[Path] = []

        def killed(path: Path, missing_ok: bool = False) -> None:
            if "parts" in path.parts and path.suffix != ".tmp":
                if len(gone) == survived:  # noqa: B023
                    raise KeyboardInterrupt
                gone.append(path)  # noqa: B023
            unlink(path, missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", killed)
            with pytest.raises(KeyboardInterrupt):
                finish(tmp_path, batches, (), draw_grid(255), {})
        with pytest.raises(ValueError, match="with other settings"):
            open_folder(tmp_path, {"seed": 2}, batches)
        there = open_folder(tmp_path, {"seed": 1}, batches)
        for batch in (batch for i, batch in enumerate(batches) if i not in there):
            images = gbm.positive_from_integers(levels(1, 255), 255)
            made = gbm.Events(images[batch.start : batch.stop], None)
            write_batch(tmp_path, batch, made, ("png",), 255)
    finish(tmp_path, batches, (), draw_grid(255), {})
    assert open_folder(tmp_path, {"seed": 2}, batches) == []
