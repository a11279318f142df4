"""What counts as a change of a definition: its meaning, not its looks or its place."""

import textwrap

import pytest

from tests.validation.planted import IMPORT, changed, hashes
from validation.dependencies import Code


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


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        (TWO, TWO.replace("unused, value as v", "value as unused, unused as v"), "validation: f"),
        (BRANCHES, BRANCHES.replace("if x", "if not x"), "validation: f"),
        (
            BRANCHES,
            BRANCHES.replace("value as", "-").replace("unused as", "value as").replace(
                "- v", "unused as v"
            ),
            "validation: f",
        ),
        (LIBRARY, LIBRARY.replace("norm\ndef", "expon as norm\ndef"), "validation: f"),
        (NAMESAKES, NAMESAKES.replace("one", "-").replace("two", "one").replace("-", "two"),
         "validation: f"),
    ],
    ids=["names", "condition", "branches", "other library", "namesakes"],
)  # fmt: skip
def test_a_name_that_comes_to_mean_something_else_counts(
    before: str, after: str, key: str
) -> None:
    laws: dict[str, str | None] = {
        "gbm_fast/one.py": "def law():\n    return 1\n",
        "gbm_fast/two.py": "def law():\n    return 2\n",
    }
    assert key in changed(hashes(before, laws), hashes(after, laws))


def test_namesakes_are_kept_apart() -> None:
    one: dict[str, str | None] = {
        "gbm_fast/one.py": "def law():\n    return 1\n",
        "gbm_fast/two.py": "def law():\n    return 2\n",
    }
    both = hashes(NAMESAKES, one)
    assert len(both["gbm_fast: law"].split()) == 2
    after = hashes(NAMESAKES, one | {"gbm_fast/two.py": "def law():\n    return 3\n"})
    assert "gbm_fast: law" in changed(both, after)
    study = NAMESAKES.replace("gbm_fast.two", "gbm_ref.two")
    apart = hashes(study, one | {"gbm_ref/two.py": one["gbm_fast/two.py"]})
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
        hashes(
            textwrap.dedent("""
            from gbm_ref.inner import *
        """).rstrip()
        )
    with pytest.raises(ValueError, match="not a module of this repository"):
        Code(()).hashes("numpy.linalg")
