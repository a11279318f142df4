"""How far exponentiated gradients, mirrored Langevin dynamics and Dale-Langevin are one thing.

Version 2, sections 5 and 5.1.

Symbols: x  positive state;  L  log x;  S  d log p / dx;  g  slope of a loss;  q = eta g
         phi  a generator;  M, V  mean and variance of log X for a log-normal density p
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Symbol, diff, exp, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, v1, v2
from spec.checking.symbols import L, M, V

_X = Symbol("x", positive=True)
_S, _G, _Q, _LX, _ETA = symbols("S g q Lx eta")
_NAMES = {"x": "x", "L": r"\log x"}


def generates_both(phi: Expr) -> bool:
    r"""On the half line the dual coordinate of $\phi(x)=[[it]]$ loses $\eta\ell'$ in the
    exponentiated gradient step, and mirrored Langevin dynamics in it is (22): plain Langevin
    dynamics of $\log x$. What (13) shares with them is this coordinate.

    The mirror step takes $\eta\ell'$ from the derivative of $\phi$ where $x$ is multiplied by the
    exponential. The dual coordinate differs from $\log x$ by a constant, since $x$ times the
    second derivative of $\phi$ is one, and with it the drift of A21 is that of (22). This is the
    sense of Hsieh et al.: the generator fixes the coordinate. It does not make the sampler a
    noisy mirror descent on the loss (E15), nor (22) a case of (11) (E16).
    """
    slope, bend, turn = (diff(phi, _X, order).subs(log(_X), _LX) for order in (1, 2, 3))
    decay = Symbol("decay", positive=True)  # e^-q
    after = slope.subs({_X: _X * decay, _LX: _LX - _Q}, simultaneous=True)
    drift = (_S - turn / bend) / bend
    return vanishes((after - slope + _Q, _X * bend - 1, drift - (1 + _X * _S)))


def are_the_fixed_points(points: tuple[Expr, Expr]) -> bool:
    r"""With minus $\log p$ for the loss EGD follows the gradient of $\log p$ in $x$,
    the noise-free (22) that of the density of $\log x$ in $\log x$. For a log-normal $p$ the first
    rests at $\log x=[[0]]$, the mode, the second at $\log x=[[1]]$, the median; either point
    attracts.

    The slope of $\log p$ in $\log x$ vanishes at the first point, one more than the slope at the
    second. Both slopes fall at the rate $[[rate]]$ everywhere.
    """
    slope = _slope()
    falls = same(diff(slope, L), -1 / V)
    return falls and vanishes((slope.subs(L, points[0]), (1 + slope).subs(L, points[1])))


def _slope() -> Expr:
    """x d log p / dx of the log-normal law, as d / dL."""
    return diff(-L - (L - M) ** 2 / (2 * V), L)


def generates_to_first_order(phi: Expr) -> bool:
    r"""To first order in $\eta$ the update $[[update]]$ is the mirror step of the generator
    $[[it]]$ (Burg's entropy), and not that of $[[printed:it]]$.

    The derivative in $\eta$, at $\eta$ zero, of the mirror step is the slope $g$ of the loss over
    the second derivative of the generator, taken off; it is compared with that of the update.
    """
    right = diff(_update(), _ETA).subs(_ETA, 0)
    return same(-_G / diff(phi, _X, 2), right)


def _update() -> Expr:
    return _X * exp(-_ETA * _X * _G)


ONE_COORDINATE = "one coordinate; the generators are sums over coordinates"
ONE_GENERATOR = Claim(
    "one-generator",
    "the sense in which one generator serves both",
    generates_both,
    holds=_X * log(_X),
    twins={
        "Burg's entropy": -log(_X),
        "half the squared norm": _X**2 / 2,
        "twice the entropy": 2 * _X * log(_X),
    },
    names=_NAMES,
    sources=v2("sec. 5: one convex generator"),
    sheet=("E15", "A22"),
    assumptions=(
        "positive weights; for negative ones the generator is |w| log |w| (E12)",
        ONE_COORDINATE,
    ),
    readings=("the formula is lost in version 2; 'the same phi' and the positive orthant fix it",),
    depends=("A19", "A21", "A22"),
)


def _fixed_point_figures() -> tuple[Figure, ...]:
    mean, deviation = mpf("0.3"), mpf("0.8")
    where = f"M = {mean}, V = {deviation}^2"
    mode, median = (mpf(p.subs({M: mean, V: deviation**2})) for p in E15.holds)
    return (
        Figure(f"mode, where EGD rests ({where})", mpmath.exp(mode)),
        Figure("median, where noise-free (22) rests", mpmath.exp(median)),
    )


E15 = Claim(
    "E15",
    "EGD and Dale–Langevin follow different gradients",
    are_the_fixed_points,
    holds=(M - V, M),
    twins={
        "exchanged": (M, M - V),
        "the mean of X": (M - V, M + V / 2),
        "mode of the square root": (M - V / 2, M),
    },
    printed={"equivalent, so at rest at the same point": (M - V, M - V)},
    values=lambda: {"rate": diff(_slope(), L)},
    names=_NAMES,
    sources=v2("sec. 5.1: structural equivalence"),
    assumptions=("a fixed score: that of one log-normal law of one coordinate",),
    depends=("A19", "A22", "A10-score"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="Comparing Eq. 19 with the Dale-Langevin sampler in Eq. 13, the structural "
        "equivalence is immediate: the multiplicative updates have the same form and are "
        "sign-preserving across iterations, with the role of [lost] in EGD played by the "
        "multiplicative score in the sampler",
        trouble="The form is shared, a positive factor that keeps every sign; so far the sentence "
        "is right. It is no equivalence of the updates: the quantities in the exponent differ by "
        "the factor $x$ and by a constant, and so do the points that the two updates seek.",
        advice="Both are additive steps in the dual coordinate log x; EGD follows the gradient in "
        "x there, the sampler the gradient in log x.",
        figures=_fixed_point_figures,
    ),
)


def _generator_figures() -> tuple[Figure, ...]:
    x, slope, rate = mpf("1.5"), mpf("0.6"), mpf("0.1")
    update = _update().subs({_X: x, _G: slope, _ETA: rate})
    return (
        Figure(f"x = {x}, slope {slope}, eta = {rate}: the update", mpf(update)),
        Figure("mirror step of -log x", x / (1 + rate * x * slope)),
        Figure("mirror step of x log x", x * mpmath.exp(-rate * slope)),
    )


GENERATOR = Claim(
    "E15-generator",
    "the generator of the multiplicative-score step",
    generates_to_first_order,
    holds=-log(_X),
    twins={"half of Burg's entropy": -log(_X) / 2, "half the squared norm": _X**2 / 2},
    printed={"the entropy": _X * log(_X)},
    values=lambda: {"update": _update()},
    names=_NAMES,
    sources=v2("sec. 5: one convex generator") + v1("eq. 15"),
    sheet=("E15",),
    assumptions=("positive state", ONE_COORDINATE),
    depends=("A18", "one-generator"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="The Dale-Langevin sampler, exponentiated gradient descent, and Mirrored Langevin "
        "Dynamics (MLD) are unified by a single convex generator",
        trouble="As optimisation, the noise-free sampler is mirror descent with another generator "
        "than EGD; with the generator of EGD its exponent would be the gradient itself.",
        advice="The single generator is right in the sense of one-generator: it fixes the "
        "coordinate log x in which Langevin dynamics is run.",
        figures=_generator_figures,
        remains_open="The formula of the generator is lost in the text of version 2.",
    ),
)

CLAIMS = (ONE_GENERATOR, E15, GENERATOR)
