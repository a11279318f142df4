"""From a network's output to the Hyvarinen score: exact outputs in, exact scores out, by Gaussian
conditioning. With log X_0 ~ N(a, C), u = log x - m and K = (C + v I)^-1,
D = E[log X_0 | x] = a + C K (u - a) and E[z | x] = sqrt(v) K (u - a)."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import gbm_fast as gbm
from gbm_fast.parameterisation import Coefficients
from gbm_fast.process import Time
from tests.support import twins
from tests.support.cases import crossed, generator, torch_generator
from tests.support.problems import LOG_NORMALS, PROCESSES, states
from tests.support.stub_runs import Preset
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

A, S = 0.27, 0.34
HEADS: dict[str, gbm.Parameterisation] = {
    "stein": gbm.Stein(),
    "hyvarinen": gbm.Hyvarinen(),
    "noise": gbm.Noise(),
    "denoiser": gbm.Denoiser(A, S),
}


def model_of(network: nn.Module, head: str = "denoiser", *autocast: object) -> gbm.ScoreModel:
    return gbm.ScoreModel(network, HEADS[head], A, S, *autocast)


class Wavy(nn.Module):
    """A network with a response to both arguments that no score has."""

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return torch.sin(3 * x + 0.7) + 0.4 * condition[:, None] * x


class Exact(NamedTuple):
    """What each head's network should put out at the states (n, d), and the scale of rounding."""

    outputs: dict[str, Tensor]
    scale: Tensor


def exact_outputs(name: str, x: Tensor, m: float, v: float) -> Exact:
    """By Gaussian conditioning; the denoiser's F solves D's line of the module's docstring,
    (D - a)(v + s^2) - s^2 (u - a) = v (u - a) - v (v + s^2) K (u - a), exact at small v."""
    law = LOG_NORMALS[name]
    mean, cov = tensor(law.log_mean), tensor(law.log_cov)
    inverse = torch.linalg.inv(cov + v * torch.eye(law.d, dtype=torch.float64))
    u = x.log() - m
    pull = (u - mean) @ inverse
    total = v + S**2
    assert torch.allclose(mean + pull @ cov, u - v * pull, rtol=0, atol=1e-12)
    outputs = {
        "stein": -(1 + pull) * (-u).exp(),
        "hyvarinen": -1 - pull,
        "noise": v**0.5 * pull,
        "denoiser": v * (u - A - total * pull) / (v * total) ** 0.5 / S,
    }
    reach = 1 + u.abs() + mean.norm() + abs(A) + abs(m)
    condition = float(torch.linalg.cond(inverse))
    steepest = torch.linalg.norm(inverse, 2) + 1 / total
    return Exact(outputs, 1 + condition * steepest * reach.sum(-1, keepdim=True))


ANOTHER = {"stein": "hyvarinen", "hyvarinen": "noise", "noise": "denoiser", "denoiser": "noise"}


@crossed(name=LOG_NORMALS, process_name=PROCESSES)
def test_the_exact_output_gives_the_exact_score(name: str, process_name: str) -> None:
    """Every head, from small to large noise; another head's output is rejected."""
    process = twin_process(PROCESSES[process_name])
    law = twin_target(LOG_NORMALS[name])
    for share in (1e-3, 0.3, 1.0):
        t, x = share * process.horizon, tensor(states(law.d))
        m, v = float(process.log_mean(t)), float(process.log_var(t))
        exact, expected = exact_outputs(name, x, m, v), gbm.exact_score(law, process)(x, t).numpy()
        for head in HEADS:
            found, wrong = (
                gbm.score_function(model_of(Preset(exact.outputs[k]), head), process)(x, t)
                for k in (head, ANOTHER[head])
            )
            assert_twins(found, expected, exact.scale.numpy())
            assert error_over_scale(wrong, expected, exact.scale.numpy()) > 1e-4


# v(t) = 0.21 is reached by all three; m is 0 for the last two only.
V = 0.21
SHARED: dict[str, gbm.Process] = {
    "drifting": gbm.GBM(mu=0.9, sigma=0.7, horizon=0.8),
    "paper": gbm.GBM(sigma=0.6),
    "exploding": gbm.VarianceExploding(std_min=0.02, std_max=3.0, horizon=1.1),
}


