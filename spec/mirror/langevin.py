"""Langevin dynamics, plain and mirrored (version 2, section 5.2), and the noisy step of version 1.

Symbols: p = e^l = e^{-V} = e^{-loss} / Z the target; S = d log p / dx, h = x S and g the slope of
the loss in a coordinate; phi mirror map, y = grad phi(x) the dual variable, J = dx / dy; noise
variance n per unit of time; c constant term of the drift of log X.
"""

from collections import namedtuple

from sympy import Expr, Function, Matrix, MatrixSymbol, diff, exp, hessian, log, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Candidate, Claim, Erratum, Fault, Pin, v1, v2
from spec.checking.diffusions import fokker_planck, plain_partials, with_symbols
from spec.checking.symbols import L, M, V, dt, h, mu, sigma, x, z
from spec.checking.typeset import Says, Sde
from spec.mirror.bias import variance_after
from spec.mirror.log_normal_target import lam
from spec.steps._reverse import in_delta, log_step, root

_X = symbols("x1 x2", positive=True)
POTENTIAL, DETERMINANT = symbols("V det")
_DUAL = POTENTIAL + log(DETERMINANT)
S, g, c = symbols("S g c", real=True)
eta, n, p, product = symbols("eta n p product", positive=True)
_NAMES = {
    "S": r"\nabla\log p(X)", "g": r"\nabla\ell(X_k)", "z": "Z", "eta": r"\eta",
    "product": r"\prod_i X_i", "J": r"[\nabla^2\phi(X)]^{-1}", "dV": r"\nabla V(X)",
    "det": r"\det\nabla^2\phi(X)", "dlogdet": r"\nabla\log\det\nabla^2\phi(X)",
}  # fmt: skip


# The drift of a diffusion, in the symbols of its claim, and the variance of its noise.
Dynamics = namedtuple("Dynamics", "drift noise")
# d log X = (c + x S) dt + sqrt(n) dW has the invariant density p^power * prod x^shift.
Row = namedtuple("Row", "c n power shift")


def _is_stationary(log_p: Expr, drift: Expr, variance: Expr) -> bool:
    """By the terms of one coordinate in the Fokker-Planck equation."""
    flow = fokker_planck(log_p, Matrix([drift]), Matrix([[variance]]), plain_partials((x,)))
    return vanishes(with_symbols(flow))


def _ambient(drift: Expr, noise: Expr | int) -> tuple[Expr, Expr]:
    """Drift and variance of X, of those of log X, by Ito's formula."""
    return x * (2 * drift + noise) / 2, noise * x**2


def _exponent(drift: Expr, noise: Expr | int, length: Expr) -> Expr:
    """What an Euler-Maruyama step adds to log X."""
    return length * drift + sqrt(noise * length) * z


def leaves_invariant(candidate: Dynamics) -> bool:
    r"""Langevin dynamics, [[sde]], leaves $p$ invariant, in any number of coordinates.

    The noises of the coordinates are independent, so that the right-hand side of the
    Fokker–Planck equation is a sum over coordinates; in each of its terms the other coordinates
    are parameters. Each term is zero by itself, for every $p$.
    """
    density = Function("l")(x)
    return _is_stationary(density, candidate.drift.subs(S, diff(density, x)), candidate.noise)


def is_mirrored_langevin(candidate: Dynamics) -> bool:
    r"""In the plane let [[potential]] and [[dual]], with $X$ of the density $p$. Then [[sde]] is
    the Langevin dynamics (A20) of the density of $Y$, and so leaves the law of $Y$, and with it
    $p$, invariant.

    The density of $Y$ is $p$ over the determinant of $\nabla^2\phi$ (Robbins), so that its
    potential is [[of_dual]]. The drift is minus the gradient of this in $y$, which is decided for
    every $\phi$ and $V$ of the plane; the noise is that of A20. A second look is in $x$, by Itô's
    formula for the inverse of $\nabla\phi$: the Fokker–Planck equation keeps $p$, for every
    $\phi$ of the line and in the plane for [[map]].
    """
    maps = ((_X[:1], Function("phi")(_X[0])), (_X, _FULL_MAP))
    return (
        _is_dual_gradient(candidate)
        and leaves_invariant(Dynamics(S, candidate.noise))
        and all(_keeps_in_x(candidate, *pair) for pair in maps)
    )


