"""Log-likelihood of positive data by the probability flow (claims R16, R19).

The noise-free equation with the marginals of the process, integrated from the data to the noise,

    d log X / dt = mu - sigma^2 - sigma^2 / 2 h(X, t),      h = x * grad log p_t

carries log q_t, the log density of log X_t, which grows by sigma^2 / 2 times the divergence of
the log score s = 1 + h:

    log p(x) = log q_T(log X_T) - int sigma^2 / 2 tr grad_y s dt - sum_i log x_i

`log_likelihood` takes any score and any law at T, so it is the likelihood of a model; with the
exact score and the diffused target it returns the target's own density. The divergence is always
that of the *log* score in log coordinates, tr grad_y s = sum_i x_i d h_i / d x_i.

All x are positive and (..., d), all results (...), in nats; wrong arguments raise `ValueError`.
Accurate to 8 * 2^-53 * S (claims `R2-hessian`, `R3`, `R19-log-normal`, `R19-bits`), but for
`log_likelihood`, which integrates.
"""

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

from gbm_ref import _checks, _gaussians
from gbm_ref._checks import Array, Values
from gbm_ref._components import components
from gbm_ref.process import Process
from gbm_ref.process.coordinates import log_means, one_log_var
from gbm_ref.steps import Score
from gbm_ref.steps.base import score_at
from gbm_ref.targets import LogNormal, Target

Divergence = Callable[[Array, float], Array]
"""(x, t) -> tr grad_y s at x (..., d), shape (...)."""


def log_score_divergence(x: Values, target: Target) -> Array:
    """tr grad_y s(x), the divergence of the log score of `target` in y = log x (claim R2).

        tr grad_y s = -sum_j r_j tr S_j^{-1} + sum_j r_j |u_j - s|^2,   s = sum_j r_j u_j

    with r_j the probability of component j at x and u_j = -S_j^{-1} (log x - a_j); the second sum
    is R2's difference of two squares without the cancellation.

    target  a `LogNormal`, a `LogNormalMixture` or `PointMasses`, with a density
    """
    parts = components(target)
    y = np.log(_checks.with_trailing(_checks.positive_array(x, "x"), target.d, "x"))
    shares = parts.shares(y)
    pulls = parts.pulls(y)
    gaps = pulls - np.einsum("...j,...ja->...a", shares, pulls)[..., None, :]
    bends = np.sum(gaps**2, axis=-1) - parts.traces()
    return np.asarray(np.sum(shares * bends, axis=-1))


def exact_divergence(target: Target, process: Process) -> Divergence:
    """The callable (x, t) -> tr grad_y s_t(x) of data with the law `target`.

    It goes with `exact_score(target, process)`; `log_score_divergence` has the formula.
    """

    def divergence(x: Array, t: float) -> Array:
        return log_score_divergence(x, target.diffuse(process, t))

    return divergence


def flow_velocity(x: Array, t: float, process: Process, score: Score) -> Array:
    """d log X / dt at x (..., d), by the formula of the module docstring (claim R16-ode)."""
    rate = process.diffusion(t) ** 2
    return np.asarray(process.drift(t) - rate - 0.5 * rate * score_at(score, x, t))


def carried(
    velocity: Callable[[float, Array], Array],
    begin: Array,
    span: tuple[float, float],
    rtol: float,
    atol: float,
) -> Array:
    """What `begin` (n,) at span[0] becomes at span[1], later or earlier, by SciPy's DOP853.

    Raises ValueError where the integration fails, or atol is not positive.
    """
    _checks.positive_number(atol, "atol")
    with _checks.quiet():
        path = solve_ivp(velocity, span, begin, "DOP853", span[1:], rtol=rtol, atol=atol)
    if not path.success:
        raise ValueError(f"the flow could not be integrated to t={span[1]:g}: {path.message}.")
    return np.asarray(path.y[:, -1])


