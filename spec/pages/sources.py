"""The public functions of `gbm_ref`, their twins in `gbm_fast` and the tests that name them.

Everything is read from the syntax trees of the files, since this package imports neither.
"""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent

# Bases that make a class an interface: what it computes is pinned through its concrete classes.
_ABSTRACT_BASES = {"ABC", "Protocol"}


class PublicFunction(NamedTuple):
    """One public function: its dotted name, its module file, the class that it belongs to."""

    name: str
    module: str
    owner: str
    function: str


def public_functions() -> list[PublicFunction]:
    """Functions in `gbm_ref.__all__`, and the methods and calls of the concrete classes there."""
    exported = _exported_names()
    found = []
    for name, module in sorted(exported.items()):
        nodes = _definitions("gbm_ref", module)
        node = nodes.get(name)
        if isinstance(node, ast.FunctionDef):
            found.append(PublicFunction(f"gbm_ref.{name}", module, "", name))
        elif isinstance(node, ast.ClassDef) and not _is_abstract(node):
            found += [
                PublicFunction(f"gbm_ref.{name}.{method}", module, name, method)
                for method in sorted(_methods(node, nodes))
            ]
    return found


def fast_twin(public: PublicFunction) -> str:
    """The function of the same module and name in `gbm_fast`, or a dash where there is none."""
    name = public.owner or public.function
    files = _files("gbm_fast", public.module)
    for path in files:
        if name not in _defined(_tree(path).body):
            continue
        if not public.owner:
            return f"{_dotted(path)}.{name}"
        # A method may be inherited from a class in another file of the same folder.
        if any(public.function in _defined(ast.walk(_tree(file))) for file in files):
            return f"{_dotted(path)}.{name}.{public.function}"
    return "-"


def files_that_test(public: PublicFunction) -> list[str]:
    """Test files that use the function by name; for a method, also the name of its class."""
    wanted = {public.function, public.owner} - {"", "__call__"}
    return [
        path
        for path, names in _names_in_tests().items()
        if wanted <= names and not path.startswith("tests/spec/")
    ]


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def _exported_names() -> dict[str, str]:
    """Name to module, for what `gbm_ref/__init__.py` imports from its own modules."""
    found = {}
    for node in _tree("gbm_ref/__init__.py").body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gbm_ref."):
            module = (node.module or "").removeprefix("gbm_ref.")
            found.update({alias.name: module for alias in node.names})
    return found


def _base_names(node: ast.ClassDef) -> set[str]:
    return {base.id for base in node.bases if isinstance(base, ast.Name)}


def _is_abstract(node: ast.ClassDef) -> bool:
    return bool(_base_names(node) & _ABSTRACT_BASES)


def _definitions(package: str, module: str) -> dict[str, ast.AST]:
    """The functions and classes at the top of a module, or of the files of its folder."""
    return {
        node.name: node
        for path in _files(package, module)
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def _methods(node: ast.ClassDef, nodes: dict[str, ast.AST]) -> set[str]:
    """Public methods and `__call__` of a class and of its bases in the same module."""
    found = {
        item.name
        for item in node.body
        if isinstance(item, ast.FunctionDef)
        and (item.name == "__call__" or not item.name.startswith("_"))
        and not any(
            _last(decorator) in {"property", "abstractmethod"} for decorator in item.decorator_list
        )
    }
    for name in _base_names(node):
        base = nodes.get(name)
        if isinstance(base, ast.ClassDef):
            found |= _methods(base, nodes)
    return found


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _defined(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def _files(package: str, module: str) -> list[str]:
    """package/module.py, or the files of the folder of that name."""
    single = ROOT / package / f"{module}.py"
    files = [single] if single.exists() else sorted((ROOT / package / module).glob("*.py"))
    return [path.relative_to(ROOT).as_posix() for path in files]


@cache
def _names_in_tests() -> dict[str, set[str]]:
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        relative = path.relative_to(ROOT).as_posix()
        nodes = list(ast.walk(_tree(relative)))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        found[relative] = names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return found
