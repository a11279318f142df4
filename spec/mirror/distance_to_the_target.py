"""How far the steps on a log-normal target stay from it (version 2, section 5.2 and appendix D).

Symbols: lam  variance of log X under the target (sigma^2 of the paper), M its mean
         delta step length;  u = delta / (2 lam);  c = 1 / (1 - u) the factor on the variance
"""

from collections.abc import Callable
from typing import NamedTuple

import mpmath
from mpmath import mpf
from sympy import Expr, Poly, Rational, Symbol, log, series, symbols

from spec.checking.algebra import vanishes
from spec.checking.gaussian import expectation
from spec.checking.numeric import agree
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v2
from spec.checking.symbols import M

_LAM, _U = symbols("lam u", positive=True)
_Q = Rational(1, 4)
Pair = tuple[Expr, Expr]


class Guarantee(NamedTuple):
    """Factor on the mean error per step, and the distance to the target that remains."""

    factor: Callable[[mpf, mpf], mpf]
    floor: Callable[[mpf, mpf], mpf]


def are_the_leading_terms(candidate: tuple[Pair, Pair]) -> bool:
    """Whether KL(limit || target) and KL(target || limit) per coordinate begin a u^2 + b u^3.

    Left: the expectation of the difference of the log densities, which is polynomial in y, with
    c = 1 / (1 - u), expanded in u.
    """
    c = 1 / (1 - _U)
    directions = ((c * _LAM, _LAM), (_LAM, c * _LAM))
    return all(
        vanishes(tuple(a - b for a, b in zip(_leading(*laws), stated, strict=True)))
        for laws, stated in zip(directions, candidate, strict=True)
    )


def _leading(of: Expr, against: Expr) -> Pair:
    y = Symbol("y")
    difference = (y - M) ** 2 / 2 * (1 / against - 1 / of)
    mean = expectation(difference, y, M, of).expand().together()
    ratio = (of / against).cancel()
    expanded = series(mean.cancel() - log(ratio) / 2, _U, 0, 4).removeO()
    terms = Poly(expanded, _U)
    return terms.coeff_monomial(_U**2), terms.coeff_monomial(_U**3)


# Variance of the target, step length: on both sides of delta = lam, where the factor is zero.
_CASES = (("0.3", "0.12"), ("0.7", "1.1"))


def is_the_guarantee(candidate: Guarantee) -> bool:
    """Whether the chain's mean error shrinks by that factor and its distance tends to that floor.

    The distance is the Wasserstein-2 distance between the laws of log X and of its target, which
    is sqrt(e^2 + (sqrt(V) - sqrt(lam))^2) for normal laws. Left: the recursion at 50 digits.
    """
    with mpmath.workdps(50):
        for case in _CASES:
            lam, delta = (mpf(number) for number in case)
            e, V, factor = mpf("0.4"), mpf("0.05"), mpf(1) - delta / lam
            for _ in range(300):
                before, e = e, factor * e
                V = factor**2 * V + 2 * delta
            distance = mpmath.hypot(e, mpmath.sqrt(V) - mpmath.sqrt(lam))
            if not agree(abs(e / before), candidate.factor(lam, delta)):
                return False
            if not agree(distance, candidate.floor(lam, delta)):
                return False
    return True


def _floor(lam: mpf, delta: mpf) -> mpf:
    return mpmath.sqrt(lam) * (1 / mpmath.sqrt(1 - delta / (2 * lam)) - 1)


def _factor(lam: mpf, delta: mpf) -> mpf:
    return abs(1 - delta / lam)


def _guarantee_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        lam, delta = mpf("0.64"), mpf("0.128")
        return (
            Figure("sigma = 0.8, delta = 0.128: factor per step", _factor(lam, delta)),
            Figure("distance to the target that remains, in log X", _floor(lam, delta)),
        )


SIZE = Claim(
    id="E20-kl",
    title="the size of the bias",
    statement=r"With $u=\delta/2\sigma^2$ and $c=1/(1-u)$: "
    r"$\mathrm{KL}(\text{limit}\Vert\text{target})=\tfrac d2(c-1-\ln "
    r"c)=d(\tfrac{u^2}4+\tfrac{u^3}3+\dots)$, that is $\tfrac{d\delta^2}{16\sigma^4}$ to leading "
    "order, and "
    r"$\mathrm{KL}(\text{target}\Vert\text{limit})=d(\tfrac{u^2}4+\tfrac{u^3}6+\dots)$.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("E20", "R22"),
    assumptions=("0 < delta < 2 sigma^2",),
    depends=("D-limit", "C6"),
    derivation=r"Between normal laws with one mean and variances $V$, $W$ the expectation of the "
    r"log ratio is $\tfrac12(V/W-1-\ln(V/W))$. Put $V/W=c$ or $1/c=1-u$ and expand: $\tfrac12("
    r"\tfrac1{1-u}-1+\ln(1-u))$ and $\tfrac12(-u-\ln(1-u))$.",
    proof=Proof(
        are_the_leading_terms,
        holds=((_Q, Rational(1, 3)), (_Q, Rational(1, 6))),
        twins={
            "directions exchanged": ((_Q, Rational(1, 6)), (_Q, Rational(1, 3))),
            "without the half": ((2 * _Q, Rational(2, 3)), (2 * _Q, Rational(1, 3))),
            "third term of the logarithm alone": ((_Q, Rational(1, 6)), (_Q, Rational(1, 6))),
        },
    ),
)

GUARANTEES = Claim(
    id="E20-guarantees",
    title="what appendix D guarantees",
    statement=r"For a log-normal target with covariance $\sigma^2I$ and $0<\delta<2\sigma^2$ the "
    r"steps converge geometrically: the mean error of $\log X$ shrinks by $\lvert1-\tfrac\delta{"
    r"\sigma^2}\rvert$ a step. They converge to the biased law of D-limit; the Wasserstein-2 "
    r"distance per coordinate of $\log X$ to the target tends to $\sigma(1/\sqrt{1-\delta/2\sigma"
    r"^2}-1)$.",
    kind=Kind.REFUTED,
    means=Means.EXACT_LAW,
    sources=v2("sec. 5.2: convergence guarantees"),
    sheet=("E20", "R22"),
    assumptions=("normal log X_0 for the distance; shown for two targets, to 30 digits",),
    depends=("D-limit", "R22"),
    derivation=r"The law after $k$ steps is R22. Its mean error is $\alpha^ke_0$; its variance "
    r"tends to $\sigma^2/(1-\delta/2\sigma^2)$ and not to $\sigma^2$. Between normal laws the "
    r"squared distance is the squared difference of the means plus that of the deviations.",
    proof=Proof(
        is_the_guarantee,
        holds=Guarantee(_factor, _floor),
        twins={
            "squared factor": Guarantee(lambda lam, d: _factor(lam, d) ** 2, _floor),
            "half the step": Guarantee(_factor, lambda lam, d: _floor(lam, d / 2)),
        },
        printed={"read as convergence to the target": Guarantee(_factor, lambda lam, d: mpf(0))},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="we specialize MLD to a log-normal target and establish convergence guarantees "
        "analogous to those in Wibisono (2018)",
        trouble="Appendix D has the limit law for one family of targets and no rate. Read as "
        "convergence to the target the sentence is false, as the appendix says itself; read as "
        "convergence to a biased limit, as in the cited work, it is true and lacks the rate.",
        correction="The unrolled recursion gives the rate in one line; what converges, and to "
        "what, is in the statement.",
        figures=_guarantee_figures,
        remains_open="The condition on the step is lost in the text of version 2.",
    ),
)

CLAIMS = (SIZE, GUARANTEES)
