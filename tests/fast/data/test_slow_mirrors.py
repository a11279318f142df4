"""Mirrors that hold back what they send: time is counted for a whole file, not for its pieces."""

import http.client
import io
from pathlib import Path

import pytest

from gbm_fast.data.download import _chunks, fetch
from tests.support import downloads
from tests.support.fixtures import Patch

URL = "https://first.example/file.bin"


class Trickle(downloads.Response):
    """One byte at a time, for ever."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The next byte."""
        return b"x"


def test_a_mirror_that_trickles_is_given_up(tmp_path: Path, monkeypatch: Patch) -> None:
    clock = iter(range(0, 10**6, 600))
    monkeypatch.setattr("gbm_fast.data.download.time.monotonic", lambda: next(clock))
    downloads.serve(monkeypatch, {URL: Trickle(b"")})
    with pytest.raises(ValueError, match="bytes have come in 3600 seconds: too slow"):
        fetch((URL,), tmp_path / "file.bin", "")
    assert list(tmp_path.iterdir()) == []


class Lines(io.RawIOBase):
    """What a mirror sends, a line at a time; a further reading would wait for ever."""

    def __init__(self) -> None:
        head = [b"HTTP/1.1 200 OK\r\n", b"Content-Length: 9\r\n", b"\r\n"]
        self.lines = [*head, b"abc", b"def"]

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """The next line."""
        line = self.lines.pop(0)
        buffer[: len(line)] = line
        return len(line)


class Connection:
    """As much of a socket as an answer needs."""

    def makefile(self, mode: str) -> io.BufferedReader:
        """What comes in."""
        return io.BufferedReader(Lines())


def test_what_has_come_is_taken_without_waiting_for_more() -> None:
    """Of urllib's own answer: else a mirror could hold a whole piece back for days."""
    response = http.client.HTTPResponse(Connection())  # type: ignore[arg-type]
    response.begin()
    pieces = _chunks(response, 100)
    assert (next(pieces), next(pieces)) == (b"abc", b"def")
