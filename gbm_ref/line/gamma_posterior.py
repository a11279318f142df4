"""The posterior of X_0 under gamma noise on the line, by quadrature (claim `R24-posterior`).

    X = X_0 G,   G ~ Gamma(L, rate L):   log p(log X_0 = y | x) = log p_data(e^y) + y
                                             - L (e^r - 1 - r) + constant,   r = log x - y

For inverse-gamma data it is `gbm_ref.gamma_noise.gamma_posterior`; for gamma data it is a
generalised inverse Gaussian law, whose moments are quotients of Bessel functions; for log-normal
data it has no name. For all these, Weibull and beta prime data this density is log-concave in y,
so that it has one mode, and falls on both sides of it. The line is cut where its logarithm has
fallen by k^2 / 2, k = 1 to 12, as a normal density does at k deviations, and parts longer than 1
are cut again; the rules are those of `gbm_ref.line.quadrature`. An `error` is the difference of
the two and what rounding of the logarithm can do.

Arguments are the state x > 0, a number; the data law, d = 1; looks > 0. All raise ValueError for
others, for data without a density, and for a posterior that reaches beyond |log X_0| = 690.
"""

from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref._gaussians import is_singular
from gbm_ref.laws import ProductLaw
from gbm_ref.line.quadrature import Function, integral
from gbm_ref.line.samplers import CdfValues
from gbm_ref.sign_agnostic_law import Average, LogMoments
from gbm_ref.targets import LogNormal

Data = LogNormal | ProductLaw
# By how much the logarithm of the density has fallen where the line is cut; the last is the end.
_FALLS = np.arange(1.0, 13.0) ** 2 / 2.0
_LARGEST, _LONGEST = 690.0, 1.0
_HALVINGS = 60


class _Tilted(NamedTuple):
    """The posterior density of y = log X_0 times e^(a y), with a = power."""

    log_x: float
    data: Data
    looks: float
    power: float

    def log_density(self, y: Array) -> Array:
        """Without its constant, (n,) to (n,)."""
        r = self.log_x - y
        kernel = self.looks * (np.expm1(r) - r)
        return np.asarray(self.data.logpdf(np.exp(y)[:, None]) + (1.0 + self.power) * y - kernel)

    def slopes(self, y: Array) -> tuple[Array, Array]:
        """That of the logarithm, which falls with y, and the size of what it adds up."""
        data = self.data.log_score(np.exp(y)[:, None])[:, 0]
        noise = self.looks * np.expm1(self.log_x - y)
        return data + noise + self.power, np.abs(data) + np.abs(noise) + abs(self.power)


class _Cut(NamedTuple):
    """A density on the line: relative to its height, 0 in the logarithm at the mode.

    height    the logarithm at the mode
    cuts      ends of the parts of the line, ascending
    rounding  relative error that rounding can make in the density, about the mode
    """

    law: _Tilted
    height: float
    cuts: Array
    rounding: float

    def average(self, function: Function, upper: float = np.inf) -> Average:
        """The integral of f(y) times the density up to a place, with f of an array of y."""
        cuts = self.cuts[self.cuts < upper]
        if cuts.size == 0:
            return Average(0.0, 0.0)
        if upper < self.cuts[-1]:
            cuts = np.append(cuts, upper)

        def density(y: Array) -> Array:
            return np.exp(self.law.log_density(y) - self.height)

        found = integral(lambda y: density(y) * function(y), cuts)
        size = integral(lambda y: density(y) * np.abs(function(y)), cuts).value
        return Average(found.value, found.error + self.rounding * size)


def gamma_posterior_moment(power: float, x: float, target: Data, looks: float) -> Average:
    """E[X_0^a | X = x] with a = power, any number, with its error (claim `R24-posterior`).

    ValueError where the moment is infinite, as that of inverse-gamma data at a >= alpha + L.
    """
    law = _law(x, target, looks)
    whole, tilted = _cut(law), _cut(law._replace(power=_checks.finite_number(power, "power")))
    above, below = (part.average(np.ones_like) for part in (tilted, whole))
    with _checks.quiet():
        value = float(np.exp(tilted.height - whole.height)) * above.value / below.value
    if not np.isfinite(value):
        raise ValueError("the moment of this power is beyond the range of float64.")
    heights = 2.0**-52 * (abs(tilted.height) + abs(whole.height))
    error = above.error / above.value + below.error / below.value + heights
    return Average(value, abs(value) * error)


