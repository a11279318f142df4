"""The command of an image benchmark: the gate before anything else, and training on the way.

Statistics: the statistical checks of one gate have false alarm 1e-9 each, below 2e-8 together.
"""

import json
from pathlib import Path

import pytest

from gbm_fast.evaluation import features
from gbm_fast.parameterisation import Denoiser
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling import sampler as sampling
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.settings.training import TrainConfig
from gbm_fast.training.runs import read_config
from tests.support.gate_mistakes import (
    build_printed_step,
    clipped,
    float_process,
    forgets_one,
    reused,
    shifted,
)
from tests.support.tiny_data import tiny_extractor
from tests.support.tiny_runs import make_run
from validation import samplers_on_images, trained
from validation.gate import __main__ as gate_command
from validation.gate.line import Line

FLOW = SamplingSettings(sampler="probability-flow", num_steps=6, num_images=3)
DALE = SamplingSettings(sampler="dale-langevin", process="constant", num_steps=30, seed=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("gate") / "run", num_steps=40)


# What is planted, where, and the check that must refuse it.
PLANTED = {
    "step": (sampling, "build_step", build_printed_step, "agreement"),
    "grid": (sampling, "build_grid", shifted, "agreement"),
    "process": (sampling, "sampling_process", float_process, "agreement"),
    "head": (Denoiser, "__call__", forgets_one, "agreement"),
    "clipped": (ImageNoise, "rows", clipped, "noise: tails"),
    "reused": (ImageNoise, "__call__", reused, "noise: neighbouring rows"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_the_command_refuses_a_planted_mistake_before_any_training(
    bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1, no run folder, no images, no result."""
    where, name, mistake, check = PLANTED[bug]
    monkeypatch.setattr(where, name, mistake)
    line = Line("Dale-Langevin", DALE)
    monkeypatch.setattr(samplers_on_images, "rows", lambda options: [line])
    target, out = tmp_path / "run", tmp_path / "out"
    words = ["--run", str(target), "--dataset", "digits", "--steps", "2", "--out-dir", str(out)]
    assert samplers_on_images.main(words) == 1
    printed = capsys.readouterr().out
    assert any(row.startswith(f"FAIL  {check}") for row in printed.splitlines())
    assert "gate FAILED" in printed
    assert list(tmp_path.iterdir()) == []


def test_the_gate_alone_is_a_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(path.name for path in folder.iterdir())
    monkeypatch.setattr(gate_command, "rows", lambda options: [Line("flow", FLOW)])
    assert gate_command.main(["--run", str(folder)]) == 0
    monkeypatch.setattr(Denoiser, "__call__", forgets_one)
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
    assert isinstance(config, TrainConfig)
    assert (config.steps, config.run_dir) == (7, tmp_path / "new")
    assert (config.width, config.batch_size, config.metrics_images) == (8, 8, 0)
    assert json.loads((folder / "config.json").read_text())["steps"] == 3


def test_gate_training_samples_and_measures_are_one_command(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome of the gate is in the result; a second call trains no more, and gates again."""
    monkeypatch.setattr(samplers_on_images, "rows", lambda options: [Line("flow", FLOW)])
    monkeypatch.setattr(features, "load_or_train_classifier", tiny_extractor)
    target, out = tmp_path / "new" / "run", tmp_path / "out"
    settings = ["--config", str(folder / "config.json"), "--steps", "2"]
    words = ["--run", str(target), *settings, "--num-images", "3", "--out-dir", str(out)]
    assert samplers_on_images.main(words) == 0
    record = json.loads((out / "digits_samplers.json").read_text())
    assert record["gate"]["passed"] is True and record["training"]["step"] == 2
    names = [check["name"] for check in record["gate"]["checks"]]
    assert {"agreement: flow", "law: flow", "noise: tails"} <= set(names)
    assert read_config(target).steps == 2
    weights = (target / "weights.safetensors").read_bytes()
    monkeypatch.setattr(sampling, "build_step", build_printed_step)
    assert samplers_on_images.main(words) == 1
    assert (target / "weights.safetensors").read_bytes() == weights
