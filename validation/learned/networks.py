"""Training the networks of the study, and reading their scores in float64."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from gbm_fast.data.toys import load_toy
from gbm_fast.parameterisation import ScoreModel, score_function
from gbm_fast.process import GBM
from gbm_fast.training.batches import LawBatches
from gbm_fast.training.loop import fit
from gbm_fast.training.trainer import Trainer
from validation.learned.problems import SIGMA, Array, Case, Plan, training

LogScore = Callable[[Array, float], Array]
"""(y, t) -> s_model: log states (n, d) and a time to the log score (n, d), in float64."""


def train(case: Case, plan: Plan, folder: Path) -> tuple[ScoreModel, float]:
    """The averaged network of a case, and the seconds of its training.

    It is trained in a folder of its own in `folder`, from where it stopped if that holds one.

    Raises ValueError where the training was interrupted.
    """
    name = f"{case.law}, {case.way}, {case.seed}, {plan.train_steps} steps"
    own = folder / name.replace(", ", "_").replace(" ", "-")
    own.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(training(case, plan), LawBatches(load_toy(case.law)), own)
    if not fit(trainer, plan.train_steps, None, show_progress=False):
        raise ValueError("the training was interrupted: run the study again.")
    return trainer.average.module.eval().requires_grad_(False), trainer.seconds


def log_score(model: ScoreModel) -> LogScore:
    """The network's s_model = 1 + h_model, evaluated in float64."""
    score = score_function(copy.deepcopy(model).double(), GBM(sigma=SIGMA))

    def evaluate(y: Array, t: float) -> Array:
        with torch.no_grad():
            h = score(torch.from_numpy(np.exp(y)), t)
        return 1.0 + h.numpy()

    return evaluate
