"""What every network promises: zeros at first, samples apart, classes, every weight in use."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from gbm_fast.networks import MLP, UNet
from tests.fast.cases import torch_generator

CLASSES = 3
# log(v) / 4 at sqrt(v) = 0.005, 0.4 and 10: the range of the default process.
LEVELS = torch.tensor([-2.65, -0.46, 1.15])


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
    "mlp": Network(lambda classes: MLP(5, 16, 2, classes), (5,)),
    "mlp-grid": Network(lambda classes: MLP(6, 16, 1, classes), (2, 3)),
    "u-net": Network(lambda classes: UNet(1, 8, num_classes=classes), (1, 8, 6)),
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
    network, x = built(case), case.inputs()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "table" not in name:
                parameter.add_(0.05)
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
        (torch.tensor([0, 1]), "labels must be int64 of shape"),
        (torch.tensor([0.0, 1.0, 2.0]), "labels must be int64 of shape"),
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
        MLP(5)(torch.zeros(3, 4), LEVELS)
    for arguments in ((0, 8, 1), (5, 0, 1), (5, 8, 0)):
        with pytest.raises(ValueError, match="1 or more"):
            MLP(*arguments)


def test_the_mlp_fits_a_function_of_its_input_and_its_condition() -> None:
    """sin(2 x_1) + condition x_2 to 2 % of its variance in 300 steps of Adam.

    Without the modulation (the twin) the condition is not seen and the second term remains.
    """
    source, x = torch_generator("fit"), torch.randn(256, 2, generator=torch_generator("fit"))
    condition = torch.rand(256, generator=source) * 3 - 2
    wanted = torch.sin(2 * x[:, :1]) + condition[:, None] * x[:, 1:]

    def unexplained(seen: Tensor) -> float:
        torch.manual_seed(1)
        network = MLP(2, 32, 2)
        optimiser = torch.optim.Adam(network.parameters(), 5e-3)
        for _ in range(300):
            loss = (network(x, seen)[:, :1] - wanted).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return float(loss.detach() / wanted.var())

    assert unexplained(condition) < 0.02
    assert unexplained(torch.zeros(256)) > 0.1
