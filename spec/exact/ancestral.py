"""Steps that freeze the denoiser (ancestral and DDIM), on log-normal data.

Symbols of `_chain`; t, s the ends of a step, on the grid k delta and (k - 1) delta; S the noise
part V_0 / v_0^2 - V_N / v_N^2; U = v_k, or sigma^2 T / v_0 in R17-function-G."""

from functools import cache

from sympy import (
    EulerGamma, Expr, Integer, diff, digamma, expand, expand_func, log, polygamma,
    sqrt, symbols, together, trigamma)  # fmt: skip

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.pins import table
from spec.exact import _special as special
from spec.exact._chain import (
    AT_THE_END, COORDINATE, NAMES, L, Score, V, a, bent, e, exact_start, h, halved, hyvarinen,
    kappa, m, moments, n, q, sigma, t, v, v0, vN, z)  # fmt: skip
from spec.exact.dale_langevin import GAIN
from spec.reverse.steps import R17_BRIDGE

s, root, k, total, U = symbols("s root k S U", positive=True)


def _law_after(weight: Expr, noise: Expr, score: Score = hyvarinen) -> tuple[Expr, Expr]:
    """(E log X_s - a - m s, Var log X_s) of D + m s + weight (log X_t - D - m t) + noise Z."""
    mean_t, variance_t = a + m * t, v0 + sigma**2 * t
    denoiser = L - m * t + sigma**2 * t * (1 + score(L, mean_t, variance_t))
    image = denoiser + m * s + weight * (L - denoiser - m * t) + noise * z
    mean, variance = moments(image, mean_t + e, V)
    return mean - a - m * s, variance


def is_the_ancestral_law(candidate: tuple[Expr, Expr]) -> bool:
    r"""On log-normal data of log-variance $v_0$ an ancestral step from $t$ to $s$ multiplies the
    mean error of $\log X$ by $[[0]]$, its variance by the square, and adds $[[1]]$ to that.

    The step draws from the Brownian bridge between the denoiser and $\log X_t$."""
    weight, bridge = (f.subs({v: sigma**2 * s, V: sigma**2 * t}) for f in R17_BRIDGE.holds[:2])
    (factor, noise), (mean, variance) = candidate, _law_after(weight, root)
    gap = expand(variance).subs(root, sqrt(bridge)) - factor**2 * V - noise
    return vanishes((mean - factor * e, gap))


def is_the_ddim_law(factor: Expr) -> bool:
    r"""On log-normal data of log-variance $v_0$ a DDIM step from $t$ to $s$ multiplies the mean
    error of $\log X$ by $[[it]]$ and its variance by the square, as Euler's rule in the standard
    deviation of the noise does for the flow of $\log X$ less its drift.

    As for R17, with the square root of the weight and no noise. Euler's rule for the deviation
    goes along its slope at that of $t$, which gives the same factor."""
    mean, variance = (f.subs(s, kappa**2 * t) for f in _law_after(kappa, Integer(0)))
    claimed, noise = factor.subs(s, kappa**2 * t), sigma**2 * t
    euler = 1 + (1 - kappa) * noise * diff(hyvarinen(L, e, v0 + noise), L)
    return vanishes((mean - claimed * e, variance - claimed**2 * V, claimed - euler))


def is_the_noise_part(candidate: tuple[Expr, Expr]) -> bool:
    r"""After steps of equal length down to level $k$, $V_k=[[0]]$, where the step that leaves
    level $k$ adds $[[1]]$ to $S$, which is nothing at $v_N$.

    By induction: a step leads from the formula to that of the next level, with its term in $S$."""
    variance, term = candidate
    here, below = v0 + h * k, v0 + h * (k - 1)
    ends = {s: h * (k - 1) / sigma**2, t: h * k / sigma**2}
    factor, noise = (f.xreplace(ends) for f in R17.holds)
    stepped = factor**2 * variance.subs(U, here) + noise
    reached = variance.xreplace({U: below, total: total + term})
    return vanishes((variance.subs({U: vN, total: 0}) - V, reached - stepped))


