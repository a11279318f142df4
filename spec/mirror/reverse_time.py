"""Mirrored Langevin dynamics (22) against the reverse-time equation (11) of version 2.

Version 2, sections 5.2 and 7. Symbols: y = log x; q = e^l density of log X_t, of which nothing
else is assumed, and s its score; kappa factor on the noise."""

from sympy import Expr, Function, Integer, Matrix, Rational, diff, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, v2
from spec.checking.diffusions import fokker_planck, plain_partials, with_symbols
from spec.checking.symbols import mu, s, sigma, z
from spec.checking.typeset import Says, Sde
from spec.mirror.bias import variance_after
from spec.mirror.log_normal_target import FACTOR, LIMIT_VARIANCE, delta, lam
from spec.process.equations import UNIQUE
from spec.steps._reverse import log_step, root

_Y, kappa = symbols("y kappa", positive=True)
_LOG = Function("l")(_Y)
_SCORE = diff(_LOG, _Y)
_FORWARD, _SPREAD = mu - sigma**2 / 2, sigma**2
_PULL = sigma**2 * s
_REVERSE = _PULL - _FORWARD
_EQUATION = Sde("Y", _REVERSE, sigma, "r")
_REVERSE_NOISE = _EQUATION.noise**2


def _change(drift: Expr, variance: Expr, log_density: Expr = _LOG) -> Expr:
    """The rate of change of a log density under an equation with that drift and noise."""
    drifts = Matrix([drift.subs(s, _SCORE)])
    return fokker_planck(log_density, drifts, Matrix([[variance]]), plain_partials((_Y,)))


