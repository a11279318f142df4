"""The reverse-time equation: Anderson's for any diffusion, and that of GBM in X.

h, g drift and diffusion coefficient of A1, G = g g^T, (div G)_i = sum_j d_j G_ij, pull = G grad
log p; a drift in X is a rate, b_i = x_i * rate(mu_i, h_i)."""

from mpmath import mpf
from sympy import Expr, Matrix, Rational, Symbol, diag, diff, lambdify, log, symbols, zeros

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, v1, v2
from spec.checking.diffusions import (
    Partials, fokker_planck, isotropic, jet, keeps_marginals, partials_of_exponentials,
    plain_partials, turns_back)  # fmt: skip
from spec.checking.symbols import L, M, V, h, mu, s2, sigma, x
from spec.checking.typeset import Says, Sde
from spec.process.equations import EQUATION, GBM, UNIQUE

drift, divergence, pull, turn, dr = symbols("drift divergence pull turn dr", real=True)
score, f, _G = *symbols("score f", real=True), Symbol("g")
REGULAR = ("the density is positive",
    "the density is smooth: twice differentiable in the state, once in time", UNIQUE,)  # fmt: skip
D, XS = symbols("d1 d2", real=True), symbols("x1 x2", positive=True)
# The log density of the plane near a point, with symbols for its derivatives.
LOG_DENSITY = jet("l", D)
LOST = "formula lost in version 2; reconstructed: "
_NAMES = {"drift": r"\mathsf h", "divergence": r"(\nabla\!\cdot G)", "pull": r"G\nabla\log p",
          "turn": "c/p", "g": r"\mathsf g", "h": r"X\circ\nabla\log p_t(X)", "x": "X"}  # fmt: skip


def variance_of(noise: Expr) -> Expr:
    """Its square, with s2 for that of sigma."""
    return (noise**2).subs(sigma**2, s2)


def in_plane(rate: Expr, slot: Symbol, scales: tuple = (1, 1)) -> Matrix:
    """A rate in each coordinate, with its own mu and the slope of the density, times the scale."""
    named = zip(scales, symbols("mu1 mu2", real=True), D, strict=True)
    slopes = ((e, {mu: own, slot: diff(LOG_DENSITY, d)}) for e, own, d in named)
    return Matrix([e * rate.xreplace(at) for e, at in slopes])


def is_reversal(forward: Matrix, backward: Matrix, diffusion: Matrix, partials: Partials) -> bool:
    """Whether the drift `backward` gives the densities and the generator of the time reversal."""
    given = (forward, diffusion), (backward, diffusion), LOG_DENSITY, partials, D
    return keeps_marginals(*given) and turns_back(*given)


def reverses(formula: Expr) -> bool:
    r"""In the plane, with $G$ the square $\mathsf g\mathsf g^\top$ and $p$ the density of
    [[forward]], the diffusion [[reverse]] in the time $r$ that runs backwards, from the density
    at the end, has the densities of $X$, and its generator is that of $X$ run backwards.

    The marginals, by the Fokker-Planck equation, would alone allow more drifts, such as with a
    current $c$ without divergence, so that Bayes' rule over a short step is asked for too, for
    every function of the state. Drift, $G$ and density of the plane are jets with symbols for
    coefficients, decided for every symmetric $G$: the squares are among them."""
    moved = Matrix([jet("h1", D, 1), jet("h2", D, 1)])
    diffusion = Matrix(2, 2, [jet(f"G{name}", D) for name in ("11", "12", "12", "22")])
    rows = [sum(diff(diffusion[i, j], D[j]) for j in (0, 1)) for i in (0, 1)]
    pulled = diffusion * Matrix([diff(LOG_DENSITY, e) for e in D])
    stream = jet("c", D)
    across = [diff(stream, e) + stream * diff(LOG_DENSITY, e) for e in D]
    turned = across[1], -across[0]  # p times it is the curl of p times the stream
    parts = zip(moved, rows, pulled, turned, strict=True)
    named = [dict(zip((drift, divergence, pull, turn), part, strict=True)) for part in parts]
    forth, back = _forth(), _back(formula)
    there, then = (Matrix([e.drift.xreplace(at) for at in named]) for e in (forth, back))
    current = fokker_planck(LOG_DENSITY, Matrix(turned), zeros(2, 2), plain_partials(D))
    reversal = is_reversal(there, then, diffusion, plain_partials(D))
    # G is the square of either noise.
    return reversal and vanishes((current, forth.noise - _G, back.noise - _G))


