"""One step of the forward chain is exact: steps compose, and any step has the law of the SDE.

Symbols: delta  step length;  y, y0  log X after and before it;  w  i times the argument of a
characteristic function, in which its exponent is a polynomial.
"""

from collections.abc import Callable

from sympy import Expr, Matrix, Rational, diff, log, symbols

from spec.checking.algebra import vanishes
from spec.checking.diffusions import fokker_planck, plain_partials
from spec.checking.old import Claim, Kind, Means, Pin, Proof, v1
from spec.checking.symbols import dt, mu, sigma

delta, delta2 = symbols("delta delta2", positive=True)
y, y0, w = symbols("y y0 w", real=True)

# Mean and variance that a step of that length adds to log X.
Step = Callable[[Expr], tuple[Expr, Expr]]


def is_the_exact_step(step: Step) -> bool:
    """Whether N(y0 + mean, var) is the law of log X a time delta later, and such steps compose.

    The law: it solves the Fokker-Planck equation of A9 in delta and is a point at delta = 0.
    Composition: the exponents w mean + w^2 var / 2 of the characteristic functions add, for
    steps of any two lengths; by induction for any number of steps.
    """
    mean, var = step(delta)
    log_density = -((y - y0 - mean) ** 2) / (2 * var) - log(var) / 2
    rate, drift = diff(log_density, delta), mu - sigma**2 / 2
    flow = rate - fokker_planck(
        log_density, Matrix([drift]), Matrix([sigma**2]), plain_partials((y,))
    )
    one, two, both = (w * e + w**2 * f / 2 for e, f in map(step, (delta, delta2, delta + delta2)))
    at_zero = step(Rational(0))
    return vanishes((flow, one + two - both, *at_zero))


def _step(d: Expr) -> tuple[Expr, Expr]:
    return (mu - sigma**2 / 2) * d, sigma**2 * d


V1_22 = Claim(
    id="V1-22",
    title="the forward chain is exact",
    statement=r"$X_{k+1}=X_k\circ\exp\big(\delta(\mu-\tfrac{\sigma^2}2\mathbf 1)"
    r"+\sqrt\delta\,\sigma Z_k\big)$ with independent $Z_k\sim\mathcal N(0,I)$ has exactly the "
    r"law of $X_{k\delta}$ of the SDE, for every $\delta$: $N$ steps are one step of length "
    r"$N\delta$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v1("eq. 22"),
    sheet=("A6",),
    assumptions=(
        "the Fokker-Planck equation has one solution for each initial law",
        "$k=0,\\dots,N-1$ (version 1 stops at $X_{N-1}$, see E4)",
    ),
    depends=("A6", "A9"),
    derivation=r"$\mathcal N(y_0+\delta(\mu-\tfrac{\sigma^2}2),\sigma^2\delta)$ solves "
    r"$\partial_\delta q=-(\mu-\tfrac{\sigma^2}2)\partial_yq+\tfrac{\sigma^2}2\partial_y^2q$ and "
    r"shrinks to the point $y_0$: a step has the law of the SDE. Its characteristic exponent "
    r"$iu\,m\delta-\tfrac{u^2}2\sigma^2\delta$ is linear in $\delta$, so steps of lengths "
    r"$\delta,\delta'$ make one of length $\delta+\delta'$. Nothing is lost to discretization.",
    proof=Proof(
        is_the_exact_step,
        holds=_step,
        twins={
            "noise delta sigma": lambda d: (_step(d)[0], sigma**2 * d**2),
            "no Itô term": lambda d: (mu * d, _step(d)[1]),
            "variance sigma delta": lambda d: (_step(d)[0], sigma * d),
            "drift of the reverse step": lambda d: ((mu - 3 * sigma**2 / 2) * d, _step(d)[1]),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.GBM.increments",
            formula=_step(dt),
            twins={
                "no Itô term": (mu * dt, sigma**2 * dt),
                "noise dt sigma": (_step(dt)[0], sigma**2 * dt**2),
            },
            # The second step lands on t = 0; the third is short, from a large time.
            points=(
                {"mu": 0.37, "sigma": 0.8, "t": 0.7, "dt": 0.3, "T": 1.0},
                {"mu": -1.9, "sigma": 1.7, "t": 0.3, "dt": 0.3, "T": 3.0},
                {"mu": 0.3200001, "sigma": 0.8, "t": 1.0, "dt": 1e-7, "T": 1.0},
            ),
        ),
    ),
)

CLAIMS = (V1_22,)
