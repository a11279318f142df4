"""The law after one row on log-normal data, with which laws on the line are compared.

Symbols: y log X before, measured from the mean of the data law at that time;  M, U mean and
variance of it there;  C variance of log X_0;  v noise;  d, dm what the row takes off v and m.
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Symbol, symbols

from spec.checking.algebra import same
from spec.checking.claim import Claim, Pin
from spec.checking.gaussian import expectation

C, v, d, U, t = symbols("C v d U t", positive=True)
M, dm, y, z = symbols("M dm y z", real=True)
root = Symbol("root", positive=True)


def is_after_one_row(law: tuple[Expr, Expr]) -> bool:
    r"""On log-normal data of log-variance $C$ with the exact score, a row of A13 that takes
    off $d$ of $v$ and $\delta_m$ of $m$ carries a normal law of $\log X$ whose mean lies $M$ above
    that of the data at that time, with variance $U$, to one with mean $[[0]]$ above the same place
    and variance $[[1]]$.

    The row adds a multiple of the score, which is affine, and noise to $\log X$; mean and variance
    are averages of polynomials over both.
    """
    after = y - dm - d * y / (C + v) + root * z

    def mean(e: Expr) -> Expr:
        return expectation(expectation(e, z, 0, 1), y, M, U).expand().subs(root**2, d)

    first = mean(after)
    second = mean((after - law[0]) ** 2)
    return same(first, law[0]) and same(second, law[1])


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
    depends=("R9", "A13"),
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