def _forth() -> Sde:
    return Sde("X", drift, _G)


def _back(formula: Expr) -> Sde:
    return Sde("X", formula, _G, "r")


A2 = Claim(
    "A2", "the reverse-time equation", reverses, holds=-drift + divergence + pull, twins={
        "divergence dropped": -drift + pull, "divergence halved": -drift + divergence / 2 + pull,
        "sign of the score flipped": -drift + divergence - pull,
        "score halved": -drift + divergence + pull / 2,
        "a circulation more": -drift + divergence + pull + turn,
    }, shown=lambda formula: {"reverse": _back(formula)},
    values=lambda: {"forward": _forth()}, names=_NAMES,
    sources=v1("eq. 4") + v2("eq. 2"),
    assumptions=(*REGULAR, "h is once and g twice continuously differentiable in the state"),
    readings=(
        "with dt < 0, as it is read here (E11), the printed equation is this one",
        LOST + "as eq. (4) of version 1",
    ), depends=("A1",))  # fmt: skip


def is_linear(coefficients: tuple[Expr, Expr]) -> bool:
    r"""Started from the law at the end, the reverse diffusion of A2 has the law of the whole path
    of $X$ run backwards. Of what the theorem assumes it is decided that [[equation]] has
    coefficients that are affine in the state, hence Lipschitz and of linear growth.

    A function is affine where its second derivative vanishes."""
    return vanishes(tuple(diff(entry, x, 2) for entry in coefficients))


A2_LAW = Claim(
    "A2-law", "equality of the laws of the paths", is_linear, holds=GBM, twins={
        "a drift that grows with the square": (mu * x**2, sigma * x),
        "noise that grows with the square": (mu * x, sigma * x**2),
    }, shown=lambda coefficients: {"equation": Sde("X", *coefficients)}, names=_NAMES,
    means=Means.LITERATURE, sources=v1("eq. 4") + v2("eq. 2"), sheet=("A2",), assumptions=(
        "p_t and the derivatives of g g^T p_t that occur are locally square integrable (Haussmann "
        "and Pardoux)", "the reverse equation has one solution in law for each start",
    ), depends=("A2",),
    reason="B. D. O. Anderson, “Reverse-time diffusion equation models, Stochastic Processes and "
    "their Applications 12, 313-326” (1982); U. G. Haussmann and E. Pardoux, “Time reversal of "
    "diffusions, Annals of Probability 14, 1188-1205” (1986). A2 proves the infinitesimal part.",
)  # fmt: skip

REVERSE_RATE = -(mu - 2 * s2 - s2 * h)
_LOG_P = -((L - M) ** 2) / (2 * V) - L - log(V) / 2  # of log-normal data


def reverses_in_x(rate: Expr) -> bool:
    r"""[[reverse]], from the law at the end, has the densities and the generator of [[forward]]
    run backwards, in each of two entries with its own $\mu$.

    A2's formula is not used: the Fokker-Planck equation and Bayes' rule over a short step are
    decided for every density of the plane, by symbols for the derivatives of $\log p$ in $\log x$.
    For log-normal data in one coordinate the density's time derivative is taken directly, too."""
    back = _backwards(rate)
    forward, backward = (in_plane(part / x, h, XS) for part in (GBM[0], back.drift))
    diffusion, partials = diag(*map(_square, XS)), partials_of_exponentials(D, XS)
    reversed_ = is_reversal(forward, backward, diffusion, partials) and same(back.noise, GBM[1])
    return reversed_ and _for_log_normal_data(rate)


def _backwards(rate: Expr) -> Sde:
    return Sde("X", x * rate, GBM[1], "r")


def _square(state: Expr) -> Expr:
    return variance_of(GBM[1]).subs(x, state)


def _for_log_normal_data(rate: Expr) -> bool:
    """Log-normal p_t with dM/dt = mu - s2/2 and dV/dt = s2, its time derivative taken directly."""
    change = diff(_LOG_P, M) * (mu - s2 / 2) + diff(_LOG_P, V) * s2
    rest = Matrix([_square(x)]), partials_of_exponentials((L,), (x,))
    drifts = GBM[0], x * rate.subs(h, diff(_LOG_P, L))
    forward, backward = (fokker_planck(_LOG_P, Matrix([b]), *rest) for b in drifts)
    return vanishes((forward - change, backward + change))


