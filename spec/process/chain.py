"""The forward chain: its exact step, the step of Appendix C, the steps unrolled, the target.

u is the argument of a moment generating function."""

from collections.abc import Callable
from dataclasses import replace

from sympy import Expr, Function, Integer, Matrix, Poly, Rational, Symbol, diff, exp, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Means, Pin, Values, v1, v2
from spec.checking.pins import table
from spec.checking.symbols import L0, L, M, dt, mu, sigma, v
from spec.checking.trace import use
from spec.checking.typeset import Says
from spec.process.equations import A9, LOG_DRIFT, UNIQUE, left_over

y, y0, u, mu_k = symbols("y y0 u mu_k", real=True)
step2, S, r, sigma_k = symbols("delta' S r sigma_k", positive=True)
NOTHING, _HALF = Integer(0), Rational(1, 2)
_LOST = "formula lost in version 2; reconstructed: "
NAMES = {"M": r"\bar\mu_k", "S": r"\bar\sigma_k", "r": r"\sqrt\delta"}

INDEPENDENT = Assumption("the draws of the steps are independent",
    "the exponents of their moment generating functions add up", lambda: unrolls(_ONE_DRAW,
    independent=False),)  # fmt: skip
STEPS_APART = replace(INDEPENDENT, without=lambda: not is_the_exact_step(V1_22.holds,
    independent=False))  # fmt: skip


def is_the_exact_step(step: Callable[[Expr], tuple[Expr, Expr]], independent: bool = True) -> bool:
    r"""Given $X_k$, a step of the chain adds to $\log X$ a normal variable of mean $[[mean]]$ and
    variance $[[variance]]$. That is the law of the SDE after any time $\delta$, and steps of any
    two lengths make one step of the whole length: nothing is lost to discretization.

    The normal law solves the Fokker-Planck equation of A9 in $\delta$ and is a point where
    $\delta$ is zero. The exponents of the moment generating functions add up for two lengths; by
    induction any number of steps is one."""
    mean, var = step(dt)
    (drift, noise), law = A9.holds, ([y0 + mean], Matrix([var]))
    flow = left_over(law, [drift], Matrix([noise**2]), (y,), lambda e: diff(e, dt))
    if independent:
        use(STEPS_APART)
    # Otherwise one draw is used for both of two equal steps.
    other, shared = (step2, NOTHING) if independent else (dt, u**2 * step(dt)[1])
    one, two, both = (u * e + u**2 * f / 2 for e, f in map(step, (dt, other, dt + other)))
    return vanishes((flow, one + two + shared - both, *step(NOTHING)))


_STEPS = table("mu sigma t dt T", (0.37, 0.8, 0.7, 0.3, 1.0), (-1.9, 1.7, 0.3, 0.3, 3.0),
               (0.3200001, 0.8, 1.0, 1e-7, 1.0))  # fmt: skip
V1_22 = Claim(
    "V1-22", "the forward chain is exact", is_the_exact_step,
    holds=lambda d: (LOG_DRIFT * d, sigma**2 * d), twins={
        "noise delta sigma": lambda d: (LOG_DRIFT * d, sigma**2 * d**2),
        "no Itô term": lambda d: (mu * d, sigma**2 * d),
        "variance sigma delta": lambda d: (LOG_DRIFT * d, sigma * d),
        "drift of the reverse step": lambda d: ((LOG_DRIFT - sigma**2) * d, sigma**2 * d),
    }, shown=lambda step: dict(zip(("mean", "variance"), step(dt), strict=True)),
    sources=v1("eq. 22"), sheet=("A6",), assumptions=(
        Assumption(
            "a step starts from a known state", "it has to shrink to a point",
            lambda: not is_the_exact_step(lambda d: (LOG_DRIFT * d, sigma**2 * (d + 1))),
        ), UNIQUE, STEPS_APART, "the draws are independent of X_0",
    ), readings=("k runs to the last step (version 1 stops one short, see E4)",),
    # The second step of the pin lands on t = 0; the third is short, from a large time.
    depends=("A6", "A9"), pins=(Pin("gbm_ref.GBM.increments", _STEPS, lambda step: step(dt)),),
)  # fmt: skip

Rate = Callable[[Expr], Expr]
# (mu, sigma, delta) to what a step adds to mean and variance; the rates depend on time from t_k.
Rule = Callable[[Rate, Rate, Expr], tuple[Expr, Expr]]


