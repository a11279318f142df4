"""Densities of log-normal variables and vectors (Appendix A of version 2, B of version 1).

Symbols: w        a value of W = e^Y, positive; L = log w
         mu, sigma  mean and deviation of Y, sigma > 0
         a, S     mean and covariance of log X in two dimensions (b, T of a second law)
"""

from sympy import Expr, Matrix, diff, erf, erfc, exp, expand, log, pi, sqrt, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Pin, Proof, v1, v2
from spec.checking.symbols import L, mu, sigma
from spec.targets import _formulas, _laws

w = symbols("w", positive=True)


def is_the_density(density: Expr) -> bool:
    """Whether e^Y with Y ~ N(mu, sigma^2) has this density, an expression in w, mu and sigma.

    Left: d/dw of P(W <= w) = P(Y <= log w), the error function differentiated exactly. Right: the
    formula. Two functions without zeros on (0, oo) are equal when their logarithmic derivatives
    are and their values at one point, here w = e^mu.
    """
    derived = diff((1 + erf((log(w) - mu) / (sigma * sqrt(2)))) / 2, w)
    slopes = [expand(diff(f, w) / f).subs(log(w), L) for f in (density, derived)]
    ratio = (density / derived).subs(w, exp(mu))
    as_symbols = {pi: symbols("pi"), exp(mu): symbols("E")}
    size_is_one = vanishes((ratio**2).subs(as_symbols) - 1)
    positive = bool(ratio.subs({mu: 1, sigma: 1}) > 0)
    return vanishes(slopes[0] - slopes[1]) and size_is_one and positive


def _density(exponent: Expr) -> Expr:
    return exp(exponent) / (w * sigma * sqrt(2 * pi))


_EXPONENT = -((log(w) - mu) ** 2) / (2 * sigma**2)

_NAMES = {w: _laws.x, mu: _laws.a, sigma: sqrt(_laws.line_S)}
_LINE = (-log(w) - log(sigma) - log(2 * pi) / 2 + _EXPONENT).subs(_NAMES)
_TAIL = (erfc((mu - log(w)) / (sigma * sqrt(2))) / 2).subs(_NAMES)

A23 = Claim(
    id="A23",
    title="log-normal density",
    statement=r"$\log W\sim\mathcal N(\mu,\sigma^2)$ has the density "
    r"$f_W(w)=\frac{1}{w\sigma\sqrt{2\pi}}\exp\!\big(-\frac{(\log w-\mu)^2}{2\sigma^2}\big)$, "
    r"$w>0$, and 0 for $w\le0$.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sources=(*v1("eq. 23"), *v2("eq. 23")),
    sheet=("A23",),
    assumptions=(
        "sigma > 0",
        "formula lost in the text of version 2; reconstructed: that of version 1, which the "
        "definition in words forces",
    ),
    derivation=r"$P(W\le w)=P(Y\le\log w)=\frac12\big(1+\mathrm{erf}\frac{\log w-\mu}"
    r"{\sigma\sqrt2}\big)$. Differentiate with respect to $w$: the chain rule gives the factor "
    r"$1/w$. The total mass is 1 because $P(W\le w)\to1$.",
    proof=Proof(
        is_the_density,
        holds=_density(_EXPONENT),
        twins={
            "the Jacobian 1/w left out": w * _density(_EXPONENT),
            "exponent without the factor 1/2": _density(2 * _EXPONENT),
            "sigma^2 in the normalisation": _density(_EXPONENT) / sigma,
            "sigma in place of sigma^2": _density(sigma * _EXPONENT),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.LogNormal.logpdf",
            formula=_LINE,
            twins={
                "the Jacobian 1/w left out": _LINE + log(_laws.x),
                "sigma^2 in the normalisation": _LINE - log(_laws.line_S) / 2,
            },
            points=_laws.POINTS_ON_LINE,
            variant="1-D",
        ),
        Pin(
            "gbm_ref.LogNormal.cdf",
            formula=_TAIL,
            twins={"the upper tail": 1 - _TAIL},
            points=_laws.POINTS_ON_LINE,
        ),
    ),
)


