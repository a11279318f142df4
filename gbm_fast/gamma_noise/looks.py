"""Multiplicative gamma noise, the speckle of L-look radar images (torch; claim R24).

    X = X_0 * G,    G ~ Gamma(L, rate L),    E[G] = 1,    Var[G] = 1 / L

Symbols
    L           number of looks, any positive number          `looks`
    h           Hyvarinen score x * grad log p(x) of the noisy state

The conditional score is h(x | x_0) = L - 1 - L x / x_0, of mean -1 and variance L: L plays the
part that 1 / v has for log-normal noise, and Theorem 4.1 holds unchanged. In place of an equation
in continuous time, a Markov chain of falling looks has these marginals exactly (claim R24b). The
gamma and beta draws are arguments: `laws.standard_gamma` makes them from a generator.
States are positive, of any one shape, which is that of the result; `ValueError` says what is not,
also for looks that are not positive or do not fall. Results have the dtype of the state.
"""

from torch import Tensor
from torch.special import digamma, zeta

from gbm_fast.checks import (
    has_values,
    positive_number,
    require_positive,
    require_same_shape,
)
from gbm_fast.laws import BetaPrime, InverseGamma

# Newton's steps for log L, in which log psi' falls with a slope between 1 and 2: four are enough.
_STEPS = 5


def gamma_log_moments(looks: Tensor) -> tuple[Tensor, Tensor]:
    """(psi(L) - log L, psi'(L)): mean and variance of log G (claim `R24-log-moments`).

    psi is the digamma function. Looks of any shape, positive, which is that of both results, as
    is their dtype. To be unbiased in log X, what estimates log X_0 has the first subtracted; the
    second is the v that gamma noise of L looks shares with log-normal noise.
    """
    require_positive(looks, "looks")
    # In float64, for the difference of near numbers; Apple's GPUs have none.
    wide = looks if looks.device.type == "mps" else looks.double()
    # torch's polygamma(1, L) is right to 1e-9 alone.
    moments = digamma(wide) - wide.log(), zeta(wide.new_full((), 2.0), wide)
    return moments[0].to(looks), moments[1].to(looks)


def looks_at_log_var(v: Tensor) -> Tensor:
    """The looks L at which Var[log G] = psi'(L) is v > 0, of any shape: the inverse of the above.

    psi' falls from infinity to 0, so that there is one, and v must lie between 1e-150 and 1e150.
    Newton's steps in float64; the result has the dtype of v (claim `R24-log-moments`).
    """
    require_positive(v, "v")
    var = v.double()
    if has_values(v) and bool(((var < 1e-150) | (var > 1e150)).any()):
        raise ValueError("v must lie between 1e-150 and 1e150.")
    two, three = (var.new_full((), order) for order in (2.0, 3.0))
    looks = (0.5 + (0.25 + 0.5 * var).sqrt()) / var
    for _ in range(_STEPS):
        found = zeta(two, looks)
        looks = looks * (found * (found / var).log() / (2 * looks * zeta(three, looks))).exp()
    return looks.to(v)


def gamma_noise_sample(x0: Tensor, looks: float, gamma: Tensor) -> Tensor:
    """x0 * gamma / looks, with `gamma` draws of Gamma(looks, 1) of the shape of x0 (claim R24)."""
    _require_state(x0, gamma, "gamma", "x0")
    return x0 * gamma.to(x0) / positive_number(looks, "looks")


def gamma_conditional_hyvarinen_score(x: Tensor, x0: Tensor, looks: float) -> Tensor:
    """L - 1 - L x / x_0, the regression target of M-DSM under gamma noise (claim R24)."""
    _require_state(x, x0, "x0")
    count = positive_number(looks, "looks")
    return count - 1 - count * x / x0.to(x)


def gamma_denoiser(x: Tensor, hyvarinen: Tensor, looks: float) -> Tensor:
    """E[1 / X_0 | X = x] = (L - 1 - h) / (L x) (claim R24).

    The posterior mean of the *inverse*: its reciprocal is the posterior harmonic mean of X_0.
    """
    require_positive(x, "x")
    require_same_shape(x, hyvarinen, "hyvarinen")
    count = positive_number(looks, "looks")
    return (count - 1 - hyvarinen.to(x)) / (count * x)


def gamma_marginal(data: InverseGamma, looks: float) -> BetaPrime:
    """The law of X_0 * G for X_0 ~ InverseGamma(alpha, beta): BetaPrime(L, alpha, beta / L).

    p(x) is proportional to x^(L - 1) (beta + L x)^(-L - alpha) (claim R24).
    """
    count = positive_number(looks, "looks")
    return BetaPrime(data.shape.new_full((data.d,), count), data.shape, data.scale / count)


def gamma_posterior(x: Tensor, data: InverseGamma, looks: float) -> InverseGamma:
    """The law of X_0 given X = x: InverseGamma(alpha + L, beta + L x) (claim `R24-posterior`).

    The noise is conjugate to X_0 ~ InverseGamma(alpha, beta). x is one state (d,), d that of the
    data, whose dtype the parameters keep.
    """
    require_positive(x, "x")
    if x.shape != (data.d,):
        raise ValueError(f"x must be one state of shape ({data.d},), got {tuple(x.shape)}.")
    count = positive_number(looks, "looks")
    return InverseGamma(data.shape + count, data.scale + count * x.to(data.scale))


def gamma_chain_step(x: Tensor, looks: float, next_looks: float, beta: Tensor) -> Tensor:
    """One forward step of the chain, from L to L' < L looks (claim R24b).

        X' = X * beta * L / L',    beta ~ Beta(L', L - L')

    If X = X_0 Gamma(L) / L then X' = X_0 Gamma(L') / L', exactly. `beta` has the shape of x and
    lies in (0, 1].
    """
    _require_state(x, beta, "beta")
    more, fewer = _falling(looks, next_looks)
    if has_values(beta) and bool((beta > 1).any()):
        raise ValueError("beta must lie in (0, 1]: draws of Beta(next_looks, looks - next_looks).")
    return x * beta.to(x) * more / fewer


def gamma_ancestral_step(
    x: Tensor, x0: Tensor, looks: float, previous_looks: float, gamma: Tensor
) -> Tensor:
    """One reverse step of the chain given X_0, from L' to L > L' looks (claim R24b).

        X = (L' x + x_0 gamma) / L,    gamma ~ Gamma(L - L', 1),  L = previous_looks, L' = looks

    The exact law of the chain's previous state given x and x_0, by the beta-gamma algebra;
    positive by construction. x0 is the data, or an estimate of them.
    """
    _require_state(x, x0, "x0")
    _require_state(x, gamma, "gamma")
    more, fewer = _falling(previous_looks, looks)
    return (fewer * x + x0.to(x) * gamma.to(x)) / more


def _require_state(x: Tensor, other: Tensor, name: str, name_of_x: str = "x") -> None:
    """Raise ValueError unless both are positive and of one shape."""
    require_positive(x, name_of_x)
    require_same_shape(x, other, name)
    require_positive(other, name)


def _falling(more: float, fewer: float) -> tuple[float, float]:
    high = positive_number(more, "the larger number of looks")
    low = positive_number(fewer, "the smaller number of looks")
    if low >= high:
        raise ValueError(f"noise grows as looks fall: {low} must be below {high}.")
    return high, low
