"""Are the weights log-normal after exponentiated gradient descent?

Version 1, section 2; version 2, abstract and section 5.1. Symbols: w a positive weight; c, c1, c2
minimisers of 1/2 (w - c)^2, c1 with probability p; eta learning rate; y log |w|, with the raw
moments m1, m2, m3; T the sum of the rates times the gradients of all steps."""

from collections.abc import Callable, Sequence

from sympy import Expr, Integer, Poly, Rational, cancel, diff, exp, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, v1, v2
from spec.checking.gaussian import moment
from spec.checking.trace import use
from spec.mirror.entropy import A19, BOTH, L, q, s

_w, _c, _c1, _c2, _eta, _p, _below = symbols("w c c1 c2 eta p below", positive=True)
_y, _T, _m, _v, _l1, _l2 = symbols("y T m v l1 l2", real=True)
_RAW = symbols("m1 m2 m3")
# What a step adds to log w (A19), and its derivative over the factor by which it multiplies.
_ADDED = (A19.holds - L).subs({s: 1, q: _eta * diff((_w - _c) ** 2 / 2, _w)})
_SLOPE = cancel(diff(_w * exp(_ADDED), _w) / exp(_ADDED))


def is_the_end(candidate: tuple[Expr, Expr]) -> bool:
    r"""On half the squared distance to $c$ exponentiated gradient descent with a constant rate
    tends to $w=[[0]]$ from every positive start. So the weights get the law of the minimisers,
    whatever their own was: where $c$ is $c_1$ with the probability $p$ and $c_2$ otherwise, the
    limit of $\log w$ has the third central moment $[[1]]$, which is zero for log-normal weights.

    A step adds $[[added]]$ to $\log w$: it raises $w$ below that end, lowers it above, and leaves
    it at rest nowhere else. Its derivative in $w$ has the sign of $[[slope]]$, which below the end
    is a sum of two terms that are not negative, so that a weight there rises without passing it;
    a weight above falls, for ever or until it is above no more. A sequence that rises or falls
    within bounds has a limit, and a step leaves it alone."""
    use(_SMALL)
    end, third = candidate
    rising = _SLOPE.subs(_w, _c - _below) - ((1 - _eta * _c) + _eta * _below)
    log_normal = _third(_y, [moment(k, _m, _v) for k in (1, 2, 3)])
    ends = _third(_y, [_p * _l1**k + (1 - _p) * _l2**k for k in (1, 2, 3)])
    stated = third.subs({log(_c1): _l1, log(_c2): _l2})
    return vanishes((_ADDED - _eta * (end - _w), rising, log_normal, ends - stated))


def is_kept_by_lazy_training(after: Callable[[Expr], Expr]) -> bool:
    r"""With a gradient that does not change along the way (lazy training) exponentiated gradient
    descent takes the same number off every $\log\lvert w\rvert$, so that its law is that of the
    start, moved, and log-normal weights stay log-normal: the third central moment $m$ of any start
    that has one becomes $[[it]]$.

    To the logarithm a step adds what does not depend on it. The moment is written by the first
    three moments of the start, with all steps of A19 together, for either sign; of a log-normal
    law it is zero (E31)."""
    use(_EQUAL)
    return same(diff(A19.holds, L), Integer(1)) and all(
        [same(_third(A19.holds.subs({s: of, q: _T, L: _y})), after(_third(_y))) for of in BOTH]
    )


def _third(moved: Expr, raw: Sequence[Expr] = _RAW) -> Expr:
    """The third central moment of a polynomial in y, of which the raw moments are given."""

    def average(f: Expr) -> Expr:
        return sum(c * (1, *raw)[k] for (k,), c in Poly(f, _y).terms())

    return average((moved - average(moved)) ** 3)


_SMALL = Assumption(
    "eta and c are positive and eta c at most one", "a step rises with the weight below c",
    # The derivative at c, where the step has the factor one.
    lambda: bool(abs(_SLOPE.subs({_w: _c, _eta: 3 / _c})) > 1))  # fmt: skip
_EQUAL = Assumption(
    "sign(w) times the gradient is equal over the weights that are pooled",
    "one number is taken off all log |w|", lambda: not same(_third(_y - _y / 2), _third(_y)),
)  # fmt: skip
_GAP = log(_c1) - log(_c2)
_MOMENT = _p * (1 - _p) * (1 - 2 * _p) * _GAP**3
_PLACE = {_c1: Rational(1, 2), _c2: Integer(2), _p: Rational(3, 4)}
_SECTION = v2("sec. 5.1: EGD weights are log-normal")
E31 = Claim(
    "E31", "the weights at convergence are the minimisers", is_the_end,
    holds=(_c, _MOMENT), twins={
        "of the minimiser, not of its logarithm": (_c, _MOMENT.subs(_GAP, _c1 - _c2)),
        "with the wrong sign": (_c, -_MOMENT), "at half the minimiser": (_c / 2, _MOMENT),
    }, printed={"log-normal weights: zero": (_c, Integer(0))},
    values=lambda: {"added": _ADDED, "slope": _SLOPE}, sources=v1(
        "sec. 2: EGD weights are log-normal"
    ) + v2("abstract: EGD weights are log-normal") + _SECTION, sheet=("E31", "E32"),
    assumptions=(_SMALL,), depends=("A19",), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="The update rule also leads to the weights being distributed log-normally "
        "(version 1); EGD [...] produces log-normally distributed weights (version 2)",
        trouble="It is no property of the update: at a small rate, on half the squared distance "
        "to bounded positive minimisers, weights go to these and get their law, whatever it is.",
        advice="Log-normal weights were observed in trained networks that started from log-normal "
        "weights (Cornford et al., Pogodin et al.); E32 has the case in which the start explains "
        "it.",
        figures=lambda: (Figure(
            ", ".join(f"{name} = {float(size):g}" for name, size in _PLACE.items())
            + ": third central moment of log w at convergence", float(_MOMENT.subs(_PLACE)),
        ),),
    ))  # fmt: skip

E32 = Claim(
    "E32", "log-normality is inherited from the start", is_kept_by_lazy_training,
    holds=lambda m: m,
    twins={"with the opposite sign": lambda m: -m, "shrunk by the steps": lambda m: m / 2},
    printed={"log-normal from any start: zero": lambda m: 0 * m}, names={"m": "m"},
    sources=v1("sec. 2: EGD weights are log-normal") + _SECTION, sheet=("E31", "E32"),
    assumptions=(_EQUAL,), depends=("A19", "E31", "E6-marginal"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="EGD [...] produces log-normally distributed weights [...], which is precisely "
        "the terminal distribution of the GBM forward process",
        trouble=r"Lazy training that takes one number off every $\log\lvert w\rvert$ moves its "
        "law: a start that is not log-normal does not become so. (The second half of the sentence "
        "holds for log-normal data or a single start only, E6-marginal.)",
        advice="EGD keeps log-normal weights log-normal in such training.",
    ))  # fmt: skip
CLAIMS = (E31, E32)
