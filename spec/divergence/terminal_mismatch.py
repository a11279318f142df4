"""The divergence of the law at the horizon from a log-normal start: R23 and erratum E22.

Symbols: S1, S11, ... the moments of log X_T, whatever its law, or of two pixels; Delta the
difference of their means; f1, f2, ls logarithms of fitted variances; v the log-variance on the way
back, v_N where it starts. Of pins: a1, C11, ... the moments of log X_0, N(b, Q) a start."""

from collections.abc import Callable, Mapping

from sympy import (
    Expr, Integer, Matrix, Rational, Symbol, exp, eye, hessian, log, ones, symbols, trace,
)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Pin, v1, v2
from spec.checking.pins import table
from spec.checking.symbols import m, mu, s2, sigma, v, z
from spec.divergence.gaussian import (
    DEFINITE, Law, explicit, is_tangent_of_log, kl, law, log_density)  # fmt: skip
from spec.reverse.log_coordinates import A10, score

_Y, _T = Matrix(symbols("y1 y2")), Symbol("T", real=True)
_RATES = (mu - sigma**2 / 2) * _T, sigma**2 * _T  # m and v of constant rates
LOGS, LOG_OF_ONE = symbols("f1 f2"), Symbol("ls")
_NAMES = {"S1": "M_1", "S2": "M_2", **{f"S{i}": rf"\Sigma_{{{i}}}" for i in (11, 12, 22)}}
Fit = Callable[[Law], tuple]  # mean, variances and, of the fits, the cost


def average(quadratic: Expr, moments: Law) -> Expr:
    """E of a quadratic polynomial in y under any law with this mean and covariance."""
    mean, cov, _ = moments
    at_mean = quadratic.xreplace(dict(zip(_Y, mean, strict=True)))
    return at_mean + trace(hessian(quadratic, list(_Y)) * cov) / 2


def splits(matched: Fit) -> bool:
    r"""In the plane, for any law $p$ of $\log X_T$ with the mean $M$ and the covariance $\Sigma$,
    and any Gaussian $g$, the divergence of $p$ from $g$ is the sum of that of $p$ from $n$ and
    that of $n$ from $g$, where $n$ is the Gaussian of mean $[[mean]]$ and covariance $[[cov]]$.
    The second is a lower bound that needs only moments.

    The divergence from $g$ less that from $n$ is the average of the log ratio of $n$ and $g$, a
    quadratic polynomial, in which only moments of $p$ enter. The log determinants are symbols.
    That of $p$ from $n$ is not negative, as the logarithm is at most its tangent (E22-jensen)."""
    p, g = law("S"), law("B")
    mean, cov, logdet = n = (*matched(p), Symbol("logdet_n"))
    left = average(log_density(_Y, n) - log_density(_Y, g), p)
    return same(left, kl(cov, g[1], mean - g[0], logdet - g[2]))


def is_the_best_product(fit: Fit) -> bool:
    r"""In the plane, of the normal starts with independent pixels, the Gaussian of mean $M$ and
    covariance $\Sigma$ has the least divergence, $[[cost]]$, from that of mean $[[mean]]$ and
    covariance $[[cov]]$, and from no other one as little.

    The divergence from any product is that from the fit, and the divergences of its pixels from
    those of the product in one dimension. None is negative, and they vanish only at the fit
    (E22-jensen). The logarithms are symbols."""
    p, (b, _, _), D, logs = law("S"), law("B"), symbols("D1 D2"), symbols("l1 l2")
    mean, cov, cost = fit(p)
    total = kl(p[1], Matrix.diag(*D), p[0] - b, p[2] - sum(logs))
    at_fit = kl(p[1], cov, p[0] - mean, p[2] - sum(LOGS))
    rest = sum(_on_line(cov[i, i], D[i], mean[i] - b[i], LOGS[i] - logs[i]) for i in range(2))
    written = exp(2 * _cost(fit).expand()) - cov.det() / p[1].det()
    gaps = total - at_fit - rest, at_fit - cost, written, cov[0, 1], cov[1, 0]
    return _never_negative() and vanishes(gaps)


def _on_line(p: Expr, q: Expr, shift: Expr, log_ratio: Expr) -> Expr:
    return kl(Matrix([p]), Matrix([q]), Matrix([shift]), log_ratio)


