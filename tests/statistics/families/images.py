"""The Dale-Langevin sampler as images are made: `ImageNoise` for the start and for every row.

Annealed as in Algorithm 2. The pixels are independent and of one law, so that their exact score is
taken pixel by pixel, and every pixel is a draw.
"""

import math
from functools import cache

import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling.initial import from_lognormal
from tests.statistics import edits
from tests.statistics.families.affine import CONSTANT, DALE, LINE_DATA, Sampler
from tests.statistics.families.random_source import OnePerBatch
from tests.statistics.laws import Array, Law, gaussian_line, normal
from tests.statistics.pieces import Build, edited, probed
from tests.statistics.scenario import Draw, Scenario, Twin, View
from tests.statistics.seeds import Source

SHAPE, IMAGES = (3, 8, 8), 512
PIXELS = math.prod(SHAPE)
GRID = ref.annealed(6, 0.9, inner_steps=2, chi=0.9, denoise_steps=1)
ANNEALED = Sampler(*DALE, LINE_DATA, CONSTANT, GRID)


def _pixel_by_pixel(score: gbm.ScoreFunction) -> gbm.ScoreFunction:
    def of_images(x: Tensor, t: Time) -> Tensor:
        return score(x.reshape(-1, 1), t).reshape(x.shape)

    return of_images


def images(build: Build, kind: type[ImageNoise] = ImageNoise) -> Draw:
    """log x_0 of IMAGES images, (IMAGES, PIXELS)."""

    def draw(source: Source) -> Array:
        pieces = build(torch.float32)
        noise = kind(source.seed, range(source.seed % 1000, source.seed % 1000 + IMAGES), SHAPE)
        start = gaussian_line(pieces.start)
        means, stds = torch.full((3,), start.mean), torch.full((3,), math.sqrt(start.var))
        x_T, score = from_lognormal(means, stds, noise), _pixel_by_pixel(pieces.score)
        more = pieces.grid, pieces.noise(noise)
        x_0 = gbm.simulate(pieces.step, pieces.process, score, x_T, *more)
        return x_0.double().log().flatten(1).numpy()

    return draw


class OnePerImage(ImageNoise):
    """One number an image, for all of its pixels."""

    def rows(self, count: int) -> Tensor:
        return super().rows(count)[..., :1, :1, :1].expand(-1, -1, *SHAPE)


VIEWS: dict[str, View] = {
    "log x": lambda draws: draws.ravel(),
    "sum over images": lambda draws: draws.sum(axis=0) / math.sqrt(IMAGES),
    "sum over pixels": lambda draws: draws.sum(axis=1) / math.sqrt(PIXELS),
}


def pixel() -> Law:
    """log X_0 of a pixel."""
    return gaussian_line(ANNEALED.law())


def _sum(law: Law, terms: int, correlation: float = 0.0) -> Law:
    """The law of a sum of so many correlated pixels, over the root of their number."""
    return normal(math.sqrt(terms) * law.mean, law.var * (1.0 + (terms - 1) * correlation))


def sum_over_images() -> Law:
    return _sum(pixel(), IMAGES)


def sum_over_pixels() -> Law:
    return _sum(pixel(), PIXELS)


def _same_law(edit: edits.Edit) -> Twin:
    """Another law of a pixel, independent as before."""
    wrong = edited(ANNEALED.build, edit)
    law = cache(lambda: gaussian_line(probed(wrong)))
    terms = {"log x": 1, "sum over images": IMAGES, "sum over pixels": PIXELS}
    return Twin(images(wrong), lambda view: _sum(law(), terms[view]))


SCENARIOS = [
    Scenario(
        "dale-langevin images",
        "Algorithm 2 with ImageNoise: chi = 0.9, 6 levels of 2 rows, 1 row without noise",
        images(ANNEALED.build),
        {
            "annealing forgotten": _same_law(edits.full_noise),
            "one draw for all rows": _same_law(edits.one_draw_for_all_rows),
            "Ito term missing": _same_law(edits.score_plus(0.5)),
            "one generator for all images": Twin(
                images(ANNEALED.build, OnePerBatch),
                lambda view: _sum(pixel(), IMAGES, 1.0) if view == "sum over images" else None,
            ),
            "one draw for all coordinates": Twin(
                images(ANNEALED.build, OnePerImage),
                lambda view: _sum(pixel(), PIXELS, 1.0) if view == "sum over pixels" else None,
            ),
        },
        VIEWS,
    ),
]
