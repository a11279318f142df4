"""Reverse steps: pure maps from X_t to X_s, s = t - dt, with the noise passed in.

    h(x, t) = x * grad log p_t(x)     Hyvarinen score, the `score` argument
    1 + h                             gradient of the log density of log X_t
    dm, dv                            m(t) - m(s), v(t) - v(s), from `process.increments`
    noise, z                          factor on the noise, standard normal draws

Every step is called as step(process, score, x_t, t_score, dt, noise, z):

    score    callable (x, t) -> h, of the shape of x
    x_t      (..., d); t_score a number in (0, horizon]; 0 <= dt <= t_score
    noise    a number >= 0
    z        the shape of x_t, or None for a step that uses no noise

and returns X_s of the shape of x_t. All raise ValueError for a state outside the step's domain, a
wrong shape, a score that is not finite, noise < 0, or times outside the range of the process. Each
declares its calculus, the coordinates in which it is written, its strong and weak order (claim
R15), whether it keeps the sign of every entry and whether it uses noise. The accuracy that a class
states is that of one step, for exact dm, dv and h. Steps in log X multiply by the exponential of
an exponent in two factors, so that x_s alone has to be within the range of float64.

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

from gbm_ref.steps.ambient import AmbientStep
from gbm_ref.steps.base import Score, Step
from gbm_ref.steps.churn import Churn
from gbm_ref.steps.euler_maruyama import AmbientMilstein, DaleLangevin, SignAgnostic
from gbm_ref.steps.gaussian import DDIM, Ancestral
from gbm_ref.steps.log_affine import LogAffineStep, LogCoefficients
from gbm_ref.steps.marginal_preserving import (
    AmbientMarginalPreserving,
    Corrector,
    MarginalPreserving,
)
from gbm_ref.steps.multistep import DPMSolver, MultistepStep
from gbm_ref.steps.printed import PrintedAlgorithm1
from gbm_ref.steps.probability_flow import ProbabilityFlow

__all__ = [
    "DDIM", "AmbientMarginalPreserving", "AmbientMilstein", "AmbientStep", "Ancestral",
    "Churn", "Corrector", "DPMSolver", "DaleLangevin", "LogAffineStep", "LogCoefficients",
    "MarginalPreserving", "MultistepStep", "PrintedAlgorithm1", "ProbabilityFlow", "Score",
    "SignAgnostic", "Step",
]  # fmt: skip
