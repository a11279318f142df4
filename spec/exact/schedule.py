"""Diffusion coefficients that vary with time, on log-normal data.

Symbols of `_chain`; h_i = sigma_i^2 delta is what forward step i -> i + 1 adds to the variance
of log X, h that of the reverse step k -> k - 1; S sums a term of each step; v_s and v_t are values
of v, the integral of sigma^2; d, dm what a row takes off v and m."""

from sympy import Expr, Integer, Matrix, diff, erf, log, ones, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Pin
from spec.checking.pins import table
from spec.exact._chain import (
    ALL, AT_THE_END, COORDINATE, DATA, DRAWS, NAMES, V, e, h, hyvarinen, image, is_affine, kappa,
    law_after, m, r, v, v0, vN)  # fmt: skip

vs, vt, rate, S, d = symbols("v_s v_t g S d", positive=True)
y, centre, H, dm = symbols("y c H dm", real=True)
before, after = symbols("h_{k-1} h_k", positive=True)
Law, Pair = tuple[Expr, Expr, Expr], tuple[Expr, Expr]


def is_the_law(law: Law) -> bool:
    r"""With the exact score of log-normal data and $\sigma_{k-1}$ in the step that leaves level
    $k$, the mean error at level $k$ is that of the start times $[[0]]$, and $V_k=[[1]]$, where
    that step, taking $h_{k-1}$ off $v_k$, adds $[[2]]$ to $S$, which is nothing at $v_N$.

    By induction, for any schedule: a step leads to the formulas of the next level, with its term.
    """
    carried, term = Matrix(law[:2]), law[2]
    stepped = Matrix(law_after()).subs({e: law[0], V: law[1]})
    below = carried.subs({v: v - h, S: S + term}, simultaneous=True)
    return vanishes((*(carried.subs({v: vN, S: 0}) - Matrix([1, V])), *(below - stepped)))


def keeps_the_mean(size: Expr) -> bool:
    r"""The reverse step from level $k$, with the $m$ of the forward step to it, takes the mean
    error at $v_k$ to the same share of $v_{k-1}$ with $[[it]]$, what that forward step adds, and
    with no other size if the error is not zero.

    It multiplies the error by a linear function of the size, which is the ratio of the two
    variances for their difference."""
    mean = law_after()[0]
    linear = vanishes(diff(mean, h, 2)) and not vanishes(diff(mean, h))
    return linear and vanishes(mean.subs(h, size) - (v - before) / v * e)


def _conditional(cov: Matrix, kept: list[int], given: list[int]) -> tuple[Matrix, Matrix]:
    """Coefficients and covariance of the components `kept` given others, for a Gaussian law."""
    cross = cov.extract(kept, given)
    weights = cross * cov.extract(given, given).inv()
    return weights, cov.extract(kept, kept) - weights * cross.T


def holds_in_the_clock(candidate: tuple[Expr, ...], data: Expr = v0) -> bool:
    r"""With $v(t)$, the integral of $\sigma^2$, $v_0$ the variance of $\log X_0$ and $V_t$ that of
    $\log X_t$, the denoiser is off the mean of $\log X_0$ by $[[0]]$, where $y$ is the log state
    and $c$ its mean; the reverse kernel to $s$ has the factor $[[1]]$ and the variance $[[2]]$;
    the bridge the weight $[[3]]$ and the variance $[[4]]$; and with noise $\kappa\sigma(t)$ the
    drift holds $[[5]]$ times $\sigma(t)^2$ and the log score.

    Only the covariances of $\log X_0$, $\log X_s$ and $\log X_t$ enter, which are the variances at
    the earlier times: the formulas are those of conditioning a Gaussian vector. The last one makes
    the variance fall at the rate of $V_t$."""
    cov = data * ones(3) + Matrix([[0, 0, 0], [0, vs, vs], [0, vs, vt]])
    (weights, spread), bridge = _conditional(cov, [0, 1], [2]), _conditional(cov, [1], [0, 2])
    denoised = candidate[0].subs(H, hyvarinen(y, centre, v0 + vt)) / (y - centre)
    found = Matrix([*weights, spread[1, 1], bridge[0][0, 1], *bridge[1]])
    # dY = w g (1 + H) dr + kappa sqrt(g) dW: d Var / dr = 2 w g (-1 / Var) Var + kappa^2 g = -g.
    balance = -2 * candidate[5] * rate + kappa**2 * rate + rate
    return vanishes((*(found - Matrix([denoised, *candidate[1:5]])), balance))


