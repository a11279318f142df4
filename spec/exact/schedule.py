"""Diffusion coefficients that vary with time, on log-normal data.

Symbols: sigma_i^2 delta = h_i for i = 0 .. N, v_k = v_0 + h_0 + ... + h_{k-1} the variance of
log X_{t_k} when forward step i -> i + 1 adds h_i; e, V deviation of the mean and variance of the
sampler's log X. In continuous time: v(t) the integral of sigma^2, V_t = v_0 + v(t).
"""

from collections.abc import Callable, Sequence

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, symbols

from spec.checking.algebra import vanishes
from spec.checking.numeric import agree
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact import _chain, _iterations
from spec.exact._chain import L, V, e, h, hyvarinen, in_log_variance, law_after, m, v

v0, vs, vt, rate, kappa = symbols("v0 v_s v_t g kappa", positive=True)
y, centre, H = symbols("y centre H", real=True)
increments = symbols("h0 h1 h2 h3", positive=True)
STEPS = 3


def levels(start: Expr, added: Sequence[Expr], steps: int) -> list[Expr]:
    """v_0 .. v_N."""
    found = [start]
    for increment in added[:steps]:
        found.append(found[-1] + increment)
    return found


def law(start: Expr, offset: int) -> tuple[Expr, Expr]:
    """(e_0, V_0) after three steps k -> k - 1 of eq. (13), with h_{k - offset}, from e and V."""
    variances = levels(start, increments, STEPS)
    mean, variance = (in_log_variance(f) for f in law_after(_chain.dale_langevin, Integer(1)))
    # m delta brings the mean of log X_t from t_k to t_{k-1}, for each sigma_i with its mu_i.
    mean = mean + m * _chain.r**2
    value = (e, V)
    for k in range(STEPS, 0, -1):
        here = {v: variances[k], h: increments[k - offset]}
        value = (mean.subs(here).subs(e, value[0]), variance.subs(here).subs(V, value[1]))
    return value


def is_the_law(closed: Callable) -> bool:
    """Whether (e_0 / e_N, V_0) = closed(levels v_0 .. v_N, h_0 .. h_{N-1}, V_N).

    Three steps with every h_i a symbol; 60 steps of a geometric schedule at 50 digits.
    """
    claimed = closed(levels(v0, increments, STEPS), increments[:STEPS], V)
    exact = law(v0, 1)
    symbolic = vanishes((exact[0] / e - claimed[0], exact[1] - claimed[1]))
    with mpmath.workdps(50):
        added = [mpf("0.01") * mpf("1.06") ** i for i in range(60)]
        variances = levels(mpf("0.07"), added, 60)
        pairs = [(1 - added[k - 1] / variances[k], added[k - 1]) for k in range(60, 0, -1)]
        chain = _iterations.run(pairs, mpf(1), mpf("2.3"))
        numbers = closed(variances, added, mpf("2.3"))
        return symbolic and all([agree(c, f, 40) for c, f in zip(chain, numbers, strict=True)])


def keeps_the_mean(offset: int) -> bool:
    """Whether a reverse step k -> k - 1 with sigma_{k - offset} gives e_0 = v_0 / v_N e_N."""
    variances = levels(v0, increments, STEPS)
    return vanishes(law(v0, offset)[0] - variances[0] / variances[STEPS] * e)


def _conditional(
    cov: Matrix, kept: tuple[int, ...], given: tuple[int, ...]
) -> tuple[Matrix, Matrix]:
    """Coefficients and covariance of the components `kept` given others, for a Gaussian law."""
    cross = cov.extract(list(kept), list(given))
    inner = cov.extract(list(given), list(given)).inv()
    return cross * inner, cov.extract(list(kept), list(kept)) - cross * inner * cross.T


def holds_in_the_clock(candidate: tuple[Expr, ...]) -> bool:
    """Whether the five formulas hold with v(t) any increasing function, g = sigma^2(t) = v'(t).

    The deviations of log X_0, log X_s, log X_t from their means have the covariances v0, v0 + v_s
    of earlier times, whatever the schedule; conditioning gives
        candidate[0]    E[log X_0 | X_t] - a, in terms of y - c and H = H(y)
        candidate[1:3]  factor and variance of log X_s given X_t
        candidate[3:5]  weight of log X_t and variance of log X_s given X_0 and X_t
    and the variance equation gives
        candidate[5]    weight w of sigma^2 (1 + H) that keeps v0 + v(t) with noise kappa
    """
    cov = Matrix([[v0, v0, v0], [v0, v0 + vs, v0 + vs], [v0, v0 + vs, v0 + vt]])
    given_end = _conditional(cov, (0, 1), (2,))
    bridge = _conditional(cov, (1,), (0, 2))
    deviation = y - centre
    score = hyvarinen(L, centre, v0 + vt).subs(L, y)
    # dY = w g (1 + H) dr + kappa sqrt(g) dW: d Var / dr = 2 w g (-1 / Var) Var + kappa^2 g = -g.
    weight = candidate[5]
    balance = -2 * weight * rate + kappa**2 * rate + rate
    return vanishes(
        (
            given_end[0][0] * deviation - candidate[0].subs(H, score),
            given_end[0][1] - candidate[1],
            given_end[1][1, 1] - candidate[2],
            bridge[0][0, 1] - candidate[3],
            bridge[1][0, 0] - candidate[4],
            balance,
        )
    )


