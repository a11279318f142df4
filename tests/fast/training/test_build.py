"""From settings to objects: laws of the training times, importance, batches, and the device."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.data.types import Events
from gbm_fast.runtime.devices import choose_autocast, choose_device
from gbm_fast.runtime.random import Stream, first_uniforms, normal_events, permutation
from gbm_fast.settings.training import noise_range
from gbm_fast.training import batches, build, order
from gbm_fast.training.order import batch_indices
from gbm_fast.training.times import ImportanceSampler, build_importance, build_times
from tests.support.fixtures import Patch
from tests.support.tiny_runs import tiny_config

LOG_STD, GRID = 0.23, 200_000
PROCESSES = [
    {"process": "variance-exploding", "std_min": 0.013, "std_max": 7.3},
    {"process": "constant", "sigma": 0.65},
]


def levels(r: Tensor, **settings: object) -> tuple[Tensor, float, float]:
    """log sqrt(v) of the training times of `r`, and the least and the greatest of them."""
    config, process, times = built(**settings)
    low, high = (math.log(std) for std in noise_range(config))
    return process.log_var(times(r)).log() / 2, low, high


def whole_range() -> Tensor:
    """Numbers of [0, 1) with both ends: 0, the least and the greatest of float64 among them."""
    ends = torch.tensor([0.0, 2.0**-53, 1 - 2.0**-53], dtype=torch.float64)
    return torch.cat([ends, torch.arange(1, 1000, dtype=torch.float64) / 1000])


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("times", ["uniform", "log-uniform", "log-normal"])
def test_times_stay_in_the_trained_range(process: dict[str, object], times: str) -> None:
    config, law, sample = built(times=times, num_steps=37, **process)
    drawn = sample(whole_range())
    assert drawn.dtype == torch.float64 and drawn.shape == (1002,)
    assert bool((drawn > 0).all()) and bool((drawn <= law.horizon).all())
    least, greatest = noise_range(config)
    if times == "uniform":
        # k = 1 is the least time of the paper's grid, whatever std_min is.
        least = float(law.log_var(1 / 37)) ** 0.5
    reached = law.log_var(drawn).sqrt()
    assert bool((reached >= least * (1 - 1e-9)).all())
    assert bool((reached <= greatest * (1 + 1e-9)).all())
    # Both ends are approached, and more of [0, 1) means more noise.
    assert reached[[0, 2]].tolist() == pytest.approx([least, greatest], rel=1e-9)
    assert bool((drawn[2:].sort().values.diff() >= 0).all())
    assert bool((drawn[3:].diff() >= 0).all())


@pytest.mark.parametrize("num_steps", [2, 8, 37, 1000])
def test_uniform_times_are_k_over_n_each_equally_likely(num_steps: int) -> None:
    """All of 16 N evenly spaced numbers of [0, 1): every k of 1..N takes exactly 16 of them."""
    _, _, times = built(times="uniform", num_steps=num_steps)
    r = midpoints(16 * num_steps)
    k = torch.arange(1, num_steps + 1, dtype=torch.float64)
    assert torch.equal(times(r), (k / num_steps).repeat_interleave(16))
    # The twin that the singular k = 0 calls for: rounding to k = 0..N halves the ends' shares.
    twin = (r * num_steps).round().long().bincount(minlength=num_steps + 1)
    assert twin[0] == 8 and twin[-1] == 8


@pytest.mark.parametrize("num_steps", [2, 3, 37, 49, 1000, 4096])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_greatest_number_below_1_is_the_last_time(num_steps: int, dtype: torch.dtype) -> None:
    _, _, times = built(times="uniform", num_steps=num_steps)
    last = torch.nextafter(torch.ones(1, dtype=dtype), torch.zeros(1, dtype=dtype))
    assert times(last).item() == 1.0
    assert times(torch.zeros(1, dtype=dtype)).item() == 1 / num_steps


@pytest.mark.parametrize("process", PROCESSES)
def test_log_normal_levels_have_quantiles_of_a_cut_normal(process: dict[str, object]) -> None:
    """Median 0.7 log_std and deviation 1.6 in log sqrt(v), cut to the range: SciPy's truncnorm."""
    r = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    found, low, high = levels(r, times="log-normal", **process)
    centre, deviation = math.log(0.7 * LOG_STD), 1.6
    ends = (low - centre) / deviation, (high - centre) / deviation
    cut, uncut = stats.truncnorm(*ends, centre, deviation), stats.norm(centre, deviation)
    assert np.allclose(found, cut.ppf(r.numpy()), rtol=0, atol=1e-9)
    # The uncut law is told apart.
    assert not np.allclose(found, uncut.ppf(r.numpy()), rtol=0, atol=1e-3)


