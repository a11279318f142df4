"""The divergence of the law at the horizon from a log-normal start: sheet R23.

Symbols: S1, S11, ... the moments of log X_T, whatever its law; f1, f2, ls the logarithms of fitted
variances. Of pins: a1, C11, ... the moments of log X_0, N(b, Q) a start.
"""

from collections.abc import Callable

from sympy import Expr, Integer, Matrix, Symbol, eye, log, ones, symbols, trace, zeros

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Pin
from spec.checking.pins import table
from spec.checking.symbols import m, mu, sigma, v, z
from spec.divergence.gaussian import (
    DEFINITE,
    Law,
    explicit,
    is_tangent_of_log,
    kl,
    law,
    log_density,
)

_Y = Matrix(symbols("y1 y2"))
_T = Symbol("T", real=True)
_RATES = (mu - sigma**2 / 2) * _T, sigma**2 * _T  # m and v of constant rates
LOGS, LOG_OF_ONE = symbols("f1 f2"), Symbol("ls")
_NAMES = {"S1": "M_1", "S2": "M_2", **{f"S{i}": rf"\Sigma_{{{i}}}" for i in (11, 12, 22)}} | {
    "logdet_S": r"\log\det\Sigma", "f1": r"\log\hat\Sigma_{11}", "f2": r"\log\hat\Sigma_{22}",
    "ls": r"\log\hat\sigma^2",
}  # fmt: skip
Moments = Callable[[Law], tuple[Matrix, Matrix]]
Fit = Callable[[Law], tuple]  # mean, variances and the cost


def average(quadratic: Expr, moments: Law) -> Expr:
    """E of a quadratic polynomial in y under any law with this mean and covariance."""
    mean, cov, _ = moments
    centred = quadratic.subs(dict(zip(_Y, mean + _Y, strict=True)), simultaneous=True)
    spread = sum(cov[i, j] * centred.diff(_Y[i], _Y[j]) / 2 for i in range(2) for j in range(2))
    return centred.subs(dict.fromkeys(_Y, 0)) + spread


def splits(matched: Moments) -> bool:
    r"""In the plane, for any law $p$ of $\log X_T$ with the mean $M$ and the covariance $\Sigma$,
    and any Gaussian $g$, the divergence of $p$ from $g$ is the sum of that of $p$ from $n$ and
    that of $n$ from $g$, where $n$ is the Gaussian of mean $[[mean]]$ and covariance $[[cov]]$.
    The second is a lower bound that needs only moments.

    The divergence from $g$ less that from $n$ is the average of the log ratio of $n$ and $g$, a
    quadratic polynomial: of $p$ only its moments enter. It is compared with gaussian-kl. The log
    determinants are symbols.
    """
    p, g = law("S"), law("B")
    mean, cov = matched(p)
    n = (mean, cov, Symbol("logdet_n"))
    left = average(log_density(_Y, n) - log_density(_Y, g), p)
    return same(left, kl(cov, g[1], mean - g[0], n[2] - g[2]))


def is_the_best_product(fit: Fit) -> bool:
    r"""In the plane, of the starts with independent pixels that of mean $[[mean]]$ and covariance
    $[[cov]]$ is closest to the Gaussian of mean $M$ and covariance $\Sigma$, and no other one is
    as close; its divergence is $[[cost]]$.

    The divergence from any product is that from the fit, and the divergences of its pixels from
    those of the product in one dimension. None is negative, and they vanish only at the fit, since
    the line under their logarithms touches it once (E22-jensen). The logarithms are symbols, under
    hats for the variances of the fit.
    """
    p, (b, _, _) = law("S"), law("B")
    D, logs = symbols("D1 D2"), symbols("l1 l2")
    mean, cov, cost = fit(p)
    total = kl(p[1], Matrix.diag(*D), p[0] - b, p[2] - sum(logs))
    at_fit = kl(p[1], cov, p[0] - mean, p[2] - sum(LOGS))
    rest = sum(
        kl(Matrix([cov[i, i]]), Matrix([D[i]]), Matrix([mean[i] - b[i]]), LOGS[i] - logs[i])
        for i in range(2)
    )
    return _never_negative() and vanishes((total - at_fit - rest, at_fit - cost))


