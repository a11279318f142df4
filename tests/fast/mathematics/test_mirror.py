"""The torch twin of the mirrored Langevin step, on the noise of the oracle."""

import math

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.cases import generator

DELTA = 0.137


@pytest.fixture
def state() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, the Stein score of a correlated log-normal at x, and noise, all (64, 3)."""
    rng = generator("mirror")
    target = ref.LogNormal(
        np.array([0.4, -0.7, 1.1]), np.array([[0.5, 0.2, 0.0], [0.2, 0.8, -0.1], [0.0, -0.1, 0.3]])
    )
    x = np.exp(rng.normal(0.2, 1.3, size=(64, 3)))
    return x, target.stein_score(x), rng.standard_normal(x.shape)


def scale_of_condition(x: np.ndarray, stein: np.ndarray, z: np.ndarray) -> np.ndarray:
    """x' times one plus the sizes of the terms whose sum is exponentiated."""
    terms = DELTA * (1 + np.abs(x * stein)) + math.sqrt(2 * DELTA) * np.abs(z)
    return ref.mirrored_langevin_step(x, stein, DELTA, z) * (1 + terms)


def test_float64_equals_the_oracle(state: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    expected = ref.mirrored_langevin_step(state[0], state[1], DELTA, state[2])
    x, stein, z = map(torch.from_numpy, state)
    ours = gbm.mirrored_langevin_step(x, stein, DELTA, z).numpy()
    allowed = 1e-12 * scale_of_condition(*state)
    assert np.all(np.abs(ours - expected) <= allowed)
    noise_one = gbm.mirrored_langevin_step(x, stein, DELTA, z / math.sqrt(2)).numpy()
    no_jacobian = gbm.mirrored_langevin_step(x, stein - 1 / x, DELTA, z).numpy()
    for planted in (noise_one, no_jacobian):
        assert np.any(np.abs(planted - expected) > 1e9 * allowed)


def test_float32_stays_float32_and_within_its_rounding(
    state: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Budget: eight roundings of the sum, of exp and of the product, u = 2^-24 each."""
    x, stein, z = (torch.from_numpy(part).float() for part in state)
    ours = gbm.mirrored_langevin_step(x, stein, DELTA, z)
    assert ours.dtype == torch.float32
    exact = [part.double().numpy() for part in (x, stein, z)]
    expected = ref.mirrored_langevin_step(exact[0], exact[1], DELTA, exact[2])
    error = np.abs(ours.double().numpy() - expected)
    assert np.all(error <= 8 * 2.0**-24 * scale_of_condition(*exact))


def test_a_float64_score_does_not_promote_the_state() -> None:
    x = torch.full((2, 1, 3, 3), 1.4)
    z = torch.zeros_like(x)
    ours = gbm.mirrored_langevin_step(x, torch.full_like(x, -0.3).double(), DELTA, z.double())
    assert ours.dtype == torch.float32
    assert ours.shape == x.shape


@pytest.mark.parametrize("delta", [0.0, -0.1, math.inf, math.nan])
def test_an_impossible_step_is_refused(delta: float) -> None:
    x = torch.tensor([[1.2, 0.7]])
    with pytest.raises(ValueError, match="delta"):
        gbm.mirrored_langevin_step(x, -x, delta, x)


@pytest.mark.parametrize("bad", [0.0, -0.4, math.nan, math.inf])
def test_a_state_that_is_not_positive_is_refused(bad: float) -> None:
    x = torch.tensor([[1.2, bad]])
    with pytest.raises(ValueError, match="positive"):
        gbm.mirrored_langevin_step(x, torch.ones_like(x), DELTA, torch.ones_like(x))


def test_other_shapes_are_refused() -> None:
    x = torch.tensor([[1.2, 0.7]])
    with pytest.raises(ValueError, match="stein"):
        gbm.mirrored_langevin_step(x, x[:, :1], DELTA, x)
    with pytest.raises(ValueError, match="z"):
        gbm.mirrored_langevin_step(x, x, DELTA, x[0])
