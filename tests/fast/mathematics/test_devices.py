"""What runs on a GPU, traced on a CPU by fake tensors, with PyTorch's rules for mixing devices: a
constant left on the CPU fails here, as does code that looks at values (`checks.has_values`).
Compiled code multiplies and adds where eager code does both at once: one rounding more in an
exponent of size at most 4, for each row."""

import json
from collections.abc import Iterator

import jaxtyping
import pytest
import torch
import torch._dynamo
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch._subclasses.fake_tensor import DataDependentOutputException
from torch.func import grad, jacrev, vmap

import gbm_fast as gbm
from gbm_fast.process import Time
from tests.support.cases import PROCESS, crossed, log_linear
from tests.support.compiled_errors import ALL_STEPS
from tests.support.fixtures import Folders
from tests.support.processes import run_program
from tests.support.source_tree import ROOT
from tests.support.tables import ALL_PROCESSES, STEPS, STEPS_2D
from tests.support.traced_laws import CALLS, Laws, make_laws, states
from tests.support.twins import assert_twins, twin_process

# Made of real tensors, as they are in use: a process is configuration, on the CPU.
TWINS = {name: twin_process(process) for name, process in ALL_PROCESSES.items()}
TIMES = ["number", "0-d", "one a sample"]
BATCH = 5


@pytest.fixture
def fake() -> Iterator[FakeTensorMode]:
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        yield mode


on_a_gpu = pytest.mark.usefixtures("fake")


def cuda(*shape: int) -> Tensor:
    return torch.rand(*shape, device="cuda")


def time(form: str, value: float) -> Time:
    if form == "number":
        return value
    return torch.full((BATCH,) if form == "one a sample" else (), value, device="cuda")


def assert_on_gpu(*results: Tensor) -> None:
    for result in results:
        assert result.device.type == "cuda" and result.dtype == torch.float32


def law(name: str) -> gbm.Target:
    means, cov = cuda(3, 2), torch.eye(2, device="cuda")
    if name == "mixture":
        return gbm.LogNormalMixture(cuda(3), means, cov.expand(3, 2, 2))
    return (
        gbm.LogNormal(means[0], cov) if name == "log-normal" else gbm.PointMasses(1 + cuda(4, 2))
    )


KINDS = ["log-normal", "mixture", "points"]


@crossed(name=TWINS, form=TIMES)
@on_a_gpu
def test_processes(name: str, form: str) -> None:
    process, t, dt = TWINS[name], time(form, 0.5), time(form, 0.1)
    wanted = "cpu" if form == "number" else "cuda"
    for schedule in (process.drift(t), process.log_mean(t), process.log_var(t)):
        assert schedule.device.type == wanted and schedule.dtype == torch.float64
    assert [part.device.type for part in process.increments(t, dt)] == [wanted] * 2
    assert process.time_at_log_var(process.log_var(t)).device.type == wanted
    assert_on_gpu(process.sample(cuda(BATCH, 1, 3, 3), t, cuda(BATCH, 1, 3, 3)))


@crossed(kind=[*STEPS, *STEPS_2D], form=TIMES)
@on_a_gpu
def test_steps(kind: str, form: str) -> None:
    step = {**STEPS, **STEPS_2D}[kind][0]
    x, z = cuda(BATCH, 2), cuda(BATCH, 2)
    t, dt, noise = time(form, 0.5), time(form, 0.1), time(form, 0.7)
    assert_on_gpu(step(PROCESS, log_linear, x, t, dt, noise, z))
    if form != "one a sample":
        # The laws in turn: each with several steps.
        score = gbm.exact_score(law(KINDS[len(kind) % 3]), PROCESS)
        assert_on_gpu(step(PROCESS, score, x, t, dt, noise, z))


@pytest.mark.parametrize("kind", STEPS)
@on_a_gpu
def test_the_loop(kind: str) -> None:
    """Images, a path, and noise from a source."""
    x_T = cuda(BATCH, 1, 3, 3)
    at = (STEPS[kind][0], PROCESS, log_linear, x_T, gbm.uniform(3))
    x_0, path = gbm.simulate(*at, lambda row: torch.randn_like(x_T), return_path=True)
    assert_on_gpu(x_0, path)


