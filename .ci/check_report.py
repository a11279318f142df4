"""Refuse a test run that executed too little: `check_report.py REPORT.xml EXPECTED.toml`.

Reads pytest's JUnit report. Exit status 1, with the reasons on stderr, when

- fewer tests passed than the committed floor `minimum_passed`, or
- a test failed or broke, or
- a test was skipped, or failed as expected, for a reason that is not in `allowed_skips`.

A suite that has silently stopped collecting a folder, or that skips what it cannot run, still ends
in green; this is the check that it does not.
"""

import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import NamedTuple


class Tally(NamedTuple):
    """Outcomes of a run: test cases by outcome, and the skipped ones by reason."""

    passed: int
    failed: int
    skips: Counter[str]


def tally_of(report: Path) -> Tally:
    """Counts the test cases of a JUnit report."""
    passed = failed = 0
    skips: Counter[str] = Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skipped is not None:
            skips[skipped.get("message", "")] += 1
        else:
            passed += 1
    return Tally(passed, failed, skips)


def complaints(tally: Tally, minimum_passed: int, allowed_skips: list[str]) -> list[str]:
    """Everything that is wrong with the run; empty when it is acceptable."""
    found = []
    if minimum_passed < 1:
        found.append(f"minimum_passed is {minimum_passed}: a floor below 1 checks nothing")
    if tally.passed < minimum_passed:
        found.append(f"{tally.passed} tests passed, the committed floor is {minimum_passed}")
    if tally.failed:
        found.append(f"{tally.failed} tests failed or broke")
    for reason, count in sorted(tally.skips.items()):
        if reason not in allowed_skips:
            found.append(f"{count} skipped for a reason that is not allowed: {reason!r}")
    return found


def main(arguments: list[str]) -> int:
    """Prints the verdict; 0 when the run is acceptable."""
    report, expected = map(Path, arguments)
    limits = tomllib.loads(expected.read_text(encoding="utf-8"))
    tally = tally_of(report)
    found = complaints(tally, limits["minimum_passed"], limits["allowed_skips"])
    for complaint in found:
        print(f"check_report: {complaint}", file=sys.stderr)
    print(
        f"check_report: {tally.passed} passed (floor {limits['minimum_passed']}), "
        f"{tally.failed} failed, {tally.skips.total()} skipped"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
