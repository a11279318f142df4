"""Log-normal variables and vectors (Appendix A of version 2, B of version 1)."""

from sympy import (
    E, Expr, Integer, Matrix, Poly, Symbol, diff, erf, exp, expand, expand_log, eye, log, pi, sqrt,
    symbols)  # fmt: skip

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, Means, Pin, v1, v2
from spec.checking.pins import table
from spec.checking.symbols import a, mu, s2, sigma, v, x
from spec.targets import _laws

w = symbols("w", positive=True)
n, y, mu1, mu2 = symbols("n y mu1 mu2", real=True)
_LOST = "formula lost in version 2; reconstructed: that of version 1"
_OPEN = "Version 2 keeps the sentence; its formula is lost in the text that we have."


def is_the_density(density: Expr) -> bool:
    r"""If $\log W$ is normal with mean $\mu$ and variance $\sigma^2$, $W$ has the density $[[it]]$
    in $w$ on the positive half-line.

    It is the derivative of $P(W\le w)=[[cdf]]$, the normal distribution function at $\log w$,
    which is one half at the median. The logarithms are equal, with symbols for those of $w$,
    $\sigma$ and constants."""
    gap = log(expand(density)) - log(expand(diff(_CDF, w)))
    named = expand(expand_log(gap, force=True)).replace(log, lambda at: Symbol(f"log({at})"))
    return vanishes([named, _CDF.subs(w, exp(mu)) - 1 / Integer(2)])


def normal_cdf(y: Expr) -> Expr:
    """The distribution function of a standard normal variable."""
    return (1 + erf(y / sqrt(2))) / 2


def _density(exponent: Expr) -> Expr:
    return exp(exponent) / (w * sigma * sqrt(2 * pi))


_CDF = normal_cdf((log(w) - mu) / sigma)
_EXPONENT = -((log(w) - mu) ** 2) / (2 * sigma**2)
A23 = Claim(
    "A23", "log-normal density", is_the_density, holds=_density(_EXPONENT), twins={
        "the Jacobian 1/w left out": w * _density(_EXPONENT),
        "exponent without the factor 1/2": _density(2 * _EXPONENT),
        "sigma^2 in the normalisation": _density(_EXPONENT) / sigma,
        "sigma in place of sigma^2": _density(sigma * _EXPONENT),
    }, values=lambda: {"cdf": _CDF}, means=Means.CALCULUS, sources=v1("eq. 23") + v2("eq. 23"),
    assumptions=(
        Assumption(
            "sigma is positive", "the density is divided by it, not by the root of sigma^2",
            lambda: bool(_density(_EXPONENT).subs({sigma: -1, w: 1, mu: 0}) < 0),
        ),
    ), readings=(_LOST,), pins=(
        Pin(
            "gbm_ref.LogNormal.logpdf", vectors="log_normal_logpdf",
            reads=lambda density: log(density.subs({w: x, mu: a, sigma: sqrt(v)})), variant="1-D",
        ), Pin(
            "gbm_ref.LogNormal.cdf", vectors="log_normal_cdf",
            because="it is the distribution function of which the density is the derivative",
        ),
    ))  # fmt: skip


def _image(shift: Matrix, root: Matrix, draws: str = "z1 z2") -> Matrix:
    return (shift + root * Matrix(symbols(draws))).applyfunc(exp)


def _density_of(shift: Matrix, root: Matrix) -> tuple[Expr, Expr]:
    """Of the image: the square of its density without the exponential, and the exponent."""
    images = _image(shift, root)
    jacobian = images.jacobian(symbols("z1 z2")).subs(dict(zip(images, _laws.X, strict=True)))
    draw = root.inv() * (_laws.Y - shift)
    return 1 / (2 * pi * jacobian.det()) ** 2, -draw.dot(draw) / 2


def is_the_joint_density(candidate: tuple[Expr, Expr]) -> bool:
    r"""In the plane, if $\log X$ is normal with mean $a$ and covariance $S$, $X$ has the density
    $[[density]]$.

    $X$ is the exponential of a linear map of standard normal draws, with the shift $a$ and any
    matrix whose product with its transpose is $S$. Their density is divided by the determinant of
    the derivative of $x$ in them; exponents are compared, and squares of positive factors."""
    R = Matrix(2, 2, symbols("r11 r12 r21 r22"))
    square, exponent = _density_of(_laws.A, R)
    as_root = dict(zip(_laws.S, R * R.T, strict=True)) | {pi: Symbol("pi")}
    factor = _joint((candidate[0], y)) / exp(y)
    gaps = (factor**2 / square - 1, candidate[1] - exponent, _joint((Integer(1), 0 * y)) - 1)
    return vanishes([gap.subs(as_root) for gap in gaps])


