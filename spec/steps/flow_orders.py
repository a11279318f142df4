"""The order of the probability-flow step over a whole run, on log-normal data.

Symbols: v0, v_N variances of log X at t = 0 and 1; ell spacing in sqrt(v); h = sigma^2 delta
spacing in v; a > b square roots of v at the ends of a step.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
from mpmath import mpf

from spec.checking.claim import Claim, Kind, Means, Proof

Constant = Callable[[mpf, mpf], mpf]


@dataclass(frozen=True)
class Rates:
    """Leading relative errors of Var log X_0, as power and constant of (v0, v_N).

    even   steps equal in sqrt(v): constant * ell^power
    times  steps equal in time: constant * h^power
    """

    even: tuple[int, Constant]
    times: tuple[int, Constant]


def are_the_rates(rates: Rates) -> bool:
    """Whether both errors, by the exact recursion at 50 digits, have these leading terms.

    From the exact law at t = 1 each step multiplies the deviation by a number, which is found by
    running Heun's rule (Euler's to v = 0) on the affine slope. Error over leading term minus 1 is
    below 2 % at 800 steps and falls by a factor of at least 1.7 from 400 steps: by 2 where the
    next term is one power higher, by less where it is h^2 log h.
    """
    with mpmath.workdps(50):
        data, noise = mpf("0.2"), mpf("0.64")
        distances = {"even": [], "times": []}
        for count in (400, 800):
            fractions = [mpf(k) / count for k in range(count, -1, -1)]
            width = mpmath.sqrt(noise)
            runs = {
                "even": ([width * f for f in fractions], width / count, rates.even),
                "times": ([width * mpmath.sqrt(f) for f in fractions], noise / count, rates.times),
            }
            for name, (stds, step, (power, constant)) in runs.items():
                leading = constant(data, data + noise) * step**power
                distances[name].append(abs(_variance_error(stds, data) / leading - 1))
        return all(
            [bool(fine < 0.02 and coarse / fine > 1.7) for coarse, fine in distances.values()]
        )


def _variance_error(stds: list[mpf], data: mpf) -> mpf:
    """V_0 / v_0 - 1 after steps through these square roots of v."""
    factor = mpf(1)
    for a, b in zip(stds[:-1], stds[1:], strict=True):
        slope = a * factor / (data + a**2)
        ahead = factor + (b - a) * slope
        end_slope = slope if b == 0 else b * ahead / (data + b**2)
        factor += (b - a) * (slope + end_slope) / 2
    return factor**2 * (data + stds[0] ** 2) / data - 1


def _even(v: mpf, last: mpf) -> mpf:
    return ((1 - (v / last) ** 2) / 4 - 1) / v


_HOLDS = Rates((2, _even), (1, lambda v, last: -1 / v))

ORDER = Claim(
    id="heun-flow-order",
    title="order of the flow depends on the grid",
    statement=r"On log-normal data with an exact start, $\frac{\mathrm{Var}\log "
    r"X_0}{v_0}-1=-\frac{\ell^2}{v_0}\big[1-\frac14(1-\frac{v_0^2}{v_N^2})\big](1+o(1))$ for "
    r"steps equal in $\sqrt v$: second order. For steps equal in time it is $-\frac "
    r"h{v_0}(1+o(1))$: first order in $\delta$, because the last step ends on the denoiser.",
    kind=Kind.PROVED,
    means=Means.EXACT_LAW,
    sheet=("R16",),
    assumptions=("log-normal data, exact score and start", "checked at v0 = 0.2, sigma = 0.8"),
    depends=("heun-flow", "heun-flow-last"),
    derivation=r"The exact factor of a step is $\sqrt{\frac{v_0+b^2}{v_0+a^2}}$, and Heun's "
    r"differs in the logarithm by $\frac{a\,v_0\ell^3}{2(v_0+a^2)^3}+O(\ell^4)$; summed, "
    r"$\frac{\ell^2}8\frac{1-v_0^2/v_N^2}{v_0}$, twice that for the variance. The last step, from "
    r"$a$ to 0, has $\frac{v_0}{v_0+a^2}$ for $\sqrt{\frac{v_0}{v_0+a^2}}$: $-\frac{a^2}{v_0}$ in "
    r"the variance, with $a^2=\ell^2$ or $a^2=h$. In time-equal steps Heun's part is "
    r"$O(h^2\log\frac1h)$.",
    proof=Proof(
        are_the_rates,
        holds=_HOLDS,
        twins={
            "second order in time too": Rates((2, _even), (2, lambda v, last: -1 / v)),
            "last step forgotten": Rates(
                (2, lambda v, last: (1 - (v / last) ** 2) / (4 * v)), _HOLDS.times
            ),
            "quarter left out": Rates((2, lambda v, last: -((v / last) ** 2) / v), _HOLDS.times),
        },
    ),
)

CLAIMS = (ORDER,)
