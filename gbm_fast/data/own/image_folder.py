"""A folder of image files as a data set: `--dataset folder --data-dir DIR`.

    DIR/**.png                       one class
    DIR/CLASS/**.png                 a class for each sub-folder
    DIR/train/..., DIR/test/...      either of these twice: the split is yours

`train` may be called `training`, and `test` `testing`, `val`, `valid` or `validation`, in upper or
lower case. Folders with these names are a split or an error, never classes. Without them every
tenth image in the order of classes and names is held out. The images are grey if all of them are
grey by content, else all of them are colour. Float TIFF files and arrays of NumPy (.npy), one
image each, are in units of their own, with as many channels as they have.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gbm_fast.data.codecs import Levels, is_grey, read_image
from gbm_fast.data.directory import check_folder, say
from gbm_fast.data.own.fitting import Sizes
from gbm_fast.data.own.held_out import held_out, plain_name
from gbm_fast.data.own.listing import list_images, printable
from gbm_fast.data.own.values import (
    ARRAY,
    VALUE_SUFFIXES,
    Values,
    number_type,
    read_values,
    settled,
)
from gbm_fast.data.types import ImageData
from gbm_fast.settings.datasets import Range, Zeros

_ONE_CLASS = "image"
Role = Literal["train", "test", "val"]
_ROLES: dict[str, Role] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
}

_LEVELS = {torch.uint8: 255, torch.uint16: 65535}

Listing = list[tuple[str, Path]]


def load_folder(folder: Path, own: Range, zeros: Zeros, image_size: int | None) -> ImageData:
    """The images below `folder`, grey levels or units of their own; layouts as the module says.

    own     data: integers are in units of their own as well
    zeros   what becomes of zeros and NaN in units of their own, as in `settled`
    image_size  the side that images of any size are made; None: all have one size

    Raises ValueError for a folder without images, a mixture of files and class folders, folders
    named like a split that are none, fewer than ten images without a split, a class that only the
    test images have, files that differ in size or depth, and whatever its readers refuse.
    """
    check_folder(folder, may_be_missing=False)
    found = list_images(folder, VALUE_SUFFIXES)
    if not found:
        raise ValueError(f"{folder} holds no images ({', '.join(VALUE_SUFFIXES)}).")
    parts = _own_split(folder, found)
    listings = [_with_classes(part, found) for part in parts or [folder]]
    files = [entry for listing in listings for entry in listing]
    classes = sorted({name for name, _ in files})
    if parts:
        _require_known_classes(parts, listings)
        is_test = torch.arange(len(files)) >= len(listings[0])
    else:
        is_test = held_out(len(files), str(folder))
    paths, sizes = [path for _, path in files], Sizes(image_size)
    if own == "data" or number_type(paths[0]).kind == "f" or paths[0].suffix.lower() == ARRAY:
        images = torch.from_numpy(settled(_read_values(paths, own, sizes), zeros, str(folder)))
    else:
        images = _read_all(paths, sizes)
    sizes.tell(say, str(folder))
    labels = torch.tensor([classes.index(name) for name, _ in files])
    return ImageData(
        name=plain_name("folder", folder.resolve().name),
        train_images=images[~is_test],
        train_labels=labels[~is_test],
        test_images=images[is_test],
        test_labels=labels[is_test],
        max_value=_LEVELS.get(images.dtype),
        class_names=printable(classes),
    )


def _role(name: str) -> Role | None:
    """The split that a folder of this name holds; None where the name says nothing of one."""
    return _ROLES.get(name.lower())


def _own_split(folder: Path, found: list[Path]) -> list[Path]:
    """The folders of training and test images, or an empty list where `folder` has no split."""
    inside = [path.relative_to(folder).parts for path in found]
    names = sorted({parts[0] for parts in inside})
    roles = {name: role for name in names if (role := _role(name)) and (folder / name).is_dir()}
    if not roles:
        return []
    by_role = {role: name for name, role in roles.items()}
    others = [name for name in names if name not in roles]
    if {"train", "test"} <= by_role.keys() and len(by_role) == len(roles):
        others += [name for name, role in roles.items() if role == "val"]
        if others:
            raise ValueError(
                f"{folder} has {by_role['train']}, {by_role['test']} and further images in "
                f"{others[0]!r}: move them into one of the two, or away, or pass a folder that "
                "holds links to the two."
            )
        return [folder / by_role["train"], folder / by_role["test"]]
    if set(roles.values()) == {"train", "val"} and len(roles) == 2 and not others:
        say(f"{folder}: there is no test folder; the images of {by_role['val']} are the test ones")
        return [folder / by_role["train"], folder / by_role["val"]]
    raise ValueError(
        f"{folder} holds {', '.join(map(repr, [*roles, *others][:4]))}, and the name of "
        f"{', '.join(map(repr, roles))} is that of a split, which is one folder for training "
        "(train) and one for testing (test or val) and nothing else: pass one of them itself as "
        "--data-dir to hold out every tenth of its images, or rename it if it is a class."
    )


def _with_classes(root: Path, found: list[Path]) -> Listing:
    """(class, file) of every image of `found` below `root`, sorted by class and then by path."""
    files = [(path.relative_to(root).parts, path) for path in found if path.is_relative_to(root)]
    listing = [(parts[0] if len(parts) > 1 else "", path) for parts, path in files]
    names = {name for name, _ in listing}
    if "" in names and len(names) > 1:
        loose = next(path for name, path in listing if not name)
        raise ValueError(
            f"{root} holds images of its own ({loose.name}) beside folders of images: put each "
            "image into a folder named like its class, or all of them side by side."
        )
    if splits := sorted(name for name in names if _role(name)):
        raise ValueError(
            f"{root / splits[0]} is named like a split inside of one: rename it if it is a class, "
            "or pass the folder that holds the split as --data-dir."
        )
    second = {parts[:2] for parts, _ in files if len(parts) > 2 and _role(parts[1])}
    for name in sorted(names):
        inner = sorted(inside for outside, inside in second if outside == name)
        if len({_role(each) for each in inner}) > 1:
            raise ValueError(
                f"{root / name} holds {' and '.join(inner)}, which are a split and no parts of a "
                f"class: pass {root / name} itself as --data-dir, or rename them."
            )
    return [(name or _ONE_CLASS, path) for name, path in listing]


def _require_known_classes(parts: list[Path], listings: list[Listing]) -> None:
    known, tested = ({name for name, _ in listing} for listing in listings)
    if tested - known:
        raise ValueError(
            f"{parts[1]} has the class {sorted(tested - known)[0]!r}, which "
            f"{parts[0]} has not: the folders below both must have the same names."
        )


def _read_all(paths: list[Path], sizes: Sizes) -> Tensor:
    """All images, (n, channels, height, width), in one piece of memory."""
    first = sizes.fit(read_image(paths[0]))
    images = np.empty((len(paths), 1, *first.shape[1:]), first.dtype)
    for index, path in enumerate(tqdm(paths, desc="images", unit="file", mininterval=0.5)):
        pixels = sizes.fit(read_image(path))
        _require_alike(path, pixels, paths[0], first)
        colour = not is_grey(pixels)
        if colour and images.shape[1] == 1:
            images = images.repeat(3, axis=1)
        images[index] = pixels if colour else pixels[:1]
    return torch.from_numpy(images)


def _read_values(paths: list[Path], own: Range, sizes: Sizes) -> Values:
    """All images in units of their own, (n, channels, height, width), in one piece of memory."""
    first = sizes.fit(read_values(paths[0]))
    images = np.empty((len(paths), *first.shape), np.float32)
    for index, path in enumerate(tqdm(paths, desc="images", unit="file", mininterval=0.5)):
        if own != "data" and (kind := number_type(path)).kind != "f":
            raise ValueError(
                f"{path} holds {kind}, in a folder with numbers in units of their own: pass "
                "--range data where its integers are such numbers too, or take it away."
            )
        values = sizes.fit(read_values(path))
        if len(values) != len(first):
            raise ValueError(
                f"{path} has {len(values)} channels and {paths[0]} {len(first)}: save all images "
                "with the same channels."
            )
        _require_alike(path, values, paths[0], first)
        images[index] = values
    return images


def _require_alike(
    path: Path, pixels: Levels | Values, first_path: Path, first: Levels | Values
) -> None:
    if pixels.shape[1:] != first.shape[1:]:
        both = " and ".join(f"{p.shape[1]} x {p.shape[2]}" for p in (pixels, first))
        raise ValueError(
            f"{path} and {first_path} have {both} pixels (height x width): pass --image-size "
            "to make them one size, or crop or resize them."
        )
    if pixels.dtype != first.dtype:
        raise ValueError(
            f"{path} holds {pixels.dtype} and {first_path} {first.dtype}: save all of them with "
            "8 bits a channel, or all with 16."
        )
