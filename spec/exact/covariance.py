"""The sign-preserving sampler on log-normal data with any covariance, from any Gaussian start.

Symbols: S the covariance of log X_{t_k}, S_k = S_0 + h k I; B that of the start, at level N; in
the eigenbasis of S_0 its eigenvalues are h q_i at the level that is reached; n steps taken.
"""

from collections.abc import Callable

import mpmath
from mpmath import matrix, mpf
from sympy import Expr, Identity, Integer, Matrix, MatrixSymbol, diag, diff, eye, lambdify, symbols

from spec.checking.algebra import same
from spec.checking.claim import Assumption, Claim, Pin
from spec.exact import dale_langevin
from spec.exact._chain import orders
from spec.exact._rounding import Values
from spec.exact._special import vanishes_by_recurrence
from spec.exact._symbols import NAMES, h, kappa, n, q, r, v0, vN
from spec.exact.dale_langevin import expansion

S = Matrix(2, 2, symbols("S11 S12 S12 S22"))
B = Matrix(2, 2, symbols("B_11 B_12 B_12 B_22"))
s2 = symbols("s2", positive=True)
QS = symbols("q_1 q_2", positive=True)
Maps = Callable[[Matrix, Matrix], tuple[Matrix, Matrix]]
Law = tuple[Expr, Expr]


def is_the_step(candidate: Maps, length: Expr = r**2, curvature: int = 0) -> bool:
    r"""With the exact score of $\log X_{t_k}\sim N(c_k,S_k)$ a step multiplies the deviation
    of $\log X_k$ from $c_k$ by $G_k=[[G]]$ and adds normal noise of covariance $[[Q]]$, in the
    plane.

    The log density is a quadratic form, so that the step of eq. (13) is affine in $\log X$ and the
    draw: its Jacobians are the factor and a root of the covariance of the noise, and it sends the
    mean $c_k$ to that of the next level. Decided with a full symmetric matrix of symbols.
    """
    y, centre, z = (Matrix(symbols(f"{name}_1 {name}_2")) for name in ("y", "c", "z"))
    fall = Matrix(symbols("m_1 m_2"))
    quadratic = -((y - centre).T * S.inv() * (y - centre))[0] / 2 + curvature * y[0] ** 3
    score = Matrix([diff(quadratic, variable) for variable in y])
    # With h = r^2, so that the mean falls by m r^2; the noise is kappa r z in every coordinate.
    image = y - r**2 * fall + r**2 * score + kappa * r * z
    at_centre = image.subs({**dict(zip(y, centre, strict=True)), z[0]: 0, z[1]: 0})
    root = image.jacobian(z)
    factor, noise = (part.subs(h, r**2) for part in candidate(S, eye(2)))
    return (
        same(at_centre, centre - length * fall)
        and same(image.jacobian(y), factor)
        and same(root * root.T, noise)
    )


def solves_the_recursion(closed: Law) -> bool:
    r"""In the eigenbasis of $S_0$, in the plane and with full noise, any number $N$ of steps
    multiplies the mean error by $K=[[K]]$ and leads from the covariance $B$ of the start to
    $V_0=[[V]]$; $q_i$ are the eigenvalues of $S_0$ in units of $h$.

    The factors of R9 commute and telescope. A rotation of $\log X$ keeps the noise, so that the
    eigenbasis may be taken, with a start that is any matrix there. By induction over the number of
    steps, as for R8-closed, which is the diagonal.
    """
    start, before, below = (
        [tuple(f.subs(q, x).subs(n, steps) for f in closed) for x in level]
        for level, steps in ((QS, Integer(0)), (QS, n), ([x - 1 for x in QS], n + 1))
    )
    level = diag(*QS) * h
    factor = (level - h * eye(2)) * level.inv()
    stepped = factor * _covariance(before) * factor + h * eye(2)
    gaps = [
        *(gain - 1 for gain, _ in start),
        *(noise for _, noise in start),
        *(_gain(below) - factor * _gain(before)),
        *(_covariance(below) - stepped),
    ]
    return all([vanishes_by_recurrence(gap) for gap in gaps])


def _gain(laws: list[Law]) -> Matrix:
    return diag(*(gain for gain, _ in laws))


def _covariance(laws: list[Law]) -> Matrix:
    return _gain(laws) * B * _gain(laws) + diag(*(noise for _, noise in laws))


def is_the_limit(candidate: Callable[[Matrix, Matrix, Matrix], Matrix]) -> bool:
    r"""Up to $O(h)$ at fixed $S_0$ and $S_N$, $V_0=[[it]]$, in the plane, where $S_N$ is $S_0$
    and a multiple of the identity.

    In each eigenvector of $S_0$ the noise part has the order zero of the expansion of R8-leading,
    the closed form with its remainders bounded; the start is carried by the gain of R9-closed.
    """
    leading = orders(expansion(Integer(0)), h, 0)[0]
    noises = diag(*(leading.subs({v0: x, vN: x + s2}) for x in QS))
    data, end = diag(*QS), diag(*QS) + s2 * eye(2)
    gain = diag(*(x / (x + s2) for x in QS))
    return same(gain * B * gain.T + noises, candidate(data, end, B))


def _step(s: Matrix, one: Matrix) -> tuple[Matrix, Matrix]:
    return (s - h * one) * s.inv(), kappa**2 * h * one


def _limit(data: Matrix, end: Matrix, start: Matrix, other: Matrix | None = None) -> Matrix:
    gain = data * end.inv()
    return data + gain * (start - (end if other is None else other)) * gain.T


def _largest(symmetric: matrix) -> mpf:
    """The larger absolute value of the eigenvalues of a symmetric 2 x 2 matrix."""
    middle = (symmetric[0, 0] + symmetric[1, 1]) / 2
    half = mpmath.hypot((symmetric[0, 0] - symmetric[1, 1]) / 2, symmetric[0, 1])
    return abs(middle) + half


