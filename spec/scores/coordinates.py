"""How a score changes with the coordinates, and identities of the Hyvärinen score.

For y = f(x) with f a diffeomorphism and J its Jacobian, p(x) = q(f(x)) |det J(x)|, so

    grad_x log p = J^T grad_y log q + grad_x log |det J|

Symbols: q, p densities of Y and X; h = x * grad log p; s = 1 + h the score of Y = log X; c, a of
the map x -> c x^a; w weight, a1, a2, V1, V2 of a mixture; alpha, beta of a gamma law.
"""

from sympy import Expr, Integer, Matrix, Poly, Symbol, diff, exp, integrate, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Pin, v1, v2
from spec.checking.gaussian import expectation
from spec.checking.symbols import L, a, h, x

pulled, volume = symbols("pulled volume", real=True)
_NAMES = {"pulled": r"J^\top\nabla_y\log q", "volume": r"\mathrm{tr}(J^{-1}\nabla J)", "h": "H"}
_CHANGE = v1("sec. 4: score change of variables") + v2("sec. 3.1: score change of variables")


def changes_coordinates(formula: Expr) -> bool:
    r"""For $y$ the image of $x$ under a diffeomorphism with Jacobian $J$, the score of $x$ is
    $\nabla_x\log p=[[it]]$; the trace is taken for each derivative of $J$.

    The density of $x$ is that of $y$ times the determinant. Its logarithm is differentiated, with
    the determinant written out, and compared with the formula: for every map of the plane, since
    at a point only the first two derivatives of the map and the first of $\log q$ enter, and these
    are symbols.
    """
    d, g = symbols("d1 d2"), symbols("g1 g2")
    origin = {d[0]: 0, d[1]: 0}
    images = Matrix([_two_jet(f"f{i}", d) for i in (1, 2)])
    log_q = _two_jet("q", tuple(images), g)
    jacobian = images.jacobian(d)
    det, at_zero = jacobian.det(), jacobian.subs(origin)
    left = [(diff(log_q, e) + diff(det, e) / det).subs(origin) for e in d]
    pulls = at_zero.T * Matrix(g)
    traces = [(at_zero.inv() * jacobian.diff(e).subs(origin)).trace() for e in d]
    right = [formula.subs({pulled: p, volume: t}) for p, t in zip(pulls, traces, strict=True)]
    return same(Matrix(left), Matrix(right))


def _two_jet(name: str, d: tuple[Expr, Expr], slopes: tuple[Symbol, Symbol] | None = None) -> Expr:
    """slopes . d + half a quadratic form in d, all coefficients symbols of that name."""
    one, two = slopes or symbols(f"{name}_1 {name}_2")
    a, b, c = symbols(f"{name}_11 {name}_12 {name}_22")
    return one * d[0] + two * d[1] + (a * d[0] ** 2 + 2 * b * d[0] * d[1] + c * d[1] ** 2) / 2


ROBBINS = Claim(
    "Robbins",
    "score change of variables",
    changes_coordinates,
    holds=pulled + volume,
    twins={
        "volume term left out": pulled,
        "volume term with the wrong sign": pulled - volume,
        "volume term halved": pulled + volume / 2,
    },
    names=_NAMES,
    sources=_CHANGE,
    sheet=("A10",),
    assumptions=("the map is a diffeomorphism, twice differentiable", "q is positive and smooth"),
)


def log_score_is(formula: Expr) -> bool:
    r"""The score of $Y$, the logarithm of $X$, is $\nabla_y\log q_t(y)=[[it]]$ in each entry, with
    $H$ the Hyvärinen score $x\circ\nabla_x\log p_t(x)$ at the same point.

    It is Robbins' formula for the logarithm. Decided again for every density of the plane: the
    density of $Y$ is that of $X$ times the determinant of the exponential map, whose logarithm is
    differentiated.
    """
    y, xs = symbols("y1 y2", real=True), symbols("x1 x2", positive=True)
    images = Matrix([exp(e) for e in y])
    at_image = dict(zip(images, xs, strict=True))
    det, slopes = images.jacobian(y).det(), symbols("S1 S2")  # of log p in x
    differences = []
    for i, e in enumerate(y):
        chain = sum(S * diff(image, e) for S, image in zip(slopes, images, strict=True))
        left = (chain + diff(det, e) / det).subs(at_image)
        differences.append(left - formula.subs(h, xs[i] * slopes[i]))
    return vanishes(tuple(differences))


LOG_SCORE = Claim(
    "A10-score",
    "log score and Hyvärinen score",
    log_score_is,
    holds=1 + h,
    twins={"no Jacobian": h, "Jacobian of exp": h - 1},
    names=_NAMES,
    sources=_CHANGE,
    sheet=("C4", "A10", "R1"),
    assumptions=("x > 0", "p_t positive and differentiable"),
    depends=("Robbins",),
    pins=(
        Pin(
            "gbm_ref.log_score_from_hyvarinen",
            ({"h": -0.7}, {"h": 3.1}, {"h": -1.0000001}),
            reads=lambda formula: formula,
        ),
    ),
)

# mean of H, E|H|^2 - E|s|^2 per coordinate, and H of c X^a in terms of a and h
Identities = tuple[Expr, Expr, Expr]


def has_the_identities(candidate: Identities) -> bool:
    r"""In each coordinate the Hyvärinen score has the mean $\mathbb E[H]=[[mean]]$; the mean of
    its square is that of the square of the log score $s$ and [[excess]] more. The map that takes
    $X$ to a positive constant times its power $a$ changes $H$ to $[[changed]]$, so that $H$ does
    not change when $X$ is rescaled.

    For every density the integrand of the first is the derivative of $xp$, that of the second
    the derivative of $q$, up to a factor: both integrate to zero. The moments are taken in full
    for any mixture of two log-normal laws and for every gamma law. For the last the logarithm of
    $X$ is moved and scaled, and so is the argument of its density, for every density with two
    derivatives.
    """
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


_MEAN, _EXCESS, _CHANGED = Integer(-1), Integer(1), (1 + h) / a - 1
R1 = Claim(
    "R1",
    "identities of the Hyvärinen score",
    has_the_identities,
    holds=(_MEAN, _EXCESS, _CHANGED),
    twins={
        "mean 0": (Integer(0), _EXCESS, _CHANGED),
        "second moment smaller by d": (_MEAN, -_EXCESS, _CHANGED),
        "H itself divided by a": (_MEAN, _EXCESS, h / a),
        "multiplied by a": (_MEAN, _EXCESS, (1 + h) * a - 1),
    },
    shown=lambda c: dict(zip(("mean", "excess", "changed"), c, strict=True)),
    names=_NAMES,
    sheet=("R1", "C4"),
    assumptions=(
        Assumption(
            "x p(x) vanishes at zero and at infinity (R25 gives the boundary term)",
            "the derivatives integrate to zero; they do not for the uniform law on [0, 1]",
            lambda: integrate(x * diff(Integer(1), x), (x, 0, 1)) != _MEAN,
        ),
        "the second moment of H is finite, and a is not zero",
    ),
    depends=("A10-score",),
)

CLAIMS = (ROBBINS, LOG_SCORE, R1)
