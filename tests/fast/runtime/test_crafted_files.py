"""Files of ours that somebody has made to harm: facts and headers, with right checksums."""

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from gbm_fast.runtime import files
from tests.support.fixtures import Patch

TENSORS = {"a": torch.arange(6.0).reshape(2, 3).t(), "n": torch.tensor(41)}
FACTS_OF_OTHERS = {
    "no JSON": "{",
    "empty": "",
    "a list": "[1]",
    "a number": "1e9",
    "nested": "[" * 100_000,
    "digits": "1" * 10_000,
    "a key twice": '{"step": 1, "step": 2}',
    "a key twice inside": '{"config": {"width": 8, "width": 9}}',
}


@pytest.mark.parametrize("name", FACTS_OF_OTHERS)
def test_crafted_facts_are_refused_though_their_checksum_is_right(
    tmp_path: Path, name: str
) -> None:
    path, text = tmp_path / "state.safetensors", FACTS_OF_OTHERS[name]
    path.write_bytes(crafted(text, TENSORS))
    with pytest.raises(files.DamagedFileError, match="safetensors has facts in its header"):
        files.load_tensors(path, files.STATE_FORMAT)
    path.write_bytes(crafted('{"step": 1}', TENSORS))
    assert files.load_tensors(path, files.STATE_FORMAT)[1] == {"step": 1}


def crafted(facts: str, held: dict[str, Tensor]) -> bytes:
    contiguous = {name: tensor.contiguous() for name, tensor in held.items()}
    prefix = json.dumps([files.STATE_FORMAT, facts]).encode()
    digest = files.tensors_sha256(contiguous, prefix)
    header = {"format": files.STATE_FORMAT, "facts": facts, "sha256": digest}
    return save(contiguous, metadata=header)


def raw(header: str, body: bytes = b"", length: int | None = None) -> bytes:
    content = header.encode()
    return struct.pack("<Q", len(content) if length is None else length) + content + body


def entry(dtype: str, shape: str, end: int) -> str:
    return f'{{"a": {{"dtype": "{dtype}", "shape": {shape}, "data_offsets": [0, {end}]}}}}'


HEADERS = {
    "2^60 bytes": raw("{}", length=1 << 60),
    "nested": raw("[" * 100_000),
    "nested objects": raw('{"a":' * 10_000),
    "huge": raw(entry("F32", "[4294967296, 4294967296]", 4), bytes(4)),
    "overflow": raw(entry("F32", "[18446744073709551615, 2]", 4), bytes(4)),
    "empty and huge": raw(entry("F32", "[9223372036854775807, 9223372036854775807, 0]", 0)),
    "beyond the end": raw(entry("F32", "[4]", 1 << 40), bytes(16)),
    "float8": raw(entry("F8_E4M3", "[4]", 4), bytes(4)),
    "float4": raw(entry("F4", "[8]", 4), bytes(4)),
    "bool": raw(entry("BOOL", "[4]", 4), b"\2\3\4\5"),
    "complex": raw(entry("C64", "[1]", 8), bytes(8)),
    "unknown type": raw(entry("Q99", "[4]", 4), bytes(4)),
    "facts that are no texts": raw('{"__metadata__": {"format": 7}}'),
}


@pytest.mark.parametrize("name", HEADERS)
def test_crafted_headers_are_damage_and_nothing_else(tmp_path: Path, name: str) -> None:
    (path := tmp_path / "state.safetensors").write_bytes(HEADERS[name])
    with pytest.raises(files.DamagedFileError, match=r"state\.safetensors is (trunc|a foreign)"):
        files.load_tensors(path, files.STATE_FORMAT)


def test_tensors_of_other_types_come_back(tmp_path: Path) -> None:
    """The checksum is taken of their bytes, whatever they are."""
    held = {"b": torch.tensor([True, False]), "c": torch.tensor([1 + 2j]), "e": torch.empty(0, 3)}
    held["f"] = torch.tensor([0.5, -2.0]).to(torch.float8_e4m3fn)
    files.save_tensors(path := tmp_path / "x.safetensors", held, files.STATE_FORMAT, {})
    found, _ = files.load_tensors(path, files.STATE_FORMAT)
    assert all(torch.equal(found[n].float(), held[n].float()) for n in "be")
    assert found["f"].dtype == held["f"].dtype and torch.equal(found["c"], held["c"])


def test_too_little_memory_is_no_damage(tmp_path: Path, monkeypatch: Patch) -> None:
    (path := tmp_path / "state.safetensors").write_bytes(crafted("{}", TENSORS))

    def full(*_: object) -> str:
        raise MemoryError

    monkeypatch.setattr(files, "_checksum", full)
    with pytest.raises(ValueError, match="is too large for the memory") as error:
        files.load_tensors(path, files.STATE_FORMAT)
    assert not isinstance(error.value, files.DamagedFileError)
