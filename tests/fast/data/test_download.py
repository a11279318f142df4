"""Where data sets are looked for, and downloads: the target is complete and checked or absent."""

import hashlib
import http.client
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn
from urllib.error import URLError

import pytest

from gbm_fast.data import load_dataset
from gbm_fast.data.download import fetch
from gbm_fast.data.sources import CIFAR10, FASHION_MNIST, KUZUSHIJI_MNIST, MNIST, IdxSource
from tests.support import downloads
from tests.support.downloads import Response
from tests.support.fixtures import Patch

CONTENT = bytes(range(7, 250)) * 11
MD5 = hashlib.md5(CONTENT).hexdigest()
Serve = Callable[..., list[str]]
HOST = socket.gethostname()
URLS = ("https://first.example/file.bin", "https://second.example/file.bin")


def whole(body: bytes, error: BaseException | None = None) -> Response:
    """An answer that announces the length of CONTENT."""
    return Response(body, error, len(CONTENT))


@pytest.fixture
def serve(monkeypatch: Patch) -> Serve:
    return partial(downloads.serve, monkeypatch)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_good_answer_lands_at_the_target_and_nowhere_else(tmp_path: Path, serve: Serve) -> None:
    asked = serve({URLS[0]: whole(CONTENT)})
    target = tmp_path / "a" / "b" / "file.bin"
    fetch(URLS, target, MD5)
    assert target.read_bytes() == CONTENT
    assert files_below(tmp_path) == [target]
    assert asked == [URLS[0]]


def test_an_answer_without_a_length_is_accepted(tmp_path: Path, serve: Serve) -> None:
    serve({URLS[0]: Response(CONTENT)})
    fetch(URLS[:1], tmp_path / "file.bin", MD5)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


RESET = ConnectionResetError("reset by peer")


class Endless(Response):
    """A mirror that never stops sending."""

    def read(self, size: int | None = -1, /) -> bytes:
        return bytes(1 << 24)


def with_length(text: str) -> Response:
    (answer := whole(b"page")).headers["Content-Length"] = text
    return answer


def elsewhere(url: str) -> Response:
    """An answer after a redirection."""
    (answer := whole(CONTENT)).url = url
    return answer


FIRST: dict[str, Callable[[], Response | Exception]] = {
    "unreachable": lambda: URLError("no route"),
    "no length": lambda: with_length("many"),
    "too much announced": lambda: with_length(str(1 << 40)),
    "more announced than sent": lambda: with_length("5000"),
    "endless": lambda: Endless(b""),
    "redirected to http": lambda: elsewhere("http://first.example/file.bin"),
    "no status": lambda: http.client.BadStatusLine("?"),
    "unknown": RuntimeError,
    "slow": lambda: TimeoutError("timed out"),
    "wrong checksum": lambda: whole(CONTENT[:-1]),
    "dies half-way": lambda: whole(CONTENT[:900], error=RESET),
}


