"""Mixtures of log-normals stay mixtures of log-normals (sheet R2).

Symbols: L_i = log x_i;  (w1, a, S) and (w2, b, T) the components of log X_0, in the plane;
         m_i, v     integrals of mu_i - sigma^2/2 and sigma^2 over [0, t], so that
                    dm_i/dt = mu_i - s2/2 and dv/dt = s2, whatever mu_i(t) and sigma(t) are
"""

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Matrix, diff, expand, eye, log, ones, symbols, zeros

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Pin
from spec.checking.pins import table
from spec.checking.symbols import mu, s2, sigma, t, v
from spec.targets import _laws
from spec.targets._laws import DATA, Component, flat

Law = Callable[[Matrix, Expr], tuple[Component, ...]]
_RATE = mu - sigma**2 / 2
_M, _MU = (Matrix(symbols(f"{name}1 {name}2")) for name in ("m", "mu"))


def is_the_law_at_t(candidate: tuple[Law, int]) -> bool:
    r"""In the plane, let $\log X_0$ be a mixture of two normal laws with weights $w_j$, means $a$
    and $b$ and covariances $S$ and $T$, of which $T$ is diagonal. Then $\log X_t$ is one with the
    weights $[[weight]]$ and $[[weight']]$, the means $[[mean]]$ and $[[mean']]$ and the
    covariances $[[cov]]$ and $[[cov']]$, where $m_i$ and $v$ are the integrals of [[rate]] and of
    $\sigma^2$; the density of $X_t$ is that of $\log X_t$ times $[[jacobian]]$.

    At $m$ and $v$ zero it is the data law, and it solves the Fokker-Planck equation of A5. The
    equation is linear and the components are linearly independent functions of $x$, so that each
    has to solve it; divided by the component both sides are rational.
    """
    law, power = candidate
    starts = zip(law(zeros(2, 1), 0 * v), DATA, strict=True)
    gaps = [f - g for now, data in starts for f, g in zip(flat(now), flat(data), strict=True)]
    return vanishes(gaps) and all(
        vanishes(_centred(_residual(now, power), data))
        for now, data in zip(law(_M, v), DATA, strict=True)
    )


def _residual(component: Component, power: int) -> Expr:
    """dp_j/dt minus the right side of the Fokker-Planck equation, over p_j / w_j."""
    weight, mean, covariance = component[0], *(part.applyfunc(expand) for part in component[1:])
    # log p_j = log w_j + exponent - log(det) / 2 + a constant; x d/dx is d/dL.
    exponent = -power * sum(_laws.Y) - _laws.quadratic(_laws.Y, mean, covariance) / 2
    det = covariance.det()
    rate = _in_time(weight) + weight * (_in_time(exponent) - _in_time(det) / (2 * det))
    flow = 0
    for drift, y in zip(_MU, _laws.Y, strict=True):
        slope = diff(exponent, y)  # x p'/p
        bend = slope**2 + diff(slope, y) - slope  # x^2 p''/p
        flow += -drift * (1 + slope) + s2 / 2 * (2 + 4 * slope + bend)
    return rate - weight * flow


def _centred(residual: Expr, data: Component) -> Expr:
    """The residual in L - a - m and S + v I, for which it is short; T is taken diagonal."""
    _, mean, covariance = data
    spreads = {covariance[i, i]: covariance[i, i] - v for i in (0, 1)}
    places = dict(zip(_laws.Y, _laws.Y + mean + _M, strict=True))
    return residual.subs({**spreads, **places, _laws.T[0, 1]: 0}, simultaneous=True)


def _in_time(f: Expr) -> Expr:
    by_mean = sum((drift - s2 / 2) * diff(f, m) for drift, m in zip(_MU, _M, strict=True))
    return by_mean + s2 * diff(f, v)


def _law(shift: Matrix, spread: Matrix, forgotten: Expr = 0) -> tuple[Component, ...]:
    """DATA with `shift` added to the means, `spread` to the covariances; weights that approach."""
    weights = [w + forgotten * (sum(_laws.WEIGHTS) - 2 * w) for w in _laws.WEIGHTS]
    return tuple(
        (w, mean + shift, cov + spread) for w, (_, mean, cov) in zip(weights, DATA, strict=True)
    )


