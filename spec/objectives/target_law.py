"""The law of the training target, and what the weightings make of it.

Symbols: v = sigma^2 t; z standard normal; c = -1 - z / sqrt(v) the target; lambda the weight;
t1 the first time of training.
"""

from collections.abc import Callable

from sympy import Expr, Integer, Symbol, integrate, limit, log, sqrt, symbols

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Kind, Means, Pin, Proof
from spec.checking.symbols import s2, t, v, z

# mean, variance, v E c^2, v E (1 + c)^2 as functions of v
Law = tuple[Expr, Expr, Expr, Expr]
# the integral as a function of t1, its rate, the term under sampling of t with density ~ 1/t
Divergence = tuple[Callable[[Symbol], Expr], Expr, Expr]


def is_the_law(law: Law) -> bool:
    """Whether the four numbers are those of the target, per coordinate.

    The target is built from its definition: x d/dx of the log-normal kernel's logarithm, with
    log x = log x_0 + m + sqrt(v) z inserted.
    """
    r, L, center = symbols("r L center", positive=True)
    log_kernel = -L - (L - center) ** 2 / (2 * r**2)
    target = log_kernel.diff(L).subs(L, center + r * z)
    first, second, shifted = (
        expectation(e, z, 0, 1) for e in (target, target**2, (1 + target) ** 2)
    )
    found = (first, second - first**2, r**2 * second, r**2 * shifted)
    return all([same(left, right.subs(v, r**2)) for left, right in zip(found, law, strict=True)])


def diverges_so(claimed: Divergence) -> bool:
    """Whether the sigma^2-weighted second moment of the target diverges over time as claimed.

    Its integral over [t1, 1]; the limit of that divided by log(1/t1) as t1 -> 0, which is zero
    when the integral stays finite; and what one draw of t with density 1 / (t log(1/t1))
    contributes, divided by log(1/t1).
    """
    closed_form, rate, term = claimed
    t1, r, ell = symbols("t1 r ell", positive=True)
    moment = s2 * expectation((1 + z / r) ** 2, z, 0, 1).subs(r, sqrt(s2 * t))
    value = integrate(moment.expand(), (t, t1, 1))
    if limit(value / log(1 / t1), t1, 0, "+") != rate:
        return False
    density = 1 / (t * ell)  # ell = log(1 / t1)
    if not same(moment / density / ell, term):
        return False
    return same(*(e.expand().subs(log(t1), -ell) for e in (value, closed_form(t1))))


R4 = Claim(
    id="R4",
    title="law of the training target",
    statement=r"Per coordinate $c=-1-z/\sqrt v$ with $z\sim\mathcal N(0,1)$ and $v=\sigma^2t$: "
    r"mean $-1$, variance $1/v\to\infty$ as $t\to0$. With $\lambda=v$: $\lambda\,\mathbb E "
    r"c^2=1+v$ and $\lambda\,\mathbb E(1+c)^2=1$, the regression of the noise.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R4",),
    assumptions=("t > 0",),
    depends=("A16", "A6"),
    derivation=r"$\log p_{t\mid0}=-L-(L-\log x_0-m)^2/2v+\text{const}$ with $L=\log x$. Its "
    r"derivative in $L$ is $-1-(L-\log x_0-m)/v=-1-z/\sqrt v$, and the moments are Gaussian. "
    r"$\tfrac v2\lVert c-h\rVert^2=\tfrac12\lVert z+\sqrt v(1+h)\rVert^2$: with the head $\hat "
    r"z=-\sqrt v(1+h)$ every time has the same target law.",
    proof=Proof(
        is_the_law,
        holds=(Integer(-1), 1 / v, 1 + v, Integer(1)),
        twins={
            "mean zero": (Integer(0), 1 / v, 1 + v, Integer(1)),
            "variance v": (Integer(-1), v, 1 + v, Integer(1)),
            "second moment without the mean": (Integer(-1), 1 / v, Integer(1), Integer(1)),
            "noise regression with variance v": (Integer(-1), 1 / v, 1 + v, v),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.variance_weighting",
            formula=v,
            twins={"unweighted": Integer(1), "deviation": sqrt(v)},
            points=({"v": 0.64}, {"v": 6.4e-4}, {"v": 1e-12}, {"v": 17.0}),
        ),
    ),
)

R4_LIKELIHOOD = Claim(
    id="R4-likelihood-weight",
    title="likelihood weighting diverges at the data",
    statement=r"With the likelihood weight $\lambda=\sigma^2$: $\int_{t_1}^1\lambda\,\mathbb E "
    r"c^2dt=\sigma^2(1-t_1)+\ln(1/t_1)$ per coordinate, which diverges like $\ln(1/t_1)$. Drawing "
    r"$t\in[t_1,1]$ with density $\propto1/t$, the weighted second moment of a draw is "
    r"$(1+\sigma^2t)\ln(1/t_1)$, of the same size at every $t$.",
    kind=Kind.PROVED,
    means=Means.CALCULUS,
    sheet=("R4",),
    assumptions=("constant coefficients",),
    depends=("R4",),
    derivation=r"$\sigma^2\mathbb E c^2=\sigma^2+1/t$ by R4. Integrate; the second term gives the "
    r"logarithm. Divide the integrand by the density $1/(t\ln(1/t_1))$ for the last part.",
    proof=Proof(
        diverges_so,
        holds=(lambda t1: s2 * (1 - t1) - log(t1), Integer(1), 1 + s2 * t),
        twins={
            "twice the logarithm": (
                lambda t1: s2 * (1 - t1) - 2 * log(t1),
                Integer(2),
                1 + s2 * t,
            ),
            "finite": (lambda t1: s2 * (1 - t1), Integer(0), 1 + s2 * t),
            "uniform times": (lambda t1: s2 * (1 - t1) - log(t1), Integer(1), s2 + 1 / t),
        },
    ),
)

CLAIMS = (R4, R4_LIKELIHOOD)
