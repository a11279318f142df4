"""Whose a folder is, and who writes in it: real files, links, processes and kills."""

import errno
import fcntl
import json
import os
import signal
import time
from pathlib import Path

import pytest

from gbm_fast.evaluation.metrics import read_metrics, record_metrics
from gbm_fast.runtime import folders
from gbm_fast.runtime.folders import briefly_locked, claim, is_marked, locked
from tests.support.fixtures import Patch
from tests.support.processes import DEADLINE, join, start

NAMES = ("weights.bin", "png/[0-9]*.png")
ADVICE = "choose another folder"


def test_a_folder_is_made_and_marked_once(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "set"
    claim(folder, "samples", NAMES, ADVICE)
    assert is_marked(folder, "samples") and not is_marked(folder, "run")
    (folder / "weights.bin").write_text("ours")
    claim(folder, "samples", NAMES, ADVICE)
    # Ours for samples, and so not for a run.
    with pytest.raises(ValueError, match=r"set has 'weights.bin', which was not made .* another"):
        claim(folder, "run", NAMES, ADVICE)


@pytest.mark.parametrize("name", ["weights.bin", "png/7.png", "a link that leads nowhere"])
def test_a_folder_with_something_in_our_place_is_left_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if "link" in name:
        path = tmp_path / "weights.bin"
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.write_text("theirs")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="was not made by this command"):
        claim(tmp_path, "run", NAMES, ADVICE)
    assert sorted(tmp_path.rglob("*")) == before
    claim(tmp_path, "run", NAMES, ADVICE, lambda: True)  # of a version without marks
    assert is_marked(tmp_path, "run")


def test_other_files_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "png").mkdir()
    for name in ("log.txt", "png/mine.png", "weights.bin.bak"):
        (tmp_path / name).write_text("theirs")
    claim(tmp_path, "run", NAMES, ADVICE)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match=r"file cannot be written in \(File exists\): choose"):
        claim(tmp_path / "file", "run", NAMES, ADVICE)


def hold(folder: Path, ready: Path) -> None:
    """Has the lock until it is killed."""
    with locked(folder, ADVICE):
        ready.write_text(str(os.getpid()))
        time.sleep(DEADLINE)


def test_a_folder_has_one_writer_and_is_free_when_that_is_killed(tmp_path: Path) -> None:
    folder, ready = tmp_path / "run", tmp_path / "ready"
    folder.mkdir()
    child = start(hold, folder, ready)
    deadline = time.monotonic() + DEADLINE
    while not (ready.exists() and ready.read_text()) and time.monotonic() < deadline:
        time.sleep(0.005)
    with (
        pytest.raises(ValueError, match=rf"run is in use by process {child.pid} on .*choose an"),
        locked(folder, ADVICE),
    ):
        pass
    child.kill()
    assert join([child]) == [-signal.SIGKILL]
    with locked(folder, ADVICE):
        assert (folder / folders.LOCK_NAME).exists()
    assert list(folder.iterdir()) == []


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    theirs = tmp_path / "precious"
    theirs.write_text("theirs")
    (tmp_path / folders.LOCK_NAME).symlink_to(theirs)
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path, ADVICE):
        pass
    assert theirs.read_text() == "theirs"


def test_a_file_system_without_locks_is_warned_of(tmp_path: Path, monkeypatch: Patch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.warns(UserWarning, match=r"cannot be locked \(No locks"), locked(tmp_path, ADVICE):
        pass


def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path: Path, monkeypatch: Patch) -> None:
    """Its holder removes the file while another has opened it: that one must not have a lock that
    nobody else sees."""
    flock, place, calls = fcntl.flock, tmp_path / folders.LOCK_NAME, []

    def late(descriptor: int, flags: int) -> None:
        flock(descriptor, flags)
        if not calls:
            place.unlink()
        calls.append(descriptor)

    monkeypatch.setattr(fcntl, "flock", late)
    with locked(tmp_path, ADVICE):
        assert len(calls) == 2 and place.exists()


def record(path: Path, first: int) -> None:
    for number in range(first, first + 20):
        record_metrics(path, {"number": number}, {"frechet": 1.0}, {})


def test_two_processes_lose_no_entry_of_one_file(tmp_path: Path) -> None:
    """Each reads, adds and writes: without the lock one writes over what the other has added."""
    path = tmp_path / "metrics.json"
    assert join([start(record, path, first) for first in (0, 100)]) == [0, 0]
    numbers = {entry["settings"]["number"] for entry in read_metrics(path)}
    assert numbers == {*range(20), *range(100, 120)}
    assert [file.name for file in tmp_path.iterdir()] == ["metrics.json"]


def test_waiting_for_a_file_ends(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    with (
        briefly_locked(path),
        pytest.raises(ValueError, match=r"metrics.json is being written by process \d+"),
        briefly_locked(path, seconds=0.01),
    ):
        pass
    assert json.dumps([file.name for file in tmp_path.iterdir()]) == "[]"
