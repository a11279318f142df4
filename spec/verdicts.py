"""The status of every claim, computed: stated, proved, twins refused, checked, fully checked.

stated          the record is complete, its formulas are printed from what the routine is given,
                and its words were read against the routine as both are
proved          the routine accepts the statement (definitions, citations and lost texts pass)
twins refused   the same routine refuses each false twin and each refuted printed form
checked         every pinned function agrees with the right-hand side at 50 digits, and its
                false twin fails the same comparison (no pins: passes)
fully checked   so is everything that the claim rests on"""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace

from spec.catalogue import BY_ID, ancestors
from spec.checking.asking import Outcome, decide
from spec.checking.claim import Claim
from spec.checking.record import gaps
from spec.pages.reviewed import unread

RUNGS = ("open", "stated", "proved", "twins refused", "checked", "fully checked")


@dataclass(frozen=True)
class Status:
    """The rung that a claim has reached and what keeps it from the next one."""

    claim: Claim
    rung: str
    troubles: tuple[str, ...]
    outcome: Outcome

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.rung == RUNGS[-1]


def run_proof(claim_id: str) -> Outcome:
    """`decide` the claim of that id, and look at its record: to another process goes its name."""
    claim = BY_ID[claim_id]
    return replace(decide(claim), missing=tuple(gaps(claim) or unread(claim)))


def run_proofs(
    ids: list[str], workers: int, progress: Callable[[int], None] = lambda done: None
) -> dict[str, Outcome]:
    """The outcome of each claim, in several processes when workers > 1.

    `progress` is called with the number of claims that are done, after each of them."""
    outcomes: dict[str, Outcome] = {}
    alone = workers == 1 or len(ids) == 1
    with nullcontext() if alone else ProcessPoolExecutor(workers) as pool:
        for outcome in map(run_proof, ids) if pool is None else pool.map(run_proof, ids):
            outcomes[outcome.id] = outcome
            progress(len(outcomes))
    return outcomes


def statuses(
    outcomes: Mapping[str, Outcome], pin_troubles: Mapping[str, list[str]]
) -> dict[str, Status]:
    """The status of each claim that was run.

    pin_troubles  for every pin by name and claim, "claim id: pin name", what the comparison found
                  (an empty list when function and twins behaved); a pin that is not there was not
                  compared, which counts as trouble"""
    own = {name: _own_status(BY_ID[name], run, pin_troubles) for name, run in outcomes.items()}
    return {name: _with_ancestors(status, own) for name, status in own.items()}


def _own_status(claim: Claim, run: Outcome, pin_troubles: Mapping[str, list[str]]) -> Status:
    of_pins = [
        f"{pin.name}: {trouble}"
        for pin in claim.pins
        for trouble in pin_troubles.get(f"{claim.id}: {pin.name}", ["not compared"])
    ]
    proof = (run.proof_trouble,) if run.proof_trouble else ()
    found = run.missing, proof, run.twin_troubles, of_pins
    for rung, troubles in zip(RUNGS, found, strict=False):
        if troubles:
            return Status(claim, rung, tuple(troubles), run)
    return Status(claim, "checked", (), run)


def _with_ancestors(status: Status, own: Mapping[str, Status]) -> Status:
    if status.rung != "checked":
        return status
    above = sorted(ancestors(status.claim.id))
    weak = [name for name in above if name not in own or own[name].rung != "checked"]
    if weak:
        return replace(status, troubles=(f"rests on {', '.join(weak)}",))
    return replace(status, rung=RUNGS[-1])
