"""The divergence of the law at t = 1 from a log-normal start: sheet R23.

Log-data have mean a and covariance C; Sigma = C + sigma^2 I; M = a + m. Symbols: M1, M2, S11, S12,
S22 the moments of log X_1, whatever its law; N(b, B) an arbitrary Gaussian in log space;
ldet_S, ls the logarithms of det Sigma and of a fitted variance.
"""

from collections.abc import Callable

from sympy import Expr, Matrix, Rational, Symbol, eye, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.divergence import _at_end
from spec.divergence._plane import Law, law, log_density
from spec.divergence.gaussian import kl

_Y = Matrix(symbols("y1 y2"))


def average(quadratic: Expr, moments: Law) -> Expr:
    """E of a quadratic polynomial in y under any law with this mean and covariance."""
    mean, cov, _ = moments
    centred = quadratic.subs(dict(zip(_Y, mean + _Y, strict=True)), simultaneous=True)
    spread = sum(cov[i, j] * centred.diff(_Y[i], _Y[j]) / 2 for i in range(2) for j in range(2))
    return centred.subs(dict.fromkeys(_Y, 0)) + spread


def splits(matched: Callable[[Law], tuple[Matrix, Matrix]]) -> bool:
    """Whether KL(p || g) = KL(p || n) + KL(n || g) with n = N(matched(moments of p)).

    g is an arbitrary Gaussian, p an arbitrary law of the plane with the moments M, S: of p only
    the average of log n - log g enters, which is a quadratic polynomial. Right: the formula for
    two Gaussians. The log determinant of n is a symbol.
    """
    p, g = law("S"), law("B")
    mean, cov = matched(p)
    n = (mean, cov, Symbol("logdet_n"))
    left = average(log_density(_Y, n) - log_density(_Y, g), p)
    return same(left, kl(cov, g[1], mean - g[0], n[2] - g[2]))


def is_the_best_product(fit: Callable[[Law], tuple[Matrix, Matrix]]) -> bool:
    """Whether KL(N(M, S) || N(b, D)) = KL(N || fit) + sum of one-dimensional KL(fit_i || .).

    b, D = diag are arbitrary. Every term of the sum is a divergence, so that the fit is then the
    best product and the only one. Log variances are symbols: l_i of D, f_i of the fit.
    """
    p, (b, _, _) = law("S"), law("B")
    D, logs, fitted = symbols("D1 D2"), symbols("l1 l2"), symbols("f1 f2")
    mean, cov = fit(p)
    total = kl(p[1], Matrix.diag(*D), p[0] - b, p[2] - sum(logs))
    at_fit = kl(p[1], cov, p[0] - mean, p[2] - sum(fitted))
    rest = sum(
        kl(cov[i : i + 1, i : i + 1], Matrix([[D[i]]]), mean[i : i + 1, :] - b[i : i + 1, :],
           fitted[i] - logs[i])
        for i in range(2)
    )  # fmt: skip
    excess = sum(fitted) - p[2]
    return vanishes((total - at_fit - rest, at_fit - excess / 2))


def is_the_best_single(fit: Callable[[Law], tuple[Expr, Expr]]) -> bool:
    """Whether KL(N(M, S) || N(b 1, D I)) = [2 ls - ldet S]/2 + 2 KL(N(fit) || N(b, D)).

    b and D are arbitrary numbers, so the fit (mean, variance) is the best one and the only one.
    The logarithms ls of the fitted variance and l of D are symbols.
    """
    p = law("S")
    b, D, ls, ld = symbols("b D ls l")
    mean, variance = fit(p)
    ones = Matrix([1, 1])
    total = kl(p[1], D * eye(2), p[0] - b * ones, p[2] - 2 * ld)
    rest = 2 * kl(Matrix([[variance]]), Matrix([[D]]), Matrix([mean - b]), ls - ld)
    return same(total, (2 * ls - p[2]) / 2 + rest)


def _moments(p: Law) -> tuple[Matrix, Matrix]:
    return p[0], p[1]


def _diagonal(p: Law) -> tuple[Matrix, Matrix]:
    return p[0], Matrix.diag(p[1][0, 0], p[1][1, 1])


def single_fit(p: Law) -> tuple[Expr, Expr]:
    """Mean over pixels, and variance over pixels and images."""
    mean = sum(p[0]) * Rational(1, 2)
    spread = sum((entry - mean) ** 2 for entry in p[0])
    return mean, (p[1].trace() + spread) * Rational(1, 2)


def _single_without_means(p: Law) -> tuple[Expr, Expr]:
    return single_fit(p)[0], p[1].trace() * Rational(1, 2)


def _fit_pins(
    variant: str, start: tuple[Expr, ...], twins: dict[str, tuple[Expr, ...]]
) -> tuple[Pin, Pin]:
    """The fitted start, and the same with its price."""
    priced = {name: _at_end.priced(twin) for name, twin in twins.items()}
    priced["price not halved"] = _at_end.priced(start, times=2)
    return (
        Pin("gbm_ref.fitted_lognormal", start, twins, _at_end.POINTS, variant=variant),
        Pin("gbm_ref.best_start", _at_end.priced(start), priced, _at_end.POINTS, variant=variant),
    )


