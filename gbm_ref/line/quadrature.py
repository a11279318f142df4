"""Averages over laws of log X on the line, by two rules that share no nodes.

The line is cut at multiples of 1.5 standard deviations round every component, to 12 of them, and
Gauss-Legendre rules of 16 and of 21 nodes are used on every part. They share no node (the middle
of a part is one of the second alone), so that their difference does not vanish because both saw
the same values.
"""

from collections.abc import Callable

import numpy as np

from gbm_ref._checks import Array
from gbm_ref._components import components
from gbm_ref.sign_agnostic_law import Average
from gbm_ref.targets import Target

# Orders of the coarser and of the finer rule.
_ORDERS = (16, 21)
_RULES = tuple(np.polynomial.legendre.leggauss(order) for order in _ORDERS)
_CUTS = np.linspace(-12.0, 12.0, 17)
Function = Callable[[Array], Array]


def require_line(target: Target, what: str) -> None:
    """Raise ValueError unless the law has d = 1."""
    if target.d != 1:
        raise ValueError(f"{what} is by quadrature on the line: d = 1, not {target.d}.")


def average(function: Function, law: Target) -> Average:
    """E f(log X) for a mixture on the line with a density; f of an array of y = log x."""
    parts = components(law)
    stds = np.sqrt(np.broadcast_to(parts.variances, parts.means.shape))
    cuts = np.unique(parts.means + stds * _CUTS)

    def integrand(y: Array) -> Array:
        return np.asarray(np.exp(law.logpdf(np.exp(y)[:, None]) + y) * function(y))

    return integral(integrand, cuts)


def integral(function: Function, cuts: Array) -> Average:
    """The integral over [cuts[0], cuts[-1]] in parts, and the difference of the two rules."""
    middle, half = (cuts[1:] + cuts[:-1]) / 2.0, (cuts[1:] - cuts[:-1]) / 2.0
    values, size = [], 0.0
    for nodes, weights in _RULES:
        y = (middle[:, None] + half[:, None] * nodes).ravel()
        terms = (half[:, None] * weights).ravel() * function(y)
        values.append(float(np.sum(terms)))
        size = float(np.sum(np.abs(terms)))
    if not np.isfinite(values[1]):
        raise ValueError("an average is not finite: the function grows too fast for this law.")
    return Average(values[1], abs(values[1] - values[0]) + 2.0**-50 * size)
