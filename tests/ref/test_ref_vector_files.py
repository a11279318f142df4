"""The files of the accuracy vectors: what was changed is noticed; results of other programs."""

import json
import shutil
from pathlib import Path

import pytest

from gbm_ref.vectors import (
    ORACLE,
    check_files,
    load,
    read_results,
    verify,
    verify_results,
    version,
)
from tests.support.source_tree import ROOT

FOLDER = ROOT / "gbm_ref" / "vectors"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files in another folder."""
    return Path(shutil.copytree(FOLDER, tmp_path / "vectors"))


def test_the_shipped_files_are_those_of_the_manifest(copy: Path) -> None:
    check_files()
    check_files(copy)
    assert version(copy) == version() == MANIFEST["version"]


def test_a_changed_digit_is_detected(copy: Path) -> None:
    path = copy / "denoiser.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"tcId": 7,', b'"tcId": 8,', 1))
    with pytest.raises(ValueError, match=r"denoiser\.jsonl was changed: SHA-256"):
        check_files(copy)
    with pytest.raises(ValueError, match="was changed"):
        verify("denoiser", ORACLE["denoiser"], copy)


def test_missing_added_and_misplaced_files_are_detected(copy: Path) -> None:
    (copy / "more.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match=r"not named in manifest\.json: \['more\.jsonl'\]"):
        check_files(copy)
    (copy / "denoiser.jsonl").unlink()
    with pytest.raises(ValueError, match=r"denoiser\.jsonl is missing"):
        check_files(copy)


def manifest_with(copy: Path, change: dict[str, object]) -> None:
    """Rewrite what the manifest says about the denoiser."""
    text = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    text["functions"]["denoiser"].update(change)
    (copy / "manifest.json").write_text(json.dumps(text), encoding="utf-8")


def test_a_manifest_that_is_about_other_rows_is_detected(copy: Path) -> None:
    manifest_with(copy, {"rows": 3})
    with pytest.raises(ValueError, match="must hold 3 rows"):
        load("denoiser", copy)
    other = MANIFEST["functions"]["gradient_step"]
    manifest_with(copy, {key: other[key] for key in ("file", "sha256", "rows")})
    with pytest.raises(ValueError, match="no rows of other functions"):
        load("denoiser", copy)


def test_unknown_functions_are_named() -> None:
    with pytest.raises(ValueError, match="no vectors for 'nothing'; there are some for forward_"):
        load("nothing")


def results(name: str) -> list[str]:
    """What a correct program would write."""
    return [
        json.dumps({"fn": name, "tcId": row.tc_id, "out": row.nearest.hex()}) for row in load(name)
    ]


def test_results_of_another_program_are_judged() -> None:
    given = results("denoiser")
    assert verify_results("denoiser", read_results([*given, ""])).passed
    decimal = json.dumps({"fn": "denoiser", "tcId": 1, "out": load("denoiser")[0].nearest})
    assert verify_results("denoiser", read_results([decimal, *given[1:]])).passed
    short = verify_results("denoiser", read_results(given[1:]))
    assert [f.vector.tc_id for f in short.failures] == [1]
    with pytest.raises(ValueError, match="two results for denoiser 1"):
        read_results([given[0], given[0]])
    for line in ("1", "{}", '{"fn": "denoiser", "tcId": 1, "out": "x"}', "not JSON"):
        with pytest.raises(ValueError, match="not a line"):
            read_results([line])
