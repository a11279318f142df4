"""Passages of the paper about its experiments that do not fit together: sheet E24.

Symbols: delta step of the training, delta_s and L step and inner steps of the sampler; h =
sigma^2 delta; v log-variance of log-normal data at a level.
"""

from collections.abc import Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Rational, diff, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1

_ITERATIONS_PRINTED = {"Section 6": 200_000, "Appendix D.3, MNIST": 300_000}


def agree_with_each_other(counts: Mapping[str, int]) -> bool:
    """Whether all passages about one training give one number."""
    return len(set(counts.values())) == 1


E24 = Claim(
    id="E24",
    title="iterations of the MNIST training",
    statement="Version 1's two passages can both describe the training on MNIST only if they give "
    "one number of iterations.",
    kind=Kind.REFUTED,
    means=Means.TEXT,
    sources=v1("App. D.3: iterations", "sec. 6: settings"),
    sheet=("E24",),
    derivation='Section 6: "The model is trained for 200000 iterations", for all data sets. '
    "Appendix D.3: 300k for MNIST, 200k for the other two. The numbers are compared.",
    proof=Proof(
        agree_with_each_other,
        holds=dict.fromkeys(_ITERATIONS_PRINTED, 300_000),
        twins={"off by the interval of checkpoints": {"Section 6": 300_000, "D.3": 305_000}},
        printed={"the two passages": _ITERATIONS_PRINTED},
    ),
    erratum=Erratum(
        fault=Fault.INCONSISTENT,
        printed="200,000 iterations (Section 6); 300k for MNIST (Appendix D.3).",
        trouble="The two passages of version 1 differ for MNIST.",
        correction="The appendix distinguishes the data sets and is the likelier one; state it "
        "once.",
        remains_open="Version 2 distinguishes the data sets too, but its numbers are lost in the "
        "text we have.",
    ),
)


def has_logarithms(ends: tuple[int, int]) -> bool:
    """Whether every pixel value of the range has a finite logarithm, by the range's ends."""
    return all(mpmath.isfinite(mpmath.log(mpf(end))) and end > 0 for end in ends)


def _range_figures() -> tuple[Figure, ...]:
    return (
        Figure("log-range of [1, 2]", mpmath.log(2)),
        Figure("noise deviation in the log at t = 1", mpf(8) / 10),
    )


RANGE = Claim(
    id="E24-range",
    title="the pixel range must be positive",
    statement=r"The framework needs pixels in $[b,c]$ with $b>0$; $[1,2]$ is admissible, with "
    r"log-range $\ln2<\sigma=0.8$.",
    kind=Kind.REFUTED,
    means=Means.NUMBERS,
    sources=v1("sec. 6: settings"),
    sheet=("E24",),
    derivation=r"$X_t=X_0\circ e^{\dots}$ stays at 0 for ever where $X_0=0$, and the target of "
    r"eq. 20 contains $\log X_0$. The ends of the range are inserted.",
    proof=Proof(
        has_logarithms,
        holds=(1, 2),
        twins={"centred at 0": (-1, 1), "grey levels": (0, 255)},
        printed={"non-negative dynamic range": (0, 1)},
    ),
    erratum=Erratum(
        fault=Fault.UNDEFINED,
        printed="“Note that the proposed framework requires a non-negative dynamic range of "
        "pixel values” (version 1, Section 6).",
        trouble="Necessary, but not enough: a pixel at 0 has no logarithm, no noise ever reaches "
        r"it, and its target is undefined. The range that is used, $[1,2]$, is right; version 2 "
        "asks for positivity.",
        correction="A strictly positive range.",
        figures=_range_figures,
    ),
)


def is_one_clock(steps: tuple[Expr, Expr]) -> bool:
    """Whether L steps of length delta_s carry the law of one level to that of the next.

    `steps` are (L, delta_s / delta). Log-normal data: from the exact variance v, L steps of
    V <- (1 - h_s / v)^2 V + h_s have to reach v - h to first order in h = sigma^2 delta.
    """
    inner, length = steps
    h, v = symbols("h v", positive=True)
    step, variance = length * h, v
    for _ in range(int(inner)):
        variance = (1 - step / v) ** 2 * variance + step
    return same(variance.subs(h, 0), v) and same(diff(variance, h).subs(h, 0), -1)


CLOCK = Claim(
    id="E24-clock",
    title="other steps, same levels",
    statement=r"Sampling with $\delta_s\ne\delta$ at the levels $k$ of the training discretises "
    r"the reverse SDE only if $L\delta_s=\delta$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("App. D.4: settings"),
    sheet=("E24",),
    depends=("A13", "E17-limit", "settings"),
    derivation=r"The score at level $k$ belongs to log-variance $\sigma^2k\delta$; $L$ steps "
    r"remove $L\sigma^2\delta_s$, and the next score belongs to $\sigma^2\delta$ less. Decided on "
    r"log-normal data: from the exact variance $v_k$ the steps reach $v_k-Lh_s+O(h^2)$, and level "
    r"$k-1$ has $v_k-h$. What the mismatch does to the law is claim E17-limit.",
    proof=Proof(
        is_one_clock,
        holds=(Integer(5), Rational(1, 5)),
        twins={
            "shorter steps, one a level": (Integer(1), Rational(1, 5)),
            "full steps, three a level": (Integer(3), Integer(1)),
        },
        printed={"L = 3, delta_s = 2e-4": (Integer(3), Rational(1, 5))},
    ),
    erratum=Erratum(
        fault=Fault.INCONSISTENT,
        printed=r"Training with $\delta=10^{-3}$ (Section 6); sampling with "
        r"$\delta=2\cdot10^{-4}$, $L=3$, at the same levels $k$ (Appendix D.4).",
        trouble="One letter has two values, and three steps traverse 0.6 of a level: the sampler "
        "is not a discretisation of the reverse SDE. That smaller steps worked better, as the "
        "authors report, is an observation about this other process.",
        correction=r"$L\delta_s=\delta$, for instance $L=5$; or call the scores at the times that "
        "are really traversed.",
        figures=lambda: (Figure("rho", mpf(3) * 2 / 10),),
        remains_open="The values of version 2 (its Tables 3 and 4) are lost in the text we have.",
    ),
)

CLAIMS = (E24, RANGE, CLOCK)
