"""Recorded results know the code they were measured with; what is stale is seen and labelled."""

import json
from pathlib import Path

import pytest

from validation.dependencies import sources
from validation.provenance import Standing, code_hashes, has_code, is_short, standing
from validation.recorded import main, page, stale_short_results
from validation.study import RESULTS, Check, Findings, Settings, Study, run

FILES = {
    "gbm_ref/__init__.py": (
        '"""Doc."""\nfrom gbm_ref.laws import law\nfrom gbm_ref.grids import grid\n'
    ),
    "gbm_ref/laws.py": (
        "from gbm_ref._inner import constant\n\n\ndef law():\n    return constant\n"
    ),
    "gbm_ref/grids.py": "def grid():\n    return 1\n",
    "gbm_ref/_inner.py": "constant = 2\n",
    "validation/planted.py": (
        "def measure():\n    import numpy\n    import gbm_ref\n    return gbm_ref.law()\n"
    ),
    "validation/whole.py": "import gbm_ref\n\nLIBRARY = gbm_ref\n",
    "validation/relative.py": "from .planted import measure\n\nLATER = measure\n",
}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small clone in place of this one."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    return tmp_path


LIBRARY = {"gbm_ref: constant", "gbm_ref: law"}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("validation.planted", {"validation: measure", *LIBRARY}),
        ("validation.whole", {"validation: LIBRARY", "gbm_ref: grid", *LIBRARY}),
        ("validation.relative", {"validation: measure", "validation: LATER", *LIBRARY}),
    ],
)
def test_imports_are_followed_through_the_package(
    clone: Path, module: str, expected: set[str]
) -> None:
    """A name leads to its definition; a package passed on as a whole, to all of them."""
    assert set(code_hashes(module)) == expected


def test_a_foreign_module_is_refused() -> None:
    with pytest.raises(ValueError, match="not a module of this repository"):
        code_hashes("numpy.linalg")
    assert not has_code("numpy.linalg") and has_code("validation.study")


def test_a_result_is_stale_from_the_change_of_any_definition_it_reaches(clone: Path) -> None:
    record = {"study": "planted", "code": code_hashes("validation.planted")}
    assert standing(record) == Standing(True, ())
    (clone / "gbm_ref/grids.py").write_text("def grid():\n    return 7\n")
    assert standing(record).current
    (clone / "gbm_ref/_inner.py").write_text("# reworded\nconstant = 2\n")
    assert standing(record).current
    (clone / "gbm_ref/_inner.py").write_text("constant = 3\n")
    assert standing(record) == Standing(True, ("gbm_ref: constant",))
    (clone / "gbm_ref/_inner.py").write_text("")
    (clone / "gbm_ref/laws.py").write_text("constant = 2\n\n\ndef law():\n    return constant\n")
    assert standing(record).current
    assert not standing({"study": "planted"}).current
    (clone / "validation/planted.py").unlink()
    assert not standing(record).current


def record_of(folder: Path, name: str, seconds: float, code: dict[str, str]) -> None:
    record = {"study": "planted", "command": f"run {name}", "code": code, "passed": True}
    text = json.dumps(record | {"processor_seconds": seconds, "date": "2026-01-01"})
    (folder / f"{name}.json").write_text(text)


def test_stale_results_are_labelled_and_short_ones_fail(
    clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    good = code_hashes("validation.planted")
    bad = good | {"gbm_ref: law": "0" * 12}
    record_of(folder, "fresh", 5.0, good)
    record_of(folder, "long", 5000.0, bad)
    record_of(folder, "old", 5000.0, {"gbm_ref/laws.py": "0" * 16})
    record_of(folder, "older", 5000.0, {})
    record_of(folder, "draft-quick", 5.0, bad)
    assert stale_short_results(folder) == []
    assert main(["--folder", str(folder), "--write"]) == 0
    record_of(folder, "short", 5.0, bad)
    assert main(["--folder", str(folder)]) == 1
    assert "stale, run again: run short" in capsys.readouterr().out
    lines = {line.split("`")[1]: line for line in page(folder).splitlines() if ".json" in line}
    assert set(lines) == {f"{name}.json" for name in ("fresh", "long", "old", "older", "short")}
    assert "current |" in lines["fresh.json"]
    assert "**STALE**: changed since: `gbm_ref: law`" in lines["long.json"]
    assert "**STALE**: unknown, recorded by file" in lines["old.json"]
    assert "**STALE**: recorded before the code's hash was stored" in lines["older.json"]
    assert not is_short({"study": "planted"})
    assert not is_short({"study": "planted", "processor_seconds": None})
    assert (folder / "README.md").read_text() == page(folder).replace(
        lines["short.json"] + "\n", ""
    )


def test_a_study_stores_the_hashes_of_its_own_code(tmp_path: Path) -> None:
    def measure(settings: Settings) -> Findings:
        return Findings({}, {}, (Check("holds", True, ""),))

    def draw(findings: Findings, path: Path) -> None:
        path.write_bytes(b"picture")

    run(Study("kl_vs_stepsize", "a stand-in", measure, draw), Settings(out_dir=tmp_path))
    stored = json.loads((tmp_path / "kl_vs_stepsize.json").read_text())["code"]
    assert stored == code_hashes("validation.kl_vs_stepsize")
    assert {"gbm_ref: exact_law", "gbm_fast: simulate", "validation: law_check"} <= set(stored)
    assert "gbm_ref: log_flip_probability" not in stored


def test_the_recorded_results_are_labelled_and_the_short_ones_current() -> None:
    """Run the studies that this names again, then `python -m validation.recorded --write`."""
    assert stale_short_results(RESULTS) == []
    assert (RESULTS / "README.md").read_text(encoding="utf-8") == page(RESULTS)
