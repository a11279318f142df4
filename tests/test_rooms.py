"""The rooms of gbm_fast, by CONTRIBUTING's table: who imports whom, no circle or name twice."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import gbm_fast
import gbm_ref
from tests.support.source_tree import ROOT, Source, nodes, sources

PACKAGE = ROOT / "gbm_fast"
MOST_FILES = 20


def table() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Room -> its modules at the root or folders, and the rooms that it may import."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = text.split("## The rooms of gbm_fast")[1].split("\n## ")[0]
    rows = {}
    for line in re.findall(r"^\| (.+) \|$", part, re.M)[2:]:
        room, modules, _, imports = line.split(" | ")
        names = frozenset(re.findall(r"`(\w+)`", modules))
        rows[room] = names, frozenset(imports.split(", ")) - {"nothing"}
    return rows


ROOMS = table()


def room_of(module: str) -> str:
    """The room of a dotted module of gbm_fast."""
    first = module.split(".")[1]
    (room,) = [room for room, (names, _) in ROOMS.items() if first in names]
    return room


def module_of(source: Source) -> str:
    parts = Path(source.path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module) -> Iterator[str]:
    """The modules of gbm_fast that a module imports when it is used; not those for types alone."""
    types_only = {
        inner
        for node in nodes(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in nodes(tree):
        if node in types_only:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gbm_fast"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                path = ROOT.joinpath(*whole.split("."))
                inside = path.is_dir() or path.with_suffix(".py").exists()
                yield whole if inside else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("gbm_fast."))


MODULES = {module_of(source): source.tree for source in sources("gbm_fast")}
EDGES = {name: set(imports(tree)) for name, tree in MODULES.items()}


def test_every_module_is_in_a_room_and_every_room_has_some() -> None:
    found = {room_of(name) for name in MODULES if name != "gbm_fast"}
    assert found == set(ROOMS)
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert set().union(*(names for names, _ in ROOMS.values())) == (
        there - {"__init__", "__pycache__", "py"}
    )


def may_import(name: str, wanted: str) -> bool:
    """Whether the table allows it; the package itself is the front, which no room goes back to."""
    if "gbm_fast" in (name, wanted):
        return name == "gbm_fast"
    return room_of(wanted) in {room_of(name), *ROOMS[room_of(name)][1]}


def trespasses(edges: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Imports that the table does not allow."""
    pairs = {(name, wanted) for name, found in edges.items() for wanted in found}
    return {pair for pair in pairs if not may_import(*pair)}


def test_rooms_import_as_the_table_says() -> None:
    assert trespasses(EDGES) == set()
    for wrong in ("gbm_fast.sampling.sampler", "gbm_fast"):
        planted = {"gbm_fast.training.loop": {wrong, "gbm_fast.grids"}}
        assert trespasses(planted) == {("gbm_fast.training.loop", wrong)}


def test_the_table_goes_one_way() -> None:
    """A room may import only rooms above it in the table, so that there is no circle of rooms."""
    order = list(ROOMS)
    for room, (_, allowed) in ROOMS.items():
        assert allowed <= set(order[: order.index(room)])


def circles(edges: dict[str, set[str]]) -> set[str]:
    """The modules that reach themselves."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = set(edges.get(start, ()))
        while waiting:
            name = waiting.pop()
            seen.add(name)
            waiting |= edges.get(name, set()) - seen
        return seen

    return {name for name in edges if name in reached(name)}


def test_no_module_imports_itself_on_a_way_round() -> None:
    assert circles(EDGES) == set()
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {"a", "b", "c"}


@pytest.mark.parametrize("layer", ["gbm_fast", "gbm_ref", "validation"])
def test_no_folder_is_crowded(layer: str) -> None:
    """gbm_ref's root holds one module a subject, as the rooms' root does."""
    folders = [path.parent for path in (ROOT / layer).rglob("*.py")]
    assert max(map(folders.count, folders)) <= MOST_FILES + (layer == "gbm_ref") * 5


def submodules(package: ModuleType) -> set[str]:
    """The names of all submodules at the root of a package, after importing every one."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {module.name for module in pkgutil.iter_modules(package.__path__)}


def test_no_public_name_is_a_module_as_well() -> None:
    """Importing the one would hide the other, whichever comes first."""
    names = set(gbm_fast._HOMES)
    before = {name: getattr(gbm_fast, name) for name in names}
    assert submodules(gbm_fast) & names == set()
    assert submodules(gbm_ref) & set(gbm_ref.__all__) == set()
    for name, found in before.items():
        assert getattr(gbm_fast, name) is found and not isinstance(found, ModuleType)
    assert set(gbm_fast.__dir__()) >= names


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'gbm_fast' has no attribute 'GMB'"):
        _ = gbm_fast.GMB
    assert gbm_fast.distributions.LogNormal.__module__ == "gbm_fast.distributions.lognormal"


def twins() -> set[str]:
    """The names of gbm_ref that gbm_fast defines in the module of the same name."""
    found = set()
    for name in gbm_ref.__all__:
        home = getattr(getattr(gbm_ref, name), "__module__", "") or ""
        module = home.split(".")[1] if home.startswith("gbm_ref.") else ""
        if module and f"gbm_fast.{module}" in MODULES:
            twin = importlib.import_module(f"gbm_fast.{module}")
            found |= {name} if name in vars(twin) else set()
    return found


def test_every_name_with_a_twin_in_the_oracle_is_offered() -> None:
    assert len(twins()) > 70
    assert twins() <= set(gbm_fast._HOMES)
