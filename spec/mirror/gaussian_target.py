"""The Langevin step on a normal target (version 2, section 1 and appendix D).

Symbols: lam, M  variance and mean of the target, S its covariance;  delta  step length
"""

from collections.abc import Callable

from mpmath import mpf
from sympy import (
    Abs,
    Expr,
    Identity,
    Matrix,
    MatrixSymbol,
    Rational,
    Symbol,
    cancel,
    diff,
    eye,
    log,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, v2
from spec.checking.gaussian import expectation

_LAM, _DELTA = symbols("lam delta", positive=True)
_S11, _S12, _S22 = symbols("s11 s12 s22")
_PLANE = Matrix([[_S11, _S12], [_S12, _S22]])
_VARIANCE = Symbol("V", positive=True)
_FACTOR = Abs(1 - _DELTA / _LAM)


def is_the_limit_covariance(of: Callable[[Matrix, Matrix, Expr], Matrix]) -> bool:
    r"""On a normal target of the plane with any covariance $\Sigma$ and steps $\delta$ below
    twice its least eigenvalue, Langevin steps converge in law to the normal law with the target's
    mean and covariance $[[it]]$.

    A step multiplies the distance from the mean by a matrix whose eigenvalues are less than one
    in size exactly for such steps; then there is one limit, and its covariance is what a step
    leaves alone. The routine decides that, for every symmetric matrix of the plane.
    """
    contraction = (eye(2) - _DELTA * _PLANE.inv()).applyfunc(cancel)
    limit = of(_PLANE, eye(2), _DELTA).applyfunc(cancel)
    return same(contraction * limit * contraction.T + 2 * _DELTA * eye(2), limit)


def is_the_variance_after_one_step(variance: Expr) -> bool:
    r"""One Langevin step of length $\delta$ from its own normal target, of variance $\sigma^2$,
    arrives at the variance $[[it]]$: the target is no fixed point of the step, while it is one of
    gradient descent on the divergence to it.

    The second central moment after the step, with exact expectations over state and draw. The
    derivative of the divergence in the variance of a normal law vanishes at the target.
    """
    y, z, m, r = symbols("y z m r")
    moved = y - _DELTA * (y - m) / _LAM + r * z
    first, second = (
        expectation(expectation(power.expand(), z, Rational(0), Rational(1)), y, m, _LAM)
        for power in (moved, moved**2)
    )
    # KL(N(m, V) || N(m, lam)) up to a constant: cross entropy minus entropy
    divergence = expectation((y - m) ** 2 / (2 * _LAM), y, m, _VARIANCE) - log(_VARIANCE) / 2
    kept_by_descent = vanishes(diff(divergence, _VARIANCE).subs(_VARIANCE, _LAM))
    reached = (second - first**2).expand().subs(r**2, 2 * _DELTA)
    return kept_by_descent and same(reached, variance)


def limit_variance() -> Expr:
    """What a step leaves alone in one coordinate, solved for."""
    step = 1 - _DELTA / _LAM
    return cancel(2 * _DELTA / (1 - step**2))


GAUSSIAN = Claim(
    "D-gaussian",
    "the limit law of Langevin steps on a normal target",
    is_the_limit_covariance,
    holds=lambda S, one, d: S * (one - d / 2 * S.inv()).inv(),
    twins={
        "delta instead of delta / 2": lambda S, one, d: S * (one - d * S.inv()).inv(),
        "inverse left out": lambda S, one, d: S * (one - d / 2 * S.inv()),
        "no bias": lambda S, one, d: S,
    },
    shown=lambda of: {"it": of(MatrixSymbol("Sigma", 2, 2), Identity(2), _DELTA)},
    sources=v2("App. D: Gaussian case"),
    sheet=("E20", "R22"),
    assumptions=(
        Assumption(
            "steps below twice the least eigenvalue of the covariance",
            "the contraction of the mean error",
            lambda: bool(_FACTOR.subs({_DELTA: Rational(21, 10), _LAM: 1}) > 1),
        ),
        "two coordinates",
    ),
    readings=("the formula is lost in version 2; the words (correct mean, other covariance) and "
              "the step itself force it",),
)  # fmt: skip


def _one_step_figures() -> tuple[Figure, ...]:
    at = {_DELTA: Rational(1, 10), _LAM: 1}
    label = f"delta = {mpf(1) / 10} v: variance over v"
    return (
        Figure(f"{label} after one step", mpf(E33.holds.subs(at))),
        Figure(f"{label} in the limit of many steps", mpf(limit_variance().subs(at))),
    )


E33 = Claim(
    "E33",
    "the Langevin step is not gradient descent on the KL divergence",
    is_the_variance_after_one_step,
    holds=_LAM + _DELTA**2 / _LAM,
    twins={
        "with the opposite sign": _LAM - _DELTA**2 / _LAM,
        "half of it": _LAM + _DELTA**2 / (2 * _LAM),
    },
    printed={"the target is kept": _LAM},
    names={"lam": r"\sigma^{2}"},
    sources=v2("sec. 1: Langevin is gradient descent on KL"),
    assumptions=("a normal target, where everything is explicit",),
    depends=("A20",),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="Langevin dynamics is gradient flow in the space of probability measures under "
        "the Wasserstein-2 metric, and the corresponding discrete-time update matches with "
        "gradient descent on the Kullback-Leibler (KL) divergence",
        trouble="The statement about continuous time is right. The discrete update has a bias, as "
        "the cited work (Wibisono, 2018) and Appendix D of this paper show; gradient descent "
        "would keep the target.",
        advice="The unadjusted step is an explicit gradient step for the potential followed by "
        "exact heat flow: a splitting.",
        figures=_one_step_figures,
    ),
)


CLAIMS = (GAUSSIAN, E33)
