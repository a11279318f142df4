"""The score of the kernel, which is the regression target of M-DSM; t = k dt."""

from math import log as ln

from sympy import Expr, Rational, Symbol, diff, log

from spec.checking.algebra import same
from spec.checking.claim import Claim, Erratum, Fault, Figure, Pin, v1, v2
from spec.checking.symbols import L0, L, dt, m, mu, s2, t, v, x, x0
from spec.checking.typeset import Chain
from spec.scores._posterior import NOISE

k = Symbol("k", positive=True)


def _draw(mean: Expr, root: Expr) -> Expr:
    """The z that takes x0 to x in X_t = x0 exp(mean + root z)."""
    return (L - L0 - mean) / root


def _score_of_kernel(mean: Expr = (mu - s2 / 2) * t) -> Expr:
    """x d/dx log p(x | x0), for log p = -z^2/2 - L - log root, root^2 = s2 t; x d/dx is d/dL."""
    root = Symbol("rt", positive=True)
    return diff(-(_draw(mean, root) ** 2) / 2 - L, L).subs(root**2, s2 * t)


def is_the_target(formula: Expr) -> bool:
    r"""$X_k\circ\nabla\log p_{X_k\mid X_0}(X_k\mid X_0)=[[it]]$ for $k$ at least one.

    Given $X_0$, the state is $X_0$ times the exponential of a normal variable. With $z(x)$ the
    draw that leads to $x$, the density is that of a standard normal at $z(x)$ times $dz/dx$, so
    that the score of a coordinate is $[[steps]]$, where $t$ is $k\delta$."""
    return same(_at_step(_score_of_kernel()), formula)


def _at_step(formula: Expr) -> Expr:
    return formula.subs(t, k * dt)


def is_the_target_at_time(formula: Expr) -> bool:
    r"""At a time $t$ after the start the target is $[[it]]$: the log-variance of the kernel
    has no factor $\delta$.

    As for A16, with $t$ itself in place of $k\delta$; the printed form has $t\delta$."""
    return same(_score_of_kernel(), formula)


def _target(drift_time: Expr, variance_time: Expr) -> Expr:
    return -(1 + (L - L0 - drift_time * (mu - s2 / 2)) / (s2 * variance_time))


def _figures() -> tuple[Figure, ...]:
    start, state, drift, variance, index, step = 1.4, 1.1, 0.32, 0.64, 500, 0.001
    at = {L: ln(state), L0: ln(start), mu: drift, s2: variance, k: index, dt: step}
    where = (f"x0 = {start}, X_k = {state}, k = {index}, delta = {step}, mu = {drift}, "
             f"sigma^2 = {variance}")  # fmt: skip
    right, printed = (_at_step(f).subs(at) for f in (E10.holds, *E10.printed.values()))
    found = Figure(f"target ({where})", float(right))
    return found, Figure("as printed, with its t the time", float(printed))


def _in_states(formula: Expr) -> Expr:
    """A target of A16 in the names of the vectors, for the second of steps of one half."""
    rates = formula.subs({L: log(x), L0: log(x0), mu: m + v / 2, s2: v}, simultaneous=True)
    return rates.subs({k: 2, dt: Rational(1, 2)})


A16 = Claim(
    "A16", "training target of M-DSM", is_the_target, holds=_target(k * dt, k * dt), twins={
        "without the 1": _target(k * dt, k * dt) + 1,
        "drift mu for mu - sigma^2/2": -(1 + (L - L0 - k * dt * mu) / (s2 * k * dt)),
        "sign of the drift": _target(-k * dt, k * dt),
        "index of the neighbour": _target((k - 1) * dt, (k - 1) * dt),
    }, values=lambda: {"steps": Chain(_score_of_kernel(), -1 - _draw((mu - s2 / 2) * t, s2 * t))},
    names={"L": r"\log X_{k}"}, sources=v2("eq. 16"),
    assumptions=(NOISE, "coordinates are independent given X_0, so that one of them is enough"),
    readings=("formula lost in version 2; reconstructed: eq. (20) of version 1 with k for its t",),
    depends=("A6",), pins=(
        Pin(
            "gbm_ref.conditional_hyvarinen_score", vectors="conditional_hyvarinen_score",
            reads=_in_states,
        ), Pin(
            "gbm_ref.conditional_logpdf", vectors="conditional_logpdf",
            because="it is the density whose score the statement is",
        ),
    ))  # fmt: skip

E10 = Claim(
    "E10", "time and index in the training target", is_the_target_at_time, holds=_target(t, t),
    twins={
        "factor delta in the variance alone": _target(t, t * dt),
        "time halved": _target(t / 2, t / 2),
    }, printed={"t delta on the right, t on the left": A16.holds.subs(k, t)},
    sources=v1("eq. 20"), sheet=("E10", "A16"), assumptions=(NOISE,), depends=("A16", "A6"),
    erratum=Erratum(
        Fault.WRONG,
        quote=r"$X_t\circ\nabla\log p_{X_t\mid X_0}(X_t\mid X_0)=-(\mathbf "
        r"1+\frac1{\sigma^2t\delta}(\log X_k-\log X_0-t\delta(\mu-\frac{\sigma^2}2\mathbf 1)))$, "
        r"'at discrete instants of time $t=k\delta$'",
        trouble=r"The left side is at a time $t$, the right side multiplies $t$ by $\delta$ and "
        r"holds $X_k$. With $k\delta$ for the time, as the sentence says, the factor $\delta$ is "
        r"applied twice; the right side is right if its $t$ is the index $k$.",
        advice=r"Write $X_k$ and $k\delta$ throughout, as in A16.", figures=_figures,
        remains_open="Eq. (16) of version 2 is lost; 'at discrete time' suggests the index k.",
    ))  # fmt: skip
CLAIMS = (A16, E10)
