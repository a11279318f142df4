"""Are the weights log-normal after exponentiated gradient descent?

v1 section 2; v2 abstract and section 5.1.

Symbols: c  the minimiser of 1/2 (w - c)^2;  y1, y2  log weights at the start, with probabilities
p and 1 - p;  eta  learning rate;  T  the sum of the rates times the gradients of all steps.
"""

from collections.abc import Callable, Sequence

import mpmath
from mpmath import mpf
from sympy import Expr, Rational, Symbol, log, symbols

from spec.checking.algebra import same
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, v1, v2
from spec.checking.numeric import agree
from spec.checking.trace import points

# Minimisers with their probabilities: a skewed law, nothing like a log-normal one.
_MINIMISERS = ((Rational(1, 2), Rational(3, 5)), (Rational(9, 10), Rational(3, 10)),
               (Rational(2), Rational(1, 10)))  # fmt: skip
# Starting weights, equally likely: log weights placed symmetrically, as a normal law would.
_STARTS = ("-1.1", "-0.3", "0.3", "1.1")
_RATE, _STEPS = "0.5", 450
_CASES = tuple({"log w": y, "c": str(float(c))} for c, _ in _MINIMISERS for y in _STARTS)


def is_the_third_cumulant(of_limit: Callable[[Sequence], Expr]) -> bool:
    r"""Exponentiated gradient descent on half the squared distance to $c$ ends at $c$ from the
    starts and minimisers shown, so that the weights have the law of $c$, whatever that is: with
    the law [[law]] the third central moment of $\log w$ is [[it|6]].

    A step multiplies $w$ by more than one below $c$ and by less than one above it. The step is
    iterated at fifty digits for every start and every minimiser, and its law is summed over both.
    """
    with mpmath.workdps(50):
        found = {}
        for at in points(_CASES):
            end = _converged(mpmath.exp(mpf(str(at["log w"]))), mpf(str(at["c"])))
            found[at["log w"], at["c"]] = mpmath.log(end)
        weights = {str(float(c)): mpf(p) / len(_STARTS) for c, p in _MINIMISERS}
        moment = _third_central_moment([(end, weights[c]) for (_, c), end in found.items()])
        return agree(moment, mpf(of_limit(_MINIMISERS).evalf(45)), 30, mpf("0.01"))


def _converged(weight: mpf, minimiser: mpf) -> mpf:
    for _ in range(_STEPS):
        weight *= mpmath.exp(-mpf(_RATE) * (weight - minimiser))
    return weight


def _third_central_moment(atoms: Sequence) -> Expr | mpf:
    mean = sum(y * p for y, p in atoms)
    return sum(p * (y - mean) ** 3 for y, p in atoms)


def _of_log_minimiser(atoms: Sequence) -> Expr:
    return _third_central_moment([(log(c), p) for c, p in atoms])


def is_kept_by_lazy_training(after: Callable[[Expr], Expr]) -> bool:
    r"""With a gradient that does not change along the way (lazy training) exponentiated gradient
    descent shifts each $\log\lvert w\rvert$ by a constant, so that log-normal weights stay
    log-normal: a third central moment $m$ of the start, of two values, becomes $[[it]]$.

    All steps together take the same number off $\log\lvert w\rvert$ for all weights that are
    pooled. The central moment is taken by its definition, for any two values and probabilities; of
    a log-normal law it is zero.
    """
    y1, y2, p, shift = symbols("y1 y2 p T")
    ends = [_two_point_moment([y - by for y in (y1, y2)], p) for by in (0, shift)]
    return same(ends[1], after(ends[0]))


def _two_point_moment(values: list[Expr], p: Symbol) -> Expr:
    return _third_central_moment([(values[0], p), (values[1], 1 - p)])


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        start, minimiser = mpf("1.1"), mpf(2)
        return (
            *(
                Figure(
                    f"from log w = {y} with c = {minimiser}, after {_STEPS} steps",
                    _converged(mpmath.exp(y), minimiser),
                )
                for y in (-start, start)
            ),
            Figure("third cumulant of log w at convergence", mpf(E31.holds(_MINIMISERS).evalf())),
            Figure("third cumulant of any log-normal law", mpf(0)),
        )


def _lazy_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        atoms = [(mpf(0), mpf("0.9")), (mpf(1), mpf("0.1"))]
        shifted = [(y - mpf("0.37"), p) for y, p in atoms]
        return (
            Figure("third cumulant of log w at a skewed start", _third_central_moment(atoms)),
            Figure("after any number of steps", _third_central_moment(shifted)),
            Figure("of a log-normal law", mpf(0)),
        )


_LAW = ", ".join(f"{float(c):g} with probability {float(p):g}" for c, p in _MINIMISERS)
E31 = Claim(
    "E31",
    "the weights at convergence are the minimisers",
    is_the_third_cumulant,
    holds=_of_log_minimiser,
    twins={
        "of the minimiser, not of its logarithm": _third_central_moment,
        "with the wrong sign": lambda atoms: -_of_log_minimiser(atoms),
    },
    printed={"log-normal weights: zero": lambda atoms: Rational(0)},
    shown=lambda of_limit: {"it": mpf(of_limit(_MINIMISERS).evalf(20))},
    values=lambda: {"law": _LAW},
    means=Means.POINTS,
    sources=v1("sec. 2: EGD weights are log-normal")
    + v2("abstract: EGD weights are log-normal", "sec. 5.1: EGD weights are log-normal"),
    sheet=("E31", "E32"),
    assumptions=("eta c is at most one", "the learning rate is constant"),
    depends=("A19",),
    erratum=Erratum(
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
)

E32 = Claim(
    "E32",
    "log-normality is inherited from the start",
    is_kept_by_lazy_training,
    holds=lambda m: m,
    twins={
        "with the opposite sign": lambda m: -m,
        "shrunk by the steps": lambda m: m / 2,
    },
    printed={"log-normal from any start: zero": lambda m: 0 * m},
    names={"m": "m"},
    sources=v1("sec. 2: EGD weights are log-normal") + v2("sec. 5.1: EGD weights are log-normal"),
    sheet=("E31", "E32"),
    assumptions=("a constant gradient, equal over the weights that are pooled",),
    depends=("A19", "E31"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="EGD [...] produces log-normally distributed weights [...], which is precisely "
        "the terminal distribution of the GBM forward process",
        trouble="Where the law of the weights can be followed exactly it is that of the start, "
        "moved: a start that is not log-normal does not become so. (The second half of the "
        "sentence holds for log-normal data or a single start only.)",
        advice="EGD keeps log-normal weights log-normal in lazy training.",
        figures=_lazy_figures,
    ),
)

CLAIMS = (E31, E32)
