"""Mirrored Langevin dynamics on a log-normal target, its steps and their law (version 2, app. D).

Symbols: L     log x
         M     mean of log X under the target;  lam  its variance (the paper's mu and sigma^2), or
               an eigenvalue of its covariance
         delta step length;  e  = L - M;  A  = 1 - delta / lam, the factor of one step
         k, i  numbers of steps;  P  = A^k;  Q  = A^(2k);  V  covariance of log X at the start
"""

from collections.abc import Callable
from typing import NamedTuple

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, Poly, Sum, Symbol, diag, diff, lambdify, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Pin, Values, v2
from spec.checking.diffusions import fokker_planck, plain_partials
from spec.checking.symbols import L, M
from spec.checking.trace import use
from spec.checking.typeset import Sde

_LAM, _DELTA, _R = symbols("lam delta r", positive=True)
_e, _P, _Q, _V, _z = symbols("e P Q V z", real=True)
_K, _I = symbols("k i", integer=True)
_LAMS, _ADDED = symbols("lam1 lam2"), 2 * _DELTA
_NORMAL = -((L - M) ** 2) / (2 * _LAM)
Law = Callable[[Expr, Expr, Expr, Expr], tuple[Expr, Expr]]
Ends = tuple[Expr, Expr]
Entry = Callable[[Ends, Ends, Expr, Integer], Expr]


class Unrolled(NamedTuple):
    """e_k = A^start(k) e_0 + noise sum_{i = 0}^{last(k)} A^weight(k, i) Z_i."""

    factor: Expr
    start: Callable[[Expr], Expr]
    weight: Callable[[Expr, Expr], Expr]
    last: Callable[[Expr], Expr]
    noise: Expr


class Limit(NamedTuple):
    """Variance of the limit law, and the step length below which there is one."""

    variance: Expr
    longest: Expr


def _correlated() -> bool:
    """In a target with correlation the score of a coordinate is not that of its own density."""
    y, covariance = Matrix(symbols("y1 y2")), Matrix([[_LAM, _Q], [_Q, _LAM]])
    return not same(diff((y.T * covariance.inv() * y)[0] / 2, y[0]), y[0] / _LAM)


INDEPENDENT = Assumption(
    "the coordinates of log X are independent under the target",
    "the score of a coordinate, from its own density alone",
    _correlated,
)
NOT_TWICE = Assumption(
    "the step is not twice the variance of the target, or an eigenvalue of its covariance",
    "the limit, which divides by their distance",
    lambda: bool(_limit(_LAM).subs(_DELTA, 2 * _LAM).is_infinite),
)


def _score() -> Expr:
    """The derivative of log p in log x, p being the density of X."""
    use(INDEPENDENT)
    return diff(-L + _NORMAL, L)


