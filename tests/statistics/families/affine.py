"""Samplers whose output is exactly log-normal: steps affine in log X on log-normal data.

Null law: `gbm_ref.exact_law`, not the law of the data; that of a twin is extracted from it by
injected noise (`pieces.probed`). Also the Dale-Langevin sampler as images are made, annealed as in
Algorithm 2: `ImageNoise` for start and rows; pixels are independent, and every one is a draw."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling.initial import from_lognormal
from tests.statistics import laws, pieces
from tests.statistics.families.random_source import OnePerBatch
from tests.statistics.laws import Array, Law, Plane, gaussian_line
from tests.statistics.pieces import Build, Edit, correct, drawn, edited, probed, row_maps
from tests.statistics.scenario import Draw, Scenario, Twin, View
from tests.statistics.seeds import Source
from tests.support.problems import LOG_NORMALS, PROCESSES

PATHS = 2**17
SHARED = {"one draw for all coordinates": pieces.one_draw_for_all_coordinates}


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
        rows = tuple(gbm.Row(*row) for row in self.grid)
        return correct(self.step, self.data, self.process, rows)

    def law(self) -> ref.Gaussian:
        end = self.data.diffuse(self.process, self.grid[0].t_score)
        start = ref.Gaussian(end.log_mean, end.log_cov)
        return ref.exact_law(self.oracle, self.data, self.process, self.grid, start)


def total(law: ref.Gaussian) -> Law:
    return gaussian_line(ref.Gaussian(law.mean.sum(keepdims=True), law.cov.sum(keepdims=True)))


LAWS: dict[str, Callable[[ref.Gaussian], Law | Plane]] = {
    "log x": gaussian_line,
    "log x, y": laws.gaussian_plane,
    "log xy": total,
}
LINE: Mapping[str, View] = {"log x": lambda draws: draws[:, 0]}
PLANE: Mapping[str, View] = {"log x, y": np.asarray, "log xy": lambda draws: draws.sum(axis=1)}


def affine_twin(build: Build, edit: Edit) -> Twin:
    law = cache(lambda: probed(edited(build, edit)))
    return Twin(partial(drawn, edited(build, edit), PATHS), lambda view: LAWS[view](law()))


def scenario(name: str, about: str, sampler: Sampler, bugs: Mapping[str, Edit]) -> Scenario:
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


def _plane_of(sampler: Sampler) -> Plane:
    return laws.gaussian_plane(sampler.law())


def _total_of(sampler: Sampler) -> Law:
    return total(sampler.law())


# The laws of log X_0.
dale_line, flow_line = partial(_line_of, DALE_LINE), partial(_line_of, FLOW)
preserving_line, implicit_line = partial(_line_of, PRESERVING), partial(_line_of, IMPLICIT)
ancestral_line, kernel_line = partial(_line_of, ANCESTRAL), partial(_line_of, KERNEL)
dale_plane, dale_plane_total = partial(_plane_of, DALE_PLANE), partial(_total_of, DALE_PLANE)


def _half_precision() -> Twin:
    """The flow with its state in bfloat16, not affine: its map of the start's quantiles."""
    wrong = edited(FLOW.build, pieces.half_precision)

    @cache
    def law() -> Law:
        start = gaussian_line(wrong(torch.float64).start)
        x = np.exp(start.mean + np.sqrt(start.var) * ndtri(laws.midpoints(20_000)))
        for move in row_maps(wrong):
            x = move(x, 0.0)
        return laws.pushforward(np.log(x))

    return Twin(partial(drawn, wrong, PATHS), lambda view: law())


def _flow_scenario() -> Scenario:
    bugs = {
        "score one row late": pieces.score_one_row_late,
        "Ito term missing": pieces.score_plus(0.5),
        "weight sigma^2 (the equation with noise)": pieces.score_plus(1.0, 2.0),
    }
    found = scenario("probability flow", "Heun, variance exploding, 48 levels", FLOW, bugs)
    return replace(found, twins={**found.twins, "state in bfloat16": _half_precision()})


