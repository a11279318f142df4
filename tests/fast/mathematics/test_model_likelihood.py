"""What a model's score is worth: its likelihood, and the bound on what its errors cost."""

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from tests.support import twins
from tests.support.cases import generator
from tests.support.problems import LOG_NORMALS, PROCESSES
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target


class NoOutput(torch.nn.Module):
    """A network that has learned nothing, with a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.zero = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Zeros of the shape of x."""
        return self.zero * x


def test_a_model_s_likelihood_is_that_of_the_law_it_has_learned() -> None:
    """The preconditioned denoiser without its network is the exact one of N(a, s^2) pixels.

    So the likelihood of images by one sign probe is that law's own density at v(t_min), to the
    error of 24 Runge-Kutta steps; a law of another deviation is far from it.
    """
    a, s, d = 0.27, 0.34, 8
    process = twin_process(PROCESSES["variance-exploding"])
    model = gbm.ScoreModel(NoOutput(), gbm.Denoiser(a, s), a, s)
    score = gbm.score_function(model, process)
    grid = gbm.geometric(process, 25, 0.05, 3.0 * (1 - 1e-12))[:-1]
    x = tensor(twins.single(generator("model").uniform(1, 2, (3, 2, 2, 2))))
    law = gbm.LogNormal(tensor([a] * d), tensor(s**2))
    end = law.diffuse(process, grid[0].t_score)
    divergence = gbm.hutchinson_divergence(score, torch.ones(1, 3, 2, 2, 2))
    with torch.no_grad():
        found = gbm.log_likelihood(x, process, score, divergence, end, grid)
    begin = law.diffuse(process, grid[-1].t_score - grid[-1].dt)
    assert_twins(found, begin.logpdf(x.flatten(1)).numpy(), 1.0, 1e-3)
    other = gbm.LogNormal(tensor([a] * d), tensor(1.1 * s**2)).logpdf(x.flatten(1))
    assert error_over_scale(found, other.numpy(), 1.0) > 1e-2


@pytest.mark.parametrize("name", PROCESSES)
def test_the_likelihood_weighting_integrates_to_the_bound(name: str) -> None:
    """A score that is wrong by a constant c costs at most c^2 d v(T) / 2 nats (sheet R20).

    The integral of M-ESM over [0, T] by Gauss-Legendre with 16 nodes, exact to 1e-9 for these
    processes. Refused: another weighting.
    """
    process, error = twin_process(PROCESSES[name]), 0.3
    law = twin_target(LOG_NORMALS["log-normal-2d"])
    score = gbm.exact_score(law, process)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    times = process.horizon * (nodes + 1) / 2
    x = tensor([[1.2, 0.7]])

    def integral(weighting: gbm.Weighting) -> Tensor:
        losses = [
            gbm.m_esm(lambda x, t: score(x, t) + error, law, x, t, process, weighting).loss
            for t in times.tolist()
        ]
        return process.horizon / 2 * (tensor(weights) * torch.stack(losses)).sum()

    bound = error**2 * 2 * float(process.log_var(process.horizon)) / 2
    found = integral(gbm.LikelihoodWeighting(process))
    assert_twins(found, np.float64(bound), bound, 1e-9)
    assert error_over_scale(integral(gbm.variance_weighting), np.float64(bound), bound) > 1e-2
