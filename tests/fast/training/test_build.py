"""From settings to objects: the laws of the training times, the device, and compilation."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.runtime.devices import choose_autocast, choose_device
from gbm_fast.settings.training import noise_range
from gbm_fast.training.build import build_model, build_network, build_process, build_weighting
from gbm_fast.training.times import build_times
from tests.support.tiny_runs import tiny_config

LOG_STD = 0.23
PROCESSES = [
    {"process": "variance-exploding", "std_min": 0.013, "std_max": 7.3},
    {"process": "constant", "sigma": 0.65},
]


def law(config: gbm.TrainConfig) -> tuple[gbm.Process, Callable[[Tensor], Tensor]]:
    """The process of `config` and its map from [0, 1) to training times."""
    process = build_process(config)
    return process, build_times(config, process, LOG_STD)


def levels(config: gbm.TrainConfig, r: Tensor) -> Tensor:
    """log sqrt(v) of the training times of `r`."""
    process, times = law(config)
    return process.log_var(times(r)).log() / 2


def whole_range() -> Tensor:
    """Numbers of [0, 1) with both ends: 0, the least and the greatest of float64 among them."""
    ends = torch.tensor([0.0, 2.0**-53, 1 - 2.0**-53], dtype=torch.float64)
    return torch.cat([ends, torch.arange(1, 1000, dtype=torch.float64) / 1000])


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("times", ["uniform", "log-uniform", "log-normal"])
def test_times_stay_in_the_trained_range(process: dict[str, object], times: str) -> None:
    config = tiny_config(times=times, num_steps=37, **process)
    built, sample = law(config)
    drawn = sample(whole_range())
    assert drawn.dtype == torch.float64 and drawn.shape == (1002,)
    assert bool((drawn > 0).all()) and bool((drawn <= built.horizon).all())
    least, greatest = noise_range(config)
    if times == "uniform":
        # k = 1 is the least time of the paper's grid, whatever std_min is.
        least = float(built.log_var(1 / 37)) ** 0.5
    reached = built.log_var(drawn).sqrt()
    assert bool((reached >= least * (1 - 1e-9)).all())
    assert bool((reached <= greatest * (1 + 1e-9)).all())
    # Both ends are approached, and more of [0, 1) means more noise.
    assert float(reached[0]) == pytest.approx(least, rel=1e-9)
    assert float(reached[2]) == pytest.approx(greatest, rel=1e-9)
    assert bool((drawn[2:].sort().values.diff() >= 0).all())
    assert bool((drawn[3:].diff() >= 0).all())


@pytest.mark.parametrize("num_steps", [2, 8, 37, 1000])
def test_uniform_times_are_k_over_n_each_equally_likely(num_steps: int) -> None:
    """All of 16 N evenly spaced numbers of [0, 1): every k of 1..N takes exactly 16 of them."""
    _, times = law(tiny_config(times="uniform", num_steps=num_steps))
    cells = 16 * num_steps
    r = (torch.arange(cells, dtype=torch.float64) + 0.5) / cells
    k = torch.arange(1, num_steps + 1, dtype=torch.float64)
    assert torch.equal(times(r), (k / num_steps).repeat_interleave(16))
    # The twin that the singular k = 0 calls for: rounding to k = 0..N halves the ends' shares.
    twin = (r * num_steps).round().long().bincount(minlength=num_steps + 1)
    assert twin[0] == 8 and twin[-1] == 8


@pytest.mark.parametrize("num_steps", [2, 3, 37, 49, 1000, 4096])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_greatest_number_below_one_is_the_last_time(
    num_steps: int, dtype: torch.dtype
) -> None:
    _, times = law(tiny_config(times="uniform", num_steps=num_steps))
    last = torch.nextafter(torch.ones(1, dtype=dtype), torch.zeros(1, dtype=dtype))
    assert times(last).item() == 1.0
    assert times(torch.zeros(1, dtype=dtype)).item() == 1 / num_steps


@pytest.mark.parametrize("process", PROCESSES)
def test_log_normal_levels_have_the_quantiles_of_a_truncated_normal(
    process: dict[str, object],
) -> None:
    """Median 0.7 log_std and deviation 1.6 in log sqrt(v), cut to the range: SciPy's truncnorm."""
    config = tiny_config(times="log-normal", **process)
    low, high = (math.log(std) for std in noise_range(config))
    centre, deviation = math.log(0.7 * LOG_STD), 1.6
    cut = stats.truncnorm(
        (low - centre) / deviation, (high - centre) / deviation, centre, deviation
    )
    r = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    assert np.allclose(levels(config, r), cut.ppf(r.numpy()), rtol=0, atol=1e-9)
    # The uncut law is told apart.
    uncut = stats.norm(centre, deviation).ppf(r.numpy())
    assert not np.allclose(levels(config, r), uncut, rtol=0, atol=1e-3)


