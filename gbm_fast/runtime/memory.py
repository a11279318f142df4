"""How much memory this process may use: what the machine has and the limits that were set on it.

Not what is free at the moment: a training that is resumed is to take the rounds that it took.
"""

import math
import os
import resource
from pathlib import Path

import torch

_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_limit(device: torch.device) -> float:
    """Bytes that this process may use on a device, of which its neighbours have as much."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[1])
    neighbours = os.environ.get("LOCAL_WORLD_SIZE", "1")
    shared = max(1, int(neighbours) if neighbours.isdigit() else 1)
    total = min(_physical(), *(_cgroup(Path(path)) for path in _CGROUPS)) / shared
    return max(1.0, min(total, _address_space()))


def _physical() -> float:
    """The machine's memory; infinite where the system does not say it."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError):
        return math.inf


def _cgroup(path: Path) -> float:
    try:
        return float(path.read_text())
    except (OSError, ValueError):  # no such limit, or the word "max"
        return math.inf


def _address_space() -> float:
    """What `ulimit -v` leaves beside what the process has taken for its libraries."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return math.inf
    try:
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        taken = 0
    return float(limit - taken)
