"""How a score changes with the coordinates: Robbins' formula, and the logarithm as one case.

For y = f(x) with f a diffeomorphism and J its Jacobian, p(x) = q(f(x)) |det J(x)|, so

    grad_x log p = J^T grad_y log q + grad_x log |det J|

Symbols: q, p densities of Y and X; l = log q; h = x * grad log p; 1 + h the log score.
"""

from sympy import Expr, Matrix, Rational, Symbol, diff, exp, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof, v1, v2
from spec.checking.symbols import h


def changes_coordinates(weights: tuple[Expr, Expr]) -> bool:
    """Whether grad log p = w1 J^T grad log q + w2 tr(J^-1 dJ), for every map of the plane.

    Only the first two derivatives of the map and the first of log q enter at a point, so the
    2-jet of a map and of a log density with symbols for coefficients stand for all of them. Left:
    the gradient of log q(f(d)) + log det J(d) at d = 0, the determinant expanded. Right: the
    formula, with the trace of J^-1 times the derivative of J.
    """
    d = symbols("d1 d2")
    origin = {d[0]: 0, d[1]: 0}
    images = Matrix([_two_jet(f"f{i}", d) for i in (1, 2)])
    g = symbols("g1 g2")
    log_q = _two_jet("q", tuple(images), g)
    jacobian = images.jacobian(d)
    det = jacobian.det()
    left = [(diff(log_q, e) + diff(det, e) / det).subs(origin) for e in d]
    at_zero = jacobian.subs(origin)
    traces = [(at_zero.inv() * jacobian.diff(e).subs(origin)).trace() for e in d]
    right = weights[0] * (at_zero.T * Matrix(g)) + weights[1] * Matrix(traces)
    return same(Matrix(left), right)


def _two_jet(name: str, d: tuple[Expr, Expr], slopes: tuple[Symbol, Symbol] | None = None) -> Expr:
    """slopes . d + half a quadratic form in d, all coefficients symbols of that name."""
    one, two = slopes or symbols(f"{name}_1 {name}_2")
    a, b, c = symbols(f"{name}_11 {name}_12 {name}_22")
    return one * d[0] + two * d[1] + (a * d[0] ** 2 + 2 * b * d[0] * d[1] + c * d[1] ** 2) / 2


def log_score_is(shift: Expr) -> bool:
    """Whether grad_y log q = shift + x * grad_x log p for y = log x, in the plane.

    log p is an arbitrary function of x. Left: the gradient of log p(e^y) + log det J, J the
    Jacobian of the exponential, differentiated. Right: the formula.
    """
    y, x = symbols("y1 y2", real=True), symbols("x1 x2", positive=True)
    images = Matrix([exp(e) for e in y])
    at_image = dict(zip(images, x, strict=True))
    det = images.jacobian(y).det()
    slopes = symbols("S1 S2")  # of log p in x
    for i, e in enumerate(y):
        chain = sum(S * diff(image, e) for S, image in zip(slopes, images, strict=True))
        left = (chain + diff(det, e) / det).subs(at_image)
        if not vanishes(left - (shift + x[i] * slopes[i])):
            return False
    return True


ROBBINS = Claim(
    id="Robbins",
    title="score change of variables",
    statement=r"For $y = f(x)$ with a diffeomorphism $f$ and Jacobian $J$: $\nabla_x \log p = "
    r"J^\top \nabla_y \log q + \nabla_x \log\lvert\det J\rvert$, $\partial_j \log\lvert\det "
    r"J\rvert = \mathrm{tr}(J^{-1}\partial_j J)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("sec. 4: score change of variables"), *v2("sec. 3.1: score change of variables")),
    sheet=("A10",),
    assumptions=("f is a C^2 diffeomorphism", "q is positive and differentiable"),
    derivation=r"$p(x) = q(f(x))\,\lvert\det J(x)\rvert$; take logarithms and differentiate. The "
    r"chain rule gives $J^\top\nabla\log q$, Jacobi's formula the derivative of the determinant. "
    "Decided for every map of the plane through its 2-jet.",
    proof=Proof(
        changes_coordinates,
        holds=(Rational(1), Rational(1)),
        twins={
            "volume term left out": (Rational(1), Rational(0)),
            "volume term with the wrong sign": (Rational(1), Rational(-1)),
        },
    ),
)

LOG_SCORE = Claim(
    id="A10-score",
    title="log score and Hyvärinen score",
    statement=r"$\nabla_y\log q_t(y) = \mathbf 1 + x\circ\nabla_x\log p_t(x)$ at $y=\log x$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("sec. 4: score change of variables"), *v2("sec. 3.1: score change of variables")),
    sheet=("C4", "A10", "R1"),
    assumptions=("x > 0", "p_t positive and differentiable"),
    depends=("Robbins",),
    derivation=r"$q(y) = p(e^y)\,e^{\sum_i y_i}$, so $\partial_{y_i}\log q = x_i\,\partial_i\log "
    r"p + 1$. It is Robbins' formula for $f=\log$, $J=\mathrm{diag}(1/x)$.",
    proof=Proof(
        log_score_is,
        holds=Rational(1),
        twins={"no Jacobian": Rational(0), "Jacobian of exp": Rational(-1)},
    ),
    pins=(
        Pin(
            "gbm_ref.log_score_from_hyvarinen",
            formula=1 + h,
            twins={"no Jacobian": h},
            points=({"h": -0.7}, {"h": 3.1}, {"h": -1.0000001}),
        ),
    ),
)

CLAIMS = (ROBBINS, LOG_SCORE)
