"""Orders of the two steps, from exact expansions instead of fitted slopes.

Symbols: beta rate and sigma of the reverse equation dX = beta X dr + sigma X dW that a constant
score gives; d step; T length of time; z draw; root = sqrt(d); on log-normal data v0, v_N the
variances of log X at t = 0 and 1, E the distance of log X_t from its mean, h = sigma^2 d.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, Symbol, diff, expand, integrate, lambdify, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import mu, sigma, v, x, z
from spec.steps._pinned import HALF, STEP_POINTS, ambient_formula, milstein_formula
from spec.steps._recursions import relative_variance, uniform_rows
from spec.steps._reverse import (
    X,
    Z,
    ambient_equation,
    in_logarithms,
    log_step,
    per_coordinate,
    root,
)

v_s, v_t = symbols("v_s v_t", positive=True)


def are_the_corrections(candidate: tuple[Expr, Expr, Expr]) -> bool:
    """Whether Milstein's correction is c_log in log X, c_x in X, and c_x has this mean square.

    Left: sum over j, k of (L^j g_ik) times the iterated integral of draws j and k, L^j the
    derivative along column j of the diffusion matrix g. For j != k the coefficient has to vanish,
    since that integral is not a function of the draws.
    """
    in_log, ambient, mean_square = candidate
    _, g = ambient_equation()
    _, g_log = in_logarithms(*ambient_equation())
    squared = expectation(ambient**2, z, Integer(0), Integer(1))
    return all(
        [
            same(_milstein(g), per_coordinate(ambient)),
            same(_milstein(g_log), per_coordinate(in_log)),
            same(squared, mean_square),
        ]
    )


def _milstein(g: Matrix) -> Matrix:
    """What Milstein's scheme adds to a step with this diffusion matrix, a row a coordinate."""
    total = [Integer(0), Integer(0)]
    for i, j, k in product(range(2), repeat=3):
        coefficient = sum(g[n, j] * diff(g[i, k], X[n]) for n in range(2))
        if j != k and not vanishes(coefficient):
            raise ValueError("the noise does not commute: an iterated integral is needed")
        if j == k:
            total[i] += coefficient * root**2 * (Z[j] ** 2 - 1) / 2
    return Matrix(total)


@dataclass(frozen=True)
class Sizes:
    """On log-normal data, with an exact start, as functions of (v0, v_N).

    strong  root mean square of the distance to the exact path is strong * h^strong_power
    weak    Var log X_0 - v0 is weak * h^weak_power
    """

    strong: Callable[[mpf, mpf], mpf]
    strong_power: float
    weak: Callable[[mpf, mpf], mpf]
    weak_power: float


def are_the_sizes(sizes: Sizes) -> bool:
    """Whether both errors of A13 have these leading terms.

    Exact path on the same Brownian motion: E / v has no drift, so E_s = (v_s / v_t) E_t plus the
    integral of (v_s / v) sigma dW, and a step adds a distance of variance d_k, the integral of
    (v_s / v - 1)^2 over v, which SymPy does. The distances of the steps shrink by v0 / v_s and
    are independent. Errors over leading terms at N = 500 and 1000: their distance from 1 is below
    2 % and halves, within 5 %.
    """
    e = Symbol("E", real=True)
    reverse_drift = log_step(-1 - e / v, Integer(0), root).subs(mu, sigma**2 / 2) / root**2
    if not vanishes(reverse_drift / v - e * (-(sigma**2)) / v**2):
        raise ValueError("E / v was to have no drift")
    local = lambdify((v_s, v_t), integrate(expand((v_s / v - 1) ** 2), (v, v_s, v_t)), "mpmath")
    with mpmath.workdps(50):
        data, noise = mpf("0.2"), mpf("0.64")
        strong, weak = [], []
        for levels in (500, 1000):
            step = noise / levels
            square = mpmath.fsum(
                (data / low) ** 2 * local(low, low + step)
                for low in (data + step * k for k in range(levels))
            )
            excess = data * (relative_variance(uniform_rows(levels), data, noise) - 1)
            last = data + noise
            leading = sizes.strong(data, last) * step ** mpf(sizes.strong_power)
            strong.append(mpmath.sqrt(square) / leading - 1)
            weak.append(excess / (sizes.weak(data, last) * step ** mpf(sizes.weak_power)) - 1)
        return _halves(*strong) and _halves(*weak)


def _halves(coarse: mpf, fine: mpf) -> bool:
    return bool(abs(fine) < mpf("0.02") and abs(coarse / fine - 2) < mpf("0.1"))


_MEAN_SQUARE = x**2 * sigma**4 * root**4 / 2
_AMBIENT = x * sigma**2 * root**2 * (z**2 - 1) / 2
_SIZES = Sizes(
    lambda v, last: mpmath.sqrt((1 - (v / last) ** 3) / v) / 3,
    1.0,
    lambda v, last: (1 - (v / last) ** 2) / 2,
    1.0,
)

