"""Recorded results know the code they were measured with; what is stale is seen and labelled. In a
copy of this repository what is moved leaves every result current, what is changed does not."""

import ast
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fixtures import Patch, Shown
from validation.dependencies import OURS, ROOT, sources
from validation.dependencies.sources import module_name
from validation.provenance import Standing, code_hashes, has_code, is_short, recorded, standing
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
def clone(tmp_path: Path, monkeypatch: Patch) -> Path:
    """A small clone in place of this one."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    return tmp_path


LIBRARY = {"gbm_ref: constant", "gbm_ref: law"}


REACHED = {
    "planted": {"validation: measure"},
    "whole": {"validation: LIBRARY", "gbm_ref: grid"},
    "relative": {"validation: measure", "validation: LATER"},
}


@pytest.mark.parametrize("module", REACHED)
def test_imports_are_followed_through_the_package(clone: Path, module: str) -> None:
    """A name leads to its definition; a package passed on as a whole, to all of them."""
    assert set(code_hashes(f"validation.{module}")) == REACHED[module] | LIBRARY


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
    clone: Path, tmp_path: Path, capsys: Shown
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
    before = page(folder).replace(lines["short.json"] + "\n", "")
    assert (folder / "README.md").read_text() == before


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


# Moves and changes of definitions in a copy of this repository, as an editor would make them.


def modules(root: Path, *packages: str) -> dict[str, Path]:
    """Dotted name -> file, for each module of the packages, or of all."""
    paths = [path for one in packages or OURS for path in sorted((root / one).rglob("*.py"))]
    return {module_name(path.relative_to(root).as_posix()): path for path in paths}


def definition(root: Path, package: str, name: str) -> tuple[str, Path, ast.stmt]:
    """The module, the file and the tree of the one function or class of that name in a package."""
    found = []
    for module, path in modules(root, package).items():
        text = path.read_text(encoding="utf-8")
        if not re.search(rf"^(def|class) {name}\b", text, re.MULTILINE):
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                found.append((module, path, node))
    (one,) = found
    return one


def change(root: Path, package: str, name: str) -> None:
    """Double what a definition returns last; a class that returns nothing gets another field."""
    _, path, node = definition(root, package, name)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    returns = [n for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
    if returns:
        row = max(one.lineno for one in returns) - 1
        lines[row] = lines[row].replace("return ", "return 2 * ", 1)
    else:
        lines.insert(node.end_lineno, "\n    another: int = 0\n")
    path.write_text("".join(lines), encoding="utf-8")


def move(root: Path, package: str, name: str, folder: str) -> str:
    """Move a definition to a new folder with its imports, rewriting uses; where it came from."""
    old = definition(root, package, name)[0]
    new = f"{package}.{folder}.{name.lower()}"
    for file in modules(root).values():
        _import_anew(file, old, name, new)
    _, path, node = definition(root, package, name)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
    moved, kept = lines[first : node.end_lineno], lines[:first] + lines[node.end_lineno :]
    siblings, imports = _top_level("".join(lines))
    needed = [f"from {old} import {one}\n" for one in siblings if one != name]
    text = "".join([*imports, *needed, "\n\n", *moved])
    _file_of(root, new).write_text(text, encoding="utf-8")
    path.write_text("".join([*kept, f"from {new} import {name}\n"]), encoding="utf-8")
    return old


def _file_of(root: Path, module: str) -> Path:
    """The path of a new module, whose folder is a package."""
    path = root.joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(exist_ok=True)
    (path.parent / "__init__.py").touch()
    return path


def _top_level(text: str) -> tuple[list[str], list[str]]:
    """The names that a module defines, and its import statements."""
    names: list[str] = []
    imports = []
    for node in ast.parse(text).body:
        types_alone = isinstance(node, ast.If) and isinstance(node.test, ast.Name)
        if isinstance(node, ast.Import | ast.ImportFrom) or types_alone:
            imports.append(ast.unparse(node) + "\n")
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        else:
            stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
            names += [n.id for n in stored if isinstance(n.ctx, ast.Store)]
    return list(dict.fromkeys(names)), imports


def _import_anew(file: Path, old: str, name: str, new: str) -> None:
    """Rewrite each `from old import name` of a file."""
    text = file.read_text(encoding="utf-8")
    if old not in text or name not in text:
        return
    lines = text.splitlines(keepends=True)
    found = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ImportFrom)]
    for node in sorted(found, key=lambda one: -one.lineno):
        taken = [alias for alias in node.names if alias.name == name]
        if node.module != old or not taken:
            continue
        rest = [alias for alias in node.names if alias.name != name]
        statements = [ast.ImportFrom(new, taken, 0)]
        statements += [ast.ImportFrom(old, rest, 0)] if rest else []
        margin = " " * node.col_offset
        rewritten = [f"{margin}{ast.unparse(statement)}\n" for statement in statements]
        lines[node.lineno - 1 : node.end_lineno] = rewritten
    file.write_text("".join(lines), encoding="utf-8")


def rename(root: Path, old: str, new: str) -> None:
    """Rename a module that is used through `from ... import` and strings."""
    root.joinpath(*old.split(".")).with_suffix(".py").rename(_file_of(root, new))
    (package, _, stem), (folder, _, place) = old.rpartition("."), new.rpartition(".")
    one = rf"from {re.escape(package)} import {stem}\b"
    for file in modules(root).values():
        text = file.read_text(encoding="utf-8")
        if stem not in text:
            continue
        text = re.sub(one, f"from {folder} import {place} as {stem}", text)
        file.write_text(re.sub(rf"\b{re.escape(old)}\b", new, text), encoding="utf-8")


# Definitions that some results rest on, functions and classes of each package.
MOVED = [
    ("gbm_ref", "exact_law"),
    ("gbm_ref", "LogNormal"),
    ("gbm_fast", "uniform"),
    ("gbm_fast", "annealed"),
    ("gbm_fast", "TrainConfig"),
    ("validation", "Findings"),
]
# A definition, and the results that rest on it.
CHANGED = [
    ("gbm_fast", "Compiled", {"speed"}),
    (
        *("gbm_fast", "FeatureClassifier"),
        {"additive_peer", "digits_annealing", "digits_benchmark", "guidance"},
    ),
    ("gbm_fast", "gamma_chain_step", {"statistics_audit"}),
    ("gbm_ref", "path_divergence", {"learned_score"}),
    ("gbm_ref", "mirrored_langevin_law", {"kl_vs_stepsize", "statistics_audit"}),
    ("validation", "optimiser_seconds", {"overhead"}),
    ("gbm_ref", "log_average_flip_probability", set()),
]
Changes = dict[str, set[str]]
New = Callable[[], Changes]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: Patch) -> Path:
    """The sources of this clone, elsewhere."""
    only_sources = shutil.ignore_patterns("*.json", "*.png", "__pycache__", "*.md")
    for package in OURS:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=only_sources)
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def new(copy: Path) -> New:
    """What changes after the copy is made, by result, each as recorded with the copy's code, so
    that a stale one has a say."""
    records = {Path(name).stem: record for name, record in recorded(RESULTS).items()}
    # One is of a study that this clone no longer has: it is stale, whatever changes.
    of = {n: r.get("module", f"validation.{r['study']}") for n, r in records.items()}
    records = {name: record for name, record in records.items() if has_code(of[name])}
    for name, record in records.items():
        record["code"] = code_hashes(of[name])

    def changes() -> Changes:
        found = {name: set(standing(record).changed) for name, record in records.items()}
        return {name: changed for name, changed in found.items() if changed}

    assert changes() == {}
    return changes


def test_definitions_that_move_leave_every_result_current(copy: Path, new: New) -> None:
    for package, name in MOVED:
        old = move(copy, package, name, "elsewhere")
        assert definition(copy, package, name)[0] != old
    assert new() == {}
    for package, name in MOVED:
        change(copy, package, name)
    assert set().union(*new().values()) == {f"{package}: {name}" for package, name in MOVED}


def test_modules_that_are_renamed_leave_every_result_current(copy: Path, new: New) -> None:
    for package, name in MOVED:
        stem = f"with_{name.lower()}"
        rename(copy, definition(copy, package, name)[0], f"{package}.elsewhere.{stem}")
        assert definition(copy, package, name)[0].endswith(stem)
    assert new() == {}


def test_a_formula_that_changes_makes_stale_what_rests_on_it(copy: Path, new: New) -> None:
    expected: Changes = {}
    for package, name, results in CHANGED:
        change(copy, package, name)
        for result in results:
            expected.setdefault(result, set()).add(f"{package}: {name}")
    assert new() == expected
