"""What a network could reach on a GPU at best: an estimate on paper, nothing of it measured.

Every operation of one training step is traced on the meta device, where it costs nothing, with
its floating-point operations (torch's own counters) and the bytes of its tensors, in and out. Its
least time is the longer of operations / peak and bytes / bandwidth; times add up, since kernels
run one after another. Operations that move no data (views) are left out. Fusing pointwise
operations, as torch.compile does, keeps of the bytes those of products and of normalisations:
the second estimate.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


class GPU(NamedTuple):
    """A data sheet: FLOP/s of dense bfloat16, bytes/s of memory, bytes/s one way between GPUs."""

    name: str
    peak: float
    bandwidth: float
    link: float


# NVIDIA's data sheet of the H100 SXM: 1,979 TFLOP/s with sparsity, half of it dense; 3.35 TB/s;
# NVLink 900 GB/s both ways together.
H100 = GPU("H100 SXM", 989.4e12, 3.35e12, 450e9)
# These move data that a fusing compiler would have to move as well.
_UNFUSED = ("convolution", "mm", "addmm", "bmm", "native_group_norm", "attention")


class Operation(NamedTuple):
    """One kernel: floating-point operations, bytes in and out, whether it would be fused away."""

    flops: float
    moved: float
    fused: bool


class Trace(TorchDispatchMode):
    """Collects the operations of what runs inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: tuple,
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        """Run the operation, and note it unless its result is a view."""
        given = kwargs or {}
        result = func(*args, **given)
        name = func.overloadpacket._qualified_op_name.removeprefix("aten::")
        if not func.is_view:
            tensors = [t for t in tree_leaves((args, given, result)) if isinstance(t, Tensor)]
            counter = flop_registry.get(func.overloadpacket)
            flops = counter(*args, **given, out_val=result) if counter else 0
            moved = float(sum(t.numel() * t.element_size() for t in tensors))
            fused = not any(part in name for part in _UNFUSED)
            self.operations.append(Operation(float(flops), moved, fused))
        return result


class Bounds(NamedTuple):
    """Of one training step of a batch: operations, bytes, kernels, and least seconds on a GPU.

    `compute_seconds` are those of the products alone, `eager_seconds` of every kernel as it is,
    `fused_seconds` with pointwise kernels fused into their neighbours.
    """

    flops: float
    moved: float
    kernels: int
    compute_seconds: float
    eager_seconds: float
    fused_seconds: float


def training_bounds(network: nn.Module, x: Tensor, condition: Tensor, gpu: GPU) -> Bounds:
    """Forward and backward pass in bfloat16; `network` and tensors on the meta device."""
    network = network.to(torch.bfloat16)
    with Trace() as trace:
        network(x.to(torch.bfloat16), condition.to(torch.bfloat16)).sum().backward()
    operations = trace.operations
    flops = sum(o.flops for o in operations)
    fused = [Operation(o.flops, 0.0 if o.fused else o.moved, o.fused) for o in operations]
    moved = sum(o.moved for o in operations)
    seconds = flops / gpu.peak, _least(operations, gpu), _least(fused, gpu)
    return Bounds(flops, moved, len(operations), *seconds)


def _least(operations: list[Operation], gpu: GPU) -> float:
    return sum(max(o.flops / gpu.peak, o.moved / gpu.bandwidth) for o in operations)


def optimiser_seconds(parameters: int, gpu: GPU) -> float:
    """AdamW and the moving average in float32: 4 tensors read, 4 written, the gradient read."""
    return parameters * 4 * 9 / gpu.bandwidth


def all_reduce_seconds(parameters: int, gpus: int, gpu: GPU) -> float:
    """A ring's 2 (n - 1) / n of the float32 gradients each way through every GPU's links."""
    return 2 * (gpus - 1) / gpus * parameters * 4 / gpu.link
