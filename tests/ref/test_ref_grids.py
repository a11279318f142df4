"""Tests of gbm_ref.grids: the rows themselves."""

import numpy as np
import pytest

from gbm_ref import Process, Row, annealed, geometric, power, uniform
from tests.support.problems import PROCESSES


def test_uniform_visits_every_level_once_and_ends_at_the_data() -> None:
    """N rows, k = N..1 and never k = 0 (E4); so does `annealed` without annealing."""
    rows = uniform(5, horizon=0.9)
    np.testing.assert_allclose([row.t_score for row in rows], [0.9, 0.72, 0.54, 0.36, 0.18])
    assert all(row.dt == 0.9 / 5 and row.noise == 1.0 for row in rows)
    assert rows[0].t_score == 0.9
    assert rows[-1].t_score - rows[-1].dt == pytest.approx(0.0, abs=1e-16)
    assert annealed(7, horizon=1.3) == uniform(7, horizon=1.3)


def test_annealed_rows_by_hand() -> None:
    rows = annealed(4, 2.0, step_length=0.1, inner_steps=2, chi=0.5, start=3, denoise_steps=2)
    each = Row(1.5, 0.1, 1.0), Row(1.0, 0.1, 0.5), Row(0.5, 0.1, 0.25), Row(0.5, 0.1, 0.0)
    assert rows == tuple(row for row in each for _ in range(2))


def test_version_one_s_published_setting() -> None:
    """N = 1000, delta_s = 2e-4, L = 3, chi = .995, from k = N - 1: 2997 rows."""
    rows = annealed(step_length=2e-4, inner_steps=3, chi=0.995, start=999)
    assert len(rows) == 2997
    assert rows[0] == Row(0.999, 2e-4, 1.0)
    assert rows[-1].t_score == 0.001
    assert rows[-1].noise == pytest.approx(0.995**998, rel=1e-12)


@pytest.mark.parametrize("process", list(PROCESSES.values()), ids=list(PROCESSES))
def test_geometric_grid(process: Process) -> None:
    rows = geometric(process, 6, std_min=0.05, std_max=0.6)
    stds = np.sqrt([process.log_var(row.t_score) for row in rows])
    np.testing.assert_allclose(stds[1:] / stds[:-1], (0.05 / 0.6) ** 0.2, rtol=1e-9)
    np.testing.assert_allclose(stds[[0, -1]], [0.6, 0.05], rtol=1e-9)
    assert_connected(rows)


@pytest.mark.parametrize("rho", [7.0, 2.5])
@pytest.mark.parametrize("process", list(PROCESSES.values()), ids=list(PROCESSES))
def test_power_grid(process: Process, rho: float) -> None:
    rows = power(process, 5, rho, std_min=0.05, std_max=0.6)
    roots = np.sqrt([process.log_var(row.t_score) for row in rows]) ** (1 / rho)
    np.testing.assert_allclose(np.diff(roots), np.diff(roots)[0], rtol=1e-8)
    np.testing.assert_allclose(roots[[0, -1]] ** rho, [0.6, 0.05], rtol=1e-9)
    assert_connected(rows)


def test_power_has_edm_s_exponent_by_default_and_grids_may_start_at_the_horizon() -> None:
    process = PROCESSES["constant"]
    ends = {"std_min": 0.05, "std_max": 0.6}
    assert power(process, 4, **ends) == power(process, 4, 7.0, **ends)
    process = PROCESSES["variance-exploding"]
    assert geometric(process, 3, std_min=0.01, std_max=3.0)[0].t_score == pytest.approx(1.1)


def assert_connected(rows: tuple[Row, ...]) -> None:
    """Each row starts where the one before ended, and the last ends at t = 0 exactly."""
    for row, following in zip(rows[:-1], rows[1:], strict=True):
        assert row.t_score - row.dt == pytest.approx(following.t_score, rel=1e-12)
    assert rows[-1].dt == rows[-1].t_score
    assert all(row.noise == 1.0 for row in rows)