def is_the_sum(closed: Expr) -> bool:
    r"""After $N$ steps the sum $S$ of R17-variance is $[[it]]$, where $q$ is the log-variance of
    the data in units of $h$ and not one, and $\gamma$ Euler's constant.

    By induction, by the recurrences of the polygamma functions: one more level adds its term."""
    longer = closed + _TERM.subs({v0: q * h, k: n + 1})
    return special.vanish_by_recurrence(closed.subs(n, 0), closed.subs(n, n + 1) - longer)


@cache
def expansion() -> tuple[Expr, Expr]:
    """V_0 / v_0 from the variance V at h = 0, and its slope in h, with a symbol for log(h); psi
    and psi_1 are written as expansions with weights in [0, 1]."""
    noise, ends = expand_func(CLOSED_FORM), {q: v0 / h, n: (vN - v0) / h}
    for i, at in enumerate((q, n, q + n)):
        weight, other = symbols(f"weight_{i} other_{i}")
        noise = noise.subs(polygamma(0, at), special.digamma_expansion(at, weight))
        noise = noise.subs(polygamma(1, at), special.trigamma_expansion(at, other))
    ratio = together(special.rational(v0 * (V / vN**2 + noise.subs(ends))))
    return ratio.subs(h, 0), ratio.diff(h).subs(h, 0)


def is_the_leading_bias(bias: Expr, start: Expr = vN) -> bool:
    r"""From the exact log-variance $V_0$ is off $v_0$ by the share $[[it]]$, up to a remainder
    that is $O(h^2)$ but for a logarithm, at fixed $v_0$ and $v_N$; $\gamma$ is Euler's constant.

    In R17-closed both polygamma functions are replaced by expansions with bounded remainders: the
    bounds of $\psi$ have those of its derivative as slopes, and the differences tend to zero. The
    difference of both sides is a quotient in $h$ that vanishes with its slope where $h$ does, the
    logarithm of $h$ being a symbol."""
    (at_zero, slope), share = (f.subs(V, start) for f in expansion()), special.rational(bias)
    gaps = at_zero - 1 - share.subs(h, 0), slope - share.diff(h).subs(h, 0)
    return vanishes(gaps) and special.digamma_is_bracketed()


def is_the_same_in_u(form: Expr) -> bool:
    r"""In units of $h$ over $v_0$ the bias of R17-leading is, but for its sign, Euler's constant
    and $[[it]]$, where $U$ is what the process adds to the log-variance in units of $v_0$.

    The two variances have ratios that are rational in $U$, outside the logarithm and in it."""
    return special.vanish_by_recurrence(v0 / h * _BIAS + EulerGamma + form.subs(U, vN / v0 - 1))


def _pinned(closed: Expr) -> tuple[Expr, Expr]:
    mu, T, N, M = symbols("mu T N M")
    step, end = sigma**2 * T / N, a + (mu - sigma**2 / 2) * T
    noise, gain = (f.subs({q: v0 / h, n: N}).subs(h, step) for f in (closed, GAIN))
    return a + gain * (M - end), gain**2 * symbols("V") + v0**2 * noise


_BELOW, _ABOVE, _BRIDGE = v0 + sigma**2 * s, v0 + sigma**2 * t, sigma**2 * s * (t - s) / t
_DATA = (
    Assumption(
        COORDINATE, "an affine score; with another the mean holds the variance",
        lambda: not vanishes(diff(_law_after(s / t, root, bent)[0], V)),
    ), Assumption(
        "the Hyvärinen score is the exact one of X_t", "the denoiser; half the score changes it",
        lambda: not vanishes(diff(_law_after(s / t, root, halved)[0], e) - _BELOW / _ABOVE),
    ))  # fmt: skip
R17 = Claim(
    "R17", "ancestral steps on log-normal data", is_the_ancestral_law,
    holds=(_BELOW / _ABOVE, _BRIDGE), twins={
        "noise of eq. (13)": (_BELOW / _ABOVE, sigma**2 * (t - s)), "s / t": (s / t, _BRIDGE),
        "noise of the exact kernel": (_BELOW / _ABOVE, sigma**2 * (t - s) * _BELOW / _ABOVE),
    }, names=NAMES, assumptions=(*_DATA, "log X_t and the draw are independent"),
    depends=("R17-bridge", "R5", "R8"))  # fmt: skip
