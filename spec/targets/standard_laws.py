"""Hyvarinen scores H = x p'/p of the standard laws on (0, oo), and their mean (sheet R25)."""

from collections.abc import Callable, Mapping
from functools import cache
from operator import itemgetter

from sympy import Expr, Function, Integer, Interval, Pow, Symbol, exp, expand_log, log, oo, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin
from spec.checking.symbols import x

alpha, beta, c, scale, a, b, g, u = symbols("alpha beta c scale a b g u", positive=True)
Scores = Mapping[str, Expr]

# P(X > x) of the laws that are defined by it; p up to a constant factor.
TAILS = {"exponential": exp(-beta * x), "Weibull": exp(-((x / scale) ** c)), "Pareto": x**-alpha}
_GAMMA = x ** (alpha - 1) * exp(-beta * x)
DENSITIES = {
    "gamma": _GAMMA, **{name: -tail.diff(x) for name, tail in TAILS.items()},
    "inverse gamma": _GAMMA.subs(x, 1 / x) / x**2,
    "beta prime": x ** (a - 1) * (1 + x / scale) ** (-a - b), "uniform": Integer(1)}  # fmt: skip
_ENDS = {**dict.fromkeys(DENSITIES, (0, oo)), "Pareto": (1, oo), "uniform": (g, u)}


def are_the_scores(scores: Scores) -> bool:
    r"""Inside the support $x\,p'(x)$ over $p(x)$ is [[gamma]] for the gamma law of shape $\alpha$
    and rate $\beta$, [[exponential]] for the exponential law of rate $\beta$, [[Weibull]] for the
    Weibull law of shape $c$ and scale $l$, [[Pareto]] for the Pareto law of exponent $\alpha$,
    [[inverse gamma]] for the inverse gamma law of shape $\alpha$ and scale $\beta$, [[beta prime]]
    for the beta-prime law of shapes $a$ and $b$ and scale $l$, and [[uniform]] for a uniform law.

    Constant factors drop out. The densities that are differentiated are [[p gamma]] for the gamma
    law, the same at $x^{-1}$ over $x^2$ for the inverse gamma law, [[p beta prime]] for the
    beta-prime law, a constant for the uniform law, and, up to the sign, the derivatives of the
    tails [[tail exponential]], [[tail Weibull]] and [[tail Pareto]]. Powers become symbols."""
    gaps = [named(_score(DENSITIES[name]) - score, c) for name, score in scores.items()]
    gaps += [tail.subs(x, _ENDS[name][0]) - 1 for name, tail in TAILS.items()]
    return scores.keys() == DENSITIES.keys() and vanishes(gaps)


def _score(p: Expr) -> Expr:
    return (x * expand_log(log(p)).diff(x)).expand()


def named(expression: Expr, power: Symbol) -> Expr:
    """The expression with a symbol for that power of each base."""
    return expression.expand().replace(
        lambda part: isinstance(part, Pow) and part.exp.has(power),
        lambda part: Symbol(f"power({part.base})") ** (part.exp / power),
    )


def is_the_mean(formula: Callable[[Expr, Expr], Expr]) -> bool:
    r"""In one coordinate the integral of $x\,p'(x)$ over the support is $[[it]]$, where $M$ is the
    integral of $p$ and $G$ what $x\,p(x)$ gains between the ends. For a density, of which $M$ is
    one, it is the mean of the Hyvärinen score.

    By parts: the integrands agree for every $p$ and its derivative at every $x$."""
    p, value, slope = Function("p")(x), *symbols("p_x slope")
    gap = x * p.diff(x) - formula((x * p).diff(x), p)
    return vanishes(gap.subs(p.diff(x), slope).subs(p, value))


def _jump() -> bool:
    """A density with a jump, 1/4 on [0, 2] and 1/2 on [2, 3]: x p' is zero, but G - M is not."""
    heights = {(0, 2): Integer(1) / 4, (2, 3): Integer(1) / 2}
    mass = sum(height * (high - low) for (low, high), height in heights.items())
    return MEAN.holds(3 * heights[2, 3], mass) != 0


def are_the_means(means: Scores) -> bool:
    r"""The mean of $x\,p'(x)$ over $p(x)$ is [[gamma]] for the gamma law, [[exponential]] for the
    exponential, [[Weibull]] for the Weibull and [[inverse gamma]] for the inverse gamma law,
    [[Pareto]] for the Pareto law on $[[on Pareto]]$ and [[uniform]] for a uniform law.

    Both integrals are exact; quotients of gamma functions are reduced by the recursion."""
    return vanishes([_mean(name) - mean for name, mean in means.items()])


@cache
def _mean(name: str) -> Expr:
    p, support = DENSITIES[name], (x, *_ENDS[name])
    return ((_score(p) * p).expand().integrate(support) / p.integrate(support)).gammasimp()


