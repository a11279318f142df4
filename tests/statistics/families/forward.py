"""The forward process and the samplers' starts, in float32: exact null laws by component."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

import gbm_ref as ref
from gbm_fast.data.statistics import DataStatistics, data_statistics
from gbm_fast.data.types import Events
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling import initial
from tests.statistics.laws import Array, Plane, in_plane
from tests.statistics.scenario import Draw, Scenario, one_law
from tests.statistics.seeds import Source
from tests.support.problems import PROCESSES, TARGETS
from tests.support.twins import components, tensor, twin_process, twin_target

DRAWS, BATCH = 2**16, 2**13
DATA = TARGETS["mixture-2d"]
TIMES = {"constant": 0.5, "time-varying": 0.9, "variance-exploding": 0.6}


def kernel(name: str, factor: float = 1.0) -> tuple[float, float]:
    """m and v of the process at its time, or at a part of it."""
    process, t = PROCESSES[name], factor * TIMES[name]
    return process.log_mean(t), process.log_var(t)


def _moved(move: Callable[[Tensor, Tensor], Tensor]) -> Draw:
    """What becomes of draws of the mixture and of normal numbers, in float64."""

    def draw(source: Source) -> Array:
        x0 = twin_target(DATA, torch.float32).rvs(DRAWS, source.torch)
        return move(x0, torch.randn(x0.shape, generator=source.torch)).double().numpy()

    return draw


def forward(name: str, time_factor: float = 1.0, shared: bool = False) -> Draw:
    """log X_t of the mixture; the arguments plant mistakes."""
    process, t = twin_process(PROCESSES[name]), time_factor * TIMES[name]
    return _moved(
        lambda x0, z: process.sample(x0, t, z[:, :1].expand_as(z) if shared else z).double().log()
    )


def _noised(m: float, cov: Array) -> Plane:
    weights, means, covs = components(DATA)
    return in_plane(ref.LogNormalMixture(weights, means + m, covs + cov))


def _wrong_kernel(name: str, mean_plus: float, std_factor: float) -> Draw:
    """The kernel with another mean and another deviation in log space."""
    m, v = kernel(name)
    return _moved(lambda x0, z: x0.log() + (m + mean_plus + std_factor * v**0.5 * z))


def _forward_scenario(name: str) -> Scenario:
    (m, v), eye = kernel(name), np.eye(2)
    earlier, early_v = kernel(name, 0.5)
    shared, no_ito = forward(name, shared=True), _wrong_kernel(name, v / 2, 1.0)
    v_for_root = _wrong_kernel(name, 0.0, v**0.5)
    twins = {
        "another time": one_law(forward(name, 0.5), lambda: _noised(earlier, early_v * eye)),
        "one draw for all coordinates": one_law(shared, lambda: _noised(m, v * np.ones((2, 2)))),
        "Ito term missing": one_law(no_ito, lambda: _noised(m + v / 2, v * eye)),
        "v for sqrt(v)": one_law(v_for_root, lambda: _noised(m, v * v * eye)),
    }
    about = f"gbm_fast: X_t of mixture-2d, {name} process"
    return Scenario(f"forward {name}", about, forward(name), twins)


def _forward_law(name: str) -> Plane:
    return in_plane(DATA.diffuse(PROCESSES[name], TIMES[name]))


# log X_t of the mixture.
forward_constant = partial(_forward_law, "constant")
forward_varying = partial(_forward_law, "time-varying")
forward_exploding = partial(_forward_law, "variance-exploding")

# Ten images of two pixels, in three classes of five, three and two.
FIRST_CLASS = [[1.9, -0.1], [0.2, -1.9], [1.4, -0.4], [-0.3, -2.1], [0.8, -1.0]]
OTHERS = [[-1.9, 0.8], [-0.3, -0.5], [-1.1, 0.4], [0.3, 1.9], [-0.5, 0.9]]
PIXELS = np.exp(np.array(FIRST_CLASS + OTHERS))
LABELS = np.array([0] * 5 + [1] * 3 + [2] * 2)
MOTION = PROCESSES["constant"]


def _statistics() -> DataStatistics:
    return data_statistics(tensor(PIXELS).reshape(10, 2, 1, 1), torch.tensor(LABELS), 3)


def _noise(source: Source) -> ImageNoise:
    return ImageNoise(source.seed, range(BATCH), (2, 1, 1))


def _logs(x: Tensor) -> Array:
    return x.flatten(1).double().log().numpy()


def averages_start(even: bool = False) -> Draw:
    known = _statistics()
    if even:
        known = replace(known, class_frequencies=torch.full((3,), 1 / 3, dtype=torch.float64))
    start, process = initial.from_class_averages, twin_process(MOTION)
    return lambda source: _logs(start(known, process, _noise(source)).x)


def fitted_start(of_averages: bool = False, without_data: bool = False) -> Draw:
    known = _statistics()
    means, stds = known.log_means, known.log_stds
    if of_averages:
        means, stds = known.average_log_means, known.average_log_stds
    if without_data:
        stds = torch.zeros_like(stds)
    fit = initial.fitted_lognormal(means, stds, twin_process(MOTION))
    return lambda source: _logs(initial.from_lognormal(*fit, _noise(source)))


def data_start(of_averages: bool = False, first: int = 10) -> Draw:
    images = tensor(PIXELS[:first]).reshape(first, 2, 1, 1)
    if of_averages:
        images = _statistics().class_averages[torch.tensor(LABELS)]
    events, process = Events(images, None), twin_process(MOTION)
    return lambda source: _logs(initial.from_data(events, process, _noise(source)).x)


def _averages() -> ref.LogNormalMixture:
    return ref.class_averages(PIXELS, LABELS)


def start_from_averages() -> Plane:
    """log X_T of class averages, from gbm_ref."""
    return in_plane(ref.from_class_averages(_averages(), MOTION))


def start_fitted() -> Plane:
    """log X_T of the fit to the images, a pair a pixel, from gbm_ref."""
    return in_plane(ref.fitted_lognormal(ref.log_moments(ref.PointMasses(PIXELS)), MOTION, [0, 1]))


def start_from_data(first: int = 10) -> Plane:
    """log X_T of the images, from gbm_ref."""
    return in_plane(ref.from_data(PIXELS[:first], MOTION))


def _fit_of_averages() -> Plane:
    return in_plane(ref.fitted_lognormal(ref.log_moments(_averages()), MOTION, [0, 1]))


def _fit_without_data() -> Plane:
    end, mean = MOTION.horizon, np.log(PIXELS).mean(axis=0)
    return in_plane(ref.LogNormal(mean + MOTION.log_mean(end), MOTION.log_var(end)))


def _even_averages() -> Plane:
    found = _averages()
    even = ref.LogNormalMixture(np.full(3, 1 / 3), found.log_means, found.log_covs)
    return in_plane(even.diffuse(MOTION, MOTION.horizon))


EVEN = {"classes equally likely": one_law(averages_start(even=True), _even_averages)}
OTHER_FITS = {
    "start without the data": one_law(fitted_start(without_data=True), _fit_without_data),
    "fit to the class averages": one_law(fitted_start(of_averages=True), _fit_of_averages),
}
OTHER_IMAGES = {
    "averages for images": one_law(data_start(of_averages=True), start_from_averages),
    "half of the images never drawn": one_law(data_start(first=5), partial(start_from_data, 5)),
}
CLASSES, FITTED = "ten images of two pixels, three classes", "the log-normal fitted to the images"
SCENARIOS = [
    *(_forward_scenario(name) for name in TIMES),
    Scenario("start from class averages", f"gbm_fast: {CLASSES}", averages_start(), EVEN),
    Scenario("start fitted", f"gbm_fast: {FITTED}", fitted_start(), OTHER_FITS),
    Scenario("start from data", "gbm_fast: training images, noised", data_start(), OTHER_IMAGES),
]
