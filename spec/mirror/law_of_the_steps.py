"""The exact law of the mirrored Langevin steps on a log-normal target, after any number of them.

Symbols: lam  a variance of log X under the target, or an eigenvalue of its covariance;  delta  the
step;  A = 1 - delta / lam;  P = A^k;  e, V  mean error and covariance of log X at the start
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Symbol, lambdify, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Pin, Values
from spec.mirror.log_normal_target import NAMES, ONE_COORDINATE, factor, limit

_LAM, _DELTA = symbols("lam delta", positive=True)
Law = Callable[[Expr, Expr, Expr, Expr], tuple[Expr, Expr]]
Entry = Callable[[tuple[Expr, Expr], tuple[Expr, Expr], Expr, Expr], Expr]


def is_the_law(law: Law) -> bool:
    r"""After $k$ steps the mean error of $\log X$ is $[[0]]$ and its variance $[[1]]$, where $P$
    is $\alpha^k$, for every $k$.

    Mean and variance of D-recursion, by induction with a symbol for $\alpha^k$: where it is one
    they are those of the start, and one more step multiplies it by $\alpha$.
    """
    P, lam, e, V = symbols("P lam e V", positive=True)
    shrink = factor(lam)
    start, now, then = law(Integer(1), lam, e, V), law(P, lam, e, V), law(shrink * P, lam, e, V)
    kept = then[0] - shrink * now[0], then[1] - shrink**2 * now[1] - 2 * _DELTA
    return vanishes((start[0] - e, start[1] - V, *kept))


def is_the_covariance(entry: Entry) -> bool:
    r"""On a log-normal target with any covariance the covariance of $\log X$ after $k$ steps has
    the entries $[[it]]$ in the eigenbasis of the target's, with $[[same]]$ for $i=[[j]]$ and
    $[[other]]$ for others, the eigenvalues $\lambda_i$ and the powers $P_i$ of their factors.

    A rotation of $\log X$ keeps the noise, so that the target's covariance may be taken diagonal;
    the recursion then holds entry by entry. Decided by induction as in one coordinate, for any
    covariance of the start, which need not commute with the target's.
    """
    powers, lams, V = symbols("P1 P2"), symbols("lam1 lam2"), symbols("V")
    one, verdicts = (Integer(1), Integer(1)), []
    for i, j, diagonal in ((0, 0, Integer(1)), (0, 1, Integer(0))):
        pair, now = (lams[i], lams[j]), (powers[i], powers[j])
        factors = [factor(lam) for lam in pair]
        then = (factors[0] * now[0], factors[1] * now[1])
        start, before, after = (entry(P, pair, V, diagonal) for P in (one, now, then))
        added = 2 * _DELTA * diagonal
        verdicts.append(vanishes((start - V, after - factors[0] * factors[1] * before - added)))
    return all(verdicts)


def _law(P: Expr, lam: Expr, e: Expr, V: Expr) -> tuple[Expr, Expr]:
    return P * e, limit(lam) + P**2 * (V - limit(lam))


def _entry(P: tuple[Expr, Expr], lam: tuple[Expr, Expr], V: Expr, diagonal: Expr) -> Expr:
    end = diagonal * limit(lam[0])
    return end + P[0] * P[1] * (V - end)


def _shown_entry(entry: Entry) -> Values:
    powers, lams, here = symbols("P1 P2"), symbols("lam1 lam2"), Symbol("same")
    return {"it": entry(powers, lams, Symbol("V12"), here)}


def _pin_covariance(noise: int) -> Callable[[dict[str, mpf]], tuple[mpf, ...]]:
    """The law after n steps e' = A e, V' = A V A + noise delta I with A = I - delta S^-1."""

    def law(at: dict[str, mpf]) -> tuple[mpf, ...]:
        covariance = mpmath.matrix([[at["S11"], at["S12"]], [at["S12"], at["S22"]]])
        V = mpmath.matrix([[at["V11"], at["V12"]], [at["V12"], at["V22"]]])
        centre = mpmath.matrix([at["a1"], at["a2"]])
        e = mpmath.matrix([at["m1"], at["m2"]]) - centre
        step = mpmath.eye(2) - at["delta"] * covariance**-1
        for _ in range(int(mpmath.nint(at["n"]))):
            e, V = step * e, step * V * step + noise * at["delta"] * mpmath.eye(2)
        return centre[0] + e[0], centre[1] + e[1], V[0, 0], V[0, 1], V[1, 1]

    return law


def _pinned_law(law: Law) -> Callable[[dict[str, mpf]], tuple[mpf, ...]]:
    """In the names of the pin: from N(m0, V0), the target's mean being a."""
    P, lam, e, V = symbols("P lam e V", positive=True)
    ends = lambdify((P, lam, e, V, _DELTA), law(P, lam, e, V), "mpmath")

    def pinned(at: dict[str, mpf]) -> tuple[mpf, ...]:
        power = (1 - at["delta"] / at["lam"]) ** int(mpmath.nint(at["n"]))
        error, variance = ends(power, at["lam"], at["m0"] - at["a"], at["V0"], at["delta"])
        return at["a"] + error, variance

    return pinned


