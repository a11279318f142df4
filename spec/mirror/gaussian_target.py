"""The unadjusted Langevin step on a normal target (version 2, section 1 and appendix D).

Symbols: m, v  mean and variance of the target, S its covariance matrix;  delta  step length
"""

from collections.abc import Callable

from mpmath import mpf
from sympy import Expr, Matrix, Rational, cancel, diff, eye, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.gaussian import expectation
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v2

_V, _DELTA = symbols("v delta", positive=True)


def is_the_limit_covariance(of: Callable[[Matrix, Expr], Matrix]) -> bool:
    """Whether C = of(S, delta) solves C = A C A^T + 2 delta I, A = I - delta S^-1.

    S is any symmetric matrix of the plane, its entries symbols.
    """
    s11, s12, s22 = symbols("s11 s12 s22")
    target = Matrix([[s11, s12], [s12, s22]])
    contraction = (eye(2) - _DELTA * target.inv()).applyfunc(cancel)
    limit = of(target, _DELTA).applyfunc(cancel)
    return same(contraction * limit * contraction.T + 2 * _DELTA * eye(2), limit)


def is_the_variance_after_one_step(variance: Expr) -> bool:
    """Whether a Langevin step from N(m, v), with the exact score of N(m, v), has this variance.

    Y' = Y - delta (Y - m) / v + sqrt(2 delta) Z. Left: its second central moment, expectations
    over Y and Z exact, with the symbol r for sqrt(2 delta). Right: the formula. The divergence to
    the target must be stationary in the variance at v, where gradient descent on it rests.
    """
    y, z, m, r = symbols("y z m r")
    moved = y - _DELTA * (y - m) / _V + r * z
    first, second = (
        expectation(expectation(power.expand(), z, Rational(0), Rational(1)), y, m, _V)
        for power in (moved, moved**2)
    )
    # KL(N(m, W) || N(m, v)) up to a constant: cross entropy minus entropy
    W = symbols("W", positive=True)
    divergence = expectation((y - m) ** 2 / (2 * _V), y, m, W) - log(W) / 2
    kept_by_descent = vanishes(diff(divergence, W).subs(W, _V))
    reached = (second - first**2).expand().subs(r**2, 2 * _DELTA)
    return kept_by_descent and same(reached, variance)


def _one_step_figures() -> tuple[Figure, ...]:
    ratio = mpf("0.1")
    return (
        Figure("delta = v / 10: variance over v after one step", 1 + ratio**2),
        Figure("in the limit of many steps (D-limit)", 1 / (1 - ratio / 2)),
    )


GAUSSIAN = Claim(
    id="D-gaussian",
    title="the limit law of Langevin steps on a normal target",
    statement=r"For the target $\mathcal N(m,\Sigma)$ and $0<\delta<2\lambda_{\min}(\Sigma)$ the "
    r"steps $y+\delta\nabla\log q(y)+\sqrt{2\delta}Z$ converge in law to $\mathcal N(m,\,\Sigma(I-"
    r"\tfrac\delta2\Sigma^{-1})^{-1})$.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("App. D: Gaussian case"),
    sheet=("E20", "R22"),
    assumptions=(
        "0 < delta < 2 lambda_min(Sigma), otherwise no limit exists",
        "the stationary covariance is decided for every symmetric Sigma of the plane",
        "the formula is lost in version 2; the words (correct mean, other covariance) and the "
        "step itself force it",
    ),
    derivation=r"With $A=I-\delta\Sigma^{-1}$ the chain is $Y'-m=A(Y-m)+\sqrt{2\delta}Z$. Its "
    r"eigenvalues $1-\delta/\lambda$ are below 1 in size iff $0<\delta<2\lambda$; then the law "
    r"converges to the only normal law with mean $m$ and $C=ACA+2\delta I$. As $I-A^2=2\delta"
    r"\Sigma^{-1}(I-\tfrac\delta2\Sigma^{-1})$, $C$ is the stated matrix.",
    proof=Proof(
        is_the_limit_covariance,
        holds=lambda S, d: S * (eye(2) - d / 2 * S.inv()).inv(),
        twins={
            "delta instead of delta / 2": lambda S, d: S * (eye(2) - d * S.inv()).inv(),
            "inverse left out": lambda S, d: S * (eye(2) - d / 2 * S.inv()),
            "no bias": lambda S, d: S,
        },
    ),
)

E33 = Claim(
    id="E33",
    title="the Langevin step is not gradient descent on the KL divergence",
    statement=r"One Langevin step $y+\delta\nabla\log q(y)+\sqrt{2\delta}Z$ from its own target "
    r"$q=\mathcal N(m,v)$ arrives at variance $v+\delta^2/v$: the target is no fixed point of the "
    "step, while it is one of gradient descent on the divergence to it.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("sec. 1: Langevin is gradient descent on KL"),
    sheet=("E33",),
    assumptions=("a normal target, where everything is explicit",),
    depends=("A20",),
    derivation=r"$Y'-m=(1-\delta/v)(Y-m)+\sqrt{2\delta}Z$, so the variance is $(1-\delta/v)^2v+2"
    r"\delta=v+\delta^2/v$. The divergence to $q$ is least at $q$, where its gradient is zero.",
    proof=Proof(
        is_the_variance_after_one_step,
        holds=_V + _DELTA**2 / _V,
        twins={
            "with the opposite sign": _V - _DELTA**2 / _V,
            "half of it": _V + _DELTA**2 / (2 * _V),
        },
        printed={"the target is kept": _V},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="Langevin dynamics is gradient flow in the space of probability measures under "
        "the Wasserstein-2 metric, and the corresponding discrete-time update matches with "
        "gradient descent on the Kullback-Leibler (KL) divergence",
        trouble="The statement about continuous time is right. The discrete update has a bias, as "
        "the cited work (Wibisono, 2018) and Appendix D of this paper show; gradient descent "
        "would keep the target.",
        correction="The unadjusted step is an explicit gradient step for the potential followed "
        "by exact heat flow: a splitting, with a bias of first order in the variance (D-limit).",
        figures=_one_step_figures,
    ),
)

CLAIMS = (GAUSSIAN, E33)
