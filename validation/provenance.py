"""Recorded results and the code that they were measured with.

A result stores a hash of each file that its study depends on, without docstrings, comments and
blank lines, so that a better explanation does not make a measurement old. From the hashes follows
a `Standing`: current; stale (some file has changed since); or unknown (recorded before hashes
were). The module of a study is validation.<study>, unless its result names another one. A short
study that is stale is run again, so a test fails; a long one is labelled in
`results/README.md`, with the files that changed.
"""

import ast
import hashlib
import io
import json
import tokenize
from dataclasses import dataclass
from pathlib import Path

from validation.dependencies import ROOT, dependencies

# The bookkeeping of this module is not part of any measurement.
_BOOKKEEPING = {"validation/provenance.py", "validation/dependencies.py"}
SHORT_SECONDS = 120.0
"""Processor seconds up to which a study counts as short."""


def stripped(source: str) -> str:
    """Python source without docstrings, comments, blank lines and trailing blanks."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        documented = isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        )
        if documented and ast.get_docstring(node) is not None:
            text = node.body[0]
            first, last = text.lineno, text.end_lineno or text.lineno
            lines[first - 1] = lines[first - 1].encode()[: text.col_offset].decode()
            lines[first:last] = [""] * (last - first)
    return "\n".join(line.rstrip() for line in lines if line.strip())


def code_hashes(module: str) -> dict[str, str]:
    """Path from the root -> hash of the stripped source, for every file `module` depends on."""
    hashes = {}
    for path in dependencies(module):
        name = path.relative_to(ROOT).as_posix()
        if name not in _BOOKKEEPING:
            content = stripped(path.read_text(encoding="utf-8")).encode()
            hashes[name] = hashlib.sha256(content).hexdigest()[:16]
    return hashes


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
    if not isinstance(stored, dict) or not stored:
        return Standing(False, ())
    try:
        now = code_hashes(record.get("module", f"validation.{record['study']}"))
    except ValueError:  # the study itself is gone
        now = {}
    names = set(stored) | set(now)
    return Standing(True, tuple(sorted(n for n in names if stored.get(n) != now.get(n))))


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
