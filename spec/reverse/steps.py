"""Reverse steps against the exact kernel: eq. (13), its noise, frozen denoisers, the additive one.

S, T covariance of log X at times s < t, T = S + u I; in one coordinate v, V the two variances,
m_s, m the kernel's means, D = E[log X_0 | X_t] frozen; noise = sigma sqrt(dt)."""

from collections.abc import Callable, Iterable

import mpmath
from mpmath import mpf
from sympy import (
    Expr, Integer, Matrix, MatrixBase, Symbol, cancel, diff, exp, eye, lambdify, log, sqrt,
    symbols)  # fmt: skip

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Figure, Values, v1
from spec.checking.diffusions import generator, partials_of_exponentials
from spec.checking.gaussian import expectation
from spec.checking.numeric import normal_expectation
from spec.checking.symbols import L0, L, M, V, dt, h, m, mu, s2, sigma, v, x, z

D, y, y_s, m_s = symbols("D y y_s m_s", real=True)
ra, rb, noise = symbols("ra rb noise", positive=True)
_NAMES = {"v": "v_s", "V": "v_t", "m": "m_t", "ra": r"\sqrt{v_s}", "rb": r"\sqrt{v_t}",
          "y": r"\log X_t", "L": r"\log X", "h": "H"}  # fmt: skip
ONE, SAMPLER = Integer(1), -dt * (mu - 3 * s2 / 2) + dt * s2 * h  # the exponent of eq. (13)
Kernel = tuple[Callable[[Matrix, Matrix], Matrix], Callable[[Matrix, Matrix], Matrix]]


def is_the_reverse_kernel(kernel: Kernel) -> bool:
    r"""For log-normal data of the plane let $S_s$ and $S_t$ be the covariances of $\log X$ at a
    time $s$ and at a later time $t$, which differ by a multiple of the identity (A6). Given $\log
    X_t$, the deviation of $\log X_s$ from its mean is normal, with $[[gain]]$ times the deviation
    at the later time as its mean, and with the covariance $[[covariance]]$.

    Bayes' rule is decided as an identity of quadratic forms, block by block, and of determinants,
    for every $S_s$ of the plane, also for one that is not diagonal."""
    a, b, c = symbols("S11 S12 S22", real=True)
    u, S = Symbol("u", positive=True), Matrix([[a, b], [b, c]])
    T, unit = S + u * eye(2), eye(2) / u
    gain, cov = (part(S, T) for part in kernel)
    # The covariance is the inverse of the precision, which is left out of the first two blocks.
    blocks = cov * (unit + S.inv()) - eye(2), gain - cov * unit, T.inv() + gain.T * unit - unit
    determinant = cov[0, 0] * cov[1, 1] - cov[0, 1] * cov[1, 0]
    return all(map(vanishes, blocks)) and same(S.det() * u**2, T.det() * determinant)


def _diagonal(S: Matrix) -> Matrix:
    if isinstance(S, MatrixBase):
        return S.multiply_elementwise(eye(2))
    return Symbol(rf"\mathrm{{diag}}({S})", commutative=False)


def _gain(S: Matrix, T: Matrix) -> Matrix:
    return S * T**-1


def _covariance(S: Matrix, T: Matrix) -> Matrix:
    return (T - S) * S * T**-1


def _shown_kernel(kernel: Kernel) -> Values:
    gain, covariance = (part(*symbols("S_s S_t", commutative=False)) for part in kernel)
    return {"gain": gain, "covariance": covariance}


R7 = Claim(
    "R7", "exact reverse kernel of log-normal data", is_the_reverse_kernel,
    holds=(_gain, _covariance), twins={
        "noise of eq. (13)": (_gain, lambda S, T: T - S),
        "gain inverted": (lambda S, T: T * S**-1, _covariance),
        "gain 1 - u S^-1": (lambda S, T: (2 * S - T) * S**-1, _covariance),
        "correlations ignored": (lambda S, T: _diagonal(S) * _diagonal(T) ** -1, _covariance),
    }, shown=_shown_kernel, depends=("A6",),
    assumptions=("S_s is invertible (for s = 0 the data have a density)",))  # fmt: skip