def _inverse_and_drift(drift: Candidate, at: tuple, phi: Expr) -> tuple[Matrix, Matrix]:
    """J, and the drift of Y, with grad log det H = tr(H^-1 dH)."""
    second = hessian(phi, at)
    inverse = second.adjugate() / second.det()
    slopes = Matrix([diff(Function("V")(*at), e) for e in at])
    volumes = Matrix([(inverse * second.diff(e)).trace() for e in at])
    return inverse, drift(inverse, slopes, volumes)


def _is_dual_gradient(candidate: Dynamics) -> bool:
    phi = Function("phi")(*_X)
    second = hessian(phi, _X)
    dual = _DUAL.subs({POTENTIAL: Function("V")(*_X), DETERMINANT: second.det()})
    _, drift = _inverse_and_drift(candidate.drift, _X, phi)
    # H grad_y = grad_x
    return vanishes(with_symbols(*(second * drift + Matrix([diff(dual, e) for e in _X]))))


def _keeps_in_x(candidate: Dynamics, at: tuple, phi: Expr) -> bool:
    inverse, dual_drift = _inverse_and_drift(candidate.drift, at, phi)
    r = range(len(at))
    curvature = Matrix(
        [sum(inverse[j, k] * diff(inverse[i, j], at[k]) for j in r for k in r) for i in r]
    )
    drift = (2 * inverse * dual_drift + candidate.noise * curvature) / 2
    spread = candidate.noise * inverse * inverse.T
    flow = fokker_planck(-Function("V")(*at), drift, spread, plain_partials(at))
    return vanishes(with_symbols(flow))


def is_multiplicative_langevin(candidate: Dynamics) -> bool:
    r"""For [[phi]], summed over coordinates, the equation of A21 is [[sde]] in each coordinate,
    and leaves every $p$ on the positive orthant invariant. Its Euler–Maruyama step of length
    $\delta$ is [[step]], which keeps every coordinate positive.

    The Hessian is diagonal and the noises are independent, so that one coordinate is enough, as
    for A20. The drift is that of A21 at $\phi$. By Itô's formula [[ambient]], and its term of the
    Fokker–Planck equation is zero at $p$.
    """
    potential = Function("V")(x)
    drift = candidate.drift.subs(h, -x * diff(potential, x))
    _, mirrored = _inverse_and_drift(_MIRRORED.drift, (x,), _ENTROPY)
    agrees = vanishes(with_symbols(drift - mirrored[0]))
    return agrees and _is_stationary(-potential, *_ambient(drift, candidate.noise))


def is_the_noisy_step(choice: tuple[Expr, Expr]) -> bool:
    r"""With [[target]], $\ell$ the loss and $Z_p$ a constant, the Dale–Langevin step (13) is that
    of (16), [[step]] in each coordinate, for [[mu]] and [[eta]].

    The exponent of (13) is [[exponent]]; the value of $\mu$ takes away its constant term, that of
    $\eta$ makes the two deviations of the noise equal.
    """
    (drift, noise), wanted = (
        (exponent.subs(z, 0), diff(exponent, z) ** 2)
        for exponent in (_THIRTEEN.subs(mu, choice[0]), _SIXTEEN)
    )
    rate = choice[1].expand().subs(dt, root**2)
    return vanishes((drift - wanted[0].subs(eta, rate), noise - wanted[1].subs(eta, rate)))


def is_invariant(row: Row) -> bool:
    r"""[[sde]] has the invariant density [[density]], up to its constant. The step of (16),
    [[sixteen]], is its Euler–Maruyama step of length $\eta$ with no constant and unit noise: that
    density is [[plain]]. With twice the variance of the noise it is [[noisier]]; with the
    constant one besides, which is eq. (22) of version 2, it is [[complete]].

    By Itô's formula [[ambient]]; for all $c$, $n$ and $p$ the terms of each coordinate in the
    Fokker–Planck equation vanish at the density, the other coordinates being parameters.
    """
    log_p = Function("l")(x)
    drift = row.c + x * diff(log_p, x)
    return _is_stationary(row.power * log_p + row.shift * log(x), *_ambient(drift, row.n))


