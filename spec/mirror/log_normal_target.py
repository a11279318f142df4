"""Mirrored Langevin dynamics on a log-normal target (version 2, appendix D).

Symbols: L     log x
         M     mean of log X under the target;  lam  its variance (the paper's mu and sigma^2)
         delta step length;  e  = L - M;  r  = sqrt(2 delta)
         A     = 1 - delta / lam, the factor of one step;  k, i  numbers of steps
"""

from collections.abc import Callable
from typing import NamedTuple

from sympy import Expr, Integer, Matrix, Poly, diff, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.diffusions import fokker_planck, plain_partials
from spec.checking.old import Claim, Kind, Means, Proof, v2
from spec.checking.symbols import L, M

_LAM, _DELTA = symbols("lam delta", positive=True)
_LOST = "the formula is lost in the text of version 2; the target and eq. 22 force it"


class Unrolled(NamedTuple):
    """e_k = A^start(k) e_0 + sqrt(noise) sum_{i < k} A^weight(k, i) Z_i."""

    start: Callable[[Expr], Expr]
    weight: Callable[[Expr, Expr], Expr]
    noise: Expr


class Limit(NamedTuple):
    """Variance of the limit law, and the step length below which there is one."""

    variance: Expr
    longest: Expr


def is_the_target(candidate: tuple[Expr, Expr]) -> bool:
    """Whether (x * grad log p, drift of log X) are those of the log-normal target.

    Left: d log p / dL for p the log-normal density, log p = -L - (L - M)^2 / (2 lam); and the
    Fokker-Planck residual of N(M, lam) under dL = drift dt + sqrt(2) dW. Right: the formula; zero.
    """
    score, drift = candidate
    normal = -((L - M) ** 2) / (2 * _LAM)
    residual = fokker_planck(normal, Matrix([drift]), Matrix([[2]]), plain_partials((L,)))
    return same(diff(normal - L, L), score) and vanishes(residual)


def is_the_recursion(step: Callable[[Expr, Expr, Expr], Expr]) -> bool:
    """Whether one Euler-Maruyama step takes log X - M from e to step(e, r, z).

    Left: the step of d log X = (1 + x * grad log p) dt + sqrt(2) dW with the log-normal density
    differentiated. Right: the formula.
    """
    e, r, z = symbols("e r z")
    stein = diff(-L - (L - M) ** 2 / (2 * _LAM), L)
    moved = (L + _DELTA * (1 + stein) + r * z - M).subs(L, M + e)
    return same(moved, step(e, r, z))


def is_unrolled(candidate: Unrolled) -> bool:
    """Whether the closed form is what the recursion e' = A e + sqrt(2 delta) Z gives.

    By induction, for symbols k and i: each step multiplies what is there by A (each exponent
    grows by one) and adds Z_k with weight 1 (exponent 0), and e_0 has exponent 0 at k = 0. And
    by running the recursion for four steps with symbols for e_0 and the draws.
    """
    k, i = symbols("k i", integer=True)
    start, weight, noise = candidate
    induction = (
        start(Integer(0)),
        start(k + 1) - start(k) - 1,
        weight(k + 1, i) - weight(k, i) - 1,
        weight(k + 1, k),
        noise - 2 * _DELTA,
    )
    return vanishes(induction) and _agrees_for_four_steps(candidate)


def _agrees_for_four_steps(candidate: Unrolled) -> bool:
    factor, e0, r = symbols("A e0 r")
    draws = symbols("z0:4")
    e = e0
    for z in draws:
        e = factor * e + r * z
    closed = factor ** candidate.start(4) * e0 + r * sum(
        factor ** candidate.weight(4, i) * z for i, z in enumerate(draws)
    )
    return same(e, closed)


def is_the_limit(candidate: Limit) -> bool:
    """Whether V = A^2 V + 2 delta has this solution, and A^2 < 1 iff 0 < delta < longest.

    1 - A^2 is a polynomial of degree two in delta, opening downwards; it is positive between its
    roots, which must be 0 and `longest`.
    """
    factor = 1 - _DELTA / _LAM
    gap = Poly(1 - factor**2, _DELTA)
    roots = same(gap.as_expr(), gap.LC() * _DELTA * (_DELTA - candidate.longest))
    downwards = gap.degree() == 2 and bool(gap.LC() < 0)
    stationary = same(factor**2 * candidate.variance + 2 * _DELTA, candidate.variance)
    return roots and downwards and stationary


A37 = Claim(
    id="A37",
    title="mirrored Langevin dynamics of a log-normal target",
    statement=r"For $p=\mathcal{LN}(\mu,\sigma^2I)$: $x\circ\nabla\log p(x)=-\mathbf "
    r"1-\tfrac{\log x-\mu}{\sigma^2}$, and (22) becomes $d\log X_t=-\tfrac1{\sigma^2}(\log "
    r"X_t-\mu)\,dt+\sqrt2\,dW_t$, an Ornstein–Uhlenbeck equation that leaves the target "
    "invariant.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 37", "App. D: score of the log-normal target"),
    sheet=("A37",),
    assumptions=("sigma > 0; per coordinate", _LOST),
    depends=("A22", "A23"),
    derivation=r"$\log p=-L-(L-\mu)^2/2\sigma^2$ up to a constant, $L=\log x$, and $x\,\partial_x="
    r"\partial_L$. Add 1 for the drift. Its Fokker–Planck residual at $\mathcal N(\mu,\sigma^2)$ "
    "in $L$ is zero.",
    proof=Proof(
        is_the_target,
        holds=(-1 - (L - M) / _LAM, -(L - M) / _LAM),
        twins={
            "score without the one": (-(L - M) / _LAM, -(L - M) / _LAM),
            "drift with the one": (-1 - (L - M) / _LAM, -1 - (L - M) / _LAM),
            "half the rate": (-1 - (L - M) / _LAM, -(L - M) / (2 * _LAM)),
        },
    ),
)

