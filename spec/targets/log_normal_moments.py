"""Mean and variance of a log-normal variable (Appendix A of version 2, B of version 1).

Symbols: mu, sigma  mean and deviation of log W.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf

from spec.checking.claim import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1
from spec.checking.numeric import agree, normal_expectation

# W = e^Y with these means and deviations of Y; nothing special about them.
_CASES = (("0.3", "0.8"), ("-0.7", "1.3"))


def is_the_variance(variance: Callable[[mpf, mpf], mpf]) -> bool:
    """Whether Var W = variance(mu, sigma), to 30 digits.

    Left: the second central moment, integrated against the density of log W. Right: the formula.
    """
    with mpmath.workdps(50):
        for mean, deviation in _CASES:
            mu, sigma = mpf(mean), mpf(deviation)
            if not agree(_second_central_moment(mu, sigma), variance(mu, sigma), 30):
                return False
    return True


def _second_central_moment(mu: mpf, sigma: mpf) -> mpf:
    first, second = (
        normal_expectation(lambda z, n=n: mpmath.exp(n * (mu + sigma * z))) for n in (1, 2)
    )
    return second - first**2


def _right(mu: mpf, sigma: mpf) -> mpf:
    return mpmath.expm1(sigma**2) * mpmath.exp(2 * mu + sigma**2)


def _printed(mu: mpf, sigma: mpf) -> mpf:
    return mpmath.exp(sigma**2 - 1) * mpmath.exp(2 * mu + sigma**2)


def _figures() -> tuple[Figure, ...]:
    mu, sigma = mpf("0.3"), mpf("0.8")
    return (
        Figure("variance at mu = 0.3, sigma = 0.8", _right(mu, sigma)),
        Figure("as printed", _printed(mu, sigma)),
    )


E1 = Claim(
    id="E1",
    title="variance of a log-normal variable",
    statement=r"$\mathrm{Var}(W) = (e^{\sigma^2}-1)\,e^{2\mu+\sigma^2}$.",
    kind=Kind.REFUTED,
    means=Means.QUADRATURE,
    sources=v1("App. B: variance"),
    sheet=("E1",),
    derivation=r"$\mathrm{Var}\,W=\mathbb E W^2-(\mathbb E W)^2$ with $\mathbb E W^n = "
    r"e^{n\mu+n^2\sigma^2/2}$; the moments are integrated numerically to 30 digits.",
    proof=Proof(
        is_the_variance,
        holds=_right,
        twins={"without the factor e^{sigma^2}": lambda mu, s: _right(mu, s) / mpmath.exp(s**2)},
        printed={"e^{sigma^2 - 1}": _printed},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"$\mathrm{Var}(W)=\exp(\sigma^2-1)\exp(2\mu+\sigma^2)$",
        trouble="The $-1$ has slipped into the exponent.",
        correction=r"$\mathrm{Var}(W)=(e^{\sigma^2}-1)\,e^{2\mu+\sigma^2}$",
        figures=_figures,
        remains_open="Version 2 repeats the sentence; its formula is lost in the text we have.",
    ),
)

CLAIMS = (E1,)
