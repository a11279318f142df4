"""The variances of Appendix C: in law or path by path, left sum or integral, which rate."""

from dataclasses import replace

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Symbol, diff, exp, symbols, zoo

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, v2
from spec.checking.gaussian import expectation
from spec.checking.symbols import dt, t
from spec.checking.typeset import Chain
from spec.process.chain import A35, INDEPENDENT, NO_DRIFT, S

y, y0 = symbols("y y0", real=True)
Vk, Vl, sigma_k, ell, q, Q, E = symbols("V_k V_l sigma_k ell q Q E", positive=True)
k, level, sigma_min = symbols("k v_k sigma_min", positive=True)
NOTHING = Integer(0)
_NAMES = {"V_k": r"\bar\sigma_k^{2}", "V_l": r"\bar\sigma_l^{2}", "ell": r"\log r",
          "sigma_min": r"\sigma_{\min}"}  # fmt: skip


def is_the_squared_correlation(squared: Expr) -> bool:
    r"""Equation 35 holds in law for each $k$ alone. For $k$ at least one and before $l$ the noises
    that $k$ and $l$ steps have added have the squared correlation $[[it]]$ given $X_0$: they are
    no multiples of one normal variable $Z$.

    The later noise is the earlier one and more, from draws that are independent of the earlier
    ones: the product of the two and their squares are averaged over one part after the other. The
    squared correlation falls short of one by $[[gap]]$, which is positive: a step adds noise."""

    def average(polynomial: Expr) -> Expr:
        return expectation(expectation(polynomial, y, NOTHING, Vl - Vk), y0, NOTHING, Vk)

    both, first, second = map(average, (y0 * (y0 + y), y0**2, (y0 + y) ** 2))
    return same(both**2 / (first * second), squared)


def _correlations() -> tuple[Figure, ...]:
    k, later = 5, 10
    where = f"correlation of log X_{k} and log X_{later} given X_0, constant sigma"
    return (Figure(where, mpmath.sqrt(mpf(E19_I.holds.subs({Vk: k, Vl: later})))),)


E19_I = Claim(
    "E19-i", "equation 35 holds in law, not path by path", is_the_squared_correlation,
    holds=Vk / Vl, twins={
        "the ratio squared": Vk**2 / Vl**2,
        "the last common step left out": (Vk - dt * sigma_k**2) / Vl, "independent": NOTHING,
    }, printed={"one Z for all k": Integer(1)},
    values=lambda: {"gap": Chain(1 - E19_I.holds, (Vl - Vk) / Vl)}, names=_NAMES,
    sources=v2("eq. 35"), sheet=("E19",), assumptions=(
        replace(INDEPENDENT, used="the average over one part after the other"), Assumption(
            "sigma is positive at every step",
            "the later variance is the larger one, or one Z would do",
            lambda: E19_I.holds.subs(Vl, Vk) == E19_I.printed["one Z for all k"],
        ),
    ), depends=("A35",), erratum=Erratum(
        Fault.UNDEFINED,
        quote="Unrolling Eq. 34, we get the following expression for [symbol lost] in terms of "
        "[symbol lost] (formula lost)",
        trouble="Unrolling gives a weighted sum of all draws. With a single normal $Z$ it is an "
        "equality in law for one $k$, which is all that the loss needs (A38); read as an equality "
        "it makes the whole path a function of one draw.", figures=_correlations,
        remains_open="Which of the two version 2 prints cannot be seen."))  # fmt: skip


def is_left_over_exact(ratio: Expr) -> bool:
    r"""For $\sigma(t)=[[schedule]]$ the left sum $\bar\sigma_k^2$ over the integral of
    $\sigma^2(t)$ up to the time $k\delta$ is $[[it]]$ for $k$ at least one. For $r=[[r]]$ it is
    $[[coarse|3]]$ with [[few]] steps in the unit of time and $[[fine]]$ with [[many]].

    The integral has the rate of the squared schedule and starts at zero: it is $[[integral]]$.
    The left sum also starts at zero and gains $[[term]]$ with each step: by induction over $k$."""
    left, rate = ratio * _INTEGRAL.subs(E, Q), diff(_INTEGRAL.subs(_POWERS), t).subs(_POWER, E)
    square = (_SCHEDULE**2).subs(_POWER, E)
    gaps = rate - square, _POWERS[Q].exp - k * _POWERS[q].exp  # Q is q to the power k
    return vanishes((*gaps, left.subs(Q, 1), left.subs(Q, q * Q) - left - _TERM))


