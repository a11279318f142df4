"""The settings of the experiments, and what follows from them: sheet E24.

Symbols: N levels, delta = 1/N, sigma, mu; of the sampler delta_s, L inner steps, chi; rho =
L delta_s / delta, the part of a level's time that its L steps traverse.
"""

from collections.abc import Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Rational, Symbol

from spec.checking.algebra import vanishes
from spec.checking.numeric import rounds_to
from spec.checking.old import Claim, Kind, Means, Proof, v1, v2
from spec.checking.symbols import s2

# Version 1, Sections 6 and D.4.
_N, _INNER = 1000, 3
_DELTA, _DELTA_S = mpf(1) / 1000, mpf(2) / 10000
_SIGMA, _CHI = mpf(8) / 10, mpf(995) / 1000


def follow(derived: Mapping[str, str]) -> bool:
    """Whether the decimals follow from N, delta, sigma, chi, L and delta_s of version 1."""
    with mpmath.workdps(50):
        levels = _N - 1  # Algorithm 2 runs k = N-1 .. 1
        values = {
            "horizon N delta": _N * _DELTA,
            "log-variance a step h": _SIGMA**2 * _DELTA,
            "rho": _INNER * _DELTA_S / _DELTA,
            "time traversed": mpmath.fsum(_INNER * _DELTA_S for _ in range(levels)),
            "last noise factor": mpmath.fprod(_CHI for _ in range(levels - 1)),
        }
        return derived.keys() == values.keys() and all(
            rounds_to(values[name], printed) for name, printed in derived.items()
        )


_DERIVED = {
    "horizon N delta": "1.0000",
    "log-variance a step h": "6.400e-4",
    "rho": "0.6000",
    "time traversed": "0.5994",
    "last noise factor": "6.721e-3",
}

SETTINGS = Claim(
    id="settings",
    title="settings of version 1 and what follows from them",
    statement=r"$N=1000$, $\delta=10^{-3}$, $\sigma=0.8$, and for sampling "
    r"$\delta_s=2\cdot10^{-4}$, $L=3$, $\chi=0.995$ give: horizon $N\delta=1$; "
    r"$h=\sigma^2\delta=6.4\cdot10^{-4}$; $\rho=L\delta_s/\delta=0.6$; over the 999 levels of "
    "Algorithm 2 a traversed time of 0.5994; noise factor 0.0067 at the last level.",
    kind=Kind.PROVED,
    means=Means.NUMBERS,
    sources=v1("sec. 6: settings", "App. D.4: settings"),
    sheet=("E24",),
    derivation=r"Sections 6 and D.4 give the numbers. The time of a level is $\delta$, its $L$ "
    r"inner steps traverse $L\delta_s$; the noise factor is 1 at the first level and is "
    r"multiplied by $\chi$ 998 times. Computed at 50 digits and compared with the decimals.",
    proof=Proof(
        follow,
        holds=_DERIVED,
        twins={
            "one inner step": {**_DERIVED, "rho": "0.2000"},
            "the whole time is traversed": {**_DERIVED, "time traversed": "0.9990"},
            "annealed at the first level too": {**_DERIVED, "last noise factor": "6.687e-3"},
        },
    ),
)


def removes_the_log_drift(mu: Expr) -> bool:
    """Whether this mu leaves E[log X_t] = log X_0, by Ito's formula for log X."""
    x = Symbol("x", positive=True)
    logarithm = {1: 1 / x, 2: -1 / x**2}  # its first two derivatives
    drift = mu * x * logarithm[1] + s2 * x**2 * logarithm[2] / 2
    return vanishes(drift)


DRIFT = Claim(
    id="settings-drift",
    title="mu = sigma^2 / 2",
    statement=r"$\mu=\frac{\sigma^2}2\mathbf 1$ makes the log-drift $m=\mu-\frac{\sigma^2}2$ "
    "zero, and is the only choice that does.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v1("sec. 6: settings", "App. D.4: settings"),
    sheet=("E24",),
    depends=("A8",),
    derivation=r"Itô: the drift of $\log X$ is $\mu "
    r"x\cdot\frac1x-\frac12\sigma^2x^2\cdot\frac1{x^2}=\mu-\frac{\sigma^2}2$.",
    proof=Proof(
        removes_the_log_drift,
        holds=s2 / 2,
        twins={
            "no drift": Integer(0),
            "the drift of eq. 16": Rational(3, 2) * s2,
            "half of it": s2 / 4,
        },
    ),
)

LOST_SETTINGS = Claim(
    id="settings-v2",
    title="settings of version 2",
    statement="Pixel range, number of levels, step size, drift and rate of Section 6 of version "
    "2.",
    kind=Kind.UNRECOVERABLE,
    means=Means.NONE,
    sources=v2("sec. 6: settings"),
    sheet=("E24",),
    reason="The numbers are lost in the text we have. Nothing in the rest of it forces them; "
    "those of version 1 are in claim settings. That the range is there “to satisfy the positivity "
    "constraint” is right (E24-range).",
)

CLAIMS = (SETTINGS, DRIFT, LOST_SETTINGS)
