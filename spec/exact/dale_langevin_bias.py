"""The bias of the sign-preserving sampler on log-normal data, and its divergence from the data.

Setting and symbols of `dale_langevin`: score exact, one step of delta a level, full noise;
v_k = v_0 + h k, V_0 and e_0 the variance and the mean error of log X_0 of the sampler.
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Symbol, diff, expand, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation
from spec.checking.numeric import rounds_to
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact import _chain, _iterations
from spec.exact._chain import V, e, h
from spec.exact._special import theta, theta_N, trigamma_expansion, trigamma_is_bracketed

v0, vN = symbols("v0 vN", positive=True)


def expansion(start: Expr) -> Expr:
    """V_0 of the closed form as a polynomial in h, psi_1 being written as its expansion.

    theta and theta_N, both in [0, 1], stand for the remainders at v_0 / h and at v_N / h.
    """
    tail = trigamma_expansion(v0 / h, theta) - trigamma_expansion(vN / h, theta_N)
    return expand((v0 / vN) ** 2 * start + v0**2 / h * tail)


def is_the_first_order(coefficient: Expr) -> bool:
    """Whether V_0 = v_0 + coefficient h + O(h^2) for V_N = v_N at a fixed v_N = v_0 + sigma^2.

    The remainders theta of psi_1 are proved to lie in [0, 1]; they enter at h^4 only.
    """
    zeroth, first = _chain.orders(expansion(vN), h, 1)
    return trigamma_is_bracketed() and vanishes((zeroth - v0, first - coefficient))


def is_the_divergence(candidate: tuple[Expr, Expr]) -> bool:
    """Whether KL per coordinate is candidate[0], and candidate[1] h^2 + O(h^3) for e_0 = 0.

    First: the mean of log p - log q under p = N(e, V), q = N(0, v0), with l = log(V / v0).
    Second: the Taylor coefficients of (w - 1 - log w) / 2 at w = V_0 / v_0, expanded in h.
    """
    y, ratio = Symbol("y"), Symbol("l")
    excess = -ratio / 2 - (y - e) ** 2 / (2 * V) + y**2 / (2 * v0)
    w = expansion(vN) / v0
    divergence = (w - 1 - log(w)) / 2
    jets = [diff(divergence, h, k).subs(h, 0) for k in range(3)]
    leading = (jets[0], jets[1], jets[2] / 2 - candidate[1])
    return same(expectation(excess, y, e, V), candidate[0]) and vanishes(leading)


def are_the_ratios(printed: dict[int, str]) -> bool:
    """Whether V_0 / v_0 rounds to these for N steps, at v_0 = 0.1, sigma = 0.8, V_N = v_N."""
    with mpmath.workdps(50):
        data, total = mpf("0.1"), mpf("0.64")
        values = {
            N: _iterations.dale_langevin(data, total / N, N, mpf(0), data + total)[1] / data
            for N in printed
        }
        return all([rounds_to(values[N], text) for N, text in printed.items()])


_FIRST = (1 - v0**2 / vN**2) / 2
LEADING = Claim(
    id="R8-leading",
    title="Dale-Langevin on log-normal data: variance bias of first order",
    statement=r"For $V_N=v_N$: $V_0=v_0+\tfrac h2\big(1-\tfrac{v_0^2}{v_N^2}\big)+O(h^2)$ as "
    r"$h\to0$ at fixed $v_0,v_N$; the mean has no bias at all.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R8",),
    assumptions=("as for R8-closed", "start with the exact variance"),
    depends=("R8-closed",),
    derivation=r"$\psi_1(x)=\tfrac1x+\tfrac1{2x^2}+\tfrac1{6x^3}-\tfrac{\theta}{30x^5}$ with "
    r"$0\le\theta\le1$ for all $x>0$: both bounds tend to $0$, and the bound minus its value at "
    "$x+1$ exceeds, or stays below, $x^{-2}$ (polynomials with coefficients of one sign), so they "
    "bound the sum. Inserted at $v_0/h$ and $v_N/h$ the closed form is a polynomial in $h$ with "
    r"unknown $\theta$ from $h^4$ on.",
    proof=Proof(
        is_the_first_order,
        holds=_FIRST,
        twins={
            "ratio not squared": (1 - v0 / vN) / 2,
            "no factor 1/2": 1 - v0**2 / vN**2,
            "opposite sign": -_FIRST,
        },
    ),
)

_KL = (V / v0 - 1 - Symbol("l") + e**2 / v0) / 2
_KL_FIRST = (1 - v0**2 / vN**2) ** 2 / (16 * v0**2)
DIVERGENCE = Claim(
    id="R8-KL",
    title="Dale-Langevin on log-normal data: divergence of the output from the data",
    statement=r"$\mathrm{KL}=\tfrac d2\big(\tfrac{V_0}{v_0}-1-\ln\tfrac{V_0}{v_0}+"
    r"\tfrac{e_0^2}{v_0}\big)$ for data with covariance $v_0I$ and a start $N(a+m+e_N,V_NI)$ with "
    r"equal entries; for an exact start it is "
    r"$\tfrac{d\sigma^4\delta^2}{16v_0^2}\big(1-\tfrac{v_0^2}{v_N^2}\big)^2+O(\delta^3)$, of "
    "second order although the variance is of first.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("R8",),
    assumptions=("as for R8-closed", "isotropic data and start"),
    depends=("R8-leading", "gaussian-kl", "C6"),
    derivation=r"KL is the mean of $\log p-\log q$ under $p$, a polynomial of degree two, per "
    r"coordinate. At $w=V_0/v_0=1+\epsilon$, $\tfrac12(w-1-\ln "
    r"w)=\tfrac{\epsilon^2}4+O(\epsilon^3)$, and $\epsilon=\tfrac h{2v_0}(1-v_0^2/v_N^2)+O(h^2)$ "
    "by R8-leading.",
    proof=Proof(
        is_the_divergence,
        holds=(_KL, _KL_FIRST),
        twins={
            "bias not squared": (_KL, (1 - v0**2 / vN**2) / (16 * v0**2)),
            "1/8 for 1/16": (_KL, 2 * _KL_FIRST),
            "mean over the output's variance": (_KL + e**2 / (2 * V) - e**2 / (2 * v0), _KL_FIRST),
        },
    ),
)

NUMBERS = Claim(
    id="R8-numbers",
    title="Dale-Langevin on log-normal data: reference values",
    statement=r"At $v_0=0.1$, $\sigma=0.8$ and an exact start, $V_0/v_0=1.37777$, $1.03210$, "
    r"$1.00315$ for $N=10,100,1000$.",
    kind=Kind.PROVED,
    means=Means.EXACT_LAW,
    sheet=("R8",),
    assumptions=("as for R8",),
    depends=("R8",),
    derivation="The recursion of R8, run at 50 digits from the exact start.",
    proof=Proof(
        are_the_ratios,
        holds={10: "1.37777", 100: "1.03210", 1000: "1.00315"},
        twins={
            "last digit at N = 10": {10: "1.37778", 100: "1.03210", 1000: "1.00315"},
            "last digit at N = 100": {10: "1.37777", 100: "1.03211", 1000: "1.00315"},
            "last digit at N = 1000": {10: "1.37777", 100: "1.03210", 1000: "1.00314"},
        },
    ),
)

CLAIMS = (LEADING, DIVERGENCE, NUMBERS)
