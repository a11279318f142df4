"""What a wrong score and finite steps cost: sheets R20 and R20b.

Symbols: E the mean error of the sampler; Lg = log(v_N / v), in statements log(v_N / v_0);
w = sqrt(v_N / v_0); v_k = v_0 + h k; e = h / v_k = 1 - r; Lr = log r."""

from collections.abc import Callable, Mapping

from sympy import (
    Expr, Integer, Matrix, Rational, Symbol, diff, exp, integrate, log, series, sqrt, symbols,
)  # fmt: skip

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.gaussian import expectation
from spec.checking.pins import table
from spec.checking.symbols import s2, v, v0
from spec.checking.typeset import Says
from spec.divergence.gaussian import explicit, has_no_negative_coefficient, kl
from spec.reverse.log_coordinates import A10, score

e, g, _c0, _c1, _y = symbols("e g c0 c1 y", real=True)
vN, W, _c, _Lg, _w, _S, _sigma = symbols("v_N W c Lg w S sigma", positive=True)
_r, _Lr, _h, _e = symbols("r Lr h e", positive=True)
_before, _after = symbols("v_before v_after", positive=True)
_E, _k, _FALL = Symbol("E"), Symbol("k"), _before / _after
_EXACT = _h * _FALL
# sigma^2 of the variance-exploding process (claim VE), as a function of v.
_low, _high, _T = symbols("std_min std_max T", positive=True)
_GROWTH = log(1 + (_high / _low) ** 2) / _T
# Of the error e and the slope g.
_RATES = {"bound": lambda e, g: s2 * e**2 / 2, "off": lambda e, g: s2 * (e - g) ** 2 / 2}
# dE/dv: what A10 has at the score of a normal law and c, E from the mean, and dv/dr = -sigma^2.
_ERROR_RATE = ((A10.holds.subs(score, _c - _E / v) - A10.holds.subs(score, 0)) / -s2).expand()
_COST = {"error": _c * v * _Lg, "cost": _c**2 * v0 * _Lg**2 / 2}
_STATE = _q, _u, _q_rate, _u_rate = symbols("q u q' u'")
# d/dr of q log(q / u), without q', which integrates to nothing.
_INTEGRAND = _q_rate * log(_q / _u) - _q / _u * _u_rate
_GROWN = {_Lg: log(vN / v0)}
_LIMIT = integrate(_RATES["bound"](_c, Integer(0)) / s2, (v, v0, vN))
_ERROR, _WRONG = _c0 + _c1 * _y, (_c0**2 * (W - v0) + _c1**2 * (W**2 - v0**2) / 2) / 2
_LOGARITHM, _SQUARE, _BOUND = 2 * log(_w), _w**2 - 1, _w - 1 / _w
_STEP = (_r - 1 - log(_r)) / 2
# The cost of a step up to the second power of e.
_SERIES = series(_STEP.subs(_r, 1 - _e), _e, 0, 3).removeO()
_LEADING = _SERIES.coeff(_e, 2)
_DENSITY = _LEADING / v**2


