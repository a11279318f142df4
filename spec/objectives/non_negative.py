"""Non-negative score matching (Hyvarinen 2007): what it shares with the multiplicative losses.

Symbols: H = x * grad log p, h = x * s_theta, s = 1 + H the score of y = log x; beta, gamma
parameters of a model psi = -beta - gamma x, b the true rate of exponential data.
"""

from collections.abc import Callable

from sympy import (
    Expr,
    Function,
    Integer,
    Symbol,
    cancel,
    diff,
    exp,
    expand,
    factorial,
    fraction,
    hessian,
    log,
    solve,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2
from spec.checking.symbols import L, a, m, v, v0
from spec.objectives._log_normal import denoising_loss, explicit_loss

# an implicit loss: the integrand as a function of (x, psi, psi'), and the weight of psi(0) p(0)
Implicit = tuple[Callable[[Expr, Expr, Expr], Expr], int]


def matches_in_log_space(model: Callable[[Expr], Expr]) -> bool:
    """Whether H - h is the log score minus model(h), for every density, per coordinate.

    The log score is the derivative of log q, q(y) = p(e^y) e^y, with an arbitrary p: its slope
    at x is a symbol. H comes from p in x.
    """
    y, x, h, slope, value = symbols("y x h slope value", positive=True)
    p = Function("p", positive=True)
    log_score = diff(log(p(exp(y))) + y, y).doit()
    at_x = diff(p(x), x)
    log_score = log_score.subs(exp(y), x).doit().subs(at_x, slope).subs(p(x), value)
    hyvarinen = (x * diff(log(p(x)), x)).subs(at_x, slope).subs(p(x), value)
    return same(log_score - model(h), hyvarinen - h)


def becomes_non_negative_matching(loss: Callable[[Expr], Expr]) -> bool:
    """Whether the loss of every affine model tends to L_NN as t -> 0, on log-normal data.

    L_NN is averaged at t = 0 from its definition. The loss is a rational function of v; it has
    no limit when its denominator vanishes at v = 0.
    """
    c, d = symbols("c d")
    model = c + d * L
    score = -1 - (L - a) / v0
    static = expectation((score - model) ** 2 / 2, L, a, v0)
    numerator, denominator = fraction(cancel(loss(model).subs(m, 0)))
    if vanishes(denominator.subs(v, 0)):
        return False
    return same(numerator.subs(v, 0) / denominator.subs(v, 0), static)


def recover_the_rate(losses: tuple[Implicit, ...]) -> bool:
    """Whether each loss has its only stationary point at psi = -b, for exponential data.

    psi = -beta - gamma x; E x^n = n! / b^n. The gradient in (beta, gamma) must vanish at (b, 0)
    and the loss, a quadratic, must not be degenerate.
    """
    x, b, beta, gamma = symbols("x b beta gamma")
    psi = -beta - gamma * x
    if not losses:
        raise ValueError("no loss was given")
    for integrand, at_zero in losses:
        loss = _over_exponential(integrand(x, psi, diff(psi, x)), x, b)
        loss += at_zero * psi.subs(x, 0) * b
        gradient = tuple(diff(loss, e).subs({beta: b, gamma: 0}) for e in (beta, gamma))
        if not vanishes(gradient) or vanishes(hessian(loss, (beta, gamma)).det()):
            return False
    return True


def _over_exponential(polynomial: Expr, x: Symbol, rate: Expr) -> Expr:
    """The expectation of a polynomial in x under the exponential law."""
    terms = expand(polynomial).as_poly(x).terms()
    return sum(c * factorial(n) / rate**n for (n,), c in terms)


def _non_negative(x: Expr, psi: Expr, slope: Expr) -> Expr:
    return x**2 * psi**2 / 2 + 2 * x * psi + x**2 * slope


def _ordinary(_: Expr, psi: Expr, slope: Expr) -> Expr:
    return psi**2 / 2 + slope


def _fitted_rate(integrand: Callable[[Expr, Expr, Expr], Expr], rate: int) -> float:
    """The rate at which the loss of psi = -beta is least."""
    x, beta = symbols("x beta")
    loss = _over_exponential(integrand(x, -beta, Integer(0)), x, Integer(rate))
    return float(solve(diff(loss, beta), beta)[0])


def _figures() -> tuple[Figure, ...]:
    return (
        Figure("rate fitted by ordinary score matching, true rate 2", _fitted_rate(_ordinary, 2)),
        Figure("rate fitted by non-negative score matching", _fitted_rate(_non_negative, 2)),
    )


SPECIAL_CASE = Claim(
    id="NN-special-case",
    title="the explicit loss at t = 0 is non-negative score matching",
    statement=r"M-ESM at $t=0$ is $\mathcal L_{\text{NN}}$ of Hyvärinen (2007), and both are "
    r"ordinary explicit score matching of $\log X$: $H-h=s-(\mathbf 1+h)$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(
        *v1("sec. 5: subsumes non-negative score matching"),
        *v2("sec. 4: special case at t = 0"),
    ),
    sheet=("A17", "E27"),
    assumptions=(
        "the data have a differentiable density",
        "symbols lost in the text of version 2; reconstructed: the loss meant is M-ESM",
    ),
    depends=("A14", "A17", "A10-score"),
    derivation=r"$X_t=X_0$ at $t=0$, so A14 reads as A17 letter by letter. The log score is "
    r"$s=\mathbf 1+H$, hence $H-h=s-(\mathbf 1+h)$: the model of $\log X$ is $\mathbf 1+h$. The "
    "routine decides this identity; that M-ESM tends to the same loss as $t\\to0$ is decided in "
    "E27. Its implicit form at $t=0$ is R18.",
    proof=Proof(
        matches_in_log_space,
        holds=lambda h: 1 + h,
        twins={
            "no Jacobian": lambda h: h,
            "Jacobian of exp": lambda h: h - 1,
            "twice": lambda h: 1 + 2 * h,
        },
    ),
)

