"""The two samplers as Euler-Maruyama steps: in X (A12) and in log X (A13, eq. 12 of version 1).

Symbols: mu, sigma rates; h Hyvarinen score at (x, t); z draw; root = sqrt(dt); x state.
"""

from sympy import Expr, Matrix, Poly, Rational, factorial

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Pin, Proof, v1, v2
from spec.checking.symbols import dt, h, mu, sigma, t, z
from spec.steps._pinned import STEP_POINTS, ambient_formula, dale_formula
from spec.steps._reverse import X as STATE
from spec.steps._reverse import (
    additive_equation,
    ambient_equation,
    ambient_factor,
    in_logarithms,
    increment,
    log_step,
    per_coordinate,
    root,
)


def is_the_ambient_step(factor: Expr) -> bool:
    """Whether X times `factor` is the Euler-Maruyama step of the reverse equation of X.

    Left: x + dt * drift + sqrt(dt) g z in the plane, with the drift built from the matrix
    g g^T, g = sigma diag(x), its row-wise divergence and a symbol for each slope of log p.
    """
    state = Matrix(STATE)
    left = state + increment(ambient_equation())
    return same(left, state.multiply_elementwise(per_coordinate(factor)))


def is_the_log_step(exponent: Expr) -> bool:
    """Whether log X plus `exponent` is the Euler-Maruyama step of the reverse equation of log X.

    Left: the equation of X, carried to log X by Ito's formula.
    """
    return same(increment(in_logarithms(*ambient_equation())), per_coordinate(exponent))


def is_the_additive_step(added: Expr) -> bool:
    """Whether `added` is the Euler-Maruyama increment of the reversed Brownian motion Y = log X.

    Left: the reverse of dY = (mu - sigma^2/2) dt + sigma dW, with the score of Y.
    """
    return same(increment(additive_equation()), per_coordinate(added))


def is_the_gap(orders: tuple[Expr, Expr]) -> bool:
    """Whether exp(exponent of A13) - factor of A12 = c2 dt + c3 dt^(3/2) + O(dt^2).

    Both sides are polynomials in root = sqrt(dt) up to root^3, since the exponent is O(root).
    The mean of the gap over z has to vanish to this order too.
    """
    exponent = log_step(h, z, root)
    exponential = sum(exponent**n / factorial(n) for n in range(4))
    gap = Poly(exponential - ambient_factor(h, z, root), root)
    wanted = (0, 0, *orders)
    agree = all([same(gap.coeff_monomial(root**n), wanted[n]) for n in range(4)])
    means = [expectation(order, z, Rational(0), Rational(1)) for order in orders]
    return agree and vanishes(tuple(means))


_AMBIENT = 1 - root**2 * (mu - 2 * sigma**2) + root**2 * sigma**2 * h + sigma * root * z
_EXPONENT = -(root**2) * (mu - 3 * sigma**2 / 2) + root**2 * sigma**2 * h + sigma * root * z
A12 = Claim(
    id="A12",
    title="sign-agnostic step",
    statement=r"The Euler–Maruyama step of eq. 7 is $X_{k-1} = X_k\circ[\mathbf 1-\delta(\mu-"
    r"2\sigma^2\mathbf 1)+\delta\sigma^2 X_k\circ\nabla\log p_{X_k}(X_k,k)+\sigma\sqrt\delta "
    r"Z_k]$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 12"),
    sheet=("A12",),
    assumptions=(
        "formula lost in the text of version 2; reconstructed: the Euler-Maruyama step of eq. 7, "
        "as the prose says, in positive reverse time",
        "constant coefficients; p_t positive and differentiable at x",
    ),
    depends=("A2", "A7"),
    derivation=r"The reverse drift is $-f+\nabla\cdot[gg^\top]+gg^\top\nabla\log p$ with $f=\mu "
    r"x$, $g=\sigma\,\mathrm{diag}(x)$, so $gg^\top=\sigma^2\mathrm{diag}(x^2)$ has row-wise "
    r"divergence $2\sigma^2x$. One step adds $\delta$ times this drift and $\sqrt\delta\,gZ$; "
    "each term carries a factor $x$, which is taken out. Decided in the plane, entry by entry.",
    proof=Proof(
        is_the_ambient_step,
        holds=_AMBIENT,
        twins={
            "divergence counted once": _AMBIENT - root**2 * sigma**2,
            "3/2 sigma^2, as in the log step": _AMBIENT - root**2 * sigma**2 / 2,
            "noise with sigma^2": _AMBIENT + (sigma**2 - sigma) * root * z,
            "score with the other sign": _AMBIENT - 2 * root**2 * sigma**2 * h,
        },
    ),
    pins=(
        Pin(
            "gbm_ref.SignAgnostic.__call__",
            formula=ambient_formula(),
            twins={
                "3/2 sigma^2": ambient_formula(Rational(3, 2)),
                "score read at the end of the step": ambient_formula(score_time=t - dt),
            },
            points=STEP_POINTS,
        ),
    ),
)

