"""The pages of the benchmark: a Markdown table, the grids, and distance against evaluations."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from validation.kl.figure import BLUE, GREEN, GREY, PURPLE, RED, SKY
from validation.study import replacing

_COLOURS = {
    "probability-flow": BLUE,
    "ddim": SKY,
    "dpmpp-2m": GREEN,
    "dpmpp-3m": PURPLE,
    "ancestral": GREY,
    "dale-langevin": RED,
}


def over_blocks(entry: dict, name: str) -> tuple[float, float | None]:
    """Mean of a number over the seed blocks of a row, and its deviation if there are several."""
    values = [float(block["result"][name]) for block in entry["blocks"]]
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def _cell(entry: dict, name: str) -> str:
    mean, deviation = over_blocks(entry, name)
    return f"{mean:.3g}" if deviation is None else f"{mean:.3g} ± {deviation:.2g}"


def markdown(record: dict) -> str:
    """The table of a record, with what was spent and what is left out."""
    head = (
        "| row | evaluations | N × blocks | Fréchet | floor | kernel | precision | recall | "
        "log pixels | floor | predicted |"
    )
    lines = [f"# {record['dataset']}: `{record['command']}`", "", head, "| --- " * 11 + "|"]
    for entry in record["rows"]:
        first = entry["blocks"][0]["result"]
        floor = f"{first['frechet_floor']:.3g} ± {first['frechet_floor_sd']:.2g}"
        predicted = entry["predicted"]
        cells = (
            *(entry["name"], f"{entry['evaluations']}", f"{first['N']} × {len(entry['blocks'])}"),
            *(_cell(entry, "frechet"), floor, _cell(entry, "kernel")),
            *(_cell(entry, "precision"), _cell(entry, "recall"), _cell(entry, "log_pixels")),
            f"{entry['log_pixels_floor']:.3g}",
            "" if predicted is None else f"{predicted:.3g}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", _explained(record)]
    if record["left_out"]:
        lines += ["", "Left out for want of time: " + "; ".join(record["left_out"]) + "."]
    return "\n".join(lines) + "\n"


def _explained(record: dict) -> str:
    example = record["rows"][0]["blocks"][0]["result"]
    return (
        f"Fréchet and kernel distances of {example['feature_dim']} features (hash "
        f"`{example['feature_hash']}`) from {example['N_reference']:,} test images, with ± over "
        "seed blocks; the floor is that of as many training images. Log pixels: the Fréchet "
        "distance of the logarithms of the pixels, of the states before they are clipped, with "
        "its floor, and as predicted by the exact law for log-normal data of the "
        f"training images' mean and covariance. Made in {record['seconds'] / 60:.0f} minutes here "
        f"({record['evaluations_made']:,} evaluations of the network)."
    )


def draw_evaluations(record: dict, path: Path) -> None:
    """Distance in units of its floor against evaluations, log-log, a line a sampler.

    So rows of different numbers of images can be compared; nothing without such rows.
    """
    rows = [entry for entry in record["rows"] if entry["group"] == "few"]
    if not rows:
        return
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for sampler, colour in _COLOURS.items():
        points: list[tuple[float, float, float]] = []
        own = sorted(
            (e for e in rows if e["settings"]["sampler"] == sampler),
            key=lambda e: e["evaluations"],
        )
        for entry in own:
            mean, deviation = over_blocks(entry, "frechet")
            floor = entry["blocks"][0]["result"]["frechet_floor"]
            points.append((entry["evaluations"], mean / floor, (deviation or 0.0) / floor))
        if points:
            style = {"marker": "o", "color": colour, "label": sampler, "capsize": 2}
            axes.errorbar(*zip(*points, strict=True), **style)
    axes.axhline(1.0, color="black", linestyle=":", label="real images")
    axes.set(xscale="log", yscale="log", xlabel="evaluations of the network an image")
    axes.set_ylabel("Fréchet distance of features / floor")
    axes.set_title(f"{record['dataset']}: one network, noise to images")
    axes.grid(True, which="both", color="#dddddd", linewidth=0.6)
    axes.legend(frameon=False)
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=130)


def draw_annealing(record: dict, path: Path) -> None:
    """Distance in log pixels against chi, a panel a start: measured, predicted, floor.

    The prediction is that of Dale-Langevin; the sign-agnostic sampler has none.
    """
    rows = record["rows"]
    starts = list(dict.fromkeys(entry["name"].split(", ")[0] for entry in rows))
    figure = Figure(figsize=(4.2 * len(starts), 4.2), layout="constrained")
    panels = figure.subplots(1, len(starts), sharey=True, squeeze=False)[0]
    for start, axes in zip(starts, panels, strict=True):
        own = [entry for entry in rows if entry["name"].startswith(f"{start}, ")]
        for sampler, marker in (("dale-langevin", "o"), ("sign-agnostic", "s")):
            of = [entry for entry in own if entry["settings"]["sampler"] == sampler]
            chi = [_of_1000(entry["settings"]) for entry in of]
            colour = RED if sampler == "dale-langevin" else BLUE
            if of and of[0]["predicted"] is not None:
                told = [entry["predicted"] for entry in of]
                axes.plot(chi, told, color=colour, label=f"{sampler}, predicted")
            found = [over_blocks(entry, "log_pixels")[0] for entry in of]
            axes.plot(chi, found, marker, color=colour, label=sampler, alpha=0.7)
        axes.axhline(
            rows[0]["log_pixels_floor"], color="black", linestyle=":", label="real images"
        )
        axes.set(title=start, xlabel="chi, for 1000 levels", yscale="log")
        axes.grid(True, which="both", color="#dddddd", linewidth=0.6)
    panels[0].set_ylabel("Fréchet distance of log pixels")
    panels[0].legend(frameon=False)
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=130)


def _of_1000(settings: dict) -> float:
    """The chi that does over 1000 levels what the row's does over its own."""
    chi: float = settings["chi"] ** ((settings["num_steps"] or 1000) / 1000)
    return chi


def labels(entries: Sequence[dict]) -> list[str]:
    """What stands over the grid of each row."""
    return [
        f"{entry['name']}\nFréchet {_cell(entry, 'frechet')}, "
        f"floor {entry['blocks'][0]['result']['frechet_floor']:.2g}"
        for entry in entries
    ]
