"""Theorem 4.1 and the paper's proof of it, equations 26 to 32: M-DSM is M-ESM and a constant.

Symbols as in `_setting`; z the kernel's normal variable."""

from functools import cache, partial

from sympy import (
    Expr, Integer, Poly, Symbol, diff, exp, expand, integrate, limit, log, oo, pi, sqrt, symbols,
)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Source, Values, v1, v2
from spec.checking.symbols import L0, H, h, m, x, z
from spec.checking.typeset import Says
from spec.objectives._setting import (
    DENOISING, EXPLICIT, FINITE_MODEL, INNER, LOST, NAMES, POSITIVE_TIME, c, posterior,
)  # fmt: skip

p, k, r = symbols("p k r", positive=True)
p1, k1, k2, d = symbols("p1 k1 k2 d", real=True)
_Z, _NORMAL, _SIZE = (log(x) - L0 - m) / r, exp(-(z**2) / 2), 1 / (x * r * sqrt(2 * pi))
_P, _K, _KERNEL, _REST = p + p1 * d, k + k1 * d, _NORMAL * _SIZE, k2 * d / 2
_CROSS, _PEAK = p * H * h, _KERNEL.subs(z, 0)
_NAMES = NAMES | {
    "p": "p_{X_t}", "p1": r"\nabla p_{X_t}", "k": r"p_{X_t\mid X_0}", "k2": "k''",
    "k1": r"\nabla p_{X_t\mid X_0}", "r": r"\sqrt{v}", "c0": r"\mathbb E\,c"}  # fmt: skip


def _slope(jet: Expr) -> Expr:
    return diff(jet, d).subs(d, 0)


def expands_the_square(integrand: Expr) -> bool:
    r"""$\mathcal L_{\text{M-ESM}}$ is the expectation of $[[it]]$.

    The square is expanded; the product is integrable since both squares are."""
    return same(EXPLICIT, integrand)


def is_the_cross_integrand(integrand: Expr) -> bool:
    r"""$\mathbb E\,H^\top h$ is the integral over $x$ of $[[it]]$, in each coordinate.

    The weight $p$ of the expectation and the one that the score divides by cancel."""
    return same(_CROSS.subs(H, x * _slope(log(_P))), integrand)


def bounds_the_bend(bound: Expr) -> bool:
    r"""In one coordinate the second derivative in $x$ of the kernel $p_{X_t\mid X_0}(x\mid x_0)$
    is at most $[[it]]$ in size, $v$ being $\sigma^2t$, and the kernel $[[peak]]$.

    With $z$ for $\log x$ less its mean given $x_0$, over its deviation, the kernel is $[[kernel]]$
    and its second derivative that times $[[ratio]]$. The bound adds the largest absolute values of
    what stands at each power of the deviation, found from derivatives in $z$, as is the largest
    value of the kernel, whose integral over $x$ is one."""
    parts = reversed(Poly(_ratio() * x**2, 1 / r).all_coeffs())
    largest = sum(_largest(f) / r**n for n, f in enumerate(parts))
    gap = expand(bound * x**2 / _SIZE - largest).subs(_ROOT, Symbol("root"))
    return vanishes(gap) and _is_the_kernel()


@cache
def _is_the_kernel() -> bool:
    """Whether what is printed of it is right: its integral, its largest value, its bend."""
    kernel = _KERNEL.subs(z, _Z)
    bend = (diff(kernel, x, 2) / kernel - _ratio().subs(z, _Z)).expand().subs(log(x), Symbol("u"))
    found = bend, _PEAK - _SIZE * _largest(Integer(1))
    whole = integrate(_KERNEL / diff(_Z, x), (z, -oo, oo), meijerg=False) == 1
    return whole and vanishes(found)


@cache
def _ratio() -> Expr:
    def slope(e: Expr) -> Expr:
        return diff(e, x) + diff(e, z) * diff(_Z, x)

    return expand(slope(slope(_KERNEL)) / _KERNEL)


@cache
def _largest(polynomial: Expr) -> Expr:
    """The largest absolute value of a polynomial in z times the normal density without its
    constant, which vanishes at both ends."""
    slope = diff(polynomial, z) - z * polynomial  # times the same
    return max(abs((polynomial * _NORMAL).subs(z, at)) for at in Poly(slope, z).real_roots())


