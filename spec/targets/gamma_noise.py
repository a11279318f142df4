"""Multiplicative gamma noise, X = X_0 G with G ~ Gamma(looks, rate looks) (sheet R24).

The paper names gamma noise as future work. L are the looks of the noise; in a chain L > M > 0 are
those before and after a step that adds noise, xk and xn its states."""

from collections.abc import Callable, Mapping
from functools import cache

import mpmath
from sympy import (
    Expr, Integer, Symbol, cancel, diff, exp, expand, gamma, integrate, log, oo, polygamma, solve,
    symbols)  # fmt: skip

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.pins import table
from spec.checking.symbols import h, s2, sigma, x, x0
from spec.checking.typeset import Sde
from spec.targets import standard_laws as laws
from spec.targets.moments import rise

looks, M, n, xk, xn, g, b = symbols("L M n xk xn g b", positive=True)
alpha, beta, growth, crowding = symbols("alpha beta growth crowding", positive=True)
_NAMES = {"x": "x", "x0": "x_0", "L": r"\ell", "h": "H"}
_CHAIN_NAMES = {"L": r"\ell_k", "M": r"\ell_{k+1}", "xn": "X_{k+1}", "g": "G", "x0": "x_0"}
Law, Pair = tuple[Expr, Expr, Expr], tuple[Expr, Expr]


def _log_kernel(x_: Expr, x0_: Expr) -> Expr:
    """log p(x | x0) without its constant: (looks - 1) log G - looks G - log x0 at G = x / x0."""
    return (looks - 1) * (log(x_) - log(x0_)) - looks * x_ / x0_ - log(x0_)


def is_the_target(candidate: Mapping[str, Expr]) -> bool:
    r"""If the noisy state is $X_0\circ G$, the entries of $G$ gamma variables of shape and rate
    $\ell$, independent of each other and of $X_0$, the denoising target is $x\,\partial_x\log
    p(x\mid x_0)=[[target]]$. Given $x_0$ its mean is $[[mean]]$ and its variance $[[variance]]$.

    The kernel is $p(x\mid x_0)\propto[[kernel]]$ as a function of $x$, from the density of $G$.
    Its logarithm is differentiated; mean and variance follow from the moments of $G$."""
    derived, G = x * diff(log(_KERNEL).expand(), x), Symbol("G")
    powers = (expand(derived.subs(x, x0 * G) ** k).as_poly(G).terms() for k in (1, 2))
    first, second = (
        sum(c * _moment(looks, degree).gammasimp() for (degree,), c in terms) for terms in powers
    )
    sought = {"target": derived, "mean": first, "variance": second - first**2}
    return vanishes([sought[name] - candidate[name] for name in sought])


def _moment(shape: Expr, order: Expr | int) -> Expr:
    return gamma(shape + order) / gamma(shape) / shape**order


def is_the_denoiser(denoiser: Callable[[Expr], Expr]) -> bool:
    r"""For gamma noise and every law of the data the posterior mean of $X_0^{-1}$ is $[[it]]$,
    where $H$ is $x\,\partial_x\log p(x)$.

    As $p$ is the average over the data of the kernel, whose slope is bounded in $x_0$, $H(x)$ is
    the posterior mean of the target, which is affine in $X_0^{-1}$, whose posterior mean is a
    symbol."""
    inverse = Symbol("inverse", positive=True)
    target = expand(x * diff(_log_kernel(x, 1 / inverse), x))
    return vanishes([diff(target, inverse, 2), inverse - denoiser(target)])


def is_the_marginal(law: Law) -> bool:
    r"""Inverse gamma data of shape $\alpha$ and scale $\beta$ give $p(x)\propto[[density]]$, a
    beta-prime law, and $x\,\partial_x\log p(x)=[[score]]$.

    Kernel times prior is, as a function of $x_0$, an inverse gamma kernel, whose shape $A$ and
    scale $B$ are read off by differentiation and whose integral over $x_0$ is proportional to the
    $A$-th power of the inverse of $B$. Multiply, and differentiate the logarithm (R25)."""
    rest, score = _integrated()
    return vanishes((rest, score - _of_law(law)["score"]))