def balances(rates: Mapping[str, Callable[[Expr, Expr], Expr]]) -> bool:
    r"""In one coordinate, with the reverse equation of full noise run with $h_\theta$ for the
    Hyvärinen score $H$, the divergence of the law $q$ of the data process from the law $u$ of the
    sampler grows in reverse time at the rate of the mean under $q$ of $[[bound]]$ less $[[off]]$,
    where $e$ is $H$ less $h_\theta$ and $g$ the slope of the logarithm of $q$ over $u$ in $\log
    x$. The second is a square: at the data the divergence is at most that at the start and the
    first, integrated.

    The rate of the divergence has the integrand $[[integrand]]$, where $q'$ and $u'$ are given by
    the Fokker-Planck equations. With the divergence of a flux that vanishes at the ends it is $q$
    times the statement, for arbitrary densities and drifts through their jets at a point."""
    d, flows, changes = Symbol("d"), [], []
    drifts = [Symbol(f"b{i}") + Symbol(f"db{i}") * d for i in (0, 1)]
    logs = [Symbol(f"l{i}") + Symbol(f"g{i}") * d + Symbol(f"c{i}") * d**2 / 2 for i in (0, 1)]
    for drift, log_density in zip(drifts, logs, strict=True):
        flows.append(drift - s2 / 2 * log_density.diff(d))
        changes.append(-flows[-1].diff(d) - flows[-1] * log_density.diff(d))
    ratio = logs[0] - logs[1]
    flux, at = flows[0] * ratio - flows[1], ((drifts[0] - drifts[1]) / s2, ratio.diff(d))
    q, u = symbols("q u", positive=True)
    jets = dict(zip(_STATE, (q, u, q * changes[0], u * changes[1]), strict=True))
    moved = _INTEGRAND.xreplace(jets).subs(log(q / u), ratio) / q
    left = moved + flux * logs[0].diff(d)
    gap = left + flux.diff(d) - rates["bound"](*at) + rates["off"](*at)
    is_square = rates["off"](e, g).expand().factor().is_nonnegative is True
    return is_square and vanishes(gap.subs(d, 0))


def is_the_exact_cost(cost: Mapping[str, Expr]) -> bool:
    r"""For log-normal data, a score that is wrong by the constant $c$ and an exact start, the
    divergence at the data is $[[cost]]$ in one coordinate, where the bound of R20 is $[[bound]]$.

    The mean error of the sampler is $[[error]]$ at $v$, with $\ell$ the logarithm of $v_N$ over
    $v$: it begins at nothing and obeys $dE/dv=[[rate]]$. The variance obeys the equation of the
    exact score, so that gaussian-kl at the data has equal variances. The bound is that of
    R20-affine without a slope."""
    at_end, error = Matrix([v0]), cost["error"]
    divergence = kl(at_end, at_end, Matrix([error]).subs(v, v0), Integer(0))
    grown = _GROWN[_Lg].subs(v0, v)
    rate = error.diff(v) + error.diff(_Lg) * grown.diff(v) - _ERROR_RATE.subs(_E, error)
    limit = _WRONG.subs({_c0: _c, _c1: 0, W: vN}) - _LIMIT
    return vanishes((rate, error.subs(_Lg, grown.subs(v, vN)), cost["cost"] - divergence, limit))


def is_the_affine_bound(bound: Expr) -> bool:
    r"""For log-normal data whose log-variance grows from $v_0$ to $W$, and a score that is wrong
    by $[[error]]$, $y$ being $\log X$ less its mean, the bound of R20 is $[[it]]$ in one
    coordinate, for an exact start.

    It begins at zero, and its slope in $W$ is the mean of R20's integrand over $\sigma^2$."""
    slope = expectation(_RATES["bound"](_ERROR, 0) / s2, _y, 0, W)
    return vanishes((diff(bound, W) - slope, bound.subs(W, v0)))


def bounds_the_logarithm(bound: Expr) -> bool:
    r"""For $w$ from one on $[[below]]$ and $[[square]]$. With $w^2$ for $v_N$ over $v_0$, and
    times $v_0$, this is $[[cost]]\le[[limit]]$: the cost of R20-log-normal is at most its bound,
    as they are these two but for one factor.

    The first difference is zero at $w$ one and rises. Both inequalities are certified in $w$ less
    one: numerators and denominators are polynomials without a negative coefficient."""
    rise, other = (e.right - e.left for e in _inequalities(bound))
    positive = (e.subs(_w, 1 + _k) for e in (rise.diff(_w), other))
    certified = [has_no_negative_coefficient(e, _k) for e in positive]
    sides = (_c**2 / 2 * _SIDES["cost"] - _COST["cost"], _c**2 / 2 * _SIDES["limit"] - _LIMIT)
    return all(certified) and vanishes((rise.subs(_w, 1), *sides, exp(_GROWN[_Lg]) - vN / v0))


