"""Mirrored Langevin dynamics (22) against the reverse-time equation (11) of version 2.

Version 2, sections 5.2 and 7.

Symbols: y = log x;  q = e^l  density of log X_t, of which nothing else is assumed;  s its score
         sigma^2 = s2;  c  speed of a clock, dt = c dr;  kappa2 = kappa^2, factor on the variance
         of the noise;  h = sigma^2 delta;  v  variance of a normal q
"""

from mpmath import mpf
from sympy import Expr, Function, Matrix, Rational, Symbol, diff, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, v2
from spec.checking.diffusions import fokker_planck, plain_partials, with_symbols
from spec.checking.gaussian import expectation
from spec.checking.typeset import Says, Sde

_Y = Symbol("y")
_PARTIALS = plain_partials((_Y,))
_K, _H, _V = symbols("kappa2 h v", positive=True)
_S2, _MU = Symbol("s2", positive=True), Symbol("mu")
_LANGEVIN = 2 * _S2  # variance of the noise of Langevin dynamics with the drift s2 times a score
_LOG = Function("l")(_Y)
_SCORE = diff(_LOG, _Y)
# -(s2 / 2) q'' / q: what the right-hand side must be for q_t to go back in time at m = 0
_BACK = -_S2 / 2 * (diff(_SCORE, _Y) + _SCORE**2)


