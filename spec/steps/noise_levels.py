"""Euler-Maruyama at any noise level: the steps of R11 in log X and in X, and the corrector.

Symbols: kappa the noise level; q = sqrt(dt); h = x * grad log p_t; m' = mu - sigma^2 / 2.
"""

from sympy import Expr, Poly, Rational, Symbol, diff, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import dt, h, kappa, mu, s2, sigma, t, z
from spec.steps._pinned import PAIRS, STEP_POINTS, affine_score, exponential_formula
from spec.steps.annealing import keeps_the_marginals, s, s1

q = Symbol("q", positive=True)
HALF = Rational(1, 2)
LOG_DRIFT = mu - sigma**2 / 2

# The exponent of the step in log X, the factor of the step in X, the exponent of the corrector.
Steps = tuple[Expr, Expr, Expr]


def are_euler_maruyama(candidate: Steps) -> bool:
    """Whether the three are Euler-Maruyama for R11's equation in Y, in X, and for the corrector.

    Each has to be one step, drift q^2 + kappa sigma q z. By the Fokker-Planck equation the drift
    of the first has to keep the marginals q_t; that of the third, at kappa = 1, has to leave a
    q_t where it is: -(c q)' + sigma^2/2 q'' = 0. The second is the first in X = e^Y: the mean of
    log(factor) over z, to order q^2, has to be that of the exponent.
    """
    exponent, factor, corrector = candidate
    increments = (exponent, factor - 1, corrector)
    drift, _, rate = drifts = [Poly(e, q, z).coeff_monomial(q**2) for e in increments]
    noise = kappa * sigma * q * z
    steps = [same(e, q**2 * b + noise) for e, b in zip(increments, drifts, strict=True)]
    in_score = {h: s - 1, sigma: sqrt(s2)}
    still = rate.subs(in_score)
    frozen = -(diff(still, s) * s1 + still * s) + s2 / 2 * (s**2 + s1)
    return (
        all(steps)
        and keeps_the_marginals(drift.subs(in_score))
        and same(_mean_of_log(factor), drift)
        and vanishes(frozen.expand())
    )


def _mean_of_log(factor: Expr) -> Expr:
    """The mean of log(1 + e) = e - e^2 / 2 + ... over z, at order q^2."""
    e = factor - 1
    return Poly(expectation(e - e**2 / 2, z, Rational(0), Rational(1)), q).coeff_monomial(q**2)


def _steps(level: Expr = kappa**2, ito: Expr = kappa**2 / 2, rate: Expr = HALF) -> Steps:
    dv = sigma**2 * q**2
    drift = -(q**2) * LOG_DRIFT + (1 + level) / 2 * dv * (1 + h)
    noise = kappa * sigma * q * z
    return drift + noise, 1 + drift + ito * dv + noise, (rate * dv * (1 + h)).expand() + noise


def _ambient(level: Expr, ito: Expr) -> tuple[Expr, Expr]:
    x1, x2, z1, z2 = PAIRS
    gains = [
        -DM + ito * DV + (1 + level) / 2 * DV * (1 + score) + K * ROOT * w
        for score, w in zip(affine_score((x1, x2), t), (z1, z2), strict=True)
    ]
    return tuple(e * (1 + gain) for e, gain in zip((x1, x2), gains, strict=True))


K, lam = symbols("K lam", nonnegative=True)
DM, DV, ROOT = LOG_DRIFT * dt, sigma**2 * dt, sigma * sqrt(dt)
# The step's own kappa is lam, the row's factor kappa, and the noise level their product K.
LEVELS = {K: lam * kappa}
POINTS = tuple(
    {**point, "lam": level} for point, level in zip(STEP_POINTS, (0.7, 1.9, 0.0), strict=True)
)
COEFFICIENT_POINTS = tuple(
    {name: point[name] for name in ("mu", "sigma", "t", "dt", "kappa", "lam")} for point in POINTS
)


def _at_level(formula: tuple[Expr, ...]) -> tuple[Expr, ...]:
    return tuple(f.subs(LEVELS) for f in formula)