_SCHEDULE = sigma_min * exp(ell * t)
_POWER = exp(2 * ell * t)
_POWERS = {E: _POWER, q: _POWER.subs(t, dt), Q: _POWER.subs(t, k * dt)}
_SQUARE_OF_IT = (_SCHEDULE**2).subs(_POWER, E)
_ADDED = _SQUARE_OF_IT - _SQUARE_OF_IT.subs(E, 1)
_INTEGRAL, _TERM = _ADDED / (2 * ell), dt * _SQUARE_OF_IT.subs(E, Q)
_RATIO = 2 * dt * ell / (q - 1)
_STEEP, _FEW, _MANY = 100, 10, 1000


def _left_over_exact(n: int) -> mpf:
    with mpmath.workdps(50):
        log_r, step = mpmath.log(_STEEP), mpf(1) / n
        return mpf(_RATIO.subs(_POWERS).subs({ell: log_r, dt: step}))


E19_II = Claim(
    "E19-ii", "left sums and integrals are two different variances", is_left_over_exact,
    holds=_RATIO, twins={
        "ln r for 2 ln r": _RATIO / 2, "right sum": _RATIO * q,
        "middle of both": _RATIO * (1 + q) / 2, "first order in delta": 1 - dt * ell,
    }, printed={"interchangeable": Integer(1)}, shown=lambda ratio: {"it": ratio.subs(_POWERS)},
    values=lambda: {
        "schedule": _SCHEDULE, "integral": _INTEGRAL.subs(_POWERS), "term": _TERM.subs(_POWERS),
        "r": _STEEP, "few": _FEW, "many": _MANY, "coarse": _left_over_exact(_FEW),
        "fine": _left_over_exact(_MANY),
    }, names=_NAMES, sources=v2("eq. 35", "eq. 36"), sheet=("E19",), assumptions=(Assumption(
        "r is not one", "the logarithm of r divides", lambda: bool(_RATIO.subs(q, 1).has(zoo)),
    ),), depends=("A33", "A35", "A36"), erratum=Erratum(
        Fault.UNDEFINED,
        quote="one could discretize this reverse-time SDE [36], train a neural network to "
        "approximate the score for samples generated using Eq. 35 and generate new samples from "
        "the corresponding discretized reverse-time SDE (formulas lost)",
        trouble="Samples of eq. 35 have the marginals of the chain, eq. 36 reverses eq. 33: a "
        "network trained on one is used on the other at a noise variance off by the ratio.",
        advice="Use the left sum everywhere (E19-iv gives the reverse step), or the integral.",
        figures=lambda: tuple(
            Figure(f"left sum over integral, r = {_STEEP}, N = {n}", _left_over_exact(n))
            for n in (_FEW, _MANY)
        ),
        remains_open="The target is lost; we reconstruct it with the left sum (A35-target).",
    ))  # fmt: skip


def gives_variance(square: Expr) -> bool:
    r"""For $\sigma(t)=[[schedule]]$ to be the standard deviation of the variance-exploding SDE of
    Song et al., so that $\log X$ given $X_0$ has the variance $[[added]]$ at time $t$,
    the diffusion coefficient $g$ of eq. 33 has the square $[[it]]$.

    By A33 the square is the rate of the added variance, which is zero at the start."""
    return vanishes((diff(_ADDED.subs(_POWERS), t).subs(_POWER, E) - square, _ADDED.subs(E, 1)))


_SQUARE = 2 * ell * sigma_min**2 * E


def _spreads() -> tuple[Figure, ...]:
    low, high = mpf("0.01"), mpf(50)
    at = {sigma_min: low, ell: mpmath.log(high / low), t: 1}
    found = (e.subs(E, _POWER).subs(at) for e in (_ADDED, _INTEGRAL))
    meant, taken = map(mpmath.sqrt, map(mpf, found))
    return (
        Figure(f"deviation added as sigma(t) grows from {low} to {high} until t = 1", meant),
        Figure("with sigma(t) taken as the diffusion coefficient", taken),
    )


E19_III = Claim(
    "E19-iii", "a diffusion coefficient is not a standard deviation", gives_variance,
    holds=_SQUARE, twins={
        "derivative of sigma times sigma": ell * sigma_min**2 * E,
        "derivative of sigma, squared": ell**2 * sigma_min**2 * E,
    }, printed={"g = sigma": sigma_min**2 * E}, shown=lambda square: {"it": square.subs(_POWERS)},
    values=lambda: {"schedule": _SCHEDULE, "added": _ADDED.subs(_POWERS)}, names=_NAMES,
    sources=v2("App. C: choice of drift and diffusion"), sheet=("E19",), depends=("A33", "E19-ii"),
    assumptions=("r is greater than one",), erratum=Erratum(
        Fault.UNDEFINED,
        quote="We set ... which results in a variance exploding SDE (c.f. Song et al. [2021c]) "
        "(formula lost)",
        trouble=r"The log of $X$ does follow a variance-exploding SDE. But $\sigma(t)$ differs in "
        r"the two papers: with the schedule of Song et al. eq. 33 need not give that noise level.",
        advice=r"Name one of them: $g^2(t)$ is the derivative of $\sigma^2(t)$.", figures=_spreads,
        remains_open=r"The formula is lost; we take it to be $\mu(t)=\sigma^2(t)/2$.",
    ))  # fmt: skip

