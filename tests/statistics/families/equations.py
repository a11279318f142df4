"""Mirrored Langevin dynamics, eq. (22) of version 2 on log-normal data; torchsde on our equations.

Null laws: `gbm_ref.mirrored_langevin_law` after so many steps; SciPy's log-normal for the forward
process, `gbm_ref.exact_law` for Euler's scheme in log X in reverse time (Dale-Langevin)."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np
import torch
import torchsde
from scipy import stats
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from tests.statistics.families.affine import DALE, Sampler, _line_of
from tests.statistics.laws import Array, Law, gaussian_line, normal
from tests.statistics.scenario import Scenario, Twin, one_law
from tests.statistics.seeds import Source
from tests.statistics.witness import Equation, forward_log, integrate, reverse_log
from tests.support.problems import LOG_NORMALS
from tests.support.twins import tensor, twin_target

DATA = LOG_NORMALS["log-normal-1d"]
START = ref.Gaussian(DATA.log_mean + 0.4, 0.5 * DATA.log_cov)
DELTA, STEPS, PATHS = 0.05, 8, 2**17

Step = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x, Stein score, z) -> x'."""


def right(x: Tensor, stein: Tensor, z: Tensor) -> Tensor:
    return gbm.mirrored_langevin_step(x, stein, DELTA, z)


def half_noise(x: Tensor, stein: Tensor, z: Tensor) -> Tensor:
    """Noise sqrt(delta) in the place of sqrt(2 delta)."""
    return right(x, stein, z / 2**0.5)


def without_jacobian(x: Tensor, stein: Tensor, z: Tensor) -> Tensor:
    """x * stein in the place of 1 + x * stein."""
    return right(x, stein - 1 / x, z)


def chain(step: Step, x: Tensor, noise: Callable[[int], Tensor]) -> Tensor:
    target = twin_target(DATA, x.dtype)
    for index in range(STEPS):
        x = step(x, target.stein_score(x), noise(index))
    return x


def drawn(step: Step, source: Source) -> Array:
    mean, std = float(START.mean[0]), float(START.cov[0, 0]) ** 0.5
    start = torch.exp(mean + std * torch.randn((PATHS, 1), generator=source.torch))
    x = chain(step, start, lambda row: torch.randn((PATHS, 1), generator=source.torch))
    return x[:, 0].double().log().numpy()


def mirrored_law() -> Law:
    law = ref.mirrored_langevin_law(DATA.log_mean, DATA.log_cov, DELTA, STEPS, START)
    return gaussian_line(law)


def _twin(step: Step) -> Twin:
    @cache
    def law() -> Law:
        def sampler(x: Array, z: Array) -> Array:
            return chain(step, tensor(x), lambda row: tensor(z[row])).numpy()

        return gaussian_line(ref.extract_affine_map(sampler, STEPS, 1).law(START))

    return one_law(partial(drawn, step), law)


MIRRORED = "eq. (22) on log-normal data, d = 1, 8 steps from another law"
MIRRORED_TWINS = {
    "noise sqrt(delta)": _twin(half_noise),
    "Jacobian term 1 missing": _twin(without_jacobian),
}

FEWER, ROWS = 2**16, 8
SAMPLER = Sampler(*DALE, DATA, ref.GBM(mu=0.13, sigma=0.7, horizon=1.0), ref.uniform(ROWS))
PROCESS = gbm.GBM(0.13, 0.7, 1.0)
MEAN, VAR = float(DATA.log_mean[0]), float(DATA.log_cov[0, 0])
M, V = SAMPLER.process.log_mean(1.0), SAMPLER.process.log_var(1.0)


def solved(equation: Equation, mean: float, var: float, source: Source) -> Array:
    """log X at the end, from N(mean, var), on a `BrownianInterval` of the source's seed."""
    start = tensor(mean + np.sqrt(var) * source.numpy.standard_normal((FEWER, 1)))
    brownian = torchsde.BrownianInterval(
        0.0, 1.0, size=(FEWER, 1), dtype=torch.float64, entropy=source.seed
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
    return replace(normal(MEAN + M, VAR + V), cdf=lambda y: law.cdf(np.exp(y)))


reverse_law = partial(_line_of, SAMPLER)


def _wrong_reverse(drift: float = 0.0, noise: float = 1.0) -> Law:
    """drift dv more in every row, and another factor on its noise: carried on by the gains."""
    extra, var = 0.0, VAR + V
    for row in SAMPLER.grid:
        dv = SAMPLER.process.increments(row.t_score, row.dt)[1]
        gain = 1.0 - dv / (VAR + SAMPLER.process.log_var(row.t_score))
        extra, var = gain * extra + drift * dv, gain**2 * var + noise**2 * dv
    return normal(float(SAMPLER.law().mean[0]) + extra, var)


NO_ITO, NO_ITO_BACK = forward_log(gbm.GBM(0.13 + V / 2, 0.7)), reverse_log(PROCESS, SCORE, ito=2.0)
LOUD_LAW = partial(_wrong_reverse, noise=PROCESS.sigma)
FORWARD_TWINS = {
    "Ito term missing": one_law(_forward(NO_ITO), lambda: normal(MEAN + M + V / 2, VAR + V)),
    "sigma^2 before the noise": one_law(
        _forward(_loud(FORWARDS)), lambda: normal(MEAN + M, VAR + V**2)
    ),
}
REVERSE_TWINS = {
    "Ito term missing": one_law(_reverse(NO_ITO_BACK), partial(_wrong_reverse, drift=0.5)),
    "sigma^2 before the noise": one_law(_reverse(_loud(BACKWARDS)), LOUD_LAW),
}
ABOUT = "the {} equation in log X, on torchsde's Brownian motion, 8 rows"
SCENARIOS = [
    Scenario("mirrored langevin", MIRRORED, partial(drawn, right), MIRRORED_TWINS),
    Scenario("torchsde forward", ABOUT.format("forward"), _forward(FORWARDS), FORWARD_TWINS),
    Scenario("torchsde reverse", ABOUT.format("reverse"), _reverse(BACKWARDS), REVERSE_TWINS),
]
