"""Equation 35 as an equality of laws, and why it is not one of paths.

Symbols: sigma_i  diffusion rate at time i delta;  Z_i  the draw of step i.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Rational, expand, symbols

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v2

diffusions = symbols("sigma_0:4", positive=True)
draws = symbols("Z_0:4", real=True)

# (sigma_0^2, sigma_1^2, ...), k, l -> squared correlation of log X_k and log X_l, for k < l.
Correlation = Callable[[tuple[Expr, ...], int, int], Expr]


def is_the_squared_correlation(correlation: Correlation) -> bool:
    """Whether log X_k and log X_l have this squared correlation given X_0, for pairs up to 4.

    The noise that k steps have added is sum_{i<k} sigma_i Z_i (a common factor cancels);
    covariances are averages of products of such sums, one draw after the other.
    """
    squares = tuple(s**2 for s in diffusions)
    for k, later in ((1, 2), (1, 4), (2, 3), (2, 4)):
        early, late = _noise(k), _noise(later)
        both, first, second = map(_average, (early * late, early**2, late**2))
        if not same(both**2 / (first * second), correlation(squares, k, later)):
            return False
    return True


def _noise(k: int) -> Expr:
    return sum((diffusions[i] * draws[i] for i in range(k)), Integer(0))


def _average(polynomial: Expr) -> Expr:
    for draw in draws:
        polynomial = expectation(polynomial, draw, Rational(0), Rational(1))
    return expand(polynomial)


def _figures() -> tuple[Figure, ...]:
    """Constant sigma and N = 10: steps 5 and 10, which share half of their noise."""
    return (
        Figure("correlation of log X_5 and log X_10, constant sigma", mpmath.sqrt(mpf(5) / 10)),
        Figure("with one Z for both", 1),
    )


E19_I = Claim(
    id="E19-i",
    title="equation 35 holds in law, not path by path",
    statement=r"$\log X_k=\log X_0+\bar\mu_k+\bar\sigma_kZ^{(k)}$ with a standard normal "
    r"$Z^{(k)}=\tfrac{\sqrt\delta}{\bar\sigma_k}\sum_{i<k}\sigma_iZ_i$ that depends on $k$: for "
    r"$k<l$, $\mathrm{Corr}(Z^{(k)},Z^{(l)})=\bar\sigma_k/\bar\sigma_l<1$. With one $Z$ for all "
    r"$k$ the formula has the right law for each $k$ alone and the wrong joint law.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("eq. 35"),
    sheet=("E19",),
    assumptions=("independent draws", "sigma_i > 0"),
    depends=("A35",),
    derivation=r"Given $X_0$, $\mathrm{Cov}(\log X_k,\log X_l)=\delta\sum_{i<k}\sigma_i^2"
    r"=\bar\sigma_k^2$ for $k\le l$, because later draws are independent of earlier ones. Divide "
    r"by $\bar\sigma_k\bar\sigma_l$. Decided for pairs up to $l=4$ by averaging over the draws.",
    proof=Proof(
        is_the_squared_correlation,
        holds=lambda squares, k, later: sum(squares[:k]) / sum(squares[:later]),
        twins={
            "the ratio squared": lambda squares, k, later: (
                (sum(squares[:k]) / sum(squares[:later])) ** 2
            ),
            "one step less in common": lambda squares, k, later: (
                sum(squares[: k - 1], Integer(0)) / sum(squares[:later])
            ),
            "independent": lambda squares, k, later: Integer(0),
        },
        printed={"one Z for all k": lambda squares, k, later: Integer(1)},
    ),
    erratum=Erratum(
        fault=Fault.UNDEFINED,
        printed="Unrolling Eq. 34, we get the following expression for [symbol lost] in terms of "
        "[symbol lost] (formula lost)",
        trouble="Unrolling gives a weighted sum of all draws. Written with a single normal $Z$, "
        "as the words 'where ..., and ...' after it suggest, it is an equality in law for one "
        "$k$; read as an equality it would make the whole path a function of one draw. For the "
        "loss, which looks at one $k$ at a time, the law is all that is needed.",
        correction=r"$\log X_k\overset d=\log X_0+\bar\mu_k+\bar\sigma_kZ$ for each $k$",
        figures=_figures,
        remains_open="Whether version 2 prints $=$ or equality in distribution cannot be seen.",
    ),
)

CLAIMS = (E19_I,)
