"""The score of the kernel, which is the regression target of M-DSM.

Symbols: L = log x, L0 = log x0; mu, s2 = sigma^2; t time in [0, 1]; k index with t = k dt.
"""

import mpmath
from mpmath import mpf
from sympy import Abs, Expr, Rational, Symbol, diff, log, pi

from spec.checking.algebra import same
from spec.checking.claim import Claim, Erratum, Fault, Figure, Kind, Means, Pin, Proof, v1, v2
from spec.checking.symbols import L0, L, dt, mu, s2, sigma, t, x, x0

k = Symbol("k", positive=True)
PIN_MEAN, PIN_VARIANCE = (mu - sigma**2 / 2) * t, sigma**2 * t


def _score_of_kernel() -> Expr:
    """x d/dx log p(x | x0), from the law of X_t = x0 exp((mu - s2/2) t + rt z), z standard normal.

    p(x | x0) = phi(z(x)) dz/dx with z(x) = (L - L0 - (mu - s2/2) t) / rt and dz/dx = 1 / (x rt),
    so log p = -z^2/2 - L - log rt up to a constant; x d/dx is d/dL; rt^2 = s2 t.
    """
    rt = Symbol("rt", positive=True)
    draw = (L - L0 - (mu - s2 / 2) * t) / rt
    log_density = -(draw**2) / 2 - L
    return diff(log_density, L).subs(rt**2, s2 * t)


def is_the_target(formula: Expr) -> bool:
    """Whether formula(L, L0, mu, s2, k, dt) is the score of the kernel at t = k dt."""
    return same(_score_of_kernel().subs(t, k * dt), formula)


def is_the_target_at_time(formula: Expr) -> bool:
    """Whether formula(L, L0, mu, s2, t, dt) is the score of the kernel at time t."""
    return same(_score_of_kernel(), formula)


def _target(drift_time: Expr, variance_time: Expr) -> Expr:
    return -(1 + (L - L0 - drift_time * (mu - s2 / 2)) / (s2 * variance_time))


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        # x0 = 1.4, X_k = 1.1, mu = sigma^2/2, sigma = 0.8, N = 1000, k = 500
        moved, time, delta = mpmath.log(mpf("1.1") / mpf("1.4")), mpf("0.5"), mpf("0.001")
        right = -1 - moved / (mpf("0.64") * time)
        printed = -1 - moved / (mpf("0.64") * time * delta)
    where = "x0 = 1.4, X_k = 1.1, k = 500 of N = 1000, sigma = 0.8, mu = sigma^2/2"
    return (
        Figure(f"target ({where})", right),
        Figure("as printed, with t = 0.5", printed),
        Figure("factor on 1 + target", 1 / delta),
    )


TARGET_PIN = Pin(
    "gbm_ref.conditional_hyvarinen_score",
    formula=-1 - (log(x) - log(x0) - PIN_MEAN) / PIN_VARIANCE,
    twins={
        "without -1, the log score": -(log(x) - log(x0) - PIN_MEAN) / PIN_VARIANCE,
        "sigma for sigma^2": -1 - (log(x) - log(x0) - PIN_MEAN) / (sigma * t),
        "drift mu t": -1 - (log(x) - log(x0) - mu * t) / PIN_VARIANCE,
    },
    points=(
        {"x": 1.3, "x0": 1.7, "mu": 0.1, "sigma": 0.8, "t": 0.37},
        {"x": 0.004, "x0": 95.0, "mu": -0.6, "sigma": 1.3, "t": 0.9},
        # near the zero of the target, and a tiny v
        {"x": 1.0, "x0": 1.5, "mu": 0.41, "sigma": 0.9, "t": 0.498},
        {"x": 1.0001, "x0": 1.0, "mu": 0.3, "sigma": 0.8, "t": 1e-7},
    ),
    # The terms that are added, since the logarithms are rounded before they cancel.
    scale=1
    + (Abs(log(x)) + Abs(log(x0)) + Abs(mu) * t + sigma**2 * t / 2) / PIN_VARIANCE
    + Abs(mu) / sigma**2,
)


def _log_kernel(jacobian: int) -> Expr:
    """log p(x | x0) of two coordinates x, x0 and x, 1: jacobian 0 leaves out 1 / x."""
    starts = (log(x0), Rational(0))
    return sum(
        (
            -((log(x) - start - PIN_MEAN) ** 2) / (2 * PIN_VARIANCE)
            - log(2 * pi * PIN_VARIANCE) / 2
            - jacobian * log(x)
            for start in starts
        ),
        Rational(0),
    )


