"""All claims, in the order in which the pages show them."""

from graphlib import CycleError, TopologicalSorter

from spec import (
    divergence, exact, mirror, objectives, paper, process, reverse, scores, steps, targets,
)  # fmt: skip
from spec.checking.claim import Claim
from spec.inventory import LISTED

_MODULES = (process, targets, scores, objectives, reverse, steps, exact, mirror, divergence, paper)
CLAIMS: tuple[Claim, ...] = tuple(claim for module in _MODULES for claim in module.CLAIMS)
BY_ID: dict[str, Claim] = {claim.id: claim for claim in CLAIMS}


def ancestors(claim_id: str) -> set[str]:
    """The ids of all claims that a claim rests on, directly or not, without itself."""
    found: set[str] = set()
    waiting = [claim_id]
    while waiting:
        new = set(BY_ID[waiting.pop()].depends) - found
        found |= new
        waiting += new
    return found


def defects(claims: tuple[Claim, ...] = CLAIMS) -> list[str]:
    """What is wrong with the collection as such: duplicates, unknown names, circles, nothing."""
    ids = [claim.id for claim in claims]
    found = [] if claims else ["there are no claims"]
    found += [f"{id_}: two claims have this id" for id_ in sorted(set(ids)) if ids.count(id_) > 1]
    for claim in claims:
        unknown = [name for name in claim.depends if name not in ids]
        found += [f"{claim.id}: depends on {name}, which does not exist" for name in unknown]
    try:
        TopologicalSorter({c.id: c.depends for c in claims}).prepare()
    except CycleError as error:
        found.append(f"claims rest on each other in a circle: {' -> '.join(error.args[1])}")
    return found


def shortfalls(claims: tuple[Claim, ...] = CLAIMS) -> list[str]:
    """What the paper or the sheet says and no claim is about, and names that are misspelt."""
    named = {str(source) for claim in claims for source in claim.sources}
    named |= {f"sheet {item}" for claim in claims for item in claim.sheet}
    found = [f"{name}: no claim is about it" for name in LISTED if name not in named]
    unlisted = sorted(named - set(LISTED))
    return found + [f"{name}: spec/inventory.py does not list it" for name in unlisted]
