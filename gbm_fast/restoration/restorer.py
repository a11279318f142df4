"""Restoring an image with speckle: estimate, deviation, band and ratio, in the user's units."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from gbm_fast.checks import require_tensor
from gbm_fast.gamma_noise import PixelLaws, SpeckleModel, gamma_log_moments
from gbm_fast.networks import LocalUNet
from gbm_fast.networks.tiles import TILE, TiledNetwork
from gbm_fast.restoration.chain import Laws, looks_levels, reverse_speckle
from gbm_fast.restoration.domains import (
    Spread,
    intensities,
    of_intensities,
    spread_of_laws,
    spread_of_samples,
)
from gbm_fast.restoration.looks import estimate_looks
from gbm_fast.runtime.state import callers_state_aside
from gbm_fast.settings.restoration import Domain, Estimate, Looks, RestorationSettings
from gbm_fast.training.runs import TrainedModel

_AT_ONCE = 2**20  # pixels of all samples that are evaluated together


@dataclass(frozen=True, eq=False)
class Restored:
    """A restored image, each (C, H, W) float64 in the domain and the units of the image.

    estimate    what was asked for: mean, median, or the first sample
    deviation   the standard deviation of each clean pixel given the image
    low, high   the band from 5 % to 95 % of each clean pixel; NaN for 1 to 18 samples
    ratio       intensity of the image divided by that of the estimate; of mean 1 and variance
                1 / L where the estimate is right
    known       (C, H, W) bool: pixels that were restored; elsewhere the image had zeros or no data
    looks       the looks that were assumed
    samples     (n, C, H, W), or None
    """

    estimate: Tensor
    deviation: Tensor
    low: Tensor
    high: Tensor
    ratio: Tensor
    known: Tensor
    looks: float
    samples: Tensor | None


@dataclass(frozen=True, eq=False)
class Restorer:
    """What restores: the laws of clean pixels, and where they hold.

    laws           (log y (n, C, H, W), looks (n,)) -> `PixelLaws`, in units in which log X has
                   mean 0 over an image
    least_looks, most_looks
                   between which the laws hold
    channels       of the images; 0 where any number will do
    unit           the mean of log X over an image, or None: estimated for each image
    """

    laws: Laws
    least_looks: float
    most_looks: float
    channels: int = 1
    unit: float | None = None

    def __call__(
        self,
        image: Tensor,
        settings: RestorationSettings,
        on_step: Callable[[int], None] = lambda count: None,
    ) -> Restored:
        """The image (H, W) or (C, H, W), in the domain of the settings, restored.

        on_step   called with the number of images after each evaluation of the network

        Raises ValueError for other shapes, negative intensities, an image without a pixel, and
        looks outside those of the laws.
        """
        values, noisy, known = self._read(image, settings)
        looks = self._looks(noisy, known, settings.looks)
        bias = float(gamma_log_moments(torch.tensor([looks], dtype=torch.float64))[0])
        logs = noisy.log()
        unit = self.unit if self.unit is not None else float(logs[known].mean()) - bias
        state = torch.where(known, logs - unit, 0.0).float()
        if settings.num_samples:
            samples = self._samples(state, looks, settings, on_step).double()
            samples = of_intensities(samples * math.exp(unit), settings.domain)
            spread = spread_of_samples(samples)
        else:
            samples, at = None, _evaluated(self.laws, state[None], looks)
            on_step(1)
            one = PixelLaws(*(part[0] for part in at))
            spread = spread_of_laws(one, unit, settings.domain)
        return _masked(values, noisy, known, spread, samples, settings, looks)

    def looks_of(self, image: Tensor, settings: RestorationSettings) -> float:
        """The looks that are assumed for an image; ValueError where it cannot be restored."""
        _, noisy, known = self._read(image, settings)
        return self._looks(noisy, known, settings.looks)

    def _read(self, image: Tensor, settings: RestorationSettings) -> tuple[Tensor, Tensor, Tensor]:
        """The numbers as they are, their intensities, and which of them are known."""
        values = _three_axes(image, self.channels)
        noisy = intensities(values, settings.domain)
        known = (noisy > 0) & noisy.isfinite()
        if not bool(known.any()):
            raise ValueError("the image has no pixel above zero: there is nothing to restore.")
        return values, noisy, known

    def _looks(self, noisy: Tensor, known: Tensor, looks: float | Literal["auto"]) -> float:
        if looks == "auto":
            found = estimate_looks(torch.where(known, noisy, torch.nan))
            return min(max(found, self.least_looks), self.most_looks)
        if not self.least_looks <= looks <= self.most_looks:
            raise ValueError(
                f"the restorer was trained for {self.least_looks:g} to {self.most_looks:g} looks, "
                f"not for {looks:g}."
            )
        return looks

    def _samples(
        self,
        state: Tensor,
        looks: float,
        settings: RestorationSettings,
        on_step: Callable[[int], None],
    ) -> Tensor:
        levels = looks_levels(looks, self.most_looks, settings.num_steps)
        together = max(1, _AT_ONCE // state.numel())
        made = []
        for first in range(0, settings.num_samples, together):
            numbers = range(first, min(first + together, settings.num_samples))
            stepped = partial(on_step, len(numbers))
            with torch.inference_mode():
                drawn = reverse_speckle(
                    self.laws, state.exp(), levels, settings.seed, numbers, stepped
                )
            made.append(drawn)
        return torch.cat(made)


def _evaluated(laws: Laws, logs: Tensor, looks: float) -> PixelLaws:
    with torch.inference_mode():
        return laws(logs, torch.full((len(logs),), looks, dtype=torch.float64))


def _three_axes(image: Tensor, channels: int) -> Tensor:
    require_tensor(image, "image")
    values = image[None] if image.ndim == 2 else image
    if values.ndim != 3 or 0 in values.shape or channels not in (0, len(values)):
        raise ValueError(
            f"the image must have shape (height, width) or ({channels or 'channels'}, height, "
            f"width), got {tuple(image.shape)}."
        )
    return values


def _masked(
    values: Tensor,
    noisy: Tensor,
    known: Tensor,
    spread: Spread,
    samples: Tensor | None,
    settings: RestorationSettings,
    looks: float,
) -> Restored:
    """The numbers at known pixels, the image's own at others; deviation, band and ratio NaN."""
    match settings.estimate:
        case "mean":
            estimate = spread.mean
        case "median":
            estimate = spread.median
        case "sample":
            assert samples is not None
            estimate = samples[0]
    ratio = noisy / intensities(estimate, settings.domain)
    nothing = torch.tensor(torch.nan, dtype=torch.float64)
    deviation, low, high, ratio = (
        torch.where(known, p, nothing) for p in (spread.deviation, spread.low, spread.high, ratio)
    )
    own = values.double()
    kept = None if samples is None else torch.where(known, samples, own)
    whole = torch.where(known, estimate, own)
    return Restored(whole, deviation, low, high, ratio, known, looks, kept)