def _never_negative() -> bool:
    """Whether `kl` on the line is positive but for equal laws: with z the quotient of variances
    it is half of line(z) - log z, and half a square that vanishes for equal means alone."""
    line = 2 * kl(Matrix([z]), eye(1), zeros(1, 1), Integer(0))
    return is_tangent_of_log(line)


def is_the_best_single(fit: Fit) -> bool:
    r"""In the plane, of the starts with one mean and one variance for both pixels that of mean
    $[[mean]]$ and variance $[[cov]]$ is closest to the Gaussian of mean $M$ and covariance
    $\Sigma$, and no other one is as close; its divergence is $[[cost]]$.

    The divergence from any such start is the cost and twice the divergence, in one dimension, of
    the fit from its one pair, which vanishes only at the fit, as for R23-product. The logarithms
    are symbols, under a hat for the variance of the fit.
    """
    p = law("S")
    b, D, ld = symbols("b D l")
    mean, variance, cost = fit(p)
    total = kl(p[1], D * eye(2), p[0] - b * ones(2, 1), p[2] - 2 * ld)
    rest = 2 * kl(Matrix([variance]), Matrix([D]), Matrix([mean - b]), LOG_OF_ONE - ld)
    return _never_negative() and same(total, cost + rest)


def product_fit(p: Law) -> tuple:
    """Means, variances and the cost."""
    return p[0], Matrix.diag(p[1][0, 0], p[1][1, 1]), (sum(LOGS) - p[2]) / 2


def single_fit(p: Law) -> tuple:
    """Mean over pixels, variance over pixels and images, and the cost."""
    return sum(p[0]) / 2, trace(p[1]) / 2 + (p[0][0] - p[0][1]) ** 2 / 4, LOG_OF_ONE - p[2] / 2


def _at_end(shift: Expr = m, noise: Expr = v, name: str = "c") -> Law:
    """The moments at the horizon, in the names of the vectors or (C) of the pins."""
    mean, cov, _ = law(name)
    end = cov + noise * eye(2)
    data = mean.subs({f"{name}1": "a1", f"{name}2": "a2"})
    return data + shift * ones(2, 1), end, log(end.det())


def _mismatch(matched: Moments) -> Expr:
    (b, Q, _), (mean, cov) = law("q"), matched(_at_end())
    shift = mean - b.subs({"q1": "b1", "q2": "b2"})
    return explicit(kl, cov, Q, shift)


def _fitted_product(fit: Fit, costs: bool = False) -> tuple[Expr, ...]:
    mean, cov, cost = fit(_at_end(*_RATES, "C"))
    logs = {f: log(cov[i, i]) for i, f in enumerate(LOGS)}
    return (*mean, *cov, *([cost.subs(logs)] if costs else []))


def _start(form: int) -> Callable[[Fit], Expr]:
    """Mean, variance or cost of the one pair. The fit of uncorrelated pixels is the same."""
    diagonal = {"c11": "c1", "c22": "c2", "c12": 0} if form < 2 else {}

    def reads(fit: Fit) -> Expr:
        found = fit(_at_end())
        return found[form].subs(LOG_OF_ONE, log(found[1])).subs(diagonal)

    return reads


