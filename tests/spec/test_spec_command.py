"""`python -m spec` on single claims; the whole run, as a user does it, is a phase of .ci/run."""

import json

import pytest

from spec import __main__ as command
from spec.catalogue import BY_ID


def test_one_claim_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    """With the pins compared in the process that the command starts for them."""
    assert command.main(["--claim", "A10-score", "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    parts = ("fully checked", "rests on    Robbins", "Derivation", "no Jacobian", "Pins gbm_ref.")
    assert [part for part in parts if part not in said] == []


def test_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "pin_troubles", lambda ids: {})
    assert command.main(["--claim", "Robbins", "--json", "--jobs", "1"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["id"], entry["kind"], entry["status"]) == ("Robbins", "proved", "fully checked")


def test_an_unknown_claim_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--claim", "E99"]) == 2
    said = capsys.readouterr().err
    assert "no claim is called E99" in said
    assert "A10-score" in said


def test_a_failure_anywhere_gives_exit_code_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "pin_troubles", lambda ids: {})
    assert command.main(["--claim", "A10-score", "--jobs", "1"]) == 1
    assert "not compared" in capsys.readouterr().out
    assert BY_ID["A10-score"].pins
