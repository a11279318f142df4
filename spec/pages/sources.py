"""The public functions of `gbm_ref`, their twins in `gbm_fast` and the tests that name them.

Everything is read from the sources, since this package imports neither."""

import ast
import re
from collections.abc import Mapping
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


@cache
def public_functions() -> list[PublicFunction]:
    """Functions in `gbm_ref.__all__`, and the methods and calls of the concrete classes there."""
    found = []
    for source in _body(ROOT / "gbm_ref/__init__.py"):
        if isinstance(source, ast.ImportFrom) and (source.module or "").startswith("gbm_ref."):
            module = str(source.module).removeprefix("gbm_ref.")
            bodies = [_body(path) for path in _files("gbm_ref", module)]
            nodes = {getattr(node, "name", ""): node for body in bodies for node in body}
            for name, node in ((alias.name, nodes.get(alias.name)) for alias in source.names):
                if isinstance(node, ast.FunctionDef):
                    found.append(PublicFunction(f"gbm_ref.{name}", module, "", name))
                elif isinstance(node, ast.ClassDef) and not _bases(node) & _ABSTRACT_BASES:
                    found += [PublicFunction(f"gbm_ref.{name}.{method}", module, name, method)
                              for method in _methods(node, nodes)]  # fmt: skip
    return sorted(found)


def fast_twin(public: PublicFunction) -> str:
    """The function of the same module and name in `gbm_fast`, or a dash where there is none."""
    name = public.owner or public.function
    texts = {path: path.read_text(encoding="utf-8") for path in _files("gbm_fast", public.module)}
    # A method may be inherited from a class in another file of the same folder.
    if public.owner and not re.search(rf"\bdef {public.function}\b", "".join(texts.values())):
        return "-"
    for path, text in texts.items():
        if re.search(rf"^(def|class) {name}\b", text, re.MULTILINE):
            dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            return f"{dotted}.{name}" + (f".{public.function}" if public.owner else "")
    return "-"


def files_that_test(public: PublicFunction) -> list[str]:
    """Test files that use the function by name; for a method, also the name of its class."""
    wanted = {public.function, public.owner} - {"", "__call__"}
    return [path for path, names in _names_in_tests().items() if wanted <= names]


@cache
def _body(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text(encoding="utf-8")).body


def _files(package: str, module: str) -> list[Path]:
    """package/module.py, or the files of the folder of that name."""
    single = ROOT / package / f"{module}.py"
    return [single] if single.exists() else sorted((ROOT / package / module).glob("*.py"))


def _bases(node: ast.ClassDef) -> set[str]:
    return set(map(ast.unparse, node.bases))


def _methods(node: ast.ClassDef, nodes: Mapping[str, ast.AST]) -> set[str]:
    """Public methods and `__call__` of a class and of its bases in the same module."""
    own = {
        item.name for item in node.body if isinstance(item, ast.FunctionDef) and (
            item.name == "__call__" or not item.name.startswith("_")
        ) and not {"property", "abstractmethod"} & set(map(ast.unparse, item.decorator_list))
    }  # fmt: skip
    bases = [nodes[name] for name in _bases(node) & nodes.keys()]
    return own.union(*(_methods(base, nodes) for base in bases if isinstance(base, ast.ClassDef)))


@cache
def _names_in_tests() -> dict[str, set[str]]:
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if ROOT / "tests/spec" not in path.parents:
            nodes = ast.walk(ast.Module(_body(path), []))
            names = {getattr(node, "id", getattr(node, "attr", "")) for node in nodes}
            found[path.relative_to(ROOT).as_posix()] = names
    return found
