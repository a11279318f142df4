"""Markov chains and an equation with gamma laws (sheet R24b, R24c).

Symbols: K > J > 0  looks before and after a step that adds noise (L_k and L_{k+1})
         xk, xn     state before and after that step;  x0 the data;  n  any order of a moment
         a, b, s2   growth, crowding and sigma^2 of dX = (a - b X) X dt + sigma X dW
"""

from sympy import Expr, Pow, Symbol, cancel, diff, expand, gamma, log, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Kind, Means, Proof
from spec.checking.symbols import s2, x, x0
from spec.targets import _gamma_pins

K, J, n, xk, xn = symbols("K J n xk xn", positive=True)
growth, crowding = symbols("a b", positive=True)


def keeps_gamma_marginals(step: tuple[Expr, Expr, Expr]) -> bool:
    """Whether X_{k+1} = c X_k B, B ~ Beta(p, q), turns looks K into J; step = (c, p, q).

    Moments of every order n > 0: those of Gamma(L) / L are Gamma(L + n) / (Gamma(L) L^n), those of
    B are Gamma(p + n) Gamma(p + q) / (Gamma(p) Gamma(p + q + n)). Left: their product at K. Right:
    the moment at J. Values of the gamma function and n-th powers become symbols.
    """
    c, p, q = step
    before = gamma(K + n) / gamma(K)
    beta = gamma(p + n) * gamma(p + q) / (gamma(p) * gamma(p + q + n))
    after = gamma(J + n) / gamma(J)
    scale = cancel(c * J / K) ** n
    return vanishes(_with_symbols(before * beta * scale) - _with_symbols(after))


def _with_symbols(expression: Expr) -> Expr:
    """The expression with a symbol for each value of gamma and each n-th power."""
    named = expression.replace(gamma, lambda argument: Symbol(f"gamma({expand(argument)})"))
    return named.replace(
        lambda part: isinstance(part, Pow) and part.exp == n,
        lambda part: Symbol(f"power({expand(part.base)})"),
    )


def is_the_ancestral_step(step: tuple[Expr, Expr]) -> bool:
    """Whether X_k = (c X_{k+1} + x0 Gamma(p)) / K is the law of X_k given X_{k+1} and x0.

    step = (c, p), Gamma(p) with rate 1. Left: d/dxk of the logarithm of p(xk | x0) p(xn | xk),
    with gamma kernel and beta step. Right: d/dxk of the log density of the formula. Two densities
    with the same logarithmic derivative are equal where both are positive: B <= 1 there is
    K xk >= J xn, here it is K xk >= c xn.
    """
    c, p = step
    B = J * xn / (K * xk)
    kernel = (K - 1) * log(xk) - K * xk / x0
    chain = (J - 1) * log(B) + (K - J - 1) * log(1 - B) - log(xk)
    drawn = (K * xk - c * xn) / x0
    candidate = (p - 1) * log(drawn) - drawn
    return vanishes((diff(kernel + chain - candidate, xk), c - J))


def is_stationary(law: tuple[Expr, Expr]) -> bool:
    """Whether Gamma(shape, rate) carries no probability flux; law = (shape, rate).

    The flux is (a - b x) x p - (s2 / 2) d(x^2 p)/dx, divided by x p and with x p'/p by
    differentiation of the log density.
    """
    shape, rate = law
    log_density = (shape - 1) * log(x) - rate * x
    score = x * diff(log_density, x)
    return vanishes(growth - crowding * x - s2 / 2 * (2 + score))


