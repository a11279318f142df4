"""Derivatives in a covariance, in every mode of autograd and torch.func, against differences."""

import inspect
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast import distributions
from gbm_fast.targets.principal_axes import PrincipalAxes
from tests.fast.mathematics.test_gradients_of_covariances import (
    AGREE,
    AT,
    CENTRE,
    COVS,
    DIFFERENTIABLE,
    END,
    WEIGHT,
    mixture,
    symmetric,
)
from tests.support.cases import PROCESS, crossed, log_linear
from tests.support.twins import tensor

Function = Callable[[Tensor], Tensor]
TURN = tensor([[0.1, 0.2, 0.3], [0.2, 0.4, 0.5], [0.3, 0.5, 0.6]])
RATES = gbm.CoordinateGBM(tensor([0.1, 0.2, 0.3]), tensor([0.5, 0.6, 0.7]))
GRID = gbm.uniform(2)
NOISE = WEIGHT.expand(2, 2, 3)


def law(cov: Tensor) -> gbm.LogNormal:
    return gbm.LogNormal(CENTRE, cov)


def data(cov: Tensor) -> gbm.Gaussian:
    return gbm.Gaussian(CENTRE, cov)


def weighed(values: Tensor) -> Tensor:
    return (WEIGHT * values).sum()


def flow(score_law: gbm.Target, terminal: gbm.Target) -> Tensor:
    score = gbm.exact_score(score_law, PROCESS)
    divergence = gbm.exact_divergence(score_law, PROCESS)
    return gbm.log_likelihood(AT, PROCESS, score, divergence, terminal, GRID).sum()


OF_LAWS: dict[str, Callable[[gbm.LogNormal | gbm.LogNormalMixture], Tensor]] = {
    "logpdf": lambda p: p.logpdf(AT).sum(),
    "log_score": lambda p: weighed(p.log_score(AT)),
    "stein_score": lambda p: weighed(p.stein_score(AT)),
    "moments": lambda p: weighed(p.mean() * p.var()),
    "marginal cdf": lambda p: p.marginal(1).cdf(AT[:, :1]).sum(),
    "marginal": lambda p: p.marginal([2, 0]).logpdf(AT[:, 1:]).sum(),
    "diffused": lambda p: p.diffuse(PROCESS, 0.3).logpdf(AT).sum(),
    "diffused by coordinate": lambda p: p.diffuse(RATES, 0.3).logpdf(AT).sum(),
    "exact_score": lambda p: weighed(gbm.exact_score(p, PROCESS)(AT, tensor([0.3, 0.5]))),
    "exact_score by coordinate": lambda p: weighed(gbm.exact_score(p, RATES)(AT, 0.3)),
    "log_score_divergence": lambda p: gbm.log_score_divergence(AT, p).sum(),
    "exact_divergence": lambda p: gbm.exact_divergence(p, RATES)(AT, 0.3).sum(),
    "posterior_log_mean": lambda p: weighed(gbm.posterior_log_mean(AT, p, PROCESS, 0.3)),
    "posterior_log_cov": lambda p: gbm.posterior_log_cov(AT, p, PROCESS, 0.3).square().sum(),
    "log_posterior_moment": lambda p: gbm.log_posterior_moment(AT, p, PROCESS, 0.3).sum(),
    "posterior_weights": lambda p: gbm.posterior_weights(AT, p, PROCESS, 0.3)[:, 0].sum(),
    "posterior_law": lambda p: gbm.posterior_law(AT[0], p, PROCESS, 0.3).logpdf(AT).sum(),
    "log_moments": lambda p: gbm.log_moments(p).cov.square().sum(),
    "two_time_law": lambda p: (
        gbm.two_time_law(p, PROCESS, 0.2, 0.3).logpdf(torch.cat([AT, AT], dim=-1)).sum()
    ),
    "log_likelihood": lambda p: flow(p, END) + flow(END, p),
    "m_esm": lambda p: gbm.m_esm(log_linear, p, AT, 0.3, PROCESS).loss,
    "simulate": lambda p: weighed(
        gbm.simulate(gbm.DaleLangevin(), PROCESS, gbm.exact_score(p, PROCESS), AT, GRID, NOISE)
    ),
    "probability flow": lambda p: weighed(
        gbm.simulate(gbm.ProbabilityFlow(), PROCESS, gbm.exact_score(p, PROCESS), AT, GRID, NOISE)
    ),
    "from_target": lambda p: distributions.from_target(p).log_prob(AT).sum(),
}
OTHERS: dict[str, Function] = {
    "exact_log_likelihood": lambda c: gbm.exact_log_likelihood(AT, law(c), PROCESS, END).sum(),
    "exact_log_likelihood at t_min": lambda c: gbm.exact_log_likelihood(
        AT, law(c), PROCESS, law(c).diffuse(PROCESS, 1.0), 0.3
    ).sum(),
    "exact_log_likelihood by coordinate": lambda c: gbm.exact_log_likelihood(
        AT, law(c), gbm.CoordinateGBM(tensor([0.1, 0.2, 0.3]), tensor(0.6)), END
    ).sum(),
    "kl_divergence of p": lambda c: gbm.kl_divergence(data(c), data(END.log_cov)),
    "kl_divergence of q": lambda c: gbm.kl_divergence(data(END.log_cov), data(c)),
    "from_class_averages": lambda c: gbm.from_class_averages(mixture(c), PROCESS).logpdf(AT).sum(),
    "terminal_gaussian": lambda c: gbm.terminal_gaussian(data(c), PROCESS).cov.square().sum(),
    "best_start": lambda c: gbm.best_start(data(c), PROCESS).cost,
    "fitted_lognormal": lambda c: gbm.fitted_lognormal(data(c), PROCESS).log_cov.square().sum(),
}
FUNCTIONS: dict[str, Function] = {
    **{f"{name} of one": lambda c, f=f: f(law(c)) for name, f in OF_LAWS.items()},
    **{f"{name} of two": lambda c, f=f: f(mixture(c)) for name, f in OF_LAWS.items()},
    **OTHERS,
    **DIFFERENTIABLE,
    **{name: ours for name, (ours, _) in AGREE.items()},
}


