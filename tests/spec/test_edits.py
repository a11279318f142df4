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
        if name.startswith("spec.") and name.count(".") == 2 and ".pages." not in name:
            if any(c.id == claim_id for c in getattr(module, "CLAIMS", ())):
                return module
    raise LookupError(claim_id)


def edited(edit: Edit, folder: Path) -> Claim:
    """The claim of a copy of its module in which the edit has been made."""
    original = home(edit.claim)
    source = inspect.getsource(original)
    assert source.count(edit.old) >= 1, f"{edit.claim}: {edit.old!r} is not in its module"
    path = folder / f"edited_{next(_NUMBERS)}.py"
    path.write_text(source.replace(edit.old, edit.new, 1), encoding="utf-8")
    name = f"{original.__name__}_{path.stem}"
    described = importlib.util.spec_from_file_location(name, path)
    assert described is not None and described.loader is not None
    module = importlib.util.module_from_spec(described)
    sys.modules[name] = module
    try:
        described.loader.exec_module(module)
    finally:
        del sys.modules[name]
    (found,) = [claim for claim in module.CLAIMS if claim.id == edit.claim]
    return found


def troubles(claim: Claim, read: Read = unread) -> list[str]:
    """Everything for which the status of a claim falls short of its pins."""
    outcome = decide(claim)
    stated = gaps(claim) or read(claim)
    found = [*stated, outcome.proof_trouble or "", *outcome.twin_troubles]
    return [trouble for trouble in found if trouble]


_R8_ASSUMES = 'assumptions=(*ALL, "log X_k and the draw are normal and independent"),'
_R8_DECIDES = (
    "return is_affine(image()) and same(Matrix([*law_after(), rest]), Matrix([*candidate, 0]))"
)
EDITS = {
    "wrong LaTeX in R8": Edit("R8", "$e_{k-1}=[[0]]$", "$e_{k-1}=e_k/2$", "typed arithmetic"),
    "wrong LaTeX in A2": Edit("A2", "[[reverse]] in", r"$dX=\mathsf h\,dr$ in", "typed relation"),
    "wrong LaTeX in A16": Edit("A16", "X_0)=[[it]]$", "X_0)=-[[it]]/2$", "typed arithmetic"),
    "wrong correction of E1": Edit("E1", "holds=_RIGHT", "holds=_PRINTED",
                                   "refuses the statement"),
    "assumptions of R8": Edit("R8", _R8_ASSUMES, 'assumptions=("any data, any score",),',
                              "uses an assumption that it does not state"),
    "false sentence in a derivation": Edit("R8", "is an affine map", "is no affine map", ""),
    "law == holds": Edit("R8", _R8_DECIDES, "return is_affine(image()) and candidate == RECURSION",
                         "refuses an equivalent arrangement"),
    "false printed number in E24": Edit("E24", '"Section 6": 200_000', '"Section 6": 250_000', ""),
    "a routine that looks at nothing": Edit("R8", _R8_DECIDES, "return candidate == RECURSION",
                                            "decided by algebra, but its routine used"),
    "points called algebra": Edit("noise-free", "means=Means.POINTS", "means=Means.ALGEBRA",
                                  "walks through points"),
    "an assumption that nothing needs": Edit(
        "R22", "lambda: bool(LIMIT_VARIANCE.subs(delta, 2 * lam).is_infinite)", "lambda: False",
        "nothing goes wrong"),
    "a formula that is not the candidate's": Edit("A20", '_sde("X", d)', '"dX"', "prints as the"),
    "a slot of nothing": Edit("R8", "$V_{k-1}=[[1]]$", "$V_{k-1}=[[2]]$", "UnknownSlot"),
    "a false step in an argument": Edit("A16", "Chain(_score_of_kernel(), -1",
                                        "Chain(_score_of_kernel(), -2", "BrokenChain"),
    "a number in words": Edit("noise-free", "at fifty digits", "at 90 digits", "typed number"),
    "a mistake that is no longer asked about": Edit(
        "R8", '"noise of the exact reverse kernel": (_RATIO * e, _RATIO**2 * V + h * _RATIO),',
        "", ""),
    "a quotation": Edit("E1", r"\exp(\sigma^2-1)", r"\exp(\sigma^2-2)", ""),
    "where it stands": Edit("A16", 'sources=v2("eq. 16")', 'sources=v2("eq. 15")', ""),
}  # fmt: skip


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