R15 = Claim(
    id="R15",
    title="what the two steps leave out",
    statement=r"Milstein's correction to Euler–Maruyama is zero for eq. 11 and "
    r"$\frac{\sigma^2\delta}2X\circ(Z^2-1)$ for eq. 7, of mean square "
    r"$\frac{\sigma^4\delta^2}2x^2$. So A13 is its own Milstein scheme (strong order 1), A12 is "
    r"not (strong order $\frac12$), and A12 with the correction is again of order 1. Both are of "
    "weak order 1.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R15",),
    assumptions=(
        "decided here: the correction and its size; the orders then follow from the convergence "
        "theorems of Kloeden and Platen (1992, chapters 10 and 14), for coefficients that satisfy "
        "their Lipschitz and smoothness conditions in log X: up to t = 0 if the data density is "
        "smooth enough, otherwise for t bounded away from 0",
    ),
    depends=("A7", "A11", "A12", "A13", "A12-A13-gap"),
    derivation=r"With $L^j=\sum_lg_{lj}\partial_l$ the correction is $\sum_j "
    r"L^jg_{ij}\frac\delta2(Z_j^2-1)$, if $L^jg_{ik}=0$ for $j\neq k$. For $g=\sigma I$ it is "
    r"zero. For $g=\sigma\,\mathrm{diag}(x)$, $L^ig_{ii}=\sigma^2x_i$ and the others vanish. Left "
    r"out in each of $N$ steps, with mean zero and variance of order $\delta^2$, it adds up to a "
    r"variance of order $\delta$: an error of order $\delta^{1/2}$. R15-dale and R15-agnostic "
    "give the constants.",
    proof=Proof(
        are_the_corrections,
        holds=(Integer(0), _AMBIENT, _MEAN_SQUARE),
        twins={
            "a correction in the logarithm": (_AMBIENT / x, _AMBIENT, _MEAN_SQUARE),
            "Z^2 without its mean": (
                Integer(0),
                x * sigma**2 * root**2 * z**2 / 2,
                _MEAN_SQUARE,
            ),
            "half left out": (Integer(0), 2 * _AMBIENT, 4 * _MEAN_SQUARE),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.AmbientMilstein.__call__",
            formula=milstein_formula(),
            twins={
                "Euler-Maruyama": ambient_formula(),
                "z^2 for z^2 - 1": milstein_formula(shift=0),
                "without the half": milstein_formula(half=2 * HALF),
            },
            points=STEP_POINTS,
        ),
    ),
)

R15_DALE = Claim(
    id="R15-dale",
    title="strong and weak order of A13, with constants",
    statement=r"On log-normal data with an exact start: $\sqrt{\mathbb E(\log\hat X_0-\log "
    r"X_0)^2}=\frac h{3\sqrt{v_0}}\sqrt{1-\frac{v_0^3}{v_N^3}}\,(1+O(h))$ along the same Brownian "
    r"path, and $\mathrm{Var}\log\hat X_0-v_0=\frac h2\big(1-\frac{v_0^2}{v_N^2}\big)(1+O(h))$: "
    "both of order exactly 1. (The mean has no error, so it could not show an order; the second "
    "is R8-leading.)",
    kind=Kind.PROVED,
    means=Means.EXACT_LAW,
    sheet=("R15",),
    assumptions=("log-normal data, exact score and start", r"$h=\sigma^2\delta$"),
    depends=("A13", "R15", "R7", "R8-leading"),
    derivation=r"In reverse time $dE=-\frac{\sigma^2}vE\,dr+\sigma d\bar W$ and $dv=-\sigma^2dr$, "
    r"so $d\frac Ev=\frac\sigma vd\bar W$. A13 has the same factor $\frac{v_s}{v_t}$ and adds "
    r"$\sigma\Delta\bar W$; the difference of a step has variance "
    r"$\int_{v_s}^{v_t}(\frac{v_s}v-1)^2dv=\frac{h^3}{3v_s^2}+O(h^4)$. Steps are independent and "
    r"shrink by $\frac{v_0}{v_s}$: $\frac{h^3}3"
    r"\sum_k\frac{v_0^2}{v_k^4}\to\frac{h^2v_0^2}3\int\frac{dv}{v^4}$. The variance error is the "
    r"sum of $\frac{h^2v_0^2}{v_k^3}$.",
    proof=Proof(
        are_the_sizes,
        holds=_SIZES,
        twins={
            "strong order 1/2": Sizes(_SIZES.strong, 0.5, _SIZES.weak, 1.0),
            "weak order 2": Sizes(_SIZES.strong, 1.0, _SIZES.weak, 2.0),
            "constant with 1/v^2": Sizes(
                lambda v, last: mpmath.sqrt((1 - (v / last) ** 2) / v) / 3, 1.0, _SIZES.weak, 1.0
            ),
            "weak constant without the half": Sizes(
                _SIZES.strong, 1.0, lambda v, last: 1 - (v / last) ** 2, 1.0
            ),
        },
    ),
)

CLAIMS = (R15, R15_DALE)
