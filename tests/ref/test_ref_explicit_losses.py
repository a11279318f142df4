"""The explicit and implicit losses: equal to M-DSM and to each other up to their exact constants.

Expectations over log-normal data are Gauss-Hermite sums, exact for the polynomials here.
"""

import numpy as np
import pytest

from gbm_ref import LogNormal, Process, exact_score, m_dsm, variance_weighting
from gbm_ref.objectives import implicit_m_esm, m_esm, nonnegative_score_matching
from tests.support.problems import LOG_NORMALS, MIXTURES, PROCESSES, states

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(12)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
TARGET, PROCESS = LOG_NORMALS["log-normal-1d"], PROCESSES["constant"]


def model(x: np.ndarray, t: float) -> np.ndarray:
    return 0.4 - 1.3 * np.log(x) + t


def slope(x: np.ndarray, t: float) -> np.ndarray:
    """x d/dx of `model`."""
    return np.full_like(x, -1.3)


def draws_of(target: LogNormal, process: Process, t: float) -> np.ndarray:
    """States (12, 1) whose WEIGHTS-mean is the expectation over p_t."""
    law = target.diffuse(process, t)
    return np.exp(law.log_mean[0] + np.sqrt(law.log_cov[0, 0]) * NODES)[:, None]


@pytest.mark.parametrize("t", [0.02, 0.5, 0.9])
def test_m_dsm_exceeds_m_esm_by_its_floor(t: float) -> None:
    """Theorem 4.1 of version 2 with C(t) = v0 / (2 v (v0 + v)) (sheet R4b)."""
    v, v0 = PROCESS.log_var(t), 0.23
    explicit = WEIGHTS @ m_esm(model, TARGET, draws_of(TARGET, PROCESS, t), t, PROCESS).per_sample
    a, b = np.meshgrid(NODES, NODES, indexing="ij")
    x0 = np.exp(0.31 + np.sqrt(v0) * a.ravel())[:, None]
    dsm = m_dsm(model, x0, t, b.ravel()[:, None], PROCESS).per_sample
    floor = np.outer(WEIGHTS, WEIGHTS).ravel() @ dsm - explicit
    assert floor == pytest.approx(v0 / (2 * v * (v0 + v)), rel=1e-11)


@pytest.mark.parametrize("t", [0.0, 0.02, 0.9])
def test_the_implicit_form_differs_by_the_energy_of_the_score(t: float) -> None:
    """Sheet R18: M-ESM - implicit = E|h|^2 / 2 for every model; half as many h is refused."""
    x = draws_of(TARGET, PROCESS, t)
    explicit = m_esm(model, TARGET, x, t, PROCESS)
    implicit = implicit_m_esm(model, slope, x, t, PROCESS)
    gap = WEIGHTS @ (explicit.per_sample - implicit.per_sample)
    energy = WEIGHTS @ (0.5 * np.sum(explicit.h_exact**2, axis=-1))
    assert gap == pytest.approx(energy, rel=1e-11)
    twin = implicit.square + implicit.linear / 2 + implicit.slope
    assert abs(WEIGHTS @ (explicit.per_sample - twin) - energy) > 1e-3


def test_terms_add_up_and_weights_multiply() -> None:
    x, t = states(2), 0.44
    target, v = MIXTURES["mixture-2d"], PROCESS.log_var(0.44)
    exact = exact_score(target, PROCESS)(x, t)
    plain = m_esm(model, target, x, t, PROCESS)
    np.testing.assert_array_equal(plain.h_exact, exact)
    by_hand = 0.5 * ((exact - model(x, t)) ** 2).sum(axis=-1)
    np.testing.assert_allclose(plain.per_sample, by_hand, rtol=1e-14)
    assert plain.loss == pytest.approx(by_hand.mean(), rel=1e-14)
    weighted = m_esm(model, target, x, t, PROCESS, variance_weighting)
    np.testing.assert_allclose(weighted.per_sample, v * by_hand, rtol=1e-14)
    terms = implicit_m_esm(model, slope, x, t, PROCESS, variance_weighting)
    h = model(x, t)
    np.testing.assert_allclose(terms.square, v * 0.5 * (h**2).sum(-1), rtol=1e-14)
    np.testing.assert_allclose(terms.linear, v * h.sum(-1), rtol=1e-14)
    np.testing.assert_allclose(terms.slope, np.full(12, -2.6 * v), rtol=1e-14)


def test_non_negative_score_matching_is_the_implicit_form_at_time_zero() -> None:
    x = states(2)
    h, dh = model(x, 0.0), slope(x, 0.0)
    # psi = h / x, hence d psi / dx = (x dh/dx - h) / x^2.
    found = nonnegative_score_matching(h / x, (dh - h) / x**2, x)
    wanted = implicit_m_esm(model, slope, x, 0.0, PROCESS)
    np.testing.assert_allclose(found.per_sample, wanted.per_sample, rtol=1e-13)


def test_it_finds_the_rate_of_exponential_data_where_plain_score_matching_finds_zero() -> None:
    """Sheet E34: the density does not vanish at 0, so the plain form has a boundary term."""
    nodes, weights = np.polynomial.laguerre.laggauss(20)
    true_rate = 1.7
    x = (nodes / true_rate)[:, None]
    rates = np.linspace(0.0, 4.0, 401)

    def loss(rate: float) -> float:
        terms = nonnegative_score_matching(np.full_like(x, -rate), np.zeros_like(x), x)
        return float(weights @ terms.per_sample)

    plain = [0.5 * rate**2 for rate in rates]
    assert rates[np.argmin([loss(rate) for rate in rates])] == pytest.approx(true_rate, abs=1e-9)
    assert rates[np.argmin(plain)] == 0.0
