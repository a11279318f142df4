"""Closed forms on log-normal data: laws of samplers, their limits and a path divergence.

With log X_0 ~ N(a, S_0) each result holds in every eigendirection of S_0 by itself. Symbols:

    lambda    eigenvalue of S_0: the variance of log X_0 in one direction
    h         v(T) / N, what the variance grows by in one of N equal steps of constant coefficients
    v_k       lambda + h k, and q = lambda / h
    e, V      deviation of the mean of log X_t from a + m(t), and the variance, of a sampler
    e_N, V_N  those of the start, log X_T ~ `start`

`exact_law` reaches the laws for N steps by N multiplications; here they are the sums of the
recursion, so each checks the other. A law is given as e_0 = gain e_N and V_0 = gain^2 V_N + added
in every direction. On the line, mean and variance of the first three are accurate to 20 u S for N
up to 1000, u = 2^-53: S is |log_mean| + |start.mean| + |m(T)| for the mean and
gain^2 V_N + lambda + h for the variance. In the plane the tests compare them with `exact_law`,
within 4 (N + 10) u. The other two laws are accurate to 8 u S (claims `R10-loop`, `R10-limit`). Of
coordinates of unlike scales each keeps its digits, to u times the condition of their correlations
(d <= 128). All raise ValueError for a target that is not log-normal, a start of another dimension
and, but for `inner_loop_law`, a process without constant coefficients.
"""

import math
from typing import NamedTuple

import numpy as np

from gbm_ref import _checks, _gaussians, _special
from gbm_ref._checks import Array
from gbm_ref.divergence import Gaussian, checked_gaussian
from gbm_ref.grids import Row
from gbm_ref.process import GBM, Process
from gbm_ref.targets import LogNormal, Target


def dale_langevin_law(
    target: Target, process: Process, num_steps: int, start: Gaussian
) -> Gaussian:
    """Law of log X_0 after N equal steps of `DaleLangevin` with the exact score: claims R8, R9.

        gain  = lambda / v_N
        added = lambda^2 / h [psi_1(q) - psi_1(q + N)] = h {1 + q^2 [psi_1(q+1) - psi_1(q+N)]}

    psi_1 is the trigamma function; the second form holds for a point mass too (q = 0, V_0 = h).
    """
    data = _directions(target)
    h, steps = _step_var(process, num_steps)
    q = data.vars / h
    added = h * (1.0 + q**2 * _special.trigamma_difference(q, steps))
    return _carried(data, process, start, data.vars / (data.vars + h * steps), added)


def ancestral_law(target: Target, process: Process, num_steps: int, start: Gaussian) -> Gaussian:
    """Law of log X_0 after N equal steps of `Ancestral()` with the exact score: claim R17.

    gain  = lambda / v_N
    added = sum over j = 1 .. N - 1 of h j / (j + 1) (lambda / v_j)^2
    """
    data = _directions(target)
    h, steps = _step_var(process, num_steps)
    j = np.arange(1.0, steps)
    column = data.vars[:, None]
    added = h * np.sum(j / (j + 1.0) * (column / (column + h * j)) ** 2, axis=1)
    return _carried(data, process, start, data.vars / (data.vars + h * steps), added)


def euler_flow_law(target: Target, process: Process, num_steps: int, start: Gaussian) -> Gaussian:
    """Law of log X_0 after N equal Euler steps of the probability flow in t: claim R16.

        gain = Gamma(q + N + 1/2) Gamma(q + 1) / (Gamma(q + 1/2) Gamma(q + N + 1)),  added = 0

    That is `MarginalPreserving(kappa=0.0)`, not `ProbabilityFlow`, which is Heun's rule.
    """
    data = _directions(target)
    h, steps = _step_var(process, num_steps)
    gains = np.exp(_special.log_gamma_ratio(data.vars / h, steps))
    return _carried(data, process, start, gains, np.zeros_like(gains))


def inner_loop_law(
    target: Target, process: Process, row: Row, inner_steps: int, start: Gaussian
) -> Gaussian:
    """Law of log X after L steps of `DaleLangevin` at one row, log X ~ start before: claim R10.

        e <- alpha^L e - dm (1 - alpha^L) / (1 - alpha)          alpha = 1 - dv / (lambda + v(t))
        V <- alpha^(2L) V + noise^2 dv (1 - alpha^(2L)) / (1 - alpha^2)

    e is measured from a + m(t) with t = row.t_score throughout. Any process. Raises ValueError
    for inner_steps < 1 or row.dt <= 0.
    """
    data = _directions(target)
    steps = _checks.whole_number(inner_steps, "inner_steps", 1)
    _checks.positive_number(row.dt, "row.dt")
    kappa = _checks.non_negative_number(row.noise, "row.noise")
    dm, dv = process.increments(row.t_score, row.dt)
    # dv <= v(t), since a step ends at t >= 0 at the earliest.
    gap = np.minimum(dv / (data.vars + process.log_var(row.t_score)), 1.0)
    with np.errstate(divide="ignore", under="ignore"):
        log_gains = steps * np.log1p(-gap)
        gains = np.exp(log_gains)
    added = -np.expm1(2.0 * log_gains) / (gap * (2.0 - gap)) * kappa**2 * dv
    shifts = data.ones * np.expm1(log_gains) / gap * dm
    m = process.log_mean(row.t_score)
    return _transported(data, (m, m), start, gains, added, shifts)


