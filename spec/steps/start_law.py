"""The law from which Algorithm 1 of version 1 starts.

Symbols: a, v0 mean and variance of the log data; mu, sigma rates; N steps of dt = 1 / N.
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Rational

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1
from spec.checking.symbols import a, mu, sigma, v0
from spec.steps._recursions import uniform_rows, variance_after


def is_the_terminal_law(candidate: tuple[Expr, Expr]) -> bool:
    """Whether these are mean and variance of log X at t = 1, on log-normal data.

    Runs the forward loop, eq. 22, which adds dt (mu - sigma^2/2) to the mean of log X and
    dt sigma^2 to its variance in each step, for N = 1, 2, 5.
    """
    verdicts = []
    for levels in (1, 2, 5):
        mean, variance, dt = a, v0, Rational(1, levels)
        for _ in range(levels):
            mean, variance = mean + dt * (mu - sigma**2 / 2), variance + dt * sigma**2
        verdicts.append(vanishes((mean - candidate[0], variance - candidate[1])))
    return all(verdicts)


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        figures = []
        for text in ("0.05", "0.5"):
            data, noise, centre = mpf(text), mpf("0.64"), mpf("0.25")
            rows = uniform_rows(1000)
            shift = -centre * data / (data + noise)
            ratio = variance_after(rows, data, noise, mpf(1)) / data
            setting = f"(a = 0.25, v0 = {text}, sigma = 0.8, mu = sigma^2 / 2, N = 1000)"
            figures += [
                Figure(f"shift of the mean of log X_0 {setting}", shift),
                Figure(f"log-variance over that of the data {setting}", ratio),
            ]
        return tuple(figures)


START = Claim(
    id="V1-Alg1-start",
    title="start of Algorithm 1",
    statement=r"The run has to start from the law of $X_t$ at $t=1$: on log-normal data $\log "
    r"X_N\sim\mathcal N(a+\mu-\frac{\sigma^2}2,\,v_0+\sigma^2)$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("Algorithm 1"),
    sheet=("R9", "R23"),
    assumptions=("log-normal data; forward loop over N steps (E4)",),
    depends=("A6", "E4"),
    derivation=r"Each step of eq. 22 adds $\delta(\mu-\frac{\sigma^2}2)$ to the mean and "
    r"$\delta\sigma^2$ to the variance of $\log X$; $N\delta=1$.",
    proof=Proof(
        is_the_terminal_law,
        holds=(a + mu - sigma**2 / 2, v0 + sigma**2),
        twins={
            "variance of the noise alone": (a + mu - sigma**2 / 2, sigma**2),
            "mu for the mean": (a + mu, v0 + sigma**2),
        },
        printed={"exp(Z)": (Integer(0), Integer(1))},
    ),
    erratum=Erratum(
        fault=Fault.INCONSISTENT,
        printed=r"Algorithm 1, line 1: $\bm Z\sim\mathcal N(\bm0,\mathbb I)$, $\bm "
        r"X_{N-1}=\exp(\bm Z)$",
        trouble=r"Mean 0 and variance 1 of the logarithm involve neither the data nor $\mu$ and "
        r"$\sigma$; they are those of the noisy data by coincidence only. Algorithm 2 fits "
        r"$\hat\mu,\hat\sigma$ instead, which is right as far as a product law can be. The effect "
        r"is small where $\sigma^2$ is large against the variance of the log data, since the run "
        r"shrinks it by $\frac{v_0}{v_0+\sigma^2}$.",
        correction=r"$\bm X_N\sim\mathcal{LN}(\hat\mu,\hat\sigma^2\mathbb I)$, fitted to samples "
        "of the forward process at $t=1$.",
        figures=_figures,
    ),
)

CLAIMS = (START,)
