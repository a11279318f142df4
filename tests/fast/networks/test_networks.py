"""What every network promises, the U-Net, and how a network is told the noise level."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

import gbm_fast as gbm
from gbm_fast.networks.conditions import LevelIndex
from gbm_fast.networks.embeddings import NoiseEmbedding
from gbm_fast.settings.training_presets import resolve
from gbm_fast.training.build import build_network
from tests.support.cases import torch_generator
from tests.support.twins import assert_twins, tensor

CLASSES = 3
# log(v) / 4 at sqrt(v) = 0.005, 0.4 and 10: the range of the default process.
LEVELS = torch.tensor([-2.65, -0.46, 1.15])
INDICES = torch.tensor([0, 3, 4])


@dataclass(frozen=True)
class Network:
    """A reduced network of `num_classes` classes, and the events and conditions it is for."""

    build: Callable[[int], nn.Module]
    event: tuple[int, ...]
    conditions: Tensor = LEVELS

    def inputs(self) -> Tensor:
        """Standard normal numbers (3, *event)."""
        return torch.randn(3, *self.event, generator=torch_generator("inputs", str(self.event)))


NETWORKS = {
    "mlp": Network(lambda classes: gbm.MLP(5, 16, 2, classes), (5,)),
    "mlp-grid": Network(lambda classes: gbm.MLP(6, 16, 1, classes), (2, 3)),
    "u-net": Network(lambda classes: gbm.UNet(1, 8, num_classes=classes), (1, 8, 6)),
    "ddpm++": Network(
        lambda classes: gbm.DDPMpp(3, 32, (1, 2), 1, (1,), num_classes=classes), (3, 8, 6)
    ),
    "ncsn": Network(
        lambda classes: gbm.NCSNDeeper(1, 8, 5, num_classes=classes), (1, 8, 12), INDICES
    ),
}
every_network = pytest.mark.parametrize("case", NETWORKS.values(), ids=NETWORKS)


def built(case: Network, classes: int = CLASSES, noise: float = 0.0) -> nn.Module:
    """The network from a fixed seed, in evaluation mode; `noise` is added to every weight."""
    torch.manual_seed(17)
    network = case.build(classes).eval()
    source = torch_generator("weights", str(case.event))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(noise * torch.randn(parameter.shape, generator=source))
    return network


@every_network
def test_an_untrained_network_returns_zeros(case: Network) -> None:
    x = case.inputs()
    assert torch.equal(built(case)(x, case.conditions), torch.zeros_like(x))
    output = built(case, noise=0.05)(x, case.conditions)
    assert output.shape == x.shape
    assert bool((output != 0).all())


@every_network
def test_a_sample_does_not_see_the_others(case: Network) -> None:
    """A batch and its samples one by one, up to the rounding of float64 sums."""
    network, x = built(case, noise=0.05).double(), case.inputs().double()
    labels = torch.tensor([2, 0, CLASSES])
    conditions = case.conditions.to(x) if case.conditions.is_floating_point() else case.conditions
    together = network(x, conditions, labels)
    for i in range(3):
        alone = network(x[i : i + 1], conditions[i : i + 1], labels[i : i + 1])
        torch.testing.assert_close(alone[0], together[i], rtol=1e-10, atol=1e-10)


@every_network
def test_the_gradient_reaches_every_parameter(case: Network) -> None:
    """Once the layers that start at zero are perturbed: no block is built and then not used."""
    network, x = built(case, noise=0.05), case.inputs()
    labels = torch.arange(CLASSES)
    (network(x, case.conditions, labels) - x).square().sum().backward()
    unused = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert unused == []


@every_network
def test_classes_are_told_apart_and_may_be_left_out(case: Network) -> None:
    """The label after the last class adds nothing, like None."""
    network, x = built(case, noise=0.05), case.inputs()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx].zero_()
    labels = [*(torch.full((3,), label) for label in (0, 1, CLASSES)), None]
    outputs = [network(x, case.conditions, label) for label in labels]
    assert not torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[3])
    assert torch.equal(outputs[2], outputs[3])


@every_network
def test_a_network_without_classes_refuses_labels(case: Network) -> None:
    network = built(case, classes=0)
    fewer = sum(p.numel() for p in network.parameters())
    assert fewer < sum(p.numel() for p in built(case).parameters())
    with pytest.raises(ValueError, match="without classes"):
        network(case.inputs(), case.conditions, torch.tensor([0, 0, 0]))
    with pytest.raises(ValueError, match="num_classes"):
        built(case, classes=-1)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (gbm.DDPMpp, 61_804_419),
        (gbm.NCSNDeeper, 159_070_721),
        (lambda: gbm.NCSNDeeper(levels=1), 83_422_721 + 75_648),
        (lambda: gbm.MLP(2), 219_522),
    ],
    ids=["ddpm++", "ncsn-deeper", "ncsn-deeper-of-one-level", "mlp"],
)
def test_parameters_of_the_references(build: Callable[[], nn.Module], expected: int) -> None:
    """DDPM++ as in the reference code for CIFAR-10; the others by adding up layers by hand."""
    with torch.device("meta"):
        network = build()
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == expected


def test_the_mlp_fits_a_function_of_its_input_and_its_condition() -> None:
    """sin(2 x_1) + condition x_2 to 3 % of its variance on new points, after 200 steps of Adam.
    A network that does not see the condition (the twin is given zeros) leaves at least the
    variance of condition x_2 given x, var(condition) E[x_2^2] = 0.75 of 1.5."""

    def points(name: str, size: int) -> tuple[Tensor, Tensor, Tensor]:
        source = torch_generator("fit", name)
        x = torch.randn(size, 2, generator=source)
        condition = torch.rand(size, generator=source) * 3 - 2
        return x, condition, torch.sin(2 * x[:, :1]) + condition[:, None] * x[:, 1:]

    def unexplained(sees: bool) -> float:
        torch.manual_seed(1)
        network = gbm.MLP(2, 32, 2)
        optimiser = torch.optim.Adam(network.parameters(), 1e-2)
        for step in range(200):
            x, condition, wanted = points(str(step), 128)
            loss = (network(x, condition * sees)[:, :1] - wanted).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        x, condition, wanted = points("test", 2000)
        with torch.no_grad():
            error = (network(x, condition * sees)[:, :1] - wanted).square().mean()
        return float(error / wanted.var())

    assert unexplained(True) < 0.03
    assert unexplained(False) > 0.4


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


SIZES = [((7, 7), 1), ((14, 10), 1), ((14, 10), 2), ((9, 15), 3), ((2, 2), 2)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "patch"), SIZES)
def test_untrained_u_nets_return_zeros(size: tuple[int, int], patch: int, channels: int) -> None:
    network = gbm.UNet(channels, width=8, multipliers=(1, 2, 2), blocks=1, patch_size=patch)
    x = images(channels, size)
    assert torch.equal(network(x, LEVELS), torch.zeros_like(x))
    output = perturbed(network, "head.2.weight")(x, LEVELS)
    assert output.shape == x.shape
    assert bool((output != 0).all())


@pytest.mark.parametrize(
    ("dataset", "channels", "expected"),
    [("digits", 1, 669_508), ("fashion-mnist", 1, 2_655_876), ("cifar10", 3, 2_665_100)],
)
def test_the_parameters_of_the_defaults(dataset: str, channels: int, expected: int) -> None:
    network = build_network(resolve(gbm.TrainConfig(dataset=dataset)), (channels, 32, 32))
    assert sum(p.numel() for p in network.parameters()) == expected


ZERO_AT_FIRST = ("head.2.weight", "conv2.weight", "modulation.weight", "out.weight")


def reached(network: gbm.UNet) -> set[str]:
    """The parameters that have a gradient other than zero somewhere."""
    x = images(1, (8, 6))
    (network(x, LEVELS) - x).square().sum().backward()
    named = [(name, p.grad) for name, p in network.named_parameters() if p.grad is not None]
    return {name for name, found in named if bool((found.abs() > 1e-9).any())}


def test_the_gradient_reaches_every_parameter_of_the_u_net() -> None:
    """Once the layers that start at zero are perturbed; before, it reaches the last layer alone.
    The planted twin: a block that is skipped leaves its parameters without a gradient."""
    fresh, full, skipped = (gbm.UNet(1, width=8, patch_size=2) for _ in range(3))
    assert reached(fresh) == {"head.2.weight", "head.2.bias"}
    names = {name for name, _ in full.named_parameters()}
    assert reached(perturbed(full, *ZERO_AT_FIRST)) == names
    skipped.middle[1].forward = lambda x: x
    unused = {name for name in names if name.startswith("middle.1.")}
    assert names - reached(perturbed(skipped, *ZERO_AT_FIRST)) == unused != set()


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
    first, second = network(x, LEVELS), network(x, LEVELS)
    assert not torch.equal(first, second)
    network.eval()
    assert torch.equal(network(x, LEVELS), network(x, LEVELS))


GRID = 0.64 * torch.arange(1, 1001, dtype=torch.float64) / 1000


def test_a_level_of_the_grid_has_its_own_index_also_in_float32() -> None:
    """The paper's levels sigma^2 k / N, through the process and its rounding."""
    index, process = LevelIndex(GRID), gbm.GBM(sigma=0.8)
    for dtype in (torch.float32, torch.float64):
        v = process.log_var(torch.arange(1, 1001, dtype=torch.float64) / 1000).to(dtype)
        assert torch.equal(index(v), torch.arange(1000))
    assert not index.state_dict()


