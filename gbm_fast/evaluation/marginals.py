"""How far generated numbers in units of their own are from real ones: marginals of log y.

Of images all pixels of a channel are taken together, of vectors each column is one. That sees no
pattern between pixels; of vectors the correlations of the logarithms are compared as well.
"""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from gbm_fast.checks import require_positive
from gbm_fast.evaluation.metrics import Result
from gbm_fast.runtime.figures import Figure
from gbm_fast.runtime.files import write_atomic

Array = NDArray[np.float64]
_MOST_COLUMNS, _COLOURS = 12, ("#9ecae1", "#e6550d")
_NAMES = ("ks", "mean_error", "std_error", "correlation_error")


def marginal_distances(
    generated: Tensor, train: Tensor, test: Tensor, repeats: int = 10, seed: int = 0
) -> Result:
    """Distances of generated numbers (n, C, ...) to the test ones, beside those of real ones.

    ks                  the largest Kolmogorov-Smirnov distance of a channel, or column, of log y
    mean_error          the largest difference of their means, in deviations of the test ones
    std_error           the largest relative difference of their deviations
    correlation_error   of vectors (n, d), d of 2 or more, the largest difference of a correlation
    ..._floor, ..._floor_sd
                        mean and deviation of the same over `repeats` sets of n training events,
                        drawn without replacement

    Raises ValueError for events of another shape, fewer than 2 or more than there are training
    ones, and numbers that are not positive.
    """
    _require(generated, train, test)
    reference, draw = _logs(test), np.random.default_rng(seed)
    found = _compare(_logs(generated), reference, generated.ndim == 2)
    chosen = [draw.choice(len(train), len(generated), replace=False) for _ in range(repeats)]
    floors = [
        _compare(_logs(train[torch.from_numpy(rows)]), reference, generated.ndim == 2)
        for rows in chosen
    ]
    result: Result = {"feature": "log marginals", "N": len(generated)}
    for name, value in found.items():
        values = [floor[name] for floor in floors]
        result |= {name: value, f"{name}_floor": float(np.mean(values))}
        result[f"{name}_floor_sd"] = float(np.std(values, ddof=1)) if repeats > 1 else math.nan
    return result


def _require(generated: Tensor, train: Tensor, test: Tensor) -> None:
    for name, events in {"generated": generated, "train": train, "test": test}.items():
        require_positive(events, name)
        if events.ndim < 2 or events.shape[1:] != test.shape[1:] or len(events) < 2:
            raise ValueError(
                f"{name} must be 2 or more events of shape {tuple(test.shape[1:])}, got "
                f"{tuple(events.shape)}."
            )
    if len(generated) > len(train):
        raise ValueError(
            f"{len(generated)} events cannot be compared: the floor is taken from as many of the "
            f"training ones, of which there are {len(train)}."
        )


def spoken_marginals(result: Result) -> str:
    """`ks 0.03 (0.02 ± 0.01), ...`: each distance, and in brackets that of real ones."""
    parts = [
        f"{name.replace('_', ' ')} {result[name]:.2g} "
        f"({result[f'{name}_floor']:.2g} ± {result[f'{name}_floor_sd']:.1g})"
        for name in _NAMES
        if name in result
    ]
    return f"marginals of {result['N']}: {', '.join(parts)}"


def _logs(events: Tensor) -> Array:
    """log y as (C, n times pixels)."""
    return events.double().log().transpose(0, 1).flatten(1).numpy()


def _compare(ours: Array, theirs: Array, vectors: bool) -> dict[str, float]:
    deviation = theirs.std(1)
    ks = [stats.ks_2samp(a, b).statistic for a, b in zip(ours, theirs, strict=True)]
    found = {
        "ks": float(max(ks)),
        "mean_error": float((np.abs(ours.mean(1) - theirs.mean(1)) / deviation).max()),
        "std_error": float(np.abs(ours.std(1) / deviation - 1).max()),
    }
    if vectors and len(theirs) > 1:
        gap = np.corrcoef(ours) - np.corrcoef(theirs)
        found["correlation_error"] = float(np.abs(gap).max())
    return found


def save_columns(
    path: Path, sets: Mapping[str, Tensor], columns: Sequence[str], title: str
) -> None:
    """Histograms of log y of the first twelve columns of vectors (n, d), by set, as one PNG."""
    shown = list(columns)[:_MOST_COLUMNS]
    across = min(4, len(shown))
    down = math.ceil(len(shown) / across)
    figure = Figure(figsize=(3.4 * across + 0.6, 2.6 * down + 0.8), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = np.atleast_1d(figure.subplots(down, across)).ravel()
    logs = {name: _logs(vectors) for name, vectors in sets.items()}
    bins = int(np.clip(2 * min(len(vectors) for vectors in sets.values()) ** 0.5, 8, 40))
    for i, axis in enumerate(axes):
        if i >= len(shown):
            axis.set_axis_off()
            continue
        edges = np.histogram_bin_edges(np.concatenate([rows[i] for rows in logs.values()]), bins)
        for (name, rows), colour in zip(logs.items(), _COLOURS, strict=False):
            axis.hist(rows[i], edges, density=True, alpha=0.55, color=colour, label=name)
        axis.set_xlabel(f"log {shown[i]}", fontsize=9)
        axis.set_yticks([])
    axes[0].legend(frameon=False, fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    write_atomic(path, buffer.getvalue())
