"""What the machine refuses, as sentences; and what can no longer be shown costs no work."""

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from gbm_fast.settings import command_line
from gbm_fast.settings.commands import SAMPLE
from gbm_fast.settings.failures import naming_folder, naming_memory, out_of_memory, sentence
from gbm_fast.train import COMMAND
from tests.support.fixtures import Patch, Shown

HUGE = 2**50


class OutOfMemoryError(RuntimeError):
    """As torch's of GPUs is called."""


def raised(act: Callable[[], object]) -> BaseException:
    try:
        act()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


SHORT_OF_MEMORY = [
    lambda: torch.empty(HUGE),
    lambda: torch.empty(2**62, 2**62),
    lambda: np.empty(HUGE),
    lambda: bytearray(2**60),
]


@pytest.mark.parametrize("act", SHORT_OF_MEMORY)
def test_memory_that_is_not_there_names_the_options(act: Callable[[], object]) -> None:
    error = raised(act)
    assert out_of_memory(error)
    assert sentence(error, COMMAND.memory) == (
        "not enough memory: pass a smaller --micro-batch, or a smaller network (--width)."
    )
    with pytest.raises(MemoryError, match="^not enough memory for 18 images at once"):
        with naming_memory("for 18 images at once: pass --micro-batch 4."), naming_memory("."):
            raise MemoryError("not enough memory for 18 images at once.")
    with pytest.raises(MemoryError) as caught, naming_memory("for this."):
        act()
    assert sentence(caught.value, "") == "not enough memory for this."


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("CUDA"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_memory_of_other_devices_and_of_the_system(error: Exception) -> None:
    assert sentence(error, "pass --batch-size") == "not enough memory: pass --batch-size."


def test_other_errors_are_ours_to_mend_or_the_users_by_their_own_words() -> None:
    assert sentence(RuntimeError("shapes differ"), "") is None
    assert sentence(KeyError("x"), "") is None
    assert sentence(ValueError("wrong."), "") == "wrong."
    with pytest.raises(RuntimeError, match="shapes differ"), naming_memory("for this."):
        raise RuntimeError("shapes differ")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "/there: No space left on device: free some space there"),
        (errno.EROFS, "/there: Read-only file system: choose a folder that you may write to."),
        (errno.EACCES, "/there: Permission denied: give yourself the right to it"),
        (errno.EMFILE, "raise the limit of open files (ulimit -n)."),
        (errno.ENAMETOOLONG, "/there: File name too long: choose a shorter name."),
        (errno.EDOM, "/there: Numerical argument out of domain."),
    ],
)
def test_errors_of_the_system_have_a_path_and_what_to_do(number: int, words: str) -> None:
    with pytest.raises(OSError) as caught, naming_folder(Path("/there")):
        raise OSError(number, os.strerror(number))
    said = sentence(caught.value, "")
    assert said is not None and words in said
    with pytest.raises(OSError) as own, naming_folder(Path("/there")):
        raise OSError(number, os.strerror(number), "/its/own")
    assert str(sentence(own.value, "")).startswith("/its/own: ")


def test_a_short_write_of_numpy_is_a_full_disk() -> None:
    with pytest.raises(OSError) as caught, naming_folder(Path("/there")):
        raise OSError("128000 requested and 6112 written")
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == "/there"


class Encoded(io.TextIOWrapper):
    """Text in an encoding without é, over bytes that can be read."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict")

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


def says(text: str) -> int:
    print(text, flush=True)
    print(text, file=sys.stderr, flush=True)
    return 0


@pytest.mark.parametrize("encoding", ["ascii", "cp1251", "cp932", "utf-8"])
def test_letters_that_an_encoding_lacks_end_no_command(monkeypatch: Patch, encoding: str) -> None:
    out, err = Encoded(encoding), Encoded(encoding)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert command_line.run(SAMPLE, lambda: says("Fréchet 3 ± 1, √v")) == 0
    for stream in (out, err):
        assert "chet 3" in stream.text() and stream.text().endswith("v\n")
    assert ("é" in out.text()) == (encoding == "utf-8")


class Gone(Encoded):
    """A stream that takes nothing."""

    def __init__(self, number: int) -> None:
        super().__init__("utf-8")
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(("number", "status"), [(errno.EPIPE, 0), (errno.ENOSPC, 2)])
def test_work_goes_on_when_nobody_reads(
    monkeypatch: Patch, tmp_path: Path, number: int, status: int
) -> None:
    err = Encoded("utf-8")
    monkeypatch.setattr(sys, "stdout", Gone(number))
    monkeypatch.setattr(sys, "stderr", err)

    def work() -> int:
        print("begun", flush=True)
        (tmp_path / "record").write_text("made")
        print("done")
        return 0

    assert command_line.run(SAMPLE, work) == status
    assert (tmp_path / "record").read_text() == "made"
    assert ("standard output cannot be written" in err.text()) == (status == 2)
    assert "Traceback" not in err.text()


def test_a_reader_that_leaves_a_pipe_leaves_the_work(monkeypatch: Patch) -> None:
    """A real pipe whose end is closed, as that of `| head`."""
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(sys, "stdout", os.fdopen(writing, "w"))
    assert command_line.run(SAMPLE, lambda: says("text")) == 0


def test_sigterm_ends_a_command_as_ctrl_c_does(monkeypatch: Patch, capsys: Shown) -> None:
    monkeypatch.setattr(sys, "argv", ["sample.py", "--run", "RUN"])
    before = signal.getsignal(signal.SIGTERM)

    def ended() -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    assert command_line.run(SAMPLE, ended) == 143
    assert "ended by SIGTERM; the same command goes on, or begins again" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == before
