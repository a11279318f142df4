"""The gate of the step-size study: what must hold, and by how much.

Tolerances and why they are what they are:

LEADING_TOLERANCE  The ratio R of a divergence to its leading term is 1 + a delta + O(delta^2).
                   The extrapolation 2 R(delta/2) - R(delta) removes a; what is left is of order
                   delta^2, 1.4e-5 at LEADING_DELTA of the problem's own scale. A coefficient that
                   is wrong in the fourth digit, or a divergence of another order, is refused.
LAW_TOLERANCE      Two float64 computations of the same variance: a recursion of N steps, and R8's
                   difference of trigamma functions. Both lose some N roundings, N <= 512.
"""

from collections.abc import Callable, Iterable, Sequence

from validation.kl.points import FALSE_ALARM, Point
from validation.kl.problem import MirroredProblem, ReverseProblem, relative_gap
from validation.study import Check

LEADING_TOLERANCE = 5e-5
LEADING_DELTA = 2.0**-8
LAW_TOLERANCE = 1e-12
MIXING_TIMES = 50.0


def points_check(points: Sequence[Point], implementation: str, expected: int) -> Check:
    """All the planned points of one implementation were measured, and each holds the exact law."""
    mine = [point for point in points if point.implementation == implementation]
    refused = [point for point in mine if not point.accepted]
    detail = f"{len(mine) - len(refused)} of {expected} intervals hold the exact law"
    if refused:
        worst = ", ".join(
            f"{point.cell.chain} delta={point.cell.delta:.4g} after {point.cell.num_steps} steps"
            for point in refused
        )
        detail += f"; refused: {worst}"
    passed = expected > 0 and len(mine) == expected and not refused
    return Check(f"Monte Carlo of {implementation}", passed, detail)


def false_alarm_check(alpha: float, count: int) -> Check:
    """The chance that correct code fails the study stays within its budget."""
    total = alpha * count
    passed = 0.0 < total <= FALSE_ALARM * (1.0 + 1e-12)
    detail = f"{count} points at {alpha:.3g} each, {total:.3g} together"
    return Check("familywise false alarm", passed, detail)


def law_check(problem: ReverseProblem, num_steps: Iterable[int]) -> Check:
    """gbm_ref's recursion for the sampler's law agrees with R8's closed form."""
    gaps = [relative_gap(problem.law(n), problem.closed_form(n)) for n in num_steps]
    detail = f"largest relative gap {max(gaps):.2g}, allowed {LAW_TOLERANCE:.0e}"
    return Check("recursion against closed form (R8)", max(gaps) <= LAW_TOLERANCE, detail)


def stationarity_check(problem: MirroredProblem, deltas: Iterable[float]) -> Check:
    """E20's stationary law is left as it is by one step, and reached by many."""
    gaps = []
    for delta in deltas:
        stationary = problem.stationary_law(delta)
        many = 1 + int(
            MIXING_TIMES * problem.log_var / min(delta, problem.stability_limit - delta)
        )
        gaps.append(relative_gap(problem.law_from(stationary, delta, 1), stationary))
        gaps.append(relative_gap(problem.law(delta, many), stationary))
    detail = f"largest relative gap {max(gaps):.2g}, allowed {LAW_TOLERANCE:.0e}"
    return Check("stationary law (E20, R22)", max(gaps) <= LAW_TOLERANCE, detail)


def leading_check(
    name: str,
    divergence: Callable[[float], float],
    leading: Callable[[float], float],
    delta: float,
) -> Check:
    """The divergence over its leading term tends to 1 as delta -> 0 (extrapolated once)."""
    coarse, fine = (divergence(d) / leading(d) for d in (delta, delta / 2.0))
    limit = 2.0 * fine - coarse
    passed = abs(limit - 1.0) <= LEADING_TOLERANCE and abs(fine - 1.0) <= abs(coarse - 1.0)
    detail = (
        f"ratio {coarse:.6f} at delta={delta:.3g}, {fine:.6f} at half of it, limit {limit:.7f}"
    )
    return Check(f"leading term of {name}", passed, detail)


def reverse_leading_check(
    problem: ReverseProblem, divergence: Callable[[int], float] | None = None
) -> Check:
    """`leading_check` for the Dale-Langevin sampler; `divergence` maps a number of steps to KL."""
    exact = divergence or (lambda count: problem.divergence(problem.law(count)))
    return leading_check(
        "the Dale-Langevin sampler (R8)",
        lambda delta: exact(round(1.0 / delta)),
        problem.leading,
        LEADING_DELTA,
    )


def mirrored_leading_check(
    problem: MirroredProblem, divergence: Callable[[float], float] | None = None
) -> Check:
    """`leading_check` for mirrored Langevin's stationary law; `divergence` maps delta to KL."""
    exact = divergence or (lambda delta: problem.divergence(problem.stationary_law(delta)))
    delta = LEADING_DELTA * problem.stability_limit
    return leading_check("mirrored Langevin (E20)", exact, problem.leading, delta)
