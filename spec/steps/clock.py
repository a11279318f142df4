"""When the annealed samplers are Euler-Maruyama, and where the reverse clock runs otherwise.

Symbols: L inner visits a level; delta_s = q^2 delta length of a step; chi decay of the noise;
rho = L delta_s / delta; v0, v, v_N variances of log-normal data, at the present level and at the
first; V variance of the sampler's log X; P = (v / v_N)^(2 rho), so that dP/dv = 2 rho P / v.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Rational, diff, symbols

from spec.checking.algebra import same
from spec.checking.numeric import rounds_to
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v2
from spec.checking.symbols import H, V, v
from spec.steps._programs import Setting, UnknownScore, by_rows, in_place
from spec.steps._recursions import annealed_rows, relative_variance
from spec.steps._reverse import root

rho, v_N, V_N, P = symbols("rho v_N V_N P", positive=True)


@dataclass(frozen=True)
class Choice:
    """L, q = sqrt(delta_s / delta) and chi."""

    inner: int
    length_root: Rational
    decay: Rational


def recovers_euler_maruyama(choice: Choice) -> bool:
    """Whether the annealed sampler with this choice is N Euler-Maruyama steps of length delta.

    Left: Algorithm 2 of version 1 in place, on symbols, N = 2. Right: steps built from the
    reverse equation, with noise 1 and the draw of the first visit.
    """
    score = UnknownScore()
    setting = Setting(2, choice.inner, choice.length_root * root, choice.decay)
    left = in_place(setting, score)
    return same(left, by_rows([(k, 1, Integer(1)) for k in (2, 1)], score))


@dataclass(frozen=True)
class Limit:
    """V as a function of (v, P, v_N, V_N, rho), and V_0 / v_0 for exact starts as quoted.

    quoted  (rho, L, the ratio) for v0 = 0.05, sigma = 0.8
    """

    formula: Callable[[Expr, Expr, Expr, Expr, Expr], Expr]
    quoted: tuple[tuple[str, int, str], ...]


def is_the_limit(limit: Limit) -> bool:
    """Whether the variance of the chi = 1 sampler tends to `formula` as delta goes to 0.

    The exact recursion of one level, L visits of length rho delta / L, expanded to first order
    in H = sigma^2 delta, gives dV/dv = 2 rho V / v - rho; the formula has to satisfy it and start
    from V_N. The quoted ratios are compared with the formula, and the formula with the recursion
    at N = 250 and 500: the distance has to halve, within 4 %.
    """
    formula = limit.formula(v, P, v_N, V_N, rho)
    slope = diff(formula, v) + diff(formula, P) * 2 * rho * P / v
    verdicts = [same(formula.subs({v: v_N, P: 1}, simultaneous=True), V_N)]
    for inner in (1, 2, 3):
        after = V
        for _ in range(inner):
            step = rho * H / inner
            after = (1 - step / v) ** 2 * after + step
        by_level = -diff(after, H).subs(H, 0)
        verdicts.append(same(slope, by_level.subs(V, formula)))
    with mpmath.workdps(50):
        verdicts += [_quoted_and_approached(limit, *entry) for entry in limit.quoted]
    return all(verdicts)


def _quoted_and_approached(limit: Limit, rate: str, inner: int, quoted: str) -> bool:
    data, noise, speed = mpf("0.05"), mpf("0.64"), mpf(rate)
    last = data + noise
    wanted = limit.formula(data, (data / last) ** (2 * speed), last, last, speed) / data
    coarse, fine = (_by_recursion(data, noise, speed, inner, n) - wanted for n in (250, 500))
    return rounds_to(wanted, quoted) and bool(abs(coarse / fine - 2) < mpf("0.08"))


def _by_recursion(data: mpf, noise: mpf, speed: mpf, inner: int, levels: int) -> mpf:
    rows = annealed_rows(levels, speed / inner / levels, inner, mpf(1), levels)
    return relative_variance(rows, data, noise)


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        return tuple(
            Figure(
                f"log-variance over that of the data at chi = 1, L = {inner}, delta_s = "
                f"{mpmath.nstr(mpf(speed) / inner, 3)} delta (sigma = 0.8, v0 = 0.05, N = 1000)",
                _by_recursion(mpf("0.05"), mpf("0.64"), mpf(speed), inner, 1000),
            )
            for speed, inner in (("0.2", 1), ("0.6", 3), ("3", 3), ("1", 1))
        )


def _formula(v: Expr, P: Expr, last: Expr, start: Expr, rho: Expr) -> Expr:
    return rho * v / (2 * rho - 1) + (start - rho * last / (2 * rho - 1)) * P


_QUOTED = (("0.2", 1, "6.1"), ("0.6", 3, "1.82"), ("3", 3, "0.60"))

E17 = Claim(
    id="E17",
    title="what recovers Euler-Maruyama",
    statement=r"The annealed samplers are the Euler–Maruyama discretisation with steps of "
    r"$\delta$ if $\chi=1$ and $L=1$ and $\delta_s=\delta$; $\chi=1$ alone is not enough.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("sec. 6.3: setting that recovers Euler-Maruyama"),
    sheet=("E17",),
    assumptions=("the lost symbol is the annealing factor; the listing is A-Alg1",),
    depends=("A13", "A-Alg1", "V1-Alg2"),
    derivation="Run the listing on symbols with an arbitrary score and compare with "
    "Euler–Maruyama steps. Two visits at one level read the score twice at the same time; shorter "
    r"steps scale the drift by $\frac{\delta_s}\delta$. With $L\delta_s=\delta$ the sampler is "
    "not the same one either, although its limit is.",
    proof=Proof(
        recovers_euler_maruyama,
        holds=Choice(1, Rational(1), Rational(1)),
        twins={
            "decay left at 0.995": Choice(1, Rational(1), Rational(995, 1000)),
            "L = 4 visits of a quarter of the step": Choice(4, Rational(1, 2), Rational(1)),
        },
        printed={
            "chi = 1 with L = 3": Choice(3, Rational(1), Rational(1)),
            "chi = 1 with a shorter step": Choice(1, Rational(1, 2), Rational(1)),
        },
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="Sec. 6.3: “Setting [symbol lost] recovers standard Euler-Maruyama”",
        trouble=r"True with one visit a level and $\delta_s=\delta$. Otherwise each level reads "
        r"the score at $k\delta$ while the state moves on by $\rho=L\delta_s/\delta$ levels: the "
        r"reverse clock runs $\rho$ times too fast ($\rho>1$, too little variance) or too slow. "
        r"Version 1's published setting has $\rho=0.6$.",
        correction=r"Also set $L=1$ and $\delta_s=\delta$; or read the score at the time that the "
        r"state has reached; or spend extra visits on Langevin steps at fixed $t$ (R11).",
        figures=_figures,
        remains_open="Which symbol is meant, and version 2's values of L and the step length.",
    ),
)

E17_LIMIT = Claim(
    id="E17-limit",
    title="variance when the reverse clock is off",
    statement=r"On log-normal data with $\chi=1$, $m=0$, as $\delta\to0$: $V_0=\frac{\rho "
    r"v_0}{2\rho-1}+\big(V_N-\frac{\rho v_N}{2\rho-1}\big)\big(\frac{v_0}{v_N}\big)^{2\rho}$, "
    r"$\rho=L\delta_s/\delta\neq\frac12$. For $v_0=0.05,\sigma=0.8,V_N=v_N$: "
    r"$\frac{V_0}{v_0}=6.1,1.82,0.60$ at $\rho=0.2,0.6,3$.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sources=v2("sec. 6.3: setting that recovers Euler-Maruyama"),
    sheet=("E17",),
    assumptions=("log-normal data, exact score", r"$\mu=\frac{\sigma^2}2$", r"$\rho\neq\frac12$"),
    depends=("A13", "E17", "R10-limit"),
    derivation=r"One visit maps $V\to(1-\frac{h_s}v)^2V+h_s$. A level of $L$ visits changes $V$ "
    r"by $-(2\rho\frac Vv-\rho)h+O(h^2)$ while $v$ falls by $h$, so $\frac{dV}{dv}=2\rho\frac "
    r"Vv-\rho$. Try $V=cv$: $c=\frac\rho{2\rho-1}$; add the homogeneous solution $v^{2\rho}$ to "
    r"meet $V_N$. At $\rho=1$, $V_N=v_N$ it gives $V_0=v_0$. (It is R10-limit at $\kappa=1$, with "
    r"the integral evaluated.) That the chains reach the solution is shown by their numbers.",
    proof=Proof(
        is_the_limit,
        holds=Limit(_formula, _QUOTED),
        twins={
            "power 2 rho + 1": Limit(
                lambda v, P, last, start, rho: (
                    rho * v / (2 * rho - 1) + (start - rho * last / (2 * rho - 1)) * P * v / last
                ),
                _QUOTED,
            ),
            "rho - 1 for 2 rho - 1": Limit(
                lambda v, P, last, start, rho: (
                    rho * v / (rho - 1) + (start - rho * last / (rho - 1)) * P
                ),
                _QUOTED,
            ),
            "last digit": Limit(_formula, (("0.6", 3, "1.81"),)),
        },
    ),
)

CLAIMS = (E17, E17_LIMIT)
