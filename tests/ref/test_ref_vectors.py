"""The accuracy vectors: schema, pass rule, `gbm_ref` within every bound, and changed files."""

import json
import math
import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from gbm_ref import vectors
from gbm_ref.vectors.records import verify_rows
from gbm_ref.vectors.store import lines
from tests.support.source_tree import ROOT

ROWS = {name: vectors.load(name) for name in vectors.names()}
FOLDER = ROOT / "gbm_ref" / "vectors"
SCHEMA = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", vectors.names())
def test_the_oracle_is_within_every_bound(name: str) -> None:
    report = vectors.verify_oracle(name)
    assert report.rows == vectors.function_entry(name).rows >= 25
    assert report.failures == () and report.passed and report.worst <= 1.0


def test_the_oracle_answers_for_every_function_and_bounds_above_eight_have_a_reason() -> None:
    assert set(vectors.ORACLE) == set(vectors.names())
    entries = [vectors.function_entry(name) for name in vectors.names()]
    assert len(entries) >= 125 and sum(entry.rows for entry in entries) >= 3850
    assert [e.name for e in entries if e.k > 8 and not e.k_reason] == []


def problems(value: object, rule: dict) -> list[str]:
    """What is wrong with a JSON value by the keywords that schema.json uses."""
    if "$ref" in rule:
        return problems(value, SCHEMA["$defs"][rule["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in rule:
        return [] if any(not problems(value, r) for r in rule["anyOf"]) else [f"{value!r}: anyOf"]
    if "enum" in rule:
        return [] if value in rule["enum"] else [f"{value!r}: enum"]
    kinds = {"object": dict, "array": list, "string": str, "integer": int}
    if not isinstance(value, kinds[rule["type"]]) or isinstance(value, bool):
        return [f"{value!r}: not {rule['type']}"]
    if isinstance(value, str):
        long = len(value) >= rule.get("minLength", 0)
        found = re.search(rule.get("pattern", ""), value) and long
        return [] if found else [f"{value!r}: pattern"]
    if isinstance(value, int):
        return [] if value >= rule.get("minimum", value) else [f"{value!r}: minimum"]
    if isinstance(value, list):
        short = ["too short"] if len(value) < rule.get("minItems", 0) else []
        return short + [p for entry in value for p in problems(entry, rule["items"])]
    return _object_problems(dict(value), rule)


def _object_problems(value: dict, rule: dict) -> list[str]:
    known, others = rule.get("properties", {}), rule["additionalProperties"]
    found = [f"{name}: missing" for name in rule.get("required", []) if name not in value]
    if len(value) < rule.get("minProperties", 0):
        found.append("too few properties")
    for name, entry in value.items():
        if name in known:
            found += problems(entry, known[name])
        else:
            found += [f"{name}: unknown"] if others is False else problems(entry, others)
    return found


@pytest.mark.parametrize("name", vectors.names())
def test_rows_follow_the_schema_and_the_manifest(name: str) -> None:
    entry = vectors.function_entry(name)
    for number, line in enumerate(lines(name), start=1):
        row = json.loads(line)
        assert problems(row, SCHEMA) == []
        assert list(row) == SCHEMA["required"]
        assert (row["tcId"], row["fn"], row["k"]) == (number, name, entry.k)
        assert row["claim"] == entry.claim and list(row["args"]) == list(entry.args)
        assert set(row["kills"]) <= set(entry.mistakes)


GOOD = json.loads(lines("forward_sample")[0])


@pytest.mark.parametrize(
    "change",
    [
        {"tcId": 0}, {"tcId": "1"}, {"tcId": True}, {"fn": ""}, {"fn": None}, {"args": {}},
        {"args": {"x": "1.5"}}, {"args": {"x": []}}, {"out50": "1.5"}, {"out50": "nan"},
        {"S": "inf"}, {"k": 7.5}, {"flags": []}, {"flags": ["OTHER"]}, {"kills": []},
        {"claim": ""}, {"more": 1}
    ],
    ids=str
)  # fmt: skip
def test_the_schema_refuses_planted_defects(change: dict) -> None:
    assert problems({**GOOD, **change}, SCHEMA) != []


@pytest.mark.parametrize("field", SCHEMA["required"])
def test_the_schema_requires_every_field(field: str) -> None:
    assert problems({key: GOOD[key] for key in GOOD if key != field}, SCHEMA) != []


@pytest.mark.parametrize("name", vectors.names())
def test_rows_are_consistent_numbers(name: str) -> None:
    for row in ROWS[name]:
        # The value itself, of which `exact` shows 50 digits, may lie half-way between two floats.
        half_unit = Fraction(math.ulp(row.nearest)) / 2
        assert abs(Fraction(row.nearest) - row.exact) <= half_unit * (1 + Fraction(1, 10**30))
        assert row.accepts(row.nearest) and row.error(row.nearest) <= 1.0
        assert math.isfinite(row.scale) and row.scale >= 0.0


def test_each_function_has_ordinary_and_special_rows() -> None:
    for name in vectors.names():
        flags = [flag for row in ROWS[name] for flag in row.flags]
        assert flags.count("BASIC") >= 8 and len(set(flags)) >= 3
    used = {flag for rows in ROWS.values() for row in rows for flag in row.flags}
    assert used == set(MANIFEST["flags"])
    assert set(SCHEMA["properties"]["flags"]["items"]["enum"]) == used


ROW = vectors.Vector(1, "f", {"x": 1.0}, Fraction(3), 3.0, 4.0, 2.0, ("BASIC",), "A6", ("zero",))


def test_the_rule_is_exact_and_one_unit_is_allowed_below_the_normal_range() -> None:
    at_most = float(3 + ROW.bound - Fraction(1, 2**1074))
    assert at_most == 3.0 + 2.0**-50 and ROW.accepts(at_most)
    assert not ROW.accepts(math.nextafter(at_most, 4.0))
    assert ROW.error(3.0) == 0.0 and ROW.error(at_most) == pytest.approx(1.0)
    for value in (math.nan, math.inf, -math.inf):
        assert not ROW.accepts(value) and ROW.error(value) == math.inf
    assert ROW.error(1e308) > 1e300
    about = (("UNDERFLOW",), "A6", ("one",))
    row = vectors.Vector(1, "f", {"x": 1.0}, Fraction(0), 0.0, 0.0, 8.0, *about)
    assert row.accepts(0.0) and row.accepts(-0.0) and row.accepts(5e-324)
    assert not row.accepts(1e-323)


Wrong = Callable[..., float]
WRONG: dict[str, Wrong] = {
    "zeros": lambda **args: 0.0,
    "nan": lambda **args: math.nan,
    "infinity": lambda **args: math.inf,
    "identity": lambda **args: next(iter(args.values())),  # type: ignore[arg-type]
    "one": lambda **args: 1.0,
    "raises": lambda **args: 1.0 / 0.0,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_lazy_implementations_fail(wrong: Wrong) -> None:
    for name, rows in ROWS.items():
        report = verify_rows(name, rows, wrong)
        assert not report.passed and len(report.failures) > report.rows / 2


def test_float32_is_refused() -> None:
    def in_float32(x0: float, m: float, v: float, z: float) -> float:
        with np.errstate(over="ignore"):
            return float(np.float32(x0) * np.exp(np.float32(m) + np.sqrt(np.float32(v)) * z))

    assert not vectors.verify("forward_sample", in_float32).passed


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "vectors"))


def test_the_shipped_files_are_those_of_the_manifest(copy: Path) -> None:
    vectors.check_files()
    vectors.check_files(copy)
    assert vectors.version(copy) == vectors.version() == MANIFEST["version"]


def test_a_changed_digit_is_detected(copy: Path) -> None:
    path = copy / "denoiser.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"tcId": 7,', b'"tcId": 8,', 1))
    with pytest.raises(ValueError, match=r"denoiser\.jsonl was changed: SHA-256"):
        vectors.check_files(copy)
    with pytest.raises(ValueError, match="was changed"):
        vectors.verify("denoiser", vectors.ORACLE["denoiser"], copy)


def test_missing_added_and_misplaced_files_are_detected(copy: Path) -> None:
    (copy / "more.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match=r"not named in manifest\.json: \['more\.jsonl'\]"):
        vectors.check_files(copy)
    (copy / "denoiser.jsonl").unlink()
    with pytest.raises(ValueError, match=r"denoiser\.jsonl is missing"):
        vectors.check_files(copy)


def manifest_with(copy: Path, change: dict[str, object]) -> None:
    """Rewrite what the manifest says about the denoiser."""
    text = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    text["functions"]["denoiser"].update(change)
    (copy / "manifest.json").write_text(json.dumps(text), encoding="utf-8")


def test_a_manifest_that_is_about_other_rows_is_detected(copy: Path) -> None:
    manifest_with(copy, {"rows": 3})
    with pytest.raises(ValueError, match="must hold 3 rows"):
        vectors.load("denoiser", copy)
    other = MANIFEST["functions"]["gradient_step"]
    manifest_with(copy, {key: other[key] for key in ("file", "sha256", "rows")})
    with pytest.raises(ValueError, match="no rows of other functions"):
        vectors.load("denoiser", copy)


def test_unknown_functions_are_named() -> None:
    with pytest.raises(ValueError, match="no vectors for 'nothing'; there are some for forward_"):
        vectors.load("nothing")


def results(name: str) -> list[str]:
    """What a correct program would write."""
    rows = [{"fn": name, "tcId": r.tc_id, "out": r.nearest.hex()} for r in vectors.load(name)]
    return [json.dumps(row) for row in rows]


def test_results_of_another_program_are_judged() -> None:
    given = results("denoiser")
    assert vectors.verify_results("denoiser", vectors.read_results([*given, ""])).passed
    decimal = json.dumps({"fn": "denoiser", "tcId": 1, "out": vectors.load("denoiser")[0].nearest})
    assert vectors.verify_results("denoiser", vectors.read_results([decimal, *given[1:]])).passed
    short = vectors.verify_results("denoiser", vectors.read_results(given[1:]))
    assert [f.vector.tc_id for f in short.failures] == [1]
    with pytest.raises(ValueError, match="two results for denoiser 1"):
        vectors.read_results([given[0], given[0]])
    for line in ("1", "{}", '{"fn": "denoiser", "tcId": 1, "out": "x"}', "not JSON"):
        with pytest.raises(ValueError, match="not a line"):
            vectors.read_results([line])
