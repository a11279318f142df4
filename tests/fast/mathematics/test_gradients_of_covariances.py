"""Derivatives with respect to covariances, at equal eigenvalues as well."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast import distributions
from tests.support.cases import PROCESS, crossed, torch_generator
from tests.support.twins import tensor

# Covariances whose eigenvalues are equal, all or in part, and others.
COVS = {
    "isotropic": 0.3 * torch.eye(3, dtype=torch.float64),
    "two equal": torch.diag(tensor([0.3, 0.3, 0.7])),
    "generic": tensor([[0.5, 0.2, 0.1], [0.2, 0.3, -0.1], [0.1, -0.1, 0.9]]),
}
AT = tensor([[1.2, 0.7, 1.9], [0.6, 1.4, 0.8]])
CENTRE = tensor([0.3, -0.2, 0.1])
PAIR = tensor([0.4, 0.6])


def symmetric(gradient: Tensor) -> Tensor:
    """The derivative along symmetric matrices, the only ones that are covariances."""
    return (gradient + gradient.mT) / 2


def gradient(function: Callable[[Tensor], Tensor], cov: Tensor) -> Tensor:
    given = cov.clone().requires_grad_()
    (found,) = torch.autograd.grad(function(given), given)
    return symmetric(found)


def mixture(cov: Tensor) -> gbm.LogNormalMixture:
    return gbm.LogNormalMixture(PAIR, torch.stack([CENTRE, -CENTRE]), torch.stack([cov, 2 * cov]))


def front(cov: Tensor) -> distributions.LogNormal:
    return distributions.LogNormal(CENTRE, cov)


def front_mixture(cov: Tensor) -> distributions.LogNormalMixture:
    means = torch.stack([CENTRE, -CENTRE])
    return distributions.LogNormalMixture(PAIR, means, torch.stack([cov, 2 * cov]))


WEIGHT = tensor([[0.7, -1.1, 0.4], [0.2, 0.9, -1.3]])
AGREE: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "density": (
        lambda c: gbm.LogNormal(CENTRE, c).logpdf(AT).sum(),
        lambda c: front(c).log_prob(AT).sum(),
    ),
    "score": (
        lambda c: (WEIGHT * gbm.LogNormal(CENTRE, c).log_score(AT)).sum(),
        lambda c: (WEIGHT * front(c).log_score(AT)).sum(),
    ),
    "density of a mixture": (
        lambda c: mixture(c).logpdf(AT).sum(),
        lambda c: front_mixture(c).log_prob(AT).sum(),
    ),
    "score of a mixture": (
        lambda c: (WEIGHT * mixture(c).log_score(AT)).sum(),
        lambda c: (WEIGHT * front_mixture(c).log_score(AT)).sum(),
    ),
    "diffused": (
        lambda c: (WEIGHT * mixture(c).diffuse(PROCESS, 0.3).log_score(AT)).sum(),
        lambda c: (WEIGHT * front_mixture(c).diffuse(PROCESS, 0.3).log_score(AT)).sum(),
    ),
    "exact score": (
        lambda c: (WEIGHT * gbm.exact_score(mixture(c), PROCESS)(AT, tensor([0.3, 0.5]))).sum(),
        lambda c: sum(
            (w * front_mixture(c).diffuse(PROCESS, t).hyvarinen_score(x)).sum()
            for w, x, t in zip(WEIGHT, AT, (0.3, 0.5), strict=True)
        ),
    ),
    "divergence": (
        lambda c: gbm.kl_divergence(gbm.Gaussian(CENTRE, 2 * c), gbm.Gaussian(-CENTRE, c @ c)),
        lambda c: torch.distributions.kl_divergence(
            *(
                torch.distributions.MultivariateNormal(mean, cov)
                for mean, cov in ((CENTRE, 2 * c), (-CENTRE, c @ c))
            )
        ),
    ),
    "moments": (lambda c: gbm.log_moments(mixture(c)).cov.square().sum(), lambda c: moments(c)),
}


def moments(cov: Tensor) -> Tensor:
    mean = (PAIR[0] - PAIR[1]) * CENTRE
    gaps = torch.stack([CENTRE - mean, -CENTRE - mean])
    whole = 1.6 * cov + (PAIR[:, None] * gaps).mT @ gaps
    return whole.square().sum()


@crossed(name=AGREE, cov=COVS)
def test_gradients_of_covariances_are_those_of_the_distributions(name: str, cov: str) -> None:
    ours, theirs = (gradient(function, COVS[cov]) for function in AGREE[name])
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


# What has no counterpart there: against central differences.
DIFFERENTIABLE: dict[str, Callable[[Tensor], Tensor]] = {
    "divergence of the score": lambda c: gbm.log_score_divergence(AT, mixture(c)).sum(),
    "posterior mean": lambda c: (
        WEIGHT * gbm.posterior_log_mean(AT, mixture(c), PROCESS, 0.3)
    ).sum(),
    "posterior cov": lambda c: gbm.posterior_log_cov(AT, mixture(c), PROCESS, 0.3).square().sum(),
    "posterior moment": lambda c: gbm.log_posterior_moment(AT, mixture(c), PROCESS, 0.3).sum(),
    "responsibilities": lambda c: mixture(c).responsibilities(AT)[:, 0].sum(),
    "likelihood": lambda c: gbm.exact_log_likelihood(
        AT, gbm.LogNormal(CENTRE, c), PROCESS, END
    ).sum(),
    "flips": lambda c: gbm.log_average_flip_probability(
        gbm.LogNormal(CENTRE, c), PROCESS, 0.3, 0.1
    ).sum(),
    "mismatch": lambda c: gbm.terminal_mismatch(
        gbm.LogNormal(CENTRE, c + 0.4), gbm.Gaussian(-CENTRE, c), PROCESS
    ),
}
END = gbm.LogNormal(-CENTRE, tensor([0.9, 1.1, 1.3]))


@crossed(name=DIFFERENTIABLE, cov=COVS)
def test_gradients_of_covariances_are_the_slopes(name: str, cov: str) -> None:
    function, base, step = DIFFERENTIABLE[name], COVS[cov], 1e-5
    found = gradient(function, base)
    for i, j in ((0, 0), (0, 1), (1, 2)):
        turn = torch.zeros(3, 3, dtype=torch.float64)
        turn[i, j] = turn[j, i] = step
        slope = float(function(base + turn) - function(base - turn)) / (2 * step)
        assert float((found * turn).sum() / step) == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_values_are_the_same_with_gradients() -> None:
    cov = COVS["two equal"]
    for functions in (DIFFERENTIABLE, {name: pair[0] for name, pair in AGREE.items()}):
        for function in functions.values():
            value, plain = function(cov.clone().requires_grad_()), function(cov)
            torch.testing.assert_close(value.detach(), plain, rtol=1e-12, atol=1e-12)


def test_draws_have_the_law_s_derivative() -> None:
    """d/dS of R z with R R^T = S: the covariance of the draws, R R^T, has the slope 1."""
    cov = COVS["isotropic"].clone().requires_grad_()
    law = gbm.LogNormal(CENTRE, cov)
    root = law.principal_axes.roots(cov)[0]
    (found,) = torch.autograd.grad((root @ root.mT)[0, 1], cov)
    torch.testing.assert_close(symmetric(found)[0, 1], tensor(0.5), rtol=1e-12, atol=1e-12)
    plain = gbm.LogNormal(CENTRE, cov.detach()).rvs(4, torch_generator("draws"))
    torch.testing.assert_close(
        law.rvs(4, torch_generator("draws")).detach(), plain, rtol=0, atol=0
    )


def test_hessians_of_covariances_are_right() -> None:
    hessians = [
        torch.autograd.functional.hessian(function, COVS["isotropic"])
        for function in AGREE["density"]
    ]
    torch.testing.assert_close(*(h + h.transpose(0, 1) for h in hessians), rtol=1e-9, atol=1e-9)