def is_averaged(slope: Expr) -> bool:
    r"""For data of any law $\nabla p_{X_t}$ is the average over $x_0$ of $[[it]]$.

    A difference quotient of the kernel over a distance $d$ is $[[it]]$ and $[[rest]]$, with $k''$
    the second derivative somewhere between (Taylor). By A28-domination the rest is at most a
    number times $d$ for all $x_0$ alike, so that its average vanishes with $d$. In several
    coordinates the kernel is a product, whose other factors are bounded there as well."""
    return same((_K + k2 * d**2 / 2 - k) / d, slope + _REST)


def averages_to_the_cross_term(integrand: Expr) -> bool:
    r"""$p_{X_t}H^\top h$ is the average over the data of $[[it]]$, in each coordinate: so $\mathbb
    E\,H^\top h$ is $\mathbb E\,c^\top h$, and $H$ is the mean of $c$ given $X_t$.

    A28 goes into A27, and $\nabla p_{X_t\mid X_0}$ is written through $c$. Nothing is integrated
    by parts. The integrals may be exchanged: $c$ (R4) and $h$ have second moments."""
    weighted = integrand.subs(c, x * _slope(log(_K)))
    affine = vanishes(tuple(diff(weighted, e, f) for e in (k, k1) for f in (k, k1)))
    return affine and same(weighted.subs({k: p, k1: p1}), p * x * _slope(log(_P)) * h)


def holds_the_conditional_score(integrand: Expr) -> bool:
    r"""$\mathcal L_{\text{M-ESM}}$ is the expectation over $X_0$ and $X_t$ of $[[it]]$.

    A29 puts $c$ for $H$ in the cross term of A26."""
    return same(posterior(integrand), EXPLICIT)


def expands_the_denoising_loss(integrand: Expr) -> bool:
    r"""$\mathcal L_{\text{M-DSM}}$ is the expectation over $X_0$ and $X_t$ of $[[it]]$.

    The square is expanded; the second moment of $c$ is finite (R4)."""
    return same(posterior(integrand), posterior(DENOISING))


def is_the_difference(integrand: Expr) -> bool:
    r"""$\mathcal L_{\text{M-DSM}}$ is $\mathcal L_{\text{M-ESM}}$ and the mean of $[[it]]$,
    without the model.

    A30 is taken from A31: the terms with the model are the same."""
    gap = posterior(DENOISING) - EXPLICIT
    return vanishes(diff(integrand, h)) and same(posterior(integrand), gap)


def are_equivalent(candidate: Values) -> bool:
    r"""$\mathcal L_{\text{M-DSM}}$ is $\mathcal L_{\text{M-ESM}}$ and $C$, the expectation of
    $[[constant]]$, which is not negative and does not hold the model. So both have the same
    gradient, and both are least for $h$ equal to $[[minimizer]]$.

    Given $X_t$, $c$ has the mean $H$ (A29): a model loses half its squared distance from it."""
    best, constant = candidate["minimizer"], candidate["constant"]
    lost = posterior(DENOISING - DENOISING.subs(h, best))
    least = constant.factor().is_nonnegative is True and same(lost, (h - best) ** 2 / 2)
    return least and vanishes(diff(best, h)) and is_the_difference(constant)


_E26, _E32 = H**2 / 2 + h**2 / 2 - H * h, c**2 / 2 - H**2 / 2
_E30, _E31 = h**2 / 2 - c * h + H**2 / 2, h**2 / 2 - c * h + c**2 / 2
_ROOT, _CENTRED = exp(Integer(-1) / 2), {"constant": (c - H) ** 2 / 2, "minimizer": H}
_BOUND = (2 + 3 * _ROOT / r + 1 / r**2) * _SIZE / x**2
_LATER = Assumption(
    "t > 0", "the bound of A28-domination divides by v",
    lambda: limit(_BOUND.subs(x, 1), r, 0, "+") == oo)  # fmt: skip


def _place(number: int) -> tuple[Source, ...]:
    """Both versions have the equation under this number."""
    return v1(f"eq. {number}") + v2(f"eq. {number}")


_equation = partial(Claim, names=_NAMES, readings=(LOST, INNER))
A26 = _equation(
    "A26", "expansion of the explicit loss", expands_the_square, _E26, twins={
        "half of the cross term": _E26 + H * h / 2, "no half on the model": _E26 + h**2 / 2,
        "cross term with plus": _E26 + 2 * H * h,
    }, assumptions=(FINITE_MODEL, r"$\mathbb E\lVert H\rVert^2$ is finite"), depends=("A24",),
    sources=_place(26))  # fmt: skip
