"""Steps one edit away from eq. (12) of version 2, and why the one-step probe must refuse them.

X_s / X_t = offset + slope z,   offset = 1 - dm + 3/2 dv + dv h(|X_t|, t),   slope = sqrt(dv)"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gbm_ref import Process, Score


class Parts(NamedTuple):
    """What a step from x at t by dt is made of; h_below is the score one level later."""

    x: np.ndarray
    h: np.ndarray
    h_below: np.ndarray
    dm: float
    dv: float
    dt: float
    sigma: float

    @property
    def offset(self) -> np.ndarray:
        return 1.0 - self.dm + 1.5 * self.dv + self.dv * self.h

    @property
    def slope(self) -> np.ndarray:
        return np.full_like(self.x, np.sqrt(self.dv))


def parts(process: Process, score: Score, x: np.ndarray, t: float, dt: float) -> Parts:
    h, below = score(np.abs(x), t), score(np.abs(x), t - dt)
    return Parts(x, h, below, *process.increments(t, dt), dt, process.diffusion(t))


Coefficients = Callable[[Parts], tuple[np.ndarray, np.ndarray]]

# What fails -> twins as (offset, slope). mu dt is dm + dv / 2.
LINEAR: dict[str, tuple[str, Coefficients]] = {
    "Ito term of the logarithm kept in X": ("offset", lambda p: (p.offset - p.dv / 2, p.slope)),
    "drift's sign flipped": ("offset", lambda p: (2 - p.offset, p.slope)),
    "divergence term once": ("offset", lambda p: (p.offset - p.dv, p.slope)),
    # dx = [f - g^2 score] dt + g dw with g = sigma x: right for a g that does not depend on x.
    "the additive-noise template": ("offset", lambda p: (p.offset - 2 * p.dv, p.slope)),
    "log score for Hyvarinen score": ("offset", lambda p: (p.offset + p.dv, p.slope)),
    "score at k - 1": ("offset", lambda p: (p.offset + p.dv * (p.h_below - p.h), p.slope)),
    "sigma for sigma^2": ("offset", lambda p: (p.offset + (p.sigma * p.dt - p.dv) * p.h, p.slope)),
    "dt for sqrt(dt)": ("slope", lambda p: (p.offset, p.slope * np.sqrt(p.dt))),
    "no noise": ("slope", lambda p: (p.offset, 0 * p.slope)),
    "noise that is not multiplied by x": ("slope", lambda p: (p.offset, p.slope / np.abs(p.x))),
}

# What fails -> twins as X_s / X_t at z.
BENT: dict[str, tuple[str, Callable[[Parts, np.ndarray], np.ndarray]]] = {
    "noise clipped": ("polynomial", lambda p, z: p.offset + p.slope * np.clip(z, -5, 5)),
    "eq. (13) for eq. (12)": (
        "polynomial",
        lambda p, z: np.exp(-p.dm + p.dv * (1 + p.h) + p.slope * z),
    ),
    "Milstein's term added": (
        "polynomial",
        lambda p, z: p.offset + p.slope * z + p.dv * (z**2 - 1) / 2,
    ),
    "noise shared by the coordinates": ("coupling", lambda p, z: p.offset + p.slope * z[:, :1]),
}