def _in_logs(row: Row) -> tuple[Expr, Expr]:
    """Mean and variance of log X under the density of a row, for log-normal p."""
    log_p = -L - (L - M) ** 2 / (2 * V)
    slope = diff(row.power * log_p + (row.shift + 1) * L, L)
    return -slope.subs(L, 0) / diff(slope, L), -1 / diff(slope, L)


def _sde(state: str, candidate: Dynamics) -> Sde:
    return Sde(state, candidate.drift, sqrt(candidate.noise))


def _in_x(drift: Expr, noise: Expr | int) -> Sde:
    moved, spread = _ambient(drift, noise)
    return Sde("X", moved.factor(), sqrt(spread))


A20 = Claim(
    "A20", "Langevin dynamics", leaves_invariant, holds=Dynamics(S, 2), twins={
        "noise of variance 1": Dynamics(S, 1), "drift with the wrong sign": Dynamics(-S, 2),
        "drift twice as large": Dynamics(2 * S, 2),
    }, shown=lambda d: {"sde": _sde("X", d)}, names=_NAMES, sources=v2("eq. 20"),
    assumptions=("p is positive and twice differentiable, and the solution does not explode",),
    readings=("formula lost in version 2; 'the canonical SDE' fixes it up to the unit of time",),
)  # fmt: skip

_ENTROPY = x * log(x)
_FULL_MAP = _X[0] ** 3 / 6 + _X[0] * _X[1] + _X[1] ** 2
_PARTS = MatrixSymbol("J", 2, 2), MatrixSymbol("dV", 2, 1), MatrixSymbol("dlogdet", 2, 1)
_MIRRORED = Dynamics(lambda J, dV, dlogdet: -J * (dV + dlogdet), 2)
A21 = Claim(
    "A21", "mirrored Langevin dynamics", is_mirrored_langevin, holds=_MIRRORED, twins={
        "no determinant": Dynamics(lambda J, dV, dlogdet: -J * dV, 2),
        "determinant subtracted": Dynamics(lambda J, dV, dlogdet: -J * (dV - dlogdet), 2),
        "no inverse Hessian": Dynamics(lambda J, dV, dlogdet: -(dV + dlogdet), 2),
        "noise of variance 1": _MIRRORED._replace(noise=1),
    }, shown=lambda d: {"sde": _sde("Y", Dynamics(d.drift(*_PARTS), d.noise))}, values=lambda: {
        "potential": Says("V", -log(p)), "dual": Says("Y", r"\nabla\phi(X)"),
        "map": _FULL_MAP, "of_dual": _DUAL,
    }, names=_NAMES, sources=v2("eq. 21"), assumptions=(
        "phi strictly convex and four times differentiable, V twice differentiable",
        "grad phi maps onto the whole plane, so that Y never meets a boundary",
    ), readings=(
        "formula lost in version 2; reconstructed from Hsieh et al. (2018), from the words 'the "
        "Hessian of phi evaluated at X_t' and from eq. 22, which it must give",
    ), depends=("A20", "Robbins"),
)  # fmt: skip


def _in_states(candidate: Dynamics) -> Expr:
    """The step in the names of the vectors."""
    drift = candidate.drift.subs(h, x * symbols("s"))
    return x * exp(_exponent(drift, candidate.noise, symbols("delta", positive=True)))


A22 = Claim(
    "A22", "mirrored Langevin dynamics of the entropy", is_multiplicative_langevin,
    holds=Dynamics(1 + h, 2), twins={
        "without the one": Dynamics(h, 2), "noise of variance 1": Dynamics(1 + h, 1),
        "half the score": Dynamics(1 + h / 2, 2),
    }, shown=lambda d: {
        "sde": _sde(r"\log X", d), "ambient": _in_x(*d),
        "step": Says("X", x * exp(_exponent(*d, dt)), r"\leftarrow"),
    }, values=lambda: {"phi": Says(r"\phi(X)", _ENTROPY)}, names=_NAMES, sources=v2("eq. 22"),
    assumptions=("p is positive and twice differentiable on the positive orthant",),
    readings=("formula lost in version 2; it is forced by eq. 21 and by eq. 37",),
    depends=("A20", "A21"), pins=(
        Pin("gbm_ref.mirrored_langevin_step", vectors="mirrored_langevin_step", reads=_in_states),
    ),
)  # fmt: skip

