"""gbm_fast.gamma_noise against gbm_ref, and against its own kernel."""

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.cases import Array, generator
from tests.support.twins import assert_twins, error_over_scale, tensor


def noise_case() -> list[Array]:
    """x, x0, gamma draws, beta draws and a score, (3, 2, 4, 4)."""
    rng, shape = generator("gamma noise"), (3, 2, 4, 4)
    positive = [np.exp(rng.uniform(-1, 1, shape)) for _ in range(2)]
    draws = rng.gamma(2.5, size=shape), rng.beta(2.0, 3.0, shape), rng.normal(-1, 2, shape)
    return [twins.single(values) for values in (*positive, *draws)]


LOOKS, FEWER = 3.5, 2.25


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_gamma_noise_agrees(dtype: torch.dtype) -> None:
    x, x0, gamma, beta, h = noise_case()
    size = LOOKS + LOOKS * x / x0 + 1
    for name, arguments, scale in [
        ("gamma_noise_sample", (x0, LOOKS, gamma), x0 * gamma),
        ("gamma_conditional_hyvarinen_score", (x, x0, LOOKS), size),
        ("gamma_denoiser", (x, h, LOOKS), (1 + LOOKS + np.abs(h)) / (LOOKS * x)),
        ("gamma_chain_step", (x, LOOKS, FEWER, beta), 2 * x * beta),
        ("gamma_ancestral_step", (x, x0, FEWER, LOOKS, gamma), x + x0 * gamma),
    ]:
        twins.assert_agree(name, *arguments, scale=scale, dtype=dtype)


def test_the_gamma_score_is_a_derivative_and_the_chain_composes() -> None:
    """x d/dx log of the Gamma(L, L / x0) density; a chain step multiplies by beta L / L'."""
    x, x0, gamma, beta, _ = map(tensor, noise_case())
    kernel = gbm.Gamma(torch.full((2,), LOOKS, dtype=torch.float64), LOOKS / x0[0, 0, 0, :2])
    found = gbm.gamma_conditional_hyvarinen_score(x[0, 0, 0, :2], x0[0, 0, 0, :2], LOOKS)
    assert_twins(found, kernel.hyvarinen_score(x[0, 0, 0, :2]).numpy(), 1 + found.abs().numpy())
    noisy = gbm.gamma_noise_sample(x0, LOOKS, gamma)
    later = gbm.gamma_chain_step(noisy, LOOKS, FEWER, beta)
    expected = gbm.gamma_noise_sample(x0, FEWER, gamma * beta).numpy()
    assert_twins(later, expected, expected)
    assert error_over_scale(noisy * beta * FEWER / LOOKS, expected, expected) > 0.1


def test_the_marginal_of_gamma_noise_is_the_oracle_s() -> None:
    shape, scale = twins.single([2.2, 3.1]), twins.single([0.8, 1.7])
    found = gbm.gamma_marginal(gbm.InverseGamma(tensor(shape), tensor(scale)), LOOKS)
    expected = ref.gamma_marginal(ref.InverseGamma(shape, scale), LOOKS)
    for name in ("a", "b", "scale"):
        wanted = getattr(expected, name)
        assert_twins(getattr(found, name), wanted, wanted)
