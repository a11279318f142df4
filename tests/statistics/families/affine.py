"""Samplers whose output is exactly log-normal: steps affine in log X on log-normal data.

Null law: `gbm_ref.exact_law`, the law of that step on that grid, not the law of the data. The law
of a twin is extracted from the twin itself by injected noise, row by row (`pieces.probed`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import torch
from scipy.special import ndtri

import gbm_ref
from gbm_fast.grids import Row
from gbm_fast.steps import DDIM, Ancestral, DaleLangevin, MarginalPreserving, ProbabilityFlow, Step
from tests.statistics import edits
from tests.statistics.laws import (
    Law,
    Plane,
    gaussian_line,
    gaussian_plane,
    midpoints,
    pushforward,
)
from tests.statistics.pieces import Build, Edit, correct, drawn, edited, probed, row_maps
from tests.statistics.scenario import Scenario, Twin, View
from tests.support.problems import LOG_NORMALS, PROCESSES

PATHS = 2**17
SHARED = {"one draw for all coordinates": edits.one_draw_for_all_coordinates}


@dataclass(frozen=True)
class Sampler:
    """A step of both libraries, log-normal data, a process and a grid."""

    step: Step
    oracle: gbm_ref.Step
    data: gbm_ref.LogNormal
    process: gbm_ref.Process
    grid: gbm_ref.Grid

    @property
    def build(self) -> Build:
        """The sampler of gbm_fast."""
        rows = tuple(Row(*row) for row in self.grid)
        return correct(self.step, self.data, self.process, rows)

    def law(self) -> gbm_ref.Gaussian:
        """The law of log x_0, from gbm_ref alone."""
        end = self.data.diffuse(self.process, self.grid[0].t_score)
        start = gbm_ref.Gaussian(end.log_mean, end.log_cov)
        return gbm_ref.exact_law(self.oracle, self.data, self.process, self.grid, start)


def total(law: gbm_ref.Gaussian) -> Law:
    """The law of the sum of the coordinates."""
    return gaussian_line(gbm_ref.Gaussian(law.mean.sum(keepdims=True), law.cov.sum(keepdims=True)))


LAWS: dict[str, Callable[[gbm_ref.Gaussian], Law | Plane]] = {
    "log x": gaussian_line,
    "log x, y": gaussian_plane,
    "log xy": total,
}
LINE: Mapping[str, View] = {"log x": lambda draws: draws[:, 0]}
PLANE: Mapping[str, View] = {"log x, y": np.asarray, "log xy": lambda draws: draws.sum(axis=1)}


def affine_twin(build: Build, edit: Edit, paths: int) -> Twin:
    """A twin that is still affine: its law is extracted from it."""
    law = cache(lambda: probed(edited(build, edit)))
    return Twin(partial(drawn, edited(build, edit), paths), lambda view: LAWS[view](law()))


def scenario(
    name: str, about: str, sampler: Sampler, bugs: Mapping[str, Edit], paths: int = PATHS
) -> Scenario:
    """The sampler with its twins, run on so many paths."""
    twins = {bug: affine_twin(sampler.build, edit, paths) for bug, edit in bugs.items()}
    views = LINE if sampler.data.d == 1 else PLANE
    return Scenario(name, about, partial(drawn, sampler.build, paths), twins, views)


DALE_LINE = Sampler(
    DaleLangevin(),
    gbm_ref.DaleLangevin(),
    LOG_NORMALS["log-normal-1d"],
    PROCESSES["constant"],
    gbm_ref.uniform(8, 0.9),
)
DALE_PLANE = Sampler(
    DaleLangevin(),
    gbm_ref.DaleLangevin(),
    LOG_NORMALS["log-normal-2d"],
    PROCESSES["time-varying"],
    gbm_ref.uniform(6, 1.2),
)
FLOW = Sampler(
    ProbabilityFlow(),
    gbm_ref.ProbabilityFlow(),
    LOG_NORMALS["log-normal-1d"],
    PROCESSES["variance-exploding"],
    gbm_ref.power(PROCESSES["variance-exploding"], 48, std_min=0.02, std_max=3.0),
)


def _line(step: Step, oracle: gbm_ref.Step, rows: int) -> Sampler:
    data, process = LOG_NORMALS["log-normal-1d"], PROCESSES["constant"]
    return Sampler(step, oracle, data, process, gbm_ref.uniform(rows, process.horizon))


DATA_VAR = float(LOG_NORMALS["log-normal-1d"].log_cov[0, 0])
PRESERVING = _line(MarginalPreserving(0.6), gbm_ref.MarginalPreserving(0.6), 8)
ANCESTRAL = _line(Ancestral(), gbm_ref.Ancestral(), 8)
KERNEL = _line(Ancestral(DATA_VAR), gbm_ref.Ancestral(DATA_VAR), 3)
IMPLICIT = _line(DDIM(), gbm_ref.DDIM(), 8)


def dale_line() -> Law:
    """log X_0 of `DALE_LINE`."""
    return gaussian_line(DALE_LINE.law())


def dale_plane() -> Plane:
    """log X_0 of `DALE_PLANE`."""
    return gaussian_plane(DALE_PLANE.law())


def dale_plane_total() -> Law:
    """The sum of the coordinates of log X_0 of `DALE_PLANE`."""
    return total(DALE_PLANE.law())


def flow_line() -> Law:
    """log X_0 of `FLOW`."""
    return gaussian_line(FLOW.law())


def preserving_line() -> Law:
    """log X_0 of `PRESERVING`."""
    return gaussian_line(PRESERVING.law())


def ancestral_line() -> Law:
    """log X_0 of `ANCESTRAL`."""
    return gaussian_line(ANCESTRAL.law())


def kernel_line() -> Law:
    """log X_0 of `KERNEL`."""
    return gaussian_line(KERNEL.law())


def implicit_line() -> Law:
    """log X_0 of `IMPLICIT`."""
    return gaussian_line(IMPLICIT.law())


def _half_precision() -> Twin:
    """The flow with its state in bfloat16, not affine: its map of the start's quantiles."""
    wrong = edited(FLOW.build, edits.half_precision)

    @cache
    def law() -> Law:
        start = gaussian_line(wrong(torch.float64).start)
        x = np.exp(start.mean + np.sqrt(start.var) * ndtri(midpoints(20_000)))
        for move in row_maps(wrong):
            x = move(x, 0.0)
        return pushforward(np.log(x))

    return Twin(partial(drawn, wrong, PATHS), lambda view: law())


