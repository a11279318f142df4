"""The torch.distributions front: its numbers by the targets, torch, SciPy and quadrature, and what
programs rely on in torch.distributions."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Distribution, Gamma, Independent, Weibull, kl_divergence
from torch.distributions import LogNormal as TorchLogNormal

import gbm_fast as gbm
import gbm_fast.distributions as fast
import gbm_ref as ref
from tests.support import cases, twins
from tests.support.cases import PROCESS, Array, Event, Problem, crossed, generator, seed, states
from tests.support.quadrature import gauss_hermite
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

WEIGHTS = [0.2, 0.5, 0.3]
MEANS = [[0.3, -0.2], [-0.6, 0.1], [0.2, 0.9]]
COVS = [[[0.5, 0.2], [0.2, 0.3]], [[0.2, -0.1], [-0.1, 0.4]], [[0.3, 0.0], [0.0, 0.6]]]
TWO = [[0.7, 1.3], [1.9, 0.6]]


def batch_of_laws(check: bool | None = None) -> fast.LogNormal:
    return fast.LogNormal(tensor(MEANS), tensor(COVS), check)


def mixture(check: bool | None = None) -> fast.LogNormalMixture:
    return fast.LogNormalMixture(tensor(WEIGHTS), tensor(MEANS), tensor(COVS), check)


DISTRIBUTIONS: dict[str, Callable[[bool], Distribution]] = {
    "log-normal": lambda check: fast.LogNormal(tensor(MEANS[0]), tensor(COVS[0]), check),
    "log-normals": batch_of_laws,
    "mixture": mixture,
    "points": lambda check: fast.PointMasses(tensor(TWO), 0.2, check),
    "kernel": lambda check: fast.ForwardKernel(PROCESS, tensor(TWO), 0.4, check),
}
SCORES = ("log_score", "hyvarinen_score", "stein_score")
# Of a distribution, and of a target.
METHODS = {"log_prob": "logpdf", **{name: name for name in SCORES}}


@crossed(problem=cases.PROBLEMS, dtype=twins.DTYPES)
def test_distributions_are_the_targets(problem: Problem, dtype: torch.dtype) -> None:
    """The density and the three scores of each law at t, diffused as a target and as a
    distribution; the log score of the density without its Jacobian is refused."""
    t, process = 0.4 * problem.process.horizon, twin_process(problem.process)
    x = twins.single(states(problem, t, size=3))
    diffused = problem.target.diffuse(problem.process, t)
    score_scale, logpdf_scale = twins.target_scales(diffused, x)
    scales = (logpdf_scale, score_scale, score_scale, score_scale / x)
    law, value = twin_target(problem.target, dtype), tensor(x, dtype)
    as_target = fast.from_target(law.diffuse(process, t))
    for found in (as_target, fast.from_target(law).diffuse(process, t)):
        assert found.batch_shape == () and found.event_shape == (law.d,)
        assert found.log_prob(value).dtype == dtype
        for (method, theirs), scale in zip(METHODS.items(), scales, strict=True):
            assert_twins(getattr(found, method)(value), getattr(diffused, theirs)(x), scale)
    without = found.log_prob(value) + value.log().sum(-1)
    assert error_over_scale(without, diffused.logpdf(x), logpdf_scale) > 1e4 * 2.0**-24


def test_one_dimension_is_torch_s_and_scipy_s() -> None:
    a, v = [[0.3], [-0.7]], [[[0.21]], [[0.8]]]
    law = fast.LogNormal(tensor(a), tensor(v))
    std = np.sqrt(np.squeeze(v))
    theirs = Independent(TorchLogNormal(tensor(a), tensor(std)[:, None]), 1)
    scipy_law = stats.lognorm(s=std, scale=np.exp(np.squeeze(a)))
    x = np.array([0.3, 1.1])
    value = tensor(x)[:, None]
    for found, expected in (
        (law.log_prob(value), scipy_law.logpdf(x)),
        (law.log_prob(value), theirs.log_prob(value)),
        (law.cdf(value), scipy_law.cdf(x)),
        (law.mean[:, 0], scipy_law.mean()),
        (law.variance[:, 0], scipy_law.var()),
        (law.entropy(), scipy_law.entropy()),
        (law.entropy(), theirs.entropy()),
        (law.mode, theirs.mode),
        (law.covariance_matrix[:, 0, 0], scipy_law.var()),
    ):
        assert_twins(found, np.asarray(expected), 10.0)
    assert error_over_scale(law.mean[:, 0], np.exp(np.squeeze(a)), 10.0) > 1e-3


def moments(points: Array, weights: Array) -> tuple[Array, Array]:
    mean = weights @ points
    return mean, (weights[:, None] * (points - mean)).T @ (points - mean)


def test_moments_and_mode_are_those_of_the_density() -> None:
    """By Gauss-Hermite quadrature with 24 nodes an axis; the mode by the gradient of log_prob."""
    z, w = gauss_hermite(2, nodes=24)
    laws, mixed = batch_of_laws(), mixture()
    roots = np.linalg.cholesky(np.array(COVS))
    each = [np.exp(np.array(a) + z @ root.T) for a, root in zip(MEANS, roots, strict=True)]
    for j, points in enumerate(each):
        mean, cov = moments(points, w)
        assert_twins(laws.mean[j], mean, 10.0)
        assert_twins(laws.covariance_matrix[j], cov, 10.0)
        assert_twins(laws.variance[j], np.diag(cov), 10.0)
    mean, cov = moments(np.concatenate(each), np.concatenate([r * w for r in WEIGHTS]))
    assert_twins(mixed.mean, mean, 10.0)
    assert_twins(mixed.variance, np.diag(cov), 10.0)
    assert float(laws.hyvarinen_score(laws.mode).abs().max()) < 1e-14
    points = fast.PointMasses(tensor(TWO), 0.2)
    blurred = [np.array(point) * np.exp(np.sqrt(0.2) * z) for point in TWO]
    mean, cov = moments(np.concatenate(blurred), np.concatenate([w / 2, w / 2]))
    assert_twins(points.mean, mean, 10.0)
    assert_twins(points.variance, np.diag(cov), 10.0)


@pytest.mark.parametrize("make", [batch_of_laws, mixture])
def test_the_law_of_a_time_for_each_of_a_batch(make: Callable) -> None:
    """One time for each law, against a target diffused to each time."""
    law, times = make(), tensor([0.1, 0.4, 0.9])
    x = tensor(generator("batch").uniform(0.5, 2, (3, 2)))
    later = law.diffuse(PROCESS, times)
    assert later.batch_shape == (3,)
    for i, t in enumerate(times.tolist()):
        alone = law.diffuse(PROCESS, t)
        first = alone.log_prob(x[i]), alone.log_score(x[i])
        if isinstance(law, fast.LogNormal):
            one = gbm.LogNormal(law.log_mean[i], law.log_cov[i]).diffuse(PROCESS, t)
            first = one.logpdf(x[i]), one.log_score(x[i])
        assert_twins(later.log_prob(x)[i], first[0].numpy(), 20.0)
        assert_twins(later.log_score(x)[i], first[1].numpy(), 20.0)


@crossed(dtype=twins.DTYPES, event=[(1,), (3,), (2, 4, 4)])
def test_the_kernel_is_that_of_the_process(event: Event, dtype: torch.dtype) -> None:
    x0, x = twins.single(np.exp(generator("kernel", str(event)).uniform(-1, 1, (2, 3, *event))))
    times = np.array([0.05, 0.4, 1.0])
    kernel = fast.ForwardKernel(PROCESS, tensor(x0, dtype), tensor(times))
    assert kernel.batch_shape == (3,) and kernel.event_shape == event
    value = tensor(x, dtype)
    levels = PROCESS.log_mean(tensor(times)), PROCESS.log_var(tensor(times))
    m, v = (level.reshape(-1, *[1] * len(event)).numpy() for level in levels)
    scale = 1 + (1 + np.abs(np.log(x)) + np.abs(np.log(x0)) + np.abs(m)) / v
    density_scale = (scale * (1 + np.abs(np.log(x) - np.log(x0) - m))).reshape(3, -1).sum(-1)
    at = (tensor(x), tensor(x0), PROCESS, tensor(times))
    assert_twins(kernel.log_prob(value), gbm.conditional_logpdf(*at).numpy(), density_scale)
    target = gbm.conditional_hyvarinen_score(*at).numpy()
    assert_twins(kernel.hyvarinen_score(value), target, scale)
    mean = x0 * np.exp(m + v / 2)
    assert_twins(kernel.mean, mean, 4 * mean)
    assert_twins(kernel.variance, mean**2 * np.expm1(v), 8 * mean**2 * np.exp(v))
    single_time = fast.ForwardKernel(PROCESS, tensor(x0, dtype), 0.4)
    assert_twins(single_time.hyvarinen_score(value)[1], target[1], scale[1])


def test_scores_of_other_distributions_by_autograd() -> None:
    """torch's Gamma and Weibull against gbm_ref's formulas; refused: the gradient without x."""
    shape, rate = np.array([0.7, 3.3]), np.array([1.9, 0.4])
    x = np.exp(generator("autograd").uniform(-2, 1.5, (5, 2)))
    cases = [
        (Gamma(tensor(shape), tensor(rate)), ref.Gamma(shape, rate)),
        (Weibull(tensor(rate), tensor(shape)), ref.Weibull(shape, rate)),
    ]
    for law, oracle in cases:
        with torch.no_grad():
            found = fast.hyvarinen_score(law, tensor(x))
        scale = 100 * (1 + x)
        assert_twins(found, oracle.hyvarinen_score(x), scale)
        assert error_over_scale(found, oracle.stein_score(x), scale) > 1e6 * twins.EXACT
    y = tensor(x).requires_grad_()
    again = fast.hyvarinen_score(cases[0][0], y, create_graph=True)
    (slope,) = torch.autograd.grad(again.sum(), y)
    assert_twins(slope, np.broadcast_to(-rate, x.shape), 10.0)


def test_the_derivative_in_the_mean_is_minus_the_log_score() -> None:
    law, x = batch_of_laws(), tensor(generator("fit").uniform(0.5, 2, (3, 2)))
    mean = tensor(MEANS).requires_grad_()
    (gradient,) = torch.autograd.grad(fast.LogNormal(mean, tensor(COVS)).log_prob(x).sum(), mean)
    assert_twins(gradient, -law.log_score(x).numpy(), 20.0)


def test_a_kernel_is_the_law_of_one_point() -> None:
    x0, x = tensor([[0.7, 1.3]]), tensor([[1.1, 0.4]])
    kernel = fast.ForwardKernel(PROCESS, x0, 0.4)
    law = fast.PointMasses(x0).diffuse(PROCESS, 0.4)
    process = ref.GBM(mu=0.13, sigma=0.7)
    scale = float(twins.conditional_scale(process, x.numpy(), x0.numpy(), 0.4).max())
    for method in ("log_prob", "hyvarinen_score"):
        assert_twins(getattr(law, method)(x), getattr(kernel, method)(x).numpy(), 10 * scale)
    assert_twins(law.mean, kernel.mean[0].numpy(), 10.0)
    assert_twins(law.variance, kernel.variance[0].numpy(), 10.0)


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
    bad = draws.clone()
    bad[..., 0] = -1.0
    assert all(getattr(law, method)(draws).shape == draws.shape for method in SCORES)
    for method in METHODS:
        with pytest.raises(ValueError, match="within the support"):
            getattr(law, method)(bad)
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
    if not law.has_rsample:
        with pytest.raises(NotImplementedError):
            law.rsample((3,))
        return
    state = torch.get_rng_state()
    draws = law.rsample((3,))
    torch.set_rng_state(state)
    assert torch.equal(law.sample((3,)), draws)


def test_pathwise_derivatives_are_those_of_the_formula() -> None:
    """x = exp(a + sqrt(S) z): dx/da = x and dx/dS = x (log x - a) / (2 S), draw by draw."""
    mean, cov = tensor([0.3]).requires_grad_(), tensor([[0.4]]).requires_grad_()
    start = fast.LogNormal(mean, cov)
    for law in (start, start.diffuse(PROCESS, 0.5)):
        x = law.rsample()
        by_mean, by_cov = torch.autograd.grad(x.sum(), (mean, cov))
        deviation = (x.log() - law.log_mean) / (2 * law.log_cov[0])
        assert_twins(by_mean, x.detach().numpy(), 10.0)
        assert_twins(by_cov[0], (x * deviation).detach().numpy(), 10.0)


def test_the_kernel_draws_what_the_process_does_on_the_same_noise() -> None:
    x0, times = tensor(TWO).requires_grad_(), tensor([0.2, 0.9])
    state = torch.get_rng_state()
    x = fast.ForwardKernel(PROCESS, x0, times).rsample()
    torch.set_rng_state(state)
    zeros = torch.zeros(2, 2, dtype=torch.float64)
    expected = PROCESS.sample(x0.detach(), times, torch.normal(zeros, zeros + 1))
    assert_twins(x, expected.numpy(), 10 * expected.numpy())
    (gradient,) = torch.autograd.grad(x.sum(), x0)
    assert_twins(gradient, (expected / x0.detach()).numpy(), 10.0)


@pytest.mark.parametrize("name", ["points", "log-normal"])
def test_a_distribution_function_is_for_one_dimension(name: str) -> None:
    """Draws are compared with the laws in tests/statistics."""
    with pytest.raises(ValueError, match="d = 1"):
        DISTRIBUTIONS[name](True).cdf(torch.ones(2))


def test_kl_is_that_of_the_logarithms_and_keeps_its_digits() -> None:
    laws = batch_of_laws()
    other = fast.LogNormal(tensor(MEANS[1]), tensor(COVS[1]))
    found = kl_divergence(laws, other)
    assert_twins(found[:1], kl_divergence(laws.base_dist, other.base_dist)[:1].numpy(), 20.0)
    assert float(found[1]) == 0.0
    near = fast.LogNormal(tensor(MEANS[1]), tensor(COVS[1]) * (1 + 1e-9))
    assert_twins(kl_divergence(near, other), np.float64(5e-19), 5e-19, 1e-6)
    theirs = kl_divergence(near.base_dist, other.base_dist)
    assert error_over_scale(theirs, np.float64(5e-19), 5e-19) > 1.0