E27 = Claim(
    id="E27",
    title="the denoising loss does not contain the static one",
    statement=r"As $t\to0$ the explicit loss M-ESM tends to $\mathcal L_{\text{NN}}$; the "
    r"denoising loss M-DSM tends to infinity for every model, and at $t=0$ it is undefined.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(
        *v1("abstract: subsumes non-negative score matching"),
        *v1("sec. 5: subsumes non-negative score matching"),
        *v2("abstract: subsumes non-negative score matching"),
    ),
    sheet=("E27",),
    assumptions=("the limit: log-normal data, affine models",),
    depends=("NN-special-case", "A-Thm-log-normal", "E26"),
    derivation=r"Both losses are Gaussian moments, rational in $v=\sigma^2t$. M-ESM has the value "
    r"$\mathcal L_{\text{NN}}$ at $v=0$. M-DSM is larger by $C=v_0/2v(v_0+v)$, which has a pole "
    r"there. At $v=0$ the target is $0/0$ (E9).",
    proof=Proof(
        becomes_non_negative_matching,
        holds=explicit_loss,
        twins={
            "M-DSM weighted by v": lambda model: v * denoising_loss(model),
            "M-DSM less the noise's part": lambda model: denoising_loss(model) - 1 / (2 * v),
            "M-ESM without the half": lambda model: 2 * explicit_loss(model),
        },
        printed={"M-DSM": denoising_loss},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed='Abstract of version 1: "a new formalism for multiplicative denoising '
        "score-matching, which subsumes the loss function proposed by Hyvärinen for non-negative "
        'data". Abstract of version 2, after the M-DSM objective and its equivalence to M-ESM: '
        '"This development subsumes the non-negative score matching loss of Hyvärinen (2007) as a '
        'special case." Section 4: "The M-DSM framework is thus a generalization". Version 1: '
        '"our framework generalizes the score-matching loss".',
        trouble="Section 4 says exactly what is true: it is M-ESM that becomes Hyvärinen's loss "
        "at $t=0$. M-DSM, the loss that is proposed, does not: the equivalence needs $t>0$, and "
        "its constant is infinite in the limit.",
        correction=r"The explicit loss M-ESM at $t=0$ is $\mathcal L_{\text{NN}}$. M-DSM exists "
        r"for $t>0$ and differs from M-ESM by a constant that tends to infinity as $t\to0$.",
        remains_open='Which loss the last sentences mean by "development" and "framework" is '
        "a matter of reading.",
    ),
)

E34 = Claim(
    id="E34",
    title="why non-negative score matching is needed",
    statement="For exponential data, whose score $-b$ is constant and has no singularity, the "
    r"implicit form of ordinary score matching, $\mathbb E\{\tfrac12\psi^2+\psi'\}$, returns the "
    r"rate $0$. Non-negative score matching returns $b$, and so does the ordinary form with its "
    r"boundary term $\psi(0)\,p(0)$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(
        *v1("sec. 5: motivation of non-negative score matching"),
        *v2("sec. 4: motivation of non-negative score matching"),
    ),
    sheet=("E34",),
    assumptions=(r"models $\psi=-\beta-\gamma x$, exponential data",),
    depends=("R18", "boundary-term"),
    derivation=r"$\mathbb Ex^n=n!/b^n$. Ordinary: $\tfrac12\beta^2$ for $\gamma=0$, least at $0$. "
    r"The integration by parts has dropped $-[\psi p]_0^\infty=\psi(0)p(0)=-\beta b$; with it the "
    r"loss $\tfrac12\beta^2-\beta b$ is least at $b$. Non-negative: $\beta^2/b^2-2\beta/b$, least "
    r"at $b$, its own boundary term $[x^2\psi p]$ being zero. Decided for both parameters.",
    proof=Proof(
        recover_the_rate,
        holds=((_non_negative, 0), (_ordinary, 1)),
        twins={
            "1 for 2": ((lambda x, f, g: x**2 * f**2 / 2 + x * f + x**2 * g, 0),),
            "boundary term subtracted": ((_ordinary, -1),),
            "last term left out": ((lambda x, f, g: x**2 * f**2 / 2 + 2 * x * f, 0),),
        },
        printed={"the score has no singularity, so the ordinary loss will do": ((_ordinary, 0),)},
    ),
    erratum=Erratum(
        fault=Fault.INCONSISTENT,
        printed="\"Hyvärinen (2007)'s motivation for introducing this loss function is to avoid "
        'the singularity at the origin for non-negative data." Version 2: "primarily motivated by '
        'a need to avoid the singularity at the origin".',
        trouble="Taken as a singularity of the score, the words do not say when the loss is "
        "needed: exponential data have a smooth score and ordinary score matching still fails. "
        "What has to be avoided is the jump of the density at the origin, a boundary term in the "
        'integration by parts. If "singularity" means that jump, the sentence is right.',
        correction=r"The factor $x^2$ removes the boundary term $\psi(0)p(0)$, which is there "
        r"whenever $p(0^+)>0$.",
        figures=_figures,
    ),
)

CLAIMS = (SPECIAL_CASE, E27, E34)
