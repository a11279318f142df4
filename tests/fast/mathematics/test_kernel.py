"""The density of the forward kernel: gbm_fast against gbm_ref, and its derivative."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support import twins
from tests.support.cases import Array, generator
from tests.support.problems import PROCESSES
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process

LEVELS = (1e-4, 0.3, 1.0)


def pair(event: tuple[int, ...]) -> tuple[Array, Array]:
    rng = generator("kernel", str(event))
    first, second = twins.single(np.exp(rng.uniform(-1.2, 1.2, (2, len(LEVELS), *event))))
    return first, second


def logpdf_scale(x: Array, x0: Array, m: float, v: float) -> Array:
    """(n, d) to (n,): the terms, a residual r in the square having the error of its parts."""
    logs = np.abs(np.log(x)) + np.abs(np.log(x0)) + abs(m)
    residual = np.abs(np.log(x) - np.log(x0) - m)
    terms = residual * (residual + logs + 1) / v + abs(np.log(2 * np.pi * v)) + 1 + logs
    return terms.sum(-1)


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("event", [(1,), (2,), (3, 4, 4)])
@pytest.mark.parametrize("name", PROCESSES)
def test_the_log_density_agrees(name: str, event: tuple[int, ...], dtype: torch.dtype) -> None:
    process, twin = PROCESSES[name], twin_process(PROCESSES[name])
    x, x0 = pair(event)
    times = np.array(LEVELS) * process.horizon
    found = gbm.conditional_logpdf(tensor(x, dtype), tensor(x0, dtype), twin, tensor(times))
    assert found.dtype == dtype
    for i, t in enumerate(times):
        row, row0 = x[i].reshape(1, -1), x0[i].reshape(1, -1)
        scale = logpdf_scale(row, row0, process.log_mean(t), process.log_var(t))
        expected = ref.conditional_logpdf(row, row0, process, t)
        assert_twins(found[i : i + 1], expected, scale)
        alone = gbm.conditional_logpdf(
            tensor(x[i : i + 1], dtype), tensor(x0[i : i + 1], dtype), twin, float(t)
        )
        assert_twins(alone, expected, scale)


def kernel_density(
    x: Tensor,
    x0: Tensor,
    process: gbm.Process,
    t: Time,
    jacobian: float = 1.0,
    sign_of_m: float = 1.0,
    of_v: Callable[[Tensor], Tensor] = lambda v: v,
) -> Tensor:
    """The formula again, with room for one edit."""
    v = of_v(process.log_var(t))
    residual = x.log() - x0.log() - sign_of_m * process.log_mean(t)
    terms = -(residual**2) / (2 * v) - (2 * torch.pi * v).log() / 2 - jacobian * x.log()
    return terms.sum(-1)


EDITS: dict[str, Callable[..., Tensor]] = {
    "no Jacobian": lambda *at: kernel_density(*at, jacobian=0.0),
    "Jacobian twice": lambda *at: kernel_density(*at, jacobian=2.0),
    "the other sign of m": lambda *at: kernel_density(*at, sign_of_m=-1.0),
    "deviation for variance": lambda *at: kernel_density(*at, of_v=torch.sqrt),
}


@pytest.mark.parametrize("edit", EDITS)
def test_densities_with_one_edit_are_refused(edit: str) -> None:
    process, t = gbm.GBM(mu=0.13, sigma=0.7), 0.37
    x, x0 = pair((2,))
    scale = logpdf_scale(x, x0, float(process.log_mean(t)), float(process.log_var(t)))
    at = (tensor(x), tensor(x0), process, t)
    found = gbm.conditional_logpdf(*at)
    assert_twins(found, kernel_density(*at).numpy(), scale)
    assert error_over_scale(found, EDITS[edit](*at).numpy(), scale) > 1e6 * twins.EXACT


@pytest.mark.parametrize("name", PROCESSES)
def test_its_derivative_is_the_conditional_score(name: str) -> None:
    process, twin = PROCESSES[name], twin_process(PROCESSES[name])
    t = 0.37 * process.horizon
    x, x0 = pair((2,))
    x_twin = tensor(x).requires_grad_()
    (gradient,) = torch.autograd.grad(
        gbm.conditional_logpdf(x_twin, tensor(x0), twin, t).sum(), x_twin
    )
    found = gbm.conditional_hyvarinen_score(tensor(x), tensor(x0), twin, t)
    assert_twins(found, x * gradient.numpy(), twins.conditional_scale(process, x, x0, t))


def test_what_has_no_density_is_refused() -> None:
    x, process = tensor([[1.2, 1.4], [1.1, 1.9]]), gbm.GBM(mu=0.13, sigma=0.7)
    with pytest.raises(ValueError, match="t must be positive"):
        gbm.conditional_logpdf(x, x, process, 0.0)
    with pytest.raises(ValueError, match="batch"):
        gbm.conditional_logpdf(x[0], x[0], process, 0.3)
    for bad in ((-x, x), (x, -x), (x, x[:, :1])):
        with pytest.raises(ValueError, match=r"positive|shape"):
            gbm.conditional_logpdf(*bad, process, 0.3)
