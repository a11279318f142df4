"""The shipped files: the manifest, the rows, and whether they are as they were made."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from gbm_ref.vectors.records import Implementation, Report, Vector, parse, verify_rows

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class FunctionEntry:
    """What the manifest says about one function.

    file, sha256, rows  the file of its rows, the checksum of that file, their number
    formula             in plain characters
    args                the meaning of each argument, in order
    scale               the formula of the condition scale S
    k                   the factor of the bound; k_reason says why, where it is above 8
    claim               the claim of `spec` that states the function
    mistakes            what each name in `kills` stands for
    """

    name: str
    file: str
    sha256: str
    rows: int
    formula: str
    args: Mapping[str, str]
    scale: str
    k: float
    k_reason: str
    claim: str
    mistakes: Mapping[str, str]


def folder() -> Traversable:
    """Where the files are installed."""
    return files("gbm_ref.vectors")


def version(where: Traversable | None = None) -> str:
    """The semantic version of the vectors, which is not that of the package."""
    return str(_manifest(where)["version"])


def names(where: Traversable | None = None) -> tuple[str, ...]:
    """The functions for which there are vectors, in the order of the manifest."""
    return tuple(_manifest(where)["functions"])


def function_entry(name: str, where: Traversable | None = None) -> FunctionEntry:
    """The manifest's entry. Raises ValueError for a function that has no vectors."""
    functions = _manifest(where)["functions"]
    if name not in functions:
        raise ValueError(f"no vectors for {name!r}; there are some for {', '.join(functions)}.")
    entry = functions[name]
    return FunctionEntry(
        name=name,
        file=entry["file"],
        sha256=entry["sha256"],
        rows=entry["rows"],
        formula=entry["formula"],
        args=entry["args"],
        scale=entry["S"],
        k=float(entry["k"]),
        k_reason=entry.get("k_reason", ""),
        claim=entry["claim"],
        mistakes={mistake: about["what"] for mistake, about in entry["mistakes"].items()},
    )


def lines(name: str, where: Traversable | None = None) -> list[str]:
    """The lines of a function's file, once it is known to be the one that was made.

    `where` is another folder with the same files. Raises ValueError for an unknown function or a
    file whose checksum or number of rows is not that of the manifest.
    """
    entry = function_entry(name, where)
    content = _read(entry.file, where)
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        raise ValueError(f"{entry.file} was changed: SHA-256 {found}, not {entry.sha256}.")
    texts = content.decode("utf-8").splitlines()
    if len(texts) != entry.rows:
        raise ValueError(f"{entry.file} must hold {entry.rows} rows, it has {len(texts)}.")
    return texts


def load(name: str, where: Traversable | None = None) -> tuple[Vector, ...]:
    """The rows of a function. Raises ValueError as `lines` does, or for rows of another one."""
    rows = tuple(parse(line) for line in lines(name, where))
    if {row.fn for row in rows} != {name}:
        raise ValueError(f"{name} must have rows, and no rows of other functions in its file.")
    return rows


def verify(name: str, implementation: Implementation, where: Traversable | None = None) -> Report:
    """Judge `implementation`, called with the arguments of each row by name.

        verify("forward_sample", lambda x0, m, v, z: x0 * math.exp(m + math.sqrt(v) * z)).passed

    Raises ValueError for an unknown function or a changed file.
    """
    return verify_rows(name, load(name, where), implementation)


def check_files(where: Traversable | None = None) -> None:
    """Raise ValueError unless every file is the one that was made and no other rows lie about."""
    for name in names(where):
        load(name, where)
    listed = {function_entry(name, where).file for name in names(where)}
    there = {path.name for path in (where or folder()).iterdir() if path.name.endswith(".jsonl")}
    if there != listed:
        raise ValueError(f"files not named in {MANIFEST}: {sorted(there - listed)}.")


def _read(file: str, where: Traversable | None) -> bytes:
    try:
        return ((where or folder()) / file).read_bytes()
    except FileNotFoundError as error:
        raise ValueError(f"{file} is missing from the vectors.") from error


def _manifest(where: Traversable | None) -> dict:
    return _parsed(_read(MANIFEST, where))


@lru_cache(maxsize=2)
def _parsed(content: bytes) -> dict:
    """The manifest that has this content; nobody changes it. It is asked for at every function."""
    return dict(json.loads(content))
