"""Intensity, amplitude or log intensity: what the numbers of an image are, and back.

Speckle multiplies the intensity I. A = sqrt(I) is the amplitude, and log I the natural logarithm
(decibels are 10 log10 I: multiply them by log(10) / 10 first).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.gamma_noise import PixelLaws
from gbm_fast.settings.restoration import Domain


def intensities(values: Tensor, domain: Domain) -> Tensor:
    """The intensities of `values`, float64; NaN where there is none, as where `values` is NaN.

    Raises ValueError for negative intensities and amplitudes, which no multiplication makes.
    """
    numbers = values.double()
    if domain == "log":
        return torch.where(numbers.isfinite(), numbers.exp(), torch.nan)
    negative = int((numbers < 0).sum())
    if negative:
        raise ValueError(
            f"{negative} of {numbers.numel()} numbers are negative: {domain} has none. If they "
            "are logarithms pass --domain log; if they stand for missing pixels, write NaN there, "
            "or declare their number in the file's no-data tag."
        )
    return numbers.square() if domain == "amplitude" else numbers


def of_intensities(intensity: Tensor, domain: Domain) -> Tensor:
    """Intensities in the domain, of their shape and dtype."""
    match domain:
        case "intensity":
            return intensity
        case "amplitude":
            return intensity.sqrt()
        case "log":
            return intensity.log()


class Spread(NamedTuple):
    """Mean, median, standard deviation and the 5 % and 95 % quantiles of each pixel."""

    mean: Tensor
    median: Tensor
    deviation: Tensor
    low: Tensor
    high: Tensor


def spread_of_laws(laws: PixelLaws, log_scale: float, domain: Domain) -> Spread:
    """Of the clean pixels in the domain, by one evaluation of the network.

    Mean and quantiles are those that the network has learned, the mean for the domain; median and
    deviation are those of a log-normal pixel with the mean and the deviation of log X.

    log_scale   the logarithm of the unit in which the laws are
    """
    mean, s = laws.log_mean.double() + log_scale, laws.log_std.double()
    unit = math.exp(log_scale)
    median = of_intensities(mean.exp(), domain)
    low, high = (of_intensities(end.double() * unit, domain) for end in (laws.low, laws.high))
    match domain:
        case "intensity":
            centre = laws.mean.double() * unit
            deviation = centre * torch.expm1(s.square()).sqrt()
        case "amplitude":
            centre = laws.root_mean.double() * math.sqrt(unit)
            deviation = centre * torch.expm1(s.square() / 4).sqrt()
        case "log":
            centre, deviation = mean, s
    return Spread(centre, median, deviation, low, high)


def spread_of_samples(samples: Tensor) -> Spread:
    """Of samples (n, ...) of the clean pixels, in their domain, float64.

    The quantiles are order statistics at (n + 1) p, which a new draw of the same law exceeds with
    probability 1 - p whatever the law is; they need n >= 19, and are NaN for fewer, and so is the
    deviation of one sample.
    """
    values = samples.double()
    ordered = values.sort(0).values
    low, high = (order_statistic(ordered, p) for p in (0.05, 0.95))
    nothing = torch.full_like(values[0], torch.nan)
    deviation = values.std(0) if len(values) > 1 else nothing
    return Spread(values.mean(0), values.median(0).values, deviation, low, high)


def order_statistic(ordered: Tensor, p: float) -> Tensor:
    """The value at the place (n + 1) p of sorted values (n, ...), between two in proportion.

    NaN where that place is before the first or behind the last.
    """
    last = len(ordered) - 1
    place = (len(ordered) + 1) * p - 1
    if not -1e-9 <= place <= last + 1e-9:  # 20 times 0.05 is 1 but for rounding
        return torch.full_like(ordered[0], torch.nan)
    place = min(max(place, 0.0), float(last))
    below, above = math.floor(place), math.ceil(place)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
