"""Which files of this repository a module's results depend on, read from its imports.

The closure follows every import, also those inside functions. A package whose `__init__` only
passes names on (`gbm_ref`, say) is looked through: `gbm_ref.exact_law` leads to the module that
defines `exact_law`, not to the whole package, so that a change elsewhere in the package does not
count. What is imported by a computed name is not seen; the architecture tests forbid that.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = ("gbm_ref", "gbm_fast", "spec", "validation", "tests")


def dependencies(module: str) -> tuple[Path, ...]:
    """The files that `module` (dotted name) needs, itself included, sorted.

    Raises ValueError where the module is not one of this repository.
    """
    if _file(module) is None:
        raise ValueError(f"{module!r} is not a module of this repository ({', '.join(OURS)})")
    found: set[str] = set()
    waiting = {module}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= _imported(name) - found
    return tuple(sorted({path for name in found if (path := _file(name)) is not None}))


def _file(module: str) -> Path | None:
    """The file of a module or package of this repository."""
    if module.split(".")[0] not in OURS:
        return None
    stem = ROOT.joinpath(*module.split("."))
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _tree(module: str) -> ast.Module:
    path = _file(module)
    return ast.parse(path.read_text(encoding="utf-8") if path is not None else "")


def _is_package(module: str) -> bool:
    path = _file(module)
    return path is not None and path.name == "__init__.py"


def _absolute(node: ast.ImportFrom, module: str) -> str:
    """The dotted name that `from ... import` names, as it stands in `module`."""
    if node.level == 0:
        return node.module or ""
    parts = module.split(".") if _is_package(module) else module.split(".")[:-1]
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


@cache
def _imported(module: str) -> frozenset[str]:
    """The modules that `module` imports, looked through packages that pass names on."""
    tree = _tree(module)
    bound = dict(_bindings(tree, module))
    packages = {name: target for name, target in bound.items() if _is_package(target)}
    led_to = dict.fromkeys(packages, False)
    found = {target for target in bound.values() if not _is_package(target)}
    for name, target in _attributes(tree, packages):
        led_to[name] = True
        found.add(target)
    # A package that is passed on as a whole counts as a whole.
    found |= {packages[name] for name, seen in led_to.items() if not seen}
    return frozenset(name for name in found if _file(name) is not None)


def _bindings(tree: ast.Module, module: str) -> Iterator[tuple[str, str]]:
    """(local name, module) for what the imports of a module bind; `import a.b` also needs a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = _absolute(node, module)
            for alias in node.names:
                yield alias.asname or alias.name, _definition(base, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name, alias.name
                if alias.asname is None and "." in alias.name:
                    top = alias.name.split(".")[0]
                    yield top, top


def _attributes(tree: ast.Module, packages: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(local name, module) for each package.name in a module: where its definition is."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        names: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id in packages:
            target = packages[inner.id]
            while names and _is_package(target):
                target = _definition(target, names.pop())
            yield inner.id, target


def _definition(base: str, name: str) -> str:
    """The module that `from base import name` really needs."""
    if _file(f"{base}.{name}") is not None:
        return f"{base}.{name}"
    if _is_package(base):
        for node in _tree(base).body:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return _definition(_absolute(node, base), alias.name)
    return base
