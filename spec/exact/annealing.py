"""Annealed noise and repeated steps at a level, on log-normal data, and many levels.

Symbols of `_chain`; delta_s = r^2 the step, h = h_s = sigma^2 delta_s, or the distance of levels
in v, from v_N down to v_0; l steps at a level; rho = l delta_s / delta."""

from collections.abc import Callable, Iterator

import mpmath
from sympy import (
    Expr, Function, Integer, Integral, Matrix, diff, exp, expand, lambdify, symbols)  # fmt: skip

from spec.checking import typeset
from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.pins import Values, table
from spec.exact._chain import (
    DATA, DRAWS, NAMES, Row, V, a, e, h, kappa, law_after, m, n, on_the_line, q, r, sigma, v, v0,
    vN)  # fmt: skip

alpha, count, delta, rho, s2, u = symbols("alpha l delta rho s2 u", positive=True)
V_N, e_N, N, log_chi, J, i = symbols("V_N e_N N log_chi J i", real=True)
strength = Function("kappa")
Inner = tuple[Expr, Expr, Expr]
_NAMES = {**NAMES, "h": "h_s", "r": r"\sqrt{\delta_s}"}


def is_the_inner_step(candidate: Inner) -> bool:
    r"""With the exact score of log-normal data, a step of length $\delta_s$ with noise factor
    $\kappa$ takes $e_k$ to $[[0]]$ and $V_k$ to $[[1]]$, where $h_s$ is $\sigma^2\delta_s$; at the
    next level, whose mean is lower by $m\delta$, the error is $[[2]]$.

    The moments of the step of eq. (13) with $\delta_s$ for $\delta$ and $\kappa Z$ for $Z$. The
    two terms of the drift cancel where the step is as long as the level."""
    mean, variance = law_after(strength=kappa, fall=Integer(0))
    return same(Matrix([mean, variance, mean + m * delta]), Matrix(candidate))


def is_the_loop(candidate: dict[str, Expr]) -> bool:
    r"""$L$ steps at a level, of length $\delta_s$ and with $\alpha=[[alpha]]$, take $e_k$ to
    $[[mean]]$ and $V_k$ to $[[variance]]$. A mean without error is off by $[[shift]]$ at the next
    level, to first order in $\delta$ and $\delta_s$ at fixed $v_k$.

    By induction: the formulas hold for no step, and a step of R10 leads from $L$ to one more, for
    the first order with both lengths multiplied by a small number."""
    small, power = symbols("small power", positive=True)
    law, shift = Matrix([candidate["mean"], candidate["variance"]]), candidate["shift"]
    named, step = law.subs(alpha**count, power), Matrix(law_after(strength=kappa, fall=Integer(0)))
    none = named.xreplace({power: Integer(1), count: Integer(0)}) - Matrix([e, V])
    longer = named.xreplace({power: alpha * power, count: count + 1})
    gaps = (longer - step.xreplace({e: named[0], V: named[1]})).subs(alpha, candidate["alpha"])
    one = step[0].xreplace({e: small * shift, h: small * h, m: small * m}).diff(small)
    shifts = shift.subs(count, 0) - m * delta, shift.subs(count, count + 1) - one.subs(small, 0)
    return vanishes((none, gaps, *shifts))


def is_the_threshold(candidate: tuple[Expr, Expr]) -> bool:
    r"""As $L$ grows, mean and variance of $\log X$ in the inner loop at level $k$ converge for
    steps with $h_s<[[0]]$ and for no longer ones, the variance then to $[[1]]$.

    A step multiplies the difference of the mean from its fixed point by the factor on the
    deviation, and that of the variance from this one by its square, which falls short of one by
    $[[gap]]$: positive below the threshold, zero at it, where each step adds its noise, and
    negative beyond, where the fixed point is negative too, so that no start lies at it."""
    limit, (mean, after) = candidate[1], law_after(strength=kappa)
    squared = diff(after, V)
    falls = after - limit - squared * (V - limit)
    return vanishes((1 - squared - _gap(candidate), squared - diff(mean, e) ** 2, falls))


def is_the_denoised_law(candidate: tuple[Expr, Expr]) -> bool:
    r"""A step without noise at $k$ one multiplies the variance of $\log X$ by $[[0]]$, and by
    $[[1]]$ where the step is as long as the level.

    Nothing is added without noise."""
    variance = law_after(strength=Integer(0))[1] / V
    return same(Matrix([variance, variance.subs(h, v - v0)]), Matrix(candidate))


