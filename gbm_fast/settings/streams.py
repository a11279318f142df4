"""Standard output and error for the time of a command: what cannot be shown costs no work.

A terminal or file whose encoding lacks a letter of our words gets ASCII ones in their place, and
an escape for any other letter that it lacks. A reader that has gone away (`| head`) gets nothing
more, quietly. A disk that is full under a redirected output is said at the end: what a command
makes is worth more than what it prints.
"""

import contextlib
import errno
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from typing import Any

_LETTERS = {"é": "e", "±": "+-", "√": "sqrt ", "×": "x", "–": "-", "…": "..."}


class LastingStream:
    """A stream that takes every text, also when the one behind it no longer does.

    lost   what the stream behind could not take, an OSError; None while it takes all
    """

    def __init__(self, behind: Any) -> None:  # noqa: ANN401
        self._behind = behind
        self._letters = {} if _has_letters(behind.encoding) else str.maketrans(_LETTERS)
        self.lost: OSError | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Everything else is as it is behind: encoding, fileno, isatty."""
        return getattr(self._behind, name)

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lost = error
        except ValueError:
            if not self._behind.closed:
                raise
            self.lost = BrokenPipeError(errno.EPIPE, "the stream is closed")

    def write(self, text: str) -> int:
        """Write the text, or note why it is lost."""
        if self.lost is None:
            with self._noted():
                self._behind.write(text.translate(self._letters) if self._letters else text)
        return len(text)

    def flush(self) -> None:
        """Pass on what is kept, or note why it is lost."""
        if self.lost is None:
            with self._noted():
                self._behind.flush()


def _has_letters(encoding: str | None) -> bool:
    """Whether an encoding has every letter that we use; a stream without one takes any text."""
    try:
        "".join(_LETTERS).encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@contextlib.contextmanager
def lasting_streams() -> Iterator[list[OSError]]:
    """Both streams as `LastingStream` for the body of a `with`.

    The list is empty until the end; then it has what standard output could not take, a reader that
    has gone away aside.
    """
    problems: list[OSError] = []
    out, err = _lasting(sys.stdout), _lasting(sys.stderr)
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            yield problems
        finally:
            for stream in (out, err):
                if stream is not None:
                    stream.flush()
    for given, stream in ((sys.stdout, out), (sys.stderr, err)):
        if stream is not None and stream.lost is not None:
            # What it still keeps would be written, and fail, once more when the process ends.
            with contextlib.suppress(OSError, ValueError):
                given.close()
    if out is not None and out.lost is not None and not isinstance(out.lost, BrokenPipeError):
        problems.append(out.lost)


def _lasting(stream: Any) -> LastingStream | None:  # noqa: ANN401
    """The stream, which takes every letter and lasts; None stays None."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return None if stream is None else LastingStream(stream)