CHAIN = Claim(
    id="R24b",
    title="a Markov chain with gamma noise",
    statement=r"For $\ell_0>\ell_1>\dots$ the chain $X_{k+1}=X_k\,\frac{\ell_k}{\ell_{k+1}}\,"
    r"\mathrm{Beta}(\ell_{k+1},\ell_k-\ell_{k+1})$ keeps $X_k\mid X_0\overset d=X_0\,"
    r"\Gamma_{\ell_k}/\ell_k$ exactly.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R24b",),
    assumptions=("the beta draws are independent of each other and of X_k", "per coordinate"),
    depends=("R24",),
    derivation=r"The $n$-th moment of $\Gamma_\ell$ is $\Gamma(\ell+n)/\Gamma(\ell)$ and that of "
    r"$\mathrm{Beta}(p,q)$ is $\frac{\Gamma(p+n)\Gamma(p+q)}{\Gamma(p)\Gamma(p+q+n)}$. With "
    r"$p+q=\ell_k$ the product telescopes to $\Gamma(\ell_{k+1}+n)/\Gamma(\ell_{k+1})$, and the "
    r"factor replaces $\ell_k^{-n}$ by $\ell_{k+1}^{-n}$. Moments of all orders $n>0$ (a Mellin "
    r"transform) determine the law.",
    proof=Proof(
        keeps_gamma_marginals,
        holds=(K / J, J, K - J),
        twins={
            "not rescaled": (K / K, J, K - J),
            "parameters swapped": (K / J, K - J, J),
            "second parameter K": (K / J, J, K),
        },
    ),
    pins=_gamma_pins.CHAIN,
)

ANCESTRAL = Claim(
    id="R24b-ancestral",
    title="exact reverse step for gamma noise",
    statement=r"For that chain, given $X_{k+1}$ and $x_0$: $X_k=\frac{\ell_{k+1}X_{k+1}+x_0\,G}"
    r"{\ell_k}$ with $G\sim\Gamma(\ell_k-\ell_{k+1},1)$. It keeps values positive; with a "
    r"denoised $\hat x_0$ for $x_0$ it is an ancestral sampler.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R24b",),
    assumptions=("per coordinate", "exact with x0; with an estimate it is a model"),
    depends=("R24b",),
    derivation=r"Bayes: $p(x_k\mid x_{k+1},x_0)\propto p(x_k\mid x_0)\,p(x_{k+1}\mid x_k)\propto "
    r"x_k^{\ell_k-1}e^{-\ell_kx_k/x_0}\,x_k^{-1}B^{\ell_{k+1}-1}(1-B)^{\ell_k-\ell_{k+1}-1}$ with "
    r"$B=\frac{\ell_{k+1}x_{k+1}}{\ell_kx_k}$. The powers of $x_k$ cancel and leave "
    r"$(\ell_kx_k-\ell_{k+1}x_{k+1})^{\ell_k-\ell_{k+1}-1}e^{-\ell_kx_k/x_0}$: a gamma density of "
    r"$(\ell_kx_k-\ell_{k+1}x_{k+1})/x_0$.",
    proof=Proof(
        is_the_ancestral_step,
        holds=(J, K - J),
        twins={
            "shape K": (J, K),
            "shape J": (J, J),
            "X_{k+1} without its looks": (K / K, K - J),
        },
    ),
    pins=_gamma_pins.ANCESTRAL,
)

EQUILIBRIUM = Claim(
    id="R24c",
    title="a multiplicative equation with a gamma equilibrium",
    statement=r"$dX=(a-bX)X\,dt+\sigma X\,dW$ has the stationary law "
    r"$\Gamma\big(\frac{2a}{\sigma^2}-1,\ \text{rate }\frac{2b}{\sigma^2}\big)$ when "
    r"$2a>\sigma^2$ and $b>0$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sheet=("R24c",),
    assumptions=(
        "Itô calculus",
        "2a > sigma^2 and b > 0, without which the density cannot be normalised",
        "nothing is claimed about the transition density",
    ),
    depends=("A1",),
    derivation=r"A density without probability flux is stationary: $(a-bx)x\,p=\frac{\sigma^2}2"
    r"(x^2p)'$. Divide by $xp$: $a-bx=\frac{\sigma^2}2(2+xp'/p)$, so $xp'/p=\frac{2a}{\sigma^2}-2-"
    r"\frac{2b}{\sigma^2}x$, which is the score $\alpha-1-\beta x$ of a gamma law.",
    proof=Proof(
        is_stationary,
        holds=(2 * growth / s2 - 1, 2 * crowding / s2),
        twins={
            "Stratonovich shape": (2 * growth / s2, 2 * crowding / s2),
            "without the factor 2": (growth / s2 - 1, crowding / s2),
            "scale for rate": (2 * growth / s2 - 1, s2 / (2 * crowding)),
        },
    ),
)

CLAIMS = (CHAIN, ANCESTRAL, EQUILIBRIUM)
