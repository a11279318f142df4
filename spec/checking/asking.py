"""Giving the routine of a claim its statement, its false twins and the printed forms."""

import dataclasses
import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, MatrixBase
from sympy.core.relational import Relational

from spec.checking.claim import Assumption, Candidate, Claim, Means
from spec.checking.trace import ALGEBRA, NUMBERS, Point, Trace, recording


@dataclass(frozen=True)
class Outcome:
    """What running one claim's routine gave: troubles in words, None where there are none.

    points   where the statement was decided, as its routine walked through them
    missing  what keeps the record from being stated, where that was looked at
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
    trouble = trouble or _means_differ(claim, trace) or _only_compares(claim)
    trouble = trouble or _dropped_in_vain(claim)
    others = {**claim.twins, **claim.printed}
    twin_troubles = []
    for name, candidate in others.items():
        accepted, error = _ask(claim, candidate)
        if error or accepted:
            twin_troubles.append(f"{name}: {error or 'accepted'}")
    seconds = time.perf_counter() - start
    points = tuple({k: str(v) if isinstance(v, Expr) else v for k, v in p.items()}
                   for p in trace.points)  # fmt: skip
    return Outcome(claim.id, trouble, tuple(twin_troubles), len(others), seconds, points)


def _ask(claim: Claim, candidate: Candidate) -> tuple[bool, str | None]:
    """The routine's answer, and what went wrong if it gave none."""
    assert claim.routine is not None
    try:
        answer = claim.routine(candidate)
    except Exception as error:  # any error means that nothing was decided, and is shown
        return False, f"{type(error).__name__}: {error}"
    if not isinstance(answer, bool):
        return False, f"the routine answered {answer!r}, not True or False"
    return answer, None


def _means_differ(claim: Claim, trace: Trace) -> str | None:
    """How the routine's run contradicts the means and the assumptions that the claim states."""
    at_points = claim.means is Means.POINTS
    if at_points and not trace.points:
        return "decided at points, but its routine walked through none (spec.checking.trace)"
    if claim.means in {Means.ALGEBRA, Means.CALCULUS} and trace.points:
        return f"its routine walks through points, so it is not decided by {claim.means}"
    if claim.means is Means.ALGEBRA and trace.means != {ALGEBRA}:
        return f"decided by algebra, but its routine used {sorted(trace.means) or 'none of it'}"
    unstated = [a for a in trace.assumptions if a not in claim.assumptions]
    if unstated:
        return f"its routine uses an assumption that it does not state: {_text(unstated[0])}"
    if claim.means is Means.CALCULUS and NUMBERS in trace.means:
        return "its routine compares numbers, so it is not decided by calculus"
    return None


def _text(assumption: object) -> str:
    return assumption.text if isinstance(assumption, Assumption) else str(assumption)


def _only_compares(claim: Claim) -> str | None:
    """Whether the routine refuses the statement in another arrangement, or none is known."""
    if claim.means is Means.READING:
        return None
    other = rearranged(claim.holds) if claim.equivalent is None else claim.equivalent
    if _equal(other, claim.holds):
        return "no other arrangement of the statement: give one as `equivalent`"
    answer, error = _ask(claim, other)
    return error or (None if answer else "the routine refuses an equivalent arrangement")


def _equal(left: Candidate, right: Candidate) -> bool:
    try:
        return bool(left == right)
    except Exception:
        return False


def rearranged(candidate: Candidate) -> Candidate:
    """The same statement, written otherwise: e as ((e + 1)^2 - e^2 - 1) / 2, wherever it stands.

    Numbers, texts and sets stay as they are.
    """
    if isinstance(candidate, MatrixBase):
        return candidate.applyfunc(rearranged)
    if isinstance(candidate, Relational):
        return candidate
    if isinstance(candidate, Expr):
        return ((candidate + 1) ** 2 - candidate**2 - 1) / 2
    if dataclasses.is_dataclass(candidate) and not isinstance(candidate, type):
        fields = {
            f.name: rearranged(getattr(candidate, f.name)) for f in dataclasses.fields(candidate)
        }
        return dataclasses.replace(candidate, **fields)
    if isinstance(candidate, Mapping):
        return {name: rearranged(entry) for name, entry in candidate.items()}
    if isinstance(candidate, tuple | list):
        entries = [rearranged(entry) for entry in candidate]
        make = getattr(candidate, "_make", type(candidate))  # a named tuple takes its fields
        return make(entries)
    if callable(candidate):
        given = candidate

        @functools.wraps(given)
        def other(*args: object) -> Candidate:
            return rearranged(given(*args))

        return other
    return candidate


def _dropped_in_vain(claim: Claim) -> str | None:
    """An assumption without which nothing goes wrong, or that could not be dropped."""
    for assumption in claim.assumptions:
        if isinstance(assumption, Assumption):
            try:
                fails = assumption.without()
            except Exception as error:
                return f"without '{assumption.text}': {type(error).__name__}: {error}"
            if fails is not True:
                return f"without '{assumption.text}' nothing goes wrong: say it as a bare text"
    return None
