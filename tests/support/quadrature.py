"""Expectations of losses without sampling: Gauss-Hermite rules and an affine model in log x."""

import itertools
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import Linear

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support.cases import generator
from tests.support.twins import Array, tensor, twin_target


def gauss_hermite(dimension: int, nodes: int = 4) -> tuple[Array, Array]:
    """Points (n, dimension), weights (n,): exact for a normal vector's moments to degree 7."""
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    points = np.array(list(itertools.product(z, repeat=dimension)))
    weights = np.array([np.prod(p) for p in itertools.product(w / w.sum(), repeat=dimension)])
    return points, weights


def affine_model(d: int) -> Linear:
    model = Linear(d, d, dtype=torch.float64)
    rng = generator("affine", str(d))
    with torch.no_grad():
        model.weight.copy_(tensor(rng.normal(-0.4, 0.5, (d, d))))
        model.bias.copy_(tensor(rng.normal(-0.6, 0.5, d)))
    return model


def gradient(loss: Tensor, model: Linear) -> Tensor:
    parts = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
    return torch.cat([part.flatten() for part in parts])


class Losses(NamedTuple):
    dsm: Tensor
    esm: Tensor
    implicit: Tensor
    by_hand: Tensor


def expected_losses(data: ref.LogNormal, process: gbm.GBM, t: float, model: Linear) -> Losses:
    """M-DSM over (X_0, z), the others over X_t, of h = model(log x), exact up to rounding:
    polynomials of degree 2 in normal variables. `by_hand` is M-ESM with the diffused law's score
    written out."""
    d = data.d

    def h_model(x: Tensor, t: Time) -> Tensor:
        return model(x.log())

    def slope(x: Tensor, t: Time) -> Tensor:
        return model.weight.diagonal().expand_as(x)

    points, weights = gauss_hermite(2 * d)
    x0 = np.exp(data.log_mean + points[:, :d] @ np.linalg.cholesky(data.log_cov).T)
    dsm = gbm.m_dsm(h_model, tensor(x0), t, tensor(points[:, d:]), process)
    points, later_weights = gauss_hermite(d)
    cov = data.log_cov + float(process.log_var(t)) * np.eye(d)
    deviation = points @ np.linalg.cholesky(cov).T
    log_x = data.log_mean + float(process.log_mean(t)) + deviation
    x = tensor(np.exp(log_x))
    esm = gbm.m_esm(h_model, twin_target(data), x, t, process)
    implicit = gbm.implicit_m_esm(h_model, slope, x, t, process)
    exact = tensor(-1 - deviation @ np.linalg.inv(cov))
    half_squares = (exact - model(tensor(log_x))).square().sum(-1) / 2
    later = tensor(later_weights)
    return Losses(
        (tensor(weights) * dsm.per_sample).sum(),
        *((later * p).sum() for p in (esm.per_sample, implicit.per_sample, half_squares)),
    )
