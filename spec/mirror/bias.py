"""Whose the bias of the steps on a log-normal target is (version 2, appendix D).

Symbols: lam  variance of log X under the target (sigma^2 of the paper), M its mean
         delta step length
         P  = e^{-t / lam}, the factor of the exact solution after time t
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Matrix, Symbol, diff, symbols

from spec.checking.algebra import vanishes
from spec.checking.diffusions import fokker_planck, plain_partials
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v2
from spec.checking.symbols import L, M

_LAM, _DELTA = symbols("lam delta", positive=True)
Pair = tuple[Expr, Expr]


def is_kept_by_the_equation(variance: Expr) -> bool:
    """Whether (37), dL = -(L - M) / lam dt + sqrt(2) dW, keeps the law N(M, variance) of L.

    The Fokker-Planck residual of that law, L = log x.
    """
    density = -((L - M) ** 2) / (2 * variance)
    return vanishes(
        fokker_planck(density, Matrix([-(L - M) / _LAM]), Matrix([[2]]), plain_partials((L,)))
    )


def is_the_exact_step(candidate: Pair) -> bool:
    """Whether (factor on log X - M, variance added) solve the equation over any time t.

    The mean error must obey m' = -m / lam from m = 1, the variance V' = -2 V / lam + 2 from
    V = 0; both are given in P = e^{-t / lam}, so that d/dt = -(P / lam) d/dP and t = 0 is P = 1.
    """
    P = Symbol("P", positive=True)
    factor, added = candidate
    rates = [-P / _LAM * diff(part, P) for part in candidate]
    at_zero = (factor - 1).subs(P, 1), added.subs(P, 1)
    return vanishes((rates[0] + factor / _LAM, rates[1] + 2 * added / _LAM - 2, *at_zero))


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        u = mpf("0.1")
        c = 1 / (1 - u)
        return (
            Figure("delta = sigma^2 / 5: log-variance of the steps over the target's", c),
            Figure("of the exact solution over the target's", mpf(1)),
            Figure("KL of the steps' limit per coordinate", (c - 1 - mpmath.log(c)) / 2),
        )


E20 = Claim(
    id="E20",
    title="the bias is that of Euler–Maruyama",
    statement=r"The equation (22) itself, on $\mathcal{LN}(\mu,\sigma^2I)$, leaves the target "
    r"invariant and no other log-normal law: integrating it exactly is unbiased. The log-variance "
    r"$\tfrac{\sigma^2}{1-\delta/2\sigma^2}$ belongs to its Euler–Maruyama steps of length "
    r"$\delta$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("App. D: bias of GBM"),
    sheet=("E20",),
    assumptions=("per coordinate",),
    depends=("A37", "D-limit", "R22-exact"),
    derivation=r"The Fokker–Planck residual of $\mathcal N(\mu,V)$ under $dY=-\tfrac1{\sigma^2}(Y-"
    r"\mu)dt+\sqrt2dW$ is zero iff $V=\sigma^2$. The exact step (R22-exact) has it as its limit "
    r"for every $\delta$.",
    proof=Proof(
        is_kept_by_the_equation,
        holds=_LAM,
        twins={
            "noise of variance 1": _LAM / 2,
            "the factor the other way": _LAM * (1 - _DELTA / (2 * _LAM)),
        },
        printed={"the limit of the steps": _LAM / (1 - _DELTA / (2 * _LAM))},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed="For a log-normal target, we show that the limiting density obtained from GBM "
        "does not converge to the correct target density and is biased. [...] the integrating the "
        "SDE (Eq. 22) generates samples from the limit measure.",
        trouble="The recursion, the limit law and the bias factor are right (D-recursion, "
        "D-unrolled, D-limit). But they are properties of the discretisation, not of geometric "
        "Brownian motion nor of (22): the bias vanishes with the step length.",
        correction="The Euler–Maruyama steps of (22) generate samples from the limit measure; "
        "(22) generates samples from the target.",
        figures=_figures,
        remains_open="The printed bias factor and the condition on the step are lost; whether the "
        "factor is that of the covariance or of the standard deviation cannot be seen.",
    ),
)

_P = Symbol("P", positive=True)

EXACT_STEP = Claim(
    id="R22-exact",
    title="an unbiased step",
    statement=r"$\log X\leftarrow\mu+e^{-\delta/\sigma^2}(\log X-\mu)+\sigma\sqrt{1-e^{-2\delta/"
    r"\sigma^2}}\,Z$ is the exact solution of (37) over the time $\delta$; it keeps the target.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R22", "E20"),
    assumptions=("per coordinate",),
    depends=("A37",),
    derivation=r"(37) is linear: the mean error decays as $m'=-m/\sigma^2$, the variance follows "
    r"$V'=-2V/\sigma^2+2$ from 0. With $P=e^{-t/\sigma^2}$ they are $P$ and $\sigma^2(1-P^2)$; "
    r"from the target, $P^2\sigma^2+\sigma^2(1-P^2)=\sigma^2$.",
    proof=Proof(
        is_the_exact_step,
        holds=(_P, _LAM * (1 - _P**2)),
        twins={
            "variance 1 - P": (_P, _LAM * (1 - _P)),
            "squared factor": (_P**2, _LAM * (1 - _P**2)),
            "without sigma^2": (_P, 1 - _P**2),
        },
    ),
)

CLAIMS = (EXACT_STEP, E20)
