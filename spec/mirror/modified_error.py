"""The modified task error of version 1: equations 14, 15 and 16.

Equation 14 replaces the linearised error by its value at xi(X) = X^2 / 2 and equation 15 states
the step that is to follow from it; equation 16 adds noise.

Symbols: x  positive state;  g  gradient of the loss;  S  grad log p;  L  log x;  eta  rate.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Function, Symbol, diff, lambdify, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.diffusions import with_symbols
from spec.checking.numeric import agree
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1

Pair = tuple[Expr, Expr]
Gradient = Callable[[Pair], Pair]
_X: Pair = symbols("x1 x2", positive=True)
_PRINTED_15 = (
    r"$\bm X_{t+1}=\arg\min_{\bm X}\big[\bar\ell(\xi(\bm X))+\tfrac1\eta D_\phi(\bm X,\bm X_t)"
    r"\big]$ (14) [...] leads to $\bm X_{k+1}=\bm X_k\circ\exp(-\eta\bm X_k\circ\nabla_{\bm X}"
    r"\ell(\bm X)\mid_{\bm X=\bm X_k})$ (15)"
)


def is_the_exponent(of: Callable[[Pair, Gradient], Pair]) -> bool:
    """Whether the EGD step for the error l(xi(X)), linearised at X_k, has -eta * of(X_k, grad l).

    l is any cubic of two variables. Left: the gradient of l(x1^2 / 2, x2^2 / 2) by
    differentiation. Right: the formula, which may use grad l at any point.
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
_CASES = (("0.8", "0.3", "1.7"), ("2.5", "0.5", "0.4"), ("-0.4", "0.2", "1.1"))


def is_the_implicit_step(step: Callable[[mpf, mpf], mpf]) -> bool:
    """Whether g X^2 / 2 + D_phi(X, X_k) / eta has a local minimum at step(eta g, X_k).

    Left: the first two derivatives of the objective, taken symbolically and evaluated at 50
    digits. Right: zero, and a positive number.
    """
    X, g, eta, at = symbols("X g eta at", positive=True)
    objective = g * X**2 / 2 + (X * log(X / at) - X + at) / eta
    slope, bend = (lambdify((X, g, eta, at), diff(objective, X, n), "mpmath") for n in (1, 2))
    with mpmath.workdps(50):
        for case in _CASES:
            values = [mpf(number) for number in case]
            arrived = step(values[0] * values[1], values[2])
            flat = agree(slope(arrived, *values), mpf(0), 30, size=1)
            if not (flat and bend(arrived, *values) > 0):
                return False
    return True


def is_the_curl(curl: Expr) -> bool:
    """Whether d_1 (x2 d_2 l) - d_2 (x1 d_1 l) = curl, for every loss l of two variables.

    `curl` is in x1, x2 and l12, the mixed second derivative.
    """
    loss = Function("l")(*_X)
    mixed, (x1, x2) = diff(loss, *_X), _X
    left = diff(x2 * diff(loss, x2), x1) - diff(x1 * diff(loss, x1), x2)
    return vanishes(with_symbols(left.expand().subs(mixed, Symbol("l12")) - curl))


def _implicit(rate_slope: mpf, at: mpf) -> mpf:
    return mpmath.lambertw(rate_slope * at).real / rate_slope


def _figures() -> tuple[Figure, ...]:
    x = mpf("1.2")
    return (
        Figure("x = 1.2, loss x^3 / 3: x * slope at x^2 / 2", x * (x**2 / 2) ** 2),
        Figure("x * slope at x, as printed", x * x**2),
    )


def _implicit_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        slope, at = mpf("1.5"), mpf("1.2")
        return (
            Figure("eta g = 1.5, X_k = 1.2: the minimum", _implicit(slope, at)),
            Figure("the printed step", at * mpmath.exp(-slope * at)),
        )


def _curl_figures() -> tuple[Figure, ...]:
    x1, x2 = mpf("0.4"), mpf("1.3")
    return (Figure("curl of x * grad l for l = x1 x2 at (0.4, 1.3)", x2 - x1),)


