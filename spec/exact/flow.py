"""The probability flow on log-normal data, integrated by Euler's rule.

Symbols: v_k = v_0 + h k, h = sigma^2 delta; V the variance of the sampler's log X; q = v_k / h at
the level that is reached, n the number of steps.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Rational, diff, gamma, symbols, together

from spec.checking.algebra import vanishes
from spec.checking.numeric import agree
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact import _chain, _closed_pins, _iterations
from spec.exact._chain import V, e, h, in_log_variance, law_after, v
from spec.exact._special import (
    gamma_ratio_expansion,
    gamma_ratio_is_bracketed,
    q,
    theta,
    theta_N,
    vanishes_by_recurrence,
)

n, v0, vN = symbols("n v0 v_N", positive=True)
HALF = Rational(1, 2)
Closed = Callable[[Expr | mpf, Expr | mpf, Callable, Expr | mpf], Expr | mpf]


def euler(log_x: Expr, score: Expr, root: Expr, noise: Expr) -> Expr:
    """log X after a step of length root^2 back in time; d log X / dt = mu - s2 - s2 H / 2."""
    s2 = _chain.sigma**2
    return log_x - root**2 * (_chain.MU - s2 - s2 * score / 2)


def solves_the_recursion(closed: Closed) -> bool:
    """Whether V_0 / V_N = closed(v_0 / h, N, Gamma, 1/2)^2, by induction and for 1000 steps.

    The square root is e_0 / e_N. At n = 0 nothing has happened; a step, whose moments are taken,
    leads from q = v / h to q - 1, n + 1.
    """
    mean, variance = (in_log_variance(f) for f in law_after(euler, Integer(1)))
    mean = (mean + _chain.m * _chain.r**2).subs(v, q * h)
    variance = variance.subs(v, q * h)
    start, here, below = (
        closed(x, steps, gamma, HALF) for x, steps in ((q, Integer(0)), (q, n), (q - 1, n + 1))
    )
    induction = [
        vanishes_by_recurrence(start - 1),
        vanishes_by_recurrence(below / here - mean / e),
        vanishes_by_recurrence((below / here) ** 2 - variance / V),
    ]
    return all(induction) and _matches_a_long_chain(closed)


def _matches_a_long_chain(closed: Closed) -> bool:
    with mpmath.workdps(50):
        data, step, steps = mpf("0.07"), mpf("0.00064"), 1000
        factors = [(1 - step / (2 * (data + step * k)), mpf(0)) for k in range(steps, 0, -1)]
        chain = _iterations.run(factors, mpf(1), mpf("0.9"))
        gain = closed(data / step, mpf(steps), mpmath.gamma, mpf("0.5"))
        return agree(chain[0], gain, 40) and agree(chain[1], gain**2 * mpf("0.9"), 40)


def is_the_first_order(coefficient: Expr) -> bool:
    """Whether V_0 / v_0 = 1 + coefficient h + O(h^2) for V_N = v_N at fixed v_0 and v_N.

    V_0 / V_N = R(v_0 / h) / R(v_N / h) with R(q) = (Gamma(q + 1) / Gamma(q + 1/2))^2, which is
    proved to be q + 1/4 + theta / (32 q) for some theta in [0, 1].
    """
    ratio = gamma_ratio_expansion(v0 / h, theta) / gamma_ratio_expansion(vN / h, theta_N)
    relative = together(ratio * vN / v0)
    jets = [relative.subs(h, 0) - 1, diff(relative, h).subs(h, 0) - coefficient]
    return gamma_ratio_is_bracketed() and vanishes(tuple(jets))


def _closed(q: Expr, n: Expr, G: Callable, half: Expr) -> Expr:
    return G(q + n + half) * G(q + 1) / (G(q + half) * G(q + n + 1))


R16 = Claim(
    id="R16",
    title="probability flow by Euler's rule on log-normal data",
    statement=r"$V_0=V_N\Big[\tfrac{\Gamma(q+N+\frac12)\Gamma(q+1)}{\Gamma(q+\frac12)\Gamma(q+N+1)}"
    r"\Big]^2$, $q=v_0/h$, and $e_0/e_N$ is the square bracket.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R16",),
    assumptions=(
        "log-normal data, v_0 > 0",
        "exact score",
        "Gaussian start",
        "uniform steps in t",
    ),
    depends=("R16-ode", "R8"),
    derivation=r"$\tfrac{dY}{dt}=m-\tfrac{\sigma^2}2s$ and $s=-(Y-a-mt)/v$: Euler's step "
    r"multiplies the deviation by $1-\tfrac h{2v_k}=\tfrac{q+k-1/2}{q+k}$. The product over "
    r"$k=1..N$ is a quotient of Gamma functions by $\Gamma(x+1)=x\Gamma(x)$; as an induction, "
    r"from $(q,n)$ to $(q-1,n+1)$.",
    proof=Proof(
        solves_the_recursion,
        holds=_closed,
        twins={
            "weight of the score sigma^2": lambda q, n, G, half: q / (q + n),
            "one step short": lambda q, n, G, half: (
                G(q + n - half) * G(q + 1) / (G(q + half) * G(q + n))
            ),
            "upside down": lambda q, n, G, half: 1 / _closed(q, n, G, half),
        },
    ),
    pins=(_closed_pins.EULER_FLOW,),
)

LEADING = Claim(
    id="R16-leading",
    title="probability flow by Euler's rule: bias of first order",
    statement=r"For $V_N=v_N$: $V_0/v_0=1+\tfrac h4\big(\tfrac1{v_0}-\tfrac1{v_N}\big)+O(h^2)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R16",),
    assumptions=("as for R16", "start with the exact variance"),
    depends=("R16",),
    derivation=r"$V_0/V_N=R(v_0/h)/R(v_N/h)$, $R(q)=\big(\Gamma(q+1)/\Gamma(q+\tfrac12)\big)^2$. "
    r"$R(q+1)/R(q)=\big(\tfrac{q+1}{q+1/2}\big)^2$, compared with the growth of $q+\tfrac14$ and "
    r"of $q+\tfrac14+\tfrac1{32q}$ (polynomials with coefficients of one sign), and $R(q)/q\to1$ "
    r"put $R$ between these two. So $V_0/v_0=(1+\tfrac h{4v_0})/(1+\tfrac h{4v_N})+O(h^2)$.",
    proof=Proof(
        is_the_first_order,
        holds=(1 / v0 - 1 / vN) / 4,
        twins={
            "bias of the deviation": (1 / v0 - 1 / vN) / 8,
            "opposite sign": -(1 / v0 - 1 / vN) / 4,
            "squares": (1 / v0**2 - 1 / vN**2) / 4,
        },
    ),
)

CLAIMS = (R16, LEADING)
