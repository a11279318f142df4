"""The sign-preserving sampler on log-normal data with any covariance, from any Gaussian start.

Symbols: S the covariance of log X_{t_k}, S_k = S_0 + h k I; B that of the start, at level N; in
the eigenbasis of S_0 its eigenvalues are h q_i at the level that is reached; n steps taken."""

from collections.abc import Callable

import mpmath
from mpmath import matrix, mpf
from sympy import Expr, Identity, Integer, Matrix, MatrixSymbol, diag, eye, lambdify, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.pins import Values, table
from spec.exact._chain import NAMES, dale_langevin, h, kappa, m, n, orders, q, r, sigma, v0, vN
from spec.exact._special import vanish_by_recurrence
from spec.exact.dale_langevin import GAIN, NOISE, expansion

S, B = (Matrix(2, 2, symbols(s)) for s in ("S11 S12 S12 S22", "B_11 B_12 B_12 B_22"))
QS = symbols("q_1 q_2", positive=True)
Maps = Callable[[Matrix, Matrix], tuple[Matrix, Matrix]]
Law = tuple[Expr, Expr]


def is_the_step(candidate: Maps, length: Expr = r**2, curvature: int = 0) -> bool:
    r"""In the plane, with the exact Hyvärinen score, where $\log X_{t_k}\sim N(c_k,S_k)$, a step
    with noise factor $\kappa$ multiplies the deviation of $\log X_k$ from $c_k$ by $G_k=[[G]]$ and
    adds normal noise of covariance $[[Q]]$.

    The log density is a quadratic form, so that the step of eq. (13) is affine in $\log X$ and the
    draw: its Jacobians are the factor and a root of the covariance of the noise, and it sends the
    mean $c_k$ to that of the next level."""
    y, centre, z = (Matrix(symbols(f"{name}_1 {name}_2")) for name in ("y", "c", "z"))
    quadratic = -((y - centre).T * S.inv() * (y - centre))[0] / 2 + curvature * y[0] ** 3
    score = Matrix([quadratic]).jacobian(y) - Matrix([[1, 1]])
    image = Matrix([dale_langevin(y[i], score[i], r, kappa * z[i]) for i in (0, 1)])
    falls = image.subs(dict(zip((*y, *z), (*centre, 0, 0), strict=True))) - centre
    factor, noise = (part.subs(h, sigma**2 * r**2) for part in candidate(S, eye(2)))
    gaps = image.jacobian(y) - factor, image.jacobian(z) * image.jacobian(z).T - noise
    return vanishes((falls + length * m * Matrix([1, 1]), *gaps))


def solves_the_recursion(closed: Law) -> bool:
    r"""In the eigenbasis of $S_0$, in the plane, with the exact score and full noise, any number
    $N$ of steps of equal length multiplies the mean error by $K=[[K]]$ and leads from $\log X$ of
    covariance $B$ to $V_0=[[V]]$; $q_i$ are the eigenvalues of $S_0$ in units of $h$.

    A rotation of $\log X$ keeps the noise of R9, so that the eigenbasis may be taken, with a start
    that is any symmetric matrix there. By induction over the number of steps, as for R8-closed."""
    (start, zero), (gain, cov), (after, below) = (
        _in_the_plane(closed, *reached) for reached in ((0, Integer(0)), (), (1, n + 1))
    )
    factor, noise = (part.subs(kappa, 1) for part in _step(diag(*QS) * h, eye(2)))
    gaps = (start - eye(2), zero - B, after - factor * gain, below - factor * cov * factor - noise)
    return vanish_by_recurrence(*(entry for gap in gaps for entry in gap))


def _in_the_plane(closed: Law, lower: int = 0, steps: Expr = n) -> tuple[Matrix, Matrix]:
    """Gain and covariance after some steps, down to the eigenvalues less h times `lower`."""
    gain, noise = (diag(*(f.xreplace({q: x - lower, n: steps}) for x in QS)) for f in closed)
    return gain, gain * B * gain + noise


def is_the_limit(candidate: Callable[[Matrix, Matrix, Matrix], Matrix]) -> bool:
    r"""In the plane, with exact score and full noise, from $\log X$ of covariance $B$, up to
    $O(h)$ at fixed $S_0$ and $S_N$, $V_0=[[it]]$; $S_N$ is $S_0$ and a multiple of the identity.

    In each eigenvector of $S_0$ the noise part has the order zero of the expansion of R8-leading,
    the closed form with its remainders bounded; the start is carried by the gain of R9-closed."""
    leading, s2 = orders(expansion(Integer(0)), h, 0)[0], symbols("s2")
    noises = diag(*(leading.subs({v0: x, vN: x + s2}) for x in QS))
    gain, data = diag(*(GAIN.subs({q: x, n: s2}) for x in QS)), diag(*QS)
    return same(gain * B * gain + noises, candidate(data, data + s2 * eye(2), B))


def _step(s: Matrix, one: Matrix) -> tuple[Matrix, Matrix]:
    return (s - h * one) * s.inv(), kappa**2 * h * one


def _limit(data: Matrix, end: Matrix, start: Matrix) -> Matrix:
    gain = data * end.inv()
    return data + gain * (start - end) * gain.T


