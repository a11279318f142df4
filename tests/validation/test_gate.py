"""The comparison of samplers on images: its gate, which passes as the
code is and refuses what is planted, by command with status 1 before anything is trained.
Statistics: false alarm 1e-9 a check, below 2e-8 a gate; a seed that fails is a defect."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.evaluation import features
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling import sampler as sampling
from gbm_fast.settings.sampling import NOISE_FREE, SamplerName
from gbm_fast.training.runs import read_config
from tests.support import gate_mistakes as mistakes
from tests.support.cases import generator
from tests.support.fixtures import Folders, Patch, Shown
from tests.support.tiny_data import tiny_extractor
from tests.support.tiny_runs import make_run
from validation import image_benchmark, trained
from validation.benchmark.rows import Row
from validation.gate import __main__ as gate_command
from validation.gate.gate import Outcome, run_gate
from validation.gate.line import Line
from validation.gate.noise import noise_checks
from validation.gate.problem import correlated, stand_in
from validation.gate.reference import reference
from validation.gate.samplers import agreement, exact_law, sampled_law
from validation.study import Check

FLOW = gbm.SamplingSettings(sampler="probability-flow", num_steps=6, seed=4)
SHORT_FLOW = gbm.SamplingSettings(sampler="probability-flow", num_steps=6, num_images=3)
DALE = gbm.SamplingSettings(sampler="dale-langevin", process="constant", num_steps=30, seed=4)
ANNEALED = replace(
    DALE, chi=0.9, inner_steps=2, step_length=0.02, denoise_steps=1, start="class-average"
)
AGNOSTIC = replace(DALE, sampler="sign-agnostic", start="lognormal-averages")
NOISE_DALE = gbm.SamplingSettings(sampler="dale-langevin", num_steps=40, seed=4)
LINES = {
    "flow": replace(FLOW, start="data"),
    "flow-constant": replace(FLOW, process="constant", start="class-average"),
    "annealed": ANNEALED,
    "agnostic": AGNOSTIC,
    "noise-dale": NOISE_DALE,
    "milstein": replace(DALE, sampler="milstein"),
    "ancestral": replace(NOISE_DALE, sampler="ancestral"),
    "kappa": replace(ANNEALED, sampler="marginal-preserving", kappa=0.6),
    "ddim": replace(FLOW, sampler="ddim", start="lognormal-averages"),
    "churned-flow": replace(FLOW, churn=0.3),
    "churned-ddim": replace(FLOW, sampler="ddim", process="constant", churn=0.6),
}
IN_X = ("agnostic", "milstein")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Folders) -> Path:
    return make_run(tmp_path_factory.mktemp("gate") / "run", num_steps=40)


@pytest.fixture(scope="module")
def run(folder: Path) -> gbm.Run:
    return gbm.load_run(folder, "cpu")


def with_head(run: gbm.Run, head: object, autocast: torch.dtype | None = None) -> gbm.Run:
    old = run.model
    model = gbm.ScoreModel(old.network, head, old.log_mean, old.log_std, autocast)
    return replace(run, model=model)


HEADS: dict[str, Callable[[gbm.Run], object]] = {
    "stein": lambda run: gbm.Stein(),
    "hyvarinen": lambda run: gbm.Hyvarinen(),
    "noise": lambda run: gbm.Noise(),
    "denoiser": lambda run: gbm.Denoiser(run.model.log_mean, run.model.log_std),
}


@pytest.mark.parametrize("line", LINES)
def test_every_kind_of_line_passes(run: gbm.Run, line: str) -> None:
    chosen = Line(line, LINES[line])
    checks = [agreement(run, chosen)]
    if line not in IN_X:
        checks.append(exact_law(run, chosen))
    assert [check for check in checks if not check.passed] == []


@pytest.mark.parametrize("autocast", [None, torch.bfloat16])
@pytest.mark.parametrize("head", HEADS)
def test_every_head_passes(run: gbm.Run, head: str, autocast: torch.dtype | None) -> None:
    """In bfloat16 the deviation is a hundred times that of float32, and within its own bound."""
    with torch.no_grad():
        checks = [
            agreement(with_head(run, HEADS[head](run), dtype), Line(head, LINES["flow-constant"]))
            for dtype in (autocast, None)
        ]
    assert all(check.passed for check in checks)
    gaps = [float(check.detail.split("within ")[1].split(" ")[0]) for check in checks]
    assert (gaps[0] > 20 * gaps[1]) == (autocast is not None)


def test_the_stand_in_is_exact(run: gbm.Run) -> None:
    """Through the wrapper and the head, at one time a picture: the score of `gbm_ref`."""
    problem = correlated(run.model.log_mean, run.model.log_std, 1)
    score = gbm.score_function(stand_in(run, problem).model, gbm.GBM(sigma=0.8))
    times = torch.tensor([0.001, 0.1, 1.0], dtype=torch.float64)
    x = np.exp(generator("gate", "stand-in").normal(0.3, 0.3, (3, 2)))
    found = score(torch.from_numpy(x).reshape(3, 1, 1, 2), times).reshape(3, 2).numpy()
    for row, t in enumerate(times.tolist()):
        law = problem.target.diffuse(ref.GBM(sigma=0.8), t)
        assert found[row] == pytest.approx(law.hyvarinen_score(x[row]), rel=1e-9)


def test_a_shift_of_one_row_is_refused(run: gbm.Run, monkeypatch: Patch) -> None:
    """N = 1000, the finest grid, where a row is worth the least."""
    monkeypatch.setattr(sampling, "build_grid", mistakes.shifted)
    line = Line("Dale-Langevin", replace(DALE, num_steps=1000))
    served = replace(run, config=replace(run.config, num_steps=1000))
    check = agreement(served, line)
    assert not check.passed, check.detail


def test_the_noise_source_passes_and_twins_do_not(monkeypatch: Patch) -> None:
    """False alarm 6e-9 together; the twins are further off than any draw of theirs can hide."""

    def failed() -> list[str]:
        checks = noise_checks(11, (1, 8, 8), torch.device("cpu"))
        return [check.name for check in checks if not check.passed]

    assert failed() == []
    draw = ImageNoise.rows

    def narrow(self: ImageNoise, wanted: range) -> Tensor:
        return 0.98 * draw(self, wanted)

    def same_for_all_pictures(self: ImageNoise, wanted: range) -> Tensor:
        draws = draw(self, wanted)
        return draws[:, :1].expand_as(draws)

    twins = {
        narrow: ["noise: moments"],
        same_for_all_pictures: ["noise: neighbouring pictures", "noise: batches"],
    }
    for twin, expected in twins.items():
        monkeypatch.setattr(ImageNoise, "rows", twin)
        assert set(failed()) & set(expected)


def test_draws_that_are_used_twice(run: gbm.Run, monkeypatch: Patch) -> None:
    """A map is right whatever its noise is: only the law of what is drawn shows it."""
    for settings in (DALE, AGNOSTIC):
        line = Line("reused", settings)
        with monkeypatch.context() as patch, torch.no_grad():
            assert sampled_law(run, line).passed
            patch.setattr(ImageNoise, "__call__", mistakes.reused)
            assert agreement(run, line).passed is False or not sampled_law(run, line).passed


def test_no_memory_and_no_empty_pass(run: gbm.Run, monkeypatch: Patch) -> None:
    line = Line("flow", FLOW)
    assert run_gate(run, [line]).passed
    monkeypatch.setattr(gbm.Denoiser, "__call__", mistakes.forgets_one)
    again = run_gate(run, [line])
    refused = [check.name for check in again.checks if not check.passed]
    assert refused == ["agreement: flow", "law: flow"]
    assert not Outcome((), 0.0).passed
    assert not Outcome((Check("a", True, ""), Check("b", False, "")), 0.0).passed
    assert again.as_dict()["passed"] is False


def test_every_sampler_of_the_settings_has_a_reference(run: gbm.Run) -> None:
    for name in get_args(SamplerName):
        settings = replace(DALE, sampler=name)
        assert reference(run.config, settings).step.uses_noise == (name not in NOISE_FREE)
    assert reference(run.config, LINES["churned-flow"]).step.uses_noise


# What is planted, where, and the check that must refuse it.
PLANTED = {
    "step": (sampling, "build_step", mistakes.build_printed_step, "agreement"),
    "grid": (sampling, "build_grid", mistakes.shifted, "agreement"),
    "process": (sampling, "sampling_process", mistakes.float_process, "agreement"),
    "head": (gbm.Denoiser, "__call__", mistakes.forgets_one, "agreement"),
    "clipped": (ImageNoise, "rows", mistakes.clipped, "noise: tails"),
    "reused": (ImageNoise, "__call__", mistakes.reused, "noise: neighbouring rows"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_the_command_refuses_a_planted_mistake_before_any_training(
    bug: str, tmp_path: Path, monkeypatch: Patch, capsys: Shown
) -> None:
    """Exit status 1, no run folder, no images, no result."""
    where, name, mistake, check = PLANTED[bug]
    monkeypatch.setattr(where, name, mistake)
    line = Line("Dale-Langevin", DALE)
    monkeypatch.setattr(image_benchmark, "rows", lambda options, dataset: [line])
    target, out = tmp_path / "run", tmp_path / "out"
    words = ["--run", str(target), "--dataset", "digits", "--steps", "2", "--out-dir", str(out)]
    assert image_benchmark.main(words) == 1
    printed = capsys.readouterr().out
    assert any(row.startswith(f"FAIL  {check}") for row in printed.splitlines())
    assert "gate FAILED" in printed
    assert list(tmp_path.iterdir()) == []


def test_the_gate_alone_is_a_command(folder: Path, monkeypatch: Patch) -> None:
    before = sorted(path.name for path in folder.iterdir())
    monkeypatch.setattr(gate_command, "rows", lambda options, dataset: [Line("flow", SHORT_FLOW)])
    assert gate_command.main(["--run", str(folder)]) == 0
    monkeypatch.setattr(gbm.Denoiser, "__call__", mistakes.forgets_one)
    assert gate_command.main(["--run", str(folder)]) == 1
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 3}, "are for a training"),
        ({"dataset": "digits", "config": Path("x")}, "pass --config or --dataset"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trained.Source(Path("run"), **options).training()


def test_the_settings_of_a_file_are_those_of_the_training(tmp_path: Path, folder: Path) -> None:
    source = trained.Source(tmp_path / "new", config=folder / "config.json", steps=7)
    config = source.training()
    assert isinstance(config, gbm.TrainConfig)
    assert (config.steps, config.run_dir) == (7, tmp_path / "new")
    assert (config.width, config.batch_size, config.metrics_images) == (8, 8, 0)
    assert json.loads((folder / "config.json").read_text())["steps"] == 3


def test_gate_training_samples_and_measures_are_one_command(
    tmp_path: Path, folder: Path, monkeypatch: Patch
) -> None:
    """The outcome of the gate is in the result; a second call trains no more, and gates again."""
    monkeypatch.setattr(
        image_benchmark, "rows", lambda options, dataset: [Row("flow", SHORT_FLOW, "few")]
    )
    monkeypatch.setattr(features, "load_or_train_classifier", tiny_extractor)
    target, out = tmp_path / "new" / "run", tmp_path / "out"
    settings = ["--config", str(folder / "config.json"), "--steps", "2"]
    words = ["--run", str(target), *settings, "--num-images", "3", "--out-dir", str(out)]
    assert image_benchmark.main(words) == 0
    record = json.loads((out / "digits_benchmark.json").read_text())
    assert record["gate"]["passed"] is True and record["training"]["step"] == 2
    names = [check["name"] for check in record["gate"]["checks"]]
    assert {"agreement: flow", "law: flow", "noise: tails"} <= set(names)
    assert read_config(target).steps == 2
    weights = (target / "weights.safetensors").read_bytes()
    monkeypatch.setattr(sampling, "build_step", mistakes.build_printed_step)
    assert image_benchmark.main(words) == 1
    assert (target / "weights.safetensors").read_bytes() == weights
