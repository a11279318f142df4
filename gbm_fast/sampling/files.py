"""What sampling writes, as it comes: a set of any size takes the memory of one batch.

    parts/            while it is made: the finished batches, and what they belong to
    png/              a file an image, named by its number (TIFF for 16-bit colour, and for floats
                      in units of their own)
    images.npz        `images`, float32 (n, channels, height, width) in [1, 2] or in units of their
                      own, and `labels`, int64 (n,), where the images have a class; of a law and
                      of vectors samples.npz, `samples` (n, d)
    samples.csv       of vectors the same numbers, under the columns' names
    labels.txt        the same labels, a line an image
    grid.png          the first of them, to look at; of a law, against its exact density
    settings.json     how they were made, with a hash of all of them; written last, so that it
                      says that the set is whole

A batch is finished when its part is in parts/, which is after its image files are written. A
command that was killed therefore goes on with the batches that are not there. Each part has a
checksum and says of which set it is; one that is damaged is made again. Every file is on the disk
before it takes its name, and so before what says that it is there: a computer that stops loses no
more. Several processes write batches of their own into the same folder; what concerns the whole
set is for one of them.
"""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gbm_fast.data import integers_from_positive
from gbm_fast.data.codecs import encode_image
from gbm_fast.data.pictures import pictured, save_png, tile
from gbm_fast.data.positive import LogScale
from gbm_fast.data.types import Events
from gbm_fast.runtime.files import (
    load_tensors,
    remove_leftovers,
    replacing,
    save_tensors,
    write_atomic,
)
from gbm_fast.runtime.folders import claim, mark_path
from gbm_fast.settings.commands import Output

Draw = Callable[[Path, Tensor], None]
"""Makes a picture at a path of some samples."""
PART_FORMAT = "gbm-diffusion samples 1"
_SHOWN = {"images": 256, "samples": 4096}
_IDENTITY = "identity.json"
_PART = re.compile(r"\d{6,}-\d{6,}\.(safetensors|npy|labels)")
_SUFFIXES = (".png", ".tif")  # of encode_image
_WHOLE = (
    *("settings.json", "images.npz", "samples.npz", "samples.csv", "labels.txt", "grid.png"),
)
_NAMES = (*_WHOLE, "film.png", "parts", *(f"png/{'[0-9]' * 6}*{s}" for s in _SUFFIXES))


def claim_folder(folder: Path) -> None:
    """Make `folder` one for samples; ValueError where it has files of somebody else's."""
    claim(folder, "samples", _NAMES, "choose another --out", lambda: _is_set(folder))


def _is_set(folder: Path) -> bool:
    """Whether a folder without a mark has samples, of a version without marks."""
    records = [_record(folder / "settings.json"), _record(_identity(folder))]
    return any({"sampler", "weights_sha256"} <= set(record) for record in records)


