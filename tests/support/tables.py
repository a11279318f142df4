"""Every step, process and grid of gbm_ref beside its twin in gbm_fast: add a row for a new one.

The tests of `test_steps.py`, `test_simulation.py`, `test_process.py`,
`test_grids.py`, `test_compiled.py` and `test_devices.py` run over these tables;
`test_complete.py` refuses a public name of gbm_ref that is in none of them.
"""

from collections.abc import Callable

import gbm_fast.grids
import gbm_fast.steps
import gbm_ref.grids
import gbm_ref.steps
from gbm_ref import PiecewiseGBM, Process
from tests.support.problems import PROCESSES
from tests.support.twins import tensor

COV_2D = [[0.30, 0.12], [0.12, 0.17]]

# name -> (gbm_fast, gbm_ref). No parameter is one at which a step is another step.
STEPS: dict[str, tuple[gbm_fast.steps.Step, gbm_ref.steps.Step]] = {
    "sign-agnostic": (gbm_fast.steps.SignAgnostic(), gbm_ref.steps.SignAgnostic()),
    "ambient-milstein": (gbm_fast.steps.AmbientMilstein(), gbm_ref.steps.AmbientMilstein()),
    "ambient-marginal-preserving": (
        gbm_fast.steps.AmbientMarginalPreserving(0.7),
        gbm_ref.steps.AmbientMarginalPreserving(0.7),
    ),
    "dale-langevin": (gbm_fast.steps.DaleLangevin(), gbm_ref.steps.DaleLangevin()),
    "marginal-preserving": (
        gbm_fast.steps.MarginalPreserving(1.3),
        gbm_ref.steps.MarginalPreserving(1.3),
    ),
    "corrector": (gbm_fast.steps.Corrector(), gbm_ref.steps.Corrector()),
    "ancestral": (gbm_fast.steps.Ancestral(), gbm_ref.steps.Ancestral()),
    "ancestral-number": (gbm_fast.steps.Ancestral(0.23), gbm_ref.steps.Ancestral(0.23)),
    "ddim": (gbm_fast.steps.DDIM(), gbm_ref.steps.DDIM()),
    "probability-flow": (gbm_fast.steps.ProbabilityFlow(), gbm_ref.steps.ProbabilityFlow()),
    "printed-algorithm-1": (
        gbm_fast.steps.PrintedAlgorithm1(),
        gbm_ref.steps.PrintedAlgorithm1(),
    ),
}
# Steps for events of two elements alone.
STEPS_2D: dict[str, tuple[gbm_fast.steps.Step, gbm_ref.steps.Step]] = {
    "ancestral-diagonal": (
        gbm_fast.steps.Ancestral(tensor([0.23, 0.41])),
        gbm_ref.steps.Ancestral([0.23, 0.41]),
    ),
    "ancestral-matrix": (
        gbm_fast.steps.Ancestral(tensor(COV_2D)),
        gbm_ref.steps.Ancestral(COV_2D),
    ),
}

ALL_PROCESSES: dict[str, Process] = {
    **PROCESSES,
    "piecewise": PiecewiseGBM(
        sigma=[0.4, 0.9, 0.3, 0.55, 0.7, 0.2, 0.8],
        mu=[0.1, -0.3, 0.2, 0.05, 0.4, 0.0, -0.1],
        horizon=1.3,
    ),
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
