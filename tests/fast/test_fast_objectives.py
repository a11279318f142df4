"""gbm_fast.objectives against gbm_ref.objectives, and M-DSM's gradient against M-ESM's."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast.objectives as fast
import gbm_ref.objectives as ref
from gbm_fast.process import GBM, Time
from gbm_ref import LogNormal
from tests.fast.cases import generator
from tests.fast.twins import (
    DTYPES,
    EXACT,
    Array,
    assert_twins,
    error_over_scale,
    tensor,
    twin_process,
)
from tests.problems import LOG_NORMALS, PROCESSES

EVENTS = [(1,), (2,), (2, 4, 4)]
WEIGHTINGS = {
    "unweighted": (fast.unweighted, ref.unweighted),
    "variance": (fast.variance_weighting, ref.variance_weighting),
    "preconditioned": (fast.PreconditionedWeighting(0.37), ref.PreconditionedWeighting(0.37)),
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
    rng = generator("loss", name, str(event))
    x0, z = rng.uniform(1, 2, (4, *event)), rng.standard_normal((4, *event))
    times = np.array([1e-3, 0.2, 0.7, 1.0]) * process.horizon
    found = fast.m_dsm(
        log_linear,
        tensor(x0, dtype),
        tensor(times),
        tensor(z, dtype),
        twin_process(process),
        WEIGHTINGS[weighting][0],
    )
    for i, t in enumerate(times):
        flat = (x0[i].reshape(1, -1), z[i].reshape(1, -1))
        expected = ref.m_dsm(
            log_linear_ref, flat[0], t, flat[1], process, WEIGHTINGS[weighting][1]
        )
        v, spread = process.log_var(t), np.abs(flat[1])
        target_scale = 1 + spread / np.sqrt(v)
        model_scale = 2 + np.log(flat[0]) + abs(process.log_mean(t)) + np.sqrt(v) * spread
        assert_twins(found.h_target[i].reshape(1, -1), expected.h_target, target_scale)
        assert_twins(found.h_model[i].reshape(1, -1), expected.h_model, model_scale)
        weight = WEIGHTINGS[weighting][1](v)
        loss_scale = weight * ((target_scale + model_scale) ** 2).sum()
        assert_twins(found.per_sample[i : i + 1], expected.per_sample, loss_scale)
    mean = float(found.per_sample.double().mean())
    assert_twins(found.loss, np.float64(mean), abs(mean))


def gauss_hermite(dimension: int, nodes: int = 4) -> tuple[Array, Array]:
    """Points (n, dimension), weights (n,): exact for a normal vector's moments to degree 7."""
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    points = np.array(list(itertools.product(z, repeat=dimension)))
    weights = np.array([np.prod(p) for p in itertools.product(w / w.sum(), repeat=dimension)])
    return points, weights


def losses(
    data: LogNormal, process: GBM, t: float, model: torch.nn.Linear
) -> tuple[Tensor, Tensor]:
    """Expected M-DSM and M-ESM losses of h = model(log x), exact up to rounding.

    M-DSM over (X_0, z) with gbm_fast's own loss, M-ESM over X_t with the score of the diffused
    law; both integrands are polynomials of degree 2 in normal variables.
    """
    d = data.d

    def h_model(x: Tensor, t: Time) -> Tensor:
        return model(x.log())

    points, weights = gauss_hermite(2 * d)
    x0 = np.exp(data.log_mean + points[:, :d] @ np.linalg.cholesky(data.log_cov).T)
    samples = fast.m_dsm(h_model, tensor(x0), t, tensor(points[:, d:]), process).per_sample
    dsm = (tensor(weights) * samples).sum()

    points, weights = gauss_hermite(d)
    cov = data.log_cov + float(process.log_var(t)) * np.eye(d)
    deviation = points @ np.linalg.cholesky(cov).T
    log_x = data.log_mean + float(process.log_mean(t)) + deviation
    exact = tensor(-1 - deviation @ np.linalg.inv(cov))
    half_squares = (exact - model(tensor(log_x))).square().sum(-1) / 2
    return dsm, (tensor(weights) * half_squares).sum()


