"""The law of the training target, and what the weightings make of it.

Symbols as in `_setting`; r = sqrt(v); t1 the first time of training."""

from functools import cache

from sympy import Expr, Integer, diff, integrate, limit, log, solve, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin, Values
from spec.checking.gaussian import expectation
from spec.checking.pins import table
from spec.checking.symbols import L0, L, a, h, m, s2, t, v, z
from spec.checking.typeset import Chain
from spec.objectives._setting import DENOISING, POSITIVE_TIME, c
from spec.objectives._setting import NAMES as _NAMES

r, t1, ell, s = symbols("r t1 ell s", positive=True)
skip, D, n = symbols("skip D n")
# By its definition: x d/dx of the kernel's logarithm, at log x = log x_0 + m + r z.
_TARGET = diff(-L - (L - L0 - m) ** 2 / (2 * r**2), L).subs(L, L0 + m + r * z)
_END, _HEAD, NAMES = Integer(1), -r * (1 + h), _NAMES | {"r": r"\sqrt{v}", "t1": "t_1"}
_REGRESSION = (z - _HEAD) ** 2 / 2


def _moment(of_target: Expr) -> Expr:
    return expectation(of_target.subs(c, _TARGET), z, 0, 1)


def is_the_law(law: Values) -> bool:
    r"""In each coordinate the target $c$ is $[[target]]$ with $z$ standard normal, where $v$ is
    $\sigma^2t$: its mean is $[[mean]]$, its variance $[[variance]]$. Under the weight $[[weight]]$
    the mean of $c^2$ is $[[second]]$, that of the square of $[[shifted]]$ is constant.

    $c$ is the derivative in $\log x$ of the kernel's logarithm. With $h$ written through
    $[[head]]$, the weighted loss is that of a regression of the noise: $[[regression]]$."""
    law = {name: value.subs(v, r**2) for name, value in law.items()}
    mean, second, weight = _moment(c), _moment(c**2), law["weight"]
    found = {"target": _TARGET, "mean": mean, "variance": second - mean**2}
    found |= {"second": weight * second, "steady": diff(weight * _moment(_about(mean) ** 2), r)}
    regression = weight * DENOISING.subs(c, _TARGET) - _REGRESSION
    return vanishes([regression, *(law.get(name, 0) - value for name, value in found.items())])


def _about(mean: Expr) -> Expr:
    return c - mean


def diverges_so(claimed: Values) -> bool:
    r"""Under the weight $\sigma^2$ the mean of $c^2$ over the times from $t_1$ to $[[end]]$ has
    the integral $[[integral]]$, which grows as $[[rate]]$ for $t_1$ to zero. Where $t$ is drawn
    with the density $[[density]]$, which falls as the reciprocal of $t$, a draw contributes the
    mean $[[term]]$.

    The weighted second moment $[[moment]]$ (R4) is integrated, and divided by the density."""
    density = claimed["density"].expand()
    found = [integrate(density, (t, t1, _END)) - 1, diff(t * density, t)]
    found += [claimed["integral"] - _INTEGRAL, claimed["term"] - _WEIGHTED / density]
    rest = (_INTEGRAL - claimed["rate"]).expand()
    agree = vanishes([e.expand().subs(log(t1), -ell) for e in found])
    return agree and limit(rest / log(t1), t1, 0, "+") == 0


_WEIGHTED = (s2 * _moment(c**2)).subs(r, sqrt(s2 * t)).expand()
_INTEGRAL = integrate(_WEIGHTED, (t, t1, _END))


def is_the_weighting(weight: Expr) -> bool:
    r"""For the weight $[[weight]]$ of $[[loss]]$ the square of the denoiser's error has the weight
    $[[denoiser]]$, EDM's (Karras et al. 2022) for noise of variance $v$ and data of log-deviation
    $s$: at every time one over the variance of what EDM's network is trained on, unscaled.

    With the denoiser $D$ that belongs to $h$, $[[loss]]$ equals $[[ratio]]$. EDM trains a network
    on what is left of $\log X_0$ when its best multiple of $\log X_t$ is taken off; the multiple
    is $[[skip]]$, what is left has the variance $[[left]]$, the square of EDM's $c_{\rm out}$."""
    factor, edm, (best, left) = _of_denoiser(weight), v * s**2 / (v + s**2), _left_over()
    return vanishes((factor * left - 1, factor * edm - 1, best * v - edm))