DRIFT_OF_ONE = {"drift of kappa = 1": pieces.other_step(gbm.DaleLangevin(), 0.6)}
NOISE = {"noise of eq. (13)": pieces.other_step(gbm.DaleLangevin())}
WITHOUT_COVARIANCE = {"covariance of the data left out": pieces.other_step(gbm.Ancestral())}
EULER = {"Euler's rule for the flow": pieces.other_step(gbm.MarginalPreserving(0.0))}
PLANE_BUGS = pieces.COMMON | SHARED | {"schedule reversed": pieces.schedule_reversed}
KNOWN_DATA = "with the data's covariance, d = 1, 3 rows"
SCENARIOS = [
    scenario("dale-langevin", "eq. (13), d = 1, 8 rows", DALE_LINE, pieces.COMMON),
    scenario(
        "dale-langevin plane", "eq. (13), d = 2, time-varying, 6 rows", DALE_PLANE, PLANE_BUGS
    ),
    scenario("marginal-preserving", "kappa = 0.6, d = 1, 8 rows", PRESERVING, DRIFT_OF_ONE),
    scenario("ancestral", "d = 1, 8 rows", ANCESTRAL, NOISE),
    scenario("ancestral, exact", KNOWN_DATA, KERNEL, WITHOUT_COVARIANCE),
    scenario("ddim", "d = 1, 8 rows", IMPLICIT, EULER),
    _flow_scenario(),
]


SHAPE, IMAGES = (3, 8, 8), 512
PIXELS = math.prod(SHAPE)
GRID = ref.annealed(6, 0.9, inner_steps=2, chi=0.9, denoise_steps=1)
ANNEALED = Sampler(*DALE, LINE_DATA, CONSTANT, GRID)


def _pixel_by_pixel(score: gbm.ScoreFunction) -> gbm.ScoreFunction:
    return lambda x, t: score(x.reshape(-1, 1), t).reshape(x.shape)


def images(build: Build, kind: type[ImageNoise] = ImageNoise) -> Draw:
    """log x_0 of IMAGES images, (IMAGES, PIXELS)."""

    def draw(source: Source) -> Array:
        parts = build(torch.float32)
        noise = kind(source.seed, range(source.seed % 1000, source.seed % 1000 + IMAGES), SHAPE)
        start = gaussian_line(parts.start)
        means, stds = torch.full((3,), start.mean), torch.full((3,), math.sqrt(start.var))
        x_T, score = from_lognormal(means, stds, noise), _pixel_by_pixel(parts.score)
        x_0 = gbm.simulate(parts.step, parts.process, score, x_T, parts.grid, parts.noise(noise))
        return x_0.double().log().flatten(1).numpy()

    return draw


class OnePerImage(ImageNoise):
    """One number an image, for all of its pixels."""

    def rows(self, wanted: range) -> Tensor:
        return super().rows(wanted)[..., :1, :1, :1].expand(-1, -1, *SHAPE)


VIEWS: dict[str, View] = {
    "log x": lambda draws: draws.ravel(),
    "sum over images": lambda draws: draws.sum(axis=0) / math.sqrt(IMAGES),
    "sum over pixels": lambda draws: draws.sum(axis=1) / math.sqrt(PIXELS),
}


pixel = partial(_line_of, ANNEALED)
TERMS = {"log x": 1, "sum over images": IMAGES, "sum over pixels": PIXELS}


def _sum(law: Callable[[], Law], terms: int, correlation: float = 0.0) -> Law:
    """The law of a sum of so many correlated pixels, over the root of their number."""
    one = law()
    return laws.normal(math.sqrt(terms) * one.mean, one.var * (1.0 + (terms - 1) * correlation))


sum_over_images, sum_over_pixels = partial(_sum, pixel, IMAGES), partial(_sum, pixel, PIXELS)


def _same_law(edit: pieces.Edit) -> Twin:
    """Another law of a pixel, independent as before."""
    wrong = edited(ANNEALED.build, edit)
    law = cache(lambda: gaussian_line(probed(wrong)))
    return Twin(images(wrong), lambda view: _sum(law, TERMS[view]))


def _equal(kind: type[ImageNoise], axis: str) -> Twin:
    """Equal pixels along an axis; of their other sums no law is known."""
    draw = images(ANNEALED.build, kind)
    return Twin(draw, lambda view: _sum(pixel, TERMS[axis], 1.0) if view == axis else None)


SCENARIOS += [
    Scenario(
        "dale-langevin images",
        "Algorithm 2 with ImageNoise: chi = 0.9, 6 levels of 2 rows, 1 row without noise",
        images(ANNEALED.build),
        {
            "annealing forgotten": _same_law(pieces.full_noise),
            "one draw for all rows": _same_law(pieces.one_draw_for_all_rows),
            "Ito term missing": _same_law(pieces.score_plus(0.5)),
            "one generator for all images": _equal(OnePerBatch, "sum over images"),
            "one draw for all coordinates": _equal(OnePerImage, "sum over pixels"),
        },
        VIEWS,
    )
]
