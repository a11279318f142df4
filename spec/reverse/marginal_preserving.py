"""Diffusions with the marginals of the reverse process: any noise level, a corrector.

Symbols: mu, s2 = sigma^2, f = mu - s2/2; kappa factor on the noise; score = grad log q_t of
Y = log X; h = x * grad log p_t = score - 1; H = sigma^2 delta and v the log-variance of the data
at the time of a step.
"""

from sympy import Expr, Matrix, Rational, Symbol, diag, diff, symbols

from spec.checking.algebra import same
from spec.checking.diffusions import (
    isotropic,
    jet,
    keeps_marginals,
    partials_of_exponentials,
    plain_partials,
)
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import H, M, h, kappa, mu, s2, v

score = Symbol("score", real=True)
f = mu - s2 / 2
HALF = Rational(1, 2)


def has_the_marginals(rates: tuple[Expr, Expr]) -> bool:
    """Whether both diffusions, in Y and in X, have the marginals p_{1-r} for every kappa.

    rates  the drift of Y as a function of (mu, s2, score, kappa), and the drift of X divided by X
           as a function of (mu, s2, h, kappa); the noise is kappa sigma dW and kappa sigma X dW
    """
    d = symbols("d1 d2", real=True)
    xs = symbols("x1 x2", positive=True)
    mus = symbols("mu1 mu2", real=True)
    log_density = jet("l", d)
    slopes = [diff(log_density, e) for e in d]
    in_log = _substituted(rates[0], score, mus, slopes)
    forward_log = Matrix([f.subs(mu, mu_i) for mu_i in mus])
    in_x = [b * e for b, e in zip(_substituted(rates[1], h, mus, slopes), xs, strict=True)]
    forward_x = Matrix([mu_i * e for mu_i, e in zip(mus, xs, strict=True)])
    square = diag(*(e**2 for e in xs))
    return keeps_marginals(
        (forward_log, isotropic(s2)),
        (Matrix(in_log), isotropic(kappa**2 * s2)),
        log_density,
        plain_partials(d),
        d,
    ) and keeps_marginals(
        (forward_x, s2 * square),
        (Matrix(in_x), kappa**2 * s2 * square),
        log_density,
        partials_of_exponentials(d, xs),
        d,
    )


def _substituted(rate: Expr, slot: Symbol, mus: tuple, slopes: list[Expr]) -> list[Expr]:
    return [
        rate.subs({mu: mu_i, slot: slope}, simultaneous=True)
        for mu_i, slope in zip(mus, slopes, strict=True)
    ]


def corrects(candidate: tuple[Expr, Expr]) -> bool:
    """Whether dY = c s2 score dr + sigma dW leaves q as it is, and Euler's variance on N(M, v).

    candidate  (c, factor): the routine asks for stationarity under every q of the plane, and that
               v * factor is a fixed point of the variance under y <- y + c H score + sqrt(H) z
               with the exact score of N(M, v)
    """
    c, factor = candidate
    d = symbols("d1 d2", real=True)
    log_q = jet("l", d)
    at_rest = (Matrix([0, 0]), isotropic(s2 * 0))
    moving = (Matrix([c * s2 * diff(log_q, e) for e in d]), isotropic(s2))
    if not keeps_marginals(at_rest, moving, log_q, plain_partials(d), d):
        return False
    # A22 has drift 1 * score and noise variance 2; at this rate its noise variance is s2.
    rate = s2 / 2
    y = Symbol("y", real=True)
    step = y + c * H * diff(-((y - M) ** 2) / (2 * v), y)
    variance = v * factor
    stationary = same(diff(step, y) ** 2 * variance + H, variance)
    return stationary and same(c * s2, rate)