def slope(function: Function, base: Tensor, step: float = 1e-4) -> float:
    """Along TURN, by differences of fourth order."""
    near, far = (
        float((function(base + k * step * TURN) - function(base - k * step * TURN)).detach())
        for k in (1, 2)
    )
    return (8 * near - far) / (12 * step)


def backwards(function: Function, base: Tensor) -> Tensor:
    given = base.clone().requires_grad_()
    (found,) = torch.autograd.grad(function(given), given)
    return (symmetric(found) * TURN).sum()


MODES: dict[str, Callable[[Function, Tensor], Tensor]] = {
    "autograd": backwards,
    "jvp": lambda f, base: torch.func.jvp(f, (base,), (TURN,))[1],
    "grad": lambda f, base: (symmetric(torch.func.grad(f)(base)) * TURN).sum(),
    "jacrev": lambda f, base: (symmetric(torch.func.jacrev(f)(base)) * TURN).sum(),
    "jacfwd": lambda f, base: (symmetric(torch.func.jacfwd(f)(base)) * TURN).sum(),
}


@crossed(name=FUNCTIONS, cov=COVS)
def test_derivatives_in_every_mode_are_the_slopes(name: str, cov: str) -> None:
    function, base = FUNCTIONS[name], COVS[cov]
    wanted = slope(function, base)
    found = {mode: float(derivative(function, base)) for mode, derivative in MODES.items()}
    assert found == pytest.approx(dict.fromkeys(MODES, wanted), rel=1e-7, abs=1e-7)


TWICE: dict[str, Callable[[Function], Callable[[Tensor], Tensor]]] = {
    "forwards over backwards": torch.func.hessian,
    "backwards twice": lambda f: torch.func.jacrev(torch.func.jacrev(f)),
    "forwards twice": lambda f: torch.func.jacfwd(torch.func.jacfwd(f)),
    "autograd": lambda f: lambda base: torch.autograd.functional.hessian(f, base),
}


@crossed(
    name=["exact_log_likelihood", "kl_divergence of p", "kl_divergence of q", "best_start",
          "logpdf of one", "log_score_divergence of two", "posterior_log_cov of two"],
    cov=COVS,
)  # fmt: skip
def test_second_derivatives_are_the_curvatures(name: str, cov: str) -> None:
    function, base = FUNCTIONS[name], COVS[cov]
    wanted = slope(lambda c: backwards(function, c), base)
    for taken in TWICE.values():
        matrix = taken(function)(base)
        found = float(torch.einsum("ijkl,ij,kl->", matrix, TURN, TURN))
        assert found == pytest.approx(wanted, rel=1e-7, abs=1e-7)