def gamma_posterior_log_moments(x: float, target: Data, looks: float) -> LogMoments:
    """E[log X_0 | X = x] and Var(log X_0 | X = x), with their error (claim `R24-posterior`)."""
    cut = _cut(_law(x, target, looks))
    whole = cut.average(np.ones_like)
    first = cut.average(lambda y: y - cut.law.log_x)
    mean = first.value / whole.value
    second = cut.average(lambda y: (y - cut.law.log_x - mean) ** 2)
    var, share = second.value / whole.value, whole.error / whole.value
    errors = [(part.error / whole.value) for part in (first, second)]
    shifted = mean + cut.law.log_x
    rounding = 2.0**-51 * (abs(mean) + abs(cut.law.log_x))
    return LogMoments(
        shifted, var, max(errors[0] + abs(mean) * share + rounding, errors[1] + var * share)
    )


def gamma_posterior_cdf(x0: Values, x: float, target: Data, looks: float) -> CdfValues:
    """P(X_0 <= x0 | X = x), x0 (...) positive, with the largest error (claim `R24-posterior`)."""
    ends = np.log(_checks.positive_array(x0, "x0"))
    cut = _cut(_law(x, target, looks))
    whole = cut.average(np.ones_like)
    found = [cut.average(np.ones_like, float(end)) for end in ends.ravel()]
    values = np.array([part.value / whole.value for part in found])
    errors = [(part.error + whole.error) / whole.value for part in found]
    return CdfValues(np.minimum(values, 1.0).reshape(ends.shape), max(errors, default=0.0))


def gamma_posterior_ppf(q: Values, x: float, target: Data, looks: float) -> Array:
    """The x0 with P(X_0 <= x0 | X = x) = q, the inverse of `gamma_posterior_cdf` (its claim).

    q (...) in (0, 1), of its shape. Accurate as the probability is: log x0 to its error over the
    density of log X_0.
    """
    shares = _checks.finite_array(q, "q")
    if not ((shares > 0.0) & (shares < 1.0)).all():
        raise ValueError("q must lie between 0 and 1, both excluded.")
    cut = _cut(_law(x, target, looks))
    whole = cut.average(np.ones_like).value

    def below(y: Array) -> Array:
        return np.array([cut.average(np.ones_like, float(end)).value for end in y])

    low, high = (np.full(shares.size, end) for end in (cut.cuts[0], cut.cuts[-1]))
    found = _bisected(lambda y: below(y) - shares.ravel() * whole, low, high)
    return np.asarray(np.exp(found)).reshape(shares.shape)


def _law(x: float, target: Data, looks: float) -> _Tilted:
    """The posterior of log X_0, once the arguments are known to be good."""
    if target.d != 1:
        raise ValueError(f"the posterior is by quadrature on the line: d = 1, not {target.d}.")
    if isinstance(target, LogNormal) and is_singular(target.log_cov):
        raise ValueError("the data must have a density: a variance above 0.")
    state, count = _checks.positive_number(x, "x"), _checks.positive_number(looks, "looks")
    return _Tilted(float(np.log(state)), target, count, 0.0)


def _cut(law: _Tilted) -> _Cut:
    """The line in parts, from the mode to both sides."""
    with _checks.quiet():
        ends = np.array([-_LARGEST]), np.array([_LARGEST])
        if not (law.slopes(ends[0])[0] > 0.0 > law.slopes(ends[1])[0]):
            raise ValueError("the posterior, or its moment of this power, is not within range.")
        mode = _bisected(lambda y: -law.slopes(y)[0], *ends)
        height = float(law.log_density(mode)[0])
        left, right = (_falls(law, height, mode, end) for end in ends)
        cuts = np.concatenate([left[::-1], mode, right])
        counts = np.maximum(np.ceil(np.diff(cuts) / _LONGEST), 1.0).astype(int)
        parts = [
            np.linspace(a, b, n, endpoint=False)
            for a, b, n in zip(cuts[:-1], cuts[1:], counts, strict=True)
        ]
        middle = cuts[len(_FALLS) - 1 : len(_FALLS) + 2]
        size = float(np.max(law.slopes(middle)[1] * (1.0 + np.abs(middle))))
    rounding = 2.0**-52 * (1.0 + abs(height) + size)
    return _Cut(law, height, np.append(np.concatenate(parts), cuts[-1]), rounding)


def _falls(law: _Tilted, height: float, mode: Array, end: Array) -> Array:
    """Where on the side of `end` the logarithm has fallen by each of `_FALLS`."""
    if law.log_density(end)[0] > height - _FALLS[-1]:
        raise ValueError("the posterior, or its moment of this power, is not within range.")
    inner, outer = (np.full(_FALLS.size, place[0]) for place in (mode, end))
    return _bisected(lambda y: height - _FALLS - law.log_density(y), inner, outer)


def _bisected(function: Function, low: Array, high: Array) -> Array:
    """Between places where the function is negative and those where it is positive, each root."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        below = function(middle) < 0.0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2.0)