def is_the_posterior(law: Pair) -> bool:
    r"""With those data $X_0$ has the inverse gamma law of shape $[[0]]$ and scale $[[1]]$ given
    that the noisy state is $x$.

    Kernel times prior is the posterior density but for a factor without $x_0$: times $x_0$, the
    slope of its logarithm in $x_0$ is the score of R25 with these parameters."""
    joint = _log_kernel(x, x0) - (alpha + 1) * log(x0) - beta / x0
    score = laws.SCORES.holds["inverse gamma"].subs(x, x0)
    named = score.subs(dict(zip((alpha, beta), law, strict=True)), simultaneous=True)
    return vanishes(expand(x0 * diff(joint, x0)) - named)


def are_the_log_moments(moments: Pair) -> bool:
    r"""For $G$ of shape and rate $\ell$, the mean of $\log G$ is $[[0]]$ and its variance is
    $[[1]]$.

    The moment of real order $n$, integrated, is $[[mellin]]$. As a function of $n$ it is the
    moment generating function of $\log G$, so that mean and variance are the first two derivatives
    of its logarithm at zero. Values of the logarithm and of polygamma functions become symbols."""
    power, rate = integrate(x ** (looks + n - 1) * exp(-looks * x), (x, 0, oo)), looks**looks
    gap = log(power * rate / gamma(looks)).expand(force=True) - log(_GAMMA).expand(force=True)
    found = [diff(log(_GAMMA), n, order).subs(n, 0) for order in (1, 2)]
    gaps = [gap.expand(), *(a - b for a, b in zip(found, moments, strict=True))]
    named = (e.replace(polygamma, lambda m, at: Symbol(f"psi{m}({at})")) for e in gaps)
    return vanishes([e.replace(log, lambda at: Symbol(f"log({at})")) for e in named])


@cache
def _integrated() -> tuple[Expr, Expr]:
    """How the rest of the joint logarithm depends on x0, and the score."""
    joint = _log_kernel(x, x0) - (alpha + 1) * log(x0) - beta / x0
    slope = expand(diff(joint, x0) * x0)  # -(A + 1) + B / x0
    A, B = -slope.coeff(x0, 0) - 1, slope.coeff(x0, -1)
    rest = joint + (A + 1) * log(x0) + B / x0
    return expand(diff(rest, x0)), x * diff(rest - A * log(B), x)


def _of_law(law: Law) -> dict[str, Expr]:
    named = dict(zip((laws.a, laws.b, laws.scale), law, strict=True))
    found = {"density": laws.DENSITIES, "score": laws.SCORES.holds}
    return {k: of["beta prime"].xreplace(named) for k, of in found.items()}


def keeps_gamma_marginals(step: Law) -> bool:
    r"""If the moments of $X_k$ given $X_0$, of every whole order, are those of $X_0$ times a
    gamma variable of shape and rate $\ell_k$, then $X_{k+1}$, which is $X_k$ times $[[0]]$ times
    an independent beta variable with the parameters $[[1]]$ and $[[2]]$, has those with
    $\ell_{k+1}$.

    The moment of the gamma variable of order $n$ is $[[gamma]]$, and that of a beta variable with
    the parameters $p$ and $q$ is $[[beta]]$: each follows from the one before as in
    product-moments, for beta with powers times one less $X$. Values of the gamma function and
    $n$-th powers become symbols."""
    factor, p, q = map(cancel, step)
    of_beta = _BETA.subs(dict(zip(_PQ, (p, q), strict=True)), simultaneous=True)
    ratio = _GAMMA * of_beta * factor**n / _GAMMA.subs(looks, M)
    named = laws.named(ratio.replace(gamma, lambda at: Symbol(str(at))), n)
    score = laws.SCORES.holds["gamma"].subs({alpha: looks, beta: looks})
    gaps = [named - 1]
    for moment, rate in ((_GAMMA, rise(score, Integer(1))), (_BETA, rise(_BETA_SCORE, 1 - x))):
        gaps += (moment.subs(n, n + 1) / moment).gammasimp() - rate, moment.subs(n, 0) - 1
    return vanishes(gaps)


