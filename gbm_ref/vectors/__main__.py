"""List, verify and print the accuracy vectors: `python -m gbm_ref.vectors list`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m gbm_ref.vectors", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the functions, their rows and their formulas")
    check = commands.add_parser(
        "verify",
        help="judge gbm_ref, or results of another program; exit 1 when a row fails",
        description="Checks the files, then judges gbm_ref on every row, or with --results a "
        'program that wrote one line {"fn": ..., "tcId": ..., "out": ...} for each row, out a '
        "hexadecimal or decimal number. Exits with 1 when a row fails, is missing, or a file was "
        "changed.",
    )
    check.add_argument("names", nargs="*", metavar="NAME", help="functions (default: all)")
    check.add_argument(
        "--results", metavar="FILE", help="JSON lines of another program, - for standard input"
    )
    show = commands.add_parser("print", help="the rows of a function, in decimal or as JSON")
    show.add_argument("name", metavar="NAME")
    show.add_argument("--id", type=int, metavar="N", help="one row only")
    show.add_argument("--json", action="store_true", help="the lines of the file as they are")
    return made


def listing() -> str:
    """The table of `list`."""
    from gbm_ref.vectors.store import function_entry, names, version

    entries = [function_entry(name) for name in names()]
    width = max(len(entry.name) for entry in entries)
    lines = [f"{'function':<{width}}  rows  k  claim               formula"]
    lines += [
        f"{e.name:<{width}}  {e.rows:>4}  {e.k:g}  {e.claim:<18}  {e.formula}" for e in entries
    ]
    rows = sum(entry.rows for entry in entries)
    return "\n".join([*lines, f"{rows} rows of {len(entries)} functions, version {version()}"])


def verdicts(chosen: Sequence[str], results: str | None) -> tuple[str, bool]:
    """The table of `verify`, and whether all rows passed. ValueError for bad files or results."""
    from gbm_ref.vectors.oracle import verify_oracle
    from gbm_ref.vectors.results import read_results, verify_results
    from gbm_ref.vectors.store import check_files, names

    check_files()
    if results is None:
        reports = [verify_oracle(name) for name in chosen or names()]
    else:
        text = sys.stdin.read() if results == "-" else Path(results).read_text(encoding="utf-8")
        given = read_results(text.splitlines())
        reports = [verify_results(name, given) for name in chosen or sorted({n for n, _ in given})]
    lines = []
    for report in reports:
        verdict = "passed" if report.passed else f"{len(report.failures)} FAILED"
        lines.append(
            f"{report.fn:<34} {report.rows:>4} rows, largest error {report.worst:8.2g} of what is "
            f"allowed: {verdict}"
        )
        lines += [
            f"    tcId {f.vector.tc_id} {' '.join(f.vector.flags)}: got {f.value!r}, "
            f"not {f.vector.nearest!r}"
            for f in report.failures[:5]
        ]
    return "\n".join(lines), bool(reports) and all(report.passed for report in reports)


def printed(name: str, number: int | None, as_json: bool) -> str:
    """The rows of `print`. Raises ValueError for an unknown function or row."""
    from gbm_ref.vectors.store import lines, load

    rows, texts = load(name), lines(name)
    chosen = [i for i, row in enumerate(rows) if number in (None, row.tc_id)]
    if not chosen:
        raise ValueError(f"{name} has no row {number}: the ids run from 1 to {len(rows)}.")
    if as_json:
        return "\n".join(texts[i] for i in chosen)
    shown = []
    for row in (rows[i] for i in chosen):
        values = ", ".join(f"{key}={value!r}" for key, value in row.args.items())
        shown.append(
            f"{row.tc_id:>4} {' '.join(row.flags)}: {values} -> {row.nearest!r} "
            f"+- {float(row.bound):.2g}, refuses {', '.join(row.kills)}"
        )
    return "\n".join(shown)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when it succeeds and every row passes, 2 for a wrong name or file."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "list":
            print(listing())
        elif options.command == "print":
            print(printed(options.name, options.id, options.json))
        else:
            text, passed = verdicts(options.names, options.results)
            print(text)
            return 0 if passed else 1
    except (ValueError, OSError) as error:
        print(f"gbm_ref.vectors: {error}", file=sys.stderr)
        return 1 if options.command == "verify" else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
