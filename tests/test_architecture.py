"""Layers, limits and habits of the code, from syntax trees; each reader on a planted defect."""

import ast
import subprocess
import sys

import pytest

from tests.support.source_tree import (
    ROOT,
    called_name,
    functions,
    imported_packages,
    line_count,
    nodes,
    sources,
    undocumented,
)

REF = {"numpy", "scipy"}
# PIL is Pillow, which torchvision, clean-fid and matplotlib all require.
FAST = REF | {"torch", "torchvision", "cleanfid", "safetensors", "tyro", "tqdm", "matplotlib"}
FAST |= {"sklearn", "skimage", "tifffile", "imagecodecs", "PIL"}
SPEC = {"sympy", "mpmath", "latex2mathml"}
# What validation.overhead (extra `peers`) and validation.speed compare with, where installed.
PEERS = {"bm3d", "diffusers", "k_diffusion", "mulog", "torchsde"}
# What a layer may import besides the standard library and itself.
LAYERS = {
    "spec": SPEC,
    "gbm_ref": REF,
    "gbm_fast": FAST,
    "validation": FAST | SPEC | PEERS | {"gbm_ref", "gbm_fast", "spec"},
}
CODE = ("gbm_ref", "gbm_fast", "validation", "spec")
LIMITED = (*CODE, "tests", ".ci")
MAX_FILE, MAX_FUNCTION = 350, 40

# Path, or path::function, with the reason. An entry that is no longer needed fails.
LONGER_THAN_ALLOWED: dict[str, str] = {}


def intruders(tree: ast.Module, layer: str) -> set[str]:
    """What a module of `layer` imports and may not."""
    return imported_packages(tree) - LAYERS[layer] - {layer} - sys.stdlib_module_names


# Path -> why it may import by a computed name.
COMPUTED = {"gbm_fast/__init__.py": "names of gbm_fast alone, which tests/test_rooms.py imports"}


@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_imports_only_what_it_may(layer: str) -> None:
    found = {s.path: names for s in sources(layer) if (names := intruders(s.tree, layer))}
    allowed = {path: {"<computed>"} for path in COMPUTED if path.startswith(f"{layer}/")}
    assert found == allowed


@pytest.mark.parametrize("layer", ["gbm_ref", "gbm_fast"])
def test_the_packages_are_there_to_be_checked(layer: str) -> None:
    assert len(sources(layer)) >= 8


@pytest.mark.parametrize(
    ("layer", "line", "expected"),
    [
        ("gbm_fast", "import gbm_ref.process", {"gbm_ref"}),
        ("gbm_fast", "def f():\n    from gbm_ref import GBM", {"gbm_ref"}),
        ("gbm_fast", "importlib.import_module('gbm_ref.steps')", {"gbm_ref"}),
        ("gbm_fast", "__import__(name)", {"<computed>"}),
        ("gbm_ref", "import torch.nn as nn", {"torch"}),
        ("gbm_ref", "from gbm_fast import steps", {"gbm_fast"}),
        ("spec", "import numpy as np", {"numpy"}),
        ("validation", "from tests.support.problems import states", {"tests"}),
        ("gbm_ref", "import math\nfrom scipy import stats\nfrom . import process", set()),
    ],
)
def test_the_import_rule_sees_a_planted_import(layer: str, line: str, expected: set[str]) -> None:
    assert intruders(ast.parse(line), layer) == expected


IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
import gbm_ref
names = [m.name for m in pkgutil.walk_packages(gbm_ref.__path__, "gbm_ref.")]
for name in names:
    importlib.import_module(name)
