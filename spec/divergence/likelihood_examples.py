"""The likelihood formula on log-normal data, and bits per dimension of pixels: sheet R19.

Symbols: a, v0 mean and variance of log X_0; L0 = log x_0 of a data point; T the horizon;
density the model's density of x inside one cell of a pixel.
"""

from collections.abc import Callable

from sympy import Expr, Integer, Rational, Symbol, diff, log, pi, sqrt
from sympy import integrate as integral_of

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import L0, a, m, mu, s2, sigma, t, v0, x

_LEVELS = 256


def returns_the_density(parts: tuple[Expr, Callable[[Expr], Expr]]) -> bool:
    """Whether log q_T(y_T) - w sigma^2 int tr grad s dt - log x_0 = log p_0(x_0), LN data.

    `parts` are w and y_T as a function of T. Left: the score of N(a + m t, v_0 + sigma^2 t),
    its derivative and its integral over [0, T]. Right: the log-normal density itself. The
    difference is differentiated in T, and taken at T = 0; with square roots as symbols, both are
    rational.
    """
    weight, carried = parts
    y, T = Symbol("y"), Symbol("T", positive=True)
    v = v0 + s2 * t
    trace = diff(-(y - a - m * t) / v, y)
    change = integral_of(weight * s2 * trace, (t, 0, T))
    v_end = v0 + s2 * T
    end = -log(2 * pi * v_end) / 2 - (carried(T) - a - m * T) ** 2 / (2 * v_end)
    right = -log(2 * pi * v0) / 2 - (L0 - a) ** 2 / (2 * v0) - L0
    gap = end - change - L0 - right
    r0, r = Symbol("r0", positive=True), Symbol("r", positive=True)  # square roots of v_0, v_T
    rate = diff(gap, T).subs(T, (r**2 - v0) / s2).subs(v0, r0**2)
    return vanishes(gap.subs(T, 0)) and vanishes(rate)


def _carried(T: Expr) -> Expr:
    return a + m * T + sqrt((v0 + s2 * T) / v0) * (L0 - a)


def is_the_offset(bits: Expr) -> bool:
    """Whether -log2 P(u) = -log2 p(x) + bits for a density that is constant in each cell.

    Left: P(u), the integral of the density of x = 1 + (u + U)/256 over the cell of the grey
    level u, by the substitution dx = dU / 256. The density and the grey level are symbols.
    """
    density, grey, U = Symbol("density", positive=True), Symbol("u"), Symbol("U")
    position = 1 + (grey + U) / Integer(_LEVELS)
    probability = integral_of(density * diff(position, U), (U, 0, 1))
    return vanishes(probability - density * 2 ** (-bits))


def _model(rate: Expr, stretch: Expr) -> Expr:
    """log p(x) when the flow of N(a, v0) ends at a start N(b, B): `rate` times log(v_T / v0).

    The flow stretches the deviation of log x from a by `stretch`.
    """
    drift = (mu - sigma**2 / 2) * horizon
    end = a + drift + stretch * (log(x) - a)
    return rate * log(_RATIO) - log(2 * pi * B) / 2 - (end - b) ** 2 / (2 * B) - log(x)


b, B, horizon = Symbol("b"), Symbol("B", positive=True), Symbol("T", positive=True)
_RATIO = (v0 + sigma**2 * horizon) / v0
_MODEL = _model(Rational(1, 2), sqrt(_RATIO))
_MODEL_TWINS = {
    "trace with the full rate": _model(Rational(1), sqrt(_RATIO)),
    "flow with the ratio of variances": _model(Rational(1, 2), _RATIO),
}
_MODEL_POINTS = (
    {"x": 1.7, "a": 0.3, "v0": 0.64, "b": 0.4, "B": 0.9, "mu": 0.2, "sigma": 0.8, "T": 1.0},
    {"x": 0.04, "a": -0.7, "v0": 1.7, "b": -2.5, "B": 1.1, "mu": -0.3, "sigma": 1.3, "T": 1.5},
    {"x": 1.37, "a": 0.3, "v0": 0.0025, "b": 0.35, "B": 0.9, "mu": 0.5, "sigma": 0.6, "T": 0.7},
)
_nats, _cell = Symbol("nats"), Symbol("cell", positive=True)
_dims = Symbol("d", positive=True)
_BITS = -_nats / (_dims * log(2)) - log(_cell) / log(2)