def annealed_limit_law(
    target: Target, process: Process, start: Gaussian, speed: float = 1.0, decay: float = 0.0
) -> Gaussian:
    """Law of log X_0 of `DaleLangevin` on `annealed` grids as N grows: claims R10, E17, E18.

    speed  rho = inner_steps * step_length * N / T > 0; the reverse equation has 1
    decay  c = -N log chi >= 0; 0 is full noise, for which only speed = 1 keeps the data law

        gain  = (lambda / v_N)^rho
        added = rho * integral over v in [lambda, v_N] of
                      (lambda / v)^(2 rho) exp(-2 c (v_N - v) / v(T)) dv

    and, for m(T) not 0, e_0 gains m(T) / v(T) (1 - rho) times the integral of (lambda / v)^rho.
    For c > 0 the integral is adaptive quadrature, asked for 1e-12 of its value. Raises
    ValueError outside those domains, for a singular covariance of the data, or where the
    quadrature does not converge.
    """
    data = _directions(target)
    if data.vars[0] <= 0.0:
        raise ValueError("the limit needs data with a positive definite log_cov.")
    rho = _checks.positive_number(speed, "speed")
    rate = _checks.non_negative_number(decay, "decay")
    total, _ = _step_var(process, 1)
    widths = np.log1p(total / data.vars)
    if rate == 0.0:
        added = rho * _special.power_integral(data.vars, widths, 2.0 * rho)
    else:
        pairs = zip(data.vars.tolist(), widths.tolist(), strict=True)
        added = rho * np.array(
            [_special.annealed_integral(x, w, total, rho, rate) for x, w in pairs]
        )
    m = process.log_mean(process.horizon)
    drift = m / total * (1.0 - rho) * _special.power_integral(data.vars, widths, rho)
    return _transported(data, (m, 0.0), start, np.exp(-rho * widths), added, data.ones * drift)


def path_divergence(target: Target, process: Process, num_steps: int) -> float:
    """KL of the exact reverse chain from that of `DaleLangevin`, N equal steps, in nats: R20b.

        sum over directions and k = 1 .. N of (r_k - 1 - log r_k) / 2,      r_k = v_{k-1} / v_k

    Both chains start from the exact law at T. Each term is accurate to 20 u of itself; infinite
    for singular data, where the last exact kernel has no noise.
    """
    data = _directions(target)
    h, steps = _step_var(process, num_steps)
    k = np.arange(1.0, steps + 1.0)
    before = data.vars[:, None] + h * k
    gap, ratio = h / before, (data.vars[:, None] + h * (k - 1.0)) / before
    if (ratio == 0.0).any():
        return math.inf
    return float(np.sum(_special.step_divergence(gap, ratio)))


class _Directions(NamedTuple):
    """Eigenvalues (d,) of log_cov, ascending and not negative, eigenvectors (d, d), and log_mean.

    `ones` are the components of (1, ..., 1), along which m(t) moves log X.
    """

    vars: Array
    basis: Array
    centre: Array
    ones: Array


def _directions(target: Target) -> _Directions:
    if not isinstance(target, LogNormal):
        raise ValueError(f"closed forms are for log-normal data, not a {type(target).__name__}.")
    values, basis = _gaussians.principal_axes(target.log_cov)
    ones = np.ones(target.d) @ basis
    return _Directions(values, basis, target.log_mean, ones)


def _step_var(process: Process, num_steps: int) -> tuple[float, int]:
    """h = v(T) / N, and N."""
    if not isinstance(process, GBM):
        raise ValueError(
            f"the closed form needs the constant coefficients of GBM, not {type(process).__name__}"
            ": use exact_law."
        )
    steps = _checks.whole_number(num_steps, "num_steps", 1)
    return process.log_var(process.horizon) / steps, steps


def _carried(
    data: _Directions, process: Process, start: Gaussian, gains: Array, added: Array
) -> Gaussian:
    """The law at t = 0 from that at T."""
    ends = (process.log_mean(process.horizon), 0.0)
    return _transported(data, ends, start, gains, added, np.zeros_like(gains))


def _transported(
    data: _Directions,
    ends: tuple[float, float],
    start: Gaussian,
    gains: Array,
    added: Array,
    shifts: Array,
) -> Gaussian:
    """e' = gain e + shift and V' = gain^2 V + added in every direction; `ends` m before, after."""
    before = checked_gaussian(start, "start", data.centre.size)
    deviation = gains * ((before.mean - data.centre - ends[0]) @ data.basis) + shifts
    cov = gains[:, None] * (data.basis.T @ before.cov @ data.basis) * gains + np.diag(added)
    mean = data.centre + ends[1] + data.basis @ deviation
    return Gaussian(mean, data.basis @ cov @ data.basis.T)
