"""Rates that depend on time, and one such process, whose noise grows geometrically.

The numbers are compared for the rates b0 + b1 t + b2 t^2 and c0 + c1 t; E is exp(g t)."""

from functools import cache

from sympy import (
    Expr, Function, Integer, Integral, Matrix, Poly, Rational, Symbol, diff, exp, integrate, log,
    sqrt, symbols)  # fmt: skip

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin, Values, v2
from spec.checking.diffusions import fokker_planck, generator, partials_of_exponentials
from spec.checking.pins import table
from spec.checking.symbols import L0, L, dt, m, mu, s, sigma, t, v, x
from spec.checking.typeset import Says, Sde
from spec.process.equations import EQUATION, GBM, LOG_DRIFT, UNIQUE

b0, b1, b2, c0, c1 = symbols("b0 b1 b2 c0 c1", real=True)
x1, x2, std_min, std_max, T, g, E = symbols("x1 x2 std_min std_max T g E", positive=True)
z1, z2 = symbols("z1 z2", real=True)


def is_the_kernel(rates: tuple[Expr, Expr], drift: Expr = GBM[0]) -> bool:
    r"""Let [[equation]] for one entry, with rates that depend on time. Then [[log]], and given
    $X_0$, $\log X_t$ is normal with mean $m(t)$ beyond $\log X_0$ and variance $v(t)$, where
    [[mean]] and [[variance]].

    Itô's formula for the logarithm. The log-normal density with these parameters is put into the
    Fokker-Planck equation of $X$. Only the derivatives of $m$ and $v$ and the rates at that time
    enter, all of them symbols. The integrals have these rates and start at zero."""
    log_density = -L - (L - L0 - m) ** 2 / (2 * v) - log(v) / 2
    change = sum(rate * diff(log_density, s) for rate, s in zip(rates, (m, v), strict=True))
    in_x = partials_of_exponentials((L,), (x,))
    moving = Matrix([drift]), Matrix([GBM[1] ** 2])
    of_log = _of_logarithm(rates)
    ito = generator(L, *moving, in_x) - of_log.drift, (in_x[0](L) * GBM[1]) ** 2 - of_log.noise**2
    now = {Function(e.name)(t): e for e in (mu, sigma)}
    gained = [diff(_accumulated(rate), t).subs(now) - rate for rate in rates]
    start = [_accumulated(rate).subs(t, 0).doit() for rate in rates]
    return vanishes((change - fokker_planck(log_density, *moving, in_x), *ito, *gained, *start))


def _at(rate: Expr, time: Symbol) -> Expr:
    return rate.subs({mu: Function("mu")(time), sigma: Function("sigma")(time)})


def _accumulated(rate: Expr) -> Expr:
    return Integral(_at(rate, s), (s, 0, t))


def _of_logarithm(rates: tuple[Expr, Expr]) -> Sde:
    return Sde(r"\log X", rates[0], sqrt(rates[1]))


def _rates(rates: tuple[Expr, Expr]) -> Values:
    mean, variance = map(Says, ("m(t)", "v(t)"), map(_accumulated, rates))
    return {"mean": mean, "variance": variance, "log": _of_logarithm(rates)}


_DRIFT, _DIFFUSION = b0 + b1 * t + b2 * t**2, c0 + c1 * t
# For _NEAR mu(t) - sigma(t)^2 / 2 = -0.001 t^2: the mean nearly vanishes against v.
_USUAL, _STEEP, _NEAR = table(
    "b0 b1 b2 c0 c1 T", (0.31, -0.7, 1.1, 0.45, 0.8, 2.0), (-2.0, 0.4, 0.05, 0.01, 3.0, 1.0),
    (0.32, 0.08, 0.004, 0.8, 0.1, 1.0))  # fmt: skip
_DRAWS = table("x1 x2 z1 z2", (1.3, 0.02, -0.4, 1.9), (7e-4, 210.0, 6.5, -6.5),
                (1.0, 7e-4, 6.5, -6.5), (210.0, 2.0, 0.7, 1e-3))  # fmt: skip
_TIMES = _USUAL | {"t": 1.3}, _STEEP | {"t": 0.9}, _NEAR | {"t": 0.4}, _USUAL | {"t": 1e-6}
_STEPS = (_USUAL | {"t": 1.3, "dt": 0.4}, _STEEP | {"t": 0.9, "dt": 1e-4},
          _NEAR | {"t": 0.4, "dt": 0.4}, _USUAL | {"t": 0.7, "dt": 0.2})  # fmt: skip
_LEVELS = (_USUAL | {"v": 0.9}, _USUAL | {"v": 1e-9}, _STEEP | {"v": 1e-3}, _NEAR | {"v": 0.7})
# For polynomials the rule of the quadrature is exact; the rounding of its sums is left.
_QUADRATURE = 100.0