def test_a_level_between_two_takes_the_nearest_in_log_v() -> None:
    index = LevelIndex(tensor([0.1, 0.4, 6.4]))
    v = tensor([0.1, 0.19, 0.21, 0.4, 1.59, 1.61, 6.4, 6.40005])
    assert index(v).tolist() == [0, 0, 1, 1, 1, 2, 2, 2]


def test_a_model_of_levels_passes_the_index_and_the_labels_on() -> None:
    """v stays what the head uses: only the network's condition is the index."""
    seen = []

    class Recorder(nn.Module):
        def forward(self, x: Tensor, condition: Tensor, labels: Tensor) -> Tensor:
            seen.append((condition, labels))
            return torch.ones_like(x)

    process, labels = gbm.GBM(sigma=0.8), torch.tensor([4, 7])
    model = gbm.ScoreModel(Recorder(), gbm.Noise(), 0.27, 0.34, condition=LevelIndex(GRID))
    t = tensor([0.001, 0.4996])
    h = gbm.score_function(model, process, labels)(torch.ones(2, 3, dtype=torch.float64), t)
    ((condition, given),) = seen
    assert condition.tolist() == [0, 499]
    assert torch.equal(given, labels)
    assert_twins(h, (-1 - 1 / (0.64 * t).sqrt()[:, None].expand(2, 3)).numpy(), 50.0)
