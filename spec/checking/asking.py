"""Giving the routine of a claim its statement, its false twins and the printed forms."""

import time
from dataclasses import dataclass

from spec.checking.claim import Candidate, Claim, Proof


@dataclass(frozen=True)
class Outcome:
    """What running one claim's routine gave: troubles in words, None where there are none."""

    id: str
    proof_trouble: str | None
    twin_troubles: tuple[str, ...]
    candidates: int
    seconds: float


def decide(claim: Claim) -> Outcome:
    """Run the routine of a claim on everything that it must accept or refuse."""
    start = time.perf_counter()
    proof = claim.proof
    if proof is None:
        return Outcome(claim.id, None, (), 0, 0.0)
    answer, trouble = _ask(proof, proof.holds)
    if not trouble and not answer:
        trouble = "the routine refuses the statement"
    others = {**proof.twins, **proof.printed}
    twin_troubles = []
    for name, candidate in others.items():
        accepted, error = _ask(proof, candidate)
        if error or accepted:
            twin_troubles.append(f"{name}: {error or 'accepted'}")
    seconds = time.perf_counter() - start
    return Outcome(claim.id, trouble, tuple(twin_troubles), len(others), seconds)


def _ask(proof: Proof, candidate: Candidate) -> tuple[bool, str | None]:
    """The routine's answer, and what went wrong if it gave none."""
    try:
        answer = proof.routine(candidate)
    except Exception as error:  # any error means that nothing was decided, and is shown
        return False, f"{type(error).__name__}: {error}"
    if not isinstance(answer, bool):
        return False, f"the routine answered {answer!r}, not True or False"
    return answer, None
