"""The log-normal vector W = exp(mu + sigma Z) with Z standard normal, element by element.

Symbols: mu1, mu2  entries of mu;  s2 = sigma^2;  L_i = log w_i
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Matrix, Symbol, exp, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Pin, Proof, v1, v2
from spec.checking.symbols import s2, sigma
from spec.targets import _laws

mu1, mu2 = symbols("mu1 mu2", real=True)


def are_the_entries(laws: tuple[tuple[Expr, Expr], ...]) -> bool:
    """Whether the entries of W are independent with log W_i ~ N(m_i, v_i), laws = ((m1, v1), ...).

    Left: the density of W in the plane, that of Z divided by det dW/dZ, which is differentiated
    and expanded. Right: the product of two log-normal densities (A23). Their exponents are
    compared as polynomials in L_1 and L_2, and the squares of the factors before them.
    """
    draws = Matrix(symbols("z1 z2"))
    images = (Matrix([mu1, mu2]) + sigma * draws).applyfunc(exp)
    at_image = dict(zip(images, _laws.X, strict=True))
    two_pi = Symbol("two_pi")
    square = 1 / (two_pi * images.jacobian(draws).subs(at_image).det()) ** 2
    exponent = -sum(((y - m) / sigma) ** 2 for y, m in zip(_laws.Y, (mu1, mu2), strict=True)) / 2
    for w, y, (mean, variance) in zip(_laws.X, _laws.Y, laws, strict=True):
        square *= two_pi * variance * w**2
        exponent += (y - mean) ** 2 / (2 * variance)
    return vanishes(square.subs(s2, sigma**2) - 1) and vanishes(exponent.subs(s2, sigma**2))


_DRAWS = symbols("z1 z2", real=True)


def _drawn(means: tuple[Expr, Expr], deviation: Expr) -> tuple[Expr, ...]:
    return tuple(exp(a + deviation * z) for a, z in zip(means, _DRAWS, strict=True))


_a1, _a2 = _laws.A


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        medians = [mpmath.exp(mpf(mean)) for mean in ("0", "0.5")]
    label = "median of an entry with mu_i = {}, whatever sigma is"
    return tuple(
        Figure(label.format(mean), median)
        for mean, median in zip(("0", "0.5"), medians, strict=True)
    )


VECTOR = Claim(
    id="multivariate-log-normal",
    title="entries of a log-normal vector",
    statement=r"The entries of $W=\exp(\mu+\sigma Z)$, $Z\sim\mathcal N(0,I)$, are independent "
    r"and $W_i\sim\mathcal{LN}(\mu_i,\sigma^2)$. They are identically distributed only when all "
    r"$\mu_i$ are equal.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(*v1("App. B: multivariate"), *v2("App. A: multivariate")),
    sheet=("A23", "E6"),
    assumptions=(
        "sigma > 0",
        "decided for d = 2",
        "formula lost in the text of version 2; reconstructed: the definition of version 1",
    ),
    depends=("A23",),
    derivation=r"$\det(\partial w/\partial z)=\prod_i\sigma w_i$, so the density of $W$ is "
    r"$\prod_i\frac1{w_i\sigma\sqrt{2\pi}}e^{-(\log w_i-\mu_i)^2/2\sigma^2}$: a product, which is "
    r"independence, of the densities A23 with $\mu_i$ in place of $\mu$. The factors are equal "
    r"functions only when the $\mu_i$ are.",
    proof=Proof(
        are_the_entries,
        holds=((mu1, s2), (mu2, s2)),
        twins={
            "means exchanged": ((mu2, s2), (mu1, s2)),
            "with the mean of the entries": (((mu1 + mu2) / 2, s2), ((mu1 + mu2) / 2, s2)),
            "sigma in place of sigma^2": ((mu1, sigma), (mu2, sigma)),
        },
        printed={"identically distributed": ((mu1, s2), (mu1, s2))},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed=r"$\boldsymbol W=\exp(\boldsymbol\mu+\sigma\boldsymbol Z)$ ... Effectively, the "
        r"entries of $\boldsymbol W$ are independent and identically distributed according to Eq. "
        "(23)",
        trouble=r"The entries are independent, but identically distributed only when all entries "
        r"of $\mu$ are equal, as for the one pair $(\hat\mu,\hat\sigma)$ that the paper fits to "
        r"grayscale images: eq. (23) has a number $\mu$, here it is a vector.",
        correction=r"The entries are independent, $W_i\sim\mathcal{LN}(\mu_i,\sigma^2)$.",
        figures=_figures,
        remains_open="Version 2 keeps the sentence; its formula is lost in the text that we have.",
    ),
    pins=(
        Pin(
            "gbm_ref.LogNormal.rvs",
            formula=_drawn((_a1, _a2), sqrt(_laws.line_S)),
            twins={
                "identically distributed": _drawn((_a1, _a1), sqrt(_laws.line_S)),
                "variance in place of the deviation": _drawn((_a1, _a2), _laws.line_S),
            },
            points=(
                {"a1": 0.3, "a2": -0.6, "S": 0.9, "z1": 0.4, "z2": -1.7},
                {"a1": -2.2, "a2": 0.1, "S": 0.0004, "z1": 8.5, "z2": -0.01},
                {"a1": 0.05, "a2": 1.1, "S": 3.3, "z1": -9.0, "z2": 6.0},
            ),
        ),
    ),
)

CLAIMS = (VECTOR,)
