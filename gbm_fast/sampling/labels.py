"""The classes of samples: which labels a run takes, whether a start has the class, guidance."""

import torch
from torch import Tensor

from gbm_fast.parameterisation import score_function
from gbm_fast.process import Process
from gbm_fast.sampling.initial import separation
from gbm_fast.scores import LogScore, guided_score
from gbm_fast.settings.sampling import StartName
from gbm_fast.training.runs import TrainedModel

LEAST_SEPARATION = 1.0
"""How far class averages must be apart at the start, in deviations of the noise, to show there."""


def require_labels(labels: Tensor, count: int, num_classes: int) -> None:
    """Raise ValueError unless `labels` are (count,) integers in 0..num_classes-1."""
    integers = isinstance(labels, Tensor) and labels.dtype in (torch.int32, torch.int64)
    fit = integers and labels.shape == (count,)
    if not (fit and bool(((labels >= 0) & (labels < num_classes)).all())):
        raise ValueError(f"labels must be {count} integers in 0..{num_classes - 1}.")


def require_class(run: TrainedModel, label: int, start: StartName, process: Process) -> None:
    """Raise ValueError unless a start of the run along `process` can make samples of a class."""
    if not float(run.statistics.class_frequencies[label]) > 0:
        raise ValueError(f"label: {run.class_text(label)} has no training image in {run.folder}.")
    if run.num_classes:
        return
    advice = "train with --class-conditional"
    if start not in ("class-average", "class-average-coded", "data"):
        raise ValueError(
            f"label: {run.folder} is not class-conditional, and the start {start} has no class: "
            f"{advice}, or pass --start class-average."
        )
    if start == "data":  # the label says which images are noised, however far
        return
    apart = separation(run.statistics, label, process)
    if apart < LEAST_SEPARATION:
        std = float(process.log_var(process.horizon)) ** 0.5
        raise ValueError(
            f"label: {run.folder} is not class-conditional, and its start at sqrt(v) = {std:g} "
            f"has forgotten the class: the average of {run.class_text(label)} is {apart:.2g} "
            f"deviations of the noise from the nearest other, and {LEAST_SEPARATION:g} is the "
            f"least: {advice}, or sample along a process that ends at less noise (--process "
            "constant, where the network was trained on its levels)."
        )


def require_guidance(run: TrainedModel, weight: float) -> None:
    """Raise ValueError unless the run has the two scores that a weight other than 1 is of."""
    if weight == 1 or (run.num_classes and run.config.label_dropout):
        return
    lacks = "is not class-conditional"
    if run.num_classes:
        lacks = "was told the class of every image in training, and has no score without one"
    raise ValueError(
        f"guidance {weight:g}: {run.folder} {lacks}: train with --class-conditional "
        "--label-dropout 0.1, or leave guidance out."
    )


def score_of_all(run: TrainedModel, process: Process, count: int) -> LogScore:
    """The score along the process without a class, for `count` samples of a run that has it."""
    none = torch.full((count,), run.num_classes, device=run.device)
    return score_function(run.model, process, none)


def score_of_classes(
    run: TrainedModel, process: Process, labels: Tensor, weight: float
) -> LogScore:
    """The score of `labels` (batch,) along the process, guided by `weight` where that is not 1.

    Raises ValueError for what is no label of the run.
    """
    require_labels(labels, len(labels), run.num_classes)
    score = score_function(run.model, process, labels.to(run.device))
    if weight == 1:
        return score
    return guided_score(score, score_of_all(run, process, len(labels)), weight)
