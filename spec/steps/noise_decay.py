"""What the annealed noise decays over: the levels, or the visits of each level.

Symbols: i-th level visited (i = 0 first), k its index; j visit; L visits a level; chi decay.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Poly, expand

from spec.checking.algebra import same
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v2
from spec.checking.symbols import sigma
from spec.steps._programs import Setting, UnknownScore, chi, draw, in_place
from spec.steps._recursions import annealed_rows, relative_variance
from spec.steps._reverse import root


def is_the_exponent(exponent: Callable[[int, int, int], int]) -> bool:
    """Whether visit j of the i-th level (i = 0 first) has noise chi^exponent(i, j, L).

    Left: the coefficient of each draw when Algorithm 2 of version 1 is run in place on symbols.
    """
    inner, verdicts = 3, []
    result = expand(in_place(Setting(2, inner), UnknownScore()))
    for i, k in enumerate((2, 1)):
        for j in range(1, inner + 1):
            found = Poly(result, draw(k, j)).coeff_monomial(draw(k, j))
            verdicts.append(same(found, sigma * root * chi ** exponent(i, j, inner)))
    return all(verdicts)


def _decay_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        v0_, s2_, decay = mpf("0.05"), mpf("0.64"), mpf("0.995")
        across = annealed_rows(1000, mpf("1e-3") / 3, 3, decay, 1000)
        within = [row._replace(noise=decay ** (n % 3)) for n, row in enumerate(across)]
        setting = "log-variance over that of the data (sigma = 0.8, v0 = 0.05, N = 1000, L = 3, "
        setting += "delta_s = delta / 3, chi = 0.995)"
        return (
            Figure(f"{setting}, decayed across levels", relative_variance(across, v0_, s2_)),
            Figure("the same, decayed over the visits of each level",
                   relative_variance(within, v0_, s2_)),
        )  # fmt: skip


NOISE_DECAY = Claim(
    id="E24-decay",
    title="what the noise decays over",
    statement=r"In Algorithm 2 of version 1 the noise of the $i$-th level ($i=0$ first) has the "
    r"factor $\chi^i$ in each of its $L$ visits: it decays across levels.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("sec. 6.3: decay of the noise"),
    sheet=("E24", "A-Alg1"),
    assumptions=("version 2's Algorithm 1 is version 1's Algorithm 2 in this respect",),
    depends=("E3", "V1-Alg2"),
    derivation=r"Run the listing in place on symbols, two levels and $L=3$, and read off the "
    r"factor on each draw: $\kappa\leftarrow\kappa\times\chi$ stands after the inner loop.",
    proof=Proof(
        is_the_exponent,
        holds=lambda i, j, inner: i,
        twins={
            "decayed at every visit": lambda i, j, inner: i * inner + j - 1,
            "decayed before the first level": lambda i, j, inner: i + 1,
        },
        printed={"over the repeated steps of each level": lambda i, j, inner: j - 1},
    ),
    erratum=Erratum(
        fault=Fault.INCONSISTENT,
        printed="Sec. 6.3: the noise coefficient “is decayed geometrically by a factor … across "
        "noise levels”, and in the next sentence “progressively reduces noise injection over the "
        "repeated sampling steps at each noise level”",
        trouble="The two sentences describe two samplers. The first one is what version 1 lists, "
        "and section 1.3 of version 2 agrees (“decayed geometrically by factor [lost] at each "
        "outer iteration”); it ends almost without noise. Taken literally, the second lets the "
        "noise fall within a level, so that every level begins at full noise again and the run "
        "does not end without noise.",
        correction="“… progressively reduces noise injection from one noise level to the next”.",
        figures=_decay_figures,
        remains_open="Version 2's listing is lost in the text we have.",
    ),
)

CLAIMS = (NOISE_DECAY,)