# Generic; strongly anticorrelated; data on a line, without a density.
_POINTS = table(
    "a1 a2 C11 C12 C22 mu sigma T", (0.3, -0.9, 0.7, 0.4, 1.3, 0.2, 0.8, 1.0),
    (-0.7, 1.25, 2.1, -0.9, 0.5, -0.3, 1.3, 1.5), (0.1, 0.2, 0.25, 0.25, 0.25, 0.5, 0.6, 0.7),
)  # fmt: skip
R23 = Claim(
    "R23", "what a Gaussian start can and cannot match", splits, holds=lambda p: p[:2], twins={
        "correlations left out": lambda p: product_fit(p)[:2],
        "mean left out": lambda p: (0 * p[0], p[1]),
        "covariance doubled": lambda p: (p[0], 2 * p[1]),
    }, shown=lambda matched: dict(zip(("mean", "cov"), matched(law("S")), strict=True)),
    names=_NAMES, assumptions=("log X_0 has second moments", DEFINITE),
    depends=("gaussian-kl", "A6", "C6"), pins=(
        Pin(
            "gbm_ref.terminal_gaussian", _POINTS,
            because="it gives the moments of log X_T, from those of the data (log-moments)",
            formula=tuple(entry for part in _at_end(*_RATES, "C")[:2] for entry in part), twins={
                "without the noise": tuple(
                    e for part in _at_end(_RATES[0], Integer(0), "C")[:2] for e in part
                )
            },
        ), Pin(
            "gbm_ref.terminal_mismatch", vectors="terminal_mismatch", reads=_mismatch,
            variant="plane",
        ),
    ),
)  # fmt: skip

PRODUCT = Claim(
    "R23-product", "the best product of log-normals", is_the_best_product, holds=product_fit,
    twins={
        "one variance for all pixels": lambda p: (
            p[0], eye(2) * trace(p[1]) / 2, product_fit(p)[2],
        ), "variances of the independent part": lambda p: (
            p[0], Matrix.diag(*(p[1].det() / p[1][1 - i, 1 - i] for i in (0, 1))),
            product_fit(p)[2],
        ), "one mean for all pixels": lambda p: (ones(2, 1) * sum(p[0]) / 2, *product_fit(p)[1:]),
        "price not halved": lambda p: (*product_fit(p)[:2], 2 * product_fit(p)[2]),
    }, shown=lambda fit: dict(zip(("mean", "cov", "cost"), fit(law("S")), strict=True)),
    names=_NAMES, sheet=("R23",), assumptions=(DEFINITE,), depends=("R23", "E22-jensen"), pins=(
        Pin("gbm_ref.fitted_lognormal", _POINTS, reads=_fitted_product, variant="product"), Pin(
            "gbm_ref.best_start", _POINTS, reads=lambda fit: _fitted_product(fit, costs=True),
            variant="product",
        ),
    ),
)  # fmt: skip

SINGLE = Claim(
    "R23-single",
    "the best single pair of parameters",
    is_the_best_single,
    holds=single_fit,
    twins={
        "spread of the means left out": lambda p: (
            sum(p[0]) / 2,
            trace(p[1]) / 2,
            single_fit(p)[2],
        ),
        "sum instead of mean over pixels": lambda p: (
            single_fit(p)[0],
            2 * single_fit(p)[1],
            single_fit(p)[2],
        ),
        "mean of the first pixel": lambda p: (p[0][0], *single_fit(p)[1:]),
        "price not halved": lambda p: (*single_fit(p)[:2], 2 * single_fit(p)[2]),
    },
    shown=lambda fit: dict(zip(("mean", "cov", "cost"), fit(law("S")), strict=True)),
    names=_NAMES,
    sheet=("R23",),
    assumptions=(DEFINITE,),
    depends=("R23", "E22-jensen"),
    pins=tuple(
        Pin(f"gbm_ref.{name}", vectors=file, reads=_start(form), variant=variant)
        for form, (name, file, variant) in enumerate(
            (
                ("fitted_lognormal", "fitted_lognormal_log_mean", "one pair: mean"),
                ("fitted_lognormal", "fitted_lognormal_log_var", "one pair: variance"),
                ("best_start", "best_start_cost", "one pair"),
            )
        )
    ),
)

CLAIMS = (R23, PRODUCT, SINGLE)
