"""The sign-agnostic sampler on log-normal data: leading bias, noise factor, exact values.

Symbols of `_symbols`; h = r^2 = sigma^2 delta; m' = m / sigma^2; w = log X - a - m t_k; ell =
log(v_N / v). The sampler's log |X_k| has mean a + m t_k + h E(v) and variance v + h W(v) up to
O(h^2) with full noise; with a noise factor kappa its mean is off by e(v) in the limit h -> 0, and
J is the integral of (1 - kappa(u)^2) / (2 u) over [v, v_N].
"""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import mpmath
from mpmath import mpf
from sympy import Expr, Function, Integer, Integral, Poly, Rational, diff, expand, log, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.gaussian import expectation
from spec.checking.numeric import agree, rounds_to
from spec.checking.trace import points
from spec.exact import _transport
from spec.exact._chain import LOG_NORMAL, Score, halved, hyvarinen
from spec.exact._symbols import NAMES, ONE, kappa, r, v, vN, z

y, centre, w, slope, ell = symbols("y centre w m_prime ell", real=True)
first_mean, first_variance, e, J = symbols("E W e J", real=True)
HIGHEST = 4
Bias = tuple[Expr, Expr]


def log_factor(strength: Expr, score: Score = hyvarinen) -> Expr:
    """log(1 - delta (mu - 2 sigma^2) + delta sigma^2 H + kappa sqrt(h) z) up to r^4 = h^2.

    With h = r^2: delta mu = h (m' + 1/2), and H is the score of log X_t ~ N(centre, v) at
    log X = centre + w. The series of the logarithm is formal: where the factor is not positive it
    does not converge, but that has a probability of the order exp(-1 / (2 h)).
    """
    drift = 2 - (slope + Rational(1, 2)) + score(y, centre, v).subs(y, centre + w)
    increment = expand(r**2 * drift + strength * r * z)
    terms = (Rational((-1) ** (k + 1), k) * increment**k for k in range(1, HIGHEST + 1))
    return _up_to_h_squared(sum(terms, Integer(0)))


def _up_to_h_squared(expression: Expr) -> Expr:
    polynomial = Poly(expand(expression), r)
    return sum((c * r**k for (k,), c in polynomial.terms() if k <= HIGHEST), Integer(0))


@cache
def one_level() -> Bias:
    """Mean and variance of log X_{k-1} - a - m t_{k-1} up to h^2 = r^4, in E, W, v and m'.

    The state is centre + w with w ~ N(h E, v + h W) to the order that matters: its third cumulant
    is O(h) and enters at h^3. m delta = m' h is what the centre falls by.
    """
    mean, variance = r**2 * first_mean, v + r**2 * first_variance

    def average(f: Expr) -> Expr:
        inner = expectation(_up_to_h_squared(f), z, 0, 1)
        return _up_to_h_squared(expectation(inner, w, mean, variance))

    image = w + log_factor(ONE)
    first, second = average(image), average(image**2)
    return first + slope * r**2, _up_to_h_squared(second - first**2)


def is_the_leading_bias(bias: Bias) -> bool:
    r"""From an exact start and with full noise, in the formal expansion in $h$, the mean of
    $\log\lvert X_0\rvert$ is off by $[[mean]]$ and its variance by $[[variance]]$, up to $O(h^2)$;
    $m'$ is $m$ in units of $\sigma^2$.

    The state is multiplied by a factor whose logarithm is expanded to four terms. Both errors have
    to vanish at $v_N$ and to go, in mean and variance of a step, from each level to the next at
    every order up to the second: equations along $v$ that the formulas satisfy.
    """
    E, W = bias
    at_start = tuple(f.subs(v, vN).subs(ell, 0) for f in bias)
    h = r**2
    below = (h * E - h**2 * along_v(E), v - h + h * W - h**2 * along_v(W))
    here = {first_mean: E, first_variance: W}
    return vanishes(
        (*at_start, *(b - f.subs(here) for b, f in zip(below, one_level(), strict=True)))
    )


def along_v(f: Expr) -> Expr:
    """df/dv, with d ell / dv = -1 / v."""
    return diff(f, v) - diff(f, ell) / v


def rate_of_the_mean(score: Score = hyvarinen) -> Expr:
    """de/dv: minus the change of the mean over a level, to first order in h, at mean centre + e.

    m delta = m' h brings the mean of log X_t at t_k to that at t_{k-1}.
    """
    change = expectation(log_factor(kappa, score), z, 0, 1).subs(w, e)
    return -expand(change + slope * r**2).coeff(r, 2)


