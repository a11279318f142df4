"""Other kinds of arrays and numbers are refused everywhere; empty batches are served."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast import distributions
from tests.fast.mathematics import test_refusals as one
from tests.fast.mathematics import test_refusals_of_objects as two
from tests.support.cases import PROCESS, crossed, log_linear, torch_generator
from tests.support.good import LAW
from tests.support.problems import DATA_SETS, LOG_NORMALS, MIXTURES
from tests.support.tables import STEPS, STEPS_2D
from tests.support.twins import tensor, twin_target

EMPTY = torch.empty(0, 2, dtype=torch.float64)
TWINS = {
    "log-normal": LOG_NORMALS["log-normal-2d"],
    "mixture": MIXTURES["mixture-2d"],
    "points": DATA_SETS["points-2d"].diffuse(ref.GBM(sigma=0.7), 0.3),
}


@crossed(name=TWINS, method=["logpdf", "log_score", "hyvarinen_score", "stein_score"])
def test_an_empty_batch_has_the_shapes_of_the_oracle(name: str, method: str) -> None:
    expected = getattr(TWINS[name], method)(EMPTY.numpy())
    target = twin_target(TWINS[name])
    for law in (target, distributions.from_target(target)):
        found = getattr(law, method if hasattr(law, method) else "log_prob")(EMPTY)
        assert found.shape == expected.shape


FLAT = gbm.uniform(2)
SERVES: dict[str, Callable[[Tensor], tuple[Tensor, tuple[int, ...]]]] = {
    **{
        kind: lambda x, step=step: (
            gbm.simulate(
                step, PROCESS, gbm.exact_score(LAW, PROCESS), x, FLAT, x.expand(2, *x.shape)
            ),
            (0, 2),
        )
        for kind, (step, _) in {**STEPS, **STEPS_2D}.items()
    },
    "score with a time each": lambda x: (
        gbm.exact_score(twin_target(TWINS["mixture"]), PROCESS)(x, x[:, 0]),
        (0, 2),
    ),
    "sample": lambda x: (PROCESS.sample(x, 0.3, x), (0, 2)),
    "likelihood": lambda x: (gbm.exact_log_likelihood(x, LAW, PROCESS, LAW), (0,)),
    "flow": lambda x: (
        gbm.log_likelihood(
            x,
            PROCESS,
            gbm.exact_score(LAW, PROCESS),
            gbm.exact_divergence(LAW, PROCESS),
            LAW,
            FLAT,
        ),
        (0,),
    ),
    "slope": lambda x: (gbm.log_score_slope(log_linear)(x, 0.3), (0, 2)),
    "hutchinson": lambda x: (
        gbm.hutchinson_divergence(log_linear, x.expand(3, 0, 2))(x, 0.3),
        (0,),
    ),
    "responsibilities": lambda x: (twin_target(TWINS["mixture"]).responsibilities(x), (0, 3)),
    "shares of points": lambda x: (twin_target(TWINS["points"]).responsibilities(x), (0, 4)),
    "posterior": lambda x: (
        gbm.posterior_log_cov(x, twin_target(TWINS["mixture"]), PROCESS, 0.3),
        (0, 2, 2),
    ),
    "conditional": lambda x: (gbm.conditional_logpdf(x, x, PROCESS, 0.3), (0,)),
    "gamma": lambda x: (gbm.Gamma(tensor([2.3, 0.7]), 1.0).logpdf(x), (0,)),
}


@pytest.mark.parametrize("name", SERVES)
def test_an_empty_batch_gives_an_empty_result(name: str) -> None:
    found, shape = SERVES[name](EMPTY)
    assert found.shape == shape


@pytest.mark.parametrize("law", [*(twin_target(t) for t in TWINS.values()), gbm.Gamma(2.3, 0.7)])
@pytest.mark.parametrize("size", [0, -1, 1.5])
@pytest.mark.usefixtures("unchecked")
def test_no_draws_are_refused_by_all(law: object, size: float) -> None:
    with pytest.raises(ValueError, match="size must be an integer of at least 1"):
        law.rvs(size, torch_generator("none"))


# What replaces a tensor, and what replaces a number.
NOT_TENSORS: dict[str, Callable[[Tensor], object]] = {
    "numpy": lambda x: x.numpy(),
    "masked": lambda x: np.ma.masked_array(x.numpy(), mask=x.numpy() > 0),
    "list": lambda x: x.tolist(),
    "complex": lambda x: x + 0.5j,
    "booleans": lambda x: x > 0,
    "text": lambda x: "0.5",
}
NOT_NUMBERS = ("0.5", 0.5 + 0j, np.True_, None, np.ma.masked, np.array([0.5]), 10**400)
TABLES = [
    *one.SCORES, *one.GRIDS, *one.LAWS, *one.DIVERGENCES, *one.LIKELIHOODS, *one.OBJECTIVES,
    *one.MIRRORS, *two.MOTIONS, *two.POSTERIORS, *two.STEPPING, *two.TARGETS, *two.FRONTS,
]  # fmt: skip


def calls() -> dict[str, tuple[Callable[..., object], dict[str, object]]]:
    """Every call of the tables of refusals, with its good arguments, once."""
    found = {}
    for group in TABLES:
        for row in group if isinstance(group, list) else [group]:
            name = getattr(row.call, "__qualname__", type(row.call).__name__)
            found.setdefault(name, (row.call, dict(row.good)))
    return found


CALLS = {name: pair for name, pair in calls().items() if "lambda" not in name}
# A step without noise ignores them, as it says; labels are integers, and no states.
FREE = ("ProbabilityFlow", "DDIM", "DPMSolver")
IGNORED = {(step, argument) for step in FREE for argument in ("z", "noise")}


def arguments(kind: type | tuple[type, ...]) -> list[tuple[str, str]]:
    """Names of calls, with their arguments of this kind."""
    return [
        (name, argument)
        for name, (_, good) in CALLS.items()
        for argument, value in good.items()
        if isinstance(value, kind) and (name, argument) not in IGNORED
    ]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("name", "argument"), [(n, a) for n, a in arguments(Tensor) if CALLS[n][1][a].ndim > 0]
)
def test_what_is_no_tensor_of_real_numbers_is_refused(name: str, argument: str) -> None:
    call, good = CALLS[name]
    call(**good)
    for make in NOT_TENSORS.values():
        with pytest.raises(ValueError, match=r".*"):
            call(**{**good, argument: make(good[argument])})


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("name", "argument"), arguments((float, int)))
def test_what_is_no_number_is_refused(name: str, argument: str) -> None:
    call, good = CALLS[name]
    for value in NOT_NUMBERS:
        with pytest.raises(ValueError, match=r".*"):
            call(**{**good, argument: value})


def test_the_tables_are_read() -> None:
    assert len(arguments(Tensor)) > 50 and len(arguments((float, int))) > 40
