"""The study of guidance: its quick run, and planted mistakes that its gates refuse."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import gbm_ref as ref
from tests.support.fixtures import Patch
from validation import guidance
from validation.guided import line
from validation.guided.measure import digits_gate, line_gate
from validation.study import Check


def test_the_quick_run_leaves_numbers_and_a_picture(tmp_path: Path) -> None:
    assert guidance.STUDY.main(["--quick", "--out-dir", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "guidance-quick.json").read_text())
    assert record["passed"] is True and "gbm_ref: flow_moments" in record["code"]
    found = record["measurements"]
    assert [row["weight"] for row in found["line"]] == [0.0, 1.0, 4.0]
    assert [row["weight"] for row in found["digits"]] == [1.0, 3.0]
    assert (tmp_path / "guidance-quick.png").read_bytes().startswith(b"\x89PNG\r\n")


def row(
    weight: float, deviation: float = 0.5, missed: float = 0.2, error: float = 0.0
) -> line.Row:
    mean, sharpened = line.CENTRE * weight, (0.0, 0.6 - 0.05 * weight, 0.9)
    return line.Row(weight, mean, deviation, error, missed, sharpened)


def failed(checks: tuple[Check, ...]) -> set[str]:
    return {check.name for check in checks if not check.passed}


def known_rows() -> list[line.Row]:
    mean, deviation = line.of_the_class()
    first, second, third = row(0.0, (line.VAR + line.CENTRE**2) ** 0.5, 0.5), row(1.0), row(2.0)
    return [first, second._replace(mean=mean, deviation=deviation), third._replace(deviation=0.4)]


def test_the_gate_of_the_line_takes_what_holds_and_names_what_does_not() -> None:
    rows = [one._replace(missed=0.5 - 0.1 * one.weight) for one in known_rows()]
    assert failed(line_gate(rows)) == set()
    wrong = {
        "w = 0 is the law that is known": (0, {"mean": 0.002}),
        "w = 1 is the law that is known": (1, {"mean": line.CENTRE}),
        "the quadratures agree": (2, {"error": 1e-5}),
        "more weight, less on the other side, less deviation": (2, {"missed": 0.5}),
        "it is not the sharpened density": (2, {"tilted": (0.0, 0.4, 0.9)}),
    }
    for name, (place, change) in wrong.items():
        planted = [*rows]
        planted[place] = planted[place]._replace(**change)
        assert failed(line_gate(planted)) == {name}


MISTAKES: dict[str, Callable[[ref.Score, ref.Score, float], ref.Score]] = {
    "w - 1 for w": lambda c, u, w, make=ref.guided_score: make(c, u, w - 1),
    "class and all exchanged": lambda c, u, w, make=ref.guided_score: make(u, c, w),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_score_is_no_law_that_is_known(name: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr(line.ref, "guided_score", MISTAKES[name])
    planted = [line.row(1.0), known_rows()[2]]
    assert "w = 1 is the law that is known" in failed(line_gate(planted))


def test_the_gate_of_the_digits_asks_for_gain_and_price() -> None:
    rows = [
        {"weight": w, "accuracy": a, "result": {"recall": r}}
        for w, a, r in ((1.0, 0.8, 0.9), (5.0, 0.95, 0.4))
    ]
    assert failed(digits_gate(rows)) == set()
    worse = [rows[0], rows[1] | {"accuracy": 0.8}]
    assert failed(digits_gate(worse)) == {"guidance gains class accuracy"}
    free = [rows[0], rows[1] | {"result": {"recall": 0.9}}]
    assert failed(digits_gate(free)) == {"guidance costs recall"}
