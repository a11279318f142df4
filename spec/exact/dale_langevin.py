"""The sign-preserving sampler on log-normal data: its law after N steps, without Monte Carlo.

Symbols of `_chain`."""

from collections.abc import Callable, Mapping
from functools import cache

import mpmath
from mpmath import mpf
from sympy import Add, Expr, Integer, Matrix, diff, expand, lambdify, log, symbols, trigamma

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.gaussian import expectation
from spec.checking.numeric import rounds_to
from spec.checking.trace import each
from spec.exact import _special as special
from spec.exact._chain import (
    ALL, AT_THE_END, DRAWS, NAMES, L, Step, V, a, dale_langevin, e, exact_start, h, hyvarinen,
    image, is_affine, law_after, m, n, orders, q, t, v, v0, vN)  # fmt: skip
from spec.exact._special import rational, vanish_by_recurrence


def is_the_recursion(candidate: tuple[Expr, Expr]) -> bool:
    r"""With the exact score of log-normal data, a step of eq. (13) takes a normal $\log X_k$ to a
    normal one, $e_{k-1}=[[0]]$ and $V_{k-1}=[[1]]$ for any $\mu$; $v_k$ is the variance of
    $\log X_{t_k}$ and $h$ what it falls by in a step.

    The score is affine in $\log X$, $X\circ\nabla\log p=[[score]]$ with $c$ the mean of $\log
    X_{t_k}$, so that the step is an affine map of $\log X$ and the draw, which are normal and
    independent. Its mean and variance are exact Gaussian moments; $e_k$ is the mean less $c$,
    which moves from level to level."""
    rest = _SCORE.subs("c", a + m * t) - hyvarinen(L, a + m * t, v)
    return is_affine(image()) and same(Matrix([*law_after(), rest]), Matrix([*candidate, 0]))


def solves_the_recursion(closed: tuple[Expr, Expr], step: Step = dale_langevin) -> bool:
    r"""After any number $N$ of steps of equal length the mean error is what it was at the start
    times $[[0]]$, and $V_0=[[1]]$, where $q$ is the log-variance of the data in units of $h$.

    By induction: no step changes nothing, and a step of R8 leads from $q$ and $N$ to one less and
    one more, by the recurrence of the trigamma function."""
    law = Matrix(closed)
    stepped = Matrix(law_after(step)).xreplace({v: q * h, e: law[0], V: law[1]})
    below = law.xreplace({q: q - 1, n: n + 1})
    return vanish_by_recurrence(*(law.subs(n, 0) - Matrix([1, V])), *(below - stepped))


def is_the_law_for_a_point(candidate: tuple[Expr, Expr]) -> bool:
    r"""For a point mass the sampler ends with $e_0=[[0]]$ and $V_0=[[1]]$, whatever its start.

    At the last step the variance in the score is $h$, and the factor on the deviation vanishes."""
    return same(Matrix(law_after()).subs(v, h), Matrix(candidate))


@cache
def expansion(start: Expr) -> Expr:
    """V_0 of the closed form as a polynomial in h, psi_1 being written as its expansion."""
    ends = {q: (v0 / h, special.theta), q + n: (vN / h, special.theta_N)}
    written = {trigamma(end): special.trigamma_expansion(*at) for end, at in ends.items()}
    return expand(CLOSED_FORM[1].subs(written).subs({V: start, q: v0 / h, n: (vN - v0) / h}))


def is_the_first_order(leading: Expr, start: Expr = vN) -> bool:
    r"""From the exact log-variance, $V_0=[[it]]$ up to $O(h^2)$ at fixed $v_0$ and $v_N$.

    The trigamma function is $[[psi]]$ with $\theta$ between zero and one at every positive $q$:
    both bounds tend to zero, and from $q$ to the next argument the one falls by more and the other
    by less than the function, as polynomials with coefficients of one sign show. Inserted at both
    ends, R8-closed is a polynomial in $h$ that holds the unknown $\theta$ beyond the first order.
    """
    gaps = orders(expansion(start) - leading, h, 1)
    return vanishes(gaps) and special.trigamma_is_bracketed()


