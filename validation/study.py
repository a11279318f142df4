"""The shared runner: seed in, one JSON file, one figure and a verdict out.

A study is a pure function from `Settings` to `Findings`, and a function that draws the findings.
The runner measures, judges (a study passes when it made at least one check and every check
passed), draws, and writes both files by renaming complete temporary ones, so that an interrupted
run leaves nothing half-written. A failed study still leaves its files: they show why.
"""

import contextlib
import importlib.metadata
import json
import math
import os
import platform
import secrets
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple, NoReturn

import tyro

from validation.ending import leave
from validation.provenance import code_hashes, has_code

RESULTS = Path(__file__).resolve().parent / "results"
"""The recorded results, which are part of the repository."""
OWN_RESULTS = Path("study-results")
"""Where a study writes unless it is asked to record; ignored by git."""
REPORTED_PACKAGES = ("numpy", "scipy", "torch", "matplotlib")


@dataclass(frozen=True)
class Settings:
    """What a user may choose; everything else belongs to the study."""

    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Fewer and shorter simulations (seconds); files are named <study>-quick."""
    seed: int = 20260524
    """Root of every random stream. A study must pass for any seed."""
    out_dir: Path = OWN_RESULTS
    """Folder for the JSON file and the figure; made when missing."""
    record: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write to validation/results, in place of what is recorded there."""

    def __post_init__(self) -> None:
        # Here, since --help needs neither this nor anything else of the packages.
        from gbm_fast.settings.choices import expand_paths

        expand_paths(self)
        if self.record and self.quick:
            raise ValueError(
                "a reduced run is no result to record: leave --quick or --record out."
            )

    @property
    def folder(self) -> Path:
        """Where the files go."""
        return RESULTS if self.record else self.out_dir


class Check(NamedTuple):
    """One condition of a study's gate, with the numbers that decided it."""

    name: str
    passed: bool
    detail: str


class Findings(NamedTuple):
    """What a study returns: its fixed parameters, what it measured, and its gate."""

    parameters: dict[str, object]
    measurements: dict[str, object]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """At least one check was made and all of them passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)


@dataclass(frozen=True)
class Study:
    """A named study, of the module `validation.<name>`, which is its command.

    `draw` receives the findings and the path of the PNG it must write; --help prints `about`.
    """

    name: str
    summary: str
    measure: Callable[[Settings], Findings]
    draw: Callable[[Findings, Path], None]
    about: str | None = None

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run as a command: exit status 0 when the study passed, 1 otherwise.

        Raises ValueError for settings or data that cannot be used.
        """
        prog = f"python -m validation.{self.name}"
        settings = tyro.cli(Settings, prog=prog, description=self.about, args=arguments)
        return 0 if run(self, settings) else 1

    def script(self) -> NoReturn:
        """`main`, and the end of the process; an error is one line."""
        leave(self.main)


def run(study: Study, settings: Settings) -> bool:
    """Measure, judge, write `<name>.json` and `<name>.png`, report; return the verdict.

    Raises ValueError, before anything is measured, when the seed is negative or the output
    folder cannot be used.
    """
    if settings.seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {settings.seed}.")
    folder = _usable(settings.folder)
    stem = study.name + ("-quick" if settings.quick else "")
    started = (time.perf_counter(), _processor_seconds())
    findings = study.measure(settings)
    seconds = (time.perf_counter() - started[0], _processor_seconds() - started[1])
    record = _record(study, settings, findings, seconds)
    write_text(
        folder / f"{stem}.json", json.dumps(plain(record), indent=1, allow_nan=False) + "\n"
    )
    with replacing(folder / f"{stem}.png") as unfinished:
        study.draw(findings, unfinished)
    spent = f"{seconds[0]:.1f} s ({seconds[1]:.1f} s of processor time)"
    _report(study, findings, folder / stem, spent)
    return findings.passed


def _processor_seconds() -> float:
    """Of this process and of those that it has started and waited for."""
    return sum(os.times()[:4])


def _usable(folder: Path) -> Path:
    """The folder, made when missing and seen to be writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"cannot write to the output folder {folder} ({error.strerror}); "
            "pass a writable folder with --out-dir."
        ) from error
    return folder


def _record(
    study: Study, settings: Settings, findings: Findings, seconds: tuple[float, float]
) -> dict[str, object]:
    return {
        "study": study.name,
        "summary": study.summary,
        "command": command(study, settings),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seconds": round(seconds[0], 1),
        "processor_seconds": round(seconds[1], 1),
        "environment": environment(),
        "code": _code(study),
        "seed": settings.seed,
        "passed": findings.passed,
        "checks": [check._asdict() for check in findings.checks],
        "parameters": findings.parameters,
        "measurements": findings.measurements,
    }


def _code(study: Study) -> dict[str, str]:
    """The hashes of what the study depends on; a study without a module of its own has none."""
    module = f"validation.{study.name}"
    return code_hashes(module) if has_code(module) else {}


def command(study: Study, settings: Settings) -> str:
    """The line that repeats this run (where it writes does not change the numbers)."""
    words = ["python", "-m", f"validation.{study.name}", "--seed", str(settings.seed)]
    return shlex.join(words + (["--quick"] if settings.quick else []))


def environment() -> dict[str, object]:
    """Versions and machine on which the numbers were obtained."""
    versions = {name: importlib.metadata.version(name) for name in REPORTED_PACKAGES}
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores"
    return {"python": platform.python_version(), **versions, "machine": machine}


def _report(study: Study, findings: Findings, stem: Path, spent: str) -> None:
    for check in findings.checks:
        print(f"{'pass' if check.passed else 'FAIL'}  {check.name}: {check.detail}")
    verdict = "passed" if findings.passed else "FAILED"
    print(f"{study.name} {verdict} in {spent}")
    print(f"figure: {stem}.png\nnumbers: {stem}.json")
    sys.stdout.flush()


def plain(value: object) -> object:
    """A copy made of JSON types; NaN and infinities become strings, never invalid JSON."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"cannot store a {type(value).__name__} in a result file; convert it first.")


def write_text(path: Path, text: str) -> None:
    """Write a whole file or nothing."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix, renamed to `path` on success."""
    # A name that nothing has, a link of somebody's least of all.
    unfinished = path.with_name(f".{path.stem}.{secrets.token_hex(8)}{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
