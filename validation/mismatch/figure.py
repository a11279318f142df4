"""The picture of the study of starts: prices left, what a sampler keeps of an error right."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from validation.study import Findings

Rows = Sequence[Mapping[str, Any]]

# Okabe and Ito's palette, told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73")
GREY = "#555555"
NAMES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
LABELS = {
    "product": "every pixel its own\nlog-normal",
    "class average": "class average, noised\n(given the class)",
    "one pair": "one (μ̂, σ̂), fitted to\nnoised images",
    "averages' pair": "one (μ̂, σ̂), fitted to\nnoised averages",
    "exp(Z)": "exp(Z), version 1's\nAlgorithm 1",
}


def draw_figure(findings: Findings, path: Path) -> None:
    """Write the figure of these findings as a PNG file."""
    build_figure(findings).savefig(path, dpi=130)


def build_figure(findings: Findings) -> Figure:
    """The figure of these findings, independent of any display."""
    rows: Rows = findings.measurements["rows"]
    sigma = findings.parameters["sigma"]
    figure = Figure(figsize=(12.5, 5.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    _draw_prices(left, rows)
    _draw_kept(right, rows, sigma**2)
    figure.supxlabel(
        f"Pixels in [1, 2], σ = {sigma}, t = 1. Prices are the Gaussian part of the divergence: "
        "a lower bound, from means and covariances of log pixels alone.",
        fontsize=9.5,
        color=GREY,
    )
    return figure


def _name(row: Mapping[str, Any]) -> str:
    return NAMES.get(row["name"], row["name"])


def _draw_prices(axes: Axes, rows: Rows) -> None:
    height = 0.8 / len(rows)
    for number, (row, colour) in enumerate(zip(rows, COLOURS, strict=False)):
        places = [i + (number - (len(rows) - 1) / 2) * height for i in range(len(LABELS))]
        values = [row["prices"][start] for start in LABELS]
        bars = axes.barh(places, values, height=0.92 * height, color=colour, label=_name(row))
        axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=10)
    axes.set_yticks(range(len(LABELS)), list(LABELS.values()), fontsize=10)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("KL( law at t = 1 ‖ start ),  nats,  at least", fontsize=11)
    axes.set_title("What each start misses", fontsize=12)
    axes.legend(frameon=False, fontsize=10, loc="lower right", bbox_to_anchor=(1.0, 0.3))
    axes.spines[["top", "right"]].set_visible(False)


def _draw_kept(axes: Axes, rows: Rows, s2: float) -> None:
    for row, colour in zip(rows, COLOURS, strict=False):
        kept = [value / (value + s2) for value in row["components"]]
        axes.plot(range(1, len(kept) + 1), kept, color=colour, linewidth=2, label=_name(row))
        axes.plot([1], kept[:1], "o", color=colour)
        axes.annotate(f"{kept[0]:.2f}", (1, kept[0]), xytext=(7, 2),
                      textcoords="offset points", color=colour, fontsize=10)  # fmt: skip
    axes.set(xscale="log", ylim=(0, 1.05))
    axes.set_xlabel("log principal component", fontsize=11)
    axes.set_ylabel("share of a start's error left at t = 0,  λ / (λ + σ²)", fontsize=11)
    axes.set_title("What the sampler hands through (exact linear score)", fontsize=12)
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=10)
