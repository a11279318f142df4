"""What the setting of version 1 returns on log-normal data.

N = 1000, delta_s = 2e-4, L = 3, chi = 0.995, sigma = 0.8; start with the exact law at k = 999.
In place: three steps at a level. As printed: the inner loop never advances the state, so that one
step a level is left.
"""

from collections.abc import Mapping
from functools import cache

import mpmath
from mpmath import mpf

from spec.checking.numeric import rounds_to
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact import _iterations


@cache
def output_variance(data_variance: str, inner_steps: int) -> mpf:
    """V_0 for a data variance v_0 and a number of effective inner steps, at 50 digits."""
    with mpmath.workdps(50):
        v0, h, h_s = mpf(data_variance), mpf("0.64") / 1000, mpf("0.64") * mpf("2e-4")
        factors = [mpf("0.995") ** i for i in range(999)]
        inner = (inner_steps, h_s)
        return _iterations.annealed(v0, h, 999, inner, factors.__getitem__, v0 + h * 999)


def are_the_ratios(printed: Mapping[tuple[str, int], str]) -> bool:
    """Whether V_0 / v_0 (V_0 itself for v_0 = 0) rounds to these, by (v_0, inner steps)."""
    with mpmath.workdps(50):
        return all(
            [
                rounds_to(output_variance(v0, steps) / (mpf(v0) or 1), text)
                for (v0, steps), text in printed.items()
            ]
        )


_TABLE = {
    (".01", 3): "0.478",
    (".05", 3): "0.633",
    (".2", 3): "0.790",
    (".01", 1): "12.6",
    (".05", 1): "4.93",
    (".2", 1): "2.40",
    ("0", 3): "6.9e-5",
    ("0", 1): "0.030",
}

R10B = Claim(
    id="R10b",
    title="the published setting of version 1 on log-normal data",
    statement=r"With an exact score and start, $V_0/v_0$ for $v_0=0.01,0.05,0.2$ is "
    r"$0.478,0.633,0.790$ when the state is updated in place (too little spread) and "
    r"$12.6,4.93,2.40$ with the loop as printed (too much). For a point mass $V_0$ is "
    r"$6.9\cdot10^{-5}$ and $0.030$.",
    kind=Kind.PROVED,
    means=Means.EXACT_LAW,
    sheet=("R10b",),
    assumptions=(
        "N = 1000, delta_s = 2e-4, L = 3, chi = 0.995, sigma = 0.8, mu = sigma^2 / 2",
        "kappa = 1 at k = 999, the first level",
    ),
    depends=("R10", "E3"),
    derivation=r"The recursion of R10 from $V_{999}=v_{999}$ down to $k=1$ at 50 digits, with "
    r"$L=3$, and with the single step that the printed loop keeps. $\rho=L\delta_s/\delta$ is "
    r"$0.6$ and $0.2$, so the levels pass too quickly for the drift; the falling noise acts the "
    "other way and prevails in place.",
    proof=Proof(
        are_the_ratios,
        holds=_TABLE,
        twins={
            "last digit, in place": {**_TABLE, (".05", 3): "0.634"},
            "last digit, as printed": {**_TABLE, (".2", 1): "2.41"},
            "in place and as printed exchanged": {**_TABLE, (".01", 1): "0.478"},
            "last digit, point mass": {**_TABLE, ("0", 3): "6.8e-5"},
        },
    ),
)

CLAIMS = (R10B,)
