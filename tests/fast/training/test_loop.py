"""The loop round the trainer: signals, budgets, the log, and the command's end."""

import dataclasses
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.commands import training as pipeline
from gbm_fast.commands.training import run_training
from gbm_fast.training import loop as training
from gbm_fast.training.loop import fit
from gbm_fast.training.runs import read_config
from tests.support.tiny_runs import few_digits, saved, tiny_config


def make_trainer(folder: Path, **overrides: object) -> gbm.Trainer:
    """A trainer of the smallest network; `folder` exists."""
    config = tiny_config(multipliers=(1,), **overrides)
    return gbm.Trainer(config, gbm.ImageBatches(few_digits()), folder)


def saved_step(folder: Path) -> int:
    """The step of the last checkpoint."""
    return saved(folder)[1]["step"]


def logged_steps(folder: Path) -> list[int]:
    """The steps in the log."""
    return [json.loads(line)["step"] for line in (folder / "stats.jsonl").read_text().splitlines()]


def signal_at(trainer: gbm.Trainer, step: int, number: int) -> None:
    """Let this process receive a signal in the middle of a step, as from `kill` or Ctrl-C."""
    take = trainer.train_step

    def step_with_signal() -> tuple[Tensor, Tensor]:
        if trainer.step == step - 1:
            os.kill(os.getpid(), number)
        return take()

    trainer.train_step = step_with_signal


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The loop's clock, at which every look is 30 seconds after the last."""

    def ticks() -> Iterator[float]:
        now = 5000.0
        while True:
            yield now
            now += 30

    times = ticks()
    fake = SimpleNamespace(monotonic=lambda: next(times))
    monkeypatch.setattr(training, "time", fake)
    return fake


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_training_after_the_step_with_a_checkpoint(
    tmp_path: Path, number: int
) -> None:
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    trainer = make_trainer(tmp_path, checkpoint_every=100)
    signal_at(trainer, 2, number)
    assert fit(trainer, 50, None, show_progress=False) is False
    assert trainer.step == 2 and saved_step(tmp_path) == 2
    assert logged_steps(tmp_path) == [1, 2]
    # Outside the loop a signal does again what it did before.
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers
    resumed = make_trainer(tmp_path, checkpoint_every=100)
    assert fit(resumed, 3, None, show_progress=False) is True
    assert saved_step(tmp_path) == 3 and logged_steps(tmp_path) == [1, 2, 3]


def test_a_gradient_that_overflowed_is_null_in_the_log(tmp_path: Path) -> None:
    """As in the first steps of float16; JSON has no infinity."""
    trainer = make_trainer(tmp_path)
    take = trainer.train_step
    trainer.train_step = lambda: (take()[0], torch.tensor(torch.inf))
    assert fit(trainer, 2, None, show_progress=False)
    text = (tmp_path / "stats.jsonl").read_text()
    assert text.count('"gradient_norm": null') == 2


