"""What programs rely on in torch.distributions: draws, shapes, supports, checks, KL, expand."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch.distributions import Distribution, kl_divergence

import gbm_fast as gbm
import gbm_fast.distributions as fast
from tests.support.cases import seed
from tests.support.twins import assert_twins, error_over_scale, tensor

PROCESS = gbm.GBM(mu=0.13, sigma=0.7)
MEANS, COVS = [[0.3, -0.2], [-0.6, 0.1]], [[[0.5, 0.2], [0.2, 0.3]], [[0.2, -0.1], [-0.1, 0.4]]]
DISTRIBUTIONS: dict[str, Callable[[bool], Distribution]] = {
    "log-normal": lambda check: gbm.LogNormal(tensor(MEANS[0]), tensor(COVS[0]), check),
    "log-normals": lambda check: gbm.LogNormal(tensor(MEANS), tensor(COVS), check),
    "mixture": lambda check: gbm.LogNormalMixture(
        tensor([0.3, 0.7]), tensor(MEANS), tensor(COVS), check
    ),
    "points": lambda check: gbm.PointMasses(tensor([[0.7, 1.3], [1.9, 0.6]]), 0.2, check),
    "kernel": lambda check: fast.ForwardKernel(
        PROCESS, tensor([[0.7, 1.3], [1.9, 0.6]]), 0.4, check
    ),
}


@pytest.fixture(autouse=True)
def seeded(request: pytest.FixtureRequest) -> Iterator[None]:
    """The global generator, which torch.distributions draws from: set by the test's name."""
    with torch.random.fork_rng():
        torch.manual_seed(seed(request.node.name))
        yield


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_shapes_supports_and_checks(name: str) -> None:
    law = DISTRIBUTIONS[name](True)
    batch = tuple(law.batch_shape)
    assert law.event_shape == (2,)
    draws = law.sample((5, 3))
    assert draws.shape == (5, 3, *batch, 2) and draws.dtype == torch.float64
    assert bool(law.support.check(draws).all())
    assert law.log_prob(draws).shape == (5, 3, *batch)
    for value in (law.mean, law.variance):
        assert value.shape == (*batch, 2)
    for method in ("log_score", "hyvarinen_score", "stein_score"):
        assert getattr(law, method)(draws).shape == draws.shape
    bad = draws.clone()
    bad[..., 0] = -1.0
    for call in (law.log_prob, law.log_score, law.hyvarinen_score, law.stein_score):
        with pytest.raises(ValueError, match="within the support"):
            call(bad)
    if name != "points":  # whose target checks in any case
        assert bool(DISTRIBUTIONS[name](False).log_prob(bad).isnan().all())


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_an_expanded_law_is_the_same_law(name: str) -> None:
    law = DISTRIBUTIONS[name](True)
    wide = law.expand((4, *law.batch_shape))
    assert type(wide) is type(law)
    assert wide.batch_shape == (4, *law.batch_shape) and wide.event_shape == law.event_shape
    x = law.sample()
    for method in ("log_prob", "hyvarinen_score"):
        one, many = getattr(law, method)(x), getattr(wide, method)(x)
        many = many.expand(4, *one.shape)
        assert_twins(many, one.expand_as(many).numpy(), 20.0)
    assert wide.sample((3,)).shape == (3, 4, *law.batch_shape, 2)
    assert_twins(wide.mean, law.mean.expand_as(wide.mean).numpy(), 20.0)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_only_smooth_laws_have_pathwise_draws(name: str) -> None:
    law = DISTRIBUTIONS[name](True)
    assert law.has_rsample == (name not in ("mixture", "points"))
    if law.has_rsample:
        state = torch.get_rng_state()
        draws = law.rsample((3,))
        torch.set_rng_state(state)
        assert torch.equal(law.sample((3,)), draws)
    else:
        with pytest.raises(NotImplementedError):
            law.rsample((3,))


