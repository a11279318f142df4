"""Which laws are log-normal: the law given X_0, and the marginal law.

Symbols: y1, y2  logs of two entries of x;  L01, L02  those of x0;  mu1, mu2  their drifts;
c1..c5  cumulants of log X_0 in one coordinate.
"""

from math import comb

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, Rational, diff, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.diffusions import fokker_planck, isotropic, plain_partials
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2
from spec.checking.symbols import mu, s2, t

y, y1, y2, L01, L02, mu1, mu2, xi = symbols("y y1 y2 L01 L02 mu1 mu2 xi", real=True)
c = symbols("c1:6", real=True)

# Mean vector and covariance of (log X_1, log X_2) at time t, given X_0.
Conditional = tuple[tuple[Expr, Expr], Matrix]


def is_the_law_given_the_data(law: Conditional) -> bool:
    """Whether (log X_1, log X_2) given x0 is normal with this mean and covariance at every t.

    The density must solve the Fokker-Planck equation of A8 in the plane, and shrink to the point
    (L01, L02) at t = 0.
    """
    mean, covariance = law
    gap = Matrix([y1, y2]) - Matrix(mean)
    log_density = -(gap.T * covariance.inv() * gap)[0] / 2 - log(covariance.det()) / 2
    drift = (mu1 - s2 / 2, mu2 - s2 / 2)
    flow = diff(log_density, t) - fokker_planck(
        log_density, Matrix(drift), isotropic(s2), plain_partials((y1, y2))
    )
    start = Matrix([*mean, *covariance]).subs(t, 0) - Matrix([L01, L02, 0, 0, 0, 0])
    return vanishes(start) and vanishes(flow)


def are_the_cumulants(cumulants: tuple[Expr, ...]) -> bool:
    """Whether log X_t has these first five cumulants, for log X_0 with cumulants c1, c2, ...

    The moments of log X_0 follow from its cumulants, those of log X_t from the binomial formula
    with the normal increment averaged out, and its cumulants from its moments.
    """
    order = len(cumulants)
    if order < len(c):
        return False
    start = _moments(c[:order])
    drift = mu - s2 / 2
    ends = [Integer(1)]
    for n in range(1, order + 1):
        # xi ~ N(drift t, s2 t) is what the process adds.
        shares = [expectation(xi**k, xi, drift * t, s2 * t) for k in range(n + 1)]
        ends.append(sum(comb(n, k) * start[n - k] * shares[k] for k in range(n + 1)))
    found = _cumulants(ends)
    return all([same(f, g) for f, g in zip(found, cumulants, strict=True)])


def _moments(cumulants: tuple[Expr, ...]) -> list[Expr]:
    """m_0, ..., m_n by m_n = sum_k binom(n-1, k-1) c_k m_(n-k)."""
    moments = [Integer(1)]
    for n in range(1, len(cumulants) + 1):
        terms = (comb(n - 1, k - 1) * cumulants[k - 1] * moments[n - k] for k in range(1, n + 1))
        moments.append(sum(terms).expand())
    return moments


def _cumulants(moments: list[Expr]) -> list[Expr]:
    """c_1, ..., c_n by the same recursion, solved for c_n."""
    cumulants = []
    for n in range(1, len(moments)):
        known = sum(comb(n - 1, k - 1) * cumulants[k - 1] * moments[n - k] for k in range(1, n))
        cumulants.append((moments[n] - known).expand())
    return cumulants


_MEANS = (L01 + (mu1 - s2 / 2) * t, L02 + (mu2 - s2 / 2) * t)
_HALF = Rational(1, 2)
_NOISE = s2 * t * Matrix.eye(2)


