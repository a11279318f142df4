"""The sign-agnostic sampler on log-normal data: leading bias, noise factor, exact values.

Symbols of `_chain`; h = r^2 = sigma^2 delta; m' = m / sigma^2; w = log X - a - m t_k. With
full noise log |X_k| has mean a + m t_k + h E(v) and variance v + h W(v) up to O(h^2)."""

from collections.abc import Mapping
from functools import cache

import mpmath
from mpmath import mpf
from sympy import (
    Add, Expr, Function, Integral, Matrix, Rational, diff, expand, log, symbols)  # fmt: skip

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.gaussian import expectation
from spec.checking.numeric import agree, rounds_to
from spec.checking.pins import table
from spec.checking.trace import points
from spec.exact import _transport
from spec.exact._chain import (
    COORDINATE, NAMES, Score, bent, h, halved, hyvarinen, kappa, orders, r, v, vN)  # fmt: skip

y, centre, w, slope = symbols("y centre w m_prime", real=True)
first_mean, first_variance, third, e, draw, drift = symbols("E W third e draw drift", real=True)
u, noise, HIGHEST = symbols("u", positive=True), Function("kappa"), 4


def log_factor() -> Expr:
    """log(1 - delta (mu - 2 sigma^2) + delta sigma^2 H + kappa sqrt(h) z) up to r^4 = h^2, where
    r draw is the last term and r^2 drift the two before it."""
    increment = r**2 * drift + r * draw
    return _up_to_h_squared(Add(*(-((-increment) ** k) / k for k in range(1, HIGHEST + 1))))


def _drift(score: Score = hyvarinen) -> Expr:
    """What r^2 multiplies: delta mu is h (m' + 1/2), H the score of N(centre, v) at centre + w."""
    return 2 - (slope + Rational(1, 2)) + score(y, centre, v).subs(y, centre + w)


def _up_to_h_squared(expression: Expr) -> Expr:
    return Add(*(c * r**k for k, c in enumerate(orders(expression, r, HIGHEST))))


@cache
def one_level() -> Matrix:
    """Mean and variance of log X_{k-1} - a - m t_{k-1} up to h^2 = r^4, in h E, h W, v and m', for
    a state centre + w with the mean h E, the variance v + h W and a third cumulant of order h."""
    mean, variance = r**2 * first_mean, v + r**2 * first_variance

    def average(f: Expr) -> Expr:
        over_draws = expectation(_up_to_h_squared(f), draw, 0, 1)
        inner = _up_to_h_squared(over_draws.xreplace({drift: _drift()}))
        skewed = inner + r**2 * third * diff(inner, w, 3) / 6
        return _up_to_h_squared(expectation(skewed, w, mean, variance))

    image = w + log_factor()
    first, second = average(image), average(image**2)
    law = Matrix([first + slope * r**2, _up_to_h_squared(second - first**2)])
    return law.subs({s: s / r**2 for s in (first_mean, first_variance)}, simultaneous=True)


def is_the_leading_bias(bias: tuple[Expr, Expr]) -> bool:
    r"""From an exact start and with full noise, in the formal expansion in $h$, the mean of
    $\log\lvert X_0\rvert$ is off by $[[0]]$ and its variance by $[[1]]$, up to $O(h^2)$
    at fixed $v_0$ and $v_N$; $m'$ is $m$ in units of $\sigma^2$.

    The state is multiplied by a factor whose logarithm is expanded to four terms. Both errors have
    to vanish at $v_N$ and to go, in mean and variance of a step, from each level to the next at
    every order up to the second, where a third cumulant of order $h$ does not enter."""
    errors = Matrix(bias).subs(h, r**2)
    below = Matrix([0, v - r**2]) + errors - r**2 * errors.diff(v)
    gaps = below - one_level().subs(dict(zip((first_mean, first_variance), errors, strict=True)))
    return _vanishes(*errors.subs(v, vN), *gaps)


def _vanishes(*gaps: Expr) -> bool:
    """With symbols for the logarithm, the integral and kappa(v)."""
    ell, J = symbols("ell J")
    written = {log(vN / v): ell, noise(v): kappa}
    return vanishes(tuple(f.replace(Integral, lambda *_: J).subs(written) for f in gaps))


