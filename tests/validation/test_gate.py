"""The gate of the image benchmarks: it passes as the code is, and refuses what is planted.

Every planted mistake is made in the package that samples, and seen by the command: exit status 1
before anything is trained or sampled. Statistics: the statistical checks of one gate have false
alarm 1e-9 each, below 2e-8 together; a seed that fails is a defect.
"""

import dataclasses
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_ref
from gbm_fast import parameterisation
from gbm_fast.parameterisation import Denoiser, Hyvarinen, Noise, Stein
from gbm_fast.process import GBM
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling import sampler as sampling
from gbm_fast.sampling.runs import Run, load_run
from gbm_fast.settings.sampling import NOISE_FREE, Sampler, SamplingSettings
from tests.support.cases import generator
from tests.support.gate_mistakes import forgets_one, reused, shifted
from tests.support.tiny_runs import make_run
from validation.gate.gate import Outcome, run_gate
from validation.gate.line import Line
from validation.gate.noise import noise_checks
from validation.gate.problem import coefficients, correlated, stand_in
from validation.gate.reference import reference
from validation.gate.samplers import agreement, exact_law, sampled_law
from validation.study import Check

FLOW = SamplingSettings(sampler="probability-flow", num_steps=6, seed=4)
DALE = SamplingSettings(sampler="dale-langevin", process="constant", num_steps=30, seed=4)
ANNEALED = dataclasses.replace(
    DALE, chi=0.9, inner_steps=2, step_length=0.02, denoise_steps=1, start="class-average"
)
AGNOSTIC = dataclasses.replace(DALE, sampler="sign-agnostic", start="lognormal-averages")
NOISE_DALE = SamplingSettings(sampler="dale-langevin", num_steps=40, seed=4)
LINES = {
    "flow": dataclasses.replace(FLOW, start="data"),
    "flow-constant": dataclasses.replace(FLOW, process="constant", start="class-average"),
    "annealed": ANNEALED,
    "agnostic": AGNOSTIC,
    "noise-dale": NOISE_DALE,
    "milstein": dataclasses.replace(DALE, sampler="milstein"),
    "ancestral": dataclasses.replace(NOISE_DALE, sampler="ancestral"),
    "kappa": dataclasses.replace(ANNEALED, sampler="marginal-preserving", kappa=0.6),
    "ddim": dataclasses.replace(FLOW, sampler="ddim", start="lognormal-averages"),
}
IN_X = ("agnostic", "milstein")


def refused(outcome: Outcome) -> list[str]:
    return [check.name for check in outcome.checks if not check.passed]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(make_run(tmp_path_factory.mktemp("gate") / "run", num_steps=40), "cpu")


def with_head(run: Run, head: object, autocast: torch.dtype | None = None) -> Run:
    """The run with another parameterisation and arithmetic."""
    old = run.model
    model = parameterisation.ScoreModel(old.network, head, old.log_mean, old.log_std, autocast)
    return dataclasses.replace(run, model=model)


HEADS: dict[str, Callable[[Run], object]] = {
    "stein": lambda run: Stein(),
    "hyvarinen": lambda run: Hyvarinen(),
    "noise": lambda run: Noise(),
    "denoiser": lambda run: Denoiser(run.model.log_mean, run.model.log_std),
}


@pytest.mark.parametrize("line", LINES)
def test_every_kind_of_line_passes(run: Run, line: str) -> None:
    chosen = Line(line, LINES[line])
    checks = [agreement(run, chosen)]
    if line not in IN_X:
        checks.append(exact_law(run, chosen))
    assert [check for check in checks if not check.passed] == []


@pytest.mark.parametrize("autocast", [None, torch.bfloat16])
@pytest.mark.parametrize("head", HEADS)
def test_every_parameterisation_passes_in_both_arithmetics(
    run: Run, head: str, autocast: torch.dtype | None
) -> None:
    """In bfloat16 the deviation is a hundred times that of float32, and within its own bound."""
    with torch.no_grad():
        checks = [
            agreement(with_head(run, HEADS[head](run), dtype), Line(head, LINES["flow-constant"]))
            for dtype in (autocast, None)
        ]
    assert all(check.passed for check in checks)
    gaps = [float(check.detail.split("within ")[1].split(" ")[0]) for check in checks]
    assert (gaps[0] > 20 * gaps[1]) == (autocast is not None)


