"""Annealing and inner loops in the limit of many levels, and without noise, on log-normal data.

Symbols of `_symbols`; v runs from v_N down to v_0; rho = L delta_s / delta; P = v^(2 rho),
Q = v^rho, P_N, Q_N their values at v_N; J the integral of kappa(u)^2 / u^(2 rho) over [v, v_N];
h = sigma^2 delta the distance of levels in v.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Function, Integer, Integral, diff, exp, lambdify, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.exact._chain import DATA, law_after
from spec.exact._rounding import Values
from spec.exact._symbols import NAMES, V, e, h, kappa, m, r, v, v0, vN

rho, P, P_N, Q, Q_N, count, s2 = symbols("rho P P_N Q Q_N l s2", positive=True)
J, V_N, e_N, N, log_chi = symbols("J V_N e_N N log_chi", real=True)


def is_the_limit(candidate: tuple[Expr, Expr]) -> bool:
    r"""In the limit of many levels at fixed $\rho$, $L$ and $\kappa(v)$, and for $m$ zero,
    $V_0=[[V]]$ and $e_0=[[e]]$, where $\rho$ is $L\delta_s$ in units of $\delta$.

    The changes over a level are those of $L$ steps in units of $h$, whatever $L$: to first order
    a step after others adds what it adds by itself. The recursion is Euler's rule for the two
    linear equations in $v$ with these rates, which the formulas solve with the right values at
    $v_N$.
    """
    at_start, here = {P: P_N, Q: Q_N, J: 0}, {V: candidate[0], e: candidate[1]}
    starts = tuple(f.subs(at_start) - g for f, g in zip(candidate, (V_N, e_N), strict=True))
    rates, more = _rates()
    slopes = tuple(_along_v(f) - rate.subs(here) for f, rate in zip(candidate, rates, strict=True))
    return vanishes((*starts, *slopes, *more))


def _rates(slope: Expr | int = 0) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """dV/dv and de/dv, minus the change over a level of L steps of size rho h / L to first order
    in h; and what must vanish so that the steps of a level add up. `slope` is m / sigma^2."""
    mean, variance = (
        f.subs(m, slope * h / r**2).subs(h, rho * h / count)
        for f in law_after(strength=kappa, fall=Integer(0))
    )
    one = [diff(f, h).subs(h, 0) for f in (variance, mean)]
    before = symbols("before_V before_e")
    moved = [
        f.subs(x, x + h * b) for f, x, b in zip((variance, mean), (V, e), before, strict=True)
    ]
    more = [diff(f, h).subs(h, 0) - b - c for f, b, c in zip(moved, before, one, strict=True)]
    return (-count * one[0], -count * one[1] - slope), tuple(more)


def _along_v(f: Expr) -> Expr:
    """df/dv with dP/dv = 2 rho P / v, dQ/dv = rho Q / v, dJ/dv = -kappa^2 / P."""
    parts = ((P, 2 * rho * P / v), (Q, rho * Q / v), (J, -(kappa**2) / P), (v, Integer(1)))
    return sum(diff(f, symbol) * slope for symbol, slope in parts)


def is_the_exponent(exponent: Expr) -> bool:
    r"""At the $i$-th level, counted from zero at $k$ equal to $N$, $\chi^i=[[it]]$.

    The $i$-th level is at $[[level]]$, since $N$ levels share $\sigma^2$.
    """
    i = symbols("i", real=True)
    return vanishes(exponent.subs(v, _level(i)) - i * log_chi)


def _level(i: Expr) -> Expr:
    return vN - s2 / N * i


def is_the_noise_free_law(variance: Expr, length: int = 1) -> bool:
    r"""Without noise and with one step a level, as long as the level, the variance at any level is
    $[[it]]$, exactly and for every number of levels.

    By induction: nothing has changed at $v_N$, and a step of the sampler without noise leads from
    this variance at one level to that at the next. At the end, from the exact variance, it is
    $[[end]]$.
    """
    stepped = law_after(strength=Integer(0))[1].subs(h, length * h).subs(V, variance)
    return vanishes((variance.subs(v, vN) - V_N, variance.subs(v, v - h) - stepped))


def _reads_limit(candidate: tuple[Expr, Expr]) -> Callable[[Values], tuple[mpf, mpf]]:
    """Mean and variance for the speed rho and kappa = exp(-c (v_N - v) / sigma^2 T)."""
    formula = lambdify((P, P_N, Q, Q_N, J, V_N, e_N, rho, v), candidate, "mpmath")

    def law(at: Values) -> tuple[mpf, mpf]:
        low, total, speed = at["v0"], at["sigma"] ** 2 * at["T"], at["rho"]
        with mpmath.workdps(30):
            weight = mpmath.quad(
                lambda u: u ** (-2 * speed) * mpmath.exp(-2 * at["c"] * (low + total - u) / total),
                mpmath.linspace(low, low + total, 5),
            )
        powers = (end ** (k * speed) for k in (2, 1) for end in (low, low + total))
        variance, mean = formula(*powers, weight, at["V"], at["M"] - at["a"], speed, low)
        return at["a"] + mean, variance

    return law


_RIGHT = (P / P_N * V_N + rho * P * J, Q / Q_N * e_N)


def _limit_scale(at: Values) -> tuple[mpf, mpf]:
    """The sizes of the terms, times 1 + log of each power that is raised."""
    mean, variance = _reads_limit(_RIGHT)({**at, "a": -abs(at["a"]), "M": abs(at["M"])})
    powers = 1 + 2 * at["rho"] * mpmath.log1p(at["sigma"] ** 2 * at["T"] / at["v0"])
    return (abs(mean) + 2 * abs(at["a"])) * powers, variance * (powers + 2 * at["c"])


def _shown_limit(candidate: tuple[Expr, Expr]) -> dict[str, Expr]:
    u = symbols("u", positive=True)
    weighted = Integral(Function("kappa")(u) ** 2 * u ** (-2 * rho), (u, v0, vN))
    written = {P: v0 ** (2 * rho), P_N: vN ** (2 * rho), Q: v0**rho, Q_N: vN**rho, J: weighted}
    return {name: f.subs(written) for name, f in zip("Ve", candidate, strict=True)}


_LIMIT_POINTS = tuple(
    dict(zip("a v0 sigma T rho c M V".split(), row, strict=True))
    for row in (
        (0.3, 0.05, 0.8, 1.0, 0.6, 5.0, 0.7, 0.6),
        (-1.1, 0.4, 1.3, 1.5, 3.0, 0.0, 2.0, 3.1),
        (0.2, 0.1, 0.6, 0.7, 0.5, 0.7, 0.1, 0.2),
    )
)
NO_DRIFT = Assumption(
    "m is zero",
    "the rate of the mean, to which the drift of steps that are not as long as a level adds",
    lambda: not vanishes(_rates(symbols("slope"))[0][1] - _rates()[0][1]),
)
LIMIT = Claim(
    "R10-limit",
    "annealed noise and inner loop: the limit of many levels",
    is_the_limit,
    holds=_RIGHT,
    twins={
        "power rho": (Q / Q_N * V_N + rho * P * J, _RIGHT[1]),
        "rho left out before the integral": (P / P_N * V_N + P * J, _RIGHT[1]),
        "integral not weighted at v_0": (P / P_N * V_N + rho * P_N * J, _RIGHT[1]),
        "mean like the variance": (_RIGHT[0], P / P_N * e_N),
    },
    shown=_shown_limit,
    names=NAMES,
    means=Means.CALCULUS,
    sheet=("R10",),
    assumptions=(
        *DATA,
        NO_DRIFT,
        "kappa is continuous in v, and Euler's rule for a linear equation with continuous "
        "coefficients converges (its classical theorem, cited)",
    ),
    depends=("R10",),
    pins=(
        Pin("gbm_ref.annealed_limit_law", _LIMIT_POINTS, reads=_reads_limit, scale=_limit_scale),
    ),
)

_EXPONENT = N * log_chi * (vN - v) / s2
GEOMETRIC = Claim(
    "R10-geometric",
    "geometric annealing as a function of the variance",
    is_the_exponent,
    holds=_EXPONENT,
    twins={"c without N": _EXPONENT / N, "growing noise": -_EXPONENT},
    shown=lambda exponent: {"it": exp(exponent)},
    values=lambda: {"level": _level(symbols("i"))},
    names={"log_chi": r"\log\chi"},
    sheet=("R10",),
    assumptions=("start at k = N, where i = 0",),
    depends=("A-Alg1",),
)
_QUIET = (v / vN) ** 2 * V_N
NOISE_FREE = Claim(
    "R10-noise-free",
    "the sampler without noise",
    is_the_noise_free_law,
    holds=_QUIET,
    twins={"probability flow": vN / v * _QUIET, "cubed": v / vN * _QUIET},
    values=lambda: {"end": _QUIET.subs({v: v0, V_N: vN})},
    names=NAMES,
    sheet=("R10",),
    assumptions=(
        *DATA,
        Assumption(
            "each step is as long as the distance of the levels",
            "the level that a step leads to",
            lambda: not is_the_noise_free_law(_QUIET, 2),
        ),
    ),
    depends=("R10",),
)

CLAIMS = (LIMIT, GEOMETRIC, NOISE_FREE)