_INDICES = "sigma_k-1 sigma_k sigma_k-2 sigma_N-k sigma"
before, here, lower, other, _ANY = (dt * e**2 for e in symbols(_INDICES, positive=True))
_SCORE = diff(-(y**2) / (2 * level), y)  # of log X_k, at the deviation y


def carries_the_mean(rate: Expr, score: Expr = _SCORE) -> bool:
    r"""On log-normal data with the exact score of the left-sum chain, the reverse step from $k$
    keeps the mean of $\log X$ where Bayes' rule has it if its rate is $[[rate]]=[[it]]$, that of
    the forward step that led to $k$. It then multiplies the deviation $e_k$ of the mean by the
    ratio $[[factor]]$ of the variances of $\log X_{k-1}$ and $\log X_k$.

    The log score is the deviation over minus the variance $v_k$ of $\log X_k$, so that a step
    multiplies $e_k$ by $[[step]]$. Bayes' rule for the forward step gives the ratio of the two
    variances. The factor is linear in the rate, so that no other rate gives it."""
    (deviation, noise), rate_before = symbols("e n", real=True), Symbol("sigma_k-1", positive=True)
    led = A35.holds[1][1].subs(sigma_k, rate_before) - S**2  # by the forward step from k - 1, to k
    joint = -(deviation**2) / (2 * (level - led)) - (noise - deviation) ** 2 / (2 * led)
    slope = -diff(joint, deviation, noise) / diff(joint, deviation, 2)
    written = same(_MULTIPLIED.subs(_ANY, rate), _multiplied(rate))
    return written and same(_multiplied(rate, score), slope)


def _multiplied(rate: Expr, score: Expr = _SCORE) -> Expr:
    return diff(y + rate * score, y)  # what becomes of the deviation in a step


_MULTIPLIED = _multiplied(_ANY)


def _shrinkages() -> tuple[Figure, ...]:
    n, start, low = 10, mpf("0.1"), mpf("0.05")
    at, added = {sigma_min: low, ell: mpmath.log(_STEEP), dt: mpf(1) / n}, _TERM.subs(Q, _POWER)
    rates = [mpf(added.subs(t, i * dt).subs(at)) for i in range(n + 1)]
    levels = [start + sum(rates[:k]) for k in range(n + 1)]
    spent = zip(rates, levels[1:], strict=False), zip(rates[1:], levels[1:], strict=True)
    ratios = (mpmath.fprod(_multiplied(r).subs(level, v) for r, v in steps) for steps in spent)
    exact, shrunk = (levels[n] / start * ratio for ratio in ratios)
    setting = f"v_0 = {start}, sigma(t) = {low} * {_STEEP}^t, N = {n}"
    label = f"e_0 over its exact value, sigma_(k-1): {setting}"
    return Figure(label, exact), Figure("with sigma_k", shrunk)


E19_IV = Claim(
    "E19-iv", "the reverse step from k to k - 1 uses the rate of the forward step",
    carries_the_mean, holds=before, twins={
        "one index lower": lower, "mean of both ends": (before + here) / 2,
        "order of the forward chain": other,
    }, printed={"rate at the time of the step's start, sigma_k": here},
    shown=lambda rate: {"it": rate, "factor": _multiplied(rate)},
    values=lambda: {"rate": _ANY, "step": _MULTIPLIED}, names=_NAMES,
    sources=v2("eq. 36"), sheet=("E19",), assumptions=(
        Assumption(
            "the score is that of the chain at the same level", "the deviation is divided by v_k",
            lambda: carries_the_mean(lower, _SCORE * before / lower),
        ), NO_DRIFT.text, "log X_0 is normal",
    ), depends=("A35", "A36"), erratum=Erratum(
        Fault.UNDEFINED,
        quote="In principle, one could discretize this reverse-time SDE [36] (formula lost)",
        trouble=r"Euler-Maruyama for eq. 36 takes the rate where the step starts, $\sigma_k$; the "
        r"forward step to $k$ has used $\sigma_{k-1}$: growing rates take out too much.",
        advice=r"Use $\sigma_{k-1}$ in the reverse step from $k$.", figures=_shrinkages,
        remains_open="The appendix does not write the discretization out."))  # fmt: skip
CLAIMS = (E19_I, E19_II, E19_III, E19_IV)
