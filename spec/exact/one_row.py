"""The law after one row on log-normal data, with which laws on the line are compared.

Symbols: M, U mean and variance of log X before, measured from the mean of the data law at that
time;  C variance of log X_0;  v noise;  d, dm what the row takes off v and m.
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Pin
from spec.exact import _symbols as steps
from spec.exact._chain import DATA, image, is_affine, law_after

C, v, d, U = symbols("C v d U", positive=True)
M, dm = symbols("M dm", real=True)
_AT = {steps.v: C + v, steps.h: d, steps.m: dm / steps.r**2, steps.e: M, steps.V: U}


def is_after_one_row(law: tuple[Expr, Expr]) -> bool:
    r"""On log-normal data of log-variance $C$ with the exact score, a row of A13 that takes
    off $d$ of $v$ and $\delta_m$ of $m$ carries a normal law of $\log X$ whose mean lies $M$ above
    that of the data at that time, with variance $U$, to one with mean $[[0]]$ above the same place
    and variance $[[1]]$.

    The row adds a multiple of the score, which is affine, and noise to $\log X$; mean and variance
    are averages of polynomials over both, as for R8.
    """
    found = (part.subs(_AT, simultaneous=True) for part in law_after(fall=Integer(0)))
    gaps = tuple(f - g for f, g in zip(found, law, strict=True))
    return is_affine(image()) and vanishes(gaps)


_GAIN = 1 - d / (C + v)
_S, _sigma, _mu, _V = symbols("S sigma mu V")
_POINTS = (
    {"S": 0.3, "sigma": 0.7, "mu": 0.2, "M": 0.4, "V": 0.9, "x": 1.4},
    {"S": 0.8, "sigma": 1.1, "mu": -0.3, "M": -0.6, "V": 0.5, "x": 0.6},
)


def _law(law: tuple[Expr, Expr]) -> tuple[Expr, Expr]:
    """From T = 1 to a half with constant rates; M is the mean of the start, that of data zero."""
    slope, rate = _mu - _sigma**2 / 2, _sigma**2
    at = {C: _S, v: rate, d: rate / 2, dm: slope / 2, U: _V, M: M - slope}
    mean, variance = (part.subs(at, simultaneous=True) for part in law)
    return mean + slope, variance


def _moments(law: tuple[Expr, Expr]) -> tuple[Expr, ...]:
    return _law(law)


def _cdf(values: dict[str, mpf], law: tuple[Expr, Expr]) -> mpf:
    mean, variance = (
        mpf(part.subs({s: values[s.name] for s in part.free_symbols}).evalf(mpmath.mp.dps))
        for part in _law(law)
    )
    return mpmath.ncdf((mpmath.log(values["x"]) - mean) / mpmath.sqrt(variance))


def _only(*names: str) -> tuple[dict[str, float], ...]:
    return tuple({name: at[name] for name in names} for at in _POINTS)


_RATES = ("S", "sigma", "mu", "M", "V")
ONE_ROW = Claim(
    "one-row",
    "law after one row on log-normal data",
    is_after_one_row,
    holds=(_GAIN * M - dm, _GAIN**2 * U + d),
    twins={
        "gain not squared": (_GAIN * M - dm, _GAIN * U + d),
        "score at the end": ((1 - d / (C + v - d)) * M - dm, _GAIN**2 * U + d),
        "without noise": (_GAIN * M - dm, _GAIN**2 * U),
        "drift not taken off": (_GAIN * M, _GAIN**2 * U + d),
    },
    names={"dm": r"\delta_m", "d": "d", "C": "C", "U": "U", "v": "v", "M": "M"},
    sheet=("R9",),
    assumptions=(*DATA, "log X and the draw are normal and independent"),
    depends=("R8", "A13"),
    pins=(
        Pin("gbm_ref.sampler_moments", _only(*_RATES), reads=_moments, k=256.0),
        Pin(
            "gbm_ref.sampler_average",
            _only(*_RATES),
            reads=lambda law: _law(law)[0] ** 2 + _law(law)[1],
            k=256.0,
        ),
        Pin(
            "gbm_ref.sampler_cdf",
            _POINTS,
            reads=lambda law: lambda values: _cdf(dict(values), law),
            k=256.0,
        ),
    ),
)
CLAIMS = (ONE_ROW,)
