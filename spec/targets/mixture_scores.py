"""Score of a mixture of log-normals and its derivative (sheet R2).

Symbols: L_i = log x_i;  component j of log X: weight w_j, mean m_j, covariance S_j
         r_j  share of component j in the density at x, r_j = w_j N_j / sum_k w_k N_k
         u_j  its log score, u_j = -S_j^-1 (log x - m_j)
"""

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Expr, Matrix, diff, exp, eye, log, ones, symbols, zeros

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import sigma, t
from spec.targets import _formulas, _laws
from spec.targets._laws import DATA


@dataclass(frozen=True)
class Part:
    """What a formula for the score may use of one component."""

    weight: Expr
    share: Expr
    mean: Matrix
    covariance: Matrix

    @property
    def pull(self) -> Matrix:
        """u_j = -S_j^-1 (L - m_j)."""
        return -self.covariance.inv() * (_laws.Y - self.mean)


Score = Callable[[tuple[Part, ...]], Matrix]


def is_the_hyvarinen_score(score: Score) -> bool:
    """Whether x * grad log p = score for p = (x1 x2)^-1 sum_j w_j N(log x; m_j, S_j).

    Left: x_i d/dx_i = d/dL_i of the logarithm of the sum of two exponentials of quadratics, then a
    symbol for each term of the sum. Right: the formula, its shares made of the same symbols. The
    factor 1 / sqrt(det S_j) does not depend on x and stays in the symbol of its component.
    """
    phis = [-_laws.quadratic(_laws.Y, mean, cov) / 2 for _, mean, cov in DATA]
    terms = symbols("N1 N2")
    total = sum(w * n * exp(phi) for (w, *_), n, phi in zip(DATA, terms, phis, strict=True))
    left = [diff(log(total) - sum(_laws.Y), y) for y in _laws.Y]
    as_symbols = {exp(phi): symbols(f"E{j}") for j, phi in enumerate(phis)}
    sizes = [w * n * e for (w, *_), n, e in zip(DATA, terms, as_symbols.values(), strict=True)]
    parts = tuple(
        Part(w, size / sum(sizes), mean, cov)
        for (w, mean, cov), size in zip(DATA, sizes, strict=True)
    )
    return same(Matrix(left).subs(as_symbols), score(parts))


def _hyvarinen(parts: tuple[Part, ...]) -> Matrix:
    return _mean_of(parts, [part.pull for part in parts]) - ones(2, 1)


def _mean_of(parts: tuple[Part, ...], values: list[Matrix]) -> Matrix:
    return sum((p.share * value for p, value in zip(parts, values, strict=True)), 0 * values[0])


def _by_weights(parts: tuple[Part, ...]) -> Matrix:
    return sum((part.weight * part.pull for part in parts), zeros(2, 1)) - ones(2, 1)


def _moment_matched(parts: tuple[Part, ...]) -> Matrix:
    """The score of one normal law with the mean of the component means and covariances."""
    mean = _mean_of(parts, [part.mean for part in parts])
    covariance = _mean_of(parts, [part.covariance for part in parts])
    return -covariance.inv() * (_laws.Y - mean) - ones(2, 1)


def is_the_derivative_of_the_score(
    formula: Callable[[tuple[Expr, ...], tuple[Matrix, ...], tuple[Matrix, ...]], Matrix],
) -> bool:
    """Whether nabla_y s = formula(shares r_j, pulls u_j, precisions P_j = S_j^-1).

    Left: the second derivatives at one point of the logarithm of a sum of exponentials of
    quadratics u_j d - d P_j d / 2 with symbols for all coefficients, so that the point is any
    point. Right: the formula.
    """
    d = Matrix(symbols("d1 d2"))
    pulls = tuple(Matrix(symbols(f"u{j}1 u{j}2")) for j in (1, 2))
    entries = [symbols(f"P{j}11 P{j}12 P{j}22") for j in (1, 2)]
    precisions = tuple(Matrix([[p11, p12], [p12, p22]]) for p11, p12, p22 in entries)
    sizes = symbols("N1 N2")
    total = sum(
        size * exp(u.dot(d) - (d.T * P * d)[0] / 2)
        for size, u, P in zip(sizes, pulls, precisions, strict=True)
    )
    at_point = dict.fromkeys(d, 0)
    left = Matrix([[diff(log(total), e, f).subs(at_point) for e in d] for f in d])
    return same(left, formula(tuple(size / sum(sizes) for size in sizes), pulls, precisions))


def _derivative(
    shares: tuple[Expr, ...], pulls: tuple[Matrix, ...], precisions: tuple[Matrix, ...]
) -> Matrix:
    """-sum r P + sum r u u^T - (sum r u)(sum r u)^T."""
    mean = sum((r * u for r, u in zip(shares, pulls, strict=True)), zeros(2, 1))
    return _second_moment(shares, pulls, precisions) - mean * mean.T


def _second_moment(
    shares: tuple[Expr, ...], pulls: tuple[Matrix, ...], precisions: tuple[Matrix, ...]
) -> Matrix:
    each = zip(shares, pulls, precisions, strict=True)
    return sum((r * (u * u.T - P) for r, u, P in each), zeros(2, 2))


# At x = 3e-7 the rounding of log x = -15 is 15 times what a rounding of x does, which the
# condition scale in terms of x does not show; hence k = 16 on the line.
_DIMS = {"2-D": (_formulas.POINTS_NEAR_ZERO, 8.0), "1-D": (_formulas.LINE_POINTS, 16.0)}
_SCORES = {
    "LogNormal": {"2-D": _formulas.PULL},
    "LogNormalMixture": {"2-D": _formulas.LOG_SCORE, "1-D": _formulas.LINE_LOG_SCORE},
}