def is_the_divergence(candidate: tuple[Expr, Expr]) -> bool:
    r"""Per coordinate $\mathrm{KL}=[[0]]$, $\log X$ having covariance $v_0I$ for the data, and the
    mean error $e_0$ and covariance $V_0I$ for the output; from an exact start it is $[[1]]$ up to
    $O(h^3)$ at fixed $v_0$ and $v_N$.

    The mean, under the output, of its log density less that of the data is taken by exact moments.
    For an exact start the mean has no error, and the variance of R8-leading is expanded in $h$."""
    kl, leading = candidate
    output, data = (-log(w) / 2 - (L - c) ** 2 / (2 * w) for c, w in ((e, V), (Integer(0), v0)))
    # What is beyond the second order in the variance is beyond it in the divergence too.
    known = dict(zip(symbols("c_0 c_1 c_2"), orders(expansion(vN), h, 2), strict=True))
    variance = Add(*(c * h**k for k, c in enumerate(known)))
    beyond = kl.xreplace({e: Integer(0), V: variance}) - leading
    jets = (diff(beyond, h, k).subs(h, 0).xreplace(known) for k in range(3))
    return vanishes((rational(expectation(output - data, L, e, V) - kl), *jets))


@cache
def _ratio(steps: int, start: mpf) -> mpf:
    with mpmath.workdps(50):
        step, variance = TOTAL / steps, start
        after = lambdify((v, h, V), RECURSION[1], "mpmath")
        for k in range(steps, 0, -1):
            variance = after(DATA + step * k, step, variance)
        return variance / DATA


def are_the_ratios(printed: Mapping[int, str]) -> bool:
    r"""For data of log-variance [[data]], $\sigma^2T=[[total]]$, an exact start and $N$ steps of
    equal length the ratio of $V_0$ to that log-variance rounds to $[[ratios]]$.

    The recursion of R8, run in high precision."""
    return all([rounds_to(_ratio(N, DATA + TOTAL), printed[N]) for N in each("N", printed)])


def pins_of(function: str) -> tuple[Pin, Pin]:
    """Mean and variance of a closed form by the vectors of a function: from b and q, with v and m
    at the horizon."""
    at, b = {q: v0 * n / v, h: v / n}, symbols("b")
    parts: dict[str, Callable] = {
        "mean": lambda closed: a + closed[0].subs(at, simultaneous=True) * (b - a - m),
        "var": lambda closed: closed[1].subs(at, simultaneous=True).subs(V, q),
    }
    return tuple(
        Pin(f"gbm_ref.{function}", vectors=f"{function}_log_{part}", reads=reads, variant=part)
        for part, reads in parts.items()
    )


DATA, SIGMA = mpf("0.1"), mpf("0.8")
TOTAL = SIGMA**2
_RATIO = (v - h) / v
_SCORE = hyvarinen(L, symbols("c"), v).factor()
RECURSION = (_RATIO * e, _RATIO**2 * V + h)
GAIN, NOISE = q / (q + n), h * q**2 * (trigamma(q) - trigamma(q + n))
CLOSED_FORM = (GAIN, GAIN**2 * V + NOISE)

R8 = Claim(
    "R8", "Dale-Langevin on log-normal data: recursion of mean and variance", is_the_recursion,
    holds=RECURSION, twins={
        "variance shrinks by the ratio, not its square": (_RATIO * e, _RATIO * V + h),
        "noise of the exact reverse kernel": (_RATIO * e, _RATIO**2 * V + h * _RATIO),
        "half the score": ((1 - h / (2 * v)) * e, (1 - h / (2 * v)) ** 2 * V + h),
    }, values=lambda: {"score": _SCORE}, names=NAMES,
    assumptions=(*ALL, "log X_k and the draw are normal and independent"), depends=("A13",),
)  # fmt: skip

