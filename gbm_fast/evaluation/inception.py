"""clean-fid's Inception features, for images that an ImageNet network can say something about.

The network is the TorchScript Inception v3 behind most published Fréchet distances, with
clean-fid's antialiased bicubic resize to 299 x 299 (Parmar et al. 2022, arXiv:2104.11222). Its
weights come with no package, so they are used where the file is already present and never
downloaded: clean-fid's own download has no checksum, and keeps whatever an aborted one left.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gbm_fast.data import integers_from_positive
from gbm_fast.evaluation.features import FeatureExtractor
from gbm_fast.runtime.reading import decoding, open_regular

WEIGHTS_NAME = "inception-2015-12-05.pt"
WEIGHTS_URL = (
    "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/" + WEIGHTS_NAME
)
WEIGHTS_SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"


@dataclass(frozen=True)
class _InceptionNetwork:
    """Images (b, 1 or 3, height, width) in [1, 2] -> (b, 2048) features.

    network takes float32 (b, 3, 299, 299) with values 0..255; resize takes (height, width, 3)
    arrays of 0..255.
    """

    network: Callable[[Tensor], Tensor]
    resize: Callable[[np.ndarray], np.ndarray]

    def __call__(self, images: Tensor) -> Tensor:
        colour = integers_from_positive(images, 255).expand(-1, 3, -1, -1)
        resized = [self.resize(image) for image in colour.permute(0, 2, 3, 1).numpy()]
        return self.network(torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).contiguous())


def find_weights(path: Path | None = None, sha256: str = WEIGHTS_SHA256) -> Path:
    """The weights file, after checking that it is the published one.

    Args:
        path: the file, or the folder it is in; None is clean-fid's place, the folder for
            temporary files.
        sha256: the checksum to expect.

    Raises:
        ValueError: it is not there (says what to fetch from where, and where to put it), or
            its checksum is another.
    """
    place = Path(tempfile.gettempdir()) if path is None else path
    file = place / WEIGHTS_NAME if place.is_dir() else place
    if file.name != WEIGHTS_NAME or not file.is_file():
        raise ValueError(
            f"the Inception weights are not at {file}. They are never downloaded here: fetch "
            f"{WEIGHTS_URL} (SHA-256 {sha256}), keep the name {WEIGHTS_NAME}, put it at "
            f"{place / WEIGHTS_NAME if place.is_dir() else file.with_name(WEIGHTS_NAME)} or pass "
            "--inception-weights; or use --features classifier, which needs no download."
        )
    with open_regular(file) as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise ValueError(
            f"{file} is not the published file (an aborted download?): SHA-256 {found}, expected "
            f"{sha256}; fetch {WEIGHTS_URL} again."
        )
    return file


def load_inception(
    image_shape: tuple[int, int, int], path: Path | None = None, sha256: str = WEIGHTS_SHA256
) -> FeatureExtractor:
    """Inception features of images of `image_shape` = (channels, height, width), in [1, 2].

    Grey images become colour images of three equal channels, and [1, 2] becomes the integers
    0..255, as in the PNG files that other projects measure.

    Raises:
        ValueError: as `find_weights`, or images with neither one nor three channels.
    """
    if image_shape[0] not in (1, 3):
        raise ValueError(f"Inception takes 1 or 3 channels; these images have {image_shape[0]}.")
    file = find_weights(path, sha256)
    # Imported here, since clean-fid is needed for nothing else.
    from cleanfid.inception_torchscript import InceptionV3W
    from cleanfid.resize import build_resizer

    with decoding(file, "Inception weights", "install a version of torch that reads them"):
        network = InceptionV3W(str(file.parent), download=False, resize_inside=False)
    return FeatureExtractor(
        name="inception-v3-clean",
        hash=sha256[:16],
        dim=2048,
        image_shape=image_shape,
        test_accuracy=None,
        network=_InceptionNetwork(network, build_resizer("clean")),
        batch_size=32,
    )
