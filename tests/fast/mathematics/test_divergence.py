"""KL between Gaussian laws of log X, and flips: gbm_fast against gbm_ref and torch."""

import math

import numpy as np
import torch
from torch.distributions import MultivariateNormal
from torch.distributions import kl_divergence as torch_kl

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.cases import Array, crossed, generator
from tests.support.problems import LOG_NORMALS, PROCESSES
from tests.support.twins import assert_agree, assert_twins, tensor, twin, twin_process


def laws(d: int) -> tuple[ref.Gaussian, ref.Gaussian]:
    """Two Gaussian laws that float32 holds."""
    rng = generator("kl", str(d))
    made = []
    for _ in range(2):
        root = rng.normal(size=(d, d))
        cov = twins.single(root @ root.T / d + 0.4 * np.eye(d))
        made.append(ref.Gaussian(twins.single(rng.normal(size=d)), (cov + cov.T) / 2))
    return made[0], made[1]


def kl_scale(p: ref.Gaussian, q: ref.Gaussian) -> float:
    """Ratios and squared shifts in the metric of q, times its condition, twice for two solves."""
    d, inverse = p.mean.size, np.linalg.inv(q.cov)
    shift = p.mean - q.mean
    size = np.abs(p.mean).sum() + np.abs(q.mean).sum()
    terms = np.trace(inverse @ p.cov) + d + np.linalg.norm(inverse @ shift) * size
    return float(2 * np.linalg.cond(q.cov) * np.linalg.cond(p.cov) * terms)


@crossed(d=[1, 2, 5], dtype=twins.DTYPES)
def test_divergences_agree(d: int, dtype: torch.dtype) -> None:
    p, q = laws(d)
    expected, scale = ref.kl_divergence(p, q), kl_scale(p, q)
    assert_agree("kl_divergence", p, q, scale=scale, dtype=dtype)
    reverse = gbm.kl_divergence(twin(q), twin(p))
    assert twins.error_over_scale(reverse, expected, scale) > 1e6 * twins.EXACT
    theirs = torch_kl(MultivariateNormal(*twin(p)), MultivariateNormal(*twin(q)))
    assert_twins(theirs, expected, scale)


def test_nearly_equal_laws_keep_their_digits_where_torch_loses_them() -> None:
    """Covariances that differ by 1e-7: a divergence of 1e-14, right to 1e-6 of itself."""
    p, q = laws(5)
    near = ref.Gaussian(q.mean, q.cov * (1 + 1e-7) + 1e-8 * p.cov)
    expected = ref.kl_divergence(near, q)
    assert 1e-15 < expected < 1e-13
    assert abs(float(gbm.kl_divergence(twin(near), twin(q))) / expected - 1) < 1e-6
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


def flip_inputs(process: ref.Process) -> tuple[Array, Array, Array]:
    """Scores (5, 3), one time and one step length a sample."""
    h = twins.single(generator("flips").normal(-1, 6, (5, 3)))
    times = np.array([0.1, 0.3, 0.5, 0.8, 1.0]) * process.horizon
    return h, times, times * np.array([0.001, 0.01, 0.1, 0.5, 1.0])


@crossed(name=PROCESSES, dtype=twins.DTYPES)
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
            at = (data, process, float(t), float(dt), noise)
            average = ref.log_average_flip_probability(*at)
            condition = 1 + np.linalg.cond(data.diffuse(process, t).log_cov)
            scale = condition * (1 + np.abs(average) + terms.max() ** 2 / (noise**2 * dv))
            assert_agree("log_average_flip_probability", *at, scale=scale, dtype=dtype)