def is_the_limit(candidate: tuple[Expr, Expr]) -> bool:
    r"""In the limit of many equal levels at fixed $\rho$, $L$ and $\kappa(v)$, and for $m$ zero,
    $V_0=[[0]]$ and $e_0=[[1]]$, where $\rho$ is $L\delta_s$ in units of $\delta$.

    To first order in $h$ a step after others adds what it adds by itself, and the recursion is
    Euler's rule for the two linear equations in $v$ with the rates of $L$ steps, which the
    formulas solve with the right values at $v_N$."""
    (rates, more), law = _rates(), Matrix(candidate)
    starts = law.subs(v, vN).doit() - Matrix([V_N, e_N])
    slopes = law.applyfunc(lambda f: diff(f, v)) - rates.xreplace({V: law[0], e: law[1]})
    return vanishes((*map(_rational, (*starts, *slopes)), *more))


def _rational(f: Expr) -> Expr:
    """With symbols for the powers of v and v_N, the integral and kappa(v)."""
    powers = {v**rho: symbols("Q"), vN**rho: symbols("Q_N"), strength(v): kappa}
    return expand(f.replace(Integral, lambda *_: J)).subs(powers)


def _rates(slope: Expr | int = 0) -> tuple[Matrix, Matrix]:
    """dV/dv and de/dv, minus the change over a level of L steps of size rho h / L to first order
    in h; and what vanishes if the steps of a level add up. `slope` is m / sigma^2."""
    mean, variance = law_after(strength=kappa, fall=Integer(0))
    stepped = Matrix([variance, mean]).subs(m, slope * h / r**2).subs(h, rho * h / count)
    before = Matrix(symbols("before_V before_e"))
    later = stepped.xreplace({V: V + h * before[0], e: e + h * before[1]})
    one, two = (f.applyfunc(lambda g: diff(g, h).subs(h, 0)) for f in (stepped, later))
    return -count * one - Matrix([0, slope]), two - before - one


def is_the_exponent(exponent: Expr) -> bool:
    r"""At the $i$-th of $N$ levels below the top, of log-variance $v$, where that of the top is
    $v_N$, $i\,\log\chi=[[it]]$: the logarithm of $\chi^i$.

    It is at $[[level]]$, since $N$ equal levels share $\sigma^2$."""
    return vanishes(exponent.subs(v, _LEVEL) - i * log_chi)


def is_the_noise_free_law(variance: Expr, length: int = 1) -> bool:
    r"""Without noise and with one step a level, as long as the level, the variance of $\log X$ at
    any level is $[[it]]$, exactly and for every number of levels.

    By induction: a step without noise leads from this variance at one level to that at the next.
    """
    stepped = law_after(strength=Integer(0))[1].subs(h, length * h).subs(V, variance)
    return vanishes((variance.subs(v, vN) - V_N, variance.subs(v, v - h) - stepped))


def _gap(candidate: tuple[Expr, Expr]) -> Expr:
    return h * (candidate[0] - h) / v**2


def _inner(factor: Expr, added: Expr, moved: int = 1) -> Inner:
    mean = factor * e - moved * m * r**2
    return mean, factor**2 * V + added, mean + moved * m * delta


def _rows(candidate: Inner, at: Values) -> Iterator[Row]:
    mean, variance, _ = candidate
    parts = diff(mean, e), variance.subs(V, 0), -mean.subs(e, 0)
    maps = lambdify((v, h, kappa, m, r), parts, "mpmath")
    drift, rate, length = at["mu"] - at["sigma"] ** 2 / 2, at["sigma"] ** 2, at["length"]
    for k in range(int(at["N"])):
        now = at["T"] * (1 - k / at["N"])
        noise = rate * length, at["chi"] ** k, drift, mpmath.sqrt(length)
        row = at["a"] + drift * now, *maps(at["v0"] + rate * now, *noise)
        yield from [row] * int(at["L"])


