"""Version 1's algorithms as printed: the size of their errors, exactly."""

import numpy as np
import pytest
from scipy.special import digamma

import gbm_ref as ref


def test_algorithm_1_as_printed_has_the_bias_of_sheet_e2() -> None:
    """-v0 [psi(v0 / h + N) - psi(v0 / h)] = -0.1315 on rows N..1; nearly so on those printed."""
    target, process, v0, h = ref.LogNormal([0.3], 0.05), ref.GBM(sigma=0.8), 0.05, 0.64e-3
    start = ref.Gaussian(np.array([0.3]), np.array([[0.69]]))
    law = ref.exact_law(ref.PrintedAlgorithm1(), target, process, ref.uniform(1000), start)
    wanted = -v0 * (digamma(v0 / h + 1000) - digamma(v0 / h))
    assert float(law.mean[0]) - 0.3 == pytest.approx(wanted, rel=1e-11)
    assert round(wanted, 4) == -0.1315
    as_printed = ref.exact_law(ref.PrintedAlgorithm1(), target, process, ref.printed(1000), start)
    assert float(as_printed.mean[0]) - 0.3 == pytest.approx(wanted, rel=1e-3)
    right = ref.exact_law(ref.DaleLangevin(), target, process, ref.printed(1000), start)
    assert float(right.mean[0]) == pytest.approx(0.3, abs=1e-13)


def test_printed_grids_start_one_level_below_the_end() -> None:
    """Sheet E3, E4: Algorithm 2's literal variance 4.93 v0 at its published setting (R10b)."""
    assert ref.printed(5) == ref.annealed(5, start=4)
    assert [row.t_score for row in ref.printed(5)] == [0.8, 0.6, 0.4, 0.2]
    grid = ref.printed(1000, step_length=2e-4, chi=0.995)
    assert {row.dt for row in grid} == {2e-4}
    target, process = ref.LogNormal([0.0], 0.05), ref.GBM(sigma=0.8)
    start = ref.Gaussian(np.zeros(1), np.array([[0.05 + 0.64 * 0.999]]))
    law = ref.exact_law(ref.DaleLangevin(), target, process, grid, start)
    assert round(float(law.cov[0, 0]) / 0.05, 2) == 4.93
