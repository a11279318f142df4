"""Steps with other drifts and noises: at any noise level (R11), and with a frozen denoiser (R17).

For R17 rb^2 = v(t), ra^2 = v(s), and v0 is the variance of log X_0 that the denoiser leaves."""

from collections.abc import Callable

from sympy import Abs, Expr, Integer, Rational, Symbol, exp, log, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Pin
from spec.checking.pins import table
from spec.checking.symbols import V, dt, h, kappa, m, mu, s2, sigma, t, v, x, z
from spec.checking.typeset import Says, Sde
from spec.reverse.flows import R11, R11_CORRECTOR
from spec.reverse.flows import score as log_score
from spec.reverse.steps import R17_BRIDGE
from spec.steps._pinned import ROW_POINTS, by_increments, dm, dv
from spec.steps._reverse import ambient_factor, in_delta, log_step, root

_IN_LOG = R11.shown(R11.holds)["in_log"]
assert isinstance(_IN_LOG, Sde)
HALF, NOISE, _FULL = Rational(1, 2), _IN_LOG.noise * root * z, 1
y, m_s = symbols("y m_s", real=True)
ra, rb, v_s = symbols("ra rb v_s", positive=True)
v0, lam = symbols("v0 lam", nonnegative=True)
# The exponent of the step in log X, the factor of the step in X, the exponent of the corrector.
Steps = tuple[Expr, Expr, Expr]


def are_euler_maruyama(candidate: Steps) -> bool:
    r"""In one coordinate Euler–Maruyama for R11's equations at noise level $\kappa$, seen in $X$,
    is $[[log]]$ and $[[ambient]]$; the corrector at a fixed time, with full noise, [[corrector]].

    Each is the drift that R11 or R11-corrector decides about, times $\delta$, and the noise of
    R11. With full noise the first two are A13 and A12."""
    exponent, factor, corrector = candidate
    drifts = *R11.holds, R11_CORRECTOR.holds[0] * s2 * log_score
    built = [root**2 * e.subs({log_score: 1 + h, s2: sigma**2}) + NOISE for e in drifts]
    full = log_step(h, z, root), ambient_factor(h, z, root)
    known = [e.subs(kappa, _FULL) - f for e, f in zip((exponent, factor), full, strict=True)]
    first, second, third = (part / x for part in _made(candidate))
    printed = log(first), second - 1, log(third)
    return vanishes((printed[0] - built[0], printed[1] - built[1], corrector - built[2],
                     printed[2] - built[2].subs(kappa, _FULL), *known))  # fmt: skip


def _made(steps: Steps) -> Steps:
    """What the steps make of x, the corrector with full noise."""
    exponent, factor, corrector = steps
    return x * exp(exponent), x * factor, x * exp(corrector.subs(kappa, _FULL))


def _steps(level: Expr = kappa**2, ito: Expr = kappa**2 / 2, rate: Expr = HALF) -> Steps:
    added = sigma**2 * root**2
    drift = -(root**2) * (mu - sigma**2 / 2) + (1 + level) / 2 * added * (1 + h) + NOISE
    return drift, 1 + drift + ito * added, (rate * added * (1 + h)).expand() + NOISE


def are_the_frozen_maps(candidate: Steps) -> bool:
    r"""With Tweedie's denoiser the ancestral step adds $[[ancestral]]$ to $\log X_t$, with $V_0$
    zero for a denoiser that is frozen and the variance of the log data for log-normal data in one
    coordinate; the DDIM step adds $[[ddim]]$.

    The means are put together from the denoiser, written in the Hyvärinen score $H$, and the gains
    of R17-bridge. The variance is what the regression of $\log X_s$ on $\log X_t$ leaves, for
    a normal $\log X_0$ of variance $V_0$ (R7)."""
    step, ddim = _maps(candidate)
    bridge, left, flow = (gain.subs({v: ra**2, V: rb**2}) for gain in R17_BRIDGE.holds)
    # Cov(Y_s - at_s / at_t Y_t, Y_t) = 0, as Cov(Y_s, Y_t) = Var Y_s.
    at_s, at_t = v0 + ra**2, v0 + rb**2
    gaps = step.subs(z, 0) - _moved(bridge), ddim - _moved(flow)
    spread = step.diff(z) ** 2
    return vanishes((*gaps, spread - at_s * (1 - at_s / at_t), spread.subs(v0, 0) - left))


def _adds(weight: Expr) -> Expr:
    return m_s - m + weight * (1 + h)


def _maps(candidate: Steps) -> tuple[Expr, Expr]:
    ancestral, ddim, variance = candidate
    return _adds(ancestral) + sqrt(variance) * z, _adds(ddim)


def _moved(gain: Expr, score: Expr = h) -> Expr:
    """The denoiser, at time s, and the gain times the distance from it, less log X_t."""
    denoiser = y - m + rb**2 * (1 + score)
    return denoiser + m_s + gain * (y - m - denoiser) - y


def _shown_steps(steps: Steps) -> dict[str, object]:
    made = zip(("log", "ambient", "corrector"), map(in_delta, _made(steps)), strict=True)
    return {name: Says("X", part, r"\leftarrow") for name, part in made}


# The pins with points: constant coefficients, the step's own level lam times the row's kappa.
DM, DV, ROOT = (mu - sigma**2 / 2) * dt, sigma**2 * dt, sigma * sqrt(dt)
_LEVELS = tuple(p | {"lam": e} for p, e in zip(ROW_POINTS, (0.7, 1.9, 0.0), strict=True))


def _coefficients(exponent: Expr, noise: Expr = lam * kappa) -> tuple[Expr, ...]:
    """What is added, what multiplies one plus the score, what multiplies the draw."""
    e = exponent.expand().subs({root: sqrt(dt), kappa: noise}, simultaneous=True)
    return (e.subs({h: 0, z: 0}) - e.coeff(h)).expand(), e.coeff(h), e.coeff(z)


