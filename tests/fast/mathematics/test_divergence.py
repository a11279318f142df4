"""KL between Gaussian laws of log X, and flips: gbm_fast against gbm_ref and torch."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal
from torch.distributions import kl_divergence as torch_kl

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.cases import Array, generator
from tests.support.problems import LOG_NORMALS, PROCESSES
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target


def laws(d: int) -> tuple[ref.Gaussian, ref.Gaussian]:
    """Two Gaussian laws that float32 holds."""
    rng = generator("kl", str(d))
    made = []
    for _ in range(2):
        root = rng.normal(size=(d, d))
        cov = twins.single(root @ root.T / d + 0.4 * np.eye(d))
        made.append(ref.Gaussian(twins.single(rng.normal(size=d)), (cov + cov.T) / 2))
    return made[0], made[1]


def twin(law: ref.Gaussian, dtype: torch.dtype = torch.float64) -> gbm.Gaussian:
    return gbm.Gaussian(tensor(law.mean, dtype), tensor(law.cov, dtype))


def kl_scale(p: ref.Gaussian, q: ref.Gaussian) -> float:
    """Ratios and squared shifts in the metric of q, times its condition, twice for two solves."""
    d, inverse = p.mean.size, np.linalg.inv(q.cov)
    shift = p.mean - q.mean
    size = np.abs(p.mean).sum() + np.abs(q.mean).sum()
    terms = np.trace(inverse @ p.cov) + d + np.linalg.norm(inverse @ shift) * size
    return float(2 * np.linalg.cond(q.cov) * np.linalg.cond(p.cov) * terms)


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_divergences_agree(d: int, dtype: torch.dtype) -> None:
    p, q = laws(d)
    expected = ref.kl_divergence(p, q)
    found = gbm.kl_divergence(twin(p, dtype), twin(q, dtype))
    assert found.dtype == dtype
    assert_twins(found, np.float64(expected), kl_scale(p, q))
    reverse = gbm.kl_divergence(twin(q), twin(p))
    assert error_over_scale(reverse, np.float64(expected), kl_scale(p, q)) > 1e6 * twins.EXACT
    theirs = torch_kl(MultivariateNormal(*twin(p)), MultivariateNormal(*twin(q)))
    assert_twins(theirs, np.float64(expected), kl_scale(p, q))


def test_nearly_equal_laws_keep_their_digits_where_torch_loses_them() -> None:
    """Covariances that differ by 1e-7: a divergence of 1e-14, right to 1e-6 of itself."""
    p, q = laws(5)
    near = ref.Gaussian(q.mean, q.cov * (1 + 1e-7) + 1e-8 * p.cov)
    expected = ref.kl_divergence(near, q)
    assert 1e-15 < expected < 1e-13
    found = float(gbm.kl_divergence(twin(near), twin(q)))
    assert abs(found / expected - 1) < 1e-6
    theirs = float(torch_kl(MultivariateNormal(*twin(near)), MultivariateNormal(*twin(q))))
    assert abs(theirs / expected - 1) > 1e-3


def test_a_batch_of_laws_is_each_law_and_singular_ones_are_infinite() -> None:
    p, q = laws(2)
    stacked = gbm.Gaussian(
        torch.stack([tensor(p.mean), tensor(q.mean)]),
        torch.stack([tensor(p.cov), tensor(np.diag([0.3, 0.0]))]),
    )
    found = gbm.kl_divergence(stacked, twin(q))
    assert_twins(found[0], gbm.kl_divergence(twin(p), twin(q)).numpy(), kl_scale(p, q))
    assert found[1] == math.inf
    with pytest.raises(ValueError, match="q must be positive definite"):
        gbm.kl_divergence(twin(q), stacked)
    with pytest.raises(ValueError, match="must be symmetric"):
        gbm.kl_divergence(twin(p), gbm.Gaussian(tensor(q.mean), tensor([[1, 0.5], [0, 1]])))
    with pytest.raises(ValueError, match="one dimension"):
        gbm.kl_divergence(twin(p), twin(laws(1)[0]))
    with pytest.raises(ValueError, match="covariance"):
        gbm.kl_divergence(twin(p), gbm.Gaussian(tensor(q.mean), tensor(1.0)))


def flip_inputs(process: ref.Process) -> tuple[Array, Array, Array]:
    """Scores (5, 3), one time and one step length a sample."""
    h = twins.single(generator("flips").normal(-1, 6, (5, 3)))
    times = np.array([0.1, 0.3, 0.5, 0.8, 1.0]) * process.horizon
    return h, times, times * np.array([0.001, 0.01, 0.1, 0.5, 1.0])


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("name", PROCESSES)
def test_flip_probabilities_agree(name: str, dtype: torch.dtype) -> None:
    """S = |log P| + (1 + |z|) w, w the sizes of the terms of z (gbm_ref.flips)."""
    process, ours = PROCESSES[name], twin_process(PROCESSES[name])
    h, times, steps = flip_inputs(process)
    noise = 0.75
    found = gbm.log_flip_probability(ours, tensor(h, dtype), tensor(times), tensor(steps), noise)
    assert found.dtype == dtype
    for i, (t, dt) in enumerate(zip(times, steps, strict=True)):
        expected = ref.log_flip_probability(process, h[i], t, dt, noise)
        dm, dv = process.increments(t, dt)
        terms = 1 + abs(dm) + 1.5 * dv + dv * np.abs(h[i])
        width = terms / (noise * math.sqrt(dv))
        z = (1 - dm + 1.5 * dv + dv * h[i]) / (noise * math.sqrt(dv))
        assert_twins(found[i], expected, np.abs(expected) + (1 + np.abs(z)) * width)
        for data in LOG_NORMALS.values():
            average = ref.log_average_flip_probability(data, process, t, dt, noise)
            ours_average = gbm.log_average_flip_probability(
                twin_target(data, dtype), ours, float(t), float(dt), noise
            )
            condition = 1 + np.linalg.cond(data.diffuse(process, t).log_cov)
            scale = condition * (1 + np.abs(average) + terms.max() ** 2 / (noise**2 * dv))
            assert_twins(ours_average, average, scale)


def test_steps_of_no_length_and_bad_noise_are_refused() -> None:
    process, data = twin_process(PROCESSES["constant"]), twin_target(LOG_NORMALS["log-normal-1d"])
    h = tensor([[0.3]])
    with pytest.raises(ValueError, match="dt must be positive"):
        gbm.log_flip_probability(process, h, 0.3, 0.0)
    with pytest.raises(ValueError, match="noise"):
        gbm.log_flip_probability(process, h, 0.3, 0.1, 0.0)
    with pytest.raises(ValueError, match="noise"):
        gbm.log_average_flip_probability(data, process, 0.3, 0.1, -0.1)
    with pytest.raises(ValueError, match="finite"):
        gbm.log_flip_probability(process, h / 0, 0.3, 0.1)
