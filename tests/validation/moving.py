"""Moves and changes of definitions in a copy of this repository, as an editor would make them."""

import ast
import re
from pathlib import Path

from validation.dependencies import OURS
from validation.dependencies.sources import module_name


def modules(root: Path, *packages: str) -> dict[str, Path]:
    """Dotted name -> file, for each module of the packages, or of all."""
    paths = [path for one in packages or OURS for path in sorted((root / one).rglob("*.py"))]
    return {module_name(path.relative_to(root).as_posix()): path for path in paths}


def definition(root: Path, package: str, name: str) -> tuple[str, Path, ast.stmt]:
    """The module, the file and the tree of the one function or class of that name in a package."""
    found = []
    for module, path in modules(root, package).items():
        text = path.read_text(encoding="utf-8")
        if not re.search(rf"^(def|class) {name}\b", text, re.MULTILINE):
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                found.append((module, path, node))
    (one,) = found
    return one


def change(root: Path, package: str, name: str) -> None:
    """Double what a definition returns last; a class that returns nothing gets another field."""
    _, path, node = definition(root, package, name)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    returns = [n for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
    if returns:
        row = max(one.lineno for one in returns) - 1
        lines[row] = lines[row].replace("return ", "return 2 * ", 1)
    else:
        lines.insert(node.end_lineno, "\n    another: int = 0\n")
    path.write_text("".join(lines), encoding="utf-8")


def move(root: Path, package: str, name: str, folder: str) -> str:
    """Move a definition to a new folder with its imports, rewriting uses; where it came from."""
    old = definition(root, package, name)[0]
    new = f"{package}.{folder}.{name.lower()}"
    for file in modules(root).values():
        _import_anew(file, old, name, new)
    _, path, node = definition(root, package, name)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
    moved, kept = lines[first : node.end_lineno], lines[:first] + lines[node.end_lineno :]
    siblings, imports = _top_level("".join(lines))
    needed = [f"from {old} import {one}\n" for one in siblings if one != name]
    target = root.joinpath(*new.split(".")).with_suffix(".py")
    target.parent.mkdir(exist_ok=True)
    (target.parent / "__init__.py").touch()
    target.write_text("".join([*imports, *needed, "\n\n", *moved]), encoding="utf-8")
    path.write_text("".join([*kept, f"from {new} import {name}\n"]), encoding="utf-8")
    return old


def _top_level(text: str) -> tuple[list[str], list[str]]:
    """The names that a module defines, and its import statements."""
    names: list[str] = []
    imports = []
    for node in ast.parse(text).body:
        types_alone = isinstance(node, ast.If) and isinstance(node.test, ast.Name)
        if isinstance(node, ast.Import | ast.ImportFrom) or types_alone:
            imports.append(ast.unparse(node) + "\n")
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        else:
            stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
            names += [n.id for n in stored if isinstance(n.ctx, ast.Store)]
    return list(dict.fromkeys(names)), imports


def _import_anew(file: Path, old: str, name: str, new: str) -> None:
    """Rewrite each `from old import name` of a file."""
    text = file.read_text(encoding="utf-8")
    if old not in text or name not in text:
        return
    lines = text.splitlines(keepends=True)
    found = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ImportFrom)]
    for node in sorted(found, key=lambda one: -one.lineno):
        taken = [alias for alias in node.names if alias.name == name]
        if node.module != old or not taken:
            continue
        rest = [alias for alias in node.names if alias.name != name]
        statements = [ast.ImportFrom(new, taken, 0)]
        statements += [ast.ImportFrom(old, rest, 0)] if rest else []
        margin = " " * node.col_offset
        rewritten = [f"{margin}{ast.unparse(statement)}\n" for statement in statements]
        lines[node.lineno - 1 : node.end_lineno] = rewritten
    file.write_text("".join(lines), encoding="utf-8")


def rename(root: Path, old: str, new: str) -> None:
    """Rename a module that is used through `from ... import` and strings."""
    path = root.joinpath(*old.split(".")).with_suffix(".py")
    target = root.joinpath(*new.split(".")).with_suffix(".py")
    target.parent.mkdir(exist_ok=True)
    (target.parent / "__init__.py").touch()
    path.rename(target)
    (package, _, stem), (folder, _, place) = old.rpartition("."), new.rpartition(".")
    one = rf"from {re.escape(package)} import {stem}\b"
    for file in modules(root).values():
        text = file.read_text(encoding="utf-8")
        if stem not in text:
            continue
        text = re.sub(one, f"from {folder} import {place} as {stem}", text)
        file.write_text(re.sub(rf"\b{re.escape(old)}\b", new, text), encoding="utf-8")
