"""The sign-preserving sampler on log-normal data: its law after N steps, without Monte Carlo.

Setting: score exact, delta_s = delta, L = 1, kappa = 1. Symbols: v_k = v_0 + h k the variance of
log X_{t_k}, h = sigma^2 delta; e_k = E log X_k - a - m t_k and V_k = Var log X_k of the sampler;
q = v_k / h at the level that is reached and n the number of steps taken.
"""

from collections.abc import Callable
from functools import cache

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Symbol

from spec.checking.algebra import vanishes
from spec.checking.numeric import agree
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact import _chain, _closed_pins, _iterations
from spec.exact._chain import V, e, h, in_log_variance, law_after, v
from spec.exact._special import q, trigamma, vanishes_by_recurrence

n = Symbol("n", positive=True)
Closed = Callable[[Expr | mpf, Expr | mpf, Expr | mpf, Expr | mpf, Callable], tuple]


@cache
def after_one_step() -> tuple[Expr, Expr]:
    """(e_{k-1}, V_{k-1}) in e = e_k, V = V_k, v = v_k and h, from the step itself."""
    mean, variance = law_after(_chain.dale_langevin, Integer(1))
    # From the mean of log X at t_k to that at t_{k-1}: + m delta, with delta = r^2.
    return tuple(in_log_variance(f) for f in (mean + _chain.m * _chain.r**2, variance))


def is_the_recursion(candidate: tuple[Expr, Expr]) -> bool:
    """Whether (e_{k-1}, V_{k-1}) are these, by taking moments of the step of eq. (13)."""
    return vanishes(tuple(w - c for w, c in zip(after_one_step(), candidate, strict=True)))


def solves_the_recursion(closed: Closed) -> bool:
    """Whether (e_0 / e_N, V_0) = closed(v_0 / h, N, h, V_N, psi_1).

    By induction over the number of steps n: at n = 0 nothing has happened, and a step from
    q = v / h leads to q - 1, n + 1. Looked at again with 1000 steps at 50 digits.
    """
    if not vanishes(closed(q, Integer(0), h, V, trigamma)[0] - 1):
        return False
    if not vanishes_by_recurrence(closed(q, Integer(0), h, V, trigamma)[1] - V):
        return False
    here, below = closed(q, n, h, V, trigamma), closed(q - 1, n + 1, h, V, trigamma)
    stepped = [f.subs({v: q * h, e: here[0]}) for f in after_one_step()]
    stepped[1] = stepped[1].subs(V, here[1])
    induction = all([vanishes_by_recurrence(b - s) for b, s in zip(below, stepped, strict=True)])
    return induction and _matches_a_long_chain(closed)


def _matches_a_long_chain(closed: Closed) -> bool:
    with mpmath.workdps(50):
        data, step, start = mpf("0.07"), mpf("0.00064"), mpf("0.9")
        chain = _iterations.dale_langevin(data, step, 1000, mpf(1), start)
        formula = closed(data / step, mpf(1000), step, start, lambda x: mpmath.psi(1, x))
        return all([agree(c, f, 40) for c, f in zip(chain, formula, strict=True)])


def _closed(q: Expr, n: Expr, h: Expr, start: Expr, psi_1: Callable) -> tuple:
    return q / (q + n), (q / (q + n)) ** 2 * start + h * q**2 * (psi_1(q) - psi_1(q + n))


def is_the_law_for_a_point(candidate: tuple[Expr, Expr]) -> bool:
    """Whether (e_0, V_0) are these for v_0 = 0: the last step, at k = 1, has v_1 = h."""
    return vanishes(
        tuple(f.subs(v, h) - c for f, c in zip(after_one_step(), candidate, strict=True))
    )


