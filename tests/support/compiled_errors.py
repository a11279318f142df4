"""Compiled against eager code: `python -m tests.support.compiled_errors` prints the largest
relative differences as JSON. A program of its own: torch.compile cannot trace the checked
annotations."""

import json
import shutil
from collections.abc import Callable

import torch
from torch import Tensor

import gbm_fast as gbm
from tests.support.cases import PROCESS, log_linear, torch_generator
from tests.support.problems import TARGETS
from tests.support.tables import ALL_PROCESSES, STEPS, STEPS_2D
from tests.support.twins import tensor, twin_process, twin_target

ALL_STEPS = {kind: pair[0] for kind, pair in {**STEPS, **STEPS_2D}.items()}


def state_and_noise(name: str, rows: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch_generator("compiled", name)
    x = torch.rand(5, 2, generator=generator, dtype=torch.float64) + 0.5
    return x, torch.randn(rows, 5, 2, generator=generator, dtype=torch.float64)


def errors(function: Callable[..., dict[str, Tensor]], *arguments: object) -> dict[str, float]:
    """Compiled as one graph, without a break, by a backend that generates no code."""
    compiled = torch.compile(function, backend="aot_eager", fullgraph=True)
    found, expected = compiled(*arguments), function(*arguments)
    return {name: error(found[name], expected[name]) for name in expected}


def error(found: Tensor, expected: Tensor) -> float:
    return float(((found - expected) / expected).abs().max())


def of_steps() -> dict[str, float]:
    """Every step, with the processes and the kinds of law in turn; times as tensors."""
    processes = [twin_process(process) for process in ALL_PROCESSES.values()]
    laws = [twin_target(TARGETS[law]) for law in ("log-normal-2d", "mixture-2d", "points-2d")]
    x, z = state_and_noise("steps")

    def everything(x: Tensor, z: Tensor, t: Tensor, dt: Tensor, noise: Tensor) -> dict:
        found = {}
        for i, (kind, step) in enumerate(ALL_STEPS.items()):
            process, law = processes[i % 4], laws[i % 3]
            found[kind] = step(process, gbm.exact_score(law, process), x, t, dt, noise, z)
        return found

    return errors(everything, x, z[0], tensor(0.5), tensor(0.1), tensor(0.7))


def of_loops() -> dict[str, float]:
    """Rows that are numbers, denoising, the last step of the flow, and the path."""
    grid = gbm.annealed(2, chi=0.9, denoise_steps=1)
    x_T, z = state_and_noise("loop", len(grid))
    steps = (gbm.SignAgnostic(), gbm.DaleLangevin(), gbm.ProbabilityFlow())

    def loops(x_T: Tensor, z: Tensor) -> dict[str, Tensor]:
        at = (PROCESS, log_linear, x_T, grid, z)
        paths = [gbm.simulate(step, *at, return_path=True)[1] for step in steps]
        return {f"loop of {type(s).__name__}": p for s, p in zip(steps, paths, strict=True)}

    return errors(loops, x_T, z)


@torch.no_grad()
def of_generated_code() -> dict[str, float]:
    """`Compiled` with the code generator that is used in earnest: float32, twelve rows."""
    grid = gbm.annealed(12, chi=0.9)
    x_T, z = (part.float() for part in state_and_noise("inductor", len(grid)))
    score = gbm.exact_score(twin_target(TARGETS["log-normal-2d"], torch.float32), PROCESS)
    step = gbm.Compiled(gbm.DaleLangevin())
    found = gbm.simulate(step, PROCESS, score, x_T, grid, z)
    late = tuple(row._replace(t_score=1.5) for row in grid)
    try:
        gbm.simulate(step, PROCESS, score, x_T, late, z)
        refused = False
    except ValueError:
        refused = True
    declared = (step.coordinates, step.uses_noise, step.weak_order) == ("log", True, 1.0)
    return {
        "generated code": error(found, gbm.simulate(step.step, PROCESS, score, x_T, grid, z)),
        "bad times are not refused": float(not refused),
        "declarations are lost": float(not declared),
    }


class WrongSign(gbm.DaleLangevin):
    """A planted twin: compiled code that does something else than eager code."""

    def x_of(self, state: Tensor) -> Tensor:
        x = super().x_of(state)
        return -x if torch.compiler.is_compiling() else x


def of_planted_code() -> dict[str, float]:
    x, z = state_and_noise("planted")

    def planted(x: Tensor, z: Tensor) -> dict[str, Tensor]:
        return {"planted": WrongSign()(PROCESS, log_linear, x, 0.5, 0.1, 0.7, z)}

    return errors(planted, x, z[0])


if __name__ == "__main__":
    torch.set_num_threads(1)
    result = {**of_steps(), **of_loops(), **of_planted_code()}
    if shutil.which("g++") or shutil.which("clang++"):
        result |= of_generated_code()
    print(json.dumps(result))
