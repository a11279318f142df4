"""False edits of the text of a claim, of its figures and of its routine turn `python -m spec` red.

Each edit is made in a copy of the module that holds the claim, which is then imported and judged
as `python -m spec` judges it. That it is found is one thing; by what is another: formulas, numbers
and assumptions are found by what the routine accepts and uses, words by their being read again."""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from spec.catalogue import BY_ID
from spec.checking.asking import decide
from spec.checking.claim import Claim
from spec.checking.record import gaps
from spec.pages.reviewed import unread

_NUMBERS = count()
Read = Callable[[Claim], list[str]]


class Edit(NamedTuple):
    """What is edited in which claim, and what the trouble says when its words are not looked at;
    "" where the edit is one of plain words, which only reading finds."""

    claim: str
    old: str
    new: str
    trouble: str


def home(claim_id: str) -> ModuleType:
    """The module whose CLAIMS hold the claim."""
    for name, module in sorted(sys.modules.items()):
        if name.startswith("spec.") and name.count(".") == 2:
            if any(c.id == claim_id for c in getattr(module, "CLAIMS", ())):
                return module
    raise LookupError(claim_id)


def edited(edit: Edit, folder: Path) -> Claim:
    """The claim of a copy of its module in which the edit has been made."""
    source = inspect.getsource(home(edit.claim))
    assert source.count(edit.old) >= 1, f"{edit.claim}: {edit.old!r} is not in its module"
    path = folder / f"edited_{next(_NUMBERS)}.py"
    path.write_text(source.replace(edit.old, edit.new, 1), encoding="utf-8")
    described = importlib.util.spec_from_file_location(path.stem, path)
    assert described is not None and described.loader is not None
    module = importlib.util.module_from_spec(described)
    sys.modules[path.stem] = module
    described.loader.exec_module(module)
    (found,) = [claim for claim in module.CLAIMS if claim.id == edit.claim]
    return found


def troubles(claim: Claim, read: Read = unread) -> list[str]:
    """Everything for which the status of a claim falls short of its pins."""
    outcome = decide(claim)
    found = [*gaps(claim), outcome.proof_trouble or "", *outcome.twin_troubles, *read(claim)]
    return [trouble for trouble in found if trouble]


EDITS = {
    "wrong LaTeX in A16": Edit(
        "A16", "(X_k\\mid X_0)=[[it]]$", "(X_k\\mid X_0)=-[[it]]/2$", "typed arithmetic"
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_false_edit_is_found(name: str, tmp_path: Path) -> None:
    edit = EDITS[name]
    assert troubles(BY_ID[edit.claim]) == []
    assert troubles(edited(edit._replace(new=edit.old), tmp_path)) == []
    claim = edited(edit, tmp_path)
    assert troubles(claim)
    without_reading = troubles(claim, lambda claim: [])
    if edit.trouble:
        assert any(edit.trouble in trouble for trouble in without_reading), without_reading