def _pins() -> tuple[Pin, ...]:
    """Each form of the score of each law, on the line and in the plane."""
    pins = []
    for name, formulas in _SCORES.items():
        for variant, score in formulas.items():
            x = _laws.X if variant == "2-D" else [_laws.x]
            points, k = _DIMS[variant]
            stein = tuple((s - 1) / e for s, e in zip(score, x, strict=True))
            forms = {
                "log_score": (score, tuple(s - 1 for s in score)),
                "hyvarinen_score": (tuple(s - 1 for s in score), score),
                "stein_score": (stein, tuple(s / e for s, e in zip(score, x, strict=True))),
            }
            for form, (formula, twin) in forms.items():
                pins.append(
                    Pin(
                        f"gbm_ref.{name}.{form}",
                        formula=formula,
                        twins={"one more or one less": twin},
                        points=points,
                        k=k,
                        variant=variant,
                    )
                )
    return tuple(pins)


def _trace(score: tuple[Expr, ...], times: int = 0) -> Expr:
    """sum_i x_i d s_i / d x_i, and `times` the square of the score."""
    slopes = sum(x * diff(s, x) for x, s in zip(_laws.X, score, strict=True))
    return slopes + times * sum(s**2 for s in score)


_SLOPE = -(_laws.S + sigma**2 * t * eye(2)).inv().trace()
_DIVERGENCE_PINS = (
    Pin(
        "gbm_ref.log_score_divergence",
        formula=_trace(_formulas.LOG_SCORE),
        twins={
            "the square of the mean left out": _trace(_formulas.LOG_SCORE, 1),
            "in x, not in log x": sum(
                diff(s, x) for x, s in zip(_laws.X, _formulas.LOG_SCORE, strict=True)
            ),
        },
        points=_laws.POINTS_OF_TWO,
        variant="mixture",
    ),
    Pin(
        "gbm_ref.exact_divergence",
        formula=_SLOPE,
        twins={"without the noise": _SLOPE.subs(t, 0), "one coordinate": _SLOPE / 2},
        points=tuple(
            {**one, **time} for one, time in zip(_laws.POINTS_OF_ONE, _formulas.TIMES, strict=True)
        ),
    ),
)

SCORE = Claim(
    id="R2-score",
    title="score of a mixture of log-normals",
    statement=r"For $\log X\sim\sum_jw_j\mathcal N(m_j,\Sigma_j)$: $H(x)=x\circ\nabla\log p(x)="
    r"-\mathbf 1+\sum_jr_ju_j$ with $u_j=-\Sigma_j^{-1}(\log x-m_j)$ and the shares $r_j\propto "
    r"w_j\mathcal N(\log x;m_j,\Sigma_j)$, $\sum_jr_j=1$. For one component $H=-\mathbf "
    r"1-\Sigma^{-1}(\log x-m)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R2",),
    assumptions=(
        "each covariance is positive definite",
        "decided for d = 2 and two components with full covariances, every entry a symbol",
    ),
    depends=("correlated-log-normal", "R2"),
    derivation=r"$\log p=-\sum_iL_i+\log\sum_jw_j\mathcal N(L;m_j,\Sigma_j)$ and "
    r"$x_i\partial_i=\partial_{L_i}$. The first term gives $-1$; the derivative of the second is "
    r"$\sum_jw_j\mathcal N_j\,\nabla\log\mathcal N_j\big/\sum_kw_k\mathcal N_k$, and "
    r"$\nabla\log\mathcal N_j=u_j$. With $m_j=a_j+m(t)$ and $\Sigma_j=S_j+v(t)I$ it is the exact "
    r"score at every $t$.",
    proof=Proof(
        is_the_hyvarinen_score,
        holds=_hyvarinen,
        twins={
            "weights in place of shares": _by_weights,
            "the log score, without -1": lambda parts: _hyvarinen(parts) + ones(2, 1),
            "one normal law with the mean parameters": _moment_matched,
        },
    ),
    pins=_pins(),
)

DERIVATIVE = Claim(
    id="R2-hessian",
    title="derivative of the score of a mixture",
    statement=r"For the same mixture the log score $s=\mathbf 1+H$ has $\nabla_ys=-\sum_jr_j"
    r"\Sigma_j^{-1}+\sum_jr_ju_ju_j^\top-\big(\sum_jr_ju_j\big)\big(\sum_jr_ju_j\big)^\top$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R2",),
    assumptions=(
        "each covariance is positive definite",
        "decided for d = 2 and two components with full covariances, every entry a symbol",
    ),
    depends=("R2-score",),
    derivation=r"$s=\nabla_y\log Q$ with $Q=\sum_jw_j\mathcal N_j$, so $\nabla_ys=\nabla^2Q/Q-"
    r"ss^\top$. Since $\nabla\mathcal N_j=u_j\mathcal N_j$ and $\nabla u_j=-\Sigma_j^{-1}$, "
    r"$\nabla^2\mathcal N_j=(u_ju_j^\top-\Sigma_j^{-1})\mathcal N_j$. The last two terms together "
    r"are the covariance of $u_j$ under the shares.",
    proof=Proof(
        is_the_derivative_of_the_score,
        holds=_derivative,
        twins={
            "the square of the mean left out": _second_moment,
            "curvature of the components alone": lambda r, u, P: -r[0] * P[0] - r[1] * P[1],
            "plus the precisions": lambda r, u, P: (
                _derivative(r, u, P) + 2 * (r[0] * P[0] + r[1] * P[1])
            ),
        },
    ),
    pins=_DIVERGENCE_PINS,
)

CLAIMS = (SCORE, DERIVATIVE)
