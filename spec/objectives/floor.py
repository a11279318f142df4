"""The Monte-Carlo loss, its levels, and the constant of Theorem 4.1, which it cannot go below.

Symbols as in `_setting`; M number of samples, step = sigma^2 / N, v = step k at level k; q density
of log X_t, ell its logarithm."""

from dataclasses import replace
from functools import cache
from itertools import accumulate

from sympy import (
    Determinant, Expr, Function, HadamardProduct, Identity, ImmutableMatrix, Integer, Matrix,
    MatrixSymbol, Rational, Sum, Symbol, Trace, diff, digamma, expand, expand_func, eye, harmonic,
    lambdify, log, ones, polygamma, symbols)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, Pin, Values, v1, v2
from spec.checking.gaussian import expectation
from spec.checking.pins import table
from spec.checking.symbols import H, L, a, h, m, s2, v, v0
from spec.checking.trace import each, points
from spec.checking.typeset import Chain
from spec.objectives._setting import (
    DENOISING, EXPLICIT, FINITE_MODEL, LOG_NORMAL, NAMES, NOISE, POSITIVE_TIME, TARGET,
    TARGET_SQUARE, c, denoising_loss, explicit_loss, floor, marginal_score, without_harmonic,
)  # fmt: skip
from spec.paper.settings import PRINTED

N, M, k, i, step, loss, y = symbols("N M k i step loss y", positive=True)
INFORMATION, rate, _ONE = *symbols("I rate", positive=True), Integer(1)
q, ell, b = symbols("q q' q''", positive=True), Symbol("ell"), Symbol("b")
_LOG_SCORE, _u, _n = 1 + H, symbols("u1 u2"), symbols("n1 n2")
_S0, _NOISY = MatrixSymbol("S_0", 2, 2), v * Identity(2)
_INVERSE, _DETERMINANT = (of((_S0 + _NOISY).inv()) for of in (Trace, Determinant))
_OF_DIAGONAL = Trace((HadamardProduct(_S0, Identity(2)) + _NOISY).inv())
_NAMES = NAMES | {"loss": r"\ell_k^{(i)}", "step": "h", "ell": r"\log q",
                  "rate": r"\frac{d}{dt}\mathrm{Ent}(q_t)"}  # fmt: skip
_FLUX = b * q[0] * ell - s2 / 2 * (1 + ell) * q[1]
_SIGMA2, _LEVELS = Rational(PRINTED["sigma"]) ** 2, int(PRINTED["N"])
_AT, _AT_LEVEL = {step: _SIGMA2 * Rational(PRINTED["delta"]), N: _LEVELS}, step * k


def is_unbiased(sums: Values) -> bool:
    r"""The estimate $\hat{\mathcal L}=[[estimate]]$, with $\ell_k^{(i)}$ the integrand of
    $\mathcal L_{\text{M-DSM}}$ at level $k$ for the sample $i$, has the mean over the levels from
    one to $N$ of $\mathcal L_{\text{M-DSM}}$ as its expectation.

    The expectation is linear: all samples have the same loss at a level. With powers of an
    undetermined $y$ for the losses, both sides are polynomials in $y$."""
    (_, *levels), (_, first, last) = _sum(sums).limits
    wanted, got = (y ** expand(last + 1) - y**first for first, last in ((1, N), levels))
    samples = last - first + 1
    gap = expand(_estimate(sums["weight"], got * samples) - wanted / N) / (y - 1)
    return same(gap.subs(y**N, Symbol("y_N")), 0)


def _sum(of: Values) -> Sum:
    return Sum(loss, (k, of["first"], of["last"]), (i, _ONE, of["samples"]))


def _estimate(weight: Expr, total: Expr) -> Expr:
    return weight * total


