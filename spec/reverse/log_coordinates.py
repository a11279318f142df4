"""The reverse-time equation in Y = log X, in terms of either score, and with mu(t), sigma(t).

Symbols: mu, s2 = sigma^2; score = grad log q_t(y) of Y; h = x * grad log p_t = score - 1;
m, v the integrals over [0, t] of mu - s2/2 and of s2.
"""

from sympy import Expr, Matrix, Rational, Symbol, diff, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Kind, Means, Proof, v1, v2
from spec.checking.diffusions import (
    generator,
    isotropic,
    jet,
    keeps_marginals,
    partials_of_exponentials,
    plain_partials,
    turns_back,
)
from spec.checking.symbols import L, h, m, mu, s2, t, v, x
from spec.reverse.ambient import REVERSE_RATE

score = Symbol("score", real=True)
HALF, THREE_HALVES = Rational(1, 2), Rational(3, 2)


def reverses_in_log(drift: Expr) -> bool:
    """Whether `drift`(mu, s2, score) turns dY = (mu - s2/2) dt + sigma dW back.

    For every density of the plane, with its own mu in each coordinate.
    """
    d = symbols("d1 d2", real=True)
    mus = symbols("mu1 mu2", real=True)
    log_q = jet("l", d)
    backward = [
        drift.subs({mu: mu_i, score: diff(log_q, d_i)}, simultaneous=True)
        for mu_i, d_i in zip(mus, d, strict=True)
    ]
    forward = Matrix([mu_i - s2 / 2 for mu_i in mus])
    pair = (forward, isotropic(s2)), (Matrix(backward), isotropic(s2))
    partials = plain_partials(d)
    return keeps_marginals(*pair, log_q, partials, d) and turns_back(*pair, log_q, partials, d)


def reverses_with_hyvarinen(drift: Expr) -> bool:
    """Whether `drift`(mu, s2, h) is the reverse drift of log X, by two routes.

    Ito: the generator of the reverse equation in X (A7) applied to log x. Fokker-Planck: the
    drift turns the equation of Y back, where the score of Y is d/dL log(p x) = h + 1.
    """
    ito = generator(
        L, Matrix([x * REVERSE_RATE]), Matrix([s2 * x**2]), partials_of_exponentials((L,), (x,))
    )
    return same(drift, ito) and reverses_in_log(drift.subs(h, score - 1))


def reverses_varying_rates(drift: Expr) -> bool:
    """Whether `drift`(mu, s2, h) turns the process with rates mu(t), sigma(t) back.

    The data law is two arbitrary points with arbitrary weights, the kernel N(log x0 + m(t), v(t))
    with m and v any functions of time: m' and v' are symbols, s2 = v' and mu = m' + v'/2. The
    time derivative of the mixture is taken directly. The twins may use m, v and t themselves.
    """
    y, m_rate, v_rate = symbols("y m_rate v_rate", real=True)
    points, sizes = symbols("y1 y2", real=True), symbols("n1 n2", positive=True)
    exponents = [-((y - point - m) ** 2) / (2 * v) for point in points]
    log_slopes = [diff(e, y) for e in exponents]
    time_slopes = [diff(e, m) * m_rate + (diff(e, v) - 1 / (2 * v)) * v_rate for e in exponents]
    # n_j is the value of the j-th weighted kernel at y: d n_j = n_j * d(exponent).
    q = sum(sizes)

    def d_dy(a: Expr) -> Expr:
        return diff(a, y) + sum(
            diff(a, n) * n * slope for n, slope in zip(sizes, log_slopes, strict=True)
        )

    rates = {mu: m_rate + v_rate / 2, s2: v_rate, h: d_dy(q) / q - 1}
    b = drift.subs(rates, simultaneous=True)
    forward = -d_dy(m_rate * q) + v_rate * d_dy(d_dy(q)) / 2
    backward = -d_dy(b * q) + v_rate * d_dy(d_dy(q)) / 2
    change = sum(n * slope for n, slope in zip(sizes, time_slopes, strict=True))
    return vanishes(forward - change) and vanishes(backward + change)


