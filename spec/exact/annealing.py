"""Annealed noise and repeated steps at a level, on log-normal data: the exact recursions.

Symbols of `_symbols`; delta_s = r^2 the step, h = h_s = sigma^2 delta_s; kappa the factor on the
noise; l steps at a level.
"""

from collections.abc import Iterator

import mpmath
from sympy import Expr, Integer, Matrix, diff, lambdify, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Pin
from spec.checking.pins import Values, table
from spec.exact._chain import DATA, Row, law_after, on_the_line
from spec.exact._symbols import NAMES, V, a, e, h, kappa, m, n, q, r, v, v0

alpha, count, delta = symbols("alpha l delta", positive=True)
Inner = tuple[Expr, Expr, Expr]
_NAMES = {**NAMES, "h": "h_s", "r": r"\sqrt{\delta_s}"}


def is_the_inner_step(candidate: Inner) -> bool:
    r"""With the exact score of log-normal data, a step of length $\delta_s$ with noise factor
    $\kappa$ takes $e_k$ to $[[0]]$ and $V_k$ to $[[1]]$; at the next level, whose mean is lower by
    $m\delta$, the error is $[[2]]$.

    The moments of the step of eq. (13) with $\delta_s$ for $\delta$ and $\kappa Z$ for $Z$. The
    two terms of the drift cancel where the step is as long as the level.
    """
    mean, variance = law_after(strength=kappa, fall=Integer(0))
    return same(Matrix([mean, variance, mean + m * delta]), Matrix(candidate))


def is_the_loop(candidate: dict[str, Expr]) -> bool:
    r"""$L$ steps at a level, of length $\delta_s$ and with $\alpha=[[alpha]]$, take $e_k$ to
    $[[mean]]$ and $V_k$ to $[[variance]]$. Over the level a mean without error moves by
    $[[shift]]$, to first order in $\delta$ and $\delta_s$.

    By induction over the number of steps: the formulas hold for none, and a step of R10 takes
    those with $\alpha^L$ to those of one step more. For the first order both lengths are
    multiplied by a small number, and a step leads from $L$ to one more in the same way.
    """
    mean, variance, shift = (candidate[name] for name in ("mean", "variance", "shift"))
    step = law_after(strength=kappa, fall=Integer(0))
    small, power = symbols("small power", positive=True)
    gaps = [mean.subs(count, 0) - e, variance.subs(count, 0) - V, shift.subs(count, 0) - m * delta]
    for f, after in zip((mean, variance), step, strict=True):
        longer = f.subs(count, count + 1) - after.subs({e: mean, V: variance})
        gaps.append(longer.expand().subs(alpha**count, power).subs(alpha, candidate["alpha"]))
    one = step[0].subs({e: small * shift, h: small * h, m: small * m}, simultaneous=True)
    return vanishes((*gaps, shift.subs(count, count + 1) - diff(one, small).subs(small, 0)))


def is_the_threshold(candidate: tuple[Expr, Expr]) -> bool:
    r"""As $L$ grows, the law of the inner loop at level $k$ converges for steps with $h_s<[[0]]$
    and for no longer ones, then to the variance $[[1]]$.

    A step multiplies the difference of the mean from its fixed point by the factor on the
    deviation, and that of the variance from this one by its square, which falls short of one by
    $[[gap]]$: positive below the threshold, zero at it, where each step adds its noise, and
    negative beyond, where the fixed point is negative too, so that no start lies at it.
    """
    limit, (mean, after) = candidate[1], law_after(strength=kappa)
    squared = diff(after, V)
    falls = after - limit - squared * (V - limit)
    return vanishes((1 - squared - _gap(candidate), squared - diff(mean, e) ** 2, falls))


def is_the_denoised_law(candidate: tuple[Expr, Expr]) -> bool:
    r"""A step without noise at $k$ one multiplies the variance by $[[0]]$, and by $[[1]]$ where
    the step is as long as the level.

    Nothing is added without noise.
    """
    variance = law_after(strength=Integer(0))[1] / V
    return same(Matrix([variance, variance.subs(h, v - v0)]), Matrix(candidate))


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
    for i in range(int(at["N"])):
        now = at["T"] * (1 - i / at["N"])
        noise = rate * length, at["chi"] ** i, drift, mpmath.sqrt(length)
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
    ),
)  # fmt: skip


def _at_level(formula: Expr) -> Expr:
    """As the vectors name it: v_s and dv for the level, n steps."""
    v_s, dv, dm = symbols("v_s dv dm")
    return formula.subs({count: n, h: dv, m: dm / r**2}).subs(alpha, (v0 + v_s) / (v0 + v_s + dv))


def _loop_mean(candidate: dict[str, Expr]) -> Expr:
    b, dm = symbols("b dm")
    return a + dm + _at_level(candidate["mean"]).subs(e, b - a - dm)


_KEPT, _SHARE = alpha**count, 1 - alpha ** (2 * count)
_ADDED = kappa**2 * h * _SHARE / (1 - alpha**2)
_LOOP = {
    "mean": _KEPT * e - m * r**2 * (1 - _KEPT) / (1 - alpha), "variance": _KEPT**2 * V + _ADDED,
    "shift": m * (delta - count * r**2), "alpha": _FACTOR,
}  # fmt: skip
_IN_LOGS = {
    "mean": _loop_mean, "var": lambda candidate: _at_level(candidate["variance"]).subs(V, q),
}  # fmt: skip
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
        ), "alpha^2 is not one",
    ), depends=("R10",), pins=tuple(
        Pin("gbm_ref.inner_loop_law", vectors=f"inner_loop_law_log_{part}", reads=f, variant=part)
        for part, f in _IN_LOGS.items()
    ),
)  # fmt: skip

_STILL = kappa**2 * v / 2 / (1 - h / (2 * v))
STABLE = Claim(
    "R10-stable", "when repeated steps at a level settle", is_the_threshold, holds=(2 * v, _STILL),
    twins={
        "h_s < v_k": (v, _STILL), "h_s < 4 v_k": (4 * v, _STILL),
        "the variance of the data law": (2 * v, kappa**2 * v),
    }, shown=lambda pair: {"0": pair[0], "1": pair[1].factor(), "gap": _gap(pair)}, names=_NAMES,
    sheet=("R10",), assumptions=(
        *DATA, Assumption(
            "kappa is positive",
            "beyond the threshold, where without noise a law without variance stays",
            lambda: vanishes(law_after(strength=Integer(0))[1].subs(V, 0)),
        ),
    ), depends=("R10-loop",),
)  # fmt: skip

_FULL = (v0 / v) ** 2
DENOISED = Claim(
    "R10-denoised", "terminal noise-free steps", is_the_denoised_law, holds=(_FACTOR**2, _FULL),
    twins={
        "factor of the deviation, not of the variance": (_FACTOR, v0 / v),
        "noise kept": (_FACTOR**2 + h / V, _FULL + h / V),
        "v_0 / v_1 for any step": (_FULL, _FULL),
    }, names={**NAMES, "v": "v_1", "h": "h_s", "V": "V_1"}, sheet=("R10",),
    assumptions=(*DATA, "the denoising step is the sampler's own"), depends=("R10",),
)  # fmt: skip

CLAIMS = (R10, LOOP, STABLE, DENOISED)
