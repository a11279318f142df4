"""The picture of an audit: are p-values uniform, and does any come near its alpha?"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.statistics.checks import dkw

COLOURS = {
    "mean": "#0072B2",
    "variance": "#D55E00",
    "shape": "#009E73",
    "projections": "#CC79A7",
    "rate": "#555555",
    "correlation": "#E69F00",
}


def build_figure(rows: Sequence[dict], seeds: int) -> Figure:
    """Left: the share of seeds with a p-value below p, a line an assertion. Right: smallest p."""
    figure = Figure(figsize=(13, 6.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_uniformity(left, [row for row in rows if row["uniformity_p"] is not None], seeds)
    _draw_smallest(right, rows, seeds)
    figure.suptitle(
        f"{len(rows)} statistical assertions on correct code, {seeds} run seeds: "
        f"{sum(row['rejections'] for row in rows)} rejections"
    )
    return figure


def _statistic(row: dict) -> str:
    return row["assertion"].rpartition("/")[2]


def _draw_uniformity(axes: Axes, rows: Sequence[dict], seeds: int) -> None:
    """Lines less the diagonal, with the band that one in a thousand leaves."""
    labelled = set()
    for row in rows:
        p = np.sort(row["p"])
        kind = _statistic(row)
        axes.plot(
            p,
            (np.arange(p.size) + 0.5) / p.size - p,
            color=COLOURS[kind],
            linewidth=0.9,
            alpha=0.7,
            label=None if kind in labelled else kind,
        )
        labelled.add(kind)
    one, all_of_them = dkw(seeds, 1e-3), dkw(seeds, 1e-3 / len(rows))
    axes.axhspan(-one, one, color="#eeeeee", label="left by 1 line in 1000")
    for edge in (-all_of_them, all_of_them):
        axes.axhline(edge, color="black", linestyle=":", linewidth=1.0)
    axes.plot([], [], "k:", label="left by any line once in 1000 audits")
    axes.set(
        xlim=(0, 1),
        xlabel="p",
        ylabel="share of seeds with a smaller p-value, less p",
        title="p-values of the exact tests against the uniform law",
    )
    axes.legend(fontsize=8, loc="lower right")


def _draw_smallest(axes: Axes, rows: Sequence[dict], seeds: int) -> None:
    """The smallest p-value of each assertion against what that many seeds should give."""
    for kind, colour in COLOURS.items():
        chosen = [(i, row["smallest_p"]) for i, row in enumerate(rows) if _statistic(row) == kind]
        if chosen:
            axes.plot(*zip(*chosen, strict=True), "o", color=colour, label=kind, markersize=4)
    axes.axhline(1.0 / seeds, color="black", linewidth=1.0, label="1 / seeds, the usual smallest")
    axes.axhline(
        1e-3 / (seeds * len(rows)),
        color="black",
        linestyle=":",
        label="smallest of all, once in 1000 audits",
    )
    axes.axhline(max(row["alpha"] for row in rows), color="#D55E00", label="alpha: rejected below")
    axes.set(
        yscale="log",
        ylim=(1e-10, 1.5),
        xlabel="assertion, in the order of the ledger",
        ylabel="smallest p-value over the seeds",
        title="smallest p-value of each assertion against alpha",
    )
    axes.legend(fontsize=8, loc="lower right")
