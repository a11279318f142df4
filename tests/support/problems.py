"""Processes and data laws by name, with generic parameters, at which no wrong formula is right:
never mu = 0, sigma = 1, mu = sigma^2 / 2, mean 0 or diagonal covariance throughout."""

import numpy as np

import gbm_ref as ref


def time_varying_mu(t: float) -> float:
    """The drift rate of PROCESSES["time-varying"]."""
    return 0.11 + 0.2 * t


def time_varying_sigma(t: float) -> float:
    """The diffusion rate of PROCESSES["time-varying"]."""
    return 0.4 + 0.5 * t**2


PROCESSES: dict[str, ref.Process] = {
    "constant": ref.GBM(mu=0.13, sigma=0.7, horizon=0.9),
    "time-varying": ref.TimeVaryingGBM(time_varying_mu, time_varying_sigma, horizon=1.2),
    "variance-exploding": ref.VarianceExploding(std_min=0.02, std_max=3.0, horizon=1.1),
}

LOG_NORMALS: dict[str, ref.LogNormal] = {
    "log-normal-1d": ref.LogNormal(np.array([0.31]), 0.23),
    "log-normal-2d": ref.LogNormal(np.array([0.31, -0.42]), np.array([[0.5, 0.2], [0.2, 0.3]])),
}

_LINE = [0.3, 0.7], [[-0.9], [0.6]], [0.11, 0.26]
_MEANS = [[-0.8, 0.3], [0.7, 0.9], [0.2, -1.1]]
_COVS = [
    [[0.30, 0.12], [0.12, 0.17]],
    [[0.21, -0.09], [-0.09, 0.40]],
    [[0.13, 0.02], [0.02, 0.26]],
]
MIXTURES: dict[str, ref.LogNormalMixture] = {
    "mixture-1d": ref.LogNormalMixture(*map(np.array, _LINE)),
    "mixture-2d": ref.LogNormalMixture(*map(np.array, ([0.25, 0.35, 0.4], _MEANS, _COVS))),
}

# The data sets themselves, without a density; and the same points after some noise.
DATA_SETS: dict[str, ref.PointMasses] = {
    "points-1d": ref.PointMasses(np.array([[0.7], [1.9], [2.4]])),
    "points-2d": ref.PointMasses(np.array([[0.7, 1.3], [1.9, 0.6], [2.4, 2.2], [1.1, 1.7]])),
}
BLURRED: dict[str, ref.PointMasses] = {
    name: ref.PointMasses(data.points, log_var=0.09) for name, data in DATA_SETS.items()
}

TARGETS: dict[str, ref.Target] = {**LOG_NORMALS, **MIXTURES, **BLURRED}


def normal(mean: float, var: float) -> ref.Gaussian:
    """A Gaussian law of log X on the line."""
    return ref.Gaussian(np.array([mean]), np.array([[var]]))


THREE_DIMENSIONS = ref.Gaussian(
    np.array([0.31, -0.42, 1.13]),
    np.array([[0.5, 0.2, -0.1], [0.2, 0.3, 0.05], [-0.1, 0.05, 0.9]]),
)


def end_law(target: ref.LogNormal, process: ref.Process, t: float | None = None) -> ref.Gaussian:
    """The exact law of log X_t, t = horizon by default: the start a sampler should have."""
    end = target.diffuse(process, process.horizon if t is None else t)
    return ref.Gaussian(end.log_mean, end.log_cov)


def states(d: int, count: int = 12, spread: float = 1.5) -> np.ndarray:
    """`count` fixed positive states (count, d), log-spaced in a different order per coordinate."""
    grid = np.linspace(-spread, spread, count) + 0.037
    return np.exp(np.stack([np.roll(grid, 5 * i) * (1 - 0.2 * i) for i in range(d)], axis=-1))


# A score that is the same numbers everywhere, so that a step is tested alone.
FIXED = np.linspace(-6.1, 4.7, 24).reshape(12, 2)


def fixed_score(x: np.ndarray, t: float) -> np.ndarray:
    """FIXED, for states of its shape."""
    return FIXED


def draws(*shape: int) -> np.ndarray:
    """Fixed numbers like normal draws, scrambled logistic quantiles: the same on every machine."""
    count = int(np.prod(shape))
    order = (np.arange(count) * 7919 + 13) % count if count % 7919 else np.arange(count)
    uniforms = (order + 0.5) / count
    return (0.55 * np.log(uniforms / (1 - uniforms))).reshape(shape)
