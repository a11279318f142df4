"""What has a stationary law and what has not: GBM, Brownian motion with drift, Ornstein-Uhlenbeck.

Symbols: y  log x or the position;  m  drift of log X, mu - sigma^2 / 2;  s2  sigma^2;
theta, center  rate and centre of the Ornstein-Uhlenbeck process;  E  exp(-theta t).
"""

from collections.abc import Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, diff, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.diffusions import fokker_planck, plain_partials
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2
from spec.checking.symbols import M, V, m, mu, s2, t

y, y0, center = symbols("y y0 center", real=True)
theta, E = symbols("theta E", positive=True)

# Log-derivatives f'/f of two stationary solutions f, for m != 0 and for m = 0.
Stationary = Mapping[str, tuple[Expr, Expr]]


def are_the_stationary_solutions(solutions: Stationary) -> bool:
    """Whether the stationary Fokker-Planck equation of log X has these solutions and none else.

    The equation (s2/2) f'' = m f' is linear of order two, so two independent solutions span all.
    Each must solve it, in the form s2/2 (r' + r^2) = m r for r = f'/f, and they must be
    independent: their Wronskian f g' - f' g = f g (r_g - r_f) is not zero.
    """
    answers = []
    for case, (first, second) in solutions.items():
        drift = {"m != 0": m, "m = 0": Integer(0)}[case]
        for slope in (first, second):
            answers.append(vanishes(s2 * (diff(slope, y) + slope**2) / 2 - drift * slope))
        answers.append(not same(first, second))
    return all(answers) and set(solutions) == {"m != 0", "m = 0"}


_SOLUTIONS = {"m != 0": (Integer(0), 2 * m / s2), "m = 0": (Integer(0), 1 / y)}


def _spread() -> tuple[Figure, ...]:
    sigma = mpf("0.8")
    return tuple(
        Figure(f"standard deviation of log X_t from a point, sigma = 0.8, t = {time}", value)
        for time, value in ((n, sigma * mpmath.sqrt(n)) for n in (1, 100, 10000))
    )


E5 = Claim(
    id="E5",
    title="geometric Brownian motion has no equilibrium",
    statement=r"Every stationary solution for $\log X$ is $c_1+c_2e^{2my/\sigma^2}$ with "
    r"$m=\mu-\tfrac{\sigma^2}2\ne0$, or $c_1+c_2y$ when $m=0$. No non-negative one of them can be "
    r"normalized, and $\mathrm{Var}\log X_t=\mathrm{Var}\log X_0+\sigma^2t\to\infty$: there is no "
    "equilibrium distribution.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("sec. 2: equilibrium of GBM"),
    sheet=("E5",),
    assumptions=("sigma > 0",),
    depends=("A8", "A6"),
    derivation=r"Stationary means $\tfrac{\sigma^2}2q''=mq'$, linear of order two, solved by $1$ "
    r"and $e^{2my/\sigma^2}$ (by $1$ and $y$ when $m=0$), which are independent and so span all "
    r"solutions. Each is monotone, because $q'$ solves $w'=\tfrac{2m}{\sigma^2}w$ and keeps its "
    r"sign; a non-negative monotone function on $\mathbb R$ has an infinite integral unless it is "
    r"zero. For laws without a density: an invariant law has "
    r"$\lvert\varphi(u)\rvert=\lvert\varphi(u)\rvert e^{-u^2\sigma^2t/2}$, so $\varphi(u)=0$ for "
    r"all $u\ne0$, against $\varphi(0)=1$ and continuity. "
    "The routine decides the solutions; what follows from them is argued here.",
    proof=Proof(
        are_the_stationary_solutions,
        holds=_SOLUTIONS,
        twins={
            "exponent m/sigma^2": {**_SOLUTIONS, "m != 0": (Integer(0), m / s2)},
            "exponent with the wrong sign": {**_SOLUTIONS, "m != 0": (Integer(0), -2 * m / s2)},
            "one solution twice": {**_SOLUTIONS, "m = 0": (Integer(0), Integer(0))},
        },
        printed={
            "a log-normal law is stationary": {
                **_SOLUTIONS,
                "m != 0": (-(y - M) / V, 2 * m / s2),
            },
        },
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed="The equilibrium distribution of GBM is the log-normal density and its "
        "time-reversal would give us the sampling formula we seek",
        trouble="GBM has no equilibrium. Its log is a Brownian motion with drift, whose variance "
        "grows without bound; put into the stationary equation, a normal density of any mean and "
        "variance leaves a residual.",
        correction="The law of GBM from a fixed point is log-normal at each *fixed time*. Version "
        "2 says so ('at any fixed time'). The time reversal, which the sentence is after, needs "
        "no equilibrium, only the laws at the times between.",
        figures=_spread,
        remains_open="Version 2 has replaced the sentence; what E6 says about the initial law "
        "still applies to it.",
    ),
)

