"""Whose the bias of the steps on normal and log-normal targets is, and how far they stay off.

Version 2, sections 1 and 5.2 and appendix D. Symbols: lam variance of the target of log X,
sigma^2 of the paper, and M its mean; W, C variance and mean of another normal law; delta step
length; u = delta / (2 lam); P = e^{-t / lam}; e distance of the mean of log X from M.
"""

import mpmath
from mpmath import mpf
from sympy import (
    Expr,
    Identity,
    Integer,
    Matrix,
    MatrixExpr,
    MatrixSymbol,
    Rational,
    Symbol,
    diff,
    exp,
    eye,
    log,
    series,
    solve,
    sqrt,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, v2
from spec.checking.diffusions import fokker_planck, plain_partials
from spec.checking.gaussian import expectation
from spec.checking.symbols import L, M
from spec.checking.typeset import Says, Sde

lam, delta, u, W, P, deviation = symbols("lam delta u W P sigma", positive=True)
C, e, r, y, z, ell = symbols("C e r y z ell", real=True)
SIGMA = MatrixSymbol("Sigma", 2, 2)
Pair = tuple[Expr, Expr]


def is_kept_by_the_equation(variance: Expr) -> bool:
    r"""For a log-normal target, eq. (22) itself, $[[equation]]$, changes the log density of a
    normal law of mean $C$ and variance $W$ at the rate $[[rate]]$ in time, which is zero at the
    target alone: integrating it exactly is unbiased. The limit of its Euler–Maruyama steps of
    length $\delta$ has another variance (D-limit), of which this makes no fixed point.

    The residual of the Fokker–Planck equation. Its two terms are of degree one and two in $\log
    x$, so that both have to vanish.
    """
    log_density = -((L - C) ** 2) / (2 * W)
    found = fokker_planck(
        log_density, Matrix([_DRIFT]), Matrix([[_NOISE**2]]), plain_partials((L,))
    )
    return same(found, _rate(variance))


def _rate(variance: Expr) -> Expr:
    """The time derivative of the log density, its mean moving to M, its variance to this one."""
    mean, spread = -(C - M) / lam, 2 * (variance - W) / lam
    return mean * (L - C) / W + spread * ((L - C) ** 2 - W) / (2 * W**2)


def is_the_exact_step(candidate: Pair) -> bool:
    r"""[[step]] is the exact solution of eq. (37) over the time $\delta$, and keeps the target.

    The equation is linear: the mean error and the variance follow linear equations, from one and
    from zero, which both parts are put into, in terms of [[power]].
    """
    factor, added = candidate
    rates = [-P / lam * diff(part, P) for part in candidate]
    at_zero = (factor - 1).subs(P, 1), added.subs(P, 1)
    kept = factor**2 * lam + added - lam
    return vanishes((rates[0] + factor / lam, rates[1] + 2 * added / lam - 2, *at_zero, kept))


def are_the_divergences(candidate: Pair) -> bool:
    r"""With $u=[[u]]$, a coordinate of the divergence of the steps' limit from the target is
    $[[from_limit]]$, which begins with $[[first]]$; that of the target from the limit is
    $[[to_limit]]$, which begins with $[[second]]$.

    The expectation of the difference of the log densities, which is a polynomial; the variance of
    the limit is that of the target times $[[factor]]$ (D-limit). The beginnings are SymPy's.
    """
    limit = lam * _FACTOR
    directions = ((limit, lam, -ell), (lam, limit, ell))
    return all(
        same(_divergence(*laws), stated.subs(log(1 - u), ell).expand().subs(log(1 - u), ell))
        for laws, stated in zip(directions, candidate, strict=True)
    )


def _divergence(of: Expr, against: Expr, log_ratio: Expr) -> Expr:
    difference = (y - M) ** 2 / 2 * (1 / against - 1 / of)
    return expectation(difference, y, M, of) - log_ratio / 2


def is_the_guarantee(candidate: Pair) -> bool:
    r"""For a log-normal target with the covariance $\sigma^2$ times the identity, a step
    multiplies the mean error of $\log X$ by $[[factor]]$ and the distance of its variance from
    that of the limit by the square, which is below one in size for $\delta$ between $[[low]]$ and
    $[[high]]$. What is reached is the biased law of D-limit: the Wasserstein distance of order two
    per coordinate of $\log X$ from the target tends to $[[floor]]$.

    The moments of a step are exact. Between normal laws the squared distance is the squared
    difference of the means and that of the deviations.
    """
    factor, floor = candidate
    scaled = {lam: deviation**2}
    mean = e + delta * (-e / lam)
    reached = ((floor.expand() + deviation).expand() ** 2).expand()
    moved = (1 - delta / lam) ** 2 * W + _ADDED
    contraction = (moved - reached - factor**2 * (W - reached)).subs(scaled)
    return same(mean.subs(scaled), factor * e) and vanishes(contraction)


def is_the_limit_covariance(limit: MatrixExpr) -> bool:
    r"""For the normal target with covariance $\Sigma$ the Langevin steps of length $\delta$ have
    the limit law with the mean of the target and the covariance $[[limit]]$, if $\delta$ is below
    twice every eigenvalue of $\Sigma$.

    A step multiplies the deviation from the mean by $[[contraction]]$ and adds noise of variance
    $[[noise]]$; the stationary covariance is decided for every symmetric matrix of the plane. The
    eigenvalues of the factor are below one in size for these $\delta$, so that the law converges
    to the only normal law that is stationary.
    """
    s11, s12, s22 = symbols("s11 s12 s22")
    target = Matrix([[s11, s12], [s12, s22]])
    found, moves = (
        part.subs(SIGMA, target).doit().as_explicit() for part in (limit, _CONTRACTION)
    )
    return same(Matrix(moves * found * moves.T + _ADDED * eye(2)), Matrix(found))


def is_the_variance_after_one_step(variance: Expr) -> bool:
    r"""One Langevin step of length $\delta$ from its own target, normal with variance $v$, arrives
    at the variance $[[it]]$: the target is no fixed point of the step, while it is one of gradient
    descent on the divergence to it.

    The second central moment of a step, exact. The divergence of a normal law has the derivatives
    zero at the target, in its mean and in its variance, and the second derivatives $[[bends]]$
    there: it is least at the target.
    """
    moved = y - delta * (y - M) / lam + r * z
    first, second = (
        expectation(expectation(power.expand(), z, Integer(0), Integer(1)), y, M, lam)
        for power in (moved, moved**2)
    )
    slopes = [diff(_to_target(), part).subs({W: lam, C: M}) for part in (C, W)]
    reached = (second - first**2).expand().subs(r**2, _ADDED)
    return vanishes(tuple(slopes)) and same(reached, variance)


def _to_target() -> Expr:
    """KL(N(C, W) || N(M, lam)) up to a constant: cross entropy minus entropy."""
    return expectation((y - M) ** 2 / (2 * lam), y, C, W) - log(W) / 2


_DRIFT, _NOISE = -(L - M) / lam, sqrt(2)
_FACTOR, _ADDED = 1 / (1 - u), 2 * delta
_CONTRACTION = Identity(2) - delta * SIGMA.inv()
_NAMES = {"lam": r"\sigma^{2}", "M": r"\mu", "delta": r"\delta", "z": "Z"}


def _figures() -> tuple[Figure, ...]:
    half = mpf("0.1")
    factor, where = 1 / (1 - half), f"delta = {float(2 * half)} sigma^2"
    return (
        Figure(f"{where}: log-variance of the steps over the target's", factor),
        Figure("KL of the steps' limit per coordinate", (factor - 1 - mpmath.log(factor)) / 2),
    )


_BIASED = lam / (1 - delta / (2 * lam))
E20 = Claim(
    "E20", "the bias is that of Euler–Maruyama", is_kept_by_the_equation, holds=lam, twins={
        "noise of variance 1": lam / 2, "the factor the other way": lam * (1 - delta / (2 * lam)),
    }, printed={"the limit of the steps": _BIASED},
    shown=lambda variance: {"rate": _rate(variance)},
    values=lambda: {"equation": Sde(r"\log X", _DRIFT, _NOISE)}, names=_NAMES | {"L": r"\log x"},
    sources=v2("App. D: bias of GBM"),
    assumptions=("one coordinate; the others are alike and independent",),
    depends=("A37", "D-limit", "R22-exact"), erratum=Erratum(
        Fault.WRONG,
        quote="For a log-normal target, we show that the limiting density obtained from GBM does "
        "not converge to the correct target density and is biased. [...] the integrating the SDE "
        "(Eq. 22) generates samples from the limit measure.",
        trouble="The recursion, the limit law and the bias factor are right (D-recursion, "
        "D-unrolled, D-limit). But they are properties of the discretisation, not of geometric "
        "Brownian motion nor of eq. (22): the bias vanishes with the step length.",
        advice="The Euler–Maruyama steps of eq. (22) generate samples from the limit measure; "
        "eq. (22) generates samples from the target.",
        figures=_figures,
        remains_open="The printed bias factor and the condition on the step are lost; whether "
        "the factor is that of the covariance or of the standard deviation cannot be seen.",
    ),
)  # fmt: skip


def _exact_step(pair: Pair) -> dict[str, object]:
    factor, added = (part.subs(P, exp(-delta / lam)).subs(lam, deviation**2) for part in pair)
    right = M + factor * (L - M) + sqrt(added) * z
    return {"step": Says(r"\log X", right, r"\leftarrow")}


EXACT_STEP = Claim(
    "R22-exact", "an unbiased step", is_the_exact_step, holds=(P, lam * (1 - P**2)), twins={
        "variance 1 - P": (P, lam * (1 - P)), "squared factor": (P**2, lam * (1 - P**2)),
        "without sigma^2": (P, 1 - P**2),
    }, shown=_exact_step, values=lambda: {"power": Says("P", exp(-Symbol("t") / lam))},
    names=_NAMES, sheet=("R22", "E20"),
    assumptions=("one coordinate; the others are alike and independent",), depends=("A37",),
)  # fmt: skip

_KL = ((1 / (1 - u) - 1 + log(1 - u)) / 2, (-u - log(1 - u)) / 2)
SIZE = Claim(
    "E20-kl", "the size of the bias", are_the_divergences, holds=_KL, twins={
        "directions exchanged": _KL[::-1], "without the half": tuple(2 * part for part in _KL),
        "the logarithm of the factor with the other sign": (_KL[0] - log(1 - u), _KL[1]),
    }, shown=lambda pair: {
        "from_limit": pair[0], "to_limit": pair[1], "first": series(pair[0], u, 0, 4).removeO(),
        "second": series(pair[1], u, 0, 4).removeO(),
    }, values=lambda: {"u": delta / (2 * lam), "factor": _FACTOR}, names=_NAMES | {"u": "u"},
    sheet=("E20", "R22"), assumptions=("0 < delta < 2 sigma^2, where the limit exists",),
    depends=("D-limit", "C6"),
)  # fmt: skip

_GUARANTEE = 1 - delta / deviation**2, deviation * (1 / sqrt(1 - delta / (2 * deviation**2)) - 1)


def _shown_guarantee(pair: Pair) -> dict[str, Expr]:
    any_delta = Symbol("any_delta", real=True)
    ends = solve(pair[0].subs(delta, any_delta) ** 2 - 1, any_delta)
    low, high = sorted(ends, key=lambda end: end.subs(deviation, 1))
    return {"factor": pair[0], "floor": pair[1], "low": low, "high": high}


def _guarantee_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        sizes = {deviation: mpf("0.8"), delta: mpf("0.128")}
        where = ", ".join(f"{name} = {mpmath.nstr(size, 3)}" for name, size in sizes.items())
        factor, floor = (part.subs(sizes).evalf(50) for part in _GUARANTEE)
        return (
            Figure(f"{where}: factor per step", mpf(factor)),
            Figure("distance to the target that remains, in log X", mpf(floor)),
        )


GUARANTEES = Claim(
    "E20-guarantees", "what appendix D guarantees", is_the_guarantee, holds=_GUARANTEE, twins={
        "squared factor": (_GUARANTEE[0] ** 2, _GUARANTEE[1]),
        "half the step": (_GUARANTEE[0], _GUARANTEE[1].subs(delta, delta / 2)),
    }, printed={"read as convergence to the target": (_GUARANTEE[0], Integer(0))},
    shown=_shown_guarantee, names={"sigma": r"\sigma", "delta": r"\delta"},
    sources=v2("sec. 5.2: convergence guarantees"), sheet=("E20", "R22"),
    assumptions=("log X_0 is normal, for the distance",), depends=("D-limit", "R22"),
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
)  # fmt: skip


def _covariance(part: Rational) -> MatrixExpr:
    return SIGMA * (Identity(2) - delta * part * SIGMA.inv()).inv()


GAUSSIAN = Claim(
    "D-gaussian", "the limit law of Langevin steps on a normal target", is_the_limit_covariance,
    holds=_covariance(Rational(1, 2)),
    equivalent=(Identity(2) - delta / 2 * SIGMA.inv()).inv() * SIGMA, twins={
        "delta instead of delta / 2": _covariance(Rational(1)),
        "inverse left out": SIGMA * (Identity(2) - delta / 2 * SIGMA.inv()),
        "no bias": SIGMA * Identity(2),
    }, shown=lambda limit: {"limit": limit},
    values=lambda: {"contraction": _CONTRACTION, "noise": _ADDED * Identity(2)}, names=_NAMES,
    sources=v2("App. D: Gaussian case"), sheet=("E20", "R22"),
    assumptions=("two coordinates, for the stationary covariance",), readings=(
        "the formula is lost in version 2; the words (correct mean, other covariance) and the "
        "step itself force it",
    ),
)  # fmt: skip


def _one_step_figures() -> tuple[Figure, ...]:
    ratio = mpf("0.1")
    return (
        Figure(f"delta = {mpmath.nstr(ratio, 3)} v: variance over v after one step", 1 + ratio**2),
        Figure("in the limit of many steps (D-limit)", 1 / (1 - ratio / 2)),
    )


E33 = Claim(
    "E33", "the Langevin step is not gradient descent on the KL divergence",
    is_the_variance_after_one_step, holds=lam + delta**2 / lam, twins={
        "with the opposite sign": lam - delta**2 / lam, "half of it": lam + delta**2 / (2 * lam),
    }, printed={"the target is kept": lam}, values=lambda: {
        "bends": tuple(diff(_to_target(), part, 2).subs({W: lam, C: M}) for part in (C, W)),
    }, names={"lam": "v", "delta": r"\delta"},
    sources=v2("sec. 1: Langevin is gradient descent on KL"),
    assumptions=("a normal target, where everything is explicit",), depends=("A20",),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="Langevin dynamics is gradient flow in the space of probability measures under the "
        "Wasserstein-2 metric, and the corresponding discrete-time update matches with gradient "
        "descent on the Kullback-Leibler (KL) divergence",
        trouble="The statement about continuous time is right. The discrete update has a bias, "
        "as the cited work (Wibisono, 2018) and Appendix D of this paper show; gradient descent "
        "would keep the target.",
        advice="The unadjusted step is an explicit gradient step for the potential followed by "
        "exact heat flow: a splitting, with a bias of first order in the variance (D-limit).",
        figures=_one_step_figures,
    ),
)  # fmt: skip

CLAIMS = (EXACT_STEP, E20, SIZE, GUARANTEES, GAUSSIAN, E33)
