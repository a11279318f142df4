"""A definition as text: what it does, without where it stands and how it looks.

The text is the syntax tree: no comments, blank lines, layout or quotes, and no strings that stand
alone (docstrings). Fields that are empty are left out, so that a newer Python, whose trees have
more of them, writes the same. Each name is written as what it stands for: "package:name" for a
definition of ours, the full name for one of another library. So it does not matter where a
definition is and how it has been imported; but if a name comes to stand for something else, the
text changes. An import is left out, unless it stands in an `if`, `try` or the like inside the
definition, where it is written as an assignment.
"""

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol, get_args

from validation.dependencies.sources import (
    COMPREHENSIONS,
    Found,
    Import,
    Module,
    bindings,
    imports_in,
    imports_of,
)

_ANNOTATIONS = {"annotation", "returns"}
_UNWRITTEN = {"ctx", "kind", "type_comment"}
_COMPOUND = (ast.If, ast.Try, ast.TryStar, ast.With, ast.AsyncWith, ast.For, ast.AsyncFor)
_COMPOUND += (ast.While, ast.Match)
_IMPORTERS = {"import_module", "__import__"}


class Names(Protocol):
    """What the writer has to know of the rest of the code."""

    def is_ours(self, module: str) -> bool:
        """Whether this is a module of the repository."""

    def lookup(self, module: str, name: str) -> tuple[Found, ...]:
        """What a name at the top level of a module may stand for."""

    def follow(self, imported: Import) -> tuple[Found, ...]:
        """What an import may bind to."""

    def commands(self, text: str) -> tuple[Found, ...]:
        """What runs as the command that a string names."""

    def listed(self, module: Module, text: str) -> tuple[Found, ...]:
        """What the TOML file of that name beside the module names."""


class Scope(NamedTuple):
    """Names of a function, class or comprehension, with the imports that may have bound them."""

    names: dict[str, list[Import]]
    outside: frozenset[str] = frozenset()
    of_class: bool = False


