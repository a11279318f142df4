"""How far exponentiated gradients, mirrored Langevin dynamics and Dale-Langevin are one thing.

Version 2, sections 5 and 5.1.

Symbols: x  positive state;  L  log x;  S  d log p / dx;  g  slope of a loss;  q = eta g
         phi  a generator;  M, V  mean and variance of log X for a log-normal density p
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Symbol, diff, exp, log, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2
from spec.checking.symbols import L, M, V

_X = Symbol("x", positive=True)
_S, _G, _Q, _LX = symbols("S g q Lx")


def generates_both(phi: Expr) -> bool:
    """Whether the generator phi(x) gives the EGD step and the mirrored dynamics (22), for x > 0.

    EGD: phi'(x e^-q) - phi'(x) = -q, the stationarity of the mirror step. Dynamics: y = phi'(x)
    moves with noise sqrt(2) and drift (S - phi''' / phi'') / phi'' (A21), so that d log x =
    dy / (x phi'') + ...; both the factor 1 / (x phi'') and the drift must be those of (22).
    """
    slope, bend = diff(phi, _X), diff(phi, _X, 2)
    decay = Symbol("decay", positive=True)  # e^-q
    before = slope.subs(log(_X), _LX)
    after = before.subs({_X: _X * decay, _LX: _LX - _Q}, simultaneous=True)
    drift = (_S - diff(bend, _X) / bend) / bend
    return vanishes((after - before + _Q, _X * bend - 1, drift - (1 + _X * _S)))


def are_the_fixed_points(points: tuple[Expr, Expr]) -> bool:
    """Whether log x rests at these points, under EGD on -log p and under noise-free (22).

    p is log-normal: log p = -L - (L - M)^2 / (2 V) + constant. Left: x d log p / dx = d log p / dL
    at the first point, one more than that at the second, by differentiation. Right: zero.
    """
    slope = diff(-L - (L - M) ** 2 / (2 * V), L)
    return vanishes((slope.subs(L, points[0]), (1 + slope).subs(L, points[1])))


def generates_to_first_order(phi: Expr) -> bool:
    """Whether the mirror step of phi is x exp(-eta x g) up to terms of order eta^2.

    Left: phi'(x+) = phi'(x) - eta g differentiated at eta = 0: dx+ / d eta = -g / phi''(x).
    Right: the derivative of x exp(-eta x g).
    """
    eta = Symbol("eta")
    right = diff(_X * exp(-eta * _X * _G), eta).subs(eta, 0)
    return same(-_G / diff(phi, _X, 2), right)


def _fixed_point_figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        mean, deviation = mpf("0.3"), mpf("0.8")
        return (
            Figure("mode, where EGD rests", mpmath.exp(mean - deviation**2)),
            Figure("median, where noise-free (22) rests", mpmath.exp(mean)),
        )


def _generator_figures() -> tuple[Figure, ...]:
    x, slope, rate = mpf("1.5"), mpf("0.6"), mpf("0.1")
    return (
        Figure(
            "x = 1.5, slope 0.6, eta = 0.1: x exp(-eta x g)", x * mpmath.exp(-rate * x * slope)
        ),
        Figure("mirror step of -log x", x / (1 + rate * x * slope)),
        Figure("mirror step of x log x", x * mpmath.exp(-rate * slope)),
    )


ONE_GENERATOR = Claim(
    id="one-generator",
    title="the sense in which one generator serves both",
    statement=r"On the positive orthant $\phi(x)=\sum_ix_i\log x_i$ has the dual coordinate "
    r"$\nabla\phi=\mathbf 1+\log x$. In it the exponentiated gradient step is $-\eta\nabla\ell$, "
    r"and mirrored Langevin dynamics is plain Langevin dynamics, (22). What (13) shares with them "
    r"is this coordinate.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("sec. 5: one convex generator"),
    sheet=("E15", "A22"),
    assumptions=(
        "positive weights; for negative ones the generator is |w| log |w| (E12)",
        "one coordinate; phi is a sum over coordinates",
        "the formula is lost in version 2; 'the same phi' and the positive orthant fix it",
    ),
    depends=("A19", "A21", "A22"),
    derivation=r"$\phi'(xe^{-q})-\phi'(x)=-q$ and $x\phi''(x)=1$, so $y=\phi'(x)$ and $\log x$ "
    r"differ by a constant; the drift $-(\phi'')^{-1}(V'+\phi'''/\phi'')$ is $1+x\,\partial_x\log "
    r"p$. This is the sense of Hsieh et al.: the generator fixes the coordinate. It does not make "
    "the sampler a noisy mirror descent on the loss (E15), nor (22) a case of (11) (E16).",
    proof=Proof(
        generates_both,
        holds=_X * log(_X),
        twins={
            "Burg's entropy": -log(_X),
            "half the squared norm": _X**2 / 2,
            "twice the entropy": 2 * _X * log(_X),
        },
    ),
)