PINS = (
    Pin(
        "gbm_ref.MarginalPreserving.__call__",
        formula=_at_level(exponential_formula(-DM, (1 + K**2) / 2 * DV, K * ROOT)),
        twins={"drift of full noise": _at_level(exponential_formula(-DM, DV, K * ROOT))},
        points=POINTS,
    ),
    Pin(
        "gbm_ref.MarginalPreserving.coefficients",
        formula=_at_level((-DM, (1 + K**2) / 2 * DV, K * ROOT)),
        twins={"kappa for kappa^2": _at_level((-DM, (1 + K) / 2 * DV, K * ROOT))},
        points=COEFFICIENT_POINTS,
    ),
    Pin(
        "gbm_ref.AmbientMarginalPreserving.__call__",
        formula=_at_level(_ambient(K**2, K**2 / 2)),
        twins={"Ito term of full noise": _at_level(_ambient(K**2, HALF))},
        points=POINTS,
    ),
    Pin(
        "gbm_ref.Corrector.__call__",
        formula=exponential_formula(0 * DV, DV / 2, kappa * ROOT),
        twins={"at twice the rate": exponential_formula(0 * DV, DV, kappa * ROOT)},
        points=STEP_POINTS,
    ),
    Pin(
        "gbm_ref.Corrector.coefficients",
        formula=(0 * DV, DV / 2, kappa * ROOT),
        twins={"at twice the rate": (0 * DV, DV, kappa * ROOT)},
        points=COEFFICIENT_POINTS,
        scale=(DV, DV, ROOT),
    ),
    Pin(
        "gbm_ref.DaleLangevin.coefficients",
        formula=(-DM, DV, kappa * ROOT),
        twins={"no score": (-DM, 0 * DV, kappa * ROOT)},
        points=COEFFICIENT_POINTS,
    ),
)

R11_STEPS = Claim(
    id="R11-steps",
    title="steps at any noise level, and the corrector",
    statement=r"Euler-Maruyama for R11's equations at noise level $\kappa$ is $X\circ\exp[-\delta "
    r"m+\frac{1+\kappa^2}2h(\mathbf 1+H)+\kappa\sqrt hZ]$ and $X\circ[\mathbf 1-\delta "
    r"m+\frac{1+\kappa^2}2h(\mathbf 1+H)+\frac{\kappa^2}2h+\kappa\sqrt hZ]$, $h=\sigma^2\delta$; "
    r"the corrector at a fixed time is $X\circ\exp[\frac h2(\mathbf 1+H)+\kappa\sqrt hZ]$, at "
    r"$\kappa=1$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R11",),
    assumptions=("mu and sigma constant over the step",),
    depends=("R11", "R11-corrector", "A13", "A12"),
    derivation=r"In $Y=\log X$ the noise coefficient $\kappa\sigma$ is constant, so a step is "
    r"$\delta$ times R11's drift plus $\kappa\sigma\sqrt\delta Z$. Itô's formula for $X=e^Y$ adds "
    r"$\frac12(\kappa\sigma)^2$ to the relative drift. The corrector is Langevin dynamics of $Y$ "
    r"at rate $\frac{\sigma^2}2$: drift $\frac{\sigma^2}2(\mathbf 1+H)$, noise $\sigma$. At "
    r"$\kappa=1$ the first two are A13 and A12. Decided by the Fokker–Planck equation for the "
    "drifts, and by the mean of the logarithm for the step in $X$.",
    proof=Proof(
        are_euler_maruyama,
        holds=_steps(),
        twins={
            "drift of full noise": _steps(level=Rational(1)),
            "in X the Ito term of full noise": _steps(ito=HALF),
            "corrector at twice the rate": _steps(rate=Rational(1)),
            "noise kappa^2": tuple(e + (kappa**2 - kappa) * sigma * q * z for e in _steps()),
        },
    ),
    pins=PINS,
)

CLAIMS = (R11_STEPS,)
