"""Giving the routine of a claim its statement, its false twins and the printed forms."""

import functools
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace

from sympy import Expr, MatrixBase

from spec.checking.claim import Assumption, Candidate, Claim, Means
from spec.checking.record import exercised
from spec.checking.trace import ALGEBRA, NUMBERS, Point, Trace, recording


@dataclass(frozen=True)
class Outcome:
    """What running one claim's routine gave: troubles in words, None where there are none; the
    points that it walked through; what keeps the record from being stated, where it was looked at.
    """

    id: str
    proof_trouble: str | None
    twin_troubles: tuple[str, ...]
    candidates: int
    seconds: float
    points: tuple[Point, ...] = ()
    missing: tuple[str, ...] = ()


def decide(claim: Claim) -> Outcome:
    """Run the routine of a claim on everything that it must accept or refuse."""
    start = time.perf_counter()
    if claim.routine is None:
        return Outcome(claim.id, _dropped_in_vain(claim), (), 0, 0.0)
    with recording() as trace:
        answer, trouble = _ask(claim, claim.holds)
    if not trouble and not answer:
        trouble = "the routine refuses the statement"
    trouble = (trouble or _means_differ(claim, trace) or _only_compares(claim)
               or _dropped_in_vain(claim))  # fmt: skip
    asked = {name: _ask(claim, candidate) for name, candidate in claim.mistakes.items()}
    twins = tuple(f"{name}: {error or 'accepted'}"
                  for name, (accepted, error) in asked.items() if accepted or error)  # fmt: skip
    points = tuple({k: str(v) if isinstance(v, Expr) else v for k, v in p.items()}
                   for p in trace.points)  # fmt: skip
    return Outcome(claim.id, trouble, twins, len(asked), time.perf_counter() - start, points)


def _ask(claim: Claim, candidate: Candidate) -> tuple[bool, str | None]:
    """The routine's answer, and what went wrong if it gave none."""
    try:
        answer = claim.routine(candidate)
    except Exception as error:  # any error means that nothing was decided, and is shown
        return False, f"{type(error).__name__}: {error}"
    if not isinstance(answer, bool):
        return False, f"the routine answered {answer!r}, not True or False"
    return answer, None


def _means_differ(claim: Claim, trace: Trace) -> str | None:
    """How the routine's run contradicts the means and the assumptions that the claim states."""
    exact = claim.means in {Means.ALGEBRA, Means.CALCULUS}
    if claim.means is Means.POINTS and not trace.points:
        return "decided at points, but its routine walked through none (spec.checking.trace)"
    if exact and trace.points:
        return f"its routine walks through points, so it is not decided by {claim.means}"
    if claim.means is Means.ALGEBRA and trace.means != {ALGEBRA}:
        return f"decided by algebra, but its routine used {sorted(trace.means) or 'none of it'}"
    if unstated := trace.assumptions - set(claim.assumptions):
        texts = [used.text if isinstance(used, Assumption) else str(used) for used in unstated]
        return f"its routine uses an assumption that it does not state: {min(texts)}"
    if exact and NUMBERS in trace.means:
        return "its routine compares numbers, so it is not decided by calculus"
    return None


def _only_compares(claim: Claim) -> str | None:
    """Whether the routine refuses the statement in another arrangement, or none is known."""
    if claim.means is Means.READING:
        return None
    other = rearranged(claim.holds) if claim.equivalent is None else claim.equivalent
    with suppress(Exception):  # what cannot be compared is not the same
        if other == claim.holds:
            return "no other arrangement of the statement: give one as `equivalent`"
    answer, error = _ask(claim, other)
    return error or (None if answer else "the routine refuses an equivalent arrangement")


def rearranged(candidate: Candidate) -> Candidate:
    """The same statement, written otherwise: e as ((e + 1)^2 - e^2 - 1) / 2, wherever it stands.

    Numbers, texts and sets stay as they are."""
    if isinstance(candidate, MatrixBase):
        return candidate.applyfunc(rearranged)
    if isinstance(candidate, Expr):
        return ((candidate + 1) ** 2 - candidate**2 - 1) / 2
    if is_dataclass(candidate) and not isinstance(candidate, type):
        found = {f.name: rearranged(getattr(candidate, f.name)) for f in fields(candidate)}
        return replace(candidate, **found)
    if isinstance(candidate, Mapping):
        return {name: rearranged(entry) for name, entry in candidate.items()}
    if isinstance(candidate, tuple | list):
        make = getattr(candidate, "_make", type(candidate))  # a named tuple takes its fields
        return make(map(rearranged, candidate))
    if callable(candidate):
        return functools.wraps(candidate)(lambda *given: rearranged(candidate(*given)))
    return candidate


def _dropped_in_vain(claim: Claim) -> str | None:
    """An assumption without which nothing goes wrong, or that could not be dropped."""
    for assumption in exercised(claim)[0]:
        try:
            if assumption.without() is not True:
                return f"without '{assumption.text}' nothing goes wrong: say it as a bare text"
        except Exception as error:
            return f"without '{assumption.text}': {type(error).__name__}: {error}"
    return None