def is_the_target(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""For a log-normal $p$ with the log-mean $M$ and the log-variance $\sigma^2$ the Hyvärinen
    score is $[[score]]$, and (22) becomes [[equation]], which leaves the target invariant.

    The score is the derivative of $\log p$ in $\log x$; the drift of (22) in $\log X$ is one more.
    The Fokker–Planck residual of the target under the equation vanishes.
    """
    score, drift, noise = candidate
    variance = Matrix([[(noise**2).expand()]])
    residual = fokker_planck(_NORMAL, Matrix([drift]), variance, plain_partials((L,)))
    return same(_score(), score) and vanishes((residual, drift - score - 1))


def is_the_recursion(step: Expr) -> bool:
    r"""The Euler–Maruyama step of (37) of length $\delta$ takes the distance $e$ of $\log X$ from
    $M$ to $[[it]]$, with a standard normal draw $Z$.

    The step of (22) with the score of A37; $M$ is subtracted on both sides.
    """
    moved = (L + _DELTA * (1 + _score()) + sqrt(2 * _DELTA) * _z - M).subs(L, M + _e)
    return same(*(part.subs(_DELTA, _R**2 / 2) for part in (moved, step)))


def is_unrolled(candidate: Unrolled) -> bool:
    r"""After $k$ steps the distance of $\log X$ from $M$ is $[[distance]]$, where $\alpha$ is
    $[[factor]]$ and $Z_i$ the draw of step $i$, counted from zero.

    Induction on $k$: before the first step the sum is empty; a step multiplies every term by
    $\alpha$, so that each exponent grows by one, and adds its own draw with the exponent zero.
    Factor and noise are those of D-recursion.
    """
    factor, start, weight, last, noise = candidate
    k, i = _K, _I
    first, more = start(Integer(0)), start(k + 1) - start(k) - 1
    terms = weight(k + 1, i) - weight(k, i) - 1, weight(k + 1, k)
    summed = last(Integer(0)) + 1, last(k + 1) - k
    step = factor * _e + noise * _z - _STEP
    return vanishes((first, more, *terms, *summed, step.subs(_DELTA, _R**2 / 2)))


def is_the_limit(candidate: Limit) -> bool:
    r"""For step lengths below $[[longest]]$ the steps converge in law from every start, to a
    log-normal law with the target's log-mean and the log-variance $[[variance]]$; for that length
    and for greater ones they converge from no start.

    In D-unrolled the sum of the draws is normal, with the variance $[[sum]]$ after $k$ steps,
    where $Q$ is $\alpha^{2k}$: by induction, since that is zero where $Q$ is one, and a step
    multiplies it by $\alpha^2$ and adds $[[added]]$. One less $\alpha^2$ is $[[gap]]$, which
    is positive for steps below $[[longest]]$ and for no greater ones. Where it is, $Q$ tends to
    zero, and with it what is left of the start. Otherwise the variance of the sum grows without
    bound, which a start that is independent of the draws cannot undo.
    """
    shrink = _factor(_LAM)
    gap = Poly(1 - shrink**2, _DELTA)
    roots = same(gap.as_expr(), gap.LC() * _DELTA * (_DELTA - candidate.longest))
    downwards = gap.degree() == 2 and bool(gap.LC() < 0)
    now, then, start = (_sum(candidate, Q) for Q in (_Q, shrink**2 * _Q, Integer(1)))
    return roots and downwards and vanishes((start, then - shrink**2 * now - _ADDED))


def _sum(candidate: Limit, power: Expr) -> Expr:
    return candidate.variance * (1 - power)


def is_the_law(law: Law) -> bool:
    r"""After $k$ steps the mean error of $\log X$ is $[[0]]$ and its variance $[[1]]$, where $P$
    is $\alpha^k$ and $\alpha$ is $[[factor]]$; the start has the mean error $e_0$ and the variance
    $V_0$.

    Mean and variance of D-recursion, by induction on $k$ with a symbol for $\alpha^k$: where it is
    one they are those of the start. One more step multiplies it by $\alpha$ and the mean by
    $\alpha$, and the variance by $\alpha^2$ before it adds $[[added]]$.
    """
    shrink = _factor(_LAM)
    start, now, then = (law(P, _LAM, _e, _V) for P in (Integer(1), _P, shrink * _P))
    kept = then[0] - shrink * now[0], then[1] - shrink**2 * now[1] - _ADDED
    return vanishes((start[0] - _e, start[1] - _V, *kept))


def is_the_covariance(entry: Entry) -> bool:
    r"""On a log-normal target with any covariance the covariance of $\log X$ after $k$ steps has,
    in the eigenbasis of the target's, the entries $[[diagonal]]$ on the diagonal and $[[other]]$
    off it. $V_{ij}$ are the entries at the start, $\lambda_i$ the eigenvalues, and $P_i$ the
    powers $k$ of the factors $[[factor]]$.

    A rotation of $\log X$ keeps the noise, so that the target's covariance may be taken diagonal.
    A step then multiplies the covariance from either side by the diagonal matrix of the factors
    and adds $[[added]]$ times the identity. Each entry moves by itself, so that two coordinates
    stand for any number; they are decided by induction as in R22, with any covariance at the
    start, which need not commute with the target's.
    """
    powers, V = symbols("P1 P2"), Matrix(2, 2, symbols("V11 V12 V12 V22"))
    factors = [_factor(lam) for lam in _LAMS]

    def after(P: Ends) -> Matrix:
        return Matrix(2, 2, lambda i, j: entry(
            (P[i], P[j]), (_LAMS[i], _LAMS[j]), V[i, j], Integer(int(i == j))))  # fmt: skip

    step, one = diag(*factors), (Integer(1), Integer(1))
    moved = step * after(powers) * step + diag(_ADDED, _ADDED)
    then = after((factors[0] * powers[0], factors[1] * powers[1]))
    return same(after(one), V) and same(Matrix(moved), then)


def _factor(lam: Expr) -> Expr:
    return 1 - _DELTA / lam


def _limit(lam: Expr) -> Expr:
    use(NOT_TWICE)
    return lam / (1 - _DELTA / (2 * lam))


def _law(
    P: Expr, lam: Expr, e: Expr, V: Expr, end: Callable[[Expr], Expr] = _limit, power: int = 2
) -> tuple[Expr, Expr]:
    return P * e, end(lam) + P**power * (V - end(lam))


def _entry(P: Ends, lam: Ends, V: Expr, diagonal: Integer) -> Expr:
    end = diagonal * _limit(lam[0])
    return end + P[0] * P[1] * (V - end)


def _shown_sum(candidate: Unrolled) -> Values:
    factor, start, weight, last, noise = candidate
    A = Symbol("A")
    terms = Sum(A ** weight(_K, _I) * Symbol("Z_i"), (_I, 0, last(_K)))
    return {"distance": A ** start(_K) * _e + noise * terms, "factor": factor}


def _shown_entries(entry: Entry) -> Values:
    P, lam = symbols("P1 P2"), _LAMS
    diagonal = entry((P[0], P[0]), (lam[0], lam[0]), Symbol("V11"), Integer(1))
    return {"diagonal": diagonal, "other": entry(P, lam, Symbol("V12"), Integer(0))}


def _pin_covariance(noise: int) -> Callable[[dict[str, mpf]], tuple[mpf, ...]]:
    """The law after n steps e' = A e, V' = A V A + noise delta I with A = I - delta S^-1."""

    def law(at: dict[str, mpf]) -> tuple[mpf, ...]:
        covariance, V = (
            mpmath.matrix([[at[f"{name}11"], at[f"{name}12"]], [at[f"{name}12"], at[f"{name}22"]]])
            for name in "SV"
        )
        centre = mpmath.matrix([at["a1"], at["a2"]])
        e = mpmath.matrix([at["m1"], at["m2"]]) - centre
        step = mpmath.eye(2) - at["delta"] * covariance**-1
        for _ in range(int(mpmath.nint(at["n"]))):
            e, V = step * e, step * V * step + noise * at["delta"] * mpmath.eye(2)
        return centre[0] + e[0], centre[1] + e[1], V[0, 0], V[0, 1], V[1, 1]

    return law


def _pinned(law: Law) -> Callable[[dict[str, mpf]], tuple[mpf, ...]]:
    """Mean and variance in the names of the pin: from N(m0, V0), the target's mean being a."""
    found = lambdify((_P, _LAM, _e, _V, _DELTA), law(_P, _LAM, _e, _V), "mpmath")

    def pinned(at: dict[str, mpf]) -> tuple[mpf, ...]:
        power = (1 - at["delta"] / at["lam"]) ** int(mpmath.nint(at["n"]))
        error, variance = found(power, at["lam"], at["m0"] - at["a"], at["V0"], at["delta"])
        return at["a"] + error, variance

    return pinned


def _pinned_mean(law: Law) -> Expr:
    """In the names of the vectors: from mean b, the target's mean being a."""
    a, b, n = symbols("a b n")
    return a + law(_factor(_LAM) ** n, _LAM, b - a, _V)[0]


_NAMES = {"lam": r"\sigma^{2}", "V": "V_0", "P": "P", "Q": "Q", "z": "Z", "lam1": r"\lambda_i",
          "lam2": r"\lambda_j", "P1": "P_i", "P2": "P_j", "V11": "V_{ii}", "V12": "V_{ij}",
          "A": r"\alpha"}  # fmt: skip
_LOST = ("the formula is lost in the text of version 2; the target and eq. 22 force it",)
_DRIFT = (M - L) / _LAM
_ROOT = sqrt(_ADDED)
_STEP = _factor(_LAM) * _e + _ROOT * _z
_WALK = Unrolled(_factor(_LAM), lambda k: k, lambda k, i: k - 1 - i, lambda k: k - 1, _ROOT)
_LIMIT = Limit(_limit(_LAM), 2 * _LAM)

A37 = Claim(
    "A37", "mirrored Langevin dynamics of a log-normal target", is_the_target,
    holds=(_DRIFT - 1, _DRIFT, sqrt(2)), twins={
        "score without the one": (_DRIFT, _DRIFT, sqrt(2)),
        "drift with the one": (_DRIFT - 1, _DRIFT - 1, sqrt(2)),
        "half the rate": (_DRIFT - 1, _DRIFT / 2, sqrt(2)),
        "noise of variance one": (_DRIFT - 1, _DRIFT, Integer(1)),
    }, shown=lambda c: {"score": c[0], "equation": Sde(r"\log X", *c[1:])},
    names=_NAMES, sources=v2("eq. 37", "App. D: score of the log-normal target"),
    assumptions=(INDEPENDENT,), readings=_LOST, depends=("A22", "A23"),
)  # fmt: skip

RECURSION = Claim(
    "D-recursion", "its Euler–Maruyama step", is_the_recursion, holds=_STEP, twins={
        "growing": _STEP.subs(_LAM, -_LAM), "with the one left in": _STEP + _DELTA,
        "half the noise": _STEP.subs(_z, _z / 2),
    }, names=_NAMES, sources=v2("App. D: recursion"), sheet=("A37", "R22"),
    assumptions=(INDEPENDENT,), readings=_LOST, depends=("A22", "A37"),
)  # fmt: skip

UNROLLED = Claim(
    "D-unrolled", "the recursion unrolled", is_unrolled, holds=_WALK, twins={
        "exponent k - i": _WALK._replace(weight=lambda k, i: k - i),
        "exponent i": _WALK._replace(weight=lambda k, i: i),
        "start damped twice at first": _WALK._replace(start=lambda k: k + 1),
        "one draw more": _WALK._replace(last=lambda k: k),
        "half the noise": _WALK._replace(noise=_ROOT / 2),
    }, shown=_shown_sum, names=_NAMES, sources=v2("App. D: unrolled"), sheet=("A37", "R22"),
    readings=_LOST, depends=("D-recursion",),
)  # fmt: skip

LIMIT = Claim(
    "D-limit", "the limit law of the steps", is_the_limit, holds=_LIMIT, twins={
        "for steps below sigma^2": _LIMIT._replace(longest=_LAM),
        "for no step": _LIMIT._replace(longest=Integer(0)),
        "the target": _LIMIT._replace(variance=_LAM),
        "noise of variance delta": _LIMIT._replace(variance=_LIMIT.variance / 2),
        "too small by the factor": _LIMIT._replace(variance=_LAM * (1 - _DELTA / (2 * _LAM))),
    }, shown=lambda c: {**c._asdict(), "sum": _sum(c, _Q)},
    values=lambda: {"added": _ADDED, "gap": (1 - _factor(_LAM) ** 2).factor()}, names=_NAMES,
    sources=v2("App. D: limit measure"), sheet=("A37", "E20", "R22"), readings=_LOST,
    assumptions=("the draws are independent of the start",), depends=("D-unrolled",),
)  # fmt: skip

R22 = Claim(
    "R22", "law of the steps on a log-normal target", is_the_law, holds=_law, twins={
        "limit with delta / sigma^2": lambda P, lam, e, V: _law(
            P, lam, e, V, lambda of: of / _factor(of)),
        "variance shrinks as the mean": lambda P, lam, e, V: _law(P, lam, e, V, power=1),
        "towards the target": lambda P, lam, e, V: _law(P, lam, e, V, lambda of: of),
        "mean shrinks as the variance": lambda P, lam, e, V: _law(P, lam, P * e, V),
    }, shown=lambda law: {str(i): part for i, part in enumerate(law(_P, _LAM, _e, _V))},
    values=lambda: {"factor": _factor(_LAM), "added": _ADDED}, names=_NAMES | {"e": "e_0"},
    assumptions=(NOT_TWICE,), depends=("D-recursion",), pins=(
        Pin("gbm_ref.mirrored_langevin_law", (), _pinned_mean, variant="log mean",
            vectors="mirrored_langevin_law_log_mean"),
        Pin("gbm_ref.mirrored_langevin_law", tuple(
            dict(zip(("a", "lam", "delta", "n", "m0", "V0"), row, strict=True)) for row in (
                (0.3, 0.5, 0.11, 7, -1.2, 0.9),
                # a factor of -0.9, one of 0.999, and beyond the range of stability
                (-0.4, 0.2, 0.38, 40, 2.5, 0.01), (0.0, 2.0, 0.002, 1000, 0.6, 0.0),
                (0.1, 0.3, 0.7, 9, 0.2, 0.3),
            )), _pinned, variant="one coordinate"),
    ),
)  # fmt: skip

_START = {"a1": 0.3, "a2": -0.7, "S11": 0.5, "S12": 0.2, "S22": 0.3,
          "m1": 1.4, "m2": 0.1, "V11": 0.8, "V12": -0.3, "V22": 0.6}  # fmt: skip
MATRIX = Claim(
    "R22-matrix", "the same for any covariance of the target", is_the_covariance, holds=_entry,
    twins={
        "limit off the diagonal too": lambda P, lam, V, diagonal: _entry(P, lam, V, Integer(1)),
        "no limit at all": lambda P, lam, V, diagonal: _entry(P, lam, V, Integer(0)),
        "first eigenvalue for both": lambda P, lam, V, diagonal: _entry(
            (P[0], P[0]), lam, V, diagonal),
    }, shown=_shown_entries, values=lambda: {"factor": _factor(_LAMS[0]), "added": _ADDED},
    names=_NAMES, sheet=("R22",), assumptions=(NOT_TWICE,), depends=("R22", "D-gaussian"),
    pins=(Pin(
        "gbm_ref.mirrored_langevin_law", tuple({**_START, **more} for more in (
            {"delta": 0.11, "n": 3}, {"delta": 0.25, "n": 12},
            {"S12": 0.38, "delta": 0.01, "n": 20},
            # factors of 0 and -1, where the closed form is 0 / 0
            {"S12": 0.0, "S22": 0.25, "delta": 0.5, "n": 5},
        )), variant="full covariance",
        because="the matrices in any basis, by the recursion that the statement solves",
        formula=_pin_covariance(2), twins={"noise of variance delta": _pin_covariance(1)},
    ),),
)  # fmt: skip

CLAIMS = (A37, RECURSION, UNROLLED, LIMIT, R22, MATRIX)
