"""`load_dataset`: a name in, an `ImageData` out."""

from pathlib import Path
from typing import get_args

from gbm_fast.data.cifar import load_cifar
from gbm_fast.data.digits import load_digits
from gbm_fast.data.directory import resolve_data_dir
from gbm_fast.data.idx import load_idx_family
from gbm_fast.data.natural_patches import load_natural_patches
from gbm_fast.data.own.image_folder import load_folder
from gbm_fast.data.own.npy import load_npy
from gbm_fast.data.sources import CIFAR10, FASHION_MNIST, KUZUSHIJI_MNIST, MNIST
from gbm_fast.data.types import ImageData
from gbm_fast.settings.datasets import ImageName, Range, Zeros

DATASETS: tuple[str, ...] = get_args(ImageName)


def load_dataset(
    name: str,
    data_dir: Path | str | None = None,
    download: bool = True,
    range: Range = "auto",  # noqa: A002
    zeros: Zeros = "refuse",
    image_size: int | None = None,
) -> ImageData:
    """Load one of `DATASETS`, downloading what is missing where that is allowed.

    data_dir: the directory with the files, in torchvision's layout (MNIST/raw/...,
        FashionMNIST/raw/..., KMNIST/raw/..., cifar-10-binary.tar.gz or cifar-10-batches-bin/);
        None means the environment variable GBM_DATA, and without it ./data. For `folder` and
        `npy` it is the folder of images or the file itself, and must be given. Not used by
        `digits` and `natural-patches`, which are made of what other packages ship.
    download: whether missing files may be fetched into that directory.
    range: of `folder` and `npy`: `data` takes integers in units of their own, as floats are taken
        anyway; auto: as grey levels.
    zeros: what becomes of zeros and missing values in units of their own: `refuse`, or `floor`,
        the least positive number of the channel in their place.
    image_size: of `folder` and `npy`: the side that images of any size are made; None: as they
        are.

    What a user should know of the data (what was left out, or could not be verified) is printed
    to stderr, a line each. Raises ValueError for an unknown name, for whatever is wrong with the
    files or the network, with the path and what to do about it, and for images that the memory
    does not hold.
    """
    place = None if data_dir is None else Path(data_dir)
    try:
        return _load(name, place, download, (range, zeros, image_size))
    except MemoryError as error:
        raise ValueError(
            f"the images of {name} ({data_dir or 'the default place'}) do not fit into the memory "
            "of this computer: use fewer or smaller ones."
        ) from error


def _load(
    name: str, data_dir: Path | None, download: bool, own: tuple[Range, Zeros, int | None]
) -> ImageData:
    match name:
        case "digits":
            return load_digits()
        case "natural-patches":
            return load_natural_patches()
        case "mnist":
            return load_idx_family(MNIST, resolve_data_dir(data_dir), download)
        case "fashion-mnist":
            return load_idx_family(FASHION_MNIST, resolve_data_dir(data_dir), download)
        case "kuzushiji-mnist":
            return load_idx_family(KUZUSHIJI_MNIST, resolve_data_dir(data_dir), download)
        case "cifar10":
            return load_cifar(CIFAR10, resolve_data_dir(data_dir), download)
        case "folder":
            return load_folder(_given(name, data_dir), *own)
        case "npy":
            return load_npy(_given(name, data_dir), *own)
    raise ValueError(f"unknown data set {name!r}: choose one of {', '.join(DATASETS)}.")


def _given(name: str, data_dir: Path | None) -> Path:
    """The user's own data, which no default can stand for."""
    if data_dir is None:
        what = "the folder of images" if name == "folder" else "FILE.npy"
        raise ValueError(f"the data set {name!r} is your own: say where with --data-dir, {what}.")
    return data_dir.expanduser()
