"""Jensen's inequality for the logarithm, from its tangent at one."""

from sympy import Expr, Poly, Symbol, diff, expand, fraction, log, together

from spec.checking.algebra import vanishes

z = Symbol("z", positive=True)


def is_tangent_of_log(line: Expr) -> bool:
    """Whether log z <= line(z) for z > 0 with equality at 1 alone, where line averages to
    line(mean).

    The line has no second derivative and touches the logarithm at 1; the difference has a second
    derivative whose numerator and denominator have no negative coefficient, so it is convex.
    """
    line = expand(line)
    gap = line - log(z)
    bend = fraction(together(diff(gap, z, 2)))
    convex = all(coefficient >= 0 for part in bend for coefficient in Poly(part, z).all_coeffs())
    touches = (gap.subs(z, 1), diff(gap, z).subs(z, 1), diff(line, z, 2))
    return bool(convex and vanishes(touches))
