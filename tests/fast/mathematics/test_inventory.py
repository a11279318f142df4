"""Every public name of gbm_ref has a twin of the same name and arguments, or a reason below;
a reason without need fails. The numbers are compared in the tests of the modules."""

import ast
import importlib
import inspect
from types import ModuleType

import pytest

import gbm_ref as ref
from tests.support.tables import ALL_PROCESSES, COORDINATE_PROCESSES, GRIDS, STEPS, STEPS_2D

ORACLE = {
    "closed_forms": "exact laws of samplers, to check samplers of any package with",
    "exact": "the recursion for such laws, the reference of tests",
    "line": "quadratures with an error, for laws of d = 1 in float64: docs/oracle.md says more",
    "probe": "extracts the law of a sampler, whatever it is written in",
    "sign_agnostic_law": "quadratures that serve as references",
}
# name -> why gbm_fast has none of that name in the module.
WITHOUT_TWIN = {
    "Score": "the type of a score is gbm_fast.scores.ScoreFunction",
    "mirrored_langevin_law": "the exact law of a chain, the reference of its tests",
    "MultistepStep": "what a row remembers is part of the state that the loop carries",
}
# class -> its methods that gbm_fast does not have, for the same reason as above.
OTHER_METHODS = {"DPMSolver": {"with_past", "weights"}}
# name -> what differs in the arguments.
OTHER_ARGUMENTS = {
    "log_likelihood": "a grid of fixed steps for a batch, where gbm_ref adapts to each state",
    "simulate": "a callback for each row",
}


def homes() -> dict[str, str]:
    """The module of gbm_ref, first level, that each public name is imported from."""
    lines = ast.parse(inspect.getsource(ref)).body
    imports = [line for line in lines if isinstance(line, ast.ImportFrom)]
    found = {name.name: str(line.module) for line in imports for name in line.names}
    return {name: found[name].split(".")[1] for name in ref.__all__ if name != "__version__"}


NAMES = homes()
SHARED = {k: module for k, module in NAMES.items() if not (module in ORACLE or k in WITHOUT_TWIN)}


def twin_module(module: str) -> ModuleType:
    return importlib.import_module(f"gbm_fast.{module}")


def arguments(thing: object) -> list[str] | None:
    """The names of a function's or a dataclass's arguments, in order."""
    return list(inspect.signature(thing).parameters) if callable(thing) else None


@pytest.mark.parametrize("name", sorted(SHARED))
def test_the_twin_has_the_name_and_the_arguments(name: str) -> None:
    ours = vars(twin_module(SHARED[name])).get(name)
    assert ours is not None, f"gbm_fast.{SHARED[name]} has no {name}"
    theirs = getattr(ref, name)
    if inspect.isfunction(theirs):
        assert (arguments(ours) == arguments(theirs)) == (name not in OTHER_ARGUMENTS)
    elif inspect.isclass(theirs):
        public = {attribute for attribute in vars(theirs) if not attribute.startswith("_")}
        missing = public - set(dir(ours)) - set(arguments(ours) or ())
        assert missing == OTHER_METHODS.get(name, set())


def test_the_lists_hold_what_they_should() -> None:
    """A module or name that has a twin is no longer listed, and nothing listed is unknown."""
    for module in ORACLE:
        assert module in NAMES.values()
        with pytest.raises(ModuleNotFoundError):
            twin_module(module)
    for name in WITHOUT_TWIN:
        assert name not in vars(twin_module(NAMES[name]))
    assert set(OTHER_ARGUMENTS) <= set(SHARED)


def test_the_names_are_found() -> None:
    """A reader that saw nothing would accept everything."""
    assert NAMES["ENTROPY"] == "mirror" and NAMES["LogNormal"] == "targets"
    assert NAMES["Divergence"] == "likelihood" and NAMES["OneStep"] == "probe"
    assert len(SHARED) > 80


# Types that are not compared: they are interfaces, or made by what is compared.
WITHOUT_ROW = {
    "steps": {"AmbientStep", "LogAffineStep", "LogCoefficients", "MultistepStep", "Step", "Score"},
    "process": {"Process"},
    "grids": {"Row", "Grid"},
    "simulation": {"simulate", "Noise"},  # the loop runs over the tables in test_steps.py
}


def public_names(module: str) -> set[str]:
    """What the module of gbm_ref lists, or defines at its top level, for others."""
    found = importlib.import_module(f"gbm_ref.{module}")
    if module in ("steps", "process"):
        return set(found.__all__)
    names = set()
    for node in ast.parse(inspect.getsource(found)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def rows() -> set[str]:
    """The names of gbm_ref that the tables hold."""
    steps = [step for _, step in (*STEPS.values(), *STEPS_2D.values())]
    processes = (*ALL_PROCESSES.values(), *COORDINATE_PROCESSES.values())
    return {type(row).__name__ for row in (*steps, *processes)} | set(GRIDS)


@pytest.mark.parametrize("module", WITHOUT_ROW)
def test_every_public_name_has_a_twin(module: str) -> None:
    allowed = {"Score", "MultistepStep"} if module == "steps" else set()
    assert public_names(module) - vars(twin_module(module)).keys() == allowed


@pytest.mark.parametrize("module", WITHOUT_ROW)
def test_every_public_name_is_compared(module: str) -> None:
    assert public_names(module) - rows() == WITHOUT_ROW[module]


def test_the_names_of_modules_are_found() -> None:
    assert {"DaleLangevin", "DDIM", "ProbabilityFlow"} <= public_names("steps")
    assert public_names("grids") == {"Row", "Grid", *GRIDS}
    assert "simulate" in public_names("simulation")
