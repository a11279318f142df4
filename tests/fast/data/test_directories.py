"""Where data sets are looked for: the directory's choice, and directories that are not usable."""

from pathlib import Path
from typing import NoReturn

import pytest

from gbm_fast.data import load_dataset
from gbm_fast.data.sources import FASHION_MNIST, KUZUSHIJI_MNIST, MNIST, IdxSource
from tests.support.downloads import serve

FAMILY = [MNIST, FASHION_MNIST, KUZUSHIJI_MNIST]
FIRST_FILE = "train-images-idx3-ubyte.gz"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch)


def failed_download(name: str, data_dir: Path | None) -> str:
    with pytest.raises(ValueError, match=f"could not download {FIRST_FILE}") as error:
        load_dataset(name, data_dir=data_dir)
    return str(error.value)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("source", FAMILY, ids=lambda source: source.name)
def test_without_a_network_urls_checksum_and_target_are_named(
    tmp_path: Path, source: IdxSource
) -> None:
    message = failed_download(source.name, tmp_path / "new")
    assert all(f"{mirror}{FIRST_FILE}" in message for mirror in source.mirrors)
    assert source.train_images.gz_md5 in message
    assert str(tmp_path / "new" / source.folder / "raw" / FIRST_FILE) in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("offline")
def test_the_argument_comes_before_the_environment_and_that_before_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_directory_that_may_not_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listdir(folder: Path) -> NoReturn:
        raise PermissionError(13, "Permission denied", str(folder))

    # The superuser may list everything, so the refusal is played.
    monkeypatch.setattr("gbm_fast.data.directory.os.listdir", listdir)
    with pytest.raises(ValueError, match=r"cannot be read \(Permission denied\)"):
        load_dataset("mnist", data_dir=tmp_path)