DDIM = Claim(
    "R17-ddim", "DDIM steps on log-normal data", is_the_ddim_law,
    holds=(v0 + sigma**2 * sqrt(s * t)) / _ABOVE, sheet=("R17",), assumptions=_DATA, twins={
        "weight s / t": _BELOW / _ABOVE,
        "only the part towards the noise": sigma**2 * sqrt(s * t) / _ABOVE,
    }, names=NAMES, depends=("R17-bridge", "R5", "R16-heun"))  # fmt: skip

_CARRIED, _TERM = U**2 * (V / vN**2 + total), h * (k - 1) / k / (v0 + h * (k - 1)) ** 2
SUM = Claim(
    "R17-variance", "ancestral sampling of log-normal data: the log-variance after N steps",
    is_the_noise_part, holds=(_CARRIED, _TERM), twins={
        "noise of eq. (13)": (_CARRIED, _TERM * k / (k - 1)),
        "variance at k": (_CARRIED, h * (k - 1) / k / (v0 + h * k) ** 2),
        "k / (k + 1)": (_CARRIED, h * k / (k + 1) / (v0 + h * (k - 1)) ** 2),
    }, names={**AT_THE_END, "U": "v_k"}, sheet=("R17",), depends=("R17",),
    assumptions=("as for R17", "equal steps", "v_0 is positive"))  # fmt: skip

_TAIL = trigamma(q) - trigamma(q + n)
_HARMONIC = digamma(n + 1) - digamma(Integer(1)) - digamma(q + n) + digamma(q)
CLOSED_FORM = (_TAIL * (1 + 1 / (q - 1)) - _HARMONIC / (q - 1) ** 2) / h
CLOSED = Claim(
    "R17-closed", "ancestral sampling of log-normal data: closed form", is_the_sum,
    holds=CLOSED_FORM, twins={
        "sign of the partial fraction": CLOSED_FORM - 2 * _TAIL / (q - 1) / h,
        "q - 1 not squared": (_TAIL * (1 + 1 / (q - 1)) - _HARMONIC / (q - 1)) / h,
    }, names=NAMES, sheet=("R17",), depends=("R17-variance",), assumptions=(
        "as for R17", "equal steps", "v_0 is positive and not h, where the formula divides",
    ), pins=(
        Pin(
            "gbm_ref.ancestral_law", table(
                "a v0 mu sigma T N M V", (0.3, 0.05, 0.2, 0.8, 1.0, 8, 0.7, 0.6),
                (-1.1, 6.4, -0.3, 1.3, 1.5, 3, 2.0, 3.1),
                (0.2, 1e-7, 0.5, 0.6, 0.7, 1000, -0.4, 0.01),
            ), reads=_pinned,
        ),
    ))  # fmt: skip

_LOG = log(v0 * (vN - v0) / (h * vN))
_BIAS = -h * (_LOG + EulerGamma - (3 - 2 * v0 / vN - v0**2 / vN**2) / 2) / v0
R17_BIAS = Claim(
    "R17-leading", "ancestral sampling of log-normal data: leading bias", is_the_leading_bias,
    holds=_BIAS, twins={
        "without Euler's constant": _BIAS.subs(EulerGamma, 0), "1 for 3/2": _BIAS - h / (2 * v0),
        "opposite sign": -_BIAS, "square of v_0 / v_N left out": _BIAS + h * v0 / (2 * vN**2),
    }, names=NAMES, means=Means.CALCULUS, sheet=("R17",), assumptions=(
        "as for R17", "equal steps", "v_0 is positive",
        exact_start(lambda: not is_the_leading_bias(_BIAS, 2 * vN)),
    ), depends=("R17-closed", "R8-leading"))  # fmt: skip

_G = log(v0 / h) + log(U / (1 + U)) + 1 / (1 + U) + 1 / (2 * (1 + U) ** 2) - Integer(3) / 2
IN_U = Claim(
    "R17-function-G", "the same bias in sigma^2 T / v_0 and h / v_0", is_the_same_in_u, holds=_G,
    twins={"log U": _G + log(1 + U), "no factor 1/2": _G + 1 / (2 * (1 + U) ** 2)}, names=NAMES,
    sheet=("R17",), assumptions=("as for R17-leading",), depends=("R17-leading",))  # fmt: skip
CLAIMS = (R17, DDIM, SUM, CLOSED, R17_BIAS, IN_U)