DENSITY_PIN = Pin(
    "gbm_ref.conditional_logpdf",
    formula=_log_kernel(1),
    twins={"density of log x": _log_kernel(0), "one coordinate": _log_kernel(1) / 2},
    points=TARGET_PIN.points,
)

A16 = Claim(
    id="A16",
    title="training target of M-DSM",
    statement=r"$X_k\circ\nabla\log p_{X_k\mid X_0}(X_k\mid X_0)=-\{\mathbf 1+\frac1{\sigma^2"
    r"k\delta}[\log X_k-\log X_0-k\delta(\mu-\frac{\sigma^2}2\mathbf 1)]\}$ for $k\ge1$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("eq. 16"),
    sheet=("A16",),
    assumptions=(
        "k >= 1: at k = 0 the kernel is a point mass",
        "coordinates are independent given X_0, so one of them is enough",
        "formula lost in the text of version 2; reconstructed: eq. (20) of version 1 with the "
        "index k for its t (E10)",
    ),
    depends=("A6",),
    derivation=r"Given $X_0$, $X_t=X_0e^{(\mu-\sigma^2/2)t+\sigma\sqrt tZ}$. With $z(x)=[\log "
    r"x-\log x_0-(\mu-\frac{\sigma^2}2)t]/(\sigma\sqrt t)$ the density is "
    r"$\varphi(z)\,dz/dx=\varphi(z)/(x\sigma\sqrt t)$, so $\log p=-\frac12z^2-\log x+$ const and "
    r"$x\,\partial_x\log p=-z/(\sigma\sqrt t)-1$. Put $t=k\delta$.",
    proof=Proof(
        is_the_target,
        holds=_target(k * dt, k * dt),
        twins={
            "without the 1": _target(k * dt, k * dt) + 1,
            "drift mu for mu - sigma^2/2": -(1 + (L - L0 - k * dt * mu) / (s2 * k * dt)),
            "sign of the drift": _target(-k * dt, k * dt),
            "index of the neighbour": _target((k - 1) * dt, (k - 1) * dt),
        },
    ),
    pins=(TARGET_PIN, DENSITY_PIN),
)

E10 = Claim(
    id="E10",
    title="time and index in the training target",
    statement=r"At time $t\in[0,1]$ the target is $-\{\mathbf 1+\frac1{\sigma^2t}[\log X_t-\log "
    r"X_0-t(\mu-\frac{\sigma^2}2\mathbf 1)]\}$: the variance of the kernel is $\sigma^2t$, "
    r"without a factor $\delta$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("eq. 20"),
    sheet=("E10", "A16"),
    assumptions=("0 < t <= 1",),
    depends=("A16", "A6"),
    derivation=r"As for A16, with $t$ itself in place of $k\delta$. The "
    r"printed form has $t\delta$ in place of $t$, so that the two sides agree only if its $t$ is "
    r"the index $k$.",
    proof=Proof(
        is_the_target_at_time,
        holds=_target(t, t),
        twins={
            "factor delta in the variance alone": _target(t, t * dt),
            "time halved": _target(t / 2, t * Rational(1, 2)),
        },
        printed={"t delta on the right, t on the left": _target(t * dt, t * dt)},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"$X_t\circ\nabla\log p_{X_t\mid X_0}(X_t\mid X_0)=-(\mathbf 1+\frac1{\sigma^2t"
        r"\delta}(\log X_k-\log X_0-t\delta(\mu-\frac{\sigma^2}2\mathbf 1)))$, 'at discrete "
        r"instants of time $t=k\delta$'",
        trouble="The left side is at time t in [0, 1], the right side multiplies t by delta and "
        "holds X_k. With t = k delta, as the sentence says, the factor delta is applied twice. "
        "The formula is right if its t is the index k.",
        correction=r"Write $X_k$ and $k\delta$ throughout: $-(\mathbf 1+\frac1{\sigma^2k\delta}"
        r"(\log X_k-\log X_0-k\delta(\mu-\frac{\sigma^2}2\mathbf 1)))$",
        figures=_figures,
        remains_open="Eq. (16) of version 2 is lost in the text we have; its words 'at discrete "
        "time' suggest the index k.",
    ),
)

CLAIMS = (A16, E10)
