"""A small planted repository, and the record of a study in it."""

from validation.dependencies import Code

STUDY, INNER, PACKAGE = "validation/study.py", "gbm_ref/inner.py", "gbm_ref/__init__.py"
FILES = {
    PACKAGE: "from gbm_ref.inner import value as given\n",
    INNER: "def value():\n    return 2\n\n\ndef unused():\n    return 5\n",
    "gbm_ref/shown.py": "from gbm_ref import inner\nfrom gbm_ref.inner import value\n",
    "gbm_ref/marks.py": "SEEN = []\n\n\ndef seen(f):\n    SEEN.append(f)\n    return f\n",
    "gbm_fast/__init__.py": (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n"
        "    from gbm_fast.other import other as other\n"
        "    from gbm_ref.inner import value as value\n\n"
        "    __version__: str\n\n"
        "_PLACES = {'other': 'gbm_fast.other', 'value': 'gbm_ref.inner'}\n\n\n"
        "def __getattr__(name):\n    raise AttributeError(name)\n"
    ),
    "gbm_fast/other.py": "def other():\n    return 7\n",
    "validation/__init__.py": "",
    "validation/piece.py": (
        "from gbm_ref.inner import value\n\n\ndef piece():\n    return value()\n"
    ),
    "validation/acts.py": "from gbm_ref.inner import value\n\nprint(value())\n",
    "validation/registers.py": (
        "from gbm_ref.inner import value\nfrom gbm_ref.marks import seen\n\n\n"
        "@seen\ndef registered():\n    return value()\n"
    ),
    "validation/child.py": (
        'from gbm_ref.inner import value\n\nif __name__ == "__main__":\n    print(value())\n'
    ),
    "validation/table.toml": 'laws = [{ null = "gbm_ref.inner:value" }]\n',
}
IMPORT = "from gbm_ref.inner import value\n"


def hashes(study: str, edits: dict[str, str | None] | None = None) -> dict[str, str]:
    """The record of a planted study; an edit of None takes a file away."""
    files = {**FILES, STUDY: study + "\n", **(edits or {})}
    kept = ((path, text) for path, text in files.items() if text is not None)
    return Code(tuple(sorted(kept))).hashes("validation.study")


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The keys whose hashes differ."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def edited(old: str, new: str) -> dict[str, str | None]:
    """The module of `value` with another text."""
    assert old in FILES[INNER]
    return {INNER: FILES[INNER].replace(old, new)}