def _beta_moment(p: Expr, q: Expr) -> Expr:
    return gamma(p + n) * gamma(p + q) / (gamma(p) * gamma(p + q + n))


def is_the_ancestral_step(step: tuple[Expr, Expr]) -> bool:
    r"""For that chain, given $X_{k+1}$ and $x_0$: $X_k=[[state]]$, where $G$ is a gamma variable
    of shape $[[shape]]$ and rate one.

    By Bayes' rule, with the gamma kernel of $X_k$ and the beta step: the logarithmic derivative in
    $X_k$ is that of the density of the formula, and both densities begin at the same $X_k$, where
    the beta variable is one and where $G$ is zero."""
    (c, p), B = step, M * xn / (looks * xk)
    chain = (M - 1) * log(B) + (looks - M - 1) * log(1 - B) - log(xk)
    (drawn,) = solve(expand(_state(step) - xk), g)
    candidate = (p - 1) * log(drawn) - drawn
    return vanishes((diff(_log_kernel(xk, x0) + chain - candidate, xk), c - M))


def _state(step: tuple[Expr, Expr]) -> Expr:
    return (step[0] * xn + x0 * g) / looks


def is_stationary(law: tuple[Expr, Expr]) -> bool:
    r"""$[[sde]]$ has a stationary law without probability flux: the gamma law of shape $[[0]]$ and
    rate $[[1]]$.

    The flux is that of the Fokker-Planck equation, divided by the density, whose slope is in its
    score (R25)."""
    shape, rate = law
    spread = (_LOGISTIC.noise**2).subs(sigma**2, s2)
    score = laws.SCORES.holds["gamma"].subs({alpha: shape, beta: rate}, simultaneous=True)
    return vanishes(_LOGISTIC.drift - (diff(spread, x) + spread * score / x) / 2)


_KERNEL, _PQ = exp(_log_kernel(x, x0)), symbols("p q")
_GAMMA, _BETA = _moment(looks, n), _beta_moment(*_PQ)
_BETA_SCORE = _PQ[0] - 1 - (_PQ[1] - 1) * x / (1 - x)  # of x^(p-1) (1-x)^(q-1)
_LOGISTIC = Sde("X", x * (growth - crowding * x), sigma * x)
_TARGET = {"target": looks - 1 - looks * x / x0, "mean": Integer(-1), "variance": looks}
_STEP, _ANCESTRAL = (looks / M, M, looks - M), (M, looks - M)
_MARGINAL, _EQUILIBRIUM = (looks, alpha, beta / looks), (2 * growth / s2 - 1, 2 * crowding / s2)
_LOOKS = Assumption(
    "the number of looks is positive", "it is the variance of the target",
    lambda: bool(_TARGET["variance"].subs(looks, -1) < 0))  # fmt: skip
_FALLING = Assumption(
    "looks are positive and fall along the chain", "their difference is a parameter of the draw",
    lambda: all(bool(step[-1].subs({looks: 1, M: 2}) < 0) for step in (_STEP, _ANCESTRAL)),
)  # fmt: skip
_COORDINATE = "one coordinate at a time: noise and data law are products, or x_0 is given"
TARGET = Claim(
    "R24", "target for gamma noise", is_the_target, holds=_TARGET, twins={
        "the log score, without -1": _TARGET | {"target": _TARGET["target"] + 1, "mean": 0},
        "variance 1 / looks": _TARGET | {"variance": 1 / looks},
        "noise of mean looks": _TARGET | {"target": looks - 1 - x / x0},
        "score of the ratio, not times x": _TARGET | {"target": _TARGET["target"] / x},
    }, values=lambda: {"kernel": _KERNEL}, names=_NAMES,
    assumptions=(_LOOKS, _COORDINATE), depends=("A-Thm", "R25", "product-moments"), pins=(
        Pin(
            "gbm_ref.gamma_noise_sample", vectors="gamma_noise_sample",
            because="it draws the noisy value whose density the kernel is",
        ), Pin(
            "gbm_ref.gamma_conditional_hyvarinen_score",
            vectors="gamma_conditional_hyvarinen_score",
            reads=lambda candidate: candidate["target"],
        ),
    ))  # fmt: skip
