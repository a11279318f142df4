"""Means, variances, quantiles and marginals agree with those of the oracle; where draws come from;
a law of one's own."""

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from tests.ref.test_ref_quantiles import EXTREME, LINES, PAIRS, PLANES
from tests.support.cases import torch_generator
from tests.support.problems import DATA_SETS, states
from tests.support.refusals import Refusal, check, rows, table
from tests.support.twins import DTYPES, TOLERANCE, assert_twins, tensor, twin_target

LEVELS = np.array([0.0, 1e-9, 0.03, 0.5, 0.77, 0.999, 1.0])


def twin(law: ref.Target | ref.ProductLaw, dtype: torch.dtype = torch.float64) -> object:
    if isinstance(law, ref.Target):
        return twin_target(law, dtype)
    return getattr(gbm, type(law).__name__)(*(tensor(p, dtype) for p in vars(law).values()))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", [*LINES, *PAIRS, "data"])
def test_moments_agree(name: str, dtype: torch.dtype) -> None:
    law = {**LINES, **PAIRS, "data": DATA_SETS["points-2d"]}[name]
    ours = twin(law, dtype)
    for moment in ("mean", "var"):
        expected = getattr(law, moment)()
        found = getattr(ours, moment)()
        assert found.dtype == dtype
        # exp, Gamma and their differences magnify the rounding of the parameters.
        assert_twins(found, expected, 4.0 * (1.0 + expected), 10 * TOLERANCE[dtype])


@pytest.mark.parametrize("name", LINES)
def test_quantiles_agree(name: str) -> None:
    expected = LINES[name].ppf(LEVELS)
    found = twin(LINES[name]).ppf(tensor(LEVELS))
    ends = np.isinf(expected)
    assert torch.isinf(found).numpy().tolist() == ends.tolist()
    found, expected = found[:-1], expected[:-1]
    assert_twins(found, expected, expected + 1e-300, 1e-10)
    single = twin(LINES[name], torch.float32).ppf(0.3)
    assert single.dtype == torch.float32 and single.shape == (1,)


@pytest.mark.parametrize("name", [k for k, v in LINES.items() if isinstance(v, ref.Target)])
def test_the_lower_tail_keeps_its_digits(name: str) -> None:
    x = LINES[name].ppf([1e-30, 1e-9])
    expected = LINES[name].cdf(x)
    assert_twins(twin(LINES[name]).cdf(tensor(x)), expected, expected, 1e-12)
    if name == "log-normal-1d":
        law = gbm.distributions.LogNormal(*(tensor(p) for p in vars(LINES[name]).values()))
        assert_twins(law.cdf(tensor(x)), expected, expected, 1e-12)


@pytest.mark.parametrize("name", PLANES)
def test_marginals_agree(name: str) -> None:
    x, ours = states(2), twin(PLANES[name])
    for chosen in ([1, 0], 0, torch.tensor([1])):
        marginal = ours.marginal(chosen)
        i = np.atleast_1d(np.asarray(chosen))
        expected = PLANES[name].marginal(i.tolist()).logpdf(x[:, i])
        assert type(marginal) is type(ours)
        assert_twins(marginal.logpdf(tensor(x[:, i])), expected, 100.0)


def test_a_staircase_has_its_points_for_quantiles() -> None:
    law = DATA_SETS["points-1d"]
    assert_twins(twin(law).ppf(tensor(LEVELS)), law.ppf(LEVELS), 1.0, 0.0 + 1e-15)


def test_moments_that_do_not_exist_are_infinite() -> None:
    shapes = tensor([0.9, 1.5, 2.0])
    assert gbm.InverseGamma(shapes, 1.0).mean().isinf().tolist() == [True, False, False]
    assert gbm.InverseGamma(shapes, 1.0).var().isinf().all()
    assert gbm.BetaPrime(1.0, shapes).mean().isinf().tolist() == [True, False, False]
    assert gbm.LogNormal(tensor([0.0]), tensor(1500.0)).var().isinf().all()


def test_the_mean_has_a_gradient() -> None:
    mean = tensor([0.3, -0.2]).requires_grad_()
    gbm.LogNormal(mean, tensor([0.2, 0.4])).mean().sum().backward()
    torch.testing.assert_close(mean.grad, (mean + tensor([0.1, 0.2])).exp().detach())


