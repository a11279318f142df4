"""The figure of `validation.overhead`: overheads, loops, and images a second."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from validation.cost.gate import SAMPLING_GOAL, TRAINING_GOAL
from validation.cost.sampling import BARE
from validation.study import Findings

COLOURS = {"float32": "tab:blue", "bfloat16": "tab:red"}
STYLES = {"channels first": ":", "channels last": "-"}


def draw_figure(findings: Findings, path: Path) -> None:
    """Three panels: overheads with their intervals, microseconds a row, images a second."""
    figure = Figure(figsize=(15, 5), layout="constrained")
    FigureCanvasAgg(figure)
    overheads, loops, rates = figure.subplots(1, 3, width_ratios=[5, 4, 5])
    _draw_overheads(overheads, findings.measurements)
    _draw_loops(loops, findings.measurements["loop_microseconds_a_row"])
    _draw_rates(rates, findings.measurements["images_a_second"])
    figure.savefig(path, dpi=110)


def _draw_overheads(axes: Axes, measurements: dict) -> None:
    """The overheads that the gate judges, in colour, and the ratios of whole times, in grey."""
    entries = {
        f"training step, {case}": cost for case, cost in measurements["training_step"].items()
    }
    for case, loops in measurements["sampling_row"].items():
        entries |= {f"{loop}, {case}": cost for loop, cost in loops.items()}
    names = list(entries)[::-1]
    for height, name in enumerate(names):
        judged = name.startswith(("ours", "training"))
        for kind, colour in (("direct", "0.8"), ("overhead", "tab:green" if judged else "0.4")):
            value = entries[name][kind]
            axes.plot([value["low"], value["high"]], [height, height], color=colour, lw=3)
            axes.plot(value["median"], height, "o", color=colour, ms=4)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.axvline(1.0, color="0.7", lw=1)
    for goal, style in ((SAMPLING_GOAL, ":"), (TRAINING_GOAL, "--")):
        axes.axvline(goal, color="tab:orange", lw=1, ls=style, label=f"goal {goal}")
    # Ratios of whole times scatter over more than this: their ends do not matter here.
    axes.set_xlim(0.975, 1.055)
    axes.set_xlabel("processor time over that of the bare network")
    axes.set_title("overhead, 95 % interval (light: ratio of whole times, cut off)", fontsize=10)
    axes.legend(fontsize=8)


def _draw_loops(axes: Axes, loops: dict) -> None:
    names = [name for name in loops if name != BARE][::-1]
    colours = ["tab:green" if name.startswith("ours") else "0.5" for name in names]
    axes.barh(range(len(names)), [loops[name]["median"] for name in names], color=colours)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xlabel("microseconds a row")
    axes.set_title("the loop alone: round a network that costs nothing", fontsize=10)


def _draw_rates(axes: Axes, rates: list[dict]) -> None:
    for network, marker in zip(dict.fromkeys(r["network"] for r in rates), "os", strict=False):
        for dtype, colour in COLOURS.items():
            for layout, style in STYLES.items():
                wanted = (network, dtype, layout, 1)
                chosen = [
                    r
                    for r in rates
                    if (r["network"], r["dtype"], r["layout"], r["threads"]) == wanted
                ]
                axes.plot(
                    [r["batch"] for r in chosen], [r["training"] for r in chosen],
                    color=colour, ls=style, marker=marker, label=f"{network}, {dtype}, {layout}",
                    markerfacecolor=colour if layout == "channels last" else "white",
                )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("batch")
    axes.set_ylabel("images a second of processor time")
    axes.set_title("forward and backward pass, one thread", fontsize=10)
    axes.legend(fontsize=7)
