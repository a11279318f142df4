"""Equations with the marginals of the process: any noise level, a corrector, no noise.

Symbols: mu, s2 = sigma^2, f = mu - s2/2; kappa factor on the noise; score = grad log q_t of
Y = log X; h = x * grad log p_t = score - 1; H = sigma^2 delta and v the log-variance of the data
at the time of a step; M, w mean and deviation of log X at the running time, w0 where a path
starts.
"""

from collections.abc import Callable

from sympy import Expr, Integer, Matrix, Rational, Symbol, diag, diff, solve, symbols, zeros

from spec.checking.algebra import same
from spec.checking.claim import Assumption, Claim, Values
from spec.checking.diffusions import (
    adjoint,
    isotropic,
    jet,
    keeps_marginals,
    partials_of_exponentials,
    plain_partials,
)
from spec.checking.symbols import H, M, dt, h, kappa, mu, s2, sigma, v, x
from spec.checking.typeset import Says, Sde
from spec.reverse.equations import REGULAR, REVERSE_RATE

score, y = symbols("score y", real=True)
w, w0 = symbols("w w0", positive=True)
f, _FULL = mu - s2 / 2, 1
_NAMES = {"score": r"\nabla\log q_t(Y)", "h": r"X\circ\nabla\log p_t(X)", "x": "X", "w": "w_s",
          "w0": "w_t", "M": "M", "H": "h"}  # fmt: skip
_D, _XS = symbols("d1 d2", real=True), symbols("x1 x2", positive=True)
_MUS, _LOG_DENSITY = symbols("mu1 mu2", real=True), jet("l", _D)


def _in_plane(rate: Expr, slot: Symbol = score, scales: tuple = (1, 1)) -> Matrix:
    """A rate in each coordinate, with its own mu and the slope of the density, times the scale."""
    return Matrix(
        [
            e * rate.subs({mu: mu_i, slot: diff(_LOG_DENSITY, d_i)}, simultaneous=True)
            for e, mu_i, d_i in zip(scales, _MUS, _D, strict=True)
        ]
    )


def has_the_marginals(rates: tuple[Expr, Expr]) -> bool:
    r"""In the plane, for every factor $\kappa$ on the noise, both [[in_log]] and [[in_x]] have the
    marginals of the process run backwards. With $\kappa=[[full]]$ they are A10 and A7.

    In the Fokker-Planck equation noise can be exchanged for drift along the score. Decided in $Y$
    and in $X$, for every density of the plane and with its own $\mu$ in each coordinate. Euler
    steps of the two are the marginal-preserving samplers.
    """
    at_one = [rate.subs(kappa, _FULL) for rate in rates]
    if not (same(at_one[0], -f + s2 * score) and same(at_one[1], REVERSE_RATE)):
        return False
    square = diag(*(e**2 for e in _XS))
    in_log, in_x = _in_plane(rates[0]), _in_plane(rates[1], h, _XS)
    return keeps_marginals(
        (_in_plane(f), isotropic(s2)),
        (in_log, isotropic(kappa**2 * s2)),
        _LOG_DENSITY,
        plain_partials(_D),
        _D,
    ) and keeps_marginals(
        (_in_plane(mu, h, _XS), s2 * square),
        (in_x, kappa**2 * s2 * square),
        _LOG_DENSITY,
        partials_of_exponentials(_D, _XS),
        _D,
    )


def _at_level(square: Expr, ito: Expr | None = None) -> tuple[Expr, Expr]:
    """Drift of Y, and of X over X, for kappa^2 = square; `ito` is what Ito's formula adds in X."""
    half = (1 + square) / 2 * s2
    return -f + half * score, -f + half * (1 + h) + (square / 2 * s2 if ito is None else ito)


def _noisy(rates: tuple[Expr, Expr]) -> Values:
    in_log = Sde("Y", rates[0], kappa * sigma, "r")
    return {"in_log": in_log, "in_x": Sde("X", x * rates[1], kappa * sigma * x, "r")}


R11 = Claim(
    "R11",
    "the same marginals at any noise level",
    has_the_marginals,
    holds=_at_level(kappa**2),
    twins={
        "drift unchanged while the noise is reduced": _at_level(Integer(1), kappa**2 / 2 * s2),
        "kappa for kappa^2": _at_level(kappa),
        "in X the Itô term of full noise": _at_level(kappa**2, s2 / 2),
    },
    shown=_noisy,
    values=lambda: {"full": _FULL},
    names=_NAMES,
    assumptions=(
        *REGULAR,
        Assumption(
            "kappa does not depend on the state",
            "the diffusion matrix has no derivatives in log coordinates",
            lambda: (
                not has_the_marginals(
                    tuple(e.subs(kappa, kappa * _D[0]) for e in _at_level(kappa**2))
                )
            ),
        ),
    ),
    depends=("A7", "A10"),
)


