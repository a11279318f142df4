"""What the setting of version 1 returns on log-normal data.

In place: three steps at a level, from the exact law at k = 999. As printed: the inner loop never
advances the state, so that one step a level is left.
"""

from collections.abc import Mapping
from functools import cache

import mpmath
from mpmath import mpf
from sympy import lambdify

from spec.checking.claim import Claim, Means
from spec.checking.numeric import rounds_to
from spec.checking.trace import points
from spec.exact._chain import DATA
from spec.exact._symbols import V, h, kappa, v
from spec.exact.annealing import INNER

LEVELS, LENGTH, CHI, SIGMA = 1000, mpf("2e-4"), "0.995", "0.8"
Table = Mapping[tuple[str, int], str]


@cache
def output_variance(data_variance: str, inner_steps: int) -> mpf:
    """V_0 for a data variance v_0 and a number of effective inner steps, at 50 digits."""
    with mpmath.workdps(50):
        v0, step, rate = mpf(data_variance), lambdify((v, h, kappa, V), INNER[1]), mpf(SIGMA) ** 2
        size, first = rate * LENGTH, LEVELS - 1
        variance = v0 + rate * first / LEVELS
        for i in range(first):
            level, strength = v0 + rate * (first - i) / LEVELS, mpf(CHI) ** i
            for _ in range(inner_steps):
                variance = step(level, size, strength, variance)
        return variance


def are_the_ratios(printed: Table) -> bool:
    r"""With [[levels]] levels, steps of length [[length]], $\sigma=[[sigma]]$, $\kappa$ falling by
    the factor [[chi]] a level, and the exact score and start, $V_0$ in units of $v_0$ is, for
    three steps a level: $[[three]]$; for one step a level, as the printed loop has it: $[[one]]$.
    For a point mass $V_0$ itself is $[[point]]$. All as rounded.

    The recursion of R10, run from the exact variance at the first level in high precision.
    """
    chosen = ({"v0": float(v0), "steps": steps} for v0, steps in printed)
    return all(
        [
            rounds_to(output_variance(v0, steps) / (mpf(v0) or 1), text)
            for _, ((v0, steps), text) in zip(points(chosen), printed.items(), strict=True)
        ]
    )


def _rows(table: Table) -> dict[str, dict[str, str]]:
    named = {3: "three", 1: "one"}
    rows = {
        name: {f"v_0 = {v0}": text for (v0, n), text in table.items() if n == steps and v0 != "0"}
        for steps, name in named.items()
    }
    return rows | {
        "point": {f"{named[n]} a level": text for (v0, n), text in table.items() if v0 == "0"}
    }


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
    "R10b",
    "the published setting of version 1 on log-normal data",
    are_the_ratios,
    holds=_TABLE,
    twins={
        "last digit, in place": {**_TABLE, (".05", 3): "0.634"},
        "last digit, as printed": {**_TABLE, (".2", 1): "2.41"},
        "in place and as printed exchanged": {**_TABLE, (".01", 1): "0.478"},
        "last digit, point mass": {**_TABLE, ("0", 3): "6.8e-5"},
    },
    shown=_rows,
    values=lambda: {"levels": LEVELS, "length": LENGTH, "sigma": SIGMA, "chi": CHI},
    equivalent={key: text.replace("6.9e-5", "69e-6") for key, text in _TABLE.items()},
    means=Means.POINTS,
    assumptions=(*DATA, "the noise is full at the first level, one below the top"),
    depends=("R10", "E3"),
)

CLAIMS = (R10B,)