R11 = Claim(
    id="R11",
    title="the same marginals at any noise level",
    statement=r"For every $\kappa\ge0$, $dY=[-m+\frac{1+\kappa^2}2\sigma^2\nabla\log q]\,dr+"
    r"\kappa\sigma\,d\bar W$ ($m=\mu-\frac{\sigma^2}2$) and $dX=X\circ[-m+\frac{1+\kappa^2}2"
    r"\sigma^2(\mathbf 1+H)+\frac{\kappa^2}2\sigma^2]\,dr+\kappa\sigma X\circ d\bar W$ have the "
    r"marginals of the reverse process. $\kappa=1$ is A10 and A7, $\kappa=0$ R16.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R11",),
    assumptions=("q_t is positive and C^2, C^1 in t", "kappa does not depend on y"),
    depends=("A7", "A10"),
    derivation=r"In the Fokker-Planck equation $\frac{\kappa^2\sigma^2}2\Delta q="
    r"\nabla\!\cdot(\frac{\kappa^2\sigma^2}2q\nabla\log q)$, so noise can be exchanged for drift "
    r"along the score: the reverse equation has $\sigma^2\nabla\log q$ at $\kappa=1$, and "
    r"$(1-\kappa^2)\frac{\sigma^2}2\nabla\log q$ less when the noise is reduced to $\kappa$. "
    r"Itô's formula for $X=e^Y$ adds $\frac{\kappa^2}2\sigma^2$. Euler-Maruyama gives "
    r"$X\circ\exp[-\delta m+\frac{1+\kappa^2}2h(\mathbf 1+H)+\kappa\sqrt hZ]$ and $X\circ[\mathbf "
    r"1-\delta m+\frac{1+\kappa^2}2h(\mathbf 1+H)+\frac{\kappa^2}2h+\kappa\sqrt hZ]$, "
    r"$h=\sigma^2\delta$. Decided for every density of the plane.",
    proof=Proof(
        has_the_marginals,
        holds=(
            -f + (1 + kappa**2) / 2 * s2 * score,
            -f + (1 + kappa**2) / 2 * s2 * (1 + h) + kappa**2 / 2 * s2,
        ),
        twins={
            "drift unchanged while the noise is reduced": (
                -f + s2 * score,
                -f + s2 * (1 + h) + kappa**2 / 2 * s2,
            ),
            "kappa for kappa^2": (
                -f + (1 + kappa) / 2 * s2 * score,
                -f + (1 + kappa) / 2 * s2 * (1 + h) + kappa / 2 * s2,
            ),
            "in X the Itô term of full noise": (
                -f + (1 + kappa**2) / 2 * s2 * score,
                -f + (1 + kappa**2) / 2 * s2 * (1 + h) + s2 / 2,
            ),
        },
    ),
)

R11_CORRECTOR = Claim(
    id="R11-corrector",
    title="a corrector at fixed time",
    statement=r"At fixed $t$, $dY=\frac{\sigma^2}2\nabla\log q_t(Y)\,dr+\sigma\,dW$ leaves $q_t$ "
    r"as it is; it is the mirrored Langevin equation A22 run at rate $\sigma^2/2$. Its Euler step "
    r"$X\circ\exp[\frac h2(\mathbf 1+H)+\sqrt hZ]$ has on $\mathcal N(M,v)$ the stationary "
    r"log-variance $v/(1-\frac h{4v})$, for $h<4v$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R11",),
    assumptions=("q_t is positive and C^2", "one coordinate for the variance"),
    depends=("A10-score", "A22"),
    derivation=r"The flux of $q$ is $cq\nabla\log q\,\sigma^2-\frac{\sigma^2}2\nabla q$, zero for "
    r"$c=\frac12$. On $\mathcal N(M,v)$ the Euler step multiplies $y-M$ by $1-\frac h{2v}$, so "
    r"the stationary variance solves $V=(1-\frac h{2v})^2V+h$: $V=h/[\frac hv(1-\frac h{4v})]$. "
    r"A22 has drift $1$ times the score and noise variance $2$; time $\frac{\sigma^2}2r$ in it "
    "gives the equation above.",
    proof=Proof(
        corrects,
        holds=(HALF, 1 / (1 - H / (4 * v))),
        twins={
            "drift of the reverse equation": (HALF * 2, 1 / (1 - H / (4 * v))),
            "factor of mirrored Langevin with step 2h": (HALF, 1 / (1 - H / (2 * v))),
            "first order of the factor": (HALF, 1 + H / (4 * v)),
            "no bias": (HALF, v / v),
        },
    ),
)

CLAIMS = (R11, R11_CORRECTOR)