E13 = Claim(
    id="E13",
    title="the step of the modified task error, linearised as a whole",
    statement=r"With $\ell\circ\xi$, $\xi(x)=\tfrac12x\circ x$, linearised at $X_k$, the mirror "
    r"step of the entropy is $X_{k+1}=X_k\circ\exp(-\eta X_k\circ\nabla\ell(\tfrac12X_k\circ X_k)"
    r")$: the gradient is taken at $\xi(X_k)$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("eq. 14", "eq. 15"),
    sheet=("E13",),
    assumptions=("positive weights", "eta > 0", "decided for every cubic loss of two variables"),
    depends=("A18", "A19"),
    derivation=r"The chain rule gives $\nabla(\ell\circ\xi)(x)=x\circ\nabla\ell(\xi(x))$, since "
    r"$\xi'$ is $\mathrm{diag}(x)$; put it into the step A19. For negative weights the exponent "
    r"has the factor $\mathrm{sign}(X_k)$ besides.",
    proof=Proof(
        is_the_exponent,
        holds=_at_the_image,
        twins={"without the factor X_k": _image_without_factor},
        printed={"gradient at X_k": _at_the_point},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=_PRINTED_15,
        trouble=r"This is the reading in which $\bar\ell(\xi(\cdot))$ is the linearisation of the "
        r"modified error. The gradient is then taken at $\tfrac12X_k^2$, not at $X_k$, and "
        r"$\mathrm{sign}(X_k)$ of (2) is missing.",
        correction=r"$X_{k+1}=X_k\circ\exp(-\eta X_k\circ\nabla\ell(\tfrac12X_k\circ X_k)\circ"
        r"\mathrm{sign}(X_k))$. The other reading is E13-implicit.",
        figures=_figures,
    ),
)

IMPLICIT = Claim(
    id="E13-implicit",
    title="the step of the modified task error, linearised first",
    statement=r"With $\ell$ linearised at $X_k$ and then evaluated at $\xi(X)$, each coordinate "
    r"of (14) is least at $X=W(\eta gX_k)/(\eta g)$, $W$ Lambert's function and $g=\nabla\ell(X_k)"
    r"$, when $g>0$. When $g<0$ the objective is unbounded below; that $X$ is a local minimum if "
    r"$\eta gX_k>-1/e$.",
    kind=Kind.REFUTED,
    means=Means.NUMBERS,
    sources=v1("eq. 14", "eq. 15"),
    sheet=("E13",),
    assumptions=("positive weights", "eta > 0", "shown at three points to 30 digits"),
    depends=("A18", "E12-divergence"),
    derivation=r"$\bar\ell(\xi(X))=\text{const}+\tfrac12gX^2$, so the objective is stationary "
    r"where $gX+\tfrac1\eta\log(X/X_k)=0$, that is $\eta gX\,e^{\eta gX}=\eta gX_k$. Its second "
    r"derivative is $g+1/(\eta X)$. For $g<0$ the quadratic term wins at infinity.",
    proof=Proof(
        is_the_implicit_step,
        holds=_implicit,
        twins={
            "one step of Newton's method": lambda c, at: at / (1 + c * at),
            "Lambert's function without X_k": lambda c, at: mpmath.lambertw(c).real / c,
        },
        printed={"the explicit step (15)": lambda c, at: at * mpmath.exp(-c * at)},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=_PRINTED_15,
        trouble=r"This is the reading in which $\bar\ell$ of (1) is evaluated at $\xi(\bm X)$. "
        "The step is then implicit, and for a negative slope the minimum does not exist. (15) is "
        r"its expansion to first order in $\eta$.",
        correction=r"$X=W(\eta gX_k)/(\eta g)$ for $g>0$. The other reading is E13.",
        figures=_implicit_figures,
    ),
)

CURL = Claim(
    id="E13-potential",
    title="equation 15 is an exponentiated gradient step for separable losses only",
    statement=r"$x\circ\nabla\ell$ is the gradient of some function only if $(x_2-x_1)\partial_1"
    r"\partial_2\ell=0$, that is, if $\ell$ is a sum of functions of one coordinate each. For any "
    "other loss no modified error has (15) as its exponentiated gradient step.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("eq. 14", "eq. 15"),
    sheet=("E13",),
    assumptions=(
        "positive weights",
        "l twice continuously differentiable",
        "two coordinates; every pair of more",
    ),
    depends=("A19",),
    derivation=r"A gradient has a symmetric derivative. $\partial_1(x_2\partial_2\ell)-\partial_2("
    r"x_1\partial_1\ell)=(x_2-x_1)\,\partial_1\partial_2\ell$, which is zero on an open set only "
    r"if $\partial_1\partial_2\ell$ is.",
    proof=Proof(
        is_the_curl,
        holds=(_X[1] - _X[0]) * Symbol("l12"),
        twins={
            "a sum instead of a difference": (_X[1] + _X[0]) * Symbol("l12"),
            "without the coordinates": Symbol("l12"),
        },
        printed={"a gradient for every loss: no curl": _X[0] * 0},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed=_PRINTED_15,
        trouble=r"No choice of $\xi$, and no other modification of the task error, leads to (15) "
        r"for all losses: already $\ell=x_1x_2$ has an exponent with a curl.",
        correction="For a separable loss (15) is the step of the modified loss whose derivative "
        r"is $x_i\ell_i'(x_i)$; in general it is, to first order in $\eta$, a mirror step with "
        r"another generator (E15-generator).",
        figures=_curl_figures,
    ),
)

CLAIMS = (E13, IMPLICIT, CURL)