def _parameters() -> tuple[Figure, ...]:
    sigma, time = mpf("0.8"), mpf("0.1")
    drift = sigma**2 / 2
    return (
        Figure("mean of log X_t at x0 = 2, t = 0.1, sigma = 0.8, mu = sigma^2/2", mpmath.log(2)),
        Figure("at x0 = 1", mpf(0)),
        Figure("as stated, mu", drift),
        Figure("variance of log X_t at t = 0.1", sigma**2 * time),
        Figure("as stated, sigma^2", sigma**2),
    )


E6 = Claim(
    id="E6",
    title="law of X_t given X_0: parameters and independence",
    statement=r"$\log X_t\mid X_0\sim\mathcal N\big(\log X_0+(\mu-\tfrac{\sigma^2}2\mathbf 1)t,\ "
    r"\sigma^2t\,I\big)$: the entries of $X_t$ are log-normal and independent *given* $X_0$, and "
    r"identically distributed only if the entries of $\log X_0+\mu t$ are equal.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(
        *v1("sec. 4: law of the solution of eq. 6", "sec. 4: law of X_t"),
        *v2("sec. 3: solution of eq. 4", "sec. 3: law of X_t"),
    ),
    sheet=("E6",),
    assumptions=("X_0 is given", "the Fokker-Planck equation has one solution for each x0"),
    depends=("A6", "A8"),
    derivation=r"The normal density with mean $\log x_0+(\mu-\tfrac{\sigma^2}2)t$ and covariance "
    r"$\sigma^2t\,I$ solves the Fokker-Planck equation of A8 and shrinks to $\log x_0$ as "
    r"$t\to0$. Its covariance is diagonal, hence independence; its means differ between entries "
    "as the data do. Decided for $d=2$ with different entries and drifts.",
    proof=Proof(
        is_the_law_given_the_data,
        holds=(_MEANS, _NOISE),
        twins={
            "no Itô term": ((L01 + mu1 * t, L02 + mu2 * t), _NOISE),
            "variance sigma^2 t^2": (_MEANS, t * _NOISE),
            "entries correlated": (_MEANS, s2 * t * Matrix([[1, _HALF], [_HALF, 1]])),
        },
        printed={
            "parameters mu and sigma^2 I": ((mu1, mu2), s2 * Matrix.eye(2)),
            "identically distributed entries": ((_MEANS[0], _MEANS[0]), _NOISE),
        },
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed=r"(after eq. 6) The solution ... evolves to follow a log-normal distribution with "
        r"parameters $\mu$ and $\sigma^2$. (after eq. 8) The distribution of $\boldsymbol X_t$, "
        r"as it evolves according to Eq. (8), has i.i.d. entries that are log-normally "
        r"distributed with parameters $\boldsymbol\mu$ and $\sigma^2\mathbb I$",
        trouble=r"The parameters depend on time and on $X_0$: at $t\to0$ the law is the point "
        r"$X_0$, not $\mathcal{LN}(\mu,\sigma^2I)$. Two pixels with different values in the data "
        "have different laws, so the entries are not identically distributed; without "
        "conditioning on $X_0$ they are as dependent as the data make them.",
        correction=r"given $X_0$, independent entries with parameters $\log "
        r"X_0+(\mu-\tfrac{\sigma^2}2\mathbf 1)t$ and $\sigma^2t$",
        figures=_parameters,
        remains_open="Version 2 first speaks of the distribution of one quantity 'given' another, "
        "then repeats 'i.i.d. entries' and 'with parameters ... and ...'; the symbols and "
        "parameters are lost there. The closed-form solution that both versions give next (A6) is "
        "right and is what everything later uses.",
    ),
)

_CUMULANTS = (c[0] + (mu - s2 / 2) * t, c[1] + s2 * t, *c[2:])


