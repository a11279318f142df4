"""The sign-preserving sampler on log-normal data with any covariance, from any Gaussian start.

Symbols: S the covariance of log X_{t_k}, S_k = S_0 + h k I; B the covariance of the start, at
level N; K = S_0 S_N^{-1}; lambda_i, u_i eigenvalues and eigenvectors of S_0, of which h q_i are
those of S at the level that is reached; n the number of steps taken.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, diag, diff, eye, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.numeric import agree
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact._chain import h, kappa, orders, r
from spec.exact._pins import DALE_LANGEVIN_PLANE
from spec.exact._special import trigamma, vanishes_by_recurrence
from spec.exact.dale_langevin_bias import expansion, v0, vN

S = Matrix(2, 2, symbols("S_11 S_12 S_12 S_22"))
B = Matrix(2, 2, symbols("B_11 B_12 B_12 B_22"))
n, s2 = symbols("n s2", positive=True)
q = symbols("q_1 q_2", positive=True)


def is_the_step(candidate: Callable[[Matrix], tuple[Matrix, Matrix]]) -> bool:
    """Whether a step multiplies log X - c by G and adds noise of covariance Q, (G, Q) of S.

    Left: the step of eq. (13) in log X for log X_t ~ N(c, S), the score being the gradient of the
    quadratic log density; it is affine in log X and the noise, so that its Jacobians are G and a
    root of Q and its value at (c, 0) must be the centre c - dm of the next level.
    """
    y, centre, z = (Matrix(symbols(f"{name}_1 {name}_2")) for name in ("y", "c", "z"))
    shift = Matrix(symbols("dm_1 dm_2"))
    quadratic = -((y - centre).T * S.inv() * (y - centre))[0] / 2
    score = Matrix([diff(quadratic, variable) for variable in y])
    # With h = r^2; the noise is kappa r z in every coordinate.
    image = y - shift + r**2 * score + kappa * r * z
    at_centre = image.subs({**dict(zip(y, centre, strict=True)), z[0]: 0, z[1]: 0})
    root = image.jacobian(z)
    factor, noise = (part.subs(h, r**2) for part in candidate(S))
    return (
        same(at_centre, centre - shift)
        and same(image.jacobian(y), factor)
        and same(root * root.T, noise)
    )


def solves_the_recursion(closed: Callable) -> bool:
    """Whether (K, noise part) = closed(q, n, h, psi_1) per eigenvector solve the recursion of R9.

    In the basis of the eigenvectors the law after n steps is claimed to be e = diag(K) e_N with
    covariance diag(K) B diag(K) + diag(noise), B full. Induction over n; then a chain of 40 steps
    of full, turned matrices at 50 digits.
    """
    start, before, below = (
        [closed(x, steps, h, trigamma) for x in level]
        for level, steps in ((q, Integer(0)), (q, n), ([x - 1 for x in q], n + 1))
    )
    if not all([vanishes(k - 1) and vanishes_by_recurrence(noise) for k, noise in start]):
        return False
    level = diag(*q) * h
    factor = (level - h * eye(2)) * level.inv()
    stepped = factor * _covariance(before) * factor + h * eye(2)
    gains = [diag(*(gain for gain, _ in law)) for law in (before, below)]
    induction = same(gains[1], factor * gains[0]) and all(
        [vanishes_by_recurrence(entry) for entry in _covariance(below) - stepped]
    )
    return induction and _matches_a_chain(closed)


def _covariance(law: list[tuple[Expr, Expr]]) -> Matrix:
    gain = diag(*(gain for gain, _ in law))
    return gain * B * gain + diag(*(noise for _, noise in law))


def _matches_a_chain(closed: Callable) -> bool:
    """The same claim against 40 steps of full matrices, from a start that S_0 does not share."""
    with mpmath.workdps(50):
        values, steps, h_ = (mpf("0.3"), mpf("0.04")), 40, mpf("0.016")
        turn = mpmath.matrix([[mpf(3) / 5, -mpf(4) / 5], [mpf(4) / 5, mpf(3) / 5]])
        data = turn * mpmath.diag(values) * turn.T
        start = mpmath.matrix([["1.3", "-0.4"], ["-0.4", "0.9"]])
        mean, cov = mpmath.matrix(["0.7", "-0.2"]), start
        for k in range(steps, 0, -1):
            factor = mpmath.eye(2) - h_ * (data + h_ * k * mpmath.eye(2)) ** -1
            mean, cov = factor * mean, factor * cov * factor.T + h_ * mpmath.eye(2)
        pairs = [closed(x / h_, mpf(steps), h_, lambda y: mpmath.psi(1, y)) for x in values]
        gain, noise = (turn * mpmath.diag([p[i] for p in pairs]) * turn.T for i in (0, 1))
        wanted = (*(gain * mpmath.matrix(["0.7", "-0.2"])), *(gain * start * gain.T + noise))
        return all([agree(f, g, 40) for f, g in zip((*mean, *cov), wanted, strict=True)])


def is_the_limit(candidate: Callable[[Matrix, Matrix, Matrix], Matrix]) -> bool:
    """Whether V_0 = candidate(S_0, S_N, B) + O(h) at fixed S_0 and S_N = S_0 + sigma^2 I.

    The noise part has in each eigenvector the order h^0 of the expansion in `dale_langevin_bias`;
    the eigenvalues of S_0 are q_1, q_2.
    """
    leading = orders(expansion(Integer(0)), h, 0)[0]
    noises = diag(*(leading.subs({v0: x, vN: x + s2}) for x in q))
    data, end = diag(*q), diag(*q) + s2 * eye(2)
    gain = diag(*(x / (x + s2) for x in q))
    return same(gain * B * gain.T + noises, candidate(data, end, B))


def _closed(q: Expr, n: Expr, h: Expr, psi_1: Callable) -> tuple:
    return q / (q + n), h * q**2 * (psi_1(q) - psi_1(q + n))


def _limit(data: Matrix, end: Matrix, start: Matrix) -> Matrix:
    gain = data * end.inv()
    return data + gain * (start - end) * gain.T


R9 = Claim(
    id="R9",
    title="Dale-Langevin with any covariance: one step",
    statement=r"For $\log X_0\sim N(a,S_0)$, $S_k=S_0+hkI$, a Gaussian $\log X_k$ goes to "
    r"$e_{k-1}=G_ke_k$, $V_{k-1}=G_kV_kG_k^\top+\kappa^2hI$ with "
    r"$G_k=S_{k-1}S_k^{-1}=I-hS_k^{-1}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R9",),
    assumptions=("log-normal data", "exact score", "Gaussian start", "one step of delta a level"),
    depends=("A13", "R8"),
    derivation=r"The log score is $-S_k^{-1}(\log X-a-mt_k)$. The step is affine in $(\log X,Z)$ "
    r"with Jacobians $I-hS_k^{-1}$ and $\kappa\sqrt hI$, and sends $a+mt_k$ to $a+mt_{k-1}$. "
    "Decided with a full symmetric matrix of symbols.",
    proof=Proof(
        is_the_step,
        holds=lambda s: ((s - h * eye(2)) * s.inv(), kappa**2 * h * eye(2)),
        twins={
            "diagonal of the covariance only": lambda s: (
                eye(2) - h * diag(1 / s[0, 0], 1 / s[1, 1]),
                kappa**2 * h * eye(2),
            ),
            "noise of the exact reverse kernel": lambda s: (
                (s - h * eye(2)) * s.inv(),
                h * (s - h * eye(2)) * s.inv(),
            ),
            "noise kappa, not squared": lambda s: (
                (s - h * eye(2)) * s.inv(),
                kappa * h * eye(2),
            ),
        },
    ),
    pins=(DALE_LANGEVIN_PLANE,),
)

CLOSED = Claim(
    id="R9-closed",
    title="Dale-Langevin with any covariance: the law after N steps",
    statement=r"From $N(a+m+e_N,B)$: $e_0=Ke_N$ and $V_0=KBK^\top+\sum_i\tfrac{\lambda_i^2}h"
    r"\big[\psi_1(\tfrac{\lambda_i}h)-\psi_1(\tfrac{\lambda_i}h+N)\big]u_iu_i^\top$, "
    r"$K=S_0(S_0+\sigma^2I)^{-1}$, for any covariance $B$ of the start.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R9",),
    assumptions=("as for R9 with kappa = 1", "S_0 non-singular, in the plane for the algebra"),
    depends=("R9", "R8-closed"),
    derivation=r"The factors $S_{k-1}S_k^{-1}$ commute and telescope to $S_0S_N^{-1}$. The noise "
    r"of step $j+1\to j$ is carried to level $0$ by $S_0S_j^{-1}$ and contributes "
    r"$h(S_0S_j^{-1})^2$, which is diagonal in the eigenvectors of $S_0$: there it is R8-closed. "
    r"An error of the start along $u_i$ shrinks by $\lambda_i/(\lambda_i+\sigma^2)$ only.",
    proof=Proof(
        solves_the_recursion,
        holds=_closed,
        twins={
            "gain squared": lambda q, n, h, psi_1: (
                (q / (q + n)) ** 2,
                _closed(q, n, h, psi_1)[1],
            ),
            "last noise left out": lambda q, n, h, psi_1: (
                q / (q + n),
                h * q**2 * (psi_1(q + 1) - psi_1(q + n)),
            ),
            "eigenvalue not squared": lambda q, n, h, psi_1: (
                q / (q + n),
                h * q * (psi_1(q) - psi_1(q + n)),
            ),
        },
    ),
)

LIMIT = Claim(
    id="R9-limit",
    title="What remains of a wrong start",
    statement=r"As $\delta\to0$, $V_0=S_0+K(B-S_0-\sigma^2I)K^\top+O(\delta)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R9",),
    assumptions=("as for R9-closed",),
    depends=("R9-closed", "R8-leading"),
    derivation=r"By the bounds on $\psi_1$ the noise part is $\lambda_i-\lambda_i^2/(\lambda_i+"
    r"\sigma^2)+O(h)$ along $u_i$, that is $S_0-S_0S_N^{-1}S_0=S_0-KS_NK^\top$, with $S_N=S_0+"
    r"\sigma^2I$.",
    proof=Proof(
        is_the_limit,
        holds=_limit,
        twins={
            "start compared with the data": lambda data, end, start: (
                data + (data * end.inv()) * (start - data) * (data * end.inv()).T
            ),
            "gain on one side only": lambda data, end, start: (
                data + (data * end.inv()) * (start - end)
            ),
        },
    ),
)

CLAIMS = (R9, CLOSED, LIMIT)
