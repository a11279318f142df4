"""The divergence in one dimension and in the plane, as right-hand sides of pins.

Symbols: P, Q variances and a, b means on the line; entries a1, P12, ... in the plane.
"""

from collections.abc import Mapping

import mpmath
from mpmath import mpf
from sympy import log, symbols

P, Q = symbols("P Q", positive=True)
_a, _b = symbols("a b", real=True)
LINE = (P / Q - 1 - log(P / Q) + (_a - _b) ** 2 / Q) / 2
PLANE = {"a1": 0.3, "a2": -0.9, "P11": 0.7, "P12": 0.4, "P22": 1.3}


def in_the_plane(values: Mapping[str, mpf], swapped: bool = False, logs: int = 1) -> mpf:
    """The divergence from the entries a1, P11, b1, Q11, ...; `swapped` exchanges P and Q."""
    P, Q = (_matrix(values, name) for name in (("Q", "P") if swapped else ("P", "Q")))
    shift = mpmath.matrix([values["a1"] - values["b1"], values["a2"] - values["b2"]])
    inverse = mpmath.inverse(Q)
    product = inverse * P
    quadratic = product[0, 0] + product[1, 1] + (shift.T * inverse * shift)[0]
    return (quadratic - 2 - logs * mpmath.log(mpmath.det(P) / mpmath.det(Q))) / 2


def _matrix(values: Mapping[str, mpf], name: str) -> mpmath.matrix:
    off = values[f"{name}12"]
    return mpmath.matrix([[values[f"{name}11"], off], [off, values[f"{name}22"]]])
