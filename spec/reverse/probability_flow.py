"""The noise-free equation with the marginals of the process.

Symbols: mu, s2 = sigma^2; score = grad log q_t of Y = log X; h = score - 1; M, V mean and variance
of log X at the running time, w = sqrt(V), and w0 the value of w where the path starts.
"""

from sympy import Expr, Integer, Matrix, Symbol, diff, symbols, zeros

from spec.checking.algebra import same
from spec.checking.diffusions import (
    adjoint,
    isotropic,
    jet,
    partials_of_exponentials,
    plain_partials,
)
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import M, h, mu, s2

score = Symbol("score", real=True)
w, w0 = symbols("w w0", positive=True)
f = mu - s2 / 2

Flow = tuple[Expr, Expr, Expr]


def flows(candidate: Flow) -> bool:
    """Whether the velocities transport q_t and p_t, and the map solves the equation of Y.

    candidate  velocity of Y in (mu, s2, score); velocity of X over X in (mu, s2, h); the factor
               on y - M in terms of w, w0 for data that are normal in log space
    """
    return _transports(candidate[:2]) and _solves(candidate[0], candidate[2])


def _transports(velocities: tuple[Expr, Expr]) -> bool:
    """-div(q u) / q and the Fokker-Planck operator agree, in Y and in X, for every density."""
    d = symbols("d1 d2", real=True)
    xs = symbols("x1 x2", positive=True)
    mus = symbols("mu1 mu2", real=True)
    log_density = jet("l", d)
    for velocity, slot, scales, partials in (
        (velocities[0], score, (Integer(1), Integer(1)), plain_partials(d)),
        (velocities[1], h, xs, partials_of_exponentials(d, xs)),
    ):
        moves = [
            e * velocity.subs({mu: mu_i, slot: diff(log_density, d_i)}, simultaneous=True)
            for e, mu_i, d_i in zip(scales, mus, d, strict=True)
        ]
        rate = f if slot is score else mu
        drift = Matrix([e * rate.subs(mu, mu_i) for e, mu_i in zip(scales, mus, strict=True)])
        squares = Matrix(2, 2, lambda i, j, e=scales: e[i] * e[j] * isotropic(s2)[i, j])
        diffused = adjoint(Integer(1), drift, squares, log_density, partials)
        carried = adjoint(Integer(1), Matrix(moves), zeros(2, 2), log_density, partials)
        if not same(*(side.subs(dict.fromkeys(d, 0)) for side in (diffused, carried))):
            return False
    return True


def _solves(velocity: Expr, factor: Expr) -> bool:
    """Whether y = M + factor * e0 moves with the velocity, where dM = f dt and dw = s2/(2w) dt."""
    e0, y = symbols("e0 y", real=True)
    path = M + factor * e0
    moved = diff(path, M) * f + diff(path, w) * s2 / (2 * w)
    log_q = -((y - M) ** 2) / (2 * w**2)
    starts = same(factor.subs(w, w0), Integer(1))
    return starts and same(moved, velocity.subs(score, diff(log_q, y)).subs(y, path))


R16_ODE = Claim(
    id="R16-ode",
    title="probability-flow equation",
    statement=r"$\frac{dY}{dt}=\mu-\frac{\sigma^2}2-\frac{\sigma^2}2\nabla\log q_t$ and "
    r"$\frac{dX}{dt}=X\circ(\mu-\sigma^2\mathbf 1-\frac{\sigma^2}2H)$ in forward time have the "
    "marginals of the process (a sampler integrates them from $t=1$ to $0$). For log-normal data "
    r"$Y_s=M_s+\sqrt{v_s/v_t}\,(Y_t-M_t)$, $M$ and $v$ the mean and variance of $Y$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R16",),
    assumptions=(
        "q_t is positive and C^2, C^1 in t",
        "the velocity is regular enough for unique paths",
        "the solution map: one coordinate, or one eigenvector of the covariance of log X_0",
    ),
    depends=("A5", "A9", "A10-score"),
    derivation=r"$\partial_tq=-\nabla\!\cdot(fq)+\frac{\sigma^2}2\Delta q=-\nabla\!\cdot(q\,[f-"
    r"\frac{\sigma^2}2\nabla\log q])$ is the continuity equation of the velocity in brackets, "
    r"$f=\mu-\frac{\sigma^2}2$; in $x$ the same with $\frac12\nabla\!\cdot[\sigma^2\mathrm{diag}"
    r"(x^2)p]=p\,x\circ(\sigma^2+\frac{\sigma^2}2H)$. Both are decided for every density of the "
    r"plane. On $\mathcal N(M,w^2)$ the score is $-(y-M)/w^2$ and $\dot w=\sigma^2/(2w)$, so "
    r"$e=y-M$ obeys $\dot e=\frac{\sigma^2}{2w^2}e=\frac{\dot w}we$: $e/w$ is constant.",
    proof=Proof(
        flows,
        holds=(f - s2 / 2 * score, mu - s2 - s2 / 2 * h, w / w0),
        twins={
            "score of the reverse equation, not halved": (
                f - s2 * score,
                mu - s2 - s2 / 2 * h,
                w / w0,
            ),
            "sigma^2/2 for sigma^2 in X": (f - s2 / 2 * score, mu - s2 / 2 - s2 / 2 * h, w / w0),
            "ratio of variances, not of deviations": (
                f - s2 / 2 * score,
                mu - s2 - s2 / 2 * h,
                w**2 / w0**2,
            ),
        },
    ),
)

CLAIMS = (R16_ODE,)