@pytest.mark.parametrize("first", FIRST)
def test_the_second_mirror_follows_the_first(tmp_path: Path, serve: Serve, first: str) -> None:
    asked = serve({URLS[0]: FIRST[first](), URLS[1]: whole(CONTENT)})
    fetch(URLS, tmp_path / "file.bin", MD5)
    assert files_below(tmp_path) == [tmp_path / "file.bin"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert asked == list(URLS)


def test_an_address_without_https_is_not_asked(tmp_path: Path, serve: Serve) -> None:
    insecure = "http://third.example/file.bin"
    asked = serve({insecure: whole(CONTENT), URLS[1]: elsewhere(URLS[1])})
    with pytest.raises(ValueError, match="http://third.* is not asked, since it is no https"):
        fetch((insecure,), tmp_path / "file.bin", MD5)
    fetch((insecure, URLS[1]), tmp_path / "file.bin", MD5)
    assert asked == [URLS[1]]
    mirrors = [mirror for source in FAMILY for mirror in source.mirrors] + [CIFAR10.url]
    assert all(mirror.startswith("https://") for mirror in mirrors)


def test_leftovers_of_dead_processes_are_removed(tmp_path: Path, serve: Serve) -> None:
    """Not those of living ones or of other computers, nor what only looks like one."""
    serve({URLS[0]: whole(CONTENT)})
    dead = 2**22 + 1  # more than a system has
    kept = {f"file.bin.part-{os.getppid()}-{HOST}", "file.bin.part-1-elsewhere", "file.bin.part-x"}
    gone = {f"file.bin.part-{dead}", f"file.bin.part-{dead}-{HOST}"}
    kept |= {f"other.bin.part-{dead}", f"file.bin.part-{dead}-elsewhere"}
    for name in kept | gone:
        (tmp_path / name).write_bytes(b"half")
    fetch(URLS[:1], tmp_path / "file.bin", MD5)
    assert {path.name for path in tmp_path.iterdir()} == kept | {"file.bin"}


def test_a_link_in_the_place_of_the_partial_file_is_not_written_through(
    tmp_path: Path, serve: Serve
) -> None:
    serve({URLS[0]: whole(CONTENT)})
    (tmp_path / "mine").write_bytes(b"precious")
    for name in (f"file.bin.part-{os.getpid()}", f"file.bin.part-{os.getpid()}-{HOST}"):
        (tmp_path / name).symlink_to("mine")
    fetch(URLS[:1], tmp_path / "file.bin", MD5)
    assert (tmp_path / "mine").read_bytes() == b"precious"
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_another_process_that_was_faster_is_no_matter(tmp_path: Path, serve: Serve) -> None:
    """It has put the same file there while we were downloading."""

    class Slow(Response):
        def read(self, size: int | None = -1, /) -> bytes:
            (tmp_path / "file.bin").write_bytes(CONTENT)
            return super().read(size)

    serve({URLS[0]: Slow(CONTENT)})
    fetch(URLS[:1], tmp_path / "file.bin", MD5)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert files_below(tmp_path) == [tmp_path / "file.bin"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_named_and_no_other_mirror_asked(
    tmp_path: Path, serve: Serve, monkeypatch: Patch, call: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    asked = serve({url: whole(CONTENT) for url in URLS})
    monkeypatch.setattr(os, call, full)
    with pytest.raises(ValueError, match="cannot write .*file.bin .*No space left .*make room"):
        fetch(URLS, tmp_path / "file.bin", MD5)
    assert asked == [URLS[0]] and files_below(tmp_path) == []


def test_no_network_names_urls_checksum_and_target(tmp_path: Path, serve: Serve) -> None:
    serve({url: URLError("name resolution failed") for url in URLS})
    target = tmp_path / "deep" / "file.bin"
    with pytest.raises(ValueError, match="could not download file.bin") as error:
        fetch(URLS, target, MD5)
    urls = (f"{url}: <urlopen error name resolution failed>" for url in URLS)
    assert all(part in str(error.value) for part in (*urls, MD5, str(target)))
    assert list(tmp_path.iterdir()) == []


FAILED = (ValueError, "could not download file.bin")
FAILURES = [
    (RESET, *FAILED),
    (TimeoutError("timed out"), *FAILED),
    (http.client.IncompleteRead(b""), *FAILED),
    (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
]


@pytest.mark.parametrize(("failure", "error", "words"), FAILURES)
def test_a_connection_that_dies_half_way_or_ctrl_c_leaves_no_file(
    tmp_path: Path, serve: Serve, failure: BaseException, error: type, words: str
) -> None:
    serve({URLS[0]: whole(CONTENT[:1000], error=failure)})
    with pytest.raises(error, match=words):
        fetch(URLS[:1], tmp_path / "file.bin", MD5)
    assert files_below(tmp_path) == []


def test_a_wrong_checksum_is_named_and_leaves_no_file(tmp_path: Path, serve: Serve) -> None:
    wrong = CONTENT[:-1] + b"\x00"
    serve({URLS[0]: whole(wrong)})
    with pytest.raises(ValueError, match="could not download") as error:
        fetch(URLS[:1], tmp_path / "file.bin", MD5)
    found = f"{URLS[0]}: the file it sent has MD5 {hashlib.md5(wrong).hexdigest()}"
    assert found in str(error.value) and f"expected MD5 {MD5}" in str(error.value)
    assert files_below(tmp_path) == []


def test_an_older_file_outlives_a_failed_download(tmp_path: Path, serve: Serve) -> None:
    target = tmp_path / "file.bin"
    target.write_bytes(b"older")
    serve({URLS[0]: whole(CONTENT[:1000], error=RESET)})
    with pytest.raises(ValueError, match="reset by peer"):
        fetch(URLS[:1], target, MD5)
    assert target.read_bytes() == b"older" and files_below(tmp_path) == [target]


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "folder").write_bytes(b"in the way")
    serve({URLS[0]: whole(CONTENT)})
    with pytest.raises(ValueError, match="cannot create the folder .*folder"):
        fetch(URLS[:1], tmp_path / "folder" / "file.bin", MD5)
    assert files_below(tmp_path) == [tmp_path / "folder"]


FAMILY = [MNIST, FASHION_MNIST, KUZUSHIJI_MNIST]
FIRST_FILE = "train-images-idx3-ubyte.gz"


def failed_download(name: str, data_dir: Path | None) -> str:
    with pytest.raises(ValueError, match=f"could not download {FIRST_FILE}") as error:
        load_dataset(name, data_dir=data_dir)
    return str(error.value)


@pytest.mark.parametrize("source", FAMILY, ids=lambda source: source.name)
def test_offline_urls_checksum_and_target_are_named(
    tmp_path: Path, serve: Serve, source: IdxSource
) -> None:
    serve()
    message = failed_download(source.name, tmp_path / "new")
    assert all(f"{mirror}{FIRST_FILE}" in message for mirror in source.mirrors)
    assert source.train_images.gz_md5 in message
    assert str(tmp_path / "new" / source.folder / "raw" / FIRST_FILE) in message
    assert list(tmp_path.iterdir()) == []


def test_argument_environment_default(tmp_path: Path, monkeypatch: Patch) -> None:
    """The argument comes before the environment, and that before the default."""
    downloads.serve(monkeypatch)
    monkeypatch.chdir(tmp_path)
    tail = Path("MNIST") / "raw" / FIRST_FILE
    monkeypatch.setenv("GBM_DATA", str(tmp_path / "named"))
    assert failed_download("mnist", tmp_path / "given").endswith(str(tmp_path / "given" / tail))
    assert failed_download("mnist", None).endswith(str(tmp_path / "named" / tail))
    monkeypatch.setenv("GBM_DATA", "")
    assert failed_download("mnist", None).endswith(f" {Path('data') / tail}")
    monkeypatch.delenv("GBM_DATA")
    assert failed_download("mnist", None).endswith(f" {Path('data') / tail}")


def test_the_published_checksums_are_all_different() -> None:
    parts = ("train_images", "train_labels", "test_images", "test_labels")
    files = [getattr(source, part) for source in FAMILY for part in parts]
    sums = [file.gz_md5 for file in files] + [file.raw_md5 for file in files if file.raw_md5]
    assert len(set(sums)) == len(sums) == 12 + 8
    assert all(len(md5) == 32 and set(md5) <= set("0123456789abcdef") for md5 in sums)


def test_missing_directories_and_files_in_their_place_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="data directory .*nowhere does not exist"):
        load_dataset("mnist", data_dir=tmp_path / "nowhere", download=False)
    (tmp_path / "MNIST").write_bytes(b"not a directory")
    with pytest.raises(ValueError, match="MNIST/raw.* cannot be read"):
        load_dataset("mnist", data_dir=tmp_path, download=True)


@pytest.mark.parametrize("download", [False, True])
def test_a_file_in_place_of_the_directory_is_named(tmp_path: Path, download: bool) -> None:
    (tmp_path / "file").write_bytes(b"not a directory")
    with pytest.raises(ValueError, match="data directory .*file cannot be read"):
        load_dataset("mnist", data_dir=tmp_path / "file", download=download)


def test_an_unlisted_directory_is_named(tmp_path: Path, monkeypatch: Patch) -> None:
    def listdir(folder: Path) -> NoReturn:
        raise PermissionError(13, "Permission denied", str(folder))

    # The superuser may list everything, so the refusal is played.
    monkeypatch.setattr("gbm_fast.data.directory.os.listdir", listdir)
    with pytest.raises(ValueError, match=r"cannot be read \(Permission denied\)"):
        load_dataset("mnist", data_dir=tmp_path)
