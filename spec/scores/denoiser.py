"""Moments of log X_0 and of X_0 given X_t: the denoiser, and what the score does not tell."""

from collections.abc import Callable, Mapping
from functools import cache

from sympy import Expr, Matrix, Max, Rational, Symbol, diff, exp, eye, log, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Pin
from spec.checking.pins import when_asked
from spec.checking.symbols import a, dt, h, m, mu, s2, sigma, t, v, v0, x, z
from spec.scores import _mixture, _posterior
from spec.scores._posterior import NOISE
from spec.scores.posterior import LAW
from spec.steps._reverse import log_step
from spec.targets import _laws

y, y0, M0 = symbols("y y0 M0", real=True)
Tweedie = tuple[Callable[[Expr, Expr, Expr, Expr], Expr], Callable[[Expr, Matrix, Matrix], Matrix]]


def is_tweedie(formulas: Tweedie, drift: Expr = mu - s2 / 2) -> bool:
    r"""For every law of the data in the plane the mean of $\log X_0$ given $X_t=[[x]]$ is $[[0]]$
    in each entry, with the Hyvärinen score $H$; its covariance is $[[1]]$, with the log score $s$.
    The exponential of the mean, the geometric mean, is where one step of eq. (13) of length $t$
    without noise lands.

    The density of $\log X_t$ is the average of the kernel over the data. It is differentiated
    twice under the integral, which gives the posterior moments of degree one and two as symbols.
    """
    mean, covariance = formulas
    rows = zip(_posterior.Y, _posterior.DRIFT, _posterior.log_score(), strict=True)
    means = Matrix([mean(y_i, m_i, v, s - 1) for y_i, m_i, s in rows]) - _posterior.mean()
    spread = covariance(v, _posterior.hessian(), eye(2)) - _posterior.covariance()
    step = y + log_step(h, z, sqrt(dt), 0).subs(sigma, sqrt(s2))
    return vanishes((*means, *spread, step - mean(y, drift * dt, s2 * dt, h)))


def _means(formulas: Tweedie) -> tuple[Expr, ...]:
    rows = zip(_mixture.STATE, _mixture.HYVARINEN, strict=True)
    return tuple(formulas[0](y, _mixture.M, _mixture.V, h) for y, h in rows)


@cache
def _covariance_scale() -> tuple[Expr, ...]:
    """Norms, and the exponents times what the shares weight."""
    (first, a, S), (second, b, T) = _mixture.given(*LAW)
    between = first * second * (a - b).norm() ** 2 * _mixture.sizes()[1]
    return 4 * (Max(S.norm(), T.norm()) + between,)


def _tweedie_mean(y: Expr, m: Expr, v: Expr, h: Expr) -> Expr:
    return y - m + v * (1 + h)


def _tweedie_cov(v: Expr, J: Matrix, unit: Matrix) -> Matrix:
    return v * unit + v**2 * J


R5 = Claim(
    "R5", "denoiser (Tweedie)", is_tweedie, holds=(_tweedie_mean, _tweedie_cov), twins={
        "H for the log score": (lambda y, m, v, h: y - m + v * h, _tweedie_cov),
        "m added": (lambda y, m, v, h: y + m + v * (1 + h), _tweedie_cov),
        "minus v^2 J": (_tweedie_mean, lambda v, J, unit: v * unit - v**2 * J),
        "v I left out": (_tweedie_mean, lambda v, J, unit: v**2 * J),
    }, values=lambda: {"x": x},
    names={"y": r"\log x", "J": r"\nabla_ys", "h": "H", "unit": "I", "x": "x"}, assumptions=(
        NOISE, Assumption(
            "mu and sigma are constant", "one step has their drift",
            lambda: not is_tweedie(R5.holds, drift=mu - s2),
        ),
    ), depends=("A6", "A10-score", "A13"), pins=(
        Pin("gbm_ref.posterior_log_mean", _laws.POINTS, _means), Pin(
            "gbm_ref.posterior_log_cov", _laws.POINTS,
            lambda c: tuple(c[1](_mixture.V, _mixture.SLOPE, eye(2))),
            scale=when_asked(_covariance_scale))))  # fmt: skip

Formulas = Mapping[str, Expr]  # where the density is read, and logarithms of the others
_AT_ONE = {a: 1, m: (mu - s2 / 2) * t, v: s2 * t}


