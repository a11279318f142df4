"""Laws about the length of a step: pieces that make a whole, limits, and steps that break laws."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from gbm_ref import GBM, LogNormal, Process, Score, Step
from gbm_ref.steps import DDIM, Ancestral, Corrector, DaleLangevin, ProbabilityFlow
from tests.support import metamorphic as meta
from tests.support.metamorphic import UNIT, Case

ISOTROPIC = 0.3
# Steps that may be cut into pieces without an error, each for one kind of score.
DIVISIBLE: dict[str, Step] = {
    "DaleLangevin": DaleLangevin(),
    "Corrector": Corrector(),
    "Ancestral": Ancestral(),
    "reverse kernel": Ancestral(ISOTROPIC),
    "DDIM": DDIM(),
    "ProbabilityFlow": ProbabilityFlow(),
}


def pieces(step: Step, case: Case) -> None:
    """Steps one after the other are one step with the draw sum_i w_i z_i / |w| (semigroup).

    With a constant score w_i = sqrt(dv_i). A kernel that is exact given log X_0 = D, or given
    log X_0 ~ N(D, S), shrinks what was added before by V_s / V_t, V = S + v (claims R7, R17), so
    that w_i = sqrt(dv_i / (V_i V_(i-1)))."""
    frozen = not isinstance(step, DaleLangevin | Corrector)
    spread = ISOTROPIC if step == DIVISIBLE["reverse kernel"] else 0.0
    data = LogNormal([0.4, -0.7], spread)

    def score(x: np.ndarray, t: float) -> np.ndarray:
        return data.diffuse(case.process, t).hyvarinen_score(x) if frozen else case.h

    lengths = case.dt * np.array(case.fractions) / sum(case.fractions)
    times = case.t - np.concatenate([[0.0], np.cumsum(lengths)])
    levels = spread + np.array([case.process.log_var(t) for t in times])
    weights = np.sqrt(-np.diff(levels))
    if frozen:
        weights = weights / np.sqrt(levels[1:] * levels[:-1])
    draws = np.stack([np.roll(case.z, i) * (-1) ** i for i in range(lengths.size)])
    x = case.x
    for t, dt, z in zip(times, lengths, draws, strict=False):
        read = case.t if isinstance(step, Corrector) else t
        x = step(case.process, score, x, read, dt, case.noise, z)
    z = np.tensordot(weights, draws, 1) / np.linalg.norm(weights)
    whole = case.run(step, score=score, z=z)
    allowed = 8 * UNIT * lengths.size * sizes(case, levels)
    np.testing.assert_array_less(np.abs(np.log(x / whole)), allowed)


def sizes(case: Case, levels: np.ndarray) -> np.ndarray:
    """A bound on the terms of the pieces: the deviation from the data times dv / V, and noise."""
    return (case.size() + 4 * np.abs(case.z).max()) * (2 + levels[0] / levels[-1])


def no_time(step: Step, case: Case) -> None:
    """A step of length 0 changes nothing, bitwise; a short one as little as its terms."""
    still = replace(case, dt=0.0)
    np.testing.assert_array_equal(still.run(step), case.x)
    short = replace(case, dt=1e-9 * case.dt)
    np.testing.assert_array_less(np.abs(short.run(step) / case.x - 1), terms(short))


def no_noise(step: Step, case: Case) -> None:
    """As sigma -> 0 the state grows by -mu dt alone, backwards; the corrector does nothing."""
    mu = case.process.drift(0.0)
    quiet = replace(case, process=GBM(mu, 1e-6))
    growth = 0.0 if isinstance(step, Corrector) else -mu * case.dt
    ratio = 1 + growth if step.coordinates == "ambient" else np.exp(growth)
    allowed = 3 * terms(replace(quiet, process=GBM(None, 1e-6)))
    np.testing.assert_array_less(np.abs(quiet.run(step) / case.x - ratio), allowed)


def terms(case: Case) -> np.ndarray:
    """Twice the sizes of all terms of a short step, which bound its effect; and rounding."""
    return 2 * (case.size() - 1 - np.abs(np.log(case.x))) + 8 * UNIT


Spoil = Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]


Spoil = Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]


@dataclass(frozen=True)
class Broken:
    """A step with something done to its result: (result, x, dt, dv) -> result."""

    calculus: ClassVar[str] = "ito"
    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0
    uses_noise: ClassVar[bool] = True
    keeps_sign: ClassVar[bool] = True
    coordinates: ClassVar[str] = "log"
    step: Step
    spoil: Spoil

    def __call__(self, process: Process, score: Score, x: np.ndarray, *at: float) -> np.ndarray:
        _, dv = process.increments(*at[:2])
        return self.spoil(self.step(process, score, x, *at), x, at[1], dv)


# A law and what breaks it.
SPOILT: dict[str, tuple[Callable[[Step, Case], None], Spoil]] = {
    "something is added, not multiplied": (meta.scale, lambda y, x, dt, dv: y + 0.01 * dt),
    "an offset": (meta.oddness, lambda y, x, dt, dv: y + 0.01 * dt),
    "a sign is lost": (meta.sign, lambda y, x, dt, dv: y - 0.2),
    "the batch is normalised": (meta.arrangement, lambda y, x, dt, dv: y * x.mean()),
    "dt for dv": (meta.clock, lambda y, x, dt, dv: y * np.exp(0.01 * dt)),
    "the Ito term is lost": (meta.power, lambda y, x, dt, dv: y * np.exp(dv / 2)),
    "coordinates are clipped": (meta.rotation, lambda y, x, dt, dv: np.clip(y, 0.5, 2.0)),
    "an error of second order": (pieces, lambda y, x, dt, dv: y * np.exp(0.01 * dt**2)),
    "a floor on dt": (no_time, lambda y, x, dt, dv: y * np.exp(1e-6)),
    "a drift that is not mu": (no_noise, lambda y, x, dt, dv: y * np.exp(0.01 * dt)),
}
