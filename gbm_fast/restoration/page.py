"""A picture of a restoration: the image, the estimate, the band's width, and the ratio image."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gbm_fast.restoration.files import ImageFile
from gbm_fast.restoration.restorer import Restored
from gbm_fast.runtime.figures import ConstrainedLayoutEngine, Figure
from gbm_fast.runtime.files import write_atomic
from gbm_fast.settings.restoration import RestorationSettings

_PANEL = 4.2  # inches


def save_page(
    path: Path, image: ImageFile, restored: Restored, settings: RestorationSettings
) -> None:
    """Four panels of the first channel, PNG. Grey levels are the same for image and estimate.

    The ratio image is to look like speckle and nothing else: what can be recognised in it was
    taken out of the image. Its mean and its variance times the looks, 1 and 1 where the estimate
    is right, stand above it.
    """
    panels = _panels(image, restored, settings)
    height, across = panels[0][1].shape
    tall = _PANEL * min(2.0, max(0.5, height / across))
    figure = Figure(figsize=(2 * _PANEL + 1, 2 * tall + 1), layout=ConstrainedLayoutEngine())
    for axis, (title, numbers, least, most, colours) in zip(
        figure.subplots(2, 2).ravel(), panels, strict=True
    ):
        drawn = axis.imshow(numbers, cmap=colours, vmin=least, vmax=max(most, least + 1e-12))
        axis.set_title(title, fontsize=8.5, loc="left")
        axis.set_xticks([])
        axis.set_yticks([])
        if colours == "magma":
            figure.colorbar(drawn, ax=axis, shrink=0.8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    write_atomic(path, buffer.getvalue())


Panel = tuple[str, NDArray, float, float, str]


def _panels(image: ImageFile, restored: Restored, settings: RestorationSettings) -> list[Panel]:
    """Title, numbers, least and greatest number, and colours of each."""
    known = restored.known[0].numpy()
    estimate, noisy = restored.estimate[0].numpy(), image.values[0].numpy()
    shown = np.where(known, estimate, np.nan)
    low, high = (float(v) for v in np.nanquantile(shown, (0.005, 0.995)))
    if settings.domain == "intensity":  # speckled intensities are dark but for a few pixels
        low, high = low**0.5, high**0.5
        noisy, shown = np.sqrt(np.clip(noisy, 0, None)), np.sqrt(np.clip(shown, 0, None))
    ratio = restored.ratio[0].numpy()
    width, label = _relative_band(restored, settings)
    note = f"{restored.looks:.3g} look{'' if restored.looks == 1 else 's'}"
    note += ", shown as its root" if settings.domain == "intensity" else ""
    said = (
        f"mean {np.nanmean(ratio):.3f}, variance x looks {np.nanvar(ratio) * restored.looks:.3f}"
    )
    return [
        (f"{image.path.name}: {settings.domain}, {note}", noisy, low, high, "gray"),
        (_named(settings), shown, low, high, "gray"),
        (label, width, 0.0, float(np.nanquantile(width, 0.99)), "magma"),
        (f"image / estimate: {said}", ratio, 0.0, 3.0 if restored.looks < 3 else 2.0, "gray"),
    ]


def _named(settings: RestorationSettings) -> str:
    how = f"{settings.num_samples} samples" if settings.num_samples else "one evaluation"
    shown = ", shown as its root" if settings.domain == "intensity" else ""
    return f"{settings.estimate} of the {settings.domain}, {how}{shown}"


def _relative_band(restored: Restored, settings: RestorationSettings) -> tuple[NDArray, str]:
    """The width of the band over the estimate, or the deviation where there is no band."""
    low, high, estimate = (
        part[0].numpy() for part in (restored.low, restored.high, restored.estimate)
    )
    several = np.isfinite(low).any()
    width = high - low if several else restored.deviation[0].numpy()
    what = "band from 5 to 95 %" if several else "deviation"
    if settings.domain == "log":
        return width, f"{what}: width in log intensity"
    known = restored.known[0].numpy()
    relative = np.divide(width, estimate, out=np.full_like(width, np.nan), where=known)
    return relative, f"{what}: width over the estimate"
