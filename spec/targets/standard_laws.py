"""Hyvarinen scores H = x p'/p of the standard laws on (0, oo), and their mean (sheet R25).

Symbols: alpha shape, beta rate or scale, k and l shape and scale of the Weibull law
"""

from collections.abc import Mapping

from sympy import (
    Expr,
    Integer,
    Pow,
    Rational,
    Symbol,
    diff,
    exp,
    expand,
    gammasimp,
    integrate,
    oo,
    symbols,
)

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import x
from spec.targets import _law_pins

alpha, beta, k, l_ = symbols("alpha beta k l", positive=True)


def _densities() -> dict[str, Expr]:
    """p up to a constant factor, from what defines each law.

    The gamma law by its density; the exponential, Weibull and Pareto laws by differentiating
    P(X > x); the inverse gamma law as that of 1 / G, G gamma, with dG = dx / x^2.
    """

    def gamma_density(g: Expr) -> Expr:
        return g ** (alpha - 1) * exp(-beta * g)

    tails = {
        "exponential": exp(-beta * x),
        "Weibull": exp(-((x / l_) ** k)),
        "Pareto": x**-alpha,
    }
    return {
        "gamma": gamma_density(x),
        **{name: -diff(tail, x) for name, tail in tails.items()},
        "inverse gamma": gamma_density(1 / x) / x**2,
        "uniform": Integer(1),
    }


def are_the_scores(scores: Mapping[str, Expr]) -> bool:
    """Whether x p'/p is the named score for every law. Powers become symbols."""
    laws = _densities()
    if set(scores) != set(laws):
        raise ValueError(f"scores of {sorted(laws)} are wanted, got {sorted(scores)}")
    return vanishes(
        [_with_symbols(_score(p)) - _with_symbols(scores[name]) for name, p in laws.items()]
    )


def _score(p: Expr) -> Expr:
    return expand(x * diff(p, x) / p)


def _with_symbols(expression: Expr) -> Expr:
    """The expression with a symbol for the k-th power of each base."""
    return expand(expression).replace(
        lambda part: isinstance(part, Pow) and part.exp.has(k),
        lambda part: Symbol(f"{part.base}_to_k") ** (part.exp / k),
    )


def is_the_mean(candidate: tuple[Rational, Rational]) -> bool:
    """Whether the integral of H p is c times that of p plus e times the gain of x p at the ends.

    candidate = (c, e). For every polynomial p of degree 4 on every interval [low, high], by exact
    integration of x p'; smooth densities are limits of polynomials.
    """
    constant, boundary = candidate
    low, high = symbols("low high")
    coefficients = symbols("c0 c1 c2 c3 c4")
    p = sum(c * x**n for n, c in enumerate(coefficients))
    left = integrate(expand(x * diff(p, x)), (x, low, high))
    gain = (x * p).subs(x, high) - (x * p).subs(x, low)
    return vanishes(left - constant * integrate(p, (x, low, high)) - boundary * gain)


def are_the_means(means: Mapping[str, Expr]) -> bool:
    """Whether E[H] is the named value, by exact integration of H p and of p over the support.

    The Pareto law lives on [1, oo), the uniform one on [1, 2], the others on (0, oo). Quotients of
    gamma functions that differ by one are reduced by their recursion.
    """
    ends = {"Pareto": (1, oo), "uniform": (1, 2)}
    laws = _densities()
    if set(means) != set(laws):
        raise ValueError(f"means of {sorted(laws)} are wanted, got {sorted(means)}")
    gaps = []
    for name, p in laws.items():
        support = (x, *ends.get(name, (0, oo)))
        quotient = integrate(expand(_score(p) * p), support) / integrate(p, support)
        gaps.append(gammasimp(quotient) - means[name])
    return vanishes(gaps)


_SCORES = {
    "gamma": alpha - 1 - beta * x,
    "exponential": -beta * x,
    "Weibull": k - 1 - k * (x / l_) ** k,
    "Pareto": -alpha - 1,
    "inverse gamma": -alpha - 1 + beta / x,
    "uniform": Integer(0),
}
_MEANS = {
    **dict.fromkeys(("gamma", "exponential", "Weibull", "inverse gamma"), Integer(-1)),
    "Pareto": -1 - alpha,
    "uniform": Integer(0),
}