def _step_pin(name: str, vectors: str, reads: Callable[[Steps], Expr]) -> Pin:
    return Pin(f"gbm_ref.{name}.__call__", vectors=vectors, reads=reads)


_DALE = -DM, DV, kappa * ROOT
_LEVEL_PINS = (
    _step_pin("MarginalPreserving", "marginal_preserving_step",
              lambda steps: x * exp(by_increments(steps[0]))),
    _step_pin("AmbientMarginalPreserving", "ambient_marginal_preserving_step",
              lambda steps: x * by_increments(steps[1])),
    _step_pin("Corrector", "corrector_step", lambda steps: x * exp(by_increments(steps[2]))), Pin(
        "gbm_ref.MarginalPreserving.coefficients", _LEVELS,
        reads=lambda steps: _coefficients(steps[0]),
        twins={"kappa for kappa^2": _coefficients(_steps(level=kappa)[0])},
    ), Pin(
        "gbm_ref.Corrector.coefficients", _LEVELS,
        reads=lambda steps: _coefficients(steps[2], kappa), scale=(DV, DV, ROOT),
    ), Pin(
        "gbm_ref.DaleLangevin.coefficients", _LEVELS,
        because="it is the first step with the drift of full noise, A13", formula=_DALE,
        twins={"no score": (_DALE[0], 0 * DV, _DALE[2])}))  # fmt: skip

R11_STEPS = Claim(
    "R11-steps", "steps at any noise level, and the corrector", are_euler_maruyama, holds=_steps(),
    twins={
        "drift of full noise": _steps(level=Rational(1)),
        "in X the Ito term of full noise": _steps(ito=HALF),
        "corrector at twice the rate": _steps(rate=Rational(1)),
        "noise kappa^2": tuple(e + (kappa - 1) * NOISE for e in _steps()),
    }, shown=_shown_steps, names={"z": "Z"}, sheet=("R11",),
    assumptions=("mu and sigma do not change over the step",),
    depends=("R11", "R11-corrector", "A13", "A12"), pins=_LEVEL_PINS)  # fmt: skip

_DV, _FLOW = rb**2 - ra**2, rb**2 - ra * rb
_VARIANCE = _DV * (v0 + ra**2) / (v0 + rb**2)
# Not down to t = 0 exactly: there v(s) is a rounding error of t - dt in the formula.
_STEPS_AND_DATA = table("dt v0", (0.11, 0.0), (0.99, 0.31), (9e-4, 2e-5))
_FROZEN = tuple(point | row for point, row in zip(ROW_POINTS, _STEPS_AND_DATA, strict=True))
# The roundings of sigma^2 t and sigma^2 dt are seen in v(s).
_V_T, _V_S = sigma**2 * t, sigma**2 * (t - dt)
_SIZES = (Abs(mu) * dt + DV, DV * (1 + _V_T / _V_S), kappa * sqrt(DV) * (1 + _V_T / (v0 + _V_S)))


def _frozen(weight: Expr, variance: Expr) -> tuple[Expr, ...]:
    values = {ra: sqrt(_V_S), rb: sqrt(_V_T)}
    return -DM, weight.subs(values).expand(), kappa * sqrt(variance.subs(values))


def _frozen_step(weight: Expr, variance: Expr) -> Expr:
    """In the names of the vectors: c is the variance that the denoiser leaves."""
    values = {ra: sqrt(v_s), rb: sqrt(v_s + dv), v0: Symbol("c", nonnegative=True)}
    root_of = kappa * sqrt(variance.subs(values))
    return x * exp(-dm + weight.subs(values) * (1 + h) + root_of * z)


_FROZEN_PINS = (
    _step_pin("Ancestral", "ancestral_step", lambda maps: _frozen_step(maps[0], maps[2])),
    _step_pin("DDIM", "ddim_step", lambda maps: _frozen_step(maps[1], Integer(0))),
    Pin("gbm_ref.Ancestral.coefficients", _FROZEN,
        reads=lambda maps: _frozen(maps[0], maps[2]), scale=_SIZES),
    Pin("gbm_ref.DDIM.coefficients", _FROZEN,
        reads=lambda maps: _frozen(maps[1], Integer(0)), scale=(*_SIZES[:2], Integer(1))),
)  # fmt: skip

R17_STEPS = Claim(
    "R17-steps", "the ancestral and the DDIM step as maps", are_the_frozen_maps,
    holds=(_DV, _FLOW, _VARIANCE), twins={
        "noise of eq. (13)": (_DV, _FLOW, _DV),
        "weight of the bridge in the flow": (_DV, _DV, _VARIANCE),
        "half of it, as in the flow's drift": (_DV, _DV / 2, _VARIANCE),
        "variance ratio upside down": (_DV, _FLOW, _DV * (v0 + rb**2) / (v0 + ra**2)),
    }, shown=lambda maps: dict(zip(("ancestral", "ddim"), _maps(maps), strict=True)), names={
        "m": "m(t)", "m_s": "m(s)", "ra": r"\sqrt{v(s)}", "rb": r"\sqrt{v(t)}", "z": "Z", "h": "H",
        "v0": "V_0",
    }, sheet=("R7", "R17"), assumptions=(
        "0 < s < t", Assumption(
            "the denoiser is Tweedie's", "the score in its place",
            lambda: not same(_adds(_DV), _moved(ra**2 / rb**2, 2 * h)),
        ),
    ), depends=("R17-bridge", "R7", "R5"), pins=_FROZEN_PINS)  # fmt: skip
CLAIMS = (R11_STEPS, R17_STEPS)