def are_the_levels(ends: tuple[Expr, Expr]) -> bool:
    r"""For chains of one to six steps the levels at which the reverse chain asks for the score are
    those from $[[0]]$ to $[[1]]$; at these, not at level zero, the target has a second moment.

    The chain starts at $X_N$, asks at $k$ to make a step, and stops at the data. By R4 the second
    moment is $[[moment]]$ with $v$ equal to $[[at_level]]$, where $h$ is what one step adds."""
    sizes, found = TARGET_SQUARE.subs(v, _AT_LEVEL), []
    for steps in each("N", range(1, 7)):
        first, last = (int(end.subs(N, steps)) for end in ends)
        asked = set(range(steps, 0, -1))  # a step from each, down to the data
        finite = {n for n in range(steps + 1) if sizes.subs(k, n).is_finite}
        found.append(set(range(first, last + 1)) == asked == finite)
    added = _AT_LEVEL.subs(k, 0), _AT_LEVEL.subs(k, k + 1) - _AT_LEVEL - step
    return all(found) and vanishes(added)


def are_the_shares(claimed: Values) -> bool:
    r"""In version 1's setting, $\sigma^2$ equal to $[[rate]]$ and $N$ to $[[levels]]$, the
    target's mean square in a coordinate is $[[at_first|5]]$ at the first level and $[[at_mean]]$
    on average, or $[[first]]$ and $[[mean]]$; half of the sum is reached at level $[[half]]$, and
    $[[at_share|2]]$ of it at the first.

    The second moments of R4 are summed; $H_N$ is the harmonic number, $h$ what a step adds."""
    for _ in points(({"sigma^2": _SIGMA2, "N": _LEVELS},)):
        found = _summed()
    return all(same(claimed[n].subs(_AT), value) for n, value in found.items())


@cache
def _summed() -> Values:
    """The mean square at the first level, also over the sum, its mean, and where it is half."""
    moment = lambdify(v, TARGET_SQUARE, "sympy")
    sizes = [moment(_SIGMA2 / _LEVELS * level) for level in range(1, _LEVELS + 1)]
    total = sum(sizes)
    half = 1 + sum(bool(2 * reached < total) for reached in accumulate(sizes))
    share = sizes[0] / total
    return {"first": sizes[0], "mean": total / _LEVELS, "half": half, "share": share}


_SHARES = {"first": 1 + 1 / step, "mean": 1 + harmonic(N) / (step * N), "half": Integer(32),
           "share": (1 + step) / (step * N + harmonic(N))}  # fmt: skip
_SUMS = {"weight": 1 / (N * M), "first": _ONE, "last": N, "samples": M}
A38 = Claim(
    "A38", "Monte-Carlo estimate of the loss", is_unbiased, _SUMS, twins={
        "divided by N alone": _SUMS | {"weight": 1 / N}, "no last level": _SUMS | {"last": N - 1},
        "divided by N - 1 levels": _SUMS | {"weight": 1 / ((N - 1) * M)},
        "a sample left out": _SUMS | {"samples": M - 1},
    }, shown=lambda of: {"estimate": _estimate(of["weight"], _sum(of))}, names=_NAMES,
    sources=v2("eq. 38"), depends=("A15", "E9"),
    assumptions=("each sample, with its noise, has the law of the loss; they may be dependent",),
    readings=("formula lost in version 2; reconstructed: version 1's, with the range of E9",),
)  # fmt: skip

E9 = Claim(
    "E9", "the training sum starts at k = 1", are_the_levels, (_ONE, N),
    twins={"k = 2..N": (2 * _ONE, N), "k = 1..N-1": (_ONE, N - 1), "k = 0..N": (0 * _ONE, N)},
    printed={"k = 0..N-1": (0 * _ONE, N - 1)}, sources=v1("eq. 33"), sheet=("E9", "A38"),
    values=lambda: {"moment": TARGET_SQUARE, "at_level": _AT_LEVEL}, names=_NAMES,
    means=Means.POINTS, depends=("R4", "A-Assumption-1-data", "A13"), erratum=Erratum(
        Fault.WRONG,
        quote=r"$\hat{\mathcal L}_{\text{M-DSM}}(\theta)=\frac1{NM}\sum_{i=1}^M\sum_{k=0}^{N-1}"
        r"[\dots]$, where $k=0,\dots,N-1$ denotes the discretized time-step",
        trouble=r"At level zero the state is the data, and the target of equation 20 divides zero "
        r"by zero. The range also leaves out level $N$, that of the first reverse step. No weight "
        r"is written, where equation 5 has $\lambda(t)$: at the settings of version 1 the lowest "
        r"levels dominate the target (E9-shares).",
        advice=r"Sum from $[[0]]$ to $[[1]]$, with a weight such as $[[at_level]]$ (R4).",
        figures=lambda: (
            Figure("mean square of the target at the first level (sigma^2 = "
                   f"{float(_SIGMA2)}, N = {_LEVELS})", float(_SHARES["first"].subs(_AT)), 5),
            Figure("mean over the levels", float(_SHARES["mean"].subs(_AT))),
        ), remains_open="The range of equation 38 in version 2 is lost. Whether the code starts "
        "at the first noisy level cannot be seen; it weights the terms (coded-weight).",
    ))  # fmt: skip