SPREAD = "the log-variance of the data is positive, and so is q"
CLOSED = Claim(
    "R8-closed", "Dale-Langevin on log-normal data: the law after N steps", solves_the_recursion,
    holds=CLOSED_FORM, twins={
        "one noise term short": (GAIN, CLOSED_FORM[1] - h),
        "the start shrinks by the ratio only": (GAIN, GAIN * V + NOISE),
        "the mean shrinks by the squared ratio": (GAIN**2, CLOSED_FORM[1]),
    }, names=AT_THE_END, sheet=("R8",), assumptions=(*ALL, DRAWS, SPREAD), depends=("R8",),
    pins=pins_of("dale_langevin_law"))  # fmt: skip

POINT = Claim(
    "R8-point-mass", "Dale-Langevin on a single data point", is_the_law_for_a_point,
    holds=(Integer(0), h), twins={
        "the point itself": (Integer(0), Integer(0)),
        "noise of the last two steps": (Integer(0), 2 * h), "the mean is kept": (e, h),
    }, names=NAMES, sheet=("R8",), assumptions=(
        Assumption(
            "the data are a single point",
            "the variance h at the last level; data of log-variance v_0 keep a part of the start",
            lambda: not vanishes(law_after()[0].subs(v, v0 + h)),
        ), *ALL,
    ), depends=("R8",))  # fmt: skip

_FIRST = h * (1 - v0**2 / vN**2) / 2
_LEADING = v0 + _FIRST
EXACT_START = exact_start(lambda: not is_the_first_order(_LEADING, 2 * vN))
LEADING = Claim(
    "R8-leading", "Dale-Langevin on log-normal data: log-variance bias of first order",
    is_the_first_order, holds=_LEADING, means=Means.CALCULUS, twins={
        "ratio not squared": v0 + h * (1 - v0 / vN) / 2, "no factor 1/2": v0 + 2 * _FIRST,
        "opposite sign": v0 - _FIRST,
    }, values=lambda: {"psi": special.TRIGAMMA}, names=NAMES, depends=("R8-closed",),
    sheet=("R8",), assumptions=(*ALL, DRAWS, EXACT_START, SPREAD, "equal steps"))  # fmt: skip

_KL = (V / v0 - 1 - log(V / v0) + e**2 / v0) / 2
_KL_FIRST = (_FIRST / v0) ** 2 / 4
DIVERGENCE = Claim(
    "R8-KL", "Dale-Langevin on log-normal data: divergence of the output from the data",
    is_the_divergence, holds=(_KL, _KL_FIRST), twins={
        "bias not squared": (_KL, h * _FIRST / (8 * v0**2)), "1/8 for 1/16": (_KL, 2 * _KL_FIRST),
        "mean over the output's variance": (_KL + e**2 / (2 * V) - e**2 / (2 * v0), _KL_FIRST),
    }, names={**NAMES, "V": "V_0", "e": "e_0"}, means=Means.CALCULUS, sheet=("R8",), assumptions=(
        *ALL, DRAWS, EXACT_START, SPREAD, "equal steps", "the start is normal",
        "data and start have equal, independent coordinates",
    ), depends=("R8-leading", "gaussian-kl", "C6"))  # fmt: skip

_TABLE = {10: "1.37777", 100: "1.03210", 1000: "1.00315"}
NUMBERS = Claim(
    "R8-numbers", "Dale-Langevin on log-normal data: reference values", are_the_ratios,
    holds=_TABLE, twins={
        "last digit at N = 10": {**_TABLE, 10: "1.37778"},
        "last digit at N = 100": {**_TABLE, 100: "1.03211"},
        "last digit at N = 1000": {**_TABLE, 1000: "1.00314"},
    }, shown=lambda table: {"ratios": {f"N = {N}": text for N, text in table.items()}},
    values=lambda: {"data": DATA, "total": TOTAL},
    equivalent={N: f"{text}e0" for N, text in _TABLE.items()}, means=Means.POINTS, sheet=("R8",),
    assumptions=(
        *ALL, DRAWS, exact_start(
            lambda: not rounds_to(_ratio(10, (DATA + TOTAL) / 2), _TABLE[10]),
            "the start of the recursion; half of it gives another ratio",
        ),
    ), depends=("R8",))  # fmt: skip
CLAIMS = (R8, CLOSED, POINT, LEADING, DIVERGENCE, NUMBERS)