@cache
def _integrals(rates: tuple[Expr, Expr]) -> tuple[Expr, Expr]:
    """m and v for the polynomial rates."""
    at = {mu: _DRIFT, sigma: _DIFFUSION}
    return tuple(Poly(rate.xreplace(at), t).integrate().as_expr() for rate in rates)


def _increments(rates: tuple[Expr, Expr]) -> tuple[Expr, ...]:
    return tuple(e - e.subs(t, t - dt) for e in _integrals(rates))


def _sample(mean: Expr, root: Expr) -> tuple[Expr, ...]:
    return tuple(state * exp(mean + root * z) for state, z in ((x1, z1), (x2, z2)))


_HOLDS = LOG_DRIFT, sigma**2
(_MEAN, _VARIANCE), (_MOVED, _ADDED) = _integrals(_HOLDS), _increments(_HOLDS)
# (c0 + c1 t)^3 = c0^3 + 3 c1 v solves v(t) = v.
_TIME = ((c0**3 + 3 * c1 * v) ** Rational(1, 3) - c0) / c1
_SAMPLE_SCALE = tuple(state * (abs(_MEAN) + _VARIANCE / 10 + sqrt(_VARIANCE) * abs(z) + 1) for
    state, z in zip(_sample(_MEAN, sqrt(_VARIANCE)), (z1, z2), strict=True))  # fmt: skip
_GIVEN, _LOG_DRIFT = "it is the rate that is given", _DRIFT - _DIFFUSION**2 / 2
_PINS = (
    Pin(
        "gbm_ref.TimeVaryingGBM.drift", _TIMES, because=_GIVEN, formula=_DRIFT,
        twins={"the drift of log X": _LOG_DRIFT},
    ), Pin(
        "gbm_ref.TimeVaryingGBM.diffusion", _TIMES, because=_GIVEN, formula=_DIFFUSION,
        twins={"its square": _DIFFUSION**2},
    ), Pin(
        "gbm_ref.TimeVaryingGBM.log_mean", _TIMES, lambda rates: _integrals(rates)[0], twins={
            "no Itô term": integrate(_DRIFT, t), "rates at the end": t * _LOG_DRIFT,
        }, scale=abs(_MEAN) + _VARIANCE / 10, k=_QUADRATURE,
    ), Pin(
        "gbm_ref.TimeVaryingGBM.log_var", _TIMES, lambda rates: _integrals(rates)[1], twins={
            "square of the integral": integrate(_DIFFUSION, t) ** 2,
            "rate at the end": t * _DIFFUSION**2,
        }, scale=_VARIANCE, k=_QUADRATURE,
    ), Pin(
        "gbm_ref.TimeVaryingGBM.increments", _STEPS, _increments,
        twins={"from zero": (_MEAN, _VARIANCE)}, scale=(
            # The last terms: t - dt is rounded, which moves an end of the interval.
            abs(_MOVED) + _ADDED / 10 + t * abs(_LOG_DRIFT) / 50, _ADDED + t * _DIFFUSION**2 / 50,
        ), k=_QUADRATURE,
    ), Pin(
        "gbm_ref.TimeVaryingGBM.time_at_log_var", _LEVELS,
        because="it inverts the variance in time", formula=_TIME,
        twins={"rate at time zero kept": v / c0**2},
        # The error of v over dv/dt = sigma^2; the root search stops at a few units of t.
        scale=v / (c0 + c1 * _TIME) ** 2 + _TIME, k=_QUADRATURE,
    ), Pin(
        "gbm_ref.TimeVaryingGBM.sample",
        tuple(a | b for a, b in zip(_TIMES, _DRAWS[:2], strict=False)),
        lambda rates: _sample(_integrals(rates)[0], sqrt(_integrals(rates)[1])),
        twins={"variance for deviation": _sample(_MEAN, _VARIANCE)}, scale=_SAMPLE_SCALE, k=16.0,
    ))  # fmt: skip

A33 = Claim(
    "A33", "drift and diffusion that depend on time", is_the_kernel, holds=_HOLDS, twins={
        "no Itô term": (mu, sigma**2),
        "Itô term of the reverse equation": (mu - 3 * sigma**2 / 2, sigma**2),
        "sigma for sigma^2": (LOG_DRIFT, sigma),
    }, shown=_rates, values=lambda: {"equation": EQUATION}, names={"x": "X"},
    means=Means.CALCULUS, sources=v2("eq. 33"), assumptions=(
        Assumption(
            "the rates do not depend on X", "they are not differentiated by x",
            lambda: not is_the_kernel(_HOLDS, drift=mu * L * x),
        ), "mu(t) and sigma(t)^2 are integrable, sigma(t) is positive", UNIQUE,
    ),
    readings=("formula lost in version 2; reconstructed: eq. 8 with rates that depend on time",),
    depends=("A5", "A8"), pins=_PINS)  # fmt: skip