print(len(names), *sorted(set(sys.modules) & {"torch", "sympy", "matplotlib", "scipy.stats"}))
"""


def test_importing_the_oracle_loads_nothing_heavy() -> None:
    command = [sys.executable, "-c", IMPORT_EVERYTHING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    count, *heavy = done.stdout.split()
    assert heavy == []
    assert int(count) >= 7


def test_files_and_functions_are_short() -> None:
    found = {}
    for source in sources(*LIMITED):
        lines = len(source.text.splitlines())
        if lines > MAX_FILE:
            found[source.path] = lines
        for node in functions(source.tree):
            if line_count(node) > MAX_FUNCTION:
                found[f"{source.path}::{node.name}"] = line_count(node)
    assert {k: v for k, v in found.items() if k not in LONGER_THAN_ALLOWED} == {}
    assert set(LONGER_THAN_ALLOWED) - set(found) == set(), "no longer needed"


def test_line_count_includes_the_docstring_and_the_last_line() -> None:
    (node,) = functions(ast.parse("@decorated\ndef f():\n    '''Text.'''\n\n    return (\n  1)\n"))
    assert line_count(node) == 5


def test_public_code_is_documented() -> None:
    found = {s.path: names for s in sources(*CODE) if (names := undocumented(s.tree))}
    assert found == {}


def test_the_docstring_rule_sees_planted_gaps() -> None:
    text = (
        '"""M."""\nclass A:\n    """A."""\n'
        "    def g(self): ...\n    def _h(self): ...\ndef f(): ...\n"
    )
    assert undocumented(ast.parse(text)) == ["f", "A.g"]
    twin = 'class B:\n    """B."""\n    def g(self):\n        """G."""\n'
    assert undocumented(ast.parse(text + twin)) == ["f"]
    assert undocumented(ast.parse("x = 1\n@overload\ndef f(x: int) -> int: ...")) == ["module"]


def bad_habits(tree: ast.Module) -> list[str]:
    """Calls and signatures that hide what a function takes or what an object is."""
    found = []
    for node in nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if called_name(node) in {"hasattr", "eval", "exec"}:
                found.append(called_name(node))
        elif isinstance(node, ast.ImportFrom) and node.module == "__future__":
            found.append("__future__")
    found += [f"**{f.args.kwarg.arg}" for f in functions(tree) if f.args.kwarg]
    return found


def test_no_bad_habits() -> None:
    found = {s.path: names for s in sources(*CODE) if (names := bad_habits(s.tree))}
    assert found == {}


def test_the_habit_rule_sees_planted_ones() -> None:
    text = (
        "from __future__ import annotations\n"
        "def f(x, **options):\n    return hasattr(x, 'y') and eval('z')\n"
        "network.eval()\n"
    )
    assert sorted(bad_habits(ast.parse(text))) == ["**options", "__future__", "eval", "hasattr"]


def unfinished_messages(tree: ast.Module) -> list[int]:
    """Lines of errors of ours without a final full stop, another's text and commands aside."""
    found = []
    for node in nodes(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            message, last = node.exc.args[-1], None
            if isinstance(message, ast.Constant):
                last = message.value
            elif isinstance(message, ast.JoinedStr):
                end = message.values[-1]
                inserted = isinstance(end, ast.FormattedValue) and ast.unparse(end.value)
                allowed = inserted and ("error" in inserted or "continuing" in inserted)
                last = "." if allowed else getattr(end, "value", "")
            if isinstance(last, ast.AST) or isinstance(last, str) and last[-1:] not in (".", "?"):
                found.append(node.lineno)
    return found


def test_error_messages_are_sentences() -> None:
    errors = ("ValueError", "OSError", "FloatingPointError")
    found = {}
    for source in sources("gbm_ref", "gbm_fast", "validation"):
        lines = source.text.splitlines()
        bad = unfinished_messages(source.tree)
        if ours := [n for n in bad if any(e in lines[n - 1] for e in errors)]:
            found[source.path] = ours
    assert found == {}


def test_the_message_rule_sees_a_planted_gap() -> None:
    bad = 'raise ValueError("no stop")\nraise ValueError(f"x is {x}")\nraise OSError(f"{x} bad")'
    good = 'raise ValueError("a stop.")\nraise ValueError(f"bad: {error}")\nraise ValueError(text)'
    assert unfinished_messages(ast.parse(bad)) == [1, 2, 3]
    assert unfinished_messages(ast.parse(good)) == []


def test_the_means_of_proof_know_no_claim_and_the_spec_starts_no_test() -> None:
    """spec/checking imports nothing of the subjects, and nothing in spec names a test module."""
    own = {"spec.checking", "spec.vectors.building", "spec.vectors.catalogue"}
    for source in sources("spec/checking"):
        for node in nodes(source.tree):
            module = getattr(node, "module", None) or ""
            known = any(module == name or module.startswith(f"{name}.") for name in own)
            assert known or not module.startswith("spec"), f"{source.path} imports {module}"
    texts = (
        (source.path, node.value)
        for source in sources("spec")
        for node in nodes(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    assert [path for path, text in texts if text.startswith(("tests.", "pytest"))] == []
