"""What runs on a GPU, traced on a CPU: tensors that claim to be on a CUDA device and hold nothing.

A fake tensor has a shape, a dtype and a device, and PyTorch's rules for mixing devices apply to
it, so a constant that was left on the CPU fails here as it would on a GPU; so does code that looks
at values without asking whether there are any (`gbm_fast.checks.has_values`), which on a GPU would
wait for the device. Zero-dimensional CPU tensors may meet any device: that is PyTorch's rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch._subclasses.fake_tensor import DataDependentOutputException

import gbm_fast as gbm
from gbm_fast.process import Time
from tests.support.tables import ALL_PROCESSES, STEPS, STEPS_2D
from tests.support.twins import twin_process

PROCESS = gbm.GBM(mu=0.13, sigma=0.7)
# Made of real tensors, as they are in use: a process is configuration, on the CPU.
TWINS = {name: twin_process(process) for name, process in ALL_PROCESSES.items()}
TIMES = ["number", "0-d", "one a sample"]
BATCH = 5


@pytest.fixture(autouse=True)
def fake() -> Iterator[FakeTensorMode]:
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        yield mode


def cuda(*shape: int) -> Tensor:
    return torch.rand(*shape, device="cuda")


def time(form: str, value: float) -> Time:
    if form == "number":
        return value
    return torch.full((BATCH,) if form == "one a sample" else (), value, device="cuda")


def assert_on_gpu(*results: Tensor) -> None:
    for result in results:
        assert result.device.type == "cuda" and result.dtype == torch.float32


def network_like(x: Tensor, t: Time) -> Tensor:
    return -0.4 - 0.7 * x.log()


def laws() -> dict[str, gbm.Target]:
    means, cov = cuda(3, 2), torch.eye(2, device="cuda")
    return {
        "log-normal": gbm.LogNormal(means[0], cov),
        "mixture": gbm.LogNormalMixture(cuda(3), means, cov.expand(3, 2, 2)),
        "points": gbm.PointMasses(1 + cuda(4, 2)),
    }


@pytest.mark.parametrize("form", TIMES)
@pytest.mark.parametrize("name", TWINS)
def test_processes(name: str, form: str) -> None:
    process, t, dt = TWINS[name], time(form, 0.5), time(form, 0.1)
    wanted = "cpu" if form == "number" else "cuda"
    for schedule in (process.drift(t), process.log_mean(t), process.log_var(t)):
        assert schedule.device.type == wanted and schedule.dtype == torch.float64
    assert [part.device.type for part in process.increments(t, dt)] == [wanted] * 2
    assert process.time_at_log_var(process.log_var(t)).device.type == wanted
    assert_on_gpu(process.sample(cuda(BATCH, 1, 3, 3), t, cuda(BATCH, 1, 3, 3)))


@pytest.mark.parametrize("form", TIMES)
@pytest.mark.parametrize("kind", [*STEPS, *STEPS_2D])
def test_steps(kind: str, form: str) -> None:
    step = {**STEPS, **STEPS_2D}[kind][0]
    x, z = cuda(BATCH, 2), cuda(BATCH, 2)
    t, dt, noise = time(form, 0.5), time(form, 0.1), time(form, 0.7)
    assert_on_gpu(step(PROCESS, network_like, x, t, dt, noise, z))
    if form != "one a sample":
        # The laws in turn: each with several steps.
        law = list(laws().values())[len(kind) % 3]
        assert_on_gpu(step(PROCESS, gbm.exact_score(law, PROCESS), x, t, dt, noise, z))


@pytest.mark.parametrize("kind", STEPS)
def test_the_loop(kind: str) -> None:
    """Images, a path, and noise from a source."""
    x_T = cuda(BATCH, 1, 3, 3)
    x_0, path = gbm.simulate(
        STEPS[kind][0],
        PROCESS,
        network_like,
        x_T,
        gbm.uniform(3),
        lambda row: torch.randn(x_T.shape, device="cuda"),
        return_path=True,
    )
    assert_on_gpu(x_0, path)


@pytest.mark.parametrize("law", ["log-normal", "mixture", "points"])
def test_laws_and_losses(law: str) -> None:
    target, x, z, t = laws()[law], 1 + cuda(BATCH, 2), cuda(BATCH, 2), time("0-d", 0.4)
    diffused = target.diffuse(PROCESS, t)
    assert_on_gpu(diffused.logpdf(x), diffused.log_score(x), diffused.stein_score(x))
    assert_on_gpu(gbm.m_esm(network_like, target, x, 0.4, PROCESS).loss)
    assert_on_gpu(gbm.m_dsm(network_like, x, time("one a sample", 0.4), z, PROCESS).loss)


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


@dataclass(frozen=True)
class WithConstant(gbm.SignAgnostic):
    """A planted twin: factors, one an element, that were left on the CPU."""

    def _factor(self, dm: Tensor, dv: Tensor, h: Tensor, noise: Tensor, z: Tensor) -> Tensor:
        return torch.ones(2) * super()._factor(dm, dv, h, noise, z)


def looks_at_values(x: Tensor, t: Time) -> Tensor:
    """A planted twin: a branch on the state."""
    return x if bool((x > 1).all()) else -x


def on_the_cpu(x: Tensor, t: Time) -> Tensor:
    """A planted twin: a table on the CPU."""
    return x * torch.ones(2)


@pytest.mark.parametrize(
    ("score", "error"),
    [(looks_at_values, DataDependentOutputException), (on_the_cpu, RuntimeError)],
)
def test_planted_scores_are_refused(score: gbm.ScoreFunction, error: type[Exception]) -> None:
    with pytest.raises(error, match="_local_scalar_dense|same device"):
        STEPS["dale-langevin"][0](PROCESS, score, cuda(BATCH, 2), 0.5, 0.1, 1.0, cuda(BATCH, 2))


def test_a_planted_constant_is_refused() -> None:
    with pytest.raises(RuntimeError, match="same device"):
        WithConstant()(PROCESS, network_like, cuda(BATCH, 2), 0.5, 0.1, 1.0, cuda(BATCH, 2))