def is_the_drift_gap(mean: Expr) -> bool:
    r"""For a constant noise factor $\kappa$ and $h$ to zero, in the formal expansion, the mean of
    $\log\lvert X_0\rvert$ is off by $[[it]]$, which no step size removes.

    The drift of eq. (12) holds the Itô correction of the full noise, the logarithm takes back that
    of the noise there is. The rate of the error along $v$ is the change of the mean over a level,
    to first order in $h$; the formula has that rate and vanishes at $v_N$.
    """
    return vanishes(
        (mean.subs(v, vN).subs(ell, 0), along_v(mean) - rate_of_the_mean().subs(e, mean))
    )


def is_the_drift_gap_for_any_noise(mean: Expr) -> bool:
    r"""For a noise factor $\kappa(v)$ that varies with the level the limiting error of the mean of
    $\log\lvert X_0\rvert$, in the formal expansion, is $[[it]]$.

    The linear equation of R14b with $\kappa(v)$ in it, solved by variation of the constant.
    """
    along = diff(mean, v) - diff(mean, J) * (1 - kappa**2) / (2 * v)
    return vanishes((mean.subs(J, 0), along - rate_of_the_mean().subs(e, mean)))


class Values(NamedTuple):
    """Two rounded numbers, the leading bias over h and the error that stays."""

    mean: str
    variance: str
    bias: Bias
    gap: Expr


def are_the_values(candidate: Values) -> bool:
    r"""For data of variance [[data]], $\sigma^2=[[total]]$, [[steps]] steps, $m$ zero, full noise
    and an exact start, the mean of $\log\lvert X_0\rvert$ is off by [[mean]] and its variance is
    [[variance]], as rounded. The exact errors at the other points, extrapolated to $h$ zero, agree
    with R14, $[[bias]]$ in units of $h$, and with R14b, $[[gap]]$, to [[digits]] digits.

    The means of $\log\lvert X_0\rvert$ and of its square, given the state at a level, obey a
    backward recursion over the steps. They are nearly polynomials of low degree, and two pairs of
    Gauss-Hermite rules agree on what is read off.
    """
    chains = [_transport.law(*at.values()) for at in points(_POINTS)]
    texts = zip(chains[0], candidate[:2], strict=True)
    rounded = all([rounds_to(value, text) for value, text in texts])
    data, total = mpf("0.2"), mpf("0.1")
    errors = [(f * N, (g - data) * N) for N, (f, g) in zip((8, 16, 32), chains[1:4], strict=True)]
    limits = [_eliminated(*column) / total for column in zip(*errors, strict=True)]
    limits.append(_eliminated(*(mean for mean, _ in chains[4:])))
    at = {v: data, vN: data + total, ell: mpmath.log(1 + total / data), slope: mpf("0.3")}
    found = [mpf(f.subs({**at, kappa: mpf("0.6")})) for f in (*candidate.bias, candidate.gap)]
    return rounded and all([agree(f, g, _DIGITS) for f, g in zip(found, limits, strict=True)])


def _eliminated(coarse: mpf, middle: mpf, fine: mpf) -> mpf:
    """The limit of f(N) = limit + c_1 / N + c_2 / N^2 + ..., from f at N, 2 N and 4 N."""
    return (8 * fine - 6 * middle + coarse) / 3


_DIGITS = 3
_POINTS = tuple(
    dict(zip(("v0", "sigma^2", "N", "m'", "kappa"), row, strict=True))
    for row in (
        ("0.2", "0.64", 100, "0", "1"),
        *(("0.2", "0.1", N, "0.3", strength) for strength in ("1", "0.6") for N in (8, 16, 32)),
    )
)


def _exact(at: Mapping[str, mpf], strength: mpf | None = None) -> tuple[mpf, mpf]:
    """Mean and variance of log |X_0| from an exact start, kappa constant; within 1e-8."""
    total = at["sigma"] ** 2 * at["T"]
    drift = at["mu"] / at["sigma"] ** 2 - mpf(1) / 2
    noise = at["kappa"] if strength is None else strength
    texts = [mpmath.nstr(number, 17) for number in (at["v0"], total, drift, noise)]
    mean, variance = _transport.law(*texts[:2], int(at["N"]), *texts[2:])
    return at["a"] + mean, variance


_BIAS = (
    -((1 - v / vN) / 2 + (3 + 4 * slope + 4 * slope**2) / 8 * v * ell),
    (1 - v**2 / vN**2 + v * (1 - v / vN)) / 2,
)
_WRITTEN = {**NAMES, "v": "v_0", "m_prime": "m'"}
SETTING = (
    LOG_NORMAL,
    Assumption(
        "the score is the exact one, read at |X|",
        "the rate of the mean; half the score leads to another",
        lambda: not vanishes(rate_of_the_mean(halved) - rate_of_the_mean()),
    ),
    "the series of the logarithm is used where the factor is positive; it is not with a "
    "probability that falls faster than every power of h",
)


