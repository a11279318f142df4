"""The explicit loss without the unknown score: implicit forms and their boundary term.

Symbols, one coordinate: p, p1 the density and its slope, psi, psi1 those of the model s_theta,
h = x psi, g = x dh/dx; in y = log x: q, q1 of the density, S, S1 of the model 1 + h.
"""

from sympy import (
    Expr,
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
from spec.checking.claim import (
    Claim,
    Means,
    Pin,
    Values,
)
from spec.checking.pins import table
from spec.checking.symbols import H, h, x
from spec.checking.trace import points
from spec.objectives._setting import (
    EXPLICIT,
    INNER,
)
from spec.objectives._setting import NAMES as LETTERS
from spec.objectives.assumptions import FINITE_SQUARE
from spec.objectives.losses import POINTS, logs, model

p, q = symbols("p q", positive=True)
p1, q1, psi, psi1, g, S, S1, d, end = symbols("p1 q1 psi psi1 g S S1 d end", real=True)
low, high = symbols("low high")
_REST, _LOG_MODEL = H**2 / 2, 1 + h
NAMES = LETTERS | {
    "psi": r"\psi", "psi1": r"\psi'", "g": "xh'", "S1": "S'", "end": r"\psi(0)\,p(0)",
    "low": r"f_{\text{lower}}", "high": r"f_{\text{upper}}",
}  # fmt: skip
_MOVED = {x: x + d, p: p + p1 * d, psi: psi + psi1 * d, q: q + q1 * d, S: S + S1 * d}


def _slope(expression: Expr) -> Expr:
    """The derivative of an expression in the values at a place."""
    return diff(expression.subs(_MOVED, simultaneous=True), d).subs(d, 0)


def _left_over(integrand: Expr, flux: Expr, score: Expr, of_model: Expr, density: Expr) -> Expr:
    """What density * integrand misses of the part of M-ESM that holds the model, up to a flux."""
    loss = (EXPLICIT - _REST).subs({H: score, h: of_model}, simultaneous=True)
    return density * (loss - integrand) + _slope(flux)


def is_implicit(forms: Values) -> bool:
    r"""$\mathcal L_{\text{M-ESM}}$ is, summed over the coordinates, the expectation of $[[psi]]$,
    which is $[[h]]$, less the flux $[[flux]]$ at the upper and with the other sign at the lower
    end, and the expectation of $[[rest]]$. Here $\psi$ is $s_\theta$, with its slope in the same
    coordinate, and $h$ is $x\circ\psi$.

    The square is expanded, and the cross term integrated by parts: decided where the density is
    $p$, for any values and slopes of $p$ and $\psi$. On the open orthant the flux vanishes under
    the assumptions (boundary-term, along lines parallel to an axis).
    """
    of_model, score = x * psi, x * _slope(log(p))
    in_h = forms["h"].subs({h: of_model, g: x * _slope(of_model)}, simultaneous=True)
    both = (forms["psi"], in_h)
    return vanishes([_left_over(form, forms["flux"], score, of_model, p) for form in both])


def is_implicit_in_log_space(forms: Values) -> bool:
    r"""In each coordinate, with $S$ the model $[[model]]$ as a function of $y$, the logarithm of
    $x$, $\mathcal L_{\text{M-ESM}}$ is the expectation of $[[form]]$, less the flux $[[flux]]$ at
    the ends as in R18, and the expectation of $[[rest]]$, where $q$ is the density of $y$: up to a
    constant it is the loss of Hyvärinen (2005) for $\log X$.

    The score of $y$ is $H$ and one more. The flux is that of R18.
    """
    score, of_model = (e - (_LOG_MODEL - h) for e in (_slope(log(q)), S))
    return vanishes(_left_over(forms["form"], forms["flux"], score, of_model, q))


def is_the_boundary_term(candidate: Values) -> bool:
    r"""For the densities and models at which it was computed, the boundary term that R18
    subtracts is $[[ends]]$, with $f$ the flux $[[flux]]$. For $p$ equal to $[[p]]$ on the half
    line and $\psi$ to $[[psi]]$, a model with infinite $\mathbb E\,h^2$, it is $[[term]]$.

    Both sides of R18 are integrated exactly.
    """
    found = []
    for case in points(_CASES):
        score, of_model = x * diff(log(case["p"]), x), x * case["psi"]
        gap = cancel(of_model + x * diff(of_model, x) + score * of_model).expand()
        missing = integrate(gap * case["p"], (x, case["start"], case["stop"]))
        ends = _at_ends(candidate["flux"], case)
        finite = all(value.is_finite for value in ends.values())
        found.append(finite and same(missing, candidate["ends"].subs(ends)))
    return all(found)


def _at_ends(flux: Expr, case: Values) -> Values:
    of_x = flux.subs({p: case["p"], psi: case["psi"]}, simultaneous=True)
    return {low: limit(of_x, x, case["start"], "+"), high: limit(of_x, x, case["stop"], "-")}


_NONE, _ONE, _TWO = map(Integer, range(3))
_CASES = table(
    "p psi start stop", (exp(-x), -1 / x**2, _NONE, oo), (exp(-x), -(1 + x) / x**2, _NONE, oo),
    (exp(-x), -1 + 1 / x, _NONE, oo), (_ONE, 3 - 2 * x + x**2, _ONE, _TWO),
    (2 * x / 3, 1 / x + x, _ONE, _TWO),
)  # fmt: skip
_PSI = x**2 * psi**2 / 2 + 2 * x * psi + x**2 * psi1
_FORMS = {"psi": _PSI, "h": h**2 / 2 + h + g, "flux": x**2 * psi * p}
_LOG_FORMS = {"form": S**2 / 2 + S1 - Rational(1, 2), "flux": q * (S - 1)}
_ENDS = {"flux": _FORMS["flux"], "ends": high - low}


def _terms(form: Expr, states: tuple[Values, Values]) -> tuple[Expr, ...]:
    """In the plane: loss, per-sample loss and the parts of degree two, one and in the slope."""
    of_model = h if form.has(h) else psi
    square, linear = (form.coeff(of_model, n) * of_model**n for n in (2, 1))
    wanted = (form, form, square, linear, form - square - linear)
    return tuple(sum(e.subs(state, simultaneous=True) for state in states) for e in wanted)


# The model b + B log x with the slope in its own coordinate; a Stein score p with the slopes q.
_AFFINE = tuple({h: model(logs("x"))[i], g: Symbol(f"B{i + 1}{i + 1}")} for i in (0, 1))
_STEIN = tuple(dict(zip((x, psi, psi1), symbols(f"x{i} p{i} q{i}"), strict=True)) for i in (1, 2))
R18 = Claim(
    "R18", "implicit form of the explicit loss", is_implicit, _FORMS, twins={
        "1 for 2": _FORMS | {"psi": _PSI - x * psi}, "no Jacobian": _FORMS | {"h": h**2 / 2 + g},
        "one power of x in the last term": _FORMS | {"psi": _PSI + (x - x**2) * psi1},
        "flux with one power of x": _FORMS | {"flux": x * psi * p},
    }, values=lambda: {"rest": _REST}, names=NAMES, assumptions=(
        "p and psi are differentiable", FINITE_SQUARE, r"so are $\mathbb E\,H^2$ and $\mathbb E"
        r"\lvert xh'\rvert$; in several coordinates, along almost every line parallel to an axis",
    ), readings=(INNER,), depends=("A14", "boundary-term"), pins=(
        Pin(
            "gbm_ref.implicit_m_esm", POINTS[:2], reads=lambda forms: _terms(forms["h"], _AFFINE),
            twins={
                "no linear term": _terms(h**2 / 2 + g, _AFFINE),
                "linear term for the Stein score": _terms(h**2 / 2 + 2 * h + g, _AFFINE),
            },
        ), Pin(
            "gbm_ref.nonnegative_score_matching", table(
                "x1 x2 p1 p2 q1 q2", (1.3, 1.9, -0.7, 0.4, 0.2, -1.3),
                (0.02, 55.0, 41.0, -0.05, -900.0, 0.003),
            ), reads=lambda forms: _terms(forms["psi"], _STEIN),
            twins={"linear term of the Hyvarinen score": _terms(_PSI - x * psi, _STEIN)},
        ),
    ),
)  # fmt: skip

IN_LOG_SPACE = Claim(
    "R18-log", "implicit form in log space", is_implicit_in_log_space, _LOG_FORMS, twins={
        **{f"constant {n}": _LOG_FORMS | {"form": S**2 / 2 + S1 - n} for n in (0, 1)},
        "flux of the log score": _LOG_FORMS | {"flux": q * S},
    }, values=lambda: {"model": _LOG_MODEL, "rest": _REST}, names=NAMES, sheet=("R18",),
    assumptions=(FINITE_SQUARE, "the others of R18"), depends=("R18", "A10-score"),
)  # fmt: skip

BOUNDARY_TERM = Claim(
    "R18-boundary", "boundary term of the implicit form", is_the_boundary_term, _ENDS, twins={
        "none": _ENDS | {"ends": _NONE}, "upper end alone": _ENDS | {"ends": high},
        "wrong sign": _ENDS | {"ends": low - high},
        "one power of x": _ENDS | {"flux": x * psi * p},
    }, shown=lambda of: of | {"term": of["ends"].subs(_at_ends(of["flux"], _CASES[0]))},
    values=lambda: _CASES[0], names=NAMES, means=Means.POINTS, sheet=("R18",),
    depends=("R18", "boundary-term"),
)  # fmt: skip

CLAIMS = (R18, IN_LOG_SPACE, BOUNDARY_TERM)
