"""Multiplicative gamma noise, X = X_0 G with G ~ Gamma(looks, rate looks) (sheet R24).

The paper names gamma noise as future work. Symbols: looks  number of looks of the noise, > 0
         x, x0   noisy and clean value, x = x0 G
         H       x d/dx of a log density;  alpha, beta  parameters of an inverse gamma law
"""

from collections.abc import Callable

from sympy import Expr, Rational, diff, expand, log, rf, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import x, x0
from spec.targets import _gamma_pins

looks, alpha, beta = symbols("looks alpha beta", positive=True)


def is_the_target(candidate: tuple[Expr, Expr, Expr]) -> bool:
    """Whether (target, mean, variance) are right for the score of the gamma kernel.

    Left: x d/dx of log p(x | x0), p(x | x0) = g(x / x0) / x0 with g the gamma density; its mean
    and variance by the moments E[G^n] = looks (looks + 1) ... (looks + n - 1) / looks^n. Right:
    the formulas, in x, x0 and looks.
    """
    target, mean, variance = candidate
    derived = x * diff(_log_kernel(x, x0), x)
    G = symbols("G")
    in_noise = derived.subs(x, x0 * G)
    first, second = (_mean_over_noise(in_noise**n, G) for n in (1, 2))
    return vanishes((derived - target, first - mean, second - first**2 - variance))


def _log_kernel(x_: Expr, x0_: Expr) -> Expr:
    """log p(x | x0) without its constant: (looks - 1) log G - looks G - log x0 at G = x / x0."""
    return (looks - 1) * (log(x_) - log(x0_)) - looks * x_ / x0_ - log(x0_)


def _mean_over_noise(f: Expr, G: Expr) -> Expr:
    coefficients = expand(f).as_poly(G).all_coeffs()[::-1]
    return sum(c * rf(looks, n).expand(func=True) / looks**n for n, c in enumerate(coefficients))


def is_the_denoiser(denoiser: Callable[[Expr], Expr]) -> bool:
    """Whether E[1 / X_0 | x] = denoiser(H(x)) for every data law.

    Data of two values c_j with weights w_j; since x p' and p E[1 / X_0 | x] are linear in the data
    law, this decides every law. Left: the posterior mean. Right: the formula at the marginal score
    H = x p'/p, p the sum of the kernels, each kernel a symbol p_j with x p_j' = p_j * (x d/dx of
    its logarithm).
    """
    points, terms = symbols("c1 c2", positive=True), symbols("p1 p2", positive=True)
    scores = [x * diff(_log_kernel(x, c), x) for c in points]
    total = sum(terms)
    marginal = sum(p * score for p, score in zip(terms, scores, strict=True)) / total
    left = sum(p / c for p, c in zip(terms, points, strict=True)) / total
    return vanishes(left - denoiser(marginal))


def is_the_marginal(candidate: tuple[Expr, Expr]) -> bool:
    """Whether (log p, H) are the marginal law of x and its score for inverse gamma data.

    X_0 ~ InvGamma(alpha, beta). Left: the kernel times the prior as a function of x0 is
    x0^-(A + 1) e^{-B / x0}, whose integral over x0 is Gamma(A) B^-A; A and B are read off by
    differentiation. Right: the formulas; log p up to a constant.
    """
    log_density, score = candidate
    joint = _log_kernel(x, x0) - (alpha + 1) * log(x0) - beta / x0
    slope = expand(diff(joint, x0) * x0)  # -(A + 1) + B / x0
    B = slope.coeff(x0, -1)
    A = -slope.coeff(x0, 0) - 1
    rest = joint + (A + 1) * log(x0) + B / x0  # what does not depend on x0
    if not vanishes(expand(diff(rest, x0))):
        raise ArithmeticError("the joint density is not an inverse gamma in x0")
    left = x * diff(rest - A * log(B), x)
    return vanishes((left - score, x * diff(log_density, x) - score))


_TARGET = looks - 1 - looks * x / x0
_LOG_P = (looks - 1) * log(x) - (looks + alpha) * log(beta + looks * x)
_H = looks - 1 - (looks + alpha) * looks * x / (beta + looks * x)

