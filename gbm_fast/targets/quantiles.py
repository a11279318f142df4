"""Means, variances and quantiles of mixtures of log-normal laws, and quantiles by search (torch).

Quantiles are found in float64 and carry no gradient.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from gbm_fast.checks import has_values, real_tensor, require_tensor, whole_number

Coordinates = int | Sequence[int] | Tensor
# Doublings until a bracket spans every float64 exponent, and halvings until two neighbours remain.
_DOUBLINGS, _HALVINGS = 12, 1100


def probabilities(q: Tensor | float) -> Tensor:
    """`q` in float64, once it is known to lie in [0, 1]."""
    values = real_tensor(q, "q").detach().double()
    if has_values(values) and not bool(((values >= 0) & (values <= 1)).all()):
        raise ValueError("q must lie in [0, 1]: it holds probabilities.")
    return values


def coordinates(chosen: Coordinates, d: int) -> list[int]:
    """The indices of a marginal, from one or several; ValueError for none, twice or outside."""
    if isinstance(chosen, Tensor):
        require_tensor(chosen, "coordinates")
        given = chosen.reshape(-1).tolist()
    else:
        given = list(chosen) if isinstance(chosen, Sequence) else [chosen]
    found = [whole_number(one, "an entry of coordinates", 0) for one in given]
    if not found or len(set(found)) < len(found) or max(found) >= d:
        raise ValueError(
            f"coordinates must be different indices in 0..{d - 1}, at least one, got {found}."
        )
    return found


def mean_and_var(weights: Tensor, means: Tensor, variances: Tensor) -> tuple[Tensor, Tensor]:
    """E[X] and Var[X], (d,), of log X_i ~ sum_j w_j N(means_ji, variances_ji).

        E = sum_j w_j e_j,  Var = sum_j w_j (g_j^2 (1 - exp(-variances_j)) + (e_j - E)^2)

    with e_j = exp(means_j + variances_j / 2) and g_j = exp(means_j + variances_j); infinite beyond
    the range of the dtype.
    """
    each = (means + variances / 2).exp()
    mean = (weights[:, None] * each).sum(0)
    spread = -(-variances).expm1() * (means + variances).exp().square()
    var = (weights[:, None] * (spread + (each - mean).square())).sum(0)
    return mean, torch.where(var.isnan(), torch.full_like(var, torch.inf), var)


def mixture_quantile(
    q: Tensor | float,
    weights: Tensor,
    means: Tensor,
    stds: Tensor,
    cdf: Callable[[Tensor], Tensor],
) -> Tensor:
    """The smallest y with P(log X <= y) >= q, of the shape of q; -inf at 0, inf at 1 if spread.

    It lies between the least and the greatest quantile of the components, and is searched for
    between these by bisection, down to two neighbouring numbers. All in float64.
    """
    levels = probabilities(q).to(means.device)
    inner = _inside(levels)
    each = means + stds * torch.special.ndtri(inner)[..., None]
    found = _bisected(cdf, inner, each.amin(-1), each.amax(-1))
    top = torch.inf if bool((stds > 0).any()) else float(means.max())
    return _with_ends(levels, found, top)


def searched_quantile(q: Tensor | float, cdf: Callable[[Tensor], Tensor]) -> Tensor:
    """The smallest y with cdf(y) >= q, for any distribution function of y = log X."""
    levels = probabilities(q)
    inner = _inside(levels)
    low, high = torch.full_like(inner, -1.0), torch.full_like(inner, 1.0)
    for _ in range(_DOUBLINGS):
        low = torch.where(cdf(low) >= inner, 2 * low, low).clamp(min=-700)
        high = torch.where(cdf(high) < inner, 2 * high, high).clamp(max=700)
    return _with_ends(levels, _bisected(cdf, inner, low, high), torch.inf)


def staircase(q: Tensor | float, points: Tensor) -> Tensor:
    """The quantiles of equally likely points (n, 1): q (...) to (..., 1), 0 at q = 0."""
    levels, n = probabilities(q).to(points.device), len(points)
    steps = torch.arange(1, n + 1, dtype=torch.float64, device=points.device) / n
    place = torch.searchsorted(steps, levels).clamp(max=n - 1)
    found = points[:, 0].sort().values[place]
    return torch.where(levels == 0, torch.zeros_like(found), found)[..., None]


def by_scipy(function: Callable[..., np.ndarray], *parts: Tensor) -> Tensor:
    """A function of SciPy that torch has not, computed on the CPU in float64."""
    arrays = [part.detach().double().cpu().numpy() for part in parts]
    with np.errstate(all="ignore"):
        return torch.from_numpy(np.asarray(function(*arrays)))


def _inside(levels: Tensor) -> Tensor:
    inside = (levels > 0) & (levels < 1)
    return torch.where(inside, levels, torch.full_like(levels, 0.5))


def _with_ends(levels: Tensor, found: Tensor, top: float) -> Tensor:
    low = torch.where(levels == 0, torch.full_like(found, -torch.inf), found)
    return torch.where(levels == 1, torch.full_like(found, top), low)


def _bisected(
    cdf: Callable[[Tensor], Tensor], levels: Tensor, low: Tensor, high: Tensor
) -> Tensor:
    """The upper one of two neighbouring numbers in [low, high] between which cdf reaches q."""
    low = torch.nextafter(low, torch.full_like(low, -torch.inf))
    for _ in range(_HALVINGS):
        middle = low / 2 + high / 2
        if bool(((middle <= low) | (middle >= high)).all()):
            break
        below = cdf(middle) < levels
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return high
