"""What a training minimises, item by item: M-DSM of a score, or the squares of a restorer."""

from collections.abc import Callable

from torch import Tensor, nn

from gbm_fast.gamma_noise import speckle_loss
from gbm_fast.objectives import m_dsm
from gbm_fast.parameterisation import score_function
from gbm_fast.process import Process
from gbm_fast.settings.training import TrainConfig
from gbm_fast.training.batches import Batch
from gbm_fast.training.build import build_weighting
from gbm_fast.training.times import target_times

Objective = Callable[[nn.Module, Batch], Tensor]
"""(model, batch) to the loss of each item, summed over its elements, (n,)."""


def build_objective(config: TrainConfig, process: Process, log_std: float) -> Objective:
    """The objective of a run, on data of log-deviation `log_std`."""
    if config.noise == "gamma":
        return lambda model, batch: speckle_loss(model, batch.x0, batch.t, batch.z, log_std)
    weighting = build_weighting(config, log_std)

    def loss(model: nn.Module, batch: Batch) -> Tensor:
        score = score_function(model, process, batch.labels)
        of = process, weighting, target_times(config, process, batch.t)
        return m_dsm(score, batch.x0, batch.t, batch.z, *of).per_sample * batch.weights

    return loss
