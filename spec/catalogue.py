"""All claims, in the order in which the pages show them."""

from graphlib import CycleError, TopologicalSorter

from spec import (
    divergence,
    exact,
    mirror,
    objectives,
    paper,
    process,
    reverse,
    scores,
    steps,
    targets,
)
from spec.checking.claim import Claim
from spec.inventory import uncovered, unknown

CLAIMS: tuple[Claim, ...] = (
    *process.CLAIMS,
    *targets.CLAIMS,
    *scores.CLAIMS,
    *objectives.CLAIMS,
    *reverse.CLAIMS,
    *steps.CLAIMS,
    *exact.CLAIMS,
    *mirror.CLAIMS,
    *divergence.CLAIMS,
    *paper.CLAIMS,
)
BY_ID: dict[str, Claim] = {claim.id: claim for claim in CLAIMS}


def ancestors(claim_id: str) -> set[str]:
    """The ids of all claims that a claim rests on, directly or not, without itself."""
    found: set[str] = set()
    waiting = list(BY_ID[claim_id].depends)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += BY_ID[name].depends
    return found


def defects(claims: tuple[Claim, ...] = CLAIMS) -> list[str]:
    """What is wrong with the collection as such: duplicates, unknown names, circles, nothing."""
    if not claims:
        return ["there are no claims"]
    ids = [claim.id for claim in claims]
    found = [
        f"{name}: two claims have this id" for name in sorted(set(ids)) if ids.count(name) > 1
    ]
    found += [
        f"{claim.id}: depends on {name}, which does not exist"
        for claim in claims
        for name in claim.depends
        if name not in ids
    ]
    try:
        TopologicalSorter({c.id: c.depends for c in claims}).prepare()
    except CycleError as error:
        found.append(f"claims rest on each other in a circle: {' -> '.join(error.args[1])}")
    return found


def shortfalls(claims: tuple[Claim, ...] = CLAIMS) -> list[str]:
    """What the paper or the sheet says and no claim is about, and names that are misspelt."""
    places = {(source.version, source.place) for claim in claims for source in claim.sources}
    items = {item for claim in claims for item in claim.sheet}
    missing, missing_items = uncovered(places, items)
    found = [f"{version} {place}: no claim is about it" for version, place in missing]
    found += [f"sheet {item}: no claim is about it" for item in missing_items]
    return found + [
        f"{name}: spec/inventory.py does not list it" for name in unknown(places, items)
    ]