def _inequalities(bound: Expr) -> tuple[Says, Says]:
    return Says(_LOGARITHM, bound, r"\le"), Says(bound**2, _SQUARE, r"\le")


_SIDES = {"cost": v0 * _LOGARITHM.subs(_w, exp(_Lg / 2)) ** 2, "limit": (v0 * _SQUARE.subs(_w,
    sqrt(vN / v0))).expand(),}  # fmt: skip

R20 = Claim(
    "R20", "what a wrong score costs", balances, holds=_RATES, twins={
        "full rate sigma^2": {name: lambda e, g, f=f: 2 * f(e, g) for name, f in _RATES.items()},
        "the square left out": _RATES | {"off": lambda e, g: 0 * e},
        "the wrong sign": _RATES | {"off": lambda e, g: -s2 * (e - g) ** 2 / 2},
    }, values=lambda: {"integrand": _INTEGRAND}, assumptions=(
        "positive smooth densities, finite integrals, the fluxes vanish at the ends",
        "the equation is solved exactly: a step length adds its own error",
    ), depends=("A10", "C6", "A10-score"), pins=(Pin(
        "gbm_ref.LikelihoodWeighting.__call__", table(
            "std_min std_max T v",
            (0.3, 2.1, 1.7, 0.64), (0.02, 0.9, 0.8, 1e-9), (0.05, 7.0, 1.2, 17.0),
        ), because="it is the sigma^2 of the statement for the exploding process, by v",
        formula=_GROWTH * (v + _low**2), twins={
            "zero at the data": _GROWTH * v, "sigma for its square": sqrt(_GROWTH * (v + _low**2)),
        }),))  # fmt: skip

EXACT_COST = Claim(
    "R20-log-normal", "a constant score error on log-normal data", is_the_exact_cost, holds=_COST,
    twins={
        "logarithm not squared": _COST | {"cost": _COST["cost"] / _Lg},
        "without the factor 1/2": _COST | {"cost": 2 * _COST["cost"]},
        "divided by v_0": _COST | {"cost": _COST["cost"] / v0**2},
    }, shown=lambda cost: {
        "error": cost["error"].subs(_Lg, Symbol("ell")), "cost": cost["cost"].subs(_GROWN),
    }, values=lambda: {"bound": _LIMIT, "rate": _ERROR_RATE}, sheet=("R20",),
    assumptions=("the equation is solved exactly", "v_0 is positive"),
    depends=("A10", "R20", "R20-affine", "gaussian-kl"))  # fmt: skip

AFFINE = Claim(
    "R20-affine", "the bound of R20 for an affine error", is_the_affine_bound, holds=_WRONG,
    twins={
        "without the half": 2 * _WRONG, "constant part alone": _WRONG.subs(_c1, 0),
        "variance at the end throughout": (_c0**2 + _c1**2 * W) * (W - v0) / 2,
    }, values=lambda: {"error": _ERROR}, sheet=("R20",), assumptions=("log-normal data",),
    depends=("R20",), pins=(Pin(
        "gbm_ref.score_error_bound", k=256.0,
        points=table("S sigma c0 c1", (0.3, 0.7, 0.4, -0.2), (1.6, 1.3, -0.1, 0.7)),
        reads=lambda bound: bound.subs({W: _S + _sigma**2, v0: _S})),))  # fmt: skip

INEQUALITY = Claim(
    "R20-inequality", "the exact cost is at most the bound", bounds_the_logarithm, holds=_BOUND,
    twins={
        "a lower bound of the logarithm": 2 - 2 / _w, "too large a bound": _SQUARE,
        "half of it": _BOUND / 2,
    }, shown=lambda bound: dict(zip(("below", "square"), _inequalities(bound), strict=True)),
    values=lambda: {name: side.subs(_GROWN) for name, side in _SIDES.items()}, sheet=("R20",),
    assumptions=("v_0 is positive", Assumption(
        "v_N is at least v_0", "the first difference rises from nothing, at w one",
        lambda: bool((_BOUND - _LOGARITHM).subs(_w, Rational(1, 2)) < 0),
    ),), depends=("R20-log-normal",))  # fmt: skip


