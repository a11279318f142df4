"""Images a second of networks, by batch, number format, memory layout and threads."""

import itertools
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn


class Point(NamedTuple):
    """What is measured: a network of `build` on batches of a shape, in an arithmetic."""

    network: str
    build: Callable[[], nn.Module]
    event: tuple[int, int, int]
    batch: int
    dtype: str
    layout: str
    threads: int


class Rate(NamedTuple):
    """Images a second of processor time (all threads together) and of the clock; best of two."""

    forward: float
    forward_clock: float
    training: float
    training_clock: float


LAYOUTS = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}


def points(
    network: str,
    build: Callable[[], nn.Module],
    event: tuple[int, int, int],
    batches: tuple[int, ...],
    threads: tuple[int, ...],
) -> list[Point]:
    """Every combination for one network."""
    product = itertools.product(batches, ("float32", "bfloat16"), LAYOUTS, threads)
    return [Point(network, build, event, *rest) for rest in product]


def measure(point: Point) -> Rate:
    """The rates of one point; the number of threads is put back."""
    torch.manual_seed(0)
    network = point.build().to(memory_format=LAYOUTS[point.layout])
    x, condition = torch.randn(point.batch, *point.event), torch.zeros(point.batch)
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=point.dtype == "bfloat16")

    def forward() -> None:
        with torch.no_grad(), autocast:
            network(x, condition)

    def training() -> None:
        network.zero_grad(set_to_none=True)
        with autocast:
            output = network(x, condition)
        output.float().square().mean().backward()

    before = torch.get_num_threads()
    torch.set_num_threads(point.threads)
    try:
        network.train()
        trained = _best(training)
        network.eval()
        run = _best(forward)
    finally:
        torch.set_num_threads(before)
    return Rate(*(point.batch / seconds for seconds in (*run, *trained)))


def _best(action: Callable[[], None]) -> tuple[float, float]:
    """The least processor and clock seconds of two runs, after one that warms up."""
    action()
    spent = []
    for _ in range(2):
        started = time.process_time(), time.perf_counter()
        action()
        spent.append((time.process_time() - started[0], time.perf_counter() - started[1]))
    return min(cpu for cpu, _ in spent), min(clock for _, clock in spent)
