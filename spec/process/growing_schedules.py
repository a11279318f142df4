"""A schedule sigma_min r^t: its left sum and integral, and what a diffusion coefficient is.

Symbols: ell  ln r;  q  r^(2 delta);  E  r^(2 t);  sigma_min  the schedule at t = 0.
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, exp, integrate, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.numeric import integral, rounds_to
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v2

delta, ell, q, E, sigma_min, end, u = symbols("delta ell q E sigma_min end u", positive=True)


def is_left_over_exact(candidate: tuple[Expr, tuple[str, str]]) -> bool:
    """Whether the ratio of left sum to integral is this for every k, with these values at r = 100.

    The sum over i < k of delta r^(2 i delta) is added up term by term for k = 1..5, the integral
    of r^(2 t) over [0, k delta] is taken by sympy. The two decimals are for N = 10 and N = 1000
    and are compared with a sum and a quadrature that do not use the formula.
    """
    ratio, decimals = candidate
    differences = []
    over_time = integrate(exp(2 * ell * u), (u, 0, end))
    for k in range(1, 6):
        left = delta * sum((q**i for i in range(k)), Integer(0))
        exact = over_time.subs(end, k * delta).subs(exp(2 * delta * ell), q)
        differences.append(left - ratio * exact)
    if not vanishes(tuple(differences)):
        return False
    values = (_left_over_exact(n) for n in (10, 1000))
    return all(rounds_to(value, text) for value, text in zip(values, decimals, strict=True))


def _left_over_exact(n: int) -> mpf:
    """Left sum of n steps over integral of 100^(2 t) on [0, 1]."""
    with mpmath.workdps(50):
        left = mpmath.fsum(mpf(100) ** (mpf(2 * i) / n) for i in range(n)) / n
        return left / integral(lambda t: mpf(100) ** (2 * t), 0, mpf(1) / 2, 1)


def gives_variance(square: Expr) -> bool:
    """Whether a diffusion coefficient of this square, in E = r^(2 t), adds the variance
    sigma_min^2 (r^(2 t) - 1), so that the standard deviation grows like sigma_min r^t.

    The added variance is the integral of the square over [0, t].
    """
    at_time = square.subs(E, exp(2 * ell * u))
    added = integrate(at_time, (u, 0, end)).subs(exp(2 * ell * end), E)
    return same(added, sigma_min**2 * (E - 1))


_RATIO = 2 * delta * ell / (q - 1)
_DECIMALS = ("0.609", "0.9954")


def _ratios() -> tuple[Figure, ...]:
    return tuple(
        Figure(f"left sum over integral, r = 100, N = {n}", _left_over_exact(n))
        for n in (10, 100, 1000)
    )


E19_II = Claim(
    id="E19-ii",
    title="left sums and integrals are two different variances",
    statement=r"Forward samples, target and reverse steps must share one variance, either "
    r"$\bar\sigma_k^2=\delta\sum_{i<k}\sigma_i^2$ (the chain) or $\int_0^{k\delta}\sigma^2(t)dt$ "
    r"(the SDE). For $\sigma(t)=\sigma_{\min}r^t$ their ratio is $\tfrac{2\delta\ln "
    r"r}{r^{2\delta}-1}$ for every $k$: at $r=100$, 0.609 for $N=10$ and 0.9954 for $N=1000$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("eq. 35", "eq. 36"),
    sheet=("E19",),
    assumptions=("r > 1, delta = 1/N",),
    depends=("A33", "A35"),
    derivation=r"The left sum is geometric, $\delta\sigma_{\min}^2\tfrac{q^k-1}{q-1}$ with "
    r"$q=r^{2\delta}$; the integral is $\sigma_{\min}^2\tfrac{q^k-1}{2\ln r}$. In their ratio $k$ "
    r"cancels. It tends to 1 as $\delta\to0$. Sums are added up for $k\le5$; the decimals are "
    "checked against a direct sum and a quadrature.",
    proof=Proof(
        is_left_over_exact,
        holds=(_RATIO, _DECIMALS),
        twins={
            "ln r for 2 ln r": (_RATIO / 2, _DECIMALS),
            "right sum": (_RATIO * q, _DECIMALS),
            "last digit at N = 10": (_RATIO, ("0.608", "0.9954")),
            "last digit at N = 1000": (_RATIO, ("0.609", "0.9955")),
        },
        printed={"interchangeable": (Integer(1), _DECIMALS)},
    ),
    erratum=Erratum(
        fault=Fault.UNDEFINED,
        printed="one could discretize this reverse-time SDE [36], train a neural network to "
        "approximate the score for samples generated using Eq. 35 and generate new samples from "
        "the corresponding discretized reverse-time SDE (formulas lost)",
        trouble="Samples of eq. 35 have the law of the chain, eq. 36 reverses the SDE of eq. 33, "
        "and the two have different variances at the same time. With a coarse grid and a steep "
        "schedule a network trained on one is used on the other at a noise level that is off by "
        "the ratio shown; with $N=1000$ and $r=100$ the gap is half a percent.",
        correction="one variance throughout: the left sum everywhere (E19-iv gives the reverse "
        "step), or the integral everywhere, which costs nothing for schedules in closed form",
        figures=_ratios,
        remains_open="The target of Appendix C is lost; the form that we reconstruct (A35-target) "
        "uses the left sum and agrees with eq. 35.",
    ),
)


def _spreads() -> tuple[Figure, ...]:
    low, high = mpf("0.01"), mpf(50)
    rate = mpmath.log(high / low)
    meant = mpmath.sqrt(high**2 - low**2)
    return (
        Figure("standard deviation added by t = 1, sigma_min = 0.01, sigma_max = 50", meant),
        Figure("with sigma(t) taken as the diffusion coefficient", meant / mpmath.sqrt(2 * rate)),
    )


E19_III = Claim(
    id="E19-iii",
    title="a diffusion coefficient is not a standard deviation",
    statement=r"In eq. 33 $\sigma(t)$ is the diffusion coefficient; in the variance-exploding SDE "
    r"of Song et al. $\sigma(t)$ is a standard deviation and the diffusion coefficient is $g$ "
    r"with $g^2=\tfrac{d}{dt}\sigma^2(t)$. For $\sigma(t)=\sigma_{\min}r^t$: $g^2=2\ln "
    r"r\,\sigma_{\min}^2r^{2t}$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("App. C: choice of drift and diffusion"),
    sheet=("E19",),
    assumptions=("r > 1", "mu(t) = sigma^2(t)/2, so that log X has no drift"),
    depends=("A33",),
    derivation=r"By A33 the variance added by time $t$ is $\int_0^tg^2$. It is "
    r"$\sigma^2(t)-\sigma^2(0)$ for all $t$ if and only if $g^2=\tfrac{d}{dt}\sigma^2$; for "
    r"$\sigma_{\min}r^t$ that is $2\ln r\,\sigma_{\min}^2r^{2t}$. With $g=\sigma$ in its place "
    r"the integral is smaller by the factor $2\ln r$ (larger when $r<\sqrt e$).",
    proof=Proof(
        gives_variance,
        holds=2 * ell * sigma_min**2 * E,
        twins={
            "derivative of sigma times sigma": ell * sigma_min**2 * E,
            "derivative of sigma, squared": ell**2 * sigma_min**2 * E,
        },
        printed={"g = sigma": sigma_min**2 * E},
    ),
    erratum=Erratum(
        fault=Fault.UNDEFINED,
        printed="We set ... which results in a variance exploding SDE (c.f. Song et al. [2021c]) "
        "(formula lost)",
        trouble=r"With $\mu(t)=\tfrac{\sigma^2(t)}2$ the log of $X$ does follow a "
        r"variance-exploding SDE. But the letter $\sigma(t)$ stands for different things in the "
        "two papers: a reader who puts the schedule of Song et al. into eq. 33 gets another noise "
        "level than theirs.",
        correction=r"name one of them: $g^2(t)=\tfrac{d}{dt}\sigma^2(t)$",
        figures=_spreads,
        remains_open=r"The formula that is set is lost; it is taken to be $\mu(t)=\sigma^2(t)/2$. "
        r"No schedule for $\sigma(t)$ survives in the text.",
    ),
)

CLAIMS = (E19_II, E19_III)
