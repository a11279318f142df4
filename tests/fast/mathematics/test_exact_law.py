"""The law of gbm_fast's samplers, extracted by injected noise, against the closed forms.

For log-normal data the Dale-Langevin sampler is affine in log x and in its noise, so its law is
read off a finite number of evaluations (gbm_ref.probe): no random numbers. The reference is the
recursion of gbm_ref.exact_law and the numbers of claim R8."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.cases import crossed
from tests.support.problems import LOG_NORMALS, PROCESSES
from tests.support.twins import tensor, twin_process, twin_target

PROCESS = ref.GBM(mu=0.45, sigma=0.8)
DATA = ref.LogNormal(np.array([0.37]), 0.1)
# Claim R8: V_0 / v_0 after N steps, at v_0 = 0.1 and sigma = 0.8.
RATIOS = {10: 1.37777, 100: 1.03210, 1000: 1.00315}
SINGLE = 5e-5
LANGEVIN, FLOW = gbm.DaleLangevin(), gbm.ProbabilityFlow()
Grid = tuple[ref.Row, ...]


def sampler(
    step: gbm.Step,
    data: ref.LogNormal,
    process: ref.Process,
    grid: Grid,
    dtype: torch.dtype = torch.float64,
    spoil: Callable[[gbm.ScoreFunction], gbm.ScoreFunction] = lambda score: score,
) -> ref.Sampler:
    """gbm_fast.simulation as a function of NumPy arrays; `spoil` plants a defect in the score."""
    twin = twin_process(process)
    score = spoil(gbm.exact_score(twin_target(data, dtype), twin))

    def run(x_T: np.ndarray, z: np.ndarray) -> np.ndarray:
        rows = tuple(gbm.Row(*row) for row in grid)
        return gbm.simulate(step, twin, score, tensor(x_T, dtype), rows, tensor(z, dtype)).numpy()

    return run


def expected_law(
    step: gbm.Step, data: ref.LogNormal, process: ref.Process, grid: Grid
) -> tuple[ref.Gaussian, ref.Gaussian]:
    """An exact start at the grid's first time, and the law that gbm_ref computes from it."""
    first = data.diffuse(process, grid[0].t_score)
    start = ref.Gaussian(first.log_mean, first.log_cov)
    twin = getattr(ref, type(step).__name__)()
    return start, ref.exact_law(twin, data, process, grid, start)


@pytest.mark.parametrize("num_steps", RATIOS)
def test_the_variance_of_r8(num_steps: int) -> None:
    """V_0 / v_0 to the digits of the sheet, and to 1e-11 against gbm_ref.exact_law."""
    grid = ref.uniform(num_steps)
    start, expected = expected_law(LANGEVIN, DATA, PROCESS, grid)
    run = sampler(LANGEVIN, DATA, PROCESS, grid)
    found = ref.assert_law(run, start, expected, num_steps, tolerance=1e-11)
    assert abs(found.cov[0, 0] / 0.1 - RATIOS[num_steps]) <= 0.5e-5
    # The mean has no bias: claim R8 with e_N = 0.
    assert abs(found.mean[0] - 0.37) <= 1e-11


GRIDS = {
    "uniform": {"num_steps": 12},
    "annealed": {"num_steps": 8, "inner_steps": 3, "chi": 0.9, "denoise_steps": 2, "start": 7},
}


@pytest.mark.parametrize("step", [LANGEVIN, FLOW], ids=["langevin", "flow"])
@crossed(process=PROCESSES, law=LOG_NORMALS, setting=GRIDS)
def test_the_law_of_every_affine_sampler(
    process: str, law: str, setting: str, step: gbm.Step
) -> None:
    data, motion = LOG_NORMALS[law], PROCESSES[process]
    grid = ref.annealed(horizon=motion.horizon, **GRIDS[setting])
    start, expected = expected_law(step, data, motion, grid)
    ref.assert_law(sampler(step, data, motion, grid), start, expected, len(grid), tolerance=1e-11)


def test_the_law_in_single_precision() -> None:
    grid = ref.uniform(32)
    start, expected = expected_law(LANGEVIN, DATA, PROCESS, grid)
    run = sampler(LANGEVIN, DATA, PROCESS, grid, torch.float32)
    ref.assert_law(run, start, expected, len(grid), tolerance=SINGLE)


class Clipped(gbm.DaleLangevin):
    """A planted twin: the noise is cut at 4."""

    def move(self, *arguments: object) -> Tensor:
        *rest, z = arguments
        return super().move(*rest, z.clamp(-4, 4))


SPOILED: dict[str, Callable[[gbm.ScoreFunction], gbm.ScoreFunction]] = {
    "log score for Hyvarinen score": lambda score: lambda x, t: score(x, t) + 1,
    "one level late": lambda score: lambda x, t: score(x, t - 0.05 + 1e-9),
    "off by one part in a million": lambda score: lambda x, t: score(x, t) * (1 + 1e-6),
}
TWENTY = ref.uniform(20)


@pytest.mark.parametrize("name", SPOILED)
def test_planted_scores_are_refused(name: str) -> None:
    start, expected = expected_law(LANGEVIN, DATA, PROCESS, TWENTY)
    run = sampler(LANGEVIN, DATA, PROCESS, TWENTY, spoil=SPOILED[name])
    with pytest.raises(ref.LawRejected, match="off by"):
        ref.assert_law(run, start, expected, 20)


@pytest.mark.parametrize("step", [Clipped(), gbm.SignAgnostic()], ids=["clipped", "ambient"])
def test_samplers_that_are_not_affine_are_refused(step: gbm.Step) -> None:
    start, expected = expected_law(LANGEVIN, DATA, PROCESS, TWENTY)
    with pytest.raises(ref.LawRejected, match="not affine|not positive"):
        ref.assert_law(sampler(step, DATA, PROCESS, TWENTY), start, expected, 20)


def test_a_grid_that_is_not_the_stated_one_is_refused() -> None:
    """chi = 0.999 for chi = 1: the variance moves by 1e-2 of itself, far above 1e-11."""
    start, expected = expected_law(LANGEVIN, DATA, PROCESS, TWENTY)
    annealed = ref.annealed(20, chi=0.999)
    with pytest.raises(ref.LawRejected, match="off by"):
        ref.assert_law(sampler(LANGEVIN, DATA, PROCESS, annealed), start, expected, 20)


def test_the_data_law_is_not_the_law_of_the_sampler() -> None:
    """At N = 100 the sampler's variance is 3 % too large (claim R8): the probe must see that."""
    grid = ref.uniform(100)
    found = ref.extract_affine_map(sampler(LANGEVIN, DATA, PROCESS, grid), 100, 1)
    start, _ = expected_law(LANGEVIN, DATA, PROCESS, grid)
    assert abs(found.law(start).cov[0, 0] / 0.1 - 1) > 0.03