def test_the_stand_in_is_exact(run: Run) -> None:
    """Through the wrapper and the head, at one time a picture: the score of `gbm_ref`."""
    problem = correlated(run.model.log_mean, run.model.log_std, 1)
    score = parameterisation.score_function(stand_in(run, problem).model, GBM(sigma=0.8))
    times = torch.tensor([0.001, 0.1, 1.0], dtype=torch.float64)
    x = np.exp(generator("gate", "stand-in").normal(0.3, 0.3, (3, 2)))
    found = score(torch.from_numpy(x).reshape(3, 1, 1, 2), times).reshape(3, 2).numpy()
    for row, t in enumerate(times.tolist()):
        law = problem.target.diffuse(gbm_ref.GBM(sigma=0.8), t)
        assert found[row] == pytest.approx(law.hyvarinen_score(x[row]), rel=1e-9)


def test_an_unknown_parameterisation_is_refused() -> None:
    with pytest.raises(ValueError, match="does not know the parameterisation"):
        coefficients(lambda output, u, v: output, 0.0, 1.0, np.zeros(1), 1.0)


def test_a_shift_of_one_row_is_refused_at_the_papers_size(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N = 1000, the finest grid, where a row is worth the least."""
    monkeypatch.setattr(sampling, "build_grid", shifted)
    line = Line("Dale-Langevin", dataclasses.replace(DALE, num_steps=1000))
    served = dataclasses.replace(run, config=dataclasses.replace(run.config, num_steps=1000))
    check = agreement(served, line)
    assert not check.passed, check.detail


def test_the_noise_source_passes_and_twins_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """False alarm 6e-9 together; the twins are further off than any draw of theirs can hide."""

    def failed() -> list[str]:
        checks = noise_checks(11, (1, 8, 8), torch.device("cpu"))
        return [check.name for check in checks if not check.passed]

    assert failed() == []
    draw = ImageNoise.rows

    def narrow(self: ImageNoise, count: int) -> Tensor:
        return 0.98 * draw(self, count)

    def same_for_all_pictures(self: ImageNoise, count: int) -> Tensor:
        draws = draw(self, count)
        return draws[:, :1].expand_as(draws)

    twins = {
        narrow: ["noise: moments"],
        same_for_all_pictures: ["noise: neighbouring pictures", "noise: batches"],
    }
    for twin, expected in twins.items():
        monkeypatch.setattr(ImageNoise, "rows", twin)
        assert set(failed()) & set(expected)


def test_draws_that_are_used_twice_have_another_law(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A map is right whatever its noise is: only the law of what is drawn shows it."""
    for settings in (DALE, AGNOSTIC):
        line = Line("reused", settings)
        with monkeypatch.context() as patch, torch.no_grad():
            assert sampled_law(run, line).passed
            patch.setattr(ImageNoise, "__call__", reused)
            assert agreement(run, line).passed is False or not sampled_law(run, line).passed


def test_the_gate_has_no_memory_and_no_empty_pass(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line("flow", FLOW)
    assert run_gate(run, [line]).passed
    monkeypatch.setattr(Denoiser, "__call__", forgets_one)
    again = run_gate(run, [line])
    assert refused(again) == ["agreement: flow", "law: flow"]
    assert not Outcome((), 0.0).passed
    assert not Outcome((Check("a", True, ""), Check("b", False, "")), 0.0).passed
    assert again.as_dict()["passed"] is False


def test_every_sampler_of_the_settings_has_a_reference(run: Run) -> None:
    for name in get_args(Sampler):
        settings = dataclasses.replace(DALE, sampler=name)
        assert reference(run.config, settings).step.uses_noise == (name not in NOISE_FREE)