DENOISER = Claim(
    "R24-denoiser", "denoiser for gamma noise", is_the_denoiser,
    holds=lambda h: (looks - 1 - h) / (looks * x), twins={
        "looks for looks - 1": lambda h: (looks - h) / (looks * x),
        "H added": lambda h: (looks - 1 + h) / (looks * x),
        "not divided by looks": lambda h: (looks - 1 - h) / x,
    }, names=_NAMES, sheet=("R24",), assumptions=(_LOOKS.text, _COORDINATE), depends=("R24",),
    pins=(Pin("gbm_ref.gamma_denoiser", vectors="gamma_denoiser", reads=lambda found: found(h)),),
)  # fmt: skip
MARGINAL = Claim(
    "R24-inverse-gamma", "inverse gamma data under gamma noise", is_the_marginal, holds=_MARGINAL,
    twins={
        "exponent alpha alone": (looks, alpha - looks, beta / looks),
        "the data's scale": (looks, alpha, beta), "shapes exchanged": (alpha, looks, beta / looks),
    }, shown=_of_law, names=_NAMES, sheet=("R24",),
    assumptions=(_LOOKS.text, "alpha and beta are positive", "one coordinate"),
    depends=("R24", "R25"), pins=(
        Pin(
            "gbm_ref.gamma_marginal",
            ({"L": 3.7, "alpha": 2.6, "beta": 1.9}, {"L": 0.6, "alpha": 0.8, "beta": 31.0}),
            reads=lambda law: law,
        ),
    ))  # fmt: skip

_AT = table("L alpha beta x p y q", (3.7, 2.6, 1.9, 0.8, 1.5, 0.7, 0.3),
            (0.6, 0.8, 31.0, 12.0, -2.2, 40.0, 0.9))  # fmt: skip
_QUADRATURES = {  # of shape A and scale B
    "moment": lambda A, B, at: B ** at["p"] * mpmath.gammaprod([A - at["p"]], [A]),
    "log_moments": lambda A, B, at: (mpmath.log(B) - mpmath.psi(0, A), mpmath.psi(1, A)),
    "cdf": lambda A, B, at: mpmath.gammainc(A, B / at["y"], regularized=True),
    "ppf": lambda A, B, at: B / mpmath.findroot(
        lambda u: mpmath.gammainc(A, u, regularized=True) - at["q"], (A / 9, 3 * A), "anderson"),
}  # fmt: skip


def _integrated_pin(name: str) -> Pin:
    def formula(at: Mapping[str, mpmath.mpf], more: float = 0) -> object:
        A, B = at["alpha"] + at["L"] - more, at["beta"] + at["L"] * at["x"]
        return _QUADRATURES[name](A, B, at)

    return Pin(f"gbm_ref.gamma_posterior_{name}", _AT, formula=formula, k=64.0,
               because="it integrates over the posterior, which is this law for these data",
               twins={"shape one less": lambda at: formula(at, 1)})  # fmt: skip


POSTERIOR = Claim(
    "R24-posterior", "the posterior of inverse gamma data under gamma noise", is_the_posterior,
    holds=(alpha + looks, beta + looks * x), twins={
        "shape one less": (alpha + looks - 1, beta + looks * x),
        "noise of mean looks": (alpha + looks, beta + x), "data forgotten": (looks, looks * x),
    }, names=_NAMES, sheet=("R24",), depends=("R24", "R25"),
    assumptions=(_LOOKS.text, "alpha and beta are positive", "one coordinate"), pins=(
        Pin("gbm_ref.gamma_posterior", _AT, reads=lambda law: law),
        *map(_integrated_pin, _QUADRATURES),
    ))  # fmt: skip
