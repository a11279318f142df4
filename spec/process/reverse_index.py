"""Which sigma a reverse step has to use.

Symbols: h_i  delta sigma_i^2, the variance that a step with the rate at time i delta adds;
v0  variance of log X_0;  e_k  deviation of the mean of log X_k from where the data put it.
"""

from collections.abc import Callable

from mpmath import mpf
from sympy import Expr, Integer, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v2
from spec.checking.symbols import v0

shares = symbols("h_0:4", positive=True)
_STEPS = 3

# (h_0, ..., h_N), k -> the one that the step from k to k - 1 uses.
Choice = Callable[[tuple[Expr, ...], int], Expr]


def carries_the_mean_exactly(choice: Choice) -> bool:
    """Whether e_0 = (v_0 / v_N) e_N for N = 1, 2, 3 reverse steps with the exact score, any e_N.

    For log-normal data, log X_k is N(a, v_k) with v_k = v_0 + sum_{i<k} h_i and the log score is
    -(y - a) / v_k, so a step maps the mean a + e to a + e - h e / v_k: linear in e, taken as 1.
    """
    variances = [v0 + sum(shares[:k]) for k in range(_STEPS + 1)]
    for steps in range(1, _STEPS + 1):
        e = Integer(1)
        for k in range(steps, 0, -1):
            e = e - choice(shares, k) * e / variances[k]
        if not same(e, v0 / variances[steps]):
            return False
    return True


def _shrinkage(shift: int) -> mpf:
    """e_0 v_N / (v_0 e_N) for sigma(t) = 0.05 * 100^t, N = 10, v_0 = 0.1; exact: 1."""
    n, start = 10, mpf("0.1")
    rates = [(mpf("0.05") * mpf(100) ** (mpf(i) / n)) ** 2 / n for i in range(n + 1)]
    levels = [start + sum(rates[:k]) for k in range(n + 1)]
    e = levels[n] / start
    for k in range(n, 0, -1):
        e *= 1 - rates[k - 1 + shift] / levels[k]
    return e


def _figures() -> tuple[Figure, ...]:
    setting = "v_0 = 0.1, sigma(t) = 0.05 * 100^t, N = 10"
    return (
        Figure(f"e_0 over its exact value, sigma_(k-1): {setting}", _shrinkage(0)),
        Figure("with sigma_k", _shrinkage(1)),
    )


E19_IV = Claim(
    id="E19-iv",
    title="the reverse step from k to k - 1 uses the rate of the forward step",
    statement=r"With the left-sum chain of eq. 35, the reverse step $\log X_{k-1}=\log "
    r"X_k+\delta\sigma^2(\mathbf 1+X_k\circ\nabla\log p_k)+\dots$ must use $\sigma_{k-1}$, the "
    r"noise of the forward step $k-1\to k$. Then on log-normal data $e_0=\tfrac{v_0}{v_N}e_N$ "
    r"exactly, $v_k=v_0+\delta\sum_{i<k}\sigma_i^2$, as for constant rates.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("eq. 36"),
    sheet=("E19",),
    assumptions=(
        "mu_i = sigma_i^2/2",
        "log X_0 ~ N(a, v_0) and the score is that of the chain",
    ),
    depends=("A35",),
    derivation=r"The log score is $-(y-a)/v_k$, so the mean obeys "
    r"$e_{k-1}=(1-\delta\sigma^2/v_k)e_k$. With $\sigma=\sigma_{k-1}$ the factor is "
    r"$(v_k-\delta\sigma_{k-1}^2)/v_k=v_{k-1}/v_k$ and the product telescopes to $v_0/v_N$, which "
    r"is what Bayes' rule gives for $\mathbb E[\log X_0\mid X_N]$. With $\sigma_k$ nothing "
    "cancels. Decided for $N=1,2,3$ with symbols: if it holds for every $N$, the rate of each "
    "step is forced.",
    proof=Proof(
        carries_the_mean_exactly,
        holds=lambda s, k: s[k - 1],
        twins={
            "one index lower": lambda s, k: s[max(k - 2, 0)],
            "mean of both ends": lambda s, k: (s[k - 1] + s[k]) / 2,
            "order of the forward chain": lambda s, k: s[_STEPS - k],
        },
        printed={"rate at the time of the step's start, sigma_k": lambda s, k: s[k]},
    ),
    erratum=Erratum(
        fault=Fault.UNDEFINED,
        printed="In principle, one could discretize this reverse-time SDE [36] (formula lost)",
        trouble=r"Euler-Maruyama applied to eq. 36 takes the rate where the step starts, "
        r"$\sigma_k$. The forward step $k-1\to k$ has added $\delta\sigma_{k-1}^2$. For growing "
        r"schedules $\sigma_k$ takes out more than was put in, and the factor "
        r"$1-\delta\sigma_k^2/v_k$ may even be negative. The difference is of first order in "
        "$\\delta$, so it vanishes in the limit.",
        correction=r"$\sigma_{k-1}$ in the step from $k$ to $k-1$",
        figures=_figures,
        remains_open="The appendix does not write the discretization out.",
    ),
)

CLAIMS = (E19_IV,)
