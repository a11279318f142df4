"""Score of a mixture of log-normals and its derivative (sheet R2)."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import NamedTuple

from sympy import Expr, Matrix, diff, exp, hessian, log, ones, symbols, zeros

from spec.checking.algebra import same
from spec.checking.claim import Claim, Pin
from spec.checking.symbols import x
from spec.targets import _laws, mixtures
from spec.targets._laws import DATA, Component, X, Y


class Part(NamedTuple):
    """What a formula may use of one component; gap is log x - m_j."""

    weight: Expr
    share: Expr
    gap: Matrix
    precision: Matrix
    pull: Matrix


Formula = Callable[[tuple[Part, ...]], Matrix]

# The parts with names for shares r_j, pulls u_j and precisions P_j.
_NAMED = tuple(
    Part(w, r, Y - mean, _laws.symmetric(f"P_{j}"), Matrix(symbols(f"u_{j}1 u_{j}2")))
    for j, r, (w, mean, _) in zip((1, 2), symbols("r1 r2"), DATA, strict=True)
)
_D = Matrix(symbols("d1 d2"))  # log x less a point
_SIZES = symbols("N1 N2")  # of the components at the point
_GROWTH = [exp(part.pull.dot(_D) - (_D.T * part.precision * _D)[0] / 2) for part in _NAMED]
_LOG_DENSITY = log(sum(size * growth for size, growth in zip(_SIZES, _GROWTH, strict=True)))


def _are(formula: Formula, derivatives: Matrix) -> bool:
    """Whether the formula gives the derivatives at the point."""
    shares = {part.share: size / sum(_SIZES) for part, size in zip(_NAMED, _SIZES, strict=True)}
    return same(derivatives.subs(dict.fromkeys(_D, 0)), formula(_NAMED).subs(shares))


def is_the_hyvarinen_score(score: Formula) -> bool:
    r"""In the plane, for a mixture of two log-normals, $x\circ\nabla\log p(x)=[[it]]$, where $r_j$
    is the share of component $j$ in the density at $x$ and $u_j$ the gradient of the logarithm of
    its normal density, as a function of $\log x$.

    $x_i\partial_i$ is the derivative in $\log x_i$. Each component is its value at a point times
    the exponential of a quadratic with the gradient $u_j$, all with symbols for coefficients, so
    that the point is any point. The logarithm of the sum, times the Jacobian, is differentiated.
    """
    return _are(score, Matrix([diff(_LOG_DENSITY - sum(_D), d) for d in _D]))


def _mean_of(parts: tuple[Part, ...], name: str, by: str = "share") -> Matrix:
    return reduce(add, (getattr(part, by) * getattr(part, name) for part in parts))


def _hyvarinen(parts: tuple[Part, ...], by: str = "share") -> Matrix:
    return _mean_of(parts, "pull", by) - ones(*parts[0].pull.shape)


def _component(weight: Expr, mean: str, variance: str) -> Component:
    return weight, Matrix([symbols(mean)]), Matrix([symbols(variance, positive=True)])


_ON_LINE = (_component(symbols("w"), "a1", "v1"), _component(1 - symbols("w"), "a2", "v2"))
_ONE_ON_LINE, _ONE = (_component(1, "a", "v"),), ((1, _laws.A, _laws.S),)
_DIFFUSED = tuple(mixtures.at_time(mixtures.law_at_t, *_ONE))
# What each form of the score is, of the Hyvarinen score and of the state.
_FORMS: Mapping[str, Callable[[Expr, Expr], Expr]] = {
    "log_score": lambda h, x: h + 1, "hyvarinen_score": lambda h, x: h,
    "stein_score": lambda h, x: h / x,
}  # fmt: skip


def at_state(laws: Sequence[Component], at: Matrix) -> tuple[Part, ...]:
    """The parts of the formulas at a state, for these components."""
    y = at.applyfunc(log)
    sizes = [_laws.size(*law, y) for law in laws]
    inverses = [cov.adjugate() / cov.det() for _, _, cov in laws]
    return tuple(
        Part(w, size / sum(sizes), y - mean, inverse, -inverse * (y - mean))
        for (w, mean, _), size, inverse in zip(laws, sizes, inverses, strict=True)
    )


def _read(form: str, laws: tuple[Component, ...], at: Matrix) -> Callable[[Formula], tuple]:
    return lambda score: tuple(map(_FORMS[form], score(at_state(laws, at)), at))


def _in_plane(name: str, form: str, laws: tuple[Component, ...]) -> Pin:
    reads = _read(form, laws, X)
    return Pin(f"gbm_ref.{name}.{form}", _laws.POINTS_NEAR_ZERO, reads, variant="2-D")


def _on_line(name: str, form: str, laws: tuple[Component, ...], file: str) -> Pin:
    reads = _read(form, laws, Matrix([x]))
    return Pin(f"gbm_ref.{name}.{form}", (), reads, vectors=f"{file}_{form}", variant="1-D")


SCORE = Claim(
    "R2-score", "score of a mixture of log-normals", is_the_hyvarinen_score, holds=_hyvarinen,
    twins={
        "weights in place of shares": lambda parts: _hyvarinen(parts, "weight"),
        "the log score, without -1": lambda parts: _mean_of(parts, "pull"),
        "one normal law with the mean parameters": lambda parts: (
            -_mean_of(parts, "precision") * _mean_of(parts, "gap") - ones(*parts[0].gap.shape)
        ),
    }, shown=lambda score: {"it": score(_NAMED)}, names=_laws.NAMES, sheet=("R2",),
    assumptions=(_laws.POSITIVE_DEFINITE,), depends=("correlated-log-normal", "R2"), pins=(
        *(_in_plane("LogNormal", form, _ONE) for form in _FORMS),
        *(_in_plane("LogNormalMixture", form, DATA) for form in _FORMS),
        *(_on_line("LogNormal", form, _ONE_ON_LINE, "log_normal") for form in _FORMS),
        _on_line("LogNormalMixture", "hyvarinen_score", _ON_LINE, "mixture"),
        Pin("gbm_ref.exact_score", _laws.POINTS, _read("hyvarinen_score", _DIFFUSED, X)),
    ),
)  # fmt: skip


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
    "R2-hessian", "derivative of the score of a mixture", is_the_derivative_of_the_score,
    holds=_derivative, twins={
        "the square of the mean left out": _second_moment,
        "curvature of the components alone": lambda parts: -_mean_of(parts, "precision"),
        "plus the precisions": lambda parts: _derivative(parts) + 2 * _mean_of(parts, "precision"),
    }, shown=lambda formula: {"it": formula(_NAMED)}, sheet=("R2",),
    assumptions=(_laws.POSITIVE_DEFINITE,), depends=("R2-score",), pins=(
        Pin(
            "gbm_ref.log_score_divergence", vectors="mixture_log_score_divergence",
            reads=lambda formula: formula(at_state(_ON_LINE, Matrix([x]))).trace(),
            variant="mixture",
        ), Pin(
            "gbm_ref.exact_divergence", _laws.POINTS, reads=_divergence_of_one,
            twins={"one coordinate": _divergence_of_one(_derivative) / 2},
        ),
    ),
)  # fmt: skip

CLAIMS = (SCORE, DERIVATIVE)
