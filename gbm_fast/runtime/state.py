"""What a caller has set in torch for its own code stays out of ours, and is as it was afterwards.

A default dtype, autocast, `no_grad` or `inference_mode` round a call of ours would change numbers,
or fail in the middle; and torch's global random numbers are the caller's.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def callers_state_aside() -> Iterator[None]:
    """For the body of a `with`, or a function: torch as it is when it has just been imported.

    Gradients are recorded, autocast is off, the default dtype is float32 and the default device
    the CPU. At the end all of that is the caller's again, the global random numbers of torch too.
    """
    dtype = torch.get_default_dtype()
    gpus = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                # Copies of weights would outlive the steps that change them.
                stack.enter_context(torch.autocast(device, enabled=False, cache_enabled=False))
        if torch.get_default_device().type != "cpu":  # entering costs time at every call of torch
            stack.enter_context(torch.device("cpu"))
        stack.enter_context(torch.random.fork_rng(devices=gpus))
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