def makes_the_step_exact(Q: Expr, slope: Expr = ONE, length: Expr = ONE) -> bool:
    r"""On log-normal data with the exact score, a step of eq. (13) from $t$ to $s$ has the mean
    that $\log X_s$ has given $\log X_t$, at any state. Its noise variance is made exact by the
    factor $\kappa^2=[[it]]$, $v$ the variance of $\log X$: then the step draws $\log X_s$ from its
    law given $\log X_t$, and a chain of such steps from the law at the end has the law of the
    process at its times.

    The step is affine in the draw, so that its law is normal. Mean and variance of the process are
    found from the residual, which must not correlate with the later state."""
    kappa_r = Symbol("kappa_r", positive=True)
    exact = slope * diff(-((y - M) ** 2) / (2 * V), y) - 1
    # sigma^2 delta = V - v, and kappa_r stands for kappa sqrt(V - v)
    mean, draw = y + SAMPLER.xreplace({h: exact, dt: length * (V - v) / s2}), kappa_r * z
    variance = expectation(draw**2, z, Integer(0), ONE).subs(kappa_r**2, Q * (V - v))
    # Var(e_s) = Cov(e_s, e_t) = v for the deviations e_s and e_t.
    gain, at_mean = diff(mean, y), M - (mu - s2 / 2) * (V - v) / s2
    residual = v - 2 * gain * v + gain**2 * V
    return vanishes((mean.subs(y, M) - at_mean, v - gain * V, variance - residual))


R7_NOISE = Claim(
    "R7-noise", "the noise that makes eq. (13) exact for log-normal data", makes_the_step_exact,
    holds=v / V, twins={
        "full noise": ONE, "inverted": V / v, "squared": v**2 / V**2,
        "1 - 2h/v_k": 1 - 2 * (V - v) / V,
    }, names=_NAMES, sheet=("R7",), assumptions=(
        Assumption(
            "the score is exact", "the gain of the step is the ratio of variances",
            lambda: not makes_the_step_exact(v / V, slope=ONE / 2),
        ), Assumption(
            "sigma^2 delta is the difference of the variances", "the gain and the noise",
            lambda: not makes_the_step_exact(v / V, length=2 * ONE),
        ), "one coordinate, or one eigenvector of S_0 (kappa is that of its eigenvalue)",
    ), depends=("R7", "A13"))  # fmt: skip


def are_the_frozen_steps(candidate: tuple[Expr, Expr, Expr]) -> bool:
    r"""Let $D$, the mean of $\log X_0$ given $X_t$, be frozen over the step from $t$ to $s$. The
    reverse equation is then integrated exactly by the Brownian bridge, which is normal of mean
    $[[mean]]$ and variance $[[variance]]$, and the probability flow by $\log X_s=[[flow]]$. The
    mean of the bridge is that of A13; only the noise differs, by the factor $[[factor]]$ on the
    variance. The kernel (A6) moves $\log X_0$ by $m$ and has the variance $v$, at each time.

    The bridge is Bayes' rule for the two kernels, an identity of exponents and normalizations.
    With $D$ frozen the score is linear, and the reverse equation and the flow are linear equations
    for the deviation from $D$ moved by $m$ and its variance, which gain and variance solve, with
    $v_s$ as the time. The mean with $D$ by Tweedie's formula (R5) has the exponent of eq. (13)."""
    gain, variance, _ = candidate
    moved = _shown_bridge(candidate)["flow"] - D - m_s
    flows = diff(moved, ra) / (2 * ra) - moved / (2 * ra**2), moved.subs(ra, rb) - y + D + m
    # The noise of eq. (13) over the step has the variance sigma^2 delta.
    share = (_share(variance) * s2 * dt - variance).subs(v, V - s2 * dt)
    return (
        vanishes((*flows, share)) and _is_bridge(gain, variance) and _has_the_drift_of_eq_13(gain)
    )


def _share(variance: Expr) -> Expr:
    return variance / (V - v)


def _landing(gain: Expr) -> Expr:
    """Where the deviation from the frozen data lands."""
    return D + m_s + gain * (y - D - m)