def _skewness() -> tuple[Figure, ...]:
    """One pixel that is 2 with probability 0.19 and 1 otherwise, mu = sigma^2/2, sigma = 0.8."""
    bright, jump = mpf("0.19"), mpmath.log(2)
    spread = bright * (1 - bright)
    third = jump**3 * spread * (1 - 2 * bright)
    fourth = jump**4 * spread * (1 - 6 * spread)
    after = jump**2 * spread + mpf("0.64")
    return (
        Figure("third cumulant of log X_t, at t = 0 and at t = 1, pixel in {1, 2}", third),
        Figure("skewness of log X_1", third / after ** mpf("1.5")),
        Figure("excess kurtosis of log X_1", fourth / after**2),
        Figure("both, for a log-normal law", 0),
    )


MARGINAL = Claim(
    id="E6-marginal",
    title="which marginals are log-normal",
    statement=r"All cumulants of $\log X_t$ of order $\ge3$ equal those of $\log X_0$ for every "
    r"$t$; the mean grows by $(\mu-\tfrac{\sigma^2}2)t$, the variance by $\sigma^2t$. $X_t$ is "
    r"log-normal for one $t>0$ if and only if $X_0$ is log-normal or a point mass (a vector: if "
    r"and only if $\log X_0$ is normal, with any covariance $\succeq0$).",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(
        *v1("abstract: Fokker-Planck density", "sec. 4: law of X_t"),
        *v2("abstract: marginal of GBM is log-normal", "sec. 3: marginal is log-normal"),
        *v2("sec. 3: law of X_t", "sec. 7: log-normal marginal"),
    ),
    sheet=("E6",),
    assumptions=(
        "log X_0 has the cumulants that are spoken of (not needed for the second sentence)",
    ),
    depends=("A6", "E6"),
    derivation=r"$\log X_t=\log X_0+\xi$ with $\xi\sim\mathcal N((\mu-\tfrac{\sigma^2}2)t,"
    r"\sigma^2t)$ independent of $X_0$; cumulants of independent variables add and those of $\xi$ "
    r"vanish from the third on. Decided through moments up to order five. If $\log X_t$ is "
    r"$\mathcal N(b,V)$, divide characteristic functions: that of $\log X_0$ is "
    r"$e^{iu(b-(\mu-\sigma^2/2)t)-u^2(V-\sigma^2t)/2}$, which is at most 1 in size only for "
    r"$V\ge\sigma^2t$, and then $\log X_0$ is normal or a point. (This is Cramér's theorem, whose "
    "hard part is not needed since one summand is known to be normal.) The same holds for vectors "
    "with matrices in place of variances. The routine decides the first sentence of the claim; "
    "the second is argued here.",
    proof=Proof(
        are_the_cumulants,
        holds=_CUMULANTS,
        twins={
            "variance grows by sigma^2 t^2": (
                _CUMULANTS[0],
                c[1] + s2 * t**2,
                *c[2:],
            ),
            "no Itô term": (c[0] + mu * t, *_CUMULANTS[1:]),
            "the third cumulant is forgotten": (
                *_CUMULANTS[:2],
                Integer(0),
                *c[3:],
            ),
        },
        printed={"log-normal for every X_0": (*_CUMULANTS[:2], *[Integer(0)] * 3)},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="the density that satisfies the Fokker-Planck equation corresponding to the "
        "stochastic differential equation (SDE) with geometric Brownian motion (GBM) is the "
        "log-normal density",
        trouble="The equation has a solution for every initial law. The log-normal one is the "
        "fundamental solution, for a known $X_0$; for images, whose log is not normal, $p_{X_t}$ "
        "is log-normal at no $t$. Skewness and kurtosis only fade as the variance grows.",
        correction=r"the transition density $p_{X_t\mid X_0}$ is log-normal; the marginal is if "
        "and only if $X_0$ is log-normal or a point mass",
        figures=_skewness,
        remains_open="Version 2's abstract says 'the marginal distribution of geometric Brownian "
        "motion (GBM) at any fixed time is log-normal', which holds from a fixed point and falls "
        "under the same remark; so do its Sections 3 ('the marginal distribution is log-normal') "
        "and 7 ('admits the log-normal as its marginal distribution').",
    ),
)

CLAIMS = (E6, MARGINAL)
