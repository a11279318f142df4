"""Mixtures of log-normals: their law at t, their score and its derivative (sheet R2).

Symbols: L_i = log x_i;  (w1, a, S) and (w2, b, T) the components of log X_0, in the plane;
         m_i, v     integrals of mu_i - sigma^2/2 and sigma^2 over [0, t], so that
                    dm_i/dt = mu_i - s2/2 and dv/dt = s2, whatever mu_i(t) and sigma(t) are
         r_j  share of component j in the density at x;  u_j  its log score
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import mpmath
from mpmath import mpf
from sympy import Expr, Matrix, diff, exp, expand, eye, log, ones, symbols, zeros

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Pin
from spec.checking.symbols import mu, s2, sigma, t, v, x
from spec.targets import _laws
from spec.targets._laws import DATA, Component, flat, table

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
            lambda m, v_: _DATA_LAW(m + v_ / 2 * ones(2, 1), v_),
            1,
        ),
        "no variance added": (lambda m, v_: _law(m, 0 * eye(2)), 1),
        "one noise for all coordinates": (lambda m, v_: _law(m, v_ * ones(2, 2)), 1),
        "the Jacobian left out": (_DATA_LAW, 0),
        "weights that change with the noise": (lambda m, v_: _law(m, v_ * eye(2), v_), 1),
    },
    shown=_shown,
    values=lambda: {"rate": _RATE},
    names=_laws.NAMES,
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


@dataclass(frozen=True)
class Part:
    """What a formula for the score may use of one component; pull is u_j."""

    weight: Expr
    share: Expr
    mean: Matrix
    precision: Matrix
    pull: Matrix


Score = Callable[[tuple[Part, ...], Matrix], Matrix]  # of the parts and of log x


def _parts(laws: tuple[Component, ...], sizes: list[Expr], y: Matrix) -> tuple[Part, ...]:
    """What a formula may use at log x = y, where the components have these sizes."""
    inverses = [cov.adjugate() / cov.det() for _, _, cov in laws]
    return tuple(
        Part(w, size / sum(sizes), mean, inverse, -inverse * (y - mean))
        for (w, mean, _), size, inverse in zip(laws, sizes, inverses, strict=True)
    )


def is_the_hyvarinen_score(score: Score) -> bool:
    r"""In the plane, for a mixture of two log-normals, $x\circ\nabla\log p(x)=[[it]]$, where $r_j$
    is the share of component $j$ in the density at $x$ and $u_j$ the gradient of the logarithm of
    its normal density, as a function of $\log x$.

    $x_i\partial_i$ is the derivative in $\log x_i$. That of the logarithm of the sum is taken with
    a symbol for each exponential and for each constant factor.
    """
    phis = [-_laws.quadratic(_laws.Y, mean, cov) / 2 for _, mean, cov in DATA]
    factors = symbols("N1 N2")
    total = sum(factor * exp(phi) for factor, phi in zip(factors, phis, strict=True))
    as_symbols = {exp(phi): symbols(f"E{j}") for j, phi in enumerate(phis)}
    left = [diff(log(total) - sum(_laws.Y), y).subs(as_symbols) for y in _laws.Y]
    sizes = [n * e for n, e in zip(factors, as_symbols.values(), strict=True)]
    return same(Matrix(left), score(_parts(DATA, sizes, _laws.Y), _laws.Y))


def _mean_of(parts: tuple[Part, ...], name: str, by: str = "share") -> Matrix:
    first, *others = (getattr(part, by) * getattr(part, name) for part in parts)
    return sum(others, first)


def _hyvarinen(parts: tuple[Part, ...], y: Matrix, by: str = "share") -> Matrix:
    return _mean_of(parts, "pull", by) - ones(*y.shape)


def _as_one(parts: tuple[Part, ...], y: Matrix) -> Matrix:
    """The score of one normal law with the mean of the component means and precisions."""
    return -_mean_of(parts, "precision") * (y - _mean_of(parts, "mean")) - ones(*y.shape)


def _vector(name: str) -> Matrix:
    return Matrix(symbols(f"{name}1 {name}2"))


def _with_names(score: Score) -> dict[str, Matrix]:
    """The formula in shares r_j and pulls u_j."""
    pairs = zip(symbols("r1 r2"), DATA, (_vector("u_1"), _vector("u_2")), strict=True)
    parts = tuple(Part(w, r, mean, cov, u) for r, (w, mean, cov), u in pairs)
    return {"it": score(parts, _laws.Y)}


_ON_LINE = tuple(
    (w, Matrix([mean]), Matrix([variance]))
    for w, (mean, variance) in zip(
        (symbols("w"), 1 - symbols("w")), (symbols("a1 v1"), symbols("a2 v2")), strict=True
    )
)
_ONE_ON_LINE = ((1, Matrix(symbols("a,")), Matrix(symbols("v,", positive=True))),)
_ONE = ((1, _laws.A, _laws.S),)
# What each form of the score is, of the Hyvarinen score and of the state.
_FORMS: Mapping[str, Callable[[Expr, Expr], Expr]] = {
    "log_score": lambda h, x: h + 1,
    "hyvarinen_score": lambda h, x: h,
    "stein_score": lambda h, x: h / x,
}


def _at_state(laws: tuple[Component, ...], at: Matrix) -> tuple[tuple[Part, ...], Matrix]:
    """The parts of the laws at the state, and its logarithm."""
    y = at.applyfunc(log)
    return _parts(laws, [_laws.size(*law, y) for law in laws], y), y


def _read(form: str, laws: tuple[Component, ...], at: Matrix) -> Callable[[Score], tuple]:
    def reads(score: Score) -> tuple[Expr, ...]:
        return tuple(map(_FORMS[form], score(*_at_state(laws, at)), at))

    return reads


def _score_pins() -> tuple[Pin, ...]:
    """Each form of the score of each law in the plane, and on the line what has vectors."""
    line, points = Matrix([x]), _laws.POINTS_NEAR_ZERO
    in_plane = [
        Pin(f"gbm_ref.{name}.{form}", points, _read(form, laws, _laws.X), variant="2-D")
        for name, laws in (("LogNormal", _ONE), ("LogNormalMixture", DATA))
        for form in _FORMS
    ]
    on_line = [
        Pin(f"gbm_ref.{name}.{form}", (), _read(form, laws, line), vectors=file, variant="1-D")
        for name, form, laws, file in (
            *(("LogNormal", form, _ONE_ON_LINE, f"log_normal_{form}") for form in _FORMS),
            ("LogNormalMixture", "hyvarinen_score", _ON_LINE, "mixture_hyvarinen_score"),
        )
    ]
    return (*in_plane, *on_line)


SCORE = Claim(
    "R2-score",
    "score of a mixture of log-normals",
    is_the_hyvarinen_score,
    holds=_hyvarinen,
    twins={
        "weights in place of shares": lambda parts, y: _hyvarinen(parts, y, "weight"),
        "the log score, without -1": lambda parts, y: _mean_of(parts, "pull"),
        "one normal law with the mean parameters": _as_one,
    },
    shown=_with_names,
    names=_laws.NAMES,
    sheet=("R2",),
    assumptions=(_laws.POSITIVE_DEFINITE,),
    depends=("correlated-log-normal", "R2"),
    pins=_score_pins(),
)


# Of the shares r_j, the pulls u_j and the precisions P_j.
Slope = Callable[[tuple[Expr, ...], tuple[Matrix, ...], tuple[Matrix, ...]], Matrix]
_U = (_vector("u_1"), _vector("u_2"))
_P = (_laws.symmetric("P_1"), _laws.symmetric("P_2"))


def is_the_derivative_of_the_score(formula: Slope) -> bool:
    r"""For the same mixture the log score has the derivative $[[it]]$ in $\log x$, where $P_j$ is
    the inverse of the covariance of component $j$.

    The second derivatives at one point of the logarithm of a sum of two exponentials of quadratics
    with gradients $u_j$ and second derivatives the negatives of $P_j$; all coefficients are
    symbols, so that the point is any point.
    """
    d, sizes = _vector("d"), symbols("N1 N2")
    total = sum(
        size * exp(u.dot(d) - (d.T * P * d)[0] / 2)
        for size, u, P in zip(sizes, _U, _P, strict=True)
    )
    at_point = dict.fromkeys(d, 0)
    left = Matrix([[diff(log(total), e, f).subs(at_point) for e in d] for f in d])
    return same(left, formula(tuple(size / sum(sizes) for size in sizes), _U, _P))


def _second_moment(r: tuple, u: tuple[Matrix, ...], P: tuple[Matrix, ...]) -> Matrix:
    first, *others = (r_ * (u_ * u_.T - P_) for r_, u_, P_ in zip(r, u, P, strict=True))
    return sum(others, first)


def _derivative(r: tuple, u: tuple[Matrix, ...], P: tuple[Matrix, ...]) -> Matrix:
    """-sum r P + sum r u u^T - (sum r u)(sum r u)^T."""
    first, *others = (r_ * u_ for r_, u_ in zip(r, u, strict=True))
    mean = sum(others, first)
    return _second_moment(r, u, P) - mean * mean.T


def _curvature(r: tuple, P: tuple[Matrix, ...]) -> Matrix:
    first, *others = (r_ * P_ for r_, P_ in zip(r, P, strict=True))
    return sum(others, first)


def _divergence(formula: Slope) -> Expr:
    """Its trace on the line, at the parts of the mixture there."""
    parts, _ = _at_state(_ON_LINE, Matrix([x]))
    shares, pulls = (tuple(getattr(part, name) for part in parts) for name in ("share", "pull"))
    return formula(shares, pulls, tuple(part.precision for part in parts)).trace()


def _divergence_of_one(formula: Slope) -> Expr:
    """Its trace for one component at t, at its mean, since it is the same everywhere."""
    precision = (_laws.S + sigma**2 * t * eye(2)).inv()
    return formula((1,), (zeros(2, 1),), (precision,)).trace()


DERIVATIVE = Claim(
    "R2-hessian",
    "derivative of the score of a mixture",
    is_the_derivative_of_the_score,
    holds=_derivative,
    twins={
        "the square of the mean left out": _second_moment,
        "curvature of the components alone": lambda r, u, P: -_curvature(r, P),
        "plus the precisions": lambda r, u, P: _derivative(r, u, P) + 2 * _curvature(r, P),
    },
    shown=lambda formula: {"it": formula(symbols("r1 r2"), _U, _P)},
    sheet=("R2",),
    assumptions=(_laws.POSITIVE_DEFINITE,),
    depends=("R2-score",),
    pins=(
        Pin(
            "gbm_ref.log_score_divergence",
            vectors="mixture_log_score_divergence",
            reads=_divergence,
            variant="mixture",
        ),
        Pin(
            "gbm_ref.exact_divergence",
            _laws.points(_laws.POINTS, _laws.TIMES),
            reads=_divergence_of_one,
            twins={"one coordinate": _divergence_of_one(_derivative) / 2},
        ),
    ),
)

CLAIMS = (MIXTURE, SCORE, DERIVATIVE)
