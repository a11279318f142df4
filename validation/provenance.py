"""Recorded results and the code that they were measured with.

A result stores a hash of each definition that its study reaches (`validation.dependencies`): of
what the definition does, not of its place or its explanation, so that neither a better docstring
nor a move to another module makes a measurement old. From the hashes follows a `Standing`:
current; stale (some definition has changed since); or unknown (recorded before there were hashes,
or with hashes of files). The module of a study is validation.<study>, unless its result names
another one. A short study that is stale is run again, so a test fails; a long one is labelled in
`results/README.md`, with the definitions that changed.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from validation.dependencies import current_code

SHORT_SECONDS = 120.0
"""Processor seconds up to which a study counts as short."""


def code_hashes(module: str) -> dict[str, str]:
    """Key "package: name" -> hash, for every definition that `module` reaches.

    Raises ValueError where there is no such module in this clone.
    """
    return current_code().hashes(module)


def has_code(module: str) -> bool:
    """Whether this clone has such a module."""
    return current_code().is_ours(module)


def digest(hashes: dict[str, str]) -> str:
    """One short hash of the hashes, to name what was made with the code."""
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Standing:
    """Whether a recorded result still belongs to the code: what has changed, if it is known."""

    known: bool
    changed: tuple[str, ...]

    @property
    def current(self) -> bool:
        """Measured with the code as it is now."""
        return self.known and not self.changed


def standing(record: dict) -> Standing:
    """The standing of a result file's content against the code of this clone."""
    stored = record.get("code")
    if not isinstance(stored, dict) or not stored or recorded_by_file(record):
        return Standing(False, ())
    module = record.get("module", f"validation.{record['study']}")
    now = code_hashes(module) if has_code(module) else {}
    names = set(stored) | set(now)
    return Standing(True, tuple(sorted(n for n in names if stored.get(n) != now.get(n))))


def recorded_by_file(record: dict) -> bool:
    """Whether the result stores hashes of files, which say nothing about definitions."""
    return any(name.endswith(".py") for name in record.get("code") or ())


def is_short(record: dict) -> bool:
    """Whether the study is short enough to be run again whenever its code changes."""
    seconds = record.get("processor_seconds")
    return seconds is not None and float(seconds) <= SHORT_SECONDS


def recorded(folder: Path) -> dict[str, dict]:
    """File name -> content of every full result in a folder, sorted by name."""
    return {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
        if not path.stem.endswith("-quick")
    }
