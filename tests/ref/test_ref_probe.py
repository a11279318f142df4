"""The exact-law probe must bite: each planted bug in the sampler is refused as a wrong law.

Every twin below is a plausible slip in eq. (13) of version 2 or in its loop. The right sampler,
run through the same code, is accepted (`test_the_right_sampler_is_accepted`).
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import psi

from gbm_ref import (
    GBM,
    DaleLangevin,
    Gaussian,
    LogNormal,
    Process,
    Row,
    exact_law,
    exact_score,
    simulate,
    uniform,
)
from tests.probe import AffineMap, Law, LawRejected, assert_law, extract
from tests.problems import LOG_NORMALS, PROCESSES

Exponent = Callable[[Process, Row, Callable[[float], np.ndarray], np.ndarray], np.ndarray]
ROWS = 12


def correct(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    dm, dv = process.increments(row.t_score, row.dt)
    return -dm + dv * (1 + h(row.t_score)) + row.noise * np.sqrt(dv) * z


def ito_term_missing(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    """The drift of X put into the exponent."""
    return correct(process, row, h, z) + process.increments(row.t_score, row.dt)[1] / 2


def divergence_term_once(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    """sigma^2 instead of 2 sigma^2 in the reverse drift of X."""
    return correct(process, row, h, z) - process.increments(row.t_score, row.dt)[1]


def dt_for_sqrt_dt(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    dv = process.increments(row.t_score, row.dt)[1]
    return correct(process, row, h, z) + (np.sqrt(dv * row.dt) - np.sqrt(dv)) * z


def score_at_the_level_below(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    dv = process.increments(row.t_score, row.dt)[1]
    below = max(row.t_score - row.dt, 0.0)
    return correct(process, row, h, z) + dv * (h(below) - h(row.t_score))


def no_noise_in_the_last_step(
    process: Process, row: Row, h: Callable, z: np.ndarray
) -> np.ndarray:
    last = row.t_score < 1.5 * row.dt
    return correct(process, row, h, 0 * z if last else z)


def sigma_for_its_square(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    """sigma instead of sigma^2 in front of the score."""
    dv = process.increments(row.t_score, row.dt)[1]
    weight = process.diffusion(row.t_score) * row.dt
    return correct(process, row, h, z) + (weight - dv) * (1 + h(row.t_score))


def version_one_algorithm_one(
    process: Process, row: Row, h: Callable, z: np.ndarray
) -> np.ndarray:
    """-delta (mu - sigma^2 / 2) where eq. (13) has 3/2: the Jacobian's + 1 is lost (E2)."""
    mu, sigma = process.drift(row.t_score), process.diffusion(row.t_score)
    drift = -row.dt * (mu - sigma**2 / 2)
    return drift + row.dt * sigma**2 * h(row.t_score) + sigma * np.sqrt(row.dt) * z