Law = tuple[Expr, Expr]


def are_the_laws(laws: tuple[Law, Law]) -> bool:
    """Whether (mean, variance) are those of dY = mu dt + sigma dW and of the OU process, from y0.

    Each normal density must solve its Fokker-Planck equation and be a point at t = 0. The second
    law is written with E = exp(-theta t), whose time derivative is -theta E.
    """
    brownian, ornstein = laws
    clocks = (lambda f: diff(f, t), lambda f: diff(f, t) - theta * E * diff(f, E))
    drifts = (mu, -theta * (y - center))
    answers = []
    for (mean, variance), d_dt, drift in zip((brownian, ornstein), clocks, drifts, strict=True):
        log_density = -((y - mean) ** 2) / (2 * variance) - log(variance) / 2
        flow = d_dt(log_density) - fokker_planck(
            log_density, Matrix([drift]), Matrix([s2]), plain_partials((y,))
        )
        answers.append(vanishes(flow))
        start = {t: 0, E: 1}
        answers += [same(mean.subs(start), y0), vanishes(variance.subs(start))]
    return all(answers)


_BROWNIAN = (y0 + mu * t, s2 * t)
_ORNSTEIN = (center + (y0 - center) * E, s2 / (2 * theta) * (1 - E**2))


def _variances() -> tuple[Figure, ...]:
    variance, rate = mpf("0.64"), mpf(1)
    return tuple(
        figure
        for time in (mpf("0.1"), mpf(1), mpf(10))
        for figure in (
            Figure(f"variance of mu dt + sigma dW at t = {mpmath.nstr(time)}", variance * time),
            Figure(
                f"of Ornstein-Uhlenbeck with theta = 1 at t = {mpmath.nstr(time)}",
                -variance / (2 * rate) * mpmath.expm1(-2 * rate * time),
            ),
        )
    ) + (Figure("as stated, at all times", variance),)


E7 = Claim(
    id="E7",
    title="Brownian motion with drift is not Ornstein-Uhlenbeck",
    statement=r"$dY=\mu\,dt+\sigma\,dW$ is Brownian motion with drift: mean $Y_0+\mu t$, variance "
    r"$\sigma^2t$. The Ornstein-Uhlenbeck process is $dY=-\theta(Y-\bar y)dt+\sigma\,dW$: mean "
    r"$\bar y+(Y_0-\bar y)e^{-\theta t}$, variance $\tfrac{\sigma^2}{2\theta}(1-e^{-2\theta t})$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(*v1("sec. 4: Ornstein-Uhlenbeck"), *v2("sec. 3: Ornstein-Uhlenbeck")),
    sheet=("E7",),
    assumptions=("Y_0 is given", "theta > 0, sigma > 0"),
    depends=("A1",),
    derivation=r"Put $\mathcal N(a(t),V(t))$ into $\partial_tq=-\partial_y(bq)+"
    r"\tfrac{\sigma^2}2\partial_y^2q$. For $b=\mu$ it requires $\dot a=\mu$, $\dot V=\sigma^2$; "
    r"for $b=-\theta(y-\bar y)$ it requires $\dot a=-\theta(a-\bar y)$, $\dot V=\sigma^2-2\theta "
    "V$. With $a(0)=Y_0$, $V(0)=0$ these have the stated solutions.",
    proof=Proof(
        are_the_laws,
        holds=(_BROWNIAN, _ORNSTEIN),
        twins={
            "variance sigma^2 t^2": ((y0 + mu * t, s2 * t**2), _ORNSTEIN),
            "OU variance sigma^2/theta": (_BROWNIAN, (_ORNSTEIN[0], s2 / theta * (1 - E**2))),
            "OU variance relaxing at rate theta": (
                _BROWNIAN,
                (_ORNSTEIN[0], s2 / (2 * theta) * (1 - E)),
            ),
        },
        printed={"mean mu, variance sigma^2": ((mu, s2), _ORNSTEIN)},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"the Ornstein-Uhlenbeck SDE ... $\mathrm dY_t=\mu\,\mathrm dt+\sigma\,\mathrm "
        r"dW_t$ ..., yielding $Y_t=Y_0+\mu t+\sigma W_t$, a Gaussian process with mean $\mu$ and "
        r"variance $\sigma^2$",
        trouble="The solution is right, the name and the moments are not: there is no pull back "
        r"to a mean, and mean and variance grow with time. They are $\mu$ and $\sigma^2$ only as "
        "rates, or at $t=1$ from $Y_0=0$.",
        correction=r"Brownian motion with drift, mean $Y_0+\mu t$, variance $\sigma^2t$.",
        figures=_variances,
        remains_open="Version 2 keeps the name and 'whose solution is Gaussian with mean and "
        "variance'; its formulas are lost, so only version 1 is refuted here.",
    ),
)

CLAIMS = (E5, E7)
