"""The figure and the table of the despeckling study."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from validation.speckle.images import NAMES, PEAK, Array
from validation.study import Findings

Rows = Sequence[Mapping[str, Any]]

# Okabe and Ito's palette, told apart with any colour vision; two greys for what is no method.
COLOURS = {
    "noisy": "#bbbbbb",
    "Lee 7 x 7": "#F0E442",
    "log-TV": "#E69F00",
    "log-BM3D": "#56B4E9",
    "MuLoG + BM3D": "#0072B2",
    "additive peer": "#CC79A7",
    "ours, one evaluation": "#D55E00",
    "ours, mean of samples": "#009E73",
}
HEAD = (
    "| method | L | PSNR, dB: camera / coins / astronaut | SSIM | ENL of sky | ratio: mean "
    "| ratio: variance x L | 90 % band covers | seconds |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)


def ordered(findings: Findings) -> list[str]:
    """The methods that were measured, in the order of the figure."""
    measured = {row["method"] for row in findings.measurements["rows"]}  # type: ignore[attr-defined]
    return [name for name in COLOURS if name in measured]


def of(findings: Findings, method: str, looks: float) -> Rows:
    """The rows of a method at a number of looks, an image each."""
    rows: Rows = findings.measurements["rows"]  # type: ignore[assignment]
    return [row for row in rows if row["method"] == method and row["looks"] == looks]


def table(findings: Findings) -> str:
    """The measurements in Markdown; means over the images, but for PSNR and ENL."""
    looks: Sequence[float] = findings.parameters["looks"]  # type: ignore[assignment]
    lines = [
        _line(method, number, of(findings, method, number))
        for method in ordered(findings)
        for number in looks
    ]
    missing: Mapping[str, str] = findings.measurements["not_run"]  # type: ignore[assignment]
    lines += [f"| {name} | | {why} | | | | | | |\n" for name, why in missing.items()]
    return HEAD + "".join(lines)


def _line(method: str, looks: float, rows: Rows) -> str:
    def mean(key: str) -> float:
        return float(np.mean([row[key] for row in rows]))

    decibels = " / ".join(f"{row['psnr']:.2f}" for row in rows)
    enl = next((row["enl"] for row in rows if np.isfinite(row["enl"])), None)
    covered = rows[0]["coverage"] is not None
    cells = (
        method,
        f"{looks:g}",
        decibels,
        f"{mean('ssim'):.3f}",
        "" if enl is None else f"{enl:.0f}",
        f"{mean('ratio_mean'):.3f}",
        f"{mean('ratio_var') * looks:.3f}",
        f"{100 * mean('coverage'):.1f} %" if covered else "",
        f"{mean('seconds'):.2f}",
    )
    return f"| {' | '.join(cells)} |\n"


def draw_figure(findings: Findings, pictures: Mapping[str, Array], path: Path) -> None:
    """Write the figure of these findings as a PNG file."""
    build_figure(findings, pictures).savefig(path, dpi=110)


def build_figure(findings: Findings, pictures: Mapping[str, Array]) -> Figure:
    """The figure of these findings, independent of any display."""
    looks: Sequence[float] = findings.parameters["looks"]  # type: ignore[assignment]
    names = [name for name in (*COLOURS, "truth") if name in pictures]
    figure = Figure(figsize=(max(9.0, 2.1 * len(names)), 6.6), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.35))
    panels = upper.subplots(1, max(1, len(names)), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=False):
        axes.imshow(pictures[name], cmap="gray", vmin=0, vmax=PEAK)
        axes.set_title(name, fontsize=9)
        axes.set_axis_off()
    upper.suptitle(f"{NAMES[0]}, speckle of L = {looks[0]:g}", fontsize=11)
    _draw_bars(lower.subplots(), findings, looks)
    return figure


def _draw_bars(axes: Axes, findings: Findings, looks: Sequence[float]) -> None:
    methods = ordered(findings)
    width = 0.85 / len(methods)
    for number, method in enumerate(methods):
        means, low, high = [], [], []
        for count in looks:
            found = [row["psnr"] for row in of(findings, method, count)]
            means.append(float(np.mean(found)))
            low.append(means[-1] - min(found))
            high.append(max(found) - means[-1])
        places = [i + (number - (len(methods) - 1) / 2) * width for i in range(len(looks))]
        bars = axes.bar(places, means, 0.94 * width, color=COLOURS[method], label=method,
                        yerr=(low, high), error_kw={"elinewidth": 0.8})  # fmt: skip
        axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=7.5)
    axes.set_xticks(range(len(looks)), [f"L = {count:g}" for count in looks])
    axes.set_ylabel("PSNR, dB: mean of the images, and their range")
    axes.margins(y=0.12)
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="upper left", bbox_to_anchor=(0, -0.08))
    axes.spines[["top", "right"]].set_visible(False)