def score_at(process: gbm.Process, head: str, u: Tensor) -> Tensor:
    """h at the state of `process` that has this u and v = 0.21."""
    t = process.time_at_log_var(V)
    return gbm.score_function(model_of(Wavy(), head), process)((u + process.log_mean(t)).exp(), t)


@crossed(head=HEADS, name=["drifting", "exploding"])
def test_one_network_serves_every_process(head: str, name: str) -> None:
    """h depends on (u, v) alone. A head that reads x, which is not e^u where m != 0, fails here.
    Scale: a few roundings of 1 + |u| + |m|, times slope 3 / sqrt(v + S^2) and 1 / sqrt(v), e^u."""
    u = tensor(generator("u", head).uniform(-1.4, 1.8, (7, 3)))
    assert float(SHARED["drifting"].log_mean(SHARED["drifting"].time_at_log_var(V))) > 0.2
    reference = score_at(SHARED["paper"], head, u)
    scale = 10 * (1 + u.abs()).numpy() * (1 + u.exp().numpy()) / (V + S**2)
    assert_twins(score_at(SHARED[name], head, u), reference.numpy(), scale)


def test_the_network_sees_standardised_inputs_and_a_quarter_of_log_v() -> None:
    seen = []

    class Recorder(nn.Module):
        def forward(self, x: Tensor, condition: Tensor) -> Tensor:
            seen.append((x, condition))
            return torch.zeros_like(x)

    process, t = gbm.GBM(mu=0.9, sigma=0.7), tensor([0.2, 0.8])
    u, v = tensor(generator("inputs").uniform(-1, 1, (2, 1, 3, 3))), 0.49 * t
    x = (u + (0.9 - 0.245) * t[:, None, None, None]).exp()
    gbm.score_function(model_of(Recorder(), "hyvarinen"), process)(x, t)
    ((inputs, condition),) = seen
    assert_twins(inputs, ((u - A) / (v + S**2).sqrt()[:, None, None, None]).numpy(), 10.0)
    assert_twins(condition, (v.log() / 4).numpy(), 1.0)


class Counted(gbm.GBM):
    """Counts how often m is asked for."""

    asked = 0

    def log_mean(self, t: Time) -> Tensor:
        Counted.asked += 1
        return super().log_mean(t)


class Wrapper(nn.Module):
    """As `DistributedDataParallel` wraps a model: it can be called, and no more."""

    def __init__(self, model: gbm.ScoreModel) -> None:
        super().__init__()
        self.module = model

    def forward(self, *arguments: Tensor) -> Tensor:
        return self.module(*arguments)


@pytest.mark.parametrize("step", [gbm.DaleLangevin(), gbm.ProbabilityFlow()], ids=["one", "two"])
@pytest.mark.parametrize("head", HEADS)
def test_a_sampler_asks_for_the_levels_of_all_its_rows_at_once(head: str, step: gbm.Step) -> None:
    """In one call, with the result of asking row by row. The step with two readings a row asks for
    both; levels of a power of 0.6 have ends that are not the next row's start to the last bit."""
    process, model = Counted(mu=0.9, sigma=0.7), model_of(Wavy(), head)
    times = [0.6**k for k in range(11)]
    grid = tuple(gbm.Row(t, t - s, 1.0) for t, s in itertools.pairwise([*times, 0.0]))
    source = torch_generator("rows", head)
    x_T = torch.rand(4, 3, generator=source, dtype=torch.float64) + 0.5
    z = torch.randn(11, 4, 3, generator=source, dtype=torch.float64)
    Counted.asked = 0
    found = gbm.simulate(step, process, gbm.score_function(model, process), x_T, grid, z)
    assert Counted.asked == 1
    wrapped = gbm.score_function(Wrapper(model), process)
    row_by_row = gbm.simulate(step, process, wrapped, x_T, grid, z)
    assert Counted.asked > 10
    assert_twins(found.log(), row_by_row.log().numpy(), 100.0 + row_by_row.log().abs().numpy())