SHARES = Claim(
    "E9-shares", "the smallest levels dominate the unweighted target", are_the_shares, _SHARES,
    twins={
        "without the mean of the target": _SHARES | {"first": 1 / step},
        "one for the harmonic number": _SHARES | {"mean": 1 + 1 / (step * N)},
        **{f"level {n}": _SHARES | {"half": n * _ONE} for n in (31, 33)},
    }, shown=lambda shares: {
        **{name: without_harmonic(share) for name, share in shares.items()},
        **{f"at_{name}": float(shares[name].subs(_AT)) for name in ("first", "mean", "share")},
    }, values=lambda: {"rate": float(_SIGMA2), "levels": _LEVELS}, names=_NAMES,
    means=Means.POINTS, sheet=("E9",), depends=("E9", "R4", "settings"))  # fmt: skip


def is_the_gap(constant: Expr) -> bool:
    r"""For log-normal data in one coordinate $\mathcal L_{\text{M-DSM}}$ is $\mathcal
    L_{\text{M-ESM}}$ and $[[it]]$, $v$ being $\sigma^2t$, for models quadratic in $\log x$.

    Both losses are Gaussian moments of their definitions, over different laws."""
    model = sum(b * L**k for k, b in enumerate(symbols("b0:3")))
    return same(denoising_loss(model) - explicit_loss(model), constant)


def are_of_log_normal_data(values: tuple[Expr, Expr]) -> bool:
    r"""For log-normal data in one coordinate the Fisher information of $\log X_t$, the mean square
    of its score, is $[[0]]$, the least $\mathcal L_{\text{M-DSM}}$ is $[[1]]$; $v$ is $\sigma^2t$.

    Both scores are affine in $\log x$. The loss is least at the Hyvärinen score (A-Thm)."""
    information = expectation((1 + marginal_score()) ** 2, L, a + m, v0 + v)
    return vanishes((information - values[0], floor() - values[1]))


def is_the_gap_in_the_plane(constant: Expr) -> bool:
    r"""In the plane, for log-normal data of any covariance $S_0$ of $\log X_0$, $\mathcal
    L_{\text{M-DSM}}$ is $\mathcal L_{\text{M-ESM}}$ and $[[it]]$, for models affine in $\log x$.

    With $u$ standard normal and $T$ a triangular root of $S_0$, the state is moved by $Tu$ and by
    the noise. Both losses are averaged over the two."""
    gap, data = _gap_in_the_plane()
    for of, number in ((Trace, Matrix.trace), (Determinant, Matrix.det)):
        constant = constant.replace(of, lambda e, f=number: f(e.subs(_S0, data).as_explicit()))
    return same(gap, constant)


@cache
def _gap_in_the_plane() -> tuple[Expr, ImmutableMatrix]:
    """M-DSM - M-ESM averaged over u and n for an affine model h, and the data's covariance."""
    root = Matrix([[Symbol("p", positive=True), 0], symbols("q r", positive=True)])
    total, inverse = root * root.T + v * eye(2), Matrix(2, 2, symbols("K11 K12 K12 K22"))
    moved = root * Matrix(_u) + Matrix(_n)
    target = -ones(2, 1) - Matrix(_n) / v
    score = -ones(2, 1) - inverse * moved
    model = Matrix(symbols("b1 b2")) + Matrix(2, 2, symbols("B11 B12 B21 B22")) * moved
    states = [dict(zip((c, h, H), e, strict=True)) for e in zip(target, model, score, strict=True)]
    gap = sum((DENOISING - EXPLICIT).subs(state, simultaneous=True) for state in states)
    for variable in (*_u, *_n):
        gap = expectation(gap, variable, 0, 1 if variable in _u else v)
    data = ImmutableMatrix(root * root.T)
    return gap.xreplace(dict(zip(inverse, total.inv(), strict=True))), data


