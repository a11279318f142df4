"""Which check rejects which planted bug: `python -m tests.statistics.matrix --write` (or prints).
From the twins' exact laws, no random number; test_statistics.py sees each rejection in draws."""

import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.statistics.catalogue import HERE, SCENARIOS, cell, entries_of
from tests.statistics.checks import STATISTICS
from tests.statistics.ledger import LEDGER, Entry
from validation.study import write_text

PAGE = Path(__file__).with_name("MATRIX.md")
HEAD = """# Planted bugs and the checks that reject them

Made by `python -m tests.statistics.matrix --write`; a test compares it. Rows are twins, samplers
with one planted bug; columns are the assertions of `ledger.toml`. A cell is the size of the bug in
the unit of the statistic, from the exact law of the twin. **Bold**: rejected, with a chance
of a miss below the ledger's beta; the test suite draws the twin and sees that check reject it.
Plain: too small for that check at its n. A dash: the twin's draws have no law that is known for
this view, or are not independent.

"""


def page() -> str:
    return HEAD + _summary() + "".join(_table(name) for name in SCENARIOS) + _elsewhere()


def unhit() -> list[str]:
    """Twins that no check rejects and checks that reject no twin: none, or the suite is blind."""
    twins = [(name, twin) for name, scenario in SCENARIOS.items() for twin in scenario.twins]
    cells = [(e, name, twin) for name, twin in twins for e in entries_of(name)]
    seen = [(e, name, twin) for e, name, twin in cells if cell(e, twin).seen(e)]
    rows, columns = {(name, twin) for _, name, twin in seen}, {e.id for e, *_ in seen}
    blind = [f"{name}: {twin}" for name, twin in twins if (name, twin) not in rows]
    return blind + [entry.id for entry in HERE if entry.id not in columns]


def _summary() -> str:
    """For each bug, how many assertions reject it and with which statistics."""
    found: dict[str, list[Entry]] = {}
    for entry in HERE:
        for twin in entry.twins:
            found.setdefault(twin, []).append(entry)
    lines = ["| planted bug | rejected by | in | statistics |", "| --- | --- | --- | --- |"]
    for twin in sorted(found, key=str.lower):
        entries = found[twin]
        names = dict.fromkeys(entry.scenario for entry in entries)
        used = [name for name in STATISTICS if name in {entry.statistic for entry in entries}]
        scenarios = ", ".join(names) if len(names) <= 4 else f"{len(names)} scenarios"
        lines.append(f"| {twin} | {len(entries)} | {scenarios} | {', '.join(used)} |")
    units = [f"{name}: {check.effect.replace('_', ' ')}" for name, check in STATISTICS.items()]
    return "\n".join(lines) + f"\n\nUnits. {', '.join(units)}.\n"


def _table(name: str) -> str:
    scenario, entries = SCENARIOS[name], entries_of(name)
    columns = [f"{entry.view}: {entry.statistic}" for entry in entries]
    lines = [
        f"\n## {name}\n\n{scenario.about}\n",
        "| twin | " + " | ".join(column.replace("|", "\\|") for column in columns) + " |",
        "| --- |" + " --- |" * len(entries),
        "| *least effect seen* | " + " | ".join(_number(entry.size) for entry in entries) + " |",
    ]
    for twin in scenario.twins:
        cells = " | ".join(_cell(entry, twin) for entry in entries)
        lines.append(f"| {twin} | {cells} |")
    return "\n".join(lines) + "\n"


def _cell(entry: Entry, twin: str) -> str:
    found = cell(entry, twin)
    if math.isnan(found.size):
        return "–"
    return f"**{_number(found.size)}**" if found.seen(entry) else _number(found.size)


def _number(size: float) -> str:
    """Two digits; what is only the rounding of a quadrature is 0."""
    if math.isinf(size):
        return "∞"
    return "0" if size < 1e-5 else f"{size:.2g}"


def _elsewhere() -> str:
    lines = ["\n## Elsewhere\n", "| assertion | n | alpha | twins |", "| --- | --- | --- | --- |"]
    for entry in LEDGER:
        if entry.elsewhere:
            what, twins = f"`{entry.scenario}`: {entry.view}", "; ".join(entry.twins)
            lines.append(f"| {what} | {entry.n} | {entry.alpha:g} | {twins} |")
    return "\n".join(lines) + "\n"


def differences(one: str, other: str) -> list[str]:
    """Lines that differ by more than the last digit of a number, which is the platform's."""
    pairs = list(zip(one.splitlines(), other.splitlines(), strict=False))
    found = [b for a, b in pairs if not _same(a, b)]
    if len(one.splitlines()) != len(other.splitlines()):
        found.append("the number of lines")
    return found


_DIGITS = re.compile(r"\d+(?:\.\d+)?(?:e[-+]\d+)?")


def _same(one: str, other: str) -> bool:
    numbers = [[float(word) for word in _DIGITS.findall(line)] for line in (one, other)]
    words = [_DIGITS.sub("#", line) for line in (one, other)]
    return words[0] == words[1] and all(
        math.isclose(a, b, rel_tol=0.11) for a, b in zip(*numbers, strict=True)
    )


def main(arguments: Sequence[str]) -> int:
    """Print or write the page; exit status 1 where a row or a column has no hit."""
    text = page()
    if "--write" in arguments:
        write_text(PAGE, text)
    else:
        print(text)
    blind = unhit()
    for line in blind:
        print(f"no hit: {line}", file=sys.stderr)
    return 1 if blind else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
