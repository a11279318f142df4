"""gbm_fast.laws and .gamma_noise against gbm_ref, autograd and their own kernel."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy.special import gammaln

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.cases import Array, crossed, generator, torch_generator
from tests.support.twins import assert_twins, error_over_scale, tensor


@dataclass(frozen=True)
class Case:
    """A law by its parameters; the sizes of the terms of its score and density at x (n, d)."""

    name: str
    parameters: tuple[Array, ...]
    score_terms: Callable[..., Array]
    log_terms: Callable[..., Array]

    def oracle(self) -> ref.ProductLaw:
        return getattr(ref, self.name)(*self.parameters)

    def twin(self, dtype: torch.dtype = torch.float64) -> gbm.ProductLaw:
        return getattr(gbm, self.name)(*(tensor(p, dtype) for p in self.parameters))


def power_size(x: Array, k: Array, scale: Array) -> Array:
    """(x / scale)^k with what a rounding of its base is multiplied by."""
    return (x / scale) ** k * (1 + k)


def log_size(values: Array) -> Array:
    return np.abs(np.log(values))


def gamma_size(a: Array) -> Array:
    return np.abs(gammaln(a))


SHAPE, RATE = twins.single([0.7, 3.3]), twins.single([1.9, 0.4])
ALL = [
    Case(
        "Gamma",
        (SHAPE, RATE),
        lambda x, a, b: a + b * x,
        lambda x, a, b: a * (1 + log_size(b * x)) + b * x + gamma_size(a),
    ),
    Case(
        "InverseGamma",
        (SHAPE, RATE),
        lambda x, a, b: a + b / x,
        lambda x, a, b: a * (1 + log_size(b / x)) + b / x + gamma_size(a),
    ),
    Case(
        "Weibull",
        (SHAPE, RATE),
        lambda x, k, s: k * (1 + power_size(x, k, s)),
        lambda x, k, s: k * (1 + log_size(x / s)) + power_size(x, k, s) + log_size(k),
    ),
    Case(
        "BetaPrime",
        (SHAPE, twins.single([2.2, 0.6]), RATE),
        lambda x, a, b, s: 2 * a + b,
        lambda x, a, b, s: (
            a * (1 + log_size(x / s))
            + (a + b) * (1 + np.log1p(x / s))
            + sum(map(gamma_size, (a, b, a + b)))
        ),
    ),
]
CASES = {case.name: case for case in ALL}
STATES = twins.single(np.exp(generator("laws").uniform(-2.5, 2.0, (3, 4, 2))))


@crossed(name=CASES, dtype=twins.DTYPES)
def test_densities_and_scores_agree(name: str, dtype: torch.dtype) -> None:
    case = CASES[name]
    oracle, twin, x = case.oracle(), case.twin(dtype), tensor(STATES, dtype)
    scale = 1 + case.score_terms(STATES, *case.parameters)
    log_scale = (1 + np.abs(np.log(STATES)) + case.log_terms(STATES, *case.parameters)).sum(-1)
    for method in ("hyvarinen_score", "log_score"):
        found = getattr(twin, method)(x)
        assert found.dtype == dtype
        assert_twins(found, getattr(oracle, method)(STATES), scale)
    assert_twins(twin.stein_score(x), oracle.stein_score(STATES), scale / STATES)
    assert_twins(twin.logpdf(x), oracle.logpdf(STATES), log_scale)


@crossed(name=CASES, dtype=twins.DTYPES)
def test_distribution_functions_agree(name: str, dtype: torch.dtype) -> None:
    """In float64 to 1e-12 absolute; in float32 torch's incomplete gamma is good to 1e-6."""
    case = CASES[name]
    line = replace(case, parameters=tuple(p[:1] for p in case.parameters))
    x, allowed = STATES[..., :1], twins.EXACT if dtype == torch.float64 else 2e-6
    assert_twins(line.twin(dtype).cdf(tensor(x, dtype)), line.oracle().cdf(x), 1, allowed)
    with pytest.raises(ValueError, match="d = 1"):
        case.twin().cdf(tensor(STATES))


def test_the_upper_tail_of_the_beta_prime_law_keeps_its_digits() -> None:
    """1 - P(X > x) with P(X > x) of 1e-8, where x / (scale + x) is 1 to the last bit."""
    parameters, x = np.array([[1.5], [0.3], [2.0]]), np.array([[1.1420073898156842e26]])
    found = gbm.BetaPrime(*map(tensor, parameters)).cdf(tensor(x)).item()
    assert abs(found - ref.BetaPrime(*parameters).cdf(x).item()) <= 8 * 2.0**-53
    assert 1e-9 < 1 - found < 1e-7


