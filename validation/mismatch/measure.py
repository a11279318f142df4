"""The measurement of the study of starts, and its gate.

Tolerances: ROUTES and FITS are for float64 evaluations in another order of sums of some 800
terms (a price) or 5e7 (a moment of all pixels), TOTAL for the sums over 60,000 images in one entry
of a covariance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from torch import Tensor

from gbm_fast.process import GBM
from gbm_fast.sampling.initial import fitted_lognormal
from validation.mismatch.moments import Moments, moments, pooled
from validation.mismatch.prices import (
    Pair,
    Prices,
    Route,
    averages_pair,
    by_divergence,
    by_formula,
    image_pair,
)
from validation.study import Check, Findings

ROUTES, FITS, TOTAL = 1e-9, 1e-9, 1e-12
SIGMA = 0.8
SHOWN_COMPONENTS = 200


@dataclass(frozen=True)
class Row:
    """One data set: prices in nats, and what is behind them."""

    name: str
    images: int
    pixels: int
    prices: Prices
    largest_component: float
    kept_of_a_mean_error: float
    variance_left_of_it: float
    fit_to_images: Pair
    fit_to_averages: Pair
    information_bound: float
    components: tuple[float, ...]


def load(names: Sequence[str]) -> Iterable[tuple[str, Tensor, Tensor]]:
    """(name, positive training images, labels); nothing is downloaded."""
    from gbm_fast.data import load_dataset

    for name in names:
        data = load_dataset(name, download=False)
        images = data.positive(data.train_images)
        yield name, images, data.train_labels


def measure_with(
    sets: Iterable[tuple[str, Tensor, Tensor]], route: Route = by_formula, sigma: float = SIGMA
) -> Findings:
    """The study on any images: a test plants mistakes in `route` and expects a refusal."""
    rows, checks = [], []
    for name, images, labels in sets:
        data = moments(images, labels)
        prices = route(data, sigma**2)
        rows.append(row(name, len(images), data, prices, sigma**2))
        checks += gate(name, data, prices, sigma)
    parameters = {"sigma": sigma, "t": 1.0, "mu": sigma**2 / 2, "pixels": "x = 1 + u / max"}
    return Findings(parameters, {"rows": [asdict(row) for row in rows]}, tuple(checks))


def row(name: str, images: int, data: Moments, prices: Prices, s2: float) -> Row:
    """The line of the table for one data set."""
    spectrum = np.maximum(np.linalg.eigvalsh(data.law.cov)[::-1], 0.0)
    first = float(spectrum[0])
    kept = first / (first + s2)
    fit = image_pair(data, s2)
    return Row(
        name,
        images,
        data.law.mean.size,
        prices,
        first,
        kept,
        1.0 + kept**2 * (fit[1] ** 2 - first - s2) / first,
        fit,
        averages_pair(data, s2),
        0.5 * float(np.log1p(spectrum / s2).sum()),
        tuple(float(value) for value in spectrum[:SHOWN_COMPONENTS]),
    )


def gate(name: str, data: Moments, prices: Prices, sigma: float) -> list[Check]:
    """What must hold for one data set."""
    wanted = by_divergence(data, sigma**2)
    gap = max(abs(prices[start] - wanted[start]) for start in wanted) / max(wanted.values())
    fits = _gap_of_fits(data, sigma)
    whole = pooled(data.classes)
    total = float(
        np.abs(whole.cov - data.law.cov).max() + np.abs(whole.mean - data.law.mean).max()
    )
    lift = min(float((group.log_average - group.law.mean).min()) for group in data.classes)
    ordered = [prices[start] for start in ("product", "one pair", "averages' pair", "exp(Z)")]
    listed = ", ".join(f"{price:.2f}" for price in ordered)
    return [
        Check(f"{name}: closed forms against gbm_ref", gap <= ROUTES, f"relative gap {gap:.1e}"),
        Check(f"{name}: gbm_fast's fits (R23)", fits <= FITS, f"largest gap {fits:.1e}"),
        Check(f"{name}: law of total covariance", total <= TOTAL, f"largest gap {total:.1e}"),
        Check(f"{name}: averages are brighter (Jensen)", lift >= -TOTAL, f"least gap {lift:.1e}"),
        Check(
            f"{name}: product <= one pair <= others",
            bool(0 <= ordered[0] <= ordered[1] <= min(ordered[2:])),
            listed,
        ),
    ]


def _gap_of_fits(data: Moments, sigma: float) -> float:
    """gbm_fast's fits against ours; for one channel."""
    process, known = GBM(sigma**2 / 2, sigma), data.statistics
    theirs = (
        *fitted_lognormal(known.log_means, known.log_stds, process),
        *fitted_lognormal(known.average_log_means, known.average_log_stds, process),
    )
    ours = (*image_pair(data, sigma**2), *averages_pair(data, sigma**2))
    return max(abs(float(a) - b) for a, b in zip(theirs, ours, strict=True))
