"""Posterior moments of X_0 itself, which need the marginal at another point.

Symbols: y, y0, m, v of the kernel; a power; M0, v0 of log-normal data; mu, s2, t.
"""

from sympy import Expr, Rational, diff, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import a, m, mu, s2, t, v, v0
from spec.scores import _mixture

y, y0, M0 = symbols("y y0 M0", real=True)

# shift of y, logarithm of the factor, and for a = 1 the logarithm of the factor with p for q
Formula = tuple[Expr, Expr, Expr]


def is_the_posterior_moment(formula: Formula) -> bool:
    """Whether E[X_0^a | x] = exp(factor) q(y + shift) / q(y), for every law of the data.

    Every law: the integrands agree for each y0. And with p for q in the case a = 1; and for
    log-normal data against the moment of the normal posterior.
    """
    shift, factor, ambient = formula
    # log of e^{a y0} N(y; y0 + m, v) against log of e^factor N(y + shift; y0 + m, v)
    left = a * y0 - (y - y0 - m) ** 2 / (2 * v)
    right = factor - (y + shift - y0 - m) ** 2 / (2 * v)
    if not same(left, right):
        return False
    # q(y') / q(y) = p(x') / p(x) * e^{y' - y}; what is left of the factor is relative to log x
    at_one = {a: 1, m: (mu - s2 / 2) * t, v: s2 * t}
    in_p = (factor + shift - y).subs(at_one)
    return same(in_p, ambient) and same(shift.subs(at_one), s2 * t) and _log_normal(shift, factor)


def _log_normal(shift: Expr, factor: Expr) -> bool:
    """log-normal data: q = N(M0 + m, v0 + v); the posterior is normal, E e^{aY} = e^{a E + ...}.

    Mean and variance of the posterior come from the exponent of data times kernel.
    """
    joint = -((y0 - M0) ** 2) / (2 * v0) - (y - y0 - m) ** 2 / (2 * v)
    variance = -1 / diff(joint, y0, 2)
    mean = diff(joint, y0).subs(y0, 0) * variance
    log_q = -((y - M0 - m) ** 2) / (2 * (v0 + v))
    return same(factor + log_q.subs(y, y + shift) - log_q, a * mean + a**2 * variance / 2)


def distinguishes(gap: Expr) -> bool:
    """Whether two laws with one score at a point have posterior means whose logs differ by gap.

    A point mass and log-normal data, both centred so that y = M0 + m: both scores vanish there.
    """
    score = diff(-((y - M0 - m) ** 2) / (2 * (v0 + v)), y)
    same_score = same(score.subs(y, M0 + m), 0)
    log_q = -((y - M0 - m) ** 2) / (2 * (v0 + v))
    narrow = log_q.subs(v0, 0)
    moment = [(q.subs(y, y + v) - q).subs(y, M0 + m) for q in (log_q, narrow)]
    return same_score and same(moment[0] - moment[1], gap)


R6 = Claim(
    id="R6",
    title="arithmetic posterior mean",
    statement=r"$\mathbb E[X_{0,i}^a\mid x]=x_i^a\,e^{-am_i+a^2v/2}\,\dfrac{q_t(y+av\,e_i)}"
    r"{q_t(y)}$; for $a=1$ and constant rates $x_i\,e^{(2\sigma^2-\mu_i)t}\,p_t(x\text{ with "
    r"}x_i\to x_ie^{\sigma^2t})/p_t(x)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R6",),
    assumptions=("any law of the data, t > 0", "one coordinate: the kernel is a product"),
    depends=("A6",),
    derivation=r"Completing the square, $e^{ay_0}N(y;y_0+m,v)=e^{a(y-m)+a^2v/2}N(y+av;y_0+m,v)$ "
    r"for every $y_0$; integrate over the data and divide by $q(y)$. For $a=1$, $m=(\mu-"
    r"\frac{\sigma^2}2)t$ and $q(y')/q(y)=e^{y'-y}p(x')/p(x)$ with $y'-y=\sigma^2t$ give the "
    r"exponent $-(\mu-\frac{\sigma^2}2)t+\frac{\sigma^2t}2+\sigma^2t$. The routine compares the "
    "exponents for every data point, and the result with the normal posterior of log-normal data.",
    proof=Proof(
        is_the_posterior_moment,
        holds=(a * v, a * (y - m) + a**2 * v / 2, (2 * s2 - mu) * t),
        twins={
            "shift without the power": (
                v,
                a * (y - m) + a**2 * v / 2,
                (2 * s2 - mu) * t,
            ),
            "sign of the square": (a * v, a * (y - m) - a**2 * v / 2, (2 * s2 - mu) * t),
            "shift down": (-a * v, a * (y - m) + a**2 * v / 2, (2 * s2 - mu) * t),
            "Jacobian left out for p": (a * v, a * (y - m) + a**2 * v / 2, (s2 - mu) * t),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.log_posterior_moment",
            formula=_mixture.moment,
            twins={
                "shift without the power": lambda at: _mixture.moment(at, shift=1),
                "sign of the square": lambda at: _mixture.moment(at, sign=-1),
            },
            points=tuple(
                {**point, "power": power}
                for point, power in zip(_mixture.POINTS, (2.0, -0.7, 3.5), strict=True)
            ),
        ),
    ),
)

R6_NON_LOCAL = Claim(
    id="R6-non-local",
    title="the arithmetic posterior mean is not a function of the score",
    statement=r"Two data laws can have the same score at a point and different posterior means "
    r"$\mathbb E[X_0\mid x]$ there: at $y=M_0+m$ for a point mass and for $\mathcal{LN}(M_0,v_0)$ "
    r"the scores vanish and the logarithms of the means differ by $\frac{v_0v}{2(v_0+v)}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R6",),
    assumptions=("t > 0", "v_0 > 0"),
    depends=("R6",),
    derivation=r"By R6 with $a=1$ the log of the ratio $q(y+v)/q(y)$ at the centre is $-v/2$ for "
    r"the point mass and $-\frac{v^2}{2(v_0+v)}$ for the log-normal; the factor is common. The "
    r"geometric mean, a function of the score (R5), is $e^{M_0}$ for both.",
    proof=Proof(
        distinguishes,
        holds=Rational(1, 2) * v0 * v / (v0 + v),
        twins={
            "no difference": Rational(0),
            "the posterior variance itself": v0 * v / (v0 + v),
            "prior variance": v0 / 2,
        },
    ),
)

CLAIMS = (R6, R6_NON_LOCAL)
