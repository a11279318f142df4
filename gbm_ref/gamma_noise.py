"""Multiplicative gamma noise, the speckle of L-look radar images (claim R24).

    X = X_0 * G,    G ~ Gamma(L, rate L),    E[G] = 1,    Var[G] = 1 / L

Symbols
    L           number of looks, any positive number          `looks`
    h           Hyvarinen score x * grad log p(x) of the noisy state

The conditional score is h(x | x_0) = L - 1 - L x / x_0, of mean -1 and variance L: L plays the
part that 1 / v has for log-normal noise, and Theorem 4.1 holds unchanged. In place of an equation
in continuous time, a Markov chain of falling looks has these marginals exactly (claim R24b).
States are positive, of any one shape, which is that of the result; `ValueError` says what is not,
also for looks that are not positive or do not fall. All but `gamma_marginal` are accurate to
8 * 2^-53 * S (accuracy vectors of the functions' names).
"""

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.laws import BetaPrime, InverseGamma


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