_THIRTEEN, _SIXTEEN = log_step(-x * g, z, root), _exponent(-x * g, 1, eta)
_RATE = dt * sigma**2
V1_16 = Claim(
    "V1-16", "equation 16 from equation 13", is_the_noisy_step,
    holds=(3 * sigma**2 / 2, _RATE), twins={
        "mu = sigma^2 / 2": (sigma**2 / 2, _RATE), "mu = 0": (0, _RATE),
        "eta = 2 delta sigma^2": (3 * sigma**2 / 2, 2 * _RATE),
    }, shown=lambda of: {"mu": Says(r"\mu", of[0]), "eta": Says(r"\eta", of[1])}, values=lambda: {
        "target": Says("p", exp(-symbols("loss")) / symbols("Z_p")),
        "step": Says("X_{k-1}", x * exp(_SIXTEEN)), "exponent": in_delta(_THIRTEEN),
    }, names=_NAMES | {"x": "X_k", "z": "Z_k", "loss": r"\ell(X)"}, sources=v1("eq. 16"),
    sheet=("A13", "E14"), assumptions=("the loss is the same at every k",), depends=("A13",),
)  # fmt: skip

_HOLDS = Row(c, n, 2 / n, 2 * c / n - 1)


def _at(constant: int, noise: int) -> Row:
    """The statement for a drift and a noise that are given."""
    return Row(*(part.subs({c: constant, n: noise}) for part in _HOLDS))


def _step(row: Row) -> Says:
    return Says("X", x * exp(_exponent(row.c + h, row.n, eta)), r"\leftarrow")


def _densities(row: Row) -> dict[str, object]:
    cases = {"plain": (0, 1), "noisier": (0, 2), "complete": (1, 2)}
    density = p**row.power * product**row.shift
    return {
        "sde": Sde(r"\log X", row.c + h, sqrt(row.n)), "density": density,
        "ambient": _in_x(row.c + h, row.n),
    } | {k: density.subs({c: of[0], n: of[1]}) for k, of in cases.items()}  # fmt: skip


E14 = Claim(
    "E14", "what the sampling equivalent of EGD samples", is_invariant, holds=_HOLDS, twins={
        "p for the step with sqrt(2 eta) Z": _at(0, 2)._replace(shift=0),
        "p^2 without the Jacobian": _at(0, 1)._replace(shift=0),
        "p / x for the complete dynamics": _at(1, 2)._replace(shift=-1),
    }, printed={"p is what (16) samples": Row(0, 1, 1, 0)}, shown=_densities, values=lambda: {
        "sixteen": _step(_at(0, 1)), "mean": _in_logs(_at(0, 1))[0],
        "mend": _step(_at(1, 2)), "variance": _in_logs(_at(0, 1))[1],
    }, names=_NAMES, sources=v1("eq. 16", "abstract: sampling equivalent of EGD"), assumptions=(
        "a fixed loss, and a density that can be normalised", Assumption(
            "the learning rate is small: the equation of which (16) is a step is meant",
            "the Fokker–Planck equation",
            # A step of the complete dynamics does not keep the variance of a log-normal target.
            lambda: not same(variance_after(lam), lam),
        ),
    ), depends=("V1-16", "A22", "E5"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="a multiplicative update rule, which surprisingly, coincides with the sampling "
        r"equivalent of the exponential gradient descent update; $\bm X_{k-1}=\bm X_k\circ\exp(-"
        r"\eta\bm X_k\circ\nabla_{\bm X}\ell(\bm X)\mid_{\bm X=\bm X_k}+\sqrt\eta\bm Z_k)$ (16)",
        trouble="For a fixed loss the step does not sample $p$. When $p$ is log-normal, with the "
        "mean $M$ and the variance $V$ of the logarithm, the density above is log-normal with "
        "[[mean]] and [[variance]] in their place. And one loss cannot serve all $k$: the forward "
        "process has no stationary law (E5).",
        advice="[[mend]], the Euler–Maruyama step of (22) in version 2. Within a reverse "
        "diffusion, with a score that changes with $k$, (13) needs neither change.",
    ),
)  # fmt: skip

CLAIMS = (A20, A21, A22, V1_16, E14)
