"""Are the weights log-normal after exponentiated gradient descent?

v1 section 2; v2 abstract and section 5.1.

Symbols: c  the minimiser of 1/2 (w - c)^2;  y1, y2  log weights at the start, with probabilities
p and 1 - p;  eta  learning rate.
"""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from sympy import Expr, Symbol, symbols

from spec.checking.algebra import same
from spec.checking.numeric import agree
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2

Atoms = tuple[tuple[str, str], ...]
# Minimisers with their probabilities: a skewed law, nothing like a log-normal one.
_MINIMISERS: Atoms = (("0.5", "0.6"), ("0.9", "0.3"), ("2", "0.1"))
# Starting weights, equally likely: log weights placed symmetrically, as a normal law would.
_STARTS = ("-1.1", "-0.3", "0.3", "1.1")
_RATE, _STEPS = "0.5", 450


def is_the_third_cumulant(of_limit: Callable[[Atoms], mpf]) -> bool:
    """Whether log w has this third central moment once EGD on 1/2 (w - c)^2 has converged.

    Left: the step iterated at 50 digits for every start and every minimiser, its law summed over
    both. Right: the formula, from the law of the minimiser.
    """
    with mpmath.workdps(50):
        atoms = [
            (mpmath.log(_converged(mpmath.exp(mpf(y)), mpf(c))), mpf(p) / len(_STARTS))
            for c, p in _MINIMISERS
            for y in _STARTS
        ]
        return agree(_third_central_moment(atoms), of_limit(_MINIMISERS), 30, mpf("0.01"))


def _converged(weight: mpf, minimiser: mpf) -> mpf:
    for _ in range(_STEPS):
        weight *= mpmath.exp(-mpf(_RATE) * (weight - minimiser))
    return weight


def _third_central_moment(atoms: list[tuple[mpf, mpf]]) -> mpf:
    mean = mpmath.fsum(y * p for y, p in atoms)
    return mpmath.fsum(p * (y - mean) ** 3 for y, p in atoms)


def _of_log_minimiser(atoms: Atoms) -> mpf:
    return _third_central_moment([(mpmath.log(mpf(c)), mpf(p)) for c, p in atoms])


def _of_minimiser(atoms: Atoms) -> mpf:
    return _third_central_moment([(mpf(c), mpf(p)) for c, p in atoms])


def is_kept_by_lazy_training(after: Callable[[Expr], Expr]) -> bool:
    """Whether steps with a constant gradient turn the third cumulant m3 of log w into after(m3).

    Left: log w_k = log w_0 - eta (g + ... + g) for a start of two values with probabilities p and
    1 - p, its third central moment by definition. Right: the formula, at the moment of the start.
    """
    y1, y2, p, eta, g = symbols("y1 y2 p eta g")
    moved = [y1, y2]
    for _ in range(4):
        moved = [y - eta * g for y in moved]
    return same(_two_point_moment(moved, p), after(_two_point_moment([y1, y2], p)))


def _two_point_moment(values: list[Expr], p: Symbol) -> Expr:
    mean = p * values[0] + (1 - p) * values[1]
    return p * (values[0] - mean) ** 3 + (1 - p) * (values[1] - mean) ** 3


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        start = mpmath.exp(mpf("-1.1"))
        return (
            Figure("from log w = -1.1 with c = 2, after 450 steps", _converged(start, mpf(2))),
            Figure("from log w = 1.1 with c = 2", _converged(1 / start, mpf(2))),
            Figure("third cumulant of log w at convergence", _of_log_minimiser(_MINIMISERS)),
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


E31 = Claim(
    id="E31",
    title="the weights at convergence are the minimisers",
    statement=r"Exponentiated gradient descent on $\tfrac12\lVert w-c\rVert^2$, $c$ positive, "
    r"converges to $c$ from every positive start ($0<\eta c_i\le1$), so that the weights have the "
    r"law of $c$, whatever that is.",
    kind=Kind.REFUTED,
    means=Means.EXACT_LAW,
    sources=(
        *v1("sec. 2: EGD weights are log-normal"),
        *v2("abstract: EGD weights are log-normal", "sec. 5.1: EGD weights are log-normal"),
    ),
    sheet=("E31", "E32"),
    assumptions=("0 < eta c <= 1, positive weights", "the learning rate is constant"),
    depends=("A19",),
    derivation=r"The step is $f(w)=we^{-\eta(w-c)}$, with $f(w)>w$ iff $w<c$, and $f$ is "
    r"increasing on $(0,1/\eta)\supseteq(0,c)$. Below $c$ the weights grow and stay below $c$; "
    "above it they fall, and once below they are in the first case. The only fixed point is $c$. "
    "Shown on a law of $c$ with three values and four starts by iteration at 50 digits.",
    proof=Proof(
        is_the_third_cumulant,
        holds=_of_log_minimiser,
        twins={
            "of the minimiser, not of its logarithm": _of_minimiser,
            "with the wrong sign": lambda atoms: -_of_log_minimiser(atoms),
        },
        printed={"log-normal weights: zero": lambda atoms: mpf(0)},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="The update rule also leads to the weights being distributed log-normally "
        "(version 1); EGD [...] produces log-normally distributed weights (version 2)",
        trouble="It is no property of the update: on a quadratic loss the weights converge to the "
        "minimisers, whose law can be any law on the positive numbers.",
        correction="Log-normal weights were observed in trained networks that started from "
        "log-normal weights (Cornford et al., Pogodin et al.); E32 has the case in which the "
        "start explains it.",
        figures=_figures,
    ),
)

E32 = Claim(
    id="E32",
    title="log-normality is inherited from the start",
    statement="With a gradient that does not change along the way (lazy training) exponentiated "
    r"gradient descent shifts each $\log\lvert w\rvert$ by a constant: log-normal weights stay "
    r"log-normal, and no other weights become so. Every cumulant of $\log\lvert w\rvert$ of order "
    r"$\ge2$ over weights with one gradient is that of the start.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(
        *v1("sec. 2: EGD weights are log-normal"),
        *v2("sec. 5.1: EGD weights are log-normal"),
    ),
    sheet=("E31", "E32"),
    assumptions=("constant gradient, equal over the weights that are pooled",),
    depends=("A19", "E31"),
    derivation=r"$\log\lvert w_k\rvert=\log\lvert w_0\rvert-\eta k\,g\,\mathrm{sign}(w_0)$: a "
    "shift. Central moments do not see it. Decided for the third one, with a start of two values.",
    proof=Proof(
        is_kept_by_lazy_training,
        holds=lambda start: start,
        twins={
            "with the opposite sign": lambda start: -start,
            "shrunk by the steps": lambda start: start / 2,
        },
        printed={"log-normal from any start: zero": lambda start: 0 * start},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="EGD [...] produces log-normally distributed weights [...], which is precisely "
        "the terminal distribution of the GBM forward process",
        trouble="Where the law of the weights can be followed exactly it is that of the start, "
        "moved: a start that is not log-normal does not become so. (The second half of the "
        "sentence holds for log-normal data or a single start only.)",
        correction="EGD keeps log-normal weights log-normal in lazy training.",
        figures=_lazy_figures,
    ),
)

CLAIMS = (E31, E32)