def _joint(candidate: tuple[Expr, Expr]) -> Expr:
    square, exponent = candidate
    return sqrt(square) * exp(exponent)


_SQUARE = 1 / (4 * pi**2 * _laws.S.det() * (_laws.X[0] * _laws.X[1]) ** 2)
_QUADRATIC = -_laws.quadratic(_laws.Y, _laws.A, _laws.S) / 2
CORRELATED = Claim(
    "correlated-log-normal", "log-normal density with a full covariance", is_the_joint_density,
    holds=(_SQUARE, _QUADRATIC), twins={
        "one factor 1/x_i left out": (_SQUARE * _laws.X[0] ** 2, _QUADRATIC),
        "the determinant not under a root": (_SQUARE / _laws.S.det(), _QUADRATIC),
        "the correlation forgotten": (_SQUARE, _QUADRATIC.subs(_laws.S[0, 1], 0)),
    }, shown=lambda found: {"density": _joint(found)}, names=_laws.NAMES,
    sheet=("A23", "R2"), assumptions=(_laws.POSITIVE_DEFINITE,), pins=(
        Pin(
            "gbm_ref.LogNormal.logpdf", _laws.POINTS,
            reads=lambda found: (log(found[0]) / 2 + found[1]).subs(_laws.AT_X), variant="2-D",
        ), _laws.root_pin("gbm_ref.LogNormal.rvs"),
    ))  # fmt: skip


def are_logs_of_moments(values: tuple[Expr, Expr]) -> bool:
    r"""If $\log W$ is normal with mean $\mu$ and variance $\sigma^2$, $\mathbb E[W^n]=[[moment]]$
    for every real $n$; in particular $\mathbb E[W]=[[mean]]$.

    The exponent [[exponent]] under the integral over $y$ is completed to a square, with $n$ and
    without; the squares integrate to the same constant."""
    logs = map(log, _moments(values))
    return vanishes([_log_moment(k) - found for k, found in zip((n, 1), logs, strict=True)])


def _moments(logs: tuple[Expr, Expr]) -> tuple[Expr, ...]:
    return tuple(map(exp, logs))


def _log_moment(order: Expr) -> Expr:
    """log E[e^{order Y}]: the integral of exp(A y^2 + B y + C) is sqrt(pi / -A) times the
    exponential of the peak, and A does not depend on the order."""
    return _peak(_UNDER.subs(n, order)) - _peak(_UNDER.subs(n, 0))


_UNDER = n * y - (y - mu) ** 2 / (2 * s2)  # the exponent under the integral


def _peak(exponent: Expr) -> Expr:
    A, B, C = Poly(expand(exponent), y).all_coeffs()
    return expand(C - B**2 / (4 * A))


def _with_mean(log_moment: Expr) -> tuple[Expr, Expr]:
    return log_moment, log_moment.subs(n, 1)


MEAN = Claim(
    "mean-log-normal", "moments of a log-normal variable", are_logs_of_moments,
    holds=_with_mean(n * mu + n**2 * s2 / 2), twins={
        "the median": _with_mean(n * mu), "n in place of n^2": _with_mean(n * mu + n * s2 / 2),
        "without the factor 1/2": _with_mean(n * mu + n**2 * s2),
    }, shown=lambda values: dict(zip(("moment", "mean"), _moments(values), strict=True)),
    values=lambda: {"exponent": _UNDER},
    sources=v1("App. B: mean") + v2("App. A: mean and variance"), sheet=("E1",),
    readings=(_LOST + ", and the variance that follows from the moments (E1)",), depends=("A23",),
)  # fmt: skip


def is_the_variance(variance: Expr) -> bool:
    r"""The variance of $W$ is $[[it]]$, if $\log W$ is normal with mean $\mu$ and variance
    $\sigma^2$.

    It is the second moment less the square of the mean, with symbols for exponentials."""
    A, G = symbols("A G", positive=True)
    gap = expand(exp(_log_moment(2)) - exp(_log_moment(1)) ** 2 - variance)
    return vanishes(gap.subs({mu: log(A), s2: log(G)}).subs(E, Symbol("e")))