def _never_negative() -> bool:
    """Whether `kl` on the line is positive but for equal laws: with z the quotient of variances
    it is half of line(z) - log z, and half a square that vanishes for equal means alone."""
    return is_tangent_of_log(2 * _on_line(z, Integer(1), Integer(0), Integer(0)))


def is_the_best_single(fit: Fit) -> bool:
    r"""In the plane, of the normal starts with independent pixels, of one mean and one variance
    for both, the Gaussian of mean $M$ and covariance $\Sigma$ has the least divergence,
    $[[cost]]$, from that of mean $[[mean]]$ and variance $[[cov]]$, and from no other as little.

    The divergence from any such start is the cost and twice the divergence, in one dimension, of
    the fit from its one pair, which vanishes only at the fit, as for R23-product. The logarithms
    are symbols."""
    p, (b, D, ld) = law("S"), symbols("b D l")
    mean, variance, cost = fit(p)
    total = kl(p[1], D * eye(2), p[0] - b * ones(2, 1), p[2] - 2 * ld)
    rest = 2 * _on_line(variance, D, mean - b, LOG_OF_ONE - ld)
    written = exp(2 * _cost(fit).expand()) - variance**2 / p[1].det()
    return _never_negative() and vanishes((total - cost - rest, written))


def product_fit(p: Law) -> tuple:
    """Means, variances and the cost."""
    return _product(p, Matrix.diag(p[1][0, 0], p[1][1, 1]))


def _product(p: Law, cov: Matrix) -> tuple:
    return p[0], cov, (sum(LOGS) - p[2]) / 2


def single_fit(p: Law) -> tuple:
    """Mean over pixels, variance over pixels and images, and the cost."""
    return _single(p, trace(p[1]) / 2 + (p[0][0] - p[0][1]) ** 2 / 4)


def _single(p: Law, variance: Expr) -> tuple:
    return sum(p[0]) / 2, variance, LOG_OF_ONE - p[2] / 2


def _at_end(shift: Expr = m, noise: Expr = v, name: str = "c") -> Law:
    """The moments at the horizon, in the names of the vectors or (C) of the pins."""
    mean, cov, _ = law(name)
    end = cov + noise * eye(2)
    moved = mean.subs({f"{name}1": "a1", f"{name}2": "a2"}) + shift * ones(2, 1)
    return moved, end, log(end.det())


def _shown(fit: Fit) -> dict[str, object]:
    found = dict(zip(("mean", "cov", "cost"), fit(law("S")), strict=False))
    return found | ({"cost": _cost(fit)} if "cost" in found else {})


def _cost(fit: Fit) -> Expr:
    """The cost of a fit, with its logarithms written out."""
    p = law("S")
    _, cov, cost = fit(p)
    variances = Matrix([cov]).diagonal()
    names = LOGS if len(variances) > 1 else [LOG_OF_ONE]
    logs = dict(zip(names, map(log, variances), strict=True))
    return cost.subs(logs | {p[2]: log(p[1].det())})


def _entries(*rates: Expr) -> tuple[Expr, ...]:
    mean, cov, _ = _at_end(*rates, "C")
    return (*mean, *cov)


def _mismatch(matched: Fit) -> Expr:
    (b, Q, _), (mean, cov) = law("q"), matched(_at_end())
    return explicit(kl, cov, Q, mean - b.subs({"q1": "b1", "q2": "b2"}))


def _fitted_product(fit: Fit) -> tuple[Expr, ...]:
    mean, cov, cost = fit(_at_end(*_RATES, "C"))
    return (*mean, *cov, cost.subs({f: log(cov[i, i]) for i, f in enumerate(LOGS)}))


def _start(fit: Fit, form: int) -> Expr:
    """Mean, variance or cost of the one pair. The fit of uncorrelated pixels is the same."""
    diagonal = {"c11": "c1", "c22": "c2", "c12": 0} if form < 2 else {}
    found = fit(_at_end())
    return found[form].subs(LOG_OF_ONE, log(found[1])).subs(diagonal)


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
    }, shown=_shown, names=_NAMES, assumptions=("log X_0 has second moments", DEFINITE),
    depends=("gaussian-kl", "A6", "C6", "E22-jensen"), pins=(
        Pin("gbm_ref.terminal_gaussian", _POINTS, formula=_entries(*_RATES),
            because="it gives the moments of log X_T, from those of the data (log-moments)",
            twins={"no noise": _entries(_RATES[0], Integer(0))}),
        Pin("gbm_ref.terminal_mismatch", vectors="terminal_mismatch", reads=_mismatch,
            variant="plane")))  # fmt: skip

