"""Which checkpoints a run keeps, and that an old one goes only after the new one is whole."""

from pathlib import Path

import pytest
import torch

from gbm_fast.training.checkpoints import (
    checkpoint_folder,
    checkpoint_path,
    checkpoint_steps,
    load_newest,
    save_checkpoint,
)


def save(folder: Path, step: int, keep_last: int = 2, keep_every: int | None = None) -> None:
    """A checkpoint with one number in it, the step."""
    save_checkpoint(
        folder, step, {"step": torch.tensor(step)}, {"step": step}, keep_last, keep_every
    )


@pytest.mark.parametrize(
    ("keep_last", "keep_every", "kept"),
    [
        (1, None, [24]),
        (3, None, [18, 21, 24]),
        (2, 6, [6, 12, 18, 21, 24]),
        (1, 9, [9, 18, 24]),
        (99, None, list(range(3, 25, 3))),
    ],
)
def test_the_newest_and_the_multiples_are_kept(
    tmp_path: Path, keep_last: int, keep_every: int | None, kept: list[int]
) -> None:
    for step in range(3, 25, 3):
        save(tmp_path, step, keep_last, keep_every)
        found = load_newest(tmp_path)
        assert found is not None and found[1] == {"step": step}
        assert int(found[0]["step"]) == step
    assert checkpoint_steps(tmp_path) == kept


def test_steps_are_ordered_as_numbers_and_other_files_are_let_be(tmp_path: Path) -> None:
    for step in (99_999_999, 100_000_000, 7):
        save(tmp_path, step, keep_last=9)
    inside = checkpoint_folder(tmp_path)
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
    leftover = checkpoint_folder(tmp_path) / ".state-00000008.safetensors.123.tmp"
    leftover.write_bytes(b"half a checkpoint")
    assert load_newest(tmp_path) is not None
    assert not leftover.exists() and checkpoint_path(tmp_path, 4).exists()


def test_a_checkpoint_that_cannot_be_read_now_is_not_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lack of permission, or a network disk that fails, says nothing of the file."""

    def refuse(*arguments: object, **settings: object) -> None:
        raise PermissionError(13, "Permission denied")

    save(tmp_path, 1)
    save(tmp_path, 2)
    monkeypatch.setattr("gbm_fast.runtime.files.safe_open", refuse)
    with pytest.raises(ValueError, match="state-00000002.safetensors cannot be read"):
        load_newest(tmp_path)
    assert checkpoint_steps(tmp_path) == [1, 2]
