"""Check a reverse sampler of your own against its exact law, without random numbers.

    pip install gbm-diffusion
    python check_my_sampler.py

Everything above the line is somebody's code, which knows nothing of `gbm_ref`; it may as well be
torch or JAX behind a function of arrays. All that is asked of it is that the noise is an argument.
For log-normal data its output is then log-normal too, at any number of steps, and the mean and
covariance of its logarithm are known exactly.
"""

import numpy as np

MU, SIGMA, STEPS = 0.3, 0.8, 50
LOG_MEAN, LOG_VAR = 0.4, 0.1  # log X_0 ~ N(LOG_MEAN, LOG_VAR)


def my_score(x: np.ndarray, t: float) -> np.ndarray:
    """x * d/dx log p_t(x) of the noised data."""
    return -1 - (np.log(x) - LOG_MEAN - (MU - SIGMA**2 / 2) * t) / (LOG_VAR + SIGMA**2 * t)


def my_sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Eq. (13) of arXiv 2510.02730, version 2: x (n, 1) from t = 1 to t = 0, z (STEPS, n, 1)."""
    dt = 1 / STEPS
    for k in range(STEPS, 0, -1):
        drift = MU - 1.5 * SIGMA**2 - SIGMA**2 * my_score(x, k * dt)
        x = x * np.exp(-drift * dt + SIGMA * np.sqrt(dt) * z[STEPS - k])
    return x


def my_other_sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The same, without noise in the last step, as is usual for other models."""
    last = np.zeros_like(z[:1])
    return my_sampler(x, np.concatenate([z[:-1], last]))


# ------------------------------------------------- the check: two imports and fewer than ten lines
from gbm_ref import GBM, DaleLangevin, Gaussian, LogNormal, exact_law, uniform  # noqa: E402
from gbm_ref.probe import LawRejected, assert_law  # noqa: E402

process, data = GBM(MU, SIGMA), LogNormal([LOG_MEAN], LOG_VAR)
noisy = data.diffuse(process, 1.0)
start = Gaussian(noisy.log_mean, noisy.log_cov)
expected = exact_law(DaleLangevin(), data, process, uniform(STEPS), start)

for sampler in (my_sampler, my_other_sampler):
    try:
        print(sampler.__name__, "is right:", assert_law(sampler, start, expected, rows=STEPS))
    except LawRejected as reason:
        print(sampler.__name__, "is refused:", reason)
