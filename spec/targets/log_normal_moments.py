"""Mean and variance of a log-normal variable (Appendix A of version 2, B of version 1).

Symbols: mu, sigma  mean and deviation of log W;  s2 = sigma^2;  n  order of a moment.
"""

import mpmath
from mpmath import mpf
from sympy import E, Expr, Poly, diff, exp, expand, symbols

from spec.checking.algebra import vanishes
from spec.checking.numeric import normal_expectation
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2
from spec.checking.symbols import mu, s2

n, y = symbols("n y", real=True)


def is_log_of_moment(value: Expr) -> bool:
    """Whether log E[W^n] = value, an expression in n, mu and s2.

    Left: the integral of e^{n y} against the density of Y = log W, by the Gaussian integral of a
    quadratic exponent. Right: the formula.
    """
    return vanishes(_log_moment(n) - value)


def _log_moment(order: Expr) -> Expr:
    """log E[e^{order Y}]: the exponents integrated with and without order * y, and subtracted.

    The integral of exp(A y^2 + B y + C) is sqrt(pi / -A) exp(C - B^2 / (4 A)); A is the same for
    both, so the root cancels.
    """
    exponent = -((y - mu) ** 2) / (2 * s2)
    return _peak(exponent + order * y) - _peak(exponent)


def _peak(exponent: Expr) -> Expr:
    A, B, C = Poly(expand(exponent), y).all_coeffs()
    return C - B**2 / (4 * A)


def is_the_variance(variance: Expr) -> bool:
    """Whether Var W = variance, an expression in mu and s2.

    Left: E[W^2] - E[W]^2 with the two moments from the Gaussian integral. Right: the formula. With
    symbols for e^mu, e^s2 and e, both are rational.
    """
    left = exp(_log_moment(2)) - exp(2 * _log_moment(1))
    return vanishes(_rational(left) - _rational(variance))


def _rational(expression: Expr) -> Expr:
    """The expression with symbols for e^mu, e^s2 and e; every exponent must be a sum of those."""
    bases = {mu: symbols("A"), s2: symbols("G")}

    def as_powers(exponent: Expr) -> Expr:
        exponent = expand(exponent)
        slopes = {base: diff(exponent, base) for base in bases}
        rest = expand(exponent - sum(slope * base for base, slope in slopes.items()))
        powers = [symbol ** slopes[base] for base, symbol in bases.items()]
        return powers[0] * powers[1] * symbols("e") ** rest

    return expression.replace(exp, as_powers).subs(E, symbols("e"))


MEAN = Claim(
    id="mean-log-normal",
    title="moments of a log-normal variable",
    statement=r"$\log W\sim\mathcal N(\mu,\sigma^2)$ has $\mathbb E[W^n]=e^{n\mu+n^2\sigma^2/2}$ "
    r"for every real $n$; in particular $\mathbb E[W]=e^{\mu+\sigma^2/2}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("App. B: mean"), *v2("App. A: mean and variance")),
    sheet=("E1",),
    assumptions=(
        "sigma > 0",
        "formula lost in the text of version 2; reconstructed: the mean of version 1, and the "
        "variance that follows from the moments (E1)",
    ),
    depends=("A23",),
    derivation=r"$\mathbb E[W^n]=\int e^{ny}\,\mathcal N(y;\mu,\sigma^2)\,dy$. Complete the "
    r"square: $ny-\frac{(y-\mu)^2}{2\sigma^2}=n\mu+\frac{n^2\sigma^2}2-"
    r"\frac{(y-\mu-n\sigma^2)^2}{2\sigma^2}$, and the last term integrates to the same constant "
    r"as for $n=0$.",
    proof=Proof(
        is_log_of_moment,
        holds=n * mu + n**2 * s2 / 2,
        twins={
            "the median": n * mu,
            "n in place of n^2": n * mu + n * s2 / 2,
            "without the factor 1/2": n * mu + n**2 * s2,
        },
    ),
)

_RIGHT = (exp(s2) - 1) * exp(2 * mu + s2)
_PRINTED = exp(s2 - 1) * exp(2 * mu + s2)


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        mean, variance = mpf("0.3"), mpf("0.8") ** 2
        first, second = (
            normal_expectation(lambda z, k=k: mpmath.exp(k * (mean + mpmath.sqrt(variance) * z)))
            for k in (1, 2)
        )
        right, printed = (
            mpf(f.subs({mu: mean, s2: variance}).evalf(50)) for f in (_RIGHT, _PRINTED)
        )
    return (
        Figure("variance at mu = 0.3, sigma = 0.8, integrated numerically", second - first**2),
        Figure("the same from the corrected formula", right),
        Figure("the same as printed", printed),
    )


E1 = Claim(
    id="E1",
    title="variance of a log-normal variable",
    statement=r"$\mathrm{Var}(W) = (e^{\sigma^2}-1)\,e^{2\mu+\sigma^2}$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("App. B: variance"),
    sheet=("E1",),
    assumptions=("sigma > 0",),
    depends=("mean-log-normal",),
    derivation=r"$\mathrm{Var}\,W=\mathbb E W^2-(\mathbb E W)^2=e^{2\mu+2\sigma^2}-"
    r"e^{2\mu+\sigma^2}$ by the moments $\mathbb E W^n=e^{n\mu+n^2\sigma^2/2}$; take out "
    r"$e^{2\mu+\sigma^2}$. With symbols for $e^\mu$, $e^{\sigma^2}$ and $e$ this is an identity "
    r"of rational functions, and the printed form is not.",
    proof=Proof(
        is_the_variance,
        holds=_RIGHT,
        twins={
            "without the factor e^{sigma^2}": _RIGHT * exp(-s2),
            "the second moment": exp(2 * mu + 2 * s2),
            "+ 1 in place of - 1": (exp(s2) + 1) * exp(2 * mu + s2),
        },
        printed={"e^{sigma^2 - 1}": _PRINTED},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"$\mathrm{Var}(W)=\exp(\sigma^2-1)\exp(2\mu+\sigma^2)$",
        trouble=r"The $-1$ has slipped into the exponent. The printed value does not vanish as "
        r"$\sigma\to0$, where $W$ is constant. The mean, printed beside it, is right.",
        correction=r"$\mathrm{Var}(W)=(e^{\sigma^2}-1)\,e^{2\mu+\sigma^2}$",
        figures=_figures,
        remains_open="Version 2 keeps the sentence; its formula is lost in the text that we have.",
    ),
)

CLAIMS = (MEAN, E1)
