"""What sampling writes, as it comes: a set of any size takes the memory of one batch.

    parts/            while it is made: the finished batches, and what they belong to
    png/              a file an image, named by its number (TIFF for 16-bit colour)
    images.npz        `images`, float32 (n, channels, height, width) in [1, 2], and `labels`, int64
                      (n,), where the images have a class; of a law samples.npz, `samples` (n, d)
    labels.txt        the same labels, a line an image
    grid.png          the first of them, to look at; of a law, against its exact density
    settings.json     how they were made; written last, so that it says that the set is whole

A batch is finished when its array is in parts/, which is after its image files are written. A
command that was killed therefore goes on with the batches that are not there. Every file is on the
disk before it takes its name, and so before what says that it is there: a computer that stops
loses no more. Several processes write batches of their own into the same folder; what concerns the
whole set is for one of them.
"""

import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gbm_fast.data import integers_from_positive
from gbm_fast.data.codecs import encode_image
from gbm_fast.data.pictures import save_png, tile
from gbm_fast.data.types import Events
from gbm_fast.runtime.files import remove_leftovers, replacing, write_atomic
from gbm_fast.settings.commands import Output

Draw = Callable[[Path, Tensor], None]
"""Makes a picture at a path of some samples."""
_SHOWN = {"images": 256, "samples": 4096}
_IDENTITY = "identity.json"
_SUFFIXES = (".png", ".tif")  # of encode_image


def open_folder(folder: Path, identity: dict[str, object]) -> None:
    """Make `folder` ready for images with this identity: new ones, or the rest of unfinished ones.

    identity: plain JSON types; everything that the images depend on.

    Raises ValueError where parts/ holds images of another identity.
    """
    parts = folder / "parts"
    text = json.dumps(identity, indent=2)
    unfinished = (parts / _IDENTITY).exists()
    if unfinished and (parts / _IDENTITY).read_text() != text:
        raise ValueError(
            f"{parts} holds images of an interrupted command with other settings (see "
            f"{_IDENTITY} there): give that command again, delete {parts}, or choose another "
            "--out."
        )
    for place in (folder, parts, folder / "png"):
        remove_leftovers(place)
    if unfinished:
        return
    earlier = ("settings.json", "images.npz", "samples.npz", "labels.txt", "grid.png")
    for name in earlier:
        (folder / name).unlink(missing_ok=True)
    parts.mkdir(parents=True, exist_ok=True)
    write_atomic(parts / _IDENTITY, text.encode())


def _labels_path(folder: Path, batch: range) -> Path:
    """Where the labels of a batch are kept, if it has any."""
    return part_path(folder, batch).with_suffix(".labels")


def part_path(folder: Path, batch: range) -> Path:
    """Where the array of a batch is kept while the set is made."""
    return folder / "parts" / f"{batch.start:06d}-{batch.stop:06d}.npy"


def write_batch(
    folder: Path, batch: range, made: Events, output: Sequence[Output], max_value: int | None
) -> None:
    """The files of a batch: images (batch, C, H, W) in [1, 2], labels, and the array at last.

    max_value: the largest grey level; None for draws (batch, d) of a law, which have no images.
    """
    if "png" in output and max_value is not None:
        (folder / "png").mkdir(exist_ok=True)
        for index, image in zip(batch, made.x, strict=True):
            suffix, content = encode_image(_levels(image, max_value))
            write_atomic(folder / "png" / f"{index:06d}{suffix}", content)
    if made.labels is not None:
        lines = "".join(f"{label}\n" for label in made.labels.tolist())
        write_atomic(_labels_path(folder, batch), lines.encode())
    with replacing(part_path(folder, batch)) as file:
        np.save(file, made.x.numpy())


def finish(
    folder: Path,
    wanted: Sequence[range],
    output: Sequence[Output],
    draw: Draw,
    record: dict[str, object],
    name: Literal["images", "samples"] = "images",
) -> None:
    """Make of the parts what concerns the whole set, settings.json last, and remove them.

    draw: makes grid.png of the first samples; name: of the array.
    """
    parts = [part_path(folder, batch) for batch in wanted]
    total = sum(len(batch) for batch in wanted)
    texts = [_labels_path(folder, batch) for batch in wanted]
    labels = "".join(text.read_text() for text in texts) if texts[0].exists() else ""
    if labels:
        write_atomic(folder / "labels.txt", labels.encode())
    if "npz" in output:
        _write_npz(folder / f"{name}.npz", name, parts, total, labels)
    if "grid" in output:
        draw(folder / "grid.png", _first(parts, min(total, _SHOWN[name])))
    # Files of an earlier, larger set; those that are not named like ours are not ours to delete.
    for earlier in (folder / "png").glob("[0-9]" * 6 + ".*"):
        ours = earlier.suffix in _SUFFIXES
        if ours and ("png" not in output or int(earlier.stem) >= total):
            earlier.unlink()
    write_atomic(folder / "settings.json", json.dumps(record, indent=2).encode())
    shutil.rmtree(folder / "parts")


def draw_grid(max_value: int) -> Draw:
    """What draws images with so many grey levels, as a square of them."""

    def draw(path: Path, images: Tensor) -> None:
        save_png(path, tile(images, max(1, round(len(images) ** 0.5)), max_value), scale=3)

    return draw


def _levels(image: Tensor, max_value: int) -> np.ndarray:
    """The grey levels of one image; those of fewer than 8 bits are spread over 0..255."""
    levels = integers_from_positive(image, max_value).numpy()
    full = 255 if max_value <= 255 else 65535
    return np.rint(levels * (full / max_value)).astype(np.uint8 if full == 255 else np.uint16)


def _first(parts: list[Path], count: int) -> Tensor:
    """The first `count` images."""
    images: list[np.ndarray] = []
    for part in parts:
        if len(images) >= count:
            break
        images.extend(np.load(part, allow_pickle=False))
    return torch.from_numpy(np.stack(images[:count]))


def _write_npz(path: Path, name: str, parts: list[Path], total: int, labels: str) -> None:
    """One array out of the parts' arrays, which are read one after the other, and the labels."""
    shape = (total, *np.load(parts[0], mmap_mode="r").shape[1:])
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with replacing(path) as whole, zipfile.ZipFile(whole, "w") as archive:
        with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_1_0(file, header)
            for part in parts:
                file.write(np.load(part, allow_pickle=False).astype("<f4").tobytes())
        if labels:
            with archive.open("labels.npy", "w") as file:
                np.save(file, np.array(labels.split(), np.int64))
