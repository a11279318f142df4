"""The probability flow in sqrt(v): its equation, Heun's rule, and the last step.

s = 1 + h is the log score, s1 its derivative in u, D the denoiser."""

from collections.abc import Callable

from mpmath import mpf
from sympy import Expr, Function, diff, exp, factorial, log, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Means, Pin
from spec.checking.pins import Values, evaluator
from spec.checking.symbols import h, m, mu, sigma, t, v, x
from spec.checking.typeset import Says
from spec.process.equations import UNIQUE
from spec.steps._pinned import PAIRS, dm, dv, plane_table, score_in_plane

tau, ell, u, s, s1, y, D = symbols("tau ell u s s1 y D", real=True)
Slope = Callable[[Expr, Expr], Expr]
Scheme = Callable[[Slope, Expr, Expr, Expr], Expr]


def is_the_flow_step(candidate: tuple[Expr, Scheme]) -> bool:
    r"""With $\tau$ the square root of $v(t)$ and $u=[[state]]$ the noise-free equation with the
    same marginals has the slope $[[slope]]$ in $\tau$. Heun's rule for a slope $f$ and a step
    $\ell$, [[rule]], agrees with the solution up to the second power of $\ell$ and in general
    not to the third.

    The process has $u$, log data plus normal noise of variance $v$, without drift, so its density
    obeys the heat equation in $v$; a flow transports it by its slope. Divided by the density, the
    two agree. For the rule the slope is an arbitrary polynomial of degree two in $u$ and $\tau$,
    more of whose derivatives do not enter, and the solution is Taylor's series."""
    slope, scheme = candidate
    moved = _STATE.xreplace({y: y + dm, m: m + dm}) - _STATE
    along = diff(_STATE, y)
    pace = slope.subs(h, along * s - 1)
    gaps = moved, tau * along**2 * (s**2 + s1) + diff(pace, s) * s1 + pace * s
    return vanishes(gaps) and _is_of_second_order(scheme)


def _is_of_second_order(scheme: Scheme) -> bool:
    def f(a: Expr, b: Expr) -> Expr:
        parts = zip(symbols("c0:6"), (1, a, b, a**2, a * b, b**2), strict=True)
        return sum(c * part for c, part in parts)

    derivative, exact = f(u, tau), u
    for n in (1, 2, 3):
        exact += derivative * ell**n / factorial(n)
        derivative = diff(derivative, tau) + f(u, tau) * diff(derivative, u)
    error = (scheme(f, u, tau, ell) - exact).expand()
    return vanishes([error.coeff(ell, n) for n in range(3)]) and not vanishes(error.coeff(ell, 3))


def lands_on_the_denoiser(landing: Expr) -> bool:
    r"""The Euler step of the flow from $\tau$ to zero lands on $[[landing]]$, the denoiser.

    The step has the length $[[length]]$. With $D$ for the denoiser, the Hyvärinen score is
    [[score]] (R5)."""
    landed = _euler(lambda state, at: _SLOPE.subs(tau, at), _STATE, sqrt(v), _LENGTH)
    return vanishes((landing - landed, landing.subs(h, _TWEEDIE) - D, sqrt(v) + _LENGTH))


def _euler(f: Slope, a: Expr, b: Expr, step: Expr) -> Expr:
    return a + step * f(a, b)


def _heun(f: Slope, a: Expr, b: Expr, step: Expr) -> Expr:
    first = f(a, b)
    return a + step * (first + f(a + step * first, b + step)) / 2


def _in_vectors(slope: Expr, scheme: Scheme) -> Callable[[Values], list[mpf]]:
    """A step from t to s with the score a - b log x - 1 at either time, m(s) = 0, m(t) = dm."""
    a_t, b_t, a_s, b_s, v_s, at, end = symbols("a_t b_t a_s b_s v_s at end", positive=True)

    def f(state: Expr, deviation: Expr) -> Expr:
        log_score = a_t - b_t * (state + dm) if deviation == at else a_s - b_s * state
        return slope.xreplace({tau: deviation, h: log_score - 1})

    moved = scheme(f, log(x) - dm, at, end - at)
    return evaluator(exp(moved.subs({at: sqrt(v_s + dv), end: sqrt(v_s)})))


def _step(candidate: tuple[Expr, Scheme]) -> Callable[[Values], mpf]:
    """A step to time zero is Euler's (heun-flow-last)."""
    usual, last = (_in_vectors(candidate[0], scheme) for scheme in (candidate[1], _euler))
    return lambda at: (last if at["v_s"] == 0 else usual)(at)[0]


def _in_plane(landing: Expr) -> tuple[Expr, ...]:
    """The step to t = 0 with constant coefficients."""
    at_t = exp(landing.subs({m: (mu - sigma**2 / 2) * t, v: sigma**2 * t}))
    pairs = zip(PAIRS[:2], score_in_plane(t), strict=True)
    return tuple(at_t.xreplace({y: log(e), h: w}) for e, w in pairs)


_SLOPE, _STATE, _LENGTH = -tau * (1 + h), y - m, -sqrt(v)
_TWEEDIE, _LANDING = (D + m - y) / v - 1, y - m + v * (1 + h)
_NAMES = {"y": r"\log X_t", "m": "m(t)", "v": "v(t)", "h": "h"}
HEUN_FLOW = Claim(
    "heun-flow", "probability flow by Heun's rule in the root of v", is_the_flow_step,
    holds=(_SLOPE, _heun), twins={
        "Hyvarinen score without the one": (-tau * h, _heun),
        "twice the slope, as for the reverse equation": (2 * _SLOPE, _heun),
        "Euler": (_SLOPE, _euler), "second slope at the old state": (
            _SLOPE, lambda f, a, b, step: a + step * (f(a, b) + f(a, b + step)) / 2),
    }, shown=lambda pair: {
        "slope": Says("du/d\\tau", pair[0]),
        "rule": Says("u", pair[1](Function("f"), u, tau, ell), r"\leftarrow"),
    }, values=lambda: {"state": _STATE}, names=_NAMES | {"y": r"\log X"}, sheet=("R16",),
    assumptions=(
        "the Hyvärinen score h is twice differentiable in log x and in the square root of v",
        "one coordinate; the others are parameters in the first part", UNIQUE,
    ), means=Means.CALCULUS, depends=("A9", "A10-score", "R16-ode"), pins=(Pin(
        "gbm_ref.ProbabilityFlow.__call__", vectors="probability_flow_step", reads=_step),
    ))  # fmt: skip

_LAST_POINTS = plane_table(
    "x1 x2 mu sigma t dt", (0.7, 1.9, 0.17, 0.8, 0.11, 0.11), (3e-4, 812.0, -0.6, 1.4, 0.73, 0.73),
    (1.01, 0.98, 0.32, 0.8, 1e-3, 1e-3))  # fmt: skip
LAST = Claim(
    "heun-flow-last", "the last step of the flow", lands_on_the_denoiser, holds=_LANDING, twins={
        "half the correction": y - m + v * (1 + h) / 2,
        "m with the other sign": y + m + v * (1 + h), "without the one": y - m + v * h,
    }, shown=lambda landing: {"landing": Says(r"\log X_0", landing)},
    values=lambda: {"length": _LENGTH, "score": Says("h", _TWEEDIE)},
    names=_NAMES, sheet=("R16", "R5"), assumptions=("m(0) = 0, and the score is exact",),
    depends=("heun-flow", "R5"), pins=(Pin(
        "gbm_ref.ProbabilityFlow.__call__", _LAST_POINTS, reads=_in_plane, variant="last step",
    ),))  # fmt: skip
CLAIMS = (HEUN_FLOW, LAST)