SCORES = Claim(
    id="R25",
    title="Hyvärinen scores of standard laws",
    statement=r"$H=x\,p'/p$ is $\alpha-1-\beta x$ for $\Gamma(\alpha,\text{rate }\beta)$, $-\beta "
    r"x$ for $\mathrm{Exp}(\beta)$, $k-1-k(x/l)^k$ for $\mathrm{Weibull}(k,l)$, $-\alpha-1$ for "
    r"$\mathrm{Pareto}(\alpha)$, $-\alpha-1+\beta/x$ for $\mathrm{InvGamma}(\alpha,\beta)$ and "
    "$0$ for a uniform law.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("R25",),
    assumptions=("inside the support", "all parameters positive"),
    derivation=r"$H=x\,\frac{d}{dx}\log p$, so constants drop out. Gamma: differentiate "
    r"$(\alpha-1)\log x-\beta x$. Exponential, Weibull, Pareto: $p=-\frac{d}{dx}P(X>x)$ with "
    r"$P(X>x)=e^{-\beta x},\ e^{-(x/l)^k},\ x^{-\alpha}$. Inverse gamma: $X=1/G$ has "
    r"$p(x)=g(1/x)/x^2$, so that $H(x)=-H_G(1/x)-2$.",
    proof=Proof(
        are_the_scores,
        holds=_SCORES,
        twins={
            "gamma: alpha for alpha - 1": {**_SCORES, "gamma": alpha - beta * x},
            "Weibull: without the factor k": {**_SCORES, "Weibull": k - 1 - (x / l_) ** k},
            "Pareto: alpha for alpha + 1": {**_SCORES, "Pareto": -alpha},
            "inverse gamma: 1 - alpha": {**_SCORES, "inverse gamma": 1 - alpha + beta / x},
        },
    ),
    pins=_law_pins.PINS,
)

MEAN = Claim(
    id="R25-mean",
    title="mean of the Hyvärinen score",
    statement=r"$\mathbb E[H_i]=-1+[x_ip]_\partial$: minus one, plus the gain of $x_ip$ between "
    r"the ends of the support, integrated over the other coordinates.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R25",),
    assumptions=(
        "p is continuously differentiable inside its support",
        "the integral and the limits of x p at the ends exist",
        "decided for one coordinate and polynomial densities on an interval",
    ),
    derivation=r"$\mathbb E[H]=\int x\,p'\,dx=[xp]-\int p\,dx$ by parts. It is $-1$ exactly when "
    r"$xp$ is equal at both ends, for instance zero as $x\to0$ and $x\to\infty$.",
    proof=Proof(
        is_the_mean,
        holds=(Rational(-1), Rational(1)),
        twins={
            "boundary term left out": (Rational(-1), Rational(0)),
            "boundary term with the wrong sign": (Rational(-1), Rational(-1)),
            "mean zero, as for the log score": (Rational(0), Rational(1)),
        },
    ),
)

VALUES = Claim(
    id="R25-values",
    title="mean of the score of standard laws",
    statement=r"$\mathbb E[H]=-1$ for the gamma, exponential, Weibull and inverse gamma laws, "
    r"$-1-\alpha$ for the Pareto law on $[1,\infty)$, and $0$ for the uniform law on $[1,2]$.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("R25",),
    assumptions=("all parameters positive",),
    depends=("R25", "R25-mean"),
    derivation=r"Integrate $xp'$ exactly. In terms of R25-mean: $xp$ vanishes at $0$ and $\infty$ "
    r"for the first four; for the Pareto law it is $\alpha$ at $1$ and $0$ at infinity; for the "
    r"uniform law it grows from 1 to 2.",
    proof=Proof(
        are_the_means,
        holds=_MEANS,
        twins={
            "no boundary term for the Pareto law": {**_MEANS, "Pareto": Integer(-1)},
            "no boundary term for the uniform law": {**_MEANS, "uniform": Integer(-1)},
            "gamma: mean of the log score": {**_MEANS, "gamma": Integer(0)},
        },
    ),
)

CLAIMS = (SCORES, MEAN, VALUES)
