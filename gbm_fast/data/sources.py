"""Where the published data sets come from, and how each of their files is recognised.

MD5 checksums of the compressed files and of the CIFAR-10 archive are the publishers' own, as
torchvision and the CIFAR page list them. Those of the unpacked MNIST and Fashion-MNIST files
were computed from the published files. No checksum is known to us for unpacked KMNIST and
CIFAR-10 files: of these only the structure (header, shape) and the images of each class are
checked, which is said.

Mirrors are asked by https alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class IdxFile:
    """name: without ".gz"; gz_md5: of the .gz; raw_md5: unpacked, None where unknown."""

    name: str
    gz_md5: str
    raw_md5: str | None = None


@dataclass(frozen=True)
class IdxSource:
    """Four IDX files in <data_dir>/<folder>/raw (torchvision's layout), and their mirrors.

    mirrors: URL prefixes ending in "/"; image_shape: (height, width); per_class: training and test
    images of every class, where they are equally many and a file has no raw_md5.
    """

    name: str
    folder: str
    mirrors: tuple[str, ...]
    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile
    class_names: tuple[str, ...]
    train_count: int = 60_000
    test_count: int = 10_000
    image_shape: tuple[int, int] = (28, 28)
    per_class: tuple[int, int] | None = None


@dataclass(frozen=True)
class CifarSource:
    """The binary archive in <data_dir>, or the folder it unpacks to.

    Each member holds records_per_member records: one label byte, then height*width bytes of
    red, of green and of blue, row by row. foreign: what the same data are called in a form that
    is not read. per_class: training and test images of every class.
    """

    name: str
    url: str
    archive: str
    md5: str
    folder: str
    train_members: tuple[str, ...]
    test_members: tuple[str, ...]
    class_names: tuple[str, ...]
    records_per_member: int = 10_000
    image_shape: tuple[int, int] = (32, 32)
    foreign: tuple[str, ...] = ()
    per_class: tuple[int, int] | None = None


MNIST = IdxSource(
    name="mnist",
    folder="MNIST",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    train_images=IdxFile(
        "train-images-idx3-ubyte",
        gz_md5="f68b3c2dcbeaaa9fbdd348bbdeb94873",
        raw_md5="6bbc9ace898e44ae57da46a324031adb",
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte",
        gz_md5="d53e105ee54ea40749a09fcbcd1e9432",
        raw_md5="a25bea736e30d166cdddb491f175f624",
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte",
        gz_md5="9fb629c4189551a2d022fa330f9573f3",
        raw_md5="2646ac647ad5339dbf082846283269ea",
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte",
        gz_md5="ec29112dd5afa0611ce80d1b7f02629c",
        raw_md5="27ae3e4e09519cfbb04c329615203637",
    ),
    class_names=tuple(str(digit) for digit in range(10)),
)

FASHION_MNIST = IdxSource(
    name="fashion-mnist",
    folder="FashionMNIST",
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    train_images=IdxFile(
        "train-images-idx3-ubyte",
        gz_md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        raw_md5="f4a8712d7a061bf5bd6d2ca38dc4d50a",
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte",
        gz_md5="25c81989df183df01b3e8a0aad5dffbe",
        raw_md5="9018921c3c673c538a1fc5bad174d6f9",
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte",
        gz_md5="bef4ecab320f06d8554ea6380940ec79",
        raw_md5="8181f5470baa50b63fa0f6fddb340f0a",
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte",
        gz_md5="bb300cfdad3c16e7a12a480ee83cd310",
        raw_md5="15d484375f8d13e6eb1aabb0c3f46965",
    ),
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)

KUZUSHIJI_MNIST = IdxSource(
    name="kuzushiji-mnist",
    folder="KMNIST",
    mirrors=("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    train_images=IdxFile("train-images-idx3-ubyte", gz_md5="bdb82020997e1d708af4cf47b453dcf7"),
    train_labels=IdxFile("train-labels-idx1-ubyte", gz_md5="e144d726b3acfaa3e44228e80efcd344"),
    test_images=IdxFile("t10k-images-idx3-ubyte", gz_md5="5c965bf0a639b31b8f53240b1b52f4d7"),
    test_labels=IdxFile("t10k-labels-idx1-ubyte", gz_md5="7320c461ea6c1c855c0b718fb2a4b134"),
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    per_class=(6000, 1000),
)

CIFAR10 = CifarSource(
    name="cifar10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    archive="cifar-10-binary.tar.gz",
    md5="c32a1d4ab5d03f1284b67883e8d87530",
    folder="cifar-10-batches-bin",
    train_members=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    test_members=("test_batch.bin",),
    class_names=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    foreign=("cifar-10-batches-py", "cifar-10-python.tar.gz", "cifar-10-batches-mat"),
    per_class=(5000, 1000),
)
