"""Laws, scores and losses on a device that only pretends to exist, compiled, and in torch.func."""

from collections.abc import Iterator

import jaxtyping
import pytest
import torch
import torch._dynamo
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.func import grad, jacrev, vmap

import gbm_fast as gbm
from tests.support.traced_laws import CALLS, PROCESS, Laws, make_laws, states
from tests.support.twins import assert_twins

T = 0.4


@pytest.mark.parametrize("time_on_the_device", [False, True], ids=["number", "tensor"])
@pytest.mark.parametrize("name", CALLS)
def test_results_stay_on_the_device_in_the_dtype(name: str, time_on_the_device: bool) -> None:
    """Fake tensors refuse an operation between two devices, and know the dtype of each result."""
    with FakeTensorMode():
        x = torch.empty(3, 2, device="cuda", dtype=torch.float32)
        found = CALLS[name](make_laws(x), x, x.new_tensor(T) if time_on_the_device else T)
    assert len(found) >= 2
    assert {(part.device.type, part.dtype) for part in found} == {("cuda", torch.float32)}


def test_a_constant_of_another_device_is_refused() -> None:
    """The planted twin: a vector left on the CPU."""
    with FakeTensorMode(), pytest.raises(RuntimeError, match="device"):
        torch.empty(3, 2, device="cuda") * torch.empty(2)


@pytest.fixture
def traced_as_in_use() -> Iterator[None]:
    """Without the tests' check of annotations, which cannot be traced, and with an empty cache."""
    torch._dynamo.reset()
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("traced_as_in_use")
def test_functions_compile_to_one_graph_with_the_same_numbers() -> None:
    x, call = states(), CALLS["functions"]
    made = make_laws(x)
    expected = call(made, x, T)
    compiled = torch.compile(lambda x: call(made, x, T), backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        found = compiled(x)
    for one, other in zip(found, expected, strict=True):
        assert_twins(one, other.numpy(), 1 + other.abs().numpy())


@pytest.mark.parametrize("name", ["lognormal", "mixture", "points"])
def test_torch_func_differentiates_densities_state_by_state(name: str) -> None:
    """vmap of grad is the Stein score; the trace of the hessian in log x, the divergence."""
    x = states()
    made: Laws = make_laws(x)
    law = getattr(made, name)
    if name == "points":
        law = law.diffuse(PROCESS, T)

    def density(y: Tensor) -> Tensor:
        return law.logpdf(y.exp()) + y.sum(-1)

    gradients = vmap(grad(density))(x.log())
    assert_twins(gradients, law.log_score(x).numpy(), 20.0)
    if name != "points":
        curvatures = vmap(jacrev(grad(density)))(x.log()).diagonal(dim1=-2, dim2=-1).sum(-1)
        assert_twins(curvatures, gbm.log_score_divergence(x, law).numpy(), 50.0)
