"""The classes of samples: which labels a run takes, and whether a start has the class."""

import torch
from torch import Tensor

from gbm_fast.process import Process
from gbm_fast.sampling.initial import separation
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
    if start not in ("class-average", "data"):
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
