"""Algorithm 1 of version 1: its drift, its start, its levels, and what it is when corrected.

e is the distance of E log X from its place, D any drift, H = s2 dt."""

from collections.abc import Callable
from functools import cache
from operator import index

import mpmath
from mpmath import mpf, nint
from sympy import (
    Expr, Function, Integer, Rational, Symbol, diff, exp, expand_func, expand_log, log,
    logcombine, oo, polygamma, symbols)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, Means, Pin, v1
from spec.checking.pins import table
from spec.checking.symbols import H, a, dt, h, kappa, mu, s2, sigma, t, v, v0, z
from spec.checking.trace import each
from spec.process.chain import V1_22
from spec.steps._pinned import ROW_POINTS, STEP_POINTS, in_plane
from spec.steps._programs import START, by_rows, draw, unknown_score
from spec.steps._recursions import DATA, LEVELS, NOISE_RATE, SETTING, uniform_rows, variance_after
from spec.steps._reverse import ON_LOG_NORMAL, affine_score, log_step, root

D, e = symbols("D e", real=True)
N, k = symbols("N k", positive=True)
RATE = mu - s2 / 2
# What a step of eq. 22 adds to mean and variance, and the variance of one of N steps.
_STEP_22 = (part.subs(sigma**2, s2) for part in V1_22.holds(dt))
_MORE, _PER_STEP = dict(zip(("drift", "added"), _STEP_22, strict=True)), {"length": s2 / N}
_END, _EXP_Z = Integer(1), (Integer(0), Integer(1))  # the last time; the law of log exp(Z)
Ends = tuple[Expr, Expr]  # the first and the last level of a loop


def _deviation_after(drift: Expr, before: Expr = e) -> Expr:
    """Of E log X from its place, after a step with this drift from the variance v."""
    return before + drift + dt * s2 * affine_score(before, v) + dt * RATE


def keeps_the_mean(drift: Expr) -> bool:
    r"""On log-normal data the exponent of a step needs the drift $[[drift]]$: a step with a drift
    $D$ takes the distance $e$ of the mean of $\log X$ from that of $\log X_t$, of variance $v$, to
    $[[after]]$.

    The Hyvärinen score is affine in $\log X$, so that its mean is its value at the mean. From an
    exact start the distance is zero, and stays so with the stated drift alone."""
    return same(_deviation_after(D), _after(drift))


def _after(drift: Expr) -> Expr:
    return (v - s2 * dt) / v * e + D - drift


def is_the_bias(bias: Callable[[Expr], Expr]) -> bool:
    r"""With the drift of line 4 and an exact start the mean of $\log X_0$ is off by $[[bias]]$
    after $N$ equal steps, with $\psi$ the digamma function and $h=[[length]]$; it tends to
    $[[limit]]$ for $N$ to infinity.

    By induction over $N$. Each step takes $h$ off the mean and multiplies the distance by the
    ratio of the variances of $\log X_t$ after and before it (E2), so that these factors telescope:
    one level more at the start, from which $N$ are left, adds $[[more]]$. The limit is SymPy's,
    with logarithms for $\psi$: the difference vanishes, since both arguments grow with $N$."""
    whole = N * _PER_STEP["length"]
    per_step = _deviation_after(_PRINTED_DRIFT, Integer(0)).subs(dt, H / s2)
    ratio = _deviation_after(_PRINTED_DRIFT).subs(dt, H / s2) - per_step
    more, none = (
        expand_func(part).replace(polygamma, lambda n, x: Symbol(f"psi_{n}_{x}"))
        for part in (_one_more(bias), bias(Integer(0)))
    )
    limit = _limit_of(bias)  # the sum of what is taken off tends to an integral
    slope = per_step / H * v0 / (v0 + s2) - diff(limit, s2)
    gaps = ratio - (v - H) / v * e, none, more - per_step * v0 / (v0 + N * H), slope
    return vanishes((*gaps, limit.subs(s2, 0))) and same(whole, _LAW[1].subs(t, _END) - v0)


def _one_more(bias: Callable[[Expr], Expr]) -> Expr:
    return bias(N + 1) - bias(N)


