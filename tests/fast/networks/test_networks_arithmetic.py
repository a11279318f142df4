"""Every network in bfloat16, compiled, and with its channels last, against float32 and float64."""

import copy

import pytest
import torch
from torch import Tensor, nn

import gbm_fast as gbm
from gbm_fast.networks.ncsn import Code
from tests.fast.networks.test_networks import INDICES, NETWORKS, Network, built, every_network
from tests.support.cases import torch_generator

UNIT = 2**-8
"""The greatest relative error of one rounding to bfloat16."""


def many(case: Network) -> tuple[Tensor, Tensor]:
    x = torch.randn(12, *case.event, generator=torch_generator("many", str(case.event)))
    return x, case.conditions.repeat(4)


def shaken(tensor: Tensor, source: torch.Generator) -> Tensor:
    """`tensor` with each number off by a uniform share of one rounding to bfloat16."""
    return tensor * (1 + UNIT * (2 * torch.rand(tensor.shape, generator=source) - 1))


def rounding_model(network: nn.Module, x: Tensor, condition: Tensor) -> Tensor:
    """The output in float32 with an error of bfloat16's size wherever autocast rounds.
    That is at the input, the weights and the output of each convolution and linear layer."""
    source, network = torch_generator("rounding"), copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            for parameter in module.parameters():
                parameter.copy_(shaken(parameter, source))
            module.register_forward_pre_hook(lambda m, inputs: (shaken(inputs[0], source),))
            module.register_forward_hook(lambda m, inputs, output: shaken(output, source))
    return network(x, condition)


@every_network
@torch.no_grad()
def test_bfloat16_rounds_as_often_as_its_convolutions_do_and_no_more(case: Network) -> None:
    """The error's root mean square is at most twice that of `rounding_model` (here 0.7 to 1.0).
    The twin keeps four bits in place of eight (weights through float8) and is five times off."""
    network, (x, condition) = built(case, noise=0.05), many(case)
    exact = network(x, condition)

    def error(output: Tensor) -> float:
        return float((output - exact).square().mean().sqrt())

    budget = 2 * error(rounding_model(network, x, condition))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = network(x, condition)
    assert 0 < error(rounded.float()) < budget
    for parameter in network.parameters():
        parameter.copy_(parameter.to(torch.float8_e4m3fn).float())
    assert error(network(x, condition)) > budget


@pytest.mark.parametrize("name", ["u-net", "ddpm++", "ncsn"])
@torch.no_grad()
def test_channels_last_is_a_matter_of_memory_alone(name: str) -> None:
    """The same numbers up to the order of float64 sums."""
    network, (x, condition) = built(NETWORKS[name], noise=0.05).double(), many(NETWORKS[name])
    x = x.double()
    condition = condition.double() if condition.is_floating_point() else condition
    expected = network(x, condition)
    network.to(memory_format=torch.channels_last)
    found = network(x.to(memory_format=torch.channels_last), condition)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


def test_a_model_lays_its_weights_out_channels_last() -> None:
    """That is enough: the images inside the network then are so too."""
    model = gbm.ScoreModel(built(NETWORKS["u-net"]), gbm.Hyvarinen(), 0.0, 1.0)
    seen = []
    hook = model.network.head[0].register_forward_pre_hook(lambda m, x: seen.append(x[0]))
    model(torch.full((2, 1, 8, 8), 1.3), torch.zeros(2), torch.ones(2))
    hook.remove()
    weight = model.network.head[2].weight
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def test_a_compiled_network_is_one_graph_and_the_same_function() -> None:
    """No break in the graph, and the numbers of the plain network up to the order of sums."""
    case = NETWORKS["ddpm++"]
    network, labels = built(case, noise=0.05), torch.tensor([0, 2, 3])
    expected = network(case.inputs(), case.conditions, labels)
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    found = compiled(case.inputs(), case.conditions, labels)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_the_parts_of_ncsn_deeper_compile() -> None:
    """A stage's first block and a chain of pooling, with gradients; the whole takes 20 s."""
    network = gbm.NCSNDeeper(1, 8, 5, num_classes=2)
    code = Code(INDICES, torch.tensor([0, 1, 2]))
    x = torch.randn(3, 16, 8, 4, generator=torch_generator("parts"))
    for part in (network.stages[4], network.refine[2].pooling):
        parameters = list(part.parameters())
        expected = part(x, code)
        found = torch.compile(part, backend="aot_eager", fullgraph=True)(x, code)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
        losses = (output.square().mean() for output in (expected, found))
        plain, compiled = (torch.autograd.grad(loss, parameters) for loss in losses)
        for ours, theirs in zip(compiled, plain, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
