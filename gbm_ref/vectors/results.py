"""Judging the output of a program in any language: one line of JSON for each row.

    {"fn": "forward_sample", "tcId": 1, "out": "0x1.9ff64d2c9a633p-1"}

`out` is a hexadecimal or decimal number, as a string or as a JSON number.
"""

import json
import math
from collections.abc import Iterable, Mapping

from gbm_ref.vectors.records import Report, judge
from gbm_ref.vectors.store import load

Results = Mapping[tuple[str, int], float]


def read_results(lines: Iterable[str]) -> Results:
    """Values by function and tcId. Raises ValueError for a line that is none or comes twice."""
    found: dict[tuple[str, int], float] = {}
    for line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key, value = (str(row["fn"]), int(row["tcId"])), _number(str(row["out"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f'not a line {{"fn", "tcId", "out"}}: {line[:80]!r}.') from error
        if key in found:
            raise ValueError(f"two results for {key[0]} {key[1]}.")
        found[key] = value
    return found


def verify_results(name: str, results: Results) -> Report:
    """Judge the results for one function; a row without a result fails.

    Raises ValueError for an unknown function or a changed file.
    """
    return judge(name, ((row, results.get((name, row.tc_id), math.nan)) for row in load(name)))


def _number(text: str) -> float:
    return float.fromhex(text) if "0x" in text.lower() else float(text)