def _is_bridge(gain: Expr, variance: Expr) -> bool:
    """N(y_s; D + m_s, v) N(y_t; y_s + dm, dv) = N(y_t; D + m, V) N(y_s; mean, variance), and A10
    with the score -(y - D - m)/v of the frozen D, solved exactly from t down to s: the deviation
    e = y - D - m has de = -e dv'/v' and dVar = (1 - 2 Var/v') dv' per dv' = -dv."""
    left = (y_s - D - m_s) ** 2 / v + (y - y_s - (m - m_s)) ** 2 / (V - v)
    right = (y - D - m) ** 2 / V + (y_s - _landing(gain)) ** 2 / variance
    bayes = left - right, v * (V - v) - V * variance
    equations = diff(gain, v) - gain / v, diff(variance, v) + 1 - 2 * variance / v
    return vanishes((*bayes, *equations, gain.subs(v, V) - 1, variance.subs(v, V)))


def _has_the_drift_of_eq_13(gain: Expr, later: Expr = s2) -> bool:
    """The mean with Tweedie's D = y - m + V (1 + h), against the exponent of eq. (13)."""
    mean = _landing(gain).subs(D, y - m + V * (1 + h))
    rates = {m_s: m - (mu - s2 / 2) * dt, v: V - later * dt}
    return same(mean.subs(rates) - y, SAMPLER)


def _shown_bridge(candidate: tuple[Expr, Expr, Expr]) -> dict[str, Expr]:
    gain, variance, flow = candidate
    shown = {"mean": _landing(gain), "flow": _landing(flow), "variance": variance}
    return shown | {"factor": cancel(_share(variance))}


_BRIDGE = v * (V - v) / V
R17_BRIDGE = Claim(
    "R17-bridge", "ancestral and DDIM steps", are_the_frozen_steps,
    holds=(v / V, _BRIDGE, ra / rb), twins={
        "noise of eq. (13)": (v / V, V - v, ra / rb),
        "gain of the flow in the ancestral step": (ra / rb, _BRIDGE, ra / rb),
        "gain of the bridge in the flow": (v / V, _BRIDGE, ra**2 / rb**2),
        "variance of the bridge seen from the data": (v / V, (V - v) ** 2 / V, ra / rb),
    }, shown=_shown_bridge, names=_NAMES, sheet=("R17",), assumptions=(Assumption(
        "mu and sigma are constant over the step", "the mean is compared with that of A13",
        lambda: not _has_the_drift_of_eq_13(R17_BRIDGE.holds[0], later=2 * s2),
    ),), depends=("A6", "A10", "R5", "R16-ode", "A13"))  # fmt: skip

FORWARD, LOSS = "the forward step of eq. (22)", "the residual in the loss of eqs. (19) and (20)"
STEP, AMBIENT = "the sampler of eq. (13)", "Euler-Maruyama in X, eq. (12) of version 2"
PARTS = (FORWARD, LOSS, STEP, AMBIENT)
_LOG_KERNEL = -((L - L0 - m) ** 2) / (2 * v)
_FACTOR, _MODEL = 1 - dt * (mu - 2 * s2) + dt * s2 * h + noise * z, 1 + h
_IN_X, _NOISE = log(_FACTOR), sigma * sqrt(dt)  # _NOISE is what `noise` stands for


def logarithm_changes(named: Iterable[str], model: Expr = _MODEL) -> bool:
    r"""Four parts of the method are compared with the additive method on $\log X$, whose model of
    the score is one more than the model of the Hyvärinen score: [[all]]. What differs is
    [[differs]]; the others are the same.

    The additive method is built from the generator of geometric Brownian motion applied to the
    logarithm: its Euler steps forward and backward, with the exponents [[forward]] and
    [[backward]], and its denoising loss with the residual [[residual]]. A multiplicative step is
    compared through its logarithm, by its slope in the draw and its value without a draw."""
    forward, backward, residual = _additive(model)
    ours = dt * (mu - s2 / 2) + noise * z, diff(_LOG_KERNEL - L, L) - h, SAMPLER + noise * z, _IN_X
    compared = zip(PARTS, ours, (forward, residual, backward, backward), strict=True)
    differ = {part for part, *pair in compared if not _same_increment(*pair)}
    # A step in X has the drift of the logarithm and the half of sigma^2 by Ito's formula.
    ambient = same(exp(_IN_X) - 1 - dt * s2 / 2, _METHOD[1])
    sized = same((_NOISE**2).subs(sigma**2, s2), dt * (_rate(L**2) - 2 * L * _rate(L)))
    return set(named) == differ and ambient and sized and _is_the_kernel(_LOG_KERNEL - log(v) / 2)


