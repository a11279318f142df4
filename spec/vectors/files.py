"""The files: JSON lines of each function, and the manifest that describes and seals them."""

import hashlib
import json
from pathlib import Path

import mpmath

from spec.vectors.building import Row, rows
from spec.vectors.catalogue import FUNCTIONS
from spec.vectors.records import FLAG_MEANINGS, VectorFunction

FOLDER = Path(__file__).resolve().parent.parent.parent / "gbm_ref" / "vectors"
MANIFEST = "manifest.json"
# Semantic versions. Of the vectors: a changed value or bound is major, added rows are minor, texts
# are patches. Of the generator: raised whenever this package writes something else.
VERSION = "1.6.0"
GENERATOR = "1.6.0"
RULE = ("a row passes when |computed - out50| <= k * 2^-53 * S + 2^-1074, in exact arithmetic; "
    "NaN and infinities fail")  # fmt: skip


def lines(made: list[Row]) -> str:
    """The text of one file."""
    return "".join(json.dumps(row.as_json(), ensure_ascii=True) + "\n" for row in made)


def file_name(function: VectorFunction) -> str:
    """The file of a function, beside the manifest."""
    return f"{function.name}.jsonl"


def generate() -> dict[str, str]:
    """Every file by its name, the manifest last. Raises BadVector where a row fails a check."""
    texts = {file_name(function): lines(rows(function)) for function in FUNCTIONS}
    texts[MANIFEST] = json.dumps(_manifest(texts), indent=2, ensure_ascii=True) + "\n"
    return texts


def stored(folder: Path = FOLDER) -> dict[str, str]:
    """What a folder holds under the names that `generate` would write, and other JSON lines."""
    paths = filter(Path.is_file, [*sorted(folder.glob("*.jsonl")), folder / MANIFEST])
    return {path.name: path.read_bytes().decode("utf-8") for path in paths}


def differences(made: dict[str, str], found: dict[str, str]) -> list[str]:
    """Names of files that are missing, left over or different.

    The version of mpmath in the manifest says what wrote the files; another version that writes
    the same rows is no difference."""
    wanted, there = ({**texts} for texts in (made, found))
    for texts in (wanted, there):
        if MANIFEST in texts:
            texts[MANIFEST] = json.dumps({**json.loads(texts[MANIFEST]), "mpmath": ""})
    return sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))


def write(texts: dict[str, str], folder: Path = FOLDER) -> None:
    """Write the files, with newlines as they are, and remove rows of functions that are gone."""
    for path in folder.glob("*.jsonl"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode("utf-8"))


def _manifest(texts: dict[str, str]) -> dict[str, object]:
    return {
        "version": VERSION, "generator": f"spec.vectors {GENERATOR}", "mpmath": mpmath.__version__,
        "rule": RULE, "flags": {flag.value: meaning for flag, meaning in FLAG_MEANINGS.items()},
        "functions": {function.name: _entry(function, texts) for function in FUNCTIONS},
    }  # fmt: skip


def _entry(function: VectorFunction, texts: dict[str, str]) -> dict[str, object]:
    text = texts[file_name(function)]
    entry: dict[str, object] = {
        "file": file_name(function), "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest(),
        "rows": text.count("\n"), "claim": function.claim, "formula": function.text,
        "args": dict(function.meanings), "k": function.k, "S": function.scale_text, "mistakes": {
            twin.name: {"flag": twin.flag.value, "what": twin.mistake} for twin in function.twins
        },
    }  # fmt: skip
    if function.k_reason:
        entry["k_reason"] = function.k_reason
    return entry
