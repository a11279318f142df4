"""Reverse steps: pure maps from X_t to X_s, s = t - dt, with the noise passed in (torch).

    h(x, t) = x * grad log p_t(x)     Hyvarinen score, the `score` argument
    1 + h                             log score: gradient of the log density of log X_t
    dm, dv                            m(t) - m(s), v(t) - v(s), from `process.increments`
    noise, z                          factor on the noise, standard normal draws

Every step is called as step(process, score, x_t, t_score, dt, noise, z):

    score      callable (x, t) -> h, of the shape of x; a `LogScore` is read at log x instead
    x_t        (batch, *event), on any device, float32 or float64
    t_score    in (0, horizon]; 0 <= dt <= t_score; both a number or a tensor, 0-d or (batch,)
    noise      >= 0, a number or a tensor, 0-d or (batch,)
    z          the shape of x_t, or None for a step that uses no noise

and returns X_s of the shape and dtype of x_t. All raise ValueError for a state outside the step's
domain, a wrong shape, noise < 0, or times outside the range of the process. Each declares its
calculus, the coordinates in which it is written, its strong and weak order (claim R15), whether
it keeps the sign of every entry and whether it uses noise. Coefficients are computed in float64
and then cast to the state; scores are cast to it.

The call is made of two maps. `schedule` computes from process, times and noise what the step
needs; `move` maps the state in the step's own coordinates, log X or X, and looks at no values.
`simulate` calls these two row by row and converts at its two ends only. So a step in log X meets
neither overflow nor underflow of x * exp(e) on the way, and a `LogScore` costs no logarithm.
`Compiled(step)` moves by compiled code.

| step | what it is |
| --- | --- |
| `SignAgnostic`, `DaleLangevin` | Euler-Maruyama in X, in log X (eqs. 12, 13 of version 2) |
| `AmbientMilstein` | the Milstein scheme in X (claim R15) |
| `MarginalPreserving`, `AmbientMarginalPreserving` | any amount of noise, same marginals (R11) |
| `Corrector` | Langevin dynamics at a fixed time (R11) |
| `Ancestral`, `DDIM` | exact for a frozen denoiser, with and without noise (R7, R17) |
| `ProbabilityFlow` | Heun's rule for the noise-free equation (R16) |
| `DPMSolver` | DPM-Solver++ of order 2 or 3 for it, with one score a row (claim `multistep`) |
| `Churn` | `DDIM` or `ProbabilityFlow` with noise added before each row (claim `churn`) |
| `PrintedAlgorithm1` | version 1's Algorithm 1, mistake and all (E2) |
"""

from gbm_fast.steps.ambient import AmbientStep
from gbm_fast.steps.base import LogStep, Number, Schedule, Step
from gbm_fast.steps.churn import Churn
from gbm_fast.steps.compiled import Compiled
from gbm_fast.steps.euler_maruyama import AmbientMilstein, DaleLangevin, SignAgnostic
from gbm_fast.steps.gaussian import DDIM, Ancestral
from gbm_fast.steps.log_affine import LogAffineStep, LogCoefficients
from gbm_fast.steps.marginal_preserving import (
    AmbientMarginalPreserving,
    Corrector,
    MarginalPreserving,
)
from gbm_fast.steps.multistep import DPMSolver
from gbm_fast.steps.printed import PrintedAlgorithm1
from gbm_fast.steps.probability_flow import ProbabilityFlow

__all__ = [
    "DDIM", "AmbientMarginalPreserving", "AmbientMilstein", "AmbientStep", "Ancestral", "Churn",
    "Compiled", "Corrector", "DPMSolver", "DaleLangevin", "LogAffineStep", "LogCoefficients",
    "LogStep", "MarginalPreserving", "Number", "PrintedAlgorithm1", "ProbabilityFlow", "Schedule",
    "SignAgnostic", "Step",
]  # fmt: skip
