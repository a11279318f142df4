"""Churn in the loop of torch: paths of the oracle, and scores that are told the raised times."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support.cases import generator
from tests.support.twins import assert_twins, tensor

MEAN, COV = [0.3, -0.2], [[0.3, 0.12], [0.12, 0.17]]
PROCESSES = {
    "constant": (gbm.GBM(0.2, 0.8), ref.GBM(0.2, 0.8)),
    "exploding": (gbm.VarianceExploding(0.01, 5.0), ref.VarianceExploding(0.01, 5.0)),
    "by coordinate": tuple(p.CoordinateGBM([0.1, -0.3], [0.7, 1.3]) for p in (gbm, ref)),
}
INNER = {
    "ddim": (gbm.DDIM(), ref.DDIM()),
    "flow": (gbm.ProbabilityFlow(), ref.ProbabilityFlow()),
}
X = np.array([[1.3, 0.4], [0.02, 7.0], [3.0, 2.0]])
# The first rows are near the horizon, where less is added, and inner ones end above the next.
ROWS = ref.annealed(6, 1.0, 0.05, 2, 0.9, denoise_steps=2)


@pytest.mark.parametrize("gamma", [0.0, 0.05, 3.0])
@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("name", PROCESSES)
def test_paths_are_those_of_the_oracle(name: str, inner: str, gamma: float) -> None:
    (ours, theirs), (step, oracle) = PROCESSES[name], INNER[inner]
    z = generator("churn").standard_normal((len(ROWS), *X.shape))
    exact = ref.exact_score(ref.LogNormal(MEAN, COV), theirs)
    wanted = ref.simulate(ref.Churn(oracle, gamma), theirs, exact, X, ROWS, z)
    score = gbm.exact_score(gbm.LogNormal(tensor(np.array(MEAN)), tensor(np.array(COV))), ours)
    grid = tuple(gbm.Row(*row) for row in ROWS)
    found = gbm.simulate(gbm.Churn(step, gamma), ours, score, tensor(X), grid, tensor(z))
    assert_twins(found, wanted, 20 * len(ROWS) * np.abs(wanted))


class Recording(gbm.LogScore):
    """A score that keeps the times that it is told, and those at which it is read."""

    def __init__(self) -> None:
        self.told: list[float] = []
        self.read: list[float] = []

    def __call__(self, x: Tensor, t: Time) -> Tensor:
        return self.at_log(x.log(), t) - 1

    def at_log(self, y: Tensor, t: Time) -> Tensor:
        self.read.append(float(t))
        return -0.7 * y

    def prepare(self, times: Sequence[float], state: Tensor) -> None:
        self.told = list(times)


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("name", PROCESSES)
def test_a_score_is_told_the_raised_times(name: str, inner: str) -> None:
    """Bit for bit, since what is prepared is found by its time; none is the time of a row."""
    score, process, grid = Recording(), PROCESSES[name][0], gbm.uniform(5)
    step, z = gbm.Churn(INNER[inner][0], 0.1), torch.zeros(5, 3, 2, dtype=torch.float64)
    gbm.simulate(step, process, score, tensor(X), grid, z)
    assert set(score.read) == set(score.told) and len(score.told) == len(score.read)
    raised = [step.raised(process, row.t_score, row.dt).time.item() for row in grid[1:]]
    assert set(raised) <= set(score.told)
    assert all(up > row.t_score for up, row in zip(raised, grid[1:], strict=True))


@pytest.mark.parametrize("step", [gbm.DPMSolver(2), gbm.DaleLangevin()])
def test_another_step_is_refused(step: gbm.Step) -> None:
    with pytest.raises(ValueError, match="cannot be churned: pass DDIM"):
        gbm.Churn(step, 0.1)


@pytest.mark.parametrize("gamma", [-0.1, float("nan"), float("inf")])
def test_another_gamma_is_refused(gamma: float) -> None:
    with pytest.raises(ValueError, match="gamma"):
        gbm.Churn(gbm.DDIM(), gamma)