def is_left_point_euler(candidate: tuple[Rule, Expr]) -> bool:
    r"""The Euler-Maruyama step adds to $\log X$ a normal variable of mean $[[mean]]$ and variance
    $[[variance]]$. It is exact where the rates are constant over the step. In general the exact
    step adds $[[mean_gap]]$ more to the mean and $[[variance_gap]]$ more to the variance, up to
    terms of third order in $\delta$; $m$ and $v$ are the integrals of A33.

    Euler-Maruyama keeps the rates of A33 at their values at $t_k$: the step holds no derivative
    of them. Decided with rates that are polynomials of degree two in the time since $t_k$, whose
    coefficients are symbols: their derivatives at $t_k$."""
    rule, half = candidate
    jets = symbols("f0:3"), symbols("g0:3")
    drift, diffusion = (lambda time, f=f: f[0] + f[1] * time + f[2] * time**2 / 2 for f in jets)
    slopes = dict.fromkeys((*jets[0][1:], *jets[1][1:]), 0)
    speeds, found = (drift(u) - diffusion(u) ** 2 / 2, diffusion(u) ** 2), []
    for speed, step in zip(speeds, rule(drift, diffusion, dt), strict=True):
        whole = Poly(speed, u).integrate()
        error = Poly(whole(dt) - step, dt)
        found += [error.coeff_monomial(1), error.coeff_monomial(dt), error.as_expr().subs(slopes)]
        second = _remainder(half, whole.as_expr(), u).subs(u, 0)
        found += [error.coeff_monomial(dt**2) * dt**2 - second]
        found += [diff(step, slope) for slope in slopes]
    return vanishes(found)


def _remainder(half: Expr, integral: Expr, time: Symbol) -> Expr:
    return half * dt**2 * diff(integral, time, 2)


def _euler(f: Rate, g: Rate, d: Expr) -> tuple[Expr, Expr]:
    return d * (f(0) - g(0) ** 2 / 2), d * g(0) ** 2


def _shown_step(candidate: tuple[Rule, Expr]) -> Values:
    rule, half = candidate
    now = Symbol("t_k")
    rates = (lambda time, name=name: Function(name)(now + time) for name in ("mu", "sigma"))
    of_time = {"mean_gap": Function("m"), "variance_gap": Function("v")}
    gaps = {name: _remainder(half, f(now), now) for name, f in of_time.items()}
    return dict(zip(("mean", "variance"), rule(*rates, dt), strict=True)) | gaps


A34 = Claim(
    "A34", "Euler-Maruyama step of the time-varying chain", is_left_point_euler,
    means=Means.CALCULUS, holds=(_euler, _HALF), twins={
        "rates at the right end": (
            lambda f, g, d: (d * (f(d) - g(d) ** 2 / 2), d * g(d) ** 2), -_HALF,
        ), "no Itô term": (lambda f, g, d: (d * f(0), d * g(0) ** 2), _HALF),
        "noise delta sigma": (lambda f, g, d: (_euler(f, g, d)[0], d**2 * g(0) ** 2), _HALF),
        "remainder of the wrong sign": (_euler, -_HALF),
    }, shown=_shown_step, names=NAMES, sources=v2("eq. 34"),
    assumptions=("mu and sigma are twice continuously differentiable, for the remainder",),
    readings=(_LOST + "what 'Euler-Maruyama discretization' means",), depends=("A33",),
)  # fmt: skip

# What no step adds, and what k + 1 steps add, from M, S and the rates at k.
Sums = tuple[tuple[Expr, Expr], tuple[Expr, Expr]]


def unrolls(sums: Sums, independent: bool = True) -> bool:
    r"""Given $X_0$, what $k$ steps add to $\log X$ is normal with mean $\bar\mu_k$ and variance
    $\bar\sigma_k^2$, where [[mean_0]], [[variance_0]], and [[mean]], [[variance]].

    By induction over $k$. A step of A34 adds a normal variable; for independent draws the
    exponents of the moment generating functions add up to that of a normal law."""
    if independent:
        use(INDEPENDENT)
    start, after = sums
    steps, noise = dt * (mu_k - sigma_k**2 / 2), r * sigma_k  # r is the root of dt
    variance = S**2 + noise**2 if independent else (S + noise) ** 2
    gap = u * (M + steps - after[0]) + u**2 * (variance - after[1]) / 2
    return vanishes((*start, gap.subs(dt, r**2)))


def _sums(mean: Expr, variance: Expr, first: Expr = NOTHING) -> Sums:
    return (NOTHING, first), (M + mean, S**2 + variance)


def _shown_sums(sums: Sums) -> Values:
    left = r"\bar\mu_0", r"\bar\sigma_0^2", r"\bar\mu_{k+1}", r"\bar\sigma_{k+1}^2"
    names = "mean_0", "variance_0", "mean", "variance"
    return dict(zip(names, map(Says, left, sum(sums, ())), strict=True))