LOG_MOMENTS = Claim(
    "R24-log-moments", "mean and variance of the logarithm of gamma noise", are_the_log_moments,
    holds=(polygamma(0, looks) - log(looks), polygamma(1, looks)), twins={
        "rate one": (polygamma(0, looks), polygamma(1, looks)),
        "of the noise": (Integer(0), 1 / looks), "variance 1 / looks": (
            polygamma(0, looks) - log(looks), 1 / looks,
        ), "one more": (polygamma(0, looks + 1) - log(looks), polygamma(1, looks + 1)),
    }, values=lambda: {"mellin": _GAMMA}, means=Means.CALCULUS, names=_NAMES, sheet=("R24",),
    assumptions=(_LOOKS.text,), depends=("R24", "R24b"), pins=(
        *(Pin(
            "gbm_ref.gamma_log_moments", vectors=f"gamma_log_{name}", variant=name,
            reads=lambda m, j=j: m[j],
        ) for j, name in enumerate(("mean", "var"))), Pin(
            "gbm_ref.looks_at_log_var", ({"v": 0.37}, {"v": 41.0}, {"v": 1e-3}),
            because="it solves for the looks of a variance",
            formula=lambda at: mpmath.findroot(
                lambda u: mpmath.psi(1, u) - at["v"], mpmath.sqrt(1 + at["v"]) / at["v"]),
            twins={"1 / looks": lambda at: 1 / at["v"]},
        ),
    ))  # fmt: skip
CHAIN = Claim(
    "R24b", "a Markov chain with gamma noise", keeps_gamma_marginals, holds=_STEP, twins={
        "not rescaled": (Integer(1), M, looks - M), "swapped": (looks / M, looks - M, M),
        "second parameter K": (looks / M, M, looks),
    }, values=lambda: {"gamma": _GAMMA, "beta": _BETA}, names=_CHAIN_NAMES,
    assumptions=(_FALLING, "the beta draws are independent of each other, of X_0 and of X_k"),
    readings=("the moments of all whole orders determine a gamma law, and so its multiples",),
    depends=("R24", "product-moments"), pins=(Pin(
        "gbm_ref.gamma_chain_step", vectors="gamma_chain_step",
        reads=lambda step: x * step[0] * b,
    ),))  # fmt: skip

_EXCHANGED = {xn: x, looks: M, M: looks}  # the vectors call the looks of the noisy state L
ANCESTRAL = Claim(
    "R24b-ancestral", "exact reverse step for gamma noise", is_the_ancestral_step,
    holds=_ANCESTRAL, twins={
        "shape K": (M, looks), "shape J": (M, M),
        "X_{k+1} without its looks": (Integer(1), looks - M),
    }, shown=lambda step: {"state": _state(step), "shape": step[1]}, names=_CHAIN_NAMES,
    sheet=("R24b",), depends=("R24b",),
    assumptions=(_FALLING, "one coordinate; x_0 is known: with an estimate of it, it is a model"),
    pins=(Pin(
        "gbm_ref.gamma_ancestral_step", vectors="gamma_ancestral_step",
        reads=lambda step: _state(step).subs(_EXCHANGED, simultaneous=True),
    ),))  # fmt: skip
EQUILIBRIUM = Claim(
    "R24c", "a multiplicative equation with a gamma equilibrium", is_stationary,
    holds=_EQUILIBRIUM, twins={
        "Stratonovich shape": (2 * growth / s2, 2 * crowding / s2),
        "without the factor 2": (growth / s2 - 1, crowding / s2),
        "scale for rate": (2 * growth / s2 - 1, s2 / (2 * crowding)),
    }, values=lambda: {"sde": _LOGISTIC}, names={"growth": "a", "crowding": "b"},
    assumptions=(
        Assumption(
            "a is more than half of sigma^2, and b positive",
            "shape and rate of the law are positive", lambda: all(
                bool(part.subs({growth: s2 / 4, crowding: -1}) < 0) for part in _EQUILIBRIUM
            ),
        ), "Itô calculus, and a solution that stays positive",
    ), readings=("nothing is claimed about the transition density",), depends=("A1", "R25"),
)  # fmt: skip
CLAIMS = (TARGET, DENOISER, MARGINAL, POSTERIOR, LOG_MOMENTS, CHAIN, ANCESTRAL, EQUILIBRIUM)
