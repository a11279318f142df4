"""torchsde's own Brownian motion and solver on the project's equations: laws without our sampler.

Null laws: SciPy's log-normal for the forward process, `gbm_ref.exact_law` for Euler's scheme in
log X in reverse time, which is the Dale-Langevin sampler.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torchsde
from scipy import stats

import gbm_fast as gbm
import gbm_ref as ref
from tests.statistics.families.affine import DALE, Sampler
from tests.statistics.laws import Array, Law, gaussian_line, normal
from tests.statistics.scenario import Scenario, Twin
from tests.statistics.seeds import Source
from tests.statistics.witness import Equation, forward_log, integrate, reverse_log
from tests.support.problems import LOG_NORMALS
from tests.support.twins import tensor, twin_target

DATA = LOG_NORMALS["log-normal-1d"]
PATHS, ROWS = 2**16, 8
SAMPLER = Sampler(*DALE, DATA, ref.GBM(mu=0.13, sigma=0.7, horizon=1.0), ref.uniform(ROWS))
PROCESS = gbm.GBM(0.13, 0.7, 1.0)
MEAN, VAR = float(DATA.log_mean[0]), float(DATA.log_cov[0, 0])
M, V = SAMPLER.process.log_mean(1.0), SAMPLER.process.log_var(1.0)


def solved(equation: Equation, mean: float, var: float, source: Source) -> Array:
    """log X at the end, from N(mean, var), on a `BrownianInterval` of the source's seed."""
    start = tensor(mean + np.sqrt(var) * source.numpy.standard_normal((PATHS, 1)))
    brownian = torchsde.BrownianInterval(
        0.0, 1.0, size=(PATHS, 1), dtype=torch.float64, entropy=source.seed
    )
    return integrate(equation, start, brownian, ROWS, "euler")[-1, :, 0].numpy()


def _loud(equation: Equation) -> Equation:
    """sigma^2 for sigma before the noise."""
    return Equation(equation.f, lambda t, y: equation.g(t, y) ** 2)


SCORE = gbm.exact_score(twin_target(DATA), PROCESS)
BACKWARDS, FORWARDS = reverse_log(PROCESS, SCORE), forward_log(PROCESS)


def _reverse(equation: Equation) -> Callable[[Source], Array]:
    return partial(solved, equation, MEAN + M, VAR + V)


def _forward(equation: Equation) -> Callable[[Source], Array]:
    return partial(solved, equation, MEAN, VAR)


def forward_law() -> Law:
    """log X_1 by SciPy: X_1 is log-normal with s^2 = v_0 + v and scale exp(m_0 + m)."""
    law = stats.lognorm(s=np.sqrt(VAR + V), scale=np.exp(MEAN + M))
    known = normal(MEAN + M, VAR + V)
    return Law(
        lambda y: law.cdf(np.exp(y)), known.low, known.high, known.mean, known.var, normal=True
    )


def reverse_law() -> Law:
    return gaussian_line(SAMPLER.law())


def _wrong_reverse(drift: float = 0.0, noise: float = 1.0) -> Law:
    """drift dv more in every row, and another factor on its noise: carried on by the gains."""
    extra, var = 0.0, VAR + V
    for row in SAMPLER.grid:
        dv = SAMPLER.process.increments(row.t_score, row.dt)[1]
        gain = 1.0 - dv / (VAR + SAMPLER.process.log_var(row.t_score))
        extra, var = gain * extra + drift * dv, gain**2 * var + noise**2 * dv
    return normal(float(SAMPLER.law().mean[0]) + extra, var)


SCENARIOS = [
    Scenario(
        "torchsde forward",
        "the forward equation in log X, on torchsde's Brownian motion, 8 rows",
        _forward(FORWARDS),
        {
            "Ito term missing": Twin(
                _forward(forward_log(gbm.GBM(0.13 + V / 2, 0.7))),
                lambda view: normal(MEAN + M + V / 2, VAR + V),
            ),
            "sigma^2 before the noise": Twin(
                _forward(_loud(FORWARDS)), lambda view: normal(MEAN + M, VAR + V**2)
            ),
        },
    ),
    Scenario(
        "torchsde reverse",
        "the reverse equation in log X, on torchsde's Brownian motion, 8 rows",
        _reverse(BACKWARDS),
        {
            "Ito term missing": Twin(
                _reverse(reverse_log(PROCESS, SCORE, ito=2.0)),
                lambda view: _wrong_reverse(drift=0.5),
            ),
            "sigma^2 before the noise": Twin(
                _reverse(_loud(BACKWARDS)),
                lambda view: _wrong_reverse(noise=PROCESS.sigma),
            ),
        },
    ),
]