def _is_the_kernel(log_density: Expr) -> bool:
    """Whether it spreads as the normal law around log X_0 + m of variance v does."""
    slope = diff(log_density, L)
    spreads = diff(log_density, v) - (diff(slope, L) + slope**2) / 2
    return vanishes((spreads, diff(log_density, m) + slope, diff(log_density, L0) + slope))


def _rate(of_log: Expr) -> Expr:
    """The generator of geometric Brownian motion, applied to a function of log X."""
    rest = Matrix([s2 * x**2]), partials_of_exponentials((L,), (x,))
    return generator(of_log, Matrix([mu * x]), *rest)


def _additive(model: Expr) -> tuple[Expr, Expr, Expr]:
    """Exponents of the Euler steps of log X, forward and backward; the residual of the loss."""
    f = _rate(L)
    residual = cancel(diff(_LOG_KERNEL, L)) - model
    return dt * f + noise * z, -dt * (f - s2 * model) + noise * z, residual


_METHOD = _additive(_MODEL)


def _same_increment(multiplicative: Expr, additive: Expr) -> bool:
    gap = multiplicative - additive
    return same(diff(gap, z), 0) and same(gap.subs(z, 0), 0)


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        rate, delta, score = mpf("0.8"), mpf("0.001"), mpf("-0.3")
        drawn = lambdify((sigma, dt), _NOISE, "mpmath")(rate, delta)
        at = {mu: rate**2 / 2, s2: rate**2, dt: delta, h: score, noise: drawn}
        gap = lambdify((z, *at), _IN_X - _METHOD[1], "mpmath")
        size = mpmath.sqrt(normal_expectation(lambda draw: gap(draw, *at.values()) ** 2))
    where = f"sigma = {rate}, mu = sigma^2/2, delta = {delta}, Hyvarinen score {score}"
    label = f"log of a step of eq. (12) of version 2 less the additive step, r.m.s. ({where})"
    return Figure(label, size), Figure("the noise of that step", at[noise])


E27_RICHNESS = Claim(
    "E27-richness", "the log transform loses nothing for eq. (13)", logarithm_changes,
    holds=frozenset({AMBIENT}), equivalent=[AMBIENT, AMBIENT], twins={
        "nothing differs, eq. (12) of version 2 included": frozenset(),
        "the sampler (13) differs": frozenset({STEP, AMBIENT}),
        "the forward step differs": frozenset({FORWARD, AMBIENT}),
        "the loss differs": frozenset({LOSS, AMBIENT}),
    }, printed={"loses out completely on the richness": frozenset(PARTS)},
    shown=lambda named: {"differs": "; ".join(sorted(named)) or "none of them"},
    values=lambda: {"all": "; ".join(PARTS)} | dict(
        zip(
            ("forward", "backward", "residual"),
            (part.subs(noise, _NOISE) for part in _METHOD), strict=True,
        )
    ), names={**_NAMES, "v": "v", "m": "m"},
    sources=v1("sec. 1.1: log transform loses the richness"), sheet=("E27",),
    assumptions=(Assumption(
        "the network may represent 1 + x s_theta as well as s_theta",
        "it is the additive method's model of the score",
        lambda: not logarithm_changes(E27_RICHNESS.holds, model=h),
    ),), depends=("A9", "A10", "A11", "A12", "A13", "A16", "V1-22", "forms-of-the-score"),
    erratum=Erratum(
        Fault.OVERCLAIMED,
        quote="'While the log-transformation simplifies the calculations, it reduces the problem "
        "to the additive noise setting, losing out completely on the richness of the original "
        "multiplicative noise framework.'",
        trouble="The method of version 1 is itself the additive method on log X: same forward "
        "step, same residual in the loss, same sampler. Version 2 does not repeat the sentence; "
        "its Section 7 says that the Dale-Langevin sampler 'is equivalent to standard additive "
        "Langevin dynamics on the log-transformed variable' (E16). It adds eq. (12), which does "
        "differ.",
        figures=_figures))  # fmt: skip
CLAIMS = (R7, R7_NOISE, R17_BRIDGE, E27_RICHNESS)
