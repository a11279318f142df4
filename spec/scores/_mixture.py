"""The law of log X_0 given X_t for two components of the plane, as right-hand sides of pins.

Names: w1, a1, a2, S11, S12, S22 weight, mean and covariance of the first component, w2, b1, b2,
T11, T12, T22 of the second; mu, sigma, t the process; x1, x2 the state; power an exponent.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import mpmath
from mpmath import matrix, mpf

Values = Mapping[str, mpf]
# Of (S, v, I) for the covariance of one component: a gain, a covariance, that of log X_t.
Entry = Callable[[matrix, mpf, matrix], matrix]
UNIT = mpmath.eye(2)


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


def kernel(at: Values) -> tuple[mpf, mpf]:
    """m(t), which is that of both coordinates, and v(t)."""
    return (at["mu"] - at["sigma"] ** 2 / 2) * at["t"], at["sigma"] ** 2 * at["t"]


def state(at: Values) -> matrix:
    """log x."""
    return matrix([mpmath.log(at["x1"]), mpmath.log(at["x2"])])


def noisy(S: matrix, v: mpf, unit: matrix) -> matrix:
    """Covariance of log X_t in a component."""
    return S + v * unit


def terms(at: Values, y: matrix, marginal: Entry = noisy) -> list[mpf]:
    """w_j N(y; a_j + m, marginal) without 1 / (2 pi)."""
    (m, v), found = kernel(at), []
    for part in parts(at):
        cov, gap = marginal(part.cov, v, UNIT), y - part.mean - m * mpmath.ones(2, 1)
        exponent = (gap.T * cov**-1 * gap)[0]
        found.append(part.weight * mpmath.exp(-exponent / 2) / mpmath.sqrt(mpmath.det(cov)))
    return found


def shares(at: Values, marginal: Entry = noisy) -> tuple[mpf, ...]:
    """Probability of each component given x."""
    each = terms(at, state(at), marginal)
    return tuple(term / mpmath.fsum(each) for term in each)


def given(at: Values, gain: Entry, cov: Entry, marginal: Entry) -> list[Part]:
    """Each component of log X_0 given x: share, mean and covariance."""
    (m, v), y, found = kernel(at), state(at), []
    for share, part in zip(shares(at, marginal), parts(at), strict=True):
        moved = gain(part.cov, v, UNIT) * (y - part.mean - m * mpmath.ones(2, 1))
        found.append(Part(share, part.mean + moved, cov(part.cov, v, UNIT)))
    return found


def flat(found: list[Part]) -> tuple[mpf, ...]:
    """Share, mean and covariance of the components."""
    return tuple(number for part in found for number in (part.weight, *part.mean, *part.cov))


def score_and_slope(at: Values) -> tuple[matrix, matrix]:
    """Log score at t and its derivative (R2)."""
    (m, v), y = kernel(at), state(at)
    score, second = mpmath.zeros(2, 1), mpmath.zeros(2, 2)
    for share, part in zip(shares(at), parts(at), strict=True):
        inverse = noisy(part.cov, v, UNIT) ** -1
        pull = -inverse * (y - part.mean - m * mpmath.ones(2, 1))
        score += share * pull
        second += share * (pull * pull.T - inverse)
    return score, second - score * score.T


def sizes(at: Values) -> tuple[mpf, mpf]:
    """Size of the logarithms, and of the exponents, whose rounding is a relative one of shares."""
    (m, v), y = kernel(at), state(at)
    size = mpmath.norm(y) + mpmath.sqrt(2) * abs(m)
    size += max(mpmath.norm(part.mean) for part in parts(at))
    inverse = max(mpmath.norm(noisy(part.cov, v, UNIT) ** -1) for part in parts(at))
    return size, 1 + size**2 * inverse


# Generic; a large noise; little noise, far out.
_NAMES = "x1 x2 w1 a1 a2 S11 S12 S22 w2 b1 b2 T11 T12 T22 mu sigma t".split()
POINTS: tuple[dict[str, float], ...] = tuple(dict(zip(_NAMES, row, strict=True)) for row in (
    (1.3, 0.4, 0.25, 0.3, -0.6, 0.9, 0.35, 0.5, 0.75, -0.4, 0.2, 0.6, -0.2, 1.4, 0.37, 0.8, 0.6),
    (2.9, 0.2, 0.9, -0.2, 0.7, 1.6, 1.1, 0.77, 0.1, 1.4, -0.1, 0.4, 0.0625, 0.2, -1.3, 1.7, 1.9),
    (11.0, 0.04, 0.5, 0.1, 0.95, 0.3, -0.2, 2.3, 0.5, 0.3, 1.1, 0.2, 0.1, 0.9, 0.02, 0.3, 0.01),
))  # fmt: skip
