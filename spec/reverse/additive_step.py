"""What the logarithm changes: the multiplicative method against the additive one for log X.

Symbols: L = log x, L0; mu, s2 = sigma^2; dt step, noise = sigma sqrt(dt), z a draw; h the model's
Hyvarinen score, 1 + h the same model for the score of log X; m, v of the kernel.
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, Rational, Symbol, diff, log

from spec.checking.algebra import same
from spec.checking.diffusions import generator, partials_of_exponentials
from spec.checking.numeric import normal_expectation
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1
from spec.checking.symbols import L0, L, dt, h, m, mu, s2, v, x, z

noise = Symbol("noise", positive=True)

FORWARD, LOSS = "forward step, eq. (22)", "residual of the loss, eqs. (19) and (20)"
SAMPLER, AMBIENT = "sampler, eq. (13)", "Euler-Maruyama in X, eq. (12) of version 2"


def logarithm_changes(named: frozenset[str]) -> bool:
    """Whether exactly the named parts of the method differ from the additive method on log X.

    Additive: the diffusion that log X obeys (generator of GBM applied to log x), its Euler steps
    forward and backward with the score 1 + h, its denoising loss with the same model. A
    multiplicative step is compared through the logarithm of X_next / X.
    """
    one = partials_of_exponentials((L,), (x,))
    f = generator(L, Matrix([mu * x]), Matrix([s2 * x**2]), one)
    forward, backward = dt * f + noise * z, -dt * (f - s2 * (1 + h)) + noise * z
    log_kernel = -((L - L0 - m) ** 2) / (2 * v)
    additive_residual = diff(log_kernel, L) - (1 + h)
    residual = diff(log_kernel - L, L) - h
    sampler = -dt * (mu - Rational(3, 2) * s2) + dt * s2 * h + noise * z
    ambient = log(1 - dt * (mu - 2 * s2) + dt * s2 * h + noise * z)
    identical = {
        FORWARD: _same_increment(dt * (mu - s2 / 2) + noise * z, forward),
        LOSS: same(residual, additive_residual),
        SAMPLER: _same_increment(sampler, backward),
        AMBIENT: _same_increment(ambient, backward),
    }
    return named == frozenset(part for part, is_same in identical.items() if not is_same)


def _same_increment(multiplicative: Expr, additive: Expr) -> bool:
    """Equal as functions of the draw: the slopes in z agree, and the values at z = 0."""
    if not same(diff(multiplicative, z), diff(additive, z)):
        return False
    return same(multiplicative.subs(z, Integer(0)), additive.subs(z, Integer(0)))


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        s2_value, delta, score = mpf("0.64"), mpf("0.001"), mpf("-0.3")
        root = mpmath.sqrt(s2_value * delta)
        drift = delta * s2_value * (1 + score)

        def gap(draw: mpf) -> mpf:
            ambient = 1 + drift + delta * s2_value / 2 + root * draw
            return mpmath.log(ambient) - (drift + root * draw)

        size = mpmath.sqrt(normal_expectation(lambda draw: gap(draw) ** 2))
    where = "sigma = 0.8, mu = sigma^2/2, delta = 0.001, Hyvarinen score -0.3"
    return (
        Figure(
            "log of one step of eq. (12) of version 2 minus the additive step, root mean square "
            f"({where})",
            size,
        ),
        Figure("the noise of that step", root),
    )


E27_RICHNESS = Claim(
    id="E27-richness",
    title="the log transform loses nothing for eq. (13)",
    statement=r"Forward step (22), denoising loss (19) with target (20), and sampler (13) are, "
    r"through $Y=\log X$ and $s_\theta^Y=\mathbf 1+x\circ s_\theta$, identical to the additive "
    r"method on $\log X$. Of all samplers only Euler-Maruyama in $X$, eq. (12) of version 2, "
    "differs from it.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("sec. 1.1: log transform loses the richness"),
    sheet=("E27",),
    assumptions=(
        "x > 0",
        "the network may represent 1 + x s_theta as well as s_theta (three equivalent heads)",
    ),
    depends=("A9", "A10", "A11", "A12", "A13", "A16", "V1-22", "forms-of-the-score"),
    derivation=r"The logarithm of (13) is $\log X_k-\delta(\mu-\frac32\sigma^2)+\delta\sigma^2H+"
    r"\sigma\sqrt\delta Z$, and the Euler step of the reverse of $dY=(\mu-\frac{\sigma^2}2)dt+"
    r"\sigma dW$ with score $1+H$ is the same polynomial. The log of (22) is the Euler step of "
    r"$Y$, exactly. The residual of the loss is $H_{cond}-h_\theta=(1+H_{cond})-(1+h_\theta)$. "
    r"The log of (12) has the slope $\sigma\sqrt\delta/(1+\dots+\sigma\sqrt\delta Z)$ in the "
    "draw, which is not constant. The routine builds the additive method from the generator of "
    r"geometric Brownian motion applied to $\log x$ and finds which parts differ.",
    proof=Proof(
        logarithm_changes,
        holds=frozenset({AMBIENT}),
        twins={
            "nothing differs, eq. (12) of version 2 included": frozenset(),
            "the sampler (13) differs": frozenset({SAMPLER, AMBIENT}),
            "the loss differs": frozenset({LOSS, AMBIENT}),
        },
        printed={
            "loses out completely on the richness": frozenset({FORWARD, LOSS, SAMPLER, AMBIENT})
        },
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="'While the log-transformation simplifies the calculations, it reduces the "
        "problem to the additive noise setting, losing out completely on the richness of the "
        "original multiplicative noise framework.'",
        trouble="The method of version 1 is itself the additive method on log X: same forward "
        "step, same loss, same sampler, term by term. Whatever an additive diffusion on log X "
        "loses, eq. (13) loses too. The remark on the difference of scope (generation, not only "
        "denoising) stands. Version 2 does not repeat the sentence; its Section 7 says that the "
        "Dale-Langevin sampler 'is equivalent to standard additive Langevin dynamics on the "
        "log-transformed variable' (E16), and it adds eq. (12), which does differ.",
        correction="For eq. (13) the log transform loses nothing; what it changes is the "
        "Euler-Maruyama step in X, eq. (12) of version 2.",
        figures=_figures,
    ),
)

CLAIMS = (E27_RICHNESS,)
