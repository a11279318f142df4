"""Score of a mixture of log-normals and its derivative (sheet R2).

Symbols: r_j  share of component j in the density at x;  u_j  its log score;  P_j  its precision
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Matrix, diff, exp, eye, log, ones, symbols, zeros

from spec.checking.algebra import same
from spec.checking.claim import Claim, Pin
from spec.checking.symbols import sigma, t, x
from spec.targets import _laws
from spec.targets._laws import DATA, Component


@dataclass(frozen=True)
class Part:
    """What a formula may use of one component; gap is log x - m_j, pull is u_j."""

    weight: Expr
    share: Expr
    gap: Matrix
    precision: Matrix
    pull: Matrix


Parts = tuple[Part, ...]
Formula = Callable[[Parts], Matrix]


def _parts(laws: tuple[Component, ...], sizes: list[Expr], y: Matrix) -> Parts:
    """The parts at log x = y, where the components have these sizes."""
    inverses = [cov.adjugate() / cov.det() for _, _, cov in laws]
    return tuple(
        Part(w, size / sum(sizes), y - mean, inverse, -inverse * (y - mean))
        for (w, mean, _), size, inverse in zip(laws, sizes, inverses, strict=True)
    )


def _vector(name: str) -> Matrix:
    return Matrix(symbols(f"{name}1 {name}2"))


# The parts with names for shares r_j, pulls u_j and precisions P_j.
_NAMED = tuple(
    Part(w, r, _laws.Y - mean, _laws.symmetric(f"P_{j}"), _vector(f"u_{j}"))
    for j, r, (w, mean, _) in zip((1, 2), symbols("r1 r2"), DATA, strict=True)
)


def is_the_hyvarinen_score(score: Formula) -> bool:
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
    return same(Matrix(left), score(_parts(DATA, sizes, _laws.Y)))


def _mean_of(parts: Parts, name: str, by: str = "share") -> Matrix:
    return _laws.total(getattr(part, by) * getattr(part, name) for part in parts)


def _hyvarinen(parts: Parts, by: str = "share") -> Matrix:
    return _mean_of(parts, "pull", by) - ones(*parts[0].pull.shape)


def _as_one(parts: Parts) -> Matrix:
    """The score of one normal law with the mean of the component means and precisions."""
    pull = -_mean_of(parts, "precision") * _mean_of(parts, "gap")
    return pull - ones(*pull.shape)


def _on_line(weight: Expr, mean: str, variance: str) -> Component:
    return weight, Matrix([symbols(mean)]), Matrix([symbols(variance, positive=True)])


_ON_LINE = (_on_line(symbols("w"), "a1", "v1"), _on_line(1 - symbols("w"), "a2", "v2"))
_ONE_ON_LINE, _ONE = (_on_line(1, "a", "v"),), ((1, _laws.A, _laws.S),)
# What each form of the score is, of the Hyvarinen score and of the state.
_FORMS: Mapping[str, Callable[[Expr, Expr], Expr]] = {
    "log_score": lambda h, x: h + 1,
    "hyvarinen_score": lambda h, x: h,
    "stein_score": lambda h, x: h / x,
}


def _at_state(laws: tuple[Component, ...], at: Matrix) -> Parts:
    y = at.applyfunc(log)
    return _parts(laws, [_laws.size(*law, y) for law in laws], y)


def _read(form: str, laws: tuple[Component, ...], at: Matrix) -> Callable[[Formula], tuple]:
    return lambda score: tuple(map(_FORMS[form], score(_at_state(laws, at)), at))


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
        "weights in place of shares": lambda parts: _hyvarinen(parts, "weight"),
        "the log score, without -1": lambda parts: _mean_of(parts, "pull"),
        "one normal law with the mean parameters": _as_one,
    },
    shown=lambda score: {"it": score(_NAMED)},
    names=_laws.NAMES,
    sheet=("R2",),
    assumptions=(_laws.POSITIVE_DEFINITE,),
    depends=("correlated-log-normal", "R2"),
    pins=_score_pins(),
)


def is_the_derivative_of_the_score(formula: Formula) -> bool:
    r"""For the same mixture the log score has the derivative $[[it]]$ in $\log x$, where $P_j$ is
    the inverse of the covariance of component $j$.

    The second derivatives at one point of the logarithm of a sum of two exponentials of quadratics
    with gradients $u_j$ and second derivatives the negatives of $P_j$; all coefficients are
    symbols, so that the point is any point.
    """
    d, sizes = _vector("d"), symbols("N1 N2")
    total = sum(
        size * exp(part.pull.dot(d) - (d.T * part.precision * d)[0] / 2)
        for size, part in zip(sizes, _NAMED, strict=True)
    )
    at_point = dict.fromkeys(d, 0)
    left = Matrix([[diff(log(total), e, f).subs(at_point) for e in d] for f in d])
    shared = zip(sizes, _NAMED, strict=True)
    return same(left, formula(tuple(replace(p, share=n / sum(sizes)) for n, p in shared)))


def _second_moment(parts: Parts) -> Matrix:
    return _laws.total(p.share * (p.pull * p.pull.T - p.precision) for p in parts)


def _derivative(parts: Parts) -> Matrix:
    """-sum r P + sum r u u^T - (sum r u)(sum r u)^T."""
    mean = _mean_of(parts, "pull")
    return _second_moment(parts) - mean * mean.T


def _divergence_of_one(formula: Formula) -> Expr:
    """Its trace for one component at t, at its mean, since it is the same everywhere."""
    zero, precision = zeros(2, 1), (_laws.S + sigma**2 * t * eye(2)).inv()
    return formula((Part(1, 1, zero, precision, zero),)).trace()


DERIVATIVE = Claim(
    "R2-hessian",
    "derivative of the score of a mixture",
    is_the_derivative_of_the_score,
    holds=_derivative,
    twins={
        "the square of the mean left out": _second_moment,
        "curvature of the components alone": lambda parts: -_mean_of(parts, "precision"),
        "plus the precisions": lambda parts: _derivative(parts) + 2 * _mean_of(parts, "precision"),
    },
    shown=lambda formula: {"it": formula(_NAMED)},
    sheet=("R2",),
    assumptions=(_laws.POSITIVE_DEFINITE,),
    depends=("R2-score",),
    pins=(
        Pin(
            "gbm_ref.log_score_divergence",
            vectors="mixture_log_score_divergence",
            reads=lambda formula: formula(_at_state(_ON_LINE, Matrix([x]))).trace(),
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

CLAIMS = (SCORE, DERIVATIVE)
