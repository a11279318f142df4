"""`load_dataset`: a name in, an `ImageData` out."""

from pathlib import Path

from gbm_fast.data.cifar import load_cifar
from gbm_fast.data.digits import load_digits
from gbm_fast.data.folder import resolve_data_dir
from gbm_fast.data.idx import load_idx_family
from gbm_fast.data.sources import CIFAR10, FASHION_MNIST, KUZUSHIJI_MNIST, MNIST
from gbm_fast.data.types import ImageData

DATASETS = ("digits", "mnist", "fashion-mnist", "kuzushiji-mnist", "cifar10")


def load_dataset(name: str, data_dir: Path | None = None, download: bool = True) -> ImageData:
    """Load one of `DATASETS`, downloading what is missing where that is allowed.

    data_dir: the directory with the files, in torchvision's layout (MNIST/raw/...,
        FashionMNIST/raw/..., KMNIST/raw/..., cifar-10-binary.tar.gz or cifar-10-batches-bin/);
        None means the environment variable GBM_DATA, and without it ./data. Not used by
        `digits`, which is shipped inside scikit-learn.
    download: whether missing files may be fetched into that directory.

    Raises ValueError for an unknown name, and for whatever is wrong with the files or the
    network, with the path and what to do about it.
    """
    match name:
        case "digits":
            return load_digits()
        case "mnist":
            return load_idx_family(MNIST, resolve_data_dir(data_dir), download)
        case "fashion-mnist":
            return load_idx_family(FASHION_MNIST, resolve_data_dir(data_dir), download)
        case "kuzushiji-mnist":
            return load_idx_family(KUZUSHIJI_MNIST, resolve_data_dir(data_dir), download)
        case "cifar10":
            return load_cifar(CIFAR10, resolve_data_dir(data_dir), download)
    raise ValueError(f"unknown data set {name!r}: choose one of {', '.join(DATASETS)}")