def log_score_for_hyvarinen(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    return correct(process, row, lambda t: h(t) + 1, z)


def flow_s_score_weight(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    """sigma^2 / 2 in front of the score: the probability flow's weight with full noise."""
    return correct(process, row, lambda t: (h(t) - 1) / 2, z)


def noise_clipped(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    return correct(process, row, h, np.clip(z, -5, 5))


def noise_shared(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    """One draw for both coordinates."""
    return correct(process, row, h, np.broadcast_to(z[..., :1], z.shape))


def state_clipped(process: Process, row: Row, h: Callable, z: np.ndarray) -> np.ndarray:
    """The exponent is kept within +-1.5."""
    return np.clip(correct(process, row, h, z), -1.5, 1.5)


TWINS: list[Exponent] = [
    ito_term_missing,
    divergence_term_once,
    dt_for_sqrt_dt,
    score_at_the_level_below,
    no_noise_in_the_last_step,
    sigma_for_its_square,
    version_one_algorithm_one,
    log_score_for_hyvarinen,
    flow_s_score_weight,
    noise_clipped,
    noise_shared,
    state_clipped,
]


def check(exponent: Exponent, process: Process, target: LogNormal) -> None:
    """Raise LawRejected unless a loop over X exp(exponent) has the law of eq. (13)."""
    grid = uniform(ROWS, process.horizon)
    end = target.diffuse(process, process.horizon)
    start = Gaussian(end.log_mean, end.log_cov)
    score = exact_score(target, process)

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        for row, noise in zip(grid, z, strict=True):
            x = x * np.exp(exponent(process, row, lambda t, x=x: score(x, t), noise))
        return x

    expected = exact_law(DaleLangevin(), target, process, grid, start)
    assert_law(sampler, Law(*start), Law(*expected), rows=ROWS)


@pytest.mark.parametrize("name", list(PROCESSES))
def test_the_right_sampler_is_accepted(name: str) -> None:
    for target in LOG_NORMALS.values():
        check(correct, PROCESSES[name], target)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_planted_bugs_are_rejected(twin: Exponent) -> None:
    with pytest.raises(LawRejected):
        check(twin, PROCESSES["constant"], LOG_NORMALS["log-normal-2d"])


@pytest.mark.parametrize("twin", [t for t in TWINS if t is not noise_shared])
def test_planted_bugs_are_rejected_with_varying_coefficients(twin: Exponent) -> None:
    with pytest.raises(LawRejected):
        check(twin, PROCESSES["time-varying"], LOG_NORMALS["log-normal-1d"])


def test_a_start_without_the_data_s_variance_is_rejected() -> None:
    """The start N(a + m, sigma^2 T) forgets v0; the map is right, its law is not."""
    process, target, grid = PROCESSES["constant"], LOG_NORMALS["log-normal-1d"], uniform(12, 0.9)
    end = target.diffuse(process, 0.9)
    start = Gaussian(end.log_mean, end.log_cov)
    score = exact_score(target, process)
    expected = exact_law(DaleLangevin(), target, process, grid, start)
    forgetful = Law(start.mean, start.cov - target.log_cov)
    with pytest.raises(LawRejected, match="covariance"):
        assert_law(
            lambda x, z: simulate(DaleLangevin(), process, score, x, grid, z),
            forgetful,
            Law(*expected),
            rows=12,
        )


def test_nan_and_negative_output_are_rejected() -> None:
    law = Law(np.zeros(1), np.eye(1))
    for value in (np.nan, np.inf, 0.0, -1.0):
        with pytest.raises(LawRejected, match="positive and finite"):
            assert_law(lambda x, z, v=value: np.full_like(x, v), law, law, rows=2)


def test_a_known_affine_map_is_recovered() -> None:
    """Three rows in two dimensions with matrices that are not symmetric."""
    rng = np.random.default_rng(11)
    truth = AffineMap(rng.normal(size=2), rng.normal(size=(2, 2)), rng.normal(size=(3, 2, 2)))

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        noise = np.einsum("kij,knj->ni", truth.noise, z)
        return np.exp(truth.offset + np.log(x) @ truth.state.T + noise)

    for found, wanted in zip(extract(sampler, rows=3, d=2), truth, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)


def test_version_one_s_bias_has_its_predicted_size() -> None:
    """E2: at v0 = .05, sigma = .8, N = 1000 the log-mean is off by -0.1315 (digamma form)."""
    process, target = GBM(sigma=0.8), LogNormal(np.array([0.31]), 0.05)
    grid, score = uniform(1000), exact_score(target, process)

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        for row, noise in zip(grid, z, strict=True):
            h = score(x, row.t_score)
            x = x * np.exp(version_one_algorithm_one(process, row, lambda t, h=h: h, noise))
        return x

    end = target.diffuse(process, 1.0)
    bias = extract(sampler, rows=1000, d=1).law(Law(end.log_mean, end.log_cov)).mean[0] - 0.31
    q = 0.05 / (0.64 / 1000)
    assert bias == pytest.approx(-0.05 * (psi(q + 1000) - psi(q)), rel=1e-9)
    assert f"{bias:.4f}" == "-0.1315"
