"""The measurements of the study of guidance, and its gate."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from gbm_ref import log_moments
from validation.guided import digits, line
from validation.study import Check, Findings

QUICK = (0.0, 1.0, 4.0)
CLOSE = 1e-3
"""How near the start is to the law of the data at the horizon: w = 0 has the data but for it."""


def measure_with(quick: bool, seed: int) -> Findings:
    """Both parts, at fewer weights and sizes for a quick run."""
    exact = [line.row(weight) for weight in (QUICK if quick else line.WEIGHTS)]
    size = digits.SIZES[quick]
    rows, floor = digits.measured(size, seed)
    checks = line_gate(exact) + (() if quick else digits_gate(rows))
    parameters = {
        "line": {"centre": line.CENTRE, "log_var": line.VAR, "std_max": line.PROCESS.std_max},
        "digits": {"training": size.training, "images": size.images, "levels": size.levels},
    }
    measurements = {
        "line": [row._asdict() for row in exact], "digits": rows, "digits_floor": floor,
    }  # fmt: skip
    print(table(exact, rows))
    return Findings(parameters, measurements, checks)


def line_gate(rows: Sequence[line.Row]) -> tuple[Check, ...]:
    """What must hold of the exact laws."""
    mean, cov = log_moments(line.DATA)
    known = {0.0: (float(mean[0]), float(cov[0, 0]) ** 0.5), 1.0: line.of_the_class()}
    checks = []
    for row in rows:
        if row.weight in known:
            (centre, deviation), allowed = known[row.weight], CLOSE if row.weight == 0 else 1e-6
            gap = max(abs(row.mean - centre), abs(row.deviation - deviation))
            name = f"w = {row.weight:g} is the law that is known"
            checks.append(Check(name, gap <= allowed, f"{gap:.1e}, at most {allowed:g}"))
    error = max(row.error for row in rows)
    ordered = all(a.missed > b.missed and a.deviation > b.deviation for a, b in pairwise(rows))
    wider = min(row.deviation / row.tilted[1] for row in rows if row.weight > 1)
    return (
        *checks,
        Check("the quadratures agree", error < 1e-6, f"{error:.1e}, below 1e-6"),
        Check("more weight, less on the other side, less deviation", ordered, "in every row"),
        Check("it is not the sharpened density", abs(wider - 1) > 0.01, f"ratio {wider:.3f}"),
    )


def digits_gate(rows: Sequence[dict[str, Any]]) -> tuple[Check, ...]:
    """What guidance is for, and what it costs, between the class alone and the most weight."""
    (alone,) = (row for row in rows if row["weight"] == 1.0)
    most = rows[-1]
    gained = most["accuracy"] - alone["accuracy"]
    lost = alone["result"]["recall"] - most["result"]["recall"]
    return (
        Check("guidance gains class accuracy", gained > 0, f"{gained:+.3f}"),
        Check("guidance costs recall", lost > 0, f"{-lost:+.3f}"),
    )


def table(exact: Sequence[line.Row], rows: Sequence[dict[str, Any]]) -> str:
    """The numbers of both parts, a line a weight."""
    lines = ["  w   mean  deviation  share | sharpened: mean  deviation  share"]
    for row in exact:
        ours = f"{row.weight:3g} {row.mean:6.3f} {row.deviation:10.3f} {1 - row.missed:6.3f}"
        mean, deviation, missed = row.tilted
        lines.append(f"{ours} | {mean:15.3f} {deviation:10.3f} {1 - missed:6.3f}")
    lines.append("  w  accuracy  precision  recall  Fréchet")
    for one in rows:
        result = one["result"]
        lines.append(
            f"{one['weight']:3g} {one['accuracy']:9.3f} {result['precision']:10.3f} "
            f"{result['recall']:7.3f} {result['frechet']:8.2f}"
        )
    return "\n".join(lines)
