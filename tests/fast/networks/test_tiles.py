"""Tiles of a local network: no seam, where a margin that is too small has one."""

import pytest
import torch

from gbm_fast.networks import LocalUNet
from gbm_fast.networks.tiles import TiledNetwork, spans
from tests.support.cases import torch_generator


@pytest.fixture
def network() -> LocalUNet:
    """A network whose every weight counts, in float64."""
    made, source = LocalUNet(1, 2, 8, (1, 2, 2), 1, 2).double(), torch_generator("tiles")
    with torch.no_grad():
        for weight in made.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=source))
    return made


def seam(network: LocalUNet, shape: tuple[int, int] = (117, 90)) -> float:
    """The greatest difference between tiles of 32 and the whole."""
    y = torch.randn(2, 1, *shape, generator=torch_generator("an image")).double()
    condition = torch.tensor([0.3, -1.0]).double()
    with torch.no_grad():
        whole = network(y, condition)
        found = TiledNetwork(network, 32)(y, condition)
    assert found.shape == whole.shape
    return float((found - whole).abs().max())


def test_tiles_have_no_seam(network: LocalUNet) -> None:
    assert seam(network) < 1e-12


def test_a_smaller_margin_has_one(network: LocalUNet) -> None:
    network.reach //= 2
    assert seam(network) > 1e-9


def test_an_image_of_one_tile_is_not_cut(network: LocalUNet) -> None:
    y, condition = torch.ones(1, 1, 30, 32).double(), torch.zeros(1).double()
    with torch.no_grad():
        assert torch.equal(TiledNetwork(network, 32)(y, condition), network(y, condition))


def test_pixels_beyond_the_reach_have_no_influence(network: LocalUNet) -> None:
    y, one = torch.zeros(1, 1, 161, 161).double(), torch.ones(1).double()
    with torch.no_grad():
        before = network(y, one)
        y[..., 80, 80] = 5.0
        moved = (network(y, one) - before)[0, 0].abs() > 0
    rows = moved.any(1).nonzero()
    assert int((rows - 80).abs().max()) in range(network.reach - network.stride, network.reach + 1)


def test_the_tiles_of_a_side_cover_it_once() -> None:
    for side in (1, 31, 32, 33, 100):
        found = list(spans(side, 32, 10, 8))
        assert [n for span in found for n in range(span.start, span.stop)] == list(range(side))
        assert all(span.low % 8 == 0 and span.low <= span.start for span in found)
