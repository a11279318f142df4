"""One number, two implementations: gbm_fast's twin of each gbm_ref object, and comparisons.

A comparison is |fast - ref| <= tolerance * S with S the condition scale: the size of what is added
up on the way to the number, which is what rounding acts on. Near a zero of a score the number
itself may be arbitrarily smaller than S, and a plain relative error means nothing there.
Tolerances: in float64 1e-12 (EXACT); in float32 ROUNDINGS * 2^-24 (SINGLE), since every term of S
is rounded fewer than ROUNDINGS times between the inputs and the result, by at most 2^-24 of itself
each time."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

import gbm_fast as gbm
import gbm_ref as ref

Array = NDArray[np.float64]

EXACT = 1e-12
ROUNDINGS = 8
SINGLE = ROUNDINGS * 2.0**-24
TOLERANCE = {torch.float64: EXACT, torch.float32: SINGLE}
DTYPES = list(TOLERANCE)


def single(values: ArrayLike) -> Array:
    """Numbers that float32 holds, so that a comparison in float32 is about the arithmetic."""
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def tensor(values: ArrayLike, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.as_tensor(np.array(values, dtype=np.float64)).to(dtype)


def twin_process(process: ref.Process) -> gbm.Process:
    if isinstance(process, ref.GBM):
        return gbm.GBM(process.mu, process.sigma, process.horizon)
    if isinstance(process, ref.VarianceExploding):
        return gbm.VarianceExploding(process.std_min, process.std_max, process.horizon)
    if isinstance(process, ref.CoordinateGBM):
        return gbm.CoordinateGBM(tensor(process.mu), tensor(process.sigma), process.horizon)
    if isinstance(process, ref.PiecewiseGBM):
        sigma, mu = tensor(process.sigma), tensor(process.mu)
        return gbm.PiecewiseGBM(sigma, mu, process.horizon)
    assert isinstance(process, ref.TimeVaryingGBM)
    return gbm.TimeVaryingGBM(process.mu, process.sigma, process.horizon)


def twin_target(target: ref.Target, dtype: torch.dtype = torch.float64) -> gbm.Target:
    if isinstance(target, ref.LogNormal):
        return gbm.LogNormal(tensor(target.log_mean, dtype), tensor(target.log_cov, dtype))
    if isinstance(target, ref.LogNormalMixture):
        parts = target.weights, target.log_means, target.log_covs
        return gbm.LogNormalMixture(*(tensor(part, dtype) for part in parts))
    assert isinstance(target, ref.PointMasses)
    return gbm.PointMasses(tensor(target.points, dtype), target.log_var)


def twin(value: object, dtype: torch.dtype = torch.float64) -> object:
    """What gbm_fast takes where gbm_ref takes `value`: numbers and names stay as they are."""
    if isinstance(value, np.ndarray):
        return tensor(value, dtype) if value.dtype.kind == "f" else torch.as_tensor(value)
    if isinstance(value, ref.Process):
        return twin_process(value)
    if isinstance(value, ref.Target):
        return twin_target(value, dtype)
    if isinstance(value, ref.Gaussian):
        return gbm.Gaussian(tensor(value.mean, dtype), tensor(value.cov, dtype))
    return value


def assert_agree(
    name: str, *given: object, scale: ArrayLike, dtype: torch.dtype = torch.float64, **more: object
) -> torch.Tensor:
    """The function of this name in both packages: the same numbers, in the dtype. Its result."""
    found = getattr(gbm, name)(*(twin(value, dtype) for value in given), **more)
    assert found.dtype == dtype
    assert_twins(found, getattr(ref, name)(*given, **more), scale)
    return found


def error_over_scale(fast: torch.Tensor, expected: ArrayLike, scale: ArrayLike) -> float:
    """max |fast - expected| / S; NaN counts as infinite."""
    numbers = np.asarray(expected, dtype=np.float64)
    assert fast.shape == numbers.shape
    error = np.abs(fast.detach().double().numpy() - numbers) / np.asarray(scale)
    return float(np.where(np.isnan(error), np.inf, error).max())


def assert_twins(
    fast: torch.Tensor, expected: ArrayLike, scale: ArrayLike, tolerance: float | None = None
) -> None:
    """Fail unless |fast - expected| <= tolerance * S everywhere; that of the dtype if None."""
    allowed = TOLERANCE[fast.dtype] if tolerance is None else tolerance
    error = error_over_scale(fast, expected, scale)
    assert error <= allowed, f"error {error:.3g} of the condition scale, allowed {allowed:.3g}"


def components(target: ref.Target) -> tuple[Array, Array, Array]:
    """Weights (J,), log-means (J, d) and log-covariances (J, d, d) of any target."""
    if isinstance(target, ref.LogNormal):
        return np.ones(1), target.log_mean[None], target.log_cov[None]
    if isinstance(target, ref.LogNormalMixture):
        return target.weights, target.log_means, target.log_covs
    assert isinstance(target, ref.PointMasses)
    n, d = target.points.shape
    covs = np.broadcast_to(target.log_var * np.eye(d), (n, d, d))
    return np.full(n, 1 / n), np.log(target.points), covs


def target_scales(target: ref.Target, x: Array) -> tuple[Array, Array]:
    """Condition scales of the scores and of logpdf at `x` (n, d), shapes (n, 1) and (n,).

    To first order an error e_j in log(w_j N_j) moves s = sum r_j u_j by sum r_j u_j (e_j - mean
    e); solving with S_j costs its condition number k_j. So, with R = 1 + |y| + |a_j| what a
    residual is made of, u_j has the scale P_j = k_j |S_j^-1| R, log(w_j N_j) the scale E_j below,
    and the score 1 + sum r_j (P_j + |u_j| (E_j + sum r_k E_k))."""
    y = np.log(x)
    pulls, solves, terms, logs = [], [], [], []
    for weight, mean, cov in zip(*components(target), strict=True):
        inverse, condition = np.linalg.inv(cov), np.linalg.cond(cov)
        residual = y - mean
        u = -residual @ inverse
        reach = 1 + np.linalg.norm(y, axis=-1) + np.linalg.norm(mean)
        half_square = -0.5 * (residual * u).sum(-1)
        log_det = np.abs(np.log(np.linalg.eigvalsh(2 * np.pi * cov))).sum() / 2
        log_det_signed = np.log(np.linalg.eigvalsh(2 * np.pi * cov)).sum() / 2
        pulls.append(np.linalg.norm(u, axis=-1))
        solves.append(condition * np.linalg.norm(inverse, 2) * reach)
        terms.append(condition * (half_square + pulls[-1] * reach) + abs(np.log(weight)) + log_det)
        logs.append(np.log(weight) - half_square - log_det_signed)
    log_weights = np.array(logs) - np.logaddexp.reduce(logs, axis=0)
    r = np.exp(log_weights)
    mean_term = (r * np.array(terms)).sum(0)
    score = 1 + (r * (np.array(solves) + np.array(pulls) * (np.array(terms) + mean_term))).sum(0)
    return score[:, None], 1 + mean_term + np.abs(y).sum(-1)


def conditional_scale(process: ref.Process, x: Array, x0: Array, t: float) -> Array:
    """1 + (1 + |log x| + |log x0| + |m|) / v, the scale of the target of eq. (16)."""
    reach = 1 + np.abs(np.log(x)) + np.abs(np.log(x0)) + abs(process.log_mean(t))
    return 1 + reach / process.log_var(t)
