"""gbm_fast.process against gbm_ref.process: m, v, increments, the forward kernel."""

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.cases import Event, crossed, generator
from tests.support.tables import ALL_PROCESSES
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process

NAMES = list(ALL_PROCESSES)
FRACTIONS = np.array([0.0, 1e-9, 0.013, 0.37, 0.81, 1.0])


def integral_scales(process: ref.Process, t: float) -> tuple[float, float]:
    """What m(t) and v(t) are sums of: the integral of |mu| + sigma^2 / 2, and v(t) itself."""
    v = process.log_var(t)
    times = np.linspace(0.0, t, 21)
    largest = max(abs(process.drift(s)) + process.diffusion(s) ** 2 / 2 for s in times)
    return t * largest + 1e-300, v + 1e-300


@pytest.mark.parametrize("name", NAMES)
def test_schedules_agree(name: str) -> None:
    process, twin = ALL_PROCESSES[name], twin_process(ALL_PROCESSES[name])
    for t in FRACTIONS * process.horizon:
        scale_m, scale_v = integral_scales(process, t)
        assert_twins(twin.log_mean(t), process.log_mean(t), scale_m)
        assert_twins(twin.log_var(t), process.log_var(t), scale_v)
        assert_twins(twin.drift(t), process.drift(t), scale_m / max(t, 1e-300) + 1)
        assert_twins(twin.diffusion(t), process.diffusion(t), process.diffusion(t))


@pytest.mark.parametrize("name", NAMES)
def test_one_time_a_sample_is_the_scalar_result_sample_by_sample(name: str) -> None:
    twin = twin_process(ALL_PROCESSES[name])
    times = tensor(FRACTIONS * twin.horizon)
    for call in (twin.log_mean, twin.log_var, twin.drift, twin.diffusion):
        each = torch.stack([torch.as_tensor(call(t)).expand(()) for t in times])
        torch.testing.assert_close(call(times).expand(len(times)), each, rtol=1e-15, atol=0)


@crossed(fraction=[1e-07, 0.11, 1.0], name=NAMES)
def test_increments_agree_without_cancellation(name: str, fraction: float) -> None:
    process, twin = ALL_PROCESSES[name], twin_process(ALL_PROCESSES[name])
    t, dt = 0.93 * process.horizon, fraction * 0.93 * process.horizon
    (dm, dv), (expected_m, expected_v) = twin.increments(t, dt), process.increments(t, dt)
    largest = max(abs(process.drift(s)) for s in np.linspace(t - dt, t, 21))
    assert_twins(dv, expected_v, expected_v)
    assert_twins(dm, expected_m, dt * largest + expected_v)


def test_a_difference_of_log_variances_is_refused_as_increment() -> None:
    """The planted defect that the test above must see: v(t) - v(t - dt) by subtraction."""
    process = ALL_PROCESSES["variance-exploding"]
    t, dt = 0.93 * process.horizon, 0.93e-7 * process.horizon
    naive = tensor(process.log_var(t) - process.log_var(t - dt))
    exact = process.increments(t, dt)[1]
    assert error_over_scale(naive, exact, exact) > twins.EXACT


def test_increments_across_the_edges_of_intervals_agree() -> None:
    """Tiny steps within an interval and across an edge, and steps over many intervals.
    S = dv + t |sigma_j^2 - sigma_i^2|, i and j the ends: how dv moves when t moves."""
    rng = generator("edges")
    process = ref.PiecewiseGBM(rng.uniform(0.1, 2.0, 200), rng.normal(0, 1, 200), 1.3)
    twin, edges = twin_process(process), 1.3 * np.arange(1, 200) / 200
    for t in np.concatenate([rng.choice(edges, 60) + 1e-9 * rng.uniform(0, 1, 60), edges[::9]]):
        for dt in (2e-9 * rng.uniform(), t * rng.uniform()):
            jump = abs(process.diffusion(t) ** 2 - process.diffusion(t - dt) ** 2)
            (dm, dv), (expected_m, expected_v) = twin.increments(t, dt), process.increments(t, dt)
            assert_twins(dv, expected_v, expected_v + t * jump)
            slopes = [process.drift(s) - process.diffusion(s) ** 2 / 2 for s in (t, t - dt)]
            assert_twins(dm, expected_m, 20 * dt + t * abs(slopes[0] - slopes[1]))


@pytest.mark.parametrize("name", NAMES)
def test_the_times_of_a_noise_level_agree(name: str) -> None:
    process, twin = ALL_PROCESSES[name], twin_process(ALL_PROCESSES[name])
    for v in process.log_var(process.horizon) * np.array([1e-6, 0.3]):
        assert_twins(twin.time_at_log_var(v), process.time_at_log_var(v), process.horizon)
        assert_twins(twin.log_var(twin.time_at_log_var(v)), v, v, 1e-11)


@crossed(name=NAMES, event=[(1,), (2,), (3, 4, 4)], dtype=twins.DTYPES)
def test_the_forward_kernel_agrees(name: str, event: Event, dtype: torch.dtype) -> None:
    """Same x0, t and z; S = |x_t| (1 + |m| + sqrt(v) |z|), one time a sample."""
    process, twin = ALL_PROCESSES[name], twin_process(ALL_PROCESSES[name])
    rng = generator("forward", name, str(event))
    x0, z = rng.uniform(1.0, 2.0, (5, *event)), rng.standard_normal((5, *event))
    times = np.linspace(0.0, process.horizon, 5)
    x_t = twin.sample(tensor(x0, dtype), tensor(times), tensor(z, dtype))
    assert x_t.dtype == dtype
    for i, t in enumerate(times):
        expected = process.sample(x0[i], t, z[i])
        spread = abs(process.log_mean(t)) + np.sqrt(process.log_var(t)) * np.abs(z[i])
        alone = twin.sample(tensor(x0[i : i + 1], dtype), float(t), tensor(z[i : i + 1], dtype))
        for found in (x_t[i], alone[0]):
            assert_twins(found, expected, expected * (1 + spread), twins.TOLERANCE[dtype])


def test_no_drift_rate_means_half_the_squared_diffusion_rate() -> None:
    process = gbm.GBM(sigma=0.65)
    assert process.mu == 0.65**2 / 2
    assert float(process.log_mean(0.7)) == 0.0
    assert float(process.drift(0.7)) == 0.65**2 / 2
