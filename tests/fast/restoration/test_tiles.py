"""Tiles of a local network: no seam, where a margin that is too small has one."""

import pytest
import torch
from torch import Tensor

from gbm_fast.networks import LocalUNet
from gbm_fast.restoration.tiles import spans, tiled
from gbm_fast.speckle import PixelLaws


@pytest.fixture(scope="module")
def network() -> LocalUNet:
    """A network whose every weight counts, in float64."""
    torch.manual_seed(0)
    made = LocalUNet(1, 1, 8, (1, 2, 2), 1, 2).double()
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return made


def seam(network: LocalUNet, reach: int, shape: tuple[int, int] = (117, 90)) -> float:
    """The greatest difference between tiles of 32 and the whole."""

    def laws(logs: Tensor, looks: Tensor) -> PixelLaws:
        with torch.no_grad():
            out = network(logs, looks)
        return PixelLaws(out, out, out, out)

    y, looks = torch.randn(1, 1, *shape, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    whole = laws(y, looks).mean
    return float((tiled(laws, 32, reach, network.stride)(y, looks).mean - whole).abs().max())


def test_tiles_have_no_seam(network: LocalUNet) -> None:
    assert seam(network, network.reach) < 1e-12


def test_a_smaller_margin_has_one(network: LocalUNet) -> None:
    assert seam(network, network.reach // 2) > 1e-9


def test_pixels_beyond_the_reach_have_no_influence(network: LocalUNet) -> None:
    y, one = torch.zeros(1, 1, 161, 161, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
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
