"""Means, variances and quantiles of mixtures of log-normal laws, and quantiles by search."""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from gbm_ref import _checks
from gbm_ref._checks import Array, Values

# Doublings until a bracket spans every float64 exponent, and halvings until two neighbours remain.
_DOUBLINGS, _HALVINGS = 12, 1100


def probabilities(q: Values) -> Array:
    """`q` in float64, once it is known to lie in [0, 1]."""
    values = _checks.finite_array(q, "q")
    if ((values < 0.0) | (values > 1.0)).any():
        raise ValueError("q must lie in [0, 1]: it holds probabilities.")
    return values


def coordinates(chosen: int | Values, d: int) -> list[int]:
    """The indices of a marginal, from one or several; ValueError for none, twice or outside."""
    given = np.atleast_1d(_checks.finite_array(chosen, "coordinates"))
    found = [int(i) for i in given.flat]
    if given.ndim != 1 or not found or (given != np.round(given)).any():
        raise ValueError(f"coordinates must be one index or a list of them, got {chosen}.")
    if len(set(found)) < len(found) or min(found) < 0 or max(found) >= d:
        raise ValueError(f"coordinates must be different and in 0..{d - 1}, got {found}.")
    return found


def mean_and_var(weights: Array, means: Array, variances: Array) -> tuple[Array, Array]:
    """E[X] and Var[X], (d,), of log X_i ~ sum_j w_j N(means_ji, variances_ji).

        E = sum_j w_j e_j,  Var = sum_j w_j (g_j^2 (1 - exp(-variances_j)) + (e_j - E)^2)

    with e_j = exp(means_j + variances_j / 2) and g_j = exp(means_j + variances_j), which leaves
    the range of float64 only where the standard deviation does; infinite beyond that range.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        each = np.exp(means + variances / 2.0)
        mean = weights @ each
        within = -np.expm1(-variances) * np.exp(means + variances) ** 2
        var = weights @ (within + (each - mean) ** 2)
    return mean, np.where(np.isnan(var), np.inf, var)


def mixture_quantile(
    q: Values, weights: Array, means: Array, stds: Array, cdf: Callable[[Array], Array]
) -> Array:
    """The smallest y with P(log X <= y) >= q, of the shape of q; -inf at 0, inf at 1 if spread.

    It lies between the least and the greatest quantile of the components, and is searched for
    between these by bisection, down to two neighbouring numbers.
    """
    levels = probabilities(q)
    inner = np.asarray(np.where((levels > 0.0) & (levels < 1.0), levels, 0.5))
    each = means + stds * ndtri(inner)[..., None]
    ends = np.asarray(each.min(axis=-1)), np.asarray(each.max(axis=-1))
    found = bisected(cdf, inner, *ends)
    top = np.inf if (stds > 0.0).any() else means.max()
    return np.select([levels == 0.0, levels == 1.0], [-np.inf, top], found)


def staircase(q: Values, points: Array) -> Array:
    """The quantiles of equally likely points (n, 1): q (...) to (..., 1), 0 at q = 0."""
    levels, n = probabilities(q), points.shape[0]
    place = np.searchsorted(np.arange(1, n + 1) / n, levels)
    return np.where(levels == 0.0, 0.0, np.sort(points[:, 0])[np.minimum(place, n - 1)])[..., None]


def searched_quantile(q: Values, cdf: Callable[[Array], Array]) -> Array:
    """The smallest y with cdf(y) >= q, for any distribution function of y = log X."""
    levels = probabilities(q)
    inner = np.asarray(np.where((levels > 0.0) & (levels < 1.0), levels, 0.5))
    low, high = np.full_like(inner, -1.0), np.full_like(inner, 1.0)
    for _ in range(_DOUBLINGS):
        low = np.where(cdf(low) >= inner, 2.0 * low, low)
        high = np.where(cdf(high) < inner, 2.0 * high, high)
        low, high = np.maximum(low, -700.0), np.minimum(high, 700.0)
    found = bisected(cdf, inner, low, high)
    return np.select([levels == 0.0, levels == 1.0], [-np.inf, np.inf], found)


def bisected(cdf: Callable[[Array], Array], levels: Array, low: Array, high: Array) -> Array:
    """The upper one of two neighbouring numbers in [low, high] between which cdf reaches q."""
    low = np.asarray(np.nextafter(low, -np.inf))
    for _ in range(_HALVINGS):
        middle = np.asarray(low / 2.0 + high / 2.0)
        if ((middle <= low) | (middle >= high)).all():
            break
        below = cdf(middle) < levels
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(high)