@pytest.mark.parametrize("process", PROCESSES)
def test_log_uniform_levels_are_evenly_spaced(process: dict[str, object]) -> None:
    config = tiny_config(times="log-uniform", **process)
    low, high = (math.log(std) for std in noise_range(config))
    r = torch.linspace(0, 0.99, 100, dtype=torch.float64)
    assert torch.allclose(levels(config, r), low + (high - low) * r, rtol=0, atol=1e-9)


def test_the_process_of_a_configuration() -> None:
    exploding, constant = (build_process(tiny_config(**settings)) for settings in PROCESSES)
    assert exploding == gbm.VarianceExploding(0.013, 7.3)
    assert constant == gbm.GBM(sigma=0.65)
    # The paper's drift, which leaves m = 0.
    assert float(constant.log_mean(0.7)) == 0.0


@pytest.mark.parametrize(
    ("name", "expected"), [("none", 1.0), ("variance", 0.4), ("preconditioned", 0.4 + 0.16 / 0.09)]
)
def test_the_weighting_of_a_configuration(name: str, expected: float) -> None:
    weighting = build_weighting(tiny_config(weighting=name), 0.3)
    weight = weighting(torch.tensor([0.4], dtype=torch.float64))
    assert weight.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("parameterisation", ["stein", "hyvarinen", "noise", "denoiser"])
def test_the_parameterisation_of_a_configuration(parameterisation: str) -> None:
    """A zero output, by the formulas of the module `parameterisation` at x = 1.3, v = 0.4."""
    model = build_model(tiny_config(parameterisation=parameterisation), (1, 8, 8), 0.25, 0.3)
    x, v = torch.full((1, 1, 8, 8), 1.3), torch.tensor([0.4])
    with torch.no_grad():
        found = model(x.log(), torch.tensor([0.1]), v) - 1
    residual = (0.25 - (math.log(1.3) - 0.1)) / (0.4 + 0.3**2)
    zero = {"stein": 0.0, "hyvarinen": 0.0, "noise": -1.0, "denoiser": -1 + residual}
    expected = torch.full_like(x, zero[parameterisation])
    assert torch.allclose(found, expected, rtol=0, atol=1e-6)


def test_unresolved_settings_and_unsuitable_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="not resolved"):
        build_network(gbm.TrainConfig(), (1, 8, 8))
    with pytest.raises(ValueError, match="multiple of its 4 attention heads"):
        build_network(tiny_config(width=9), (1, 8, 8))


@pytest.mark.parametrize("name", ["nonsense", "", "hpu", "cuda:4000"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"device '{name}' cannot be used here"):
        choose_device(name)


def test_the_device_that_is_asked_for_is_taken() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}


def test_precision_by_name_and_by_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    assert choose_autocast("float32", cpu) is None
    assert choose_autocast("bfloat16", cpu) == torch.bfloat16
    for supported, expected in [(True, torch.bfloat16), (False, None)]:
        query = "_is_amx_tile_supported"
        monkeypatch.setattr(torch.cpu, query, lambda answer=supported: answer, raising=False)
        assert choose_autocast("auto", cpu) is expected
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda answer=supported, **_: answer)
        assert choose_autocast("auto", torch.device("cuda")) is expected
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert choose_autocast("auto", cpu) is None


@pytest.mark.slow
def test_the_compiled_model_agrees_with_the_plain_one() -> None:
    """Graph capture with PyTorch's own kernels: what `--compile` does, without a compiler."""
    torch.manual_seed(6)
    model = build_model(tiny_config(multipliers=(1,), patch_size=4), (1, 8, 8), 0.25, 0.3)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    x = torch.rand(3, 1, 8, 8)
    log_mean, log_var = torch.zeros(3), torch.tensor([0.01, 0.5, 20.0])
    plain = model(x, log_mean, log_var)
    (plain_gradient,) = torch.autograd.grad(plain.square().sum(), model.network.stem.weight)
    compiled = torch.compile(model, backend="aot_eager")(x, log_mean, log_var)
    (gradient,) = torch.autograd.grad(compiled.square().sum(), model.network.stem.weight)
    assert torch.allclose(compiled, plain, rtol=1e-5, atol=1e-5)
    assert torch.allclose(gradient, plain_gradient, rtol=1e-4, atol=1e-4)
    assert float(plain.detach().std()) > 0.1 and float(plain_gradient.abs().max()) > 0.1
