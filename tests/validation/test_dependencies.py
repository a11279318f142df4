"""What a result depends on, by each kind of reference in planted studies, and what counts as a
change of a definition: its meaning, not its looks or its place."""

import pytest

from validation.dependencies import Code

Edits = dict[str, str | None]
IMPORT = "from gbm_ref.inner import value\n"
STUDY, INNER = "validation/study.py", "gbm_ref/inner.py"
FILES = {
    "gbm_ref/__init__.py": "from gbm_ref.inner import value as given\n",
    INNER: "def value():\n    return 2\n\n\ndef unused():\n    return 5\n",
    "gbm_ref/shown.py": "from gbm_ref import inner\n" + IMPORT,
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
    "validation/piece.py": IMPORT + "\n\ndef piece():\n    return value()\n",
    "validation/acts.py": IMPORT + "\nprint(value())\n",
    "validation/registers.py": (
        IMPORT
        + "from gbm_ref.marks import seen\n\n\n@seen\ndef registered():\n    return value()\n"
    ),
    "validation/child.py": IMPORT + '\nif __name__ == "__main__":\n    print(value())\n',
    "validation/table.toml": 'laws = [{ null = "gbm_ref.inner:value" }]\n',
}


def hashes(study: str, edits: Edits | None = None) -> dict[str, str]:
    """The record of a planted study; an edit of None takes a file away."""
    files = {**FILES, STUDY: study + "\n", **(edits or {})}
    kept = ((path, text) for path, text in files.items() if text is not None)
    return Code(tuple(sorted(kept))).hashes("validation.study")


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The keys whose hashes differ."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def edited(old: str, new: str) -> Edits:
    """The module of `value` with another text."""
    assert old in FILES[INNER]
    return {INNER: FILES[INNER].replace(old, new)}


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
    assert "gbm_ref: value" in changed(
        hashes(study), hashes(study, edited("return 2", "return 3"))
    )


@pytest.mark.parametrize("study", NOT_REACHING.values(), ids=NOT_REACHING)
def test_what_is_not_reached_does_not_count(study: str) -> None:
    before = hashes(study)
    assert not any(key.startswith("gbm_ref") for key in before)
    assert before == hashes(study, edited("return 2", "return 3"))


def moved(study: str) -> tuple[str, Edits]:
    """The study and the other files, after gbm_ref.inner has become gbm_ref.new.place."""
    edits: Edits = {INNER: None, "gbm_ref/new/place.py": FILES[INNER]}
    texts = []
    for path, text in [*FILES.items(), (STUDY, study)]:
        text = text.replace("from gbm_ref import inner", "from gbm_ref.new import place as inner")
        texts.append(text.replace("gbm_ref.inner", "gbm_ref.new.place"))
        if path != INNER:
            edits[path] = texts[-1]
    return texts[-1], edits | {"gbm_ref/new/__init__.py": ""}


ALL = REACHING | WHOLE | NOT_REACHING


@pytest.mark.parametrize("study", ALL.values(), ids=ALL)
def test_a_move_of_a_module_is_no_change(study: str) -> None:
    after, edits = moved(study)
    assert hashes(after, edits) == hashes(study)


def test_two_modules_made_into_one_are_no_change() -> None:
    study = "from gbm_ref.inner import value\nfrom validation.piece import piece\n"
    parts = "def f():\n    return value(), piece()"
    joined = "from gbm_ref.inner import value\n\n\ndef piece():\n    return value()\n"
    assert hashes(study + parts) == hashes(joined + parts, {"validation/piece.py": None})


def test_the_spelling_of_an_import_does_not_count() -> None:
    spellings = [
        IMPORT + "import numpy as np\ndef f():\n    return np.exp(value())",
        "import numpy, gbm_ref\ndef f():\n    return numpy.exp(gbm_ref.given())",
        "from numpy import exp\ndef f():\n    from gbm_ref import given as g\n    return exp(g())",
    ]
    assert len({str(hashes(study)) for study in spellings}) == 1


LAWS: Edits = {
    "gbm_fast/one.py": "def law():\n    return 1\n",
    "gbm_fast/two.py": "def law():\n    return 2\n",
}
TWO = "from gbm_ref.inner import unused, value as v\ndef f():\n    return v(), unused()\n"
BRANCHES = (
    "def f(x):\n    if x:\n        from gbm_ref.inner import value as v\n    else:\n"
    "        from gbm_ref.inner import unused as v\n    return v()\n"
)
LIBRARY = "from scipy.stats import norm\ndef f():\n    return norm.rvs()\n"
NAMESAKES = (
    "from gbm_fast.one import law\nfrom gbm_fast.two import law as other\n"
    "def f():\n    return law()\ndef g():\n    return other()\n"
)


def swapped(text: str, one: str, two: str) -> str:
    return text.replace(one, "-").replace(two, one).replace("-", two)


MEANINGS = {
    "names": (TWO, TWO.replace("unused, value as v", "value as unused, unused as v")),
    "condition": (BRANCHES, BRANCHES.replace("if x", "if not x")),
    "branches": (BRANCHES, swapped(BRANCHES, "value as", "unused as")),
    "other library": (LIBRARY, LIBRARY.replace("norm\ndef", "expon as norm\ndef")),
    "namesakes": (NAMESAKES, swapped(NAMESAKES, "one", "two")),
}


@pytest.mark.parametrize(("before", "after"), MEANINGS.values(), ids=MEANINGS)
def test_a_name_that_comes_to_mean_something_else_counts(before: str, after: str) -> None:
    assert "validation: f" in changed(hashes(before, LAWS), hashes(after, LAWS))


def test_namesakes_are_kept_apart() -> None:
    both = hashes(NAMESAKES, LAWS)
    assert len(both["gbm_fast: law"].split()) == 2
    after = hashes(NAMESAKES, LAWS | {"gbm_fast/two.py": "def law():\n    return 3\n"})
    assert "gbm_fast: law" in changed(both, after)
    study = NAMESAKES.replace("gbm_fast.two", "gbm_ref.two")
    apart = hashes(study, LAWS | {"gbm_ref/two.py": LAWS["gbm_fast/two.py"]})
    assert {"gbm_fast: law", "gbm_ref: law"} <= set(apart)


SOURCE = '''
"""A module."""

LIMIT = 3  # a reason


class A:
    """What A is."""

    x: int = 1
    """What x is."""


def f(x):
    """What f does,
    in two lines.
    """
    # why
    return "# not a comment", x + LIMIT + A.x
'''


def test_only_what_runs_is_hashed() -> None:
    before = hashes(SOURCE)
    assert set(before) == {"validation: A", "validation: LIMIT", "validation: f"}
    reworded = (
        SOURCE.replace("What f does", "f adds")
        .replace("# why", "\n    # because")
        .replace("# a reason", "# another")
        .replace("What A is", "A is a class")
        .replace("What x is", "One")
        .replace('"# not a comment", x', "(\n        '# not a comment',\n        x")
        .replace("A.x\n", "A.x,\n    )\n")
    )
    assert hashes(reworded) == before
    for old, new, key in [
        ("LIMIT = 3", "LIMIT = 4", "LIMIT"),
        ("int = 1", "int = 2", "A"),
        ("# not a", "# no", "f"),
    ]:
        assert changed(before, hashes(SOURCE.replace(old, new))) == {f"validation: {key}"}


def test_what_cannot_be_followed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"validation/study.py, line 2: import the names"):
        hashes("\nfrom gbm_ref.inner import *")
    with pytest.raises(ValueError, match="not a module of this repository"):
        Code(()).hashes("numpy.linalg")
