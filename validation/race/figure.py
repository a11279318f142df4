"""The picture of the speed study: a step's time in units of drawing its noise, and memory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from validation.race.contenders import REF
from validation.study import Findings

# Okabe and Ito's palette: ours, and others.
OURS, OTHERS, GREY = "#0072B2", "#D55E00", "#555555"


def draw_figure(findings: Findings, path: Path) -> None:
    """Write the figure of these findings as a PNG file."""
    build_figure(findings).savefig(path, dpi=130)


def build_figure(findings: Findings) -> Figure:
    """The figure of these findings, independent of any display."""
    measured: Mapping[str, Any] = findings.measurements
    times: Mapping[str, Any] = measured["step_over_drawing_its_noise"]
    names = sorted(times, key=lambda name: -times[name]["median"])
    labels = [name + (" (float64)" if name == REF else "") for name in names]
    colours = [OURS if name.startswith("gbm_") else OTHERS for name in names]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.5, 1))
    medians = [times[name]["median"] for name in names]
    spread = [
        [times[n]["median"] - times[n]["low"] for n in names],
        [times[n]["high"] - times[n]["median"] for n in names],
    ]
    bars = left.barh(labels, medians, color=colours, xerr=spread, error_kw={"ecolor": GREY})
    left.bar_label(bars, [f"  {value:.1f}" for value in medians], padding=6)
    left.axvline(1, color=GREY, linestyle="--", linewidth=1)
    left.set_title("time of a step / time of drawing its noise", fontsize=11)
    left.set_xlim(0, 1.15 * max(medians))
    held = [measured["peak_memory_over_state"].get(name) or 0.0 for name in names]
    bars = right.barh(labels, held, color=colours)
    right.bar_label(bars, [f"{value:.1f}" if value else "?" for value in held], padding=3)
    right.set_title("peak memory of a run / float32 state", fontsize=11)
    right.set_xlim(0, 1.15 * max([*held, 1.0]))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(_caption(findings), fontsize=9, color=GREY)
    return figure


def _caption(findings: Findings) -> str:
    given: Mapping[str, Any] = findings.parameters
    return (
        f"{given['count']:,} states in 2 dimensions, {given['rows']} rows of eq. (13) with the "
        f"exact score, float32 unless said, one thread;\nprocessor time, medians of "
        f"{given['rounds']} interleaved rounds with 95 % intervals. Dashed: the noise alone."
    )