def _flow_scenario() -> Scenario:
    bugs = {
        "score one row late": edits.score_one_row_late,
        "Ito term missing": edits.score_plus(0.5),
        "weight sigma^2 (the equation with noise)": edits.score_plus(1.0, 2.0),
    }
    found = scenario("probability flow", "Heun, variance exploding, 48 levels", FLOW, bugs, PATHS)
    return replace(found, twins={**found.twins, "state in bfloat16": _half_precision()})


SCENARIOS = [
    scenario("dale-langevin", "eq. (13), d = 1, 8 rows", DALE_LINE, edits.COMMON),
    scenario(
        "dale-langevin plane",
        "eq. (13), d = 2, time-varying, 6 rows",
        DALE_PLANE,
        edits.COMMON | SHARED | {"schedule reversed": edits.schedule_reversed},
    ),
    scenario(
        "marginal-preserving",
        "kappa = 0.6, d = 1, 8 rows",
        PRESERVING,
        {"drift of kappa = 1": edits.other_step(DaleLangevin(), 0.6)},
    ),
    scenario(
        "ancestral",
        "d = 1, 8 rows",
        ANCESTRAL,
        {"noise of eq. (13)": edits.other_step(DaleLangevin())},
    ),
    scenario(
        "ancestral, exact",
        "with the data's covariance, d = 1, 3 rows",
        KERNEL,
        {"covariance of the data left out": edits.other_step(Ancestral())},
    ),
    scenario(
        "ddim",
        "d = 1, 8 rows",
        IMPLICIT,
        {"Euler's rule for the flow": edits.other_step(MarginalPreserving(0.0))},
    ),
    _flow_scenario(),
]