class Writer:
    """Writes statements of one module; notes what names mean in `found`, imports in `imported`."""

    def __init__(self, module: Module, names: Names) -> None:
        self.module, self.names = module, names
        self.found: list[Found] = []
        self.imported: list[Import] = []
        self._scopes: list[Scope] = []
        self._compound = 0
        self._annotating = False

    def write(self, node: object) -> str:
        """The text of a node, list or value; empty for what does not count."""
        if isinstance(node, list):
            return f"[{','.join(text for part in node if (text := self.write(part)))}]"
        if not isinstance(node, ast.AST):
            return repr(node)
        return _WRITERS.get(type(node), Writer._fields)(self, node)

    def _fields(self, node: ast.AST, without: str = "", more: str = "") -> str:
        """A node with its fields, but for the one `without`, which has been written in `more`."""
        texts = []
        annotating, alternatives = self._annotating, isinstance(node, ast.BinOp)
        for name in node._fields:
            value = getattr(node, name, None)
            if name in _UNWRITTEN or name == without or value is None or value == []:
                continue
            # In an annotation and between its bars, a string is a name in quotes.
            self._annotating = name in _ANNOTATIONS or (annotating and alternatives)
            text = self.write(value)
            if text != "[]":
                texts.append(f"{name}={text}")
        self._annotating = annotating
        return f"{type(node).__name__}({';'.join(texts)}{more})"

    def _statement(self, node: ast.Pass | ast.Expr) -> str:
        """Nothing for `pass` and for a string that stands alone."""
        alone = isinstance(node, ast.Pass) or isinstance(getattr(node.value, "value", None), str)
        return "" if alone else self._fields(node)

    def _branching(self, node: ast.stmt) -> str:
        self._compound += 1
        text = self._fields(node)
        self._compound -= 1
        return text

    @contextmanager
    def _within(self, scope: Scope, compound: int = 0) -> Iterator[None]:
        before, self._compound = self._compound, compound
        self._scopes.append(scope)
        yield
        self._scopes.pop()
        self._compound = before

    def _import(self, node: ast.Import | ast.ImportFrom) -> str:
        self.imported += imports_in([node], self.module)
        if not self._compound:
            return ""
        pairs = imports_of(node, self.module)
        return ",".join(
            f"{name}={self._labels(self.names.follow(imported))}" for name, imported in pairs
        )

    def _labels(self, found: tuple[Found, ...]) -> str:
        """How meanings are written, which are noted."""
        self.found += found
        return "|".join(sorted({self._label(one) for one in found}))

    def _label(self, one: Found) -> str:
        if self.names.is_ours(one.module):
            return f"{one.package}:{one.name or '<module>'}"
        return one.module

    def _name(self, node: ast.Name | ast.Attribute) -> str:
        """A name of the module, or an attribute of what it stands for; any other as it is."""
        inner, path = node, []
        while isinstance(inner, ast.Attribute):
            path.append(inner.attr)
            inner = inner.value
        found = self._meaning(inner.id) if isinstance(inner, ast.Name) else ()
        in_class = bool(self._scopes) and self._scopes[-1].of_class
        if not found or (in_class and isinstance(inner.ctx, ast.Store)):
            return self._fields(node)
        while path and len(found) == 1 and self._is_module(found[0]):
            further = self.names.lookup(found[0].module, path[-1])
            if not further:
                break
            found = further
            path.pop()
        return ".".join([self._labels(found), *reversed(path)])

    def _is_module(self, one: Found) -> bool:
        return not one.name and self.names.is_ours(one.module)

    def _meaning(self, name: str) -> tuple[Found, ...]:
        """What a name may stand for here; empty for local variables and built-in names."""
        for scope in reversed(self._scopes):
            if scope.of_class and scope is not self._scopes[-1]:
                continue
            if name in scope.outside:
                break
            if name in scope.names:
                found = [f for one in scope.names[name] for f in self.names.follow(one)]
                return tuple(dict.fromkeys(found))
        return self.names.lookup(self.module.name, name)

    def _scope(self, nodes: Iterable[ast.AST], arguments: Iterable[str] = ()) -> Scope:
        """The names bound by these statements, and the arguments of their function."""
        names: dict[str, list[Import]] = {name: [] for name in arguments}
        for name, imported in bindings(nodes, self.module):
            names.setdefault(name, []).extend([imported] if imported else [])
        outside = [n for node in nodes for n in ast.walk(node) if isinstance(n, ast.Global)]
        return Scope(names, frozenset(name for node in outside for name in node.names))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> str:
        body = node.body if isinstance(node.body, list) else [node.body]
        arguments = [n.arg for n in ast.iter_child_nodes(node.args) if isinstance(n, ast.arg)]
        with self._within(self._scope(body, arguments)):
            inside = self.write(node.body)
        return self._fields(node, "body", f";body={inside}")

    def _class(self, node: ast.ClassDef) -> str:
        """A name in the body of a class is the class's own only after it has been bound."""
        texts, scope = [], Scope({}, of_class=True)
        with self._within(scope):
            for statement in node.body:
                texts.append(self.write(statement))
                for name, imported in bindings([statement], self.module):
                    scope.names.setdefault(name, []).extend([imported] if imported else [])
        inside = ",".join(text for text in texts if text)
        return self._fields(node, "body", f";body=[{inside}]")

    def _comprehension(self, node: ast.AST) -> str:
        """All but the first sequence is inside the scope of a comprehension."""
        first, *rest = node.generators
        sequence = self.write(first.iter)
        with self._within(self._scope([one.target for one in node.generators]), self._compound):
            begin = self._fields(first, "iter", f";iter={sequence}")
            return self._fields(node, "generators", f";generators={begin}{self.write(rest)}")

    def _string(self, node: ast.Constant) -> str:
        """A string: an annotation, a command's module, a table beside the module, or text."""
        if not isinstance(node.value, str):
            return self._fields(node)
        if self._annotating:
            try:
                return self.write(ast.parse(node.value, mode="eval").body)
            except SyntaxError:
                return repr(node.value)
        if node.value.endswith(".toml"):
            self.found += self.names.listed(self.module, node.value)
        if "." in node.value and self.names.is_ours(node.value):
            self.found += self.names.commands(node.value)
            return f"{node.value.split('.')[0]}:<command>"
        return repr(node.value)

    def _joined(self, node: ast.JoinedStr) -> str:
        """An f-string, without the empty parts that Python 3.12.0 and 3.12.1 put in."""
        return self.write([part for part in node.values if getattr(part, "value", None) != ""])

    def _call(self, node: ast.Call) -> str:
        """A call, also of what imports a module by its name in a string."""
        called = getattr(node.func, "attr", getattr(node.func, "id", None))
        for argument in node.args[:1] if called in _IMPORTERS else ():
            if isinstance(argument, ast.Constant) and self.names.is_ours(str(argument.value)):
                self.imported.append(Import(argument.value))
                self.found.append(Found(argument.value))
        return self._fields(node)


_WRITERS = {
    **dict.fromkeys((ast.Pass, ast.Expr), Writer._statement),
    **dict.fromkeys((ast.Import, ast.ImportFrom), Writer._import),
    **dict.fromkeys((ast.Name, ast.Attribute), Writer._name),
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda), Writer._function),
    **dict.fromkeys(get_args(COMPREHENSIONS), Writer._comprehension),
    **dict.fromkeys(_COMPOUND, Writer._branching),
    ast.ClassDef: Writer._class,
    ast.Constant: Writer._string,
    ast.Call: Writer._call,
    ast.JoinedStr: Writer._joined,
}
