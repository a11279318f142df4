"""Damaged files of every kind that is read: each gives a result or names the file, at once.

`python -m tests.support.fuzz` does the same for as many files as it is told.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import fuzz
from tests.support.cases import generator
from tests.support.fixtures import Patch
from tests.support.fuzzed_readers import READERS

# Set to more than the few that there is time for.
COUNT = int(os.environ.get("GBM_FUZZ", "15"))


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_read_or_named(tmp_path: Path, name: str) -> None:
    found = [problem for problem, _ in fuzz.failures("suite", READERS[name], COUNT, tmp_path)]
    assert found == []


def lookup(path: Path) -> None:
    {}[path.name]  # noqa: B018


def silent(path: Path) -> None:
    raise ValueError("it is damaged.")


def panic(path: Path) -> None:
    raise BaseException("a panic of Rust")


def slow(path: Path) -> None:
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass


def named(path: Path) -> None:
    raise ValueError(f"{path} is damaged.")


PLANTED: list[tuple[Callable[[Path], object], str]] = [
    (lookup, "KeyError: 'x'"),
    (silent, "the message does not name the file: it is damaged."),
    (panic, "BaseException: a panic of Rust"),
    (slow, "it took 0.0 seconds"),
]


@pytest.mark.parametrize(("read", "problem"), PLANTED)
def test_a_planted_mistake_is_seen(
    tmp_path: Path, monkeypatch: Patch, read: Callable[[Path], object], problem: str
) -> None:
    monkeypatch.setattr(fuzz, "SECONDS", 0.01)
    assert fuzz.failure(fuzz.Reader("x", b"", read), tmp_path, b"content") == problem
    assert fuzz.failure(fuzz.Reader("x", b"", named), tmp_path, b"content") is None


def test_memory_is_counted(tmp_path: Path, monkeypatch: Patch) -> None:
    peaks = iter([100, 100 + fuzz.MEBIBYTES, 100, 101 + fuzz.MEBIBYTES])
    monkeypatch.setattr(fuzz, "_peak", lambda: next(peaks))
    reader = fuzz.Reader("x", b"", Path.read_bytes)
    assert fuzz.failure(reader, tmp_path, b"") is None
    assert fuzz.failure(reader, tmp_path, b"") == f"it took {1 + fuzz.MEBIBYTES} MiB of memory"


def test_most_changes_change_something_and_all_are_repeated() -> None:
    content = bytes(range(1, 200))
    made = [fuzz.changed(content, generator("changes", str(k))) for k in range(40)]
    assert made == [fuzz.changed(content, generator("changes", str(k))) for k in range(40)]
    assert len(set(made)) > 30 and {len(each) > len(content) for each in made} == {True, False}
    assert fuzz.changed(b"", generator("changes")) is not None
