"""Where the settings of a training come from: preset, file, command line, and what is refused."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import get_args

import pytest

import gbm_fast as gbm
from gbm_fast import train
from gbm_fast.settings.stored import to_json
from gbm_fast.settings.training import TOYS, ImageName
from gbm_fast.settings.training_presets import OURS, PAPER, choose_preset, resolve
from gbm_fast.train import parse

FIELDS = {field.name: field for field in dataclasses.fields(gbm.TrainConfig)}


def settings(*arguments: str, has_gpu: bool = False) -> gbm.TrainConfig:
    """The resolved settings of a command line."""
    return parse(arguments, has_gpu)[0]


def test_the_command_line_comes_after_the_file_and_the_file_after_the_preset(
    tmp_path: Path,
) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"learning_rate": 5e-4, "clip_norm": 2.0, "times": "uniform"}))
    options = ("--preset", "paper", "--dataset", "mnist", "--config", str(file))
    found = settings(*options, "--clip-norm", "3")
    assert (found.clip_norm, found.learning_rate, found.weight_decay) == (3.0, 5e-4, 0.01)
    assert (found.network, found.steps, found.minutes) == ("ncsn", 300_000, None)
    # Without each of them in turn, the one before it shows.
    assert settings(*options).clip_norm == 2.0
    assert settings(*options[:4]).clip_norm == PAPER["mnist"]["clip_norm"].value == 1.0
    assert settings("--config", str(file)).learning_rate == 5e-4
    assert settings().learning_rate == gbm.TrainConfig().learning_rate


def test_a_stored_configuration_gives_the_same_settings_again(tmp_path: Path) -> None:
    first = settings("--dataset", "fashion-mnist", "--preset", "demo", "--network", "ddpmpp")
    file = tmp_path / "config.json"
    file.write_text(to_json(first))
    assert settings("--config", str(file)) == first
    changed = settings(f"--config={file}", "--seed=9", "--dataset=mnist")
    assert changed == dataclasses.replace(first, seed=9, dataset="mnist")


@pytest.mark.parametrize("dataset", PAPER)
def test_every_value_of_the_paper_is_a_setting_with_a_source(dataset: str) -> None:
    """A place in the paper, or a reason; and the values resolve without a contradiction."""
    for name, (value, source) in PAPER[dataset].items():
        assert name in FIELDS
        place = source.startswith(("v1 ", "v2 "))
        assert place or (source.startswith(OURS) and len(source) > len(OURS) + 10), name
        assert getattr(gbm.preset_config("paper", dataset), name) == value
    resolved = resolve(gbm.preset_config("paper", dataset))
    assert resolved.minutes is None and resolved.preset == "paper"
    # What version 1 states, in numbers.
    steps = {"mnist": 300_000, "cifar10": 1_000_000}.get(dataset, 200_000)
    assert (resolved.steps, resolved.sigma, resolved.num_steps) == (steps, 0.8, 1000)
    assert (resolved.average, resolved.average_every) == ("saved-checkpoints", 50_000)
    if dataset != "cifar10":
        assert (resolved.checkpoint_every, resolved.choose) == (5000, "least-loss")


@pytest.mark.parametrize("preset", ["cpu", "demo"])
def test_every_data_set_has_the_small_presets_within_an_hour(preset: str) -> None:
    for dataset in (*TOYS, *get_args(ImageName)):
        resolved = resolve(gbm.preset_config(preset, dataset))
        assert resolved.minutes is not None and resolved.minutes <= (3 if preset == "demo" else 45)
        # Colour is trained in batches that two cores take ten of a second, so as not to end early.
        colour = dataset in ("natural-patches", "cifar10")
        assert (resolved.batch_size == 32) == (resolved.steps == 30_000) == colour
    # Steps that are asked for are taken, whatever time that needs.
    assert settings("--steps", "9", "--preset", preset).minutes is None


@pytest.mark.parametrize(
    ("dataset", "has_gpu", "preset", "said"),
    [
        ("mnist", True, "gpu", "preset gpu, since there is a GPU"),
        ("mnist", False, "cpu", "preset cpu, since there is no GPU"),
        ("digits", True, "gpu", "preset gpu, since there is a GPU"),
    ],
)
def test_auto_is_our_own_at_the_size_of_the_machine_and_says_so(
    dataset: str, has_gpu: bool, preset: str, said: str
) -> None:
    config, line = parse(["--dataset", dataset], has_gpu)
    assert config.preset == preset and line.startswith(said)
    assert choose_preset("demo", dataset, has_gpu) == ("demo", "preset demo")


def fails(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit status of the command, in this process."""
    monkeypatch.setattr(sys, "argv", ["train", *arguments])
    try:
        return train.main()
    except SystemExit as left:
        return int(left.code or 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--learning-rat", "1"], "learning-rate"),
        (["--preset", "papers"], "invalid choice 'papers'"),
        (["--preset"], "preset"),
        (["--preset", "paper"], "the paper has no training on digits"),
        (["--config", "missing.json"], "--config missing.json cannot be used"),
        (["--config", "typo.json"], r"keys that are no settings: ['sigmas']"),
        (["--config", "type.json"], "batch_size has a value of a wrong type, '8'"),
        (["--config", "word.json"], "dataset must be one of digits"),
        (["--sigma", "0.5"], "sigma is no setting of process variance-exploding"),
        (["--dataset", "mnist", "--preset", "paper", "--blocks", "2"], "blocks is no setting of"),
        (["--dataset", "mnist", "--preset", "paper", "--times", "log-uniform"], "--times uniform"),
    ],
)
def test_unknown_and_contradictory_options_are_refused_before_anything_starts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    files = {
        "typo.json": '{"sigmas": 1}',
        "type.json": '{"batch_size": "8"}',
        "word.json": '{"dataset": "faces"}',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert fails(monkeypatch, *arguments) == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert {path.name for path in tmp_path.iterdir()} == set(files)
