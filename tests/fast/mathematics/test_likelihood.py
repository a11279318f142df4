"""gbm_fast.likelihood against gbm_ref's closed form and adaptive integrator, and its mistakes."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support import twins
from tests.support.cases import Array
from tests.support.problems import LOG_NORMALS, MIXTURES, PROCESSES
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

DATA = LOG_NORMALS["log-normal-2d"]
START = ref.LogNormal(np.array([0.2, -0.1]), np.array([[1.3, 0.1], [0.1, 0.8]]))
X = twins.single([[1.22, 0.61], [2.5, 1.35], [0.4, 0.9], [1.1, 0.2]])


def flow(
    x: Tensor,
    process: gbm.Process,
    grid: gbm.Grid,
    data: ref.Target = DATA,
    start: ref.Target = START,
) -> Tensor:
    """log_likelihood with the exact score and divergence."""
    law = twin_target(data, x.dtype)
    score, divergence = gbm.exact_score(law, process), gbm.exact_divergence(law, process)
    return gbm.log_likelihood(x, process, score, divergence, twin_target(start, x.dtype), grid)


@pytest.mark.parametrize("name", PROCESSES)
def test_the_error_is_of_fourth_order_and_vanishes(name: str) -> None:
    """N = 16 and 32 uniform steps against the closed form, for a start that is not the law at T.

    The error falls by 16 to within a tenth, so what is left after Richardson's extrapolation is
    a fraction of it: no other formula has this limit.
    """
    process = PROCESSES[name]
    expected = ref.exact_log_likelihood(X, DATA, process, START)
    coarse, fine = (
        flow(tensor(X), twin_process(process), gbm.uniform(n, process.horizon)).numpy()
        for n in (16, 32)
    )
    errors = np.abs(coarse - expected).max(), np.abs(fine - expected).max()
    assert 14 < errors[0] / errors[1] < 18
    assert errors[1] < 1e-3
    assert np.abs(fine + (fine - coarse) / 15 - expected).max() < 0.15 * errors[1]


def test_a_mixture_agrees_with_the_adaptive_integrator() -> None:
    """One state of gbm_ref's DOP853 at 1e-12, a start that is not exact, noise levels in `power`.

    The data's time is the last level of the grid, as it is for a learned score.
    """
    data, process = MIXTURES["mixture-2d"], PROCESSES["variance-exploding"]
    twin = twin_process(process)
    grid = gbm.geometric(twin, 40, 0.05, float(process.log_var(process.horizon)) ** 0.5)[:-1]
    t_min = grid[-1].t_score - grid[-1].dt
    expected = ref.log_likelihood(
        X[:1],
        process,
        ref.exact_score(data, process),
        ref.exact_divergence(data, process),
        START,
        t_min,
    )
    found = flow(tensor(X[:1]), twin, grid, data)
    assert_twins(found, expected, 1 + np.abs(expected), 2e-6)


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("name", PROCESSES)
def test_the_closed_form_agrees(name: str, dtype: torch.dtype) -> None:
    """Scale: the residuals at both ends over their smallest variances, times the condition."""
    process = PROCESSES[name]
    for t_min in (0.0, 0.3 * process.horizon):
        expected = ref.exact_log_likelihood(X, DATA, process, START, t_min)
        twin = [twin_target(law, dtype) for law in (DATA, START)]
        found = gbm.exact_log_likelihood(
            tensor(X, dtype), twin[0], twin_process(process), twin[1], t_min
        )
        assert found.dtype == dtype
        growth = np.sqrt(1 + process.log_var(process.horizon) / 0.16)
        reach = (2 + np.abs(np.log(X)).sum(-1)) * growth
        assert_twins(found, expected, 20 * (1 + reach**2))


def test_float32_loses_what_its_steps_round() -> None:
    """The same 12 steps in float32: at most one budget of roundings a step and a scale."""
    process, grid = twin_process(PROCESSES["constant"]), gbm.uniform(12, 0.9)
    double = flow(tensor(X), process, grid)
    found = flow(tensor(X, torch.float32), process, grid)
    assert found.dtype == torch.float32
    scale = 10 * (1 + double.abs().numpy())
    assert_twins(found, double.numpy(), scale, 12 * twins.SINGLE)


class StratonovichDrift(gbm.GBM):
    """The planted twin: mu + sigma^2 / 2 in place of mu in the flow."""

    def drift(self, t: Time) -> Tensor:
        return super().drift(t) + super().diffusion(t) ** 2 / 2


def likelihood_with(edit: str) -> Tensor:
    """log_likelihood of log-normal data with one mistake."""
    process = gbm.GBM(mu=0.13, sigma=0.7, horizon=0.9)
    law, start = twin_target(DATA), twin_target(START)
    score, right = gbm.exact_score(law, process), gbm.exact_divergence(law, process)
    divergences: dict[str, Callable[[Tensor, Time], Tensor]] = {
        "of the Hyvarinen score in x": lambda x, t: (gbm.log_score_slope(score)(x, t) / x).sum(-1),
        "of the Stein score": lambda x, t: right(x, t) - score(x, t).sum(-1),
        "doubled": lambda x, t: 2 * right(x, t),
        "of the other sign": lambda x, t: -right(x, t),
    }
    scores = {
        "log score for Hyvarinen score": lambda x, t: 1 + score(x, t),
        "noise for the score": lambda x, t: -(process.log_var(t) ** 0.5) * (1 + score(x, t)),
    }
    if edit == "drift of another calculus":
        process = StratonovichDrift(mu=0.13, sigma=0.7, horizon=0.9)
    return gbm.log_likelihood(
        tensor(X),
        process,
        scores.get(edit, score),
        divergences.get(edit, right),
        start,
        gbm.uniform(8, 0.9),
    )


@pytest.mark.parametrize(
    "edit",
    [
        "of the Hyvarinen score in x",
        "of the Stein score",
        "doubled",
        "of the other sign",
        "log score for Hyvarinen score",
        "noise for the score",
        "drift of another calculus",
    ],
)
def test_planted_mistakes_are_refused(edit: str) -> None:
    """Each moves the log-likelihood by more than 1e-3, where the right one is within 1e-5."""
    expected = ref.exact_log_likelihood(X, DATA, PROCESSES["constant"], START)
    scale = 1 + np.abs(expected)
    assert error_over_scale(likelihood_with("none"), expected, scale) < 1e-5
    assert error_over_scale(likelihood_with(edit), expected, scale) > 1e-3


def test_images_are_events_and_probes_replace_the_trace() -> None:
    """(batch, 1, 2, 1) events; a score of diagonal derivative needs one sign probe only."""
    process, grid = gbm.GBM(mu=0.13, sigma=0.7), gbm.uniform(4)
    law = gbm.LogNormal(tensor([0.3, -0.2]), tensor([0.2, 0.4]))
    start = law.diffuse(process, 1.0)
    x = tensor(X).reshape(4, 1, 2, 1)
    score = gbm.exact_score(law, process)
    probes = torch.tensor([1.0, -1.0]).reshape(1, 1, 1, 2, 1).expand(1, 4, 1, 2, 1)
    flat = gbm.log_likelihood(
        tensor(X), process, score, gbm.exact_divergence(law, process), start, grid
    )
    probed = gbm.hutchinson_divergence(score, probes)
    found = gbm.log_likelihood(x, process, score, probed, start, grid)
    assert_twins(found, flat.numpy(), 10 * (1 + flat.abs().numpy()))


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_bits_per_dim_agree(dtype: torch.dtype) -> None:
    nats: Array = twins.single([[-3.1, 40.0], [0.0, -912.5]])
    for d, cell in ((784, 1 / 256), (3, 0.1)):
        found = gbm.bits_per_dim(tensor(nats, dtype), d, cell)
        scale = np.abs(nats) / d / np.log(2) + abs(np.log2(cell))
        assert_twins(found, ref.bits_per_dim(nats, d, cell), scale)
        wrong = -tensor(nats) / d - np.log2(cell)
        assert error_over_scale(wrong, ref.bits_per_dim(nats, d, cell), scale) > 1e-2


def test_what_cannot_be_integrated_is_refused() -> None:
    process, x = gbm.GBM(mu=0.13, sigma=0.7), tensor(X)
    gap = (*gbm.uniform(4)[:2], *gbm.uniform(4)[3:])
    for grid, message in (
        ((), "no rows"),
        (gap, "begin where"),
        (gbm.annealed(4, inner_steps=2), "begin where"),
        ((gbm.Row(1.0, 0.0, 1.0),), "dt > 0"),
        ((gbm.Row(0.4, 0.5, 1.0),), "stay at t >= 0"),
    ):
        with pytest.raises(ValueError, match=message):
            flow(x, process, grid)
    for bad in (-x, x[0], x[:, :1]):
        with pytest.raises(ValueError, match=r"positive|shape|elements"):
            flow(bad, process, gbm.uniform(4))
    singular = twin_target(ref.LogNormal([0.1, 0.2], 0.0))
    with pytest.raises(ValueError, match="no density at t_min"):
        gbm.exact_log_likelihood(x, singular, process, twin_target(START))
    with pytest.raises(ValueError, match="finite"):
        gbm.bits_per_dim(tensor([np.nan]), 2)