_MEAN, _VARIANCE = dt * (mu_k - sigma_k**2 / 2), dt * sigma_k**2
_ONE_DRAW = _sums(_MEAN, _VARIANCE + 2 * S * r * sigma_k)
# Rates u0..u2, s0..s2 on three intervals of length T / 3; t lies in the second.
u0, u1, T, t, x1, x2, z1, z2, s0, s1 = symbols("u0 u1 T t x1 x2 z1 z2 s0 s1")
_M = (T * (u0 - s0**2 / 2) + (3 * t - T) * (u1 - s1**2 / 2)) / 3
_V = (T * s0**2 + (3 * t - T) * s1**2) / 3
_POINTS = table("u0 u1 u2 s0 s1 s2 T t v x1 x2 z1 z2",
          (0.31, -0.2, 0.7, 0.5, 0.8, 1.3, 1.0, 0.5, 0.2, 1.3, 0.02, -0.4, 1.9),
          (-1.4, 2.2, 0.1, 1.7, 0.02, 0.4, 2.4, 1.1, 2.31205, 55.0, 7e-4, 6.5, -3.1))  # fmt: skip


def _pin(method: str, formula: object, twin: object) -> Pin:
    name, twins = f"gbm_ref.PiecewiseGBM.{method}", {"rate of the other interval": twin}
    return Pin(name, _POINTS, because=_PIECES, formula=formula, twins=twins)


def _vectors(method: str, name: str, variant: str = "") -> Pin:
    method, name = f"gbm_ref.PiecewiseGBM.{method}", f"piecewise_{name}"
    return Pin(method, because=_PIECES, vectors=name, variant=variant)


def _sample(root: Expr) -> tuple[Expr, Expr]:
    return tuple(x * exp(_M + root * z) for x, z in ((x1, z1), (x2, z2)))


_PIECES = "its rates are constant on three intervals, whose shares are added up"
A35 = Claim(
    "A35", "the chain unrolled", unrolls, holds=_sums(_MEAN, _VARIANCE), twins={
        "one step counted before the first": _sums(_MEAN, _VARIANCE, _VARIANCE),
        "sum of the deviations squared": _ONE_DRAW,
        "delta^2 in the variance": _sums(_MEAN, dt * _VARIANCE),
        "no Itô term": _sums(dt * mu_k, _VARIANCE),
    }, shown=_shown_sums, names=NAMES, sources=v2("eq. 35"),
    assumptions=(INDEPENDENT, "the draws are independent of X_0"),
    readings=(_LOST + "the sums that eq. 34 forces", "an equality in law for each k (E19-i)"),
    depends=("A34",), pins=(
        _pin("drift", u1, u0), _pin("diffusion", s1, s0), _vectors("log_mean", "log_mean"),
        _vectors("log_var", "log_var"), _vectors("increments", "log_mean_increment", "mean"),
        _vectors("increments", "log_var_increment", "variance"),
        _pin("time_at_log_var", T / 3 + (v - T * s0**2 / 3) / s1**2, v / s1**2),
        _pin("sample", _sample(sqrt(_V)), _sample(sqrt(t) * s1)),
    ))  # fmt: skip


def is_the_target(target: Expr) -> bool:
    r"""With $\mu_k=[[drift]]$ at each step the mean $\bar\mu_k$ stays zero, and for $k$ at least
    one $X_k\circ\nabla\log p(X_k\mid X_0)=[[it]]$ for one coordinate.

    By A35 a step then adds nothing to the mean, so that $\log X_k$ is normal around $\log X_0$
    with variance $\bar\sigma_k^2$. The density of $X_k$ has the factor of the Jacobian."""
    use(NO_DRIFT)
    score = diff(-L - (L - L0) ** 2 / (2 * S**2), L)
    return vanishes((A35.holds[1][0].subs(mu_k, _CHOICE) - M, score - target))


_CHOICE = sigma_k**2 / 2
NO_DRIFT = Assumption("mu is sigma^2/2 at each step",
    "the mean of the kernel stays where the data are", lambda: not same(A35.holds[1][0].subs(mu_k,
    sigma_k**2), M),)  # fmt: skip
A35_TARGET = Claim(
    "A35-target", "target of the time-varying loss", is_the_target, holds=-(1 + (L - L0) / S**2),
    twins={
        "no Jacobian": -(L - L0) / S**2, "sigma-bar to the fourth power": -(1 + (L - L0) / S**4),
        "wrong sign": 1 + (L - L0) / S**2,
    }, values=lambda: {"drift": _CHOICE}, names=NAMES | {"L": r"\log X_{k}"},
    sources=v2("App. C: target"), sheet=("A35",),
    assumptions=(NO_DRIFT, "sigma is positive at every step"),
    readings=(_LOST + "what eq. 35 forces for that drift",), depends=("A35",))  # fmt: skip
CLAIMS = (V1_22, A34, A35, A35_TARGET)