def zero_output_loss(v: float, weighting: gbm.Weighting) -> float:
    """E of the M-DSM loss a pixel on log-normal data of moments A, S, by Gauss-Hermite, exactly.
    The integrand is a polynomial of degree 2 in two normal variables: two nodes each suffice."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    first, z = (tensor(part.reshape(-1, 1)) for part in np.meshgrid(nodes, nodes))
    joint = tensor(np.outer(weights, weights).ravel() / weights.sum() ** 2)
    process = gbm.VarianceExploding(std_min=0.005, std_max=10.0)
    score = gbm.score_function(model_of(Preset(torch.zeros_like(z))), process)
    t = float(process.time_at_log_var(v))
    found = gbm.m_dsm(score, torch.exp(A + S * first), t, z, process, weighting)
    return float((joint * found.per_sample).sum())


@pytest.mark.parametrize("std", [0.005, 0.05, 0.34, 2.1, 10.0])
def test_the_preconditioned_loss_of_a_zero_network_is_one_half_at_every_level(std: float) -> None:
    """F's target has unit variance: lambda / 2 (1 / v - 1 / (v + S^2)) = 1/2 with the EDM weight.
    The twin lambda = v forgets v / S^2. u and m are known to 1e-16 (1 + |log x|) / sqrt(v)."""
    v, rounding = std**2, 1e-14 * (1 + std) / std
    found = zero_output_loss(v, gbm.PreconditionedWeighting(S))
    assert found == pytest.approx(0.5, abs=rounding, rel=0)
    twin = zero_output_loss(v, gbm.variance_weighting)
    assert twin == pytest.approx(0.5 * S**2 / (v + S**2), abs=rounding, rel=0)
    assert abs(twin - 0.5) > 1e-4


class Subtracting(gbm.Parameterisation):
    """The planted twin: (D - u) / v by the difference of two nearly equal numbers."""

    def __call__(self, output: Tensor, u: Tensor, coefficients: Coefficients) -> Tensor:
        (v,) = coefficients
        total = v + S**2
        return (A + (S**2 * (u - A) + v.sqrt() * S * total.sqrt() * output) / total - u) / v


def test_float32_keeps_its_digits_at_the_smallest_noise() -> None:
    """sqrt(v) = 0.005: the error is at most 8 roundings of what the formula adds up."""
    y = tensor(generator("small v").uniform(1.0, 2.0, (400, 1)), torch.float32).log()
    output = tensor(generator("output").normal(0.1, 0.9, (400, 1)), torch.float32)
    v, total = 0.005**2, 0.005**2 + S**2
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

    assert error(gbm.Denoiser(A, S)) <= twins.SINGLE
    assert error(Subtracting()) > 3 * twins.SINGLE


def small_unet() -> gbm.UNet:
    torch.manual_seed(17)
    network = gbm.UNet(1, width=8).requires_grad_(False)
    network.head[-1].weight.normal_(0.0, 0.3)
    return network


def test_autocast_keeps_the_state_and_the_score_in_float32() -> None:
    """bfloat16 reaches the convolutions alone: the scores differ by the difference of the outputs
    (a relative 2^-8 a layer, here below 5 %) times the head's factor."""
    network, hidden = small_unet(), []
    network.stem.register_forward_hook(lambda module, inputs, output: hidden.append(output.dtype))
    x = (torch.rand(3, 1, 8, 8, generator=torch_generator("autocast")) + 1).log()
    m, v = torch.zeros(3), torch.tensor([2.5e-5, 0.1, 20.0])
    types = (None, torch.bfloat16)
    plain, mixed = (model_of(network, "denoiser", dtype)(x, m, v) for dtype in types)
    assert hidden == [torch.float32, torch.bfloat16]
    assert plain.dtype == mixed.dtype == torch.float32
    gap = ((mixed - plain).abs() / (S / (v * (v + S**2)).sqrt())[:, None, None, None]).max()
    assert 0 < float(gap) < 0.05 * float(network(x, v.log() / 4).abs().max())
    blank = gbm.UNet(1, width=8).requires_grad_(False)
    single, half = (model_of(blank, "denoiser", dtype)(x, m, v) for dtype in types)
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
    score = gbm.score_function(model_of(Sine()), gbm.GBM(mu=0.9))

    def at(y: Tensor) -> Tensor:
        return score.at_log(y, 0.5)

    value, plain = at(y), torch.func.jvp(at, (y,), (direction,))
    with frozen():
        assert torch.equal(at(y), value) and torch.equal(y, kept)
        again = torch.func.jvp(at, (y,), (direction,))
    assert all(map(torch.equal, again, plain))
