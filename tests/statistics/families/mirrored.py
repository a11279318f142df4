"""Mirrored Langevin dynamics on log-normal data: eq. (22) of version 2 in steps of delta.

Null law: `gbm_ref.mirrored_langevin_law`, that of so many steps from the start, not its limit.
"""

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from tests.statistics.laws import Array, Law, gaussian_line
from tests.statistics.scenario import Scenario, Twin
from tests.statistics.seeds import Source
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
    """STEPS steps from x."""
    target = twin_target(DATA, x.dtype)
    for index in range(STEPS):
        x = step(x, target.stein_score(x), noise(index))
    return x


def drawn(step: Step, source: Source) -> Array:
    """log x after the chain, in float32."""
    mean, std = float(START.mean[0]), float(START.cov[0, 0]) ** 0.5
    z = torch.randn((PATHS, 1), generator=source.torch)
    start = torch.exp(mean + std * z)
    x = chain(step, start, lambda row: torch.randn((PATHS, 1), generator=source.torch))
    return x[:, 0].double().log().numpy()


def mirrored_law() -> Law:
    """log X after the steps, from ref."""
    law = ref.mirrored_langevin_law(DATA.log_mean, DATA.log_cov, DELTA, STEPS, START)
    return gaussian_line(law)


def _twin(step: Step) -> Twin:
    @cache
    def law() -> Law:
        def sampler(x: Array, z: Array) -> Array:
            return chain(step, tensor(x), lambda row: tensor(z[row])).numpy()

        return gaussian_line(ref.extract_affine_map(sampler, STEPS, 1).law(START))

    return Twin(partial(drawn, step), lambda view: law())


SCENARIOS = [
    Scenario(
        "mirrored langevin",
        "eq. (22) on log-normal data, d = 1, 8 steps from another law",
        partial(drawn, right),
        {
            "noise sqrt(delta)": _twin(half_noise),
            "Jacobian term 1 missing": _twin(without_jacobian),
        },
    )
]
