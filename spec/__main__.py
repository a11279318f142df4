"""Run every claim and print what became of it: `python -m spec`.

Exits with 1 when a claim is open, a proof fails, a false twin is accepted, a pinned function of
gbm_ref disagrees, words or routine have changed since one was read against the other, or the paper
states something that no claim is about."""

import argparse
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

# Expressions are many and lie in no cycles: looking for these as often as Python does is a tenth
# of the work.
COLLECT_AFTER = 100_000
ROOT = Path(__file__).resolve().parent.parent


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m spec", description=__doc__)
    # fmt: off
    made.add_argument("--claim", action="append", metavar="ID", help="show one claim in full")
    made.add_argument("--json", action="store_true", help="print JSON instead of a table")
    made.add_argument("--write", action="store_true",
                      help="write spec/ERRATA.md and spec/TRACE.md anew")
    made.add_argument("--html", nargs="?", const=Path("claims.html"), type=Path, metavar="FILE",
                      help="write one page of all claims for a browser (default: claims.html)")
    made.add_argument("--reviewed", nargs="+", metavar="ID", help="note that the words of these "
                      "claims were read against their routines ('all')")
    made.add_argument("--jobs", type=int, default=os.cpu_count() or 1,
                      help="processes (default: all cores)")
    # fmt: on
    return made


def pin_troubles(ids: list[str]) -> dict[str, list[str]]:
    """What comparing the pins with gbm_ref gave, in another process.

    This package may not import gbm_ref. Raises RuntimeError when the command fails."""
    command = [sys.executable, "-m", "validation.pins", *ids]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"comparing the pins with gbm_ref failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def progress_line(total: int) -> Callable[[int], None]:
    """Writes "12 of 200 claims" over itself while a person looks on, nothing into a file."""
    if not sys.stderr.isatty():
        return lambda done: None
    return lambda done: print(
        f"\r{done} of {total} claims", end="\r" if done < total else "\n", file=sys.stderr
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when nothing falls short."""
    options = parser().parse_args(arguments)
    if options.html and options.claim:
        print("--html is a page of all claims: leave --claim out.", file=sys.stderr)
        return 2
    gc.set_threshold(COLLECT_AFTER)
    with ThreadPoolExecutor(1) as beside:
        # Another process compares the pins meanwhile: of all claims, before they are read here.
        pins = None if options.claim or options.reviewed else beside.submit(pin_troubles, [])
        return _run(options, beside, pins)


def _run(options: argparse.Namespace, beside: ThreadPoolExecutor, pins: Future | None) -> int:
    # Imported late so that --help answers at once.
    from spec.catalogue import BY_ID, ancestors
    from spec.pages import reviewed
    from spec.verdicts import run_proofs, statuses

    noted = options.reviewed or []
    unknown = {*(options.claim or []), *(set(noted) - {"all"})} - set(BY_ID)
    if unknown:
        said = f"no claim is called {', '.join(sorted(unknown))}; the ids are:"
        print(said, *BY_ID, file=sys.stderr)
        return 2
    if noted:
        reviewed.record([BY_ID[n] for n in (BY_ID if "all" in noted else noted)], list(BY_ID))
        return 0
    chosen = options.claim or list(BY_ID)
    related = set(chosen).union(*map(ancestors, chosen))
    ids = [name for name in BY_ID if name in related]
    pins = pins or beside.submit(pin_troubles, ids)
    outcomes = run_proofs(ids, options.jobs, progress_line(len(ids)))
    found = statuses(outcomes, pins.result())
    shown = [found[name] for name in chosen]
    _print(options, shown, found)
    wanting = [] if options.claim else _wanting()
    for line in wanting:
        print(f"! {line}", file=sys.stderr)
    return 0 if not wanting and all(status.complete for status in shown) else 1


def _print(options: argparse.Namespace, shown: list, found: dict) -> None:
    """The statuses as the options ask for, and the written pages."""
    from spec.pages import errata, table, trace

    if options.html:
        from spec.pages import html  # needs latex2mathml

        options.html.write_text(html.page(found), encoding="utf-8")
    if options.json:
        print(table.as_json(shown))
    elif options.claim:
        print("\n".join(table.details(status) for status in shown))
    else:
        print(table.table(shown), table.counts(shown), sep="\n\n")
    if options.write:
        (ROOT / "spec/ERRATA.md").write_text(errata.page(), encoding="utf-8")
        (ROOT / "spec/TRACE.md").write_text(trace.page(), encoding="utf-8")


def _wanting() -> list[str]:
    """What falls short in the collection as such."""
    from spec.catalogue import BY_ID, defects, shortfalls
    from spec.pages import reviewed, trace

    unpinned = [f"{name}: no claim pins it" for name in trace.unpinned()]
    gone = [f"{name}: was read, and is gone" for name in reviewed.known() if name not in BY_ID]
    return [*defects(), *shortfalls(), *unpinned, *gone]


if __name__ == "__main__":
    sys.exit(main())
