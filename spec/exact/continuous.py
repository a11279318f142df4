"""Annealing and inner loops in the limit of many levels, on log-normal data.

Symbols: v runs from v_N down to v_0; rho = L delta_s / delta; kappa(v) the noise factor at the
level of variance v; P = v^(2 rho), P_N = v_N^(2 rho); J the integral of kappa(u)^2 / u^(2 rho)
over [v, v_N]; Q, Q_N = v^rho, v_N^rho; h = sigma^2 delta the distance of levels in v.
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, diff, lambdify, symbols

from spec.checking.algebra import vanishes
from spec.checking.numeric import agree, integral
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact import _chain, _closed_pins, _iterations
from spec.exact._chain import V, e, h, in_log_variance, kappa, law_after, v

rho, P, P_N, Q, Q_N, vN = symbols("rho P P_N Q Q_N v_N", positive=True)
J, V_N, e_N = symbols("J V_N e_N", real=True)
N, log_chi, s2 = symbols("N log_chi s2", real=True)
HALF_LEVELS = 250


def is_the_limit(candidate: tuple[Expr, Expr]) -> bool:
    """Whether (V, e) at variance v are these, in the limit of many levels and m = 0.

    The rates dV/dv and de/dv are those of L inner steps of size rho h / L at a level, to first
    order in h, for L = 1, 2, 3; the candidates must have these derivatives and the right start.
    Then chains of many levels, extrapolated, against the candidate at 50 digits.
    """
    at_start = {P: P_N, Q: Q_N, J: 0}
    starts = vanishes(
        tuple(f.subs(at_start) - g for f, g in zip(candidate, (V_N, e_N), strict=True))
    )
    slopes = tuple(_along_v(f) for f in candidate)
    here = {V: candidate[0], e: candidate[1]}
    agrees = all(
        [
            vanishes(
                tuple(s - rate.subs(here) for s, rate in zip(slopes, _rates(repeats), strict=True))
            )
            for repeats in (1, 2, 3)
        ]
    )
    return starts and agrees and _matches_long_chains(candidate[0])


def _rates(repeats: int) -> tuple[Expr, Expr]:
    """dV/dv and de/dv: minus the change over a level, to first order in h."""
    mean, variance = (
        in_log_variance(f).subs({h: rho * h / repeats, _chain.m: 0})
        for f in law_after(_chain.dale_langevin, kappa)
    )
    new_mean, new_variance = e, V
    for _ in range(repeats):
        new_mean, new_variance = mean.subs(e, new_mean), variance.subs(V, new_variance)
    return -diff(new_variance, h).subs(h, 0), -diff(new_mean, h).subs(h, 0)


def _along_v(f: Expr) -> Expr:
    """df/dv with dP/dv = 2 rho P / v, dQ/dv = rho Q / v, dJ/dv = -kappa^2 / P."""
    parts = ((P, 2 * rho * P / v), (Q, rho * Q / v), (J, -(kappa**2) / P), (v, Integer(1)))
    return sum(diff(f, symbol) * slope for symbol, slope in parts)


def _matches_long_chains(variance: Expr) -> bool:
    """L = 2, rho = 0.7, kappa(v) = exp(-2 (v_N - v) / sigma^2), extrapolated from 3 chains.

    The remainder of order N^-3 is about 1e-7 for N = 250, 500, 1000; 1e-6 is allowed.
    """
    with mpmath.workdps(50):
        v0, total, ratio, start = mpf("0.15"), mpf("0.64"), mpf("0.7"), mpf("0.6")
        end = v0 + total
        chains = []
        for levels in (HALF_LEVELS, 2 * HALF_LEVELS, 4 * HALF_LEVELS):
            step = total / levels
            factors = [mpmath.exp(-2 * i * step / total) for i in range(levels)]
            inner = (2, ratio * step / 2)
            chains.append(
                _iterations.annealed(v0, step, levels, inner, factors.__getitem__, start)
            )
        weight = integral(lambda u: mpmath.exp(-4 * (end - u) / total) / u ** (2 * ratio), v0, end)
        formula = lambdify([P, P_N, J, V_N, rho, v], variance, "mpmath")
        value = formula(v0 ** (2 * ratio), end ** (2 * ratio), weight, start, ratio, v0)
        return agree(_iterations.eliminated(*chains), value, 6)


def is_the_exponent(exponent: Expr) -> bool:
    """Whether chi^i = exp(exponent) at the i-th level, for an exponent in v and v_N.

    The i-th level is k = N - i, at v = v_N - h i with h = sigma^2 / N; chi^i = exp(i log chi).
    """
    i = symbols("i", real=True)
    return vanishes(exponent.subs(v, vN - s2 / N * i) - i * log_chi)


def is_the_noise_free_law(variance: Expr) -> bool:
    """Whether noise-free steps, one of delta a level, lead from V_N to `variance` at any level v.

    By induction: nothing has changed at v = v_N, and a step of the sampler with kappa = 0 leads
    from the variance at v to that at v - h.
    """
    stepped = in_log_variance(law_after(_chain.dale_langevin, Integer(0))[1]).subs(V, variance)
    return vanishes((variance.subs(v, vN) - V_N, variance.subs(v, v - h) - stepped))


_RIGHT = (P / P_N * V_N + rho * P * J, Q / Q_N * e_N)

LIMIT = Claim(
    id="R10-limit",
    title="annealed noise and inner loop: the limit of many levels",
    statement=r"For $N\to\infty$ at fixed $\rho=L\delta_s/\delta$, $L$, $\kappa(v)$ and $m=0$: "
    r"$V_0=\big(\tfrac{v_0}{v_N}\big)^{2\rho}V_N+\rho\int_{v_0}^{v_N}\big(\tfrac{v_0}v\big)^{2\rho}"
    r"\kappa(v)^2dv$ and $e_0=\big(\tfrac{v_0}{v_N}\big)^\rho e_N$.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("R10",),
    assumptions=("as for R10", "kappa continuous in v", "m = 0"),
    depends=("R10",),
    derivation=r"Over a level $v$ falls by $h$ and the $L$ steps of size $\rho h/L$ change $V$ by "
    r"$-2\rho\tfrac hvV+\rho\kappa^2h+O(h^2)$, whatever $L$, and $e$ by $-\rho\tfrac hve$. So "
    r"$\tfrac{dV}{dv}=\tfrac{2\rho}vV-\rho\kappa^2$, $\tfrac{de}{dv}=\tfrac\rho ve$, linear "
    "equations that the formulas solve with the right values at $v_N$. Euler's rule for them "
    r"converges since $v\ge v_0>0$; chains of 250, 500 and 1000 levels, extrapolated, agree.",
    proof=Proof(
        is_the_limit,
        holds=_RIGHT,
        twins={
            "power rho": (Q / Q_N * V_N + rho * P * J, _RIGHT[1]),
            "rho left out before the integral": (P / P_N * V_N + P * J, _RIGHT[1]),
            "integral not weighted at v_0": (P / P_N * V_N + rho * P_N * J, _RIGHT[1]),
            "mean like the variance": (_RIGHT[0], P / P_N * e_N),
        },
    ),
    pins=(_closed_pins.LIMIT,),
)

GEOMETRIC = Claim(
    id="R10-geometric",
    title="geometric annealing as a function of the variance",
    statement=r"$\kappa=\chi^i$ at the $i$-th level is $\kappa(v)=e^{-c(v_N-v)/\sigma^2}$ with "
    r"$c=-N\ln\chi$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R10",),
    assumptions=("start at k = N, where i = 0",),
    depends=("A-Alg1",),
    derivation=r"The $i$-th level is $k=N-i$ with $v=v_N-hi$ and $h=\sigma^2/N$, so "
    r"$i=N(v_N-v)/\sigma^2$ and $\chi^i=e^{i\ln\chi}$.",
    proof=Proof(
        is_the_exponent,
        holds=N * log_chi * (vN - v) / s2,
        twins={
            "c without N": log_chi * (vN - v) / s2,
            "growing noise": -N * log_chi * (vN - v) / s2,
        },
    ),
)

NOISE_FREE = Claim(
    id="R10-noise-free",
    title="the sampler without noise",
    statement=r"$\kappa\equiv0$, $L=1$, $\delta_s=\delta$ give $V_0=(v_0/v_N)^2V_N$ exactly for "
    r"every $N$, that is $v_0^2/v_N$ for $V_N=v_N$: less than $v_0$ by the factor $v_0/v_N$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R10",),
    assumptions=("as for R10",),
    depends=("R10",),
    derivation=r"The factors $(v_{k-1}/v_k)^2$ telescope, and nothing is added.",
    proof=Proof(
        is_the_noise_free_law,
        holds=(v / vN) ** 2 * V_N,
        twins={
            "probability flow": v / vN * V_N,
            "cubed": (v / vN) ** 3 * V_N,
        },
    ),
)

CLAIMS = (LIMIT, GEOMETRIC, NOISE_FREE)
