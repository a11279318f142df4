"""The denoiser: posterior mean and covariance of log X_0 from the score.

Symbols: y, m, v as in `_posterior`; h = x * grad log p_t; J = gradient of the log score; I the
identity.
"""

from collections.abc import Callable

from sympy import Expr, Integer, Matrix, Symbol, eye

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import dt, h, mu, s2, v, z
from spec.scores import _mixture, _posterior

Tweedie = tuple[Callable[[Expr, Expr, Expr, Expr], Expr], Callable[[Expr, Matrix], Matrix]]


def is_tweedie(formulas: Tweedie) -> bool:
    """Whether the formulas give mean and covariance of log X_0 given X_t, for every data law.

    formulas  the mean from (y, m, v, h) by coordinate, and the covariance from (v, J)
    Also asked: one step of eq. (13) of length t without noise lands on exp of the mean.
    """
    mean, covariance = formulas
    score = _posterior.log_score()
    means = [
        mean(y, m, v, s - 1) for y, m, s in zip(_posterior.Y, _posterior.DRIFT, score, strict=True)
    ]
    return (
        same(_posterior.mean(), Matrix(means))
        and same(_posterior.covariance(), covariance(v, _posterior.hessian()))
        and _is_one_step(mean)
    )


def _is_one_step(mean: Callable[[Expr, Expr, Expr, Expr], Expr]) -> bool:
    y, noise = Symbol("y", real=True), Symbol("noise", positive=True)
    step = y - dt * (mu - 3 * s2 / 2) + dt * s2 * h + noise * z
    return same(step.subs(z, Integer(0)), mean(y, (mu - s2 / 2) * dt, s2 * dt, h))


def _right_mean(y: Expr, m: Expr, v: Expr, h: Expr) -> Expr:
    return y - m + v * (1 + h)


def _right_covariance(v: Expr, J: Matrix) -> Matrix:
    return v * eye(2) + v**2 * J


R5 = Claim(
    id="R5",
    title="denoiser (Tweedie)",
    statement=r"$D(x,t)=\mathbb E[\log X_0\mid X_t=x]=\log x-m+v(1+H)$ and $\mathrm{Cov}(\log "
    r"X_0\mid X_t=x)=vI+v^2\nabla_ys$. $e^D$, the posterior geometric mean, is where one step of "
    "(13) of length $t$ without noise lands.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R5",),
    assumptions=(
        "any law of the data, t > 0",
        "mu and sigma constant for the statement about one step",
    ),
    depends=("A6", "A10-score", "A13"),
    derivation=r"Differentiate $q(y)=\int N(y;y_0+m,v)\,\pi(dy_0)$ under the integral: $\nabla "
    r"q/q=\mathbb E[y_0-y+m\mid y]/v$, which is the first formula, and $\nabla^2q/q=\mathbb "
    r"E[(y_0-y+m)(y_0-y+m)^\top\mid y]/v^2-I/v$. Since $\nabla s=\nabla^2q/q-ss^\top$, $v^2\nabla "
    r"s=\mathrm{Cov}(y_0\mid y)-vI$. The posterior moments are symbols, so that every data law in "
    r"the plane is covered, mixtures included. With $m=(\mu-\frac{\sigma^2}2)t$ and "
    r"$v=\sigma^2t$, $D=\log x-t(\mu-\frac32\sigma^2)+t\sigma^2H$ is the exponent of (13).",
    proof=Proof(
        is_tweedie,
        holds=(_right_mean, _right_covariance),
        twins={
            "H for the log score": (lambda y, m, v, h: y - m + v * h, _right_covariance),
            "m added": (lambda y, m, v, h: y + m + v * (1 + h), _right_covariance),
            "minus v^2 J": (_right_mean, lambda v, J: v * eye(2) - v**2 * J),
            "v I left out": (_right_mean, lambda v, J: v**2 * J),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.posterior_log_mean",
            formula=_mixture.mean,
            twins={
                "m added": lambda at: _mixture.mean(at, sign=1),
                "H for the log score": lambda at: _mixture.mean(at, jacobian=1),
            },
            points=_mixture.POINTS,
        ),
        Pin(
            "gbm_ref.posterior_log_cov",
            formula=_mixture.covariance,
            twins={
                "v I left out": lambda at: _mixture.covariance(at, own=0),
                "minus v^2 J": lambda at: _mixture.covariance(at, sign=-1),
            },
            points=_mixture.POINTS,
            scale=_mixture.covariance_scale,
        ),
    ),
)

CLAIMS = (R5,)
