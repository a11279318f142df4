"""The limits of many levels and the divergence of paths, on log-normal data."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from gbm_ref import GBM, DaleLangevin, Gaussian, LogNormal, annealed, exact_law, kl_divergence
from gbm_ref.closed_forms import annealed_limit_law, path_divergence
from tests.support.assertions import DIGITS, assert_accurate
from tests.support.problems import LOG_NORMALS

MU, SIGMA, HORIZON, CENTRE = 0.13, 0.7, 0.9, 0.31
PROCESS = GBM(MU, SIGMA, HORIZON)
WIDE = LOG_NORMALS["log-normal-2d"]
FLAT = LogNormal(WIDE.log_mean, np.array([[0.5, 0.3], [0.3, 0.18]]))
START = Gaussian(np.array([0.9, -0.2]), np.array([[1.1, -0.3], [-0.3, 0.8]]))
CASES = [(v0, n) for v0 in (1e-9, 3e-4, 0.23, 41.0) for n in (1, 3, 19, 300)]


def extrapolated(target: LogNormal, speed: float, inner: int, decay: float) -> Gaussian:
    """The limit of the recursions of 50, 100 and 200 levels with two orders removed."""

    def law(levels: int) -> Gaussian:
        length = speed * HORIZON / levels / inner
        grid = annealed(levels, HORIZON, length, inner, float(np.exp(-decay / levels)))
        return exact_law(DaleLangevin(), target, PROCESS, grid, START)

    coarse, middle, fine = (law(n) for n in (50, 100, 200))
    return Gaussian(
        (8 * fine.mean - 6 * middle.mean + coarse.mean) / 3,
        (8 * fine.cov - 6 * middle.cov + coarse.cov) / 3,
    )


@pytest.mark.parametrize(
    ("speed", "inner", "decay"),
    [(0.5, 1, 0.0), (1.0, 1, 5.01), (0.6, 2, 2.3)],
)
def test_the_limit_of_many_levels(speed: float, inner: int, decay: float) -> None:
    """R10 with m(T) not 0; the remainder is of order N^-3, about 1e-6."""
    found = annealed_limit_law(WIDE, PROCESS, START, speed, decay)
    wanted = extrapolated(WIDE, speed, inner, decay)
    np.testing.assert_allclose(found.mean, wanted.mean, rtol=0.0, atol=2e-6)
    np.testing.assert_allclose(found.cov, wanted.cov, rtol=0.0, atol=2e-6)
    twin = annealed_limit_law(WIDE, PROCESS, START, speed, decay + 0.02)
    assert np.abs(twin.cov - wanted.cov).max() > 2e-5


@pytest.mark.parametrize(
    ("speed", "decay", "ratio"),
    [(0.2, 0.0, "6.1"), (0.6, 0.0, "1.82"), (3.0, 0.0, "0.60"), (1.0, "0.995", "0.081")],
)
def test_the_printed_limits(speed: float, decay: float | str, ratio: str) -> None:
    """E17 and E18 at v_0 = 0.05, sigma = 0.8, from an exact start; chi = 0.995 for N = 1000."""
    target, process = LogNormal(np.array([CENTRE]), 0.05), GBM(sigma=0.8)
    end = target.diffuse(process, 1.0)
    rate = -1000 * float(np.log(float(decay))) if isinstance(decay, str) else decay
    start = Gaussian(end.log_mean, end.log_cov)
    law = annealed_limit_law(target, process, start, speed, rate)
    assert f"{law.cov[0, 0] / 0.05:.{len(ratio) - 2}f}" == ratio


def test_the_reverse_equation_keeps_the_data_law_in_the_limit() -> None:
    end = WIDE.diffuse(PROCESS, HORIZON)
    law = annealed_limit_law(WIDE, PROCESS, Gaussian(end.log_mean, end.log_cov))
    np.testing.assert_allclose(law.mean, WIDE.log_mean, rtol=1e-14)
    np.testing.assert_allclose(law.cov, WIDE.log_cov, rtol=1e-14)


@pytest.mark.parametrize(("v0", "n"), CASES)
def test_the_path_divergence_at_50_digits(v0: float, n: int) -> None:
    """R20b: the plain sum at high precision, terms down to 1e-11 of v_0 / h."""
    found = path_divergence(LogNormal(np.array([CENTRE]), v0), PROCESS, n)
    with mpmath.workdps(DIGITS):
        h, data = mpf(SIGMA) ** 2 * mpf(HORIZON) / n, mpf(v0)
        ratios = [(data + h * (k - 1)) / (data + h * k) for k in range(1, n + 1)]
        wanted = mpmath.fsum(r - 1 - mpmath.log(r) for r in ratios) / 2
        twin = mpmath.fsum(1 / r - 1 + mpmath.log(r) for r in ratios) / 2
    assert_accurate(np.array([found]), [wanted], float(wanted), k=20)
    with pytest.raises(AssertionError, match="more than the 20 allowed"):
        assert_accurate(np.array([found]), [twin], float(wanted), k=20)


def test_the_path_divergence_adds_up_the_kernels() -> None:
    """In the plane: the Gaussian divergence of each exact kernel from that of a step."""
    total, n, zero = 0.0, 12, np.zeros(2)
    h = SIGMA**2 * HORIZON / n
    for k in range(1, n + 1):
        ratio = (WIDE.log_cov + h * (k - 1) * np.eye(2)) @ np.linalg.inv(
            WIDE.log_cov + h * k * np.eye(2)
        )
        total += kl_divergence(Gaussian(zero, h * ratio), Gaussian(zero, h * np.eye(2)))
    assert path_divergence(WIDE, PROCESS, n) == pytest.approx(total, rel=1e-11)
    assert path_divergence(FLAT, PROCESS, n) > 15.0  # 1 log(1 / 0), up to rounding
    assert path_divergence(LogNormal(np.array([CENTRE]), 0.0), PROCESS, n) == np.inf
