"""The picture of the study of learned scores: nine panels, every seed a line or a marker."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from validation.kl.figure import BLUE, GREEN, GREY, RED
from validation.learned.problems import LINES, PLANES, WAYS, oracle
from validation.study import Findings

Networks = Sequence[Mapping[str, Any]]

COLOURS = dict(zip(WAYS, (RED, GREEN, BLUE), strict=True))
NAMES = {
    "paper": "the paper's head, loss and times",
    "paper, weight v": "the same, loss weighted by v(t)",
    "default": "this package's default",
}
MARKERS = {LINES[0]: "o", LINES[1]: "^"}
LINE, PLANE = LINES[1], PLANES[1]


def draw_figure(findings: Findings, path: Path) -> None:
    """Write the figure of these findings as a PNG file."""
    build_figure(findings).savefig(path, dpi=110)


def build_figure(findings: Findings) -> Figure:
    """The figure of these findings, independent of any display."""
    measured: Mapping[str, Any] = findings.measurements
    networks: Networks = measured["networks"]
    figure = Figure(figsize=(16, 14), layout="constrained")
    axes = figure.subplots(3, 3)
    _densities(axes[0, 0], measured["laws"][LINE], _first(networks, LINE))
    _scores(axes[0, 1], measured["laws"][LINE], _first(networks, LINE))
    _errors(axes[0, 2], _of(networks, LINE), "a mixture on the line")
    _samples(axes[1, 0], _first(networks, PLANE)["paper"])
    _samples(axes[1, 1], _first(networks, PLANE)["default"])
    _errors(axes[1, 2], _of(networks, PLANE), "a mixture in the plane")
    _field(axes[2, 0], _first(networks, PLANE)["default"])
    _bounds(axes[2, 1], networks)
    _gradients(axes[2, 2], measured, _first(networks, LINE))
    for one in axes.flat:
        one.grid(True, color="#e4e4e4", linewidth=0.6)
        one.set_axisbelow(True)
        one.spines[["top", "right"]].set_visible(False)
    return figure


def _of(networks: Networks, law: str) -> Networks:
    return [one for one in networks if one["law"] == law]


def _first(networks: Networks, law: str) -> dict[str, Mapping[str, Any]]:
    """The network with the first seed of each way."""
    return {one["way"]: one for one in _of(networks, law) if "drawn" in one}


def _densities(axes: Axes, facts: Mapping[str, Any], ways: Mapping[str, Any]) -> None:
    axes.fill_between(facts["log_x"], facts["density"], color="#d8d8d8", label="data, exact")
    for way, one in ways.items():
        axes.plot(
            facts["log_x"], one["density"], color=COLOURS[way], label=NAMES[way], linewidth=1.6
        )
    axes.set(title="Density of log x: data, and what each sampler draws from (exact)")
    axes.set(xlabel="log x", ylabel="density", ylim=(0, 1.35 * max(facts["density"])))
    axes.legend(frameon=False, loc="upper left")


def _scores(axes: Axes, facts: Mapping[str, Any], ways: Mapping[str, Any]) -> None:
    y = facts["log_x"]
    for way, one in ways.items():
        axes.plot(y, one["scores"][0]["learned"], color=COLOURS[way], linewidth=1.4)
    first = next(iter(ways.values()))["scores"][0]
    axes.plot(y, first["exact"], color="black", linewidth=1.2, linestyle="--", label="exact")
    size = 1.4 * max(map(abs, first["exact"]))
    axes.set(title=f"Log score 1 + h at the smallest time, t = {first['t']:.3g}")
    axes.set(xlabel="log x", ylabel="1 + h", ylim=(-size, size))
    axes.legend(frameon=False)


def _errors(axes: Axes, networks: Networks, what: str) -> None:
    for one in networks:
        t, error = ([row[name] for row in one["errors"]] for name in ("t", "error_times_v"))
        axes.plot(t, error, color=COLOURS[one["way"]], linewidth=1.1, alpha=0.85)
    axes.axhline(1.0, color=GREY, linewidth=1, linestyle=":")
    axes.text(0.03, 0.85, "as large as the noise itself", color=GREY, ha="left", va="top",
              transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="t", ylabel="v(t) E|h_model − h|²")
    axes.set(title=f"Error of the score, every seed: {what}")


def _samples(axes: Axes, network: Mapping[str, Any]) -> None:
    drawn = np.array(network["drawn"])
    way = network["way"]
    axes.plot(*drawn.T, ".", markersize=3, color=COLOURS[way], alpha=0.7)
    _contours(axes)
    axes.set(xlabel="log x₁", ylabel="log x₂", xlim=(-2.6, 2.4), ylim=(-2.6, 2.4))
    axes.set(title=f"{len(drawn):,} draws: {NAMES[way]}; lines: exact density")


def _contours(axes: Axes) -> None:
    y = np.linspace(-2.6, 2.4, 150)
    mesh = np.stack(np.meshgrid(y, y, indexing="ij"), axis=-1)
    law = oracle(PLANE)
    density = np.exp(law.logpdf(np.exp(mesh)) + mesh.sum(-1))
    levels = density.max() * np.array([0.03, 0.12, 0.3, 0.6])
    axes.contour(y, y, density.T, levels=levels, colors="black", linewidths=0.7)


def _field(axes: Axes, network: Mapping[str, Any]) -> None:
    field = network["field"]
    y, exact, learned = (np.array(field[name]) for name in ("y", "exact", "learned"))
    _contours(axes)
    scale = 14.0 * float(np.abs(exact).max()) / 5.0
    arrows = {"angles": "xy", "scale_units": "xy", "scale": scale}
    axes.quiver(*y.T, *exact.T, color="#b0b0b0", width=0.008, label="exact", **arrows)
    axes.quiver(*y.T, *learned.T, color=BLUE, width=0.003, label=NAMES["default"], **arrows)
    axes.set(xlabel="log x₁", ylabel="log x₂", xlim=(-2.6, 2.4), ylim=(-2.6, 2.9))
    axes.set(title=f"Field of the log score, t = {field['t']:.2g}")
    axes.legend(frameon=True, framealpha=1, loc="upper right", ncols=2)


def _bounds(axes: Axes, networks: Networks) -> None:
    for law, marker in MARKERS.items():
        for way in WAYS:
            chosen = [one for one in _of(networks, law) if one["way"] == way]
            pairs = [(one["kl_bound_nats"], one["kl_nats"]) for one in chosen]
            if pairs:
                axes.plot(*zip(*pairs, strict=True), marker, color=COLOURS[way], markersize=7,
                          markerfacecolor="none", label=f"{law}: {NAMES[way]}")  # fmt: skip
    values = [one[name] for one in networks if "kl_nats" in one
              for name in ("kl_nats", "kl_bound_nats")]  # fmt: skip
    ends = [0.5 * min(values), 2.0 * max(values)]
    axes.plot(ends, ends, color=GREY, linewidth=1)
    axes.text(ends[1], ends[1], "equal ", color=GREY, ha="right", va="top")
    axes.set(xscale="log", yscale="log", xlabel="bound of claim R20, nats")
    least = min(one["kl_bound_nats"] for one in networks if "kl_nats" in one)
    axes.set(xlim=(0.3 * least, 2.0 * ends[1]), ylim=(ends[0], 100 * ends[1]))
    axes.set(ylabel="KL( data ‖ sampler ), nats", title="Divergence measured, and its bound")
    axes.legend(frameon=False, fontsize=9, loc="upper left")


def _gradients(axes: Axes, measured: Mapping[str, Any], ways: Mapping[str, Any]) -> None:
    for way, one in ways.items():
        share = [*one["gradient_share_up_to"], 1.0]
        t = [*one["gradient_times"], 1.0]
        axes.plot(t, share, color=COLOURS[way], linewidth=1.8, label=NAMES[way])
    early = measured["small_times_up_to"]
    axes.axvline(early, ymax=0.8, color=GREY, linewidth=1, linestyle=":")
    axes.text(early, 1.02, f"t = {early:g}", color=GREY, ha="center", va="bottom")
    axes.set(xscale="log", xlabel="t", ylabel="share of E|gradient|² up to t", ylim=(0, 1.28))
    axes.set(title="Where the noise of the training gradient comes from")
    axes.legend(frameon=False, loc="upper left")
