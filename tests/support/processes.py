"""Groups of real processes for tests: forked from a server that has imported torch once."""

import multiprocessing
import os
import runpy
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

_CONTEXT = multiprocessing.get_context("forkserver")
# What every child would import, the optimisers' torch._dynamo among it; the server has one thread,
# so forking it is safe.
_CONTEXT.set_forkserver_preload(
    [
        "gbm_fast.commands.training",
        "sklearn.datasets",
        "torch._dynamo",
        "pytest",
        "tests.support.tiny_runs",
    ]
)
DEADLINE = 120.0


def free_port() -> int:
    """A TCP port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _child(variables: dict[str, str], target: Callable[..., None], arguments: tuple) -> None:
    torch.set_num_threads(1)
    os.environ.update(variables)
    target(*arguments)


def start(
    target: Callable[..., None], *arguments: object, variables: dict[str, str] | None = None
) -> BaseProcess:
    """A child that calls `target`, a function of a module, with these environment variables."""
    child = _CONTEXT.Process(target=_child, args=(variables or {}, target, arguments))
    child.start()
    return child


def join(children: list[BaseProcess]) -> list[int]:
    """The exit statuses; minus the number of the signal for a child that a signal ended."""
    deadline = time.monotonic() + DEADLINE
    for child in children:
        child.join(max(0.0, deadline - time.monotonic()))
    statuses = [child.exitcode for child in children]
    for child in children:
        if child.exitcode is None:
            child.kill()
            child.join()
    assert None not in statuses, f"not ended within {DEADLINE} s: {statuses}"
    return [int(status or 0) for status in statuses]


def start_group(size: int, target: Callable[..., None], *arguments: object) -> list[BaseProcess]:
    """`size` children with the variables that torchrun sets."""
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(size)}
    return [
        start(target, *arguments, variables=shared | {"RANK": str(i), "LOCAL_RANK": str(i)})
        for i in range(size)
    ]


def _run_program(path: Path, words: list[str], folder: Path) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in {"gbm_fast", "gbm_ref"}]:
        del sys.modules[name]
    os.chdir(folder)
    sys.argv, sys.path[0] = [str(path), *words], str(path.parent)
    warnings.simplefilter("error")
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        with redirect_stdout(out), redirect_stderr(err):
            try:
                runpy.run_path(str(path), run_name="__main__")
            except BaseException:
                traceback.print_exc()
                raise


def run_program(path: Path, *words: str, folder: Path) -> str:
    """What a program prints that is run in `folder` as by `python -W error`, but for the seconds
    that importing others' libraries takes: it imports our packages anew.

    Raises AssertionError unless it succeeds.
    """
    (status,) = join([start(_run_program, path, list(words), folder)])
    assert status == 0, (folder / "stderr").read_text()
    return (folder / "stdout").read_text()