LOG_NORMAL = Claim(
    id="R19-log-normal",
    title="the likelihood formula on log-normal data",
    statement=r"For $\log X_0\sim\mathcal N(a,v_0)$ the formula of R19 returns the log-normal "
    r"density exactly: $y_T=a+mT+\sqrt{v_T/v_0}\,(y_0-a)$ and "
    r"$-\frac{\sigma^2}2\int_0^T\mathrm{tr}\nabla s\,dt=\frac12\ln\frac{v_T}{v_0}$ per dimension.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("R19",),
    assumptions=("log-normal data with isotropic covariance, one coordinate at a time",),
    depends=("R19", "R16-ode"),
    derivation=r"$s=-(y-a-mt)/v_t$, so $\mathrm{tr}\nabla s=-1/v_t$ and its integral is "
    r"$-\frac1{\sigma^2}\ln\frac{v_T}{v_0}$. $\log q_T(y_T)=-\frac12\ln2\pi v_T-"
    r"\frac{(y_0-a)^2}{2v_0}$, and the two logarithms of $v_T$ cancel: what is left is "
    r"$-\frac12\ln2\pi v_0-\frac{(y_0-a)^2}{2v_0}-\log x_0$. The integral is taken symbolically, "
    r"and the difference is shown to vanish at $T=0$ and to have derivative 0 in $T$.",
    proof=Proof(
        returns_the_density,
        holds=(Rational(1, 2), _carried),
        twins={
            "trace with the full rate": (Rational(1), _carried),
            "flow with the ratio of variances": (
                Rational(1, 2),
                lambda T: a + m * T + (v0 + s2 * T) / v0 * (L0 - a),
            ),
            "flow without the drift": (Rational(1, 2), lambda T: _carried(T) - m * T),
        },
    ),
    pins=(
        Pin("gbm_ref.exact_log_likelihood", _MODEL, _MODEL_TWINS, _MODEL_POINTS),
        Pin(
            "gbm_ref.log_likelihood",
            _MODEL,
            _MODEL_TWINS,
            _MODEL_POINTS,
            scale=1 + abs(_MODEL),
            k=2.0**19,  # 6e-11: the tolerance of the integration
            variant="another start",
        ),
    ),
)

BITS = Claim(
    id="R19-bits",
    title="bits per dimension of pixels",
    statement=r"For $x=1+(u+U)/256$, $u\in\{0,\dots,255\}$, $U\sim\mathcal U[0,1)$: "
    r"$-\frac1d\log_2p_0(x)+8$ averages to at least the bits per dimension of the discrete model "
    r"$P(u)=\int_{\text{cell}}p_0$, with equality when $p_0$ is constant in each cell.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R19",),
    assumptions=("256 grey levels, noise uniform over a cell of width 1/256",),
    depends=("R19",),
    derivation=r"$dx=dU/256$ per coordinate, so $P(u)=256^{-d}\,\mathbb E_U\,p_0(x)$. Jensen: "
    r"$-\log_2P(u)\le-\mathbb E_U\log_2p_0(x)+d\log_2256$, and $\log_2256=8$. The offset is "
    "decided where the inequality is an equality, on densities that are constant in a cell. For "
    "the scaling $x=1+u/255$ of undequantised pixels the offset would be another one.",
    proof=Proof(
        is_the_offset,
        holds=Integer(8),
        twins={
            "cells of width 1/255": log(255) / log(2),
            "cells of width 1/128": Integer(7),
            "sign": Integer(-8),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.bits_per_dim",
            _BITS,
            {
                "nats for bits": -_nats / _dims - log(_cell) / log(2),
                "not divided by d": -_nats / log(2) - log(_cell) / log(2),
                "sign of the offset": -_nats / (_dims * log(2)) + log(_cell) / log(2),
            },
            (
                {"nats": -2.3, "d": 3.0, "cell": 1 / 256},
                {"nats": 1754.0, "d": 784.0, "cell": 1 / 255},
            ),
        ),
    ),
)

CLAIMS = (LOG_NORMAL, BITS)
