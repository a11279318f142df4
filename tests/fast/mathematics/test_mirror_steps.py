"""Mirror-descent steps and Bregman divergences: gbm_fast against gbm_ref, and their mistakes."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.cases import Array, generator
from tests.support.twins import assert_twins, error_over_scale, tensor

ETA = 0.37
SHAPES = [(3,), (4, 2), (2, 1, 3, 3)]


def weights(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Weights of both signs, one of them zero, and gradients."""
    rng = generator("mirror", str(shape))
    w, grad = twins.single(rng.normal(0, 1.2, shape)), twins.single(rng.normal(0, 1.5, shape))
    w.flat[1] = 0.0
    return w, grad


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_steps_agree(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    w, grad = weights(shape)
    twin = (tensor(w, dtype), tensor(grad, dtype), ETA)
    multiplied = ref.exponentiated_gradient_step(w, grad, ETA)
    found = gbm.exponentiated_gradient_step(*twin)
    assert found.dtype == dtype
    assert_twins(found, multiplied, np.abs(multiplied) * (1 + ETA * np.abs(grad)) + 1e-300)
    assert bool((found.sign() == tensor(w).sign()).all())
    added = ref.gradient_step(w, grad, ETA)
    assert_twins(gbm.gradient_step(*twin), added, 1 + np.abs(w) + ETA * np.abs(grad))


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


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("name", POTENTIALS)
def test_bregman_divergences_agree(name: str, dtype: torch.dtype) -> None:
    """S adds up phi at both points and the terms of the linear part."""
    ours, oracle = POTENTIALS[name]
    rng = generator("bregman")
    w, w_ref = twins.single(rng.normal(0, 1.2, (2, 4, 3)))
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


def test_what_is_out_of_range_is_refused() -> None:
    w = tensor([0.3, -0.2])
    for step in (gbm.exponentiated_gradient_step, gbm.gradient_step):
        with pytest.raises(ValueError, match="eta must be"):
            step(w, w, 0.0)
        with pytest.raises(ValueError, match="grad must have the shape"):
            step(w, w[:1], ETA)
        with pytest.raises(ValueError, match="finite"):
            step(w, w / 0, ETA)
    with pytest.raises(ValueError, match="the gradient of phi must be finite"):
        gbm.bregman(gbm.ENTROPY, w, tensor([0.0, 1.0]))
