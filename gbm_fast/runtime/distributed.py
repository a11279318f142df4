"""Several processes that work as one: who they are, what they share, and who writes.

One process a device, started by `torchrun`, which describes the group in environment variables.
Without it there is one process, of rank 0, and everything here is a no-op, so that callers need no
second code path. Only process 0 prints and writes files.

The work of n items is shared by position (`shard`), never padded with repetitions; `gather` puts
the parts together again in the order of the items, and counts them. Plain text is the one thing
besides tensors that is sent, so nothing is unpickled.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

_ERRORS: dict[str, type[Exception]] = {
    kind.__name__: kind for kind in (ValueError, OSError, FloatingPointError, MemoryError)
}


class World(NamedTuple):
    """The number of this process, 0 <= rank < size, and how many there are."""

    rank: int
    size: int


def world() -> World:
    """This process among those of the group; (0, 1) where there is no group."""
    if dist.is_available() and dist.is_initialized():
        return World(dist.get_rank(), dist.get_world_size())
    return World(0, 1)


def is_main() -> bool:
    """Whether this is process 0, which alone prints and writes."""
    return world().rank == 0


def launched() -> bool:
    """Whether `torchrun`, or another launcher with its variables, started this process."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def _number(name: str, below: int, default: str | None = None) -> int:
    """The launcher's variable `name`, in [0, below); ValueError where it is anything else."""
    text = os.environ.get(name, default)
    if text is None or not (text.isascii() and text.isdigit()) or int(text) >= below:
        raise ValueError(
            f"the environment variable {name} must be a whole number below {below} where RANK and "
            f"WORLD_SIZE are set, got {text!r}: start the processes with torchrun, or unset "
            "RANK and WORLD_SIZE for one process."
        )
    return int(text)


def local_rank() -> int:
    """The number of this process on its machine, which is the number of its GPU.

    Raises ValueError where the launcher's variable is no such number.
    """
    return _number("LOCAL_RANK", 2**31, "0")


def _require_described() -> None:
    """Raise ValueError unless the launcher's variables describe a group."""
    size = _number("WORLD_SIZE", 2**31)
    if size == 0:
        raise ValueError("the environment variable WORLD_SIZE is 0: it must be 1 or more.")
    _number("RANK", size)
    local_rank()
    if "MASTER_PORT" in os.environ:  # torch says it where one of these two is not there at all
        _number("MASTER_PORT", 2**16)
    if os.environ.get("MASTER_ADDR") == "":
        raise ValueError(
            "the environment variable MASTER_ADDR is empty, and RANK and WORLD_SIZE are set: "
            "start the processes with torchrun, or unset both for one process."
        )


def uses_cuda(device: str) -> bool:
    """Whether a command that was given `device` works on GPUs; looks at none of them.

    device: "auto", or a name of torch's.

    Raises ValueError for the number of a GPU under a launcher, which gives each process its own.
    """
    if launched() and device.startswith("cuda:"):
        raise ValueError(f"under torchrun each process has its own GPU: cuda, not {device}.")
    return torch.cuda.is_available() and (device == "auto" or device.startswith("cuda"))


@contextmanager
def process_group(use_cuda: bool, timeout_minutes: float) -> Iterator[World]:
    """The group that the launcher describes, for the body of a `with`; destroyed at its end.

    use_cuda: NCCL, and this process's GPU as the current one; otherwise gloo.
    timeout_minutes: how long a process may wait for the others before all of them fail.

    Without a launcher there is no group, and the world is one process. A group of several machines
    that torchrun may start again from a store with the addresses of dead processes says so, in
    process 0. Raises ValueError for more processes on this machine than it has GPUs, and for
    variables that describe no group; ConnectionError where the processes do not find each other.
    """
    if not launched():
        yield World(0, 1)
        return
    _require_described()
    if use_cuda:
        if local_rank() >= torch.cuda.device_count():
            raise ValueError(
                f"process {local_rank()} of this machine finds only {torch.cuda.device_count()} "
                "GPUs: start one process a GPU (--nproc-per-node)."
            )
        torch.cuda.set_device(local_rank())
    timeout = timedelta(minutes=timeout_minutes)
    try:
        store, rank, size = _store_of_this_attempt(timeout)
        backend = "nccl" if use_cuda else "gloo"
        dist.init_process_group(backend, timeout=timeout, store=store, rank=rank, world_size=size)
    except RuntimeError as error:
        place = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
        raise ConnectionError(
            f"the processes do not find each other at {place} (MASTER_ADDR, MASTER_PORT): {error}"
        ) from error
    try:
        yield world()
    finally:
        dist.destroy_process_group()


