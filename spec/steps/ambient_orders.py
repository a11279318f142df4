"""Strong and weak order of the sign-agnostic step where every moment is exact: a constant score.

With h constant, as for p proportional to a power of x, eq. 7 is dX = beta X dr + sigma X dW with
beta = -mu + 2 sigma^2 + sigma^2 h, whose solution and whose steps multiply by independent
factors. Symbols: d step; root = sqrt(d); T = N d; z draw, the same for both factors of a step.
"""

from dataclasses import dataclass

from sympy import Expr, Integer, Poly, Symbol, expand

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import h, sigma, z
from spec.steps._reverse import ambient_factor, root

T = Symbol("T", positive=True)
beta = Symbol("beta", real=True)


@dataclass(frozen=True)
class Leading:
    """Leading term of a relative error: coefficient * d^power."""

    coefficient: Expr
    power: int


@dataclass(frozen=True)
class Errors:
    """Leading terms of the relative errors of a run.

    strong, milstein  E (X - X^)^2 / E X^2 for A12, and for A12 with Milstein's term
    mean, second      E X^ / E X - 1 and E X^^2 / E X^2 - 1 for A12
    """

    strong: Leading
    milstein: Leading
    mean: Leading
    second: Leading


def are_the_errors(errors: Errors) -> bool:
    """Whether the four errors after N = T / d steps have these leading terms.

    The exact factor of a step is F = exp((beta - sigma^2/2) d + sigma root z), the step's is a
    polynomial G in z. E F^2 = e^{(2 beta + sigma^2) d}; E F G = e^{beta d} E G(z + sigma root),
    the exponential shifting the normal law; E G and E G^2 are moments of polynomials. After N
    independent steps each is an N-th power, exp(T / d log(.)), expanded in d.
    """
    euler = 1 + beta * root**2 + sigma * root * z
    rate = (ambient_factor(h, Integer(0), root) - 1) / root**2
    if not same(ambient_factor(h, z, root), euler.subs(beta, rate)):
        raise ValueError("with a constant score the step was to be that of a linear equation")
    milstein = euler + sigma**2 * root**2 * (z**2 - 1) / 2
    growth = 2 * beta + sigma**2
    solution = [Integer(1), Integer(0), Integer(0)]
    squares = [
        [one - 2 * b + c for one, b, c in zip(solution, *_powers(step, growth), strict=True)]
        for step in (euler, milstein)
    ]
    mean = _relative_power(_moment(euler), beta)
    second = _relative_power(_moment(euler**2), growth)
    found = (*squares, [mean[0] - 1, *mean[1:]], [second[0] - 1, *second[1:]])
    wanted = (errors.strong, errors.milstein, errors.mean, errors.second)
    return all([_leads(series, leading) for series, leading in zip(found, wanted, strict=True)])


def _powers(step: Expr, growth: Expr) -> tuple[list[Expr], list[Expr]]:
    """E X X^ and E X^^2 over E X^2, as coefficients of 1, d, d^2."""
    shifted = step.subs(z, z + sigma * root)
    return (
        _relative_power(_moment(shifted), growth - beta),
        _relative_power(_moment(step**2), growth),
    )


def _moment(polynomial: Expr) -> Expr:
    return expectation(polynomial, z, Integer(0), Integer(1))


def _relative_power(factor: Expr, rate: Expr) -> list[Expr]:
    """factor^(T / d) e^(-rate T) as coefficients of 1, d, d^2, for factor = 1 + rate d + O(d^2).

    The logarithm of the factor over d is rate + l2 d + l3 d^2 + O(d^3).
    """
    e = expand(factor - 1)
    logarithm = Poly(e - e**2 / 2 + e**3 / 3, root)
    first, l2, l3 = (logarithm.coeff_monomial(root ** (2 * n)) for n in (1, 2, 3))
    if not same(first, rate):
        raise ValueError("the step was to be consistent")
    return [Integer(1), T * l2, T * l3 + T**2 * l2**2 / 2]


def _leads(series: list[Expr], leading: Leading) -> bool:
    """Whether the series starts with this term, and the term is not zero."""
    below = vanishes(tuple(series[: leading.power]))
    return (
        below
        and same(series[leading.power], leading.coefficient)
        and not vanishes(leading.coefficient)
    )


_STRONG = Leading(T * sigma**4 / 2, 1)
_MILSTEIN = Leading(
    T * (sigma**6 / 6 + beta**2 * sigma**2 + T * beta**2 * (beta + 2 * sigma**2) ** 2 / 4), 2
)
_MEAN = Leading(-T * beta**2 / 2, 1)
_SECOND = Leading(-T * (2 * beta**2 + 4 * beta * sigma**2 + sigma**4) / 2, 1)

R15_AGNOSTIC = Claim(
    id="R15-agnostic",
    title="strong and weak order of A12, with constants",
    statement=r"With a constant score ($dX=\beta X\,dr+\sigma X\,d\bar W$) and step $\delta$: "
    r"$\mathbb E(X-\hat X)^2/\mathbb EX^2=\frac{\sigma^4T}2\delta+O(\delta^2)$, a strong order of "
    r"exactly $\frac12$; with Milstein's term it is $T\big[\frac{\sigma^6}6+\beta^2\sigma^2+\frac "
    r"T4\beta^2(\beta+2\sigma^2)^2\big]\delta^2+O(\delta^3)$, order 1. The mean is off by the "
    r"factor $1-\frac{\beta^2T}2\delta$, the second moment by $1-\frac "
    r"T2(2\beta^2+4\beta\sigma^2+\sigma^4)\delta$: weak order 1, which the mean cannot show if "
    r"$\beta=0$.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("R15",),
    assumptions=(
        "constant score h, as for a density proportional to a power of x; the forward equation is "
        "the same case with beta = mu",
    ),
    depends=("A12", "R15"),
    derivation=r"Both solution and scheme are products of $N$ independent factors, driven by the "
    r"same draws. $\mathbb EF^2=e^{(2\beta+\sigma^2)\delta}$, $\mathbb "
    r"EFG=e^{\beta\delta}(1+(\beta+\sigma^2)\delta)$, $\mathbb "
    r"EG^2=(1+\beta\delta)^2+\sigma^2\delta$; Milstein's term adds $\frac{\sigma^4\delta^2}2$ "
    r"inside both brackets. Raise to the power $\frac T\delta$ by expanding the logarithms.",
    proof=Proof(
        are_the_errors,
        holds=Errors(_STRONG, _MILSTEIN, _MEAN, _SECOND),
        twins={
            "strong order 1 without the correction": Errors(_MILSTEIN, _MILSTEIN, _MEAN, _SECOND),
            "strong constant without the half": Errors(
                Leading(T * sigma**4, 1), _MILSTEIN, _MEAN, _SECOND
            ),
            "correction of order 1/2": Errors(_STRONG, _STRONG, _MEAN, _SECOND),
            "mean too large": Errors(_STRONG, _MILSTEIN, Leading(T * beta**2 / 2, 1), _SECOND),
        },
    ),
)

CLAIMS = (R15_AGNOSTIC,)
