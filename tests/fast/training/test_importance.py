"""Importance sampling of the times: the same expectation, with less variance."""

import pytest
import torch
from torch import Tensor

from gbm_fast.training.build import build_process, build_weighting
from gbm_fast.training.times import ImportanceSampler, build_importance, build_times
from tests.support.tiny_runs import tiny_config

LOG_STD, GRID = 0.23, 200_000
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
    config = tiny_config(importance=True, **case)
    process = build_process(config)
    times = build_times(config, process, LOG_STD)
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

    The least possible second moment is the square of the mean; a tenth of even draws adds to it.
    """
    config = tiny_config(importance=True, **case)
    process, weighting = build_process(config), build_weighting(config, LOG_STD)
    times = build_times(config, process, LOG_STD)
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