@cache
def rate_of_the_mean(score: Score = hyvarinen) -> Expr:
    """de/dv: minus the change of the mean over a level, to first order in h, at mean centre + e;
    the centre falls by m delta = m' h."""
    change = expectation(orders(log_factor(), r, 2)[2], draw, 0, kappa**2)
    return -expand(change.xreplace({drift: _drift(score)}).xreplace({w: e}) + slope)


def is_the_drift_gap(mean: Expr) -> bool:
    r"""For a constant noise factor $\kappa$, in the formal expansion, the mean of
    $\log\lvert X_0\rvert$ is off by $[[it]]$ in the limit of $h$ to zero.

    The rate of the error along $v$ is the change of the mean over a level, to first order in $h$;
    the formula has that rate and vanishes at $v_N$. The drift of eq. (12) holds the Itô correction
    of the full noise, the logarithm takes back that of the noise there is."""
    return _vanishes(mean.subs(v, vN).doit(), diff(mean, v) - rate_of_the_mean().subs(e, mean))


def are_the_values(candidate: Mapping) -> bool:
    r"""For data of log-variance [[v0]], $\sigma^2T=[[sigma^2]]$, [[N]] steps, $m$ zero, full noise
    and an exact start, the mean of $\log\lvert X_0\rvert$ is off by $[[mean]]$ and its variance is
    $[[variance]]$, as rounded. The exact errors at the other points, extrapolated to $h$ zero,
    agree to [[digits]] digits: those of full noise over $h$ with R14's $[[bias.0]]$ and
    $[[bias.1]]$ over $h$, that of the mean at less noise with R14b's $[[gap]]$.

    The means of $\log\lvert X_0\rvert$ and of its square, given the state at a level, obey a
    backward recursion over the steps. Two pairs of Gauss-Hermite rules agree on what is read off.
    """
    chains = [_transport.law(*at.values()) for at in points((_FIRST, *_OTHERS))]
    texts = zip(chains[0], (candidate["mean"], candidate["variance"]), strict=True)
    rounded = all([rounds_to(value, text) for value, text in texts])
    data, total, _, drift, strength = (mpf(value) for value in _OTHERS[-1].values())
    errors = [(f * N, (g - data) * N) for N, (f, g) in zip(_STEPS, chains[1:4], strict=True)]
    limits = [_eliminated(*column) for column in zip(*errors, strict=True)]
    limits.append(_eliminated(*(mean for mean, _ in chains[4:])))
    at = {v: data, vN: data + total, slope: drift, kappa: strength, h: total}
    found = [mpf(f.subs(at)) for f in (*candidate["bias"], candidate["gap"])]
    return rounded and all([agree(f, g, _DIGITS) for f, g in zip(found, limits, strict=True)])


def _eliminated(coarse: mpf, middle: mpf, fine: mpf) -> mpf:
    """The limit of f(N) = limit + c_1 / N + c_2 / N^2 + ..., from f at N, 2 N and 4 N."""
    return (8 * fine - 6 * middle + coarse) / 3


_DIGITS, _STEPS = 3, (8, 16, 32)
_FIRST, *_OTHERS = table(
    "v0 sigma^2 N m' kappa", ("0.2", "0.64", 100, "0", "1"),
    *(("0.2", "0.1", N, "0.4", strength) for strength in ("1", "0.6") for N in _STEPS),
)  # fmt: skip


def _exact(at: Mapping[str, mpf]) -> tuple[mpf, mpf]:
    """Mean and variance of log |X_0| from an exact start, kappa constant; within 1e-8."""
    rate = at["sigma"] ** 2
    numbers = (at["v0"], rate * at["T"], at["mu"] / rate - mpf(1) / 2, at["kappa"])
    data, total, *others = (mpmath.nstr(number, 17) for number in numbers)
    mean, variance = _transport.law(data, total, int(at["N"]), *others)
    return at["a"] + mean, variance


EQUAL = "equal steps, one a level and as long as it, with draws independent of the state"
SETTING = (
    EQUAL, "v_0 is positive", Assumption(
        COORDINATE, "a rate that is linear in the error, as the score is",
        lambda: not vanishes(diff(rate_of_the_mean(bent), e, 2)),
    ), Assumption(
        "the score is the exact one, read at |X|",
        "the rate of the mean; half the score leads to another",
        lambda: not vanishes(rate_of_the_mean(halved) - rate_of_the_mean()),
    ),
    "the series of the logarithm is used where the factor is positive; it is not with a "
    "probability that falls faster than every power of h")  # fmt: skip
