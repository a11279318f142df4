"""A folder of image files as a data set: `--dataset folder --data-dir DIR`.

    DIR/**.png                       one class
    DIR/CLASS/**.png                 a class for each sub-folder
    DIR/train/..., DIR/test/...      either of these twice: the split is yours

Without train/ and test/, every tenth image in the order of classes and names is held out. The
images are grey if all of them are grey by content, else all of them are colour.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gbm_fast.data.codecs import SUFFIXES, Levels, is_grey, read_image
from gbm_fast.data.directory import check_folder
from gbm_fast.data.held_out import held_out, plain_name
from gbm_fast.data.types import ImageData

_ONE_CLASS = "image"
# Images in other formats: an error, since leaving them out in silence would change the data set.
_REFUSED = (".gif", ".webp", ".avif", ".heic", ".jp2", ".ppm", ".pgm", ".pnm", ".svg", ".npy")

Listing = list[tuple[str, Path]]


def load_folder(folder: Path) -> ImageData:
    """The images below `folder`, with 8 or 16 bits; layouts as the module says.

    Raises ValueError for a folder that cannot be read or has no images, a mixture of files and
    class folders, fewer than ten images without a split, a class that only the test images have,
    files that differ in size or depth, and whatever `read_image` refuses.
    """
    check_folder(folder, may_be_missing=False)
    parts = [folder / "train", folder / "test"]
    own_split = all(part.is_dir() for part in parts)
    if own_split:
        _require_nothing_else(folder)
    listings = [_list_images(part) for part in (parts if own_split else [folder])]
    files = [entry for listing in listings for entry in listing]
    classes = sorted({name for name, _ in files})
    images = _read_all([path for _, path in files])
    labels = torch.tensor([classes.index(name) for name, _ in files])
    if own_split:
        is_test = torch.arange(len(files)) >= len(listings[0])
        _require_known_classes(folder, listings)
    else:
        is_test = held_out(len(files), str(folder))
    return ImageData(
        name=plain_name("folder", folder.resolve().name),
        train_images=images[~is_test],
        train_labels=labels[~is_test],
        test_images=images[is_test],
        test_labels=labels[is_test],
        max_value=255 if images.dtype == torch.uint8 else 65535,
        class_names=tuple(classes),
    )


def _list_images(root: Path) -> Listing:
    """(class, file) of every image below `root`, sorted by class and then by path."""
    found: Listing = []
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if path.is_dir() or any(part.startswith(".") for part in inside):
            continue
        if path.suffix.lower() in _REFUSED:
            raise ValueError(
                f"{path} is in a format that is not read here: convert it to PNG, or take it out "
                f"of {root} (read are {', '.join(SUFFIXES)})."
            )
        if path.suffix.lower() in SUFFIXES:
            found.append((inside[0] if len(inside) > 1 else "", path))
    names = {name for name, _ in found}
    if not found:
        raise ValueError(f"{root} holds no images ({', '.join(SUFFIXES)}).")
    if "" in names and len(names) > 1:
        loose = next(path for name, path in found if not name)
        raise ValueError(
            f"{root} holds images of its own ({loose.name}) beside folders of images: put each "
            "image into a folder named like its class, or all of them side by side."
        )
    return [(name or _ONE_CLASS, path) for name, path in found]


def _require_nothing_else(folder: Path) -> None:
    """Images beside train/ and test/ belong to neither: to leave them out would be a guess."""
    others = {name for name, _ in _list_images(folder)} - {"train", "test"}
    if others:
        raise ValueError(
            f"{folder} has train, test and further images in {sorted(others)[0]!r}: move them "
            "into one of the two, or away."
        )


def _require_known_classes(folder: Path, listings: list[Listing]) -> None:
    known, tested = ({name for name, _ in listing} for listing in listings)
    if tested - known:
        raise ValueError(
            f"{folder / 'test'} has the class {sorted(tested - known)[0]!r}, which "
            f"{folder / 'train'} has not: the folders below both must have the same names."
        )


def _read_all(paths: list[Path]) -> Tensor:
    """All images, (n, channels, height, width), in one piece of memory."""
    first = read_image(paths[0])
    images = np.empty((len(paths), 1, *first.shape[1:]), first.dtype)
    for index, path in enumerate(tqdm(paths, desc="images", unit="file", mininterval=0.5)):
        pixels = read_image(path)
        _require_alike(path, pixels, paths[0], first)
        colour = not is_grey(pixels)
        if colour and images.shape[1] == 1:
            images = images.repeat(3, axis=1)
        images[index] = pixels if colour else pixels[:1]
    return torch.from_numpy(images)


def _require_alike(path: Path, pixels: Levels, first_path: Path, first: Levels) -> None:
    if pixels.shape[1:] != first.shape[1:]:
        sizes = " and ".join(f"{p.shape[1]} x {p.shape[2]}" for p in (pixels, first))
        raise ValueError(
            f"{path} and {first_path} have {sizes} pixels (height x width): crop or resize the "
            "images to one size."
        )
    if pixels.dtype != first.dtype:
        raise ValueError(
            f"{path} holds {pixels.dtype} and {first_path} {first.dtype}: save all of them with "
            "8 bits a channel, or all with 16."
        )
