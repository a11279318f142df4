"""The likelihood along the probability flow, and bits per dimension of pixels: sheet R19.

Symbols: D_i = x_i d/dx_i H_i; m a drift of log X; T the horizon; L log-density of a pixel
with d dimensions and cells of width cell."""

from sympy import (
    Abs, Expr, Matrix, Rational, Symbol, diag, diff, exp, expand_log, log, pi, sqrt, symbols,
)  # fmt: skip

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Means, Pin, Values
from spec.checking.diffusions import fokker_planck, isotropic, jet, plain_partials
from spec.checking.pins import table
from spec.checking.symbols import L0, a, h, m, mu, s2, sigma, v0, x, z
from spec.divergence.gaussian import is_tangent_of_log

s, trace, D, _L = symbols("s trace D L", real=True)
(T, _dims, _cell), _d = symbols("T d cell", positive=True), symbols("d1 d2")
_LOG_DENSITY, _AT_ZERO = jet("l", _d), dict.fromkeys(_d, 0)


def _along_the_flow(velocity: Matrix, drift: Matrix, diffusion: Matrix) -> Expr:
    """What the log density changes by for who moves with the velocity, before d is zero."""
    at_a_point = fokker_planck(_LOG_DENSITY, drift, diffusion, plain_partials(_d))
    return at_a_point + velocity.dot([diff(_LOG_DENSITY, e) for e in _d])


def grows_along_the_flow(found: Values) -> bool:
    r"""In the plane, along the flow of the logarithm $Y$ of $X$, of density $q_t$, with the
    velocity $[[velocity]]$ in each coordinate, $s$ the score and $m$ the drift of $Y$, $\log
    q_t(Y_t)$ grows at $[[growth]]$, with $\mathrm{tr}$ for the divergence of $s$.

    The change of $\log q$ at a fixed point comes from the Fokker-Planck equation of A9, for a
    density of the plane that is arbitrary through its derivatives at a point; velocity times score
    is added. Integrated over time it gives the likelihood of $Y$."""
    rates, scores = symbols("m1 m2"), [diff(_LOG_DENSITY, e) for e in _d]
    growth = found["growth"].subs(trace, sum(diff(_LOG_DENSITY, e, 2) for e in _d))
    velocity = [found["velocity"].subs({m: r, s: e}) for r, e in zip(rates, scores, strict=True)]
    change = _along_the_flow(Matrix(velocity), Matrix(rates), isotropic(s2))
    return vanishes((change - growth).subs(_AT_ZERO))


def grows_in_ambient_space(found: Values) -> bool:
    r"""In the plane, along the flow with the velocity $x_i$ times $[[velocity]]$ in coordinate
    $i$, $\log p_t(X_t)$ grows at the rate of the sum over the coordinates of $[[growth]]$, $H$
    being $x\circ\nabla\log p$ and $D$ its $x_i\partial_iH_i$.

    From the Fokker-Planck equation of A5, for a density of the plane that is arbitrary through
    its derivatives at a point; nothing is used from log space."""
    at, states = Matrix(symbols("x1 x2")) + Matrix(_d), []
    for place, e, rate in zip(at, _d, symbols("mu1 mu2"), strict=True):
        score = place * diff(_LOG_DENSITY, e)
        states.append({mu: rate, h: score, D: place * diff(score, e)})
    moved = diag(*at) * Matrix([found["velocity"].subs(here) for here in states])
    drift = diag(*at) * Matrix([here[mu] for here in states])
    change = _along_the_flow(moved, drift, s2 * diag(*at) ** 2)
    growth = sum(found["growth"].subs(here) for here in states)
    return vanishes((change - growth).subs(_AT_ZERO))


