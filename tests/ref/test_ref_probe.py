"""Tests of gbm_ref.probe: known maps are recovered, wrong input is refused, NaN never passes."""

import numpy as np
import pytest
from scipy.special import psi

from gbm_ref import GBM, Gaussian, LogNormal, exact_score, uniform
from gbm_ref.probe import (
    AffineMap,
    LawRejected,
    assert_law,
    assert_step,
    extract_affine_map,
    extract_step_polynomial,
)
from tests.support.cases import generator
from tests.support.problems import states

UNIT = Gaussian(np.zeros(1), np.eye(1))


def same(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    return x


def test_a_known_affine_map_is_recovered() -> None:
    """Three rows in two dimensions with matrices that are not symmetric."""
    rng = generator("affine map")
    truth = AffineMap(rng.normal(size=2), rng.normal(size=(2, 2)), rng.normal(size=(3, 2, 2)))

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        noise = np.einsum("kij,knj->ni", truth.noise, z)
        return np.exp(truth.offset + np.log(x) @ truth.state.T + noise)

    for found, wanted in zip(extract_affine_map(sampler, rows=3, d=2), truth, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)
    start = Gaussian(np.array([0.4, -1.1]), np.array([[0.7, 0.2], [0.2, 0.5]]))
    by_hand = Gaussian(
        truth.offset + truth.state @ start.mean,
        truth.state @ start.cov @ truth.state.T + sum(b @ b.T for b in truth.noise),
    )
    assert_law(sampler, start, by_hand, rows=3)
    transposed = by_hand._replace(cov=by_hand.cov + truth.state - truth.state.T)
    with pytest.raises(ValueError, match="symmetric"):
        assert_law(sampler, start, transposed, rows=3)


def test_as_many_states_are_evaluated_as_it_takes() -> None:
    """N + 2 on the line, in one call."""
    shapes = []

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        shapes.append((x.shape, z.shape))
        return x * np.exp(0.3 * z.sum(axis=0))

    extract_affine_map(sampler, rows=7, d=1)
    assert shapes == [((9, 1), (7, 9, 1))]


def test_a_sampler_without_noise_has_a_law_too() -> None:
    found = assert_law(lambda x, z: x**2.0, UNIT, Gaussian(np.zeros(1), 4 * np.eye(1)), rows=0)
    # Powers and logarithms of NumPy differ in the last bits from one processor to another.
    assert abs(found.cov[0, 0] - 4.0) <= 8 * 2.0**-53 * 4.0


def test_the_size_of_a_rejection_is_that_of_the_defect() -> None:
    """By hand: a mean of 0.3 for 0.1 and a variance of 0.09 for 0.04."""

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return 1.0 / x**0 * np.exp(0.3 + 0.3 * z[0])

    stated = Gaussian(np.array([0.1]), np.array([[0.04]]))
    with pytest.raises(
        LawRejected, match=r"mean .* off by 1 .*\n.*found.*0\.3.*\n.*stated.*0\.1"
    ) as e:
        assert_law(sampler, UNIT, stated, rows=1)
    assert e.value.reasons == pytest.approx({"mean": 1.0, "covariance": 1.25}, rel=1e-12)
    assert e.value.found is not None
    assert e.value.found.mean[0] == pytest.approx(0.3, rel=1e-14)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_output_that_is_not_positive_is_refused(value: float) -> None:
    with pytest.raises(LawRejected, match="not positive and finite") as e:
        assert_law(lambda x, z: np.full_like(x, value), UNIT, UNIT, rows=2)
    assert e.value.reasons == {"positivity": 4.0}


def test_a_sampler_that_draws_its_own_noise_is_refused() -> None:
    rng = generator("own noise")
    with pytest.raises(LawRejected, match="not affine"):
        assert_law(lambda x, z: x * np.exp(rng.normal(size=x.shape)), UNIT, UNIT, rows=2)


def test_a_known_polynomial_is_recovered() -> None:
    x = states(2) * np.array([1.0, -1.0])
    truth = np.stack([0.7 + 0.1 * x, 0.4 - x**2, 0.05 * x**3])

    def step(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return x * (truth[0] + truth[1] * z + truth[2] * z**2)

    found = assert_step(step, x, truth)
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-14 * np.abs(truth).max())
    with pytest.raises(LawRejected, match="no polynomial of the stated degree"):
        assert_step(step, x, truth[:2])
    for index, name in enumerate(("offset", "slope", "curvature")):
        wrong = truth.copy()
        wrong[index] += 1e-9
        with pytest.raises(LawRejected) as e:
            assert_step(step, x, wrong)
        assert set(e.value.reasons) == {name}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_step_to_nowhere_is_refused(value: float) -> None:
    with pytest.raises(LawRejected, match="not finite") as e:
        extract_step_polynomial(lambda x, z: np.full_like(x, value), states(2))
    assert e.value.reasons == {"finiteness": 24.0}


def test_version_one_s_bias_has_its_predicted_size() -> None:
    """E2: at v0 = .05, sigma = .8, N = 1000 the log-mean is off by -0.1315 (digamma form)."""
    process, target = GBM(sigma=0.8), LogNormal(np.array([0.31]), 0.05)
    grid, score = uniform(1000), exact_score(target, process)

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """-delta (mu - sigma^2 / 2) where eq. (13) has 3/2; mu = sigma^2 / 2 here."""
        for row, noise in zip(grid, z, strict=True):
            x = x * np.exp(0.64 * row.dt * score(x, row.t_score) + 0.8 * np.sqrt(row.dt) * noise)
        return x

    end = target.diffuse(process, 1.0)
    found = extract_affine_map(sampler, rows=1000, d=1).law(Gaussian(end.log_mean, end.log_cov))
    bias, q = found.mean[0] - 0.31, 0.05 / (0.64 / 1000)
    assert bias == pytest.approx(-0.05 * (psi(q + 1000) - psi(q)), rel=1e-9)
    assert f"{bias:.4f}" == "-0.1315"
