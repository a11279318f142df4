"""gbm_fast.gamma_noise against gbm_ref, against its own kernel, and its refusals."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_fast.gamma_noise as fast_noise
import gbm_ref as ref
from tests.support.cases import generator
from tests.support.twins import DTYPES, Array, assert_twins, error_over_scale, single, tensor


def noise_case(dtype: torch.dtype) -> tuple[list[Array], list[torch.Tensor]]:
    """x, x0, gamma draws, beta draws and a score, (3, 2, 4, 4), as arrays and as tensors."""
    rng = generator("gamma noise")
    shape = (3, 2, 4, 4)
    arrays = [
        single(values)
        for values in (
            np.exp(rng.uniform(-1, 1, shape)),
            np.exp(rng.uniform(-1, 1, shape)),
            rng.gamma(2.5, size=shape),
            rng.beta(2.0, 3.0, shape),
            rng.normal(-1, 2, shape),
        )
    ]
    return arrays, [tensor(a, dtype) for a in arrays]


LOOKS, FEWER = 3.5, 2.25


@pytest.mark.parametrize("dtype", DTYPES)
def test_gamma_noise_agrees(dtype: torch.dtype) -> None:
    arrays, tensors = noise_case(dtype)
    x, x0, gamma, beta, h = arrays
    tx, tx0, tgamma, tbeta, th = tensors
    size = LOOKS + LOOKS * x / x0 + 1
    for name, fast_args, ref_args, scale in [
        ("gamma_noise_sample", (tx0, LOOKS, tgamma), (x0, LOOKS, gamma), x0 * gamma),
        ("gamma_conditional_hyvarinen_score", (tx, tx0, LOOKS), (x, x0, LOOKS), size),
        ("gamma_denoiser", (tx, th, LOOKS), (x, h, LOOKS), (1 + LOOKS + np.abs(h)) / (LOOKS * x)),
        ("gamma_chain_step", (tx, LOOKS, FEWER, tbeta), (x, LOOKS, FEWER, beta), 2 * x * beta),
        (
            "gamma_ancestral_step",
            (tx, tx0, FEWER, LOOKS, tgamma),
            (x, x0, FEWER, LOOKS, gamma),
            x + x0 * gamma,
        ),
    ]:
        found = getattr(fast_noise, name)(*fast_args)
        assert found.dtype == dtype
        assert_twins(found, getattr(ref, name)(*ref_args), scale)


def test_the_gamma_score_is_a_derivative_and_the_chain_composes() -> None:
    """x d/dx log of the Gamma(L, L / x0) density; a chain step multiplies by beta L / L'."""
    arrays, (x, x0, gamma, beta, _) = noise_case(torch.float64)
    kernel = gbm.Gamma(torch.full((2,), LOOKS, dtype=torch.float64), LOOKS / x0[0, 0, 0, :2])
    found = gbm.gamma_conditional_hyvarinen_score(x[0, 0, 0, :2], x0[0, 0, 0, :2], LOOKS)
    assert_twins(found, kernel.hyvarinen_score(x[0, 0, 0, :2]).numpy(), 1 + found.abs().numpy())
    noisy = gbm.gamma_noise_sample(x0, LOOKS, gamma)
    later = gbm.gamma_chain_step(noisy, LOOKS, FEWER, beta)
    expected = gbm.gamma_noise_sample(x0, FEWER, gamma * beta)
    assert_twins(later, expected.numpy(), expected.numpy())
    planted = noisy * beta * FEWER / LOOKS
    assert error_over_scale(planted, expected.numpy(), expected.numpy()) > 0.1


def test_the_marginal_of_gamma_noise_is_the_oracle_s() -> None:
    shape, scale = single([2.2, 3.1]), single([0.8, 1.7])
    found = gbm.gamma_marginal(gbm.InverseGamma(tensor(shape), tensor(scale)), LOOKS)
    expected = ref.gamma_marginal(ref.InverseGamma(shape, scale), LOOKS)
    for name in ("a", "b", "scale"):
        wanted = getattr(expected, name)
        assert_twins(getattr(found, name), wanted, wanted)


REFUSALS: dict[str, tuple[Callable[[], object], str]] = {
    "looks": (lambda: gbm.gamma_denoiser(tensor([1.0]), tensor([1.0]), 0.0), "looks"),
    "rising looks": (
        lambda: gbm.gamma_chain_step(tensor([1.0]), 2.0, 3.0, tensor([0.5])),
        "noise grows",
    ),
    "beta above 1": (lambda: gbm.gamma_chain_step(tensor([1.0]), 3.0, 2.0, tensor([1.5])), "beta"),
    "x0 negative": (
        lambda: gbm.gamma_conditional_hyvarinen_score(tensor([1.0]), tensor([-1.0]), 2.0),
        "x0 must be positive",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_out_of_range_is_refused(name: str) -> None:
    call, message = REFUSALS[name]
    with pytest.raises(ValueError, match=message):
        call()
