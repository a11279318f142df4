"""The caller's state decides nothing: default dtype and device, autocast, inference mode, no_grad.

Every call is made plainly and under each state, with what it needs made outside and inside it: the
same bits, in the same dtype, on the same device."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

import gbm_fast as gbm
from gbm_fast import distributions
from gbm_fast.process import Time
from tests.support import traced_laws
from tests.support.cases import PROCESS, crossed, torch_generator
from tests.support.tables import ALL_PROCESSES, GRIDS, STEPS, STEPS_2D
from tests.support.traced_laws import CALLS, make_laws
from tests.support.twins import twin_process


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


State = Callable[[], AbstractContextManager]
STATES: dict[str, State] = {
    "float64": lambda: default_dtype(torch.float64),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "meta": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference": torch.inference_mode,
    "no gradients": torch.no_grad,
}
MADE_OUTSIDE = [twin_process(process) for process in ALL_PROCESSES.values()]
VALUES = [[1.2, 0.7], [0.6, 1.9], [1.1, 1.53]]
T = 0.4


def state(dtype: torch.dtype) -> Tensor:
    return torch.tensor(VALUES, dtype=dtype, device="cpu")


class Affine(nn.Module):
    """A network that autocast does not reach: what is rounded round it is our doing."""

    def forward(self, inputs: Tensor, condition: Tensor) -> Tensor:
        return 0.3 * inputs.sin() + condition[:, None]


def scores(x: Tensor) -> dict[str, gbm.ScoreFunction]:
    made = make_laws(x)
    model = gbm.ScoreModel(Affine(), gbm.Denoiser(0.1, 0.3), 0.1, 0.3)
    return {
        "log-normal": gbm.exact_score(made.lognormal, PROCESS),
        "mixture": gbm.exact_score(made.mixture, PROCESS),
        "points": gbm.exact_score(made.points, PROCESS),
        "learned": gbm.score_function(model, PROCESS),
    }


def loops(x: Tensor) -> list[Tensor]:
    """Every step in the loop, each with one of the scores, and once with all."""
    steps = [step for step, _ in (*STEPS.values(), *STEPS_2D.values())]
    steps += [gbm.Ancestral(0.23), gbm.MarginalPreserving(0.7)]
    z, grid, each = 0.3 * torch.stack([x, -x]), gbm.uniform(2), list(scores(x).values())
    found = [
        gbm.simulate(step, PROCESS, each[i % len(each)], x, grid, z)
        for i, step in enumerate(steps)
    ]
    return found + [gbm.simulate(steps[3], PROCESS, score, x, grid, z) for score in each]


def schedules(x: Tensor) -> list[Tensor]:
    """Schedules of processes, of numbers and tensors, and grids."""
    found: list[Tensor] = []
    made_here = gbm.PiecewiseGBM([0.3, 0.4]), gbm.GBM(sigma=0.7), gbm.VarianceExploding(0.02, 3.0)
    for process in (*MADE_OUTSIDE, *made_here):
        for t in (0.3, x[:, 0].double() / 3):
            found += [process.drift(t), process.log_mean(t), process.log_var(t)]
            found += [*process.increments(t, 0.1), process.time_at_log_var(process.log_var(t))]
        found.append(process.sample(x, 0.3, x))
        found.append(torch.from_numpy(np.array(gbm.geometric(process, 2, 0.05, 0.3))))
    found += [torch.from_numpy(np.array(make(gbm, PROCESS))) for make in list(GRIDS.values())[:3]]
    return found


def numbers(x: Tensor) -> list[Tensor]:
    """Laws of Python's numbers, and what is drawn from laws."""
    line = x[:, :1].double()
    four = [make(2.3, 0.7) for make in (gbm.Gamma, gbm.InverseGamma, gbm.Weibull, gbm.BetaPrime)]
    made = make_laws(x)
    laws = (*four, made.lognormal, made.mixture, made.points.diffuse(PROCESS, 0.2))
    found = [law.rvs(3, torch_generator("state")) for law in laws]
    found += [law.logpdf(line) for law in four] + [law.cdf(line) for law in four]
    standard = gbm.standard_lognormal(2)
    return [*found, standard.log_mean, standard.log_cov, standard.logpdf(x.double())]


def derivatives(x: Tensor) -> list[Tensor]:
    """What differentiates on the way."""
    found, signs = [], torch.stack([x.sign(), -x.sign()])
    for score in scores(x).values():
        found += [
            gbm.autograd_divergence(score)(x, T),
            gbm.hutchinson_divergence(score, signs)(x, T),
            gbm.log_score_slope(score)(x, T),
        ]
    front = make_laws(x).front
    return [*found, distributions.hyvarinen_score(front, x)]


def parts(law: gbm.LogNormal | gbm.LogNormalMixture) -> list[Tensor]:
    return [value for value in vars(law).values() if isinstance(value, Tensor)]