_WRITTEN, _LOST = {**NAMES, "v": "v_0", "m_prime": "m'"}, v * log(vN / v)
_BIAS = (-h * ((1 - v / vN) / 2 + (3 + 4 * slope + 4 * slope**2) / 8 * _LOST), h * (1 - v**2 /
    vN**2 + v * (1 - v / vN)) / 2,)  # fmt: skip
_AS_LOGARITHMIC = (_BIAS[0], h * (1 - v**2 / vN**2) / 2)
R14 = Claim(
    "R14", "sign-agnostic sampler on log-normal data: leading bias", is_the_leading_bias,
    holds=_BIAS, twins={
        "1/8 for 3/8": (_BIAS[0] + h * _LOST / 4, _BIAS[1]),
        "m' linear only": (_BIAS[0] + h * slope**2 * _LOST / 2, _BIAS[1]),
        "variance of eq. (13)": _AS_LOGARITHMIC, "mean too bright": (-_BIAS[0], _BIAS[1]),
    }, names=_WRITTEN, means=Means.CALCULUS, depends=("A12", "R8"),
    assumptions=(*SETTING, "full noise at every step, and the start is exact"))  # fmt: skip
_GAP = (1 - kappa**2) / 2 * _LOST
R14B = Claim(
    "R14b", "sign-agnostic sampler with constant noise factor", is_the_drift_gap, holds=_GAP,
    twins={"1 - kappa": (1 - kappa) / 2 * _LOST, "no factor 1/2": 2 * _GAP, "too dark": -_GAP},
    names=_WRITTEN, means=Means.CALCULUS, assumptions=(*SETTING, "the start has the exact mean"),
    depends=("A12", "R10"))  # fmt: skip
_INTEGRAL = Integral((1 - noise(u) ** 2) / (2 * u), (u, v, vN))
ANY_NOISE = Claim(
    "R14b-any-noise", "sign-agnostic sampler with any noise factor", is_the_drift_gap,
    holds=v * _INTEGRAL, twins={"without the factor v_0": _INTEGRAL, "twice": 2 * v * _INTEGRAL},
    names=_WRITTEN, means=Means.CALCULUS,
    statement=r"For a noise factor $\kappa(v)$ that varies with the level the limiting error of "
    r"the mean of $\log\lvert X_0\rvert$, in the formal expansion, is $[[it]]$.",
    derivation=r"As for R14b, with $\kappa(v)$ in the rate.", sheet=("R14b",),
    assumptions=(*SETTING, "the start has the exact mean, and kappa is continuous in v"),
    depends=("R14b",))  # fmt: skip
_VALUES = {"mean": "-0.003200", "variance": "0.203601", "bias": _BIAS, "gap": _GAP}
_SCALE = mpf("1e-8") * 2**50  # turns k u S into 1e-8, within which the recursion is computed
VALUES = Claim(
    "R14-numbers", "sign-agnostic sampler on log-normal data: reference values", are_the_values,
    holds=_VALUES, twins={
        "last digit of the mean": {**_VALUES, "mean": "-0.003201"},
        "last digit of the variance": {**_VALUES, "variance": "0.203600"},
        "leading terms only": {**_VALUES, "mean": "-0.003127", "variance": "0.203506"},
        "variance of eq. (13)": {**_VALUES, "bias": _AS_LOGARITHMIC},
        "gap without its factor 1/2": {**_VALUES, "gap": 2 * _GAP},
    }, values=lambda: {"digits": _DIGITS, **_FIRST}, names=_WRITTEN, means=Means.POINTS,
    sheet=("R14",), depends=("A12", "R14", "R14b"), assumptions=(
        EQUAL, COORDINATE, "the score is the exact one, read at |X|, and the start is exact",
    ), pins=(
        Pin(
            "gbm_ref.sign_agnostic_moments", table(
                "a v0 mu sigma T N kappa", (0.0, 0.2, 0.32, 0.8, 0.25, 12, 0.9),
                (0.3, 0.3, 0.1, 0.5, 0.4, 10, 0.6),
            ), because="the statement has its values at a few points, this is the recursion",
            formula=_exact, scale=lambda at: (_SCALE, _SCALE), twins={
                "full noise": lambda at: _exact({**at, "kappa": mpf(1)}),
                "mean of eq. (13)": lambda at: (at["a"], _exact(at)[1]),
            },
        ),
    ))  # fmt: skip
CLAIMS = (R14, R14B, ANY_NOISE, VALUES)
