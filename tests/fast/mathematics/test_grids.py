"""gbm_fast.grids against gbm_ref.grids, row by row."""

import math

import numpy as np
import pytest

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.cases import crossed
from tests.support.problems import PROCESSES
from tests.support.tables import GRIDS
from tests.support.twins import EXACT, twin_process

ANNEALED = [
    {"num_steps": 7, "horizon": 0.9},
    {"num_steps": 5, "chi": 0.93, "inner_steps": 3, "step_length": 0.04, "denoise_steps": 2},
    {"num_steps": 9, "horizon": 1.3, "start": 6, "chi": 0.5},
    {"num_steps": 1, "denoise_steps": 1},
]

# Numbers and exponents; what the deviations are evenly spaced in.
SPACINGS = {"geometric": ((8,), np.log), "power": ((8, 5.0), lambda std: std ** (1 / 5.0))}
# The last is one where N * (T / N) rounds to above T.
LENGTHS = [(1, 0.7), (13, 1.0), (1936, 4.358028183663472)]


def rows(grid: tuple) -> np.ndarray:
    return np.array([tuple(row) for row in grid])


@pytest.mark.parametrize("name", GRIDS)
def test_every_grid_of_the_table_agrees(name: str) -> None:
    """Times, lengths and factors, each to EXACT of the longest time, of itself for the factor."""
    process = PROCESSES["constant"]
    found = rows(GRIDS[name](gbm, twin_process(process)))
    expected = rows(GRIDS[name](ref, process))
    np.testing.assert_allclose(found[:, :2], expected[:, :2], rtol=0, atol=EXACT * found[0, 0])
    np.testing.assert_allclose(found[:, 2], expected[:, 2], rtol=EXACT, atol=0)


@pytest.mark.parametrize("setting", ANNEALED, ids=str)
def test_annealed_grids_agree(setting: dict) -> None:
    found = rows(gbm.annealed(**setting))
    np.testing.assert_allclose(found, rows(ref.annealed(**setting)), rtol=1e-15, atol=0)


def test_the_annealed_grid_is_the_one_of_the_algorithm() -> None:
    """By hand: three levels from the second, two inner steps, chi = 0.5, one denoising row."""
    found = gbm.annealed(3, 0.6, step_length=0.1, inner_steps=2, chi=0.5, start=2, denoise_steps=1)
    expected = [(0.4, 0.1, 1.0)] * 2 + [(0.2, 0.1, 0.5)] * 2 + [(0.2, 0.1, 0.0)]
    np.testing.assert_allclose(rows(found), expected, rtol=1e-15)


@pytest.mark.parametrize(("num_steps", "horizon"), LENGTHS)
def test_uniform_grids_agree_and_stay_within_the_horizon(num_steps: int, horizon: float) -> None:
    found = rows(gbm.uniform(num_steps, horizon))
    np.testing.assert_allclose(found, rows(ref.uniform(num_steps, horizon)), rtol=1e-15)
    assert found[0, 0] <= horizon
    assert found[-1, 0] == found[-1, 1]
    assert math.isclose(found[:, 1].sum(), horizon, rel_tol=1e-12)


@crossed(name=PROCESSES, spacing=SPACINGS)
def test_spaced_grids_agree_and_have_the_levels_they_promise(name: str, spacing: str) -> None:
    process, twin = PROCESSES[name], twin_process(PROCESSES[name])
    low, high = 0.05, math.sqrt(process.log_var(process.horizon))
    arguments, spread = SPACINGS[spacing]
    ends = {"std_min": low, "std_max": high}
    found = getattr(gbm, spacing)(twin, *arguments, **ends)
    expected = getattr(ref, spacing)(process, *arguments, **ends)
    # Times are compared in horizons: those of the oracle's root finder are exact to that.
    assert np.abs(rows(found) - rows(expected)).max() <= EXACT * process.horizon
    stds = np.sqrt([process.log_var(row.t_score) for row in found])
    np.testing.assert_allclose(stds[[0, -1]], [high, low], rtol=1e-9)
    np.testing.assert_allclose(np.diff(spread(stds), 2), 0, atol=1e-9)
    ends, starts = [row.t_score - row.dt for row in found[:-1]], [r.t_score for r in found[1:]]
    assert ends == pytest.approx(starts, rel=1e-12)
    assert found[-1].dt == found[-1].t_score