def is_one_step(cost: Expr) -> bool:
    r"""For log-normal data, in one coordinate, the divergence of the exact reverse kernel from the
    kernel of A13 over one step is $[[it]]$ with $r=[[ratio]]$, whatever the state.

    The drift of A13 is exact on these data (R7-noise): both kernels are normal with the same mean,
    of the variances $[[exact]]$ and $h$, which go into gaussian-kl with a symbol for $\log r$."""
    # Of the state before given the one after it: the precisions add up.
    bayes = (1 / _EXACT - 1 / _before - 1 / _h).subs(_h, _after - _before)
    gap = _divergence_from(_h) - cost.subs(_r, _FALL)
    return vanishes((bayes, gap.subs(log(_FALL), _Lr)))


def _divergence_from(variance: Expr) -> Expr:
    return explicit(kl, *map(Matrix, ([_EXACT], [variance], [0])))


def is_the_slope(slope: Callable[[Expr, Expr], Expr]) -> bool:
    r"""For log-normal data, in one coordinate, for the chains of R20b-step's two kernels, from the
    exact law at the end, the divergence of the exact one's paths from the other's, divided by the
    $h$ of a step, tends to $[[it]]$ as $h$ tends to zero at fixed $v_0$ and $v_N$.

    The chain rule of the divergence adds the costs of R20b-step, which do not depend on the state.
    With $e$ for $h$ over $v_k$, a cost is $[[series]]$ and higher powers of $e$. So their sum,
    divided by $h$, is a Riemann sum of $[[integrand]]$ from $v_0$ to $v_N$ and what vanishes."""
    gap = integrate(_DENSITY, (v, v0, vN)) - slope(v0, vN)
    return vanishes((_SERIES - _LEADING * _e**2, gap))


STEP = Claim(
    "R20b-step", "divergence of one step's kernel", is_one_step, holds=_STEP, twins={
        "the reverse divergence": (1 / _r - 1 + log(_r)) / 2, "logarithm left out": (_r - 1) / 2,
        "without the factor 1/2": 2 * _STEP,
    }, values=lambda: {"ratio": _FALL, "exact": _EXACT},
    names={"v_before": "v_{k-1}", "v_after": "v_k", "h": "h"}, sheet=("R20b",),
    assumptions=("log-normal data and their exact score", "v_{k-1} is positive", Assumption(
        "one step a level, as long as the distance of the levels, and kappa = 1",
        "the variance h of the step", lambda: bool(
            (_divergence_from(4 * _h) - _divergence_from(_h)).subs(_after, 2 * _before) > 0),
    )), depends=("R7", "R7-noise", "gaussian-kl"))  # fmt: skip

R20B = Claim(
    "R20b", "divergence of paths is of first order", is_the_slope,
    holds=lambda v_0, v_N: (1 / v_0 - 1 / v_N) / 4, twins={
        "half of it": lambda v_0, v_N: (1 / v_0 - 1 / v_N) / 8,
        "without the upper end": lambda v_0, v_N: 1 / (4 * v_0),
        "the marginals' order: no term of order h": lambda v_0, v_N: 0 * v_0,
    }, values=lambda: {"series": _SERIES, "integrand": _DENSITY},
    names={"h": "h", "v": "v"}, means=Means.CALCULUS,
    assumptions=("both chains start from the exact law at the end, all steps equal", Assumption(
        "the variance of the log data is positive", "the integrand is integrated down to it",
        lambda: not R20B.holds(v0, vN).subs(v0, 0).is_finite,
    )), depends=("R20b-step", "R8"), pins=(Pin(
        "gbm_ref.path_divergence", vectors="path_divergence",
        because="it is the sum over finitely many steps, of which the statement is the limit",
    ),))  # fmt: skip
CLAIMS = (R20, AFFINE, EXACT_COST, INEQUALITY, STEP, R20B)
