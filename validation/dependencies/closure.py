"""The definitions that a module reaches, and their hashes."""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, Self

from validation.dependencies.sources import Files, Found, Import, Module, module_name, read
from validation.dependencies.writing import Writer

# The bookkeeping of recorded results is not part of any measurement.
_BOOKKEEPING = ("validation.dependencies", "validation.provenance")
_COMMAND, _STATEMENT = "<command>", "<statement>"


class Description(NamedTuple):
    """A definition as text, what its names stand for in order, and what it imports."""

    text: str
    found: tuple[Found, ...]
    imported: tuple[Import, ...]


class Code:
    """The code of a clone; what has been read or resolved once is kept."""

    def __init__(self, files: Files) -> None:
        self._texts = {path: text for path, text in files if path.endswith(".py")}
        self._paths = {module_name(path): path for path in self._texts}
        self._tables = {path: text for path, text in files if path.endswith(".toml")}
        self._described: dict[Found, Description] = {}
        self._hashes: dict[str, dict[str, str]] = {}

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, files: Files) -> Self:
        """The code in these files; the same object while they do not change."""
        return cls(files)

    def is_ours(self, module: str) -> bool:
        """Whether there is such a module or package in the clone."""
        return module in self._paths

    def hashes(self, root: str) -> dict[str, str]:
        """Key "package: name" -> hash, for each definition that the module `root` reaches.

        Several definitions of one name in a package have their hashes in order, with blanks
        between. Raises ValueError where there is no such module, or for `from ... import *`.
        """
        if root not in self._hashes:
            self._hashes[root] = self._hashes_anew(root)
        return dict(self._hashes[root])

    def _hashes_anew(self, root: str) -> dict[str, str]:
        reached = self.reached(root)
        plain: dict[str, set[str]] = {}
        for one in reached:
            plain.setdefault(_key(one), set()).add(self._plain_hash(one))
        several = {key for key, hashes in plain.items() if len(hashes) > 1}
        found: dict[str, set[str]] = {}
        for one in reached:
            found.setdefault(_key(one), set()).add(self._hash(one, several))
        return {key: " ".join(sorted(found[key])) for key in sorted(found)}

    def reached(self, root: str) -> set[Found]:
        """The definitions that `root` reaches: as a command, or any of its own where it is none.

        Raises ValueError where there is no such module.
        """
        if not self.is_ours(root):
            raise ValueError(f"{root!r} is not a module of this repository.")
        found: set[Found] = set()
        executed: set[str] = set()
        waiting = list(self._executed([Import(root)], executed))
        own = [Found(root, name) for name in self._module(root).definitions]
        waiting += self.commands(root) or own
        while waiting:
            one = waiting.pop()
            if one in found or not self._counts(one.module):
                continue
            found.add(one)
            description = self._describe(one)
            for target in description.found:
                waiting += [target] if target.name else self._whole(target.module)
            waiting += self._executed([Import(one.module), *description.imported], executed)
        return found

    def _counts(self, module: str) -> bool:
        """Whether a module is ours and not bookkeeping."""
        kept = not any(f"{module}.".startswith(f"{name}.") for name in _BOOKKEEPING)
        return kept and self.is_ours(module)

    def _module(self, name: str) -> Module:
        path = self._paths[name]
        return read(path, self._texts[path])

    def lookup(
        self, module: str, name: str, passed: frozenset[tuple[str, str]] = frozenset()
    ) -> tuple[Found, ...]:
        """What a name at the top level of a module may stand for; empty where it lacks it."""
        if not self.is_ours(module):
            return (Found(f"{module}.{name}"),)
        content = self._module(module)
        found = [Found(module, name)] if name in content.definitions else []
        # A package that imports its own submodule leads back here.
        if (module, name) not in passed:
            for imported in content.imports.get(name, ()):
                found += self.follow(imported, passed | {(module, name)})
        if not found and self.is_ours(f"{module}.{name}"):
            found = [Found(f"{module}.{name}")]
        return tuple(dict.fromkeys(found))

    def follow(
        self, imported: Import, passed: frozenset[tuple[str, str]] = frozenset()
    ) -> tuple[Found, ...]:
        """What an import may bind to: the whole module where it lacks the name."""
        whole = (Found(imported.module),)
        if imported.name is None:
            return whole
        return self.lookup(imported.module, imported.name, passed) or whole

    def commands(self, text: str) -> tuple[Found, ...]:
        """What runs as the command `python -m text`; empty where nothing does."""
        for name in (f"{text}.__main__", text):
            if self.is_ours(name) and self._module(name).command:
                return (Found(name, _COMMAND),)
        return ()

    def listed(self, module: Module, text: str) -> tuple[Found, ...]:
        """The definitions that strings "module:name" of the TOML file beside a module name."""
        table = self._tables.get(f"{module.folder}/{text}")
        pairs = (s.split(":") for s in _strings(tomllib.loads(table or "")) if s.count(":") == 1)
        found = [self.lookup(place, name) for place, name in pairs if self.is_ours(place)]
        return tuple(dict.fromkeys(one for several in found for one in several))

    def _whole(self, module: str, passed: frozenset[str] = frozenset()) -> Iterator[Found]:
        """Every definition that can be had from a module by its names; modules from packages."""
        if not self._counts(module) or module in passed:
            return
        content = self._module(module)
        for name in [*content.definitions, *content.imports]:
            for one in self.lookup(module, name) if name != "__all__" else ():
                if one.name:
                    yield one
                elif content.is_package:
                    yield from self._whole(one.module, passed | {module})

    def _executed(self, imports: Iterable[Import], executed: set[str]) -> Iterator[Found]:
        """What the import of modules runs for its effect; `executed` are those done already."""
        waiting = list(imports)
        while waiting:
            module, name = waiting.pop()
            waiting += [Import(f"{module}.{name}")] if name else []
            if "." in module:
                waiting.append(Import(module.rpartition(".")[0]))
            if module in executed or not self._counts(module):
                continue
            executed.add(module)
            content = self._module(module)
            waiting += content.executed
            for number in range(len(content.effects)):
                yield Found(module, f"{_STATEMENT}{number}")
            yield from (
                Found(module, name) for name in content.decorated if self._own(module, name)
            )

    def _own(self, module: str, name: str) -> bool:
        """Whether a definition has a decorator that is ours."""
        content = self._module(module)
        for statement in content.definitions[name]:
            writer = Writer(content, self)
            writer.write(getattr(statement, "decorator_list", []))
            if any(self.is_ours(one.module) for one in writer.found):
                return True
        return False

    def _describe(self, one: Found) -> Description:
        if one not in self._described:
            content = self._module(one.module)
            if one.name == _COMMAND:
                statements = content.command
            elif one.name.startswith(_STATEMENT):
                statements = [content.effects[int(one.name.removeprefix(_STATEMENT))]]
            else:
                statements = content.definitions[one.name]
            writer = Writer(content, self)
            text = "\n".join(map(writer.write, statements))
            found = tuple(dict.fromkeys(writer.found))
            self._described[one] = Description(text, found, tuple(writer.imported))
        return self._described[one]

    def _plain_hash(self, one: Found) -> str:
        return _short_hash(self._describe(one).text)

    def _hash(self, one: Found, several: set[str]) -> str:
        """The hash of a definition, which also says which one of several of a name it means."""
        description = self._describe(one)
        meant: list[str] = []
        for target in description.found:
            if not self._counts(target.module):
                continue
            if not target.name:
                meant += sorted({_key(end) for end in self._whole(target.module)})
            elif _key(target) in several:
                meant.append(self._plain_hash(target))
        return _short_hash("\n".join([description.text, *meant]))


def _key(one: Found) -> str:
    name = _STATEMENT if one.name.startswith(_STATEMENT) else one.name
    return f"{one.package}: {name}"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _strings(value: object) -> Iterator[str]:
    """The strings in a value read from TOML."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)
