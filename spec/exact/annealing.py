"""Annealed noise and repeated steps at a level, on log-normal data: the exact recursions.

Symbols of `_symbols`; delta_s = r^2 the step, h = h_s = sigma^2 delta_s; kappa the factor on the
noise; alpha = 1 - h_s / v_k; l steps at a level.
"""

from collections.abc import Callable, Iterator

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, diff, lambdify, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Pin
from spec.exact._chain import DATA, law_after
from spec.exact._rounding import Row, Values, on_the_line
from spec.exact._symbols import NAMES, V, a, e, h, kappa, m, n, q, r, v, v0

alpha, power, count = symbols("alpha alpha_L l", positive=True)
noise, shift, delta, delta_s, s2 = symbols("n_s s delta delta_s s2", positive=True)


def is_the_inner_step(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""With the exact score of log-normal data, a step of length $\delta_s$ with noise factor
    $\kappa$ takes $e_k$ to $[[0]]$ and $V_k$ to $[[1]]$; at the next level, whose mean is lower by
    $m\delta$, the error is $[[2]]$. Where there was no error it is $[[shift]]$.

    The moments of the step of eq. (13) with $\delta_s$ for $\delta$ and $\kappa Z$ for $Z$. The
    error is measured from the mean of $\log X_{t_k}$, which falls from level to level, while the
    sampler moves by its own step: for a drift $m$ the two cancel where the step is as long as the
    level.
    """
    mean, variance = law_after(strength=kappa, fall=Integer(0))
    stepped = (mean, variance, mean + m * delta)
    return vanishes(tuple(f - g for f, g in zip(stepped, candidate, strict=True)))


def is_the_loop(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""$L$ steps at a level, of length $\delta_s$ and with $\alpha=[[alpha]]$, take $e_k$ to
    $[[mean]]$ and $V_k$ to $[[variance]]$. Over the level a mean without error moves by
    $[[shift]]$, to first order in $\delta$ and $\delta_s$.

    Two geometric sums, by induction over the number of steps: the formulas hold for none, and a
    step of R10 takes those with $\alpha^L$ to those of one step more. For the first order both
    lengths are multiplied by a small number: a step then adds what it adds where $\alpha$ is one.
    For a drift $m$ the mean keeps its place, to first order, only if the steps of a level are as
    long together as the level.
    """
    mean, variance, moved = candidate
    start, longer = ([f.subs(power, x) for f in (mean, variance)] for x in (1, alpha * power))
    small = symbols("small", positive=True)
    after = (1 - small * s2 * delta_s / v) * small * moved - m * small * delta_s
    return vanishes(
        (
            start[0] - e,
            start[1] - V,
            longer[0] - alpha * mean + shift,
            longer[1] - alpha**2 * variance - noise,
            moved.subs(count, 0) - m * delta,
            moved.subs(count, count + 1) - diff(after, small).subs(small, 0),
        )
    )


def is_the_threshold(candidate: tuple[Expr, Expr]) -> bool:
    r"""As $L$ grows, the law of the inner loop at level $k$ converges for steps with $h_s<[[0]]$
    and for no longer ones, then to the variance $[[1]]$.

    A step multiplies the difference of the mean from its fixed point by the factor on the
    deviation, and that of the variance from this one by its square, which falls short of one by
    $[[gap]]$: positive below the threshold, zero at it, where each step adds its noise, and
    negative beyond, where the fixed point is negative too, so that no start lies at it. A frozen
    score does not keep the marginal law.
    """
    longest, limit = candidate
    mean, after = law_after(strength=kappa)
    squared = diff(after, V)
    return vanishes(
        (
            1 - squared - _gap(longest),
            squared - diff(mean, e) ** 2,
            after.subs(V, limit) - limit,
            after - limit - squared * (V - limit),
        )
    )


def is_the_denoised_law(candidate: tuple[Expr, Expr]) -> bool:
    r"""A step without noise at $k$ one multiplies the variance by $[[0]]$, and by $[[1]]$ where
    the step is as long as the level; several steps multiply it by powers of these.

    Nothing is added without noise.
    """
    variance = law_after(strength=Integer(0))[1]
    full = variance.subs(h, v - v0)
    return vanishes((variance / V - candidate[0], full / V - candidate[1]))


_FACTOR = 1 - h / v


def _gap(longest: Expr) -> Expr:
    return h * (longest - h) / v**2


def _inner(factor: Expr, added: Expr, moved: int = 1) -> tuple[Expr, Expr, Expr]:
    mean = factor * e - moved * m * r**2
    return mean, factor**2 * V + added, mean + moved * m * delta


def _rows(candidate: tuple[Expr, Expr, Expr]) -> Callable[[Values], Iterator[Row]]:
    """The steps of an annealed grid with these maps, level N to 1."""
    mean, variance, _ = candidate
    parts = diff(mean, e), variance.subs(V, 0), -mean.subs(e, 0)
    maps = lambdify((v, h, kappa, m, r), parts, "mpmath")

    def rows(at: Values) -> Iterator[Row]:
        drift, length = at["mu"] - at["sigma"] ** 2 / 2, at["length"]
        for i in range(int(at["N"])):
            now = at["T"] * (int(at["N"]) - i) / int(at["N"])
            level, size = at["v0"] + at["sigma"] ** 2 * now, at["sigma"] ** 2 * length
            found = maps(level, size, at["chi"] ** i, drift, mpmath.sqrt(length))
            yield from [(at["a"] + drift * now, *found)] * int(at["L"])

    return rows


def _reads_line(candidate: tuple[Expr, Expr, Expr]) -> Callable[[Values], tuple[mpf, ...]]:
    rows = _rows(candidate)
    return lambda at: on_the_line(at, rows(at))[:2]


INNER = _inner(_FACTOR, kappa**2 * h)
_NAMED = "a v0 mu sigma T N L length chi M V".split()
_ROWS = (
    (0.3, 0.05, 0.2, 0.8, 1.0, 8, 1, 0.125, 0.9, 0.7, 0.6),
    (-1.1, 0.4, -0.3, 1.3, 1.5, 5, 3, 0.2, 0.75, 2.0, 3.1),
    (0.2, 1e-7, 0.5, 0.6, 0.7, 40, 3, 0.004, 0.97, -0.4, 0.01),
)
LINE = Pin(
    "gbm_ref.exact_law",
    tuple(dict(zip(_NAMED, row, strict=True)) for row in _ROWS),
    reads=_reads_line,
    scale=lambda at: on_the_line(at, _rows(INNER)(at))[2:],
    variant="dale-langevin-1d",
)
R10 = Claim(
    "R10",
    "annealed noise and inner loop: one step",
    is_the_inner_step,
    holds=INNER,
    twins={
        "noise kappa, not squared": _inner(_FACTOR, kappa * h),
        "drift annealed too": _inner(1 - kappa * h / v, kappa**2 * h),
        "no drift of the mean": _inner(_FACTOR, kappa**2 * h, 0),
    },
    shown=lambda c: {
        name: f.subs(r, sqrt(delta_s))
        for name, f in {**dict(zip("012", c, strict=True)), "shift": c[2].subs(e, 0)}.items()
    },
    names={**NAMES, "h": "h_s"},
    assumptions=(*DATA, "log X_k and the draw are independent"),
    depends=("A13", "A-Alg1", "R8"),
    pins=(LINE,),
)


def _loop(added: Expr, moved: Expr | None = None) -> tuple[Expr, Expr, Expr]:
    mean = power * e - (shift * (1 - power) / (1 - alpha) if moved is None else moved)
    return mean, power**2 * V + added, m * (delta - count * delta_s)


def _at_level(f: Expr) -> Expr:
    """As the vectors name it: v_s and dv for the level, n steps."""
    v_s, dv = symbols("v_s dv")
    named = {power: alpha**n, noise: kappa**2 * dv, shift: symbols("dm")}
    return f.subs(named).subs(alpha, (v0 + v_s) / (v0 + v_s + dv))


def _loop_mean(candidate: tuple[Expr, Expr, Expr]) -> Expr:
    b, dm = symbols("b dm")
    return a + dm + _at_level(candidate[0]).subs(e, b - a - dm)


def _loop_variance(candidate: tuple[Expr, Expr, Expr]) -> Expr:
    return _at_level(candidate[1]).subs(V, q)


_ADDED = noise * (1 - power**2) / (1 - alpha**2)
LOOP_HOLDS = _loop(_ADDED)
LOOP = Claim(
    "R10-loop",
    "annealed noise and inner loop: L steps at a level",
    is_the_loop,
    holds=LOOP_HOLDS,
    twins={
        "noise summed with alpha": _loop(noise * (1 - power**2) / (1 - alpha)),
        "one noise term too few": _loop(noise * (alpha**2 - power**2) / (1 - alpha**2)),
        "drift once, not L times": _loop(_ADDED, shift),
        "one step moves the mean over a level": (*LOOP_HOLDS[:2], m * (delta - delta_s)),
    },
    shown=lambda c: {
        name: f.subs({power: alpha**count, noise: kappa**2 * h, shift: m * delta_s})
        for name, f in zip(("mean", "variance", "shift"), c, strict=True)
    },
    values=lambda: {"alpha": _FACTOR},
    names={**NAMES, "h": "h_s", "l": "L"},
    sheet=("R10",),
    assumptions=(
        *DATA,
        Assumption(
            "each step starts where the one before has ended",
            "the powers of alpha; a loop that returns to its first state makes one step",
            lambda: (
                not vanishes(
                    LOOP_HOLDS[1].subs(power, alpha**2) - LOOP_HOLDS[1].subs(power, alpha)
                )
            ),
        ),
        "alpha^2 is not one",
    ),
    depends=("R10",),
    pins=tuple(
        Pin("gbm_ref.inner_loop_law", vectors=f"inner_loop_law_log_{part}", reads=f, variant=part)
        for part, f in (("mean", _loop_mean), ("var", _loop_variance))
    ),
)

_STILL = kappa**2 * v / 2 / (1 - h / (2 * v))
STABLE = Claim(
    "R10-stable",
    "when repeated steps at a level settle",
    is_the_threshold,
    holds=(2 * v, _STILL),
    twins={
        "h_s < v_k": (v, _STILL),
        "h_s < 4 v_k": (4 * v, _STILL),
        "the variance of the data law": (2 * v, kappa**2 * v),
    },
    shown=lambda pair: {"0": pair[0], "1": pair[1].factor()},
    values=lambda: {"gap": _gap(2 * v)},
    names={**NAMES, "h": "h_s"},
    sheet=("R10",),
    assumptions=(
        *DATA,
        Assumption(
            "kappa is positive",
            "beyond the threshold, where without noise a law without variance stays",
            lambda: vanishes(law_after(strength=Integer(0))[1].subs(V, 0)),
        ),
    ),
    depends=("R10-loop",),
)

_FULL = (v0 / v) ** 2
DENOISED = Claim(
    "R10-denoised",
    "terminal noise-free steps",
    is_the_denoised_law,
    holds=(_FACTOR**2, _FULL),
    twins={
        "factor of the deviation, not of the variance": (_FACTOR, v0 / v),
        "noise kept": (_FACTOR**2 + h / V, _FULL + h / V),
        "v_0 / v_1 for any step": (_FULL, _FULL),
    },
    names={**NAMES, "v": "v_1", "h": "h_s", "V": "V_1"},
    sheet=("R10",),
    assumptions=(*DATA, "the denoising step is the sampler's own"),
    depends=("R10",),
)


CLAIMS = (R10, LOOP, STABLE, DENOISED)
