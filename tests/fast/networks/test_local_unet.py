"""The network without attention and norms: what it puts out, and that every part counts."""

import pytest
import torch

import gbm_fast as gbm
from tests.support.cases import torch_generator

LEVELS = torch.tensor([-1.0, 0.2, 3.0])


def built(noise: float) -> gbm.LocalUNet:
    """A small network from a fixed seed; `noise` is added to every weight."""
    torch.manual_seed(17)
    network, source = gbm.LocalUNet(2, 3, 8, (1, 2), 1, 2).double(), torch_generator("local")
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(noise * torch.randn(weight.shape, generator=source))
    return network


def inputs(height: int = 9, width: int = 14) -> torch.Tensor:
    return torch.randn(3, 2, height, width, generator=torch_generator("local inputs")).double()


def test_an_untrained_network_returns_zeros_of_the_right_shape() -> None:
    found = built(0.0)(inputs(), LEVELS.double())
    assert found.shape == (3, 3, 9, 14) and not found.any()
    assert bool((built(0.05)(inputs(), LEVELS.double()) != 0).all())


def test_a_sample_does_not_see_the_others() -> None:
    network, x = built(0.05), inputs()
    together = network(x, LEVELS.double())
    for i in range(3):
        alone = network(x[i : i + 1], LEVELS[i : i + 1].double())
        torch.testing.assert_close(alone[0], together[i], rtol=1e-10, atol=1e-10)


def test_the_gradient_reaches_every_parameter() -> None:
    network = built(0.05)
    network(inputs(), LEVELS.double()).square().sum().backward()
    assert [n for n, p in network.named_parameters() if not p.grad.any()] == []


def test_the_condition_counts() -> None:
    network, x = built(0.05), inputs()
    assert not torch.equal(network(x, LEVELS.double()), network(x, LEVELS.double() + 1))


def test_an_image_moved_by_the_stride_gives_what_it_gave_moved() -> None:
    """Away from the edges: no place of the image is special."""
    network, image = built(0.05), inputs(96, 96)
    moved = torch.roll(image, (network.stride, network.stride), (2, 3))
    edge = network.reach + network.stride
    inner = (..., slice(edge, 96 - edge), slice(edge, 96 - edge))
    before, after = (network(x, LEVELS.double()) for x in (image, moved))
    back = torch.roll(after, (-network.stride, -network.stride), (2, 3))
    torch.testing.assert_close(back[inner], before[inner], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("shape", "reach"), [((8, (1,), 1, 1), 6), ((8, (1, 2), 2, 2), 55)])
def test_the_reach_by_hand(shape: tuple, reach: int) -> None:
    """A convolution of side 3 a pixel, of the fold and of each level: stem, blocks, head.

    (1,), 1, 1: four convolutions in two blocks, and two: 6. (1, 2), 2, 2: eight at 2 pixels each
    and eight at 4, and two of 2: 52, and what begins before a pixel of 4: 3.
    """
    assert gbm.LocalUNet(1, 1, *shape).reach == reach
