"""Langevin dynamics, plain and mirrored (version 2, section 5.2), and the noisy step of version 1.

Symbols: p = e^l = e^{-V} = e^{-loss} / Z_p the target; S = d log p / dx, h = x S and g the slope
of the loss in a coordinate; phi mirror map, y = grad phi(x) the dual variable, J = dx / dy; noise
variance n per unit of time; c constant term of the drift of log X."""

from sympy import Expr, Function, Matrix, MatrixSymbol, diff, exp, hessian, log, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Candidate, Claim, Erratum, Fault, Pin, v1, v2
from spec.checking.diffusions import fokker_planck, plain_partials, with_symbols
from spec.checking.symbols import dt, h, mu, sigma, x, z
from spec.checking.typeset import Says, Sde
from spec.mirror.bias import variance_after
from spec.mirror.log_normal_target import lam
from spec.steps._reverse import in_delta, log_step, root

S, g, c = symbols("S g c", real=True)
eta, n, p, product, loss, Z_p = symbols("eta n p product loss Z_p", positive=True)
V, det = symbols("V det", real=True)
_DENSITY = exp(-V)
_DUAL = log(det) - log(_DENSITY)
_NAMES = {
    "S": r"\nabla\log p(X)", "g": r"\nabla\ell(X_k)", "z": "Z", "product": r"\prod_i X_i",
    "J": r"[\nabla^2\phi(X)]^{-1}", "dV": r"\nabla V(X)", "det": r"\det\nabla^2\phi(X)",
    "dlogdet": r"\nabla\log\det\nabla^2\phi(X)"}  # fmt: skip
Dynamics = tuple[Candidate, Expr | int]  # drift, and variance of the noise


def _is_stationary(log_p: Expr, sde: Sde) -> bool:
    """By the terms of one coordinate in the Fokker-Planck equation."""
    variance = Matrix([[sde.noise**2]])
    flow = fokker_planck(log_p, Matrix([sde.drift]), variance, plain_partials((x,)))
    return vanishes(with_symbols(flow))


def _sde(state: str, dynamics: Dynamics) -> Sde:
    return Sde(state, dynamics[0], sqrt(dynamics[1]))


def _in_x(dynamics: Dynamics) -> Sde:
    """The equation of X, of drift and variance of log X, by Ito's formula."""
    drift, noise = dynamics
    return _sde("X", ((x * (2 * drift + noise) / 2).factor(), noise * x**2))


def _exponent(drift: Expr, noise: Expr | int, length: Expr) -> Expr:
    """What an Euler-Maruyama step adds to log X."""
    return length * drift + sqrt(noise * length) * z


def leaves_invariant(candidate: Dynamics) -> bool:
    r"""Langevin dynamics, [[sde]], leaves $p$ invariant, in any number of coordinates.

    The noises of the coordinates are independent, so that the right-hand side of the
    Fokker–Planck equation is a sum over coordinates; in each of its terms the other coordinates
    are parameters. Each term is zero by itself, for every $p$."""
    density = Function("l")(x)
    drift, noise = candidate
    return _is_stationary(density, _sde("X", (drift.subs(S, diff(density, x)), noise)))


def is_mirrored_langevin(candidate: Dynamics) -> bool:
    r"""In the plane let $X$ have the density [[density]], and $Y$ be $\nabla\phi(X)$. Then [[sde]]
    is the Langevin dynamics (A20) of the density of $Y$, and so leaves the law of $Y$, and with
    it $p$, invariant.

    The density of $Y$ is $p$ over the determinant of $\nabla^2\phi$ (Robbins), so that its
    potential is [[of_dual]]. The drift is minus the gradient of this in $y$, for every $\phi$ and
    $V$ of the plane; the noise is that of A20."""
    at = symbols("x1 x2", positive=True)
    phi, potential = Function("phi")(*at), Function("V")(*at)
    drift, second = _mirrored_drift(candidate[0], phi, potential, at)
    dual = _DUAL.subs({V: potential, det: second.det()})
    # The Hessian of phi takes gradients in y to gradients in x.
    gaps = second * drift + _gradient(dual, at)
    return vanishes(with_symbols(*gaps)) and leaves_invariant((S, candidate[1]))


def _gradient(f: Expr, at: tuple) -> Matrix:
    return Matrix([diff(f, e) for e in at])


def _mirrored_drift(
    drift: Candidate, phi: Expr, potential: Expr, at: tuple
) -> tuple[Matrix, Matrix]:
    """The drift of Y for that mirror map and potential, and the Hessian of the map."""
    second = hessian(phi, at)
    J, volume = second.adjugate() / second.det(), log(second.det())
    return drift(J, _gradient(potential, at), _gradient(volume, at)), second


