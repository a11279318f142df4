"""gbm_fast's M-DSM loss and its weightings against gbm_ref's, and their refusals."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support.cases import generator
from tests.support.problems import PROCESSES
from tests.support.twins import DTYPES, Array, assert_twins, tensor, twin_process

EVENTS = [(1,), (2,), (2, 4, 4)]
# Each as a function of the process, since one of them is made for it.
WEIGHTINGS: dict[str, Callable[[ref.Process], tuple[gbm.Weighting, ref.Weighting]]] = {
    "unweighted": lambda process: (gbm.unweighted, ref.unweighted),
    "variance": lambda process: (gbm.variance_weighting, ref.variance_weighting),
    "preconditioned": lambda process: (
        gbm.PreconditionedWeighting(0.37),
        ref.PreconditionedWeighting(0.37),
    ),
    "likelihood": lambda process: (
        gbm.LikelihoodWeighting(twin_process(process)),
        ref.LikelihoodWeighting(process),
    ),
}
SLOPE, OFFSET = -0.83, 0.29


def log_linear(x: Tensor, t: Time) -> Tensor:
    """A model, no exact score of anything: h = OFFSET + SLOPE log x."""
    return OFFSET + SLOPE * x.log()


def log_linear_ref(x: Array, t: float) -> Array:
    return OFFSET + SLOPE * np.log(x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", PROCESSES)
def test_the_loss_agrees(
    name: str, event: tuple[int, ...], weighting: str, dtype: torch.dtype
) -> None:
    """One time a sample against the oracle a sample at a time, with every named term.

    Scales: h_target 1 + |z| / sqrt(v); h_model 1 + (1 + |m| + sqrt(v) |z| + |log x0|); the loss
    lambda / 2 times the squared sum of both, whose relative error is twice theirs.
    """
    process = PROCESSES[name]
    weights, ref_weights = WEIGHTINGS[weighting](process)
    rng = generator("loss", name, str(event))
    x0, z = rng.uniform(1, 2, (4, *event)), rng.standard_normal((4, *event))
    times = np.array([1e-3, 0.2, 0.7, 1.0]) * process.horizon
    found = gbm.m_dsm(
        log_linear,
        tensor(x0, dtype),
        tensor(times),
        tensor(z, dtype),
        twin_process(process),
        weights,
    )
    for i, t in enumerate(times):
        flat = (x0[i].reshape(1, -1), z[i].reshape(1, -1))
        expected = ref.m_dsm(log_linear_ref, flat[0], t, flat[1], process, ref_weights)
        v, spread = process.log_var(t), np.abs(flat[1])
        target_scale = 1 + spread / np.sqrt(v)
        model_scale = 2 + np.log(flat[0]) + abs(process.log_mean(t)) + np.sqrt(v) * spread
        assert_twins(found.h_target[i].reshape(1, -1), expected.h_target, target_scale)
        assert_twins(found.h_model[i].reshape(1, -1), expected.h_model, model_scale)
        weight = ref_weights(v)
        loss_scale = weight * ((target_scale + model_scale) ** 2).sum()
        assert_twins(found.per_sample[i : i + 1], expected.per_sample, loss_scale)
    mean = float(found.per_sample.double().mean())
    assert_twins(found.loss, np.float64(mean), abs(mean))


PROCESS = gbm.GBM(mu=0.13, sigma=0.7)


@pytest.mark.parametrize("t", [0.0, torch.tensor([0.4, 0.0])])
def test_time_zero_is_refused(t: float | Tensor) -> None:
    x0 = tensor([[1.2, 1.4], [1.1, 1.9]])
    with pytest.raises(ValueError, match="t = 0"):
        gbm.m_dsm(log_linear, x0, t, torch.zeros_like(x0), PROCESS)


@pytest.mark.parametrize("bad", [0.0, -0.2, float("nan"), float("inf")])
def test_pixels_that_are_not_positive_are_refused(bad: float) -> None:
    x0 = tensor([[1.2, bad], [1.1, 1.9]])
    with pytest.raises(ValueError, match="x0 must be positive and finite"):
        gbm.m_dsm(log_linear, x0, 0.3, torch.zeros_like(x0), PROCESS)


def test_other_shapes_are_refused() -> None:
    x0 = tensor([[1.2, 1.4], [1.1, 1.9]])
    z = torch.zeros_like(x0)
    with pytest.raises(ValueError, match="z must have the shape"):
        gbm.m_dsm(log_linear, x0, 0.3, z[:, :1], PROCESS)
    with pytest.raises(ValueError, match="model's score must have the shape"):
        gbm.m_dsm(lambda x, t: x[:, :1], x0, 0.3, z, PROCESS)
    with pytest.raises(ValueError, match="one value a sample"):
        gbm.m_dsm(log_linear, x0, torch.tensor([0.3, 0.3, 0.3]), z, PROCESS)


@pytest.mark.parametrize("value", [0.0, -0.3, float("nan")])
def test_a_weighting_needs_a_positive_deviation(value: float) -> None:
    with pytest.raises(ValueError, match="log_std"):
        gbm.PreconditionedWeighting(value)