_FACTOR = 1 - h / v
INNER = _inner(_FACTOR, kappa**2 * h)
R10 = Claim(
    "R10", "annealed noise and inner loop: one step", is_the_inner_step, holds=INNER, twins={
        "noise kappa, not squared": _inner(_FACTOR, kappa * h),
        "drift annealed too": _inner(1 - kappa * h / v, kappa**2 * h),
        "no drift of the mean": _inner(_FACTOR, kappa**2 * h, 0),
    }, names=_NAMES, assumptions=(*DATA, "log X_k and the draw are independent"),
    depends=("A13", "A-Alg1", "R8"), pins=(
        Pin(
            "gbm_ref.exact_law", table(
                "a v0 mu sigma T N L length chi M V",
                (0.3, 0.05, 0.2, 0.8, 1.0, 8, 1, 0.125, 0.9, 0.7, 0.6),
                (-1.1, 0.4, -0.3, 1.3, 1.5, 5, 3, 0.2, 0.75, 2.0, 3.1),
                (0.2, 1e-7, 0.5, 0.6, 0.7, 40, 3, 0.004, 0.97, -0.4, 0.01),
            ), **on_the_line(_rows, INNER), variant="dale-langevin-1d",
        ),
    ))  # fmt: skip


def _at_level(formula: Expr) -> Expr:
    """As the vectors name it: v_s and dv for the level, n steps, from b."""
    v_s, dv, dm, b = symbols("v_s dv dm b")
    named = formula.subs({count: n, h: dv, m: dm / r**2, V: q, e: b - a - dm})
    return named.subs(alpha, (v0 + v_s) / (v0 + v_s + dv))


_KEPT, _SHARE = alpha**count, 1 - alpha ** (2 * count)
_ADDED = kappa**2 * h * _SHARE / (1 - alpha**2)
_LOOP = {
    "mean": _KEPT * e - m * r**2 * (1 - _KEPT) / (1 - alpha), "variance": _KEPT**2 * V + _ADDED,
    "shift": m * (delta - count * r**2), "alpha": _FACTOR}  # fmt: skip
_IN_LOGS: dict[str, Callable[[dict[str, Expr]], Expr]] = {
    "mean": lambda candidate: a + symbols("dm") + _at_level(candidate["mean"]),
    "var": lambda candidate: _at_level(candidate["variance"]),
}
LOOP = Claim(
    "R10-loop", "annealed noise and inner loop: L steps at a level", is_the_loop, holds=_LOOP,
    twins={
        "noise summed with alpha": {**_LOOP, "variance": _KEPT**2 * V + _ADDED * (1 + alpha)},
        "one noise term too few": {**_LOOP, "variance": _LOOP["variance"] - kappa**2 * h},
        "drift once, not L times": {**_LOOP, "mean": _KEPT * e - m * r**2},
        "one step moves the mean over a level": {**_LOOP, "shift": m * (delta - r**2)},
    }, names={**_NAMES, "l": "L"}, sheet=("R10",), assumptions=(
        *DATA, Assumption(
            "each step starts where the one before has ended",
            "the powers of alpha; a loop that returns to its first state makes one step",
            lambda: not vanishes(diff(_LOOP["variance"].subs(count, 2), V) - alpha**2),
        ), "alpha^2 is not one", DRAWS,
    ), means=Means.CALCULUS, depends=("R10",), pins=tuple(
        Pin("gbm_ref.inner_loop_law", vectors=f"inner_loop_law_log_{part}", reads=f, variant=part)
        for part, f in _IN_LOGS.items()
    ))  # fmt: skip

_STILL = kappa**2 * v / 2 / (1 - h / (2 * v))
STABLE = Claim(
    "R10-stable", "when repeated steps at a level settle", is_the_threshold, holds=(2 * v, _STILL),
    twins={
        "h_s < v_k": (v, _STILL), "h_s < 4 v_k": (4 * v, _STILL),
        "the variance of the data law": (2 * v, kappa**2 * v),
    }, shown=lambda pair: typeset.parts([e.factor() for e in pair]) | {"gap": _gap(pair)},
    names=_NAMES, sheet=("R10",), assumptions=(
        *DATA, DRAWS, Assumption(
            "kappa is positive",
            "beyond the threshold: without noise a law without variance stays",
            lambda: vanishes(law_after(strength=Integer(0))[1].subs(V, 0)),
        ),
    ), means=Means.CALCULUS, depends=("R10", "R10-loop"))  # fmt: skip

