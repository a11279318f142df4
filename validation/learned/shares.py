"""How much of the training, loss and gradient, comes from the smallest times.

The unweighted loss has a target of mean square d (1 + 1 / v(t)): with the times t_k = k / N of the
paper half of its mean over k comes from a few steps (claims E9, R4). What matters for learning is
what the noise of the gradient is made of, E |grad of the loss of one draw|^2: a draw of a small
time moves the weights as far as many draws of the others.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from gbm_fast.data.toys import load_toy
from gbm_fast.objectives import m_dsm
from gbm_fast.parameterisation import ScoreModel, score_function
from gbm_fast.process import GBM
from gbm_fast.runtime.random import Stream, first_uniforms, normal_events
from gbm_fast.training.batches import LawBatches
from gbm_fast.training.build import build_weighting
from gbm_fast.training.times import build_times
from validation.learned.problems import SIGMA, Array, Case, Plan, training

EARLY = 0.032
"""Times up to this are called small: k <= 32 of the paper's 1,000."""
_CHUNK = 128


class Shares(NamedTuple):
    """For draws as in the training: times (n,), losses (n,) and squared gradient norms (n,)."""

    times: Array
    losses: Array
    gradients: Array

    def early(self, values: Array) -> float:
        """The share of the sum of `values` that comes from times up to EARLY."""
        return float(values[self.times <= EARLY * (1.0 + 1e-9)].sum() / values.sum())


def shares(case: Case, plan: Plan, model: ScoreModel) -> Shares:
    """Losses and gradients of single draws at the weights of `model`, times spread evenly."""
    config, process = training(case, plan), GBM(sigma=SIGMA)
    batches = LawBatches(load_toy(case.law))
    weighting = build_weighting(config, batches.log_std)
    count = plan.gradients
    step = plan.train_steps  # the first that was not taken
    uniform = first_uniforms(case.seed, Stream.TIMES, step, count)
    t = build_times(config, process, batches.log_std)((torch.arange(count) + uniform) / count)
    x0 = batches.draw(case.seed, step, count, range(count)).x.float()
    z = normal_events(case.seed, Stream.NOISE, [step], range(count), x0.shape[1:])[0]
    score = score_function(model, process)
    with torch.no_grad():
        losses = m_dsm(score, x0, t, z, process, weighting).per_sample
    v = process.log_var(t)
    y = process.sample(x0, t, z).log()
    squares = _gradients(model, y, v.float(), z, weighting(v).float())
    return Shares(t.numpy(), losses.double().numpy(), squares.double().numpy())


def _gradients(model: ScoreModel, y: Tensor, v: Tensor, z: Tensor, weights: Tensor) -> Tensor:
    """|gradient of the loss of one draw with respect to all weights|^2, (n,), at y = log x."""
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def loss(values: dict[str, Tensor], y: Tensor, v: Tensor, z: Tensor, weight: Tensor) -> Tensor:
        arguments = (y[None], torch.zeros_like(v)[None], v[None])
        log_score = functional_call(model, values, arguments)[0]
        return weight * 0.5 * (-z / v.sqrt() - log_score).square().sum()

    single = vmap(grad(loss), in_dims=(None, 0, 0, 0, 0))
    chunks = []
    for part in torch.arange(len(y)).split(_CHUNK):
        gradients = single(parameters, y[part], v[part], z[part], weights[part])
        chunks.append(sum(g.flatten(1).square().sum(1) for g in gradients.values()))
    return torch.cat(chunks)


def target_share(num_steps: int) -> float:
    """The share of small times in the mean square of the unweighted target, exactly (E9)."""
    k = np.arange(1, num_steps + 1)
    squares = 1.0 + num_steps / (SIGMA**2 * k)
    return float(squares[k <= EARLY * num_steps].sum() / squares.sum())
