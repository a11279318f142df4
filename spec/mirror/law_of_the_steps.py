"""The exact law of the mirrored Langevin steps on a log-normal target, after any number of them.

Symbols: lam   a variance of log X under the target: sigma^2, or an eigenvalue of its covariance S
         delta step length;  A = 1 - delta / lam;  P = A^k, which stands for every k
         e, V  mean error and covariance of log X at the start
"""

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof

_DELTA = symbols("delta", positive=True)
Law = Callable[[Expr, Expr, Expr, Expr], tuple[Expr, Expr]]
Entry = Callable[[tuple[Expr, Expr], tuple[Expr, Expr], Expr, bool], Expr]
Values = Mapping[str, mpf]


def is_the_law(law: Law) -> bool:
    """Whether law(P, lam, e, V) = (e_k, V_k) with P = A^k, for every k.

    By induction: at P = 1 it must be (e, V), and from P to A P it must follow the recursion
    e' = A e, V' = A^2 V + 2 delta.
    """
    P, lam, e, V = symbols("P lam e V")
    factor = 1 - _DELTA / lam
    start, now, then = law(Integer(1), lam, e, V), law(P, lam, e, V), law(factor * P, lam, e, V)
    return vanishes(
        (
            start[0] - e,
            start[1] - V,
            then[0] - factor * now[0],
            then[1] - factor**2 * now[1] - 2 * _DELTA,
        )
    )


def is_the_covariance(entry: Entry) -> bool:
    """Whether entry((P_i, P_j), (lam_i, lam_j), V_ij, i = j) is V_ij after k steps, for every k.

    In the eigenbasis of the target's covariance, for any covariance V at the start. By induction
    as in one dimension, V_ij' = A_i A_j V_ij + 2 delta [i = j].
    """
    powers, lams, V = symbols("P1 P2"), symbols("lam1 lam2"), symbols("V")
    one = (Integer(1), Integer(1))
    for i, j in ((0, 0), (0, 1)):
        pair, now = (lams[i], lams[j]), (powers[i], powers[j])
        factors = [1 - _DELTA / lam for lam in pair]
        then = (factors[0] * now[0], factors[1] * now[1])
        start, before, after = (entry(P, pair, V, i == j) for P in (one, now, then))
        added = 2 * _DELTA if i == j else 0
        if not vanishes((start - V, after - factors[0] * factors[1] * before - added)):
            return False
    return True


def _limit(lam: Expr | mpf, delta: Expr | mpf) -> Expr | mpf:
    return lam / (1 - delta / (2 * lam))


def _law(P: Expr, lam: Expr, e: Expr, V: Expr) -> tuple[Expr, Expr]:
    limit = _limit(lam, _DELTA)
    return P * e, limit + P**2 * (V - limit)


def _law_with_half_the_step(P: Expr, lam: Expr, e: Expr, V: Expr) -> tuple[Expr, Expr]:
    limit = lam / (1 - _DELTA / lam)
    return P * e, limit + P**2 * (V - limit)


def _entry(P: tuple[Expr, Expr], lam: tuple[Expr, Expr], V: Expr, diagonal: bool) -> Expr:
    limit = _limit(lam[0], _DELTA) if diagonal else 0
    return limit + P[0] * P[1] * (V - limit)


def _pin_law(scale: int) -> Callable[[Values], tuple[mpf, ...]]:
    """(mean, variance) after n steps from N(m0, V0); P is raised to 2, or `scale`, in V_k."""

    def law(at: Values) -> tuple[mpf, ...]:
        power = (1 - at["delta"] / at["lam"]) ** int(mpmath.nint(at["n"]))
        limit = _limit(at["lam"], at["delta"])
        mean = at["a"] + power * (at["m0"] - at["a"])
        return mean, limit + power**scale * (at["V0"] - limit)

    return law


def _pin_covariance(noise: int) -> Callable[[Values], tuple[mpf, ...]]:
    """The law after n steps e' = A e, V' = A V A + noise delta I with A = I - delta S^-1."""

    def law(at: Values) -> tuple[mpf, ...]:
        covariance = mpmath.matrix([[at["S11"], at["S12"]], [at["S12"], at["S22"]]])
        V = mpmath.matrix([[at["V11"], at["V12"]], [at["V12"], at["V22"]]])
        centre = mpmath.matrix([at["a1"], at["a2"]])
        e = mpmath.matrix([at["m1"], at["m2"]]) - centre
        step = mpmath.eye(2) - at["delta"] * covariance**-1
        for _ in range(int(mpmath.nint(at["n"]))):
            e, V = step * e, step * V * step + noise * at["delta"] * mpmath.eye(2)
        return centre[0] + e[0], centre[1] + e[1], V[0, 0], V[0, 1], V[1, 1]

    return law


