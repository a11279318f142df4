"""gbm_ref.process.piecewise: the chain of Appendix C, as left sums and as a process."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from gbm_ref import DaleLangevin, Gaussian, LogNormal, PiecewiseGBM, exact_law, uniform
from tests.support.assertions import assert_accurate

N, T = 7, 1.3
SIGMA = 0.3 * 1.4 ** np.arange(N)
MU = 0.11 + 0.05 * np.arange(N)
PROCESS = PiecewiseGBM(SIGMA, MU, T)
DELTA = T / N


@pytest.mark.parametrize("k", range(N + 1))
def test_left_sums_of_eqs_34_and_35(k: int) -> None:
    with mpmath.workdps(50):
        pairs = [(mpf(a), mpf(b)) for a, b in zip(MU[:k], SIGMA[:k], strict=True)]
        mean = mpf(T) / N * mpmath.fsum(a - b**2 / 2 for a, b in pairs)
        var = mpf(T) / N * mpmath.fsum(b**2 for a, b in pairs)
        scale = float(mpf(T) / N * mpmath.fsum(abs(a) + b**2 for a, b in pairs)) + 1e-300
    t = min(k * DELTA, T)
    found = np.array([PROCESS.log_mean(t), PROCESS.log_var(t)])
    assert_accurate(found, [mean, var], 8 * scale, k=4)


def test_the_reverse_step_takes_out_what_the_forward_step_put_in() -> None:
    """Sheet E19 iv: from k to k - 1 the rate is sigma_{k-1}; sigma_k would be the mistake."""
    for k in range(1, N + 1):
        _, dv = PROCESS.increments(min(k * DELTA, T), DELTA)
        assert dv == pytest.approx(DELTA * SIGMA[k - 1] ** 2, rel=1e-13)
        assert k == N or abs(dv - DELTA * SIGMA[k] ** 2) > 1e-3
    assert PROCESS.diffusion(0.0) == SIGMA[0]
    assert PROCESS.diffusion(3 * DELTA) == SIGMA[3]
    assert PROCESS.diffusion(T) == SIGMA[-1]
    assert PROCESS.drift(2.5 * DELTA) == MU[2]


def test_the_law_of_the_sampler_is_that_of_sheet_r21() -> None:
    v0, start_var = 0.2, 1.1
    start = Gaussian(np.array([0.5]), np.array([[start_var]]))
    law = exact_law(DaleLangevin(), LogNormal([0.3], v0), PROCESS, uniform(N, T), start)
    v = v0 + DELTA * np.concatenate([[0.0], np.cumsum(SIGMA**2)])
    closed = v0**2 * (start_var / v[-1] ** 2 + np.sum(DELTA * SIGMA**2 / v[:-1] ** 2))
    assert float(law.cov[0, 0]) == pytest.approx(closed, rel=1e-12)
    shifted = 0.5 - 0.3 - PROCESS.log_mean(T)
    assert float(law.mean[0]) == pytest.approx(0.3 + v0 / v[-1] * shifted, rel=1e-12)


@settings(max_examples=100, derandomize=True)
@given(st.floats(0, T), st.floats(0, 1))
def test_increments_add_up(t: float, share: float) -> None:
    s = t * (1 - share)
    dm, dv = PROCESS.increments(t, t - s)
    assert dm == pytest.approx(PROCESS.log_mean(t) - PROCESS.log_mean(s), abs=1e-13)
    assert dv == pytest.approx(PROCESS.log_var(t) - PROCESS.log_var(s), abs=1e-13)
    assert PROCESS.time_at_log_var(PROCESS.log_var(t)) == pytest.approx(t, abs=1e-12)


def test_without_a_drift_the_mean_stays() -> None:
    process = PiecewiseGBM(SIGMA)
    assert process.horizon == 1.0
    assert [process.log_mean(t) for t in (0.0, 0.31, 1.0)] == [0.0, 0.0, 0.0]
