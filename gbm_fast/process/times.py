"""Times of a process: their form, their range, and the ends of steps.

A time is a number, or a tensor: 0-d, or (batch,) for one time a sample. All arithmetic is in
float64. `horizon` is the last time T; up to 1e-12 of it is forgiven as rounding at either end of
[0, T] and then removed, so that a step that should land on the data has s = 0 and not 1e-17.
"""

import torch
from torch import Tensor

from gbm_fast.checks import has_values, real_number, require_tensor

Time = float | Tensor
TOLERANCE = 1e-12


def float64(value: Time) -> Tensor:
    """As a float64 tensor; on a device that has no float64 (MPS) it is moved to the CPU."""
    if not isinstance(value, Tensor):
        number = real_number(value, "a time or factor")
        return torch.tensor(number, dtype=torch.float64, device="cpu")
    require_tensor(value, "a time or factor")
    return (value.cpu() if value.device.type == "mps" else value).to(torch.float64)


def time_in_range(t: Time, horizon: float) -> Tensor:
    """`t` in float64, cut to [0, horizon]; ValueError where it is outside by more than rounding.

    A number is checked as one, so it costs no tensor operation.
    """
    slack = TOLERANCE * horizon
    if not isinstance(t, Tensor):
        number = real_number(t, "t")
        inside = -slack <= number <= horizon + slack
        time = float64(min(max(number, 0.0), horizon))
    else:
        time = float64(t)
        inside = time.ndim <= 1 and (
            not has_values(time) or bool(((time >= -slack) & (time <= horizon + slack)).all())
        )
        time = time.clamp(0, horizon)
    if not inside:
        raise ValueError(
            f"t must be a number or a tensor (batch,) within [0, {horizon}], got {_shown(t)}."
        )
    return time


def end_of_step(t: Time, dt: Time, horizon: float) -> tuple[Tensor, Tensor, Tensor]:
    """(t, s, length) of a step to s = t - dt, in float64; length is t where s is rounded to 0.

    Raises ValueError unless 0 <= dt <= t <= horizon.
    """
    start, length = time_in_range(t, horizon), float64(dt)
    smallest = TOLERANCE * horizon
    end = start - length
    if has_values(end) and not bool(((length >= 0) & (end >= -smallest)).all()):
        raise ValueError(
            f"a step must have 0 <= dt <= t, got t = {_shown(t)}, dt = {_shown(dt)}: it would "
            f"leave [0, {horizon}]. Shorten the step."
        )
    at_zero = end.abs() <= smallest
    zero = torch.zeros_like(end)
    return start, torch.where(at_zero, zero, end), torch.where(at_zero, start, length)


def _shown(time: Time) -> str:
    """For a message: the values of a few times, the range of many."""
    if not isinstance(time, Tensor):
        return str(time)
    if time.numel() <= 4:
        return str(time.tolist())
    return f"shape {tuple(time.shape)}, values in [{time.min()}, {time.max()}]"