A10 = Claim(
    id="A10",
    title="reverse-time equation in Y = log X",
    statement=r"For $r=1-t$, $dY=-(\mu-\frac{\sigma^2}2\mathbf 1-\sigma^2\nabla\log q_t(Y))\,dr"
    r"+\sigma\,d\bar W$ is the time reversal of $dY=(\mu-\frac{\sigma^2}2\mathbf 1)\,dt+"
    r"\sigma\,dW$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 10"), *v2("eq. 10")),
    sheet=("A10",),
    assumptions=(
        "q_t is positive and C^2, C^1 in t",
        "'dt' of eq. (10) read as dr > 0 and W as a Brownian motion in r (E11)",
        "formula lost in the text of version 2; reconstructed: as eq. (10) of version 1",
    ),
    depends=("A2", "A9"),
    derivation=r"In A2 the diffusion matrix is $\sigma^2I$, so its divergence is zero: the drift "
    r"is $-\mathsf h+\sigma^2\nabla\log q$ with $\mathsf h=\mu-\sigma^2/2$. Decided again without "
    "A2's formula, by the Fokker-Planck equation and Bayes' rule over a short step, for every "
    "density of the plane.",
    proof=Proof(
        reverses_in_log,
        holds=-(mu - s2 / 2 - s2 * score),
        twins={
            "Itô term missing": -(mu - s2 * score),
            "score halved (probability flow)": -(mu - s2 / 2 - s2 * score / 2),
            "forward drift not reversed": mu - s2 / 2 + s2 * score,
            "sign of the score flipped": -(mu - s2 / 2 + s2 * score),
        },
    ),
)

A11 = Claim(
    id="A11",
    title="reverse-time equation of log X with the Hyvärinen score",
    statement=r"$d\log X=-(\mu-\frac{3\sigma^2}2\mathbf 1-\sigma^2X\circ\nabla\log p_t(X))\,dr"
    r"+\sigma\,d\bar W$; it is A10 with the score of $X$, and A7 by Itô's formula.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("eq. 11"), *v2("eq. 11")),
    sheet=("A11",),
    assumptions=(
        "p_t is positive and C^2 on the positive orthant, C^1 in t",
        "'dt' of eq. (11) read as dr > 0 and W as a Brownian motion in r (E11)",
        "formula lost in the text of version 2; reconstructed: as eq. (11) of version 1",
    ),
    depends=("A7", "A10", "A10-score"),
    derivation=r"First route: Itô's formula for A7 gives $d\log X=\{b/X-\frac{\sigma^2}2\}dr+"
    r"\sigma d\bar W$ with $b/X=-\mu+2\sigma^2+\sigma^2H$, that is $-\mu+\frac32\sigma^2+"
    r"\sigma^2H$. Second route: $\nabla\log q=\mathbf 1+H$ in A10, $-\mu+\frac{\sigma^2}2+"
    r"\sigma^2(1+H)$. The routine computes the first by applying the generator of A7 to $\log x$ "
    "and decides the second by the Fokker-Planck equation for every density; both must agree with "
    "the candidate.",
    proof=Proof(
        reverses_with_hyvarinen,
        holds=-(mu - THREE_HALVES * s2 - s2 * h),
        twins={
            "1/2 for 3/2: the Jacobian of the logarithm left out": -(mu - HALF * s2 - s2 * h),
            "2 for 3/2: Itô's term left out": -(mu - 2 * s2 - s2 * h),
            "score halved": -(mu - THREE_HALVES * s2 - s2 * h / 2),
        },
    ),
)

A36 = Claim(
    id="A36",
    title="reverse-time equation with time-varying rates",
    statement=r"With $\mu(t)$, $\sigma(t)$: $d\log X=-(\mu(t)-\frac{3\sigma^2(t)}2\mathbf 1-"
    r"\sigma^2(t)X\circ\nabla\log p_t(X))\,dr+\sigma(t)\,d\bar W$, both rates taken at $t=1-r$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 36"),
    sheet=("A36",),
    assumptions=(
        "mu and sigma^2 continuous in t, sigma > 0, t > 0",
        "any data law: the proof for two points extends to all by mixing, since q times the score "
        "is q', so that the equation with this drift is linear in q",
        "formula lost in the text of version 2; reconstructed: A11 with mu(t) and sigma(t)",
    ),
    depends=("A11", "A33"),
    derivation=r"A11 holds at each instant, because A2 allows coefficients that depend on time. "
    r"Directly: the kernel of $\log X_t$ is $N(\log x_0+m(t),v(t))$ with $\dot m=\mu-\sigma^2/2$, "
    r"$\dot v=\sigma^2$. For a mixture of two such kernels with any points and weights, "
    r"$\partial_tq$ through $\dot m$ and $\dot v$ satisfies the forward equation, and "
    r"$-\partial_tq=-\partial_y(bq)+\frac{\sigma^2}2\partial_y^2q$ holds with this drift. The "
    "rates are those of the present instant: their averages over the past are refused. Decided "
    "in one coordinate; for vectors it is A11 at each instant.",
    proof=Proof(
        reverses_varying_rates,
        holds=-(mu - THREE_HALVES * s2 - s2 * h),
        twins={
            "1/2 for 3/2": -(mu - HALF * s2 - s2 * h),
            "average variance v/t for sigma(t)^2": -(mu - HALF * s2 - v / t * (1 + h)),
            "average log-drift m/t for mu(t) - sigma(t)^2/2": -(m / t - s2 * (1 + h)),
        },
    ),
)

CLAIMS = (A10, A11, A36)