def test_a_signal_in_the_last_step_is_not_lost(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    signal_at(trainer, 3, signal.SIGTERM)
    assert fit(trainer, 3, None, show_progress=False) is False
    assert saved_step(tmp_path) == 3


def test_the_handlers_are_restored_after_an_error(tmp_path: Path) -> None:
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    trainer = make_trainer(tmp_path)
    torch.nn.init.constant_(next(trainer.model.parameters()), float("nan"))
    with pytest.raises(FloatingPointError, match="step 0 is not finite for 8 of 8 samples"):
        fit(trainer, 3, None, show_progress=False)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers


@pytest.mark.usefixtures("clock")
def test_the_minutes_limit_the_training_across_resumes(tmp_path: Path) -> None:
    """Thirty seconds a step: two minutes are four steps, and three minutes in all two more."""
    trainer = make_trainer(tmp_path)
    assert fit(trainer, 50, 2.0, show_progress=False) is True
    assert (trainer.step, trainer.seconds, saved_step(tmp_path)) == (4, 120.0, 4)
    resumed = make_trainer(tmp_path)
    assert fit(resumed, 50, 2.0, show_progress=False) is True
    assert resumed.step == 4
    assert fit(resumed, 50, 3.0, show_progress=False) is True
    assert (resumed.step, resumed.seconds) == (6, 180.0)
    assert logged_steps(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_checkpoints_are_written_at_the_asked_steps_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, saved = make_trainer(tmp_path, checkpoint_every=2, log_every=3), []
    monkeypatch.setattr(trainer, "save", lambda: saved.append(trainer.step))
    assert fit(trainer, 5, None, show_progress=False) is True
    assert saved == [2, 4, 5]
    assert logged_steps(tmp_path) == [3]


def test_the_log_of_a_killed_run_is_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    """A run killed at step 4 has logged beyond its checkpoint at 2, the last line not whole."""
    fit(make_trainer(tmp_path), 2, None, show_progress=False)
    path = tmp_path / "stats.jsonl"
    kept = path.read_text()
    with path.open("a") as file:
        file.write('{"step": 3, "loss": 777.0}\n{"step": 4, "lo')
    resumed = make_trainer(tmp_path)
    fit(resumed, 4, None, show_progress=False)
    assert logged_steps(tmp_path) == [1, 2, 3, 4]
    assert path.read_text().startswith(kept) and "777" not in path.read_text()


def test_the_progress_bar_shows_steps_and_loss(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trainer = make_trainer(tmp_path)
    assert fit(trainer, 2, None) is True
    shown = capfd.readouterr().err
    assert "2/2" in shown and "loss 0." in shown


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command trains on forty digits."""
    monkeypatch.setattr(pipeline, "load_dataset", lambda name, folder: few_digits())


def command_config(tmp_path: Path, **overrides: object) -> gbm.TrainConfig:
    """Settings of a short command without samples and distances."""
    settings = {"multipliers": (1,), "steps": 2, "metrics_images": 0, "out_dir": tmp_path}
    return tiny_config(**(settings | overrides))


@pytest.mark.usefixtures("few")
def test_the_command_without_metrics_ends_with_a_loadable_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = command_config(tmp_path)
    assert run_training(config) == 0
    folder = tmp_path / "00000-digits-variance-exploding"
    assert {path.name for path in tmp_path.iterdir()} == {folder.name}
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "environment.json",
        "stats.jsonl",
        "checkpoints",
        "weights.safetensors",
        "statistics.safetensors",
    }
    assert read_config(folder) == config == gbm.load_run(folder, "cpu").config
    shown = capsys.readouterr().out
    assert "trained 2 steps" in shown and "40 images (1, 8, 8)" in shown
    assert f"next:    python -m gbm_fast.sample --run {folder}" in shown


@pytest.mark.usefixtures("few")
def test_the_command_continues_a_run_and_notes_the_new_budget(tmp_path: Path) -> None:
    assert run_training(command_config(tmp_path)) == 0
    longer = command_config(tmp_path, steps=3, resume="auto")
    assert run_training(longer) == 0
    (folder,) = tmp_path.iterdir()
    assert saved_step(folder) == 3 and logged_steps(folder) == [1, 2, 3]
    assert read_config(folder) == longer


@pytest.mark.usefixtures("few")
def test_the_command_stopped_by_a_signal_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(
        trainer: gbm.Trainer,
        steps: int,
        minutes: float | None,
        on_samples: Callable[[gbm.Trainer], None],
    ) -> bool:
        signal_at(trainer, 1, signal.SIGTERM)
        return fit(trainer, steps, minutes, show_progress=False)

    monkeypatch.setattr(pipeline, "fit", stopped)
    # Metrics are asked for, but a run that is told to end does not start on them.
    assert run_training(command_config(tmp_path, metrics_images=16)) == 0
    shown = capsys.readouterr().out
    (folder,) = tmp_path.iterdir()
    again = f"--config {folder}/config.json --run-dir {folder} --resume auto"
    assert "stopped by a signal at step 1\n" in shown
    assert f"go on:   python -m gbm_fast.train {again}\n" in shown
    assert "next:" not in shown


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patch_size": 3}, "patch_size 3 does not divide the image size"),
        ({"width": 9}, "multiple of its 4 attention heads"),
        ({"device": "nonsense"}, "device 'nonsense' cannot be used here"),
    ],
)
def test_settings_that_do_not_suit_are_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run_training(dataclasses.replace(command_config(tmp_path), **change))
    assert list(tmp_path.iterdir()) == []