A27 = _equation(
    "A27", "cross term as an integral", is_the_cross_integrand, x * p1 * h,
    twins={"one factor x too few": p1 * h, "density kept": p * x * p1 * h},
    assumptions=(*A26.assumptions, "the density is positive, differentiable on the open orthant"),
    shown=lambda e: {"it": Says(_CROSS, e)}, depends=("A26",), sources=_place(27))  # fmt: skip
A28_DOMINATION = Claim(
    "A28-domination", "the derivative may go under the integral", bounds_the_bend, _BOUND, twins={
        "no Jacobian of the logarithm": _BOUND - 2 * _SIZE / x**2,
        "e^{-1} for e^{-1/2}": _BOUND + 3 * (exp(-1) - _ROOT) / r * _SIZE / x**2,
        "bounded for all times": 2 * _SIZE / x**2,
    }, values=lambda: {
        "peak": _PEAK, "kernel": _KERNEL, "ratio": _ratio(),
    }, names=_NAMES | {"L0": r"\log x_0"}, means=Means.CALCULUS, sheet=("A28",),
    assumptions=(_LATER,), depends=("A6",))  # fmt: skip
A28 = _equation(
    "A28", "gradient of the marginal density", is_averaged, k1,
    twins={"posterior in place of prior weights": k / p * k1, "kernel for its slope": k},
    values=lambda: {"rest": _REST}, assumptions=(_LATER,), depends=("A28-domination",),
    sources=_place(28))  # fmt: skip
A29 = _equation(
    "A29", "cross term with the target", averages_to_the_cross_term, k * c * h, twins={
        "prior weights without the kernel": c * h, "posterior weights": k / p * c * h,
        "half": k * c * h / 2,
    }, assumptions=(POSITIVE_TIME, FINITE_MODEL), depends=("A27", "A28", "R4"), sources=_place(29),
)  # fmt: skip
A30 = _equation(
    "A30", "explicit loss through the target", holds_the_conditional_score, _E30, twins={
        "C_2 for C_1": _E30 + c**2 / 2 - H**2 / 2, "cross term with plus": _E30 + 2 * c * h,
        "half of the cross term": _E30 + c * h / 2,
    }, assumptions=(POSITIVE_TIME, FINITE_MODEL), sources=_place(30),
    depends=("A26", "A29", "A-Assumption-1-data"))  # fmt: skip
A31 = _equation(
    "A31", "expansion of the denoising loss", expands_the_denoising_loss, _E31, twins={
        "C_1 for C_2": _E31 + H**2 / 2 - c**2 / 2, "cross term with plus": _E31 + 2 * c * h,
        "no half on the model": _E31 + h**2 / 2,
    }, assumptions=(POSITIVE_TIME, FINITE_MODEL), depends=("A25", "R4"), sources=_place(31),
)  # fmt: skip
A32 = _equation(
    "A32", "difference of the losses", is_the_difference, _E32,
    twins={"opposite sign": -_E32, "C_2 alone": c**2 / 2, "C_2 + C_1": _E32 + H**2},
    assumptions=(POSITIVE_TIME, FINITE_MODEL), depends=("A30", "A31"), sources=_place(32),
)  # fmt: skip
A_THM = Claim(
    "A-Thm", "the losses are equivalent", are_equivalent, _CENTRED, twins={
        "without the half": _CENTRED | {"constant": (c - H) ** 2},
        "second moment in place of variance": _CENTRED | {"constant": c**2 / 2},
        "centered at the prior mean": _CENTRED | {"constant": (c - Symbol("c0")) ** 2 / 2},
        "centered at the model": _CENTRED | {"constant": DENOISING},
        "least at the score of log X": _CENTRED | {"minimizer": 1 + H},
        "least at any model": _CENTRED | {"minimizer": h},
    }, names=_NAMES, sources=v1("Theorem 5.1", "Theorem C.1") + v2("Theorem 4.1", "Theorem B.1"),
    assumptions=(POSITIVE_TIME, FINITE_MODEL), readings=(LOST, INNER),
    depends=("A32", "A-Assumption-1-data"))  # fmt: skip
CLAIMS = (A26, A27, A28_DOMINATION, A28, A29, A30, A31, A32, A_THM)
