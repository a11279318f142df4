"""The Monte-Carlo loss of the training: which levels it averages, and how.

Symbols: M number of samples, step = sigma^2 / N, so that level k has v = step k.
"""

from itertools import accumulate

from sympy import Expr, Integer, Rational, Sum, Symbol, expand, harmonic, lambdify, symbols

from spec.checking.algebra import same
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, Values, v1, v2
from spec.checking.symbols import v
from spec.checking.trace import each, points
from spec.objectives._setting import TARGET_SQUARE, without_harmonic

N, M, k, i, step, loss, y = symbols("N M k i step loss y", positive=True)
_NAMES = {"step": "h", "loss": r"\ell_k^{(i)}"}
_SIGMA2, _LEVELS, _AT_LEVEL, _ONE = Rational("0.64"), 1000, step * k, Integer(1)
_AT = {step: _SIGMA2 / _LEVELS, N: _LEVELS}


def is_unbiased(sums: Values) -> bool:
    r"""The estimate $\hat{\mathcal L}=[[estimate]]$, with $\ell_k^{(i)}$ the integrand of
    $\mathcal L_{\text{M-DSM}}$ at level $k$ for the sample $i$, has the mean over the levels from
    one to $N$ of $\mathcal L_{\text{M-DSM}}$ as its expectation.

    The expectation is linear: all samples have the same loss at a level. With powers of an
    undetermined $y$ for the losses, both sides are polynomials in $y$.
    """
    ends = ((1, N), (sums["first"], sums["last"]))
    wanted, got = (y ** expand(last + 1) - y**first for first, last in ends)
    gap = expand(got * sums["samples"] * sums["weight"] - wanted / N) / (y - 1)
    return same(gap.subs(y**N, Symbol("y_N")), 0)


def are_the_levels(ends: tuple[Expr, Expr]) -> bool:
    r"""For chains of one to six steps the levels at which the reverse chain asks for the score are
    those from $[[0]]$ to $[[1]]$; at these, not at level zero, the target has a second moment.

    The chain starts at $X_N$, asks at $k$ to make a step, and stops at the data. By R4 the second
    moment is $[[moment]]$ with $v$ equal to $[[at_level]]$, where $h$ is what one step adds.
    """
    sizes, found = TARGET_SQUARE.subs(v, _AT_LEVEL), []
    for steps in each("N", range(1, 7)):
        first, last = (int(end.subs(N, steps)) for end in ends)
        asked = set(range(steps, 0, -1))  # a step from each, down to the data
        finite = {n for n in range(steps + 1) if sizes.subs(k, n).is_finite}
        found.append(set(range(first, last + 1)) == asked == finite)
    return all(found)


def are_the_shares(claimed: Values) -> bool:
    r"""In version 1's setting, $\sigma^2$ equal to $[[rate]]$ and $N$ to $[[levels]]$, the
    target's mean square in a coordinate is $[[at_first|5]]$ at the first level and $[[at_mean]]$
    on average, or $[[first]]$ and $[[mean]]$; half of the sum is reached at level $[[half]]$, and
    $[[share|2]]$ of it at the first.

    The second moments of R4 are summed exactly; $H_N$ is the harmonic number and $h$ what a step
    adds.
    """
    for _ in points(({"sigma^2": _SIGMA2, "N": _LEVELS},)):
        moment = lambdify(v, TARGET_SQUARE, "sympy")
        sizes = [moment(_AT[step] * level) for level in range(1, _LEVELS + 1)]
        total = sum(sizes)
        half = 1 + sum(bool(2 * reached < total) for reached in accumulate(sizes))
        found = {"first": sizes[0], "mean": total / _LEVELS, "half": half}
    return all([same(claimed[n].subs(_AT), value) for n, value in found.items()])


_SHARES = {"first": 1 + 1 / step, "mean": 1 + harmonic(N) / (step * N), "half": Integer(32)}
_SUMS = {"weight": 1 / (N * M), "first": _ONE, "last": N, "samples": M}
A38 = Claim(
    "A38", "Monte-Carlo estimate of the loss", is_unbiased, _SUMS, twins={
        "divided by N alone": _SUMS | {"weight": 1 / N}, "no last level": _SUMS | {"last": N - 1},
        "divided by N - 1 levels": _SUMS | {"weight": 1 / ((N - 1) * M)},
        "a sample left out": _SUMS | {"samples": M - 1},
    }, shown=lambda of: {
        "estimate": of["weight"] * Sum(loss, (k, of["first"], of["last"]), (i, 1, of["samples"]))
    }, names=_NAMES, sources=v2("eq. 38"), depends=("A15", "E9"),
    assumptions=("the samples have the same law; they, and their noises, may be dependent",),
    readings=("formula lost in version 2; reconstructed: version 1's, with the range of E9",),
)  # fmt: skip

E9 = Claim(
    "E9", "the training sum starts at k = 1", are_the_levels, (_ONE, N),
    twins={"k = 2..N": (2 * _ONE, N), "k = 1..N-1": (_ONE, N - 1), "k = 0..N": (0 * _ONE, N)},
    printed={"k = 0..N-1": (0 * _ONE, N - 1)},
    values=lambda: {"moment": TARGET_SQUARE, "at_level": _AT_LEVEL}, names=_NAMES,
    means=Means.POINTS, sources=v1("eq. 33"), sheet=("E9", "A38"), depends=("R4", "A13"),
    erratum=Erratum(
        Fault.WRONG,
        quote=r"$\hat{\mathcal L}_{\text{M-DSM}}(\theta)=\frac1{NM}\sum_{i=1}^M\sum_{k=0}^{N-1}"
        r"[\dots]$, where $k=0,\dots,N-1$ denotes the discretized time-step",
        trouble=r"At level zero the state is the data, and the target of equation 20 divides zero "
        r"by zero. The range also leaves out level $N$, that of the first reverse step. No weight "
        r"is written, where equation 5 has $\lambda(t)$: the lowest levels dominate (E9-shares).",
        advice=r"Sum from $[[0]]$ to $[[1]]$, with a weight such as $[[at_level]]$ (R4).",
        figures=lambda: (
            Figure("mean square of the target at the first level (sigma^2 = "
                   f"{float(_SIGMA2)}, N = {_LEVELS})", float(_SHARES["first"].subs(_AT)), 5),
            Figure("mean over the levels", float(_SHARES["mean"].subs(_AT))),
        ), remains_open="The range of equation 38 in version 2 is lost. Whether the code starts "
        "at the first noisy level, or weights the terms, cannot be seen.",
    ),
)  # fmt: skip

SHARES = Claim(
    "E9-shares", "the smallest levels dominate the unweighted loss", are_the_shares, _SHARES,
    twins={
        "without the mean of the target": _SHARES | {"first": 1 / step},
        "one for the harmonic number": _SHARES | {"mean": 1 + 1 / (step * N)},
        **{f"level {n}": _SHARES | {"half": n * _ONE} for n in (31, 33)},
    }, shown=lambda shares: {
        **{name: without_harmonic(share) for name, share in shares.items()},
        **{f"at_{name}": float(shares[name].subs(_AT)) for name in ("first", "mean")},
    }, values=lambda: {
        "rate": float(_SIGMA2), "levels": _LEVELS,
        "share": float((_SHARES["first"] / (N * _SHARES["mean"])).subs(_AT)),
    }, names=_NAMES, means=Means.POINTS, sheet=("E9",), depends=("E9", "R4"),
)  # fmt: skip

CLAIMS = (E9, A38, SHARES)
