"""The explicit loss without the unknown score: integration by parts and its boundary term.

Symbols: psi = s_theta the model as a Stein score, h = x psi, p the density, H = x * grad log p;
S = 1 + h the model in the coordinate y = log x, q the density of y.
"""

from collections.abc import Callable

from sympy import (
    Expr,
    Function,
    Integer,
    Rational,
    Symbol,
    cancel,
    diff,
    exp,
    integrate,
    limit,
    log,
    oo,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Kind, Means, Proof
from spec.objectives import explicit_pins

# a function of (x, psi, psi') or of (h, x h'), per coordinate
InPsi = Callable[[Expr, Expr, Expr], Expr]
InH = Callable[[Expr, Expr], Expr]


def is_implicit(candidate: tuple[InPsi, InH, InPsi]) -> bool:
    """Whether both integrands give M-ESM up to a divergence, in the plane.

    The candidate: the integrand in psi, the same in h, and the flux as a function of x, psi, p.
    At every point p |H - h|^2 / 2 = p integrand + p |H|^2 / 2 - div flux, for arbitrary p and
    psi; their values and slopes at the point are symbols.
    """
    in_psi, in_h, flux = candidate
    x = symbols("x1 x2", positive=True)
    p = Function("p", positive=True)(*x)
    psi = [Function(f"psi{i}")(*x) for i in (1, 2)]
    rest = [Integer(0), Integer(0)]
    for e, f in zip(x, psi, strict=True):
        H, h = e * diff(log(p), e), e * f
        integrands = (in_psi(e, f, diff(f, e)), in_h(h, e * diff(h, e)))
        for i, integrand in enumerate(integrands):
            rest[i] += p * ((H - h) ** 2 - H**2) / 2 - p * integrand + diff(flux(e, f, p), e)
    return vanishes(tuple(_values(e, x, (p, *psi)) for e in rest))


def _values(expression: Expr, x: tuple[Symbol, ...], functions: tuple[Expr, ...]) -> Expr:
    """The expression with functions and their first derivatives replaced by symbols."""
    for f in functions:
        for e in x:
            expression = expression.subs(diff(f, e), Symbol(f"d{f.func}_d{e}"))
        expression = expression.subs(f, Symbol(f"{f.func}"))
    return expression


def is_implicit_in_log_space(candidate: tuple[Expr, InH]) -> bool:
    """Whether M-ESM = E[S^2 / 2 + S'] - constant + E H^2 / 2 - [flux], per coordinate.

    In y = log x the marginal has the log score s = q'/q, and H = s - 1, h = S - 1. The flux is a
    function of q and S.
    """
    constant, flux = candidate
    y = Symbol("y")
    q, S = Function("q", positive=True)(y), Function("S")(y)
    H, h = diff(log(q), y) - 1, S - 1
    integrand = S**2 / 2 + diff(S, y) - constant
    rest = q * ((H - h) ** 2 - H**2) / 2 - q * integrand + diff(flux(q, S), y)
    return vanishes(_values(rest, (y,), (q, S)))


def is_the_boundary_term(candidate: tuple[InPsi, Callable[[Expr, Expr], Expr]]) -> bool:
    """Whether -E[H h] = E[2 x psi + x^2 psi'] - (boundary term) on five densities and models.

    The candidate: the flux as a function of (x, psi, p), and how its limits at the lower and the
    upper end of the support combine. Exact integrals.
    """
    flux, combined = candidate
    x = Symbol("x", positive=True)
    cases = (
        (exp(-x), Integer(0), oo, -1 / x**2),
        (exp(-x), Integer(0), oo, -(1 + x) / x**2),
        (exp(-x), Integer(0), oo, -Integer(1) + 1 / x),
        (Integer(1), Integer(1), Integer(2), 3 - 2 * x + x**2),
        (2 * x / 3, Integer(1), Integer(2), 1 / x + x),
    )
    for p, low, high, psi in cases:
        cross = cancel(x * diff(p, x) / p) * x * psi
        implicit = 2 * x * psi + x**2 * diff(psi, x)
        left, right = (
            integrate(cancel(e).expand() * p, (x, low, high)) for e in (-cross, implicit)
        )
        ends = (limit(flux(x, psi, p), x, low, "+"), limit(flux(x, psi, p), x, high, "-"))
        if not all(end.is_finite for end in ends) or not same(left, right - combined(*ends)):
            return False
    return True


def _in_psi(x: Expr, psi: Expr, slope: Expr) -> Expr:
    return x**2 * psi**2 / 2 + 2 * x * psi + x**2 * slope


def _in_h(h: Expr, slope: Expr) -> Expr:
    return h**2 / 2 + h + slope


def _flux(x: Expr, psi: Expr, p: Expr) -> Expr:
    return x**2 * psi * p


IMPLICIT = Claim(
    id="R18",
    title="implicit form of the explicit loss",
    statement=r"$\mathcal L_{\text{M-ESM}}=\mathbb E\sum_i\{\tfrac12x_i^2\psi_i^2+2x_i\psi_i+"
    r"x_i^2\partial_i\psi_i\}+\tfrac12\mathbb E\lVert H\rVert^2$ with $\psi=s_\theta$, and with "
    r"$h=x\circ\psi$ it is $\mathbb E\sum_i\{\tfrac12h_i^2+h_i+x_i\partial_ih_i\}+\tfrac12\mathbb "
    r"E\lVert H\rVert^2$, if the flux $x_i^2\psi_ip$ vanishes at the ends; otherwise subtract "
    r"$\sum_i[x_i^2\psi_ip]$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R18",),
    assumptions=(
        "p and psi differentiable",
        r"$\mathbb E\lVert h\rVert^2$ and $\mathbb E\lVert H\rVert^2$ and $\mathbb E\lvert "
        r"x_i\partial_ih_i\rvert$ finite",
    ),
    depends=("A14", "boundary-term"),
    derivation=r"Expand the square. The cross term is $-\int x_i^2\,\partial_ip\,\psi_i\,dx="
    r"-[x_i^2\psi_ip]+\int p\,\partial_i(x_i^2\psi_i)\,dx$, and "
    r"$\partial_i(x_i^2\psi_i)=2x_i\psi_i+x_i^2\partial_i\psi_i=h_i+x_i\partial_ih_i$. Under the "
    "assumptions the boundary term vanishes on the open orthant (boundary-term); for $t>0$ and "
    r"$h$ of at most polynomial growth in $\log x$ they hold.",
    proof=Proof(
        is_implicit,
        holds=(_in_psi, _in_h, _flux),
        twins={
            "1 for 2": (lambda x, f, g: _in_psi(x, f, g) - x * f, _in_h, _flux),
            "one power of x in the last term": (
                lambda x, f, g: _in_psi(x, f, g) - x**2 * g + x * g,
                _in_h,
                _flux,
            ),
            "Jacobian left out in h": (_in_psi, lambda h, g: h**2 / 2 + g, _flux),
            "flux with one power of x": (_in_psi, _in_h, lambda x, f, p: x * f * p),
        },
    ),
    pins=(explicit_pins.IMPLICIT,),
)

