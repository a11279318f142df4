"""The law after one row on log-normal data, with which laws on the line are compared.

Symbols: M, U mean and variance of log X before, measured from the mean of the data law at that
time;  C variance of log X_0;  v noise;  d, dm what the row takes off v and m.
"""

from sympy import Expr, Integer, Matrix, erf, log, sqrt, symbols

from spec.checking.algebra import same
from spec.checking.claim import Claim, Pin
from spec.exact import _symbols as steps
from spec.exact._chain import DATA, image, is_affine, law_after

C, v, d, U = symbols("C v d U", positive=True)
M, dm = symbols("M dm", real=True)
Law = tuple[Expr, Expr]


def is_after_one_row(law: Law) -> bool:
    r"""On log-normal data of log-variance $C$ with the exact score, a row of A13 that takes
    off $d$ of $v$ and $\delta_m$ of $m$ carries a normal law of $\log X$ whose mean lies $M$ above
    that of the data at that time, with variance $U$, to one with mean $[[0]]$ above the same place
    and variance $[[1]]$.

    As for R8: the row adds a multiple of the score, which is affine, and noise to $\log X$.
    """
    at = {steps.v: C + v, steps.h: d, steps.m: dm / steps.r**2, steps.e: M, steps.V: U}
    found = Matrix(law_after(fall=Integer(0))).subs(at, simultaneous=True)
    return is_affine(image()) and same(found, Matrix(law))


def _moments(law: Law) -> Law:
    """From T = 1 to a half with constant rates; M is the mean of the start, that of data zero."""
    S, sigma, mu = symbols("S sigma mu")
    slope, rate = mu - sigma**2 / 2, sigma**2
    at = {C: S, v: rate, d: rate / 2, dm: slope / 2, U: symbols("V"), M: symbols("M") - slope}
    mean, variance = (part.subs(at, simultaneous=True) for part in law)
    return mean + slope, variance


def _cdf(law: Law) -> Expr:
    mean, variance = _moments(law)
    return (1 + erf((log(symbols("x")) - mean) / sqrt(2 * variance))) / 2


def _square(law: Law) -> Expr:
    mean, variance = _moments(law)
    return mean**2 + variance


_POINTS = (
    {"S": 0.3, "sigma": 0.7, "mu": 0.2, "M": 0.4, "V": 0.9, "x": 1.4},
    {"S": 0.8, "sigma": 1.1, "mu": -0.3, "M": -0.6, "V": 0.5, "x": 0.6},
)
_GAIN = 1 - d / (C + v)
_MEAN, _VARIANCE = _GAIN * M - dm, _GAIN**2 * U + d
ONE_ROW = Claim(
    "one-row", "law after one row on log-normal data", is_after_one_row, holds=(_MEAN, _VARIANCE),
    twins={
        "gain not squared": (_MEAN, _GAIN * U + d),
        "score at the end": ((1 - d / (C + v - d)) * M - dm, _VARIANCE),
        "without noise": (_MEAN, _GAIN**2 * U), "drift not taken off": (_GAIN * M, _VARIANCE),
    }, names={"dm": r"\delta_m"}, sheet=("R9",),
    assumptions=(*DATA, "log X and the draw are normal and independent"), depends=("R8", "A13"),
    pins=(
        Pin("gbm_ref.sampler_moments", _POINTS, reads=_moments, k=256.0),
        Pin("gbm_ref.sampler_average", _POINTS, reads=_square, k=256.0),
        Pin("gbm_ref.sampler_cdf", _POINTS, reads=_cdf, k=256.0),
    ),
)  # fmt: skip
CLAIMS = (ONE_ROW,)