def is_multiplicative_langevin(candidate: Dynamics) -> bool:
    r"""For [[phi]], summed over coordinates, the equation of A21 is [[sde]] in each coordinate,
    and leaves every $p$ on the positive orthant invariant. Its Euler–Maruyama step of length
    $\delta$ is [[step]], which keeps every coordinate positive.

    The Hessian is diagonal and the noises are independent, so that one coordinate is enough, as
    for A20. The drift is that of A21 at $\phi$. By Itô's formula [[ambient]], and its term of the
    Fokker–Planck equation is zero at $p$."""
    potential = Function("V")(x)
    drift = candidate[0].subs(h, -x * diff(potential, x))
    mirrored, _ = _mirrored_drift(_MIRRORED[0], _ENTROPY, potential, (x,))
    added = log(A22.shown(candidate)["step"].right / x)
    euler = added.subs(z, 0) - dt * candidate[0], diff(added, z) ** 2 - dt * candidate[1]
    agrees = vanishes(with_symbols(drift - mirrored[0], *euler))
    return agrees and _is_stationary(-potential, _in_x((drift, candidate[1])))


def is_the_noisy_step(choice: tuple[Expr, Expr]) -> bool:
    r"""With [[target]], $\ell$ the loss and $Z_p$ a constant, the Dale–Langevin step (13) is that
    of (16), [[step]] in each coordinate, for [[mu]] and [[eta]].

    The exponent of (13) is [[exponent]]; the value of $\mu$ takes away its constant term, that of
    $\eta$ makes the two deviations of the noise equal."""
    rate = choice[1].expand().subs(dt, root**2)
    ours, wanted = _THIRTEEN.subs(mu, choice[0]), log(_SIXTEEN / x)
    drifts, noises = (ours - wanted).subs(z, 0), diff(ours, z) ** 2 - diff(wanted, z) ** 2
    in_h = _STEP.right.subs(h, _SLOPE) - _SIXTEEN  # as E14 has it
    return vanishes((drifts.subs(eta, rate), noises.subs(eta, rate), in_h))


def is_invariant(row: tuple[Candidate, ...]) -> bool:
    r"""[[sde]] leaves the density [[density]], up to its constant, invariant. The step of
    (16), [[sixteen]], is its Euler–Maruyama step of length $\eta$ with no constant and unit noise:
    that density is [[plain]]. With the noise of eq. (22) of version 2 it is [[noisier]]; with its
    constant besides, it is [[complete]].

    By Itô's formula [[ambient]]; for all $c$, $n$ and $p$ the terms of each coordinate in the
    Fokker–Planck equation vanish at the density, the other coordinates being parameters."""
    log_p, (drift, noise) = Function("l")(x), _dynamics(*row[:2])
    log_density = log(_density(*row[2:])).expand().subs({log(p): log_p, log(product): log(x)})
    return _is_stationary(log_density, _in_x((drift.subs(h, x * diff(log_p, x)), noise)))


def _dynamics(constant: Expr, noise: Expr | int) -> Dynamics:
    return constant + h, noise


def _density(power: Expr, shift: Expr) -> Expr:
    return p**power * product**shift


def _shown_row(row: tuple[Candidate, ...]) -> dict[str, object]:
    dynamics, density = _dynamics(*row[:2]), _density(*row[2:])
    return {"sde": _sde(r"\log X", dynamics), "ambient": _in_x(dynamics), "density": density,
            **{name: density.subs(of) for name, of in _CASES.items()}}  # fmt: skip


def _step(dynamics: Dynamics, length: Expr = eta) -> Says:
    return Says("X", x * exp(_exponent(*dynamics, length)), r"\leftarrow")


_PLAIN, _COMPLETE = {c: 0, n: 1}, {c: 1, n: 2}
_CASES = {"plain": _PLAIN, "noisier": _PLAIN | {n: _COMPLETE[n]}, "complete": _COMPLETE}
A20 = Claim(
    "A20", "Langevin dynamics", leaves_invariant, holds=(S, 2), twins={
        "noise of variance 1": (S, 1), "drift with the wrong sign": (-S, 2),
        "drift twice as large": (2 * S, 2),
    }, shown=lambda d: {"sde": _sde("X", d)}, names=_NAMES, sources=v2("eq. 20"),
    assumptions=("p is positive and twice differentiable, and the solution does not explode",),
    readings=("formula lost in version 2; 'the canonical SDE' fixes it up to the unit of time",),
)  # fmt: skip

_ENTROPY = x * log(x)
_PARTS = MatrixSymbol("J", 2, 2), MatrixSymbol("dV", 2, 1), MatrixSymbol("dlogdet", 2, 1)
_MIRRORED = (lambda J, dV, dlogdet: -J * (dV + dlogdet), 2)
A21 = Claim(
    "A21", "mirrored Langevin dynamics", is_mirrored_langevin, holds=_MIRRORED, twins={
        "no determinant": (lambda J, dV, dlogdet: -J * dV, 2),
        "determinant subtracted": (lambda J, dV, dlogdet: -J * (dV - dlogdet), 2),
        "no inverse Hessian": (lambda J, dV, dlogdet: -(dV + dlogdet), 2),
        "noise of variance 1": (_MIRRORED[0], 1),
    }, shown=lambda d: {"sde": _sde("Y", (d[0](*_PARTS), d[1]))}, values=lambda: {
        "density": Says("p", _DENSITY), "of_dual": _DUAL,
    }, names=_NAMES, sources=v2("eq. 21"), assumptions=(
        "on a convex domain phi is four times differentiable with a positive definite Hessian, "
        "and V twice differentiable",
        "grad phi maps onto the whole plane, so that Y never meets a boundary",
    ), readings=(
        "formula lost in version 2; reconstructed from Hsieh et al. (2018), from the words 'the "
        "Hessian of phi evaluated at X_t' and from eq. 22, which it must give",
    ), depends=("A20", "Robbins"))  # fmt: skip

