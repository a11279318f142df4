"""Reading the project's own sources: where they are, what they import, how they are made."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """One module: path from the root with forward slashes, text, syntax tree."""

    path: str
    text: str
    tree: ast.Module


def sources(*folders: str) -> list[Source]:
    """Every Python file of the folders that exist, in a fixed order."""
    found = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found.append(_parsed(path))
    return found


@cache
def _parsed(path: Path) -> Source:
    """A file, read and parsed once a process."""
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text))


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """What ast.walk gives, found once a process: many rules look at the same trees."""
    return tuple(ast.walk(tree))


def imported_packages(tree: ast.Module) -> set[str]:
    """Names at the top level imported anywhere, by a call too; "<computed>" where only a run can
    tell. A relative import stays inside its own package and is left out."""
    names = set()
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and called_name(node) in {"import_module", "__import__"}:
            names.add(_constant_package(node))
    return names


def called_name(node: ast.Call) -> str:
    """`f` for f(...) and for module.f(...), empty for anything else."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _constant_package(node: ast.Call) -> str:
    argument = node.args[0] if node.args else None
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value.split(".")[0]
    return "<computed>"


def functions(tree: ast.Module) -> Iterator[Function]:
    """All functions and methods, nested ones too."""
    for node in nodes(tree):
        if isinstance(node, Function):
            yield node


def line_count(node: Function) -> int:
    """Lines from `def` to the end, the docstring included, decorators not."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def undocumented(tree: ast.Module) -> list[str]:
    """Public definitions without a docstring ("module" for the file). A method named alike in
    one class explains all, for classes that share an interface; `forward` is described by its
    class."""
    missing = [] if ast.get_docstring(tree) else ["module"]
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    missing += [node.name for node in _undocumented_in(tree.body)]
    methods = [node for owner in classes for node in owner.body if isinstance(node, Function)]
    explained = {node.name for node in methods if ast.get_docstring(node)} | {"forward"}
    for owner in classes:
        if not owner.name.startswith("_"):
            names = [node.name for node in _undocumented_in(owner.body)]
            missing += [f"{owner.name}.{name}" for name in names if name not in explained]
    return missing


def _undocumented_in(body: list[ast.stmt]) -> list[Function | ast.ClassDef]:
    return [
        node
        for node in body
        if isinstance(node, Function | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not any(_last_name(d) in {"overload", "setter"} for d in node.decorator_list)
    ]


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