RECURSION = Claim(
    id="D-recursion",
    title="its Euler–Maruyama step",
    statement=r"The Euler–Maruyama step of (37) is $\log X_{k+1}-\mu=(1-\tfrac\delta{\sigma^2})("
    r"\log X_k-\mu)+\sqrt{2\delta}Z_k$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("App. D: recursion"),
    sheet=("A37", "R22"),
    assumptions=("delta > 0; per coordinate", _LOST),
    depends=("A22", "A37"),
    derivation=r"$\log X_{k+1}=\log X_k+\delta(1+X_k\circ\nabla\log p(X_k))+\sqrt{2\delta}Z_k$ "
    r"with the score of A37; subtract $\mu$ on both sides.",
    proof=Proof(
        is_the_recursion,
        holds=lambda e, r, z: (1 - _DELTA / _LAM) * e + r * z,
        twins={
            "growing": lambda e, r, z: (1 + _DELTA / _LAM) * e + r * z,
            "with the one left in": lambda e, r, z: (1 - _DELTA / _LAM) * e + _DELTA + r * z,
            "half the noise": lambda e, r, z: (1 - _DELTA / _LAM) * e + r * z / 2,
        },
    ),
)

UNROLLED = Claim(
    id="D-unrolled",
    title="the recursion unrolled",
    statement=r"$\log X_k-\mu=\alpha^k(\log X_0-\mu)+\sqrt{2\delta}\sum_{i=0}^{k-1}\alpha^{k-1-i}"
    r"Z_i$ with $\alpha=1-\delta/\sigma^2$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("App. D: unrolled"),
    sheet=("A37", "R22"),
    assumptions=("k whole, at least 0", _LOST),
    depends=("D-recursion",),
    derivation=r"Induction on $k$: a step multiplies every term by $\alpha$ and adds $\sqrt{2"
    r"\delta}Z_k$. Also run for four steps with symbols.",
    proof=Proof(
        is_unrolled,
        holds=Unrolled(lambda k: k, lambda k, i: k - 1 - i, 2 * _DELTA),
        twins={
            "exponent k - i": Unrolled(lambda k: k, lambda k, i: k - i, 2 * _DELTA),
            "exponent i": Unrolled(lambda k: k, lambda k, i: i, 2 * _DELTA),
            "start damped twice at first": Unrolled(
                lambda k: k + 1, lambda k, i: k - 1 - i, 2 * _DELTA
            ),
            "noise of variance delta": Unrolled(lambda k: k, lambda k, i: k - 1 - i, _DELTA),
        },
    ),
)

LIMIT = Claim(
    id="D-limit",
    title="the limit law of the steps",
    statement=r"For $0<\delta<2\sigma^2$, and for no other step length, $X_k$ converges in law, "
    r"to $\mathcal{LN}\big(\mu,\tfrac{\sigma^2}{1-\delta/2\sigma^2}I\big)$: the right $\mu$, and "
    r"a log-variance that is too large by the factor $1/(1-\delta/2\sigma^2)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("App. D: limit measure"),
    sheet=("A37", "E20", "R22"),
    assumptions=("any law of X_0", "per coordinate", _LOST),
    depends=("D-unrolled",),
    derivation=r"In D-unrolled the start is multiplied by $\alpha^k\to0$ iff "
    r"$\lvert\alpha\rvert<1$, and $1-\alpha^2=\tfrac\delta{\sigma^4}(2\sigma^2-\delta)$ is "
    r"positive iff $0<\delta<2\sigma^2$. The sum is normal with variance "
    r"$2\delta\sum_{i<k}\alpha^{2i}\to2\delta/(1-\alpha^2)$, which is the stated one. For "
    r"$\lvert\alpha\rvert\ge1$ it grows without bound. The factor on the standard deviation is "
    "the square root.",
    proof=Proof(
        is_the_limit,
        holds=Limit(_LAM / (1 - _DELTA / (2 * _LAM)), 2 * _LAM),
        twins={
            "for steps below sigma^2": Limit(_LAM / (1 - _DELTA / (2 * _LAM)), _LAM),
            "for no step": Limit(_LAM / (1 - _DELTA / (2 * _LAM)), Integer(0)),
            "the target": Limit(_LAM, 2 * _LAM),
            "noise of variance delta": Limit(_LAM / (2 - _DELTA / _LAM), 2 * _LAM),
            "too small by the factor": Limit(_LAM * (1 - _DELTA / (2 * _LAM)), 2 * _LAM),
        },
    ),
)

CLAIMS = (A37, RECURSION, UNROLLED, LIMIT)