A22 = Claim(
    "A22", "mirrored Langevin dynamics of the entropy", is_multiplicative_langevin,
    holds=_dynamics(*_COMPLETE.values()), twins={
        "without the one": (h, 2), "noise of variance 1": (1 + h, 1),
        "half the score": (1 + h / 2, 2),
    }, shown=lambda d: {"sde": _sde(r"\log X", d), "ambient": _in_x(d), "step": _step(d, dt)},
    values=lambda: {"phi": Says(r"\phi(X)", _ENTROPY)}, names=_NAMES, sources=v2("eq. 22"),
    assumptions=("p is positive and twice differentiable on the positive orthant",),
    readings=("formula lost in version 2; it is forced by eq. 21 and by eq. 37",),
    depends=("A20", "A21"), pins=(Pin(
        "gbm_ref.mirrored_langevin_step", vectors="mirrored_langevin_step",
        reads=lambda d: _step((d[0].subs(h, x * symbols("s")), d[1]), symbols("delta")).right,
    ),))  # fmt: skip

_TARGET, _RATE = exp(-loss) / Z_p, dt * sigma**2
_SLOPE = x * g * diff(log(_TARGET), loss)
_THIRTEEN, _DYNAMICS = log_step(_SLOPE, z, root), _dynamics(*_PLAIN.values())
_SIXTEEN, _STEP = x * exp(sqrt(eta) * z - eta * x * g), _step(_DYNAMICS)
V1_16 = Claim(
    "V1-16", "equation 16 from equation 13", is_the_noisy_step,
    holds=(3 * sigma**2 / 2, _RATE), twins={
        "mu = sigma^2 / 2": (sigma**2 / 2, _RATE), "mu = 0": (0, _RATE),
        "eta = 2 delta sigma^2": (3 * sigma**2 / 2, 2 * _RATE),
    }, shown=lambda of: {"mu": Says(r"\mu", of[0]), "eta": Says(r"\eta", of[1])}, values=lambda: {
        "target": Says("p", _TARGET), "step": Says("X_{k-1}", _SIXTEEN),
        "exponent": in_delta(_THIRTEEN),
    }, names=_NAMES | {"x": "X_k", "z": "Z_k", "loss": r"\ell(X)"}, sources=v1("eq. 16"),
    sheet=("A13", "E14"), assumptions=("the loss is the same at every k",), depends=("A13",),
)  # fmt: skip

E14 = Claim(
    "E14", "what the sampling equivalent of EGD leaves invariant", is_invariant,
    holds=(c, n, 2 / n, 2 * c / n - 1), twins={
        "p for the step with sqrt(2 eta) Z": (0, 2, 1, 0),
        "p^2 without the Jacobian": (0, 1, 2, 0),
        "p / x for the complete dynamics": (1, 2, 1, -1),
    }, printed={"p is what (16) samples": (0, 1, 1, 0)}, shown=_shown_row, values=lambda: {
        "sixteen": _STEP, "mend": _step(A22.holds),
    }, names=_NAMES, sources=v1("eq. 16", "abstract: sampling equivalent of EGD"), assumptions=(
        "a fixed loss; p is positive and twice differentiable, and the density can be normalised",
        Assumption(
            "the learning rate is small: the equation of which (16) is a step is meant",
            "the Fokker–Planck equation",
            # A step of the complete dynamics does not keep the variance of a log-normal target.
            lambda: not same(variance_after(lam), lam)),
    ), depends=("V1-16", "A22", "E5"), erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="a multiplicative update rule, which surprisingly, coincides with the sampling "
        r"equivalent of the exponential gradient descent update; $\bm X_{k-1}=\bm X_k\circ\exp(-"
        r"\eta\bm X_k\circ\nabla_{\bm X}\ell(\bm X)\mid_{\bm X=\bm X_k}+\sqrt\eta\bm Z_k)$ (16)",
        trouble="For a fixed loss and small steps (16) keeps $[[plain]]$ and not $p$; and one "
        "loss cannot serve all $k$, since the forward process has no stationary law (E5).",
        advice="[[mend]], the Euler–Maruyama step of (22) in version 2. Within a reverse "
        "diffusion, with a score that changes with $k$, (13) needs neither change.",
    ))  # fmt: skip
CLAIMS = (A20, A21, A22, V1_16, E14)
