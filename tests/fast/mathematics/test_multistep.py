"""DPM-Solver++ in the loop of torch: what it carries, and the same paths as the oracle's."""

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.twins import assert_twins, tensor

MEAN, COV = [0.3, -0.2], [[0.3, 0.12], [0.12, 0.17]]
SETTINGS = {
    "constant": (gbm.GBM(0.2, 0.8), ref.GBM(0.2, 0.8)),
    "by coordinate": tuple(p.CoordinateGBM([0.1, -0.3], [0.7, 1.3]) for p in (gbm, ref)),
}
GRIDS = {
    "one row": ref.uniform(1),
    "equal": ref.uniform(9),
    "inner": ref.annealed(6, 1.0, 0.05, 2, denoise_steps=2),
}
X = np.array([[1.3, 0.4], [0.02, 7.0], [3.0, 2.0]])


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", SETTINGS)
def test_paths_are_those_of_the_oracle(name: str, grid: str, order: int) -> None:
    ours, theirs = SETTINGS[name]
    rows = GRIDS[grid]
    law = gbm.LogNormal(tensor(np.array(MEAN)), tensor(np.array(COV)))
    exact = ref.exact_score(ref.LogNormal(MEAN, COV), theirs)
    wanted = ref.simulate(ref.DPMSolver(order), theirs, exact, X, rows)
    given = gbm.exact_score(law, ours), tensor(X), tuple(gbm.Row(*row) for row in rows)
    found = gbm.simulate(gbm.DPMSolver(order), ours, *given)
    assert_twins(found, wanted, 20 * len(rows) * np.abs(wanted))


def test_the_state_holds_the_denoisers_and_callers_see_x() -> None:
    step, process = gbm.DPMSolver(3), SETTINGS["constant"][0]
    score = gbm.exact_score(gbm.LogNormal(tensor(np.array(MEAN)), tensor(np.array(COV))), process)
    assert step.state_of(tensor(X)).shape == (3, 3, 2)
    seen = []
    grid = gbm.uniform(4)
    x_0, path = gbm.simulate(
        step, process, score, tensor(X), grid, return_path=True,
        callback=lambda i, row, x: seen.append(x.shape),
    )  # fmt: skip
    assert path.shape == (5, 3, 2) and set(seen) == {(3, 2)}
    assert bool((path > 0).all()) and torch.equal(path[-1], x_0)


def test_alone_and_with_a_time_for_each_sample_it_is_ddim() -> None:
    process = SETTINGS["constant"][0]
    score = gbm.exact_score(gbm.LogNormal(tensor(np.array(MEAN)), tensor(np.array(COV))), process)
    t, dt = tensor(np.array([0.9, 0.5, 0.3])), tensor(np.array([0.2, 0.5, 0.1]))
    found, wanted = (
        step(process, score, tensor(X), t, dt, 1.0, None)
        for step in (gbm.DPMSolver(2), gbm.DDIM())
    )
    torch.testing.assert_close(found, wanted, rtol=1e-14, atol=0)


@pytest.mark.parametrize("order", [1, 4, 0])
def test_another_order_is_refused(order: int) -> None:
    with pytest.raises(ValueError, match="order must be 2 or 3"):
        gbm.DPMSolver(order)
