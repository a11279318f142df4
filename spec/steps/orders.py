"""Errors of the two steps, from exact expansions instead of fitted slopes.

T = N dt; v0, v_N are the variances of log X at t = 0 and 1, E the distance of log X_t from its
mean, H = sigma^2 dt."""

from functools import cache
from itertools import product

import mpmath
from mpmath import mpf
from sympy import (
    Expr, Integer, Matrix, Poly, diag, diff, expand, integrate, lambdify, sqrt, symbols,
)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.symbols import H, dt, h, kappa, mu, sigma, v, v0, x, z
from spec.checking.trace import points
from spec.checking.typeset import Sde
from spec.steps._pinned import by_increments
from spec.steps._recursions import NOISE_RATE, relative_variance, uniform_rows
from spec.steps._reverse import (
    EXACT_START, IN_LOG, IN_X, ON_LOG_NORMAL, RATE, X, Z, affine_score, ambient_factor,
    in_delta, log_step, over_draw, per_coordinate, root)  # fmt: skip
from spec.steps.euler_maruyama import GAP

v_s, v_t, v_N, T = symbols("v_s v_t v_N T", positive=True)
E, beta = symbols("E beta", real=True)


def are_the_corrections(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""In the plane what Milstein's scheme adds to an Euler–Maruyama step with noise $\kappa$ is
    $[[log]]$ for eq. (11) and $[[ambient]]$ for eq. (7); the mean square of the latter is
    $[[square]]$. With full noise the latter is $X$ times the term of order $\delta$ of
    A12-A13-gap.

    The correction is a sum of the derivatives of the entries of the diffusion matrix along its
    columns, times iterated integrals; those of two different draws must not occur, which is
    decided. The orders that follow (Kloeden and Platen (1992), chapters on strong and weak Taylor
    schemes) are not decided here; R15-dale and R15-agnostic have errors."""
    *added, mean_square = candidate
    found = (_milstein(kappa * g) for _, g in (IN_LOG, IN_X))
    gaps = [here - per_coordinate(term) for here, term in zip(found, added, strict=True)]
    first = added[1].subs(kappa, 1) - x * root**2 * GAP.holds[0]
    return vanishes((*gaps, over_draw(added[1] ** 2) - mean_square, first))


def _milstein(g: Matrix) -> Matrix:
    """What Milstein's scheme adds to a step with this diffusion matrix, a row a coordinate."""
    total = Matrix([0, 0])
    for i, j, k in product(range(2), repeat=3):
        coefficient = sum(g[n, j] * diff(g[i, k], X[n]) for n in range(2))
        if j == k:
            total[i] += coefficient * root**2 * (Z[j] ** 2 - 1) / 2
        elif not vanishes(coefficient):
            raise ValueError("the noise does not commute: an iterated integral is needed")
    return total


def are_the_sizes(candidate: tuple[Expr, Expr]) -> bool:
    r"""On log-normal data with an exact start, of log-variance $v_N$, the root mean square of the
    distance of $\log\hat X_0$ from the exact $\log X_0$ on the same Brownian path is $[[strong]]$,
    and the variance of $\log\hat X_0$ exceeds $v_0$ by $[[weak]]$, to leading order in $h=[[h]]$:
    at the points shown the quotients differ from one by less than $[[near]]$ on the finer grid,
    and by half of what they do on the coarser one, but for a part of $[[close]]$.

    The distance of the exact path over $v$ has no drift, so that it is the integral of its noise.
    The distance that a step adds has the variance $[[local]]$, an integral over $v$ that SymPy
    does; the distances of the steps are independent and shrink as $v$ does."""
    excess = []
    for size in points({"N": n, "v0": _DATA, "sigma^2": NOISE_RATE} for n in _GRIDS):
        with mpmath.workdps(50):
            at = _DATA, _DATA + NOISE_RATE, mpmath.sqrt(NOISE_RATE), mpf(1) / size["N"]
            terms = [term.subs(H, _H) for term in candidate]
            leading = lambdify((v0, v_N, sigma, dt), terms, "mpmath")(*at)
            pairs = zip(_errors(size["N"]), leading, strict=True)
            excess.append([found / term - 1 for found, term in pairs])
    by_name = list(zip(*excess, strict=True))
    return all(abs(b) < _NEAR and abs(a / b / 2 - 1) < _CLOSE for a, b in by_name)


@cache
def _errors(levels: int) -> tuple[mpf, mpf]:
    """The root mean square distance of the paths, and the excess of the variance."""
    step, local = NOISE_RATE / levels, lambdify((v_s, v_t), _local_variance(), "mpmath")
    lows = [_DATA + step * k for k in range(levels)]
    square = mpmath.fsum((_DATA / low) ** 2 * local(low, low + step) for low in lows)
    return mpmath.sqrt(square), _DATA * (relative_variance(uniform_rows(levels), _DATA) - 1)


@cache
def _local_variance() -> Expr:
    """Of the difference of a step from the exact path, from v_t to v_s."""
    drift = log_step(affine_score(E, v), Integer(0), root).subs(mu, sigma**2 / 2) / root**2
    if not same(drift / v, -E * sigma**2 / v**2):
        raise ValueError("E / v was to have no drift")
    return integrate(expand((v_s / v - 1) ** 2), (v, v_s, v_t))


def are_the_errors(errors: dict[str, Expr]) -> bool:
    r"""With a constant Hyvärinen score, [[equation]] from a fixed start over a time $T$, the mean
    square of $X-\hat X$ over that of $X$ is $[[strong]]$ to leading order in $\delta$ for A12, and
    $[[milstein]]$ with Milstein's term: strong orders of one half and of one. For A12 the mean is
    off by the relative error $[[mean]]$ and the second moment by $[[second]]$, to leading order.

    Solution and scheme are products of $N$ independent factors of the same draws; the exponential
    in the solution shifts the law of a draw. The exact moments of a step are raised to the power
    $N$ by expanding their logarithms in $\delta$."""
    return all(same(term, errors[name]) for name, term in _leading_errors().items())


@cache
def _leading_errors() -> dict[str, Expr]:
    """Of mean, second moment and paths of A12, and of the paths with Milstein's term."""
    drift, noise = _LINEAR.drift, _LINEAR.noise
    euler = 1 + (drift * root**2 + noise * root * z) / x
    if not same(ambient_factor(h, z, root), euler.subs(beta, RATE)):
        raise ValueError("with a constant score the step was to be that of a linear equation")
    growth = (2 * x * drift + noise**2) / x**2
    found = {"mean": _relative_power(euler, beta) - 1}
    found["second"] = _relative_power(euler**2, growth) - 1
    milstein = euler + sigma**2 * root**2 * (z**2 - 1) / 2
    for name, step in {"strong": euler, "milstein": milstein}.items():
        both = _relative_power(step.subs(z, z + sigma * root), growth - beta)
        found[name] = 1 - 2 * both + _relative_power(step**2, growth)
    return {name: _leading(series) for name, series in found.items()}


def _relative_power(step: Expr, rate: Expr) -> Expr:
    """E[step]^(T / d) e^(-rate T) to second order in d, for log E[step] = rate d + l2 d^2 + ..."""
    e = over_draw(step) - 1
    logarithm = Poly(e - e**2 / 2 + e**3 / 3, root)
    first, l2, l3 = (logarithm.coeff_monomial(root ** (2 * n)) for n in (1, 2, 3))
    if not same(first, rate):
        raise ValueError("the step was to be consistent")
    return 1 + T * l2 * dt + (T * l3 + T**2 * l2**2 / 2) * dt**2


def _leading(series: Expr) -> Expr:
    powers = Poly(series, dt)
    terms = (powers.coeff_monomial(dt**n) * dt**n for n in range(3))
    return next(term for term in terms if not vanishes(term))


_DATA, _GRIDS, _NEAR, _CLOSE = mpf("0.2"), (500, 1000), mpf("0.02"), mpf("0.05")
_MEAN_SQUARE = x**2 * kappa**4 * sigma**4 * root**4 / 2
_AMBIENT, _NONE = x * kappa**2 * sigma**2 * root**2 * (z**2 - 1) / 2, Integer(0)
R15 = Claim(
    "R15", "what the two steps leave out", are_the_corrections,
    holds=(_NONE, _AMBIENT, _MEAN_SQUARE), twins={
        "a correction in the logarithm": (_AMBIENT / x, _AMBIENT, _MEAN_SQUARE),
        "Z^2 without its mean": (_NONE, _AMBIENT + _AMBIENT / (z**2 - 1), _MEAN_SQUARE),
        "half left out": (_NONE, 2 * _AMBIENT, 4 * _MEAN_SQUARE),
        "half left out of the mean square": (_NONE, _AMBIENT, 2 * _MEAN_SQUARE),
    }, shown=lambda parts: dict(
        zip(("log", "ambient", "square"), map(in_delta, parts), strict=True)
    ), names={"z": "Z"}, assumptions=(Assumption(
        "sigma does not depend on the state", "there is no correction in the logarithm",
        lambda: not vanishes(_milstein(sigma * diag(*X))),
    ),),
    depends=("A7", "A11", "A12", "A13", "A12-A13-gap"), pins=(Pin(
        "gbm_ref.AmbientMilstein.__call__", vectors="ambient_milstein_step",
        reads=lambda parts: x * by_increments(ambient_factor(h, z, root, kappa) + parts[1] / x),
    ),))  # fmt: skip

_STRONG = H * sqrt((1 - (v0 / v_N) ** 3) / v0) / 3
_H = in_delta(log_step(h, z, root).expand().coeff(z) ** 2)
_WEAK = H * (1 - (v0 / v_N) ** 2) / 2
R15_DALE = Claim(
    "R15-dale", "errors of A13 on log-normal data, with constants", are_the_sizes,
    holds=(_STRONG, _WEAK), twins={
        "strong order 1/2": (_STRONG / sqrt(H), _WEAK), "weak order 2": (_STRONG, _WEAK * H),
        "constant with 1/v^2": (H * sqrt((1 - (v0 / v_N) ** 2) / v0) / 3, _WEAK),
        "weak constant without the half": (_STRONG, 2 * _WEAK),
    }, shown=lambda pair: dict(zip(("strong", "weak"), pair, strict=True)), values=lambda: {
        "h": _H, "local": _local_variance(), "near": _NEAR, "close": _CLOSE,
    }, names={"H": "h"}, means=Means.POINTS, sheet=("R15",),
    assumptions=(*ON_LOG_NORMAL, EXACT_START, "v_0 is positive"),
    depends=("A13", "R15", "R7", "R8-leading"))  # fmt: skip

_LINEAR = Sde("X", beta * x, sigma * x, "r")
_BY_MILSTEIN = sigma**6 / 6 + beta**2 * sigma**2 + T * beta**2 * (beta + 2 * sigma**2) ** 2 / 4
_ERRORS = {
    "strong": T * sigma**4 / 2 * dt, "milstein": T * dt**2 * _BY_MILSTEIN,
    "mean": -T * beta**2 / 2 * dt,
    "second": -T * (2 * beta**2 + 4 * beta * sigma**2 + sigma**4) / 2 * dt}  # fmt: skip
R15_AGNOSTIC = Claim(
    "R15-agnostic", "errors of A12 with constant Hyvärinen score, with constants", are_the_errors,
    holds=_ERRORS, twins={
        "strong order 1 without the correction": _ERRORS | {"strong": _ERRORS["milstein"]},
        "strong constant without the half": _ERRORS | {"strong": 2 * _ERRORS["strong"]},
        "correction of order 1/2": _ERRORS | {"milstein": _ERRORS["strong"]},
        "mean too large": _ERRORS | {"mean": -_ERRORS["mean"]},
        "second moment off by twice the error of the mean":
            _ERRORS | {"second": 2 * _ERRORS["mean"]},
    }, values=lambda: {"equation": _LINEAR}, means=Means.CALCULUS, sheet=("R15",),
    assumptions=(Assumption(
        "the Hyvärinen score is constant, as where a density is proportional to a power of x",
        "the rate beta", lambda: not vanishes(diff(RATE, h)),
    ),), depends=("A12", "R15"))  # fmt: skip
CLAIMS = (R15, R15_DALE, R15_AGNOSTIC)
