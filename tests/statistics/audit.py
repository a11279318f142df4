"""Many run seeds for every statistical assertion: `python -m tests.statistics.audit --seeds 200`.
Twins are not drawn. Record and figure go to statistics_audit, in validation/results with
--record; broken off, it goes on where it stopped if code and ledger are the same."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats
from tqdm import tqdm

from tests.statistics.catalogue import HERE, SCENARIOS, check_of, entries_of
from tests.statistics.checks import STATISTICS, Shape, dkw, kolmogorov
from tests.statistics.laws import Array
from tests.statistics.ledger import ALPHA, FILE, Entry
from tests.statistics.seeds import Source, sequence
from validation.provenance import code_hashes
from validation.study import OWN_RESULTS, RESULTS, Check, environment, plain, replacing, write_text

MODULE = "tests.statistics.audit"
# The level at which the p-values of all assertions together may be found not to be uniform.
UNIFORMITY_ALPHA = 1e-6
# The bound of `projections` and the discrete p-values of `rate` are not uniform.
UNIFORM = ("mean", "variance", "correlation", "shape")


@dataclass(frozen=True)
class Options:
    """What to run."""

    seeds: int = 200
    """Run seeds, each of which draws every scenario anew."""
    minutes: float = 60.0
    """Processor minutes after which the audit ends with the seeds that it has, at least two."""
    root: int = 1
    """Root of the run seeds."""
    out_dir: Path = OWN_RESULTS
    """Folder of the record and the figure."""
    record: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write to validation/results, in place of what is recorded there."""
    restart: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Forget what an audit that was broken off has left."""


PValues = dict[str, tuple[float, float]]


def run_seed(root: int, number: int) -> int:
    return int(np.random.SeedSequence([root, number]).generate_state(1, np.uint32)[0])


def p_values(seed: int) -> PValues:
    """For each assertion the p-value that decides and one that is uniform (NaN: there is none)."""
    found = {}
    for name, scenario in SCENARIOS.items():
        test_id = "tests/statistics/test_statistics.py::test_correct_code_is_accepted"
        draws = scenario.draw(Source(sequence(seed, f"{test_id}[{name}]")))
        for entry in entries_of(name):
            view = scenario.views[entry.view](draws)
            found[entry.id] = (check_of(entry).p_value(view), _exact(entry, view))
    return found


def _exact(entry: Entry, draws: Array) -> float:
    """The p-value with the exact law of the statistic, where that is continuous."""
    check = check_of(entry)
    if isinstance(check, Shape):
        return float(stats.kstwo.sf(kolmogorov(draws, check.law), entry.n))
    return check.p_value(draws) if entry.statistic in UNIFORM else float("nan")


def collect(options: Options, code: dict[str, str]) -> tuple[list[PValues], float]:
    """The p-values of each seed, and the processor seconds that they took."""
    notes = options.out_dir / ".statistics_audit.jsonl"
    notes.parent.mkdir(parents=True, exist_ok=True)
    header = json.dumps({"root": options.root, "ledger": FILE.read_text(), "code": code})
    lines = notes.read_text().splitlines() if notes.exists() and not options.restart else []
    if not lines or lines[0] != header:
        lines = [header]
        notes.write_text(header + "\n")
    for number in tqdm(range(len(lines) - 1, options.seeds), unit="seed", initial=len(lines) - 1):
        spent = sum(json.loads(line)["seconds"] for line in lines[1:])
        if number >= 2 and spent > 60 * options.minutes:
            break
        started = time.process_time()
        found = p_values(run_seed(options.root, number))
        line = json.dumps({"seconds": time.process_time() - started, "p": found})
        with notes.open("a") as file:
            file.write(line + "\n")
        lines.append(line)
    rows = [json.loads(line) for line in lines[1:]]
    return [row["p"] for row in rows], sum(row["seconds"] for row in rows)


def summary(entry: Entry, found: Sequence[PValues]) -> dict[str, object]:
    decided = [row[entry.id][0] for row in found]
    uniform = [row[entry.id][1] for row in found]
    known = entry.statistic in UNIFORM
    return {
        "assertion": entry.id,
        "n": entry.n,
        "alpha": entry.alpha,
        "rejections": sum(not p > entry.alpha for p in decided),
        "smallest_p": min(decided),
        "uniformity_p": float(stats.kstest(uniform, "uniform").pvalue) if known else None,
        "p": uniform if known else decided,
    }


def gate(rows: Sequence[dict], seeds: int) -> tuple[Check, ...]:
    """No assertion refused correct code, and no p-values are other than uniform."""
    refused = {row["assertion"]: row["rejections"] for row in rows if row["rejections"]}
    tested = [row for row in rows if row["uniformity_p"] is not None]
    worst = min(tested, key=lambda row: row["uniformity_p"])
    p, limit = worst["uniformity_p"], UNIFORMITY_ALPHA / len(tested)
    every = f"{len(rows)} of {len(HERE)}, {seeds} seeds"
    false = (
        f"{sum(refused.values())} rejections in {len(rows) * seeds} assertions, "
        f"{seeds * ALPHA:.1g} expected at most {refused or ''}".rstrip()
    )
    uniform = f"smallest of {len(tested)}: {p:.2g} ({worst['assertion']}), allowed {limit:.2g}"
    return (
        Check("all assertions", len(rows) == len(HERE), every),
        Check("no false alarm", not refused, false),
        Check("p-values uniform", p > limit, uniform),
    )


_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#555555", "#E69F00")
COLOURS = dict(zip(STATISTICS, _PALETTE, strict=True))


def build_figure(rows: Sequence[dict], seeds: int) -> Figure:
    """Left: the share of seeds with a p-value below p, a line an assertion. Right: smallest p."""
    figure = Figure(figsize=(13, 6.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_uniformity(left, [row for row in rows if row["uniformity_p"] is not None], seeds)
    _draw_smallest(right, rows, seeds)
    figure.suptitle(
        f"{len(rows)} statistical assertions on correct code, {seeds} run seeds: "
        f"{sum(row['rejections'] for row in rows)} rejections"
    )
    return figure


def _statistic(row: dict) -> str:
    return row["assertion"].rpartition("/")[2]


def _draw_uniformity(axes: Axes, rows: Sequence[dict], seeds: int) -> None:
    """Lines less the diagonal, with the band that one in a thousand leaves."""
    labelled = set()
    for row in rows:
        p, kind = np.sort(row["p"]), _statistic(row)
        share, label = (np.arange(p.size) + 0.5) / p.size, None if kind in labelled else kind
        axes.plot(p, share - p, color=COLOURS[kind], linewidth=0.9, alpha=0.7, label=label)
        labelled.add(kind)
    one, all_of_them = dkw(seeds, 1e-3), dkw(seeds, 1e-3 / len(rows))
    axes.axhspan(-one, one, color="#eeeeee", label="left by 1 line in 1000")
    for edge in (-all_of_them, all_of_them):
        axes.axhline(edge, color="black", linestyle=":", linewidth=1.0)
    axes.plot([], [], "k:", label="left by any line once in 1000 audits")
    axes.set(xlim=(0, 1), xlabel="p", ylabel="share of seeds with a smaller p-value, less p")
    axes.set(title="p-values of the exact tests against the uniform law")
    axes.legend(fontsize=8, loc="lower right")


def _draw_smallest(axes: Axes, rows: Sequence[dict], seeds: int) -> None:
    """The smallest p-value of each assertion against what that many seeds should give."""
    for kind, colour in COLOURS.items():
        chosen = [(i, row["smallest_p"]) for i, row in enumerate(rows) if _statistic(row) == kind]
        if chosen:
            axes.plot(*zip(*chosen, strict=True), "o", color=colour, label=kind, markersize=4)
    axes.axhline(1.0 / seeds, color="black", linewidth=1.0, label="1 / seeds, the usual smallest")
    rare, smallest = 1e-3 / (seeds * len(rows)), "smallest of all, once in 1000 audits"
    axes.axhline(rare, color="black", linestyle=":", label=smallest)
    axes.axhline(max(row["alpha"] for row in rows), color="#D55E00", label="alpha: rejected below")
    axes.set(yscale="log", ylim=(1e-10, 1.5), xlabel="assertion, in the order of the ledger")
    axes.set(ylabel="smallest p-value over the seeds")
    axes.set(title="smallest p-value of each assertion against alpha")
    axes.legend(fontsize=8, loc="lower right")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, write the record and the figure; exit status 0 where the gate is passed."""
    options = tyro.cli(Options, prog=f"python -m {MODULE}", description=__doc__, args=arguments)
    torch.set_num_threads(1)
    # Now, since the files may change while the audit runs.
    code = code_hashes(MODULE)
    found, seconds = collect(options, code)
    rows = [summary(entry, found) for entry in HERE]
    checks = gate(rows, len(found))
    record = {
        "study": "statistics_audit",
        "module": MODULE,
        "summary": "every statistical assertion on correct code, for many run seeds",
        "command": f"python -m {MODULE} --seeds {len(found)} --root {options.root}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor_seconds": round(seconds, 1),
        "environment": environment(),
        "code": code,
        "passed": all(check.passed for check in checks),
        "checks": [check._asdict() for check in checks],
        "seeds": len(found),
        "assertions": [{key: value for key, value in row.items() if key != "p"} for row in rows],
    }
    text = json.dumps(plain(record), indent=1, allow_nan=False)
    folder = RESULTS if options.record else options.out_dir
    write_text(folder / "statistics_audit.json", text + "\n")
    with replacing(folder / "statistics_audit.png") as path:
        build_figure(rows, len(found)).savefig(path, dpi=130)
    for check in checks:
        print(f"{'pass' if check.passed else 'FAIL'}  {check.name}: {check.detail}")
    return 0 if record["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
