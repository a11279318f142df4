"""The solution of geometric Brownian motion, by Ito's formula.

Symbols: w, w1, w2  the values of the Brownian motions at time t; the solution is a function of
t and of them.
"""

from sympy import Expr, Integer, Matrix, exp, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof, v1, v2
from spec.checking.symbols import mu, sigma, t, v, x0
from spec.process._ito import ito

w, w1, w2, mu1, mu2 = symbols("w w1 w2 mu1 mu2", real=True)
z1, z2 = symbols("z1 z2", real=True)
x1, x2 = symbols("x1 x2", positive=True)


def solves_scalar_gbm(exponent: Expr) -> bool:
    """Whether X = x0 exp(exponent(t, w)) solves dX = mu X dt + sigma X dW with X_0 = x0.

    Ito's formula gives drift and noise of X, with the value of X a symbol of its own.
    """
    return _solves((exponent,), (w,), (mu,))


def solves_vector_gbm(exponents: tuple[Expr, Expr]) -> bool:
    """The same for two entries with drifts mu1, mu2 and two independent Brownian motions."""
    return _solves(exponents, (w1, w2), (mu1, mu2))


def _solves(
    exponents: tuple[Expr, ...], motions: tuple[Expr, ...], drifts: tuple[Expr, ...]
) -> bool:
    d, value = len(motions), symbols("X", positive=True)
    noise = Matrix.vstack(Matrix.zeros(1, d), Matrix.eye(d))
    residuals = []
    for i, exponent in enumerate(exponents):
        drift, coefficients = ito(
            x0 * exp(exponent), (t, *motions), (Integer(1), *[Integer(0)] * d), noise
        )
        found = [term.subs(exp(exponent), value / x0) for term in (drift, *coefficients)]
        wanted = [drifts[i] * value, *(sigma * value if j == i else 0 for j in range(d))]
        residuals += [f - g for f, g in zip(found, wanted, strict=True)]
        residuals.append(exponent.subs(dict.fromkeys((t, *motions), 0)))
    return vanishes(tuple(residuals))


SCALAR = Claim(
    id="solution-scalar",
    title="solution of geometric Brownian motion",
    statement=r"$X_t = X_0\exp\big((\mu-\tfrac{\sigma^2}2)t+\sigma W_t\big)$ is the solution of "
    r"$dX_t=\mu X_t\,dt+\sigma X_t\,dW_t$. It is positive for every $t$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("sec. 4: solution of eq. 6"), *v2("sec. 3: solution of eq. 4")),
    sheet=("A4",),
    assumptions=(
        "Itô's formula",
        "the coefficients are Lipschitz, hence the solution is unique (see A1)",
        "formula lost in the text of version 2; reconstructed: as in version 1",
    ),
    depends=("A4",),
    derivation=r"Let $f(t,w)=x_0e^{(\mu-\sigma^2/2)t+\sigma w}$. Then $f_w=\sigma f$, "
    r"$f_{ww}=\sigma^2f$ and $f_t=(\mu-\tfrac{\sigma^2}2)f$. Itô's formula for $X_t=f(t,W_t)$ "
    r"reads $dX=(f_t+\tfrac12f_{ww})dt+f_w\,dW=\mu X\,dt+\sigma X\,dW$, and $f(0,0)=x_0$.",
    proof=Proof(
        solves_scalar_gbm,
        holds=(mu - sigma**2 / 2) * t + sigma * w,
        twins={
            "no Itô term": mu * t + sigma * w,
            "Itô term sigma^2": (mu - sigma**2) * t + sigma * w,
            "Itô term with the wrong sign": (mu + sigma**2 / 2) * t + sigma * w,
            "sigma^2 W for sigma W": (mu - sigma**2 / 2) * t + sigma**2 * w,
        },
    ),
)

