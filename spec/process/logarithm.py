"""The equation of log X, in both directions.

Symbols: mu1, mu2  drifts of the two entries of the vector equation; y = log x.
"""

from sympy import Expr, Matrix, exp, log, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Proof, v1, v2
from spec.checking.symbols import mu, sigma
from spec.process._ito import ito

mu1, mu2, y = symbols("mu1 mu2 y", real=True)
x1, x2, X = symbols("x1 x2 X", positive=True)


def gives_log_equation(coefficients: tuple[Expr, Expr, Expr]) -> bool:
    """Whether d log X_i = b_i dt + c dW_i, for the candidate (b_1, b_2, c) and A5 in the plane.

    Ito's formula for log x_1 and log x_2, as functions of both entries.
    """
    *drifts, common = coefficients
    x = (x1, x2)
    noise = Matrix.diag(sigma * x1, sigma * x2)
    found = [ito(log(entry), x, (mu1 * x1, mu2 * x2), noise) for entry in x]
    drift_holds = all([same(f[0], b) for f, b in zip(found, drifts, strict=True)])
    return same(Matrix([f[1] for f in found]), common * Matrix.eye(2)) and drift_holds


def gives_back_gbm(coefficients: tuple[Expr, Expr]) -> bool:
    """Whether dY = b dt + c dW makes X = e^Y solve A4, for the candidate (b, c).

    Ito's formula for the exponential: the opposite direction of `gives_log_equation`.
    """
    drift, (noise,) = ito(exp(y), (y,), (coefficients[0],), Matrix([[coefficients[1]]]))
    found = (term.subs(exp(y), X) for term in (drift, noise))
    return all([same(f, g) for f, g in zip(found, (mu * X, sigma * X), strict=True)])


def _shifted(factor: int) -> tuple[Expr, Expr, Expr]:
    """Drifts mu_i - factor * sigma^2 / 2 and noise sigma."""
    return (mu1 - factor * sigma**2 / 2, mu2 - factor * sigma**2 / 2, sigma)


A8 = Claim(
    id="A8",
    title="equation of the logarithm",
    statement=r"$d\log X_t = (\mu-\tfrac{\sigma^2}2\mathbf 1)\,dt + \sigma\,dW_t$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 8"), *v2("eq. 8")),
    sheet=("A8",),
    assumptions=(
        "Itô's formula, on x > 0 where X stays (solution-scalar)",
        "formula lost in the text of version 2; reconstructed: as in version 1",
    ),
    depends=("A5", "solution-scalar"),
    derivation=r"For $\phi(x)=\log x_i$: $\phi_i=1/x_i$, $\phi_{ii}=-1/x_i^2$, other derivatives "
    r"zero. Itô: $d\log X_i=\tfrac{\mu_iX_i\,dt+\sigma X_i\,dW_i}{X_i}"
    r"-\tfrac12\tfrac{\sigma^2X_i^2}{X_i^2}dt$. Decided for $d=2$.",
    proof=Proof(
        gives_log_equation,
        holds=_shifted(1),
        twins={
            "no Itô term": _shifted(0),
            "Itô term sigma^2": _shifted(2),
            "wrong sign": _shifted(-1),
            "noise sigma^2": (*_shifted(1)[:2], sigma**2),
        },
    ),
)

A9 = Claim(
    id="A9",
    title="equation of Y = log X",
    statement=r"$dY_t = (\mu-\tfrac{\sigma^2}2\mathbf 1)\,dt+\sigma\,dW_t$ for $Y=\log X$; "
    r"conversely $X=e^Y$ of a solution solves $dX=\mu\circ X\,dt+\sigma X\circ dW$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 9"), *v2("eq. 9")),
    sheet=("A9",),
    assumptions=(
        "Itô's formula",
        "formula lost in the text of version 2; reconstructed: as in version 1",
    ),
    depends=("A8",),
    derivation=r"The equation is A8 in the name $Y$. Conversely, Itô's formula for $e^y$, entry "
    r"by entry: $dX=e^Y\big(b+\tfrac12c^2\big)dt+e^Yc\,dW$ for $dY=b\,dt+c\,dW$, which is A4 if "
    r"and only if $c=\sigma$ and $b=\mu-\tfrac{\sigma^2}2$.",
    proof=Proof(
        gives_back_gbm,
        holds=(mu - sigma**2 / 2, sigma),
        twins={
            "no Itô term": (mu, sigma),
            "wrong sign": (mu + sigma**2 / 2, sigma),
            "noise sigma^2": (mu - sigma**2 / 2, sigma**2),
        },
    ),
)

CLAIMS = (A8, A9)