def starts(x: Tensor) -> list[Tensor]:
    """Fits, posteriors, moments, fronts and their draws."""
    made, labels = make_laws(x), torch.tensor([1, 0, 1], device="cpu")
    moments = [gbm.log_moments(law) for law in (made.lognormal, made.mixture, made.points)]
    laws = [
        gbm.class_averages(x, labels),
        *(gbm.fitted_lognormal(data, PROCESS, labels[:2]) for data in moments),
        gbm.best_start(moments[1], PROCESS).start,
        *(gbm.posterior_law(x[0], law, PROCESS, T) for law in made[:3]),
        gbm.from_class_averages(gbm.class_averages(x, labels), PROCESS),
    ]
    found = [part for law in laws for part in parts(law)] + [p for pair in moments for p in pair]
    fronts = [distributions.from_target(law.diffuse(PROCESS, T), False) for law in made[:3]]
    found += [part for front in fronts for part in (front.log_prob(x), front.log_score(x))]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_generator("fronts").initial_seed())
        found += [front.sample((2,)) for front in fronts]
    return found


def of_laws(name: str) -> Callable[[Tensor], list[Tensor]]:
    return lambda x: list(CALLS[name](make_laws(x), x, T))


GROUPS: dict[str, Callable[[Tensor], list[Tensor]]] = {
    **{name: of_laws(name) for name in CALLS},
    **{call.__name__: call for call in (loops, schedules, numbers, derivatives, starts)},
}


def plain(found: list[Tensor]) -> list[tuple[torch.dtype, torch.device, np.ndarray]]:
    return [(p.dtype, p.device, p.detach().cpu().numpy()) for p in found]


@cache
def expected_of(
    group: str, dtype: torch.dtype
) -> list[tuple[torch.dtype, torch.device, np.ndarray]]:
    return plain(GROUPS[group](state(dtype)))


@crossed(group=GROUPS, name=STATES, dtype=(torch.float32, torch.float64))
def test_the_caller_s_state_decides_nothing(group: str, name: str, dtype: torch.dtype) -> None:
    x, expected = state(dtype), expected_of(group, dtype)
    with STATES[name]():
        found = plain(GROUPS[group](x))
    assert len(found) == len(expected) > 1
    for i, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert one[:2] == other[:2], i
        np.testing.assert_array_equal(one[2], other[2], err_msg=str(i))


def laws_and_scores(x: Tensor) -> list[Callable[[Tensor, Time], Tensor]]:
    """Functions of a state, of what is made when this is called."""
    made, ancestral = make_laws(x), gbm.Ancestral(0.2 * torch.eye(2, dtype=x.dtype, device="cpu"))
    exact = gbm.exact_score(made.points, PROCESS)
    return [
        *scores(x).values(),
        lambda x, t: made.mixture.diffuse(PROCESS, t).logpdf(x),
        lambda x, t: made.points.diffuse(PROCESS, t).logpdf(x),
        lambda x, t: made.front.log_prob(x),
        lambda x, t: gbm.Gamma(made.lognormal.log_mean.abs(), 0.7).logpdf(x),
        lambda x, t: ancestral(PROCESS, exact, x, t, 0.1, 1.0, x),
    ]


@crossed(name=["inference", "no gradients", "autocast", "meta", "bfloat16"])
def test_what_was_made_and_used_under_a_state_serves_outside(name: str) -> None:
    """Values and gradients, of laws with what they cache, and of a score that was prepared."""
    x = state(torch.float32)
    with STATES[name]():
        made = laws_and_scores(x)
        for call in made:
            call(x, T)
        gbm.simulate(gbm.DDIM(), PROCESS, made[3], x, gbm.uniform(2))
    for call, fresh in zip(made, laws_and_scores(x), strict=True):
        found, again = (x.clone().requires_grad_() for _ in range(2))
        call(found, 0.5).sum().backward()
        fresh(again, 0.5).sum().backward()
        torch.testing.assert_close(found.grad, again.grad, rtol=0, atol=0)


def test_a_learned_network_keeps_its_autocast() -> None:
    """Rounded inside the network, exact round it."""
    network = nn.Linear(2, 2)
    seen = []

    class Watched(nn.Module):
        def forward(self, inputs: Tensor, condition: Tensor) -> Tensor:
            seen.append(network(inputs).dtype)
            return network(inputs)

    model = gbm.ScoreModel(Watched(), gbm.Hyvarinen(), 0.1, 0.3)
    with torch.autocast("cpu", torch.bfloat16):
        h = gbm.score_function(model, PROCESS)(state(torch.float32), T)
    assert seen == [torch.bfloat16] and h.dtype == torch.float32


def test_the_table_would_see_a_rounded_product() -> None:
    """The planted twin: a matrix product under autocast."""
    x = state(torch.float32)
    with STATES["autocast"]():
        assert (x @ x.mT).dtype == torch.bfloat16
    assert traced_laws.make_laws(x).lognormal.log_cov.dtype == torch.float32