PRODUCT = Claim(
    "R23-product", "the best product of log-normals", is_the_best_product, holds=product_fit,
    twins={
        "one variance for all pixels": lambda p: _product(p, eye(2) * trace(p[1]) / 2),
        "variances of the independent part": lambda p: _product(
            p, Matrix.diag(*(p[1].det() / p[1][1 - i, 1 - i] for i in (0, 1)))),
        "one mean for all pixels": lambda p: (ones(2, 1) * sum(p[0]) / 2, *product_fit(p)[1:]),
        "price not halved": lambda p: (*product_fit(p)[:2], 2 * product_fit(p)[2]),
    }, shown=_shown, names=_NAMES, sheet=("R23",), assumptions=(DEFINITE,),
    depends=("R23", "E22-jensen"), pins=(
        Pin("gbm_ref.fitted_lognormal", _POINTS, reads=lambda fit: _fitted_product(fit)[:-1],
            variant="product"),
        Pin("gbm_ref.best_start", _POINTS, reads=_fitted_product, variant="product")))  # fmt: skip

SINGLE = Claim(
    "R23-single", "the best single pair of parameters", is_the_best_single, holds=single_fit,
    twins={
        "spread of the means left out": lambda p: _single(p, trace(p[1]) / 2),
        "sum instead of mean over pixels": lambda p: _single(p, 2 * single_fit(p)[1]),
        "mean of the first pixel": lambda p: (p[0][0], *single_fit(p)[1:]),
        "price not halved": lambda p: (*single_fit(p)[:2], 2 * single_fit(p)[2]),
    }, shown=_shown, names=_NAMES, sheet=("R23",), assumptions=(DEFINITE,),
    depends=("R23", "E22-jensen"), pins=tuple(
        Pin(f"gbm_ref.{name}", vectors=f"{name}_{part}", variant=variant,
            reads=lambda fit, form=form: _start(fit, form))
        for form, (name, part, variant) in enumerate((
            ("fitted_lognormal", "log_mean", "one pair: mean"),
            ("fitted_lognormal", "log_var", "one pair: variance"),
            ("best_start", "cost", "one pair"),
        ))
    ))  # fmt: skip

_S11, _S12, _S22, _Delta = symbols("S11 S12 S22 Delta")
_v, _vN, _B, _V, _E, _y = symbols("v v_N B V E y")


def are_the_costs(excesses: Mapping[str, Expr]) -> bool:
    r"""For two pixels with the covariance $\Sigma$ and the difference $\Delta$ of means in $\log
    X_1$, the Gaussian of these moments is at the divergence of half the logarithm of one and
    $[[product]]$ from the best normal start with independent pixels, and from the best one with
    one pair $(\hat\mu,\hat\sigma)$ further by half that of one and $[[pair]]$. By R23 the law of
    $\log X_1$ is at least as far.

    The costs of R23-product and R23-single are halves of logarithms, here of these quotients."""
    mean, product = law("S")[0], _cost(product_fit)
    costs = {"product": product, "pair": _cost(single_fit) - product}
    stated = {name: excesses[name].subs(_Delta, mean[0] - mean[1]) for name in costs}
    return vanishes([exp(2 * costs[name]) - exp(2 * _nats(stated[name])) for name in costs])


def _nats(excess: Expr) -> Expr:
    return log(1 + excess) / 2


def is_the_way_back(found: Mapping[str, Expr]) -> bool:
    r"""Along a log principal component, with its exact linear score, the reverse equation has at
    $v$ the variance $[[variance]]$ if it starts at $v_N$ with the variance $B$, and of an error in
    the mean the share $[[error]]$ is left. At the data $v$ is the component's variance, $v_N$ that
    and $\sigma^2$.

    The drift takes the state to its mean at the rate of $\sigma^2$ over $v$ while $v$ falls at the
    rate $\sigma^2$: in $v$ the variance obeys an equation with the rate $[[rate]]$ at the variance
    $V$, and a mean error $E$ one with the rate $[[mean rate]]$. Both are solved."""
    variance, error = found["variance"], found["error"]
    rates = _WAYS["rate"].subs(_V, variance), _WAYS["mean rate"].subs(_E, error)
    starts = variance.subs(_v, _vN) - _B, error.subs(_v, _vN) - 1
    return vanishes((variance.diff(_v) - rates[0], error.diff(_v) - rates[1], *starts))


