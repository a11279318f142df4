"""Are the weights log-normal after exponentiated gradient descent?

Version 1, section 2; version 2, abstract and section 5.1. Symbols: w a positive weight; c, c1, c2
minimisers of 1/2 (w - c)^2, c1 with probability p, and l1, l2 their logarithms; eta learning rate;
k = 1 - eta c;  y  log |w|, with the raw moments m1, m2, m3;  T  the sum of the rates times the
gradients of all steps.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Poly, Rational, cancel, diff, exp, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, v1, v2
from spec.checking.gaussian import moment
from spec.checking.trace import use
from spec.mirror.entropy import A19

_w, _c, _c1, _c2, _eta, _p, _k = symbols("w c c1 c2 eta p k", positive=True)
_y, _T, _m, _v = symbols("y T m v", real=True)
_RAW = symbols("m1 m2 m3")


class Ends(NamedTuple):
    """Where the steps end, and the third central moment of log w there."""

    end: Expr
    moment: Expr


def is_the_end(candidate: Ends) -> bool:
    r"""On half the squared distance to $c$ exponentiated gradient descent with a constant rate
    tends to $w=[[end]]$ from every positive start. So the weights get the law of the minimisers,
    whatever their own was: where $c$ is $c_1$ with the probability $p$ and $c_2$ otherwise, the
    third central moment of $\log w$ ends as $[[moment]]$, which is zero for log-normal weights.

    A step adds $[[added]]$ to $\log w$: it raises $w$ below that end, lowers it above, and leaves
    it at rest nowhere else. Its derivative in $w$ has the sign of $[[slope]]$, which below the end
    is a sum of two terms that are not negative, so that a weight there rises without passing it;
    a weight above falls, for ever or until it is below. A sequence that rises or falls within
    bounds has a limit, and a step leaves it alone. The moment is taken by its definition.
    """
    use(_SMALL)
    below = symbols("below", positive=True)  # c - w
    rate = (1 - _k) / _c
    parts = _slope().subs(_w, _c - below).subs(_eta, rate) - (_k + rate * below)
    l1, l2 = symbols("l1 l2")
    stated = candidate.moment.subs({log(_c1): l1, log(_c2): l2})
    log_normal = _third(_y).subs({m: moment(i + 1, _m, _v) for i, m in enumerate(_RAW)})
    return (
        same(_added(), _eta * (candidate.end - _w))
        and vanishes((parts, log_normal))
        and same(_third_of([(l1, _p), (l2, 1 - _p)]), stated)
    )


def _added() -> Expr:
    """What a step adds to log w, for a positive weight (A19)."""
    return A19.holds(1, _y, _eta * diff((_w - _c) ** 2 / 2, _w)) - _y


def _slope() -> Expr:
    """The derivative of a step, over the factor by which it multiplies."""
    return cancel(diff(_w * exp(_added()), _w) / exp(_added()))


def _third_of(atoms: Sequence) -> Expr | mpf:
    mean = sum(y * p for y, p in atoms)
    return sum(p * (y - mean) ** 3 for y, p in atoms)


def is_kept_by_lazy_training(after: Callable[[Expr], Expr]) -> bool:
    r"""With a gradient that does not change along the way (lazy training) exponentiated gradient
    descent takes the same number off every $\log\lvert w\rvert$, so that its law is that of the
    start, moved, and log-normal weights stay log-normal: the third central moment $m$ of any start
    that has one becomes $[[it]]$.

    The moment is written by the first three moments of the start, with all steps of A19 together,
    for either sign; of a log-normal law it is zero (E31).
    """
    use(_EQUAL)
    return all([same(_third(A19.holds(s, _y, _T)), after(_third(_y))) for s in (1, -1)])


def _third(moved: Expr) -> Expr:
    """The third central moment of a polynomial in y, of which the raw moments are given."""

    def average(f: Expr) -> Expr:
        terms = Poly(f, _y).terms()
        return sum(c * (1, *_RAW)[k] for (k,), c in terms)

    return average((moved - average(moved)) ** 3)


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        rate, steps, minimiser, found = mpf("0.5"), 450, mpf("1.75"), []
        for y in (mpf("-1.125"), mpf("1.125")):
            weight = mpmath.exp(y)
            for _ in range(steps):
                weight *= mpmath.exp(-rate * (weight - minimiser))
            label = f"from log w = {y} with c = {minimiser}, eta = {rate}, after {steps} steps"
            found.append(Figure(label, weight))
        sizes = {_c1: Rational(1, 2), _c2: Rational(2), _p: Rational(3, 4)}
        where = ", ".join(f"{name} = {float(size):g}" for name, size in sizes.items())
        value = mpf(_ENDS.moment.subs(sizes).evalf(30))
        return (*found, Figure(f"{where}: third central moment of log w at convergence", value))


def _lazy_figures() -> tuple[Figure, ...]:
    atoms, shift = [(mpf(0), mpf("0.9")), (mpf(1), mpf("0.1"))], mpf("0.37")
    shifted = [(y - shift, p) for y, p in atoms]
    return (
        Figure("third central moment of log w at a skewed start", _third_of(atoms)),
        Figure(f"after steps that take {mpmath.nstr(shift, 3)} off log w", _third_of(shifted)),
    )


_SMALL = Assumption(
    "eta c is at most one", "a step rises with the weight below c",
    # The derivative at c, where the step has the factor one.
    lambda: bool(abs(_slope().subs({_w: _c, _eta: 3 / _c})) > 1),
)  # fmt: skip
_EQUAL = Assumption(
    "sign(w) times the gradient is equal over the weights that are pooled",
    "one number is taken off all log |w|", lambda: not same(_third(_y - _y / 2), _third(_y)),
)  # fmt: skip
_GAP = log(_c1) - log(_c2)
_ENDS = Ends(_c, _p * (1 - _p) * (1 - 2 * _p) * _GAP**3)
_SECTION = v2("sec. 5.1: EGD weights are log-normal")
E31 = Claim(
    "E31", "the weights at convergence are the minimisers", is_the_end, holds=_ENDS, twins={
        "of the minimiser, not of its logarithm": _ENDS._replace(
            moment=_ENDS.moment.subs(_GAP, _c1 - _c2)),
        "with the wrong sign": _ENDS._replace(moment=-_ENDS.moment),
        "at half the minimiser": _ENDS._replace(end=_c / 2),
    }, printed={"log-normal weights: zero": _ENDS._replace(moment=Integer(0))},
    values=lambda: {"added": _added(), "slope": _slope()},
    sources=v1("sec. 2: EGD weights are log-normal")
    + v2("abstract: EGD weights are log-normal") + _SECTION,
    sheet=("E31", "E32"), assumptions=(_SMALL,), depends=("A19",), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="The update rule also leads to the weights being distributed log-normally "
        "(version 1); EGD [...] produces log-normally distributed weights (version 2)",
        trouble="It is no property of the update: on a quadratic loss the weights converge to the "
        "minimisers, whose law can be any law on the positive numbers.",
        advice="Log-normal weights were observed in trained networks that started from log-normal "
        "weights (Cornford et al., Pogodin et al.); E32 has the case in which the start explains "
        "it.",
        figures=_figures,
    ),
)  # fmt: skip

E32 = Claim(
    "E32", "log-normality is inherited from the start", is_kept_by_lazy_training,
    holds=lambda m: m,
    twins={"with the opposite sign": lambda m: -m, "shrunk by the steps": lambda m: m / 2},
    printed={"log-normal from any start: zero": lambda m: 0 * m}, names={"m": "m"},
    sources=v1("sec. 2: EGD weights are log-normal") + _SECTION, sheet=("E31", "E32"),
    assumptions=(_EQUAL,), depends=("A19", "E31"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="EGD [...] produces log-normally distributed weights [...], which is precisely "
        "the terminal distribution of the GBM forward process",
        trouble="Where the law of the weights can be followed exactly it is that of the start, "
        "moved: a start that is not log-normal does not become so. (The second half of the "
        "sentence holds for log-normal data or a single start only.)",
        advice="EGD keeps log-normal weights log-normal in lazy training.",
        figures=_lazy_figures,
    ),
)  # fmt: skip

CLAIMS = (E31, E32)
