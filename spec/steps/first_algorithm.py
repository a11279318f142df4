"""Errata of Algorithm 1 of version 1: its drift and its range of levels.

Log-normal data, log X_0 ~ N(a, v0), for which 1 + h = -(y - a - m t) / (v0 + s2 t) exactly.
Symbols: s2 = sigma^2; m = mu - s2/2 rate; dt step; H = s2 dt; N steps; psi digamma.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
from mpmath import mpf
from sympy import Expr, Rational, expand_func, polygamma, sqrt

from spec.checking.algebra import same, vanishes
from spec.checking.numeric import rounds_to
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Pin, Proof, v1
from spec.checking.symbols import H, a, dt, h, kappa, mu, s2, sigma, v0, z
from spec.steps._pinned import STEP_POINTS, dale_formula
from spec.steps._programs import START, UnknownScore, by_rows, draw
from spec.steps._reverse import root


def _mean_at_the_end(shift: Expr, levels: int) -> Expr:
    """E log X_0 - a after N steps with exponent -dt (mu - shift s2) + dt s2 h + noise.

    The mean of log X at t = 1 is a + m, and that of h is the affine score of the mean.
    """
    rate = mu - s2 / 2
    mean = a + rate * levels * dt
    for k in range(levels, 0, -1):
        score = -1 - (mean - a - rate * k * dt) / (v0 + s2 * k * dt)
        mean = mean - dt * (mu - shift * s2) + dt * s2 * score
    return mean - a


def keeps_the_mean(shift: Expr) -> bool:
    """Whether sampling from the exact start returns the mean of the log data, for 1 to 3 steps."""
    return vanishes(tuple(_mean_at_the_end(shift, n) for n in (1, 2, 3)))


@dataclass(frozen=True)
class Bias:
    """The bias with drift mu - s2/2: as a function of (v0, H, N), its limit, and quoted numbers.

    limit   a function of (v0, s2)
    quoted  the decimal for v0 = 0.05, sigma = 0.8, N = 1000
    """

    formula: Callable[[Expr, Expr, int], Expr]
    limit: Callable[[mpf, mpf], mpf]
    quoted: str


def is_the_bias(bias: Bias) -> bool:
    """Whether the printed drift biases the mean of log X_0 by `formula`, `limit` and `quoted`.

    The formula against the recursion of the mean in symbols, for N = 1, 2, 3. The limit
    against the recursion at 50 digits: the distance has to fall tenfold from N = 100 to 1000,
    within 1 %. The decimal against the recursion at N = 1000.
    """
    exact = all(
        [
            same(
                _mean_at_the_end(Rational(1, 2), n).subs(dt, H / s2),
                expand_func(bias.formula(v0, H, n)),
            )
            for n in (1, 2, 3)
        ]
    )
    with mpmath.workdps(50):
        data, rate = mpf("0.2"), mpf("0.7")
        coarse, fine = (_bias_by_steps(data, rate, n) for n in (100, 1000))
        wanted = bias.limit(data, rate)
        tenfold = bool(abs((coarse - wanted) / (fine - wanted) - 10) < mpf("0.1"))
        quoted = rounds_to(_bias_by_steps(mpf("0.05"), mpf("0.64"), 1000), bias.quoted)
    return exact and tenfold and quoted


def _bias_by_steps(data: mpf, rate: mpf, levels: int) -> mpf:
    """The recursion of the mean deviation, e <- (v' / v) e - h, in numbers."""
    step, deviation = rate / levels, mpf(0)
    for k in range(levels, 0, -1):
        deviation = (1 - step / (data + step * k)) * deviation - step
    return deviation


def is_the_uniform_sampler(candidate: tuple[Callable[[int], range], Expr]) -> bool:
    """Whether a loop over these levels with this exponent is Euler-Maruyama from t = 1 to 0.

    candidate  the levels as a function of N, and the exponent in the names h and z
    Right: N Euler-Maruyama steps in log X with their scores read at t = N delta, ..., delta, for
    N = 1, 2, 3.
    """
    levels, exponent = candidate
    verdicts = []
    for count in (1, 2, 3):
        score, state = UnknownScore(), START
        for k in levels(count):
            state = state + exponent.subs({h: score(state, k), z: draw(k, 1)}, simultaneous=True)
        verdicts.append(same(state, by_rows([(k, 1, 1) for k in range(count, 0, -1)], score)))
    return all(verdicts)


def _formula(data: Expr, step: Expr, levels: int) -> Expr:
    return -data * (polygamma(0, data / step + levels) - polygamma(0, data / step))


_HOLDS = Bias(_formula, lambda v, s: -v * mpmath.log((v + s) / v), "-0.1315")


def _drift_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        bias = _bias_by_steps(mpf("0.05"), mpf("0.64"), 1000)
        return (
            Figure("bias of the mean of log X_0 (v0 = 0.05, sigma = 0.8, N = 1000)", bias),
            Figure("factor on the geometric mean of a pixel", mpmath.exp(bias)),
        )


E2 = Claim(
    id="E2",
    title="drift of Algorithm 1",
    statement=r"The exponent of a step needs $-\delta(\mu-\frac{3\sigma^2}2\mathbf 1)$: of all "
    r"$-\delta(\mu-c\,\sigma^2\mathbf 1)$ only $c=\frac32$ returns the mean of log-normal data.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("Algorithm 1"),
    sheet=("E2",),
    assumptions=("log-normal data, exact score, exact start",),
    depends=("A13",),
    derivation=r"With the affine score the mean obeys "
    r"$e_{k-1}=\frac{v_{k-1}}{v_k}e_k+(c-\frac32)h$, $h=\sigma^2\delta$, where $e_k$ is its "
    "distance from $a+mt_k$. Exact start: $e_N=0$, so $e_0=0$ for every $v_0$ if and only if "
    r"$c=\frac32$. Decided for one, two and three steps with symbols for "
    r"$a,\mu,\sigma^2,\delta,v_0$.",
    proof=Proof(
        keeps_the_mean,
        holds=Rational(3, 2),
        twins={"c = 2, as in the ambient step": Rational(2), "c = 1": Rational(1)},
        printed={"c = 1/2 in line 4": Rational(1, 2)},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"Algorithm 1, line 4: $\bm X_{k-1}=\bm X_k\circ\exp(-\delta(\bm\mu-"
        r"\frac{\sigma^2}2\bm1)+\delta\sigma^2\bm X_k\circ s_\theta(\bm X_k,k)+\sigma\sqrt\delta"
        r"\bm Z_k)$",
        trouble=r"Eq. 13 and Algorithm 2 have $\frac{3\sigma^2}2$. With $\frac{\sigma^2}2$ the "
        r"Jacobian term of the log score is lost, $\sigma^2\delta$ in each step, and images come "
        r"out too dark: on log-normal data the mean of $\log X_0$ is off by "
        r"$-v_0[\psi(\frac{v_0}h+N)-\psi(\frac{v_0}h)]$.",
        correction=r"$-\delta(\bm\mu-\frac{3\sigma^2}2\bm1)$ in line 4, as in eq. 13.",
        figures=_drift_figures,
    ),
)

_STEP = -(mu - sigma**2 / 2) * dt, sigma**2 * dt, kappa * sigma * sqrt(dt)
_PRINTED = (
    Pin(
        "gbm_ref.PrintedAlgorithm1.__call__",
        formula=dale_formula(Rational(1, 2)),
        twins={"eq. (13), as it is meant": dale_formula()},
        points=STEP_POINTS,
    ),
    Pin(
        "gbm_ref.PrintedAlgorithm1.coefficients",
        formula=(_STEP[0] - _STEP[1], *_STEP[1:]),
        twins={"eq. (13), as it is meant": _STEP},
        points=tuple({k: p[k] for k in ("mu", "sigma", "t", "dt", "kappa")} for p in STEP_POINTS),
    ),
)

E2_BIAS = Claim(
    id="E2-bias",
    title="bias of Algorithm 1's drift, in closed form",
    statement=r"With $\frac{\sigma^2}2$ for $\frac{3\sigma^2}2$ and an exact start, "
    r"$\mathbb E\log X_0-a=-v_0\big[\psi(\tfrac{v_0}h+N)-\psi(\tfrac{v_0}h)\big]"
    r"\to-v_0\ln\tfrac{v_N}{v_0}$ for $N\to\infty$, $h=\frac{\sigma^2}N$; $-0.1315$ at "
    r"$v_0=0.05,\sigma=0.8,N=1000$.",
    kind=Kind.PROVED,
    means=Means.EXACT_LAW,
    sources=v1("Algorithm 1"),
    sheet=("E2",),
    assumptions=("log-normal data, exact score, exact start",),
    depends=("E2",),
    derivation=r"$e_{k-1}=\frac{v_{k-1}}{v_k}e_k-h$ with $e_N=0$ telescopes: $\frac{e_0}{v_0}="
    r"-\sum_{k=1}^N\frac h{v_{k-1}}=-\sum_{j=0}^{N-1}\frac1{v_0/h+j}$, a difference of digammas. "
    r"It is a Riemann sum of $-\int_{v_0}^{v_N}\frac{dv}v$.",
    proof=Proof(
        is_the_bias,
        holds=_HOLDS,
        twins={
            "digamma shifted by one": Bias(
                lambda v, step, n: _formula(v, step, n) + step - v / (v / step + n),
                _HOLDS.limit,
                _HOLDS.quoted,
            ),
            "limit without v0": Bias(
                _formula, lambda v, s: -mpmath.log((v + s) / v), _HOLDS.quoted
            ),
            "last digit": Bias(_formula, _HOLDS.limit, "-0.1314"),
        },
    ),
    pins=_PRINTED,
)

_EXPONENT = -(root**2) * (mu - 3 * sigma**2 / 2) + root**2 * sigma**2 * h + sigma * root * z

V1_ALG1 = Claim(
    id="V1-Alg1",
    title="Algorithm 1 of version 1, corrected",
    statement=r"Algorithm 1 with $\frac{3\sigma^2}2$ in line 4 and $k=N,\dots,1$ is the "
    r"Euler–Maruyama discretisation of eq. 11 from $t=1$ to $t=0$ in $N$ equal steps.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v1("Algorithm 1"),
    sheet=("E2", "E4"),
    depends=("A13", "E2", "E4"),
    derivation="Run the loop on symbols with an arbitrary score and compare it with "
    r"Euler–Maruyama steps in $\log X$ that are built from eq. 7 by Itô's formula, along "
    r"$t=N\delta,\dots,\delta$ for $N=1,2,3$; each pass is the same for every $N$.",
    proof=Proof(
        is_the_uniform_sampler,
        holds=(lambda n: range(n, 0, -1), _EXPONENT),
        twins={
            "drift as printed": (lambda n: range(n, 0, -1), _EXPONENT - root**2 * sigma**2),
            "levels as printed": (lambda n: range(n - 1, -1, -1), _EXPONENT),
            "from N - 1 to 1": (lambda n: range(n - 1, 0, -1), _EXPONENT),
        },
    ),
)

CLAIMS = (E2, E2_BIAS, V1_ALG1)
