"""The leading bias of ancestral sampling of log-normal data.

Symbols: v_0, v_N = v_0 + sigma^2, h = sigma^2 / N; l = log(v_0 sigma^2 / (h v_N)), which grows
slowly as h falls; gamma_E Euler's constant.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import EulerGamma, Expr, Poly, expand_func, fraction, polygamma, symbols, together

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact._chain import h
from spec.exact._special import (
    digamma,
    digamma_expansion,
    digamma_is_bracketed,
    q,
    trigamma,
    trigamma_expansion,
    trigamma_is_bracketed,
)
from spec.exact.ancestral import closed_form

v0, vN, n = symbols("v0 v_N n", positive=True)
ell_0, ell_N, ell_end, euler_gamma = symbols("l_0 l_N l_end gamma_E", real=True)
Bias = Callable[[Expr | mpf, Expr | mpf, Expr | mpf, Expr | mpf], Expr | mpf]


def expansion() -> Expr:
    """V_0 / v_0 for V_N = v_N, psi and psi_1 written as expansions with weights in [0, 1].

    The logarithms of q = v_0 / h, N and q + N = v_N / h are symbols l_0, l_N and l_end.
    """
    noise = expand_func(closed_form(q, n, h, digamma, trigamma)).subs(EulerGamma, euler_gamma)
    places = ((q, v0 / h, ell_0), (n, (vN - v0) / h, ell_N), (q + n, vN / h, ell_end))
    written = {}
    for i, (argument, value, logarithm) in enumerate(places):
        weight, other = symbols(f"weight_{i} other_{i}")
        written[polygamma(0, argument)] = digamma_expansion(value, weight, logarithm)
        written[polygamma(1, argument)] = trigamma_expansion(value, other)
    noise = noise.subs(written).subs({q: v0 / h, n: (vN - v0) / h})
    return v0 * (1 / vN + noise)


def is_the_leading_bias(bias: Bias) -> bool:
    """Whether V_0 / v_0 = 1 + h bias(v_0, v_N, l, gamma_E) + O(h^2 log(1/h)).

    As a rational function of h, whose coefficients hold the logarithms: the difference of both
    sides, over the denominator, must begin with h^2. Then the closed form at 50 digits for 1e6
    and 1e9 steps: within 10 (h / v_0)^2 log(v_0 / h).
    """
    claimed = 1 + h * bias(v0, vN, ell_N + ell_0 - ell_end, euler_gamma)
    numerator, denominator = fraction(together(expansion()))
    below = Poly(denominator, h)
    gap = Poly(numerator, h) - below * Poly(claimed, h)
    lowest = min(degree for (degree,) in below.monoms())
    begins_later = [vanishes(gap.coeff_monomial(h**k)) for k in range(lowest + 2)]
    bracketed = trigamma_is_bracketed() and digamma_is_bracketed()
    return bracketed and all(begins_later) and _matches_many_steps(bias)


def _matches_many_steps(bias: Bias) -> bool:
    with mpmath.workdps(60):
        data, total, answers = mpf("0.2"), mpf("0.64"), []
        for steps in (mpf(10) ** 6, mpf(10) ** 9):
            step, end = total / steps, data + total
            noise = closed_form(
                data / step, steps, step, mpmath.digamma, lambda x: mpmath.psi(1, x)
            )
            value = data * (1 / end + noise)
            logarithm = mpmath.log(data * total / (step * end))
            claimed = 1 + step * bias(data, end, logarithm, mpmath.euler)
            bound = 10 * (step / data) ** 2 * mpmath.log(data / step)
            answers.append(abs(value - claimed) <= bound)
        return all(answers)


def is_the_same_in_u(form: Callable[[Expr], tuple[Expr, Expr]]) -> bool:
    """Whether (rational part, argument of log) of G(U), U = sigma^2 / v_0, give the bias above.

    l + gamma_E - 3/2 + v_0 / v_N + v_0^2 / (2 v_N^2) = log(v_0 / h) + gamma_E - 3/2 + G(U).
    """
    rational, argument = form((vN - v0) / v0)
    left = v0 / vN + v0**2 / (2 * vN**2)
    return vanishes((left - rational, v0 * (vN - v0) / (h * vN) - v0 / h * argument))


def _bias(v0: Expr, vN: Expr, ell: Expr, gamma: Expr) -> Expr:
    return -(ell + gamma - _part(v0, vN)) / v0


def _part(v0: Expr, vN: Expr) -> Expr:
    return (3 - 2 * v0 / vN - v0**2 / vN**2) / 2


R17_BIAS = Claim(
    id="R17-leading",
    title="ancestral sampling of log-normal data: leading bias",
    statement=r"For $V_N=v_N$ the relative bias of the variance is $-\tfrac "
    r"h{v_0}\big[\ln\tfrac{v_0\sigma^2}{hv_N}+\gamma_E-\tfrac32+\tfrac{v_0}{v_N}+"
    r"\tfrac{v_0^2}{2v_N^2}\big]+O(h^2\ln\tfrac1h)$: larger than that of eq. (13) by a logarithm "
    "and of opposite sign. So eq. (13) is better for smooth data and many steps, the ancestral "
    "step for concentrated data.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("R17",),
    assumptions=("as for R17-closed", "h to 0 at fixed v_0 and sigma"),
    depends=("R17-closed", "R8-leading"),
    derivation=r"In R17-closed $\psi(x)=\ln x-\tfrac1{2x}-\tfrac1{12x^2}+\tfrac{\theta}{120x^4}$ "
    r"and $\psi_1$ as for R8-leading, with $0\le\theta\le1$ (the bounds of $\psi$ have those of "
    r"$\psi_1$ as derivatives and the differences tend to $0$). The logarithms combine to "
    r"$\ln\tfrac{qN}{q+N}$; the coefficient of $h$ is read off.",
    proof=Proof(
        is_the_leading_bias,
        holds=_bias,
        twins={
            "without Euler's constant": lambda v0, vN, ell, gamma: _bias(v0, vN, ell, 0 * gamma),
            "1 for 3/2": lambda v0, vN, ell, gamma: _bias(v0, vN, ell, gamma) - 1 / (2 * v0),
            "opposite sign": lambda v0, vN, ell, gamma: -_bias(v0, vN, ell, gamma),
            "square of v_0 / v_N left out": lambda v0, vN, ell, gamma: (
                _bias(v0, vN, ell, gamma) + v0 / (2 * vN**2)
            ),
        },
    ),
)

IN_U = Claim(
    id="R17-function-G",
    title="the same bias as a function of sigma^2 / v_0",
    statement=r"The bracket of R17-leading is $\ln\tfrac{v_0}h+\gamma_E-\tfrac32+G(U)$ with "
    r"$U=\sigma^2/v_0$, $G(U)=\ln\tfrac U{1+U}+\tfrac1{1+U}+\tfrac1{2(1+U)^2}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R17",),
    assumptions=("as for R17-leading",),
    depends=("R17-leading",),
    derivation=r"$v_0/v_N=1/(1+U)$ and $\sigma^2/v_N=U/(1+U)$.",
    proof=Proof(
        is_the_same_in_u,
        holds=lambda U: (1 / (1 + U) + 1 / (2 * (1 + U) ** 2), U / (1 + U)),
        twins={
            "log U": lambda U: (1 / (1 + U) + 1 / (2 * (1 + U) ** 2), U),
            "no factor 1/2": lambda U: (1 / (1 + U) + 1 / (1 + U) ** 2, U / (1 + U)),
        },
    ),
)

CLAIMS = (R17_BIAS, IN_U)
