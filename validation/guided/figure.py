"""The picture of the study of guidance: exact laws, and what images gain and lose."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from validation.study import Findings

# Okabe and Ito's palette, told apart with any colour vision.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#555555"


def draw_figure(findings: Findings, path: Path) -> None:
    """Write the figure of these findings as a PNG file."""
    build_figure(findings).savefig(path, dpi=130)


def build_figure(findings: Findings) -> Figure:
    """The figure of these findings, independent of any display."""
    found: Any = findings.measurements
    figure = Figure(figsize=(13.5, 4.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _draw_line(left, found["line"])
    _draw_images(middle, found["digits"], found["digits_floor"])
    _draw_exchange(right, found["digits"], found["digits_floor"])
    return figure


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=11)
    axes.grid(True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_line(axes: Axes, rows: list[dict[str, Any]]) -> None:
    weights = [row["weight"] for row in rows]
    names = ("mean", BLUE), ("deviation", ORANGE), ("share on the class's side", GREEN)
    for place, (name, colour) in enumerate(names):
        ours = [(row["mean"], row["deviation"], 1 - row["missed"])[place] for row in rows]
        axes.plot(weights, ours, "o-", color=colour, ms=4, label=name)
        mean_etc = [row["tilted"] for row in rows]
        sharpened = [(mean, std, 1 - missed)[place] for mean, std, missed in mean_etc]
        axes.plot(weights, sharpened, "--", color=colour, linewidth=1)
    axes.plot([], [], "--", color=GREY, label="of the sharpened density")
    axes.set_xlabel("weight w")
    axes.set_ylabel("of log X")
    axes.legend(frameon=False, fontsize=9)
    _finish(axes, "Two overlapping log-normals: exact laws")


def _draw_images(axes: Axes, rows: list[dict[str, Any]], floor: dict[str, Any]) -> None:
    weights = [row["weight"] for row in rows]
    axes.plot(
        weights, [row["accuracy"] for row in rows], "o-", color=GREEN, label="class accuracy"
    )
    for name, colour in {"precision": BLUE, "recall": ORANGE}.items():
        axes.plot(weights, [row["result"][name] for row in rows], "o-", color=colour, label=name)
        axes.axhline(floor[f"{name}_floor"], color=colour, linewidth=1, linestyle=":")
    axes.plot([], [], ":", color=GREY, label="of training images")
    axes.set(xlabel="weight w", ylim=(0, 1.03))
    axes.legend(frameon=False, fontsize=9)
    _finish(axes, "Digits, one network")


def _draw_exchange(axes: Axes, rows: list[dict[str, Any]], floor: dict[str, Any]) -> None:
    recall = [row["result"]["recall"] for row in rows]
    precision = [row["result"]["precision"] for row in rows]
    axes.plot(recall, precision, "-", color=GREY, linewidth=1)
    axes.plot(recall, precision, "o", color=BLUE)
    for number, (row, x, y) in enumerate(zip(rows, recall, precision, strict=True)):
        place, side = ((-9, 3), "right") if number % 2 else ((6, 5), "left")
        axes.annotate(f"w = {row['weight']:g}", (x, y), xytext=place, ha=side,
                      textcoords="offset points", fontsize=9)  # fmt: skip
    axes.plot(floor["recall_floor"], floor["precision_floor"], "*", color=ORANGE, ms=12,
              label="training images")  # fmt: skip
    axes.margins(x=0.25, y=0.12)
    axes.set(xlabel="recall", ylabel="precision")
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    _finish(axes, "What fidelity costs in diversity")