def becomes_mirrored(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""In $\log X$, for constant $\mu$ and $\sigma$, (11) has the drift of (22) on a clock of one
    speed only, $[[clock]]$, and for one $\mu$ only, $[[mu]]$. For (22) the noise has then the
    variance $[[noise]]$, in (11) it has $[[printed:noise]]$.

    In $\log X$ the reverse equation is [[reverse]], by the Fokker–Planck equation of the forward
    one; on a clock of speed $c$ (22) has the drift of $c$ scores. The drifts agree for every score
    where two linear equations hold, for speed and $\mu$, of which the determinant is one. The
    variance is that with which the drift of (22) leaves the law of its score at rest.
    """
    clock, mu, noise = candidate
    speed, score, away = Symbol("clock"), Symbol("score"), _MU - _S2 / 2
    gap = _S2 * score - away - speed * score
    needed = Matrix([diff(gap, score), gap.subs(score, 0)])
    forward = _change(away, _S2) + _change(_S2 * _SCORE - away, _S2)
    return (
        same(needed.jacobian([speed, _MU]).det(), Rational(1))
        and vanishes(tuple(needed.subs({speed: clock, _MU: mu})))
        and vanishes(with_symbols(forward, _change(clock * _SCORE, noise)))
    )


def _change(drift: Expr, variance: Expr) -> Expr:
    """The rate of change of log q under an equation."""
    return fokker_planck(_LOG, Matrix([drift]), Matrix([[variance]]), _PARTIALS)


def splits(rates: tuple[Expr, Expr]) -> bool:
    r"""Without drift of $\log X$ the reverse equation is the flow [[flow]], which carries $q_t$
    back in time, together with (22) at a rate, [[langevin]], which leaves $q_t$ where it is; $s$
    is the score of $q_t$.

    The flow alone has to satisfy the equation of $q_t$ backwards, and Langevin dynamics that of a
    law at rest. The drifts add up to that of the reverse equation, and so does the noise.
    """
    flow, langevin = (rate / _S2 for rate in rates)
    carried = fokker_planck(_LOG, Matrix([flow * _S2 * _SCORE]), Matrix([[0]]), _PARTIALS)
    kept = fokker_planck(_LOG, Matrix([_SCORE]), Matrix([[2]]), _PARTIALS)
    sums = (flow + langevin - 1, 2 * langevin - 1)
    return vanishes(with_symbols(carried - _BACK, kept, *sums))


def is_the_invariant_power(power: Expr) -> bool:
    r"""[[equation]] with the score $s$ of a fixed $q$ keeps the density in proportion to $q$ to
    the power $[[it]]$, for every positive $q$ of one coordinate.

    The Fokker–Planck residual of that power vanishes in the derivatives of $\log q$.
    """
    drift, spread = (_S2 * _SCORE,), Matrix([[_K * _S2]])
    return vanishes(with_symbols(fokker_planck(power * _LOG, Matrix(drift), spread, _PARTIALS)))


def is_the_euler_variance(variance: Expr) -> bool:
    r"""For a normal $q$ of variance $v$ the Euler–Maruyama step of length $h$ of that equation,
    with noise of variance $\kappa^2h$, keeps the variance $[[it]]$.

    The second central moment after a step, with exact expectations over state and draw.
    (R10-stable: the limit of many steps at one level.)
    """
    y, z, m, r = symbols("y z m r")
    moved = (y - _H * (y - m) / _V + r * z).expand()
    first, second = (
        expectation(expectation(power, z, Rational(0), Rational(1)), y, m, variance)
        for power in (moved, (moved**2).expand())
    )
    return same((second - first**2).expand().subs(r**2, _K * _H), variance)


def is_what_the_sampler_discretises(noise: Expr) -> bool:
    r"""Without drift of $\log X$ the logarithm of (13) is the Euler–Maruyama step of [[equation]],
    the reverse of the forward process; Langevin dynamics with that drift has noise of variance
    $[[printed:it]]$, and leaves each $q_t$ where it is.

    The exponent of (13) with the log score in place of the Hyvärinen score, its drift and the
    variance of its noise compared with those of the equation; and the Fokker–Planck equation at
    $q_t$, of which the right side is that of the forward process backwards, or zero for Langevin
    dynamics.
    """
    delta, s, z, root = symbols("delta s z root")  # root = sqrt(delta s2)
    log_step = -delta * (_S2 / 2 - 3 * _S2 / 2) + delta * _S2 * (s - 1) + root * z
    variance = diff(log_step, z) ** 2
    euler = (log_step.subs(z, 0) - delta * _S2 * s, variance.subs(root**2, delta * _S2))
    carried = fokker_planck(_LOG, Matrix([_S2 * _SCORE]), Matrix([[noise]]), _PARTIALS)
    kept = fokker_planck(_LOG, Matrix([_S2 * _SCORE]), Matrix([[_LANGEVIN]]), _PARTIALS)
    return vanishes((euler[0], euler[1] - noise * delta)) and vanishes(
        with_symbols(carried - _BACK, kept)
    )


def _figures() -> tuple[Figure, ...]:
    at = {_K: Rational(1), _V: Rational(1, 5), _H: Rational(1, 25)}
    frozen, euler = ((_V / FROZEN.holds).subs(at), EULER.holds.subs(at))
    return (
        Figure("variance v of a frozen normal q, and under (22)", mpf(at[_V].evalf(30))),
        Figure(f"under (11) with that score, kappa^2 = {at[_K]}", mpf(frozen.evalf(30))),
        Figure(f"under its Euler–Maruyama step with h = {float(at[_H])}", mpf(euler.evalf(30))),
    )


def _langevin_figures() -> tuple[Figure, ...]:
    # d/dr of the log-variance of a normal law of variance v: -2 s2 + noise * s2
    s2 = mpf("0.64")
    return (
        Figure(f"d Var / dr in the reverse diffusion, sigma^2 = {s2}", -2 * s2 + s2),
        Figure("in Langevin dynamics with the same drift", -2 * s2 + 2 * s2),
    )


_NAMES = {"s2": r"\sigma^{2}", "kappa2": r"\kappa^{2}", "s": "s", "h": "h", "mu": r"\mu"}
_S = Symbol("s")
ONE_COORDINATE = "one coordinate; all are alike"
NO_DRIFT = "mu = sigma^2 / 2"

E16 = Claim(
    "E16",
    "(22) is not the reverse-time equation (11)",
    becomes_mirrored,
    holds=(_S2, _S2 / 2, 2 * _S2),
    twins={
        "half the variance": (_S2, _S2 / 2, _S2 / 2),
        "four times the variance": (_S2, _S2 / 2, 4 * _S2),
        "a slower clock": (_S2 / 2, _S2 / 2, _S2),
    },
    printed={"(11) as it stands": (_S2, _S2 / 2, _S2)},
    shown=lambda c: dict(zip(("clock", "mu", "noise"), c, strict=True)),
    values=lambda: {"reverse": Sde("Y", _S2 / 2 - _MU + _S2 * _S, sqrt(_S2), "r")},
    names=_NAMES,
    sources=v2("sec. 5.2: recovered from eq. 11"),
    depends=("A11", "A22"),
    erratum=Erratum(
        Fault.WRONG,
        quote="Eq. 22 is a sampling SDE on the positive orthant [...] and is recovered directly "
        "from the GBM's reverse-time SDE (Eq. 11) via the Lamperti transform",
        trouble="The noise of (11) has half the variance that (22) needs, and its score belongs "
        "to a law that moves. With the score frozen, (11) settles on another law (E16-frozen).",
        advice="Without drift of the logarithm (11) is the probability-flow equation and (22) on "
        "a slower clock, together (E16-split).",
        figures=_figures,
        remains_open="Both formulas are lost in the text of version 2; they are taken from "
        "version 1 and from eq. 37.",
    ),
)

SPLIT = Claim(
    "E16-split",
    "(11) is the probability flow plus mirrored Langevin dynamics",
    splits,
    holds=(_S2 / 2, _S2 / 2),
    twins={
        "all of it flow": (_S2, 0 * _S2),
        "all of it Langevin": (0 * _S2, _S2),
        "a full flow and half of Langevin": (_S2, _S2 / 2),
    },
    shown=lambda rates: {
        "flow": Says("dY", rates[0] * _S * Symbol("dr")),
        "langevin": Sde("Y", rates[1] * _S, sqrt(2 * rates[1]), "r"),
    },
    names={**_NAMES, "dr": "dr"},
    sheet=("E16",),
    assumptions=("q_t is positive and twice differentiable", ONE_COORDINATE, NO_DRIFT),
    depends=("A22", "A10"),
)

FROZEN = Claim(
    "E16-frozen",
    "the reverse equation with a frozen score",
    is_the_invariant_power,
    holds=2 / _K,
    twins={"q itself": Rational(1), "1 / kappa^2": 1 / _K, "inverted": _K / 2},
    values=lambda: {"equation": Sde("Y", _S2 * _S, sqrt(_K * _S2), "r")},
    names=_NAMES,
    sheet=("E16",),
    assumptions=("kappa > 0", "that power can be normalised", ONE_COORDINATE, NO_DRIFT),
    depends=("A20",),
)

EULER = Claim(
    "E16-euler",
    "its Euler–Maruyama step on a normal law",
    is_the_euler_variance,
    holds=_K * _V / 2 / (1 - _H / (2 * _V)),
    twins={
        "of the continuous equation": _K * _V / 2,
        "of (22)": _K * _V / (1 - _H / (2 * _V)),
        "with h / v": _K * _V / 2 / (1 - _H / _V),
    },
    names=_NAMES,
    sheet=("E16",),
    assumptions=("0 < h < 2 v", "kappa > 0"),
    depends=("E16-frozen",),
)

LANGEVIN = Claim(
    "E16-langevin",
    "on the logarithm the sampler is a reverse diffusion, not Langevin dynamics",
    is_what_the_sampler_discretises,
    holds=_S2,
    twins={"no noise": 0 * _S2, "noise of variance 3 sigma^2": 3 * _S2},
    printed={"Langevin dynamics": _LANGEVIN},
    shown=lambda noise: {"equation": Sde("Y", _S2 * _S, sqrt(noise), "r"), "it": noise},
    names=_NAMES,
    sources=v2("sec. 7: equivalent to additive Langevin dynamics"),
    sheet=("E16",),
    assumptions=(NO_DRIFT, ONE_COORDINATE),
    depends=("A13", "A20", "A10-score"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="the Dale-Langevin sampler [...] is equivalent to standard additive Langevin "
        "dynamics on the log-transformed variable via the Lamperti transform",
        trouble="What it is equivalent to is the additive variance-exploding reverse diffusion on "
        "log X, with half the noise variance of Langevin dynamics. The latter, with the exact "
        "score, would leave the law where it is instead of taking it back to the data.",
        advice="Read: equivalent to the reverse diffusion (score-based diffusion) on log X, as "
        "the second half of the sentence in the paper says.",
        figures=_langevin_figures,
    ),
)

CLAIMS = (E16, SPLIT, FROZEN, EULER, LANGEVIN)
