"""Command: what was measured, with which code, and whether that code has changed since.

python -m validation.recorded            prints the table of validation/results
python -m validation.recorded --write    writes it to validation/results/README.md

Exit status 1 where a short study is stale, since running it again is a matter of seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gbm_fast.settings.choices import expand_paths
from validation.ending import leave
from validation.provenance import is_short, recorded, recorded_by_file, standing
from validation.study import RESULTS, write_text

HEAD = """# Recorded results

Made by `python -m validation.recorded --write`. "Current" means that no definition (function,
class or constant) which the study reaches has changed since; docstrings, comments and the module
that a definition is in do not count. A short study (up to two minutes of processor time) must be
current, or the test suite fails; a long one is labelled.

| result | command | date | processor | outcome | code |
| --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Options:
    """What to do with the table."""

    write: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write it to README.md beside the results."""
    folder: Path = RESULTS
    """Folder of the results."""

    def __post_init__(self) -> None:
        expand_paths(self)


def page(folder: Path) -> str:
    """The page about every result in `folder`, as Markdown."""
    return HEAD + "".join(_row(name, record) for name, record in recorded(folder).items())


def _row(name: str, record: dict) -> str:
    passed = {True: "passed", False: "**FAILED**"}.get(record.get("passed"), "no gate stored")
    command = (
        f"`{record['command']}`" if "command" in record else f"`validation.{record['study']}`"
    )
    seconds = record.get("processor_seconds")
    spent = f"{float(seconds):.0f} s" if seconds is not None else "not stored"
    cells = (f"`{name}`", command, record.get("date", "not stored"), spent, passed, _code(record))
    return f"| {' | '.join(cells)} |\n"


def _code(record: dict) -> str:
    found = standing(record)
    if found.current:
        return "current"
    if recorded_by_file(record):
        return "**STALE**: unknown, recorded by file"
    if not found.known:
        return "**STALE**: recorded before the code's hash was stored"
    names = ", ".join(f"`{name}`" for name in found.changed[:4])
    more = len(found.changed) - 4
    return f"**STALE**: changed since: {names}" + (f" and {more} more" if more > 0 else "")


def stale_short_results(folder: Path) -> list[str]:
    """The commands of the short studies whose code has changed since they were recorded."""
    return [
        record.get("command", name)
        for name, record in recorded(folder).items()
        if is_short(record) and not standing(record).current
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when every short result is current, 1 otherwise."""
    options = tyro.cli(
        Options, prog="python -m validation.recorded", description=__doc__, args=arguments
    )
    text = page(options.folder)
    if options.write:
        write_text(options.folder / "README.md", text)
    print(text)
    stale = stale_short_results(options.folder)
    for line in stale:
        print(f"stale, run again: {line}")
    return 1 if stale else 0


if __name__ == "__main__":
    leave(main)
