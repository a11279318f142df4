"""Data sets of the size of images: digits kept in float32, memory bounded, logarithms shared."""

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_fast.targets.points as points_module
from tests.support.cases import generator, torch_generator
from tests.support.twins import SINGLE, assert_twins, error_over_scale, single, tensor

STD = 0.005
PIXELS = 784


def near_duplicates() -> tuple[np.ndarray, np.ndarray]:
    """200 pictures in [1, 2], in pairs that differ by half a grey level; 5 states beside some."""
    rng = generator("near duplicates")
    half = rng.uniform(1.0, 2.0, (100, PIXELS))
    points = single(np.concatenate([half, half + rng.uniform(-1, 1, half.shape) / 512]))
    noise = np.exp(STD * rng.standard_normal((5, PIXELS)))
    return points, single((points[:5] + points[100:105]) / 2 * noise)


def exact_score(points: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """s of sheet R3 by differences in float64, and its condition scale (5, d).

    s = sum r_n u_n with u_n = (log x_n - log x) / V: the exponents, by differences, move by
    roundings of |log x - log x_n|^2 / V, and the u_n by those of |log x| and |log x_n| over V.
    """
    residual = np.log(points) - np.log(x)[:, None]
    exponents = -(residual**2).sum(-1) / (2 * STD**2)
    r = np.exp(exponents - exponents.max(-1, keepdims=True))
    r /= r.sum(-1, keepdims=True)
    score = np.einsum("nk,nkd->nd", r, residual) / STD**2
    logs = np.abs(np.log(x)) + np.log(points).max()
    gap = np.abs(residual[:, :100] - residual[:, 100:]).max(1)
    slack = -2 * (r * exponents).sum(-1, keepdims=True)
    return score, 1 + (logs + gap * slack) / STD**2


def by_float32_product(points: Tensor, x: Tensor) -> Tensor:
    """The planted twin: the square expanded, in the precision of the state."""
    logs, y = points.log(), x.log()
    centre = logs.mean(0)
    a, b = logs - centre, y - centre
    squares = b.square().sum(-1, keepdim=True) - 2 * b @ a.mT + a.square().sum(-1)
    return (torch.softmax(-squares / (2 * STD**2), -1) @ logs - y) / STD**2


def test_float32_keeps_its_digits_between_near_duplicates() -> None:
    """sqrt(V) = 0.005, the smallest level of the default process.

    The responsibilities of two pictures that nearly agree decide the score along their
    difference; an expanded square in float32 gets them wrong by tenths.
    """
    points, x = near_duplicates()
    expected, scale = exact_score(points, x)
    law = gbm.PointMasses(tensor(points, torch.float32), STD**2)
    found = law.log_score(tensor(x, torch.float32))
    assert found.dtype == torch.float32
    assert_twins(found, expected, scale)
    shares = law.responsibilities(tensor(x, torch.float32))
    exact = gbm.PointMasses(tensor(points), STD**2).responsibilities(tensor(x))
    assert float((shares - exact).abs().max()) < 1e-5
    assert 0.01 < float(exact[0, 0]) < 0.99
    wrong = by_float32_product(tensor(points, torch.float32), tensor(x, torch.float32))
    assert error_over_scale(wrong, expected, scale) > 10 * SINGLE


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_chunks_change_nothing_but_memory(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, x = near_duplicates()
    law = gbm.PointMasses(tensor(points, dtype), 0.3)
    states = tensor(x, dtype)
    calls = (law.logpdf, law.log_score, law.responsibilities, law.log_score_divergence)
    whole = [call(states) for call in calls]
    monkeypatch.setattr(points_module, "LARGEST_CHUNK", 2 * len(points))
    chunked = [call(states) for call in calls]
    for one, other in zip(whole, chunked, strict=True):
        assert_twins(one, other.double().numpy(), 1 + other.double().abs().numpy())


def test_diffusions_share_the_logarithms_and_move_the_points() -> None:
    points = tensor([[0.7, 1.3], [1.9, 0.6], [2.4, 2.2]])
    process = gbm.GBM(mu=0.4, sigma=0.7)
    law = gbm.PointMasses(points)
    twice = law.diffuse(process, 0.3).diffuse(process, 0.5)
    once = law.diffuse(process, 0.8)
    assert_twins(twice.points, once.points.numpy(), once.points.numpy())
    assert_twins(once.points, (points * float(process.log_mean(0.8).exp())).numpy(), 3.0)
    assert abs(twice.log_var - once.log_var) < 1e-15
    assert twice._data is law._data
    x = tensor([[1.1, 0.9]])
    fresh = gbm.PointMasses(once.points, once.log_var)
    assert_twins(once.log_score(x), fresh.log_score(x).numpy(), 10.0)
    assert_twins(once.logpdf(x), fresh.logpdf(x).numpy(), 10.0)


def test_draws_of_a_diffused_data_set_are_those_of_the_moved_points() -> None:
    """On one generator, also under a process with m > 0."""
    points, process = tensor([[0.7, 1.3], [1.9, 0.6]]), gbm.GBM(mu=2.0, sigma=0.7)
    moved = gbm.PointMasses(points * process.log_mean(0.6).exp(), float(process.log_var(0.6))).rvs(
        40, torch_generator("moved")
    )
    found = gbm.PointMasses(points).diffuse(process, 0.6).rvs(40, torch_generator("moved"))
    assert_twins(found, moved.numpy(), 4 * moved.numpy())


def test_an_undiffused_data_set_has_its_points_unchanged() -> None:
    points = tensor([[0.7, 1.3], [1.9, 0.6]])
    assert torch.equal(gbm.PointMasses(points).points, points)
    assert torch.equal(
        gbm.PointMasses(points).diffuse(gbm.VarianceExploding(), 0.0).points, points
    )
