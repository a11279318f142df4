"""The divergence of whole paths: Euler-Maruyama against the exact reverse chain. Sheet R20b.

Symbols: v0, vN log-variance at the ends; v_k = v_0 + h k; r_k = v_{k-1} / v_k the exact kernel's
variance divided by that of a step.
"""

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, symbols

from spec.checking.algebra import vanishes
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Pin, Proof

# The problem of the numbers: v_0, sigma^2 (t = 1).
_V0, _S2 = mpf("0.15"), mpf("0.64")
Values = Mapping[str, mpf]
_r, _Lr = symbols("r Lr", positive=True)


def is_one_step(cost: Expr) -> bool:
    """Whether the divergence of one exact reverse kernel from a step is `cost` in r and Lr.

    Both kernels are normal with the same mean (R7), of variances h v_{k-1}/v_k and h. Left: the
    average of the log ratio of the densities under the exact kernel, Lr = log r a symbol.
    """
    z, h, before, after = symbols("z h v_before v_after", positive=True)
    exact = h * before / after
    ratio = z**2 / (2 * h) - z**2 / (2 * exact) - _Lr / 2
    left = expectation(ratio, z, 0, exact)
    return vanishes(left - cost.subs(_r, before / after))


def _paths(num_steps: int) -> mpf:
    h = _S2 / num_steps
    ratios = [(_V0 + h * (k - 1)) / (_V0 + h * k) for k in range(1, num_steps + 1)]
    return mpmath.fsum((r - 1 - mpmath.log(r)) / 2 for r in ratios)


def is_the_slope(slope: Callable[[mpf, mpf], mpf]) -> bool:
    """Whether the sum over the steps is slope(v_0, v_N) h + O(h^2).

    The quotient Q = sum / h has an expansion in powers of h, so 2 Q(h/2) - Q(h) is the slope up
    to O(h^2); the coefficient of h^2 is in fact zero. With N = 200, 400, 800 the error of the
    extrapolation must be below h^2 / v_0^3 and fall by 8, within 1 percent.
    """
    with mpmath.workdps(50):
        quotients = [_paths(n) * n / _S2 for n in (200, 400, 800)]
        limit = slope(_V0, _V0 + _S2)
        first, second = (2 * quotients[i + 1] - quotients[i] - limit for i in (0, 1))
        small = abs(first) <= (_S2 / 200) ** 2 / _V0**3
        return bool(small and abs(first / second - 8) <= mpf("0.08"))


def _by_digammas(at: Values, first: int) -> mpf:
    """The sum over the steps: 1 - r_k = 1 / (q + k) adds up to digammas, log r_k telescopes."""
    q, total = at["v0"] * at["N"] / (at["sigma"] ** 2 * at["T"]), at["sigma"] ** 2 * at["T"]
    gaps = mpmath.digamma(q + at["N"] + first) - mpmath.digamma(q + first)
    return (mpmath.log1p(total / at["v0"]) - gaps) / 2


def _sum(at: Values) -> mpf:
    return _by_digammas(at, 1)


def _sum_of_the_reverse(at: Values) -> mpf:
    return -_by_digammas(at, 0)


_PATHS = Pin(
    "gbm_ref.path_divergence",
    formula=_sum,
    twins={"the reverse divergence": _sum_of_the_reverse},
    points=(
        {"v0": 0.15, "sigma": 0.8, "T": 1.0, "N": 8},
        {"v0": 1e-5, "sigma": 1.3, "T": 0.7, "N": 1000},
        {"v0": 40.0, "sigma": 0.6, "T": 1.2, "N": 100},
    ),
)

STEP = Claim(
    id="R20b-step",
    title="divergence of one step's kernel",
    statement=r"$\mathrm{KL}(\text{exact reverse kernel}\Vert\text{A13})=\frac12(r_k-1-\ln r_k)$, "
    r"$r_k=v_{k-1}/v_k$, for LN data, whatever the state.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R20b",),
    assumptions=("log-normal data", "delta_s = delta, kappa = 1"),
    depends=("R7", "gaussian-kl"),
    derivation=r"The drift of A13 is exact on LN data (R7): both kernels are normal with the same "
    r"mean, of variances $hr_k$ and $h$. The average of the log ratio is $\frac12(r_k-1-\ln "
    "r_k)$, which does not depend on the state.",
    proof=Proof(
        is_one_step,
        holds=(_r - 1 - _Lr) / 2,
        twins={
            "the reverse divergence": (1 / _r - 1 + _Lr) / 2,
            "without the factor 1/2": _r - 1 - _Lr,
            "logarithm left out": (_r - 1) / 2,
        },
    ),
)

R20B = Claim(
    id="R20b",
    title="divergence of paths is of first order",
    statement=r"The chains' path-space divergence is $\sum_k\frac12(r_k-1-\ln r_k)=\frac "
    r"h4(\frac1{v_0}-\frac1{v_N})+O(h^2)$: first order in the step, although that of the "
    r"marginals at $t=0$ (R8) is of second order.",
    kind=Kind.PROVED,
    means=Means.EXACT_LAW,
    sheet=("R20b",),
    assumptions=("log-normal data", "both chains start from the exact law at t = 1"),
    depends=("R20b-step", "R8"),
    derivation=r"The chain rule of the divergence adds the kernels' divergences, which are "
    r"constants. With $r_k=1-\epsilon_k$, $\epsilon_k=h/v_k$: $\frac12(r-1-\ln r)="
    r"\frac{\epsilon^2}4+O(\epsilon^3)$, and $\sum_k\frac{h^2}{4v_k^2}\to\frac "
    r"h4\int_{v_0}^{v_N}\frac{dv}{v^2}$. The sums are computed at 50 digits and extrapolated; "
    "what is left falls by 8 when $h$ is halved.",
    proof=Proof(
        is_the_slope,
        holds=lambda v0, vN: (1 / v0 - 1 / vN) / 4,
        twins={
            "half of it": lambda v0, vN: (1 / v0 - 1 / vN) / 8,
            "without the upper end": lambda v0, vN: 1 / (4 * v0),
            "the marginals' order: no term of order h": lambda v0, vN: mpf(0),
        },
    ),
    pins=(_PATHS,),
)

CLAIMS = (STEP, R20B)
