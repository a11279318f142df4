"""What the setting of version 1 returns on log-normal data, mended and as printed."""

from collections.abc import Mapping
from functools import cache

import mpmath
from mpmath import mpf
from sympy import diff, lambdify

from spec.checking.claim import Claim, Means
from spec.checking.numeric import rounds_to
from spec.checking.trace import points
from spec.exact._chain import DATA, DRAWS, V, h, kappa, v
from spec.exact.annealing import INNER

LEVELS, LENGTH, CHI, SIGMA = 1000, mpf("2e-4"), "0.995", "0.8"


@cache
def output_variance(data_variance: str, inner_steps: int) -> mpf:
    """V_0 for a data variance v_0 and a number of effective inner steps, at 50 digits."""
    with mpmath.workdps(50):
        parts = lambdify((v, h, kappa), (diff(INNER[1], V), INNER[1].subs(V, 0)), "mpmath")
        v0, rate, first = mpf(data_variance), mpf(SIGMA) ** 2, LEVELS - 1
        variance = v0 + rate * first / LEVELS
        for i in range(first):
            level, strength = v0 + rate * (first - i) / LEVELS, mpf(CHI) ** i
            factor, noise = parts(level, rate * LENGTH, strength)
            for _ in range(inner_steps):
                variance = factor * variance + noise
        return variance


def are_the_ratios(printed: Mapping[int, Mapping[str, str]]) -> bool:
    r"""With [[levels]] equal levels up to the time one, steps of length [[length]],
    $\sigma=[[sigma]]$, $\kappa$ falling by the factor [[chi]] a level, and the exact score and
    start, $V_0$ in units of $v_0$ is, for three steps a level and a log-variance of the data of
    $[[three]]$; for one step a level, as the printed loop has it, $[[one]]$. For the log-variance
    zero it is $V_0$ itself. All as rounded.

    The recursion of R10, run from the exact variance at the first level in high precision."""
    rows = [(v0, steps, text) for steps, row in printed.items() for v0, text in row.items()]
    walked = points({"v0": float(v0), "steps": steps} for v0, steps, _ in rows)
    found = [
        rounds_to(output_variance(v0, steps) / (mpf(v0) or 1), text)
        for (v0, steps, text), _ in zip(rows, walked, strict=True)
    ]
    return all(found)


_TABLE = {3: {".01": "0.478", ".05": "0.633", ".2": "0.790", "0": "6.9e-5"}, 1: {".01": "12.6",
    ".05": "4.93", ".2": "2.40", "0": "0.030"},}  # fmt: skip
R10B = Claim(
    "R10b", "the published setting of version 1 on log-normal data", are_the_ratios, holds=_TABLE,
    twins={
        "last digit, in place": {**_TABLE, 3: {**_TABLE[3], ".05": "0.634"}},
        "last digit, as printed": {**_TABLE, 1: {**_TABLE[1], ".2": "2.41"}},
        "in place and as printed exchanged": {3: _TABLE[1], 1: _TABLE[3]},
        "last digit, point mass": {**_TABLE, 3: {**_TABLE[3], "0": "6.8e-5"}},
    }, shown=lambda table: {"three": table[3], "one": table[1]},
    values=lambda: {"levels": LEVELS, "length": LENGTH, "sigma": SIGMA, "chi": CHI},
    equivalent={**_TABLE, 3: {**_TABLE[3], "0": "69e-6"}}, means=Means.POINTS,
    assumptions=(*DATA, DRAWS, "the noise is full at the first level, one below the top"),
    depends=("R10", "E3"))  # fmt: skip
CLAIMS = (R10B,)