def returns_the_density(found: Values) -> bool:
    r"""For $\log X_0$ normal with mean $a$ and variance $v_0$, and constant rates, the flow from
    $x_0$ is at $y_T=[[y]]$ at the horizon $T$, and the rate of R19 integrates to the change
    $[[minus]]$ of $\log q$; with the opposite change R19 returns the log-normal density of $x_0$.

    In one coordinate: $y_T$ solves the equation of the flow with the exact score and begins at
    $\log x_0$, the change has the rate of R19 and begins at nothing. The log density at $y_T$,
    plus [[change]] and less $\log x_0$, is that of the data: so at $T$ zero, and the difference
    has no derivative in $T$, with symbols for the roots."""
    y, change = (found[name].expand() for name in ("y", "change"))
    place, v, (r0, r) = Symbol("y"), v0 + s2 * T, symbols("r0 r", positive=True)
    score = -(place - a - m * T) / v
    velocity = _FLOW["velocity"].subs(s, score).subs(place, y)
    growth = _FLOW["growth"].subs(trace, diff(score, place))
    gap = _log_normal(y, a + m * T, v) + change - _log_normal(L0, a, v0)
    rates = (diff(gap, T), diff(y, T) - velocity, diff(_by_the_rate(change), T) - growth)
    rational = [rate.subs(T, (r**2 - v0) / s2).subs(v0, r0**2) for rate in rates]
    return vanishes([*(f.subs(T, 0) for f in (gap, y - L0, change)), *rational])


def _by_the_rate(change: Expr) -> Expr:
    return -change


def _log_normal(y: Expr, mean: Expr, variance: Expr) -> Expr:
    return -log(2 * pi * variance) / 2 - (y - mean) ** 2 / (2 * variance)


def are_the_bits(found: Values) -> bool:
    r"""A pixel of $d$ dimensions that is uniform over the cell of its grey level, of width $w$,
    has $[[bits]]$ bits per dimension, where $p$ is the density of a model at it. The average over
    the cell is at least what the model's probability of the cell has; they are equal where $p$ is
    constant in it. For a width of $[[width]]$ the offset is $[[offset]]$.

    The probability of the cell is its volume times the mean of $p$ in it, with which the bits are
    compared where $p$ is constant. In general, $z$ being $p$ over its mean, $\log z$ is at most
    $[[tangent]]$, with equality at one alone (E22-jensen), and the mean of that is zero."""
    gap = found["bits"] * _dims * log(2) + _L + _dims * log(_cell)
    logs = {log(2): Symbol("log2"), log(_cell): Symbol("logcell")}
    return is_tangent_of_log(found["tangent"]) and vanishes(gap.expand().subs(logs))


def _model(found: Values, b: Expr, variance: Expr) -> Expr:
    """log p(x) when the flow of N(a, v0) ends at a start N(b, variance)."""
    return (found["change"] + _log_normal(found["y"], b, variance) - L0).subs(L0, log(x))


def _on_rates(found: Values) -> Expr:
    return _model(found, _b, _B).subs({m: mu - sigma**2 / 2, s2: sigma**2})


def _on_vectors(found: Values) -> Expr:
    """Over one step, from v_s on: in the names of the vectors."""
    v_s, dm, dv, q = symbols("v_s dm dv q", positive=True)
    return _model(found, _b, q).subs(T, 1).subs({m: dm, s2: dv}).subs(v0, v0 + v_s)


_V, _W, _w1, _w2, _b, _B = symbols("S T w1 w2 b B", positive=True)
_NOISE = sigma**2 * Symbol("horizon")
# log p_0(x) where log X_0 is of two normal parts.
_PARTS = [w * exp(_log_normal(log(x), *of)) for w, *of in ((_w1, a, _V), (_w2, _b, _W))]
_MIXTURE = log(sum(_PARTS)) - log(x)
_SMOOTH = "the flow exists, and the density is positive and twice differentiable along it"
_TOLERANCE = 2.0**19  # 6e-11: the tolerance of the integration
_FLOW = {"velocity": m - s2 * s / 2, "growth": s2 * trace / 2}
R19 = Claim(
    "R19", "likelihood along the probability flow", grows_along_the_flow, holds=_FLOW, twins={
        "weight of the reverse SDE": _FLOW | {"velocity": m - s2 * s},
        "trace with the full rate": _FLOW | {"growth": s2 * trace},
        "sign of the trace": _FLOW | {"growth": -s2 * trace / 2},
    }, names={"trace": r"\mathrm{tr}"}, assumptions=(_SMOOTH,),
    depends=("A9", "R16-ode", "C6"), pins=(Pin(
        "gbm_ref.log_likelihood", table(
            "x w1 a S w2 b T mu sigma horizon",
            (1.7, 0.25, 0.3, 0.64, 0.75, -0.4, 0.3, 0.2, 0.8, 1.0),
            (0.2, 0.5, 0.3, 0.01, 0.5, -0.9, 0.9, -0.3, 1.3, 1.5),
        ), because="it integrates the statement, which has to give the density of the data",
        formula=_MIXTURE, scale=1 + Abs(_MIXTURE, evaluate=False), k=_TOLERANCE,
        variant="mixture", twins={
            "the Jacobian left out": _MIXTURE + log(x),
            "density at the end": _MIXTURE.xreplace({_V: _V + _NOISE, _W: _W + _NOISE}),
        },
    ),))  # fmt: skip