IN_LOG_SPACE = Claim(
    id="R18-log",
    title="implicit form in log space",
    statement=r"With $S=\mathbf 1+h_\theta$ as a function of $y=\log x$: $\mathcal "
    r"L_{\text{M-ESM}}=\mathbb E\{\tfrac12\lVert S\rVert^2+\nabla_y\cdot S\}-\tfrac d2"
    r"+\tfrac12\mathbb E\lVert H\rVert^2$: Hyvärinen's (2005) loss of $\log X$, up to a constant.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R18",),
    assumptions=("those of R18", "one coordinate; the sum follows"),
    depends=("R18", "A10-score"),
    derivation=r"$H=s-1$ and $h=S-1$ with $s=q'/q$. Expand $\tfrac12q(H-h)^2$, use $qs=q'$ and "
    r"integrate by parts. The flux is $q\,h$, which is $x^2\psi p$ since $q=xp$.",
    proof=Proof(
        is_implicit_in_log_space,
        holds=(Rational(1, 2), lambda q, S: q * (S - 1)),
        twins={
            "constant left out": (Integer(0), lambda q, S: q * (S - 1)),
            "constant 1": (Integer(1), lambda q, S: q * (S - 1)),
            "flux of the log score": (Rational(1, 2), lambda q, S: q * S),
        },
    ),
)

BOUNDARY_TERM = Claim(
    id="R18-boundary",
    title="boundary term of the implicit form",
    statement=r"Where it does not vanish, the boundary term is $[x^2\psi p]$, upper minus lower "
    r"end: for $p=e^{-x}$, $\psi=-1/x^2$ it is $1$ (a model with $\mathbb Eh^2=\infty$); for a "
    r"uniform density on $[1,2]$ it is $4\psi(2)-\psi(1)$.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("R18",),
    assumptions=("the five densities and models of the routine",),
    depends=("R18", "boundary-term"),
    derivation=r"$p=e^{-x}$, $\psi=-1/x^2$: $-\mathbb E[Hh]=-\int(-x)(-1/x)e^{-x}dx=-1$, while "
    r"$2x\psi+x^2\psi'=0$, and $[x^2\psi p]=[-e^{-x}]_0^\infty=1$. On $[1,2]$ with $p=1$: $H=0$ "
    r"inside, and $\int(x^2\psi)'dx=4\psi(2)-\psi(1)$. Pixels with a density on $[1,2]$ that does "
    r"not vanish at the ends have such terms at $t=0$ only.",
    proof=Proof(
        is_the_boundary_term,
        holds=(_flux, lambda low, high: high - low),
        twins={
            "none": (_flux, lambda low, high: Integer(0)),
            "upper end alone": (_flux, lambda low, high: high),
            "wrong sign": (_flux, lambda low, high: low - high),
            "one power of x": (lambda x, f, p: x * f * p, lambda low, high: high - low),
        },
    ),
)

CLAIMS = (IMPLICIT, IN_LOG_SPACE, BOUNDARY_TERM)
