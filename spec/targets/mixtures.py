"""Mixtures of log-normals stay such; their score and its derivative (sheet R2)."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from operator import add
from typing import NamedTuple

import mpmath
from mpmath import mpf
from sympy import (
    Expr, Integer, Matrix, Rational, Symbol, diff, exp, expand, expand_log, eye, hessian, log,
    ones, symbols, sympify, zeros)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Pin
from spec.checking.diffusions import fokker_planck, partials_of_exponentials
from spec.checking.pins import table
from spec.checking.symbols import mu, s2, sigma, t, v, x
from spec.targets import _laws
from spec.targets._laws import DATA, Component, X, Y, flat

Law = Callable[[Expr, Matrix, Matrix, Matrix, Expr], Component]
RATE = mu - sigma**2 / 2
_M, _MU, _MEAN = (Matrix(symbols(f"{name}1 {name}2")) for name in ("m", "mu", "M"))
_THERE = *DATA[0], _M, v
_TERM, _POWER = (Symbol("w"), _MEAN, Matrix(2, 2, symbols("C11 C12 C21 C22"))), Symbol("power")


def is_the_law_at_t(candidate: tuple[Law, int]) -> bool:
    r"""In the plane, let $\log X_0$ be a mixture of normal laws, of which one has the weight
    $w_1$, the mean $a$ and the covariance $S$. Then $\log X_t$ is such a mixture, and this one has
    become that of weight $[[weight]]$, mean $[[mean]]$ and covariance $[[cov]]$, where $m_i$ and
    $v$ are the integrals of [[rate]] and of $\sigma^2$; the density of $X_t$ is that of $\log X_t$
    times $[[jacobian]]$.

    At $m$ and $v$ zero it is the data law, and each term of the density solves the Fokker-Planck
    equation of A5, which is linear. The last factor is the Jacobian determinant of $\log x$."""
    law, power = candidate
    start = flat(law(*DATA[0], zeros(2, 1), 0 * v))
    gaps = [f - g for f, g in zip(start, flat(DATA[0]), strict=True)]
    gaps.append(_jacobian(power) - X.applyfunc(log).jacobian(X).det())
    return vanishes(gaps) and vanishes(_residual(law(*_THERE), power))


def _residual(component: Component, power: int) -> Expr:
    """What is left of the equation over the term, in L less the mean and S + v I: it is short."""
    (slopes, flow), values = _equation(), [expand(e) for e in flat(component)]
    rate = sum(slope * _in_time(e) for slope, e in zip(slopes, values, strict=True))
    spreads = {_laws.S[i, i]: _laws.S[i, i] - v for i in (0, 1)}
    known = dict(zip(flat(_TERM), values, strict=True)) | {_POWER: sympify(power)}
    return (rate - flow).xreplace(known).xreplace(spreads)


@cache
def _equation() -> tuple[list[Expr], Expr]:
    """How a term changes with its weight, mean and covariance, and in time, over the term."""
    weight, mean, covariance = _TERM
    # The logarithm of the term, up to a constant.
    log_p = log(weight) + expand_log(log(_jacobian(_POWER)), force=True)
    log_p -= _laws.quadratic(Y, mean, covariance) / 2
    log_p -= log(covariance.det()) / 2
    drift, diffusion = _MU.multiply_elementwise(X), s2 * Matrix.diag(*X) ** 2
    flow = fokker_planck(log_p, drift, diffusion, partials_of_exponentials(Y, X))
    at_mean = dict.fromkeys(mean, Integer(0))
    return [diff(log_p, e).xreplace(at_mean) for e in flat(_TERM)], flow.xreplace(at_mean)


def _jacobian(power: Expr | int) -> Expr:
    return (X[0] * X[1]) ** -power


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
        ("weight", "mean", "cov", "jacobian"), (*found[0](*_THERE), _jacobian(found[1])),
        strict=True,
    )), values=lambda: {"rate": RATE}, names={"mu": r"\mu_i"}, assumptions=(
        _laws.POSITIVE_DEFINITE,
        "sigma is one number for all coordinates; mu may differ, both may depend on t",
        "the Fokker-Planck equation has no other solution that starts as this one",
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
    ))  # fmt: skip


class Part(NamedTuple):
    """What a formula may use of one component; gap is log x - m_j."""

    weight: Expr
    share: Expr
    gap: Matrix
    precision: Matrix
    pull: Matrix


Formula = Callable[[tuple[Part, ...]], Matrix]
# The parts with names for shares r_j, pulls u_j and precisions P_j.
_NAMED = tuple(Part(w, r, Y - mean, _laws.symmetric(f"P_{j}"), Matrix(symbols(f"u_{j}1 u_{j}2")))
    for j, r, (w, mean, _) in zip((1, 2), symbols("r1 r2"), DATA, strict=True))  # fmt: skip
_D = Matrix(symbols("d1 d2"))  # log x less a point
_SIZES = symbols("N1 N2")  # of the components at the point
_GROWTH = [exp(part.pull.dot(_D) - (_D.T * part.precision * _D)[0] / 2) for part in _NAMED]
_LOG_DENSITY = log(sum(size * growth for size, growth in zip(_SIZES, _GROWTH, strict=True)))


def _are(formula: Formula, derivatives: Matrix) -> bool:
    shares = {part.share: size / sum(_SIZES) for part, size in zip(_NAMED, _SIZES, strict=True)}
    return same(derivatives.subs(dict.fromkeys(_D, 0)), formula(_NAMED).xreplace(shares))


def is_the_hyvarinen_score(score: Formula) -> bool:
    r"""In the plane, for a mixture of two log-normals, $x\circ\nabla\log p(x)=[[it]]$, where $r_j$
    is the share of component $j$ in the density at $x$ and $u_j$ the gradient of the logarithm of
    its normal density, as a function of $\log x$.

    Each component is its value at a point times the exponential of a quadratic with the gradient
    $u_j$, all with symbols for coefficients, so that the point is any point. The logarithm of the
    sum, times the Jacobian, is differentiated in $\log x_i$."""
    return _are(score, Matrix([diff(_LOG_DENSITY - sum(_D), d) for d in _D]))


def _mean_of(parts: tuple[Part, ...], name: str, by: str = "share") -> Matrix:
    return reduce(add, (getattr(part, by) * getattr(part, name) for part in parts))


def _hyvarinen(parts: tuple[Part, ...], by: str = "share") -> Matrix:
    return _mean_of(parts, "pull", by) - ones(*parts[0].pull.shape)


def _component(weight: Expr, mean: str, variance: str) -> Component:
    return weight, Matrix([symbols(mean)]), Matrix([symbols(variance, positive=True)])


_ON_LINE = (_component(symbols("w"), "a1", "v1"), _component(1 - symbols("w"), "a2", "v2"))
_ONE_ON_LINE, _ONE = (_component(1, "a", "v"),), ((1, _laws.A, _laws.S),)
_DIFFUSED = tuple(at_time(law_at_t, *_ONE))
# What each form of the score is, of the Hyvarinen score and of the state.
_FORMS: Mapping[str, Callable[[Expr, Expr], Expr]] = {
    "log_score": lambda h, x: h + 1, "hyvarinen_score": lambda h, x: h,
    "stein_score": lambda h, x: h / x}  # fmt: skip


def at_state(laws: Sequence[Component], at: Matrix) -> tuple[Part, ...]:
    """The parts of the formulas at a state, for these components."""
    y = at.applyfunc(log)
    sizes = [_laws.size(*law, y) for law in laws]
    found = [(y - mean, covariance.adjugate() / covariance.det()) for _, mean, covariance in laws]
    return tuple(
        Part(weight, size / sum(sizes), gap, precision, -precision * gap)
        for (weight, *_), size, (gap, precision) in zip(laws, sizes, found, strict=True)
    )


def _read(form: str, laws: tuple[Component, ...], at: Matrix) -> Callable[[Formula], tuple]:
    parts = cache(lambda: at_state(laws, at))
    return lambda score: tuple(map(_FORMS[form], score(parts()), at))


def _in_plane(name: str, form: str, laws: tuple[Component, ...]) -> Pin:
    reads = _read(form, laws, X)
    return Pin(f"gbm_ref.{name}.{form}", _laws.POINTS_NEAR_ZERO, reads, variant="2-D")


def _on_line(name: str, form: str, laws: tuple[Component, ...], file: str) -> Pin:
    reads = _read(form, laws, Matrix([x]))
    return Pin(f"gbm_ref.{name}.{form}", (), reads, vectors=f"{file}_{form}", variant="1-D")


SCORE = Claim(
    "R2-score", "Hyvärinen score of a mixture of log-normals", is_the_hyvarinen_score,
    holds=_hyvarinen, twins={
        "weights in place of shares": lambda parts: _hyvarinen(parts, "weight"),
        "the log score, without -1": lambda parts: _mean_of(parts, "pull"),
        "one normal law with the mean parameters": lambda parts: (
            -_mean_of(parts, "precision") * _mean_of(parts, "gap") - ones(*parts[0].gap.shape)
        ),
    }, shown=lambda score: {"it": score(_NAMED)}, names=_laws.NAMES, sheet=("R2",),
    assumptions=(_laws.POSITIVE_DEFINITE.text,), depends=("correlated-log-normal", "R2"), pins=(
        *(_in_plane("LogNormal", form, _ONE) for form in _FORMS),
        *(_in_plane("LogNormalMixture", form, DATA) for form in _FORMS),
        *(_on_line("LogNormal", form, _ONE_ON_LINE, "log_normal") for form in _FORMS),
        _on_line("LogNormalMixture", "hyvarinen_score", _ON_LINE, "mixture"),
        Pin("gbm_ref.exact_score", _laws.POINTS, _read("hyvarinen_score", _DIFFUSED, X)),
    ))  # fmt: skip


def is_the_derivative_of_the_score(formula: Formula) -> bool:
    r"""For the same mixture the log score has the derivative $[[it]]$ in $\log x$, where $P_j$ is
    the inverse of the covariance of component $j$.

    As for R2-score, with second derivatives: those of the quadratics are the negatives of $P_j$.
    """
    return _are(formula, hessian(_LOG_DENSITY, _D))


def _second_moment(parts: tuple[Part, ...]) -> Matrix:
    return reduce(add, (p.share * (p.pull * p.pull.T - p.precision) for p in parts))


def _derivative(parts: tuple[Part, ...]) -> Matrix:
    mean = _mean_of(parts, "pull")
    return _second_moment(parts) - mean * mean.T


def _divergence_of_one(formula: Formula) -> Expr:
    """Its trace for one component at t, at its mean, since it is the same everywhere."""
    zero = zeros(2, 1)
    return formula((Part(1, 1, zero, _DIFFUSED[0][2].inv(), zero),)).trace()


DERIVATIVE = Claim(
    "R2-hessian", "derivative of the log score of a mixture", is_the_derivative_of_the_score,
    holds=_derivative, twins={
        "the square of the mean left out": _second_moment,
        "curvature of the components alone": lambda parts: -_mean_of(parts, "precision"),
        "plus the precisions": lambda parts: _derivative(parts) + 2 * _mean_of(parts, "precision"),
    }, shown=lambda formula: {"it": formula(_NAMED)}, sheet=("R2",),
    assumptions=(_laws.POSITIVE_DEFINITE.text,), depends=("R2-score",), pins=(
        Pin(
            "gbm_ref.log_score_divergence", vectors="mixture_log_score_divergence",
            reads=lambda formula: formula(at_state(_ON_LINE, Matrix([x]))).trace(),
            variant="mixture",
        ), Pin(
            "gbm_ref.exact_divergence", _laws.POINTS, reads=_divergence_of_one,
            twins={"one coordinate": _divergence_of_one(_derivative) / 2},
        ),
    ))  # fmt: skip
CLAIMS = (MIXTURE, SCORE, DERIVATIVE)
