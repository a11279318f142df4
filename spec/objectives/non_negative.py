"""Non-negative score matching (Hyvarinen 2007): what it shares with the multiplicative losses.

Symbols as in `_setting` and in `implicit`; the model is psi = -beta - gamma x.
"""

from collections.abc import Callable

from sympy import (
    Expr,
    Integer,
    Poly,
    cancel,
    diff,
    exp,
    factor,
    factorial,
    fraction,
    hessian,
    limit,
    log,
    solve,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Values, v1, v2
from spec.checking.gaussian import expectation
from spec.checking.symbols import H, L, a, h, m, v, v0, x
from spec.objectives._setting import EXPLICIT, LOG_NORMAL, denoising_loss, explicit_loss
from spec.objectives.implicit import NAMES, R18, end, p, p1, psi, psi1

b, c0, c1 = symbols("b", positive=True), *symbols("c0 c1")
beta, gamma, d = symbols("beta gamma d", real=True)
_GAP, _AFFINE, _FLAT, _RATE = H - h, c0 + c1 * L, Integer(-1), 2
_STATIC, _ORDINARY = R18.holds["psi"], psi**2 / 2 + psi1
_WITH_END = {"static": _STATIC, "ordinary": _ORDINARY + end}


def matches_in_log_space(model: Expr) -> bool:
    r"""At time zero, where the state is the data, M-ESM is $\mathcal L_{\text{NN}}$ of Hyvärinen
    (2007): both have the integrand $[[integrand]]$. Both are ordinary explicit score matching of
    $\log X$, whose model is $[[it]]$: its gap to the score of $\log X$ is $[[gap]]$.

    A14 is read at time zero and compared with A17. The score of $\log X$ is $H$ and one more, by
    the Jacobian of the logarithm, for any density.
    """
    density = (p + p1 * x * (exp(d) - 1)) * x * exp(d)  # of log X at log x + d
    return same(diff(log(density), d).subs(d, 0) - model, _GAP.subs(H, x * p1 / p))


def becomes_non_negative_matching(loss: Callable[[Expr], Expr]) -> bool:
    r"""For $v$ and $m$ to zero, where $v$ is $\sigma^2t$, the loss of every model affine in $\log
    x$ tends to $\mathcal L_{\text{NN}}$. For $h$ equal to $[[model]]$ it is $[[example]]$. Here
    the loss is $\mathcal L_{\text{M-ESM}}$; $\mathcal L_{\text{M-DSM}}$ times $v$ tends to
    $[[pole]]$ for each of these models, so that it tends to infinity itself.

    The losses are Gaussian moments, rational in $v$; $\mathcal L_{\text{NN}}$ is of the data.
    """
    static = EXPLICIT.subs({H: -1 - (L - a) / v0, h: _AFFINE}, simultaneous=True)
    above, below = (e.subs(v, 0) for e in fraction(cancel(loss(_AFFINE).subs(m, 0))))
    return not vanishes(below) and same(above / below, expectation(static, L, a, v0))


def recover_the_rate(losses: Values) -> bool:
    r"""For exponential data of any rate $b$, whose score is constant, and for models affine in
    $x$, non-negative score matching, the expectation of $[[static]]$, and ordinary score matching
    with its boundary term, that of $[[ordinary]]$, are least at $\psi=[[rate]]$ alone.

    Both are quadratic in the two parameters of the model. Their gradients vanish at the rate, and
    the second derivatives are positive definite, by their minors. Without the boundary term the
    ordinary loss is $[[left_out]]$ for a constant $\psi$ of $[[constant]]$: least at zero.
    """
    found = []
    for loss in losses.values():
        value = _over_exponential(loss, -beta - gamma * x)
        slopes = [diff(value, e).subs({beta: b, gamma: 0}) for e in (beta, gamma)]
        curved = hessian(value, (beta, gamma))
        definite = all(factor(e).is_positive for e in (curved[0, 0], curved.det()))
        quadratic = Poly(value, beta, gamma).total_degree() <= 2
        found.append(vanishes(slopes) and definite and quadratic)
    return all(found)


def _over_exponential(loss: Expr, model: Expr) -> Expr:
    """The loss of a model that is polynomial in x, by E x^n = n! / b^n."""
    written = loss.subs({psi: model, psi1: diff(model, x), end: model.subs(x, 0) * b})
    return cancel(sum(c * factorial(n) / b**n for (n,), c in Poly(written, x).terms()))


def _fitted(name: str, loss: Expr) -> Figure:
    (rate,) = solve(diff(_over_exponential(loss, -beta).subs(b, _RATE), beta), beta)
    label = f"rate fitted to exponential data of rate {_RATE} by {name} score matching"
    return Figure(label, float(rate))


_MATCHING = "non-negative score matching"
_SUBSUMES, _ABSTRACT = f"sec. 5: subsumes {_MATCHING}", f"abstract: subsumes {_MATCHING}"
SPECIAL_CASE = Claim(
    "NN-special-case", "the explicit loss at t = 0 is non-negative score matching",
    matches_in_log_space, 1 + h,
    twins={"no Jacobian": h, "Jacobian of exp": h - 1, "twice": 1 + 2 * h},
    values=lambda: {"integrand": EXPLICIT, "gap": _GAP}, names=NAMES,
    sources=v1(_SUBSUMES) + v2("sec. 4: special case at t = 0"), sheet=("A17", "E27"),
    assumptions=("the data have a differentiable density",),
    readings=("symbols lost in version 2; reconstructed: the loss meant is M-ESM",),
    depends=("A14", "A17", "A10-score"),
)  # fmt: skip

E27 = Claim(
    "E27", "the denoising loss does not contain the static one", becomes_non_negative_matching,
    explicit_loss, twins={
        "M-DSM weighted by v": lambda model: v * denoising_loss(model),
        "M-DSM less the noise's part": lambda model: denoising_loss(model) - 1 / (2 * v),
        "M-ESM without the half": lambda model: 2 * explicit_loss(model),
    }, printed={"M-DSM": denoising_loss},
    shown=lambda loss: {"example": factor(cancel(loss(_FLAT)))},
    values=lambda: {"model": _FLAT, "pole": limit(cancel(v * denoising_loss(_AFFINE)), v, 0)},
    names=NAMES, sources=v1(_ABSTRACT, _SUBSUMES) + v2(_ABSTRACT), assumptions=(LOG_NORMAL,),
    depends=("NN-special-case", "A-Thm-log-normal", "E26"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="Abstract of version 1: 'a new formalism for multiplicative denoising "
        "score-matching, which subsumes the loss function proposed by Hyvärinen for non-negative "
        "data'. Of version 2, after M-DSM and its equivalence to M-ESM: 'This development "
        "subsumes the non-negative score matching loss of Hyvärinen (2007) as a special case.' "
        "Section 4: 'The M-DSM framework is thus a generalization'.",
        trouble="It is M-ESM that becomes Hyvärinen's loss at time zero, as Section 4 says. "
        "M-DSM, the loss that is proposed, does not: the equivalence needs a positive time, and "
        "its constant is infinite in the limit (E26).", advice="Say it of M-ESM.",
        remains_open="Which loss 'development' and 'framework' mean is a matter of reading.",
    ),
)  # fmt: skip

E34 = Claim(
    "E34", "why non-negative score matching is needed", recover_the_rate, _WITH_END, twins={
        "1 for 2": _WITH_END | {"static": _STATIC - x * psi},
        "boundary term subtracted": _WITH_END | {"ordinary": _ORDINARY - end},
        "last term left out": _WITH_END | {"static": _STATIC - x**2 * psi1},
        "negated": {name: -loss for name, loss in _WITH_END.items()},
        "a saddle": _WITH_END | {"ordinary": _ORDINARY + end - (x * psi1) ** 2},
    }, printed={"the ordinary loss will do": _WITH_END | {"ordinary": _ORDINARY}}, values=lambda: {
        "rate": -b, "constant": -beta, "end": end,
        "left_out": _over_exponential(_ORDINARY, -beta),
    }, names=NAMES, depends=("R18", "boundary-term"),
    sources=v1(f"sec. 5: motivation of {_MATCHING}") + v2(f"sec. 4: motivation of {_MATCHING}"),
    erratum=Erratum(
        Fault.INCONSISTENT,
        quote="'Hyvärinen (2007)'s motivation for introducing this loss function is to avoid the "
        "singularity at the origin for non-negative data.' Version 2: 'primarily motivated by a "
        "need to avoid the singularity at the origin'.",
        trouble="Taken as a singularity of the score, the words do not say when the loss is "
        "needed: exponential data have a smooth score and ordinary score matching still fails. "
        "What has to be avoided is the jump of the density at the origin; if 'singularity' means "
        "that, the sentence is right.",
        advice="The square of the state as a factor removes the boundary term $[[end]]$, which is "
        "there where neither density nor model vanishes at the origin.", figures=lambda: (
            _fitted("ordinary", _ORDINARY), _fitted("non-negative", _STATIC),
        ),
    ),
)  # fmt: skip

CLAIMS = (SPECIAL_CASE, E27, E34)