INSIDE: dict[str, Function] = {
    "density": lambda c: torch.func.jvp(mixture(c).logpdf, (AT,), (WEIGHT,))[1].sum(),
    "law made inside": lambda c: weighed(
        torch.func.vmap(torch.func.grad(lambda x: law(c).logpdf(x)))(AT)
    ),
    "score": lambda c: torch.func.jvp(mixture(c).log_score, (AT,), (WEIGHT,))[1].sum(),
    "divergence": lambda c: torch.func.jvp(
        lambda mean: gbm.kl_divergence(gbm.Gaussian(mean, c), data(END.log_cov)),
        (-CENTRE,), (WEIGHT[0],),
    )[1],
    "likelihood": lambda c: weighed(
        torch.func.grad(lambda x: gbm.exact_log_likelihood(x, law(c), PROCESS, END).sum())(AT)
    ),
}  # fmt: skip


@crossed(name=INSIDE, cov=COVS)
def test_a_derivative_in_x_is_differentiated_in_the_covariance(name: str, cov: str) -> None:
    function, base = INSIDE[name], COVS[cov]
    wanted = slope(function, base)
    for mode in ("jvp", "grad", "jacfwd"):
        found = float(MODES[mode](function, base))
        assert found == pytest.approx(wanted, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("name", ["logpdf of two", "posterior_log_cov of two", "likelihood"])
def test_a_batch_of_covariances_is_served(name: str) -> None:
    covs = torch.stack(list(COVS.values()))
    wanted = torch.stack([FUNCTIONS[name](cov) for cov in covs])
    found = torch.func.vmap(FUNCTIONS[name])(covs)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_roots_of_draws_have_the_law_s_derivative_in_every_mode() -> None:
    """Of R with R R^T = S, the slope of R R^T is that of S, whichever root R is."""

    def spread(cov: Tensor) -> Tensor:
        root = PrincipalAxes.of(cov[None]).roots(cov)[0]
        return (root @ root.mT * AT[0]).sum()

    wanted = float((TURN * AT[0]).sum())
    for cov in COVS.values():
        found = {mode: float(derivative(spread, cov)) for mode, derivative in MODES.items()}
        assert found == pytest.approx(dict.fromkeys(MODES, wanted), rel=1e-12)


def test_scores_by_autograd_are_refused_inside_torch_func() -> None:
    def traced(cov: Tensor) -> Tensor:
        score = gbm.exact_score(law(cov), PROCESS)
        return gbm.autograd_divergence(score, create_graph=True)(AT, 0.3).sum()

    def front(cov: Tensor) -> Tensor:
        found = distributions.hyvarinen_score(distributions.LogNormal(CENTRE, cov), AT, True)
        return found.sum()

    cov = COVS["generic"]
    for function in (traced, front):
        assert float(backwards(function, cov)) == pytest.approx(slope(function, cov), rel=1e-7)
        for mode in ("jvp", "grad", "jacrev", "jacfwd"):
            with pytest.raises(ValueError, match="torch.func does not let in: use a closed form"):
                MODES[mode](function, cov)


# Functions of a law, or of a covariance, without a row above, with the reason.
WITHOUT_ROW = {
    "PricedStart": "holds what best_start returns",
    "LawBatches": "draws, which rvs has",
    "Run": "a trained model, with its law",
    "law_distances": "distances of draws, in NumPy",
    "train_run": "trains on draws",
}
NAMED = {"terminal_mismatch": "mismatch", "log_average_flip_probability": "flips"}


def test_every_function_of_a_covariance_has_a_row() -> None:
    rows = " ".join(FUNCTIONS)
    found = {name for name in gbm.__all__ if _takes_a_law(getattr(gbm, name))}
    assert {name for name in found if NAMED.get(name, name) not in rows} == set(WITHOUT_ROW)
    assert len(found) > 20


def _takes_a_law(thing: object) -> bool:
    if not inspect.isfunction(thing) and not inspect.isclass(thing):
        return False
    try:
        parameters = inspect.signature(thing).parameters.values()
    except ValueError:
        return False
    return any(re.search("Target|LogNormal|Gaussian", str(p.annotation)) for p in parameters)