_TARGET = {"a1": 0.3, "a2": -0.7, "S11": 0.5, "S12": 0.2, "S22": 0.3}
_START = {"m1": 1.4, "m2": 0.1, "V11": 0.8, "V12": -0.3, "V22": 0.6}

R22 = Claim(
    id="R22",
    title="law of the steps on a log-normal target",
    statement=r"The Euler–Maruyama steps of (22) on $\mathcal{LN}(\mu,\sigma^2I)$ give $\log X_k$ "
    r"the mean error $e_k=\alpha^ke_0$ and the variance $V_k=V_\infty+\alpha^{2k}(V_0-V_\infty)$, "
    r"$\alpha=1-\tfrac\delta{\sigma^2}$, $V_\infty=\tfrac{\sigma^2}{1-\delta/2\sigma^2}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R22",),
    assumptions=("delta > 0 and not 2 sigma^2, where V_k = V_0 + 2 delta k", "per coordinate"),
    depends=("D-recursion",),
    derivation=r"Taking mean and variance of D-recursion gives $e'=\alpha e$, $V'=\alpha^2V+2"
    r"\delta$. $V_\infty$ is the fixed point of the second, and $V-V_\infty$ is multiplied by "
    r"$\alpha^2$. Decided by induction, with a symbol for $\alpha^k$.",
    proof=Proof(
        is_the_law,
        holds=_law,
        twins={
            "limit with delta / sigma^2": _law_with_half_the_step,
            "variance shrinks as the mean": lambda P, lam, e, V: (
                P * e,
                _limit(lam, _DELTA) + P * (V - _limit(lam, _DELTA)),
            ),
            "towards the target": lambda P, lam, e, V: (P * e, lam + P**2 * (V - lam)),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.mirrored_langevin_law",
            variant="one coordinate",
            formula=_pin_law(2),
            twins={"variance shrinks as the mean": _pin_law(1)},
            points=(
                {"a": 0.3, "lam": 0.5, "delta": 0.11, "n": 7, "m0": -1.2, "V0": 0.9},
                # a factor of -0.9, and one of 0.999
                {"a": -0.4, "lam": 0.2, "delta": 0.38, "n": 40, "m0": 2.5, "V0": 0.01},
                {"a": 0.0, "lam": 2.0, "delta": 0.002, "n": 1000, "m0": 0.6, "V0": 0.0},
                # beyond the range of stability
                {"a": 0.1, "lam": 0.3, "delta": 0.7, "n": 9, "m0": 0.2, "V0": 0.3},
            ),
        ),
    ),
)

MATRIX = Claim(
    id="R22-matrix",
    title="the same for any covariance of the target",
    statement=r"On $\mathcal{LN}(\mu,\Sigma)$ the steps are $e'=Ae$, $V'=AVA+2\delta I$ with "
    r"$A=I-\delta\Sigma^{-1}$. In the eigenbasis of $\Sigma$: "
    r"$(V_k)_{ij}=\alpha_i^k\alpha_j^k(V_0)_{ij}$ for $i\ne j$, and each diagonal entry follows "
    r"R22 with its eigenvalue. The limit, for $0<\delta<2\lambda_{\min}$, is "
    r"$\Sigma(I-\tfrac\delta2\Sigma^{-1})^{-1}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R22",),
    assumptions=("any symmetric V_0, which need not commute with Sigma", "delta not 2 lambda_i"),
    depends=("R22", "D-gaussian"),
    derivation=r"For $\mathcal{LN}(\mu,\Sigma)$ the drift of (22) is $-\Sigma^{-1}(\log X-\mu)$. "
    r"A rotation of $\log X$ keeps the noise, so $\Sigma$ may be taken diagonal; the recursion "
    r"then holds entry by entry, $V_{ij}'=\alpha_i\alpha_jV_{ij}+2\delta[i=j]$.",
    proof=Proof(
        is_the_covariance,
        holds=_entry,
        twins={
            "off-diagonal entries vanish": lambda P, lam, V, diagonal: (
                _entry(P, lam, V, diagonal) if diagonal else 0 * V
            ),
            "limit off the diagonal too": lambda P, lam, V, diagonal: _entry(P, lam, V, True),
            "first eigenvalue for both": lambda P, lam, V, diagonal: _entry(
                (P[0], P[0]), lam, V, diagonal
            ),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.mirrored_langevin_law",
            variant="full covariance",
            formula=_pin_covariance(2),
            twins={"noise of variance delta": _pin_covariance(1)},
            points=(
                {**_TARGET, **_START, "delta": 0.11, "n": 3},
                {**_TARGET, **_START, "delta": 0.25, "n": 12},
                {**_TARGET, **_START, "S12": 0.38, "delta": 0.01, "n": 20},
                # factors of 0 and -1, where the closed form is 0 / 0
                {**_TARGET, **_START, "S12": 0.0, "S22": 0.25, "delta": 0.5, "n": 5},
            ),
        ),
    ),
)

CLAIMS = (R22, MATRIX)