def are_floor_and_error(candidate: Values) -> bool:
    r"""For data of any law, in each coordinate: the least value of $\mathcal L_{\text{M-DSM}}$ is
    $[[floor]]$, and the mean square of the denoiser's error is $[[error]]$, where $v$ is
    $\sigma^2t$ and $I$ the mean square of $[[score]]$, the score of $\log X_t$.

    By A-Thm the least value is that of $h$ equal to $H$. The mean of $cH$ is that of $H^2$ and the
    mean of $H$ is that of $c$, as $H$ is the mean of $c$ given $X_t$. The moments of $c$ are
    Gaussian. The denoiser's error is $v$ times $c-H$, its mean square $[[of_floor]]$."""
    squared = Symbol("E_H2")
    means = {c**2: TARGET_SQUARE, c * H: squared, H**2: squared}
    information = expand(_LOG_SCORE**2).subs(means).subs(H, expectation(TARGET, NOISE, 0, v))
    # log X_0 = y - m - n and D = y - m + v (1 + H), with c = -1 - n / v.
    found = {"floor": DENOISING.subs(h, H), "error": (v * (1 + c) - v * _LOG_SCORE) ** 2}
    stated = {name: candidate[name].subs(INFORMATION, information) for name in found}
    return vanishes([expand(found[name]).subs(means) - stated[name] for name in found])


def is_entropy_production(factor: Expr) -> bool:
    r"""For $t$ positive the entropy of $\log X_t$ grows at $[[factor]]$ times the mean square of
    its score. So the floor of R4b is, in one coordinate, $[[floor]]$.

    The density $q$ follows the Fokker-Planck equation of A9. The integrand of the rate of the
    entropy is $[[factor]]$ times that of the mean square, and the derivative of $[[flux]]$, with
    $b$ the drift."""
    change = s2 / 2 * q[2] - b * q[1]
    flux = sum(diff(_FLUX, q[i]) * q[i + 1] for i in (0, 1)) + diff(_FLUX, ell) * q[1] / q[0]
    gap = -(1 + ell) * change - factor * q[1] ** 2 / q[0] - flux
    back = _floor_by_rate(factor).subs(rate, factor * INFORMATION)
    return vanishes((gap, back - _FLOOR["floor"]))


def _floor_by_rate(factor: Expr) -> Expr:
    return _FLOOR["floor"].subs(INFORMATION, rate / factor).expand()


def is_the_mean_of_floors(mean: Expr) -> bool:
    r"""For log-normal data in one coordinate the mean of $C$ over levels one to $N$, where $v$ is
    $hk$ at level $k$, is $[[mean]]$.

    By induction: the mean over one level is its floor, and one more level adds its own to the sum,
    $[[level]]$, as the harmonic number $H$ grows by the reciprocal of the new number, digamma
    $\psi$ by that of its argument."""
    at, total = floor().subs(v, _AT_LEVEL), mean * N
    more = expand_func(total.subs(N, N + 1) - total)
    gaps = more - at.subs(k, N + 1), expand_func(mean.subs(N, 1)) - at.subs(k, 1)
    functions = {f: Symbol(str(f)) for e in gaps for f in e.atoms(Function)}
    return vanishes(tuple(e.xreplace(functions) for e in gaps))


_GAP, _IN_THE_PLANE, _RATIO = v0 / (2 * v * (v0 + v)), (2 / v - _INVERSE) / 2, v0 / step
_FLOOR = {"floor": (1 / v - INFORMATION) / 2, "error": v - v**2 * INFORMATION}
_MEAN = (harmonic(N) - digamma(N + _RATIO + 1) + digamma(_RATIO + 1)) / (2 * step * N)
_S, _sigma, _t = symbols("S sigma t", positive=True)
CONSTANT = Claim(
    "A-Thm-log-normal", "the constant, log-normal data", is_the_gap, _GAP, twins={
        "without the half": 2 * _GAP, "variance of the target": 1 / (2 * v),
        "of the marginal": 1 / (2 * (v0 + v)), "v0 + 2 v": v0 / (2 * v * (v0 + 2 * v)),
    }, names=_NAMES, sheet=("A-Thm", "E26"), assumptions=(POSITIVE_TIME, LOG_NORMAL),
    depends=("A-Thm", "A16", "R2"))  # fmt: skip
