"""Which device computes, and in which arithmetic."""

import torch


def choose_device(name: str) -> torch.device:
    """The device called `name`; auto is a GPU where there is one, else the CPU.

    Raises ValueError for one that is not there, or cannot compute (`meta`).
    """
    if name != "auto":
        try:
            probe = torch.ones(2, device=name)
            assert float(probe.sum()) == 2, "it does not compute"
            return probe.device
        except (RuntimeError, AssertionError, ImportError) as error:
            raise ValueError(f"device {name!r} cannot be used here: {error}") from error
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def choose_autocast(precision: str, device: torch.device) -> torch.dtype | None:
    """The half-precision type of the network's arithmetic, or None for that of its weights.

    auto takes bfloat16 where the hardware multiplies it natively, else None.

    On CPUs that means AMX tiles: AVX-512 alone emulates bfloat16 and is slower than float32.
    """
    fixed = {"bfloat16": torch.bfloat16, "float16": torch.float16}
    if precision != "auto":
        return fixed.get(precision)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else None
    # The only query that torch has for this; private, so its absence means "no".
    query = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return torch.bfloat16 if device.type == "cpu" and query is not None and query() else None