_RIGHT, _PRINTED = (f * exp(2 * mu + s2) for f in (exp(s2) - 1, exp(s2 - 1)))
E1 = Claim(
    "E1", "variance of a log-normal variable", is_the_variance, holds=_RIGHT, twins={
        "without e^{sigma^2}": _RIGHT * exp(-s2), "the second moment": exp(_log_moment(2)),
        "+ 1 in place of - 1": (exp(s2) + 1) * exp(2 * mu + s2),
    }, printed={"e^{sigma^2 - 1}": _PRINTED}, sources=v1("App. B: variance"),
    depends=("mean-log-normal",), erratum=Erratum(
        Fault.WRONG, quote=r"$\mathrm{Var}(W)=\exp(\sigma^2-1)\exp(2\mu+\sigma^2)$",
        trouble=r"What is subtracted has slipped into the exponent, so that the printed value "
        r"does not vanish with $\sigma$.", remains_open=_OPEN, figures=lambda: tuple(
            Figure(f"{of} variance at mu = 0, sigma^2 = {at}", float(f.subs({mu: 0, s2: at})))
            for at in (0, 0.64) for of, f in (("right", _RIGHT), ("printed", _PRINTED))
        ),
    ))  # fmt: skip


def are_the_entries(laws: tuple[tuple[Expr, Expr], ...]) -> bool:
    r"""In the plane the entries of $W=[[vector]]$, $Z$ standard normal, are independent:
    the logarithm of the first is normal with mean $[[0.0]]$ and variance $[[0.1]]$, that of the
    second with mean $[[1.0]]$ and variance $[[1.1]]$.

    The density of $Z$ over the determinant of the derivative of $w$ in $z$ is the product of two
    densities A23: the exponents are compared, and the squares of the factors before them."""
    square, exponent = _density_of(*_MAP)
    for w_, y_, (mean, variance) in zip(_laws.X, _laws.Y, laws, strict=True):
        square *= 2 * pi * variance * w_**2
        exponent += (y_ - mean) ** 2 / (2 * variance)
    return vanishes([f.subs({s2: sigma**2, pi: Symbol("pi")}) for f in (square - 1, exponent)])


_MAP = Matrix([mu1, mu2]), sigma * eye(2)


def _drawn(laws: tuple[tuple[Expr, Expr], ...]) -> tuple[Expr, ...]:
    """exp(mean + deviation z) of each entry, in the names of the pin."""
    draws, spread = symbols("z1 z2", real=True), Symbol("S", positive=True)
    names = {mu1: _laws.A[0], mu2: _laws.A[1], s2: spread, sigma: sqrt(spread)}
    logs = [mean + sqrt(var) * z for (mean, var), z in zip(laws, draws, strict=True)]
    return tuple(exp(y).subs(names) for y in logs)


VECTOR = Claim(
    "multivariate-log-normal", "entries of a log-normal vector", are_the_entries,
    holds=((mu1, s2), (mu2, s2)), twins={
        "means exchanged": ((mu2, s2), (mu1, s2)),
        "with the mean of the entries": (((mu1 + mu2) / 2, s2), ((mu1 + mu2) / 2, s2)),
        "sigma in place of sigma^2": ((mu1, sigma), (mu2, sigma)),
    }, printed={"identically distributed": ((mu1, s2), (mu1, s2))},
    values=lambda: {"vector": _image(*_MAP, "Z1 Z2")},
    sources=v1("App. B: multivariate") + v2("App. A: multivariate"), sheet=("A23", "E6"),
    readings=(_LOST,), depends=("A23", "E22"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote=r"$\boldsymbol W=\exp(\boldsymbol\mu+\sigma\boldsymbol Z)$ ... Effectively, the "
        r"entries of $\boldsymbol W$ are independent and identically distributed according to Eq. "
        r"(23)",
        trouble=r"Independent, but identically distributed only where the entries of $\mu$ are "
        r"equal, as for one pair $(\hat\mu,\hat\sigma)$ for all pixels (E22): eq. (23) has a "
        r"number $\mu$, here it is a vector.", figures=lambda: tuple(
            Figure(
                f"median of an entry (Z = 0) with mu_i = {mean}",
                float(_image(*_MAP)[0].subs({mu1: mean, Symbol("z1"): 0})),
            ) for mean in (0, 0.5)
        ), remains_open=_OPEN,
    ), pins=(
        Pin(
            "gbm_ref.LogNormal.rvs", table(
                "a1 a2 S z1 z2", (0.3, -0.6, 0.9, 0.4, -1.7), (-2.2, 0.1, 0.0004, 8.5, -0.01),
                (0.05, 1.1, 3.3, -9.0, 6.0),
            ), reads=_drawn,
        ),
    ))  # fmt: skip
CLAIMS = (A23, CORRELATED, MEAN, E1, VECTOR)
