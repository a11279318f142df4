"""One bad entry among good ones is seen; times near the ends are moved; dtypes are kept."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast import distributions
from tests.support.cases import PROCESS, crossed, log_linear, torch_generator
from tests.support.fixtures import Patch
from tests.support.good import COV, INF, LAW, NAN, X, refused
from tests.support.refusals import Refusal, check, table
from tests.support.tables import ALL_PROCESSES, STEPS, STEPS_2D
from tests.support.twins import tensor, twin_process

EMPTY = torch.empty(0, 2, dtype=torch.float64)
FLAT = gbm.uniform(2)


@pytest.mark.parametrize("process", ALL_PROCESSES)
def test_times_within_rounding_of_the_ends_are_moved_to_them(process: str) -> None:
    """Numbers and tensors alike, in both packages; further outside, one among good is refused."""
    twin, oracle = twin_process(ALL_PROCESSES[process]), ALL_PROCESSES[process]
    end = oracle.horizon
    for near, exact in ((-1e-13, 0.0), (end * (1 + 1e-13), end)):
        for t in (near, tensor(near), tensor([0.3, near])):
            for method in ("log_mean", "log_var", "drift", "diffusion"):
                found = getattr(twin, method)(t).reshape(-1)[-1]
                assert float(found) == float(getattr(twin, method)(exact))
        assert oracle.log_var(near) == oracle.log_var(exact)
        assert oracle.log_mean(near) == oracle.log_mean(exact)
    good = torch.full((65,), 0.3, dtype=torch.float64)
    for place in (0, 32, 64):
        for bad in (-1e-11, end * (1 + 1e-11), NAN, INF):
            times = good.clone()
            times[place] = bad
            for call in (twin.log_mean, twin.log_var, twin.drift, twin.diffusion):
                with pytest.raises(ValueError, match="t must be"):
                    call(times)
            with pytest.raises(ValueError, match="t must be"):
                twin.increments(times, 0.1)
        for bad in (-1e-6, 0.31, NAN):
            lengths = torch.full((65,), 0.1, dtype=torch.float64)
            lengths[place] = bad
            with pytest.raises(ValueError, match="step must have 0 <= dt <= t"):
                twin.increments(good, lengths)
        levels = twin.log_var(good)
        for bad in (-1e-6, 2 * float(twin.log_var(end)), NAN):
            levels = twin.log_var(good)
            levels[place] = bad
            with pytest.raises(ValueError, match="v must lie"):
                twin.time_at_log_var(levels)


MIXTURE = gbm.LogNormalMixture(tensor([0.4, 0.6]), X - 1, X[0])
MANY = 1 + torch.rand(40, 2, dtype=torch.float64, generator=torch_generator("many"))
ONE_BAD: dict[str, Callable[[Tensor], object]] = {
    "density": LAW.logpdf,
    "points": gbm.PointMasses,
    "score": lambda x: gbm.exact_score(LAW, PROCESS)(x, 0.3),
    "step": lambda x: gbm.DaleLangevin()(PROCESS, log_linear, x, 0.3, 0.1, 1.0, MANY),
    "ambient step": lambda x: gbm.SignAgnostic()(
        PROCESS, log_linear, x.abs(), 0.3, 0.1, 1.0, MANY
    ),
    "loop": lambda x: gbm.simulate(gbm.DDIM(), PROCESS, log_linear, x, FLAT),
    "sample": lambda x: PROCESS.sample(x, 0.3, MANY),
    "x0": lambda x: gbm.conditional_logpdf(MANY, x, PROCESS, 0.3),
    "likelihood": lambda x: gbm.exact_log_likelihood(x, LAW, PROCESS, LAW),
    "loss": lambda x: gbm.m_dsm(log_linear, x, 0.3, MANY, PROCESS),
    "explicit loss": lambda x: gbm.m_esm(log_linear, LAW, x, 0.3, PROCESS),
    "posterior": lambda x: gbm.posterior_log_mean(x, LAW, PROCESS, 0.3),
    "gamma": lambda x: gbm.gamma_noise_sample(MANY, 3.0, x),
    "averages": lambda x: gbm.class_averages(x, torch.arange(40)),
    "parameters": lambda x: gbm.Gamma(x[:, 0], x[:, 1]),
    "front": lambda x: distributions.ForwardKernel(PROCESS, x, 0.3),
    "rates": lambda x: gbm.PiecewiseGBM(x.flatten()),
    "spread": lambda x: gbm.Ancestral(x.flatten() * (x.flatten() != 0) - 1 * (x.flatten() == 0)),
}


@crossed(name=ONE_BAD, bad=[0.0, -0.3, NAN, INF])
def test_one_bad_entry_among_good_ones_is_seen(name: str, bad: float, monkeypatch: Patch) -> None:
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", True)
    ONE_BAD[name](MANY)
    for place in ((0, 0), (20, 1), (39, 0), (39, 1)):
        spoilt = MANY.clone()
        spoilt[place] = 0.0 if name == "ambient step" and bad == -0.3 else bad
        with pytest.raises(ValueError, match=r".*"):
            ONE_BAD[name](spoilt)


@crossed(kind={**STEPS, **STEPS_2D}, other=[torch.float64, torch.float16])
def test_a_state_keeps_its_dtype(kind: str, other: torch.dtype) -> None:
    """Draws, scores, times and factors of another precision do not change that of the state."""
    step, x = {**STEPS, **STEPS_2D}[kind][0], X.float()
    z, t = (X - 1).to(other), torch.tensor([0.3, 0.4], dtype=torch.float64)

    def score(x: Tensor, t: Tensor | float) -> Tensor:
        return log_linear(x, t).to(other)

    assert step(PROCESS, score, x, t, t / 3, t / 2, z).dtype == torch.float32
    path = gbm.simulate(step, PROCESS, score, x, FLAT, z.expand(2, 2, 2), return_path=True)
    assert {part.dtype for part in path} == {torch.float32}


WIDE = X - 0.5
KEEP_DTYPE: dict[str, Callable[[Tensor], Tensor]] = {
    "sample": lambda x: PROCESS.sample(x, 0.3, WIDE),
    "conditional": lambda x: gbm.conditional_hyvarinen_score(x, WIDE, PROCESS, 0.3),
    "density": lambda x: gbm.conditional_logpdf(x, WIDE, PROCESS, 0.3),
    "stein": lambda x: gbm.stein_from_hyvarinen(x, WIDE),
    "hyvarinen": lambda x: gbm.hyvarinen_from_stein(x, WIDE),
    "denoiser": lambda x: gbm.denoiser(x, WIDE, PROCESS, 0.3),
    "from denoiser": lambda x: gbm.hyvarinen_from_denoiser(x, WIDE, PROCESS, 0.3),
    "m_dsm": lambda x: gbm.m_dsm(lambda x, t: WIDE, x, 0.3, WIDE, PROCESS).per_sample,
    "m_esm": lambda x: gbm.m_esm(lambda x, t: WIDE, LAW, x, 0.3, PROCESS).per_sample,
    "implicit": lambda x: (
        gbm.implicit_m_esm(lambda x, t: WIDE, lambda x, t: WIDE, x, 0.3, PROCESS).per_sample
    ),
    "non-negative": lambda x: gbm.nonnegative_score_matching(WIDE, WIDE, x).per_sample,
    "langevin": lambda x: gbm.mirrored_langevin_step(x, WIDE, 0.1, WIDE),
    "descent": lambda x: gbm.gradient_step(x, WIDE, 0.1),
    "exponentiated": lambda x: gbm.exponentiated_gradient_step(x, WIDE, 0.1),
    "bregman": lambda x: gbm.bregman(gbm.ENTROPY, x, WIDE),
    "gamma": lambda x: gbm.gamma_noise_sample(x, 3.0, WIDE),
    "score of a law": lambda x: gbm.exact_score(LAW, PROCESS)(x, 0.3),
}


@pytest.mark.parametrize("name", KEEP_DTYPE)
def test_results_have_the_dtype_of_the_state(name: str) -> None:
    for dtype in (torch.float32, torch.float64):
        assert KEEP_DTYPE[name](X.to(dtype)).dtype == dtype


LINES = X[:, 0]
ROWS = {"target": LAW, "terminal": LAW}


@table(
    refused(gbm.exact_log_likelihood, ("x", LINES, "batch"), ("x", X[:, :1], "elements")),
    refused(gbm.exact_log_likelihood, ("x", torch.ones(2, 3, dtype=X.dtype), "elements")),
    refused(gbm.exact_log_likelihood, ("target", gbm.PointMasses(X, 0.1), "log-normal data")),
    refused(
        gbm.log_average_flip_probability, ("target", gbm.PointMasses(X, 0.1), "log-normal data")
    ),
    *(
        refused(make(log_linear), ("x", LINES, "batch"), ("x", X[0, 0], "batch"))
        for make in (gbm.log_score_slope, gbm.autograd_divergence)
    ),
    refused(gbm.exact_divergence(LAW, PROCESS), ("x", LINES, "batch")),
    refused(gbm.hutchinson_divergence(log_linear, X[None]), ("x", LINES, "batch")),
    refused(gbm.exact_score(LAW, PROCESS), ("x", X[0, 0], "batch")),
    refused(gbm.GBM, ("sigma", 1e200, "range of float64"), ("sigma", 1e-200, "range of float64")),
    refused(gbm.GBM, ("horizon", 1e300, "range of float64"), sigma=1e10, horizon=1.0),
    refused(gbm.VarianceExploding, ("std_max", 1e200, "range of float64")),
    refused(gbm.PiecewiseGBM, ("sigma", [0.3, 1e-200], "range of float64"), sigma=[0.3, 0.4]),
    refused(gbm.m_dsm, ("x0", EMPTY, "hold data")),
    refused(
        gbm.score_function,
        ("labels", torch.tensor([0.0, 1.0]), "integers"),
        ("labels", torch.tensor([True, False]), "real numbers"),
        model=torch.nn.Identity(), labels=torch.tensor([0, 1]),
    ),
)  # fmt: skip
@pytest.mark.usefixtures("unchecked")
def test_the_mathematics_refuses(refusal: Refusal) -> None:
    check(refusal)


def test_an_infinite_value_has_no_density(monkeypatch: Patch) -> None:
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", True)
    law = distributions.LogNormal(X[0], COV)
    laws = [law, distributions.from_target(MIXTURE), law.diffuse(PROCESS, 0.3)]
    laws += [distributions.ForwardKernel(PROCESS, X, 0.3)]
    for each in laws:
        value = torch.full((1, each.event_shape[0]), 1.3, dtype=torch.float64)
        each.log_prob(value.expand(2, -1))
        value[0, -1] = INF
        for call in (each.log_prob, each.log_score):
            with pytest.raises(ValueError, match="value must be positive and finite"):
                call(value.expand(2, -1))
