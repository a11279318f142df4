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

import gbm_fast as gbm
import gbm_ref as ref
from tests.statistics import edits
from tests.statistics.laws import Law, Plane, gaussian_line, gaussian_plane, midpoints, pushforward
from tests.statistics.pieces import Build, Edit, correct, drawn, edited, probed, row_maps
from tests.statistics.scenario import Scenario, Twin, View
from tests.support.problems import LOG_NORMALS, PROCESSES

PATHS = 2**17
SHARED = {"one draw for all coordinates": edits.one_draw_for_all_coordinates}


@dataclass(frozen=True)
class Sampler:
    """A step of both libraries, log-normal data, a process and a grid."""

    step: gbm.Step
    oracle: ref.Step
    data: ref.LogNormal
    process: ref.Process
    grid: ref.Grid

    @property
    def build(self) -> Build:
        """The sampler of gbm_fast."""
        rows = tuple(gbm.Row(*row) for row in self.grid)
        return correct(self.step, self.data, self.process, rows)

    def law(self) -> ref.Gaussian:
        """The law of log x_0, from gbm_ref alone."""
        end = self.data.diffuse(self.process, self.grid[0].t_score)
        start = ref.Gaussian(end.log_mean, end.log_cov)
        return ref.exact_law(self.oracle, self.data, self.process, self.grid, start)


def total(law: ref.Gaussian) -> Law:
    """The law of the sum of the coordinates."""
    return gaussian_line(ref.Gaussian(law.mean.sum(keepdims=True), law.cov.sum(keepdims=True)))


LAWS: dict[str, Callable[[ref.Gaussian], Law | Plane]] = {
    "log x": gaussian_line,
    "log x, y": gaussian_plane,
    "log xy": total,
}
LINE: Mapping[str, View] = {"log x": lambda draws: draws[:, 0]}
PLANE: Mapping[str, View] = {"log x, y": np.asarray, "log xy": lambda draws: draws.sum(axis=1)}


def affine_twin(build: Build, edit: Edit) -> Twin:
    """A twin that is still affine: its law is extracted from it."""
    law = cache(lambda: probed(edited(build, edit)))
    return Twin(partial(drawn, edited(build, edit), PATHS), lambda view: LAWS[view](law()))


def scenario(name: str, about: str, sampler: Sampler, bugs: Mapping[str, Edit]) -> Scenario:
    """The sampler with its twins."""
    twins = {bug: affine_twin(sampler.build, edit) for bug, edit in bugs.items()}
    views = LINE if sampler.data.d == 1 else PLANE
    return Scenario(name, about, partial(drawn, sampler.build, PATHS), twins, views)


LINE_DATA, PLANE_DATA = LOG_NORMALS["log-normal-1d"], LOG_NORMALS["log-normal-2d"]
DATA_VAR = float(LINE_DATA.log_cov[0, 0])
CONSTANT, EXPLODING = PROCESSES["constant"], PROCESSES["variance-exploding"]
HEUN = ref.power(EXPLODING, 48, std_min=0.02, std_max=3.0)
FLOW = Sampler(gbm.ProbabilityFlow(), ref.ProbabilityFlow(), LINE_DATA, EXPLODING, HEUN)
DALE = gbm.DaleLangevin(), ref.DaleLangevin()
DALE_PLANE = Sampler(*DALE, PLANE_DATA, PROCESSES["time-varying"], ref.uniform(6, 1.2))


def _on_line(step: gbm.Step, oracle: ref.Step, rows: int = 8) -> Sampler:
    return Sampler(step, oracle, LINE_DATA, CONSTANT, ref.uniform(rows, CONSTANT.horizon))


DALE_LINE = _on_line(*DALE)
PRESERVING = _on_line(gbm.MarginalPreserving(0.6), ref.MarginalPreserving(0.6))
ANCESTRAL = _on_line(gbm.Ancestral(), ref.Ancestral())
KERNEL = _on_line(gbm.Ancestral(DATA_VAR), ref.Ancestral(DATA_VAR), 3)
IMPLICIT = _on_line(gbm.DDIM(), ref.DDIM())


def _line_of(sampler: Sampler) -> Law:
    return gaussian_line(sampler.law())


# The laws of log X_0.
dale_line, flow_line = partial(_line_of, DALE_LINE), partial(_line_of, FLOW)
preserving_line, implicit_line = partial(_line_of, PRESERVING), partial(_line_of, IMPLICIT)
ancestral_line, kernel_line = partial(_line_of, ANCESTRAL), partial(_line_of, KERNEL)


def dale_plane() -> Plane:
    return gaussian_plane(DALE_PLANE.law())


def dale_plane_total() -> Law:
    """The sum of the coordinates."""
    return total(DALE_PLANE.law())


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
    found = scenario("probability flow", "Heun, variance exploding, 48 levels", FLOW, bugs)
    return replace(found, twins={**found.twins, "state in bfloat16": _half_precision()})


DRIFT_OF_ONE = edits.other_step(gbm.DaleLangevin(), 0.6)
WITHOUT_COVARIANCE = edits.other_step(gbm.Ancestral())
EULER = edits.other_step(gbm.MarginalPreserving(0.0))
PLANE_BUGS = edits.COMMON | SHARED | {"schedule reversed": edits.schedule_reversed}
SCENARIOS = [
    scenario("dale-langevin", "eq. (13), d = 1, 8 rows", DALE_LINE, edits.COMMON),
    scenario(
        "dale-langevin plane", "eq. (13), d = 2, time-varying, 6 rows", DALE_PLANE, PLANE_BUGS
    ),
    scenario(
        "marginal-preserving",
        "kappa = 0.6, d = 1, 8 rows",
        PRESERVING,
        {"drift of kappa = 1": DRIFT_OF_ONE},
    ),
    scenario(
        "ancestral",
        "d = 1, 8 rows",
        ANCESTRAL,
        {"noise of eq. (13)": edits.other_step(gbm.DaleLangevin())},
    ),
    scenario(
        "ancestral, exact",
        "with the data's covariance, d = 1, 3 rows",
        KERNEL,
        {"covariance of the data left out": WITHOUT_COVARIANCE},
    ),
    scenario("ddim", "d = 1, 8 rows", IMPLICIT, {"Euler's rule for the flow": EULER}),
    _flow_scenario(),
]