def becomes_mirrored(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""In $\log X$, for constant $\mu$ and $\sigma$, (11) has the drift of (22) on a clock of one
    speed only, $[[clock]]$, and for one $\mu$ only, $[[mu]]$. For (22) the noise has then the
    variance $[[noise]]$, in (11) it has $[[reverse noise]]$.

    In $\log X$ the reverse equation is [[reverse]], with $s$ the score of $\log X_t$, by the
    Fokker–Planck equation of the forward one. On a clock (22) has the drift of its speed times
    $s$. The drifts agree for every $s$ where its coefficients do and the rest, which is linear in
    $\mu$, is zero. The variance is that with which the drift of (22) keeps the law of its score.
    """
    clock, own_mu, noise = candidate
    reverse = _change(_FORWARD, _SPREAD) + _change(_EQUATION.drift, _REVERSE_NOISE)
    agree = diff(_REVERSE, s) - clock, _REVERSE.subs({s: 0, mu: own_mu}), diff(_REVERSE, mu) + 1
    return vanishes(with_symbols(*agree, reverse, _change(clock * s, noise)))


def splits(rates: tuple[Expr, Expr]) -> bool:
    r"""Without drift of $\log X$ the reverse equation is the flow [[flow]], which carries $q_t$
    back in time, together with (22) at a rate, [[langevin]], which with $t$ held leaves $q_t$
    where it is; $s$ is the score of $q_t$.

    The flow alone has to satisfy the equation of $q_t$ backwards, and Langevin dynamics that of a
    law at rest. The drifts add up to that of the reverse equation, and so does the noise."""
    flow, langevin = rates
    carried = _change(_pulled(flow), Integer(0)) + _change(Integer(0), sigma**2)
    drift, noise = _at_rate(langevin).drift, _at_rate(langevin).noise
    kept = _change(drift, noise**2)
    sums = _pulled(flow) + drift - _REVERSE.subs(mu, sigma**2 / 2), noise**2 - sigma**2
    return vanishes(with_symbols(carried, kept, *sums))


def _pulled(rate: Expr) -> Expr:
    return rate * s


def _at_rate(rate: Expr) -> Sde:
    """(22) at that rate."""
    return Sde("Y", _pulled(rate), sqrt(2 * rate), "r")


def is_the_invariant_power(power: Expr) -> bool:
    r"""[[equation]] with the score $s$ of a fixed $q$ keeps the density in proportion to $q$ to
    the power $[[it]]$, for every positive and twice differentiable $q$ of one coordinate.

    The Fokker–Planck residual of that power vanishes in the derivatives of $\log q$."""
    return vanishes(with_symbols(_change(_FROZEN_SDE.drift, _FROZEN_SDE.noise**2, power * _LOG)))


def is_the_euler_variance(variance: Expr) -> bool:
    r"""For a normal $q$ of variance $v$ the Euler–Maruyama step of the equation of E16-frozen,
    with $h$ for $\sigma^2$ times its length, keeps the variance $[[it]]$.

    The second central moment after a step, exact over state and draw. At $h$ zero it is that of
    the law of E16-frozen. (R10-stable: the limit of many steps at one level.)"""
    pull, noise = _FROZEN_SDE.drift / sigma**2, _FROZEN_SDE.noise / sigma
    kept = variance_after(variance, noise**2 * delta) - variance
    return vanishes((kept, pull - s, variance.subs(delta, 0) * FROZEN.holds - lam))


def is_what_the_sampler_discretises(noise: Expr) -> bool:
    r"""Without drift of $\log X$ the logarithm of (13) is the Euler–Maruyama step of [[equation]],
    $s$ the score of $q_t$, the reverse of the forward process; Langevin dynamics with that drift,
    $t$ held, has noise of variance $[[printed:it]]$ and leaves $q_t$ where it is.

    The exponent of (13) with $s$ less one for the Hyvärinen score (A10-score): its drift and the
    variance of its noise are those of the equation. By the Fokker–Planck equation at $q_t$ this
    takes back what the forward process does, and Langevin dynamics does nothing."""
    step = log_step(s - 1, z, root).subs(mu, sigma**2 / 2)
    drift, variance = _with_noise(noise).drift, _with_noise(noise).noise ** 2
    euler = step.subs(z, 0) - root**2 * drift, diff(step, z) ** 2 - variance * root**2
    back = _change(drift, variance) + _change(Integer(0), sigma**2)
    return vanishes(with_symbols(*euler, back, _change(drift, _LANGEVIN)))


def _with_noise(noise: Expr) -> Sde:
    return Sde("Y", _PULL, sqrt(noise), "r")


_NAMES = {"s": "s", "delta": "h", "lam": "v"}
_HALF, _LANGEVIN = sigma**2 / 2, 2 * sigma**2
_FROZEN_SDE = Sde("Y", _PULL, kappa * sigma, "r")
ONE_COORDINATE = "one coordinate; all are alike"
NO_DRIFT = "mu = sigma^2 / 2"
SMOOTH = "the density q_t of log X_t is positive and twice differentiable"
_FROZEN = {lam: Rational(1, 5), delta: Rational(1, 25), kappa: 1}
E16 = Claim(
    "E16", "(22) is not the reverse-time equation (11)", becomes_mirrored,
    holds=(2 * _HALF, _HALF, _LANGEVIN), twins={
        "half the variance": (2 * _HALF, _HALF, _HALF),
        "four times the variance": (2 * _HALF, _HALF, 2 * _LANGEVIN),
        "a slower clock": (_HALF, _HALF, sigma**2), "mu = 0": (2 * _HALF, Integer(0), _LANGEVIN),
    }, printed={"(11) as it stands": (2 * _HALF, _HALF, _SPREAD)},
    shown=lambda c: dict(zip(("clock", "mu", "noise"), c, strict=True)),
    values=lambda: {"reverse": _EQUATION, "reverse noise": _REVERSE_NOISE}, names=_NAMES,
    sources=v2("sec. 5.2: recovered from eq. 11"), assumptions=(ONE_COORDINATE, SMOOTH),
    depends=("A11", "A22", "E16-split", "E16-frozen", "E16-euler"), erratum=Erratum(
        Fault.WRONG,
        quote="Eq. 22 is a sampling SDE on the positive orthant [...] and is recovered directly "
        "from the GBM's reverse-time SDE (Eq. 11) via the Lamperti transform",
        trouble="The noise of (11) has half the variance that (22) needs, and its score belongs "
        "to a law that moves. Without drift of the logarithm and with the score frozen, (11) "
        "keeps another law (E16-frozen).",
        advice="Without drift of the logarithm (11) is the probability-flow equation and (22) at "
        "a rate, together (E16-split).",
        figures=lambda: (
            Figure("variance of log X under (11), with the frozen score of variance "
                   f"{float(_FROZEN[lam])}", float(EULER.holds.subs(delta, 0).subs(_FROZEN))),
            Figure(f"under its Euler–Maruyama step with h = {float(_FROZEN[delta])}",
                   float(EULER.holds.subs(_FROZEN))),
        ),
        remains_open="Both formulas are lost in the text of version 2; they are taken from "
        "version 1 and from eq. 37.",
    ))  # fmt: skip

SPLIT = Claim(
    "E16-split", "(11) is the probability flow plus mirrored Langevin dynamics", splits,
    holds=(_HALF, _HALF), twins={
        "all of it flow": (sigma**2, Integer(0)), "all of it Langevin": (Integer(0), sigma**2),
        "a full flow and half of Langevin": (sigma**2, _HALF),
    }, shown=lambda rates: {
        "flow": Says("dY/dr", _pulled(rates[0])), "langevin": _at_rate(rates[1]),
    }, names=_NAMES, sheet=("E16",), depends=("A22", "A10"),
    assumptions=(SMOOTH, UNIQUE, ONE_COORDINATE, NO_DRIFT))  # fmt: skip

FROZEN = Claim(
    "E16-frozen", "the reverse equation with a frozen score", is_the_invariant_power,
    holds=2 / kappa**2, twins={
        "q itself": Integer(1), "1 / kappa^2": 1 / kappa**2, "inverted": kappa**2 / 2,
    }, values=lambda: {"equation": _FROZEN_SDE}, names=_NAMES,
    sheet=("E16",), assumptions=("kappa > 0", "that power can be normalised", UNIQUE),
    depends=("A20",))  # fmt: skip

EULER = Claim(
    "E16-euler", "its Euler–Maruyama step on a normal law", is_the_euler_variance,
    holds=kappa**2 / 2 * LIMIT_VARIANCE, twins={
        "of the continuous equation": kappa**2 * lam / 2, "of (22)": kappa**2 * LIMIT_VARIANCE,
        "with h / v": kappa**2 * lam / 2 / FACTOR,
    }, names=_NAMES, sheet=("E16",), assumptions=("0 < h < 2 v; independent draws", "kappa > 0"),
    depends=("E16-frozen",))  # fmt: skip

LANGEVIN = Claim(
    "E16-langevin", "on the logarithm the sampler is a reverse diffusion, not Langevin dynamics",
    is_what_the_sampler_discretises, holds=sigma**2,
    twins={"no noise": Integer(0), "noise of variance 3 sigma^2": 3 * sigma**2},
    printed={"Langevin dynamics": _LANGEVIN},
    shown=lambda noise: {"equation": _with_noise(noise), "it": noise},
    names=_NAMES, sources=v2("sec. 7: equivalent to additive Langevin dynamics"), sheet=("E16",),
    assumptions=(NO_DRIFT, ONE_COORDINATE, SMOOTH, UNIQUE), depends=("A13", "A20", "A10-score"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="the Dale-Langevin sampler [...] is equivalent to standard additive Langevin "
        "dynamics on the log-transformed variable via the Lamperti transform",
        trouble="What it is equivalent to is the additive variance-exploding reverse diffusion on "
        "log X, with half the noise variance of Langevin dynamics. The latter, with the score of "
        "the law that it has, leaves it where it is instead of taking it back to the data.",
        advice="Read: equivalent to the reverse diffusion (score-based diffusion) on log X, as "
        "the second half of the sentence in the paper says.",
    ))  # fmt: skip
CLAIMS = (E16, SPLIT, FROZEN, EULER, LANGEVIN)