def _record(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none."""
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _identity(folder: Path) -> Path:
    return folder / "parts" / _IDENTITY


def open_folder(folder: Path, identity: dict[str, Any], wanted: Sequence[range]) -> list[int]:
    """Make a claimed folder ready for images with this identity, and say which are there.

    identity: plain JSON types; everything that the images depend on.
    wanted: the batches of the set, in order, of one size but for the last; the positions of those
        that are finished are returned, without a look at the others.

    Raises ValueError where parts/ holds images of another identity.
    """
    text = json.dumps(identity, indent=2)
    _note_size(folder, wanted[-1].stop)
    for place in (folder, folder / "parts", folder / "png"):
        remove_leftovers(place)
    if not _identity(folder).exists():
        # What was left by a kill between the last part and the identity, which goes last.
        _remove_parts(folder)
        for name in _WHOLE:
            (folder / name).unlink(missing_ok=True)
        (folder / "parts").mkdir(parents=True, exist_ok=True)
        write_atomic(_identity(folder), text.encode())
    elif _identity(folder).read_bytes() != text.encode():
        raise ValueError(
            f"{folder / 'parts'} holds images of an interrupted command with other settings (see "
            f"{_IDENTITY} there): give that command again, delete {folder / 'parts'}, or choose "
            "another --out."
        )
    found = []
    for path in sorted((folder / "parts").iterdir()):
        start = path.name.partition("-")[0]
        position = int(start) // len(wanted[0]) if start.isdigit() else len(wanted)
        if position < len(wanted) and part_path(folder, wanted[position]) == path:
            found.extend([position] if _is_finished(folder, wanted[position]) else [])
    return found


def _is_finished(folder: Path, batch: range) -> bool:
    """Whether a batch has its part, sound and of this set, and all of its image files."""
    try:
        _, facts = _read_part(folder, batch)
    except ValueError:
        return False
    return all((folder / "png" / name).is_file() for name in facts["png"])


def _read_part(folder: Path, batch: range) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and facts of a batch; ValueError where it is missing, damaged, or of another set."""
    path = part_path(folder, batch)
    tensors, facts = load_tensors(path, PART_FORMAT)
    if facts["set"] != _set_hash(folder):
        raise ValueError(f"{path} is of another set of samples: delete {path.parent}.")
    return tensors, facts


def _set_hash(folder: Path) -> str:
    return hashlib.sha256(_identity(folder).read_bytes()).hexdigest()


def _remove_parts(folder: Path) -> None:
    """Delete parts/, the identity last: until then what is there says of which set it is."""
    parts = folder / "parts"
    if not parts.is_dir():
        return
    for path in sorted(parts.iterdir()):
        if _PART.fullmatch(path.name):
            path.unlink(missing_ok=True)
    _identity(folder).unlink(missing_ok=True)
    with suppress(OSError):  # somebody has put something there
        parts.rmdir()


def _note_size(folder: Path, total: int) -> None:
    """Note in the folder's mark how many images it may have of ours, before they are written."""
    text = json.dumps({"images": max(total, _noted_size(folder))})
    write_atomic(mark_path(folder, "samples"), f"{text}\n".encode())


def _noted_size(folder: Path) -> int:
    earlier = _record(folder / "settings.json").get("num_images", 0)
    return max(_record(mark_path(folder, "samples")).get("images", 0), earlier)


def part_path(folder: Path, batch: range) -> Path:
    """Where the samples of a batch are kept while the set is made."""
    return folder / "parts" / f"{batch.start:06d}-{batch.stop:06d}.safetensors"


def write_batch(
    folder: Path, batch: range, made: Events, output: Sequence[Output], max_value: int | None
) -> None:
    """The files of a batch: images (batch, C, H, W) in [1, 2], and its part at last.

    max_value: the largest grey level; None for images in units of their own, and for draws
        (batch, d) of a law, which have no images.
    """
    names = []
    if "png" in output and made.x.ndim == 4:
        (folder / "png").mkdir(exist_ok=True)
        for index, image in zip(batch, made.x, strict=True):
            kept = image.float().numpy() if max_value is None else _levels(image, max_value)
            suffix, content = encode_image(kept)
            names.append(f"{index:06d}{suffix}")
            write_atomic(folder / "png" / names[-1], content)
    tensors = {"x": made.x} if made.labels is None else {"x": made.x, "labels": made.labels}
    facts = {"set": _set_hash(folder), "png": names}
    save_tensors(part_path(folder, batch), tensors, PART_FORMAT, facts)


def finish(
    folder: Path,
    wanted: Sequence[range],
    output: Sequence[Output],
    draw: Draw,
    record: dict[str, Any],
    name: Literal["images", "samples"] = "images",
    columns: Sequence[str] = (),
) -> None:
    """Make of the parts what concerns the whole set, settings.json last, and remove them.

    draw: makes grid.png of the first samples; name: of the array; columns: of vectors, for a CSV
    file as well. Raises ValueError where a part is damaged.
    """
    total = sum(len(batch) for batch in wanted)
    first, labels, digest = _scan(folder, wanted, min(total, _SHOWN[name]))
    if labels is not None:
        lines = "".join(f"{label}\n" for label in labels.tolist())
        write_atomic(folder / "labels.txt", lines.encode())
    if "npz" in output:
        _write_npz(folder, name, wanted, labels)
        if columns:
            _write_csv(folder, wanted, columns)
    if "grid" in output:
        draw(folder / "grid.png", first)
    # Files of an earlier, larger set; those that nobody has noted are not ours to delete.
    size = _noted_size(folder)
    for earlier in (folder / "png").glob("[0-9]" * 6 + "*"):
        number = int(earlier.stem) if earlier.stem.isdecimal() else -1
        noted = earlier.suffix in _SUFFIXES and f"{number:06d}" == earlier.stem
        if noted and number < size and ("png" not in output or number >= total):
            earlier.unlink()
    facts = record | {f"{name}_sha256": digest}
    write_atomic(folder / "settings.json", json.dumps(facts, indent=2).encode())
    _remove_parts(folder)


def _scan(folder: Path, wanted: Sequence[range], shown: int) -> tuple[Tensor, Tensor | None, str]:
    """The first samples, all labels, and the hash of all samples, one part at a time."""
    first: list[Tensor] = []
    labels: list[Tensor] = []
    digest = hashlib.sha256()
    for batch in wanted:
        tensors, _ = _read_part(folder, batch)
        if batch.start < shown:
            first.append(tensors["x"][: shown - batch.start])
        labels.extend([tensors["labels"]] if "labels" in tensors else [])
        digest.update(tensors["x"].float().numpy().tobytes())
    return torch.cat(first), torch.cat(labels) if labels else None, digest.hexdigest()


def draw_grid(max_value: int | None, scale: LogScale | None = None) -> Draw:
    """What draws images with so many grey levels, or of this scale, as a square of them."""

    def draw(path: Path, images: Tensor) -> None:
        shown, columns = pictured(images, max_value, scale), max(1, round(len(images) ** 0.5))
        save_png(path, tile(shown.images, columns, shown.max_value), scale=3)

    return draw


def _levels(image: Tensor, max_value: int) -> np.ndarray:
    """The grey levels of one image; those of fewer than 8 bits are spread over 0..255."""
    levels = integers_from_positive(image, max_value).numpy()
    full = 255 if max_value <= 255 else 65535
    return np.rint(levels * (full / max_value)).astype(np.uint8 if full == 255 else np.uint16)


def _write_csv(folder: Path, wanted: Sequence[range], columns: Sequence[str]) -> None:
    """A line a vector, with as many digits as float32 needs to come back the same."""
    with replacing(folder / "samples.csv") as file:
        text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        for batch in wanted:
            vectors = _read_part(folder, batch)[0]["x"].tolist()
            writer.writerows([f"{value:.9g}" for value in vector] for vector in vectors)
        text.detach()


def _write_npz(folder: Path, name: str, wanted: Sequence[range], labels: Tensor | None) -> None:
    """One array out of the parts', which are read one after the other, and the labels."""
    event = _read_part(folder, wanted[0])[0]["x"].shape[1:]
    shape = (sum(len(batch) for batch in wanted), *event)
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with (
        replacing(folder / f"{name}.npz") as whole,
        zipfile.ZipFile(whole, "w") as archive,
    ):
        with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_1_0(file, header)
            for batch in wanted:
                file.write(_read_part(folder, batch)[0]["x"].numpy().astype("<f4").tobytes())
        if labels is not None:
            with archive.open("labels.npy", "w") as file:
                np.save(file, labels.numpy())