_TARGET = {"a1": 0.3, "a2": -0.7, "S11": 0.5, "S12": 0.2, "S22": 0.3}
_START = {"m1": 1.4, "m2": 0.1, "V11": 0.8, "V12": -0.3, "V22": 0.6}
R22 = Claim(
    "R22",
    "law of the steps on a log-normal target",
    is_the_law,
    holds=_law,
    twins={
        "limit with delta / sigma^2": lambda P, lam, e, V: (
            P * e,
            lam / factor(lam) + P**2 * (V - lam / factor(lam)),
        ),
        "variance shrinks as the mean": lambda P, lam, e, V: (
            P * e,
            limit(lam) + P * (V - limit(lam)),
        ),
        "towards the target": lambda P, lam, e, V: (P * e, lam + P**2 * (V - lam)),
    },
    names=NAMES,
    assumptions=(
        Assumption(
            "the step is not twice the variance of the target",
            "the limit, which divides by their distance",
            lambda: bool(limit(_LAM).subs(_DELTA, 2 * _LAM).is_infinite),
        ),
        ONE_COORDINATE,
    ),
    depends=("D-recursion",),
    pins=(
        Pin(
            "gbm_ref.mirrored_langevin_law",
            tuple(
                dict(zip(("a", "lam", "delta", "n", "m0", "V0"), row, strict=True))
                for row in (
                    (0.3, 0.5, 0.11, 7, -1.2, 0.9),
                    # a factor of -0.9, one of 0.999, and beyond the range of stability
                    (-0.4, 0.2, 0.38, 40, 2.5, 0.01),
                    (0.0, 2.0, 0.002, 1000, 0.6, 0.0),
                    (0.1, 0.3, 0.7, 9, 0.2, 0.3),
                )
            ),
            variant="one coordinate",
            reads=_pinned_law,
        ),
    ),
)

MATRIX = Claim(
    "R22-matrix",
    "the same for any covariance of the target",
    is_the_covariance,
    holds=_entry,
    twins={
        "limit off the diagonal too": lambda P, lam, V, diagonal: _entry(P, lam, V, Integer(1)),
        "no limit at all": lambda P, lam, V, diagonal: _entry(P, lam, V, Integer(0)),
        "first eigenvalue for both": lambda P, lam, V, diagonal: _entry(
            (P[0], P[0]), lam, V, diagonal
        ),
    },
    shown=_shown_entry,
    values=lambda: {"same": 1, "other": 0, "j": "j"},
    names=NAMES,
    sheet=("R22",),
    assumptions=("the step is not twice an eigenvalue of the target's covariance",),
    depends=("R22", "D-gaussian"),
    pins=(
        Pin(
            "gbm_ref.mirrored_langevin_law",
            tuple(
                {**_TARGET, **_START, **more}
                for more in (
                    {"delta": 0.11, "n": 3},
                    {"delta": 0.25, "n": 12},
                    {"S12": 0.38, "delta": 0.01, "n": 20},
                    # factors of 0 and -1, where the closed form is 0 / 0
                    {"S12": 0.0, "S22": 0.25, "delta": 0.5, "n": 5},
                )
            ),
            variant="full covariance",
            because="the matrices in any basis, by the recursion that the statement solves",
            formula=_pin_covariance(2),
            twins={"noise of variance delta": _pin_covariance(1)},
        ),
    ),
)

CLAIMS = (R22, MATRIX)
