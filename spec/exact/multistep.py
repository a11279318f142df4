"""Multistep solvers of the flow on log-normal data: an affine map of what they remember."""

from functools import cache

import mpmath
from mpmath import mpf
from sympy import Expr, diff, lambdify, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Pin
from spec.checking.pins import Values, table
from spec.checking.typeset import Says
from spec.exact._chain import COORDINATE, L, a, hyvarinen
from spec.steps import multistep
from spec.steps.multistep import D1, D2, D, alpha, beta, ell, h, q, u, v

v0, v1, v2 = symbols("v0 v_1 v_2", positive=True)
e, e1, e2, c1, c2 = symbols("e e_1 e_2 c_1 c_2", real=True)
Row = tuple[mpf, mpf, mpf]  # q, c_1, c_2


def is_the_affine_map(candidate: tuple[Expr, Expr], variance: Expr = v0) -> bool:
    r"""With $e$ the distance of $u$ from the mean $a$ of $\log X_0$, which has the variance $v_0$,
    the denoiser is [[denoiser]], and a row of multistep leads from $e$ to [[row]], where $e_1$,
    $v_1$ and $e_2$, $v_2$ are the distance and the $v$ of the rows before.

    The Hyvärinen score is that of a log-normal law of log-variance [[variance]], at [[state]]; the
    denoisers are put into the row of multistep, whose weights are any."""
    denoiser, row = candidate
    score = hyvarinen(L, a, _NOISED.subs(v0, variance)).subs(L, _STATE)
    found = multistep.DENOISER.subs({u: _STATE, h: score})
    earlier = {D1: found.subs({e: e1, v: v1}), D2: found.subs({e: e2, v: v2})}
    moved = multistep.row(c1, c2).subs({**earlier, D: found, u: _STATE}, simultaneous=True) - a
    return vanishes((denoiser - found, row - moved))


def _affine(share: Expr) -> tuple[Expr, Expr]:
    """The candidate with that share of e in the denoiser."""
    first, second = (share.subs(v, at) * off for at, off in ((v1, e1), (v2, e2)))
    drawn = (1 - q - c1 - c2) * share * e
    return a + share * e, q * e + drawn + c1 * first + c2 * second


@cache
def _factors(row: Expr) -> object:
    """What multiplies e, e_1 and e_2."""
    return lambdify((v0, v, v1, v2, q, c1, c2), [diff(row, off) for off in (e, e1, e2)], "mpmath")


def _weights(length: mpf, distances: list[mpf]) -> Row:
    """A row of that length after rows at those distances."""
    held = multistep.HOLDS[:1] if len(distances) == 1 else multistep.HOLDS[1:]
    at = dict(zip((alpha, beta), distances, strict=False)) | {ell: length, q: mpmath.exp(-length)}
    found = [mpf(weight.subs(at)) for weight in held[: len(distances)]]
    return (at[q], *found, *[mpf(0)] * (2 - len(found)))


def _run(candidate: tuple[Expr, Expr], at: Values) -> tuple[mpf, mpf, mpf, mpf]:
    """Mean and variance of log X_0 on N equal steps from N(M, V), and the bounds of the error.

    Each row's bound is that of the terms before it and the sizes of its own."""
    factors, steps = _factors(candidate[1]), int(at["N"])
    total = at["sigma"] ** 2 * at["T"]
    lags, sizes = [mpf(1)], [mpf(1)]
    for k in range(steps, 0, -1):
        known = min(steps - k, int(at["order"]) - 1) if k > 1 else 0
        gaps = [mpmath.log(mpf(k + i + 1) / (k + i)) / 2 for i in range(known)]
        row = _weights(mpmath.log(mpf(k) / (k - 1)) / 2, gaps) if k > 1 else (mpf(0),) * 3
        variances = [total * min(k + i, steps) / steps for i in range(3)]
        by = factors(at["v0"], *variances, *row)
        pairs = list(zip(by, (lags + [mpf(0)] * 2)[:3], (sizes + [mpf(0)] * 2)[:3], strict=True))
        added = sum(abs(c) for c in row[1:]) * abs(lags[0])
        sizes.insert(0, sum(abs(f) * (s + abs(lag)) for f, lag, s in pairs) + added)
        lags.insert(0, sum(f * lag for f, lag, _ in pairs))
    drift = (at["mu"] - at["sigma"] ** 2 / 2) * at["T"]
    off, gain = at["M"] - at["a"] - drift, lags[0]
    size = abs(at["M"]) + abs(at["a"]) + abs(drift)
    return (at["a"] + gain * off, gain**2 * at["V"], sizes[0] * size + size,
            (2 * abs(gain) * sizes[0] + gain**2) * at["V"])  # fmt: skip


_NOISED, _STATE, _SHARE = v0 + v, a + e, v0 / (v0 + v)  # _NOISED is the variance of u
_HOLDS = _affine(_SHARE)
LAW = Claim(
    "multistep-law", "multistep solvers of the flow on log-normal data", is_the_affine_map,
    holds=_HOLDS, twins={
        "the noise's share": _affine(v / (v0 + v)), "no shrinking": _affine(v0 / v0),
        "the noise's share in the denoiser alone": (a + v / (v0 + v) * e, _HOLDS[1]),
        "the share of the last row in all": (
            _HOLDS[0], q * e + _SHARE * ((1 - q - c1 - c2) * e + c1 * e1 + c2 * e2),
        ),
    }, shown=lambda pair: {"denoiser": Says("D", pair[0]), "row": pair[1]},
    values=lambda: {"variance": _NOISED, "state": _STATE}, names={"v0": "v_0"}, sheet=("R16",),
    assumptions=(
        Assumption(
            f"{COORDINATE}, and the score is the exact one",
            "the variance in the score; with that of other data the share is another",
            lambda: not is_the_affine_map(_HOLDS, 2 * v0),
        ),
    ), depends=("multistep",), pins=(
        Pin(
            "gbm_ref.exact_law", table(
                "a v0 mu sigma T N M V order", (0.3, 0.05, 0.2, 0.8, 1.0, 8, 0.7, 0.6, 2),
                (-1.1, 0.4, -0.3, 1.3, 1.5, 5, 2.0, 3.1, 3),
                (0.2, 1e-4, 0.5, 0.6, 0.7, 12, -0.4, 0.01, 3),
            ), reads=lambda pair: lambda at: _run(pair, at)[:2],
            scale=lambda at: _run(_HOLDS, at)[2:], variant="dpm-solver",
        ),
    ))  # fmt: skip
CLAIMS = (LAW,)