def is_after_one_row(law: Pair) -> bool:
    r"""On log-normal data of log-variance $v_0$ with the exact score, a row of A13 that takes off
    $d$ of $v_t$, the integral of $\sigma^2$, and $\delta_m$ of $m$ carries a normal law of $\log
    X$ whose mean lies $e$ above that of the data at that time, with variance $V$, to one with mean
    $[[0]]$ above the same place and variance $[[1]]$.

    As for R8: the row adds a multiple of the score, which is affine, and noise to $\log X$."""
    found = Matrix(law_after(fall=Integer(0))).subs({v: v0 + vt, h: d, m: dm / r**2})
    return is_affine(image()) and same(found, Matrix(law))


def _after_half(law: Pair) -> Pair:
    """From T = 1 to a half with constant rates; M is the mean of the start, that of data zero."""
    slope, rate = symbols("mu") - symbols("sigma") ** 2 / 2, symbols("sigma") ** 2
    noise = {v0: symbols("S"), vt: rate, d: rate / 2, dm: slope / 2}
    start = {e: symbols("M") - slope, V: symbols("V")}
    mean, variance = (part.xreplace(noise | start) for part in law)
    return mean + slope, variance


def _cdf(law: Pair) -> Expr:
    mean, variance = _after_half(law)
    return (1 + erf((log(symbols("x")) - mean) / sqrt(2 * variance))) / 2


def _square(law: Pair) -> Expr:
    mean, variance = _after_half(law)
    return mean**2 + variance


_LAW = (v / vN, v**2 * (V / vN**2 + S), h / (v - h) ** 2)
R21 = Claim(
    "R21", "Dale-Langevin with a schedule on log-normal data", is_the_law, holds=_LAW, twins={
        "variance at k": (*_LAW[:2], h / v**2),
        "start shrinks by the ratio only": (_LAW[0], v**2 * S + v * V / vN, _LAW[2]),
        "mean shrinks by the squared ratio": (_LAW[0] ** 2, *_LAW[1:]),
    }, names={**AT_THE_END, "h": "h_{k-1}"}, assumptions=(*ALL, DRAWS, "v_0 is positive"),
    depends=("R8", "A34"))  # fmt: skip
INDEX = Claim(
    "R21-index", "which sigma belongs to a reverse step", keeps_the_mean, holds=before,
    twins={"sigma_k": after, "the mean of both": (before + after) / 2}, names=NAMES,
    sheet=("R21",), assumptions=DATA, depends=("R21",))  # fmt: skip

_HOLDS = (
    y - centre + vt * (1 + H), (v0 + vs) / (v0 + vt), (vt - vs) * (v0 + vs) / (v0 + vt), vs / vt,
    vs * (vt - vs) / vt, (1 + kappa**2) / 2)  # fmt: skip

CLOCK = Claim(
    "R21-clock", "log-variance as the clock: denoiser, kernel, bridge, noise", holds_in_the_clock,
    holds=_HOLDS, twins={
        "denoiser with the whole variance": (_HOLDS[0] + v0 * (1 + H), *_HOLDS[1:]),
        "kernel with the forward noise": (*_HOLDS[:2], vt - vs, *_HOLDS[3:]),
        "square root in the bridge": (*_HOLDS[:3], vs**2 / vt**2, *_HOLDS[4:]),
        "full drift without noise": (*_HOLDS[:5], Integer(1)),
    }, names={"H": r"X\circ\nabla\log p"}, sheet=("R21",), assumptions=(
        Assumption(
            f"{COORDINATE}, with the log-variance that the score holds",
            "the covariances; data of another variance are denoised otherwise",
            lambda: not holds_in_the_clock(_HOLDS, 2 * v0),
        ),
    ), depends=("A33", "R5", "R7", "R11", "R17-bridge"))  # fmt: skip

_ROW_POINTS = table("S sigma mu M V x", (0.3, 0.7, 0.2, 0.4, 0.9, 1.4), (0.8, 1.1, -0.3, -0.6, 0.5,
    0.6))  # fmt: skip
_GAIN = 1 - d / (v0 + vt)
_MEAN, _VARIANCE = _GAIN * e - dm, _GAIN**2 * V + d
ONE_ROW = Claim(
    "one-row", "law after one row on log-normal data", is_after_one_row, holds=(_MEAN, _VARIANCE),
    twins={
        "gain not squared": (_MEAN, _GAIN * V + d), "without noise": (_MEAN, _GAIN**2 * V),
        "score at the end": ((1 - d / (v0 + vt - d)) * e - dm, _VARIANCE),
        "drift not taken off": (_GAIN * e, _VARIANCE),
    }, names={"dm": r"\delta_m"}, sheet=("R9",),
    assumptions=(*DATA, "log X and the draw are normal and independent"), depends=("R8", "A13"),
    pins=tuple(
        Pin(f"gbm_ref.sampler_{what}", _ROW_POINTS, reads=reads, k=256.0)
        for what, reads in (("moments", _after_half), ("average", _square), ("cdf", _cdf))
    ))  # fmt: skip
CLAIMS = (R21, INDEX, CLOCK, ONE_ROW)
