"""clean-fid's Inception features: a clear message without the file, the right images with it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gbm_fast.evaluation.inception import (
    WEIGHTS_NAME,
    WEIGHTS_SHA256,
    find_weights,
    load_inception,
)

SHAPE = (1, 9, 8)


class _Layers(nn.Module):
    """Stands for the network: what it is shown (mean, least, greatest), among 2048 numbers."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, 299, 299) to (n, 2048)."""
        flat = x.flatten(2)
        seen = torch.cat([flat.mean(2), flat.amin(2), flat.amax(2)], dim=1)
        return torch.nn.functional.pad(seen, (0, 2048 - 9))


class _StandIn(nn.Module):
    """Has the part of the published file that clean-fid's own wrapper calls."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = _Layers()

    def forward(self, x: Tensor) -> Tensor:
        """The features of images that are scaled already."""
        return self.layers(x)


@pytest.fixture
def stand_in(tmp_path: Path) -> tuple[Path, str]:
    """(file, SHA-256) of a TorchScript file with the name and interface of the real one."""
    path = tmp_path / WEIGHTS_NAME
    torch.jit.save(torch.jit.script(_StandIn().eval()), str(path))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_absent_weights_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:
        find_weights(tmp_path)
    message = str(error.value)
    for part in (
        str(tmp_path / WEIGHTS_NAME),
        "https://",
        WEIGHTS_SHA256,
        "never downloaded",
        "--features classifier",
    ):
        assert part in message
    assert list(tmp_path.iterdir()) == []


def test_the_default_place_is_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ValueError, match="not at .*") as error:
        find_weights()
    assert str(tmp_path / WEIGHTS_NAME) in str(error.value)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS_NAME).write_bytes(b"an aborted download")
    with pytest.raises(ValueError, match="is not the published file"):
        find_weights(tmp_path)
    (tmp_path / "renamed.pt").write_bytes(b"weights")
    with pytest.raises(ValueError, match=f"keep the name {WEIGHTS_NAME}"):
        find_weights(tmp_path / "renamed.pt")


def test_two_channels_are_refused_before_the_weights_are_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 or 3 channels"):
        load_inception((2, 9, 8), tmp_path)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_images_reach_the_network_in_its_own_range(stand_in: tuple[Path, str]) -> None:
    path, sha256 = stand_in
    extractor = load_inception(SHAPE, path, sha256)
    assert (extractor.name, extractor.hash) == ("inception-v3-clean", sha256[:16])
    assert (extractor.dim, extractor.test_accuracy) == (2048, None)
    # Black, white and the grey level 51 of 255, each flat, so that resizing changes nothing.
    images = torch.tensor([1.0, 2.0, 1.2])[:, None, None, None].expand(-1, *SHAPE)
    features = extractor(images)
    assert (features.shape, features.dtype) == ((3, 2048), np.float64)
    expected = (np.array([0.0, 255.0, 51.0]) - 128) / 128
    assert np.max(np.abs(features[:, :9] - expected[:, None])) <= 1e-5
    assert np.all(features[:, 9:] == 0)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_colour_channels_stay_apart(stand_in: tuple[Path, str]) -> None:
    path, sha256 = stand_in
    extractor = load_inception((3, 9, 8), path.parent, sha256)
    colours = torch.tensor([1.0, 1.4, 1.8])[None, :, None, None].expand(2, -1, 9, 8)
    expected = (np.array([0.0, 102.0, 204.0]) - 128) / 128
    assert np.max(np.abs(extractor(colours)[:, :3] - expected)) <= 1e-5
