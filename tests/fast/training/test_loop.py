"""The loop round the trainer: signals, budgets, the log, checkpoints, and the command's end."""

import dataclasses
import functools
import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.commands import training as pipeline
from gbm_fast.commands.training import run_training
from gbm_fast.training import checkpoints, loop
from gbm_fast.training.checkpoints import checkpoint_steps, load_newest
from gbm_fast.training.runs import read_config
from tests.support import tiny_runs as tiny
from tests.support.fixtures import Patch, Shown
from tests.support.tiny_runs import advance, saved

make_trainer = functools.partial(tiny.make_trainer, multipliers=(1,))


def saved_step(folder: Path) -> int:
    return saved(folder)[1]["step"]


def logged_steps(folder: Path) -> list[int]:
    return [line["step"] for line in tiny.log(folder)]


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]


def signal_at(trainer: gbm.Trainer, step: int, number: int) -> None:
    """Let this process receive a signal in the middle of a step, as from `kill` or Ctrl-C."""
    take = trainer.train_step

    def step_with_signal() -> tuple[Tensor, Tensor]:
        if trainer.step == step - 1:
            os.kill(os.getpid(), number)
        return take()

    trainer.train_step = step_with_signal


@pytest.fixture
def clock(monkeypatch: Patch) -> None:
    """The loop's clock, at which every look is 30 seconds after the last."""
    times = itertools.count(5000.0, 30)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: next(times)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_training_after_the_step(tmp_path: Path, number: int) -> None:
    before, trainer = handlers(), make_trainer(tmp_path, checkpoint_every=100)
    signal_at(trainer, 2, number)
    assert advance(trainer, 50) is False
    assert trainer.step == 2 and saved_step(tmp_path) == 2
    assert logged_steps(tmp_path) == [1, 2]
    # Outside the loop a signal does again what it did before.
    assert handlers() == before
    assert advance(make_trainer(tmp_path, checkpoint_every=100), 3) is True
    assert saved_step(tmp_path) == 3 and logged_steps(tmp_path) == [1, 2, 3]


def test_a_gradient_that_overflowed_is_null_in_the_log(tmp_path: Path) -> None:
    """As in the first steps of float16; JSON has no infinity."""
    take = (trainer := make_trainer(tmp_path)).train_step
    trainer.train_step = lambda: (take()[0], torch.tensor(torch.inf))
    assert advance(trainer, 2)
    assert (tmp_path / "stats.jsonl").read_text().count('"gradient_norm": null') == 2


