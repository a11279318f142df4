"""Theorem 4.1 and the paper's proof of it, equations 26 to 32: M-DSM is M-ESM and a constant.

Symbols as in `_setting`; p, p1 the marginal density and its slope, k, k1 those of the kernel at
one data point, w that point's weight; r = sqrt(v), z the kernel's normal variable.
"""

from dataclasses import replace

from sympy import (
    Expr,
    Integer,
    Poly,
    PolynomialError,
    Rational,
    Symbol,
    cancel,
    diff,
    exp,
    expand,
    integrate,
    limit,
    log,
    oo,
    pi,
    solve,
    sqrt,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Means, Values, v1, v2
from spec.checking.symbols import L0, H, L, h, m, x, z
from spec.checking.typeset import Says
from spec.objectives._setting import (
    DENOISING,
    EXPLICIT,
    FINITE_MODEL,
    INNER,
    LOST,
    NAMES,
    POSITIVE_TIME,
    c,
    posterior,
)

p, k, w, r = symbols("p k w r", positive=True)
p1, k1, d = symbols("p1 k1 d", real=True)
_P, _K = p + p1 * d, k + k1 * d
_NAMES = NAMES | {
    "p": "p_{X_t}", "p1": r"\nabla p_{X_t}", "k": r"p_{X_t\mid X_0}",
    "k1": r"\nabla p_{X_t\mid X_0}", "r": r"\sqrt{v}", "c0": r"\mathbb E\,c",
}  # fmt: skip


def _slope(jet: Expr) -> Expr:
    """The derivative in x of an expression in the values at x + d."""
    return diff(jet, d).subs(d, 0)


def _over_data(integrand: Expr) -> Expr | None:
    """The average over data of any law of what is linear in the kernel and its slope (A28)."""
    try:
        polynomial = Poly(cancel(integrand), k, k1)
    except PolynomialError:
        return None
    linear = all(sum(powers) == 1 for powers in polynomial.monoms())
    return polynomial.as_expr().subs({k: p, k1: p1}) if linear else None


def expands_the_square(integrand: Expr) -> bool:
    r"""$\mathcal L_{\text{M-ESM}}$ is the expectation of $[[it]]$.

    The square is expanded under the expectation. The two squares are integrable, and so is the
    product, by the Cauchy-Schwarz inequality.
    """
    return same(EXPLICIT, integrand)


def is_the_cross_integrand(integrand: Expr) -> bool:
    r"""$\mathbb E\,H^\top h$ is the integral over $x$ of $[[it]]$, in each coordinate.

    The weight $p$ of the expectation and the one that the score divides by cancel.
    """
    return same(p * x * _slope(log(_P)) * h, integrand)


def adds_its_slope(slope: Expr) -> bool:
    r"""For data at finitely many points $\nabla p_{X_t}$ is the sum of $[[it]]$ over the points,
    of weight $w$. For any other data law it is the integral: the theorem on dominated convergence
    applies, since the bound of A28-domination holds for all $x_0$ alike.

    By induction: one more point adds this to the gradient of the points before it, whatever the
    kernels are.
    """
    return same(_slope(_P + w * _K) - _slope(_P), slope)


def bounds_the_slope(bound: Expr) -> bool:
    r"""For every $x$ and $x_0$ the absolute value of $\nabla p_{X_t\mid X_0}(x\mid x_0)$ is at
    most $[[it]]$, where $v$ is $\sigma^2t$; one coordinate.

    The kernel is $[[kernel]]$ with $z$ such that its score is $[[score]]$ divided by $x$. So the
    slope is bounded by the largest values of $[[f0]]$ and of $[[f1]]$, which are found from their
    derivatives. A smaller bound of this form fails for large or for small $v$.
    """
    moved = (L - L0 - m) / r
    score = diff(-(moved**2) / 2 - L, L)
    if not same(score, _score().subs(z, moved)):
        return False
    scaled = expand(bound * x / _kernel().subs(z, 0))
    largest = [_largest(_times(n)) for n in (0, 1)]
    reached = limit(scaled, r, oo), limit(scaled * r, r, 0, "+")
    if any(found < least for found, least in zip(reached, largest, strict=True)):
        return False
    rest = scaled - reached[0] - reached[1] / r
    return vanishes(rest.subs(_ROOT, Symbol("root")))


def _score() -> Expr:
    return -1 - z / r


def _times(power: int) -> Expr:
    return z**power * exp(-(z**2) / 2)


def _kernel() -> Expr:
    return _times(0) / (x * r * integrate(_times(0), (z, -oo, oo)))


def _largest(function: Expr) -> Expr:
    """The largest absolute value of z^n exp(-z^2 / 2): it vanishes at both ends."""
    found = [abs(function.subs(z, at)) for at in solve(diff(function, z), z)]
    if any(limit(function, z, end) != 0 for end in (oo, -oo)):
        raise ValueError(f"{function} does not vanish at infinity")
    return max(found)


def averages_to_the_cross_term(integrand: Expr) -> bool:
    r"""$p_{X_t}H^\top h$ is the average over the data of $[[it]]$, in each coordinate: so $\mathbb
    E\,H^\top h$ is $\mathbb E\,c^\top h$, and $H$ is the mean of $c$ given $X_t$.

    A28 goes into A27, and $\nabla p_{X_t\mid X_0}$ is written through $c$. Nothing is integrated
    by parts, so that no boundary term appears. The integrals may be exchanged since $c$ (R4) and
    $h$ have second moments.
    """
    average = _over_data(integrand.subs(c, x * _slope(log(_K))))
    return average is not None and same(average, p * x * _slope(log(_P)) * h)


def holds_the_conditional_score(integrand: Expr) -> bool:
    r"""$\mathcal L_{\text{M-ESM}}$ is the expectation over $X_0$ and $X_t$ of $[[it]]$.

    A29 puts $c$ for $H$ in the cross term of A26.
    """
    return same(posterior(integrand), EXPLICIT)


def expands_the_denoising_loss(integrand: Expr) -> bool:
    r"""$\mathcal L_{\text{M-DSM}}$ is the expectation over $X_0$ and $X_t$ of $[[it]]$.

    The square is expanded; the second moment of $c$ is finite (R4).
    """
    return same(posterior(integrand), posterior(DENOISING))


def is_the_difference(integrand: Expr) -> bool:
    r"""$\mathcal L_{\text{M-DSM}}$ is $\mathcal L_{\text{M-ESM}}$ and the expectation of $[[it]]$,
    which does not hold the model.

    A30 is taken from A31: the terms with the model are the same.
    """
    gap = posterior(DENOISING) - EXPLICIT
    return vanishes(diff(integrand, h)) and same(posterior(integrand), gap)


def are_equivalent(candidate: Values) -> bool:
    r"""$\mathcal L_{\text{M-DSM}}$ is $\mathcal L_{\text{M-ESM}}$ and $C$, the expectation of
    $[[constant]]$, which is not negative and does not hold the model. So both have the same
    gradient, and both are least for $h$ equal to $[[minimizer]]$.

    Given $X_t$, the target $c$ is random with the mean $H$ (A29): its mean square from any $h$ is
    that from $H$, the trace of a covariance, and the square of $H-h$. What a model loses against
    the minimizer is half of such a square.
    """
    best = candidate["minimizer"]
    lost = posterior(DENOISING - DENOISING.subs(h, best))
    return is_the_difference(candidate["constant"]) and same(lost, (h - best) ** 2 / 2)


_HALF = Rational(1, 2)
_E26 = H**2 / 2 + h**2 / 2 - H * h
_E30 = h**2 / 2 - c * h + H**2 / 2
_E31 = h**2 / 2 - c * h + c**2 / 2
_E32 = c**2 / 2 - H**2 / 2
_ROOT = exp(-_HALF)
_CENTRED = {"constant": (c - H) ** 2 / 2, "minimizer": H}


def _bound(of_one: Expr, of_z: Expr) -> Expr:
    return (of_one + of_z / r) / (x**2 * r * sqrt(2 * pi))


def _equation(claim: Claim) -> Claim:
    """A claim on an equation that both versions have under the number of its id."""
    place = f"eq. {claim.id.removeprefix('A')}"
    return replace(claim, names=_NAMES, sources=v1(place) + v2(place), readings=(LOST, INNER))


A26 = _equation(
    Claim(
        "A26",
        "expansion of the explicit loss",
        expands_the_square,
        _E26,
        twins={
            "half of the cross term": _E26 + H * h / 2,
            "cross term with plus": _E26 + 2 * H * h,
            "no half on the model": _E26 + h**2 / 2,
        },
        assumptions=(FINITE_MODEL, r"$\mathbb E\lVert H\rVert^2$ is finite"),
        depends=("A24",),
    )
)
A27 = _equation(
    Claim(
        "A27",
        "cross term as an integral",
        is_the_cross_integrand,
        x * p1 * h,
        twins={"one factor x too few": p1 * h, "density kept": p * x * p1 * h},
        shown=lambda e: {"it": Says(p * H * h, e)},
        assumptions=("the density is positive and differentiable on the open orthant",),
        depends=("A26",),
    )
)
A28_DOMINATION = Claim(
    "A28-domination",
    "the derivative may go under the integral",
    bounds_the_slope,
    _bound(Integer(1), _ROOT),
    twins={
        "no Jacobian of the logarithm": _bound(Integer(0), _ROOT),
        "e^{-1} for e^{-1/2}": _bound(Integer(1), exp(-1)),
        "bounded for all times": _bound(Integer(2), Integer(0)),
    },
    values=lambda: {
        "kernel": _kernel(),
        "score": _score(),
        "f0": _times(0),
        "f1": abs(_times(1)),
    },
    names=_NAMES,
    means=Means.CALCULUS,
    sheet=("A28",),
    assumptions=(POSITIVE_TIME,),
    depends=("A6",),
)
A28 = _equation(
    Claim(
        "A28",
        "gradient of the marginal density",
        adds_its_slope,
        w * k1,
        twins={
            "posterior in place of prior weights": w * k / (p + w * k) * k1,
            "weight left out": k1,
        },
        assumptions=(POSITIVE_TIME,),
        depends=("A28-domination",),
    )
)
A29 = _equation(
    Claim(
        "A29",
        "cross term with the conditional score",
        averages_to_the_cross_term,
        k * c * h,
        twins={
            "prior weights without the kernel": c * h,
            "posterior weights": k / p * c * h,
            "half": k * c * h / 2,
        },
        assumptions=(POSITIVE_TIME, FINITE_MODEL),
        depends=("A27", "A28", "R4"),
    )
)
A30 = _equation(
    Claim(
        "A30",
        "explicit loss through the conditional score",
        holds_the_conditional_score,
        _E30,
        twins={
            "C_2 for C_1": _E30 + c**2 / 2 - H**2 / 2,
            "cross term with plus": _E30 + 2 * c * h,
            "half of the cross term": _E30 + c * h / 2,
        },
        assumptions=(POSITIVE_TIME, FINITE_MODEL),
        depends=("A26", "A29"),
    )
)
A31 = _equation(
    Claim(
        "A31",
        "expansion of the denoising loss",
        expands_the_denoising_loss,
        _E31,
        twins={
            "C_1 for C_2": _E31 + H**2 / 2 - c**2 / 2,
            "cross term with plus": _E31 + 2 * c * h,
            "no half on the model": _E31 + h**2 / 2,
        },
        assumptions=(POSITIVE_TIME, FINITE_MODEL),
        depends=("A25", "R4"),
    )
)
A32 = _equation(
    Claim(
        "A32",
        "difference of the losses",
        is_the_difference,
        _E32,
        twins={"opposite sign": -_E32, "C_2 alone": c**2 / 2, "C_2 + C_1": _E32 + H**2},
        assumptions=(POSITIVE_TIME, FINITE_MODEL),
        depends=("A30", "A31"),
    )
)
A_THM = Claim(
    "A-Thm",
    "the losses are equivalent",
    are_equivalent,
    _CENTRED,
    twins={
        "without the half": _CENTRED | {"constant": (c - H) ** 2},
        "second moment in place of variance": _CENTRED | {"constant": c**2 / 2},
        "centered at the prior mean": _CENTRED | {"constant": (c - Symbol("c0")) ** 2 / 2},
        "centered at the model": _CENTRED | {"constant": DENOISING},
        "least at the score of log X": _CENTRED | {"minimizer": 1 + H},
    },
    names=_NAMES,
    sources=v1("Theorem 5.1", "Theorem C.1") + v2("Theorem 4.1", "Theorem B.1"),
    assumptions=(POSITIVE_TIME, FINITE_MODEL),
    readings=(LOST, INNER),
    depends=("A32", "A-Assumption-1-data"),
)

CLAIMS = (A26, A27, A28_DOMINATION, A28, A29, A30, A31, A32, A_THM)