@pytest.mark.parametrize("name", [*LINES, *PLANES, "data"])
def test_draws_come_from_a_generator_a_seed_or_torch(name: str) -> None:
    law = twin({**LINES, **PLANES, "data": DATA_SETS["points-2d"]}[name])
    seeded = torch_generator(name)
    seed = seeded.initial_seed() % 2**31
    first = law.rvs(3, torch.Generator().manual_seed(seed))
    torch.testing.assert_close(law.rvs(3, seed), first, rtol=0, atol=0)
    torch.testing.assert_close(law.rvs(3, np.int64(seed)), first, rtol=0, atol=0)
    state = torch.random.get_rng_state()
    default = law.rvs(3)
    torch.random.set_rng_state(state)
    torch.testing.assert_close(law.rvs(3, None), default, rtol=0, atol=0)
    assert law.rvs().shape == (1, law.d)


class Own(gbm.Target):
    """A law of one's own with only what is asked of it: exp of a logistic variable."""

    d = 1

    def diffuse(self, process: gbm.Process, t: object) -> gbm.Target:
        raise ValueError("not closed")

    def logpdf(self, x: Tensor) -> Tensor:
        return -2 * x[..., 0].log1p()

    def log_score_at(self, y: Tensor) -> Tensor:
        return 1 - 2 * torch.sigmoid(y)

    def rvs(self, size: int = 1, random_state: object = None) -> Tensor:
        return torch.ones(size, 1)


class WithCdf(Own):
    """The same with its distribution function."""

    def cdf(self, x: Tensor) -> Tensor:
        return x[..., 0] / (1 + x[..., 0])


def test_a_law_of_ones_own_needs_five_members() -> None:
    law = Own()
    torch.testing.assert_close(law.hyvarinen_score(tensor([[2.0]])), tensor([[-4 / 3]]))
    one = tensor([[2.0]])
    for call in (
        law.mean, law.var, lambda: law.cdf(one), lambda: law.ppf(0.3), lambda: law.marginal(0),
        lambda: law.responsibilities(one),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"Own has no .*: define it"):
            call()
    levels = tensor([1e-9, 0.3, 0.5, 0.999])
    torch.testing.assert_close(
        WithCdf().ppf(levels)[:, 0], levels / (1 - levels), rtol=1e-13, atol=0
    )
    assert WithCdf().ppf(tensor([0.0, 1.0])).ravel().tolist() == [0.0, torch.inf]


@table(
    *(
        rows(twin(law).ppf, {"q": 0.3}, ("q", -0.1, "q must lie in"), ("q", 1.1, "q must lie in"),
             ("q", float("nan"), "q must lie in"))
        for law in LINES.values()
    ),
    *(
        rows(twin(law).marginal, {"coordinates": 1}, ("coordinates", 2, "in 0..1"),
             ("coordinates", [], "at least one"), ("coordinates", [0, 0], "different"),
             ("coordinates", -1, "at least 0"), ("coordinates", 0.5, "integer"))
        for law in PLANES.values()
    ),
    *(
        rows(twin(law).rvs, {"size": 2, "random_state": torch_generator("refused")},
             ("random_state", True, "random_state must be"),
             ("random_state", "5", "random_state must be"), ("size", 0, "size must be"))
        for law in (*PLANES.values(), DATA_SETS["points-2d"])
    ),
)  # fmt: skip
@pytest.mark.usefixtures("unchecked")
def test_what_is_wrong_is_refused(refusal: Refusal) -> None:
    check(refusal)


@pytest.mark.parametrize("name", PLANES)
def test_a_quantile_is_for_the_line(name: str) -> None:
    with pytest.raises(ValueError, match="ppf .* for d = 1 only"):
        twin(PLANES[name]).ppf(0.3)


@pytest.mark.parametrize(("law", "variance"), EXTREME)
def test_variances_hold_where_a_naive_product_leaves_the_range(
    law: ref.Target | ref.ProductLaw, variance: float
) -> None:
    assert float(twin(law).var()) == pytest.approx(variance, rel=1e-12)  # type: ignore[attr-defined]


def test_a_quantile_far_in_the_tail_and_the_digits_of_a_weibull_variance() -> None:
    tail = twin(ref.BetaPrime([4.0], [1.5], [0.7])).ppf(tensor(np.array(1e-200)))  # type: ignore[attr-defined]
    assert float(tail) == pytest.approx(5.588855666169252e-51, rel=1e-14)
    law = ref.Weibull([5.43], [1.0])
    assert_twins(twin(law).var(), law.var(), 10.0)  # type: ignore[attr-defined]