def is_the_joint_density(candidate: tuple[Expr, Expr]) -> bool:
    """Whether exp(a + R Z) in the plane has the density sqrt(F) e^Q, candidate = (F, Q).

    Z standard normal, R any 2 x 2 matrix of symbols, S = R R^T; the candidate is written in x_i,
    L_i = log x_i, a_i and the entries of S. Left: the normal density of z = R^-1 (log x - a)
    divided by the determinant of dx/dz, differentiated and expanded. Right: the formula.
    """
    R = Matrix(2, 2, symbols("r11 r12 r21 r22"))
    z = Matrix(symbols("z1 z2"))
    images = (_laws.A + R * z).applyfunc(exp)
    at_image = dict(zip(images, _laws.X, strict=True))
    jacobian = images.jacobian(z).subs(at_image)
    draw = R.inv() * (_laws.Y - _laws.A)
    as_root = dict(zip(_laws.unique(_laws.S), _laws.unique(R * R.T), strict=True))
    square, exponent = (f.subs(as_root) for f in candidate)
    ratio = square * symbols("pi") ** 2 * 4 * jacobian.det() ** 2
    return vanishes(exponent + draw.dot(draw) / 2) and vanishes(ratio - 1)


_PI = symbols("pi")
_SQUARE = 1 / (4 * _PI**2 * _laws.S.det() * (_laws.X[0] * _laws.X[1]) ** 2)
_QUADRATIC = -_laws.quadratic(_laws.Y, _laws.A, _laws.S) / 2
_AT = {_laws.Y[i]: log(_laws.X[i]) for i in (0, 1)}
_LOGPDF = (log(_SQUARE.subs(_PI, pi)) / 2 + _QUADRATIC).subs(_AT)

CORRELATED = Claim(
    id="correlated-log-normal",
    title="log-normal density with a full covariance",
    statement=r"$\log X\sim\mathcal N(a,S)$ with $S$ positive definite has the density "
    r"$p(x)=\prod_i x_i^{-1}\,(2\pi)^{-d/2}(\det S)^{-1/2}\exp\!\big(-\tfrac12(\log x-a)^\top "
    r"S^{-1}(\log x-a)\big)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("A23", "R2"),
    assumptions=("S is positive definite", "decided for d = 2, every entry of S a symbol"),
    derivation=r"Write $X=e^{a+RZ}$ with $RR^\top=S$. The map $z\mapsto x$ has the Jacobian "
    r"$\mathrm{diag}(x)R$, whose determinant squared is $(\prod_i x_i)^2\det S$. Divide the "
    r"normal density of $z=R^{-1}(\log x-a)$ by its size; $\lVert z\rVert^2=(\log x-a)^\top "
    r"S^{-1}(\log x-a)$.",
    proof=Proof(
        is_the_joint_density,
        holds=(_SQUARE, _QUADRATIC),
        twins={
            "one factor 1/x_i left out": (_SQUARE * _laws.X[0] ** 2, _QUADRATIC),
            "the determinant not under a root": (_SQUARE / _laws.S.det(), _QUADRATIC),
            "the correlation forgotten in the exponent": (
                _SQUARE,
                _QUADRATIC.subs(_laws.S[0, 1], 0),
            ),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.LogNormal.logpdf",
            formula=_LOGPDF,
            twins={"no correlation": _LOGPDF.subs(_laws.S[0, 1], 0)},
            points=_laws.POINTS_OF_ONE,
            variant="2-D",
        ),
        Pin(
            "gbm_ref.LogNormal.rvs",
            formula=_formulas.MEAN_AND_ROOT,
            twins={"no correlation": _formulas.WITHOUT_CORRELATION},
            points=_laws.POINTS_OF_ONE,
            scale=_formulas.SCALE_OF_ROOT,
            variant="mean and root",
        ),
    ),
)

CLAIMS = (A23, CORRELATED)