_SCORES = {
    "gamma": alpha - 1 - beta * x, "exponential": -beta * x,
    "Weibull": c - 1 - c * (x / scale) ** c, "Pareto": -alpha - 1,
    "inverse gamma": -alpha - 1 + beta / x, "beta prime": a - 1 - (a + b) * x / (scale + x),
    "uniform": Integer(0)}  # fmt: skip
_MEANS = {
    **dict.fromkeys(("gamma", "exponential", "Weibull", "inverse gamma"), Integer(-1)),
    "Pareto": -1 - alpha, "uniform": Integer(0)}  # fmt: skip
_POSITIVE = Assumption(
    "all parameters are positive", "a tail of a law falls from one",
    lambda: bool(TAILS["Pareto"].subs({alpha: -1, x: 2}) > 1))  # fmt: skip
_NAMES = {"x": "x", "scale": "l"}
# Class in gbm_ref, names in the order of the rows, a draw and a mistaken one.
_PINNED = {"gamma": ("Gamma", "x alpha beta g", g / beta, g * beta), "inverse gamma":
    ("InverseGamma", "x alpha beta g", beta / g, 1 / (beta * g)), "Weibull": ("Weibull",
    "x c scale g", scale * g, g / scale), "beta prime": ("BetaPrime", "x a scale g b u", scale * g
    / u, scale * u / g),}  # fmt: skip
_ROWS = (
    (1.7, 2.3, 0.7, 1.9, 3.4, 0.4), (0.02, 0.6, 1.9, 0.03, 0.8, 2.7),
    (31.0, 5.1, 2.2, 7.1, 1.3, 0.9))  # fmt: skip


def _pins_of(law: str) -> tuple[Pin, ...]:
    name, names, draw, mistaken = _PINNED[law]
    of, vectors = f"gbm_ref.{name}", law.lower().replace(" ", "_")
    points = tuple(dict(zip(names.split(), row, strict=False)) for row in _ROWS)
    density, integral = "it is the density whose score the statement is", "it is its integral"
    drawn = {"formula": draw, "twins": {"upside down": mistaken}}
    return (
        Pin(f"{of}.logpdf", vectors=f"{vectors}_logpdf", because=density),
        Pin(f"{of}.cdf", vectors=f"{vectors}_cdf", because=integral),
        Pin(f"{of}.hyvarinen_score", (), itemgetter(law), vectors=f"{vectors}_hyvarinen_score"),
        Pin(f"{of}.log_score", points, lambda scores: scores[law] + 1),
        Pin(f"{of}.stein_score", points, lambda scores: scores[law] / x),
        Pin(f"{of}.rvs", points, because="it draws from that density", **drawn),
    )


SCORES = Claim(
    "R25", "Hyvärinen scores of standard laws", are_the_scores, holds=_SCORES, twins={
        "gamma: alpha for alpha - 1": _SCORES | {"gamma": alpha - beta * x},
        "Weibull: without the factor c": _SCORES | {"Weibull": c - 1 - (x / scale) ** c},
        "Pareto: alpha for alpha + 1": _SCORES | {"Pareto": -alpha},
        "inverse gamma: 1 - alpha": _SCORES | {"inverse gamma": 1 - alpha + beta / x},
        "beta prime: b alone": _SCORES | {"beta prime": a - 1 - b * x / (scale + x)},
    }, values=lambda: {
        **{f"p {name}": DENSITIES[name] for name in ("gamma", "beta prime")},
        **{f"tail {name}": tail for name, tail in TAILS.items()},
    }, names=_NAMES, assumptions=(_POSITIVE,),
    pins=tuple(pin for law in _PINNED for pin in _pins_of(law)))  # fmt: skip
MEAN = Claim(
    "R25-mean", "mean of the Hyvärinen score", is_the_mean, holds=lambda G, M: G - M, twins={
        "boundary term left out": lambda G, M: -M,
        "boundary term with the wrong sign": lambda G, M: -G - M,
        "mean zero, as for the log score": lambda G, M: G,
    }, sheet=("R25",), assumptions=(
        Assumption(
            "p is continuously differentiable inside its support, an interval",
            "a jump of x p inside it adds to the gain between the ends", _jump,
        ), "the integral and the limits of x p at the ends exist",
    ))  # fmt: skip
VALUES = Claim(
    "R25-values", "mean of the Hyvärinen score of standard laws, without beta prime",
    are_the_means, holds=_MEANS, twins={
        "no boundary term for the Pareto law": _MEANS | {"Pareto": Integer(-1)},
        "no boundary term for the uniform law": _MEANS | {"uniform": Integer(-1)},
        "gamma: mean of the log score": _MEANS | {"gamma": Integer(0)},
    }, means=Means.CALCULUS, sheet=("R25",), assumptions=(_POSITIVE,), depends=("R25", "R25-mean"),
    values=lambda: {"on Pareto": Interval(*_ENDS["Pareto"])})  # fmt: skip
CLAIMS = (SCORES, MEAN, VALUES)
