"""Answers in the place of the network, for the tests of downloads."""

import io
from collections.abc import Mapping
from urllib.error import URLError

from tests.support.fixtures import Patch


class Response(io.BytesIO):
    """A body as urlopen gives it, with its headers; dies with `error` once it is used up."""

    def __init__(
        self, body: bytes, error: BaseException | None = None, length: int | None = None
    ) -> None:
        super().__init__(body)
        self.url: str | None = None  # where the answer is from, if that is another address
        self.headers = {} if length is None else {"Content-Length": str(length)}
        self.error = error

    def read(self, size: int | None = -1, /) -> bytes:
        """Raises `error` in place of the end."""
        chunk = super().read(size)
        if not chunk and self.error is not None:
            raise self.error
        return chunk


def serve(
    monkeypatch: Patch, answers: Mapping[str, Response | Exception] | None = None
) -> list[str]:
    """Put answers in place of the network, by default none; the list of URLs asked for so far."""
    asked: list[str] = []

    def urlopen(url: str, timeout: float) -> Response:
        asked.append(url)
        answer = (answers or {}).get(url, URLError("no network in this test"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return asked
