"""Grids of images for people to look at: one labelled panel a sampler, beside real images."""

import io
import math
import textwrap
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from torch import Tensor

from gbm_fast.data import integers_from_positive
from gbm_fast.data.positive import LogScale
from gbm_fast.runtime.figures import ConstrainedLayoutEngine, Figure
from gbm_fast.runtime.files import write_atomic

# Characters of a label's line, at its font size, in the width of a panel.
_LABEL_WIDTH = 62


class Picture(NamedTuple):
    """Images (n, C, H, W) in [1, 2], C of 1 or 3, to be shown with so many grey levels."""

    images: Tensor
    max_value: int


def pictured(images: Tensor, max_value: int | None, scale: LogScale | None) -> Picture:
    """What to show of images of a data set with this `max_value`, or this scale.

    In units of their own black and white are 2.5 deviations of the logarithms below and above
    their mean; of other numbers of channels than 1 and 3 the first is shown.
    """
    if scale is None:
        assert max_value is not None
        return Picture(images, max_value)
    shown = 1 + ((scale.states(images).log() + 2.5) / 5).clamp(0, 1)
    return Picture(shown if shown.shape[1] in (1, 3) else shown[:, :1], 255)


def tile(images: Tensor, columns: int, max_value: int, gap: int = 1) -> np.ndarray:
    """Images (n, C, H, W) in [1, 2] as one uint8 array (rows, columns) or (rows, columns, 3).

    Grey values are spread over 0..255, `gap` white pixels between the images.
    """
    levels = integers_from_positive(images, max_value).double() * (255 / max_value)
    pixels = levels.round().byte().permute(0, 2, 3, 1).numpy()
    n, height, width, channels = pixels.shape
    rows = math.ceil(n / columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    canvas = np.full(shape, 255, np.uint8)
    for i, image in enumerate(pixels):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return canvas[:, :, 0] if channels == 1 else canvas


def save_png(path: Path, pixels: np.ndarray, scale: int = 1) -> None:
    """One uint8 array as a PNG, each pixel `scale` pixels wide, written atomically."""
    buffer = io.BytesIO()
    enlarged = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
    Image.fromarray(enlarged).save(buffer, format="PNG")
    write_atomic(path, buffer.getvalue())


def save_panels(
    path: Path, panels: list[tuple[str, Tensor]], max_value: int, title: str, columns: int = 8
) -> None:
    """Labelled grids (label, images (n, C, H, W) in [1, 2]) side by side as one PNG.

    The lines of a label are broken where they are wider than the panel.
    """
    across = min(3, len(panels))
    down = math.ceil(len(panels) / across)
    # Two panels stand further apart than the images in one: inches, then shares of a panel.
    layout = ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.14, wspace=0.03, hspace=0.03)
    rows = math.ceil(max(len(images) for _, images in panels) / columns)
    figure = Figure(
        figsize=(4.6 * across, (4.6 * rows / columns + 0.4) * down + 0.5), layout=layout
    )
    figure.suptitle(title, fontsize=13, fontweight="bold")
    axes = np.atleast_1d(figure.subplots(down, across)).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, (label, images) in zip(axes, panels, strict=False):
        axis.imshow(
            tile(images, columns, max_value),
            cmap="gray",
            vmin=0,
            vmax=255,
            interpolation="nearest",
        )
        lines = [part for line in label.splitlines() for part in textwrap.wrap(line, _LABEL_WIDTH)]
        axis.set_title("\n".join(lines), fontsize=9.5, loc="left")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    write_atomic(path, buffer.getvalue())


def save_film(
    path: Path, above: Tensor, below: Tensor, captions: list[str], title: str, max_value: int
) -> None:
    """Two rows of images, each (n, C, H, W) in [1, 2], with a caption a column, as one PNG."""
    layout = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03)
    figure = Figure(figsize=(1.35 * len(captions), 3.5), layout=layout)
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(2, len(captions))
    for name, row, images in zip(("state", "denoised"), axes, (above, below), strict=True):
        for axis, image in zip(row, images, strict=True):
            axis.imshow(
                tile(image[None], 1, max_value),
                cmap="gray",
                vmin=0,
                vmax=255,
                interpolation="nearest",
            )
            axis.set_xticks([])
            axis.set_yticks([])
        row[0].set_ylabel(name, fontsize=9)
    for axis, caption in zip(axes[0], captions, strict=True):
        axis.set_title(caption, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    write_atomic(path, buffer.getvalue())
