"""Equations with the marginals of the process: any noise level, a corrector, no noise.

H = sigma^2 delta; M, w are mean and deviation of log X at the running time, w0 at a path's start.
"""

from collections.abc import Callable, Sequence

from sympy import Expr, Integer, Rational, diag, diff, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Values
from spec.checking.diffusions import (
    isotropic, keeps_marginals, partials_of_exponentials, plain_partials)  # fmt: skip
from spec.checking.symbols import H, M, dt, h, kappa, mu, s2, sigma, v, x
from spec.checking.typeset import Says, Sde
from spec.reverse.equations import (
    LOG_DENSITY, REGULAR, REVERSE_RATE, XS, D, in_plane, score, variance_of)  # fmt: skip

y, y0, M0 = symbols("y y0 M0", real=True)
w, w0 = symbols("w w0", positive=True)
f, _FULL, _NOISE = mu - s2 / 2, 1, kappa * sigma
_NAMES = {"score": r"\nabla\log q_t(Y)", "h": r"X\circ\nabla\log p_t(X)", "w": "w_s", "w0": "w_t"}


def has_the_marginals(rates: tuple[Expr, Expr]) -> bool:
    r"""In the plane, for every factor $\kappa$ on the noise, both [[in_log]] and [[in_x]], from
    the law at the end, have the marginals of the process run backwards. With $\kappa=[[full]]$
    they are A10 and A7.

    In the Fokker-Planck equation noise can be exchanged for drift along the score. Decided in $Y$
    and in $X$, for every density of the plane and with its own $\mu$ in each coordinate."""
    at_one = zip(rates, (-f + s2 * score, REVERSE_RATE), strict=True)
    agree = all(same(rate.subs(kappa, _FULL), known) for rate, known in at_one)
    in_log, in_x = _noisy(rates)
    kept = _keep((in_log.drift, in_x.drift / x), variance_of(in_log.noise))
    return agree and kept and same(in_x.noise, x * in_log.noise)


def _keep(rates: Sequence[Expr], squared: Expr) -> bool:
    """Whether both have the marginals run backwards, with noise of this variance in Y."""
    for forward, rate, slot, scales, partials in (
        (f, rates[0], score, (1, 1), plain_partials(D)),
        (mu, _of_x(rates[1]) / x, h, XS, partials_of_exponentials(D, XS)),
    ):
        places = diag(*(e**2 for e in scales))
        old, new = (in_plane(part, slot, scales) for part in (forward, rate))
        pair = (old, s2 * places), (new, squared * places)
        if not keeps_marginals(*pair, LOG_DENSITY, partials, D):
            return False
    return True


def _of_x(part: Expr) -> Expr:
    """A drift or a noise of X, from that over X."""
    return x * part


def _at_level(square: Expr, ito: Expr | None = None) -> tuple[Expr, Expr]:
    """Drift of Y, and of X over X, for kappa^2 = square; `ito` is what Ito's formula adds in X."""
    half = (1 + square) / 2 * s2
    return -f + half * score, -f + half * (1 + h) + (square / 2 * s2 if ito is None else ito)


def _noisy(rates: tuple[Expr, Expr]) -> tuple[Sde, Sde]:
    return Sde("Y", rates[0], _NOISE, "r"), Sde("X", _of_x(rates[1]), _of_x(_NOISE), "r")


_VARYING = kappa**2 * (1 + D[0]) ** 2  # kappa^2 where we are, and it changes from there
R11 = Claim(
    "R11", "the same marginals at any noise level", has_the_marginals, holds=_at_level(kappa**2),
    twins={
        "drift unchanged while the noise is reduced": _at_level(Integer(1), kappa**2 / 2 * s2),
        "kappa for kappa^2": _at_level(kappa),
        "in X the Itô term of full noise": _at_level(kappa**2, s2 / 2),
    }, shown=lambda rates: dict(zip(("in_log", "in_x"), _noisy(rates), strict=True)),
    values=lambda: {"full": _FULL}, names=_NAMES, assumptions=(
        *REGULAR, Assumption(
            "kappa does not depend on the state",
            "the diffusion matrix has no derivatives in log coordinates",
            lambda: not _keep(_at_level(_VARYING), _VARYING * s2),
        ),
    ), depends=("A7", "A10"))  # fmt: skip