def _symmetric(at: Values, name: str) -> matrix:
    return matrix([[at[f"{name}11"], at[f"{name}12"]], [at[f"{name}12"], at[f"{name}22"]]])


def _in_the_plane(candidate: Maps) -> Callable[[Values], tuple[mpf, ...]]:
    """Means, covariances and their scales (see `_rounding`) of log X_0 on a uniform grid."""
    maps = lambdify((*S[:2], S[3], h, kappa), candidate(S, eye(2)), "mpmath")

    def run(at: Values) -> tuple[mpf, ...]:
        data, one, centre = _symmetric(at, "S"), mpmath.eye(2), matrix([at["a1"], at["a2"]])
        mean, cov = matrix([at["M1"], at["M2"]]), _symmetric(at, "B")
        dt = at["T"] / at["N"]
        dv, fall = at["sigma"] ** 2 * dt, (at["mu"] - at["sigma"] ** 2 / 2) * dt
        size, spread = mpmath.norm(mean), mpmath.norm(cov)
        for k in range(int(at["N"]), 0, -1):
            level = data + dv * k * one
            factor, noise = maps(level[0, 0], level[0, 1], level[1, 1], dv, 1)
            g, pull = (
                _largest(factor),
                (one - factor) * (mean - centre - fall * k * matrix([1, 1])),
            )
            size = g * size + mpmath.norm(mean) + mpmath.norm(pull) + abs(fall)
            after = factor * cov * factor.T + noise
            spread = g**2 * spread + 2 * g * mpmath.norm(cov) + mpmath.norm(after)
            mean, cov = mean - pull - fall * matrix([1, 1]), after
        return (*mean, *cov, *(size,) * 2, *(spread,) * 4)

    return run


def _reads(candidate: Maps) -> Callable[[Values], tuple[mpf, ...]]:
    run = _in_the_plane(candidate)
    return lambda at: run(at)[:6]


_NAMED = "S11 S12 S22 a1 a2 B11 B12 B22 M1 M2 mu sigma T N".split()
_ROWS = (
    (0.5, 0.2, 0.3, 0.4, -0.7, 1.3, -0.4, 0.9, 1.1, 0.2, 0.1, 0.8, 1.0, 8),
    (0.01, -0.019, 0.04, -0.4, 1.7, 2.3, 1.4, 1.1, 0.1, -2.2, 0.7, 1.3, 0.6, 32),
    (0.25, 0.25, 0.25, 0.1, 0.2, 1.0, 0.9, 1.0, 0.3, 0.5, 0.0, 0.9, 1.2, 12),
)
PLANE = Pin(
    "gbm_ref.exact_law",
    tuple(dict(zip(_NAMED, row, strict=True)) for row in _ROWS),
    reads=_reads,
    scale=lambda at: _in_the_plane(_step)(at)[6:],
    variant="dale-langevin-2d",
)
LOG_NORMAL = Assumption(
    "the data are log-normal",
    "the quadratic log density, without which the factor depends on the state",
    lambda: not is_the_step(_step, curvature=1),
)
LEVEL_STEP = Assumption(
    "one step a level, as long as the distance of the levels",
    "what the mean of log X falls by between levels",
    lambda: not is_the_step(_step, length=2 * r**2),
)
ALL = (LOG_NORMAL, LEVEL_STEP, "log X_k and the draw are normal and independent")

R9 = Claim(
    "R9",
    "Dale-Langevin with any covariance: one step",
    is_the_step,
    holds=_step,
    twins={
        "diagonal of the covariance only": lambda s, one: _step(
            Matrix(2, 2, lambda i, j: s[i, j] * int(i == j)), one
        ),
        "noise of the exact reverse kernel": lambda s, one: (
            _step(s, one)[0],
            h * _step(s, one)[0],
        ),
        "noise kappa, not squared": lambda s, one: (_step(s, one)[0], kappa * h * one),
    },
    shown=lambda f: dict(zip("GQ", f(MatrixSymbol("S_k", 2, 2), Identity(2)), strict=True)),
    names=NAMES,
    assumptions=ALL,
    depends=("A13", "R8"),
    pins=(PLANE,),
)

_GAIN, _NOISE = dale_langevin.GAIN, dale_langevin.NOISE
CLOSED = Claim(
    "R9-closed",
    "Dale-Langevin with any covariance: the law after N steps",
    solves_the_recursion,
    holds=(_GAIN, _NOISE),
    twins={
        "gain squared": (_GAIN**2, _NOISE),
        "last noise left out": (_GAIN, _NOISE - h),
        "eigenvalue not squared": (_GAIN, _NOISE / q),
    },
    shown=lambda c: (lambda laws: {"K": _gain(laws), "V": _covariance(laws)})(
        [tuple(f.subs(q, x) for f in c) for x in QS]
    ),
    names=NAMES,
    sheet=("R9",),
    assumptions=(*ALL, "S_0 is not singular"),
    depends=("R9", "R8-closed"),
)

LIMIT = Claim(
    "R9-limit",
    "What remains of a wrong start",
    is_the_limit,
    holds=_limit,
    twins={
        "start compared with the data": lambda data, end, start: _limit(data, end, start, data),
        "gain on one side only": lambda data, end, start: data + data * end.inv() * (start - end),
    },
    shown=lambda f: {"it": f(*(MatrixSymbol(name, 2, 2) for name in ("S_0", "S_N", "B")))},
    sheet=("R9",),
    assumptions=(*ALL, "S_0 is not singular"),
    depends=("R9-closed", "R8-leading"),
)

CLAIMS = (R9, CLOSED, LIMIT)
