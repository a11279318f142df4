"""The modules of this repository, and what each statement at their top level binds or does."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
OURS = ("gbm_ref", "gbm_fast", "spec", "validation", "tests")

Files = tuple[tuple[str, str], ...]
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Import(NamedTuple):
    """What an import binds a name to: `name` of `module`, or the module where `name` is None."""

    module: str
    name: str | None = None


class Found(NamedTuple):
    """What a name stands for: a definition, or where `name` is empty a module, ours or not."""

    module: str
    name: str = ""

    @property
    def package(self) -> str:
        """The top package."""
        return self.module.split(".")[0]


@dataclass
class Module:
    """One module, its statements sorted by what they do.

    definitions  name -> the statements that bind or change it
    imports      name -> what imports may bind it to, those under `if TYPE_CHECKING` included
    executed     the imports that run when this module is imported
    effects      statements that do something else than to bind names
    command      what runs only as a command, under `if __name__ == "__main__"`
    decorated    names of decorated functions and classes
    """

    name: str
    is_package: bool
    path: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    executed: list[Import] = field(default_factory=list)
    effects: list[ast.stmt] = field(default_factory=list)
    command: list[ast.stmt] = field(default_factory=list)
    decorated: list[str] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """The folder of the file, from the root of the clone."""
        return self.path.rpartition("/")[0]


def current_files() -> Files:
    """(path from the root, text) of the Python and TOML files of this clone, sorted."""
    found = []
    for package in OURS:
        for pattern in ("*.py", "*.toml"):
            for path in (ROOT / package).rglob(pattern):
                found.append((path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")))
    return tuple(sorted(found))


def module_name(path: str) -> str:
    """The dotted name of the module in a file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def read(path: str, text: str) -> Module:
    """The module in a file. Raises ValueError for `from ... import *`."""
    module = Module(module_name(path), path.endswith("/__init__.py"), path)
    changes: list[tuple[str, ast.stmt]] = []
    for statement in ast.parse(text).body:
        _sort(module, statement, changes)
    for name, statement in changes:
        if name in module.definitions:
            module.definitions[name].append(statement)
        else:
            module.effects.append(statement)
    return module


def _sort(module: Module, statement: ast.stmt, changes: list[tuple[str, ast.stmt]]) -> None:
    """Put a statement where it belongs; a change of an object's part goes to `changes`."""
    if _tests(statement, "__name__"):
        module.command.append(statement)
        return
    if _tests(statement, "TYPE_CHECKING"):
        # What stands here is sorted as if it stood outside, except that no import is executed.
        for part in [*statement.body, *statement.orelse]:
            before = len(module.executed)
            _sort(module, part, changes)
            if part in statement.body:
                del module.executed[before:]
        return
    bound = list(bindings([statement], module))
    for name, imported in bound:
        if imported is not None:
            _add(module.imports, name, imported)
    module.executed += imports_in([statement], module)
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return
    for name in dict.fromkeys(name for name, _ in bound):
        _add(module.definitions, name, statement)
    if getattr(statement, "decorator_list", None):
        module.decorated.append(statement.name)
    owners = list(_changed(statement))
    changes += [(name, statement) for name in owners]
    if not owners and not _binds_only(statement):
        module.effects.append(statement)


def _add(table: dict[str, list], name: str, item: object) -> None:
    table.setdefault(name, []).append(item)


def _tests(statement: ast.stmt, name: str) -> bool:
    """Whether this is `if` with a condition on `__name__` or TYPE_CHECKING."""
    if not isinstance(statement, ast.If):
        return False
    first = statement.test.left if isinstance(statement.test, ast.Compare) else statement.test
    return name in (getattr(first, "id", None), getattr(first, "attr", None))


def _changed(statement: ast.stmt) -> Iterator[str]:
    """The names in front of `NAME[...] = ` and `NAME.part = `."""
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if isinstance(target, ast.Subscript | ast.Attribute):
                inner: ast.expr = target
                while isinstance(inner, ast.Subscript | ast.Attribute | ast.Call):
                    inner = inner.func if isinstance(inner, ast.Call) else inner.value
                yield getattr(inner, "id", "")


def _binds_only(statement: ast.stmt) -> bool:
    """Whether a statement does nothing but to bind names (or is a bare constant)."""
    if isinstance(statement, ast.If):
        return all(map(_binds_only, statement.body + statement.orelse))
    if isinstance(statement, ast.Try):
        handled = [inner for handler in statement.handlers for inner in handler.body]
        rest = statement.body + handled + statement.orelse + statement.finalbody
        return all(map(_binds_only, rest))
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    plain = ast.Import | ast.ImportFrom | ast.Pass | ast.ClassDef | _FUNCTIONS
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return not any(True for _ in _changed(statement))
    return isinstance(statement, plain) or type(statement).__name__ == "TypeAlias"


def imports_of(node: ast.Import | ast.ImportFrom, module: Module) -> Iterator[tuple[str, Import]]:
    """(name bound, what to) for each name of an import that stands in `module`."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.split(".")[0]
            yield (alias.asname, Import(alias.name)) if alias.asname else (top, Import(top))
        return
    base = node.module or ""
    if node.level:
        parts = module.name.split(".")
        kept = parts[: len(parts) - node.level + module.is_package]
        base = ".".join([*kept, node.module] if node.module else kept)
    for alias in node.names:
        if alias.name == "*":
            raise ValueError(f"{module.path}, line {node.lineno}: import the names one by one.")
        yield alias.asname or alias.name, Import(base, alias.name)


def imports_in(nodes: Iterable[ast.AST], module: Module) -> list[Import]:
    """The imports that run when these statements do: not those inside functions."""
    found = []
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found += [Import(alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [imported for _, imported in imports_of(node, module)]
        elif not isinstance(node, _FUNCTIONS | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return found


def bindings(nodes: Iterable[ast.AST], module: Module) -> Iterator[tuple[str, Import | None]]:
    """(name, what an import binds it to, or None) for each name bound in this scope."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                yield node.id, None
        elif isinstance(node, _FUNCTIONS | ast.ClassDef):
            yield node.name, None
        elif isinstance(node, COMPREHENSIONS):
            for inner in ast.walk(node):
                if isinstance(inner, ast.NamedExpr):
                    yield inner.target.id, None
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports_of(node, module)
        elif not isinstance(node, ast.Lambda):
            if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                yield node.name, None
            if isinstance(node, ast.MatchMapping) and node.rest:
                yield node.rest, None
            waiting += ast.iter_child_nodes(node)