def is_the_uniform_sampler(run: tuple[Ends, Expr]) -> bool:
    r"""Algorithm 1 with the exponent $[[1]]$ and the levels $k$ from $[[0.0]]$ to $[[0.1]]$ is the
    Euler–Maruyama discretisation of eq. (11) from the end of the time to its beginning in $N$
    equal steps, for $N$ from one to three.

    The loop is run on symbols with any score, the steps come from eq. (7) by Itô's formula."""
    for count in each("N", (1, 2, 3)):
        score, state = unknown_score(), START
        for level in _levels(run[0], count):
            at = {h: score(state, level), z: draw(level, 1), dt: root**2}
            state = state + run[1].xreplace(at)
        if not same(state, by_rows([(level, 1, 1) for level in range(count, 0, -1)], score)):
            return False
    return True


def _levels(ends: Ends, count: int) -> range:
    first, last = (index(end.subs(N, count).expand()) for end in ends)  # no fraction is cut off
    return range(first, last - 1, -1)


def is_the_law(candidate: tuple[Expr, Expr]) -> bool:
    r"""The run has to start from the law of $X_t$ at the end of the time, which on log-normal data
    is that of a normal $\log X_t$ of mean $[[mean]]$ and variance $[[variance]]$.

    By induction over the steps of eq. (22): at the beginning they are those of $\log X_0$, and a
    step adds $[[drift]]$ to the mean and $[[added]]$ to the variance. The law stays normal, as
    that of a sum of independent normal variables. The length of the time is one."""
    at_start, moved = (_at(candidate, time) for time in (0, t + dt))
    grown = [c + more for c, more in zip(candidate, _MORE.values(), strict=True)]
    return vanishes((at_start[0] - a, at_start[1] - v0)) and all(map(same, moved, grown))


def _at(law: tuple[Expr, Expr], time: Expr | int) -> tuple[Expr, ...]:
    return tuple(part.subs(t, time) for part in law)


def cover_the_interval(levels: tuple[Ends, Ends]) -> bool:
    r"""With $N$ steps the forward loop runs over $k$ from $[[first]]$ to $[[last]]$ and ends at
    $t=[[end]]$; the reverse loop over $k$ from $[[top]]$ to $[[bottom]]$, and ends at $X_0$
    without a score at $t=[[zero]]$.

    Each pass reads the state that the one before wrote, so that the ends of the loops decide."""
    at, to_k = _ends(levels), _ends((levels[0], (N, k)))
    met = at["first"], at["end"] - _END, at["top"] - at["last"] - 1, at["zero"]
    gaps = *met, to_k["bottom"] - k, to_k["zero"] - k + 1
    return vanishes(gaps) and not vanishes(s2 * at["bottom"] / N)


def _ends(levels: tuple[Ends, Ends]) -> dict[str, Expr]:
    (first, last), (top, bottom) = levels
    places = first, last, (last + 1) / N, top, bottom, bottom - 1
    return dict(zip("first last end top bottom zero".split(), places, strict=True))


_DRIFT, _PRINTED_DRIFT = (-dt * (mu - shift * s2) for shift in (Rational(3, 2), Rational(1, 2)))


def _drift_figures() -> tuple[Figure, ...]:
    length = _PER_STEP["length"].subs({s2: NOISE_RATE, N: LEVELS})
    bias = mpf(_bias(Integer(LEVELS)).subs({v0: DATA, H: length}).evalf(30))
    factor = Figure("factor on the geometric mean of a pixel", mpmath.exp(bias))
    return Figure(f"bias of the mean of log X_0 ({SETTING})", bias), factor


_AT_PLACE = Assumption(
    "the start has the exact mean", "the distance there, which is zero",
    lambda: not vanishes(_deviation_after(_DRIFT)))  # fmt: skip
