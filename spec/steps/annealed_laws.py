"""Exact consequences of annealed noise: the gap between the two samplers, and the variance.

Symbols: kappa factor on the noise, chi its decay a level; h Hyvarinen score; z draw; root =
sqrt(dt); v0 variance of log-normal data, v_k = v0 + sigma^2 t_k; V variance at the start.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mpmath import mpf
from sympy import Expr, Integer, Poly, Symbol

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.numeric import rounds_to
from spec.checking.old import Claim, Kind, Means, Proof, v2
from spec.checking.symbols import V, h, kappa, mu, sigma, v0, z
from spec.steps._programs import by_rows, chi, draw
from spec.steps._recursions import annealed_rows, relative_variance
from spec.steps._reverse import ambient_factor, log_step, root


def is_the_drift_gap(candidate: tuple[Expr, Expr]) -> bool:
    """Whether ASAMS exceeds ADLS by `gap` in log drift, and `c` in place of 2 closes the gap.

    Left: the mean of log(1 + e) = e - e^2/2 + ... over the draw, at order dt, where 1 + e is the
    factor of A12 with noise kappa; minus the drift of A13 with noise kappa.
    """
    gap, coefficient = candidate
    e = ambient_factor(h, z, root, kappa) - 1
    log_ambient = expectation(e - e**2 / 2, z, Integer(0), Integer(1))
    log_dale = expectation(log_step(h, z, root, kappa), z, Integer(0), Integer(1))
    found = Poly(log_ambient - log_dale, root).coeff_monomial(root**2)
    return same(found, gap) and same(found + (coefficient - 2) * sigma**2, 0)


@dataclass(frozen=True)
class AnnealedVariance:
    """The weight of the draw of level k in Var log X_0, and V_0 / v_0 as quoted.

    weight  of (v0, h, N, k), multiplies chi^{2 (N - k)} h
    quoted  for v0 = 0.05, sigma = 0.8, N = 1000, chi = 0.995
    """

    weight: Callable[[Expr, Expr, int, int], Expr]
    quoted: str


def is_the_annealed_variance(candidate: AnnealedVariance) -> bool:
    """Whether the variance after annealed A13 steps on log-normal data is the stated sum.

    Left: the steps on symbols with the affine score, three levels; the result is linear in the
    start and the draws, and its variance the sum of squared coefficients. The quoted ratio
    against the recursion at 50 digits.
    """
    levels, step = 3, sigma**2 * root**2

    def affine(state: Expr, level: int) -> Expr:
        return -1 - state / (v0 + step * level)

    rows = [(k, 1, chi ** (levels - k)) for k in range(levels, 0, -1)]
    start, draws = Symbol("Y_start", real=True), [draw(k, 1) for k, _, _ in rows]
    state = Poly(by_rows(rows, affine).subs(mu, sigma**2 / 2), start, *draws)
    left = state.coeff_monomial(start) ** 2 * V + sum(state.coeff_monomial(w) ** 2 for w in draws)
    right = (v0 / (v0 + levels * step)) ** 2 * V + step * sum(
        chi ** (2 * (levels - k)) * candidate.weight(v0, step, levels, k)
        for k in range(levels, 0, -1)
    )
    rows = annealed_rows(1000, mpf(1) / 1000, 1, mpf("0.995"), 1000)
    return same(left, right) and rounds_to(
        relative_variance(rows, mpf("0.05"), mpf("0.64")), candidate.quoted
    )


GAP = Claim(
    id="E18-gap",
    title="ADLS and ASAMS have different limits",
    statement=r"With noise $\kappa$ and unchanged drifts, the log drift of the sign-agnostic "
    r"sampler exceeds that of the Dale–Langevin sampler by $\frac{\sigma^2}2(1-\kappa^2)$; with "
    r"$\frac{3+\kappa^2}2\sigma^2$ in place of $2\sigma^2$ they agree.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("E18",),
    assumptions=("the reconstructed listings A-Alg1 and A-Alg2",),
    depends=("A12", "A13", "A-Alg1", "A-Alg2"),
    derivation=r"$\log(1+e)=e-\frac{e^2}2+\cdots$ with $e=\kappa\sigma\sqrt\delta Z+\delta b$: "
    r"the mean at order $\delta$ is $b-\frac{\kappa^2\sigma^2}2$, $b=-\mu+2\sigma^2+\sigma^2h$. "
    r"A13 has $-\mu+\frac{3\sigma^2}2+\sigma^2h$. The $2\sigma^2$ of A12 contains Itô's "
    r"$\frac{\sigma^2}2$ for $\kappa=1$ only.",
    proof=Proof(
        is_the_drift_gap,
        holds=(sigma**2 * (1 - kappa**2) / 2, (3 + kappa**2) / 2),
        twins={
            "other sign": (-(sigma**2) * (1 - kappa**2) / 2, (3 + kappa**2) / 2),
            "1 - kappa": (sigma**2 * (1 - kappa) / 2, (3 + kappa) / 2),
            "correction with the wrong sign": (
                sigma**2 * (1 - kappa**2) / 2,
                (5 - kappa**2) / 2,
            ),
        },
    ),
)

VARIANCE = Claim(
    id="annealing-variance",
    title="annealing trades variance for cleanliness",
    statement=r"On log-normal data ($m=0$, $L=1$, $\delta_s=\delta$), $\mathrm{Var}\log X_0="
    r"\frac{v_0^2}{v_N^2}V_N+h\sum_{k=1}^N\chi^{2(N-k)}\frac{v_0^2}{v_{k-1}^2}$, which grows with "
    r"$\chi$; it is $0.081\,v_0$ at $\chi=0.995$, $v_0=0.05$, $\sigma=0.8$, $N=1000$.",
    kind=Kind.PROVED,
    means=Means.EXACT_LAW,
    sources=v2("App. G.2: annealing"),
    sheet=("E18",),
    assumptions=("log-normal data and exact score", r"$\mu=\frac{\sigma^2}2$"),
    depends=("A13", "A-Alg1"),
    derivation=r"Each step multiplies the deviation by $\frac{v_{k-1}}{v_k}$ and adds $\chi^{N-k}"
    r"\sqrt hZ$; the factors telescope to $\frac{v_0}{v_{k-1}}$. Every coefficient of a power of "
    r"$\chi$ is positive, so the variance increases with $\chi$. This is the trade-off of "
    "appendix G.2: near 1 samples are diverse and noisy, below it clean and alike.",
    proof=Proof(
        is_the_annealed_variance,
        holds=AnnealedVariance(lambda v, w, n, k: (v / (v + w * (k - 1))) ** 2, "0.081"),
        twins={
            "v_k for v_{k-1}": AnnealedVariance(
                lambda v, w, n, k: (v / (v + w * k)) ** 2, "0.081"
            ),
            "not squared": AnnealedVariance(lambda v, w, n, k: v / (v + w * (k - 1)), "0.081"),
            "last digit": AnnealedVariance(
                lambda v, w, n, k: (v / (v + w * (k - 1))) ** 2, "0.082"
            ),
        },
    ),
)

CLAIMS = (GAP, VARIANCE)
