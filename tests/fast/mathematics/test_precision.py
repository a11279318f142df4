"""The network in float32 and bfloat16: what is rounded, and by how much."""

import pytest
import torch
from torch import Tensor, nn

import gbm_fast as gbm
from gbm_fast.parameterisation import Coefficients
from tests.support.cases import generator, torch_generator
from tests.support.stub_runs import Preset
from tests.support.twins import SINGLE, error_over_scale, tensor

A, S = 0.27, 0.34


class Subtracting(gbm.Parameterisation):
    """The planted twin: (D - u) / v by the difference of two nearly equal numbers."""

    def __call__(self, output: Tensor, u: Tensor, coefficients: Coefficients) -> Tensor:
        (v,) = coefficients
        total = v + S**2
        denoised = A + (S**2 * (u - A) + v.sqrt() * S * total.sqrt() * output) / total
        return (denoised - u) / v


def test_float32_keeps_its_digits_at_the_smallest_noise() -> None:
    """sqrt(v) = 0.005: the error is at most 8 roundings of what the formula adds up."""
    u_like = generator("small v").uniform(1.0, 2.0, (400, 1))
    y = tensor(u_like, torch.float32).log()
    output = tensor(generator("output").normal(0.1, 0.9, (400, 1)), torch.float32)
    v = 0.005**2
    total = v + S**2
    scale = 1 + (A + y.double().abs()) / total + S * output.double().abs() / (v * total) ** 0.5

    def error(head: gbm.Parameterisation) -> float:
        single, double = (
            gbm.ScoreModel(Preset(output.to(dtype)), exact_head, A, S)(
                y.to(dtype), torch.zeros(400, dtype=dtype), torch.full((400,), v, dtype=dtype)
            )
            for dtype, exact_head in ((torch.float32, head), (torch.float64, gbm.Denoiser(A, S)))
        )
        assert single.dtype == torch.float32
        return error_over_scale(single, double.numpy(), scale.numpy())

    assert error(gbm.Denoiser(A, S)) <= SINGLE
    assert error(Subtracting()) > 3 * SINGLE


def small_unet() -> gbm.UNet:
    """A U-Net whose last layer is not zero."""
    torch.manual_seed(17)
    network = gbm.UNet(1, width=8).requires_grad_(False)
    network.head[-1].weight.normal_(0.0, 0.3)
    return network


def test_autocast_keeps_the_state_and_the_score_in_float32() -> None:
    """bfloat16 reaches the convolutions and nothing else.

    Only the network's output changes, so the difference of the scores is that of the outputs
    (a relative 2^-8 a layer, here below 5 %) times the head's factor.
    """
    network, hidden = small_unet(), []
    network.stem.register_forward_hook(lambda module, inputs, output: hidden.append(output.dtype))
    x = (torch.rand(3, 1, 8, 8, generator=torch_generator("autocast")) + 1).log()
    m, v = torch.zeros(3), torch.tensor([2.5e-5, 0.1, 20.0])
    plain, mixed = (
        gbm.ScoreModel(network, gbm.Denoiser(A, S), A, S, dtype)(x, m, v)
        for dtype in (None, torch.bfloat16)
    )
    assert hidden == [torch.float32, torch.bfloat16]
    assert plain.dtype == mixed.dtype == torch.float32
    factor = (S / (v * (v + S**2)).sqrt())[:, None, None, None]
    gap = ((mixed - plain).abs() / factor).max()
    assert 0 < float(gap) < 0.05 * float(network(x, v.log() / 4).abs().max())
    blank = gbm.UNet(1, width=8).requires_grad_(False)
    single, half = (
        gbm.ScoreModel(blank, gbm.Denoiser(A, S), A, S, dtype)(x, m, v)
        for dtype in (None, torch.bfloat16)
    )
    assert torch.equal(single, half)


class Sine(nn.Module):
    """A network that is not linear, and keeps none of its arguments."""

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return (3 * x).sin()


# torch.func.jvp loads decompositions that are scripted, which PyTorch itself has deprecated.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
@pytest.mark.parametrize("frozen", [torch.no_grad, torch.inference_mode])
def test_memory_that_is_used_again_changes_neither_values_nor_derivatives(frozen: type) -> None:
    """Without gradients products overwrite temporaries: not the state, nor under a transform."""
    source = torch_generator("memory")
    y, direction = (torch.randn(3, 1, 8, 8, generator=source) for _ in range(2))
    kept = y.clone()
    score = gbm.score_function(gbm.ScoreModel(Sine(), gbm.Denoiser(A, S), A, S), gbm.GBM(mu=0.9))

    def at(y: Tensor) -> Tensor:
        return score.at_log(y, 0.5)

    value, plain = at(y), torch.func.jvp(at, (y,), (direction,))
    with frozen():
        assert torch.equal(at(y), value) and torch.equal(y, kept)
        again = torch.func.jvp(at, (y,), (direction,))
    assert all(map(torch.equal, again, plain))