A13 = Claim(
    id="A13",
    title="Dale-Langevin step",
    statement=r"The Euler–Maruyama step of eq. 11, exponentiated, is $X_{k-1} = "
    r"X_k\circ\exp[-\delta(\mu-\frac{3\sigma^2}2\mathbf 1)+\delta\sigma^2X_k\circ\nabla\log "
    r"p_{X_k}(X_k,k)+\sigma\sqrt\delta Z_k]$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 13"), *v2("eq. 13")),
    sheet=("A13",),
    assumptions=(
        "x > 0; p_t positive and differentiable at x; constant coefficients",
        r"$p_{X_k}(X_k,k)$ means the density at time $k\delta$",
        "formula lost in the text of version 2; reconstructed: that of version 1",
    ),
    depends=("A2", "A7", "A11"),
    derivation=r"Itô's formula for $\log$ takes $dX = X\circ(b\,dr+\sigma\,d\bar W)$ to $d\log "
    r"X=(b-\frac{\sigma^2}2)dr+\sigma d\bar W$. With $b=-\mu+2\sigma^2+\sigma^2h$ from eq. 7 the "
    r"drift is $-\mu+\frac{3\sigma^2}2+\sigma^2h$; one step of length $\delta$ adds $\delta$ "
    r"times it and $\sigma\sqrt\delta Z$. The exponential of a sum is the printed factor.",
    proof=Proof(
        is_the_log_step,
        holds=_EXPONENT,
        twins={
            "2 sigma^2, as in the ambient step": _EXPONENT + root**2 * sigma**2 / 2,
            "no Jacobian: sigma^2 / 2": _EXPONENT - root**2 * sigma**2,
            "mu with the other sign": _EXPONENT + 2 * root**2 * mu,
            "noise without the square root": _EXPONENT + (root**2 - root) * sigma * z,
        },
    ),
    pins=(
        Pin(
            "gbm_ref.DaleLangevin.__call__",
            formula=dale_formula(),
            twins={
                "2 sigma^2": dale_formula(Rational(2)),
                "score read at the end of the step": dale_formula(score_time=t - dt),
            },
            points=STEP_POINTS,
        ),
    ),
)

V1_12 = Claim(
    id="V1-12",
    title="Euler-Maruyama step in the logarithm",
    statement=r"$\log X_{k-1}=\log X_k-\delta\big(\mu-\frac{3\sigma^2}2\mathbf 1-\sigma^2X_k\circ"
    r"\nabla\log p_{X_k}\big)+\sqrt\delta\,\sigma Z_k$ is the Euler–Maruyama step of the reversed "
    r"Brownian motion $Y=\log X$, eq. 10.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v1("eq. 12"),
    sheet=("A13",),
    assumptions=("x > 0", "p_t positive and differentiable at x"),
    depends=("A2", "A10", "A10-score"),
    derivation=r"$Y$ has the constant diffusion $\sigma I$, whose divergence is zero, so its "
    r"reverse drift is $-(\mu-\frac{\sigma^2}2)+\sigma^2\nabla_y\log q$. Insert $\nabla_y\log "
    r"q=\mathbf 1+x\circ\nabla\log p$. This way does not use eq. 7; that A13 gives the same step "
    "is a check of both.",
    proof=Proof(
        is_the_additive_step,
        holds=_EXPONENT,
        twins={
            "Jacobian left out": _EXPONENT - root**2 * sigma**2,
            "score with the other sign": _EXPONENT - 2 * root**2 * sigma**2 * h,
            "score times sigma": _EXPONENT + root**2 * (sigma - sigma**2) * h,
        },
    ),
)

_C2 = sigma**2 * (z**2 - 1) / 2
_C3 = sigma * z * (-mu + 3 * sigma**2 / 2 + sigma**2 * h) + sigma**3 * z**3 / 6

GAP = Claim(
    id="A12-A13-gap",
    title="difference of the two steps",
    statement=r"From the same state and draw, the factor of A13 minus that of A12 is "
    r"$\frac{\sigma^2\delta}2(Z^2-1)+\delta^{3/2}\big[\sigma Z(-\mu+\frac{3\sigma^2}2+\sigma^2h)+"
    r"\frac{\sigma^3Z^3}6\big]+O(\delta^2)$; the mean of both terms over $Z$ is zero.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("A12", "A13"),
    assumptions=("h finite at x",),
    depends=("A12", "A13"),
    derivation=r"Write the exponent of A13 as $e_1\sqrt\delta+e_2\delta$ with $e_1=\sigma Z$ and "
    r"expand: $\exp = "
    r"1+e_1\sqrt\delta+(e_2+\frac{e_1^2}2)\delta+(e_1e_2+\frac{e_1^3}6)\delta^{3/2}+O(\delta^2)$. "
    r"A12 has $1+e_1\sqrt\delta+(e_2+\frac{\sigma^2}2)\delta$. The first term is Milstein's "
    "correction, so the two differ path by path at order one half and agree in mean.",
    proof=Proof(
        is_the_gap,
        holds=(_C2, _C3),
        twins={
            "Z^2 without its mean": (sigma**2 * z**2 / 2, _C3),
            "half left out": (2 * _C2, _C3),
            "no cubic term": (_C2, _C3 - sigma**3 * z**3 / 6),
        },
    ),
)

CLAIMS = (A12, A13, V1_12, GAP)