def is_the_posterior_moment(formulas: Formulas) -> bool:
    r"""For every law of the data $\mathbb E[X_0^a\mid x]$ is $[[factor]]$ times the ratio of the
    density $q_t$ of $\log X_t$ at $[[point]]$ and at $y$, the logarithm of $x$, with the other
    entries kept. For the power one and constant rates it is $[[ambient]]$ times the ratio of $p_t$
    at $[[ambient_point]]$ and at $x$.

    The power of the data times the kernel is the factor times the kernel at the other point, for
    every point of the data; both sides are averaged over the data and divided by $q_t(y)$. The
    densities $q_t$ and $p_t$ differ by the factor of the Jacobian."""
    states = _states(formulas)
    logs = {k: log(e).expand(force=True).subs(log(x), y) for k, e in states.items()}
    point, factor = states["point"], logs["factor"]
    # log of e^{a y0} N(y; y0 + m, v) against log of e^factor N(point; y0 + m, v)
    gap = a * y0 - factor + ((point - y0 - m) ** 2 - (y - y0 - m) ** 2) / (2 * v)
    # q(y') / q(y) = p(x') / p(x) * e^{y' - y}
    at_one = {"ambient": factor + point - y, "ambient_point": point}
    return vanishes((gap, *(e.subs(_AT_ONE) - logs[name] for name, e in at_one.items())))


def _states(formulas: Formulas) -> Formulas:
    return {k: e if k == "point" else exp(e.subs(y, log(x))) for k, e in formulas.items()}


def _moments(formulas: Formulas) -> tuple[Expr, ...]:
    """The logarithm of the moment of either coordinate, for the mixture."""
    found, state = [], _mixture.STATE
    for here, unit in zip(state, (Matrix([1, 0]), Matrix([0, 1])), strict=True):
        at = {a: Symbol("power"), y: here, m: _mixture.M, v: _mixture.V}
        point, factor = (formulas[k].subs(at, simultaneous=True) for k in ("point", "factor"))
        places = state + (point - here) * unit, state
        above, below = (_size(*place) for place in places)
        found.append(factor + log(above / below))
    return tuple(found)


@cache
def _size(*place: Expr) -> Expr:
    return sum(_laws.size(*law, Matrix(place)) for law in _mixture.LAWS)


_MOMENT = {
    "point": y + a * v, "factor": a * (y - m) + a**2 * v / 2, "ambient": y + (2 * s2 - mu) * t,
    "ambient_point": y + s2 * t}  # fmt: skip
R6 = Claim(
    "R6", "arithmetic posterior mean", is_the_posterior_moment, holds=_MOMENT, twins={
        "shift without the power": _MOMENT | {"point": y + v},
        "sign of the square": _MOMENT | {"factor": a * (y - m) - a**2 * v / 2},
        "shift down": _MOMENT | {"point": y - a * v, "ambient_point": y - s2 * t},
        "Jacobian left out for p": _MOMENT | {"ambient": y + (s2 - mu) * t},
    }, shown=_states, names={"x": "x"},
    assumptions=(NOISE, "one coordinate: the kernel is a product"), depends=("A6",), pins=(
        Pin(
            "gbm_ref.log_posterior_moment", tuple(
                at | {"power": a} for at, a in zip(_laws.POINTS, (2.0, -0.7, 3.5), strict=True)
            ), _moments),))  # fmt: skip


def distinguishes(gap: Expr) -> bool:
    r"""Two data laws can have the same score at a point and different means of $X_0$ there. For
    data whose logarithm is $M_0$, and for log-normal data with the mean $M_0$ and the variance
    $v_0$ of the logarithm, the log scores vanish at the same point, and the logarithms of the
    means differ by $[[it]]$.

    By R6 with the power one the factor is common to both, and the ratios of the densities at the
    centre and above it differ. The geometric mean is the same for both (R5)."""
    log_q, centred = -((y - M0 - m) ** 2) / (2 * (v0 + v)), {y: M0 + m}
    laws = log_q, log_q.subs(v0, 0)
    wide, narrow = ((q.subs(y, R6.holds["point"].subs(a, 1)) - q).subs(centred) for q in laws)
    return vanishes((*(diff(q, y).subs(centred) for q in laws), wide - narrow - gap))


R6_NON_LOCAL = Claim(
    "R6-non-local", "the arithmetic posterior mean is no function of the score at a point",
    distinguishes, holds=v0 * v / (v0 + v) / 2, twins={
        "no difference": Rational(0), "the posterior variance itself": v0 * v / (v0 + v),
        "prior variance": v0 / 2,
    }, names={"v0": "v_0"}, sheet=("R6",), assumptions=(
        NOISE, Assumption(
            "v_0 is positive", "the data are no point themselves",
            lambda: same(R6_NON_LOCAL.holds.subs(v0, 0), R6_NON_LOCAL.twins["no difference"]),
        ),
    ), depends=("R5", "R6"))  # fmt: skip
CLAIMS = (R5, R6, R6_NON_LOCAL)
