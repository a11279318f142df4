"""The U-Net: zero at the start, any image size that its fold divides, every parameter in use."""

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.networks.embeddings import NoiseEmbedding
from gbm_fast.settings.training_presets import resolve
from gbm_fast.training.build import build_network
from tests.support.cases import torch_generator

# log(v) / 4 at sqrt(v) = 0.005, 0.4 and 10: the range of the default process.
CONDITIONS = torch.tensor([-2.65, -0.46, 1.15])


def images(channels: int, size: tuple[int, int]) -> Tensor:
    return torch.randn(3, channels, *size, generator=torch_generator("images", str(size)))


def perturbed(network: gbm.UNet, *names: str) -> gbm.UNet:
    """`network` with normal numbers in each parameter whose name ends with one of `names`."""
    source = torch_generator("perturbed", *names)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(names):
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=source))
    return network


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("size", "patch_size"), [((7, 7), 1), ((14, 10), 1), ((14, 10), 2), ((9, 15), 3), ((2, 2), 2)]
)
def test_an_untrained_network_returns_zeros(
    size: tuple[int, int], patch_size: int, channels: int
) -> None:
    network = gbm.UNet(channels, width=8, multipliers=(1, 2, 2), blocks=1, patch_size=patch_size)
    x = images(channels, size)
    assert torch.equal(network(x, CONDITIONS), torch.zeros_like(x))
    output = perturbed(network, "head.2.weight")(x, CONDITIONS)
    assert output.shape == x.shape
    assert bool((output != 0).all())


@pytest.mark.parametrize(("size", "patch_size"), [((7, 8), 2), ((8, 7), 2), ((8, 8), 3)])
def test_a_fold_that_does_not_divide_the_image_is_refused(
    size: tuple[int, int], patch_size: int
) -> None:
    with pytest.raises(ValueError, match=f"patch_size {patch_size} does not divide"):
        gbm.UNet(1, width=8, patch_size=patch_size)(images(1, size), CONDITIONS)


@pytest.mark.parametrize(("width", "multipliers"), [(6, (1, 3)), (5, (1, 2)), (1, (1,))])
def test_channels_that_the_heads_do_not_divide_are_refused(
    width: int, multipliers: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="multiple of its 4 attention heads"):
        gbm.UNet(1, width=width, multipliers=multipliers)


@pytest.mark.parametrize(
    ("config", "channels", "expected"),
    [
        (gbm.TrainConfig(), 1, 669_508),
        (gbm.TrainConfig(dataset="fashion-mnist"), 1, 2_655_876),
        (gbm.TrainConfig(dataset="cifar10"), 3, 2_665_100),
    ],
    ids=["digits", "fashion-mnist", "cifar10"],
)
def test_the_parameters_of_the_defaults(
    config: gbm.TrainConfig, channels: int, expected: int
) -> None:
    network = build_network(resolve(config), (channels, 32, 32))
    assert sum(p.numel() for p in network.parameters()) == expected


ZERO_AT_FIRST = ("head.2.weight", "conv2.weight", "modulation.weight", "out.weight")


def reached(network: gbm.UNet) -> dict[str, bool]:
    """Whether each parameter, by name, has a gradient other than zero somewhere."""
    x = images(1, (8, 6))
    (network(x, CONDITIONS) - x).square().sum().backward()
    return {
        name: p.grad is not None and bool((p.grad.abs() > 1e-9).any())
        for name, p in network.named_parameters()
    }


def test_the_gradient_reaches_every_parameter() -> None:
    """Once the layers that start at zero are perturbed; before, it reaches the last layer alone.

    The planted twin: a block that is skipped leaves its parameters without a gradient.
    """
    fresh = reached(gbm.UNet(1, width=8, patch_size=2))
    assert {name for name, found in fresh.items() if found} == {"head.2.weight", "head.2.bias"}
    full = reached(perturbed(gbm.UNet(1, width=8, patch_size=2), *ZERO_AT_FIRST))
    assert [name for name, found in full.items() if not found] == []
    skipped = perturbed(gbm.UNet(1, width=8, patch_size=2), *ZERO_AT_FIRST)
    skipped.middle[1].forward = lambda x: x
    assert {n for n, found in reached(skipped).items() if not found} == {
        n for n, _ in skipped.named_parameters() if n.startswith("middle.1.")
    }


def test_the_condition_matters_over_its_whole_range() -> None:
    """Levels 2 % apart in sqrt(v) have nearest, yet different, embeddings; no two ends meet."""
    embedding = NoiseEmbedding(32)
    levels = torch.linspace(-2.65, 1.15, 761)
    vectors = embedding(levels).detach()
    distances = torch.cdist(vectors, vectors) + torch.eye(761) * 10
    assert float(distances.min()) > 1e-3
    assert int((distances.argmin(1) - torch.arange(761)).abs().max()) == 1


def test_dropout_acts_in_training_only() -> None:
    network = perturbed(gbm.UNet(1, width=8, dropout=0.4), *ZERO_AT_FIRST)
    x = images(1, (8, 8))
    torch.manual_seed(3)
    first, second = network(x, CONDITIONS), network(x, CONDITIONS)
    assert not torch.equal(first, second)
    network.eval()
    assert torch.equal(network(x, CONDITIONS), network(x, CONDITIONS))
