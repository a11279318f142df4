"""The law of log X_0 given X_t for two components of the plane, as right-hand sides of pins.

Names: w1, a1, a2, S11, S12, S22 weight, mean and covariance of the first component, w2, b1, b2,
T11, T12, T22 of the second; mu, sigma, t the process; x1, x2 the state; power an exponent.
"""

from collections.abc import Mapping
from typing import NamedTuple

import mpmath
from mpmath import matrix, mpf

Values = Mapping[str, mpf]


class Part(NamedTuple):
    """One component: its weight, and the law of log X_0 in it."""

    weight: mpf
    mean: matrix
    cov: matrix


def parts(at: Values) -> tuple[Part, Part]:
    """The two components of log X_0."""
    first, second = (
        Part(
            at[weight],
            matrix([at[f"{mean}1"], at[f"{mean}2"]]),
            matrix([[at[f"{cov}11"], at[f"{cov}12"]], [at[f"{cov}12"], at[f"{cov}22"]]]),
        )
        for weight, mean, cov in (("w1", "a", "S"), ("w2", "b", "T"))
    )
    return first, second


def kernel(at: Values) -> tuple[matrix, matrix]:
    """m(t) for both coordinates and v(t) I."""
    m = (at["mu"] - at["sigma"] ** 2 / 2) * at["t"]
    return m * mpmath.ones(2, 1), at["sigma"] ** 2 * at["t"] * mpmath.eye(2)


def state(at: Values) -> matrix:
    """log x."""
    return matrix([mpmath.log(at["x1"]), mpmath.log(at["x2"])])


def terms(at: Values, y: matrix, noise: bool = True) -> list[mpf]:
    """w_j N(y; a_j + m, S_j + v I) without 1 / (2 pi); `noise` False leaves v out."""
    (m, v), found = kernel(at), []
    for part in parts(at):
        cov = part.cov + v if noise else part.cov
        gap = y - part.mean - m
        exponent = (gap.T * cov**-1 * gap)[0]
        found.append(part.weight * mpmath.exp(-exponent / 2) / mpmath.sqrt(mpmath.det(cov)))
    return found


def shares(at: Values, noise: bool = True) -> tuple[mpf, ...]:
    """Probability of each component given x."""
    each = terms(at, state(at), noise)
    return tuple(term / mpmath.fsum(each) for term in each)


def given(at: Values, gain_of_noise: bool = False) -> list[Part]:
    """Each component of log X_0 given x: share, mean and covariance."""
    (m, v), y, found = kernel(at), state(at), []
    for share, part in zip(shares(at), parts(at), strict=True):
        gain = (v if gain_of_noise else part.cov) * (part.cov + v) ** -1
        mean = part.mean + gain * (y - part.mean - m)
        found.append(Part(share, mean, v * part.cov * (part.cov + v) ** -1))
    return found


def law(at: Values, gain_of_noise: bool = False) -> tuple[mpf, ...]:
    """Share, mean and covariance of both components."""
    each = given(at, gain_of_noise)
    return tuple(number for part in each for number in (part.weight, *part.mean, *part.cov))


def _score_and_slope(at: Values) -> tuple[matrix, matrix]:
    """Log score at t and its derivative (R2)."""
    (m, v), y = kernel(at), state(at)
    score, second = mpmath.zeros(2, 1), mpmath.zeros(2, 2)
    for share, part in zip(shares(at), parts(at), strict=True):
        inverse = (part.cov + v) ** -1
        pull = -inverse * (y - part.mean - m)
        score += share * pull
        second += share * (pull * pull.T - inverse)
    return score, second - score * score.T


def mean(at: Values, sign: int = -1, jacobian: int = 0) -> tuple[mpf, ...]:
    """R5: y - m + v s; the twins are m added, and H in place of s."""
    (m, v), (score, _) = kernel(at), _score_and_slope(at)
    return tuple(state(at) + sign * m + v * (score - jacobian * mpmath.ones(2, 1)))


def covariance(at: Values, own: int = 1, sign: int = 1) -> tuple[mpf, ...]:
    """R5: v I + v^2 grad s; the twins are v I left out, and a minus sign."""
    (_, v), (_, slope) = kernel(at), _score_and_slope(at)
    return tuple(own * v + sign * v * slope * v)


def moment(at: Values, shift: mpf | None = None, sign: int = 1) -> tuple[mpf, ...]:
    """R6: a (y_i - m) + a^2 v / 2 + log q(y + a v e_i) - log q(y); `shift` replaces a in q."""
    (m, v), y, a, found = kernel(at), state(at), at["power"], []
    here = mpmath.log(mpmath.fsum(terms(at, y)))
    for i in range(2):
        there = y.copy()
        there[i] += (a if shift is None else shift) * v[i, i]
        ratio = mpmath.log(mpmath.fsum(terms(at, there))) - here
        found.append(a * (y[i] - m[i]) + sign * a**2 * v[i, i] / 2 + ratio)
    return tuple(found)


def _sizes(at: Values) -> tuple[mpf, mpf]:
    """Size of the logarithms, and of the exponents, whose rounding is a relative one of shares."""
    (m, v), y = kernel(at), state(at)
    size = mpmath.norm(y) + mpmath.norm(m) + max(mpmath.norm(part.mean) for part in parts(at))
    inverse = max(mpmath.norm((part.cov + v) ** -1) for part in parts(at))
    return size, 1 + size**2 * inverse


def law_scale(at: Values) -> tuple[mpf, ...]:
    """Condition scale of `law`: matrices come from eigenvectors, accurate to their norm."""
    size, exponent = _sizes(at)
    found: list[mpf] = []
    for part in given(at):
        found += [exponent * part.weight, *(2 * [size]), *(4 * [mpmath.norm(part.cov)])]
    return tuple(found)


def covariance_scale(at: Values) -> tuple[mpf, ...]:
    """Condition scale of `covariance`: norms, and the exponents times what the shares weight."""
    first, second = given(at)
    gap = mpmath.norm(first.mean - second.mean)
    between = first.weight * second.weight * gap**2 * _sizes(at)[1]
    return 4 * (max(mpmath.norm(first.cov), mpmath.norm(second.cov)) + between,)


# Generic; a large noise; little noise, far out.
POINTS: tuple[dict[str, float], ...] = (
    {"x1": 1.3, "x2": 0.4, "w1": 0.25, "a1": 0.3, "a2": -0.6, "S11": 0.9, "S12": 0.35}
    | {"S22": 0.5, "w2": 0.75, "b1": -0.4, "b2": 0.2, "T11": 0.6, "T12": -0.2, "T22": 1.4}
    | {"mu": 0.37, "sigma": 0.8, "t": 0.6},
    {"x1": 2.9, "x2": 0.2, "w1": 0.9, "a1": -0.2, "a2": 0.7, "S11": 1.6, "S12": 1.1}
    | {"S22": 0.77, "w2": 0.1, "b1": 1.4, "b2": -0.1, "T11": 0.4, "T12": 0.0625, "T22": 0.2}
    | {"mu": -1.3, "sigma": 1.7, "t": 1.9},
    {"x1": 11.0, "x2": 0.04, "w1": 0.5, "a1": 0.1, "a2": 0.95, "S11": 0.3, "S12": -0.2}
    | {"S22": 2.3, "w2": 0.5, "b1": 0.3, "b2": 1.1, "T11": 0.2, "T12": 0.1, "T22": 0.9}
    | {"mu": 0.02, "sigma": 0.3, "t": 0.01},
)