_HOLDS = tuple((rate - sigma**2 / 2) * t + sigma * noise for rate, noise in ((mu1, w1), (mu2, w2)))
_LOG_DRIFT = mu - sigma**2 / 2
# Ordinary values; a long time with strong noise; a drift of log X that nearly vanishes.
_TIMES = (
    {"mu": 0.37, "sigma": 0.8, "t": 0.25, "T": 1.0},
    {"mu": -1.9, "sigma": 1.7, "t": 2.75, "T": 3.0},
    {"mu": 0.3200001, "sigma": 0.8, "t": 1e-9, "T": 1.0},
)
_STATES = (
    {**_TIMES[0], "x1": 1.3, "x2": 0.02, "z1": -0.4, "z2": 1.9},
    {**_TIMES[1], "x1": 7e-4, "x2": 210.0, "z1": 6.5, "z2": -6.5},
    {**_TIMES[2], "x1": 1.0, "x2": 2.0, "z1": 0.7, "z2": 1e-3},
)


def _sample(scale: Expr) -> tuple[Expr, Expr]:
    return tuple(x * exp(_LOG_DRIFT * t + scale * z) for x, z in ((x1, z1), (x2, z2)))


A6 = Claim(
    id="A6",
    title="solution and exact kernel of the forward process",
    statement=r"$X_t = X_0\circ\exp\big((\mu-\tfrac{\sigma^2}2\mathbf 1)t+\sigma W_t\big)$, so "
    r"$\log X_t\mid X_0\sim\mathcal N\big(\log X_0+(\mu-\tfrac{\sigma^2}2\mathbf 1)t,\ "
    r"\sigma^2t\,I\big)$ and $X_t\overset d=X_0\circ e^{m(t)+\sqrt{v(t)}Z}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("sec. 4: solution of eq. 8"), *v2("eq. 6")),
    sheet=("A6",),
    assumptions=(
        "X_0 has positive entries and is independent of W",
        "formula lost in the text of version 2; reconstructed: as in version 1",
    ),
    depends=("A5", "solution-scalar"),
    derivation=r"Itô's formula for $f_i(t,w)=x_{0,i}e^{(\mu_i-\sigma^2/2)t+\sigma w_i}$: the "
    r"derivative with respect to $w_j$ is $\sigma f_i$ for $j=i$ and $0$ otherwise, the drift is "
    r"$f_{i,t}+\tfrac12\sum_jf_{i,jj}=\mu_if_i$. The law follows from $W_t\sim\mathcal N(0,tI)$. "
    "Decided for $d=2$ with different drifts.",
    proof=Proof(
        solves_vector_gbm,
        holds=_HOLDS,
        twins={
            "no Itô term": (mu1 * t + sigma * w1, mu2 * t + sigma * w2),
            "one Brownian motion for all entries": (_HOLDS[0], _HOLDS[1].subs(w2, w1)),
            "Itô term d sigma^2/2": tuple(e - sigma**2 / 2 * t for e in _HOLDS),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.GBM.log_mean",
            formula=_LOG_DRIFT * t,
            twins={"no Itô term": mu * t, "Itô term sigma^2": (mu - sigma**2) * t},
            points=_TIMES,
        ),
        Pin(
            "gbm_ref.GBM.log_var",
            formula=sigma**2 * t,
            twins={"sigma for sigma^2": sigma * t},
            points=_TIMES,
        ),
        Pin(
            "gbm_ref.GBM.time_at_log_var",
            formula=v / sigma**2,
            twins={"the standard deviation inverted": v / sigma},
            points=(
                {"v": 0.4, "mu": 0.37, "sigma": 0.8, "T": 1.0},
                {"v": 1e-12, "mu": -1.9, "sigma": 1.7, "T": 3.0},
                {"v": 8.6, "mu": -1.9, "sigma": 1.7, "T": 3.0},
            ),
        ),
        Pin(
            "gbm_ref.GBM.sample",
            formula=_sample(sigma * sqrt(t)),
            twins={"variance for deviation": _sample(sigma**2 * t)},
            points=_STATES,
        ),
    ),
)

CLAIMS = (SCALAR, A6)