E2 = Claim(
    "E2", "drift of Algorithm 1", keeps_the_mean, holds=_DRIFT,
    twins={"2 sigma^2, as in the ambient step": -dt * (mu - 2 * s2), "sigma^2": -dt * (mu - s2)},
    printed={"sigma^2 / 2 in line 4": _PRINTED_DRIFT},
    shown=lambda drift: {"drift": drift, "after": _after(drift)}, sources=v1("Algorithm 1"),
    assumptions=(*ON_LOG_NORMAL, _AT_PLACE), depends=("A13", "R2"), erratum=Erratum(
        Fault.WRONG, quote=r"Algorithm 1, line 4: $\bm X_{k-1}=\bm "
        r"X_k\circ\exp(-\delta(\bm\mu-\frac{\sigma^2}2\bm1)+\delta\sigma^2\bm X_k\circ "
        r"s_\theta(\bm X_k,k)+\sigma\sqrt\delta\bm Z_k)$",
        trouble="Eq. (13) and Algorithm 2 have the other drift. With this one each step loses the "
        "Jacobian term of the log score (E2-bias).", figures=_drift_figures))  # fmt: skip


def _bias(count: Expr, shift: int = 0, scale: Expr = v0) -> Expr:
    return -scale * (polygamma(0, v0 / H + count + shift) - polygamma(0, v0 / H + shift))


_STEP = -(mu - sigma**2 / 2) * dt, sigma**2 * dt, kappa * sigma * dt ** Rational(1, 2)
_PRINTED_STEP = log_step(h, z, root, kappa) - sigma**2 * root**2
_MEANT = "it is the step with the printed drift, whose bias this is"
E2_BIAS = Claim(
    "E2-bias", "bias of Algorithm 1's drift, in closed form", is_the_bias, holds=_bias, twins={
        "digamma shifted by one": lambda count: _bias(count, 1),
        "limit without v0": lambda count: _bias(count, scale=Integer(1)),
        "one step less": lambda count: _bias(count - 1),
    }, shown=lambda bias: {
        "bias": bias(N).replace(polygamma, lambda n, x: Function("psi")(x)),
        "limit": _limit_of(bias), "more": expand_func(_one_more(bias)).factor(),
    }, values=lambda: _PER_STEP, names={"H": "h"}, means=Means.CALCULUS,
    sources=v1("Algorithm 1"), sheet=("E2",),
    assumptions=(*ON_LOG_NORMAL, _AT_PLACE, "v_0 is positive"), depends=("E2",), pins=(
        Pin(
            "gbm_ref.PrintedAlgorithm1.__call__", STEP_POINTS, because=_MEANT,
            formula=in_plane(exp(_PRINTED_STEP)),
            twins={"eq. (13), as it is meant": in_plane(exp(log_step(h, z, root, kappa)))},
        ), Pin(
            "gbm_ref.PrintedAlgorithm1.coefficients", ROW_POINTS, because=_MEANT,
            formula=(_STEP[0] - _STEP[1], *_STEP[1:]), twins={"eq. (13), as it is meant": _STEP},
        )))  # fmt: skip


@cache
def _limit_of(bias: Callable[[Expr], Expr]) -> Expr:
    in_logs = bias(N).replace(polygamma, lambda n, x: log(x))
    found = in_logs.subs(H, _PER_STEP["length"]).limit(N, oo)
    scale, logs = expand_log(found.factor(), force=True).factor().as_independent(log, as_Add=False)
    one = scale * logcombine(logs, force=True).replace(log, lambda inside: log(inside.cancel()))
    assert same(*(exp((e / scale).expand()) for e in (found, one)))
    return one


_EXPONENT = (sigma**2 * h + 3 * sigma**2 / 2 - mu) * dt + sigma * dt ** Rational(1, 2) * z
V1_ALG1 = Claim(
    "V1-Alg1", "Algorithm 1 of version 1, corrected", is_the_uniform_sampler,
    holds=((N, Integer(1)), _EXPONENT), twins={
        "drift as printed": ((N, Integer(1)), _EXPONENT - dt * sigma**2),
        "levels as printed": ((N - 1, Integer(0)), _EXPONENT),
        "from N - 1 to 1": ((N - 1, Integer(1)), _EXPONENT),
        "down to k = 0": ((N, Integer(0)), _EXPONENT),
    }, names={"z": "Z_k", "h": r"X_k\circ\nabla\log p_{X_k}"}, means=Means.POINTS,
    sources=v1("Algorithm 1"), sheet=("E2", "E4"), depends=("A13", "E2", "E4"))  # fmt: skip

