"""Annealing and inner loops in the limit of many levels, and without noise, on log-normal data.

Symbols of `_symbols`; v runs from v_N down to v_0; rho = L delta_s / delta; h = sigma^2 delta the
distance of levels in v.
"""

from sympy import (
    Expr,
    Function,
    Integer,
    Integral,
    Matrix,
    exp,
    expand,
    symbols,
)

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.pins import table
from spec.exact._chain import DATA, law_after
from spec.exact._symbols import NAMES, V, a, e, h, kappa, m, r, sigma, v, v0, vN

rho, count, s2, u = symbols("rho l s2 u", positive=True)
V_N, e_N, N, log_chi, J, i = symbols("V_N e_N N log_chi J i", real=True)
strength = Function("kappa")


def is_the_limit(candidate: tuple[Expr, Expr]) -> bool:
    r"""In the limit of many levels at fixed $\rho$, $L$ and $\kappa(v)$, and for $m$ zero,
    $V_0=[[0]]$ and $e_0=[[1]]$, where $\rho$ is $L\delta_s$ in units of $\delta$.

    The changes over a level are those of $L$ steps in units of $h$, whatever $L$: to first order
    a step after others adds what it adds by itself. The recursion is Euler's rule for the two
    linear equations in $v$ with these rates, which the formulas solve with the right values at
    $v_N$.
    """
    (rates, more), law = _rates(), Matrix(candidate)
    starts = law.subs(v, vN).doit() - Matrix([V_N, e_N])
    slopes = law.diff(v) - rates.subs(dict(zip((V, e), law, strict=True)))
    return vanishes((*map(_rational, (*starts, *slopes)), *more))


def _rational(f: Expr) -> Expr:
    """With symbols for the powers of v and v_N, the integral and kappa(v)."""
    powers = {v**rho: symbols("Q"), vN**rho: symbols("Q_N"), strength(v): kappa}
    return expand(f.replace(Integral, lambda *_: J)).subs(powers)


def _rates(slope: Expr | int = 0) -> tuple[Matrix, Matrix]:
    """dV/dv and de/dv, minus the change over a level of L steps of size rho h / L to first order
    in h; and what must vanish so that the steps of a level add up. `slope` is m / sigma^2."""
    mean, variance = law_after(strength=kappa, fall=Integer(0))
    stepped = Matrix([variance, mean]).subs(m, slope * h / r**2).subs(h, rho * h / count)
    before = Matrix(symbols("before_V before_e"))
    later = stepped.subs({V: V + h * before[0], e: e + h * before[1]}, simultaneous=True)
    one, two = (f.diff(h).subs(h, 0) for f in (stepped, later))
    return -count * one - Matrix([0, slope]), two - before - one


def is_the_exponent(exponent: Expr) -> bool:
    r"""At the $i$-th level below the top, of variance $v$, $i\,\log\chi=[[it]]$: the logarithm of
    $\chi^i$.

    It is at $[[level]]$, since $N$ levels share $\sigma^2$.
    """
    return vanishes(exponent.subs(v, _LEVEL) - i * log_chi)


def is_the_noise_free_law(variance: Expr, length: int = 1) -> bool:
    r"""Without noise and with one step a level, as long as the level, the variance at any level is
    $[[it]]$, exactly and for every number of levels.

    By induction: nothing has changed at $v_N$, and a step of the sampler without noise leads from
    this variance at one level to that at the next.
    """
    stepped = law_after(strength=Integer(0))[1].subs(h, length * h).subs(V, variance)
    return vanishes((variance.subs(v, vN) - V_N, variance.subs(v, v - h) - stepped))


_LEVEL = vN - s2 / N * i
_CARRIED, _WEIGHTED = (v / vN) ** rho, Integral(strength(u) ** 2 * u ** (-2 * rho), (u, v, vN))
_MEAN, _ADDED = _CARRIED * e_N, rho * v ** (2 * rho) * _WEIGHTED
_KEPT = _CARRIED**2 * V_N
_LIMIT = (_KEPT + _ADDED, _MEAN)


def _pinned(candidate: tuple[Expr, Expr]) -> tuple[Expr, Expr]:
    """Mean and variance for kappa = exp(-c (v_N - v) / sigma^2 T)."""
    c, T, M, total = *symbols("c T M"), vN - v
    noise = (f.replace(strength, lambda w: exp(-c * (vN - w) / total)) for f in candidate)
    at = {v: v0, vN: v0 + sigma**2 * T, V_N: symbols("V"), e_N: M - a}
    variance, mean = (f.subs(at, simultaneous=True) for f in noise)
    return a + mean, variance


NO_DRIFT = Assumption(
    "m is zero",
    "the rate of the mean, to which the drift of steps that are not as long as a level adds",
    lambda: not vanishes(_rates(symbols("slope"))[0][1] - _rates()[0][1]),
)
LIMIT = Claim(
    "R10-limit", "annealed noise and inner loop: the limit of many levels", is_the_limit,
    holds=_LIMIT, twins={
        "power rho": (_CARRIED * V_N + _ADDED, _MEAN),
        "rho left out before the integral": (_KEPT + _ADDED / rho, _MEAN),
        "integral not weighted at v_0": (_KEPT + _ADDED / _CARRIED**2, _MEAN),
        "mean like the variance": (_LIMIT[0], _CARRIED**2 * e_N),
    }, names={**NAMES, "v": "v_0"}, means=Means.CALCULUS, sheet=("R10",), assumptions=(
        *DATA, NO_DRIFT,
        "kappa is continuous in v, and Euler's rule for a linear equation with continuous "
        "coefficients converges (its classical theorem, cited)",
    ), depends=("R10",), pins=(
        Pin(
            "gbm_ref.annealed_limit_law", table(
                "a v0 sigma T rho c M V", (0.3, 0.05, 0.8, 1.0, 0.6, 5.0, 0.7, 0.6),
                (-1.1, 0.4, 1.3, 1.5, 3.0, 0.0, 2.0, 3.1),
                (0.2, 0.1, 0.6, 0.7, 0.5, 0.7, 0.1, 0.2),
            ), reads=_pinned,
        ),
    ),
)  # fmt: skip

_EXPONENT = N * log_chi * (vN - v) / s2
GEOMETRIC = Claim(
    "R10-geometric", "geometric annealing as a function of the variance", is_the_exponent,
    holds=_EXPONENT, twins={"c without N": _EXPONENT / N, "growing noise": -_EXPONENT},
    values=lambda: {"level": _LEVEL}, names={"log_chi": r"\log\chi"}, sheet=("R10",),
    depends=("A-Alg1",),
)  # fmt: skip
_QUIET = (v / vN) ** 2 * V_N
NOISE_FREE = Claim(
    "R10-noise-free", "the sampler without noise", is_the_noise_free_law, holds=_QUIET,
    twins={"probability flow": vN / v * _QUIET, "cubed": v / vN * _QUIET}, names=NAMES,
    sheet=("R10",), assumptions=(
        *DATA, Assumption(
            "each step is as long as the distance of the levels", "the level that a step leads to",
            lambda: not is_the_noise_free_law(_QUIET, 2),
        ),
    ), depends=("R10",),
)  # fmt: skip

CLAIMS = (LIMIT, GEOMETRIC, NOISE_FREE)
