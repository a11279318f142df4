"""Every public step, process and grid of gbm_ref has its twin in gbm_fast, and a row in a table.

The numbers are compared in the tests of steps, processes, grids and the loop; here nothing is
computed. A name that is left out needs a reason below, and an entry without one any more fails.
"""

import ast
import importlib
import inspect

import pytest

from tests.support.tables import ALL_PROCESSES, GRIDS, STEPS, STEPS_2D

MODULES = ["steps", "process", "grids", "simulation"]
# (module, name of gbm_ref) -> why there is no twin of that name.
WITHOUT_TWIN = {("steps", "Score"): "the type of a score is gbm_fast.scores.ScoreFunction"}
# Types that are not compared: they are interfaces, or made by what is compared.
WITHOUT_ROW = {
    ("steps", "AmbientStep"): "abstract; its subclasses are compared",
    ("steps", "LogAffineStep"): "abstract; its subclasses are compared",
    ("steps", "LogCoefficients"): "what the steps are made of",
    ("steps", "Step"): "abstract; its subclasses are compared",
    ("process", "Process"): "abstract; its subclasses are compared",
    ("grids", "Row"): "what every grid is made of",
    ("grids", "Grid"): "the type of every grid",
    ("simulation", "simulate"): "the loop, run over the tables in test_simulation.py",
    ("simulation", "Noise"): "the type of an argument",
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
    pairs = [*STEPS.values(), *STEPS_2D.values()]
    return (
        {type(ref).__name__ for _, ref in pairs}
        | {type(process).__name__ for process in ALL_PROCESSES.values()}
        | set(GRIDS)
    )


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_a_twin(module: str) -> None:
    twin = vars(importlib.import_module(f"gbm_fast.{module}"))
    names = public_names(module)
    allowed = {name for where, name in WITHOUT_TWIN if where == module}
    assert names - twin.keys() == allowed


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_compared(module: str) -> None:
    names = public_names(module)
    allowed = {name for where, name in [*WITHOUT_ROW, *WITHOUT_TWIN] if where == module}
    assert names - rows() == allowed


def test_the_names_are_found() -> None:
    """A reader that saw nothing would accept everything."""
    assert {"DaleLangevin", "DDIM", "ProbabilityFlow"} <= public_names("steps")
    assert public_names("grids") == {"Row", "Grid", *GRIDS}
    assert "simulate" in public_names("simulation")