def test_a_signal_in_the_last_step_is_not_lost(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    signal_at(trainer, 3, signal.SIGTERM)
    assert advance(trainer, 3) is False
    assert saved_step(tmp_path) == 3


def test_the_handlers_are_restored_after_an_error(tmp_path: Path) -> None:
    before, trainer = handlers(), make_trainer(tmp_path)
    torch.nn.init.constant_(next(trainer.model.parameters()), float("nan"))
    with pytest.raises(FloatingPointError, match="step 0 is not finite for 8 of 8 samples"):
        advance(trainer, 3)
    assert handlers() == before


@pytest.mark.usefixtures("clock")
def test_the_minutes_limit_the_training_across_resumes(tmp_path: Path) -> None:
    """Thirty seconds a step: two minutes are four steps, and three minutes in all two more."""
    assert advance(trainer := make_trainer(tmp_path), 50, 2.0)
    assert (trainer.step, trainer.seconds, saved_step(tmp_path)) == (4, 120.0, 4)
    assert advance(resumed := make_trainer(tmp_path), 50, 2.0)
    assert resumed.step == 4
    assert advance(resumed, 50, 3.0)
    assert (resumed.step, resumed.seconds) == (6, 180.0)
    assert logged_steps(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_checkpoints_are_written_when_asked_for(tmp_path: Path, monkeypatch: Patch) -> None:
    trainer, saved = make_trainer(tmp_path, checkpoint_every=2, log_every=3), []
    monkeypatch.setattr(trainer, "save", lambda: saved.append(trainer.step))
    assert advance(trainer, 5)
    assert saved == [2, 4, 5]
    assert logged_steps(tmp_path) == [3]


def test_the_log_of_a_killed_run_is_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    """A run killed at step 4 has logged beyond its checkpoint at 2, the last line not whole."""
    advance(make_trainer(tmp_path), 2)
    path = tmp_path / "stats.jsonl"
    kept = path.read_text()
    with path.open("a") as file:
        file.write('{"step": 3, "loss": 777.0}\n{"step": 4, "lo')
    advance(make_trainer(tmp_path), 4)
    assert logged_steps(tmp_path) == [1, 2, 3, 4]
    assert path.read_text().startswith(kept) and "777" not in path.read_text()


def test_the_progress_bar_shows_steps_and_loss(tmp_path: Path, capfd: Shown) -> None:
    assert loop.fit(make_trainer(tmp_path), 2, None)
    shown = capfd.readouterr().err
    assert "2/2" in shown and "loss 0." in shown


def command_config(tmp_path: Path, **overrides: object) -> gbm.TrainConfig:
    """Settings of a short command without samples and distances."""
    settings = {"multipliers": (1,), "steps": 2, "metrics_images": 0, "out_dir": tmp_path}
    return tiny.tiny_config(**(settings | overrides))


@pytest.mark.usefixtures("few")
def test_the_command_ends_with_a_loadable_run(tmp_path: Path, capsys: Shown) -> None:
    assert run_training(config := command_config(tmp_path)) == 0
    folder = tmp_path / "00000-digits-variance-exploding"
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    names = "checkpoints config.json environment.json statistics.safetensors stats.jsonl"
    found = sorted(path.name for path in folder.iterdir())
    assert found == [".gbm-run", *names.split(), "weights.safetensors"]
    assert read_config(folder) == config == gbm.load_run(folder, "cpu").config
    shown = capsys.readouterr().out
    assert "trained 2 steps" in shown and "40 images (1, 8, 8)" in shown
    assert f"next:    python -m gbm_fast.sample --run {folder}" in shown


@pytest.mark.usefixtures("few")
def test_the_command_continues_a_run_and_notes_the_new_budget(tmp_path: Path) -> None:
    assert run_training(command_config(tmp_path)) == 0
    assert run_training(longer := command_config(tmp_path, steps=3, resume="auto")) == 0
    (folder,) = tmp_path.iterdir()
    assert saved_step(folder) == 3 and logged_steps(folder) == [1, 2, 3]
    assert read_config(folder) == longer


@pytest.mark.usefixtures("few")
def test_the_command_stopped_by_a_signal_says_how_to_go_on(
    tmp_path: Path, monkeypatch: Patch, capsys: Shown
) -> None:
    def stopped(trainer: gbm.Trainer, steps: int, minutes: None, on_samples: Callable) -> bool:
        signal_at(trainer, 1, signal.SIGTERM)
        return advance(trainer, steps, minutes)

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


def save(folder: Path, step: int, keep_last: int = 2, keep_every: int | None = None) -> None:
    """A checkpoint with one number in it, the step."""
    content = {"step": torch.tensor(step)}, {"step": step}
    checkpoints.save_checkpoint(folder, step, *content, keep_last, keep_every)


@pytest.mark.parametrize(
    ("keep_last", "keep_every", "kept"),
    [(1, None, [24]), (3, None, [18, 21, 24]), (2, 6, [6, 12, 18, 21, 24])]
    + [(1, 9, [9, 18, 24]), (99, None, list(range(3, 25, 3)))],
)
def test_the_newest_and_the_multiples_are_kept(
    tmp_path: Path, keep_last: int, keep_every: int | None, kept: list[int]
) -> None:
    for step in range(3, 25, 3):
        save(tmp_path, step, keep_last, keep_every)
        tensors, facts = load_newest(tmp_path)
        assert int(tensors["step"]) == step and facts == {"step": step}
    assert checkpoint_steps(tmp_path) == kept


def test_steps_are_ordered_as_numbers_and_other_files_are_let_be(tmp_path: Path) -> None:
    for step in (99_999_999, 100_000_000, 7):
        save(tmp_path, step, keep_last=9)
    inside = checkpoints.checkpoint_folder(tmp_path)
    for name in ("state-5.safetensors", "state-00000005.damaged", "notes.txt"):
        (inside / name).write_text("not a checkpoint")
    assert checkpoint_steps(tmp_path) == [7, 99_999_999, 100_000_000]
    save(tmp_path, 100_000_001, keep_last=1)
    assert checkpoint_steps(tmp_path) == [100_000_001]
    assert len(list(inside.iterdir())) == 4


def test_a_folder_without_checkpoints_has_none(tmp_path: Path) -> None:
    assert load_newest(tmp_path) is None and checkpoint_steps(tmp_path) == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    save(tmp_path, 4)
    leftover = checkpoints.checkpoint_folder(tmp_path) / ".state-00000008.safetensors.123.tmp"
    leftover.write_bytes(b"half a checkpoint")
    assert load_newest(tmp_path) is not None
    assert not leftover.exists() and checkpoints.checkpoint_path(tmp_path, 4).exists()


def test_what_cannot_be_read_now_is_not_put_aside(tmp_path: Path, monkeypatch: Patch) -> None:
    """A lack of permission, or a network disk that fails, says nothing of the file."""

    def refuse(*arguments: object, **settings: object) -> None:
        raise PermissionError(13, "Permission denied")

    save(tmp_path, 1)
    save(tmp_path, 2)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ValueError, match="state-00000002.safetensors cannot be read"):
        load_newest(tmp_path)
    assert checkpoint_steps(tmp_path) == [1, 2]