def corrects(candidate: tuple[Expr, Expr]) -> bool:
    r"""In the plane, at a fixed time, [[corrector]] leaves $q_t$ as it is: it is the mirrored
    Langevin equation A22, run at half the rate $\sigma^2$. In one coordinate its Euler step with
    $h=[[step]]$ takes a normal law of variance [[stationary]], if that is positive, to itself,
    where the exact score is that of a normal law of variance $v$ and of the same mean.

    The drift along the score and the noise balance in the Fokker-Planck equation for every
    density of the plane. The Euler step multiplies the deviation from the mean by one factor and
    adds noise of variance $h$; the stationary variance is a fixed point of that."""
    (moved, stationary), added = _corrector(candidate), _STEP["step"]
    noise, along = variance_of(moved.noise), diff(-((y - M) ** 2) / (2 * v), y)
    at_rest, moving = in_plane(0 * score, score), in_plane(moved.drift, score)
    pair = (at_rest, isotropic(s2 * 0)), (moving, isotropic(noise))
    step, variance = y + dt * moved.drift.subs(score, along), stationary.subs(H, added)
    fixed = diff(step, y) ** 2 * variance + dt * noise - variance
    # A22 has drift 1 * score and noise variance 2; at this rate it has our noise.
    langevin = moved.drift - noise / 2 * score
    balanced = vanishes((fixed, langevin))
    return balanced and keeps_marginals(*pair, LOG_DENSITY, plain_partials(D), D)


def _corrector(candidate: tuple[Expr, Expr]) -> tuple[Sde, Expr]:
    rate, factor = candidate
    return Sde("Y", rate * s2 * score, sigma, "r"), factor * v


_STEP, _HALF, _FACTOR = {"step": s2 * dt}, Rational(1, 2), 1 / (1 - H / (4 * v))
R11_CORRECTOR = Claim(
    "R11-corrector", "a corrector at fixed time", corrects, holds=(_HALF, _FACTOR), twins={
        "drift of the reverse equation": (2 * _HALF, _FACTOR),
        "factor of mirrored Langevin with step 2h": (_HALF, 1 / (1 - H / (2 * v))),
        "first order of the factor": (_HALF, 1 + H / (4 * v)), "no bias": (_HALF, v / v),
    }, shown=lambda c: dict(zip(("corrector", "stationary"), _corrector(c), strict=True)),
    values=lambda: _STEP, names=_NAMES | {"H": "h"},
    sheet=("R11",), assumptions=REGULAR, depends=("A10-score", "A22"))  # fmt: skip

Flow = tuple[Expr, Expr, Expr]


def flows(candidate: Flow, slope: Callable[[Expr], Expr] = lambda exact: exact) -> bool:
    r"""In forward time and in the plane, [[in_log]] and [[in_x]], from the law of the data,
    have the marginals of the process. For log-normal data and their exact score, along one
    eigenvector of the covariance, $Y$ moves from time $t$ to time $s$ by [[path]], where $M$ and
    $w$ are mean and standard deviation of $Y$.

    The Fokker-Planck equation is the continuity equation of these velocities, decided for every
    density of the plane in $Y$ and in $X$. The deviation from the mean is proportional to $w$."""
    in_log, in_x, factor = candidate
    # d log X is dX / X along a path, and the score of Y is one more than that of X.
    chained = _keep((-in_log, -in_x), Integer(0)) and same(in_log.subs(score, 1 + h), in_x)
    return chained and _solves(in_log, factor, slope)


def _solves(velocity: Expr, factor: Expr, slope: Callable[[Expr], Expr]) -> bool:
    """Whether y = M + factor * (y0 - M0) moves with the velocity, dM = f dt, dw = s2/(2w) dt."""
    path = _path(factor)
    moved = diff(path, M) * f + diff(path, w) * s2 / (2 * w)
    exact = diff(-((y - M) ** 2) / (2 * w**2), y)
    along = velocity.subs(score, slope(exact)).subs(y, path)
    return vanishes((path.subs({w: w0, M: M0}) - y0, moved - along))


def _path(factor: Expr) -> Expr:
    return M + factor * (y0 - M0)


def _flow(candidate: Flow) -> Values:
    said = candidate[0], _of_x(candidate[1]), _path(candidate[2])
    pairs = map(Says, (r"\frac{dY}{dt}", r"\frac{dX}{dt}", "Y_s"), said)
    return dict(zip(("in_log", "in_x", "path"), pairs, strict=True))


_FLOW = f - s2 / 2 * score, mu - s2 - s2 / 2 * h, w / w0
R16_ODE = Claim(
    "R16-ode", "probability-flow equation", flows, holds=_FLOW, twins={
        "score of the reverse equation, not halved": (f - s2 * score, *_FLOW[1:]),
        "sigma^2/2 for sigma^2 in X": (_FLOW[0], mu - s2 / 2 - s2 / 2 * h, _FLOW[2]),
        "ratio of variances, not of deviations": (*_FLOW[:2], w**2 / w0**2),
    }, shown=_flow, names=_NAMES | {"y0": "Y_t", "M0": "M_t", "M": "M_s"}, sheet=("R16",),
    assumptions=(
        *REGULAR, Assumption(
            "the score is exact", "the path of log-normal data moves along it",
            lambda: not flows(_FLOW, slope=lambda exact: exact / 2),
        ), "the velocity is regular enough for unique paths",
    ), depends=("A5", "A9", "A10-score", "R2"))  # fmt: skip
CLAIMS = (R11, R11_CORRECTOR, R16_ODE)