@pytest.mark.parametrize("process", PROCESSES)
def test_log_uniform_levels_are_evenly_spaced(process: dict[str, object]) -> None:
    r = torch.linspace(0, 0.99, 100, dtype=torch.float64)
    found, low, high = levels(r, times="log-uniform", **process)
    assert torch.allclose(found, low + (high - low) * r, rtol=0, atol=1e-9)


def test_the_process_of_a_configuration() -> None:
    exploding, constant = (build.build_process(tiny_config(**settings)) for settings in PROCESSES)
    assert (exploding, constant) == (gbm.VarianceExploding(0.013, 7.3), gbm.GBM(sigma=0.65))
    # The paper's drift, which leaves m = 0.
    assert float(constant.log_mean(0.7)) == 0.0


WEIGHTS = {"none": 1.0, "variance": 0.4, "preconditioned": 0.4 + 0.16 / 0.09}


@pytest.mark.parametrize(("name", "expected"), WEIGHTS.items())
def test_the_weighting_of_a_configuration(name: str, expected: float) -> None:
    weighting = build.build_weighting(tiny_config(weighting=name), 0.3)
    weight = weighting(torch.tensor([0.4], dtype=torch.float64))
    assert weight.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("parameterisation", ["stein", "hyvarinen", "noise", "denoiser"])
def test_the_parameterisation_of_a_configuration(parameterisation: str) -> None:
    """A zero output, by the formulas of the module `parameterisation` at x = 1.3, v = 0.4."""
    model = build.build_model(tiny_config(parameterisation=parameterisation), (1, 8, 8), 0.25, 0.3)
    x, v = torch.full((1, 1, 8, 8), 1.3), torch.tensor([0.4])
    with torch.no_grad():
        found = model(x.log(), torch.tensor([0.1]), v) - 1
    residual = (0.25 - (math.log(1.3) - 0.1)) / (0.4 + 0.3**2)
    zero = {"stein": 0.0, "hyvarinen": 0.0, "noise": -1.0, "denoiser": -1 + residual}
    assert torch.allclose(found, torch.tensor(zero[parameterisation]), rtol=0, atol=1e-6)


def test_unresolved_settings_and_unsuitable_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="not resolved"):
        build.build_network(gbm.TrainConfig(), (1, 8, 8))
    with pytest.raises(ValueError, match="multiple of its 4 attention heads"):
        build.build_network(tiny_config(width=9), (1, 8, 8))


@pytest.mark.parametrize("name", ["nonsense", "", "hpu", "cuda:4000"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"device '{name}' cannot be used here"):
        choose_device(name)


def test_the_device_that_is_asked_for_is_taken() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}


def test_precision_by_name_and_by_hardware(monkeypatch: Patch) -> None:
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
    model = build.build_model(tiny_config(multipliers=(1,), patch_size=4), (1, 8, 8), 0.25, 0.3)
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


CASES = [
    {"times": "uniform", "weighting": "none", "process": "constant", "num_steps": 40},
    {"times": "log-uniform", "weighting": "none", "process": "variance-exploding"},
    {"times": "log-normal", "weighting": "variance", "process": "variance-exploding"},
]


def midpoints(count: int) -> Tensor:
    """Evenly spaced numbers of [0, 1): the mean of a function over them is its integral."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) / count


@pytest.mark.parametrize("case", CASES)
def test_the_weighted_expectation_is_the_plain_one(case: dict[str, object]) -> None:
    """For functions of v that know nothing of the sampler's; without the weights it is not so."""
    config, process, times = built(importance=True, **case)
    sampler = build_importance(config, process, LOG_STD)
    assert sampler is not None
    uniform = midpoints(GRID)
    r, weights = sampler(uniform)
    assert bool((r >= 0).all()) and bool((r < 1).all()) and float(weights.max()) <= 10
    assert float(weights.mean()) == pytest.approx(1, rel=1e-6)
    for function in (torch.log, lambda v: 1 / (v + 0.01), lambda v: v):
        plain = function(process.log_var(times(uniform))).mean()
        values = function(process.log_var(times(r)))
        assert float((weights * values).mean()) == pytest.approx(float(plain), rel=2e-3)
        assert float(values.mean()) != pytest.approx(float(plain), rel=2e-2)


@pytest.mark.parametrize("case", CASES)
def test_the_variance_of_the_expected_loss_falls(case: dict[str, object]) -> None:
    """The loss of the best linear denoiser, lambda s^2 / (v (v + s^2)), at the two kinds of times.
    The least possible second moment is the square of the mean; a tenth of even draws adds to
    it."""
    config, process, times = built(importance=True, **case)
    weighting = build.build_weighting(config, LOG_STD)
    sampler = build_importance(config, process, LOG_STD)
    assert sampler is not None

    def loss(r: Tensor) -> Tensor:
        v = process.log_var(times(r))
        return weighting(v) * LOG_STD**2 / (v * (v + LOG_STD**2))

    uniform = midpoints(GRID)
    r, weights = sampler(uniform)
    mean = float(loss(uniform).mean())
    before = float(loss(uniform).square().mean()) - mean**2
    after = float((weights * loss(r)).square().mean()) - mean**2
    assert after < 0.15 * before