A7 = Claim(
    "A7", "reverse-time equation in X", reverses_in_x, holds=REVERSE_RATE, twins={
        "coefficient 1 of sigma^2": -(mu - s2 - s2 * h),
        "coefficient 3/2, that of the equation for log X": -(mu - Rational(3, 2) * s2 - s2 * h),
        "no divergence term": -(mu - s2 * h), "sign of the score flipped": -(mu - 2 * s2 + s2 * h),
    }, shown=lambda rate: {"reverse": _backwards(rate)},
    values=lambda: {"forward": EQUATION}, names=_NAMES, sources=v2("eq. 7"),
    assumptions=REGULAR, readings=(
        LOST + "the text fixes the factored form ('a vector of all ones'), the sign is that of "
        "eq. (10) of version 1, with dr > 0",
    ), depends=("A2", "A5"))  # fmt: skip

_PRINTED = f - s2 * score, -(f - s2 * score)


def reading_is_right(increments: tuple[Expr, Expr]) -> bool:
    r"""Let $dr$ be the positive increment of reverse time. Eq. (4) holds with [[four]], and eq.
    (10) with [[ten]]: no single meaning of $dt$ makes both right.

    In log space, with $f$ the forward drift, eq. (4) has the drift $[[drift_4]]$ and eq. (10) the
    drift $[[drift_10]]$. Each is taken as printed, times its increment over $dr$, and the density
    run backwards has to solve the Fokker-Planck equation that results: in the plane, for any
    constant $f$ and every density. What is left is of degree one in the increment and does not
    vanish where its sign is turned, so that no other increment fits."""
    for increment, printed in zip(increments, _PRINTED, strict=True):
        forward, backward = (in_plane(part.subs(f, mu), score) for part in (f, printed))
        pair = (forward, isotropic(s2)), (backward * (increment / dr), isotropic(s2))
        if not keeps_marginals(*pair, LOG_DENSITY, plain_partials(D), D):
            return False
    return True


def _figure(label: str, drift: Expr) -> Figure:
    v0, rate, steps = mpf("0.1"), mpf("0.8"), 400
    slope = lambdify((s2, V), diff(drift.subs(score, diff(_LOG_P, L) + 1), L), "mpmath")
    added, variance = rate**2 / steps, v0 + rate**2
    for k in range(steps, 0, -1):
        variance = (1 + slope(added, v0 + k * added)) ** 2 * variance + added
    where = f"v0 = {v0}, sigma = {rate}, N = {steps}"
    return Figure(f"log-variance at the end / v0, {label} ({where})", variance / v0)


E11 = Claim(
    "E11", "direction of time in the reverse equations", reading_is_right, holds=(-dr, dr),
    twins={"both exchanged": (dr, -dr), "eq. (10) at half speed": (-dr, dr / 2)}, printed={
        "one dt, positive in reverse time": (dr, dr),
        "one dt, negative (as eq. (4) is usually read)": (-dr, -dr),
    }, shown=lambda pair: {"four": Says("dt", pair[0]), "ten": Says("dt", pair[1])},
    values=lambda: dict(zip(("drift_4", "drift_10"), _PRINTED, strict=True)),
    names={"score": r"\nabla\log q(Y)"}, sources=v1("eq. 4", "eq. 10", "eq. 11"),
    sheet=("E11", "A2", "A10"), assumptions=REGULAR,
    readings=("eq. (11) is eq. (10) with the other score (A11)",), depends=("A2", "A10", "A11"),
    erratum=Erratum(
        Fault.INCONSISTENT,
        quote=r"(4) $dX_t=(h-\nabla\cdot[gg^\top]-gg^\top\nabla\log f_X)\,dt+g\,d\bar W_t$ and "
        r"(10) $dY_t=-(\mu-\frac{\sigma^2}2\mathbf 1-\sigma^2\nabla\log "
        r"p_{Y_t})\,dt+\sigma\,dW_t$, (11) likewise (arguments of the functions left out here)",
        trouble="Eq. (10) is said to come from eq. (4), with the same dt, and has the opposite "
        "drift. Integrated with a negative dt, as eq. (4) requires, it amplifies the noise in the "
        "setting of the figures.",
        advice=r"Write eqs. (10) and (11) with $dr$ and $d\bar W$; or keep $dt$ negative and turn "
        r"the sign of their drifts.", figures=lambda: (
            _figure("eq. (10) with dr > 0", _PRINTED[1]),
            _figure("its drift flipped", -_PRINTED[1]),
        ), remains_open="The formulas of version 2's derivation are lost in the text we have.",
    ))  # fmt: skip
CLAIMS = (A2, A2_LAW, A7, E11)