VALUES = Claim(
    "information-log-normal", "Fisher information and floor on log-normal data",
    are_of_log_normal_data, (1 / (v0 + v), _GAP), twins={
        "of the noise": (1 / v, _GAP), "floor without the half": (1 / (v0 + v), 2 * _GAP),
        "floor of the data": (1 / (v0 + v), 1 / (2 * (v0 + v))),
    }, names=_NAMES, sheet=("R4b",), assumptions=(POSITIVE_TIME, LOG_NORMAL),
    depends=("A-Thm", "R2"), pins=tuple(
        Pin(f"gbm_ref.{name}", table("S sigma t", (0.3, 0.7, 0.4), (2.6, 1.3, 0.05)),
            reads=lambda values, j=j: values[j].subs({v0: _S, v: _sigma**2 * _t}))
        for j, name in enumerate(("fisher_information", "m_dsm_floor"))))  # fmt: skip
CONSTANT_IN_THE_PLANE = Claim(
    "A-Thm-log-normal-matrix", "the constant, correlated log-normal data", is_the_gap_in_the_plane,
    _IN_THE_PLANE, twins={
        "independent": 1 / v - _OF_DIAGONAL / 2, "no half": 2 * _IN_THE_PLANE,
        "determinant for trace": 1 / v - _DETERMINANT / 2,
    }, names=_NAMES, sheet=("A-Thm",), depends=("A-Thm", "A16", "R2"),
    assumptions=(POSITIVE_TIME, replace(LOG_NORMAL, text="log X_0 is normal")))  # fmt: skip
FLOOR = Claim(
    "R4b", "floor of the denoising loss", are_floor_and_error, _FLOOR, twins={
        "floor without the half": _FLOOR | {"floor": 1 / v - INFORMATION},
        "Hyvarinen for log score": _FLOOR | {"floor": (1 / v - INFORMATION - 1) / 2},
        "error with v for v^2": _FLOOR | {"error": v - v * INFORMATION},
        "sign of the information": _FLOOR | {"floor": (1 / v + INFORMATION) / 2},
    }, values=lambda: {
        "score": _LOG_SCORE, "of_floor": Chain(2 * v**2 * _FLOOR["floor"], _FLOOR["error"]),
    }, names=_NAMES, assumptions=(POSITIVE_TIME, FINITE_MODEL),
    depends=("A-Thm", "A29", "A-Assumption-1-data", "R4", "R5"))  # fmt: skip
DE_BRUIJN = Claim(
    "R4b-de-bruijn", "the rate of entropy from Fisher information", is_entropy_production, s2 / 2,
    twins={"sigma^2": s2, "sigma^2 / 4": s2 / 4, "entropy falls": -s2 / 2}, shown=lambda factor: {
        "factor": factor, "floor": _floor_by_rate(factor),
    }, values=lambda: {"flux": _FLUX}, names=_NAMES, sheet=("R4b",), depends=("R4b", "A9"),
    assumptions=(POSITIVE_TIME, "one coordinate; finite entropy, differentiated under its "
                 "integral; no flux at the ends"))  # fmt: skip
MEAN_FLOOR = Claim(
    "R4b-mean", "mean floor of the unweighted loss, log-normal data", is_the_mean_of_floors, _MEAN,
    twins={
        "psi one step early": _MEAN.replace(polygamma, lambda order, at: polygamma(order, at - 1)),
        "without the half": 2 * _MEAN,
        "logarithm for psi": (harmonic(N) - log((v0 + step * N) / v0)) / (2 * step * N),
    }, shown=lambda mean: {"mean": without_harmonic(mean)},
    values=lambda: {"level": floor()}, names=_NAMES, sheet=("R4b",),
    assumptions=(POSITIVE_TIME, LOG_NORMAL), depends=("A-Thm-log-normal", "A38"))  # fmt: skip
CLAIMS = (E9, A38, SHARES, CONSTANT, VALUES, CONSTANT_IN_THE_PLANE, FLOOR, DE_BRUIJN, MEAN_FLOOR)
