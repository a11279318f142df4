"""What a result depends on: planted studies that reach a value by each kind of reference."""

import pytest

from tests.validation.planted import FILES, IMPORT, INNER, STUDY, changed, edited, hashes

# Each study reaches `value` of gbm_ref, and `unused` by no way.
REACHING = {
    "call": IMPORT + "def f():\n    return value()",
    "decorator": IMPORT + "@value\ndef f():\n    return 1",
    "decorator of a method": IMPORT + "class A:\n    @value\n    def f(self):\n        return 1",
    "base class": IMPORT + "class A(value):\n    x = 1",
    "default": IMPORT + "def f(x=value()):\n    return x",
    "default of a keyword": IMPORT + "def f(*, value=value):\n    return value",
    "annotation": IMPORT + "def f(x: value):\n    return x",
    "annotation in quotes": IMPORT + 'def f(x: "value | None"):\n    return x',
    "constant": IMPORT + "X = value()",
    "typed constant": IMPORT + "X: int = value()",
    "part of a table": IMPORT + "TABLE = {}\nTABLE['x'] = value\ndef f():\n    return TABLE",
    "class attribute": IMPORT + "class A:\n    rule = value",
    "class attribute of the same name": IMPORT + "class A:\n    value = value",
    "method": IMPORT + "class A:\n    value = 1\n    def f(self):\n        return value()",
    "nested function": IMPORT + "def f():\n    def g():\n        return value()\n    return g",
    "lambda": IMPORT + "f = lambda x: value() + x",
    "comprehension": IMPORT + "def f():\n    return [x for x in value()]",
    "first sequence": IMPORT + "def f():\n    return [value for value in value]",
    "f-string": IMPORT + "def f():\n    return f'{value()}'",
    "other name": "from gbm_ref.inner import value as v\ndef f():\n    return v()",
    "attribute": "import gbm_ref.inner as inner\ndef f():\n    return inner.value()",
    "full name": "import gbm_ref.inner\ndef f():\n    return gbm_ref.inner.value()",
    "module of a package": "from gbm_ref import inner\ndef f():\n    return inner.value()",
    "passed on": "from gbm_ref.shown import value\ndef f():\n    return value()",
    "module passed on": "import gbm_ref.shown as s\ndef f():\n    return s.inner.value()",
    "package": "import gbm_ref\ndef f():\n    return gbm_ref.given()",
    "name of a package": "from gbm_ref import given\ndef f():\n    return given()",
    "lazy name": "from gbm_fast import value\ndef f():\n    return value()",
    "lazy package": "import gbm_fast as gbm\ndef f():\n    return gbm.value()",
    "local import": "def f():\n    from gbm_ref.inner import value\n    return value()",
    "local module": "def f():\n    import gbm_ref.inner as i\n    return i.value()",
    "local import seen from inside": (
        "def f():\n    from gbm_ref.inner import value\n    return lambda: value()"
    ),
    "relative import": "from .piece import piece\ndef f():\n    return piece()",
    "relative module": "from . import piece\ndef f():\n    return piece.piece()",
    "conditional definition": (
        IMPORT + "import sys\nif sys.platform == 'x':\n    def f():\n        return value()\n"
        "else:\n    def f():\n        return 1\nclass A:\n    g = f"
    ),
    "import that may fail": (
        "try:\n    from gbm_ref.inner import value\nexcept ImportError:\n    value = None\n"
        "def f():\n    return value()"
    ),
    "local import that may fail": (
        "def f():\n    try:\n        from gbm_ref.inner import value\n"
        "    except ImportError:\n        return 1\n    return value()"
    ),
    "global": IMPORT + "def f():\n    global value\n    value = 3",
    "effect": IMPORT + "print(value())",
    "effect in a loop": IMPORT + "for x in ():\n    value()",
    "effect of an import": "import validation.acts\nX = 1",
    "effect of a local import": "def f():\n    import validation.acts\n    return 1",
    "registered": "from validation import registers\nX = 1",
    "command": IMPORT + "if __name__ == '__main__':\n    value()",
    "command of a child": "def f():\n    return ['-m', 'validation.child']",
    "named in a table": "FILE = 'table.toml'",
}
# These count the whole module of `value`.
WHOLE = {
    "module as a value": "from gbm_ref import inner\nMODULES = (inner,)",
    "unknown attribute": "import gbm_ref.inner as i\ndef f():\n    return i.missing",
    "unknown name": "from gbm_ref.inner import missing\ndef f():\n    return missing()",
    "import by a string": "import importlib\nX = importlib.import_module('gbm_ref.inner')",
    "package as a value": "import gbm_ref\nX = getattr(gbm_ref, 'given')",
}
# None of these stands for `value` of gbm_ref.
NOT_REACHING = {
    "imported alone": IMPORT + "def f():\n    return 1",
    "local variable": IMPORT + "def f():\n    value = 1\n    return value",
    "argument": IMPORT + "def f(value):\n    return value",
    "variable outside": IMPORT + "def f(value):\n    def g():\n        return value\n    return g",
    "variable of a comprehension": IMPORT + "def f(x):\n    return [value for value in x]",
    "own attribute": IMPORT + "class A:\n    value = 1\n    other = value",
    "other object": IMPORT + "def f(x):\n    return x.value()",
    "keyword": IMPORT + "def f(g):\n    return g(value=1)",
    "text": "def f():\n    return 'value'",
    "other name of a lazy package": "from gbm_fast import other\ndef f():\n    return other()",
    "command of another": "from validation import child\nX = 1",
    "effect of an import for types": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import validation.acts\nX = 1"
    ),
    "types alone": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    " + IMPORT + "X = 1",
}


@pytest.mark.parametrize("study", REACHING.values(), ids=REACHING)
def test_a_change_of_what_is_reached_counts_and_of_nothing_else(study: str) -> None:
    before = hashes(study)
    assert changed(before, hashes(study, edited("return 2", "return 3"))) == {"gbm_ref: value"}
    assert changed(before, hashes(study, edited("return 5", "return 6"))) == set()


@pytest.mark.parametrize("study", WHOLE.values(), ids=WHOLE)
def test_a_module_that_may_be_used_in_any_way_counts_whole(study: str) -> None:
    after = hashes(study, edited("return 2", "return 3"))
    assert "gbm_ref: value" in changed(hashes(study), after)


@pytest.mark.parametrize("study", NOT_REACHING.values(), ids=NOT_REACHING)
def test_what_is_not_reached_does_not_count(study: str) -> None:
    before = hashes(study)
    assert not any(key.startswith("gbm_ref") for key in before)
    assert before == hashes(study, edited("return 2", "return 3"))


def moved(study: str) -> tuple[str, dict[str, str | None]]:
    """The study and the other files, after gbm_ref.inner has become gbm_ref.new.place."""
    edits: dict[str, str | None] = {INNER: None, "gbm_ref/new/place.py": FILES[INNER]}
    texts = []
    for path, text in [*FILES.items(), (STUDY, study)]:
        text = text.replace("from gbm_ref import inner", "from gbm_ref.new import place as inner")
        texts.append(text.replace("gbm_ref.inner", "gbm_ref.new.place"))
        if path != INNER:
            edits[path] = texts[-1]
    return texts[-1], edits | {"gbm_ref/new/__init__.py": ""}


@pytest.mark.parametrize(
    "study", (REACHING | WHOLE | NOT_REACHING).values(), ids=REACHING | WHOLE | NOT_REACHING
)
def test_a_move_of_a_module_is_no_change(study: str) -> None:
    after, edits = moved(study)
    assert hashes(after, edits) == hashes(study)
