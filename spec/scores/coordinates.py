"""How a score changes with the coordinates, and identities of the Hyvärinen score."""

from sympy import Expr, Integer, Matrix, diff, exp, integrate, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Pin, v1, v2
from spec.checking.diffusions import jet
from spec.checking.symbols import a, h, x

pulled, volume = symbols("pulled volume", real=True)
_CHANGE = v1("sec. 4: score change of variables") + v2("sec. 3.1: score change of variables")


def changes_coordinates(formula: Expr) -> bool:
    r"""For $y$ the image of $x$ under a diffeomorphism with Jacobian $J$ between open sets of the
    plane, the score of $x$ is $\nabla_x\log p=[[it]]$, with a trace for each derivative of $J$.

    The density of $x$ is that of $y$ times the determinant, up to the sign. Its logarithm is
    differentiated, with the determinant written out: for every map of the plane, since at a point
    only the first two derivatives of the map and the first of $\log q$ enter, and these are
    symbols."""
    d, slopes = symbols("d1 d2"), Matrix(symbols("g1 g2"))
    origin = dict.fromkeys(d, 0)
    images = Matrix([jet(f"f{i}", d) for i in (1, 2)])
    jacobian = images.jacobian(d)
    det, at_zero = jacobian.det(), jacobian.subs(origin)
    gaps = []
    for e, pull in zip(d, at_zero.T * slopes, strict=True):
        left = (diff(slopes.dot(images), e) + diff(det, e) / det).subs(origin)
        trace = (at_zero.inv() * jacobian.diff(e).subs(origin)).trace()
        gaps.append(left - formula.subs({pulled: pull, volume: trace}))
    return vanishes(gaps)


ROBBINS = Claim(
    "Robbins", "score change of variables", changes_coordinates, holds=pulled + volume, twins={
        "volume term left out": pulled, "volume term with the wrong sign": pulled - volume,
        "volume term halved": pulled + volume / 2,
    }, names={"pulled": r"J^\top\nabla_y\log q", "volume": r"\mathrm{tr}(J^{-1}\nabla J)"},
    sources=_CHANGE, sheet=("A10",),
    assumptions=("the map is a diffeomorphism, twice differentiable", "q is positive and smooth"),
)  # fmt: skip


def log_score_is(formula: Expr) -> bool:
    r"""The score of $Y$, the logarithm of $X$, is $\nabla_y\log q_t(y)=[[it]]$ in each of two
    entries, with $H$ the Hyvärinen score $x\circ\nabla_x\log p_t(x)$ at the same point.

    It is Robbins' formula for the exponential map, whose Jacobian is differentiated."""
    y, slopes = symbols("y1 y2", real=True), Matrix(symbols("S1 S2"))  # of log p in x
    jacobian = Matrix([exp(e) for e in y]).jacobian(y)
    gaps = []
    for e, S, pull in zip(y, slopes, jacobian.T * slopes, strict=True):
        trace = (jacobian.inv() * jacobian.diff(e)).trace()
        score = ROBBINS.holds.subs({pulled: pull, volume: trace})
        gaps.append((score - formula.subs(h, exp(e) * S)).subs(exp(e), x))
    return vanishes(gaps)


LOG_SCORE = Claim(
    "A10-score", "log score and Hyvärinen score", log_score_is, holds=1 + h,
    twins={"no Jacobian": h, "Jacobian of exp": h - 1}, names={"h": "H"}, sources=_CHANGE,
    sheet=("C4", "A10", "R1"), assumptions=("p_t is positive and differentiable",),
    depends=("Robbins",), pins=(Pin(
        "gbm_ref.log_score_from_hyvarinen", ({"h": -0.7}, {"h": 3.1}, {"h": -1.0000001}),
        reads=lambda formula: formula,
    ),))  # fmt: skip


def has_the_identities(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""In one coordinate the Hyvärinen score has the mean $\mathbb E[H]=[[mean]]$; the mean of
    its square is that of the square of the log score $s$ and [[excess]] more. The map that takes
    $X$ to a positive constant times its power $a$ changes $H$ to $[[changed]]$, so that $H$ does
    not change when $X$ is rescaled.

    For every density the integrand of the first is the derivative of $xp$, that of the second
    the derivative of $q$, the density of $\log X$, up to a factor: both integrate to zero. For the
    last the logarithm of $X$ is moved and scaled, and so is the argument of its density."""
    mean, excess, changed = candidate
    p, slope, q, q_slope = symbols("p slope q q_slope", real=True)
    score, s = x * slope / p, q_slope / q
    first = (score - mean) * p - (p + x * slope)
    second = ((s - 1) ** 2 - s**2 - excess) * q + 2 * q_slope
    # log c + a Y has the log density log q((y - log c) / a) up to a constant.
    y, y_new, log_c = symbols("y y_new log_c", real=True)
    log_q, at_new = jet("q", (y, Integer(0))), {y: (y_new - log_c) / a}
    old, new = diff(log_q, y).subs(at_new), diff(log_q.subs(at_new), y_new)
    return vanishes((first, second, new - 1 - changed.subs(h, old - 1)))


_MEAN, _EXCESS, _CHANGED = Integer(-1), Integer(1), (1 + h) / a - 1
R1 = Claim(
    "R1", "identities of the Hyvärinen score", has_the_identities,
    holds=(_MEAN, _EXCESS, _CHANGED), twins={
        "mean 0": (Integer(0), _EXCESS, _CHANGED),
        "second moment smaller by d": (_MEAN, -_EXCESS, _CHANGED),
        "H itself divided by a": (_MEAN, _EXCESS, h / a),
        "multiplied by a": (_MEAN, _EXCESS, (1 + h) * a - 1),
    }, shown=lambda c: dict(zip(("mean", "excess", "changed"), c, strict=True)), names={"h": "H"},
    sheet=("R1", "C4"), assumptions=(
        Assumption(
            "x p(x) vanishes at zero and at infinity (R25-mean has the boundary terms)",
            "the derivatives integrate to zero; they do not for the uniform law on [0, 1]",
            lambda: integrate(x * diff(Integer(1), x), (x, 0, 1)) != _MEAN,
        ), "p is positive and differentiable on the half line",
        "the second moment of H is finite, and a is not zero",
    ), depends=("A10-score",))  # fmt: skip
CLAIMS = (ROBBINS, LOG_SCORE, R1)