@pytest.mark.parametrize("name", KINDS)
@on_a_gpu
def test_laws_and_losses(name: str) -> None:
    target, x, z, t = law(name), 1 + cuda(BATCH, 2), cuda(BATCH, 2), time("0-d", 0.4)
    diffused = target.diffuse(PROCESS, t)
    assert_on_gpu(diffused.logpdf(x), diffused.log_score(x), diffused.stein_score(x))
    assert_on_gpu(gbm.m_esm(log_linear, target, x, 0.4, PROCESS).loss)
    assert_on_gpu(gbm.m_dsm(log_linear, x, time("one a sample", 0.4), z, PROCESS).loss)


@on_a_gpu
def test_scores_of_networks_and_their_conversions() -> None:
    class Network(torch.nn.Module):
        def forward(self, inputs: Tensor, condition: Tensor) -> Tensor:
            return inputs * condition[:, None]

    x, t = 1 + cuda(BATCH, 2), time("one a sample", 0.4)
    score = gbm.score_function(gbm.ScoreModel(Network(), gbm.Hyvarinen(), 0.1, 0.3), PROCESS)
    for form in TIMES:
        assert_on_gpu(score(x, time(form, 0.4)))
    assert_on_gpu(gbm.denoiser(x, score(x, t), PROCESS, t))
    assert_on_gpu(gbm.conditional_hyvarinen_score(x, x + 1, PROCESS, t))
    assert_on_gpu(gbm.nonnegative_score_matching(x, x, x).loss)


class WithConstant(gbm.SignAgnostic):
    """A planted twin: factors, one an element, that were left on the CPU."""

    def _factor(self, dm: Tensor, dv: Tensor, h: Tensor, noise: Tensor, z: Tensor) -> Tensor:
        return torch.ones(2) * super()._factor(dm, dv, h, noise, z)


def looks_at_values(x: Tensor, t: Time) -> Tensor:
    """A planted twin: a branch on the state."""
    return x if bool((x > 1).all()) else -x


PLANTED = [
    (gbm.DaleLangevin(), looks_at_values, DataDependentOutputException, "_local_scalar_dense"),
    # A table on the CPU.
    (gbm.DaleLangevin(), lambda x, t: x * torch.ones(2), RuntimeError, "same device"),
    (WithConstant(), log_linear, RuntimeError, "same device"),
]


@pytest.mark.parametrize(("step", "score", "error", "words"), PLANTED)
@on_a_gpu
def test_planted_steps_are_refused(step: gbm.Step, score: object, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        step(PROCESS, score, cuda(BATCH, 2), 0.5, 0.1, 1.0, cuda(BATCH, 2))


ROUNDING = 16 * 2.0**-53
SINGLE = 12 * 16 * 2.0**-24  # twelve rows in float32
LOOPS = [f"loop of {step}" for step in ("SignAgnostic", "DaleLangevin", "ProbabilityFlow")]


@pytest.fixture(scope="module")
def errors(tmp_path_factory: Folders) -> dict[str, float]:
    program = ROOT / "tests" / "support" / "compiled_errors.py"
    return json.loads(run_program(program, folder=tmp_path_factory.mktemp("compiled")))


@pytest.mark.parametrize("case", [*ALL_STEPS, *LOOPS])
def test_one_graph_holds_it_and_agrees(errors: dict[str, float], case: str) -> None:
    assert errors[case] <= ROUNDING


def test_generated_code_agrees(errors: dict[str, float]) -> None:
    if "generated code" not in errors:
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    assert errors["generated code"] <= SINGLE
    assert errors["bad times are not refused"] == errors["declarations are lost"] == 0


def test_a_planted_difference_is_seen(errors: dict[str, float]) -> None:
    assert errors["planted"] > 1e6 * ROUNDING


T = 0.4


@crossed(name=CALLS, time_on_the_device=[False, True])
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

    assert_twins(vmap(grad(density))(x.log()), law.log_score(x).numpy(), 20.0)
    if name != "points":
        curvatures = vmap(jacrev(grad(density)))(x.log()).diagonal(dim1=-2, dim2=-1).sum(-1)
        assert_twins(curvatures, gbm.log_score_divergence(x, law).numpy(), 50.0)
