"""Derivatives in a covariance with equal eigenvalues, taken forwards, against those backwards."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from tests.support.twins import tensor

MEAN, X = tensor([0.1, 0.2, 0.3]), tensor([[1.3, 0.7, 1.1], [0.9, 1.6, 2.0]])
COV = tensor([[2.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0]])
TURN = tensor([[1, 2, 3], [2, 4, 5], [3, 5, 6]])
PROCESS = gbm.GBM(0.1, 0.8)

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "log density": lambda cov: gbm.LogNormal(MEAN, cov).logpdf(X).sum(),
    "diffused": lambda cov: gbm.LogNormal(MEAN, cov).diffuse(PROCESS, 0.5).logpdf(X).sum(),
    "log score": lambda cov: gbm.LogNormal(MEAN, cov).log_score(X).sum(),
    "divergence": lambda cov: gbm.kl_divergence(
        gbm.Gaussian(MEAN, cov), gbm.Gaussian(0 * MEAN, 1.5 * COV)
    ),
    "price": lambda cov: gbm.best_start(gbm.Gaussian(MEAN, cov), PROCESS).cost,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_forward_derivatives_are_those_backwards(name: str) -> None:
    function = FUNCTIONS[name]
    cov = COV.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(cov), cov)
    _, forward = torch.func.jvp(function, (COV,), (TURN,))
    assert bool(torch.isfinite(gradient).all()) and float(gradient.abs().sum()) > 1e-3
    torch.testing.assert_close(forward, (gradient * TURN).sum(), rtol=1e-10, atol=1e-12)
