"""Churn: noise before a noise-free row, which raises sqrt(v) by the share gamma, and its laws."""

from collections.abc import Iterator

import mpmath
from mpmath import mpf
from sympy import Expr, lambdify, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Pin
from spec.checking.pins import Values, table
from spec.checking.symbols import dt, m, mu, sigma, t, v
from spec.exact import ancestral
from spec.exact._chain import L, NAMES, Row, V, e, moments, on_the_line, v0, z
from spec.exact.flow import HEUN, a, b

gamma, G, root = symbols("gamma G root", positive=True)
theta, m1, eps = symbols("theta m1 epsilon", real=True)


def is_the_churned_row(candidate: tuple[Expr, ...]) -> bool:
    r"""Independent normal noise of variance [[added]] and mean [[shift]] gives $\log X_t$ the law
    of $\log X_{\hat t}$, where $v(\hat t)=[[level]]$, for any data. On log-normal data of
    log-variance $v_0$ a log-variance off by the share $\epsilon$ is then off by [[share]]; and a
    row from there that multiplies deviations by $G$, as in R17-ddim and R16-heun, takes the
    variance $V$ of $\log X_t$ to [[after]] and multiplies the mean error by $G$.

    Given $\log X_0$ both laws are normal, and the logarithms of their generating functions in
    $\theta$ differ by that of the noise. The data's log-variance is added to $v$ at both times."""
    added, shift, share, after = candidate
    law = theta * (m1 - m - shift) + theta**2 * (LEVEL - v - added) / 2
    contracted = (1 + eps) * (v0 + v) + added - (1 + share) * (v0 + LEVEL)
    mean, variance = moments(G * (L + root * z), e, V)
    return vanishes((law, contracted, mean - G * e, variance.subs(root**2, added) - after))


def _raised(candidate: tuple[Expr, ...]) -> tuple[Expr, ...]:
    rise, shift = (LEVEL - v).subs(v, t), candidate[1].subs({m: 0, m1: (mu - sigma**2 / 2) * t})
    return t + rise, dt + rise, shift * rise / t, sqrt(candidate[0].subs(v, sigma**2 * t))


def _rows(candidate: tuple[Expr, ...], at: Values) -> Iterator[Row]:
    gains = [lambdify((v0, a, b), f, "mpmath") for f in (_DDIM, *HEUN.holds)]
    after, delta = lambdify((G, V, v, gamma), candidate[3], "mpmath"), at["T"] / at["N"]
    levels = [at["sigma"] ** 2 * delta * k for k in range(int(at["N"]) + 1)]
    fall = (at["mu"] - at["sigma"] ** 2 / 2) * delta
    for k in range(int(at["N"]), 0, -1):
        share = min(at["gamma"], mpmath.sqrt(levels[-1] / levels[k]) - 1)  # up to the horizon
        ends = mpmath.sqrt(levels[k]) * (1 + share), mpmath.sqrt(levels[k - 1])
        gain = gains[int(at["heun"]) * (1 if k > 1 else 2)](at["v0"], *ends)
        yield at["a"] + fall * k, gain, after(gain, mpf(0), levels[k], share), fall


LEVEL = v * (1 + gamma) ** 2
_DDIM = ancestral.DDIM.holds.subs({ancestral.s: b**2, ancestral.t: a**2, sigma: 1})
_ADDED = v * gamma * (2 + gamma)
_HOLDS = (_ADDED, m1 - m, eps * (v0 + v) / (v0 + LEVEL), G**2 * (V + _ADDED))
CHURN = Claim(
    "churn", "churn: noise before a noise-free row", is_the_churned_row, holds=_HOLDS, twins={
        "noise gamma v": (gamma * v, *_HOLDS[1:]), "of a deviation": (v * gamma**2, *_HOLDS[1:]),
        "drift left out": (_ADDED, 0 * m, *_HOLDS[2:]),
        "the share without the data": (*_HOLDS[:2], eps * v / LEVEL, _HOLDS[3]),
        "noise after the row": (*_HOLDS[:3], G**2 * V + _ADDED),
    }, shown=lambda c: dict(zip(("added", "shift", "share", "after"), c, strict=True)),
    values=lambda: {"level": LEVEL}, sheet=("R16",),
    names={**NAMES, "m": "m(t)", "m1": r"m(\hat t)", "v": "v(t)", "V": "V", "gamma": r"\gamma"},
    assumptions=("the draw is independent of the state", "the raised level is not above v(T)"),
    depends=("A6", "R17-steps", "R17-ddim", "R16-heun"), pins=(
        Pin("gbm_ref.Churn.__call__", vectors="churned_ddim_step", because="with R17-steps"),
        Pin("gbm_ref.Churn.raised", table(
            "mu sigma t dt gamma", (0.17, 0.8, 0.5, 0.11, 0.25), (-0.6, 1.4, 0.01, 0.01, 3.0),
        ), reads=_raised),
        Pin("gbm_ref.exact_law", table(
            "a v0 mu sigma T N M V gamma heun", (0.3, 0.05, 0.2, 0.8, 1.0, 8, 0.7, 0.6, 0.1, 0),
            (-1.1, 0.4, -0.3, 1.3, 1.5, 3, 2.0, 3.1, 0.4, 1),
            (0.2, 1e-4, 0.5, 0.6, 0.7, 12, -0.4, 0.01, 0.2, 1),
        ), **on_the_line(_rows, _HOLDS), variant="churn"),
    ))  # fmt: skip
CLAIMS = (CHURN,)