TARGET = Claim(
    id="R24",
    title="target for gamma noise",
    statement=r"For $X=X_0\circ G$ with independent $G_i\sim\Gamma(\ell,\text{rate }\ell)$ the "
    r"denoising target is $x\,\partial_x\log p(x\mid x_0)=\ell-1-\ell x/x_0$, with mean $-1$ and "
    r"variance $\ell$ given $x_0$: $\ell$ takes the place of $1/(\sigma^2t)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R24",),
    assumptions=("per coordinate", "x0 > 0, number of looks > 0"),
    depends=("A-Thm",),
    derivation=r"$p(x\mid x_0)=g(x/x_0)/x_0$ with $g(G)\propto G^{\ell-1}e^{-\ell G}$; "
    r"differentiate $(\ell-1)\log x-\ell x/x_0$. The target is $\ell-1-\ell G$ with $\mathbb "
    r"EG=1$, $\mathrm{Var}\,G=1/\ell$. The equivalence of the denoising and the explicit loss "
    r"(A-Thm) uses of the kernel only that $p=\int p(x\mid x_0)p_0\,dx_0$ may be differentiated "
    "under the integral, so it holds here as well.",
    proof=Proof(
        is_the_target,
        holds=(_TARGET, Rational(-1), looks),
        twins={
            "the log score, without -1": (_TARGET + 1, Rational(0), looks),
            "variance 1 / looks": (_TARGET, Rational(-1), 1 / looks),
            "noise of mean looks": (looks - 1 - x / x0, Rational(-1), looks),
            "score of the ratio, not times x": (_TARGET / x, Rational(-1), looks),
        },
    ),
    pins=_gamma_pins.SCORE,
)

DENOISER = Claim(
    id="R24-denoiser",
    title="denoiser for gamma noise",
    statement=r"For gamma noise and every data law $\mathbb E[1/X_0\mid x]=\frac{\ell-1-H}{\ell "
    r"x}$ with $H=x\,\partial_x\log p(x)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R24",),
    assumptions=("per coordinate", "p may be differentiated under the integral over x0"),
    depends=("R24",),
    derivation=r"$H(x)=\mathbb E[\,x\,\partial_x\log p(x\mid X_0)\mid x\,]=\ell-1-\ell x\,\mathbb "
    r"E[1/X_0\mid x]$; solve for the posterior mean. Both sides times $p$ are linear in the data "
    "law, so data of two values decide it.",
    proof=Proof(
        is_the_denoiser,
        holds=lambda H: (looks - 1 - H) / (looks * x),
        twins={
            "looks for looks - 1": lambda H: (looks - H) / (looks * x),
            "H added": lambda H: (looks - 1 + H) / (looks * x),
            "not divided by looks": lambda H: (looks - 1 - H) / x,
        },
    ),
    pins=_gamma_pins.DENOISER,
)

MARGINAL = Claim(
    id="R24-inverse-gamma",
    title="inverse gamma data under gamma noise",
    statement=r"$X_0\sim\mathrm{InvGamma}(\alpha,\beta)$ gives $p(x)\propto x^{\ell-1}(\beta+\ell "
    r"x)^{-(\ell+\alpha)}$ and $H=\ell-1-\frac{(\ell+\alpha)\ell x}{\beta+\ell x}$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R24",),
    assumptions=("alpha, beta > 0", "one coordinate"),
    depends=("R24",),
    derivation=r"Kernel times prior is, as a function of $x_0$, $x^{\ell-1}x_0^{-(\ell+\alpha+1)}"
    r"e^{-(\beta+\ell x)/x_0}$, an inverse gamma kernel with integral $\Gamma(\ell+\alpha)"
    r"(\beta+\ell x)^{-(\ell+\alpha)}$. Multiply, then differentiate the logarithm.",
    proof=Proof(
        is_the_marginal,
        holds=(_LOG_P, _H),
        twins={
            "exponent alpha alone": (_LOG_P + looks * log(beta + looks * x), _H),
            "score of the prior": (_LOG_P, -alpha - 1 + beta / x),
            "factor looks dropped": (_LOG_P, looks - 1 - (looks + alpha) * x / (beta + looks * x)),
        },
    ),
    pins=_gamma_pins.MARGINAL,
)

CLAIMS = (TARGET, DENOISER, MARGINAL)
