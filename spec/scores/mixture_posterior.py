"""The law of log X_0 given X_t for log-normal mixtures and finite data sets.

Symbols: a, S mean and covariance of log X_0 in one component, entries of S symbols; e0 = log X_0 -
a and e = log X_t - a - m the deviations; v the log-variance of the kernel.
"""

from collections.abc import Callable

from sympy import Integer, Matrix, Symbol, cancel, eye, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import v
from spec.scores import _mixture

# Gain and covariance of log X_0 given X_t, and the covariance of log X_t, from (S, v).
Law = tuple[Callable[[Matrix, Symbol], Matrix], ...]


def is_the_posterior(law: Law) -> bool:
    """Whether N(e0; 0, S) N(e - e0; 0, v I) = N(e; 0, marginal) N(e0; gain e, cov).

    With the weights w_j in front this is Bayes' rule for a mixture: the first factor on the right
    times w_j, normalised over j, is the share of the component, the second its law given e. The
    exponents are quadratic forms in (e0, e) and must agree block by block, and so must the
    determinants. In the plane, for every S.
    """
    s11, s12, s22 = symbols("S11 S12 S22", real=True)
    S = Matrix([[s11, s12], [s12, s22]])
    gain, cov, marginal = (part(S, v).applyfunc(cancel) for part in law)
    if not same(S.det() * v**2, marginal.det() * cov.det()):
        return False
    precision = cov.inv().applyfunc(cancel)
    return (
        same(S.inv() + eye(2) / v, precision)
        and same(eye(2) / v, precision * gain)
        and same(eye(2) / v, marginal.inv() + gain.T * precision * gain)
    )


def _gain(S: Matrix, v: Symbol) -> Matrix:
    return S * (S + v * eye(2)).inv()


def _cov(S: Matrix, v: Symbol) -> Matrix:
    return v * _gain(S, v)


def _marginal(S: Matrix, v: Symbol) -> Matrix:
    return S + v * eye(2)


def _first_component(at: _mixture.Values) -> tuple:
    """Mean and covariance of log X_0 given x when the first component is all there is."""
    return _mixture.law({**at, "w1": Integer(1), "w2": Integer(0)})[1:7]


def _first_with_gain_of_noise(at: _mixture.Values) -> tuple:
    return _mixture.law({**at, "w1": Integer(1), "w2": Integer(0)}, gain_of_noise=True)[1:7]


POSTERIOR = Claim(
    id="mixture-posterior",
    title="log X_0 given X_t is a mixture again",
    statement=r"For $\log X_0\sim\sum_jw_j\mathcal N(a_j,S_j)$ and $\Sigma_j=S_j+vI$: $\log X_0"
    r"\mid x\sim\sum_jr_j\mathcal N\big(a_j+S_j\Sigma_j^{-1}(\log x-a_j-m),\ vS_j\Sigma_j^{-1}"
    r"\big)$ with $r_j\propto w_j\mathcal N(\log x;a_j+m,\Sigma_j)$. For a finite data set, "
    r"$S_j=0$, it lives on the points with probabilities $r_j$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R3", "R5", "R7"),
    assumptions=(
        "t > 0",
        "decided for d = 2 and invertible S_j, every entry a symbol; both sides are continuous "
        "in S_j down to 0",
    ),
    depends=("A6", "R2"),
    derivation=r"Bayes' rule for component $j$: $w_j\mathcal N(y_0;a_j,S_j)\,\mathcal "
    r"N(y;y_0+m,vI)=w_j\mathcal N(y;a_j+m,\Sigma_j)\,\mathcal N(y_0;\mu_j,C_j)$, since the "
    r"precisions add up, $C_j^{-1}=S_j^{-1}+\frac1vI$, and $\frac1vC_j=S_j\Sigma_j^{-1}$. Divide "
    r"by the sum over $j$ of the first factors, $q_t(y)$.",
    proof=Proof(
        is_the_posterior,
        holds=(_gain, _cov, _marginal),
        twins={
            "gain of the noise": (lambda S, v: v * _marginal(S, v).inv(), _cov, _marginal),
            "covariance of the data": (_gain, lambda S, v: S, _marginal),
            "shares without the noise": (_gain, _cov, lambda S, v: S),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.posterior_weights",
            formula=_mixture.shares,
            twins={"without the noise": lambda at: _mixture.shares(at, noise=False)},
            points=_mixture.POINTS,
        ),
        Pin(
            "gbm_ref.posterior_law",
            formula=_mixture.law,
            twins={"gain of the noise": lambda at: _mixture.law(at, gain_of_noise=True)},
            points=_mixture.POINTS,
            scale=_mixture.law_scale,
            variant="mixture",
        ),
        Pin(
            "gbm_ref.posterior_law",
            formula=_first_component,
            twins={"gain of the noise": _first_with_gain_of_noise},
            points=_mixture.POINTS,
            scale=lambda at: _mixture.law_scale(at)[1:7],
            variant="log-normal",
        ),
    ),
)

CLAIMS = (POSTERIOR,)