_RATIO = (v - h) / v
R8 = Claim(
    id="R8",
    title="Dale-Langevin on log-normal data: recursion of mean and variance",
    statement=r"With the exact score of log-normal data, $\log X_k$ stays Gaussian and "
    r"$e_{k-1}=\tfrac{v_{k-1}}{v_k}e_k$, $V_{k-1}=\big(\tfrac{v_{k-1}}{v_k}\big)^2V_k+h$ for any "
    r"$\mu$, where $v_k=v_0+hk$, $h=\sigma^2\delta$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R8",),
    assumptions=("log-normal data", "exact score", "Gaussian start", "one step of delta a level"),
    depends=("A13",),
    derivation=r"For log-normal data $x\,\partial_x\log p=-1-(\log x-a-mt_k)/v_k$, so eq. (13) is "
    r"an affine map of $\log X$ and $Z$: the factor on the deviation is $1-h/v_k=v_{k-1}/v_k$, "
    "the constants move the centre $a+mt_k$ to $a+mt_{k-1}$, and $Z$ adds $h$. An affine map of "
    "independent normal variables is normal. Mean and variance are taken with exact Gaussian "
    "moments and symbols for every parameter.",
    proof=Proof(
        is_the_recursion,
        holds=(_RATIO * e, _RATIO**2 * V + h),
        twins={
            "variance shrinks by the ratio, not its square": (_RATIO * e, _RATIO * V + h),
            "noise of the exact reverse kernel": (_RATIO * e, _RATIO**2 * V + h * _RATIO),
            "half the score": ((1 - h / (2 * v)) * e, (1 - h / (2 * v)) ** 2 * V + h),
        },
    ),
)

CLOSED = Claim(
    id="R8-closed",
    title="Dale-Langevin on log-normal data: the law after N steps",
    statement=r"$e_0=\tfrac{v_0}{v_N}e_N$ and $V_0=\tfrac{v_0^2}{v_N^2}V_N+\tfrac{v_0^2}h"
    r"\big[\psi_1(\tfrac{v_0}h)-\psi_1(\tfrac{v_0}h+N)\big]$ for any start.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R8",),
    assumptions=("as for R8", "v_0 > 0"),
    depends=("R8",),
    derivation=r"Divide by $v_k^2$: $V_{k-1}/v_{k-1}^2=V_k/v_k^2+h/v_{k-1}^2$, a sum. With "
    r"$v_j=h(q+j)$, $q=v_0/h$, it is $\tfrac1h\sum_{j<N}(q+j)^{-2}$, and "
    r"$\psi_1(x)-\psi_1(x+1)=x^{-2}$ sums it. As an induction: the formula at $n=0$ is the start, "
    "and the recursion leads from $(q,n)$ to $(q-1,n+1)$.",
    proof=Proof(
        solves_the_recursion,
        holds=_closed,
        twins={
            "one noise term short": lambda q, n, h, start, psi_1: (
                q / (q + n),
                (q / (q + n)) ** 2 * start + h * q**2 * (psi_1(q + 1) - psi_1(q + n)),
            ),
            "the start shrinks by the ratio only": lambda q, n, h, start, psi_1: (
                q / (q + n),
                q / (q + n) * start + h * q**2 * (psi_1(q) - psi_1(q + n)),
            ),
            "the mean shrinks by the squared ratio": lambda q, n, h, start, psi_1: (
                (q / (q + n)) ** 2,
                _closed(q, n, h, start, psi_1)[1],
            ),
        },
    ),
    pins=(_closed_pins.DALE_LANGEVIN,),
)

POINT = Claim(
    id="R8-point-mass",
    title="Dale-Langevin on a single data point",
    statement=r"For a point mass ($v_0=0$) the sampler returns $\log X_0\sim N(a,h)$, whatever "
    r"its start: $e_0=0$, $V_0=h$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R8",),
    assumptions=("v_0 = 0, so that v_1 = h", "exact score"),
    depends=("R8",),
    derivation=r"At $k=1$ the score is read at $v_1=h$ and the factor is $1-h/v_1=0$: the last "
    r"step forgets the state, lands on $a$ and adds its own noise, of variance $h$.",
    proof=Proof(
        is_the_law_for_a_point,
        holds=(Integer(0), h),
        twins={
            "the point itself": (Integer(0), Integer(0)),
            "noise of the last two steps": (Integer(0), 2 * h),
            "the mean is kept": (e, h),
        },
    ),
)

CLAIMS = (R8, CLOSED, POINT)
