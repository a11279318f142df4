"""The figure and the table of the study of additive noise."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from validation.additive.plan import ARMS
from validation.study import Findings

# Okabe and Ito's palette, told apart with any colour vision.
COLOURS = {"multiplicative": "#0072B2", "additive": "#D55E00"}
MARKS = "os^Dv"
NAMES = {"probability-flow": "Heun", "dpmpp-3m": "DPM-Solver++ 3M"}


def table(findings: Findings) -> str:
    """The comparison as Markdown, a line for each sampler and training."""
    lines = [
        "| sampler | evaluations | training | multiplicative | additive | additive minus "
        "multiplicative, 95 % | nearer | floor |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for entry in findings.measurements["comparison"]:
        pairs = entry["additive_minus_multiplicative"]
        for number, (mean, half) in enumerate(pairs):
            cells = [NAMES[entry["sampler"]], str(entry["evaluations"]), str(number + 1)]
            cells += [f"{entry[noise][number]:.2f}" for noise in ARMS]
            cells += [f"{mean:+.2f} ± {half:.2f}", entry["nearer"], f"{entry['floor']:.2f}"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw_figure(findings: Findings, path: Path) -> None:
    """Write the figure of these findings as a PNG file."""
    build_figure(findings).savefig(path, dpi=130)


def build_figure(findings: Findings) -> Figure:
    """The figure of these findings, independent of any display."""
    figure = Figure(figsize=(11.5, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_distances(left, findings)
    _draw_differences(right, findings)
    plan = findings.parameters["plan"]
    figure.supxlabel(
        f"Digits, {plan['images']} images a block, {plan['blocks']} blocks; the same network, "
        f"batches, noise and {plan['train_steps']} steps in both arms.",
        fontsize=9.5,
        color="#555555",
    )
    return figure


def _places(findings: Findings) -> tuple[list[int], list[str]]:
    entries = findings.measurements["comparison"]
    names = [f"{NAMES[e['sampler']]}\n{e['evaluations']} evaluations" for e in entries]
    return list(range(len(entries))), names


def _draw_distances(axes: Axes, findings: Findings) -> None:
    places, names = _places(findings)
    for row in findings.measurements["rows"]:
        shift = 0.12 * (1 if row["noise"] == "additive" else -1) + 0.05 * row["training"]
        colour, mark = COLOURS[row["noise"]], MARKS[row["training"] % len(MARKS)]
        axes.plot(row["sampler"] + shift, row["frechet"], mark, color=colour, markersize=5)
    for noise in ARMS:
        axes.plot([], [], "o", color=COLOURS[noise], label=noise)
    floor = findings.measurements["comparison"][0]["floor"]
    axes.axhline(floor, color="#555555", linestyle="--", label="real training images")
    axes.set(ylabel="Fréchet distance", title="Every block (a mark a training)")
    axes.set_ylim(bottom=0)
    axes.set_xticks(places, names, fontsize=9)
    axes.legend(fontsize=9)


def _draw_differences(axes: Axes, findings: Findings) -> None:
    places, names = _places(findings)
    for place, entry in zip(places, findings.measurements["comparison"], strict=True):
        for number, (mean, half) in enumerate(entry["additive_minus_multiplicative"]):
            mark = MARKS[number % len(MARKS)]
            at = place + 0.16 * number - 0.08
            axes.errorbar(at, mean, half, fmt=mark, color="#222222", capsize=4)
    axes.axhline(0, color="#555555", linestyle="--")
    axes.set(ylabel="additive minus multiplicative", title="Paired over the blocks, 95 %")
    axes.set_xticks(places, names, fontsize=9)
