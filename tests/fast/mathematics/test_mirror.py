"""Mirror-descent steps and Bregman divergences: gbm_fast against gbm_ref, and their mistakes."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.cases import Array, crossed, generator
from tests.support.twins import assert_agree, assert_twins, error_over_scale, tensor

DELTA = 0.137


def state() -> tuple[Array, Array, Array]:
    """x, the Stein score of a correlated log-normal at x, and noise, all (64, 3)."""
    rng = generator("mirror")
    cov = np.array([[0.5, 0.2, 0.0], [0.2, 0.8, -0.1], [0.0, -0.1, 0.3]])
    target = ref.LogNormal(np.array([0.4, -0.7, 1.1]), cov)
    x = np.exp(rng.normal(0.2, 1.3, size=(64, 3)))
    return x, target.stein_score(x), rng.standard_normal(x.shape)


def langevin_scale(x: Array, stein: Array, z: Array) -> Array:
    """x' times one plus the sizes of the terms whose sum is exponentiated."""
    terms = DELTA * (1 + np.abs(x * stein)) + math.sqrt(2 * DELTA) * np.abs(z)
    return ref.mirrored_langevin_step(x, stein, DELTA, z) * (1 + terms)


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_langevin_steps_agree(dtype: torch.dtype) -> None:
    """In float32 eight roundings of the sum, of exp and of the product, u = 2^-24 each."""
    x, stein, z = state() if dtype == torch.float64 else map(twins.single, state())
    scale = langevin_scale(x, stein, z)
    assert_agree("mirrored_langevin_step", x, stein, DELTA, z, scale=scale, dtype=dtype)


def test_planted_langevin_steps_are_refused() -> None:
    """Noise of variance 1 for 2, and the score of the density without its Jacobian."""
    x, stein, z = state()
    expected, scale = ref.mirrored_langevin_step(x, stein, DELTA, z), langevin_scale(x, stein, z)
    for s, noise in ((stein, z / math.sqrt(2)), (stein - 1 / x, z)):
        wrong = gbm.mirrored_langevin_step(tensor(x), tensor(s), DELTA, tensor(noise))
        assert error_over_scale(wrong, expected, scale) > 1e9 * twins.EXACT


def test_a_float64_score_does_not_promote_the_state() -> None:
    x = torch.full((2, 1, 3, 3), 1.4)
    z = torch.zeros_like(x)
    ours = gbm.mirrored_langevin_step(x, torch.full_like(x, -0.3).double(), DELTA, z.double())
    assert ours.dtype == torch.float32
    assert ours.shape == x.shape


ETA = 0.37


def weights(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Weights of both signs, one of them zero, and gradients."""
    rng = generator("mirror", str(shape))
    w, grad = twins.single(rng.normal(0, 1.2, shape)), twins.single(rng.normal(0, 1.5, shape))
    w.flat[1] = 0.0
    return w, grad


@crossed(shape=[(3,), (4, 2), (2, 1, 3, 3)], dtype=twins.DTYPES)
def test_steps_agree(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    w, grad = weights(shape)
    step = ETA * np.abs(grad)
    scale = np.abs(ref.exponentiated_gradient_step(w, grad, ETA)) * (1 + step) + 1e-300
    at = (w, grad, ETA)
    found = assert_agree("exponentiated_gradient_step", *at, scale=scale, dtype=dtype)
    assert bool((found.sign() == tensor(w).sign()).all())
    assert_agree("gradient_step", *at, scale=1 + np.abs(w) + step, dtype=dtype)


MISTAKES: dict[str, Callable[..., torch.Tensor]] = {
    "the sign left out": lambda w, g: w * torch.exp(-ETA * g),
    "ascent": lambda w, g: w * torch.exp(ETA * g * w.sign()),
    "the weight in the exponent": lambda w, g: w * torch.exp(-ETA * g * w),
    "first order": lambda w, g: w * (1 - ETA * g * w.sign()),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_steps_are_refused(name: str) -> None:
    w, grad = weights((4, 2))
    expected = ref.exponentiated_gradient_step(w, grad, ETA)
    scale = 1 + np.abs(w) * (1 + ETA * np.abs(grad))
    wrong = MISTAKES[name](tensor(w), tensor(grad))
    assert error_over_scale(wrong, expected, scale) > 1e6 * twins.EXACT


POTENTIALS = {"Euclidean": (gbm.EUCLIDEAN, ref.EUCLIDEAN), "entropy": (gbm.ENTROPY, ref.ENTROPY)}


@crossed(name=POTENTIALS, dtype=twins.DTYPES)
def test_bregman_divergences_agree(name: str, dtype: torch.dtype) -> None:
    """S adds up phi at both points and the terms of the linear part."""
    ours, oracle = POTENTIALS[name]
    w, w_ref = twins.single(generator("bregman").normal(0, 1.2, (2, 4, 3)))
    w_ref = np.copysign(w_ref, w)
    w[0, 0] = 0.0
    expected = ref.bregman(oracle, w, w_ref)
    slope = 1 + np.abs(oracle.gradient(w_ref))
    scale = (
        np.abs(w) * (1 + np.abs(np.log(np.where(w == 0, 1, np.abs(w)))))
        + w**2
        + np.abs(w_ref) * (1 + np.abs(np.log(np.abs(w_ref))))
        + w_ref**2
        + slope * (np.abs(w) + np.abs(w_ref))
    ).sum(-1)
    found = gbm.bregman(ours, tensor(w, dtype), tensor(w_ref, dtype))
    assert found.dtype == dtype
    assert_twins(found, expected, scale)
    value = tensor(w_ref).requires_grad_()
    (gradient,) = torch.autograd.grad(ours.value(value).sum(), value)
    assert_twins(ours.gradient(tensor(w_ref)), gradient.numpy(), slope)
    swapped = gbm.bregman(ours, tensor(w_ref), tensor(np.where(w == 0, 1e-3, w)))
    if name == "entropy":
        assert error_over_scale(swapped, expected, scale) > 1e-3
