"""Orders of the two steps, from exact expansions instead of fitted slopes.

Symbols: beta rate and sigma of the reverse equation dX = beta X dr + sigma X dW that a constant
score gives; d = dt step; T = N d; z draw, the same for all factors of a step; root = sqrt(dt); on
log-normal data v0, v_N the variances of log X at t = 0 and 1, E the distance of log X_t from its
mean, H = sigma^2 dt.
"""

from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import product

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, Poly, diff, expand, integrate, lambdify, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.symbols import H, dt, h, kappa, mu, sigma, v, v0, x, z
from spec.checking.trace import points
from spec.checking.typeset import Sde
from spec.steps._assumed import CONSTANT, EXACT_START, ON_LOG_NORMAL, affine_score
from spec.steps._pinned import by_increments
from spec.steps._recursions import NOISE_RATE, relative_variance, uniform_rows
from spec.steps._reverse import (
    X,
    Z,
    ambient_equation,
    ambient_factor,
    in_delta,
    in_logarithms,
    log_step,
    over_draw,
    per_coordinate,
    root,
)

v_s, v_t, v_N, T = symbols("v_s v_t v_N T", positive=True)
E, beta = symbols("E beta", real=True)


def are_the_corrections(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""In the plane what Milstein's scheme adds to an Euler–Maruyama step with noise $\kappa$ is
    $[[log]]$ for eq. (11) and $[[ambient]]$ for eq. (7); the mean square of the latter is
    $[[square]]$.

    The correction is a sum of the derivatives of the entries of the diffusion matrix along its
    columns, times iterated integrals; those of two different draws must not occur, which is
    decided. So A13 is its own Milstein scheme and A12 is not. The orders that follow are those of
    the convergence theorems of Kloeden and Platen (1992, chapters on strong and weak Taylor
    schemes) and are not decided here; R15-dale and R15-agnostic have them where everything is
    explicit.
    """
    in_log, ambient, mean_square = candidate
    _, g = ambient_equation()
    _, g_log = in_logarithms(*ambient_equation())
    squared = over_draw(ambient**2)
    return (
        same(_milstein(kappa * g), per_coordinate(ambient))
        and same(_milstein(kappa * g_log), per_coordinate(in_log))
        and same(squared, mean_square)
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


def are_the_sizes(candidate: tuple[Expr, Expr]) -> bool:
    r"""On log-normal data with an exact start, the root mean square of the distance of $\log\hat
    X_0$ from the exact $\log X_0$ on the same Brownian path is $[[strong]]$, and the variance of
    $\log\hat X_0$ exceeds $v_0$ by $[[weak]]$, to leading order in $[[h]]$: at the points shown
    the quotients differ from one by less than $[[near]]$ on the finer grid, and by half of what
    they do on the coarser one, but for a part of $[[close]]$.

    The distance of the exact path over $v$ has no drift, so that it is the integral of its noise.
    The distance that a step adds has the variance $[[local]]$, an integral over $v$ that SymPy
    does; the distances of the steps are independent and shrink as $v$ does. The mean has no error,
    so it could not show an order; the second is R8-leading.
    """
    strong, weak = (lambdify((v0, v_N, H), part, "mpmath") for part in candidate)
    quotients = []
    for at_size in points({"N": n, "v0": _DATA, "sigma^2": NOISE_RATE} for n in _GRIDS):
        levels = at_size["N"]
        with mpmath.workdps(50):
            step = NOISE_RATE / levels
            square, excess = _errors(levels)
            at = _DATA, _DATA + NOISE_RATE, step
            quotients.append((mpmath.sqrt(square) / strong(*at), excess / weak(*at)))
    return all([_halves(*pair) for pair in zip(*quotients, strict=True)])


@cache
def _errors(levels: int) -> tuple[mpf, mpf]:
    """The mean square distance of the paths, and the excess of the variance."""
    local = lambdify((v_s, v_t), _local_variance(), "mpmath")
    step = NOISE_RATE / levels
    lows = [_DATA + step * k for k in range(levels)]
    square = mpmath.fsum((_DATA / low) ** 2 * local(low, low + step) for low in lows)
    return square, _DATA * (relative_variance(uniform_rows(levels), _DATA, NOISE_RATE) - 1)


@cache
def _local_variance() -> Expr:
    """Of the difference of a step from the exact path, from v_t to v_s."""
    drift = log_step(affine_score(E, v), Integer(0), root).subs(mu, sigma**2 / 2) / root**2
    if not vanishes(drift / v - E * (-(sigma**2)) / v**2):
        raise ValueError("E / v was to have no drift")
    return integrate(expand((v_s / v - 1) ** 2), (v, v_s, v_t))


def _halves(coarse: mpf, fine: mpf) -> bool:
    return bool(abs(fine - 1) < _NEAR and abs((coarse - 1) / (fine - 1) / 2 - 1) < _CLOSE)


@dataclass(frozen=True)
class Errors:
    """Leading terms in dt of the relative errors of a run.

    strong, milstein  E (X - X^)^2 / E X^2 for A12, and for A12 with Milstein's term
    mean, second      E X^ / E X - 1 and E X^^2 / E X^2 - 1 for A12
    """

    strong: Expr
    milstein: Expr
    mean: Expr
    second: Expr


def are_the_errors(errors: Errors) -> bool:
    r"""With a constant score, [[equation]], the mean square of $X-\hat X$ over that of $X$ is
    $[[strong]]$ to leading order in $\delta$ for A12, and $[[milstein]]$ with Milstein's term:
    strong orders of one half and of one. The mean is off by the relative error $[[mean]]$ and the
    second moment by $[[second]]$: weak order one, which the mean cannot show where $\beta$ is
    zero.

    Both solution and scheme are products of $N$ independent factors, driven by the same draws; the
    exponential in the factor of the solution shifts the normal law of the draw. The moments of a
    step are exact. They are raised to the power $N$ by expanding their logarithms in $\delta$.
    """
    euler = 1 + beta * root**2 + sigma * root * z
    if not same(ambient_factor(h, z, root), euler.subs(beta, _rate())):
        raise ValueError("with a constant score the step was to be that of a linear equation")
    growth = 2 * beta + sigma**2
    one = [Integer(1), Integer(0), Integer(0)]
    squares = [
        [e - 2 * b + c for e, b, c in zip(one, *_powers(step, growth), strict=True)]
        for step in (euler, euler + sigma**2 * root**2 * (z**2 - 1) / 2)
    ]
    mean = _relative_power(_moment(euler), beta)
    second = _relative_power(_moment(euler**2), growth)
    found = (*squares, [mean[0] - 1, *mean[1:]], [second[0] - 1, *second[1:]])
    wanted = (getattr(errors, field.name) for field in fields(errors))
    return all([_leads(series, leading) for series, leading in zip(found, wanted, strict=True)])


def _rate() -> Expr:
    return (ambient_factor(h, Integer(0), root) - 1) / root**2


def _powers(step: Expr, growth: Expr) -> tuple[list[Expr], list[Expr]]:
    """E X X^ and E X^^2 over E X^2, as coefficients of 1, d, d^2."""
    shifted = step.subs(z, z + sigma * root)
    return (
        _relative_power(_moment(shifted), growth - beta),
        _relative_power(_moment(step**2), growth),
    )


def _moment(polynomial: Expr) -> Expr:
    return over_draw(polynomial)


def _relative_power(factor: Expr, rate: Expr) -> list[Expr]:
    """factor^(T / d) e^(-rate T) as coefficients of 1, d, d^2, for factor = 1 + rate d + O(d^2).

    The logarithm of the factor over d is rate + l2 d + l3 d^2 + O(d^3).
    """
    e = expand(factor - 1)
    logarithm = Poly(e - e**2 / 2 + e**3 / 3, root)
    first, l2, l3 = (logarithm.coeff_monomial(root ** (2 * n)) for n in (1, 2, 3))
    if not same(first, rate):
        raise ValueError("the step was to be consistent")
    return [Integer(1), T * l2, T * l3 + T**2 * l2**2 / 2]


def _leads(series: list[Expr], leading: Expr) -> bool:
    """Whether the first term of the series that is not zero is this one."""
    power = next(n for n, term in enumerate(series) if not vanishes(term))
    return same(series[power] * dt**power, leading)


_DATA, _GRIDS, _NEAR, _CLOSE = mpf("0.2"), (500, 1000), mpf("0.02"), mpf("0.05")
_MEAN_SQUARE = x**2 * kappa**4 * sigma**4 * root**4 / 2
_AMBIENT = x * kappa**2 * sigma**2 * root**2 * (z**2 - 1) / 2
R15 = Claim(
    "R15", "what the two steps leave out", are_the_corrections,
    holds=(Integer(0), _AMBIENT, _MEAN_SQUARE), twins={
        "a correction in the logarithm": (_AMBIENT / x, _AMBIENT, _MEAN_SQUARE),
        "Z^2 without its mean": (Integer(0), _AMBIENT + _AMBIENT / (z**2 - 1), _MEAN_SQUARE),
        "half left out": (Integer(0), 2 * _AMBIENT, 4 * _MEAN_SQUARE),
    },
    shown=lambda parts: dict(zip(("log", "ambient", "square"), map(in_delta, parts), strict=True)),
    names={"z": "Z"}, assumptions=(CONSTANT,), depends=("A7", "A11", "A12", "A13", "A12-A13-gap"),
    pins=(Pin(
        "gbm_ref.AmbientMilstein.__call__", vectors="ambient_milstein_step",
        reads=lambda parts: (x * by_increments(ambient_factor(h, z, root, kappa) + parts[1] / x)),
    ),),
)  # fmt: skip

_STRONG = H * sqrt((1 - (v0 / v_N) ** 3) / v0) / 3
_WEAK = H * (1 - (v0 / v_N) ** 2) / 2
R15_DALE = Claim(
    "R15-dale", "strong and weak order of A13, with constants", are_the_sizes,
    holds=(_STRONG, _WEAK), twins={
        "strong order 1/2": (_STRONG / sqrt(H), _WEAK), "weak order 2": (_STRONG, _WEAK * H),
        "constant with 1/v^2": (H * sqrt((1 - (v0 / v_N) ** 2) / v0) / 3, _WEAK),
        "weak constant without the half": (_STRONG, 2 * _WEAK),
    }, shown=lambda pair: dict(zip(("strong", "weak"), pair, strict=True)), values=lambda: {
        "h": in_delta(log_step(h, z, root).expand().coeff(z) ** 2),
        "local": _local_variance(), "near": _NEAR, "close": _CLOSE,
    }, names={"H": "h", "v_s": "v_s", "v_t": "v_t", "v_N": "v_N"}, means=Means.POINTS,
    sheet=("R15",), assumptions=(*ON_LOG_NORMAL, EXACT_START),
    depends=("A13", "R15", "R7", "R8-leading"),
)  # fmt: skip

_HOLDS = Errors(
    strong=T * sigma**4 / 2 * dt,
    milstein=T * (sigma**6 / 6 + beta**2 * sigma**2 + T * beta**2 * (beta + 2 * sigma**2) ** 2 / 4)
    * dt**2,
    mean=-T * beta**2 / 2 * dt,
    second=-T * (2 * beta**2 + 4 * beta * sigma**2 + sigma**4) / 2 * dt,
)  # fmt: skip


R15_AGNOSTIC = Claim(
    "R15-agnostic", "strong and weak order of A12, with constants", are_the_errors, holds=_HOLDS,
    twins={
        "strong order 1 without the correction": replace(_HOLDS, strong=_HOLDS.milstein),
        "strong constant without the half": replace(_HOLDS, strong=2 * _HOLDS.strong),
        "correction of order 1/2": replace(_HOLDS, milstein=_HOLDS.strong),
        "mean too large": replace(_HOLDS, mean=-_HOLDS.mean),
    }, values=lambda: {"equation": Sde("X", beta * x, sigma * x, "r")},
    means=Means.CALCULUS, sheet=("R15",), assumptions=(Assumption(
        "the score h is constant, as for a density proportional to a power of x", "the rate beta",
        lambda: not vanishes(diff(_rate(), h)),
    ),), depends=("A12", "R15"),
)  # fmt: skip

CLAIMS = (R15, R15_DALE, R15_AGNOSTIC)