def test_times_of_the_grid_are_drawn_in_proportion_to_their_loss() -> None:
    """Each cell has one k, so its share can be counted: nine tenths of 1/k, a tenth even."""
    k = torch.arange(1, 6, dtype=torch.float64)
    sampler = ImportanceSampler(1 / k)
    r, weights = sampler(midpoints(100_000))
    found = (r * 5).floor().long().bincount(minlength=5).double() / 100_000
    expected = 0.9 * (1 / k) / (1 / k).sum() + 0.1 / 5
    assert torch.allclose(found, expected, atol=2e-5)
    assert torch.allclose(weights.unique().sort().values, (1 / (5 * expected)).sort().values)


def test_every_image_is_seen_once_an_epoch_in_another_order_each_time() -> None:
    seed, batch, images = 31, 8, 28  # the batch does not divide the epoch
    rows = torch.cat([batch_indices(seed, step, batch, images) for step in range(7)])
    for epoch in rows.reshape(2, images):
        assert torch.equal(epoch.sort().values, torch.arange(images))
    assert not torch.equal(*rows.reshape(2, images))
    assert not torch.equal(rows[:images], torch.arange(images))
    # A function of (seed, step) alone, asked for in any order, whatever torch's own generator did.
    torch.manual_seed(1)
    assert torch.equal(batch_indices(seed, 5, batch, images), rows[40:48])
    assert not torch.equal(batch_indices(seed + 1, 5, batch, images), rows[40:48])


def test_the_order_of_an_epoch_is_drawn_once(monkeypatch: Patch) -> None:
    """Not at every step: of 60,000 images that would cost more than the images of a batch."""
    drawn = []

    def count(seed: int, stream: Stream, index: int, n: int) -> Tensor:
        drawn.append(n)
        return permutation(seed, stream, index, n)

    monkeypatch.setattr(order, "permutation", count)
    # Nine steps of 5 images each: epochs of 15 images, then of 12, which 5 crosses.
    for images, expected in ((15, [15] * 3), (12, [15] * 3 + [12] * 4)):
        for step in range(9):
            batch_indices(77, step, 5, images)
        assert drawn == expected


def test_a_batch_is_drawn_by_its_items(monkeypatch: Patch) -> None:
    """Times and noise of a step by hand; a process draws the noise of its own items alone."""
    config, process, times = built(
        times="log-uniform", weighting="none", importance=True, batch_size=9, seed=13
    )
    importance = build_importance(config, process, LOG_STD)
    data = batches.TrainingData(config, Pictures(), process)
    r, weights = importance(first_uniforms(13, Stream.TIMES, 4, 9))
    z = normal_events(13, Stream.NOISE, [4], range(9), (1, 2, 3))[0]
    asked = []

    def noted(*arguments: object) -> Tensor:
        asked.append(arguments[3])
        return normal_events(*arguments)

    monkeypatch.setattr(batches, "normal_events", noted)
    shares = [range(9), range(4), range(4, 9)]
    for items in shares:
        batch = data.draw(4, items)
        rows = slice(items.start, items.stop)
        assert torch.equal(batch.z, z[rows]) and torch.equal(batch.x0, data.draw(4, items).x0)
        assert torch.equal(batch.t, times(r)[rows]) and torch.equal(batch.weights, weights[rows])
    assert asked == [items for items in shares for _ in range(2)]
    assert not torch.equal(data.draw(5, range(9)).z, z)


def test_a_batch_larger_than_the_data_set_takes_whole_epochs() -> None:
    assert batch_indices(2, 1, 20, 5).bincount().tolist() == [4] * 5


class Pictures(batches.Batches):
    """Events of the shape (1, 2, 3), all ones."""

    event_shape, log_mean, log_std, max_value, num_classes = (1, 2, 3), 0.0, LOG_STD, None, 0
    statistics = None

    def draw(self, seed: int, step: int, batch_size: int, items: range) -> Events:
        return Events(torch.ones(len(items), 1, 2, 3), None)

    def describe(self, seed: int, step: int, batch_size: int, item: int) -> str:
        return "ones"


def built(**settings: object) -> tuple[gbm.TrainConfig, gbm.Process, Callable[[Tensor], Tensor]]:
    """Settings, their process, and their map from [0, 1) to training times."""
    config = tiny_config(**settings)
    process = build.build_process(config)
    return config, process, build_times(config, process, LOG_STD)