@pytest.mark.parametrize("name", CASES)
def test_the_score_is_the_derivative_of_logpdf_and_others_are_refused(name: str) -> None:
    """x times autograd of logpdf. Planted: no x, the log score, and the other sign."""
    case = CASES[name]
    scale = 1 + case.score_terms(STATES, *case.parameters)
    x = tensor(STATES).requires_grad_()
    (gradient,) = torch.autograd.grad(case.twin().logpdf(x).sum(), x)
    right = case.twin().hyvarinen_score(tensor(STATES))
    assert_twins(right, STATES * gradient.numpy(), scale)
    for wrong in (gradient, 1 + right, -right):
        assert error_over_scale(right, wrong.numpy(), scale) > 1e6 * twins.EXACT


@pytest.mark.parametrize("name", CASES)
def test_draws_repeat_with_their_generator(name: str) -> None:
    """Their law is compared in tests/statistics."""
    law = CASES[name].twin()
    draws, again = (law.rvs(5, torch_generator("laws", name)) for _ in range(2))
    assert draws.shape == (5, 2)
    assert torch.equal(draws, again)


def test_draws_are_positive_where_float32_underflows() -> None:
    """Gamma(0.01) is below 1e-38 in two draws of five; its reciprocal overflows as often."""
    shape = torch.tensor([0.01], dtype=torch.float32)
    for law in (gbm.Gamma(shape, 1e-3), gbm.InverseGamma(shape, 1e3), gbm.Weibull(shape, 1.0)):
        draws = law.rvs(500, torch_generator("underflow"))
        assert draws.dtype == torch.float32
        assert bool(((draws > 0) & torch.isfinite(draws)).all())


def noise_case() -> list[Array]:
    """x, x0, gamma draws, beta draws and a score, (3, 2, 4, 4)."""
    rng, shape = generator("gamma noise"), (3, 2, 4, 4)
    positive = [np.exp(rng.uniform(-1, 1, shape)) for _ in range(2)]
    draws = rng.gamma(2.5, size=shape), rng.beta(2.0, 3.0, shape), rng.normal(-1, 2, shape)
    return [twins.single(values) for values in (*positive, *draws)]


LOOKS, FEWER = 3.5, 2.25


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_gamma_noise_agrees(dtype: torch.dtype) -> None:
    x, x0, gamma, beta, h = noise_case()
    for name, arguments, scale in [
        ("gamma_noise_sample", (x0, LOOKS, gamma), x0 * gamma),
        ("gamma_conditional_hyvarinen_score", (x, x0, LOOKS), LOOKS + LOOKS * x / x0 + 1),
        ("gamma_denoiser", (x, h, LOOKS), (1 + LOOKS + np.abs(h)) / (LOOKS * x)),
        ("gamma_chain_step", (x, LOOKS, FEWER, beta), 2 * x * beta),
        ("gamma_ancestral_step", (x, x0, FEWER, LOOKS, gamma), x + x0 * gamma),
    ]:
        twins.assert_agree(name, *arguments, scale=scale, dtype=dtype)


def test_the_gamma_score_is_a_derivative_and_the_chain_composes() -> None:
    """x d/dx log of the Gamma(L, L / x0) density; a chain step multiplies by beta L / L'."""
    x, x0, gamma, beta, _ = map(tensor, noise_case())
    kernel = gbm.Gamma(torch.full((2,), LOOKS, dtype=torch.float64), LOOKS / x0[0, 0, 0, :2])
    found = gbm.gamma_conditional_hyvarinen_score(x[0, 0, 0, :2], x0[0, 0, 0, :2], LOOKS)
    assert_twins(found, kernel.hyvarinen_score(x[0, 0, 0, :2]).numpy(), 1 + found.abs().numpy())
    noisy = gbm.gamma_noise_sample(x0, LOOKS, gamma)
    later = gbm.gamma_chain_step(noisy, LOOKS, FEWER, beta)
    expected = gbm.gamma_noise_sample(x0, FEWER, gamma * beta).numpy()
    assert_twins(later, expected, expected)
    assert error_over_scale(noisy * beta * FEWER / LOOKS, expected, expected) > 0.1


def test_the_marginal_of_gamma_noise_is_the_oracle_s() -> None:
    shape, scale = twins.single([2.2, 3.1]), twins.single([0.8, 1.7])
    found = gbm.gamma_marginal(gbm.InverseGamma(tensor(shape), tensor(scale)), LOOKS)
    expected = ref.gamma_marginal(ref.InverseGamma(shape, scale), LOOKS)
    for name in ("a", "b", "scale"):
        wanted = getattr(expected, name)
        assert_twins(getattr(found, name), wanted, wanted)
