"""What every network promises: zeros at first, samples apart, classes, every weight in use."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

import gbm_fast as gbm
from tests.support.cases import torch_generator

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
    outputs = [
        network(x, case.conditions, None if label is None else torch.full((3,), label))
        for label in (0, 1, CLASSES, None)
    ]
    assert not torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[3])
    assert torch.equal(outputs[2], outputs[3])


@every_network
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.tensor([0, 1]), "labels must be integers of shape"),
        (torch.tensor([0.0, 1.0, 2.0]), "labels must be integers of shape"),
        (torch.tensor([0, 1, CLASSES + 1]), "labels must be in"),
        (torch.tensor([0, 1, -1]), "labels must be in"),
    ],
)
def test_bad_labels_are_refused(case: Network, labels: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        built(case)(case.inputs(), case.conditions, labels)


@every_network
def test_a_network_without_classes_refuses_labels(case: Network) -> None:
    network = built(case, classes=0)
    fewer = sum(p.numel() for p in network.parameters())
    assert fewer < sum(p.numel() for p in built(case).parameters())
    with pytest.raises(ValueError, match="without classes"):
        network(case.inputs(), case.conditions, torch.tensor([0, 0, 0]))
    with pytest.raises(ValueError, match="num_classes"):
        built(case, classes=-1)


def test_the_mlp_refuses_other_events_and_empty_layers() -> None:
    with pytest.raises(ValueError, match="events of 5 numbers"):
        gbm.MLP(5)(torch.zeros(3, 4), LEVELS)
    for arguments in ((0, 8, 1), (5, 0, 1), (5, 8, 0)):
        with pytest.raises(ValueError, match="1 or more"):
            gbm.MLP(*arguments)


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
def test_the_parameters_of_the_reference_configurations(
    build: Callable[[], nn.Module], expected: int
) -> None:
    """DDPM++ as in the reference code for CIFAR-10; the others by adding up layers by hand."""
    with torch.device("meta"):
        network = build()
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == expected


@pytest.mark.parametrize(
    ("network", "size", "message"),
    [
        (lambda: gbm.DDPMpp(3, 32, (1, 1, 1), 1), (8, 6), "multiples of 4, got .8, 6."),
        (lambda: gbm.DDPMpp(3, 36), (8, 8), "multiple of 32"),
        (lambda: gbm.DDPMpp(3, 32, (1, 1), attention_levels=(2,)), (8, 8), "in 0..1, got .2,."),
        (lambda: gbm.NCSNDeeper(3, 8, 1), (8, 6), "multiples of 4, got .8, 6."),
        (lambda: gbm.NCSNDeeper(3, 8, 0), (8, 8), "levels must be 1 or more"),
    ],
)
def test_images_and_widths_that_do_not_fit_are_refused(
    network: Callable[[], nn.Module], size: tuple[int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        network()(torch.zeros(1, 3, *size), torch.zeros(1, dtype=torch.int64))


@pytest.mark.parametrize("index", [torch.tensor([-1]), torch.tensor([5]), torch.tensor([1.0])])
def test_a_noise_level_that_does_not_exist_is_refused(index: Tensor) -> None:
    with pytest.raises(ValueError, match="condition must be"):
        gbm.NCSNDeeper(1, 8, 5)(torch.zeros(1, 1, 8, 8), index)


def test_the_mlp_fits_a_function_of_its_input_and_its_condition() -> None:
    """sin(2 x_1) + condition x_2 to 3 % of its variance on new points, after 200 steps of Adam.

    A network that does not see the condition (the twin is given zeros) leaves at least the
    variance of condition x_2 given x, var(condition) E[x_2^2] = 0.75 of 1.5.
    """

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
