"""The generator phi(w) = |w| log |w| of one weight, on either side of zero.

A weight is w = sign * size with size = e^u; `u` and `size` are separate symbols, so that what is
made of them is rational.
"""

from sympy import Expr, Symbol, cancel, diff, exp


def slope(sign: int, log_size: Expr) -> Expr:
    """phi'(w) by the chain rule along w = sign * e^u: (d phi / du) / (dw / du)."""
    u, size = Symbol("u"), Symbol("size", positive=True)
    ratio = diff(exp(u) * u, u) / diff(sign * exp(u), u)
    return cancel(ratio.subs(exp(u), size)).subs(u, log_size)


def divergence(
    sign: int, size: Expr, log_size: Expr, ref_sign: int, ref_size: Expr, ref_log_size: Expr
) -> Expr:
    """D_phi(w, w') from its definition, w and w' of any signs."""
    linear = slope(ref_sign, ref_log_size) * (sign * size - ref_sign * ref_size)
    return size * log_size - ref_size * ref_log_size - linear
