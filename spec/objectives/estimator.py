"""The Monte-Carlo loss of the training: which levels it may average, and what it averages.

Symbols: N number of levels, M number of samples, h = sigma^2 / N the log-variance of one forward
step, v_k = h k; target c_k = -1 - z / sqrt(v_k).
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import product

import mpmath
from mpmath import mpf
from sympy import Expr, Rational, Symbol, symbols

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.numeric import rounds_to
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2
from spec.checking.symbols import z

_LEVELS, _SAMPLES = 3, 2
# losses[i][k]: the loss of sample i at level k, given what sample i is
Estimator = Callable[[list[list[Expr]]], Expr]


def is_unbiased(estimator: Estimator) -> bool:
    """Whether the estimator's expectation is the mean over the levels of the M-DSM losses.

    Two independent samples from data at two points, three levels, all losses symbols: the
    expectation is summed over the four pairs of data points.
    """
    w = Symbol("w")
    weights = (w, 1 - w)
    values = [symbols(f"loss{point}_1:{_LEVELS + 1}") for point in range(2)]
    expected = sum(
        weights[i] * weights[j] * estimator([list(values[i]), list(values[j])])
        for i, j in product(range(2), repeat=_SAMPLES)
    )
    level_losses = [
        sum(weight * row[k] for weight, row in zip(weights, values, strict=True))
        for k in range(_LEVELS)
    ]
    return same(expected, sum(level_losses) / _LEVELS)


def are_the_levels(levels: Callable[[int], range]) -> bool:
    """Whether a training sum may run over these levels, for a chain of N = 5 steps.

    Each target needs a finite second moment, whose denominator is the variance h k; and the
    levels must be those at which the reverse chain asks for the score. The chain starts at N,
    asks at k to get to k - 1, and stops at 0.
    """
    steps, h, r = 5, Rational(1, 5), Symbol("r")
    second = expectation((r + z) ** 2, z, 0, 1)  # r^2 times that of the target, r^2 = v_k
    asked, k = [], steps
    while k > 0:
        asked.append(k)
        k -= 1
    for level in levels(steps):
        if h * level <= 0 and second.subs(r, 0) != 0:
            return False
    return sorted(levels(steps)) == sorted(asked)


def are_the_shares(quoted: dict[str, str]) -> bool:
    """Whether numbers about the target at sigma = 0.8, N = 1000 are as quoted.

    E c_k^2 = 1 + 1 / (h k), summed exactly as fractions.
    """
    sizes = _second_moments()
    total, half = sum(sizes), 0
    running = Fraction(0)
    while 2 * running < total:
        running += sizes[half]
        half += 1
    with mpmath.workdps(50):
        found = {
            "at the first level": sizes[0],
            "mean over the levels": total / len(sizes),
            "levels with half of the sum": Fraction(half),
            "percent at the first level": 100 * sizes[0] / total,
        }
        values = {name: mpf(f.numerator) / f.denominator for name, f in found.items()}
        same_names = found.keys() == quoted.keys()
        return same_names and all(rounds_to(value, quoted[n]) for n, value in values.items())


def _second_moments() -> list[Fraction]:
    """E c_k^2 for k = 1..1000 and sigma = 0.8."""
    step = Fraction(64, 100) / 1000
    return [1 + 1 / (step * k) for k in range(1, 1001)]


def _figures() -> tuple[Figure, ...]:
    sizes = _second_moments()
    total = sum(sizes)
    return (
        Figure("E|target|^2 per coordinate at k = 1 (sigma = 0.8, N = 1000)", float(sizes[0]), 5),
        Figure("mean over k = 1..1000", float(total / 1000)),
        Figure("percent of the sum at k = 1", float(100 * sizes[0] / total), 3),
        Figure("percent of the sum at k <= 32", float(100 * sum(sizes[:32]) / total), 3),
    )


def _mean(losses: list[list[Expr]]) -> Expr:
    return sum(sum(row) for row in losses) / (_LEVELS * _SAMPLES)


_QUOTED = {
    "at the first level": "1563.5",
    "mean over the levels": "12.7",
    "levels with half of the sum": "32",
    "percent at the first level": "12",
}

A38 = Claim(
    id="A38",
    title="Monte-Carlo estimate of the loss",
    statement=r"$\hat{\mathcal L}=\frac1{NM}\sum_{i=1}^M\sum_{k=1}^N\tfrac12\lVert x_k^{(i)}\circ"
    r"\nabla\log p_{X_k\mid X_0}(x_k^{(i)}\mid x_0^{(i)})-x_k^{(i)}\circ s_\theta(x_k^{(i)},k)"
    r"\rVert^2$ is an unbiased estimate of the mean of $\mathcal L_{\text{M-DSM}}$ over the "
    r"levels $k=1,\dots,N$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 38"),
    sheet=("A38",),
    assumptions=(
        "formula lost in the text of version 2; reconstructed: version 1's, with the range of E9",
        "independent samples; the noises of one sample at different levels may be dependent",
    ),
    depends=("A15", "E9"),
    derivation="The expectation is linear, and each term depends on one sample and one level. "
    r"Given $x_0^{(i)}$, the average over the noise of level $k$ is a number $\ell_k(x_0^{(i)})$ "
    r"whose mean over the data is the loss at level $k$; the $NM$ terms then average to the mean "
    "over levels. Decided by summing over all pairs of two samples.",
    proof=Proof(
        is_unbiased,
        holds=_mean,
        twins={
            "divided by N alone": lambda e: _mean(e) * _SAMPLES,
            "the last level left out": lambda e: _mean([row[:-1] for row in e]),
            "divided by N - 1 levels": lambda e: _mean(e) * _LEVELS / (_LEVELS - 1),
            "sample i at level i only": lambda e: (e[0][0] + e[1][1]) / _SAMPLES,
        },
    ),
)

E9 = Claim(
    id="E9",
    title="the training sum starts at k = 1",
    statement=r"The sum over levels runs over $k=1,\dots,N$. At $k=0$ the target is $0/0$: its "
    r"variance $1/(\sigma^2k\delta)$ has no limit.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("eq. 33"),
    sheet=("E9", "A38"),
    depends=("R4", "A13"),
    derivation=r"$\mathbb E c_k^2=1+1/(hk)$ with $h=\sigma^2\delta$ (R4) needs $k\ge1$. The "
    r"reverse chain asks for the score at $k=N$ for its first step and at $k=1$ for its last, so "
    r"level $N$ has to be trained as well.",
    proof=Proof(
        are_the_levels,
        holds=lambda n: range(1, n + 1),
        twins={
            "k = 2..N": lambda n: range(2, n + 1),
            "k = 1..N-1": lambda n: range(1, n),
            "k = 0..N": lambda n: range(n + 1),
        },
        printed={"k = 0..N-1": lambda n: range(n)},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"$\hat{\mathcal L}_{\text{M-DSM}}(\theta)=\frac1{NM}\sum_{i=1}^M\sum_{k=0}^{N-1}"
        r"[\dots]$, where $k=0,\dots,N-1$ denotes the discretized time-step",
        trouble=r"At $k=0$, $X_k=X_0$ and the target of equation 20 divides $0$ by $0$. The range "
        r"also leaves out $k=N$, the level of the first reverse step. No weight is written, where "
        r"equation 5 has $\lambda(t)$: unweighted, the smallest levels dominate the sum.",
        correction=r"$\sum_{k=1}^N$, and a weight such as $\lambda=\sigma^2k\delta$ (R4).",
        figures=_figures,
        remains_open="The range of equation 38 in version 2 is lost; its words are the same "
        r"(\"indexes the discretized time-step\"). Whether the code starts at the first noisy "
        "level, or weights the terms, cannot be seen.",
    ),
)

SHARES = Claim(
    id="E9-shares",
    title="the smallest levels dominate the unweighted loss",
    statement=r"At $\sigma=0.8$, $N=1000$, per coordinate: $\mathbb E c_1^2=1563.5$; the mean "
    r"over $k$ is $1+H_N/\sigma^2=12.7$; half of the sum is at $k\le32$ and 12 % at $k=1$.",
    kind=Kind.PROVED,
    means=Means.NUMBERS,
    sheet=("E9",),
    assumptions=("the paper's settings of version 1",),
    depends=("E9", "R4"),
    derivation=r"$\mathbb E c_k^2=1+1/(hk)$ with $h=6.4\cdot10^{-4}$, summed as exact fractions; "
    r"$\sum_k1/k=H_N$.",
    proof=Proof(
        are_the_shares,
        holds=_QUOTED,
        twins={
            "1562.5 without the mean": {**_QUOTED, "at the first level": "1562.5"},
            "last digit of the mean": {**_QUOTED, "mean over the levels": "12.6"},
            "31 levels": {**_QUOTED, "levels with half of the sum": "31"},
            "13 percent": {**_QUOTED, "percent at the first level": "13"},
        },
    ),
)

CLAIMS = (E9, A38, SHARES)
