"""Mixtures of log-normals stay mixtures of log-normals (sheet R2)."""

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Matrix, Rational, diff, expand, eye, log, ones, symbols, zeros

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Pin
from spec.checking.diffusions import fokker_planck, partials_of_exponentials
from spec.checking.pins import table
from spec.checking.symbols import mu, s2, sigma, t, v
from spec.targets import _laws
from spec.targets._laws import DATA, Component, X, Y, flat

Law = Callable[[Expr, Matrix, Matrix, Matrix, Expr], Component]
RATE = mu - sigma**2 / 2
_M, _MU = (Matrix(symbols(f"{name}1 {name}2")) for name in ("m", "mu"))


def is_the_law_at_t(candidate: tuple[Law, int]) -> bool:
    r"""In the plane, let $\log X_0$ be a mixture of normal laws, of which one has the weight
    $w_1$, the mean $a$ and the covariance $S$. Then $\log X_t$ is such a mixture, and this one has
    become that of weight $[[weight]]$, mean $[[mean]]$ and covariance $[[cov]]$, where $m_i$ and
    $v$ are the integrals of [[rate]] and of $\sigma^2$; the density of $X_t$ is that of $\log X_t$
    times $[[jacobian]]$.

    At $m$ and $v$ zero it is the data law, and each term of the density solves the Fokker-Planck
    equation of A5, which is linear; divided by the term both sides are rational.
    """
    law, power = candidate
    start = flat(law(*DATA[0], zeros(2, 1), 0 * v))
    gaps = [f - g for f, g in zip(start, flat(DATA[0]), strict=True)]
    return vanishes([*gaps, _residual(law(*DATA[0], _M, v), power)])


def _residual(component: Component, power: int) -> Expr:
    """What is left of the equation over the term, in L - a - m and S + v I, where it is short."""
    weight, mean, covariance = component[0], *(part.applyfunc(expand) for part in component[1:])
    # Up to a constant the logarithm of the term is log w + log_p - log(det) / 2.
    log_p = -power * sum(Y) - _laws.quadratic(Y, mean, covariance) / 2
    det = covariance.det()
    rate = _in_time(weight) / weight + _in_time(log_p) - _in_time(det) / (2 * det)
    drift, diffusion = _MU.multiply_elementwise(X), s2 * Matrix.diag(*X) ** 2
    flow = fokker_planck(log_p, drift, diffusion, partials_of_exponentials(Y, X))
    spreads = {_laws.S[i, i]: _laws.S[i, i] - v for i in (0, 1)}
    places = dict(zip(Y, Y + _laws.A + _M, strict=True))
    return (rate - flow).subs(spreads | places, simultaneous=True)


def _in_time(f: Expr) -> Expr:
    rates = (RATE.subs({mu: drift, sigma**2: s2}) for drift in _MU)
    by_mean = sum(rate * diff(f, m) for rate, m in zip(rates, _M, strict=True))
    return by_mean + s2 * diff(f, v)


def _draw(values: Mapping[str, mpf], end: int = 0) -> mpf:
    """exp(a_j + sqrt(S_j) z), j the component in whose part of [0, 1], from an end, u lies."""
    first = (1 - values["u"] if end else values["u"]) < values["w1"]
    mean, variance = (values[name] for name in ("aS" if first else "bT"))
    return mpmath.exp(mean + mpmath.sqrt(variance) * values["z"])


def at_time(law: Law, *data: Component) -> list[Component]:
    """The components at t, for rates that are constant and the same in both coordinates."""
    return [law(*part, RATE * t * ones(2, 1), sigma**2 * t) for part in data]


def _at_start(found: tuple[Law, int]) -> Expr:
    law, power = found
    return log(_laws.density([law(*part, zeros(2, 1), 0 * v) for part in DATA], power))


def _both(found: tuple[Law, int]) -> tuple[Expr, ...]:
    return tuple(entry for part in at_time(found[0], *DATA) for entry in flat(part))


def law_at_t(w: Expr, mean: Matrix, cov: Matrix, m: Matrix, v_: Expr) -> Component:
    """A component, m and v later."""
    return w, mean + m, cov + v_ * eye(2)


MIXTURE = Claim(
    "R2", "law of X_t for a mixture of log-normals", is_the_law_at_t, holds=(law_at_t, 1), twins={
        "drift mu t, without the Ito term": (
            lambda w, a, S, m, v_: law_at_t(w, a, S, m + v_ / 2 * ones(2, 1), v_), 1,
        ), "no variance added": (lambda w, a, S, m, v_: (w, a + m, S), 1),
        "one noise for all coordinates": (
            lambda w, a, S, m, v_: (w, a + m, S + v_ * ones(2, 2)), 1,
        ), "the Jacobian left out": (law_at_t, 0), "weights that change with the noise": (
            lambda w, a, S, m, v_: law_at_t(w + v_ * (Rational(1, 2) - w), a, S, m, v_), 1,
        ),
    }, shown=lambda found: dict(zip(
        ("weight", "mean", "cov", "jacobian"),
        (*found[0](*DATA[0], _M, v), (X[0] * X[1]) ** -found[1]), strict=True,
    )), values=lambda: {"rate": RATE}, names={"mu": r"\mu_i"}, assumptions=(
        _laws.POSITIVE_DEFINITE,
        "sigma is one number for all coordinates; mu may differ, both may depend on t",
    ), depends=("A5", "A6", "A33", "correlated-log-normal"), pins=(
        Pin("gbm_ref.LogNormalMixture.logpdf", _laws.POINTS, reads=_at_start, variant="2-D"), Pin(
            "gbm_ref.LogNormalMixture.logpdf", vectors="mixture_logpdf",
            because="it is the density of the data law, on the line", variant="1-D",
        ), Pin(
            "gbm_ref.LogNormalMixture.cdf", vectors="mixture_cdf",
            because="it is the integral of that density, on the line",
        ), Pin(
            "gbm_ref.LogNormalMixture.rvs", table(
                "u w1 a S w2 b T z", (0.1, 0.25, 0.3, 0.64, 0.75, -0.4, 0.3, 1.3),
                (0.2499, 0.25, 0.3, 0.64, 0.75, -0.4, 0.3, -8.1),
                (0.2501, 0.25, 0.3, 0.64, 0.75, 0.9, 1e-6, 7.9),
            ), because="it draws from the data law: a component first, then in it", formula=_draw,
            twins={"from the other component": lambda values: _draw(values, 1)},
        ), _laws.root_pin("gbm_ref.LogNormalMixture.rvs"),
        Pin("gbm_ref.LogNormal.diffuse", _laws.POINTS, reads=lambda found: _both(found)[1:7]),
        Pin("gbm_ref.LogNormalMixture.diffuse", _laws.POINTS, reads=_both),
    ),
)  # fmt: skip

CLAIMS = (MIXTURE,)