def test_pathwise_derivatives_are_those_of_the_formula() -> None:
    """x = exp(a + sqrt(S) z): dx/da = x and dx/dS = x (log x - a) / (2 S), draw by draw."""
    mean, cov = tensor([0.3]).requires_grad_(), tensor([[0.4]]).requires_grad_()
    for law, a, s in (
        (gbm.LogNormal(mean, cov), mean, cov),
        (gbm.LogNormal(mean, cov).diffuse(PROCESS, 0.5), mean, cov),
    ):
        x = law.rsample()
        by_mean, by_cov = torch.autograd.grad(x.sum(), (a, s))
        deviation = (x.log() - law.log_mean) / (2 * law.log_cov[0])
        assert_twins(by_mean, x.detach().numpy(), 10.0)
        assert_twins(by_cov[0], (x * deviation).detach().numpy(), 10.0)


def test_the_kernel_draws_what_the_process_does_on_the_same_noise() -> None:
    x0 = tensor([[0.7, 1.3], [1.9, 0.6]]).requires_grad_()
    times = tensor([0.2, 0.9])
    state = torch.get_rng_state()
    x = fast.ForwardKernel(PROCESS, x0, times).rsample()
    torch.set_rng_state(state)
    z = torch.normal(torch.zeros(2, 2, dtype=torch.float64), torch.ones(2, 2, dtype=torch.float64))
    expected = PROCESS.sample(x0.detach(), times, z)
    assert_twins(x, expected.numpy(), 10 * expected.numpy())
    (gradient,) = torch.autograd.grad(x.sum(), x0)
    assert_twins(gradient, (expected / x0.detach()).numpy(), 10.0)


def test_a_distribution_function_is_for_one_dimension() -> None:
    """Draws are compared with the laws in tests/statistics."""
    for name in ("points", "log-normal"):
        with pytest.raises(ValueError, match="d = 1"):
            DISTRIBUTIONS[name](True).cdf(torch.ones(2))


def test_kl_is_that_of_the_logarithms_and_keeps_its_digits() -> None:
    laws = gbm.LogNormal(tensor(MEANS), tensor(COVS))
    other = gbm.LogNormal(tensor(MEANS[1]), tensor(COVS[1]))
    found = kl_divergence(laws, other)
    expected = kl_divergence(laws.base_dist, other.base_dist)
    assert_twins(found[:1], expected[:1].numpy(), 20.0)
    assert float(found[1]) == 0.0
    near = gbm.LogNormal(tensor(MEANS[1]), tensor(COVS[1]) * (1 + 1e-9))
    assert_twins(kl_divergence(near, other), np.float64(5e-19), 5e-19, 1e-6)
    theirs = kl_divergence(near.base_dist, other.base_dist)
    assert error_over_scale(theirs, np.float64(5e-19), 5e-19) > 1.0


class Foreign(gbm.Target):
    """A target of another kind."""

    def __init__(self) -> None: ...

    d = 1
    logpdf = cdf = rvs = diffuse = log_score_at = responsibilities = None


def test_bad_parameters_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first use of torch.compile in a process turns torch's default off.
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", True)
    with pytest.raises(ValueError, match="covariance_matrix"):
        gbm.LogNormal(tensor(MEANS[0]), -tensor(COVS[0]))
    with pytest.raises(ValueError, match="probs"):
        gbm.LogNormalMixture(tensor([0.3, -0.7]), tensor(MEANS), tensor(COVS))
    with pytest.raises(ValueError, match="points must be positive"):
        gbm.PointMasses(tensor([[0.7, -1.3]]))
    with pytest.raises(ValueError, match="diffuse first"):
        gbm.PointMasses(tensor([[0.7, 1.3]])).log_prob(tensor([0.7, 1.3]))
    with pytest.raises(ValueError, match="scale"):
        fast.ForwardKernel(PROCESS, tensor([[0.7, 1.3]]), 0.0)
    with pytest.raises(ValueError, match="x0 must be positive"):
        fast.ForwardKernel(PROCESS, tensor([[0.7, -1.3]]), 0.3)
    with pytest.raises(ValueError, match="batch"):
        fast.ForwardKernel(PROCESS, tensor([0.7, 1.3]), 0.3)
    with pytest.raises(ValueError, match="Foreign"):
        fast.from_target(Foreign())