def _store_of_this_attempt(timeout: timedelta) -> tuple[Any, int, int]:
    """Where the processes leave their addresses for each other, this one's rank, and their number.

    torchrun keeps one store for all its attempts (PyTorch's issue 135712), so that processes that
    it has started again may find the addresses of those that died. On one machine its count of
    restarts tells the attempts apart; on several each machine counts by itself. (None, -1, -1),
    which leaves all three to torch, wherever the count is of no use. Any stands for torch's Store,
    whose types it does not export.
    """
    shared = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    if not shared or os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") == "0":
        return None, -1, -1
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if os.environ.get("GROUP_WORLD_SIZE") != "1":
        if rank == 0:
            print(
                "warning: processes that torchrun starts again on several machines may not find "
                "each other: set TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 for torchrun on each.",
                file=sys.stderr,
            )
        return None, -1, -1
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    torchruns = dist.TCPStore(  # type: ignore[attr-defined]
        address, port, size, is_master=False, timeout=timeout
    )
    prefix = f"attempt {os.environ['TORCHELASTIC_RESTART_COUNT']}"
    return dist.PrefixStore(prefix, torchruns), rank, size  # type: ignore[attr-defined]


def transport() -> torch.device:
    """Where tensors have to be for the group to send them: the current GPU for NCCL."""
    if world().size > 1 and dist.get_backend() == "nccl":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def shard(count: int) -> range:
    """The items of 0..count-1 that this process works on: a run of neighbours, sizes within 1."""
    rank, size = world()
    return range(count * rank // size, count * (rank + 1) // size)


def gather(part: Tensor, count: int) -> Tensor:
    """The rows of all processes in the order of the items, (count, ...), on every process.

    part: the rows of this process's `shard(count)`, in its order, on the CPU.

    Raises ValueError where the part has not one row an item.
    """
    if len(part) != len(shard(count)):
        raise ValueError(f"expected {len(shard(count))} rows of {count}, got {len(part)}.")
    if world().size == 1:
        return part
    total = torch.zeros((count, *part.shape[1:]), dtype=part.dtype, device=transport())
    mine = shard(count)
    total[mine.start : mine.stop] = part.to(total.device)
    # Each row has one process with a value and zeros elsewhere: the sum is exact.
    dist.all_reduce(total)
    return total.to(part.device)


def all_sum(values: Tensor) -> Tensor:
    """The sum of `values` over the processes, of their dtype and device; not in place."""
    if world().size == 1:
        return values
    total = values.detach().to(transport(), copy=True)
    dist.all_reduce(total)
    return total.to(values.device)


def barrier() -> None:
    """Wait for all processes."""
    all_sum(torch.zeros(1))


def send_tensor(value: Tensor | None, dtype: torch.dtype, shape: tuple[int, ...]) -> Tensor:
    """Process 0's `value`, of this dtype and shape, on every process, on the CPU."""
    if world().size == 1 and value is not None:
        return value
    sent = torch.empty(shape, dtype=dtype) if value is None else value.contiguous()
    sent = sent.to(transport())
    dist.broadcast(sent, 0)
    return sent.cpu()


def _send_text(text: str) -> str:
    # One more character than the text, since an empty tensor cannot be made from bytes.
    content = torch.frombuffer(bytearray(f"{text}.".encode()), dtype=torch.uint8)
    (length,) = send_tensor(torch.tensor([len(content)]), torch.int64, (1,)).tolist()
    value = content if is_main() else None
    return bytes(send_tensor(value, torch.uint8, (length,)).tolist()).decode()[:-1]


def from_main(action: Callable[[], str | None]) -> str:
    """The text that `action` returns in process 0, on every process; the others do not call it.

    What it raises there (ValueError, OSError, FloatingPointError, MemoryError) is raised on all
    of them, so that none waits for a process that has failed.
    """
    if world().size == 1:
        return action() or ""
    kind, text = "", ""
    caught: Exception | None = None
    if is_main():
        try:
            text = action() or ""
        except tuple(_ERRORS.values()) as error:
            caught = error
            kind = next(name for name, known in _ERRORS.items() if isinstance(error, known))
            text = str(error)
    kind, text = _send_text(kind), _send_text(text)
    if caught is not None:
        raise caught
    if kind:
        raise _ERRORS[kind](text)
    return text
