"""Positive laws that are not log-normal, with their Hyvarinen scores (torch; claim R25).

| law | x d/dx log p(x) |
| --- | --- |
| `Gamma(shape, rate)` | shape - 1 - rate x |
| `InverseGamma(shape, scale)` | -shape - 1 + scale / x |
| `Weibull(shape, scale)` | shape - 1 - shape (x / scale)^shape |
| `BetaPrime(a, b, scale)` | a - 1 - (a + b) x / (scale + x) |

Coordinates are independent; parameters are numbers or tensors (d,), positive and finite, kept in
the dtype and on the device of the tensors among them (float64 on the CPU if there is none). These
laws are not closed under geometric Brownian motion and have no `diffuse`; `gbm_fast.gamma_noise`
diffuses `InverseGamma` by multiplicative gamma noise, which makes it a `BetaPrime`. Shapes: x
(..., d); scores (..., d); `logpdf` and `cdf` (...), the latter for d = 1. All raise ValueError for
an x that is not positive and finite or not (..., d), and the laws for parameters outside their
domain. Draws come from a `torch.Generator` on its device; those beyond the range of the dtype are
moved to its ends, so that they are positive and finite.
"""

from gbm_fast.laws.base import ProductLaw, standard_gamma
from gbm_fast.laws.standard import BetaPrime, Gamma, InverseGamma, Weibull

__all__ = ["BetaPrime", "Gamma", "InverseGamma", "ProductLaw", "Weibull", "standard_gamma"]