def _at_the_data(f: Expr) -> Expr:
    return f.subs(ell, log(vN / v))


R14 = Claim(
    "R14",
    "sign-agnostic sampler on log-normal data: leading bias",
    is_the_leading_bias,
    holds=_BIAS,
    twins={
        "1/8 for 3/8": (_BIAS[0] + v * ell / 4, _BIAS[1]),
        "m' linear only": (_BIAS[0] + slope**2 * v * ell / 2, _BIAS[1]),
        "variance of eq. (13)": (_BIAS[0], (1 - v**2 / vN**2) / 2),
        "mean too bright": (-_BIAS[0], _BIAS[1]),
    },
    shown=lambda bias: {
        name: symbols("h") * _at_the_data(f)
        for name, f in zip(("mean", "variance"), bias, strict=True)
    },
    names=_WRITTEN,
    means=Means.CALCULUS,
    assumptions=(*SETTING, "full noise at every step, and the start is exact"),
    depends=("A12", "R8"),
)
_GAP = (1 - kappa**2) / 2 * v * ell
R14B = Claim(
    "R14b",
    "sign-agnostic sampler with constant noise factor",
    is_the_drift_gap,
    holds=_GAP,
    twins={"1 - kappa": (1 - kappa) / 2 * v * ell, "no factor 1/2": 2 * _GAP, "too dark": -_GAP},
    shown=lambda gap: {"it": _at_the_data(gap)},
    names=_WRITTEN,
    means=Means.CALCULUS,
    assumptions=(*SETTING, "the start has the exact mean"),
    depends=("A12", "R10"),
)


def _integral(error: Expr) -> dict[str, Expr]:
    u = symbols("u", positive=True)
    lost = (1 - Function("kappa")(u) ** 2) / (2 * u)
    return {"it": error.subs(J, Integral(lost, (u, v, vN)))}


ANY_NOISE = Claim(
    "R14b-any-noise",
    "sign-agnostic sampler with any noise factor",
    is_the_drift_gap_for_any_noise,
    holds=v * J,
    twins={"without the factor v_0": J, "twice": 2 * v * J},
    shown=_integral,
    names=_WRITTEN,
    means=Means.CALCULUS,
    sheet=("R14b",),
    assumptions=(*SETTING, "the start has the exact mean, and kappa is continuous in v"),
    depends=("R14b",),
)
_VALUES = Values("-0.003200", "0.203601", _BIAS, _GAP)
VALUES = Claim(
    "R14-numbers",
    "sign-agnostic sampler on log-normal data: reference values",
    are_the_values,
    holds=_VALUES,
    twins={
        "last digit of the mean": _VALUES._replace(mean="-0.003201"),
        "last digit of the variance": _VALUES._replace(variance="0.203600"),
        "leading terms only": _VALUES._replace(mean="-0.003127", variance="0.203506"),
        "variance of eq. (13)": _VALUES._replace(bias=R14.twins["variance of eq. (13)"]),
        "gap without its factor 1/2": _VALUES._replace(gap=2 * _GAP),
    },
    shown=lambda c: {
        "mean": f"${c.mean}$",
        "variance": f"${c.variance}$",
        "bias": tuple(map(_at_the_data, c.bias)),
        "gap": _at_the_data(c.gap),
    },
    values=lambda: {
        "digits": _DIGITS,
        **dict(zip(("data", "total", "steps"), _POINTS[0].values(), strict=False)),
    },
    names=_WRITTEN,
    equivalent=_VALUES._replace(mean="-0.003200e0", variance="0.203601e0"),
    means=Means.POINTS,
    sheet=("R14",),
    assumptions=(LOG_NORMAL, "the score is the exact one, read at |X|, and the start is exact"),
    depends=("A12", "R14", "R14b"),
    pins=(
        Pin(
            "gbm_ref.sign_agnostic_moments",
            tuple(
                dict(zip("a v0 mu sigma T N kappa".split(), row, strict=True))
                for row in (
                    (0.0, 0.2, 0.32, 0.8, 0.25, 12, 0.9),
                    (0.3, 0.3, 0.1, 0.5, 0.4, 10, 0.6),
                )
            ),
            because="the statement has its values at a few points, this is the recursion",
            formula=_exact,
            twins={
                "full noise": lambda at: _exact(at, mpf(1)),
                "mean of eq. (13)": lambda at: (at["a"], _exact(at)[1]),
            },
            # Turns k u S into 1e-8, within which the recursion is computed.
            scale=lambda at: (mpf("1e-8") * 2**50,) * 2,
        ),
    ),
)

CLAIMS = (R14, R14B, ANY_NOISE, VALUES)
