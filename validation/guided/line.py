"""Guidance on the line: two log-normal classes that overlap, and exact laws by transport."""

from typing import NamedTuple

import numpy as np

import gbm_ref as ref

CENTRE, VAR = 0.6, 0.25
"""Both classes have the log-variance VAR, and the log-means -CENTRE and CENTRE."""
DATA = ref.LogNormalMixture([0.5, 0.5], [[-CENTRE], [CENTRE]], [VAR, VAR])
CLASS = ref.LogNormal([CENTRE], VAR)
PROCESS = ref.VarianceExploding(std_min=0.005, std_max=10.0)
WEIGHTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
TOLERANCE = {"rtol": 1e-8, "atol": 1e-8}


class Row(NamedTuple):
    """A weight, moments of log X with their error, the share on the other class's side, below 0,
    and the same moments and share of the density p_u^(1-w) p_c^w."""

    weight: float
    mean: float
    deviation: float
    error: float
    missed: float
    tilted: tuple[float, float, float]


def start() -> ref.LogNormal:
    """The samplers' log-normal start: with mean and variance of the data's log X_T."""
    mean, cov = ref.log_moments(DATA.diffuse(PROCESS, PROCESS.horizon))
    return ref.LogNormal(mean, cov)


def row(weight: float) -> Row:
    """What guidance of this weight draws for the upper class."""
    score = ref.guided_score(
        ref.exact_score(CLASS, PROCESS), ref.exact_score(DATA, PROCESS), weight
    )
    moments = ref.flow_moments(score, PROCESS, start(), **TOLERANCE)
    below = ref.flow_cdf([1.0], score, PROCESS, start(), **TOLERANCE)
    found = moments.mean, moments.var**0.5, moments.error, float(below[0])
    return Row(weight, *found, tilted(weight))


def tilted(weight: float) -> tuple[float, float, float]:
    """Mean, deviation and share below 0 of log X of p_u^(1-w) p_c^w, by the trapezoidal rule."""
    y = np.linspace(-12.0, 12.0, 48_001)
    x = np.exp(y)[:, None]
    log_density = (1.0 - weight) * DATA.logpdf(x) + weight * CLASS.logpdf(x) + y
    mass = np.exp(log_density - log_density.max())
    mass /= mass.sum()
    mean = float(mass @ y)
    return mean, float(mass @ (y - mean) ** 2) ** 0.5, float(mass[y < 0.0].sum())


def of_the_class() -> tuple[float, float]:
    """Mean and deviation at w = 1 in closed form: the flow of log-normal data from this start."""
    law, v = start(), PROCESS.log_var(PROCESS.horizon)
    gain = float(VAR / (VAR + v))
    return CENTRE + gain**0.5 * float(law.log_mean[0] - CENTRE), (
        gain * float(law.log_cov[0, 0])
    ) ** 0.5
