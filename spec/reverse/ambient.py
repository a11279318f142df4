"""The reverse-time equation of geometric Brownian motion in X.

Symbols: mu, s2 = sigma^2 of the forward process; h = x * grad log p_t, the Hyvarinen score;
L = log x, so that x dL/dx = 1; a drift is written as a rate, b_i = x_i * rate(mu_i, h_i).
"""

from sympy import Expr, Integer, Matrix, Rational, diag, diff, log, symbols

from spec.checking.algebra import same
from spec.checking.diffusions import (
    adjoint,
    jet,
    keeps_marginals,
    partials_of_exponentials,
    turns_back,
)
from spec.checking.old import Claim, Kind, Means, Proof, v2
from spec.checking.symbols import L, M, V, h, mu, s2, x

REVERSE_RATE = -(mu - 2 * s2 - s2 * h)


def reverses_in_x(rate: Expr) -> bool:
    """Whether x * rate is the drift of the time reversal of dX = mu X dt + sigma X dW."""
    return _for_every_density(rate) and _for_log_normal_data(rate)


def _for_every_density(rate: Expr) -> bool:
    """In the plane with its own mu in each coordinate, log p any function of log x."""
    d = symbols("d1 d2", real=True)
    xs = symbols("x1 x2", positive=True)
    mus = symbols("mu1 mu2", real=True)
    log_p = jet("l", d)
    diffusion = diag(*(s2 * e**2 for e in xs))
    backward = [
        e * rate.subs({mu: rate_i, h: diff(log_p, d_i)}, simultaneous=True)
        for e, rate_i, d_i in zip(xs, mus, d, strict=True)
    ]
    forward = Matrix([rate_i * e for rate_i, e in zip(mus, xs, strict=True)])
    pair = (forward, diffusion), (Matrix(backward), diffusion)
    partials = partials_of_exponentials(d, xs)
    return keeps_marginals(*pair, log_p, partials, d) and turns_back(*pair, log_p, partials, d)


def _for_log_normal_data(rate: Expr) -> bool:
    """Log-normal p_t with dM/dt = mu - s2/2 and dV/dt = s2, its time derivative taken directly."""
    log_p = -((L - M) ** 2) / (2 * V) - L - log(V) / 2
    rate_of_change = diff(log_p, M) * (mu - s2 / 2) + diff(log_p, V) * s2
    drift = x * rate.subs(h, diff(log_p, L))
    partials = partials_of_exponentials((L,), (x,))
    change = [
        adjoint(Integer(1), Matrix([b]), Matrix([s2 * x**2]), log_p, partials)
        for b in (mu * x, drift)
    ]
    return same(change[0], rate_of_change) and same(change[1], -rate_of_change)


A7 = Claim(
    id="A7",
    title="reverse-time equation in X",
    statement=r"For $r=1-t$, $dX=-X\circ(\mu-2\sigma^2\mathbf 1-\sigma^2X\circ\nabla\log p_t(X))"
    r"\,dr+\sigma X\circ d\bar W$ is the time reversal of $dX=\mu\circ X\,dt+\sigma X\circ dW$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 7"),
    sheet=("A7",),
    assumptions=(
        "p_t is positive and C^2 on the positive orthant, C^1 in t",
        "formula lost in the text of version 2; reconstructed: the text fixes the factored form "
        "('a vector of all ones'), the sign is that of eq. (10) of version 1 (dr-form)",
    ),
    depends=("A2", "A5"),
    derivation=r"Put $\mathsf h=\mu\circ x$ and $G=\sigma^2\mathrm{diag}(x^2)$ into A2: "
    r"$\nabla\!\cdot G=2\sigma^2x$ and $G\nabla\log p=\sigma^2x\circ(x\circ\nabla\log p)$. The "
    r"routine does not use A2's formula: with $L=\log x$ and $x\,dL/dx=1$ everything is rational "
    r"in $x$ and in the derivatives of $\log p$ with respect to $L$, and both the Fokker-Planck "
    "equation of $p_{1-r}$ and Bayes' rule over a short step are decided for every density of "
    r"the plane with $\mu_1\ne\mu_2$. For log-normal data $\partial_t\log p$ is moreover taken "
    r"directly, through $\dot M=\mu-\sigma^2/2$ and $\dot V=\sigma^2$. The coefficient of "
    r"$\sigma^2\mathbf 1$ is $2$ and no other.",
    proof=Proof(
        reverses_in_x,
        holds=REVERSE_RATE,
        twins={
            "coefficient 1 of sigma^2": -(mu - s2 - s2 * h),
            "coefficient 3/2, that of the equation for log X": -(
                mu - Rational(3, 2) * s2 - s2 * h
            ),
            "no divergence term": -(mu - s2 * h),
            "sign of the score flipped": -(mu - 2 * s2 + s2 * h),
        },
    ),
)

CLAIMS = (A7,)