def log_likelihood(
    x: Values,
    process: Process,
    score: Score,
    divergence: Divergence,
    terminal: Target,
    t_min: float = 0.0,
    rtol: float = 1e-12,
    atol: float = 1e-12,
) -> Array:
    """log p(x) of the model that follows the probability flow from `terminal` to t_min.

    The formula of the module docstring (claim R19), integrated by SciPy's DOP853 for each state.

    x           states at t_min, (..., d)
    score       (x, t) -> x * grad log p_t(x), called with one state (d,)
    divergence  (x, t) -> sum_i x_i d h_i / d x_i of that score, one number for one state
    terminal    the law of X_T
    t_min       time of the data, in [0, T); above 0 where the score is singular at 0
    rtol, atol  tolerances of DOP853 for log X_t and the growth of the log density; rtol >= 1e-13

    Accuracy: the local errors, about `atol` + `rtol` |log X|, grow along the flow as the distance
    of two paths does, by sqrt(V_T / V_min) for data of log-variance V_min at t_min. With the
    defaults the result is within 1e-10 (1 + |log p|) for data of log-variance down to 1e-6.

    Raises ValueError also when the score is not finite or the integration fails.
    """
    start = _checks.time_in_range(t_min, process.horizon)
    if start == process.horizon:
        raise ValueError(f"t_min must be below the horizon {process.horizon}.")
    if _checks.positive_number(rtol, "rtol") < 1e-13:
        raise ValueError(f"rtol must be at least 1e-13, got {rtol}.")
    y = np.log(_checks.with_trailing(_checks.positive_array(x, "x"), terminal.d, "x"))
    velocity = _velocity(process, score, divergence)
    ends = np.empty((*y.shape[:-1], y.shape[-1] + 1))
    for index in np.ndindex(y.shape[:-1]):
        begin = np.append(y[index], 0.0)
        ends[index] = carried(velocity, begin, (start, process.horizon), rtol, atol)
    log_q = _log_density_at_end(ends[..., :-1], terminal) - ends[..., -1]
    return np.asarray(log_q - np.sum(y, axis=-1))


def exact_log_likelihood(
    x: Values, target: LogNormal, process: Process, terminal: Target, t_min: float = 0.0
) -> Array:
    """`log_likelihood` with the exact score of log-normal data, in closed form.

        Y_T = a + m(T) + R (log x - a - m(t_min)),   R = (S_T S_min^{-1})^{1/2}
        log p(x) = log q_T(Y_T) + 1/2 log det(S_T S_min^{-1}) - sum_i log x_i

    with S_t = log_cov + v(t) I (claims R16, R19). With `terminal` the diffused target it is the
    density of the target at t_min; with another start, the density of what the flow makes of it.

    x         states at t_min, (..., d)
    target    the data law; its covariance at t_min must be positive definite
    terminal  any law at T
    """
    end = process.horizon
    start = _checks.time_in_range(t_min, end)
    y = np.log(_checks.with_trailing(_checks.positive_array(x, "x"), target.d, "x"))
    begin = target.diffuse(process, start)
    if _gaussians.is_singular(begin.log_cov):
        raise ValueError("the data have no density at t_min: their log covariance is singular.")
    variances, axes = _gaussians.principal_axes(begin.log_cov)
    added = one_log_var(process, end, end - start) / variances
    residual = (y - begin.log_mean) @ axes
    y_end = target.log_mean + log_means(process, end) + residual * np.sqrt(1.0 + added) @ axes.T
    growth = 0.5 * np.sum(np.log1p(added))
    return np.asarray(_log_density_at_end(y_end, terminal) + growth - np.sum(y, axis=-1))


def bits_per_dim(log_likelihood: Values, d: int, cell: float = 1.0 / 256.0) -> Array:
    """-log2 p(x) / d - log2(cell): bits per dimension of quantised data (claim R19).

    log_likelihood  log p(x) in nats at dequantised data x, any shape; also the shape of the result
    d               number of dimensions of x
    cell            distance of two neighbouring grey levels in x: 1/256 for x = 1 + (v + u) / 256
                    with v = 0..255 and u uniform on [0, 1), which adds 8 bits

    Averaged over u it is at least the bits per dimension of the discrete model.
    """
    nats = _checks.finite_array(log_likelihood, "log_likelihood")
    width = _checks.positive_number(cell, "cell")
    return np.asarray(-nats / (_checks.whole_number(d, "d", 1) * np.log(2.0)) - np.log2(width))


def _log_density_at_end(y: Array, terminal: Target) -> Array:
    """The log density of log X_T at y."""
    with _checks.quiet():
        x = np.exp(y)
    return np.asarray(terminal.logpdf(x) + np.sum(y, axis=-1))


def _velocity(
    process: Process, score: Score, divergence: Divergence
) -> Callable[[float, Array], Array]:
    """(t, state) -> d state / dt for the state (log X_t, growth of the log density), (d + 1,)."""

    def velocity(t: float, state: Array) -> Array:
        x = np.exp(state[:-1])
        trace = _checks.finite_number(float(divergence(x, t)), "the divergence")
        return np.append(
            flow_velocity(x, t, process, score), 0.5 * process.diffusion(t) ** 2 * trace
        )

    return velocity
