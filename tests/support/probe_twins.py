"""Samplers one edit away from eq. (13) of version 2, and why the probe must refuse them.

A step is described by what it adds to log X:

    log X_s = log X_t + shift + weight (1 + h(X_t, read)) + root z"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from gbm_ref import Gaussian, Grid, LogNormal, Process, Row, annealed, uniform
from gbm_ref.probe import Sampler

CLIP = 5.0  # Between the two sizes of noise with which the probe looks.


class Rule(NamedTuple):
    """A step in log X, as in the module docstring; 1 + h is read at the time `read`."""

    shift: float
    weight: float
    read: float
    root: float


@cache
def correct(process: Process, row: Row) -> Rule:
    """Eq. (13); kept, since the integrals of a time-varying process take their time."""
    dm, dv = process.increments(row.t_score, row.dt)
    return Rule(-dm, dv, row.t_score, row.noise * np.sqrt(dv))


@cache
def diffused(process: Process, target: LogNormal, t: float) -> LogNormal:
    return target.diffuse(process, t)


Edit = Callable[[Process, Row, Rule], Rule]


def sigma_for_its_square(process: Process, row: Row, rule: Rule) -> Rule:
    """sigma h for sigma^2 h in eq. (13)."""
    weight = process.diffusion(row.t_score) * row.dt
    return rule._replace(shift=rule.shift + rule.weight - weight, weight=weight)


def shifted(factor: float) -> Edit:
    """`factor` times sigma^2 dt added to log X."""
    return lambda _, row, rule: rule._replace(shift=rule.shift + factor * rule.weight)


def level_below(row: Row) -> float:
    return max(row.t_score - row.dt, 0.0)


@dataclass(frozen=True)
class Twin:
    """A sampler with a defect; `fails` are the reasons for which it has to be refused.

    edit     what is different in a step
    shared   one draw for all coordinates
    clip     bound on the draws;  bound  on the exponent
    inner    three steps at each of six levels, with falling noise, for one at each of twelve
    literal  of the three steps at a level the last alone has an effect (claim E3)
    forgets  the start lacks the variance of the data"""

    fails: frozenset[str]
    edit: Edit = lambda _, row, rule: rule
    shared: bool = False
    clip: float = np.inf
    bound: float = np.inf
    inner: bool = False
    literal: bool = False
    forgets: bool = False

    def grid(self, process: Process) -> Grid:
        if not self.inner:
            return uniform(12, process.horizon)
        return annealed(6, process.horizon, step_length=0.05, inner_steps=3, chi=0.9)

    def start(self, process: Process, target: LogNormal) -> Gaussian:
        """The law of log x_T from which it is started."""
        end = diffused(process, target, process.horizon)
        cov = end.log_cov - target.log_cov if self.forgets else end.log_cov
        return Gaussian(end.log_mean, cov)

    def sampler(self, process: Process, target: LogNormal) -> Sampler:
        """The loop, written with the exact score."""
        rules = self._rules(process)[self._visited]
        laws = [diffused(process, target, rule.read) for rule in rules]

        def run(x: np.ndarray, z: np.ndarray) -> np.ndarray:
            for rule, law, draws in zip(rules, laws, z[self._visited], strict=True):
                noise = np.clip(draws, -self.clip, self.clip) @ self._mixing(target.d).T
                exponent = rule.shift + rule.weight * law.log_score(x) + rule.root * noise
                x = x * np.exp(np.clip(exponent, -self.bound, self.bound))
            return x

        return run

    def law(self, process: Process, target: LogNormal) -> Gaussian:
        """Its law by a recursion of matrices; without the clipping."""
        mean, cov = self.start(process, target)
        identity, mixing = np.eye(target.d), self._mixing(target.d)
        for rule in self._rules(process)[self._visited]:
            data = diffused(process, target, rule.read)
            pull = np.linalg.inv(data.log_cov)
            factor = identity - rule.weight * pull
            mean = mean + rule.shift - rule.weight * pull @ (mean - data.log_mean)
            cov = factor @ cov @ factor.T + rule.root**2 * mixing @ mixing.T
        return Gaussian(mean, cov)

    def _rules(self, process: Process) -> list[Rule]:
        rows = self.grid(process)
        return [self.edit(process, row, correct(process, row)) for row in rows]

    @property
    def _visited(self) -> slice:
        return slice(2, None, 3) if self.literal else slice(None)

    def _mixing(self, d: int) -> np.ndarray:
        return np.outer(np.ones(d), np.eye(d)[0]) if self.shared else np.eye(d)


MEAN, COV = frozenset({"mean"}), frozenset({"covariance"})
BOTH = MEAN | COV
AFFINITY = frozenset({"affinity"})
TWINS: dict[str, Twin] = {
    # The drift of X in the exponent, without - sigma^2 / 2 or with + sigma^2 / 2.
    "Ito term missing": Twin(MEAN, shifted(0.5)),
    "Ito term's sign flipped": Twin(MEAN, shifted(1)),
    # The equation for dt < 0 run with dt > 0 (claim E11).
    "drift's sign flipped": Twin(BOTH, lambda _, row, r: Rule(-r[0], -r[1], r.read, r.root)),
    # sigma^2 for 2 sigma^2 in the reverse drift of X.
    "divergence term once": Twin(MEAN, shifted(-1)),
    "dt for sqrt(dt)": Twin(COV, lambda _, row, r: r._replace(root=r.root * np.sqrt(row.dt))),
    "score at k - 1": Twin(BOTH, lambda _, row, rule: rule._replace(read=level_below(row))),
    "no noise in the last step": Twin(
        COV, lambda _, row, rule: rule._replace(root=0.0) if row.t_score < 1.5 * row.dt else rule
    ),
    "sigma for sigma^2": Twin(BOTH, sigma_for_its_square),
    # sigma^2 / 2 in front of the score, as without noise (claim R11).
    "the flow's score weight": Twin(COV, lambda _, row, r: r._replace(weight=r.weight / 2)),
    # Its line 4 (the Jacobian's 1 is lost; claim E2) and k = N - 1 .. 0 (claim E4).
    "Algorithm 1 of version 1": Twin(
        BOTH, lambda _, row, r: r._replace(shift=r.shift - r.weight, read=level_below(row))
    ),
    "Algorithm 2 of version 1, literally": Twin(BOTH, inner=True, literal=True),
    "a start without the data's variance": Twin(COV, forgets=True),
    "noise shared by the coordinates": Twin(COV, shared=True),
    "noise clipped": Twin(AFFINITY, clip=CLIP),
    "exponent clipped": Twin(AFFINITY, bound=1.5),
}
RIGHT = {"uniform": Twin(frozenset()), "annealed": Twin(frozenset(), inner=True)}