def _figures() -> tuple[Figure, ...]:
    half, rate, apart = Rational(1, 2), Rational("0.64"), log(2) / 2
    at = {_S12: half, _Delta: apart} | dict.fromkeys((_S11, _S22), half + rate)
    end = max(law("S")[1].subs(at).eigenvals())  # of the component that both pixels have
    shared = end - rate
    product, more = (float(_nats(excess.subs(at))) for excess in _COSTS.values())
    left = _WAY["error"].subs({_v: shared, _vN: end})
    pixels = f"two pixels, sigma^2 = {float(rate)}, a shared component of log-variance {shared}"
    return (
        Figure(f"best product, nats ({pixels})", product),
        Figure(f"one pair for both, log means {float(apart):.4g} apart, nats", product + more),
        Figure("share of a start's mean error along that component that is left", float(left)),
    )


_PAIR = ((_S11 - _S22) ** 2 / 4 + (_S11 + _S22) * _Delta**2 / 4 + _Delta**4 / 16) / (_S11 * _S22)
_COSTS = {"product": _S12**2 / (_S11 * _S22 - _S12**2), "pair": _PAIR}
# dV/dv and dE/dv of the reverse equation A10 at the score of a normal law of variance v; its noise
# has the variance sigma^2, by which v falls.
_PULL = A10.holds.subs(score, -_y / _v).diff(_y)
_WAYS = {"rate": (-(2 * _PULL * _V + s2) / s2).expand(), "mean rate": -_PULL * _E / s2}
_WAY = {"variance": _v + (_v / _vN) ** 2 * (_B - _vN), "error": _v / _vN}
E22 = Claim(
    "E22", "a fitted log-normal need not be the law at the end", are_the_costs, _COSTS, twins={
        "correlation squared over the product": _COSTS | {"product": _S12**2 / (_S11 * _S22)},
        "means left out": _COSTS | {"pair": _PAIR.subs(_Delta, 0)},
        "variances left out": _COSTS | {"pair": _PAIR - (_S11 - _S22) ** 2 / (4 * _S11 * _S22)},
    }, printed={"the start is the law at the end": {"product": Integer(0), "pair": Integer(0)}},
    names=_NAMES, sources=v1("App. D.4: initial fit") + v2("sec. 6.2: lognormal initialization"),
    assumptions=(DEFINITE,), depends=("R23", "R23-product", "R23-single", "E21", "E22-shrink"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="Version 1, Appendix D.4: “we must draw a sample $\\bm X_{N-1}$ from the "
        "log-normal density, whose parameters $\\hat{\\bm\\mu},\\hat\\sigma$ are obtained by "
        "fitting a log-normal density to the histogram of pixel intensities of the samples at the "
        "end of the forward process”; Section 5.1: “$\\bm X_{N-1}$ is log-normally distributed”.",
        trouble="The law at the end is the data law, blurred in the log: pixels keep their own "
        "means and covariances. A histogram of pooled pixels sees neither, and one pair of "
        "parameters need not hold them. Of an error along a principal component there is left "
        "a share (E22-shrink): a reason why initialization is critical (version 2, Section 6.4).",
        advice="State the start as an approximation with its price (R23-single); raise $\\sigma$ "
        "until the image is gone, or start from the Gaussian with the moments of the law at the "
        "end. Prices for MNIST and Fashion-MNIST: `validation/results/terminal_mismatch.json`.",
        figures=_figures, remains_open="Version 2's fitted values (its Table 2) are lost.",
    ))  # fmt: skip

SHRINK = Claim(
    "E22-shrink", "how much of a wrong start is left", is_the_way_back, holds=_WAY, twins={
        "shrinks like the mean": _WAY | {"variance": _v + _v / _vN * (_B - _vN)},
        "forgets the start": _WAY | {"variance": _v},
        "without the noise of the way": _WAY | {"variance": (_v / _vN) ** 2 * _B},
        "the mean shrinks like the variance": _WAY | {"error": (_v / _vN) ** 2},
    }, values=lambda: _WAYS, sources=v2("sec. 6.4: initialization is critical"), sheet=("E22",),
    assumptions=(
        "exact score of Gaussian log-data, exact integration (R9-closed: finite steps)",
        "constant sigma up to the end at one",
    ),
    depends=("R9-limit", "A10"))  # fmt: skip
CLAIMS = (R23, PRODUCT, SINGLE, E22, SHRINK)