def restorer_of(run: TrainedModel, tile: int = TILE) -> Restorer:
    """The restorer that a run with noise gamma has learned; ValueError for other runs.

    tile   larger images are evaluated by tiles of this side, without seams

    Of a run on one channel images may have any number: they are restored one by one.
    """
    model, config = run.model, run.config
    if not isinstance(model, SpeckleModel):
        raise ValueError(
            f"the run {run.folder} has learned a score, of noise {config.noise}, and no "
            "restoration: train one with --noise gamma."
        )
    assert isinstance(model.network, LocalUNet)
    whole = SpeckleModel(TiledNetwork(model.network, tile), model.log_std, model.autocast).eval()
    device, channels = run.device, run.event_shape[0]

    def laws(logs: Tensor, looks: Tensor) -> PixelLaws:
        flat = logs.reshape(-1, channels, *logs.shape[-2:])
        each = looks.repeat_interleave(len(flat) // len(logs))
        found = whole(flat.to(device), each.to(device))
        return PixelLaws(*(part.reshape(logs.shape).to(logs) for part in found))

    looks = config.least_looks, config.most_looks
    return Restorer(laws, *looks, 0 if channels == 1 else channels)


@callers_state_aside()
def restore_image(
    image: Tensor,
    run: TrainedModel,
    looks: Looks = 1.0,
    domain: Domain = "intensity",
    estimate: Estimate = "mean",
    num_samples: int = 0,
    seed: int = 0,
) -> Restored:
    """The image (H, W) or (C, H, W) restored, as `python -m gbm_fast.restore` does.

    run   a run with noise gamma, from `load_run` or `load_pretrained`

    The other settings are those of `RestorationSettings`, which a `Restorer` takes with the rest.
    Raises ValueError for a run with another noise, and what the restorer refuses.
    """
    settings = RestorationSettings(looks, domain, estimate, num_samples, seed=seed)
    return restorer_of(run)(image, settings)
