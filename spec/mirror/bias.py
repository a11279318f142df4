"""Whose the bias of the steps on a log-normal target is, and its size (version 2, section 5.2 and
appendix D).

Symbols: lam  variance of log X under the target (sigma^2 of the paper), M its mean;  delta  step
length;  u = delta / (2 lam);  P = e^{-t / lam}, the exact solution's factor.
"""

from typing import NamedTuple

import mpmath
from mpmath import mpf
from sympy import (
    Abs,
    Expr,
    Matrix,
    Poly,
    Rational,
    Symbol,
    cancel,
    diff,
    lambdify,
    log,
    series,
    sqrt,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, v2
from spec.checking.diffusions import fokker_planck, plain_partials
from spec.checking.gaussian import expectation
from spec.checking.numeric import agree
from spec.checking.symbols import L, M
from spec.checking.trace import points
from spec.checking.typeset import Sde
from spec.mirror.gaussian_target import limit_variance

_LAM, _DELTA, _U, _P = symbols("lam delta u P", positive=True)
_NAMES = {"lam": r"\sigma^{2}", "P": r"e^{-t/\sigma^2}", "S": r"\Sigma", "L": r"\log X"}
_ONE_COORDINATE = "one coordinate; the target has independent ones"
_VARIANCE = Symbol("V", positive=True)
_FACTOR = Abs(1 - _DELTA / _LAM)


def is_kept_by_the_equation(variance: Expr) -> bool:
    r"""Equation (37), [[equation]], keeps the normal law of $\log X$ with mean $M$ and variance
    $[[it]]$, and no other variance: integrated exactly it has no bias.

    The Fokker-Planck residual of a normal law with mean $M$ is a product of two factors, of which
    one vanishes at the target's variance alone, and the other for no variance at all states.
    """

    def residual(of: Expr) -> Expr:
        density = -((L - M) ** 2) / (2 * of)
        return fokker_planck(
            density, Matrix([-(L - M) / _LAM]), Matrix([[2]]), plain_partials((L,))
        )

    # The residual is (1/lam - 1/V) (1 - (L - M)^2 / V): zero for all L at V = lam alone.
    alone = (1 / _LAM - 1 / _VARIANCE) * (1 - (L - M) ** 2 / _VARIANCE)
    return same(residual(_VARIANCE), alone) and vanishes(residual(variance))


def is_the_exact_step(candidate: tuple[Expr, Expr]) -> bool:
    r"""Over any time $t$ the solution of (37) multiplies the distance of $\log X$ from $M$ by
    $[[0]]$ and adds normal noise of variance $[[1]]$; from the target it arrives at the target.

    The equation is linear: the mean error obeys its own rate from one, the variance from zero.
    Both are decided in [[exponential]], whose rate of change is known and which is one at the
    start; so is that the target's variance is kept.
    """
    factor, added = candidate
    rates = [-_P / _LAM * diff(part, _P) for part in candidate]
    at_zero = (factor - 1).subs(_P, 1), added.subs(_P, 1)
    kept = factor**2 * _LAM + added - _LAM
    return vanishes((rates[0] + factor / _LAM, rates[1] + 2 * added / _LAM - 2, *at_zero, kept))


def are_the_leading_terms(candidate: tuple[Expr, Expr]) -> bool:
    r"""With $u$ half the step over $\sigma^2$ the divergence per coordinate of the steps' limit
    from the target is $[[0]]$ to third order, that of the target from the limit is $[[1]]$.

    The expectation of the difference of the log densities is polynomial in the state. The limit's
    variance is that of D-limit, $[[factor]]$ times the target's; expanded in $u$.
    """
    limit = limit_variance().subs(_DELTA, 2 * _LAM * _U)
    laws = ((limit, _LAM), (_LAM, limit))
    return vanishes(tuple(_leading(*pair) - f for pair, f in zip(laws, candidate, strict=True)))


def _leading(of: Expr, against: Expr) -> Expr:
    y = Symbol("y")
    difference = (y - M) ** 2 / 2 * (1 / against - 1 / of)
    mean = expectation(difference, y, M, of).expand().together()
    expanded = series(mean.cancel() - log((of / against).cancel()) / 2, _U, 0, 4).removeO()
    return Poly(expanded, _U).as_expr()


class Guarantee(NamedTuple):
    """Factor on the mean error per step, and the distance to the target that remains."""

    factor: Expr
    floor: Expr


# On both sides of delta = lam, where the factor is zero.
_CASES = ({"lam": 0.3, "delta": 0.12}, {"lam": 0.7, "delta": 1.1})


def is_the_guarantee(candidate: Guarantee) -> bool:
    r"""At the points shown the steps converge geometrically, the mean error of $\log X$ shrinking
    by $[[factor]]$ a step, to the biased law of D-limit: the Wasserstein distance of second order
    per coordinate of $\log X$ to the target tends to $[[floor]]$.

    The recursion R22 of mean error and variance, followed at fifty digits. Between normal laws the
    squared distance is the squared difference of the means plus that of the deviations.
    """
    factor, floor = (lambdify((_LAM, _DELTA), f, "mpmath") for f in candidate)
    with mpmath.workdps(50):
        verdicts = []
        for at in points(_CASES):
            lam, delta = mpf(str(at["lam"])), mpf(str(at["delta"]))
            e, variance, shrink = mpf("0.4"), mpf("0.05"), 1 - delta / lam
            for _ in range(300):
                before, e = e, shrink * e
                variance = shrink**2 * variance + 2 * delta
            distance = mpmath.hypot(e, mpmath.sqrt(variance) - mpmath.sqrt(lam))
            verdicts.append(agree(abs(e / before), factor(lam, delta)))
            verdicts.append(agree(distance, floor(lam, delta)))
        return all(verdicts)


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        share = Rational(1, 5)
        factor = mpf(limit_variance().subs({_LAM: 1, _DELTA: share}))
        divergence = (factor - 1 - mpmath.log(factor)) / 2
        return (
            Figure(
                f"delta = sigma^2 * {share}: log-variance of the steps over the target's", factor
            ),
            Figure("of the exact solution over the target's", mpf(1)),
            Figure("KL of the steps' limit per coordinate", divergence),
        )


E20 = Claim(
    "E20",
    "the bias is that of Euler–Maruyama",
    is_kept_by_the_equation,
    holds=_LAM,
    twins={
        "noise of variance 1": _LAM / 2,
        "the factor the other way": _LAM * (1 - _DELTA / (2 * _LAM)),
    },
    printed={"the limit of the steps": _LAM / (1 - _DELTA / (2 * _LAM))},
    values=lambda: {"equation": Sde(r"\log X", -(L - M) / _LAM, sqrt(2))},
    names=_NAMES,
    sources=v2("App. D: bias of GBM"),
    assumptions=(_ONE_COORDINATE,),
    depends=("A37", "D-limit", "R22-exact"),
    erratum=Erratum(
        Fault.WRONG,
        quote="For a log-normal target, we show that the limiting density obtained from GBM "
        "does not converge to the correct target density and is biased. [...] the integrating the "
        "SDE (Eq. 22) generates samples from the limit measure.",
        trouble="The recursion, the limit law and the bias factor are right (D-recursion, "
        "D-unrolled, D-limit). But they are properties of the discretisation, not of geometric "
        "Brownian motion nor of (22), which is (37) for this target: the bias vanishes with the "
        "step length.",
        advice="The Euler–Maruyama steps of (22) generate samples from the limit measure; (22) "
        "generates samples from the target.",
        figures=_figures,
        remains_open="The printed bias factor and the condition on the step are lost; whether the "
        "factor is that of the covariance or of the standard deviation cannot be seen.",
    ),
)

EXACT_STEP = Claim(
    "R22-exact",
    "an unbiased step",
    is_the_exact_step,
    holds=(_P, _LAM * (1 - _P**2)),
    twins={
        "variance 1 - P": (_P, _LAM * (1 - _P)),
        "squared factor": (_P**2, _LAM * (1 - _P**2)),
        "without sigma^2": (_P, 1 - _P**2),
    },
    values=lambda: {"exponential": _P},
    names=_NAMES,
    sheet=("R22", "E20"),
    assumptions=(_ONE_COORDINATE,),
    depends=("A37",),
)

_Q = _U**2 / 4
SIZE = Claim(
    "E20-kl",
    "the size of the bias",
    are_the_leading_terms,
    holds=(_Q + _U**3 / 3, _Q + _U**3 / 6),
    twins={
        "directions exchanged": (_Q + _U**3 / 6, _Q + _U**3 / 3),
        "without the half": (2 * _Q + 2 * _U**3 / 3, 2 * _Q + _U**3 / 3),
        "third term of the logarithm alone": (_Q + _U**3 / 6, _Q + _U**3 / 6),
    },
    values=lambda: {"factor": cancel(limit_variance().subs(_DELTA, 2 * _LAM * _U) / _LAM)},
    means=Means.CALCULUS,
    sheet=("E20", "R22"),
    assumptions=(_ONE_COORDINATE, "the step is less than twice the variance of the target"),
    depends=("D-limit", "C6"),
)


def _floor(step: Expr) -> Expr:
    return sqrt(_LAM) * (1 / sqrt(1 - step / (2 * _LAM)) - 1)


def _guarantee_figures() -> tuple[Figure, ...]:
    sigma, step = Rational(4, 5), Rational(16, 125)
    at = {_LAM: sigma**2, _DELTA: step}
    where = f"sigma = {float(sigma)}, delta = {float(step)}"
    return (
        Figure(f"{where}: factor per step", mpf(_FACTOR.subs(at).evalf(30))),
        Figure("distance to the target that remains", mpf(_floor(_DELTA).subs(at).evalf(30))),
    )


GUARANTEES = Claim(
    "E20-guarantees",
    "what appendix D guarantees",
    is_the_guarantee,
    holds=Guarantee(_FACTOR, _floor(_DELTA)),
    twins={
        "squared factor": Guarantee(_FACTOR**2, _floor(_DELTA)),
        "half the step": Guarantee(_FACTOR, _floor(_DELTA / 2)),
    },
    printed={"read as convergence to the target": Guarantee(_FACTOR, Rational(0))},
    names=_NAMES,
    means=Means.POINTS,
    sources=v2("sec. 5.2: convergence guarantees"),
    sheet=("E20", "R22"),
    assumptions=(_ONE_COORDINATE, "normal log X_0, for the distance"),
    depends=("D-limit", "R22"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="we specialize MLD to a log-normal target and establish convergence guarantees "
        "analogous to those in Wibisono (2018)",
        trouble="Appendix D has the limit law for one family of targets and no rate. Read as "
        "convergence to the target the sentence is false, as the appendix says itself; read as "
        "convergence to a biased limit, as in the cited work, it is true and lacks the rate.",
        advice="The unrolled recursion gives the rate in one line; what converges, and to what, "
        "is in the statement.",
        figures=_guarantee_figures,
        remains_open="The condition on the step is lost in the text of version 2.",
    ),
)

CLAIMS = (EXACT_STEP, E20, SIZE, GUARANTEES)
