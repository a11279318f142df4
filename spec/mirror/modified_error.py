"""The modified task error of version 1: equations 14, 15 and 16.

Equation 14 replaces the linearised error by its value at xi(X) = X^2 / 2 and equation 15 states
the step that is to follow from it; equation 16 adds noise.

Symbols: x  positive state;  g  gradient of the loss;  S  grad log p;  L  log x;  eta  rate.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Function, LambertW, Rational, Symbol, diff, exp, lambdify, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, Values, v1
from spec.checking.diffusions import with_symbols
from spec.checking.numeric import agree
from spec.checking.trace import points

Pair = tuple[Expr, Expr]
Gradient = Callable[[Pair], Pair]
_X: Pair = symbols("x1 x2", positive=True)
_PRINTED_15 = (
    r"$\bm X_{t+1}=\arg\min_{\bm X}\big[\bar\ell(\xi(\bm X))+\tfrac1\eta D_\phi(\bm X,\bm X_t)"
    r"\big]$ (14) [...] leads to $\bm X_{k+1}=\bm X_k\circ\exp(-\eta\bm X_k\circ\nabla_{\bm X}"
    r"\ell(\bm X)\mid_{\bm X=\bm X_k})$ (15)"
)


def is_the_exponent(of: Callable[[Pair, Gradient], Pair]) -> bool:
    r"""With the modified error linearised at $X_k$ as a whole the mirror step of the entropy has
    the exponents $[[0]]$ and $[[1]]$ times minus $\eta$, where $\ell_1$ and $\ell_2$ are the
    slopes of the loss.

    The chain rule for half the squares of the weights, decided for every cubic loss of two
    variables by differentiation; then the step A19. For negative weights the exponent has the
    sign of $X_k$ besides.
    """
    loss = sum(
        Symbol(f"c{i}{j}") * _X[0] ** i * _X[1] ** j for i in range(4) for j in range(4 - i)
    )
    squares = {x: x**2 / 2 for x in _X}
    modified = loss.subs(squares, simultaneous=True)

    def gradient(at: Pair) -> Pair:
        there = dict(zip(_X, at, strict=True))
        return tuple(diff(loss, x).subs(there, simultaneous=True) for x in _X)

    left = [diff(modified, x) for x in _X]
    return all(same(a, b) for a, b in zip(left, of(_X, gradient), strict=True))


def _at_the_image(x: Pair, gradient: Gradient) -> Pair:
    slopes = gradient((x[0] ** 2 / 2, x[1] ** 2 / 2))
    return (x[0] * slopes[0], x[1] * slopes[1])


def _at_the_point(x: Pair, gradient: Gradient) -> Pair:
    slopes = gradient(x)
    return (x[0] * slopes[0], x[1] * slopes[1])


def _image_without_factor(x: Pair, gradient: Gradient) -> Pair:
    return gradient((x[0] ** 2 / 2, x[1] ** 2 / 2))


# Slope of the loss at X_k, learning rate, X_k: generic, and one negative slope.
_CASES = tuple(
    dict(zip(("g", "eta", "X_k"), row, strict=True))
    for row in ((0.8, 0.3, 1.7), (2.5, 0.5, 0.4), (-0.4, 0.2, 1.1))
)


def is_the_implicit_step(step: Callable[[Expr, Expr], Expr]) -> bool:
    r"""With the error linearised at $X_k$ first and then evaluated at half the squares, each
    coordinate of (14) has a local minimum at $[[it]]$, $W$ being Lambert's function: at the points
    shown, for the slope $g$.

    The first derivative of the objective is zero there to thirty digits and the second is
    positive. For a negative slope the objective is not bounded below, since its quadratic term
    wins at infinity.
    """
    X, g, eta, at = symbols("X g eta at", positive=True)
    objective = g * X**2 / 2 + (X * log(X / at) - X + at) / eta
    slope, bend = (lambdify((X, g, eta, at), diff(objective, X, n), "mpmath") for n in (1, 2))
    arrive = lambdify((g, at), step(g, at), "mpmath")
    verdicts = []
    with mpmath.workdps(50):
        for case in points(_CASES):
            values = [mpf(str(number)) for number in case.values()]
            arrived = mpmath.re(arrive(values[0] * values[1], values[2]))
            flat = agree(slope(arrived, *values), mpf(0), 30, size=1)
            verdicts.append(flat and bool(bend(arrived, *values) > 0))
    return all(verdicts)


def is_the_curl(curl: Expr) -> bool:
    r"""The factor of the exponent of (15), $x\circ\nabla\ell$, has the curl $[[it]]$, for every
    loss of two variables. It is a gradient only if that vanishes, that is, if the loss is a sum of
    functions of one coordinate each; for any other loss no modified error has (15) as its
    exponentiated gradient step.

    A gradient has a symmetric derivative. The curl is zero on an open set only if the mixed
    derivative is.
    """
    loss = Function("l")(*_X)
    mixed, (x1, x2) = diff(loss, *_X), _X
    left = diff(x2 * diff(loss, x2), x1) - diff(x1 * diff(loss, x1), x2)
    return vanishes(with_symbols(left.expand().subs(mixed, Symbol("l12")) - curl))


def _implicit(c: Expr, at: Expr) -> Expr:
    return LambertW(c * at) / c


def _figures() -> tuple[Figure, ...]:
    x = mpf("1.2")
    return (
        Figure(f"x = {x}, loss x^3 / 3: x * slope at x^2 / 2", x * (x**2 / 2) ** 2),
        Figure("x * slope at x, as printed", x * x**2),
    )


def _implicit_figures() -> tuple[Figure, ...]:
    slope, at = Rational(3, 2), Rational(6, 5)
    label = f"eta g = {float(slope)}, X_k = {float(at)}: the minimum"
    return (
        Figure(label, mpf(_implicit(slope, at).evalf(30))),
        Figure("the printed step", mpf((at * exp(-slope * at)).evalf(30))),
    )


def _curl_figures() -> tuple[Figure, ...]:
    at = {_X[0]: mpf("0.4"), _X[1]: mpf("1.3"), Symbol("l12"): 1}
    where = ", ".join(str(value) for value in list(at.values())[:2])
    return (Figure(f"curl of x * grad l for l = x1 x2 at ({where})", mpf(CURL.holds.subs(at))),)


def _shown_exponent(of: Callable[[Pair, Gradient], Pair]) -> Values:
    slopes = Function("l_1"), Function("l_2")
    first, second = of(_X, lambda at: tuple(slope(*at) for slope in slopes))
    return {"0": first, "1": second}


_POSITIVE = "positive weights"
_NAMES = {"x1": "x_1", "x2": "x_2", "l12": r"\partial_1\partial_2\ell"}
E13 = Claim(
    "E13",
    "the step of the modified task error, linearised as a whole",
    is_the_exponent,
    holds=_at_the_image,
    twins={"without the factor X_k": _image_without_factor},
    printed={"gradient at X_k": _at_the_point},
    shown=_shown_exponent,
    names=_NAMES,
    sources=v1("eq. 14", "eq. 15"),
    assumptions=(_POSITIVE, "the loss is a cubic of two variables"),
    depends=("A18", "A19"),
    erratum=Erratum(
        Fault.WRONG,
        quote=_PRINTED_15,
        trouble="This is the reading in which the modified error is linearised. The gradient is "
        "then taken at half the square of $X_k$, not at $X_k$, and the sign of (2) is missing.",
        advice="The other reading is E13-implicit.",
        figures=_figures,
    ),
)

IMPLICIT = Claim(
    "E13-implicit",
    "the step of the modified task error, linearised first",
    is_the_implicit_step,
    holds=_implicit,
    twins={
        "one step of Newton's method": lambda c, at: at / (1 + c * at),
        "Lambert's function without X_k": lambda c, at: LambertW(c) / c,
    },
    printed={"the explicit step (15)": lambda c, at: at * exp(-c * at)},
    shown=lambda step: {"it": step(Symbol("c"), Symbol("at"))},
    names={"c": r"\eta g", "at": "X_k"},
    means=Means.POINTS,
    sources=v1("eq. 14", "eq. 15"),
    sheet=("E13",),
    assumptions=(_POSITIVE,),
    depends=("A18", "E12-divergence"),
    erratum=Erratum(
        Fault.WRONG,
        quote=_PRINTED_15,
        trouble=r"This is the reading in which $\bar\ell$ of (1) is evaluated at $\xi(\bm X)$. "
        "The step is then implicit, and for a negative slope the minimum does not exist. (15) is "
        r"its expansion to first order in $\eta$.",
        advice="The other reading is E13.",
        figures=_implicit_figures,
    ),
)

CURL = Claim(
    "E13-potential",
    "equation 15 is an exponentiated gradient step for separable losses only",
    is_the_curl,
    holds=(_X[1] - _X[0]) * Symbol("l12"),
    twins={
        "a sum instead of a difference": (_X[1] + _X[0]) * Symbol("l12"),
        "without the coordinates": Symbol("l12"),
    },
    printed={"a gradient for every loss: no curl": _X[0] * 0},
    names=_NAMES,
    sources=v1("eq. 14", "eq. 15"),
    sheet=("E13",),
    assumptions=(_POSITIVE, "the loss is twice continuously differentiable"),
    depends=("A19",),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote=_PRINTED_15,
        trouble=r"No choice of $\xi$, and no other modification of the task error, leads to (15) "
        "for all losses: already the product of two weights has an exponent with a curl.",
        advice="For a separable loss (15) is the step of a modified loss; in general it is, to "
        "first order in the rate, a mirror step with another generator (E15-generator).",
        figures=_curl_figures,
    ),
)

CLAIMS = (E13, IMPLICIT, CURL)