def is_its_variance(candidate: tuple[Expr, Expr]) -> bool:
    r"""Let $\sigma^2(t)=[[diffusion]]$, $\mu(t)$ half of it, and let $g$ be such that
    $[[end]]$, for positive $s_{\min}$, $s_{\max}$ and $T$. Then $m(t)$ stays zero, and
    $v(t)=[[variance]]$, which grows from zero to $s_{\max}^2$ at the time $T$.

    By A33 the rate of $m$ vanishes and that of $v$ is the square of the diffusion coefficient."""
    variance, at_horizon = candidate
    growth = diff(_POWER, t) / _POWER * E * diff(variance, E) - _RATE
    at_end = variance.subs(E, _POWER.subs(t, T)).subs(_AT_END, at_horizon)
    ends = variance.subs(E, _POWER.subs(t, 0)), at_end - std_max**2
    return vanishes((growth, A33.holds[0].subs(mu, sigma**2 / 2), *ends))


def _in_time(candidate: tuple[Expr, Expr]) -> Expr:
    """v(t), with the growth by which E is what the candidate says at the horizon."""
    return candidate[0].subs(E, _POWER).subs(g, log(candidate[1]) / T)


def _added(candidate: tuple[Expr, Expr]) -> tuple[Expr, Expr]:
    variance = _in_time(candidate)
    return Integer(0), variance - variance.subs(t, t - dt)


def _as_vectors(formula: Expr) -> Expr:
    return formula.subs({std_min: Symbol("lo"), std_max: Symbol("hi"), T: 1})


_POWER, _AT_END = exp(g * t), exp(g * T)  # what E stands for, and at the horizon
_RATE = std_min**2 * g * E
_EXPLODING = std_min**2 * (E - 1), 1 + std_max**2 / std_min**2
_GROWTH, _SQUARE = log(_EXPLODING[1]) / T, diff(_in_time(_EXPLODING), t)
_ENDS = table("std_min std_max T t dt", (0.005, 10.0, 1.0, 0.37, 0.3), (0.3, 0.31, 2.5, 2.1, 2.1),
               (0.005, 10.0, 1.0, 1e-9, 1e-10), (0.005, 10.0, 1.0, 1.0, 1e-6))  # fmt: skip
_EXPLODING_PINS = (
    Pin(
        "gbm_ref.VarianceExploding.drift", _ENDS, because="it is chosen to keep m at zero",
        formula=_SQUARE / 2,
        twins={"sigma^2": _SQUARE, "sigma^2 without the growth": _SQUARE / _GROWTH},
    ), Pin(
        "gbm_ref.VarianceExploding.diffusion", vectors="exploding_diffusion",
        reads=lambda c: _as_vectors(sqrt(diff(_in_time(c), t))),
    ), Pin(
        "gbm_ref.VarianceExploding.log_mean", _ENDS, because="it is the m that stays zero",
        formula=Integer(0), twins={"no Itô term": _in_time(_EXPLODING) / 2},
        scale=std_min**2 / 1000,  # far below the twin: the formula is 0
    ), Pin(
        "gbm_ref.VarianceExploding.log_var", vectors="exploding_log_var",
        reads=lambda c: _as_vectors(_in_time(c)),
    ), Pin("gbm_ref.VarianceExploding.increments", _ENDS, _added), Pin(
        "gbm_ref.VarianceExploding.time_at_log_var", vectors="exploding_time_at_log_var",
        because="it inverts the variance in time",
    ), Pin(
        "gbm_ref.VarianceExploding.sample",
        tuple(a | b for a, b in zip(_ENDS, (*_DRAWS[:1], *_DRAWS[2:], _DRAWS[1]), strict=True)),
        lambda c: _sample(Integer(0), sqrt(_in_time(c))),
        twins={"variance for deviation": _sample(Integer(0), _in_time(_EXPLODING))},
    ))  # fmt: skip
VE = Claim(
    "VE", "a variance-exploding process", is_its_variance, holds=_EXPLODING, twins={
        "sigma_min r^t as the deviation at t = 0 too": (std_min**2 * E, std_max**2 / std_min**2),
        "growth by the ratio of the deviations squared": (_EXPLODING[0], std_max**2 / std_min**2),
        "sigma^2 for its integral": (g * _EXPLODING[0], _EXPLODING[1]),
    }, shown=lambda c: {
        "variance": c[0].subs(E, _POWER), "end": Says(_AT_END, c[1]),
    }, values=lambda: {"diffusion": _RATE.subs(E, _POWER)},
    names={"std_min": r"s_{\min}", "std_max": r"s_{\max}"}, sheet=("E19",),
    depends=("A33", "E19-iii"), pins=_EXPLODING_PINS)  # fmt: skip
CLAIMS = (A33, VE)
