"""Checkpoint files: nothing foreign or truncated is read, and a crash spoils none of them."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from gbm_fast.runtime import files
from tests.support.fixtures import Patch

FACTS = {"step": 12, "seconds": 1.75, "config": {"width": 8, "multipliers": [1, 2], "x": None}}


def tensors() -> dict[str, Tensor]:
    """Tensors of several types and shapes, one of them not contiguous."""
    return {
        "a.weight": torch.arange(24, dtype=torch.float32).reshape(4, 6).t() / 7,
        "a.moment": torch.linspace(-3, 5, 11, dtype=torch.float64),
        "count": torch.tensor(41),
        "half": torch.tensor([0.1, -2.5], dtype=torch.bfloat16),
    }


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    files.save_tensors(tmp_path / "state.safetensors", tensors(), files.STATE_FORMAT, FACTS)
    return tmp_path / "state.safetensors"


def test_tensors_and_facts_come_back_exactly(path: Path) -> None:
    found, facts = files.load_tensors(path, files.STATE_FORMAT)
    assert_same(found, tensors())
    assert facts == FACTS
    assert names(path.parent) == {"state.safetensors"}


@pytest.mark.parametrize("share", [0.0, 1e-9, 0.1, 0.5, 0.9, 1.0])
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    whole = path.read_bytes()
    # 0 keeps nothing, 1e-9 one byte, 1 all but one.
    length = min(len(whole) - 1, -int(-share * len(whole) // 1))
    path.write_bytes(whole[:length])
    with pytest.raises(ValueError, match="state.safetensors is truncated or not a safetensors"):
        files.load_tensors(path, files.STATE_FORMAT)


def test_any_single_bit_that_flips_is_noticed(path: Path) -> None:
    """One bit of every byte of a file in turn: lengths, header, padding, names and numbers."""
    few = {"w": torch.tensor([0.5, -0.0]), "n": torch.tensor(7)}
    files.save_tensors(path, few, files.STATE_FORMAT, {"step": 3})
    whole = path.read_bytes()
    for position in range(len(whole)):
        content = bytearray(whole)
        content[position] ^= 1 << position % 7
        path.write_bytes(content)
        with pytest.raises(files.DamagedFileError):
            files.load_tensors(path, files.STATE_FORMAT)
    path.write_bytes(whole)
    assert_same(files.load_tensors(path, files.STATE_FORMAT)[0], few)


@pytest.mark.parametrize("content", [b"\x80\x04 a pickle", b"{}" * 40, bytes(64), b"\xff" * 64])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="weights.safetensors is (truncated|a foreign)"):
        files.load_tensors(path, files.WEIGHTS_FORMAT)


def test_foreign_safetensors_are_refused_with_what_was_expected(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(tensors() | {"a.weight": torch.ones(2)}, path)
    with pytest.raises(ValueError, match="foreign file: expected the format .*weights.*'none'"):
        files.load_tensors(path, files.WEIGHTS_FORMAT)
    files.save_tensors(path, tensors(), files.STATE_FORMAT, FACTS)
    with pytest.raises(ValueError, match="expected the format .*weights 2.* state 3'"):
        files.load_tensors(path, files.WEIGHTS_FORMAT)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("missing.safetensors", "folder"):
        with pytest.raises(ValueError, match=f"{name} does not exist or is not a file"):
            files.load_tensors(tmp_path / name, files.STATE_FORMAT)


def full_disk(*arguments: object) -> None:
    raise OSError(28, "No space left on device")


def interrupted(*arguments: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("failure", [full_disk, interrupted])
def test_a_failing_write_leaves_the_previous_file_and_nothing_else(
    path: Path, monkeypatch: Patch, call: str, failure: Callable[..., None]
) -> None:
    other = {"a.weight": torch.full((3,), 0.25)}
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failure)
        with pytest.raises((OSError, KeyboardInterrupt)):
            files.save_tensors(path, other, files.STATE_FORMAT, {})
    assert names(path.parent) == {"state.safetensors"}
    found, facts = files.load_tensors(path, files.STATE_FORMAT)
    assert_same(found, tensors())
    assert facts == FACTS
    # The same call without the failure does replace the file: the test can tell the two apart.
    files.save_tensors(path, other, files.STATE_FORMAT, {})
    assert_same(files.load_tensors(path, files.STATE_FORMAT)[0], other)


def test_a_new_file_is_whole_at_once(tmp_path: Path, monkeypatch: Patch) -> None:
    """Before it takes the name, which another has."""
    path, seen, replace = tmp_path / "config.json", [], os.replace
    path.write_bytes(b"old")

    def watched(source: Path, target: Path) -> None:
        seen.append((Path(source).read_bytes(), Path(target).read_bytes(), Path(source).parent))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    files.write_atomic(path, b"new content")
    # Aside in the same folder: a rename between file systems is a copy, which can be cut short.
    assert seen == [(b"new content", b"old", tmp_path)]
    assert path.read_bytes() == b"new content"


def test_what_has_the_name_of_the_unfinished_file_is_left(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    """A file, and a link, which would be written through."""
    precious, tokens = tmp_path / "precious", iter(["aa", "bb", "cc"])
    precious.write_bytes(b"theirs")
    monkeypatch.setattr(files.secrets, "token_hex", lambda size: next(tokens))
    taken = [tmp_path / f".x.json.{os.getpid()}.{token}.tmp" for token in ("aa", "bb")]
    taken[0].write_bytes(b"theirs")
    taken[1].symlink_to(precious)
    files.write_atomic(tmp_path / "x.json", b"ours")
    assert (tmp_path / "x.json").read_bytes() == b"ours"
    assert [path.read_bytes() for path in (precious, *taken)] == [b"theirs"] * 3
    assert names(tmp_path) == {"x.json", "precious", *(path.name for path in taken)}


def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "x.json").symlink_to(tmp_path / "theirs")
    files.write_atomic(tmp_path / "x.json", b"ours")
    assert not (tmp_path / "x.json").is_symlink()
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EIO])
def test_folders_that_cannot_be_synced_are_written_in(
    tmp_path: Path, monkeypatch: Patch, number: int
) -> None:
    """Shares of some systems refuse to sync a folder; a disk that fails is another matter."""
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    if number == errno.EIO:
        with pytest.raises(OSError, match=r"Input/output error: .*x\.json"):
            files.write_atomic(tmp_path / "x.json", b"ours")
    else:
        files.write_atomic(tmp_path / "x.json", b"ours")
    assert names(tmp_path) == {"x.json"}


def test_a_name_may_be_as_long_as_a_name_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 120 + ".json")
    files.write_atomic(path, b"ours")
    assert names(tmp_path) == {path.name}
    with pytest.raises(OSError, match="File name too long: .*/b"):
        files.write_atomic(tmp_path / ("b" * 256), b"ours")


def test_a_failed_write_names_the_file(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match=r"No space left on device: .*/x\.json"):
        files.write_atomic(tmp_path / "x.json", b"ours")


def test_files_of_another_version_are_told_from_damaged_ones(path: Path) -> None:
    for kind in ("gbm-diffusion training state 2", "gbm-diffusion training state 17"):
        files.save_tensors(path, tensors(), kind, FACTS)
        with pytest.raises(files.OtherVersionError, match=f"another version .*{kind}"):
            files.load_tensors(path, files.STATE_FORMAT)
    path.write_bytes(b"\0" * 500)
    with pytest.raises(files.DamagedFileError) as caught:
        files.load_tensors(path, files.STATE_FORMAT)
    assert not isinstance(caught.value, files.OtherVersionError)


def test_equal_tensors_have_one_hash_in_any_order_and_layout() -> None:
    given = tensors()
    turned = {name: given[name] for name in reversed(given)}
    turned["a.weight"] = given["a.weight"].contiguous()
    assert files.tensors_sha256(given) == files.tensors_sha256(turned)
    for change in ({"count": torch.tensor(42)}, {"half": torch.tensor([0.1, -2.5])}):
        assert files.tensors_sha256(given | change) != files.tensors_sha256(given)
