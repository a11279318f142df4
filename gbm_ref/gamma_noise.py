"""Multiplicative gamma noise, the speckle of L-look radar images (claim R24).

    X = X_0 * G,    G ~ Gamma(L, rate L),    E[G] = 1,    Var[G] = 1 / L

Symbols
    L           number of looks, any positive number          `looks`
    h           Hyvarinen score x * grad log p(x) of the noisy state

The conditional score is h(x | x_0) = L - 1 - L x / x_0, of mean -1 and variance L: L plays the
part that 1 / v has for log-normal noise, and Theorem 4.1 holds unchanged. In place of an equation
in continuous time, a Markov chain of falling looks has these marginals exactly (claim R24b).
States are positive, of any one shape, which is that of the result; `ValueError` says what is not,
also for looks that are not positive or do not fall. What says nothing else is accurate to
8 * 2^-53 * S (accuracy vectors of the functions' names; of `gamma_log_moments`: `gamma_log_mean`
and `gamma_log_var`).
"""

import numpy as np
from scipy.special import digamma, zeta

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.laws import BetaPrime, InverseGamma

# Newton's steps for log L, in which log psi' falls with a slope between 1 and 2: four are enough.
_STEPS = 5


def gamma_log_moments(looks: Values) -> tuple[Array, Array]:
    """(psi(L) - log L, psi'(L)): mean and variance of log G (claim `R24-log-moments`).

    psi is the digamma function. Looks of any shape, positive, which is that of both results. To
    be unbiased in log X, what estimates log X_0 has the first subtracted; the second is the v
    that gamma noise of L looks shares with log-normal noise.
    """
    count = _checks.positive_array(looks, "looks")
    with _checks.quiet():
        return np.asarray(digamma(count) - np.log(count)), np.asarray(zeta(2.0, count))


def looks_at_log_var(v: Values) -> Array:
    """The looks L at which Var[log G] = psi'(L) is v > 0, of any shape: the inverse of the above.

    psi' falls from infinity to 0, so that there is one, and v must lie between 1e-150 and 1e150.
    Newton's steps from (1 + sqrt(1 + 2 v)) / (2 v), which lies between L / sqrt(2) and L;
    accurate to 8 * 2^-53 * S (claim `R24-log-moments`).
    """
    var = _checks.positive_array(v, "v")
    if ((var < 1e-150) | (var > 1e150)).any():
        raise ValueError("v must lie between 1e-150 and 1e150.")
    looks = (0.5 + np.sqrt(0.25 + 0.5 * var)) / var
    for _ in range(_STEPS):
        found = zeta(2.0, looks)
        looks = looks * np.exp(found * np.log(found / var) / (2.0 * looks * zeta(3.0, looks)))
    return np.asarray(looks)


def gamma_noise_sample(x0: Values, looks: float, gamma: Values) -> Array:
    """x0 * gamma / looks, with `gamma` draws of Gamma(looks, 1) of the shape of x0 (claim R24)."""
    start = _checks.positive_array(x0, "x0")
    draws = _checks.like(_checks.positive_array(gamma, "gamma"), start, "gamma", "x0")
    count = _checks.positive_number(looks, "looks")
    with _checks.quiet():
        return start * draws / count


def gamma_conditional_hyvarinen_score(x: Values, x0: Values, looks: float) -> Array:
    """L - 1 - L x / x_0, the regression target of M-DSM under gamma noise (claim R24)."""
    state = _checks.positive_array(x, "x")
    start = _checks.like(_checks.positive_array(x0, "x0"), state, "x0")
    count = _checks.positive_number(looks, "looks")
    with _checks.quiet():
        return count - 1.0 - count * state / start


def gamma_denoiser(x: Values, hyvarinen: Values, looks: float) -> Array:
    """E[1 / X_0 | X = x] = (L - 1 - h) / (L x) (claim R24).

    The posterior mean of the *inverse*: its reciprocal is the posterior harmonic mean of X_0.
    """
    state = _checks.positive_array(x, "x")
    count = _checks.positive_number(looks, "looks")
    score = _checks.like(hyvarinen, state, "hyvarinen")
    with _checks.quiet():
        return (count - 1.0 - score) / (count * state)


def gamma_marginal(data: InverseGamma, looks: float) -> BetaPrime:
    """The law of X_0 * G for X_0 ~ InverseGamma(alpha, beta): BetaPrime(L, alpha, beta / L).

    p(x) is proportional to x^(L - 1) (beta + L x)^(-L - alpha) (claim R24). Its parameters are
    accurate to 8 * 2^-53 * S (claim `R24-inverse-gamma`).
    """
    count = _checks.positive_number(looks, "looks")
    return BetaPrime(np.full(data.d, count), data.shape, data.scale / count)


def gamma_posterior(x: Values, data: InverseGamma, looks: float) -> InverseGamma:
    """The law of X_0 given X = x: InverseGamma(alpha + L, beta + L x) (claim `R24-posterior`).

    The noise is conjugate to X_0 ~ InverseGamma(alpha, beta). x is one state (d,), d that of the
    data; the parameters are accurate to 8 * 2^-53 * S. For other data on the line, see
    `gamma_posterior_moment` and its neighbours.
    """
    state = _checks.positive_array(x, "x")
    if state.shape != (data.d,):
        raise ValueError(f"x must be one state of shape ({data.d},), got {state.shape}.")
    count = _checks.positive_number(looks, "looks")
    with _checks.quiet():
        return InverseGamma(data.shape + count, data.scale + count * state)


def gamma_chain_step(x: Values, looks: float, next_looks: float, beta: Values) -> Array:
    """One forward step of the chain, from L to L' < L looks (claim R24b).

        X' = X * beta * L / L',    beta ~ Beta(L', L - L')

    If X = X_0 Gamma(L) / L then X' = X_0 Gamma(L') / L', exactly. `beta` has the shape of x and
    lies in (0, 1].
    """
    state = _checks.positive_array(x, "x")
    more, fewer = _falling(looks, next_looks)
    draws = _checks.like(_checks.positive_array(beta, "beta"), state, "beta")
    if (draws > 1.0).any():
        raise ValueError("beta must lie in (0, 1]: draws of Beta(next_looks, looks - next_looks).")
    with _checks.quiet():
        return state * draws * more / fewer


def gamma_ancestral_step(
    x: Values, x0: Values, looks: float, previous_looks: float, gamma: Values
) -> Array:
    """One reverse step of the chain given X_0, from L' to L > L' looks (claim R24b).

        X = (L' x + x_0 gamma) / L,    gamma ~ Gamma(L - L', 1),  L = previous_looks, L' = looks

    The exact law of the chain's previous state given x and x_0, by the beta-gamma algebra;
    positive by construction. x0 is the data, or an estimate of them.
    """
    state = _checks.positive_array(x, "x")
    start = _checks.like(_checks.positive_array(x0, "x0"), state, "x0")
    draws = _checks.like(_checks.positive_array(gamma, "gamma"), state, "gamma")
    more, fewer = _falling(previous_looks, looks)
    with _checks.quiet():
        return (fewer * state + start * draws) / more


def _falling(more: float, fewer: float) -> tuple[float, float]:
    high = _checks.positive_number(more, "the larger number of looks")
    low = _checks.positive_number(fewer, "the smaller number of looks")
    if low >= high:
        raise ValueError(f"noise grows as looks fall: {low} must be below {high}.")
    return high, low