def _of_denoiser(weight: Expr) -> Expr:
    return (weight * _OF_ERROR / (L0 - D) ** 2).factor()


# The loss |c - h|^2 with the model that belongs to D.
_OF_DENOISER = {c: -1 - (L - L0 - m) / v, h: -1 + (D + m - L) / v}
_LOSS = 2 * DENOISING
_OF_ERROR = _LOSS.subs(_OF_DENOISER).factor()


@cache
def _left_over() -> tuple[Expr, Expr]:
    """The best multiple of log X_t, and the least variance of what is left of log X_0."""
    rest = (L0 - a) - skip * (L0 - a + n)
    variance = expectation(expectation(rest**2, n, 0, v), L0, a, s**2)
    (best,) = solve(diff(variance, skip), skip)
    return best, variance.subs(skip, best).factor()


_LAW = {"target": -1 - z / sqrt(v), "mean": Integer(-1), "variance": 1 / v, "weight": v}
_LAW |= {"second": 1 + v}
R4 = Claim(
    "R4", "law of the training target", is_the_law, _LAW, twins={
        "mean zero": _LAW | {"mean": Integer(0)}, "variance v": _LAW | {"variance": v},
        "second moment without the mean": _LAW | {"second": Integer(1)},
        "weight without its root": _LAW | {"weight": sqrt(v), "second": (1 + v) / sqrt(v)},
        "unweighted": _LAW | {"weight": Integer(1), "second": 1 + 1 / v},
        "no Jacobian": _LAW | {"target": -z / sqrt(v)},
    }, shown=lambda law: dict(law) | {"shifted": _about(law["mean"])}, values=lambda: {
        "head": _HEAD,
        "regression": Chain(r**2 * DENOISING.subs(c, _TARGET), _REGRESSION),
    }, names=NAMES, assumptions=(POSITIVE_TIME,), depends=("A16", "A6"), pins=(Pin(
        "gbm_ref.variance_weighting", table("v", (0.64,), (6.4e-4,), (1e-12,), (17.0,)),
        reads=lambda law: law["weight"], twins={"unweighted": Integer(1), "deviation": sqrt(v)},
    ),))  # fmt: skip

_STEADY, _DENSITY = s2 * (1 - t1), -1 / (t * log(t1))
_DIVERGENCE = {"integral": _STEADY - log(t1), "rate": -log(t1), "density": _DENSITY}
_DIVERGENCE |= {"term": -(1 + s2 * t) * log(t1)}
R4_LIKELIHOOD = Claim(
    "R4-likelihood-weight", "likelihood weighting diverges at the data", diverges_so, _DIVERGENCE,
    twins={
        **{name: _DIVERGENCE | {"integral": _STEADY + rate, "rate": rate}
           for name, rate in (("twice the logarithm", -2 * log(t1)), ("finite", Integer(0)))},
        "uniform times": _DIVERGENCE | {"term": s2 + 1 / t},
    }, values=lambda: {"end": _END, "moment": _WEIGHTED}, names=NAMES, means=Means.CALCULUS,
    sheet=("R4",), assumptions=(POSITIVE_TIME, "sigma does not depend on time"), depends=("R4",),
)  # fmt: skip

_KARRAS = v * (1 + v / s**2)
WEIGHTING = Claim(
    "weighting", "preconditioned weighting", is_the_weighting, _KARRAS, twins={
        "deviation for variance": _KARRAS.subs(s, sqrt(s)), "variance weighting": v,
        "weight of the denoiser": _KARRAS / v**2, "square of v": v * (1 + v**2 / s**2),
    }, shown=lambda weight: {"weight": weight, "denoiser": _of_denoiser(weight)},
    values=lambda: dict(zip(("skip", "left"), _left_over(), strict=True)) | {
        "loss": _LOSS, "ratio": _OF_ERROR,
    }, names=NAMES, sheet=("R4",), assumptions=(POSITIVE_TIME, Assumption(
        "log X_0 has the standard deviation s, which is positive, in each coordinate",
        "the variance of what is left of it",
        lambda: not same(_left_over()[1], _left_over()[1].subs(s, 2 * s)),
    )), depends=("R4", "R5"), pins=(Pin(
        "gbm_ref.PreconditionedWeighting.__call__", reads=lambda weight: weight,
        points=table("v s", (0.64, 0.3), (6.4e-4, 0.05), (9.0, 2.5), (1e-9, 1e-3)),
    ),))  # fmt: skip
CLAIMS = (R4, R4_LIKELIHOOD, WEIGHTING)