def corrects(candidate: tuple[Expr, Expr]) -> bool:
    r"""At a fixed time [[corrector]] leaves $q_t$ as it is: it is the mirrored Langevin equation
    A22, run at half the rate $\sigma^2$. In one coordinate its Euler step with $h=[[step]]$ takes
    a normal law of variance [[stationary]] to itself, where the exact score is that of a normal
    law of variance $v$, if $v$ is above [[bound]].

    The drift along the score and the noise balance in the Fokker-Planck equation for every
    density of the plane. The Euler step multiplies the deviation from the mean by one factor and
    adds noise of variance $h$; the stationary variance is a fixed point of that.
    """
    c, factor = candidate
    at_rest = zeros(2, 1), isotropic(s2 * 0)
    moving = _in_plane(c * s2 * score), isotropic(s2)
    if not keeps_marginals(at_rest, moving, _LOG_DENSITY, plain_partials(_D), _D):
        return False
    step = y + c * H * diff(-((y - M) ** 2) / (2 * v), y)
    # A22 has drift 1 * score and noise variance 2; at this rate its noise variance is s2.
    return same(diff(step, y) ** 2 * v * factor + H, v * factor) and same(c * s2, s2 / 2)


_HALF, _FACTOR = Rational(1, 2), 1 / (1 - H / (4 * v))
R11_CORRECTOR = Claim(
    "R11-corrector",
    "a corrector at fixed time",
    corrects,
    holds=(_HALF, _FACTOR),
    twins={
        "drift of the reverse equation": (2 * _HALF, _FACTOR),
        "factor of mirrored Langevin with step 2h": (_HALF, 1 / (1 - H / (2 * v))),
        "first order of the factor": (_HALF, 1 + H / (4 * v)),
        "no bias": (_HALF, v / v),
    },
    shown=lambda c: {"corrector": Sde("Y", c[0] * s2 * score, sigma, "r"), "stationary": c[1] * v},
    values=lambda: {"bound": solve(1 / _FACTOR, v)[0], "step": s2 * dt},
    names=_NAMES,
    sheet=("R11",),
    assumptions=REGULAR,
    depends=("A10-score", "A22"),
)

Flow = tuple[Expr, Expr, Expr]


def flows(candidate: Flow, slope: Callable[[Expr], Expr] = lambda exact: exact) -> bool:
    r"""In forward time and in the plane, [[in_log]] and [[in_x]] have the marginals of the
    process. For log-normal data and their exact score, along one eigenvector of the covariance,
    $Y$ moves from time $t$ to time $s$ by [[path]], where $M$ and $w$ are mean and standard
    deviation of $Y$.

    The Fokker-Planck equation is the continuity equation of these velocities, decided for every
    density of the plane in $Y$ and in $X$. The deviation from the mean moves in proportion to
    $w$, since both have the same log-derivative.
    """
    return _transports(candidate[:2]) and _solves(candidate[0], candidate[2], slope)


def _transports(velocities: tuple[Expr, Expr]) -> bool:
    """-div(q u) / q and the Fokker-Planck operator agree, in Y and in X, for every density."""
    for velocity, drift, slot, scales, partials in (
        (velocities[0], f, score, (Integer(1), Integer(1)), plain_partials(_D)),
        (velocities[1], mu, h, _XS, partials_of_exponentials(_D, _XS)),
    ):
        squares = s2 * diag(*(e**2 for e in scales))
        diffused, carried = (
            adjoint(Integer(1), _in_plane(rate, slot, scales), matrix, _LOG_DENSITY, partials)
            for rate, matrix in ((drift, squares), (velocity, zeros(2, 2)))
        )
        if not same(*(side.subs(dict.fromkeys(_D, 0)) for side in (diffused, carried))):
            return False
    return True


def _solves(velocity: Expr, factor: Expr, slope: Callable[[Expr], Expr]) -> bool:
    """Whether y = M + factor * e0 moves with the velocity, where dM = f dt and dw = s2/(2w) dt."""
    e0 = Symbol("e0", real=True)
    path = M + factor * e0
    moved = diff(path, M) * f + diff(path, w) * s2 / (2 * w)
    exact = diff(-((y - M) ** 2) / (2 * w**2), y)
    starts = same(factor.subs(w, w0), Integer(1))
    return starts and same(moved, velocity.subs(score, slope(exact)).subs(y, path))


def _flow(candidate: Flow) -> Values:
    start, mean = symbols("Y_t M_t")
    velocity, in_x = r"\frac{dY}{dt}", r"\frac{dX}{dt}"
    return {
        "in_log": Says(velocity, candidate[0]),
        "in_x": Says(in_x, x * candidate[1]),
        "path": Says("Y_s", Symbol("M_s") + candidate[2] * (start - mean)),
    }


_FLOW = f - s2 / 2 * score, mu - s2 - s2 / 2 * h, w / w0
R16_ODE = Claim(
    "R16-ode",
    "probability-flow equation",
    flows,
    holds=_FLOW,
    twins={
        "score of the reverse equation, not halved": (f - s2 * score, *_FLOW[1:]),
        "sigma^2/2 for sigma^2 in X": (_FLOW[0], mu - s2 / 2 - s2 / 2 * h, _FLOW[2]),
        "ratio of variances, not of deviations": (*_FLOW[:2], w**2 / w0**2),
    },
    shown=_flow,
    names=_NAMES,
    sheet=("R16",),
    assumptions=(
        *REGULAR,
        Assumption(
            "the score is exact",
            "the path of log-normal data moves along it",
            lambda: not flows(_FLOW, slope=lambda exact: exact / 2),
        ),
        "the velocity is regular enough for unique paths",
    ),
    depends=("A5", "A9", "A10-score"),
)

CLAIMS = (R11, R11_CORRECTOR, R16_ODE)