R23 = Claim(
    id="R23",
    title="what a Gaussian start can and cannot match",
    statement=r"For any $X_0$ with log moments $a,C$ and $\Sigma=C+\sigma^2I$: for every Gaussian "
    r"$g$ in log space, $\mathrm{KL}(p_1\Vert g)=\mathrm{KL}(p_1\Vert\mathcal N(a+m,\Sigma))+"
    r"\mathrm{KL}(\mathcal N(a+m,\Sigma)\Vert g)$. The second term is a lower bound that needs "
    "only moments.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R23",),
    assumptions=("log X_0 has second moments", "t = 1, constant sigma"),
    depends=("gaussian-kl", "A6", "C6"),
    derivation=r"$\log X_1=\log X_0+m+\sigma Z$ has mean $a+m$ and covariance $C+\sigma^2I$. "
    r"$\mathrm{KL}(p_1\Vert g)-\mathrm{KL}(p_1\Vert n)=\mathbb E_{p_1}[\log n-\log g]$, the "
    r"average of a quadratic polynomial, and so the same as under $n=\mathcal N(a+m,\Sigma)$, "
    r"where it is $\mathrm{KL}(n\Vert g)$. Decided for full covariances of the plane.",
    proof=Proof(
        splits,
        holds=_moments,
        twins={
            "correlations left out": _diagonal,
            "mean left out": lambda p: (0 * p[0], p[1]),
            "covariance doubled": lambda p: (p[0], 2 * p[1]),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.terminal_gaussian",
            formula=_at_end.LAW,
            twins={"without the noise": _at_end.WITHOUT_NOISE},
            points=_at_end.POINTS,
        ),
        Pin(
            "gbm_ref.terminal_mismatch",
            formula=_at_end.mismatch,
            twins={
                "the other direction": lambda at: _at_end.mismatch(at, swapped=True),
                "noise twice": lambda at: _at_end.mismatch(at, noise=2),
            },
            points=_at_end.WITH_START,
            variant="plane",
        ),
    ),
)

PRODUCT = Claim(
    id="R23-product",
    title="the best product of log-normals",
    statement=r"Among independent pixels the best start has the marginal means and variances, and "
    r"costs $\frac12(\sum_i\ln\Sigma_{ii}-\ln\det\Sigma)$ nats more than $\mathcal "
    r"N(a+m,\Sigma)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R23",),
    assumptions=("as R23",),
    depends=("R23",),
    derivation=r"$\mathrm{KL}(\mathcal N(a,\Sigma)\Vert\mathcal "
    r"N(b,D))=\frac12(\sum\ln\Sigma_{ii}-\ln\det\Sigma)+\sum_i\mathrm{KL}(\mathcal "
    r"N(a_i,\Sigma_{ii})\Vert\mathcal N(b_i,D_i))$: the last terms are non-negative and vanish "
    "only at the marginals, so that this is a minimum, not only a stationary point. Decided for a "
    "full covariance of the plane, the logarithms symbols.",
    proof=Proof(
        is_the_best_product,
        holds=_diagonal,
        twins={
            "one variance for all pixels": lambda p: (p[0], eye(2) * p[1].trace() / 2),
            "variances of the independent part": lambda p: (
                p[0],
                Matrix.diag(*(p[1].det() / p[1][1 - i, 1 - i] for i in (0, 1))),
            ),
            "one mean for all pixels": lambda p: (
                Matrix([1, 1]) * sum(p[0]) / 2,
                _diagonal(p)[1],
            ),
        },
    ),
    pins=_fit_pins("product", _at_end.product(), {"without the noise": _at_end.product(noise=0)}),
)

SINGLE = Claim(
    id="R23-single",
    title="the best single pair of parameters",
    statement=r"Among starts $\exp(\hat\mu+\hat\sigma Z)$ with one pair for all pixels the best "
    r"is $\hat\mu=\bar a+m$, $\hat\sigma^2=\frac1d\sum_i[\Sigma_{ii}+(a_i-\bar a)^2]$, the "
    r"moments of the pooled pixels; it costs $\frac12(d\ln\hat\sigma^2-\ln\det\Sigma)$ nats more "
    r"than $\mathcal N(a+m,\Sigma)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R23",),
    assumptions=("as R23", "m equal for all pixels"),
    depends=("R23",),
    derivation=r"$\sum_i[\Sigma_{ii}+(a_i-b)^2]=d[\hat\sigma^2+(\hat\mu-b)^2]$, so the divergence "
    r"from $\mathcal N(b\mathbf 1,\tau I)$ is "
    r"$\frac12(d\ln\hat\sigma^2-\ln\det\Sigma)+d\,\mathrm{KL}(\mathcal "
    r"N(\hat\mu,\hat\sigma^2)\Vert\mathcal N(b,\tau))$, least where the last term is 0. Decided "
    "for two pixels with a full covariance and different means.",
    proof=Proof(
        is_the_best_single,
        holds=single_fit,
        twins={
            "spread of the means left out": _single_without_means,
            "sum instead of mean over pixels": lambda p: (
                single_fit(p)[0],
                2 * single_fit(p)[1],
            ),
            "mean of the first pixel": lambda p: (p[0][0], single_fit(p)[1]),
        },
    ),
    pins=_fit_pins(
        "one pair", _at_end.single(), {"spread of the means left out": _at_end.single(spread=0)}
    ),
)

CLAIMS = (R23, PRODUCT, SINGLE)
