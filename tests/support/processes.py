"""Groups of real processes for tests: forked from a server that has imported torch once."""

import multiprocessing
import os
import socket
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess

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
