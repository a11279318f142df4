"""The noisy step of version 1, equation 16, and the density that it samples.

Symbols: p = e^l = e^{-loss} / Z  the target density;  c  constant term of the drift of log X;
n  noise variance per unit of time;  S  the derivative of log p;  r = sigma sqrt(delta).
"""

from typing import NamedTuple

from mpmath import mpf
from sympy import (
    Expr,
    Function,
    Integer,
    Matrix,
    Rational,
    Symbol,
    diag,
    diff,
    log,
    sqrt,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, v1
from spec.checking.diffusions import fokker_planck, plain_partials, with_symbols
from spec.checking.symbols import dt, s2
from spec.checking.typeset import Sde

_X = symbols("x1 x2", positive=True)
_C, _N = symbols("c n")


class Row(NamedTuple):
    """d log X = (c + X S) dt + sqrt(n) dW has the invariant density p^power * prod x^shift."""

    c: Expr | int
    n: Expr | int
    power: Expr | int
    shift: Expr | int


def is_invariant(row: Row) -> bool:
    r"""[[equation]] has the invariant density $p$ to the power $[[power]]$ times the product of
    the entries of $x$ to the power $[[shift]]$, for any $p$ of two coordinates. Eq. (16) is the
    case $c=[[none]]$, $n=[[one]]$; (22) of version 2 is $c=[[one]]$, $n=[[two]]$.

    Itô's formula gives $X$ a drift with half the noise more; the Fokker–Planck residual of the
    density vanishes for all $c$, $n$ and $p$.
    """
    target = Function("l")(*_X)
    density = row.power * target + row.shift * sum(log(x) for x in _X)
    drift = Matrix([x * (row.c + x * diff(target, x) + Rational(1, 2) * row.n) for x in _X])
    spread = row.n * diag(*(x**2 for x in _X))
    return vanishes(with_symbols(fokker_planck(density, drift, spread, plain_partials(_X))))


def is_the_noisy_step(candidate: tuple[Expr, Expr]) -> bool:
    r"""For a density in proportion to the exponential of minus $\ell$, with $\eta$ equal to
    $[[rate]]$ and $\mu$ to $[[drift]]$, the Dale–Langevin step (13) is eq. (16).

    The exponent of (13) with the score of that density, and the exponent of (16). The noise agrees
    for one $\eta$ only, and with it the drift for one $\mu$; the experiments use another one, for
    which a constant term stays.
    """
    rate, drift = candidate[0] / (s2 * dt), candidate[1] / s2
    x, slope, r, z = symbols("x slope r z", positive=True)
    left = -(r**2) * (drift - Rational(3, 2)) + r**2 * x * (-slope) + r * z
    right = -rate * r**2 * x * slope + r * z
    return same(left, right) and same(rate, Rational(1))


def _log_law(row: Row, mean: mpf, variance: mpf) -> tuple[mpf, mpf]:
    """Mean and variance of log X under p^power * x^shift when p is log-normal."""
    spread = variance / row.power
    return mean + spread * (1 + row.shift - row.power), spread


def _figures() -> tuple[Figure, ...]:
    mean, variance = mpf("0.3"), mpf("0.2")
    law = _log_law(Row(0, 1, 2, -1), mean, variance)
    return (
        Figure("log-normal target, mean of log X", mean),
        Figure("log-normal target, variance of log X", variance),
        Figure("mean of log X under (16)", law[0]),
        Figure("variance of log X under (16)", law[1]),
    )


V1_16 = Claim(
    "V1-16",
    "equation 16 from equation 13",
    is_the_noisy_step,
    holds=(dt * s2, Rational(3, 2) * s2),
    twins={
        "mu = sigma^2 / 2": (dt * s2, s2 / 2),
        "mu = 0": (dt * s2, 0 * s2),
        "eta = 2 delta sigma^2": (2 * dt * s2, Rational(3, 2) * s2),
    },
    shown=lambda c: {"rate": c[0], "drift": c[1]},
    sources=v1("eq. 16"),
    sheet=("A13", "E14"),
    assumptions=("the same loss at every k, which the forward process does not allow (see E14)",),
    depends=("A13",),
)

_HOLDS = Row(_C, _N, 2 / _N, 2 * _C / _N - 1)
E14 = Claim(
    "E14",
    "what the sampling equivalent of EGD samples",
    is_invariant,
    holds=_HOLDS,
    twins={
        "without the Jacobian": _HOLDS._replace(shift=2 * _C / _N),
        "the density itself": _HOLDS._replace(power=Integer(1)),
        "the constant forgotten": _HOLDS._replace(shift=0 * _C - 1),
    },
    printed={"p is what (16) samples": Row(0 * _C, _N / _N, Integer(1), Integer(0))},
    shown=lambda row: {
        "equation": Sde(r"\log X", row.c + Symbol("h"), sqrt(row.n)),
        "power": row.power,
        "shift": row.shift,
    },
    values=lambda: {"none": 0, "one": 1, "two": 2},
    names={"h": r"X\circ\nabla\log p(X)", "n": "n"},
    sources=v1("eq. 16", "abstract: sampling equivalent of EGD"),
    assumptions=(
        "a fixed loss, and the limit of small eta, in units of eta",
        "the density can be normalised",
    ),
    depends=("V1-16", "A22", "E5"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="a multiplicative update rule, which surprisingly, coincides with the sampling "
        r"equivalent of the exponential gradient descent update; $\bm X_{k-1}=\bm X_k\circ\exp(-"
        r"\eta\bm X_k\circ\nabla_{\bm X}\ell(\bm X)\mid_{\bm X=\bm X_k}+\sqrt\eta\bm Z_k)$ (16)",
        trouble="For a fixed loss the step does not sample the density that belongs to the loss; "
        "when that is log-normal, for one, it samples a law with half the log-variance and "
        r"another centre. And one $\ell$ cannot hold for all $k$: the forward process has no "
        "stationary law (E5).",
        advice="The Euler–Maruyama step of (22) in version 2 has the constant and the noise. "
        "Within a reverse diffusion, with a score that changes with $k$, (13) needs neither "
        "change.",
        figures=_figures,
    ),
)

CLAIMS = (V1_16, E14)