def affine_model(d: int) -> torch.nn.Linear:
    model = torch.nn.Linear(d, d, dtype=torch.float64)
    rng = generator("affine", str(d))
    with torch.no_grad():
        model.weight.copy_(tensor(rng.normal(-0.4, 0.5, (d, d))))
        model.bias.copy_(tensor(rng.normal(-0.6, 0.5, d)))
    return model


def gradient(loss: Tensor, model: torch.nn.Linear) -> Tensor:
    parts = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
    return torch.cat([part.flatten() for part in parts])


@pytest.mark.parametrize("name", LOG_NORMALS)
@pytest.mark.parametrize("t", [0.05, 0.9])
def test_the_gradient_of_m_dsm_is_that_of_m_esm(name: str, t: float) -> None:
    """Theorem 4.1 of version 2 (sheet A26-A32), by exact quadrature: nothing is sampled.

    The losses themselves differ by (d / v - I) / 2 with I = tr (S_0 + v I)^-1 (sheet R4b).
    """
    data, process = LOG_NORMALS[name], GBM(mu=0.13, sigma=0.7)
    model = affine_model(data.d)
    dsm, esm = losses(data, process, t, model)
    v = float(process.log_var(t))
    scale = 10 * data.d / v
    assert_twins(gradient(dsm, model), gradient(esm, model).numpy(), scale)
    information = np.trace(np.linalg.inv(data.log_cov + v * np.eye(data.d)))
    floor = 0.5 * (data.d / v - information)
    assert_twins(dsm - esm, np.float64(floor), scale)


def test_a_target_without_its_one_is_refused() -> None:
    """The planted twin: h_target = -z / sqrt(v), the log score, moves the bias's gradient."""
    data, process = LOG_NORMALS["log-normal-2d"], GBM(mu=0.13, sigma=0.7)
    model = affine_model(2)
    dsm, esm = losses(data, process, 0.9, model)
    shifted = torch.nn.Linear(2, 2, dtype=torch.float64)
    with torch.no_grad():
        shifted.weight.copy_(model.weight)
        shifted.bias.copy_(model.bias - 1)
    wrong, _ = losses(data, process, 0.9, shifted)
    scale = 20 / float(process.log_var(0.9))
    assert error_over_scale(gradient(dsm, model), gradient(esm, model).numpy(), scale) < EXACT
    assert error_over_scale(gradient(wrong, shifted), gradient(esm, model).numpy(), scale) > 0.01


PROCESS = GBM(mu=0.13, sigma=0.7)


@pytest.mark.parametrize("t", [0.0, torch.tensor([0.4, 0.0])])
def test_time_zero_is_refused(t: float | Tensor) -> None:
    x0 = tensor([[1.2, 1.4], [1.1, 1.9]])
    with pytest.raises(ValueError, match="t = 0"):
        fast.m_dsm(log_linear, x0, t, torch.zeros_like(x0), PROCESS)


@pytest.mark.parametrize("bad", [0.0, -0.2, float("nan"), float("inf")])
def test_pixels_that_are_not_positive_are_refused(bad: float) -> None:
    x0 = tensor([[1.2, bad], [1.1, 1.9]])
    with pytest.raises(ValueError, match="x0 must be positive and finite"):
        fast.m_dsm(log_linear, x0, 0.3, torch.zeros_like(x0), PROCESS)


def test_other_shapes_are_refused() -> None:
    x0 = tensor([[1.2, 1.4], [1.1, 1.9]])
    z = torch.zeros_like(x0)
    with pytest.raises(ValueError, match="z must have the shape"):
        fast.m_dsm(log_linear, x0, 0.3, z[:, :1], PROCESS)
    with pytest.raises(ValueError, match="model's score must have the shape"):
        fast.m_dsm(lambda x, t: x[:, :1], x0, 0.3, z, PROCESS)
    with pytest.raises(ValueError, match="one value a sample"):
        fast.m_dsm(log_linear, x0, torch.tensor([0.3, 0.3, 0.3]), z, PROCESS)


@pytest.mark.parametrize("value", [0.0, -0.3, float("nan")])
def test_a_weighting_needs_a_positive_deviation(value: float) -> None:
    with pytest.raises(ValueError, match="log_std"):
        fast.PreconditionedWeighting(value)
