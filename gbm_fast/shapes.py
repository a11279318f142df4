"""Shapes: one number a sample against a batch of events; and the state of torch round a product.

`exact_arithmetic` and `lasting` keep the caller's autocast and inference mode out of what is
computed, or kept, here: a learned network alone is meant to see the former.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.autograd.forward_ad import unpack_dual

from gbm_fast.checks import has_values


def exact_arithmetic(x: Tensor) -> AbstractContextManager:
    """Products of tensors like `x` in their own dtype: an autocast in force would round them."""
    device = x.device.type
    if device == "meta" or not torch.is_autocast_enabled(device):
        return nullcontext()
    return torch.autocast(device, enabled=False)


def lasting() -> AbstractContextManager:
    """For tensors that outlive the call: autograd would refuse those made in inference mode."""
    if torch.compiler.is_compiling() or not torch.is_inference_mode_enabled():
        return nullcontext()
    return _out_of_inference_mode()


@contextmanager
def _out_of_inference_mode() -> Iterator[None]:
    with torch.inference_mode(False), torch.no_grad():
        yield


def owned(x: Tensor) -> Tensor:
    """A copy of `x`, for a law to keep: in the graph of `x`, where gradients are recorded."""
    with lasting():
        return x.clone()


def differentiated(x: Tensor) -> bool:
    """Whether a derivative in `x` may be asked for, backwards or forwards, or `x` is a batch.

    Of nested transforms of torch.func only the innermost can be asked, so that all count.
    """
    if x.requires_grad or torch.compiler.is_compiling():
        return x.requires_grad
    if is_functorch_wrapped_tensor(x):
        return True
    return unpack_dual(x).tangent is not None


def tracked(x: Tensor) -> Tensor:
    """`x`, whose derivatives autograd then takes; ValueError where torch.func takes its own."""
    if x.requires_grad:
        return x
    try:
        return x.requires_grad_()
    except RuntimeError:
        raise ValueError(
            "this is differentiated by torch.autograd, which torch.func does not let in: use a "
            "closed form (exact_divergence, the score of a law), or torch.autograd outside, with "
            "create_graph=True."
        ) from None


def expand_like(value: Tensor, x: Tensor) -> Tensor:
    """`value`, 0-d or (batch,), reshaped to broadcast against `x` (batch, *event).

    With one number for each coordinate it is (1, d) or (batch, d), d the elements of an event.
    Raises ValueError where `value` has another shape.
    """
    if value.ndim == 0:
        return value
    if value.ndim == 2 and x.ndim > 1:
        if value.shape[0] not in (1, x.shape[0]) or value.shape[1] != x.shape[1:].numel():
            raise ValueError(
                f"the process has rates for {value.shape[1]} coordinates, and x has the shape "
                f"{tuple(x.shape)}: an event must have as many elements."
            )
        return value.reshape(-1, *x.shape[1:])
    if value.ndim != 1 or x.ndim == 0 or value.shape[0] != x.shape[0]:
        raise ValueError(
            f"expected a scalar or one value a sample, shape ({x.shape[0] if x.ndim else 1},), "
            f"got shape {tuple(value.shape)}."
        )
    return value.reshape(-1, *[1] * (x.ndim - 1))


def schedule_like(value: Tensor, x: Tensor) -> Tensor:
    """`value`, 0-d, (batch,) or (1 or batch, d), as a factor for `x`: in its dtype, to broadcast.

    The schedule is computed in its own precision first, so that a float32 state does not make it
    lose digits, and a float64 schedule does not promote a float32 state. A 0-d value on the CPU
    stays there: every device takes it as the argument of a kernel, without a copy to wait for.
    """
    if value.ndim == 0 and value.device.type == "cpu":
        return value.to(x.dtype)
    return expand_like(value, x).to(dtype=x.dtype, device=x.device)


def add_scaled(total: Tensor, factor: Tensor, term: Tensor, reuse: bool = False) -> Tensor:
    """total + factor * term for a factor 0-d or (batch,): in one pass where it is one number.

    With `reuse` the result may take the memory of `total`, of its shape, where no gradients are
    recorded.
    """
    if not is_number(factor):
        return total + schedule_like(factor, term) * term
    alpha = factor.item()
    if reuse and may_overwrite(total, term):
        return total.add_(term, alpha=alpha)
    return torch.add(total, term, alpha=alpha)


def product(temporary: Tensor, factor: Tensor) -> Tensor:
    """temporary * factor, of the shape of `temporary`, in its memory where that may be.

    New memory is out of cache once a network has been at work, and costs more than the product.
    """
    may = may_overwrite(temporary, factor)
    return temporary.mul_(factor) if may else temporary * factor


def may_overwrite(*tensors: Tensor) -> bool:
    """Whether a temporary among these may be overwritten by a function of all of them.

    Not where gradients are recorded, code is compiled, or torch.func transforms a function.
    """
    return not torch.is_grad_enabled() and not any(
        is_functorch_wrapped_tensor(t) or not has_values(t) for t in tensors
    )


def times_exp(x: Tensor, exponent: Tensor) -> Tensor:
    """x exp(exponent), in two factors: exp(exponent) alone loses digits where it is denormal."""
    half = (exponent / 2).exp()
    return x * half * half


def is_number(schedule: Tensor) -> bool:
    """Whether a schedule is one number, known without a wait and not differentiated."""
    on_cpu = schedule.ndim == 0 and schedule.device.type == "cpu"
    return on_cpu and not schedule.requires_grad and has_values(schedule)
