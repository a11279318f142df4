"""Identities of the Hyvärinen score: mean, second moment, change under powers and rescaling.

Symbols: p any density; H = x * grad log p; s = 1 + H the score of Y = log X; d dimension;
c, a of the map x -> c x^a; w weight, a1, a2, V1, V2 of a mixture; alpha, beta of a gamma law.
"""

from sympy import Expr, Integer, Poly, diff, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import L, a, h, x

# mean of H, E|H|^2 - E|s|^2 per coordinate, and H of c X^a in terms of a and h
Identities = tuple[Expr, Expr, Expr]


def has_the_identities(candidate: Identities) -> bool:
    """Whether the identities hold: for every density, and the moments for two kinds in full."""
    mean, excess, changed = candidate
    return (
        _of_every_density(mean, excess)
        and _of_mixture(mean, excess)
        and _of_gamma(mean, excess)
        and _under_powers(changed)
    )


def _of_every_density(mean: Expr, excess: Expr) -> bool:
    """(H - mean) p = d(x p)/dx and (H^2 - s^2 - excess) q = -2 dq/dy: both integrate to 0.

    q(y) = p x is any function: p and p' at a point are symbols, and so are q and q'.
    """
    p, slope, q, q_slope = symbols("p slope q q_slope", real=True)
    score, s = x * slope / p, q_slope / q
    return same((score - mean) * p, p + x * slope) and same(
        ((s - 1) ** 2 - s**2 - excess) * q, -2 * q_slope
    )


def _of_mixture(mean: Expr, excess: Expr) -> bool:
    """Two log-normals with any weight. q s = q', so E[c s] is a sum over the components.

    H^2 - s^2 = (s - 1)^2 - s^2 is linear in s, so that it needs no more than E[s] does.
    """
    y, w, s = symbols("y w s", real=True)
    means, variances = symbols("a1 a2", real=True), symbols("V1 V2", positive=True)
    expected = sum(
        weight * expectation(diff(-((y - centre) ** 2) / (2 * size), y), y, centre, size)
        for weight, centre, size in zip((w, 1 - w), means, variances, strict=True)
    )
    difference = ((s - 1) ** 2 - s**2).expand()
    return same(mean, expected - 1) and same(excess, difference.subs(s, expected))


def _of_gamma(mean: Expr, excess: Expr) -> bool:
    """p = x^(alpha-1) e^(-beta x): E[x^n] = alpha (alpha+1) ... (alpha+n-1) / beta^n."""
    alpha, beta = symbols("alpha beta", positive=True)
    log_p = (alpha - 1) * L - beta * x
    score = diff(log_p, L) + x * diff(log_p, x)
    moments = (Integer(1), alpha / beta, alpha * (alpha + 1) / beta**2)

    def expected(polynomial: Expr) -> Expr:
        coefficients = Poly(polynomial.expand(), x).all_coeffs()[::-1]
        return sum(c * moments[n] for n, c in enumerate(coefficients))

    second = expected(score**2) - expected((1 + score) ** 2)
    return same(mean, expected(score)) and same(excess, second)


def _under_powers(changed: Expr) -> bool:
    """Y' = log c + a Y has log density log q((y' - log c) / a) up to a constant; s' its slope."""
    y_new, log_c, slope, curve = symbols("y_new log_c slope curve", real=True)
    u = (y_new - log_c) / a
    log_q = slope * u + curve * u**2 / 2
    score_of_y = slope + curve * u
    return vanishes(diff(log_q, y_new) - 1 - changed.subs(h, score_of_y - 1))


R1 = Claim(
    id="R1",
    title="identities of the Hyvärinen score",
    statement=r"$\mathbb E[H]=-\mathbf 1$ and $\mathbb E\lVert H\rVert^2=\mathbb E\lVert s"
    r"\rVert^2+d$. For $X'=c\circ X^a$ ($c>0$, $a\ne0$): $\mathbf 1+H'(x')=(\mathbf 1+H(x))/a$; "
    r"$H$ does not change when $X$ is rescaled.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R1", "C4"),
    assumptions=(
        "x_i p(x) -> 0 on the faces x_i = 0 and at infinity (R25 gives the boundary term)",
        "E|H|^2 finite",
    ),
    depends=("A10-score",),
    derivation=r"$H_ip=x_i\partial_ip=\partial_i(x_ip)-p$, so $\mathbb E[H_i]=-1$ when $x_ip$ "
    r"vanishes at both ends; and $\lVert H\rVert^2-\lVert s\rVert^2=d-2\sum_is_i$, where $q\,s_i="
    r"\partial_{y_i}q$ integrates to zero. For $Y'=\log c+aY$ the density is $q((y'-\log "
    r"c)/a)/\lvert a\rvert$: its score is $s/a$. The routine decides both integrands to be these "
    "derivatives for every density, takes the moments in full for an arbitrary mixture of two "
    "log-normals and for every gamma law, and decides the change under powers for an arbitrary "
    "density through its 2-jet.",
    proof=Proof(
        has_the_identities,
        holds=(Integer(-1), Integer(1), (1 + h) / a - 1),
        twins={
            "mean 0": (Integer(0), Integer(1), (1 + h) / a - 1),
            "second moment smaller by d": (Integer(-1), Integer(-1), (1 + h) / a - 1),
            "H itself divided by a": (Integer(-1), Integer(1), h / a),
            "multiplied by a": (Integer(-1), Integer(1), (1 + h) * a - 1),
        },
    ),
)

CLAIMS = (R1,)
