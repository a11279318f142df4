"""The status of every claim, computed: stated, proved, twins refused, checked, fully checked.

stated          the record is complete, its formulas are printed from what the routine is given,
                and its words were read against the routine as both are
proved          the routine accepts the statement (definitions, citations and lost texts pass)
twins refused   the same routine refuses each false twin and each refuted printed form
checked         every pinned function agrees with the right-hand side at 50 digits, and its
                false twin fails the same comparison (no pins: passes)
fully checked   so is everything that the claim rests on
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from spec.catalogue import BY_ID, CLAIMS, ancestors
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

    `progress` is called with the number of claims that are done, after each of them.
    """
    outcomes: dict[str, Outcome] = {}

    def collect(found: Iterable[Outcome]) -> dict[str, Outcome]:
        for outcome in found:
            outcomes[outcome.id] = outcome
            progress(len(outcomes))
        return outcomes

    if workers == 1 or len(ids) == 1:
        return collect(map(run_proof, ids))
    with ProcessPoolExecutor(workers) as pool:
        return collect(pool.map(run_proof, ids))


def statuses(
    outcomes: Mapping[str, Outcome], pin_troubles: Mapping[str, list[str]]
) -> dict[str, Status]:
    """The status of each claim that was run.

    pin_troubles  for every pin by name and claim, "claim id: pin name", what the comparison found
                  (an empty list when function and twins behaved); a pin that is not there was not
                  compared, which counts as trouble
    """
    own = {name: _own_status(BY_ID[name], run, pin_troubles) for name, run in outcomes.items()}
    return {name: _with_ancestors(status, own) for name, status in own.items()}


def _own_status(claim: Claim, run: Outcome, pin_troubles: Mapping[str, list[str]]) -> Status:
    missing = run.missing
    if missing:
        return Status(claim, "open", tuple(missing), run)
    if run.proof_trouble:
        return Status(claim, "stated", (run.proof_trouble,), run)
    if run.twin_troubles:
        return Status(claim, "proved", run.twin_troubles, run)
    troubles = []
    for pin in claim.pins:
        found = pin_troubles.get(f"{claim.id}: {pin.name}", ["not compared"])
        troubles += [f"{pin.name}: {trouble}" for trouble in found]
    if troubles:
        return Status(claim, "twins refused", tuple(troubles), run)
    return Status(claim, "checked", (), run)


def _with_ancestors(status: Status, own: Mapping[str, Status]) -> Status:
    if status.rung != "checked":
        return status
    weak = [
        name
        for name in sorted(ancestors(status.claim.id))
        if name not in own or own[name].rung != "checked"
    ]
    if weak:
        return Status(status.claim, "checked", (f"rests on {', '.join(weak)}",), status.outcome)
    return Status(status.claim, "fully checked", (), status.outcome)


def all_ids() -> list[str]:
    """The ids of all claims."""
    return [claim.id for claim in CLAIMS]
