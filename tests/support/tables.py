"""Every step, process and grid of gbm_ref beside its twin in gbm_fast, for the tests that run over
these tables; `test_inventory.py` refuses a public name of gbm_ref that is in none of them."""

from collections.abc import Callable

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.problems import PROCESSES
from tests.support.twins import tensor

COV_2D = [[0.30, 0.12], [0.12, 0.17]]

# name -> (gbm_fast, gbm_ref). No parameter is one at which a step is another step.
STEPS: dict[str, tuple[gbm.Step, ref.Step]] = {
    "sign-agnostic": (gbm.SignAgnostic(), ref.SignAgnostic()),
    "ambient-milstein": (gbm.AmbientMilstein(), ref.AmbientMilstein()),
    "ambient-marginal-preserving": tuple(p.AmbientMarginalPreserving(0.7) for p in (gbm, ref)),
    "dale-langevin": (gbm.DaleLangevin(), ref.DaleLangevin()),
    "marginal-preserving": (gbm.MarginalPreserving(1.3), ref.MarginalPreserving(1.3)),
    "corrector": (gbm.Corrector(), ref.Corrector()),
    "ancestral": (gbm.Ancestral(), ref.Ancestral()),
    "ancestral-number": (gbm.Ancestral(0.23), ref.Ancestral(0.23)),
    "ddim": (gbm.DDIM(), ref.DDIM()),
    "probability-flow": (gbm.ProbabilityFlow(), ref.ProbabilityFlow()),
    "dpm-solver-2": (gbm.DPMSolver(2), ref.DPMSolver(2)),
    "dpm-solver-3": (gbm.DPMSolver(3), ref.DPMSolver(3)),
    "churned-flow": tuple(p.Churn(p.ProbabilityFlow(), 0.2) for p in (gbm, ref)),
    "printed-algorithm-1": (gbm.PrintedAlgorithm1(), ref.PrintedAlgorithm1()),
    "churned-ddim": tuple(p.Churn(p.DDIM(), 0.3) for p in (gbm, ref)),
}
# Steps for events of two elements alone.
STEPS_2D: dict[str, tuple[gbm.Step, ref.Step]] = {
    "ancestral-diagonal": (gbm.Ancestral(tensor([0.23, 0.41])), ref.Ancestral([0.23, 0.41])),
    "ancestral-matrix": (gbm.Ancestral(tensor(COV_2D)), ref.Ancestral(COV_2D)),
}

ALL_PROCESSES: dict[str, ref.Process] = {
    **PROCESSES,
    "piecewise": ref.PiecewiseGBM(
        sigma=[0.4, 0.9, 0.3, 0.55, 0.7, 0.2, 0.8],
        mu=[0.1, -0.3, 0.2, 0.05, 0.4, 0.0, -0.1],
        horizon=1.3,
    ),
}

# Rates of its own for each of two coordinates; and those that share a sigma.
COORDINATE_PROCESSES: dict[str, ref.CoordinateGBM] = {
    "rates by coordinate": ref.CoordinateGBM([0.13, -0.31], [0.7, 1.3], 0.9),
    "mu by coordinate": ref.CoordinateGBM([0.13, -0.31], 0.7, 0.9),
}

Grid = tuple[tuple[float, float, float], ...]
# name -> the call, with the module of grids and a process of the same package.
GRIDS: dict[str, Callable] = {
    "uniform": lambda grids, process: grids.uniform(7, 0.9),
    "annealed": lambda grids, process: grids.annealed(
        5, step_length=0.04, inner_steps=3, chi=0.93, start=4, denoise_steps=2
    ),
    "printed": lambda grids, process: grids.printed(9, 1.3, 0.1, chi=0.5),
    "geometric": lambda grids, process: grids.geometric(process, 8, 0.05, 0.4),
    "power": lambda grids, process: grids.power(process, 8, 5.0, std_min=0.05, std_max=0.4),
}