_FULL = (v0 / v) ** 2
DENOISED = Claim(
    "R10-denoised", "a terminal step without noise", is_the_denoised_law,
    holds=(_FACTOR**2, _FULL), twins={
        "factor of the deviation, not of the variance": (_FACTOR, v0 / v),
        "noise kept": (_FACTOR**2 + h / V, _FULL + h / V), "v_0 / v_1 always": (_FULL, _FULL),
    }, names={**NAMES, "v": "v_1", "h": "h_s", "V": "V_1"}, sheet=("R10",),
    assumptions=(*DATA, "the denoising step is the sampler's own"), depends=("R10",))  # fmt: skip

_LEVEL = vN - s2 / N * i
_CARRIED, _WEIGHTED = (v / vN) ** rho, Integral(strength(u) ** 2 * u ** (-2 * rho), (u, v, vN))
_MEAN, _NOISE = _CARRIED * e_N, rho * v ** (2 * rho) * _WEIGHTED
_START = _CARRIED**2 * V_N
_LIMIT = (_START + _NOISE, _MEAN)


def _pinned(candidate: tuple[Expr, Expr]) -> tuple[Expr, Expr]:
    """Mean and variance for kappa = exp(-c (v_N - v) / sigma^2 T)."""
    c, T, M, total = *symbols("c T M"), vN - v
    noise = (f.replace(strength, lambda w: exp(-c * (vN - w) / total)) for f in candidate)
    at = {v: v0, vN: v0 + sigma**2 * T, V_N: symbols("V"), e_N: M - a}
    variance, mean = (f.xreplace(at) for f in noise)
    return a + mean, variance


NO_DRIFT = Assumption(
    "m is zero", "the rate of the mean, to which the drift of steps of another length adds",
    lambda: not vanishes(_rates(symbols("slope"))[0][1] - _rates()[0][1]))  # fmt: skip
LIMIT = Claim(
    "R10-limit", "annealed noise and inner loop: the limit of many levels", is_the_limit,
    holds=_LIMIT, twins={
        "power rho": (_CARRIED * V_N + _NOISE, _MEAN),
        "rho left out before the integral": (_START + _NOISE / rho, _MEAN),
        "integral not weighted at v_0": (_START + _NOISE / _CARRIED**2, _MEAN),
        "mean like the variance": (_LIMIT[0], _CARRIED**2 * e_N),
    }, names={**NAMES, "v": "v_0"}, means=Means.CALCULUS, sheet=("R10",), assumptions=(
        *DATA, DRAWS, NO_DRIFT, "v_0 is positive",
        "kappa is continuous in v, and Euler's rule for a linear equation with continuous "
        "coefficients converges, whatever of higher order a step adds (its classical theorem, "
        "cited)",
    ), depends=("R10",), pins=(
        Pin(
            "gbm_ref.annealed_limit_law", table(
                "a v0 sigma T rho c M V", (0.3, 0.05, 0.8, 1.0, 0.6, 5.0, 0.7, 0.6),
                (-1.1, 0.4, 1.3, 1.5, 3.0, 0.0, 2.0, 3.1),
            ), reads=_pinned,
        ),
    ))  # fmt: skip

_EXPONENT = N * log_chi * (vN - v) / s2
GEOMETRIC = Claim(
    "R10-geometric", "geometric annealing as a function of the log-variance", is_the_exponent,
    holds=_EXPONENT, twins={"c without N": _EXPONENT / N, "growing noise": -_EXPONENT},
    values=lambda: {"level": _LEVEL}, names={"log_chi": r"\log\chi"}, sheet=("R10",),
    assumptions=("the levels are equal, up to the time one",), depends=("A-Alg1",))  # fmt: skip
_QUIET = (v / vN) ** 2 * V_N
NOISE_FREE = Claim(
    "R10-noise-free", "the sampler without noise", is_the_noise_free_law, holds=_QUIET,
    twins={"probability flow": vN / v * _QUIET, "cubed": v / vN * _QUIET}, names=NAMES,
    sheet=("R10",), assumptions=(
        *DATA, Assumption(
            "each step is as long as the distance of the levels", "the level that a step leads to",
            lambda: not is_the_noise_free_law(_QUIET, 2),
        ),
    ), depends=("R10",))  # fmt: skip
CLAIMS = (R10, LOOP, STABLE, DENOISED, LIMIT, GEOMETRIC, NOISE_FREE)