def _symmetric(at: Values, name: str) -> matrix:
    return matrix([[at[f"{name}11"], at[f"{name}12"]], [at[f"{name}12"], at[f"{name}22"]]])


def _run(candidate: Maps, at: Values) -> tuple[mpf, ...]:
    """Means, covariances and their scales (see `_chain`) of log X_0 on a uniform grid."""
    maps = lambdify((*S[:2], S[3], h, kappa), candidate(S, eye(2)), "mpmath")
    one, ones, centre = mpmath.eye(2), matrix([1, 1]), matrix([at["a1"], at["a2"]])
    mean, cov, dt = matrix([at["M1"], at["M2"]]), _symmetric(at, "B"), at["T"] / at["N"]
    dv, fall = at["sigma"] ** 2 * dt, (at["mu"] - at["sigma"] ** 2 / 2) * dt
    size, spread = mpmath.norm(mean), mpmath.norm(cov)
    for k in range(int(at["N"]), 0, -1):
        level = _symmetric(at, "S") + dv * k * one
        factor, noise = maps(level[0, 0], level[0, 1], level[1, 1], dv, 1)
        g = max(map(abs, mpmath.eigsy(factor, eigvals_only=True)))
        pull = (one - factor) * (mean - centre - fall * k * ones)
        size = g * size + mpmath.norm(mean) + mpmath.norm(pull) + abs(fall)
        after = factor * cov * factor.T + noise
        spread = g**2 * spread + 2 * g * mpmath.norm(cov) + mpmath.norm(after)
        mean, cov = mean - pull - fall * ones, after
    return (*mean, *cov, *(size,) * 2, *(spread,) * 4)


_POINTS = table("S11 S12 S22 a1 a2 B11 B12 B22 M1 M2 mu sigma T N", (0.5, 0.2, 0.3, 0.4, -0.7, 1.3,
    -0.4, 0.9, 1.1, 0.2, 0.1, 0.8, 1.0, 8), (0.01, -0.019, 0.04, -0.4, 1.7, 2.3, 1.4, 1.1, 0.1,
    -2.2, 0.7, 1.3, 0.6, 32), (0.25, 0.25, 0.25, 0.1, 0.2, 1.0, 0.9, 1.0, 0.3, 0.5, 0.0, 0.9, 1.2,
    12),)  # fmt: skip
LOG_NORMAL = Assumption(
    "the data are log-normal", "the quadratic log density; else the factor depends on the state",
    lambda: not is_the_step(_step, curvature=1))  # fmt: skip
LEVEL_STEP = Assumption(
    "one step a level, as long as the distance of the levels", "what the mean of log X falls by",
    lambda: not is_the_step(_step, length=2 * r**2))  # fmt: skip
ALL = (LOG_NORMAL, LEVEL_STEP, "log X_k and the draw are normal and independent")

R9 = Claim(
    "R9", "Dale-Langevin with any covariance: one step", is_the_step, holds=_step, twins={
        "diagonal of the covariance only": lambda s, one: _step(
            Matrix(2, 2, lambda i, j: s[i, j] * int(i == j)), one,
        ), "noise of the exact reverse kernel": lambda s, one: (
            _step(s, one)[0], h * _step(s, one)[0],
        ), "noise kappa, not squared": lambda s, one: (_step(s, one)[0], kappa * h * one),
    }, shown=lambda f: dict(
        zip("GQ", f(s=MatrixSymbol("S_k", 2, 2), one=Identity(2)), strict=True)
    ), names=NAMES, assumptions=ALL, depends=("A13", "R8"), pins=(
        Pin(
            "gbm_ref.exact_law", _POINTS, reads=lambda maps: lambda at: _run(maps, at)[:6],
            scale=lambda at: _run(_step, at)[6:], variant="dale-langevin-2d",
        ),
    ))  # fmt: skip

CLOSED = Claim(
    "R9-closed", "Dale-Langevin with any covariance: the law after N steps", solves_the_recursion,
    holds=(GAIN, NOISE), twins={
        "gain squared": (GAIN**2, NOISE), "last noise left out": (GAIN, NOISE - h),
        "eigenvalue not squared": (GAIN, NOISE / q),
    }, shown=lambda c: dict(zip("KV", _in_the_plane(c), strict=True)), names=NAMES,
    sheet=("R9",), assumptions=(*ALL, "S_0 is not singular"), depends=("R9", "R8-closed"),
)  # fmt: skip

LIMIT = Claim(
    "R9-limit", "What remains of a wrong start", is_the_limit, holds=_limit, twins={
        "start compared with the data": lambda data, end, start: _limit(
            data, end, start + end - data,
        ), "gain on one side": lambda data, end, start: data + data * end.inv() * (start - end),
    }, shown=lambda f: {"it": f(*(MatrixSymbol(name, 2, 2) for name in ("S_0", "S_N", "B")))},
    sheet=("R9",), assumptions=(*ALL, "equal steps", "S_0 is not singular"),
    means=Means.CALCULUS, depends=("R9-closed", "R8-leading"))  # fmt: skip
CLAIMS = (R9, CLOSED, LIMIT)
