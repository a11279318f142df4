"""The picture of the step-size study: one panel a chain, lines exact, markers drawn samples."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from validation.kl.points import MIRRORED, REVERSE
from validation.study import Findings

Rows = Sequence[Mapping[str, Any]]

# Okabe and Ito's palette, told apart with any colour vision.
BLUE, SKY, GREEN, RED, PURPLE = "#0072B2", "#56B4E9", "#009E73", "#D55E00", "#CC79A7"
GREY = "#555555"
# Both implementations lie on one step length: they are drawn a little to its left and right.
STYLES = (("o", "white", 0.95), ("s", "black", 1.053))
FLOOR = 4e-7


def draw_figure(findings: Findings, path: Path) -> None:
    """Write the figure of these findings as a PNG file."""
    build_figure(findings).savefig(path, dpi=130)


def build_figure(findings: Findings) -> Figure:
    """The figure of these findings, independent of any display."""
    measured: Mapping[str, Any] = findings.measurements
    figure = Figure(figsize=(13, 6.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_reverse(left, measured)
    _draw_mirrored(right, measured)
    for axes, chain in ((left, REVERSE), (right, MIRRORED)):
        _draw_limit(axes, measured)
        _draw_points(axes, [row for row in measured["points"] if row["chain"] == chain])
        axes.set(xscale="log", yscale="log", ylim=(FLOOR, 3.0))
        axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend(loc="lower right", bbox_to_anchor=(0.99, 0.3), frameon=False, fontsize=10)
    left.set_ylabel("KL( law of the sampler ‖ target ),  nats", fontsize=11)
    figure.supxlabel(_caption(measured), fontsize=9.5, color=GREY)
    return figure


def _draw_reverse(axes: Axes, measured: Mapping[str, Any]) -> None:
    curve: Rows = measured["reverse_curve"]
    deltas = [row["delta"] for row in curve]
    axes.plot(
        deltas,
        [row["version_1_algorithm_1_kl"] for row in curve],
        color=RED,
        linestyle="-.",
        linewidth=2,
    )
    _label(axes, "version 1's Algorithm 1, exact: its missing Itô\n"
           "term leaves a bias that no step length removes",
           curve[-1]["delta"], curve[-1]["version_1_algorithm_1_kl"] * 1.3, RED)  # fmt: skip
    axes.plot(deltas, [row["kl"] for row in curve], color=BLUE, linewidth=2, label="exact")
    _draw_leading(axes, curve)
    axes.set_title("Dale–Langevin sampler, eq. (13): one reverse run of N steps", fontsize=12)
    axes.set_xlabel("step length  δ = 1 / N", fontsize=11)


def _draw_mirrored(axes: Axes, measured: Mapping[str, Any]) -> None:
    curve: Rows = measured["mirrored_curve"]
    deltas = [row["delta"] for row in curve]
    styles = zip(curve[0]["kl_after_steps"], (GREEN, PURPLE, SKY), (":", "--", "-."), strict=True)
    for count, colour, dashes in styles:
        values = [row["kl_after_steps"][count] for row in curve]
        axes.plot(deltas, values, color=colour, linestyle=dashes, linewidth=2.2)
        middle = math.sqrt(values[0] * min(values))
        beside = next(delta for delta, value in zip(deltas, values, strict=True) if value < middle)
        _label(axes, f"{count} steps", 1.06 * beside, middle, colour)
    stationary = [row["stationary_kl"] for row in curve]
    axes.plot(deltas, stationary, color=BLUE, linewidth=2, label="exact, stationary law")
    _draw_leading(axes, curve)
    axes.set_title(
        "Mirrored Langevin, eq. (22): after some steps, and in the long run", fontsize=12
    )
    axes.set_xlabel("step length  δ", fontsize=11)


def _draw_leading(axes: Axes, curve: Rows) -> None:
    axes.plot(
        [row["delta"] for row in curve],
        [row["leading_term"] for row in curve],
        color=GREY,
        linestyle=(0, (5, 3)),
        linewidth=1.1,
        label="leading term, slope 2 in δ",
    )


def _label(axes: Axes, text: str, delta: float, height: float, colour: str) -> None:
    """Text beside a line, in its colour."""
    axes.text(delta, height, text, color=colour, fontsize=10.5, ha="left", va="bottom")


def _draw_limit(axes: Axes, measured: Mapping[str, Any]) -> None:
    limit = measured["smallest_shown_kl"]
    axes.axhspan(FLOOR / 10, limit, color="#eeeeee", zorder=0)
    text = f"below 10/n: cannot be resolved with n = {measured['sample_size']:,} draws"
    axes.text(0.985, limit * 0.86, text, ha="right", va="top", fontsize=9, color=GREY,
              transform=axes.get_yaxis_transform())  # fmt: skip


def _draw_points(axes: Axes, points: Rows) -> None:
    names = list(dict.fromkeys(row["implementation"] for row in points))
    for name, (marker, face, offset) in zip(names, STYLES, strict=False):
        rows = [row for row in points if row["implementation"] == name]
        values = [row["kl"] for row in rows]
        lows = [row["kl"] - max(row["kl_interval"][0], FLOOR / 10) for row in rows]
        highs = [row["kl_interval"][1] - row["kl"] for row in rows]
        axes.errorbar(
            [row["delta"] * offset for row in rows],
            values,
            yerr=[lows, highs],
            linestyle="none",
            marker=marker,
            markersize=5.5,
            markerfacecolor=face,
            color="black",
            elinewidth=1.1,
            capsize=2.5,
            zorder=5,
            label=f"{name}, sampled",
        )


def _caption(measured: Mapping[str, Any]) -> str:
    miss = measured["false_alarm_of_each_point_at_most"]
    return (
        "Log-normal targets; lines are exact, markers are samples. Bars: exact confidence "
        "intervals for mean and variance, mapped to the divergence;\neach misses the truth with "
        f"probability at most {miss:.1e}. The two implementations are drawn a little left and "
        "right of their step length."
    )