E15 = Claim(
    id="E15",
    title="EGD and Dale–Langevin follow different gradients",
    statement=r"For $\ell=-\log p$ the exponent of EGD is $\eta\nabla\log p$, the gradient in "
    r"$x$; the noise-free exponent of (22), and of (13) at $\mu=\tfrac12\sigma^2$, is a multiple "
    r"of $\mathbf 1+x\circ\nabla\log p$, the gradient of the log density of $y=\log x$ in $y$. On "
    r"$\mathcal{LN}(M,V)$ the first rests at the mode $e^{M-V}$, the second at the median $e^M$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("sec. 5.1: structural equivalence"),
    sheet=("E15",),
    assumptions=("positive state, one coordinate", "a fixed score"),
    depends=("A19", "A22", "A10-score"),
    derivation=r"$\log p=-L-(L-M)^2/2V$ up to a constant. Its derivative in $L$ is zero at "
    r"$L=M-V$; one more than it is zero at $L=M$. Both rest points attract, the derivative of "
    r"either drift being $-1/V$.",
    proof=Proof(
        are_the_fixed_points,
        holds=(M - V, M),
        twins={
            "exchanged": (M, M - V),
            "the mean of X": (M - V, M + V / 2),
            "mode of the square root": (M - V / 2, M),
        },
        printed={"equivalent, so at rest at the same point": (M - V, M - V)},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="Comparing Eq. 19 with the Dale-Langevin sampler in Eq. 13, the structural "
        "equivalence is immediate: the multiplicative updates have the same form and are "
        "sign-preserving across iterations, with the role of [lost] in EGD played by the "
        "multiplicative score in the sampler",
        trouble=r"The form is shared, a positive factor $e^{\dots}$ that keeps every sign; so far "
        "the sentence is right. It is no equivalence of the updates: the quantities in the "
        "exponent differ by the factor $x$ and by the constant, and so do the points that the two "
        "updates seek.",
        correction="Both are additive steps in the dual coordinate log x; EGD follows the "
        "gradient in x there, the sampler the gradient in log x.",
        figures=_fixed_point_figures,
    ),
)

GENERATOR = Claim(
    id="E15-generator",
    title="the generator of the multiplicative-score step",
    statement=r"To first order in $\eta$ the update $x\circ\exp(-\eta x\circ\nabla\ell)$ is the "
    r"mirror step of $\phi=-\sum_i\log x_i$ (Burg's entropy), and not that of $\sum_ix_i\log "
    "x_i$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=(*v2("sec. 5: one convex generator"), *v1("eq. 15")),
    sheet=("E15",),
    assumptions=("positive state; one coordinate", "up to terms of order eta^2"),
    depends=("A18", "one-generator"),
    derivation=r"The mirror step obeys $\phi'(x^+)=\phi'(x)-\eta g$, so $x^+=x-\eta g/\phi''(x)+O("
    r"\eta^2)$. This is $x-\eta x^2g$ iff $\phi''=1/x^2$, that is $\phi=-\log x$ up to an affine "
    r"function. (The exact step of Burg's entropy is $x^+=x/(1+\eta xg)$.)",
    proof=Proof(
        generates_to_first_order,
        holds=-log(_X),
        twins={"half of Burg's entropy": -log(_X) / 2, "half the squared norm": _X**2 / 2},
        printed={"the entropy": _X * log(_X)},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="The Dale-Langevin sampler, exponentiated gradient descent, and Mirrored Langevin "
        "Dynamics (MLD) are unified by a single convex generator",
        trouble="As optimisation, the noise-free sampler is mirror descent with another generator "
        "than EGD; with the generator of EGD its exponent would be the gradient itself.",
        correction="The single generator is right in the sense of one-generator: it fixes the "
        "coordinate log x in which Langevin dynamics is run.",
        figures=_generator_figures,
        remains_open="The formula of the generator is lost in the text of version 2.",
    ),
)

CLAIMS = (ONE_GENERATOR, E15, GENERATOR)