_LAW = a + RATE * t, v0 + s2 * t
START_LAW = Claim(
    "V1-Alg1-start", "start of Algorithm 1", is_the_law, holds=_LAW, twins={
        "variance of the noise alone": (_LAW[0], s2 * t), "mu for the mean": (a + mu * t, _LAW[1]),
    }, printed={"exp(Z)": _EXP_Z},
    shown=lambda law: dict(zip(("mean", "variance"), _at(law, _END), strict=True)),
    values=lambda: _MORE, sources=v1("Algorithm 1"), sheet=("R9", "R23"),
    assumptions=("log-normal data in one coordinate",), depends=("A6", "V1-22", "E4"),
    erratum=Erratum(
        Fault.INCONSISTENT, quote=r"Algorithm 1, line 1: $\bm Z\sim\mathcal N(\bm0,\mathbb I)$, "
        r"$\bm X_{N-1}=\exp(\bm Z)$",
        trouble="Mean [[printed:mean]] and variance [[printed:variance]] of the logarithm involve "
        r"neither the data nor $\mu$ and $\sigma$. Algorithm 2 fits $\hat\mu$ and $\hat\sigma$.",
        advice="Draw $X_N$ from a log-normal law fitted to the forward process at its end.",
        figures=lambda: (Figure(
            f"log-variance of the output over that of the data ({SETTING})",
            variance_after(uniform_rows(LEVELS), DATA, NOISE_RATE, mpf(_EXP_Z[1])) / DATA,
        ),)))  # fmt: skip


def _uniform_rows(at: dict[str, mpf], ends: Ends) -> tuple[mpf, ...]:
    count = int(nint(at["N"]))
    step = at["T"] / count
    return tuple(part for k in _levels(ends, count) for part in (k * step, step, mpf(1)))


def _loops(shift: int = 0, bottom: int = 1) -> tuple[Ends, Ends]:
    return (Integer(0), N - 1 - shift), (N - shift, Integer(bottom))


E4 = Claim(
    "E4", "range of the loops; the uniform grid", cover_the_interval, holds=_loops(), twins={
        "reverse loop down to k = 0": _loops(bottom=0),
        "reverse loop stops at k = 2": _loops(bottom=2),
        "forward loop from k = 1": ((Integer(1), N - 1), _loops()[1]),
        "reverse loop alone a level short": (_loops()[0], _loops(1)[1]),
    }, printed={
        "eq. 22 and Algorithm 1": _loops(1, bottom=0), "eq. 22 and Algorithm 2": _loops(1),
    }, shown=_ends, sources=v1("Algorithm 1", "Algorithm 2"),
    readings=("the loops write X_{k+1} (forward) and X_{k-1} (reverse) from X_k",),
    erratum=Erratum(
        Fault.INCONSISTENT,
        quote=r"$\delta=\frac1N$; eq. 22 for $k=0,\dots,N-2$; Algorithm 1 for $k\leftarrow N-1$ "
        r"to $0$; Algorithm 2 for $k\leftarrow N-1$ to $1$",
        trouble="The forward loop ends at $t=[[printed:end]]$. Algorithm 1 goes down to "
        "$k=[[printed:bottom]]$: it reads a score at the time of the data, which may be singular, "
        "and writes a state at $k=[[printed:zero]]$. Algorithm 2 lacks level $N$ alone.",
        advice="Sum the losses over the levels of the reverse loop.",
    ), pins=(Pin(
        "gbm_ref.uniform", table("N T", (1, 0.7), (4, 1.0), (13, 3.1)),
        reads=lambda levels: lambda at: _uniform_rows(at, levels[1]),
        twins={"levels N - 1 to 0": lambda at: _uniform_rows(at, _loops(1, bottom=0)[1])},
    ),))  # fmt: skip
CLAIMS = (E2, E2_BIAS, V1_ALG1, START_LAW, E4)
