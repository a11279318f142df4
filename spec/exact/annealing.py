"""Annealed noise and repeated steps at a level, on log-normal data: the exact recursions.

Symbols: v = v_k the variance of log X_{t_k}; e, V the deviation of the sampler's mean from
a + m t_k and its variance; delta_s = r^2 the step, h = h_s = sigma^2 delta_s; delta the distance
of levels; kappa the factor on the noise; alpha = 1 - h_s / v_k; L steps at the level.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, symbols

from spec.checking.algebra import vanishes
from spec.checking.numeric import agree
from spec.checking.old import Claim, Kind, Means, Proof
from spec.exact import _chain, _closed_pins, _iterations
from spec.exact._chain import V, e, h, in_log_variance, kappa, law_after, m, r, v
from spec.exact._pins import DALE_LANGEVIN_LINE

alpha, power = symbols("alpha alpha_L", positive=True)
noise, shift, delta = symbols("n s delta", positive=True)
Loop = Callable[[Expr, Expr, Expr, Expr, Expr, Expr], tuple[Expr, Expr]]


def is_the_inner_step(candidate: tuple[Expr, Expr, Expr]) -> bool:
    """Whether (e, V) go to candidate[:2] within a level, and e then to candidate[2] at the next.

    The moments of a step of length r^2, whose score is that of level k; between levels the state
    rests and the mean of log X_t it is compared with falls by m delta.
    """
    mean, variance = (in_log_variance(f) for f in law_after(_chain.dale_langevin, kappa))
    stepped = (mean, variance, mean + m * delta)
    return vanishes(tuple(s - c for s, c in zip(stepped, candidate, strict=True)))


def is_the_loop(closed: Loop) -> bool:
    """Whether L inner steps e <- alpha e - s, V <- alpha^2 V + n give closed.

    closed(e, V, s, n, alpha, alpha^L), with s = m delta_s and n = kappa^2 h_s. Induction over L:
    alpha^0 = 1 is the start, and one more step turns alpha^L into alpha^(L+1). Then L = 7.
    """
    start, before, after = (
        closed(e, V, shift, noise, alpha, x) for x in (Integer(1), power, alpha * power)
    )
    stepped = (alpha * before[0] - shift, alpha**2 * before[1] + noise)
    induction = vanishes((start[0] - e, start[1] - V)) and vanishes(
        (after[0] - stepped[0], after[1] - stepped[1])
    )
    return induction and _matches_seven_steps(closed)


def _matches_seven_steps(closed: Loop) -> bool:
    with mpmath.workdps(50):
        g, added, moved = mpf("0.83"), mpf("0.21"), mpf("-0.13")
        mean, variance = mpf("0.4"), mpf("1.7")
        formula = closed(mean, variance, moved, added, g, g**7)
        for _ in range(7):
            mean, variance = g * mean - moved, g**2 * variance + added
        return all([agree(c, f, 40) for c, f in zip((mean, variance), formula, strict=True)])


def is_the_threshold(candidate: tuple[Expr, Expr]) -> bool:
    """Whether steps at a level converge for h_s < c v_k and not beyond, (c, limit) = candidate.

    They do where alpha^2 < 1: 1 - alpha^2 is zero at h_s = c v, and chains of 400 steps a percent
    below and above go different ways. The limit is the variance that a step leaves alone.
    """
    ratio, limit = candidate
    stepped = in_log_variance(law_after(_chain.dale_langevin, kappa)[1]).subs(V, limit)
    at_threshold = (1 - (1 - h / v) ** 2).subs(h, ratio * v)
    return vanishes(at_threshold) and vanishes(stepped - limit) and _separates(mpf(int(ratio)))


def _separates(ratio: mpf) -> bool:
    with mpmath.workdps(50):
        ends = []
        for size in (ratio * mpf("0.99"), ratio * mpf("1.01")):
            still = size / (1 - (1 - size) ** 2)
            end = _iterations.run([(1 - size, size)] * 400, mpf(0), still + 1)[1]
            ends.append(abs(end - still))
        return bool(ends[0] < mpf("0.01") and ends[1] > 100)


def is_the_denoised_law(candidate: tuple[Expr, Expr]) -> bool:
    """Whether a noise-free step at k = 1 multiplies V by these: for any h_s, and for v_1 - v_0.

    From the moments of the sampler's step with kappa = 0 at v = v_1; n steps multiply by the n-th
    power, because nothing is added.
    """
    variance = in_log_variance(law_after(_chain.dale_langevin, Integer(0))[1])
    full = variance.subs(h, v - _V0)
    return vanishes((variance / V - candidate[0], full / V - candidate[1]))


def _loop(e: Expr, V: Expr, s: Expr, n: Expr, g: Expr, p: Expr) -> tuple[Expr, Expr]:
    return p * e - s * (1 - p) / (1 - g), p**2 * V + n * (1 - p**2) / (1 - g**2)


_FACTOR = 1 - h / v
_V0 = symbols("v0", positive=True)
R10 = Claim(
    id="R10",
    title="annealed noise and inner loop: one step",
    statement=r"With step $\delta_s$, noise factor $\kappa_k$ and $h_s=\sigma^2\delta_s$, an "
    r"inner step at level $k$ takes $e\leftarrow(1-\tfrac{h_s}{v_k})e-m\delta_s$, "
    r"$V\leftarrow(1-\tfrac{h_s}{v_k})^2V+\kappa_k^2h_s$; going from $t_k$ to $t_{k-1}$ then adds "
    r"$m\delta$ to $e$. For $m\ne0$ the two shifts cancel when $L=1$, $\delta_s=\delta$, and to "
    r"first order in $\delta$ iff $L\delta_s=\delta$; otherwise the mean is biased.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R10",),
    assumptions=("log-normal data", "exact score", "Gaussian start", "state updated in place"),
    depends=("A13", "A-Alg1", "R8"),
    derivation=r"The step of eq. (13) with $\delta_s$ for $\delta$ and $\kappa Z$ for $Z$ has the "
    r"log drift $-m\delta_s+h_s\,s(X,t_k)$, $s=-(\log X-a-mt_k)/v_k$. Its moments give the two "
    r"maps. $e$ is measured from $a+mt_k$, which falls by $m\delta$ between levels, while the "
    r"sampler has moved by $mL\delta_s$.",
    proof=Proof(
        is_the_inner_step,
        holds=(
            _FACTOR * e - m * r**2,
            _FACTOR**2 * V + kappa**2 * h,
            _FACTOR * e - m * r**2 + m * delta,
        ),
        twins={
            "noise kappa, not squared": (
                _FACTOR * e - m * r**2,
                _FACTOR**2 * V + kappa * h,
                _FACTOR * e - m * r**2 + m * delta,
            ),
            "drift annealed too": (
                (1 - kappa * h / v) * e - m * r**2,
                (1 - kappa * h / v) ** 2 * V + kappa**2 * h,
                (1 - kappa * h / v) * e - m * r**2 + m * delta,
            ),
            "no drift of the mean": (
                _FACTOR * e,
                _FACTOR**2 * V + kappa**2 * h,
                _FACTOR * e,
            ),
        },
    ),
    pins=(DALE_LANGEVIN_LINE,),
)

LOOP = Claim(
    id="R10-loop",
    title="annealed noise and inner loop: L steps at a level",
    statement=r"$L$ inner steps: $V\leftarrow\alpha^{2L}V+\kappa^2h_s\tfrac{1-\alpha^{2L}}"
    r"{1-\alpha^2}$ and $e\leftarrow\alpha^Le-m\delta_s\tfrac{1-\alpha^L}{1-\alpha}$, "
    r"$\alpha=1-h_s/v_k$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R10",),
    assumptions=("as for R10", "alpha^2 is not 1"),
    depends=("R10",),
    derivation=r"Two geometric sums. By induction: the formulas hold for $L=0$, and a step takes "
    r"those with $\alpha^L$ to those with $\alpha^{L+1}$.",
    proof=Proof(
        is_the_loop,
        holds=_loop,
        twins={
            "noise summed with alpha": lambda e, V, s, n, g, p: (
                _loop(e, V, s, n, g, p)[0],
                p**2 * V + n * (1 - p**2) / (1 - g),
            ),
            "one noise term too few": lambda e, V, s, n, g, p: (
                _loop(e, V, s, n, g, p)[0],
                p**2 * V + n * (g**2 - p**2) / (1 - g**2),
            ),
            "drift once, not L times": lambda e, V, s, n, g, p: (
                p * e - s,
                _loop(e, V, s, n, g, p)[1],
            ),
        },
    ),
    pins=(_closed_pins.INNER_LOOP,),
)

STABLE = Claim(
    id="R10-stable",
    title="when repeated steps at a level settle",
    statement=r"As $L\to\infty$ the law of the inner loop at level $k$ converges iff $h_s<2v_k$, "
    r"then to the variance $\tfrac{\kappa^2v_k/2}{1-h_s/2v_k}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R10",),
    assumptions=("as for R10", "kappa > 0"),
    depends=("R10-loop",),
    derivation=r"$\alpha^{2L}\to0$ iff $\alpha^2<1$, and "
    r"$1-\alpha^2=\tfrac{h_s}{v_k}(2-\tfrac{h_s}{v_k})$ is positive iff $0<h_s<2v_k$. The limit "
    r"$\kappa^2h_s/(1-\alpha^2)$, the stationary variance of E16-euler, is half of $\kappa^2v_k$ "
    "for small steps: a frozen score does not keep the marginal law.",
    proof=Proof(
        is_the_threshold,
        holds=(Integer(2), kappa**2 * v / 2 / (1 - h / (2 * v))),
        twins={
            "h_s < v_k": (Integer(1), kappa**2 * v / 2 / (1 - h / (2 * v))),
            "h_s < 4 v_k": (Integer(4), kappa**2 * v / 2 / (1 - h / (2 * v))),
            "the variance of the data law": (Integer(2), kappa**2 * v),
        },
    ),
)

_FULL = (_V0 / v) ** 2
DENOISED = Claim(
    id="R10-denoised",
    title="terminal noise-free steps",
    statement="$n$ steps without noise at $k=1$ multiply the variance by $(1-h_s/v_1)^{2n}$, "
    r"which is $(v_0/v_1)^{2n}$ for $\delta_s=\delta$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R10",),
    assumptions=("as for R10", "the denoising step is the sampler's own, of length delta_s"),
    depends=("R10",),
    derivation=r"With $\kappa=0$ nothing is added, so $n$ steps multiply $V$ by $\alpha^{2n}$, "
    r"$\alpha=1-h_s/v_1$; with $h_s=h=v_1-v_0$ this is $v_0/v_1$. For concentrated data ($v_0\ll "
    r"h$) and $\delta_s=\delta$ one step removes nearly all noise.",
    proof=Proof(
        is_the_denoised_law,
        holds=(_FACTOR**2, _FULL),
        twins={
            "factor of the deviation, not of the variance": (_FACTOR, _V0 / v),
            "noise kept": (_FACTOR**2 + h / V, _FULL + h / V),
            "v_0 / v_1 for any step": (_FULL, _FULL),
        },
    ),
)

CLAIMS = (R10, LOOP, STABLE, DENOISED)