def _shown(candidate: tuple[Law, int]) -> dict[str, object]:
    law, power = candidate
    parts = zip(("", "'"), law(_M, v), strict=True)
    named = {
        f"{name}{mark}": entry
        for mark, part in parts
        for name, entry in zip(("weight", "mean", "cov"), part, strict=True)
    }
    return named | {"jacobian": (_laws.X[0] * _laws.X[1]) ** -power}


def _draw(values: Mapping[str, mpf], end: int = 0) -> mpf:
    """exp(a_j + sqrt(S_j) z), j the component in whose part of [0, 1] the uniform draw lies.

    With `end` = 1 the parts are counted from the other end.
    """
    first = (1 - values["u"] if end else values["u"]) < values["w1"]
    mean, variance = (values[name] for name in ("aS" if first else "bT"))
    return mpmath.exp(mean + mpmath.sqrt(variance) * values["z"])


def _at_time(candidate: tuple[Law, int], first: int = 0) -> tuple[Expr, ...]:
    """Weight, mean and covariance of each component at t; a single one has no weight."""
    law = candidate[0](_RATE * t * ones(2, 1), sigma**2 * t)
    return tuple(entry for part in law for entry in flat(part))[first : 7 if first else None]


_DATA_LAW = lambda m, v_: _law(m, v_ * eye(2))  # noqa: E731
MIXTURE = Claim(
    "R2",
    "law of X_t for a mixture of log-normals",
    is_the_law_at_t,
    holds=(_DATA_LAW, 1),
    twins={
        "drift mu t, without the Ito term": (
            lambda m, v_: _law(m + v_ / 2 * ones(2, 1), v_ * eye(2)),
            1,
        ),
        "no variance added": (lambda m, v_: _law(m, 0 * eye(2)), 1),
        "one noise for all coordinates": (lambda m, v_: _law(m, v_ * ones(2, 2)), 1),
        "the Jacobian left out": (_DATA_LAW, 0),
        "weights that change with the noise": (lambda m, v_: _law(m, v_ * eye(2), v_), 1),
    },
    shown=_shown,
    values=lambda: {"rate": _RATE},
    names=_laws.NAMES | {"mu": r"\mu_i"},
    assumptions=(
        _laws.POSITIVE_DEFINITE,
        "sigma is one number for all coordinates; mu may differ, both may depend on t",
    ),
    depends=("A5", "A6", "A33", "correlated-log-normal"),
    pins=(
        Pin(
            "gbm_ref.LogNormalMixture.logpdf",
            _laws.POINTS,
            reads=lambda found: log(_laws.density(found[0](zeros(2, 1), 0 * v), found[1])),
            variant="2-D",
        ),
        Pin(
            "gbm_ref.LogNormalMixture.logpdf",
            vectors="mixture_logpdf",
            because="it is the density of the data law, on the line",
            variant="1-D",
        ),
        Pin(
            "gbm_ref.LogNormalMixture.cdf",
            vectors="mixture_cdf",
            because="it is the integral of that density, on the line",
        ),
        Pin(
            "gbm_ref.LogNormalMixture.rvs",
            table(
                "u w1 a S w2 b T z",
                (0.1, 0.25, 0.3, 0.64, 0.75, -0.4, 0.3, 1.3),
                (0.2499, 0.25, 0.3, 0.64, 0.75, -0.4, 0.3, -8.1),
                (0.2501, 0.25, 0.3, 0.64, 0.75, 0.9, 1e-6, 7.9),
            ),
            because="it draws from the data law: a component first, then in it",
            formula=_draw,
            twins={"from the other component": lambda values: _draw(values, 1)},
        ),
        _laws.root_pin("gbm_ref.LogNormalMixture.rvs"),
        *(
            Pin(
                f"gbm_ref.{name}.diffuse",
                _laws.points(_laws.POINTS, _laws.TIMES),
                reads=lambda found, first=first: _at_time(found, first),
            )
            for name, first in (("LogNormal", 1), ("LogNormalMixture", 0))
        ),
    ),
)

CLAIMS = (MIXTURE,)
