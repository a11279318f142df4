"""ERRATA.md, TRACE.md, the README's counts as of today; `python -m spec` (whole: in .ci/run)."""

import ast
import inspect
import json
import re
from functools import cache

import pytest

import gbm_ref
from spec import __main__ as command
from spec.catalogue import BY_ID, CLAIMS
from spec.checking.claim import Kind
from spec.inventory import PAPER, SHEET
from spec.pages import errata, table, trace
from spec.pages.sources import fast_twin, files_that_test, public_functions
from tests.support.fixtures import Patch, Shown
from tests.support.source_tree import ROOT

# Its figures are computed when it is made, which takes seconds.
errata_page = cache(errata.page)

HOW = "run `python -m spec --write`, look at the change and commit it"


@pytest.mark.parametrize(("name", "page"), [("ERRATA", errata_page), ("TRACE", trace.page)])
def test_generated_pages_are_up_to_date(name: str, page: object) -> None:
    written = (ROOT / "spec" / f"{name}.md").read_text(encoding="utf-8")
    assert written == page(), HOW  # type: ignore[operator]


def test_no_page_is_empty() -> None:
    assert len(errata.errata()) >= 33 and trace.page().count("\n| ") > 300


def test_every_public_function_of_the_oracle_is_pinned() -> None:
    assert trace.unpinned() == []


# What the loop asks of a step, which computes nothing.
PROTOCOLS = (gbm_ref.Step, gbm_ref.MultistepStep)


def runtime_functions() -> set[str]:
    """The public functions of gbm_ref as Python sees them, the other way to the same list."""
    found = set()
    for name in gbm_ref.__all__:
        value = getattr(gbm_ref, name)
        if inspect.isfunction(value):
            found.add(f"gbm_ref.{name}")
        elif not inspect.isclass(value) or inspect.isabstract(value) or value in PROTOCOLS:
            continue
        else:
            owners = [o for o in value.__mro__ if o.__module__.startswith("gbm_ref")]
            items = [item for owner in owners for item in vars(owner).items()]
            methods = [method for method, item in items if inspect.isfunction(item)]
            public = [m for m in methods if m == "__call__" or not m.startswith("_")]
            found |= {f"gbm_ref.{name}.{method}" for method in public}
    return found


def test_reading_the_sources_finds_what_importing_them_does() -> None:
    assert {f.name for f in public_functions()} == runtime_functions()


def test_the_trace_leads_to_the_fast_twin_and_the_tests() -> None:
    by_name = {f.name: f for f in public_functions()}
    assert fast_twin(by_name["gbm_ref.denoiser"]) == "gbm_fast.scores.denoiser"
    assert fast_twin(by_name["gbm_ref.GBM.sample"]) == "gbm_fast.process.constant.GBM.sample"
    assert fast_twin(by_name["gbm_ref.exact_law"]) == "-"
    assert "tests/ref/test_ref_scores.py" in files_that_test(by_name["gbm_ref.denoiser"])


def test_every_place_leads_to_a_claim() -> None:
    assert "**none**" not in trace.page()


def test_every_entry_of_the_errata_is_whole() -> None:
    text = errata_page()
    sections = text.split("\n## ")[1:]
    assert len(sections) == len(errata.errata())
    for section in sections:
        for part in ("**Printed.**", "**What is wrong.**", "**Correct.**", "The routine refuses"):
            assert part in section
    titles = [line[3:].lower() for line in text.splitlines() if line.startswith("## ")]
    anchors = {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) == anchors


def test_errata_cover_the_sheet() -> None:
    covered = {item for claim in errata.errata() for item in claim.sheet}
    assert {item for item in SHEET if item.startswith("E")} <= covered


def test_counts_in_the_readme() -> None:
    kinds = {kind: sum(c.kind is kind for c in CLAIMS) for kind in Kind}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table.kinds(CLAIMS) in readme, table.kinds(CLAIMS)
    assert sum(kinds.values()) == len(CLAIMS)


def test_the_inventory_holds_every_number() -> None:
    assert {f"eq. {n}" for n in range(1, 34)} <= set(PAPER["v1"])
    assert {f"eq. {n}" for n in range(1, 39)} <= set(PAPER["v2"])
    assert len(set(SHEET)) == len(SHEET) >= 38 + 33 + 24


def test_claims_say_nothing_twice() -> None:
    titles = [claim.title for claim in CLAIMS]
    assert sorted({t for t in titles if titles.count(t) > 1}) == []
    assert all("|" not in title for title in titles)


def test_the_command_module_is_light() -> None:
    tree = ast.parse((ROOT / "spec/__main__.py").read_text(encoding="utf-8"))
    top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    assert not any("sympy" in ast.unparse(n) or "spec" in ast.unparse(n) for n in top)


def test_one_claim_in_full(capsys: Shown) -> None:
    """With the pins compared in the process that the command starts for them."""
    assert command.main(["--claim", "A10-score", "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    parts = ("fully checked", "rests on    Robbins", "Derivation", "no Jacobian", "Pins gbm_ref.")
    assert [part for part in parts if part not in said] == []


def test_json(monkeypatch: Patch, capsys: Shown) -> None:
    monkeypatch.setattr(command, "pin_troubles", lambda ids: {})
    assert command.main(["--claim", "Robbins", "--json", "--jobs", "1"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["id"], entry["kind"], entry["status"]) == ("Robbins", "proved", "fully checked")


def test_an_unknown_claim_is_named(capsys: Shown) -> None:
    assert command.main(["--claim", "E99"]) == 2
    said = capsys.readouterr().err
    assert "no claim is called E99" in said and "A10-score" in said


def test_a_failure_anywhere_gives_exit_code_one(monkeypatch: Patch, capsys: Shown) -> None:
    monkeypatch.setattr(command, "pin_troubles", lambda ids: {})
    assert command.main(["--claim", "A10-score", "--jobs", "1"]) == 1
    assert "not compared" in capsys.readouterr().out
    assert BY_ID["A10-score"].pins


def test_an_assumption_that_claims_share_says_so() -> None:
    """What is dropped makes one of them fail; which one, its `without` alone knows."""
    shared, *_ = BY_ID["R8"].assumptions
    users = sum(shared in claim.assumptions for claim in CLAIMS)
    assert users > 2 and table.fails(shared) == f"one of the {users} claims that share it fails"
    alone = BY_ID["E5"].assumptions[0]
    assert table.fails(alone) == "it fails"