_SPEED = mu - s2 - s2 * h / 2
_AMBIENT = {"velocity": _SPEED, "growth": -(_SPEED - s2 * D / 2)}
AMBIENT = Claim(
    "R19-ambient", "likelihood in the original coordinates", grows_in_ambient_space,
    holds=_AMBIENT, twins={
        "drift mu - sigma^2/2": _AMBIENT | {"growth": _AMBIENT["growth"] - s2 / 2},
        "full weight of the score": _AMBIENT | {"growth": -(_SPEED - s2 * h / 2 - s2 * D)},
        "without the derivative of H": _AMBIENT | {"growth": -_SPEED},
    }, names={"h": "H", "mu": r"\mu_i"}, sheet=("R19",), assumptions=(_SMOOTH,),
    depends=("A5", "R16-ode"))  # fmt: skip

_RATIO = (v0 + s2 * T) / v0
_CARRIED = {"y": a + m * T + sqrt(_RATIO) * (L0 - a), "change": log(_RATIO) / 2}
LOG_NORMAL = Claim(
    "R19-log-normal", "the likelihood formula on log-normal data", returns_the_density,
    holds=_CARRIED, twins={
        "trace with the full rate": _CARRIED | {"change": log(_RATIO)},
        "flow with the ratio of variances": _CARRIED | {"y": a + m * T + _RATIO * (L0 - a)},
        "flow without the drift": _CARRIED | {"y": _CARRIED["y"] - m * T},
    }, shown=lambda found: {**found, "minus": _by_the_rate(found["change"])},
    names={"L0": r"\log x_0"}, means=Means.CALCULUS, sheet=("R19",),
    assumptions=("log-normal data and their exact score", "v_0 is positive"),
    depends=("R19", "R16-ode"), pins=(
        Pin("gbm_ref.exact_log_likelihood", vectors="exact_log_likelihood", reads=_on_vectors),
        Pin("gbm_ref.log_likelihood", table(
            "x a v0 b B mu sigma T", (1.7, 0.3, 0.64, 0.4, 0.9, 0.2, 0.8, 1.0),
            (0.04, -0.7, 1.7, -2.5, 1.1, -0.3, 1.3, 1.5),
            (1.37, 0.3, 0.0025, 0.35, 0.9, 0.5, 0.6, 0.7),
        ), reads=_on_rates, k=_TOLERANCE,
            scale=1 + Abs(_on_rates(_CARRIED), evaluate=False), variant="another start"),
    ))  # fmt: skip

_WIDTH, _PER_DIM = Rational(1, 256), -_L / (_dims * log(2)) - log(_cell) / log(2)
_BITS = {"bits": _PER_DIM, "tangent": z - 1}
BITS = Claim(
    "R19-bits", "bits per dimension of pixels", are_the_bits, holds=_BITS, twins={
        "nats for bits": _BITS | {"bits": -_L / _dims - log(_cell) / log(2)},
        "sign": _BITS | {"bits": _PER_DIM + 2 * log(_cell) / log(2)},
        "not divided by d": _BITS | {"bits": _PER_DIM * _dims},
        "a chord for the tangent": _BITS | {"tangent": (z - 1) / 2},
    }, names={"L": r"\log p", "cell": "w"}, means=Means.CALCULUS, sheet=("R19",), values=lambda: {
        "width": _WIDTH, "offset": expand_log(_PER_DIM.subs({_L: 0, _cell: _WIDTH})),
    }, assumptions=("the noise is uniform over the cell and independent of the grey level",),
    depends=("R19", "E22-jensen"),
    pins=(Pin("gbm_ref.bits_per_dim", vectors="bits_per_dim", reads=lambda found: found["bits"]),),
)  # fmt: skip
CLAIMS = (R19, AMBIENT, LOG_NORMAL, BITS)