def _law(variances: Sequence[Expr], added: Sequence[Expr], start: Expr) -> tuple[Expr, Expr]:
    first, last = variances[0], variances[-1]
    noises = [a / b**2 for a, b in zip(added, variances[:-1], strict=True)]
    return first / last, first**2 * (start / last**2 + sum(noises))


def _shifted(variances: Sequence[Expr], added: Sequence[Expr], start: Expr) -> tuple[Expr, Expr]:
    first, last = variances[0], variances[-1]
    noises = [a / b**2 for a, b in zip(added, variances[1:], strict=True)]
    return first / last, first**2 * (start / last**2 + sum(noises))


R21 = Claim(
    id="R21",
    title="Dale-Langevin with a schedule on log-normal data",
    statement=r"With $v_k=v_0+\delta\sum_{i<k}\sigma_i^2$ and $\sigma_{k-1}$ in the step $k\to "
    r"k-1$: $e_0=\tfrac{v_0}{v_N}e_N$ and $V_0=v_0^2\Big[\tfrac{V_N}{v_N^2}+\sum_{k=1}^N"
    r"\tfrac{\delta\sigma_{k-1}^2}{v_{k-1}^2}\Big]$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R21",),
    assumptions=("log-normal data", "exact score of the same chain", "three steps with symbols"),
    depends=("R8", "A34"),
    derivation=r"The step multiplies the deviation by $1-h_{k-1}/v_k=v_{k-1}/v_k$ and adds "
    r"$h_{k-1}=\delta\sigma_{k-1}^2$; the product telescopes, and $V_k/v_k^2$ grows by "
    "$h_{k-1}/v_{k-1}^2$ a step. Decided for three steps with arbitrary $h_0,h_1,h_2$, and for 60 "
    "steps of a geometric schedule in numbers.",
    proof=Proof(
        is_the_law,
        holds=_law,
        twins={
            "variance at k": _shifted,
            "start shrinks by the ratio only": lambda variances, added, start: (
                _law(variances, added, start)[0],
                _law(variances, added, start)[1]
                + start * variances[0] / variances[-1] * (1 - variances[0] / variances[-1]),
            ),
            "mean shrinks by the squared ratio": lambda variances, added, start: (
                (variances[0] / variances[-1]) ** 2,
                _law(variances, added, start)[1],
            ),
        },
    ),
)

INDEX = Claim(
    id="R21-index",
    title="which sigma belongs to a reverse step",
    statement=r"The step $k\to k-1$ must use $\sigma_{k-1}$, the coefficient of the forward step "
    r"$k-1\to k$: with $\sigma_k$ the mean is biased for a schedule that varies.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R21",),
    assumptions=("as for R21",),
    depends=("R21",),
    derivation=r"$1-h_i/v_k=v_{k-1}/v_k$ holds for $h_i=v_k-v_{k-1}=h_{k-1}$ only.",
    proof=Proof(keeps_the_mean, holds=1, twins={"sigma_k": 0}),
)

_DEVIATION = y - centre
_HOLDS = (
    _DEVIATION + vt * (1 + H),
    (v0 + vs) / (v0 + vt),
    (vt - vs) * (v0 + vs) / (v0 + vt),
    vs / vt,
    vs * (vt - vs) / vt,
    (1 + kappa**2) / 2,
)


def _with(place: int, formula: Expr) -> tuple[Expr, ...]:
    return (*_HOLDS[:place], formula, *_HOLDS[place + 1 :])


CLOCK = Claim(
    id="R21-clock",
    title="the variance as the clock of every reverse step",
    statement=r"With $v(t)=\int_0^t\sigma^2$ in place of $\sigma^2t$ and $V_t=v_0+v(t)$, the "
    r"denoiser is $D=\log X-m(t)+v(t)(1+H)$; the exact reverse kernel of log-normal data has the "
    r"factor $V_s/V_t$ and the variance $(v_t-v_s)V_s/V_t$; the bridge has the weight $v_s/v_t$ "
    r"and the variance $v_s(v_t-v_s)/v_t$; and noise $\kappa\sigma(t)$ asks for the drift "
    r"$\tfrac{1+\kappa^2}2\sigma(t)^2(1+H)$ beside $-m'(t)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R21",),
    assumptions=("log-normal data for the denoiser, the kernel and the drift",),
    depends=("A33", "R5", "R7", "R11", "R17-bridge"),
    derivation=r"Only the covariances of $(\log X_0,\log X_s,\log X_t)$ enter, and these are "
    r"$v_0$ and $v_0+v_s$: the formulas are those of conditioning a Gaussian vector. The variance "
    r"of $dY=w\sigma^2s\,dr+\kappa\sigma\,dW$, $s=-(Y-c)/V_t$, falls at the rate $\sigma^2$ of "
    r"$V_t$ iff $2w-\kappa^2=1$; $w=\tfrac12$, $\kappa=0$ is the probability flow.",
    proof=Proof(
        holds_in_the_clock,
        holds=_HOLDS,
        twins={
            "denoiser with the whole variance": _with(0, _DEVIATION + (v0 + vt) * (1 + H)),
            "kernel with the forward noise": _with(2, vt - vs),
            "square root in the bridge": _with(3, vs**2 / vt**2),
            "full drift without noise": _with(5, Integer(1)),
        },
    ),
)

CLAIMS = (R21, INDEX, CLOCK)
